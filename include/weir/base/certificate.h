/* The names that an X.509 certificate is for (RFC 5280 4.2.1.6, RFC 6125 6.4): its subjectAltName's
 * dNSName and iPAddress entries, or the subject's last common name where it has no dNSName. Whether
 * the certificate may be trusted is nobody's question here. Thread-safe; needs memory alone. */
#ifndef WEIR_BASE_CERTIFICATE_H
#define WEIR_BASE_CERTIFICATE_H

#include "weir/base/buffer.h"

#include <stdbool.h>

#define CERTIFICATE_MAX      16384u                /* DER bytes; larger ones are not read */
#define CERTIFICATE_NAMES    (CERTIFICATE_MAX / 3) /* more of them do not fit: all are told */
#define CERTIFICATE_NAME_MAX 253u

/* Appends the names, lower case, without a last dot, commas between, no NUL. Only letters, digits,
 * "-", "_", ".", ":" and "*" make a name; others are left out. False: it is no certificate, and
 * nothing was appended; none at all is true. */
bool certificate_names(const uint8_t *der, size_t size, struct buffer *names);
/* Does a list of names, as above, hold `name` (RFC 6125 6.4.3: a whole left-most label may be "*",
 * and stands for one label)? */
bool certificate_holds(const char *names, const char *name);
/* Whatever the library wants of the system it takes now: before a process gives up its files. */
void certificate_prepare(void);

#endif
