/* What the filters of addresses answer: every address that was put in is in, of others as few as
 * the rate says; two runs write the same; and that text of strangers stays text on a page. */
#include "../../../sensor/investigate/html.h"
#include "weir/investigate/contains.h"

#include "weir/base/digest.h"
#include "weir/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ITEMS  20000u
#define OTHERS 200000u

static uint64_t item(uint64_t n)
{
    return hash64(&n, sizeof n, 7);
}

static struct sift *filled(uint32_t items)
{
    struct sift *sift = sift_new();
    struct ip host, remote;
    ip_parse("10.0.0.5", &host);
    ip_parse("203.0.113.9", &remote);
    struct destination destination = destination_of_prefix(ROLE_SERVED, &remote);
    union {
        struct record_content content;
        uint8_t bytes[sizeof(struct record_content) + sizeof(uint64_t)];
    } record = {.content = {.class = CONTENT_EMAIL, .hash_count = 1}};
    for (uint32_t i = 0; i < items; i++) {
        record.content.hash[0] = item(i);
        sift_add(sift, &host, &destination, &record.content);
    }
    record.content.class = CONTENT_CARD;
    record.content.hash[0] = item(OTHERS * 2);
    sift_add(sift, &host, &destination, &record.content);
    return sift;
}

/* `items` of them put in; of 200,000 others at most `most` may be taken for one of them. */
static void assert_filter(uint32_t items, uint64_t least, uint64_t most)
{
    struct sift *sift = filled(items), *again = filled(items);
    char *text = sift_text(sift), *same = sift_text(again);
    assert_string_equal(text, same);
    struct json_value *line = json_parse(text, strcspn(text, "\n"), NULL);
    struct sift_filter filter;
    assert_true(sift_filter_read(&filter, line));
    assert_string_equal(filter.host, "10.0.0.5");
    assert_string_equal(filter.destination, "203.0.113.0/24");
    assert_int_equal(filter.items, items);
    assert_true(filter.rate < 1.5 * SIFT_RATE);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < items; i++)
        assert_true(sift_filter_has(&filter, item(i)));
    for (uint64_t i = items; i < items + OTHERS; i++)
        wrong += sift_filter_has(&filter, item(i));
    assert_in_range(wrong, least, most);
    sift_filter_fini(&filter);
    json_value_free(line);
    free(text);
    free(same);
    sift_free(sift);
    sift_free(again);
}

static void test_filter(void **state)
{
    (void)state;
    assert_filter(ITEMS, 4, 45); /* 20 expected, some five standard deviations */
    assert_filter(25, 0, 45);
    assert_filter(1, 0, 45);
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{}",
        "[]",
        "3",
        "{\"host\":\"a\",\"destination\":\"b\",\"items\":1,\"bits\":64,\"hashes\":3,\"filter\":"
        "\"00\"}",
        "{\"host\":\"a\",\"destination\":\"b\",\"items\":1,\"bits\":8,\"hashes\":3,\"filter\":"
        "\"0g\"}",
        "{\"host\":\"a\",\"destination\":\"b\",\"items\":1,\"bits\":8,\"hashes\":0,\"filter\":"
        "\"00\"}",
        "{\"host\":\"a\",\"destination\":\"b\",\"items\":1,\"bits\":-8,\"hashes\":1,\"filter\":"
        "\"00\"}",
        "{\"host\":\"a\",\"destination\":\"b\",\"items\":-1,\"filter\":null}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct json_value *line = json_parse(lines[i], strlen(lines[i]), NULL);
        struct sift_filter filter;
        assert_false(sift_filter_read(&filter, line));
        sift_filter_fini(&filter);
        json_value_free(line);
    }
}

static void test_answers(void **state)
{
    (void)state;
    struct contains contains = {.kept = true};
    const struct sift_filter none = {.bits = 0};
    contains_add(&contains, "a@b.jp", 6, 5);
    contains_add(&contains, "what?", 5, 0);
    assert_int_equal(contains_answer(&contains, 0), CONTAINS_NOT_SEEN);
    assert_int_equal(contains_answer(&contains, 1), CONTAINS_CANNOT_SAY);
    contains_ask(&contains, &none); /* there were too many to keep */
    assert_int_equal(contains_answer(&contains, 0), CONTAINS_CANNOT_SAY);
    contains.item[0].seen = true;
    assert_int_equal(contains_answer(&contains, 0), CONTAINS_SEEN);
    contains_fini(&contains);
}

static void assert_page(const char *text, const char *page)
{
    struct buffer out = {0};
    html_text(&out, text);
    buffer_u8(&out, 0);
    assert_string_equal((const char *)out.data, page);
    buffer_fini(&out);
}

static void test_html(void **state)
{
    (void)state;
    assert_page("a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;");
    assert_page("x\xe2\x80\xaegnp.exe", "x⟨U+202E⟩gnp.exe");
    assert_page("\x1b[2J\n\t", "⟨U+001B⟩[2J⟨U+000A⟩⟨U+0009⟩");
    assert_page("\xc2\x85\xef\xbb\xbf\xe2\x80\x8b", "⟨U+0085⟩⟨U+FEFF⟩⟨U+200B⟩");
    assert_page("日本 é 𝒳", "日本 é 𝒳");
    assert_page("\xff\xc0\xbc\xed\xa0\x80\xe2\x82", "⟨U+FFFD⟩⟨U+FFFD⟩⟨U+FFFD⟩⟨U+FFFD⟩⟨U+FFFD⟩"
                                                    "⟨U+FFFD⟩⟨U+FFFD⟩⟨U+FFFD⟩");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_filter),
                                       cmocka_unit_test(test_damaged),
                                       cmocka_unit_test(test_answers), cmocka_unit_test(test_html)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
