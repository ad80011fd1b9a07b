/* Records out: numbering, the ring's two policies (block or reject), and the parking of end
 * records. */
#ifndef WEIR_CAPTURE_EMIT_H
#define WEIR_CAPTURE_EMIT_H

#include "brake.h"
#include "connection.h"
#include "weir/content/binding.h"
#include "weir/content/content.h"
#include "weir/flow/table.h"
#include "weir/record/ring.h"

struct emitter {
    struct ring_producer *ring;
    bool blocking;
    uint64_t number;
    int64_t floor_ns; /* the clock: no record is older */
    int64_t told_ns;  /* the last watermark, always before the clock */
    struct health *health;
    struct brake *brake; /* told while a push waits for room */
    struct parked *first_parked, *last_parked;
    uint32_t parked;
    union {
        struct record_header header;
        uint64_t align;
        uint8_t bytes[RECORD_MAX_BYTES];
    } scratch;
};

int emit_open(struct emitter *emitter, const struct ring_handles *ring, bool blocking,
              struct health *health, struct brake *brake, struct error *error);
void emit_close(struct emitter *emitter);
/* `tunnel`: of both sides (flow_table_tunnels), NULL: none. */
bool emit_flow(struct emitter *emitter, struct flow *flow, enum flow_end end, struct ptime time,
               const struct content_facts *facts, const struct tunnel tunnel[SIDES]);
/* What a log says happened meanwhile. `facts`: what other lines say of it, its service too; NULL:
 * nothing. */
bool emit_connection(struct emitter *emitter, const struct connection_piece *piece,
                     const struct content_facts *facts);
void emit_dns(struct emitter *emitter, const struct flow_key *key, struct ptime time,
              const struct dns_message *message);
void emit_server_name(struct emitter *emitter, const struct flow *flow, struct ptime time,
                      const char *text);
void emit_items(struct emitter *emitter, const struct flow *flow, enum flow_side side,
                struct ptime time, const struct content_items *items,
                const struct tunnel tunnel[SIDES]);
/* Said in `packet`. */
void emit_binding(struct emitter *emitter, const struct packet *packet,
                  const struct binding *binding);
void emit_health(struct emitter *emitter, struct ptime time, const struct health *total);
/* `wakes`: whoever reads the ring, who else reads on when there is more of it, or the next that
 * does. */
void emit_watermark(struct emitter *emitter, struct ptime time, bool wakes);
/* A record that is complete: it waits for room as the others do. False: it found none. */
bool emit_made(struct emitter *emitter, const struct record_header *record);
/* The clock has come here: what is told from now on is told at it or later. */
void emit_not_before(struct emitter *emitter, struct ptime clock);
/* The input ended: from here on pushes wait for room, what was parked first. */
void emit_last(struct emitter *emitter);

#endif
