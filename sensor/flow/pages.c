/* Memory for the table's large arrays.
 *
 * A million flows are 384 MB that are looked into at random: with 4 KiB pages every look misses the
 * TLB too. So large blocks are aligned to huge pages and the kernel is asked for them; where it has
 * none, they are ordinary memory.
 * Thread: the capture thread. */
#include "flow.h"

#include "weir/base/log.h"

#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

void *pages_alloc(size_t size)
{
    size_t align = size < HUGE_PAGE ? 128 : HUGE_PAGE;
    size = (size + align - 1) & ~(align - 1);
    void *memory = aligned_alloc(align, size);
    if (!memory) {
        log_error("out of memory (flow table, %zu bytes)", size);
        exit(1);
    }
    if (align == HUGE_PAGE)
        madvise(memory, size, MADV_HUGEPAGE); /* advice: failing changes nothing but speed */
    return memory;
}
