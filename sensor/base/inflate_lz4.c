/* lz4 frames (lz4_Frame_format.md 1.6.1). Blocks are 4 MiB at most by definition. Thread: the
 * caller's. */
#include "inflate_rows.h"

#include <lz4frame.h>

static bool recognise(const uint8_t *head, size_t size)
{
    return size >= 4 && head[0] == 0x04 && head[1] == 0x22 && head[2] == 0x4d && head[3] == 0x18;
}

static void *open_state(size_t window_bytes)
{
    (void)window_bytes;
    LZ4F_dctx *context = NULL;
    return LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) ? NULL : context;
}

static bool begin(void *state)
{
    LZ4F_resetDecompressionContext(state);
    return true;
}

static enum member_result go_on(void *state, struct inflate_step *step)
{
    size_t in = step->in_size, out = step->out_size;
    size_t got = LZ4F_decompress(state, step->out, &out, step->in, &in, NULL);
    if (LZ4F_isError(got))
        return MEMBER_DAMAGED;
    step->in += in;
    step->in_size -= in;
    step->out += out;
    step->out_size -= out;
    return got == 0 ? MEMBER_ENDS : MEMBER_GOES_ON;
}

static void close_state(void *state)
{
    LZ4F_freeDecompressionContext(state);
}

const struct inflate_row inflate_lz4 = {"lz4", recognise,   open_state, begin,
                                        go_on, close_state, NULL};
