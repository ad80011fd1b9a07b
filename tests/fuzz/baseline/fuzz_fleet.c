/* Any bytes as the fleet's tables; as fuzz_profile.c. */
#include "weir/base/digest.h"
#include "weir/baseline/survival.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER 12
#define SEED   UINT64_C(0x666c656574) /* as in fleet_pack.c */

static void use(struct fleet *fleet)
{
    struct ip ip = {{0}};
    struct civil civil = {.hour = 24 * 20514, .day = 20514, .class = HOUR_NIGHT_WEEKDAY};
    struct destination d = {ROLE_CLIENT, DESTINATION_AS, "AS64500"};
    struct profile *profile = profile_new(&ip, civil.hour - 1000);
    memcpy(profile->group, "q22", 4);
    if (!(survival_young(profile, &d, fleet, &civil, 70000).p > 0) ||
        !(survival_young_span(profile, &d, fleet, &civil, 70000).p > 0) ||
        !(survival_absolute_hour(profile, fleet, &civil, 70000).p > 0) ||
        !(survival_host_day(profile, fleet, &civil, 70000).p > 0))
        abort();
    fleet_note_host(fleet, &ip, "q22", &civil, true, 70000, 12.0, false);
    fleet_note_pair(fleet, &ip, "", &d, 70000, 12.0, &civil);
    fleet_note_sent(fleet, &ip, &d, 70000, 20514);
    fleet_note_today(fleet, "q22", 20514, 0, 70000);
    fleet_note_clip(fleet, &ip, &d, "q22", 20514);
    fleet_note_clip(fleet, &ip, NULL, "q22", 20514);
    fleet_note_zone(fleet, "office", &civil, 70000, true);
    fleet_apply(fleet);
    struct fleet_band zone = fleet_zone_band(fleet, "office", &civil),
                      place = fleet_place_band(fleet, &d, &civil);
    if (zone.expected[0] > zone.expected[1] || place.expected[0] > place.expected[1])
        abort();
    if (!isfinite(fleet_day_trend(fleet, "q22", 20514)))
        abort();
    fleet_moved(fleet, &d, "q22", 20514);
    fleet_moved(fleet, NULL, "q22", 20514);
    if (fleet_shared(fleet, &ip, &d, 20514).others > FLEET_SHARED_HOSTS)
        abort();
    if (fleet_hosts(fleet) == 0 || fleet_prevalence(fleet, &d) == 0)
        abort();
    profile_free(profile);
}

static void check(const uint8_t *data, size_t size)
{
    struct buffer once = {0}, twice = {0};
    struct fleet *fleet = fleet_unpack(data, size, NULL);
    if (!fleet)
        return;
    fleet_pack(fleet, &once);
    struct fleet *again = fleet_unpack(once.data, once.size, NULL);
    if (!again)
        abort();
    fleet_pack(again, &twice);
    if (once.size != twice.size || memcmp(once.data, twice.data, once.size) != 0)
        abort();
    use(fleet);
    fleet_free(fleet);
    fleet_free(again);
    buffer_fini(&once);
    buffer_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size);
    if (size < HEADER)
        return 0;
    struct buffer patched = {0};
    buffer_put(&patched, "WF", 2);
    buffer_le16(&patched, data[2] >= 1 && data[2] < FLEET_SCHEMA ? data[2] : FLEET_SCHEMA);
    buffer_le64(&patched, hash64(data + HEADER, size - HEADER, SEED));
    buffer_put(&patched, data + HEADER, size - HEADER);
    check(patched.data, patched.size);
    buffer_fini(&patched);
    return 0;
}
