/* One sink's way, with a sink that misbehaves in every way it can: nothing is missing, nothing is
 * out of order, nothing is said twice, and nobody else notices. */
#include "fake_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int setup(void **state)
{
    struct bus_case *c = xcalloc(1, sizeof *c);
    case_init(c);
    fakes_init(c, 1);
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    struct bus_case *c = *state;
    case_fini(c);
    fakes_fini();
    free(c);
    return 0;
}

static bool nothing_behind(void *context)
{
    const struct bus_case *c = context;
    struct bus_status status[BUS_SINKS];
    size_t count = bus_status(c->bus, status, BUS_SINKS);
    for (size_t i = 0; i < count; i++)
        if (status[i].behind > 0)
            return false;
    return true;
}

static void deliver_all(struct bus_case *c)
{
    assert_int_equal(publisher_flush(c->publisher, NULL), 0);
    assert_true(case_run(c, nothing_behind, c, 20));
}

static char *read_text(const struct bus_case *c, const char *name)
{
    static char text[1 << 16];
    char path[128];
    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[size] = '\0';
    return text;
}

/* --- the plain way ---------------------------------------------------------------------------- */

static void test_takes_later(void **state)
{
    struct bus_case *c = *state;
    case_open_bus(c);
    case_publish(c, 3000); /* more than the window holds */
    deliver_all(c);
    fake_expect(&fakes[0], 1, 3000, false);
    struct bus_status status = case_status(c, 0);
    assert_string_equal(status.name, "fake-0");
    assert_string_equal(status.type, "fake");
    assert_null(status.path);
    assert_int_equal(status.delivered, 3000);
    assert_int_equal(status.failures, 0);
    assert_int_equal(status.state, BUS_IDLE);
}

static void test_takes_inside_write(void **state)
{
    struct bus_case *c = *state;
    fakes[0].at_once = true;
    fakes[0].refuses_every = 3;
    case_open_bus(c);
    case_publish(c, 1000);
    deliver_all(c);
    fake_expect(&fakes[0], 1, 1000, false);
    assert_int_equal(case_status(c, 0).delivered, 667);
    assert_int_equal(case_status(c, 0).refused, 333);
}

static void test_full_until_ready(void **state)
{
    struct bus_case *c = *state;
    fakes[0].full_at = 7;
    case_open_bus(c);
    case_publish(c, 1000);
    deliver_all(c);
    fake_expect(&fakes[0], 1, 1000, false);
    assert_int_equal(case_status(c, 0).failures, 0); /* full is no failure */
}

/* A digest that is not due for longer than the time-out is no failure. */
static void test_full_for_long(void **state)
{
    struct bus_case *c = *state;
    fakes[0].not_due = true;
    case_open_bus(c);
    case_publish(c, 10);
    publisher_flush(c->publisher, NULL);
    case_run(c, case_never, NULL, 4);
    assert_int_equal(case_status(c, 0).failures, 0);
    assert_int_equal(fakes[0].opens, 1);
    assert_int_equal(fakes[0].writes, 1); /* and it is not asked again before it is ready */
    fakes[0].not_due = false;
    fakes[0].host->ready(fakes[0].host->context);
    deliver_all(c);
    fake_expect(&fakes[0], 1, 10, false);
}

static void test_the_record(void **state)
{
    struct bus_case *c = *state;
    case_open_bus(c);
    case_publish_alert(c, 73, "");
    deliver_all(c);
    assert_non_null(fakes[0].record); /* it is not text_only */
    assert_non_null(strstr(fakes[0].text, "\"severity\":73"));
}

/* --- trouble ---------------------------------------------------------------------------------- */

static void test_fails_half_way_and_returns(void **state)
{
    struct bus_case *c = *state;
    fakes[0].fails_every = 3;
    case_open_bus(c);
    case_publish(c, 2000);
    deliver_all(c);
    fake_expect(&fakes[0], 1, 2000, true);
    struct bus_status status = case_status(c, 0);
    assert_true(status.failures >= 1);
    assert_int_equal(status.retries, status.failures);
    assert_int_equal(status.failures_in_a_row, 0);
    assert_string_equal(status.last_error, "fake: went in the middle");
    assert_int_equal(status.delivered, 2000); /* what is told as taken, each once */
}

static bool four_failures(void *context)
{
    return case_status(context, 0).failures >= 4;
}

/* 100, 200, 400, … ms, each shortened by up to a half: four failures take 350 to 700 ms. */
static void test_backs_off(void **state)
{
    struct bus_case *c = *state;
    fakes[0].away = true;
    case_open_bus(c);
    case_publish(c, 10);
    publisher_flush(c->publisher, NULL);
    struct wtime began = wtime_now();
    assert_true(case_run(c, four_failures, c, 10));
    int64_t took_ms = (wtime_now().ns - began.ns) / NS_PER_MS;
    assert_in_range(took_ms, 340, 3000);
    assert_int_equal(case_status(c, 0).state, BUS_WAITING);
    assert_int_equal(case_status(c, 0).behind, 10);
    assert_in_range(fakes[0].writes, 40, 50); /* ten each time, and no hammering */
    fakes[0].away = false;
    deliver_all(c);
    fake_expect(&fakes[0], 1, 10, false);
}

static bool opened_again(void *context)
{
    (void)context;
    return fakes[0].opens > 1;
}

/* What is under way is bounded; after its time-out it is closed and opened anew. */
static void test_hangs(void **state)
{
    struct bus_case *c = *state;
    fakes[0].hangs = true;
    case_open_bus(c);
    case_publish(c, 3000);
    publisher_flush(c->publisher, NULL);
    assert_true(case_run(c, opened_again, c, 10));
    assert_in_range(fakes[0].writes, 1024, 2048); /* the window, once, and being given again */
    assert_int_equal(fakes[0].count, 0);
    assert_string_equal(case_status(c, 0).last_error, "took nothing for 1 s");
    assert_int_equal(case_status(c, 0).behind, 3000);
    assert_true(case_status(c, 0).oldest_s >= 1);
    fakes[0].hangs = false;
    deliver_all(c);
    fake_expect(&fakes[0], 1, 3000, false);
}

static void test_dies(void **state)
{
    struct bus_case *c = *state;
    fakes_init(c, 2);
    fakes[0].dies = true;
    case_open_bus(c);
    case_publish(c, 600);
    publisher_flush(c->publisher, NULL);
    case_run(c, case_never, NULL, 1);
    fake_expect(&fakes[1], 1, 600, false);
    assert_int_equal(case_status(c, 0).state, BUS_DEAD);
    assert_true(case_status(c, 0).dead);
    assert_int_equal(case_status(c, 0).failures, 1);
    assert_int_equal(case_status(c, 0).behind, 600);
    assert_int_equal(fakes[0].writes, 1);
    assert_int_equal(fakes[0].closes, 1);
    fakes[0].dies = false;
    case_close_bus(c); /* a reload */
    case_open_bus(c);
    deliver_all(c);
    fake_expect(&fakes[0], 1, 600, false);
    fake_expect(&fakes[1], 1, 600, false);
}

static void test_cannot_be_opened(void **state)
{
    struct bus_case *c = *state;
    struct error error = {0};
    fakes[0].refuses_to_open = true;
    c->config.folder = c->folder;
    c->config.sinks = c->sink;
    assert_null(bus_new(c->loop, &c->config, &error));
    assert_string_equal(error.message, "sink fake-0: fake: cannot be opened");
    c->config.again = true; /* it worked once: it is tried again */
    case_open_bus(c);
    case_publish(c, 5);
    publisher_flush(c->publisher, NULL);
    case_run(c, case_never, NULL, 1);
    assert_int_equal(case_status(c, 0).state, BUS_WAITING);
    fakes[0].refuses_to_open = false;
    deliver_all(c);
    fake_expect(&fakes[0], 1, 5, false);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void test_dead_letters(void **state)
{
    struct bus_case *c = *state;
    fakes[0].refuses_every = 2;
    fakes[0].fails_every = 3; /* what is refused already is not refused again */
    case_open_bus(c);
    case_publish(c, 10);
    deliver_all(c);
    case_publish(c, 10);
    deliver_all(c);
    fakes[0].refuses_every = 0;
    assert_int_equal(case_status(c, 0).refused, 10);
    const char *text = read_text(c, "dead/fake-0.ndjson");
    for (int n = 2; n <= 20; n += 2) {
        char start[64], end[256];
        snprintf(start, sizeof start, "{\"sequence\":%d,\"time\":\"2", n);
        assert_memory_equal(text, start, strlen(start));
        const char *newline = strchr(text, '\n');
        assert_non_null(newline);
        int size =
            snprintf(end, sizeof end,
                     "\"why\":\"no such lines here\",\"record\":{\"@timestamp\":\"2026-03-02T"
                     "01:00:00.%03dZ\",\"event\":{\"kind\":\"alert\",\"id\":\"%d\","
                     "\"severity\":50}}}",
                     n, n);
        assert_memory_equal(newline - size, end, (size_t)size);
        text = newline + 1;
    }
    assert_string_equal(text, "");
}

/* Half a line that a crash left stays by itself. */
static void test_half_a_dead_letter(void **state)
{
    struct bus_case *c = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/dead", c->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/dead/fake-0.ndjson", c->folder);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "{\"seq", 5), 5);
    close(fd);
    fakes[0].refuses_every = 2;
    case_open_bus(c);
    case_publish(c, 4);
    deliver_all(c);
    assert_string_equal(case_status(c, 0).last_error, "a line was refused: no such lines here");
    const char *text = read_text(c, "dead/fake-0.ndjson");
    assert_memory_equal(text, "{\"seq\n{\"sequence\":2,", 20);
    text = strstr(text, "}\n");
    assert_non_null(text);
    assert_memory_equal(text, "}\n{\"sequence\":4,", 16);
}

/* No room for dead letters: it is said and counted, and the sink goes on. */
static void test_no_room_for_dead_letters(void **state)
{
    struct bus_case *c = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/dead", c->folder);
    int fd = open(path, O_CREAT | O_WRONLY, 0600); /* a file where the folder should be */
    assert_true(fd >= 0);
    close(fd);
    fakes[0].refuses_every = 2;
    case_open_bus(c);
    case_publish(c, 10);
    deliver_all(c);
    assert_int_equal(case_status(c, 0).refused, 5);
    assert_int_equal(case_status(c, 0).lost_letters, 5);
    fake_expect(&fakes[0], 1, 10, false);
}

/* --- what it is told -------------------------------------------------------------------------- */

static void publish_kind(struct bus_case *c, const char *kind)
{
    char *line = xasprintf("{\"event\":{\"kind\":\"%s\"}}", kind);
    c->lines++;
    assert_int_equal(publisher_publish(c->publisher, line, strlen(line), NULL), 0);
    free(line);
}

static void publish_mix(struct bus_case *c)
{
    publish_kind(c, "metric");                                                /* 1 */
    publish_kind(c, "event");                                                 /* 2 */
    case_publish_alert(c, 69, "");                                            /* 3 */
    case_publish_alert(c, 70, "");                                            /* 4 */
    case_publish_alert(c, 90, ",\"weir\":{\"silenced\":{\"id\":\"s1\"}}");    /* 5 */
    case_publish_alert(c, 90, ",\"weir\":{\"reason\":\"\\\"silenced\\\"\"}"); /* 6: not so */
    case_publish_alert(c, 90, ",\"rule\":{\"silenced\":1}");                  /* 7: nor this */
}

static void expect_told(struct bus_case *c, const char *expected)
{
    char have[64] = "";
    case_open_bus(c);
    publish_mix(c);
    deliver_all(c);
    for (size_t i = 0; i < fakes[0].count; i++)
        snprintf(have + strlen(have), sizeof have - strlen(have), "%d", (int)fakes[0].arrived[i]);
    assert_string_equal(have, expected);
}

static void test_told_by_default(void **state)
{
    struct bus_case *c = *state;
    expect_told(c, "123467");
    assert_int_equal(case_status(c, 0).silenced, 1);
    assert_int_equal(case_status(c, 0).filtered, 0);
}

static void test_told_severe_alerts_only(void **state)
{
    struct bus_case *c = *state;
    c->sink[0].severity_min = 70;
    c->sink[0].heartbeat = c->sink[0].audit = false;
    expect_told(c, "467");
    assert_int_equal(case_status(c, 0).filtered, 3);
}

static void test_told_silenced_ones(void **state)
{
    struct bus_case *c = *state;
    c->sink[0].silenced = true;
    c->sink[0].heartbeat = false;
    expect_told(c, "234567");
}

static bool four_arrived(void *context)
{
    (void)context;
    return fakes[0].count == 4;
}

/* --- places ----------------------------------------------------------------------------------- */

/* Closed and opened again after every line, whatever was under way. */
static void test_restarts_at_every_point(void **state)
{
    struct bus_case *c = *state;
    case_open_bus(c);
    for (int i = 0; i < 40; i++) {
        fakes[0].hangs = i % 3 == 1;
        fakes[0].away = i % 3 == 2;
        case_publish(c, 3);
        publisher_flush(c->publisher, NULL);
        bus_flush(c->bus);
        for (int turns = 0; turns < i % 5; turns++) {
            event_loop_soon(c->loop, (void (*)(void *))c->loop.ops->stop, c->loop.loop);
            c->loop.ops->run(c->loop.loop);
        }
        case_close_bus(c);
        case_open_bus(c);
    }
    fakes[0].hangs = fakes[0].away = false;
    deliver_all(c);
    fake_expect(&fakes[0], 1, 120, true);
}

static void test_a_new_sink_begins_at_the_end(void **state)
{
    struct bus_case *c = *state;
    case_open_bus(c);
    case_publish(c, 5);
    deliver_all(c);
    case_close_bus(c);
    fakes_init(c, 3); /* two more */
    c->sink[2].from_start = true;
    case_open_bus(c);
    case_publish(c, 2);
    deliver_all(c);
    fake_expect(&fakes[0], 6, 7, false);
    fake_expect(&fakes[1], 6, 7, false);
    fake_expect(&fakes[2], 1, 7, false);
}

/* The places go with the names. */
static void test_reordered(void **state)
{
    struct bus_case *c = *state;
    fakes_init(c, 2);
    fakes[1].hangs = true;
    case_open_bus(c);
    case_publish(c, 5);
    publisher_flush(c->publisher, NULL);
    case_run(c, case_never, NULL, 2); /* fake-0 has five, which is kept within a second */
    case_close_bus(c);
    assert_int_equal(bus_told(c->folder, c->sink, 2), 0);
    assert_int_equal(bus_told(c->folder, c->sink, 1), 5);
    fakes[1].hangs = false;
    struct sink_settings first = c->sink[0];
    c->sink[0] = c->sink[1];
    c->sink[1] = first;
    case_open_bus(c);
    deliver_all(c);
    fake_expect(&fakes[0], 1, 5, false);
    fake_expect(&fakes[1], 1, 5, false);
    case_close_bus(c);
    assert_int_equal(bus_told(c->folder, c->sink, 2), 5);
}

static void write_place(const struct bus_case *c, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/sink-fake-0.position", c->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* The journal seems to end before the place, for a while: nothing is told again. */
static void test_a_journal_that_comes_to_its_place(void **state)
{
    struct bus_case *c = *state;
    case_publish(c, 3);
    publisher_flush(c->publisher, NULL);
    write_place(c, "weir-position 2 5 1700000000000\n");
    case_open_bus(c);
    case_run(c, case_never, NULL, 2);
    case_publish(c, 4);
    deliver_all(c);
    fake_expect(&fakes[0], 6, 7, false);
}

/* There is none yet when the bus begins. */
static void test_a_journal_that_comes_later(void **state)
{
    struct bus_case *c = *state;
    static const char *const names[] = {"alerts.journal", "alerts.durable", "journal"};
    case_close_journal(c);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", c->folder, names[i]);
        folder_remove(path);
    }
    case_open_bus(c);
    assert_int_equal(case_status(c, 0).behind, 0);
    case_run(c, case_never, NULL, 1);
    case_open_journal(c);
    case_publish(c, 4);
    publisher_flush(c->publisher, NULL);
    assert_true(case_run(c, four_arrived, c, 5));
    fake_expect(&fakes[0], 1, 4, false);
}

/* Another journal, whose numbers begin anew: all of it is told, in a new epoch. */
static void test_another_journal(void **state)
{
    struct bus_case *c = *state;
    char path[128];
    case_open_bus(c);
    case_publish(c, 9);
    deliver_all(c);
    case_close_bus(c);
    case_close_journal(c);
    static const char *const names[] = {"journal"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", c->folder, names[i]);
        folder_remove(path);
    }
    case_open_journal(c);
    c->lines = 0;
    case_publish(c, 4);
    publisher_flush(c->publisher, NULL);
    char before[80];
    snprintf(before, sizeof before, "%.79s", read_text(c, "sink-fake-0.position"));
    fakes[0].count = 0;
    case_open_bus(c);
    assert_true(case_run(c, four_arrived, c, 20)); /* once it is sure */
    fake_expect(&fakes[0], 1, 4, false);
    assert_int_equal(fakes[0].opens, 3); /* it may go by the epoch */
    case_close_bus(c);
    const char *after = read_text(c, "sink-fake-0.position");
    assert_memory_equal(before, "weir-position 2 9 ", 18);
    assert_memory_equal(after, "weir-position 2 4 ", 18);
    assert_string_not_equal(before + 18, after + 18);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    log_set_level(LOG_ERROR_);
    const struct CMUnitTest tests[] = {
        T(test_takes_later),
        T(test_takes_inside_write),
        T(test_full_until_ready),
        T(test_full_for_long),
        T(test_the_record),
        T(test_fails_half_way_and_returns),
        T(test_backs_off),
        T(test_hangs),
        T(test_dies),
        T(test_cannot_be_opened),
        T(test_dead_letters),
        T(test_half_a_dead_letter),
        T(test_no_room_for_dead_letters),
        T(test_told_by_default),
        T(test_told_severe_alerts_only),
        T(test_told_silenced_ones),
        T(test_restarts_at_every_point),
        T(test_a_new_sink_begins_at_the_end),
        T(test_reordered),
        T(test_a_journal_that_comes_to_its_place),
        T(test_a_journal_that_comes_later),
        T(test_another_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
