/* Streams of events, answers that come later, and answers that wait for their turn. */
#include "../../../sensor/bus/api_local.h"
#include "api_case.h"

#define STREAMS 2
#define LOUD    ((size_t)64 << 10) /* bytes of one event */

static bool holding = true;
static uint64_t later; /* the ticket */

static void answer_stream(void *context, const struct api_request *request, struct api_reply *reply)
{
    (void)context;
    reply->type = "text/event-stream";
    reply->stream = true;
    reply->body =
        xasprintf("event: first\ndata: %s\n\n",
                  request->header[API_LAST_EVENT] ? request->header[API_LAST_EVENT] : "-");
}

static void answer_tell(void *context, const struct api_request *request, struct api_reply *reply)
{
    struct fixture *f = context;
    static char loud[LOUD];
    (void)request;
    memset(loud, 'x', sizeof loud);
    api_tell(f->api, loud, sizeof loud);
    reply->body = xasprintf("%u", (unsigned)api_counts_of(f->api).streams);
}

static void answer_later(void *context, const struct api_request *request, struct api_reply *reply)
{
    (void)context;
    later = request->ticket;
    reply->later = true;
}

static void answer_long_after(void *context, const struct api_request *request,
                              struct api_reply *reply)
{
    answer_later(context, request, reply);
    reply->late = "it goes on";
}

/* As if its time were over: whoever waits, and how many had longer than the store may be silent. */
static void answer_late(void *context, const struct api_request *request, struct api_reply *reply)
{
    struct fixture *f = context;
    unsigned waiting = 0, longer = 0;
    (void)request;
    for (struct api_client *client = f->api->first; client; client = client->next) {
        if (client->phase != API_LATER)
            continue;
        waiting++;
        longer += client->deadline.ns - wtime_now().ns > 10 * NS_PER_S;
        client->deadline = wtime_now();
    }
    reply->body = xasprintf("%u waited, %u of them longer", waiting, longer);
}

static void answer_now(void *context, const struct api_request *request, struct api_reply *reply)
{
    struct fixture *f = context;
    struct api_reply other = {.status = 202, .type = "text/plain", .body = xstrdup("at last")};
    (void)request;
    api_answer(f->api, later, &other);
    other = (struct api_reply){.status = 200, .type = "text/plain", .body = xstrdup("to nobody")};
    api_answer(f->api, later + 1000, &other);
    reply->body = xstrdup("said");
}

static void answer_end(void *context, const struct api_request *request, struct api_reply *reply)
{
    (void)context;
    (void)request;
    holding = false;
    reply->body = xstrdup("ended");
}

static const struct api_route stream_routes[] = {
    {"GET", "/events", answer_stream}, {"POST", "/tell", answer_tell},
    {"GET", "/later", answer_later},   {"POST", "/now", answer_now},
    {"POST", "/end", answer_end},      {"GET", "/after", answer_long_after},
    {"POST", "/late", answer_late},    {NULL, NULL, NULL}};

static bool admit(void *context, struct api_request *request, struct api_reply *reply)
{
    (void)context;
    request->session = 7;
    if (strcmp(request->path, "/never") != 0)
        return true;
    api_refuse(reply, 403, "never");
    return false;
}

static bool holds(void *context, uint64_t session)
{
    (void)context;
    return session == 7 && holding;
}

static const struct api_guard guard = {NULL, admit, holds, "X-Always: so\r\n"};

static int setup_streams(void **state)
{
    const struct api_settings settings = {.guard = &guard, .streams = STREAMS};
    holding = true;
    return setup_with(state, stream_routes, &settings);
}

#define ANSWER_MS 60  /* of a turn of 25 */
#define LONG_MS   250 /* more than is owed: 8 turns, 2 s */

static void answer_slowly(void *context, const struct api_request *request, struct api_reply *reply)
{
    answer_ok(context, request, reply);
    usleep(ANSWER_MS * 1000);
}

static void answer_long(void *context, const struct api_request *request, struct api_reply *reply)
{
    answer_ok(context, request, reply);
    usleep(LONG_MS * 1000);
}

static const struct api_route slow_routes[] = {
    {"GET", "/ok", answer_slowly}, {"GET", "/long", answer_long}, {NULL, NULL, NULL}};

static int setup_turns(void **state)
{
    const struct api_settings settings = {.turn_ns = 25 * NS_PER_MS};
    return setup_with(state, slow_routes, &settings);
}

/* --- helpers ---------------------------------------------------------------------------------- */

static void ask_line(int fd, const char *method, const char *path, const char *more)
{
    char text[256];
    int size = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\n%s\r\n", method, path, more);
    assert_true(say(fd, text, (size_t)size));
}

/* The whole reply; caller frees. */
static char *reply_to(const struct fixture *f, const char *method, const char *path)
{
    size_t size;
    int fd = reach(f);
    ask_line(fd, method, path, "");
    char *text = hear(fd, 10000, &size);
    close(fd);
    return text;
}

static void expect_part(const struct fixture *f, const char *method, const char *path,
                        const char *part)
{
    char *text = reply_to(f, method, path);
    if (!strstr(text, part))
        fail_msg("%s %s: %s, expected %s", method, path, text, part);
    free(text);
}

/* Reads until `part` was there. */
static void await(int fd, const char *part)
{
    static char text[1 << 20];
    size_t size = 0;
    for (text[0] = '\0'; !strstr(text, part);) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&poll_fd, 1, 10000), 1);
        ssize_t got = recv(fd, text + size, sizeof text - 1 - size, 0);
        assert_true(got > 0);
        size += (size_t)got;
        text[size] = '\0';
    }
}

static int begin_stream(const struct fixture *f)
{
    int fd = reach(f);
    ask_line(fd, "GET", "/events", "Last-Event-ID: 17\r\n");
    await(fd, "\r\n\r\nevent: first\ndata: 17\n\n");
    return fd;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_all_are_told(void **state)
{
    struct fixture *f = *state;
    int one = begin_stream(f), other = begin_stream(f);
    expect_part(f, "GET", "/events", "503 Service Unavailable");
    expect_part(f, "POST", "/tell", "\r\n\r\n2");
    await(one, "xxxx");
    await(other, "xxxx");
    close(one);
    close(other);
    finish(f);
    assert_int_equal(f->counts.refused, 1);
    assert_int_equal(f->counts.slow, 0);
}

/* It has room for API_STREAM_BYTES and what its socket holds, and is let go then; the other hears.
 */
static void test_one_that_does_not_listen_is_let_go(void **state)
{
    struct fixture *f = *state;
    int deaf = begin_stream(f), other = begin_stream(f);
    char left[] = "\r\n\r\n1";
    bool gone = false;
    for (int i = 0; i < 200 && !gone; i++) {
        char *text = reply_to(f, "POST", "/tell");
        gone = strstr(text, left) != NULL;
        free(text);
        await(other, "xxxx");
    }
    assert_true(gone);
    close(deaf);
    close(other);
    finish(f);
    assert_int_equal(f->counts.slow, 1);
}

static void test_a_session_that_ends_ends_its_streams(void **state)
{
    struct fixture *f = *state;
    char bytes[64];
    int fd = begin_stream(f);
    expect_part(f, "POST", "/end", "ended");
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
    assert_int_equal(recv(fd, bytes, sizeof bytes, 0), 0);
    close(fd);
}

static void test_the_guard_is_asked_first(void **state)
{
    struct fixture *f = *state;
    expect_part(f, "GET", "/never", "403 Forbidden");
    expect_part(f, "GET", "/nothing", "404 Not Found");
    expect_part(f, "GET", "/nothing", "\r\nX-Always: so\r\n");
    finish(f);
    assert_int_equal(f->counts.denied, 1);
    assert_int_equal(f->counts.requests, 3);
}

static void test_an_answer_comes_later(void **state)
{
    struct fixture *f = *state;
    size_t size;
    int fd = reach(f);
    ask_line(fd, "GET", "/later", "");
    char *text = NULL;
    for (int i = 0; i < 100 && !text; i++) { /* until the ticket is known */
        expect_part(f, "POST", "/now", "said");
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, 100) == 1)
            text = hear(fd, 10000, &size);
    }
    assert_non_null(text);
    assert_non_null(strstr(text, "202 Accepted"));
    assert_non_null(strstr(text, "at last"));
    free(text);
    close(fd);
}

/* What is said to who asked that when its time is over; `seen`: how long it had. */
static void expect_late(struct fixture *f, const char *path, const char *seen, const char *said)
{
    size_t size;
    int fd = reach(f);
    char *text = NULL;
    ask_line(fd, "GET", path, "");
    do { /* until it is there */
        free(text);
        int asked = reach(f);
        ask_line(asked, "POST", "/late", "");
        text = hear(asked, 10000, &size);
        close(asked);
    } while (strstr(text, "0 waited"));
    assert_non_null(strstr(text, seen));
    free(text);
    text = hear(fd, 10000, &size);
    assert_non_null(strstr(text, "503 Service Unavailable"));
    assert_non_null(strstr(text, said));
    free(text);
    close(fd);
}

/* What was asked goes on, and who asked is told so; that is no want of the listener's time. */
static void test_an_answer_that_is_late(void **state)
{
    struct fixture *f = *state;
    expect_late(f, "/after", "1 waited, 1 of them longer", "it goes on");
    expect_late(f, "/later", "1 waited, 0 of them longer", "there was no time for it");
    finish(f);
    assert_int_equal(f->counts.unserved, 1);
}

/* Every request but the first of a quarter second waits, and is answered; what the others took
 * beyond their turn is not forgiven: the fourth begins when 180 ms are worked off, 25 ms each. */
static void test_a_turn_that_is_spent(void **state)
{
    struct fixture *f = *state;
    int fd[4];
    size_t size;
    struct wtime began = wtime_now();
    for (size_t i = 0; i < 4; i++) {
        fd[i] = reach(f);
        ask_line(fd[i], "GET", "/ok", "");
    }
    for (size_t i = 0; i < 4; i++) {
        char *text = hear(fd[i], 10000, &size);
        assert_non_null(strstr(text, "200 OK"));
        free(text);
        close(fd[i]);
    }
    assert_true(wtime_now().ns - began.ns > 5 * NS_PER_S / 4); /* else three quarters of a second */
    finish(f);
    assert_int_equal(f->counts.requests, 4);
    assert_true(f->counts.waited >= 1);
}

/* The whole reply to what was asked there; the connection is over. */
static void expect_start_of(int fd, const char *start)
{
    size_t size;
    char *text = hear(fd, 10000, &size);
    expect_start(text, start);
    free(text);
    close(fd);
}

/* Not even read is what comes when the turn is spent, and its time stands still. */
static void test_a_spent_turn_reads_nothing(void **state)
{
    struct fixture *f = *state;
    int second = reach(f), first = reach(f); /* both are taken before one asks */
    ask_line(first, "GET", "/long", "");
    expect_start_of(first, "HTTP/1.1 200 ");
    assert_true(say(second, "hello\n", 6)); /* else it is told so at once */
    expect_start_of(second, "HTTP/1.1 400 ");
    finish(f);
    assert_int_equal(f->counts.waited, 1);
    assert_int_equal(f->counts.bad, 1);
}

/* Three that came before it take all the time that there is: 2 s each are owed for. It is told so,
 * and is not counted as one that was slow or spoke no HTTP. */
static void test_no_turn_comes(void **state)
{
    struct fixture *f = *state;
    int before[3], last;
    for (size_t i = 0; i < 3; i++)
        before[i] = reach(f);
    last = reach(f);
    expect_reply(ask(f, "GET /long HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 ", "GET /long?");
    for (size_t i = 0; i < 3; i++)
        ask_line(before[i], "GET", "/long", "");
    assert_true(say(last, "hello\n", 6));
    expect_start_of(last, "HTTP/1.1 503 ");
    for (size_t i = 0; i < 3; i++)
        close(before[i]);
    finish(f);
    assert_in_range(f->counts.unserved, 1, 3); /* the last of the others, too */
    assert_int_equal(f->counts.bad, 0);
}

int main(void)
{
#define STREAM_TEST(test) cmocka_unit_test_setup_teardown(test, setup_streams, teardown)
    const struct CMUnitTest tests[] = {
        STREAM_TEST(test_all_are_told),
        STREAM_TEST(test_one_that_does_not_listen_is_let_go),
        STREAM_TEST(test_a_session_that_ends_ends_its_streams),
        STREAM_TEST(test_the_guard_is_asked_first),
        STREAM_TEST(test_an_answer_comes_later),
        STREAM_TEST(test_an_answer_that_is_late),
        cmocka_unit_test_setup_teardown(test_a_turn_that_is_spent, setup_turns, teardown),
        cmocka_unit_test_setup_teardown(test_a_spent_turn_reads_nothing, setup_turns, teardown),
        cmocka_unit_test_setup_teardown(test_no_turn_comes, setup_turns, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
