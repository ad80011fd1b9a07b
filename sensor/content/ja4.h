/* JA4 of a TLS client (FoxIO's description of 2023): what the hello offers, as one text. Pure. */
#ifndef WEIR_SENSOR_CONTENT_JA4_H
#define WEIR_SENSOR_CONTENT_JA4_H

#include "weir/content/names.h"

#define JA4_LIST_MAX 1024u /* longer lists are no client's */

struct ja4_list {
    uint16_t value[JA4_LIST_MAX]; /* without GREASE */
    size_t count;
};

struct ja4_parts {
    enum hello_carrier carrier;
    uint16_t version; /* the highest that is offered */
    bool has_name, overflow;
    struct ja4_list ciphers, extensions, signatures;
    const uint8_t *alpn; /* the first value */
    size_t alpn_size;
};

void ja4_add(struct ja4_parts *parts, struct ja4_list *list, uint16_t value);
/* Sorts ciphers and extensions. "" when a list was too long. */
void ja4_text(struct ja4_parts *parts, char text[JA4_SIZE]);

#endif
