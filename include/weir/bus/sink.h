/* A sink: one file and one row in sensor/bus/sinks.c. The bus feeds it lines of the journal, in
 * order, and keeps the place up to which the other end has them; a sink keeps nothing across a
 * restart. Everything happens on the bus's loop; no call here may wait.
 *
 * At least once: what a sink was given and did not tell as taken is given again, after a restart or
 * after `failed`. Lines that come again carry the same event.id. */
#ifndef WEIR_BUS_SINK_H
#define WEIR_BUS_SINK_H

#include "weir/alert/format.h"
#include "weir/alert/pseudonym.h"
#include "weir/base/error.h"
#include "weir/base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- what the operator said ------------------------------------------------------------------- */

enum sink_key_kind {
    SINK_TEXT,
    SINK_NUMBER,      /* a whole number, min to max */
    SINK_CHOICE,      /* one of `choice` */
    SINK_FLAG,        /* true or false */
    SINK_SECRET_FILE, /* the path of a file whose first line is a secret; never shown, read at open
                       */
    SINK_TEXTS,       /* a list of texts */
};

/* A key of a type of sinks, as config/ reads it. Tables end with a row whose name is NULL. */
struct sink_key {
    const char *name; /* "path" */
    enum sink_key_kind kind;
    bool required;
    int64_t min, max;          /* SINK_NUMBER */
    const char *const *choice; /* SINK_CHOICE, NULL-terminated */
    const char *fallback;      /* shown as effective when it is not given; NULL: none */
};

#define SINK_SETTINGS 24

/* What a sink was configured with: values of its type's keys, checked by them. Owned by the
 * configuration and outlives the sink. */
struct sink_settings {
    const char *type, *name,
        *format; /* name: unique, what its place and dead letters are kept by */
    struct sink_setting {
        const struct sink_key *key;
        const char *const *value; /* NULL-terminated; one but for SINK_TEXTS */
    } setting[SINK_SETTINGS];
    size_t count;
    /* Which lines it is told; common to all types. */
    int64_t severity_min;  /* alerts of at least so much; 0: all */
    bool heartbeat, audit; /* sensor.heartbeat; what people did (event.kind "event") */
    bool silenced;         /* alerts that a silence covers are told too */
    int64_t timeout_s;     /* of a sink that tells: given lines, and none taken for so long, is a
                            * failure. SINK_FULL is none, however long: that is the sink's to bound */
    bool from_start;       /* without a saved place: from the journal's start, not from its end */
};

struct sink_row;
/* What holds when only the type was said; `name` is borrowed. */
void sink_settings_init(struct sink_settings *settings, const struct sink_row *row,
                        const char *name);
/* Adds a checked value (borrowed) of a key of the type's table. */
void sink_settings_add(struct sink_settings *settings, const struct sink_key *key,
                       const char *const *value);
/* A sink of type file, for what the command line names; `path` is NULL-terminated, borrowed. */
void sink_settings_file(struct sink_settings *settings, const char *name, const char *const *path);
const struct sink_key *sink_key_get(const struct sink_row *row, const char *name);

/* The given value or the key's fallback; NULL when there is neither. */
const char *sink_text(const struct sink_settings *settings, const char *key);
int64_t sink_number(const struct sink_settings *settings, const char *key);
bool sink_flag(const struct sink_settings *settings, const char *key);
/* All of them, NULL-terminated; NULL: not given. */
const char *const *sink_texts(const struct sink_settings *settings, const char *key);
/* The first line of the file that a SINK_SECRET_FILE names: caller wipes and frees. NULL and no
 * error: the key was not given. */
char *sink_secret(const struct sink_settings *settings, const char *key, struct error *error);

/* --- what it is given, what it says ----------------------------------------------------------- */

struct sink_line {
    uint64_t sequence; /* in the journal: grows, with gaps where lines were not for this sink */
    const char *text;  /* in the sink's format, no newline; borrowed for the length of the call */
    size_t size;
    const struct json_value *record; /* the ECS record it was made from; borrowed likewise.
                                      * NULL: the row is `text_only`, or it is no JSON */
};

/* The bus, as its sink sees it. Outlives the sink. May be called inside write and flush. */
struct sink_host {
    struct loop_ref loop;
    const char *folder; /* the state directory, for files of the sink's own */
    const char *sensor; /* sensor.name */
    /* For a sink that reads the journal by itself: what it tells has these. NULL: none. */
    const struct pseudonyms *pseudonyms;
    /* When this sink's place began, in ms since 1970: kept with its place, so that sequence numbers
     * of another journal are told from these. */
    uint64_t epoch_ms;
    void *context;
    /* The other end has every line up to this sequence number. 0: none more, but it answered, so
     * that `timeout_s` begins anew. */
    void (*taken)(void *context, uint64_t sequence);
    /* The other end will never take this line (it said so): it goes to the dead letters, and the
     * sink goes on with the next. `taken` is still told for it, in its order. */
    void (*refused)(void *context, uint64_t sequence, const char *why);
    /* What was not taken is lost: the sink holds nothing any more, and is given it again after a
     * back-off. One line that says why. */
    void (*failed)(void *context, const struct error *error);
    /* After SINK_FULL: there is room again. */
    void (*ready)(void *context);
};

enum sink_result {
    SINK_OK,
    SINK_FULL,  /* not taken, nothing is wrong: the same line again after `ready` */
    SINK_AGAIN, /* not taken, and an error says why: as `failed`. A sink that does not tell is
                 * flushed behind it: what it was given before this line need not come again */
    SINK_DEAD,  /* this sink will not work again before a reload; the others go on */
};

struct sink; /* an opened sink, its file's own layout */
struct sink_row {
    const char *type;
    const struct sink_key *keys;
    const char
        *formats; /* those it can be asked for, "ecs eve ocsf cef text"; the first is the default */
    bool tells;   /* true: it calls `taken`; false: a flush that is SINK_OK means taken */
    bool quiet;   /* heartbeats and audits are told only when asked for (mail) */
    bool (*is_quiet)(const struct sink_settings *settings); /* … by its keys (chat); NULL: no */
    bool text_only; /* never looks at a line's `record`, so it need not be parsed */
    /* What the table of keys cannot say, asked when the configuration is read: 0, or −1 and an
     * error "KEY: what, expected what". NULL: nothing. */
    int (*check)(const struct sink_settings *settings, struct error *error);
    /* Opening does not connect: an end that is away now is no reason not to start. Errors are of
     * configuration (ERROR_USAGE) or rights. A sink that took nothing for `timeout_s` is closed and
     * opened anew, so both may happen at any time. */
    struct sink *(*open)(const struct sink_settings *settings, const struct sink_host *host,
                         struct error *error);
    enum sink_result (*write)(struct sink *sink, const struct sink_line *line, struct error *error);
    /* No more lines for now: what was written is to go out. */
    enum sink_result (*flush)(struct sink *sink, struct error *error);
    void (*close)(struct sink *sink);
};

extern const struct sink_row *const sink_rows[]; /* NULL-terminated */
const struct sink_row *sink_row_get(const char *type);

#endif
