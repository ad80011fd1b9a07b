/* libnids behind synthetic packets.
 *
 * What is used of it: its per-direction queue of out-of-order segments and the code that drains it.
 * What is not: its packet source, IP and fragment code, port-scan detection, time-outs, flags, and
 * its opinion of when a flow begins or ends. So nids_init is not called; the two calls it would
 * make for TCP, tcp_init and tcp_exit, are exported like process_tcp, though none is declared in
 * nids.h.
 *
 * A flow is an option-less handshake from (id, port 1) to (constant, port 2). After it only data
 * segments with flags ACK are fed. Before each, the receiver's ack_seq is the next expected number
 * and its window is 65535 << 14, so libnids' window check passes whatever lies up to 2^30 ahead.
 *
 * The base is moved at each feed: first_data_seq is the next expected number and count and offset
 * are 0, so that libnids' int counters never leave one feed, however long the stream is (queued
 * segments carry absolute sequence numbers). It is also how a gap is skipped: the base is set
 * behind it. libnids looks at its queue only when a segment advances the stream; port_drain
 * therefore feeds one filler byte in front of `next`, and swallows the one call that hands the
 * filler back.
 *
 * Queued pieces never overlap each other or what was delivered (the caller sees to it), so libnids'
 * own overlap policy (lower start first) never decides anything.
 *
 * Charge: libnids drops a queue whose rmem_alloc exceeds 65535. rmem_alloc is the sum of the skblen
 * we pass: bytes / 64, with room for the allocations' overhead, so about 4 MiB fit; and at least
 * 16, so that a direction holds at most 4095 pieces and the linear search for a piece's place stays
 * short however small and however reversed the pieces are.
 *
 * State: libnids is process-global, and so are the variables here. Thread: the capture thread. */
#include "nids_port.h"

#include "weir/base/log.h"

#include <arpa/inet.h>
#include <nids.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHARGE_OVERHEAD 127u
#define CHARGE_LEAST    16u
#define WINDOW          65535
#define WINDOW_SCALE    16384
#define ADDRESS_FAR     0xffffffffu

/* Exported by the library (Debian's symbols file lists them), declared in none of its headers. */
void process_tcp(u_char *ip_packet, int skblen);
int tcp_init(int size);
void tcp_exit(void);

static struct {
    bool open;
    struct tcp_stream *attached; /* handed over by the handshake being fed */
    void (*sink)(void *context, const uint8_t *data, size_t size); /* NULL: nothing may come */
    void *context;
    enum port_side sender;
    bool filler; /* the next data call is the filler byte */
} port;

/* The only packet libnids ever sees. */
static struct {
    struct ip ip;
    struct tcphdr tcp;
    uint8_t payload[PORT_CHUNK];
} synthetic;

/* libnids keeps this pointer and reads it on each handshake; its time is never used. */
static struct pcap_pkthdr no_header;

/* Checksums are never looked at: the synthetic packet has none. libnids keeps the pointer. */
static struct nids_chksum_ctl no_checksums = {
    .netaddr = 0, .mask = 0, .action = NIDS_DONT_CHKSUM, .reserved = 0};

/* Its warnings are about hosts' behaviour; synthetic packets show none. */
static void ignore_warning(int type, int what, struct ip *ip, void *data)
{
    (void)type;
    (void)what;
    (void)ip;
    (void)data;
}

static void no_memory(char *where)
{
    log_error("libnids: out of memory in %s", where);
    _exit(1);
}

static struct half_stream *half_sending(struct tcp_stream *flow, enum port_side sender)
{
    return sender == PORT_CLIENT ? &flow->client : &flow->server;
}

static struct half_stream *half_receiving(struct tcp_stream *flow, enum port_side sender)
{
    return sender == PORT_CLIENT ? &flow->server : &flow->client;
}

static void hand_back(struct tcp_stream *flow)
{
    const struct half_stream *half = half_receiving(flow, port.sender);
    if (!port.sink || half->count_new <= 0)
        return;
    if (port.filler) {
        port.filler = false;
        return;
    }
    const char *end = half->data + (half->count - half->offset);
    port.sink(port.context, (const uint8_t *)end - half->count_new, (size_t)half->count_new);
}

/* libnids' callback. Closing states come only from tcp_exit: nothing else ends a flow but us. */
static void on_tcp(struct tcp_stream *flow, void **unused)
{
    (void)unused;
    if (flow->nids_state == NIDS_JUST_EST) {
        flow->client.collect++;
        flow->server.collect++;
        port.attached = flow;
    } else if (flow->nids_state == NIDS_DATA) {
        hand_back(flow);
    }
}

int port_open(uint32_t max_flows, struct error *error)
{
    if (port.open)
        return error_set(error, ERROR_RUN, "libnids is in use: one set of streams a process");
    nids_params.scan_num_hosts = 0; /* its scan detection indexes out of bounds */
    nids_params.tcp_workarounds = 0;
    nids_params.tcp_flow_timeout = 0;
    nids_params.one_loop_less = 0;
    nids_params.multiproc = 0;
    nids_params.syslog = ignore_warning;
    nids_params.no_mem = no_memory;
    /* It evicts the oldest flow beyond 3/4 of its table: we stay below that. */
    nids_params.n_tcp_streams = (int)(max_flows + max_flows / 3 + 8);
    nids_last_pcap_header = &no_header;
    nids_register_chksum_ctl(&no_checksums, 1);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* nids.h takes the function as an object pointer */
    nids_register_tcp(on_tcp);
#pragma GCC diagnostic pop
    if (tcp_init(nids_params.n_tcp_streams) != 0)
        return error_set(error, ERROR_RUN, "libnids: no memory for %d streams",
                         nids_params.n_tcp_streams);
    synthetic.ip.ip_v = 4;
    synthetic.ip.ip_hl = sizeof synthetic.ip / 4;
    synthetic.ip.ip_p = IPPROTO_TCP;
    synthetic.tcp.th_off = sizeof synthetic.tcp / 4;
    synthetic.tcp.th_win = htons(WINDOW);
    port.open = true;
    return 0;
}

void port_close(void)
{
    if (!port.open)
        return;
    tcp_exit();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
    nids_unregister_tcp(on_tcp);
#pragma GCC diagnostic pop
    port.open = false;
}

/* Sends what is in synthetic.payload. `id` is in network order (libnids' tuples keep it so). */
static void feed(uint32_t id, enum port_side sender, uint8_t flags, uint32_t seq, uint32_t ack,
                 size_t size, uint32_t charge)
{
    bool forward = sender == PORT_CLIENT;
    synthetic.ip.ip_src.s_addr = forward ? id : ADDRESS_FAR;
    synthetic.ip.ip_dst.s_addr = forward ? ADDRESS_FAR : id;
    synthetic.ip.ip_len = htons((uint16_t)(sizeof synthetic.ip + sizeof synthetic.tcp + size));
    synthetic.tcp.th_sport = htons(forward ? 1 : 2);
    synthetic.tcp.th_dport = htons(forward ? 2 : 1);
    synthetic.tcp.th_flags = flags;
    synthetic.tcp.th_seq = htonl(seq);
    synthetic.tcp.th_ack = htonl(ack);
    process_tcp((u_char *)&synthetic, (int)charge);
}

struct tcp_stream *port_attach(uint32_t id, const uint32_t next[2])
{
    port.attached = NULL;
    feed(id, PORT_CLIENT, TH_SYN, next[PORT_CLIENT] - 1, 0, 0, 0);
    feed(id, PORT_SERVER, TH_SYN | TH_ACK, next[PORT_SERVER] - 1, next[PORT_CLIENT], 0, 0);
    feed(id, PORT_CLIENT, TH_ACK, next[PORT_CLIENT], next[PORT_SERVER], 0, 0);
    return port.attached;
}

void port_detach(struct tcp_stream *flow)
{
    nids_free_tcp_stream(flow);
}

uint32_t port_charge(size_t size)
{
    uint32_t charge = (uint32_t)((size + CHARGE_OVERHEAD) / PORT_CHARGE_BYTES);
    return charge < CHARGE_LEAST ? CHARGE_LEAST : charge;
}

uint32_t port_charged(const struct tcp_stream *flow, enum port_side sender)
{
    return (uint32_t)(sender == PORT_CLIENT ? flow->server : flow->client).rmem_alloc;
}

static void set_base(struct tcp_stream *flow, enum port_side sender, uint32_t base)
{
    half_sending(flow, sender)->first_data_seq = base;
    struct half_stream *half = half_receiving(flow, sender);
    half->count = half->offset = half->count_new = half->urg_count = 0;
    half->ack_seq = base;
    half->window = WINDOW;
    half->wscale = WINDOW_SCALE;
}

void port_queue(struct tcp_stream *flow, enum port_side sender, uint32_t next, uint32_t seq,
                const uint8_t *data, size_t size)
{
    memcpy(synthetic.payload, data, size);
    set_base(flow, sender, next);
    feed(flow->addr.saddr, sender, TH_ACK, seq, 0, size, port_charge(size));
}

void port_drain(struct tcp_stream *flow, enum port_side sender, uint32_t next,
                void (*sink)(void *context, const uint8_t *data, size_t size), void *context)
{
    port.sink = sink;
    port.context = context;
    port.sender = sender;
    port.filler = true;
    synthetic.payload[0] = 0;
    set_base(flow, sender, next - 1);
    feed(flow->addr.saddr, sender, TH_ACK, next - 1, 0, 1, port_charge(1));
    port.sink = NULL;
    /* Its buffer is twice the largest piece and would stay for as long as the flow is attached. */
    struct half_stream *half = half_receiving(flow, sender);
    free(half->data);
    half->data = NULL;
    half->bufsize = 0;
}
