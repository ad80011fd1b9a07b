/* How another thread holds and ends the capture thread. */
#ifndef WEIR_SENSOR_CAPTURE_BRAKE_H
#define WEIR_SENSOR_CAPTURE_BRAKE_H

#include "meter.h"
#include "weir/base/error.h"

#include <pthread.h>

enum brake_state {
    BRAKE_RUNS,
    BRAKE_PAUSED, /* held, before the next packet */
    BRAKE_WAITS,  /* for a pipe, or for room in the ring: the next packet is not in hand */
    BRAKE_ENDED
};

struct brake {
    pthread_mutex_t mutex; /* guards state */
    pthread_cond_t changed;
    enum brake_state state;
    int wake_event; /* eventfd: look again; -1 before brake_init */
    _Atomic bool held, stopped;
    _Atomic uint64_t packets, limit; /* taken so far; not to be passed */
    struct meter *meter;
};

int brake_init(struct brake *brake, struct meter *meter, struct error *error);
void brake_fini(struct brake *brake);

/* --- any thread */
void brake_stop(struct brake *brake);
uint64_t brake_hold(struct brake *brake);
void brake_finish_at(struct brake *brake, uint64_t packets);

/* --- the capture thread */
/* May one more packet be taken? Counts it. Waits while held. False: end now. */
bool brake_take(struct brake *brake);
/* Nothing more is wanted: stopped, or all packets up to the limit were taken. */
bool brake_is_over(const struct brake *brake);
/* Waits until `fd` is readable (or at its end). False: end now. */
bool brake_wait_readable(struct brake *brake, int fd);
/* Waits so long, or until it is held or over. False: end now. */
bool brake_wait_ms(struct brake *brake, int ms);
/* Around any other wait. */
void brake_begin_wait(struct brake *brake);
void brake_end_wait(struct brake *brake);
void brake_ended(struct brake *brake);

#endif
