/* weir explain: an alert, or an incident with all its alerts, in plain words, from the journal's
 * lines alone. The journal is read twice: to find what is meant, then to gather what belongs to it;
 * a line that does not hold the wanted id is not parsed. Bounds: EXPLAIN_ROWS detectors an incident
 * (the latest alert of each), EXPLAIN_RAISES alerts of its history (the first eight and the latest
 * of them), EXPLAIN_PEOPLE things that people did about it (the latest); what is beyond is counted
 * and said. Thread: the caller's. */
#ifndef WEIR_INVESTIGATE_EXPLAIN_H
#define WEIR_INVESTIGATE_EXPLAIN_H

#include "weir/base/error.h"
#include "weir/base/json.h"
#include "weir/detect/rules.h"

#define EXPLAIN_ROWS   16
#define EXPLAIN_RAISES 64
#define EXPLAIN_PEOPLE 64

struct explain;
/* `id`: an alert's event.id, an incident's id, or "inc-" and at least six of its letters. NULL and
 * ERROR_USAGE: it is none of these. */
struct explain *explain_new(const char *id, struct error *error);
void explain_free(struct explain *explain);
/* The first reading: each line. */
void explain_seek(struct explain *explain, const char *line, size_t size);
/* −1 and ERROR_USAGE: the journal has no such alert or incident, or several. */
int explain_found(const struct explain *explain, struct error *error);
/* The second reading: each line again. */
void explain_gather(struct explain *explain, const char *line, size_t size);
/* `rules`: the operator's, for what their rows see; NULL: none. Caller frees. */
char *explain_text(const struct explain *explain, const struct rules *rules);
char *explain_json(const struct explain *explain, const struct rules *rules);

#endif
