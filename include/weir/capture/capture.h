/* The capture thread: packets in, records out. It owns everything that touches packets (source,
 * decode, flow table, content) and shares only the ring with the engine; a process boundary can be
 * put between the two without touching either side.
 *
 *   source → decode → flow table → content → records → ring
 *
 * Replaying, a full ring blocks; live it rejects: progress records then wait for the next one (the
 * flow's mark stays), end records are parked (CAPTURE_PARKED at most) and lost ones counted. */
#ifndef WEIR_CAPTURE_CAPTURE_H
#define WEIR_CAPTURE_CAPTURE_H

#include "weir/base/digest.h"
#include "weir/base/error.h"
#include "weir/content/content.h"
#include "weir/flow/table.h"
#include "weir/record/ring.h"

#define CAPTURE_PARKED 4096

struct capture_config {
    const char *const *inputs; /* paths; "-" is standard input */
    size_t input_count;
    const char *filter; /* BPF or NULL */
    struct ring_handles ring;
    bool blocking; /* replay: wait for room */
    struct flow_config flow;
    struct content_config content;
};

/* One input, as it was found and read. Valid after capture_join, `path` and `error` before too. */
struct capture_input {
    const char *path;
    struct error error; /* .code ERROR_NONE: read whole */
    uint64_t packets, bytes;
    struct ptime first, last; /* packets; PTIME_MAX/PTIME_MIN when there were none */
    uint32_t longest_cut;     /* the longest captured length among cut packets; 0: none was cut */
    const char *link;
    uint8_t sha256[SHA256_SIZE];
};

struct capture_progress { /* read from any thread */
    _Atomic uint64_t bytes_read, packets;
    _Atomic int64_t time_ns;
    uint64_t bytes_total; /* 0: not known; set before the thread starts */
};

struct capture;
/* Opens every input (those that fail keep their error and are left out; none left, or a filter that
 * does not compile, is a failure) and starts the thread. The inputs are read in the order of their
 * first packets. */
struct capture *capture_start(const struct capture_config *config, struct error *error);
void capture_stop(struct capture *capture); /* asks it to end early, from any thread */
void capture_join(struct capture *capture);
void capture_free(struct capture *capture); /* after join */
const struct capture_input *capture_inputs(const struct capture *capture, size_t *count);
const struct capture_progress *capture_progress_of(const struct capture *capture);

#endif
