/* What reached a bound or was refused in a replay: every counter of that kind, gathered from where
 * it is counted, so that none is kept and never said. Thread: the engine's. */
#include "bounds.h"

#define BOUNDS_CONTENT  20
#define BOUNDS_TOLD     16
#define BOUNDS_BINDINGS 8

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

/* What was not looked into, or not to its end. */
static size_t put_content(const struct health *h, struct bound_count *count)
{
    const struct bound_count all[] = {
        {"stream_budget", "out-of-order episodes cut short", h->stream_budget},
        {"stream_gap_bytes", "bytes of content that inspection did not see", h->stream_gap_bytes},
        {"content_let_go",
         "sides of flows that began with 64 KiB of no text, not inspected further",
         h->content_let_go},
        {"content_beyond", "sides of flows whose clear text was inspected to 1 GiB only",
         h->content_beyond},
        {"content_given_up", "flows no longer looked into for want of room", h->content_given_up},
        {"patterns_refused", "searches of patterns that were given up, or had no room",
         h->patterns_refused},
        {"channels_forgotten", "announced data channels forgotten for want of room",
         h->channels_forgotten},
        {"files_cut",
         "open files no longer followed for want of room: the rest counts as another's",
         h->files_cut},
        {"messages_unread", "messages of file servers whose data was not looked for",
         h->messages_unread},
        {"parse_malformed", "names that did not parse", h->parse_malformed},
        {"bodies_damaged", "bodies whose compression could not be undone to the end",
         h->bodies_damaged},
        {"bodies_bombs", "compressed bodies let go because they grew beyond the bound",
         h->bodies_bombs},
        {"bodies_unread", "bodies inspected as they were sent, compressed", h->bodies_unread},
        {"applications_unasked", "flows without a name that libndpi was not asked about",
         h->applications_unasked},
        {"asks_forgotten", "requests of which was not kept who asked: too many waited for answers",
         h->asks_forgotten},
        {"mail_beyond", "heads, nestings and compressed sessions of mail that were not read",
         h->mail_beyond},
        {"content_overflow", "names and counted items lost to a full ring", h->content_overflow},
    };
    _Static_assert(sizeof all / sizeof *all <= BOUNDS_CONTENT, "room for all");
    return put(all, sizeof all / sizeof *all, count);
}

/* Of what is told, and of the fleet's tables. */
static size_t put_told(const struct summary *s, struct bound_count *count)
{
    const struct engine_counts *c = engine_counts_of(s->engine);
    const struct fleet *fleet = engine_fleet(s->engine);
    struct incidents_counts i = incidents_counts(engine_incidents(s->engine));
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
        {"findings_unranked", "findings beyond an incident's detectors", i.unranked},
        {"fleet_forgotten", "destinations whose hosts are no longer known", fleet_forgotten(fleet)},
        {"fleet_crowded", "new destinations of one host too many to be a measure for others",
         fleet_crowded(fleet)},
        {"fleet_groups_refused", "peer groups without room", fleet_groups_refused(fleet)},
        {"fleet_clips_refused", "guarded sizes that peers cannot lift", fleet_clips_refused(fleet)},
        {"ranking_overflow", "additions that found no room in the ranking", s->hosts->overflow},
    };
    _Static_assert(sizeof all / sizeof *all <= BOUNDS_TOLD, "room for all");
    return put(all, sizeof all / sizeof *all, count);
}

/* Of who an address is. */
static size_t put_bindings(const struct summary *s, struct bound_count *count)
{
    const struct health *h = engine_health(s->engine);
    const struct engine_counts *c = engine_counts_of(s->engine);
    const struct bound_count all[] = {
        {"bindings_malformed", "ARP, neighbour discovery and DHCP messages that did not parse",
         h->bindings_malformed},
        {"bindings_suspect", "ARP and neighbour messages that speak for another than their sender",
         h->bindings_suspect},
        {"bindings_lost", "bindings of addresses to devices that were lost", h->bindings_lost},
        {"addresses_contested", "claims of addresses that are leased to another device",
         c->addresses_contested},
        {"addresses_by_proxy", "claims of devices that claim for others", c->addresses_by_proxy},
        {"addresses_from_outside", "claims of inside addresses that came from outside",
         c->addresses_from_outside},
        {"identities_forgotten", "addresses and devices forgotten early", c->identities_forgotten},
        {"vlans_unwatched", "flow records of VLAN ids that no silence is watched of",
         c->vlans_unwatched},
    };
    _Static_assert(sizeof all / sizeof *all <= BOUNDS_BINDINGS, "room for all");
    return put(all, sizeof all / sizeof *all, count);
}

size_t bounds_of(const struct summary *s, struct bound_count count[BOUNDS_MAX])
{
    const struct health *h = engine_health(s->engine);
    const struct engine_counts *c = engine_counts_of(s->engine);
    const struct bound_count all[] = {
        {"tunnels_unread",
         "packets of a tunnel whose inside was not read (counted as what carried them)",
         h->tunnels_unread},
        {"flows_evicted", "flows ended early for want of room", h->flows_evicted},
        {"fragments_given_up", "fragmented datagrams that were not seen whole",
         h->fragments_given_up},
        {"fragments_evicted", "fragmented datagrams given up for want of room",
         h->fragments_evicted},
        {"fragment_conflicts", "fragmented datagrams that contradict themselves",
         h->fragment_conflicts},
        {"tcp_holes_forgotten", "TCP gaps that could no longer be filled", h->tcp_holes_forgotten},
        {"tcp_far_segments", "TCP segments too far from their stream to be believed",
         h->tcp_far_segments},
        {"tunnels_forgotten", "times that a flow's tunnel was not kept whole",
         h->tunnels_forgotten},
        {"tunnels_lost", "times that a flow's tunnel was not kept, nor where it led judged",
         h->tunnels_lost},
        {"tunnels_mixed", "times that a flow's bytes were told with the tunnel it went on in",
         h->tunnels_mixed},
        {"duplicates_forgotten", "packets forgotten before a mirror's copy of them could have come",
         h->duplicates_forgotten},
        {"places_forgotten", "VLANs and tunnel ids forgotten to be one place", h->places_forgotten},
        {"tcp_far_acks", "acknowledgements too far from their stream to be believed",
         h->tcp_far_acks},
        {"tcp_resets_refused", "resets that fit no side of their flow", h->tcp_resets_refused},
        {"kinds_more", "packets of further kinds that are not named", h->kinds_more},
        {"records_lost", "flow ends lost to a full ring", h->ring_lost},
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
        {"items_estimated", "sets of counted items estimated for want of room",
         c->items_estimated + s->hosts->budget.shortened},
        {"names_forgotten", "names forgotten early", c->names_forgotten},
        {"questions_forgotten", "figures about questions, echoes and applications forgotten early",
         c->questions_forgotten},
        {"asked_forgotten", "figures about what clients asked of servers forgotten early",
         c->asked_forgotten},
        {"questions_estimated",
         "times that distinct names were estimated from fewer for want of room",
         c->questions_estimated},
    };
    _Static_assert(sizeof all / sizeof *all + BOUNDS_BINDINGS + BOUNDS_TOLD + BOUNDS_CONTENT <=
                       BOUNDS_MAX,
                   "room for all");
    size_t size = put(all, sizeof all / sizeof *all, count);
    size += put_bindings(s, count + size);
    size += put_told(s, count + size);
    return size + put_content(h, count + size);
}
