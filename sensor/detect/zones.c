/* Zones by prefix, and what conduits say of a flow. Asked of each flow record that touches a zone:
 * a probe for each length of prefix, then only the conduits of its two ends. Pure once made. */
#include "weir/detect/zones.h"
#include "net_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GATHERED 1024u /* bytes of payload after which content knows what it will know */
#define PREAMBLE 64u   /* what several protocols begin with, as COTP does, and a farewell */
#define UDP      17

const char *const zone_state_name[ZONE_STATES] = {"observe", "locked"};
static const char *const end_name[] = {"inside", "outside", "any"};

/* --- making ----------------------------------------------------------------------------------- */

struct zones *zones_new(void)
{
    struct zones *zones = xcalloc(1, sizeof *zones);
    zones->table = xcalloc(1, sizeof *zones->table);
    net_table_init(zones->table);
    return zones;
}

void zones_free(struct zones *zones)
{
    if (!zones)
        return;
    for (size_t i = 0; i < zones->zone_count; i++)
        prefix_set_fini(&zones->zone[i].nets);
    net_table_fini(zones->table);
    free(zones->table);
    free(zones->conduit);
    free(zones);
}

static bool is_good_name(const char *name)
{
    size_t size = strlen(name);
    return size > 0 && size < ZONE_NAME_SIZE && strchr("_.-", *name) == NULL &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == size;
}

struct zone *zones_add(struct zones *zones, const char *name, struct error *error)
{
    const char *wrong = NULL;
    if (!is_good_name(name))
        wrong = "expected 1 to 32 of a-z, 0-9, \".\", \"_\", \"-\", the first a letter or digit";
    else if (zones_find(zones, name) >= 0)
        wrong = "there is one of this name";
    else if (zones->zone_count == ZONES_MAX)
        wrong = "more than 64 zones";
    if (wrong) {
        error_set(error, ERROR_USAGE, "zone \"%.40s\": %s", name, wrong);
        return NULL;
    }
    struct zone *zone = &zones->zone[zones->zone_count++];
    *zone = (struct zone){.state = ZONE_OBSERVE};
    memcpy(zone->name, name, strlen(name) + 1);
    prefix_set_init(&zone->nets);
    return zone;
}

int zones_add_net(struct zones *zones, struct zone *zone, const struct prefix *prefix,
                  struct error *error)
{
    char text[PREFIX_TEXT_SIZE];
    for (size_t i = 0; i < zones->zone_count; i++)
        for (size_t n = 0; n < zones->zone[i].nets.count; n++) {
            const struct prefix *there = &zones->zone[i].nets.item[n];
            if (there->bits == prefix->bits && ip_compare(&there->ip, &prefix->ip) == 0)
                return error_set(error, ERROR_USAGE, "%s is zone %s's already",
                                 prefix_text(prefix, text), zones->zone[i].name);
        }
    prefix_set_add(&zone->nets, *prefix);
    net_table_add(zones->table, prefix, zone);
    return 0;
}

/* --- looking ---------------------------------------------------------------------------------- */

unsigned zones_end(const struct zones *zones, const struct ip *ip, bool inside)
{
    const struct zone *zone = net_table_get(zones->table, ip);
    if (zone)
        return (unsigned)(zone - zones->zone);
    return inside ? ZONE_INSIDE : ZONE_OUTSIDE;
}

const struct zone *zones_get(const struct zones *zones, unsigned end)
{
    return end < ZONES_MAX && end < zones->zone_count ? &zones->zone[end] : NULL;
}

const char *zones_end_name(const struct zones *zones, unsigned end)
{
    const struct zone *zone = zones_get(zones, end);
    return zone ? zone->name
                : end_name[end >= ZONE_INSIDE && end < ZONE_ENDS ? end - ZONE_INSIDE : 2];
}

int zones_find(const struct zones *zones, const char *name)
{
    for (size_t i = 0; i < zones->zone_count; i++)
        if (strcmp(zones->zone[i].name, name) == 0)
            return (int)i;
    for (int i = 0; i < ZONE_ENDS - ZONE_INSIDE; i++)
        if (strcmp(end_name[i], name) == 0)
            return ZONE_INSIDE + i;
    return -1;
}

char *zone_level_text(uint8_t level, char text[8])
{
    snprintf(text, 8, level % 10 ? "%u.%u" : "%u", level / 10u, level % 10u);
    return text;
}

/* --- judging ---------------------------------------------------------------------------------- */

uint64_t zone_flow_said(const struct zone_flow *flow)
{
    uint64_t said = flow->payload_bytes[SIDE_ORIG] + flow->payload_bytes[SIDE_RESP];
    bool known = flow->ended && (flow->certain || flow->proto == UDP); /* a datagram stands alone */
    return known || said > GATHERED ? said : 0;
}

/* `begun`: content saw its beginning, or does not need to. */
static bool is_too_little(const struct zone_flow *flow, bool begun)
{
    return flow->service == SERVICE_NONE && zone_flow_said(flow) <= (begun ? PREAMBLE : GATHERED);
}

bool zone_flow_is_young(const struct zone_flow *flow)
{
    return is_too_little(flow, flow->certain);
}

struct zone_flow zone_flow_turned(const struct zone_flow *flow)
{
    struct zone_flow turned = *flow;
    turned.from = flow->to;
    turned.to = flow->from;
    turned.orig = flow->resp;
    turned.resp = flow->orig;
    turned.orig_port = flow->resp_port;
    turned.resp_port = flow->orig_port;
    turned.payload_bytes[SIDE_ORIG] = flow->payload_bytes[SIDE_RESP];
    turned.payload_bytes[SIDE_RESP] = flow->payload_bytes[SIDE_ORIG];
    return turned;
}

/* Each datagram of a control protocol says what it is. */
static bool is_other(const struct conduit *conduit, const struct zone_flow *flow)
{
    bool alone = flow->proto == UDP && service_is_ot((enum service)conduit->service);
    return conduit->service && conduit->service != flow->service &&
           !is_too_little(flow, flow->certain || alone);
}

static bool may_write(const struct conduit *conduit, const struct zone_flow *flow)
{
    for (size_t i = 0; i < conduit->writer_count; i++)
        if (ip_compare(&conduit->writer[i], &flow->orig) == 0 ||
            (!flow->certain && ip_compare(&conduit->writer[i], &flow->resp) == 0))
            return true;
    return conduit->writer_count == 0;
}

static bool has_port(const struct conduit *conduit, uint16_t port)
{
    return port >= conduit->port_first && port <= conduit->port_last;
}

/* How many of the flow's functions it does not list, and the first of them. */
static size_t unlisted(const struct conduit *conduit, const struct zone_flow *flow, uint16_t *first)
{
    size_t count = 0;
    for (size_t i = flow->functions.count; i-- > 0;)
        if (!function_set_has(&conduit->functions, flow->functions.code[i])) {
            *first = flow->functions.code[i];
            count++;
        }
    return count;
}

static bool writes_unlisted(const struct conduit *conduit, const struct zone_flow *flow)
{
    for (size_t i = 0; i < flow->functions.count; i++)
        if (function_writes(flow->service, flow->functions.code[i]) &&
            !function_set_has(&conduit->functions, flow->functions.code[i]))
            return true;
    return function_set_overflows(&flow->functions);
}

/* Of more functions than are kept one at least is in no list: a list holds no more than that. */
static bool asks_for_others(const struct conduit *conduit, const struct zone_flow *flow)
{
    uint16_t first;
    return conduit->functions.count > 0 &&
           (function_set_overflows(&flow->functions) || unlisted(conduit, flow, &first) > 0);
}

/* What the conduit has against a flow between its ends; `opened_back`: by its `to`. */
static enum zone_fault fault_of(const struct conduit *conduit, const struct zone_flow *flow,
                                bool opened_back)
{
    bool forward = !opened_back || conduit->both, asked = has_port(conduit, flow->resp_port);
    if ((conduit->proto && conduit->proto != flow->proto) ||
        (!asked && (flow->certain || !has_port(conduit, flow->orig_port))))
        return ZONE_NO_CONDUIT;
    if (!forward && flow->certain)
        return ZONE_BACKWARDS;
    if (is_other(conduit, flow))
        return ZONE_OTHER_PROTOCOL;
    if (flow->writes > 0 && conduit->access == CONDUIT_READ)
        return ZONE_WRITE;
    if (flow->writes > 0 && !may_write(conduit, flow))
        return ZONE_WRITER;
    if (!asks_for_others(conduit, flow))
        return ZONE_ALLOWED;
    return conduit->functions_locked ? ZONE_FUNCTION : ZONE_DRIFT;
}

/* Of the rows that allow it one that names the service says more, wherever it stands. */
static bool is_settled(const struct zone_verdict *verdict)
{
    return verdict->fault == ZONE_ALLOWED && verdict->named;
}

/* Of rows whose lists do not have what is asked for, the one that lacks least; one that is only
 * observed before one that is locked. */
static bool is_milder(const struct zones *zones, const struct zone_flow *flow,
                      const struct zone_verdict *verdict, enum zone_fault fault,
                      const struct conduit *conduit)
{
    uint16_t first;
    if (fault != verdict->fault || (fault != ZONE_DRIFT && fault != ZONE_FUNCTION))
        return fault < verdict->fault;
    return unlisted(conduit, flow, &first) < unlisted(&zones->conduit[verdict->row], flow, &first);
}

static void ask(const struct zones *zones, unsigned from, unsigned to, const struct zone_flow *flow,
                bool opened_back, struct zone_verdict *verdict)
{
    for (uint16_t at = zones->first[from][to]; at && !is_settled(verdict);) {
        const struct conduit *conduit = &zones->conduit[at - 1];
        enum zone_fault fault = fault_of(conduit, flow, opened_back);
        bool named = conduit->service != SERVICE_NONE;
        if (is_milder(zones, flow, verdict, fault, conduit) || (fault == ZONE_ALLOWED && named)) {
            verdict->fault = fault;
            verdict->row = at - 1;
            verdict->named = named;
        }
        at = conduit->next;
    }
}

static void ask_all(const struct zones *zones, const struct zone_flow *flow,
                    struct zone_verdict *verdict)
{
    const unsigned from[] = {flow->from, ZONE_ANY}, to[] = {flow->to, ZONE_ANY};
    for (int i = 0; i < 4; i++)
        ask(zones, from[i / 2], to[i % 2], flow, false, verdict);
    for (int i = 0; i < 4; i++)
        ask(zones, to[i / 2], from[i % 2], flow, true, verdict);
}

/* The more sensitive of both; of equals the one that was opened to. */
static unsigned border_of(const struct zones *zones, const struct zone_flow *flow, bool locked)
{
    unsigned best = ZONE_ANY;
    const unsigned end[] = {flow->to, flow->from};
    for (int i = 0; i < 2; i++) {
        const struct zone *zone = zones_get(zones, end[i]), *before = zones_get(zones, best);
        if (zone && (!locked || zone->state == ZONE_LOCKED) &&
            (!before || zone->level < before->level))
            best = end[i];
    }
    return best;
}

/* What is asked for beyond a row's list is told whatever else is wrong with it. */
static void judge_functions(const struct zones *zones, const struct zone_flow *flow,
                            struct zone_verdict *verdict)
{
    verdict->wrote = flow->writes > 0;
    if (verdict->fault == ZONE_ALLOWED || verdict->fault > ZONE_WRITE)
        return;
    const struct conduit *conduit = &zones->conduit[verdict->row];
    if (conduit->functions.count > 0)
        verdict->functions = (uint16_t)unlisted(conduit, flow, &verdict->function);
    if (verdict->fault <= ZONE_FUNCTION)
        verdict->wrote = flow->writes > 0 && writes_unlisted(conduit, flow);
}

bool zones_judge(const struct zones *zones, const struct zone_flow *flow,
                 struct zone_verdict *verdict)
{
    unsigned zone = border_of(zones, flow, true);
    bool locked = zone != ZONE_ANY;
    if (!locked && (zone = border_of(zones, flow, false)) == ZONE_ANY)
        return false;
    *verdict = (struct zone_verdict){
        .fault = ZONE_NO_CONDUIT, .zone = (uint8_t)zone, .locked = locked, .row = -1};
    ask_all(zones, flow, verdict);
    judge_functions(zones, flow, verdict);
    return true;
}
