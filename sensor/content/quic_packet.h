/* QUIC's packets as far as anybody may read them: long headers (RFC 8999, RFC 9000 17.2), the
 * client's Initial packets opened (RFC 9001 5), the CRYPTO frames inside (RFC 9000 19). Pure, but
 * for the CRYPTO stream, which is put together in memory of its own. */
#ifndef WEIR_SENSOR_CONTENT_QUIC_PACKET_H
#define WEIR_SENSOR_CONTENT_QUIC_PACKET_H

#include "weir/base/cursor.h"
#include "weir/base/quic_keys.h"
#include "weir/content/names.h"

enum quic_kind { QUIC_INITIAL, QUIC_0RTT, QUIC_HANDSHAKE, QUIC_RETRY, QUIC_NEGOTIATION };

/* A packet with a long header; all borrowed from the datagram. */
struct quic_packet {
    enum quic_kind kind;
    uint32_t version;
    const uint8_t *id; /* destination connection id */
    size_t id_size;
    const uint8_t *data; /* the whole packet */
    size_t number_at;    /* where its packet number is, hidden */
    size_t size;
};

/* The next of a datagram's packets. PARSE_NOT: none with a long header of a version we know, or not
 * whole. */
enum parse_result quic_next_packet(struct cursor *datagram, struct quic_packet *packet);
/* An Initial's frames into `out`, which holds packet->size; how many bytes they are, 0: these are
 * not its keys. `largest` is the largest number opened so far, and is renewed. */
size_t quic_open_packet(const struct quic_packet *packet, const struct quic_keys *keys,
                        uint64_t *largest, uint8_t *out);

/* The client's handshake messages. Bytes that come again replace those before: they are the same
 * wherever the handshake succeeds. */
#define QUIC_CRYPTO_MAX   16384u /* bytes of it that are kept */
#define QUIC_CRYPTO_SPANS 64u    /* Chrome cuts a hello into some ten pieces, out of order */

struct quic_crypto {
    uint8_t *data;
    uint32_t room;
    uint32_t spans;
    struct {
        uint32_t start, end;
    } span[QUIC_CRYPTO_SPANS]; /* sorted, apart */
};

/* The CRYPTO frames of an Initial's payload. False: some did not fit, or it is no frames. */
bool quic_crypto_frames(const uint8_t *payload, size_t size, struct quic_crypto *crypto,
                        uint32_t room_left);
size_t quic_crypto_front(const struct quic_crypto *crypto); /* bytes from 0 on without a hole */
void quic_crypto_fini(struct quic_crypto *crypto);

#endif
