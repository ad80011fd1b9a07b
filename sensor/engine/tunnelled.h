/* What the rows about tunnels need of the engine: one struct in its own, one call for each kind of
 * record. Engine thread. */
#ifndef WEIR_ENGINE_TUNNELLED_H
#define WEIR_ENGINE_TUNNELLED_H

#include "questions.h"

struct engine;
struct flow_view;

#define RECENT_APPLICATIONS 32768u

struct tunnelled {
    struct questions questions;
    /* (host, application): spoken before. Two generations of RECENT_APPLICATIONS. */
    struct recent_keys applications;
};

void tunnelled_init(struct tunnelled *tunnelled, const struct hash_key *key);
void tunnelled_fini(struct tunnelled *tunnelled);
/* tunnelled_dns.c */
void tunnelled_name(struct engine *engine, const struct record_name *record);
void tunnelled_connection(struct engine *engine, const struct flow_view *view);
/* tunnelled_flow.c: after it was accounted. */
void tunnelled_flow(struct engine *engine, const struct flow_view *view);
/* For a restart; into an empty one. False: it is not that. */
void tunnelled_pack(const struct tunnelled *tunnelled, struct buffer *out);
bool tunnelled_unpack(struct tunnelled *tunnelled, struct cursor *in);

#endif
