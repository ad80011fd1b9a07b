/* zstd (RFC 8878). A frame says how large a window it needs, up to 3.75 TiB: what is beyond ours is
 * refused and not tried. Skippable frames (pzstd begins with one) are the library's to skip.
 * Thread: the caller's. */
#include "inflate_rows.h"

#include <zstd.h>
#include <zstd_errors.h>

_Static_assert((INFLATE_WINDOW_BYTES & (INFLATE_WINDOW_BYTES - 1)) == 0, "a power of two");

static bool recognise(const uint8_t *head, size_t size)
{
    if (size < 4)
        return false;
    bool frame = head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd;
    bool skippable =
        (head[0] & 0xf0) == 0x50 && head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18;
    return frame || skippable;
}

static void *open_state(size_t window_bytes)
{
    int window_log = 0;
    while ((window_bytes >> window_log) > 1)
        window_log++;
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context)
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, window_log);
    return context;
}

static bool begin(void *state)
{
    return !ZSTD_isError(ZSTD_DCtx_reset(state, ZSTD_reset_session_only));
}

static enum member_result go_on(void *state, struct inflate_step *step)
{
    ZSTD_inBuffer in = {step->in, step->in_size, 0};
    ZSTD_outBuffer out = {step->out, step->out_size, 0};
    size_t got = ZSTD_decompressStream(state, &out, &in);
    step->in += in.pos;
    step->in_size -= in.pos;
    step->out += out.pos;
    step->out_size -= out.pos;
    if (!ZSTD_isError(got))
        return got == 0 ? MEMBER_ENDS : MEMBER_GOES_ON;
    switch (ZSTD_getErrorCode(got)) {
    case ZSTD_error_frameParameter_windowTooLarge:
    case ZSTD_error_memory_allocation:
        return MEMBER_TOO_LARGE;
    default:
        return MEMBER_DAMAGED;
    }
}

static void close_state(void *state)
{
    ZSTD_freeDCtx(state);
}

static size_t memory_bytes(const void *state)
{
    return ZSTD_sizeof_DCtx(state);
}

const struct inflate_row inflate_zstd = {"zstd", recognise,   open_state,  begin,
                                         go_on,  close_state, memory_bytes};
