/* A fragment that comes again, told from another one.
 *
 * A mirror that shows ingress and egress, or two VLANs, shows each frame twice, microseconds or
 * milliseconds apart. Two fragments with one identification, place and content within COPIES_NS are
 * such a pair: a host takes a new identification for what it sends again, and comes round to the
 * same one later (65,536 datagrams in 100 ms would be 8 Gbit/s of the smallest that are
 * fragmented at 1,500 bytes). What was cut by the snap length may have been cut elsewhere in the
 * copy (a tag more or less), so then only its front is compared.
 *
 * A mirror shows a fragment a few times. All after COPIES_MOST of them are counted while they go
 * on, for who sends the same thing over and over sends it; and of what was cut all but one, because
 * it may differ in what is not here.
 *
 * Direct mapped, the later in place of the earlier: at most, a copy is not recognised, and counts
 * as a frame more of its datagram. The digest is keyed, as in flow/marks.c and for the same reason:
 * who knew the key could make two fragments that look like one, and the second would leave
 * uncounted. The place in the table is not, so that every worker comes to the same answer; who aims
 * two fragments at one place gains that they are both counted. Thread: the decoder's. */
#include "copies.h"

#include <string.h>
#include <sys/random.h>

#define CUT_FRONT  64u
#define PLACE_SEED UINT64_C(0x7765697266726167)

void copies_init(struct copies *copies)
{
    uint64_t material[4];
    /* Without a random key it still works; only forging a copy is cheaper. */
    if (getrandom(material, sizeof material, GRND_NONBLOCK) != sizeof material)
        memset(material, 0, sizeof material);
    hash_key_init(&copies->key, material, sizeof material);
    for (size_t i = 0; i < COPIES_KEPT; i++)
        copies->at[i] = (struct copy){0, INT64_MIN, 0};
}

static uint64_t digest_of(const struct copies *copies, const struct copy_of *of,
                          const struct piece *piece)
{
    uint32_t size = piece->captured;
    if (size < piece->size && size > CUT_FRONT)
        size = CUT_FRONT;
    const uint64_t parts[] = {hash64_keyed(&copies->key, of->whose, of->size),
                              hash64_keyed(&copies->key, piece->bytes, size),
                              (uint64_t)piece->offset << 32 | piece->size, piece->more};
    return hash64_keyed(&copies->key, parts, sizeof parts);
}

bool copies_seen(struct copies *copies, const struct copy_of *of, const struct piece *piece,
                 struct ptime time)
{
    uint64_t digest = digest_of(copies, of, piece);
    uint64_t place = hash64(of->whose, of->size, PLACE_SEED + piece->offset);
    struct copy *copy = &copies->at[place % COPIES_KEPT];
    const uint32_t most = piece->captured < piece->size ? 1 : COPIES_MOST;
    uint32_t seen = 0;
    int64_t since;
    if (copy->digest == digest && copy->time_ns != INT64_MIN &&
        !__builtin_sub_overflow(time.ns, copy->time_ns, &since) && since <= COPIES_NS &&
        since >= -COPIES_NS) {
        if (copy->copies < most) {
            copy->copies++;
            return true;
        }
        seen = most;
    }
    *copy = (struct copy){digest, time.ns, seen};
    return false;
}
