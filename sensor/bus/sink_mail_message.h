/* Several alerts as one RFC 5322 message. Pure. */
#ifndef SENSOR_BUS_SINK_MAIL_MESSAGE_H
#define SENSOR_BUS_SINK_MAIL_MESSAGE_H

#include "weir/base/buffer.h"
#include "weir/bus/sink.h"

#define MAIL_LINES_MAX 10000u              /* a message: beyond that the next one */
#define MAIL_SHOWN     100u                /* lines shown whole; the others by rule */
#define MAIL_BYTES     ((size_t)256 << 10) /* text after which no more is shown whole */
#define MAIL_RULES     64u                 /* rules counted by name; the others together */

struct mail_head {
    const char *from;
    const char *const *to; /* NULL-terminated */
    const char *prefix;    /* of the subject */
    const char *sensor;
    int64_t time_s; /* Date: when it is sent, by the wall clock */
};

struct mail_digest;
struct mail_digest *mail_digest_new(void);
void mail_digest_free(struct mail_digest *digest);
void mail_digest_clear(struct mail_digest *digest);
/* False: it is full. */
bool mail_digest_add(struct mail_digest *digest, const struct sink_line *line);
size_t mail_digest_count(const struct mail_digest *digest);
uint64_t mail_digest_sequence(const struct mail_digest *digest, size_t index);
/* The whole message, lines ended by CR LF. */
void mail_digest_put(struct buffer *out, const struct mail_digest *digest,
                     const struct mail_head *head);
/* An address as it may stand in a header and an SMTP command. */
bool mail_address_ok(const char *text);

#endif
