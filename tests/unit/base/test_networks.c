/* Autonomous systems out of an operator's database: both names that databases use, both families,
 * what is not known, what is damaged. */
#include "../mmdb.h"

#include "weir/base/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/weir-networks-XXXXXX";

static struct ip parse(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return ip;
}

static void put(struct mmdb *db, const char *text, unsigned bits, size_t at)
{
    struct ip ip = parse(text);
    if (ip_is_v4(&ip)) {
        memset(ip.byte, 0, 12);
        bits += 96;
    }
    mmdb_prefix(db, ip.byte, bits, at);
}

static void write_database(void)
{
    static struct mmdb db;
    mmdb_begin(&db);
    size_t at = db.size;
    mmdb_put_map(&db, 2);
    mmdb_put_text(&db, "autonomous_system_number");
    mmdb_put_number(&db, 6, 64500);
    mmdb_put_text(&db, "asn"); /* the other name says more than this one */
    mmdb_put_number(&db, 6, 1);
    put(&db, "198.51.100.0", 24, at);
    put(&db, "2001:db8::", 32, at);
    at = db.size;
    mmdb_put_map(&db, 1);
    mmdb_put_text(&db, "asn");
    mmdb_put_text(&db, "AS4200000000");
    put(&db, "203.0.113.128", 25, at);
    at = db.size;
    mmdb_put_map(&db, 1);
    mmdb_put_text(&db, "asn");
    mmdb_put_text(&db, "AS42949672960"); /* more than 32 bits */
    put(&db, "192.0.2.0", 25, at);
    at = db.size;
    mmdb_put_map(&db, 1);
    mmdb_put_text(&db, "asn");
    mmdb_put_text(&db, "AS");
    put(&db, "192.0.2.128", 25, at);
    at = db.size;
    mmdb_put_map(&db, 1);
    mmdb_put_text(&db, "country");
    mmdb_put_text(&db, "JP");
    put(&db, "100.64.0.0", 10, at);
    assert_true(mmdb_write(&db, path));
}

static uint32_t as_of(const struct networks *networks, const char *text)
{
    struct ip ip = parse(text);
    return networks_as(networks, &ip);
}

static void test_known_and_unknown(void **state)
{
    struct error error = {0};
    (void)state;
    write_database();
    struct networks *networks = networks_open(path, &error);
    assert_non_null(networks);
    assert_int_equal(as_of(networks, "198.51.100.0"), 64500);
    assert_int_equal(as_of(networks, "198.51.100.255"), 64500);
    assert_int_equal(as_of(networks, "198.51.101.0"), 0);
    assert_int_equal(as_of(networks, "2001:db8:1::9"), 64500);
    assert_int_equal(as_of(networks, "2001:db9::"), 0);
    assert_int_equal(as_of(networks, "203.0.113.200"), 4200000000u);
    assert_int_equal(as_of(networks, "203.0.113.100"), 0);
    assert_int_equal(as_of(networks, "192.0.2.1"), 0);
    assert_int_equal(as_of(networks, "192.0.2.200"), 0);
    assert_int_equal(as_of(networks, "100.64.1.1"), 0); /* says nothing of the kind */
    networks_close(networks);
    assert_int_equal(as_of(NULL, "198.51.100.1"), 0);
    networks_close(NULL);
}

/* What three makers call the same things; what is no country's code, and a name that is too long.
 */
static void test_names_and_countries(void **state)
{
    static const struct {
        const char *address, *name, *country;
    } cases[] = {
        {"198.51.100.1", "Example Networks", "JP"},
        {"203.0.113.1", "Other K.K.", "DE"},
        {"192.0.2.1", "", "FR"},
        {"192.0.2.200", "First, not second", ""},
        {"100.64.0.1", "", ""},
    };
    static struct mmdb db;
    struct error error = {0};
    struct network_facts facts;
    (void)state;
    mmdb_begin(&db);
    mmdb_put_map(&db, 3); /* GeoIP's enterprise database */
    mmdb_put_text(&db, "autonomous_system_organization");
    mmdb_put_text(&db, "Example Networks");
    mmdb_put_text(&db, "autonomous_system_number");
    mmdb_put_number(&db, 6, 64500);
    mmdb_put_text(&db, "country");
    mmdb_put_map(&db, 1);
    mmdb_put_text(&db, "iso_code");
    mmdb_put_text(&db, "JP");
    put(&db, "198.51.100.0", 24, 0);
    size_t at = db.size;
    mmdb_put_map(&db, 3);
    mmdb_put_text(&db, "as_name");
    mmdb_put_text(&db, "Other K.K.");
    mmdb_put_text(&db, "country");
    mmdb_put_text(&db, "Germany");
    mmdb_put_text(&db, "country_code");
    mmdb_put_text(&db, "DE");
    put(&db, "203.0.113.0", 24, at);
    at = db.size;
    mmdb_put_map(&db, 1);
    mmdb_put_text(&db, "country");
    mmdb_put_text(&db, "FR");
    put(&db, "192.0.2.0", 25, at);
    at = db.size;
    mmdb_put_map(&db, 2);
    mmdb_put_text(&db, "country");
    mmdb_put_text(&db, "France"); /* no code */
    mmdb_put_text(&db, "as_name");
    mmdb_put_text(&db, "First, not second");
    put(&db, "192.0.2.128", 25, at);
    at = db.size;
    char longest[NETWORKS_NAME_MAX + 3];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    mmdb_put_map(&db, 1);
    mmdb_put_text(&db, "as_name");
    mmdb_put_text(&db, longest);
    put(&db, "2001:db8::", 32, at);
    assert_true(mmdb_write(&db, path));
    struct networks *networks = networks_open(path, &error);
    assert_non_null(networks);
    struct ip six = parse("2001:db8::1");
    networks_look(networks, &six, &facts);
    assert_int_equal(strlen(facts.as_name), NETWORKS_NAME_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ip ip = parse(cases[i].address);
        networks_look(networks, &ip, &facts);
        assert_string_equal(facts.as_name, cases[i].name);
        assert_string_equal(facts.country, cases[i].country);
        assert_int_equal(facts.as_number, i == 0 ? 64500 : 0);
        networks_look(NULL, &ip, &facts);
        assert_int_equal(facts.as_number + (unsigned)strlen(facts.as_name), 0);
    }
    networks_close(networks);
}

static void expect_refused(const char *file, const char *why)
{
    struct error error = {0};
    assert_null(networks_open(file, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, file));
    assert_non_null(strstr(error.message, why));
}

static void test_what_is_no_database(void **state)
{
    (void)state;
    expect_refused("/nowhere/as.mmdb", "expected a MaxMind DB file");
    FILE *file = fopen(path, "wb");
    fputs("not a database", file);
    fclose(file);
    expect_refused(path, "expected a MaxMind DB file");
}

/* Damaged anywhere, it is refused or knows something or nothing; it is never read beyond its end
 * (AddressSanitizer sees the rest: the file is mapped to its last byte). */
static void test_damage(void **state)
{
    struct error error = {0};
    (void)state;
    write_database();
    FILE *file = fopen(path, "rb");
    static uint8_t whole[65536];
    size_t size = fread(whole, 1, sizeof whole, file), refused = 0;
    fclose(file);
    for (size_t i = 0; i < size; i += 7) {
        whole[i] ^= 0x5a;
        file = fopen(path, "wb");
        fwrite(whole, 1, size, file);
        fclose(file);
        whole[i] ^= 0x5a;
        struct networks *networks = networks_open(path, &error);
        refused += networks == NULL;
        as_of(networks, "198.51.100.1");
        as_of(networks, "203.0.113.200");
        as_of(networks, "2001:db8::1");
        struct network_facts facts;
        struct ip ip = parse("198.51.100.1");
        networks_look(networks, &ip, &facts);
        networks_close(networks);
    }
    assert_in_range(refused, 1, size / 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_and_unknown),
        cmocka_unit_test(test_names_and_countries),
        cmocka_unit_test(test_what_is_no_database),
        cmocka_unit_test(test_damage),
    };
#ifndef WEIR_HAVE_MAXMINDDB
    puts("skipped: built without libmaxminddb");
    return 77;
#endif
    int fd = mkstemp(path);
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
