/* flows.ndjson: one line a finished flow, in (start, key) order, whole or not at all. */
#include "views.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/investigate/flows.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char folder[64], path[96];
    struct flows *flows;
};

static int set_up(void **state)
{
    static struct place place;
    struct error error = {0};
    strcpy(place.folder, "/tmp/weir-flows-XXXXXX");
    assert_non_null(mkdtemp(place.folder));
    snprintf(place.path, sizeof place.path, "%s/flows.ndjson", place.folder);
    place.flows = flows_open(place.path, &error);
    assert_non_null(place.flows);
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    flows_free(place->flows);
    unlink(place->path);
    assert_int_equal(rmdir(place->folder), 0); /* nothing else was left */
    return 0;
}

static char *finish(struct place *place, size_t *size)
{
    struct error error = {0};
    if (flows_finish(place->flows, &error) != 0)
        fail_msg("%s", error.message);
    FILE *file = fopen(place->path, "re");
    assert_non_null(file);
    struct stat st;
    assert_int_equal(fstat(fileno(file), &st), 0);
    char *text = xcalloc(1, (size_t)st.st_size + 1);
    *size = fread(text, 1, (size_t)st.st_size, file);
    assert_int_equal(*size, st.st_size);
    fclose(file);
    return text;
}

/* One tunnel for both sides; another one back; none back; none any more. */
static void test_tunnels(void **state)
{
    struct place *place = *state;
    struct made made;
    size_t size;
    make_view(&made, SCOPE_OUT, "10.0.0.1", "10.0.0.2", 1000, 20, NULL);
    struct tunnel tunnel = {.orig_ip = make_ip("10.1.1.1"), .resp_ip = make_ip("192.0.2.9")};
    tunnel.count = 1;
    tunnel.layer[0] = LAYER_VXLAN;
    tunnel.id[0] = 42;
    tunnel.resp_port = 4789;
    made.view.tunnel[SIDE_ORIG] = made.view.tunnel[SIDE_RESP] = tunnel;
    made.view.tunnel[SIDE_RESP].id[0] = 43; /* as of a TEID */
    made.view.way.by_tunnel = true;
    flows_add(place->flows, &made.view);
    made.flow->start_ns++;
    made.view.way.by_tunnel = false;
    made.flow->flags |= FLOW_TUNNEL_MOVED;
    made.view.tunnel[SIDE_RESP] = (struct tunnel){.count = 1, .layer = {LAYER_PPPOE}};
    flows_add(place->flows, &made.view);
    made.flow->start_ns++;
    made.flow->flags = 0;
    made.view.tunnel[SIDE_RESP].count = 0;
    flows_add(place->flows, &made.view);
    made.flow->start_ns++;
    made.flow->total[SIDE_RESP].packets = 0; /* nothing came back */
    flows_add(place->flows, &made.view);
    made.flow->start_ns++;
    made.flow->flags = FLOW_TUNNELLED | FLOW_TUNNEL_MOVED; /* out of it, at last */
    made.view.tunnel[SIDE_ORIG].count = 0;
    flows_add(place->flows, &made.view);
    char *text = finish(place, &size), *line[5] = {text};
    for (int i = 1; i < 5; i++)
        line[i] = strchr(line[i - 1], '\n') + 1;
    for (int i = 1; i < 5; i++)
        line[i][-1] = '\0';
#define VXLAN                                                                                      \
    "\"tunnel\":{\"layers\":[{\"type\":\"vxlan\",\"id\":42}],\"orig\":{\"ip\":\"10.1.1.1\"},"      \
    "\"resp\":{\"ip\":\"192.0.2.9\",\"port\":4789}"
    assert_non_null(strstr(line[0], VXLAN ",\"decides\":true},\"community_id\""));
    assert_non_null(strstr(line[1], VXLAN ",\"moved\":true},\"tunnel_back\":{\"layers\":[{\"type\":"
                                          "\"pppoe\",\"id\":0}],\"moved\":true},"));
    assert_non_null(strstr(line[2], VXLAN "},\"tunnel_back\":null,\"community_id\""));
    assert_non_null(strstr(line[3], VXLAN "},\"community_id\""));
    assert_non_null(strstr(line[4], "\"tunnel\":{\"moved\":true},\"community_id\""));
    free(text);
}

static void test_one_line(void **state)
{
    struct place *place = *state;
    struct made made;
    size_t size;
    make_view(&made, SCOPE_OUT, "128.232.110.120", "66.35.250.204", 1000, 20, "example.jp");
    struct record_flow *flow = made.flow;
    flow->key.orig_port = 34855; /* the example of the Community ID specification */
    flow->key.resp_port = 80;
    flow->key.vlan = 7;
    flow->start_ns = INT64_C(1772413447201000001);
    flow->last_ns = INT64_C(1772413448000000000);
    flow->total[SIDE_ORIG] = (struct side_counts){1, 2, 3, 1000, 5, 6, 7};
    flow->service = SERVICE_TLS;
    flow->flags = FLOW_HAS_JA3 | FLOW_ORIG_BY_SYN | FLOW_ORIG_BY_PORT;
    flow->client = (struct client_claim){
        .ip = make_ip("203.0.113.7"), .port = 4711, .by = CLIENT_FORWARDED, .changes = 2};
    memset(flow->ja3, 0xab, sizeof flow->ja3);
    strcpy(made.view.text[TEXT_SERVER_NAME], "www.example.jp");
    strcpy(made.view.text[TEXT_QUESTION], "q\"\\.jp");
    flows_add(place->flows, &made.view);
    char *text = finish(place, &size);
    assert_string_equal(
        text,
        "{\"start\":\"2026-03-02T01:04:07.201000001Z\",\"end\":\"2026-03-02T01:04:08.000000000Z\","
        "\"proto\":\"tcp\","
        "\"orig\":{\"ip\":\"128.232.110.120\",\"port\":34855,\"packets\":1,\"wire_bytes\":2,"
        "\"ip_bytes\":3,\"payload_bytes\":1000,\"missing_bytes\":5,\"acked_bytes\":6,"
        "\"retransmitted_bytes\":7},"
        "\"resp\":{\"ip\":\"66.35.250.204\",\"port\":80,\"packets\":5,\"wire_bytes\":290,"
        "\"ip_bytes\":220,\"payload_bytes\":20,\"missing_bytes\":0,\"acked_bytes\":0,"
        "\"retransmitted_bytes\":0},"
        "\"vlan\":7,\"community_id\":\"1:LQU9qZlK+B5F3KDmev6m5PMibrg=\",\"service\":\"tls\","
        "\"server_name\":\"www.example.jp\",\"dns\":\"q\\\"\\\\.jp\","
        "\"ja3\":\"abababababababababababababababab\",\"client\":{\"ip\":\"203.0.113.7\",\"port\":"
        "4711,\"by\":"
        "\"forwarded\",\"changes\":2},"
        "\"initiator\":\"inside\",\"orig_by\":\"syn\",\"scope\":\"out\","
        "\"end_reason\":\"closed\"}\n");
    free(text);
}

/* Times before 1970 too: the second goes down, the fraction up. */
static void test_before_1970(void **state)
{
    struct place *place = *state;
    struct made made;
    size_t size;
    make_view(&made, SCOPE_IN, "203.0.113.9", "10.0.0.1", 1, 1, NULL);
    made.flow->start_ns = -1;
    made.flow->last_ns = -NS_PER_S;
    flows_add(place->flows, &made.view);
    char *text = finish(place, &size);
    assert_non_null(strstr(text, "\"start\":\"1969-12-31T23:59:59.999999999Z\""));
    assert_non_null(strstr(text, "\"end\":\"1969-12-31T23:59:59.000000000Z\""));
    assert_non_null(
        strstr(text, "\"initiator\":\"outside\",\"orig_by\":\"order\",\"scope\":\"in\""));
    free(text);
}

/* Progress is no flow. */
static void test_only_ends(void **state)
{
    struct place *place = *state;
    struct made made;
    size_t size;
    make_view(&made, SCOPE_OUT, "10.0.0.1", "198.51.100.1", 1, 1, NULL);
    made.flow->end = FLOW_OPEN;
    flows_add(place->flows, &made.view);
    char *text = finish(place, &size);
    assert_int_equal(size, 0); /* and a file without flows is there, and empty */
    free(text);
}

/* Flows end in any order; the file is by start, then key, then arrival. */
static void test_order(void **state)
{
    struct place *place = *state;
    enum { FLOWS = 3000 };
    struct made made;
    unsigned seed = 42;
    size_t size, lines = 0;
    struct ip last_ip = {{0}};
    char last[64] = "";
    for (int i = 0; i < FLOWS; i++) {
        make_view(&made, SCOPE_OUT, "10.0.0.1", "198.51.100.1", (uint64_t)i, 1, NULL);
        made.flow->start_ns = START + rand_r(&seed) % 300 * NS_PER_MS;
        made.flow->key.orig_ip.byte[15] = (uint8_t)(rand_r(&seed) % 5);
        flows_add(place->flows, &made.view);
    }
    assert_int_equal(access(place->path, F_OK), -1); /* not before it is whole */
    char *text = finish(place, &size), *rest = text;
    int64_t last_arrival = -1;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line; lines++) {
        struct json_value *root = json_parse(line, strlen(line), NULL);
        assert_non_null(root);
        const struct json_value *orig = json_get(root, "orig");
        const char *start = json_text(json_get(root, "start"));
        struct ip ip = make_ip(json_text(json_get(orig, "ip")));
        int64_t arrival = 0;
        assert_true(json_whole(json_get(orig, "payload_bytes"), &arrival));
        int order = strcmp(last, start);
        if (order == 0)
            order = ip_compare(&last_ip, &ip);
        if (order == 0)
            order = last_arrival < arrival ? -1 : 1;
        assert_true(order < 0);
        snprintf(last, sizeof last, "%s", start);
        last_ip = ip;
        last_arrival = arrival;
        json_value_free(root);
    }
    assert_int_equal(lines, FLOWS);
    free(text);
}

/* A write that failed is said at the end, by name, and nothing is left. */
static void test_a_disk_that_is_full(void **state)
{
    struct place *place = *state;
    struct error error = {0};
    struct made made;
    char spool[120];
    flows_free(place->flows);
    snprintf(spool, sizeof spool, "%s.spool", place->path);
    assert_int_equal(symlink("/dev/full", spool), 0);
    place->flows = flows_open(place->path, &error);
    assert_non_null(place->flows);
    make_view(&made, SCOPE_OUT, "10.0.0.1", "198.51.100.1", 1, 1, NULL);
    for (int i = 0; i < 1000; i++)
        flows_add(place->flows, &made.view);
    assert_int_equal(flows_finish(place->flows, &error), -1);
    assert_int_equal(error.code, ERROR_RUN);
    assert_non_null(strstr(error.message, "flows.ndjson"));
    assert_non_null(strstr(error.message, "No space left on device"));
    assert_int_equal(access(place->path, F_OK), -1);
}

static void test_a_folder_that_is_not_there(void **state)
{
    struct error error = {0};
    (void)state;
    assert_null(flows_open("/tmp/weir-no-such-folder/flows.ndjson", &error));
    assert_int_equal(error.code, ERROR_RUN);
    assert_non_null(strstr(error.message, "No such file"));
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_one_line),
        WITH(test_tunnels),
        WITH(test_before_1970),
        WITH(test_only_ends),
        WITH(test_order),
        WITH(test_a_disk_that_is_full),
        cmocka_unit_test(test_a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
