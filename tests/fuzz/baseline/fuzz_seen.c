/* Any text as what the store says of other sensors: what is taken is within its bounds, in order,
 * and has room for one more. */
#include "weir/baseline/seen.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen_by seen;
    if (!seen_parse((const char *)data, size, &seen)) {
        if (seen.count || seen.sensors)
            abort();
        return 0;
    }
    seen_add(&seen, "own", "core", size);
    if (!seen_holds(&seen) || seen.count > SEEN_SENSORS)
        abort();
    for (uint32_t i = 1; i < seen.count; i++)
        if (seen.share[i].bytes > seen.share[i - 1].bytes)
            abort();
    return 0;
}
