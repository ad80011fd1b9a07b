/* A sink on a real loop, fed as the bus feeds it: lines in order, again after `failed`, with a
 * short back-off; and real servers beside it.
 */
#ifndef TESTS_UNIT_BUS_SINK_CASE_H
#define TESTS_UNIT_BUS_SINK_CASE_H

#include "../../../sensor/bus/sinks.h"
#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/time.h"
#include "weir/bus/event_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CASE_REFUSALS 512
#define CASE_BACKOFF  (50 * NS_PER_MS)

struct given {
    const char *key, *value; /* a key that comes again makes a list */
};

struct sink_case {
    struct loop_ref loop;
    struct sink_host host;
    struct sink_settings settings;
    char **value[SINK_SETTINGS];
    const struct sink_row *row;
    struct sink *sink;
    char **line;
    struct json_value **record;
    size_t count, next; /* line i has sequence i + 1 */
    uint64_t taken, wanted;
    bool full, flushed, resting, late, in_order, until_failed;
    unsigned failures, refusals, answers; /* answers: that settled no line */
    uint64_t refused[CASE_REFUSALS];
    char why[600], refused_why[600];
    struct loop_watch *feed, *limit;
    void (*turn)(struct sink_case *c); /* called every turn of the feed */
    void *mine;
};

/* --- settings --------------------------------------------------------------------------------- */

static inline const struct sink_key *case_key(const struct sink_row *row, const char *name)
{
    const struct sink_key *key = row->keys;
    while (key->name && strcmp(key->name, name) != 0)
        key++;
    assert_non_null(key->name);
    return key;
}

static inline void case_set(struct sink_case *c, const struct given *given)
{
    const struct sink_key *key = case_key(c->row, given->key);
    size_t at = 0, values = 0;
    while (at < c->settings.count && c->settings.setting[at].key != key)
        at++;
    if (at == c->settings.count)
        c->settings.count++;
    while (c->value[at] && c->value[at][values])
        values++;
    c->value[at] = xrealloc(c->value[at], (values + 2) * sizeof(char *));
    c->value[at][values] = xstrdup(given->value);
    c->value[at][values + 1] = NULL;
    c->settings.setting[at].key = key;
    c->settings.setting[at].value = (const char *const *)c->value[at];
}

/* --- the bus ---------------------------------------------------------------------------------- */

static inline void case_taken(void *context, uint64_t sequence)
{
    struct sink_case *c = context;
    if (sequence == 0) {
        c->answers++;
        return;
    }
    if (sequence < c->taken || sequence > c->next + 1)
        c->in_order = false;
    c->taken = sequence;
    if (c->taken >= c->wanted)
        c->loop.ops->stop(c->loop.loop);
}

static inline void case_refused(void *context, uint64_t sequence, const char *why)
{
    struct sink_case *c = context;
    if (c->refusals < CASE_REFUSALS)
        c->refused[c->refusals] = sequence;
    c->refusals++;
    snprintf(c->refused_why, sizeof c->refused_why, "%s", why);
}

static inline void case_failed(void *context, const struct error *error)
{
    struct sink_case *c = context;
    snprintf(c->why, sizeof c->why, "%s", error->message);
    c->failures++;
    c->next = c->taken;
    c->full = false;
    c->flushed = false;
    c->resting = true;
    if (c->until_failed)
        c->loop.ops->stop(c->loop.loop);
}

static inline void case_ready(void *context)
{
    struct sink_case *c = context;
    c->full = false;
}

static inline enum sink_result case_write(struct sink_case *c, struct error *error)
{
    struct sink_line line = {c->next + 1, c->line[c->next], strlen(c->line[c->next]),
                             c->record[c->next]};
    c->flushed = false;
    return c->row->write(c->sink, &line, error);
}

static inline void case_feed(void *context)
{
    struct sink_case *c = context;
    struct error error = {0};
    static int64_t rested;
    enum sink_result result = SINK_OK;
    if (c->turn)
        c->turn(c);
    if (c->resting) {
        int64_t now = wtime_now().ns;
        rested = rested ? rested : now + CASE_BACKOFF;
        if (now < rested)
            return;
        c->resting = false;
    }
    rested = 0;
    for (int i = 0; i < 512 && result == SINK_OK && !c->full && c->next < c->count; i++) {
        result = case_write(c, &error);
        if (result == SINK_OK && !c->resting)
            c->next++;
        else if (result == SINK_FULL)
            c->full = true;
    }
    if (result == SINK_OK && c->next == c->count && !c->flushed && !c->resting) {
        c->flushed = true;
        result = c->row->flush(c->sink, &error);
    }
    if (result == SINK_AGAIN)
        case_failed(c, &error);
    assert_int_not_equal(result, SINK_DEAD);
}

static inline void case_late(void *context)
{
    struct sink_case *c = context;
    c->late = true;
    c->loop.ops->stop(c->loop.loop);
}

/* Runs until `wanted` lines are taken (true), or for so long. */
static inline bool case_run(struct sink_case *c, uint64_t wanted, int64_t ms)
{
    struct loop_ref loop = c->loop;
    c->wanted = wanted;
    c->late = false;
    if (c->taken >= wanted)
        return true;
    c->feed = loop.ops->timer(loop.loop, NS_PER_MS, case_feed, c);
    c->limit = loop.ops->timer(loop.loop, ms * NS_PER_MS, case_late, c);
    loop.ops->run(loop.loop);
    loop.ops->drop(c->feed);
    loop.ops->drop(c->limit);
    return !c->late;
}

/* Runs until the sink failed once. */
static inline void case_run_to_failure(struct sink_case *c, int64_t ms)
{
    c->until_failed = true;
    assert_true(case_run(c, UINT64_MAX, ms));
    c->until_failed = false;
    assert_true(c->failures > 0);
}

/* What a sink is given to answer in; short, since tests wait for it to pass. */
#define CASE_TIMEOUT_S 2

/* NULL and why, where the settings are refused. */
static inline struct sink_case *case_begin(const struct sink_row *row, const char *format,
                                           const struct given *given, int64_t timeout_s,
                                           struct error *error)
{
    struct sink_case *c = xcalloc(1, sizeof *c);
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    c->row = row;
    c->in_order = true;
    sink_settings_init(&c->settings, row, row->type);
    c->settings.format = format;
    c->settings.timeout_s = timeout_s;
    for (; given->key; given++)
        case_set(c, given);
    c->loop = event_loop_new(error);
    c->host = (struct sink_host){.loop = c->loop,
                                 .folder = "/tmp",
                                 .sensor = "tap1",
                                 .context = c,
                                 .taken = case_taken,
                                 .refused = case_refused,
                                 .failed = case_failed,
                                 .ready = case_ready};
    c->sink = row->open(&c->settings, &c->host, error);
    return c;
}

static inline void case_end(struct sink_case *c)
{
    if (c->sink)
        c->row->close(c->sink);
    event_loop_free(c->loop);
    for (size_t i = 0; i < c->count; i++) {
        free(c->line[i]);
        json_value_free(c->record[i]);
    }
    for (size_t i = 0; i < c->settings.count; i++) {
        for (char **value = c->value[i]; *value; value++)
            free(*value);
        free(c->value[i]);
    }
    free(c->line);
    free(c->record);
    free(c);
}

static inline struct sink_case *case_open_within(const struct sink_row *row, const char *format,
                                                 const struct given *given, int64_t timeout_s)
{
    struct error error = {0};
    struct sink_case *c = case_begin(row, format, given, timeout_s, &error);
    if (!c->sink)
        fail_msg("%s", error.message);
    return c;
}

static inline struct sink_case *case_open(const struct sink_row *row, const char *format,
                                          const struct given *given)
{
    return case_open_within(row, format, given, CASE_TIMEOUT_S);
}

/* The settings are refused, with a line that has `piece` in it. */
static inline void case_refuses(const struct sink_row *row, const char *format,
                                const struct given *given, const char *piece)
{
    struct error error = {0};
    struct sink_case *c = case_begin(row, format, given, CASE_TIMEOUT_S, &error);
    assert_null(c->sink);
    if (!strstr(error.message, piece))
        fail_msg("\"%s\" does not say \"%s\"", error.message, piece);
    case_end(c);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* The caller gives the line away. NULL text: the record's own. */
static inline void case_line(struct sink_case *c, const char *record, const char *text)
{
    struct error error = {0};
    if ((c->count & (c->count - 1)) == 0) { /* doubled: a sanitizer's realloc always copies */
        size_t room = c->count ? 2 * c->count : 1;
        c->line = xrealloc(c->line, room * sizeof *c->line);
        c->record = xrealloc(c->record, room * sizeof(struct json_value *));
    }
    c->record[c->count] = json_parse(record, strlen(record), &error);
    if (!c->record[c->count])
        fail_msg("%s", error.message);
    c->line[c->count++] = xstrdup(text ? text : record);
}

static inline char *case_record(size_t number)
{
    return xasprintf("{\"@timestamp\":\"2026-03-02T01:14:07.201Z\",\"event\":{\"kind\":\"alert\","
                     "\"dataset\":\"weir.alert\",\"id\":\"%032zx\",\"severity\":%zu},"
                     "\"rule\":{\"id\":\"volume.host\",\"name\":\"More left than ever\"},"
                     "\"source\":{\"ip\":\"10.0.0.%zu\",\"bytes\":%zu},"
                     "\"destination\":{\"ip\":\"203.0.113.9\",\"domain\":\"example.org\"},"
                     "\"observer\":{\"name\":\"tap1\"},\"message\":\"line-%06zu.\"}",
                     number, number % 101, number % 7, 1000 + number, number);
}

/* Lines `first` to `last`: their text is "line-000001.", or the record. */
static inline void case_lines(struct sink_case *c, size_t first, size_t last, bool as_text)
{
    for (size_t i = first; i <= last; i++) {
        char *record = case_record(i), *text = as_text ? xasprintf("line-%06zu.", i) : NULL;
        case_line(c, record, text);
        free(record);
        free(text);
    }
}

/* Every line 1 to `last` is in `text`, in order by its first coming; how many came again. */
static inline size_t case_expect_all(const char *text, size_t last)
{
    bool *seen = xcalloc(last + 2, sizeof *seen);
    size_t next = 1, again = 0;
    const char *end = text + strlen(text); /* strstr looks to the end each time, sanitized */
    for (const char *at = text; (at = memchr(at, 'l', (size_t)(end - at))) != NULL; at++) {
        size_t number = strncmp(at, "line-", 5) == 0 ? (size_t)strtoul(at + 5, NULL, 10) : 0;
        if (number == 0 || number > last)
            continue;
        if (seen[number])
            again++;
        else if (number != next)
            fail_msg("line %zu came before line %zu", number, next);
        else
            next++;
        seen[number] = true;
    }
    if (next != last + 1)
        fail_msg("line %zu of %zu never came", next, last);
    free(seen);
    return again;
}

/* --- servers ---------------------------------------------------------------------------------- */

static inline bool have(const char *program)
{
    return access(program, X_OK) == 0;
}

/* A child in a group of its own that goes when we go; its output goes to `log`. */
static inline pid_t start(const char *log, char *const argv[])
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(fd, 1);
    dup2(fd, 2);
    execv(argv[0], argv);
    _exit(127);
}

static inline void stop(pid_t *pid, int signal_number)
{
    if (*pid <= 0)
        return;
    kill(-*pid, signal_number);
    kill(*pid, signal_number);
    waitpid(*pid, NULL, 0);
    *pid = 0;
}

static inline int run(const char *command)
{
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* -1: somebody has it. */
static inline int bound_at(int port)
{
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline int listen_at(int port)
{
    int fd = bound_at(port);
    assert_true(fd >= 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static inline int port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

/* A port of the loopback that is free and stays so until somebody here listens at it: below those
 * which the kernel gives to whoever connects, and another for each process of the tests. */
static inline int free_port(void)
{
    static int asked;
    for (;;) {
        int port = 10240 + (getpid() * 16 + asked++) % 22000;
        int fd = bound_at(port);
        if (fd >= 0) {
            close(fd);
            return port;
        }
    }
}

static inline void await_port(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < 500; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int result = connect(fd, (struct sockaddr *)&address, sizeof address);
        close(fd);
        if (result == 0)
            return;
        usleep(20000);
    }
    fail_msg("nothing listens at port %d", port);
}

/* A file's text, empty when there is none; the caller frees. */
static inline char *read_file(const char *path)
{
    struct buffer text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;
    do {
        buffer_reserve(&text, 65536);
        if (fd >= 0)
            got = read(fd, text.data + text.size, 65535);
        if (got > 0)
            text.size += (size_t)got;
    } while (got > 0);
    text.data[text.size] = '\0';
    if (fd >= 0)
        close(fd);
    return (char *)text.data;
}

static inline void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* Until the file has `piece` in it. */
static inline char *await_file(const char *path, const char *piece, int ms)
{
    for (int waited = 0;; waited += 20) {
        char *text = read_file(path);
        if (strstr(text, piece) || waited >= ms)
            return text;
        free(text);
        usleep(20000);
    }
}

#endif
