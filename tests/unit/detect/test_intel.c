/* Lists of indicators: what each format says, what is left out and counted, what is looked up. */
#include "weir/base/buffer.h"
#include "weir/detect/intel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct intel *read_as(enum intel_format format, const char *text)
{
    struct error error = {0};
    struct intel *intel = intel_new();
    struct intel_list list = {.name = "feed", .score = 80, .format = format};
    if (intel_read(intel, &list, "feed.txt", text, strlen(text), &error) != 0)
        fail_msg("%s", error.message);
    return intel;
}

static bool look_ip(const struct intel *intel, const char *text, struct intel_match *match)
{
    struct ip ip;
    struct rule_facts facts = {.day = 0};
    assert_int_equal(ip_parse(text, &ip), 0);
    rule_facts_address(&facts, FIELD_REMOTE, &ip);
    return intel_look(intel, &facts, match);
}

static bool look_text(const struct intel *intel, enum rule_field field, const char *text,
                      struct intel_match *match)
{
    struct rule_facts facts = {.day = 0};
    rule_facts_text(&facts, field, text);
    return intel_look(intel, &facts, match);
}

static void test_lines(void **state)
{
    struct intel_match match;
    (void)state;
    struct intel *intel = read_as(INTEL_LINES, "# a feed\r\n"
                                               "203.0.113.9   # the drop\r\n"
                                               "198.51.100.0/24\n"
                                               "2001:db8:5::/48;six\n"
                                               "Bad.Example\n"
                                               "*.worse.example.\n"
                                               "\n"
                                               "e7d705a3286e19ea42f587b344ee6865\n"
                                               "t13d1516h2_8daaf6152771_b186095e22b6\n"
                                               "com\n"
                                               "0.0.0.0/0\n"
                                               "not a name\n"
                                               "203.0.113.9\n"
                                               "1.2.3\n");
    const struct intel_list *list = intel_list(intel, 0);
    assert_int_equal(list->indicators, 8);
    assert_int_equal(list->repeated, 1);
    assert_int_equal(list->bad_lines, 4);
    assert_int_equal(list->first_bad, 10);
    assert_true(look_ip(intel, "203.0.113.9", &match));
    assert_string_equal(match.note, "the drop");
    assert_string_equal(match.value, "203.0.113.9");
    assert_string_equal(match.list->name, "feed");
    assert_false(look_ip(intel, "203.0.113.8", &match));
    assert_true(look_ip(intel, "198.51.100.255", &match));
    assert_string_equal(match.note, "");
    assert_false(look_ip(intel, "198.51.101.0", &match));
    assert_true(look_ip(intel, "2001:db8:5:ffff::1", &match));
    assert_string_equal(match.note, "six");
    assert_false(look_ip(intel, "2001:db8:6::1", &match));
    assert_true(look_text(intel, FIELD_SERVER_NAME, "bad.example", &match));
    assert_true(look_text(intel, FIELD_SERVER_NAME, "A.b.BAD.example", &match));
    assert_string_equal(match.value, "a.b.bad.example");
    assert_false(look_text(intel, FIELD_SERVER_NAME, "notbad.example", &match));
    assert_true(look_text(intel, FIELD_DNS_QUESTION, "worse.example", &match));
    assert_int_equal(match.field, FIELD_DNS_QUESTION);
    assert_false(look_text(intel, FIELD_DNS_QUESTION, "example", &match));
    assert_true(look_text(intel, FIELD_JA3, "e7d705a3286e19ea42f587b344ee6865", &match));
    assert_true(look_text(intel, FIELD_JA4, "t13d1516h2_8daaf6152771_b186095e22b6", &match));
    assert_false(look_text(intel, FIELD_JA3, "e7d705a3286e19ea42f587b344ee6866", &match));
    intel_free(intel);
}

static void test_zeek(void **state)
{
    struct intel_match match;
    (void)state;
    struct intel *intel =
        read_as(INTEL_ZEEK, "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n"
                            "203.0.113.9\tIntel::ADDR\tsource1\tcommand and control\n"
                            "198.51.100.0/25\tIntel::SUBNET\tsource1\t-\n"
                            "evil.example\tIntel::DOMAIN\tsource2\t\n"
                            "http://evil.example/x\tIntel::URL\tsource2\t-\n"
                            "evil2.example\tDOMAIN\tsource2\t-\n"
                            "evil3.example\tIntel::ADDR\tsource2\t-\n"
                            "evil4.example\n");
    const struct intel_list *list = intel_list(intel, 0);
    assert_int_equal(list->indicators, 3);
    assert_int_equal(list->other_kinds, 1);
    assert_int_equal(list->bad_lines, 3);
    assert_int_equal(list->first_bad, 6);
    assert_true(look_ip(intel, "203.0.113.9", &match));
    assert_string_equal(match.note, "command and control");
    assert_true(look_ip(intel, "198.51.100.127", &match));
    assert_string_equal(match.note, "source1");
    assert_false(look_ip(intel, "198.51.100.128", &match));
    assert_true(look_text(intel, FIELD_DESTINATION, "evil.example", &match));
    intel_free(intel);
}

static void test_misp(void **state)
{
    struct intel_match match;
    (void)state;
    struct intel *intel = read_as(
        INTEL_MISP, "uuid,event_id,category,type,value,comment,to_ids,date\r\n"
                    "1,7,\"Network activity\",\"ip-dst\",\"203.0.113.9\",\"said \"\"so\"\",\nover "
                    "two lines\",1,20260101\r\n"
                    "2,7,x,domain|ip,\"evil.example|198.51.100.7\",,1,20260101\n"
                    "3,7,x,ip-dst|port,192.0.2.1|443,,1,20260101\n"
                    "4,7,x,hostname,off.example,,0,20260101\n"
                    "5,7,x,sha256,00,,1,20260101\n"
                    "6,7,x,domain,nonsense,,1,20260101\n"
                    "7,7,x,ja3-fingerprint-md5,e7d705a3286e19ea42f587b344ee6865,,1,20260101\n"
                    "8,7,x,domain,\"open.example\n");
    const struct intel_list *list = intel_list(intel, 0);
    assert_int_equal(list->indicators, 5);
    assert_int_equal(list->other_kinds, 2);
    assert_int_equal(list->bad_lines, 2);
    assert_int_equal(list->first_bad, 8); /* the seventh record: a note spans two lines */
    assert_true(look_ip(intel, "203.0.113.9", &match));
    assert_string_equal(match.note, "said \"so\",?over two lines");
    assert_true(look_ip(intel, "198.51.100.7", &match));
    assert_true(look_ip(intel, "192.0.2.1", &match));
    assert_true(look_text(intel, FIELD_SERVER_NAME, "evil.example", &match));
    assert_false(look_text(intel, FIELD_SERVER_NAME, "off.example", &match));
    assert_true(look_text(intel, FIELD_JA3, "E7D705A3286E19EA42F587B344EE6865", &match));
    intel_free(intel);
}

/* The first list that has it is told. */
static void test_two_lists(void **state)
{
    struct error error = {0};
    struct intel_match match;
    struct intel *intel = intel_new();
    struct intel_list list = {.name = "one", .format = INTEL_LINES};
    (void)state;
    assert_int_equal(intel_read(intel, &list, "1", "203.0.113.9 # first\n", 20, &error), 0);
    strcpy(list.name, "two");
    assert_int_equal(intel_read(intel, &list, "2", "203.0.113.0/24\n203.0.113.9 # 2\n", 31, &error),
                     0);
    assert_int_equal(intel_lists(intel), 2);
    assert_int_equal(intel_list(intel, 1)->repeated, 1);
    assert_true(look_ip(intel, "203.0.113.9", &match));
    assert_string_equal(match.list->name, "one");
    assert_true(look_ip(intel, "203.0.113.8", &match));
    assert_string_equal(match.list->name, "two");
    intel_free(intel);
}

static void test_refused(void **state)
{
    static const struct {
        enum intel_format format;
        const char *text, *message;
    } row[] = {
        {INTEL_LINES, "# x\nnonsense\n",
         "feed.txt:2: nothing in it is understood, expected format lines"},
        {INTEL_ZEEK, "1.2.3.4\tIntel::ADDR\n", "feed.txt:1: expected a line \"#fields\""},
        {INTEL_MISP, "1.2.3.4,ip-dst\n", "feed.txt:1: expected a line of column names"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct error error = {0};
        struct intel *intel = intel_new();
        struct intel_list list = {.name = "feed", .format = row[i].format};
        assert_int_equal(
            intel_read(intel, &list, "feed.txt", row[i].text, strlen(row[i].text), &error), -1);
        assert_non_null(strstr(error.message, row[i].message));
        intel_free(intel);
    }
}

/* As many as there is room for, and one more. */
static void test_full(void **state)
{
    struct error error = {0};
    struct intel *intel = intel_new();
    struct intel_list list = {.name = "feed", .format = INTEL_LINES};
    struct buffer text = {0};
    (void)state;
    for (unsigned i = 0; i < INTEL_MAX; i++)
        buffer_text(&text, "60.%u.%u.%u\n", i >> 16, i >> 8 & 255, i & 255);
    assert_int_equal(intel_read(intel, &list, "feed", (const char *)text.data, text.size, &error),
                     0);
    assert_int_equal(intel_list(intel, 0)->indicators, INTEL_MAX);
    assert_int_equal(intel_read(intel, &list, "again", "60.0.0.1\n", 9, &error), 0);
    assert_int_equal(intel_read(intel, &list, "more", "61.0.0.1\n", 9, &error), -1);
    assert_string_equal(error.message,
                        "more: all lists together hold more than 1000000 indicators");
    buffer_fini(&text);
    intel_free(intel);
}

/* Cut anywhere, a list is read as far as it goes. */
static void test_cut(void **state)
{
    static const char text[] =
        "uuid,type,value,comment\n1,ip-dst,203.0.113.9,\"a\"\"b\"\n2,domain,evil.example,\n";
    (void)state;
    for (size_t size = 0; size <= strlen(text); size++) {
        struct error error = {0};
        struct intel *intel = intel_new();
        struct intel_list list = {.name = "feed", .format = INTEL_MISP};
        char *copy = malloc(size + 1); /* no NUL behind it */
        memcpy(copy, text, size);
        int failed = intel_read(intel, &list, "feed.txt", copy, size, &error);
        if (size >= 16 && failed && size > 55) /* the header, and a whole first record */
            fail_msg("cut at %zu: %s", size, error.message);
        free(copy);
        intel_free(intel);
    }
}

static void test_finding(void **state)
{
    struct intel_match match;
    struct finding finding;
    struct rule_facts facts = {.day = 0};
    (void)state;
    struct intel *intel = read_as(INTEL_LINES, "evil.example # a note\n");
    rule_facts_text(&facts, FIELD_SERVER_NAME, "x.evil.example");
    rule_facts_number(&facts, FIELD_OUT_BYTES_STORY, 2500);
    assert_true(intel_look(intel, &facts, &match));
    intel_finding(&match, &facts, &finding);
    assert_string_equal(finding.detector->id, "intel.match");
    assert_int_equal(finding.score, 80);
    assert_string_equal(finding.reason[0].text,
                        "server_name x.evil.example is on list feed (a note); 2.5 kB left for it");
    intel_free(intel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),   cmocka_unit_test(test_zeek),
        cmocka_unit_test(test_misp),    cmocka_unit_test(test_two_lists),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_full),
        cmocka_unit_test(test_cut),     cmocka_unit_test(test_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
