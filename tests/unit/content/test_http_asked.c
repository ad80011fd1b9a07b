/* Which request an answer belongs to, with some of either lost, early or too many. */
#include "../../../sensor/content/http_asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What is told apart has the account 1, 2, … of its place among all that were put. */
static uint64_t placed;

static bool put(struct http_asked *asked, enum http_asked_for what)
{
    struct asked whose = {.account = ++placed};
    return http_asked_put(asked, what, &whose);
}

static uint64_t account;

static enum http_asked_for take(struct http_asked *asked)
{
    struct asked whose = {.account = 99};
    enum http_asked_for what = http_asked_take(asked, &whose);
    account = whose.account;
    return what;
}

static void test_in_order(void **state)
{
    (void)state;
    struct http_asked asked = {.count = 0};
    for (int round = 0; round < 100; round++) { /* the ring turns */
        put(&asked, ASKED_HEAD);
        put(&asked, ASKED_CONTENT);
        put(&asked, ASKED_TUNNEL);
        assert_int_equal(take(&asked), ASKED_HEAD);
        assert_int_equal(take(&asked), ASKED_CONTENT);
        assert_int_equal(take(&asked), ASKED_TUNNEL);
    }
}

/* Whose an answer is goes with what it answers; of what is not told apart it is nobody's. */
static void test_whose(void **state)
{
    (void)state;
    struct http_asked asked = {.count = 0};
    placed = 0;
    for (unsigned i = 1; i <= HTTP_ASKED_MAX; i++)
        assert_true(put(&asked, ASKED_CONTENT));
    assert_false(put(&asked, ASKED_CONTENT));
    for (unsigned i = 1; i <= HTTP_ASKED_MAX; i++) {
        take(&asked);
        assert_int_equal(account, i);
    }
    assert_int_equal(take(&asked), ASKED_CONTENT);
    assert_int_equal(account, 0);
    assert_int_equal(take(&asked), ASKED_UNKNOWN);
    assert_int_equal(account, 0);
}

static void test_too_many(void **state)
{
    (void)state;
    struct http_asked asked = {.count = 0};
    for (unsigned i = 0; i < HTTP_ASKED_MAX + 10; i++)
        put(&asked, ASKED_HEAD);
    for (unsigned i = 0; i < HTTP_ASKED_MAX; i++)
        assert_int_equal(take(&asked), ASKED_HEAD);
    put(&asked, ASKED_HEAD); /* behind those that are only counted: so is this one */
    for (unsigned i = 0; i < 11; i++)
        assert_int_equal(take(&asked), ASKED_CONTENT);
    put(&asked, ASKED_HEAD); /* all have been answered: told apart again */
    assert_int_equal(take(&asked), ASKED_HEAD);
}

static void test_ahead(void **state)
{
    (void)state;
    struct http_asked asked = {.count = 0};
    assert_int_equal(take(&asked), ASKED_UNKNOWN); /* no request was seen yet at all */
    put(&asked, ASKED_HEAD);
    assert_int_equal(take(&asked), ASKED_HEAD);
    assert_int_equal(take(&asked), ASKED_UNKNOWN); /* ahead of its request … */
    put(&asked, ASKED_HEAD);                       /* … which is this one */
    put(&asked, ASKED_TUNNEL);
    assert_int_equal(take(&asked), ASKED_TUNNEL);
}

static void test_lost(void **state)
{
    (void)state;
    struct http_asked asked = {.count = 0};
    put(&asked, ASKED_HEAD);
    http_asked_lose_requests(&asked);
    assert_int_equal(take(&asked), ASKED_UNKNOWN);
    put(&asked, ASKED_TUNNEL); /* the answer before was to a lost one */
    assert_int_equal(take(&asked), ASKED_TUNNEL);
    put(&asked, ASKED_HEAD);
    http_asked_lose_answers(&asked);
    assert_int_equal(take(&asked), ASKED_UNKNOWN);
    assert_int_equal(take(&asked), ASKED_UNKNOWN);
    put(&asked, ASKED_TUNNEL);
    assert_int_equal(take(&asked), ASKED_TUNNEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order), cmocka_unit_test(test_whose),
        cmocka_unit_test(test_too_many), cmocka_unit_test(test_ahead),
        cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
