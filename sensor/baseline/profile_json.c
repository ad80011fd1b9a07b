/* Numbers as they are, no derived ones but what a reader could not know: prevalence, and how many
 * hosts stand behind a group. Thread: any (pure). */
#include "weir/baseline/profile_json.h"

#include "pair_json.h"
#include "weir/baseline/group.h"

#include <stdlib.h>

/* --- parts ------------------------------------------------------------------------------------ */

static void put_histogram(struct json *json, const char *key, const struct histogram *h)
{
    json_list(json, key);
    for (uint16_t i = 0; i < h->count; i++) {
        json_list(json, NULL);
        json_uint(json, NULL, h->cell[i].bin);
        json_uint(json, NULL, h->cell[i].week);
        json_uint(json, NULL, h->cell[i].count);
        json_close(json);
    }
    json_close(json);
}

static void put_residuals(struct json *json, const char *key, const struct residuals *table)
{
    json_list(json, key);
    for (unsigned bin = 0; bin < HISTOGRAM_BINS; bin++) {
        if (table->count[bin] <= 0)
            continue;
        json_list(json, NULL);
        json_uint(json, NULL, bin);
        json_number(json, NULL, table->count[bin]);
        json_close(json);
    }
    json_close(json);
}

static void put_numbers(struct json *json, const char *key, const double *number, size_t count)
{
    json_list(json, key);
    for (size_t i = 0; i < count; i++)
        json_number(json, NULL, number[i]);
    json_close(json);
}

static void put_counts(struct json *json, const char *key, const uint32_t *number, size_t count)
{
    json_list(json, key);
    for (size_t i = 0; i < count; i++)
        json_uint(json, NULL, number[i]);
    json_close(json);
}

static void put_location(struct json *json, const char *key, const struct location *location)
{
    json_open(json, key);
    json_number(json, "mean", location->mean);
    json_uint(json, "count", location->count);
    json_close(json);
}

static void put_clips(struct json *json, const struct clips *clips)
{
    json_list(json, "guarded");
    for (uint8_t i = 0; i < clips->count; i++) {
        const struct clip *clip = &clips->clip[i];
        json_open(json, NULL);
        json_int(json, "day", clip->day);
        json_str(json, "of", clip->of_day ? "day" : "hour");
        json_uint(json, "bin", clip->bin);
        json_uint(json, "learned", clip->learned);
        json_uint(json, "count", clip->count);
        json_bool(json, "peers_asked", clip->asked);
        json_close(json);
    }
    json_close(json);
}

/* --- peers ------------------------------------------------------------------------------------ */

static void put_group(struct json *json, const char *key, const struct group *group, uint32_t hosts)
{
    if (!group) {
        json_none(json, key);
        return;
    }
    json_open(json, key);
    json_uint(json, "hosts", hosts);
    put_residuals(json, "host_hour", &group->host_hour);
    put_residuals(json, "host_day", &group->host_day);
    put_residuals(json, "pair_hour", &group->pair_hour);
    put_residuals(json, "pair_day", &group->pair_day);
    put_residuals(json, "served_hour", &group->served_hour);
    put_residuals(json, "served_day", &group->served_day);
    put_residuals(json, "inside_day", &group->inside_day);
    put_histogram(json, "absolute_hour", &group->absolute_hour);
    put_histogram(json, "absolute_day", &group->absolute_day);
    put_histogram(json, "absolute_inside", &group->absolute_inside);
    put_numbers(json, "active", group->active, FLEET_HOUR_WEEKS);
    put_numbers(json, "seen", group->seen, FLEET_HOUR_WEEKS);
    json_contacts(json, &group->contacts);
    json_close(json);
}

static void put_buckets(struct json *json, const char *key, const struct histogram *bucket)
{
    json_list(json, key);
    for (int k = 0; k < PREVALENCE_BUCKETS; k++)
        put_histogram(json, NULL, &bucket[k]);
    json_close(json);
}

static void put_young(struct json *json, const struct young *young)
{
    json_open(json, "young");
    put_buckets(json, "first_week", young->first_week);
    put_buckets(json, "hour", young->hour);
    put_buckets(json, "span", young->span);
    put_histogram(json, "exposure", &young->exposure);
    put_histogram(json, "exposure_hours", &young->exposure_hours);
    json_close(json);
}

static void put_fleet(struct json *json, const struct profile *profile, const struct fleet *fleet)
{
    if (!fleet) {
        json_none(json, "peers");
        json_none(json, "fleet");
        json_none(json, "young");
        return;
    }
    put_group(json, "peers", fleet_group(fleet, profile->group),
              fleet_group_hosts(fleet, profile->group));
    put_group(json, "fleet", fleet_all(fleet), fleet_hosts(fleet));
    put_young(json, fleet_young(fleet));
}

/* --- the profile ------------------------------------------------------------------------------ */

static void put_pair(struct json *json, const struct profile *profile, const struct pair *pair,
                     const struct fleet *fleet, int64_t hour)
{
    char key[DESTINATION_KEY_SIZE];
    json_open(json, NULL);
    json_str(json, "destination", destination_key(&pair->destination, key));
    json_bool(json, "known", survival_pair_known(pair, hour));
    json_bool(json, "new", profile_is_new(profile, pair, hour));
    if (fleet)
        json_uint(json, "hosts", fleet_prevalence(fleet, &pair->destination));
    else
        json_none(json, "hosts");
    json_int(json, "first_hour", pair->first_hour);
    json_int(json, "last_hour", pair->last_hour);
    json_int(json, "first_day", pair->first_day);
    json_uint(json, "contacts", pair->contacts);
    json_number(json, "weight", pair->weight);
    json_int(json, "weight_day", pair->weight_day);
    json_int(json, "today", pair->today);
    json_uint(json, "today_bytes", pair->today_bytes);
    json_uint(json, "today_surplus", pair->today_surplus);
    json_uint(json, "first_week_bytes", pair->first_week_bytes);
    json_uint(json, "span_bytes", pair->span_bytes);
    json_uint(json, "spans_told", pair->spans_told);
    put_location(json, "hour_location", &pair->hour_location);
    put_location(json, "day_location", &pair->day_location);
    put_histogram(json, "hour", &pair->hour);
    put_histogram(json, "day", &pair->day);
    put_clips(json, &pair->clips);
    json_cusum(json, "cusum", &pair->cusum);
    json_cusum(json, "surplus", &pair->surplus);
    json_rhythm(json, &pair->rhythm);
    json_close(json);
}

static int by_key(const void *a, const void *b)
{
    char x[DESTINATION_KEY_SIZE], y[DESTINATION_KEY_SIZE];
    return strcmp(destination_key(&(*(struct pair *const *)a)->destination, x),
                  destination_key(&(*(struct pair *const *)b)->destination, y));
}

static void put_pairs(struct json *json, const struct profile *profile, const struct fleet *fleet,
                      int64_t hour)
{
    struct pair *sorted[PROFILE_PAIRS];
    memcpy(sorted, profile->pair, sizeof sorted);
    qsort(sorted, profile->pair_count, sizeof *sorted, by_key);
    json_list(json, "destinations");
    for (uint32_t i = 0; i < profile->pair_count; i++)
        put_pair(json, profile, sorted[i], fleet, hour);
    json_close(json);
}

/* By day, the last one first. */
static void put_staged(struct json *json, const struct staged *staged)
{
    json_open(json, "inside");
    json_list(json, "in_bytes");
    for (size_t i = 0; i < STAGED_DAYS; i++)
        json_uint(json, NULL, staged->days.in[i]);
    json_close(json);
    json_list(json, "out_bytes");
    for (size_t i = 0; i < STAGED_DAYS; i++)
        json_uint(json, NULL, staged->days.out[i]);
    json_close(json);
    json_uint(json, "days_learned", staged->learned);
    put_histogram(json, "day", &staged->day);
    put_location(json, "location", &staged->location);
    json_close(json);
}

static void put_life(struct json *json, const struct profile *profile)
{
    char text[IP_TEXT_SIZE];
    json_uint(json, "schema", PROFILE_SCHEMA);
    json_str(json, "host", ip_text(&profile->host, text));
    json_str(json, "group", profile->group);
    json_bool(json, "frozen", profile->frozen);
    json_int(json, "first_hour", profile->first_hour);
    json_int(json, "last_closed_hour", profile->last_closed_hour);
    json_int(json, "first_day", profile->first_day);
    json_int(json, "today", profile->today);
    json_uint(json, "today_bytes", profile->today_bytes);
    json_uint(json, "new_networks", profile->new_networks);
    json_uint(json, "networks_met", profile->networks.count);
    json_uint(json, "networks_crowded_out", profile->networks.crowded_out);
    json_uint(json, "pairs_evicted", profile->pairs_evicted);
    json_uint(json, "weeks_thinned", profile->weeks_thinned);
    json_uint(json, "rhythms_dropped", profile->rhythms_dropped);
}

void profile_json(struct json *json, const struct profile *profile, const struct fleet *fleet,
                  int64_t hour)
{
    put_life(json, profile);
    json_int(json, "hour_of_report", hour);
    put_counts(json, "hours_seen", profile->hours_seen, HOUR_CLASSES);
    put_counts(json, "hours_active", profile->hours_active, HOUR_CLASSES);
    put_counts(json, "days_seen", profile->days_seen, 2);
    put_counts(json, "days_active", profile->days_active, 2);
    put_location(json, "hour_location", &profile->hour_location);
    put_location(json, "day_location", &profile->day_location);
    put_histogram(json, "hour", &profile->hour);
    put_histogram(json, "day", &profile->day);
    put_histogram(json, "new_network", &profile->new_network);
    put_histogram(json, "new_network_hour", &profile->new_network_hour);
    put_histogram(json, "new_network_span", &profile->new_network_span);
    put_histogram(json, "new_network_days", &profile->new_network_days);
    put_clips(json, &profile->clips);
    json_cusum(json, "cusum", &profile->cusum);
    put_histogram(json, "ratio", &profile->ratio.hours);
    json_novelty(json, &profile->novelty);
    put_staged(json, &profile->staged);
    put_pairs(json, profile, fleet, hour);
    put_fleet(json, profile, fleet);
}

/* --- p ---------------------------------------------------------------------------------------- */

static void put_estimate(struct json *json, const char *key, struct estimate estimate)
{
    json_open(json, key);
    json_number(json, "p", estimate.p);
    json_number(json, "samples", estimate.samples);
    json_list(json, "expected");
    json_uint(json, NULL, estimate.expected[0]);
    json_uint(json, NULL, estimate.expected[1]);
    json_close(json);
    json_uint(json, "largest", estimate.largest);
    json_close(json);
}

static void put_destination(struct json *json, const struct profile *profile,
                            const struct fleet *fleet, const struct civil *civil,
                            const struct destination *destination, uint64_t bytes)
{
    const struct pair *pair = profile_pair(profile, destination);
    char key[DESTINATION_KEY_SIZE];
    json_str(json, "destination", destination_key(destination, key));
    json_uint(json, "hosts", fleet ? fleet_prevalence(fleet, destination) : 0);
    if (survival_pair_known(pair, civil->hour)) {
        put_estimate(json, "pair_hour", survival_pair_hour(profile, pair, fleet, civil, bytes));
        put_estimate(json, "pair_day", survival_pair_day(profile, pair, fleet, civil, bytes));
    }
    if (destination->role == ROLE_SERVED) {
        put_estimate(json, "new_week", survival_new_network(profile, fleet, civil, bytes));
        put_estimate(json, "new_hour", survival_new_network_hour(profile, fleet, civil, bytes));
        put_estimate(json, "new_span", survival_new_network_span(profile, fleet, civil, bytes));
        return;
    }
    put_estimate(json, "novelty", survival_novelty(profile, destination, fleet, pair == NULL));
    put_estimate(json, "new_week", survival_young(profile, destination, fleet, civil, bytes));
    put_estimate(json, "new_hour", survival_young_hour(profile, destination, fleet, civil, bytes));
    put_estimate(json, "new_span", survival_young_span(profile, destination, fleet, civil, bytes));
}

void profile_json_p(struct json *json, const char *key, const struct profile *profile,
                    const struct fleet *fleet, const struct civil *civil,
                    const struct destination *destination, uint64_t bytes)
{
    json_open(json, key);
    json_uint(json, "bytes", bytes);
    json_int(json, "hour", civil->hour);
    json_int(json, "week", histogram_week(civil->day));
    json_int(json, "class", civil->class);
    json_int(json, "hour_of_week", civil->hour_of_week);
    put_estimate(json, "host_hour", survival_host_hour(profile, fleet, civil, bytes));
    put_estimate(json, "host_day", survival_host_day(profile, fleet, civil, bytes));
    put_estimate(json, "inside_day", survival_staged(profile, fleet, civil, bytes));
    put_estimate(json, "absolute_hour", survival_absolute_hour(profile, fleet, civil, bytes));
    put_estimate(json, "absolute_day", survival_absolute_day(profile, fleet, civil, bytes));
    if (destination)
        put_destination(json, profile, fleet, civil, destination, bytes);
    json_close(json);
}
