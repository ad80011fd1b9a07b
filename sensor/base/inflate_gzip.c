/* gzip (RFC 1952) by zlib, which checks the length and the CRC of each member, and HTTP's "deflate"
 * (RFC 9110 8.4.1.2): zlib's format (RFC 1950) or, as many have sent it ever since, bare deflate
 * (RFC 1951). The first byte tells: 8 in its lower half would be a stored block with bits in its
 * padding, which no compressor writes. The window is 32 KiB by definition. Thread: the caller's. */
#include "inflate_rows.h"
#include "weir/base/buffer.h"

#include <limits.h>
#include <stdlib.h>
#define ZLIB_CONST /* it reads its input only */
#include <zlib.h>

#define ONLY_GZIP                                                                                  \
    (15 + 16) /* zlib's inflateInit2: window bits, and neither zlib's format nor a guess */
#define ONLY_ZLIB  15
#define BARE       (-15)
#define HELD_BYTES 49152u /* zlib's own word: some 7 KiB and the window */

struct deflate {
    z_stream z; /* first: gzip's state is one of these */
    bool begun; /* the first byte was seen */
};

static bool recognise(const uint8_t *head, size_t size)
{
    return size >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8; /* 8: deflate */
}

static void *open_bits(int bits)
{
    struct deflate *deflate = xcalloc(1, sizeof *deflate);
    if (inflateInit2(&deflate->z, bits) == Z_OK)
        return deflate;
    free(deflate);
    return NULL;
}

static void *open_gzip(size_t window_bytes)
{
    (void)window_bytes;
    return open_bits(ONLY_GZIP);
}

static void *open_deflate(size_t window_bytes)
{
    (void)window_bytes;
    return open_bits(ONLY_ZLIB);
}

static bool begin(void *state)
{
    return inflateReset(&((struct deflate *)state)->z) == Z_OK;
}

static uInt at_most(size_t size)
{
    return size < UINT_MAX ? (uInt)size : UINT_MAX;
}

static enum member_result go_on(void *state, struct inflate_step *step)
{
    z_stream *z = &((struct deflate *)state)->z;
    uInt in = at_most(step->in_size), out = at_most(step->out_size);
    z->next_in = step->in;
    z->avail_in = in;
    z->next_out = step->out;
    z->avail_out = out;
    int got = inflate(z, Z_NO_FLUSH);
    step->in += in - z->avail_in;
    step->in_size -= in - z->avail_in;
    step->out += out - z->avail_out;
    step->out_size -= out - z->avail_out;
    if (got == Z_STREAM_END)
        return MEMBER_ENDS;
    if (got == Z_MEM_ERROR)
        return MEMBER_TOO_LARGE;
    return got == Z_OK || got == Z_BUF_ERROR ? MEMBER_GOES_ON : MEMBER_DAMAGED;
}

static enum member_result go_on_deflate(void *state, struct inflate_step *step)
{
    struct deflate *deflate = state;
    if (!deflate->begun && step->in_size > 0) {
        deflate->begun = true;
        if ((*step->in & 0x0f) != Z_DEFLATED && inflateReset2(&deflate->z, BARE) != Z_OK)
            return MEMBER_TOO_LARGE;
    }
    return go_on(state, step);
}

static void close_state(void *state)
{
    inflateEnd(&((struct deflate *)state)->z);
    free(state);
}

static size_t memory_bytes(const void *state)
{
    (void)state;
    return HELD_BYTES;
}

const struct inflate_row inflate_gzip = {"gzip", recognise,   open_gzip,   begin,
                                         go_on,  close_state, memory_bytes};
const struct inflate_row inflate_deflate = {"deflate",     NULL,        open_deflate, begin,
                                            go_on_deflate, close_state, memory_bytes};
