/* Any bytes as a packed union of items: refused, or it counts, grows and packs to what it was. */
#include "weir/detect/union.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor in = cursor_make(data, size);
    struct item_union *u = item_union_unpack(NULL, &in);
    if (!u)
        return 0;
    struct buffer packed = {0};
    item_union_pack(u, &packed);
    struct cursor again = cursor_make(packed.data, packed.size);
    struct item_union *twin = item_union_unpack(NULL, &again);
    must(twin && cursor_left(&again) == 0);
    if (item_union_error(u) == 0)
        must(item_union_count(u) == item_union_count(twin));
    item_union_add(u, 1);
    item_union_free(u);
    item_union_free(twin);
    buffer_fini(&packed);
    return 0;
}
