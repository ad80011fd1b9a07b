/* Rules: what conditions mean, what is refused and where, overrides, schedules, exceptions, trust.
 */
#include "weir/detect/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rules *load_two(const char *first, const char *second, struct error *error)
{
    struct rules_file file[2] = {{"a.yaml", first, strlen(first)},
                                 {"b.yaml", second ? second : "", second ? strlen(second) : 0}};
    *error = (struct error){0};
    return rules_load(file, second ? 2 : 1, NULL, NULL, error);
}

static struct rules *load(const char *text)
{
    struct error error;
    struct rules *rules = load_two(text, NULL, &error);
    if (!rules)
        fail_msg("%s", error.message);
    return rules;
}

static void set_ip(struct rule_facts *facts, enum rule_field field, const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    rule_facts_address(facts, field, &ip);
}

/* A working Tuesday, 10:30: 12 MB over TLS from 10.0.0.5 to www.Example.jp. */
static struct rule_facts example(void)
{
    struct rule_facts facts = {.day = 20515, .weekday = 1, .minute = 630};
    set_ip(&facts, FIELD_HOST, "10.0.0.5");
    set_ip(&facts, FIELD_REMOTE, "203.0.113.9");
    rule_facts_number(&facts, FIELD_REMOTE_PORT, 443);
    rule_facts_number(&facts, FIELD_SERVER_PORT, 443);
    rule_facts_text(&facts, FIELD_PROTOCOL, "tcp");
    rule_facts_text(&facts, FIELD_SERVICE, "tls");
    rule_facts_text(&facts, FIELD_DIRECTION, "outbound");
    rule_facts_text(&facts, FIELD_DESTINATION, "example.jp");
    rule_facts_text(&facts, FIELD_SERVER_NAME, "www.Example.jp");
    rule_facts_text(&facts, FIELD_REGISTRABLE_DOMAIN, "example.jp");
    rule_facts_number(&facts, FIELD_NAME_VERIFIED, 1);
    rule_facts_number(&facts, FIELD_ENCRYPTED, 1);
    rule_facts_number(&facts, FIELD_TUNNELLED, 0);
    rule_facts_number(&facts, FIELD_OUT_BYTES, 12000000);
    rule_facts_number(&facts, FIELD_OUT_BYTES_STORY, 12000000);
    rule_facts_number(&facts, FIELD_DURATION, 90 * UINT64_C(1000000000));
    rule_facts_number(&facts, FIELD_HOUR, 10);
    rule_facts_text(&facts, FIELD_WEEKDAY, "tue");
    rule_facts_number(&facts, FIELD_WORK_HOURS, 1);
    return facts;
}

static char *rule_of(const char *condition, char *text, size_t room)
{
    snprintf(text, room, "- {rule: r, name: R, severity: 60, condition: '%s'}\n", condition);
    return text;
}

static bool holds(const char *condition)
{
    char text[4096];
    struct rule_facts facts = example();
    struct rules *rules = load(rule_of(condition, text, sizeof text));
    bool truth = rule_matches(rules, &rules->rule[0], &facts, NULL);
    rules_free(rules);
    return truth;
}

static void test_comparisons(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        bool truth;
    } row[] = {
        {"host = 10.0.0.5", true},
        {"host == 10.0.0.6", false},
        {"host in (192.168.0.0/16, 10.0.0.0/8)", true},
        {"host in (192.168.0.0/16, 10.0.1.0/24)", false},
        {"remote in (2001:db8::/32, 203.0.113.0/28)", true},
        {"host != 10.0.0.5", false},
        {"host != 10.0.0.6", true},
        {"device != \"x\"", false}, /* not known: every comparison is false */
        {"not device = x", true},
        {"device exists", false},
        {"host exists", true},
        {"out_bytes > 12 MB", false},
        {"out_bytes >= 12 MB", true},
        {"out_bytes >= 12MB", true},
        {"out_bytes < 11.5 MiB", true}, /* 12,058,624 */
        {"out_bytes > 11.4MiB", true},  /* 11,953,766 */
        {"out_bytes <= 12000000", true},
        {"out_bytes < 12000000", false},
        {"duration = 90 s", true},
        {"duration >= 1.5 min", true},
        {"duration > 0.1 h", false},
        {"remote_port in (80, 443)", true},
        {"remote_port not in (80, 443)", false},
        {"host_port not in (80, 443)", false}, /* not known */
        {"service = tls", true},
        {"service in (http, tls)", true},
        {"server_name = www.example.jp", true},
        {"server_name = example.jp", false},
        {"server_name under example.jp", true},
        {"server_name under (a.test, www.example.jp.)", true},
        {"server_name under ample.jp", false},
        {"server_name startswith (\"mail\", \"WWW.\")", true},
        {"server_name endswith .jp", true},
        {"server_name endswith \"very.long.name.that.is.longer.than.the.other.jp\"", false},
        {"server_name contains exam", true},
        {"server_name contains (x1, y2)", false},
        {"encrypted", true},
        {"tunnelled", false},
        {"ech", false},
        {"tunnelled = false", true},
        {"ech = false", false}, /* not known */
        {"weekday in (sat, sun)", false},
        {"hour >= 22 or hour < 6", false},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (holds(row[i].condition) != row[i].truth)
            fail_msg("%s", row[i].condition);
}

/* Every way to put three truths together, against C's own. */
static void test_and_or_not(void **state)
{
    static const char *const word[2] = {"tunnelled", "encrypted"};
    char text[256];
    (void)state;
    for (int n = 0; n < 8; n++) {
        bool a = n & 1, b = n & 2, c = n & 4;
        const struct {
            const char *form;
            bool truth;
        } row[] = {
            {"%s and %s or %s", (a && b) || c},
            {"%s or %s and %s", a || (b && c)},
            {"(%s or %s) and %s", (a || b) && c},
            {"not %s and %s or not %s", (!a && b) || !c},
            {"not (%s and %s or %s)", !((a && b) || c)},
            {"not not %s and not (%s or not %s)", a && !(b || !c)},
            {"%s and (%s or %s)", a && (b || c)},
            {"%s or not (%s and not %s)", a || !(b && !c)},
        };
        for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
            int pad = snprintf(text, sizeof text, row[i].form, word[a], word[b], word[c]);
            assert_true(pad > 0);
            if (holds(text) != row[i].truth)
                fail_msg("%s", text);
        }
    }
}

static void test_lists_and_macros(void **state)
{
    struct rule_facts facts = example();
    (void)state;
    struct rules *rules =
        load("- {list: office, items: [10.0.0.0/24]}\n"
             "- {list: all, items: [office, 192.168.0.0/16]}\n"
             "- {list: sizes, items: [10 MB, 12 MB]}\n"
             "- {list: names, items: [other.test, example.jp]}\n"
             "- {macro: uploads, condition: out_bytes in (sizes) and known}\n"
             "- {macro: known, condition: server_name under names}\n"
             "- {rule: one, name: One, severity: 40, condition: host in (all) and uploads}\n"
             "- {rule: two, name: Two, severity: 40, condition: not uploads or host in office and "
             "ech}\n");
    assert_int_equal(rules->rule_count, 2);
    assert_true(rule_matches(rules, &rules->rule[0], &facts, NULL));
    assert_false(rule_matches(rules, &rules->rule[1], &facts, NULL));
    rule_facts_number(&facts, FIELD_ECH, 1);
    assert_true(rule_matches(rules, &rules->rule[1], &facts, NULL));
    rule_facts_number(&facts, FIELD_OUT_BYTES, 11000000);
    assert_false(rule_matches(rules, &rules->rule[0], &facts, NULL));
    rules_free(rules);
}

/* --- what is refused ------------------------------------------------------------------------- */

static void test_refused_conditions(void **state)
{
    static const struct {
        const char *condition, *message;
    } row[] = {
        {"registrable_domian = a.test",
         "a.yaml:1:48: condition: unknown field or macro \"registrable_domian\", did you mean "
         "\"registrable_domain\"?"},
        {"ech and nothing_like_it > 3", "a.yaml:1:56: condition: unknown field or macro"},
        {"out_bytes > 10 MX", "a.yaml:1:63: condition: found \"MX\", expected and, or, or the end"},
        {"out_bytes > 10 min", "a.yaml:1:60: condition: \"10 min\" is no value of out_bytes, "
                               "expected bytes such as 10 MB"},
        {"out_bytes > -5", "a.yaml:1:60: condition: \"-5\" is no value of out_bytes"},
        {"out_bytes > 99999999999 TB", "is no value of out_bytes"},
        {"duration > 5", "\"5\" is no value of duration, expected a time such as 10 min"},
        {"remote_port = 4.5", "\"4.5\" is no value of remote_port, expected a whole number"},
        {"host = example.jp", "a.yaml:1:55: condition: \"example.jp\" is no value of host, "
                              "expected an address or prefix such as 10.0.0.0/8"},
        {"service = gopher", "is no value of service, expected one of dns, tls, http"},
        {"host > 10.0.0.1", "a.yaml:1:53: condition: host has no order, expected =, != or in"},
        {"host under a.test", "host is not a domain name"},
        {"service under a.test", "service is not a domain name"},
        {"remote_port startswith 4", "remote_port is not a text"},
        {"host", "a.yaml:1:52: condition: it ends here, expected an operator after host"},
        {"(ech", "a.yaml:1:48: condition: a bracket that is not closed"},
        {"ech)", "a.yaml:1:51: condition: found \")\", expected and, or, or the end"},
        {"ech and", "it ends here, expected a field, a macro, not or \"(\""},
        {"ech or or ech", "a.yaml:1:55: condition: found or, expected a field"},
        {"host in (10.0.0.1", "it ends here, expected \",\" or \")\""},
        {"host in ()", "\")\", expected an address or prefix"},
        {"host not like 3", "expected in"},
        {"ech & ech", "a.yaml:1:52: condition: \"&\" begins no word"},
        {"server_name = \"a", "a.yaml:1:62: condition: a quote that is not closed"},
        {"", "it ends here"},
        {"tunnelled = yes", "expected true or false"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char text[512];
        struct error error;
        struct rules *rules = load_two(rule_of(row[i].condition, text, sizeof text), NULL, &error);
        assert_null(rules);
        assert_int_equal(error.code, ERROR_USAGE);
        if (!strstr(error.message, row[i].message))
            fail_msg("%s\n told: %s\n want: %s", row[i].condition, error.message, row[i].message);
    }
}

static void test_refused_files(void **state)
{
#define RULE "- {rule: r, name: R, severity: 60, condition: ech"
    static const struct {
        const char *text, *message;
    } row[] = {
        {"rule: r\n", "a.yaml:1:1: expected a list of entries"},
        {"- 5\n", "a.yaml:1:3: expected an entry such as"},
        {"- {name: x}\n", "a.yaml:1:3: expected an entry that begins with list:"},
        {"- {rule: R, name: x}\n", "a.yaml:1:10: rule: expected a name of its own"},
        {"- {rule: r, name: x}\n", "a.yaml:1:3: rule \"r\" has no condition"},
        {RULE ", sevrity: 5}\n",
         "a.yaml:1:52: unknown key \"sevrity\" of a rule, expected one of: rule"},
        {RULE ", rule severity: 5}\n", "unknown key \"rule severity\""},
        {RULE ", \";\": 5}\n", "unknown key \";\""},
        {RULE ", urgency: soon}\n", "a.yaml:1:61: urgency: \"soon\", expected now"},
        {"- {rule: r, name: R, severity: 101, condition: ech}\n",
         "severity: \"101\", expected a whole number from 0 to 100"},
        {"- {rule: r, name: R, severity: -1, condition: ech}\n", "severity: \"-1\""},
        {RULE ", technique: 1567}\n", "technique: \"1567\", expected a technique of ATT&CK"},
        {RULE ", technique: T1567.02}\n", "technique: \"T1567.02\""},
        {RULE ", rate_limit: 5}\n", "rate_limit: \"5\", expected \"20 per hour\""},
        {RULE ", rate_limit: 0 per day}\n", "rate_limit: \"0 per day\""},
        {RULE ", schedule: lunch}\n", "schedule: \"lunch\", expected always, work_hours"},
        {RULE ", enabled: maybe}\n", "enabled: \"maybe\", expected true or false"},
        {RULE "}\n" RULE "}\n",
         "a.yaml:2:3: rule \"r\" stands at a.yaml:1 already, expected another "
         "name, or override: append or replace"},
        {RULE ", override: replace}\n", "override: there is no rule \"r\" before this one"},
        {RULE "}\n- {rule: r, override: more}\n", "override: \"more\", expected append or replace"},
        {RULE "}\n- {rule: r, override: append, condition: ech}\n",
         "a.yaml:2:42: condition: override: append: expected and or or in front"},
        {"- {rule: volume.host, name: R, severity: 60, condition: ech}\n",
         "a detector has this id"},
        {"- {macro: m, condition: m}\n",
         "brackets and macros more than 32 deep (does a macro use itself?)"},
        {"- {list: l, items: [l]}\n- {macro: m, condition: host in l}\n",
         "nested more than 32 deep"},
        {"- {list: l, items: [10.0.0.1, x y]}\n- {macro: m, condition: host in l}\n",
         "a.yaml:1:31: items: \"x y\" is asked of host (a.yaml:2), expected an address"},
        {"- {list: l, items: 5}\n", "items: expected a list"},
        {"- {exception: e, of: [volume.hosts], when: ech, reason: x, expires: never}\n",
         "a.yaml:1:23: of: there is no detector or rule \"volume.hosts\""},
        {"- {exception: e, of: [sensor.blind], when: ech, reason: x, expires: never}\n",
         "of: what the sensor does not see is always told"},
        {"- {exception: e, of: [], when: ech, reason: x, expires: never}\n", "of: expected ids"},
        {"- {exception: e, of: [volume.host], when: ech, expires: never}\n", "has no reason"},
        {"- {exception: e, of: [volume.host], when: ech, reason: x, expires: 2026-02-29}\n",
         "expires: \"2026-02-29\", expected the last day"},
        {RULE ", exceptions: [{name: a, when: ech, reason: b}]}\n",
         "exceptions: one has no expires"},
        {RULE ", exceptions: [{name: a, when: ech, reason: b, expires: never, also: 1}]}\n",
         "exceptions: unknown key \"also\""},
        {"- {trust: t, when: ech, reason: x, expires: never, bar: many}\n", "bar: \"many\""},
        {"- {intel: i, file: x, format: lines}\n", "file: lists are not read here"},
        {"- {intel: i, file: x, format: stix}\n", "format: \"stix\", expected lines, zeek or misp"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct error error;
        struct rules *rules = load_two(row[i].text, NULL, &error);
        assert_null(rules);
        assert_int_equal(error.code, ERROR_USAGE);
        if (strncmp(error.message, "a.yaml:", 7) != 0 || !strstr(error.message, row[i].message))
            fail_msg("%s told: %s\n want: %s", row[i].text, error.message, row[i].message);
    }
}

/* Where a mistake stands in texts over several lines, folded, quoted, with other letters before. */
static void test_places(void **state)
{
    static const struct {
        const char *text, *place;
    } row[] = {
        {"- rule: r\n  name: R\n  severity: 1\n  condition: >\n    ech and\n      encrypted or\n   "
         " wrong = 3\n",
         "a.yaml:7:5: "},
        {"- rule: r\n  name: R\n  severity: 1\n  condition: |\n    ech and\n\n    wrong = 3\n",
         "a.yaml:7:5: "},
        {"- rule: r\n  name: R\n  severity: 1\n  condition: ech and\n    wrong = 3\n",
         "a.yaml:5:5: "},
        {"- rule: r\n  name: \"\303\251t\303\251\"\n  severity: 1\n  condition: \"ech and "
         "wrong\"\n",
         "a.yaml:4:23: "},
        {"- {rule: r, name: \"\303\251t\303\251\", severity: 1, condition: 'ech and wrong'}\n",
         "a.yaml:1:59: "},
        {"- {rule: r, name: R, severity: 1, condition: 'server_name = ''x'' and wrong'}\n",
         "a.yaml:1:71: "},
        {"- {rule: r, name: R, severity: 1, condition: \"server_name = \\\"x\\\" and wrong\"}\n",
         "a.yaml:1:71: "},
        {"- {rule: r, name: R, severity: 1, condition: \"ech\\x20and wrong\"}\n", "a.yaml:1:46: "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct error error;
        assert_null(load_two(row[i].text, NULL, &error));
        if (strncmp(error.message, row[i].place, strlen(row[i].place)) != 0)
            fail_msg("%s told: %s\n want: %s", row[i].text, error.message, row[i].place);
    }
}

/* Macros that double, lists that do: refused, soon. */
static void test_bombs(void **state)
{
    char text[8192];
    size_t at = (size_t)snprintf(text, sizeof text, "- {macro: m0, condition: ech or ech}\n");
    struct error error;
    (void)state;
    for (int i = 1; i < 30; i++)
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "- {macro: m%d, condition: m%d or m%d}\n", i, i - 1, i - 1);
    assert_null(load_two(text, NULL, &error));
    assert_non_null(strstr(error.message, "more than 4096 comparisons"));
    at = (size_t)snprintf(text, sizeof text, "- {list: l0, items: []}\n");
    for (int i = 1; i < 30; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "- {list: l%d, items: [l%d, l%d]}\n", i,
                               i - 1, i - 1);
    snprintf(text + at, sizeof text - at, "- {macro: m, condition: host in l29}\n");
    assert_null(load_two(text, NULL, &error));
    assert_non_null(strstr(error.message, "more than 500000 items"));
}

/* --- overrides ------------------------------------------------------------------------------- */

static void test_overrides(void **state)
{
    static const char first[] =
        "- {list: l, items: [10.1.0.0/16]}\n"
        "- {macro: m, condition: host in l}\n"
        "- {rule: r, name: R, severity: 60, condition: m and encrypted, technique: T1567.002,\n"
        "   exceptions: [{name: a, when: ech, reason: x, expires: never}]}\n";
    struct rule_facts facts = example();
    struct error error;
    (void)state;
    struct rules *rules = load(first);
    assert_false(rule_matches(rules, &rules->rule[0], &facts, NULL));
    rules_free(rules);

    rules = load_two(first, "- {list: l, items: [10.0.0.0/24], override: append}\n", &error);
    assert_non_null(rules);
    assert_true(rule_matches(rules, &rules->rule[0], &facts, NULL));
    rules_free(rules);

    rules = load_two(first,
                     "- {macro: m, condition: or service = tls, override: append}\n"
                     "- {rule: r, severity: 90, condition: and hour = 10, override: append,\n"
                     "   exceptions: [{name: b, when: ech, reason: y, expires: never}]}\n",
                     &error);
    assert_non_null(rules);
    assert_true(rule_matches(rules, &rules->rule[0], &facts, NULL));
    assert_int_equal(rules->rule[0].score, 90);
    assert_string_equal(rules->rule[0].detector.technique, "T1567");
    assert_string_equal(rules->rule[0].detector.subtechnique, "T1567.002");
    assert_int_equal(rules->exception_count, 2);
    rule_facts_number(&facts, FIELD_HOUR, 11);
    assert_false(rule_matches(rules, &rules->rule[0], &facts, NULL));
    rules_free(rules);

    rules = load_two(
        first, "- {rule: r, condition: hour = 11, override: replace, exceptions: []}\n", &error);
    assert_non_null(rules);
    assert_int_equal(rules->rule_count, 1);
    assert_true(rule_matches(rules, &rules->rule[0], &facts, NULL));
    assert_int_equal(rules->rule[0].score, 60);
    assert_int_equal(rules->exception_count, 0);
    rules_free(rules);

    rules = load_two(first, "- {rule: r, enabled: false, override: replace}\n", &error);
    assert_non_null(rules);
    assert_false(rules->rule[0].enabled);
    rules_free(rules);
}

/* --- time ------------------------------------------------------------------------------------ */

static bool in_schedule(const char *schedule, int weekday, int minute)
{
    char text[256];
    struct rule_facts facts = example();
    snprintf(text, sizeof text,
             "- {rule: r, name: R, severity: 1, condition: encrypted, schedule: \"%s\"}\n",
             schedule);
    struct rules *rules = load(text);
    facts.weekday = weekday;
    facts.minute = minute;
    bool in = rule_matches(rules, &rules->rule[0], &facts, NULL);
    rules_free(rules);
    return in;
}

static void test_schedules(void **state)
{
    (void)state;
    assert_true(in_schedule("mon-fri 20:00-06:00", 4, 23 * 60));
    assert_true(in_schedule("mon-fri 20:00-06:00", 5, 359)); /* Friday's night */
    assert_false(in_schedule("mon-fri 20:00-06:00", 5, 360));
    assert_false(in_schedule("mon-fri 20:00-06:00", 5, 1200));
    assert_false(in_schedule("mon-fri 20:00-06:00", 0, 0)); /* Sunday's night */
    assert_true(in_schedule("fri-mon", 0, 0));
    assert_true(in_schedule("fri-mon", 6, 1439));
    assert_false(in_schedule("fri-mon", 1, 0));
    assert_true(in_schedule("12:00-13:00", 3, 720));
    assert_false(in_schedule("12:00-13:00", 3, 780));
    assert_true(in_schedule("mon 00:00-24:00, wed 10:00-11:00", 2, 600));
    assert_false(in_schedule("mon 00:00-24:00, wed 10:00-11:00", 1, 0));
    assert_true(in_schedule("work_hours", 1, 630));
    assert_false(in_schedule("off_hours", 1, 630));
    assert_true(in_schedule("always", 1, 630));
}

static void test_exceptions(void **state)
{
    struct rule_facts facts = example();
    const struct rule_exception *expired, *found;
    (void)state;
    struct rules *rules = load("- {rule: r, name: R, severity: 60, condition: encrypted,\n"
                               "   exceptions: [{name: own, when: host = 10.0.0.5, reason: it may, "
                               "expires: 2026-03-03}]}\n"
                               "- {exception: e, of: [volume.host, r], when: remote_port = 443, "
                               "reason: known, expires: 2026-03-02}\n");
    /* day 20515 is 2026-03-03 */
    found = rules_exception(rules, "r", &facts, &expired);
    assert_non_null(found);
    assert_string_equal(found->name, "own");
    assert_null(rules_exception(rules, "volume.host", &facts, &expired));
    assert_non_null(expired);
    assert_string_equal(expired->expires, "2026-03-02");
    assert_null(rules_exception(rules, "volume.served", &facts, &expired));
    assert_null(expired);
    facts.day = 20514;
    found = rules_exception(rules, "volume.host", &facts, &expired);
    assert_string_equal(found->reason, "known");
    facts.day = 20516;
    assert_null(rules_exception(rules, "r", &facts, &expired));
    assert_string_equal(expired->name, "own");
    rules_free(rules);
}

/* A name that only the client gives neither excepts nor is trusted. */
static void test_doubt(void **state)
{
    struct rule_facts facts = example();
    const struct rule_exception *expired;
    (void)state;
    struct rules *rules = load(
        "- {trust: t, when: destination = example.jp, reason: ours, expires: never, bar: 50}\n"
        "- {trust: u, when: server_name under example.jp, reason: ours, expires: never, bar: 70}\n"
        "- {trust: v, when: server_name under example.jp, reason: ours, expires: 2026-03-02, bar: "
        "700}\n"
        "- {exception: e, of: [volume.host], when: registrable_domain = example.jp, reason: x, "
        "expires: never}\n"
        "- {exception: f, of: [volume.host], when: ja3 exists, reason: x, expires: never}\n");
    rule_facts_text(&facts, FIELD_JA3, "0123456789abcdef0123456789abcdef");
    struct rule_facts doubted = facts;
    rule_facts_doubt(&doubted);
    assert_float_equal(rules_bar(rules, &doubted), 70, 0);
    assert_string_equal(rules_exception(rules, "volume.host", &doubted, &expired)->name, "e");
    rule_facts_number(&facts, FIELD_NAME_VERIFIED, 0);
    rule_facts_doubt(&facts);
    assert_float_equal(rules_bar(rules, &facts), 50, 0);
    assert_null(rules_exception(rules, "volume.host", &facts, &expired));
    rules_free(rules);
}

/* --- findings -------------------------------------------------------------------------------- */

static void test_finding(void **state)
{
    struct rule_facts facts = example();
    struct finding finding;
    (void)state;
    struct rules *rules =
        load("- {rule: r, name: A large upload, severity: 60, urgency: now, technique: T1567,\n"
             "   condition: out_bytes > 1 MB and service = tls}\n"
             "- {rule: s, name: Any, severity: 30, condition: service = tls}\n");
    rule_finding(rules, &rules->rule[0], &facts, &finding);
    assert_string_equal(finding.detector->id, "r");
    assert_int_equal(finding.score, 60);
    assert_int_equal(finding.urgency, URGENCY_NOW);
    assert_float_equal(finding.needs, 1000001, 0);
    assert_string_equal(finding.needs_unit, "byte");
    assert_string_equal(finding.reason[0].text,
                        "A large upload: 12 MB left for example.jp (tcp, tls, port 443)");
    double evidence = finding.evidence;
    rule_facts_number(&facts, FIELD_OUT_BYTES, 1000000);
    assert_false(rule_matches(rules, &rules->rule[0], &facts, NULL)); /* below what it needs */
    rule_facts_number(&facts, FIELD_OUT_BYTES_STORY, 99999999);
    rule_finding(rules, &rules->rule[1], &facts, &finding);
    assert_true(finding.evidence == evidence); /* the same power of ten */
    rule_facts_number(&facts, FIELD_OUT_BYTES_STORY, 100000000);
    rule_finding(rules, &rules->rule[1], &facts, &finding);
    assert_true(finding.evidence >= 1.3 * evidence);
    assert_string_equal(finding.needs_unit, "flow");
    assert_int_equal(finding.urgency, URGENCY_DIGEST);
    rules_free(rules);
}

/* The least at which it would still match, however it asks. */
static void test_needs(void **state)
{
    static const struct {
        const char *condition;
        double needs;
    } row[] = {
        {"out_bytes >= 5 MB", 5000000},
        {"out_bytes > 5 MB and out_bytes_story > 7 MB", 7000001},
        {"out_bytes > 5 MB or out_bytes_story > 7 MB", 5000001},
        {"out_bytes > 5 MB and not out_bytes < 9 MB", 9000000},
        {"out_bytes != 0 B", 1},
        {"out_bytes in (3 MB, 12 MB)", 3000000},
        {"not out_bytes <= 11 MB", 11000001},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char text[256];
        struct finding finding;
        struct rule_facts facts = example();
        struct rules *rules = load(rule_of(row[i].condition, text, sizeof text));
        assert_true(rule_matches(rules, &rules->rule[0], &facts, NULL));
        rule_finding(rules, &rules->rule[0], &facts, &finding);
        if (finding.needs != row[i].needs)
            fail_msg("%s: %.0f", row[i].condition, finding.needs);
        rules_free(rules);
    }
}

static void test_steps(void **state)
{
    struct rule_facts facts = example();
    uint64_t steps = 0;
    (void)state;
    struct rules *rules =
        load("- {rule: r, name: R, severity: 1, condition: ech and encrypted and encrypted}\n");
    rule_matches(rules, &rules->rule[0], &facts, &steps);
    assert_int_equal(steps, 2); /* the first comparison, and the jump over the others */
    rules_free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_and_or_not),
        cmocka_unit_test(test_lists_and_macros),
        cmocka_unit_test(test_refused_conditions),
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_schedules),
        cmocka_unit_test(test_exceptions),
        cmocka_unit_test(test_doubt),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
