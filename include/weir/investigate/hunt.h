/* weir hunt: what can be said of every inside host over months (docs/hunt.md). Days are judged in
 * units, each by itself in hindsight; here is what is made of what the units found: one book of
 * incidents, a verdict a host, the table. Pure functions of what the units left, taken in their
 * order, so that neither interruptions nor the number of processes can change a byte.
 *
 * Bounds: incidents as incident.h has them; a story (some 9 kB) for each host and destination that
 * was told of; a host some 200 bytes and a bit a day. Thread: the main thread. */
#ifndef WEIR_INVESTIGATE_HUNT_H
#define WEIR_INVESTIGATE_HUNT_H

#include "weir/alert/incident.h"
#include "weir/base/calendar.h"
#include "weir/base/json.h"
#include "weir/base/map.h"
#include "weir/investigate/report.h"
#include "weir/investigate/summary.h"

/* --- days ------------------------------------------------------------------------------------- */

/* How well a day was seen, the worst that holds. */
enum hunt_sight {
    HUNT_COVERED,
    HUNT_ONE_SIDED, /* half of the connections or more were seen in one direction only */
    HUNT_CROWDED,   /* there were more hosts than baseline.max_hosts: of some nothing is known */
    HUNT_MISSING,   /* of TCP payload a hundredth or more was not seen */
    HUNT_LOST,      /* of packets a thousandth or more was dropped */
    HUNT_DAMAGED,   /* an input of it could not be read, or not to its end */
    HUNT_ABSENT,    /* of a host's day: the probe that sees it was not there */
    HUNT_GAP,       /* no input reaches into it */
    HUNT_SIGHTS
};
extern const char *const hunt_sight_name[HUNT_SIGHTS]; /* "covered" … in JSON */

struct hunt_days { /* site days from `first` on; count 0: none */
    int64_t first;
    size_t count;
    uint8_t *sight; /* enum hunt_sight, one a day */
};
void hunt_days_init(struct hunt_days *days, int64_t first, size_t count); /* all HUNT_GAP */
void hunt_days_fini(struct hunt_days *days);
/* From `from` to `to`, both in it, as far as these days reach: covered, if they were a gap. */
void hunt_days_cover(struct hunt_days *days, int64_t from, int64_t to);
/* … no better than this. */
void hunt_days_mark(struct hunt_days *days, int64_t from, int64_t to, enum hunt_sight sight);
size_t hunt_days_of(const struct hunt_days *days, enum hunt_sight sight);
/* What a set of them takes, a bit a day: whole words, which sets are compared by. */
static inline size_t hunt_days_bytes(const struct hunt_days *days)
{
    return (days->count / 64 + 1) * sizeof(uint64_t);
}

/* What a unit's summary.json says of its own sight: HUNT_COVERED to HUNT_LOST. */
enum hunt_sight hunt_sight_of(const struct json_value *summary);

/* --- probes ----------------------------------------------------------------------------------- */

/* Where inputs lie side by side is a probe's folder; folders that take turns in time (one a month,
 * say) are one probe's. A probe is absent on the days that others cover and it does not.
 *
 * Which probe a packet came from is not kept: they are read as one. A host is taken to be a probe's
 * when it is seen on the days without it less than a quarter as often as on the days with it: then
 * those days say nothing about the host. Bounds: HUNT_PROBES; folders beyond are counted. */
#define HUNT_PROBES 64

struct hunt_folder {
    char *path;
    uint8_t *day; /* a bit a day: an input of it reaches into it */
    size_t inputs, days;
    int64_t first, last; /* of those days */
};

struct hunt_probe {
    const struct hunt_folder **folder; /* in the order of time */
    size_t folders, inputs;
    uint8_t *day;
    size_t days, absent;
};

struct hunt_probes {
    const struct hunt_days *days; /* outlive it */
    struct hunt_folder **folder;
    size_t folders, room;
    struct map by_path; /* its path → the folder */
    struct hunt_probe probe[HUNT_PROBES];
    size_t count, beyond; /* beyond: folders that are no probe's */
};
void hunt_probes_init(struct hunt_probes *probes, const struct hunt_days *days);
void hunt_probes_fini(struct hunt_probes *probes);
/* An input in this folder has something of these days. */
void hunt_probes_add(struct hunt_probes *probes, const char *folder_path, int64_t from, int64_t to);
/* All are added: which folders are which probe's. */
void hunt_probes_settle(struct hunt_probes *probes);
/* Others cover the day (its place in `days`), and it does not. */
bool hunt_probe_is_absent(const struct hunt_probes *probes, const struct hunt_probe *probe,
                          size_t day);
/* Of a host that was seen on these days (a bit each): bit n is set when it is probe n's, and that
 * one was absent at times. */
uint64_t hunt_probes_of(const struct hunt_probes *probes, const uint8_t *seen);
/* How well a day was seen, for a host of these probes. */
enum hunt_sight hunt_probes_sight(const struct hunt_probes *probes, uint64_t of, size_t day);

/* --- verdicts --------------------------------------------------------------------------------- */

enum hunt_verdict { HUNT_LEFT, HUNT_CANNOT_SAY, HUNT_NO_SIGN, HUNT_VERDICTS };
extern const char *const hunt_verdict_code[HUNT_VERDICTS]; /* "left", "cannot_say", "no_sign" */
/* The fixed words. */
extern const char *const hunt_verdict_words[HUNT_VERDICTS][REPORT_LANGUAGES];

enum hunt_why { /* HUNT_CANNOT_SAY: the first that holds */
                HUNT_WHY_NOTHING,
                HUNT_WHY_NOT_SEEN, /* it was asked about, and sent nothing */
                HUNT_WHY_CROWDED,  /* … or was a host too many */
                HUNT_WHY_SHORT, /* two days or less in all: there is nothing to hold a day against
                                 */
                HUNT_WHY_UNCOVERED, /* less than half of the days are covered */
                HUNT_WHY_FEW_DAYS,  /* it was seen on too few */
                HUNT_WHY_SIGHT,     /* on enough, but on too few that are covered */
                HUNT_WHY_ABSENT,    /* its probe was there on less than half of the days */
                HUNT_WHYS
};
extern const char *const hunt_why_code[HUNT_WHYS];

struct hunt_basis {
    size_t incidents;         /* told of it, in which anything left */
    size_t days, covered;     /* in all */
    size_t own;               /* of these covered for it: its probe was there, too */
    size_t crowded;           /* … and on so many it may have been a host too many */
    size_t seen[HUNT_SIGHTS]; /* days on which it sent, by their sight */
    size_t least;             /* covered days that make a host one to be judged */
    bool hindsight;           /* else it was too short for it */
};
struct hunt_judgement {
    enum hunt_verdict verdict;
    enum hunt_why why;
    enum hunt_sight sight; /* HUNT_WHY_SIGHT: what most of its other days are */
};
struct hunt_judgement hunt_judge(const struct hunt_basis *basis);

/* --- the book of incidents -------------------------------------------------------------------- */

struct hunt_book_config {
    struct calendar *calendar;
    const char *sensor, *ruleset, *mode;
    /* NULL: whatever is told. The sensor's own always is. */
    bool (*wanted)(void *context, const struct ip *host);
    void (*alert)(void *context, const struct incident *incident, const struct alert *alert);
    void *context;
};
struct hunt_book;
struct hunt_book *hunt_book_new(const struct hunt_book_config *config);
void hunt_book_free(struct hunt_book *book);
/* All alerts of a unit, as alert_pack has them, one behind the other; unit after unit. An incident
 * goes on over their edges: what left in them adds up, what says no more than was told of the host
 * within the week is not told again, and a week of silence closes it. −1: they are not that. */
int hunt_book_unit(struct hunt_book *book, const void *alerts, size_t size);
void hunt_book_finish(struct hunt_book *book);
const struct incidents *hunt_book_incidents(const struct hunt_book *book);
uint64_t hunt_book_silent(const struct hunt_book *book); /* alerts that said no more */

/* --- the table -------------------------------------------------------------------------------- */

struct hunt_host {
    struct ip ip;
    uint8_t *seen; /* a bit a day */
    struct volume out;
    uint64_t in_bytes;
    bool asked; /* by name: --hosts-from, or --host with an address */
    size_t incidents;
    const struct incident *incident; /* the one with most evidence */
    uint64_t probes;                 /* whose it is: hunt_probes_of */
    struct hunt_basis basis;
    struct hunt_judgement judgement;
};

struct hunt_hosts;
struct hunt_hosts *hunt_hosts_new(const struct hunt_probes *probes); /* which outlive it */
void hunt_hosts_free(struct hunt_hosts *hosts);
struct hunt_host *hunt_hosts_get(struct hunt_hosts *hosts, const struct ip *ip); /* made on need */
/* It sent on this day. */
void hunt_host_seen(struct hunt_hosts *hosts, struct hunt_host *host, int64_t day);
/* Everything of incidents and days is known: judged and sorted: those that something left first, by
 * score, evidence and bytes; then those of which nothing can be said, then the others, by bytes;
 * then by address. The array is the table's. */
struct hunt_host *const *hunt_hosts_judge(struct hunt_hosts *hosts,
                                          const struct incidents *incidents, size_t least,
                                          bool hindsight, size_t *count);

struct hunt_result {
    const struct hunt_days *days;
    const struct hunt_probes *probes;
    struct hunt_host *const *host;
    size_t host_count;
    struct calendar *calendar;
    const char *timezone;
    bool hindsight;
    const struct summary_input *input; /* as they were surveyed */
    size_t input_count;
    const char *destination, *filter; /* only what leads there, only such packets; NULL: all */
    size_t least, units;
    uint64_t flows_cut, silent;
};
/* Caller frees. */
char *hunt_text(const struct hunt_result *result, enum report_language language);
char *hunt_json(const struct hunt_result *result);        /* without hosts */
char *hunt_hosts_lines(const struct hunt_result *result); /* hosts.ndjson */

/* summary.json of the whole: counters of all units added up, incidents the book's, inputs the
 * result's; `unit`: the units' own. Caller frees. */
char *hunt_summary_json(const struct hunt_result *result, const struct incidents *incidents,
                        const struct json_value *const *unit);

#endif
