/* Files as replies: whole, as they are taken, so many at once, and in the turn that there is. */
#include "api_case.h"

#include "weir/base/time.h"

#include <fcntl.h>

static char path[64];
static size_t said = BIG; /* of the file's size */

static void answer_file(void *context, const struct api_request *request, struct api_reply *reply)
{
    (void)context;
    (void)request;
    reply->is_file = true;
    reply->file = open(path, O_RDONLY | O_CLOEXEC);
    reply->size = said;
    reply->type = "application/octet-stream";
}

static const struct api_route file_routes[] = {
    {"GET", "/file", answer_file}, {"GET", "/ok", answer_ok}, {NULL, NULL, NULL}};

static char byte_of(size_t at)
{
    return (char)(at % 251);
}

static int setup_file(void **state, int64_t turn_ns)
{
    static char bytes[BIG];
    const struct api_settings settings = {.turn_ns = turn_ns};
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = byte_of(i);
    said = BIG;
    snprintf(path, sizeof path, "/tmp/weir-file-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, BIG), BIG);
    close(fd);
    return setup_with(state, file_routes, &settings);
}

static int setup_plenty(void **state)
{
    return setup_file(state, 0);
}

static int setup_short(void **state)
{
    return setup_file(state, NS_PER_MS); /* less than all of it takes */
}

static int teardown_file(void **state)
{
    unlink(path);
    return teardown(state);
}

static int ask_file(const struct fixture *f)
{
    static const char request[] = "GET /file HTTP/1.1\r\n\r\n";
    int fd = reach(f);
    assert_true(say(fd, request, sizeof request - 1));
    return fd;
}

/* All that it said it would send. */
static void expect_file(int fd)
{
    size_t size;
    char *text = hear(fd, 10000, &size);
    expect_start(text, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n");
    assert_non_null(strstr(text, "\r\nContent-Length: 8388608\r\n"));
    const char *body = strstr(text, "\r\n\r\n") + 4;
    assert_int_equal(size - (size_t)(body - text), BIG);
    for (size_t i = 0; i < BIG; i++)
        if (body[i] != byte_of(i))
            fail_msg("byte %zu", i);
    free(text);
    close(fd);
}

static void test_a_file(void **state)
{
    struct fixture *f = *state;
    expect_file(ask_file(f));
    finish(f);
    assert_int_equal(f->counts.bad, 0);
    assert_int_equal(f->counts.waited, 0);
}

/* Between its pieces others are answered, and it has no more than its turns. */
static void test_a_file_waits_for_its_turn(void **state)
{
    struct fixture *f = *state;
    struct wtime began = wtime_now();
    int fd = ask_file(f);
    expect_alive(f);
    expect_file(fd);
    assert_true(wtime_now().ns - began.ns > NS_PER_S / 4);
}

static void test_so_many_at_once(void **state)
{
    struct fixture *f = *state;
    int fd[API_FILES];
    size_t size;
    for (size_t i = 0; i < API_FILES; i++) {
        fd[i] = ask_file(f);
        assert_int_equal(recv(fd[i], (char[1]){0}, 1, MSG_PEEK), 1); /* it is being sent */
    }
    int more = ask_file(f);
    char *text = hear(more, 10000, &size);
    expect_start(text, "HTTP/1.1 503 ");
    free(text);
    close(more);
    close(fd[0]); /* who goes away makes room */
    text = NULL;
    for (int i = 0; i < 500 && !text; i++) {
        more = ask_file(f);
        text = hear(more, 10000, &size);
        close(more);
        if (strncmp(text, "HTTP/1.1 200 ", 13) == 0)
            break;
        free(text);
        text = NULL;
        usleep(10000);
    }
    assert_non_null(text);
    free(text);
    for (size_t i = 1; i < API_FILES; i++)
        expect_file(fd[i]);
    finish(f);
    assert_true(f->counts.refused >= 1);
}

/* Who hears less than was said hears that something is missing. */
static void test_a_file_that_is_cut(void **state)
{
    struct fixture *f = *state;
    size_t size;
    said = BIG + 1;
    int fd = ask_file(f);
    char *text = hear(fd, 10000, &size);
    assert_non_null(strstr(text, "\r\nContent-Length: 8388609\r\n"));
    assert_true(size >= BIG && size < BIG + 512);
    free(text);
    close(fd);
    expect_alive(f);
}

static _Atomic bool holding = true;

static bool admit_all(void *context, struct api_request *request, struct api_reply *reply)
{
    (void)context;
    (void)reply;
    request->session = 7;
    return true;
}

static bool holds(void *context, uint64_t session)
{
    (void)context;
    return session == 7 && holding;
}

static int setup_guarded(void **state)
{
    static const struct api_guard guard = {NULL, admit_all, holds, ""};
    const struct api_settings settings = {.guard = &guard};
    int failed = setup_plenty(state); /* the file */
    teardown(state);
    holding = true;
    return failed ? failed : setup_with(state, file_routes, &settings);
}

/* What `change` does while it is being sent ends it. */
static void expect_end(struct fixture *f, void (*change)(void))
{
    size_t size;
    int fd = ask_file(f);
    assert_int_equal(recv(fd, (char[1]){0}, 1, MSG_PEEK), 1);
    change();
    char *text = hear(fd, 10000, &size);
    expect_start(text, "HTTP/1.1 200 ");
    assert_true(size < BIG);
    free(text);
    close(fd);
    expect_alive(f);
}

static void remove_it(void)
{
    assert_int_equal(unlink(path), 0);
}

static void log_out(void)
{
    holding = false;
}

static void test_a_file_that_is_removed(void **state)
{
    expect_end(*state, remove_it);
}

static void test_who_is_logged_out(void **state)
{
    expect_file(ask_file(*state));
    expect_end(*state, log_out);
}

int main(void)
{
#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, setup_plenty, teardown_file)
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_a_file),
        FILE_TEST(test_so_many_at_once),
        FILE_TEST(test_a_file_that_is_cut),
        FILE_TEST(test_a_file_that_is_removed),
        cmocka_unit_test_setup_teardown(test_who_is_logged_out, setup_guarded, teardown_file),
        cmocka_unit_test_setup_teardown(test_a_file_waits_for_its_turn, setup_short, teardown_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
