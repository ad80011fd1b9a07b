/* Memory for large arrays. A million flows are hundreds of megabytes that are looked into at
 * random: with pages of 4 KiB each look misses the processor's cache of addresses, too. So what is
 * large is aligned to huge pages and the kernel is asked for them; where it has none, it is
 * ordinary memory. Any thread. */
#ifndef WEIR_BASE_PAGES_H
#define WEIR_BASE_PAGES_H

#include <stddef.h>

#define PAGES_HUGE ((size_t)2 << 20)

/* Not cleared, aligned to 128 bytes at least; to be freed with free(). Ends the process when there
 * is none. */
void *pages_alloc(size_t size);
/* Cleared, and for what grows and goes: the large do not come from the heap, the small do. To be
 * freed with pages_free, by the same figures. */
void *pages_calloc(size_t count, size_t size);
void pages_free(void *memory, size_t count, size_t size);

/* Asks for huge pages for the first gigabyte of the heap, once a process: address space that it
 * never gives back, and is charged where the kernel does not overcommit. From there on the heap
 * keeps what it once had, up to 2 GiB that nobody uses. For a process that keeps much in small
 * blocks. */
void pages_heap(void);

#endif
