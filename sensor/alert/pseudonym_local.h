/* What in a text names a host. */
#ifndef SENSOR_ALERT_PSEUDONYM_LOCAL_H
#define SENSOR_ALERT_PSEUDONYM_LOCAL_H

#include "weir/alert/pseudonym.h"

struct found {
    size_t size;       /* bytes of it; where nothing was found, of what to go on behind: ≥ 1 */
    struct ip ip;      /* an address, or a device (a MAC, a "duid:…") */
    struct ip reverse; /* `backwards`: "5.0.0.10.in-addr.arpa" is 10.0.0.5's */
    bool is_network;   /* "10.0.0.0/8", which is nobody's */
    bool is_flow;      /* a Community ID */
    bool backwards;
};

/* Whether there is one at `at` < `size`. Reads text[at - 1], too, to know that it begins there. */
bool find_at(const char *text, size_t size, size_t at, struct found *found);

#endif
