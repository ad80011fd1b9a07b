/* Flow views made by hand, as the engine would hand them to its observers. */
#ifndef WEIR_TESTS_INVESTIGATE_VIEWS_H
#define WEIR_TESTS_INVESTIGATE_VIEWS_H

#include "weir/engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define START INT64_C(1772438400000000000) /* 2026-03-02 08:00 UTC */

struct made {
    uint64_t record[(sizeof(struct record_flow) + 600) / sizeof(uint64_t)];
    struct record_flow *flow; /* in `record` */
    struct ip host;
    struct destination destination;
    struct flow_view view;
};

static inline struct ip make_ip(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return ip;
}

/* A finished TCP flow. Outgoing and incoming ones get a host and a destination: `to` by name, or by
 * prefix when it is NULL. */
static inline const struct flow_view *make_view(struct made *made, enum scope scope,
                                                const char *orig, const char *resp, uint64_t up,
                                                uint64_t down, const char *to)
{
    *made = (struct made){.record = {0}};
    struct record_flow *flow = made->flow = (void *)made->record;
    bool out = scope == SCOPE_OUT;
    flow->start_ns = START;
    flow->last_ns = START + NS_PER_S;
    flow->key.orig_ip = make_ip(orig);
    flow->key.resp_ip = make_ip(resp);
    flow->key.orig_port = 40000;
    flow->key.resp_port = 443;
    flow->key.proto = 6;
    flow->end = FLOW_END_CLOSED;
    for (int side = 0; side < SIDES; side++) {
        uint64_t bytes = side == SIDE_ORIG ? up : down;
        flow->total[side] = (struct side_counts){.packets = 5,
                                                 .wire_bytes = bytes + 270,
                                                 .ip_bytes = bytes + 200,
                                                 .payload_bytes = bytes};
        flow->fresh[side].payload_bytes = (int64_t)bytes;
        flow->fresh[side].packets = 5;
    }
    made->view = (struct flow_view){.record = flow, .scope = scope, .accepted = true};
    if (scope != SCOPE_OUT && scope != SCOPE_IN)
        return &made->view;
    const struct ip *remote = out ? &flow->key.resp_ip : &flow->key.orig_ip;
    made->host = out ? flow->key.orig_ip : flow->key.resp_ip;
    made->destination = destination_of_prefix(out ? ROLE_CLIENT : ROLE_SERVED, remote);
    if (to) {
        made->destination.kind = DESTINATION_DOMAIN;
        strcpy(made->destination.name, to);
    }
    made->view.host = &made->host;
    made->view.destination = &made->destination;
    uint64_t sent = out ? up : down;
    made->view.out = (struct volume){sent, sent, sent};
    made->view.in_bytes = out ? down : up;
    return &made->view;
}

#endif
