/* Frames for made-up traces, written as a pcap file of nanoseconds: Ethernet, IPv4 or IPv6, TCP
 * with time stamps, UDP, ICMP echo; all checksums are right. A payload is put at wire_payload()
 * first, the heads are built in front of it. One clock, which goes on with each packet. */
#ifndef WEIR_TESTS_BENCH_WIRE_H
#define WEIR_TESTS_BENCH_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WIRE_HEAD    86u /* the longest: Ethernet 14, IPv6 40, TCP 32 */
#define WIRE_SEGMENT 1448u
#define WIRE_START   INT64_C(1772438400000000000) /* 2026-03-02 08:00 UTC */

enum { WIRE_ICMP = 1, WIRE_TCP = 6, WIRE_UDP = 17, WIRE_ICMP6 = 58 };
enum { WIRE_FIN = 1, WIRE_SYN = 2, WIRE_PSH = 8, WIRE_ACK = 16 };

struct wire {
    FILE *file;
    int64_t now_ns, step_ns;
    uint64_t packets, bytes; /* of frames */
    uint8_t frame[WIRE_HEAD + WIRE_SEGMENT];
};

/* Side 0 is who opens. */
struct ends {
    bool v6;
    uint8_t addr[2][16];
    uint16_t port[2];
    uint16_t ident[2]; /* IPv4's identification, counted up by each sender */
};

static inline uint8_t *wire_payload(struct wire *wire)
{
    return wire->frame + WIRE_HEAD;
}

static inline void wire_set16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void wire_set32(uint8_t *at, uint32_t value)
{
    wire_set16(at, value >> 16);
    wire_set16(at + 2, value & 0xffff);
}

/* RFC 1071: the order of bytes does not matter to a sum that is stored as it was read. */
static inline uint64_t wire_sum(uint64_t sum, const uint8_t *at, size_t size)
{
    uint32_t word;
    for (; size >= 4; at += 4, size -= 4) {
        memcpy(&word, at, 4);
        sum += word;
    }
    word = 0;
    memcpy(&word, at, size);
    return sum + word;
}

static inline void wire_set_sum(uint8_t *at, uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    uint16_t folded = (uint16_t)~sum;
    memcpy(at, &folded, 2);
}

static inline size_t wire_address_bytes(const struct ends *ends)
{
    return ends->v6 ? 16 : 4;
}

/* Of a transport head and its payload, with the pseudo head in front. */
static inline void wire_checksum(const struct ends *ends, unsigned protocol, uint8_t *transport,
                                 size_t size)
{
    unsigned at = protocol == WIRE_TCP ? 16 : protocol == WIRE_UDP ? 6 : 2;
    uint64_t sum = 0;
    if (protocol != WIRE_ICMP) {
        uint8_t tail[4];
        wire_set16(tail, protocol);
        wire_set16(tail + 2, (unsigned)size);
        sum = wire_sum(0, tail, 4);
        sum = wire_sum(sum, ends->addr[0], wire_address_bytes(ends));
        sum = wire_sum(sum, ends->addr[1], wire_address_bytes(ends));
    }
    wire_set16(transport + at, 0);
    wire_set_sum(transport + at, wire_sum(sum, transport, size));
    if (protocol == WIRE_UDP && transport[at] == 0 && transport[at + 1] == 0)
        memset(transport + at, 0xff, 2); /* zero would say that there is none */
}

static inline uint8_t *wire_ip4(struct ends *ends, int side, unsigned protocol, uint8_t *transport,
                                size_t size)
{
    uint8_t *ip = transport - 20;
    memset(ip, 0, 20);
    ip[0] = 0x45;
    wire_set16(ip + 2, (unsigned)(20 + size));
    wire_set16(ip + 4, ++ends->ident[side]);
    ip[6] = 0x40;
    ip[8] = side ? 55 : 64;
    ip[9] = (uint8_t)protocol;
    memcpy(ip + 12, ends->addr[side], 4);
    memcpy(ip + 16, ends->addr[!side], 4);
    wire_set_sum(ip + 10, wire_sum(0, ip, 20));
    return ip;
}

static inline uint8_t *wire_ip6(const struct ends *ends, int side, unsigned protocol,
                                uint8_t *transport, size_t size)
{
    uint8_t *ip = transport - 40;
    memset(ip, 0, 8);
    ip[0] = 0x60;
    wire_set16(ip + 4, (unsigned)size);
    ip[6] = (uint8_t)protocol;
    ip[7] = side ? 55 : 64;
    memcpy(ip + 8, ends->addr[side], 16);
    memcpy(ip + 24, ends->addr[!side], 16);
    return ip;
}

static inline void wire_write(struct wire *wire, const uint8_t *frame, size_t size)
{
    uint32_t head[4] = {(uint32_t)(wire->now_ns / 1000000000),
                        (uint32_t)(wire->now_ns % 1000000000), (uint32_t)size, (uint32_t)size};
    fwrite(head, sizeof head, 1, wire->file);
    fwrite(frame, size, 1, wire->file);
    wire->packets++;
    wire->bytes += size;
    wire->now_ns += wire->step_ns;
}

/* `head` bytes of transport lie in front of the payload's `size`. */
static inline void wire_send(struct wire *wire, struct ends *ends, int side, unsigned protocol,
                             size_t head, size_t size)
{
    uint8_t *transport = wire_payload(wire) - head, *ip, *frame;
    wire_checksum(ends, protocol, transport, head + size);
    ip = ends->v6 ? wire_ip6(ends, side, protocol, transport, head + size)
                  : wire_ip4(ends, side, protocol, transport, head + size);
    frame = ip - 14;
    memset(frame, 0, 12);
    frame[0] = frame[6] = 2;
    frame[5] = side ? 1 : 2;
    frame[11] = side ? 2 : 1;
    wire_set16(frame + 12, ends->v6 ? 0x86dd : 0x0800);
    wire_write(wire, frame, (size_t)(wire_payload(wire) + size - frame));
}

static inline void wire_tcp(struct wire *wire, struct ends *ends, int side, unsigned flags,
                            const uint32_t next[2], size_t size)
{
    uint8_t *tcp = wire_payload(wire) - 32;
    uint32_t now_ms = (uint32_t)(wire->now_ns / 1000000);
    memset(tcp, 0, 32);
    wire_set16(tcp, ends->port[side]);
    wire_set16(tcp + 2, ends->port[!side]);
    wire_set32(tcp + 4, next[side]);
    wire_set32(tcp + 8, flags & WIRE_ACK ? next[!side] : 0);
    tcp[12] = 0x80;
    tcp[13] = (uint8_t)flags;
    wire_set16(tcp + 14, 65535);
    memcpy(tcp + 20, "\1\1\x8\xa", 4); /* RFC 7323 */
    wire_set32(tcp + 24, now_ms);
    wire_set32(tcp + 28, flags & WIRE_ACK ? now_ms - 10 : 0);
    wire_send(wire, ends, side, WIRE_TCP, 32, size);
}

static inline void wire_udp(struct wire *wire, struct ends *ends, int side, size_t size)
{
    uint8_t *udp = wire_payload(wire) - 8;
    wire_set16(udp, ends->port[side]);
    wire_set16(udp + 2, ends->port[!side]);
    wire_set16(udp + 4, (unsigned)(8 + size));
    wire_send(wire, ends, side, WIRE_UDP, 8, size);
}

/* Echo and its reply; ports are identifier and sequence number. */
static inline void wire_echo(struct wire *wire, struct ends *ends, int side, size_t size)
{
    uint8_t *icmp = wire_payload(wire) - 8;
    icmp[0] = ends->v6 ? (side ? 129 : 128) : (side ? 0 : 8);
    icmp[1] = 0;
    wire_set16(icmp + 4, ends->port[0]);
    wire_set16(icmp + 6, ends->port[1]);
    wire_send(wire, ends, side, ends->v6 ? WIRE_ICMP6 : WIRE_ICMP, 8, size);
}

static inline bool wire_open(struct wire *wire, const char *path, int64_t step_ns)
{
    static const uint32_t head[6] = {0xa1b23c4d, 4u << 16 | 2, 0, 0, 262144, 1};
    memset(wire, 0, sizeof *wire);
    wire->now_ns = WIRE_START;
    wire->step_ns = step_ns;
    wire->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
    if (!wire->file)
        return false;
    setvbuf(wire->file, NULL, _IOFBF, 1 << 20);
    return fwrite(head, sizeof head, 1, wire->file) == 1;
}

#endif
