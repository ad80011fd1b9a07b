/* What is usual, when a silence is a blindness, what explains what, and how it ends. Traffic is a
 * list of flows, each of which reports as a capture worker would: ten seconds after its first
 * unreported packet. */
#include "records.h"

#include "../../../sensor/engine/sight.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

#define T0        INT64_C(1772438400000000000) /* 2026-03-02 08:00 UTC */
#define TOLD_MAX  64
#define HOSTS_MAX 64

struct fixture {
    struct sight sight;
    struct sight_host host[HOSTS_MAX];
    struct silence told[TOLD_MAX];
    size_t count;
    int64_t now_ns; /* of the last look */
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    sight_init(&f->sight);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sight_fini(&f->sight);
    free(f);
    return 0;
}

static void tell(void *context, const struct silence *silence)
{
    struct fixture *f = context;
    assert_true(f->count < TOLD_MAX);
    f->told[f->count++] = *silence;
}

static void look_until(struct fixture *f, int64_t ns)
{
    for (struct ptime at; sight_due(&f->sight, (struct ptime){T0 + ns}, &at);) {
        sight_look(&f->sight, at, tell, f);
        f->now_ns = at.ns - T0;
    }
}

#define S NS_PER_S
enum { OUT = 1, IN = 2, BOTH = 3 };

/* Packets in [from, until] after T0, told at `until`. */
static void speak(struct fixture *f, int64_t from, int64_t until, uint16_t vlan, unsigned sides,
                  int host)
{
    struct record_flow record = {.header = {.time_ns = T0 + until}, .key = {.vlan = vlan}};
    record.start_ns = record.fresh_since_ns = T0 + from;
    record.last_ns = T0 + until;
    record.fresh[SIDE_ORIG].packets = sides & OUT ? 3 : 0;
    record.fresh[SIDE_RESP].packets = sides & IN ? 3 : 0;
    look_until(f, until);
    sight_flow(&f->sight, &record, SCOPE_OUT, host < 0 ? NULL : &f->host[host]);
}

/* Without a pause: each report begins a second after the last. */
static void speak_on(struct fixture *f, int64_t from, int64_t until, uint16_t vlan, unsigned sides)
{
    for (int64_t at = from; at < until; at += 11 * S)
        speak(f, at, at + 10 * S < until ? at + 10 * S : until, vlan, sides, -1);
}

static void expect(const struct silence *s, enum silence_kind kind, int64_t from)
{
    assert_int_equal(s->kind, kind);
    assert_int_equal(s->from.ns, T0 + from);
    assert_false(s->over);
    assert_false(s->gone);
}

static void expect_end(const struct silence *s, enum silence_kind kind, int64_t from, int64_t until)
{
    assert_int_equal(s->kind, kind);
    assert_int_equal(s->from.ns, T0 + from);
    assert_int_equal(s->until.ns, T0 + until);
    assert_true(s->over);
    assert_false(s->gone);
}

/* --- usual, and not ----------------------------------------------------------------------------
 */

static void test_silent_tap(void **state)
{
    struct fixture *f = *state;
    speak_on(f, 0, 120 * S, 0, BOTH);
    look_until(f, 149 * S);
    assert_int_equal(f->count, 0);
    look_until(f, 150 * S); /* 30 s after the last packet */
    assert_int_equal(f->count, 1);
    expect(&f->told[0], SILENT_TAP, 120 * S);
    assert_int_equal(f->told[0].until.ns, T0 + 150 * S);
    assert_int_equal(f->told[0].needs_ns, 30 * S);
    assert_int_equal(f->told[0].longest_ns, 1 * S);
    look_until(f, 40 * 60 * S); /* the tap explains all that was heard through it */
    assert_int_equal(f->count, 1);
    speak(f, 2401 * S, 2402 * S, 0, BOTH, -1);
    look_until(f, 2431 * S);
    assert_int_equal(f->count, 2);
    expect_end(&f->told[1], SILENT_TAP, 120 * S, 2401 * S);
}

static void test_a_minute_is_needed(void **state)
{
    struct fixture *f = *state;
    speak_on(f, 0, 49 * S, 0, BOTH); /* five slots */
    look_until(f, 300 * S);
    assert_int_equal(f->count, 0);
}

static void test_six_slots_are_enough(void **state)
{
    struct fixture *f = *state;
    speak_on(f, 0, 59 * S, 0, BOTH);
    look_until(f, 300 * S);
    assert_int_equal(f->count, 1);
    expect(&f->told[0], SILENT_TAP, 59 * S);
}

/* Nine slots of ten are enough, eight are not. */
static void speak_in_slots(struct fixture *f, int slots, int silent)
{
    for (int i = 0; i < slots; i++)
        if (i % 10 >= silent)
            speak(f, i * 10 * S + S, i * 10 * S + 9 * S, 7, BOTH, -1);
        else
            speak(f, i * 10 * S + S, i * 10 * S + 9 * S, 8, BOTH, -1);
}

static void test_nine_of_ten(void **state)
{
    struct fixture *f = *state;
    speak_in_slots(f, 60, 1);
    speak_on(f, 600 * S, 700 * S, 8, BOTH);
    assert_int_equal(f->count, 1);
    expect(&f->told[0], SILENT_VLAN, 599 * S);
    assert_int_equal(f->told[0].vlan, 7);
    assert_int_equal(f->told[0].longest_ns, 12 * S);
    assert_int_equal(f->told[0].needs_ns, 36 * S);
}

/* Exactly nine of ten; one slot more, and it would not be. */
static void test_the_tenth_slot(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 100; i++) {
        if (i < 10 && i != 5)
            speak(f, i * 10 * S + S, i * 10 * S + 8 * S, 7, BOTH, -1);
        if (i < 19 && i != 5 && i != 15)
            speak(f, i * 10 * S + S, i * 10 * S + 8 * S, 6, BOTH, -1);
        speak(f, i * 10 * S + S, i * 10 * S + 9 * S, 8, BOTH, -1);
    }
    assert_int_equal(f->count, 1);
    expect(&f->told[0], SILENT_VLAN, 98 * S);
    assert_int_equal(f->told[0].vlan, 7);
}

/* What came before it was usual does not count as its longest silence. */
static void test_the_first_minute(void **state)
{
    struct fixture *f = *state;
    speak_on(f, 0, 12 * S, 0, BOTH);
    speak_on(f, 30 * S, 600 * S, 0, BOTH);
    look_until(f, 630 * S);
    assert_int_equal(f->count, 1);
    assert_int_equal(f->told[0].needs_ns, 30 * S);
}

static void test_eight_of_ten(void **state)
{
    struct fixture *f = *state;
    speak_in_slots(f, 60, 2);
    speak_on(f, 600 * S, 900 * S, 8, BOTH);
    assert_int_equal(f->count, 0);
}

/* Life every 25 s is not usual, and a minute without it says nothing. */
static void test_bursts(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 100; i++)
        speak(f, i * 25 * S, i * 25 * S + S, 0, BOTH, -1);
    look_until(f, 2476 * S + 60 * S);
    assert_int_equal(f->count, 0);
}

/* The evening: pauses grow from one second to minutes, each at most twice as long as before. */
static void test_a_network_that_falls_asleep(void **state)
{
    struct fixture *f = *state;
    speak_on(f, 0, 1800 * S, 0, BOTH);
    int64_t at = 1800 * S;
    for (int64_t pause = 1; pause < 1000; pause = pause < 4 ? pause + 1 : pause * 3 / 2)
        for (int n = 0; n < 4; n++) {
            speak(f, at + pause * S, at + (pause + 1) * S, 0, BOTH, -1);
            at += (pause + 1) * S;
        }
    look_until(f, at + 7200 * S);
    assert_int_equal(f->count, 0);
}

/* Three times the longest silence of the last hour; after an hour it is forgotten. */
static void test_longest_silence(void **state)
{
    struct fixture *f = *state;
    speak_on(f, 0, 600 * S, 0, BOTH);
    speak_on(f, 618 * S, 1500 * S, 0, BOTH); /* 18 s: never told */
    assert_int_equal(f->count, 0);
    look_until(f, 1550 * S);
    assert_int_equal(f->count, 0);
    look_until(f, 1555 * S); /* 54 s, and at most 5 to the next look */
    assert_int_equal(f->count, 1);
    assert_int_equal(f->told[0].needs_ns, 54 * S);
    assert_int_equal(f->told[0].longest_ns, 18 * S);
    speak_on(f, 1560 * S, 6000 * S, 0, BOTH);
    assert_int_equal(f->count, 2);
    look_until(f, 6030 * S);
    assert_int_equal(f->count, 3);
    assert_int_equal(f->told[2].needs_ns, 30 * S);
}

/* --- one thing after the other ------------------------------------------------------------------
 */

/* A VLAN, then a direction, then all: each told once, none swallowed. */
static void test_vlan_direction_all(void **state)
{
    struct fixture *f = *state;
    for (int64_t at = 0; at < 600 * S; at += 11 * S) {
        speak(f, at, at + 10 * S, 10, at < 400 * S ? BOTH : IN, -1);
        if (at < 200 * S)
            speak(f, at, at + 10 * S, 20, BOTH, -1);
    }
    look_until(f, 700 * S);
    assert_int_equal(f->count, 3);
    expect(&f->told[0], SILENT_VLAN, 208 * S);
    assert_int_equal(f->told[0].vlan, 20);
    assert_int_equal(f->told[0].until.ns, T0 + 240 * S);
    expect(&f->told[1], SILENT_OUT, 406 * S);
    assert_int_equal(f->told[1].until.ns, T0 + 440 * S);
    expect(&f->told[2], SILENT_TAP, 604 * S);
    assert_int_equal(f->told[2].until.ns, T0 + 635 * S);
    /* All of it comes back. */
    for (int64_t at = 900 * S; at < 1000 * S; at += 11 * S) {
        speak(f, at, at + 10 * S, 10, BOTH, -1);
        speak(f, at, at + 10 * S, 20, BOTH, -1);
    }
    assert_int_equal(f->count, 6);
    expect_end(&f->told[3], SILENT_TAP, 604 * S, 900 * S);
    expect_end(&f->told[4], SILENT_OUT, 406 * S, 900 * S);
    expect_end(&f->told[5], SILENT_VLAN, 208 * S, 900 * S);
}

/* The other direction, and that what came back is watched again at once, if less eagerly. */
static void test_pulled_twice(void **state)
{
    struct fixture *f = *state;
    for (int64_t at = 0; at < 1200 * S; at += 11 * S)
        speak(f, at, at + 10 * S, 0, (at > 200 * S && at < 300 * S) || at > 500 * S ? OUT : BOTH,
              -1);
    assert_int_equal(f->count, 3);
    expect(&f->told[0], SILENT_IN, 208 * S);
    expect_end(&f->told[1], SILENT_IN, 208 * S, 308 * S);
    expect(&f->told[2], SILENT_IN, 505 * S);
    assert_int_equal(f->told[2].needs_ns, 180 * S);
}

/* When the tap comes back, what speaks a little later was not silent. */
static void test_tap_explains_vlans(void **state)
{
    struct fixture *f = *state;
    speak_on(f, 0, 100 * S, 10, BOTH);
    for (int64_t at = 0; at < 200 * S; at += 11 * S) {
        speak(f, at + S, at + 10 * S, 10, BOTH, -1);
        speak(f, at, at + 9 * S, 20, BOTH, -1); /* a second before the tap's last */
    }
    speak(f, 500 * S, 505 * S, 10, BOTH, -1);
    speak(f, 520 * S, 525 * S, 20, BOTH, -1);
    look_until(f, 530 * S);
    assert_int_equal(f->count, 2);
    expect(&f->told[0], SILENT_TAP, 208 * S);
    expect_end(&f->told[1], SILENT_TAP, 208 * S, 500 * S);
    /* From there on it is heard again or missed. */
    speak_on(f, 530 * S, 700 * S, 10, BOTH);
    assert_int_equal(f->count, 3);
    expect(&f->told[2], SILENT_VLAN, 525 * S);
}

/* The VLAN with the way out is gone, inside goes on: neither direction is told as well. */
static void test_vlan_explains_directions(void **state)
{
    struct fixture *f = *state;
    struct record_flow record = {.header = {.size = sizeof record}};
    record.fresh[SIDE_ORIG].packets = record.fresh[SIDE_RESP].packets = 1;
    record.key.vlan = 30;
    for (int64_t at = 0; at < 5000 * S; at += S) {
        if (at < 200 * S)
            speak(f, at, at, 20, BOTH, -1);
        look_until(f, at);
        record.header.time_ns = record.fresh_since_ns = record.last_ns = T0 + at;
        sight_flow(&f->sight, &record, SCOPE_INTERNAL, NULL);
    }
    assert_int_equal(f->count, 2);
    expect(&f->told[0], SILENT_VLAN, 199 * S);
    assert_int_equal(f->told[0].vlan, 20);
    assert_true(f->told[1].gone);
}

/* Both directions are gone, the VLANs are not: the uplink is not seen. */
static void test_both_directions(void **state)
{
    struct fixture *f = *state;
    struct record_flow record = {.header = {.size = sizeof record}};
    record.fresh[SIDE_ORIG].packets = record.fresh[SIDE_RESP].packets = 1;
    for (int64_t at = 0; at < 400 * S; at += S) {
        if (at < 200 * S)
            speak(f, at, at, 0, BOTH, -1);
        look_until(f, at);
        record.header.time_ns = record.fresh_since_ns = record.last_ns = T0 + at;
        sight_flow(&f->sight, &record, SCOPE_INTERNAL, NULL);
    }
    assert_int_equal(f->count, 2);
    expect(&f->told[0], SILENT_OUT, 199 * S);
    expect(&f->told[1], SILENT_IN, 199 * S);
}

static void test_gone_after_an_hour(void **state)
{
    struct fixture *f = *state;
    speak_on(f, 0, 100 * S, 20, BOTH);
    speak_on(f, 101 * S, 4000 * S, 10, BOTH);
    assert_int_equal(f->count, 2);
    expect(&f->told[0], SILENT_VLAN, 100 * S);
    assert_true(f->told[1].gone);
    assert_false(f->told[1].over);
    assert_int_equal(f->told[1].from.ns, T0 + 100 * S);
    assert_int_equal(f->told[1].until.ns, T0 + 3700 * S);
    speak(f, 4001 * S, 4002 * S, 20, BOTH, -1); /* as if it were new */
    speak_on(f, 4003 * S, 4100 * S, 10, BOTH);
    assert_int_equal(f->count, 2);
}

/* --- hosts --------------------------------------------------------------------------------------
 */

static void hosts_speak(struct fixture *f, int64_t from, int64_t until, int first, int end)
{
    for (int64_t at = from; at < until; at += 11 * S)
        for (int i = first; i < end; i++)
            speak(f, at, at + 10 * S, 10, BOTH, i);
}

static void test_half_of_the_hosts(void **state)
{
    struct fixture *f = *state;
    hosts_speak(f, 0, 150 * S, 0, 20); /* until 153 */
    hosts_speak(f, 154 * S, 400 * S, 0, 10);
    assert_int_equal(f->count, 1);
    expect(&f->told[0], SILENT_HOSTS, 153 * S);
    assert_int_equal(f->told[0].hosts, 10);
    assert_int_equal(f->told[0].of, 20);
    assert_int_equal(f->told[0].until.ns, T0 + 195 * S);
    hosts_speak(f, 407 * S, 430 * S, 0, 14); /* six are silent: more than a quarter */
    assert_int_equal(f->count, 1);
    hosts_speak(f, 440 * S, 450 * S, 0, 20);
    look_until(f, 460 * S);
    assert_int_equal(f->count, 2);
    assert_true(f->told[1].over);
    assert_int_equal(f->told[1].from.ns, T0 + 153 * S);
}

static void test_fewer_than_half(void **state)
{
    struct fixture *f = *state;
    hosts_speak(f, 0, 150 * S, 0, 20);
    hosts_speak(f, 154 * S, 400 * S, 0, 11);
    assert_int_equal(f->count, 0);
}

static void test_few_hosts(void **state)
{
    struct fixture *f = *state;
    hosts_speak(f, 0, 150 * S, 0, 9);
    hosts_speak(f, 154 * S, 400 * S, 0, 2);
    assert_int_equal(f->count, 0);
}

/* The VLAN is silent, and with it half of the hosts: only the VLAN is told. */
static void test_vlan_explains_hosts(void **state)
{
    struct fixture *f = *state;
    for (int64_t at = 0; at < 400 * S; at += 11 * S)
        for (int i = 0; i < 24; i++)
            if (i >= 12 || at < 150 * S)
                speak(f, at, at + 10 * S, i < 12 ? 20 : 10, BOTH, i);
    assert_int_equal(f->count, 1);
    expect(&f->told[0], SILENT_VLAN, 153 * S);
}

/* --- what cannot be trusted, and bounds ----------------------------------------------------------
 */

static void test_lies(void **state)
{
    struct fixture *f = *state;
    struct record_flow record = {.header = {.time_ns = T0}, .key = {.vlan = 65535}};
    speak_on(f, 0, 120 * S, 0, BOTH);
    record.header.time_ns = T0 + 121 * S;
    record.fresh[SIDE_ORIG].packets = 1;
    record.fresh_since_ns = -RECORD_TIME_MAX_NS;
    record.last_ns = RECORD_TIME_MAX_NS; /* life for ever: held to the record's own time */
    sight_flow(&f->sight, &record, SCOPE_OUT, NULL);
    assert_int_equal(f->sight.vlans_unwatched, 1);
    record.fresh[SIDE_ORIG].packets = -5; /* nothing fresh: no sign */
    record.header.time_ns = T0 + 140 * S;
    sight_flow(&f->sight, &record, SCOPE_OUT, NULL);
    look_until(f, 160 * S);
    assert_int_equal(f->count, 1);
    expect(&f->told[0], SILENT_TAP, 121 * S);
}

/* Idle years cost two hours of looks. */
static void test_a_jump(void **state)
{
    struct fixture *f = *state;
    struct ptime at;
    int looks = 0;
    speak_on(f, 0, 120 * S, 0, BOTH);
    for (; sight_due(&f->sight, (struct ptime){RECORD_TIME_MAX_NS}, &at); looks++)
        sight_look(&f->sight, at, tell, f);
    assert_true(looks < 2000);
    assert_int_equal(f->count, 1);
    speak(f, (RECORD_TIME_MAX_NS - T0) - S, RECORD_TIME_MAX_NS - T0, 0, BOTH, -1);
}

/* Hosts, their VLAN, all: each is told, and each finds its own end. */
static void test_hosts_vlan_all(void **state)
{
    struct fixture *f = *state;
    hosts_speak(f, 0, 150 * S, 0, 24);
    speak_on(f, 154 * S, 180 * S, 20, BOTH);
    hosts_speak(f, 154 * S, 230 * S, 0, 10);
    assert_int_equal(f->count, 1);
    expect(&f->told[0], SILENT_HOSTS, 153 * S);
    assert_int_equal(f->told[0].of, 24);
    speak_on(f, 231 * S, 300 * S, 20, BOTH);
    look_until(f, 330 * S);
    assert_int_equal(f->count, 3);
    expect(&f->told[1], SILENT_VLAN, 230 * S);
    expect(&f->told[2], SILENT_TAP, 300 * S);
    hosts_speak(f, 400 * S, 410 * S, 0, 24);
    look_until(f, 415 * S);
    assert_int_equal(f->count, 6); /* each open silence has found its end */
    expect_end(&f->told[3], SILENT_TAP, 300 * S, 400 * S);
    expect_end(&f->told[4], SILENT_VLAN, 230 * S, 400 * S);
    assert_int_equal(f->told[5].kind, SILENT_HOSTS);
    assert_true(f->told[5].over);
}

/* What grew between two reports came after the first. */
static void test_health(void **state)
{
    struct fixture *f = *state;
    for (int64_t at = 0; at <= 120; at++) {
        look_until(f, at * S);
        sight_health(&f->sight, 3, (struct ptime){T0 + at * S}, true);
    }
    for (int64_t at = 121; at <= 200; at++) {
        look_until(f, at * S);
        sight_health(&f->sight, 3, (struct ptime){T0 + at * S}, false);
    }
    assert_int_equal(f->count, 1);
    expect(&f->told[0], SILENT_TAP, 119 * S);
    sight_health(&f->sight, 3, (struct ptime){T0 + 260 * S}, true);
    look_until(f, 265 * S);
    assert_int_equal(f->count, 2);
    expect_end(&f->told[1], SILENT_TAP, 119 * S, 260 * S);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_silent_tap),
        T(test_a_minute_is_needed),
        T(test_six_slots_are_enough),
        T(test_nine_of_ten),
        T(test_the_tenth_slot),
        T(test_the_first_minute),
        T(test_eight_of_ten),
        T(test_bursts),
        T(test_a_network_that_falls_asleep),
        T(test_longest_silence),
        T(test_vlan_direction_all),
        T(test_pulled_twice),
        T(test_tap_explains_vlans),
        T(test_gone_after_an_hour),
        T(test_vlan_explains_directions),
        T(test_both_directions),
        T(test_half_of_the_hosts),
        T(test_fewer_than_half),
        T(test_few_hosts),
        T(test_vlan_explains_hosts),
        T(test_lies),
        T(test_a_jump),
        T(test_hosts_vlan_all),
        T(test_health),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
