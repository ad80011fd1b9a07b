/* Records out.
 *
 * Every record is built in one scratch area, numbered, and pushed. Blocking, the push waits for
 * room. Live, a refused progress record is simply not marked (the flow's next one carries its
 * bytes), a refused end record is parked and goes first next time; what no longer fits is counted
 * as lost.
 *
 * A record is told no earlier than the clock at which it is told (emit_not_before), whatever its
 * packet claims: so its time depends on the packets alone, not on when a watermark was due, and no
 * record is older than the last watermark sent. Thread: the capture thread. */
#include "emit.h"

#include "weir/base/buffer.h"
#include "weir/capture/capture.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct parked {
    struct parked *next;
    size_t size;
    uint64_t record[]; /* 8-aligned */
};

int emit_open(struct emitter *emitter, const struct ring_handles *ring, bool blocking,
              struct health *health, struct brake *brake, struct error *error)
{
    *emitter = (struct emitter){.blocking = blocking,
                                .floor_ns = INT64_MIN,
                                .told_ns = INT64_MIN,
                                .health = health,
                                .brake = brake};
    emitter->ring = ring_producer_open(ring, error);
    return emitter->ring ? 0 : -1;
}

void emit_close(struct emitter *emitter)
{
    for (struct parked *next; emitter->first_parked; emitter->first_parked = next) {
        next = emitter->first_parked->next;
        free(emitter->first_parked);
    }
    if (emitter->ring)
        ring_producer_free(emitter->ring);
    emitter->ring = NULL;
}

static void park(struct emitter *emitter, const void *record, size_t size)
{
    if (emitter->parked >= CAPTURE_PARKED) {
        emitter->health->ring_lost++;
        return;
    }
    struct parked *parked = xcalloc(1, sizeof *parked + size);
    parked->size = size;
    memcpy(parked->record, record, size);
    if (emitter->last_parked)
        emitter->last_parked->next = parked;
    else
        emitter->first_parked = parked;
    emitter->last_parked = parked;
    emitter->parked++;
}

/* `more`: the engine can do nothing with it yet. */
static bool push_one(struct emitter *emitter, const void *record, size_t size, bool more)
{
    enum ring_result result =
        more ? ring_push_more(emitter->ring, record, size) : ring_push(emitter->ring, record, size);
    if (result == RING_FULL && emitter->blocking) {
        brake_begin_wait(emitter->brake);
        result = ring_push_wait(emitter->ring, record, size);
        brake_end_wait(emitter->brake);
    }
    return result == RING_OK;
}

bool emit_made(struct emitter *emitter, const struct record_header *record)
{
    meter_turn(emitter->brake->meter);
    return push_one(emitter, record, record->size, false);
}

static bool push_parked(struct emitter *emitter)
{
    while (emitter->first_parked) {
        struct parked *parked = emitter->first_parked;
        if (!push_one(emitter, parked->record, parked->size, true))
            return false;
        emitter->first_parked = parked->next;
        if (!parked->next)
            emitter->last_parked = NULL;
        emitter->parked--;
        free(parked);
    }
    return true;
}

/* Finishes the scratch record and pushes it. Nothing is consumed before a watermark completes it,
 * so nobody is woken for less. */
static bool push_at(struct emitter *emitter, enum record_kind kind, struct ptime time, size_t size,
                    bool wakes)
{
    struct record_header *header = &emitter->scratch.header;
    header->size = (uint32_t)size;
    header->kind = (uint16_t)kind;
    header->version = RECORD_VERSION;
    header->number = ++emitter->number;
    header->time_ns = time.ns;
    meter_turn(emitter->brake->meter);
    return push_parked(emitter) && push_one(emitter, header, size, !wakes);
}

static bool push(struct emitter *emitter, enum record_kind kind, struct ptime time, size_t size)
{
    struct ptime told = {time.ns > emitter->floor_ns ? time.ns : emitter->floor_ns};
    return push_at(emitter, kind, told, size, false);
}

void emit_not_before(struct emitter *emitter, struct ptime clock)
{
    emitter->floor_ns = clock.ns;
}

void emit_last(struct emitter *emitter)
{
    emitter->blocking = true;
    push_parked(emitter);
}

/* The scratch area as a record of this size, all zero. */
static void *begin(struct emitter *emitter, size_t fixed, size_t tail, size_t *size)
{
    *size = record_size(fixed, tail);
    memset(emitter->scratch.bytes, 0, *size);
    return emitter->scratch.bytes;
}

struct texts { /* of a flow: how long each is, and all */
    size_t size[FLOW_TEXTS], all;
};

/* Most flows have none of most. */
static struct texts texts_of(const struct content_facts *facts)
{
    struct texts texts = {.all = 0};
    for (int i = 0; i < FLOW_TEXTS; i++) {
        if (*facts->text[i] != '\0')
            texts.size[i] = strlen(facts->text[i]);
        texts.all += texts.size[i];
    }
    return texts;
}

static void put_texts(struct record_flow *record, const struct content_facts *facts,
                      const struct texts *texts)
{
    char *at = record->tail;
    for (int i = 0; i < FLOW_TEXTS; i++) {
        memcpy(at, facts->text[i], texts->size[i]);
        record->text_size[i] = (uint8_t)texts->size[i];
        at += texts->size[i];
    }
}

static void put_facts(struct record_flow *record, const struct content_facts *facts)
{
    record->service = (uint8_t)facts->service;
    record->client = facts->client;
    record->operations = facts->operations;
    record->flags |= facts->flags;
    memcpy(record->entropy, facts->entropy, sizeof record->entropy);
    memcpy(record->body, facts->body, sizeof record->body);
    if (facts->ja3) {
        record->flags |= FLOW_HAS_JA3;
        memcpy(record->ja3, facts->ja3, sizeof record->ja3);
    }
}

bool emit_flow(struct emitter *emitter, struct flow *flow, enum flow_end end, struct ptime time,
               const struct content_facts *facts, const struct tunnel tunnel[SIDES])
{
    const struct texts texts = texts_of(facts);
    size_t size, tail = texts.all;
    size_t most = tail + (tunnel ? SIDES * sizeof *tunnel : 0) +
                  (facts->functions ? sizeof facts->functions->code : 0);
    struct record_flow *record = begin(emitter, sizeof *record, most, &size);
    flow_fill_record(flow, end, time, record);
    put_facts(record, facts);
    put_texts(record, facts, &texts);
    if (tunnel)
        tail += record_flow_put_tunnels(record, tunnel);
    if (facts->functions)
        tail += record_flow_put_functions(record, facts->functions);
    size = record_size(sizeof *record, tail);
    if (push(emitter, RECORD_FLOW, time, size))
        return true;
    if (end == FLOW_OPEN)
        emitter->health->ring_rejected++;
    else
        park(emitter, record, size);
    return false;
}

/* A log knows of no frame: what is on the wire is at least what is in it. Its bounds of payload are
 * told as what arrived for sure, and as what may have been sent without being seen. */
static void put_side(struct record_flow *record, int side, const struct connection_piece *piece)
{
    const struct connection_side *now = &piece->now[side], *before = &piece->before[side];
    record->total[side].packets = now->packets;
    record->total[side].wire_bytes = record->total[side].ip_bytes = now->ip_bytes;
    record->total[side].payload_bytes = now->payload_bytes;
    record->total[side].acked_bytes = now->low_bytes;
    record->total[side].missing_bytes = now->high_bytes - now->payload_bytes;
    record->fresh[side].packets = (int64_t)(now->packets - before->packets);
    record->fresh[side].payload_bytes = (int64_t)(now->payload_bytes - before->payload_bytes);
    record->fresh[side].acked_bytes = (int64_t)(now->low_bytes - before->low_bytes);
    record->fresh[side].missing_bytes =
        (int64_t)(now->high_bytes - before->high_bytes) - record->fresh[side].payload_bytes;
}

bool emit_connection(struct emitter *emitter, const struct connection_piece *piece,
                     const struct content_facts *facts)
{
    size_t size;
    const struct connection *connection = &piece->connection;
    const struct texts texts = facts ? texts_of(facts) : (struct texts){.all = 0};
    struct record_flow *record = begin(emitter, sizeof *record, texts.all, &size);
    record->key = connection->key;
    record->start_ns = connection->start_ns;
    record->fresh_since_ns = piece->since_ns;
    record->last_ns = piece->until_ns;
    record->end = piece->last ? connection->end : (uint8_t)FLOW_OPEN;
    record->service = connection->service;
    record->flags = connection->flags;
    for (int side = 0; side < SIDES; side++)
        put_side(record, side, piece);
    if (facts) {
        put_facts(record, facts);
        put_texts(record, facts, &texts);
    }
    return push(emitter, RECORD_FLOW, (struct ptime){piece->until_ns}, size);
}

static size_t aliases_size(const struct dns_message *message)
{
    size_t size = 0;
    for (size_t i = 0; i < message->alias_count; i++)
        size += 1 + strlen(message->alias[i]);
    return size;
}

static void put_aliases(struct record_name *record, char *at, const struct dns_message *message)
{
    record->alias_count = message->alias_count;
    for (size_t i = 0; i < message->alias_count; i++) {
        size_t size = strlen(message->alias[i]);
        *at++ = (char)size;
        memcpy(at, message->alias[i], size);
        at += size;
    }
}

void emit_dns(struct emitter *emitter, const struct flow_key *key, struct ptime time,
              const struct dns_message *message)
{
    size_t size, name = strlen(message->name);
    size_t addresses = message->address_count * sizeof(struct ip);
    size_t most = addresses + name + aliases_size(message);
    struct record_name *record = begin(emitter, sizeof *record, most, &size);
    record->key = *key;
    record->kind = NAME_DNS;
    record->answered = message->response;
    record->rcode = message->rcode;
    record->qtype = message->qtype;
    record->ttl_s = message->ttl_s;
    record->more = message->more;
    record->address_count = message->address_count;
    record->name_size = (uint16_t)name;
    record->answers = message->answers;
    record->answer_bytes = message->answer_bytes;
    record->message_bytes = message->message_bytes;
    record->name_cut = message->name_cut;
    memcpy(record->tail, message->address, addresses);
    memcpy(record->tail + addresses, message->name, name);
    put_aliases(record, record->tail + addresses + name, message);
    if (!push(emitter, RECORD_NAME, time, size))
        emitter->health->content_overflow++;
}

void emit_server_name(struct emitter *emitter, const struct flow *flow, struct ptime time,
                      const char *text)
{
    size_t size, name = strlen(text);
    struct record_name *record = begin(emitter, sizeof *record, name, &size);
    record->key = *flow_get_key(flow);
    record->kind = NAME_SERVER;
    record->name_size = (uint16_t)name;
    memcpy(record->tail, text, name);
    if (!push(emitter, RECORD_NAME, time, size))
        emitter->health->content_overflow++;
}

static size_t texts_size(const struct content_text *text, size_t count)
{
    size_t size = count;
    for (size_t i = 0; i < count; i++)
        size += text[i].size;
    return size;
}

static uint8_t *put_counted(uint8_t *at, const struct content_text *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        *at++ = text[i].size;
        memcpy(at, text[i].text, text[i].size);
        at += text[i].size;
    }
    return at;
}

static void put_items(struct record_content *record, const struct content_items *items)
{
    uint8_t *at = (uint8_t *)(record->hash + items->count);
    record->class = (uint8_t)items->class;
    record->hash_count = (uint16_t)items->count;
    record->label_count = (uint8_t)items->label_count;
    record->sample_count = (uint8_t)items->sample_count;
    record->inspected_bytes = items->inspected_bytes;
    record->gap_bytes = items->gap_bytes;
    memcpy(record->hash, items->hash, items->count * sizeof *items->hash);
    memcpy(at, items->place, items->count);
    at = put_counted(at + items->count, items->label, items->label_count);
    put_counted(at, items->sample, items->sample_count);
}

void emit_items(struct emitter *emitter, const struct flow *flow, enum flow_side side,
                struct ptime time, const struct content_items *items,
                const struct tunnel tunnel[SIDES])
{
    size_t size, tail = items->count * (sizeof *items->hash + 1) +
                        texts_size(items->label, items->label_count) +
                        texts_size(items->sample, items->sample_count);
    struct record_content *record = begin(emitter, sizeof *record, tail, &size);
    record->key = *flow_get_key(flow);
    record->side = (uint8_t)side;
    record->sent_bytes = flow_get_payload(flow, side);
    put_items(record, items);
    if (tunnel) {
        record->tunnels = SIDES;
        memcpy(record->tunnel, tunnel, sizeof record->tunnel);
    }
    if (!push(emitter, RECORD_CONTENT, time, size))
        emitter->health->content_overflow++;
}

/* ARP in a tunnel is told with the packet around it: that one's sender brought it. */
static void put_carriers(struct record_binding *record, const struct packet *packet)
{
    const struct tunnel *tunnel = &packet->tunnel;
    if (record->kind != BINDING_ND)
        record->carrier[0] = packet->src;
    if (tunnel->count == 0)
        return;
    record->carrier[1] = tunnel->orig_ip;
    for (size_t i = 0; i < TUNNEL_HOPS; i++)
        record->carrier[2 + i] = tunnel->hop[i].orig_ip;
}
_Static_assert(BINDING_CARRIERS == 2 + TUNNEL_HOPS, "room for all");

void emit_binding(struct emitter *emitter, const struct packet *packet,
                  const struct binding *binding)
{
    size_t size;
    struct record_binding *record = begin(emitter, sizeof *record, 0, &size);
    record->address = binding->address;
    record->device = binding->device;
    record->lease_s = binding->lease_s;
    record->vlan = packet->vlan;
    record->vantage = packet->vantage;
    record->kind = (uint8_t)binding->kind;
    put_carriers(record, packet);
    record->key = binding_key(record);
    if (!push(emitter, RECORD_BINDING, packet->time, size))
        emitter->health->bindings_lost++;
}

void emit_health(struct emitter *emitter, struct ptime time, const struct health *total)
{
    size_t size;
    struct record_health *record = begin(emitter, sizeof *record, 0, &size);
    record->total = *total;
    push(emitter, RECORD_HEALTH, time, size); /* totals: the next one says the same and more */
}

void emit_watermark(struct emitter *emitter, struct ptime time, bool wakes)
{
    size_t size;
    begin(emitter, sizeof(struct record_header), 0, &size);
    if (time.ns > emitter->told_ns && push_at(emitter, RECORD_WATERMARK, time, size, wakes))
        emitter->told_ns = time.ns;
}
