/* NTP by its shape (RFC 5905 7.3, extension fields RFC 7822, control messages RFC 9327).
 *
 * A time message is 48 bytes, then extension fields and a MAC. What clients and servers write there
 * is narrow: delays of seconds, a precision of 2^-1 to 2^-32 s, a server's two times within a
 * second or so of each other; or nothing at all but the client's time (what careful clients send).
 * That is certain on any port. On port 123 the lengths and the stratum are enough, so that
 * symmetric, broadcast and control messages are known too. Text is neither: its second byte is no
 * stratum.
 *
 * A datagram that is NTP is not searched for sensitive data unless it is longer than a time and its
 * MAC: extension fields and commands have room for anything. One that is not well-formed is.
 * Pure but for the row; each datagram stands alone, in time bounded by its size. Thread: capture.
 */
#include "ntp.h"

#include "protocol.h"
#include "weir/base/cursor.h"

#include <string.h>

#define NTP_PORT                   123
#define TIME_BYTES                 48u
#define TRANSMIT_AT                40u
#define MAC_MD5_BYTES              20u /* with the key id */
#define MAC_MAX_BYTES              24u /* SHA-1 */
#define EXTENSION_MIN              16u
#define STRATUM_MAX                16
#define PRECISION_MIN              (-32)
#define SHORT_SECONDS_MAX          16u /* of root delay and dispersion: beyond, nobody trusts the server */
#define CONTROL_BYTES              12u
#define PRIVATE_BYTES              8u
#define PRIVATE_IMPLEMENTATION_MAX 3u /* ntpd's own numbers: 0, 2, 3 */

enum mode { MODE_CLIENT = 3, MODE_SERVER, MODE_BROADCAST, MODE_CONTROL, MODE_PRIVATE };

struct time_message {
    uint8_t version, mode, stratum;
    int8_t precision;
    uint32_t delay, dispersion; /* seconds, 16.16 bits */
    uint32_t receive_s, transmit_s;
    bool only_transmit; /* between the first byte and the transmit time all is zero */
};

static struct time_message read_time(const uint8_t *data)
{
    static const uint8_t zeros[TRANSMIT_AT - 1];
    struct cursor c = cursor_make(data, TIME_BYTES);
    struct time_message m = {.only_transmit = memcmp(data + 1, zeros, sizeof zeros) == 0};
    uint8_t first = cursor_u8(&c);
    m.version = (first >> 3) & 7;
    m.mode = first & 7;
    m.stratum = cursor_u8(&c);
    cursor_skip(&c, 1); /* poll */
    m.precision = (int8_t)cursor_u8(&c);
    m.delay = cursor_be32(&c);
    m.dispersion = cursor_be32(&c);
    cursor_skip(&c, 4 + 8 + 8); /* reference, its time, origin */
    m.receive_s = cursor_be32(&c);
    cursor_skip(&c, 4);
    m.transmit_s = cursor_be32(&c);
    return m;
}

/* What follows the 48 bytes: extension fields that end where the datagram or its MAC does. */
static bool extensions_fit(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    cursor_skip(&c, TIME_BYTES);
    for (;;) {
        size_t left = cursor_left(&c);
        if (left == 0 || left == 4 || left == MAC_MD5_BYTES || left == MAC_MAX_BYTES)
            return true; /* 4: a crypto-NAK */
        cursor_skip(&c, 2);
        size_t length = cursor_be16(&c);
        if (c.failed || length < EXTENSION_MIN || length % 4 != 0 || !cursor_skip(&c, length - 4))
            return false;
    }
}

static bool numbers_fit(const struct time_message *m)
{
    return m->precision < 0 && m->precision >= PRECISION_MIN &&
           m->delay >> 16 < SHORT_SECONDS_MAX && m->dispersion >> 16 < SHORT_SECONDS_MAX;
}

static bool is_certain(const struct time_message *m)
{
    if (m->version < 3 || m->transmit_s == 0)
        return false;
    if (m->mode == MODE_CLIENT)
        return m->only_transmit || numbers_fit(m);
    return m->mode == MODE_SERVER && m->stratum > 0 && m->stratum < STRATUM_MAX &&
           m->receive_s != 0 && m->transmit_s - m->receive_s <= 1 && numbers_fit(m);
}

static enum ntp_likeness judge_time(const uint8_t *data, size_t size)
{
    struct time_message m = read_time(data);
    if (m.version == 0 || m.version > 4 || m.stratum > STRATUM_MAX || !extensions_fit(data, size))
        return NTP_NOT;
    return is_certain(&m) ? NTP_CERTAIN : NTP_BY_PORT;
}

/* ntpq's and ntpdc's messages. The first say how long they are, the second whose they are. */
static enum ntp_likeness judge_command(const uint8_t *data, size_t size)
{
    uint8_t mode = data[0] & 7;
    if (mode == MODE_PRIVATE && size >= PRIVATE_BYTES)
        return data[2] <= PRIVATE_IMPLEMENTATION_MAX && data[2] != 1 ? NTP_BY_PORT : NTP_NOT;
    if (mode != MODE_CONTROL || size < CONTROL_BYTES)
        return NTP_NOT;
    struct cursor c = cursor_make(data + CONTROL_BYTES - 2, 2);
    size_t whole = CONTROL_BYTES + ((cursor_be16(&c) + 3u) & ~3u);
    return size == whole || (size > whole && size <= whole + MAC_MAX_BYTES) ? NTP_BY_PORT : NTP_NOT;
}

enum ntp_likeness ntp_judge(const uint8_t *data, size_t size)
{
    if (size < PRIVATE_BYTES)
        return NTP_NOT;
    uint8_t mode = data[0] & 7;
    if (mode == MODE_CONTROL || mode == MODE_PRIVATE)
        return judge_command(data, size);
    return mode == 0 || size < TIME_BYTES ? NTP_NOT : judge_time(data, size);
}

static bool datagram(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    if (packet->fragment || packet->payload_captured < packet->payload_bytes)
        return false;
    enum ntp_likeness likeness = ntp_judge(packet->payload, packet->payload_captured);
    if (likeness != NTP_CERTAIN && (likeness != NTP_BY_PORT || !content_has_port(cf, NTP_PORT)))
        return false;
    if (packet->payload_captured > TIME_BYTES + MAC_MAX_BYTES)
        datagram_inspect(cf, side, STAGE_PROBE, packet);
    return true;
}

const struct protocol ntp_protocol = {.service = SERVICE_NTP, .datagram = datagram};
