/* A QUIC client's Initial packets, sealed here: AES-128 (FIPS 197) and GCM (NIST SP 800-38D)
 * written out again, so that the sensor's own are held against something else. Slow and meant to
 * be. */
#ifndef WEIR_TEST_CONTENT_QUIC_SENDER_H
#define WEIR_TEST_CONTENT_QUIC_SENDER_H

#include "bytes.h"
#include "weir/base/quic_keys.h"

/* --- AES ---------------------------------------------------------------------------------------
 */

static inline uint8_t aes_double(uint8_t a)
{
    return (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
}

static inline uint8_t aes_multiply(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (; b; b >>= 1, a = aes_double(a))
        product ^= b & 1 ? a : 0;
    return product;
}

/* The inverse in the field (a to the 254th), then the affine map. */
static inline uint8_t aes_sbox(uint8_t a)
{
    uint8_t inverse = 1, out = 0x63;
    for (int i = 0; i < 254; i++)
        inverse = aes_multiply(inverse, a);
    for (int turn = 0; turn < 5; turn++)
        out ^= (uint8_t)(inverse << turn | inverse >> (8 - turn));
    return out;
}

static inline void aes_round_key(uint8_t key[16], uint8_t constant)
{
    for (int i = 0; i < 4; i++)
        key[i] ^= aes_sbox(key[12 + (i + 1) % 4]);
    key[0] ^= constant;
    for (int i = 4; i < 16; i++)
        key[i] ^= key[i - 4];
}

static inline void aes_mix(uint8_t column[4])
{
    uint8_t was[4];
    memcpy(was, column, 4);
    for (int i = 0; i < 4; i++)
        column[i] = (uint8_t)(aes_double(was[i]) ^ aes_double(was[(i + 1) % 4]) ^ was[(i + 1) % 4] ^
                              was[(i + 2) % 4] ^ was[(i + 3) % 4]);
}

static inline void aes_block(const uint8_t key[16], const uint8_t in[16], uint8_t out[16])
{
    uint8_t round_key[16], state[16], was[16], constant = 1;
    memcpy(round_key, key, 16);
    for (int i = 0; i < 16; i++)
        state[i] = in[i] ^ key[i];
    for (int round = 1; round <= 10; round++, constant = aes_double(constant)) {
        memcpy(was, state, 16);
        for (int i = 0; i < 16; i++) /* SubBytes and ShiftRows */
            state[i] = aes_sbox(was[(i + 4 * (i % 4)) % 16]);
        for (int i = 0; round < 10 && i < 16; i += 4)
            aes_mix(state + i);
        aes_round_key(round_key, constant);
        for (int i = 0; i < 16; i++)
            state[i] ^= round_key[i];
    }
    memcpy(out, state, 16);
}

/* --- GCM ---------------------------------------------------------------------------------------
 */

static inline void gcm_multiply(uint8_t x[16], const uint8_t h[16])
{
    uint8_t product[16] = {0}, v[16];
    memcpy(v, h, 16);
    for (int bit = 0; bit < 128; bit++) {
        int low = v[15] & 1;
        for (int i = 0; i < 16 && x[bit / 8] >> (7 - bit % 8) & 1; i++)
            product[i] ^= v[i];
        for (int i = 15; i >= 0; i--)
            v[i] = (uint8_t)(v[i] >> 1 | (i ? v[i - 1] << 7 : 0));
        v[0] ^= low ? 0xe1 : 0;
    }
    memcpy(x, product, 16);
}

static inline void gcm_hash(uint8_t x[16], const uint8_t h[16], const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at += 16) {
        for (size_t i = 0; i < 16 && at + i < size; i++)
            x[i] ^= data[at + i];
        gcm_multiply(x, h);
    }
}

/* Seals `size` bytes in place; the tag follows them. */
static inline void gcm_seal(const uint8_t key[16], const uint8_t nonce[12], const uint8_t *header,
                            size_t header_size, uint8_t *data, size_t size)
{
    uint8_t h[16] = {0}, counter[16] = {0}, stream[16], x[16] = {0}, lengths[16] = {0};
    aes_block(key, h, h);
    memcpy(counter, nonce, 12);
    for (size_t at = 0; at < size; at++) {
        uint32_t block = 2 + (uint32_t)(at / 16);
        for (int i = 0; i < 4; i++)
            counter[12 + i] = (uint8_t)(block >> (24 - 8 * i));
        if (at % 16 == 0)
            aes_block(key, counter, stream);
        data[at] ^= stream[at % 16];
    }
    gcm_hash(x, h, header, header_size);
    gcm_hash(x, h, data, size);
    for (int i = 0; i < 8; i++) {
        lengths[7 - i] = (uint8_t)((uint64_t)header_size * 8 >> 8 * i);
        lengths[15 - i] = (uint8_t)((uint64_t)size * 8 >> 8 * i);
    }
    gcm_hash(x, h, lengths, 16);
    memset(counter + 12, 0, 4);
    counter[15] = 1;
    aes_block(key, counter, stream);
    for (int i = 0; i < 16; i++)
        data[size + (size_t)i] = x[i] ^ stream[i];
}

/* --- packets -----------------------------------------------------------------------------------
 */

struct initial {
    uint32_t version;
    const char *key_id; /* that the keys follow from */
    const char *id;     /* destination; NULL: the same */
    uint32_t number;
    const char *token;
};

/* A varint of two bytes. */
static inline void put_varint(struct bytes *b, size_t value)
{
    assert(value < 16384);
    put16(b, 0x4000u | (unsigned)value);
}

static inline void crypto_frame(struct bytes *b, size_t offset, const uint8_t *data, size_t size)
{
    put8(b, 6);
    put_varint(b, offset);
    put_varint(b, size);
    put(b, data, size);
}

static inline void quic_long_header(struct bytes *b, unsigned first, uint32_t version,
                                    const char *id, const char *source)
{
    put8(b, first);
    put32(b, version);
    put8(b, (unsigned)strlen(id));
    put_text(b, id);
    put8(b, (unsigned)strlen(source));
    put_text(b, source);
}

/* Appends the frames as an Initial packet, sealed. */
static inline void quic_initial(struct bytes *b, const struct initial *parts,
                                const struct bytes *frames)
{
    struct quic_keys keys;
    uint8_t nonce[12], mask[16];
    const char *token = parts->token ? parts->token : "";
    size_t begin = b->size;
    quic_client_keys(parts->version, (const uint8_t *)parts->key_id, strlen(parts->key_id), &keys);
    quic_long_header(b, parts->version == QUIC_VERSION_2 ? 0xd3 : 0xc3, parts->version,
                     parts->id ? parts->id : parts->key_id, "source");
    put_varint(b, strlen(token));
    put_text(b, token);
    put_varint(b, 4 + frames->size + 16);
    size_t number_at = b->size;
    put32(b, parts->number);
    size_t head = b->size - begin;
    put(b, frames->data, frames->size);
    put(b, "sixteen bytes...", 16);
    memcpy(nonce, keys.iv, 12);
    for (int i = 0; i < 4; i++)
        nonce[11 - i] ^= (uint8_t)(parts->number >> 8 * i);
    gcm_seal(keys.key, nonce, b->data + begin, head, b->data + begin + head, frames->size);
    aes_block(keys.header, b->data + number_at + 4, mask);
    b->data[begin] ^= mask[0] & 0x0f;
    for (int i = 0; i < 4; i++)
        b->data[number_at + (size_t)i] ^= mask[1 + i];
}

#endif
