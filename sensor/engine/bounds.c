/* What reached a bound or was refused in the engine: every counter of that kind, gathered from
 * where it is counted, with its name and its words, so that none is kept and never said. Thread:
 * the engine's. */
#include "weir/engine/bounds.h"

#include "weir/engine/engine.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define JUDGED_MAX  34
#define TOLD_MAX    13
#define FLEET_MAX   6

_Static_assert(JUDGED_MAX + TOLD_MAX + FLEET_MAX <= ENGINE_BOUNDS, "room for all");

static uint64_t faults_of(const struct engine_counts *counts)
{
    uint64_t faults = 0;
    for (int i = RECORD_OK + 1; i < RECORD_FAULTS; i++)
        faults += counts->faults[i];
    return faults;
}

static size_t put(const struct bound_count *from, size_t size, struct bound_count *to)
{
    for (size_t n = 0; n < size; n++)
        to[n] = from[n];
    return size;
}

/* What was not judged, not learned or not kept. */
static size_t put_judged(const struct engine_counts *c, struct bound_count *count)
{
    const struct bound_count all[] = {
        {"records_refused", "records refused by validation", faults_of(c)},
        {"records_forced", "records judged before every worker was complete", c->forced},
        {"records_late", "records judged after later ones", c->late},
        {"flows_lost", "flows cut short because their capture process died", c->flows_lost},
        {"open_flows_forgotten", "open flows not remembered for such a loss", c->flows_forgotten},
        {"hosts_refused", "records of hosts beyond baseline.max_hosts", c->hosts_refused},
        {"inside_refused_bytes",
         "bytes to inside hosts beyond baseline.max_hosts that only receive",
         c->inside_refused_bytes},
        {"hours_unlearned", "hours that waited for the store too long and are not learned",
         c->hours_unlearned},
        {"profiles_let_go", "times that a host's profile left the engine's memory for want of room",
         c->profiles_let_go},
        {"totals_late", "host-hours that other sensors closed without this one's totals",
         c->totals_late},
        {"sensors_passed", "times that an hour was closed without waiting for a sensor",
         c->sensors_passed},
        {"profiles_changed", "host-hours not learned because an operator changed the profile",
         c->profiles_changed},
        {"hours_withheld", "host-hours not learned because a change window of their zone was open",
         c->hours_withheld},
        {"profiles_damaged", "host-hours not learned because the stored profile is damaged",
         c->profiles_damaged},
        {"pairs_overflow", "additions to \"other\" destinations", c->pairs_overflow},
        {"starts_refused", "starts of connections that are not in a rhythm", c->starts_refused},
        {"stories_evicted", "stories forgotten early", c->stories_evicted},
        {"items_estimated", "sets of counted items estimated for want of room", c->items_estimated},
        {"names_forgotten", "names forgotten early", c->names_forgotten},
        {"questions_forgotten", "figures about questions, echoes and applications forgotten early",
         c->questions_forgotten},
        {"asked_forgotten", "figures about what clients asked of servers forgotten early",
         c->asked_forgotten},
        {"questions_estimated",
         "times that distinct names were estimated from fewer for want of room",
         c->questions_estimated},
        {"addresses_contested", "claims of addresses that are leased to another device",
         c->addresses_contested},
        {"addresses_by_proxy", "claims of devices that claim for others", c->addresses_by_proxy},
        {"addresses_from_outside", "claims of inside addresses that came from outside",
         c->addresses_from_outside},
        {"identities_forgotten", "addresses and devices forgotten early", c->identities_forgotten},
        {"vlans_unwatched", "flow records of VLAN ids that no silence is watched of",
         c->vlans_unwatched},
    };
    _Static_assert(COUNT(all) <= JUDGED_MAX, "room for all");
    return put(all, COUNT(all), count);
}

/* What was found and not told. */
static size_t put_told(const struct engine *engine, struct bound_count *count)
{
    const struct engine_counts *c = engine_counts_of(engine);
    struct incidents_counts i = incidents_counts(engine_incidents(engine));
    const struct bound_count all[] = {
        {"incidents_evicted", "incidents closed early", i.evicted},
        {"incidents_forgotten", "closed incidents forgotten", i.forgotten},
        {"rules_withheld", "stories that rules did not tell for their rate limits",
         c->rules_withheld},
        {"zones_withheld", "stories that rows about zones did not tell for their rate limits",
         c->zones_withheld},
        {"conduits_unkept", "additions to what passes between zones that found no room",
         c->conduits_unkept},
        {"conduits_given_way", "rows of what passes between zones, only tried, that gave way",
         c->conduits_given_way},
        {"findings_excepted", "findings that the operator's exceptions held back", c->excepted},
        {"findings_trusted", "findings that trust held back", c->trusted},
        {"findings_untold", "findings without a story left to be told of", c->findings_untold},
        {"findings_told_elsewhere", "findings that another sensor had told", c->told_elsewhere},
        {"halves_unasked", "flows seen in one direction that other sensors were not asked about",
         c->halves_unasked},
        {"findings_unranked", "findings beyond an incident's detectors", i.unranked},
    };
    _Static_assert(COUNT(all) <= TOLD_MAX, "room for all");
    return put(all, COUNT(all), count);
}

/* Live, there may be no tables yet. */
static size_t put_fleet(const struct fleet *fleet, struct bound_count *count)
{
    const struct bound_count all[] = {
        {"fleet_forgotten", "destinations whose hosts are no longer known",
         fleet ? fleet_forgotten(fleet) : 0},
        {"fleet_crowded", "new destinations of one host too many to be a measure for others",
         fleet ? fleet_crowded(fleet) : 0},
        {"fleet_groups_refused", "peer groups without room",
         fleet ? fleet_groups_refused(fleet) : 0},
        {"fleet_clips_refused", "guarded sizes that peers cannot lift",
         fleet ? fleet_clips_refused(fleet) : 0},
        {"fleet_sums_refused", "additions to what all hosts send to a destination without room",
         fleet ? fleet_sums_refused(fleet) : 0},
        {"fleet_sums_given_way", "destinations and zones whose usual sums gave way to larger ones",
         fleet ? fleet_sums_given_way(fleet) : 0},
    };
    _Static_assert(COUNT(all) <= FLEET_MAX, "room for all");
    return put(all, COUNT(all), count);
}

size_t engine_bounds(const struct engine *engine, struct bound_count count[ENGINE_BOUNDS])
{
    size_t size = put_judged(engine_counts_of(engine), count);
    size += put_told(engine, count + size);
    return size + put_fleet(engine_fleet(engine), count + size);
}
