/* The seeds of fuzz_record are honest records of the layout there is now: each is made here, is
 * valid, and lies in the corpus byte for byte. A seed of yesterday's layout is refused at the door,
 * and the fuzzer behind it would look at nothing. When the layout changed, WEIR_MAKE_SEEDS=1 writes
 * them anew. */
#include "weir/base/device.h"
#include "weir/record/function.h"
#include "weir/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1772413447000000000)

union any_record {
    struct record_header header;
    struct record_flow flow;
    struct record_name name;
    struct record_content content;
    struct record_health health;
    struct record_binding binding;
    char bytes[RECORD_MAX_BYTES];
    uint64_t align;
};

static union any_record made;

static void finish(enum record_kind kind, size_t fixed, size_t tail)
{
    made.header = (struct record_header){.size = (uint32_t)record_size(fixed, tail),
                                         .kind = (uint16_t)kind,
                                         .version = RECORD_VERSION,
                                         .number = 9,
                                         .time_ns = NOW};
}

static struct ip v4(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return ip;
}

static struct flow_key key_of(uint16_t orig_port, uint16_t resp_port, uint8_t proto)
{
    return (struct flow_key){.orig_ip = v4("10.0.0.66"),
                             .resp_ip = v4("198.51.100.7"),
                             .orig_port = orig_port,
                             .resp_port = resp_port,
                             .proto = proto,
                             .vlan = 20};
}

static void flow_of(const char *text, uint8_t name, uint8_t question)
{
    struct record_flow *flow = &made.flow;
    flow->key = key_of(40000, 443, 6);
    flow->start_ns = flow->fresh_since_ns = NOW - 5000;
    flow->last_ns = NOW - 1000;
    for (int side = 0; side < SIDES; side++) {
        flow->total[side] = (struct side_counts){10, 2000, 1800, 1000, 200, 900, 50};
        flow->fresh[side].payload_bytes = 400;
        flow->fresh[side].missing_bytes = -100;
        flow->fresh[side].acked_bytes = 300;
        flow->fresh[side].packets = 4;
    }
    flow->text_size[TEXT_SERVER_NAME] = name;
    flow->text_size[TEXT_QUESTION] = question;
    memcpy(flow->tail, text, (size_t)name + question);
    finish(RECORD_FLOW, sizeof *flow, (size_t)name + question);
}

static void make_flow(void)
{
    flow_of("www.example.comexample.com", 15, 11);
    made.flow.service = SERVICE_TLS;
    made.flow.flags = FLOW_ESTABLISHED | FLOW_ORIG_BY_SYN | FLOW_HAS_JA3 | FLOW_TURNED;
    memset(made.flow.ja3, 0xa5, sizeof made.flow.ja3);
    made.flow.client = (struct client_claim){v4("203.0.113.5"), 1, 4711, CLIENT_PROXY_PROTOCOL, 0};
}

static void make_flow_icmp(void)
{
    flow_of("", 0, 0);
    made.flow.key = key_of(8, 0, 1);
    made.flow.end = FLOW_END_IDLE;
    made.flow.flags = FLOW_ORIG_BY_PORT;
}

static struct tunnel vxlan(void)
{
    struct tunnel tunnel = {.orig_ip = v4("10.9.9.1"),
                            .resp_ip = v4("10.9.9.2"),
                            .orig_port = 50000,
                            .resp_port = 4789,
                            .count = 2};
    tunnel.layer[0] = LAYER_VXLAN;
    tunnel.id[0] = 42;
    tunnel.layer[1] = LAYER_IP;
    tunnel.id[1] = 4;
    tunnel.hop[0] = (struct tunnel_hop){v4("10.8.8.1"), v4("10.8.8.2")};
    return tunnel;
}

static void put_tunnels(const struct tunnel tunnel[SIDES])
{
    flow_of("www.example.com", 15, 0);
    made.flow.key.tenant = 77;
    made.flow.flags = FLOW_TUNNELLED | FLOW_TUNNEL_MOVED;
    finish(RECORD_FLOW, sizeof made.flow, 15 + record_flow_put_tunnels(&made.flow, tunnel));
}

static void make_flow_tunnel(void)
{
    put_tunnels((struct tunnel[SIDES]){vxlan(), vxlan()});
}

static void make_flow_tunnels(void)
{
    put_tunnels((struct tunnel[SIDES]){vxlan(), {.count = 0}});
}

static void make_flow_functions(void)
{
    static const struct function_set set = {.code = {3, 5, 16}, .count = 3, .back = 2};
    flow_of("", 0, 0);
    made.flow.service = SERVICE_MODBUS;
    made.flow.operations = (struct operation_counts){.reads = 9, .writes = 2};
    finish(RECORD_FLOW, sizeof made.flow, record_flow_put_functions(&made.flow, &set));
}

static void make_name_dns(void)
{
    struct ip address[] = {v4("192.0.2.1"), v4("2001:db8::1")};
    made.name.key = key_of(40001, 53, 17);
    made.name.kind = NAME_DNS;
    made.name.answered = 1;
    made.name.address_count = 2;
    made.name.qtype = 1;
    made.name.ttl_s = 300;
    made.name.name_size = 11;
    made.name.answers = 3;
    made.name.answer_bytes = 40;
    made.name.message_bytes = 90;
    made.name.alias_count = 1;
    memcpy(made.name.tail, address, sizeof address);
    memcpy(made.name.tail + sizeof address, "example.com\7cdn.net", 19);
    finish(RECORD_NAME, sizeof made.name, sizeof address + 19);
}

static void make_name_server(void)
{
    made.name.key = key_of(40000, 443, 6);
    made.name.kind = NAME_SERVER;
    made.name.name_size = 15;
    memcpy(made.name.tail, "www.example.com", 15);
    finish(RECORD_NAME, sizeof made.name, 15);
}

static void make_content(void)
{
    made.content.key = key_of(40000, 80, 6);
    made.content.side = SIDE_ORIG;
    made.content.hash_count = 3;
    made.content.inspected_bytes = 900;
    made.content.gap_bytes = 100;
    made.content.sent_bytes = 1000;
    for (uint64_t i = 0; i < 3; i++)
        made.content.hash[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    static const char texts[] = "\0\1\1\13example.com\2jp\6a\\x09b";
    made.content.label_count = 2;
    made.content.sample_count = 1;
    memcpy(made.content.hash + 3, texts, sizeof texts - 1);
    finish(RECORD_CONTENT, sizeof made.content, 3 * sizeof(uint64_t) + sizeof texts - 1);
}

static void make_content_tunnel(void)
{
    make_content();
    made.content.tunnels = SIDES;
    made.content.tunnel[SIDE_ORIG] = vxlan();
}

static void make_health(void)
{
    uint64_t value = 1;
#define FILL(name) made.health.total.name = value++;
    HEALTH_COUNTERS(FILL)
#undef FILL
    health_count(&made.health.total, HEALTH_UNREAD, 0x88e5, 40);
    health_count(&made.health.total, HEALTH_LINK, 105, 2);
    finish(RECORD_HEALTH, sizeof made.health, 0);
}

static void make_binding(void)
{
    made.binding.address = v4("10.0.0.66");
    made.binding.device = device_of_mac((const uint8_t *)"\0\x1b\x21\1\2\3");
    made.binding.lease_s = 86400;
    made.binding.vlan = 20;
    made.binding.kind = BINDING_DHCP4;
    made.binding.carrier[0] = v4("10.0.0.1");
    made.binding.key = binding_key(&made.binding);
    finish(RECORD_BINDING, sizeof made.binding, 0);
}

static void make_watermark(void)
{
    finish(RECORD_WATERMARK, sizeof made.header, 0);
    made.header.time_ns = INT64_MAX; /* the end of the input */
}

static const struct {
    const char *name;
    void (*make)(void);
} seeds[] = {
    {"flow", make_flow},
    {"flow_icmp", make_flow_icmp},
    {"flow_tunnel", make_flow_tunnel},
    {"flow_tunnels", make_flow_tunnels},
    {"flow_functions", make_flow_functions},
    {"name_dns", make_name_dns},
    {"name_server", make_name_server},
    {"content", make_content},
    {"content_tunnel", make_content_tunnel},
    {"health", make_health},
    {"binding", make_binding},
    {"watermark", make_watermark},
};

static FILE *open_seed(const char *name, const char *mode)
{
    char path[4096];
    const char *source = getenv("WEIR_SOURCE");
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/fuzz_record/%s", source ? source : ".", name);
    return fopen(path, mode);
}

static void write_seed(const char *name)
{
    FILE *file = open_seed(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(&made, 1, made.header.size, file), made.header.size);
    assert_int_equal(fclose(file), 0);
}

static void test_seeds_are_records(void **state)
{
    static char there[RECORD_MAX_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        memset(&made, 0, sizeof made);
        seeds[i].make();
        if (record_validate(&made, made.header.size) != RECORD_OK)
            fail_msg("%s is no valid record", seeds[i].name);
        if (getenv("WEIR_MAKE_SEEDS"))
            write_seed(seeds[i].name);
        FILE *file = open_seed(seeds[i].name, "rb");
        size_t size = file ? fread(there, 1, sizeof there, file) : 0;
        if (file)
            fclose(file);
        if (size != made.header.size || memcmp(there, &made, size) != 0)
            fail_msg("seed %s is of another layout: WEIR_MAKE_SEEDS=1 makes it", seeds[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seeds_are_records)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
