/* What the rows about tunnels need of the engine: one struct in its own, one call for each kind of
 * record. Engine thread. */
#ifndef WEIR_ENGINE_TUNNELLED_H
#define WEIR_ENGINE_TUNNELLED_H

#include "questions.h"

struct engine;
struct flow_view;

#define RECENT_APPLICATIONS 32768u
#define RECENT_ECHOES       16384u

struct echo_flow { /* of an open ICMP flow: what its records have told so far */
    int64_t start_ns;
    struct echo_counts told[SIDES];
};

struct echo_slots { /* sums over two slots of time: the one under way, the one before */
    int64_t number;
    uint64_t now, before;
};

struct echo_pair { /* host and outside address */
    struct echo_slots bytes, payloads;
};

struct tunnelled {
    struct questions questions;
    /* (host, application): spoken before. Two generations of RECENT_APPLICATIONS. */
    struct recent_keys applications;
    /* By keyed hashes. Two generations of RECENT_ECHOES each. */
    struct recent_keys echo_flows, echo_pairs;
};

void tunnelled_init(struct tunnelled *tunnelled, const struct hash_key *key);
void tunnelled_fini(struct tunnelled *tunnelled);
/* tunnelled_dns.c */
void tunnelled_name(struct engine *engine, const struct record_name *record);
void tunnelled_connection(struct engine *engine, const struct flow_view *view);
/* What waited long enough; `awaited`: all that waits, since nothing more will come. */
void tunnelled_held(struct engine *engine, struct ptime now, bool awaited);
/* tunnelled_icmp.c: after it was accounted. */
void tunnelled_echo(struct engine *engine, const struct flow_view *view);
/* tunnelled_flow.c: after it was accounted. */
void tunnelled_flow(struct engine *engine, const struct flow_view *view);
/* … whether it may, then, now or later, tell something of it. */
bool tunnelled_may_tell(const struct flow_view *view);
uint64_t tunnelled_forgotten(const struct tunnelled *tunnelled); /* for want of room */
/* For a restart; into an empty one. False: it is not that. */
void tunnelled_pack(const struct tunnelled *tunnelled, struct buffer *out);
bool tunnelled_unpack(struct tunnelled *tunnelled, struct cursor *in);

#endif
