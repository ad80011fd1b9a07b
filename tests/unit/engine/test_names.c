/* A server name becomes a destination only when a seen answer ties its registrable domain to the
 * address. The expected domains are the Public Suffix List's. */
#include "records.h"

#include "../mmdb.h"

#include "../../../sensor/engine/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int set_up(void **state)
{
    static struct names names;
    static struct suffixes *suffixes;
    suffixes = suffixes_new();
    assert_non_null(suffixes);
    names_init(&names, suffixes, NULL);
    *state = &names;
    return 0;
}

static int tear_down(void **state)
{
    struct names *names = *state;
    struct suffixes *suffixes = NULL;
    memcpy(&suffixes, &names->suffixes, sizeof suffixes); /* ours, borrowed as const */
    names_fini(names);
    suffixes_free(suffixes);
    return 0;
}

static void answer(struct names *names, const char *name, const char *address)
{
    union any_record record;
    struct ip ip = make_ip(address);
    make_question(&record, 1, 900, name);
    names_learn(names, &record.name);
    make_answer(&record, 1, 1000, name, &ip, 1);
    names_learn(names, &record.name);
}

/* What nobody asked for proves nothing, nor does a refusal, nor the same answer a second time. */
static void test_an_answer_needs_a_question(void **state)
{
    struct names *names = *state;
    union any_record record;
    struct ip ip = make_ip("198.51.100.9");
    make_answer(&record, 1, 1000, "www.example.jp", &ip, 1);
    names_learn(names, &record.name);
    assert_int_equal(names->addresses.young.count, 0);
    make_question(&record, 2, 1100, "other.example.jp");
    names_learn(names, &record.name);
    make_answer(&record, 3, 1200, "www.example.jp", &ip, 1);
    names_learn(names, &record.name);
    assert_int_equal(names->addresses.young.count, 0);
    make_answer(&record, 4, 1300, "other.example.jp", &ip, 1);
    record.name.rcode = 3;
    names_learn(names, &record.name);
    assert_int_equal(names->addresses.young.count, 0);
    record.name.rcode = 0;
    names_learn(names, &record.name);
    assert_int_equal(names->addresses.young.count, 0);
}

/* `is`: what it is; NULL: a name's word is taken for once. */
static void expect_guess(struct names *names, const char *server_name, const struct ip *remote,
                         const struct destination *is)
{
    struct destination guess;
    bool guessed = names_guess(names, server_name, remote, &guess);
    if (!is)
        return;
    assert_int_equal(guessed, !names->networks || is->kind == DESTINATION_DOMAIN);
    if (!guessed)
        return;
    assert_string_equal(guess.name, is->name);
    assert_int_equal(guess.kind, is->kind);
    assert_int_equal(guess.role, is->role);
}

static void expect_with(struct names *names, const char *server_name, const char *certificate,
                        const char *remote, enum destination_kind kind, const char *name,
                        bool unverified)
{
    struct ip ip = make_ip(remote);
    bool said = !unverified;
    struct destination destination = names_destination(names, server_name, certificate, &ip, &said);
    assert_int_equal(destination.role, ROLE_CLIENT);
    assert_string_equal(destination.name, name);
    assert_int_equal(destination.kind, kind);
    assert_int_equal(said, unverified);
    expect_guess(names, server_name, &ip, unverified ? NULL : &destination);
}

#ifdef WEIR_HAVE_MAXMINDDB
/* Where the operator has a database, what no name stands for is its network, not a prefix. */
static void test_an_autonomous_system(void **state)
{
    struct names *names = *state;
    static struct mmdb db;
    char path[] = "/tmp/weir-names-XXXXXX";
    struct error error = {0};
    struct ip mapped = make_ip("198.51.100.0");
    mmdb_begin(&db);
    mmdb_put_map(&db, 1);
    mmdb_put_text(&db, "autonomous_system_number");
    mmdb_put_number(&db, 6, 64500);
    memset(mapped.byte, 0, 12);
    mmdb_prefix(&db, mapped.byte, 96 + 24, 0);
    close(mkstemp(path));
    assert_true(mmdb_write(&db, path));
    struct networks *networks = networks_open(path, &error);
    assert_non_null(networks);
    names->networks = networks;
    answer(names, "www.example.jp", "198.51.100.9");
    expect_with(names, "", NULL, "198.51.100.8", DESTINATION_AS, "AS64500", false);
    expect_with(names, "www.example.com", NULL, "198.51.100.8", DESTINATION_AS, "AS64500", true);
    expect_with(names, "www.example.jp", NULL, "198.51.100.9", DESTINATION_DOMAIN, "example.jp",
                false);
    expect_with(names, "", NULL, "198.51.101.8", DESTINATION_PREFIX, "198.51.101.0/24", false);
    names->networks = NULL;
    networks_close(networks);
    unlink(path);
}
#endif

static void expect(struct names *names, const char *server_name, const char *remote,
                   enum destination_kind kind, const char *name, bool unverified)
{
    expect_with(names, server_name, NULL, remote, kind, name, unverified);
}

/* An answer of the attacker's own resolver ties the name; the server's certificate unties it. */
static void test_a_certificate_for_others(void **state)
{
    struct names *names = *state;
    static const char there[] = "198.51.100.9", prefix[] = "198.51.100.0/24";
    static const struct {
        const char *certificate;
        bool holds;
    } row[] = {
        {NULL, true},
        {"", false},
        {"mallory.example", false},
        {"mallory.example,*.mallory.example,198.51.100.9", false},
        {"notexample.jp,example.jp.mallory.example,jp", false},
        {"mallory.example,mail.example.jp", true},
        {"*.example.jp", true},
        {"example.jp", true},
    };
    answer(names, "www.example.jp", there);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        expect_with(names, "www.example.jp", row[i].certificate, there,
                    row[i].holds ? DESTINATION_DOMAIN : DESTINATION_PREFIX,
                    row[i].holds ? "example.jp" : prefix, !row[i].holds);
    /* It proves nothing of a name that no answer ties; without a name there is none to doubt. */
    expect_with(names, "www.example.com", "www.example.com", there, DESTINATION_PREFIX, prefix,
                true);
    expect_with(names, "", "mallory.example", there, DESTINATION_PREFIX, prefix, false);
}

static void test_a_name_that_was_answered(void **state)
{
    struct names *names = *state;
    answer(names, "www.example.co.jp", "198.51.100.9");
    expect(names, "www.example.co.jp", "198.51.100.9", DESTINATION_DOMAIN, "example.co.jp", false);
    expect(names, "mail.example.co.jp", "198.51.100.9", DESTINATION_DOMAIN, "example.co.jp", false);
}

static void test_a_name_alone_is_the_attackers_choice(void **state)
{
    struct names *names = *state;
    expect(names, "www.example.co.jp", "198.51.100.9", DESTINATION_PREFIX, "198.51.100.0/24", true);
    answer(names, "www.example.co.jp", "198.51.100.9");
    expect(names, "www.example.co.jp", "198.51.100.10", DESTINATION_PREFIX, "198.51.100.0/24",
           true);
    expect(names, "www.example.com", "198.51.100.9", DESTINATION_PREFIX, "198.51.100.0/24", true);
    expect(names, "", "198.51.100.9", DESTINATION_PREFIX, "198.51.100.0/24", false);
}

static void test_names_without_a_registrable_domain(void **state)
{
    struct names *names = *state;
    static const char *const name[] = {"co.jp", "localhost", "198.51.100.9", "nas.lan"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        answer(names, name[i], "198.51.100.9");
        expect(names, name[i], "198.51.100.9", DESTINATION_PREFIX, "198.51.100.0/24", true);
    }
}

/* Two customers of one hoster are two destinations. */
static void test_private_suffixes(void **state)
{
    struct names *names = *state;
    answer(names, "alice.github.io", "198.51.100.9");
    expect(names, "alice.github.io", "198.51.100.9", DESTINATION_DOMAIN, "alice.github.io", false);
    expect(names, "mallory.github.io", "198.51.100.9", DESTINATION_PREFIX, "198.51.100.0/24", true);
}

static void test_ipv6(void **state)
{
    struct names *names = *state;
    expect(names, "", "2001:db8:1:2::3", DESTINATION_PREFIX, "2001:db8:1::/48", false);
    answer(names, "www.example.jp", "2001:db8:1:2::3");
    expect(names, "www.example.jp", "2001:db8:1:2::3", DESTINATION_DOMAIN, "example.jp", false);
}

static void test_every_address_of_an_answer(void **state)
{
    struct names *names = *state;
    union any_record record;
    struct ip ip[3] = {make_ip("192.0.2.1"), make_ip("192.0.2.2"), make_ip("2001:db8::7")};
    make_question(&record, 1, 900, "cdn.example.net");
    names_learn(names, &record.name);
    make_answer(&record, 1, 1000, "cdn.example.net", ip, 3);
    names_learn(names, &record.name);
    expect(names, "cdn.example.net", "192.0.2.1", DESTINATION_DOMAIN, "example.net", false);
    expect(names, "cdn.example.net", "192.0.2.2", DESTINATION_DOMAIN, "example.net", false);
    expect(names, "cdn.example.net", "2001:db8::7", DESTINATION_DOMAIN, "example.net", false);
}

/* "www.shop.example" is an alias of "shop.cdn.example.net", which has the address. */
static void answer_alias(struct names *names, bool asked)
{
    static const char tail[] = "www.shop.jp\24shop.cdn.example.net";
    union any_record record;
    struct ip ip = make_ip("198.51.100.9");
    make_question(&record, 1, 900, "www.shop.jp");
    if (asked)
        names_learn(names, &record.name);
    make_answer(&record, 1, 1000, "www.shop.jp", &ip, 1);
    record.name.alias_count = 1;
    memcpy(record.name.tail + sizeof ip, tail, sizeof tail - 1);
    finish_record(&record, RECORD_NAME, 1, 1000, sizeof record.name, sizeof ip + sizeof tail - 1);
    assert_int_equal(record_validate(&record, record.header.size), RECORD_OK);
    names_learn(names, &record.name);
}

static void test_aliases_have_the_address_too(void **state)
{
    struct names *names = *state;
    answer_alias(names, false);
    assert_int_equal(names->addresses.young.count, 0);
    answer_alias(names, true);
    expect(names, "www.shop.jp", "198.51.100.9", DESTINATION_DOMAIN, "shop.jp", false);
    expect(names, "shop.cdn.example.net", "198.51.100.9", DESTINATION_DOMAIN, "example.net", false);
    expect(names, "www.example.com", "198.51.100.9", DESTINATION_PREFIX, "198.51.100.0/24", true);
    struct ip ip = make_ip("198.51.100.9");
    const struct address_names *known = map_get(&names->addresses.young, &ip, sizeof ip);
    assert_string_equal(known->domain[0], "shop.jp");
    assert_string_equal(known->domain[1], "example.net");
    assert_null(known->domain[2]);
}

/* Some other name is told at that time. */
static void pass_until(struct names *names, int64_t time_ns)
{
    union any_record record;
    make_question(&record, 1, time_ns, "clock.example");
    names_learn(names, &record.name);
}

static void test_an_answer_does_not_vouch_for_ever(void **state)
{
    struct names *names = *state;
    const int64_t life_ns = NAMES_ADDRESS_LIFE_NS;
    answer(names, "www.example.co.jp", "198.51.100.9");
    answer(names, "www.example.com", "198.51.100.9");
    pass_until(names, 1000 + life_ns);
    expect(names, "www.example.com", "198.51.100.9", DESTINATION_DOMAIN, "example.com", false);
    pass_until(names, 1000 + life_ns + 1); /* the one that was relied upon lives on */
    expect(names, "www.example.com", "198.51.100.9", DESTINATION_DOMAIN, "example.com", false);
    expect(names, "www.example.co.jp", "198.51.100.9", DESTINATION_PREFIX, "198.51.100.0/24", true);
}

/* The newest eight domains of an address; seen again is new again. */
static void test_eight_domains_an_address(void **state)
{
    struct names *names = *state;
    char name[32];
    for (int i = 0; i < NAMES_OF_ADDRESS; i++) {
        snprintf(name, sizeof name, "www.example%d.jp", i);
        answer(names, name, "192.0.2.1");
    }
    answer(names, "example0.jp", "192.0.2.1"); /* renewed: example1 is the oldest now */
    answer(names, "www.example8.jp", "192.0.2.1");
    for (int i = 0; i <= NAMES_OF_ADDRESS; i++) {
        snprintf(name, sizeof name, "www.example%d.jp", i);
        if (i == 1)
            expect(names, name, "192.0.2.1", DESTINATION_PREFIX, "192.0.2.0/24", true);
        else
            expect(names, name, "192.0.2.1", DESTINATION_DOMAIN, name + 4, false);
    }
}

static void test_names_of_flows(void **state)
{
    struct names *names = *state;
    union any_record record;
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 443);
    struct flow_key other = make_flow_key("10.0.0.1", 40001, "192.0.2.1", 443);
    assert_string_equal(names_of_flow(names, &key), "");
    make_server_name(&record, 1, 1000, &key, "www.example.jp");
    names_learn(names, &record.name);
    make_server_name(&record, 2, 1001, &key, "api.example.jp");
    names_learn(names, &record.name); /* the first one names the flow, as its own records do */
    assert_string_equal(names_of_flow(names, &key), "www.example.jp");
    assert_string_equal(names_of_flow(names, &other), "");
    names_flow_ended(names, &other);
    assert_string_equal(names_of_flow(names, &key), "www.example.jp");
    names_flow_ended(names, &key);
    assert_string_equal(names_of_flow(names, &key), "");
}

static const char *numbered(uint32_t number, char text[32])
{
    snprintf(text, 32, "198.%u.%u.%u", 18 + (number >> 16), (number >> 8) & 255, number & 255);
    return text;
}

/* Two generations are remembered: what is asked for moves to the younger one, the rest goes. */
static void test_generations(void **state)
{
    struct names *names = *state;
    char text[32];
    answer(names, "www.example.jp", "192.0.2.1");
    answer(names, "www.example.jp", "192.0.2.2");
    for (uint32_t i = 0; i < NAMES_GENERATION; i++)
        answer(names, "www.example.com", numbered(i, text));
    assert_int_equal(names->forgotten, 0);
    expect(names, "www.example.jp", "192.0.2.1", DESTINATION_DOMAIN, "example.jp", false);
    for (uint32_t i = 0; i < NAMES_GENERATION; i++)
        answer(names, "www.example.com", numbered(NAMES_GENERATION + i, text));
    assert_true(names->forgotten > 0);
    assert_true(names->forgotten <= NAMES_GENERATION);
    assert_true(names->addresses.young.count <= NAMES_GENERATION);
    assert_true(names->addresses.old.count <= NAMES_GENERATION);
    expect(names, "www.example.jp", "192.0.2.1", DESTINATION_DOMAIN, "example.jp", false);
    expect(names, "www.example.jp", "192.0.2.2", DESTINATION_PREFIX, "192.0.2.0/24", true);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_a_name_that_was_answered),
        WITH(test_an_answer_needs_a_question),
        WITH(test_a_certificate_for_others),
        WITH(test_a_name_alone_is_the_attackers_choice),
        WITH(test_names_without_a_registrable_domain),
        WITH(test_private_suffixes),
#ifdef WEIR_HAVE_MAXMINDDB
        WITH(test_an_autonomous_system),
#endif
        WITH(test_ipv6),
        WITH(test_every_address_of_an_answer),
        WITH(test_aliases_have_the_address_too),
        WITH(test_an_answer_does_not_vouch_for_ever),
        WITH(test_eight_domains_an_address),
        WITH(test_names_of_flows),
        WITH(test_generations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
