/* One set of patterns for all: settings, the anchors of messages, the operator's; in this order,
 * which is that of the set's rows. Which is told first, a pattern or a message, hangs on the
 * pieces; what is told does not. Thread: the capture thread. */
#include "search.h"

#include "collector.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

struct search_shared {
    char *label[CONTENT_PATTERNS]; /* the operator's: copies */
    const struct hash_key *key;
    struct pattern_set *set;
    struct messages *messages;
};

struct search {
    struct pattern_scanner *scanner;
    struct collector collector;
};

struct search_shared *search_shared_new(const struct hash_key *key,
                                        const struct content_pattern *own, size_t own_count,
                                        bool fast, struct error *error)
{
    struct search_shared *shared = xcalloc(1, sizeof *shared);
    struct pattern_row *row =
        xcalloc(setting_row_count + message_row_count + own_count, sizeof *row);
    size_t count = 0;
    for (size_t i = 0; i < setting_row_count; i++)
        row[count++] = setting_rows[i];
    for (size_t i = 0; i < message_row_count; i++)
        row[count++] = (struct pattern_row){.class = message_rows[i].class,
                                            .label = message_rows[i].label,
                                            .anchor = message_rows[i].anchor};
    for (size_t i = 0; i < own_count && i < CONTENT_PATTERNS; i++) {
        shared->label[i] = xstrdup(own[i].name);
        row[count++] = (struct pattern_row){
            .class = CONTENT_PATTERN, .label = shared->label[i], .pattern = own[i].pattern};
    }
    shared->key = key;
    shared->messages = messages_new(error);
    if (shared->messages)
        shared->set = pattern_set_new(row, count, fast, error);
    free(row);
    if (shared->set)
        return shared;
    search_shared_free(shared);
    return NULL;
}

void search_shared_free(struct search_shared *shared)
{
    if (!shared)
        return;
    pattern_set_free(shared->set);
    messages_free(shared->messages);
    for (size_t i = 0; i < CONTENT_PATTERNS; i++)
        free(shared->label[i]);
    free(shared);
}

uint64_t search_refused(const struct search_shared *shared)
{
    return pattern_set_refusals(shared->set) + messages_refused(shared->messages);
}

static void on_anchor(void *context, size_t row)
{
    struct search *search = context;
    collector_begin(&search->collector, row - setting_row_count);
}

static void on_bytes(void *context, const uint8_t *data, size_t size)
{
    struct search *search = context;
    collector_put(&search->collector, data, size);
}

struct search *search_new(struct search_shared *shared, const struct finder *finder)
{
    struct search *search = xcalloc(1, sizeof *search);
    struct pattern_listener listener = {on_anchor, on_bytes, search};
    search->scanner = pattern_scanner_new(shared->set, shared->key, finder, &listener);
    collector_init(&search->collector, shared->messages, shared->key, finder);
    return search;
}

void search_free(struct search *search)
{
    if (!search)
        return;
    collector_drop(&search->collector);
    pattern_scanner_free(search->scanner);
    free(search);
}

void search_put(struct search *search, const uint8_t *data, size_t size)
{
    pattern_scanner_put(search->scanner, data, size);
}

void search_gap(struct search *search)
{
    pattern_scanner_gap(search->scanner);
    collector_gap(&search->collector);
}

void search_finish(struct search *search)
{
    pattern_scanner_finish(search->scanner);
    collector_finish(&search->collector);
}
