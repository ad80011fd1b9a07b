/* TLS records, and the ClientHello that lies in them (RFC 8446 4.1.2 and 5.1; hello.c reads it).
 *
 * A hello that lies in one record is read where it is; one that was split over records (by large
 * key shares, or by tools that hope to be overlooked) is put together in a buffer on the stack. An
 * unfinished hello is read as far as it goes, so that a name before the cut is not lost.
 * SSLv2-compatible hellos are not TLS here.
 *
 * Pure; no allocation. Bounds: TLS_HELLO_MAX bytes, TLS_RECORDS_MAX records; beyond them a hello is
 * malformed. */
#include "hello.h"
#include "recognise.h"
#include "tls_wire.h"
#include "weir/base/cursor.h"
#include "weir/content/names.h"

#include <string.h>

/* --- records -> the hello's bytes --------------------------------------------------------------
 */

struct message {
    const uint8_t *data; /* from the handshake header on */
    size_t size;         /* bytes there */
    size_t whole;        /* bytes it says it has; 0 as long as that is not known */
};

static void learn_size(struct message *m)
{
    if (m->whole == 0 && m->size >= HANDSHAKE_HEADER)
        m->whole = HANDSHAKE_HEADER +
                   (((size_t)m->data[1] << 16) | ((size_t)m->data[2] << 8) | m->data[3]);
    if (m->whole && m->size > m->whole)
        m->size = m->whole;
}

enum parse_result tls_take_record(struct cursor *c, struct cursor *content)
{
    uint8_t type = cursor_u8(c);
    if (!c->failed && type != TLS_HANDSHAKE)
        return PARSE_NOT;
    uint8_t major = cursor_u8(c), minor = cursor_u8(c);
    uint16_t size = cursor_be16(c);
    if (c->failed)
        return PARSE_MORE;
    if (major != 3 || minor > 4 || size == 0 || size > TLS_RECORD_MAX)
        return PARSE_NOT;
    *content = cursor_sub(c, size < cursor_left(c) ? size : cursor_left(c));
    return PARSE_OK;
}

/* Collects the hello's bytes; `scratch` is used when it spans records. */
static enum parse_result collect(const uint8_t *data, size_t size, uint8_t *scratch,
                                 struct message *m)
{
    struct cursor c = cursor_make(data, size), content;
    enum parse_result result = tls_take_record(&c, &content);
    if (result != PARSE_OK)
        return tls_begins(data, size) == PARSE_NOT ? PARSE_NOT : result;
    *m = (struct message){content.at, cursor_left(&content), 0};
    if (m->size && m->data[0] != TLS_CLIENT_HELLO)
        return PARSE_NOT;
    learn_size(m);
    if (m->whole > TLS_HELLO_MAX)
        return PARSE_MALFORMED;
    for (unsigned records = 1; cursor_left(&c) && (!m->whole || m->size < m->whole); records++) {
        if (records == 1) {
            memcpy(scratch, m->data, m->size);
            m->data = scratch;
        }
        result = tls_take_record(&c, &content);
        if (result == PARSE_MORE)
            return PARSE_OK;
        size_t more = cursor_left(&content);
        if (result == PARSE_NOT || records == TLS_RECORDS_MAX || m->size + more > TLS_HELLO_MAX)
            return PARSE_MALFORMED;
        memcpy(scratch + m->size, content.at, more);
        m->size += more;
        learn_size(m);
        if (m->whole > TLS_HELLO_MAX)
            return PARSE_MALFORMED;
    }
    return PARSE_OK;
}

/* --- the hello ---------------------------------------------------------------------------------
 */

/* What is there of a message whose size it says itself. */
static enum parse_result parse_message(const struct message *m, enum hello_carrier carrier,
                                       struct tls_hello *hello)
{
    struct cursor c = cursor_make(m->data, m->size);
    cursor_skip(&c, HANDSHAKE_HEADER);
    bool sound = hello_read(c, carrier, hello);
    if (m->whole && m->size == m->whole)
        return sound ? PARSE_OK : PARSE_MALFORMED;
    hello_drop_fingerprints(hello);
    return PARSE_MORE;
}

enum parse_result tls_parse_hello(const uint8_t *data, size_t size, struct tls_hello *hello)
{
    uint8_t scratch[TLS_HELLO_MAX];
    struct message m = {NULL, 0, 0};
    memset(hello, 0, sizeof *hello);
    enum parse_result result = collect(data, size, scratch, &m);
    if (result == PARSE_NOT)
        return result;
    enum parse_result parsed = parse_message(&m, HELLO_TLS, hello);
    if (result != PARSE_MALFORMED)
        return parsed;
    hello_drop_fingerprints(hello);
    return result;
}

bool tls_hello_wants_more(const uint8_t *data, size_t size)
{
    uint8_t scratch[TLS_HELLO_MAX];
    struct message m = {NULL, 0, 0};
    enum parse_result result = collect(data, size, scratch, &m);
    return result == PARSE_MORE || (result == PARSE_OK && (m.whole == 0 || m.size < m.whole));
}

enum parse_result tls_parse_hello_message(const uint8_t *data, size_t size,
                                          enum hello_carrier carrier, struct tls_hello *hello)
{
    struct message m = {data, size, 0};
    memset(hello, 0, sizeof *hello);
    if (size && data[0] != TLS_CLIENT_HELLO)
        return PARSE_NOT;
    learn_size(&m);
    if (m.whole > TLS_HELLO_MAX)
        return PARSE_MALFORMED;
    return parse_message(&m, carrier, hello);
}

/* --- recognising -------------------------------------------------------------------------------
 */

static enum parse_result read_header(const uint8_t *data, size_t size, uint8_t last, size_t *length)
{
    if (size > 0 && (data[0] < TLS_RECORD_FIRST || data[0] > last))
        return PARSE_NOT;
    if (size > 1 && data[1] != 3)
        return PARSE_NOT;
    if (size > 2 && data[2] > 4)
        return PARSE_NOT;
    if (size < TLS_RECORD_HEADER)
        return PARSE_MORE;
    *length = (size_t)data[3] << 8 | data[4];
    return *length <= TLS_RECORD_MAX ? PARSE_OK : PARSE_NOT;
}

enum parse_result tls_begins(const uint8_t *data, size_t size)
{
    size_t length;
    enum parse_result result = read_header(data, size, TLS_RECORD_LAST, &length);
    return result == PARSE_OK && length == 0 ? PARSE_NOT : result;
}

enum parse_result tls_record_size(const uint8_t *data, size_t size, size_t *whole)
{
    size_t length = 0;
    enum parse_result result = read_header(data, size, TLS_HEARTBEAT, &length);
    *whole = TLS_RECORD_HEADER + length;
    return result;
}

bool tls_looks_like(const uint8_t *data, size_t size)
{
    return tls_begins(data, size) == PARSE_OK;
}

static bool begins_handshake(const uint8_t *data, size_t size, uint8_t type)
{
    return size > TLS_RECORD_HEADER && tls_begins(data, size) == PARSE_OK &&
           data[0] == TLS_HANDSHAKE && data[TLS_RECORD_HEADER] == type;
}

bool tls_may_be_client(const uint8_t *data, size_t size)
{
    return data[0] == TLS_HANDSHAKE &&
           (size == TLS_RECORD_HEADER || begins_handshake(data, size, TLS_CLIENT_HELLO));
}

bool tls_begins_server_hello(const uint8_t *data, size_t size)
{
    return begins_handshake(data, size, TLS_SERVER_HELLO);
}

bool tls_begins_hello(const uint8_t *data, size_t size)
{
    return begins_handshake(data, size, TLS_CLIENT_HELLO) ||
           begins_handshake(data, size, TLS_SERVER_HELLO);
}
