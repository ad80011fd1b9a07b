/* One inspector: the scanners of all classes, each given the same pieces.
 *
 * Each finds its candidates in its own way, whichever is the cheapest for it: the C library's
 * memchr for '@' (a quarter of what skim.c costs), skim.c for digits. What a byte costs with each
 * of them is measured in tests/bench.
 *
 * Most texts are short: a request, a datagram. So an inspector that ended is not freed but begins
 * another text, with another finder; SPARES_MAX of them (some 10 MB) wait. */
#include "inspect.h"

#include "container.h"
#include "search.h"

#include "weir/base/buffer.h"
#include "weir/base/fetch.h"
#include "weir/content/numbers.h"

#include <stdlib.h>

#define SPARES_MAX 4096u

struct inspector {
    struct filter filter;
    struct inspection *inspection;
    struct finder finder;   /* of the text at hand */
    struct inspector *next; /* of the spare ones */
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

void inspector_fetch(const struct filter *filter)
{
    fetch(filter, sizeof(struct inspector));
}

void inspector_fetch_parts(const struct filter *filter)
{
    const struct inspector *inspector = (const struct inspector *)filter;
    if (!inspector)
        return;
    fetch(inspector->email, FETCH_LINE);
    fetch(inspector->numbers, 2 * FETCH_LINE);
    fetch(inspector->patterns, 2 * FETCH_LINE);
    fetch(inspector->containers, 2 * FETCH_LINE);
}

static void inspector_free(struct inspector *inspector)
{
    email_scanner_free(inspector->email);
    numbers_scanner_free(inspector->numbers);
    search_free(inspector->patterns);
    container_scanner_free(inspector->containers);
    free(inspector);
}

static void end(struct filter *filter)
{
    struct inspector *inspector = (struct inspector *)filter;
    struct inspection *inspection = inspector->inspection;
    inspector_break(filter);
    if (inspection->spares == SPARES_MAX) {
        inspector_free(inspector);
        return;
    }
    inspector->next = inspection->spare;
    inspection->spare = inspector;
    inspection->spares++;
}

void inspection_fini(struct inspection *inspection)
{
    for (struct inspector *next; inspection->spare; inspection->spare = next) {
        next = inspection->spare->next;
        inspector_free(inspection->spare);
    }
    inspection->spares = 0;
}

/* --- the finder of the text at hand ------------------------------------------------------------
 */

static bool on_known(void *context, uint64_t hash)
{
    const struct inspector *inspector = context;
    return inspector->finder.known && inspector->finder.known(inspector->finder.context, hash);
}

static void on_found(void *context, const struct found *found)
{
    const struct inspector *inspector = context;
    inspector->finder.found(inspector->finder.context, found);
}

static struct inspector *make(struct inspection *inspection)
{
    static const struct filter_ops ops = {put, gap, end};
    struct inspector *inspector = xcalloc(1, sizeof *inspector);
    const struct finder finder = {on_known, on_found, inspector};
    inspector->filter.ops = &ops;
    inspector->inspection = inspection;
    inspector->email = email_scanner_new(&inspection->email, &finder);
    inspector->numbers = numbers_scanner_new(inspection->key, &finder);
    inspector->patterns = search_new(inspection->search, &finder);
    inspector->containers = container_scanner_new(inspection->key, &finder);
    return inspector;
}

struct filter *inspector_new(struct inspection *inspection, const struct finder *finder)
{
    struct inspector *inspector = inspection->spare;
    if (inspector) {
        inspection->spare = inspector->next;
        inspection->spares--;
        container_scanner_begin(inspector->containers);
    } else {
        inspector = make(inspection);
    }
    inspector->finder = *finder;
    return &inspector->filter;
}
