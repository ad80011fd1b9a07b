/* Hours of a host, closed one by one: for the tests of profiles. */
#ifndef WEIR_TEST_BASELINE_CLOSE_H
#define WEIR_TEST_BASELINE_CLOSE_H

#include "make.h"

struct load {
    enum pair_role role;
    const char *name;
    uint64_t bytes;
};

static inline void close_with(struct profile *profile, const struct civil *civil,
                              struct fleet *fleet, const struct load *load, size_t count)
{
    struct host_total *total = host_total_new(&profile->host, civil->hour);
    for (size_t i = 0; i < count; i++) {
        struct destination d = make_destination(load[i].role, DESTINATION_DOMAIN, load[i].name);
        totals_add(total, &d, exactly(load[i].bytes), 0, 1);
    }
    profile_close_hour(profile, total, civil, fleet);
    host_total_free(total);
}

static inline void close_one(struct profile *profile, int64_t day, int hour, struct fleet *fleet,
                             enum pair_role role, const char *name, uint64_t bytes)
{
    struct civil civil = make_civil(day, hour);
    struct load load = {role, name, bytes};
    close_with(profile, &civil, fleet, &load, 1);
}

static inline struct profile *make_profile(void)
{
    struct ip host = make_host(7);
    return profile_new(&host, MONDAY * 24);
}

#endif
