/* What stands before an IMAP literal, and what that makes of it (RFC 9051 4.3, 6.4.5, 7.5.2). Pure.
 */
#ifndef WEIR_SENSOR_CONTENT_IMAP_ITEM_H
#define WEIR_SENSOR_CONTENT_IMAP_ITEM_H

#include "span.h"

#include <stdbool.h>
#include <stdint.h>

struct imap_literal {
    uint64_t bytes;
    bool waits; /* a client's: until the server grants it */
};

/* "… {1234}", "{1234+}", "~{1234}" at the line's end: cuts it off. False: the line has none. */
bool imap_take_literal(struct text_span *line, struct imap_literal *literal);

/* The first argument of a command behind its tag and name: an atom, or a quoted string's inside
 * (escapes as they stand). Empty: there is none, or it is a literal. */
struct text_span imap_argument(struct text_span line);

struct imap_item {
    bool message;  /* it has a head, or is the text of one that has */
    bool headless; /* … or its middle */
    bool part;     /* one part, or a text: nothing says how it is encoded */
    bool partial;  /* from `origin` on */
    uint64_t origin;
};

/* "… BODY[1.2]<0>". False: what is sent is no part of a message. */
bool imap_read_item(struct text_span text, struct imap_item *item);

#endif
