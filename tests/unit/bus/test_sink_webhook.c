/* Webhooks against an HTTP server that behaves well, badly, and not at all. */
#include "webhook_case.h"

#include "../../../sensor/bus/sink_webhook_body.h"

/* --- bodies ----------------------------------------------------------------------------------- */

static void expect_body(enum webhook_body body, const char *template_text, const char *record,
                        const char *text, const char *expected)
{
    struct error error = {0};
    struct buffer out = {0};
    struct json_value *value = json_parse(record, strlen(record), &error);
    struct webhook_template *template =
        template_text ? webhook_template_new(template_text, strlen(template_text), &error) : NULL;
    struct sink_line line = {1, text, strlen(text), value};
    webhook_body_put(&out, body, template, &line);
    buffer_u8(&out, 0);
    assert_string_equal((char *)out.data, expected);
    buffer_fini(&out);
    webhook_template_free(template);
    json_value_free(value);
}

static void test_bodies(void **state)
{
    (void)state;
    expect_body(BODY_ALERT, NULL, "{\"a\":1}", "{\"a\":1}", "{\"a\":1}");
    expect_body(BODY_SLACK, NULL, "{}", "<!channel> & \"you\"",
                "{\"text\":\"&lt;!channel&gt; &amp; \\\"you\\\"\",\"mrkdwn\":false}");
    expect_body(BODY_MATTERMOST, NULL, "{}", "a ``` @all", "{\"text\":\"```\\na ''' @all\\n```\"}");
    expect_body(BODY_TEAMS, NULL, "{\"rule\":{\"name\":\"R\"}}", "[x](y)",
                "{\"type\":\"message\",\"attachments\":[{\"contentType\":"
                "\"application/vnd.microsoft.card.adaptive\",\"content\":{\"$schema\":"
                "\"http://adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\","
                "\"version\":\"1.4\",\"body\":[{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":"
                "\"TextRun\",\"text\":\"R\",\"weight\":\"bolder\"}]},{\"type\":\"RichTextBlock\","
                "\"inlines\":[{\"type\":\"TextRun\",\"text\":\"[x](y)\"}]}]}}]}");
}

static void test_template(void **state)
{
    (void)state;
    static const char record[] =
        "{\"event\":{\"id\":\"a\\\"b\\n\",\"severity\":7},\"list\":[1,\"x\","
        "true,{}],\"share\":0.25,\"host\":{\"ip\":\"10.0.0.1\"}}";
    static const struct {
        const char *text, *expected;
    } row[] = {{"plain", "plain"},
               {"", ""},
               {"{{event.id}}", "a\\\"b\\u000a"},
               {"{ {{ event.severity }} }", "{ 7 }"},
               {"<{{list}}|{{share}}>", "<1, x, true|0.25>"},
               {"<{{no.such}}{{host}}{{event.id.more}}{{.}}>", "<>"},
               {"{{line}}", "the \\\"line\\\""},
               {"}} {{host.ip}}{{host.ip}}", "}} 10.0.0.110.0.0.1"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        expect_body(BODY_TEMPLATE, row[i].text, record, "the \"line\"", row[i].expected);
}

static void test_bad_templates(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } row[] = {{"a\n {{event.id", "line 2 column 2: {{ without its }}"},
               {"{{}}", "line 1 column 3: expected a field's name"},
               {"{{  }}", "expected a field's name"},
               {"{{a b}}", "line 1 column 4: a field's name has"},
               {"{{{a}}", "line 1 column 3: a field's name has"},
               {"{{caf\xc3\xa9}}", "a field's name has"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct error error = {0};
        assert_null(webhook_template_new(row[i].text, strlen(row[i].text), &error));
        if (!strstr(error.message, row[i].why))
            fail_msg("%s: %s", row[i].text, error.message);
    }
    struct error error = {0};
    char *large = xcalloc(1, TEMPLATE_MAX + 1);
    assert_null(webhook_template_new(large, TEMPLATE_MAX + 1, &error));
    for (size_t i = 0; i + 5 <= TEMPLATE_MAX; i += 5)
        memcpy(large + i, "{{a}}", 5);
    error = (struct error){0};
    assert_null(webhook_template_new(large, TEMPLATE_MAX - 1, &error));
    assert_non_null(strstr(error.message, "too many fields"));
    free(large);
}

/* Computed with: printf '1772413447.{"a":1}' | openssl dgst -sha256 -hmac secret */
static void test_signature(void **state)
{
    (void)state;
    char *text = webhook_signature("secret", 1772413447, "{\"a\":1}", 7);
    assert_string_equal(text, "t=1772413447,v1="
                              "9bc8b111c9b37980912f8e20d5f07c27f2f623b4e166694ed35f3d48c719e934");
    free(text);
}

static void test_settings(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    char *template = xasprintf("%s/template", p.folder);
    const struct sink_row *row = &sink_webhook;
    case_refuses(row, "ecs", GIVEN({"method", "PUT"}), "needs a url");
    case_refuses(row, "ecs", GIVEN({"url", "http://a"}, {"url_file", "/b"}), "a url or a url_file");
    case_refuses(row, "ecs", GIVEN({"url", "ftp://a"}), "expected http");
    case_refuses(row, "ecs", GIVEN({"url", "https://a"}, {"key_file", "/k"}),
                 "without a cert_file");
    case_refuses(row, "ecs", GIVEN({"url", "http://u:hunter2@a"}), "holds a login");
    case_refuses(row, "ecs", GIVEN({"url", "http://a"}, {"headers", "no colon"}), "is not \"Name");
    case_refuses(row, "ecs", GIVEN({"url", "http://a"}, {"headers", "A: b\r\nC: d"}), "control");
    case_refuses(row, "ecs", GIVEN({"url", "http://a"}, {"secret_file", "/nowhere"}), "/nowhere");
    case_refuses(row, "ecs", GIVEN({"url", "http://a"}, {"ca_file", "/nowhere"}), "/nowhere");
    case_refuses(row, "ecs", GIVEN({"url", "http://a"}, {"body", "slack"}), "format: text");
    case_refuses(row, "text", GIVEN({"url", "http://a"}, {"body", "slack"}, {"batch", "2"}),
                 "batch");
    case_refuses(row, "cef", GIVEN({"url", "http://a"}, {"batch_form", "list"}, {"batch", "2"}),
                 "not of cef");
    case_refuses(row, "ecs", GIVEN({"url", "http://a"}, {"body", "template"}), "template_file");
    write_file(template, "{\"a\": {{event.id}}");
    case_refuses(row, "ecs",
                 GIVEN({"url", "http://a"}, {"body", "template"}, {"template_file", template}),
                 "is not application/json once its fields are filled");
    free(template);
    end_place(&p);
}

/* --- a good receiver -------------------------------------------------------------------------- */

static void test_single(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_server(&p, false);
    char *url = url_of(&p, "/ok?key=a"), *secret = xasprintf("%s/secret", p.folder);
    char *header = xasprintf("%s/header", p.folder);
    write_file(secret, "Bearer abc\n");
    write_file(header, "X-Api-Key: def\n");
    struct sink_case *c = case_open(&sink_webhook, "ecs",
                                    GIVEN({"url", url}, {"secret_file", secret}, {"method", "PUT"},
                                          {"authorization_file", secret}, {"headers", "X-One: 1"},
                                          {"header_file", header}, {"headers", "X-Two: two"}));
    case_lines(c, 1, 500, false);
    int64_t before = wtime_now().ns;
    assert_true(case_run(c, 500, 60000));
    print_message("one a request: %.0f lines/s\n", 500e9 / (double)(wtime_now().ns - before));
    char *text = read_file(p.out), *heads = read_file(p.heads);
    assert_int_equal(case_expect_all(text, 500), 0);
    assert_non_null(strstr(heads, "PUT /ok?key=a\n"));
    assert_non_null(strstr(heads, "\nX-One: 1\nX-Two: two\nAuthorization: Bearer abc\n"
                                  "X-Api-Key: def\n"
                                  "Content-Type: application/json\nUser-Agent: weir/"));
    assert_non_null(strstr(heads, "\nX-Weir-Id: 00000000000000000000000000000001\n"));
    assert_non_null(strstr(heads, "\nX-Weir-Signature: t="));
    assert_null(strstr(heads, "Expect"));
    assert_true(c->in_order);
    free(text);
    free(heads);
    free(header);
    free(secret);
    free(url);
    case_end(c);
    end_place(&p);
}

static void test_batches(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_server(&p, false);
    char *url = url_of(&p, "/ok");
    struct sink_case *c = case_open(&sink_webhook, "ecs", GIVEN({"url", url}, {"batch", "500"}));
    case_lines(c, 1, 20001, false);
    int64_t before = wtime_now().ns;
    assert_true(case_run(c, 20001, 60000));
    print_message("500 a request: %.0f lines/s\n", 20001e9 / (double)(wtime_now().ns - before));
    char *text = read_file(p.out), *heads = read_file(p.heads);
    assert_int_equal(case_expect_all(text, 20001), 0);
    assert_non_null(strstr(text, "\"message\":\"line-000001.\"}\n{"));
    assert_non_null(strstr(heads, "Content-Type: application/x-ndjson"));
    free(text);
    free(heads);
    case_end(c);
    unlink(p.out);
    c = case_open(&sink_webhook, "ecs",
                  GIVEN({"url", url}, {"batch", "500"}, {"batch_form", "list"}));
    case_lines(c, 1, 3, false);
    assert_true(case_run(c, 3, 10000));
    text = read_file(p.out);
    struct json_value *list = json_parse(text, strlen(text), NULL);
    assert_non_null(list);
    assert_int_equal(json_length(list), 3);
    json_value_free(list);
    free(text);
    free(url);
    case_end(c);
    end_place(&p);
}

/* --- others ----------------------------------------------------------------------------------- */

static void test_fails(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_server(&p, false);
    char *url = url_of(&p, "/fails/3");
    struct sink_case *c = case_open(&sink_webhook, "ecs", GIVEN({"url", url}, {"batch", "10"}));
    case_lines(c, 1, 100, false);
    assert_true(case_run(c, 100, 20000));
    assert_int_equal(c->failures, 3);
    assert_non_null(strstr(c->why, ": answered 503: busy  here"));
    assert_null(strstr(c->why, "/fails"));
    char *text = read_file(p.out);
    assert_int_equal(case_expect_all(text, 100), 0);
    free(text);
    free(url);
    case_end(c);
    end_place(&p);
}

/* Lines 7, 17, … are refused and no others, and all is in order. */
static void expect_sevens(struct sink_case *c, const struct place *p, size_t lines)
{
    assert_int_equal(c->refusals, lines / 10);
    for (size_t i = 0; i < c->refusals; i++)
        assert_int_equal(c->refused[i], 10 * i + 7);
    assert_int_equal(c->failures, 0);
    assert_true(c->in_order);
    char *text = read_file(p->out), *at = text;
    for (size_t i = 1; i <= lines; i++) {
        char *line = xasprintf("line-%06zu.", i), *found = strstr(at, line);
        assert_true((found != NULL) == (i % 10 != 7));
        at = found ? found : at;
        free(line);
    }
    free(text);
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const batch[] = {"1", "2", "25", "100"};
    for (size_t i = 0; i < sizeof batch / sizeof *batch; i++) {
        struct place p;
        make_place(&p);
        begin_server(&p, false);
        /* what speaks of TLS, once a line was taken, is a line's own words */
        char *url = url_of(&p, i == 0 ? "/echoes" : "/refuses");
        struct sink_case *c =
            case_open(&sink_webhook, "ecs", GIVEN({"url", url}, {"batch", batch[i]}));
        case_lines(c, 1, 200, false);
        assert_true(case_run(c, 200, 30000));
        expect_sevens(c, &p, 200);
        assert_non_null(strstr(c->refused_why, "answered 400: a seven"));
        assert_true((c->answers > 0) == (i > 0)); /* a batch that is halved shows signs of life */
        free(url);
        case_end(c);
        end_place(&p);
    }
}

/* Before any line was taken, too: a receiver that repeats what it was sent does not speak of TLS.
 */
static void test_repeats(void **state)
{
    (void)state;
    static const char *const batch[] = {"1", "3"};
    for (size_t i = 0; i < sizeof batch / sizeof *batch; i++) {
        struct place p;
        make_place(&p);
        begin_server(&p, false);
        char *url = url_of(&p, "/repeats");
        struct sink_case *c =
            case_open(&sink_webhook, "ecs", GIVEN({"url", url}, {"batch", batch[i]}));
        case_line(c, "{\"message\":\"refuse me: No required SSL certificate, plain HTTP\"}", NULL);
        case_lines(c, 2, 3, false);
        assert_true(case_run(c, 3, 20000));
        assert_int_equal(c->failures, 0);
        assert_int_equal(c->refusals, 1);
        assert_int_equal(c->refused[0], 1);
        free(url);
        case_end(c);
        end_place(&p);
    }
}

static void test_retry_after(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_server(&p, false);
    char *url = url_of(&p, "/later/1"), *far = url_of(&p, "/later/100000");
    struct sink_case *c = case_open(&sink_webhook, "ecs", GIVEN({"url", url}));
    case_lines(c, 1, 3, false);
    int64_t before = wtime_now().ns;
    assert_true(case_run(c, 3, 20000));
    assert_true(wtime_now().ns - before > 900 * NS_PER_MS);
    assert_int_equal(c->failures, 1);
    case_end(c);
    stop(&p.server, SIGKILL);
    begin_server(&p, false);
    c = case_open(&sink_webhook, "ecs", GIVEN({"url", far}, {"retry_after_max_s", "1"}));
    case_lines(c, 1, 3, false);
    assert_true(case_run(c, 3, 20000));
    case_end(c);
    free(url);
    free(far);
    end_place(&p);
}

static void expect_stuck(const char *path, const char *why)
{
    struct place p;
    make_place(&p);
    begin_server(&p, false);
    char *url = url_of(&p, path);
    struct sink_case *c = case_open(&sink_webhook, "ecs", GIVEN({"url", url}, {"batch", "10"}));
    case_lines(c, 1, 100, false);
    assert_false(case_run(c, 100, 3000));
    assert_int_equal(c->taken, 0);
    assert_int_equal(c->refusals, 0);
    assert_true(c->failures > 0);
    if (!strstr(c->why, why))
        fail_msg("%s: %s", path, c->why);
    free(url);
    case_end(c);
    end_place(&p);
}

static void test_stuck(void **state)
{
    (void)state;
    expect_stuck("/hangs", "timed out");
    expect_stuck("/moved", "answered 302: redirects are not followed");
    expect_stuck("/denies", "answered 401: who are you");
}

/* An answer without an end: its status counts, its body is not read. */
static void test_floods(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_server(&p, false);
    char *url = url_of(&p, "/floods");
    struct sink_case *c = case_open(&sink_webhook, "ecs", GIVEN({"url", url}));
    case_lines(c, 1, 20, false);
    assert_true(case_run(c, 20, 20000));
    assert_int_equal(c->failures, 0);
    free(url);
    case_end(c);
    end_place(&p);
}

static void kill_and_return(struct sink_case *c)
{
    struct place *p = c->mine;
    if (p->server && c->taken > 1000 && c->failures == 0) {
        stop(&p->server, SIGKILL);
    } else if (!p->server && c->failures > 1) {
        begin_server(p, false);
    }
}

static void test_dies(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_server(&p, false);
    char *url = url_of(&p, "/ok");
    struct sink_case *c = case_open(&sink_webhook, "ecs", GIVEN({"url", url}, {"batch", "50"}));
    c->turn = kill_and_return;
    c->mine = &p;
    case_lines(c, 1, 5000, false);
    assert_true(case_run(c, 5000, 60000));
    assert_true(c->failures > 1);
    char *text = read_file(p.out);
    assert_true(case_expect_all(text, 5000) <= 100);
    free(text);
    free(url);
    case_end(c);
    end_place(&p);
}

static void test_tls(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    make_certificate(&p);
    begin_server(&p, true);
    char *url = xasprintf("https://localhost:%s/ok", p.port);
    struct sink_case *c = case_open(&sink_webhook, "ecs", GIVEN({"url", url}, {"ca_file", p.cert}));
    case_lines(c, 1, 20, false);
    assert_true(case_run(c, 20, 20000));
    case_end(c);
    c = case_open(&sink_webhook, "ecs", GIVEN({"url", url}));
    case_lines(c, 1, 1, false);
    assert_false(case_run(c, 1, 1000));
    assert_non_null(strstr(c->why, "certificate"));
    case_end(c);
    c = case_open(&sink_webhook, "ecs", GIVEN({"url", url}, {"verify", "false"}));
    case_lines(c, 1, 1, false);
    assert_true(case_run(c, 1, 20000));
    case_end(c);
    free(url);
    end_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),        cmocka_unit_test(test_template),
        cmocka_unit_test(test_bad_templates), cmocka_unit_test(test_signature),
        cmocka_unit_test(test_settings),      cmocka_unit_test(test_single),
        cmocka_unit_test(test_batches),       cmocka_unit_test(test_fails),
        cmocka_unit_test(test_refuses),       cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_retry_after),   cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_floods),        cmocka_unit_test(test_dies),
        cmocka_unit_test(test_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
