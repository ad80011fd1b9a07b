/* The inside of an outlet, for outlet*.c only. */
#ifndef SENSOR_BUS_OUTLET_LOCAL_H
#define SENSOR_BUS_OUTLET_LOCAL_H

#include "dead_letters.h"
#include "outlet.h"
#include "outlet_filter.h"
#include "outlet_window.h"
#include "weir/alert/journal.h"
#include "weir/base/time.h"

struct outlet {
    struct outlet_config config;
    struct sink_host host;
    const struct line_format *format;
    const char *name; /* the settings' */
    struct sink *sink;
    bool dead;

    /* outlet_place.c */
    struct journal_reader *reader; /* NULL: there is no journal yet */
    char *place_path;
    uint64_t read;  /* the last sequence number read */
    uint64_t saved; /* the place as it is on the disk */
    uint64_t epoch_ms;
    bool place_not_saved; /* that was said */
    bool placed;          /* the place is in this journal */
    struct wtime beyond;  /* since then it seems not to be; 0: nobody looked */
    char damage[200];     /* what was said of the journal last */

    struct window window;
    struct json_value *record; /* of the window's last line, until it was given; NULL: not parsed */
    uint64_t taken_to;         /* told by the sink, not yet settled; 0: nothing */
    bool calling;              /* inside write or flush: what the sink says is settled behind it */
    bool failed, readied;      /* it said so meanwhile */
    struct error why;          /* of `failed` */
    bool full;                 /* until it says `ready` */
    bool unflushed;

    /* outlet_trouble.c */
    struct loop_watch *retry;
    int64_t back_off_ns;
    uint64_t jitter;
    bool struggling;   /* its trouble was said, its recovery was not */
    struct wtime said; /* when; 0: never */
    struct wtime refusal_said;
    struct wtime progress; /* when something was taken, or could first be */
    bool overdue;          /* the deadline had passed at the last tick, too */

    struct dead_letters letters;
    struct bus_status counts; /* the counters and last_error of it */
};

/* outlet_place.c. Where the other end has everything up to. */
uint64_t outlet_place(const struct outlet *outlet);
/* Loads the place, or begins one. −1: it cannot be kept at all. */
int outlet_place_begin(struct outlet *outlet, struct error *error);
void outlet_place_save(struct outlet *outlet);
/* False: there is no journal, or it does not reach to the place (yet). */
bool outlet_place_ready(struct outlet *outlet);

/* outlet_trouble.c */
void outlet_note(struct outlet *outlet, const struct error *error);
/* As if it had said `failed`: everything not taken is given again after a back-off. */
void outlet_trouble(struct outlet *outlet, const struct error *error);
void outlet_die(struct outlet *outlet, const struct error *error);
void outlet_moved(struct outlet *outlet); /* the other end answers: its time-out begins anew */
void outlet_refusal(struct outlet *outlet, const char *why);
void outlet_recovered(struct outlet *outlet);
void outlet_cancel_retry(struct outlet *outlet);
void outlet_close_sink(struct outlet *outlet);
bool outlet_sink_open(struct outlet *outlet); /* false: its trouble was taken note of */
void outlet_check_deadline(struct outlet *outlet);

#endif
