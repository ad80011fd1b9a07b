/* Function codes: sets, their bound, names. */
#include "weir/record/function.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_set(void **state)
{
    static const uint16_t said[] = {16, 3, 0, 16, 1, 3};
    struct function_set set = {.count = 0};
    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        function_set_add(&set, said[i]);
    const uint16_t expected[] = {0, 1, 3, 16};
    assert_int_equal(set.count, 4);
    assert_memory_equal(set.code, expected, sizeof expected);
    assert_true(function_set_has(&set, 0) && function_set_has(&set, 16));
    assert_false(function_set_has(&set, 2) || function_set_has(&set, 17));
}

/* Those that came first stay; requests of others are counted, one that is there is none of them. */
static void test_bound(void **state)
{
    struct function_set set = {.count = 0}, other = {.count = 0};
    (void)state;
    for (unsigned i = 0; i < FUNCTIONS_MAX; i++)
        function_set_add(&set, (uint16_t)(1000 - i));
    assert_int_equal(set.more, 0);
    function_set_add(&set, 1);
    function_set_add(&set, 1);
    function_set_add(&set, 1000);
    assert_int_equal(set.count, FUNCTIONS_MAX);
    assert_int_equal(set.more, 2);
    assert_false(function_set_has(&set, 1));
    function_set_add(&other, 5);
    function_set_merge(&other, &set);
    assert_int_equal(other.count, FUNCTIONS_MAX);
    assert_int_equal(other.more, 1 + 2);
    other.more = UINT16_MAX - 1;
    function_set_merge(&other, &set);
    assert_int_equal(other.more, UINT16_MAX);
    function_set_add(&other, 7);
    assert_int_equal(other.more, UINT16_MAX);
}

/* What the client asks for has the room; what gave way, or found none, is counted by who asked. */
static void test_who_is_asked(void **state)
{
    struct function_set set = {.count = 0}, asked = {.count = 0};
    (void)state;
    for (unsigned i = 0; i < FUNCTIONS_MAX + 1; i++)
        function_set_add(&asked, (uint16_t)(100 + i));
    function_set_turn_back(&asked);
    assert_int_equal(asked.more, 0);
    assert_int_equal(asked.more_back, 1);
    function_set_add(&set, 500);
    function_set_add(&set, 110);
    function_set_merge(&set, &asked); /* 30 find room beside both */
    assert_int_equal(set.count, FUNCTIONS_MAX);
    assert_int_equal(set.more_back, 1 + 1);
    assert_false(function_set_is_back(&set, 10)); /* 110: both ask for it */
    assert_true(function_set_is_back(&set, 9) && function_set_is_back(&set, 11));
    assert_false(function_set_is_back(&set, FUNCTIONS_MAX - 1)); /* 500 */
    function_set_add(&set, 1);                                   /* in the place of 130 */
    assert_int_equal(set.code[0], 1);
    assert_false(function_set_is_back(&set, 0));
    assert_true(function_set_is_back(&set, 1));
    assert_false(function_set_is_back(&set, 11)); /* 110 */
    assert_false(function_set_has(&set, 130));
    for (uint16_t code = 2; code < 40; code++)
        function_set_add(&set, code);
    assert_int_equal(set.count, FUNCTIONS_MAX);
    assert_int_equal(set.back, 0);
    assert_int_equal(set.more, 38 - 29);
    assert_true(function_set_has(&set, 110) && function_set_has(&set, 500));
    assert_int_equal(set.more_back, 2 + 30);
}

static void expect(enum service service, uint16_t code, const char *text)
{
    char have[FUNCTION_TEXT_SIZE];
    assert_string_equal(function_text(service, code, have), text);
}

static void test_names(void **state)
{
    (void)state;
    expect(SERVICE_MODBUS, 5, "5 (write single coil)");
    expect(SERVICE_MODBUS, 99, "99");
    expect(SERVICE_S7, 0x29, "0x29 (PLC stop)");
    expect(SERVICE_S7, 0x7401, "0x7401 (read SZL)");
    expect(SERVICE_CIP, 0x4e, "0x4e (read modify write tag)");
    expect(SERVICE_CIP, 0x64e, "0x64e (forward close)");
    expect(SERVICE_BACNET, 264, "264 (who-Is)");
    expect(SERVICE_OPCUA, 631, "631 (Read)");
    expect(SERVICE_PROFINET, 0, "0 (connect)");
    expect(SERVICE_DNS, 1, "1");
    expect(SERVICE_CIP, FUNCTION_CIP_UNSEEN, "0x680 (not looked at)");
    expect(SERVICE_S7, FUNCTION_S7_UNSEEN, "0x100 (not looked at)");
}

static void test_writes(void **state)
{
    (void)state;
    assert_true(function_writes(SERVICE_MODBUS, 5) && function_writes(SERVICE_S7, 0x29));
    assert_true(function_writes(SERVICE_CIP, 0x4e) && function_writes(SERVICE_BACNET, 265));
    assert_false(function_writes(SERVICE_MODBUS, 3) || function_writes(SERVICE_MODBUS, 0));
    assert_false(function_writes(SERVICE_CIP, 0x64e) || function_writes(SERVICE_S7, 0x7703));
    assert_false(function_writes(SERVICE_DNS, 5) || function_writes(SERVICE_NONE, 0));
}

/* Every name is of a code that there can be, and fits where it is written. */
static void test_all_names(void **state)
{
    (void)state;
    for (unsigned service = 0; service < SERVICES; service++) {
        unsigned named = 0, last = function_last((enum service)service);
        for (unsigned code = 0; code <= UINT16_MAX; code++) {
            const char *name = function_name((enum service)service, (uint16_t)code);
            named += name != NULL;
            assert_true(name || !function_writes((enum service)service, (uint16_t)code));
            assert_true(!name || (code <= last && strlen(name) + 12 < FUNCTION_TEXT_SIZE));
        }
        assert_int_equal(named > 0, last > 0);
    }
    assert_int_equal(function_last(SERVICE_ASTERIX), 0);
    assert_int_equal(function_last(SERVICE_HTTP), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),          cmocka_unit_test(test_bound),
        cmocka_unit_test(test_who_is_asked), cmocka_unit_test(test_names),
        cmocka_unit_test(test_writes),       cmocka_unit_test(test_all_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
