/* What a stored baseline says of an hour that has just begun, for tests/golden/test_judged.py to
 * judge as docs/detection.md says:
 *
 *   stored FILE HOST SECONDS [DESTINATION BYTES[/IN|,IN]]...
 *
 * had this, and nothing else, left in its first minutes, of a day of which it is the first; with
 * IN, that so many bytes came back, behind "/" that the hour is over, too. Prints
 * one JSON object: "kinds" (side, known, L, in the order of calibration.h), and "fleet" and "group"
 * (host-days by bin of the tables that measure this host: of each kind, then of each side). */
#include "weir/base/calendar.h"
#include "weir/base/json.h"
#include "weir/baseline/evidence.h"
#include "weir/baseline/file.h"
#include "weir/baseline/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ip wanted;
static struct profile *profile;
static struct fleet *fleet;

static int take_fleet(void *context, const void *blob, size_t size, struct error *error)
{
    (void)context;
    fleet = fleet_unpack(blob, size, error);
    return fleet ? 0 : -1;
}

static int take_host(void *context, const struct ip *host, const void *blob, size_t size,
                     struct error *error)
{
    (void)context;
    if (memcmp(host, &wanted, sizeof wanted) != 0)
        return 0;
    profile = profile_unpack_of(host, blob, size, error);
    return profile ? 0 : -1;
}

static void put_table(struct json *json, const char *name, const struct calibrations *tables,
                      bool day_off)
{
    json_list(json, name);
    for (unsigned which = 0; tables && which < CALIBRATIONS; which++) {
        json_list(json, NULL);
        for (unsigned bin = 0; bin < CALIBRATION_BINS; bin++)
            json_number(json, NULL, tables->of[which][day_off].count[bin]);
        json_close(json);
    }
    json_close(json);
}

static void put_kinds(struct json *json, const struct day_evidence *evidence)
{
    json_list(json, "kinds");
    for (int kind = 0; kind < EVIDENCES; kind++) {
        json_open(json, NULL);
        json_uint(json, "side", evidence_side((enum evidence_kind)kind));
        json_bool(json, "known", evidence->known >> kind & 1u);
        json_number(json, "l", evidence->mark[kind].l);
        json_close(json);
    }
    json_close(json);
}

/* Of an hour that goes on. */
static struct upload upload_of(const char *bytes)
{
    char *in;
    struct pair_total pair = {.out = {.value = strtoull(bytes, &in, 10)}};
    pair.in_bytes = *in == ',' ? strtoull(in + 1, NULL, 10) : pair.out.value;
    totals_note_upload(&pair);
    return pair.most;
}

static void look(struct day_evidence *evidence, const struct civil *civil, int pairs, char **pair)
{
    struct amounts host = {0};
    for (int i = 0; i < pairs; i++)
        host.hour += strtoull(pair[2 * i + 1], NULL, 10);
    host.day = host.hour;
    evidence_add_host(evidence, profile, fleet, civil, &host);
    for (int i = 0; i < pairs; i++) {
        struct destination destination;
        uint64_t bytes = strtoull(pair[2 * i + 1], NULL, 10);
        if (!destination_parse(pair[2 * i], strlen(pair[2 * i]), &destination))
            exit(2);
        const struct pair *known = profile_pair(profile, &destination);
        struct amounts amounts = amounts_of_pair(known, civil, bytes, bytes, bytes);
        amounts.hosts = 1;
        amounts.upload = upload_of(pair[2 * i + 1]);
        evidence_add_pair(evidence, profile, known, &destination, fleet, civil, &amounts);
    }
    evidence_add_quiet(evidence, profile, fleet, civil, 0);
    evidence_add_closed(evidence, profile, fleet, civil);
}

/* What only an hour that is over shows. */
static void look_at_whole(struct day_evidence *evidence, const struct civil *civil, int pairs,
                          char **pair)
{
    struct host_total *total = host_total_new(&wanted, civil->hour);
    bool over = false;
    for (int i = 0; i < pairs; i++) {
        struct destination destination;
        char *in;
        uint64_t out = strtoull(pair[2 * i + 1], &in, 10);
        destination_parse(pair[2 * i], strlen(pair[2 * i]), &destination);
        over |= *in == '/';
        totals_add(total, &destination, (struct volume){out, out, out},
                   *in == '/' ? strtoull(in + 1, NULL, 10) : 0, 1);
    }
    const struct whole_hour whole = {.total = total};
    if (over)
        evidence_add_whole_hour(evidence, profile, fleet, civil, &whole);
    host_total_free(total);
}

static struct calendar *usual_calendar(struct error *error)
{
    static const struct calendar_config config = {
        .timezone = "UTC", .work_start = 8, .work_end = 18, .work_days = 0x1f};
    return calendar_new(&config, error);
}

static void put_all(const struct day_evidence *evidence, const struct civil *civil)
{
    struct json *json = json_new();
    const struct measures measures = fleet_measures(fleet, profile->group);
    bool day_off = civil->class >= HOUR_WORK_WEEKEND;
    json_open(json, NULL);
    put_kinds(json, evidence);
    put_table(json, "fleet", measures.fleet, day_off);
    put_table(json, "group", measures.group, day_off);
    json_close(json);
    char *text = json_take_text(json, 0);
    puts(text);
    free(text);
    json_free(json);
}

int main(int argc, char **argv)
{
    struct error error = {0};
    struct day_evidence evidence = {0};
    struct calendar *calendar = usual_calendar(&error);
    if (argc < 4 || argc % 2 || !calendar || ip_parse(argv[2], &wanted) != 0 ||
        baseline_read(argv[1], take_fleet, take_host, NULL, &error) != 0 || !fleet || !profile) {
        fprintf(stderr, "stored: %s\n", *error.message ? error.message : "no such host");
        return 1;
    }
    struct civil civil =
        calendar_at(calendar, (struct ptime){strtoll(argv[3], NULL, 10) * NS_PER_S});
    look(&evidence, &civil, (argc - 4) / 2, argv + 4);
    look_at_whole(&evidence, &civil, (argc - 4) / 2, argv + 4);
    put_all(&evidence, &civil);
    profile_free(profile);
    fleet_free(fleet);
    calendar_free(calendar);
    return 0;
}
