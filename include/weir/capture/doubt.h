/* Live time stamps that cannot be: a card whose clock is off, a step of the system's clock. */
#ifndef WEIR_CAPTURE_DOUBT_H
#define WEIR_CAPTURE_DOUBT_H

#include "weir/base/time.h"

#include <stdbool.h>

#define DOUBT_NS      NS_PER_HOUR /* so far from the clock, a packet alone is not believed */
#define DOUBT_PACKETS 8u          /* so many ahead that agree are */

struct doubt {
    struct ptime last; /* of the packets ahead */
    uint32_t count;
};

/* Whether a packet's time is believed, given the clock. */
bool doubt_believes(struct doubt *doubt, struct ptime clock, struct ptime time);

#endif
