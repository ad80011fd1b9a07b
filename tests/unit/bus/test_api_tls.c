/* The API over TLS: handshakes wait for their turn as answers do, and who sends what is no data is
 * let go. What a peer can send of that by OpenSSL is in tests/unit/base/test_tls_client.c; here it
 * is one record in pieces of a byte. */
#include "api_case.h"

#include "weir/base/time.h"
#include "weir/base/tls.h"

#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>

#define ANSWER_MS 60

static char pem[64];
static struct tls_context *server_tls, *client_tls;

/* A key and a certificate of it, in one file. False: nobody makes one here. */
static bool make_certificate(void)
{
    char command[640];
    snprintf(pem, sizeof pem, "/tmp/weir-tls-XXXXXX");
    close(mkstemp(pem));
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=weir "
             "-days 2 -keyout %s.key -out %s 2>/dev/null && cat %s.key >>%s && rm %s.key",
             pem, pem, pem, pem, pem);
    return system(command) == 0; /* NOLINT: a path of ours */
}

static void answer_slowly(void *context, const struct api_request *request, struct api_reply *reply)
{
    answer_ok(context, request, reply);
    usleep(ANSWER_MS * 1000);
}

static const struct api_route slow_routes[] = {{"GET", "/ok", answer_slowly}, {NULL, NULL, NULL}};

static int setup_tls(void **state, int64_t turn_ns)
{
    struct error error = {0};
    const struct tls_settings trusting = {.verify = false};
    *state = NULL;
    if (!make_certificate())
        return 0;
    server_tls = tls_server_context_new(pem, NULL, &error);
    client_tls = tls_context_new(&trusting, &error);
    assert_non_null(server_tls);
    assert_non_null(client_tls);
    const struct api_settings settings = {.tls = server_tls, .turn_ns = turn_ns};
    return setup_with(state, slow_routes, &settings);
}

static int setup_plenty(void **state)
{
    return setup_tls(state, 0);
}

static int setup_short(void **state)
{
    return setup_tls(state, 25 * NS_PER_MS);
}

static int teardown_tls(void **state)
{
    int failed = *state ? teardown(state) : 0;
    tls_context_free(server_tls);
    tls_context_free(client_tls);
    server_tls = client_tls = NULL;
    unlink(pem);
    return failed;
}

static const char request[] = "GET /ok?a-path-of-some-length-that-is-more-than-64-bytes-of-a-record"
                              " HTTP/1.1\r\n\r\n";

/* On a blocking descriptor nothing is wanted. */
static void *ask_over_tls(void *fd)
{
    char reply[512] = "";
    size_t done;
    struct error error = {0};
    struct tls_client *client = tls_client_new(client_tls, *(const int *)fd, "weir", &error);
    bool good = client && tls_client_handshake(client, &error) == TLS_DONE &&
                tls_client_write(client, request, sizeof request - 1, &done, &error) == TLS_DONE;
    enum tls_result result = TLS_WANTS_READ;
    while (good && result == TLS_WANTS_READ) /* the tickets */
        result = tls_client_read(client, reply, sizeof reply - 1, &done, &error);
    tls_client_free(client);
    return good && strncmp(reply, "HTTP/1.1 200 ", 13) == 0 ? fd : NULL;
}

/* One answer takes more than two turns: who is there then has no handshake before the third, and is
 * answered. */
static void test_a_handshake_waits(void **state)
{
    struct fixture *f = *state;
    if (!f)
        skip();
    int second = reach(f), first = reach(f); /* both are taken before one asks */
    assert_non_null(ask_over_tls(&first));
    assert_non_null(ask_over_tls(&second));
    close(first);
    close(second);
    finish(f);
    assert_int_equal(f->counts.requests, 2);
    assert_int_equal(f->counts.bad, 0);
    assert_true(f->counts.waited >= 1);
}

/* --- pieces ----------------------------------------------------------------------------------- */

/* Carries what is there from one to the other. */
static void carry(int from, int to)
{
    char bytes[1 << 14];
    for (ssize_t got; (got = recv(from, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
        assert_int_equal(send(to, bytes, (size_t)got, MSG_NOSIGNAL), got);
}

/* Byte for byte, each when the other side has read the one before. False: it would not have it. */
static bool carry_pieces(int from, int to, size_t most)
{
    char byte;
    while (most-- > 0 && recv(from, &byte, 1, MSG_DONTWAIT) == 1) {
        if (send(to, &byte, 1, MSG_NOSIGNAL) != 1)
            return false;
        int unread = 1;
        for (int i = 0; i < 5000 && unread > 0; i++) {
            usleep(200);
            assert_int_equal(ioctl(to, SIOCOUTQ, &unread), 0);
        }
    }
    return true;
}

/* A client whose bytes pass through our hands. */
struct pieces {
    struct tls_client *client;
    int pair[2], fd;
};

static void begin_pieces(const struct fixture *f, struct pieces *p)
{
    struct error error = {0};
    p->fd = reach(f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->pair),
                     0);
    p->client = tls_client_new(client_tls, p->pair[0], "weir", &error);
    enum tls_result result = TLS_WANTS_READ;
    for (int i = 0; i < 10000 && result != TLS_DONE; i++) {
        result = tls_client_handshake(p->client, &error);
        carry(p->pair[1], p->fd);
        carry(p->fd, p->pair[1]);
        usleep(500);
    }
    assert_int_equal(result, TLS_DONE);
}

/* One record, all of it but its last bytes. False: the server has gone. */
static bool send_record(const struct pieces *p, const char *text, size_t size, size_t without)
{
    size_t done;
    int waits = 0;
    struct error error = {0};
    assert_int_equal(tls_client_write(p->client, text, size, &done, &error), TLS_DONE);
    assert_int_equal(ioctl(p->pair[1], FIONREAD, &waits), 0);
    return carry_pieces(p->pair[1], p->fd, (size_t)waits - without);
}

static void end_pieces(const struct pieces *p)
{
    char byte;
    struct pollfd gone = {.fd = p->fd, .events = POLLIN};
    do
        assert_int_equal(poll(&gone, 1, 3000), 1); /* and not by the 5 s of a request */
    while (recv(p->fd, &byte, 1, 0) == 1);
    tls_client_free(p->client);
    close(p->pair[0]);
    close(p->pair[1]);
    close(p->fd);
}

static void test_a_record_in_pieces(void **state)
{
    struct fixture *f = *state;
    struct pieces p;
    if (!f)
        skip();
    begin_pieces(f, &p);
    send_record(&p, request, sizeof request - 1, 1);
    end_pieces(&p);
    finish(f);
    assert_int_equal(f->counts.requests, 0);
    assert_int_equal(f->counts.bad, 1);
}

/* Whole records of one byte, each in pieces: data between them buys no more of what is none. */
static void test_data_between_pieces(void **state)
{
    struct fixture *f = *state;
    struct pieces p;
    size_t records = 0;
    if (!f)
        skip();
    begin_pieces(f, &p);
    while (records < sizeof request - 2 && send_record(&p, request + records, 1, 0))
        records++;
    assert_in_range(records, 2, 6); /* 22 pieces of a record and no data, 64 in all */
    end_pieces(&p);
    finish(f);
    assert_int_equal(f->counts.requests, 0);
    assert_int_equal(f->counts.bad, 1);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_handshake_waits, setup_short, teardown_tls),
        cmocka_unit_test_setup_teardown(test_a_record_in_pieces, setup_plenty, teardown_tls),
        cmocka_unit_test_setup_teardown(test_data_between_pieces, setup_plenty, teardown_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
