/* Quoted-printable (RFC 2045 6.7): "=40" is '@', and '=' at a line's end joins it with the next.
 *
 * What is no such thing stands for itself, as every reader of mail has it ("a=b" in a message that
 * was never encoded). White space between '=' and the line's end was added on the way and is passed
 * over. White space before an unquoted line's end is kept: it is of no use to anybody here.
 *
 * Bounds: three bytes are kept. Thread: the capture thread. */
#include "transfer.h"

#include "weir/base/buffer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define OUT_BYTES 2048u

enum place {
    PLACE_TEXT,
    PLACE_SIGN,  /* behind '=' */
    PLACE_DIGIT, /* behind '=' and a hexadecimal digit */
    PLACE_SPACE, /* behind '=' and white space */
    PLACE_RETURN /* behind '=', perhaps white space, and CR */
};

struct quoted {
    struct filter filter;
    struct filter *next;
    uint8_t place; /* enum place */
    uint8_t digit; /* as it was written */
};

struct out {
    uint8_t data[OUT_BYTES];
    size_t size;
};

static void flush(struct quoted *q, struct out *out)
{
    filter_put(q->next, out->data, out->size);
    out->size = 0;
}

static void make(struct quoted *q, struct out *out, const void *data, size_t size)
{
    if (size > OUT_BYTES - out->size)
        flush(q, out);
    if (size > OUT_BYTES) {
        filter_put(q->next, data, size);
        return;
    }
    memcpy(out->data + out->size, data, size);
    out->size += size;
}

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What was held back turns out to stand for itself. */
static void give_back(struct quoted *q, struct out *out)
{
    const uint8_t held[2] = {'=', q->place == PLACE_SPACE ? ' ' : q->digit};
    if (q->place == PLACE_SIGN)
        make(q, out, held, 1);
    else if (q->place == PLACE_DIGIT || q->place == PLACE_SPACE)
        make(q, out, held, 2);
    q->place = PLACE_TEXT;
}

/* Behind '=': true when the byte belongs to it. */
static bool take_quoted(struct quoted *q, struct out *out, uint8_t byte)
{
    if (q->place == PLACE_DIGIT && hex(byte) >= 0) {
        const uint8_t value = (uint8_t)((unsigned)hex(q->digit) << 4 | (unsigned)hex(byte));
        make(q, out, &value, 1);
        q->place = PLACE_TEXT;
    } else if (q->place == PLACE_SIGN && hex(byte) >= 0) {
        q->digit = byte;
        q->place = PLACE_DIGIT;
    } else if (q->place != PLACE_DIGIT && byte == '\n') {
        q->place = PLACE_TEXT;
    } else if ((q->place == PLACE_SIGN || q->place == PLACE_SPACE) && byte == '\r') {
        q->place = PLACE_RETURN;
    } else if ((q->place == PLACE_SIGN || q->place == PLACE_SPACE) &&
               (byte == ' ' || byte == '\t')) {
        q->place = PLACE_SPACE;
    } else {
        give_back(q, out);
        return false;
    }
    return true;
}

static void put(struct filter *filter, const uint8_t *data, size_t size)
{
    struct quoted *q = (struct quoted *)filter;
    struct out out;
    out.size = 0;
    for (size_t at = 0; at < size;) {
        if (q->place != PLACE_TEXT) {
            at += take_quoted(q, &out, data[at]);
            continue;
        }
        const uint8_t *sign = memchr(data + at, '=', size - at);
        size_t plain = sign ? (size_t)(sign - (data + at)) : size - at;
        make(q, &out, data + at, plain);
        at += plain + (sign != NULL);
        if (sign)
            q->place = PLACE_SIGN;
    }
    flush(q, &out);
}

static void gap(struct filter *filter, uint64_t bytes)
{
    struct quoted *q = (struct quoted *)filter;
    q->place = PLACE_TEXT; /* half of something */
    filter_gap(q->next, bytes);
}

static void end(struct filter *filter)
{
    struct quoted *q = (struct quoted *)filter;
    struct out out;
    out.size = 0;
    give_back(q, &out);
    flush(q, &out);
    filter_end(q->next);
    free(q);
}

struct filter *quoted_filter_new(struct filter *next)
{
    static const struct filter_ops ops = {put, gap, end};
    struct quoted *q = xcalloc(1, sizeof *q);
    q->filter.ops = &ops;
    q->next = next;
    return &q->filter;
}
