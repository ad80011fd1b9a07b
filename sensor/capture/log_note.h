/* What other lines than a connection's say: names and contents of one, questions and answers of
 * DNS. Private to the capture room. */
#ifndef WEIR_SENSOR_CAPTURE_LOG_NOTE_H
#define WEIR_SENSOR_CAPTURE_LOG_NOTE_H

#include "weir/base/buffer.h"
#include "weir/content/names.h"
#include "weir/record/record.h"

#include <stdbool.h>

/* Times in logs are cut to microseconds, also the start and the duration that an end is made of: so
 * much earlier a note of a connection is told, so that it never comes behind that end. */
#define NOTE_EARLY_NS 2000

enum note_kind {
    NOTE_FACTS, /* of the connection `uid`; of a DNS question too */
    NOTE_DNS,   /* `dns` is a question or an answer, on the flow `key` */
    NOTE_KINDS
};

struct log_note {
    enum note_kind kind;
    uint64_t uid; /* as in struct connection */
    struct flow_key key;
    int64_t time_ns;
    uint32_t flags; /* FLOW_ECH to FLOW_CERTIFICATE_OTHER */
    bool has_ja3;
    uint8_t ja3[16];
    struct body_counts body[SIDES];
    char text[FLOW_TEXTS][RECORD_NAME_MAX + 1]; /* "" when none */
    struct dns_message dns;
};

void log_note_pack(const struct log_note *note, struct buffer *out);
/* False: these bytes are no packed note. */
bool log_note_unpack(const uint8_t *data, size_t size, struct log_note *note);

#endif
