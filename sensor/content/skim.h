/* Where in some bytes a number that counts could be: one pass, 64 bytes at a time. Pure. */
#ifndef WEIR_SENSOR_CONTENT_SKIM_H
#define WEIR_SENSOR_CONTENT_SKIM_H

#include <stddef.h>
#include <stdint.h>

#define SKIM_BLOCK 64u
#define SKIM_SLICE 2048u             /* at most, of one call */
#define SKIM_ROOM  (SKIM_SLICE / 2u) /* places that a slice can have: "+1+1+1 …" */

/* The places in [from, to) of `data`, ascending: of each run of at least four digits the fourth
 * one, and each digit behind a '+'. What is before `from` is looked at too, nothing from `to` on.
 * Returns how many there are. */
size_t skim(const uint8_t *data, size_t from, size_t to, uint32_t place[SKIM_ROOM]);

/* Bit i: data[i] of a block is a digit; is a '+'. `plus` may stay 0 where there is no digit. */
struct skim_masks {
    uint64_t digit, plus;
};
typedef struct skim_masks skim_masks_function(const uint8_t *block);
/* NULL: this processor, or this build, does not have it. */
skim_masks_function *skim_sse2(void), *skim_avx2(void);
struct skim_masks skim_portable(const uint8_t *block);

#endif
