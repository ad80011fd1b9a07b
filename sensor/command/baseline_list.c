/* weir baseline list: a line a host, as the profiles come (sorted by address), so that a million of
 * them are never held at once. Thread: the main thread. */
#include "baseline.h"

#include "commands.h"
#include "profile_text.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct listing {
    struct access *access;
    struct json *json; /* NULL: for people */
    uint64_t hosts, ready, unreadable, bytes;
    bool done;
};

/* As of the last hour it knows: a baseline of old captures is not older for being looked at late.
 */
static int64_t hours_left(const struct listing *listing, const struct profile *profile)
{
    int64_t learn = (int64_t)listing->access->config->detect.learn_days * 24;
    int64_t left = profile->first_hour + learn - profile->last_closed_hour - 1;
    return left > 0 ? left : 0;
}

static void show_json(struct listing *listing, const char *host, const struct profile *profile,
                      const char *state, size_t size)
{
    struct json *j = listing->json;
    json_open(j, NULL);
    json_str(j, "host", host);
    json_str(j, "state", state);
    json_int(j, "learning_hours_left", hours_left(listing, profile));
    json_uint(j, "hours", profile_hours(profile));
    json_uint(j, "days", (uint64_t)profile->days_seen[0] + profile->days_seen[1]);
    json_uint(j, "destinations", profile->pair_count);
    json_uint(j, "bytes", size);
    json_int(j, "last_closed_hour", profile->last_closed_hour);
    json_close(j);
    char *line = json_take_text(j, 0);
    printf("%s\n", line);
    free(line);
}

static void show_line(struct listing *listing, const char *host, const struct profile *profile,
                      const char *state, size_t size)
{
    struct calendar *calendar = listing->access->calendar;
    char last[40], left[40] = "";
    calendar_text(calendar, profile_text_hour(calendar, profile->last_closed_hour).starts,
                  CALENDAR_MINUTE, last, sizeof last);
    if (hours_left(listing, profile) > 0)
        snprintf(left, sizeof left, " %" PRId64 " h left", hours_left(listing, profile));
    printf("%-39s %-8s%-11s %6" PRIu32 " h %4u d %3" PRIu32 " dest %7.1f kB  last %s\n", host,
           state, left, profile_hours(profile), profile->days_seen[0] + profile->days_seen[1],
           profile->pair_count, (double)size / 1e3, last);
}

static void on_profile(void *context, const struct ip *ip, const void *blob, size_t size)
{
    struct listing *listing = context;
    char host[IP_TEXT_SIZE];
    struct error error = {0};
    if (!ip) {
        listing->done = true;
        access_look_again(listing->access);
        return;
    }
    ip_text(ip, host);
    struct profile *profile = profile_unpack(blob, size, &error);
    if (!profile) {
        log_error("%s: %s", host, error.message);
        listing->unreadable++;
        return;
    }
    int learn_days = listing->access->config->detect.learn_days;
    enum baseline_state state = profile_state(profile, profile->last_closed_hour + 1, learn_days);
    listing->hosts++;
    listing->ready += state == BASELINE_READY;
    listing->bytes += size;
    if (listing->json)
        show_json(listing, host, profile, baseline_state_name[state], size);
    else
        show_line(listing, host, profile, baseline_state_name[state], size);
    profile_free(profile);
}

int baseline_list(struct access *access, const struct options *options)
{
    struct listing listing = {.access = access, .json = options->json ? json_new() : NULL};
    store_each_profile(access->store, on_profile, &listing);
    int failed = access_wait(access, &listing.done);
    if (!failed && !listing.json)
        printf("%" PRIu64 " hosts, %" PRIu64 " ready; %.1f MB of profiles\n", listing.hosts,
               listing.ready, (double)listing.bytes / 1e6);
    json_free(listing.json);
    if (failed || command_print("") != EXIT_DONE)
        return EXIT_RUN;
    return listing.unreadable ? EXIT_RUN : EXIT_DONE;
}
