/* Open stories. Kept in a list by last activity, so that forgetting is a walk from the oldest end.
 * Figures are sums of the fresh parts of flow records: nothing is counted twice, whatever a story's
 * flows do. Thread: the engine's. */
#include "stories_kept.h"

#include "weir/base/device.h"
#include "weir/baseline/evidence.h"

#include <string.h>

#define EVICT_LOOK 4096

/* With nothing behind its end, which would be kept for nothing. */
static void keep_text(const char *from, char *to, size_t room)
{
    size_t size = strnlen(from, room - 1);
    memcpy(to, from, size);
    memset(to + size, 0, room - size);
}

/* The one silent longest that no incident tells; after EVICT_LOOK of them, the oldest all the same.
 */
static struct story_entry *evictable(const struct stories *stories)
{
    struct story_entry *entry = stories->oldest;
    for (int n = 0; n < EVICT_LOOK && entry; n++, entry = entry->newer)
        if (!story_is_told(entry))
            return entry;
    return stories->oldest;
}

static struct open_story *begin_story(struct stories *stories, const struct story_key *key,
                                      size_t size, const struct destination *destination,
                                      struct ptime now)
{
    if (stories->map.count >= stories->limit) {
        stories_forget(stories, evictable(stories));
        stories->evicted++;
    }
    struct open_story *open = stories_make(stories, key, size);
    open->story.host = key->host;
    open->story.has_destination = destination != NULL;
    if (destination) {
        struct destination *own = &open->story.destination;
        own->role = destination->role;
        own->kind = destination->kind;
        keep_text(destination->name, own->name, sizeof own->name);
    }
    open->begun_ns = now.ns;
    open->story.first = PTIME_MAX;
    open->story.last = now;
    return open;
}

/* Of an entry that was found, or NULL. */
static struct open_story *go_on(struct stories *stories, struct story_entry *entry,
                                struct ptime now)
{
    if (entry && !story_is_told(entry) && now.ns - story_last(entry).ns > STORY_GAP_NS) {
        stories_forget(stories, entry);
        entry = NULL;
    }
    if (!entry)
        return NULL;
    stories_renew(stories, entry);
    return stories_wake(stories, entry);
}

struct open_story *stories_open(struct stories *stories, const struct ip *host,
                                const struct destination *destination, struct ptime now)
{
    struct story_key key;
    size_t size = story_make_key(host, destination, &key);
    struct open_story *open = go_on(stories, map_get(&stories->map, &key, size), now);
    return open ? open : begin_story(stories, &key, size, destination, now);
}

static struct story_entry *tied_entry(const struct tie *tie)
{
    return tie && tie->other ? TIE_OWNER(tie->other, struct story_entry, tie) : NULL;
}

struct open_story *stories_open_tied(struct stories *stories, struct tie *tie,
                                     const struct ip *host, const struct destination *destination,
                                     struct ptime now)
{
    struct open_story *open = go_on(stories, tied_entry(tie), now);
    if (open)
        return open;
    open = stories_open(stories, host, destination, now);
    tie_bind(tie, &open->entry->tie);
    return open;
}

static struct story_entry *find_entry(const struct stories *stories, const struct ip *host,
                                      const struct destination *destination)
{
    struct story_key key;
    size_t size = story_make_key(host, destination, &key);
    return map_get(&stories->map, &key, size);
}

struct open_story *stories_resume(struct stories *stories, struct tie *tie, const struct ip *host,
                                  const struct destination *destination, struct ptime now)
{
    struct open_story *open = go_on(stories, tied_entry(tie), now);
    if (open)
        return open;
    open = go_on(stories, find_entry(stories, host, destination), now);
    if (open && tie)
        tie_bind(tie, &open->entry->tie);
    return open;
}

static struct story_entry *entry_of(const struct stories *stories, const struct tie *tie,
                                    const struct ip *host, const struct destination *destination)
{
    struct story_entry *entry = tied_entry(tie);
    return entry ? entry : find_entry(stories, host, destination);
}

struct open_story *stories_go_on_told(struct stories *stories, const struct tie *tie,
                                      const struct ip *host, const struct destination *destination,
                                      struct ptime now)
{
    struct story_entry *entry = entry_of(stories, tie, host, destination);
    return entry && story_is_told(entry) ? go_on(stories, entry, now) : NULL;
}

bool stories_listens(const struct stories *stories, const struct tie *tie, const struct ip *host,
                     const struct destination *destination)
{
    const struct story_entry *entry = entry_of(stories, tie, host, destination);
    return entry && (story_is_told(entry) ||
                     (entry->awake ? entry->awake->content_changed : entry->changed));
}

struct open_story *stories_find(struct stories *stories, const struct ip *host,
                                const struct destination *destination)
{
    struct story_entry *entry = find_entry(stories, host, destination);
    return entry ? stories_wake(stories, entry) : NULL;
}

/* By its key, whichever side opened it, and its start. */
static bool same_flow(const struct open_story *open, size_t at, const struct record_flow *record)
{
    if (open->flow_start_ns[at] != record->start_ns)
        return false;
    struct flow_key a = flow_key_unordered(&open->story.flow[at].key);
    struct flow_key b = flow_key_unordered(&record->key);
    return memcmp(&a, &b, sizeof a) == 0;
}

/* The sixteen largest flows, largest first. */
static void keep_flow(struct open_story *open, const struct record_flow *record, bool outbound,
                      uint64_t out_bytes)
{
    struct story *story = &open->story;
    size_t at = 0;
    while (at < story->flow_count && !same_flow(open, at, record))
        at++;
    if (at == ALERT_FLOWS) {
        at--;
        if (story->flow[at].out_bytes >= out_bytes)
            return;
    }
    if (at == story->flow_count)
        story->flow_count++;
    struct alert_flow flow;
    memset(&flow, 0, sizeof flow); /* what lies between its members, too: it is thinned */
    flow.key = record->key;
    flow.start.ns = record->start_ns;
    flow.out_bytes = out_bytes;
    flow.service = (enum service)record->service;
    flow.outbound = outbound;
    for (; at > 0 && story->flow[at - 1].out_bytes < out_bytes; at--) {
        story->flow[at] = story->flow[at - 1];
        story_note_flow(open, at);
    }
    story->flow[at] = flow;
    story_note_flow(open, at);
}

static void keep_address(struct story *story, const struct ip *address)
{
    for (size_t i = 0; i < story->address_count; i++)
        if (ip_compare(&story->address[i], address) == 0)
            return;
    if (story->address_count < ALERT_ADDRESSES)
        story->address[story->address_count++] = *address;
    else
        story->more_addresses = true;
}

/* All that the flow has sent outwards; of one whose tunnel moved only what this story had of it,
 * for the bytes before may have stayed inside. */
static uint64_t sent_outwards(const struct open_story *open, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    const struct story *story = &open->story;
    uint64_t sent = 0;
    if (!(record->flags & FLOW_TUNNEL_MOVED)) {
        for (int side = 0; side < SIDES; side++)
            sent += (view->way.leaves & (1u << side)) ? record->total[side].payload_bytes : 0;
        return sent;
    }
    for (size_t i = 0; i < story->flow_count; i++)
        sent += same_flow(open, i, record) ? story->flow[i].out_bytes : 0;
    return sent + view->out.value;
}

static bool first_of_flow(const struct record_flow *record)
{
    return record->fresh[SIDE_ORIG].packets + record->fresh[SIDE_RESP].packets ==
           (int64_t)(record->total[SIDE_ORIG].packets + record->total[SIDE_RESP].packets);
}

bool story_has_news(const struct record_flow *record)
{
    for (int side = 0; side < SIDES; side++)
        if (record->fresh[side].packets != 0 || record->fresh[side].payload_bytes != 0 ||
            record->fresh[side].missing_bytes != 0 || record->fresh[side].acked_bytes != 0)
            return true;
    return false;
}

static bool was_empty(const struct record_flow *record)
{
    for (int side = 0; side < SIDES; side++)
        if ((int64_t)record->total[side].payload_bytes != record->fresh[side].payload_bytes)
            return false;
    return true;
}

/* It went on before, and was empty: whether the story lacks that. Its largest flows are all that it
 * has while there is room for more. Where there is none, it had what was there by the time it was
 * made: a record speaks of what was seen before it, and this one of what was seen behind it; one
 * without news of neither. */
static bool lacks_begin(const struct open_story *open, const struct record_flow *record)
{
    if (first_of_flow(record) || !was_empty(record))
        return false;
    for (size_t i = 0; i < open->story.flow_count; i++)
        if (same_flow(open, i, record))
            return false;
    return open->story.flow_count < ALERT_FLOWS ||
           (story_has_news(record) && open->begun_ns > record->start_ns &&
            open->begun_ns >= record->fresh_since_ns);
}

/* Space-saving: see claimed_client. Equal weights keep their order, so it depends on records
 * alone. A claim that comes after a flow's first record makes no flow more, but nobody is listed
 * with none. */
static void keep_client(struct story *story, const struct client_claim *claim, uint64_t out_bytes,
                        bool first)
{
    size_t at = 0;
    if (claim->by == CLIENT_NONE)
        return;
    while (at < story->client_count && ip_compare(&story->client[at].ip, &claim->ip) != 0)
        at++;
    struct claimed_client client;
    memset(&client, 0, sizeof client);
    client.ip = claim->ip;
    client.by = claim->by;
    if (at < story->client_count) {
        client = story->client[at];
    } else if (at < STORY_CLIENTS) {
        story->client_count++;
    } else {
        client.weight = story->client[--at].weight;
        story->clients_replaced++;
    }
    client.flows += first || client.flows == 0;
    client.out_bytes += out_bytes;
    client.weight += out_bytes;
    for (; at > 0 && story->client[at - 1].weight < client.weight; at--)
        story->client[at] = story->client[at - 1];
    story->client[at] = client;
}

/* A flow is counted with its first record. When its sides turn afterwards it goes on in another
 * story, where it is new; in that of the whole host it was opened by the other side after all. */
static void count_flow(struct story *story, const struct flow_view *view, bool first)
{
    bool inside = view->scope == SCOPE_OUT;
    bool turned = !first && (view->record->flags & FLOW_TURNED);
    uint32_t *opened = inside ? &story->flows_inside : &story->flows_outside;
    uint32_t *other = inside ? &story->flows_outside : &story->flows_inside;
    if (!first && !turned)
        return;
    ++*opened;
    if (turned && !story->has_destination && *other > 0)
        --*other;
    else
        story->flows_total++;
}

/* `whole`: with all that it sent before. */
static void count_packets(struct story *story, const struct flow_view *view, bool whole)
{
    const struct record_flow *record = view->record;
    int64_t since_ns = whole ? record->start_ns : record->fresh_since_ns;
    if (since_ns < story->first.ns)
        story->first.ns = since_ns;
    for (int side = 0; side < SIDES; side++) {
        bool leaves = view->way.leaves & (1u << side);
        *(leaves ? &story->out_packets : &story->in_packets) +=
            whole ? record->total[side].packets : (uint64_t)record->fresh[side].packets;
    }
}

void story_add(struct open_story *open, const struct flow_view *view)
{
    struct story *story = &open->story;
    const struct record_flow *record = view->record;
    bool whole = first_of_flow(record) || lacks_begin(open, record);
    if (!whole && !story_has_news(record) && story->flow_count > 0)
        return;
    count_packets(story, view, whole);
    if (record->last_ns > story->last.ns)
        story->last.ns = record->last_ns;
    volume_add(&story->out, view->out);
    story->in_bytes += view->in_bytes;
    volume_add(&story->service_out[record->service], view->out);
    story->unverified_out += view->name_unverified ? view->out.value : 0;
    if (record->flags & FLOW_CERTIFICATE_OTHER)
        story->other_certificate_out += view->out.value;
    count_flow(story, view, whole);
    keep_client(story, &record->client, view->out.value, whole);
    keep_flow(open, record, view->scope == SCOPE_OUT, sent_outwards(open, view));
    if (same_flow(open, 0, record)) {
        story->source = view->way.host;
        story->remote = view->way.remote;
        story->remote_port = view->way.remote_port;
        story->by_tunnel = view->way.by_tunnel;
        keep_text(view->text[TEXT_JA4], story->ja4, sizeof story->ja4);
        keep_text(view->text[TEXT_APPLICATION], story->application, sizeof story->application);
        story->tunnel = view->tunnel[view->tunnel[SIDE_ORIG].count > 0 ? SIDE_ORIG : SIDE_RESP];
    }
    if (ip_is_device(&story->host))
        keep_address(story, &view->way.host);
    if (*view->text[TEXT_SERVER_NAME])
        keep_text(view->text[TEXT_SERVER_NAME], story->server_name, sizeof story->server_name);
    if (record->flags & FLOW_HAS_JA3) {
        story->has_ja3 = true;
        memcpy(story->ja3, record->ja3, sizeof story->ja3);
    }
}

void story_add_items(struct stories *stories, struct open_story *open,
                     const struct record_content *record)
{
    counter_add(&open->counter, &stories->budget, &open->story.counted, record);
    if (record->gap_bytes > open->story.content_gap_bytes)
        open->story.content_gap_bytes = record->gap_bytes;
    open->content_changed = true;
}

/* --- those that are no longer told ------------------------------------------------------------ */

static void untell(struct story_entry *entry)
{
    if (entry->awake)
        entry->awake->told = false;
    entry->told = false;
}

bool stories_untell(struct stories *stories, const struct ip *host,
                    const struct destination *destination)
{
    struct story_entry *entry = find_entry(stories, host, destination);
    if (!entry || !story_is_told(entry))
        return false;
    untell(entry);
    return true;
}

/* --- uploads of the day ----------------------------------------------------------------------- */

static bool is_upload(const struct story_hours *hours)
{
    return hours->out_bytes >= EVIDENCE_FLOOR_BYTES && hours->in_bytes < hours->out_bytes;
}

void story_note_hour(struct open_story *open, const struct civil *civil,
                     const struct flow_view *view)
{
    const struct story *story = &open->story;
    struct story_hours *hours = &open->entry->hours;
    if (view->out.value > 0 && civil->hour > hours->hour)
        *hours = (struct story_hours){.hour = civil->hour,
                                      .day = civil->day,
                                      .uploaded = hours->uploaded || is_upload(hours)};
    if (!story->has_destination || story->destination.role != ROLE_CLIENT)
        return;
    if (civil->hour < hours->hour) { /* the hour before is open for two minutes */
        const struct story_hours late = {.out_bytes = view->out.value, .in_bytes = view->in_bytes};
        hours->uploaded |= is_upload(&late);
        return;
    }
    if (civil->hour > hours->hour)
        return;
    hours->out_bytes = bytes_add(hours->out_bytes, view->out.value);
    hours->in_bytes = bytes_add(hours->in_bytes, view->in_bytes);
}

static bool may_lead(const struct story_entry *entry, int64_t today)
{
    const struct story_hours *hours = &entry->hours;
    return (hours->uploaded || is_upload(hours)) && today <= hours->day;
}

/* Each minute asks: those that were kept are looked at again once an hour. */
static struct story_entry *first_to_look_at(struct stories *stories, struct ptime now)
{
    int64_t hour = now.ns / NS_PER_HOUR;
    bool again = hour != stories->kept_hour || !stories->kept;
    stories->kept_hour = hour;
    return again ? stories->oldest : stories->kept->newer;
}

void stories_advance(struct stories *stories, struct ptime now, int64_t today,
                     bool (*keep)(void *context, const struct story *story), void *context)
{
    struct open_story scratch;
    struct story_entry *entry = first_to_look_at(stories, now);
    while (entry && now.ns - story_last(entry).ns > STORY_GAP_NS) {
        struct story_entry *newer = entry->newer;
        bool told = story_is_told(entry) && keep(context, &stories_look(entry, &scratch)->story);
        if (!told)
            untell(entry);
        if (told || may_lead(entry, today))
            stories->kept = entry;
        else
            stories_forget(stories, entry);
        entry = newer;
    }
}
