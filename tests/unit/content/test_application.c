/* What libndpi is asked, when, and what becomes of its answer. */
#include "bytes.h"
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORIG SIDE_ORIG
#define RESP SIDE_RESP
#define ASK  4096 /* bytes of one side */

static struct conversation c;
static uint16_t port; /* a new one for each conversation */

static int setup(void **state)
{
    (void)state;
    port = 40000;
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

/* Binary that is nothing, in segments. */
static void say_noise(enum flow_side from, size_t size)
{
    static uint8_t data[65536];
    static uint32_t x = 2463534242u;
    for (size_t i = 0; data[sizeof data - 1] == 0 && i < sizeof data; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        data[i] = (uint8_t)(x | 0x80);
    }
    say_cut(&c, from, data, size, 1400);
}

static struct health health(void)
{
    struct health h = {0};
    content_health(c.content, &h);
    return h;
}

static const char *application(void)
{
    return content_get_facts(c.flow).text[TEXT_APPLICATION];
}

static void say_vnc(void)
{
    say_text(&c, RESP, "RFB 003.008\n");
    say_text(&c, ORIG, "RFB 003.008\n");
}

static void test_named_when_it_weighs(void **state)
{
    (void)state;
    handshake(&c, port++, 7777);
    say_vnc();
    say_noise(RESP, ASK - 13);
    assert_int_equal(health().applications_asked, 0);
    assert_string_equal(application(), "");
    say_noise(RESP, 1);
    assert_int_equal(health().applications_asked, 1);
    assert_int_equal(health().applications_named, 1);
    assert_string_equal(application(), "vnc");
    assert_int_equal(content_get_facts(c.flow).service, SERVICE_NONE);
    say_noise(ORIG, 2 * ASK);
    assert_int_equal(health().applications_asked, 1); /* once */
}

static void test_unknown(void **state)
{
    (void)state;
    struct health before = health();
    handshake(&c, port++, 7777);
    say_noise(ORIG, ASK);
    assert_int_equal(health().applications_asked, before.applications_asked + 1);
    assert_int_equal(health().applications_named, before.applications_named);
    assert_string_equal(application(), "");
}

/* A port says nothing: noise to a mail server's, to a desktop's, to a printer's is noise. */
static void test_ports(void **state)
{
    static const uint16_t ports[] = {25, 443, 3389, 5900, 9100, 6667};
    (void)state;
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        handshake(&c, port++, ports[i]);
        say_noise(ORIG, ASK);
        assert_string_equal(application(), "");
    }
}

static void test_service_is_not_asked(void **state)
{
    (void)state;
    struct health before = health();
    handshake(&c, port++, 8080);
    say_text(&c, ORIG, "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9000\r\n\r\n");
    say_noise(ORIG, 9000);
    handshake(&c, port++, 2222);
    say_text(&c, ORIG, "SSH-2.0-x\r\n");
    say_noise(ORIG, 9000);
    assert_int_equal(health().applications_asked, before.applications_asked);
}

static void test_udp(void **state)
{
    static const char call[] = "INVITE sip:b@example.com SIP/2.0\r\n"
                               "Via: SIP/2.0/UDP a.example.com:5060;branch=z9hG4bK776asdhds\r\n"
                               "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n"
                               "Call-ID: 1@a.example.com\r\nCSeq: 1 INVITE\r\n\r\n";
    (void)state;
    begin(&c, PROTO_UDP, port++, 7777);
    for (int i = 0; i < 60; i++)
        say_text(&c, ORIG, call);
    assert_string_equal(application(), "sip");
}

/* Who opened it turns out to be the other: what is kept turns with it. */
static void test_swapped(void **state)
{
    (void)state;
    handshake(&c, port++, 7777);
    say_vnc();
    content_swapped(c.content, c.flow);
    c.other_way = true;
    say_noise(RESP, ASK);
    c.other_way = false;
    assert_string_equal(application(), "vnc");
    content_swapped(c.content, c.flow);
}

/* A stream that came in another order is shown in its own. */
static void test_out_of_order(void **state)
{
    (void)state;
    handshake(&c, port++, 7777);
    say_text(&c, RESP, "RFB 003.008\n");
    lose(&c, ORIG, 12);
    say_noise(ORIG, 100);
    c.next[ORIG] -= 112;
    say_text(&c, ORIG, "RFB 003.008\n");
    c.next[ORIG] += 100;
    say_noise(RESP, ASK);
    assert_string_equal(application(), "vnc");
}

/* Past the room for all flows together some are not asked about, and counted; it comes back. */
static void test_room(void **state)
{
    (void)state;
    struct health before = health();
    for (uint32_t i = 0; i < 8400; i++) {
        begin(&c, PROTO_UDP, (uint16_t)(2000 + i), 7777);
        for (int n = 0; n < 4; n++)
            say_noise(ORIG, 600);
    }
    assert_true(health().applications_unasked > before.applications_unasked);
    finish(&c);
    before = health();
    begin(&c, PROTO_UDP, port++, 7777);
    for (int n = 0; n < 7; n++)
        say_noise(ORIG, 600);
    assert_int_equal(health().applications_asked, before.applications_asked + 1);
    assert_int_equal(health().applications_unasked, before.applications_unasked);
}

/* In libndpi's place: it, unless it is to be out of memory. */
static bool no_ndpi;
void *ndpi_init_detection_module(uint32_t preferences);
void *ndpi_init_detection_module(uint32_t preferences)
{
    void *(*real)(uint32_t);
    *(void **)(void *)&real = dlsym(RTLD_NEXT, "ndpi_init_detection_module");
    return no_ndpi ? NULL : real(preferences);
}

/* The first flow that it is asked about begins it: where that fails, the process says so and ends.
 */
static void test_cannot_begin(void **state)
{
    char said[512] = "";
    int ends[2], status = 0;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        if (dup2(ends[1], STDERR_FILENO) < 0)
            _exit(2);
        no_ndpi = true;
        handshake(&c, port++, 7777);
        say_noise(RESP, ASK);
        _exit(3);
    }
    close(ends[1]);
    for (ssize_t got, size = 0;
         (got = read(ends[0], said + size, sizeof said - 1 - (size_t)size)) > 0;)
        size += got;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_string_equal(said, "weir: libndpi cannot be initialised\n");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cannot_begin), /* before another begins it */
        cmocka_unit_test(test_named_when_it_weighs),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_service_is_not_asked),
        cmocka_unit_test(test_udp),
        cmocka_unit_test(test_swapped),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
