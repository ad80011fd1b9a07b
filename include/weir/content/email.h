/* Distinct e-mail addresses in a byte stream: counted, never kept.
 *
 * A streaming scanner, anchored on '@': a local part of letters, digits and . _ + - (at most 64;
 * the other characters that RFC 5321 allows stand far more often before an address than in it, as
 * in "mail=a@b.jp"), then a domain of letters, digits and hyphens with a registrable public suffix
 * (libpsl, ICANN section). What stands around it must look like text, so that compressed and
 * encrypted bytes do not make addresses by chance. "%40" and base64 are not decoded.
 *
 * Addresses are lower-cased and hashed with the site's key; their label is the registrable domain.
 * An address cut by a segment border is seen whole; one cut by a gap is not counted. */
#ifndef WEIR_CONTENT_EMAIL_H
#define WEIR_CONTENT_EMAIL_H

#include "weir/base/digest.h"
#include "weir/base/suffix.h"
#include "weir/content/found.h"

#include <stddef.h>
#include <stdint.h>

#define EMAIL_DOMAINS 4096u

/* What all scanners of a process share (zero what is not named). Outlives its scanners. */
struct email_shared {
    const struct suffixes *suffixes;
    const struct hash_key *key;
    uint64_t domain[EMAIL_DOMAINS]; /* judged lately: keyed hash, its lowest byte how long the
                                       registrable part is, 0: no domain */
};

struct email_scanner;
struct email_scanner *email_scanner_new(struct email_shared *shared, const struct finder *finder);
void email_scanner_free(struct email_scanner *scanner);
void email_scanner_put(struct email_scanner *scanner, const uint8_t *data, size_t size);
/* Bytes are missing: forget the unfinished address and do not believe the next one's first part. */
void email_scanner_gap(struct email_scanner *scanner);
/* End of a datagram or of the stream: an unfinished address ends. What is put next begins anew. */
void email_scanner_finish(struct email_scanner *scanner);

#endif
