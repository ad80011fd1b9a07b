/* The words of the report in one language against the other: none is missing, both take the same
 * arguments, and nothing English stands in the Japanese ones but names. */
#include "../../../sensor/investigate/hunt_words.h"
#include "../../../sensor/investigate/report_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Names that are the same everywhere. */
static const char *const name[] = {
    "Weir",  "weir",   "report",   "replay", "items", "evidence", "verify", "summary", "json",
    "flows", "ndjson", "manifest", "TLS",    "DNS",   "TCP",      "MITRE",  "ATT",     "CK",
    "kB",    "U",      "B",        "ICMP",   "MiB",   "hunt",     "max",    "hosts",   "baseline"};

static bool is_name(const char *word, size_t size)
{
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        if (strlen(name[i]) == size && memcmp(name[i], word, size) == 0)
            return true;
    for (size_t i = 0; i < size; i++)
        if (word[i] < '0' || (word[i] > '9' && word[i] < 'A')) /* U+202E: a number */
            return false;
    return memchr(word, '0', size) != NULL || memchr(word, '2', size) != NULL;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static void assert_japanese(const char *text)
{
    for (const char *at = text; *at;) {
        size_t size = 0;
        while (is_letter(at[size]))
            size++;
        bool digits = size > 0 && strspn(at, "0123456789") >= size;
        if (size > 0 && !digits && !is_name(at, size))
            fail_msg("\"%.*s\" in \"%s\"", (int)size, at, text);
        at += size ? size : 1;
    }
}

static unsigned arguments_of(const char *text)
{
    unsigned mask = 0;
    for (; *text; text++)
        if (text[0] == '{' && text[1] >= '0' && text[1] <= '9' && text[2] == '}')
            mask |= 1u << (text[1] - '0');
    return mask;
}

static void test_phrases(void **state)
{
    (void)state;
    for (int i = 0; i < SAYS; i++) {
        const char *english = report_say((enum say)i, REPORT_ENGLISH);
        const char *japanese = report_say((enum say)i, REPORT_JAPANESE);
        if (!english || !japanese || !*english || !*japanese)
            fail_msg("phrase %d is missing", i);
        if (arguments_of(english) != arguments_of(japanese))
            fail_msg("\"%s\" and \"%s\" take different arguments", english, japanese);
        bool fact = i >= SAY_COVER_FIRST && i <= SAY_COVER_LAST;
        assert_true(arguments_of(english) < 1u << (fact ? 4 : 5)); /* REPORT_FACT, "{4}" */
        assert_japanese(japanese);
    }
}

static void test_a_hunt(void **state)
{
    (void)state;
    for (int i = 0; i < HUNT_SAYS; i++) {
        const char *english = hunt_say((enum hunt_say)i, REPORT_ENGLISH);
        const char *japanese = hunt_say((enum hunt_say)i, REPORT_JAPANESE);
        if (!english || !japanese || !*english || !*japanese)
            fail_msg("phrase %d is missing", i);
        if (arguments_of(english) != arguments_of(japanese))
            fail_msg("\"%s\" and \"%s\" take different arguments", english, japanese);
        assert_japanese(japanese);
    }
    for (enum hunt_sight sight = HUNT_COVERED; sight < HUNT_SIGHTS; sight++) {
        assert_string_equal(hunt_say_sight(sight, REPORT_ENGLISH), hunt_sight_name[sight]);
        assert_non_null(hunt_say_days(sight, REPORT_ENGLISH));
        assert_japanese(hunt_say_days(sight, REPORT_JAPANESE));
    }
    for (int i = 0; i < HUNT_VERDICTS; i++)
        assert_japanese(hunt_verdict_words[i][REPORT_JAPANESE]);
    assert_string_equal(hunt_verdict_words[HUNT_LEFT][REPORT_JAPANESE],
                        report_say(SAY_VERDICT_LEFT, REPORT_JAPANESE));
    assert_string_equal(hunt_verdict_words[HUNT_NO_SIGN][REPORT_JAPANESE],
                        report_say(SAY_VERDICT_NO_SIGN, REPORT_JAPANESE));
    assert_string_equal(hunt_verdict_words[HUNT_CANNOT_SAY][REPORT_JAPANESE],
                        report_say(SAY_VERDICT_CANNOT_SAY, REPORT_JAPANESE));
}

static void test_terms(void **state)
{
    (void)state;
    const char *key, *words[REPORT_LANGUAGES];
    size_t n = 0;
    for (; report_words_at(n, &key, words); n++) {
        assert_non_null(words[REPORT_ENGLISH]);
        assert_non_null(words[REPORT_JAPANESE]);
        assert_japanese(words[REPORT_JAPANESE]);
    }
    assert_true(n > 60);
}

static void test_every_row_has_its_words(void **state)
{
    (void)state;
    for (size_t i = 0; detectors[i]; i++) {
        const char *english = report_word_of_rule(detectors[i]->id, "", REPORT_ENGLISH);
        const char *japanese = report_word_of_rule(detectors[i]->id, "", REPORT_JAPANESE);
        assert_string_equal(english, detectors[i]->name);
        assert_string_not_equal(japanese, detectors[i]->id);
    }
    for (int i = 0; i < CONTENT_CLASSES; i++) {
        assert_string_not_equal(report_word_of_class(counted_member[i], REPORT_JAPANESE),
                                counted_member[i]);
        assert_string_not_equal(report_word_of_unit(counted_unit[i], REPORT_JAPANESE),
                                counted_unit[i]);
    }
    assert_string_equal(report_word_of_rule("my.rule", "Mine", REPORT_JAPANESE), "Mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_phrases), cmocka_unit_test(test_terms),
                                       cmocka_unit_test(test_a_hunt),
                                       cmocka_unit_test(test_every_row_has_its_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
