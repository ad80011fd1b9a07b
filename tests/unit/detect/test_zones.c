/* Zones and conduits: whose an address is, which conduits a file holds, what they say of a flow,
 * and what the rows about zones make of it. */
#include "weir/detect/judge.h"
#include "weir/detect/zones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add(struct zones *zones, const char *name, uint8_t level, enum zone_state state,
                const char *net)
{
    struct error error = {0};
    struct prefix prefix;
    struct zone *zone = zones_add(zones, name, &error);
    if (!zone || prefix_parse(net, &prefix, &error) != 0 ||
        zones_add_net(zones, zone, &prefix, &error) != 0)
        fail_msg("%s", error.message);
    zone->level = level;
    zone->state = state;
}

/* Control (level 1), supervision (2) and operations (3) locked, an office (4) observed. */
static struct zones *site(const char *conduits)
{
    struct error error = {0};
    struct zones *zones = zones_new();
    add(zones, "control", 10, ZONE_LOCKED, "10.9.1.0/24");
    add(zones, "supervision", 20, ZONE_LOCKED, "10.9.0.0/16");
    add(zones, "operations", 30, ZONE_LOCKED, "10.10.0.0/16");
    add(zones, "office", 40, ZONE_OBSERVE, "10.20.0.0/16");
    if (zones_load_conduits(zones, "c.yaml", conduits, strlen(conduits), &error) != 0)
        fail_msg("%s", error.message);
    return zones;
}

static struct ip address(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return ip;
}

static struct zone_flow flow(const struct zones *zones, const char *orig, const char *resp,
                             uint16_t port, enum service service)
{
    struct zone_flow made = {.orig = address(orig),
                             .resp = address(resp),
                             .orig_port = 40000,
                             .resp_port = port,
                             .proto = 6,
                             .service = service,
                             .payload_bytes = {2000, 4000},
                             .certain = true};
    made.from = (uint8_t)zones_end(zones, &made.orig, strncmp(orig, "10.", 3) == 0);
    made.to = (uint8_t)zones_end(zones, &made.resp, strncmp(resp, "10.", 3) == 0);
    return made;
}

/* --- zones ------------------------------------------------------------------------------------ */

static void test_longest_prefix(void **state)
{
    (void)state;
    struct zones *zones = site("");
    const struct {
        const char *ip;
        bool inside;
        const char *name;
    } row[] = {{"10.9.1.7", true, "control"},
               {"10.9.2.7", true, "supervision"},
               {"10.20.3.4", false, "office"},
               {"10.30.0.1", true, "inside"},
               {"192.0.2.1", false, "outside"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct ip ip = address(row[i].ip);
        unsigned end = zones_end(zones, &ip, row[i].inside);
        assert_string_equal(zones_end_name(zones, end), row[i].name);
        assert_int_equal(zones_find(zones, row[i].name), end);
    }
    assert_int_equal(zones_find(zones, "nowhere"), -1);
    zones_free(zones);
}

/* ::/0 is every IPv6 address, not the mapped form that IPv4 has here. */
static void test_all_of_a_family(void **state)
{
    (void)state;
    struct zones *zones = zones_new();
    add(zones, "six", 40, ZONE_OBSERVE, "::/0");
    const struct ip four = address("192.0.2.1"), six = address("2001:db8::1");
    assert_int_equal(zones_end(zones, &four, false), ZONE_OUTSIDE);
    assert_string_equal(zones_end_name(zones, zones_end(zones, &six, false)), "six");
    add(zones, "four", 40, ZONE_OBSERVE, "0.0.0.0/0");
    assert_string_equal(zones_end_name(zones, zones_end(zones, &four, false)), "four");
    assert_string_equal(zones_end_name(zones, zones_end(zones, &six, false)), "six");
    zones_free(zones);
}

static void test_refused_zones(void **state)
{
    (void)state;
    struct zones *zones = site("");
    const char *const name[] = {"",
                                "control",
                                "inside",
                                "any",
                                "Upper",
                                "a b",
                                "-",
                                "-a",
                                ".a",
                                "_a",
                                "a-name-of-more-than-thirty-two-letters"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        struct error error = {0};
        assert_null(zones_add(zones, name[i], &error));
        assert_int_equal(error.code, ERROR_USAGE);
    }
    struct error error = {0};
    struct prefix prefix;
    assert_int_equal(prefix_parse("10.9.1.0/24", &prefix, NULL), 0);
    assert_int_equal(zones_add_net(zones, &zones->zone[3], &prefix, &error), -1);
    assert_non_null(strstr(error.message, "control"));
    zones_free(zones);
}

/* --- the file --------------------------------------------------------------------------------- */

static void test_file(void **state)
{
    (void)state;
    struct zones *zones = site("- from: supervision\n"
                               "  to: control\n"
                               "  protocol: modbus\n"
                               "  port: \"502-503\"\n"
                               "  direction: both\n"
                               "  access: read\n"
                               "  writers: [10.9.2.1, \"2001:db8::1\"]\n"
                               "  functions: [16, 3, 0x2b, \"3\"] # x\n"
                               "  seen: {flows: 3}\n"
                               "  note: \"x\"\n"
                               "  sign_off: \"A. Sato\"\n"
                               "- {from: any, to: operations, protocol: udp}\n");
    const struct conduit *c = zones->conduit;
    assert_int_equal(zones->conduit_count, 2);
    assert_int_equal(c->service, SERVICE_MODBUS);
    assert_int_equal(c->port_first, 502);
    assert_int_equal(c->port_last, 503);
    assert_true(c->both && c->signed_off && c->access == CONDUIT_READ);
    assert_int_equal(c->writer_count, 2);
    assert_int_equal(c->functions.count, 3);
    assert_true(function_set_has(&c->functions, 3) && function_set_has(&c->functions, 43));
    assert_true(c->functions_locked);
    assert_int_equal(c[1].functions.count, 0);
    assert_int_equal(c[1].from, ZONE_ANY);
    assert_int_equal(c[1].proto, 17);
    assert_int_equal(c[1].port_last, UINT16_MAX);
    assert_false(c[1].signed_off);
    assert_int_equal(c[1].line, 12);
    zones_free(zones);
}

static void test_refused_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } row[] = {
        {"a: 1\n", "c.yaml:1:1: conduit: is a mapping, expected a list of conduits"},
        {"- {from: control, to: office}\n", "c.yaml:1:3: a conduit without \"protocol\""},
        {"- {from: plant, to: office, protocol: tcp}\n",
         "c.yaml:1:10: from: \"plant\", expected a"},
        {"- {from: control, to: office, protocol: modbux}\n", "c.yaml:1:41: protocol: \"modbux\""},
        {"- {from: control, to: office, protocol: tcp, port: 70000}\n", "c.yaml:1:52: port:"},
        {"- {from: control, to: office, protocol: tcp, port: 9-3}\n", "c.yaml:1:52: port:"},
        {"- {from: control, to: office, protocol: tcp, access: all}\n", "expected read or write"},
        {"- {from: control, to: office, protocol: tcp, direction: in}\n", "forward or both"},
        {"- {from: control, to: office, protocol: tcp, writers: [x]}\n", "c.yaml:1:56:"},
        {"- {from: control, to: office, protocol: tcp, colour: red}\n", "unknown key \"colour\""},
        {"- {from: inside, to: outside, protocol: tcp}\n", "neither end is a zone"},
        {"- {from: control, to: office, protocol: tcp, writers: []}\n",
         "c.yaml:1:55: writers: is a list, expected an address; leave it out: whoever opens"},
        {"- {from: control, to: office, protocol: icmp, port: 7}\n",
         "c.yaml:1:53: port: \"7\", expected none: this protocol has no ports"},
        {"- {from: control, to: office, port: 7-9, protocol: 47}\n", "has no ports"},
        {"- {from: control, to: office, protocol: modbus, functions: 3}\n",
         "c.yaml:1:60: functions: \"3\", expected a list of function codes"},
        {"- {from: control, to: office, protocol: modbus, functions: []}\n",
         "c.yaml:1:60: functions: is a list, expected a function code; leave it out: any may be"},
        {"- {from: control, to: office, protocol: modbus, functions: [3, reads]}\n",
         "c.yaml:1:64: conduit: \"reads\", expected a function code as 16 or 0x29"},
        {"- {from: control, to: office, protocol: modbus, functions: [-3]}\n", "c.yaml:1:61:"},
        {"- {from: control, to: office, protocol: modbus, functions: [0x]}\n", "c.yaml:1:61:"},
        {"- {from: control, to: office, protocol: s7, functions: [65536]}\n", "c.yaml:1:57:"},
        {"- {from: control, to: office, protocol: modbus, functions: [3, 300]}\n",
         "c.yaml:1:60: functions: is a list, expected codes of this protocol, up to 255"},
        {"- {from: control, to: office, protocol: tcp, functions: [3]}\n",
         "c.yaml:1:57: functions: is a list, expected none: this protocol has no function codes"},
        {"- {from: control, to: office, protocol: asterix, functions: [3]}\n", "expected none"},
        {"- {from: control, to: office, protocol: s7, functions: [3], functions_state: strict}\n",
         "functions_state: \"strict\", expected observe or locked"},
        {"- {from: control, to: office, protocol: s7, functions_state: locked}\n",
         "c.yaml:1:62: functions_state: \"locked\", expected none: no functions are listed"},
        {"- {from: control, to: office, protocol: modbus, functions: [1,2,3,4,5,6,7,8,9,10,11,12,"
         "13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33]}\n",
         "expected at most 32 function codes"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct zones *zones = site("");
        struct error error = {0};
        assert_int_equal(
            zones_load_conduits(zones, "c.yaml", row[i].text, strlen(row[i].text), &error), -1);
        if (!strstr(error.message, row[i].message))
            fail_msg("%s: %s", row[i].text, error.message);
        assert_int_equal(zones->conduit_count, 0);
        zones_free(zones);
    }
}

/* --- what is allowed -------------------------------------------------------------------------- */

#define READING "- {from: supervision, to: control, protocol: modbus, port: 502, access: read}\n"
#define WRITING                                                                                    \
    "- {from: supervision, to: control, protocol: modbus, port: 502, writers: [10.9.2.1]}\n"

static void test_judged(void **state)
{
    (void)state;
    static const struct {
        const char *conduits, *orig, *resp;
        uint16_t port;
        enum service service;
        uint32_t writes;
        enum zone_fault fault;
        const char *zone;
    } row[] = {
        {READING, "10.9.2.1", "10.9.1.1", 502, SERVICE_MODBUS, 0, ZONE_ALLOWED, "control"},
        {READING, "10.9.2.1", "10.9.1.1", 502, SERVICE_MODBUS, 1, ZONE_WRITE, "control"},
        {WRITING, "10.9.2.1", "10.9.1.1", 502, SERVICE_MODBUS, 1, ZONE_ALLOWED, "control"},
        {WRITING, "10.9.2.2", "10.9.1.1", 502, SERVICE_MODBUS, 1, ZONE_WRITER, "control"},
        {WRITING, "10.9.2.2", "10.9.1.1", 502, SERVICE_MODBUS, 0, ZONE_ALLOWED, "control"},
        {READING WRITING, "10.9.2.1", "10.9.1.1", 502, SERVICE_MODBUS, 1, ZONE_ALLOWED, "control"},
        {READING, "10.9.2.1", "10.9.1.1", 502, SERVICE_SSH, 0, ZONE_OTHER_PROTOCOL, "control"},
        {READING, "10.9.2.1", "10.9.1.1", 502, SERVICE_NONE, 0, ZONE_OTHER_PROTOCOL, "control"},
        {READING, "10.9.2.1", "10.9.1.1", 503, SERVICE_MODBUS, 0, ZONE_NO_CONDUIT, "control"},
        {READING, "10.9.1.1", "10.9.2.1", 502, SERVICE_MODBUS, 0, ZONE_BACKWARDS, "control"},
        {READING, "10.10.0.1", "10.9.1.1", 502, SERVICE_MODBUS, 0, ZONE_NO_CONDUIT, "control"},
        {"- {from: operations, to: outside, protocol: tls, port: 443}\n", "10.10.0.1", "192.0.2.1",
         443, SERVICE_TLS, 0, ZONE_ALLOWED, "operations"},
        {"", "10.10.0.1", "192.0.2.1", 443, SERVICE_TLS, 0, ZONE_NO_CONDUIT, "operations"},
        {"- {from: any, to: operations, protocol: tcp}\n", "10.20.0.1", "10.10.0.1", 9,
         SERVICE_NONE, 0, ZONE_ALLOWED, "operations"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct zones *zones = site(row[i].conduits);
        struct zone_flow f = flow(zones, row[i].orig, row[i].resp, row[i].port, row[i].service);
        struct zone_verdict verdict;
        f.writes = row[i].writes;
        assert_true(zones_judge(zones, &f, &verdict));
        if (verdict.fault != row[i].fault)
            fail_msg("row %zu: fault %d, expected %d", i, verdict.fault, row[i].fault);
        assert_true(verdict.locked);
        assert_string_equal(zones_end_name(zones, verdict.zone), row[i].zone);
        zones_free(zones);
    }
}

#define ASKING(more)                                                                               \
    "- {from: supervision, to: control, protocol: modbus, port: 502, functions: [3, 16]" more "}"  \
    "\n"
#define OBSERVING(more) ASKING(", functions_state: observe" more)

#define LISTING(list)                                                                              \
    "- {from: supervision, to: control, protocol: modbus, port: 502, functions: [" list "], "      \
    "functions_state: locked}\n"

/* What is asked for has to be in the row's list, all of it; a row without a list takes anything. */
static void test_functions(void **state)
{
    (void)state;
    static const struct {
        const char *conduits;
        uint16_t code[3];
        uint16_t more;
        uint32_t writes;
        enum zone_fault fault;
        uint16_t functions, function;
    } row[] = {
        {ASKING(""), {3}, 0, 0, ZONE_ALLOWED, 0, 0},
        {ASKING(""), {3, 16}, 0, 1, ZONE_ALLOWED, 0, 0},
        {ASKING(""), {0}, 0, 0, ZONE_ALLOWED, 0, 0},
        {ASKING(""), {3, 5}, 0, 1, ZONE_FUNCTION, 1, 5},
        {ASKING(""), {3, 8, 5}, 0, 1, ZONE_FUNCTION, 2, 5},
        {ASKING(""), {3}, 1, 0, ZONE_FUNCTION, 0, 0},
        {READING, {3, 8}, 1, 0, ZONE_ALLOWED, 0, 0},
        {ASKING("") READING, {8}, 0, 0, ZONE_ALLOWED, 0, 0},
        {ASKING(", access: read"), {5, 8}, 0, 1, ZONE_WRITE, 2, 5},
        {ASKING(", access: read"), {16}, 0, 1, ZONE_WRITE, 0, 0},
        {READING, {5}, 0, 1, ZONE_WRITE, 0, 0},
        {ASKING(", writers: [10.9.2.9]"), {5}, 0, 1, ZONE_WRITER, 1, 5},
        /* a list that is only observed: what it lacks is drift, and what is against it as ever */
        {OBSERVING(""), {3, 5}, 0, 1, ZONE_DRIFT, 1, 5},
        {OBSERVING(""), {3}, 1, 0, ZONE_DRIFT, 0, 0},
        {ASKING(", functions_state: locked"), {8}, 0, 0, ZONE_FUNCTION, 1, 8},
        {OBSERVING(", access: read"), {5, 8}, 0, 1, ZONE_WRITE, 2, 5},
        {OBSERVING(", writers: [10.9.2.9]"), {5}, 0, 1, ZONE_WRITER, 1, 5},
        {OBSERVING(""), {16}, 0, 1, ZONE_ALLOWED, 0, 0},
        {ASKING("") OBSERVING(""), {8, 9}, 0, 0, ZONE_DRIFT, 2, 8},
        {LISTING("3, 8") OBSERVING(""), {8, 9}, 0, 0, ZONE_DRIFT, 2, 8},
        {LISTING("8") OBSERVING(""), {8}, 0, 0, ZONE_ALLOWED, 0, 0},
        /* of two lists the one that lacks least, wherever it stands */
        {LISTING("1, 2") LISTING("3, 5") LISTING("1, 4"), {3, 5, 8}, 0, 0, ZONE_FUNCTION, 1, 8},
        /* the mildest of two rows */
        {ASKING("") ASKING(", access: read"), {5}, 0, 1, ZONE_FUNCTION, 1, 5},
        {"- {from: supervision, to: control, protocol: tcp, port: 502}\n" ASKING(""),
         {8},
         0,
         0,
         ZONE_ALLOWED,
         0,
         0},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct zones *zones = site(row[i].conduits);
        struct zone_flow f = flow(zones, "10.9.2.1", "10.9.1.1", 502, SERVICE_MODBUS);
        struct zone_verdict verdict;
        for (size_t n = 0; n < 3 && row[i].code[n]; n++)
            function_set_add(&f.functions, row[i].code[n]);
        f.functions.more = row[i].more;
        f.writes = row[i].writes;
        assert_true(zones_judge(zones, &f, &verdict));
        if (verdict.fault != row[i].fault)
            fail_msg("row %zu: fault %d, expected %d", i, verdict.fault, row[i].fault);
        assert_int_equal(verdict.functions, row[i].functions);
        assert_int_equal(verdict.function, row[i].function);
        zones_free(zones);
    }
}

/* Told with its name; each further one is told again; to the outside, where the conduit names the
 * protocol, it is the function that is wrong. */
static void test_a_function_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *resp;
        uint16_t code[3];
        uint32_t writes;
        const char *says, *technique;
    } row[] = {
        {"10.9.1.1",
         {5},
         1,
         "502 of 10.9.1.1 (control, level 1): function 5 (write single coil) was "
         "never allowed here",
         "T0855"},
        {"10.9.1.1", {3, 99}, 0, "function 99 was never allowed here", "T0801"},
        {"10.9.1.1", {8, 5, 3}, 1, "function 5 (write single coil) and 1 more were", "T0855"},
        /* a write that is listed is no more than it was */
        {"10.9.1.1", {16, 8}, 1, "function 8 (diagnostics) was never", "T0855"},
        {"192.0.2.1", {8}, 0, "function 8 (diagnostics) was never", "T0882"},
    };
    double before = 0;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct zones *zones =
            site(ASKING("") "- {from: supervision, to: outside, protocol: modbus, "
                            "functions: [3], functions_state: locked}\n");
        struct zoned_flow zoned = {.zones = zones};
        struct finding finding[JUDGE_FINDINGS];
        zoned.flow = flow(zones, "10.9.2.1", row[i].resp, 502, SERVICE_MODBUS);
        for (size_t n = 0; n < 3 && row[i].code[n]; n++)
            function_set_add(&zoned.flow.functions, row[i].code[n]);
        zoned.flow.writes = row[i].writes;
        assert_true(zones_judge(zones, &zoned.flow, &zoned.verdict));
        zoned.functions = zoned.verdict.functions; /* the story is this flow */
        zoned.wrote = zoned.verdict.wrote;
        struct subject subject = {.kind = SUBJECT_ZONE, .zoned = &zoned};
        assert_int_equal(judge(&subject, finding), 1);
        assert_string_equal(finding->detector->id, "zone.conduit");
        assert_string_equal(finding->reason[0].code, "zone.conduit.function");
        if (!strstr(finding->reason[0].text, row[i].says))
            fail_msg("row %zu: %s", i, finding->reason[0].text);
        assert_string_equal(finding_technique(finding).technique, row[i].technique);
        if (i == 0)
            before = finding->evidence;
        if (i == 2)
            assert_true(finding->evidence > 1.3 * before);
        assert_int_equal(zoned.verdict.wrote, row[i].code[0] == 5 || row[i].code[1] == 5);
        zones_free(zones);
    }
}

static double evidence_of(const struct zoned_flow *zoned)
{
    struct finding finding[JUDGE_FINDINGS];
    struct subject subject = {.kind = SUBJECT_ZONE, .zoned = zoned};
    assert_int_equal(judge(&subject, finding), 1);
    return finding->evidence;
}

/* What the story adds is told again: the first function beside another fault of its, a write, and
 * each power of ten of what is beyond those that are kept. */
static void test_what_raises(void **state)
{
    (void)state;
    struct zones *zones = site(ASKING(", access: read"));
    struct zoned_flow zoned = {.zones = zones};
    zoned.flow = flow(zones, "10.9.2.1", "10.9.1.1", 502, SERVICE_MODBUS);
    function_set_add(&zoned.flow.functions, 8);
    assert_true(zones_judge(zones, &zoned.flow, &zoned.verdict));
    const struct {
        bool wrote;
        uint16_t functions, beyond;
    } row[] = {{false, 0, 0}, {true, 0, 0},  {true, 1, 0},   {true, 2, 0},
               {true, 32, 0}, {true, 32, 1}, {true, 32, 10}, {true, 32, 60000}};
    double before = 0;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        zoned.wrote = row[i].wrote;
        zoned.functions = row[i].functions;
        zoned.beyond = row[i].beyond;
        assert_true(evidence_of(&zoned) > 1.3 * before);
        before = evidence_of(&zoned);
    }
    zoned.beyond = 60001;
    assert_true(evidence_of(&zoned) == before);
    zones_free(zones);
}

/* Written to although it is for reading: the function is named beside it. */
static void test_a_write_says_its_function(void **state)
{
    (void)state;
    struct zones *zones = site(ASKING(", access: read"));
    struct zoned_flow zoned = {.zones = zones};
    struct finding finding[JUDGE_FINDINGS];
    zoned.flow = flow(zones, "10.9.2.1", "10.9.1.1", 502, SERVICE_MODBUS);
    zoned.flow.writes = 1;
    function_set_add(&zoned.flow.functions, 16);
    struct subject subject = {.kind = SUBJECT_ZONE, .zoned = &zoned};
    assert_true(zones_judge(zones, &zoned.flow, &zoned.verdict));
    assert_int_equal(judge(&subject, finding), 1);
    assert_non_null(strstr(finding->reason[0].text, "for reading, and it wrote"));
    assert_null(strstr(finding->reason[0].text, "function"));
    function_set_add(&zoned.flow.functions, 5);
    assert_true(zones_judge(zones, &zoned.flow, &zoned.verdict));
    assert_int_equal(judge(&subject, finding), 1);
    assert_string_equal(finding->reason[0].code, "zone.conduit.write");
    assert_non_null(strstr(finding->reason[0].text,
                           "and it wrote; function 5 (write single coil) was never allowed here"));
    zones_free(zones);
}

/* Too little was said to know what it is. */
static void test_young(void **state)
{
    (void)state;
    struct zones *zones = site(READING);
    struct zone_verdict verdict;
    struct zone_flow f = flow(zones, "10.9.2.1", "10.9.1.1", 502, SERVICE_NONE);
    f.payload_bytes[SIDE_ORIG] = 12;
    f.payload_bytes[SIDE_RESP] = 0;
    assert_true(zones_judge(zones, &f, &verdict));
    assert_int_equal(verdict.fault, ZONE_ALLOWED);
    zones_free(zones);
}

/* What has ended will say no more: then it is another protocol, unless it may have been a beginning
 * that several have, or its own was not seen. */
static void test_ended(void **state)
{
    (void)state;
    static const struct {
        uint8_t proto;
        bool certain, ended;
        uint64_t payload;
        enum service names;
        enum zone_fault fault;
    } row[] = {
        {6, true, true, 900, SERVICE_MODBUS, ZONE_OTHER_PROTOCOL},
        {6, true, false, 900, SERVICE_MODBUS, ZONE_ALLOWED},
        {6, false, true, 900, SERVICE_MODBUS, ZONE_ALLOWED},
        {6, true, true, 64, SERVICE_MODBUS, ZONE_ALLOWED},
        {6, true, true, 65, SERVICE_MODBUS, ZONE_OTHER_PROTOCOL},
        {6, true, true, 0, SERVICE_MODBUS, ZONE_ALLOWED},
        {6, false, true, 1100, SERVICE_MODBUS, ZONE_OTHER_PROTOCOL},
        {17, false, true, 900, SERVICE_BACNET, ZONE_OTHER_PROTOCOL}, /* no datagram of it was */
        {17, false, true, 900, SERVICE_QUIC, ZONE_ALLOWED},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char text[120];
        snprintf(text, sizeof text, "- {from: supervision, to: control, protocol: %s, port: 502}\n",
                 service_name[row[i].names]);
        struct zones *zones = site(text);
        struct zone_verdict verdict;
        struct zone_flow f = flow(zones, "10.9.2.1", "10.9.1.1", 502, SERVICE_NONE);
        f.proto = row[i].proto;
        f.certain = row[i].certain;
        f.ended = row[i].ended;
        f.payload_bytes[SIDE_ORIG] = row[i].payload;
        f.payload_bytes[SIDE_RESP] = 0;
        assert_true(zones_judge(zones, &f, &verdict));
        if (verdict.fault != row[i].fault)
            fail_msg("row %zu: fault %d", i, verdict.fault);
        zones_free(zones);
    }
}

/* Who opened was guessed: it may have been the other side. */
static void test_uncertain(void **state)
{
    (void)state;
    struct zones *zones = site(WRITING);
    struct zone_verdict verdict;
    struct zone_flow f = flow(zones, "10.9.1.1", "10.9.2.1", 40000, SERVICE_MODBUS);
    f.orig_port = 502;
    f.writes = 1;
    assert_true(zones_judge(zones, &f, &verdict));
    assert_int_not_equal(verdict.fault, ZONE_ALLOWED);
    f.certain = false;
    assert_true(zones_judge(zones, &f, &verdict));
    assert_int_equal(verdict.fault, ZONE_ALLOWED);
    zones_free(zones);
}

static void test_no_zone(void **state)
{
    (void)state;
    struct zones *zones = site("");
    struct zone_verdict verdict;
    struct zone_flow f = flow(zones, "10.30.0.1", "192.0.2.1", 443, SERVICE_TLS);
    assert_false(zones_judge(zones, &f, &verdict));
    f = flow(zones, "10.20.0.1", "192.0.2.1", 443, SERVICE_TLS);
    assert_true(zones_judge(zones, &f, &verdict));
    assert_false(verdict.locked); /* the office is only observed */
    zones_free(zones);
}

/* --- what is told ----------------------------------------------------------------------------- */

static void test_told(void **state)
{
    (void)state;
    static const struct {
        const char *orig, *resp;
        uint16_t port;
        enum service service;
        uint32_t writes;
        uint64_t payload;
        const char *id, *technique;
        int score;
    } row[] = {
        /* an engineering station opens HTTPS */
        {"10.10.0.5", "192.0.2.1", 443, SERVICE_TLS, 0, 900, "zone.conduit", "T0869", 100},
        /* nobody answers it */
        {"10.10.0.5", "192.0.2.1", 443, SERVICE_NONE, 0, 0, "zone.conduit", "T0882", 60},
        /* the outside opens */
        {"192.0.2.1", "10.9.1.1", 22, SERVICE_SSH, 0, 900, "zone.conduit", "T0883", 100},
        /* Modbus leaves, or is written from outside */
        {"10.9.1.1", "192.0.2.1", 9999, SERVICE_MODBUS, 0, 900, "zone.payload", "T0882", 100},
        {"192.0.2.1", "10.9.1.1", 502, SERVICE_MODBUS, 2, 900, "zone.payload", "T0855", 100},
        {"10.20.0.1", "10.9.1.1", 502, SERVICE_MODBUS, 0, 900, "zone.payload", "T0882", 90},
        /* a new master writes, and a new reader reads */
        {"10.9.2.9", "10.9.1.1", 502, SERVICE_MODBUS, 1, 900, "zone.conduit", "T0855", 100},
        {"10.9.2.9", "10.9.1.1", 502, SERVICE_MODBUS, 0, 900, "zone.conduit", "T0801", 100},
        /* within one zone */
        {"10.9.1.2", "10.9.1.1", 502, SERVICE_MODBUS, 1, 900, "zone.conduit", "T0855", 90},
        {"10.9.1.2", "10.9.1.1", 22, SERVICE_SSH, 0, 900, "zone.conduit", "T0886", 75},
        /* into the zone from the site, out of it into the site */
        {"10.30.0.1", "10.9.1.1", 22, SERVICE_SSH, 0, 900, "zone.conduit", "T0886", 100},
        {"10.9.1.1", "10.30.0.1", 21, SERVICE_FTP, 0, 900, "zone.conduit", "T0882", 100},
        /* a zone that is only observed, and one that speaks with nobody it should not */
        {"10.20.0.1", "192.0.2.1", 443, SERVICE_TLS, 0, 900, NULL, NULL, 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct zones *zones = site("");
        struct zoned_flow zoned = {.zones = zones};
        struct finding finding[JUDGE_FINDINGS];
        zoned.flow = flow(zones, row[i].orig, row[i].resp, row[i].port, row[i].service);
        zoned.flow.writes = row[i].writes;
        zoned.flow.payload_bytes[SIDE_ORIG] = row[i].payload;
        zoned.flow.payload_bytes[SIDE_RESP] = 0;
        assert_true(zones_judge(zones, &zoned.flow, &zoned.verdict));
        struct subject subject = {.kind = SUBJECT_ZONE, .zoned = &zoned};
        assert_int_equal(judge(&subject, finding), row[i].id ? 1 : 0);
        if (row[i].id) {
            assert_string_equal(finding->detector->id, row[i].id);
            if (strcmp(finding_technique(finding).technique, row[i].technique) != 0)
                fail_msg("row %zu: %s", i, finding_technique(finding).technique);
            if (strcmp(row[i].technique, "T0882") == 0) /* in the ICS matrix an impact */
                assert_string_equal(finding_technique(finding).tactic, "TA0105");
            assert_int_equal(finding->score, row[i].score);
            assert_int_equal(finding->urgency,
                             row[i].score >= URGENT_SCORE ? URGENCY_NOW : URGENCY_SHIFT);
            assert_non_null(strstr(finding->reason[0].text, row[i].orig));
        }
        zones_free(zones);
    }
}

/* A conduit has to name the protocol of plants that may leave. */
static void test_payload_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *conduits;
        size_t found;
    } row[] = {{"- {from: control, to: outside, protocol: asterix}\n", 0},
               {"- {from: control, to: outside, protocol: udp}\n", 1},
               /* whatever stands first */
               {"- {from: control, to: outside, protocol: udp}\n"
                "- {from: control, to: outside, protocol: asterix}\n",
                0},
               {"- {from: control, to: outside, protocol: asterix}\n"
                "- {from: control, to: outside, protocol: udp}\n",
                0},
               {"- {from: control, to: outside, protocol: udp}\n"
                "- {from: any, to: outside, protocol: asterix, port: 8600}\n",
                0},
               {"- {from: control, to: outside, protocol: udp}\n"
                "- {from: control, to: outside, protocol: modbus}\n",
                1}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct zones *zones = site(row[i].conduits);
        struct zoned_flow zoned = {.zones = zones};
        struct finding finding[JUDGE_FINDINGS];
        zoned.flow = flow(zones, "10.9.1.1", "192.0.2.1", 8600, SERVICE_ASTERIX);
        zoned.flow.proto = 17;
        assert_true(zones_judge(zones, &zoned.flow, &zoned.verdict));
        struct subject subject = {.kind = SUBJECT_ZONE, .zoned = &zoned};
        assert_int_equal(judge(&subject, finding), row[i].found);
        zones_free(zones);
    }
}

/* A list that lacks what is asked for: where the zone is not locked, zone.conduit is silent, and
 * what never belongs outside is told. */
static void test_payload_functions(void **state)
{
    (void)state;
    static const struct {
        enum zone_state state;
        const char *list;
        uint16_t code;
        const char *id;
    } row[] = {{ZONE_LOCKED, "locked", 3, NULL},  {ZONE_LOCKED, "locked", 8, "zone.conduit"},
               {ZONE_OBSERVE, "locked", 3, NULL}, {ZONE_OBSERVE, "locked", 8, "zone.payload"},
               {ZONE_LOCKED, "observe", 8, NULL}, {ZONE_OBSERVE, "observe", 8, NULL}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char text[120];
        snprintf(text, sizeof text,
                 "- {from: outside, to: control, protocol: modbus, functions: [3], "
                 "functions_state: %s}\n",
                 row[i].list);
        struct zones *zones = site(text);
        struct zoned_flow zoned = {.zones = zones};
        struct finding finding[JUDGE_FINDINGS];
        zones->zone[0].state = row[i].state;
        zoned.flow = flow(zones, "192.0.2.1", "10.9.1.1", 502, SERVICE_MODBUS);
        function_set_add(&zoned.flow.functions, row[i].code);
        assert_true(zones_judge(zones, &zoned.flow, &zoned.verdict));
        struct subject subject = {.kind = SUBJECT_ZONE, .zoned = &zoned};
        assert_int_equal(judge(&subject, finding), row[i].id ? 1 : 0);
        if (row[i].id)
            assert_string_equal(finding->detector->id, row[i].id);
        zones_free(zones);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_prefix),
        cmocka_unit_test(test_refused_zones),
        cmocka_unit_test(test_all_of_a_family),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_judged),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_a_function_is_told),
        cmocka_unit_test(test_what_raises),
        cmocka_unit_test(test_a_write_says_its_function),
        cmocka_unit_test(test_young),
        cmocka_unit_test(test_ended),
        cmocka_unit_test(test_uncertain),
        cmocka_unit_test(test_no_zone),
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_payload_allowed),
        cmocka_unit_test(test_payload_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
