/* Hashes: xxhash for speed, OpenSSL's EVP for the named ones. Thread-safe: no state of ours. */
#include "weir/base/digest.h"

#include "weir/base/buffer.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#ifdef WEIR_XXHASH_DISPATCHES
#define XXH_DISPATCH_DISABLE_REPLACE
#include <xxh_x86dispatch.h>
#endif

uint64_t hash64(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

/* The secret is SHA-256 in counter mode over the material: full entropy whatever its length. */
void hash_key_init(struct hash_key *key, const void *material, size_t size)
{
    for (size_t i = 0; i < sizeof key->secret / SHA256_SIZE; i++) {
        const uint8_t counter = (uint8_t)i;
        struct sha256 *sha = sha256_new();
        sha256_put(sha, &counter, 1);
        sha256_put(sha, material, size);
        sha256_take(sha, key->secret + i * SHA256_SIZE);
    }
}

#define LONG_BYTES 240u /* longer ones are hashed in stripes, the wider the better */

uint64_t hash64_keyed(const struct hash_key *key, const void *data, size_t size)
{
#ifdef WEIR_XXHASH_DISPATCHES
    if (size > LONG_BYTES)
        return XXH3_64bits_withSecret_dispatch(data, size, key->secret, sizeof key->secret);
#endif
    return XXH3_64bits_withSecret(data, size, key->secret, sizeof key->secret);
}

/* Only a policy of OpenSSL's (FIPS mode refuses MD5) or want of memory makes it fail: all zero. */
static void digest(const EVP_MD *kind, const void *data, size_t size, uint8_t *out)
{
    unsigned length = 0;
    if (!EVP_Digest(data, size, out, &length, kind, NULL))
        memset(out, 0, (size_t)EVP_MD_get_size(kind));
}

void digest_sha1(const void *data, size_t size, uint8_t out[20])
{
    digest(EVP_sha1(), data, size, out);
}

void digest_md5(const void *data, size_t size, uint8_t out[16])
{
    digest(EVP_md5(), data, size, out);
}

void digest_sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE])
{
    digest(EVP_sha256(), data, size, out);
}

void digest_hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                        uint8_t out[SHA256_SIZE])
{
    unsigned length = 0;
    if (!HMAC(EVP_sha256(), key, (int)key_size, data, size, out, &length))
        memset(out, 0, SHA256_SIZE);
}

struct sha256 {
    EVP_MD_CTX *context;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *sha = xcalloc(1, sizeof *sha);
    sha->context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(sha->context, EVP_sha256(), NULL);
    return sha;
}

void sha256_put(struct sha256 *sha, const void *data, size_t size)
{
    EVP_DigestUpdate(sha->context, data, size);
}

struct sha256 *sha256_copy(const struct sha256 *sha)
{
    struct sha256 *copy = xcalloc(1, sizeof *copy);
    copy->context = EVP_MD_CTX_new();
    EVP_MD_CTX_copy_ex(copy->context, sha->context);
    return copy;
}

void sha256_take(struct sha256 *sha, uint8_t out[SHA256_SIZE])
{
    unsigned length = 0;
    EVP_DigestFinal_ex(sha->context, out, &length);
    EVP_MD_CTX_free(sha->context);
    free(sha);
}

char *hex_text(const uint8_t *data, size_t size, char *text)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digit[data[i] >> 4];
        text[2 * i + 1] = digit[data[i] & 15];
    }
    text[2 * size] = '\0';
    return text;
}

bool hex_bytes(const char *text, size_t size, uint8_t *data)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        const char *high = memchr(digits, text[2 * i], 16);
        const char *low = memchr(digits, text[2 * i + 1], 16);
        if (!high || !low)
            return false;
        data[i] = (uint8_t)(((high - digits) << 4) | (low - digits));
    }
    return true;
}

char *base64_text(const uint8_t *data, size_t size, char *text)
{
    EVP_EncodeBlock((unsigned char *)text, data, (int)size);
    return text;
}

void digest_prepare(void)
{
    uint8_t out[SHA256_SIZE];
    digest_md5("", 0, out);
    digest_sha1("", 0, out);
    digest_sha256("", 0, out);
}
