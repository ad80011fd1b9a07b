/* The survey: /16 and /32 prefixes by how many addresses of each are seen and which way bytes went;
 * the smallest well-known private ranges among them are proposed as inside. Where a control
 * protocol is answered is a zone of level 1, where it is asked from one of level 2. Bounded:
 * SURVEY_PREFIXES, SURVEY_ZONES. Thread: the engine's. */
#include "weir/investigate/survey.h"

#include "weir/base/buffer.h"
#include "weir/base/figures.h"
#include "weir/base/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SURVEY_PREFIXES 16384
#define SURVEY_VLANS    4096
#define SURVEY_INSIDE   8
#define SURVEY_ZONES    32 /* more are left out, and that is said */

struct seen_prefix {
    struct prefix prefix;
    uint64_t sent_bytes, flows;
    uint64_t inside_flows; /* whose address here is inside */
};

/* A network in which a control protocol is spoken. */
struct seen_zone {
    struct prefix prefix;
    bool answers;
    bool service[SERVICES];
};

struct survey {
    struct map prefixes;
    uint64_t overflow;
    bool vlan[SURVEY_VLANS];
    uint64_t tcp_flows, tcp_one_sided;
    struct seen_zone zone[SURVEY_ZONES];
    size_t zones;
    bool zones_left_out;
};

struct survey *survey_new(void)
{
    struct survey *survey = xcalloc(1, sizeof *survey);
    map_init(&survey->prefixes);
    return survey;
}

void survey_free(struct survey *survey)
{
    if (survey)
        map_fini(&survey->prefixes, free);
    free(survey);
}

static void add_side(struct survey *survey, const struct ip *ip, uint64_t sent, bool inside)
{
    struct prefix prefix = prefix_of(ip, 16, 32);
    struct seen_prefix *seen = map_get(&survey->prefixes, &prefix, sizeof prefix);
    if (!seen) {
        if (survey->prefixes.count >= SURVEY_PREFIXES) {
            survey->overflow++;
            return;
        }
        seen = xcalloc(1, sizeof *seen);
        seen->prefix = prefix;
        map_put(&survey->prefixes, &prefix, sizeof prefix, seen);
    }
    seen->sent_bytes += sent;
    seen->flows++;
    seen->inside_flows += inside;
}

static struct seen_zone *zone_of(struct survey *survey, const struct ip *ip)
{
    struct prefix prefix = prefix_of(ip, 24, 64);
    for (size_t i = 0; i < survey->zones; i++)
        if (memcmp(&survey->zone[i].prefix, &prefix, sizeof prefix) == 0)
            return &survey->zone[i];
    if (survey->zones == SURVEY_ZONES) {
        survey->zones_left_out = true;
        return NULL;
    }
    survey->zone[survey->zones].prefix = prefix;
    return &survey->zone[survey->zones++];
}

static void add_zones(struct survey *survey, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (!service_is_ot(record->service))
        return;
    struct seen_zone *zone;
    bool internal = view->scope == SCOPE_INTERNAL;
    if ((internal || view->scope == SCOPE_OUT) && (zone = zone_of(survey, &record->key.orig_ip)))
        zone->service[record->service] = true;
    if ((internal || view->scope == SCOPE_IN) && (zone = zone_of(survey, &record->key.resp_ip)))
        zone->answers = zone->service[record->service] = true;
}

void survey_add_flow(struct survey *survey, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (record->end == FLOW_OPEN || view->scope == SCOPE_BROADCAST ||
        view->scope == SCOPE_MULTICAST)
        return;
    bool internal = view->scope == SCOPE_INTERNAL;
    add_side(survey, &record->key.orig_ip, record->total[SIDE_ORIG].payload_bytes,
             internal || view->scope == SCOPE_OUT);
    add_side(survey, &record->key.resp_ip, record->total[SIDE_RESP].payload_bytes,
             internal || view->scope == SCOPE_IN);
    survey->vlan[record->key.vlan % SURVEY_VLANS] = true;
    add_zones(survey, view);
    if (record->key.proto == 6) {
        survey->tcp_flows++;
        survey->tcp_one_sided += (record->flags & FLOW_ONE_SIDED) != 0;
    }
}

static int by_flows(const void *a, const void *b)
{
    const struct seen_prefix *x = *(const struct seen_prefix *const *)a;
    const struct seen_prefix *y = *(const struct seen_prefix *const *)b;
    if (x->flows != y->flows)
        return x->flows > y->flows ? -1 : 1;
    return memcmp(&x->prefix, &y->prefix, sizeof x->prefix);
}

static const struct seen_prefix **largest(const struct survey *survey)
{
    const struct seen_prefix **all = xcalloc(survey->prefixes.count + 1, sizeof *all);
    size_t count = 0, at = 0;
    for (const struct map_entry *e; (e = map_next(&survey->prefixes, &at)) != NULL;)
        all[count++] = e->value;
    qsort(all, count, sizeof *all, by_flows);
    return all;
}

static const char *place_of(const struct seen_prefix *seen)
{
    if (seen->inside_flows == 0)
        return "outside";
    return seen->inside_flows == seen->flows ? "inside" : "partly inside";
}

static void put_prefixes(struct buffer *b, const struct survey *survey)
{
    const struct seen_prefix **all = largest(survey);
    char text[PREFIX_TEXT_SIZE], bytes[FIGURE_SIZE];
    buffer_text(b, "Networks seen (by flows)\n");
    for (size_t i = 0; i < survey->prefixes.count && i < 12; i++)
        buffer_text(b, "  %-24s %8llu flows  %9s sent  %s\n", prefix_text(&all[i]->prefix, text),
                    (unsigned long long)all[i]->flows, figure_bytes(all[i]->sent_bytes, bytes),
                    place_of(all[i]));
    if (survey->prefixes.count > 12)
        buffer_text(b, "  … and %zu more\n", survey->prefixes.count - 12);
    free(all);
}

static void put_directions(struct buffer *b, const struct survey *survey)
{
    char share[FIGURE_SIZE];
    if (survey->tcp_flows == 0)
        return;
    figure_percent((double)survey->tcp_one_sided, (double)survey->tcp_flows, share);
    buffer_text(b, "Directions  %s of the TCP flows are one-sided%s\n", share,
                2 * survey->tcp_one_sided > survey->tcp_flows
                    ? ": one direction of the link is probably missing"
                    : "");
}

static void put_duplicates(struct buffer *b, const struct health *health)
{
    char share[FIGURE_SIZE];
    if (health->duplicates == 0)
        return;
    figure_percent((double)health->duplicates, (double)health->packets, share);
    buffer_text(b, "Duplicates  %s of the frames are mirror copies (counted once)%s\n", share,
                4 * health->duplicates > health->packets
                    ? ": the mirror takes ports in both directions, or several VLANs"
                    : "");
}

static void put_vlans(struct buffer *b, const struct survey *survey)
{
    const char *before = "VLANs       ";
    for (int id = 1; id < SURVEY_VLANS; id++)
        if (survey->vlan[id]) {
            buffer_text(b, "%s%d", before, id);
            before = ", ";
        }
    if (before[0] == ',')
        buffer_text(b, "%s\n", survey->vlan[0] ? ", and untagged" : "");
}

static void put_zone(struct buffer *b, const struct seen_zone *zone)
{
    char text[PREFIX_TEXT_SIZE], name[PREFIX_TEXT_SIZE];
    const char *before = "";
    snprintf(name, sizeof name, "%s", prefix_text(&zone->prefix, text));
    name[strcspn(name, "/")] = '\0';
    for (char *c = name; *c; c++)
        if (*c == ':' || *c == '.')
            *c = '-';
    buffer_text(b, "    - {name: net-%.27s, level: %d, nets: [\"%s\"], state: observe}   # ", name,
                zone->answers ? 1 : 2, text);
    for (int i = 0; i < SERVICES; i++)
        if (zone->service[i]) {
            buffer_text(b, "%s%s", before, service_name[i]);
            before = ", ";
        }
    buffer_text(b, " %s here\n", zone->answers ? "is answered" : "is asked from");
}

/* Where no control protocol is spoken nothing is gained by zones. A configuration whose zones are
 * not inside is refused. */
static void put_zones(struct buffer *b, const struct survey *survey, const struct inside *inside)
{
    size_t put = 0, left_out = 0;
    for (size_t i = 0; i < survey->zones; i++) {
        if (!inside_covers(inside, &survey->zone[i].prefix)) {
            left_out++;
            continue;
        }
        if (put++ == 0)
            buffer_text(b, "  zones:\n");
        put_zone(b, &survey->zone[i]);
    }
    if (left_out > 0)
        buffer_text(b,
                    "    # no zones: %zu networks with control protocols that are not within these "
                    "inside networks\n",
                    left_out);
    if (survey->zones_left_out)
        buffer_text(b, "    # … and more networks than %d\n", SURVEY_ZONES);
}

/* The place is the first to name an interface, and this one. */
static bool names_another(const struct inside *inside, size_t place)
{
    const char *name = inside->place[place].interface;
    for (size_t i = 0; name && i < place; i++)
        if (inside->place[i].interface && strcmp(inside->place[i].interface, name) == 0)
            return false;
    return name != NULL;
}

/* Those that were watched; of captures, those that networks.inside names. */
static void put_interfaces(struct buffer *b, const struct summary *s, bool live)
{
    const char *before = "capture:\n  interfaces: [";
    for (size_t i = 0; i < s->input_count && live; i++, before = ", ")
        buffer_text(b, "%s\"%s\"", before, s->input[i].path);
    for (size_t i = 0; i < s->inside->place_count && !live; i++)
        if (names_another(s->inside, i)) {
            buffer_text(b, "%s\"%s\"", before, s->inside->place[i].interface);
            before = ", ";
        }
    buffer_text(b, "%s", before[0] == ',' ? "]\n" : "");
}

/* Without a word of the operator: those inside by default, the busiest first; else the busiest
 * prefix, as a question. Returns whether it is one. */
static bool propose_inside(const struct survey *survey, struct prefix_set *proposed)
{
    const struct seen_prefix **all = largest(survey);
    for (size_t i = 0; i < survey->prefixes.count && proposed->count < SURVEY_INSIDE; i++)
        if (all[i]->inside_flows > 0)
            prefix_set_add(proposed, all[i]->prefix);
    bool guess = proposed->count == 0;
    if (guess && survey->prefixes.count > 0)
        prefix_set_add(proposed, all[0]->prefix);
    free(all);
    return guess;
}

static void put_inside(struct buffer *b, const struct inside *inside, bool guess)
{
    char text[PREFIX_TEXT_SIZE];
    buffer_text(b, "networks:\n  inside:\n");
    for (size_t i = 0; i < inside->everywhere.count; i++)
        buffer_text(b, "    - %s%s\n", prefix_text(&inside->everywhere.item[i], text),
                    guess ? "   # a guess: the busiest; nothing seen is private" : "");
    for (size_t i = 0; i < inside->place_count; i++) {
        buffer_text(b, "    - ");
        inside_place_text(&inside->place[i], b);
        buffer_text(b, "\n");
    }
}

/* What was set stays. */
static void put_proposal(struct buffer *b, const struct survey *survey, const struct summary *s,
                         bool live, const char *zone_note)
{
    struct inside proposed;
    inside_init(&proposed);
    bool guess = s->inside_guessed && propose_inside(survey, &proposed.everywhere);
    const struct inside *inside = s->inside_guessed ? &proposed : s->inside;
    if (inside->everywhere.count + inside->place_count == 0) {
        buffer_text(b, "\nNo configuration is proposed: no flow between two hosts was seen\n");
        return;
    }
    buffer_text(b, "\nProposed configuration (read it before you use it)\n\n");
    put_inside(b, inside, guess);
    put_zones(b, survey, inside);
    put_interfaces(b, s, live);
    buffer_text(b, "site:\n  timezone: %s%s%s\n", s->timezone, zone_note ? "   # " : "",
                zone_note ? zone_note : "");
    inside_fini(&proposed);
}

/* Else a slow machine looks like a quiet network. */
static void put_lost(struct buffer *b, const struct health *health)
{
    char kernel[FIGURE_SIZE], card[FIGURE_SIZE], ring[FIGURE_SIZE];
    uint64_t records = health->ring_lost + health->content_overflow;
    if (health->kernel_drops + health->interface_drops + records == 0)
        return;
    buffer_text(b, "Lost        %s packets by the system, %s by the interface",
                figure_count(health->kernel_drops, kernel),
                figure_count(health->interface_drops, card));
    buffer_text(b, "; %s records to a full ring: more passed than is shown\n",
                figure_count(records, ring));
}

/* Interfaces without one packet are the likeliest mistake of all. */
static void put_silent(struct buffer *b, const struct summary *s)
{
    for (size_t i = 0; i < s->input_count; i++)
        if (s->input[i].packets == 0)
            buffer_text(b, "%-11s nothing was seen: is it up, and does the mirror send to it?\n",
                        s->input[i].path);
}

char *survey_text(const struct survey *survey, const struct summary *s, bool live,
                  const char *zone_note)
{
    const struct engine_counts *counts = engine_counts_of(s->engine);
    const struct health *health = engine_health(s->engine);
    struct buffer b = {0};
    char text[FIGURE_SIZE];
    buffer_text(&b, "Packets     %s", figure_count(health->packets, text));
    buffer_text(&b, "; %s not IP", figure_count(health->not_ip, text));
    buffer_text(&b, "; %s cut\n", figure_count(health->cut_packets, text));
    put_lost(&b, health);
    put_prefixes(&b, survey);
    buffer_text(&b, "Neither side inside: %s\n",
                figure_bytes(counts->payload[SCOPE_TRANSIT].value, text));
    put_directions(&b, survey);
    put_duplicates(&b, health);
    put_vlans(&b, survey);
    if (live)
        put_silent(&b, s);
    if (survey->prefixes.count > 0 || health->packets > 0)
        put_proposal(&b, survey, s, live, zone_note);
    buffer_u8(&b, 0);
    return (char *)b.data;
}
