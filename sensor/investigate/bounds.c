/* What reached a bound or was refused in a replay: every counter of that kind, gathered from where
 * it is counted, so that none is kept and never said. The engine's own are its list
 * (engine/bounds.c). Thread: the engine's. */
#include "bounds.h"

#include "weir/engine/bounds.h"

#include <string.h>

#define BOUNDS_CONTENT  20
#define BOUNDS_BINDINGS 3

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

/* Of who an address is. */
static size_t put_bindings(const struct health *h, struct bound_count *count)
{
    const struct bound_count all[] = {
        {"bindings_malformed", "ARP, neighbour discovery and DHCP messages that did not parse",
         h->bindings_malformed},
        {"bindings_suspect", "ARP and neighbour messages that speak for another than their sender",
         h->bindings_suspect},
        {"bindings_lost", "bindings of addresses to devices that were lost", h->bindings_lost},
    };
    _Static_assert(sizeof all / sizeof *all <= BOUNDS_BINDINGS, "room for all");
    return put(all, sizeof all / sizeof *all, count);
}

/* Sets of the ranking's own, beside those of the stories. */
static void add_estimated(struct bound_count *count, size_t size, uint64_t more)
{
    for (size_t n = 0; n < size; n++)
        if (strcmp(count[n].name, "items_estimated") == 0)
            count[n].count += more;
}

size_t bounds_of(const struct summary *s, struct bound_count count[BOUNDS_MAX])
{
    const struct health *h = engine_health(s->engine);
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
    };
    _Static_assert(sizeof all / sizeof *all + ENGINE_BOUNDS + BOUNDS_BINDINGS + BOUNDS_CONTENT <
                       BOUNDS_MAX,
                   "room for all");
    size_t size = put(all, sizeof all / sizeof *all, count);
    size += engine_bounds(s->engine, count + size);
    add_estimated(count, size, s->hosts->budget.shortened);
    size += put_bindings(h, count + size);
    count[size++] = (struct bound_count){
        "ranking_overflow", "additions that found no room in the ranking", s->hosts->overflow};
    return size + put_content(h, count + size);
}
