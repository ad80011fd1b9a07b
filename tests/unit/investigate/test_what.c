/* Counted content as words: what stands in the summary under "What". */
#include "../../../sensor/investigate/what.h"
#include "weir/base/buffer.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

static struct buffer text;

static void assert_text(const char *expected)
{
    buffer_u8(&text, 0);
    assert_string_equal((const char *)text.data, expected);
    buffer_fini(&text);
    text = (struct buffer){0};
}

static void list(struct counted *counted, enum content_class class, const char *label,
                 uint64_t items)
{
    struct counted_label *place = &counted->label[counted->label_count++];
    *place = (struct counted_label){.items = items, .class = (uint8_t) class};
    strcpy(place->text, label);
}

static void test_words(void **state)
{
    struct counted counted = {.of[CONTENT_EMAIL].items = 76112};
    (void)state;
    what_text(&text, &counted, false);
    assert_text("76,112 distinct e-mail addresses (exact)");
    counted.of[CONTENT_CARD] = (struct counted_class){1234567, 0.008125};
    what_text(&text, &counted, true);
    assert_text("76,112 distinct e-mail addresses or more: some content was not seen, "
                "1,234,567 payment cards \302\2610.8 %");
    what_text(&text, &(struct counted){.label_count = 0}, false);
    assert_text("");
}

/* A class whose labels are all there says so, whatever others lost. */
static void test_labels(void **state)
{
    struct counted counted = {.more_labels = 1u << CONTENT_EMAIL};
    (void)state;
    list(&counted, CONTENT_EMAIL, "example.jp", 1200);
    list(&counted, CONTENT_SETTING, "mail-host", 5);
    list(&counted, CONTENT_SETTING, "credential", 1);
    what_labels(&text, &counted);
    assert_text("          e-mail addresses: example.jp 1,200, \342\200\246\n"
                "          settings: mail-host 5, credential 1\n");
}

/* Eight of a class are shown. */
static void test_many_labels(void **state)
{
    struct counted counted = {.label_count = 0};
    char label[2] = "a";
    (void)state;
    for (; label[0] <= 'i'; label[0]++)
        list(&counted, CONTENT_PHONE, label, 1);
    what_labels(&text, &counted);
    assert_text("          telephone numbers: a 1, b 1, c 1, d 1, e 1, f 1, g 1, h 1, "
                "\342\200\246\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_many_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
