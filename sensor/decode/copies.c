/* A fragment that comes again, told from another one.
 *
 * A mirror that shows ingress and egress, or two VLANs, shows each frame twice, microseconds or
 * milliseconds apart. Two fragments with one identification, place and content within COPIES_NS are
 * such a pair: a host takes a new identification for what it sends again, and comes round to the
 * same one later (65,536 datagrams in 100 ms would be 8 Gbit/s of the smallest that are
 * fragmented at 1,500 bytes). What was cut by the snap length may have been cut elsewhere in the
 * copy (a tag more or less), so then only its front is compared.
 *
 * Direct mapped, the later in place of the earlier: at most, a copy is not recognised, and counts
 * as a frame more of its datagram. The seed is fixed, so that every worker comes to the same
 * answer; who aims two fragments at one place gains that. Thread: the decoder's. */
#include "copies.h"

#include "weir/base/digest.h"

#define CUT_FRONT 64u

void copies_init(struct copies *copies)
{
    for (size_t i = 0; i < COPIES_KEPT; i++)
        copies->at[i] = (struct copy){0, INT64_MIN};
}

static uint64_t digest_of(uint64_t place, const struct piece *piece)
{
    const uint32_t what[] = {piece->offset, piece->size, piece->more};
    uint32_t size = piece->captured;
    if (size < piece->size && size > CUT_FRONT)
        size = CUT_FRONT;
    return hash64(piece->bytes, size, hash64(what, sizeof what, place));
}

bool copies_seen(struct copies *copies, uint64_t place, const struct piece *piece,
                 struct ptime time)
{
    uint64_t digest = digest_of(place, piece);
    struct copy *copy = &copies->at[digest % COPIES_KEPT];
    int64_t since;
    if (copy->digest == digest && copy->time_ns != INT64_MIN &&
        !__builtin_sub_overflow(time.ns, copy->time_ns, &since) && since <= COPIES_NS &&
        since >= -COPIES_NS)
        return true;
    *copy = (struct copy){digest, time.ns};
    return false;
}
