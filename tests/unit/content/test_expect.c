/* Announced data channels: found once, while they last, by who was to come; bounded. */
#include "../../../sensor/content/expect.h"
#include "../../../sensor/content/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t server[4] = {192, 0, 2, 80}, client[4] = {10, 0, 0, 1};

static struct channel channel_at(uint16_t port)
{
    return (struct channel){ip_from_v4(server), ip_from_v4(client), port, 6, 0};
}

static struct expected expected_of(int64_t bytes)
{
    return (struct expected){.protocol = &ftp_data_protocol, .declared_bytes = bytes};
}

static struct ptime at(int64_t ns)
{
    return (struct ptime){NS_PER_S + ns};
}

static void test_once(void **state)
{
    (void)state;
    struct expectations *all = expectations_new();
    struct channel channel = channel_at(4000), other = channel_at(4001);
    struct expected expected = expected_of(7), found;
    expect_add(all, &channel, &expected, at(0));
    assert_false(expect_take(all, &other, at(0), &found));
    assert_true(expect_look(all, &channel, at(1), &found));
    assert_int_equal(found.declared_bytes, 7);
    assert_true(expect_take(all, &channel, at(2), &found));
    assert_ptr_equal(found.protocol, &ftp_data_protocol);
    assert_false(expect_look(all, &channel, at(3), &found));
    expectations_free(all);
}

/* Neither another host nor another protocol or vantage takes it. */
static void test_only_who_was_to_come(void **state)
{
    (void)state;
    struct expectations *all = expectations_new();
    struct channel channel = channel_at(4000), wrong = channel;
    struct expected expected = expected_of(7), found;
    expect_add(all, &channel, &expected, at(0));
    wrong.connector.byte[15]++;
    assert_false(expect_take(all, &wrong, at(0), &found));
    wrong = channel;
    wrong.proto = 17;
    assert_false(expect_take(all, &wrong, at(0), &found));
    wrong = channel;
    wrong.vantage = 1;
    assert_false(expect_take(all, &wrong, at(0), &found));
    assert_true(expect_take(all, &channel, at(0), &found));
    expectations_free(all);
}

static void test_ends(void **state)
{
    (void)state;
    struct expectations *all = expectations_new();
    struct channel first = channel_at(1), second = channel_at(2);
    struct expected expected = expected_of(0), found;
    expect_add(all, &first, &expected, at(0));
    expect_add(all, &second, &expected, at(1));
    assert_true(expect_look(all, &first, at(EXPECT_NS), &found));
    assert_false(expect_look(all, &first, at(EXPECT_NS + 1), &found));
    assert_true(expect_look(all, &second, at(EXPECT_NS + 1), &found));
    expectations_free(all);
}

/* What is said anew lives from then on, and as it was said last. */
static void test_again(void **state)
{
    (void)state;
    struct expectations *all = expectations_new();
    struct channel channel = channel_at(1), other = channel_at(2);
    struct expected expected = expected_of(1), more = expected_of(2), found;
    expect_add(all, &channel, &expected, at(0));
    expect_add(all, &other, &expected, at(1));
    expect_add(all, &channel, &more, at(EXPECT_NS));
    assert_false(expect_look(all, &other, at(EXPECT_NS + 2), &found));
    assert_true(expect_take(all, &channel, at(EXPECT_NS + 2), &found));
    assert_int_equal(found.declared_bytes, 2);
    assert_int_equal(expectations_forgotten(all), 0);
    expectations_free(all);
}

static void test_bound(void **state)
{
    (void)state;
    struct expectations *all = expectations_new();
    struct expected expected = expected_of(0), found;
    for (uint32_t port = 0; port < EXPECT_MAX + 3; port++) {
        struct channel channel = channel_at((uint16_t)port);
        expect_add(all, &channel, &expected, at(port));
    }
    assert_int_equal(expectations_forgotten(all), 3);
    for (uint32_t port = 0; port < EXPECT_MAX + 3; port++) {
        struct channel channel = channel_at((uint16_t)port);
        assert_int_equal(expect_take(all, &channel, at(EXPECT_MAX), &found), port >= 3);
    }
    expectations_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),  cmocka_unit_test(test_only_who_was_to_come),
        cmocka_unit_test(test_ends),  cmocka_unit_test(test_again),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
