/* Several sensors, and a host that the store has known for long. */
#ifndef WEIR_TESTS_ENGINE_FLEET_PAST_H
#define WEIR_TESTS_ENGINE_FLEET_PAST_H

#include "fleet_rig.h"

#define DAYS 12

static inline struct ip past_host(void)
{
    return make_ip("10.0.0.1");
}

/* Twelve days of some 100 kB an hour, as if another run had learned them. */
static inline void fleet_put_past(struct sensor *sensor)
{
    struct buffer blob = {0};
    struct ip ip = past_host(), remote = make_ip("198.51.100.1");
    int64_t hour = HOUR_8 - DAYS * 24;
    struct profile *profile = profile_new(&ip, hour);
    for (; hour < HOUR_8; hour++) {
        struct civil civil =
            calendar_at(sensor->fleet->calendar, (struct ptime){hour * NS_PER_HOUR});
        struct host_total *total = host_total_new(&ip, hour);
        struct destination destination;
        remote.byte[14] = (uint8_t)(100 + hour % 5);
        destination = destination_of_prefix(ROLE_CLIENT, &remote);
        uint64_t bytes = 100000 + (uint64_t)(hour * 37 % 500);
        totals_add(total, &destination, (struct volume){bytes, bytes, bytes}, 100, 1);
        profile_close_hour(profile, total, &civil, NULL);
        host_total_free(total);
    }
    profile_pack(profile, &blob);
    store_put_profile(sensor->engine->config.store, &ip, INT64_MIN, profile->last_closed_hour,
                      blob.data, blob.size, NULL, NULL);
    buffer_fini(&blob);
    profile_free(profile);
}

static inline struct fleet_rig *fleet_open_with_past(int sensors, bool reaches)
{
    struct fleet_rig *fleet = fleet_open(sensors, NULL);
    fleet->reaches = reaches;
    for (int i = 0; i < sensors; i++)
        sensor_start(&fleet->sensor[i], NULL);
    fleet_settle(fleet);
    fleet_put_past(&fleet->sensor[0]);
    fleet_settle(fleet);
    return fleet;
}

/* All that it has is taken, and what it asked of the store is answered and taken, too. */
static inline void fleet_rest(struct fleet_rig *fleet)
{
    for (int n = 0; n < 3; n++) {
        fleet_settle(fleet);
        fleet_turn(fleet, 20 * NS_PER_MS);
    }
}

#endif
