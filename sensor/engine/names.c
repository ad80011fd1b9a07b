/* Names → destinations.
 *
 * A server name alone is the attacker's choice (SNI and Host can be forged), so it becomes a
 * destination only when a DNS answer seen on the wire ties its registrable domain to the address.
 * Otherwise the prefix speaks.
 *
 * An answer ties the name that was asked, and the names it is an alias of (CNAMEs): clients speak
 * either, and an honest resolver asks for the alias by itself before it repeats it, so it vouches
 * for both alike. A server that lies could as well have lied when asked for the alias directly. The
 * alias gets no more than that: its registrable domain, at the addresses of that one answer.
 *
 * An answer can be forged too: a host that asks a resolver of the attacker's own ties any name to
 * any address. Up to TLS 1.2 the server's certificate is seen, and one that is for other domains
 * alone says that whoever answers there is not the one named: the name is then the client's claim,
 * whatever DNS said. A certificate that holds the name proves nothing, as anybody can write one.
 * What is asked is the registrable domain: a host name that its own domain's certificate forgot is
 * no other destination. Thread: the engine's. */
#include "names.h"

#include "weir/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_address_names(void *value)
{
    struct address_names *names = value;
    for (size_t i = 0; i < NAMES_OF_ADDRESS; i++)
        free(names->domain[i]);
    free(names);
}

/* --- generations --------------------------------------------------------------------------------
 */

static bool generations_are_empty(const struct generations *g)
{
    return g->young.count == 0 && g->old.count == 0;
}

static void *generations_get(const struct generations *g, const void *key, size_t size)
{
    if (generations_are_empty(g))
        return NULL;
    uint64_t hash = map_hash(key, size);
    void *value = map_get_hashed(&g->young, key, size, hash);
    return value ? value : map_get_hashed(&g->old, key, size, hash);
}

/* From both. False: it was in none. */
static bool generations_drop(struct generations *g, const void *key, size_t size)
{
    if (generations_are_empty(g))
        return false;
    uint64_t hash = map_hash(key, size);
    void *young = map_remove_hashed(&g->young, key, size, hash);
    void *old = map_remove_hashed(&g->old, key, size, hash);
    bool found = young || old;
    free(young);
    free(old);
    return found;
}

static void generations_put(struct generations *g, const void *key, size_t size, void *value,
                            void (*free_value)(void *))
{
    if (g->young.count >= NAMES_GENERATION) {
        *g->forgotten += g->old.count;
        map_fini(&g->old, free_value);
        g->old = g->young;
        g->young = (struct map){.borrows = g->old.borrows};
    }
    void *before = map_put(&g->young, key, size, value);
    if (before && before != value)
        free_value(before);
}

/* An entry of the old generation moves to the young one, so that what is in use is not forgotten.
 */
static void *generations_renew(struct generations *g, const void *key, size_t size,
                               void (*free_value)(void *))
{
    void *value = map_get(&g->young, key, size);
    if (value)
        return value;
    value = map_remove(&g->old, key, size);
    if (value)
        generations_put(g, key, size, value, free_value);
    return value;
}

/* --- learning ------------------------------------------------------------------------------------
 */

void names_init(struct names *names, const struct suffixes *suffixes,
                const struct networks *networks)
{
    *names =
        (struct names){.suffixes = suffixes, .networks = networks, .now_ns = -RECORD_TIME_MAX_NS};
    map_init(&names->addresses.young);
    map_init(&names->addresses.old);
    map_init_borrowing(&names->flows.young);
    map_init_borrowing(&names->flows.old);
    map_init_borrowing(&names->questions.young);
    map_init_borrowing(&names->questions.old);
    names->addresses.forgotten = names->flows.forgotten = names->questions.forgotten =
        &names->forgotten;
}

void names_fini(struct names *names)
{
    map_fini(&names->addresses.young, free_address_names);
    map_fini(&names->addresses.old, free_address_names);
    map_fini(&names->flows.young, free);
    map_fini(&names->flows.old, free);
    map_fini(&names->questions.young, free);
    map_fini(&names->questions.old, free);
}

struct kept_text names_keep_text(const void *key, size_t key_size, const char *text,
                                 size_t text_size)
{
    char *block = xrealloc(NULL, text_size + 1 + key_size);
    memcpy(block, text, text_size);
    block[text_size] = '\0';
    return (struct kept_text){block, memcpy(block + text_size + 1, key, key_size)};
}

static void put_text(struct generations *g, const void *key, size_t size, const char *text)
{
    struct kept_text kept = names_keep_text(key, size, text, strlen(text));
    generations_put(g, kept.key, size, kept.text, free);
}

static void learn_answer(struct names *names, const struct ip *address, const char *domain)
{
    struct address_names *known =
        generations_renew(&names->addresses, address, sizeof *address, free_address_names);
    if (!known) {
        known = xcalloc(1, sizeof *known);
        generations_put(&names->addresses, address, sizeof *address, known, free_address_names);
    }
    size_t at = 0;
    while (at < NAMES_OF_ADDRESS - 1 && known->domain[at] && strcmp(known->domain[at], domain) != 0)
        at++;
    char *newest = known->domain[at];
    if (!newest || strcmp(newest, domain) != 0) {
        free(newest);
        newest = xstrdup(domain);
    }
    memmove(known->domain + 1, known->domain, at * sizeof *known->domain);
    memmove(known->seen_ns + 1, known->seen_ns, at * sizeof *known->seen_ns);
    known->domain[0] = newest;
    known->seen_ns[0] = names->now_ns;
}

/* The name of an answer, or an alias, at all its addresses. */
static void learn_name(struct names *names, const struct record_name *record, const char *text)
{
    const char *domain = suffixes_registrable(names->suffixes, text, true);
    for (size_t i = 0; domain && i < record->address_count; i++) {
        struct ip address;
        memcpy(&address, record->tail + i * sizeof address, sizeof address);
        learn_answer(names, &address, domain);
    }
}

/* The last one first, so that the name that was asked ends up the newest. */
static void learn_aliases(struct names *names, const struct record_name *record)
{
    for (size_t i = record->alias_count; i-- > 0;) {
        char text[RECORD_NAME_MAX + 1];
        size_t size;
        const char *alias = record_name_alias(record, i, &size);
        memcpy(text, alias, size);
        text[size] = '\0';
        learn_name(names, record, text);
    }
}

/* Validated: the tail holds address_count addresses and name_size bytes of text. */
static void name_text(const struct record_name *record, char text[RECORD_NAME_MAX + 1])
{
    size_t at = record->address_count * sizeof(struct ip);
    memcpy(text, record->tail + at, record->name_size);
    text[record->name_size] = '\0';
}

struct question_key {
    struct flow_key flow;
    char name[RECORD_NAME_MAX + 1];
};

static size_t question_key(const struct record_name *record, const char *text,
                           struct question_key *key)
{
    key->flow = flow_key_unordered(&record->key);
    memcpy(key->name, text, record->name_size);
    return sizeof key->flow + record->name_size;
}

uint64_t names_prefetch(const struct names *names, const struct record_name *record,
                        const char *text)
{
    struct question_key key;
    uint64_t hash = map_hash(&key, question_key(record, text, &key));
    map_prefetch(&names->questions.young, hash);
    if (record->answered)
        map_prefetch(&names->questions.old, hash);
    return hash;
}

void names_expect(const struct names *names, uint64_t hash)
{
    const char *kept = map_expect(&names->questions.young, hash);
    if (kept)
        __builtin_prefetch(kept);
}

/* An answer ties a name to addresses only when that name was asked on that flow before, once: what
 * nobody asked for proves nothing. */
static bool was_asked(struct names *names, const struct record_name *record, const char *text)
{
    struct question_key key;
    size_t size = question_key(record, text, &key);
    if (!record->answered) {
        put_text(&names->questions, &key, size, "");
        return false;
    }
    return generations_drop(&names->questions, &key, size);
}

void names_learn(struct names *names, const struct record_name *record)
{
    char text[RECORD_NAME_MAX + 1];
    name_text(record, text);
    if (record->header.time_ns > names->now_ns)
        names->now_ns = record->header.time_ns;
    if (record->kind == NAME_SERVER) {
        struct flow_key key = flow_key_unordered(&record->key);
        if (!generations_get(&names->flows, &key, sizeof key))
            put_text(&names->flows, &key, sizeof key, text);
        return;
    }
    if (!was_asked(names, record, text) || record->rcode != 0)
        return;
    learn_aliases(names, record);
    learn_name(names, record, text);
}

void names_flow_ended(struct names *names, const struct flow_key *key)
{
    struct flow_key flow = flow_key_unordered(key);
    generations_drop(&names->flows, &flow, sizeof flow);
}

const char *names_of_flow(struct names *names, const struct flow_key *key)
{
    struct flow_key flow = flow_key_unordered(key);
    const char *name = generations_get(&names->flows, &flow, sizeof flow);
    return name ? name : "";
}

/* --- asking ---------------------------------------------------------------------------------- */

static bool answered(struct names *names, const char *domain, const struct ip *remote)
{
    struct address_names *known =
        generations_renew(&names->addresses, remote, sizeof *remote, free_address_names);
    for (size_t i = 0; known && i < NAMES_OF_ADDRESS && known->domain[i]; i++)
        if (strcmp(known->domain[i], domain) == 0) {
            if (names->now_ns - known->seen_ns[i] > NAMES_ADDRESS_LIFE_NS)
                return false;
            known->seen_ns[i] = names->now_ns;
            return true;
        }
    return false;
}

/* None of the certificate's names is of the domain. */
static bool is_contradicted(struct names *names, const char *domain, const char *certificate)
{
    char name[RECORD_NAME_MAX + 1];
    for (size_t size; *certificate; certificate += size + (certificate[size] == ',')) {
        size = strcspn(certificate, ",");
        size_t wild = strncmp(certificate, "*.", 2) == 0 ? 2 : 0;
        snprintf(name, sizeof name, "%.*s", (int)(size - wild), certificate + wild);
        const char *its = suffixes_registrable(names->suffixes, name, true);
        if (its && strcmp(its, domain) == 0)
            return false;
    }
    return true;
}

static struct destination named(const char *domain)
{
    struct destination destination = {.role = ROLE_CLIENT, .kind = DESTINATION_DOMAIN};
    memcpy(destination.name, domain, strlen(domain) + 1); /* ≤ RECORD_NAME_MAX */
    return destination;
}

static struct destination unnamed(const struct names *names, const struct ip *remote)
{
    uint32_t number = networks_as(names->networks, remote);
    return number > 0 ? destination_of_as(ROLE_CLIENT, number)
                      : destination_of_prefix(ROLE_CLIENT, remote);
}

static const char *domain_of(const struct names *names, const char *server_name)
{
    return *server_name ? suffixes_registrable(names->suffixes, server_name, true) : NULL;
}

bool names_guess(const struct names *names, const char *server_name, const struct ip *remote,
                 struct destination *destination)
{
    const char *domain = domain_of(names, server_name);
    if (!domain && names->networks)
        return false;
    *destination = domain ? named(domain) : unnamed(names, remote);
    return true;
}

struct destination names_destination(struct names *names, const char *server_name,
                                     const char *certificate, const struct ip *remote,
                                     bool *unverified)
{
    const char *domain = domain_of(names, server_name);
    *unverified = false;
    bool claim = domain && certificate && is_contradicted(names, domain, certificate);
    if (domain && !claim && answered(names, domain, remote))
        return named(domain);
    *unverified = *server_name != '\0';
    return unnamed(names, remote);
}
