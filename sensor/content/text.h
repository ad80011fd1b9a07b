/* How much of some bytes is text: printable ASCII, white space and well-formed UTF-8. */
#ifndef WEIR_SENSOR_CONTENT_TEXT_H
#define WEIR_SENSOR_CONTENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_counts {
    uint32_t text;    /* bytes of text */
    uint32_t control; /* control characters that text does not have */
    uint32_t bytes;   /* all but NUL, which pads text as well as binary */
};
void text_count(struct text_counts *counts, const uint8_t *data, size_t size); /* adds */
bool text_is_most(const struct text_counts *counts);                           /* >= 70 % */

/* Begins with 16 bytes of printable ASCII and white space: one of five million random ones does. */
bool text_begins(const uint8_t *data, size_t size);

#endif
