/* Profiles that come and go: however little memory they have, a replay says and learns the same; a
 * live engine goes on while one is loaded, judges again when it is there, and comes back from a
 * death to exactly where it was, loads under way included. Skipped (77) where redis-server is not
 * installed. */
#include "state_text.h"

#include <math.h>

#define HOSTS   24
#define DAYS    12
#define LITTLE  (UINT64_C(12) << 10) /* of some HOSTS × 1 kB */
#define STEPS   40
#define STEP_NS (2 * NS_PER_MIN)

static struct ip host_ip(unsigned number)
{
    struct ip ip = make_ip("10.0.0.1");
    ip.byte[15] = (uint8_t)(1 + number);
    return ip;
}

/* --- a past ----------------------------------------------------------------------------------- */

static void learn_hour(struct rig *rig, struct profile *profile, int64_t time_ns, uint64_t bytes)
{
    struct civil civil = calendar_at(rig->calendar, (struct ptime){time_ns});
    struct host_total *total = host_total_new(&profile->host, civil.hour);
    for (int i = 0; i < 6 && bytes > 0; i++) {
        struct ip remote = make_ip("198.51.100.1");
        remote.byte[14] = (uint8_t)(100 + i);
        struct destination destination = destination_of_prefix(ROLE_CLIENT, &remote);
        totals_add(total, &destination, (struct volume){bytes, bytes, bytes}, 100, 1);
    }
    profile_close_hour(profile, total, &civil, NULL);
    host_total_free(total);
}

/* Every host sent a little to the same six networks in every working hour before MONDAY_8. */
static struct profile *make_past(struct rig *rig, const struct ip *ip)
{
    int64_t first_ns = MONDAY_8 - DAYS * NS_PER_DAY;
    struct profile *profile =
        profile_new(ip, calendar_at(rig->calendar, (struct ptime){first_ns}).hour);
    for (int hour = 0; hour < DAYS * 24; hour++)
        learn_hour(rig, profile, first_ns + hour * NS_PER_HOUR,
                   hour % 24 < 10 ? 2000 + (uint64_t)(hour * 37 % 500) : 0);
    return profile;
}

static void put_past(struct rig *rig, unsigned number)
{
    struct ip ip = host_ip(number);
    struct buffer blob = {0};
    struct profile *profile = make_past(rig, &ip);
    profile_pack(profile, &blob);
    store_put_profile(rig->store, &ip, INT64_MIN, profile->last_closed_hour, blob.data, blob.size,
                      NULL, NULL);
    buffer_fini(&blob);
    profile_free(profile);
}

static struct rig *open_with_past(bool live, uint64_t cache_bytes)
{
    struct rig *rig = rig_open_as(1, 1000, live);
    engine_free(rig->engine);
    for (unsigned i = 0; i < HOSTS; i++)
        put_past(rig, i);
    while (store_pending(rig->store) > 0)
        rig_turn(rig, NS_PER_MS);
    rig->cache_bytes = cache_bytes;
    rig->checkpoint = live;
    rig_new_engine(rig);
    return rig;
}

static void attach(struct rig *rig)
{
    assert_int_equal(engine_attach(rig->engine, 0, 0, &rig->ring[0], &rig->error), 0);
}

/* --- a present -------------------------------------------------------------------------------- */

static void push_host(struct rig *rig, int64_t time_ns, unsigned number, int network,
                      uint64_t bytes)
{
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    key.orig_ip = host_ip(number);
    key.resp_ip.byte[14] = (uint8_t)(100 + network);
    rig_push_flow(rig, time_ns, &key, bytes, 500);
}

/* Five hosts a step, others at each; one of them lets much go to somebody new. */
static void push_step(struct rig *rig, int step)
{
    int64_t now = MONDAY_8 + step * STEP_NS + 5 * NS_PER_S;
    for (int i = 0; i < 5; i++)
        push_host(rig, now + i, (unsigned)(step * 7 + i * 5) % HOSTS, (step + i) % 6,
                  2000 + (uint64_t)step);
    if (step % 10 == 5)
        push_host(rig, now + 10, (unsigned)(step * 5) % HOSTS, 77, UINT64_C(3) << 30);
    rig_push_watermark(rig, 0, now + STEP_NS - 10 * NS_PER_S);
}

/* --- replays ---------------------------------------------------------------------------------- */

struct stored {
    struct rig *rig;
    struct buffer *out;
};

static void put_profile(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct stored *stored = context;
    if (!host)
        stored->rig->loop.ops->stop(stored->rig->loop.loop);
    else
        buffer_text(stored->out, "%d: %zu %" PRIx64 "\n", host->byte[15], size,
                    hash64(blob, size, 0));
}

/* Alerts, incidents, and all that the store knows in the end. */
static char *replay_as(uint64_t cache_bytes, bool discard, uint64_t *let_go, uint64_t *loaded)
{
    struct buffer out = {0};
    struct rig *rig = open_with_past(false, cache_bytes);
    rig->engine->config.keep_profiles = !discard;
    for (int step = 0; step < 100; step++)
        push_step(rig, step);
    const struct engine_counts *counts = rig_finish(rig);
    *let_go = counts->profiles_let_go;
    *loaded = counts->profiles_loaded;
    assert_int_equal(publisher_each_since(rig->publisher, 0, put_line, &out, &rig->error), 0);
    put_incidents(rig->engine, &out);
    put_sizes(rig->engine, &out);
    struct stored stored = {rig, &out};
    store_each_profile(rig->store, put_profile, &stored);
    rig->loop.ops->run(rig->loop.loop);
    rig_close(rig);
    buffer_u8(&out, 0);
    return (char *)out.data;
}

static char *replay(uint64_t cache_bytes, uint64_t *let_go, uint64_t *loaded)
{
    return replay_as(cache_bytes, false, let_go, loaded);
}

static void test_a_replay_is_the_same_with_little_memory(void **state)
{
    uint64_t let_go, loaded;
    (void)state;
    char *much = replay(0, &let_go, &loaded);
    assert_int_equal(let_go, 0);
    assert_int_equal(loaded, HOSTS);
    char *little = replay(LITTLE, &let_go, &loaded);
    assert_true(let_go > 100);
    assert_true(loaded > let_go);
    char *least = replay(1, &let_go, &loaded);
    assert_true(let_go > 300);
    assert_string_equal(little, much);
    assert_string_equal(least, much);
    assert_non_null(strstr(much, "\"volume.host\""));
    free(much);
    free(little);
    free(least);
}

/* Where nobody asked for what was learned, the same is told, and the store has what it had. */
static void test_a_replay_keeps_what_it_is_asked_to(void **state)
{
    uint64_t let_go, loaded;
    struct buffer past = {0};
    (void)state;
    struct rig *rig = open_with_past(false, 0);
    struct stored stored = {rig, &past};
    store_each_profile(rig->store, put_profile, &stored);
    rig->loop.ops->run(rig->loop.loop);
    rig_close(rig);
    buffer_u8(&past, 0);
    char *kept = replay_as(0, false, &let_go, &loaded);
    char *not_kept = replay_as(0, true, &let_go, &loaded);
    size_t told = strlen(not_kept) - strlen((const char *)past.data);
    assert_string_equal(not_kept + told, (const char *)past.data);
    assert_int_equal(strncmp(kept, not_kept, told), 0);
    assert_string_not_equal(kept, not_kept);
    buffer_fini(&past);
    free(kept);
    free(not_kept);
}

/* Somebody else wrote to its keys: what it learned is not what the store has. */
static void test_a_profile_that_is_not_taken_fails_the_replay(void **state)
{
    (void)state;
    struct rig *rig = open_with_past(false, 0);
    struct ip ip = host_ip(0);
    struct profile *profile = make_past(rig, &ip);
    push_step(rig, 0);
    engine_begin(rig->engine, NULL);
    while (hosts_get(rig->engine, &ip) == NULL || !hosts_get(rig->engine, &ip)->loaded)
        rig_turn(rig, NS_PER_MS);
    store_put_profile(rig->store, &ip, profile->last_closed_hour, profile->last_closed_hour + 1,
                      "another", 7, NULL, NULL);
    push_host(rig, MONDAY_8 + 2 * NS_PER_HOUR, 1, 0, 2000); /* the hour is over */
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
    assert_int_equal(rig->done, 1);
    assert_non_null(strstr(rig->error.message, "the store has another profile of"));
    profile_free(profile);
    rig_close(rig);
}

/* --- what is let go --------------------------------------------------------------------------- */

static struct host *have(struct rig *rig, unsigned number)
{
    struct ip ip = host_ip(number);
    struct buffer blob = {0};
    struct profile *profile = make_past(rig, &ip);
    struct host *host = hosts_add(rig->engine, &ip);
    profile_pack(profile, &blob);
    hosts_set(rig->engine, host, blob.data, blob.size);
    buffer_fini(&blob);
    profile_free(profile);
    return host;
}

static void test_the_one_not_judged_for_longest_goes(void **state)
{
    struct rig *rig = rig_open(1, 1000);
    struct host *host[4];
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        host[i] = have(rig, i);
    uint64_t three = rig->engine->cache.packed_bytes * 3 / 4;
    assert_non_null(hosts_profile(rig->engine, host[0], NULL));
    rig->engine->config.cache_bytes = three * 4 / 3 + 4;
    cache_trim(rig->engine);
    assert_int_equal(engine_counts_of(rig->engine)->profiles_let_go, 1);
    assert_true(host[0]->loaded && !host[1]->loaded && host[2]->loaded && host[3]->loaded);
    assert_null(host[1]->blob);
    assert_null(host[1]->profile);
    assert_null(hosts_profile(rig->engine, host[1], NULL));
    /* what is known of it without its profile stays */
    assert_int_equal(engine_history_of(rig->engine).hosts, 4);
    assert_int_equal(engine_history_of(rig->engine).ready, 4);
    assert_int_equal(engine_history_of(rig->engine).longest_hours, DAYS * 24);
    rig_close(rig);
}

/* Of unpacked ones the last stays, whatever the bound; the others are unpacked again on need. */
static void test_unpacked_ones_go_first(void **state)
{
    struct rig *rig = rig_open(1, 1000);
    struct host *host[3];
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        host[i] = have(rig, i);
    assert_true(host[0]->profile && host[1]->profile && host[2]->profile);
    assert_true(host[0]->unpacked_bytes > 2 * host[0]->blob_size);
    rig->engine->config.cache_bytes = 8 * host[0]->unpacked_bytes - 8; /* a quarter: not two */
    const struct profile *profile = hosts_profile(rig->engine, host[1], NULL);
    assert_non_null(profile);
    assert_int_equal(profile->last_closed_hour, host[1]->stored_hour);
    profile_free(cache_take_unpacked(rig->engine, host[0]));
    assert_non_null(hosts_profile(rig->engine, host[0], NULL));
    assert_non_null(host[0]->profile);
    assert_null(host[1]->profile);
    assert_null(host[2]->profile);
    assert_true(host[1]->loaded && host[2]->loaded);
    assert_int_equal(rig->engine->cache.unpacked_bytes, host[0]->unpacked_bytes);
    assert_int_equal(engine_counts_of(rig->engine)->profiles_let_go, 0);
    rig_close(rig);
}

/* --- live ------------------------------------------------------------------------------------- */

/* Another host's record first: a new sensor asks what it had counted before (warm.c). Then this
 * one's, which is consumed before any answer can come: answers come by the loop. */
static struct host *begin(struct rig *rig, unsigned number, int network, uint64_t bytes)
{
    struct ip ip = host_ip(number);
    attach(rig);
    push_host(rig, MONDAY_8 + NS_PER_S, HOSTS - 1, 1, 2000);
    rig_push_watermark(rig, 0, MONDAY_8 + 10 * NS_PER_S);
    engine_begin(rig->engine, NULL);
    RIG_UNTIL(rig, engine_counts_of(rig->engine)->profiles_loaded == 1);
    push_host(rig, MONDAY_8 + 11 * NS_PER_S, number, network, bytes);
    rig_push_watermark(rig, 0, MONDAY_8 + 20 * NS_PER_S);
    engine_pump(rig->engine);
    assert_int_equal(engine_counts_of(rig->engine)->records[RECORD_FLOW], 2);
    struct host *host = hosts_get(rig->engine, &ip);
    assert_non_null(host);
    assert_true(host->loading && !host->loaded);
    return host;
}

static void test_a_live_engine_goes_on_meanwhile(void **state)
{
    struct rig *rig = open_with_past(true, 0);
    (void)state;
    struct host *host = begin(rig, 3, 77, UINT64_C(3) << 30);
    assert_int_equal(engine_counts_of(rig->engine)->alerts, 0);
    RIG_UNTIL(rig, host->loaded && !host->loading);
    assert_int_equal(engine_counts_of(rig->engine)->profiles_loaded, 2);
    assert_int_equal(engine_counts_of(rig->engine)->alerts, 1); /* judged again */
    rig_close(rig);
}

/* A fleet whose hosts send a few MB a day, of so many days. */
static void make_peers(struct rig *rig, int days)
{
    int64_t week = histogram_week(calendar_at(rig->calendar, (struct ptime){MONDAY_8}).day);
    for (int i = 0; i < days; i++)
        fleet_note_host_day(rig->engine->fleet, "", UINT64_C(1) << (20 + i % 4), NAN, week);
    fleet_apply(rig->engine->fleet);
}

static void push_more(struct rig *rig, int64_t after_ns, uint64_t bytes)
{
    push_host(rig, MONDAY_8 + after_ns, 5, 77, bytes);
    rig_push_watermark(rig, 0, MONDAY_8 + after_ns + NS_PER_S / 2);
    engine_pump(rig->engine);
}

static char *told(struct rig *rig)
{
    struct buffer out = {0};
    assert_int_equal(publisher_flush(rig->publisher, &rig->error), 0);
    assert_int_equal(publisher_each_since(rig->publisher, 0, put_line, &out, &rig->error), 0);
    buffer_u8(&out, 0);
    return (char *)out.data;
}

/* The answer takes longer than a second of packet time: its peers judge, and say so. What its own
 * past makes of the same is not told again. */
static void test_one_that_is_awaited_is_judged_by_its_peers(void **state)
{
    struct rig *rig = open_with_past(true, 0);
    (void)state;
    struct ip ip = host_ip(5);
    begin(rig, 3, 1, 2000);
    make_peers(rig, 600);
    push_more(rig, 21 * NS_PER_S, UINT64_C(1) << 30);
    struct host *host = hosts_get(rig->engine, &ip);
    assert_true(host->loading);
    assert_int_equal(engine_counts_of(rig->engine)->alerts, 0);
    push_more(rig, 22 * NS_PER_S - NS_PER_MS, 1000);
    assert_int_equal(engine_counts_of(rig->engine)->alerts, 0);
    push_more(rig, 23 * NS_PER_S, 1000);
    assert_int_equal(engine_counts_of(rig->engine)->records[RECORD_FLOW], 5);
    assert_true(host->loading);
    assert_int_equal(engine_counts_of(rig->engine)->alerts, 1);
    char *first = told(rig);
    assert_non_null(strstr(first, "\"volume.host.peers\""));
    assert_non_null(strstr(first, "not yet known by its own past"));
    assert_non_null(
        strstr(first, "\"baseline\":{\"state\":\"learning\",\"hours\":0,\"scope\":\"peers\"}"));
    RIG_UNTIL(rig, host->loaded && host->missed_ns == 0);
    push_more(rig, 24 * NS_PER_S, 1000);
    assert_int_equal(engine_counts_of(rig->engine)->alerts, 1);
    push_more(rig, 25 * NS_PER_S, UINT64_C(1) << 42); /* far more: told, by its own past */
    assert_true(engine_counts_of(rig->engine)->alerts > 1);
    char *all = told(rig);
    assert_non_null(strstr(all, "\"volume.host.day\""));
    free(first);
    free(all);
    rig_close(rig);
}

/* Few peers say nothing. */
static void test_a_young_fleet_says_nothing_of_it(void **state)
{
    struct rig *rig = open_with_past(true, 0);
    (void)state;
    begin(rig, 3, 1, 2000);
    make_peers(rig, 100);
    push_more(rig, 21 * NS_PER_S, UINT64_C(3) << 30);
    push_more(rig, 25 * NS_PER_S, 1000);
    assert_int_equal(engine_counts_of(rig->engine)->records[RECORD_FLOW], 4);
    assert_int_equal(engine_counts_of(rig->engine)->alerts, 0);
    rig_close(rig);
}

/* What the store has of it is no profile: by its peers, for as long as that is so. */
static void test_a_damaged_one_is_judged_by_its_peers(void **state)
{
    struct rig *rig = open_with_past(true, 0);
    struct ip ip = host_ip(5);
    (void)state;
    begin(rig, 3, 1, 2000);
    make_peers(rig, 600);
    hosts_set(rig->engine, hosts_add(rig->engine, &ip), "WPxx", 4);
    struct host *host = hosts_get(rig->engine, &ip);
    assert_true(host->loaded && host->damaged && !host->blob);
    assert_int_equal(engine_counts_of(rig->engine)->profiles_damaged, 1);
    push_more(rig, 21 * NS_PER_S, 2000);
    assert_int_equal(engine_counts_of(rig->engine)->alerts, 0);
    push_more(rig, 22 * NS_PER_S, UINT64_C(3) << 30);
    assert_int_equal(engine_counts_of(rig->engine)->alerts, 1);
    rig_close(rig);
}

/* Another host's profile is none of this one's. */
static void test_anothers_profile_is_not_taken(void **state)
{
    struct rig *rig = open_with_past(true, 0);
    struct ip mine = host_ip(50), others = host_ip(51);
    struct buffer blob = {0};
    struct profile *profile = make_past(rig, &others);
    struct host *host = hosts_add(rig->engine, &mine);
    (void)state;
    profile_pack(profile, &blob);
    hosts_set(rig->engine, host, blob.data, blob.size);
    assert_true(host->damaged && !host->blob);
    assert_int_equal(engine_counts_of(rig->engine)->profiles_damaged, 1);
    hosts_set(rig->engine, hosts_add(rig->engine, &others), blob.data, blob.size);
    assert_non_null(hosts_get(rig->engine, &others)->blob);
    buffer_fini(&blob);
    profile_free(profile);
    rig_close(rig);
}

/* What was asked before somebody changed it is asked again; what was in memory goes. */
static void test_a_profile_that_was_changed_is_loaded_again(void **state)
{
    struct rig *rig = open_with_past(true, 0);
    (void)state;
    struct host *host = begin(rig, 3, 1, 2000);
    hosts_changed(rig->engine, &host->ip);
    assert_true(host->changed);
    RIG_UNTIL(rig, host->loaded && !host->changed);
    assert_int_equal(engine_counts_of(rig->engine)->profiles_loaded, 2);
    hosts_changed(rig->engine, &host->ip);
    assert_true(!host->loaded && !host->blob);
    push_host(rig, MONDAY_8 + 21 * NS_PER_S, 3, 1, 2000);
    rig_push_watermark(rig, 0, MONDAY_8 + 30 * NS_PER_S);
    RIG_UNTIL(rig, engine_counts_of(rig->engine)->profiles_loaded == 3);
    rig_close(rig);
}

static void push_and_turn(struct rig *rig, int64_t after_ns)
{
    push_host(rig, MONDAY_8 + after_ns, 3, 1, 2000);
    rig_push_watermark(rig, 0, MONDAY_8 + after_ns + NS_PER_S);
    rig_turn(rig, 50 * NS_PER_MS);
}

/* The store goes with loads under way: nothing waits for them, and a later record asks anew. */
static void test_abandoned_loads_are_asked_for_again(void **state)
{
    struct rig *rig = open_with_past(true, 0);
    (void)state;
    struct host *host = begin(rig, 3, 1, 2000);
    store_free(rig->store);
    rig->engine->config.store = rig->store = NULL;
    hosts_abandon(rig->engine);
    assert_true(!host->loaded && !host->loading);
    assert_int_equal(rig->engine->loads.under_way, 0);
    push_and_turn(rig, 21 * NS_PER_S);
    assert_int_equal(engine_counts_of(rig->engine)->records[RECORD_FLOW], 3);
    assert_true(!host->loaded && !host->loading);
    rig->ready = false;
    rig_open_store(rig);
    rig->engine->config.store = rig->store;
    push_and_turn(rig, 31 * NS_PER_S);
    assert_true(host->loaded);
    rig_close(rig);
}

/* --- deaths ----------------------------------------------------------------------------------- */

static void kill_and_start(struct rig *rig)
{
    engine_free(rig->engine);
    rig_close_journal(rig);
    store_free(rig->store);
    rig->ready = false;
    rig_open_store(rig);
    rig_open_journal(rig);
    rig_new_engine(rig);
    attach(rig);
    engine_begin(rig->engine, NULL);
    while (engine_replaying(rig->engine)) /* the store's answers come by the loop: none yet */
        engine_pump(rig->engine);
    log_set_attempts(&rig->engine->checkpoint->log, 0);
}

static void expect_text(const char *got, const char *want, int step)
{
    size_t at = 0;
    if (strcmp(got, want) == 0)
        return;
    while (got[at] == want[at])
        at++;
    while (at > 0 && got[at - 1] != '\n')
        at--;
    fail_msg("behind step %d:\n got  %.300s\n want %.300s", step, got + at, want + at);
}

/* Killed behind each step, with loads under way, taken and let go: what comes up is what went. */
static void test_a_death_with_loads_under_way(void **state)
{
    struct rig *rig = open_with_past(true, LITTLE);
    unsigned loading = 0, hours = 0;
    (void)state;
    attach(rig);
    engine_begin(rig->engine, NULL);
    for (int step = 0; step < STEPS; step++) {
        push_step(rig, step);
        rig_turn(rig, (step * 7919) % 13 * 100 * NS_PER_US + 1);
        RIG_UNTIL(rig, !rig->engine->closing && !rig->engine->waiting && /* the store's part */
                           engine_is_idle(rig->engine));
        loading += rig->engine->loads.under_way;
        hours = (unsigned)engine_counts_of(rig->engine)->hours_closed;
        char *before = what_came_of_it(rig);
        kill_and_start(rig);
        char *after = what_came_of_it(rig);
        expect_text(after, before, step);
        free(before);
        free(after);
    }
    assert_true(loading > 5);
    assert_true(hours >= 1);
    RIG_UNTIL(rig, rig->engine->loads.under_way == 0);
    assert_true(engine_counts_of(rig->engine)->profiles_let_go > 20);
    rig_close(rig);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_replay_is_the_same_with_little_memory),
        cmocka_unit_test(test_a_replay_keeps_what_it_is_asked_to),
        cmocka_unit_test(test_a_profile_that_is_not_taken_fails_the_replay),
        cmocka_unit_test(test_the_one_not_judged_for_longest_goes),
        cmocka_unit_test(test_unpacked_ones_go_first),
        cmocka_unit_test(test_a_live_engine_goes_on_meanwhile),
        cmocka_unit_test(test_one_that_is_awaited_is_judged_by_its_peers),
        cmocka_unit_test(test_a_young_fleet_says_nothing_of_it),
        cmocka_unit_test(test_a_damaged_one_is_judged_by_its_peers),
        cmocka_unit_test(test_anothers_profile_is_not_taken),
        cmocka_unit_test(test_a_profile_that_was_changed_is_loaded_again),
        cmocka_unit_test(test_abandoned_loads_are_asked_for_again),
        cmocka_unit_test(test_a_death_with_loads_under_way),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
