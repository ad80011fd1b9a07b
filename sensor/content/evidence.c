/* Who is the client, by what is said. A capture that begins in the middle of a connection has no
 * SYN to tell it, and ports deceive: a web server on 50000 and a client behind a port below 1024
 * look turned round. But a ClientHello, a request, a greeting have one possible sender.
 *
 * One segment or datagram is looked at on its own, before anybody has followed its stream: what is
 * asked for is therefore so much in its place that chance does not make it (some 2^40 random
 * segments for one error), and what both sides may say (an SSH banner, a Certificate, a record of
 * data) says nothing.
 *
 * Known to be wrong: the data connection of active FTP over TLS, in which the side that connects is
 * the TLS server (RFC 4217 7); its SYN stands above all of this. Pure; no allocation. */
#include "recognise.h"
#include "weir/base/cursor.h"
#include "weir/content/client.h"

#include <string.h>
#include <strings.h>

#define TLS_HANDSHAKE       22u
#define TLS_RECORD_MAX      18432u
#define CLIENT_HELLO        1u
#define SERVER_HELLO        2u
#define SERVER_KEY_EXCHANGE 12u
#define SERVER_HELLO_DONE   14u
#define CLIENT_KEY_EXCHANGE 16u
#define HELLO_MIN           38u /* version, random, empty session, one cipher or none */
#define SSH_PACKET_MAX      35000u
#define COMMAND_MAX         512u
#define DNS_HEADER          12u

/* --- TLS (RFC 8446 5.1, 4; RFC 5246 7.4) -------------------------------------------------------
 */

static enum evidence of_hello(struct cursor c, uint8_t type, uint32_t body, uint16_t record)
{
    uint8_t major = cursor_u8(&c), minor = cursor_u8(&c);
    if (c.failed || major != 3 || minor > 4 || body < HELLO_MIN || body > TLS_HELLO_MAX)
        return EVIDENCE_NONE;
    if (type == SERVER_HELLO)
        return EVIDENCE_SERVER;
    return body + 4 >= record ? EVIDENCE_CLIENT : EVIDENCE_NONE;
}

static enum evidence of_tls(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    uint8_t content = cursor_u8(&c), major = cursor_u8(&c), minor = cursor_u8(&c);
    uint16_t record = cursor_be16(&c);
    uint8_t type = cursor_u8(&c);
    uint32_t body = cursor_be24(&c);
    if (c.failed || content != TLS_HANDSHAKE || major != 3 || minor > 4 || record > TLS_RECORD_MAX)
        return EVIDENCE_NONE;
    if (type == CLIENT_HELLO || type == SERVER_HELLO)
        return of_hello(c, type, body, record);
    if (body + 4 != record)
        return EVIDENCE_NONE;
    if (type == CLIENT_KEY_EXCHANGE)
        return EVIDENCE_CLIENT;
    if (type == SERVER_KEY_EXCHANGE || (type == SERVER_HELLO_DONE && body == 0))
        return EVIDENCE_SERVER;
    return EVIDENCE_NONE;
}

/* --- HTTP, SMTP, FTP ---------------------------------------------------------------------------
 */

/* "HTTP/1.1 200" (RFC 9112 4). */
static bool is_answer(const uint8_t *data, size_t size)
{
    if (size < 12 || memcmp(data, "HTTP/1.", 7) != 0 || data[8] != ' ')
        return false;
    for (size_t i = 9; i < 12; i++)
        if (data[i] < '0' || data[i] > '9')
            return false;
    return true;
}

/* One line of text, and nothing else: what a person or program types. */
static bool is_command(const uint8_t *data, size_t size)
{
    if (size < 6 || size > COMMAND_MAX || data[size - 1] != '\n' || data[size - 2] != '\r')
        return false;
    for (size_t i = 0; i < size - 2; i++)
        if (data[i] < 0x20 || data[i] > 0x7e)
            return false;
    return true;
}

/* RFC 5321 4.1.1, RFC 959 4.1; only verbs that no answer begins with. */
static bool is_client_verb(const uint8_t *data, size_t size)
{
    static const char *const verbs[] = {"EHLO ", "HELO ", "MAIL FROM:", "RCPT TO:", "USER ",
                                        "RETR ", "STOR ", "AUTH TLS",   "STARTTLS"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        size_t length = strlen(verbs[i]);
        if (size > length && strncasecmp((const char *)data, verbs[i], length) == 0)
            return true;
    }
    return false;
}

static enum evidence of_text(const uint8_t *data, size_t size)
{
    enum service service;
    if (is_answer(data, size))
        return EVIDENCE_SERVER;
    if (http_is_request(data, size) || (is_command(data, size) && is_client_verb(data, size)))
        return EVIDENCE_CLIENT;
    if (memcmp(data, "220", 3) == 0 && service_recognise(data, size, &service) == PARSE_OK &&
        (service == SERVICE_SMTP || service == SERVICE_FTP))
        return EVIDENCE_SERVER;
    return EVIDENCE_NONE;
}

/* --- SSH (RFC 4253 6, 8; RFC 4419 5; RFC 5656 4) -----------------------------------------------
 */

/* Numbers of the key exchange, in which the client begins: 30, 32, 34 are its own. */
static enum evidence of_ssh(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    uint32_t length = cursor_be32(&c);
    uint8_t padding = cursor_u8(&c), message = cursor_u8(&c);
    if (c.failed || length < 12 || length > SSH_PACKET_MAX || (length + 4) % 8 != 0 ||
        padding < 4 || padding >= length)
        return EVIDENCE_NONE;
    if (message == 30 || message == 32 || message == 34)
        return EVIDENCE_CLIENT;
    return message == 31 || message == 33 ? EVIDENCE_SERVER : EVIDENCE_NONE;
}

/* --- DNS (RFC 1035 4.1.1) ----------------------------------------------------------------------
 */

enum evidence evidence_of_dns(const uint8_t *data, size_t size)
{
    if (size < DNS_HEADER || !dns_looks_like(data, size))
        return EVIDENCE_NONE;
    return data[2] & 0x80 ? EVIDENCE_SERVER : EVIDENCE_CLIENT;
}

enum evidence evidence_of_segment(const uint8_t *data, size_t size, enum service service)
{
    if (size < 6)
        return EVIDENCE_NONE;
    if (service == SERVICE_SSH)
        return of_ssh(data, size);
    if (data[0] == TLS_HANDSHAKE)
        return of_tls(data, size);
    if (proxy_begins(data, size) == PARSE_OK)
        return EVIDENCE_CLIENT;
    if (data[0] == 0 || data[0] == 1) /* a length, below 512 */
        return dns_begins(data, size) == PARSE_OK && size > 4
                   ? (data[4] & 0x80 ? EVIDENCE_SERVER : EVIDENCE_CLIENT)
                   : EVIDENCE_NONE;
    return of_text(data, size);
}
