/* Conversations: the input is a list of packets of one flow (port, then for each packet its side,
 * how many bytes were lost before it, its size and its bytes). Whatever is said, in order or not,
 * nothing reads past a payload, every flow ends, and all of it is given back. */
#include "weir/base/cursor.h"
#include "weir/content/content.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct content *content;
static struct flow_table *table;
static uint64_t told;

static void on_dns(void *context, struct flow *flow, struct ptime time,
                   const struct dns_message *message)
{
    (void)context, (void)flow, (void)time;
    if (message->qtype == 0)
        abort();
}

static void on_server_name(void *context, struct flow *flow, struct ptime time, const char *name)
{
    (void)context, (void)flow, (void)time;
    if (*name == '\0')
        abort();
}

static void on_items(void *context, struct flow *flow, enum flow_side side, struct ptime time,
                     const struct content_items *items)
{
    (void)context, (void)flow, (void)side, (void)time;
    if (items->count == 0 || items->count > RECORD_CONTENT_ITEMS || items->inspected_bytes == 0 ||
        items->class >= CONTENT_KINDS || items->label_count > RECORD_CONTENT_LABELS)
        abort();
    for (size_t i = 0; i < items->count; i++) {
        if (items->place[i] >= items->label_count)
            abort();
        told += items->hash[i] & 1;
    }
}

static bool on_report(void *context, struct flow *flow, enum flow_end end, struct ptime time)
{
    (void)context;
    if (end == FLOW_OPEN)
        content_progress(content, flow, time);
    else
        content_flush(content, flow, time);
    struct content_facts facts = content_get_facts(flow);
    if (facts.service >= SERVICES || facts.client.by >= CLIENT_BYS)
        abort();
    for (int i = 0; i < FLOW_TEXTS; i++)
        if (strlen(facts.text[i]) > RECORD_NAME_MAX)
            abort();
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
    struct content_config config = {.stream = stream_config_default(), .applications = true};
    struct flow_config flows = flow_config_default();
    struct error error = {ERROR_NONE, ""};
    if (content)
        return;
    config.stream.max_attached = 16;
    flows.max_flows = 16;
    content = content_new(&config, &content_events, NULL, &error);
    table = flow_table_new(&flows, &flow_events, NULL);
    if (!content || !table)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int64_t now_ns = NS_PER_S;
    static const uint8_t address[SIDES][4] = {{10, 0, 0, 1}, {192, 0, 2, 80}};
    struct cursor c = cursor_make(data, size);
    uint32_t next[SIDES] = {1000, 5000};
    open_once();
    uint8_t proto = cursor_u8(&c) & 1 ? PROTO_UDP : PROTO_TCP;
    uint16_t port = cursor_be16(&c);
    while (cursor_left(&c) >= 4) {
        uint8_t head = cursor_u8(&c);
        enum flow_side from = head & 1 ? SIDE_RESP : SIDE_ORIG, side;
        next[from] += cursor_u8(&c); /* lost; small ones make it late data the next time round */
        size_t bytes = cursor_be16(&c) % 2048;
        struct cursor payload = cursor_sub(&c, bytes < cursor_left(&c) ? bytes : cursor_left(&c));
        uint8_t *copy = malloc(cursor_left(&payload) + 1);
        if (!copy)
            abort();
        size_t there = cursor_left(&payload);
        if (there)
            memcpy(copy, payload.at, there);
        uint8_t flags = TCP_ACK | (head & 8 ? TCP_SYN : 0) | (head & 16 ? TCP_FIN : 0);
        now_ns += NS_PER_MS;
        struct packet p = {.time = {now_ns},
                           .frames = 1,
                           .ip_version = 4,
                           .proto = proto,
                           .src = ip_from_v4(address[from]),
                           .dst = ip_from_v4(address[1 - from]),
                           .src_port = from ? port : 40000,
                           .dst_port = from ? 40000 : port,
                           .seq = head & 2 ? next[from] - (uint32_t)there : next[from],
                           .ack = next[1 - from],
                           .tcp_flags = proto == PROTO_TCP ? flags : 0,
                           .payload = copy,
                           .payload_captured = (uint32_t)there,
                           .payload_bytes = (uint32_t)there + (head & 4 ? 9 : 0)};
        p.wire_bytes = p.captured = p.ip_bytes = p.payload_bytes + 40;
        next[from] += p.payload_bytes;
        flow_table_advance(table, p.time);
        struct flow *flow = flow_table_packet(table, &p, &side);
        enum evidence evidence = content_evidence(flow, side, &p);
        if (evidence != EVIDENCE_NONE)
            side = flow_table_settle_initiator(table, flow, side, evidence == EVIDENCE_CLIENT);
        content_packet(content, flow, side, &p);
        flow_table_settle(table, flow, p.time);
        free(copy);
    }
    flow_table_finish(table, (struct ptime){now_ns});
    if (flow_table_count(table) != 0)
        abort();
    return 0;
}
