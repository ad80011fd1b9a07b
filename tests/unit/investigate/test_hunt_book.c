/* One book out of many units: what left adds up, each unit once; a story keeps its incident over an
 * edge; a week of silence closes it; what says no more within the week is not told again. */
#include "weir/investigate/hunt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY_0 (INT64_C(20000) * NS_PER_DAY)

struct told {
    struct alert alert[32];
    size_t count;
};

static void on_alert(void *context, const struct incident *incident, const struct alert *alert)
{
    struct told *told = context;
    (void)incident;
    assert_true(told->count < 32);
    told->alert[told->count++] = *alert;
}

struct fixture {
    struct calendar *calendar;
    struct told told;
    struct hunt_book *book;
};

static bool only_5(void *context, const struct ip *host)
{
    (void)context;
    return host->byte[15] == 5;
}

static void set_up(struct fixture *f, bool (*wanted)(void *context, const struct ip *host))
{
    struct error error = {0};
    const struct calendar_config utc = {.timezone = "UTC", .work_end = 18, .work_start = 8};
    *f = (struct fixture){.calendar = calendar_new(&utc, &error)};
    assert_non_null(f->calendar);
    const struct hunt_book_config config = {.calendar = f->calendar,
                                            .sensor = "s",
                                            .ruleset = "r",
                                            .mode = "hindsight",
                                            .wanted = wanted,
                                            .alert = on_alert,
                                            .context = &f->told};
    f->book = hunt_book_new(&config);
}

static void tear_down(struct fixture *f)
{
    hunt_book_free(f->book);
    calendar_free(f->calendar);
}

/* As a unit's engine tells it: of its own bytes alone. */
static struct alert alert_of(const char *detector, int day, uint64_t bytes, double evidence,
                             enum incident_state state)
{
    struct alert alert = {.state = state, .time = {DAY_0 + day * NS_PER_DAY + NS_PER_HOUR}};
    struct ip remote;
    ip_parse("10.0.0.5", &alert.story.host);
    ip_parse("203.0.113.9", &remote);
    alert.story.destination = destination_of_prefix(ROLE_CLIENT, &remote);
    alert.story.has_destination = true;
    alert.story.first.ns = alert.time.ns - NS_PER_MIN;
    alert.story.last = alert.time;
    alert.story.out = (struct volume){bytes, bytes, bytes};
    alert.story.flow_count = 1;
    alert.story.flow[0].out_bytes = bytes;
    alert.story.flows_total = 1;
    alert.story.remote_port = (uint16_t)(400 + day);
    alert.finding.detector = detector_get(detector);
    alert.finding.evidence = evidence;
    alert.finding.score = 60;
    alert.finding.reason_count = 1;
    alert.finding.reason[0].code = "c";
    alert.finding.reason[0].unit = "byte";
    assert_non_null(alert.finding.detector);
    return alert;
}

static void unit(struct fixture *f, const struct alert *alert, size_t count)
{
    struct buffer bytes = {0};
    for (size_t i = 0; i < count; i++)
        alert_pack(&alert[i], &bytes);
    assert_int_equal(hunt_book_unit(f->book, bytes.data, bytes.size), 0);
    buffer_fini(&bytes);
}

static void one(struct fixture *f, const char *detector, int day, uint64_t bytes, double evidence)
{
    const struct alert alert[2] = {alert_of(detector, day, bytes, evidence, INCIDENT_OPEN),
                                   alert_of(detector, day, bytes + 1, evidence, INCIDENT_CLOSE)};
    unit(f, alert, 2);
}

static void test_what_left_adds_up(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    one(&f, "volume.destination", 0, 100, 10);
    one(&f, "volume.destination", 2, 1000, 14); /* 1.4 times: told again */
    unit(&f, NULL, 0);
    one(&f, "volume.destination", 5, 50, 14.1); /* no more than was told */
    hunt_book_finish(f.book);
    assert_int_equal(f.told.count, 3); /* open, update, close */
    assert_int_equal(f.told.alert[0].story.out.value, 100);
    assert_int_equal(f.told.alert[1].story.out.value, 101 + 1000);
    assert_int_equal(f.told.alert[1].state, INCIDENT_UPDATE);
    assert_string_equal(f.told.alert[1].incident, f.told.alert[0].incident);
    assert_int_equal(f.told.alert[2].state, INCIDENT_CLOSE);
    const struct story *whole = &f.told.alert[2].story;
    assert_int_equal(whole->out.value, 101 + 1001 + 51);
    assert_int_equal(whole->flows_total, 3);
    assert_int_equal(whole->flow_count, 3);
    assert_int_equal(whole->flow[0].out_bytes, 1001);
    assert_int_equal(whole->remote_port, 402); /* of the largest flow */
    assert_int_equal(whole->first.ns, DAY_0 + NS_PER_HOUR - NS_PER_MIN);
    assert_int_equal(whole->last.ns, DAY_0 + 5 * NS_PER_DAY + NS_PER_HOUR);
    assert_int_equal(hunt_book_silent(f.book), 1);
    tear_down(&f);
}

static void test_a_week_of_silence(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    one(&f, "volume.destination", 0, 100, 10);
    one(&f, "volume.destination", 9, 100, 20);
    assert_int_equal(f.told.count, 3);
    assert_int_equal(f.told.alert[1].state, INCIDENT_CLOSE);
    assert_string_equal(f.told.alert[2].incident, f.told.alert[0].incident); /* the story's */
    assert_string_not_equal(f.told.alert[2].id, f.told.alert[0].id);
    tear_down(&f);
}

/* Within a unit of weeks it says nothing more, and goes on all the same; another's alert in between
 * does not close it. */
static void test_it_goes_on_within_a_unit(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    struct alert alert[4] = {alert_of("volume.destination", 0, 100, 10, INCIDENT_OPEN),
                             alert_of("volume.destination", 10, 7, 10, INCIDENT_OPEN),
                             alert_of("volume.destination", 20, 7, 10, INCIDENT_CLOSE),
                             alert_of("volume.destination", 20, 900, 10, INCIDENT_CLOSE)};
    alert[1].story.host.byte[15] = alert[2].story.host.byte[15] = 6;
    unit(&f, alert, 4);
    hunt_book_finish(f.book);
    assert_int_equal(f.told.count, 4);
    assert_int_equal(f.told.alert[2].state, INCIDENT_CLOSE);
    assert_int_equal(f.told.alert[3].state, INCIDENT_CLOSE);
    uint64_t most = f.told.alert[2].story.out.value, other = f.told.alert[3].story.out.value;
    assert_int_equal(most > other ? most : other, 900);
    tear_down(&f);
}

/* What needs no past has no week of silence; the incident's own factor holds. */
static void test_absolute_rows(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    one(&f, "volume.destination", 0, 100, 10);
    one(&f, "content.personal", 1, 100, 1);
    assert_int_equal(f.told.count, 2);
    assert_int_equal(hunt_book_silent(f.book), 0);
    tear_down(&f);
}

static void test_only_those_asked_for(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f, only_5);
    struct alert other = alert_of("volume.destination", 0, 100, 10, INCIDENT_OPEN);
    other.story.host.byte[15] = 6;
    unit(&f, &other, 1);
    assert_int_equal(f.told.count, 0);
    one(&f, "volume.destination", 0, 100, 10);
    assert_int_equal(f.told.count, 1);
    tear_down(&f);
}

static void test_what_is_cut(void **state)
{
    struct fixture f;
    struct buffer bytes = {0};
    (void)state;
    const struct alert alert = alert_of("volume.destination", 0, 100, 10, INCIDENT_OPEN);
    alert_pack(&alert, &bytes);
    for (size_t size = 1; size < bytes.size; size += 97) {
        set_up(&f, NULL);
        assert_int_equal(hunt_book_unit(f.book, bytes.data, size), -1);
        assert_int_equal(f.told.count, 0);
        tear_down(&f);
    }
    buffer_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_left_adds_up),        cmocka_unit_test(test_a_week_of_silence),
        cmocka_unit_test(test_it_goes_on_within_a_unit), cmocka_unit_test(test_absolute_rows),
        cmocka_unit_test(test_only_those_asked_for),     cmocka_unit_test(test_what_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
