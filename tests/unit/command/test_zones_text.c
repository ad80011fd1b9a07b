/* Who writes where a running sensor tells pseudonyms: that something was written is not lost. */
#include "../../../sensor/command/zones_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct zones *make_zones(const char *conduits)
{
    struct error error = {0};
    struct zones *zones = zones_new();
    static const char *const name[] = {"supervision", "control"};
    static const char *const net[] = {"10.9.2.0/24", "10.9.1.0/24"};
    for (int i = 0; i < 2; i++) {
        struct prefix prefix;
        struct zone *zone = zones_add(zones, name[i], &error);
        assert_int_equal(prefix_parse(net[i], &prefix, &error), 0);
        assert_int_equal(zones_add_net(zones, zone, &prefix, &error), 0);
        zone->state = ZONE_LOCKED;
    }
    assert_int_equal(zones_load_conduits(zones, "conduits", conduits, strlen(conduits), &error), 0);
    return zones;
}

static char *proposal(const struct zones *zones, const struct conduit_seen *const *seen,
                      size_t count)
{
    return zones_proposal(zones, seen, count, false);
}

static char *locked_proposal(const struct zones *zones, const struct conduit_seen *const *seen,
                             size_t count)
{
    return zones_proposal(zones, seen, count, true);
}

static void expect(const char *conduits,
                   char *text_of(const struct zones *, const struct conduit_seen *const *, size_t),
                   const char *expected)
{
    const struct conduit_seen row = {.function_count = 3,
                                     .function = {{3, false, 2}, {5, false, 1}, {99, false, 3}},
                                     .from = 0,
                                     .to = 1,
                                     .proto = 6,
                                     .service = SERVICE_MODBUS,
                                     .port = 502,
                                     .more_writers = true,
                                     .flows = 3,
                                     .certain = true,
                                     .writes = 7,
                                     .most_said = 900,
                                     .bytes = {900, 900}};
    const struct conduit_seen *seen[] = {&row};
    struct zones *zones = make_zones(conduits);
    char *text = text_of(zones, seen, 1);
    if (!strstr(text, expected))
        fail_msg("\"%s\" is not in:\n%s", expected, text);
    free(text);
    zones_free(zones);
}

#define CONDUIT "- {from: supervision, to: control, protocol: modbus, port: 502, "

static void test_drift(void **state)
{
    (void)state;
    expect(CONDUIT "access: read}\n", zones_drift_text, "a write where only reads are allowed");
    expect(CONDUIT "access: write}\n", zones_drift_text, " 0 not in the matrix");
    /* whether it was this one is not known */
    expect(CONDUIT "access: write, writers: [10.9.2.1]}\n", zones_drift_text,
           " 0 not in the matrix");
}

static void test_proposal(void **state)
{
    (void)state;
    expect("[]\n", proposal, "access: write\n");
    expect("[]\n", proposal, "note: \"who writes is hidden by pseudonyms");
}

static void test_functions(void **state)
{
    (void)state;
    expect("[]\n", proposal,
           "  functions: [3, 5, 99] # read holding registers, write single coil\n");
    expect("[]\n", locked_proposal, "write single coil\n  functions_state: locked\n  seen: ");
    expect("[]\n", proposal, ", functions: {3: 2, 5: 1, 99: 3}}\n");
    expect(CONDUIT "functions: [3, 5, 99]}\n", zones_drift_text, " 0 not in the matrix");
    expect(CONDUIT "functions: [3]}\n", zones_drift_text,
           ": a new function: 5 (write single coil), 99; 3 flows");
    expect(CONDUIT "functions: [3], functions_state: locked}\n", zones_drift_text,
           ": a new function: 5 (write single coil), 99; 3 flows");
    expect(CONDUIT "functions: [3]}\n", proposal, "  functions: [3, 5, 99] #");
    /* a list that is locked stays so, with what is added beside it */
    expect(CONDUIT "functions: [3]}\n", proposal, "\n  functions_state: locked\n");
    expect(CONDUIT "functions: [3], functions_state: observe}\n", proposal,
           "\n  functions_state: observe\n");
    /* of two rows each function may be in one */
    expect(CONDUIT "functions: [3]}\n" CONDUIT "functions: [5, 99]}\n", zones_drift_text,
           " 0 not in the matrix");
    expect(
        CONDUIT "access: read, functions: [3, 99]}\n", zones_drift_text,
        ": a write where only reads are allowed, a new function: 5 (write single coil); 3 flows");
    /* a function that writes needs a row that may be written */
    expect(CONDUIT "access: read}\n" CONDUIT "writers: [10.9.2.1], functions: [6]}\n",
           zones_drift_text, ": a new function: 5 (write single coil); 3 flows");
    expect(CONDUIT "access: read}\n" CONDUIT "functions: [5]}\n", zones_drift_text,
           " 0 not in the matrix");
}

/* What only the side that is opened to asks for is drift, and in no proposal where it was seen who
 * opens. */
static void test_who_is_asked(void **state)
{
    (void)state;
    struct conduit_seen row = {.function_count = 2,
                               .function = {{3, false, 2}, {5, true, 1}},
                               .from = 0,
                               .to = 1,
                               .proto = 6,
                               .service = SERVICE_MODBUS,
                               .port = 502,
                               .flows = 3,
                               .certain = true,
                               .more_functions_back = 1,
                               .most_said = 900};
    const struct conduit_seen *seen[] = {&row};
    struct zones *zones = make_zones(CONDUIT "functions: [3]}\n");
    char *text = zones_proposal(zones, seen, 1, false);
    assert_non_null(strstr(text, "  functions: [3] # read holding registers\n"));
    assert_non_null(strstr(text, "functions: {3: 2, 5: 1}"));
    assert_non_null(strstr(text, "what only it asks for is not listed\""));
    free(text);
    text = zones_drift_text(zones, seen, 1);
    assert_non_null(strstr(text, "5 (write single coil), more than the 32 that are kept; 3 flows"));
    free(text);
    row.certain = false; /* either may have been the client */
    text = zones_proposal(zones, seen, 1, false);
    assert_non_null(strstr(text, "  functions: [3, 5] #"));
    assert_non_null(strstr(text, "both sides asked"));
    free(text);
    zones_free(zones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drift), cmocka_unit_test(test_proposal),
        cmocka_unit_test(test_functions), cmocka_unit_test(test_who_is_asked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
