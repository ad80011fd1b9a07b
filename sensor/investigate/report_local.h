/* For report*.c only. */
#ifndef SENSOR_INVESTIGATE_REPORT_LOCAL_H
#define SENSOR_INVESTIGATE_REPORT_LOCAL_H

#include "report_words.h"
#include "weir/investigate/report.h"
#include "weir/investigate/retold.h"

#include "weir/alert/line.h"
#include "weir/base/digest.h"

#define REPORT_BUCKETS 1024u /* bars of a timeline */
#define REPORT_OPENERS 64u   /* addresses that opened connections, of an incident */
#define REPORT_PEOPLE  64u   /* things that people did about it */
#define REPORT_FACTS   96u   /* of the coverage */
#define REPORT_FACT    5u    /* arguments */
#define REPORT_SOURCES 5u    /* files that the report was made from */
#define REPORT_GAPS    32u   /* times without a heartbeat */
#define REPORT_KNOWN   32u   /* remote addresses that alerts of an incident name */

__extension__ typedef __int128 wide; /* of two 64-bit figures the product */

struct report_volume {
    uint64_t value, low, high;
};

struct report_mark { /* an alert */
    struct ptime time;
    char id[ALERT_ID_SIZE], rule[64], state[16];
    int64_t score;
    enum urgency urgency;
    struct report_volume out;
};

struct report_opener {
    char ip[IP_TEXT_SIZE];
    uint64_t flows, out_bytes;
};

struct report_person {
    struct ptime at;
    char *by, *message;
};

enum report_series_of { SERIES_NONE, SERIES_FLOWS, SERIES_ALERTS };

/* Bytes that left, by hour or day of the site. */
struct report_series {
    enum report_series_of of;
    bool daily;
    int64_t first;           /* ordinal of the first hour or day … */
    struct ptime begin, end; /* … when it begins, and the last one ends */
    size_t count;
    uint64_t *here, *elsewhere; /* to the destination; the host's others (SERIES_FLOWS) */
    double band[2];             /* expected in one bar; 0, 0: no alert says */
    char band_code[64];
};

/* Of flows.ndjson: what is of the incident's host and destination, in its time. */
struct report_flows {
    uint64_t flows, outside, inside;
    struct report_volume out;
    struct report_opener opener[REPORT_OPENERS];
    size_t openers;
    uint64_t more; /* flows of further ones */
};

struct report_incident {
    char id[ALERT_ID_SIZE], host[RETOLD_HOST], destination[RETOLD_NAME], sight[SILENCE_NAME_SIZE];
    bool sensor;
    int64_t score;
    enum urgency urgency;
    struct ptime start, end;             /* of what it speaks of */
    struct json_value *row[REPORT_ROWS]; /* the latest record of each detector */
    size_t rows;
    const struct json_value *last; /* of all; one of them */
    uint64_t rows_more;
    struct report_mark mark[REPORT_MARKS]; /* the first half, then a ring of the latest */
    uint64_t marks;
    struct report_person person[REPORT_PEOPLE];
    uint64_t people;
    struct ip known[REPORT_KNOWN];
    size_t known_count;
    struct report_series series;
    struct report_flows flows;
};

/* What the question is about, where it is no incident. */
struct report_asked {
    struct report_flows flows;
    uint64_t host_flows; /* of the host, wherever they went, whenever */
};

struct report_fact { /* one line of what the report cannot say */
    enum say say;
    char *argument[REPORT_FACT];
    bool grave; /* so much was not seen that nothing being told proves nothing */
};

struct report_source {
    const char *name;
    bool there;
    uint64_t bytes, lines;
    uint8_t sha256[SHA256_SIZE];
};

enum report_verdict { REPORT_LEFT, REPORT_NO_SIGN, REPORT_CANNOT_SAY };

struct report {
    struct report_question question;
    struct retold told;               /* the first reading: all that is in the scope asked for */
    struct report_incident *incident; /* by urgency and score */
    size_t incidents;
    uint64_t incidents_more; /* beyond REPORT_INCIDENTS */
    uint64_t lines_bad, unread;
    char sensor[64], version[32];
    struct ptime beat, first, last; /* heartbeats; of all records */
    struct {
        struct ptime from, until;
    } gap[REPORT_GAPS];
    size_t gaps, gaps_more;
    int64_t hosts_ready; /* by the last heartbeat; −1: none */
    bool is_case;
    struct json_value *summary, *manifest;
    bool manifest_large; /* too large to be read; manifest is NULL */
    struct report_asked asked;
    struct report_source source[REPORT_SOURCES];
    size_t sources;
    struct report_fact fact[REPORT_FACTS];
    size_t facts;
    uint64_t facts_more; /* that had no room */
    enum report_verdict verdict;
    bool settled;
};

/* report.c */
bool report_is_scoped(const struct report *report); /* host, destination or time was asked for */
const struct report_mark *report_mark_at(const struct report_incident *incident, uint64_t n);
const struct report_person *report_person_at(const struct report_incident *incident, uint64_t n);
struct report_volume report_volume_of(const struct json_value *estimate);
/* The summary's word on this incident; NULL: it has none. */
const struct json_value *report_summed(const struct report *report,
                                       const struct report_incident *incident);
/* Everything that is computed once all is read. */
void report_settle(struct report *report);

/* report_flows.c */
void report_flow_line(struct report *report, const char *line, size_t size);
/* The site's bars from what the alerts say, where no flows were kept; the expected band. */
void report_series_begin(const struct report *report, struct report_incident *incident,
                         enum report_series_of of);
void report_series_end(const struct report *report, struct report_incident *incident);
struct ptime report_bar_time(const struct report_series *series, size_t bar);

/* report_coverage.c */
void report_coverage(struct report *report);
enum report_verdict report_verdict_of(const struct report *report);

/* report_svg.c: the timeline, as SVG. */
void report_svg(struct buffer *out, const struct report *report,
                const struct report_incident *incident, enum report_language language);

/* Times of the site: "2026-03-02 01:14:07". */
char *report_time(struct ptime time, char text[32]);

#endif
