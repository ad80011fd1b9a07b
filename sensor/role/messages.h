/* The bodies of control messages: fixed structs, the same in every process of one program. What a
 * capture process says is taken from here and nowhere else; texts are cut at their ends by whoever
 * receives them. For the files of this room only. */
#ifndef WEIR_ROLE_MESSAGES_H
#define WEIR_ROLE_MESSAGES_H

#include "weir/alert/alert.h"
#include "weir/capture/capture.h"
#include "weir/config/config.h"
#include "weir/record/control.h"
#include "weir/record/evidence_ring.h"

#define ROLE_FILTER_MAX 2048
#define ROLE_PATH_MAX   4096

/* CONTROL_CAPTURE. Descriptors: the ring's four in the order of ring_handles, then (live) the
 * memory for recent packets and perhaps the file that packets are held in for evidence, or (a
 * second reading) the memory with the wanted flows. */
struct capture_orders {
    uint32_t worker, workers;
    uint32_t files; /* CONTROL_INPUTs that follow; 0: live */
    uint32_t interfaces;
    struct {
        char name[16];
        uint8_t vantage;
    } interface[CONFIG_INTERFACES];
    uint64_t ring_bytes;
    uint32_t snaplen, buffer_mib;
    uint16_t fanout;
    bool follow; /* the files grow */
    struct capture_times times;
    bool pick; /* a second reading, for `wanted` flows */
    uint32_t wanted;
    uint32_t held_segment_bytes, held_handshake_bytes; /* 0: none are held for evidence */
    bool again;        /* started after others: an interface that is not there is no failure */
    bool bindings;     /* are told */
    bool samples;      /* privacy.content_samples */
    uint32_t patterns; /* CONTROL_PATTERNs that follow, before the inputs */
    bool drop;         /* become `uid`, `gid` */
    uint32_t uid, gid;
    int32_t cpu; /* −1: any */
    struct hash_key key;
    struct decoder_config decoder;
    char filter[ROLE_FILTER_MAX];
};

struct pattern_orders { /* CONTROL_PATTERN */
    char name[CONFIG_PATTERN_NAME + 1], pattern[CONFIG_PATTERN_TEXT + 1];
};

struct input_orders { /* CONTROL_INPUT; descriptor: the file, open for reading */
    char path[ROLE_PATH_MAX];
};

struct finish_orders { /* CONTROL_FINISH */
    uint64_t packets;
};

struct forget_orders { /* CONTROL_FORGET: of what is held for evidence */
    struct ip ip;
    uint64_t number;  /* the supervisor's */
    int64_t asked_ns; /* wall clock */
};

struct ready_answer { /* CONTROL_READY; live: descriptors are the packet sockets */
    uint32_t interfaces_up, interfaces_gone;
};

struct held_answer { /* CONTROL_HELD */
    uint64_t packets;
};

struct forgotten_answer { /* CONTROL_FORGOTTEN of a capture process, when it is done */
    uint64_t number;      /* of the order */
    struct held_forgotten came;
};

struct input_answer { /* CONTROL_INPUT_DONE, one a file or interface in the order of the orders */
    struct error error;
    uint64_t packets, bytes, outside, unjoined;
    int64_t first_ns, last_ns, begins_ns, ends_ns;
    uint32_t longest_cut;
    char link[SOURCE_LINK], packed[8];
    struct source_notes notes;
    uint8_t sha256[SHA256_SIZE];
};

struct beat { /* CONTROL_BEAT of a capture process */
    struct capture_status status;
};

struct failure { /* CONTROL_FAILED: why the process ends */
    struct error error;
};

/* --- supervisor and engine -------------------------------------------------------------------- */

struct reload_news { /* of the last reload */
    bool any, ok;
    int64_t at_ns; /* wall clock; tells one refusal from the next */
    char text[sizeof((struct error *)NULL)->message];
};

struct forgotten_news { /* CONTROL_FORGOTTEN of the supervisor: what came of an order */
    int64_t asked_ns;
    uint64_t packets, unreadable; /* see held_forgotten */
    char why[200];                /* "": all is done; else why some may be left */
};

/* CONTROL_ENGINE. Descriptors: the configuration's source, packed (a memfd); the listening control
 * socket; the courier's bell, to write to; as `metrics` and `console` say, their
 * listening sockets. */
struct engine_orders {
    uint64_t source_bytes;
    uint32_t workers, generation, restarts;
    int64_t started_s; /* the sensor, wall clock */
    bool first;        /* of this sensor's life */
    bool asked;        /* by a person: the first, or a reload's; else one before it died */
    bool drop;         /* become `uid`, `gid` */
    uint32_t uid, gid;
    struct hash_key key;            /* the site's: its file is the supervisor's to read */
    bool flows;                     /* -o with --flows */
    char folder[ROLE_PATH_MAX / 2]; /* -o, "": none */
    char redis_url[512];
    struct reload_news reload;
    bool metrics, console;
    char token[SECRET_SIZE]; /* of the console, as long as the sensor runs */
};

struct engine_answer {         /* CONTROL_READY of the engine */
    uint32_t next_incarnation; /* larger than any that its checkpoint speaks of */
};

struct ring_orders { /* CONTROL_RING; descriptors: the ring's four */
    uint32_t worker, incarnation;
    uint64_t ring_bytes;
};

struct lost_orders { /* CONTROL_LOST: the process behind this ring is gone */
    uint32_t worker, incarnation;
    bool final;
    char why[64];
};

struct ring_news { /* CONTROL_DAMAGED, CONTROL_DRAINED */
    uint32_t worker, incarnation;
};

struct workers_news { /* CONTROL_WORKERS, each second */
    struct worker_news {
        int32_t pid;
        uint8_t state; /* enum worker_state */
        uint32_t restarts;
        char death[64];
        struct capture_status status;
    } worker[CONFIG_WORKERS];
    uint32_t interfaces_up, interfaces_gone;
    bool redis_up;
};

/* --- supervisor and courier ------------------------------------------------------------------- */

/* CONTROL_COURIER. Descriptors: the configuration's source, packed (a memfd); the bell: the
 * reading end of a pipe that the engine writes to when more of the journal is durable. */
struct courier_orders {
    uint64_t source_bytes;
    bool again; /* one on this configuration worked before: a sink that does not open is dead */
    bool drop;  /* become `uid`, `gid` */
    uint32_t uid, gid;
    char folder[ROLE_PATH_MAX / 2]; /* -o, "": none */
};

enum courier_state { COURIER_NONE, COURIER_STARTING, COURIER_RUNNING, COURIER_STATES };

/* CONTROL_SINKS: of the courier each second, and on to the engine with what the supervisor knows of
 * its process. Texts are cut. */
struct sinks_news {
    int32_t pid;
    uint8_t state; /* enum courier_state */
    uint32_t restarts;
    char death[64];   /* "": none died */
    uint64_t durable; /* how far the courier knew the journal to be synced */
    uint32_t count;
    struct sink_news {
        uint64_t delivered, refused, lost_letters, filtered, silenced, failures, retries;
        uint64_t failures_in_a_row, damaged, behind;
        int64_t oldest_s;
        uint8_t state; /* enum bus_state */
        char name[64], type[16], path[96], last_error[152];
    } sink[CONFIG_SINKS];
};
/* --- supervisor and keeper -------------------------------------------------------------------- */

/* CONTROL_KEEPER. Descriptor: the configuration's source, packed (a memfd). */
struct keeper_orders {
    uint64_t source_bytes;
    bool drop; /* become `uid`, `gid` */
    uint32_t uid, gid;
    uint32_t words;                   /* of the command line, each with its NUL … */
    char command_line[ROLE_PATH_MAX]; /* … of those beyond stands "…" */
};

/* CONTROL_KEEPER_SAYS, on to the engine: a record for the journal. It is said again until the
 * keeper reads it there. */
struct keeper_says {
    char action[24]; /* "evidence.seal", "evidence.remove" */
    char incident[ALERT_ID_SIZE];
    char message[400];
};

/* CONTROL_KEEPER_NEWS each second, and on to the engine with what the supervisor knows of it. */
struct keeper_news {
    int32_t pid;
    uint32_t restarts;
    char death[64];
    uint32_t open, kept;       /* incidents that packets are kept of, now and in all */
    uint64_t packets, bytes;   /* kept on the disk */
    uint64_t missed;           /* overwritten before they were looked at */
    uint64_t beyond;           /* packets, for the bounds of the configuration */
    uint64_t beyond_incidents; /* incidents, likewise */
    uint64_t removed;          /* incidents' evidence, when its time was over */
    uint64_t removed_for_room;
    uint64_t failures; /* to write */
};

_Static_assert(sizeof(struct workers_news) <= CONTROL_BODY &&
                   sizeof(struct sinks_news) <= CONTROL_BODY &&
                   sizeof(struct courier_orders) <= CONTROL_BODY &&
                   sizeof(struct engine_orders) <= CONTROL_BODY &&
                   sizeof(struct capture_orders) <= CONTROL_BODY,
               "a body is one datagram");

#endif
