/* Items of a side: told once as long as the set has room, in batches of one class, with labels and,
 * where they are allowed, samples. */
#include "../../../sensor/content/items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SLOTS_MAX  65536u
#define TOLD_MAX   (SLOTS_MAX / 4 * 3) /* of a set that is as full as may be */
#define HASHES_MAX 200000u

/* What was told, in order; of the last call all that a record takes over. */
static struct {
    uint64_t hash[HASHES_MAX];
    char label[HASHES_MAX][CONTENT_LABEL_MAX + 1];
    size_t count, calls, per_class[CONTENT_CLASSES];
    enum content_class class;
    size_t last, labels, samples;
    char sample[RECORD_CONTENT_SAMPLES][CONTENT_SAMPLE_MAX + 1];
} told;

static void on_tell(void *context, const struct content_items *items)
{
    assert_ptr_equal(context, &told);
    assert_in_range(items->count, 1, RECORD_CONTENT_ITEMS);
    assert_in_range(items->label_count, 1, RECORD_CONTENT_LABELS);
    assert_in_range(items->sample_count, 0, RECORD_CONTENT_SAMPLES);
    for (size_t i = 0; i < items->count; i++) {
        const struct content_text *label = &items->label[items->place[i]];
        assert_in_range(items->place[i], 0, items->label_count - 1);
        told.hash[told.count] = items->hash[i];
        snprintf(told.label[told.count], sizeof told.label[0], "%.*s", label->size, label->text);
        told.count++;
    }
    for (size_t i = 0; i < items->sample_count; i++)
        snprintf(told.sample[i], sizeof told.sample[0], "%.*s", items->sample[i].size,
                 items->sample[i].text);
    told.calls++;
    told.per_class[items->class] += items->count;
    told.class = items->class;
    told.last = items->count;
    told.labels = items->label_count;
    told.samples = items->sample_count;
}

static bool waits; /* of those made last */

static struct items *open_items(struct items_shared *shared)
{
    memset(&told, 0, sizeof told);
    waits = false;
    return items_new(shared, on_tell, &told, &waits);
}

static void find(struct items *items, enum content_class class, uint64_t hash, const char *label,
                 const char *bytes)
{
    struct finder finder = items_finder(items);
    struct found found = {.class = class,
                          .hash = hash,
                          .label = label,
                          .label_size = strlen(label),
                          .bytes = (const uint8_t *)bytes,
                          .size = strlen(bytes)};
    finder.found(finder.context, &found);
}

/* Hashes spread over the slots, as keyed ones are; never 0. */
static uint64_t hash_of(uint64_t i)
{
    return (i + 1) * UINT64_C(0x9e3779b97f4a7c15) | UINT64_C(1) << 63;
}

static void test_told_once(void **state)
{
    (void)state;
    struct items_shared shared;
    items_shared_init(&shared, 1 << 20, false);
    struct items *items = open_items(&shared);
    struct finder finder = items_finder(items);
    assert_false(finder.known(finder.context, 7));
    find(items, CONTENT_CARD, 7, "visa", "4111");
    assert_true(finder.known(finder.context, 7));
    find(items, CONTENT_CARD, 7, "visa", "4111");
    assert_int_equal(told.calls, 0); /* it waits for more */
    assert_true(waits);
    items_tell(items);
    assert_false(waits);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.hash[0], 7);
    assert_int_equal(told.class, CONTENT_CARD);
    assert_string_equal(told.label[0], "visa");
    assert_int_equal(told.samples, 0); /* not allowed */
    find(items, CONTENT_CARD, 7, "visa", "4111");
    assert_false(waits); /* nothing new */
    items_tell(items);
    items_tell(items);
    assert_int_equal(told.calls, 1);
    items_free(items);
    assert_int_equal(shared.used_bytes, 0);
    items_shared_fini(&shared);
}

/* Each class has its batch; a full one goes at once, what waits goes when asked for. */
static void test_batches(void **state)
{
    (void)state;
    struct items_shared shared;
    items_shared_init(&shared, 1 << 20, false);
    struct items *items = open_items(&shared);
    for (uint64_t i = 0; i < RECORD_CONTENT_ITEMS; i++) {
        assert_int_equal(told.calls, 0);
        find(items, CONTENT_PHONE, hash_of(2 * i), "+81", "x");
        if (i < 3)
            find(items, CONTENT_IBAN, hash_of(2 * i + 1), "DE", "x");
    }
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.class, CONTENT_PHONE);
    assert_int_equal(told.last, RECORD_CONTENT_ITEMS);
    for (uint64_t i = 0; i < RECORD_CONTENT_ITEMS; i++)
        assert_int_equal(told.hash[i], hash_of(2 * i));
    items_tell(items);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.per_class[CONTENT_IBAN], 3);
    assert_int_equal(told.per_class[CONTENT_PHONE], RECORD_CONTENT_ITEMS);
    items_free(items);
    items_shared_fini(&shared);
}

/* One label more than a record has room for: what waits is told, and the count begins anew. */
static void test_labels(void **state)
{
    (void)state;
    struct items_shared shared;
    items_shared_init(&shared, 1 << 20, false);
    struct items *items = open_items(&shared);
    char label[16];
    for (uint64_t i = 0; i < 3 * RECORD_CONTENT_LABELS; i++) {
        snprintf(label, sizeof label, "l%u.example", (unsigned)(i / 2 % RECORD_CONTENT_LABELS));
        find(items, CONTENT_EMAIL, hash_of(i), label, "x");
    }
    assert_int_equal(told.calls, 0); /* 48 labels, three items each */
    find(items, CONTENT_EMAIL, hash_of(900), "another.example", "x");
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.last, 3 * RECORD_CONTENT_LABELS);
    assert_int_equal(told.labels, RECORD_CONTENT_LABELS);
    for (uint64_t i = 0; i < 3 * RECORD_CONTENT_LABELS; i++) {
        snprintf(label, sizeof label, "l%u.example", (unsigned)(i / 2 % RECORD_CONTENT_LABELS));
        assert_string_equal(told.label[i], label);
    }
    items_tell(items);
    assert_int_equal(told.last, 1);
    assert_int_equal(told.labels, 1);
    assert_string_equal(told.label[told.count - 1], "another.example");
    items_free(items);
    items_shared_fini(&shared);
}

/* Long labels keep their end; what cannot be printed is '?'. */
static void test_label_text(void **state)
{
    (void)state;
    struct items_shared shared;
    items_shared_init(&shared, 1 << 20, false);
    struct items *items = open_items(&shared);
    char label[101] = "";
    memset(label, 'a', 100);
    label[99] = 'z';
    find(items, CONTENT_EMAIL, 1, label, "x");
    find(items, CONTENT_EMAIL, 2, "b\n\xc3\xa4.example", "x");
    items_tell(items);
    assert_int_equal(strlen(told.label[0]), CONTENT_LABEL_MAX);
    assert_string_equal(told.label[0], label + 100 - CONTENT_LABEL_MAX);
    assert_string_equal(told.label[1], "b\?\?\?.example");
    items_free(items);
    items_shared_fini(&shared);
}

static void test_samples(void **state)
{
    (void)state;
    struct items_shared shared;
    items_shared_init(&shared, 1 << 20, true);
    struct items *items = open_items(&shared);
    char longer[101] = "";
    memset(longer, 'x', 100);
    longer[78] = '\x01'; /* its four characters have no room */
    find(items, CONTENT_CARD, 1, "visa", "4111 1111");
    find(items, CONTENT_CARD, 2, "visa", "a\\b\n\xff");
    find(items, CONTENT_CARD, 3, "visa", ""); /* nothing to show */
    find(items, CONTENT_CARD, 4, "visa", longer);
    for (uint64_t i = 5; i < 20; i++)
        find(items, CONTENT_CARD, i, "visa", "x");
    items_tell(items);
    assert_int_equal(told.last, 19);
    assert_int_equal(told.samples, RECORD_CONTENT_SAMPLES);
    assert_string_equal(told.sample[0], "4111 1111");
    assert_string_equal(told.sample[1], "a\\x5cb\\x0a\\xff");
    assert_int_equal(strlen(told.sample[2]), 78);
    assert_string_equal(told.sample[3], "x");
    items_free(items);
    items_shared_fini(&shared);
}

/* A set that is full starts anew: what it knew is told again once, nothing is lost. */
static void test_full(void **state)
{
    (void)state;
    struct items_shared shared;
    items_shared_init(&shared, 64 << 20, false);
    struct items *items = open_items(&shared);
    for (unsigned round = 0; round < 2; round++)
        for (uint64_t i = 0; i < TOLD_MAX; i++)
            find(items, CONTENT_EMAIL, hash_of(i), "a.example", "x");
    items_tell(items);
    assert_int_equal(told.count, TOLD_MAX); /* the second round brought nothing new */
    assert_int_equal(shared.used_bytes, SLOTS_MAX * sizeof(uint64_t));
    find(items, CONTENT_EMAIL, hash_of(TOLD_MAX), "a.example", "x");
    find(items, CONTENT_EMAIL, hash_of(0), "a.example", "x"); /* forgotten: told again */
    find(items, CONTENT_EMAIL, hash_of(0), "a.example", "x");
    items_tell(items);
    assert_int_equal(told.count, TOLD_MAX + 2);
    assert_int_equal(shared.used_bytes, SLOTS_MAX * sizeof(uint64_t));
    items_free(items);
    assert_int_equal(shared.used_bytes, 0);
    items_shared_fini(&shared);
}

/* All sets together have a limit: who may not grow starts anew; who may not even begin remembers
 * nothing, and tells everything. */
static void test_shared_limit(void **state)
{
    (void)state;
    struct items_shared shared;
    items_shared_init(&shared, 64 * sizeof(uint64_t), false);
    struct items *first = open_items(&shared);
    for (uint64_t i = 0; i < 48; i++)
        find(first, CONTENT_EMAIL, hash_of(i), "a.example", "x");
    find(first, CONTENT_EMAIL, hash_of(47), "a.example", "x");
    items_tell(first);
    assert_int_equal(told.count, 48);
    find(first, CONTENT_EMAIL, hash_of(48), "a.example", "x"); /* no room: anew */
    find(first, CONTENT_EMAIL, hash_of(47), "a.example", "x");
    items_tell(first);
    assert_int_equal(told.count, 50);
    assert_int_equal(shared.used_bytes, shared.limit_bytes);
    struct items *second = items_new(&shared, on_tell, &told, &waits);
    for (unsigned round = 0; round < 3; round++)
        find(second, CONTENT_EMAIL, 5, "a.example", "x");
    items_tell(second);
    assert_int_equal(told.count, 53);
    assert_int_equal(shared.used_bytes, shared.limit_bytes);
    items_free(first);
    find(second, CONTENT_EMAIL, 5, "a.example", "x"); /* now there is room */
    find(second, CONTENT_EMAIL, 5, "a.example", "x");
    items_tell(second);
    assert_int_equal(told.count, 54);
    items_free(second);
    assert_int_equal(shared.used_bytes, 0);
    items_shared_fini(&shared);
}

/* Hashes that fall on the same slot are different ones all the same. */
static void test_collisions(void **state)
{
    (void)state;
    struct items_shared shared;
    items_shared_init(&shared, 1 << 20, false);
    struct items *items = open_items(&shared);
    for (unsigned round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 200; i++)
            find(items, CONTENT_EMAIL, (i + 1) << 32 | 63, "a.example", "x");
    items_tell(items);
    assert_int_equal(told.count, 200);
    items_free(items);
    items_shared_fini(&shared);
}

/* Of all sides together no more than so many wait, whoever sends something worth counting. */
static void test_many_sides(void **state)
{
    (void)state;
    enum { SIDES_SOME = ITEMS_BATCHES_MAX + 10 };
    struct items_shared shared;
    items_shared_init(&shared, 1 << 20, false);
    struct items **items = calloc(SIDES_SOME, sizeof(struct items *));
    assert_non_null(items);
    for (uint32_t i = 0; i < SIDES_SOME; i++) {
        items[i] = items_new(&shared, on_tell, &told, &waits);
        if (i == 0)
            memset(&told, 0, sizeof told);
        find(items[i], CONTENT_EMAIL, hash_of(i), "example.com", "a@example.com");
    }
    assert_int_equal(shared.batches, ITEMS_BATCHES_MAX);
    assert_int_equal(told.calls, 10);
    assert_int_equal(told.count, 10);
    items_tell(items[0]);
    assert_int_equal(shared.batches, ITEMS_BATCHES_MAX - 1);
    for (uint32_t i = 0; i < SIDES_SOME; i++)
        items_free(items[i]);
    assert_int_equal(shared.batches, 0);
    free(items);
    items_shared_fini(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_sides), cmocka_unit_test(test_told_once),
        cmocka_unit_test(test_batches),    cmocka_unit_test(test_labels),
        cmocka_unit_test(test_label_text), cmocka_unit_test(test_samples),
        cmocka_unit_test(test_full),       cmocka_unit_test(test_shared_limit),
        cmocka_unit_test(test_collisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
