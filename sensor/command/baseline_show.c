/* weir baseline show HOST. Thread: the main thread. */
#include "baseline.h"

#include "commands.h"
#include "profile_text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

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

static int show(struct showing *showing, const char *name)
{
    const struct access *access = showing->access;
    struct profile_view view = {.profile = showing->profile,
                                .fleet = showing->fleet,
                                .calendar = access->calendar,
                                .learn_days = access->config->detect.learn_days,
                                .blocks = has_blocks()};
    if (!showing->profile)
        return error_set(&showing->access->error, ERROR_RUN, "%s: no baseline of this host", name);
    char *text = profile_text(&view);
    int status = command_print(text);
    free(text);
    return status;
}

int baseline_show(struct access *access, const struct options *options)
{
    struct showing showing = {.access = access};
    struct ip host;
    if (baseline_host(access, options, "show", &host) != 0)
        return EXIT_USAGE;
    int status = load(&showing, &host) == 0 ? show(&showing, options->input[0]) : EXIT_RUN;
    profile_free(showing.profile);
    fleet_free(showing.fleet);
    return status;
}
