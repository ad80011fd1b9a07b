/* The control API's answers, over raw sockets. */
#include "api_case.h"

#include "../../../sensor/bus/http.h"

static void test_answers(void **state)
{
    const struct fixture *f = *state;
    expect_reply(ask(f, "GET /ok?a=b%20c HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 200 OK\r\n",
                 "GET /ok?a=b%20c");
    expect_reply(ask(f, "POST /ok HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK\r\n", "POST /ok?");
    expect_reply(ask(f, "GET /empty HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 OK\r\n", "");
    expect_reply(ask(f, "POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"),
                 "HTTP/1.1 202 Accepted\r\nContent-Type: text/plain\r\n", "hello");
    expect_reply(ask(f, "POST /conflict HTTP/1.1\r\n\r\n"),
                 "HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\n",
                 "{\"error\":{\"text\":\"weir.yaml:1:1: \\\"no\\\"\"}}");
}

static void test_no_such(void **state)
{
    struct fixture *f = *state;
    expect_reply(ask(f, "GET /ok/ HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found\r\n",
                 "{\"error\":{\"text\":\"there is nothing at this path\"}}");
    char *reply = ask(f, "PUT /ok HTTP/1.1\r\n\r\n");
    assert_non_null(strstr(reply, "\r\nAllow: GET, POST\r\n"));
    expect_reply(reply, "HTTP/1.1 405 Method Not Allowed\r\n",
                 "{\"error\":{\"text\":\"this path does not know that method\"}}");
    finish(f);
    assert_int_equal(f->counts.requests, 2);
    assert_int_equal(f->counts.bad, 0);
}

/* A part of a path that stands for any one, and who asks. */
static void test_part_of_a_path(void **state)
{
    const struct fixture *f = *state;
    expect_reply(ask(f, "GET /part/one/end HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 ", "one of me");
    expect_reply(ask(f, "GET /part/1234567/end HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 ",
                 "1234567 of me");
    expect_reply(ask(f, "GET /part/12345678/end HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 ",
                 "longer of me");
    static const char *const other[] = {
        "/part//end",        "/part/one",      "/part/one/", "/part/one/ends",
        "/part/one/two/end", "/part/one/end/", "/par",       "/part/"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        char *request = xasprintf("GET %s HTTP/1.1\r\n\r\n", other[i]);
        char *reply = ask(f, request);
        if (strncmp(reply, "HTTP/1.1 404 ", 13) != 0)
            fail_msg("%s: %s", other[i], reply);
        free(reply);
        free(request);
    }
    char *reply = ask(f, "PUT /part/x/end HTTP/1.1\r\n\r\n");
    assert_non_null(strstr(reply, "\r\nAllow: GET\r\n"));
    free(reply);
}

static void test_bad(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *start;
    } row[] = {
        {"\x16\x03\x01 what is this", "HTTP/1.1 400 "},
        {"hello\n", "HTTP/1.1 400 "},
        {"GET /ok HTTP/3\r\n\r\n", "HTTP/1.1 505 "},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 411 "},
        {"POST /echo HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", "HTTP/1.1 413 "},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char *reply = ask(f, row[i].text);
        expect_start(reply, row[i].start);
        assert_non_null(strstr(reply, "{\"error\":{\"text\":\""));
        free(reply);
    }
    expect_alive(f);
    finish(f);
    assert_int_equal(f->counts.bad, sizeof row / sizeof *row);
    assert_int_equal(f->counts.requests, 1);
}

/* Refused while the client still sends: it hears why all the same. */
static void test_large(void **state)
{
    const struct fixture *f = *state;
    static const char head[] = "GET /ok HTTP/1.1\r\nA: ";
    char *all = xcalloc(1, BIG + 1);
    memset(all, 'a', BIG);
    memcpy(all, head, sizeof head - 1);
    int fd = reach(f);
    size_t size;
    say(fd, all, BIG);
    char *reply = hear(fd, 3000, &size);
    expect_start(reply, "HTTP/1.1 431 ");
    free(reply);
    close(fd);
    free(all);
}

/* The largest body there may be, cut where it hurts, comes back whole. */
static void test_largest_body(void **state)
{
    const struct fixture *f = *state;
    static const char head[] = "POST /echo HTTP/1.1\r\nContent-Length: 65536\r\n\r\n";
    char *body = xcalloc(1, HTTP_BODY_MAX + 1);
    for (size_t i = 0; i < HTTP_BODY_MAX; i++)
        body[i] = (char)('a' + i % 23);
    int fd = reach(f);
    size_t size;
    assert_true(say(fd, head, sizeof head - 2));
    usleep(20000);
    assert_true(say(fd, head + sizeof head - 2, 1));
    assert_true(say(fd, body, 1));
    usleep(20000);
    assert_true(say(fd, body + 1, HTTP_BODY_MAX - 1));
    expect_reply(hear(fd, 3000, &size), "HTTP/1.1 202 ", body);
    close(fd);
    free(body);
}

static void test_name_in_a_path(void **state)
{
    static const struct {
        const char *path, *name; /* NULL: none */
    } row[] = {
        {"/hosts/fe80%3A%3a1", "fe80::1"},
        {"/hosts/%61%62%63%64%65%66%67", "abcdefg"}, /* all that there is room for */
        {"/hosts/abcdefgh", NULL},
        {"/hosts/%61%62%63%64%65%66%67%68", NULL},
        {"/hosts/a%", NULL},
        {"/hosts/a%4", NULL},
        {"/hosts/a%4g", NULL},
        {"/hosts/a%00b", NULL},
        {"/hosts/", NULL},
        {"/hosts/a/b", NULL},
        {"/hosts/a%2fb", "a/b"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char name[8] = "";
        bool is = api_path_name("/hosts/*", row[i].path, name, sizeof name);
        if (is != (row[i].name != NULL) || (is && strcmp(name, row[i].name) != 0))
            fail_msg("%s: %s", row[i].path, is ? name : "none");
    }
}

/* One request a connection: the second one is not answered, and does not spoil the first. */
static void test_pipelined(void **state)
{
    struct fixture *f = *state;
    expect_reply(ask(f, "GET /ok?1 HTTP/1.1\r\n\r\nGET /ok?2 HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 ",
                 "GET /ok?1");
    finish(f);
    assert_int_equal(f->counts.requests, 1);
}

static void test_half_closed(void **state)
{
    struct fixture *f = *state;
    static const char whole[] = "GET /ok HTTP/1.1\r\n\r\n";
    size_t size;
    int fd = reach(f);
    assert_true(say(fd, whole, sizeof whole - 1));
    shutdown(fd, SHUT_WR);
    expect_reply(hear(fd, 3000, &size), "HTTP/1.1 200 ", "GET /ok?");
    close(fd);
    fd = reach(f); /* half a request, and no more will come */
    assert_true(say(fd, whole, sizeof whole - 3));
    shutdown(fd, SHUT_WR);
    free(hear(fd, 3000, &size));
    assert_int_equal(size, 0);
    close(fd);
    close(reach(f)); /* who only knocks did nothing wrong */
    expect_alive(f);
    finish(f);
    assert_int_equal(f->counts.requests, 2);
    assert_int_equal(f->counts.bad, 1);
}

static void test_listen(void **state)
{
    const struct fixture *f = *state;
    struct error error = {0};
    assert_int_equal(api_listen(f->path, 0660, &error), -1);
    assert_non_null(strstr(error.message, "another sensor runs here"));
    assert_int_equal(error.code, ERROR_RUN);
    expect_alive(f); /* and it still runs */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_such, setup, teardown),
        cmocka_unit_test_setup_teardown(test_part_of_a_path, setup, teardown),
        cmocka_unit_test(test_name_in_a_path),
        cmocka_unit_test_setup_teardown(test_bad, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_largest_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pipelined, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listen, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
