/* Time stamps of a replayed input that cannot be: a packet that is hours ahead of all others ends
 * every flow and closes every hour until time has caught up with it. A file lets us look ahead.
 * (Live, doubt.h does what can be done without.) */
#ifndef WEIR_SENSOR_CAPTURE_FORESIGHT_H
#define WEIR_SENSOR_CAPTURE_FORESIGHT_H

#include "weir/base/buffer.h"
#include "weir/decode/packet.h"

#include <stdbool.h>

#define FORESIGHT_NS      NS_PER_HOUR /* so far from the clock, a packet alone is not believed */
#define FORESIGHT_PACKETS 8u /* looked at before it is decided, the one in doubt included */

struct foresight {
    struct ptime stamp; /* what the packet taken last says of its time; SOURCE_NO_TIME: nothing */
    struct ptime clock; /* of this input: the latest time that was believed; PTIME_MIN: none */
    struct foreseen {
        struct packet_raw raw; /* its data are in `bytes`, at */
        size_t at;
    } packet[FORESIGHT_PACKETS];
    size_t first, count;
    struct buffer bytes;
    bool ended; /* nothing more will be put */
};

/* A packet as it came (SOURCE_NO_TIME allowed). There is room whenever foresight_take said no. Its
 * bytes are borrowed until the one after it is put, or copied. */
void foresight_put(struct foresight *foresight, const struct packet_raw *raw);
/* The next packet with the time it is told at; its bytes are borrowed until the next call of
 * either. `disbelieved`: that time is the clock's. False: more has to be put first, or nothing is
 * left. */
bool foresight_take(struct foresight *foresight, struct packet_raw *raw, bool *disbelieved);
/* Put and take in one, of a packet that is believed at once, when none waits: nearly all. Its bytes
 * stay the caller's. False: it is to be put. */
bool foresight_pass(struct foresight *foresight, const struct packet_raw *raw);
void foresight_fini(struct foresight *foresight);

#endif
