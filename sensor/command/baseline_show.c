/* weir baseline show HOST. Thread: the main thread. */
#include "baseline.h"

#include "commands.h"
#include "profile_text.h"

#include "weir/base/json.h"
#include "weir/baseline/profile_json.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct showing {
    struct access *access;
    struct fleet *fleet;
    struct profile *profile;
    bool fleet_done, done;
};

static void on_fleet(void *context, const void *blob, size_t size)
{
    struct showing *showing = context;
    if (size > 0)
        showing->fleet = fleet_unpack(blob, size, &showing->access->error);
    showing->fleet_done = true;
    access_look_again(showing->access);
}

static void on_profile(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct showing *showing = context;
    (void)host;
    if (blob)
        showing->profile = profile_unpack(blob, size, &showing->access->error);
    showing->done = true;
    access_look_again(showing->access);
}

static bool has_blocks(void)
{
    setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static int load(struct showing *showing, const struct ip *host)
{
    struct access *access = showing->access;
    store_load_fleet(access->store, on_fleet, showing);
    store_load_profile(access->store, host, on_profile, showing);
    return access_wait(access, &showing->fleet_done) != 0 ? -1
                                                          : access_wait(access, &showing->done);
}

/* "2026-03-02T01": an hour in UTC. Without one, the hour after the last that was learned. */
static int take_hour(const struct showing *showing, const char *text, struct civil *civil)
{
    const struct access *access = showing->access;
    struct tm utc = {0};
    const char *end = text ? strptime(text, "%Y-%m-%dT%H", &utc) : NULL;
    if (!text)
        *civil = profile_text_hour(access->calendar, showing->profile->last_closed_hour + 1);
    else if (end && (*end == '\0' || *end == ':') && utc.tm_year >= 70 && utc.tm_year < 300)
        *civil = calendar_at(access->calendar, (struct ptime){(int64_t)timegm(&utc) * NS_PER_S});
    else
        return error_set(&showing->access->error, ERROR_USAGE,
                         "--at %.40s: expected an hour in UTC, 2026-03-02T01", text);
    return 0;
}

struct asked { /* what an operator wants the p of */
    bool any, towards;
    uint64_t bytes;
    struct destination destination;
    struct civil civil;
};

static int take_asked(const struct showing *showing, const struct options *o, struct asked *asked)
{
    char *end = NULL;
    *asked = (struct asked){.any = o->bytes != NULL, .towards = o->destination != NULL};
    if (take_hour(showing, o->at, &asked->civil) != 0)
        return -1;
    errno = 0;
    if (o->bytes && *o->bytes >= '0' && *o->bytes <= '9')
        asked->bytes = strtoull(o->bytes, &end, 10);
    if (o->bytes && (!end || *end || errno))
        return error_set(&showing->access->error, ERROR_USAGE,
                         "--bytes %.40s: expected a whole number of bytes", o->bytes);
    return o->destination
               ? baseline_destination(showing->access, o->destination, &asked->destination)
               : 0;
}

static char *as_json(const struct showing *showing, const struct asked *asked)
{
    struct json *json = json_new();
    json_open(json, NULL);
    profile_json(json, showing->profile, showing->fleet, asked->civil.hour);
    if (asked->any)
        profile_json_p(json, "p", showing->profile, showing->fleet, &asked->civil,
                       asked->towards ? &asked->destination : NULL, asked->bytes);
    json_close(json);
    char *text = json_take_text(json, 2);
    json_free(json);
    return text;
}

static char *as_text(const struct showing *showing)
{
    const struct access *access = showing->access;
    struct profile_view view = {.profile = showing->profile,
                                .fleet = showing->fleet,
                                .calendar = access->calendar,
                                .learn_days = access->config->detect.learn_days,
                                .blocks = has_blocks()};
    return profile_text(&view);
}

/* The same numbers as --json has under "p", for people. */
static int print_p(const struct showing *showing, const struct asked *asked)
{
    struct json *json = json_new();
    json_open(json, NULL);
    profile_json_p(json, "p", showing->profile, showing->fleet, &asked->civil,
                   asked->towards ? &asked->destination : NULL, asked->bytes);
    json_close(json);
    char *text = json_take_text(json, 2);
    json_free(json);
    printf("\n%s", text);
    free(text);
    return command_print("\n");
}

static int show(struct showing *showing, const struct options *options)
{
    struct asked asked;
    if (!showing->profile)
        return error_set(&showing->access->error, ERROR_RUN, "%s: no baseline of this host",
                         options->input[0]);
    if (take_asked(showing, options, &asked) != 0)
        return EXIT_USAGE;
    char *text = options->json ? as_json(showing, &asked) : as_text(showing);
    int status = command_print(text);
    free(text);
    if (options->json)
        return command_print("\n");
    return asked.any ? print_p(showing, &asked) : status;
}

int baseline_show(struct access *access, const struct options *options)
{
    struct showing showing = {.access = access};
    struct ip host;
    if (baseline_host(access, options, "show", &host) != 0)
        return EXIT_USAGE;
    int status = load(&showing, &host) == 0 ? show(&showing, options) : EXIT_RUN;
    profile_free(showing.profile);
    fleet_free(showing.fleet);
    return status;
}
