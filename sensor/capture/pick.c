/* Whose packet is it? The same way as in the first reading answers that (worker.c): fragments are
 * put together, a mirror's copies are known, a conversation has one place; then the key and the
 * time decide. There is no flow table: a flow is known by its key from its first packet to its
 * last.
 *
 * A frame that waits for the rest of its datagram is kept, by the datagram's number, and told when
 * that is whole or given up, with the last of its frames. A datagram inside of another takes over
 * the frames of that one. A copy of a fragment goes with its datagram; of one that is whole
 * already, with the one that had its addresses and identification last. */
#include "pick.h"

#include "weir/base/buffer.h"
#include "weir/base/map.h"
#include "weir/capture/source.h"
#include "weir/flow/place.h"
#include "weir/flow/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SETTLED 256u /* datagrams whose flow is remembered for the copies of their fragments */

struct frame_kept {
    struct frame_kept *next;
    struct pick_frame frame; /* its raw is … */
    struct packet_raw raw;   /* … this, whose data are `bytes` */
    uint8_t bytes[];
};

struct frames {
    struct frame_kept *first, *last;
};

struct datagram_kept {
    struct frames frames;
    struct ip src, dst;
    uint32_t ip_id;
};

struct settled {
    struct ip src, dst;
    uint32_t ip_id, flow;
    bool used;
};

struct pick {
    const struct wanted_flow *wanted;
    uint32_t count;
    size_t mapped;
    struct decoder *decoder;
    struct duplicates *duplicates;
    struct places *places;
    struct ptime clock;
    struct map waiting; /* datagram number → struct datagram_kept */
    uint64_t held_bytes, unheld, number;
    struct settled settled[SETTLED]; /* a ring */
    uint32_t next;
    uint64_t record[RECORD_MAX_BYTES / sizeof(uint64_t)]; /* the one that is made */
};

struct pick *pick_open(int fd, uint32_t count, const struct decoder_config *decoder,
                       struct error *error)
{
    struct pick *pick = xcalloc(1, sizeof *pick);
    pick->mapped = count * sizeof *pick->wanted;
    void *at = count > 0 ? mmap(NULL, pick->mapped, PROT_READ, MAP_SHARED, fd, 0) : NULL;
    if (at == MAP_FAILED) {
        error_set(error, ERROR_RUN, "the wanted flows cannot be mapped: %s", strerror(errno));
        free(pick);
        return NULL;
    }
    pick->wanted = at;
    pick->count = count;
    pick->clock = PTIME_MIN;
    pick->decoder = decoder_new(decoder);
    pick->duplicates = duplicates_new();
    pick->places = places_new();
    map_init(&pick->waiting);
    return pick;
}

/* --- telling -----------------------------------------------------------------------------------
 */

/* Fills what is common to all, and pads with zeros. */
static void push(struct pick *pick, enum picked_kind kind, size_t size, int64_t time_ns,
                 struct emitter *emitter)
{
    struct record_header *header = (void *)pick->record;
    *header = (struct record_header){.size = (uint32_t)((size + 7) / 8 * 8),
                                     .kind = (uint16_t)kind,
                                     .version = RECORD_VERSION,
                                     .number = ++pick->number,
                                     .time_ns = time_ns};
    memset((uint8_t *)pick->record + size, 0, header->size - size);
    emit_made(emitter, header);
}

static void tell(struct pick *pick, uint32_t flow, const struct pick_frame *frame,
                 struct emitter *emitter)
{
    const struct packet_raw *raw = frame->raw;
    struct picked_part *part = (void *)pick->record;
    uint32_t captured = raw->captured < PICKED_CAPTURED_MAX ? raw->captured : PICKED_CAPTURED_MAX;
    int64_t stamp_ns = frame->stamp.ns == SOURCE_NO_TIME.ns ? raw->time.ns : frame->stamp.ns;
    uint32_t offset = 0;
    do {
        uint32_t left = captured - offset,
                 size = left < PICKED_PART_BYTES ? left : PICKED_PART_BYTES;
        *part = (struct picked_part){.flow = flow,
                                     .input = frame->input,
                                     .link = raw->link,
                                     .wire_bytes = raw->wire_bytes,
                                     .captured = captured,
                                     .offset = offset,
                                     .size = size};
        memcpy(part->bytes, raw->data + offset, size);
        push(pick, PICKED_PART, sizeof *part + size, stamp_ns, emitter);
        offset += size;
    } while (offset < captured);
}

/* --- frames that wait --------------------------------------------------------------------------
 */

static void append(struct frames *to, struct frames *from)
{
    if (!from->first)
        return;
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    *from = (struct frames){NULL, NULL};
}

static void drop(struct pick *pick, struct frames *frames)
{
    for (struct frame_kept *next; frames->first; frames->first = next) {
        next = frames->first->next;
        pick->held_bytes -= frames->first->raw.captured;
        free(frames->first);
    }
    frames->last = NULL;
}

static struct frames keep(struct pick *pick, const struct pick_frame *frame)
{
    uint32_t captured = frame->raw->captured;
    if (pick->held_bytes + captured > PICK_HELD_BYTES) {
        pick->unheld++;
        return (struct frames){NULL, NULL};
    }
    struct frame_kept *kept = xcalloc(1, sizeof *kept + captured);
    kept->raw = *frame->raw;
    kept->raw.data = kept->bytes;
    kept->frame = (struct pick_frame){&kept->raw, frame->stamp, frame->input};
    memcpy(kept->bytes, frame->raw->data, captured);
    pick->held_bytes += captured;
    return (struct frames){kept, kept};
}

static void remember(struct pick *pick, const struct datagram_kept *datagram, uint32_t flow)
{
    pick->settled[pick->next++ % SETTLED] =
        (struct settled){datagram->src, datagram->dst, datagram->ip_id, flow, true};
}

/* The frames of the datagrams that this packet was made of. Whose they were is known now, too. */
static struct frames take_made_of(struct pick *pick, const struct packet *packet, uint32_t flow)
{
    struct frames frames = {NULL, NULL};
    for (size_t i = 0; i < sizeof packet->made_of / sizeof *packet->made_of; i++) {
        struct datagram_kept *datagram =
            packet->made_of[i] == 0
                ? NULL
                : map_remove(&pick->waiting, &packet->made_of[i], sizeof packet->made_of[i]);
        if (!datagram)
            continue;
        remember(pick, datagram, flow);
        append(&frames, &datagram->frames);
        free(datagram);
    }
    return frames;
}

static void wait_in(struct pick *pick, const struct packet *packet, struct frames *frames)
{
    struct datagram_kept *datagram =
        map_get(&pick->waiting, &packet->held_in, sizeof packet->held_in);
    if (!datagram) {
        datagram = xcalloc(1, sizeof *datagram);
        map_put(&pick->waiting, &packet->held_in, sizeof packet->held_in, datagram);
    }
    datagram->src = packet->src;
    datagram->dst = packet->dst;
    datagram->ip_id = packet->ip_id;
    append(&datagram->frames, frames);
}

/* --- packets -----------------------------------------------------------------------------------
 */

static void tell_all(struct pick *pick, struct frames *frames, uint32_t flow,
                     struct emitter *emitter)
{
    for (const struct frame_kept *frame = frames->first; frame && flow != WANTED_NONE;
         frame = frame->next)
        tell(pick, flow, &frame->frame, emitter);
    drop(pick, frames);
}

/* A copy is looked for in the places of all: it is told where the first was seen. */
static uint32_t flow_of(struct pick *pick, struct packet *packet)
{
    struct duplicate of;
    bool copy = duplicates_seen(pick->duplicates, packet, &of);
    if (copy)
        places_join(pick->places, packet, &of);
    else
        places_settle(pick->places, packet);
    struct flow_key key = flow_key_of(packet);
    return wanted_find(pick->wanted, pick->count, &key, packet->time.ns, copy);
}

static void tell_given_up(struct pick *pick, struct ptime now, struct emitter *emitter)
{
    struct packet packet;
    struct ptime due;
    while (decoder_due(pick->decoder, now, &due, &packet)) {
        places_settle(pick->places, &packet);
        struct flow_key key = flow_key_of(&packet);
        uint32_t flow = wanted_find(pick->wanted, pick->count, &key, packet.time.ns, false);
        struct frames frames = take_made_of(pick, &packet, flow);
        tell_all(pick, &frames, flow, emitter);
    }
}

/* Of a datagram that waits no longer. */
static void late_copy(struct pick *pick, const struct packet *packet,
                      const struct pick_frame *frame, struct emitter *emitter)
{
    for (uint32_t back = 1; back <= SETTLED; back++) {
        const struct settled *s = &pick->settled[(pick->next - back) % SETTLED];
        if (!s->used || s->ip_id != packet->ip_id || ip_compare(&s->src, &packet->src) != 0 ||
            ip_compare(&s->dst, &packet->dst) != 0)
            continue;
        if (s->flow != WANTED_NONE)
            tell(pick, s->flow, frame, emitter);
        return;
    }
    pick->unheld++;
}

static void keep_waiting(struct pick *pick, const struct packet *packet,
                         const struct pick_frame *frame)
{
    struct frames frames = take_made_of(pick, packet, WANTED_NONE), own = keep(pick, frame);
    append(&frames, &own);
    wait_in(pick, packet, &frames);
}

void pick_packet(struct pick *pick, const struct pick_frame *frame, struct emitter *emitter)
{
    const struct packet_raw *raw = frame->raw;
    struct packet packet;
    if (raw->time.ns > pick->clock.ns)
        pick->clock = raw->time;
    tell_given_up(pick, pick->clock, emitter);
    decoder_set_vantage(pick->decoder, 0);
    enum decode_result result = decode_packet(pick->decoder, raw, &packet);
    if (result == DECODE_HELD || (result == DECODE_COPY && packet.held_in != 0)) {
        keep_waiting(pick, &packet, frame);
        return;
    }
    if (result == DECODE_COPY) {
        late_copy(pick, &packet, frame, emitter);
        return;
    }
    uint32_t flow = result == DECODE_OK ? flow_of(pick, &packet) : WANTED_NONE;
    struct frames frames = take_made_of(pick, &packet, flow);
    tell_all(pick, &frames, flow, emitter);
    if (flow != WANTED_NONE)
        tell(pick, flow, frame, emitter);
}

/* --- the end -----------------------------------------------------------------------------------
 */

static void free_waiting(struct pick *pick)
{
    size_t position = 0;
    for (const struct map_entry *entry; (entry = map_next(&pick->waiting, &position));) {
        struct datagram_kept *datagram = entry->value;
        for (const struct frame_kept *frame = datagram->frames.first; frame; frame = frame->next)
            pick->unheld++;
        drop(pick, &datagram->frames);
        free(datagram);
    }
    map_fini(&pick->waiting, NULL);
    map_init(&pick->waiting);
}

void pick_end(struct pick *pick, struct emitter *emitter)
{
    tell_given_up(pick, PTIME_MAX, emitter);
    free_waiting(pick);
    struct picked_end *end = (void *)pick->record;
    end->unheld = pick->unheld;
    push(pick, PICKED_END, sizeof *end, pick->clock.ns, emitter);
}

void pick_free(struct pick *pick)
{
    if (!pick)
        return;
    free_waiting(pick);
    map_fini(&pick->waiting, NULL);
    decoder_free(pick->decoder);
    duplicates_free(pick->duplicates);
    places_free(pick->places);
    if (pick->wanted) {
        const void *at = pick->wanted;
        void *mapped;
        memcpy(&mapped, &at, sizeof mapped); /* it was mapped for reading */
        munmap(mapped, pick->mapped);
    }
    free(pick);
}
