/* Mail: the message by hand, OpenSMTPD, and a receiver with moods. */
#include "sink_case.h"

#include "../../../sensor/bus/sink_mail_message.h"

#define SMTPD "/usr/sbin/smtpd"

struct place {
    char folder[64], out[96], conf[96], log[96], script[512], cert[96], key[96], url[64];
    char port[16];
    int number;
    pid_t server;
};

static void make_place(struct place *p)
{
    const char *source = getenv("WEIR_SOURCE");
    *p = (struct place){.number = free_port()};
    snprintf(p->folder, sizeof p->folder, "/tmp/weir-mail-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->out, sizeof p->out, "%s/out", p->folder);
    snprintf(p->conf, sizeof p->conf, "%s/conf", p->folder);
    snprintf(p->log, sizeof p->log, "%s/log", p->folder);
    snprintf(p->cert, sizeof p->cert, "%s/cert", p->folder);
    snprintf(p->key, sizeof p->key, "%s/key", p->folder);
    snprintf(p->port, sizeof p->port, "%d", p->number);
    snprintf(p->url, sizeof p->url, "smtp://127.0.0.1:%d", p->number);
    snprintf(p->script, sizeof p->script, "%s/tests/unit/bus/smtp_server.py",
             source ? source : ".");
}

static void end_place(struct place *p)
{
    char *command = xasprintf("rm -rf %s", p->folder);
    stop(&p->server, SIGTERM);
    assert_int_equal(run(command), 0);
    free(command);
}

static void begin_moody(struct place *p, const char *mood)
{
    char word[16];
    snprintf(word, sizeof word, "%s", mood);
    char *argv[] = {(char[]){"/usr/bin/python3"}, p->script, p->port, p->out, word, NULL};
    p->server = start(p->log, argv);
    await_port(p->number);
}

/* --- the message ------------------------------------------------------------------------------ */

static const char *const to_two[] = {"a@example.org", "b@example.org", NULL};
static const struct mail_head head = {"weir@example.org", to_two, "[weir]", "tap1", 1772413447};

static void add(struct mail_digest *digest, uint64_t sequence, const char *record, const char *text)
{
    struct json_value *value = json_parse(record, strlen(record), NULL);
    struct sink_line line = {sequence, text, strlen(text), value};
    assert_true(mail_digest_add(digest, &line));
    json_value_free(value);
}

static char *message_of(const struct mail_digest *digest)
{
    struct buffer out = {0};
    mail_digest_put(&out, digest, &head);
    buffer_u8(&out, 0);
    return (char *)out.data;
}

static void test_message(void **state)
{
    (void)state;
    struct mail_digest *digest = mail_digest_new();
    add(digest, 7,
        "{\"@timestamp\":\"2026-03-02T01:14:07.201Z\",\"event\":{\"id\":\"ab\",\"severity\":71},"
        "\"rule\":{\"id\":\"volume.host\",\"name\":\"More\"},\"source\":{\"ip\":\"10.0.0.5\","
        "\"bytes\":12}}",
        "left: caf\xc3\xa9 = \t");
    char *text = message_of(digest);
    /* printf 'ab\0' | sha256sum, cut to 128 bits */
    assert_string_equal(text, "Date: Mon, 02 Mar 2026 01:04:07 +0000\r\n"
                              "From: Weir <weir@example.org>\r\n"
                              "To: <a@example.org>,\r\n <b@example.org>\r\n"
                              "Subject: [weir] severity 71: volume.host 10.0.0.5\r\n"
                              "Message-ID: <969caaeb3626c0d5695eefa6aea53305.weir@example.org>\r\n"
                              "Auto-Submitted: auto-generated\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n"
                              "\r\n"
                              "left: caf=C3=A9 =3D =09\r\n"
                              "    time        2026-03-02T01:14:07.201Z\r\n"
                              "    severity    71\r\n"
                              "    rule        volume.host\r\n"
                              "    what        More\r\n"
                              "    host        10.0.0.5\r\n"
                              "    out bytes   12\r\n"
                              "    id          ab\r\n"
                              "\r\n"
                              "--=20\r\nWeir, sensor tap1\r\n");
    free(text);
    mail_digest_free(digest);
}

/* The same alerts, the same Message-ID; others, another. A header cannot be begun from within. */
static void test_message_heads(void **state)
{
    (void)state;
    static const char record[] = "{\"event\":{\"id\":\"a\",\"severity\":1},\"rule\":{\"id\":"
                                 "\"x\\r\\nBcc: evil@example.org\"}}";
    struct mail_digest *digest = mail_digest_new();
    add(digest, 1, record, "t");
    char *once = message_of(digest), *twice = message_of(digest);
    assert_string_equal(once, twice);
    assert_non_null(strstr(once, "Subject: [weir] severity 1: x  Bcc: evil@example.org\r\n"));
    add(digest, 2, "{\"event\":{\"id\":\"b\",\"severity\":99},\"rule\":{\"id\":\"\xe6\xb0\xb4\"}}",
        "t");
    char *both = message_of(digest);
    assert_null(strstr(both, "severity 1: x"));
    /* printf '[weir] 2 alerts, severity 99: 水' | base64, 39 bytes at a time */
    assert_non_null(strstr(both, "\r\nSubject: =?utf-8?B?"
                                 "W3dlaXJdIDIgYWxlcnRzLCBzZXZlcml0eSA5OTog5rC0?=\r\n"));
    const char *id_once = strstr(once, "Message-ID"), *id_both = strstr(both, "Message-ID");
    assert_int_not_equal(strncmp(id_once, id_both, 40), 0);
    mail_digest_clear(digest);
    add(digest, 1, record, "t");
    char *again = message_of(digest);
    assert_string_equal(again, once);
    free(once);
    free(twice);
    free(both);
    free(again);
    mail_digest_free(digest);
}

/* No line is longer than 76, and none of what was not shown is hidden. */
static void test_message_bounds(void **state)
{
    (void)state;
    struct mail_digest *digest = mail_digest_new();
    char *wide = xcalloc(1, 5001);
    for (size_t i = 0; i < 2500; i++)
        memcpy(wide + 2 * i, "\xc3\xa9", 2);
    for (size_t i = 1; i <= MAIL_LINES_MAX; i++) {
        char *record = case_record(i);
        add(digest, i, record, i == 1 ? wide : "short");
        free(record);
    }
    struct json_value *value = json_parse("{}", 2, NULL);
    struct sink_line line = {1, "", 0, value};
    assert_false(mail_digest_add(digest, &line));
    json_value_free(value);
    assert_int_equal(mail_digest_count(digest), MAIL_LINES_MAX);
    char *text = message_of(digest);
    for (const char *at = text, *end; (end = strstr(at, "\r\n")) != NULL; at = end + 2)
        assert_true(end - at <= 76);
    assert_non_null(strstr(text, "and 9900 more that are not shown one by one:\r\n"));
    /* The sum of 1000 + n for n = 101 to 10000. */
    assert_non_null(strstr(text, "9900 alerts, 59899950 bytes out\r\n"));
    free(text);
    free(wide);
    mail_digest_free(digest);
}

static void test_settings(void **state)
{
    (void)state;
    const struct sink_row *row = &sink_mail;
#define URL {"url", "smtp://127.0.0.1:25"}
#define ENDS                                                                                       \
    {"from", "weir@example.org"},                                                                  \
    {                                                                                              \
        "to", "a@example.org"                                                                      \
    }
#define CLEAR                                                                                      \
    {                                                                                              \
        "starttls", "never"                                                                        \
    }
#define GIVEN(...)                                                                                 \
    (const struct given[])                                                                         \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
    case_refuses(row, "text", GIVEN({"url", "http://a"}, ENDS), "expected smtp://");
    case_refuses(row, "text", GIVEN({"url", "smtp://u:hunter2@a"}, ENDS), "holds a login");
    case_refuses(row, "text", GIVEN(URL, {"from", "weir@example.org"}), "needs from and to");
    case_refuses(row, "text", GIVEN(URL, ENDS, {"to", "b@c\r\nBcc: d@e"}), "is not name@domain");
    case_refuses(row, "text", GIVEN(URL, {"from", "weir"}, {"to", "a@b"}), "is not name@domain");
    case_refuses(row, "text", GIVEN(URL, ENDS, {"username", "u"}), "go together");
    case_refuses(row, "text",
                 GIVEN(URL, ENDS, {"username", "u"}, {"password_file", "/nowhere"}, CLEAR),
                 "starttls: never would show the password to the network");
    case_refuses(row, "text", GIVEN(URL, ENDS, {"helo", "a b"}), "is not a host's name");
    case_refuses(row, "text", GIVEN(URL, ENDS, {"username", "u"}, {"password_file", "/nowhere"}),
                 "/nowhere");
}

/* --- OpenSMTPD -------------------------------------------------------------------------------- */

static void begin_smtpd(struct place *p)
{
    char *conf = xasprintf("listen on 127.0.0.1 port %s hostname localhost\n"
                           "table known { \"ops@example.org\" = nobody }\n"
                           "action \"take\" mda \"cat >>%s\" virtual <known>\n"
                           "match from any for domain \"example.org\" action \"take\"\n",
                           p->port, p->out);
    char *argv[] = {(char[]){SMTPD}, (char[]){"-d"}, (char[]){"-f"}, p->conf, NULL};
    assert_int_equal(chmod(p->folder, 0777), 0);
    write_file(p->conf, conf);
    p->server = start(p->log, argv);
    await_port(p->number);
    free(conf);
}

static void test_opensmtpd(void **state)
{
    (void)state;
    if (!have(SMTPD) || geteuid() != 0) {
        print_message("OpenSMTPD is not installed, or cannot be started without root\n");
        return;
    }
    struct place p;
    make_place(&p);
    begin_smtpd(&p);
    struct sink_case *c = case_open(
        &sink_mail, "text",
        GIVEN({"url", p.url}, {"from", "weir@example.org"}, {"to", "ops@example.org"}, CLEAR));
    case_lines(c, 1, 50, true);
    assert_true(case_run(c, 50, 20000));
    char *text = await_file(p.out, "Weir, sensor tap1", 10000);
    assert_int_equal(case_expect_all(text, 50), 0);
    assert_non_null(strstr(text, "Subject: [weir] 50 alerts, severity 50: volume.host 10.0.0.1"));
    assert_int_equal(c->failures, 0);
    free(text);
    case_end(c);
    /* Somebody it does not know: no repetition will help. */
    c = case_open(
        &sink_mail, "text",
        GIVEN({"url", p.url}, {"from", "weir@example.org"}, {"to", "no@example.org"}, CLEAR));
    case_lines(c, 1, 3, true);
    assert_true(case_run(c, 3, 20000));
    assert_int_equal(c->refusals, 3);
    assert_int_equal(c->refused[2], 3);
    assert_non_null(strstr(c->refused_why, ": 524 5.2.4 ")); /* as it says to strangers */
    case_end(c);
    end_place(&p);
}

/* --- moods ------------------------------------------------------------------------------------ */

#define CLEAR                                                                                      \
    {                                                                                              \
        "starttls", "never"                                                                        \
    }

static void test_digest(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_moody(&p, "ok");
    struct sink_case *c =
        case_open(&sink_mail, "text", GIVEN({"url", p.url}, ENDS, CLEAR, {"digest_s", "2"}));
    case_lines(c, 1, 3, true);
    assert_true(case_run(c, 3, 20000));
    int64_t before = wtime_now().ns;
    case_lines(c, 4, 4, true);
    assert_false(case_run(c, 4, 500));
    case_lines(c, 5, 9, true); /* these go with it */
    assert_true(case_run(c, 9, 20000));
    assert_true(wtime_now().ns - before > 1900 * NS_PER_MS);
    assert_int_equal(c->failures, 0);
    char *text = read_file(p.out);
    assert_int_equal(case_expect_all(text, 9), 0);
    const char *first = strstr(text, "Subject: [weir] 3 alerts");
    const char *second = first ? strstr(first, "Subject: [weir] 6 alerts") : NULL;
    assert_non_null(second);
    assert_null(strstr(second + 1, "Subject: "));
    free(text);
    case_end(c);
    end_place(&p);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const mood[] = {"rcpt550", "data554"};
    for (size_t i = 0; i < 2; i++) {
        struct place p;
        make_place(&p);
        begin_moody(&p, mood[i]);
        struct sink_case *c =
            case_open(&sink_mail, "text", GIVEN({"url", p.url}, ENDS, CLEAR, {"digest_s", "0"}));
        case_lines(c, 1, 5, true);
        assert_true(case_run(c, 5, 20000));
        assert_int_equal(c->refusals, 5);
        assert_int_equal(c->failures, 0);
        assert_non_null(strstr(c->refused_why, i == 0 ? ": 550 5.1.1 nobody" : ": 554 5.7.1 not"));
        case_end(c);
        end_place(&p);
    }
}

/* One recipient in two is unknown: the other has it. */
static void test_partly(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_moody(&p, "some550");
    struct sink_case *c = case_open(&sink_mail, "text",
                                    GIVEN({"url", p.url}, ENDS, {"to", "bad@example.org"}, CLEAR));
    case_lines(c, 1, 5, true);
    assert_true(case_run(c, 5, 20000));
    assert_int_equal(c->refusals, 0);
    assert_int_equal(c->failures, 0);
    char *text = read_file(p.out);
    assert_int_equal(case_expect_all(text, 5), 0);
    free(text);
    case_end(c);
    end_place(&p);
}

static void test_later(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_moody(&p, "rcpt450");
    struct sink_case *c = case_open(&sink_mail, "text", GIVEN({"url", p.url}, ENDS, CLEAR));
    case_lines(c, 1, 5, true);
    assert_true(case_run(c, 5, 20000));
    assert_int_equal(c->refusals, 0);
    assert_int_equal(c->failures, 1);
    assert_non_null(strstr(c->why, "450 4.2.1 come again"));
    case_end(c);
    end_place(&p);
}

/* One recipient is busy and the other unknown: who is busy may have it later. */
static void test_later_for_one(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_moody(&p, "busy450");
    struct sink_case *c = case_open(&sink_mail, "text",
                                    GIVEN({"url", p.url}, ENDS, {"to", "bad@example.org"}, CLEAR));
    case_lines(c, 1, 5, true);
    assert_true(case_run(c, 5, 20000));
    assert_int_equal(c->refusals, 0);
    assert_int_equal(c->failures, 1);
    char *text = read_file(p.out);
    assert_int_equal(case_expect_all(text, 5), 0);
    free(text);
    case_end(c);
    end_place(&p);
}

static void test_failures(void **state)
{
    (void)state;
    static const char *const mood[][2] = {{"mail553", "553 not from you"},
                                          {"greeting554", "554"},
                                          {"hangs", "timeout"},
                                          {"floods", "smtp://127.0.0.1"}};
    for (size_t i = 0; i < sizeof mood / sizeof *mood; i++) {
        struct place p;
        make_place(&p);
        begin_moody(&p, mood[i][0]);
        struct sink_case *c = case_open(&sink_mail, "text", GIVEN({"url", p.url}, ENDS, CLEAR));
        case_lines(c, 1, 5, true);
        case_run_to_failure(c, 20000);
        assert_int_equal(c->taken, 0);
        assert_int_equal(c->refusals, 0);
        if (!strstr(c->why, mood[i][1]))
            fail_msg("%s: %s", mood[i][0], c->why);
        case_end(c);
        end_place(&p);
    }
}

static void begin_secure(struct place *p, const char *mood)
{
    char word[16];
    char *command =
        xasprintf("openssl req -x509 -newkey rsa:2048 -nodes -keyout %s -out %s -days 2 "
                  "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 >%s 2>&1",
                  p->key, p->cert, p->log);
    char *argv[] = {
        (char[]){"/usr/bin/python3"}, p->script, p->port, p->out, word, p->cert, p->key, NULL};
    snprintf(word, sizeof word, "%s", mood);
    assert_int_equal(run(command), 0);
    p->server = start(p->log, argv);
    await_port(p->number);
    free(command);
}

/* What is told says why it failed, so it must not be that a busy machine took too long. */
static struct sink_case *open_patient(const struct given *given)
{
    return case_open_within(&sink_mail, "text", given, 15);
}

/* Who is let in is told; who is not, or does not say who it is, tries again: a login can be mended.
 */
static void test_login(void **state)
{
    (void)state;
    static const char *const mood[] = {"plain", "login"};
    for (size_t i = 0; i < 2; i++) {
        struct place p;
        make_place(&p);
        begin_secure(&p, mood[i]);
        char *secret = xasprintf("%s/secret", p.folder);
        const struct given given[] = {{"url", p.url},
                                      ENDS,
                                      {"ca_file", p.cert},
                                      {"username", "weir"},
                                      {"password_file", secret},
                                      {0}};
        write_file(secret, "trout\n");
        struct sink_case *c = open_patient(given);
        case_lines(c, 1, 5, true);
        assert_true(case_run(c, 5, 20000));
        assert_int_equal(c->failures, 0);
        case_end(c);
        write_file(secret, "trouts\n");
        c = open_patient(given);
        case_lines(c, 6, 6, true);
        case_run_to_failure(c, 20000);
        assert_int_equal(c->refusals, 0);
        assert_non_null(strstr(c->why, "535 5.7.8 who are you"));
        assert_null(strstr(c->why, "trout"));
        case_end(c);
        c = open_patient(GIVEN({"url", p.url}, ENDS, {"ca_file", p.cert}));
        case_lines(c, 6, 6, true);
        case_run_to_failure(c, 20000);
        assert_int_equal(c->refusals, 0);
        assert_non_null(strstr(c->why, "530 5.7.0 who are you"));
        case_end(c);
        char *text = read_file(p.out);
        assert_int_equal(case_expect_all(text, 5), 0);
        assert_null(strstr(text, "trout"));
        free(text);
        free(secret);
        end_place(&p);
    }
}

static void test_starttls(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_secure(&p, "ok");
    struct sink_case *c = open_patient(GIVEN({"url", p.url}, ENDS, {"ca_file", p.cert}));
    case_lines(c, 1, 5, true);
    assert_true(case_run(c, 5, 20000));
    char *text = read_file(p.out);
    assert_int_equal(case_expect_all(text, 5), 0);
    free(text);
    case_end(c);
    /* A certificate that nobody vouches for; and a sender who would go without. */
    c = open_patient(GIVEN({"url", p.url}, ENDS));
    case_lines(c, 1, 1, true);
    case_run_to_failure(c, 20000);
    assert_int_equal(c->taken, 0);
    assert_non_null(strstr(c->why, "certificate"));
    case_end(c);
    c = open_patient(GIVEN({"url", p.url}, ENDS, CLEAR));
    case_lines(c, 1, 1, true);
    case_run_to_failure(c, 20000);
    assert_int_equal(c->refusals, 0);
    assert_non_null(strstr(c->why, "530 5.7.0 STARTTLS first"));
    case_end(c);
    end_place(&p);
}

/* STARTTLS is required unless it is said otherwise: nothing goes out in clear. */
static void test_clear(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_moody(&p, "ok");
    struct sink_case *c = case_open(&sink_mail, "text", GIVEN({"url", p.url}, ENDS));
    case_lines(c, 1, 1, true);
    case_run_to_failure(c, 20000);
    char *text = read_file(p.out);
    assert_string_equal(text, "");
    free(text);
    case_end(c);
    end_place(&p);
}

static void return_later(struct sink_case *c)
{
    struct place *p = c->mine;
    if (!p->server && c->failures > 0)
        begin_moody(p, "ok");
}

static void test_returns(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    struct sink_case *c = case_open(&sink_mail, "text", GIVEN({"url", p.url}, ENDS, CLEAR));
    c->turn = return_later;
    c->mine = &p;
    case_lines(c, 1, 5, true);
    assert_true(case_run(c, 5, 20000));
    assert_non_null(strstr(c->why, "127.0.0.1"));
    char *text = read_file(p.out);
    assert_int_equal(case_expect_all(text, 5), 0);
    free(text);
    case_end(c);
    end_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),        cmocka_unit_test(test_message_heads),
        cmocka_unit_test(test_message_bounds), cmocka_unit_test(test_settings),
        cmocka_unit_test(test_opensmtpd),      cmocka_unit_test(test_digest),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_partly),
        cmocka_unit_test(test_later),          cmocka_unit_test(test_later_for_one),
        cmocka_unit_test(test_failures),       cmocka_unit_test(test_starttls),
        cmocka_unit_test(test_login),          cmocka_unit_test(test_clear),
        cmocka_unit_test(test_returns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
