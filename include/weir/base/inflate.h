/* Compressed bytes in, plain bytes out: gzip (RFC 1952), zstd (RFC 8878), lz4 frames and xz, known
 * by their first bytes; and by the names that HTTP gives its codings (RFC 9110 8.4.1): "gzip",
 * "zstd", "deflate" (RFC 1950 and 1951), "br" (RFC 7932). A stream may be several members one after
 * the other, as their own tools write and read them (not "deflate" and "br", which know of none);
 * zeros after a member are padding. It is read piece by piece into the caller's memory, so what a
 * few bytes grow into costs time and nothing else; what a library keeps for itself is bounded by
 * the window. Thread: one at a time. */
#ifndef WEIR_BASE_INFLATE_H
#define WEIR_BASE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFLATE_MAGIC_BYTES  6u           /* so many are enough to know */
#define INFLATE_WINDOW_BYTES (128u << 20) /* zstd -22, xz -9 need no more */

enum inflate_result {
    INFLATE_OK,
    INFLATE_DAMAGED,   /* not what such a stream holds; nothing more can be read */
    INFLATE_TOO_LARGE, /* it wants more memory than INFLATE_WINDOW_BYTES */
};

struct inflate_step { /* each is moved on by what was read and made */
    const uint8_t *in;
    size_t in_size;
    uint8_t *out;
    size_t out_size;
};

/* "gzip", "zstd", "lz4", "xz" by the first bytes; NULL: none of these. */
const char *inflate_recognise(const void *head, size_t size);

struct inflate;
/* NULL: not recognised. */
struct inflate *inflate_new(const void *head, size_t size);
/* By name, "gzip", "zstd", "deflate", "br". `window_bytes`: a power of two; what needs a larger one
 * is too large ("br" has 16 MiB at most by definition). NULL: no such name. */
struct inflate *inflate_new_named(const char *name, size_t window_bytes);
size_t inflate_memory_bytes(const struct inflate *inflate); /* held now; of the named ones */
void inflate_free(struct inflate *inflate);
const char *inflate_name(const struct inflate *inflate);
/* Goes on until the input is used up or there is no room. Input that is used up with room left asks
 * for more of it. An error stays. */
enum inflate_result inflate_go_on(struct inflate *inflate, struct inflate_step *step);
/* The input may end here: a member is complete, and nothing of another was seen. (Before the first
 * byte, too, of one that is known by its first bytes.) */
bool inflate_is_complete(const struct inflate *inflate);

#endif
