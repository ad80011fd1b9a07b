/* Transfer decoders, against encodings worked out by hand or by their RFC. */
#include "../../../sensor/content/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char made[256];
static size_t made_size;
static uint64_t gaps;

static void sink_put(struct filter *filter, const uint8_t *data, size_t size)
{
    (void)filter;
    assert_true(size < sizeof made - made_size);
    memcpy(made + made_size, data, size);
    made_size += size;
}

static void sink_gap(struct filter *filter, uint64_t bytes)
{
    (void)filter;
    gaps += bytes;
}

static void sink_end(struct filter *filter)
{
    (void)filter;
}

static struct filter *begin(struct filter *(*make)(struct filter *next))
{
    static const struct filter_ops ops = {sink_put, sink_gap, sink_end};
    static struct filter sink = {&ops};
    memset(made, 0, sizeof made);
    made_size = 0;
    gaps = 0;
    return make(&sink);
}

static void put(struct filter *filter, const char *text, size_t most)
{
    for (size_t at = 0, size = strlen(text); at < size; at += most)
        filter_put(filter, (const uint8_t *)text + at, size - at < most ? size - at : most);
}

struct pair {
    const char *coded, *plain;
};

static void assert_all(struct filter *(*make)(struct filter *next), const struct pair *pair,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t most = 1; most < 40; most++) {
            struct filter *filter = begin(make);
            put(filter, pair[i].coded, most);
            filter_end(filter);
            assert_string_equal(made, pair[i].plain);
        }
}

static void test_base64(void **state)
{
    (void)state;
    static const struct pair pair[] = {
        {"", ""}, /* RFC 4648 10 */
        {"Zg==", "f"},
        {"Zm8=", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"},
        {"Zm9vYmFy", "foobar"},
        {"Zm9vYmFy\r\nZm9vYg==\r\n", "foobarfoob"},
        {"Zm\r\n9 v!Ym*Fy", "foobar"}, /* junk and line ends anywhere */
        {"Zg==Zm8=Zm9v", "ffofoo"},    /* one behind the other */
        {"Zm9vYg", "foob"},            /* without padding */
        {"Pj4_Pj4-", ">>?>>>"},        /* the URL alphabet */
        {"Zm9vZ", "foo"},              /* a digit alone is nothing */
        {"=\r\n==", ""},
    };
    assert_all(base64_filter_new, pair, COUNT(pair));
}

static void test_base64_gaps(void **state)
{
    (void)state;
    struct filter *filter = begin(base64_filter_new);
    put(filter, "Zm9v\r\nYmFy", 99);
    filter_gap(filter, 3);
    put(filter, "9vYm\r\nZm9v\r\n", 99); /* the rest of a line, then another */
    filter_end(filter);
    assert_string_equal(made, "foobarfoo");
    assert_int_equal(gaps, 3);
    for (size_t lost = 1; lost < 5; lost++) { /* one endless line: whole groups behind it */
        filter = begin(base64_filter_new);
        put(filter, "Zm9vYm", 99);
        filter_gap(filter, lost);
        put(filter, &"FyZm9vYmFy"[lost], 99);
        filter_end(filter);
        assert_string_equal(made, lost <= 2 ? "foofoobar" : "foobar");
    }
}

static void test_quoted(void **state)
{
    (void)state;
    static const struct pair pair[] = {
        {"plain\r\ntext", "plain\r\ntext"},
        {"a=40b", "a@b"},
        {"=3d=3D", "=="},
        {"soft=\r\nbreak", "softbreak"},
        {"soft=\nbreak", "softbreak"},
        {"soft= \t\r\nbreak", "softbreak"},
        {"a=b", "a=b"},
        {"a=4", "a=4"},
        {"a=4x", "a=4x"},
        {"a=", "a="},
        {"a==40", "a=@"},
        {"a=4=40", "a=4@"},
        {"a= b", "a= b"},
        {"=\rx", "x"}, /* half a line's end: dropped with its sign */
        {"=\r=\r\n=41", "A"},
    };
    assert_all(quoted_filter_new, pair, COUNT(pair));
    struct filter *filter = begin(quoted_filter_new);
    put(filter, "a=4", 99);
    filter_gap(filter, 5);
    put(filter, "0b=41", 99);
    filter_end(filter);
    assert_string_equal(made, "a0bA");
    assert_int_equal(gaps, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_base64_gaps),
        cmocka_unit_test(test_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
