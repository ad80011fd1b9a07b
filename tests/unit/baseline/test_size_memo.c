/* What is kept of sizes that were asked for: until it is forgotten, of this past and size only. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "../../../sensor/baseline/size_memo.h"
#include "../../../sensor/baseline/tail.h"

static double ask(struct size_memo *memo, const struct histogram *own, uint64_t bytes, bool *known)
{
    return *size_memo_answer(memo, own, bytes, known);
}

static void test_answers(void **state)
{
    struct size_memo *memo = size_memo_new();
    struct histogram own[2] = {{0}};
    bool known;
    (void)state;
    *size_memo_answer(memo, &own[0], 1000, &known) = 0.25;
    assert_false(known);
    assert_true(ask(memo, &own[0], 1000, &known) == 0.25 && known);
    ask(memo, &own[1], 1000, &known);
    assert_false(known);
    ask(memo, &own[0], 1001, &known);
    assert_false(known);
    size_memo_forget(memo);
    ask(memo, &own[0], 1000, &known);
    assert_false(known);
    size_memo_free(memo);
    size_memo_forget(NULL);
}

/* Who the peers are is forgotten by itself. */
static void test_young(void **state)
{
    struct size_memo *memo = size_memo_new();
    struct histogram table[2] = {{0}};
    bool known;
    (void)state;
    *size_memo_young(memo, &table[0], "a", 2900, 1000, &known) = (struct estimate){.p = 0.25};
    assert_false(known);
    size_memo_forget_own(memo);
    const char *group = "b";
    assert_true(size_memo_young(memo, &table[1], group, 2900, 1000, &known) && !known);
    *size_memo_young(memo, &table[0], group, 2900, 1000, &known) = (struct estimate){.p = 0.5};
    assert_false(known);
    assert_true(size_memo_young(memo, &table[0], group, 2900, 1000, &known)->p == 0.5 && known);
    assert_true(size_memo_young(memo, &table[0], group, 2901, 1000, &known) && !known);
    assert_true(size_memo_young(memo, &table[0], group, 2901, 1001, &known) && !known);
    size_memo_forget(memo);
    assert_true(size_memo_young(memo, &table[0], group, 2901, 1001, &known) && !known);
    size_memo_free(memo);
}

/* More than there is room for: some are asked anew, none is another's. */
static void test_answers_many(void **state)
{
    struct size_memo *memo = size_memo_new();
    struct histogram own;
    bool known;
    (void)state;
    for (uint64_t bytes = 0; bytes < 2 * SIZE_MEMO_ANSWERS; bytes++)
        *size_memo_answer(memo, &own, bytes, &known) = (double)bytes;
    unsigned kept = 0;
    for (uint64_t bytes = 0; bytes < 2 * SIZE_MEMO_ANSWERS; bytes++) {
        double answer = ask(memo, &own, bytes, &known);
        assert_true(!known || answer == (double)bytes);
        kept += known;
    }
    assert_true(kept > 0 && kept <= SIZE_MEMO_ANSWERS);
    size_memo_free(memo);
}

static void assert_fitted(const struct sizes *fit, const struct histogram *table, int64_t week)
{
    struct sizes sizes;
    tail_sizes(&sizes, table, week);
    assert_int_equal(fit->week, week);
    assert_true(fit->counts.total == sizes.counts.total);
    assert_true(fit->counts.tail.sigma == sizes.counts.tail.sigma);
    assert_int_equal(fit->counts.tail.from, sizes.counts.tail.from);
}

static void test_fits(void **state)
{
    struct size_memo *memo = size_memo_new();
    struct histogram table = {0};
    (void)state;
    for (unsigned bin = 60; bin < 90; bin++)
        histogram_add(&table, bin, 2900, 100 - bin);
    assert_fitted(size_memo_fit(memo, &table, 2900), &table, 2900);
    assert_fitted(size_memo_fit(memo, &table, 2910), &table, 2910);
    const struct sizes *kept = size_memo_fit(memo, &table, 2900);
    double total = kept->counts.total;
    histogram_add(&table, 100, 2900, 7);
    assert_ptr_equal(size_memo_fit(memo, &table, 2900), kept);
    assert_true(kept->counts.total == total);
    size_memo_forget(memo);
    assert_fitted(size_memo_fit(memo, &table, 2900), &table, 2900);
    histogram_fini(&table);
    size_memo_free(memo);
}

static void test_peers(void **state)
{
    struct size_memo *memo = size_memo_new();
    struct peers peers = {.share = 0.5, .memo = memo}, found = {0};
    (void)state;
    assert_false(size_memo_peers(memo, "", &found));
    size_memo_keep_peers(memo, "q32", &peers);
    assert_false(size_memo_peers(memo, "", &found));
    assert_true(size_memo_peers(memo, "q32", &found) && found.share == 0.5);
    size_memo_forget(memo);
    assert_false(size_memo_peers(memo, "q32", &found));
    size_memo_free(memo);
}

/* Each set's answers are its own, and there when it is turned to again. */
static void test_sets(void **state)
{
    struct size_memo *memo = size_memo_new();
    struct histogram table = {0};
    bool known;
    (void)state;
    uint64_t one = size_memo_begin_set(memo), other = size_memo_begin_set(memo);
    assert_int_not_equal(one, other);
    histogram_add(&table, 70, 2900, 9);
    size_memo_turn(memo, one);
    *size_memo_answer(memo, &table, 1000, &known) = 0.25;
    const struct sizes *fit = size_memo_fit(memo, &table, 2900);
    size_memo_turn(memo, other);
    ask(memo, &table, 1000, &known);
    assert_false(known);
    assert_true(size_memo_young(memo, &table, "a", 2900, 1000, &known) && !known);
    histogram_add(&table, 80, 2900, 1);
    assert_true(size_memo_fit(memo, &table, 2900)->counts.total == 10);
    size_memo_turn(memo, one);
    assert_true(ask(memo, &table, 1000, &known) == 0.25 && known);
    assert_ptr_equal(size_memo_fit(memo, &table, 2900), fit);
    assert_true(fit->counts.total == 9);
    histogram_fini(&table);
    size_memo_free(memo);
    size_memo_turn(NULL, size_memo_begin_set(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),      cmocka_unit_test(test_young),
        cmocka_unit_test(test_answers_many), cmocka_unit_test(test_fits),
        cmocka_unit_test(test_peers),        cmocka_unit_test(test_sets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
