/* Items of records → distinct counts by class, the labels that have most, a few samples; and a
 * budget that sets of items share. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "weir/detect/counted.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static union {
    struct record_content record;
    uint64_t align[RECORD_MAX_BYTES / 8];
} made;

/* `count` items from `first` on, all of one label; a sample when there is one. */
static void make(enum content_class class, const char *label, const char *sample, uint64_t first,
                 uint16_t count)
{
    struct record_content *r = &made.record;
    memset(&made, 0, sizeof made);
    r->class = (uint8_t) class;
    r->hash_count = count;
    r->label_count = 1;
    r->sample_count = sample != NULL;
    for (uint16_t i = 0; i < count; i++)
        r->hash[i] = (first + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    uint8_t *at = (uint8_t *)(r->hash + count) + count;
    *at++ = (uint8_t)strlen(label);
    memcpy(at, label, strlen(label));
    at += strlen(label);
    if (sample) {
        *at++ = (uint8_t)strlen(sample);
        memcpy(at, sample, strlen(sample));
        at += strlen(sample);
    }
    r->header.kind = RECORD_CONTENT;
    r->header.version = RECORD_VERSION;
    r->header.size = (uint32_t)record_size((size_t)(at - (uint8_t *)r), 0);
    assert_int_equal(record_validate(r, r->header.size), RECORD_OK);
}

static struct counter counter;
static struct counted counted;
static struct union_budget budget;

static int setup(void **state)
{
    (void)state;
    memset(&counter, 0, sizeof counter);
    memset(&counted, 0, sizeof counted);
    budget = (struct union_budget){.limit_bytes = 1 << 30};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    counter_fini(&counter);
    return budget.used_bytes == 0 ? 0 : -1;
}

static void add(void)
{
    counter_add(&counter, &budget, &counted, &made.record);
}

static void test_classes_and_labels(void **state)
{
    (void)state;
    assert_false(counted_any(&counted));
    make(CONTENT_EMAIL, "example.jp", NULL, 0, 200);
    add();
    make(CONTENT_EMAIL, "example.com", NULL, 150, 250); /* 50 of them are known */
    add();
    make(CONTENT_CARD, "visa", "4111", 0, 3); /* equal hashes, another class: items of their own */
    add();
    assert_true(counted_any(&counted));
    assert_int_equal(counted.of[CONTENT_EMAIL].items, 400);
    assert_int_equal(counted.of[CONTENT_CARD].items, 3);
    assert_int_equal(counted.label_count, 3);
    assert_string_equal(counted.label[0].text, "example.jp"); /* 200 each: who came first */
    assert_int_equal(counted.label[0].items, 200);
    assert_int_equal(counted.label[1].items, 200);
    assert_string_equal(counted.label[2].text, "visa");
    assert_int_equal(counted.more_labels, 0);
    assert_int_equal(counted.sample_count, 1);
    assert_string_equal(counted.sample[0].text, "4111");
    make(CONTENT_EMAIL, "example.com", NULL, 1000, 1);
    add();
    assert_string_equal(counted.label[0].text, "example.com"); /* heavier now */
}

/* Hundreds of mail domains do not drive out the one key. */
static void test_one_key_stays(void **state)
{
    char domain[32];
    bool key = false, heavy = false;
    (void)state;
    make(CONTENT_SETTING, "private-key", NULL, 0, 1);
    add();
    make(CONTENT_EMAIL, "heavy.example", NULL, 0, 100);
    add();
    for (unsigned i = 0; i < 500; i++) {
        snprintf(domain, sizeof domain, "d%u.example", i);
        make(CONTENT_EMAIL, domain, NULL, 1000 + 10 * i, 2);
        add();
    }
    for (size_t i = 0; i < counted.label_count; i++) {
        key |= strcmp(counted.label[i].text, "private-key") == 0;
        heavy |= strcmp(counted.label[i].text, "heavy.example") == 0;
    }
    assert_int_equal(counted.label_count, COUNTED_LABELS);
    assert_true(key && heavy);
    assert_true(counted_has_more(&counted, CONTENT_EMAIL));
    assert_false(counted_has_more(&counted, CONTENT_SETTING)); /* its one label is listed */
    assert_int_equal(counted.of[CONTENT_EMAIL].items, 1100);
}

/* Nor do many kinds of the same class that weigh more. */
static void test_grave_labels_stay(void **state)
{
    char kind[32];
    bool key = false, archive = false;
    (void)state;
    make(CONTENT_SETTING, "aws-key", NULL, 0, 1);
    add();
    make(CONTENT_ARCHIVE, "zip-encrypted", NULL, 0, 1);
    add();
    for (unsigned i = 0; i < 40; i++) {
        snprintf(kind, sizeof kind, "kind%u", i);
        make(i % 2 ? CONTENT_SETTING : CONTENT_ARCHIVE, kind, NULL, 1000 + 10 * i, 5);
        add();
    }
    for (size_t i = 0; i < counted.label_count; i++) {
        key |= strcmp(counted.label[i].text, "aws-key") == 0;
        archive |= strcmp(counted.label[i].text, "zip-encrypted") == 0;
    }
    assert_true(key && archive);
    assert_true(counted_has_more(&counted, CONTENT_SETTING));
    assert_true(counted_has_more(&counted, CONTENT_ARCHIVE));
    for (unsigned i = 0; i < 40; i++) { /* more of them than there is room for */
        snprintf(kind, sizeof kind, "kind%u-token", i);
        make(CONTENT_SETTING, kind, NULL, 5000 + 10 * i, 1);
        add();
    }
    make(CONTENT_EMAIL, "example.jp", NULL, 0, 200);
    add();
    assert_int_equal(counted.label_count, COUNTED_LABELS);
    for (size_t i = 0; i < COUNTED_LABELS; i++)
        assert_true(counted_is_grave(&counted.label[i]));
    assert_int_equal(counted.of[CONTENT_EMAIL].items, 200);
}

static void test_long_labels_keep_their_end(void **state)
{
    static const char label[] = "a-very-long-host-name-of-a-department.of.an.agency.example.jp";
    (void)state;
    make(CONTENT_EMAIL, label, NULL, 0, 1);
    add();
    assert_string_equal(counted.label[0].text, label + sizeof label - 1 - COUNTED_LABEL_MAX);
}

static void test_packed(void **state)
{
    struct counter twin = {{NULL}};
    struct buffer bytes = {0};
    (void)state;
    make(CONTENT_EMAIL, "example.jp", NULL, 0, 200);
    add();
    make(CONTENT_FLIGHT, "aftn", NULL, 0, 5);
    add();
    counter_pack(&counter, &bytes);
    struct cursor in = cursor_make(bytes.data, bytes.size);
    size_t used = budget.used_bytes;
    assert_true(counter_unpack(&twin, &budget, &in));
    assert_int_equal(budget.used_bytes, 2 * used);
    assert_int_equal(item_union_count(twin.items[CONTENT_EMAIL]), 200);
    assert_int_equal(item_union_count(twin.items[CONTENT_FLIGHT]), 5);
    assert_null(twin.items[CONTENT_CARD]);
    counter_fini(&twin);
    assert_int_equal(budget.used_bytes, used);
    in = cursor_make(bytes.data, bytes.size - 1);
    assert_false(counter_unpack(&twin, &budget, &in));
    counter_fini(&twin);
    buffer_fini(&bytes);
}

/* Past the budget a set that would grow estimates; small ones stay exact. */
static void test_budget(void **state)
{
    (void)state;
    budget.limit_bytes = 64 << 10;
    struct item_union *u = item_union_new(&budget), *small = item_union_new(&budget);
    uint64_t last = 0;
    for (uint64_t i = 1; i <= 100000; i++) {
        item_union_add(u, i * UINT64_C(0x9e3779b97f4a7c15));
        assert_true(item_union_count(u) >= last);
        last = item_union_count(u);
        if (i == 20000 || i == 40000 || i == 100000)
            assert_true(fabs((double)last / (double)i - 1) < 0.03);
    }
    assert_int_equal(budget.shortened, 1);
    assert_true(item_union_error(u) > 0);
    for (uint64_t i = 1; i <= 500; i++)
        item_union_add(small, i * UINT64_C(0x9e3779b97f4a7c15));
    assert_int_equal(item_union_count(small), 500);
    assert_true(item_union_error(small) <= 0);
    assert_true(budget.used_bytes <= budget.limit_bytes);
    item_union_free(u);
    item_union_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_classes_and_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_key_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_grave_labels_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_labels_keep_their_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_packed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_budget, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
