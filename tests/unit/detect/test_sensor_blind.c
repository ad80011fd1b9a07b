/* sensor.blind: where each kind of blindness begins to be told, and that small captures are quiet.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

static bool look(struct health health, struct finding *finding)
{
    struct detect_config config = detect_config_default();
    struct subject subject = {.kind = SUBJECT_SENSOR,
                              .config = &config,
                              .interval = health,
                              .interval_start = {INT64_C(1772413200) * NS_PER_S},
                              .interval_end = {INT64_C(1772413800) * NS_PER_S}};
    memset(finding, 0, sizeof *finding);
    return ask("sensor.blind", &subject, finding);
}

static void a_small_capture_is_quiet(void **state)
{
    struct finding f;
    (void)state;
    assert_false(look((struct health){0}, &f));
    /* 300 packets, one gap, one flow seen from one side. */
    assert_false(look((struct health){.packets = 300,
                                      .tcp_payload_bytes = 200000,
                                      .tcp_missing_bytes = 60000,
                                      .flows = 12,
                                      .flows_one_sided = 1,
                                      .flows_two_sided = 11,
                                      .kernel_drops = 3,
                                      .flows_evicted = 0},
                      &f));
}

static void drops(void **state)
{
    struct finding f;
    (void)state;
    assert_false(look((struct health){.packets = 50000, .kernel_drops = 99}, &f));
    assert_false(look((struct health){.packets = 1000000, .kernel_drops = 500}, &f));
    assert_true(
        look((struct health){.packets = 1199514, .kernel_drops = 4800, .interface_drops = 17}, &f));
    assert_string_equal(f.reason[0].code, "sensor.blind.drops");
    assert_string_equal(f.reason[0].text,
                        "4,817 of 1,204,331 packets were lost before the sensor saw them, "
                        "2026-03-02T01:00:00.000Z to 2026-03-02T01:10:00.000Z");
    assert_int_equal(f.score, 49); /* 40 + 30·ln(.004/.001)/ln(100) */
    assert_true(f.needs == 1205);  /* a thousandth of 1,204,331 */
    assert_string_equal(f.needs_unit, "packet");
    assert_int_equal(f.urgency, URGENCY_DIGEST);
    assert_null(f.detector->technique);
    /* Very many are told, however small their share. */
    assert_true(look((struct health){.packets = 100000000, .kernel_drops = 10000}, &f));
    assert_int_equal(f.score, 40);
    assert_true(f.needs == 10000);
    assert_true(look((struct health){.packets = 100, .kernel_drops = 900}, &f));
    assert_int_equal(f.score, 70);
    assert_int_equal(f.urgency, URGENCY_SHIFT);
}

static void gaps(void **state)
{
    struct finding f;
    (void)state;
    assert_false(look(
        (struct health){.tcp_payload_bytes = 99 << 20, .tcp_missing_bytes = (1 << 20) - 1}, &f));
    assert_false(
        look((struct health){.tcp_payload_bytes = 199 << 20, .tcp_missing_bytes = 1 << 20}, &f));
    assert_true(
        look((struct health){.tcp_payload_bytes = 90 << 20, .tcp_missing_bytes = 10 << 20}, &f));
    assert_string_equal(f.reason[0].code, "sensor.blind.gaps");
    assert_has(f.reason[0].text, "10 MB of 104 MB of TCP payload were not seen");
    assert_true(fabs(f.evidence - 10) < 1e-9); /* ten times the share from which it is told */
}

static void one_sided(void **state)
{
    struct finding f;
    (void)state;
    assert_false(look((struct health){.flows_one_sided = 19}, &f));
    assert_false(look((struct health){.flows_one_sided = 19, .flows_two_sided = 20}, &f));
    assert_true(look((struct health){.flows_one_sided = 10, .flows_two_sided = 10}, &f));
    assert_int_equal(f.score, 40);
    assert_true(look((struct health){.flows_one_sided = 400}, &f));
    assert_int_equal(f.score, 70);
    assert_has(f.reason[0].text, "400 of 400 ended TCP flows were seen from one side only");
}

static void room_and_ring(void **state)
{
    struct finding f;
    (void)state;
    assert_false(look((struct health){.flows = 1000, .flows_evicted = 99}, &f));
    assert_false(look((struct health){.flows = 1000000, .flows_evicted = 999}, &f));
    assert_true(look((struct health){.flows = 1000, .flows_evicted = 100}, &f));
    assert_string_equal(f.reason[0].code, "sensor.blind.evicted");
    assert_true(look((struct health){.flows = 1000000, .ring_lost = 1}, &f));
    assert_string_equal(f.reason[0].code, "sensor.blind.ring");
    assert_int_equal(f.score, 40);
}

static void what_is_not_read(void **state)
{
    struct finding f;
    (void)state;
    struct health macsec = {.packets = 60, .unknown_link = 50, .not_ip = 5};
    health_count(&macsec, HEALTH_SKIPPED, 0x0806, 5);
    health_count(&macsec, HEALTH_UNREAD, 0x88e5, 40);
    health_count(&macsec, HEALTH_UNREAD, 0x88e7, 10);
    assert_true(look(macsec, &f));
    assert_string_equal(f.reason[0].code, "sensor.blind.unread");
    assert_has(f.reason[0].text,
               "50 of 60 packets were of kinds, or carried tunnels, that are not read (EtherType "
               "0x88e5 (MACsec) 40, EtherType 0x88e7 10), 2026-");
    assert_int_equal(f.score, 70);
    assert_int_equal(f.urgency, URGENCY_SHIFT);
    assert_false(look((struct health){.packets = 60, .unknown_link = 19}, &f));
    assert_false(look((struct health){.packets = 10000, .unknown_link = 99}, &f));
    assert_true(look((struct health){.packets = 10000, .unknown_link = 100}, &f));
    assert_int_equal(f.score, 40);
    /* A tunnel whose inside is closed hides as much. */
    assert_false(look((struct health){.packets = 10000, .tunnels_unread = 99}, &f));
    assert_true(
        look((struct health){.packets = 10000, .tunnels_unread = 60, .unknown_link = 40}, &f));
    assert_string_equal(f.reason[0].code, "sensor.blind.unread");
    assert_has(f.reason[0].text, "100 of 10,000 packets");
    /* One for which there was no room may have led anywhere. */
    assert_false(look((struct health){.packets = 10000, .tunnels_lost = 99}, &f));
    assert_true(look((struct health){.packets = 10000, .tunnels_lost = 100}, &f));
    assert_string_equal(f.reason[0].code, "sensor.blind.tunnels");
    /* A sensor's neighbours are not its blindness. */
    assert_false(look((struct health){.packets = 1000, .not_ip = 1000}, &f));
}

static void what_does_not_fit(void **state)
{
    struct finding f;
    (void)state;
    assert_false(look((struct health){.packets = 1000, .truncated = 99}, &f));
    assert_true(look((struct health){.packets = 1000, .truncated = 60, .malformed_ipv4 = 40}, &f));
    assert_string_equal(f.reason[0].code, "sensor.blind.undecoded");
    assert_false(look((struct health){.packets = 100000, .tcp_far_segments = 99}, &f));
    assert_true(look((struct health){.packets = 100000,
                                     .tcp_far_segments = 40,
                                     .tcp_far_acks = 40,
                                     .tcp_resets_refused = 20},
                     &f));
    assert_string_equal(f.reason[0].code, "sensor.blind.implausible");
    assert_int_equal(f.score, 40);
    assert_false(look((struct health){.packets = 1000, .time_jumps = 8}, &f));
    assert_true(look((struct health){.packets = 1000, .time_jumps = 100}, &f));
    assert_string_equal(f.reason[0].code, "sensor.blind.clock");
}

static void the_worst_comes_first(void **state)
{
    struct finding f;
    double weights = 0;
    (void)state;
    assert_true(look((struct health){.packets = 1000000,
                                     .kernel_drops = 2000,
                                     .tcp_payload_bytes = 1 << 20,
                                     .tcp_missing_bytes = 9 << 20,
                                     .flows = 1000,
                                     .flows_evicted = 100,
                                     .flows_one_sided = 60,
                                     .flows_two_sided = 40,
                                     .ring_lost = 5},
                     &f));
    assert_int_equal(f.reason_count, FINDING_REASONS);
    assert_string_equal(f.reason[0].code, "sensor.blind.gaps");
    for (size_t i = 0; i < f.reason_count; i++) {
        weights += f.reason[i].weight;
        assert_true(i == 0 || f.reason[i].weight <= f.reason[i - 1].weight);
    }
    assert_true(fabs(weights - 1) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_capture_is_quiet),
        cmocka_unit_test(drops),
        cmocka_unit_test(gaps),
        cmocka_unit_test(one_sided),
        cmocka_unit_test(room_and_ring),
        cmocka_unit_test(what_is_not_read),
        cmocka_unit_test(what_does_not_fit),
        cmocka_unit_test(the_worst_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
