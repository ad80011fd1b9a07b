/* The publisher against a disk that is full, or does not sync: nobody is told before the journal
 * is synced, what the disk does not take is kept by severity, and the trouble is told. pwrite,
 * fdatasync and fallocate are this program's own, so that they can fail. */
#include "../../../sensor/bus/held.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/log.h"
#include "weir/base/time.h"
#include "weir/bus/event_loop.h"
#include "weir/bus/publisher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static bool write_fails, sync_fails, room_fails;

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's are reserved names */
ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    if (write_fails) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, data, size, at);
}

int fdatasync(int fd)
{
    if (sync_fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int fallocate(int fd, int mode, off_t offset, off_t size)
{
    if (room_fails) {
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_fallocate, fd, mode, offset, size);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

struct fixture {
    char folder[64], journal_folder[80];
    struct loop_ref loop;
    struct journal *journal;
    struct publisher *publisher;
    unsigned woken;
    struct buffer told; /* what the journal has, a line each */
};

static void on_wake(void *context)
{
    struct fixture *f = context;
    f->woken++;
}

static void open_publisher(struct fixture *f)
{
    struct error error = {0};
    f->journal = journal_open(f->folder, NULL, &error);
    if (!f->journal)
        fail_msg("%s", error.message);
    f->publisher = publisher_new(f->loop, f->journal, on_wake, f);
    publisher_name(f->publisher, "span-1");
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error error = {0};
    snprintf(f->folder, sizeof f->folder, "/tmp/weir-publisher-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->journal_folder, sizeof f->journal_folder, "%s/journal", f->folder);
    f->loop = event_loop_new(&error);
    assert_non_null(f->loop.loop);
    open_publisher(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    write_fails = sync_fails = room_fails = false;
    publisher_free(f->publisher);
    journal_close(f->journal);
    event_loop_free(f->loop);
    DIR *dir = opendir(f->journal_folder);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        char *path = xasprintf("%s/%s", f->journal_folder, entry->d_name);
        unlink(path);
        free(path);
    }
    closedir(dir);
    rmdir(f->journal_folder);
    assert_int_equal(rmdir(f->folder), 0);
    buffer_fini(&f->told);
    free(f);
    return 0;
}

static void on_tick(void *context)
{
    const struct fixture *f = context;
    f->loop.ops->stop(f->loop.loop);
}

/* Everything that is due, and 5 ms. */
static void turn(struct fixture *f)
{
    struct loop_watch *tick = f->loop.ops->timer(f->loop.loop, 5 * NS_PER_MS, on_tick, f);
    f->loop.ops->run(f->loop.loop);
    f->loop.ops->drop(tick);
}

/* Line `n`, of the n-th second. `kind` "alert", "metric" or "event". */
static void publish(struct fixture *f, unsigned n, const char *kind, int severity, size_t pad)
{
    char *filler = xcalloc(1, pad + 1);
    memset(filler, 'x', pad);
    char *line =
        xasprintf("{\"@timestamp\":\"2026-03-02T00:%02u:%02u.000Z\",\"event\":{\"kind\":\"%s\","
                  "\"severity\":%d},\"n\":%u,\"pad\":\"%s\"}",
                  n / 60, n % 60, kind, severity, n, filler);
    assert_int_equal(publisher_publish(f->publisher, line, strlen(line), NULL), 0);
    free(line);
    free(filler);
}

static void put_line(void *context, const char *line, size_t size)
{
    struct buffer *out = context;
    struct json_value *root = json_parse(line, size, NULL);
    int64_t number;
    assert_non_null(root);
    if (json_whole(json_get(root, "n"), &number)) {
        buffer_text(out, "%d ", (int)number);
    } else { /* the publisher's own */
        const struct json_value *weir = json_get(root, "weir");
        assert_string_equal(json_text(json_get(json_get(root, "rule"), "id")), "sensor.blind");
        assert_string_equal(json_text(json_get(weir, "sight")), "journal");
        assert_string_equal(json_text(json_get(weir, "urgency")), "now");
        assert_string_equal(json_text(json_get(json_get(root, "observer"), "name")), "span-1");
        buffer_text(out, "%s:%.19s ", json_text(json_get(weir, "state")),
                    json_text(json_get(root, "@timestamp")));
    }
    json_value_free(root);
}

static const char *told(struct fixture *f)
{
    f->told.size = 0;
    assert_int_equal(publisher_each_since(f->publisher, 0, put_line, &f->told, NULL), 0);
    buffer_u8(&f->told, 0);
    return (const char *)f->told.data;
}

static void test_group_commit(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 1; i <= 5; i++)
        publish(f, i, "alert", 50, 0);
    assert_int_equal(publisher_last(f->publisher), 5);
    assert_int_equal(publisher_durable(f->publisher), 0);
    assert_int_equal(f->woken, 0);
    turn(f);
    assert_int_equal(publisher_durable(f->publisher), 5);
    assert_int_equal(f->woken, 1); /* one sync, one call */
    turn(f);
    assert_int_equal(publisher_flush(f->publisher, NULL), 0);
    assert_int_equal(f->woken, 1);
    assert_string_equal(told(f), "1 2 3 4 5 ");
}

/* An engine that caught up tells in one turn more than the journal keeps unsynced and memory holds:
 * nothing is wrong with the disk, and nothing is given up. */
static void test_long_turn(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 1; i <= 50; i++)
        publish(f, i, "alert", 50, 1000000);
    struct publisher_status status = publisher_status_of(f->publisher);
    assert_false(status.trouble);
    assert_int_equal(status.failures + status.held + status.given_up_alerts, 0);
    assert_int_equal(publisher_last(f->publisher), 50);
    assert_true(publisher_durable(f->publisher) >= 48);
    turn(f);
    assert_int_equal(publisher_durable(f->publisher), 50);
}

static void test_full_disk(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    publish(f, 1, "alert", 50, 0);
    turn(f);
    write_fails = true;
    publish(f, 2, "alert", 50, 0);
    publish(f, 3, "metric", 0, 0);
    publish(f, 4, "alert", 90, 0);
    turn(f);
    assert_int_equal(publisher_flush(f->publisher, &error), -1);
    assert_non_null(strstr(error.message, strerror(ENOSPC)));
    struct publisher_status status = publisher_status_of(f->publisher);
    assert_true(status.trouble);
    assert_int_equal(status.published, 4);
    assert_int_equal(status.held, 4); /* 2, what is told of the trouble, 3 and 4 */
    assert_non_null(strstr(status.why, strerror(ENOSPC)));
    assert_int_equal(f->woken, 1);
    write_fails = false;
    publish(f, 5, "alert", 50, 0); /* behind what is held */
    publish(f, 6, "event", 0, 0);  /* by the wall clock: not the trouble's time */
    assert_int_equal(publisher_flush(f->publisher, NULL), 0);
    assert_string_equal(told(f), "1 2 open:2026-03-02T00:00:02 3 4 5 6 close:2026-03-02T00:00:05 ");
    assert_false(publisher_status_of(f->publisher).trouble);
    assert_int_equal(publisher_status_of(f->publisher).held, 0);
    assert_int_equal(f->woken, 2);
}

/* Nobody needs to publish: it is tried again each second. */
static void test_tries_again(void **state)
{
    struct fixture *f = *state;
    write_fails = true;
    publish(f, 1, "alert", 50, 0);
    turn(f);
    write_fails = false;
    while (publisher_durable(f->publisher) == 0)
        turn(f);
    assert_string_equal(told(f), "1 open:2026-03-02T00:00:01 close:2026-03-02T00:00:01 ");
}

static void test_sync_fails(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    publish(f, 1, "alert", 50, 0);
    turn(f);
    publish(f, 2, "alert", 50, 0);
    sync_fails = true;
    assert_int_equal(publisher_flush(f->publisher, &error), -1);
    assert_non_null(strstr(error.message, strerror(EIO)));
    assert_int_equal(publisher_durable(f->publisher), 1);
    assert_int_equal(f->woken, 1);
    assert_string_equal(told(f), "1 ");
    sync_fails = false;
    assert_int_equal(publisher_flush(f->publisher, NULL), 0);
    assert_string_equal(told(f), "1 2 open:2026-03-02T00:00:02 close:2026-03-02T00:00:02 ");
}

/* More than the journal may keep unsynced, and then more than may be held. */
static void test_more_than_the_journal_keeps(void **state)
{
    struct fixture *f = *state;
    publish(f, 0, "alert", 50, 0);
    turn(f);
    sync_fails = true;
    for (unsigned i = 1; i <= 60; i++)
        publish(f, i, "alert", 50, 500000);
    struct publisher_status status = publisher_status_of(f->publisher);
    assert_in_range(status.held, 20, 30);
    assert_int_equal(status.given_up_alerts, 0);
    sync_fails = false;
    assert_int_equal(publisher_flush(f->publisher, NULL), 0);
    assert_int_equal(publisher_last(f->publisher), 63); /* and the two of the trouble */
    assert_int_equal(publisher_durable(f->publisher), 63);
}

static void test_given_up_by_severity(void **state)
{
    struct fixture *f = *state;
    publish(f, 0, "alert", 50, 0);
    turn(f);
    write_fails = true;
    publish(f, 1, "metric", 0, 1000000);
    publish(f, 2, "alert", 90, 1000000);
    publish(f, 3, "alert", 40, 1000000);
    publish(f, 4, "event", 0, 1000000);
    publish(f, 5, "alert", 40, 1000000);
    for (unsigned i = 6; i <= 16; i++)
        publish(f, i, "alert", 70, 1000000); /* 16 MB */
    assert_int_equal(publisher_status_of(f->publisher).given_up_metrics, 0);
    publish(f, 17, "alert", 60, 1000000); /* the heartbeat goes */
    publish(f, 18, "alert", 60, 1000000); /* the newer of the two of 40 */
    publish(f, 19, "alert", 10, 1000000); /* itself */
    publish(f, 20, "metric", 0, 1000000); /* itself */
    struct publisher_status status = publisher_status_of(f->publisher);
    assert_int_equal(status.given_up_metrics, 2);
    assert_int_equal(status.given_up_alerts, 2);
    assert_int_equal(status.given_up_events, 0);
    assert_true(status.held_bytes <= PUBLISHER_HELD_BYTES);
    assert_true(status.held_bytes > PUBLISHER_HELD_BYTES - 1000000);
    write_fails = false;
    assert_int_equal(publisher_flush(f->publisher, NULL), 0);
    assert_string_equal(told(f),
                        "0 open:2026-03-02T00:00:01 2 3 4 6 7 8 9 10 11 12 13 14 15 16 17 18 "
                        "close:2026-03-02T00:00:20 ");
}

/* The room that is set aside is for saying so. */
static void test_tight(void **state)
{
    struct fixture *f = *state;
    publish(f, 1, "alert", 50, 0);
    turn(f);
    room_fails = true;
    publish(f, 2, "alert", 50, 600000);
    turn(f);
    assert_true(publisher_status_of(f->publisher).trouble);
    assert_int_equal(publisher_status_of(f->publisher).held, 0);
    assert_string_equal(told(f), "1 2 open:2026-03-02T00:00:02 ");
    assert_int_equal(f->woken, 2); /* it is durable, sinks are told */
    publish(f, 3, "alert", 50, 0); /* goes on while there is room */
    turn(f);
    assert_string_equal(told(f), "1 2 open:2026-03-02T00:00:02 3 ");
    room_fails = false;
    assert_int_equal(publisher_flush(f->publisher, NULL), 0);
    assert_string_equal(told(f), "1 2 open:2026-03-02T00:00:02 3 close:2026-03-02T00:00:03 ");
}

static void test_too_long(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    char *line = xcalloc(1, JOURNAL_LINE_MAX + 1);
    memset(line, 'x', JOURNAL_LINE_MAX + 1);
    assert_int_equal(publisher_publish(f->publisher, line, JOURNAL_LINE_MAX + 1, &error), -1);
    assert_non_null(strstr(error.message, "longer"));
    assert_false(publisher_status_of(f->publisher).trouble);
    free(line);
}

/* --- what is held, by itself ------------------------------------------------------------------ */

static void test_held_is_bounded(void **state)
{
    struct held *held = held_new(2000);
    char line[128];
    size_t size;
    (void)state;
    assert_null(held_first(held, &size));
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof line, "{\"event\":{\"kind\":\"alert\",\"severity\":%d},\"n\":%d}",
                 i % 101, i);
        held_put(held, line, strlen(line));
        assert_true(held_bytes(held) <= 2000);
    }
    assert_int_equal(held_count(held) + held_given_up(held, HELD_ALERT), 1000);
    assert_true(held_count(held) > 10);
    const char *first = held_first(held, &size);
    assert_non_null(memmem(first, size, "\"severity\":98}", 14));
    for (size_t left = held_count(held); left > 0; left--)
        held_drop_first(held);
    assert_int_equal(held_bytes(held), 0);
    held_put(held, "no JSON at all", 14); /* whatever it is, it is kept last */
    held_put(held, "{\"event\":{\"kind\":\"alert\",\"severity\":1000}}", 42);
    held_put(held, "{\"event\":{\"kind\":\"alert\",\"severity\":-7}}", 40);
    assert_int_equal(held_count(held), 3);
    held_free(held);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    log_set_level(LOG_ERROR_);
    const struct CMUnitTest tests[] = {
        T(test_group_commit),
        T(test_long_turn),
        T(test_full_disk),
        T(test_tries_again),
        T(test_sync_fails),
        T(test_more_than_the_journal_keeps),
        T(test_given_up_by_severity),
        T(test_tight),
        T(test_too_long),
        cmocka_unit_test(test_held_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
