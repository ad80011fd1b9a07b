/* What was not seen or not believed, said by kind: which encapsulations, which headers, which
 * protocols, how one-sided, how far out of order. A reader who must swear to a figure has to know
 * what is not in it. Thread: the engine's. */
#include "coverage.h"

#include "weir/base/figures.h"

#include "weir/base/device.h"

#include <stdio.h>

#define KINDS_SHOWN     4
#define PROTOCOLS_SHOWN 4
#define HIDDEN_SHOWN    3

const char *coverage_volume(struct volume volume, char text[COVERAGE_VOLUME_TEXT])
{
    char value[FIGURE_SIZE], low[FIGURE_SIZE], high[FIGURE_SIZE];
    figure_bytes(volume.value, value);
    if (volume.low == volume.value && volume.high == volume.value)
        snprintf(text, COVERAGE_VOLUME_TEXT, "%s", value);
    else
        snprintf(text, COVERAGE_VOLUME_TEXT, "%s [%s acknowledged – %s at most]", value,
                 figure_bytes(volume.low, low), figure_bytes(volume.high, high));
    return text;
}

/* --- text ------------------------------------------------------------------------------------ */

static void put_one_sided(struct buffer *b, const struct summary *s)
{
    const struct health *h = engine_health(s->engine);
    struct hidden hidden[HIDDEN_SHOWN];
    char text[FIGURE_SIZE], host[IP_TEXT_SIZE];
    if (h->flows_one_sided > 0)
        buffer_text(b,
                    "          %s of TCP connections one-sided: only one direction was captured; "
                    "what the other side acknowledged is in \"at most\"\n",
                    figure_percent((double)h->flows_one_sided,
                                   (double)(h->flows_one_sided + h->flows_two_sided), text));
    size_t count = hosts_hidden(s->hosts, hidden, HIDDEN_SHOWN);
    for (size_t i = 0; i < count; i++)
        buffer_text(b, "          %s was not seen sending; by acknowledgements alone at most %s\n",
                    host_text(&hidden[i].host, host), figure_bytes(hidden[i].high, text));
}

static void put_kinds(struct buffer *b, const struct health *h)
{
    struct health_kind kind[HEALTH_KINDS];
    char name[HEALTH_KIND_TEXT], text[FIGURE_SIZE];
    size_t count = health_kinds(h, kind), shown = count < KINDS_SHOWN ? count : KINDS_SHOWN;
    for (size_t i = 0; i < shown; i++)
        buffer_text(b, "%s%s %s%s",
                    i ? ", " : "          not read: ", figure_count(kind[i].packets, text),
                    health_kind_text(&kind[i], name),
                    kind[i].what == HEALTH_UNREAD || kind[i].what == HEALTH_UNREAD_WITHIN
                        ? " (may carry IP)"
                        : "");
    uint64_t more = h->kinds_more;
    for (size_t i = shown; i < count; i++)
        more += kind[i].packets;
    if (more > 0)
        buffer_text(b, ", %s of further kinds", figure_count(more, text));
    if (count > 0)
        buffer_text(b, "\n");
}

struct part {
    const char *name;
    uint64_t packets;
};

static void put_parts(struct buffer *b, const char *what, const struct part *part, size_t count)
{
    const char *before = what;
    char text[FIGURE_SIZE];
    for (size_t i = 0; i < count; i++) {
        if (part[i].packets == 0)
            continue;
        buffer_text(b, "%s%s %s", before, figure_count(part[i].packets, text), part[i].name);
        before = ", ";
    }
    if (before != what)
        buffer_text(b, "\n");
}

static void put_headers(struct buffer *b, const struct health *h)
{
    const struct part cut[] = {{"link", h->truncated_link},
                               {"IPv4", h->truncated_ipv4},
                               {"IPv6", h->truncated_ipv6},
                               {"transport", h->truncated_transport}};
    const struct part bad[] = {{"link", h->malformed_link}, {"IPv4", h->malformed_ipv4},
                               {"IPv6", h->malformed_ipv6}, {"TCP", h->malformed_tcp},
                               {"UDP", h->malformed_udp},   {"ICMP", h->malformed_icmp},
                               {"SCTP", h->malformed_sctp}};
    put_parts(b, "          headers cut: ", cut, sizeof cut / sizeof *cut);
    put_parts(b, "          headers that cannot be: ", bad, sizeof bad / sizeof *bad);
}

static bool has_transport(unsigned proto)
{
    return proto == 1 || proto == 6 || proto == 17 || proto == 58 || proto == 132;
}

/* The most used protocols of which nothing but addresses and lengths is read. */
static void put_protocols(struct buffer *b, const struct engine_counts *counts)
{
    bool said[256] = {false};
    char packets[FIGURE_SIZE], bytes[FIGURE_SIZE];
    for (int n = 0; n < PROTOCOLS_SHOWN; n++) {
        unsigned most = 0;
        for (unsigned proto = 1; proto < 256; proto++)
            if (!has_transport(proto) && !said[proto] &&
                counts->protocol_packets[proto] > counts->protocol_packets[most])
                most = proto;
        if (most == 0 || counts->protocol_packets[most] == 0)
            break;
        said[most] = true;
        buffer_text(b, "%sprotocol %u %s packets, %s", n ? "; " : "          counted unread: IP ",
                    most, figure_count(counts->protocol_packets[most], packets),
                    figure_bytes(counts->protocol_bytes[most], bytes));
    }
    for (unsigned proto = 0; proto < 256; proto++)
        if (said[proto]) {
            buffer_text(b, "\n");
            return;
        }
}

static void put_carried(struct buffer *b, const struct engine_counts *counts)
{
    char text[COVERAGE_VOLUME_TEXT];
    if (counts->carried.high > 0)
        buffer_text(
            b,
            "          tunnels: %s out in tunnels that other inside hosts send; counted for "
            "those inside of them, on the word of who sends\n",
            coverage_volume(volume_clamped(counts->carried), text));
}

uint64_t coverage_sealed(const struct volume by_service[SERVICES])
{
    uint64_t bytes = 0;
    for (int i = 0; i < SERVICES; i++)
        if (service_is_sealed((enum service)i))
            bytes += by_service[i].value;
    return bytes;
}

static void put_order(struct buffer *b, const struct health *h)
{
    char text[FIGURE_SIZE];
    if (h->time_backwards > 0)
        buffer_text(
            b,
            "          time stamps: %s packets out of time order, the largest step back %.6f "
            "s\n",
            figure_count(h->time_backwards, text), (double)h->largest_step_back_ns / 1e9);
    if (h->time_jumps > 0)
        buffer_text(b,
                    "          time stamps: %s packets an hour or more off the clock, told at the "
                    "clock\n",
                    figure_count(h->time_jumps, text));
}

static void put_tcp(struct buffer *b, const struct health *h)
{
    char text[FIGURE_SIZE];
    if (h->tcp_retransmitted_bytes > 0)
        buffer_text(b, "          TCP: %s came again and were counted once\n",
                    figure_bytes(h->tcp_retransmitted_bytes, text));
    if (h->tcp_reset_bytes > 0)
        buffer_text(b, "          TCP: %s left in resets: not stream, not in any figure\n",
                    figure_bytes(h->tcp_reset_bytes, text));
}

void coverage_text(struct buffer *b, const struct summary *s)
{
    const struct health *h = engine_health(s->engine);
    put_one_sided(b, s);
    put_kinds(b, h);
    put_headers(b, h);
    put_protocols(b, engine_counts_of(s->engine));
    put_carried(b, engine_counts_of(s->engine));
    put_order(b, h);
    put_tcp(b, h);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_kinds(struct json *json, const struct health *h)
{
    struct health_kind kind[HEALTH_KINDS];
    char text[HEALTH_KIND_TEXT];
    size_t count = health_kinds(h, kind);
    json_list(json, "unread");
    for (size_t i = 0; i < count; i++) {
        json_open(json, NULL);
        json_str(json, "kind", health_what_name[kind[i].what]);
        json_uint(json, "value", kind[i].value);
        json_str(json, "text", health_kind_text(&kind[i], text));
        json_uint(json, "packets", kind[i].packets);
        json_close(json);
    }
    json_close(json);
}

static void json_protocols(struct json *json, const struct engine_counts *counts)
{
    char text[8];
    json_list(json, "protocols");
    for (unsigned proto = 0; proto < 256; proto++) {
        if (counts->protocol_packets[proto] == 0)
            continue;
        json_open(json, NULL);
        json_uint(json, "number", proto);
        json_str(json, "name", proto_text((uint8_t)proto, text));
        json_bool(json, "read", has_transport(proto));
        json_uint(json, "packets", counts->protocol_packets[proto]);
        json_uint(json, "payload_bytes", counts->protocol_bytes[proto]);
        json_close(json);
    }
    json_close(json);
}

static void json_one_sided(struct json *json, const struct summary *s)
{
    const struct health *h = engine_health(s->engine);
    uint64_t all = h->flows_one_sided + h->flows_two_sided;
    struct hidden hidden[20];
    char text[IP_TEXT_SIZE];
    size_t count = hosts_hidden(s->hosts, hidden, sizeof hidden / sizeof *hidden);
    json_open(json, "one_sided");
    json_uint(json, "tcp_connections", all);
    json_uint(json, "one_sided", h->flows_one_sided);
    json_number(json, "share", all ? (double)h->flows_one_sided / (double)all : 0);
    json_list(json, "not_seen_sending");
    for (size_t i = 0; i < count; i++) {
        json_open(json, NULL);
        json_str(json, "host", host_text(&hidden[i].host, text));
        json_uint(json, "high", hidden[i].high);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

void coverage_json(struct json *json, const struct summary *s)
{
    const struct health *h = engine_health(s->engine);
    json_kinds(json, h);
    json_protocols(json, engine_counts_of(s->engine));
    json_one_sided(json, s);
    json_number(json, "largest_step_back_s", (double)h->largest_step_back_ns / 1e9);
}
