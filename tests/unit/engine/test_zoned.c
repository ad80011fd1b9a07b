/* What was seen to pass between zones: rows, their figures, and that they outlive a restart, by the
 * names of zones. */
#include "../../../sensor/engine/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct zones *zones_of(const char *const *name, size_t count)
{
    struct zones *zones = zones_new();
    for (size_t i = 0; i < count; i++)
        assert_non_null(zones_add(zones, name[i], NULL));
    return zones;
}

static struct ip address(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return ip;
}

static struct zone_flow flow_of(uint8_t from, uint8_t to, uint32_t writes)
{
    return (struct zone_flow){.from = from,
                              .to = to,
                              .orig = address("10.1.0.1"),
                              .resp = address("10.2.0.1"),
                              .orig_port = 40000,
                              .resp_port = 502,
                              .proto = 6,
                              .service = SERVICE_MODBUS,
                              .reads = 3,
                              .writes = writes,
                              .payload_bytes = {10, 20},
                              .certain = true};
}

static const struct conduit_seen *row_at(const struct zoned *zoned, size_t at)
{
    const struct map_entry **entry = map_sorted(&zoned->rows);
    assert_true(at < zoned->rows.count);
    const struct zoned_row *row = entry[at]->value;
    free(entry);
    return &row->seen;
}

static void test_rows(void **state)
{
    static const char *const name[] = {"a", "b"};
    struct zones *zones = zones_of(name, 2);
    struct zoned zoned;
    struct record_flow record = {.start_ns = 100, .last_ns = 200, .end = FLOW_OPEN};
    (void)state;
    zoned_init(&zoned, zones);
    struct zone_flow flow = flow_of(0, 1, 2);
    assert_true(zoned_note(&zoned, &record, &flow)); /* who writes is known, its sums are not */
    assert_int_equal(row_at(&zoned, 0)->flows, 0);
    assert_int_equal(row_at(&zoned, 0)->writer_count, 1);
    record.end = FLOW_END_CLOSED;
    record.last_ns = 900;
    assert_true(zoned_note(&zoned, &record, &flow));
    /* the other way round, and who opened was not seen: the same row */
    flow = (struct zone_flow){.from = 1,
                              .to = 0,
                              .orig = address("10.2.0.1"),
                              .resp = address("10.1.0.1"),
                              .orig_port = 502,
                              .resp_port = 40001,
                              .proto = 6,
                              .service = SERVICE_MODBUS,
                              .writes = 1,
                              .payload_bytes = {7, 5}};
    assert_true(zoned_note(&zoned, &record, &flow));
    assert_int_equal(zoned.rows.count, 1);
    const struct conduit_seen *row = row_at(&zoned, 0);
    assert_int_equal(row->flows, 2);
    assert_int_equal(row->writes, 3);
    assert_int_equal(row->writer_count, 1);
    assert_int_equal(row->bytes[SIDE_ORIG], 15);
    assert_int_equal(row->bytes[SIDE_RESP], 27);
    assert_int_equal(row->first_ns, 100);
    assert_int_equal(row->last_ns, 900);
    assert_true(row->certain);
    flow.certain = true; /* it was: another one */
    assert_true(zoned_note(&zoned, &record, &flow));
    assert_int_equal(zoned.rows.count, 2);
    zoned_fini(&zoned);
    zones_free(zones);
}

/* What was asked for is known from a flow's first record on; in how many flows, when they end. */
static void test_functions(void **state)
{
    static const char *const name[] = {"a", "b"};
    struct zones *zones = zones_of(name, 2);
    struct zoned zoned;
    struct record_flow record = {.end = FLOW_OPEN};
    struct zone_flow flow = flow_of(0, 1, 0);
    (void)state;
    zoned_init(&zoned, zones);
    flow.functions = (struct function_set){.code = {3, 16}, .count = 2};
    assert_true(zoned_note(&zoned, &record, &flow));
    const struct conduit_seen *row = row_at(&zoned, 0);
    assert_int_equal(row->function_count, 2);
    assert_int_equal(row->function[1].code, 16);
    assert_int_equal(row->function[1].flows, 0);
    record.end = FLOW_END_CLOSED;
    assert_true(zoned_note(&zoned, &record, &flow));
    flow.functions = (struct function_set){.code = {1, 16}, .count = 2};
    assert_true(zoned_note(&zoned, &record, &flow));
    assert_int_equal(row->function_count, 3);
    assert_int_equal(row->function[0].code, 1);
    assert_int_equal(row->function[1].code, 3);
    assert_int_equal(row->function[1].flows, 1);
    assert_int_equal(row->function[2].flows, 2);
    for (uint16_t code = 100; code < 100 + FUNCTIONS_MAX; code++) { /* three find no room */
        flow.functions = (struct function_set){.code = {code}, .count = 1};
        assert_true(zoned_note(&zoned, &record, &flow));
    }
    assert_int_equal(row->function_count, FUNCTIONS_MAX);
    assert_int_equal(row->function[FUNCTIONS_MAX - 1].code, 100 + FUNCTIONS_MAX - 4);
    assert_int_equal(row->more_functions, 3);
    zoned_fini(&zoned);
    zones_free(zones);
}

/* Who is asked fills no row, in one flow or in many: each that the client asks for finds room. */
static void test_functions_of_who_is_asked(void **state)
{
    static const char *const name[] = {"a", "b"};
    struct zones *zones = zones_of(name, 2);
    struct zoned zoned;
    struct record_flow record = {.end = FLOW_END_CLOSED};
    (void)state;
    zoned_init(&zoned, zones);
    for (uint16_t code = 100; code < 100 + FUNCTIONS_MAX + 1; code++) {
        struct zone_flow flow = flow_of(0, 1, 0);
        flow.functions = (struct function_set){.code = {code}, .count = 1, .back = 1};
        assert_true(zoned_note(&zoned, &record, &flow));
    }
    const struct conduit_seen *row = row_at(&zoned, 0);
    assert_int_equal(row->function_count, FUNCTIONS_MAX);
    assert_int_equal(row->more_functions, 0);
    assert_int_equal(row->more_functions_back, 1);
    struct zone_flow flow = flow_of(0, 1, 0);
    flow.functions = (struct function_set){.code = {3, 101}, .count = 2};
    assert_true(zoned_note(&zoned, &record, &flow));
    assert_int_equal(row->function_count, FUNCTIONS_MAX);
    assert_int_equal(row->function[0].code, 3);
    assert_false(row->function[0].back);
    assert_true(row->function[1].back);
    assert_int_equal(row->function[2].code, 101);
    assert_false(row->function[2].back); /* both ask for it */
    assert_int_equal(row->function[2].flows, 2);
    assert_int_equal(row->more_functions, 0);
    assert_int_equal(row->more_functions_back, 2);
    zoned_fini(&zoned);
    zones_free(zones);
}

/* Who opened was not seen, and no row is there: the matrix says which way round it is, as it does
 * when the flow is judged. */
static void test_matrix_says(void **state)
{
    static const char matrix[] = "- {from: a, to: b, protocol: tcp, port: 5000}\n";
    static const char *const name[] = {"a", "b"};
    struct zones *zones = zones_of(name, 2);
    struct zoned zoned;
    struct record_flow record = {.end = FLOW_END_CLOSED};
    struct zone_verdict verdict;
    (void)state;
    assert_int_equal(zones_load_conduits(zones, "c", matrix, sizeof matrix - 1, NULL), 0);
    zoned_init(&zoned, zones);
    struct zone_flow flow = flow_of(1, 0, 0);
    flow.service = SERVICE_NONE;
    flow.certain = false;
    flow.orig_port = 5000;
    flow.resp_port = 45000;
    assert_true(zones_judge(zones, &flow, &verdict));
    assert_int_equal(verdict.fault, ZONE_ALLOWED);
    assert_true(zoned_note(&zoned, &record, &flow));
    const struct conduit_seen *row = row_at(&zoned, 0);
    assert_int_equal(row->from, 0);
    assert_int_equal(row->to, 1);
    assert_int_equal(row->port, 5000);
    assert_false(row->certain);
    assert_int_equal(row->bytes[SIDE_ORIG], 20);
    flow.certain = true; /* then it is what it is */
    assert_true(zoned_note(&zoned, &record, &flow));
    assert_int_equal(zoned.rows.count, 2);
    zoned_fini(&zoned);
    zones_free(zones);
}

static void fill(struct zoned *zoned, struct zone_flow *flow, uint32_t from, uint32_t until)
{
    struct record_flow record = {.end = FLOW_END_CLOSED};
    for (uint32_t port = from; port < until; port++) {
        flow->resp_port = (uint16_t)port;
        assert_true(zoned_note(zoned, &record, flow));
    }
}

static bool has_port(const struct zoned *zoned, uint16_t port)
{
    size_t position = 0;
    for (const struct map_entry *entry; (entry = map_next(&zoned->rows, &position)) != NULL;)
        if (((const struct zoned_row *)entry->value)->seen.port == port)
            return true;
    return false;
}

static void test_bound(void **state)
{
    static const char *const name[] = {"a", "b"};
    struct zones *zones = zones_of(name, 2);
    struct zoned zoned;
    struct record_flow record = {.end = FLOW_END_CLOSED};
    struct zone_flow flow = flow_of(0, 1, 0);
    (void)state;
    zoned_init(&zoned, zones);
    fill(&zoned, &flow, 0, ZONED_ROWS);
    flow.resp_port = (uint16_t)ZONED_ROWS;
    assert_false(zoned_note(&zoned, &record, &flow));
    flow.payload_bytes[SIDE_ORIG] = flow.payload_bytes[SIDE_RESP] = 0;
    assert_false(zoned_note(&zoned, &record, &flow));
    flow.resp_port = 0; /* one that is there goes on, and stays what it was */
    assert_true(zoned_note(&zoned, &record, &flow));
    flow.resp_port = (uint16_t)ZONED_ROWS;
    assert_false(zoned_note(&zoned, &record, &flow));
    assert_int_equal(zoned.given_way, 0);
    zoned_fini(&zoned);
    zones_free(zones);
}

/* A port scan ends nothing: what was only tried gives way, the one touched longest ago first; also
 * after a restart. */
static void test_scan(void **state)
{
    static const char *const name[] = {"a", "b"};
    struct zones *zones = zones_of(name, 2);
    struct zoned zoned, again;
    struct zone_flow carried = flow_of(0, 1, 0), tried = flow_of(0, 1, 0);
    struct buffer bytes = {0};
    (void)state;
    zoned_init(&zoned, zones);
    zoned_init(&again, zones);
    tried.service = SERVICE_NONE;
    tried.payload_bytes[SIDE_ORIG] = tried.payload_bytes[SIDE_RESP] = 0;
    fill(&zoned, &carried, 1, 2);
    fill(&zoned, &tried, 1000, 1000 + ZONED_ROWS - 1);
    assert_int_equal(zoned.rows.count, ZONED_ROWS);
    fill(&zoned, &tried, 1000, 1001); /* touched again: 1001 is the oldest now */
    fill(&zoned, &carried, 2, 3);
    assert_int_equal(zoned.rows.count, ZONED_ROWS);
    assert_int_equal(zoned.given_way, 1);
    assert_true(has_port(&zoned, 1) && has_port(&zoned, 2) && has_port(&zoned, 1000));
    assert_false(has_port(&zoned, 1001));
    zoned_pack(&zoned, &bytes);
    struct cursor in = cursor_make(bytes.data, bytes.size);
    assert_true(zoned_unpack(&again, &in));
    assert_int_equal(again.given_way, 1);
    fill(&again, &tried, 20000, 20001);
    assert_false(has_port(&again, 1002));
    assert_true(has_port(&again, 1) && has_port(&again, 1000) && has_port(&again, 1003));
    fill(&again, &tried, 30000, 30000 + ZONED_ROWS); /* all of it, and nothing else */
    assert_int_equal(again.rows.count, ZONED_ROWS);
    assert_true(has_port(&again, 1) && has_port(&again, 2));
    buffer_fini(&bytes);
    zoned_fini(&zoned);
    zoned_fini(&again);
    zones_free(zones);
}

/* Zones in another order, one gone, one new. */
static void test_restart(void **state)
{
    static const char *const before[] = {"a", "b", "gone"}, *const after[] = {"new", "b", "a"};
    struct zones *zones = zones_of(before, 3), *others = zones_of(after, 3);
    struct zoned zoned, again;
    struct record_flow record = {.end = FLOW_END_CLOSED};
    struct zone_flow flow = flow_of(0, 1, 2), outside = flow_of(0, ZONE_OUTSIDE, 0),
                     gone = flow_of(0, 2, 0);
    struct buffer bytes = {0};
    (void)state;
    zoned_init(&zoned, zones);
    zoned_init(&again, others);
    function_set_add(&flow.functions, 16);
    assert_true(zoned_note(&zoned, &record, &flow) && zoned_note(&zoned, &record, &outside) &&
                zoned_note(&zoned, &record, &gone));
    zoned.limit[1][ZONED_TRIED].since.ns = 5;
    struct ruled_rule *limit = &zoned.limit[0][ZONED_STRAYS];
    limit->told = 7;
    for (uint64_t story = 1; story <= 3; story++)
        ruled_may_tell(limit, 7, NS_PER_DAY, story, (struct ptime){INT64_MIN + 1});
    zoned_pack(&zoned, &bytes);
    for (size_t size = 0; size < bytes.size; size++) { /* cut anywhere, it is none */
        struct cursor in = cursor_make(bytes.data, size);
        struct zoned cut;
        zoned_init(&cut, others);
        assert_false(zoned_unpack(&cut, &in));
        zoned_fini(&cut);
    }
    struct cursor in = cursor_make(bytes.data, bytes.size);
    assert_true(zoned_unpack(&again, &in));
    assert_int_equal(cursor_left(&in), 0);
    assert_int_equal(again.rows.count, 2);
    assert_int_equal(row_at(&again, 0)->from, 2);
    assert_int_equal(row_at(&again, 0)->to, 1);
    assert_int_equal(row_at(&again, 0)->writes, 2);
    assert_int_equal(row_at(&again, 0)->function_count, 1);
    assert_int_equal(row_at(&again, 0)->function[0].code, 16);
    assert_int_equal(row_at(&again, 1)->to, ZONE_OUTSIDE);
    assert_int_equal(again.limit[2][ZONED_STRAYS].told, limit->told);
    assert_int_equal(again.limit[1][ZONED_TRIED].since.ns, 5);
    assert_int_equal(again.limit[2][ZONED_STRAYS].stories.count, limit->stories.count);
    buffer_fini(&bytes);
    zoned_fini(&zoned);
    zoned_fini(&again);
    zones_free(zones);
    zones_free(others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                       cmocka_unit_test(test_bound),
                                       cmocka_unit_test(test_matrix_says),
                                       cmocka_unit_test(test_functions),
                                       cmocka_unit_test(test_functions_of_who_is_asked),
                                       cmocka_unit_test(test_scan),
                                       cmocka_unit_test(test_restart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
