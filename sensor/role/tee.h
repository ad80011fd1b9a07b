/* A pipe has one reader. For several workers its bytes are copied, unread, into a pipe for each by
 * a thread of its own (the main thread must be free to drain the rings). */
#ifndef WEIR_ROLE_TEE_H
#define WEIR_ROLE_TEE_H

#include "weir/base/error.h"

#include <stddef.h>

#define TEE_MAX 64

struct tee;
/* Takes `from` (also on failure); fills to[0..count), count ≤ TEE_MAX, with the descriptors to read
 * from, which are the caller's. */
struct tee *tee_new(int from, int to[], size_t count, struct error *error);
void tee_free(struct tee *tee); /* ends the thread; readers see the end of their pipes */

#endif
