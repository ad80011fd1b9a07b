/* What client networks ask of inside servers: counted by network and day, held against others,
 * whatever the order. */
#include "rig.h"

#include "../../../sensor/engine/internal.h"
#include "../../../sensor/engine/swept.h"

#define DAY (24 * NS_PER_HOUR)

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

/* One flow of `client` to the server, of which items `first` … `first + count − 1` are told. */
static void ask_of(struct rig *rig, int64_t time_ns, const char *client, enum content_class class,
                   uint64_t first, size_t count)
{
    union any_record record;
    struct flow_key key = make_flow_key(client, 40000, "10.0.0.80", 80);
    make_items(&record, 1, time_ns, &key, SIDE_RESP, first, count);
    record.content.class = (uint8_t) class;
    assert_int_equal(record_validate(&record, record.header.size), RECORD_OK);
    rig_push(rig, 0, &record);
    rig_push_flow(rig, time_ns, &key, 100, 1000);
}

/* `count` networks, each with one account and one project of its own. */
static void others(struct rig *rig, int64_t time_ns, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char client[32];
        snprintf(client, sizeof client, "198.51.%u.9", i);
        ask_of(rig, time_ns + 2 * i, client, CONTENT_ACCOUNT, 1000 + i, 1);
        ask_of(rig, time_ns + 2 * i + 1, client, CONTENT_PROJECT, 2000 + i, 1);
    }
}

/* Alerts of the row, and what the last one observed first. */
static size_t swept(const struct rig *rig, double *observed)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->alerts; i++) {
        const struct alert *alert = &rig->alert[i];
        if (strcmp(alert->finding.detector->id, "served.sweep") != 0)
            continue;
        count++;
        *observed = alert->finding.reason[0].observed;
        assert_string_equal(alert->story.destination.name, "203.0.113.0/24");
    }
    return count;
}

/* Two addresses of one network are one client, an item that comes again is one item, and what was
 * refused is none. */
static void test_distinct(void **state)
{
    struct rig *rig = *state;
    double observed = 0;
    others(rig, MONDAY_8, 5);
    ask_of(rig, MONDAY_8 + NS_PER_MIN, "203.0.113.7", CONTENT_REFUSED, 500, 100);
    ask_of(rig, MONDAY_8 + 2 * NS_PER_MIN, "203.0.113.7", CONTENT_ACCOUNT, 0, 3);
    ask_of(rig, MONDAY_8 + 3 * NS_PER_MIN, "203.0.113.7", CONTENT_ACCOUNT, 0, 3);
    ask_of(rig, MONDAY_8 + 4 * NS_PER_MIN, "203.0.113.8", CONTENT_ACCOUNT, 2, 2);
    ask_of(rig, MONDAY_8 + 5 * NS_PER_MIN, "203.0.113.8", CONTENT_ACCOUNT, 0, 5);
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(counts->asked_forgotten, 0);
    assert_true(swept(rig, &observed) >= 1);
    assert_true(observed == 5);
}

static void test_one_less(void **state)
{
    struct rig *rig = *state;
    double observed = 0;
    others(rig, MONDAY_8, 5);
    ask_of(rig, MONDAY_8 + NS_PER_MIN, "203.0.113.7", CONTENT_ACCOUNT, 0, 4);
    ask_of(rig, MONDAY_8 + 2 * NS_PER_MIN, "203.0.113.7", CONTENT_PROJECT, 0, 19);
    rig_finish(rig);
    assert_int_equal(swept(rig, &observed), 0);
}

/* It came first: told when the fifth of the others makes a measure of them. */
static void test_before_the_others(void **state)
{
    struct rig *rig = *state;
    double observed = 0;
    ask_of(rig, MONDAY_8, "203.0.113.7", CONTENT_PROJECT, 0, 30);
    others(rig, MONDAY_8 + NS_PER_MIN, 5);
    rig_finish(rig);
    assert_true(swept(rig, &observed) >= 1);
    assert_true(observed == 30);
}

static void test_too_few_others(void **state)
{
    struct rig *rig = *state;
    double observed = 0;
    ask_of(rig, MONDAY_8, "203.0.113.7", CONTENT_PROJECT, 0, 30);
    ask_of(rig, MONDAY_8 + 1, "203.0.113.7", CONTENT_ACCOUNT, 0, 8);
    others(rig, MONDAY_8 + NS_PER_MIN, 4);
    rig_finish(rig);
    assert_int_equal(swept(rig, &observed), 0);
}

/* A day begins anew: three accounts on each of two days are no six. */
static void test_days(void **state)
{
    struct rig *rig = *state;
    double observed = 0;
    others(rig, MONDAY_8, 5);
    ask_of(rig, MONDAY_8 + NS_PER_MIN, "203.0.113.7", CONTENT_ACCOUNT, 0, 3);
    ask_of(rig, MONDAY_8 + DAY, "203.0.113.7", CONTENT_ACCOUNT, 3, 3);
    rig_finish(rig);
    assert_int_equal(swept(rig, &observed), 0);
}

/* An office of 19 that nobody could be compared with is known when others come: 56 of it are no
 * sweep, 57 are. */
static void test_who_always_did(void **state)
{
    struct rig *rig = *state;
    double observed = 0;
    ask_of(rig, MONDAY_8, "203.0.113.7", CONTENT_ACCOUNT, 0, 19);
    others(rig, MONDAY_8 + DAY, 5);
    ask_of(rig, MONDAY_8 + DAY + NS_PER_MIN, "203.0.113.7", CONTENT_ACCOUNT, 0, 56);
    rig_push_watermark(rig, 0, MONDAY_8 + DAY + 2 * NS_PER_MIN);
    engine_begin(rig->engine, NULL);
    rig_rest(rig);
    assert_int_equal(swept(rig, &observed), 0);
    ask_of(rig, MONDAY_8 + DAY + 3 * NS_PER_MIN, "203.0.113.7", CONTENT_ACCOUNT, 56, 1);
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
    assert_true(swept(rig, &observed) >= 1);
    assert_true(observed == 57);
}

/* What the others are measured by: a large office yes, one that was told no. */
static void test_measure(void **state)
{
    struct rig *rig = *state;
    others(rig, MONDAY_8, 5);
    ask_of(rig, MONDAY_8 + NS_PER_MIN, "192.0.2.7", CONTENT_ACCOUNT, 100, 50); /* told */
    ask_of(rig, MONDAY_8 + 2 * NS_PER_MIN, "203.0.113.7", CONTENT_ACCOUNT, 0, 6);
    rig_finish(rig);
    size_t told[2] = {0, 0};
    for (size_t i = 0; i < rig->alerts; i++)
        told[strcmp(rig->alert[i].story.destination.name, "203.0.113.0/24") == 0]++;
    assert_true(told[0] >= 1 && told[1] >= 1);
}

static void test_beside_a_large_office(void **state)
{
    struct rig *rig = *state;
    double observed = 0;
    ask_of(rig, MONDAY_8, "192.0.2.7", CONTENT_ACCOUNT, 100, 4);
    others(rig, MONDAY_8 + NS_PER_MIN, 5);
    ask_of(rig, MONDAY_8 + 2 * NS_PER_MIN, "203.0.113.7", CONTENT_ACCOUNT, 0, 11);
    rig_finish(rig);
    assert_int_equal(swept(rig, &observed), 0);
}

/* What the client says, and what an inside client asks of an outside server, is not counted. */
static void test_other_ways(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct flow_key in = make_flow_key("203.0.113.7", 40000, "10.0.0.80", 80);
    struct flow_key out = make_flow_key("10.0.0.80", 40000, "203.0.113.7", 80);
    double observed = 0;
    others(rig, MONDAY_8, 5);
    for (int i = 0; i < 3; i++) {
        const struct flow_key *key = i == 0 ? &in : &out;
        make_items(&record, 1, MONDAY_8 + NS_PER_MIN + i, key, i == 2 ? SIDE_RESP : SIDE_ORIG, 0,
                   100);
        record.content.class = CONTENT_ACCOUNT;
        rig_push(rig, 0, &record);
        rig_push_flow(rig, MONDAY_8 + NS_PER_MIN + i, key, 100, 1000);
    }
    rig_finish(rig);
    assert_int_equal(swept(rig, &observed), 0);
    assert_int_equal(rig->alerts, 0);
}

/* A server that is forgotten while its clients are not: nobody is left to compare them with, and
 * that is not four thousand million others. */
static void test_a_forgotten_server(void **state)
{
    struct rig *rig = *state;
    struct swept *swept_of = &rig->engine->swept;
    double observed = 0;
    ask_of(rig, MONDAY_8, "203.0.113.7", CONTENT_ACCOUNT, 0, 1);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_MIN);
    engine_begin(rig->engine, NULL);
    rig_rest(rig);
    assert_int_equal(swept_of->pairs.young.count + swept_of->pairs.old.count, 1);
    recent_keys_fini(&swept_of->servers);
    recent_keys_init(&swept_of->servers, SWEPT_SERVERS, sizeof(struct swept_server));
    ask_of(rig, MONDAY_8 + 2 * NS_PER_MIN, "203.0.113.7", CONTENT_ACCOUNT, 1, 15);
    ask_of(rig, MONDAY_8 + 3 * NS_PER_MIN, "203.0.113.7", CONTENT_PROJECT, 0, 100);
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
    assert_int_equal(swept(rig, &observed), 0); /* 16 accounts: 20 without a measure */
}

/* Told just before midnight, in a flow whose record comes just after it. */
static void test_over_midnight(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct flow_key key = make_flow_key("203.0.113.7", 40000, "10.0.0.80", 80);
    int64_t midnight = MONDAY_8 + 16 * NS_PER_HOUR;
    double observed = 0;
    others(rig, midnight - NS_PER_HOUR, 5);
    make_items(&record, 1, midnight - NS_PER_S, &key, SIDE_RESP, 0, 8);
    record.content.class = CONTENT_ACCOUNT;
    rig_push(rig, 0, &record);
    rig_push_flow(rig, midnight + NS_PER_S, &key, 100, 1000);
    rig_finish(rig);
    assert_true(swept(rig, &observed) >= 1);
    assert_true(observed == 8);
}

/* More than is counted of a pair and day. */
static void test_bound(void **state)
{
    struct rig *rig = *state;
    double observed = 0;
    for (unsigned i = 0; i < 20; i++)
        ask_of(rig, MONDAY_8 + i, "203.0.113.7", CONTENT_ACCOUNT, 256 * i, 256);
    const struct engine_counts *counts = rig_finish(rig);
    assert_true(swept(rig, &observed) >= 1);
    assert_true(observed == SWEPT_MOST);
    assert_int_equal(counts->asked_forgotten, 0);
}

static void test_packed(void **state)
{
    struct swept swept, again;
    struct buffer out = {0};
    (void)state;
    swept_init(&swept);
    for (uint64_t i = 0; i < 20; i++) {
        recent_keys_put(&swept.items, i);
        ((struct swept_pair *)recent_keys_put(&swept.pairs, i))->today[SWEPT_PROJECTS] = 7;
    }
    ((struct swept_server *)recent_keys_put(&swept.servers, 1))->networks[SWEPT_ACCOUNTS] = 9;
    swept_pack(&swept, &out);
    for (size_t size = 0; size < out.size; size++) {
        struct cursor in = cursor_make(out.data, size);
        swept_init(&again);
        assert_false(swept_unpack(&again, &in));
        swept_fini(&again);
    }
    struct cursor in = cursor_make(out.data, out.size);
    swept_init(&again);
    assert_true(swept_unpack(&again, &in) && cursor_left(&in) == 0);
    struct swept_pair *pair = recent_keys_get(&again.pairs, 3);
    assert_int_equal(pair->today[SWEPT_PROJECTS], 7);
    struct swept_server *server = recent_keys_get(&again.servers, 1);
    assert_int_equal(server->networks[SWEPT_ACCOUNTS], 9);
    assert_int_equal(swept_forgotten(&again), 0);
    buffer_fini(&out);
    swept_fini(&swept);
    swept_fini(&again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_distinct),
        TEST(test_one_less),
        TEST(test_before_the_others),
        TEST(test_too_few_others),
        TEST(test_days),
        TEST(test_who_always_did),
        TEST(test_measure),
        TEST(test_beside_a_large_office),
        TEST(test_other_ways),
        TEST(test_a_forgotten_server),
        TEST(test_over_midnight),
        TEST(test_bound),
        cmocka_unit_test(test_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
