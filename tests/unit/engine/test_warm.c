/* A start without a checkpoint on a store that remembers: totals go on where they were published,
 * the first hour is judged and learned as if nothing had been, and hours in which nobody sends any
 * more are closed all the same. Skipped (77) where redis-server is not installed. */
#include "state_text.h"

#include "weir/baseline/store_close.h"

#define HOSTS    6
#define STEPS    20 /* of three minutes: an hour */
#define STEP_NS  (3 * NS_PER_MIN)
#define DAYS     12
#define NETWORKS 5

static struct ip host_ip(unsigned number)
{
    struct ip ip = make_ip("10.0.0.1");
    ip.byte[15] = (uint8_t)(1 + number);
    return ip;
}

static struct destination network(int number)
{
    struct ip remote = make_ip("198.51.100.1");
    remote.byte[14] = (uint8_t)(100 + number);
    return destination_of_prefix(ROLE_CLIENT, &remote);
}

/* Twelve days of some 100 kB an hour, in the store as if another run had learned them. */
static void put_past(struct rig *rig, unsigned number)
{
    struct buffer blob = {0};
    struct ip ip = host_ip(number);
    int64_t hour = MONDAY_8 / NS_PER_HOUR - DAYS * 24;
    struct profile *profile = profile_new(&ip, hour);
    for (; hour < MONDAY_8 / NS_PER_HOUR; hour++) {
        struct civil civil = calendar_at(rig->calendar, (struct ptime){hour * NS_PER_HOUR});
        struct host_total *total = host_total_new(&ip, hour);
        struct destination destination = network((int)(hour % NETWORKS));
        uint64_t bytes = 100000 + (uint64_t)(hour * 37 % 500);
        totals_add(total, &destination, (struct volume){bytes, bytes, bytes}, 100, 1);
        profile_close_hour(profile, total, &civil, NULL);
        host_total_free(total);
    }
    profile_pack(profile, &blob);
    store_put_profile(rig->store, &ip, INT64_MIN, profile->last_closed_hour, blob.data, blob.size,
                      NULL, NULL);
    buffer_fini(&blob);
    profile_free(profile);
}

static struct rig *open_rig(void)
{
    struct rig *rig = rig_open_as(1, 1000, true);
    engine_free(rig->engine);
    for (unsigned i = 0; i < HOSTS; i++)
        put_past(rig, i);
    while (store_pending(rig->store) > 0)
        rig_turn(rig, NS_PER_MS);
    rig->checkpoint = true;
    rig_new_engine(rig);
    assert_int_equal(engine_attach(rig->engine, 0, 0, &rig->ring[0], &rig->error), 0);
    engine_begin(rig->engine, NULL);
    return rig;
}

static void remove_file(struct rig *rig, const char *name)
{
    char *path = xasprintf("%s/%s", rig->folder, name);
    unlink(path);
    free(path);
}

/* The sensor dies, its checkpoint with it; what its rings held is gone too. */
static void lose_and_start(struct rig *rig)
{
    rig_settle(rig);
    engine_free(rig->engine);
    rig_close_journal(rig);
    store_free(rig->store);
    remove_file(rig, "checkpoint.snapshot");
    remove_file(rig, "checkpoint.log");
    ring_producer_free(rig->producer[0]);
    ring_destroy(&rig->ring[0]);
    rig_open_rings(rig, 1);
    rig->number[0] = 0;
    rig->ready = false;
    rig_open_store(rig);
    rig_open_journal(rig);
    rig_new_engine(rig);
    assert_int_equal(engine_attach(rig->engine, 0, 1, &rig->ring[0], &rig->error), 0);
    engine_begin(rig->engine, NULL);
}

static void push_watermark(struct rig *rig, int64_t time_ns)
{
    rig_push_watermark(rig, 0, time_ns);
    rig_turn(rig, 10 * NS_PER_MS);
}

/* Each host sends a little; host 2 sends 40 MB a step to a network of its own, which is much only
 * when it is added up. */
static void push_step(struct rig *rig, int step)
{
    int64_t now = MONDAY_8 + step * STEP_NS;
    for (unsigned i = 0; i < HOSTS; i++) {
        struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
        key.orig_ip = host_ip(i);
        key.orig_port = (uint16_t)(40000 + step);
        key.resp_ip.byte[14] = (uint8_t)(100 + (i == 2 ? 77 : (step + (int)i) % NETWORKS));
        rig_push_flow(rig, now + (2 + (int64_t)i) * NS_PER_S, &key,
                      i == 2 ? 40000000 : 100 + (uint64_t)step, 50);
    }
    push_watermark(rig, now + 30 * NS_PER_S);
    push_watermark(rig, now + STEP_NS - NS_PER_S); /* a minute's tick is behind it: published */
}

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

/* Profiles, and what was found, once each. When it was told is this sensor's: the next one tells it
 * anew, at what is there by then. */
static char *outcome(struct rig *rig)
{
    struct buffer out = {0};
    struct stored stored = {rig, &out};
    size_t count;
    const struct incident **incident = incidents_sorted(rig->engine->incidents, &count);
    for (size_t i = 0; i < count; i++)
        buffer_text(&out, "%d %s\n", incident[i]->story.host.byte[15],
                    incident[i]->rank[0].finding.detector->id);
    free(incident);
    store_each_profile(rig->store, put_profile, &stored);
    rig->loop.ops->run(rig->loop.loop);
    buffer_u8(&out, 0);
    return (char *)out.data;
}

static char *play(int cut)
{
    struct rig *rig = open_rig();
    for (int step = 0; step < STEPS; step++) {
        push_step(rig, step);
        if (step == cut)
            lose_and_start(rig);
    }
    push_watermark(rig, MONDAY_8 + NS_PER_HOUR + 5 * NS_PER_MIN); /* closes it */
    RIG_UNTIL(rig, engine_counts_of(rig->engine)->host_hours_closed == HOSTS);
    rig_settle(rig);
    assert_int_equal(engine_counts_of(rig->engine)->hours_closed, 1);
    assert_int_equal(engine_counts_of(rig->engine)->host_hours_closed, HOSTS);
    char *text = outcome(rig);
    rig_close(rig);
    return text;
}

static void test_judged_and_learned_as_if_never_stopped(void **state)
{
    (void)state;
    char *whole = play(-1);
    assert_non_null(strstr(whole, "3 volume.host\n")); /* 800 MB in an hour are an incident */
    for (int cut = 0; cut < STEPS; cut += 6) {
        char *got = play(cut);
        assert_string_equal(got, whole);
        free(got);
    }
    free(whole);
}

/* Died at five to nine, back at half past nine: nobody of before sends. */
static void test_an_hour_that_nobody_goes_on_with_is_closed(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    for (int step = 0; step < STEPS - 1; step++)
        push_step(rig, step);
    lose_and_start(rig);
    struct flow_key key = make_flow_key("10.0.0.99", 40000, "198.51.100.1", 443);
    rig_push_flow(rig, MONDAY_8 + 90 * NS_PER_MIN, &key, 1000, 10);
    push_watermark(rig, MONDAY_8 + 91 * NS_PER_MIN);
    const struct engine_counts *counts = engine_counts_of(rig->engine);
    for (int turns = 0; counts->hours_closed == 0 && turns < 600; turns++)
        rig_turn(rig, 100 * NS_PER_MS);
    assert_int_equal(counts->hours_closed, 1);
    assert_int_equal(counts->host_hours_closed, HOSTS);
    assert_int_equal(counts->records[RECORD_FLOW], 1);
    assert_int_equal(rig->engine->fleet_hour, MONDAY_8 / NS_PER_HOUR);
    rig_close(rig);
}

/* A death behind it finds a checkpoint: nothing is added twice. */
static void test_not_twice(void **state)
{
    struct rig *rig = open_rig();
    struct ip ip = host_ip(2);
    (void)state;
    push_step(rig, 0);
    lose_and_start(rig);
    push_step(rig, 1);
    const struct host_total *total = totals_get(rig->engine->totals, &ip, MONDAY_8 / NS_PER_HOUR);
    assert_non_null(total);
    assert_int_equal(total->out.value, 80000000);
    while (store_pending(rig->store) > 0) /* answers know the engine */
        rig_turn(rig, NS_PER_MS);
    engine_free(rig->engine);
    rig_new_engine(rig); /* with what is left of the checkpoint, all of it */
    assert_int_equal(engine_attach(rig->engine, 0, 1, &rig->ring[0], &rig->error), 0);
    engine_begin(rig->engine, NULL);
    push_step(rig, 2);
    total = totals_get(rig->engine->totals, &ip, MONDAY_8 / NS_PER_HOUR);
    assert_int_equal(total->out.value, 120000000);
    rig_close(rig);
}

/* What others of the fleet counted does not come back as this sensor's own. */
static void test_only_its_own(void **state)
{
    static const struct store_events events = {rig_ready, rig_failed};
    struct rig *rig = open_rig();
    struct ip ip = host_ip(0);
    struct destination destination = network(1);
    struct store_config config = {.url = rig->redis.url, .prefix = "weir-test", .sensor = "test2"};
    struct host_total *theirs = host_total_new(&ip, MONDAY_8 / NS_PER_HOUR);
    (void)state;
    rig->ready = false;
    struct store *other = store_open(&config, rig->loop, &events, rig, &rig->error);
    rig->loop.ops->run(rig->loop.loop);
    assert_true(rig->ready);
    totals_add(theirs, &destination, (struct volume){7777, 7777, 7777}, 1, 1);
    store_put_open(other, theirs);
    rig_turn(rig, 20 * NS_PER_MS);
    push_step(rig, 0);
    lose_and_start(rig);
    push_step(rig, 1);
    const struct host_total *total = totals_get(rig->engine->totals, &ip, MONDAY_8 / NS_PER_HOUR);
    assert_int_equal(total->out.value, 100 + 101);
    host_total_free(theirs);
    store_free(other);
    rig_close(rig);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judged_and_learned_as_if_never_stopped),
        cmocka_unit_test(test_an_hour_that_nobody_goes_on_with_is_closed),
        cmocka_unit_test(test_not_twice),
        cmocka_unit_test(test_only_its_own),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
