/* Any text as an address and as a prefix: what is accepted reads the same from its own text. */
#include "weir/base/address.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void try_address(const char *text)
{
    char again[IP_TEXT_SIZE];
    struct ip ip, same;
    if (ip_parse(text, &ip) != 0)
        return;
    must(ip_parse(ip_text(&ip, again), &same) == 0 && ip_compare(&ip, &same) == 0);
    must(ip_is_v4(&ip) == (strchr(again, ':') == NULL));
    (void)ip_is_broadcast(&ip);
}

static void try_prefix(const char *text)
{
    char again[PREFIX_TEXT_SIZE];
    struct prefix prefix, same;
    struct error error = {0};
    int failed = prefix_parse(text, &prefix, &error);
    must((failed != 0) == (error.code != ERROR_NONE));
    if (failed)
        return;
    must(prefix.bits <= 128 && prefix_has(&prefix, &prefix.ip));
    must(prefix_parse(prefix_text(&prefix, again), &same, NULL) == 0);
    must(same.bits == prefix.bits && ip_compare(&same.ip, &prefix.ip) == 0);
    struct prefix_set set;
    prefix_set_init(&set);
    prefix_set_default_inside(&set);
    prefix_set_add(&set, prefix);
    must(prefix_set_has(&set, &prefix.ip));
    prefix_set_fini(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    must(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    try_address(text);
    try_prefix(text);
    free(text);
    return 0;
}
