/* What the bytes of a flow were: the capture thread's one door into the content room.
 *
 * Per flow: recognise the service from the first bytes, take names (DNS, SNI, Host), and, in clear
 * text, count classes of sensitive data. Encrypted flows are followed for their handshake
 * (CONTENT_HANDSHAKE_BYTES a side) and then cost nothing. Clear text is inspected to
 * CONTENT_CLEAR_BYTES a side; unknown binary is let go after CONTENT_PROBE_BYTES.
 * Thread: the capture thread. Nothing here moves a byte counter. */
#ifndef WEIR_CONTENT_CONTENT_H
#define WEIR_CONTENT_CONTENT_H

#include "weir/base/digest.h"
#include "weir/content/client.h"
#include "weir/content/names.h"
#include "weir/content/stream.h"
#include "weir/flow/table.h"
#include "weir/record/function.h"

#define CONTENT_HANDSHAKE_BYTES (UINT64_C(64) << 10)
#define CONTENT_PROBE_BYTES     (UINT64_C(64) << 10)
#define CONTENT_CLEAR_BYTES     (UINT64_C(1) << 30)
/* Flows that are looked into at once; the one without payload for longest makes room, and is looked
 * into no more (content_given_up). */
#define CONTENT_FLOWS (UINT32_C(1) << 16)
/* Of all flows together: unfinished heads that are gathered (past it those that span segments are
 * not read, which parse_malformed counts), and sets of hashes already told (past it sets start anew
 * and tell items again). */
#define CONTENT_GATHER_BYTES   (UINT64_C(64) << 20)
#define CONTENT_ITEM_SET_BYTES (UINT64_C(256) << 20)
/* … and what the decoders of all bodies hold (past it bodies are inspected as they were sent, which
 * bodies_unread counts), and the tables of packed HTTP/2 fields (past it those are not read). */
#define CONTENT_INFLATE_BYTES (UINT64_C(256) << 20)
#define CONTENT_HPACK_BYTES   (UINT64_C(64) << 20)
#define CONTENT_HTTP2_STREAMS 16384u /* whose bodies are open at once; see http2.c */

/* content.patterns: what the operator looks for; at most CONTENT_PATTERNS, that pattern_check
 * takes.
 */
#define CONTENT_PATTERNS 64u
struct content_pattern {
    const char *name, *pattern;
};

struct content_config {
    struct stream_config stream;
    struct hash_key key; /* the site's key for hashes of found items */
    bool bindings;       /* which device holds which address is told (content/binding.h) */
    bool applications;   /* libndpi is asked about what has no name here: 50 ms to begin with … */
    bool unhurried;      /* … which are taken when it is asked first, if it ever is */
    bool samples;        /* privacy.content_samples: a few found items are told as they were */
    const struct content_pattern *pattern; /* borrowed for content_new only */
    size_t pattern_count;
};

struct content_text {
    const char *text; /* without NUL */
    uint8_t size;
};

/* Found items of one class, new to this side of the flow (or told again after its set was full). */
struct content_items {
    enum content_class class;
    const uint64_t *hash;
    const uint8_t *place;             /* of each one's label */
    size_t count;                     /* ≤ RECORD_CONTENT_ITEMS */
    const struct content_text *label; /* ≤ RECORD_CONTENT_LABELS */
    size_t label_count;
    const struct content_text *sample; /* ≤ RECORD_CONTENT_SAMPLES */
    size_t sample_count;
    uint64_t inspected_bytes, gap_bytes; /* of this side so far */
};

struct content_events {
    void (*dns)(void *context, struct flow *flow, struct ptime time,
                const struct dns_message *message);
    void (*server_name)(void *context, struct flow *flow, struct ptime time, const char *name);
    void (*items)(void *context, struct flow *flow, enum flow_side side, struct ptime time,
                  const struct content_items *items);
};

/* What is known of a flow, for its records. Borrowed until the flow is released. */
struct content_facts {
    enum service service;
    const char *text[FLOW_TEXTS]; /* "" when none */
    const uint8_t *ja3;           /* 16 bytes or NULL */
    uint32_t flags;               /* FLOW_ECH to FLOW_CERTIFICATE_OTHER */
    uint16_t entropy[SIDES];      /* these as in struct record_flow */
    struct body_counts body[SIDES];
    struct operation_counts operations;
    const struct function_set *functions; /* that requests asked for; NULL: none */
    struct client_claim client;           /* by is CLIENT_NONE when nobody claims anything */
};

struct content;
struct content *content_new(const struct content_config *config,
                            const struct content_events *events, void *context,
                            struct error *error);
void content_free(struct content *content);
/* Does the packet prove that its sender is the client or the server? Before content_packet, of
 * flows whose initiator is not known; changes nothing. */
enum evidence content_evidence(struct flow *flow, enum flow_side side, const struct packet *packet);
/* After flow_table_packet, before flow_table_settle. */
void content_packet(struct content *content, struct flow *flow, enum flow_side side,
                    const struct packet *packet);
/* Items found but not yet told are told; queued bytes delivered. Before a flow's end record. */
void content_flush(struct content *content, struct flow *flow, struct ptime time);
/* Found items not yet told go out once a flow reports progress too. */
void content_progress(struct content *content, struct flow *flow, struct ptime time);
void content_swapped(struct content *content, struct flow *flow);
void content_release(struct content *content, struct flow *flow); /* frees the slot */
struct content_facts content_get_facts(struct flow *flow);
/* Optional, for whoever knows what comes soon: asks for what hangs on the flow, a step after the
 * other, each some packets after the one before. Changes nothing. */
enum content_fetch {
    CONTENT_FETCH_FLOW, /* all others follow it */
    CONTENT_FETCH_SIDE, /* a packet of this side comes: … */
    CONTENT_FETCH_TEXT,
    CONTENT_FETCH_PARTS,
    CONTENT_FETCH_TOLD, /* the flow is told */
};
void content_fetch(struct flow *flow, enum flow_side which, enum content_fetch step);
/* So many flows are looked into that it pays: what hangs on fewer lies in the processor's cache. */
bool content_is_spread(const struct content *content);
void content_health(const struct content *content, struct health *health);

#endif
