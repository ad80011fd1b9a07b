/* Syslog against rsyslogd and raw sockets: every line arrives, in order, as RFC 5424 says, whatever
 * the receiver does meanwhile. */
#include "sink_case.h"

#include "../../../sensor/bus/sink_syslog_frame.h"

#define RSYSLOGD "/usr/sbin/rsyslogd"

struct place {
    char folder[64], out[96], conf[96], log[96], port[16];
    int number;
    pid_t server;
};

static void make_place(struct place *p)
{
    *p = (struct place){.number = free_port()};
    snprintf(p->folder, sizeof p->folder, "/tmp/weir-syslog-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->out, sizeof p->out, "%s/out", p->folder);
    snprintf(p->conf, sizeof p->conf, "%s/conf", p->folder);
    snprintf(p->log, sizeof p->log, "%s/log", p->folder);
    snprintf(p->port, sizeof p->port, "%d", p->number);
}

static void end_place(struct place *p)
{
    char *command = xasprintf("rm -rf %s", p->folder);
    stop(&p->server, SIGKILL);
    assert_int_equal(run(command), 0);
    free(command);
}

/* The message as it was sent, a line each. */
static void begin_rsyslog(struct place *p, const char *modules, const char *input)
{
    char *conf =
        xasprintf("global(workDirectory=\"%s\" maxMessageSize=\"128k\" %s\n"
                  "template(name=\"raw\" type=\"string\" string=\"%%rawmsg%%\\n\")\n"
                  "action(type=\"omfile\" file=\"%s\" template=\"raw\" flushOnTXEnd=\"on\")\n",
                  p->folder, modules, p->out);
    char *all = xasprintf("%s%s\n", conf, input), *pid = xasprintf("%s/pid", p->folder);
    write_file(p->conf, all);
    unlink(pid);
    char *argv[] = {
        (char[]){RSYSLOGD}, (char[]){"-n"}, (char[]){"-f"}, p->conf, (char[]){"-i"}, pid, NULL};
    p->server = start(p->log, argv);
    free(conf);
    free(all);
    free(pid);
}

static void begin_tcp(struct place *p)
{
    char *input = xasprintf("input(type=\"imtcp\" port=\"%d\" address=\"127.0.0.1\")", p->number);
    begin_rsyslog(p, ")\nmodule(load=\"imtcp\")", input);
    free(input);
    await_port(p->number);
}

static void need_rsyslog(void)
{
    if (!have(RSYSLOGD)) {
        print_message("rsyslog is not installed\n");
        exit(77);
    }
}

/* --- the message ------------------------------------------------------------------------------ */

static void expect_frame(const char *record, const char *text, bool marked, size_t size_max,
                         const char *expected)
{
    struct syslog_frame shape = {16, "box", "weir@32473", marked, size_max};
    struct json_value *value = json_parse(record, strlen(record), NULL);
    struct sink_line line = {7, text, strlen(text), value};
    struct buffer out = {0};
    syslog_frame_put(&out, &shape, &line);
    buffer_u8(&out, 0);
    assert_string_equal((char *)out.data, expected);
    assert_true(out.size - 1 <= size_max);
    buffer_fini(&out);
    json_value_free(value);
}

static void test_frame(void **state)
{
    (void)state;
    static const char alert[] =
        "{\"@timestamp\":\"2026-03-02T01:14:07.201Z\",\"event\":{\"kind\":\"alert\",\"id\":\"ab\","
        "\"severity\":71},\"rule\":{\"id\":\"volume.host\"},\"source\":{\"ip\":\"10.0.0.5\","
        "\"bytes\":12},\"destination\":{\"ip\":\"203.0.113.9\",\"domain\":\"a\\\"]b\\\\\\n\"},"
        "\"observer\":{\"name\":\"tap 1\"}}";
#define ALERT_HEAD                                                                                 \
    "<131>1 2026-03-02T01:14:07.201Z tap_1 weir - volume.host [weir@32473 seq=\"7\" id=\"ab\" "    \
    "kind=\"alert\" severity=\"71\" rule=\"volume.host\" src=\"10.0.0.5\" dst=\"203.0.113.9\" "    \
    "domain=\"a\\\"\\]b\\\\ \" out_bytes=\"12\""
    expect_frame(alert, "hello", true, 2048, ALERT_HEAD "] hello");
    expect_frame(alert, "h\xc3\xa9", true, 2048, ALERT_HEAD "] \xef\xbb\xbfh\xc3\xa9");
    expect_frame(alert, "h\xc3\xa9", false, 2048, ALERT_HEAD "] h\xc3\xa9");
    /* No record of its own to tell of: nothing is made up. */
    expect_frame("{}", "x", true, 2048, "<134>1 - box weir - - [weir@32473 seq=\"7\"] x");
    expect_frame("{\"event\":{\"kind\":\"event\",\"action\":\"silence.add\"}}", "x", true, 2048,
                 "<133>1 - box weir - silence.add [weir@32473 seq=\"7\" kind=\"event\"] x");
}

/* Cut at a character's boundary, and it says by how much. */
static void test_frame_cut(void **state)
{
    (void)state;
    struct syslog_frame shape = {16, "box", "weir@32473", true, 480};
    struct json_value *value = json_parse("{}", 2, NULL);
    char text[601];
    for (size_t i = 0; i < 300; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 3);
    struct sink_line line = {1, text, 600, value};
    struct buffer out = {0};
    syslog_frame_put(&out, &shape, &line);
    buffer_u8(&out, 0);
    const char *cut = strstr((char *)out.data, " cut=\"");
    assert_non_null(cut);
    size_t lost = (size_t)strtoul(cut + 6, NULL, 10);
    const char *message = strstr((char *)out.data, "\xef\xbb\xbf");
    assert_non_null(message);
    assert_int_equal(strlen(message + 3) + lost, 600);
    assert_int_equal(lost % 2, 0);
    assert_true(out.size - 1 <= 480);
    buffer_fini(&out);
    json_value_free(value);
}

static void test_severity(void **state)
{
    (void)state;
    static const struct {
        const char *record;
        int severity;
    } row[] = {{"{\"event\":{\"kind\":\"alert\",\"severity\":100}}", 2},
               {"{\"event\":{\"kind\":\"alert\",\"severity\":90}}", 2},
               {"{\"event\":{\"kind\":\"alert\",\"severity\":89}}", 3},
               {"{\"event\":{\"kind\":\"alert\",\"severity\":70}}", 3},
               {"{\"event\":{\"kind\":\"alert\",\"severity\":40}}", 4},
               {"{\"event\":{\"kind\":\"alert\",\"severity\":39}}", 5},
               {"{\"event\":{\"kind\":\"alert\"}}", 5},
               {"{\"event\":{\"kind\":\"event\"}}", 5},
               {"{\"event\":{\"kind\":\"metric\"}}", 6},
               {"{}", 6}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct json_value *value = json_parse(row[i].record, strlen(row[i].record), NULL);
        assert_int_equal(syslog_severity(value), row[i].severity);
        json_value_free(value);
    }
}

static void test_settings(void **state)
{
    (void)state;
    case_refuses(&sink_syslog, "text", (const struct given[]){{"data_id", "weir"}, {0}}, "data_id");
    case_refuses(&sink_syslog, "text", (const struct given[]){{"data_id", "we ir@1"}, {0}},
                 "data_id");
    case_refuses(&sink_syslog, "text",
                 (const struct given[]){{"transport", "udp"}, {"size_max", "65001"}, {0}}, "65000");
    case_refuses(&sink_syslog, "text",
                 (const struct given[]){{"transport", "tls"}, {"ca_file", "/nowhere"}, {0}},
                 "/nowhere");
}

/* --- rsyslogd --------------------------------------------------------------------------------- */

#define MANY 8000

static void test_tcp(void **state)
{
    (void)state;
    need_rsyslog();
    struct place p;
    make_place(&p);
    begin_tcp(&p);
    struct sink_case *c =
        case_open(&sink_syslog, "text", (const struct given[]){{"port", p.port}, {0}});
    case_lines(c, 1, MANY, true);
    int64_t before = wtime_now().ns;
    assert_true(case_run(c, MANY, 60000));
    print_message("tcp: %.0f lines/s\n", MANY * 1e9 / (double)(wtime_now().ns - before));
    char *text = await_file(p.out, "line-008000.", 20000);
    assert_int_equal(case_expect_all(text, MANY), 0);
    assert_non_null(strstr(text, "<133>1 2026-03-02T01:14:07.201Z tap1 weir - volume.host "
                                 "[weir@32473 seq=\"1\" id=\"00000000000000000000000000000001\""));
    assert_int_equal(c->failures, 0);
    assert_true(c->in_order);
    free(text);
    case_end(c);
    end_place(&p);
}

/* Killed in full flow, it comes back: nothing is missing, and what comes twice is the same line. */
static void kill_and_return(struct sink_case *c)
{
    struct place *p = c->mine;
    static int rest;
    if (p->server && c->next > MANY / 2 && rest == 0) {
        stop(&p->server, SIGKILL);
        rest = 1;
    } else if (!p->server && c->failures > 1 && rest == 1) {
        begin_tcp(p);
        rest = 2;
    }
}

static void test_tcp_dies(void **state)
{
    (void)state;
    need_rsyslog();
    struct place p;
    make_place(&p);
    begin_tcp(&p);
    struct sink_case *c =
        case_open(&sink_syslog, "text", (const struct given[]){{"port", p.port}, {0}});
    c->turn = kill_and_return;
    c->mine = &p;
    case_lines(c, 1, MANY, true);
    assert_true(case_run(c, MANY, 90000));
    char *text = await_file(p.out, "line-008000.", 20000);
    print_message("killed: %zu lines came again\n", case_expect_all(text, MANY));
    assert_true(c->failures > 0);
    assert_true(c->in_order);
    free(text);
    case_end(c);
    end_place(&p);
}

static void test_udp(void **state)
{
    (void)state;
    need_rsyslog();
    struct place p;
    make_place(&p);
    char *input = xasprintf("input(type=\"imudp\" port=\"%d\" address=\"127.0.0.1\")", p.number);
    /* Nobody listens yet: the kernel hears so, and the line is not lost. */
    struct sink_case *c = case_open(
        &sink_syslog, "ecs",
        (const struct given[]){{"transport", "udp"}, {"port", p.port}, {"host", "localhost"}, {0}});
    case_lines(c, 1, 40, false);
    assert_false(case_run(c, 40, 700));
    assert_non_null(strstr(c->why, "refused"));
    assert_int_equal(c->taken, 0);
    begin_rsyslog(&p, ")\nmodule(load=\"imudp\")", input);
    assert_true(case_run(c, 40, 20000));
    char *text = await_file(p.out, "line-000040.", 5000);
    case_expect_all(text, 40);
    free(text);
    free(input);
    case_end(c);
    end_place(&p);
}

static void test_local(void **state)
{
    (void)state;
    need_rsyslog();
    struct place p;
    make_place(&p);
    char *path = xasprintf("%s/socket", p.folder);
    char *modules = xasprintf(")\nmodule(load=\"imuxsock\" SysSock.Name=\"%s\" "
                              "SysSock.RateLimit.Interval=\"0\" SysSock.UseSysTimeStamp=\"off\")",
                              path);
    begin_rsyslog(&p, modules, "");
    struct sink_case *c = case_open(
        &sink_syslog, "text", (const struct given[]){{"transport", "local"}, {"path", path}, {0}});
    case_lines(c, 1, 2000, true);
    assert_true(case_run(c, 2000, 30000));
    char *text = await_file(p.out, "line-002000.", 5000);
    case_expect_all(text, 2000);
    free(text);
    free(path);
    free(modules);
    case_end(c);
    end_place(&p);
}

/* Where a stream listens at the path, lines end with a newline. */
static void test_local_stream(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", p.folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    struct sink_case *c =
        case_open(&sink_syslog, "text",
                  (const struct given[]){{"transport", "local"}, {"path", address.sun_path}, {0}});
    case_lines(c, 1, 3, true);
    assert_true(case_run(c, 3, 5000));
    char heard[4096] = {0};
    int peer = accept(fd, NULL, NULL);
    assert_true(read(peer, heard, sizeof heard - 1) > 0);
    assert_int_equal(strncmp(heard, "<133>1 ", 7), 0);
    assert_non_null(strstr(heard, "] line-000001.\n<133>1 "));
    close(peer);
    close(fd);
    case_end(c);
    end_place(&p);
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void make_certificate(const struct place *p, const char *name)
{
    char *command = xasprintf(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout %s/%s.key -out %s/%s.pem -days 2 "
        "-subj /CN=%s -addext subjectAltName=DNS:%s >/dev/null 2>&1",
        p->folder, name, p->folder, name, name, name);
    assert_int_equal(run(command), 0);
    free(command);
}

/* `client_ca`: whose certificate a client needs; NULL: none. */
static bool begin_tls(struct place *p, const char *name, const char *client_ca)
{
    char *modules =
        xasprintf("defaultNetstreamDriver=\"ossl\" defaultNetstreamDriverCAFile=\"%s/%s.pem\" "
                  "defaultNetstreamDriverCertFile=\"%s/%s.pem\" "
                  "defaultNetstreamDriverKeyFile=\"%s/%s.key\")\n"
                  "module(load=\"imtcp\" streamDriver.name=\"ossl\" streamDriver.mode=\"1\" "
                  "streamDriver.authMode=\"%s\")",
                  p->folder, client_ca ? client_ca : name, p->folder, name, p->folder, name,
                  client_ca ? "x509/certvalid" : "anon");
    char *input = xasprintf("input(type=\"imtcp\" port=\"%d\" address=\"127.0.0.1\")", p->number);
    bool there = access("/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so", R_OK) == 0;
    if (there) {
        begin_rsyslog(p, modules, input);
        await_port(p->number);
    }
    free(modules);
    free(input);
    return there;
}

static void test_tls(void **state)
{
    (void)state;
    need_rsyslog();
    struct place p;
    make_place(&p);
    make_certificate(&p, "localhost");
    make_certificate(&p, "other");
    if (!begin_tls(&p, "localhost", NULL)) {
        print_message("rsyslog-openssl is not installed\n");
        exit(77);
    }
    char *ca = xasprintf("%s/localhost.pem", p.folder),
         *other = xasprintf("%s/other.pem", p.folder);
    const struct given given[] = {
        {"transport", "tls"}, {"host", "localhost"}, {"port", p.port}, {"ca_file", ca}, {0}};
    struct sink_case *c = case_open(&sink_syslog, "text", given);
    case_lines(c, 1, 5000, true);
    int64_t before = wtime_now().ns;
    assert_true(case_run(c, 5000, 60000));
    print_message("tls: %.0f lines/s\n", 5000 * 1e9 / (double)(wtime_now().ns - before));
    char *text = await_file(p.out, "line-005000.", 10000);
    assert_int_equal(case_expect_all(text, 5000), 0);
    free(text);
    case_end(c);
    /* Of an authority that is not ours, and for another name than asked for. */
    const struct given strange[] = {
        {"transport", "tls"}, {"host", "localhost"}, {"port", p.port}, {"ca_file", other}, {0}};
    c = case_open(&sink_syslog, "text", strange);
    case_lines(c, 1, 1, true);
    assert_false(case_run(c, 1, 700));
    assert_non_null(strstr(c->why, "certificate is not accepted: self-signed certificate"));
    case_end(c);
    const struct given misnamed[] = {
        {"transport", "tls"}, {"host", "127.0.0.1"}, {"port", p.port}, {"ca_file", ca}, {0}};
    c = case_open(&sink_syslog, "text", misnamed);
    case_lines(c, 1, 1, true);
    assert_false(case_run(c, 1, 700));
    assert_non_null(strstr(c->why, "certificate is not accepted: IP address mismatch"));
    case_end(c);
    const struct given trusting[] = {
        {"transport", "tls"}, {"host", "127.0.0.1"}, {"port", p.port}, {"verify", "false"}, {0}};
    c = case_open(&sink_syslog, "text", trusting);
    case_lines(c, 1, 1, true);
    assert_true(case_run(c, 1, 5000));
    case_end(c);
    free(ca);
    free(other);
    end_place(&p);
}

/* With TLS 1.3 a client hears behind its handshake that it is not let in: what it wrote meanwhile
 * is not taken. */
static void expect_not_let_in(const struct given *given)
{
    struct sink_case *c = case_open(&sink_syslog, "text", given);
    case_lines(c, 1, 20, true);
    case_run_to_failure(c, 10000);
    assert_false(case_run(c, 1, 1000));
    assert_int_equal(c->taken, 0);
    assert_int_equal(c->refusals, 0);
    assert_non_null(strstr(c->why, "localhost port "));
    print_message("not let in: %s\n", c->why);
    case_end(c);
}

static void test_tls_client_certificate(void **state)
{
    (void)state;
    need_rsyslog();
    struct place p;
    make_place(&p);
    make_certificate(&p, "localhost");
    make_certificate(&p, "client");
    make_certificate(&p, "other");
    if (!begin_tls(&p, "localhost", "client")) {
        print_message("rsyslog-openssl is not installed\n");
        exit(77);
    }
    char path[5][112];
    static const char *const name[] = {"localhost.pem", "client.pem", "client.key", "other.pem",
                                       "other.key"};
    for (size_t i = 0; i < 5; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", p.folder, name[i]);
#define TO                                                                                         \
    {"transport", "tls"}, {"host", "localhost"}, {"port", p.port},                                 \
    {                                                                                              \
        "ca_file", path[0]                                                                         \
    }
    const struct given good[] = {TO, {"cert_file", path[1]}, {"key_file", path[2]}, {0}};
    const struct given without[] = {TO, {0}};
    const struct given strange[] = {TO, {"cert_file", path[3]}, {"key_file", path[4]}, {0}};
    const struct given mixed[] = {TO, {"cert_file", path[1]}, {"key_file", path[4]}, {0}};
    const struct given keyless[] = {TO, {"key_file", path[2]}, {0}};
    struct sink_case *c = case_open(&sink_syslog, "text", good);
    case_lines(c, 1, 500, true);
    if (!case_run(c, 500, 20000))
        fail_msg("%s", c->why);
    assert_int_equal(c->failures, 0);
    char *text = await_file(p.out, "line-000500.", 10000);
    assert_int_equal(case_expect_all(text, 500), 0);
    free(text);
    case_end(c);
    expect_not_let_in(without);
    expect_not_let_in(strange);
    case_refuses(&sink_syslog, "text", mixed, "is not the certificate's key");
    case_refuses(&sink_syslog, "text", keyless, "a key_file without a cert_file");
    end_place(&p);
}

/* Connects, and never says a word of TLS. */
static void test_tls_silent(void **state)
{
    (void)state;
    int fd = listen_at(0);
    char port[16];
    snprintf(port, sizeof port, "%d", port_of(fd));
    struct sink_case *c = case_open(
        &sink_syslog, "text",
        (const struct given[]){{"transport", "tls"}, {"port", port}, {"connect_s", "1"}, {0}});
    case_lines(c, 1, 1, true);
    case_run_to_failure(c, 10000);
    assert_non_null(strstr(c->why, "no TLS handshake in time"));
    assert_int_equal(c->taken, 0);
    case_end(c);
    close(fd);
}

/* --- those that mean harm --------------------------------------------------------------------- */

/* Accepts and reads nothing: nothing is lost in memory, and it is said. */
static void test_hangs(void **state)
{
    (void)state;
    int fd = listen_at(0);
    char port[16];
    snprintf(port, sizeof port, "%d", port_of(fd));
    struct sink_case *c =
        case_open(&sink_syslog, "text", (const struct given[]){{"port", port}, {0}});
    char *big = xcalloc(1, 60001);
    memset(big, 'x', 60000);
    char *record = case_record(1);
    for (int i = 0; i < 400; i++)
        case_line(c, record, big);
    assert_false(case_run(c, 400, 4000));
    assert_true(c->failures >= 1);
    assert_non_null(strstr(c->why, "nothing was acknowledged for 2 s"));
    assert_true(c->taken < 400);
    free(big);
    free(record);
    close(fd);
    case_end(c);
}

/* Reads a little at a time: all arrives, whole. */
struct slow {
    int listener, peer;
    struct buffer heard;
};

static void read_slowly(struct sink_case *c)
{
    struct slow *slow = c->mine;
    if (slow->peer < 0)
        slow->peer = accept4(slow->listener, NULL, NULL, SOCK_NONBLOCK);
    if (slow->peer < 0)
        return;
    buffer_reserve(&slow->heard, 20000);
    ssize_t got = read(slow->peer, slow->heard.data + slow->heard.size, 20000);
    if (got > 0)
        slow->heard.size += (size_t)got;
}

/* Octet counting, taken apart by its own counts. */
static void expect_counted(const struct buffer *heard, size_t lines, const char *text)
{
    const char *at = (const char *)heard->data, *end = at + heard->size;
    size_t count = 0;
    while (at < end) {
        char *message;
        size_t size = (size_t)strtoul(at, &message, 10);
        assert_int_equal(*message, ' ');
        message++;
        assert_true(message + size <= end);
        assert_int_equal(strncmp(message, "<133>1 ", 7), 0);
        assert_memory_equal(message + size - strlen(text), text, strlen(text));
        at = message + size;
        count++;
    }
    assert_int_equal(count, lines);
}

static void test_slow(void **state)
{
    (void)state;
    struct slow slow = {.listener = listen_at(0), .peer = -1};
    char port[16];
    const int little = 4096;
    setsockopt(slow.listener, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    fcntl(slow.listener, F_SETFL, O_NONBLOCK);
    snprintf(port, sizeof port, "%d", port_of(slow.listener));
    struct sink_case *c = case_open(
        &sink_syslog, "text", (const struct given[]){{"port", port}, {"settle_ms", "0"}, {0}});
    c->turn = read_slowly;
    c->mine = &slow;
    char *big = xcalloc(1, 30001);
    memset(big, 'x', 30000);
    char *record = case_record(1);
    for (int i = 0; i < 300; i++)
        case_line(c, record, big);
    assert_true(case_run(c, 300, 60000));
    for (int i = 0; i < 2000; i++)
        read_slowly(c);
    assert_int_equal(c->failures, 0);
    expect_counted(&slow.heard, 300, big);
    buffer_fini(&slow.heard);
    free(big);
    free(record);
    close(slow.peer);
    close(slow.listener);
    case_end(c);
}

static void test_nobody(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    struct sink_case *c =
        case_open(&sink_syslog, "text", (const struct given[]){{"port", p.port}, {0}});
    case_lines(c, 1, 1, true);
    assert_false(case_run(c, 1, 500));
    assert_non_null(strstr(c->why, "Connection refused"));
    assert_true(c->failures > 1);
    case_end(c);
    c = case_open(&sink_syslog, "text",
                  (const struct given[]){{"host", "no-such-host.invalid"}, {0}});
    case_lines(c, 1, 1, true);
    case_run(c, 1, 1000);
    assert_int_equal(c->taken, 0);
    assert_true(c->failures == 0 || strstr(c->why, "no-such-host.invalid port 601: "));
    case_end(c); /* whether or not the resolver answered */
    end_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_frame_cut),
        cmocka_unit_test(test_severity),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_tcp_dies),
        cmocka_unit_test(test_udp),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_local_stream),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_tls_client_certificate),
        cmocka_unit_test(test_tls_silent),
        cmocka_unit_test(test_hangs),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
