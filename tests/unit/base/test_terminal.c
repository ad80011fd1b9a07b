/* What a screen would obey is shown as "?", everything else as it is. */
#include "weir/base/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_harmless(void **state)
{
    static const struct {
        const char *given, *shown;
    } row[] = {
        {"", ""},
        {"plain → ä 日本 ×", "plain → ä 日本 ×"},
        {"\x1b[31mred\x07", "?[31mred?"},
        {"a\r\nb\tc\x7f", "a??b?c?"},
        {"\xc2\x85next\xc2\x9b"
         "2J",
         "??next??2J"},                           /* C1: next line, CSI */
        {"\xc2\xa0", "\xc2\xa0"},                 /* no-break space is no C1 */
        {"a\xe2\x80\xaegpj.exe", "a???gpj.exe"},  /* right-to-left override */
        {"\xe2\x80\xa8\xe2\x80\xa9", "??????"},   /* separators of lines and paragraphs */
        {"\xe2\x81\xa6x\xe2\x81\xa9", "???x???"}, /* isolates */
        {"\xd8\x9c\xe2\x80\x8f", "?????"},        /* Arabic letter mark, right-to-left mark */
        {"\xe2\x80\xa7\xe2\x80\xaf", "\xe2\x80\xa7\xe2\x80\xaf"}, /* the neighbours of those */
        {"\xe2", "\xe2"}, /* cut: nothing behind the end is read */
        {"\xe2\x80", "\xe2\x80"},
        {"\xc2", "\xc2"},
        {"\xd8", "\xd8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char text[64];
        strcpy(text, row[i].given);
        terminal_make_harmless(text);
        assert_string_equal(text, row[i].shown);
        assert_int_equal(terminal_is_harmless(row[i].given),
                         strcmp(row[i].given, row[i].shown) == 0);
        assert_true(terminal_is_harmless(row[i].shown));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_harmless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
