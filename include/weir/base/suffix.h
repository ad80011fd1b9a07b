/* The Public Suffix List (publicsuffix.org), through libpsl's built-in copy. It keeps what was
 * asked last, so each belongs to one thread. Names are lower-case ASCII (A-labels) without the last
 * dot. */
#ifndef WEIR_BASE_SUFFIX_H
#define WEIR_BASE_SUFFIX_H

#include <stdbool.h>

#define SUFFIXES_NAME_KEPT 60u /* of longer names nothing is kept */

struct suffixes;
struct suffixes *suffixes_new(void);
void suffixes_free(struct suffixes *suffixes);
/* The registrable domain: a pointer into `name`, or NULL when there is none ("co.jp", "localhost").
 * With `private_too`, privately run suffixes count ("github.io"); without, only ICANN's. A name
 * under a top level that the list does not know has none. */
const char *suffixes_registrable(const struct suffixes *suffixes, const char *name,
                                 bool private_too);

#endif
