/* Captures read a second time, for the packets of some flows: by one capture worker behind the same
 * walls as the first time (capture.workers 0: by a thread). Thread: the main thread, on the loop.
 */
#ifndef WEIR_ROLE_PICK_H
#define WEIR_ROLE_PICK_H

#include "weir/role/feed.h"

#include "weir/record/picked.h"

struct pick_config {
    const struct config *config;
    const char *const *inputs; /* that can be read again; at least one */
    size_t input_count;
    const char *filter;
    struct capture_times times;       /* as the first reading had them */
    const struct wanted_flow *wanted; /* in the order of wanted_compare */
    uint32_t count;                   /* ≤ WANTED_MAX */
    struct loop_ref loop;
    /* In the order of the capture; `packet->input` is the place in `inputs`. */
    void (*packet)(void *context, const struct picked_packet *packet);
    void *context;
};

struct pick_input { /* as it was found this time */
    struct error error;
    uint64_t packets;
    uint8_t sha256[SHA256_SIZE];
};

/* 0: all was read; `input` (one an input, the caller's) says of each. *unheld: frames of fragments
 * of which it is not known whose they are. −1: ERROR_RUN, ERROR_INPUT. */
int pick_run(const struct pick_config *config, struct pick_input *input, uint64_t *unheld,
             struct error *error);

#endif
