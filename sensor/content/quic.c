/* QUIC (RFC 9000, 9001, 9369): a client's Initial packets are sealed with keys that follow from the
 * connection id it chose, so its ClientHello is in the open: server name, ALPN, ECH, fingerprints.
 *
 * The hello may lie in several packets and datagrams, in pieces, in any order. Keys are tried as
 * they are, then anew from the packet's own connection id: so are a Retry and another version
 * followed (the hello then begins anew) without a look at what the server said, whose packets these
 * keys do not open. Who is client is not asked: only a client's packets open.
 *
 * Not followed: connection ids and migration. Not read: 0-RTT, the server's side, Google's own
 * versions before the IETF's. Anybody on the path can send an Initial that opens: its name is the
 * sender's claim, as every server name is.
 *
 * Bounds of a flow: INITIALS_MAX Initial packets that are tried, DATAGRAMS_MAX datagrams,
 * QUIC_CRYPTO_MAX of a hello; of all, CONTENT_GATHER_BYTES with everything else that is gathered.
 * Past them a hello is read as far as it is there, and counted (parse_malformed): also where none
 * of all the Initials opened, as a client may hide its own behind some that nobody can read.
 * Afterwards, and after the first hello, a datagram costs a comparison. Keys cost most (some 17
 * us), so they are made once a datagram: packets behind the first with another id or version are
 * nobody's (RFC 9000 12.2), and are not tried. */
#include "quic_packet.h"

#include "protocol.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define INITIALS_MAX  32u
#define DATAGRAMS_MAX 64u /* a hello whose last piece was lost is waited for no longer */

struct quic {
    struct content *content;
    struct quic_keys keys;
    uint32_t version; /* of the keys; 0: none yet */
    uint8_t initials; /* that were tried */
    uint8_t datagrams;
    size_t told; /* bytes of the hello that were read */
    uint64_t largest;
    struct quic_crypto crypto;
};

static void *quic_flow_open(struct content_flow *cf)
{
    struct quic *quic = xcalloc(1, sizeof *quic);
    quic->content = cf->content;
    return quic;
}

static void drop_crypto(struct quic *quic)
{
    quic->content->gathered_bytes -= quic->crypto.room;
    quic_crypto_fini(&quic->crypto);
    quic->told = 0;
}

static void quic_flow_close(void *state)
{
    if (!state)
        return;
    drop_crypto(state);
    free(state);
}

/* The keys that follow from a datagram's own id, once they are wanted. */
struct own_keys {
    bool made, usable;
    struct quic_keys keys;
};

static bool make_keys(struct own_keys *own, const struct quic_packet *packet)
{
    if (!own->made)
        own->usable = quic_client_keys(packet->version, packet->id, packet->id_size, &own->keys);
    own->made = true;
    return own->usable;
}

/* Its frames into `out`; 0: it is not the client's. */
static size_t open_initial(struct quic *quic, const struct quic_packet *packet,
                           struct own_keys *own, uint8_t *out)
{
    uint64_t largest = 0;
    size_t size = 0;
    if (quic->version == packet->version)
        size = quic_open_packet(packet, &quic->keys, &quic->largest, out);
    if (size || !make_keys(own, packet))
        return size;
    size = quic_open_packet(packet, &own->keys, &largest, out);
    if (size == 0)
        return 0;
    drop_crypto(quic);
    quic->keys = own->keys;
    quic->version = packet->version;
    quic->largest = largest;
    return size;
}

/* What is there of the hello, unless it was read before. True: it is whole, or none. */
static bool read_hello(struct content_flow *cf, struct quic *quic)
{
    struct tls_hello hello;
    size_t size = quic_crypto_front(&quic->crypto);
    if (size <= quic->told)
        return false;
    quic->told = size;
    enum parse_result result = tls_parse_hello_message(quic->crypto.data, size, HELLO_QUIC, &hello);
    content_hello(cf, &hello);
    cf->content->malformed += result == PARSE_MALFORMED;
    return result != PARSE_MORE;
}

/* Nothing more is to be had: the flow has no state any more, and is asked nothing. */
static void finish(struct content_flow *cf, bool whole)
{
    struct quic *quic = cf->state;
    bool client = quic->version || quic->initials == INITIALS_MAX;
    cf->content->malformed += !whole && client;
    quic_flow_close(quic);
    cf->state = NULL;
}

static void take_initial(struct content_flow *cf, const struct quic_packet *packet,
                         struct own_keys *own)
{
    struct quic *quic = cf->state;
    uint8_t frames[UINT16_MAX];
    struct content *content = cf->content;
    size_t size = packet->size <= sizeof frames ? open_initial(quic, packet, own, frames) : 0;
    uint64_t left = CONTENT_GATHER_BYTES - content->gathered_bytes;
    uint32_t before = quic->crypto.room;
    bool sound = size == 0 || quic_crypto_frames(frames, size, &quic->crypto, (uint32_t)left);
    content->gathered_bytes += quic->crypto.room - before;
    if (read_hello(cf, quic))
        finish(cf, true);
    else if (!sound || ++quic->initials == INITIALS_MAX)
        finish(cf, false);
}

static bool same_connection(const struct quic_packet *a, const struct quic_packet *b)
{
    return a->version == b->version && a->id_size == b->id_size &&
           memcmp(a->id, b->id, a->id_size) == 0;
}

static void take_packets(struct content_flow *cf, const struct packet *packet)
{
    struct cursor c = cursor_make(packet->payload, packet->payload_captured);
    struct own_keys own = {.made = false};
    struct quic_packet one, first = {.id = NULL};
    while (cf->state && cursor_left(&c) && quic_next_packet(&c, &one) == PARSE_OK) {
        if (!first.id)
            first = one;
        if (!same_connection(&first, &one))
            break;
        if (one.kind == QUIC_INITIAL)
            take_initial(cf, &one, &own);
    }
    struct quic *quic = cf->state;
    if (quic && ++quic->datagrams == DATAGRAMS_MAX)
        finish(cf, false);
}

static bool quic_datagram(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    (void)side;
    if (!cf->protocol) {
        struct cursor c = cursor_make(packet->payload, packet->payload_captured);
        struct quic_packet first;
        if (quic_next_packet(&c, &first) != PARSE_OK)
            return false;
        content_set_protocol(cf, &quic_protocol);
    }
    if (cf->state)
        take_packets(cf, packet);
    return true;
}

const struct protocol quic_protocol = {.service = SERVICE_QUIC,
                                       .flow_open = quic_flow_open,
                                       .flow_close = quic_flow_close,
                                       .datagram = quic_datagram};
