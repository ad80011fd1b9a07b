/* Closed hours come back as they were put, in their order; a file that was cut anywhere, or of
 * which one bit is another, is refused; what was dropped or cannot be finished leaves nothing. */
#include "weir/baseline/hours_file.h"

#include "weir/base/buffer.h"
#include "weir/baseline/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HOURS 40

static char folder[] = "/tmp/weir-hours-XXXXXX";

static char *place(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* each test left it empty */
}

static struct host_total *total_of(int n)
{
    char text[32];
    struct ip host, remote;
    snprintf(text, sizeof text, "10.0.0.%d", n % 3 + 1);
    ip_parse(text, &host);
    struct host_total *total = host_total_new(&host, 480000 + n / 3);
    for (int i = 0; i < n % 5; i++) {
        snprintf(text, sizeof text, "203.0.%d.9", (n + i) % 7);
        ip_parse(text, &remote);
        struct destination destination = destination_of_prefix(ROLE_CLIENT, &remote);
        struct volume out = {(uint64_t)(n * 1000 + i + 1), 1, UINT64_C(1) << 40};
        struct pair_total *pair = totals_add(total, &destination, out, (uint64_t)n, 2);
        starts_add(&pair->starts, (uint32_t)(n + i), 77);
        starts_add(&pair->starts, 3599, 1u << 20);
        totals_lasts(pair, (uint64_t)n * 60);
    }
    total->inside_bytes = (uint64_t)n << 33;
    return total;
}

static void write_file(const char *path)
{
    struct error error = {0};
    struct hours_file *file = hours_file_new(path, &error);
    assert_non_null(file);
    for (int n = 0; n < HOURS; n++) {
        struct host_total *total = total_of(n);
        hours_file_put(file, total);
        host_total_free(total);
    }
    assert_int_equal(access(path, F_OK), -1); /* not before it is whole */
    assert_int_equal(hours_file_finish(file, &error), 0);
}

struct taken {
    struct ledger *ledger;
    int count;
};

static void on_total(void *context, struct host_total *total)
{
    struct taken *taken = context;
    struct host_total *want = total_of(taken->count++);
    assert_int_equal(ip_compare(&total->host, &want->host), 0);
    assert_int_equal(total->hour, want->hour);
    if (taken->ledger)
        ledger_add(taken->ledger, total);
    host_total_free(want);
    host_total_free(total);
}

/* A ledger of what came back is that of what was put. */
static void test_round_trip(void **state)
{
    struct error error = {0};
    char *path = place("a.hours"), *first = place("1"), *second = place("2");
    (void)state;
    write_file(path);
    struct taken taken = {.ledger = ledger_new(first, &error)};
    struct ledger *direct = ledger_new(second, &error);
    assert_int_equal(hours_file_read(path, on_total, &taken, &error), 0);
    assert_int_equal(taken.count, HOURS);
    for (int n = 0; n < HOURS; n++) {
        struct host_total *total = total_of(n);
        ledger_add(direct, total);
        host_total_free(total);
    }
    assert_int_equal(ledger_finish(taken.ledger, &error), 0);
    assert_int_equal(ledger_finish(direct, &error), 0);
    char left[8192], right[8192];
    FILE *a = fopen(first, "re"), *b = fopen(second, "re");
    size_t size = fread(left, 1, sizeof left, a);
    assert_int_equal(fread(right, 1, sizeof right, b), size);
    assert_true(size > 500 && size < sizeof left);
    assert_memory_equal(left, right, size);
    fclose(a);
    fclose(b);
    ledger_free(taken.ledger);
    ledger_free(direct);
    unlink(path);
    free(path);
    free(first);
    free(second);
}

static size_t read_all(const char *path, uint8_t *data, size_t room)
{
    FILE *file = fopen(path, "re");
    size_t size = fread(data, 1, room, file);
    fclose(file);
    return size;
}

static void assert_refused(const char *path, const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct taken taken = {.count = 0};
    FILE *file = fopen(path, "we");
    fwrite(data, 1, size, file);
    fclose(file);
    assert_int_equal(hours_file_read(path, on_total, &taken, &error), -1);
    assert_int_equal(error.code, ERROR_RUN);
    assert_int_equal(taken.count, 0); /* before anything was told */
}

static void test_what_is_not_whole(void **state)
{
    static uint8_t data[1 << 16];
    char *path = place("b.hours"), *other = place("c.hours");
    (void)state;
    write_file(path);
    size_t size = read_all(path, data, sizeof data);
    for (size_t cut = 0; cut < size; cut += 13)
        assert_refused(other, data, cut);
    for (size_t at = 0; at < size; at += 29) {
        data[at] = (uint8_t)(data[at] ^ (1u << (at % 8)));
        assert_refused(other, data, size);
        data[at] = (uint8_t)(data[at] ^ (1u << (at % 8)));
    }
    unlink(path);
    unlink(other);
    free(path);
    free(other);
}

static void test_what_is_dropped(void **state)
{
    struct error error = {0};
    char *path = place("d.hours"), *nowhere = place("no/such/e.hours");
    (void)state;
    struct hours_file *file = hours_file_new(path, &error);
    struct host_total *total = total_of(4);
    hours_file_put(file, total);
    host_total_free(total);
    hours_file_drop(file);
    assert_null(hours_file_new(nowhere, &error));
    assert_int_equal(error.code, ERROR_RUN);
    free(path);
    free(nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_what_is_not_whole),
        cmocka_unit_test(test_what_is_dropped),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
