/* People change the memory while the engine runs: what is forgotten is not published again with
 * what was open of it, and a profile that was changed is read again before it is judged by. */
#include "../../../sensor/engine/internal.h"
#include "rig.h"

#define HOST  "10.0.0.1"
#define BEGIN (MONDAY_8 + NS_PER_MIN)

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

static void push(struct rig *rig, int64_t after_ns, uint16_t port, const char *host, uint64_t bytes)
{
    struct flow_key key = make_flow_key(host, port, "198.51.100.9", 443);
    rig_push_flow(rig, BEGIN + after_ns, &key, bytes, 10);
    rig_push_watermark(rig, 0, BEGIN + after_ns + NS_PER_MS);
    rig_rest(rig);
}

static void end(struct rig *rig)
{
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
    assert_int_equal(rig->error.code, ERROR_NONE);
}

static uint64_t counted(struct rig *rig, const char *host)
{
    struct ip ip;
    struct civil civil = calendar_at(rig->calendar, (struct ptime){MONDAY_8});
    ip_parse(host, &ip);
    return totals_get(rig->engine->totals, &ip, civil.hour)->out.value;
}

static void test_forgotten_with_what_was_open(void **state)
{
    struct rig *rig = *state;
    struct ip ip;
    ip_parse(HOST, &ip);
    engine_begin(rig->engine, NULL);
    push(rig, 0, 40000, HOST, 5000);
    push(rig, NS_PER_S, 40001, "10.0.0.2", 700);
    assert_int_equal(engine_memory_changed(rig->engine, &ip, true), ENGINE_CHANGED);
    push(rig, 2 * NS_PER_S, 40002, HOST, 100);
    end(rig);
    assert_int_equal(counted(rig, HOST), 100);
    assert_int_equal(counted(rig, "10.0.0.2"), 700);
}

/* Without `forget` the hour goes on as it was. */
static void test_changed_keeps_what_is_open(void **state)
{
    struct rig *rig = *state;
    struct ip ip;
    ip_parse(HOST, &ip);
    engine_begin(rig->engine, NULL);
    push(rig, 0, 40000, HOST, 5000);
    assert_int_equal(engine_memory_changed(rig->engine, &ip, false), ENGINE_CHANGED);
    assert_int_equal(engine_memory_changed(rig->engine, NULL, false), ENGINE_CHANGED);
    push(rig, 2 * NS_PER_S, 40002, HOST, 100);
    end(rig);
    assert_int_equal(counted(rig, HOST), 5100);
}

/* A host that is there in the store only after somebody put it there. */
static void test_a_changed_profile_is_read_again(void **state)
{
    struct rig *rig = *state;
    struct ip ip;
    struct buffer blob = {0};
    ip_parse(HOST, &ip);
    engine_begin(rig->engine, NULL);
    push(rig, 0, 40000, HOST, 5000); /* asks the store: there is none */
    assert_int_equal(engine_history_of(rig->engine).hosts, 0);
    struct civil civil = calendar_at(rig->calendar, (struct ptime){MONDAY_8});
    struct profile *profile = profile_new(&ip, civil.hour - 500);
    profile_catch_up(profile, civil.hour - 1, rig->calendar, NULL, NULL);
    profile_pack(profile, &blob);
    store_replace_profile(rig->store, &ip, NULL, 0, profile->last_closed_hour, blob.data, blob.size,
                          NULL, NULL);
    profile_free(profile);
    buffer_fini(&blob);
    assert_int_equal(engine_memory_changed(rig->engine, &ip, false), ENGINE_CHANGED);
    push(rig, 2 * NS_PER_S, 40002, HOST, 100);
    for (int i = 0; i < 600 && engine_history_of(rig->engine).hosts == 0; i++)
        rig_rest(rig); /* the store answers when it can */
    assert_int_equal(engine_history_of(rig->engine).hosts, 1);
    assert_int_equal(engine_history_of(rig->engine).longest_hours, 500);
    end(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_forgotten_with_what_was_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changed_keeps_what_is_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_changed_profile_is_read_again, set_up, tear_down),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
