/* What was seen to pass the borders of zones. A flow's figures are added when it ends; that it is
 * there, who writes, and what is asked for, from its first record on that says what it is. Whoever
 * opened is not always certain: then the matrix is tried both ways, as it is when the flow is
 * judged; where it says nothing, the row of the other way round is its row, where there is one.
 * Thread: the engine's. */
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
    for (size_t i = 0; i < (size_t)ZONES_MAX * ZONED_BUDGETS; i++) {
        struct ruled_rule *limit = &zoned->limit[i / ZONED_BUDGETS][i % ZONED_BUDGETS];
        limit->since = PTIME_MIN;
        map_init(&limit->stories);
    }
}

void zoned_fini(struct zoned *zoned)
{
    map_fini(&zoned->rows, free);
    for (size_t i = 0; i < (size_t)ZONES_MAX * ZONED_BUDGETS; i++)
        map_fini(&zoned->limit[i / ZONED_BUDGETS][i % ZONED_BUDGETS].stories, NULL);
}

static struct row_key key_of(const struct conduit_seen *row)
{
    return (struct row_key){row->from,
                            row->to,
                            row->service,
                            row->proto,
                            {(uint8_t)(row->port >> 8), (uint8_t)row->port}};
}

static struct zoned_row *get(const struct zoned *zoned, const struct conduit_seen *like)
{
    struct row_key key = key_of(like);
    return map_get(&zoned->rows, &key, sizeof key);
}

/* --- those that were only tried --------------------------------------------------------------- */

static void unlink_row(struct zoned *zoned, struct zoned_row *row)
{
    *(row->newer ? &row->newer->older : &zoned->newest) = row->older;
    *(row->older ? &row->older->newer : &zoned->oldest) = row->newer;
    row->newer = row->older = NULL;
    row->tried = false;
}

static void link_newest(struct zoned *zoned, struct zoned_row *row)
{
    row->older = zoned->newest;
    *(zoned->newest ? &zoned->newest->newer : &zoned->oldest) = row;
    zoned->newest = row;
    row->tried = true;
}

/* What was carried once stays so. */
static void touch(struct zoned *zoned, struct zoned_row *row, bool carried)
{
    if (!row->tried)
        return;
    unlink_row(zoned, row);
    if (!carried)
        link_newest(zoned, row);
}

/* False: something was carried in each. */
static bool give_way(struct zoned *zoned)
{
    struct zoned_row *row = zoned->oldest;
    if (!row)
        return false;
    struct row_key key = key_of(&row->seen);
    unlink_row(zoned, row);
    free(map_remove(&zoned->rows, &key, sizeof key));
    zoned->given_way++;
    return true;
}

/* As one that was only tried. NULL: no room. */
static struct zoned_row *add(struct zoned *zoned, const struct conduit_seen *like)
{
    struct row_key key = key_of(like);
    if (zoned->rows.count >= ZONED_ROWS && !give_way(zoned))
        return NULL;
    struct zoned_row *row = xcalloc(1, sizeof *row);
    row->seen = *like;
    map_put(&zoned->rows, &key, sizeof key, row);
    link_newest(zoned, row);
    return row;
}

/* --- a flow's row ----------------------------------------------------------------------------- */

static struct conduit_seen like_flow(const struct zone_flow *flow)
{
    return (struct conduit_seen){.from = flow->from,
                                 .to = flow->to,
                                 .proto = flow->proto,
                                 .service = (uint8_t)flow->service,
                                 .port = flow->resp_port,
                                 .first_ns = INT64_MAX,
                                 .last_ns = INT64_MIN};
}

/* What the matrix has against it, were it certain who opened. */
static enum zone_fault fault_of(const struct zones *zones, const struct zone_flow *flow)
{
    struct zone_flow sure = *flow;
    struct zone_verdict verdict;
    sure.certain = true;
    return zones_judge(zones, &sure, &verdict) ? verdict.fault : ZONE_NO_CONDUIT;
}

/* `flow` is turned when its row is that of the other way round. */
static struct zoned_row *row_of(struct zoned *zoned, struct zone_flow *flow)
{
    struct zone_flow turned = zone_flow_turned(flow);
    struct conduit_seen like = like_flow(flow), other = like_flow(&turned);
    enum zone_fault straight = ZONE_ALLOWED, back = ZONE_ALLOWED;
    struct zoned_row *row = get(zoned, &like);
    if (!flow->certain) {
        straight = fault_of(zoned->zones, flow);
        back = fault_of(zoned->zones, &turned);
    }
    if (back < straight || (!flow->certain && back == straight && !row && get(zoned, &other))) {
        *flow = turned;
        like = other;
        row = get(zoned, &like);
    }
    return row ? row : add(zoned, &like);
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

static bool has_function(const struct conduit_seen *row, uint16_t code)
{
    for (size_t at = 0; at < row->function_count; at++)
        if (row->function[at].code == code)
            return true;
    return false;
}

/* Whoever is asked cannot fill the row: the last that it alone asked for goes. */
static bool make_room(struct conduit_seen *row)
{
    size_t at = row->function_count;
    while (at > 0 && !row->function[at - 1].back)
        at--;
    if (at-- == 0)
        return false;
    row->function_count--;
    memmove(&row->function[at], &row->function[at + 1],
            (row->function_count - at) * sizeof *row->function);
    row->more_functions_back++;
    return true;
}

/* NULL: no room. */
static struct function_seen *function_of(struct conduit_seen *row, uint16_t code, bool back)
{
    size_t at = 0;
    if (row->function_count == FUNCTIONS_MAX && !has_function(row, code) &&
        (back || !make_room(row)))
        return NULL;
    while (at < row->function_count && row->function[at].code < code)
        at++;
    struct function_seen *seen = &row->function[at];
    if (at == row->function_count || seen->code != code) {
        memmove(seen + 1, seen, (row->function_count++ - at) * sizeof *seen);
        *seen = (struct function_seen){.code = code, .back = true};
    }
    seen->back &= back;
    return seen;
}

static void note_functions(struct conduit_seen *row, const struct function_set *set, bool ended)
{
    bool room = set->more == 0, room_back = set->more_back == 0;
    for (size_t i = 0; i < set->count; i++) {
        bool back = function_set_is_back(set, i);
        struct function_seen *seen = function_of(row, set->code[i], back);
        *(back ? &room_back : &room) &= seen != NULL;
        if (seen)
            seen->flows += ended;
    }
    row->more_functions += !room;
    row->more_functions_back += !room_back;
}

/* What ended. */
static void add_figures(struct conduit_seen *row, const struct zone_flow *flow)
{
    row->flows++;
    row->empty += flow->payload_bytes[SIDE_ORIG] + flow->payload_bytes[SIDE_RESP] == 0;
    row->reads += flow->reads;
    row->writes += flow->writes;
    for (int side = 0; side < SIDES; side++)
        row->bytes[side] += flow->payload_bytes[side];
}

bool zoned_note(struct zoned *zoned, const struct record_flow *record, const struct zone_flow *seen)
{
    struct zone_flow flow = *seen;
    struct zoned_row *own = row_of(zoned, &flow);
    if (!own)
        return false;
    struct conduit_seen *row = &own->seen;
    touch(zoned, own, flow.payload_bytes[SIDE_ORIG] + flow.payload_bytes[SIDE_RESP] > 0);
    if (record->start_ns < row->first_ns)
        row->first_ns = record->start_ns;
    if (record->last_ns > row->last_ns)
        row->last_ns = record->last_ns;
    row->certain |= flow.certain;
    if (zone_flow_said(&flow) > row->most_said)
        row->most_said = zone_flow_said(&flow);
    if (flow.writes > 0)
        note_writer(row, &flow.orig);
    note_functions(row, &flow.functions, record->end != FLOW_OPEN);
    if (record->end != FLOW_OPEN)
        add_figures(row, &flow);
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
        sorted[i] = &((const struct zoned_row *)entry[i]->value)->seen;
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

static void put_row(struct buffer *out, const struct zones *zones, const struct zoned_row *row)
{
    put_end(out, zones, row->seen.from);
    put_end(out, zones, row->seen.to);
    buffer_u8(out, row->tried);
    buffer_put(out, &row->seen, sizeof row->seen);
}

/* What was only tried by when it was touched, the rest in any order. */
void zoned_pack(const struct zoned *zoned, struct buffer *out)
{
    const struct zones *zones = zoned->zones;
    const struct map_entry *entry;
    size_t position = 0;
    buffer_le32(out, zones ? (uint32_t)zones->zone_count : 0);
    for (size_t i = 0; zones && i < zones->zone_count; i++) {
        put_end(out, zones, (uint8_t)i);
        for (size_t budget = 0; budget < ZONED_BUDGETS; budget++)
            put_limit(out, &zoned->limit[i][budget]);
    }
    buffer_le32(out, (uint32_t)zoned->rows.count);
    buffer_le64(out, zoned->given_way);
    for (const struct zoned_row *row = zoned->oldest; row; row = row->newer)
        put_row(out, zones, row);
    while ((entry = map_next(&zoned->rows, &position)) != NULL)
        if (!((const struct zoned_row *)entry->value)->tried)
            put_row(out, zones, entry->value);
}

static bool take_row(struct zoned *zoned, struct cursor *in)
{
    int from = take_end(in, zoned->zones), to = take_end(in, zoned->zones);
    bool tried = cursor_u8(in) != 0;
    struct conduit_seen row;
    const uint8_t *bytes = cursor_take(in, sizeof row);
    if (!bytes)
        return false;
    memcpy(&row, bytes, sizeof row);
    if (row.writer_count > CONDUIT_WRITERS || row.function_count > FUNCTIONS_MAX ||
        row.service >= SERVICES)
        return false;
    row.from = (uint8_t)from;
    row.to = (uint8_t)to;
    if (from < 0 || to < 0 || get(zoned, &row))
        return true;
    struct zoned_row *own = add(zoned, &row);
    if (own)
        touch(zoned, own, !tried);
    return true;
}

/* Of a zone; of one that is gone they are read over. */
static bool take_limits(struct zoned *zoned, struct cursor *in)
{
    int at = take_end(in, zoned->zones);
    for (size_t budget = 0; budget < ZONED_BUDGETS; budget++) {
        struct ruled_rule gone = {.told = 0};
        map_init(&gone.stories);
        bool good =
            take_limit(in, at >= 0 && at < (int)ZONES_MAX ? &zoned->limit[at][budget] : &gone);
        map_fini(&gone.stories, NULL);
        if (!good)
            return false;
    }
    return true;
}

bool zoned_unpack(struct zoned *zoned, struct cursor *in)
{
    uint32_t zones = cursor_le32(in);
    for (uint32_t i = 0; i < zones; i++)
        if (!take_limits(zoned, in))
            return false;
    uint32_t rows = cursor_le32(in);
    zoned->given_way = cursor_le64(in);
    for (uint32_t i = 0; i < rows; i++)
        if (!take_row(zoned, in))
            return false;
    return !in->failed;
}
