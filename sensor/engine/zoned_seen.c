/* What was seen to pass the borders of zones. A flow's figures are added when it ends; that it is
 * there, and who writes, from its first record on that says what it is. Whoever opened is not
 * always certain: then the row of the other way round is its row, where there is one. Thread: the
 * engine's. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct row_key { /* no padding: hashed as bytes, and sorted: by ends, then protocol */
    uint8_t from, to, service, proto;
    uint8_t port[2]; /* network order */
};

void zoned_init(struct zoned *zoned, const struct zones *zones)
{
    *zoned = (struct zoned){.zones = zones};
    map_init(&zoned->rows);
    for (size_t i = 0; i < ZONES_MAX; i++) {
        zoned->limit[i].since = PTIME_MIN;
        map_init(&zoned->limit[i].stories);
    }
}

void zoned_fini(struct zoned *zoned)
{
    map_fini(&zoned->rows, free);
    for (size_t i = 0; i < ZONES_MAX; i++)
        map_fini(&zoned->limit[i].stories, NULL);
}

static struct row_key key_of(const struct conduit_seen *row)
{
    return (struct row_key){row->from,
                            row->to,
                            row->service,
                            row->proto,
                            {(uint8_t)(row->port >> 8), (uint8_t)row->port}};
}

static struct conduit_seen *get(const struct zoned *zoned, const struct conduit_seen *like)
{
    struct row_key key = key_of(like);
    return map_get(&zoned->rows, &key, sizeof key);
}

/* NULL: no room. */
static struct conduit_seen *add(struct zoned *zoned, const struct conduit_seen *like)
{
    struct row_key key = key_of(like);
    if (zoned->rows.count >= ZONED_ROWS)
        return NULL;
    struct conduit_seen *row = xcalloc(1, sizeof *row);
    *row = *like;
    map_put(&zoned->rows, &key, sizeof key, row);
    return row;
}

static struct conduit_seen like_flow(const struct zone_flow *flow, bool turned)
{
    return (struct conduit_seen){.from = turned ? flow->to : flow->from,
                                 .to = turned ? flow->from : flow->to,
                                 .proto = flow->proto,
                                 .service = (uint8_t)flow->service,
                                 .port = turned ? flow->orig_port : flow->resp_port,
                                 .first_ns = INT64_MAX,
                                 .last_ns = INT64_MIN};
}

static struct conduit_seen *row_of(struct zoned *zoned, const struct zone_flow *flow, bool *turned)
{
    struct conduit_seen like = like_flow(flow, false), other = like_flow(flow, true);
    struct conduit_seen *row = get(zoned, &like);
    *turned = false;
    if (row)
        return row;
    if (!flow->certain && (row = get(zoned, &other)) != NULL) {
        *turned = true;
        return row;
    }
    return add(zoned, &like);
}

static void note_writer(struct conduit_seen *row, const struct ip *ip)
{
    for (size_t i = 0; i < row->writer_count; i++)
        if (ip_compare(&row->writer[i], ip) == 0)
            return;
    if (row->writer_count == CONDUIT_WRITERS)
        row->more_writers = true;
    else
        row->writer[row->writer_count++] = *ip;
}

bool zoned_note(struct zoned *zoned, const struct record_flow *record, const struct zone_flow *flow)
{
    bool turned;
    struct conduit_seen *row = row_of(zoned, flow, &turned);
    if (!row)
        return false;
    if (record->start_ns < row->first_ns)
        row->first_ns = record->start_ns;
    if (record->last_ns > row->last_ns)
        row->last_ns = record->last_ns;
    if (flow->writes > 0)
        note_writer(row, turned ? &flow->resp : &flow->orig);
    if (record->end == FLOW_OPEN)
        return true;
    row->flows++;
    row->empty += flow->payload_bytes[SIDE_ORIG] + flow->payload_bytes[SIDE_RESP] == 0;
    row->reads += flow->reads;
    row->writes += flow->writes;
    row->bytes[SIDE_ORIG] += flow->payload_bytes[turned ? SIDE_RESP : SIDE_ORIG];
    row->bytes[SIDE_RESP] += flow->payload_bytes[turned ? SIDE_ORIG : SIDE_RESP];
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

const struct zones *engine_zones(const struct engine *engine)
{
    return engine->zoned.zones;
}

const struct conduit_seen **engine_conduits(const struct engine *engine, size_t *count)
{
    const struct map *rows = &engine->zoned.rows;
    const struct map_entry **entry = map_sorted(rows);
    const struct conduit_seen **sorted = xcalloc(rows->count + 1, sizeof *sorted);
    *count = rows->count;
    for (size_t i = 0; i < rows->count; i++)
        sorted[i] = entry[i]->value;
    free(entry);
    return sorted;
}

/* --- packed ----------------------------------------------------------------------------------- */

static void put_limit(struct buffer *out, const struct ruled_rule *limit)
{
    const struct map_entry **story = map_sorted(&limit->stories);
    buffer_le64(out, (uint64_t)limit->since.ns);
    buffer_le64(out, limit->told);
    buffer_le64(out, limit->held);
    buffer_le64(out, limit->held_before);
    buffer_le64(out, limit->tally.withheld);
    buffer_le32(out, (uint32_t)limit->stories.count);
    for (size_t i = 0; i < limit->stories.count; i++)
        buffer_put(out, story[i]->key, sizeof(uint64_t));
    free(story);
}

static bool take_limit(struct cursor *in, struct ruled_rule *limit)
{
    static char held;
    limit->since.ns = (int64_t)cursor_le64(in);
    limit->told = cursor_le64(in);
    limit->held = cursor_le64(in);
    limit->held_before = cursor_le64(in);
    limit->tally.withheld = cursor_le64(in);
    uint32_t stories = cursor_le32(in);
    for (uint32_t i = 0; i < stories && !in->failed; i++) {
        const uint8_t *story = cursor_take(in, sizeof(uint64_t));
        if (story)
            map_put(&limit->stories, story, sizeof(uint64_t), &held);
    }
    return !in->failed;
}

static void put_end(struct buffer *out, const struct zones *zones, uint8_t end)
{
    char name[ZONE_NAME_SIZE] = "";
    strncpy(name, zones_end_name(zones, end), sizeof name - 1);
    buffer_put(out, name, sizeof name);
}

/* −1: there is none of this name any more. */
static int take_end(struct cursor *in, const struct zones *zones)
{
    const uint8_t *bytes = cursor_take(in, ZONE_NAME_SIZE);
    char name[ZONE_NAME_SIZE + 1] = "";
    if (bytes)
        memcpy(name, bytes, ZONE_NAME_SIZE);
    return bytes && zones ? zones_find(zones, name) : -1;
}

void zoned_pack(const struct zoned *zoned, struct buffer *out)
{
    const struct zones *zones = zoned->zones;
    size_t position = 0;
    buffer_le32(out, zones ? (uint32_t)zones->zone_count : 0);
    for (size_t i = 0; zones && i < zones->zone_count; i++) {
        put_end(out, zones, (uint8_t)i);
        put_limit(out, &zoned->limit[i]);
    }
    buffer_le32(out, (uint32_t)zoned->rows.count);
    for (const struct map_entry *entry; (entry = map_next(&zoned->rows, &position)) != NULL;) {
        const struct conduit_seen *row = entry->value;
        put_end(out, zones, row->from);
        put_end(out, zones, row->to);
        buffer_put(out, row, sizeof *row);
    }
}

static bool take_row(struct zoned *zoned, struct cursor *in)
{
    int from = take_end(in, zoned->zones), to = take_end(in, zoned->zones);
    struct conduit_seen row;
    const uint8_t *bytes = cursor_take(in, sizeof row);
    if (!bytes)
        return false;
    memcpy(&row, bytes, sizeof row);
    if (row.writer_count > CONDUIT_WRITERS || row.service >= SERVICES)
        return false;
    row.from = (uint8_t)from;
    row.to = (uint8_t)to;
    if (from >= 0 && to >= 0 && !get(zoned, &row))
        add(zoned, &row);
    return true;
}

bool zoned_unpack(struct zoned *zoned, struct cursor *in)
{
    uint32_t zones = cursor_le32(in);
    for (uint32_t i = 0; i < zones; i++) {
        int at = take_end(in, zoned->zones);
        struct ruled_rule gone = {.told = 0};
        map_init(&gone.stories);
        bool good = take_limit(in, at >= 0 && at < (int)ZONES_MAX ? &zoned->limit[at] : &gone);
        map_fini(&gone.stories, NULL);
        if (!good)
            return false;
    }
    uint32_t rows = cursor_le32(in);
    for (uint32_t i = 0; i < rows; i++)
        if (!take_row(zoned, in))
            return false;
    return !in->failed;
}
