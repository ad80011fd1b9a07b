/* The store's URL: what is taken, what is refused and in which words, and that no password is ever
 * shown. */
#include "../../../sensor/baseline/store_url.h"
#include "weir/baseline/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static struct store_url must_parse(const char *text)
{
    struct store_url url;
    struct error error = {0};
    if (store_url_parse(text, &url, &error) != 0)
        fail_msg("%s: %s", text, error.message);
    return url;
}

static void test_unix(void **state)
{
    (void)state;
    struct store_url url = must_parse("unix:/run/weir/redis.sock");
    assert_true(url.unix_socket);
    assert_string_equal(url.host, "/run/weir/redis.sock");
    assert_false(url.has_password);
    assert_string_equal(url.shown, "unix:/run/weir/redis.sock");
    url = must_parse("unix:///run/a@b:c.sock");
    assert_string_equal(url.host, "/run/a@b:c.sock");
    assert_string_equal(url.shown, "unix:///run/a@b:c.sock");
    url = must_parse("unix://me:s3cret@/run/redis.sock");
    assert_string_equal(url.host, "/run/redis.sock");
    assert_string_equal(url.user, "me");
    assert_string_equal(url.password, "s3cret");
    assert_string_equal(url.shown, "unix://me:***@/run/redis.sock");
}

static void test_redis(void **state)
{
    (void)state;
    struct store_url url = must_parse("redis://db.example.jp");
    assert_false(url.unix_socket);
    assert_string_equal(url.host, "db.example.jp");
    assert_int_equal(url.port, 6379);
    assert_int_equal(url.database, 0);
    assert_false(url.has_user);
    assert_false(url.has_password);

    url = must_parse("redis://:s3cret@10.0.0.1:7000/12");
    assert_string_equal(url.host, "10.0.0.1");
    assert_int_equal(url.port, 7000);
    assert_int_equal(url.database, 12);
    assert_false(url.has_user);
    assert_string_equal(url.password, "s3cret");
    assert_string_equal(url.shown, "redis://:***@10.0.0.1:7000/12");

    url = must_parse("redis://weir:a%40b%2Fc%25@[2001:db8::1]:1/");
    assert_string_equal(url.host, "2001:db8::1");
    assert_int_equal(url.port, 1);
    assert_true(url.has_user);
    assert_string_equal(url.user, "weir");
    assert_string_equal(url.password, "a@b/c%");
    assert_string_equal(url.shown, "redis://weir:***@[2001:db8::1]:1/");

    url = must_parse("redis://:p@ss/w:rd@host"); /* not encoded, but clear */
    assert_string_equal(url.password, "p@ss/w:rd");
    assert_string_equal(url.host, "host");
    assert_string_equal(url.shown, "redis://:***@host");
    assert_int_equal(must_parse("redis://[::1]").port, 6379);
    assert_int_equal(must_parse("redis://h:65535/65535").database, 65535);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url, *words;
    } bad[] = {
        {"", "expected embedded, unix:/path, redis://"},
        {"embedded", "expected embedded"},
        {"http://host", "expected embedded"},
        {"redis:host", "expected embedded"},
        {"unix:redis.sock", "begin with /"},
        {"unix:", "begin with /"},
        {"unix://host/path", "begin with /"},
        {"unix://u:s3cret@path", "begin with /"},
        {"redis://", "names no host"},
        {"redis://:6379", "names no host"},
        {"redis:///1", "names no host"},
        {"redis://h:0", "port"},
        {"redis://h:65536", "port"},
        {"redis://h:", "port"},
        {"redis://h:12x", "port"},
        {"redis://h:99999999999999999999", "port"},
        {"redis://h/x", "/NUMBER"},
        {"redis://h/1/2", "/NUMBER"},
        {"redis://h/65536", "/NUMBER"},
        {"redis://h?db=1", "/NUMBER"},
        {"redis://::1", "brackets"},
        {"redis://[::1", "["},
        {"redis://[::1]x", "]"},
        {"redis://s3cret@h", "redis://:PASSWORD@host"},
        {"redis://u:@h", "password is empty"},
        {"redis://u:s3cret%@h", "%25"},
        {"redis://u:s3cret%4@h", "%25"},
        {"redis://u:s3cret%zz@h", "%25"},
        {"redis://u:s3cret%00@h", "%25"},
        {"rediss://:s3cret@h", "tunnel"},
        {"redis-cluster://:s3cret@h,", "names no host"},
        {"redis-cluster://:s3cret@h,,i", "names no host"},
        {"redis-cluster://:s3cret@h/1", "no databases"},
        {"redis-cluster://:s3cret@h:1?port=2", "?ports=PORT,PORT"},
        {"redis-cluster://:s3cret@h:1?ports=2,", "?ports=PORT,PORT"},
        {"redis-cluster://:s3cret@h:1?ports=65536", "?ports=PORT,PORT"},
        {"redis-cluster://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "more than 16 servers"},
        {"redis-sentinel://u:s3cret@h", "names no primary"},
        {"redis-sentinel://u:s3cret@h/", "names no primary"},
        {"redis-sentinel://u:s3cret@h/main/x", "/NUMBER"},
        {"redis:u:s3cret@h", "expected embedded"},
        {"s3cret@h", "expected embedded"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store_url url;
        struct error error = {0};
        assert_int_equal(store_url_parse(bad[i].url, &url, &error), -1);
        assert_int_equal(error.code, ERROR_USAGE);
        if (!strstr(error.message, bad[i].words))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].url, error.message, bad[i].words);
        assert_null(strstr(error.message, "s3cret"));
        assert_null(strstr(url.shown, "s3cret"));
    }
}

static void test_several(void **state)
{
    (void)state;
    struct store_url url = must_parse("redis-cluster://me:s3cret@10.0.0.1,[::1]:7001,b?ports=7005");
    assert_int_equal(url.kind, STORE_CLUSTER);
    assert_int_equal(url.seeds, 3);
    assert_string_equal(store_url_seed(&url, 0), "10.0.0.1");
    assert_string_equal(store_url_seed(&url, 1), "::1");
    assert_int_equal(url.seed_port[1], 7001);
    assert_string_equal(store_url_seed(&url, 2), "b");
    assert_string_equal(url.shown, "redis-cluster://me:***@10.0.0.1,[::1]:7001,b?ports=7005");
    assert_true(store_url_allows(&url, 6379));
    assert_true(store_url_allows(&url, 7001));
    assert_true(store_url_allows(&url, 7005));
    assert_false(store_url_allows(&url, 7000));

    url = must_parse("redis-sentinel://10.0.0.1,10.0.0.2:26380/main/3?ports=6380");
    assert_int_equal(url.kind, STORE_SENTINEL);
    assert_int_equal(url.seed_port[0], 26379);
    assert_int_equal(url.seed_port[1], 26380);
    assert_string_equal(url.group, "main");
    assert_int_equal(url.database, 3);
    assert_true(store_url_allows(&url, 6380));
    assert_false(store_url_allows(&url, 26379)); /* no store is there */

    struct store_place place;
    struct error error = {0};
    assert_int_equal(
        store_place_of("redis-sentinel://10.0.0.1,no.invalid,10.0.0.2/x", &place, &error), 0);
    assert_string_equal(place.address, "10.0.0.1,,10.0.0.2");
    assert_int_equal(place.ports, 2); /* 6379 and 26379 */
    assert_true(place.named);
    assert_int_equal(place.family, AF_INET);
}

static void test_long(void **state)
{
    (void)state;
    char text[1000] = "redis://:s3cret";
    struct store_url url;
    struct error error = {0};
    memset(text + strlen(text), 'x', 900);
    memcpy(text + 900, "@host", 6);
    assert_int_equal(store_url_parse(text, &url, &error), -1);
    assert_non_null(strstr(error.message, "too long"));
    assert_null(strstr(error.message, "s3cret"));

    memcpy(text, "unix:/", 7);
    memset(text + 6, 'x', 107);
    text[5 + 107] = '\0'; /* a path of 107 bytes: the longest there is */
    assert_int_equal(store_url_parse(text, &url, &error), 0);
    text[5 + 107] = 'x';
    text[5 + 108] = '\0';
    error = (struct error){0};
    assert_int_equal(store_url_parse(text, &url, &error), -1);
    assert_non_null(strstr(error.message, "107"));
}

static void test_places(void **state)
{
    (void)state;
    static const struct {
        const char *url, *address;
        int family;
        uint16_t port;
        bool named;
    } row[] = {
        {"unix:/run/redis.sock", "", AF_UNIX, 0, false},
        {"redis://:s3cret@127.0.0.1:7000/3", "127.0.0.1", AF_INET, 7000, false},
        {"redis://[::1]", "::1", AF_INET6, 6379, false},
        {"redis://localhost:1", "127.0.0.1", AF_INET, 1, true},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct store_place place;
        struct error error = {0};
        if (store_place_of(row[i].url, &place, &error) != 0)
            fail_msg("%s: %s", row[i].url, error.message);
        assert_string_equal(place.address, row[i].address);
        assert_int_equal(place.family, row[i].family);
        assert_int_equal(place.ports > 0 ? place.port[0] : 0, row[i].port);
        assert_int_equal(place.named, row[i].named);
        assert_int_equal(place.unix_socket, row[i].family == AF_UNIX);
    }
}

static void test_no_place(void **state)
{
    (void)state;
    struct store_place place;
    struct error error = {0};
    assert_int_equal(store_place_of("redis://:s3cret@no-such-name.invalid:7", &place, &error), -1);
    assert_int_equal(error.code, ERROR_RUN);
    assert_non_null(strstr(error.message, "no-such-name.invalid"));
    assert_null(strstr(error.message, "s3cret"));
    assert_int_equal(place.family, 0);
    assert_int_equal(place.port[0], 7);
    assert_true(place.named);
    error = (struct error){0};
    assert_int_equal(store_place_of("http://x", &place, &error), -1);
    assert_int_equal(error.code, ERROR_USAGE);
    assert_int_equal(place.ports, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unix),     cmocka_unit_test(test_redis),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_several),
        cmocka_unit_test(test_long),     cmocka_unit_test(test_places),
        cmocka_unit_test(test_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
