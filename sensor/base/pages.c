/* Memory for large arrays that are looked into at random: see the header. Thread: any. */
#include "weir/base/pages.h"

#include "weir/base/buffer.h"
#include "weir/base/poison.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LINES ((size_t)128) /* two lines of the cache, which come together */

void *pages_alloc(size_t size)
{
    size_t align = size < PAGES_HUGE ? LINES : PAGES_HUGE;
    size = (size + align - 1) & ~(align - 1);
    void *memory = xaligned(align, size);
    if (align == PAGES_HUGE)
        madvise(memory, size, MADV_HUGEPAGE); /* advice: failing changes nothing but speed */
    return memory;
}

/* Of the system, not of the heap: what is cut out of a heap at the bounds of huge pages leaves it
 * full of holes at both sides, which cost all others more than huge pages gain (measured: three
 * times the time of the whole). */
static void *map_aligned(size_t bytes)
{
    uint8_t *memory =
        mmap(NULL, bytes + PAGES_HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)memory & (PAGES_HUGE - 1);
    if (before > 0)
        munmap(memory, before);
    munmap(memory + before + bytes, PAGES_HUGE - before);
    madvise(memory + before, bytes, MADV_HUGEPAGE); /* as above */
    return memory + before;
}

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGES_HUGE - 1) & ~(PAGES_HUGE - 1);
}

void *pages_calloc(size_t count, size_t size)
{
    size_t bytes;
    bool fits = !__builtin_mul_overflow(count, size, &bytes) && bytes <= SIZE_MAX / 2;
    if (!fits || bytes < PAGES_HUGE)
        return xcalloc(count, size);
    void *memory = map_aligned(whole_pages(bytes));
    return memory ? memory : xcalloc(SIZE_MAX, 2); /* says so, and ends */
}

void pages_free(void *memory, size_t count, size_t size)
{
    if (memory && count * size >= PAGES_HUGE)
        munmap(memory, whole_pages(count * size));
    else
        free(memory);
}

#define HEAP_BYTES  ((size_t)1 << 30)
#define HEAP_TRIM   0x7fffffff
#define HEAP_MAPPED (4 << 20) /* larger blocks are mapped, as is glibc's custom */
#define HEAP_MAPS   65536     /* … so many of them, its default */

/* A heap has no pages of its own choosing. But one block of it can have, once: given back, it is
 * what all others are cut from. Nothing of it is touched here, so it takes no memory. */
void pages_heap(void)
{
    static bool done;
    if (done || WEIR_POISONS) /* the sanitizer's heap is another */
        return;
    done = true;
    mallopt(M_MMAP_MAX, 0);
    uint8_t *block = malloc(HEAP_BYTES);
    mallopt(M_MMAP_MAX, HEAP_MAPS);
    if (!block) /* a limit on the address space: the heap is as it was */
        return;
    size_t before = -(uintptr_t)block & (PAGES_HUGE - 1);
    madvise(block + before, HEAP_BYTES - PAGES_HUGE, MADV_HUGEPAGE); /* as above */
    mallopt(M_TRIM_THRESHOLD, HEAP_TRIM);
    mallopt(M_MMAP_THRESHOLD, HEAP_MAPPED);
    free(block);
}
