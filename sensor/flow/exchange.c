/* What is over when its first report is due is told once.
 *
 * A look-up in DNS, an answer to a ping, the time from NTP: nearly always these are all that a flow
 * will ever be. Its report, 10 s after its first packet, says all there is, and its end after UDP's
 * 180 s said nothing but that. So an exchange that was answered and is quiet by then is told as
 * over. It stays in the table for the whole of its time-out all the same: what comes after all goes
 * on where it was, as one more flow with bytes of its own, whose sides are the old one's and that
 * is two-way from its first packet. That one is told like any other, so a talk with pauses is two
 * flows, not one for each question.
 *
 * The ports say what may be a look-up, and what was found in it that it is one: what else is spoken
 * there is named by its first packets, and the rest must not lose that name. Few packets: who asks
 * more is talking, and is likely to go on. Both sides: an answer that is still awaited belongs to
 * its question. No TCP: a last segment that is sent again would be read as new content. Thread: the
 * capture thread. */
#include "flow.h"

#include <string.h>

#define DNS_PORT     53u  /* RFC 1035 4.2.1 */
#define NTP_PORT     123u /* RFC 5905 7.2 */
#define PACKETS_MOST 8u   /* of a side: two questions (A, AAAA), each asked four times */

static bool is_short(const struct flow *flow, enum flow_side side)
{
    uint64_t packets = flow->side[side].counts.packets;
    return packets > 0 && packets <= PACKETS_MOST;
}

static bool looks_up(const struct flow_table *table, struct flow *flow)
{
    return flow->class == CLASS_UDP &&
           (flow->key.resp_port == DNS_PORT || flow->key.resp_port == NTP_PORT) &&
           (!table->events.looks_up || table->events.looks_up(table->context, flow));
}

bool exchange_is_over(const struct flow_table *table, struct flow *flow, int64_t told_ns)
{
    if ((flow->flags & FLOW_TOLD) || flow->goes_on || !is_short(flow, SIDE_ORIG) ||
        !is_short(flow, SIDE_RESP))
        return false;
    return told_ns - flow->last_ns >= table->config.report_ns / 2 &&
           (flow->class == CLASS_ICMP || looks_up(table, flow));
}

void exchange_begin_again(struct flow *flow)
{
    flow->over = false;
    flow->goes_on = true;
    flow->flags &= (uint16_t)(FLOW_ESTABLISHED | FLOW_ORIG_BY_ALL);
    flow->fresh_bytes = 0;
    for (int side = 0; side < SIDES; side++) {
        memset(&flow->side[side].counts, 0, sizeof flow->side[side].counts);
        if (flow->class == CLASS_ICMP)
            flow->side[side].echo = (struct echo_counts){0};
    }
}
