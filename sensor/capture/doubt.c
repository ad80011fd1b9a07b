/* The rule. Within an hour of the clock, either way, a packet's time is believed. Further ahead it
 * is believed once DOUBT_PACKETS in a row were ahead, each within an hour of the one before, with
 * none near the clock among them: one frame with a wild stamp must not end every flow and close
 * every hour, and a real step of the clock is over after eight packets. Further behind it never is,
 * because time does not go back: such packets are told at the clock until the clock is right again.
 * Live only: the gaps of a replayed capture are its own. Pure but for the state handed in. */
#include "weir/capture/doubt.h"

static bool within(struct ptime a, struct ptime b)
{
    int64_t apart;
    return !__builtin_sub_overflow(a.ns, b.ns, &apart) && apart <= DOUBT_NS && apart >= -DOUBT_NS;
}

bool doubt_believes(struct doubt *doubt, struct ptime clock, struct ptime time)
{
    if (within(time, clock)) {
        doubt->count = 0;
        return true;
    }
    if (time.ns < clock.ns)
        return false;
    if (doubt->count > 0 && !within(time, doubt->last))
        doubt->count = 0;
    doubt->last = time;
    if (++doubt->count < DOUBT_PACKETS)
        return false;
    doubt->count = 0;
    return true;
}
