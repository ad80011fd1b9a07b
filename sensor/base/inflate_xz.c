/* xz by liblzma, which checks what the stream says of itself. Its memory limit is ours. Thread: the
 * caller's. */
#include "inflate_rows.h"
#include "weir/base/buffer.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>

static bool recognise(const uint8_t *head, size_t size)
{
    return size >= 6 && memcmp(head,
                               "\xfd"
                               "7zXZ\0",
                               6) == 0;
}

static bool begin(void *state)
{
    return lzma_stream_decoder(state, INFLATE_WINDOW_BYTES, 0) == LZMA_OK;
}

static void *open_state(size_t window_bytes)
{
    (void)window_bytes;
    lzma_stream *z = xcalloc(1, sizeof *z);
    *z = (lzma_stream)LZMA_STREAM_INIT;
    return z;
}

static enum member_result go_on(void *state, struct inflate_step *step)
{
    lzma_stream *z = state;
    z->next_in = step->in;
    z->avail_in = step->in_size;
    z->next_out = step->out;
    z->avail_out = step->out_size;
    lzma_ret got = lzma_code(z, LZMA_RUN);
    step->in = z->next_in;
    step->in_size = z->avail_in;
    step->out = z->next_out;
    step->out_size = z->avail_out;
    switch (got) {
    case LZMA_OK:
    case LZMA_BUF_ERROR:
        return MEMBER_GOES_ON;
    case LZMA_STREAM_END:
        return MEMBER_ENDS;
    case LZMA_MEM_ERROR:
    case LZMA_MEMLIMIT_ERROR:
        return MEMBER_TOO_LARGE;
    default:
        return MEMBER_DAMAGED;
    }
}

static void close_state(void *state)
{
    lzma_end(state);
    free(state);
}

const struct inflate_row inflate_xz = {"xz",  recognise,   open_state, begin,
                                       go_on, close_state, NULL};
