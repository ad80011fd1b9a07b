/* Which request an answer belongs to, with some of either lost, early or too many. */
#include "../../../sensor/content/http_asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_in_order(void **state)
{
    (void)state;
    struct http_asked asked = {.count = 0};
    for (int round = 0; round < 100; round++) { /* the ring turns */
        http_asked_put(&asked, ASKED_HEAD);
        http_asked_put(&asked, ASKED_CONTENT);
        http_asked_put(&asked, ASKED_TUNNEL);
        assert_int_equal(http_asked_take(&asked), ASKED_HEAD);
        assert_int_equal(http_asked_take(&asked), ASKED_CONTENT);
        assert_int_equal(http_asked_take(&asked), ASKED_TUNNEL);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    struct http_asked asked = {.count = 0};
    for (unsigned i = 0; i < HTTP_ASKED_MAX + 10; i++)
        http_asked_put(&asked, ASKED_HEAD);
    for (unsigned i = 0; i < HTTP_ASKED_MAX; i++)
        assert_int_equal(http_asked_take(&asked), ASKED_HEAD);
    http_asked_put(&asked, ASKED_HEAD); /* behind those that are only counted: so is this one */
    for (unsigned i = 0; i < 11; i++)
        assert_int_equal(http_asked_take(&asked), ASKED_CONTENT);
    http_asked_put(&asked, ASKED_HEAD); /* all have been answered: told apart again */
    assert_int_equal(http_asked_take(&asked), ASKED_HEAD);
}

static void test_ahead(void **state)
{
    (void)state;
    struct http_asked asked = {.count = 0};
    assert_int_equal(http_asked_take(&asked), ASKED_UNKNOWN); /* no request was seen yet at all */
    http_asked_put(&asked, ASKED_HEAD);
    assert_int_equal(http_asked_take(&asked), ASKED_HEAD);
    assert_int_equal(http_asked_take(&asked), ASKED_UNKNOWN); /* ahead of its request … */
    http_asked_put(&asked, ASKED_HEAD);                       /* … which is this one */
    http_asked_put(&asked, ASKED_TUNNEL);
    assert_int_equal(http_asked_take(&asked), ASKED_TUNNEL);
}

static void test_lost(void **state)
{
    (void)state;
    struct http_asked asked = {.count = 0};
    http_asked_put(&asked, ASKED_HEAD);
    http_asked_lose_requests(&asked);
    assert_int_equal(http_asked_take(&asked), ASKED_UNKNOWN);
    http_asked_put(&asked, ASKED_TUNNEL); /* the answer before was to a lost one */
    assert_int_equal(http_asked_take(&asked), ASKED_TUNNEL);
    http_asked_put(&asked, ASKED_HEAD);
    http_asked_lose_answers(&asked);
    assert_int_equal(http_asked_take(&asked), ASKED_UNKNOWN);
    assert_int_equal(http_asked_take(&asked), ASKED_UNKNOWN);
    http_asked_put(&asked, ASKED_TUNNEL);
    assert_int_equal(http_asked_take(&asked), ASKED_TUNNEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_ahead),
        cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
