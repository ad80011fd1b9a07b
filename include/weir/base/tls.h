/* TLS 1.2 and later over a connected non-blocking descriptor of the caller's (RFC 8446, RFC 6125
 * names), as a client, or as a server that asks for no certificate. Never waits. Errors are one
 * line that says what is wrong with whom. The loop's thread. */
#ifndef WEIR_BASE_TLS_H
#define WEIR_BASE_TLS_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_settings {
    const char *ca_file;              /* PEM; NULL: those the system trusts */
    const char *cert_file, *key_file; /* PEM, what we show of ourselves; NULL: nothing */
    bool verify;                      /* false: whoever answers is believed */
};

/* What all connections to one peer share. Files that are named are read now, and never again; of
 * the system's certificates OpenSSL looks up the one it needs in their folder at each handshake. */
struct tls_context;
struct tls_context *tls_context_new(const struct tls_settings *settings, struct error *error);
/* A server's: `key_file` NULL: in cert_file. Both are read now, and never again. */
struct tls_context *tls_server_context_new(const char *cert_file, const char *key_file,
                                           struct error *error);
void tls_context_free(struct tls_context *context);

enum tls_result {
    TLS_DONE,
    TLS_WANTS_READ, /* the same call again when the descriptor is readable; it may be already: a
                       record without data was read */
    TLS_WANTS_WRITE,
    TLS_ENDED,  /* the peer closed */
    TLS_FAILED, /* the connection is of no more use; the error says why */
};

struct tls_client;
/* `host`: the name or address the certificate must be for, and that is asked for (SNI, names
 * only). The descriptor stays the caller's. */
struct tls_client *tls_client_new(struct tls_context *context, int fd, const char *host,
                                  struct error *error);
/* The server's end of a connection that came to us: from then on it is used like a client's. */
struct tls_client *tls_server_new(struct tls_context *context, int fd, struct error *error);
void tls_client_free(struct tls_client *client);
enum tls_result tls_client_handshake(struct tls_client *client, struct error *error);
/* TLS_DONE: `done` bytes of it are written, all that carries them is with the kernel. */
enum tls_result tls_client_write(struct tls_client *client, const void *data, size_t size,
                                 size_t *done, struct error *error);
enum tls_result tls_client_read(struct tls_client *client, void *data, size_t size, size_t *done,
                                struct error *error);
/* Bytes given to the kernel so far, handshake and all. */
uint64_t tls_client_written(const struct tls_client *client);

#endif
