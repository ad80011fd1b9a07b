/* What patterns find: the same in one piece and in many, with vectorscan's first look and without;
 * never what missing bytes cut. */
#include "finds.h"
#include "weir/content/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct finds finds;
static struct hash_key key;

static struct pattern_set *set_of(const struct pattern_row *row, size_t count, bool fast)
{
    struct error error;
    struct pattern_set *set = pattern_set_new(row, count, fast, &error);
    assert_non_null(set);
    return set;
}

static void put_cut(struct pattern_scanner *scanner, const char *text, size_t size, size_t most)
{
    for (size_t at = 0; at < size; at += most) {
        size_t some = size - at < most ? size - at : most;
        uint8_t *copy = malloc(some);
        assert_non_null(copy);
        memcpy(copy, text + at, some);
        pattern_scanner_put(scanner, copy, some);
        free(copy);
    }
}

/* `expected` is found in `text`, whatever pieces it comes in and whoever looks first. */
static void expect(const char *pattern, const char *text, size_t size, const char *expected)
{
    static const size_t most[] = {1, 2, 3, 7, 100, 127, 1460, 1 << 20};
    struct pattern_row row = {CONTENT_PATTERN, "p", pattern, NULL};
    struct finder finder = {NULL, on_find, &finds};
    for (int fast = 0; fast < 2; fast++) {
        struct pattern_set *set = set_of(&row, 1, fast);
        for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
            struct pattern_scanner *scanner = pattern_scanner_new(set, &key, &finder, NULL);
            finds_clear(&finds);
            put_cut(scanner, text, size, most[i]);
            pattern_scanner_finish(scanner);
            pattern_scanner_free(scanner);
            assert_string_equal(finds.log, expected);
        }
        pattern_set_free(set);
    }
}

static void test_lines_and_words(void **state)
{
    (void)state;
#define EXPECT(pattern, text, expected) expect(pattern, text, sizeof(text) - 1, expected)
    EXPECT("PRJ-[0-9]{6}", "see PRJ-123456, PRJ-12345 and PRJ-6543210.",
           "pattern:p[PRJ-123456] pattern:p[PRJ-654321] ");
    EXPECT("^key = .*$", "a key = no\nkey = one\r\nkey = two",
           "pattern:p[key = one] "
           "pattern:p[key = two] ");
    EXPECT("\\bcat\\b", "cat concat cat\r\ncats", "pattern:p[cat] pattern:p[cat] ");
    EXPECT("(?i)secret", "A Secret SECRET", "pattern:p[Secret] pattern:p[SECRET] ");
    EXPECT("(ab|cd)\\1", "abcd cdcd", "pattern:p[cdcd] ");
    EXPECT("(?<=id=)[0-9]+", "id=12 x=3 id=4", "pattern:p[12] pattern:p[4] ");
    EXPECT("a b", "a\nb", ""); /* a match does not span lines */
    EXPECT("x[^y]*y", "x1\n2y", "");
    EXPECT("end$", "end\nended\nthe end\r\n", "pattern:p[end] pattern:p[end] ");
    EXPECT("q", "", "");
}

/* Where it was built with, vectorscan does look first (else the tests here would hold PCRE2 against
 * itself); never for what it might see too little of. */
static void test_who_looks_first(void **state)
{
    static const struct pattern_row plain = {CONTENT_PATTERN, "p", "PRJ-[0-9]{6}", NULL},
                                    line = {CONTENT_PATTERN, "p", "^key = .*$", NULL};
    (void)state;
#ifndef WEIR_HAVE_HS
    skip();
#endif
    struct pattern_set *set[] = {set_of(&plain, 1, true), set_of(&plain, 1, false),
                                 set_of(&line, 1, true)};
    assert_true(pattern_set_is_fast(set[0]));
    assert_false(pattern_set_is_fast(set[1]));
    assert_false(pattern_set_is_fast(set[2]));
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        pattern_set_free(set[i]);
}

/* A line of 3,000 bytes without an end: places in it decide, not pieces. */
static void test_long_lines(void **state)
{
    static char text[3000], expected[4096];
    (void)state;
    memset(text, '.', sizeof text);
    expected[0] = '\0';
    for (size_t at = 100; at + 10 < sizeof text; at += 250) {
        memcpy(text + at, "PRJ-123456", 10);
        strcat(expected, "pattern:p[PRJ-123456] ");
    }
    expect("PRJ-[0-9]{6}", text, sizeof text, expected);
    /* One run of digits is one match, though it reaches from window to window. */
    memset(text, ' ', sizeof text);
    memset(text + 500, '7', 200);
    snprintf(expected, sizeof expected, "pattern:p[%.200s] ", text + 500);
    expect("[0-9]{6,}", text, sizeof text, expected);
}

/* Of a match that is longer than the bound its first bytes are the item. */
static void test_bound_of_a_match(void **state)
{
    static char text[1200], expected[400];
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text + 77, "secret:", 7);
    snprintf(expected, sizeof expected, "pattern:p[%.256s] ", text + 77);
    expect("secret:.*", text, sizeof text, expected);
}

static void test_gaps(void **state)
{
    static const struct pattern_row row = {CONTENT_PATTERN, "p", "PRJ-[0-9]+|^top.*|low$", NULL};
    struct finder finder = {NULL, on_find, &finds};
    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        struct pattern_set *set = set_of(&row, 1, fast);
        struct pattern_scanner *s = pattern_scanner_new(set, &key, &finder, NULL);
        finds_clear(&finds);
        pattern_scanner_put(s, (const uint8_t *)"PRJ-1 PRJ-22", 12);
        pattern_scanner_gap(s); /* it may have gone on */
        pattern_scanner_put(s, (const uint8_t *)"PRJ-33 PRJ-4 low", 16);
        pattern_scanner_gap(s); /* the first may have begun before; no line ends here */
        pattern_scanner_put(s, (const uint8_t *)"top\ntop\n", 8);
        pattern_scanner_finish(s);
        assert_string_equal(finds.log, "pattern:p[PRJ-1] pattern:p[PRJ-4] pattern:p[top] ");
        pattern_scanner_free(s);
        pattern_set_free(set);
    }
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *pattern, *why;
    } bad[] = {
        {"abc(defg", "missing closing parenthesis at offset 8"},
        {"[z-a]", "range out of order in character class at offset 3"},
        {"x*", "matches where there is nothing"},
        {"(?<=0123456789012345678901234567890123456789)x", "looks back further than 32"},
        {"\\Cx", "\\C"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error error = {0};
        assert_int_equal(pattern_check(bad[i].pattern, &error), -1);
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.message, bad[i].why));
    }
    struct error error;
    assert_int_equal(pattern_check("PRJ-[0-9]{6}", &error), 0);
}

/* An expression that would take forever is given up, counted, and at last set aside: the others go
 * on. */
static void test_catastrophe(void **state)
{
    static const struct pattern_row rows[] = {{CONTENT_PATTERN, "bad", "(x+x+)+[yz]", NULL},
                                              {CONTENT_PATTERN, "good", "PRJ-[0-9]{6}", NULL}};
    static char text[400000];
    struct finder finder = {NULL, on_find, &finds};
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 10, "PRJ-123456", 10);
    struct pattern_set *set = set_of(rows, 2, false);
    struct pattern_scanner *s = pattern_scanner_new(set, &key, &finder, NULL);
    finds_clear(&finds);
    put_cut(s, text, sizeof text, 1460);
    pattern_scanner_finish(s);
    assert_int_equal(pattern_set_refusals(set), PATTERN_REFUSALS);
    assert_string_equal(finds.log, "pattern:good[PRJ-123456] ");
    pattern_scanner_free(s);
    pattern_set_free(set);
}

/* --- anchors -----------------------------------------------------------------------------------
 */

/* What is found of `rows` in `text` cut into two at every place, and into pieces of every size. */
static void expect_cut(const struct pattern_row *rows, size_t count, const char *text, size_t size,
                       const char *expected)
{
    struct finder finder = {NULL, on_find, &finds};
    for (int fast = 0; fast < 2; fast++) {
        struct pattern_set *set = set_of(rows, count, fast);
        for (size_t cut = 1; cut < 2 * size; cut++) {
            struct pattern_scanner *s = pattern_scanner_new(set, &key, &finder, NULL);
            size_t most = cut < size ? cut : cut - size + 1, first = cut < size ? cut : 0;
            finds_clear(&finds);
            pattern_scanner_put(s, (const uint8_t *)text, first);
            put_cut(s, text + first, size - first, first ? size : most);
            pattern_scanner_finish(s);
            assert_string_equal(finds.log, expected);
            pattern_scanner_free(s);
        }
        pattern_set_free(set);
    }
}

/* An anchor is seen long before the line ends that decides: what was seen in what is carried is not
 * forgotten, and a cut anchor is seen at all. In what follows an anchor stands nothing else. */
static void test_seen_long_before(void **state)
{
    static const struct pattern_row rows[] = {
        {CONTENT_SETTING, "k", "AKIA[A-Z]+ [a-z]*end$", "AKIA"},
        {CONTENT_SETTING, "p", "^\"password\": .*;$", "\"password\""},
        {CONTENT_SETTING, "l", "=DESTINATION TYPE B [a-z]+", "=DESTINATION TYPE B"}};
    static char text[900], expected[1024];
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text + 100, "\n AKIAXYZ ", 10);
    memcpy(text + 300, "end\r\n\"password\": ", 17);
    memcpy(text + 450, ";\n", 2);
    memcpy(text + 520, "=DESTINATION TYPE B ", 20);
    memcpy(text + 640, " AKIAEF ", 8);
    memcpy(text + 897, "end", 3);
    snprintf(expected, sizeof expected,
             "setting:k[%.201s] setting:p[%.146s] setting:l[%.120s] setting:k[%.256s] ", text + 102,
             text + 305, text + 520, text + 641);
    expect_cut(rows, 3, text, sizeof text, expected);
}

/* --- the listener ------------------------------------------------------------------
 */

struct heard {
    char log[4096];
};

static void on_anchor(void *context, size_t row)
{
    struct heard *heard = context;
    snprintf(heard->log + strlen(heard->log), 8, "<%zu>", row);
}

static void on_bytes(void *context, const uint8_t *data, size_t size)
{
    struct heard *heard = context;
    size_t at = strlen(heard->log);
    memcpy(heard->log + at, data, size);
    heard->log[at + size] = '\0';
}

static void test_listener(void **state)
{
    static const struct pattern_row rows[] = {{CONTENT_FLIGHT, "a", NULL, "(FPL-"},
                                              {CONTENT_FLIGHT, "b", NULL, "ZCZC "},
                                              {CONTENT_PATTERN, "c", "[0-9]+", "abcd"}};
    static const char text[] = "x(FPL-1 ZCZC ZCZC 2\n(FPL-";
    struct heard heard;
    struct finder finder = {NULL, on_find, &finds};
    struct pattern_listener listener = {on_anchor, on_bytes, &heard};
    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        struct pattern_set *set = set_of(rows, 3, fast);
        for (size_t most = 1; most < sizeof text; most++) {
            struct pattern_scanner *s = pattern_scanner_new(set, &key, &finder, &listener);
            heard.log[0] = '\0';
            put_cut(s, text, sizeof text - 1, most);
            pattern_scanner_finish(s);
            assert_string_equal(heard.log, "x<0>(FPL-1 <1>ZCZC <1>ZCZC 2\n<0>(FPL-");
            pattern_scanner_free(s);
        }
        pattern_set_free(set);
    }
}

/* Two labels are two items; one match found by two rows of one label is one. */
static void test_hashes(void **state)
{
    static const struct pattern_row rows[] = {{CONTENT_SETTING, "one", "abcd12", "abcd"},
                                              {CONTENT_SETTING, "one", "abcd[0-9]+", "abcd"},
                                              {CONTENT_SETTING, "two", "abcd12", "bcd1"}};
    struct finder finder = {NULL, on_find, &finds};
    (void)state;
    struct pattern_set *set = set_of(rows, 3, true);
    struct pattern_scanner *s = pattern_scanner_new(set, &key, &finder, NULL);
    finds_clear(&finds);
    pattern_scanner_put(s, (const uint8_t *)"abcd12", 6);
    pattern_scanner_finish(s);
    assert_int_equal(finds.count, 3);
    assert_true(finds.hash[0] == finds.hash[1]);
    assert_true(finds.hash[0] != finds.hash[2]);
    pattern_scanner_free(s);
    pattern_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_and_words),
        cmocka_unit_test(test_who_looks_first),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_bound_of_a_match),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_catastrophe),
        cmocka_unit_test(test_seen_long_before),
        cmocka_unit_test(test_listener),
        cmocka_unit_test(test_hashes),
    };
    hash_key_init(&key, "site", 4);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
