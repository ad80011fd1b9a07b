/* A decoder in front of the next filter.
 *
 * It is opened with the first byte and closed as soon as it is of no use, for what decoders hold is
 * dear: all together stay below CONTENT_INFLATE_BYTES (the one that goes beyond is closed, and its
 * body inspected as it was sent). After damage, or CODING_SILENT_BYTES of which nothing was made,
 * the rest is inspected as it is, and what the decoder took before it had made anything, to
 * FIRST_BYTES: a false label hides nothing, however its bytes were cut. After a gap nothing can be
 * undone any more, and the rest is as missing to the next filter. At a bound, too: a bomb's bytes
 * are worth nothing, packed or not. Output goes on in pieces of the stack, so a byte costs time and
 * no memory. */
#include "coding.h"

#include "weir/base/buffer.h"
#include "weir/base/inflate.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES  8192u
#define FIRST_BYTES  64u        /* no decoder takes more than a few of plain text for its own */
#define WINDOW_BYTES (8u << 20) /* RFC 9659: of zstd in HTTP */

enum mode {
    MODE_NEW,     /* nothing came yet */
    MODE_UNDOING, /* … the coding */
    MODE_AS_SENT, /* it could not be: the bytes go on as they are */
    MODE_MISSING, /* they go no further */
};

struct coding {
    struct filter filter;
    struct coding_fate *fate;
    struct filter *next;
    struct inflate *inflate;
    const char *name;
    size_t held_bytes; /* of the decoder, as far as it is counted */
    uint64_t made_bytes;
    uint64_t silent_bytes; /* taken since something was made */
    uint8_t mode;
    uint8_t first_size;
    uint8_t first[FIRST_BYTES]; /* taken before anything was made */
};

static struct content *content_of(const struct coding *coding)
{
    return coding->fate->side->owner->content;
}

static void close_decoder(struct coding *coding, enum mode mode)
{
    inflate_free(coding->inflate);
    coding->inflate = NULL;
    content_of(coding)->inflate_bytes -= coding->held_bytes;
    coding->held_bytes = 0;
    coding->mode = (uint8_t)mode;
}

/* What the decoder holds now. False: all together hold too much. */
static bool count_memory(struct coding *coding)
{
    struct content *content = content_of(coding);
    size_t now = inflate_memory_bytes(coding->inflate);
    content->inflate_bytes += now - coding->held_bytes;
    coding->held_bytes = now;
    return content->inflate_bytes <= CONTENT_INFLATE_BYTES;
}

bool coding_is_beyond(const struct side *side)
{
    return side->inflated_bytes > CODING_FREE_BYTES + CODING_RATIO * side->inspected_bytes;
}

static bool is_bomb(const struct coding *coding)
{
    return coding->made_bytes > CODING_BODY_BYTES || coding_is_beyond(coding->fate->side);
}

static void open_decoder(struct coding *coding)
{
    if (content_of(coding)->inflate_bytes < CONTENT_INFLATE_BYTES)
        coding->inflate = inflate_new_named(coding->name, WINDOW_BYTES);
    coding->mode = coding->inflate ? MODE_UNDOING : MODE_AS_SENT;
    coding->fate->unread |= !coding->inflate;
}

/* One piece of output. False: that was all of the input, or the end of undoing. */
static bool one_piece(struct coding *coding, struct inflate_step *step)
{
    uint8_t out[PIECE_BYTES];
    step->out = out;
    step->out_size = sizeof out;
    enum inflate_result result = inflate_go_on(coding->inflate, step);
    size_t made = sizeof out - step->out_size;
    coding->made_bytes += made;
    coding->fate->side->inflated_bytes += made;
    filter_put(coding->next, out, made);
    if (result == INFLATE_DAMAGED) {
        coding->fate->damaged = true;
        close_decoder(coding, MODE_AS_SENT);
    } else if (result == INFLATE_TOO_LARGE || !count_memory(coding)) {
        coding->fate->unread = true;
        close_decoder(coding, MODE_AS_SENT);
    } else if (is_bomb(coding)) {
        coding->fate->bomb = true;
        close_decoder(coding, MODE_MISSING);
    }
    return coding->inflate && step->out_size == 0;
}

/* It was never what was said: what the decoder took goes on as it was sent. */
static void put_first(struct coding *coding, const uint8_t *data, size_t size)
{
    filter_put(coding->next, coding->first, coding->first_size);
    if (coding->silent_bytes > coding->first_size)
        filter_gap(coding->next, coding->silent_bytes - coding->first_size);
    filter_put(coding->next, data, size);
}

static void keep_first(struct coding *coding, const uint8_t *data, size_t size)
{
    size_t room = sizeof coding->first - coding->first_size, some = size < room ? size : room;
    memcpy(coding->first + coding->first_size, data, some);
    coding->first_size = (uint8_t)(coding->first_size + some);
}

/* Nothing was made of these bytes. */
static void stay_silent(struct coding *coding, const uint8_t *data, size_t size)
{
    if (coding->made_bytes == 0)
        keep_first(coding, data, size);
    coding->silent_bytes += size;
    if (coding->silent_bytes <= CODING_SILENT_BYTES)
        return;
    coding->fate->damaged = true;
    close_decoder(coding, MODE_AS_SENT);
    filter_gap(coding->next, 1);
}

static void undo(struct coding *coding, const uint8_t *data, size_t size)
{
    struct inflate_step step = {.in = data, .in_size = size};
    uint64_t made = coding->made_bytes;
    while (one_piece(coding, &step))
        ;
    if (coding->mode == MODE_UNDOING && coding->made_bytes == made) {
        stay_silent(coding, data, size);
    } else if (coding->mode == MODE_UNDOING) {
        coding->silent_bytes = 0;
    } else {
        filter_gap(coding->next, 1); /* what comes now does not follow what came before */
        if (coding->mode == MODE_AS_SENT && coding->made_bytes == 0)
            put_first(coding, data, size);
        else if (coding->mode == MODE_AS_SENT)
            filter_put(coding->next, step.in, step.in_size);
    }
}

static void put(struct filter *filter, const uint8_t *data, size_t size)
{
    struct coding *coding = (struct coding *)filter;
    if (coding->mode == MODE_NEW)
        open_decoder(coding);
    if (coding->mode == MODE_UNDOING)
        undo(coding, data, size);
    else if (coding->mode == MODE_AS_SENT)
        filter_put(coding->next, data, size);
    else
        filter_gap(coding->next, size);
}

static void gap(struct filter *filter, uint64_t bytes)
{
    struct coding *coding = (struct coding *)filter;
    filter_gap(coding->next, bytes);
    if (coding->mode != MODE_NEW && coding->mode != MODE_UNDOING)
        return;
    coding->fate->damaged = true;
    close_decoder(coding, MODE_MISSING);
}

static void end(struct filter *filter)
{
    struct coding *coding = (struct coding *)filter;
    if (coding->mode == MODE_UNDOING && !inflate_is_complete(coding->inflate))
        coding->fate->damaged = true;
    close_decoder(coding, MODE_MISSING);
    filter_end(coding->next);
    free(coding);
}

static const char *name_of(enum body_coding coding)
{
    static const char *const name[CODINGS] = {
        [CODING_GZIP] = "gzip",
        [CODING_DEFLATE] = "deflate",
        [CODING_BROTLI] = "br",
        [CODING_ZSTD] = "zstd",
    };
    return name[coding];
}

bool coding_inflates(enum body_coding coding)
{
    return name_of(coding) != NULL;
}

struct filter *coding_filter_new(struct coding_fate *fate, enum body_coding which,
                                 struct filter *next)
{
    static const struct filter_ops ops = {put, gap, end};
    struct coding *coding = xcalloc(1, sizeof *coding);
    coding->filter.ops = &ops;
    coding->fate = fate;
    coding->next = next;
    coding->name = name_of(which);
    return &coding->filter;
}
