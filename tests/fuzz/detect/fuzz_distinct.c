/* Any bytes as a packed sketch: what is let through gives sums that make sense, takes more, and is
 * packed as it was. */
#include "weir/detect/distinct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool is_odd(void *context, const struct distinct_item *item)
{
    (void)context;
    return item->note & 1;
}

static void use(struct distinct *d, struct distinct_budget *budget)
{
    struct distinct_sums sums = distinct_sum(d, NULL, is_odd, NULL);
    must(sums.things >= 0 && sums.weight >= 0 && sums.counted_things <= sums.things);
    must(sums.counted_weight <= sums.weight);
    for (uint64_t i = 0; i < 100; i++)
        distinct_add(d, budget, i * UINT64_C(0x9e3779b97f4a7c15), (uint32_t)i, (uint32_t)i);
    must(d->count <= d->room && d->room <= DISTINCT_KEPT);
    must(distinct_sum(d, d, is_odd, NULL).things >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct distinct_budget budget = {0};
    struct distinct d = {0};
    struct cursor in = cursor_make(data, size);
    if (distinct_unpack(&d, &budget, &in)) {
        struct buffer out = {0};
        distinct_pack(&d, &out);
        must(out.size <= size && memcmp(out.data, data, out.size) == 0);
        buffer_fini(&out);
        use(&d, &budget);
    }
    distinct_clear(&d, &budget);
    must(budget.used == 0);
    return 0;
}
