/* Any bytes as a host's profile. The checksum is put right, or nothing behind it would ever be
 * read; what is accepted must pack, unpack and pack to the same bytes, and must be fit to judge by
 * and to learn into. */
#include "weir/base/digest.h"
#include "weir/baseline/survival.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER 12
#define SEED   UINT64_C(0x70726f66696c65) /* as in profile_pack.c */

static void use(struct profile *profile)
{
    struct civil civil = {.hour = profile->last_closed_hour + 1,
                          .day = (profile->last_closed_hour + 1) / 24,
                          .hour_of_week = 10,
                          .class = HOUR_WORK_WEEKDAY};
    struct host_total *total = host_total_new(&profile->host, civil.hour);
    struct destination fresh = {ROLE_SERVED, DESTINATION_AS, "AS64500"};
    struct volume volume = {70000, 70000, 70000};
    struct fleet *fleet = fleet_new();
    totals_add(total, &fresh, volume, 0, 1);
    if (profile->pair_count)
        totals_add(total, &profile->pair[0]->destination, volume, 0, 1);
    double p = survival_host_hour(profile, fleet, &civil, 70000).p;
    p += survival_new_network(profile, fleet, &civil, 70000).p;
    p += survival_pairs_a_day(profile, ROLE_CLIENT, &civil, 70000);
    if (!(p > 0))
        abort();
    profile_close_hour(profile, total, &civil, fleet);
    fleet_apply(fleet);
    host_total_free(total);
    fleet_free(fleet);
}

static void check(const uint8_t *data, size_t size)
{
    struct buffer once = {0}, twice = {0};
    struct profile *profile = profile_unpack(data, size, NULL);
    if (!profile)
        return;
    profile_pack(profile, &once);
    struct profile *again = profile_unpack(once.data, once.size, NULL);
    if (!again)
        abort();
    profile_pack(again, &twice);
    if (once.size != twice.size || memcmp(once.data, twice.data, once.size) != 0)
        abort();
    use(profile);
    profile_free(profile);
    profile_free(again);
    buffer_fini(&once);
    buffer_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size);
    if (size < HEADER)
        return 0;
    struct buffer patched = {0};
    buffer_put(&patched, "WP", 2);
    buffer_le16(&patched, PROFILE_SCHEMA);
    buffer_le64(&patched, hash64(data + HEADER, size - HEADER, SEED));
    buffer_put(&patched, data + HEADER, size - HEADER);
    check(patched.data, patched.size);
    buffer_fini(&patched);
    return 0;
}
