/* What the formats ask of a record (one line of the journal, an ECS document). Everything is
 * borrowed from the record; what it does not say is "" or the value given for that. Pure. */
#ifndef WEIR_ALERT_LINE_H
#define WEIR_ALERT_LINE_H

#include "weir/base/buffer.h"
#include "weir/base/json.h"

enum line_kind {
    LINE_OTHER, /* none of ours */
    LINE_ALERT,
    LINE_HEARTBEAT,
    LINE_AUDIT, /* what people did */
};

enum line_kind line_kind_of(const struct json_value *record);
const char *line_text(const struct json_value *record, const char *path); /* "": no such text */
int64_t line_whole(const struct json_value *record, const char *path, int64_t none);
/* A time as we write it (ptime_iso) in milliseconds since 1970. */
bool line_time_ms(const struct json_value *record, const char *path, int64_t *ms);

/* An end's `ip`; of one that has a pseudonym (pseudonym.h) its `address`. "": neither. */
const char *line_end(const struct json_value *record, const char *end);
/* The largest flow's ends, by who is inside. A port is −1 where there is none. */
struct line_ends {
    const char *inside, *outside;
    int64_t inside_port, outside_port;
    bool outside_opened;
    bool inside_hidden; /* `inside` is a pseudonym: no address, where one is asked for */
};
/* False: a record without traffic (the sensor's own alerts). */
bool line_ends_of(const struct json_value *record, struct line_ends *ends);

/* Why it was told, in one sentence: the first reason's text. */
const char *line_reason(const struct json_value *record);
/* The end of its life, by weir.state; and whether a silence covers it. */
bool line_closes(const struct json_value *record);
bool line_is_silenced(const struct json_value *record);

/* At most `room` bytes of it: what was cut ends with "…", never in the middle of a character.
 * Caller frees. */
char *line_cut(const char *text, size_t room);
/* Appends at most `room` bytes of what others may have written, as a terminal may see it. */
void line_put_text(struct buffer *out, const char *text, size_t room);
/* Into a writer: the key is left out when there is no text; long text is cut likewise. */
void line_put_known(struct json *json, const char *key, const char *text);
/* Into a writer, as it is, when the record has it. */
void line_put_same(struct json *json, const char *key, const struct json_value *record,
                   const char *path);

#endif
