/* One stream for several sensors, against a real server with the least rights: two write to it, a
 * consumer group reads each line once, and what a reader that died had not acknowledged is another
 * one's. Skipped where redis-server is not installed. */
#include "bus_case.h"

#include "../door.h"

#include "weir/baseline/embedded.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define KEY   "weir:alerts"
#define LINES 200
#define FIRST 60 /* that the reader which dies has taken */
#define FEW   5

struct sensor {
    struct bus_case c;
    const char *url[2];
};

struct fixture {
    char folder[FOLDER_SIZE]; /* the server's */
    struct embedded server;
    struct door door;
    char door_url[128];
    struct sensor sensor[2];
};

static const char *const yes[] = {"true", NULL};

static void start_server(struct fixture *f)
{
    struct error error = {0};
    struct embedded_config config = {.folder = f->folder, .persist = true};
    if (embedded_start(&f->server, &config, &error) != 0)
        fail_msg("%s", error.message);
}

/* Commands, a line each; the raw answers. */
static char *ask_as(const struct fixture *f, const char *who, const char *command)
{
    static char reply[4 << 20];
    size_t size = 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {0, 300000};
    char *line = xasprintf("AUTH %s x\r\n%s\r\n", who, command);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", f->server.url + strlen("unix:"));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
    for (ssize_t got; (got = recv(fd, reply + size, sizeof reply - 1 - size, 0)) > 0;)
        size += (size_t)got;
    reply[size] = '\0';
    close(fd);
    free(line);
    assert_memory_equal(reply, "+OK\r\n", 5);
    return reply + 5;
}

/* As docs/alerts.md has them: who writes, here everybody who does not say who he is, and who reads.
 */
static void set_rights(struct fixture *f)
{
    static const char *const order[] = {
        "ACL SETUSER boss on >x allkeys allchannels +@all",
        "ACL SETUSER siem on >x resetkeys ~" KEY " resetchannels -@all +xgroup|create +xreadgroup "
        "+xack +xautoclaim +xpending +xinfo|groups",
        "ACL SETUSER default resetkeys ~" KEY " resetchannels -@all +xadd +multi +exec",
    };
    ask_as(f, "default", order[0]);
    ask_as(f, "boss", order[1]);
    const char *reply = ask_as(f, "boss", order[2]);
    if (strcmp(reply, "+OK\r\n") != 0)
        fail_msg("%s", reply);
}

static void open_sensor(struct fixture *f, int i, const char *url)
{
    struct sensor *sensor = &f->sensor[i];
    const struct sink_row *row = sink_row_get("redis");
    case_init(&sensor->c);
    sensor->c.lines = (uint64_t)i * 1000; /* others are other alerts */
    sensor->url[0] = url;
    sink_settings_init(&sensor->c.sink[0], row, "redis");
    sink_settings_add(&sensor->c.sink[0], sink_key_get(row, "url"), sensor->url);
    sink_settings_add(&sensor->c.sink[0], sink_key_get(row, "shared"), yes);
    sensor->c.config.count = 1;
    case_open_bus(&sensor->c);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    folder_make("redis", f->folder);
    start_server(f);
    set_rights(f);
    for (int i = 0; i < 2; i++)
        open_sensor(f, i, f->server.url);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++)
        case_fini(&f->sensor[i].c);
    if (f->server.pid > 0)
        embedded_stop(&f->server);
    folder_remove(f->folder);
    free(f);
    return 0;
}

static void publish(struct sensor *sensor, size_t count)
{
    case_publish(&sensor->c, count);
    assert_int_equal(publisher_flush(sensor->c.publisher, NULL), 0);
}

static bool nothing_behind(void *context)
{
    const struct sensor *sensor = context;
    return case_status(&sensor->c, 0).behind == 0;
}

static void deliver_all(struct fixture *f)
{
    for (int i = 0; i < 2; i++)
        if (!case_run(&f->sensor[i].c, nothing_behind, &f->sensor[i], 20))
            fail_msg("%s", case_status(&f->sensor[i].c, 0).last_error);
}

/* How often each alert is in what a reader was given, by the field `id`; how many lines in all. */
static size_t count_ids(const char *reply, unsigned seen[2000])
{
    static const char field[] = "$2\r\nid\r\n$";
    size_t count = 0;
    for (const char *at = reply; (at = strstr(at, field)) != NULL; count++) {
        unsigned id = 0;
        at += sizeof field - 1;
        assert_int_equal(sscanf(at, "%*d\r\n%u", &id), 1);
        assert_in_range(id, 1, 1999);
        seen[id]++;
    }
    return count;
}

/* Each entry of a reply is its id, then six words. */
static void acknowledge(const struct fixture *f, const char *reply)
{
    static const char words[] = "\r\n*6\r\n";
    struct buffer command = {0};
    buffer_text(&command, "XACK " KEY " siem");
    for (const char *at = reply; (at = strstr(at, words)) != NULL; at += sizeof words - 1) {
        const char *begin = at;
        while (begin > reply && begin[-1] != '\n')
            begin--;
        buffer_text(&command, " %.*s", (int)(at - begin), begin);
    }
    buffer_u8(&command, 0);
    ask_as(f, "siem", (const char *)command.data);
    buffer_fini(&command);
}

/* The reply's memory is the next one's. */
static char *read_as(const struct fixture *f, const char *reader, int count)
{
    char *command = xasprintf("XREADGROUP GROUP siem %s COUNT %d STREAMS " KEY " >", reader, count);
    char *reply = xstrdup(ask_as(f, "siem", command));
    free(command);
    return reply;
}

static void expect_each(const unsigned seen[2000], unsigned from, unsigned to)
{
    for (unsigned id = from; id <= to; id++)
        if (seen[id] != 1)
            fail_msg("alert %u was read %u times", id, seen[id]);
}

/* --- the tests -------------------------------------------------------------------------------- */

static void test_each_is_read_once(void **state)
{
    struct fixture *f = *state;
    static unsigned seen[2000], claimed[2000];
    assert_string_equal(ask_as(f, "siem", "XGROUP CREATE " KEY " siem 0 MKSTREAM"), "+OK\r\n");
    for (int part = 0; part < 4; part++) /* by turns */
        for (int i = 0; i < 2; i++)
            publish(&f->sensor[i], LINES / 4);
    deliver_all(f);
    char *first = read_as(f, "one", FIRST), *second = read_as(f, "two", 2 * LINES);
    assert_int_equal(count_ids(first, seen), FIRST);
    assert_int_equal(count_ids(second, seen), 2 * LINES - FIRST);
    expect_each(seen, 1, LINES);
    expect_each(seen, 1001, 1000 + LINES);
    acknowledge(f, second);
    /* The first reader died: what it took is the second one's. */
    char *claim = xstrdup(ask_as(f, "siem", "XAUTOCLAIM " KEY " siem two 0 0 COUNT 1000"));
    assert_int_equal(count_ids(claim, claimed), FIRST);
    for (unsigned id = 0; id < 2000; id++)
        assert_true(claimed[id] <= seen[id]);
    assert_int_equal(count_ids(first, claimed), FIRST);
    for (unsigned id = 0; id < 2000; id++)
        assert_true(claimed[id] == 0 || claimed[id] == 2); /* just those */
    acknowledge(f, claim);
    assert_memory_equal(ask_as(f, "siem", "XPENDING " KEY " siem"), "*4\r\n:0\r\n", 8);
    assert_memory_equal(ask_as(f, "siem", "XINFO GROUPS " KEY), "*1\r\n", 4);
    free(first);
    free(second);
    free(claim);
}

/* Both are in it with their names, and each in its own order. */
static void test_in_order(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++)
        publish(&f->sensor[i], LINES);
    deliver_all(f);
    const char *at = ask_as(f, "boss", "XRANGE " KEY " - +");
    unsigned last[2] = {0, 1000}, id;
    for (; (at = strstr(at, "$2\r\nid\r\n$")) != NULL; at++) {
        assert_int_equal(sscanf(at, "$2\r\nid\r\n$%*d\r\n%u", &id), 1);
        assert_int_equal(id, last[id > 1000] + 1);
        last[id > 1000] = id;
    }
    assert_int_equal(last[0], LINES);
    assert_int_equal(last[1], 1000 + LINES);
    assert_non_null(strstr(ask_as(f, "boss", "XRANGE " KEY " - + COUNT 1"),
                           "sensor\r\n$6\r\nspan-1\r\n$2\r\nid\r\n"));
}

/* The server has what it was given, and the connection goes instead of saying so: all of it is
 * there twice, each with one id, in its order. What comes later is there once. */
static void test_lost_answer(void **state)
{
    struct fixture *f = *state;
    static unsigned seen[2000];
    case_fini(&f->sensor[0].c);
    door_open(&f->door, f->folder);
    snprintf(f->door_url, sizeof f->door_url, "unix:%s", f->door.path);
    open_sensor(f, 0, f->door_url);
    f->door.cut_after = (int64_t)(strlen("+OK\r\n") + FEW * strlen("+QUEUED\r\n"));
    publish(&f->sensor[0], FEW);
    deliver_all(f);
    assert_int_equal(f->door.cut_after, -1);
    publish(&f->sensor[0], FEW);
    deliver_all(f);
    door_close(&f->door);
    assert_int_equal(count_ids(ask_as(f, "boss", "XRANGE " KEY " - +"), seen), 3 * FEW);
    for (unsigned id = 1; id <= FEW; id++) {
        assert_int_equal(seen[id], 2);
        assert_int_equal(seen[FEW + id], 1);
    }
}

/* Killed and back: nothing is lost. */
static void test_killed_server(void **state)
{
    struct fixture *f = *state;
    static unsigned seen[2000];
    publish(&f->sensor[0], LINES);
    case_run(&f->sensor[0].c, nothing_behind, &f->sensor[0], 0);
    embedded_stop(&f->server);
    f->server.pid = 0;
    publish(&f->sensor[1], LINES);
    start_server(f);
    set_rights(f);
    deliver_all(f);
    count_ids(ask_as(f, "boss", "XRANGE " KEY " - +"), seen);
    for (unsigned id = 1; id <= LINES; id++)
        assert_true(seen[id] >= 1 && seen[1000 + id] >= 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_each_is_read_once),
        T(test_in_order),
        T(test_lost_answer),
        T(test_killed_server),
    };
    if (!has_program("redis-server")) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
