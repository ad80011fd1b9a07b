/* zone.conduit: what passes the border of a locked zone though no conduit allows it. No statistics
 * and no past: the list is the site's own, signed by people. How grave it is goes by the zone's
 * level and by whether it leaves the zone; what it is called by who opened, and whether something
 * was written. A connection that nobody answered carried nothing, and weighs less. Pure. */
#include "rows.h"

#include <stdio.h>
#include <string.h>

#define LEVEL_SITE     30 /* Purdue's 3: operations. Below and at it nothing leaves unasked */
#define SCORE_CROSSING 100
#define SCORE_UPPER    85 /* of levels above that */
#define SCORE_WRITING  90 /* within one zone */
#define SCORE_WITHIN   75
#define SCORE_EMPTY    60   /* nothing was carried */
#define RAISED         1.31 /* above the factor at which an incident is raised again */

/* --- shared ----------------------------------------------------------------------------------- */

/* "10.9.1.8 (control, level 1)". */
static void put_end(const struct zones *zones, const struct ip *ip, unsigned end, char *text,
                    size_t size)
{
    char address[IP_TEXT_SIZE], level[8];
    const struct zone *zone = zones_get(zones, end);
    if (zone)
        snprintf(text, size, "%s (%s, level %s)", ip_text(ip, address), zone->name,
                 zone_level_text(zone->level, level));
    else
        snprintf(text, size, "%s (%s)", ip_text(ip, address),
                 end == ZONE_INSIDE ? "in no zone" : "outside");
}

static const char *protocol_text(const struct zone_flow *flow, char text[24])
{
    static const struct {
        uint8_t proto;
        const char *name;
    } row[] = {{1, "ICMP"}, {6, "TCP"}, {17, "UDP"}, {58, "ICMPv6"}, {132, "SCTP"}};
    if (service_name[flow->service])
        return service_name[flow->service];
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (row[i].proto == flow->proto)
            return row[i].name;
    snprintf(text, 24, "IP protocol %u", flow->proto);
    return text;
}

/* A write is told again, and so is each function that is not listed, whichever connection of the
 * story asks for it: what is counted stays counted. */
static double evidence_of(const struct zoned_flow *zoned)
{
    double evidence = zoned->wrote ? RAISED : 1;
    for (unsigned function = 0; function < zoned->functions; function++)
        evidence *= RAISED;
    for (unsigned beyond = zoned->beyond; beyond > 0; beyond /= 10)
        evidence *= RAISED;
    for (uint64_t bytes = zoned->out_bytes; bytes >= 10; bytes /= 10)
        evidence *= RAISED;
    return evidence;
}

static void add_withheld(const struct zoned_flow *zoned, struct finding *finding)
{
    if (zoned->withheld == 0)
        return;
    struct reason *reason = &finding->reason[finding->reason_count++];
    *reason = (struct reason){
        .code = "zone.rate_limit", .observed = (double)zoned->withheld, .unit = "story"};
    snprintf(reason->text, sizeof reason->text,
             "%llu further stories of this zone were not told before this one: the rate limit",
             (unsigned long long)zoned->withheld);
}

void zone_tell(const struct zoned_flow *zoned, const char *code, const char *why, int score,
               struct finding *finding)
{
    const struct zone_flow *flow = &zoned->flow;
    char from[100], to[100], port[16] = "", protocol[24];
    put_end(zoned->zones, &flow->orig, flow->from, from, sizeof from);
    put_end(zoned->zones, &flow->resp, flow->to, to, sizeof to);
    if (flow->resp_port)
        snprintf(port, sizeof port, " port %u", flow->resp_port);
    *finding = (struct finding){.evidence = evidence_of(zoned),
                                .score = score,
                                .reason_count = 1,
                                .needs = 1,
                                .needs_unit = "flow"};
    finding->reason[0] =
        (struct reason){.code = code, .observed = flow->resp_port, .unit = "port", .weight = 1};
    snprintf(finding->reason[0].text, sizeof finding->reason[0].text, "%.80s %s %s%s of %.80s: %s",
             from, flow->certain ? "opened" : "spoke", protocol_text(flow, protocol), port, to,
             why);
    add_withheld(zoned, finding);
}

/* --- the row ---------------------------------------------------------------------------------- */

static const struct {
    const char *code, *why;
} fault_row[ZONE_FAULTS] = {
    [ZONE_FUNCTION] = {"zone.conduit.function", NULL /* function_why */},
    [ZONE_WRITER] = {"zone.conduit.writer", "may be written, but this host is no listed writer"},
    [ZONE_WRITE] = {"zone.conduit.write", "the conduit is for reading, and it wrote"},
    [ZONE_OTHER_PROTOCOL] = {"zone.conduit.protocol",
                             "the conduit of this port is for another protocol"},
    [ZONE_BACKWARDS] = {"zone.conduit.direction", "the conduit is opened by the other side only"},
    [ZONE_NO_CONDUIT] = {"zone.conduit", "no conduit allows it"},
};

/* "function 5 (write single coil) and 2 more were never allowed here" */
static const char *function_why(const struct zoned_flow *zoned, char *text, size_t size)
{
    const struct zone_verdict *verdict = &zoned->verdict;
    char function[FUNCTION_TEXT_SIZE];
    if (verdict->functions == 0 && verdict->fault != ZONE_FUNCTION)
        return "";
    if (verdict->functions == 0)
        return "a function beyond the 32 that are kept was never allowed here";
    function_text(zoned->flow.service, verdict->function, function);
    if (verdict->functions == 1)
        snprintf(text, size, "function %s was never allowed here", function);
    else
        snprintf(text, size, "function %s and %u more were never allowed here", function,
                 verdict->functions - 1u);
    return text;
}

static int score_of(const struct zoned_flow *zoned)
{
    const struct zone_flow *flow = &zoned->flow;
    bool deep = zones_get(zoned->zones, zoned->verdict.zone)->level <= LEVEL_SITE;
    if (flow->payload_bytes[SIDE_ORIG] + flow->payload_bytes[SIDE_RESP] == 0)
        return SCORE_EMPTY;
    if (flow->from == flow->to)
        return flow->writes > 0 ? SCORE_WRITING : SCORE_WITHIN;
    return deep ? SCORE_CROSSING : SCORE_UPPER;
}

static bool is_everyday(enum service service)
{
    return service != SERVICE_NONE && !service_is_ot(service);
}

/* Whether it leaves the zone by the zone's own doing is what is asked last: then it is the zone's
 * information that goes. */
static enum finding_as as_of(const struct zoned_flow *zoned)
{
    const struct zone_flow *flow = &zoned->flow;
    if (flow->writes > 0)
        return AS_COMMAND;
    if (flow->from == ZONE_OUTSIDE)
        return AS_EXPOSED;
    if (flow->to == ZONE_OUTSIDE)
        return is_everyday(flow->service) ? AS_APPLICATION : AS_ROW;
    if (service_is_ot(flow->service))
        return AS_MONITORING;
    return flow->to == zoned->verdict.zone ? AS_REMOTE : AS_ROW;
}

static bool judge_flow(const struct subject *subject, struct finding *finding)
{
    const struct zoned_flow *zoned = subject->zoned;
    enum zone_fault fault = zoned->verdict.fault;
    if (!zoned->verdict.locked || fault <= ZONE_DRIFT || zone_payload_strays(zoned))
        return false;
    char function[128], why[224];
    const char *of_function = function_why(zoned, function, sizeof function);
    const char *of_row = fault_row[fault].why;
    snprintf(why, sizeof why, "%s%s%s", of_row ? of_row : "", of_row && *of_function ? "; " : "",
             of_function);
    zone_tell(zoned, fault_row[fault].code, why, score_of(zoned), finding);
    finding->as = (uint8_t)as_of(zoned);
    return true;
}

const struct detector detector_zone_conduit = {
    .id = "zone.conduit",
    .name = "Traffic that no conduit of a locked zone allows",
    .kind = SUBJECT_ZONE,
    .tactic = "TA0105",
    .technique = "T0882",
    .wakes = true,
    .explains =
        "A flow with an end in a locked zone (networks.zones) that no row of networks.conduits "
        "allows: other ends, another port or protocol, opened by the wrong side, a write where "
        "only reads are allowed, by a host that is no listed writer, or a function that is not "
        "listed where the list is locked (functions_state). Told from its first packets, without "
        "any past. Scores 100 where it crosses the "
        "border of a zone of level 3 or below, 85 above, 75 within a zone (90: a write), 60 when "
        "nothing was carried. Known false alarms: what the observation was too short for "
        "(maintenance, yearly jobs): weir zones drift says what the matrix does not have.",
    .judge = judge_flow,
};
