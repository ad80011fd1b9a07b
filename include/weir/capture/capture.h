/* Packets in, records out: one capture worker. It owns everything that touches packets (sources,
 * decode, flow table, content) and shares only the ring with the engine; a process boundary can be
 * put between the two without touching either side.
 *
 *   files or interfaces → decode → flow table → content → records → ring
 *
 * Two stages. capture_open does what needs rights or files of the system: it opens the files that
 * are given by path and the interfaces, and compiles the filter. capture_start needs neither: it
 * reads the files' heads, lets the interfaces' packets in and starts the thread, so it can run in a
 * sandbox that allows nothing but what is open already.
 *
 * Work is shared between `workers` by host pair (capture/share.h). Replaying, every worker reads
 * every packet, so clocks and due times are the same for any number of workers; live, the kernel
 * shares packets out (capture/fanout.h).
 *
 * Replaying, a full ring blocks; live it rejects: progress records then wait for the next one (the
 * flow's mark stays), end records are parked (CAPTURE_PARKED at most) and lost ones counted.
 *
 * Thread: all functions belong to one thread unless they say otherwise. */
#ifndef WEIR_CAPTURE_CAPTURE_H
#define WEIR_CAPTURE_CAPTURE_H

#include "weir/base/digest.h"
#include "weir/base/error.h"
#include "weir/capture/source.h"
#include "weir/content/content.h"
#include "weir/flow/table.h"
#include "weir/record/evidence_ring.h"
#include "weir/record/ring.h"

#define CAPTURE_PARKED      4096
#define CAPTURE_INTERFACES  16
#define CAPTURE_WORKERS     64
#define CAPTURE_FILES       4096 /* of one replay */
#define CAPTURE_OPEN        1024 /* of them that overlap in time, and so are read at once … */
#define CAPTURE_OPEN_PACKED 32   /* … and are compressed */

struct capture_file {
    const char *path; /* borrowed until capture_free */
    int fd;           /* -1: opened by path ("-": standard input); else taken, closed by capture */
};

struct capture_interface {
    const char *name;
    uint8_t vantage; /* interfaces of one vantage share flows; of different ones never */
};

/* Replay: which times are looked at. What is outside is read and counted, and is otherwise as if it
 * were not there. */
struct capture_times {
    bool set;
    struct ptime since, until; /* [since, until) */
};

struct capture_config {
    const struct capture_file *files; /* replay … */
    size_t file_count;
    bool follow; /* regular files grow: their end is not the end */
    struct capture_times times;
    const struct capture_interface *interfaces; /* … or live: then there are no files */
    size_t interface_count;                     /* ≤ CAPTURE_INTERFACES */
    const char *filter;                         /* BPF or NULL */
    uint32_t worker, workers;                   /* this one of so many (≥ 1) */
    uint32_t snaplen, buffer_mib;               /* live */
    bool promiscuous;
    /* Live: an interface that does not exist is marked gone instead of being an error: for a
     * worker that is started again while others go on. */
    bool absent_allowed;
    uint16_t fanout; /* live, workers > 1: the group of interface i is fanout + i */
    struct ring_handles ring;
    bool blocking; /* replay: wait for room */
    int recent_fd; /* live: memfd for the last packets, -1: none */
    /* The file that packets are held in for evidence (weir/record/evidence_ring.h); it
     * stays the caller's. Of each side of a flow so much payload is held, headers always. */
    int held_fd;
    uint32_t held_segment_bytes; /* 0: none are held */
    uint32_t held_handshake_bytes;
    /* Replay: only the packets of wanted flows are told (record/picked.h), nothing is counted or
     * looked into. Memory with `wanted` of them; it is mapped and stays the caller's. */
    bool pick;
    int pick_fd;
    uint32_t wanted;
    struct decoder_config decoder;
    struct flow_config flow;
    struct content_config content;
};

/* One input, as it was found and read. Valid after capture_join, `path` and `error` before too.
 * Counted over all packets, whoever's they are. Live: one an interface. */
struct capture_input {
    const char *path;
    uint32_t number;    /* as handed over, from 0 */
    struct error error; /* .code ERROR_NONE: read whole */
    uint64_t packets, bytes;
    uint64_t outside;          /* packets that are in neither, outside of the times looked at */
    struct ptime first, last;  /* packets; PTIME_MAX/PTIME_MIN when there were none */
    struct ptime begins, ends; /* with `times`: of all that is in it, looked at or not */
    uint32_t longest_cut;      /* the longest captured length among cut packets; 0: none was cut */
    uint64_t unread_link;      /* packets of link types that are not read */
    uint64_t unjoined;         /* of a log: connections it names, and that no line tells of; of
                                  this worker's share */
    const char *link;          /* "EN10MB, LINUX_SLL" */
    const char *packed;        /* "gzip"; NULL: not compressed */
    struct source_notes notes;
    uint8_t sha256[SHA256_SIZE]; /* of worker 0 only; zero for an input not read to its end */
};

struct capture_status {
    uint64_t turns;   /* grows while the thread lives */
    bool waiting;     /* … unless it waits for room in the ring or for a pipe: not hung */
    bool ended;       /* the thread has told everything */
    uint64_t packets; /* read, over all inputs */
    uint64_t wire_bytes;
    uint64_t bytes_read, bytes_total; /* of files; total 0: not known */
    int64_t time_ns;                  /* the clock: packet time; INT64_MIN before any */
    uint64_t kernel_received, kernel_drops, interface_drops; /* live; received: dropped ones too */
    uint64_t ring_rejected, ring_lost;
    uint32_t parked;
    uint32_t interfaces_up, interfaces_gone;             /* bit i: config.interfaces[i] */
    uint64_t held_packets, held_bytes, held_overwritten; /* for evidence, by this process */
    int64_t held_oldest_ns;                              /* INT64_MIN: none */
};

struct capture;
/* Stage 1. A file that fails keeps its error and is left out; none left, a filter that compiles for
 * no link type, or an interface that cannot be opened is a failure. An interface that is down is
 * marked gone, as one that disappears later is: who watches over this worker starts it again once
 * it is up. */
struct capture *capture_open(const struct capture_config *config, struct error *error);
/* Live: the packet sockets, for the supervisor to hold. Returns how many were written. */
size_t capture_sockets(const struct capture *capture, int fd[], size_t room);
/* The eventfds that it writes to once it is started, and nothing else. */
#define CAPTURE_EVENTS 3
size_t capture_events(const struct capture *capture, int fd[CAPTURE_EVENTS]);
/* Stage 2. The files are merged by packet time; none readable, or a filter that does not compile
 * for a pcap's link type, is a failure. Waits for the head of a pipe. */
int capture_start(struct capture *capture, struct error *error);
/* Replay: stops reading and returns how many packets were read so far, over all inputs; the answer
 * holds until capture_finish_at or capture_stop. Waits at most for the packet in hand. */
uint64_t capture_hold(struct capture *capture);
/* What is held for evidence of this address is to be nobody's (evidence_ring_forget) … */
void capture_forget(const struct capture *capture, const struct ip *ip);
/* … which takes many calls of this. True: done, and what came of it. */
bool capture_forget_some(const struct capture *capture, struct held_forgotten *forgotten);
/* Goes on to exactly that many packets, then ends early. */
void capture_finish_at(struct capture *capture, uint64_t packets);
/* Ends early now; live: the orderly end. From any thread. */
void capture_stop(struct capture *capture);
/* An eventfd, readable once the thread has ended. Borrowed. */
int capture_end_event(const struct capture *capture);
void capture_join(struct capture *capture);
void capture_free(struct capture *capture); /* stops and joins; an unfinished ring must drain */
const struct capture_input *capture_inputs(const struct capture *capture, size_t *count);
void capture_status_of(const struct capture *capture, struct capture_status *status); /* any */

#endif
