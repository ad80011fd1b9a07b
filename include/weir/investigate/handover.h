/* What the next shift is told: open, acknowledged and closed incidents, silences and what they held
 * back, when the sensor did not see, the budget spent, who changed what. Made of the journal, the
 * book of silences and verdicts, and, where a sensor runs, what it does not see now.
 *
 * Bounds: incidents as retold.h; HANDOVER_LIST entries a section in the text and in JSON, further
 * ones are counted; the latest HANDOVER_ACTS changes; HANDOVER_GAPS gaps. Thread: any. */
#ifndef WEIR_INVESTIGATE_HANDOVER_H
#define WEIR_INVESTIGATE_HANDOVER_H

#include "weir/base/calendar.h"
#include "weir/investigate/retold.h"

#define HANDOVER_BACK_NS (30 * NS_PER_DAY) /* open incidents are looked for so far back */
#define HANDOVER_BEAT_NS (5 * NS_PER_MIN)  /* a heartbeat each; two that are missing are a gap */
#define HANDOVER_SOON_NS NS_PER_DAY        /* silences that end within it are said to */
#define HANDOVER_LIST    200u
#define HANDOVER_ACTS    500u
#define HANDOVER_GAPS    500u
#define HANDOVER_BLIND   16u
#define HANDOVER_DRIFT   5u /* rows that are named */

enum handover_language { HANDOVER_ENGLISH, HANDOVER_JAPANESE, HANDOVER_LANGUAGES };

/* Of what passes between zones, so far, whatever the time of the hand-over: rows that the matrix
 * lacks, of which the first are named, and conduits of which nothing was seen. */
struct handover_drift {
    bool known; /* else there is no matrix, or no sensor answers */
    size_t rows, silent;
    const char *row[HANDOVER_DRIFT];
};

struct handover_config { /* borrowed */
    struct ptime from, to;
    struct calendar *calendar;
    const char *sensor;
    const struct noise *book;
    const struct detect_config *detect;
    bool running; /* a sensor answers; `blind`: what it does not see now */
    const char *blind[HANDOVER_BLIND];
    size_t blind_count;
    struct handover_drift drift;
};

struct handover_act {
    struct ptime at;
    char *by, *action, *message;
};

struct handover_gap { /* no heartbeat */
    struct ptime from, until;
};

struct handover {
    struct handover_config config;
    struct retold told;
    char back[32];     /* before it nothing is read */
    struct ptime beat; /* the last; PTIME_MIN: none was found */
    int64_t hosts_ready;
    struct handover_gap gap[HANDOVER_GAPS];
    size_t gap_count, gaps_more;
    struct handover_act act[HANDOVER_ACTS]; /* a ring: the latest */
    uint64_t acts;
    uint64_t alerts, silenced, silenced_bytes, quiet; /* in this time */
    uint64_t spent;    /* incidents of the budget's detectors that began in it */
    uint64_t unread;   /* records that made no sense, or were damaged */
    struct map hidden; /* silence id → struct handover_hidden */
};

struct handover_hidden {
    uint64_t alerts, out_bytes;
};

struct handover *handover_new(const struct handover_config *config);
void handover_line(struct handover *handover, const char *line, size_t size);
void handover_end(struct handover *handover); /* no more lines */
void handover_free(struct handover *handover);
/* Caller frees. */
char *handover_text(const struct handover *handover, enum handover_language language);
/* The same as HTML, one file without scripts that prints. */
char *handover_page(const struct handover *handover, enum handover_language language);
char *handover_json(const struct handover *handover);

#endif
