/* 100,000 alerts (with sanitizers fewer) into six sinks at once: one that is well, one that hangs,
 * one that dies and returns, one that refuses half, a file, and one in another format of telling
 * (taken inside write). Every alert is at every living sink once and in order, in a minute, and the
 * memory does not grow with them. */
#include "fake_sink.h"

#include <unistd.h>

#define PER_TURN 500

/* Sanitizers keep what was freed, and take their time. */
#ifdef WEIR_SANITIZED
#define ALERTS     20000
#define GROWTH_KIB (1 << 20)
#else
#define ALERTS     100000
#define GROWTH_KIB (64 << 10) /* windows of 4 MiB, the journal's 16 MiB, the arrays here */
#endif

static long resident_kib(void)
{
    long pages = 0, unused;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(file, "%ld %ld", &unused, &pages), 2);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) >> 10);
}

struct flood {
    struct bus_case c;
    char path[100];
    const char *setting[2];
    const struct sink_row *rows[3];
    size_t to_publish;
    long most_kib;
    char *pad;
};

/* Publishes more as long as there is any, about 2 kB each. */
static bool flood_step(void *context)
{
    struct flood *flood = context;
    struct bus_status status[6];
    for (int i = 0; i < PER_TURN && flood->to_publish > 0; i++, flood->to_publish--)
        case_publish_alert(&flood->c, 50, flood->pad);
    long now_kib = resident_kib();
    flood->most_kib = now_kib > flood->most_kib ? now_kib : flood->most_kib;
    fakes[2].away = flood->to_publish > ALERTS / 4 && flood->to_publish < ALERTS / 4 * 3;
    bus_status(flood->c.bus, status, 6);
    for (int i = 0; i < 6; i++)
        if (i != 1 && status[i].behind > 0)
            return false;
    return flood->to_publish == 0;
}

static void expect_file(const struct flood *flood)
{
    static char line[8192];
    FILE *file = fopen(flood->path, "r");
    assert_non_null(file);
    for (int n = 1; n <= ALERTS; n++) {
        char id[40];
        assert_non_null(fgets(line, sizeof line, file));
        snprintf(id, sizeof id, "\"id\":\"%d\",", n);
        assert_non_null(strstr(line, id));
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
}

static void test_flood(void **state)
{
    struct flood flood = {.to_publish = ALERTS, .pad = xcalloc(1, 2000)};
    (void)state;
    memset(flood.pad, ' ', 1950);
    case_init(&flood.c);
    fakes_init(&flood.c, 6);
    fakes[1].hangs = true;
    fakes[2].fails_every = 50;
    fakes[3].refuses_every = 2;
    fakes[4].at_once = true;
    snprintf(flood.path, sizeof flood.path, "%s/alerts.ndjson", flood.c.folder);
    flood.setting[0] = flood.path;
    sink_settings_file(&flood.c.sink[5], "file", flood.setting);
    flood.rows[0] = &fake_row;
    flood.rows[1] = sink_row_get("file");
    flood.c.config.rows = flood.rows;
    case_open_bus(&flood.c);
    long before_kib = flood.most_kib = resident_kib();
    struct wtime began = wtime_now();
    assert_true(case_run(&flood.c, flood_step, &flood, 120));
    double took_s = (double)(wtime_now().ns - began.ns) / (double)NS_PER_S;
    fake_expect(&fakes[0], 1, ALERTS, false);
    assert_int_equal(fakes[1].count, 0);
    fake_expect(&fakes[2], 1, ALERTS, true);
    fake_expect(&fakes[3], 1, ALERTS, false);
    fake_expect(&fakes[4], 1, ALERTS, false);
    expect_file(&flood);
    assert_int_equal(case_status(&flood.c, 3).refused, ALERTS / 2);
    assert_int_equal(case_status(&flood.c, 1).behind, ALERTS);
    assert_true(case_status(&flood.c, 2).failures > 0);
    printf("%d alerts of 2 kB into six sinks in %.1f s; memory grew by at most %ld MiB\n", ALERTS,
           took_s, (flood.most_kib - before_kib) >> 10);
    assert_true(flood.most_kib - before_kib < GROWTH_KIB);
    case_fini(&flood.c);
    fakes_fini();
    free(flood.pad);
}

int main(void)
{
    log_set_level(LOG_ERROR_);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_flood)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
