/* See secret.h. scrypt is OpenSSL's; its parameters stand with each hash, so that they can grow
 * while old hashes go on to be read, and are held to bounds before they are believed: who can write
 * the file could else have a gigabyte taken at each try. */
#include "weir/base/secret.h"

#include "weir/base/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define RANDOM_BYTES 32
#define SALT_BYTES   16
#define HASH_BYTES   32
#define MEMORY_MAX   ((uint64_t)256 << 20)

struct parameters {
    unsigned ln, r, p;
    uint8_t salt[SALT_BYTES], hash[HASH_BYTES];
};

/* So few bytes come whole, or not at all. */
static void fill(uint8_t *bytes, size_t size)
{
    ssize_t got;
    do
        got = getrandom(bytes, size, 0);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)size)
        abort(); /* the kernel has no random numbers: nothing may go on with guessable ones */
}

void secret_make(char text[SECRET_SIZE])
{
    uint8_t bytes[RANDOM_BYTES];
    fill(bytes, sizeof bytes);
    hex_text(bytes, sizeof bytes, text);
    OPENSSL_cleanse(bytes, sizeof bytes);
}

bool secret_equal(const char *one, const char *other)
{
    size_t size = strlen(one);
    return strlen(other) == size && CRYPTO_memcmp(one, other, size) == 0;
}

/* --- passwords -------------------------------------------------------------------------------- */

static bool derive(const char *password, struct parameters *of, uint8_t hash[HASH_BYTES])
{
    uint64_t n = UINT64_C(1) << of->ln, memory = 128 * n * of->r + ((uint64_t)1 << 20);
    return EVP_PBE_scrypt(password, strlen(password), of->salt, SALT_BYTES, n, of->r, of->p, memory,
                          hash, HASH_BYTES) == 1;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly `size` bytes; NULL: they are not there. Else what stands behind them. */
static const char *read_hex(const char *text, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text[2 * i]), low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
        if (low < 0)
            return NULL;
        bytes[i] = (uint8_t)(16 * high + low);
    }
    return text + 2 * size;
}

/* "KEYdigits" up to two of them, then `end`; NULL: not so. */
static const char *read_small(const char *text, const char *key, char end, unsigned *value)
{
    size_t size = strlen(key);
    if (strncmp(text, key, size) != 0)
        return NULL;
    text += size;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 2 || text[digits] != end)
        return NULL;
    *value = (unsigned)strtoul(text, NULL, 10);
    return text + digits + 1;
}

static bool read_stored(const char *text, struct parameters *to)
{
    const char *at = read_small(text, "$scrypt$ln=", ',', &to->ln);
    at = at ? read_small(at, "r=", ',', &to->r) : NULL;
    at = at ? read_small(at, "p=", '$', &to->p) : NULL;
    at = at ? read_hex(at, to->salt, SALT_BYTES) : NULL;
    at = at && *at == '$' ? read_hex(at + 1, to->hash, HASH_BYTES) : NULL;
    return at && *at == '\0' && to->ln >= 14 && to->ln <= 20 && to->r >= 1 && to->r <= 16 &&
           to->p >= 1 && to->p <= 4 && (UINT64_C(128) * to->r << to->ln) <= MEMORY_MAX;
}

bool password_is_stored(const char *text)
{
    struct parameters any;
    return read_stored(text, &any);
}

int password_store(const char *password, char stored[PASSWORD_STORED], struct error *error)
{
    struct parameters of = {.ln = 15, .r = 8, .p = 1};
    char salt[HEX_SIZE(SALT_BYTES)], hash[HEX_SIZE(HASH_BYTES)];
    fill(of.salt, sizeof of.salt);
    if (!derive(password, &of, of.hash))
        return error_set(error, ERROR_RUN, "scrypt: the library cannot do it");
    snprintf(stored, PASSWORD_STORED, "$scrypt$ln=%u,r=%u,p=%u$%s$%s", of.ln, of.r, of.p,
             hex_text(of.salt, sizeof of.salt, salt), hex_text(of.hash, sizeof of.hash, hash));
    return 0;
}

bool password_fits(const char *stored, const char *password)
{
    struct parameters of;
    uint8_t hash[HASH_BYTES];
    return read_stored(stored, &of) && derive(password, &of, hash) &&
           CRYPTO_memcmp(hash, of.hash, sizeof hash) == 0;
}
