/* Everything that is found by a pattern: settings and secrets (settings.c), messages (flight.c),
 * and what the operator looks for. One search a text. Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_SEARCH_H
#define WEIR_SENSOR_CONTENT_SEARCH_H

#include "weir/content/content.h"
#include "weir/content/pattern.h"

extern const struct pattern_row setting_rows[];
extern const size_t setting_row_count;

struct search_shared; /* what all searches share; outlives them */
/* `own`: the operator's patterns, borrowed for the call. */
struct search_shared *search_shared_new(const struct hash_key *key,
                                        const struct content_pattern *own, size_t own_count,
                                        bool fast, struct error *error);
void search_shared_free(struct search_shared *shared);
/* Searches that needed too much; messages for which there was no room. */
uint64_t search_refused(const struct search_shared *shared);

struct search;
struct search *search_new(struct search_shared *shared, const struct finder *finder);
void search_free(struct search *search);
void search_put(struct search *search, const uint8_t *data, size_t size);
void search_gap(struct search *search);
void search_finish(struct search *search); /* the text ends */

#endif
