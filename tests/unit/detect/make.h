/* A small site that has been watched for a while: hosts with office hours and slightly moving
 * sizes, closed hour by hour. Without randomness: sizes move by a fixed pattern of ±½ octave. */
#ifndef WEIR_TEST_DETECT_MAKE_H
#define WEIR_TEST_DETECT_MAKE_H

#include "weir/base/buffer.h"
#include "weir/detect/fusion.h"
#include "weir/detect/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MONDAY     INT64_C(20514) /* 2026-03-02, days since 1970 */
#define SITE_HOSTS 20

struct site {
    struct calendar *calendar;
    struct fleet *fleet;
    struct profile *profile[SITE_HOSTS];
    unsigned hosts;
    struct detect_config config;
};

static inline struct civil civil_at(struct site *site, int day, int hour)
{
    return calendar_at(site->calendar, (struct ptime){((MONDAY + day) * 24 + hour) * NS_PER_HOUR});
}

static inline struct site *site_new(unsigned hosts)
{
    static const struct calendar_config office = {"UTC", 8, 18, 0x1f, NULL, 0};
    struct site *site = xcalloc(1, sizeof *site);
    site->calendar = calendar_new(&office, NULL);
    site->fleet = fleet_new();
    site->hosts = hosts;
    site->config = detect_config_default();
    for (unsigned i = 0; i < hosts; i++) {
        struct ip ip = ip_from_v4((const uint8_t[]){10, 0, 0, (uint8_t)i});
        site->profile[i] = profile_new(&ip, civil_at(site, 0, 0).hour);
    }
    return site;
}

static inline void site_free(struct site *site)
{
    for (unsigned i = 0; i < site->hosts; i++)
        profile_free(site->profile[i]);
    fleet_free(site->fleet);
    calendar_free(site->calendar);
    free(site);
}

static inline struct destination named(enum pair_role role, const char *name)
{
    struct destination destination = {
        .role = role, .kind = role == ROLE_CLIENT ? DESTINATION_DOMAIN : DESTINATION_PREFIX};
    snprintf(destination.name, sizeof destination.name, "%s", name);
    return destination;
}

static inline struct volume exactly(uint64_t bytes)
{
    return (struct volume){bytes, bytes, bytes};
}

/* A multiple between .7 and 1.4 that moves with the hour and the host. */
static inline double moving(int day, int hour, unsigned host)
{
    return exp2((double)((day * 7 + hour * 3 + (int)host * 5) % 11) / 10 - 0.5);
}

static inline void add_to(struct host_total *total, enum pair_role role, const char *name,
                          double bytes)
{
    struct destination destination = named(role, name);
    totals_add(total, &destination, exactly((uint64_t)bytes), 0, 1);
}

static inline void close_total(struct site *site, unsigned host, struct host_total *total,
                               const struct civil *civil)
{
    profile_catch_up(site->profile[host], civil->hour - 1, site->calendar, NULL, NULL);
    profile_close_hour(site->profile[host], total, civil, site->fleet);
    host_total_free(total);
}

/* Plays [from, until): `hour` adds what a host sends in an hour. */
static inline void site_play(struct site *site, int from, int until,
                             void (*hour)(struct host_total *total, const struct civil *civil,
                                          unsigned host, int day))
{
    for (int day = from; day < until; day++)
        for (int at = 0; at < 24; at++) {
            struct civil civil = civil_at(site, day, at);
            for (unsigned host = 0; host < site->hosts; host++) {
                struct ip ip = site->profile[host]->host;
                struct host_total *total = host_total_new(&ip, civil.hour);
                hour(total, &civil, host, day);
                if (total->pairs.count)
                    close_total(site, host, total, &civil);
                else
                    host_total_free(total);
            }
            fleet_apply(site->fleet);
        }
}

/* What the engine would ask at that hour; running totals are the test's. */
static inline struct subject site_subject(struct site *site, unsigned host, enum subject_kind kind,
                                          const struct destination *destination,
                                          const struct civil *civil)
{
    struct profile *profile = site->profile[host];
    return (struct subject){
        .kind = kind,
        .config = &site->config,
        .civil = *civil,
        .host = profile,
        .destination = destination,
        .pair = destination ? profile_pair(profile, destination) : NULL,
        .fleet = site->fleet,
        .state = profile_state(profile, civil->hour, site->config.learn_days),
    };
}

static inline void set_bytes(struct subject *subject, uint64_t hour, uint64_t day, uint64_t week)
{
    subject->hour = exactly(hour);
    subject->day = exactly(day);
    subject->week = exactly(week);
}

/* --- a host's day, judged as the engine does ---------------------------------------------------
 */

struct looked { /* at: a host, or it and one pair that sent all it sent */
    const struct subject *subject;
    struct weighing weighing;
};

static inline struct weighed_pair looked_pair(const struct subject *subject)
{
    return (struct weighed_pair){
        subject->destination, subject->pair,
        amounts_of_pair(
            subject->pair, &subject->civil, subject->hour.value,
            subject->day.value - (subject->pair && subject->pair->today == subject->civil.day
                                      ? subject->pair->today_bytes
                                      : 0),
            subject->week.value - (subject->pair ? subject->pair->first_week_bytes : 0))};
}

static inline bool looked_find(void *context, uint32_t name, struct weighed_pair *pair)
{
    const struct looked *looked = context;
    if (!looked->subject->destination || evidence_name(looked->subject->destination) != name)
        return false;
    *pair = looked_pair(looked->subject);
    return true;
}

static inline void looked_largest(void *context, struct weighed_pair *pair)
{
    const struct looked *looked = context;
    if (looked->subject->destination)
        *pair = looked_pair(looked->subject);
}

static inline void looked_without(void *context, uint32_t name, struct day_evidence *evidence)
{
    const struct looked *looked = context;
    const struct subject *subject = looked->subject;
    *evidence = (struct day_evidence){0};
    if (subject->host->today == subject->civil.day) { /* its closed hours */
        *evidence = subject->host->evidence;
        evidence_add_closed(evidence, subject->host, subject->fleet, &subject->civil);
        if (name)
            evidence_without(evidence, name);
    }
    if (subject->destination && evidence_name(subject->destination) != name) {
        struct weighed_pair pair = looked_pair(subject);
        evidence_add_pair(evidence, subject->host, pair.pair, pair.destination, subject->fleet,
                          &subject->civil, &pair.amounts);
    }
}

static inline void look_at(struct looked *looked, const struct subject *subject)
{
    *looked = (struct looked){.subject = subject};
    struct weighing *w = &looked->weighing;
    *w = (struct weighing){.civil = subject->civil,
                           .host = subject->host,
                           .fleet = subject->fleet,
                           .amounts = {.hour = subject->hour.value, .day = subject->day.value},
                           .context = looked,
                           .find = looked_find,
                           .largest = looked_largest,
                           .without = looked_without};
    looked_without(looked, 0, &w->evidence);
    evidence_add_host(&w->evidence, w->host, w->fleet, &w->civil, &w->amounts);
}

static inline enum evidence_side side_of(const struct subject *subject)
{
    return subject->kind == SUBJECT_SERVED ? EVIDENCE_SERVED : EVIDENCE_SENT;
}

/* Whether it is told. `finding` may be NULL. */
static inline bool tells(const struct subject *subject, struct finding *finding)
{
    struct looked looked;
    struct finding spare;
    struct weighed_pair lead;
    bool fires;
    if (!subject->host || subject->state == BASELINE_LEARNING)
        return false;
    look_at(&looked, subject);
    struct fused fused = fusion_weigh(&looked.weighing, side_of(subject), &fires);
    if (fires)
        fusion_tell(&looked.weighing, side_of(subject), &fused, finding ? finding : &spare, &lead);
    return fires;
}

/* Asks one absolute row by name. */
static inline bool ask(const char *id, const struct subject *subject, struct finding *finding)
{
    struct finding spare;
    return detector_ask(detector_get(id), subject, finding ? finding : &spare);
}

/* Its reason with this code; NULL: none. */
static inline const struct reason *reason_with(const struct finding *finding, const char *code)
{
    for (size_t i = 0; i < finding->reason_count; i++)
        if (strcmp(finding->reason[i].code, code) == 0)
            return &finding->reason[i];
    return NULL;
}

static inline const char *text_with(const struct finding *finding, const char *code)
{
    const struct reason *reason = reason_with(finding, code);
    return reason ? reason->text : "";
}

#define assert_has(text, part)                                                                     \
    do {                                                                                           \
        if (!strstr((text), (part)))                                                               \
            fail_msg("\"%s\" is not in \"%s\"", (part), (text));                                   \
    } while (0)

#endif
