/* The rows about counted content: floors, the line between them, and what the reason says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

static bool ask_counted(const char *id, const struct counted *counted, uint64_t gap,
                        struct finding *finding)
{
    static struct destination d = {.role = ROLE_SERVED, .name = "203.0.113.0/24"};
    struct detect_config config = detect_config_default();
    struct subject subject = {.kind = SUBJECT_CONTENT,
                              .config = &config,
                              .destination = &d,
                              .counted = counted,
                              .inspected_bytes = 2000000,
                              .gap_bytes = gap};
    return ask(id, &subject, finding);
}

static bool ask_count(uint64_t emails, double error, uint64_t gap, struct finding *finding)
{
    struct counted counted = {.of[CONTENT_EMAIL] = {emails, error}};
    return ask_counted("content.personal", &counted, gap, finding);
}

/* 60 + 25·(log10 n − 2) to 1,000, 85 + 15·(log10 n − 3) beyond, rounded down. */
static void floors(void **state)
{
    static const struct {
        uint64_t emails;
        int score;
        enum urgency urgency;
    } expected[] = {{100, 60, URGENCY_SHIFT},  {200, 67, URGENCY_SHIFT}, {316, 72, URGENCY_SHIFT},
                    {999, 84, URGENCY_SHIFT},  {1000, 85, URGENCY_NOW},  {3163, 92, URGENCY_NOW},
                    {10000, 100, URGENCY_NOW}, {76104, 100, URGENCY_NOW}};
    struct finding finding;
    (void)state;
    assert_false(ask_count(0, 0, 0, &finding));
    assert_false(ask_count(99, 0, 0, &finding));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(ask_count(expected[i].emails, 0, 0, &finding));
        assert_int_equal(finding.score, expected[i].score);
        assert_int_equal(finding.urgency, expected[i].urgency);
        assert_true(finding.evidence == (double)expected[i].emails);
        assert_true(finding.p == 0 && finding.needs == 100);
        assert_string_equal(finding.needs_unit, "address");
    }
}

static void says_count_and_error(void **state)
{
    struct finding finding;
    (void)state;
    assert_true(ask_count(76104, 0, 0, &finding));
    assert_int_equal(finding.reason_count, 1);
    assert_string_equal(finding.reason[0].text,
                        "76,104 e-mail addresses (exact) left for 203.0.113.0/24");
    assert_string_equal(finding.reason[0].unit, "address");
    assert_true(finding.reason[0].observed == 76104 && finding.reason[0].weight == 1);
    assert_true(ask_count(1234567, 0.008125, 1400000, &finding));
    assert_string_equal(finding.reason[0].text,
                        "1,234,567 e-mail addresses (\302\2610.8 %) left for 203.0.113.0/24; "
                        "1.4 MB of it were not seen");
}

/* The class that exceeds its floor most speaks first; the others that do are reasons too. */
static void other_classes_count_too(void **state)
{
    struct finding finding;
    struct counted counted = {.of[CONTENT_CARD].items = 9};
    (void)state;
    assert_false(ask_counted("content.personal", &counted, 0, &finding));
    counted.of[CONTENT_CARD].items = 100; /* ten times its floor */
    counted.of[CONTENT_EMAIL].items = 200;
    counted.of[CONTENT_PHONE].items = 99;
    assert_true(ask_counted("content.personal", &counted, 0, &finding));
    assert_int_equal(finding.score, 85);
    assert_int_equal(finding.reason_count, 2);
    assert_string_equal(finding.reason[0].code, "content.personal.card");
    assert_string_equal(finding.reason[0].text,
                        "100 payment cards (exact) left for 203.0.113.0/24");
    assert_string_equal(finding.reason[1].code, "content.personal");
    assert_true(finding.needs == 10 && finding.evidence == 1000);
    assert_true(finding.reason[0].weight == 0.5);
}

static void label(struct counted *counted, enum content_class class, const char *text,
                  uint64_t items)
{
    struct counted_label *place = &counted->label[counted->label_count++];
    *place = (struct counted_label){.items = items, .class = (uint8_t) class};
    strcpy(place->text, text);
}

/* One key opens a door; of settings it takes a few. */
static void settings(void **state)
{
    struct finding finding;
    struct counted counted = {.of[CONTENT_SETTING].items = 4};
    (void)state;
    label(&counted, CONTENT_SETTING, "mail-host", 4);
    assert_false(ask_counted("content.settings", &counted, 0, &finding));
    counted.of[CONTENT_SETTING].items = 5;
    assert_true(ask_counted("content.settings", &counted, 0, &finding));
    assert_int_equal(finding.score, 55);
    assert_string_equal(finding.reason[0].text,
                        "5 settings (exact) left for 203.0.113.0/24 (mail-host 4)");
    label(&counted, CONTENT_SETTING, "private-key", 1);
    assert_true(ask_counted("content.settings", &counted, 0, &finding));
    assert_int_equal(finding.score, 70);
    assert_true(finding.needs == 1);
}

/* By the labels that settings.c writes: a hashed password, a URL with one. */
static void one_secret(void **state)
{
    static const char *const secret[] = {"aws-key", "slack-token", "database-url", "shadow"};
    static const char *const plain[] = {"router", "environment", "passwd", "mail-host"};
    struct finding finding;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct counted counted = {.of[CONTENT_SETTING].items = 1}, other = counted;
        label(&counted, CONTENT_SETTING, secret[i], 1);
        assert_true(ask_counted("content.settings", &counted, 0, &finding));
        assert_int_equal(finding.score, 70);
        label(&other, CONTENT_SETTING, plain[i], 1);
        assert_false(ask_counted("content.settings", &other, 0, &finding));
    }
}

static void flight_archives_and_patterns(void **state)
{
    struct finding finding;
    struct counted counted = {.of[CONTENT_FLIGHT].items = 19};
    (void)state;
    assert_false(ask_counted("content.flight", &counted, 0, &finding));
    assert_false(ask_counted("content.archive", &counted, 0, &finding));
    assert_false(ask_counted("content.pattern", &counted, 0, &finding));
    counted.of[CONTENT_FLIGHT].items = 2000;
    assert_true(ask_counted("content.flight", &counted, 0, &finding));
    assert_int_equal(finding.score, 90);
    assert_int_equal(finding.urgency, URGENCY_NOW);
    counted.of[CONTENT_ARCHIVE].items = 7;
    label(&counted, CONTENT_ARCHIVE, "zip", 7);
    assert_false(ask_counted("content.archive", &counted, 0, &finding)); /* none is encrypted */
    label(&counted, CONTENT_ARCHIVE, "zip-encrypted", 1);
    assert_true(ask_counted("content.archive", &counted, 0, &finding));
    assert_int_equal(finding.score, 55);
    counted.of[CONTENT_PATTERN].items = 1;
    assert_true(ask_counted("content.pattern", &counted, 0, &finding));
    assert_int_equal(finding.score, 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floors),
        cmocka_unit_test(says_count_and_error),
        cmocka_unit_test(other_classes_count_too),
        cmocka_unit_test(settings),
        cmocka_unit_test(one_secret),
        cmocka_unit_test(flight_archives_and_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
