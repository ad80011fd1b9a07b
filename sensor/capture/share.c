/* Each address is hashed by itself and the two are added, so the order of the two does not matter;
 * then mixed again, because the sum of two good hashes is not good enough to be cut by a small
 * number where both addresses are one. No secret: every worker must come to the same answer, and
 * who aims his traffic at one worker gains that worker's drops, which are counted.
 * Thread: any; no state. */
#include "weir/capture/share.h"

#include "weir/base/digest.h"

#define SHARE_SEED UINT64_C(0x7765697273686172)

uint32_t share_of(const struct packet *packet, uint32_t workers)
{
    if (workers <= 1)
        return 0;
    uint64_t pair = hash64(&packet->src, sizeof packet->src, SHARE_SEED) +
                    hash64(&packet->dst, sizeof packet->dst, SHARE_SEED);
    return (uint32_t)(hash64(&pair, sizeof pair, SHARE_SEED) % workers);
}
