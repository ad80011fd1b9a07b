/* Conversations of file protocols: the input is a list of packets, each of one of six flows
 * between two hosts (FTP's control, its data, TFTP or NFS over UDP, SMB or NFS), with its side, how
 * many bytes were lost before it, its size and its bytes. Whatever is said, in order or not,
 * nothing reads past a payload, bodies count no more than was sent, and all is given back. */
#include "weir/base/cursor.h"
#include "weir/content/content.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FLOWS 6u

static struct content *content;
static struct flow_table *table;
static int64_t now_ns = NS_PER_S;

struct talk {
    uint16_t port[SIDES];
    uint8_t proto;
    uint32_t next[SIDES];
};

static void on_dns(void *context, struct flow *flow, struct ptime time,
                   const struct dns_message *message)
{
    (void)context, (void)flow, (void)time, (void)message;
}

static void on_server_name(void *context, struct flow *flow, struct ptime time, const char *name)
{
    (void)context, (void)flow, (void)time, (void)name;
}

static void on_items(void *context, struct flow *flow, enum flow_side side, struct ptime time,
                     const struct content_items *items)
{
    (void)context, (void)flow, (void)side, (void)time;
    if (items->count == 0 || items->inspected_bytes == 0)
        abort();
}

static bool on_report(void *context, struct flow *flow, enum flow_end end, struct ptime time)
{
    (void)context;
    if (end == FLOW_OPEN)
        content_progress(content, flow, time);
    else
        content_flush(content, flow, time);
    struct content_facts facts = content_get_facts(flow);
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++) {
        struct side_counts counts = flow_get_counts(flow, side);
        if (facts.body[side].seen_bytes > counts.payload_bytes + counts.retransmitted_bytes ||
            (facts.body[side].bodies == 0 && facts.body[side].seen_bytes) ||
            facts.body[side].undeclared > facts.body[side].bodies)
            abort();
    }
    return true;
}

static void on_swapped(void *context, struct flow *flow)
{
    (void)context;
    content_swapped(content, flow);
}

static void on_release(void *context, struct flow *flow)
{
    (void)context;
    content_release(content, flow);
}

/* libnids is process-global: opened once. */
static void open_once(void)
{
    static const struct content_events content_events = {on_dns, on_server_name, on_items};
    static const struct flow_events flow_events = {on_report, on_swapped, on_release, NULL, NULL};
    struct content_config config = {.stream = stream_config_default()};
    struct flow_config flows = flow_config_default();
    struct error error = {ERROR_NONE, ""};
    if (content)
        return;
    config.stream.max_attached = 16;
    content = content_new(&config, &content_events, NULL, &error);
    table = flow_table_new(&flows, &flow_events, NULL);
    if (!content || !table)
        abort();
}

static void send(struct talk *talk, uint8_t head, struct cursor payload)
{
    static const uint8_t address[SIDES][4] = {{10, 0, 0, 1}, {192, 0, 2, 80}};
    enum flow_side from = head & 1 ? SIDE_RESP : SIDE_ORIG, to = 1 - from, side;
    size_t size = cursor_left(&payload);
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, payload.at, size);
    now_ns += NS_PER_MS;
    struct packet p = {.time = {now_ns},
                       .frames = 1,
                       .ip_version = 4,
                       .proto = talk->proto,
                       .src = ip_from_v4(address[from]),
                       .dst = ip_from_v4(address[to]),
                       .src_port = talk->port[from],
                       .dst_port = talk->port[to],
                       .seq = head & 2 ? talk->next[from] - (uint32_t)size : talk->next[from],
                       .ack = talk->next[to],
                       .tcp_flags = talk->proto == PROTO_TCP ? TCP_ACK : 0,
                       .payload = copy,
                       .payload_captured = (uint32_t)size,
                       .payload_bytes = (uint32_t)size + (head & 4 ? 9 : 0)};
    p.wire_bytes = p.captured = p.ip_bytes = p.payload_bytes + 40;
    talk->next[from] += p.payload_bytes;
    flow_table_advance(table, p.time);
    struct flow *flow = flow_table_packet(table, &p, &side);
    content_packet(content, flow, side, &p);
    flow_table_settle(table, flow, p.time);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct talk talk[FLOWS] = {
        {{40000, 21}, PROTO_TCP, {1000, 5000}},  {{40001, 5000}, PROTO_TCP, {1000, 5000}},
        {{40002, 69}, PROTO_UDP, {1000, 5000}},  {{40002, 3000}, PROTO_UDP, {1000, 5000}},
        {{40003, 445}, PROTO_TCP, {1000, 5000}}, {{40004, 2049}, PROTO_TCP, {1000, 5000}},
    };
    struct cursor c = cursor_make(data, size);
    open_once();
    while (cursor_left(&c) >= 4) {
        uint8_t head = cursor_u8(&c);
        struct talk *one = &talk[(head >> 4) % FLOWS];
        one->next[head & 1 ? SIDE_RESP : SIDE_ORIG] += cursor_u8(&c);
        size_t bytes = cursor_be16(&c) % 2048;
        if (head & 8)
            one->proto = PROTO_UDP; /* NFS there */
        send(one, head, cursor_sub(&c, bytes < cursor_left(&c) ? bytes : cursor_left(&c)));
    }
    flow_table_finish(table, (struct ptime){now_ns});
    if (flow_table_count(table) != 0)
        abort();
    return 0;
}
