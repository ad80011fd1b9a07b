/* The keys of a QUIC client's first packets, which anybody can derive (RFC 9001 5.2, RFC 9369 3.3):
 * of version 1, version 2 and the IETF's drafts 23 to 34. Pure functions over memory that is there;
 * AES and HMAC are OpenSSL's. Thread-safe. */
#ifndef WEIR_BASE_QUIC_KEYS_H
#define WEIR_BASE_QUIC_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUIC_VERSION_1   UINT32_C(0x00000001)
#define QUIC_VERSION_2   UINT32_C(0x6b3343cf)
#define QUIC_ID_MAX      20u /* of a connection id (RFC 9000 17.2) */
#define QUIC_SAMPLE_SIZE 16u
#define QUIC_MASK_SIZE   5u
#define QUIC_TAG_SIZE    16u

struct quic_keys {
    uint8_t key[16], iv[12], header[16];
};

bool quic_version_known(uint32_t version);
/* The client's, by the destination connection id of its first Initial packet (after a Retry, of the
 * first one behind it). False: the version is not known, or OpenSSL refused. */
bool quic_client_keys(uint32_t version, const uint8_t *id, size_t id_size, struct quic_keys *keys);
/* What hides the first byte's low bits and the packet number (RFC 9001 5.4.3). */
bool quic_header_mask(const struct quic_keys *keys, const uint8_t sample[QUIC_SAMPLE_SIZE],
                      uint8_t mask[QUIC_MASK_SIZE]);
/* Opens `size` bytes, the tag among them, into `out`, which holds size - QUIC_TAG_SIZE; the header
 * may lie there. False: they were not sealed with these keys, or not whole; `out` means nothing
 * then. */
bool quic_open(const struct quic_keys *keys, uint64_t number, const uint8_t *header,
               size_t header_size, const uint8_t *data, size_t size, uint8_t *out);
/* Whatever the library wants of the system it takes now: before a process gives up its files. */
void quic_keys_prepare(void);

#endif
