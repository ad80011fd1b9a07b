/* Brotli (RFC 7932), which has neither a magic nor a check sum: what comes out may be wrong before
 * that shows. The library makes its window as large as what comes needs, up to 16 MiB (larger ones
 * are an extension that is left off); what it holds is counted where it asks for it.
 * Thread: the caller's. */
#include "inflate_rows.h"
#include "weir/base/buffer.h"

#include <brotli/decode.h>
#include <stdlib.h>

#define HEADER 16u /* before each piece of memory: its size; keeps the alignment */

struct brotli {
    BrotliDecoderState *decoder;
    size_t held_bytes;
};

static void *take(void *context, size_t size)
{
    struct brotli *brotli = context;
    uint8_t *memory = size < SIZE_MAX - HEADER ? malloc(size + HEADER) : NULL;
    if (!memory)
        return NULL;
    *(size_t *)(void *)memory = size;
    brotli->held_bytes += size;
    return memory + HEADER;
}

static void give_back(void *context, void *address)
{
    struct brotli *brotli = context;
    if (!address)
        return;
    uint8_t *memory = (uint8_t *)address - HEADER;
    brotli->held_bytes -= *(size_t *)(void *)memory;
    free(memory);
}

static void *open_state(size_t window_bytes)
{
    struct brotli *brotli = xcalloc(1, sizeof *brotli);
    (void)window_bytes;
    brotli->decoder = BrotliDecoderCreateInstance(take, give_back, brotli);
    if (brotli->decoder)
        return brotli;
    free(brotli);
    return NULL;
}

static bool begin(void *state)
{
    (void)state; /* there is one member, and it has begun */
    return false;
}

static enum member_result go_on(void *state, struct inflate_step *step)
{
    struct brotli *brotli = state;
    BrotliDecoderResult got = BrotliDecoderDecompressStream(
        brotli->decoder, &step->in_size, &step->in, &step->out_size, &step->out, NULL);
    if (got == BROTLI_DECODER_RESULT_SUCCESS)
        return MEMBER_ENDS;
    if (got != BROTLI_DECODER_RESULT_ERROR)
        return MEMBER_GOES_ON;
    BrotliDecoderErrorCode error = BrotliDecoderGetErrorCode(brotli->decoder);
    return error <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                   error >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES
               ? MEMBER_TOO_LARGE
               : MEMBER_DAMAGED;
}

static void close_state(void *state)
{
    struct brotli *brotli = state;
    BrotliDecoderDestroyInstance(brotli->decoder);
    free(brotli);
}

static size_t memory_bytes(const void *state)
{
    return ((const struct brotli *)state)->held_bytes;
}

const struct inflate_row inflate_brotli = {"br",  NULL,        open_state,  begin,
                                           go_on, close_state, memory_bytes};
