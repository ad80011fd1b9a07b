/* Capture files made of generated packets, for the tests of this room: pcap (little or big endian,
 * micro- or nanoseconds) and pcapng, in a temporary folder. */
#ifndef WEIR_TESTS_CAPTURE_FILES_H
#define WEIR_TESTS_CAPTURE_FILES_H

#include "weir/base/buffer.h"
#include "weir/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START INT64_C(1772438400000000000) /* 2026-03-02 08:00 UTC */

#define FLAG_FIN 1u
#define FLAG_SYN 2u
#define FLAG_RST 4u
#define FLAG_ACK 16u

enum file_kind { FILE_PCAP, FILE_PCAP_NANO, FILE_PCAP_BIG, FILE_PCAPNG };

struct file {
    enum file_kind kind;
    struct buffer bytes;
    char path[96];
};

static inline void put32(struct file *file, uint32_t value)
{
    if (file->kind == FILE_PCAP_BIG)
        value = __builtin_bswap32(value);
    buffer_le32(&file->bytes, value);
}

static inline void put16(struct file *file, uint16_t value)
{
    if (file->kind == FILE_PCAP_BIG)
        value = (uint16_t)(value << 8 | value >> 8);
    buffer_le16(&file->bytes, value);
}

/* A file with its head; `link` as in pcap's own registry (1: Ethernet). */
static inline void file_begin(struct file *file, enum file_kind kind, uint32_t link)
{
    *file = (struct file){.kind = kind};
    if (kind == FILE_PCAPNG) {
        static const uint8_t section[] = {0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0,    0,    0x4d, 0x3c,
                                          0x2b, 0x1a, 1,    0,    0,  0, 0xff, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 28, 0, 0,    0};
        buffer_put(&file->bytes, section, sizeof section);
        put32(file, 1); /* interface: nanoseconds */
        put32(file, 32);
        put16(file, (uint16_t)link);
        put16(file, 0);
        put32(file, 262144);
        put16(file, 9); /* if_tsresol */
        put16(file, 1);
        put32(file, 9);
        put32(file, 0); /* end of options */
        put32(file, 32);
        return;
    }
    put32(file, kind == FILE_PCAP_NANO ? 0xa1b23c4d : 0xa1b2c3d4);
    put16(file, 2);
    put16(file, 4);
    put32(file, 0);
    put32(file, 0);
    put32(file, 262144);
    put32(file, link);
}

static inline void file_packet(struct file *file, int64_t time_ns, const void *data, uint32_t kept,
                               uint32_t wire_bytes)
{
    if (file->kind == FILE_PCAPNG) {
        uint32_t padded = (kept + 3) / 4 * 4;
        put32(file, 6);
        put32(file, 32 + padded);
        put32(file, 0);
        put32(file, (uint32_t)(time_ns >> 32));
        put32(file, (uint32_t)time_ns);
        put32(file, kept);
        put32(file, wire_bytes);
        buffer_put(&file->bytes, data, kept);
        buffer_put(&file->bytes, "\0\0\0", padded - kept);
        put32(file, 32 + padded);
        return;
    }
    int64_t part = time_ns % NS_PER_S;
    put32(file, (uint32_t)(time_ns / NS_PER_S));
    put32(file, (uint32_t)(file->kind == FILE_PCAP_NANO ? part : part / 1000));
    put32(file, kept);
    put32(file, wire_bytes);
    buffer_put(&file->bytes, data, kept);
}

/* Writes the file under a new temporary name. */
static inline const char *file_write(struct file *file)
{
    strcpy(file->path, "/tmp/weir-capture-XXXXXX");
    int fd = mkstemp(file->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file->bytes.data, file->bytes.size), file->bytes.size);
    close(fd);
    return file->path;
}

static inline void file_end(struct file *file)
{
    buffer_fini(&file->bytes);
    if (*file->path)
        unlink(file->path);
}

/* --- frames ------------------------------------------------------------------------------------
 */

struct frame {
    uint8_t data[2048];
    uint32_t size;
};

static inline void frame_u16(struct frame *frame, unsigned value)
{
    frame->data[frame->size++] = (uint8_t)(value >> 8);
    frame->data[frame->size++] = (uint8_t)value;
}

static inline void frame_u32(struct frame *frame, uint32_t value)
{
    frame_u16(frame, value >> 16);
    frame_u16(frame, value & 0xffff);
}

/* Ethernet and IPv4 around `size` bytes that follow. Addresses as 32 bits in host order. */
static inline void frame_ip(struct frame *frame, uint32_t src, uint32_t dst, uint8_t proto,
                            uint32_t size)
{
    *frame = (struct frame){.size = 12};
    memset(frame->data, 2, 12);
    frame_u16(frame, 0x0800);
    frame_u16(frame, 0x4500);
    frame_u16(frame, 20 + size);
    frame_u32(frame, 0x00004000);
    frame_u16(frame, 64u << 8 | proto);
    frame_u16(frame, 0);
    frame_u32(frame, src);
    frame_u32(frame, dst);
}

struct tcp_end {
    uint32_t ip;
    uint16_t port;
    uint32_t seq;
};

/* `size` bytes of text from one end to the other; steps the sender's sequence number. */
static inline void frame_tcp(struct frame *frame, struct tcp_end *from, const struct tcp_end *to,
                             unsigned flags, uint32_t size)
{
    frame_ip(frame, from->ip, to->ip, 6, 20 + size);
    frame_u16(frame, from->port);
    frame_u16(frame, to->port);
    frame_u32(frame, from->seq);
    frame_u32(frame, flags & FLAG_ACK ? to->seq : 0);
    frame_u16(frame, 5u << 12 | flags);
    frame_u16(frame, 65535);
    frame_u32(frame, 0);
    memset(frame->data + frame->size, 'x', size);
    frame->size += size;
    from->seq += size + ((flags & (FLAG_SYN | FLAG_FIN)) != 0);
}

static inline void frame_udp(struct frame *frame, uint32_t src, uint16_t sport, uint32_t dst,
                             uint16_t dport, const void *data, uint32_t size)
{
    frame_ip(frame, src, dst, 17, 8 + size);
    frame_u16(frame, sport);
    frame_u16(frame, dport);
    frame_u16(frame, 8 + size);
    frame_u16(frame, 0);
    memcpy(frame->data + frame->size, data, size);
    frame->size += size;
}

static inline void file_frame(struct file *file, int64_t time_ns, const struct frame *frame)
{
    file_packet(file, time_ns, frame->data, frame->size, frame->size);
}

/* A connection of 7 + 2 × segments packets, 1 ms apart, `segments` × 1000 bytes from the client,
 * closed by both sides. Returns the time after it. */
static inline int64_t file_connection(struct file *file, int64_t time_ns, uint32_t client,
                                      uint16_t port, uint32_t server, unsigned segments)
{
    struct tcp_end c = {client, port, 1000}, s = {server, 443, 5000};
    struct frame frame;
#define SEND(from, to, flags, size)                                                                \
    do {                                                                                           \
        frame_tcp(&frame, from, to, flags, size);                                                  \
        file_frame(file, time_ns, &frame);                                                         \
        time_ns += NS_PER_MS;                                                                      \
    } while (0)
    SEND(&c, &s, FLAG_SYN, 0);
    SEND(&s, &c, FLAG_SYN | FLAG_ACK, 0);
    SEND(&c, &s, FLAG_ACK, 0);
    for (unsigned i = 0; i < segments; i++) {
        SEND(&c, &s, FLAG_ACK, 1000);
        SEND(&s, &c, FLAG_ACK, 0);
    }
    SEND(&s, &c, FLAG_ACK, 50);
    SEND(&c, &s, FLAG_FIN | FLAG_ACK, 0);
    SEND(&s, &c, FLAG_FIN | FLAG_ACK, 0);
    SEND(&c, &s, FLAG_ACK, 0);
#undef SEND
    return time_ns;
}

#endif
