/* Non-blocking TLS by OpenSSL, as a client and as a server.
 *
 * The certificate is verified as OpenSSL does: chain, dates, and the name or address the operator
 * wrote. Partial writes are allowed, so what was not taken stays with the caller; nothing is
 * buffered here beyond OpenSSL's one record. OpenSSL's queue of errors is emptied before each call,
 * because it is the thread's, not the connection's. One call reads one record: what a peer can send
 * without end and without data (key updates) costs a call each, so the loop has its turn between
 * them. Nothing is read ahead, so what is left makes the descriptor readable again. Thread: the
 * loop's. */
#include "weir/base/tls.h"

#include "weir/base/buffer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct tls_context {
    SSL_CTX *ssl;
};

struct tls_client {
    SSL *ssl;
    char *host;
};

/* The reason of OpenSSL's last complaint, in its words. */
static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text ? text : errno ? strerror(errno) : "the connection broke off";
}

/* --- context ---------------------------------------------------------------------------------- */

static int load_trust(SSL_CTX *ssl, const char *ca_file, struct error *error)
{
    if (!ca_file)
        return SSL_CTX_set_default_verify_paths(ssl) == 1
                   ? 0
                   : error_set(error, ERROR_RUN, "the system's certificates: %s", reason());
    if (SSL_CTX_load_verify_locations(ssl, ca_file, NULL) != 1)
        return error_set(error, ERROR_USAGE, "%s: cannot be read as certificates: %s", ca_file,
                         reason());
    return 0;
}

static int load_own(SSL_CTX *ssl, const struct tls_settings *settings, struct error *error)
{
    const char *key = settings->key_file ? settings->key_file : settings->cert_file;
    if (!settings->cert_file)
        return settings->key_file ? error_set(error, ERROR_USAGE, "a key_file without a cert_file")
                                  : 0;
    if (SSL_CTX_use_certificate_chain_file(ssl, settings->cert_file) != 1)
        return error_set(error, ERROR_USAGE, "%s: cannot be read as a certificate: %s",
                         settings->cert_file, reason());
    if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1)
        return error_set(error, ERROR_USAGE, "%s: is not the certificate's key: %s", key, reason());
    return 0;
}

struct tls_context *tls_context_new(const struct tls_settings *settings, struct error *error)
{
    struct tls_context *context = xcalloc(1, sizeof *context);
    ERR_clear_error();
    errno = 0;
    context->ssl = SSL_CTX_new(TLS_client_method());
    if (!context->ssl) {
        error_set(error, ERROR_RUN, "TLS: %s", reason());
        goto failed;
    }
    SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
    SSL_CTX_set_mode(context->ssl,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_clear_mode(context->ssl, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_verify(context->ssl, settings->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (load_trust(context->ssl, settings->ca_file, error) == 0 &&
        load_own(context->ssl, settings, error) == 0)
        return context;
failed:
    tls_context_free(context);
    return NULL;
}

/* What a handshake may be made of: others cost many times as much, and nobody needs them. */
#define SERVER_GROUPS "X25519:P-256:P-384"

/* No renegotiation: it is how one connection could be made to cost as much as thousands. */
struct tls_context *tls_server_context_new(const char *cert_file, const char *key_file,
                                           struct error *error)
{
    struct tls_context *context = xcalloc(1, sizeof *context);
    const struct tls_settings settings = {.cert_file = cert_file, .key_file = key_file};
    ERR_clear_error();
    errno = 0;
    context->ssl = SSL_CTX_new(TLS_server_method());
    if (!context->ssl) {
        error_set(error, ERROR_RUN, "TLS: %s", reason());
    } else {
        SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
        SSL_CTX_set_options(context->ssl,
                            SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
        SSL_CTX_set_mode(context->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                           SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                           SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_clear_mode(context->ssl, SSL_MODE_AUTO_RETRY);
        if (!SSL_CTX_set1_groups_list(context->ssl, SERVER_GROUPS))
            error_set(error, ERROR_RUN, "TLS: %s", reason());
        else if (load_own(context->ssl, &settings, error) == 0)
            return context;
    }
    tls_context_free(context);
    return NULL;
}

void tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ssl);
    free(context);
}

/* --- client ----------------------------------------------------------------------------------- */

static bool is_address(const char *host)
{
    struct in6_addr any;
    return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

/* An address is looked for among the certificate's addresses, and is not a name to ask for. */
static int expect_host(const struct tls_client *client)
{
    SSL *ssl = client->ssl;
    if (is_address(client->host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), client->host);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, client->host) == 1 &&
           SSL_set_tlsext_host_name(ssl, client->host) == 1;
}

struct tls_client *tls_client_new(struct tls_context *context, int fd, const char *host,
                                  struct error *error)
{
    struct tls_client *client = xcalloc(1, sizeof *client);
    ERR_clear_error();
    client->host = xstrdup(host);
    client->ssl = SSL_new(context->ssl);
    if (client->ssl && SSL_set_fd(client->ssl, fd) == 1 && expect_host(client) == 1) {
        SSL_set_connect_state(client->ssl);
        return client;
    }
    error_set(error, ERROR_RUN, "TLS with %s: %s", host, reason());
    tls_client_free(client);
    return NULL;
}

struct tls_client *tls_server_new(struct tls_context *context, int fd, struct error *error)
{
    struct tls_client *client = xcalloc(1, sizeof *client);
    ERR_clear_error();
    client->host = xstrdup("a client");
    client->ssl = SSL_new(context->ssl);
    if (client->ssl && SSL_set_fd(client->ssl, fd) == 1) {
        SSL_set_accept_state(client->ssl);
        return client;
    }
    error_set(error, ERROR_RUN, "TLS: %s", reason());
    tls_client_free(client);
    return NULL;
}

void tls_client_free(struct tls_client *client)
{
    if (!client)
        return;
    SSL_free(client->ssl);
    free(client->host);
    free(client);
}

static enum tls_result fail(const struct tls_client *client, struct error *error)
{
    long verdict = SSL_get_verify_result(client->ssl);
    if (verdict != X509_V_OK && SSL_get_verify_mode(client->ssl) != SSL_VERIFY_NONE)
        error_set(error, ERROR_RUN, "TLS with %s: its certificate is not accepted: %s",
                  client->host, X509_verify_cert_error_string(verdict));
    else
        error_set(error, ERROR_RUN, "TLS with %s: %s", client->host, reason());
    return TLS_FAILED;
}

static enum tls_result result_of(const struct tls_client *client, int returned, struct error *error)
{
    switch (SSL_get_error(client->ssl, returned)) {
    case SSL_ERROR_NONE:
        return TLS_DONE;
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_ENDED;
    default:
        return fail(client, error);
    }
}

static void begin(void)
{
    ERR_clear_error();
    errno = 0;
}

enum tls_result tls_client_handshake(struct tls_client *client, struct error *error)
{
    begin();
    return result_of(client, SSL_do_handshake(client->ssl), error);
}

enum tls_result tls_client_write(struct tls_client *client, const void *data, size_t size,
                                 size_t *done, struct error *error)
{
    *done = 0;
    if (size == 0)
        return TLS_DONE;
    begin();
    return result_of(client, SSL_write_ex(client->ssl, data, size, done), error);
}

enum tls_result tls_client_read(struct tls_client *client, void *data, size_t size, size_t *done,
                                struct error *error)
{
    *done = 0;
    begin();
    return result_of(client, SSL_read_ex(client->ssl, data, size, done), error);
}

uint64_t tls_client_written(const struct tls_client *client)
{
    return BIO_number_written(SSL_get_wbio(client->ssl));
}
