/* The server's first flight up to TLS 1.2: ServerHello, then Certificate, in clear (RFC
 * 5246 7.4.1.3 and 7.4.2). From TLS 1.3 on the certificate is encrypted, and a resumed session has
 * none.
 *
 * Pure; no allocation. Bounds: CERTIFICATE_MAX of the server's own certificate, TLS_HELLO_MAX bytes
 * of handshake, TLS_RECORDS_MAX records. The flight is put together anew whenever more of it is
 * there: a copy of at most TLS_HELLO_MAX bytes a packet, as long as a flight is unfinished. */
#include "recognise.h"
#include "tls_wire.h"

#include <string.h>

#define TLS_1_3        0x0304u
#define RANDOM_SIZE    32u
#define SESSION_ID_MAX 32u

struct flight {
    const uint8_t *data;
    size_t size;
    bool ended; /* no more handshake comes in clear, or no more is read */
};

/* What is there of the handshake, in `scratch`. */
static void collect(const uint8_t *data, size_t size, uint8_t scratch[TLS_HELLO_MAX],
                    struct flight *flight)
{
    struct cursor c = cursor_make(data, size), content;
    *flight = (struct flight){scratch, 0, false};
    for (unsigned records = 0; cursor_left(&c); records++) {
        enum parse_result result = tls_take_record(&c, &content);
        if (result == PARSE_MORE)
            return;
        size_t more = cursor_left(&content);
        if (result != PARSE_OK || records == TLS_RECORDS_MAX ||
            flight->size + more > TLS_HELLO_MAX) {
            flight->ended = true;
            return;
        }
        if (more)
            memcpy(scratch + flight->size, content.at, more);
        flight->size += more;
    }
}

/* The next message of the flight. */
static enum parse_result next_message(const struct flight *flight, struct cursor *c, uint8_t *type,
                                      struct cursor *body)
{
    if (cursor_left(c) == 0)
        return flight->ended ? PARSE_NOT : PARSE_MORE;
    *type = cursor_u8(c);
    size_t size = cursor_be24(c);
    *body = cursor_sub(c, size);
    if (c->failed)
        return flight->ended || size > TLS_HELLO_MAX ? PARSE_MALFORMED : PARSE_MORE;
    return PARSE_OK;
}

static bool is_encrypted_from_here(struct cursor hello)
{
    cursor_skip(&hello, 2 + RANDOM_SIZE);
    cursor_skip(&hello, cursor_u8(&hello)); /* session id */
    cursor_skip(&hello, 3);                 /* cipher, compression */
    struct cursor extensions = cursor_sub(&hello, cursor_be16(&hello));
    while (cursor_left(&extensions)) {
        uint16_t type = cursor_be16(&extensions);
        struct cursor body = cursor_sub(&extensions, cursor_be16(&extensions));
        if (type == TLS_EXTENSION_VERSIONS && !extensions.failed)
            return cursor_be16(&body) >= TLS_1_3;
    }
    return false;
}

/* The first of the list is the server's own. */
static enum parse_result take_first(struct cursor body, struct tls_certificate *certificate)
{
    struct cursor list = cursor_sub(&body, cursor_be24(&body));
    if (!list.failed && cursor_left(&list) == 0)
        return PARSE_NOT;
    size_t size = cursor_be24(&list);
    const uint8_t *der = cursor_take(&list, size);
    if (!der || size == 0 || size > CERTIFICATE_MAX)
        return PARSE_MALFORMED;
    memcpy(certificate->der, der, size);
    certificate->size = size;
    return PARSE_OK;
}

enum parse_result tls_parse_certificate(const uint8_t *data, size_t size,
                                        struct tls_certificate *certificate)
{
    uint8_t scratch[TLS_HELLO_MAX], type;
    struct flight flight;
    struct cursor body;
    certificate->size = 0;
    enum parse_result result = tls_begins(data, size);
    if (result != PARSE_OK)
        return result;
    collect(data, size, scratch, &flight);
    struct cursor c = cursor_make(flight.data, flight.size);
    if (flight.size && flight.data[0] != TLS_SERVER_HELLO)
        return PARSE_NOT;
    result = next_message(&flight, &c, &type, &body);
    if (result != PARSE_OK)
        return result;
    if (is_encrypted_from_here(body))
        return PARSE_NOT;
    do
        result = next_message(&flight, &c, &type, &body);
    while (result == PARSE_OK && type == TLS_SUPPLEMENTAL_DATA);
    if (result != PARSE_OK)
        return result;
    return type == TLS_CERTIFICATE ? take_first(body, certificate) : PARSE_NOT;
}

static bool hello_fits(struct cursor hello)
{
    uint8_t major = cursor_u8(&hello), minor = cursor_u8(&hello);
    cursor_skip(&hello, RANDOM_SIZE);
    uint8_t session_size = cursor_u8(&hello);
    cursor_skip(&hello, session_size);
    cursor_skip(&hello, 3); /* cipher, compression */
    if (hello.failed || major != 3 || minor > 4 || session_size > SESSION_ID_MAX)
        return false;
    if (cursor_left(&hello) == 0)
        return true; /* without extensions, up to TLS 1.2 */
    struct cursor extensions = cursor_sub(&hello, cursor_be16(&hello));
    while (!extensions.failed && cursor_left(&extensions)) {
        cursor_skip(&extensions, 2); /* type */
        cursor_skip(&extensions, cursor_be16(&extensions));
    }
    return !hello.failed && !extensions.failed && cursor_left(&hello) == 0;
}

bool tls_server_hello_fits(const uint8_t *data, size_t size)
{
    uint8_t scratch[TLS_HELLO_MAX], type;
    struct flight flight;
    struct cursor body;
    collect(data, size, scratch, &flight);
    struct cursor c = cursor_make(flight.data, flight.size);
    return next_message(&flight, &c, &type, &body) == PARSE_OK && type == TLS_SERVER_HELLO &&
           hello_fits(body);
}
