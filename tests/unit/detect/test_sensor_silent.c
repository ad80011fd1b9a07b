/* sensor.blind of a silence: names, codes, words, and whom it wakes. When a silence is one is the
 * engine's (tests/unit/engine/test_sight.c). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#define START (INT64_C(1772413200) * NS_PER_S) /* 2026-03-02 01:00 UTC */

static struct finding find(const struct silence *silence)
{
    struct detect_config config = detect_config_default();
    struct subject subject = {.kind = SUBJECT_SENSOR, .config = &config, .silence = silence};
    struct finding finding = {0};
    assert_true(ask("sensor.blind", &subject, &finding));
    assert_int_equal(finding.reason_count, 1);
    assert_string_equal(finding.detector->id, "sensor.blind");
    return finding;
}

static struct silence silence_of(enum silence_kind kind, int64_t ns)
{
    return (struct silence){
        .kind = kind, .from = {START}, .until = {START + ns}, .needs_ns = 30 * NS_PER_S};
}

static void words_while_it_lasts(void **state)
{
    static const struct {
        enum silence_kind kind;
        uint16_t vlan;
        const char *name, *code, *text;
        enum urgency urgency;
    } row[] = {
        {SILENT_TAP, 0, "tap", "sensor.blind.silent.tap", "no packets at all since", URGENCY_NOW},
        {SILENT_OUT, 0, "direction out", "sensor.blind.silent.direction",
         "no packets from inside to outside since", URGENCY_NOW},
        {SILENT_IN, 0, "direction in", "sensor.blind.silent.direction",
         "no packets from outside to inside since", URGENCY_NOW},
        {SILENT_VLAN, 20, "vlan 20", "sensor.blind.silent.vlan", "no packets of VLAN 20 since",
         URGENCY_SHIFT},
        {SILENT_VLAN, 0, "vlan 0", "sensor.blind.silent.vlan", "no untagged packets since",
         URGENCY_SHIFT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char name[SILENCE_NAME_SIZE], text[256];
        struct silence silence = silence_of(row[i].kind, 31 * NS_PER_S);
        silence.vlan = row[i].vlan;
        silence.longest_ns = 9900 * NS_PER_MS;
        struct finding f = find(&silence);
        assert_string_equal(silence_name(&silence, name), row[i].name);
        assert_string_equal(f.reason[0].code, row[i].code);
        snprintf(text, sizeof text,
                 "%s 2026-03-02T01:00:00.000Z (usual: always, the longest silence of the last hour "
                 "was 9.9 s)",
                 row[i].text);
        assert_string_equal(f.reason[0].text, text);
        assert_int_equal(f.urgency, row[i].urgency);
        assert_true(f.reason[0].observed == 31);
        assert_true(f.reason[0].expected[1] == 9.9);
        assert_true(f.needs == 30);
        assert_string_equal(f.needs_unit, "s");
    }
}

static void words_of_its_end(void **state)
{
    (void)state;
    struct silence silence = silence_of(SILENT_VLAN, 243 * NS_PER_S);
    silence.vlan = 20;
    silence.over = true;
    assert_string_equal(find(&silence).reason[0].text,
                        "no packets of VLAN 20 from 2026-03-02T01:00:00.000Z to "
                        "2026-03-02T01:04:03.000Z (4 min 3 s)");
    silence = silence_of(SILENT_IN, NS_PER_HOUR + 5 * NS_PER_MIN);
    silence.gone = true;
    assert_string_equal(find(&silence).reason[0].text,
                        "no packets from outside to inside since 2026-03-02T01:00:00.000Z: no "
                        "longer expected after 1 h 5 min");
}

static void hosts(void **state)
{
    (void)state;
    struct silence silence = silence_of(SILENT_HOSTS, 40 * NS_PER_S);
    silence.hosts = 12;
    silence.of = 20;
    struct finding f = find(&silence);
    assert_string_equal(f.reason[0].text,
                        "12 of 20 usual hosts silent since 2026-03-02T01:00:00.000Z");
    assert_string_equal(f.reason[0].unit, "host");
    assert_true(f.reason[0].observed == 12);
    assert_true(f.reason[0].samples == 20);
    assert_int_equal(f.urgency, URGENCY_SHIFT);
    assert_null(f.needs_unit);
}

/* The longest text and name that there can be fit. */
static void absences(void **state)
{
    (void)state;
    char name[SILENCE_NAME_SIZE];
    struct silence silence = silence_of(ABSENT_WORKER, 800 * NS_PER_MS);
    silence.worker = 63;
    silence.why = "was killed because it had not answered for 5 s";
    silence.flows_lost = UINT64_MAX;
    assert_string_equal(find(&silence).reason[0].text,
                        "capture worker 63 was killed because it had not answered for 5 s: blind "
                        "from 2026-03-02T01:00:00.000Z to 2026-03-02T01:00:00.800Z (0.8 s); "
                        "18446744073709551615 open flows were closed as lost, up to 10 s of each "
                        "before were not told yet");
    assert_string_equal(silence_name(&silence, name), "worker 63 1772413200000000000");
    silence = silence_of(ABSENT_SENSOR, 30 * NS_PER_S);
    assert_int_equal(find(&silence).urgency, URGENCY_DIGEST); /* somebody restarted it */
    silence.until.ns += NS_PER_MIN;
    assert_int_equal(find(&silence).urgency, URGENCY_SHIFT);
    assert_string_equal(find(&silence).reason[0].code, "sensor.blind.absent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_while_it_lasts),
        cmocka_unit_test(words_of_its_end),
        cmocka_unit_test(hosts),
        cmocka_unit_test(absences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
