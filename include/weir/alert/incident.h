/* Incidents: the alerts of one host and destination that tell one story. The same story is told
 * again only when its evidence has grown × 1.3, or when a silence held back the last time and is
 * over; it is closed (state "close") when it was silent for `gap_ns` or the input ends. A story
 * that goes on after its incident was closed opens the same one again (the id is the story's).
 * Bounds: INCIDENTS_MAX open, the one silent longest is closed; INCIDENTS_KEPT closed ones are
 * remembered, the one closed longest ago is forgotten; INCIDENT_RANKS detectors an incident,
 * further ones are not told. All counted. Engine thread. */
#ifndef WEIR_ALERT_INCIDENT_H
#define WEIR_ALERT_INCIDENT_H

#include "weir/alert/alert.h"
#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#define INCIDENTS_MAX         65536
#define INCIDENTS_KEPT        16384
#define INCIDENT_RANKS        16
#define INCIDENT_RAISE_FACTOR 1.3

struct incident_rank { /* per detector that spoke in the incident */
    const struct detector *detector;
    double evidence; /* at the last raise */
    uint32_t raises;
    bool hidden;        /* a silence held back the last one */
    struct ptime first; /* of its first alert */
    struct volume first_out;
    struct finding finding; /* the strongest so far, of equals the latest */
};

struct incident {
    char id[ALERT_ID_SIZE];
    struct story story;       /* the latest */
    struct ptime opened;      /* packet time of the first alert */
    struct volume opened_out; /* what had left by then */
    int score;
    enum urgency urgency;
    enum baseline_state baseline;
    uint32_t baseline_hours;
    struct incident_rank *rank; /* rank_count of them, in the order in which they spoke */
    size_t rank_count;
    uint32_t alerts;     /* emitted, without the closing one */
    uint64_t told_bytes; /* of story.out, by the last one */
    bool closed;
    bool aloud; /* since it was opened an alert of it was told unsilenced */
};

struct incidents;
struct incidents *incidents_new(int64_t gap_ns,
                                void (*alert)(void *context, const struct incident *incident,
                                              const struct alert *alert),
                                void *context);
void incidents_free(struct incidents *incidents);
/* A finding about a story. Emits an alert when it is new or has grown enough. `time` is packet
 * time. The incident is looked up by (host, destination key; "" for the whole host; the sensor's
 * are "sensor", "sensor:vlan 20"). */
void incidents_find(struct incidents *incidents, const struct finding *finding,
                    const struct story *story, enum baseline_state baseline,
                    uint32_t baseline_hours, struct ptime time);
/* Whether a silence holds back the alert that would be told now (its finding, story, id and time
 * are set, not what links it to others). A detector whose last alert was held back tells its next
 * finding once none does, grown or not. NULL: there are no silences. Same context as `alert`. */
void incidents_set_covered(struct incidents *incidents,
                           bool (*covered)(void *context, const struct alert *alert));
/* Of the alert that is just told, from inside `alert`: whether a silence holds it back. One that
 * none does is heard, so the closing one will be too. */
void incidents_told(struct incidents *incidents, const struct alert *alert, bool is_hidden);
/* Whether incidents_find would emit an alert for it. */
bool incidents_would_tell(const struct incidents *incidents, const struct finding *finding,
                          const struct story *story, struct ptime time);
/* The story goes on, whether or not anything is found: keeps an open incident's figures true. */
void incidents_follow(struct incidents *incidents, const struct story *story, struct ptime time);
/* The story is over: its open incident, if there is one, is closed with this finding as the last
 * word. */
void incidents_end(struct incidents *incidents, const struct finding *finding,
                   const struct story *story, struct ptime time);
bool incidents_has(const struct incidents *incidents, const struct ip *host,
                   const struct destination *destination); /* NULL: the whole host's */
/* Closes what has been silent; at the end of input, everything (time PTIME_MAX: at its last
 * packet). */
void incidents_advance(struct incidents *incidents, struct ptime now);
/* By its id, a closed one too; NULL: it is not, or no longer, known. */
const struct incident *incidents_get(const struct incidents *incidents, const char *id);
/* All incidents, closed ones too, by (score falling, first packet, id). Caller frees the array. */
const struct incident **incidents_sorted(const struct incidents *incidents, size_t *count);
struct incidents_counts {
    uint64_t evicted;   /* closed for want of room */
    uint64_t forgotten; /* closed ones no longer remembered */
    uint64_t unranked;  /* findings of a seventeenth detector */
    uint64_t open;      /* now */
};
struct incidents_counts incidents_counts(const struct incidents *incidents);
/* All of it, for a restart of the same build on the same machine (the caller holds a checksum over
 * it and knows the build): into an empty one. False: it is not that; the incidents are of no use.
 */
void incidents_pack(const struct incidents *incidents, struct buffer *out);
bool incidents_unpack(struct incidents *incidents, struct cursor *in);
/* One alert's finding and story, likewise: what another book of incidents goes on from. Texts and
 * rows of rules are then this book's. False: it is not that. */
void alert_pack(const struct alert *alert, struct buffer *out);
bool alert_unpack(struct incidents *incidents, struct cursor *in, struct alert *alert);
/* Alerts carry the sensor's name; set before the first. */
void incidents_set_labels(struct incidents *incidents, const char *sensor, const char *ruleset,
                          const char *mode);

#endif
