/* One inspector: the scanners of all classes, each given the same pieces.
 *
 * Each finds its candidates in its own way, whichever is the cheapest for it: the C library's
 * memchr for '@' (a quarter of what skim.c costs), skim.c for digits. What a byte costs with each
 * of them is measured in tests/bench. */
#include "inspect.h"

#include "container.h"
#include "search.h"

#include "weir/base/buffer.h"
#include "weir/content/numbers.h"

#include <stdlib.h>

struct inspector {
    struct filter filter;
    struct email_scanner *email;
    struct numbers_scanner *numbers;
    struct search *patterns;
    struct container_scanner *containers;
};

static void put(struct filter *filter, const uint8_t *data, size_t size)
{
    struct inspector *inspector = (struct inspector *)filter;
    email_scanner_put(inspector->email, data, size);
    numbers_scanner_put(inspector->numbers, data, size);
    search_put(inspector->patterns, data, size);
    container_scanner_put(inspector->containers, data, size);
}

static void gap(struct filter *filter, uint64_t bytes)
{
    struct inspector *inspector = (struct inspector *)filter;
    email_scanner_gap(inspector->email);
    numbers_scanner_gap(inspector->numbers);
    search_gap(inspector->patterns);
    container_scanner_gap(inspector->containers, bytes);
}

void inspector_break(struct filter *filter)
{
    struct inspector *inspector = (struct inspector *)filter;
    email_scanner_finish(inspector->email);
    numbers_scanner_finish(inspector->numbers);
    search_finish(inspector->patterns);
    container_scanner_finish(inspector->containers);
}

static void end(struct filter *filter)
{
    struct inspector *inspector = (struct inspector *)filter;
    inspector_break(filter);
    email_scanner_free(inspector->email);
    numbers_scanner_free(inspector->numbers);
    search_free(inspector->patterns);
    container_scanner_free(inspector->containers);
    free(inspector);
}

struct filter *inspector_new(struct inspection *inspection, const struct finder *finder)
{
    static const struct filter_ops ops = {put, gap, end};
    struct inspector *inspector = xcalloc(1, sizeof *inspector);
    inspector->filter.ops = &ops;
    inspector->email = email_scanner_new(&inspection->email, finder);
    inspector->numbers = numbers_scanner_new(inspection->key, finder);
    inspector->patterns = search_new(inspection->search, finder);
    inspector->containers = container_scanner_new(inspection->key, finder);
    return &inspector->filter;
}
