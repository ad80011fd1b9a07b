/* HKDF (RFC 5869) is two uses of HMAC here, as no label or key is longer than one hash; packets are
 * AES-128-GCM, their headers AES-128-ECB. A context a call: a connection is opened once. */
#include "weir/base/quic_keys.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define SECRET_SIZE 32u
#define SALT_SIZE   20u
#define DRAFT_BASE  UINT32_C(0xff000000)
#define INFO_MAX    32u

struct generation {
    uint8_t salt[SALT_SIZE];
    const char *key, *iv, *header; /* labels */
};

static const struct generation version_1 = {{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34,
                                             0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
                                             0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
                                            "tls13 quic key",
                                            "tls13 quic iv",
                                            "tls13 quic hp"};
static const struct generation version_2 = {{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6,
                                             0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
                                             0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
                                            "tls13 quicv2 key",
                                            "tls13 quicv2 iv",
                                            "tls13 quicv2 hp"};
static const struct generation draft_29 = {{0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2,
                                            0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61,
                                            0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99},
                                           "tls13 quic key",
                                           "tls13 quic iv",
                                           "tls13 quic hp"};
static const struct generation draft_23 = {{0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb,
                                            0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4,
                                            0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02},
                                           "tls13 quic key",
                                           "tls13 quic iv",
                                           "tls13 quic hp"};

static const struct generation *generation_of(uint32_t version)
{
    static const struct {
        uint32_t first, last;
        const struct generation *generation;
    } row[] = {
        {QUIC_VERSION_1, QUIC_VERSION_1, &version_1},
        {QUIC_VERSION_2, QUIC_VERSION_2, &version_2},
        {DRAFT_BASE + 33, DRAFT_BASE + 34, &version_1},
        {DRAFT_BASE + 29, DRAFT_BASE + 32, &draft_29},
        {DRAFT_BASE + 23, DRAFT_BASE + 28, &draft_23},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (version >= row[i].first && version <= row[i].last)
            return row[i].generation;
    return NULL;
}

bool quic_version_known(uint32_t version)
{
    return generation_of(version) != NULL;
}

static bool hmac(const uint8_t *key, size_t key_size, const uint8_t *data, size_t size,
                 uint8_t out[SECRET_SIZE])
{
    unsigned length = 0;
    return HMAC(EVP_sha256(), key, (int)key_size, data, size, out, &length) &&
           length == SECRET_SIZE;
}

/* HKDF-Expand-Label of RFC 8446 7.1, without a context; the label brings its "tls13 ". */
static bool expand(const uint8_t secret[SECRET_SIZE], const char *label, uint8_t *out, size_t size)
{
    uint8_t info[INFO_MAX], whole[SECRET_SIZE];
    size_t label_size = strlen(label), at = 0;
    info[at++] = 0;
    info[at++] = (uint8_t)size;
    info[at++] = (uint8_t)label_size;
    memcpy(info + at, label, label_size);
    at += label_size;
    info[at++] = 0; /* the context's size */
    info[at++] = 1; /* HKDF-Expand's first block */
    if (!hmac(secret, SECRET_SIZE, info, at, whole))
        return false;
    memcpy(out, whole, size);
    return true;
}

bool quic_client_keys(uint32_t version, const uint8_t *id, size_t id_size, struct quic_keys *keys)
{
    const struct generation *generation = generation_of(version);
    uint8_t initial[SECRET_SIZE], client[SECRET_SIZE];
    memset(keys, 0, sizeof *keys);
    return generation && hmac(generation->salt, SALT_SIZE, id, id_size, initial) &&
           expand(initial, "tls13 client in", client, sizeof client) &&
           expand(client, generation->key, keys->key, sizeof keys->key) &&
           expand(client, generation->iv, keys->iv, sizeof keys->iv) &&
           expand(client, generation->header, keys->header, sizeof keys->header);
}

bool quic_header_mask(const struct quic_keys *keys, const uint8_t sample[QUIC_SAMPLE_SIZE],
                      uint8_t mask[QUIC_MASK_SIZE])
{
    uint8_t block[2 * QUIC_SAMPLE_SIZE];
    int size = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context &&
                EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, keys->header, NULL) &&
                EVP_EncryptUpdate(context, block, &size, sample, QUIC_SAMPLE_SIZE) &&
                size == QUIC_SAMPLE_SIZE;
    EVP_CIPHER_CTX_free(context);
    if (done)
        memcpy(mask, block, QUIC_MASK_SIZE);
    return done;
}

static bool open_with(EVP_CIPHER_CTX *context, const struct quic_keys *keys,
                      const uint8_t nonce[sizeof keys->iv], const uint8_t *header,
                      size_t header_size, const uint8_t *data, size_t size, uint8_t *out)
{
    uint8_t tag[QUIC_TAG_SIZE];
    int written = 0;
    memcpy(tag, data + size, sizeof tag);
    return EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys->key, nonce) &&
           EVP_DecryptUpdate(context, NULL, &written, header, (int)header_size) &&
           (size == 0 || EVP_DecryptUpdate(context, out, &written, data, (int)size)) &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, sizeof tag, tag) &&
           EVP_DecryptFinal_ex(context, out + size, &written) > 0;
}

bool quic_open(const struct quic_keys *keys, uint64_t number, const uint8_t *header,
               size_t header_size, const uint8_t *data, size_t size, uint8_t *out)
{
    uint8_t nonce[sizeof keys->iv];
    if (size < QUIC_TAG_SIZE || size > UINT16_MAX || header_size > UINT16_MAX)
        return false;
    memcpy(nonce, keys->iv, sizeof nonce);
    for (size_t i = 0; i < sizeof number; i++)
        nonce[sizeof nonce - 1 - i] ^= (uint8_t)(number >> 8 * i);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context && open_with(context, keys, nonce, header, header_size, data,
                                     size - QUIC_TAG_SIZE, out);
    EVP_CIPHER_CTX_free(context);
    return done;
}

void quic_keys_prepare(void)
{
    struct quic_keys keys;
    uint8_t sample[QUIC_SAMPLE_SIZE] = {0}, mask[QUIC_MASK_SIZE], out[1];
    quic_client_keys(QUIC_VERSION_1, sample, sizeof sample, &keys);
    quic_header_mask(&keys, sample, mask);
    quic_open(&keys, 0, sample, sizeof sample, sample, sizeof sample, out);
}
