/* What a browser says of where it believes to be. Pure. */
#ifndef SENSOR_BUS_CONSOLE_HOST_H
#define SENSOR_BUS_CONSOLE_HOST_H

#include "weir/bus/console.h"

/* Whether this Host (RFC 9110 7.2: a name or an address, perhaps with a port) is ours: on the
 * loopback one of its addresses or localhost; else any numeric address, since a name that leads
 * here by a stranger's DNS is what must be refused; or one of `settings->name`. */
bool console_host_is_ours(const struct console_settings *settings, const char *host);
/* Whether this Origin (RFC 6454) is that of `host`; NULL: it is, nobody stated one. */
bool console_origin_is(const char *origin, const char *host, bool tls);
/* The value of the cookie of this name (RFC 6265 5.4), if it has exactly `size` bytes. */
bool console_cookie(const char *cookies, const char *name, char *value, size_t size);

#endif
