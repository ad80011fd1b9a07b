/* Sums by host, destination and prefix, and the ranking. What does not fit is counted in
 * `overflow`, and the summary says so. Thread: the engine's. */
#include "weir/investigate/hosts.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define RANK_MIN_BYTES (64u << 10)

struct hosts *hosts_new(void)
{
    struct hosts *hosts = xcalloc(1, sizeof *hosts);
    map_init_borrowing(&hosts->map);
    map_init_borrowing(&hosts->hidden);
    map_init_borrowing(&hosts->outside);
    map_init_borrowing(&hosts->content);
    hosts->budget.limit_bytes = HOSTS_ITEMS_BYTES;
    return hosts;
}

static void free_host(void *value)
{
    struct host_sum *host = value;
    map_fini(&host->destinations, free);
    free(host);
}

static void free_content(void *value)
{
    struct host_content *content = value;
    counter_fini(&content->counter);
    free(content);
}

void hosts_free(struct hosts *hosts)
{
    if (!hosts)
        return;
    map_fini(&hosts->map, free_host);
    map_fini(&hosts->hidden, free);
    map_fini(&hosts->outside, free);
    map_fini(&hosts->content, free_content);
    free(hosts->found);
    free(hosts->numbered);
    free(hosts);
}

/* The entry of `key`, made (zeroed) when there is room for it; NULL when there is none. Its key
 * lies behind it, with a zero at its end, and the map borrows that. */
static void *get_or_make(struct map *map, const void *key, size_t key_size, size_t value_size,
                         size_t most)
{
    void *value = map_get(map, key, key_size);
    if (value || map->count >= most)
        return value;
    value = xcalloc(1, value_size + key_size + 1);
    map_put(map, memcpy((char *)value + value_size, key, key_size), key_size, value);
    return value;
}

static bool is_loopback(const struct ip *ip)
{
    static const struct ip one = {.byte = {[15] = 1}};
    return ip_is_v4(ip) ? ip->byte[12] == 127 : ip_compare(ip, &one) == 0;
}

/* By both ends' prefixes, once where they share one. What never leaves its host is no network. */
static void add_outside(struct hosts *hosts, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    int64_t bytes = record->fresh[0].payload_bytes + record->fresh[1].payload_bytes;
    struct prefix ends[2] = {prefix_of(&record->key.orig_ip, 16, 32),
                             prefix_of(&record->key.resp_ip, 16, 32)};
    size_t count = memcmp(&ends[0], &ends[1], sizeof *ends) == 0 ? 1 : 2;
    for (size_t i = 0; i < count && !is_loopback(&record->key.orig_ip); i++) {
        uint64_t *sum =
            get_or_make(&hosts->outside, &ends[i], sizeof *ends, sizeof *sum, PREFIXES_MAX);
        if (sum)
            *sum += bytes > 0 ? (uint64_t)bytes : 0;
        else
            hosts->overflow++;
    }
}

/* Of a place that nothing was sent to, as a scan has them by the thousand, there is nothing to
 * rank.
 */
static void add_destination(struct hosts *hosts, struct pair_sums *sums,
                            const struct flow_view *view)
{
    char key[DESTINATION_KEY_SIZE];
    if (view->out.value == 0 && view->out.low == 0 && view->out.high == 0)
        return;
    if (!sums->destination)
        sums->destination =
            get_or_make(&sums->host->destinations, key, destination_put_key(view->destination, key),
                        sizeof *sums->destination, HOSTS_DESTINATIONS);
    if (sums->destination)
        volume_add(&sums->destination->out, view->out);
    else
        hosts->overflow++;
}

/* Never seen sending, but acknowledged by its peers. */
static void add_hidden(struct hosts *hosts, const struct flow_view *view)
{
    uint64_t missing = view->out.high - view->out.value;
    if (!(view->record->flags & FLOW_ONE_SIDED) || view->out.value > 0 || view->out.high == 0)
        return;
    uint64_t *sum =
        get_or_make(&hosts->hidden, view->host, sizeof *view->host, sizeof *sum, HOSTS_MAX);
    if (sum)
        *sum += missing;
    else
        hosts->overflow++;
}

/* Where what its pair adds up to was found last, or is put; `none`: of a pair without a number. */
static struct pair_sums *sums_of(struct hosts *hosts, const struct flow_view *view,
                                 struct pair_sums *none)
{
    *none = (struct pair_sums){.pair = 0};
    if (view->pair == 0)
        return none;
    if (!hosts->found)
        hosts->found = xcalloc(HOSTS_FOUND, sizeof *hosts->found);
    struct pair_sums *found = &hosts->found[view->pair % HOSTS_FOUND];
    if (found->pair != view->pair)
        *found = (struct pair_sums){.pair = view->pair};
    return found;
}

/* Where what the host of this number adds up to is kept; numbers come one by one, so the room is
 * about as many as there are hosts. */
static struct host_sum **numbered_place(struct hosts *hosts, uint32_t number)
{
    size_t room = hosts->numbered_room;
    if (number >= room) {
        hosts->numbered_room = 2 * (size_t)number + 64;
        hosts->numbered =
            xrealloc(hosts->numbered, hosts->numbered_room * sizeof(struct host_sum *));
        memset(hosts->numbered + room, 0,
               (hosts->numbered_room - room) * sizeof(struct host_sum *));
    }
    return &hosts->numbered[number];
}

static struct host_sum *find_host(struct hosts *hosts, const struct ip *ip)
{
    struct host_sum *host = get_or_make(&hosts->map, ip, sizeof *ip, sizeof *host, HOSTS_MAX);
    if (!host)
        return NULL;
    host->host = *ip;
    host->destinations.borrows = true;
    return host;
}

/* NULL: there is no room for it. */
static struct host_sum *host_of(struct hosts *hosts, const struct flow_view *view)
{
    if (view->host_number == 0)
        return find_host(hosts, view->host);
    struct host_sum **place = numbered_place(hosts, view->host_number);
    if (!*place)
        *place = find_host(hosts, view->host);
    return *place;
}

void hosts_add_flow(struct hosts *hosts, const struct flow_view *view)
{
    if (view->scope == SCOPE_TRANSIT)
        add_outside(hosts, view);
    if (!view->host)
        return;
    volume_add(&hosts->out, view->out);
    volume_add(&hosts->service_out[view->record->service], view->out);
    if (!view->accepted) {
        add_hidden(hosts, view);
        return; /* spoofed sources must not fill the ranking */
    }
    struct pair_sums none, *sums = sums_of(hosts, view, &none);
    if (!sums->host)
        sums->host = host_of(hosts, view);
    struct host_sum *host = sums->host;
    if (!host) {
        hosts->overflow++;
        return;
    }
    volume_add(&host->out, view->out);
    host->in_bytes += view->in_bytes;
    volume_add(&host->service_out[view->record->service], view->out);
    host->flows += view->record->end != FLOW_OPEN;
    hosts_add_lasting(hosts, view);
    add_destination(hosts, sums, view);
}

void hosts_add_content(struct hosts *hosts, const struct ip *host,
                       const struct record_content *record)
{
    struct host_content *content =
        get_or_make(&hosts->content, host, sizeof *host, sizeof *content, HOSTS_MAX);
    if (!content) {
        hosts->overflow++;
        return;
    }
    counter_add(&content->counter, &hosts->budget, &content->counted, record);
    content->gaps |= record->gap_bytes > 0;
}

const struct host_content *hosts_content_of(const struct hosts *hosts, const struct ip *host)
{
    return map_get(&hosts->content, host, sizeof *host);
}

const char *destination_sum_name(const struct destination_sum *sum)
{
    return strchr(strchr(sum->key, '|') + 1, '|') + 1;
}

/* --- ranking --------------------------------------------------------------------------------- */

/* destination key → how many hosts sent to it. */
static void count_users(const struct hosts *hosts, struct map *users)
{
    size_t at = 0;
    for (const struct map_entry *h; (h = map_next(&hosts->map, &at)) != NULL;) {
        const struct host_sum *host = h->value;
        size_t to = 0;
        for (const struct map_entry *d; (d = map_next(&host->destinations, &to)) != NULL;) {
            const struct destination_sum *sum = d->value;
            uint32_t *count = get_or_make(users, d->key, d->key_size, sizeof *count, SIZE_MAX);
            *count += sum->out.value > 0;
        }
    }
}

static struct ranked weigh(const struct host_sum *host, const struct map *users)
{
    struct ranked ranked = {.host = host};
    const struct map_entry **sorted = map_sorted(&host->destinations);
    double heaviest = 0;
    for (size_t i = 0; i < host->destinations.count; i++) {
        const struct destination_sum *sum = sorted[i]->value;
        const uint32_t *count = map_get(users, sorted[i]->key, sorted[i]->key_size);
        uint32_t users_here = count ? *count : 0;
        double weight = users_here ? (double)sum->out.value / users_here : 0;
        ranked.weight += weight;
        if (weight > heaviest) {
            heaviest = weight;
            ranked.top = sum;
            ranked.top_hosts = users_here;
        }
    }
    free(sorted);
    double out = (double)host->out.value, in = (double)host->in_bytes;
    ranked.pcr = out + in > 0 ? (out - in) / (out + in) : 0;
    ranked.weight *= (1 + ranked.pcr) / 2;
    return ranked;
}

static int by_weight(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return ip_compare(&x->host->host, &y->host->host);
}

size_t hosts_rank(const struct hosts *hosts, struct ranked *ranked, size_t room)
{
    struct map users;
    map_init_borrowing(&users);
    count_users(hosts, &users);
    struct ranked *all = xcalloc(hosts->map.count + 1, sizeof *all);
    size_t count = 0, at = 0;
    for (const struct map_entry *e; (e = map_next(&hosts->map, &at)) != NULL;) {
        const struct host_sum *host = e->value;
        if (host->out.value >= RANK_MIN_BYTES)
            all[count++] = weigh(host, &users);
    }
    qsort(all, count, sizeof *all, by_weight);
    count = count < room ? count : room;
    memcpy(ranked, all, count * sizeof *all);
    free(all);
    map_fini(&users, free);
    return count;
}

static int by_high(const void *a, const void *b)
{
    const struct hidden *x = a, *y = b;
    if (x->high != y->high)
        return x->high > y->high ? -1 : 1;
    return ip_compare(&x->host, &y->host);
}

size_t hosts_hidden(const struct hosts *hosts, struct hidden *hidden, size_t room)
{
    struct hidden *all = xcalloc(hosts->hidden.count + 1, sizeof *all);
    size_t count = 0, at = 0;
    for (const struct map_entry *e; (e = map_next(&hosts->hidden, &at)) != NULL;) {
        if (map_get(&hosts->map, e->key, e->key_size))
            continue; /* it was seen after all: its own figures have the rest */
        const uint64_t *high = e->value;
        memcpy(&all[count].host, e->key, sizeof all->host);
        all[count++].high = *high;
    }
    qsort(all, count, sizeof *all, by_high);
    count = count < room ? count : room;
    memcpy(hidden, all, count * sizeof *all);
    free(all);
    return count;
}

static int by_bytes(const void *a, const void *b)
{
    const struct prefix_sum *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return memcmp(&x->prefix, &y->prefix, sizeof x->prefix);
}

size_t hosts_outside(const struct hosts *hosts, struct prefix_sum *sum, size_t room)
{
    struct prefix_sum *all = xcalloc(hosts->outside.count + 1, sizeof *all);
    size_t count = 0, at = 0;
    for (const struct map_entry *e; (e = map_next(&hosts->outside, &at)) != NULL;) {
        const uint64_t *bytes = e->value;
        memcpy(&all[count].prefix, e->key, sizeof all->prefix);
        all[count++].bytes = *bytes;
    }
    qsort(all, count, sizeof *all, by_bytes);
    count = count < room ? count : room;
    memcpy(sum, all, count * sizeof *all);
    free(all);
    return count;
}
