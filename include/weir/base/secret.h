/* What proves who somebody is: random tokens, and passwords by their scrypt hash (RFC 7914). Any
 * thread. */
#ifndef WEIR_BASE_SECRET_H
#define WEIR_BASE_SECRET_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define SECRET_SIZE     65  /* 32 random bytes in hexadecimal, with the NUL */
#define PASSWORD_STORED 128 /* a stored password with its NUL */
#define PASSWORD_MAX    128 /* bytes of one as it is typed */

/* Of the kernel's random numbers. */
void secret_make(char text[SECRET_SIZE]);
/* Whether both are the same, in a time that does not depend on where they differ. */
bool secret_equal(const char *one, const char *other);

/* "$scrypt$ln=15,r=8,p=1$SALT$HASH", salt and hash in hexadecimal: takes 32 MiB and some 0.1 s. −1
 * and an error: the library refuses. */
int password_store(const char *password, char stored[PASSWORD_STORED], struct error *error);
/* Whether `text` has the form of one, with parameters that are within bounds (ln 14 to 20, r 1 to
 * 16, p 1 to 4: 128 · r · 2^ln bytes, at most 256 MiB). */
bool password_is_stored(const char *text);
/* Takes as long as password_store. */
bool password_fits(const char *stored, const char *password);

#endif
