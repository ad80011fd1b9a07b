/* Any text as an hour's starts, as it is read from the store: what is taken must be written back as
 * it was, and must add up to itself. */
#include "weir/baseline/starts.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct starts starts = {0}, twice = {0};
    struct buffer text = {0};
    if (!starts_parse(&starts, (const char *)data, size))
        return 0;
    starts_union(&twice, &starts);
    starts_union(&twice, &starts);
    starts_text(&twice, &text);
    if (text.size != size || (size && memcmp(text.data, data, size) != 0))
        abort();
    starts_fini(&starts);
    starts_fini(&twice);
    buffer_fini(&text);
    return 0;
}
