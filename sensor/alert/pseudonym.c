/* See pseudonym.h. Which texts are addresses is pseudonym_find.c's to say; what becomes of them is
 * here, and of whole records pseudonym_line.c's. */
#include "pseudonym_local.h"

#include "weir/base/device.h"
#include "weir/base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS 10 /* of five bits */
#define PREFIX  5  /* "host-", "flow-" */

struct pseudonyms {
    uint8_t key[PSEUDONYM_KEY_SIZE];
    struct prefix_set inside;
};

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* Crockford's: no i, l, o, u */

static char *keyed(const struct pseudonyms *p, const char *kind, const void *data, size_t size,
                   char text[PSEUDONYM_SIZE])
{
    uint8_t hash[SHA256_SIZE];
    struct buffer input = {0};
    buffer_text(&input, "%s", kind);
    buffer_put(&input, data, size);
    digest_hmac_sha256(p->key, sizeof p->key, input.data, input.size, hash);
    buffer_fini(&input);
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++)
        bits = bits << 8u | hash[i];
    size_t at = (size_t)snprintf(text, PSEUDONYM_SIZE, "%s", kind);
    for (int i = 0; i < LETTERS; i++, bits <<= 5u)
        text[at++] = alphabet[bits >> 59u];
    text[at] = '\0';
    return text;
}

static void add_nets(struct prefix_set *to, const struct prefix_set *from)
{
    for (size_t i = 0; i < from->count; i++)
        prefix_set_add(to, from->item[i]);
}

struct pseudonyms *pseudonyms_new(const uint8_t key[PSEUDONYM_KEY_SIZE],
                                  const struct inside *inside)
{
    struct pseudonyms *p = xcalloc(1, sizeof *p);
    char text[PSEUDONYM_SIZE];
    memcpy(p->key, key, sizeof p->key);
    prefix_set_init(&p->inside);
    add_nets(&p->inside, &inside->everywhere);
    for (size_t i = 0; i < inside->place_count; i++)
        add_nets(&p->inside, &inside->place[i].nets);
    keyed(p, "host-", "", 0, text); /* what the library loads for it, it loads before any wall */
    return p;
}

void pseudonyms_free(struct pseudonyms *pseudonyms)
{
    if (!pseudonyms)
        return;
    prefix_set_fini(&pseudonyms->inside);
    explicit_bzero(pseudonyms->key, sizeof pseudonyms->key);
    free(pseudonyms);
}

bool pseudonyms_hide(const struct pseudonyms *p, const struct ip *ip)
{
    return ip_is_device(ip) || prefix_set_has(&p->inside, ip);
}

char *pseudonym_of(const struct pseudonyms *p, const struct ip *ip, char text[PSEUDONYM_SIZE])
{
    return keyed(p, "host-", ip->byte, sizeof ip->byte, text);
}

bool pseudonym_is(const char *text)
{
    return strncmp(text, "host-", PREFIX) == 0 && strlen(text) == PREFIX + LETTERS &&
           strspn(text + PREFIX, alphabet) == LETTERS;
}

char *pseudonyms_text(const struct pseudonyms *p, const char *text, size_t size)
{
    struct buffer out = {0};
    struct found found;
    char name[PSEUDONYM_SIZE];
    for (size_t at = 0; at < size; at += found.size) {
        bool any = find_at(text, size, at, &found);
        if (any && found.is_flow)
            buffer_text(&out, "%s", keyed(p, "flow-", text + at, found.size, name));
        else if (any && !found.is_network && pseudonyms_hide(p, &found.ip))
            buffer_text(&out, "%s", pseudonym_of(p, &found.ip, name));
        else if (any && found.backwards && pseudonyms_hide(p, &found.reverse))
            buffer_text(&out, "%s", pseudonym_of(p, &found.reverse, name));
        else
            buffer_put(&out, text + at, found.size);
    }
    buffer_u8(&out, 0);
    return (char *)out.data;
}

void pseudonyms_each(const char *text, size_t size,
                     void (*each)(void *context, const struct ip *ip), void *context)
{
    struct found found;
    for (size_t at = 0; at < size; at += found.size)
        if (find_at(text, size, at, &found) && !found.is_flow && !found.is_network)
            each(context, &found.ip);
}
