/* Protocol bytes made by hand, for the tests of content/. */
#ifndef WEIR_TEST_CONTENT_BYTES_H
#define WEIR_TEST_CONTENT_BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    uint8_t data[1 << 17];
    size_t size;
};

static inline void put(struct bytes *b, const void *data, size_t size)
{
    assert(size <= sizeof b->data - b->size);
    if (size)
        memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void put8(struct bytes *b, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    put(b, &byte, 1);
}

static inline void put16(struct bytes *b, unsigned value)
{
    put8(b, value >> 8);
    put8(b, value);
}

static inline void put32(struct bytes *b, uint32_t value)
{
    put16(b, value >> 16);
    put16(b, value & 0xffff);
}

static inline void put_text(struct bytes *b, const char *text)
{
    put(b, text, strlen(text));
}

/* Opens a length field of `width` bytes; put_close fills it with what came after it. */
static inline size_t put_open(struct bytes *b, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        put8(b, 0);
    return b->size;
}

static inline void put_close(struct bytes *b, size_t mark, unsigned width)
{
    size_t size = b->size - mark;
    for (unsigned i = 1; i <= width; i++, size >>= 8)
        b->data[mark - i] = (uint8_t)size;
}

/* --- DNS ---------------------------------------------------------------------------------------
 */

static inline void dns_header(struct bytes *b, unsigned flags, unsigned questions, unsigned answers)
{
    put16(b, 0x1234);
    put16(b, flags);
    put16(b, questions);
    put16(b, answers);
    put32(b, 0);
}

/* "www.example.com" as labels and the root. */
static inline void dns_name(struct bytes *b, const char *name)
{
    while (*name) {
        size_t size = strcspn(name, ".");
        put8(b, (unsigned)size);
        put(b, name, size);
        name += size + (name[size] == '.');
    }
    put8(b, 0);
}

static inline void dns_question(struct bytes *b, const char *name, unsigned type)
{
    dns_name(b, name);
    put16(b, type);
    put16(b, 1);
}

/* A record owned by the question's name (a pointer to offset 12). */
static inline void dns_record(struct bytes *b, unsigned type, uint32_t ttl, const void *value,
                              size_t size)
{
    put16(b, 0xc00c);
    put16(b, type);
    put16(b, 1);
    put32(b, ttl);
    put16(b, (unsigned)size);
    put(b, value, size);
}

/* --- TLS ---------------------------------------------------------------------------------------
 */

struct hello_parts {
    unsigned version;
    const uint16_t *ciphers;
    size_t cipher_count;
    const uint16_t *extensions; /* in this order; 0, 10, 11, 13, 16, 43 are filled from below */
    size_t extension_count;
    const char *name;
    const uint16_t *groups;
    size_t group_count;
    const uint8_t *formats;
    size_t format_count;
    const char *alpn; /* extension 16: one value of alpn_size bytes */
    size_t alpn_size;
    const uint16_t *versions; /* extension 43 */
    size_t version_count;
    const uint16_t *signatures; /* extension 13 */
    size_t signature_count;
    bool cookie; /* DTLS */
};

static inline void put_list(struct bytes *b, unsigned width, const uint16_t *value, size_t count)
{
    size_t list = put_open(b, width);
    for (size_t i = 0; i < count; i++)
        put16(b, value[i]);
    put_close(b, list, width);
}

/* What JA4 takes beyond JA3. */
static inline void hello_offers(struct bytes *b, unsigned type, const struct hello_parts *parts)
{
    if (type == 13) {
        put_list(b, 2, parts->signatures, parts->signature_count);
    } else if (type == 16 && parts->alpn) {
        size_t list = put_open(b, 2);
        put8(b, (unsigned)parts->alpn_size);
        put(b, parts->alpn, parts->alpn_size);
        put(b, "\2h3", 3);
        put_close(b, list, 2);
    } else if (type == 43) {
        put_list(b, 1, parts->versions, parts->version_count);
    }
}

static inline void hello_extension(struct bytes *b, unsigned type, const struct hello_parts *parts)
{
    put16(b, type);
    size_t body = put_open(b, 2);
    if (type == 0 && parts->name) {
        size_t list = put_open(b, 2);
        put8(b, 0);
        size_t name = put_open(b, 2);
        put_text(b, parts->name);
        put_close(b, name, 2);
        put_close(b, list, 2);
    } else if (type == 10) {
        size_t list = put_open(b, 2);
        for (size_t i = 0; i < parts->group_count; i++)
            put16(b, parts->groups[i]);
        put_close(b, list, 2);
    } else if (type == 11) {
        size_t list = put_open(b, 1);
        put(b, parts->formats, parts->format_count);
        put_close(b, list, 1);
    }
    hello_offers(b, type, parts);
    put_close(b, body, 2);
}

/* A ClientHello as a handshake message, without a record. */
static inline void hello_message(struct bytes *b, const struct hello_parts *parts)
{
    put8(b, 1);
    size_t message = put_open(b, 3);
    put16(b, parts->version);
    for (unsigned i = 0; i < 32; i++)
        put8(b, i);
    put8(b, 0);
    if (parts->cookie)
        put(b, "\3abc", 4);
    size_t ciphers = put_open(b, 2);
    for (size_t i = 0; i < parts->cipher_count; i++)
        put16(b, parts->ciphers[i]);
    put_close(b, ciphers, 2);
    put8(b, 1);
    put8(b, 0);
    if (parts->extension_count) {
        size_t list = put_open(b, 2);
        for (size_t i = 0; i < parts->extension_count; i++)
            hello_extension(b, parts->extensions[i], parts);
        put_close(b, list, 2);
    }
    put_close(b, message, 3);
}

/* The message in handshake records of at most `most` bytes. */
static inline void tls_records(struct bytes *b, const struct bytes *message, size_t most)
{
    for (size_t at = 0; at < message->size;) {
        size_t size = message->size - at < most ? message->size - at : most;
        put8(b, 22);
        put16(b, 0x0301);
        put16(b, (unsigned)size);
        put(b, message->data + at, size);
        at += size;
    }
}

/* An everyday hello for `name` (NULL: no server name). */
static inline void plain_hello(struct bytes *b, const char *name)
{
    static const uint16_t ciphers[] = {0x1301, 0x1302}, extensions[] = {0, 10, 11}, groups[] = {29};
    static const uint8_t formats[] = {0};
    const struct hello_parts parts = {.version = 0x0303,
                                      .ciphers = ciphers,
                                      .cipher_count = 2,
                                      .extensions = extensions + (name == NULL),
                                      .extension_count = name ? 3 : 2,
                                      .name = name,
                                      .groups = groups,
                                      .group_count = 1,
                                      .formats = formats,
                                      .format_count = 1};
    struct bytes *message = calloc(1, sizeof *message);
    hello_message(message, &parts);
    tls_records(b, message, 16384);
    free(message);
}

/* A record of application data; what lies in it is not to be looked at. */
static inline void sealed_record(struct bytes *b, const void *data, size_t size)
{
    put(b, "\x17\3\3", 3);
    put16(b, (unsigned)size);
    put(b, data, size);
}

/* A server's whole flight in a resumed session: ServerHello without extensions, ChangeCipherSpec,
 * Finished (sealed, so anything). */
static inline void server_flight(struct bytes *b)
{
    put(b, "\x16\3\3\0\x2a\2\0\0\x26\3\3", 11);
    for (unsigned i = 0; i < 32; i++)
        put8(b, 0x80 + i);
    put(b, "\0\xc0\x2f\0", 4);
    put(b, "\x14\3\3\0\1\1", 6);
    put(b, "\x16\3\3\0\4\x81\x82\x83\x84", 9);
}

/* What a client sends behind its hello then. */
static inline void client_finished(struct bytes *b)
{
    put(b, "\x14\3\3\0\1\1\x16\3\3\0\4\x91\x92\x93\x94", 15);
}

#endif
