/* See summary_incidents.h: when, how much, what, by whom, why, and what would not have been told.
 */
#include "summary_incidents.h"

#include "coverage.h"
#include "links.h"
#include "mode.h"
#include "weir/base/device.h"
#include "weir/base/figures.h"
#include "what.h"

#include <stdlib.h>
#include <string.h>

static const char *grade(int score)
{
    return score >= 90 ? "CRITICAL" : score >= 70 ? "HIGH" : score >= 50 ? "MEDIUM" : "LOW";
}

static void put_when(struct buffer *b, const struct summary *s, const struct story *story)
{
    char from[64], to[64];
    bool same =
        calendar_at(s->calendar, story->first).day == calendar_at(s->calendar, story->last).day;
    calendar_text(s->calendar, story->first, CALENDAR_LONG, from, sizeof from);
    calendar_text(s->calendar, story->last, same ? CALENDAR_CLOCK : CALENDAR_LONG, to, sizeof to);
    buffer_text(b, "   When   %s – %s", from, to);
    if (story->flows_outside > 0 && story->flows_inside == 0)
        buffer_text(b, "; the outside client opened all %u connections", story->flows_outside);
    else if (story->flows_inside > 0 && story->flows_outside == 0)
        buffer_text(b, "; the inside host opened all %u connections", story->flows_inside);
    else if (story->flows_total > 0)
        buffer_text(b, "; %u connections opened from inside, %u from outside", story->flows_inside,
                    story->flows_outside);
    buffer_text(b, "\n");
}

static void put_bytes(struct buffer *b, const struct story *story)
{
    static const char *const name[] = {
        "not recognised", "DNS",    "TLS", "HTTP", "SSH",     "SMTP",   "FTP", "FTP data",
        "QUIC",           "HTTP/2", "NTP", "POP3", "IMAP",    "TFTP",   "SMB", "NFS",
        "WebSocket",      "Modbus", "S7",  "DNP3", "IEC 104", "BACnet", "CIP", "OPC UA",
        "PROFINET",       "ASTERIX"};
    _Static_assert(sizeof name / sizeof *name == SERVICES, "every service has a name");
    char value[FIGURE_SIZE], low[FIGURE_SIZE], high[FIGURE_SIZE], volume[COVERAGE_VOLUME_TEXT];
    buffer_text(b, "   Bytes  %s out [%s acknowledged – %s at most]",
                figure_bytes(story->out.value, value), figure_bytes(story->out.low, low),
                figure_bytes(story->out.high, high));
    const char *before = "; ";
    for (int i = 0; i < SERVICES; i++) {
        if (story->service_out[i].high == 0)
            continue;
        buffer_text(b, "%s%s %s", before, name[i],
                    coverage_volume(volume_clamped(story->service_out[i]), volume));
        before = ", ";
    }
    buffer_text(b, "\n");
}

static void put_what(struct buffer *b, const struct story *story)
{
    bool sealed = coverage_sealed(story->service_out) > 0, any = counted_any(&story->counted);
    if (!any && !sealed)
        return;
    buffer_text(b, "   What   ");
    if (any) {
        buffer_text(b, "clear text: ");
        what_text(b, &story->counted, story->content_gap_bytes > 0);
    }
    if (sealed)
        buffer_text(b, "%sencrypted: content not visible", any ? "; " : "");
    buffer_text(b, "\n");
    what_labels(b, &story->counted);
}

/* What a name is worth: the client said it, and nothing else did. */
static void put_names(struct buffer *b, const struct story *story)
{
    char bytes[FIGURE_SIZE];
    if (story->unverified_out > 0)
        buffer_text(b, "   Name   %s left under server names that no seen DNS answer bears out\n",
                    figure_bytes(story->unverified_out, bytes));
    if (story->other_certificate_out > 0)
        buffer_text(b, "   Name   %s left to servers whose certificate holds other names\n",
                    figure_bytes(story->other_certificate_out, bytes));
}

static void put_clients(struct buffer *b, const struct story *story)
{
    char ip[IP_TEXT_SIZE], bytes[FIGURE_SIZE];
    if (story->client_count == 0)
        return;
    buffer_text(b, "   For    ");
    for (size_t i = 0; i < story->client_count; i++) {
        const struct claimed_client *client = &story->client[i];
        buffer_text(b, "%s%s (%s)", i ? ", " : "", ip_text(&client->ip, ip),
                    figure_bytes(client->out_bytes, bytes));
    }
    buffer_text(b, "%s, a proxy says: a claim, not an observation\n",
                story->clients_replaced ? " and others" : "");
}

static void put_needs(struct buffer *b, const struct incident *incident)
{
    char text[FIGURE_SIZE];
    const char *before = "   Needs  ≥ ";
    for (size_t i = 0; i < incident->rank_count; i++) {
        const struct finding *finding = &incident->rank[i].finding;
        if (!finding->needs_unit || finding->needs <= 0)
            continue;
        if (strcmp(finding->needs_unit, "byte") == 0)
            buffer_text(b, "%s%s", before, figure_bytes((uint64_t)finding->needs, text));
        else
            buffer_text(b, "%s%.0f %s", before, finding->needs,
                        strcmp(finding->needs_unit, "address") == 0 ? "addresses"
                                                                    : finding->needs_unit);
        before = ", or ≥ ";
    }
    if (strncmp(before, ",", 1) == 0)
        buffer_text(b, ", to fire\n");
}

static void put_why(struct buffer *b, const struct incident *incident)
{
    const char *before = "   Why    ";
    for (size_t i = 0; i < incident->rank_count; i++) {
        const struct finding *finding = &incident->rank[i].finding;
        buffer_text(b, "%s%s:", before, finding->detector->id);
        for (size_t r = 0; r < finding->reason_count; r++)
            buffer_text(b, "%s %s", r ? ";" : "", finding->reason[r].text);
        buffer_text(b, "\n");
        before = "          ";
    }
}

static void put_live(struct buffer *b, const struct summary *s, const struct incident *incident)
{
    char when[64], share[FIGURE_SIZE];
    const char *before = "   Live   ";
    for (size_t i = 0; i < incident->rank_count; i++) {
        const struct incident_rank *rank = &incident->rank[i];
        calendar_text(s->calendar, rank->first, CALENDAR_CLOCK, when, sizeof when);
        buffer_text(b, "%s%s at %s", before, rank->detector->id, when);
        if (incident->story.out.value > 0)
            buffer_text(b, ", after %s had left",
                        figure_percent((double)rank->first_out.value,
                                       (double)incident->story.out.value, share));
        before = "; ";
    }
    buffer_text(b, "\n");
}

static void put_incident(struct buffer *b, const struct summary *s, const struct links *links,
                         size_t at)
{
    const struct incident *incident = links->incident[at];
    const struct story *story = &incident->story;
    char host[IP_TEXT_SIZE], name[16];
    static const struct ip nobody;
    bool sensor = ip_compare(&story->host, &nobody) == 0;
    buffer_text(b, "#%zu %s %d  ", at + 1, grade(incident->score), incident->score);
    if (sensor)
        buffer_text(b, *story->sight ? "the sensor itself: %s" : "the sensor itself%s",
                    story->sight);
    else
        buffer_text(b, "%s", host_text(&story->host, host));
    if (ip_is_device(&story->host))
        buffer_text(b, " (%s)", ip_text(&story->source, host));
    if (!sensor && *story->server_name && story->has_destination &&
        story->destination.role == ROLE_SERVED)
        buffer_text(b, " (%s)", story->server_name);
    if (story->has_destination)
        buffer_text(b, " → %s", story->destination.name);
    buffer_text(b, "   %s\n", incident_short(incident->id, name));
    put_when(b, s, story);
    if (!sensor) {
        put_bytes(b, story);
        put_what(b, story);
        put_names(b, story);
        put_clients(b, story);
        links_put(links, at, b);
    }
    put_why(b, incident);
    put_needs(b, incident);
    put_live(b, s, incident);
    buffer_text(b, "\n");
}

void summary_put_incidents(struct buffer *b, const struct summary *s)
{
    size_t count, told = 0;
    const struct incident **all = incidents_sorted(engine_incidents(s->engine), &count);
    static const struct ip nobody;
    struct links links;
    links_init(&links, all, count);
    for (size_t i = 0; i < count; i++)
        told += ip_compare(&all[i]->story.host, &nobody) != 0;
    if (told > 0)
        buffer_text(b, "\nDATA LEFT: %zu incident%s. %s\n\n", told, told == 1 ? "" : "s",
                    mode_tells_all(s) ? "Other hosts: no sign, within the coverage below."
                                      : "Nothing is said of what was not asked for.");
    else
        buffer_text(
            b,
            "\nNo sign that data left%s, within what could be judged and the coverage below.%s\n\n",
            mode_tells_all(s) ? "" : " of what was asked for",
            count > 0 ? " The sensor has something to say of itself:" : "");
    for (size_t i = 0; i < count; i++)
        put_incident(b, s, &links, i);
    links_fini(&links);
    free(all);
}
