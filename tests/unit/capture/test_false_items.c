/* What is none: over all shared captures (pages, mail, files, plants, malformed and random bytes)
 * nothing is taken, in either direction, for a payment card, a bank account, a setting or flight
 * data: they hold none. Without the shared captures: skipped. */
#include "tally.h"

#include "weir/capture/source.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static struct tally all;

static void replay(const char *path)
{
    struct error error = {0};
    struct bench bench;
    struct tally tally;
    int fd = source_descriptor(path, &error);
    assert_true(fd >= 0);
    struct source_options options = {0};
    struct source *source = source_open(path, fd, &options, &error);
    if (!source) /* 12_robustness has some that are none */
        return;
    bench_begin(&bench, &tally, 1 << 16);
    struct packet_raw raw;
    while (source_next(source, &raw, &error) == SOURCE_PACKET)
        bench_packet(&bench, &tally, &raw);
    bench_end(&bench, &tally);
    source_free(source);
    for (int class = 0; class < CONTENT_CLASSES; class ++)
        all.items[class] += tally.items[class];
    all.records += tally.records;
    tally_end(&tally);
}

static int visit(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)where;
    if (kind == FTW_F && strstr(path, ".pcap"))
        replay(path);
    return 0;
}

static void test_shared_captures(void **state)
{
    (void)state;
    const char *source = getenv("WEIR_SOURCE"), *shared = getenv("WEIR_TEST_PCAPS");
    char path[4096];
    if (shared && *shared)
        snprintf(path, sizeof path, "%s", shared);
    else
        snprintf(path, sizeof path, "%s/../shared/pcaps", source ? source : ".");
    nftw(path, visit, 16, 0);
    if (all.records == 0)
        skip();
    print_message("%llu records: %llu addresses, %llu telephone numbers, %llu archives\n",
                  (unsigned long long)all.records, (unsigned long long)all.items[CONTENT_EMAIL],
                  (unsigned long long)all.items[CONTENT_PHONE],
                  (unsigned long long)all.items[CONTENT_ARCHIVE]);
    assert_int_equal(all.items[CONTENT_CARD], 0);
    assert_int_equal(all.items[CONTENT_IBAN], 0);
    assert_int_equal(all.items[CONTENT_SETTING], 0);
    assert_int_equal(all.items[CONTENT_FLIGHT], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_captures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
