/* Open stories. Kept in a list by last activity, so that forgetting is a walk from the oldest end.
 * Figures are sums of the fresh parts of flow records: nothing is counted twice, whatever a story's
 * flows do. Memory once taken is kept for the next ones. Thread: the engine's. */
#include "stories.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EVICT_LOOK    4096
#define BLOCK_BYTES   ((size_t)2 << 20) /* a huge page, where there are such */
#define BLOCK_STORIES ((BLOCK_BYTES - sizeof(struct story_block)) / sizeof(struct open_story))

/* They are large and come and go by the thousand, which is what a heap is worst at. */
struct story_block {
    struct story_block *next;
    struct open_story story[];
};

struct story_key {
    struct ip host;
    char text[DESTINATION_KEY_SIZE];
};

static size_t make_key(const struct ip *host, const struct destination *destination,
                       struct story_key *key)
{
    key->host = *host;
    key->text[0] = '\0';
    if (destination)
        destination_key(destination, key->text);
    return sizeof key->host + strlen(key->text);
}

void stories_init(struct stories *stories)
{
    *stories = (struct stories){.budget = {.limit_bytes = STORY_ITEMS_BYTES}};
    map_init(&stories->map);
}

/* --- their memory -----------------------------------------------------------------------------
 */

static void add_block(struct stories *stories)
{
    struct story_block *block = aligned_alloc(BLOCK_BYTES, BLOCK_BYTES);
    if (!block)
        block = xcalloc(1, BLOCK_BYTES);        /* says so, and ends */
    madvise(block, BLOCK_BYTES, MADV_HUGEPAGE); /* advice: failing changes nothing but speed */
    block->next = stories->blocks;
    stories->blocks = block;
    stories->fresh = BLOCK_STORIES;
}

static struct open_story *make_story(struct stories *stories)
{
    struct open_story *open = stories->unused;
    if (open) {
        stories->unused = open->older;
    } else {
        if (stories->fresh == 0)
            add_block(stories);
        open = &stories->blocks->story[BLOCK_STORIES - stories->fresh--];
    }
    memset(open, 0, sizeof *open);
    return open;
}

static void free_story(struct stories *stories, struct open_story *open)
{
    counter_fini(&open->counter);
    open->older = stories->unused;
    stories->unused = open;
}

static void end_story(void *value)
{
    struct open_story *open = value;
    counter_fini(&open->counter);
}

void stories_fini(struct stories *stories)
{
    map_fini(&stories->map, end_story);
    for (struct story_block *next; stories->blocks; stories->blocks = next) {
        next = stories->blocks->next;
        free(stories->blocks);
    }
    stories->unused = NULL;
    stories->fresh = 0;
}

/* --- by last activity -------------------------------------------------------------------------
 */

static void unlink_story(struct stories *stories, struct open_story *open)
{
    *(open->newer ? &open->newer->older : &stories->newest) = open->older;
    *(open->older ? &open->older->newer : &stories->oldest) = open->newer;
    open->newer = open->older = NULL;
}

static void link_newest(struct stories *stories, struct open_story *open)
{
    open->older = stories->newest;
    if (stories->newest)
        stories->newest->newer = open;
    else
        stories->oldest = open;
    stories->newest = open;
}

static void forget(struct stories *stories, struct open_story *open)
{
    struct story_key key;
    const struct story *story = &open->story;
    size_t size = make_key(&story->host, story->has_destination ? &story->destination : NULL, &key);
    unlink_story(stories, open);
    map_remove(&stories->map, &key, size);
    free_story(stories, open);
}

/* The one silent longest that no incident tells; after EVICT_LOOK of them, the oldest all the same.
 */
static struct open_story *evictable(const struct stories *stories)
{
    struct open_story *open = stories->oldest;
    for (int n = 0; n < EVICT_LOOK && open; n++, open = open->newer)
        if (!open->told)
            return open;
    return stories->oldest;
}

struct open_story *stories_open(struct stories *stories, const struct ip *host,
                                const struct destination *destination, struct ptime now)
{
    struct story_key key;
    size_t size = make_key(host, destination, &key);
    struct open_story *open = map_get(&stories->map, &key, size);
    if (open && !open->told && now.ns - open->story.last.ns > STORY_GAP_NS) {
        forget(stories, open);
        open = NULL;
    }
    if (open) {
        unlink_story(stories, open);
    } else {
        if (stories->map.count >= STORIES_MAX) {
            forget(stories, evictable(stories));
            stories->evicted++;
        }
        open = make_story(stories);
        open->story.host = *host;
        open->story.has_destination = destination != NULL;
        if (destination)
            open->story.destination = *destination;
        open->story.first = PTIME_MAX;
        open->story.last = now;
        map_put(&stories->map, &key, size, open);
    }
    link_newest(stories, open);
    return open;
}

struct open_story *stories_find(const struct stories *stories, const struct ip *host,
                                const struct destination *destination)
{
    struct story_key key;
    size_t size = make_key(host, destination, &key);
    return map_get(&stories->map, &key, size);
}

/* By its key, whichever side opened it, and its start. */
static bool same_flow(const struct alert_flow *flow, const struct record_flow *record)
{
    if (flow->start.ns != record->start_ns)
        return false;
    struct flow_key a = flow_key_unordered(&flow->key), b = flow_key_unordered(&record->key);
    return memcmp(&a, &b, sizeof a) == 0;
}

/* The sixteen largest flows, largest first. */
static void keep_flow(struct story *story, const struct record_flow *record, bool outbound,
                      uint64_t out_bytes)
{
    size_t at = 0;
    while (at < story->flow_count && !same_flow(&story->flow[at], record))
        at++;
    if (at == ALERT_FLOWS) {
        at--;
        if (story->flow[at].out_bytes >= out_bytes)
            return;
    }
    if (at == story->flow_count)
        story->flow_count++;
    struct alert_flow flow = {
        record->key, {record->start_ns}, out_bytes, (enum service)record->service, outbound};
    for (; at > 0 && story->flow[at - 1].out_bytes < out_bytes; at--)
        story->flow[at] = story->flow[at - 1];
    story->flow[at] = flow;
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
static uint64_t sent_outwards(const struct story *story, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    uint64_t sent = 0;
    if (!(record->flags & FLOW_TUNNEL_MOVED)) {
        for (int side = 0; side < SIDES; side++)
            sent += (view->way.leaves & (1u << side)) ? record->total[side].payload_bytes : 0;
        return sent;
    }
    for (size_t i = 0; i < story->flow_count; i++)
        sent += same_flow(&story->flow[i], record) ? story->flow[i].out_bytes : 0;
    return sent + view->out.value;
}

static bool first_of_flow(const struct record_flow *record)
{
    return record->fresh[SIDE_ORIG].packets + record->fresh[SIDE_RESP].packets ==
           (int64_t)(record->total[SIDE_ORIG].packets + record->total[SIDE_RESP].packets);
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
    struct claimed_client client = {.ip = claim->ip, .by = claim->by};
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
static void count_flow(struct story *story, const struct flow_view *view)
{
    bool inside = view->scope == SCOPE_OUT, first = first_of_flow(view->record);
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

static void keep_text(const char *from, char to[STORY_TEXT_SIZE])
{
    size_t size = strnlen(from, STORY_TEXT_SIZE - 1);
    memcpy(to, from, size);
    to[size] = '\0';
}

void story_add(struct open_story *open, const struct flow_view *view)
{
    struct story *story = &open->story;
    const struct record_flow *record = view->record;
    if (record->fresh_since_ns < story->first.ns)
        story->first.ns = record->fresh_since_ns;
    if (record->last_ns > story->last.ns)
        story->last.ns = record->last_ns;
    volume_add(&story->out, view->out);
    story->in_bytes += view->in_bytes;
    for (int side = 0; side < SIDES; side++) {
        bool leaves = view->way.leaves & (1u << side);
        *(leaves ? &story->out_packets : &story->in_packets) +=
            (uint64_t)record->fresh[side].packets;
    }
    volume_add(&story->service_out[record->service], view->out);
    story->unverified_out += view->name_unverified ? view->out.value : 0;
    if (record->flags & FLOW_CERTIFICATE_OTHER)
        story->other_certificate_out += view->out.value;
    count_flow(story, view);
    keep_client(story, &record->client, view->out.value, first_of_flow(record));
    keep_flow(story, record, view->scope == SCOPE_OUT, sent_outwards(story, view));
    if (same_flow(&story->flow[0], record)) {
        story->source = view->way.host;
        story->remote = view->way.remote;
        story->remote_port = view->way.remote_port;
        story->by_tunnel = view->way.by_tunnel;
        keep_text(view->text[TEXT_JA4], story->ja4);
        keep_text(view->text[TEXT_APPLICATION], story->application);
        story->tunnel = view->tunnel[view->tunnel[SIDE_ORIG].count > 0 ? SIDE_ORIG : SIDE_RESP];
    }
    if (ip_is_device(&story->host))
        keep_address(story, &view->way.host);
    if (*view->text[TEXT_SERVER_NAME])
        memcpy(story->server_name, view->text[TEXT_SERVER_NAME], sizeof story->server_name);
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

void stories_advance(struct stories *stories, struct ptime now,
                     bool (*keep)(void *context, const struct story *story), void *context)
{
    struct open_story *open = stories->oldest;
    while (open && now.ns - open->story.last.ns > STORY_GAP_NS) {
        struct open_story *newer = open->newer;
        if (!open->told || !keep(context, &open->story))
            forget(stories, open);
        open = newer;
    }
}

/* --- packed ---------------------------------------------------------------------------------- */

/* As it is in memory, but for the flows that are not there. */
static void put_story(struct buffer *out, const struct open_story *open)
{
    struct open_story copy = *open;
    const uint8_t *bytes = (const uint8_t *)&copy;
    size_t flows = offsetof(struct open_story, story.flow);
    size_t rest = flows + sizeof copy.story.flow;
    copy.newer = copy.older = NULL;
    copy.counter = (struct counter){{NULL}};
    buffer_le32(out, (uint32_t)open->story.flow_count);
    buffer_put(out, bytes, flows + open->story.flow_count * sizeof *copy.story.flow);
    buffer_put(out, bytes + rest, sizeof copy - rest);
    counter_pack(&open->counter, out);
}

void stories_pack(const struct stories *stories, struct buffer *out)
{
    buffer_le64(out, stories->evicted);
    buffer_le64(out, stories->budget.shortened);
    buffer_le64(out, stories->map.count);
    for (const struct open_story *open = stories->oldest; open; open = open->newer)
        put_story(out, open);
}

static bool fill_story(struct stories *stories, struct cursor *in, struct open_story *open)
{
    uint8_t *bytes = (uint8_t *)open;
    size_t flows = offsetof(struct open_story, story.flow);
    size_t rest = flows + sizeof open->story.flow;
    uint32_t count = cursor_le32(in);
    if (count > ALERT_FLOWS)
        return false;
    flows += count * sizeof *open->story.flow;
    const uint8_t *first = cursor_take(in, flows), *second = cursor_take(in, sizeof *open - rest);
    if (!first || !second)
        return false;
    memcpy(bytes, first, flows);
    memcpy(bytes + rest, second, sizeof *open - rest);
    open->newer = open->older = NULL;
    open->counter = (struct counter){{NULL}};
    return counter_unpack(&open->counter, &stories->budget, in) &&
           open->story.flow_count == count && open->story.counted.label_count <= COUNTED_LABELS &&
           open->story.counted.sample_count <= COUNTED_SAMPLES;
}

static bool take_story(struct stories *stories, struct cursor *in)
{
    struct story_key key;
    struct open_story *open = make_story(stories);
    if (!fill_story(stories, in, open)) {
        free_story(stories, open);
        return false;
    }
    const struct story *story = &open->story;
    size_t size = make_key(&story->host, story->has_destination ? &story->destination : NULL, &key);
    if (map_get(&stories->map, &key, size)) {
        free_story(stories, open);
        return false;
    }
    map_put(&stories->map, &key, size, open);
    link_newest(stories, open);
    return true;
}

bool stories_unpack(struct stories *stories, struct cursor *in)
{
    stories->evicted = cursor_le64(in);
    stories->budget.shortened = cursor_le64(in);
    uint64_t count = cursor_le64(in);
    if (count > STORIES_MAX)
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (!take_story(stories, in))
            return false;
    return !in->failed;
}
