/* Who tells: what the store may answer, in which order, and what is then told, asked and said.
 * Without a store: what is asked is seen by when it was (asked_ns), and answers are made here. */
#include "records.h"

#include "../../../sensor/engine/close.h"
#include "../../../sensor/engine/entry.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define T0   INT64_C(1772438400000000000) /* 2026-03-02 08:00 UTC */
#define HOUR (T0 / NS_PER_HOUR)
#define DAY  1000

struct fixture {
    struct engine engine;
    struct host *host;
    struct destination there, elsewhere;
};

static void set_clock(struct fixture *f, int64_t s)
{
    f->engine.counts.last.ns = T0 + s * NS_PER_S;
}

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct calendar_config utc = {
        .timezone = "UTC", .work_start = 8, .work_end = 18, .work_days = 31};
    struct ip ip = make_ip("10.0.0.1"), a = make_ip("198.51.100.1"), b = make_ip("198.51.101.1");
    struct error error = {0};
    f->engine.config.live = true;
    f->engine.config.max_hosts = 10;
    f->engine.config.calendar = calendar_new(&utc, &error);
    f->engine.memory.state = ENGINE_STORE_HERE;
    f->engine.closed_hour = HOUR - 2;
    f->engine.totals = totals_new(10);
    f->engine.sight.next.ns = INT64_MIN;
    map_init(&f->engine.hosts);
    f->host = hosts_add(&f->engine, &ip);
    f->host->loaded = true;
    f->host->shared_ns = T0;
    f->there = destination_of_prefix(ROLE_CLIENT, &a);
    f->elsewhere = destination_of_prefix(ROLE_CLIENT, &b);
    set_clock(f, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hosts_fini(&f->engine);
    totals_free(f->engine.totals);
    calendar_free((struct calendar *)f->engine.config.calendar);
    free(f->engine.heard.held);
    free(f);
    return 0;
}

static struct telling telling_of(const struct destination *destination, int64_t hour, double e)
{
    return (struct telling){EVIDENCE_SENT, destination, DAY, hour, e};
}

static bool may_tell(struct fixture *f, const struct destination *destination, int64_t hour,
                     double e)
{
    struct telling telling = telling_of(destination, hour, e);
    return claims_may_tell(&f->engine, f->host, &telling, f->engine.counts.last);
}

static const struct claim *claim(const struct fixture *f, int64_t hour)
{
    return &f->host->claims->of[EVIDENCE_SENT * OPEN_HOURS + (hour & 1)];
}

static int64_t asked_s(const struct fixture *f, int64_t hour)
{
    return (claim(f, hour)->asked_ns - T0) / NS_PER_S;
}

static void answer_as(struct fixture *f, const struct destination *destination, uint64_t claimed,
                      double e, uint16_t what)
{
    struct {
        struct entry_elsewhere body;
        double e;
    } entry = {.e = e};
    char key[DESTINATION_KEY_SIZE];
    destination_key(destination, key);
    entry.body = (struct entry_elsewhere){.host = f->host->ip,
                                          .hour = DAY,
                                          .alike = hash64(key, strlen(key), 0),
                                          .across = claimed,
                                          .size = sizeof entry.e,
                                          .count = EVIDENCE_SENT,
                                          .what = what};
    elsewhere_take(&f->engine, &entry.body);
}

static void answer(struct fixture *f, const struct destination *destination, uint64_t claimed,
                   double e)
{
    answer_as(f, destination, claimed, e, ELSEWHERE_CLAIMED);
}

/* Each open hour has a finding of its own: neither asking takes the other one's place. */
static void ask_both(struct fixture *f)
{
    assert_false(may_tell(f, &f->there, HOUR - 1, 10));
    set_clock(f, 1);
    assert_false(may_tell(f, &f->elsewhere, HOUR, 10));
    set_clock(f, 2);
    for (int n = 0; n < 3; n++) { /* judged again and again: asked once */
        assert_false(may_tell(f, &f->there, HOUR - 1, 10));
        assert_false(may_tell(f, &f->elsewhere, HOUR, 10));
    }
    assert_int_equal(asked_s(f, HOUR - 1), 0);
    assert_int_equal(asked_s(f, HOUR), 1);
}

static void test_two_open_hours(void **state)
{
    struct fixture *f = *state;
    ask_both(f);
    answer(f, &f->elsewhere, STORE_CLAIM_MINE, 10);
    answer(f, &f->there, STORE_CLAIM_MINE, 10);
    assert_true(may_tell(f, &f->there, HOUR - 1, 10));
    assert_true(may_tell(f, &f->elsewhere, HOUR, 10));
    assert_int_equal(asked_s(f, HOUR - 1), 0);
    assert_int_equal(asked_s(f, HOUR), 1);
}

/* The one that was told leaves the other one waiting. */
static void test_one_of_two_is_told(void **state)
{
    struct fixture *f = *state;
    ask_both(f);
    answer(f, &f->there, STORE_CLAIM_TOLD, 9);
    answer(f, &f->elsewhere, STORE_CLAIM_OTHERS, 10);
    assert_int_equal(f->engine.counts.told_elsewhere, 1);
    assert_int_equal(claim(f, HOUR - 1)->held_ns, 0);
    assert_int_not_equal(claim(f, HOUR)->held_ns, 0);
    set_clock(f, 5 * 60);
    assert_false(may_tell(f, &f->there, HOUR - 1, 10));
    assert_true(may_tell(f, &f->elsewhere, HOUR, 10));
}

/* Both hours lead to the same: one answer is for both. */
static void test_two_hours_of_one_finding(void **state)
{
    struct fixture *f = *state;
    assert_false(may_tell(f, &f->there, HOUR - 1, 10));
    assert_false(may_tell(f, &f->there, HOUR, 10));
    answer(f, &f->there, STORE_CLAIM_TOLD, 10);
    assert_false(may_tell(f, &f->there, HOUR - 1, 10));
    assert_false(may_tell(f, &f->there, HOUR, 12.9)); /* below 1.3 times what the other told */
    assert_int_equal(claim(f, HOUR - 1)->held_ns + claim(f, HOUR)->held_ns, 0);
    assert_false(may_tell(f, &f->there, HOUR, 13.1));
    assert_int_not_equal(claim(f, HOUR)->held_ns, 0); /* asked, and waits */
}

/* What others told stays told where the store goes; what nobody is known to have told is told. */
static void test_store_goes(void **state)
{
    struct fixture *f = *state;
    ask_both(f);
    answer(f, &f->there, STORE_CLAIM_TOLD, 10);
    f->engine.memory.state = ENGINE_STORE_AWAY;
    assert_false(may_tell(f, &f->there, HOUR - 1, 10));
    assert_true(may_tell(f, &f->elsewhere, HOUR, 10));
}

/* … over the hour's end, too, of the same destination. */
static void test_store_goes_and_the_hour_ends(void **state)
{
    struct fixture *f = *state;
    assert_false(may_tell(f, &f->there, HOUR - 1, 10));
    answer(f, &f->there, STORE_CLAIM_TOLD, 10);
    f->engine.memory.state = ENGINE_STORE_AWAY;
    for (int hour = 0; hour < 3; hour++)
        assert_false(may_tell(f, &f->there, HOUR + hour, 12));
    assert_true(may_tell(f, &f->there, HOUR + 3, 14));
    assert_true(may_tell(f, &f->elsewhere, HOUR + 3, 10));
}

/* What it leads to by then was never asked for: it is, and another may have told it. */
static void test_lead_turns(void **state)
{
    struct fixture *f = *state;
    assert_false(may_tell(f, &f->there, HOUR, 10));
    answer(f, &f->there, STORE_CLAIM_OTHERS, 10);
    set_clock(f, 180);
    assert_false(may_tell(f, &f->elsewhere, HOUR, 10));
    assert_int_equal(asked_s(f, HOUR), 180);
    set_clock(f, 209);
    assert_false(may_tell(f, &f->elsewhere, HOUR, 10));
    set_clock(f, 210);
    assert_true(may_tell(f, &f->elsewhere, HOUR, 10));
}

static void test_lead_turns_to_what_is_told(void **state)
{
    struct fixture *f = *state;
    assert_false(may_tell(f, &f->there, HOUR, 10));
    set_clock(f, 180);
    assert_false(may_tell(f, &f->elsewhere, HOUR, 10));
    answer(f, &f->elsewhere, STORE_CLAIM_TOLD, 10);
    set_clock(f, 400);
    assert_false(may_tell(f, &f->elsewhere, HOUR, 10));
}

/* Who makes it turn does not hold it up. */
static void test_lead_turns_for_ever(void **state)
{
    struct fixture *f = *state;
    for (int s = 1; s < 361; s += 20) {
        set_clock(f, s);
        assert_false(may_tell(f, s % 40 == 1 ? &f->there : &f->elsewhere, HOUR, 10));
    }
    set_clock(f, 361);
    assert_true(may_tell(f, &f->there, HOUR, 10));
}

/* A claim that was not told by, since an exception held it back, has run out in the store. */
static void test_old_claim(void **state)
{
    struct fixture *f = *state;
    assert_false(may_tell(f, &f->there, HOUR, 10));
    answer(f, &f->there, STORE_CLAIM_MINE, 10);
    assert_true(may_tell(f, &f->there, HOUR, 10));
    set_clock(f, 59);
    assert_true(may_tell(f, &f->there, HOUR, 10));
    set_clock(f, 61);
    assert_false(may_tell(f, &f->there, HOUR, 10));
    assert_int_equal(asked_s(f, HOUR), 61);
}

/* That it was told is said until the store has heard it. */
static void test_said_until_heard(void **state)
{
    struct fixture *f = *state;
    struct telling telling = telling_of(&f->there, HOUR, 10);
    f->engine.memory.state = ENGINE_STORE_AWAY;
    assert_true(may_tell(f, &f->there, HOUR, 10));
    claims_told(&f->engine, f->host, &telling);
    assert_int_equal(f->engine.heard.held_count, 1);
    for (int s = 5; s < 3600; s += 5)
        claims_look(&f->engine, (struct ptime){T0 + s * NS_PER_S});
    assert_int_equal(claim(f, HOUR)->state, CLAIM_SAYING);
    assert_int_equal(asked_s(f, HOUR), 3570);
    answer_as(f, &f->elsewhere, STORE_CLAIM_MINE, 10, ELSEWHERE_SAID);
    assert_int_equal(claim(f, HOUR)->state, CLAIM_SAYING); /* another's */
    answer_as(f, &f->there, STORE_CLAIM_MINE, 10, ELSEWHERE_SAID);
    assert_int_equal(claim(f, HOUR)->state, CLAIM_SAID);
    claims_look(&f->engine, (struct ptime){T0 + NS_PER_HOUR});
    assert_int_equal(f->engine.heard.held_count, 0);
    assert_int_equal(f->engine.counts.findings_untold, 0);
}

/* Telling of one hour ends what the other one waits with, unless that is much more. */
static void test_told_with_the_other(void **state)
{
    struct fixture *f = *state;
    struct telling telling = telling_of(&f->elsewhere, HOUR, 10);
    ask_both(f);
    claims_told(&f->engine, f->host, &telling);
    assert_int_equal(claim(f, HOUR - 1)->held_ns, 0);
    answer(f, &f->there, STORE_CLAIM_OTHERS, 10);
    assert_false(may_tell(f, &f->there, HOUR - 1, 14));
    claims_told(&f->engine, f->host, &telling);
    assert_int_not_equal(claim(f, HOUR - 1)->held_ns, 0);
}

/* Before an hour is closed, what waits of it is free to be told; what waits of the next one is not.
 */
static void test_close(void **state)
{
    struct fixture *f = *state;
    ask_both(f);
    claims_close(&f->engine, HOUR - 1);
    assert_true(may_tell(f, &f->there, HOUR - 1, 10));
    assert_false(may_tell(f, &f->elsewhere, HOUR, 10));
}

/* Nobody told it, no hour of its day is open, its profile never came: counted, once. */
static void test_lost(void **state)
{
    struct fixture *f = *state;
    assert_false(may_tell(f, &f->there, HOUR, 10));
    for (int s = 5; s < 1200; s += 5)
        claims_look(&f->engine, (struct ptime){T0 + s * NS_PER_S});
    assert_int_equal(f->engine.counts.findings_untold, 1);
    assert_int_equal(f->engine.heard.held_count, 0);
}

/* An open hour is another day's: it tells nothing of this one. */
static void test_lost_with_the_day(void **state)
{
    struct fixture *f = *state;
    struct telling telling = telling_of(&f->there, HOUR, 10);
    uint8_t profile = 0; /* not looked into: nothing is judged again */
    f->host->blob = &profile;
    totals_open(f->engine.totals, &f->host->ip, HOUR);
    for (int n = 0; n < 2; n++) {
        telling.day = n == 0 ? calendar_at(f->engine.config.calendar, (struct ptime){T0}).day : DAY;
        assert_false(claims_may_tell(&f->engine, f->host, &telling, f->engine.counts.last));
        claims_look(&f->engine, (struct ptime){T0 + 601 * NS_PER_S});
        assert_int_equal(f->engine.counts.findings_untold, n);
    }
    f->host->blob = NULL;
}

static void put_text(struct buffer *out, const char *text)
{
    buffer_le16(out, (uint16_t)strlen(text));
    buffer_put(out, text, strlen(text));
}

/* Another sensor of this vantage saw so much of it. */
static void hear(struct fixture *f, int64_t hour, uint64_t bytes)
{
    struct buffer shares = {0};
    char key[DESTINATION_KEY_SIZE];
    put_text(&shares, "1|7|7|core|b|");
    buffer_le64(&shares, bytes);
    buffer_le64(&shares, 0);
    put_text(&shares, destination_key(&f->there, key));
    put_text(&shares, "1|7|7|core|b|");
    struct entry_elsewhere *entry = xcalloc(1, sizeof *entry + shares.size);
    *entry = (struct entry_elsewhere){.host = f->host->ip,
                                      .hour = hour,
                                      .alike = bytes,
                                      .size = (uint32_t)shares.size,
                                      .count = 1,
                                      .what = ELSEWHERE_SEEN};
    memcpy(entry + 1, shares.data, shares.size);
    elsewhere_take(&f->engine, entry);
    free(entry);
    buffer_fini(&shares);
}

static void expect_named(struct fixture *f, int64_t hour, bool named, uint64_t alike)
{
    const struct host_total *total = totals_get(f->engine.totals, &f->host->ip, hour);
    char key[DESTINATION_KEY_SIZE];
    const char *text = destination_key(&f->there, key);
    const struct pair_total *pair = map_get(&total->pairs, text, strlen(text));
    assert_int_equal(total->seen_by != NULL, named);
    assert_int_equal(pair->seen_by != NULL, named);
    assert_int_equal(total->elsewhere.alike, alike);
    assert_int_equal(pair->elsewhere.alike, alike);
}

/* While the store is away hours stay open: nothing is told of the older ones, and who else saw what
 * of them is not kept. How much they saw is. */
static void test_names_go_with_their_hours(void **state)
{
    struct fixture *f = *state;
    for (int64_t hour = HOUR - 3; hour <= HOUR; hour++) {
        struct host_total *total = totals_open(f->engine.totals, &f->host->ip, hour);
        totals_add(total, &f->there, (struct volume){1, 1, 1}, 0, 1);
        hear(f, hour, 7);
        expect_named(f, hour, hour >= HOUR - 2, 7); /* the one that was closed last */
    }
    f->engine.closed_hour = HOUR - 1;
    elsewhere_close(&f->engine, HOUR - 2);
    for (int64_t hour = HOUR - 3; hour <= HOUR; hour++) {
        expect_named(f, hour, hour >= HOUR - 1, 7);
        hear(f, hour, 9); /* as all of it is put again */
        expect_named(f, hour, hour >= HOUR - 1, 9);
    }
}

/* What it says of it is from before: neither said again nor told. */
static void test_forgotten(void **state)
{
    struct fixture *f = *state;
    struct telling telling = telling_of(&f->there, HOUR, 10);
    struct ip ip = f->host->ip;
    assert_false(may_tell(f, &f->elsewhere, HOUR - 1, 10));
    claims_told(&f->engine, f->host, &telling);
    assert_int_equal(engine_memory_changed(&f->engine, &ip, false), ENGINE_CHANGED);
    assert_int_equal(claim(f, HOUR)->state, CLAIM_SAYING);
    assert_int_equal(engine_memory_changed(&f->engine, &ip, true), ENGINE_CHANGED);
    assert_null(f->host->claims);
    answer(f, &f->elsewhere, STORE_CLAIM_MINE, 10);
    claims_look(&f->engine, (struct ptime){T0 + NS_PER_MIN});
    assert_int_equal(f->engine.heard.held_count, 0);
    assert_int_equal(f->engine.counts.findings_untold, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_two_open_hours),
        T(test_one_of_two_is_told),
        T(test_two_hours_of_one_finding),
        T(test_store_goes),
        T(test_store_goes_and_the_hour_ends),
        T(test_lead_turns),
        T(test_lead_turns_to_what_is_told),
        T(test_lead_turns_for_ever),
        T(test_old_claim),
        T(test_said_until_heard),
        T(test_close),
        T(test_told_with_the_other),
        T(test_lost),
        T(test_lost_with_the_day),
        T(test_names_go_with_their_hours),
        T(test_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
