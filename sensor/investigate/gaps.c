/* A sweep over the inputs by their first packets, with the latest packet seen so far: whatever
 * begins more than GAP_NS after it leaves a gap. Pure. Thread: the engine's. */
#include "gaps.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

static int by_first(const void *a, const void *b)
{
    const struct summary_input *x = *(const struct summary_input *const *)a;
    const struct summary_input *y = *(const struct summary_input *const *)b;
    if (x->first.ns != y->first.ns)
        return x->first.ns < y->first.ns ? -1 : 1;
    return x < y ? -1 : x > y; /* as named */
}

static const struct summary_input **sorted(const struct summary *s, size_t *count)
{
    const struct summary_input **all = xcalloc(s->input_count + 1, sizeof *all);
    *count = 0;
    for (size_t i = 0; i < s->input_count; i++)
        if (s->input[i].packets > 0)
            all[(*count)++] = &s->input[i];
    qsort(all, *count, sizeof *all, by_first);
    return all;
}

struct gap *input_gaps(const struct summary *s, size_t *count)
{
    size_t inputs;
    const struct summary_input **all = sorted(s, &inputs), *before = NULL;
    struct gap *gap = xcalloc(inputs + 1, sizeof *gap);
    *count = 0;
    for (size_t i = 0; i < inputs; i++) {
        if (before && all[i]->first.ns - before->last.ns > GAP_NS)
            gap[(*count)++] = (struct gap){before->last, all[i]->first, before, all[i]};
        if (!before || all[i]->last.ns > before->last.ns)
            before = all[i];
    }
    free(all);
    return gap;
}
