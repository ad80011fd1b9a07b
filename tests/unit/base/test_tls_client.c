/* The TLS client against OpenSSL's server, over a socket pair: handshake, names, every size of
 * write, and an end that is told from a break. */
#include "weir/base/tls.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
    char ca_file[64];
    SSL_CTX *server_context;
    SSL *server;
    int fd[2];
    struct tls_context *context;
    struct tls_client *client;
};

/* A certificate for "good.example" and 192.0.2.1 that vouches for itself. */
static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509V3_CTX context;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, "DNS:good.example,IP:192.0.2.1");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void begin_server(struct pair *pair)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);
    snprintf(pair->ca_file, sizeof pair->ca_file, "/tmp/weir-tls-XXXXXX");
    int fd = mkstemp(pair->ca_file);
    FILE *file = fdopen(fd, "w");
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    pair->server_context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(pair->server_context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(pair->server_context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair->fd),
                     0);
    pair->server = SSL_new(pair->server_context);
    SSL_set_fd(pair->server, pair->fd[1]);
    SSL_set_accept_state(pair->server);
}

static void begin(struct pair *pair, const char *host, bool trusts, bool verify)
{
    struct error error = {0};
    begin_server(pair);
    struct tls_settings settings = {.ca_file = trusts ? pair->ca_file : NULL, .verify = verify};
    pair->context = tls_context_new(&settings, &error);
    assert_non_null(pair->context);
    pair->client = tls_client_new(pair->context, pair->fd[0], host, &error);
    assert_non_null(pair->client);
}

static void end(struct pair *pair)
{
    tls_client_free(pair->client);
    tls_context_free(pair->context);
    SSL_free(pair->server);
    SSL_CTX_free(pair->server_context);
    close(pair->fd[0]);
    close(pair->fd[1]);
    unlink(pair->ca_file);
}

static enum tls_result handshake(struct pair *pair, struct error *error)
{
    enum tls_result result = TLS_WANTS_READ;
    for (int i = 0; i < 20 && (result == TLS_WANTS_READ || result == TLS_WANTS_WRITE); i++) {
        result = tls_client_handshake(pair->client, error);
        SSL_do_handshake(pair->server);
    }
    return result;
}

static void expect_handshake(const char *host, bool trusts, bool verify, const char *why)
{
    struct pair pair;
    struct error error = {0};
    begin(&pair, host, trusts, verify);
    enum tls_result result = handshake(&pair, &error);
    if (why) {
        assert_int_equal(result, TLS_FAILED);
        if (!strstr(error.message, why))
            fail_msg("%s: %s", host, error.message);
    } else {
        assert_int_equal(result, TLS_DONE);
        assert_true(tls_client_written(pair.client) > 0);
    }
    end(&pair);
}

static void test_names(void **state)
{
    (void)state;
    expect_handshake("good.example", true, true, NULL);
    expect_handshake("192.0.2.1", true, true, NULL);
    expect_handshake("bad.example", true, true, "not accepted: hostname mismatch");
    expect_handshake("192.0.2.2", true, true, "not accepted: IP address mismatch");
    expect_handshake("good.example", false, true, "not accepted: self-signed certificate");
    expect_handshake("bad.example", false, false, NULL);
}

/* All of it arrives, whatever the pieces, while the socket is full most of the time. */
static void test_write(void **state)
{
    (void)state;
    struct pair pair;
    struct error error = {0};
    static char data[400000], heard[400000];
    size_t sent = 0, got = 0, done, wants = 0;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7 % 251);
    begin(&pair, "good.example", true, true);
    assert_int_equal(handshake(&pair, &error), TLS_DONE);
    for (int turn = 0; got < sizeof data && turn < 100000; turn++) {
        enum tls_result result = TLS_DONE;
        while (sent < sizeof data && result == TLS_DONE) {
            result = tls_client_write(pair.client, data + sent, sizeof data - sent, &done, &error);
            sent += done;
        }
        assert_true(result == TLS_DONE || result == TLS_WANTS_WRITE);
        wants += result == TLS_WANTS_WRITE;
        if (SSL_read_ex(pair.server, heard + got, 3000, &done) == 1)
            got += done;
    }
    assert_int_equal(got, sizeof data);
    assert_memory_equal(heard, data, sizeof data);
    assert_true(wants > 0);
    assert_true(tls_client_written(pair.client) > sizeof data);
    end(&pair);
}

/* Beyond the tickets, which are records, too. */
static enum tls_result read_on(struct pair *pair, struct error *error)
{
    char byte;
    size_t done;
    enum tls_result result = TLS_WANTS_READ;
    for (int i = 0; i < 5 && result == TLS_WANTS_READ; i++)
        result = tls_client_read(pair->client, &byte, 1, &done, error);
    return result;
}

static void test_ends(void **state)
{
    (void)state;
    struct pair pair;
    struct error error = {0};
    char byte;
    size_t done;
    begin(&pair, "good.example", true, true);
    assert_int_equal(handshake(&pair, &error), TLS_DONE);
    assert_int_equal(tls_client_read(pair.client, &byte, 1, &done, &error), TLS_WANTS_READ);
    SSL_shutdown(pair.server);
    assert_int_equal(read_on(&pair, &error), TLS_ENDED);
    end(&pair);
    begin(&pair, "good.example", true, true);
    assert_int_equal(handshake(&pair, &error), TLS_DONE);
    shutdown(pair.fd[1], SHUT_RDWR);
    assert_int_equal(read_on(&pair, &error), TLS_FAILED);
    assert_non_null(strstr(error.message, "TLS with good.example: "));
    end(&pair);
    error = (struct error){0};
    begin(&pair, "good.example", true, true);
    assert_int_equal(write(pair.fd[1], "HTTP/1.1 400 What\r\n\r\n", 21), 21);
    assert_int_equal(tls_client_handshake(pair.client, &error), TLS_FAILED);
    assert_non_null(strstr(error.message, "wrong version number"));
    end(&pair);
}

#define UPDATES 20

/* A peer that sends one key update after the other, with a byte behind them, has one of them read
 * at a time: it holds nobody up for longer. */
static void test_key_updates(void **state)
{
    (void)state;
    struct pair pair;
    struct error error = {0};
    char byte = 0;
    size_t done;
    int waits = 0;
    begin(&pair, "good.example", true, true);
    assert_int_equal(handshake(&pair, &error), TLS_DONE);
    for (int i = 0; i < UPDATES; i++) {
        assert_int_equal(SSL_key_update(pair.server, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(pair.server), 1);
    }
    assert_int_equal(SSL_write(pair.server, "x", 1), 1);
    while (waits < 2 * UPDATES &&
           tls_client_read(pair.client, &byte, 1, &done, &error) == TLS_WANTS_READ)
        waits++;
    assert_in_range(waits, UPDATES, UPDATES + 2); /* and the tickets */
    assert_int_equal(byte, 'x');
    end(&pair);
}

static void test_files(void **state)
{
    (void)state;
    static const struct {
        struct tls_settings settings;
        const char *why;
    } row[] = {{{.ca_file = "/nowhere.pem"}, "/nowhere.pem: cannot be read as certificates"},
               {{.ca_file = "/dev/null"}, "/dev/null: cannot be read as certificates"},
               {{.cert_file = "/nowhere.pem"}, "/nowhere.pem: cannot be read as a certificate"},
               {{.key_file = "/nowhere.pem"}, "without a cert_file"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct error error = {0};
        assert_null(tls_context_new(&row[i].settings, &error));
        if (!strstr(error.message, row[i].why))
            fail_msg("%s", error.message);
        assert_int_equal(error.code, ERROR_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), cmocka_unit_test(test_write),
        cmocka_unit_test(test_ends),  cmocka_unit_test(test_key_updates),
        cmocka_unit_test(test_files),
    };
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
