/* Workers that come and go: what a dead one left in its ring is taken, the flows it left open end
 * as lost, its successor goes on, and in the meantime nobody waits for it.
 * Skipped (77) where redis-server is not installed. */
#include "rig.h"

#include "../../../sensor/engine/internal.h"

#include <time.h>

static int set_up(void **state)
{
    *state = rig_open_as(1, 1000, true);
    return 0;
}

static int set_up_two(void **state)
{
    *state = rig_open_as(2, 1000, true);
    return 0;
}

static int set_up_replay(void **state)
{
    *state = rig_open(2, 1000);
    return 0;
}

static int set_up_threads(void **state)
{
    struct rig *rig = rig_open(1, 1000);
    engine_free(rig->engine);
    rig->workers_stay = true;
    rig_new_engine(rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_close(*state);
    return 0;
}

static struct flow_key key_of(unsigned host)
{
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    key.orig_ip.byte[15] = (uint8_t)host;
    return key;
}

/* A flow that goes on: everything so far is fresh. */
static void push_progress(struct rig *rig, uint32_t worker, int64_t time_ns, unsigned host,
                          uint64_t up)
{
    union any_record record;
    struct flow_key key = key_of(host);
    make_flow(&record, 1, time_ns, &key, up, 10);
    record.flow.end = FLOW_OPEN;
    rig_push(rig, worker, &record);
}

static void push_end(struct rig *rig, uint32_t worker, int64_t time_ns, unsigned host)
{
    union any_record record;
    struct flow_key key = key_of(host);
    make_flow(&record, 1, time_ns, &key, 100, 10);
    rig_push(rig, worker, &record);
}

static void begin(struct rig *rig)
{
    engine_begin(rig->engine, NULL);
    rig_rest(rig);
}

/* --- a loss ----------------------------------------------------------------------------------- */

/* Two flows open, one ended; the last records were not covered by a watermark. */
static void push_before_the_loss(struct rig *rig)
{
    push_progress(rig, 0, MONDAY_8 + 1, 7, 1000);
    push_progress(rig, 0, MONDAY_8 + 2, 3, 2000);
    push_progress(rig, 0, MONDAY_8 + 3, 5, 3000);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_S);
    push_end(rig, 0, MONDAY_8 + 2 * NS_PER_S, 5);
}

static void test_what_a_dead_worker_left_is_taken(void **state)
{
    struct rig *rig = *state;
    push_before_the_loss(rig);
    engine_lost(rig->engine, 0, rig->incarnation[0], "died (signal 9)", false);
    begin(rig);
    const struct engine_counts *counts = engine_counts_of(rig->engine);
    assert_int_equal(rig->drained[0], 1);
    assert_int_equal(rig->damaged[0], 0);
    assert_int_equal(rig->flows, 6);
    assert_int_equal(rig->ended[FLOW_END_CLOSED], 1);
    assert_int_equal(rig->ended[FLOW_END_LOST], 2);
    for (int i = 0; i < 2; i++) { /* by key, nothing fresh, behind its last record */
        const struct record_flow *lost = &rig->lost[i].flow;
        assert_int_equal(lost->key.orig_ip.byte[15], i ? 7 : 3);
        assert_int_equal(lost->total[SIDE_ORIG].payload_bytes, i ? 1000 : 2000);
        assert_int_equal(lost->fresh[SIDE_ORIG].payload_bytes, 0);
        assert_int_equal(lost->fresh[SIDE_ORIG].packets, 0);
        assert_int_equal(lost->header.time_ns, MONDAY_8 + 2 * NS_PER_S);
    }
    assert_int_equal(counts->payload[SCOPE_OUT].value, 1010 + 2010 + 3010 + 110); /* none twice */
    assert_int_equal(counts->flows[SCOPE_OUT], 4);
    assert_int_equal(counts->workers_lost, 1);
    assert_int_equal(counts->flows_lost, 2);
    assert_int_equal(counts->absences, 0); /* it lasts */
    assert_int_equal(engine_status_of(rig->engine).open_flows, 0);
    assert_int_equal(engine_status_of(rig->engine).workers_absent, 1);
    assert_false(engine_finished(rig->engine));
}

/* Workers that are the engine's own threads are never lost: nothing is remembered for that. */
static void test_nothing_is_remembered_of_workers_that_stay(void **state)
{
    struct rig *rig = *state;
    push_progress(rig, 0, MONDAY_8 + 1, 7, 1000);
    push_progress(rig, 0, MONDAY_8 + 2, 3, 2000);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_S);
    begin(rig);
    assert_int_equal(rig->flows, 2);
    assert_int_equal(rig->ended[FLOW_OPEN], 2);
    assert_int_equal(engine_status_of(rig->engine).open_flows, 0);
}

/* Its sides turned between two records: it is one open flow, and ends once, as it was told last. */
static void test_a_flow_that_turned_is_lost_once(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    push_progress(rig, 0, MONDAY_8 + 1, 7, 1000);
    struct flow_key key = key_of(7), turned = flow_key_turned(&key);
    make_flow(&record, 1, MONDAY_8 + 2, &turned, 60, 3000);
    record.flow.end = FLOW_OPEN;
    record.flow.flags |= FLOW_TURNED;
    record.flow.fresh[SIDE_RESP].payload_bytes = record.flow.fresh[SIDE_RESP].acked_bytes = 2000;
    record.flow.fresh[SIDE_ORIG].payload_bytes = record.flow.fresh[SIDE_ORIG].acked_bytes = 50;
    record.flow.fresh[SIDE_ORIG].packets = record.flow.fresh[SIDE_RESP].packets = 1;
    rig_push(rig, 0, &record);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_S);
    engine_lost(rig->engine, 0, rig->incarnation[0], "died (signal 9)", false);
    begin(rig);
    const struct engine_counts *counts = engine_counts_of(rig->engine);
    assert_int_equal(rig->ended[FLOW_END_LOST], 1);
    assert_memory_equal(&rig->lost[0].flow.key, &turned, sizeof turned);
    assert_int_equal(rig->lost[0].flow.flags & FLOW_TURNED, 0); /* since the record before: no */
    assert_int_equal(rig->lost[0].flow.total[SIDE_RESP].payload_bytes, 3000);
    assert_int_equal(counts->payload[SCOPE_OUT].value, 1010);
    assert_int_equal(counts->payload[SCOPE_IN].value, 2050); /* together what it sent, once */
    assert_int_equal(counts->flows[SCOPE_OUT] + counts->flows[SCOPE_IN], 1);
    assert_int_equal(counts->learning_bytes, 3000); /* out, of the one host that it has inside */
    assert_int_equal(engine_status_of(rig->engine).open_flows, 0);
}

static void test_a_successor(void **state)
{
    struct rig *rig = *state;
    push_before_the_loss(rig);
    begin(rig);
    assert_int_equal(rig->flows, 3);
    assert_int_equal(engine_status_of(rig->engine).open_flows, 2);
    engine_lost(rig->engine, 0, rig->incarnation[0], "died (signal 11)", false);
    rig_replace(rig, 0);
    push_end(rig, 0, MONDAY_8 + 5 * NS_PER_S, 9);
    rig_push_watermark(rig, 0, MONDAY_8 + 6 * NS_PER_S);
    rig_rest(rig);
    const struct engine_counts *counts = engine_counts_of(rig->engine);
    assert_int_equal(rig->drained[0], 1);
    assert_int_equal(rig->flows, 7);
    assert_int_equal(counts->absences, 1);
    assert_int_equal(counts->absent_ns, 4 * NS_PER_S); /* from its last watermark */
    assert_int_equal(counts->late, 0);
    assert_int_equal(rig->alerts, 2); /* told and over */
    const struct alert *alert = &rig->alert[0];
    assert_string_equal(alert->finding.detector->id, "sensor.blind");
    assert_non_null(strstr(alert->finding.reason[0].text, "died (signal 11)"));
    assert_non_null(strstr(alert->finding.reason[0].text, "2 open flows"));
    assert_int_equal(alert->story.first.ns, MONDAY_8 + NS_PER_S);
    assert_int_equal(alert->story.last.ns, MONDAY_8 + 5 * NS_PER_S);
    assert_int_equal(engine_status_of(rig->engine).workers_absent, 0);
}

/* One that dies before its first sign only makes the absence longer; rings wait their turn. */
static void test_successors_that_die_at_once(void **state)
{
    struct rig *rig = *state;
    push_before_the_loss(rig);
    for (int i = 0; i < 5; i++) {
        engine_lost(rig->engine, 0, rig->incarnation[0], "died (signal 11)", false);
        rig_replace(rig, 0);
    }
    push_end(rig, 0, MONDAY_8 + 9 * NS_PER_S, 9);
    begin(rig);
    const struct engine_counts *counts = engine_counts_of(rig->engine);
    assert_int_equal(rig->drained[0], 5);
    assert_int_equal(counts->workers_lost, 5);
    assert_int_equal(counts->flows_lost, 2);
    rig_push_watermark(rig, 0, MONDAY_8 + 9 * NS_PER_S);
    rig_rest(rig);
    assert_int_equal(counts->absences, 1);
    assert_int_equal(counts->absent_ns, 8 * NS_PER_S);
    assert_int_equal(rig->engine->worker[0].incarnation, 5);
}

static void test_an_orderly_end_is_no_loss(void **state)
{
    struct rig *rig = *state;
    push_progress(rig, 0, MONDAY_8, 1, 10);
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_push_watermark(rig, 1, MONDAY_8 + NS_PER_S);
    begin(rig);
    assert_int_equal(rig->drained[0], 1);
    engine_lost(rig->engine, 0, rig->incarnation[0], "exit 0", false);
    assert_int_equal(engine_counts_of(rig->engine)->workers_lost, 0);
    assert_int_equal(rig->ended[FLOW_END_LOST], 0);
    rig_replace(rig, 0); /* after a change of the configuration, say */
    push_end(rig, 0, MONDAY_8 + 2 * NS_PER_S, 2);
    rig_push_watermark(rig, 0, MONDAY_8 + 3 * NS_PER_S);
    rig_push_watermark(rig, 1, MONDAY_8 + 3 * NS_PER_S);
    rig_rest(rig);
    assert_int_equal(rig->flows, 2);
    assert_int_equal(engine_counts_of(rig->engine)->absences, 0);
}

static void test_totals_of_health_outlive_a_worker(void **state)
{
    struct rig *rig = *state;
    for (uint64_t i = 1; i <= 4; i++) {
        union any_record record;
        memset(&record, 0, sizeof record);
        record.health.total.packets = i == 3 ? 5 : i == 4 ? 7 : 100 * i;
        finish_record(&record, RECORD_HEALTH, i, MONDAY_8 + (int64_t)i, sizeof record.health, 0);
        if (i == 3) {
            engine_lost(rig->engine, 0, rig->incarnation[0], "died (signal 9)", false);
            rig_replace(rig, 0);
        }
        rig_push(rig, 0, &record);
    }
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_S);
    begin(rig);
    assert_int_equal(engine_health(rig->engine)->packets, 200 + 7);
}

/* --- nobody waits ----------------------------------------------------------------------------- */

static void test_an_absent_worker_holds_nobody_up(void **state)
{
    struct rig *rig = *state;
    push_end(rig, 0, MONDAY_8 + 1, 1);
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_S);
    begin(rig);
    assert_int_equal(rig->flows, 0); /* worker 1 is there and has said nothing yet */
    engine_lost(rig->engine, 1, rig->incarnation[1], "died (signal 9)", false);
    assert_int_equal(rig->drained[1], 1);
    rig_rest(rig);
    assert_int_equal(rig->flows, 1);
    push_end(rig, 0, MONDAY_8 + 3 * NS_PER_S, 2);
    rig_push_watermark(rig, 0, MONDAY_8 + 4 * NS_PER_S);
    rig_rest(rig);
    assert_int_equal(rig->flows, 2);
    rig_replace(rig, 1);
    push_end(rig, 1, MONDAY_8 + 2 * NS_PER_S, 3); /* older than what is complete */
    rig_rest(rig);
    assert_int_equal(rig->flows, 3);
    assert_int_equal(rig->time_ns[2], MONDAY_8 + 2 * NS_PER_S);
    assert_int_equal(engine_counts_of(rig->engine)->late, 1);
    push_end(rig, 0, MONDAY_8 + 5 * NS_PER_S, 2);
    rig_push_watermark(rig, 0, MONDAY_8 + 6 * NS_PER_S);
    rig_rest(rig);
    assert_int_equal(rig->flows, 3); /* it is there again: the others wait for it */
    rig_push_watermark(rig, 1, MONDAY_8 + 6 * NS_PER_S);
    rig_rest(rig);
    assert_int_equal(rig->flows, 4);
}

static void test_a_replay_that_loses_a_worker(void **state)
{
    struct rig *rig = *state;
    push_progress(rig, 1, MONDAY_8 + 1, 4, 100);
    rig_push_watermark(rig, 1, MONDAY_8 + NS_PER_S);
    push_end(rig, 0, MONDAY_8 + 9 * NS_PER_S, 1);
    rig_push_watermark(rig, 0, INT64_MAX);
    engine_lost(rig->engine, 1, rig->incarnation[1], "died (signal 6)", true);
    engine_begin(rig->engine, NULL);
    rig_run(rig);
    const struct engine_counts *counts = engine_counts_of(rig->engine);
    assert_int_equal(rig->error.code, ERROR_NONE);
    assert_int_equal(rig->flows, 3);
    assert_int_equal(rig->ended[FLOW_END_LOST], 1);
    assert_int_equal(counts->absences, 1);
    assert_int_equal(counts->absent_ns, 8 * NS_PER_S); /* to the end of what there is */
}

static void test_one_that_is_given_up(void **state)
{
    struct rig *rig = *state;
    engine_lost(rig->engine, 1, rig->incarnation[1], "died (signal 6)", false);
    push_end(rig, 0, MONDAY_8 + 9 * NS_PER_S, 1);
    rig_push_watermark(rig, 0, INT64_MAX);
    begin(rig);
    assert_int_equal(rig->flows, 1);
    assert_false(engine_finished(rig->engine));
    engine_lost(rig->engine, 1, rig->incarnation[1], "", true);
    rig_run(rig);
    assert_int_equal(rig->done, 1);
    assert_int_equal(engine_counts_of(rig->engine)->workers_lost, 1);
}

/* Its ring is drained and let go, its successor never came: the last one asked for waits for none.
 */
static void test_the_end_while_a_worker_is_away(void **state)
{
    struct rig *rig = *state;
    push_end(rig, 0, MONDAY_8 + 9 * NS_PER_S, 1);
    engine_lost(rig->engine, 0, rig->incarnation[0], "died (signal 6)", false);
    begin(rig);
    assert_int_equal(rig->drained[0], 1);
    assert_false(engine_finished(rig->engine));
    rig_run(rig);
    assert_int_equal(rig->done, 1);
    assert_int_equal(rig->flows, 1);
    assert_int_equal(engine_counts_of(rig->engine)->workers_lost, 1);
}

/* --- the bound -------------------------------------------------------------------------------- */

/* The faster worker is read no further than the bound (and a batch); what waits is not lost. */
static void test_the_faster_worker_is_held_back(void **state)
{
    struct rig *rig = *state;
    enum { RECORDS = 6000 };
    rig->engine->order.max = 500;
    for (int i = 1; i <= RECORDS; i++) {
        push_end(rig, 0, MONDAY_8 + i, 1);
        if (i % 10 == 0)
            rig_push_watermark(rig, 0, MONDAY_8 + i);
    }
    rig_push_watermark(rig, 0, INT64_MAX);
    begin(rig);
    uint64_t waiting = engine_status_of(rig->engine).waiting_records;
    assert_true(waiting >= 500 && waiting <= 500 + 1024);
    for (int i = 1; i <= 300; i++) { /* the slow one is read all the same */
        push_end(rig, 1, MONDAY_8 + 20 * i, 2);
        rig_push_watermark(rig, 1, MONDAY_8 + 20 * i);
        if (i % 50 == 0)
            rig_turn(rig, 10 * NS_PER_MS);
        assert_true(engine_status_of(rig->engine).waiting_records <= 3 * 1024);
    }
    rig_push_watermark(rig, 1, INT64_MAX);
    rig_run(rig);
    assert_int_equal(rig->flows, RECORDS + 300);
    for (size_t i = 1; i < rig->flows; i++)
        assert_true(rig->time_ns[i] >= rig->time_ns[i - 1]);
    assert_int_equal(engine_counts_of(rig->engine)->forced, 0);
    assert_int_equal(engine_counts_of(rig->engine)->late, 0);
}

/* A capture whose clock stands still: judged in the order it came, counted. */
static void test_a_replay_without_watermarks(void **state)
{
    struct rig *rig = *state;
    rig->engine->order.max = 500;
    rig_push_watermark(rig, 1, INT64_MAX);
    for (int i = 0; i < 1200; i++)
        push_end(rig, 0, MONDAY_8, 1);
    begin(rig);
    const struct engine_counts *counts = engine_counts_of(rig->engine);
    assert_int_equal(counts->forced, 500);
    assert_int_equal(counts->late, 700);
    assert_int_equal(rig->flows, 1200);
}

static void test_a_worker_without_watermarks_is_ended(void **state)
{
    struct rig *rig = *state;
    rig->engine->order.max = 500;
    for (int i = 0; i < 1200; i++)
        push_end(rig, 0, MONDAY_8 + i, 1);
    begin(rig);
    assert_int_equal(rig->damaged[0], 1);
    assert_int_equal(engine_status_of(rig->engine).waiting_records, 500);
    engine_lost(rig->engine, 0, rig->incarnation[0], "damaged", false);
    rig_replace(rig, 0);
    push_end(rig, 0, MONDAY_8 + 2000, 1);
    rig_push_watermark(rig, 0, MONDAY_8 + 2000);
    rig_rest(rig);
    assert_int_equal(rig->flows, 501);
    assert_int_equal(rig->damaged[0], 1);
}

/* --- liars ------------------------------------------------------------------------------------ */

static void test_records_that_lie_about_their_order(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 2; i++) {
        int64_t now = MONDAY_8 + i * NS_PER_MIN;
        push_end(rig, 0, now + 1, 1);
        rig_push_watermark(rig, 0, now + 10);
        if (i == 0)
            push_end(rig, 0, now + 10, 2); /* was said to be complete */
        rig->number[0] -= 2;
        push_end(rig, 0, now + 20, 3);
        push_end(rig, 0, now + 30, 4);
        i ? rig_rest(rig) : begin(rig);
        assert_int_equal(rig->flows, 1 + i);
        assert_int_equal(rig->damaged[0], 1 + i);
        engine_lost(rig->engine, 0, rig->incarnation[0], "damaged", false);
        rig_replace(rig, 0);
    }
    assert_int_equal(engine_counts_of(rig->engine)->faults[RECORD_RANGE], 2);
    assert_int_equal(engine_counts_of(rig->engine)->workers_damaged, 2);
}

static void test_workers_that_are_not(void **state)
{
    struct rig *rig = *state;
    struct error error = {0};
    assert_int_equal(engine_attach(rig->engine, 1, 0, &rig->ring[0], &error), -1);
    assert_int_equal(error.code, ERROR_RUN);
    engine_lost(rig->engine, 1, 0, "died (signal 9)", true);
    const struct ring_handles none = {-1, -1, -1, -1, RING_SIZE_MIN};
    error = (struct error){0};
    assert_int_equal(engine_attach(rig->engine, 0, 1, &none, &error), -1);
    assert_int_equal(error.code, ERROR_RUN);
    begin(rig);
    assert_false(engine_finished(rig->engine));
}

/* --- what a live worker may not do
 * ------------------------------------------------------------ */

/* A record of tomorrow would close hours that are to come. It is not even logged. */
static void test_a_record_of_tomorrow(void **state)
{
    struct rig *rig = *state;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ns = now.tv_sec * NS_PER_S;
    push_progress(rig, 0, now_ns, 7, 1000);
    rig_push_watermark(rig, 0, now_ns + NS_PER_HOUR);
    begin(rig);
    assert_int_equal(rig->flows, 1);
    assert_int_equal(rig->damaged[0], 0);
    push_progress(rig, 0, now_ns + 2 * NS_PER_DAY, 8, 1000);
    rig_rest(rig);
    assert_int_equal(rig->damaged[0], 1);
    assert_int_equal(rig->flows, 1);
    assert_int_equal(engine_status_of(rig->engine).complete.ns, now_ns + NS_PER_HOUR);
    assert_int_equal(engine_counts_of(rig->engine)->workers_damaged, 1);
}

/* Its beats are its own word: what counts is what comes out of its ring. */
static void test_a_worker_that_says_nothing(void **state)
{
    struct rig *rig = *state;
    rig_push_watermark(rig, 0, MONDAY_8 + NS_PER_S);
    begin(rig);
    for (int second = 0; second < 14; second++) {
        engine_listen(rig->engine);
        rig_push_watermark(rig, 0, MONDAY_8 + (2 + second) * NS_PER_S);
        rig_turn(rig, 10 * NS_PER_MS);
    }
    assert_int_equal(rig->damaged[0], 0);
    assert_int_equal(rig->damaged[1], 0); /* for 14 s, and one to go */
    engine_listen(rig->engine);
    assert_int_equal(rig->damaged[0], 0);
    assert_int_equal(rig->damaged[1], 1);
    assert_int_equal(engine_status_of(rig->engine).complete.ns, INT64_MIN); /* held up till then */
    engine_lost(rig->engine, 1, rig->incarnation[1], "died (signal 9)", false);
    rig_rest(rig);
    assert_int_equal(engine_status_of(rig->engine).complete.ns, MONDAY_8 + 15 * NS_PER_S);
}

int main(void)
{
#define WITH(test)         cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define WITH_TWO(test)     cmocka_unit_test_setup_teardown(test, set_up_two, tear_down)
#define WITH_REPLAY(test)  cmocka_unit_test_setup_teardown(test, set_up_replay, tear_down)
#define WITH_THREADS(test) cmocka_unit_test_setup_teardown(test, set_up_threads, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_a_record_of_tomorrow),
        WITH_TWO(test_a_worker_that_says_nothing),
        WITH(test_what_a_dead_worker_left_is_taken),
        WITH_THREADS(test_nothing_is_remembered_of_workers_that_stay),
        WITH(test_a_flow_that_turned_is_lost_once),
        WITH(test_a_successor),
        WITH(test_successors_that_die_at_once),
        WITH_TWO(test_an_orderly_end_is_no_loss),
        WITH(test_totals_of_health_outlive_a_worker),
        WITH_TWO(test_an_absent_worker_holds_nobody_up),
        WITH_REPLAY(test_a_replay_that_loses_a_worker),
        WITH_REPLAY(test_one_that_is_given_up),
        WITH(test_the_end_while_a_worker_is_away),
        WITH_REPLAY(test_the_faster_worker_is_held_back),
        WITH_REPLAY(test_a_replay_without_watermarks),
        WITH(test_a_worker_without_watermarks_is_ended),
        WITH(test_records_that_lie_about_their_order),
        WITH(test_workers_that_are_not),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
