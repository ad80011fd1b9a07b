/* Deadlines that run from the moment somebody became aware, as policy files state them: one YAML
 * file a law or contract.
 *
 *     name: GDPR
 *     source: {en: "Regulation (EU) 2016/679", ja: "…"}      a text may be one for all languages
 *     authority: …
 *     duties:
 *       - id: authority
 *         what: …
 *         article: Art. 33(1)
 *         from: awareness               or the id of a duty above: counted from its due time
 *         within: 72 h                  N h | N d | N month | N-M d (in N to M days)
 *         days: after                   after: N × a calendar day later, same time; inclusive: the
 *                                       day it is counted from is day 1, due at the end of day N
 *         if: …                         when the duty applies; words for people, never judged here
 *
 * Bounds: CLOCKS_MAX files, CLOCKS_DUTIES of each. Thread: any, but for the process's time zone,
 * which the calendar has set. */
#ifndef WEIR_INVESTIGATE_CLOCKS_H
#define WEIR_INVESTIGATE_CLOCKS_H

#include "weir/base/error.h"
#include "weir/base/time.h"

#include <stdbool.h>
#include <stddef.h>

#define CLOCKS_MAX       16u
#define CLOCKS_DUTIES    16u
#define CLOCKS_LANGUAGES 2u /* en, ja: enum report_language */

struct clock_text { /* owned; of a language that the file lacks: the other's */
    char *of[CLOCKS_LANGUAGES];
};

enum clock_unit { CLOCK_HOURS, CLOCK_DAYS, CLOCK_MONTHS };

struct clock_duty {
    char *id;
    struct clock_text what, article, condition;
    int from;           /* index of the duty it is counted from; −1: awareness */
    unsigned low, high; /* alike, unless it is a range */
    enum clock_unit unit;
    bool inclusive;
};

struct clock {
    char *name;
    struct clock_text source, authority, note;
    struct clock_duty duty[CLOCKS_DUTIES];
    size_t duties;
};

struct clocks {
    struct clock clock[CLOCKS_MAX];
    size_t count;
};

/* One more file; ERROR_USAGE: "FILE:line:column: what, expected what". Nothing is added then. */
int clocks_read(struct clocks *clocks, const char *path, struct error *error);
int clocks_parse(struct clocks *clocks, const char *name, const char *text, size_t size,
                 struct error *error);
void clocks_fini(struct clocks *clocks);
/* When the duty is due at the latest (`latest`) or from when on it may be said to be (a range's
 * lower end). Local calendar days and months: the end of February is the end of it. */
struct ptime clock_due(const struct clock *clock, size_t duty, struct ptime aware, bool latest);

#endif
