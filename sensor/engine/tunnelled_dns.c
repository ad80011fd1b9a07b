/* DNS records become figures, and these are judged (tunnel.dns).
 *
 *   question → who asked whom → the client's entry and the domain's → judged when it could have
 *              become enough
 *   answer   → whose it is remembered at its addresses; that name waits for the flow
 *   flow     → the names whose answer it goes to explain themselves
 *   tick     → what would have been enough with names that waited is judged again
 *
 * Whoever is asked: a name that is given to an inside resolver leaves all the same. What a resolver
 * asks on (the same name, asked of it before) is its client's question and not counted again. A
 * name explains itself by a connection of its own client within a minute or, where an address
 * stands for one domain alone, by anybody's (a resolver's clients are seen to connect, not to ask);
 * but not by more DNS, or the tunnel's own questions would do. Thread: the engine's. */
#include "internal.h"

#include "weir/base/device.h"

#include <stdlib.h>
#include <string.h>

#define JUDGED_FROM  4000000u /* thousandths of a byte; the least that the row asks for */
#define JUDGED_STEP  128000u  /* and again after so much more */
#define ORDER_WEIGHT 2500u    /* of a repetition, at most: of a million names */
#define USED_WITHIN  NS_PER_MIN
#define USED_BEFORE  NS_PER_S /* clocks of two workers' records are one, but flows race answers */
#define DNS_PORT     53
#define QTYPE_A      1
#define QTYPE_AAAA   28

struct asking {
    struct flow_key key; /* the client's side is orig */
    struct ip client;    /* by whom it is counted */
    bool leaves;         /* the server is outside */
};

/* Where both sides' ports are guessed, the server may stand first. */
static struct flow_key asker_first(const struct flow_key *key)
{
    struct flow_key turned = *key;
    if (key->orig_port != DNS_PORT || key->resp_port == DNS_PORT)
        return turned;
    turned.orig_ip = key->resp_ip;
    turned.orig_port = key->resp_port;
    turned.resp_ip = key->orig_ip;
    turned.resp_port = key->orig_port;
    return turned;
}

static bool asking_of(const struct engine *engine, const struct record_name *record,
                      struct asking *asking)
{
    struct ptime now = {record->header.time_ns};
    asking->key = asker_first(&record->key);
    struct way way = way_of(engine->config.inside, &asking->key, NULL);
    if (way.scope != SCOPE_OUT && way.scope != SCOPE_INTERNAL)
        return false;
    asking->leaves = way.scope == SCOPE_OUT;
    const struct ip *device = engine->config.by_device
                                  ? identity_of(&engine->identity, &asking->key.orig_ip, now, now)
                                  : NULL;
    asking->client = device ? *device : asking->key.orig_ip;
    return true;
}

/* Names that no public server answers for (RFC 6761, 6762, 8375, 9476): asked of an inside server
 * they stay inside. */
static bool stays(const struct asking *asking, const char *text)
{
    static const char *const top[] = {"local", "localhost", "invalid", "test", "internal"};
    const char *last = strrchr(text, '.');
    size_t size = strlen(text);
    if (asking->leaves)
        return false;
    if (!last || (size >= 9 && strcmp(text + size - 9, "home.arpa") == 0))
        return true;
    for (size_t i = 0; i < sizeof top / sizeof *top; i++)
        if (strcmp(last + 1, top[i]) == 0)
            return true;
    return false;
}

static uint64_t key_of(const struct questions *questions, const struct ip *ip, uint64_t name)
{
    struct {
        struct ip ip;
        uint64_t name;
    } key = {*ip, name};
    return hash64_keyed(&questions->key, &key, sizeof key);
}

static uint64_t client_hash(const struct questions *questions, const struct ip *client)
{
    return key_of(questions, client, 0) | 1u;
}

/* --- judging --------------------------------------------------------------------------------- */

/* The first ones are listed: of questions no flow is larger than another by much. */
static void put_flow(struct open_story *open, const struct asked_entry *entry)
{
    struct story *story = &open->story;
    struct flow_key a = flow_key_unordered(&entry->flow);
    size_t at = 0;
    for (; at < story->flow_count; at++) {
        struct flow_key b = flow_key_unordered(&story->flow[at].key);
        if (memcmp(&a, &b, sizeof a) == 0)
            break;
    }
    story->flows_total += entry->untold_flows;
    story->flows_inside += entry->untold_flows;
    if (at == ALERT_FLOWS)
        return;
    if (at == story->flow_count) {
        story->flow[story->flow_count++] = (struct alert_flow){.key = entry->flow,
                                                               .start = {entry->flow_start_ns},
                                                               .service = SERVICE_DNS,
                                                               .outbound = true};
        story_note_flow(open, at);
    }
    story->flow[at].out_bytes += entry->untold_bytes;
}

/* What was asked joins the story of the client and the domain. */
static struct open_story *tell_story(struct engine *engine, struct asked_entry *entry,
                                     struct ptime from, struct ptime now)
{
    struct destination destination = {.role = ROLE_CLIENT, .kind = DESTINATION_DOMAIN};
    memcpy(destination.name, entry->domain, strlen(entry->domain) + 1); /* ≤ RECORD_NAME_MAX */
    struct open_story *open =
        zoned_story(engine, &entry->first_client, &entry->flow.orig_ip, &destination, now);
    struct story *story = &open->story;
    struct volume out = {entry->untold_bytes, entry->untold_bytes, entry->untold_bytes};
    if (from.ns < story->first.ns)
        story->first = from;
    if (now.ns > story->last.ns)
        story->last = now;
    volume_add(&story->out, out);
    volume_add(&story->service_out[SERVICE_DNS], out);
    story->out_packets += entry->untold_packets;
    put_flow(open, entry);
    if (ip_compare(&story->flow[0].key.orig_ip, &entry->flow.orig_ip) == 0 &&
        story->flow[0].service == SERVICE_DNS) {
        story->source = entry->flow.orig_ip;
        story->remote = entry->flow.resp_ip;
        story->remote_port = entry->flow.resp_port;
    }
    if (ip_is_device(&story->host) && story->address_count == 0)
        story->address[story->address_count++] = entry->flow.orig_ip;
    entry->untold_bytes = entry->untold_packets = 0;
    entry->untold_flows = 0;
    return open;
}

/* It has become enough to be judged (again). */
static bool is_enough(const struct asked_entry *entry)
{
    uint64_t most = entry->half[0].most + entry->half[1].most;
    return most >= JUDGED_FROM && most >= entry->judged_at + JUDGED_STEP;
}

/* `awaited`: no name's explanation is still to come. */
static void judge_entry(struct engine *engine, struct asked_entry *entry, struct ptime now,
                        bool awaited)
{
    struct questions *questions = &engine->tunnelled.questions;
    if (!is_enough(entry)) {
        if (entry->told)
            incidents_follow(engine->incidents, &tell_story(engine, entry, now, now)->story, now);
        return;
    }
    entry->judged_at = entry->half[0].most + entry->half[1].most;
    struct host *host = hosts_get(engine, &entry->first_client);
    hosts_turn(engine, host);
    struct asked_names asked = questions_sum(questions, entry, awaited ? INT64_MAX : now.ns);
    struct subject subject = {.kind = SUBJECT_QUESTIONS,
                              .config = &engine->config.detect,
                              .civil = calendar_at(engine->config.calendar, now),
                              .fleet = engine->fleet,
                              .state = host && host->ready ? BASELINE_READY : BASELINE_LEARNING,
                              .asked = &asked};
    struct finding finding[JUDGE_FINDINGS];
    size_t count = judge(&subject, finding);
    if (asked.awaits && !entry->told)
        questions_hold(questions, entry, now.ns);
    if (count == 0 && !entry->told)
        return;
    struct open_story *open = tell_story(engine, entry, asked.from, asked.until);
    if (account_tell(engine, open, finding, count, subject.state, host ? host->hours : 0, now) > 0)
        entry->told = true;
    else if (entry->told)
        incidents_follow(engine->incidents, &open->story, now);
    open->told |= entry->told;
}

/* --- questions ------------------------------------------------------------------------------- */

static bool is_own_server(struct questions *questions, const struct asking *asking)
{
    if (!asking->leaves)
        return false;
    uint64_t hash = client_hash(questions, &asking->client), key;
    key = key_of(questions, &asking->key.resp_ip, 0);
    uint64_t *client = recent_keys_get(&questions->servers, key);
    if (!client) {
        client = recent_keys_put(&questions->servers, key);
        *client = hash;
    } else if (*client != hash) {
        *client = 0;
    }
    return *client == hash;
}

static void add_name(struct questions *questions, const struct engine *engine,
                     struct asked_entry *entry, const struct asking *asking,
                     const struct question_name *name)
{
    struct asked_half *half = &entry->half[0];
    struct distinct_budget *budget = &questions->budget;
    const struct flow_key *key = &asking->key;
    uint64_t hash = name->address ? key_of(questions, &key->resp_ip, name->weight) : name->hash;
    bool far = name->address &&
               !inside_has(engine->config.inside, &name->reversed, key->vlan, key->vantage);
    if (distinct_add(&half->names, budget, hash, name->weight, 0) != DISTINCT_AGAIN)
        half->most += name->weight;
    if (far && distinct_add(&half->names, budget, name->hash, name->address_weight,
                            name->address) != DISTINCT_AGAIN)
        half->most += name->address_weight;
    if (name->hash != entry->last_name) {
        half->changes++;
        half->most += ORDER_WEIGHT;
    }
    entry->last_name = name->hash;
}

static void note_question(struct engine *engine, struct asked_entry *entry,
                          const struct asking *asking, const struct record_name *record,
                          const struct question_name *name, bool own_server)
{
    struct questions *questions = &engine->tunnelled.questions;
    struct asked_half *half = &entry->half[0];
    struct ptime now = {record->header.time_ns};
    if (half->questions++ == 0)
        half->first_ns = now.ns;
    half->last_ns = now.ns;
    half->own_server += own_server;
    add_name(questions, engine, entry, asking, name);
    if (memcmp(&entry->flow, &asking->key, sizeof entry->flow) != 0) {
        entry->flow = asking->key;
        entry->flow_start_ns = now.ns;
        entry->untold_flows++;
    }
    entry->untold_bytes += record->message_bytes;
    entry->untold_packets++;
}

/* What waited, whatever it was judged at. */
static void judge_waiting(struct engine *engine, struct asked_entry *entry, struct ptime now,
                          bool awaited)
{
    questions_let_go(&engine->tunnelled.questions, entry);
    entry->judged_at = 0;
    if (!entry->told)
        judge_entry(engine, entry, now, awaited);
}

/* What one client is told for is not told once more of all; so if that one waits, it comes first.
 */
static void judge_whole(struct engine *engine, struct asked_entry *whole, struct ptime now,
                        bool awaited)
{
    if (!is_enough(whole) && !whole->told)
        return;
    struct asked_entry *first =
        questions_find(&engine->tunnelled.questions, &whole->first_client, whole->domain);
    if (first && first->held_ns != 0 && is_enough(whole))
        judge_waiting(engine, first, now, awaited);
    if (!first || !first->told)
        judge_entry(engine, whole, now, awaited);
}

static void judge_held(struct engine *engine, struct asked_entry *entry, struct ptime now,
                       bool awaited)
{
    static const struct ip all;
    if (ip_compare(&entry->client, &all) != 0) {
        judge_waiting(engine, entry, now, awaited);
        return;
    }
    questions_let_go(&engine->tunnelled.questions, entry);
    entry->judged_at = 0;
    if (!entry->told)
        judge_whole(engine, entry, now, awaited);
}

void tunnelled_held(struct engine *engine, struct ptime now, bool awaited)
{
    struct questions *questions = &engine->tunnelled.questions;
    size_t left = questions->held;
    for (struct asked_entry *entry = questions->newest; entry && left > 0; entry = entry->older) {
        if (entry->held_ns == 0)
            continue;
        left--;
        if (awaited || !questions_wait(entry->held_ns, now.ns))
            judge_held(engine, entry, now, awaited);
    }
}

/* What gives way for room is judged as it is: else a flood of domains would hide what waits. */
static struct asked_entry *open_entry(struct engine *engine, const struct ip *client,
                                      const char *domain, const struct asking *asking,
                                      struct ptime now)
{
    struct questions *questions = &engine->tunnelled.questions;
    struct asked_entry *waits = questions_gives_way(questions, client, domain);
    if (waits)
        judge_held(engine, waits, now, true);
    return questions_open(questions, client, domain, &asking->client);
}

static void take_question(struct engine *engine, const struct record_name *record,
                          const struct asking *asking, const char *text)
{
    static const struct ip all;
    struct questions *questions = &engine->tunnelled.questions;
    struct question_name name;
    question_name_read(questions, engine->config.suffixes, text, record->name_cut, &name);
    if (!asking->leaves)
        recent_keys_put(&questions->forwarded, key_of(questions, &asking->key.resp_ip, name.hash));
    if (recent_keys_get(&questions->forwarded, key_of(questions, &asking->key.orig_ip, name.hash)))
        return;
    uint64_t client = client_hash(questions, &asking->client);
    struct ptime now = {record->header.time_ns};
    bool own_server = is_own_server(questions, asking);
    distinct_add(&questions->clients[0], &questions->budget, client, 1, 0);
    /* The one that is opened first is not the oldest: opening the other does not forget it. */
    struct asked_entry *whole = open_entry(engine, &all, name.domain, asking, now);
    struct asked_entry *entry = open_entry(engine, &asking->client, name.domain, asking, now);
    distinct_add(&whole->half[0].clients, &questions->budget, client, 1, 0);
    note_question(engine, whole, asking, record, &name, own_server);
    note_question(engine, entry, asking, record, &name, own_server);
    judge_entry(engine, entry, now, false);
    if (!entry->told)
        judge_whole(engine, whole, now, false);
}

/* --- answers and what follows them ----------------------------------------------------------- */

static uint64_t address_bytes(const struct record_name *record)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < record->address_count; i++) {
        struct ip ip;
        memcpy(&ip, record->tail + i * sizeof ip, sizeof ip);
        bytes += ip_is_v4(&ip) ? 4 : 16;
    }
    return bytes;
}

/* What an answer says beside addresses. */
struct said {
    uint64_t bytes, odd_answers;
};

static struct said said_by(const struct record_name *record)
{
    uint64_t addresses = address_bytes(record);
    bool odd = record->qtype != QTYPE_A && record->qtype != QTYPE_AAAA;
    return (struct said){record->answer_bytes > addresses ? record->answer_bytes - addresses : 0,
                         odd ? record->answers : 0};
}

static void note_answer(struct asked_entry *entry, const struct said *said)
{
    if (!entry)
        return;
    entry->half[0].answer_bytes += said->bytes;
    entry->half[0].odd_answers += said->odd_answers;
}

/* Most say addresses and nothing else: nobody is looked for then. */
static void note_answers(struct questions *questions, const struct ip *client, const char *domain,
                         const struct record_name *record)
{
    static const struct ip all;
    struct said said = said_by(record);
    if (said.bytes == 0 && said.odd_answers == 0)
        return;
    note_answer(questions_find(questions, client, domain), &said);
    note_answer(questions_find(questions, &all, domain), &said);
}

static void remember_answer(struct questions *questions, const struct record_name *record,
                            const struct asking *asking, const struct question_name *name)
{
    for (size_t i = 0; i < record->address_count; i++) {
        struct ip ip;
        memcpy(&ip, record->tail + i * sizeof ip, sizeof ip);
        struct answer_names *names =
            recent_keys_put(&questions->answers, key_of(questions, &ip, 0));
        size_t at = 0;
        while (at < ANSWER_NAMES - 1 && names->of[at].name != name->hash)
            at++;
        memmove(names->of + 1, names->of, at * sizeof *names->of);
        names->of[0].name = name->hash;
        names->of[0].domain = hash64_keyed(&questions->key, name->domain, strlen(name->domain));
        names->of[0].client = client_hash(questions, &asking->client);
        names->of[0].asked_ns = record->header.time_ns;
    }
    if (record->address_count > 0 && !recent_keys_get(&questions->answered, name->hash))
        *(int64_t *)recent_keys_put(&questions->answered, name->hash) = record->header.time_ns;
}

static void take_answer(struct engine *engine, const struct record_name *record,
                        const struct asking *asking, const char *text)
{
    struct questions *questions = &engine->tunnelled.questions;
    struct question_name name;
    question_name_read(questions, engine->config.suffixes, text, record->name_cut, &name);
    note_answers(questions, &asking->client, name.domain, record);
    if (record->rcode == 0)
        remember_answer(questions, record, asking, &name);
}

void tunnelled_name(struct engine *engine, const struct record_name *record)
{
    struct asking asking;
    char text[RECORD_NAME_MAX + 1];
    if (record->kind != NAME_DNS || !asking_of(engine, record, &asking))
        return;
    size_t at = record->address_count * sizeof(struct ip);
    memcpy(text, record->tail + at, record->name_size);
    text[record->name_size] = '\0';
    if (stays(&asking, text))
        return;
    questions_turn(&engine->tunnelled.questions, record->header.time_ns);
    if (record->answered)
        take_answer(engine, record, &asking, text);
    else
        take_question(engine, record, &asking, text);
}

static bool one_domain(const struct answer_names *names)
{
    for (size_t i = 1; i < ANSWER_NAMES && names->of[i].name != 0; i++)
        if (names->of[i].domain != names->of[0].domain)
            return false;
    return true;
}

static void note_connection(struct questions *questions, const struct ip *host,
                            const struct ip *remote, int64_t start_ns)
{
    bool *met = recent_keys_put(&questions->met, question_address_hash(questions, remote));
    *met = true;
    const struct answer_names *names =
        recent_keys_get(&questions->answers, key_of(questions, remote, 0));
    if (!names)
        return;
    uint64_t client = client_hash(questions, host);
    bool anybody = one_domain(names);
    for (size_t i = 0; i < ANSWER_NAMES && names->of[i].name != 0; i++) {
        int64_t after_ns = start_ns - names->of[i].asked_ns;
        if (after_ns >= -USED_BEFORE && after_ns <= USED_WITHIN &&
            (anybody || names->of[i].client == client))
            recent_keys_put(&questions->used, names->of[i].name);
    }
}

void tunnelled_connection(struct engine *engine, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (view->host && (record->flags & FLOW_ESTABLISHED) && record->service != SERVICE_DNS)
        note_connection(&engine->tunnelled.questions, view->host, &view->way.remote,
                        record->start_ns);
}
