/* Base64 in a word of a protocol (RFC 4648 4 and 5): both alphabets, with padding or without. For
 * bodies there is base64.c. Pure; no allocation. */
#ifndef WEIR_SENSOR_CONTENT_SEXTETS_H
#define WEIR_SENSOR_CONTENT_SEXTETS_H

#include "span.h"

#include <stdint.h>

/* Up to the first character that is none of it, and to `room` bytes; returns how many. */
size_t sextets_decode(struct text_span text, uint8_t *out, size_t room);

#endif
