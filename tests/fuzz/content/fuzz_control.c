/* Control systems and surveillance: a conversation over TCP, by the first byte on which protocol's
 * port or on none's, with gaps, whole, and in small segments; and the same bytes as datagrams.
 * Nothing is read past a payload, no more is counted than there are bytes, and every flow ends.
 * (Segments may change what is counted: after bytes that are no message the next piece is looked
 * at.) */
#include "weir/base/cursor.h"
#include "weir/content/content.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t ports[] = {502, 102, 20000, 2404, 47808, 44818, 4840, 34964, 2222, 4711};
static struct content *content;
static struct flow_table *table;
static struct content_facts last; /* of the flow that ended last; its texts are gone */
static int64_t now_ns = NS_PER_S;
static uint16_t client_port;

static void check(int holds)
{
    if (!holds)
        abort();
}

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
    (void)context, (void)flow, (void)side, (void)time, (void)items;
}

static bool on_report(void *context, struct flow *flow, enum flow_end end, struct ptime time)
{
    (void)context, (void)end;
    content_flush(content, flow, time);
    last = content_get_facts(flow);
    const struct function_set *set = last.functions;
    check(!set || (set->count > 0 && set->count <= FUNCTIONS_MAX));
    check(!set || !function_set_overflows(set) || set->count == FUNCTIONS_MAX);
    check(last.service < SERVICES);
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

static void open_once(void)
{
    static const struct content_events content_events = {on_dns, on_server_name, on_items};
    static const struct flow_events flow_events = {on_report, on_swapped, on_release, NULL, NULL};
    struct content_config config = {.stream = stream_config_default()};
    struct flow_config flows = flow_config_default();
    struct error error = {ERROR_NONE, ""};
    if (content)
        return;
    flows.max_flows = 16;
    content = content_new(&config, &content_events, NULL, &error);
    table = flow_table_new(&flows, &flow_events, NULL);
    check(content && table);
}

struct talk {
    uint16_t port;
    uint8_t proto;
    uint32_t next[SIDES];
};

static void say(struct talk *t, enum flow_side from, uint8_t flags, const uint8_t *data,
                size_t size)
{
    static const uint8_t address[SIDES][4] = {{10, 0, 0, 1}, {192, 0, 2, 80}};
    enum flow_side side;
    uint8_t *copy = malloc(size + 1);
    check(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    now_ns += NS_PER_MS;
    struct packet p = {.time = {now_ns},
                       .frames = 1,
                       .ip_version = 4,
                       .proto = t->proto,
                       .src = ip_from_v4(address[from]),
                       .dst = ip_from_v4(address[1 - from]),
                       .src_port = from ? t->port : client_port,
                       .dst_port = from ? client_port : t->port,
                       .seq = t->next[from],
                       .ack = flags & TCP_ACK ? t->next[1 - from] : 0,
                       .tcp_flags = t->proto == PROTO_TCP ? flags : 0,
                       .payload = copy,
                       .payload_captured = (uint32_t)size,
                       .payload_bytes = (uint32_t)size};
    p.wire_bytes = p.captured = p.ip_bytes = p.payload_bytes + 40;
    t->next[from] += (uint32_t)size + ((flags & TCP_SYN) != 0);
    flow_table_advance(table, p.time);
    struct flow *flow = flow_table_packet(table, &p, &side);
    content_packet(content, flow, side, &p);
    flow_table_settle(table, flow, p.time);
    free(copy);
}

static struct talk begin(uint16_t port, uint8_t proto)
{
    struct talk t = {port, proto, {1000, 5000}};
    client_port = (uint16_t)(client_port < 50000 ? 50000 : client_port + 1);
    if (proto == PROTO_TCP) {
        say(&t, SIDE_ORIG, TCP_SYN, NULL, 0);
        say(&t, SIDE_RESP, TCP_SYN | TCP_ACK, NULL, 0);
    }
    return t;
}

static struct content_facts end(void)
{
    flow_table_finish(table, (struct ptime){now_ns});
    check(flow_table_count(table) == 0);
    return last;
}

/* The client's bytes, then the server's, in segments of at most `most`. */
static struct content_facts whole(uint16_t port, struct cursor asks, struct cursor answers,
                                  size_t most)
{
    struct talk t = begin(port, PROTO_TCP);
    struct cursor *side[SIDES] = {&asks, &answers};
    for (enum flow_side from = SIDE_ORIG; from < SIDES; from++)
        while (cursor_left(side[from])) {
            size_t left = cursor_left(side[from]), size = left < most ? left : most;
            const uint8_t *data = cursor_take(side[from], size);
            say(&t, from, TCP_ACK, data, size);
        }
    return end();
}

/* Each of the operations: side, bytes lost before it, size, bytes. */
static void with_gaps(uint16_t port, struct cursor c)
{
    struct talk t = begin(port, PROTO_TCP);
    while (cursor_left(&c) >= 3) {
        enum flow_side from = cursor_u8(&c) & 1 ? SIDE_RESP : SIDE_ORIG;
        t.next[from] += cursor_u8(&c) & 0x0f;
        size_t size = cursor_u8(&c);
        size = size < cursor_left(&c) ? size : cursor_left(&c);
        const uint8_t *data = cursor_take(&c, size);
        say(&t, from, TCP_ACK, data, size);
    }
    end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    uint16_t port = ports[cursor_u8(&c) % (sizeof ports / sizeof *ports)];
    size_t most = 1u + cursor_u8(&c), of_asks = cursor_u8(&c);
    if (c.failed || size > 4096)
        return 0;
    open_once();
    with_gaps(port, c);
    struct cursor all = c;
    struct cursor asks = cursor_sub(&c, of_asks < cursor_left(&c) ? of_asks : cursor_left(&c));
    struct talk t = begin(port, PROTO_UDP);
    say(&t, SIDE_ORIG, 0, all.at, cursor_left(&all));
    say(&t, SIDE_RESP, 0, all.at, cursor_left(&all));
    struct content_facts one = end();
    check(one.operations.reads <= 2 * (uint32_t)size &&
          one.operations.writes <= 2 * (uint32_t)size);
    one = whole(port, asks, c, 65536);
    check(one.operations.reads <= size && one.operations.writes <= size);
    whole(port, asks, c, most);
    return 0;
}
