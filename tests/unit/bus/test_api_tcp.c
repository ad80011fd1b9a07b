/* The API on a TCP port: which places are places, that it answers there as it does elsewhere, and
 * what is said of a port that somebody else has. */
#include "api_case.h"

#include "../../../sensor/bus/api_local.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

static void test_places(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } row[] = {
        {"127.0.0.1:9477", true},
        {"0.0.0.0:1", true},
        {"[::1]:65535", true},
        {"[2001:db8::1]:9477", true},
        {"", false},
        {":9477", false},
        {"127.0.0.1", false},
        {"127.0.0.1:", false},
        {"127.0.0.1:0", false},
        {"127.0.0.1:65536", false},
        {"127.0.0.1:165535", false},
        {"127.0.0.1:9477x", false},
        {"127.0.0.1:+9477", false},
        {"127.0.0.1: 9477", false},
        {"::1:9477", false},
        {"[]:9477", false},
        {"[::1:9477", false},
        {"[127.0.0.1]:9477", false},
        {"localhost:9477", false},
        {"[2001:db8:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:9477", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (api_is_place(row[i].text) != row[i].is)
            fail_msg("\"%s\"", row[i].text);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

/* A port that nobody has now. */
static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    uint16_t port = port_of(fd);
    close(fd);
    return port;
}

static int reach_port(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void test_answers(void **state)
{
    static const char request[] = "GET /ok?a HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f = {.running = true};
    struct error error = {0};
    char place[32], reply[512];
    size_t size = 0;
    uint16_t port = free_port();
    (void)state;
    snprintf(place, sizeof place, "127.0.0.1:%u", port);
    f.listener = api_listen_tcp(place, &error);
    assert_true(f.listener >= 0);
    assert_int_equal(api_listen_tcp(place, &error), -1);
    assert_int_equal(error.code, ERROR_RUN);
    assert_non_null(strstr(error.message, place));
    assert_int_equal(pipe(f.stop), 0);
    assert_int_equal(pthread_create(&f.thread, NULL, serve, &f), 0);
    int fd = reach_port(port);
    assert_true(say(fd, request, sizeof request - 1));
    for (ssize_t got; (got = read(fd, reply + size, sizeof reply - 1 - size)) > 0;)
        size += (size_t)got;
    reply[size] = '\0';
    close(fd);
    assert_memory_equal(reply, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(reply, "\r\n\r\nGET /ok?a"));
    finish(&f);
    assert_int_equal(f.counts.requests, 1);
    close(f.stop[0]);
    close(f.stop[1]);
}

/* An address of this machine that is not the loopback's: what is sent to it stays here. */
static bool own_address(struct sockaddr_in *address)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
        if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET)
            continue;
        memcpy(address, one->ifa_addr, sizeof *address);
        found = ntohl(address->sin_addr.s_addr) >> 24 != 127;
    }
    freeifaddrs(all);
    return found;
}

/* One address takes its share of the connections, and whoever is on the machine is heard beside it.
 */
static void test_one_address(void **state)
{
    struct fixture f = {.running = true};
    struct sockaddr_in address;
    struct error error = {0};
    char place[32];
    int fd[API_CLIENTS_EACH + 1];
    size_t size;
    (void)state;
    if (!own_address(&address))
        skip();
    uint16_t port = free_port();
    snprintf(place, sizeof place, "0.0.0.0:%u", port);
    f.listener = api_listen_tcp(place, &error);
    assert_true(f.listener >= 0);
    assert_int_equal(pipe(f.stop), 0);
    assert_int_equal(pthread_create(&f.thread, NULL, serve, &f), 0);
    address.sin_port = htons(port);
    for (int i = 0; i <= API_CLIENTS_EACH; i++) {
        fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd[i], (const struct sockaddr *)&address, sizeof address), 0);
    }
    char *text = hear(fd[API_CLIENTS_EACH], 5000, &size);
    expect_start(text, "HTTP/1.1 503 ");
    free(text);
    int here = reach_port(port);
    assert_true(say(here, "GET /ok HTTP/1.1\r\n\r\n", 20));
    text = hear(here, 5000, &size);
    expect_start(text, "HTTP/1.1 200 ");
    free(text);
    close(here);
    for (int i = 0; i <= API_CLIENTS_EACH; i++)
        close(fd[i]);
    finish(&f);
    assert_int_equal(f.counts.refused, 1);
    close(f.stop[0]);
    close(f.stop[1]);
}

static void test_who_is_one_client(void **state)
{
    static const struct {
        const char *one, *other;
        bool same;
    } row[] = {
        {"192.0.2.1", "192.0.2.1", true},       {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8::1", "2001:db8::f:2", true}, {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
        {"2001:db8::1", "192.0.2.1", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct ip one, other;
        assert_int_equal(ip_parse(row[i].one, &one), 0);
        assert_int_equal(ip_parse(row[i].other, &other), 0);
        if (api_is_same_client(&one, &other) != row[i].same)
            fail_msg("%s and %s", row[i].one, row[i].other);
    }
}

static void test_no_place(void **state)
{
    struct error error = {0};
    (void)state;
    assert_int_equal(api_listen_tcp("localhost:80", &error), -1);
    assert_int_equal(error.code, ERROR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places), cmocka_unit_test(test_answers),
        cmocka_unit_test(test_one_address), cmocka_unit_test(test_who_is_one_client),
        cmocka_unit_test(test_no_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
