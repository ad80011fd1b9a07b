/* What workers count about their own sight: adding up, and what an interval added. Thread-safe: no
 * state. */
#include "weir/record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const health_what_name[HEALTH_WHATS] = {
    NULL, "link_type", "ethertype", "not_ip", "within_link_type", "not_ip_within_link_type"};

void health_count(struct health *health, enum health_what what, uint16_t value, uint64_t packets)
{
    for (size_t i = 0; i < HEALTH_KINDS; i++) {
        struct health_kind *kind = &health->kind[i];
        if (kind->what == HEALTH_NOTHING)
            *kind = (struct health_kind){.what = (uint16_t)what, .value = value};
        if (kind->what != what || kind->value != value)
            continue;
        kind->packets += packets;
        return;
    }
    health->kinds_more += packets;
}

void health_add(struct health *to, const struct health *health)
{
#define ADD(name) to->name += health->name;
    HEALTH_COUNTERS(ADD)
#undef ADD
    if (health->largest_step_back_ns > to->largest_step_back_ns)
        to->largest_step_back_ns = health->largest_step_back_ns;
    for (size_t i = 0; i < HEALTH_KINDS && health->kind[i].what != HEALTH_NOTHING; i++)
        health_count(to, (enum health_what)health->kind[i].what, health->kind[i].value,
                     health->kind[i].packets);
}

static uint64_t packets_of(const struct health *health, const struct health_kind *kind)
{
    for (size_t i = 0; i < HEALTH_KINDS; i++)
        if (health->kind[i].what == kind->what && health->kind[i].value == kind->value)
            return health->kind[i].packets;
    return 0;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

struct health health_difference(const struct health *now, const struct health *before)
{
    struct health difference = {0};
#define SUBTRACT(name) difference.name = grown(now->name, before->name);
    HEALTH_COUNTERS(SUBTRACT)
#undef SUBTRACT
    if (now->largest_step_back_ns > before->largest_step_back_ns)
        difference.largest_step_back_ns = now->largest_step_back_ns;
    for (size_t i = 0; i < HEALTH_KINDS && now->kind[i].what != HEALTH_NOTHING; i++) {
        const struct health_kind *kind = &now->kind[i];
        uint64_t earlier = packets_of(before, kind);
        if (kind->packets > earlier)
            health_count(&difference, (enum health_what)kind->what, kind->value,
                         kind->packets - earlier);
    }
    return difference;
}

/* Those that are met again and again (IEEE 802 numbers). */
static const char *type_name(uint16_t type)
{
    switch (type) {
    case 0:
        return "802.3 length";
    case 0x0806:
        return "ARP";
    case 0x888e:
        return "802.1X";
    case 0x88cc:
        return "LLDP";
    case 0x88e5:
        return "MACsec";
    case 0x8892:
        return "PROFINET";
    case 0x88ba:
        return "IEC 61850";
    default:
        return NULL;
    }
}

const char *health_kind_text(const struct health_kind *kind, char text[HEALTH_KIND_TEXT])
{
    bool within = kind->what == HEALTH_UNREAD_WITHIN || kind->what == HEALTH_SKIPPED_WITHIN;
    const char *name = type_name(kind->value);
    if (kind->what == HEALTH_LINK || within)
        snprintf(text, HEALTH_KIND_TEXT, "%slink type %u", within ? "within " : "", kind->value);
    else if (name)
        snprintf(text, HEALTH_KIND_TEXT, "EtherType 0x%04x (%s)", kind->value, name);
    else
        snprintf(text, HEALTH_KIND_TEXT, "EtherType 0x%04x", kind->value);
    return text;
}

static int by_packets(const void *a, const void *b)
{
    const struct health_kind *x = a, *y = b;
    if (x->packets != y->packets)
        return x->packets > y->packets ? -1 : 1;
    return x->what != y->what ? (int)x->what - y->what : (int)x->value - y->value;
}

size_t health_kinds(const struct health *health, struct health_kind kind[HEALTH_KINDS])
{
    size_t count = 0;
    while (count < HEALTH_KINDS && health->kind[count].what != HEALTH_NOTHING)
        count++;
    memcpy(kind, health->kind, count * sizeof *kind);
    qsort(kind, count, sizeof *kind, by_packets);
    return count;
}
