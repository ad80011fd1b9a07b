/* A made-up site, learned hour by hour, and everything that the baselines say of it, a line of JSON
 * each, for test_estimators.py, which computes the same from the formulas of docs/baselines.md:
 *
 *   {"closed": {"host", "hour", "day", "class", "hour_of_week", "bytes": {destination: bytes}}}
 *   {"days": {"day", "group", "median", "trend"}}                 as of that day's end
 *   {"profile": {…}, "p": [{…}, …]}                               at the end, profile_json.h
 *
 * Three kinds of hosts, so that there are groups: office machines, busy machines, and servers with
 * clients outside; new destinations and networks; now and then a size that the guard does not let
 * through; a holiday in the middle. One more host is learned alone, without a fleet, from sizes
 * that the guard never sees. The generator is fixed (splitmix64). */
#include "weir/baseline/group.h"
#include "weir/baseline/profile_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HOSTS   24
#define DAYS    45
#define MONDAY  INT64_C(20514) /* 2026-03-02 */
#define HOLIDAY 30

static uint64_t random_state = 7;

static double uniform(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return ((double)(z >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979323846 * uniform());
}

static struct civil civil_at(int64_t day, int hour)
{
    struct civil civil = {.hour = day * 24 + hour, .day = day, .hour_of_day = hour};
    bool other = (day - MONDAY) % 7 >= 5 || day == MONDAY + HOLIDAY;
    int kind = hour >= 8 && hour < 18 ? 0 : hour >= 6 && hour < 20 ? 1 : 2;
    civil.day_of_week = (int)((day - MONDAY) % 7);
    civil.hour_of_week = civil.day_of_week * 24 + hour;
    civil.class = (enum hour_class)(kind + (other ? HOUR_WORK_WEEKEND : 0));
    return civil;
}

/* --- the load -----------------------------------------------------------------------------------
 */

enum kind { OFFICE, BUSY, SERVER };

static enum kind kind_of(unsigned host)
{
    return host < 14 ? OFFICE : host < 20 ? BUSY : SERVER;
}

static void add(struct host_total *total, enum pair_role role, const char *what, unsigned number,
                double bytes)
{
    struct destination destination = {.role = role, .kind = DESTINATION_DOMAIN};
    struct volume out = {(uint64_t)bytes, (uint64_t)bytes, (uint64_t)bytes};
    snprintf(destination.name, sizeof destination.name, "%s%u.example", what, number);
    totals_add(total, &destination, out, 0, 1);
}

static double activity(enum kind kind, const struct civil *civil)
{
    static const double share[HOUR_CLASSES] = {0.8, 0.3, 0.04, 0.1, 0.05, 0.02};
    return kind == OFFICE ? share[civil->class] : kind == BUSY ? 0.85 : 0.5;
}

static void make_hour(struct host_total *total, unsigned host, const struct civil *civil)
{
    static unsigned fresh;
    enum kind kind = kind_of(host);
    total->inside_bytes = (uint64_t)exp2(16 + (double)((civil->hour * 7 + host * 5) % 23) / 3);
    if (uniform() > activity(kind, civil))
        return;
    for (unsigned i = 0; i < 3; i++) {
        double size = exp2((kind == BUSY ? 23 : 17) + (double)(host % 5) / 2 + 1.1 * normal());
        unsigned which = (unsigned)(9 * uniform() * uniform());
        if (kind == SERVER)
            add(total, ROLE_SERVED, "customer", which + 10 * host, size);
        else
            add(total, ROLE_CLIENT, which < 5 ? "shared" : "own", which < 5 ? which : host, size);
    }
    if (uniform() < 0.03)
        add(total, kind == SERVER ? ROLE_SERVED : ROLE_CLIENT, "fresh", fresh++ / 2,
            exp2(16 + 2.2 * normal()));
    if (uniform() < 0.002)
        add(total, ROLE_CLIENT, "bulk", host % 4, exp2(31));
}

/* --- printing ------------------------------------------------------------------------------------
 */

static void print_line(struct json *json)
{
    char *line = json_take_text(json, 0);
    puts(line);
    free(line);
}

static void print_closed(struct json *json, const struct host_total *total,
                         const struct civil *civil)
{
    char text[IP_TEXT_SIZE], key[DESTINATION_KEY_SIZE];
    const struct map_entry **entry = map_sorted(&total->pairs);
    json_open(json, NULL);
    json_open(json, "closed");
    json_str(json, "host", ip_text(&total->host, text));
    json_int(json, "hour", civil->hour);
    json_int(json, "day", civil->day);
    json_int(json, "class", civil->class);
    json_int(json, "hour_of_week", civil->hour_of_week);
    json_open(json, "bytes");
    for (size_t i = 0; i < total->pairs.count; i++) {
        const struct pair_total *sum = entry[i]->value;
        json_uint(json, destination_key(&sum->destination, key), sum->out.value);
    }
    json_close(json);
    json_close(json);
    json_close(json);
    print_line(json);
    free(entry);
}

static void print_days(struct json *json, const struct fleet *fleet, int64_t day)
{
    static const char *const group[] = {"", "q22", "q32", "q43", "q23"};
    for (size_t i = 0; i < sizeof group / sizeof *group; i++) {
        json_open(json, NULL);
        json_open(json, "days");
        json_int(json, "day", day);
        json_str(json, "group", group[i]);
        json_number(json, "median", fleet_day_median(fleet, group[i], day));
        json_number(json, "trend", fleet_day_trend(fleet, group[i], day));
        json_close(json);
        json_close(json);
        print_line(json);
    }
}

static void print_p(struct json *json, const struct profile *profile, const struct fleet *fleet)
{
    static const int hours[] = {3, 10, 19};
    static const struct destination never = {ROLE_CLIENT, DESTINATION_DOMAIN, "never.example"};
    for (int day = DAYS; day < DAYS + 7; day += 3)
        for (size_t i = 0; i < sizeof hours / sizeof *hours; i++)
            for (uint64_t bytes = 1; bytes < UINT64_C(1) << 44; bytes = 9 * bytes + 4) {
                struct civil civil = civil_at(MONDAY + day, hours[i]);
                uint32_t which = (uint32_t)(bytes % (profile->pair_count + 1));
                profile_json_p(json, NULL, profile, fleet, &civil,
                               which == profile->pair_count ? &never
                                                            : &profile->pair[which]->destination,
                               bytes);
            }
}

static void print_profile(struct json *json, const struct profile *profile,
                          const struct fleet *fleet)
{
    json_open(json, NULL);
    json_open(json, "profile");
    profile_json(json, profile, fleet, (MONDAY + DAYS) * 24);
    json_close(json);
    json_list(json, "p");
    print_p(json, profile, fleet);
    json_close(json);
    json_close(json);
    print_line(json);
}

/* --- learning ------------------------------------------------------------------------------------
 */

static struct ip address_of(unsigned host)
{
    uint8_t bytes[4] = {10, 0, 0, (uint8_t)(host + 1)};
    return ip_from_v4(bytes);
}

static void close_host(struct json *json, struct profile *profile, struct fleet *fleet,
                       unsigned host, const struct civil *civil)
{
    struct host_total *total = host_total_new(&profile->host, civil->hour);
    make_hour(total, host, civil);
    profile_close_hour(profile, total, civil, fleet);
    if (total->out.value > 0)
        print_closed(json, total, civil);
    host_total_free(total);
}

static void learn_site(struct json *json)
{
    struct fleet *fleet = fleet_new();
    struct profile *profile[HOSTS];
    for (unsigned i = 0; i < HOSTS; i++) {
        struct ip ip = address_of(i);
        profile[i] = profile_new(&ip, MONDAY * 24);
    }
    for (int64_t day = MONDAY; day < MONDAY + DAYS; day++) {
        for (int hour = 0; hour < 24; hour++) {
            struct civil civil = civil_at(day, hour);
            for (unsigned i = 0; i < HOSTS; i++)
                close_host(json, profile[i], fleet, i, &civil);
            fleet_apply(fleet);
        }
        print_days(json, fleet, day);
    }
    for (unsigned i = 0; i < HOSTS; i++) {
        print_profile(json, profile[i], fleet);
        profile_free(profile[i]);
    }
    fleet_free(fleet);
}

/* Twenty-eight weeks, so that weeks are joined, fade and go. */
static void learn_alone(struct json *json)
{
    struct ip ip = address_of(200);
    struct profile *profile = profile_new(&ip, MONDAY * 24);
    for (int64_t hour = MONDAY * 24; hour < (MONDAY + 28 * 7) * 24; hour++) {
        struct civil civil = civil_at(hour / 24, (int)(hour % 24));
        struct host_total *total = host_total_new(&profile->host, civil.hour);
        if (civil.class == HOUR_WORK_WEEKDAY && uniform() < 0.9)
            for (unsigned i = 0; i < 4; i++)
                add(total, i % 2 ? ROLE_CLIENT : ROLE_SERVED, "alone", i,
                    exp2(16 + i + 2 * uniform()));
        profile_close_hour(profile, total, &civil, NULL);
        print_closed(json, total, &civil);
        host_total_free(total);
    }
    print_profile(json, profile, NULL);
    profile_free(profile);
}

int main(void)
{
    struct json *json = json_new();
    learn_site(json);
    learn_alone(json);
    json_free(json);
    return 0;
}
