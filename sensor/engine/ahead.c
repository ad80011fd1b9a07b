/* The steps of ahead.h. Lines that are fetched: those that account_flow and account_judge come to.
 * Thread: the engine's. */
#include "ahead.h"

#include "internal.h"
#include "stories_kept.h"

#include <stddef.h>

#define LINE ((size_t)64)

/* How many records before its own each step is done. */
enum {
    ROUTE = 18,
    HASHES = 14,
    HOST = 12,
    HOUR = 10,
    PLACE = 8,
    PAIR = 6,
    STORY = 4,
    FIGURES = 2,
    BESIDE = 1
};

static void fetch(const void *from, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += LINE)
        __builtin_prefetch((const char *)from + at);
}

/* --- hashes ---------------------------------------------------------------------------------- */

static bool guess(const struct engine *engine, const struct record_flow *record,
                  const struct way *way, struct destination *destination)
{
    char server_name[RECORD_NAME_MAX + 1];
    if (way->scope == SCOPE_IN) {
        *destination = destination_of_prefix(ROLE_SERVED, &way->remote);
        return true;
    }
    record_flow_text(record, TEXT_SERVER_NAME, server_name);
    return names_guess(&engine->names, server_name, &way->remote, destination);
}

static void hash_keys(const struct engine *engine, const struct record_flow *record,
                      const struct way *way, struct ahead_record *ahead)
{
    struct story_key key;
    struct destination destination;
    bool known = guess(engine, record, way, &destination);
    size_t size = story_make_key(&way->host, known ? &destination : NULL, &key);
    ahead->host = map_hash(&key.host, sizeof key.host);
    ahead->place = known ? map_hash(key.text, size - sizeof key.host) : 0;
    ahead->story = known ? map_hash(&key, size) : 0;
}

/* Of a flow whose own addresses say that it leaves. */
static void look_at(struct engine *engine, const struct ordered *item, struct ahead_record *ahead)
{
    const struct record_flow *record = (const void *)item->record;
    ahead->name.is_one = false;
    if (item->record->kind == RECORD_NAME && !engine_only_gathers(engine)) {
        ahead->number = engine->ahead.done + HASHES;
        ahead->route = NULL;
        ahead_name(engine, (const void *)item->record, &ahead->name);
    }
    if (item->record->kind != RECORD_FLOW)
        return;
    struct route *route = routes_of(engine, &record->key);
    if (route->scope != SCOPE_OUT && route->scope != SCOPE_IN)
        return;
    ahead->number = engine->ahead.done + HASHES;
    ahead->route = route;
    ahead->known = NULL;
    if (route_leads(engine, route, record)) {
        ahead->known = route->host;
        ahead->host = route->host_hash;
        ahead->place = route->place_hash;
        ahead->story = route->story_hash;
    } else {
        const struct way way = route_way(route, &record->key);
        hash_keys(engine, record, &way, ahead);
    }
    if (!ahead->known)
        map_prefetch(&engine->hosts, ahead->host);
}

static void look_for_route(const struct engine *engine, const struct ordered *item)
{
    if (item->record->kind == RECORD_FLOW)
        routes_prefetch(engine, &((const struct record_flow *)(const void *)item->record)->key);
}

/* --- what they lead to ------------------------------------------------------------------------ */

static struct host_total *hour_of(const struct host *host)
{
    return host->total.other ? TIE_OWNER(host->total.other, struct host_total, tie) : NULL;
}

static struct story_entry *story_of(const struct tie *tie)
{
    return tie->other ? TIE_OWNER(tie->other, struct story_entry, tie) : NULL;
}

static void fetch_entry(const struct story_entry *entry)
{
    if (entry)
        fetch(entry, sizeof *entry);
}

static void fetch_figures(const struct story_entry *entry)
{
    if (!entry)
        return;
    const struct open_story *open = entry->awake;
    if (!open) {
        fetch(entry->thin, entry->thin_bytes);
        return;
    }
    fetch(&open->story, 3 * LINE);
    fetch(open->story.flow, LINE);
    fetch(open->flow_start_ns, sizeof *open - offsetof(struct open_story, flow_start_ns));
}

/* Those between which it is in the two orders: it becomes the newest of both. */
static void fetch_beside(const struct story_entry *entry)
{
    const struct open_story *open = entry ? entry->awake : NULL;
    if (entry && entry->newer)
        __builtin_prefetch(&entry->newer->older);
    if (entry && entry->older)
        __builtin_prefetch(&entry->older->newer);
    if (open && open->newer)
        __builtin_prefetch(&open->newer->older);
    if (open && open->older)
        __builtin_prefetch(&open->older->newer);
}

static void fetch_pair(const struct engine *engine, const struct host_total *total,
                       const struct ahead_record *ahead)
{
    const struct pair_total *pair = total ? map_expect(&total->pairs, ahead->place) : NULL;
    if (pair)
        totals_prefetch(pair);
    else
        map_prefetch(&engine->stories.map, ahead->story);
}

static void follow(const struct engine *engine, struct ahead_record *ahead, size_t distance)
{
    if (ahead->name.is_one) {
        if (distance == HOUR || distance == PAIR)
            ahead_follow_name(engine, &ahead->name, distance == PAIR);
        return;
    }
    if (!ahead->known)
        ahead->known = map_expect(&engine->hosts, ahead->host);
    const struct host *host = ahead->known;
    if (!host)
        return;
    const struct host_total *total = distance < HOST ? hour_of(host) : NULL;
    const struct pair_total *pair =
        total && ahead->place && distance < PAIR ? map_expect(&total->pairs, ahead->place) : NULL;
    switch (distance) {
    case HOST:
        fetch(host, sizeof *host);
        break;
    case HOUR:
        fetch(total, total ? sizeof *total : 0);
        fetch_entry(story_of(&host->whole));
        break;
    case PLACE:
        if (total && ahead->place)
            map_prefetch(&total->pairs, ahead->place);
        fetch_figures(story_of(&host->whole));
        break;
    case PAIR:
        if (ahead->place)
            fetch_pair(engine, total, ahead);
        fetch_beside(story_of(&host->whole));
        break;
    case STORY:
        fetch_entry(pair ? story_of(&pair->tie) : NULL);
        break;
    case FIGURES:
        fetch_figures(pair ? story_of(&pair->tie) : NULL);
        break;
    default:
        fetch_beside(pair ? story_of(&pair->tie) : NULL);
        break;
    }
}

void ahead_step(struct engine *engine)
{
    static const size_t distance[] = {BESIDE, FIGURES, STORY, PAIR, PLACE, HOUR, HOST};
    struct ahead *ahead = &engine->ahead;
    uint64_t done = ++ahead->done;
    size_t first = engine_only_gathers(engine) ? 3 : 0; /* then there are no stories */
    for (size_t i = first; i < sizeof distance / sizeof *distance; i++) {
        struct ahead_record *of = &ahead->of[(done + distance[i]) % AHEAD_ROOM];
        if (of->number == done + distance[i])
            follow(engine, of, distance[i]);
    }
    const struct ordered *item = order_ahead(&engine->order, ROUTE);
    if (item)
        look_for_route(engine, item);
    item = order_ahead(&engine->order, HASHES);
    if (item)
        look_at(engine, item, &ahead->of[(done + HASHES) % AHEAD_ROOM]);
    const struct ahead_record *next = &ahead->of[done % AHEAD_ROOM];
    routes_expect(engine, next->number == done ? next->route : NULL);
}
