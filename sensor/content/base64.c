/* base64 (RFC 2045 6.8), as mail carries it: lines of any length, junk between.
 *
 * Bytes that are not of the alphabet are passed over, as the RFC asks; '=' ends a group of four,
 * and what comes behind it begins another. '-' and '_' of the URL alphabet (RFC 4648 5) are taken
 * too: mail has no other use for them. Missing bytes lose the place within a group: where lines
 * were seen the next one begins with a whole group (76 is a multiple of four, and so is what every
 * common sender writes); in one endless line the place is counted on.
 *
 * Bounds: a group is kept, and nothing else. Thread: the capture thread. */
#include "transfer.h"

#include "weir/base/buffer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define OUT_BYTES 3072u
#define NO_DIGIT  64u

/* Of ASCII; what is beyond has none. */
static const uint8_t digit_of[128] = {
    // clang-format off
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 62, 64, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64,
    64, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 63,
    64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64,
    // clang-format on
};

struct base64 {
    struct filter filter;
    struct filter *next;
    uint32_t group;  /* the digits of an unfinished group */
    uint8_t digits;  /* how many */
    bool lines_seen; /* a line's end was among the bytes */
    bool lost;       /* nothing until the next line */
    uint8_t passing; /* digits of a group whose first ones are missing */
    bool guessed;    /* the place was counted on over missing bytes: to the next line */
};

struct out {
    uint8_t data[OUT_BYTES];
    size_t size;
};

static void flush(struct base64 *b, struct out *out)
{
    filter_put(b->next, out->data, out->size);
    out->size = 0;
}

static void make(struct base64 *b, struct out *out, uint32_t three, unsigned bytes)
{
    if (out->size > OUT_BYTES - 3)
        flush(b, out);
    for (unsigned i = 0; i < bytes; i++)
        out->data[out->size++] = (uint8_t)(three >> (16 - 8 * i));
}

static uint8_t digit(uint8_t byte)
{
    return byte < 128 ? digit_of[byte] : NO_DIGIT;
}

/* The group ends early: two digits make a byte, three make two. */
static void end_group(struct base64 *b, struct out *out)
{
    if (b->digits > 1)
        make(b, out, b->group << (6 * (4u - b->digits)), b->digits - 1u);
    b->digits = 0;
    b->group = 0;
}

static void one(struct base64 *b, struct out *out, uint8_t byte)
{
    uint8_t value = digit(byte);
    if (value < NO_DIGIT && b->passing) {
        b->passing--;
    } else if (value < NO_DIGIT) {
        b->group = b->group << 6 | value;
        if (++b->digits == 4)
            end_group(b, out);
    } else if (byte == '=') {
        b->passing = 0;
        end_group(b, out);
    } else if (byte == '\n') {
        b->lines_seen = true;
        b->digits = b->guessed ? 0 : b->digits;
        b->passing = 0;
        b->guessed = false;
    }
}

/* Whole groups, as most of it is; how many bytes they were. */
static size_t take_groups(struct base64 *b, struct out *out, const uint8_t *data, size_t size)
{
    size_t at = 0;
    for (; b->digits == 0 && b->passing == 0 && size - at >= 4; at += 4) {
        uint8_t d[4] = {digit(data[at]), digit(data[at + 1]), digit(data[at + 2]),
                        digit(data[at + 3])};
        if ((d[0] | d[1] | d[2] | d[3]) & NO_DIGIT)
            break;
        make(b, out, (uint32_t)d[0] << 18 | (uint32_t)d[1] << 12 | (uint32_t)d[2] << 6 | d[3], 3);
    }
    return at;
}

static void put(struct filter *filter, const uint8_t *data, size_t size)
{
    struct base64 *b = (struct base64 *)filter;
    struct out out;
    size_t at = 0;
    out.size = 0;
    if (b->lost) {
        const uint8_t *end = memchr(data, '\n', size);
        if (!end)
            return;
        at = (size_t)(end - data);
        b->lost = false;
    }
    while (at < size) {
        at += take_groups(b, &out, data + at, size - at);
        if (at < size)
            one(b, &out, data[at++]);
    }
    flush(b, &out);
}

static void gap(struct filter *filter, uint64_t bytes)
{
    struct base64 *b = (struct base64 *)filter;
    unsigned place = (unsigned)((4u - b->passing + b->digits + bytes) % 4);
    b->group = 0;
    b->digits = 0;
    filter_gap(b->next, bytes);
    if (b->lines_seen || b->lost)
        b->lost = true;
    else
        b->passing = (uint8_t)((4 - place) % 4);
    b->guessed = !b->lost;
}

static void end(struct filter *filter)
{
    struct base64 *b = (struct base64 *)filter;
    struct out out;
    out.size = 0;
    end_group(b, &out);
    flush(b, &out);
    filter_end(b->next);
    free(b);
}

struct filter *base64_filter_new(struct filter *next)
{
    static const struct filter_ops ops = {put, gap, end};
    struct base64 *b = xcalloc(1, sizeof *b);
    b->filter.ops = &ops;
    b->next = next;
    return &b->filter;
}
