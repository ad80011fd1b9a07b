/* Which two lines of nfdump's are one connection, and when one that has no other goes on alone. */
#include "../../../sensor/capture/nfdump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define START INT64_C(1772587200)

struct rig {
    struct nfdump *nfdump;
    struct connection connection;
    bool any;
    unsigned alone, pairs;
};

static void take(struct rig *rig)
{
    const struct connection_side *side = rig->connection.side;
    bool both = side[SIDE_ORIG].packets > 0 && side[SIDE_RESP].packets > 0;
    rig->pairs += both;
    rig->alone += !both;
}

static void line(struct rig *rig, const char *text)
{
    while (nfdump_due(rig->nfdump, &rig->connection))
        take(rig);
    nfdump_line(rig->nfdump, text, strlen(text), &rig->connection, &rig->any);
    if (rig->any)
        take(rig);
}

static void one_way(struct rig *rig, int64_t at_s, const char *from, const char *to)
{
    char text[200];
    snprintf(text, sizeof text, "%lld.000,%lld.500,0.5,%s,%s,123,123,17,........,1,76",
             (long long)(START + at_s), (long long)(START + at_s), from, to);
    line(rig, text);
}

static struct rig begin(void)
{
    struct rig rig = {.nfdump = nfdump_new()};
    line(&rig, "ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt");
    return rig;
}

/* However many questions of one key were never answered, a later one is paired with its answer. */
static void test_unanswered_ones_are_in_nobodys_way(void **state)
{
    (void)state;
    for (unsigned unanswered = 7; unanswered <= 40; unanswered += 11) {
        struct rig rig = begin();
        for (unsigned i = 0; i < unanswered; i++)
            one_way(&rig, i * 90, "10.1.0.4", "203.0.113.9");
        for (unsigned i = 0; i < 5; i++) {
            one_way(&rig, unanswered * 90 + 7200 + i * 300, "10.1.0.4", "203.0.113.9");
            one_way(&rig, unanswered * 90 + 7200 + i * 300, "203.0.113.9", "10.1.0.4");
        }
        assert_int_equal(rig.pairs, 5);
        assert_int_equal(rig.alone, unanswered);
        nfdump_free(rig.nfdump);
    }
}

/* Half an hour later, by the log's own clock, nobody waits for the other direction any more. */
static void test_in_its_own_hour(void **state)
{
    struct rig rig = begin();
    (void)state;
    one_way(&rig, 0, "10.1.0.4", "203.0.113.9");
    one_way(&rig, 1700, "10.1.0.5", "203.0.113.9");
    assert_int_equal(rig.alone, 0);
    for (int i = 0; i < 5; i++) /* five lines later, looked at before the next */
        one_way(&rig, 1900 + i, "10.1.0.6", "203.0.113.9");
    assert_int_equal(rig.alone, 1);
    assert_false(nfdump_due(rig.nfdump, &rig.connection));
    while (nfdump_rest(rig.nfdump, &rig.connection))
        take(&rig);
    assert_int_equal(rig.alone, 7);
    nfdump_free(rig.nfdump);
}

#define FAR_S (INT64_C(4291747200) - START) /* the year 2106 */

/* One that is dated in 2106 and never answered: those behind it go on in their own hour. */
static void test_far_date_holds_nobody_up(void **state)
{
    struct rig rig = begin();
    (void)state;
    one_way(&rig, 0, "10.1.0.3", "203.0.113.9");
    one_way(&rig, FAR_S, "10.1.0.4", "203.0.113.9");
    for (int i = 0; i < 4; i++)
        one_way(&rig, i, "10.1.0.5", "203.0.113.9");
    for (int i = 0; i < 6; i++)
        one_way(&rig, 7200 + i, "10.1.0.6", "203.0.113.9");
    assert_int_equal(rig.alone, 6);
    nfdump_free(rig.nfdump);
}

/* Nor does a connection of two such lines send anybody on who waits for an answer of today. */
static void test_far_date_sends_nobody_on(void **state)
{
    struct rig rig = begin();
    (void)state;
    for (int i = 0; i < 3; i++)
        one_way(&rig, i, "10.1.0.5", "203.0.113.9");
    one_way(&rig, FAR_S, "10.1.0.4", "203.0.113.9");
    one_way(&rig, FAR_S, "203.0.113.9", "10.1.0.4");
    for (int i = 0; i < 3; i++)
        one_way(&rig, i, "203.0.113.9", "10.1.0.5");
    assert_int_equal(rig.pairs, 4);
    assert_int_equal(rig.alone, 0);
    nfdump_free(rig.nfdump);
}

/* A log that begins with its exporter's wrong date: what came then does not wait for that. */
static void test_clock_goes_back(void **state)
{
    struct rig rig = begin();
    (void)state;
    for (int i = 0; i < 5; i++)
        one_way(&rig, FAR_S + i, "10.1.0.4", "203.0.113.9");
    assert_int_equal(rig.alone, 0);
    for (int i = 0; i < 6; i++)
        one_way(&rig, i, "10.1.0.5", "203.0.113.9");
    assert_int_equal(rig.alone, 5);
    nfdump_free(rig.nfdump);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unanswered_ones_are_in_nobodys_way),
        cmocka_unit_test(test_in_its_own_hour),
        cmocka_unit_test(test_far_date_holds_nobody_up),
        cmocka_unit_test(test_far_date_sends_nobody_on),
        cmocka_unit_test(test_clock_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
