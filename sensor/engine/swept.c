/* Distinct things asked for, of a server, a client network and a site day.
 *
 *   content record → new of this day? → the pair's count → the server's largest counts
 *   flow record behind it → judged; and when another network became a measure, the network that is
 *   largest is judged again while its story is open: a sweep may come before the others
 *
 * A network that was told is taken out of the server's largest counts, so that one thief does not
 * set the measure for the next. Everything depends on the order of records alone. What is forgotten
 * counts anew: past SWEPT_ITEMS other items since it was met, the same item of a day counts twice.
 * Thread: the engine's. */
#include "internal.h"

#include <string.h>

_Static_assert(sizeof(struct swept_server) <= RECENT_VALUE_MAX, "a value of recent keys");

static const enum swept_kind kind_of_class[] = {
    [CONTENT_ACCOUNT - CONTENT_CLASSES] = SWEPT_ACCOUNTS,
    [CONTENT_REFUSED - CONTENT_CLASSES] = SWEPT_REFUSED,
    [CONTENT_PROJECT - CONTENT_CLASSES] = SWEPT_PROJECTS,
};

void swept_init(struct swept *swept)
{
    recent_keys_init(&swept->items, SWEPT_ITEMS, 1);
    recent_keys_init(&swept->pairs, SWEPT_PAIRS, sizeof(struct swept_pair));
    recent_keys_init(&swept->servers, SWEPT_SERVERS, sizeof(struct swept_server));
}

void swept_fini(struct swept *swept)
{
    recent_keys_fini(&swept->items);
    recent_keys_fini(&swept->pairs);
    recent_keys_fini(&swept->servers);
}

void swept_pack(const struct swept *swept, struct buffer *out)
{
    recent_keys_pack(&swept->items, out);
    recent_keys_pack(&swept->pairs, out);
    recent_keys_pack(&swept->servers, out);
}

bool swept_unpack(struct swept *swept, struct cursor *in)
{
    return recent_keys_unpack(&swept->items, in) && recent_keys_unpack(&swept->pairs, in) &&
           recent_keys_unpack(&swept->servers, in);
}

uint64_t swept_forgotten(const struct swept *swept)
{
    return swept->items.forgotten + swept->pairs.forgotten + swept->servers.forgotten;
}

/* --- keys ------------------------------------------------------------------------------------ */

static const struct hash_key *key_of(const struct engine *engine)
{
    return &engine->tunnelled.questions.key;
}

/* As a served destination is known by. */
static struct ip network_of(const struct ip *remote)
{
    return prefix_of(remote, 24, 48).ip;
}

static uint64_t pair_hash(const struct engine *engine, const struct ip *host,
                          const struct ip *network)
{
    struct ip ends[] = {*host, *network};
    return hash64_keyed(key_of(engine), ends, sizeof ends);
}

static uint64_t server_hash(const struct engine *engine, const struct ip *host)
{
    return hash64_keyed(key_of(engine), host, sizeof *host);
}

static int64_t day_of(struct engine *engine, int64_t time_ns)
{
    return calendar_at(engine->config.calendar, (struct ptime){time_ns}).day;
}

/* --- the largest of a server ------------------------------------------------------------------ */

static void remove_large(struct swept_large *large, const struct ip *network)
{
    size_t kept = 0;
    for (size_t i = 0; i < SWEPT_LARGEST; i++)
        if (large[i].count > 0 && ip_compare(&large[i].network, network) != 0)
            large[kept++] = large[i];
    memset(large + kept, 0, (SWEPT_LARGEST - kept) * sizeof *large);
}

static void forget_old(struct swept_large *large, int64_t day)
{
    size_t kept = 0;
    for (size_t i = 0; i < SWEPT_LARGEST; i++)
        if (large[i].count > 0 && day - large[i].day <= SWEPT_KEPT_DAYS)
            large[kept++] = large[i];
    memset(large + kept, 0, (SWEPT_LARGEST - kept) * sizeof *large);
}

/* In its place; behind those of its size, so that the order of records decides. A smaller count
 * than is kept of this network changes nothing. */
static void put_large(struct swept_large *large, const struct swept_large *new)
{
    size_t at = 0;
    for (size_t i = 0; i < SWEPT_LARGEST; i++)
        if (large[i].count > new->count && ip_compare(&large[i].network, &new->network) == 0)
            return;
    remove_large(large, &new->network);
    while (at < SWEPT_LARGEST && large[at].count >= new->count)
        at++;
    if (at == SWEPT_LARGEST)
        return;
    memmove(large + at + 1, large + at, (SWEPT_LARGEST - at - 1) * sizeof *large);
    large[at] = *new;
}

static uint32_t other_most(const struct swept_large *large, const struct ip *network)
{
    for (size_t i = 0; i < SWEPT_LARGEST; i++)
        if (large[i].count > 0 && ip_compare(&large[i].network, network) != 0)
            return large[i].count;
    return 0;
}

/* --- counting -------------------------------------------------------------------------------- */

static void begin_day(struct swept_pair *pair, int64_t day)
{
    if (pair->day == day)
        return;
    for (int kind = 0; kind < SWEPT_COMPARED; kind++)
        if (pair->today[kind] > pair->own_most[kind])
            pair->own_most[kind] = pair->today[kind];
    memset(pair->today, 0, sizeof pair->today);
    pair->day = day;
}

/* True when this pair did not ask for it before today. */
static bool is_new(struct engine *engine, uint64_t pair, int64_t day, uint64_t item)
{
    struct {
        uint64_t pair, item;
        int64_t day;
    } key = {pair, item, day};
    uint8_t *met =
        recent_keys_put(&engine->swept.items, hash64_keyed(key_of(engine), &key, sizeof key));
    bool new = *met == 0;
    *met = 1;
    return new;
}

static void add_items(struct engine *engine, uint64_t hash, struct swept_pair *pair,
                      enum swept_kind kind, const struct record_content *record)
{
    for (size_t i = 0; i < record->hash_count && pair->today[kind] < SWEPT_MOST; i++)
        if (is_new(engine, hash, pair->day, record->hash[i])) {
            pair->today[kind]++;
            pair->changed = true;
        }
}

void swept_add(struct engine *engine, const struct ip *host, const struct ip *remote,
               const struct record_content *record)
{
    enum swept_kind kind = kind_of_class[record->class - CONTENT_CLASSES];
    struct ip network = network_of(remote);
    uint64_t hash = pair_hash(engine, host, &network);
    struct swept_pair *pair = recent_keys_put(&engine->swept.pairs, hash);
    int64_t day = day_of(engine, record->header.time_ns);
    if (day < pair->day) /* a record from before midnight, behind one from after it */
        day = pair->day;
    begin_day(pair, day);
    add_items(engine, hash, pair, kind, record);
    if (kind >= SWEPT_COMPARED || pair->today[kind] == 0)
        return;
    struct swept_server *server =
        recent_keys_put(&engine->swept.servers, server_hash(engine, host));
    if (server->networks[kind] == 0) /* a new one, or one that was forgotten */
        pair->met[kind] = false;
    server->networks[kind] += !pair->met[kind];
    pair->met[kind] = true;
    if (!pair->told)
        put_large(
            server->large[kind],
            &(struct swept_large){.network = network, .day = day, .count = pair->today[kind]});
}

/* --- judging --------------------------------------------------------------------------------- */

/* A server may have been forgotten since the pair was counted there. */
static uint32_t others_of(const struct swept_server *server, const struct swept_pair *pair,
                          enum swept_kind kind)
{
    uint32_t own = pair->met[kind], all = server->networks[kind];
    return all > own ? all - own : 0;
}

static struct sweep_count count_of(const struct swept_server *server, const struct swept_pair *pair,
                                   const struct ip *network, enum swept_kind kind)
{
    return (struct sweep_count){.today = pair->today[kind],
                                .own_most = pair->own_most[kind],
                                .other_most = other_most(server->large[kind], network),
                                .others = others_of(server, pair, kind)};
}

static void judge_pair(struct engine *engine, const struct ip *host, const struct ip *network,
                       struct swept_server *server, struct ptime now)
{
    struct swept_pair *pair =
        recent_keys_get(&engine->swept.pairs, pair_hash(engine, host, network));
    struct destination destination = destination_of_prefix(ROLE_SERVED, network);
    struct open_story *open = stories_find(&engine->stories, host, &destination);
    /* What was counted just before midnight is judged by the flow's record behind it. */
    if (!pair || !open || day_of(engine, now.ns) - pair->day > 1)
        return;
    struct sweep sweep = {.accounts = count_of(server, pair, network, SWEPT_ACCOUNTS),
                          .projects = count_of(server, pair, network, SWEPT_PROJECTS),
                          .refused = pair->today[SWEPT_REFUSED]};
    struct host *known = hosts_get(engine, host);
    hosts_turn(engine, known);
    struct subject subject = {.kind = SUBJECT_SWEEP,
                              .config = &engine->config.detect,
                              .civil = calendar_at(engine->config.calendar, now),
                              .destination = &destination,
                              .fleet = engine->fleet,
                              .state = known && known->ready ? BASELINE_READY : BASELINE_LEARNING,
                              .sweep = &sweep};
    struct finding finding[JUDGE_FINDINGS];
    size_t count = judge(&subject, finding);
    if (count == 0)
        return;
    /* What an exception holds back is no measure of the others either. */
    account_tell(engine, open, finding, count, subject.state, known ? known->hours : 0, now);
    pair->told = true;
    for (int kind = 0; kind < SWEPT_COMPARED; kind++)
        remove_large(server->large[kind], network);
}

/* Whoever leads in something, when this one has counted more: it may be the one that was missing to
 * make a measure of the others. */
static void judge_largest(struct engine *engine, const struct ip *host, const struct ip *network,
                          struct swept_server *server, struct ptime now)
{
    for (int kind = 0; kind < SWEPT_COMPARED; kind++) {
        struct ip largest = server->large[kind][0].network;
        if (server->large[kind][0].count > 0 && ip_compare(&largest, network) != 0)
            judge_pair(engine, host, &largest, server, now);
    }
}

void swept_flow(struct engine *engine, const struct flow_view *view)
{
    if (!view->accepted || view->way.scope != SCOPE_IN)
        return;
    struct ip network = network_of(&view->way.remote);
    struct ptime now = {view->record->header.time_ns};
    struct swept_pair *pair =
        recent_keys_get(&engine->swept.pairs, pair_hash(engine, view->host, &network));
    struct swept_server *server =
        pair && pair->changed
            ? recent_keys_get(&engine->swept.servers, server_hash(engine, view->host))
            : NULL;
    if (!server)
        return;
    pair->changed = false;
    for (int kind = 0; kind < SWEPT_COMPARED; kind++)
        forget_old(server->large[kind], pair->day);
    judge_pair(engine, view->host, &network, server, now);
    judge_largest(engine, view->host, &network, server, now);
}
