/* Does the budget hold, and is a tenfold day seen? A small fleet is played hour by hour: judged with
 * its running totals at each hour's end, then closed and learned, as the engine does it.
 *
 * Benign load: 50 hosts; log-normal hours around a host's own size with days that are busier than
 * others; office hours; a dozen destinations a host; Pareto-1.2 bulk uploads; new destinations; one
 * host in ten is a server with customers and now and then a new one. The generator is fixed
 * (splitmix64), so the figures below do not move from run to run. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "weir/base/buffer.h"
#include "weir/detect/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HOSTS   50
#define DAYS    30
#define KNOWN   12
#define MONDAY  INT64_C(1772409600) /* 2026-03-02T00:00:00Z */
#define NOMINAL 0.01

static uint64_t random_state;

static uint64_t random_bits(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double uniform(void)
{
    return ((double)(random_bits() >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979323846 * uniform());
}

static bool chance(double p)
{
    return uniform() < p;
}

static double pareto(double least)
{
    return least * pow(uniform(), -1 / 1.2);
}

/* --- the fleet -------------------------------------------------------------------------------------- */

struct sim_host {
    struct ip ip;
    struct profile *profile;
    bool server;
    double size; /* log2 bytes of a usual hour */
    double today;
    unsigned fresh; /* new destinations so far */
    unsigned fresh_networks;
    int bulk; /* which destination takes bulk uploads */
};

struct sim {
    struct sim_host host[HOSTS];
    struct fleet *fleet;
    struct calendar *calendar;
    struct totals *totals;
    struct detect_config config;
    unsigned alerts[SUBJECTS][DAYS]; /* host-days with an alert */
    unsigned by_row[16];
    unsigned host_days_alerted, host_days;
    bool print;
};

static struct destination make_destination(enum pair_role role, const char *format, unsigned a,
                                           unsigned b)
{
    struct destination destination = {.role = role,
                                      .kind = role == ROLE_CLIENT ? DESTINATION_DOMAIN
                                                                  : DESTINATION_PREFIX};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(destination.name, sizeof destination.name, format, a, b);
#pragma GCC diagnostic pop
    return destination;
}

static void add(struct host_total *total, const struct destination *destination, double bytes)
{
    uint64_t whole = bytes < 0 ? 0 : bytes > 1e15 ? (uint64_t)1e15 : (uint64_t)bytes;
    totals_add(total, destination, (struct volume){whole, whole, whole}, whole / 10, 1);
}

static double activity(const struct civil *civil)
{
    static const double share[HOUR_CLASSES] = {0.95, 0.4, 0.06, 0.1, 0.06, 0.03};
    return share[civil->class];
}

/* An hour of a client: shared services, own suppliers, sometimes bulk, sometimes something new. */
static void client_hour(struct sim *sim, struct sim_host *host, unsigned index,
                        const struct civil *civil, double factor)
{
    if (!chance(activity(civil)))
        return;
    struct host_total *total = totals_open(sim->totals, &host->ip, civil->hour);
    double bytes = factor * exp2(host->size + host->today + 0.9 * normal());
    for (int left = 1 + (int)(4 * uniform()); left > 0; left--) {
        unsigned which = (unsigned)(KNOWN * uniform() * uniform());
        struct destination destination =
            which < 8 ? make_destination(ROLE_CLIENT, "shared%u.example", which, 0)
                      : make_destination(ROLE_CLIENT, "own%u-%u.example", index, which);
        double part = left == 1 ? bytes : bytes * uniform();
        add(total, &destination, part);
        bytes -= part;
    }
    if (chance(0.004)) {
        struct destination bulk = make_destination(ROLE_CLIENT, "backup.example", 0, 0);
        add(total, &bulk, factor * pareto(2e6));
    }
    if (chance(0.02)) {
        struct destination fresh =
            make_destination(ROLE_CLIENT, "fresh%u-%u.example", index, host->fresh++);
        add(total, &fresh, exp2(16 + 2.2 * normal()));
    }
}

static void server_hour(struct sim *sim, struct sim_host *host, unsigned index,
                        const struct civil *civil, double factor)
{
    for (unsigned customer = 0; customer < 6; customer++) {
        if (!chance(0.5 * activity(civil)))
            continue;
        struct host_total *total = totals_open(sim->totals, &host->ip, civil->hour);
        struct destination network =
            make_destination(ROLE_SERVED, "198.%u.%u.0/24", 51 + index, customer);
        add(total, &network,
            factor * exp2(host->size - 1 + 0.3 * (double)customer + host->today + normal()));
    }
    if (chance(0.01)) {
        struct host_total *total = totals_open(sim->totals, &host->ip, civil->hour);
        struct destination network =
            make_destination(ROLE_SERVED, "203.%u.%u.0/24", index, host->fresh_networks++);
        add(total, &network, exp2(18 + 2 * normal()));
    }
}

/* --- judging, as the engine does --------------------------------------------------------------------- */

static struct volume exactly(uint64_t bytes)
{
    return (struct volume){bytes, bytes, bytes};
}

static size_t judge_subject(struct sim *sim, struct subject *subject)
{
    struct finding finding[JUDGE_FINDINGS];
    size_t count = judge(subject, finding);
    for (size_t i = 0; i < count; i++) {
        size_t row = 0;
        while (detectors[row] != finding[i].detector)
            row++;
        sim->by_row[row]++;
        if (sim->print)
            printf("  %s p=%.2g score=%d needs=%.0f: %s\n", finding[i].detector->id, finding[i].p,
                   finding[i].score, finding[i].needs, finding[i].reason[0].text);
    }
    return count;
}

static size_t judge_host(struct sim *sim, struct sim_host *host, const struct civil *civil)
{
    struct host_total *total = totals_get(sim->totals, &host->ip, civil->hour);
    size_t found = 0;
    if (!total || !host->profile)
        return 0;
    struct profile *profile = host->profile;
    struct subject subject = {.kind = SUBJECT_HOST,
                              .config = &sim->config,
                              .civil = *civil,
                              .host = profile,
                              .fleet = sim->fleet,
                              .state = profile_state(profile, civil->hour, 7),
                              .hour = total->out};
    subject.day = exactly(total->out.value +
                          (profile->today == civil->day ? profile->today_bytes : 0));
    found += judge_subject(sim, &subject);
    const struct map_entry **entry = map_sorted(&total->pairs);
    for (size_t i = 0; i < total->pairs.count; i++) {
        const struct pair_total *sum = entry[i]->value;
        subject.kind =
            sum->destination.role == ROLE_CLIENT ? SUBJECT_DESTINATION : SUBJECT_SERVED;
        subject.destination = &sum->destination;
        subject.pair = profile_pair(profile, &sum->destination);
        subject.hour = subject.day = subject.week = sum->out;
        if (subject.pair) {
            if (subject.pair->today == civil->day)
                volume_add(&subject.day, exactly(subject.pair->today_bytes));
            volume_add(&subject.week, exactly(subject.pair->first_week_bytes));
        }
        found += judge_subject(sim, &subject);
    }
    free(entry);
    return found;
}

static void close_hour(struct sim *sim, const struct civil *civil)
{
    for (unsigned i = 0; i < HOSTS; i++) {
        struct sim_host *host = &sim->host[i];
        struct host_total *total = totals_get(sim->totals, &host->ip, civil->hour);
        if (!total)
            continue;
        if (!host->profile)
            host->profile = profile_new(&host->ip, civil->hour);
        profile_catch_up(host->profile, civil->hour - 1, sim->calendar);
        profile_close_hour(host->profile, total, civil, sim->fleet);
        totals_drop(sim->totals, total);
    }
    fleet_apply(sim->fleet);
}

static void begin(struct sim *sim, uint64_t seed)
{
    static const struct calendar_config office = {"UTC", 8, 18, 0x1f, NULL, 0};
    random_state = seed;
    *sim = (struct sim){.fleet = fleet_new(),
                        .calendar = calendar_new(&office, NULL),
                        .totals = totals_new(1000),
                        .config = {.alerts_per_100_hosts_per_day = 100 * NOMINAL,
                                   .learn_days = 7}};
    for (unsigned i = 0; i < HOSTS; i++) {
        sim->host[i].ip = ip_from_v4((const uint8_t[]){10, 0, 0, (uint8_t)i});
        sim->host[i].server = i % 10 == 9;
        sim->host[i].size = 20 + 1.5 * normal();
    }
}

static void end(struct sim *sim)
{
    for (unsigned i = 0; i < HOSTS; i++)
        profile_free(sim->host[i].profile);
    fleet_free(sim->fleet);
    totals_free(sim->totals);
    calendar_free(sim->calendar);
}

/* Plays a day; hosts with factor[] ≠ 1 send that much more. Returns which hosts had an alert. */
static void play_day(struct sim *sim, int day, const double factor[HOSTS], bool alerted[HOSTS])
{
    for (unsigned i = 0; i < HOSTS; i++) {
        sim->host[i].today = 0.4 * normal();
        alerted[i] = false;
    }
    for (int hour = 0; hour < 24; hour++) {
        struct civil civil = calendar_at(
            sim->calendar, (struct ptime){(MONDAY + day * 86400 + hour * 3600) * NS_PER_S});
        for (unsigned i = 0; i < HOSTS; i++) {
            (sim->host[i].server ? server_hour : client_hour)(sim, &sim->host[i], i, &civil,
                                                              factor[i]);
            alerted[i] |= judge_host(sim, &sim->host[i], &civil) > 0;
        }
        close_hour(sim, &civil);
    }
}
int main(int argc, char **argv)
{
    unsigned total=0, days=0, det=0, asked=0; unsigned rows[16]={0};
    int seeds = argc>1?atoi(argv[1]):3;
    double f10 = argc>2?atof(argv[2]):10;
    for (int s=1;s<=seeds;s++){
        static struct sim sim; begin(&sim,(uint64_t)s*7919);
        double one[HOSTS]; bool al[HOSTS];
        for (unsigned i=0;i<HOSTS;i++) one[i]=1;
        for (int d=0; d<DAYS; d++){ 
            sim.print = argc>3 && d>=7;
            play_day(&sim,d,one,al);
            if(d>=7) for(unsigned i=0;i<HOSTS;i++){ total+=al[i]; days++; } 
        }
        for(int r=0;r<6;r++){rows[r]+=sim.by_row[r]; sim.by_row[r]=0;}
        for (unsigned i=0;i<HOSTS;i++) one[i]= i%5==4 ? f10:1;
        sim.print=argc>3;
        play_day(&sim,30+1,one,al);
        for (unsigned i=0;i<HOSTS;i++) if(i%5==4){asked++; det+=al[i];}
        end(&sim);
    }
    printf("alert host-days %u of %u = %.4f\n", total, days, total/(double)days);
    for(int r=0;r<6;r++) printf("%s %u\n", detectors[r]->id, rows[r]);
    printf("x%g day: %u of %u\n", f10, det, asked);
}
