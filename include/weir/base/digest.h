/* Hashes by their use. Fast ones are xxhash; the named ones are OpenSSL's EVP. */
#ifndef WEIR_BASE_DIGEST_H
#define WEIR_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE     32
#define HEX_SIZE(bytes) (2 * (bytes) + 1)

uint64_t hash64(const void *data, size_t size, uint64_t seed); /* XXH3, seeded */
/* XXH3 with a 192-byte secret derived from `key`: for hashes that leave a process. */
struct hash_key {
    uint8_t secret[192];
};
void hash_key_init(struct hash_key *key, const void *material, size_t size);
uint64_t hash64_keyed(const struct hash_key *key, const void *data, size_t size);

/* Whatever the library wants of the system (its configuration) it reads now: before a process gives
 * up its files. */
void digest_prepare(void);
void digest_sha1(const void *data, size_t size, uint8_t out[20]);
void digest_md5(const void *data, size_t size, uint8_t out[16]);
void digest_sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE]);
/* RFC 2104 with SHA-256. */
void digest_hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                        uint8_t out[SHA256_SIZE]);
/* Incremental SHA-256. */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_put(struct sha256 *sha, const void *data, size_t size);
struct sha256 *sha256_copy(const struct sha256 *sha);           /* with what it has so far */
void sha256_take(struct sha256 *sha, uint8_t out[SHA256_SIZE]); /* finishes and frees */

char *hex_text(const uint8_t *data, size_t size, char *text); /* `text`: HEX_SIZE(size) */
/* Back: 2 * `size` digits as hex_text writes them (lower case), no others. Not terminated. */
bool hex_bytes(const char *text, size_t size, uint8_t *data);
/* Base64 with padding; `text` holds 4 * ((size + 2) / 3) + 1. */
char *base64_text(const uint8_t *data, size_t size, char *text);

#endif
