/* zone.payload: a protocol of plants or of surveillance (ASTERIX, Modbus, S7, DNP3, IEC 104,
 * BACnet, CIP, OPC UA, PROFINET) between a zone and where it never belongs: the outside, or a zone
 * of level 4 and above. The state of the zone does not matter: that this may not be nobody has to
 * learn. A conduit that names the protocol allows it, by the functions that it lists where that
 * list is locked: one more is zone.conduit's to tell where the zone is locked. Pure. */
#include "rows.h"

#define LEVEL_OFFICE  40
#define SCORE_OUTSIDE 100
#define SCORE_OFFICE  90

static bool is_plant(const struct zones *zones, unsigned end)
{
    const struct zone *zone = zones_get(zones, end);
    return zone && zone->level < LEVEL_OFFICE;
}

/* Nothing of it belongs here. Of an address in no zone nobody said what it is. */
static bool is_strange(const struct zones *zones, unsigned end)
{
    return end != ZONE_INSIDE && !is_plant(zones, end);
}

bool zone_payload_strays(const struct zoned_flow *zoned)
{
    const struct zone_flow *flow = &zoned->flow;
    const struct zone_verdict *verdict = &zoned->verdict;
    const struct zones *zones = zoned->zones;
    bool crosses = (is_plant(zones, flow->from) && is_strange(zones, flow->to)) ||
                   (is_plant(zones, flow->to) && is_strange(zones, flow->from));
    bool is_told_by_conduit = verdict->fault == ZONE_FUNCTION && verdict->locked;
    return service_is_ot(flow->service) && crosses &&
           !(verdict->named && (verdict->fault <= ZONE_DRIFT || is_told_by_conduit));
}

static bool judge_flow(const struct subject *subject, struct finding *finding)
{
    const struct zoned_flow *zoned = subject->zoned;
    const struct zone_flow *flow = &zoned->flow;
    bool outside = flow->from == ZONE_OUTSIDE || flow->to == ZONE_OUTSIDE;
    if (!zone_payload_strays(zoned))
        return false;
    zone_tell(zoned, "zone.payload",
              outside ? "this protocol never belongs outside"
                      : "this protocol never belongs into an office's zone",
              outside ? SCORE_OUTSIDE : SCORE_OFFICE, finding);
    if (flow->writes > 0)
        finding->as = AS_COMMAND;
    else if (flow->from == ZONE_OUTSIDE)
        finding->as = AS_EXPOSED;
    return true;
}

const struct detector detector_zone_payload = {
    .id = "zone.payload",
    .name = "A protocol of control systems or surveillance where it never belongs",
    .kind = SUBJECT_ZONE,
    .tactic = "TA0105",
    .technique = "T0882",
    .wakes = true,
    .explains =
        "ASTERIX, Modbus, S7, DNP3, IEC 104, BACnet, CIP, OPC UA or PROFINET (known by the bytes, "
        "on any port) between a zone of networks.zones and the outside or a zone of level 4 and "
        "above, whether the zone is locked or observed, unless a conduit names the protocol (and, "
        "of an observed zone whose row has a locked list, lists the functions that are asked for). "
        "Known false alarms: a remote station or a partner that was not written down as a conduit.",
    .judge = judge_flow,
};
