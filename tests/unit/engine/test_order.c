/* The order of consumption, against an order made by hand: whatever the number of workers and
 * however their records and watermarks interleave, records come out by (time, key, number), none
 * before every worker is complete up to it. */
#include "records.h"

#include "../../../sensor/engine/order.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

static struct flow_key key_of(unsigned number)
{
    struct flow_key key = make_flow_key("10.0.0.1", 1000, "198.51.100.1", 443);
    key.orig_ip.byte[15] = (uint8_t)number;
    return key;
}

static void add(struct order *order, uint32_t worker, uint64_t number, int64_t time_ns,
                unsigned key)
{
    union any_record record;
    struct flow_key flow_key = key_of(key);
    make_flow(&record, number, time_ns, &flow_key, number, 0);
    order_add(order, &record.header, worker, 0);
}

static void expect_next(struct order *order, uint64_t number, uint32_t worker)
{
    const struct ordered *next = order_peek(order);
    assert_non_null(next);
    assert_int_equal(next->record->number, number);
    assert_int_equal(next->worker, worker);
    order_done(order);
}

static void test_nothing_before_its_watermark(void **state)
{
    struct order order;
    (void)state;
    order_init(&order, 1);
    assert_null(order_peek(&order));
    add(&order, 0, 1, 100, 1);
    assert_null(order_peek(&order));
    assert_true(order_watermark(&order, 0, (struct ptime){99}));
    assert_null(order_peek(&order));
    assert_true(order_watermark(&order, 0, (struct ptime){100}));
    expect_next(&order, 1, 0);
    assert_null(order_peek(&order));
    add(&order, 0, 2, 110, 1);
    add(&order, 0, 3, 120, 1);
    add(&order, 0, 4, 130, 1);
    order_watermark(&order, 0, (struct ptime){120});
    assert_int_equal(order_ahead(&order, 1)->record->number, 3);
    assert_null(order_ahead(&order, 2)); /* not ready */
    expect_next(&order, 2, 0);
    assert_null(order_ahead(&order, 1));
    order_fini(&order);
}

static void test_the_slowest_worker_decides(void **state)
{
    struct order order;
    (void)state;
    order_init(&order, 3);
    add(&order, 0, 1, 10, 1);
    add(&order, 1, 1, 5, 2);
    assert_false(order_watermark(&order, 0, (struct ptime){100}));
    assert_false(order_watermark(&order, 1, (struct ptime){100}));
    assert_null(order_peek(&order));
    assert_true(order_watermark(&order, 2, (struct ptime){7}));
    expect_next(&order, 1, 1);
    assert_null(order_peek(&order));
    assert_true(order_watermark(&order, 2, PTIME_MAX)); /* its input ended */
    expect_next(&order, 1, 0);
    order_fini(&order);
}

static void test_a_watermark_never_goes_back(void **state)
{
    struct order order;
    (void)state;
    order_init(&order, 1);
    assert_true(order_watermark(&order, 0, (struct ptime){50}));
    assert_false(order_watermark(&order, 0, (struct ptime){50}));
    assert_false(order_watermark(&order, 0, (struct ptime){40}));
    add(&order, 0, 1, 50, 1); /* late: comes at once, counted */
    add(&order, 0, 2, 60, 1);
    add(&order, 0, 3, 40, 1);
    expect_next(&order, 1, 0);
    expect_next(&order, 3, 0);
    assert_null(order_peek(&order));
    assert_int_equal(order.late, 2);
    assert_true(order_watermark(&order, 0, (struct ptime){60}));
    expect_next(&order, 2, 0);
    order_fini(&order);
}

static void test_equal_times_by_key_then_number(void **state)
{
    struct order order;
    (void)state;
    order_init(&order, 2);
    add(&order, 0, 1, 10, 9);
    add(&order, 0, 2, 10, 3);
    add(&order, 1, 1, 10, 5);
    add(&order, 0, 3, 10, 3);
    add(&order, 0, 4, 9, 200);
    order_watermark(&order, 0, (struct ptime){10});
    order_watermark(&order, 1, (struct ptime){10});
    expect_next(&order, 4, 0);
    expect_next(&order, 2, 0);
    expect_next(&order, 3, 0);
    expect_next(&order, 1, 1);
    expect_next(&order, 1, 0);
    assert_null(order_peek(&order));
    order_fini(&order);
}

/* Who is absent holds nobody up; who comes back begins at what is complete. */
static void test_absent_and_back(void **state)
{
    struct order order;
    (void)state;
    order_init(&order, 2);
    add(&order, 0, 1, 10, 1);
    add(&order, 1, 1, 12, 2);
    add(&order, 0, 2, 90, 1);
    order_watermark(&order, 0, (struct ptime){50});
    assert_null(order_peek(&order));
    order_absent(&order, 1, (struct ptime){12});
    expect_next(&order, 1, 0);
    expect_next(&order, 1, 1);
    assert_null(order_peek(&order));
    order_present(&order, 1);
    assert_int_equal(order.worker[1].watermark.ns, 50);
    assert_false(order_watermark(&order, 0, (struct ptime){100}));
    assert_null(order_peek(&order));
    order_absent(&order, 0, (struct ptime){100});
    order_absent(&order, 1, (struct ptime){0}); /* nobody is there: nothing is waited for */
    expect_next(&order, 2, 0);
    assert_false(order.ended);
    order_watermark(&order, 0, PTIME_MAX);
    assert_false(order.ended);
    assert_true(order_watermark(&order, 1, PTIME_MAX));
    assert_true(order.ended);
    assert_int_equal(order.complete.ns, 100);
    order_fini(&order);
}

/* Live, time alone brings something to consume, in its place among the records. */
static void test_marks_of_time(void **state)
{
    static const int64_t want[] = {0, 10, 99, 100, 101, 700, 705};
    struct order order;
    (void)state;
    order_init(&order, 1);
    order.mark_ns = 100;
    add(&order, 0, 1, 10, 1);
    order_watermark(&order, 0, (struct ptime){50});
    add(&order, 0, 2, 101, 1);
    add(&order, 0, 3, 99, 1); /* before the mark at 100 */
    order_watermark(&order, 0, (struct ptime){150});
    add(&order, 0, 4, 705, 1);
    order_watermark(&order, 0, (struct ptime){160});
    order_watermark(&order, 0, (struct ptime){760}); /* one mark, the latest */
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct ordered *next = order_peek(&order);
        assert_non_null(next);
        assert_int_equal(next->record->time_ns, want[i]);
        assert_int_equal(next->record->kind == ORDER_TIME, want[i] % 100 == 0);
        order_done(&order);
    }
    assert_null(order_peek(&order));
    assert_int_equal(order.late, 0);
    order_fini(&order);
}

static void test_forced(void **state)
{
    struct order order;
    (void)state;
    order_init(&order, 2);
    for (uint64_t i = 1; i <= 10; i++)
        add(&order, 0, i, 5, 1);
    assert_true(order_holds(&order, 0) && order_holds(&order, 1));
    assert_int_equal(order.worker[0].waiting, 10);
    order_force(&order);
    assert_int_equal(order.forced, 10);
    assert_int_equal(order.worker[0].waiting, 0);
    for (uint64_t i = 1; i <= 10; i++)
        expect_next(&order, i, 0);
    order_watermark(&order, 0, (struct ptime){60});
    assert_false(order_holds(&order, 0));
    assert_true(order_holds(&order, 1));
    order_fini(&order);
}

#define ENDING (5 * ORDER_STEP)

/* `at`: how many it has told of already. Its keys are those of its remainder. */
static void end_some(struct order *order, uint32_t worker, uint32_t workers, uint32_t *at,
                     uint32_t count)
{
    for (; count > 0; count--, ++*at) {
        union any_record record;
        struct flow_key key = key_of(0);
        uint32_t number = *at * workers + worker;
        key.orig_ip.byte[13] = (uint8_t)(number >> 16);
        key.orig_ip.byte[14] = (uint8_t)(number >> 8);
        key.orig_ip.byte[15] = (uint8_t)number;
        make_flow(&record, *at + 1, 50, &key, number, 0);
        order_add(order, &record.header, worker, 0);
        order_promise(order, worker, &record.flow);
    }
}

static uint32_t take_by_key(struct order *order, uint32_t from)
{
    const struct ordered *next;
    for (; (next = order_peek(order)) != NULL; order_done(order), from++) {
        const struct record_flow *flow = (const void *)next->record;
        assert_int_equal(flow->total[0].payload_bytes, from);
    }
    return from;
}

/* More end at one instant than may wait: what all have promised is complete, in the order of keys,
 * however far one runs ahead of the other; who does holds nobody up. */
static bool somebody_holds(const struct order *order, uint32_t workers)
{
    for (uint32_t w = 0; w < workers; w++)
        if (order_holds(order, w))
            return true;
    return false;
}

static void test_the_ends_of_one_instant(void **state)
{
    for (uint32_t workers = 1; workers <= 3; workers++) {
        struct order order;
        uint32_t at[3] = {0}, taken = 0;
        unsigned seed = workers;
        (void)state;
        order_init(&order, workers);
        order.max = 2 * ORDER_STEP;
        for (uint32_t w = 0; w < workers; w++) /* their last ones differ */
            order_watermark(&order, w, (struct ptime){40 + (w + 1) % 3});
        for (uint32_t done = 0; done < workers;) {
            uint32_t w = (uint32_t)rand_r(&seed) % workers, left = ENDING - at[w];
            uint32_t some = (uint32_t)rand_r(&seed) % 1000;
            assert_true(!order_is_full(&order) || somebody_holds(&order, workers));
            if (left == 0 || (order_is_full(&order) && !order_holds(&order, w)))
                continue;
            end_some(&order, w, workers, &at[w], some < left ? some : left);
            assert_false(order_is_full_of(&order, w) && order_holds(&order, w));
            taken = take_by_key(&order, taken);
            done += at[w] == ENDING;
        }
        assert_true(taken > 0 && taken + order_waiting(&order) == workers * ENDING);
        assert_int_equal(order.complete.ns, 49);
        for (uint32_t w = 0; w < workers; w++)
            order_watermark(&order, w, PTIME_MAX);
        assert_int_equal(take_by_key(&order, taken), workers * ENDING);
        assert_true(order.ended);
        assert_int_equal(order.forced + order.late, 0);
        order_fini(&order);
    }
}

/* Nothing of an instant that another has not come to the end of is complete. */
static void test_a_promise_waits_for_others(void **state)
{
    struct order order;
    uint32_t at = 0;
    (void)state;
    order_init(&order, 2);
    end_some(&order, 0, 1, &at, 2 * ORDER_STEP);
    assert_null(order_peek(&order));
    assert_false(order_holds(&order, 0));
    assert_true(order_holds(&order, 1));
    order_watermark(&order, 1, (struct ptime){49});
    assert_null(order_peek(&order));
    order_watermark(&order, 1, (struct ptime){50});
    assert_true(order_holds(&order, 0));
    end_some(&order, 0, 1, &at, 2 * ORDER_STEP);
    uint32_t taken = take_by_key(&order, 0);
    assert_in_range(taken, 2 * ORDER_STEP, 4 * ORDER_STEP);
    order_watermark(&order, 0, (struct ptime){50});
    assert_false(order.worker[0].promises);
    assert_int_equal(take_by_key(&order, taken), 4 * ORDER_STEP);
    order_fini(&order);
}

static void test_what_is_left_is_freed(void **state)
{
    struct order order;
    (void)state;
    order_init(&order, 1);
    for (uint64_t i = 1; i <= 5000; i++)
        add(&order, 0, i, (int64_t)i, 1);
    order_watermark(&order, 0, (struct ptime){2500});
    for (uint64_t i = 1; i <= 100; i++)
        expect_next(&order, i, 0);
    order_fini(&order); /* the leak checker counts */
}

/* --- the same records through any number of workers ------------------------------------------- */

#define RECORDS 4000
#define KEYS    24

struct made {
    int64_t time_ns;
    unsigned key;
    uint32_t id; /* in payload_bytes */
};

static int by_want(const void *a, const void *b)
{
    const struct made *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->id < y->id ? -1 : 1; /* made in this order, so a worker numbers them so */
}

static void take_ready(struct order *order, uint32_t *out, size_t *count, int64_t complete)
{
    for (const struct ordered *next; (next = order_peek(order)) != NULL; order_done(order)) {
        assert_true(next->record->time_ns <= complete);
        out[(*count)++] = (uint32_t)((const struct record_flow *)(const void *)next->record)
                              ->total[0]
                              .payload_bytes;
    }
}

/* Key k belongs to worker k % workers. Workers run ahead of each other by chance. */
static size_t through(const struct made *made, uint32_t workers, unsigned seed, uint32_t *out)
{
    struct order order;
    size_t at[8] = {0}, count = 0;
    uint64_t number[8] = {0};
    int64_t complete[8];
    order_init(&order, workers);
    for (uint32_t w = 0; w < workers; w++)
        complete[w] = INT64_MIN;
    for (bool more = true; more;) {
        uint32_t w = (uint32_t)rand_r(&seed) % workers;
        for (unsigned burst = (unsigned)rand_r(&seed) % 40; burst > 0 && at[w] < RECORDS; at[w]++) {
            const struct made *m = &made[at[w]];
            if (m->key % workers != w)
                continue;
            union any_record record;
            struct flow_key key = key_of(m->key);
            make_flow(&record, ++number[w], m->time_ns, &key, m->id, 0);
            order_add(&order, &record.header, w, 0);
            burst--;
        }
        /* all that comes from here on has a later or the same time */
        int64_t time = at[w] < RECORDS ? made[at[w]].time_ns - 1 : INT64_MAX;
        order_watermark(&order, w, (struct ptime){time});
        complete[w] = time;
        int64_t least = INT64_MAX;
        for (uint32_t i = 0; i < workers; i++)
            least = complete[i] < least ? complete[i] : least;
        take_ready(&order, out, &count, least);
        more = least != INT64_MAX;
    }
    order_fini(&order);
    return count;
}

static void test_any_number_of_workers(void **state)
{
    static struct made made[RECORDS], want[RECORDS];
    static uint32_t out[RECORDS];
    unsigned seed = 20260302;
    int64_t now = 1000;
    (void)state;
    for (uint32_t i = 0; i < RECORDS; i++) { /* times stand still, or step by 1 to 3 */
        now += rand_r(&seed) % 4;
        made[i] = (struct made){now, (unsigned)rand_r(&seed) % KEYS, i + 1};
    }
    memcpy(want, made, sizeof want);
    qsort(want, RECORDS, sizeof *want, by_want);
    for (uint32_t workers = 1; workers <= 8; workers++) {
        memset(out, 0, sizeof out);
        assert_int_equal(through(made, workers, workers * 7919, out), RECORDS);
        for (size_t i = 0; i < RECORDS; i++)
            if (out[i] != want[i].id)
                fail_msg("%u workers: place %zu is record %u, expected %u", workers, i, out[i],
                         want[i].id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_before_its_watermark),
        cmocka_unit_test(test_the_slowest_worker_decides),
        cmocka_unit_test(test_a_watermark_never_goes_back),
        cmocka_unit_test(test_equal_times_by_key_then_number),
        cmocka_unit_test(test_absent_and_back),
        cmocka_unit_test(test_marks_of_time),
        cmocka_unit_test(test_forced),
        cmocka_unit_test(test_the_ends_of_one_instant),
        cmocka_unit_test(test_a_promise_waits_for_others),
        cmocka_unit_test(test_what_is_left_is_freed),
        cmocka_unit_test(test_any_number_of_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
