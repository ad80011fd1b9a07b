/* The interfaces of one worker, merged by time. */
#ifndef WEIR_SENSOR_CAPTURE_LIVE_H
#define WEIR_SENSOR_CAPTURE_LIVE_H

#include "brake.h"
#include "interface.h"
#include "worker.h"

struct live_interface {
    struct interface interface;
    struct capture_input *input;
    struct packet_raw raw; /* in hand, when `pending` */
    bool pending, gone;
    bool of_the_future; /* its time stamp was, and is now ours */
    int64_t empty_ns;   /* wall clock when it was last found to have none; INT64_MIN: not known */
};

struct live {
    struct live_interface *at;
    size_t count;
    struct ptime
        base; /* packet time when the clock last moved by a packet; at first, of the start … */
    struct wtime moved, looked;
};

/* `input`: one an interface, which outlives `live`. */
int live_open(struct live *live, const struct capture_config *config, struct capture_input *input,
              struct meter *meter, struct error *error);
size_t live_sockets(const struct live *live, int fd[], size_t room);
int live_start(struct live *live, struct error *error);
void live_run(struct live *live, struct worker *worker, struct brake *brake);
void live_close(struct live *live);

#endif
