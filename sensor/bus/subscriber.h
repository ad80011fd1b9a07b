/* One client of the unix sink: where it began, what waits for it, why it is let go. */
#ifndef SENSOR_BUS_SUBSCRIBER_H
#define SENSOR_BUS_SUBSCRIBER_H

#include "weir/base/buffer.h"
#include "weir/base/time.h"
#include "weir/bus/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUBSCRIBER_QUEUE   ((size_t)1 << 20) /* bytes that wait for it; then it is let go */
#define SUBSCRIBER_ASK     256u              /* bytes of what it may ask first */
#define SUBSCRIBER_ASK_NS  (2 * NS_PER_S)    /* and how long that may take */
#define SUBSCRIBER_IDLE_NS (60 * NS_PER_S)   /* without taking any of what waits */

struct journal_reader;

struct told_as { /* how a sink tells; all borrowed */
    const struct sink_settings *settings;
    const struct line_format *format;
    const struct pseudonyms *pseudonyms; /* NULL: none */
};

enum subscriber_phase {
    SUBSCRIBER_ASKING,   /* it may still say where to begin */
    SUBSCRIBER_CATCHING, /* it is read lines of the journal that others had before */
    SUBSCRIBER_LIVE,     /* it has everything; new lines are queued as they come */
    SUBSCRIBER_LEAVING,  /* it is told why, and goes */
};

struct subscriber {
    struct subscriber *next, *previous;
    void *sink; /* whose it is */
    int fd;
    struct loop_watch *watch;
    unsigned watched; /* for what */
    bool ended;       /* it says nothing more, and may still listen */
    enum subscriber_phase phase;
    struct wtime since; /* of the phase, or when it last took something */
    char asked[SUBSCRIBER_ASK + 1];
    size_t asked_size;
    struct buffer out;
    size_t sent;        /* bytes of `out` */
    size_t line_at;     /* where in `out` the line begins that is being sent */
    uint64_t after;     /* it has, or does not want, everything up to this sequence number */
    char since_iso[32]; /* it does not want what is older; "": nothing is too old */
    struct journal_reader *reader; /* SUBSCRIBER_CATCHING */
    unsigned damages;              /* that it met */
};

/* What it asked for: a line of JSON {"after": SEQUENCE} or {"since": "2026-03-02T01:14:07Z"}.
 * False: it makes no sense. */
bool subscriber_parse(struct subscriber *subscriber, const char *line, size_t size);
/* Queues a line, whatever waits already. */
void subscriber_put(struct subscriber *subscriber, const char *line, size_t size);
/* Queues a line. False: it has no room for it. */
bool subscriber_queue(struct subscriber *subscriber, const char *line, size_t size);
/* Only the line that is being sent stays, and one that says why: it is SUBSCRIBER_LEAVING. */
void subscriber_dismiss(struct subscriber *subscriber, const char *why);
/* Sends what there is room for. False: its end is gone. */
bool subscriber_send(struct subscriber *subscriber);
/* Catching up, it has room for more. */
bool subscriber_is_hungry(const struct subscriber *subscriber);
/* Reads it so many lines of the journal, or makes it live at its end. True: there is more at once.
 */
bool subscriber_catch_up(struct subscriber *subscriber, const struct told_as *as, unsigned lines);
/* {"error":{"text":…}} and a newline; caller frees. */
char *subscriber_error_line(const char *why);

#endif
