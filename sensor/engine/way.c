/* Does a flow leave, and by which two addresses?
 *
 * By its own, as a rule. But a host can wrap anything into a tunnel (VXLAN, GRE, 6in4, Teredo, a
 * mirror's transport) towards a collector outside, with addresses inside of it that look internal,
 * or as if the outside had sent it. What crosses the boundary for certain is the packet around. So,
 * for each side of the flow, of all the address pairs around its packets the innermost one counts
 * that crosses; and that pair decides instead of the flow's own
 *   - when the flow's own do not cross (internal, transit, broadcast), and
 *   - when something leaves by it that the flow's own addresses say does not leave.
 * Where both agree on who sends outwards, the flow's own decide: the host and the service behind a
 * 6in4 or GRE gateway are what one wants to know. A pair of which nothing leaves never overrules
 * one of which something does.
 *
 * But that the inside of a tunnel is true, its sender alone says: who wraps packets of his
 * neighbour to the neighbour's usual cloud has them counted for the neighbour. A gateway does the
 * same honestly, and nothing on the wire tells one from the other. So what leaves in a tunnel of
 * another inside host is `carried`: summed up and said, that somebody may look who carries.
 *
 * Mirrors (ERSPAN) need no rule of their own: between switch and collector inside, nothing crosses
 * and the mirrored flow is judged as if it were seen here. A mirror whose transport leaves is a way
 * out of all that it carries, of both sides: switch and collector are then host and remote.
 *
 * Whoever is outside and knows the address of a tunnel's end can send in what he likes; that makes
 * bytes that enter, never bytes that leave. Thread: any; no state. */
#include "internal.h"

enum crossing { STAYS, LEAVES, ENTERS };

struct passage { /* of what one side sends */
    enum crossing crossing;
    struct ip from, to;
    uint16_t from_port, to_port; /* 0: not known */
};

static enum scope scope_of(const struct inside *inside, const struct flow_key *key)
{
    if (ip_is_multicast(&key->orig_ip) || ip_is_multicast(&key->resp_ip))
        return SCOPE_MULTICAST;
    if (ip_is_broadcast(&key->orig_ip) || ip_is_broadcast(&key->resp_ip))
        return SCOPE_BROADCAST;
    bool orig = inside_has(inside, &key->orig_ip, key->vlan, key->vantage);
    bool resp = inside_has(inside, &key->resp_ip, key->vlan, key->vantage);
    if (orig == resp)
        return orig ? SCOPE_INTERNAL : SCOPE_TRANSIT;
    return orig ? SCOPE_OUT : SCOPE_IN;
}

struct way way_by_scope(enum scope scope, const struct flow_key *key)
{
    struct way way = {.scope = scope};
    if (way.scope != SCOPE_OUT && way.scope != SCOPE_IN)
        return way;
    bool out = way.scope == SCOPE_OUT;
    way.leaves = 1u << (out ? SIDE_ORIG : SIDE_RESP);
    way.host = out ? key->orig_ip : key->resp_ip;
    way.remote = out ? key->resp_ip : key->orig_ip;
    way.remote_port = out ? key->resp_port : key->orig_port;
    return way;
}

static enum crossing crossing_of(const struct inside *inside, const struct flow_key *key,
                                 const struct ip *from, const struct ip *to)
{
    struct flow_key around = *key; /* seen at the same place */
    around.orig_ip = *from;
    around.resp_ip = *to;
    enum scope scope = scope_of(inside, &around);
    return scope == SCOPE_OUT ? LEAVES : scope == SCOPE_IN ? ENTERS : STAYS;
}

/* By the innermost pair around it that crosses. */
static struct passage passage_of(const struct inside *inside, const struct flow_key *key,
                                 const struct tunnel *tunnel, enum flow_side sender)
{
    static const struct ip none;
    struct tunnel way = sender == SIDE_ORIG ? *tunnel : tunnel_turned(tunnel);
    struct passage passage = {.crossing = STAYS};
    for (size_t i = TUNNEL_HOPS + 1; i-- > 0 && passage.crossing == STAYS;) {
        passage.from = i > 0 ? way.hop[i - 1].orig_ip : way.orig_ip;
        passage.to = i > 0 ? way.hop[i - 1].resp_ip : way.resp_ip;
        passage.from_port = i > 0 ? 0 : way.orig_port;
        passage.to_port = i > 0 ? 0 : way.resp_port;
        if (ip_compare(&passage.from, &none) != 0 || ip_compare(&passage.to, &none) != 0)
            passage.crossing = crossing_of(inside, key, &passage.from, &passage.to);
    }
    return passage;
}

/* Whose passage decides; SIDES: the flow's own addresses do. */
static int deciding_side(const struct way *own, const struct passage passage[SIDES])
{
    for (int side = 0; side < SIDES; side++) { /* what leaves first */
        if (passage[side].crossing == LEAVES && !(own->leaves & (1u << side)))
            return passage[SIDE_ORIG].crossing == LEAVES ? SIDE_ORIG : side;
    }
    if (own->leaves)
        return SIDES;
    for (int side = 0; side < SIDES; side++)
        if (passage[side].crossing == ENTERS)
            return side;
    return SIDES;
}

static bool is_carried(const struct way *own, const struct passage passage[SIDES])
{
    for (int side = 0; side < SIDES; side++)
        if ((own->leaves & (1u << side)) && passage[side].crossing == LEAVES &&
            ip_compare(&passage[side].from, &own->host) != 0)
            return true;
    return false;
}

struct way way_of(const struct inside *inside, const struct flow_key *key,
                  const struct tunnel tunnel[SIDES])
{
    struct way own = way_by_scope(scope_of(inside, key), key);
    if (!tunnel || (tunnel[SIDE_ORIG].count == 0 && tunnel[SIDE_RESP].count == 0))
        return own;
    struct passage passage[SIDES];
    for (int side = 0; side < SIDES; side++)
        passage[side] = passage_of(inside, key, &tunnel[side], (enum flow_side)side);
    int side = deciding_side(&own, passage);
    if (side == SIDES) {
        own.carried = is_carried(&own, passage);
        return own;
    }
    bool leaves = passage[side].crossing == LEAVES;
    struct way way = {.scope = leaves == (side == SIDE_ORIG) ? SCOPE_OUT : SCOPE_IN,
                      .by_tunnel = true,
                      .host = leaves ? passage[side].from : passage[side].to,
                      .remote = leaves ? passage[side].to : passage[side].from,
                      .remote_port = leaves ? passage[side].to_port : passage[side].from_port};
    for (int s = 0; s < SIDES; s++) {
        bool itself = passage[s].crossing == STAYS && (own.leaves & (1u << s));
        if (passage[s].crossing == LEAVES || itself)
            way.leaves = (uint8_t)(way.leaves | (1u << s));
    }
    return way;
}
