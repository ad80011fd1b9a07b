/* Any bytes as a host's profile. The checksum is put right, or nothing behind it would ever be
 * read; what is accepted (of any schema) must pack, unpack and pack to the same bytes, and must
 * be fit to judge by, to print, to lift and to learn into, days and weeks later. */
#include "weir/base/digest.h"
#include "weir/baseline/profile_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER 12
#define SEED   UINT64_C(0x70726f66696c65) /* as in profile_pack.c */

static void judge(const struct profile *profile, const struct fleet *fleet,
                  const struct civil *civil, const struct destination *destination)
{
    struct json *json = json_new();
    double p = survival_host_hour(profile, fleet, civil, 70000).p;
    p += survival_pairs_a_day(profile, ROLE_CLIENT, civil, 70000);
    if (!(p > 0))
        abort();
    json_open(json, NULL);
    profile_json(json, profile, fleet, civil->hour);
    profile_json_p(json, "p", profile, fleet, civil, destination, 70000);
    json_close(json);
    free(json_take_text(json, 0));
    json_free(json);
}

static void learn(struct profile *profile, struct fleet *fleet, const struct civil *civil)
{
    struct host_total *total = host_total_new(&profile->host, civil->hour);
    struct destination fresh = {ROLE_SERVED, DESTINATION_AS, "AS64500"};
    struct volume volume = {70000, 70000, 70000};
    totals_add(total, &fresh, volume, 0, 1);
    total->inside_bytes = 90000;
    if (profile->pair_count)
        totals_add(total, &profile->pair[0]->destination, volume, 0, 1);
    judge(profile, fleet, civil, profile->pair_count ? &profile->pair[0]->destination : &fresh);
    profile_close_hour(profile, total, civil, fleet);
    fleet_apply(fleet);
    host_total_free(total);
}

static void use(struct profile *profile)
{
    static const int after[] = {1, 30, 24 * 9, 24 * 40};
    struct fleet *fleet = fleet_new();
    struct buffer blob = {0};
    int64_t hour = profile->last_closed_hour;
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        struct civil civil = {.hour = hour + after[i],
                              .day = (hour + after[i]) / 24,
                              .hour_of_week = 10,
                              .class = HOUR_WORK_WEEKDAY};
        learn(profile, fleet, &civil);
    }
    profile_lift(profile, NULL);
    profile_pack(profile, &blob);
    if (!profile->frozen && blob.size > PROFILE_PACKED_BYTES)
        abort();
    struct profile *again = profile_unpack(blob.data, blob.size, NULL);
    if (!again)
        abort();
    profile_free(again);
    buffer_fini(&blob);
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
    buffer_le16(&patched, data[2] >= 1 && data[2] < PROFILE_SCHEMA ? data[2] : PROFILE_SCHEMA);
    buffer_le64(&patched, hash64(data + HEADER, size - HEADER, SEED));
    buffer_put(&patched, data + HEADER, size - HEADER);
    check(patched.data, patched.size);
    buffer_fini(&patched);
    return 0;
}
