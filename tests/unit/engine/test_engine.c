/* The engine whole: what goes into the rings by hand comes out accounted, by scope, host and hour.
 * Skipped (77) where redis-server is not installed. */
#include "rig.h"

#include "../../../sensor/engine/internal.h"

#include <signal.h>
#include <sys/wait.h>

static int set_up(void **state)
{
    *state = rig_open(1, 1000);
    return 0;
}

static int set_up_two_workers(void **state)
{
    *state = rig_open(2, 1000);
    return 0;
}

static int set_up_two_hosts(void **state)
{
    *state = rig_open(1, 2);
    return 0;
}

static int tear_down(void **state)
{
    rig_close(*state);
    return 0;
}

/* --- whose bytes these are -------------------------------------------------------------------- */

static void test_scopes(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *orig, *resp;
        enum scope scope;
    } row[] = {
        {"10.0.0.1", "198.51.100.1", SCOPE_OUT},
        {"203.0.113.9", "10.0.0.1", SCOPE_IN},
        {"10.0.0.1", "192.168.7.7", SCOPE_INTERNAL},
        {"203.0.113.9", "198.51.100.1", SCOPE_TRANSIT},
        {"10.0.0.1", "255.255.255.255", SCOPE_BROADCAST},
        {"fd00::1", "2001:db8::1", SCOPE_OUT},
        {"fe80::1", "ff02::fb", SCOPE_MULTICAST},
        {"2001:db8::1", "fd00::1", SCOPE_IN},
    };
    uint64_t flows[SCOPES] = {0}, bytes[SCOPES] = {0};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct flow_key key = make_flow_key(row[i].orig, 40000, row[i].resp, 443);
        rig_push_flow(rig, MONDAY_8 + (int64_t)i, &key, 1000 + i, 10);
        flows[row[i].scope]++;
        bytes[row[i].scope] += 1010 + i;
    }
    const struct engine_counts *counts = rig_finish(rig);
    for (int i = 0; i < SCOPES; i++) {
        assert_int_equal(counts->flows[i], flows[i]);
        assert_int_equal(counts->payload[i].value, bytes[i]);
    }
    assert_int_equal(counts->records[RECORD_FLOW], 8);
    assert_int_equal(rig->flows, 8);
    assert_int_equal(counts->first.ns, MONDAY_8);
    assert_int_equal(counts->last.ns, MONDAY_8 + 7);
    assert_int_equal(counts->learning_bytes, 1000 + 1005 + 10 + 10);
    assert_int_equal(counts->judged_bytes, 0);
}

/* A frame to a group address makes a broadcast of what stays among neighbours, and of nothing else:
 * what leaves is not hidden by it. */
static void test_scopes_by_frame(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *orig, *resp;
        uint64_t down;
        enum scope scope;
    } row[] = {
        {"10.0.0.1", "10.0.0.255", 0, SCOPE_BROADCAST},
        {"10.0.0.1", "10.0.0.254", 10, SCOPE_INTERNAL}, /* it answered */
        {"203.0.113.9", "203.0.113.255", 0, SCOPE_BROADCAST},
        {"203.0.113.9", "198.51.100.255", 0, SCOPE_TRANSIT},
        {"10.0.0.1", "198.51.100.255", 0, SCOPE_OUT},
        {"203.0.113.9", "10.0.0.255", 0, SCOPE_IN},
        {"10.0.0.1", "239.0.0.1", 0, SCOPE_MULTICAST},
    };
    uint64_t flows[SCOPES] = {0};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct flow_key key = make_flow_key(row[i].orig, 40000, row[i].resp, 443);
        union any_record record;
        make_flow(&record, 1, MONDAY_8 + (int64_t)i, &key, 1000, row[i].down);
        record.flow.flags |= FLOW_BROADCAST;
        if (row[i].down == 0)
            set_side(&record.flow, SIDE_RESP, 0, 0);
        rig_push(rig, 0, &record);
        flows[row[i].scope]++;
    }
    const struct engine_counts *counts = rig_finish(rig);
    for (int i = 0; i < SCOPES; i++)
        assert_int_equal(counts->flows[i], flows[i]);
}

/* Devices are addresses of 100::/64, from which no packet comes: one that does is no device. What
 * goes there has left like any other. */
static void test_addresses_that_devices_have(void **state)
{
    struct rig *rig = *state;
    struct error error;
    struct prefix devices;
    struct flow_key to = make_flow_key("fd00::1", 40000, "100::21b:21ff:1", 443);
    struct flow_key from = make_flow_key("100::21b:21ff:1", 40000, "2001:db8::1", 443);
    engine_free(rig->engine);
    rig->by_device = true;
    rig_new_engine(rig);
    rig_push_flow(rig, MONDAY_8, &to, 1000, 10);
    rig_push_watermark(rig, 0, MONDAY_8);
    engine_begin(rig->engine, NULL);
    RIG_UNTIL(rig, rig->flows == 1);
    assert_int_equal(rig->view.scope, SCOPE_OUT);
    assert_int_equal(rig->view.out.value, 1000);
    assert_int_equal(prefix_parse("100::/64", &devices, &error), 0);
    prefix_set_add(&rig->inside.everywhere, devices);
    rig_push_flow(rig, MONDAY_8 + 1, &from, 1000, 10);
    rig_push_watermark(rig, 0, MONDAY_8 + 1);
    RIG_UNTIL(rig, rig->flows == 2);
    assert_int_equal(rig->view.scope, SCOPE_TRANSIT);
    assert_null(rig->view.host);
}

/* What left is what the inside side sent, whoever opened. */
static void test_the_view(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct flow_key key = make_flow_key("203.0.113.9", 50000, "10.0.0.1", 80);
    make_flow(&record, 1, MONDAY_8, &key, 300, 70000);
    record.flow.total[SIDE_RESP].missing_bytes = 500;
    record.flow.fresh[SIDE_RESP].missing_bytes = 500;
    record.flow.total[SIDE_RESP].acked_bytes = 60000;
    record.flow.fresh[SIDE_RESP].acked_bytes = 60000;
    rig_push(rig, 0, &record);
    rig_finish(rig);
    assert_int_equal(rig->view.scope, SCOPE_IN);
    assert_int_equal(rig->view.out.value, 70000);
    assert_int_equal(rig->view.out.low, 60000);
    assert_int_equal(rig->view.out.high, 70500);
    assert_int_equal(rig->view.in_bytes, 300);
    assert_int_equal(rig->destination.role, ROLE_SERVED);
    assert_string_equal(rig->destination.name, "203.0.113.0/24");
}

static void test_destinations_by_seen_answers(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct ip address = make_ip("198.51.100.1");
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    make_flow(&record, 1, MONDAY_8, &key, 1000, 10);
    give_server_name(&record, "www.example.jp");
    rig_push(rig, 0, &record);
    make_question(&record, 1, MONDAY_8, "www.example.jp");
    rig_push(rig, 0, &record);
    make_answer(&record, 2, MONDAY_8 + 1, "www.example.jp", &address, 1);
    rig_push(rig, 0, &record);
    rig_push_watermark(rig, 0, MONDAY_8 + 1);
    engine_begin(rig->engine, NULL);
    RIG_UNTIL(rig, rig->flows == 1);
    assert_true(rig->view.name_unverified);
    assert_string_equal(rig->view.text[TEXT_SERVER_NAME], "www.example.jp");
    assert_string_equal(rig->destination.name, "198.51.100.0/24");
    make_flow(&record, 1, MONDAY_8 + 2, &key, 1000, 10);
    give_server_name(&record, "www.example.jp");
    rig_push(rig, 0, &record);
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
    assert_int_equal(rig->flows, 2);
    assert_false(rig->view.name_unverified);
    assert_string_equal(rig->destination.name, "example.jp");
}

/* A flow's flag says that its certificate does not hold the name: the prefix speaks. */
static void test_a_certificate_for_others(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct ip address = make_ip("198.51.100.1");
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    make_question(&record, 1, MONDAY_8, "www.example.jp");
    rig_push(rig, 0, &record);
    make_answer(&record, 2, MONDAY_8 + 1, "www.example.jp", &address, 1);
    rig_push(rig, 0, &record);
    make_flow(&record, 3, MONDAY_8 + 2, &key, 1000, 10);
    give_server_name(&record, "www.example.jp");
    record.flow.flags |= FLOW_CERTIFICATE_OTHER;
    rig_push(rig, 0, &record);
    rig_push_watermark(rig, 0, INT64_MAX);
    engine_begin(rig->engine, NULL);
    rig_run(rig);
    assert_int_equal(rig->flows, 1);
    assert_true(rig->view.name_unverified);
    assert_string_equal(rig->destination.name, "198.51.100.0/24");
}

/* --- hosts ------------------------------------------------------------------------------------ */

/* A spoofed source opens no host; one that was met counts everything. */
static void test_a_host_needs_an_exchange(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct flow_key known = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    struct flow_key spoofed = make_flow_key("10.0.0.2", 40000, "198.51.100.1", 443);
    make_flow(&record, 1, MONDAY_8, &known, 1000, 0);
    record.flow.flags = 0;
    rig_push(rig, 0, &record); /* not yet met */
    rig_push_flow(rig, MONDAY_8 + 1, &known, 200, 5);
    make_flow(&record, 1, MONDAY_8 + 2, &known, 30, 0);
    record.flow.flags = 0;
    rig_push(rig, 0, &record);
    for (int i = 0; i < 50; i++) {
        make_flow(&record, 1, MONDAY_8 + 3 + i, &spoofed, 10000, 0);
        record.flow.flags = 0;
        spoofed.orig_ip.byte[14]++;
        rig_push(rig, 0, &record);
    }
    /* an hour and three minutes later all hours that can be are closed */
    rig_push_flow(rig, MONDAY_8 + NS_PER_HOUR + 3 * NS_PER_MIN, &known, 1, 1);
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(counts->unestablished_bytes, 1000 + 50 * 10000);
    assert_int_equal(counts->learning_bytes, 230 + 1);
    assert_int_equal(engine_history_of(rig->engine).hosts, 1);
    assert_int_equal(counts->flows[SCOPE_OUT], 54);
}

static void test_max_hosts(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 5; i++) {
        struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
        key.orig_ip.byte[15] = (uint8_t)(1 + i);
        rig_push_flow(rig, MONDAY_8 + i, &key, 1000, 10);
    }
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(counts->hosts_refused, 3);
    assert_int_equal(counts->learning_bytes, 2000);
    assert_int_equal(rig->flows, 5); /* seen and written down all the same */
    assert_int_equal(counts->payload[SCOPE_OUT].value, 5 * 1010);
}

/* --- hours ------------------------------------------------------------------------------------ */

static void push_an_hour(struct rig *rig, int64_t from_ns, int hosts)
{
    for (int i = 0; i < hosts; i++) {
        struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
        key.orig_ip.byte[15] = (uint8_t)(1 + i);
        rig_push_flow(rig, from_ns + (i + 1) * NS_PER_S, &key, 1000 + (uint64_t)i, 10);
    }
}

static void test_an_hour_is_closed_two_minutes_after_its_end(void **state)
{
    struct rig *rig = *state;
    push_an_hour(rig, MONDAY_8, 3);
    push_an_hour(rig, MONDAY_8 + NS_PER_HOUR + 1 * NS_PER_MIN, 3); /* too early */
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_HOUR + 90 * NS_PER_S);
    engine_begin(rig->engine, NULL);
    RIG_UNTIL(rig, rig->flows == 6);
    rig_rest(rig); /* in which nothing is closed */
    assert_int_equal(engine_counts_of(rig->engine)->host_hours_closed, 0);
    assert_int_equal(engine_history_of(rig->engine).hosts, 0);
    push_an_hour(rig, MONDAY_8 + NS_PER_HOUR + 2 * NS_PER_MIN, 1);
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
    const struct engine_counts *counts = engine_counts_of(rig->engine);
    assert_int_equal(rig->error.code, ERROR_NONE);
    assert_int_equal(rig->flows, 7);
    assert_int_equal(counts->hours_closed, 1);
    assert_int_equal(counts->host_hours_closed, 3);
    assert_int_equal(engine_history_of(rig->engine).hosts, 3);
    assert_int_equal(engine_history_of(rig->engine).longest_hours, 1);
}

struct stored {
    struct rig *rig;
    unsigned profiles;
    int64_t closed_hour;
    uint32_t hours;
};

static void on_profile(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct stored *stored = context;
    if (!host) {
        stored->rig->loop.ops->stop(stored->rig->loop.loop);
        return;
    }
    struct profile *profile = profile_unpack(blob, size, NULL);
    assert_non_null(profile);
    assert_memory_equal(&profile->host, host, sizeof *host);
    stored->profiles++;
    stored->closed_hour = profile->last_closed_hour;
    stored->hours = profile_hours(profile);
    profile_free(profile);
}

static uint64_t inside_of(const struct rig *rig, const char *host)
{
    struct ip ip = make_ip(host);
    const struct host_total *total = totals_get(rig->engine->totals, &ip, MONDAY_8 / NS_PER_HOUR);
    return total ? total->inside_bytes : 0;
}

/* Between inside hosts, each end receives; nobody gets a profile by that. */
static void test_what_comes_from_inside(void **state)
{
    struct rig *rig = *state;
    union any_record one_way;
    struct stored stored = {.rig = rig};
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "10.0.0.9", 445);
    rig_push_flow(rig, MONDAY_8 + NS_PER_S, &key, 100, 5000);
    rig_push_flow(rig, MONDAY_8 + 2 * NS_PER_S, &key, 10, 700);
    key = make_flow_key("10.0.0.8", 40000, "10.0.0.1", 445);
    make_flow(&one_way, 0, MONDAY_8 + 3 * NS_PER_S, &key, 1 << 20, 0);
    one_way.flow.flags = 0; /* anybody can send that */
    rig_push(rig, 0, &one_way);
    key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    rig_push_flow(rig, MONDAY_8 + 4 * NS_PER_S, &key, 300, 9000);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_MIN);
    engine_begin(rig->engine, NULL);
    rig_rest(rig);
    assert_int_equal(inside_of(rig, "10.0.0.1"), 5700);
    assert_int_equal(inside_of(rig, "10.0.0.9"), 110);
    assert_int_equal(inside_of(rig, "10.0.0.8"), 0);
    assert_int_equal(rig->engine->hosts.count, 1);
    rig_push_flow(rig, MONDAY_8 + 2 * NS_PER_HOUR, &key, 1, 1); /* closes it */
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
    assert_int_equal(rig->error.code, ERROR_NONE);
    const struct engine_counts *counts = engine_counts_of(rig->engine);
    assert_int_equal(counts->host_hours_closed, 1);
    assert_int_equal(counts->payload[SCOPE_INTERNAL].value, 5810 + (1 << 20));
    assert_int_equal(counts->payload[SCOPE_OUT].value, 9302);
    store_each_profile(rig->store, on_profile, &stored);
    rig->loop.ops->run(rig->loop.loop);
    assert_int_equal(stored.profiles, 1);
}

/* A day of hours, with a silent one in it: what the store holds in the end. */
static void test_profiles_in_the_store(void **state)
{
    struct rig *rig = *state;
    struct stored stored = {.rig = rig};
    for (int hour = 0; hour < 24; hour++)
        if (hour != 11)
            push_an_hour(rig, MONDAY_8 + hour * NS_PER_HOUR, 4);
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(counts->hours_closed, 21); /* the last two stay open */
    assert_int_equal(counts->host_hours_closed, 21 * 4);
    store_each_profile(rig->store, on_profile, &stored);
    rig->loop.ops->run(rig->loop.loop);
    assert_int_equal(stored.profiles, 4);
    assert_int_equal(stored.closed_hour, MONDAY_8 / NS_PER_HOUR + 21);
    assert_int_equal(stored.hours, 22); /* the silent one was seen too */
}

/* --- order and pauses ------------------------------------------------------------------------- */

/* Every host's first record waits for the store: the order stays that of time. */
static void test_pauses_change_no_order(void **state)
{
    struct rig *rig = *state;
    enum { HOSTS = 600 };
    for (int i = 0; i < HOSTS; i++) { /* pushed out of order, within one watermark */
        int n = i ^ 1;
        struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
        key.orig_ip.byte[14] = (uint8_t)(n >> 8);
        key.orig_ip.byte[15] = (uint8_t)n;
        rig_push_flow(rig, MONDAY_8 + (n + 1) * (int64_t)20 * NS_PER_S, &key, 1000, 10);
    }
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(rig->flows, HOSTS);
    for (int i = 0; i < HOSTS; i++)
        assert_int_equal(rig->time_ns[i], MONDAY_8 + (i + 1) * (int64_t)20 * NS_PER_S);
    assert_int_equal(counts->hours_closed, 3); /* 12,000 s */
}

static void test_nothing_before_it_begins(void **state)
{
    struct rig *rig = *state;
    push_an_hour(rig, MONDAY_8, 3);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_MIN);
    rig_rest(rig);
    assert_int_equal(rig->flows, 0);
    rig_finish(rig);
    assert_int_equal(rig->flows, 3);
}

static void test_the_slower_worker_holds_the_other(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    push_an_hour(rig, MONDAY_8, 3); /* worker 0 */
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_HOUR);
    engine_begin(rig->engine, NULL);
    rig_rest(rig);
    assert_int_equal(rig->flows, 0);
    make_flow(&record, 1, MONDAY_8 + 1500 * NS_PER_MS, &key, 7, 7);
    rig_push(rig, 1, &record);
    rig_push_watermark(rig, 1, MONDAY_8 + 2 * NS_PER_S);
    RIG_UNTIL(rig, rig->flows == 3);
    assert_int_equal(rig->time_ns[0], MONDAY_8 + NS_PER_S);
    assert_int_equal(rig->time_ns[1], MONDAY_8 + 1500 * NS_PER_MS);
    assert_int_equal(rig->time_ns[2], MONDAY_8 + 2 * NS_PER_S);
    rig_push_watermark(rig, 1, INT64_MAX); /* has nothing more: the other one decides */
    RIG_UNTIL(rig, rig->flows == 4);
    assert_false(engine_finished(rig->engine));
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
    assert_int_equal(rig->done, 1);
}

static void test_nothing_at_all(void **state)
{
    struct rig *rig = *state;
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(rig->flows, 0);
    assert_int_equal(counts->first.ns, INT64_MAX);
    assert_int_equal(counts->alerts, 0);
}

/* --- health and nonsense ---------------------------------------------------------------------- */

static void test_health_is_summed_over_workers(void **state)
{
    struct rig *rig = *state;
    for (uint32_t worker = 0; worker < 2; worker++)
        for (uint64_t i = 1; i <= 3; i++) {
            union any_record record;
            memset(&record, 0, sizeof record);
            record.health.total.packets = i * (worker ? 100 : 1);
            record.health.total.tcp_missing_bytes = 5;
            finish_record(&record, RECORD_HEALTH, i, MONDAY_8 + (int64_t)i, sizeof record.health,
                          0);
            rig_push(rig, worker, &record);
        }
    rig_finish(rig);
    assert_int_equal(engine_health(rig->engine)->packets, 303); /* totals: the last of each */
    assert_int_equal(engine_health(rig->engine)->tcp_missing_bytes, 10);
}

/* Refused by kind of fault, counted, and the next record is read. */
static void test_records_that_cannot_be(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    make_flow(&record, 1, MONDAY_8, &key, 1000, 10);
    record.header.kind = 77;
    rig_push(rig, 0, &record);
    make_flow(&record, 1, MONDAY_8, &key, 1000, 10);
    record.flow.text_size[TEXT_SERVER_NAME] = 255;
    rig_push(rig, 0, &record);
    make_flow(&record, 1, MONDAY_8, &key, 1000, 10);
    record.flow.end = 200;
    rig_push(rig, 0, &record);
    make_flow(&record, 1, MONDAY_8, &key, 1000, 10);
    record.header.version = RECORD_VERSION + 1;
    rig_push(rig, 0, &record);
    rig_push_flow(rig, MONDAY_8 + 1, &key, 5, 5);
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(counts->faults[RECORD_KIND], 2);
    assert_int_equal(counts->faults[RECORD_TAIL], 1);
    assert_int_equal(counts->faults[RECORD_RANGE], 1);
    assert_int_equal(rig->flows, 1);
}

/* A worker that scribbles over its own memory: the ring cannot be read on, and that is said once;
 * what ends it is the owner's word. */
static void test_a_ring_that_cannot_be(void **state)
{
    struct rig *rig = *state;
    uint64_t nonsense[512]; /* the producer's page, whatever is where in it */
    push_an_hour(rig, MONDAY_8, 3);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_MIN);
    memset(nonsense, 0xee, sizeof nonsense);
    assert_int_equal(pwrite(rig->ring[0].producer_fd, nonsense, sizeof nonsense, 0),
                     sizeof nonsense);
    engine_begin(rig->engine, NULL);
    RIG_UNTIL(rig, rig->damaged[0] == 1);
    assert_int_equal(rig->flows, 0);
    assert_int_equal(rig->drained[0], 0);
    engine_lost(rig->engine, 0, rig->incarnation[0], "signal 9", true);
    rig_run(rig);
    assert_int_equal(rig->done, 1);
    assert_int_equal(rig->drained[0], 1);
    assert_int_equal(rig->error.code, ERROR_NONE);
    assert_int_equal(engine_counts_of(rig->engine)->workers_damaged, 1);
}

/* --- alerts ----------------------------------------------------------------------------------- */

static unsigned count_lines(const char *path, const char *holding)
{
    char line[65536];
    unsigned count = 0;
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, holding) != NULL;
    fclose(file);
    return count;
}

/* Items and then the flow record that carries their bytes, of the inside side only. */
static void test_counted_content_is_told(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct flow_key key = make_flow_key("203.0.113.9", 50000, "10.0.0.1", 80);
    make_items(&record, 1, MONDAY_8, &key, SIDE_ORIG, 0, 250); /* came in: not egress */
    rig_push(rig, 0, &record);
    rig_push_flow(rig, MONDAY_8 + 1, &key, 50000, 10);
    make_items(&record, 1, MONDAY_8 + 2, &key, SIDE_RESP, 1000, 99);
    rig_push(rig, 0, &record);
    rig_push_flow(rig, MONDAY_8 + 3, &key, 10, 2000);
    make_items(&record, 1, MONDAY_8 + 4, &key, SIDE_RESP, 1098, 2); /* one of them new */
    rig_push(rig, 0, &record);
    rig_push_flow(rig, MONDAY_8 + 5, &key, 10, 100);
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(rig->alerts, 2); /* open, close */
    assert_int_equal(counts->alerts, 2);
    const struct alert *alert = &rig->alert[0];
    assert_string_equal(alert->finding.detector->id, "content.personal");
    assert_int_equal(alert->time.ns, MONDAY_8 + 5);
    assert_int_equal(alert->story.counted.of[CONTENT_EMAIL].items, 100);
    assert_int_equal(alert->story.out.value, 10 + 2000 + 100);
    assert_int_equal(alert->state, INCIDENT_OPEN);
    assert_int_equal(rig->alert[1].state, INCIDENT_CLOSE);
    assert_int_equal(count_lines(rig->sink, "\"content.personal\""), 2);
    assert_int_equal(count_lines(rig->sink, alert->id), 1);
}

/* What left in clear text before a certificate contradicted the name is judged with its flow. */
static void test_content_behind_a_forged_name(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct ip address = make_ip("198.51.100.1");
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    make_question(&record, 1, MONDAY_8, "www.example.jp");
    rig_push(rig, 0, &record);
    make_answer(&record, 2, MONDAY_8 + 1, "www.example.jp", &address, 1);
    rig_push(rig, 0, &record);
    make_server_name(&record, 3, MONDAY_8 + 2, &key, "www.example.jp");
    rig_push(rig, 0, &record);
    make_items(&record, 4, MONDAY_8 + 3, &key, SIDE_ORIG, 0, 250);
    rig_push(rig, 0, &record);
    make_flow(&record, 5, MONDAY_8 + 4, &key, 9000, 10);
    give_server_name(&record, "www.example.jp");
    record.flow.flags |= FLOW_CERTIFICATE_OTHER;
    rig_push(rig, 0, &record);
    rig_finish(rig);
    assert_int_equal(rig->alerts, 2); /* open, close */
    assert_string_equal(rig->alert[0].finding.detector->id, "content.personal");
    assert_string_equal(rig->alert[0].story.destination.name, "198.51.100.0/24");
    assert_int_equal(rig->alert[0].story.out.value, 9000);
    assert_int_equal((int)rig->alert[0].finding.reason[0].observed, 250);
}

/* Past TOTALS_PAIRS destinations an hour's bytes are summed as "other"; what left, and for where,
 * is told all the same. */
static void test_content_among_too_many_destinations(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    char text[32];
    int64_t now = MONDAY_8;
    for (unsigned i = 0; i < TOTALS_PAIRS + 10; i++) {
        snprintf(text, sizeof text, "198.%u.%u.1", 20 + i / 256, i % 256);
        struct flow_key key = make_flow_key("10.0.0.1", 40000, text, 443);
        rig_push_flow(rig, ++now, &key, 10, 10);
    }
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "203.0.113.9", 80);
    make_items(&record, 1, ++now, &key, SIDE_ORIG, 0, 250);
    rig_push(rig, 0, &record);
    rig_push_flow(rig, ++now, &key, 50000, 10);
    const struct engine_counts *counts = rig_finish(rig);
    assert_true(counts->pairs_overflow >= 11);
    assert_int_equal(rig->alerts, 2); /* open, close */
    assert_string_equal(rig->alert[0].story.destination.name, "203.0.113.0/24");
    assert_int_equal(rig->alert[0].story.counted.of[CONTENT_EMAIL].items, 250);
    assert_int_equal(rig->alert[0].story.out.value, 50000);
}

static void push_sight(struct rig *rig, uint64_t number, int64_t time_ns, uint64_t missing)
{
    union any_record record;
    memset(&record, 0, sizeof record);
    record.health.total.packets = 1000000;
    record.health.total.tcp_payload_bytes = 1000000000;
    record.health.total.tcp_missing_bytes = missing;
    finish_record(&record, RECORD_HEALTH, number, time_ns, sizeof record.health, 0);
    rig_push(rig, 0, &record);
}

/* A hole of 3 MB in 1 GB, and then it fills: fewer missing bytes are no loss. */
static void test_a_hole_that_fills_is_no_loss(void **state)
{
    struct rig *rig = *state;
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    rig_push_flow(rig, MONDAY_8, &key, 10, 10);
    push_sight(rig, 1, MONDAY_8 + NS_PER_S, 3000000);
    rig_push_flow(rig, MONDAY_8 + 11 * NS_PER_MIN, &key, 10, 10);
    push_sight(rig, 2, MONDAY_8 + 12 * NS_PER_MIN, 0);
    rig_push_flow(rig, MONDAY_8 + 23 * NS_PER_MIN, &key, 10, 10);
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(counts->alerts, 0);
}

/* --- what it stands on goes ------------------------------------------------------------------- */

static void test_the_store_dies(void **state)
{
    struct rig *rig = *state;
    push_an_hour(rig, MONDAY_8, 3);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_MIN);
    engine_begin(rig->engine, NULL);
    RIG_UNTIL(rig, rig->flows == 3);
    kill(rig->redis.pid, SIGKILL);
    push_an_hour(rig, MONDAY_8 + 2 * NS_PER_HOUR, 3);
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
    assert_int_equal(rig->done, 1);
    assert_int_equal(rig->error.code, ERROR_RUN);
}

static void test_it_fails_once(void **state)
{
    struct rig *rig = *state;
    struct error error = {ERROR_RUN, "somebody pulled the plug"}, later = {ERROR_RUN, "again"};
    push_an_hour(rig, MONDAY_8, 3);
    engine_begin(rig->engine, NULL);
    engine_fail(rig->engine, &error);
    engine_fail(rig->engine, &later);
    assert_true(engine_finished(rig->engine));
    rig_push_watermark(rig, 0, INT64_MAX);
    RIG_UNTIL(rig, rig->done == 1);
    assert_string_equal(rig->error.message, "somebody pulled the plug");
    assert_int_equal(rig->flows, 0);
}

/* Answers that are under way when it fails find an engine that wants them no more. */
static void test_it_fails_while_profiles_are_saved(void **state)
{
    struct rig *rig = *state;
    struct error error = {ERROR_RUN, "the disk is full"};
    push_an_hour(rig, MONDAY_8, 40);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_MIN);
    engine_begin(rig->engine, NULL);
    RIG_UNTIL(rig, rig->flows == 40);
    kill(rig->redis.pid, SIGSTOP);
    push_an_hour(rig, MONDAY_8 + 2 * NS_PER_HOUR, 1);
    rig_push_watermark(rig, 0, INT64_MAX);
    RIG_UNTIL(rig, store_pending(rig->store) >= 40);
    engine_fail(rig->engine, &error);
    kill(rig->redis.pid, SIGCONT);
    RIG_UNTIL(rig, store_pending(rig->store) == 0);
    assert_int_equal(engine_counts_of(rig->engine)->host_hours_closed, 40);
    assert_int_equal(rig->done, 1);
}

/* Of a scan there is nothing to tell; the pairs are there. */
static void test_a_scan_makes_no_stories(void **state)
{
    struct rig *rig = *state;
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    union any_record record;
    rig_push_flow(rig, MONDAY_8, &key, 1000, 10);
    for (unsigned i = 0; i < 1000; i++) {
        char to[24];
        snprintf(to, sizeof to, "203.%u.%u.1", i / 250, i % 250);
        key = make_flow_key("10.0.0.1", (uint16_t)(41000 + i), to, 443);
        make_empty(&record, 1, MONDAY_8 + NS_PER_S, &key);
        rig_push(rig, 0, &record);
    }
    key = make_flow_key("10.0.0.1", 41000, "203.0.0.1", 443);
    make_flow(&record, 1, MONDAY_8 + 3 * NS_PER_S, &key, 50, 50); /* answered after all */
    record.flow.start_ns = MONDAY_8;
    record.flow.fresh[SIDE_ORIG].packets = 1;
    rig_push(rig, 0, &record);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_MIN);
    engine_begin(rig->engine, NULL);
    rig_settle(rig);
    assert_int_equal(totals_pairs(rig->engine->totals), 1001);
    assert_int_equal(rig->engine->stories.map.count, 3); /* the host's, of two destinations */
    struct destination destination = destination_of_prefix(ROLE_CLIENT, &key.resp_ip);
    struct open_story *open = stories_find(&rig->engine->stories, &key.orig_ip, &destination);
    assert_non_null(open);
    assert_int_equal(open->story.flows_total, 1);
    assert_int_equal(open->story.out_packets, 4);
    rig_finish(rig);
}

int main(void)
{
#define WITH(test)     cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define WITH_TWO(test) cmocka_unit_test_setup_teardown(test, set_up_two_workers, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_scopes),
        WITH(test_scopes_by_frame),
        WITH(test_addresses_that_devices_have),
        WITH(test_the_view),
        WITH(test_destinations_by_seen_answers),
        WITH(test_a_certificate_for_others),
        WITH(test_a_host_needs_an_exchange),
        cmocka_unit_test_setup_teardown(test_max_hosts, set_up_two_hosts, tear_down),
        WITH(test_an_hour_is_closed_two_minutes_after_its_end),
        WITH(test_what_comes_from_inside),
        WITH(test_profiles_in_the_store),
        WITH(test_pauses_change_no_order),
        WITH(test_nothing_before_it_begins),
        WITH_TWO(test_the_slower_worker_holds_the_other),
        WITH(test_nothing_at_all),
        WITH(test_a_scan_makes_no_stories),
        WITH_TWO(test_health_is_summed_over_workers),
        WITH(test_records_that_cannot_be),
        WITH(test_a_ring_that_cannot_be),
        WITH(test_counted_content_is_told),
        WITH(test_content_behind_a_forged_name),
        WITH(test_content_among_too_many_destinations),
        WITH(test_a_hole_that_fills_is_no_loss),
        WITH(test_the_store_dies),
        WITH(test_it_fails_once),
        WITH(test_it_fails_while_profiles_are_saved),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
