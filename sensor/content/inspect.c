/* One inspector: the scanners of all classes, each given the same pieces. */
#include "inspect.h"

#include "container.h"
#include "search.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

struct inspector {
    struct filter filter;
    struct email_scanner *email;
    struct search *patterns;
    struct container_scanner *containers;
};

static void put(struct filter *filter, const uint8_t *data, size_t size)
{
    struct inspector *inspector = (struct inspector *)filter;
    email_scanner_put(inspector->email, data, size);
    search_put(inspector->patterns, data, size);
    container_scanner_put(inspector->containers, data, size);
}

static void gap(struct filter *filter, uint64_t bytes)
{
    struct inspector *inspector = (struct inspector *)filter;
    email_scanner_gap(inspector->email);
    search_gap(inspector->patterns);
    container_scanner_gap(inspector->containers, bytes);
}

void inspector_break(struct filter *filter)
{
    struct inspector *inspector = (struct inspector *)filter;
    email_scanner_finish(inspector->email);
    search_finish(inspector->patterns);
    container_scanner_finish(inspector->containers);
}

static void end(struct filter *filter)
{
    struct inspector *inspector = (struct inspector *)filter;
    inspector_break(filter);
    email_scanner_free(inspector->email);
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
    inspector->patterns = search_new(inspection->search, finder);
    inspector->containers = container_scanner_new(inspection->key, finder);
    return &inspector->filter;
}
