/* The steps of ahead.h. Lines that are fetched: those that account_flow and account_judge come to.
 * Thread: the engine's. */
#include "ahead.h"

#include "internal.h"
#include "stories_kept.h"

#include <stddef.h>

#define LINE ((size_t)64)

/* How many records before its own each step is done. */
enum { HASHES = 10, HOST = 8, HOUR = 6, PLACE = 4, PAIR = 3, STORY = 2, FIGURES = 1 };

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
    if (item->record->kind != RECORD_FLOW)
        return;
    struct way way = way_of(engine->config.inside, &record->key, NULL);
    if (way.scope != SCOPE_OUT && way.scope != SCOPE_IN)
        return;
    hash_keys(engine, record, &way, ahead);
    ahead->number = engine->ahead.done + HASHES;
    map_prefetch(&engine->hosts, ahead->host);
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

static void fetch_pair(const struct engine *engine, const struct host_total *total,
                       const struct ahead_record *ahead)
{
    const struct pair_total *pair = total ? map_expect(&total->pairs, ahead->place) : NULL;
    if (pair)
        totals_prefetch(pair);
    else
        map_prefetch(&engine->stories.map, ahead->story);
}

static void follow(const struct engine *engine, const struct ahead_record *ahead, size_t distance)
{
    const struct host *host = map_expect(&engine->hosts, ahead->host);
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
        break;
    case STORY:
        fetch_entry(pair ? story_of(&pair->tie) : NULL);
        break;
    default:
        fetch_figures(pair ? story_of(&pair->tie) : NULL);
        break;
    }
}

void ahead_step(struct engine *engine)
{
    static const size_t distance[] = {FIGURES, STORY, PAIR, PLACE, HOUR, HOST};
    struct ahead *ahead = &engine->ahead;
    uint64_t done = ++ahead->done;
    for (size_t i = 0; i < sizeof distance / sizeof *distance; i++) {
        const struct ahead_record *of = &ahead->of[(done + distance[i]) % AHEAD_ROOM];
        if (of->number == done + distance[i])
            follow(engine, of, distance[i]);
    }
    const struct ordered *item = order_ahead(&engine->order, HASHES);
    if (item)
        look_at(engine, item, &ahead->of[(done + HASHES) % AHEAD_ROOM]);
}
