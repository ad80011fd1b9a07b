/* What only a live engine does: silences and absences become alerts, hearts beat, and time goes on
 * by watermarks alone. The same records in a replay say none of it. Skipped (77) where redis-server
 * is not installed. */
#include "rig.h"

#include "../../../sensor/engine/internal.h"

#define S       NS_PER_S
#define END     (900 * S)
#define T(text) (MONDAY_8 + (text)*S)

static int open_rig(void **state, int64_t heartbeat_ns)
{
    *state = rig_open_live(1, 1000, heartbeat_ns);
    return 0;
}

static int set_up(void **state)
{
    return open_rig(state, 0);
}

static int set_up_beating(void **state)
{
    return open_rig(state, 5 * NS_PER_MIN);
}

static int set_up_replay(void **state)
{
    return open_rig(state, -1);
}

static int tear_down(void **state)
{
    rig_close(*state);
    return 0;
}

/* --- traffic -----------------------------------------------------------------------------------
 */

/* A report of ten seconds up to `s`. */
static void report(struct rig *rig, int64_t s, uint16_t vlan, uint64_t up, uint64_t down)
{
    union any_record record;
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    key.vlan = vlan;
    make_flow(&record, 1, T(s), &key, up, down);
    record.flow.start_ns = record.flow.fresh_since_ns = T(s) - 10 * S;
    for (int side = 0; side < SIDES; side++)
        if ((side == SIDE_ORIG ? up : down) == 0)
            set_side(&record.flow, side, 0, 0);
    rig_push(rig, 0, &record);
}

/* VLAN 20 until 200 s, what leaves until 400 s, all until 600 s; then nothing but time. */
static void push_loss(struct rig *rig, bool each_second)
{
    for (int64_t s = 0; s <= END / S; s++) {
        if (s % 11 == 10 && s <= 600)
            report(rig, s, 10, s <= 400 ? 1000 : 0, 100);
        if (s % 11 == 10 && s <= 200)
            report(rig, s, 20, 1000, 100);
        if (each_second || s == END / S)
            rig_push_watermark(rig, 0, T(s));
    }
}

/* A live input ends after its time has passed, not with it. */
static const struct engine_counts *finish(struct rig *rig)
{
    engine_begin(rig->engine, NULL);
    while (rig->engine->sight.next.ns <= T(END / S))
        rig_turn(rig, 10 * NS_PER_MS);
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
    return engine_counts_of(rig->engine);
}

static const struct alert *sight_alert(const struct rig *rig, size_t number)
{
    for (size_t i = 0; i < rig->alerts; i++)
        if (*rig->alert[i].story.sight && number-- == 0)
            return &rig->alert[i];
    return NULL;
}

static void expect(const struct alert *alert, const char *sight, const char *code, int64_t last_s)
{
    assert_non_null(alert);
    assert_string_equal(alert->story.sight, sight);
    assert_string_equal(alert->finding.detector->id, "sensor.blind");
    assert_string_equal(alert->finding.reason[0].code, code);
    assert_int_equal(alert->state, INCIDENT_OPEN);
    assert_int_equal(alert->story.first.ns, T(last_s));
    assert_true(alert->time.ns - T(last_s) <= 60 * S);
}

/* --- one thing after the other is taken away -----------------------------------------------------
 */

static void test_each_loss_is_told(void **state)
{
    struct rig *rig = *state;
    push_loss(rig, true);
    finish(rig);
    expect(sight_alert(rig, 0), "vlan 20", "sensor.blind.silent.vlan", 197);
    expect(sight_alert(rig, 1), "direction out", "sensor.blind.silent.direction", 395);
    expect(sight_alert(rig, 2), "tap", "sensor.blind.silent.tap", 593);
    assert_int_equal(sight_alert(rig, 0)->finding.urgency, URGENCY_SHIFT);
    assert_int_equal(sight_alert(rig, 1)->finding.urgency, URGENCY_NOW);
    assert_int_equal(sight_alert(rig, 2)->finding.urgency, URGENCY_NOW);
    assert_string_equal(sight_alert(rig, 0)->finding.reason[0].text,
                        "no packets of VLAN 20 since 2026-03-02T08:03:17.000Z (usual: always, the "
                        "longest silence of the last hour was 1.0 s)");
    assert_null(sight_alert(rig, 3)); /* the end of a live input is not theirs */
    assert_string_not_equal(sight_alert(rig, 0)->incident, sight_alert(rig, 1)->incident);
    assert_string_not_equal(sight_alert(rig, 1)->incident, sight_alert(rig, 2)->incident);
}

static void test_a_replay_says_nothing(void **state)
{
    struct rig *rig = *state;
    push_loss(rig, true);
    rig_finish(rig);
    assert_null(sight_alert(rig, 0));
}

/* Which watermarks were seen on the way does not matter. */
static void test_same_records_same_alerts(void **state)
{
    static struct alert often[RIG_ALERTS];
    struct rig *rig = *state;
    push_loss(rig, true);
    finish(rig);
    size_t count = rig->alerts;
    memcpy(often, rig->alert, sizeof often);
    rig_close(rig);
    *state = rig = rig_open_live(1, 1000, 0);
    push_loss(rig, false);
    finish(rig);
    assert_int_equal(rig->alerts, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(often[i].id, rig->alert[i].id);
        assert_int_equal(often[i].time.ns, rig->alert[i].time.ns);
        assert_string_equal(often[i].finding.reason[0].text, rig->alert[i].finding.reason[0].text);
    }
}

/* Told while time only goes on by watermarks: nothing waits for the next record. */
static void test_told_in_silence(void **state)
{
    struct rig *rig = *state;
    engine_begin(rig->engine, NULL);
    for (int64_t s = 10; s <= 120; s += 11)
        report(rig, s, 0, 1000, 100);
    rig_push_watermark(rig, 0, T(149));
    rig_turn(rig, 100 * NS_PER_MS);
    assert_null(sight_alert(rig, 0));
    rig_push_watermark(rig, 0, T(151));
    rig_turn(rig, 100 * NS_PER_MS);
    expect(sight_alert(rig, 0), "tap", "sensor.blind.silent.tap", 120);
    assert_int_equal(sight_alert(rig, 0)->time.ns, T(150));
    report(rig, 190, 0, 1000, 100);
    rig_push_watermark(rig, 0, T(196));
    rig_turn(rig, 100 * NS_PER_MS);
    const struct alert *end = sight_alert(rig, 1);
    assert_non_null(end);
    assert_int_equal(end->state, INCIDENT_CLOSE);
    assert_string_equal(end->incident, sight_alert(rig, 0)->incident);
    assert_int_equal(end->story.last.ns, T(180));
    assert_int_equal(end->finding.urgency, URGENCY_DIGEST);
    assert_string_equal(end->finding.reason[0].text,
                        "no packets at all from 2026-03-02T08:02:00.000Z to "
                        "2026-03-02T08:03:00.000Z (1 min 0 s)");
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
    assert_null(sight_alert(rig, 2));
}

static void test_bursts_are_no_life(void **state)
{
    struct rig *rig = *state;
    for (int64_t s = 25; s <= 800; s += 25) {
        union any_record record;
        struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
        make_flow(&record, 1, T(s), &key, 100, 100); /* a second long */
        rig_push(rig, 0, &record);
    }
    rig_push_watermark(rig, 0, T(860));
    rig_finish(rig);
    assert_null(sight_alert(rig, 0));
}

/* An hour that is due is closed, although no record says that it is over. */
static void test_idle_time_closes_hours(void **state)
{
    struct rig *rig = *state;
    engine_begin(rig->engine, NULL);
    report(rig, 10, 0, 1000, 100);
    rig_push_watermark(rig, 0, T(3 * 3600));
    for (int turns = 0; engine_counts_of(rig->engine)->hours_closed == 0 && turns < 600; turns++)
        rig_turn(rig, 100 * NS_PER_MS);
    assert_int_equal(engine_counts_of(rig->engine)->hours_closed, 1);
    rig_push_watermark(rig, 0, INT64_MAX);
    rig_run(rig);
}

/* --- absences ------------------------------------------------------------------------------------
 */

static void test_absences(void **state)
{
    struct rig *rig = *state;
    struct absence died = {0, "died (signal 9)", {T(10)}, {T(10) + 800 * NS_PER_MS}, 12};
    judge_absence(rig->engine, &died);
    died.from.ns = T(20);
    died.until.ns = T(21);
    judge_absence(rig->engine, &died);
    engine_note_gap(rig->engine, (struct ptime){T(30)}, (struct ptime){T(35)});
    assert_int_equal(rig->alerts, 4);
    engine_note_gap(rig->engine, (struct ptime){T(30)}, (struct ptime){T(96)});
    assert_int_equal(rig->alerts, 6);
    const struct alert *alert = rig->alert;
    expect(&alert[0], "worker 0 1772438410000000000", "sensor.blind.absent", 10);
    assert_string_equal(alert[0].finding.reason[0].text,
                        "capture worker 0 died (signal 9): blind from 2026-03-02T08:00:10.000Z to "
                        "2026-03-02T08:00:10.800Z (0.8 s); 12 open flows were closed as lost, up "
                        "to 10 s of each before were not told yet");
    assert_int_equal(alert[0].finding.urgency, URGENCY_SHIFT);
    assert_int_equal(alert[0].story.last.ns, T(10) + 800 * NS_PER_MS);
    assert_int_equal(alert[1].state, INCIDENT_CLOSE);
    assert_string_equal(alert[1].incident, alert[0].incident);
    expect(&alert[2], "worker 0 1772438420000000000", "sensor.blind.absent", 20);
    assert_string_equal(alert[4].finding.reason[0].text,
                        "the sensor was not running from 2026-03-02T08:00:30.000Z to "
                        "2026-03-02T08:01:36.000Z (1 min 6 s)");
    assert_int_equal(incidents_counts(engine_incidents(rig->engine)).open, 0);
}

/* --- the heartbeat
 * -------------------------------------------------------------------------------- */

static char *read_sink(const struct rig *rig)
{
    static char text[1u << 20];
    FILE *file = fopen(rig->sink, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static void test_heartbeat(void **state)
{
    struct rig *rig = *state;
    push_loss(rig, true); /* 08:00 to 08:15 */
    const struct engine_counts *counts = finish(rig);
    assert_int_equal(counts->heartbeats, 3);
    assert_int_equal(counts->alerts, rig->alerts);
    const char *beat = strstr(read_sink(rig), "{\"@timestamp\":\"2026-03-02T08:05:00.000Z\"");
    assert_non_null(beat);
    assert_non_null(strstr(beat, "\"blind\":[\"vlan 20\"]}}\n"));
    beat = strstr(beat, "{\"@timestamp\":\"2026-03-02T08:15:00.000Z\"");
    assert_non_null(beat);
    assert_non_null(strstr(beat, "\"dataset\":\"weir.heartbeat\""));
    assert_non_null(strstr(beat, "\"incidents_open\":3,\"alerts\":3,"));
    assert_non_null(strstr(beat, "\"blind\":[\"direction out\",\"tap\",\"vlan 20\"]}}\n"));
}

int main(void)
{
#define CASE(name, up) cmocka_unit_test_setup_teardown(name, up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_each_loss_is_told, set_up),
        CASE(test_a_replay_says_nothing, set_up_replay),
        CASE(test_same_records_same_alerts, set_up),
        CASE(test_told_in_silence, set_up),
        CASE(test_bursts_are_no_life, set_up),
        CASE(test_idle_time_closes_hours, set_up),
        CASE(test_absences, set_up),
        CASE(test_heartbeat, set_up_beating),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
