/* Several conversations at once, for tests of control and data channels. */
#ifndef WEIR_TEST_CONTENT_CHANNELS_H
#define WEIR_TEST_CONTENT_CHANNELS_H

#include "conversation.h"

struct channel_place {
    struct flow *flow;
    uint16_t ports[SIDES];
    uint32_t next[SIDES];
    uint8_t proto;
};

/* Where the conversation is; and there it goes on. */
static inline struct channel_place leave(const struct conversation *c)
{
    struct channel_place place = {.flow = c->flow, .proto = c->proto};
    memcpy(place.ports, c->ports, sizeof place.ports);
    memcpy(place.next, c->next, sizeof place.next);
    return place;
}

static inline void enter(struct conversation *c, const struct channel_place *place)
{
    c->proto = place->proto;
    memcpy(c->ports, place->ports, sizeof place->ports);
    memcpy(c->next, place->next, sizeof place->next);
}

/* What is known of a flow once all its bytes are in. */
static inline struct content_facts ended(struct conversation *c, struct flow *flow)
{
    content_flush(c->content, flow, c->now);
    return content_get_facts(flow);
}

static inline bool bodies_are(const struct content_facts *facts, enum flow_side side,
                              uint32_t bodies, uint64_t seen, uint32_t undeclared,
                              uint64_t declared)
{
    const struct body_counts *body = &facts->body[side];
    if (body->bodies == bodies && body->seen_bytes == seen && body->undeclared == undeclared &&
        body->declared_bytes == declared)
        return true;
    fprintf(stderr, "bodies %u, seen %llu, undeclared %u, declared %llu\n", body->bodies,
            (unsigned long long)body->seen_bytes, body->undeclared,
            (unsigned long long)body->declared_bytes);
    return false;
}

#endif
