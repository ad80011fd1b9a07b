/* Frames made by hand for the decode tests: append, then look at the bytes. What is carried is made
 * first, then put into what carries it. */
#ifndef WEIR_TESTS_DECODE_FRAMES_H
#define WEIR_TESTS_DECODE_FRAMES_H

#include <stdint.h>
#include <string.h>

struct made {
    uint8_t data[4096];
    uint32_t size;
};

static inline void put(struct made *m, const void *bytes, uint32_t size)
{
    memcpy(m->data + m->size, bytes, size);
    m->size += size;
}

static inline void put8(struct made *m, unsigned value)
{
    m->data[m->size++] = (uint8_t)value;
}

static inline void put16(struct made *m, unsigned value)
{
    put8(m, value >> 8);
    put8(m, value);
}

static inline void put32(struct made *m, uint32_t value)
{
    put16(m, value >> 16);
    put16(m, value);
}

static inline void put_fill(struct made *m, uint32_t count, uint8_t value)
{
    memset(m->data + m->size, value, count);
    m->size += count;
}

static inline void put_ether(struct made *m, unsigned type)
{
    put_fill(m, 12, 0x02);
    put16(m, type);
}

/* Without options; 192.0.2.1 to 198.51.100.7. */
static inline void put_ipv4(struct made *m, unsigned total, unsigned proto, unsigned fragment)
{
    put8(m, 0x45);
    put8(m, 0);
    put16(m, total);
    put16(m, 0x1234);
    put16(m, fragment);
    put8(m, 61);
    put8(m, proto);
    put16(m, 0);
    put(m, "\xc0\x00\x02\x01\xc6\x33\x64\x07", 8);
}

/* 2001:db8::1 to 2001:db8::2. */
static inline void put_ipv6(struct made *m, unsigned length, unsigned next)
{
    put32(m, 0x60000000);
    put16(m, length);
    put8(m, next);
    put8(m, 57);
    put(m, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    put(m, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
}

static inline void put_udp(struct made *m, unsigned src, unsigned dst, unsigned payload)
{
    put16(m, src);
    put16(m, dst);
    put16(m, 8 + payload);
    put16(m, 0);
}

/* 40000 to 443, sequence 0x01020304, acknowledging 0x0a0b0c0d; `words` of header. */
static inline void put_tcp(struct made *m, unsigned words, unsigned flags)
{
    put16(m, 40000);
    put16(m, 443);
    put32(m, 0x01020304);
    put32(m, 0x0a0b0c0d);
    put8(m, words << 4);
    put8(m, flags);
    put16(m, 8192);
    put32(m, 0);
    if (words > 5)
        put_fill(m, (words - 5) * 4, 1);
}

static inline void put_made(struct made *m, const struct made *inside)
{
    put(m, inside->data, inside->size);
}

/* The innermost packet of tunnels: 10.1.0.1:1000 to 10.1.0.2:2000 in UDP, "inner". */
static inline struct made made_inner(void)
{
    struct made m = {.size = 0};
    put_ipv4(&m, 33, 17, 0);
    memcpy(m.data + 12, "\x0a\x01\x00\x01\x0a\x01\x00\x02", 8);
    put_udp(&m, 1000, 2000, 5);
    put(&m, "inner", 5);
    return m;
}

/* 2001:db8::1 to ::2, the same datagram. */
static inline struct made made_inner6(void)
{
    struct made m = {.size = 0};
    put_ipv6(&m, 13, 17);
    put_udp(&m, 1000, 2000, 5);
    put(&m, "inner", 5);
    return m;
}

static inline struct made made_ether(unsigned type, const struct made *inside)
{
    struct made m = {.size = 0};
    put_ether(&m, type);
    put_made(&m, inside);
    return m;
}

/* An IPv4 packet that carries `inside`, without a link layer. */
static inline struct made made_ip(unsigned proto, const struct made *inside)
{
    struct made m = {.size = 0};
    put_ipv4(&m, 20 + inside->size, proto, 0);
    put_made(&m, inside);
    return m;
}

static inline struct made made_udp(unsigned src, unsigned dst, const struct made *inside)
{
    struct made m = {.size = 0};
    put_ipv4(&m, 28 + inside->size, 17, 0);
    put_udp(&m, src, dst, inside->size);
    put_made(&m, inside);
    return m;
}

#endif
