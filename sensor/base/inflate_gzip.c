/* gzip (RFC 1952) by zlib, which checks the length and the CRC of each member. The window is 32 KiB
 * by definition. Thread: the caller's. */
#include "inflate_rows.h"
#include "weir/base/buffer.h"

#include <limits.h>
#include <stdlib.h>
#define ZLIB_CONST /* it reads its input only */
#include <zlib.h>

#define ONLY_GZIP                                                                                  \
    (15 + 16) /* zlib's inflateInit2: window bits, and neither zlib's format nor a guess */

static bool recognise(const uint8_t *head, size_t size)
{
    return size >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8; /* 8: deflate */
}

static void *open_state(void)
{
    z_stream *z = xcalloc(1, sizeof *z);
    if (inflateInit2(z, ONLY_GZIP) == Z_OK)
        return z;
    free(z);
    return NULL;
}

static bool begin(void *state)
{
    return inflateReset(state) == Z_OK;
}

static uInt at_most(size_t size)
{
    return size < UINT_MAX ? (uInt)size : UINT_MAX;
}

static enum member_result go_on(void *state, struct inflate_step *step)
{
    z_stream *z = state;
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

static void close_state(void *state)
{
    inflateEnd(state);
    free(state);
}

const struct inflate_row inflate_gzip = {"gzip", recognise, open_state, begin, go_on, close_state};
