/* How much was asked for.
 *
 * An entry's sketches are of half a day each, on a grid of packet time, and are summed as one; so
 * what is judged are the last 12 to 24 hours. The order in which names come again is information
 * too (Paxson 2013): of each repetition log2 of how many names there are to choose from, but not of
 * a name that follows itself (another type, a retry). Thread: the engine's. */
#include "questions.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WIDELY_CLIENTS 8.0 /* and a fifth of all that ask */
#define WIDELY_SHARE   0.2

void questions_init(struct questions *questions, const struct hash_key *key)
{
    *questions = (struct questions){.budget = {.limit = QUESTIONS_ITEMS}};
    if (key)
        questions->key = *key;
    else
        hash_key_init(&questions->key, "questions", 9);
    map_init_borrowing(&questions->entries);
    recent_keys_init(&questions->forwarded, RECENT_NAMES, 1);
    recent_keys_init(&questions->answers, RECENT_NAMES / 2, sizeof(struct answer_names));
    recent_keys_init(&questions->answered, RECENT_NAMES / 4, sizeof(int64_t));
    recent_keys_init(&questions->used, RECENT_NAMES, 1);
    recent_keys_init(&questions->met, RECENT_NAMES, 1);
    recent_keys_init(&questions->servers, RECENT_NAMES / 16, sizeof(uint64_t));
}

static void free_entry(void *value)
{
    struct asked_entry *entry = value;
    for (int i = 0; i < 2; i++) {
        free(entry->half[i].names.item);
        free(entry->half[i].clients.item);
    }
    free(entry);
}

void questions_fini(struct questions *questions)
{
    map_fini(&questions->entries, free_entry);
    free(questions->clients[0].item);
    free(questions->clients[1].item);
    recent_keys_fini(&questions->forwarded);
    recent_keys_fini(&questions->answers);
    recent_keys_fini(&questions->answered);
    recent_keys_fini(&questions->used);
    recent_keys_fini(&questions->met);
    recent_keys_fini(&questions->servers);
}

/* --- entries --------------------------------------------------------------------------------- */

struct entry_key {
    struct ip client;
    char domain[RECORD_NAME_MAX + 1];
};

_Static_assert(offsetof(struct asked_entry, domain) ==
                   offsetof(struct asked_entry, client) + sizeof(struct ip),
               "a key");

static size_t make_key(const struct ip *client, const char *domain, struct entry_key *key)
{
    size_t size = strnlen(domain, RECORD_NAME_MAX);
    key->client = *client;
    memcpy(key->domain, domain, size);
    return sizeof key->client + size;
}

uint64_t questions_prefetch(const struct questions *questions, const struct ip *client,
                            const char *domain)
{
    struct entry_key key;
    uint64_t hash = map_hash(&key, make_key(client, domain, &key));
    map_prefetch(&questions->entries, hash);
    return hash;
}

static void link_newest(struct questions *questions, struct asked_entry *entry)
{
    entry->older = questions->newest;
    entry->newer = NULL;
    *(questions->newest ? &questions->newest->newer : &questions->oldest) = entry;
    questions->newest = entry;
}

static void unlink_entry(struct questions *questions, struct asked_entry *entry)
{
    *(entry->newer ? &entry->newer->older : &questions->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &questions->oldest) = entry->newer;
}

static void clear_half(struct questions *questions, struct asked_half *half)
{
    distinct_clear(&half->names, &questions->budget);
    distinct_clear(&half->clients, &questions->budget);
    *half = (struct asked_half){0};
}

void questions_hold(struct questions *questions, struct asked_entry *entry, int64_t since_ns)
{
    questions->held += entry->held_ns == 0;
    if (entry->held_ns == 0)
        entry->held_ns = since_ns;
}

void questions_let_go(struct questions *questions, struct asked_entry *entry)
{
    questions->held -= entry->held_ns != 0;
    entry->held_ns = 0;
}

/* The client, and the domain behind it. */
static const void *key_of(const struct asked_entry *entry)
{
    return (const char *)entry + offsetof(struct asked_entry, client);
}

static size_t key_size(const struct asked_entry *entry)
{
    return sizeof entry->client + strlen(entry->domain);
}

static void forget(struct questions *questions, struct asked_entry *entry)
{
    questions_let_go(questions, entry);
    unlink_entry(questions, entry);
    map_remove(&questions->entries, key_of(entry), key_size(entry));
    clear_half(questions, &entry->half[0]);
    clear_half(questions, &entry->half[1]);
    free(entry);
}

/* Which is not there. */
static struct asked_entry *add(struct questions *questions, const struct entry_key *key,
                               size_t size, uint64_t hash)
{
    size_t text = size - sizeof key->client;
    struct asked_entry *entry = xcalloc(1, sizeof *entry + text + 1);
    memcpy(entry->domain, key->domain, text);
    entry->client = key->client;
    map_put_hashed(&questions->entries, key_of(entry), size, hash, entry);
    link_newest(questions, entry);
    return entry;
}

struct asked_entry *questions_add(struct questions *questions, const struct ip *client,
                                  const char *domain)
{
    struct entry_key key;
    size_t size = make_key(client, domain, &key);
    uint64_t hash = map_hash(&key, size);
    bool is_there = map_get_hashed(&questions->entries, &key, size, hash);
    return is_there ? NULL : add(questions, &key, size, hash);
}

/* Time does not go back here: what comes late belongs to the half that is open. */
static void turn_half(struct questions *questions, struct asked_entry *entry, int64_t number)
{
    if (number <= entry->half_number)
        return;
    clear_half(questions, &entry->half[1]);
    if (number == entry->half_number + 1)
        entry->half[1] = entry->half[0];
    else
        clear_half(questions, &entry->half[0]);
    entry->half[0] = (struct asked_half){0};
    entry->half_number = number;
    entry->judged_at = 0;
}

static void forget_old(struct questions *questions)
{
    while (questions->oldest && questions->oldest->half_number + 1 < questions->half_number)
        forget(questions, questions->oldest);
}

struct asked_entry *questions_find(struct questions *questions, const struct ip *client,
                                   const char *domain)
{
    struct entry_key key;
    return map_get(&questions->entries, &key, make_key(client, domain, &key));
}

static bool is_full(const struct questions *questions)
{
    return questions->entries.count >= QUESTIONS_MAX;
}

struct asked_entry *questions_gives_way(struct questions *questions, const struct ip *client,
                                        const char *domain)
{
    struct asked_entry *oldest = is_full(questions) ? questions->oldest : NULL;
    bool waits = oldest && oldest->held_ns != 0;
    return waits && !questions_find(questions, client, domain) ? oldest : NULL;
}

struct asked_entry *questions_open(struct questions *questions, const struct ip *client,
                                   const char *domain, const struct ip *asker)
{
    struct entry_key key;
    size_t size = make_key(client, domain, &key);
    uint64_t hash = map_hash(&key, size);
    struct asked_entry *entry = map_get_hashed(&questions->entries, &key, size, hash);
    if (entry) {
        unlink_entry(questions, entry);
        link_newest(questions, entry);
    } else {
        if (is_full(questions)) {
            forget(questions, questions->oldest);
            questions->evicted++;
        }
        entry = add(questions, &key, size, hash);
        entry->first_client = *asker;
        entry->half_number = questions->half_number;
    }
    turn_half(questions, entry, questions->half_number);
    return entry;
}

void questions_turn(struct questions *questions, int64_t time_ns)
{
    int64_t number = time_ns / QUESTIONS_HALF_NS - (time_ns % QUESTIONS_HALF_NS < 0);
    bool first = !questions->newest && questions->clients[0].count == 0;
    if (!first && number <= questions->half_number)
        return;
    distinct_clear(&questions->clients[1], &questions->budget);
    if (!first && number == questions->half_number + 1)
        questions->clients[1] = questions->clients[0];
    else
        distinct_clear(&questions->clients[0], &questions->budget);
    questions->clients[0] = (struct distinct){0};
    questions->half_number = number;
    forget_old(questions);
}

/* --- sums ------------------------------------------------------------------------------------ */

struct summing {
    struct questions *questions;
    int64_t now_ns;
    bool awaits;
};

bool questions_wait(int64_t since_ns, int64_t now_ns)
{
    uint64_t since = (uint64_t)since_ns, now = (uint64_t)now_ns;
    return (since_ns < now_ns ? now - since : since - now) < ANSWER_AWAITED_NS;
}

/* What has led nowhere is not unexplained before it had the time to. */
static bool is_awaited(const struct summing *summing, const struct distinct_item *item)
{
    const int64_t *answered_ns = recent_keys_get(&summing->questions->answered, item->hash);
    return answered_ns && questions_wait(*answered_ns, summing->now_ns);
}

static bool is_unexplained(void *context, const struct distinct_item *item)
{
    struct summing *summing = context;
    if (item->note != 0)
        return !recent_keys_get(&summing->questions->met, item->note);
    if (recent_keys_get(&summing->questions->used, item->hash))
        return false;
    bool awaited = is_awaited(summing, item);
    summing->awaits |= awaited;
    return !awaited;
}

static double clients_of(struct questions *questions, const struct asked_entry *entry)
{
    static const struct ip all;
    const struct asked_entry *whole = questions_find(questions, &all, entry->domain);
    return whole ? distinct_sum(&whole->half[0].clients, &whole->half[1].clients, NULL, NULL).things
                 : 1;
}

static bool is_widely(const struct questions *questions, double clients)
{
    double all = distinct_sum(&questions->clients[0], &questions->clients[1], NULL, NULL).things;
    return clients >= WIDELY_CLIENTS && clients >= WIDELY_SHARE * all;
}

static uint64_t of_both(uint64_t a, uint64_t b)
{
    return a + b;
}

struct asked_names questions_sum(struct questions *questions, const struct asked_entry *entry,
                                 int64_t now_ns)
{
    static const struct ip all;
    const struct asked_half *now = &entry->half[0], *before = &entry->half[1];
    struct summing summing = {questions, now_ns, false};
    struct distinct_sums sums = distinct_sum(&now->names, &before->names, is_unexplained, &summing);
    double clients = clients_of(questions, entry);
    double changes = (double)of_both(now->changes, before->changes);
    double share = sums.things > 0 ? sums.counted_things / sums.things : 0;
    struct asked_names asked = {.domain = entry->domain,
                                .all_clients = ip_compare(&entry->client, &all) == 0,
                                .clients = (uint64_t)llround(clients),
                                .widely = is_widely(questions, clients),
                                .names_bytes = sums.counted_weight / 1000,
                                .order_bytes = share * fmax(0, changes - sums.things) *
                                               log2(fmax(2, sums.things)) / 8,
                                .names = sums.things,
                                .unexplained = sums.counted_things,
                                .awaits = summing.awaits,
                                .questions = of_both(now->questions, before->questions),
                                .odd_answers = of_both(now->odd_answers, before->odd_answers),
                                .answer_bytes = of_both(now->answer_bytes, before->answer_bytes),
                                .from = {before->questions ? before->first_ns : now->first_ns},
                                .until = {now->questions ? now->last_ns : before->last_ns}};
    asked.own_server = 2 * of_both(now->own_server, before->own_server) >= asked.questions;
    return asked;
}
