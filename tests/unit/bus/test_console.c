/* Who may use the console: hosts, cookies, sessions, locks, the file of users, and how far it may
 * be reached. */
#include "../../../sensor/bus/console_host.h"
#include "../../../sensor/bus/console_sessions.h"

#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HASH                                                                                       \
    "$scrypt$ln=14,r=8,p=1$00112233445566778899aabbccddeeff$00112233445566778899aabbccddeeff"      \
    "00112233445566778899aabbccddeeff"

/* --- where a browser believes to be ----------------------------------------------------------- */

static void test_hosts(void **state)
{
    static const struct console_settings here = {
        .listen = "127.0.0.1:8477", .name = {"weir.example.org"}, .name_count = 1};
    static const struct console_settings there = {.listen = "192.0.2.7:8477"};
    static const char *const good[] = {"127.0.0.1", "127.0.0.1:8477",   "127.0.0.1:9",
                                       "127.0.0.9", "[::1]:8477",       "localhost:8477",
                                       "LOCALHOST", "weir.example.org", "Weir.Example.ORG:443"};
    static const char *const bad[] = {"",
                                      "evil.example",
                                      "127.0.0.1.evil.example",
                                      "localhost.evil.example",
                                      "weir.example.org.evil.example",
                                      "192.0.2.7",
                                      "127.0.0.1:",
                                      "127.0.0.1:84x7",
                                      "127.0.0.1:8477:1",
                                      "[::1",
                                      "[::2]",
                                      "::1",
                                      "user@127.0.0.1",
                                      "127.1",
                                      "2130706433"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!console_host_is_ours(&here, good[i]))
            fail_msg("%s is ours", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (console_host_is_ours(&here, bad[i]))
            fail_msg("%s is not ours", bad[i]);
    assert_true(console_host_is_ours(&there, "192.0.2.8:8477")); /* behind a translation */
    assert_false(console_host_is_ours(&there, "localhost"));
    assert_false(console_host_is_ours(&there, "weir.example.org"));
    assert_true(console_is_loopback("127.0.0.1:8477") && console_is_loopback("[::1]:8477"));
    assert_false(console_is_loopback("0.0.0.0:8477") || console_is_loopback("[::]:8477"));
}

static void test_origins(void **state)
{
    (void)state;
    assert_true(console_origin_is(NULL, "a:1", false));
    assert_true(console_origin_is("http://a:1", "a:1", false));
    assert_true(console_origin_is("https://a:1", "A:1", true));
    assert_false(console_origin_is("http://a:1", "a:1", true));
    assert_false(console_origin_is("http://a:2", "a:1", false));
    assert_false(console_origin_is("null", "a:1", false));
    assert_false(console_origin_is("http://a:1.evil", "a:1", false));
}

static void test_cookies(void **state)
{
    char value[5];
    (void)state;
    assert_true(console_cookie("s=abcd", "s", value, 4));
    assert_string_equal(value, "abcd");
    assert_true(console_cookie("x=1; s=wxyz; y=2", "s", value, 4));
    assert_string_equal(value, "wxyz");
    assert_false(console_cookie("s=abcde", "s", value, 4));
    assert_false(console_cookie("ss=abcd", "s", value, 4));
    assert_false(console_cookie("s=", "s", value, 4));
    assert_false(console_cookie(";;; ;", "s", value, 4));
    assert_false(console_cookie(NULL, "s", value, 4));
}

/* --- sessions --------------------------------------------------------------------------------- */

static struct wtime at_min(int64_t minutes)
{
    return (struct wtime){NS_PER_HOUR + minutes * NS_PER_MIN};
}

static void test_sessions(void **state)
{
    struct sessions *all = xcalloc(1, sizeof *all);
    char id[SECRET_SIZE], other[SECRET_SIZE];
    (void)state;
    const struct session *first = sessions_begin(all, "anna", CONSOLE_ANALYST, at_min(0), id);
    sessions_begin(all, "vera", CONSOLE_VIEWER, at_min(0), other);
    assert_string_not_equal(id, other);
    assert_string_not_equal(first->csrf, id);
    assert_ptr_equal(sessions_find(all, id, at_min(1)), first);
    assert_string_equal(sessions_find(all, other, at_min(1))->user, "vera");
    assert_null(sessions_find(all, first->csrf, at_min(1)));
    assert_null(sessions_find(all, "", at_min(1)));
    assert_int_equal(sessions_count(all, at_min(1)), 2);
    assert_null(sessions_find(all, other, at_min(62))); /* idle for more than an hour */
    for (int minute = 60; minute <= 720; minute += 60)  /* used, but for no more than twelve */
        assert_ptr_equal(sessions_find(all, id, at_min(minute)), first);
    assert_null(sessions_find(all, id, at_min(721)));
    free(all);
}

/* A stream asks at each sweep whether its session holds: that is no use of it. */
static void test_a_look_is_no_use(void **state)
{
    struct sessions *all = xcalloc(1, sizeof *all);
    char id[SECRET_SIZE];
    (void)state;
    uint64_t number = sessions_begin(all, "anna", CONSOLE_VIEWER, at_min(0), id)->number;
    for (int minute = 0; minute <= 60; minute++)
        assert_true(sessions_hold(all, number, at_min(minute)));
    assert_false(sessions_hold(all, number, at_min(61)));
    assert_false(sessions_hold(all, number + 1, at_min(0)));
    assert_false(sessions_hold(all, 0, at_min(0)));
    assert_null(sessions_find(all, id, at_min(61)));
    free(all);
}

static void test_one_session_more(void **state)
{
    struct sessions *all = xcalloc(1, sizeof *all);
    char id[SESSIONS + 1][SECRET_SIZE];
    (void)state;
    for (int i = 0; i < SESSIONS; i++)
        sessions_begin(all, "anna", CONSOLE_VIEWER, at_min(0), id[i]);
    for (int i = 0; i < SESSIONS; i++)
        if (i != 7)
            sessions_find(all, id[i], at_min(1));
    sessions_begin(all, "anna", CONSOLE_VIEWER, at_min(2), id[SESSIONS]);
    assert_null(sessions_find(all, id[7], at_min(2))); /* idle longest */
    assert_non_null(sessions_find(all, id[8], at_min(2)));
    assert_non_null(sessions_find(all, id[SESSIONS], at_min(2)));
    assert_int_equal(all->crowded, 1);
    free(all);
}

/* --- locks ------------------------------------------------------------------------------------ */

static struct ip ip_of(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return ip;
}

static void test_locks(void **state)
{
    struct locks *locks = xcalloc(1, sizeof *locks);
    struct ip here = ip_of("192.0.2.1"), near = ip_of("192.0.2.99"), far = ip_of("198.51.100.1");
    struct wtime now = at_min(0);
    (void)state;
    for (int i = 1; i < LOCK_FAILURES; i++)
        assert_false(locks_fail(locks, "anna", i % 2 ? &here : &near, now));
    assert_int_equal(locks_wait_ns(locks, "anna", &here, now), 0);
    assert_true(locks_fail(locks, "anna", &here, now));
    assert_int_equal(locks_wait_ns(locks, "anna", &near, now), LOCK_FIRST_NS);
    assert_int_equal(locks_wait_ns(locks, "anna", &far, now),
                     0); /* she is not locked out at home */
    assert_int_equal(locks_wait_ns(locks, "vera", &here, now), 0);
    now.ns += LOCK_FIRST_NS;
    assert_int_equal(locks_wait_ns(locks, "anna", &here, now), 0);
    assert_true(locks_fail(locks, "anna", &here, now)); /* twice as long */
    assert_int_equal(locks_wait_ns(locks, "anna", &here, now), 2 * LOCK_FIRST_NS);
    for (int i = 0; i < 20; i++)
        locks_fail(locks, "anna", &here, now);
    assert_int_equal(locks_wait_ns(locks, "anna", &here, now), LOCK_MOST_NS);
    locks_pass(locks, "anna", &here);
    assert_int_equal(locks_wait_ns(locks, "anna", &here, now), 0);
    free(locks);
}

/* Nobody is kept out because others have failed, and who failed most often is forgotten last. */
static void test_locks_are_all_taken(void **state)
{
    struct locks *locks = xcalloc(1, sizeof *locks);
    char text[32];
    (void)state;
    for (unsigned i = 0; i < LOCKS; i++) {
        snprintf(text, sizeof text, "10.%u.%u.1", i / 256, i % 256);
        struct ip ip = ip_of(text);
        for (int k = 0; k < LOCK_FAILURES + (i == 0); k++)
            locks_fail(locks, "anna", &ip, at_min(0));
    }
    struct ip first = ip_of("10.0.0.1"), second = ip_of("10.0.1.1"), more = ip_of("172.16.0.1");
    assert_int_equal(locks_wait_ns(locks, "anna", &more, at_min(0)), 0);
    assert_false(locks_fail(locks, "anna", &more, at_min(0)));
    assert_true(locks_wait_ns(locks, "anna", &first, at_min(0)) > 0);
    assert_int_equal(locks_wait_ns(locks, "anna", &second, at_min(0)), 0); /* gave way */
    for (int k = 1; k < LOCK_FAILURES; k++) /* it counts all the same */
        assert_int_equal(locks_fail(locks, "anna", &more, at_min(0)), k == LOCK_FAILURES - 1);
    free(locks);
}

/* One network fills its own share with names that it makes up: others are not kept out, nor is who
 * is new there. Who failed longest ago gives way, and nobody whose row is locked. */
static void test_locks_of_one_network(void **state)
{
    struct locks *locks = xcalloc(1, sizeof *locks);
    char name[32];
    struct ip here = ip_of("192.0.2.1"), far = ip_of("198.51.100.1");
    (void)state;
    for (int i = 1; i < LOCK_FAILURES; i++)
        locks_fail(locks, "anna", &here, at_min(0));
    for (unsigned i = 1; i < LOCKS_EACH; i++) {
        snprintf(name, sizeof name, "no%u", i);
        assert_int_equal(locks_wait_ns(locks, name, &here, at_min(1)), 0);
        locks_fail(locks, name, &here, at_min(1));
    }
    assert_int_equal(locks_wait_ns(locks, "vera", &here, at_min(1)), 0);
    assert_int_equal(locks_wait_ns(locks, "vera", &far, at_min(1)), 0);
    assert_true(locks_fail(locks, "anna", &here, at_min(1)));  /* her fifth, nonetheless */
    assert_false(locks_fail(locks, "vera", &here, at_min(1))); /* in the place of a made-up one */
    assert_true(locks_wait_ns(locks, "anna", &here, at_min(1)) > 0);
    free(locks);
}

static void test_all_of_one_network_are_locked(void **state)
{
    struct locks *locks = xcalloc(1, sizeof *locks);
    char name[32];
    struct ip here = ip_of("192.0.2.1"), far = ip_of("198.51.100.1");
    (void)state;
    for (int i = 0; i < LOCKS_EACH * LOCK_FAILURES; i++) {
        snprintf(name, sizeof name, "no%d", i / LOCK_FAILURES);
        locks_fail(locks, name, &here, at_min(1));
    }
    assert_int_equal(locks_wait_ns(locks, "vera", &here, at_min(1)), 0);
    assert_int_equal(locks_wait_ns(locks, "vera", &far, at_min(1)), 0);
    assert_false(locks_fail(locks, "vera", &here, at_min(1)));
    assert_true(locks_wait_ns(locks, "no1", &here, at_min(1)) > 0);
    for (int i = 0; i < 2 * LOCKS_EACH; i++) { /* of whom once is known, she is the first to go */
        snprintf(name, sizeof name, "new%d", i);
        assert_false(locks_fail(locks, name, &here, at_min(1)));
        assert_true(locks_wait_ns(locks, "no1", &here, at_min(1)) > 0);
    }
    free(locks);
}

/* --- users ------------------------------------------------------------------------------------ */

static void expect_users(const char *text, size_t count, const char *wrong)
{
    struct console_users users;
    struct error error = {0};
    int failed = console_users_parse(&users, "users", text, strlen(text), &error);
    if (!wrong && failed)
        fail_msg("%s: %s", text, error.message);
    assert_int_equal(users.count, wrong ? 0 : count);
    if (wrong)
        assert_string_equal(error.message, wrong);
    console_users_fini(&users);
}

static void test_users(void **state)
{
    (void)state;
    expect_users("", 0, NULL);
    expect_users("# nobody\n\n", 0, NULL);
    expect_users("anna:analyst:" HASH "\nvera@ot:viewer:" HASH, 2, NULL);
    expect_users("anna\n", 0, "users:1: expected NAME:ROLE:HASH");
    expect_users("#\nan na:viewer:" HASH, 0,
                 "users:2: expected a name of letters, digits and . _ - @");
    expect_users("anna:root:" HASH, 0, "users:1: expected viewer or analyst");
    expect_users("anna:viewer:secret", 0,
                 "users:1: expected a hash as `weir console user add` makes it");
    expect_users("anna:viewer:" HASH "\nanna:viewer:" HASH "\n", 0,
                 "users:2: anna: is there already");
}

static void test_users_are_kept(void **state)
{
    char folder[] = "/tmp/weir-console-XXXXXX", path[64];
    struct console_users users = {.user = NULL}, again;
    struct error error = {0};
    struct console_user anna = {.name = "anna", .role = CONSOLE_ANALYST, .stored = HASH};
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/users", folder);
    assert_int_equal(console_users_put(&users, &anna, &error), 0);
    anna.role = CONSOLE_VIEWER; /* the same one */
    assert_int_equal(console_users_put(&users, &anna, &error), 0);
    assert_int_equal(console_users_write(&users, path, &error), 0);
    assert_int_equal(console_users_read(&again, path, &error), 0);
    assert_int_equal(again.count, 1);
    assert_int_equal(console_users_find(&again, "anna")->role, CONSOLE_VIEWER);
    int lock = console_users_lock(path, &error);
    assert_true(lock >= 0);
    assert_int_equal(console_users_lock(path, &error), -1); /* one at a time */
    assert_non_null(strstr(error.message, "somebody else changes its users now"));
    close(lock);
    assert_true(console_users_remove(&again, "anna"));
    assert_false(console_users_remove(&again, "anna"));
    console_users_fini(&again);
    console_users_fini(&users);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

static void test_reach(void **state)
{
    struct error error = {0};
    struct console_settings settings = {
        .listen = "127.0.0.1:8477", .cert_file = "", .key_file = "", .users_file = ""};
    (void)state;
    assert_int_equal(console_check(&settings, &error), 0);
    assert_true(console_has_token(&settings));
    settings.listen = "0.0.0.0:8477";
    assert_false(console_has_token(&settings));
    assert_int_equal(console_check(&settings, &error), -1);
    assert_non_null(strstr(error.message,
                           "console.listen: \"0.0.0.0:8477\" is beyond the loopback: "
                           "expected console.cert (TLS) and console.users"));
    error = (struct error){0};
    settings.key_file = "/nowhere";
    assert_int_equal(console_check(&settings, &error), -1);
    assert_non_null(strstr(error.message, "console.key: expected a console.cert with it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_a_look_is_no_use),
        cmocka_unit_test(test_one_session_more),
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_locks_are_all_taken),
        cmocka_unit_test(test_locks_of_one_network),
        cmocka_unit_test(test_all_of_one_network_are_locked),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_users_are_kept),
        cmocka_unit_test(test_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
