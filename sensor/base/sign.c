/* Signatures: see weir/base/sign.h. A public key is taken as its 32 bytes behind the one head that
 * Ed25519 keys have, never through a parser: it may come from anybody. */
#include "weir/base/sign.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RAW_SIZE 32

struct sign_key {
    EVP_PKEY *pkey;
    bool secret; /* it can sign */
};

static const uint8_t der_head[SIGN_PUBLIC_DER - RAW_SIZE] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                             0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

/* Takes `pkey`. NULL: it is another kind of key, or none. */
static struct sign_key *wrap(EVP_PKEY *pkey, bool secret)
{
    if (!pkey || EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    struct sign_key *key = xcalloc(1, sizeof *key);
    *key = (struct sign_key){pkey, secret};
    return key;
}

void sign_key_free(struct sign_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

/* --- where keys come from ----------------------------------------------------------------------
 */

struct sign_key *sign_key_new(struct error *error)
{
    struct sign_key *key = wrap(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), true);
    if (!key)
        error_set(error, ERROR_RUN, "no key to sign with could be made (Ed25519)");
    return key;
}

/* Nobody is asked for a passphrase. As OpenSSL's pem_password_cb has it. */
static int no_passphrase(char *text, // NOLINT(readability-non-const-parameter)
                         int size, int writing, void *context)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static struct sign_key *read_pem(FILE *file)
{
    struct sign_key *key = wrap(PEM_read_PrivateKey(file, NULL, no_passphrase, NULL), true);
    if (key || fseek(file, 0, SEEK_SET) != 0)
        return key;
    return wrap(PEM_read_PUBKEY(file, NULL, no_passphrase, NULL), false);
}

struct sign_key *sign_key_read(const char *path, struct error *error)
{
    FILE *file = fopen(path, "rbe");
    if (!file) {
        error_set(error, ERROR_USAGE, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct sign_key *key = read_pem(file);
    fclose(file);
    if (!key)
        error_set(error, ERROR_USAGE,
                  "%s: expected an Ed25519 key in PEM (openssl genpkey -algorithm ed25519)", path);
    return key;
}

static int write_pem(const struct sign_key *key, const char *path, struct error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!file) {
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int wrote = PEM_write_PrivateKey(file, key->pkey, NULL, NULL, 0, NULL, NULL);
    if (fflush(file) != 0 || fsync(fd) != 0)
        wrote = 0;
    if (fclose(file) == 0 && wrote)
        return 0;
    unlink(path);
    return error_set(error, ERROR_RUN, "%s: the key could not be written", path);
}

struct sign_key *sign_key_keep(const char *path, struct error *error)
{
    if (access(path, F_OK) == 0 || errno != ENOENT) {
        struct sign_key *key = sign_key_read(path, error);
        if (!key || key->secret)
            return key;
        error_set(error, ERROR_USAGE, "%s: a public key cannot sign, expected a private one", path);
        sign_key_free(key);
        return NULL;
    }
    struct sign_key *key = sign_key_new(error);
    if (key && write_pem(key, path, error) == 0)
        return key;
    sign_key_free(key);
    return NULL;
}

struct sign_key *sign_key_of_text(const char *text)
{
    uint8_t der[SIGN_PUBLIC_DER + 4]; /* EVP_DecodeBlock pads with zeros to threes */
    char again[SIGN_PUBLIC_B64];
    if (strlen(text) != SIGN_PUBLIC_B64 - 1 ||
        EVP_DecodeBlock(der, (const unsigned char *)text, SIGN_PUBLIC_B64 - 1) <= 0 ||
        memcmp(der, der_head, sizeof der_head) != 0)
        return NULL;
    struct sign_key *key =
        wrap(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, der + sizeof der_head, RAW_SIZE),
             false);
    if (key && strcmp(sign_key_public_text(key, again), text) == 0)
        return key;
    sign_key_free(key); /* another text of the same key: bits that say nothing were set */
    return NULL;
}

/* --- what they do ------------------------------------------------------------------------------
 */

void sign_key_public(const struct sign_key *key, uint8_t der[SIGN_PUBLIC_DER])
{
    size_t size = RAW_SIZE;
    memcpy(der, der_head, sizeof der_head);
    if (!EVP_PKEY_get_raw_public_key(key->pkey, der + sizeof der_head, &size))
        memset(der, 0, SIGN_PUBLIC_DER);
}

char *sign_key_public_text(const struct sign_key *key, char text[SIGN_PUBLIC_B64])
{
    uint8_t der[SIGN_PUBLIC_DER];
    sign_key_public(key, der);
    return base64_text(der, sizeof der, text);
}

int sign_make(const struct sign_key *key, const void *data, size_t size,
              uint8_t signature[SIGNATURE_SIZE], struct error *error)
{
    size_t made = SIGNATURE_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = key->secret && context &&
                EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
                EVP_DigestSign(context, signature, &made, data, size) == 1;
    EVP_MD_CTX_free(context);
    return done ? 0 : error_set(error, ERROR_RUN, "the key does not sign");
}

bool sign_holds(const struct sign_key *key, const void *data, size_t size, const uint8_t *signature,
                size_t signature_size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool holds = signature_size == SIGNATURE_SIZE && context &&
                 EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
                 EVP_DigestVerify(context, signature, signature_size, data, size) == 1;
    EVP_MD_CTX_free(context);
    return holds;
}
