/* weir report: what happened, for people who must answer for it, as one HTML file and as JSON. Made
 * of what was told (alerts.ndjson or the journal, read twice: to choose incidents, then to gather
 * them) and of what stands beside it in a replay's folder; of each thing that is not there the
 * report says so. It claims nothing beyond what these say, and holds no time of its own: the same
 * files and questions give the same bytes.
 *
 * Bounds: REPORT_INCIDENTS incidents (by urgency and score), of each REPORT_ROWS detectors and
 * REPORT_MARKS alerts; what is beyond is counted and said. Thread: the caller's. */
#ifndef WEIR_INVESTIGATE_REPORT_H
#define WEIR_INVESTIGATE_REPORT_H

#include "weir/alert/pseudonym.h"
#include "weir/base/calendar.h"
#include "weir/base/error.h"
#include "weir/investigate/clocks.h"
#include "weir/investigate/contains.h"

#define REPORT_INCIDENTS 50u
#define REPORT_ROWS      16u
#define REPORT_MARKS     256u

struct report_question {  /* borrowed */
    const char *incident; /* an id, or "inc-…" with four letters or more; NULL: any */
    const char *host;     /* an address or a device, as alerts have it, or a pseudonym; NULL: any */
    const struct pseudonyms *pseudonyms; /* by which a pseudonym is known; NULL: by none */
    const char *destination;     /* a domain (and names in it), AS…, a prefix, an address */
    struct ptime since, until;   /* PTIME_MIN, PTIME_MAX: no such bound */
    struct calendar *calendar;   /* the site's */
    const char *timezone;        /* its name */
    const struct clocks *clocks; /* policies that run from `aware`; NULL: none */
    struct ptime aware;          /* PTIME_MIN: nobody entered it */
    const char *aware_by;        /* who did */
    bool of_memory;              /* the lines are what a sensor keeps in memory: no heartbeats */
    struct contains *contains;   /* a list that is asked about, answered here; NULL: none */
};

struct report;
struct report *report_new(const struct report_question *question);
void report_free(struct report *report);
/* Each line of what was told, in its order. */
void report_seek(struct report *report, const char *line, size_t size);
/* −1 and ERROR_USAGE: the incident that is asked for is not there, or the name means several. */
int report_choose(struct report *report, struct error *error);
/* Each line again. */
void report_gather(struct report *report, const char *line, size_t size);
void report_unread(struct report *report, uint64_t lines); /* of a damaged journal */
/* Both readings of `folder`/alerts.ndjson, and what stands beside it: summary.json, flows.ndjson,
 * items.ndjson, evidence/manifest.json. ERROR_RUN: there are no alerts to read, or a file cannot be
 * read; of those that are not there the report says so. */
int report_read_case(struct report *report, const char *folder, struct error *error);

/* The site's time zone, by the folder's summary.json; NULL: it does not say. Caller frees. */
char *report_case_timezone(const char *folder);

enum report_language { REPORT_ENGLISH, REPORT_JAPANESE, REPORT_LANGUAGES };
/* Caller frees. */
char *report_html(struct report *report, enum report_language language);
char *report_json(struct report *report);

#endif
