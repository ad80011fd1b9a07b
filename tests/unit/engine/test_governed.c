/* What people change of a host's baseline through an engine. Skipped (77) where redis-server is not
 * installed. */
#include "rig.h"

#include "../door.h"

#include "../../../sensor/engine/internal.h"
#include "weir/engine/govern.h"
#include "weir/engine/present.h"

#define NONE GOVERN_RESULTS

struct answer {
    enum govern_result result;
    bool there, frozen, done;
    unsigned times;
    size_t size;    /* of the blob */
    char line[512]; /* the audit's last */
    unsigned lines;
};

static void put_profile(struct rig *rig, const struct ip *ip)
{
    struct buffer blob = {0};
    struct profile *profile = profile_new(ip, 480000);
    profile->last_closed_hour = 480001;
    profile->hours_seen[HOUR_WORK_WEEKDAY] = 2;
    profile_pack(profile, &blob);
    store_put_profile(rig->store, ip, INT64_MIN, profile->last_closed_hour, blob.data, blob.size,
                      NULL, NULL);
    buffer_fini(&blob);
    profile_free(profile);
}

static void put_frozen(struct rig *rig, const struct ip *ip)
{
    struct buffer blob = {0};
    struct profile *profile = profile_new(ip, 480000);
    profile->last_closed_hour = 480001;
    profile->frozen = true;
    profile_pack(profile, &blob);
    store_replace_profile(rig->store, ip, NULL, 0, profile->last_closed_hour, blob.data, blob.size,
                          NULL, NULL);
    buffer_fini(&blob);
    profile_free(profile);
    while (store_pending(rig->store) > 0)
        rig_turn(rig, NS_PER_MS);
}

static int set_up(void **state)
{
    struct rig *rig = rig_open(1, 1000);
    struct ip host = make_ip("10.0.0.1");
    put_profile(rig, &host);
    while (store_pending(rig->store) > 0)
        rig_turn(rig, NS_PER_MS);
    engine_begin(rig->engine, NULL);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_close(*state);
    return 0;
}

static void on_done(void *context, enum govern_result result)
{
    struct answer *answer = context;
    answer->result = result;
    answer->times++;
}

static enum govern_result govern(struct rig *rig, const char *host, enum govern_verb verb)
{
    struct answer answer = {.result = NONE};
    enum govern_result why = NONE;
    const struct govern_order order = {.host = make_ip(host),
                                       .verb = verb,
                                       .who = "anna",
                                       .reason = "\"moved\"",
                                       .done = on_done,
                                       .context = &answer};
    if (!engine_govern(rig->engine, &order, &why))
        return why;
    assert_int_equal(answer.result, NONE);                  /* never in the call */
    assert_false(engine_govern(rig->engine, &order, &why)); /* one at a time */
    assert_int_equal(why, GOVERN_LATER);
    while (answer.result == NONE)
        rig_turn(rig, NS_PER_MS);
    assert_int_equal(answer.times, 1);
    return answer.result;
}

static void on_profile(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct answer *answer = context;
    struct error error = {0};
    struct profile *profile = blob ? profile_unpack_of(host, blob, size, &error) : NULL;
    answer->there = blob != NULL;
    answer->size = size;
    answer->frozen = profile && profile->frozen;
    answer->done = true;
    profile_free(profile);
}

static struct answer stored(struct rig *rig, const char *host)
{
    struct answer answer = {.result = NONE};
    struct ip ip = make_ip(host);
    store_load_profile(rig->store, &ip, on_profile, &answer);
    while (!answer.done)
        rig_turn(rig, NS_PER_MS);
    return answer;
}

static void on_line(void *context, const char *line, size_t size)
{
    struct answer *answer = context;
    answer->lines += line != NULL;
    if (line)
        snprintf(answer->line, sizeof answer->line, "%.*s", (int)size, line);
    else
        answer->done = true;
}

static struct answer audited(struct rig *rig)
{
    struct answer answer = {.result = NONE};
    store_each_audit(rig->store, on_line, &answer);
    while (!answer.done)
        rig_turn(rig, NS_PER_MS);
    return answer;
}

static void expect_audit(struct rig *rig, const char *part)
{
    struct answer answer = audited(rig);
    if (!strstr(answer.line, part))
        fail_msg("%s instead of %s", answer.line, part);
}

static void test_frozen_and_thawed(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(govern(rig, "10.0.0.1", GOVERN_FREEZE), GOVERN_DONE);
    assert_true(stored(rig, "10.0.0.1").frozen);
    expect_audit(rig, "\"who\":\"anna\",\"verb\":\"freeze\",\"subject\":\"10.0.0.1\","
                      "\"reason\":\"\\\"moved\\\"\"}");
    assert_int_equal(govern(rig, "10.0.0.1", GOVERN_FREEZE), GOVERN_SAME);
    assert_int_equal(govern(rig, "10.0.0.1", GOVERN_THAW), GOVERN_DONE);
    assert_false(stored(rig, "10.0.0.1").frozen);
    expect_audit(rig, "\"verb\":\"thaw\"");
}

static void test_who_is_not_known(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(govern(rig, "10.0.0.2", GOVERN_FREEZE), GOVERN_UNKNOWN);
    assert_int_equal(govern(rig, "10.0.0.2", GOVERN_RESET), GOVERN_UNKNOWN);
    assert_false(stored(rig, "10.0.0.2").there);
}

static void test_reset(void **state)
{
    struct rig *rig = *state;
    struct ip host = make_ip("10.0.0.1");
    store_put_hold(rig->store, &host, "a case");
    assert_int_equal(govern(rig, "10.0.0.1", GOVERN_RESET), GOVERN_HELD);
    assert_true(stored(rig, "10.0.0.1").there);
    assert_int_equal(audited(rig).lines, 0); /* of what did not happen */
    store_put_hold(rig->store, &host, NULL);
    assert_int_equal(govern(rig, "10.0.0.1", GOVERN_RESET), GOVERN_DONE);
    assert_false(stored(rig, "10.0.0.1").there);
    expect_audit(rig, "\"verb\":\"reset\"");
}

/* Somebody else writes between the reading and the change: the store's turns are in order, so this
 * one, asked for at once, is. The line that was written has another behind it. */
static void test_overtaken(void **state)
{
    struct rig *rig = *state;
    struct ip host = make_ip("10.0.0.1");
    struct answer answer = {.result = NONE};
    enum govern_result why = NONE;
    const struct govern_order order = {
        .host = host, .verb = GOVERN_FREEZE, .who = "anna", .done = on_done, .context = &answer};
    struct buffer blob = {0};
    struct profile *profile = profile_new(&host, 480000);
    profile->last_closed_hour = 480002;
    profile_pack(profile, &blob);
    assert_true(engine_govern(rig->engine, &order, &why));
    store_replace_profile(rig->store, &host, NULL, 0, profile->last_closed_hour, blob.data,
                          blob.size, NULL, NULL);
    buffer_fini(&blob);
    profile_free(profile);
    RIG_UNTIL(rig, answer.result != NONE);
    assert_int_equal(answer.result, GOVERN_OVERTAKEN);
    assert_int_equal(audited(rig).lines, 2);
    expect_audit(rig, "\"verb\":\"refused\",\"subject\":\"10.0.0.1\","
                      "\"reason\":\"freeze: it was changed meanwhile\"}");
}

/* --- a store that goes ------------------------------------------------------------------------ */

struct play {
    struct rig *rig;
    struct door door;
    char url[128];
    struct store_config reach;
};

/* … and nothing is under way. */
static void until_here(struct rig *rig)
{
    struct wtime begin = wtime_now();
    while (engine_store_of(rig->engine).state != ENGINE_STORE_HERE ||
           engine_store_of(rig->engine).pending > 0) {
        if (wtime_now().ns - begin.ns > 20 * NS_PER_S)
            fail_msg("the store did not come back");
        rig_turn(rig, NS_PER_MS);
    }
}

static int set_up_play(void **state)
{
    struct play *play = xcalloc(1, sizeof *play);
    struct rig *rig = play->rig = rig_open_live(1, 1000, 0);
    struct ip host = make_ip("10.0.0.1");
    put_profile(rig, &host);
    while (store_pending(rig->store) > 0)
        rig_turn(rig, NS_PER_MS);
    door_open(&play->door, rig->folder);
    snprintf(play->url, sizeof play->url, "unix:%s", play->door.path);
    play->reach = (struct store_config){
        .url = play->url, .prefix = "weir-test", .sensor = "test", .timeout_ns = 500 * NS_PER_MS};
    engine_free(rig->engine);
    rig->reach = &play->reach;
    rig_new_engine(rig);
    while (!engine_store_settled(rig->engine))
        rig_turn(rig, NS_PER_MS);
    engine_begin(rig->engine, NULL);
    until_here(rig);
    *state = play;
    return 0;
}

static int tear_down_play(void **state)
{
    struct play *play = *state;
    engine_free(play->rig->engine);
    play->rig->engine = NULL;
    door_close(&play->door);
    rig_close(play->rig);
    free(play);
    return 0;
}

/* Of a host that sent something, so that its profile is here. */
static void push(struct rig *rig)
{
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.9", 443);
    struct ip ip = make_ip("10.0.0.1");
    rig_push_flow(rig, MONDAY_8 + NS_PER_MIN, &key, 5000, 10);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_MIN + NS_PER_MS);
    RIG_UNTIL(rig, hosts_get(rig->engine, &ip) && hosts_get(rig->engine, &ip)->blob);
}

static void expect_state(struct rig *rig, enum baseline_state state)
{
    struct ip ip = make_ip("10.0.0.1");
    struct present_host row;
    struct present present;
    assert_true(engine_present_host(rig->engine, &ip, &row, &present));
    assert_true(row.state_known);
    assert_int_equal(row.state, state);
}

/* Through another sensor: who says it once more here is shown what it is. */
static void test_somebody_did_it_elsewhere(void **state)
{
    struct rig *rig = ((struct play *)*state)->rig;
    struct ip ip = make_ip("10.0.0.1");
    push(rig);
    put_frozen(rig, &ip);
    expect_state(rig, BASELINE_READY);
    assert_int_equal(govern(rig, "10.0.0.1", GOVERN_FREEZE), GOVERN_SAME);
    expect_state(rig, BASELINE_FROZEN);
}

/* Whoever asks behind the answer is told what it is now, though nothing was sent since. */
static void test_what_was_changed_is_shown(void **state)
{
    struct rig *rig = ((struct play *)*state)->rig;
    push(rig);
    assert_int_equal(govern(rig, "10.0.0.1", GOVERN_FREEZE), GOVERN_DONE);
    expect_state(rig, BASELINE_FROZEN);
    assert_int_equal(govern(rig, "10.0.0.1", GOVERN_THAW), GOVERN_DONE);
    expect_state(rig, BASELINE_READY);
    assert_int_equal(engine_history_of(rig->engine).hosts, 1);
    assert_int_equal(govern(rig, "10.0.0.1", GOVERN_RESET), GOVERN_DONE);
    expect_state(rig, BASELINE_LEARNING);
    assert_int_equal(engine_history_of(rig->engine).hosts, 0);
}

/* Before the change was sent: nothing is changed. */
static void test_a_store_that_says_nothing(void **state)
{
    struct play *play = *state;
    play->door.mode = DOOR_SILENT;
    assert_int_equal(govern(play->rig, "10.0.0.1", GOVERN_FREEZE), GOVERN_AWAY);
    play->door.mode = DOOR_OPEN;
    until_here(play->rig);
    assert_false(stored(play->rig, "10.0.0.1").frozen);
    assert_int_equal(govern(play->rig, "10.0.0.1", GOVERN_FREEZE), GOVERN_DONE);
}

/* Behind it: nobody knows, and the next order is taken. The cut is in the first answer behind the
 * profile, which is the audit's. */
static void test_a_store_that_goes_behind_the_change(void **state)
{
    struct play *play = *state;
    char head[24];
    push(play->rig);
    size_t size = stored(play->rig, "10.0.0.1").size;
    play->door.cut_after = snprintf(head, sizeof head, "$%zu\r\n", size) + (int)size + 2 + 2;
    struct ip ip = make_ip("10.0.0.1");
    struct host *host = hosts_get(play->rig->engine, &ip);
    assert_int_equal(govern(play->rig, "10.0.0.1", GOVERN_FREEZE), GOVERN_UNSURE);
    assert_null(memory_reader(play->rig->engine)); /* said at once … */
    assert_non_null(host->blob);                   /* … and what is known is kept till then */
    until_here(play->rig);
    engine_govern_look(play->rig->engine);
    RIG_UNTIL(play->rig, host->loaded);
    expect_state(play->rig, BASELINE_FROZEN);
    expect_audit(play->rig, "\"verb\":\"freeze\"");
    assert_true(stored(play->rig, "10.0.0.1").frozen);
    assert_int_equal(govern(play->rig, "10.0.0.1", GOVERN_THAW), GOVERN_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_frozen_and_thawed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_is_not_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overtaken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_somebody_did_it_elsewhere, set_up_play,
                                        tear_down_play),
        cmocka_unit_test_setup_teardown(test_what_was_changed_is_shown, set_up_play,
                                        tear_down_play),
        cmocka_unit_test_setup_teardown(test_a_store_that_says_nothing, set_up_play,
                                        tear_down_play),
        cmocka_unit_test_setup_teardown(test_a_store_that_goes_behind_the_change, set_up_play,
                                        tear_down_play),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
