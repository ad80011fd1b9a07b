/* Any text, with pseudonyms: it ends, nothing that is inside is left to find, and it is the same
 * again. Of JSON: what comes out is JSON. */
#include "weir/alert/pseudonym.h"
#include "weir/base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void on_address(void *context, const struct ip *ip)
{
    must(!pseudonyms_hide(context, ip));
}

static void check(struct pseudonyms *p, char *text)
{
    char *again = pseudonyms_text(p, text, strlen(text));
    pseudonyms_each(text, strlen(text), on_address, p);
    must(strcmp(again, text) == 0);
    free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[PSEUDONYM_KEY_SIZE];
    struct inside inside;
    if (size > 16384 || memchr(data, 0, size))
        return 0;
    inside_init(&inside);
    prefix_set_default_inside(&inside.everywhere);
    struct pseudonyms *p = pseudonyms_new(key, &inside);
    check(p, pseudonyms_text(p, (const char *)data, size));
    char *line = pseudonyms_line(p, (const char *)data, size);
    struct json_value *record = json_parse((const char *)data, size, NULL);
    struct json_value *hidden = json_parse(line, strlen(line), NULL);
    must(!json_is_record(record) || json_is_record(hidden));
    json_value_free(record);
    json_value_free(hidden);
    free(line);
    pseudonyms_free(p);
    inside_fini(&inside);
    return 0;
}
