/* Closing hours: what close.c, close_turn.c and close_work.c share. Engine thread.
 *
 *   close.c        loading hosts, publishing totals; an hour is due
 *   close_turn.c   whose turn it is: asking, waiting, who does what next
 *   close_work.c   the work: learning an hour, or taking what another sensor learned
 *   close_alone.c  the work of a replay */
#ifndef WEIR_ENGINE_CLOSE_H
#define WEIR_ENGINE_CLOSE_H

#include "internal.h"

#include "weir/baseline/store_close.h"

#define CLOSE_WINDOW  128  /* hosts asked for and not yet done with */
#define CLOSE_KEEP    1024 /* the lease is renewed after so many hosts */
#define CLOSE_POLL_NS (200 * NS_PER_MS)

/* The hosts of an hour, gone through in sorted order, CLOSE_WINDOW at a time. */
struct work {
    bool taking;        /* what another sensor learned; else learning */
    int64_t hour;       /* learning: this one; taking: all behind fleet_hour up to this one */
    int64_t next_list;  /* taking: of this hour the list is read next */
    struct civil civil; /* learning: of the hour */
    struct ip *host;
    size_t count, asked, done;
    uint64_t withheld; /* host-hours; counted when the hour is closed: a redo counts them anew */
    bool lost; /* another sensor has the lease: what is on its way is let come, then given up */
};

enum close_step {
    CLOSE_ASKING,  /* the first answer is awaited */
    CLOSE_WAITING, /* for other sensors; asked again every CLOSE_POLL_NS */
    CLOSE_READY,   /* there is something to do, as soon as all that is ready was consumed */
    CLOSE_WORKING
};

struct closing {
    int64_t through; /* all hours up to this one */
    struct ptime now;
    enum close_step step;
    bool paused; /* consumption is */
    bool asked;  /* an answer is under way */
    bool late_counted;
    struct loop_watch *poll;
    struct store_turn turn;
    struct work work;
};

/* What a closer left in the store in case it died, being removed; another closing's work goes on
 * beside it. */
struct cleaning {
    int64_t hour;
    struct ip *host;
    size_t count, asked, done;
};

/* close_turn.c */
void close_begin(struct engine *engine, int64_t through, struct ptime now);
void close_asks_again(struct engine *engine); /* a piece of work was done, or was lost */

/* close_work.c */
void close_learn(struct engine *engine, int64_t hour);
void close_take(struct engine *engine, int64_t closed);
/* The hours up to this one are closed for all: their totals go. */
void close_through(struct engine *engine, int64_t hour);
void close_clean_fini(struct engine *engine);
void close_end_work(struct engine *engine);

/* close_alone.c */
void close_learn_alone(struct engine *engine);

#endif
