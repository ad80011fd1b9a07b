/* DTLS 1.0 to 1.3 over UDP (RFC 6347, RFC 9147): the client's hello where it lies whole in one
 * record, which it does unless its key shares are large. With a HelloVerifyRequest between, the
 * second hello says the same as the first. Records of 1.3's own short header come only after a
 * hello in the long one. Certificates and split hellos are not read.
 *
 * Of each record type, version and length are checked, to the datagram's last byte: 40 bits that
 * chance does not have. Pure; no allocation. */
#include "hello.h"
#include "protocol.h"
#include "tls_wire.h"
#include "weir/content/names.h"

#include <string.h>

#define DTLS_MAJOR       0xfeu
#define DTLS_MINOR_1_2   0xfdu
#define DTLS_MINOR_1_0   0xffu
#define RECORD_TYPE_LAST 26u /* RFC 9147: heartbeat, tls12_cid, ACK */
#define EPOCH_AND_NUMBER 8u

static enum parse_result take_record(struct cursor *c, uint8_t *type, struct cursor *content)
{
    *type = cursor_u8(c);
    uint8_t major = cursor_u8(c), minor = cursor_u8(c);
    bool version = major == DTLS_MAJOR && (minor == DTLS_MINOR_1_2 || minor == DTLS_MINOR_1_0);
    cursor_skip(c, EPOCH_AND_NUMBER);
    uint16_t size = cursor_be16(c);
    if (c->failed || *type < TLS_RECORD_FIRST || *type > RECORD_TYPE_LAST || !version ||
        size == 0 || size > TLS_RECORD_MAX)
        return PARSE_NOT;
    *content = cursor_sub(c, size);
    return content->failed ? PARSE_MORE : PARSE_OK;
}

/* Whole in the record, and the first fragment is the only one. */
static void read_hello(struct cursor c, struct tls_hello *hello)
{
    if (cursor_u8(&c) != TLS_CLIENT_HELLO)
        return;
    uint32_t size = cursor_be24(&c);
    cursor_skip(&c, 2); /* message_seq */
    uint32_t offset = cursor_be24(&c), there = cursor_be24(&c);
    struct cursor body = cursor_sub(&c, size);
    if (!c.failed && offset == 0 && there == size && !hello_read(body, HELLO_DTLS, hello))
        hello_drop_fingerprints(hello);
}

enum parse_result dtls_parse(const uint8_t *data, size_t size, struct tls_hello *hello)
{
    struct cursor c = cursor_make(data, size), content;
    uint8_t type;
    memset(hello, 0, sizeof *hello);
    if (size == 0)
        return PARSE_NOT;
    for (bool first = true; cursor_left(&c); first = false) {
        enum parse_result result = take_record(&c, &type, &content);
        if (result != PARSE_OK)
            return first ? PARSE_NOT : result;
        if (first && type == TLS_HANDSHAKE)
            read_hello(content, hello);
    }
    return PARSE_OK;
}

static bool dtls_datagram(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    struct tls_hello hello;
    (void)side;
    if (cf->protocol && cf->facts && cf->facts->has_ja3)
        return true; /* nothing more to be had */
    if (dtls_parse(packet->payload, packet->payload_captured, &hello) != PARSE_OK)
        return cf->protocol != NULL;
    content_set_service(cf, SERVICE_TLS);
    content_hello(cf, &hello);
    return true;
}

const struct protocol dtls_protocol = {.service = SERVICE_TLS, .datagram = dtls_datagram};
