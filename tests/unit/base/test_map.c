/* The map against a plain array that holds the same, over many random puts and removals. */
#include "weir/base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEYS 500

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static size_t key_of(size_t i, char *key)
{
    return (size_t)snprintf(key, 32, "key %zu%.*s", i, (int)(i % 7), "......");
}

static void test_against_an_array(void **state)
{
    static char value[KEYS][2];
    void *there[KEYS] = {0};
    struct map map;
    uint32_t seed = 1;
    size_t count = 0;
    char key[32];
    (void)state;
    map_init(&map);
    for (int step = 0; step < 200000; step++) {
        size_t i = next_random(&seed) % KEYS, size = key_of(i, key);
        void *to = next_random(&seed) % 3 ? value[i] + next_random(&seed) % 2 : NULL;
        void *before = to ? map_put(&map, key, size, to) : map_remove(&map, key, size);
        assert_ptr_equal(before, there[i]);
        count = count + (to != NULL) - (before != NULL);
        there[i] = to;
        assert_int_equal(map.count, count);
        i = next_random(&seed) % KEYS;
        assert_ptr_equal(map_get(&map, key, key_of(i, key)), there[i]);
    }
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get(&map, key, key_of(i, key)), there[i]);
    map_fini(&map, NULL);
    assert_int_equal(map.count, 0);
}

static void test_keys_are_bytes(void **state)
{
    struct map map;
    int a, b, c, d;
    (void)state;
    map_init(&map);
    assert_null(map_get(&map, "x", 1));
    assert_null(map_remove(&map, "x", 1));
    map_put(&map, "x\0y", 3, &a);
    map_put(&map, "x\0z", 3, &b);
    map_put(&map, "x", 1, &c);
    map_put(&map, "", 0, &d);
    assert_ptr_equal(map_get(&map, "x\0y", 3), &a);
    assert_ptr_equal(map_get(&map, "x\0z", 3), &b);
    assert_ptr_equal(map_get(&map, "x", 1), &c);
    assert_ptr_equal(map_get(&map, "", 0), &d);
    assert_null(map_get(&map, "x\0", 2));
    map_fini(&map, NULL);
}

static void test_keys_are_copied(void **state)
{
    char key[] = "before";
    struct map map;
    int a;
    (void)state;
    map_init(&map);
    map_put(&map, key, 6, &a);
    memcpy(key, "after!", 6);
    assert_null(map_get(&map, key, 6));
    assert_ptr_equal(map_get(&map, "before", 6), &a);
    map_fini(&map, NULL);
}

static void test_sorted(void **state)
{
    static const char *const in[] = {"b", "ab", "", "a", "\xff", "aa", "a\x01"};
    static const char *const out[] = {"", "a", "a\x01", "aa", "ab", "b", "\xff"};
    int value;
    struct map map;
    (void)state;
    map_init(&map);
    for (size_t i = 0; i < 7; i++)
        map_put(&map, in[i], strlen(in[i]), &value);
    const struct map_entry **sorted = map_sorted(&map);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(sorted[i]->key_size, strlen(out[i]));
        assert_memory_equal(sorted[i]->key, out[i], strlen(out[i]));
    }
    free(sorted);
    map_fini(&map, NULL);
    sorted = map_sorted(&map); /* of nothing: still to be freed */
    assert_non_null(sorted);
    free(sorted);
}

static void test_next_sees_each_once(void **state)
{
    static char value[KEYS];
    struct map map;
    char key[32];
    size_t position = 0, count = 0;
    (void)state;
    memset(value, 0, sizeof value);
    map_init(&map);
    assert_null(map_next(&map, &position));
    for (size_t i = 0; i < KEYS; i++)
        map_put(&map, key, key_of(i, key), &value[i]);
    position = 0;
    for (const struct map_entry *e; (e = map_next(&map, &position)) != NULL; count++) {
        char *seen = e->value;
        *seen = (char)(*seen + 1);
    }
    assert_int_equal(count, KEYS);
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(value[i], 1);
    map_fini(&map, NULL);
}

/* The sanitizer counts what is not freed. */
static void test_values_are_freed(void **state)
{
    struct map map;
    char key[32];
    (void)state;
    map_init(&map);
    for (size_t i = 0; i < 100; i++)
        map_put(&map, key, key_of(i, key), malloc(8));
    free(map_put(&map, key, key_of(5, key), malloc(8)));
    free(map_remove(&map, key, key_of(6, key)));
    map_fini(&map, free);
    assert_null(map.slot);
}

/* Of a map that borrows, the key is where its value has it, and goes with it. */
static void test_keys_are_borrowed(void **state)
{
    struct map map;
    (void)state;
    map_init_borrowing(&map);
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t *value = malloc(sizeof *value);
        *value = i;
        assert_null(map_put(&map, value, sizeof *value, value));
    }
    uint64_t *again = malloc(sizeof *again), key = 7;
    *again = key;
    free(map_put(&map, again, sizeof *again, again)); /* the key is the new value's now */
    assert_ptr_equal(map_get(&map, &key, sizeof key), again);
    for (key = 0; key < 100; key += 2)
        free(map_remove(&map, &key, sizeof key));
    for (key = 0; key < 100; key++)
        assert_int_equal(map_get(&map, &key, sizeof key) != NULL, key % 2);
    map_fini(&map, free);
    assert_true(map.borrows);
}

/* By its hash what is there is found, and nothing where nothing is. */
static void test_expected(void **state)
{
    uint64_t value[KEYS];
    struct map map;
    (void)state;
    map_init_borrowing(&map);
    map_prefetch(&map, 7);
    assert_null(map_expect(&map, 7));
    for (size_t i = 0; i < KEYS; i++) {
        value[i] = i;
        map_put(&map, &value[i], sizeof value[i], &value[i]);
    }
    for (uint64_t i = 0; i < KEYS; i += 2)
        map_remove(&map, &i, sizeof i);
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t hash = map_hash(&i, sizeof i);
        map_prefetch(&map, hash);
        assert_ptr_equal(map_expect(&map, hash), i % 2 ? &value[i] : NULL);
    }
    map_fini(&map, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_an_array), cmocka_unit_test(test_keys_are_bytes),
        cmocka_unit_test(test_keys_are_copied),  cmocka_unit_test(test_keys_are_borrowed),
        cmocka_unit_test(test_sorted),           cmocka_unit_test(test_next_sees_each_once),
        cmocka_unit_test(test_values_are_freed), cmocka_unit_test(test_expected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
