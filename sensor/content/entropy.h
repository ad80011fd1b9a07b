/* Shannon's entropy of a side's first bytes, by a histogram of bytes: 0 to 8 bits a byte, told in
 * thousandths. No correction for few bytes is made: a sample of n random bytes says less than 8
 * (7.95 for 4,096), so few bytes say nothing at all. In whole numbers: the same everywhere. */
#ifndef WEIR_SENSOR_CONTENT_ENTROPY_H
#define WEIR_SENSOR_CONTENT_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTROPY_BYTES     4096u
#define ENTROPY_BYTES_MIN 64u /* below, 0: not known */

struct entropy {
    uint16_t bytes;
    uint16_t count[256];
};

/* Counts up to ENTROPY_BYTES; true: that many are counted. */
bool entropy_put(struct entropy *entropy, const uint8_t *data, size_t size);
/* Thousandths of a bit a byte; at least 1 where it is known. */
uint16_t entropy_thousandths(const struct entropy *entropy);

#endif
