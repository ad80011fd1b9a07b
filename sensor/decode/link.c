/* Link layers: what a frame begins with, up to the number that names what comes next.
 *
 * IEEE 802.2: where Ethernet has a length in place of a type, a SNAP header may still name one.
 * Sources: IEEE 802.3, 802.2, RFC 1042, tcpdump.org/linktypes.html. Pure; no state, any thread. */
#include "decode.h"

#include <string.h>

#define ETHERNET_HEADER 14
#define TYPE_FIRST      0x0600 /* below it the field is an 802.3 length */
#define SNAP_HEADER     8

/* A header of `size` bytes with an EtherType at `type_at`. */
static enum decode_result typed_read(struct walk *walk, uint32_t size, uint32_t type_at)
{
    const uint8_t *header;
    enum decode_result result = frame_step(&walk->frame, size, &header);
    if (result != DECODE_OK)
        return result;
    return next_by_type(walk, read_be16(header + type_at));
}

enum decode_result ethernet_read(struct walk *walk)
{
    const uint8_t *header;
    enum decode_result result = frame_step(&walk->frame, ETHERNET_HEADER, &header);
    if (result != DECODE_OK)
        return result;
    walk->packet->macs = header;
    uint16_t type = read_be16(header + 12);
    if (type >= TYPE_FIRST)
        return next_by_type(walk, type);
    if (type > walk->frame.left)
        return DECODE_NOT_IP;
    frame_trim(&walk->frame, type);
    return llc_read(walk);
}

enum decode_result llc_read(struct walk *walk)
{
    const uint8_t *header;
    if (walk->frame.left < SNAP_HEADER)
        return DECODE_NOT_IP;
    enum decode_result result = frame_step(&walk->frame, SNAP_HEADER, &header);
    if (result != DECODE_OK)
        return result;
    if (memcmp(header, "\xaa\xaa\x03\x00\x00\x00", 6) != 0)
        return DECODE_NOT_IP;
    return next_by_type(walk, read_be16(header + 6));
}

enum decode_result cooked_read(struct walk *walk)
{
    return typed_read(walk, 16, 14);
}

enum decode_result cooked2_read(struct walk *walk)
{
    return typed_read(walk, 20, 0);
}

/* IPv4 is 2 everywhere; IPv6 is 10 on Linux, 24, 28 or 30 on the BSDs and macOS. */
static layer_reader *reader_of_family(uint32_t family)
{
    if (family == 2)
        return ipv4_read;
    if (family == 10 || family == 24 || family == 28 || family == 30)
        return ipv6_read;
    return NULL;
}

/* The family is a small number, so its byte order shows. */
static layer_reader *reader_of_family_at(const uint8_t *bytes)
{
    uint32_t family = read_be32(bytes);
    return reader_of_family(family > 0xffff ? __builtin_bswap32(family) : family);
}

/* Some write an EtherType into the second half instead of a family. */
enum decode_result loopback_read(struct walk *walk)
{
    const uint8_t *header;
    enum decode_result result = frame_step(&walk->frame, 4, &header);
    if (result != DECODE_OK)
        return result;
    walk->next = reader_of_family_at(header);
    return walk->next ? DECODE_OK : next_by_type(walk, read_be16(header + 2));
}

/* OpenBSD's view into IPsec: family, SPI, flags. */
enum decode_result enc_read(struct walk *walk)
{
    const uint8_t *header;
    enum decode_result result = frame_step(&walk->frame, 12, &header);
    if (result != DECODE_OK)
        return result;
    walk->next = reader_of_family_at(header);
    return walk->next ? DECODE_OK : DECODE_NOT_IP;
}

/* What pf logs: the header says its own length, without the padding to four bytes, and the family.
 */
enum decode_result pflog_read(struct walk *walk)
{
    const uint8_t *head, *rest;
    enum decode_result result = frame_step(&walk->frame, 4, &head);
    if (result != DECODE_OK)
        return result;
    uint32_t size = (head[0] + 3u) & ~3u;
    if (size < 4)
        return DECODE_MALFORMED;
    result = frame_step(&walk->frame, size - 4, &rest);
    if (result != DECODE_OK)
        return result;
    walk->next = reader_of_family(head[1]);
    return walk->next ? DECODE_OK : DECODE_NOT_IP;
}

/* Nothing is inside; what it says is read by who asks for it (content/binding.h). */
enum decode_result arp_read(struct walk *walk)
{
    walk->packet->arp = walk->frame.cursor.at;
    walk->packet->arp_captured = (uint32_t)cursor_left(&walk->frame.cursor);
    walk->packet->arp_macs = walk->packet->macs;
    return DECODE_ARP;
}
