/* Any bytes as a compressed stream, with input in pieces and room in pieces (the first byte
 * chooses). Whatever they are: nothing is written beyond the room, every step goes on, an error
 * stays, and 64 MiB of output are enough to see. */
#include "weir/base/inflate.h"

#include <stdlib.h>
#include <string.h>

#define MOST (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* False: the end. */
static bool one_step(struct inflate *inflate, struct inflate_step *step, size_t in_size,
                     uint64_t *made)
{
    static uint8_t out[4096 + 1];
    size_t room = 1 + in_size * 61 % 4096;
    size_t left = step->in_size, now = left < in_size ? left : in_size;
    out[room] = 0x5a;
    step->in_size = now;
    step->out = out;
    step->out_size = room;
    enum inflate_result result = inflate_go_on(inflate, step);
    size_t used = now - step->in_size, wrote = room - step->out_size;
    must(used <= now && wrote <= room && out[room] == 0x5a);
    *made += wrote;
    step->in_size = left - used;
    if (result != INFLATE_OK) {
        must(!inflate_is_complete(inflate) && inflate_go_on(inflate, step) == result);
        return false;
    }
    must(used > 0 || wrote > 0 || step->in_size == 0);
    return used > 0 || wrote > 0;
}

/* The same bytes as each of the codings that have names; "deflate" and "br" take anything. */
static void by_name(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"gzip", "zstd", "deflate", "br"};
    struct inflate_step step = {.in = data + 1, .in_size = size - 1};
    struct inflate *inflate = inflate_new_named(names[data[0] >> 6], 1u << 20);
    uint64_t made = 0;
    while (made < MOST && one_step(inflate, &step, 1u + data[0], &made))
        must(inflate_memory_bytes(inflate) < (40u << 20));
    inflate_free(inflate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct inflate_step step = {.in = data + 1, .in_size = size - 1};
    struct inflate *inflate = inflate_new(step.in, step.in_size);
    must((inflate != NULL) == (inflate_recognise(step.in, step.in_size) != NULL));
    uint64_t made = 0;
    while (inflate && made < MOST && one_step(inflate, &step, 1u + data[0], &made))
        ;
    inflate_free(inflate);
    by_name(data, size);
    return 0;
}
