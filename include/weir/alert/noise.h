/* What people say of alerts, so that the same is not told again and again: silences, and what
 * became of incidents. It never hides bytes: a silenced alert is journaled and counted like any
 * other and only carries who silenced it, until when and why; sinks that were not asked for such
 * leave it out.
 *
 * A change window is the same and hides nothing: alerts of a zone, while somebody works on it, are
 * told as ever and carry its ticket; nothing is learned of the zone's hosts meanwhile.
 *
 * A silence ends, and is compared with an alert's packet time: an engine that plays its log again
 * after a death, and a replay, tag the same alerts. Acts of people have the wall clock's time.
 *
 * Bounds: NOISE_SILENCES silences (one more is refused once those that are over are gone),
 * NOISE_MARKS incidents that something was said of (the oldest closed one that nobody
 * acknowledged since gives way; when there is none, one more is refused), texts of NOISE_TEXT
 * bytes. Pure but for noise_read and noise_write. Thread: whoever owns it. */
#ifndef WEIR_ALERT_NOISE_H
#define WEIR_ALERT_NOISE_H

#include "weir/alert/alert.h"
#include "weir/alert/incident.h"
#include "weir/base/map.h"
#include "weir/detect/zones.h"

#define NOISE_SILENCES 1024u
#define NOISE_MARKS    8192u
#define NOISE_DAYS     90               /* a silence lasts at most */
#define NOISE_KEPT_NS  (7 * NS_PER_DAY) /* one that is over is still listed so long */
#define NOISE_NAME     96               /* bytes, the end included: authors, tickets */
#define NOISE_TEXT     512              /* … reasons, notes */
#define NOISE_ID       16               /* "sil-17" */
#define NOISE_FILE_MAX (32u << 20)

extern const char noise_file[]; /* "noise.json" */

/* --- silences --------------------------------------------------------------------------------- */

enum noise_host { NOISE_ANY_HOST, NOISE_NETWORK, NOISE_DEVICE };

/* All that is given must hold. At least one but severity_below is, and is not every address. */
struct noise_scope {
    char rule[64]; /* detector's or rule's id; "": any, but for sensor.blind's alerts */
    enum noise_host host_kind;
    struct prefix host_prefix;     /* NOISE_NETWORK: an address is a prefix of its full length */
    char device[PREFIX_TEXT_SIZE]; /* NOISE_DEVICE, as host_text */
    /* A registrable domain, or a network. A domain holds only where no byte of the story left under
     * a name that nothing but the client's word bears out: a forged name silences nothing. */
    char destination[DESTINATION_NAME_SIZE];
    bool has_destination_prefix;
    struct prefix destination_prefix;
    char service[16];             /* all that left was that */
    char zone[ZONE_NAME_SIZE];    /* the host's, or an end of what a row about zones tells */
    char incident[ALERT_ID_SIZE]; /* whole */
    int severity_below;           /* 0: any */
};

struct noise_silence {
    uint32_t number; /* "sil-17" */
    char author[NOISE_NAME], reason[NOISE_TEXT];
    char ticket[NOISE_NAME]; /* of a change window, whose id is "chg-17"; "": a silence */
    struct ptime created;    /* wall clock */
    struct ptime expires;    /* an alert of this packet time or later is told again */
    struct noise_scope scope;
    uint64_t alerts, out_bytes; /* silenced by it; bytes that none told of before */
    struct ptime last;          /* PTIME_MIN: none yet */
};

char *noise_silence_id(const struct noise_silence *silence, char text[NOISE_ID]);
bool noise_scope_holds(const struct noise_scope *scope, const struct alert *alert);
/* "volume.host of 10.0.0.5 to example.net": for people; `text` is NUL-terminated whatever room. */
char *noise_scope_text(const struct noise_scope *scope, char *text, size_t room);

/* --- incidents -------------------------------------------------------------------------------- */

enum noise_verdict { VERDICT_NONE, VERDICT_BENIGN, VERDICT_MALICIOUS, VERDICT_UNKNOWN, VERDICTS };
extern const char *const noise_verdict_name[VERDICTS]; /* [VERDICT_NONE] is NULL */

struct noise_word { /* by "": nobody said it */
    char by[NOISE_NAME], note[NOISE_TEXT];
    struct ptime at;     /* wall clock */
    struct ptime packet; /* packet time that the sensor had come to */
};

/* What was said of an incident. */
struct noise_mark {
    char incident[ALERT_ID_SIZE];
    struct noise_word acknowledged, closed;
    enum noise_verdict verdict; /* of `closed` */
    char ticket[NOISE_NAME];
    /* Alerts of it while it was acknowledged that wake nobody, and what newly left in them. */
    uint64_t quiet_alerts, quiet_bytes;
};

/* Somebody looks at it: it was acknowledged, and not closed since. */
bool noise_is_acknowledged(const struct noise_mark *mark);

/* --- the book --------------------------------------------------------------------------------- */

struct noise {
    struct noise_silence *silence; /* by number */
    size_t silence_count, silence_room;
    struct map marks;   /* incident id → struct noise_mark */
    uint32_t next;      /* number of the next silence */
    uint64_t counted;   /* what the journal tells through this sequence number is in it */
    uint64_t given_way; /* marks, for want of room */
    bool filed;         /* it was read from a file: what the journal tells later belongs to it */
};

struct noise *noise_new(void);
struct noise *noise_copy(const struct noise *noise);
void noise_free(struct noise *noise);
struct noise_silence *noise_get(const struct noise *noise, const char *id); /* NULL: no such */
struct noise_mark *noise_mark_of(const struct noise *noise, const char *incident);

/* What is said of an alert as it is told; texts borrowed from the book. Nothing of it: all 0. */
struct alert_noise {
    const struct noise_silence *silence;
    const struct noise_silence *change; /* the window it was told in */
    const struct noise_mark *acknowledged, *judged;
    bool quiet; /* of an acknowledged incident, and wakes nobody */
};
/* Whether a change window of the zone is open at any time from `from` to `until`. */
bool noise_in_change(const struct noise *noise, const char *zone, struct ptime from,
                     struct ptime until);
/* True: there is something to say. */
bool noise_of_alert(const struct noise *noise, const struct alert *alert,
                    struct alert_noise *found);
/* It was told so: the figures of the silence, of the mark. */
void noise_count(struct noise *noise, const struct alert *alert, const struct alert_noise *found);
/* What a line of the journal told, for what was told after `counted`: an order is done once more,
 * an alert counted. */
void noise_again(struct noise *noise, const char *line, size_t size);
/* All lines of this journal after `counted`; a journal that is not there has none. */
void noise_catch_up(struct noise *noise, const char *folder);

/* The file, whole or not at all: NULL and an error (ERROR_INPUT) when it is damaged; one that is
 * not there is an empty book. Written through a temporary file and fsync. */
struct noise *noise_parse(const char *text, size_t size, struct error *error);
struct noise *noise_read(const char *path, struct error *error);
int noise_write(const struct noise *noise, const char *path, struct error *error);
char *noise_text(const struct noise *noise); /* caller frees */

/* --- orders: what people want changed --------------------------------------------------------- */

enum noise_verb { NOISE_ADD, NOISE_REMOVE, NOISE_ACKNOWLEDGE, NOISE_CLOSE, NOISE_REOPEN };

struct noise_order {
    enum noise_verb verb;
    const char *target; /* "sil-3", an incident's whole id; NULL: NOISE_ADD */
    const char *body;   /* JSON, docs/api.md; "": none */
    size_t body_size;
    const char *peer;        /* who asks, as far as the system knows */
    bool signed_in;          /* … and has shown to be: no other name may be stated */
    int64_t uid;             /* −1: not known */
    struct ptime at, packet; /* wall clock; packet time that all is judged up to */
    const char *sensor;
    const struct incident *incident; /* the target, where it is known */
    const struct zones *zones;       /* those there are; NULL: any name may be one */
};

struct noise_outcome {
    char *audit; /* the journal's record of it */
    char *reply; /* what is now, as JSON */
};

/* Changes the book. −1 and an error: ERROR_USAGE the order is wrong; ERROR_INPUT there is no such
 * silence or mark; ERROR_RUN a bound. Then nothing has changed. */
int noise_obey(struct noise *noise, const struct noise_order *order, struct noise_outcome *outcome,
               struct error *error);
/* The record that takes back an order's whose record may be in the journal although it was refused:
 * `noise` is the book without it, but that a silence's number is used up. Caller frees. */
char *noise_refused(const struct noise *noise, const struct noise_order *order);
void noise_outcome_fini(struct noise_outcome *outcome);

/* An act of somebody that is no order of these: one record for the journal, caller frees. */
struct noise_act {
    const char *action, *subject, *message; /* "reload"; subject may be NULL */
    const char *by;
    int64_t uid;
    struct ptime at;
    const char *sensor;
};
char *noise_audit(const struct noise_act *act);

/* --- as JSON ---------------------------------------------------------------------------------- */

void noise_put_scope(struct json *json, const char *key, const struct noise_scope *scope);
void noise_put_silence(struct json *json, const char *key, const struct noise_silence *silence);
void noise_put_mark(struct json *json, const char *key, const struct noise_mark *mark);
/* Into an alert's object "weir": "silenced", "acknowledged", "judged". */
void noise_put_alert(struct json *json, const struct alert *alert);

#endif
