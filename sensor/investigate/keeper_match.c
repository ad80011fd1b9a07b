/* Which held packets are whose. A packet is an incident's when its two addresses are a pair of it.
 * Pairs are learned from the flows that its alerts name by community id: that is computed only for
 * packets of an address that an alert mentions, once a flow.
 *
 * What is new of an incident is looked for in all that is held, from the oldest packet up to where
 * the reading stands: once to learn its pairs, once to take their packets. Then the reading goes
 * on, for all. A keeper that read nothing yet stands nowhere: it learns from all that is held, and
 * takes what is new as it goes on from the oldest packet. Bounds: KEPT_LINKS incidents a pair;
 * COMMUNITY flows whose ids are remembered. */
#include "keeper_local.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <stdlib.h>
#include <string.h>

#define COMMUNITY 65536u

/* What of an incident's packets that are held was not looked at. */
enum news {
    NEWS_NONE,
    NEWS_SINCE, /* those from kept->next on: it was closed for a while */
    NEWS_ALL
};

struct links { /* the incidents of a pair, or of a flow's id */
    uint32_t count;
    struct {
        struct kept *kept;
        enum news news;
    } at[KEPT_LINKS];
};

struct scan {
    struct keeper *keeper;
    uint32_t worker;
    const struct held_place *place; /* that moves */
    bool learning,                  /* only pairs are looked for */
        again,                      /* only what is new is taken */
        begins;                     /* … too: nothing was read yet */
    uint64_t first;                 /* the number of the first packet; 0: none came */
};

void keeper_match_init(struct keeper_match *match)
{
    map_init(&match->pairs);
    map_init(&match->ids);
    map_init(&match->near);
    map_init(&match->community);
}

void keeper_match_fini(struct keeper_match *match)
{
    map_fini(&match->pairs, free);
    map_fini(&match->ids, free);
    map_fini(&match->near, NULL);
    map_fini(&match->community, free);
}

/* --- what is wanted ----------------------------------------------------------------------------
 */

static void link_to(struct map *map, const void *key, size_t size, struct kept *kept,
                    enum news news)
{
    struct links *links = map_get(map, key, size);
    if (!links) {
        links = xcalloc(1, sizeof *links);
        map_put(map, key, size, links);
    }
    for (uint32_t i = 0; i < links->count; i++)
        if (links->at[i].kept == kept)
            return;
    if (links->count == KEPT_LINKS) {
        kept->flows_beyond++;
        return;
    }
    links->at[links->count].kept = kept;
    links->at[links->count++].news = news;
}

static void add_kept(struct keeper_match *match, struct kept *kept)
{
    for (size_t i = 0; i < kept->near_count; i++)
        map_put(&match->near, &kept->near[i], sizeof kept->near[i], kept);
    for (size_t i = 0; i < kept->flow_ids; i++)
        link_to(&match->ids, kept->id_of_flow[i], strlen(kept->id_of_flow[i]), kept, NEWS_NONE);
    for (size_t i = 0; i < kept->pairs; i++)
        link_to(&match->pairs, &kept->pair[i], sizeof kept->pair[i], kept,
                i >= kept->pairs_old ? NEWS_ALL
                : kept->reopened     ? NEWS_SINCE
                                     : NEWS_NONE);
}

void keeper_match_build(struct keeper *keeper)
{
    struct keeper_match *match = &keeper->match;
    keeper_match_fini(match);
    keeper_match_init(match);
    for (size_t i = 0; i < keeper->count; i++)
        if (keeper->kept[i]->open && !keeper->kept[i]->leaving)
            add_kept(match, keeper->kept[i]);
    keeper->match_stale = false;
}

/* --- a packet ----------------------------------------------------------------------------------
 */

static struct kept_pair pair_of(const struct flow_key *key)
{
    bool turned = ip_compare(&key->orig_ip, &key->resp_ip) > 0;
    return turned ? (struct kept_pair){key->resp_ip, key->orig_ip}
                  : (struct kept_pair){key->orig_ip, key->resp_ip};
}

static const char *community_of(struct keeper_match *match, const struct flow_key *key)
{
    struct flow_key one = flow_key_unordered(key);
    char *text = map_get(&match->community, &one, sizeof one);
    if (text)
        return text;
    if (match->community.count >= COMMUNITY) {
        map_fini(&match->community, free);
        map_init(&match->community);
    }
    text = xcalloc(1, FLOW_ID_SIZE);
    flow_key_community_id(&one, text);
    map_put(&match->community, &one, sizeof one, text);
    return text;
}

static bool has_link(const struct links *links, const struct kept *kept)
{
    for (uint32_t i = 0; links && i < links->count; i++)
        if (links->at[i].kept == kept)
            return true;
    return false;
}

static void add_pair(struct keeper_match *match, struct kept *kept, const struct kept_pair *pair,
                     enum news news)
{
    if (kept->pairs == KEEPER_PAIRS) {
        kept->flows_beyond++;
        return;
    }
    kept->pair = xrealloc(kept->pair, (kept->pairs + 1) * sizeof *kept->pair);
    kept->pair[kept->pairs++] = *pair;
    kept->dirty = true;
    link_to(&match->pairs, pair, sizeof *pair, kept, news);
}

/* A flow that an alert named: from now on its pair is the incident's. */
static void learn(const struct scan *scan, const struct kept_pair *pair, const struct flow_key *key)
{
    struct keeper_match *match = &scan->keeper->match;
    if (!map_get(&match->near, &pair->a, sizeof pair->a) &&
        !map_get(&match->near, &pair->b, sizeof pair->b))
        return;
    const char *id = community_of(match, key);
    const struct links *links = map_get(&match->ids, id, strlen(id));
    for (uint32_t i = 0; links && i < links->count; i++)
        if (!has_link(map_get(&match->pairs, pair, sizeof *pair), links->at[i].kept))
            add_pair(match, links->at[i].kept, pair, scan->learning ? NEWS_ALL : NEWS_NONE);
}

static bool is_wanted(const struct scan *scan, const struct kept *kept, enum news news)
{
    bool on = scan->place->number >= kept->next[scan->worker];
    if (scan->again)
        return news == NEWS_ALL || (news == NEWS_SINCE && on);
    return on || (scan->begins && news == NEWS_ALL);
}

static void on_packet(void *context, const struct held_packet *packet)
{
    struct scan *scan = context;
    struct kept_pair pair = pair_of(&packet->key);
    if (scan->first == 0)
        scan->first = scan->place->number;
    learn(scan, &pair, &packet->key);
    if (scan->learning)
        return;
    const struct links *links = map_get(&scan->keeper->match.pairs, &pair, sizeof pair);
    for (uint32_t i = 0; links && i < links->count; i++) {
        struct kept *kept = links->at[i].kept;
        if (is_wanted(scan, kept, links->at[i].news))
            kept_packet(scan->keeper, kept, packet);
    }
}

/* --- all of it ---------------------------------------------------------------------------------
 */

static bool begins(const struct keeper *keeper, uint32_t worker)
{
    return keeper->place[worker].generation == 0;
}

/* What was overwritten before it was looked at for one whose place is before that of the reading.
 */
static void count_gone(const struct scan *scan)
{
    uint64_t first = scan->first ? scan->first : scan->keeper->place[scan->worker].number;
    for (size_t i = 0; i < scan->keeper->count; i++) {
        struct kept *kept = scan->keeper->kept[i];
        uint64_t next = kept->next[scan->worker];
        if (kept->open && (scan->begins || kept->reopened) && next > 0 && first > next)
            kept->missed += first - next;
    }
}

/* From the oldest packet to where the reading stands. */
static void look_back(struct keeper *keeper, uint32_t worker, bool learning)
{
    struct held_place place = {0, 0, 0}, until = keeper->place[worker];
    struct held_loss ignored = {0, 0}; /* what is gone is said by held_from */
    struct scan scan = {keeper, worker, &place, learning, !learning, false, 0};
    evidence_reader_each(keeper->reader[worker], &place, begins(keeper, worker) ? NULL : &until,
                         on_packet, &scan, &ignored);
    if (!learning)
        count_gone(&scan);
}

static void note_held(struct keeper *keeper, struct kept *kept)
{
    struct ptime latest = PTIME_MIN;
    for (uint32_t i = 0; i < keeper->config.workers; i++) {
        if (!keeper->reader[i])
            continue;
        struct ptime oldest = evidence_reader_oldest(keeper->reader[i]);
        if (oldest.ns != PTIME_MAX.ns && oldest.ns > latest.ns)
            latest = oldest;
    }
    kept->held_from = latest;
    if (latest.ns > kept->first.ns)
        log_warn("evidence of incident %s: what is held begins after it did: its first packets are "
                 "gone (evidence.mib)",
                 kept->id);
}

/* Something is new: an incident, or a flow of one. */
static bool find_fresh(struct keeper *keeper)
{
    bool fresh = false;
    for (size_t i = 0; i < keeper->count; i++) {
        struct kept *kept = keeper->kept[i];
        if (!kept->open || kept->leaving ||
            (kept->flow_ids_old == kept->flow_ids && !kept->reopened))
            continue;
        fresh = true;
        if (kept->flow_ids_old == 0)
            note_held(keeper, kept);
    }
    return fresh;
}

static bool any_open(const struct keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++)
        if (keeper->kept[i]->open && !keeper->kept[i]->leaving)
            return true;
    return false;
}

static void settle(struct keeper *keeper, uint32_t worker, uint64_t missed)
{
    keeper->counts.missed += missed;
    for (size_t i = 0; i < keeper->count; i++) {
        struct kept *kept = keeper->kept[i];
        if (!kept->open || kept->next[worker] == keeper->place[worker].number)
            continue;
        kept->missed += missed;
        kept->next[worker] = keeper->place[worker].number;
        kept->dirty = true;
    }
}

static void go_on(struct keeper *keeper, uint32_t worker)
{
    struct held_loss loss = {0, 0};
    struct scan scan = {
        keeper, worker, &keeper->place[worker], false, false, begins(keeper, worker), 0};
    evidence_reader_each(keeper->reader[worker], &keeper->place[worker], NULL, on_packet, &scan,
                         &loss);
    if (scan.begins)
        count_gone(&scan);
    keeper->counts.damaged += loss.damaged;
    settle(keeper, worker, loss.overwritten);
}

static void each_ring(struct keeper *keeper, void (*run)(struct keeper *keeper, uint32_t worker))
{
    for (uint32_t i = 0; i < keeper->config.workers; i++)
        if (keeper->reader[i])
            run(keeper, i);
}

static void learn_back(struct keeper *keeper, uint32_t worker)
{
    look_back(keeper, worker, true);
}

static void take_back(struct keeper *keeper, uint32_t worker)
{
    if (!begins(keeper, worker)) /* else taken as the reading goes on: once */
        look_back(keeper, worker, false);
}

static void skip(struct keeper *keeper, uint32_t worker)
{
    keeper->place[worker] = evidence_reader_end(keeper->reader[worker]);
}

void keeper_scan(struct keeper *keeper)
{
    if (!any_open(keeper)) {
        each_ring(keeper, skip);
        return;
    }
    if (keeper->match_stale)
        keeper_match_build(keeper);
    if (find_fresh(keeper)) {
        each_ring(keeper, learn_back);
        each_ring(keeper, take_back);
    }
    for (size_t i = 0; i < keeper->count; i++) {
        struct kept *kept = keeper->kept[i];
        keeper->match_stale |= kept->flow_ids_old != kept->flow_ids || kept->reopened;
        kept->flow_ids_old = kept->flow_ids;
        kept->pairs_old = kept->pairs;
    }
    each_ring(keeper, go_on);
    for (size_t i = 0; i < keeper->count; i++) {
        keeper->kept[i]->pairs_old = keeper->kept[i]->pairs;
        keeper->kept[i]->reopened = false;
    }
}
