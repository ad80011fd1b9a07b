/* Distinct payment cards, bank accounts and telephone numbers in a byte stream: counted, never
 * kept.
 *
 *   card    ISO/IEC 7812: an issuer's range and length, Luhn's digit; in one run, or in the groups
 *           that are embossed (4-4-4-4, 4-4-4-4-3, 4-6-5, 4-6-4) with one and the same ' ' or '-'
 *           between them. Its digits are hashed; its label is the issuer. Lengths of 12 and 13,
 *           which hardly anybody issues, are articles' numbers (EAN-13) far more often.
 *   IBAN    ISO 13616: the registry's structure for the country, check digits by ISO 7064 MOD
 *           97-10; in one run or in groups of four. Hashed in capitals without spaces.
 *   phone   ITU-T E.164, '+' and a country's code, with the usual separators (RFC 3966 too), and
 *           Japan's national form with hyphens. Hashed as "+81312345678", whichever way it was
 *           written. Other national forms look like too much else.
 *
 * A number that is part of a longer number or word is none. What base64, UTF-16 or full-width
 * digits hold is not seen here; of URL-encoded text "%2B" and delimiters are understood, spaces
 * within a number are not.
 *
 * A number cut by a piece border is seen whole, and pieces never change what is found; one cut by a
 * gap is not counted. Thread: the capture thread. */
#ifndef WEIR_CONTENT_NUMBERS_H
#define WEIR_CONTENT_NUMBERS_H

#include "weir/base/digest.h"
#include "weir/content/found.h"

#include <stddef.h>
#include <stdint.h>

struct numbers_scanner;
/* The key outlives the scanner. */
struct numbers_scanner *numbers_scanner_new(const struct hash_key *key,
                                            const struct finder *finder);
void numbers_scanner_free(struct numbers_scanner *scanner);
void numbers_scanner_put(struct numbers_scanner *scanner, const uint8_t *data, size_t size);
/* Bytes are missing: what touches the gap on either side is not believed. */
void numbers_scanner_gap(struct numbers_scanner *scanner);
/* End of a datagram or of the stream. What is put next begins anew. */
void numbers_scanner_finish(struct numbers_scanner *scanner);

#endif
