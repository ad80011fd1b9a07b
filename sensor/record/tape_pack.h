/* A record as few bytes. Private to the record room.
 *
 *   worker 1, kind 1, words 2, tag 4 (host byte order)
 *   which words differ: a bit each, the first word's the lowest of the first byte
 *   for each that does: where its bytes begin and how many they are (a nibble each), and those
 *
 * Differ from what: the same word of the record of this kind before, exclusive or; number and time
 * from the one before of any kind; and in a flow what is mostly equal to, or close to, another
 * member from that. */
#ifndef WEIR_SENSOR_RECORD_TAPE_PACK_H
#define WEIR_SENSOR_RECORD_TAPE_PACK_H

#include "weir/record/record.h"
#include "weir/record/tape.h"

#define TAPE_WORDS       (RECORD_MAX_BYTES / 8)
#define TAPE_HEAD        8u
#define TAPE_PACKED_MOST (TAPE_HEAD + TAPE_WORDS / 8 + TAPE_WORDS * 9u + 8u)

struct tape_packer {                               /* all zero to begin with, for either way */
    uint64_t before[RECORD_WATERMARK][TAPE_WORDS]; /* of each kind, as they were packed */
    uint64_t number, time;                         /* of the record before */
    union {
        struct record_header header;
        uint64_t word[TAPE_WORDS];
    } record; /* the one at hand */
};

bool tape_packs(const struct record_header *record); /* is it of a kind that can be? */
/* `to` has TAPE_PACKED_MOST bytes. Returns how many it takes. */
size_t tape_pack(struct tape_packer *packer, const struct record_header *record,
                 const struct tape_note *note, uint8_t *to);
/* How many bytes of `size` it took; 0: they are no record. `*record` until the next call. */
size_t tape_unpack(struct tape_packer *packer, const uint8_t *from, size_t size,
                   const struct record_header **record, struct tape_note *note);

#endif
