/* A ledger of more than waits in memory: what is read of each hour is what was added, by whatever
 * way it is read. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "../../../sensor/baseline/hour_bytes.h"
#include "make.h"
#include "weir/baseline/ledger.h"

#include <stdio.h>
#include <unistd.h>

#define HOSTS 3
#define HOURS 500
#define PAIRS 10 /* … of STARTS_MAX starts, of 5 bytes and more each: all of them some 18 MiB */

_Static_assert((size_t)HOSTS *HOURS *PAIRS *STARTS_MAX * 5 > LEDGER_PILED_BYTES, "they are full");

/* Of host 2 every other hour alone. */
static bool is_there(unsigned host, int hour)
{
    return host != 2 || hour % 2 == 0;
}

static uint64_t bytes_of(unsigned host, int hour, int pair)
{
    return 1000 + (uint64_t)host * 1000000 + (uint64_t)hour * 100 + (uint64_t)pair;
}

static struct host_total *make_total(unsigned host, int hour)
{
    struct ip ip = make_host(host + 1);
    struct host_total *total = host_total_new(&ip, 400000 + hour);
    for (int n = 0; n < PAIRS; n++) {
        char name[64];
        snprintf(name, sizeof name, "h%u-%d.example", host, n);
        struct destination destination = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
        struct pair_total *pair =
            totals_add(total, &destination, exactly(bytes_of(host, hour, n)), 7, 2);
        totals_lasts(pair, 60 + (uint64_t)n);
        for (uint32_t second = 0; second < STARTS_MAX; second++)
            totals_start(total, pair, 9 * second, 300000000 + second + (uint32_t)hour);
    }
    return total;
}

static struct ledger *make_ledger(void)
{
    struct error error = {0};
    char path[64];
    snprintf(path, sizeof path, "ledger-of-%d", (int)getpid());
    struct ledger *ledger = ledger_new(path, &error);
    assert_non_null(ledger);
    for (int hour = 0; hour < HOURS; hour++)
        for (unsigned host = 0; host < HOSTS; host++) {
            struct host_total *total = make_total(host, hour);
            if (is_there(host, hour))
                ledger_add(ledger, total);
            host_total_free(total);
        }
    assert_int_equal(ledger_finish(ledger, &error), 0);
    return ledger;
}

static void assert_starts(const struct starts *starts, int hour)
{
    assert_int_equal(starts->count, STARTS_MAX);
    for (uint32_t i = 0; i < STARTS_MAX; i++) {
        assert_int_equal(starts->at[i].second, 9 * i);
        assert_int_equal(starts->at[i].bytes, 300000000 + i + (uint32_t)hour);
    }
}

static void assert_parts(struct ledger *ledger, unsigned host, size_t i, int hour)
{
    struct starts starts = {0};
    struct ledger_part part;
    struct ledger_reading reading = ledger_read(ledger, ledger_host(ledger, host), i);
    assert_int_equal(reading.in_bytes, 7 * PAIRS);
    assert_int_equal(reading.pairs, PAIRS);
    for (int n = 0; n < PAIRS; n++) {
        assert_true(ledger_read_part(ledger, &reading, &part));
        assert_int_equal(part.out_bytes, bytes_of(host, hour, n));
        assert_int_equal(part.in_bytes, 7);
        assert_int_equal(part.flows, 2);
        assert_int_equal(part.longest_s, 60 + n);
        starts.count = 0;
        hour_bytes_take_starts(&part.starts, &starts);
        assert_starts(&starts, hour);
    }
    assert_false(ledger_read_part(ledger, &reading, &part));
    starts_fini(&starts);
}

static void assert_hour(struct ledger *ledger, unsigned host, size_t i, int hour)
{
    const struct ledger_host *from = ledger_host(ledger, host);
    struct ledger_sheet sheet = ledger_sheet(ledger, from, i);
    struct host_total *total = ledger_total(ledger, from, i);
    assert_int_equal(from->hour[i].hour, 400000 + hour);
    assert_int_equal(sheet.pairs, PAIRS);
    for (int n = 0; n < PAIRS; n++)
        assert_int_equal(sheet.pair[n].out_bytes, bytes_of(host, hour, n));
    assert_int_equal(total->out.value, sheet.out_bytes);
    assert_int_equal(total->pairs.count, PAIRS);
    host_total_free(total);
    assert_parts(ledger, host, i, hour);
}

static void hours_are_there_whenever_they_were_written(void **state)
{
    struct ledger *ledger = make_ledger();
    (void)state;
    for (unsigned host = 0; host < HOSTS; host++) {
        size_t i = 0;
        ledger_hold(ledger, ledger_host(ledger, host));
        for (int hour = 0; hour < HOURS; hour++)
            if (is_there(host, hour))
                assert_hour(ledger, host, i++, hour);
        assert_int_equal(ledger_host(ledger, host)->count, i);
    }
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_are_there_whenever_they_were_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
