/* Rules at work in an engine: what they are asked with, what becomes of what they find. Skipped
 * (77) where redis-server is not installed. */
#include "../mmdb.h"
#include "rig.h"

#include "../../../sensor/engine/internal.h"

static int set_up(void **state)
{
    *state = rig_open(1, 1000);
    return 0;
}

static struct rules *load(const char *text)
{
    struct rules_file file = {"r.yaml", text, strlen(text)};
    struct error error = {0};
    struct rules *rules = rules_load(&file, 1, NULL, NULL, &error);
    if (!rules)
        fail_msg("%s", error.message);
    return rules;
}

/* The rig anew, with these rules. */
static void with_rules(struct rig *rig, const char *text)
{
    engine_free(rig->engine);
    rig->rules = load(text);
    rig_new_engine(rig);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    struct rules *rules = (struct rules *)(uintptr_t)rig->rules;
    engine_free(rig->engine);
    rig->engine = NULL;
    rules_free(rules);
    rig_close(rig);
    return 0;
}

static void push(struct rig *rig, int64_t after_ns, const char *orig, const char *resp,
                 uint16_t port, uint64_t up)
{
    static uint16_t from = 30000;
    struct flow_key key = make_flow_key(orig, from++, resp, port);
    rig_push_flow(rig, MONDAY_8 + after_ns, &key, up, 500);
}

static size_t told(const struct rig *rig, const char *id, enum incident_state which)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->alerts; i++)
        count +=
            rig->alert[i].state == which && strcmp(rig->alert[i].finding.detector->id, id) == 0;
    return count;
}

static uint64_t matched(const struct rig *rig, const char *id)
{
    const struct rule_tally *tally = engine_rule(rig->engine, id);
    return tally ? tally->matched : 0;
}

static void count(struct rig *rig, const char *const *condition, const uint64_t *times, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char id[24];
        snprintf(id, sizeof id, "r%zu", i);
        if (matched(rig, id) != times[i])
            fail_msg("%s: %d times", condition[i], (int)matched(rig, id));
    }
}

/* Each a rule r0, r1, … */
static void with_conditions(struct rig *rig, const char *const *condition, size_t size)
{
    struct buffer text = {0};
    for (size_t i = 0; i < size; i++)
        buffer_text(&text, "- {rule: r%zu, name: R, severity: 10, condition: '%s'}\n", i,
                    condition[i]);
    buffer_u8(&text, 0);
    with_rules(rig, (const char *)text.data);
    buffer_fini(&text);
}

/* Each rule asks for one fact that only this traffic has. */
static void test_facts(void **state)
{
    struct rig *rig = *state;
    static const char *const condition[] = {
        "host = 10.0.0.1 and remote = 198.51.100.7 and direction = outbound",
        "remote_port = 443 and server_port = 443 and host_port >= 30000 and protocol = tcp",
        "destination = 198.51.100.0/24 and destination_kind = prefix",
        "out_bytes = 2300 and in_bytes = 500 and out_bytes_story = 4000",
        "out_bytes_hour = 3000 and out_bytes_day = 4000 and flows_story = 3",
        "host_out_bytes_hour = 3000 and host_out_bytes_day = 4000",
        "hour = 9 and weekday = mon and work_hours and host_port exists and host = 10.0.0.2 and "
        "duration = 1 s",
        "direction = inbound and host = 10.0.0.2 and remote = 203.0.113.5 and server_port = 22 and "
        "out_bytes = 500 and in_bytes = 900",
        "baseline = learning and not met_before and vlan = 0 and not tunnelled",
        "server_name exists or name_verified or ja3 exists or service exists",
        "destination_as_number exists or destination_as_name exists or destination_country exists",
        "out_in_ratio = 4",                                                          /* 2300/500 */
        "out_in_ratio = 0 and direction = inbound and not destination_hosts exists", /* 500/900 */
    };
    static const uint64_t times[] = {2, 3, 3, 1, 1, 1, 1, 1, 2, 0, 0, 1, 1};
    with_conditions(rig, condition, sizeof condition / sizeof *condition);
    push(rig, 0, "10.0.0.1", "198.51.100.7", 443, 1000);
    push(rig, NS_PER_HOUR + NS_PER_S, "10.0.0.1", "198.51.100.8", 443, 700);
    push(rig, NS_PER_HOUR + 2 * NS_PER_S, "10.0.0.1", "198.51.100.7", 443, 2300);
    push(rig, NS_PER_HOUR + 3 * NS_PER_S, "203.0.113.5", "10.0.0.2", 22, 900);
    rig_finish(rig);
    count(rig, condition, times, sizeof condition / sizeof *condition);
}

/* Four hosts of five send to one destination in an hour: in the next it is widely used. Nothing
 * came in, so all that left is its ratio. */
static void test_who_uses_a_destination(void **state)
{
    struct rig *rig = *state;
    static const char *const condition[] = {
        "destination_hosts = 0",
        "destination_hosts = 4 and widely_used",
        "destination_hosts = 1 and not widely_used",
        "widely_used and out_in_ratio >= 700",
    };
    static const uint64_t times[] = {5, 1, 1, 1};
    with_conditions(rig, condition, 4);
    for (int i = 0; i < 4; i++) {
        char host[24];
        snprintf(host, sizeof host, "10.0.0.%d", 1 + i);
        push(rig, i * NS_PER_S, host, "198.51.100.7", 443, 1000);
    }
    push(rig, 5 * NS_PER_S, "10.0.0.5", "203.0.113.7", 443, 1000);
    struct flow_key key = make_flow_key("10.0.0.5", 50000, "198.51.100.7", 443);
    rig_push_flow(rig, MONDAY_8 + 2 * NS_PER_HOUR, &key, 700, 0);
    push(rig, 2 * NS_PER_HOUR + NS_PER_S, "10.0.0.1", "203.0.113.7", 443, 1000);
    rig_finish(rig);
    count(rig, condition, times, 4);
}

#ifdef WEIR_HAVE_MAXMINDDB
static void test_networks(void **state)
{
    struct rig *rig = *state;
    static const char *const condition[] = {
        "destination_as_number = 64500 and destination = AS64500",
        "destination_as_name contains \"EXAMPLE n\"",
        "destination_country in (JP, DE)",
        "destination_as_number != 64500 or destination_as_name != x or destination_country != jp",
    };
    static const uint64_t times[] = {1, 1, 1, 1}; /* of what is not known nothing holds */
    static struct mmdb db;
    char path[] = "/tmp/weir-ruled-XXXXXX";
    struct ip mapped = make_ip("198.51.100.0");
    mmdb_begin(&db);
    mmdb_put_map(&db, 3);
    mmdb_put_text(&db, "asn");
    mmdb_put_text(&db, "AS64500");
    mmdb_put_text(&db, "as_name");
    mmdb_put_text(&db, "Example Networks");
    mmdb_put_text(&db, "country_code");
    mmdb_put_text(&db, "JP");
    memset(mapped.byte, 0, 12);
    mmdb_prefix(&db, mapped.byte, 96 + 24, 0);
    close(mkstemp(path));
    assert_true(mmdb_write(&db, path));
    struct networks *networks = networks_open(path, &rig->error);
    assert_non_null(networks);
    rig->networks = networks;
    with_conditions(rig, condition, 4);
    push(rig, 0, "10.0.0.1", "198.51.100.7", 443, 1000);
    push(rig, NS_PER_S, "10.0.0.1", "203.0.113.7", 443, 1000);
    rig_finish(rig);
    count(rig, condition, times, 4);
    networks_close(networks);
    unlink(path);
}
#endif

static void test_rate_limit(void **state)
{
    struct rig *rig = *state;
    with_rules(
        rig,
        "- {rule: r, name: R, severity: 60, condition: out_bytes > 0, rate_limit: 2 per hour}\n");
    for (int i = 0; i < 5; i++) {
        char resp[24];
        snprintf(resp, sizeof resp, "198.51.%d.1", 100 + i);
        for (int n = 0; n < 3; n++) /* further flows of a story are not further stories */
            push(rig, (3 * i + n) * NS_PER_S, "10.0.0.1", resp, 443, 1000);
    }
    push(rig, 2 * NS_PER_HOUR, "10.0.0.1", "198.51.110.1", 443, 1000);
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(told(rig, "r", INCIDENT_OPEN), 3);
    assert_int_equal(counts->rules_withheld, 3);
    assert_int_equal(counts->rules_matched, 16);
    const struct finding *last = &rig->alert[2].finding;
    assert_int_equal(last->reason_count, 2);
    assert_string_equal(last->reason[1].code, "rule.rate_limit");
    assert_float_equal(last->reason[1].observed, 3, 0);
    assert_int_equal(rig->alert[1].finding.reason_count, 1);
}

/* An incident is told once, and again at each power of ten. */
static void test_told_once(void **state)
{
    struct rig *rig = *state;
    with_rules(rig, "- {rule: r, name: R, severity: 60, condition: out_bytes > 0}\n");
    for (int i = 0; i < 40; i++) /* 2 kB to 80 kB */
        push(rig, i * NS_PER_S, "10.0.0.1", "198.51.100.7", 443, 2000);
    rig_finish(rig);
    assert_int_equal(told(rig, "r", INCIDENT_OPEN), 1);
    assert_int_equal(told(rig, "r", INCIDENT_UPDATE), 1);
    assert_int_equal(told(rig, "r", INCIDENT_CLOSE), 1);
}

static void test_exceptions(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    with_rules(
        rig,
        "- {rule: r, name: R, severity: 60, condition: out_bytes > 0,\n"
        "   exceptions: [{name: a, when: host = 10.0.0.1, reason: may, expires: never},\n"
        "                {name: b, when: host = 10.0.0.2, reason: did, expires: 2026-03-01}]}\n"
        "- {exception: c, of: [content.personal], when: host = 10.0.0.3, reason: mail host, "
        "expires: 2026-03-02}\n");
    push(rig, 0, "10.0.0.1", "198.51.100.7", 443, 1000);
    push(rig, NS_PER_S, "10.0.0.2", "198.51.100.7", 443, 1000);
    for (int i = 0; i < 2; i++) { /* the same from two hosts */
        struct flow_key key = make_flow_key(i ? "10.0.0.4" : "10.0.0.3", 40000, "198.51.100.9", 25);
        make_items(&record, 1, MONDAY_8 + (10 + i) * NS_PER_S, &key, SIDE_ORIG, 0, 150);
        rig_push(rig, 0, &record);
        rig_push_flow(rig, MONDAY_8 + (10 + i) * NS_PER_S, &key, 9000, 10);
    }
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(told(rig, "r", INCIDENT_OPEN) + told(rig, "r", INCIDENT_UPDATE), 3);
    assert_int_equal(rig->alert[0].story.host.byte[15], 2);
    assert_string_equal(rig->alert[0].finding.reason[1].code, "exception.expired");
    assert_string_equal(rig->alert[0].finding.reason[1].text,
                        "exception b for this ended with 2026-03-01: did");
    for (size_t i = 0; i < rig->alerts; i++)
        if (strcmp(rig->alert[i].finding.detector->id, "content.personal") == 0)
            assert_int_equal(rig->alert[i].story.host.byte[15], 4);
    assert_true(counts->excepted >= 2);
}

static int fetch(void *context, const char *path, struct rules_file *file, struct error *error)
{
    (void)error;
    *file = (struct rules_file){path, context, strlen(context)};
    return 0;
}

static void test_lists(void **state)
{
    struct rig *rig = *state;
    static const char text[] =
        "- {intel: feed, file: x, format: lines, severity: 88, urgency: now}\n";
    static char list[] = "198.51.100.7 # a drop\nevil.example\n";
    struct rules_file file = {"r.yaml", text, sizeof text - 1};
    union any_record record;
    engine_free(rig->engine);
    rig->rules = rules_load(&file, 1, fetch, list, &rig->error);
    rig_new_engine(rig);
    push(rig, 0, "10.0.0.1", "198.51.100.7", 443, 1000);
    push(rig, NS_PER_S, "10.0.0.1", "198.51.100.8", 443, 1000);
    struct flow_key key = make_flow_key("10.0.0.1", 41000, "203.0.113.8", 443);
    make_flow(&record, 1, MONDAY_8 + 2 * NS_PER_S, &key, 1000, 10);
    give_server_name(&record, "a.evil.example");
    rig_push(rig, 0, &record);
    rig_finish(rig);
    assert_int_equal(told(rig, "intel.match", INCIDENT_OPEN), 2);
    assert_int_equal(rig->alert[0].finding.score, 88);
    assert_int_equal(rig->alert[0].finding.urgency, URGENCY_NOW);
    assert_string_equal(rig->alert[1].finding.reason[0].text,
                        "server_name a.evil.example is on list feed; 1.0 kB left for it");
}

/* `end_ns` 0: it goes on. */
static void push_empty(struct rig *rig, int64_t after_ns, int64_t end_ns, const char *resp,
                       uint16_t port)
{
    union any_record record;
    struct flow_key key = make_flow_key("10.0.0.1", (uint16_t)(20000 + after_ns), resp, port);
    make_empty(&record, 1, MONDAY_8 + after_ns, &key);
    if (end_ns != 0)
        make_silent_end(&record, MONDAY_8 + end_ns);
    rig_push(rig, 0, &record);
}

/* Of 10.0.0.1 and who is asked for; NULL: the whole host's. */
static const struct story *story_to(const struct rig *rig, const char *resp)
{
    struct ip host = make_ip("10.0.0.1"), to = make_ip(resp ? resp : "10.0.0.1");
    struct destination destination = destination_of_prefix(ROLE_CLIENT, &to);
    struct open_story *open =
        stories_find(&rig->engine->stories, &host, resp ? &destination : NULL);
    assert_non_null(open);
    return &open->story;
}

/* Of what carried nothing there is a story for what speaks of it. */
static void test_of_a_flow_that_carried_nothing(void **state)
{
    struct rig *rig = *state;
    static const char text[] =
        "- {intel: feed, file: x, format: lines, severity: 88, urgency: now}\n"
        "- {rule: r, name: R, severity: 60, condition: server_port = 445 and out_bytes = 0}\n"
        "- {rule: never, name: N, severity: 60, condition: out_bytes_story > 5000}\n";
    static char list[] = "198.51.100.7\n";
    struct rules_file file = {"r.yaml", text, sizeof text - 1};
    engine_free(rig->engine);
    rig->rules = rules_load(&file, 1, fetch, list, &rig->error);
    rig_new_engine(rig);
    static const char *const to[] = {"198.51.100.7", "198.51.101.7", "198.51.102.7"};
    static const uint16_t port[] = {80, 445, 80};
    push(rig, 0, "10.0.0.1", "203.0.113.1", 443, 1000);
    for (int i = 0; i < 6; i++)
        push_empty(rig, 1 + i % 3, i < 3 ? 0 : 50 * NS_PER_S + i, to[i % 3], port[i % 3]);
    rig_finish(rig);
    assert_int_equal(rig->engine->stories.map.count, 4);
    assert_int_equal(told(rig, "intel.match", INCIDENT_OPEN), 1);
    assert_int_equal(told(rig, "r", INCIDENT_OPEN), 1);
    assert_int_equal(rig->alert[0].story.flows_total, 1);
    assert_int_equal(rig->alert[0].story.out_packets, 4);
    for (int i = 0; i < 2; i++) {
        const struct story *story = story_to(rig, to[i]);
        assert_int_equal(story->flows_total, 1);
        assert_int_equal(story->out_packets, 4);
        assert_int_equal(story->first.ns, MONDAY_8 + 1 + i - NS_PER_S);
    }
    assert_int_equal(story_to(rig, NULL)->flows_total, 4);
}

/* Three attempts, then one that carries something; two of those end before the story is told, the
 * third behind it, all in silence. */
static void try_and_carry(struct rig *rig)
{
    union any_record items;
    for (int i = 0; i < 3; i++)
        push_empty(rig, i, 0, "203.0.113.1", 443);
    push(rig, 20 * NS_PER_S, "10.0.0.1", "203.0.113.1", 443, 1000);
    push_empty(rig, 0, 50 * NS_PER_S, "203.0.113.1", 443);
    push_empty(rig, 1, 51 * NS_PER_S, "203.0.113.1", 443);
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "203.0.113.1", 25);
    make_items(&items, 1, MONDAY_8 + 60 * NS_PER_S, &key, SIDE_ORIG, 0, 250);
    rig_push(rig, 0, &items);
    rig_push_flow(rig, MONDAY_8 + 60 * NS_PER_S, &key, 9000, 10);
    push_empty(rig, 2, 70 * NS_PER_S, "203.0.113.1", 443);
    rig_finish(rig);
}

static void assert_same_figures(const struct story *a, const struct story *b)
{
    assert_int_equal(a->first.ns, b->first.ns);
    assert_int_equal(a->last.ns, b->last.ns);
    assert_int_equal(a->flows_total, b->flows_total);
    assert_int_equal(a->out_packets, b->out_packets);
    assert_int_equal(a->flow_count, b->flow_count);
}

/* What an alert tells is the same whether or not rules that say nothing are there. */
static void test_rules_that_never_match(void **state)
{
    struct rig *ruled = *state, *bare = rig_open(1, 1000);
    with_rules(ruled,
               "- {rule: never, name: N, severity: 60, condition: out_bytes_story > 5000000}\n");
    try_and_carry(ruled);
    try_and_carry(bare);
    for (int i = 0; i < 2; i++) {
        const char *to = i ? "203.0.113.1" : NULL;
        assert_same_figures(story_to(ruled, to), story_to(bare, to));
    }
    assert_int_equal(story_to(bare, "203.0.113.1")->flows_total, 2);
    assert_int_equal(story_to(bare, "203.0.113.1")->first.ns, MONDAY_8 + 19 * NS_PER_S);
    assert_int_equal(told(bare, "content.personal", INCIDENT_OPEN), 1);
    assert_int_equal(ruled->alerts, bare->alerts);
    for (size_t i = 0; i < bare->alerts; i++) {
        assert_string_equal(ruled->alert[i].id, bare->alert[i].id);
        assert_same_figures(&ruled->alert[i].story, &bare->alert[i].story);
    }
    rig_close(bare);
}

static void test_rules_that_count_flows(void **state)
{
    struct rig *rig = *state;
    with_rules(rig, "- {rule: r, name: R, severity: 60, condition: flows_story > 4}\n");
    push(rig, 0, "10.0.0.1", "203.0.113.1", 443, 1000);
    for (int i = 0; i < 10; i++)
        push_empty(rig, 1 + i % 5, i < 5 ? 0 : 50 * NS_PER_S + i, "198.51.100.7", 445);
    rig_finish(rig);
    assert_int_equal(told(rig, "r", INCIDENT_OPEN), 1);
    assert_int_equal(rig->alert[0].story.flows_total, 5);
    const struct story *story = story_to(rig, "198.51.100.7");
    assert_int_equal(story->flows_total, 5);
    assert_int_equal(story->out_packets, 20);
    assert_int_equal(story->first.ns, MONDAY_8 + 1 - NS_PER_S);
    assert_int_equal(story_to(rig, NULL)->flows_total, 6);
}

/* Trust lowers the budget of the pair it speaks of, and of nothing else. */
static void test_trust(void **state)
{
    struct rig *rig = *state;
    struct story story = {.host = make_ip("10.0.0.1"),
                          .source = make_ip("10.0.0.1"),
                          .has_destination = true,
                          .flow_count = 1,
                          .destination = {ROLE_CLIENT, DESTINATION_DOMAIN, "example.jp"},
                          .server_name = "www.example.jp"};
    struct ptime now = {MONDAY_8}, tomorrow = {MONDAY_8 + NS_PER_DAY};
    assert_float_equal(ruled_bar(rig->engine, &story, now), 1, 0); /* nobody said anything */
    with_rules(rig, "- {trust: t, when: server_name under example.jp, reason: ours, expires: "
                    "2026-03-02, bar: 50}\n");
    assert_float_equal(ruled_bar(rig->engine, &story, now), 50, 0);
    assert_float_equal(ruled_bar(rig->engine, &story, tomorrow), 1, 0);
    story.unverified_out = 1; /* now it is a name that anybody may give */
    assert_float_equal(ruled_bar(rig->engine, &story, now), 1, 0);
    rig_finish(rig);
}

/* --- an edit --------------------------------------------------------------------------------- */

static int set_up_live(void **state)
{
    struct rig *rig = rig_open_live(1, 1000, 0);
    rig->checkpoint = true;
    *state = rig;
    return 0;
}

/* Everything up to here is taken, and in a snapshot: what follows is judged by other rules. */
static void settle(struct rig *rig)
{
    uint64_t before = engine_status_of(rig->engine).snapshots;
    for (int i = 0; i < 200 && engine_status_of(rig->engine).snapshots == before; i++) {
        assert_int_equal(engine_checkpoint(rig->engine, &rig->error), 0);
        rig_turn(rig, 20 * NS_PER_MS);
    }
    assert_true(engine_status_of(rig->engine).snapshots > before);
}

static void reload(struct rig *rig, const char *text)
{
    struct rules *before = (struct rules *)(uintptr_t)rig->rules;
    settle(rig);
    engine_free(rig->engine);
    rig_close_journal(rig);
    store_free(rig->store);
    rig->ready = false;
    rules_free(before);
    rig->rules = load(text);
    rig_open_store(rig);
    rig_open_journal(rig);
    rig_new_engine(rig);
    assert_int_equal(engine_attach(rig->engine, 0, 0, &rig->ring[0], &rig->error), 0);
    engine_begin(rig->engine, NULL);
    rig_turn(rig, 50 * NS_PER_MS);
}

static void go_on(struct rig *rig, int64_t after_ns, uint64_t alerts)
{
    rig_push_watermark(rig, 0, MONDAY_8 + after_ns);
    for (int i = 0; i < 200 && (engine_counts_of(rig->engine)->alerts < alerts ||
                                engine_ring_of(rig->engine, 0).used > 0);
         i++)
        rig_turn(rig, 20 * NS_PER_MS);
    assert_int_equal(engine_counts_of(rig->engine)->alerts, alerts);
}

static const struct incident *incident_of(const struct rig *rig, unsigned last_byte, size_t *count)
{
    const struct incident *found = NULL;
    const struct incident **all = incidents_sorted(engine_incidents(rig->engine), count);
    for (size_t i = 0; i < *count; i++)
        if (all[i]->story.host.byte[15] == last_byte)
            found = all[i];
    free(all);
    return found;
}

/* Renamed and made graver it is the same incident; excepted or taken away it is closed, and says
 * why. */
static void test_edits(void **state)
{
    struct rig *rig = *state;
    size_t count;
    engine_free(rig->engine);
    rig->rules = load("- {rule: r, name: R, severity: 60, condition: out_bytes > 0}\n");
    rig_new_engine(rig);
    assert_int_equal(engine_attach(rig->engine, 0, 0, &rig->ring[0], &rig->error), 0);
    engine_begin(rig->engine, NULL);
    for (uint8_t i = 1; i <= 3; i++) {
        char host[24];
        snprintf(host, sizeof host, "10.0.0.%d", i);
        push(rig, i * NS_PER_S, host, "198.51.100.7", 443, 1000);
    }
    go_on(rig, 2 * NS_PER_MIN, 3);

    reload(rig,
           "- {rule: r, name: Renamed, severity: 80, condition: in_bytes > 0,\n"
           "   exceptions: [{name: e, when: host = 10.0.0.1, reason: agreed, expires: never}]}\n");
    push(rig, 3 * NS_PER_MIN, "10.0.0.2", "198.51.100.7", 443, 1000);
    push(rig, 3 * NS_PER_MIN, "10.0.0.1", "198.51.100.7", 443, 1000);
    go_on(rig, 5 * NS_PER_MIN, 4); /* the one that closes */
    const struct incident *closed = incident_of(rig, 1, &count);
    assert_int_equal(count, 3);
    assert_true(closed->closed);
    const struct finding *word = &closed->rank[0].finding;
    assert_string_equal(word->reason[word->reason_count - 1].text, "closed by exception e: agreed");
    assert_false(incident_of(rig, 2, &count)->closed);
    assert_int_equal(incident_of(rig, 2, &count)->score, 80);

    reload(rig, "- {rule: other, name: O, severity: 60, condition: ech}\n");
    go_on(rig, 8 * NS_PER_MIN, 6);
    closed = incident_of(rig, 3, &count);
    assert_int_equal(count, 3);
    assert_true(closed->closed && incident_of(rig, 2, &count)->closed);
    word = &closed->rank[0].finding;
    assert_string_equal(word->reason[word->reason_count - 1].text,
                        "closed: rule r is no longer there");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_facts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_uses_a_destination, set_up, tear_down),
#ifdef WEIR_HAVE_MAXMINDDB
        cmocka_unit_test_setup_teardown(test_networks, set_up, tear_down),
#endif
        cmocka_unit_test_setup_teardown(test_rate_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exceptions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_of_a_flow_that_carried_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_that_count_flows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_that_never_match, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trust, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_edits, set_up_live, tear_down),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
