/* Ed25519 signatures (RFC 8032; keys as RFC 8410 has them), by OpenSSL. Thread: a key is one
 * thread's. */
#ifndef WEIR_BASE_SIGN_H
#define WEIR_BASE_SIGN_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNATURE_SIZE  64
#define SIGN_PUBLIC_DER 44 /* SubjectPublicKeyInfo, DER */
#define SIGN_PUBLIC_B64 61 /* the same in base64, with its NUL */

struct sign_key;
/* A key of the moment; NULL: the library refuses. */
struct sign_key *sign_key_new(struct error *error);
/* A PEM file: PKCS#8 or, without which nothing can be signed, SubjectPublicKeyInfo. ERROR_USAGE: it
 * is neither of an Ed25519 key. */
struct sign_key *sign_key_read(const char *path, struct error *error);
/* The private key in `path`, made there (PEM, 0600) when there is no such file. */
struct sign_key *sign_key_keep(const char *path, struct error *error);
/* As sign_key_public wrote it. NULL: it is no such text. */
struct sign_key *sign_key_of_text(const char *text);
void sign_key_free(struct sign_key *key);

void sign_key_public(const struct sign_key *key, uint8_t der[SIGN_PUBLIC_DER]);
char *sign_key_public_text(const struct sign_key *key, char text[SIGN_PUBLIC_B64]);
int sign_make(const struct sign_key *key, const void *data, size_t size,
              uint8_t signature[SIGNATURE_SIZE], struct error *error);
bool sign_holds(const struct sign_key *key, const void *data, size_t size, const uint8_t *signature,
                size_t signature_size);

#endif
