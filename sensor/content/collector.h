/* Messages that span lines: from an anchor on, so many bytes are gathered, white space made one,
 * and an expression says whether it is what it looks like. Flight data, keys and envelopes are
 * rows; a schedule's lines (SSIM) are told one by one. Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_COLLECTOR_H
#define WEIR_SENSOR_CONTENT_COLLECTOR_H

#include "weir/base/digest.h"
#include "weir/base/error.h"
#include "weir/content/found.h"

#include <stdbool.h>

#define MESSAGE_BYTES_MAX 2048u
/* Messages that are gathered at once, over all flows; further ones are not looked at. */
#define MESSAGES_OPEN 4096u

struct message_row {
    enum content_class class;
    const char *label;
    const char *anchor;     /* as in struct pattern_row, heard by the scanner */
    const char *expression; /* of the message, from the anchor on; NULL: a schedule's lines */
    char end;               /* its last byte; '\0': none, the expression says */
    uint16_t bytes;         /* how much is gathered, at most */
};

extern const struct message_row message_rows[];
extern const size_t message_row_count;

struct messages; /* what all collectors share; outlives them */
struct messages *messages_new(struct error *error);
void messages_free(struct messages *messages);
uint64_t messages_refused(const struct messages *messages);

struct collector {
    struct messages *messages;
    const struct hash_key *key;
    struct finder finder;
    uint8_t *text; /* NULL: nothing is gathered */
    uint16_t size;
    uint16_t row;
    bool schedule; /* lines of a schedule, from its header to its trailer */
    bool broken;   /* schedule: this line's beginning is missing, or it is too long */
};

void collector_init(struct collector *collector, struct messages *messages,
                    const struct hash_key *key, const struct finder *finder);
void collector_begin(struct collector *collector, size_t row);
void collector_put(struct collector *collector, const uint8_t *data, size_t size);
void collector_gap(struct collector *collector);    /* bytes are missing: what is cut is dropped */
void collector_finish(struct collector *collector); /* the text ends */
void collector_drop(struct collector *collector);   /* nothing is gathered any more */

/* ssim.c: is it a flight leg record (type 3) of a schedule data set? SSIM chapter 7. Pure. */
bool ssim_is_leg(const uint8_t *line, size_t size);
bool ssim_is_record(const uint8_t *line, size_t size); /* of any type */

#endif
