/* The rows about tunnels: where each begins to speak, its score, and what it says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

static struct detect_config config;
static struct destination destination = {.role = ROLE_CLIENT, .name = "203.0.113.0/24"};

static bool ask_names(const struct asked_names *asked, struct finding *finding)
{
    struct subject subject = {.kind = SUBJECT_QUESTIONS, .config = &config, .asked = asked};
    return ask("tunnel.dns", &subject, finding);
}

static struct asked_names names_of(double bytes)
{
    return (struct asked_names){.domain = "example.jp",
                                .clients = 1,
                                .names_bytes = bytes,
                                .names = 100,
                                .unexplained = 90,
                                .questions = 120,
                                .from = {0},
                                .until = {90 * NS_PER_MIN}};
}

/* 70 + 15·log10(bytes / 4,000), rounded down. */
static void dns_from_4_kilobytes(void **state)
{
    static const struct {
        double bytes;
        int score;
    } expected[] = {{4000, 70}, {8000, 74}, {12650, 77}, {40000, 85}, {400000, 100}, {9e9, 100}};
    struct asked_names asked = names_of(3999);
    struct finding finding;
    (void)state;
    assert_false(ask_names(&asked, &finding));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        asked = names_of(expected[i].bytes);
        assert_true(ask_names(&asked, &finding));
        assert_int_equal(finding.score, expected[i].score);
        assert_true(finding.evidence == expected[i].bytes && finding.needs == 4000);
        assert_true(finding.p == 0 && finding.reason_count == 1);
    }
    asked = names_of(4000);
    assert_true(ask_names(&asked, &finding));
    assert_string_equal(finding.reason[0].code, "tunnel.dns.names");
    assert_has(finding.reason[0].text, "about 4.0 kB in 120 questions (90 distinct names that led "
                                       "to no connection) for example.jp within 90 min");
}

static void dns_says_what_came_back(void **state)
{
    struct asked_names asked = names_of(5000);
    struct finding finding;
    (void)state;
    asked.answer_bytes = 61000;
    asked.odd_answers = 77;
    assert_true(ask_names(&asked, &finding));
    assert_int_equal(finding.reason_count, 2);
    assert_string_equal(finding.reason[1].code, "tunnel.dns.answers");
    assert_has(finding.reason[1].text, "61 kB came back in answers, 77 of them");
}

/* Order alone needs four times as much, a service of the site sixteen times; not where the server
 * is the client's own. All clients together: two at least, and twice as much. */
static void dns_needs_more_of_the_usual(void **state)
{
    struct finding finding;
    struct asked_names asked = names_of(1000);
    (void)state;
    asked.order_bytes = 14999;
    assert_false(ask_names(&asked, &finding));
    asked.order_bytes = 15000;
    assert_true(ask_names(&asked, &finding));
    assert_true(finding.needs == 16000);
    asked = names_of(63999);
    asked.widely = true;
    assert_false(ask_names(&asked, &finding));
    asked.own_server = true;
    assert_true(ask_names(&asked, &finding));
    asked = names_of(64000);
    asked.widely = true;
    assert_true(ask_names(&asked, &finding));
    asked = names_of(7999);
    asked.all_clients = true;
    asked.clients = 2;
    assert_false(ask_names(&asked, &finding));
    asked.names_bytes = 8000;
    assert_true(ask_names(&asked, &finding));
    assert_string_equal(finding.reason[0].code, "tunnel.dns.all_clients");
    assert_has(finding.reason[0].text, "by 2 clients together");
    asked.clients = 1;
    assert_false(ask_names(&asked, &finding));
    asked.clients = 500;
    asked.widely = true;
    asked.names_bytes = 1999999; /* 4 kB each */
    assert_false(ask_names(&asked, &finding));
    asked.names_bytes = 2000000;
    assert_true(ask_names(&asked, &finding));
}

static bool ask_echoes(uint64_t bytes, uint64_t payloads, struct finding *finding)
{
    struct echoes echoes = {bytes, payloads};
    struct subject subject = {
        .kind = SUBJECT_ECHOES, .config = &config, .destination = &destination, .echoes = &echoes};
    return ask("tunnel.icmp", &subject, finding);
}

/* More than 64 KiB a day or 100 payloads an hour: 65, +15 a decade. */
static void icmp_by_bytes_or_payloads(void **state)
{
    struct finding finding;
    (void)state;
    assert_false(ask_echoes(65536, 100, &finding));
    assert_true(ask_echoes(65537, 0, &finding));
    assert_int_equal(finding.score, 65);
    assert_string_equal(finding.reason[0].code, "tunnel.icmp.bytes");
    assert_true(ask_echoes(0, 101, &finding));
    assert_string_equal(finding.reason[0].code, "tunnel.icmp.payloads");
    assert_string_equal(finding.needs_unit, "payload");
    assert_true(ask_echoes(655360, 100, &finding));
    assert_int_equal(finding.score, 80);
    assert_has(finding.reason[0].text, "655 kB left for 203.0.113.0/24");
    assert_true(ask_echoes(65537, 10000, &finding)); /* what exceeds its floor most */
    assert_int_equal(finding.score, 95);
    assert_has(finding.reason[0].text, "10,000 different ICMP echo payloads");
}

static bool ask_flow(const char *id, const struct spoken *spoken, enum baseline_state baseline,
                     struct finding *finding)
{
    struct ip ip = ip_from_v4((const uint8_t[]){10, 0, 0, 1});
    struct profile *profile = profile_new(&ip, 0);
    struct subject subject = {.kind = SUBJECT_FLOW,
                              .config = &config,
                              .host = profile,
                              .destination = &destination,
                              .state = baseline,
                              .spoken = spoken};
    bool found = ask(id, &subject, finding);
    profile_free(profile);
    return found;
}

static bool ask_port(enum service service, uint16_t port, struct finding *finding)
{
    struct spoken spoken = {
        .service = service, .port = port, .application = "", .alpn = "", .names_server = true};
    return ask_flow("protocol.mismatch", &spoken, BASELINE_LEARNING, finding);
}

static void ports_promise(void **state)
{
    struct finding finding;
    (void)state;
    assert_true(ask_port(SERVICE_SSH, 443, &finding));
    assert_int_equal(finding.score, 65);
    assert_has(finding.reason[0].text, "ssh was spoken with port 443 of 203.0.113.0/24, which is "
                                       "for tls");
    assert_true(ask_port(SERVICE_HTTP, 53, &finding));
    assert_int_equal(finding.score, 55);
    assert_true(ask_port(SERVICE_TLS, 22, &finding));
    assert_true(ask_port(SERVICE_DNS, 80, &finding));
    assert_false(ask_port(SERVICE_TLS, 443, &finding));
    assert_false(ask_port(SERVICE_QUIC, 443, &finding));
    assert_false(ask_port(SERVICE_SMTP, 25, &finding));
    assert_false(ask_port(SERVICE_SSH, 2222, &finding));    /* promises nothing */
    assert_false(ask_port(SERVICE_NONE, 443, &finding));    /* not known */
    assert_false(ask_port(SERVICE_FTP_DATA, 80, &finding)); /* anybody's choice */
}

static void http3_names_its_server(void **state)
{
    struct spoken spoken = {.service = SERVICE_QUIC, .port = 443, .application = "", .alpn = "h3"};
    struct finding finding;
    (void)state;
    assert_true(ask_flow("protocol.mismatch", &spoken, BASELINE_LEARNING, &finding));
    assert_string_equal(finding.reason[0].code, "protocol.mismatch.nameless");
    spoken.names_server = true;
    assert_false(ask_flow("protocol.mismatch", &spoken, BASELINE_LEARNING, &finding));
    spoken.names_server = false;
    spoken.alpn = "doq";
    assert_false(ask_flow("protocol.mismatch", &spoken, BASELINE_LEARNING, &finding));
    spoken.alpn = "";
    assert_false(ask_flow("protocol.mismatch", &spoken, BASELINE_LEARNING, &finding));
    spoken.service = SERVICE_TLS;
    spoken.alpn = "h3";
    assert_false(ask_flow("protocol.mismatch", &spoken, BASELINE_LEARNING, &finding));
}

static void tunnels_new_for_a_host(void **state)
{
    struct spoken spoken = {
        .port = 51820, .application = "wireguard", .alpn = "", .application_is_new = true};
    struct finding finding;
    (void)state;
    assert_true(ask_flow("tunnel.new", &spoken, BASELINE_READY, &finding));
    assert_int_equal(finding.score, 60);
    assert_has(finding.reason[0].text, "wireguard with 203.0.113.0/24, port 51820");
    assert_false(ask_flow("tunnel.new", &spoken, BASELINE_LEARNING, &finding));
    spoken.application = "doh";
    assert_true(ask_flow("tunnel.new", &spoken, BASELINE_READY, &finding));
    assert_int_equal(finding.score, 50);
    assert_string_equal(finding.reason[0].code, "tunnel.new.dns");
    spoken.application = "irc";
    assert_false(ask_flow("tunnel.new", &spoken, BASELINE_READY, &finding));
    spoken.application = "tor";
    spoken.application_is_new = false;
    assert_false(ask_flow("tunnel.new", &spoken, BASELINE_READY, &finding));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dns_from_4_kilobytes),
        cmocka_unit_test(dns_says_what_came_back),
        cmocka_unit_test(dns_needs_more_of_the_usual),
        cmocka_unit_test(icmp_by_bytes_or_payloads),
        cmocka_unit_test(ports_promise),
        cmocka_unit_test(http3_names_its_server),
        cmocka_unit_test(tunnels_new_for_a_host),
    };
    config = detect_config_default();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
