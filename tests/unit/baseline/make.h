/* Things that several tests of this room make: civil hours without a calendar, hosts, destinations,
 * and the sample of sizes that the reference figures were computed from. */
#ifndef WEIR_TEST_BASELINE_MAKE_H
#define WEIR_TEST_BASELINE_MAKE_H

#include "weir/baseline/survival.h"

#include <math.h>
#include <stdio.h>

#define WEEK   INT64_C(2930)  /* of MONDAY */
#define MONDAY INT64_C(20514) /* 2026-03-02, days since 1970 */

/* UTC, office hours 8–18, Monday to Friday. */
static inline struct civil make_civil(int64_t day, int hour)
{
    int64_t days = day - MONDAY + 7000; /* 7000: a multiple of 7 */
    struct civil civil = {.hour = day * 24 + hour,
                          .day = day,
                          .starts = {(day * 24 + hour) * NS_PER_HOUR},
                          .ends = {(day * 24 + hour + 1) * NS_PER_HOUR},
                          .hour_of_day = hour,
                          .day_of_week = (int)(days % 7)};
    civil.hour_of_week = civil.day_of_week * 24 + hour;
    int kind = hour >= 8 && hour < 18 ? 0 : hour >= 6 && hour < 20 ? 1 : 2;
    civil.class = (enum hour_class)(kind + (civil.day_of_week >= 5 ? HOUR_WORK_WEEKEND : 0));
    return civil;
}

static inline struct ip make_host(unsigned number)
{
    uint8_t bytes[4] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    return ip_from_v4(bytes);
}

static inline struct destination make_destination(enum pair_role role, enum destination_kind kind,
                                                  const char *name)
{
    struct destination destination = {.role = role, .kind = kind};
    snprintf(destination.name, sizeof destination.name, "%s", name);
    return destination;
}

/* int(2**(20 + ((j*37) % 101 − 50)/12.5 + .013)) */
static inline uint64_t sample_bytes(unsigned j)
{
    return (uint64_t)exp2(20 + ((double)((j * 37) % 101) - 50) / 12.5 + 0.013);
}

static inline struct volume exactly(uint64_t bytes)
{
    return (struct volume){bytes, bytes, bytes};
}

#define assert_near(a, b)                                                                          \
    do {                                                                                           \
        double near_a_ = (a), near_b_ = (b);                                                       \
        if (fabs(near_a_ - near_b_) > 1e-9 * fabs(near_b_))                                        \
            fail_msg("%s is %.17g, expected %.17g", #a, near_a_, near_b_);                         \
    } while (0)

#endif
