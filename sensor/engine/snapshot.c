/* The state, section by section.
 *
 * Structs without pointers are written as they are: a snapshot is read only by the build that wrote
 * it (snapshot_layout), on the same machine, behind a checksum. What has pointers is packed by
 * whoever owns it. What is written elsewhere is not here: open totals are put to the store once
 * more after a restart (they are absolute, so that changes nothing), and no answer is under way.
 *
 * A list is written from its old end and a map in any order: every map whose order matters has a
 * list or is sorted where it is used. Thread: the engine's. */
#include "snapshot.h"

#include "weir/base/digest.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC_END UINT64_C(0x646e652072696577)

/* While the store is away a million of these may wait. The pointers are not read back: what they
 * point to follows, and nothing is tied. */
#define PAIR_FIGURES offsetof(struct pair_total, destination)
#define PAIR_NAME    offsetof(struct destination, name)

/* --- plain figures --------------------------------------------------------------------------- */

#define PLAIN(X)                                                                                   \
    X(worker)                                                                                      \
    X(health_sum)                                                                                  \
    X(health_judged)                                                                               \
    X(health_from)                                                                                 \
    X(counts)                                                                                      \
    X(next_beat)                                                                                   \
    X(next_tick)                                                                                   \
    X(next_put)                                                                                    \
    X(next_close)                                                                                  \
    X(warmed)                                                                                      \
    X(closed_hour)                                                                                 \
    X(fleet_hour)                                                                                  \
    X(fleet_spoiled)                                                                               \
    X(memory)

uint64_t snapshot_layout(void)
{
    static const size_t size[] = {
#define SIZE(field) sizeof((struct engine *)NULL)->field,
        PLAIN(SIZE)
#undef SIZE
            sizeof(struct order_worker),
        sizeof(struct open_story),
        sizeof(struct incident),
        sizeof(struct asked_entry),
        offsetof(struct asked_entry, client),
        sizeof(struct echo_flow),
        sizeof(struct echo_pair),
        sizeof(struct answer_names),
        sizeof(struct holding),
        sizeof(struct identity_counts),
        sizeof(struct incident_rank),
        sizeof(struct sight),
        sizeof(struct rule_tally),
        sizeof(struct sight_host),
        sizeof(struct pair_total),
        PAIR_FIGURES,
        sizeof(struct swept_pair),
        sizeof(struct swept_server),
        sizeof(struct conduit_seen),
        sizeof(struct record_flow),
        sizeof(struct record_name),
        sizeof(struct record_content),
        sizeof(struct record_health),
        sizeof(struct record_binding),
        sizeof(struct entry),
        sizeof(struct host),
        sizeof(struct claims),
        sizeof(struct half_figures),
        sizeof(void *)};
    return hash64(size, sizeof size, hash64(WEIR_VERSION, strlen(WEIR_VERSION), RECORD_VERSION));
}

static void put_plain(const struct engine *engine, struct buffer *out)
{
#define PUT(field) buffer_put(out, &engine->field, sizeof engine->field);
    PLAIN(PUT)
#undef PUT
}

static bool take_plain(struct engine *engine, struct cursor *in)
{
#define TAKE(field)                                                                                \
    if (!snapshot_take_raw(in, &engine->field, sizeof engine->field))                              \
        return false;
    PLAIN(TAKE)
#undef TAKE
    return true;
}

/* --- order and open flows -------------------------------------------------------------------- */

static void put_record(struct buffer *out, uint32_t worker, uint32_t incarnation,
                       const struct record_header *record)
{
    buffer_le32(out, worker);
    buffer_le32(out, incarnation);
    buffer_put(out, record, record->size);
}

/* Into `copy`; NULL when there is none. */
static const struct record_header *take_record(struct cursor *in, uint32_t *worker,
                                               uint32_t *incarnation,
                                               uint64_t copy[RECORD_MAX_BYTES / 8])
{
    uint32_t size;
    *worker = cursor_le32(in);
    *incarnation = cursor_le32(in);
    if (*worker >= ENGINE_WORKERS_MAX || cursor_left(in) < sizeof(struct record_header))
        return NULL;
    memcpy(&size, in->at, sizeof size); /* a record begins with it */
    if (size < sizeof(struct record_header) || size > RECORD_MAX_BYTES ||
        !snapshot_take_raw(in, copy, size))
        return NULL;
    return (const struct record_header *)copy;
}

static void put_order(const struct engine *engine, struct buffer *out)
{
    const struct order *order = &engine->order;
    const uint64_t figures[] = {
        (uint64_t)order->complete.ns, order->ended, order->late, order->forced, order->promised,
        order->count - order->next};
    buffer_put(out, figures, sizeof figures);
    for (size_t i = order->next; i < order->count; i++)
        put_record(out, order->item[i].worker, order->item[i].incarnation, order->item[i].record);
    buffer_le32(out, order->workers);
    buffer_put(out, order->worker, order->workers * sizeof *order->worker);
}

/* Workers that are no more (a configuration with fewer) have ended: nobody waits for them. */
static bool take_order(struct engine *engine, struct cursor *in)
{
    struct order *order = &engine->order;
    uint64_t figures[6], copy[RECORD_MAX_BYTES / 8];
    uint32_t worker, incarnation;
    if (!snapshot_take_raw(in, figures, sizeof figures))
        return false;
    order->complete.ns = (int64_t)figures[0]; /* what was ready is so again, in its order */
    for (uint64_t i = 0; i < figures[5]; i++) {
        const struct record_header *record = take_record(in, &worker, &incarnation, copy);
        if (!record)
            return false;
        order_add(order, record, worker < order->workers ? worker : 0, incarnation);
    }
    uint32_t workers = cursor_le32(in);
    for (uint32_t i = 0; i < workers; i++) {
        struct order_worker saved;
        if (!snapshot_take_raw(in, &saved, sizeof saved))
            return false;
        if (i < order->workers)
            order->worker[i] = saved;
    }
    order->ended = figures[1] != 0;
    order->late = figures[2];
    order->forced = figures[3];
    order->promised = figures[4];
    return true;
}

static void put_open_flows(const struct engine *engine, struct buffer *out)
{
    const struct open_flows *flows = &engine->open_flows;
    uint64_t copy[RECORD_MAX_BYTES / 8];
    struct record_flow *record = (void *)copy;
    buffer_le64(out, flows->forgotten);
    buffer_le64(out, flows->map.count);
    for (const struct open_flow *open = flows->oldest; open; open = open->newer) {
        open_flows_record(open, record);
        put_record(out, (uint32_t)open->key.worker, 0, &record->header);
    }
}

static bool take_open_flows(struct engine *engine, struct cursor *in)
{
    uint64_t copy[RECORD_MAX_BYTES / 8];
    uint32_t worker, unused;
    engine->open_flows.forgotten = cursor_le64(in);
    uint64_t count = cursor_le64(in);
    for (uint64_t i = 0; i < count; i++) {
        const struct record_header *record = take_record(in, &worker, &unused, copy);
        if (!record || record->kind != RECORD_FLOW || record->size < sizeof(struct record_flow))
            return false;
        open_flows_note(&engine->open_flows, worker, (const void *)record);
    }
    return !in->failed;
}

/* --- hosts and totals ------------------------------------------------------------------------ */

/* Profiles as they lie in memory. */
static void put_host(struct buffer *out, const struct host *host)
{
    buffer_put(out, &host->ip, sizeof host->ip);
    buffer_le64(out, (uint64_t)host->stored_hour);
    buffer_le64(out, host->stored_edits);
    buffer_le32(out, host->hours);
    buffer_u8(out, host->ready);
    buffer_u8(out, host->loaded);
    buffer_u8(out, host->loading);
    buffer_u8(out, host->damaged);
    buffer_le64(out, (uint64_t)host->missed_ns);
    buffer_put(out, host->told, sizeof host->told);
    buffer_u8(out, host->claims != NULL);
    if (host->claims)
        buffer_put(out, host->claims, sizeof *host->claims);
    buffer_le64(out, (uint64_t)host->shared_ns);
    buffer_le32(out, host->blob_size);
    buffer_put(out, host->blob, host->blob_size);
}

/* Those in memory first, from the one that would be let go first. */
static void put_hosts(const struct engine *engine, struct buffer *out)
{
    size_t position = 0;
    const struct host *host = engine->cache.list[LIST_PACKED].oldest;
    buffer_le64(out, engine->hosts.count);
    for (; host; host = host->newer[LIST_PACKED])
        put_host(out, host);
    for (const struct map_entry *entry; (entry = map_next(&engine->hosts, &position)) != NULL;) {
        host = entry->value;
        if (!host->blob)
            put_host(out, host);
    }
}

static bool take_host(struct engine *engine, struct cursor *in)
{
    struct ip ip;
    if (!snapshot_take_raw(in, &ip, sizeof ip) || hosts_get(engine, &ip))
        return false;
    struct host unused = {.ip = ip}, *host = hosts_add(engine, &ip);
    host = host ? host : &unused; /* max_hosts is smaller now: counted */
    host->stored_hour = (int64_t)cursor_le64(in);
    host->stored_edits = cursor_le64(in);
    host->hours = cursor_le32(in);
    host->ready = cursor_u8(in) != 0;
    host->loaded = cursor_u8(in) != 0;
    bool loading = cursor_u8(in) != 0;
    host->damaged = cursor_u8(in) != 0;
    host->missed_ns = (int64_t)cursor_le64(in);
    if (!snapshot_take_raw(in, host->told, sizeof host->told))
        return false;
    struct claims claims;
    bool claimed = cursor_u8(in) != 0;
    if (claimed && !snapshot_take_raw(in, &claims, sizeof claims))
        return false;
    host->shared_ns = (int64_t)cursor_le64(in);
    uint32_t size = cursor_le32(in);
    const uint8_t *blob = cursor_take(in, size);
    if (!blob || host == &unused)
        return blob != NULL;
    if (claimed) {
        host->claims = xcalloc(1, sizeof claims);
        *host->claims = claims;
    }
    claims_restore(engine, host);
    if (size > 0)
        cache_put(engine, host, blob, size);
    if (loading)
        loads_need_later(engine, host);
    return true;
}

static bool take_hosts(struct engine *engine, struct cursor *in)
{
    uint64_t count = cursor_le64(in);
    for (uint64_t i = 0; i < count; i++)
        if (!take_host(engine, in))
            return false;
    return !in->failed;
}

static void put_text(struct buffer *out, const char *text)
{
    size_t size = text ? strlen(text) : 0;
    buffer_le16(out, (uint16_t)size);
    if (text)
        buffer_put(out, text, size);
}

/* NULL: none; the caller frees it. */
static char *take_text(struct cursor *in)
{
    size_t size = cursor_le16(in);
    const uint8_t *bytes = size > 0 ? cursor_take(in, size) : NULL;
    char *text = bytes ? xcalloc(1, size + 1) : NULL;
    if (text)
        memcpy(text, bytes, size);
    return text;
}

static void put_pair(struct buffer *out, const struct pair_total *pair)
{
    buffer_u8(out, pair->name_size);
    buffer_put(out, &pair->destination, PAIR_NAME + pair->name_size);
    buffer_put(out, pair, PAIR_FIGURES);
    buffer_le16(out, pair->starts.count);
    for (uint16_t i = 0; i < pair->starts.count; i++) {
        buffer_le16(out, pair->starts.at[i].second);
        buffer_le32(out, pair->starts.at[i].bytes);
    }
    put_text(out, pair->seen_by);
}

/* NULL: it is none. Else the caller's. */
static struct pair_total *take_pair_raw(struct cursor *in)
{
    struct destination destination = {.name = ""};
    size_t name = cursor_u8(in);
    if (!snapshot_take_raw(in, &destination, PAIR_NAME + name) || destination.role >= ROLES ||
        destination.kind >= DESTINATION_KINDS)
        return NULL;
    struct pair_total *pair = pair_total_new(&destination);
    uint8_t name_size = pair->name_size;
    const struct starts room = pair->starts;
    bool whole = snapshot_take_raw(in, pair, PAIR_FIGURES);
    pair->name_size = name_size;
    pair->tie = (struct tie){NULL};
    pair->starts = room;
    pair->seen_by = NULL;
    pair->changed = true; /* what was put before may not have arrived */
    if (whole)
        return pair;
    pair_total_free(pair);
    return NULL;
}

static void put_total(struct buffer *out, const struct host_total *total)
{
    size_t position = 0;
    buffer_put(out, &total->host, sizeof total->host);
    buffer_le64(out, (uint64_t)total->hour);
    buffer_put(out, &total->out, sizeof total->out);
    buffer_le64(out, total->in_bytes);
    buffer_le64(out, total->inside_bytes);
    buffer_put(out, &total->elsewhere, sizeof total->elsewhere);
    put_text(out, total->seen_by);
    buffer_u8(out, total->sends);
    buffer_le32(out, total->overflow);
    buffer_le32(out, total->starts_refused);
    buffer_le32(out, (uint32_t)total->pairs.count);
    for (const struct map_entry *entry; (entry = map_next(&total->pairs, &position)) != NULL;)
        put_pair(out, entry->value);
}

static void put_totals(const struct engine *engine, struct buffer *out)
{
    size_t count;
    struct host_total **total = totals_until(engine->totals, INT64_MAX, &count);
    buffer_le64(out, totals_refused(engine->totals));
    buffer_le64(out, count);
    for (size_t i = 0; i < count; i++)
        put_total(out, total[i]);
    free(total);
}

static bool take_pair(struct host_total *total, struct cursor *in)
{
    struct pair_total *pair = take_pair_raw(in);
    if (!pair)
        return false;
    if (!totals_take_pair(total, pair)) {
        pair_total_free(pair);
        return false;
    }
    uint16_t starts = cursor_le16(in);
    for (uint16_t i = 0; i < starts; i++) {
        uint16_t second = cursor_le16(in);
        totals_start(total, pair, second, cursor_le32(in));
    }
    pair->seen_by = take_text(in);
    return !in->failed;
}

static struct host_total *take_total_of(struct engine *engine, struct cursor *in)
{
    struct ip host;
    struct volume out;
    if (!snapshot_take_raw(in, &host, sizeof host))
        return NULL;
    int64_t hour = (int64_t)cursor_le64(in);
    if (!snapshot_take_raw(in, &out, sizeof out))
        return NULL;
    uint64_t in_bytes = cursor_le64(in), inside_bytes = cursor_le64(in);
    struct elsewhere elsewhere;
    if (!snapshot_take_raw(in, &elsewhere, sizeof elsewhere))
        return NULL;
    char *seen_by = take_text(in);
    bool sends = cursor_u8(in) != 0;
    struct host_total *total = sends ? totals_open(engine->totals, &host, hour) : NULL;
    if (inside_bytes > 0 && (total || !sends)) /* what was put before may not have arrived */
        total = totals_receive(engine->totals, &host, hour, inside_bytes);
    if (!total) {
        free(seen_by);
        return NULL;
    }
    total->out = out;
    total->in_bytes = in_bytes;
    total->elsewhere = elsewhere;
    total->seen_by = seen_by;
    return total;
}

static bool take_total(struct engine *engine, struct cursor *in)
{
    struct host_total *total = take_total_of(engine, in);
    if (!total)
        return false;
    total->overflow = cursor_le32(in);
    total->starts_refused = cursor_le32(in);
    uint32_t pairs = cursor_le32(in);
    for (uint32_t i = 0; i < pairs; i++)
        if (!take_pair(total, in))
            return false;
    close_queue_changed(engine, total);
    return !in->failed;
}

static bool take_totals(struct engine *engine, struct cursor *in)
{
    uint64_t refused = cursor_le64(in), count = cursor_le64(in);
    for (uint64_t i = 0; i < count; i++)
        if (!take_total(engine, in))
            return false;
    totals_set_refused(engine->totals, refused);
    return !in->failed;
}

/* --- what others pack ------------------------------------------------------------------------ */

static void put_fleet(const struct engine *engine, struct buffer *out)
{
    struct buffer blob = {0};
    fleet_pack(engine->fleet, &blob);
    buffer_le64(out, blob.size);
    buffer_put(out, blob.data, blob.size);
    buffer_fini(&blob);
}

static bool take_fleet(struct engine *engine, struct cursor *in)
{
    uint64_t size = cursor_le64(in);
    const uint8_t *blob = cursor_take(in, size);
    if (blob)
        engine->fleet = fleet_unpack(blob, size, NULL);
    return engine->fleet != NULL;
}

static void put_names(const struct engine *engine, struct buffer *out)
{
    names_pack(&engine->names, out);
}

static bool take_names(struct engine *engine, struct cursor *in)
{
    return names_unpack(&engine->names, in);
}

static void put_identity(const struct engine *engine, struct buffer *out)
{
    identity_pack(&engine->identity, out);
}

static bool take_identity(struct engine *engine, struct cursor *in)
{
    return identity_unpack(&engine->identity, in);
}

static void put_stories(const struct engine *engine, struct buffer *out)
{
    stories_pack(&engine->stories, out);
}

static bool take_stories(struct engine *engine, struct cursor *in)
{
    return stories_unpack(&engine->stories, in);
}

static void put_tunnelled(const struct engine *engine, struct buffer *out)
{
    tunnelled_pack(&engine->tunnelled, out);
}

static bool take_tunnelled(struct engine *engine, struct cursor *in)
{
    return tunnelled_unpack(&engine->tunnelled, in);
}

static void put_swept(const struct engine *engine, struct buffer *out)
{
    swept_pack(&engine->swept, out);
}

static bool take_swept(struct engine *engine, struct cursor *in)
{
    return swept_unpack(&engine->swept, in);
}

static void put_halves(const struct engine *engine, struct buffer *out)
{
    halves_pack(&engine->halves, out);
}

static bool take_halves(struct engine *engine, struct cursor *in)
{
    return halves_unpack(&engine->halves, in);
}

static void put_ruled(const struct engine *engine, struct buffer *out)
{
    ruled_pack(&engine->ruled, out);
}

static bool take_ruled(struct engine *engine, struct cursor *in)
{
    return ruled_unpack(&engine->ruled, in);
}

static void put_zoned(const struct engine *engine, struct buffer *out)
{
    zoned_pack(&engine->zoned, out);
}

static bool take_zoned(struct engine *engine, struct cursor *in)
{
    return zoned_unpack(&engine->zoned, in);
}

static void put_incidents(const struct engine *engine, struct buffer *out)
{
    incidents_pack(engine->incidents, out);
}

static bool take_incidents(struct engine *engine, struct cursor *in)
{
    return incidents_unpack(engine->incidents, in);
}

/* --- all of it ------------------------------------------------------------------------------- */

/* The plain figures come last: hosts and records that are taken count as if they came anew. */
static const struct section {
    void (*put)(const struct engine *engine, struct buffer *out);
    bool (*take)(struct engine *engine, struct cursor *in);
} sections[] = {{put_order, take_order},
                {put_open_flows, take_open_flows},
                {put_hosts, take_hosts},
                {put_totals, take_totals},
                {put_fleet, take_fleet},
                {put_names, take_names},
                {put_identity, take_identity},
                {put_stories, take_stories},
                {put_tunnelled, take_tunnelled},
                {put_swept, take_swept},
                {put_zoned, take_zoned},
                {put_incidents, take_incidents},
                {put_halves, take_halves},
                {put_ruled, take_ruled},
                {snapshot_put_sight, snapshot_take_sight},
                {put_plain, take_plain}};

void snapshot_pack(const struct engine *engine, struct buffer *out)
{
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        sections[i].put(engine, out);
    buffer_le64(out, MAGIC_END);
}

bool snapshot_unpack(struct engine *engine, struct cursor *in)
{
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (!sections[i].take(engine, in))
            return false;
    return cursor_le64(in) == MAGIC_END && cursor_left(in) == 0;
}
