/* Open hours: a map of (host, hour) → total, each with a map of its pairs. Few hours are open at a
 * time (the watermark closes them two minutes after their end), so the bound of hosts an hour is
 * held with a short list of hours, each with how many hosts met a destination (a number for each of
 * the hour's pairs at most, let go with the hour's last host). Engine thread. */
#include "weir/baseline/totals.h"

#include "weir/base/buffer.h"
#include "weir/base/poison.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define PAIR_FIGURES offsetof(struct pair_total, destination.name)
#define PAIR_SHORT   64u   /* bytes of a name and its key, with their ends: nearly all */
#define PAIRS_SPARE  8192u /* kept of those that have gone; 224 bytes each, with their starts */
#define HOSTS_SPARE  1024u /* likewise, with room for few pairs: another half */
#define PAIRS_FEW    16u   /* a map's first room */

struct hour_hosts {
    int64_t hour;
    uint32_t hosts, receivers; /* … that only received */
    bool passed;               /* there are others, of whom nothing is counted … */
    uint32_t hosts_passed;     /* … so many */
    struct map met;            /* client destination → how many of them, as a pointer */
};

struct totals {
    struct map map; /* struct total_key → struct host_total, which it lies in */
    uint32_t max_hosts;
    uint64_t pairs, most_pairs;
    uint64_t refused;
    struct hour_hosts *open;
    size_t open_count, open_room;
};

struct total_key { /* compared as bytes: no padding. A host_total begins with its own */
    struct ip host;
    int64_t hour;
};
_Static_assert(offsetof(struct host_total, host) == 0 &&
                   offsetof(struct host_total, hour) == offsetof(struct total_key, hour),
               "the map borrows it");

/* Behind the pair lies its key. An hour's pairs come and go by the thousand, which is what a heap
 * is worst at: those with short names are kept for the next, with room for few starts, and poisoned
 * but for the link and what holds that room. */
struct pair_block {
    struct pair_block *next;
    char rest[PAIR_FIGURES + PAIR_SHORT - sizeof(struct pair_block *)];
};

static _Thread_local struct {
    struct pair_block *first;
    size_t count;
    struct host_total *host[HOSTS_SPARE];
    size_t hosts;
} spare;

/* --- hosts ------------------------------------------------------------------------------------ */

/* All of a spare one but its map, which alone holds its room. */
static void each_side(struct host_total *total, void (*mark)(void *at, size_t bytes))
{
    mark(total, offsetof(struct host_total, pairs));
    mark(&total->out, sizeof *total - offsetof(struct host_total, out));
}

struct host_total *host_total_new(const struct ip *host, int64_t hour)
{
    struct host_total *total;
    if (spare.hosts > 0) {
        total = spare.host[--spare.hosts];
        each_side(total, unpoison);
    } else {
        total = xcalloc(1, sizeof *total);
    }
    total->host = *host;
    total->hour = hour;
    total->pairs.borrows = true;
    return total;
}

static void free_pair(void *value)
{
    pair_total_free(value);
}

/* The room of its pairs, while that is the least there is: a larger one would have the next host's
 * in another order. */
static struct map_entry *empty_room(struct map *pairs)
{
    size_t position = 0;
    if (!pairs->slot || pairs->mask + 1 > PAIRS_FEW) {
        map_fini(pairs, free_pair);
        return NULL;
    }
    for (const struct map_entry *e; (e = map_next(pairs, &position)) != NULL;)
        free_pair(e->value);
    return memset(pairs->slot, 0, (pairs->mask + 1) * sizeof *pairs->slot);
}

void host_total_free(struct host_total *total)
{
    if (!total)
        return;
    size_t mask = total->pairs.mask;
    struct map_entry *room = empty_room(&total->pairs);
    free(total->seen_by);
    tie_cut(&total->tie);
    if (spare.hosts == HOSTS_SPARE) {
        free(room);
        free(total);
        return;
    }
    *total = (struct host_total){.pairs = {.slot = room, .mask = room ? mask : 0}};
    spare.host[spare.hosts++] = total;
    each_side(total, poison);
}

/* --- pairs ------------------------------------------------------------------------------------ */

static char *key_behind(struct pair_total *pair)
{
    return (char *)pair + PAIR_FIGURES + pair->name_size + 1;
}

static void each_part(struct pair_block *block, void (*mark)(void *at, size_t bytes))
{
    const size_t kept = offsetof(struct pair_total, starts), behind = kept + sizeof(struct starts);
    mark(block->rest, kept - sizeof block->next);
    mark((char *)block + behind, sizeof *block - behind);
}

static struct pair_total *take_block(size_t text)
{
    struct pair_block *block = spare.first;
    if (text > PAIR_SHORT || !block)
        return xcalloc(1, PAIR_FIGURES + (text > PAIR_SHORT ? text : PAIR_SHORT));
    spare.first = block->next;
    spare.count--;
    each_part(block, unpoison);
    struct pair_total *pair = (struct pair_total *)(void *)block;
    struct starts room = pair->starts;
    memset(block, 0, sizeof *block);
    pair->starts = room;
    return pair;
}

static struct pair_total *new_pair(const struct destination *destination, const char *key,
                                   size_t size)
{
    size_t name = strnlen(destination->name, DESTINATION_NAME_SIZE - 1);
    struct pair_total *pair = take_block(name + 1 + size + 1);
    pair->name_size = (uint8_t)name;
    pair->destination.role = destination->role;
    pair->destination.kind = destination->kind;
    memcpy((char *)pair + PAIR_FIGURES, destination->name, name);
    memcpy(key_behind(pair), key, size); /* its end is a zero already */
    return pair;
}

struct pair_total *pair_total_new(const struct destination *destination)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = destination_put_key(destination, key);
    return new_pair(destination, key, size);
}

void pair_total_free(struct pair_total *pair)
{
    size_t text = pair->name_size + 1 + strlen(key_behind(pair)) + 1;
    bool is_kept = text <= PAIR_SHORT && spare.count < PAIRS_SPARE;
    tie_cut(&pair->tie);
    free(pair->seen_by);
    if (!is_kept) {
        starts_fini(&pair->starts);
        free(pair);
        return;
    }
    starts_clear(&pair->starts);
    struct pair_block *block = (struct pair_block *)(void *)pair;
    block->next = spare.first;
    spare.first = block;
    spare.count++;
    each_part(block, poison);
}

static void free_total(void *value)
{
    host_total_free(value);
}

struct totals *totals_new(uint32_t max_hosts)
{
    struct totals *totals = xcalloc(1, sizeof *totals);
    totals->max_hosts = max_hosts;
    totals->most_pairs = TOTALS_PAIRS_OPEN + (uint64_t)max_hosts * TOTALS_PAIRS_A_HOST;
    map_init_borrowing(&totals->map);
    return totals;
}

void totals_free(struct totals *totals)
{
    if (!totals)
        return;
    map_fini(&totals->map, free_total);
    for (size_t i = 0; i < totals->open_count; i++)
        map_fini(&totals->open[i].met, NULL);
    free(totals->open);
    free(totals);
}

static struct hour_hosts *hosts_of_hour(struct totals *totals, int64_t hour)
{
    for (size_t i = 0; i < totals->open_count; i++)
        if (totals->open[i].hour == hour)
            return &totals->open[i];
    if (totals->open_count == totals->open_room) {
        totals->open_room = totals->open_room ? 2 * totals->open_room : 4;
        totals->open = xrealloc(totals->open, totals->open_room * sizeof *totals->open);
    }
    totals->open[totals->open_count] = (struct hour_hosts){.hour = hour};
    map_init(&totals->open[totals->open_count].met);
    return &totals->open[totals->open_count++];
}

struct host_total *totals_get(const struct totals *totals, const struct ip *host, int64_t hour)
{
    struct total_key key = {*host, hour};
    return map_get(&totals->map, &key, sizeof key);
}

static bool is_much(const struct pair_total *pair)
{
    return pair->out.value >= TOTALS_MUCH && pair->destination.role == ROLE_CLIENT &&
           !destination_is_other(&pair->destination);
}

static void add_met(struct hour_hosts *open, const struct destination *destination)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = destination_put_key(destination, key);
    uintptr_t hosts = (uintptr_t)map_get(&open->met, key, size);
    map_put(&open->met, key, size, (void *)(hosts + 1)); // NOLINT(performance-no-int-to-ptr)
}

static void note_met(struct hour_hosts *open, const struct pair_total *pair)
{
    if (is_much(pair))
        add_met(open, &pair->destination);
}

bool totals_came_to_much(const struct pair_total *pair, struct volume last)
{
    return is_much(pair) && pair->out.value - last.value < TOTALS_MUCH;
}

uint32_t totals_hosts(const struct totals *totals, const struct destination *destination)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = destination_put_key(destination, key);
    uint32_t most = 0;
    for (size_t i = 0; i < totals->open_count; i++) {
        uint32_t hosts = (uint32_t)(uintptr_t)map_get(&totals->open[i].met, key, size);
        most = hosts > most ? hosts : most;
    }
    return most;
}

size_t totals_room(const struct host_total *total)
{
    return total->pairs.count + (total->inside_bytes > 0);
}

/* An hour that nobody is in is not open. */
static void forget_empty(struct totals *totals, struct hour_hosts *open)
{
    if (open->hosts > 0 || open->receivers > 0 || open->passed)
        return;
    map_fini(&open->met, NULL);
    *open = totals->open[--totals->open_count];
}

/* False: there is no room. */
static bool put(struct totals *totals, struct host_total *total)
{
    struct hour_hosts *open = hosts_of_hour(totals, total->hour);
    uint32_t *count = total->sends ? &open->hosts : &open->receivers;
    if (*count >= totals->max_hosts) {
        totals->refused += total->sends;
        forget_empty(totals, open);
        return false;
    }
    ++*count;
    total->totals = totals;
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&total->pairs, &position)) != NULL;)
        note_met(open, e->value);
    totals->pairs += totals_room(total);
    map_put(&totals->map, total, sizeof(struct total_key), total);
    return true;
}

bool totals_adopt(struct totals *totals, struct host_total *total)
{
    total->sends = total->pairs.count > 0;
    bool taken = !totals_get(totals, &total->host, total->hour) && put(totals, total);
    if (!taken)
        host_total_free(total);
    return taken;
}

/* It only received so far. False: there is no room for one more that sends. */
static bool begin_sending(struct totals *totals, struct host_total *total)
{
    struct hour_hosts *open = hosts_of_hour(totals, total->hour);
    if (open->hosts >= totals->max_hosts) {
        totals->refused++;
        return false;
    }
    open->receivers--;
    open->hosts++;
    total->sends = true;
    return true;
}

struct host_total *totals_open(struct totals *totals, const struct ip *host, int64_t hour)
{
    struct host_total *total = totals_get(totals, host, hour);
    if (total && total->sends)
        return total;
    if (total)
        return begin_sending(totals, total) ? total : NULL;
    total = host_total_new(host, hour);
    total->sends = true;
    if (put(totals, total))
        return total;
    host_total_free(total);
    return NULL;
}

struct host_total *totals_receive(struct totals *totals, const struct ip *host, int64_t hour,
                                  uint64_t bytes)
{
    struct host_total *total = totals_get(totals, host, hour);
    if (!total) {
        total = host_total_new(host, hour);
        if (!put(totals, total)) {
            host_total_free(total);
            return NULL;
        }
    }
    totals->pairs -= totals_room(total);
    total->inside_bytes = bytes_add(total->inside_bytes, bytes);
    totals->pairs += totals_room(total);
    total->inside_changed = true;
    return total;
}

void totals_set_room(struct totals *totals, uint64_t pairs)
{
    totals->most_pairs = pairs;
}

uint64_t totals_pairs(const struct totals *totals)
{
    return totals->pairs;
}

static bool is_full(const struct host_total *host)
{
    const struct totals *totals = host->totals;
    return host->pairs.count >= TOTALS_PAIRS || (totals && totals->pairs >= totals->most_pairs);
}

static void put_pair(struct host_total *host, struct pair_total *pair, size_t size, uint64_t hash)
{
    map_put_hashed(&host->pairs, key_behind(pair), size, hash, pair);
    if (!host->totals)
        return;
    host->totals->pairs++;
    note_met(hosts_of_hour(host->totals, host->hour), pair);
}

bool totals_take_pair(struct host_total *host, struct pair_total *pair)
{
    const char *key = key_behind(pair);
    size_t size = strlen(key);
    uint64_t hash = map_hash(key, size);
    if (map_get_hashed(&host->pairs, key, size, hash))
        return false;
    put_pair(host, pair, size, hash);
    return true;
}

static struct pair_name name_of(const struct destination *destination,
                                char key[DESTINATION_KEY_SIZE])
{
    size_t size = destination_put_key(destination, key);
    return (struct pair_name){key, size, map_hash(key, size)};
}

static struct pair_total *get_pair(const struct host_total *host, const struct pair_name *name)
{
    return map_get_hashed(&host->pairs, name->text, name->size, name->hash);
}

/* The pair's total, made when absent; the role's "other" when there is no room for one more. */
static struct pair_total *pair_for(struct host_total *host, const struct destination *destination,
                                   const struct pair_name *name)
{
    char key[DESTINATION_KEY_SIZE];
    struct pair_name made;
    struct destination rest;
    struct pair_total *pair = get_pair(host, name);
    if (!pair && is_full(host)) {
        rest = destination_other(destination->role);
        destination = &rest;
        host->overflow++;
        made = name_of(&rest, key);
        name = &made;
        pair = get_pair(host, name);
    }
    if (pair)
        return pair;
    pair = new_pair(destination, name->text, name->size);
    put_pair(host, pair, name->size, name->hash);
    return pair;
}

/* With a short name and its key. */
void totals_prefetch(const struct pair_total *pair)
{
    for (size_t at = 0; at < sizeof(struct pair_block); at += 64)
        __builtin_prefetch((const char *)pair + at);
}

struct pair_total *totals_add(struct host_total *host, const struct destination *destination,
                              struct volume out, uint64_t in_bytes, uint32_t flows)
{
    char key[DESTINATION_KEY_SIZE];
    const struct pair_name name = name_of(destination, key);
    return totals_add_named(host, destination, &name, out, in_bytes, flows);
}

struct pair_total *totals_add_named(struct host_total *host, const struct destination *destination,
                                    const struct pair_name *name, struct volume out,
                                    uint64_t in_bytes, uint32_t flows)
{
    struct pair_total *pair = pair_for(host, destination, name);
    bool little = pair->out.value < TOTALS_MUCH;
    volume_add(&pair->out, out);
    volume_add(&host->out, out);
    if (host->totals && little)
        note_met(hosts_of_hour(host->totals, host->hour), pair);
    pair->in_bytes = bytes_add(pair->in_bytes, in_bytes);
    host->in_bytes = bytes_add(host->in_bytes, in_bytes);
    pair->flows = flows > UINT32_MAX - pair->flows ? UINT32_MAX : pair->flows + flows;
    pair->changed = true;
    return pair;
}

void totals_start(struct host_total *host, struct pair_total *pair, uint32_t second, uint64_t bytes)
{
    uint16_t before = pair->starts.count;
    if (destination_is_other(&pair->destination))
        return;
    bool grows = !starts_cut(&pair->starts) && !starts_has(&pair->starts, second);
    if (grows && host->starts >= TOTALS_STARTS) {
        host->starts_refused++;
        return;
    }
    starts_add(&pair->starts, second, bytes);
    host->starts += (uint32_t)(pair->starts.count - before);
    pair->changed = true;
}

void totals_lasts(struct pair_total *pair, uint64_t seconds)
{
    uint32_t longest = seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
    if (destination_is_other(&pair->destination) || longest <= pair->longest_s)
        return;
    pair->longest_s = longest;
    pair->changed = true;
}

void totals_starts(struct host_total *host, struct pair_total *pair, const struct starts *starts)
{
    for (uint16_t i = 0; i < starts->count; i++)
        totals_start(host, pair, starts->at[i].second, starts->at[i].bytes);
}

/* As ip_compare, which calls memcmp: each close sorts all its hosts. */
static int ip_order(const struct ip *a, const struct ip *b)
{
    uint64_t x[2], y[2];
    memcpy(x, a->byte, sizeof x);
    memcpy(y, b->byte, sizeof y);
    size_t i = x[0] == y[0];
    if (x[i] == y[i])
        return 0;
    return be64toh(x[i]) < be64toh(y[i]) ? -1 : 1;
}

static int by_hour_and_host(const void *a, const void *b)
{
    const struct host_total *x = *(struct host_total *const *)a;
    const struct host_total *y = *(struct host_total *const *)b;
    if (x->hour != y->hour)
        return x->hour < y->hour ? -1 : 1;
    return ip_order(&x->host, &y->host);
}

struct host_total **totals_until(const struct totals *totals, int64_t hour, size_t *count)
{
    struct host_total **found = xcalloc(totals->map.count, sizeof(struct host_total *));
    const struct map_entry *entry;
    size_t position = 0;
    *count = 0;
    while ((entry = map_next(&totals->map, &position))) {
        struct host_total *total = entry->value;
        if (total->hour <= hour)
            found[(*count)++] = total;
    }
    qsort(found, *count, sizeof(struct host_total *), by_hour_and_host);
    return found;
}

size_t totals_hours(const struct totals *totals)
{
    return totals->open_count;
}

bool totals_oldest(const struct totals *totals, int64_t *hour)
{
    if (totals->open_count > 0)
        *hour = totals->open[0].hour;
    for (size_t i = 1; i < totals->open_count; i++)
        if (totals->open[i].hour < *hour)
            *hour = totals->open[i].hour;
    return totals->open_count > 0;
}

void totals_drop(struct totals *totals, struct host_total *host)
{
    struct total_key key = {host->host, host->hour};
    struct hour_hosts *open = hosts_of_hour(totals, host->hour);
    map_remove(&totals->map, &key, sizeof key);
    uint32_t *count = host->sends ? &open->hosts : &open->receivers;
    totals->pairs -= totals_room(host);
    if (*count > 0)
        --*count;
    forget_empty(totals, open);
    host_total_free(host);
}

void totals_pass(struct totals *totals, int64_t hour, bool begins)
{
    struct hour_hosts *open = hosts_of_hour(totals, hour);
    open->passed = true;
    open->hosts_passed += begins;
}

void totals_pass_much(struct totals *totals, int64_t hour, const struct destination *destination)
{
    add_met(hosts_of_hour(totals, hour), destination);
}

struct totals_passed totals_end_passed(struct totals *totals, int64_t hour)
{
    struct totals_passed passed = {0, 0};
    for (size_t i = totals->open_count; i-- > 0;) {
        struct hour_hosts *open = &totals->open[i];
        if (open->hour > hour || !open->passed)
            continue;
        passed.hosts += open->hosts_passed;
        passed.hours += open->hosts + open->receivers == 0;
        open->passed = false;
        forget_empty(totals, open);
    }
    return passed;
}

void totals_set_refused(struct totals *totals, uint64_t refused)
{
    totals->refused = refused;
}

uint64_t totals_refused(const struct totals *totals)
{
    return totals->refused;
}

size_t totals_count(const struct totals *totals)
{
    return totals->map.count;
}
