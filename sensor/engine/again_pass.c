/* Whole records that are passed by when they are consumed once more.
 *
 * Of a host-hour of which nothing can be told (again.c) nobody needs the totals either: what the
 * host's later days need of them the ledger has (hindsight_pass), and of the hour before, which
 * uploads and clocks ask about, nothing can come that such a day's bounds leave room for. So the
 * first time what a record did is put beside it on the tape, and the second time only that is done,
 * and its stories go on where they may be told later or are told:
 *
 *   leaves 2 bits   which sides' bytes are the host's, to be counted as judged
 *   begins          the host's first of this hour: the hour is open, and to be closed
 *   much            its pair came to what others ask about in this hour (totals_hosts)
 *   refused         a start that found no room
 *   place 6         of the hash of its destination: mostly it is none of which is told
 *   host 21         the number of its host, by when they were met; 0: none, or one beyond
 *
 * Sums that observers make are the first time's (observed). Where anything was refused for room all
 * is gone through: what is refused depends on what else is there. Thread: the engine's. */
#include "internal.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

#define TAG_BEGINS  (1u << 2)
#define TAG_MUCH    (1u << 3)
#define TAG_REFUSED (1u << 4)
#define TAG_PLACE   5
#define TAG_PLACES  64u
#define TAG_HOST    11
#define TAG_HOSTS   (1u << (32 - TAG_HOST))

static unsigned place_of_hash(uint64_t hash)
{
    return (unsigned)(hash >> 32) % TAG_PLACES;
}

static unsigned place_of(const struct destination *destination)
{
    char key[DESTINATION_KEY_SIZE];
    return place_of_hash(map_hash(key, destination_put_key(destination, key)));
}

/* --- the first time --------------------------------------------------------------------------- */

void again_note(struct engine *engine, const struct flow_view *view, const struct host *host,
                const struct booked *booked)
{
    if (!engine->config.tape || again_is_asked(engine) || !booked->total ||
        host->number >= TAG_HOSTS)
        return;
    unsigned place =
        view->route ? place_of_hash(view->route->place_hash) : place_of(view->destination);
    engine->again.note.tag = view->way.leaves | (booked->begins ? TAG_BEGINS : 0) |
                             (booked->start_refused ? TAG_REFUSED : 0) |
                             (totals_came_to_much(booked->pair, view->out) ? TAG_MUCH : 0) |
                             place << TAG_PLACE | host->number << TAG_HOST;
}

void again_put(struct engine *engine, const struct ordered *item)
{
    struct tape_note *note = &engine->again.note;
    note->worker = item->worker;
    tape_put(engine->config.tape, item->record, note);
    note->tag = 0;
}

/* --- the second ------------------------------------------------------------------------------- */

static bool found_room(const struct engine_counts *before)
{
    return before->hosts_refused == 0 && before->refused_bytes == 0 &&
           before->inside_refused_bytes == 0 && before->pairs_overflow == 0;
}

void again_begin_passing(struct engine *engine)
{
    const struct engine_config *config = &engine->config;
    engine->again.passes_records = engine->again.passes_by && config->observed &&
                                   !config->observer.closed && found_room(config->before);
    if (engine->again.passes_records)
        hindsight_pass(config->hindsight, INT64_MIN);
}

void again_met(struct engine *engine, struct host *host)
{
    struct again *again = &engine->again;
    if (!again->passes_records)
        return;
    if (host->number > again->room) {
        again->room = again->room ? 2 * again->room : 256;
        again->host = xrealloc(again->host, again->room * sizeof(struct host *));
    }
    again->host[host->number - 1] = host;
    again->hosts = host->number;
}

/* Of whom is no host yet something is told that a host would go on with. */
void again_told(struct engine *engine, const struct story *story)
{
    struct host *host = hosts_get(engine, &story->host);
    if (!host) {
        engine->again.passes_by = false;
        return;
    }
    host->stories_told++;
    host->told_at |=
        story->has_destination ? UINT64_C(1) << place_of(&story->destination) : UINT64_MAX;
}

/* One that gave way for room is not said to be: its host's go on. */
void again_over(struct engine *engine, const struct story *story)
{
    struct host *host = hosts_get(engine, &story->host);
    if (host && host->stories_told > 0 && --host->stories_told == 0)
        host->told_at = 0;
}

static bool joins_told(const struct host *host, uint32_t tag)
{
    return host->told_at >> (tag >> TAG_PLACE) % TAG_PLACES & 1u;
}

static void count_bytes(struct engine *engine, const struct host *host,
                        const struct record_flow *record)
{
    uint64_t *sum = host->profile ? &engine->counts.judged_bytes : &engine->counts.learning_bytes;
    for (int side = 0; side < SIDES; side++)
        if (engine->again.note.tag & (1u << side))
            *sum += account_fresh(record, side).value;
}

/* What is to be done by host and destination. */
static void go_on(struct engine *engine, struct host *host, const struct record_flow *record,
                  const struct civil *civil, bool story)
{
    struct flow_view view;
    struct destination destination;
    uint32_t tag = engine->again.note.tag;
    bool much = tag & TAG_MUCH, told = joins_told(host, tag);
    if (!much && !story && !told)
        return;
    account_view(engine, record, &view, &destination);
    if (much)
        totals_pass_much(engine->totals, civil->hour, &destination);
    if (story || told)
        account_go_on(engine, &view, host, civil, !story);
}

bool again_pass(struct engine *engine, const struct record_flow *record)
{
    struct again *again = &engine->again;
    uint32_t tag = again->note.tag, number = tag >> TAG_HOST;
    if (!again->passes_records || number == 0 || number > again->hosts)
        return false;
    struct host *host = again->host[number - 1];
    struct civil civil = account_hour(engine, (struct ptime){record->fresh_since_ns});
    enum hindsight_need need = again_needs(engine, host, civil.hour);
    if (need == HINDSIGHT_ALL)
        return false;
    hosts_profile(engine, host, &civil);
    count_bytes(engine, host, record);
    engine->counts.starts_refused += (tag & TAG_REFUSED) != 0;
    totals_pass(engine->totals, civil.hour, tag & TAG_BEGINS);
    go_on(engine, host, record, &civil, need == HINDSIGHT_STORY);
    close_note_passed(engine, &civil);
    return true;
}

void again_fini(struct engine *engine)
{
    free(engine->again.host);
}
