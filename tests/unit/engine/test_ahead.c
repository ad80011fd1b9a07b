/* What is fetched ahead is what is asked for then: the hashes of a record's keys are those under
 * which it was accounted. Nothing else would notice that they are not: a wrong guess costs time.
 * Skipped (77) where redis-server is not installed. */
#include "rig.h"

#include "../../../sensor/engine/internal.h"
#include "../../../sensor/engine/stories_kept.h"

#define RECORDS 20 /* more than are looked at ahead of the first */

static const char inside[] = "10.0.0.1", outside[] = "198.51.100.1";

static int set_up(void **state)
{
    *state = rig_open(1, 1000);
    return 0;
}

static int tear_down(void **state)
{
    rig_close(*state);
    return 0;
}

static void push_answer(struct rig *rig)
{
    union any_record record;
    struct ip address = make_ip(outside);
    make_question(&record, 1, MONDAY_8, "www.example.jp");
    rig_push(rig, 0, &record);
    make_answer(&record, 2, MONDAY_8 + 1, "www.example.jp", &address, 1);
    rig_push(rig, 0, &record);
}

static void push_flows(struct rig *rig, const struct flow_key *key, const char *server_name)
{
    union any_record record;
    for (int i = 1; i <= RECORDS; i++) {
        make_flow(&record, 1, MONDAY_8 + i * NS_PER_S, key, 1000, 10);
        give_server_name(&record, server_name);
        rig_push(rig, 0, &record);
    }
    rig_push_watermark(rig, 0, MONDAY_8 + (RECORDS + 1) * NS_PER_S);
    engine_begin(rig->engine, NULL);
    rig_rest(rig);
    assert_int_equal(rig->flows, RECORDS);
}

/* Of the last record that was consumed. */
static const struct ahead_record *last(const struct rig *rig)
{
    const struct ahead *ahead = &rig->engine->ahead;
    const struct ahead_record *of = &ahead->of[(ahead->done - 1) % AHEAD_ROOM];
    assert_int_equal(of->number, ahead->done - 1);
    return of;
}

static void assert_destination(const struct destination *destination, const struct destination *is)
{
    assert_int_equal(destination->role, is->role);
    assert_int_equal(destination->kind, is->kind);
    assert_string_equal(destination->name, is->name);
}

static void expect_found(struct rig *rig, enum pair_role role, const char *name)
{
    const struct ahead_record *of = last(rig);
    const struct engine *engine = rig->engine;
    struct ip ip = make_ip(inside);
    assert_int_equal(rig->destination.role, role);
    assert_string_equal(rig->destination.name, name);
    const struct host *host = map_expect(&engine->hosts, of->host);
    assert_non_null(host);
    assert_memory_equal(&host->ip, &ip, sizeof ip);
    assert_ptr_equal(of->known, host);
    assert_non_null(host->total.other);
    const struct host_total *total = TIE_OWNER(host->total.other, struct host_total, tie);
    const struct pair_total *pair = map_expect(&total->pairs, of->place);
    assert_non_null(pair);
    assert_destination(&pair->destination, &rig->destination);
    assert_int_equal(pair->out.value, RECORDS * (role == ROLE_CLIENT ? 1000 : 10));
    const struct story_entry *entry = map_expect(&engine->stories.map, of->story);
    assert_non_null(entry);
    assert_ptr_equal(pair->tie.other, &entry->tie);
}

static void test_a_prefix(void **state)
{
    struct flow_key key = make_flow_key(inside, 40000, outside, 443);
    push_flows(*state, &key, "");
    expect_found(*state, ROLE_CLIENT, "198.51.100.0/24");
}

static void test_a_name(void **state)
{
    struct flow_key key = make_flow_key(inside, 40000, outside, 443);
    push_answer(*state);
    push_flows(*state, &key, "www.example.jp");
    expect_found(*state, ROLE_CLIENT, "example.jp");
}

static void test_who_is_served(void **state)
{
    struct flow_key key = make_flow_key(outside, 40000, inside, 443);
    push_flows(*state, &key, "www.example.jp");
    expect_found(*state, ROLE_SERVED, "198.51.100.0/24");
}

/* A question's two entries, and its own key; an answer's is the same. */
static void test_a_question(void **state)
{
    static const struct ip all;
    struct rig *rig = *state;
    const struct engine *engine = rig->engine;
    union any_record record;
    struct ip address = make_ip(outside);
    for (int i = 1; i <= RECORDS; i++) {
        make_question(&record, 1, MONDAY_8 + i * NS_PER_S, "www.example.jp");
        rig_push(rig, 0, &record);
    }
    make_question(&record, 1, MONDAY_8 + (RECORDS + 1) * NS_PER_S, "waits.example.jp");
    rig_push(rig, 0, &record);
    rig_push_watermark(rig, 0, MONDAY_8 + (RECORDS + 1) * NS_PER_S);
    engine_begin(rig->engine, NULL);
    rig_rest(rig);
    const struct ahead_record *of = last(rig);
    assert_true(of->name.is_one);
    const struct asked_entry *client =
        map_expect(&engine->tunnelled.questions.entries, of->name.client);
    const struct asked_entry *domain =
        map_expect(&engine->tunnelled.questions.entries, of->name.domain);
    assert_non_null(client);
    assert_non_null(domain);
    assert_string_equal(client->domain, "example.jp");
    assert_string_equal(domain->domain, "example.jp");
    assert_memory_equal(&client->client, &client->flow.orig_ip, sizeof client->client);
    assert_memory_equal(&domain->client, &all, sizeof all);
    const char *asked = map_expect(&engine->names.questions.young, of->name.asked);
    assert_non_null(asked);
    make_answer(&record, 1, MONDAY_8 + (RECORDS + 2) * NS_PER_S, "waits.example.jp", &address, 1);
    struct ahead_name answer = {.is_one = false};
    ahead_name(engine, &record.name, &answer);
    assert_int_equal(answer.asked, of->name.asked);
    assert_int_equal(answer.client | answer.domain, 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_a_prefix),
        WITH(test_a_name),
        WITH(test_who_is_served),
        WITH(test_a_question),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
