/* Addresses in text: what counts is written out here by hand, and its keyed hash computed apart. */
#include "weir/content/email.h"

#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FOUND_MAX    200000u

static struct hash_key key;
static struct email_shared shared;
static uint64_t found[FOUND_MAX];
static size_t found_count;

static char last_label[64]; /* of the last one */

static bool known(void *context, uint64_t hash)
{
    assert_ptr_equal(context, &found_count);
    for (size_t i = 0; i < found_count; i++)
        if (found[i] == hash)
            return true;
    return false;
}

static void on_found(void *context, const struct found *item)
{
    assert_ptr_equal(context, &found_count);
    assert_true(found_count < FOUND_MAX);
    assert_int_equal(item->class, CONTENT_EMAIL);
    found[found_count++] = item->hash;
    snprintf(last_label, sizeof last_label, "%.*s", (int)item->label_size, item->label);
}

static struct email_scanner *open_scanner(void)
{
    found_count = 0;
    struct finder finder = {known, on_found, &found_count};
    return email_scanner_new(&shared, &finder);
}

static int setup(void **state)
{
    (void)state;
    hash_key_init(&key, "site", 4);
    shared = (struct email_shared){.suffixes = suffixes_new(), .key = &key};
    return shared.suffixes ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return 0;
}

/* An exact-size copy, so that a sanitizer sees a read past the end. */
static void put(struct email_scanner *scanner, const void *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    email_scanner_put(scanner, copy, size);
    free(copy);
}

/* `list`: the addresses expected, in order, with a space after each. */
static void assert_found(const char *text, const char *list)
{
    size_t count = 0;
    for (const char *at = list; *at; count++) {
        size_t size = strcspn(at, " ");
        if (count >= found_count || found[count] != hash64_keyed(&key, at, size))
            fail_msg("\"%s\": %zu found; number %zu is not %.*s", text, found_count, count + 1,
                     (int)size, at);
        at += size + 1;
    }
    if (count != found_count)
        fail_msg("\"%s\": %zu found, expected %zu", text, found_count, count);
}

static const struct {
    const char *text, *found;
} texts[] = {
    {"taro@example.jp", "taro@example.jp "},
    {"Taro.Yamada+x_y-z@Mail.Example.CO.JP", "taro.yamada+x_y-z@mail.example.co.jp "},
    {"<a@example.com>,\"b@example.com\";(c@example.com)",
     "a@example.com b@example.com c@example.com "},
    {"{\"mail\":\"a@b.jp\"}\n", "a@b.jp "},
    {"{\"mail\":\"a@b.jp\\n\",\"c@d.jp\"", "a@b.jp c@d.jp "},
    {"Write to a@example.com.", "a@example.com "},
    {"a@example.com- or b@example.com...", "a@example.com b@example.com "},
    {"mailto:a@example.com?subject=x", "a@example.com "},
    {"id=1&mail=a@example.com&x=b@example.com", "a@example.com b@example.com "},
    {"GET /?u=a@example.com HTTP/1.1", "a@example.com "},
    {"&lt;a@example.com&gt; &quot;b@example.com&quot;", "a@example.com b@example.com "},
    {"%3Ca@example.com%3E %3cb@example.com", "a@example.com b@example.com "},
    {"\\u003ca@example.com\\u003e \\nb@example.com", "a@example.com b@example.com "},
    {"'a@example.com','b@example.com'", "a@example.com b@example.com "},
    {"..a@example.com --b@example.com", "a@example.com b@example.com "},
    {"a..b.@docomo.ne.jp", "a..b.@docomo.ne.jp "}, /* some carriers gave these out */
    {"a@example.com a@example.com A@EXAMPLE.com", "a@example.com "},
    {"a@x.nagoya.jp a@city.nagoya.jp",
     "a@city.nagoya.jp "},           /* *.nagoya.jp is a suffix, but for city */
    {"a@github.io", "a@github.io "}, /* the private section is not asked */
    {"a@sub.example.museum", "a@sub.example.museum "},
    {"a@xn--wgv71a119e.jp", "a@xn--wgv71a119e.jp "},
    {"a@1.example", ""},
    {"someone@co.jp", ""},
    {"someone@jp", ""},
    {"someone@example.co.jp", "someone@example.co.jp "},
    {"a@localhost a@example a@server.local", ""},
    {"a@192.0.2.1 a@[192.0.2.1] a@1.2.3.45", ""},
    {"a@example.notatld", ""},
    {"a@example.123", ""},
    {"a@-example.com a@example-.com a@.example.com a@exa..mple.com", ""},
    {"a%40example.com YUBleGFtcGxlLmNvbQ==", ""},
    {"@example.com @ @@ a@ a@@example.com", ""},
    {"a@b.jp@c.jp", ""},
    {"a b@example.com c", "b@example.com "},
    {"a@exam ple.com", ""},
    {"a@example.com_b", "a@example.com "},
    {"\xe5\xa4\xaa\xe9\x83\x8e<a@example.jp>\xe6\xa7\x98", "a@example.jp "},
    {"\xe5\xa4\xaa\xe9\x83\x8e"
     "a@example.jp\xe6\xa7\x98",
     "a@example.jp "},
    {"\x91\xbe\x98\x59 a@example.jp \x97\x6c", "a@example.jp "}, /* Shift_JIS */
    {"", ""},
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct email_scanner *scanner = open_scanner();
        put(scanner, texts[i].text, strlen(texts[i].text));
        email_scanner_finish(scanner);
        assert_found(texts[i].text, texts[i].found);
        email_scanner_free(scanner);
    }
}

/* Segment borders change nothing, wherever they fall, before a short piece or a long one. */
static void test_two_pieces(void **state)
{
    (void)state;
    char padded[1024];
    for (size_t i = 0; i < COUNT(texts); i++)
        for (size_t cut = 0, size = strlen(texts[i].text); cut <= size; cut++) {
            struct email_scanner *scanner = open_scanner();
            put(scanner, texts[i].text, cut);
            put(scanner, texts[i].text + cut, size - cut);
            email_scanner_finish(scanner);
            assert_found(texts[i].text, texts[i].found);
            email_scanner_free(scanner);
            scanner = open_scanner();
            memset(padded, ' ', sizeof padded);
            memcpy(padded, texts[i].text, size);
            put(scanner, padded, cut);
            put(scanner, padded + cut, sizeof padded - cut);
            assert_found(texts[i].text, texts[i].found);
            email_scanner_free(scanner);
        }
}

/* The same in a long text, in pieces of every size: short ones, and ones beyond the join's. */
static void test_many_pieces(void **state)
{
    (void)state;
    char *text = calloc(1, 64 << 10);
    size_t size = 0;
    for (unsigned i = 0; i < 400; i++)
        size += (size_t)sprintf(text + size, "%*s%u.name-of-%u@mail%u.example.co.jp", (int)(i % 90),
                                "\n", i, i * 7, i % 13);
    struct email_scanner *scanner = open_scanner();
    put(scanner, text, size);
    email_scanner_finish(scanner);
    email_scanner_free(scanner);
    assert_int_equal(found_count, 400);
    uint64_t expected[400];
    memcpy(expected, found, sizeof expected);
    for (size_t piece = 1; piece < 2000; piece = piece < 64 ? piece + 1 : piece * 9 / 8) {
        scanner = open_scanner();
        for (size_t at = 0; at < size; at += piece)
            put(scanner, text + at, size - at < piece ? size - at : piece);
        email_scanner_finish(scanner);
        assert_int_equal(found_count, 400);
        assert_memory_equal(found, expected, sizeof expected);
        email_scanner_free(scanner);
    }
    free(text);
}

static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        size_t local, label, labels;
        bool counts;
    } row[] = {
        {64, 3, 1, true},  {65, 3, 1, false},           {200, 3, 1, false},
        {1, 63, 1, true},  {1, 64, 1, false},           {1, 9, 25, true} /* 253 */,
        {64, 9, 25, true}, {1, 62, 4, false} /* 255 */, {1, 9, 40, false},
    };
    char text[1200];
    for (size_t i = 0; i < COUNT(row); i++)
        for (size_t cut = 0; cut < 700; cut++) {
            size_t size = (size_t)sprintf(text, "x ");
            memset(text + size, 'a', row[i].local);
            size += row[i].local;
            text[size++] = '@';
            for (size_t label = 0; label < row[i].labels; label++) {
                memset(text + size, 'b', row[i].label);
                size += row[i].label;
                text[size++] = '.';
            }
            size += (size_t)sprintf(text + size, "com, and so on%400s", ""); /* no small piece */
            struct email_scanner *scanner = open_scanner();
            put(scanner, text, cut < size ? cut : size);
            put(scanner, text + (cut < size ? cut : size), cut < size ? size - cut : 0);
            email_scanner_finish(scanner);
            assert_int_equal(found_count, row[i].counts);
            email_scanner_free(scanner);
        }
}

static void test_gap(void **state)
{
    (void)state;
    static const char text[] = "to taro@example.co.jp now";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct email_scanner *scanner = open_scanner();
        put(scanner, text, cut);
        email_scanner_gap(scanner);
        put(scanner, text + cut, sizeof text - 1 - cut);
        email_scanner_finish(scanner);
        /* Whole on one side of the gap, end and all, or not counted: never a shorter one. */
        bool after = cut < sizeof "to" || cut > sizeof "to taro@example.co.jp" - 1;
        assert_int_equal(found_count, after);
        if (after)
            assert_found(text, "taro@example.co.jp ");
        email_scanner_free(scanner);
    }
}

/* A datagram's end is an address's end, and the next one's beginning is nobody's rest. */
static void test_finish(void **state)
{
    (void)state;
    struct email_scanner *scanner = open_scanner();
    put(scanner, "a@example.co", 12);
    email_scanner_finish(scanner);
    put(scanner, "m b@example.com", 15);
    email_scanner_finish(scanner);
    assert_found("datagrams", "a@example.co b@example.com ");
    email_scanner_free(scanner);
}

static void test_label(void **state)
{
    (void)state;
    struct email_scanner *scanner = open_scanner();
    static const char text[] = "To: Taro@mail.Example.co.jp, ";
    put(scanner, text, sizeof text - 1);
    assert_int_equal(found_count, 1);
    assert_string_equal(last_label, "example.co.jp");
    last_label[0] = '\0';
    put(scanner, "Jiro@mail.example.co.jp, ", 25); /* its domain was judged before */
    assert_int_equal(found_count, 2);
    assert_string_equal(last_label, "example.co.jp");
    put(scanner, "a@localhost b@localhost ", 24); /* so was this one */
    assert_int_equal(found_count, 2);
    email_scanner_free(scanner);
}

/* Compressed and encrypted bytes hold no addresses; padded records of a table do. */
static void test_binary(void **state)
{
    (void)state;
    struct email_scanner *scanner = open_scanner();
    uint8_t data[4096];
    uint64_t seed = 3;
    for (unsigned round = 0; round < 8192; round++) { /* 32 MiB: 1.7 of address shape, by chance */
        for (size_t i = 0; i < sizeof data; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            data[i] = (uint8_t)(seed >> 56);
        }
        email_scanner_put(scanner, data, sizeof data);
    }
    assert_int_equal(found_count, 0);
    email_scanner_free(scanner);
    scanner = open_scanner();
    memset(data, 0, sizeof data);
    for (unsigned i = 0; i < 64; i++)
        sprintf((char *)data + (size_t)i * 64 + 2, "user%u@example.com", i);
    put(scanner, data, sizeof data);
    assert_int_equal(found_count, 64);
    email_scanner_free(scanner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),       cmocka_unit_test(test_two_pieces),
        cmocka_unit_test(test_many_pieces), cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_gap),         cmocka_unit_test(test_finish),
        cmocka_unit_test(test_label),       cmocka_unit_test(test_binary),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
