/* weir baseline freeze, thaw, benign: what people change in a profile that stays.
 *
 * `freeze`: nothing is learned of the host until `thaw`; it is judged as before. `benign`: what the
 * guard against poisoning cut off is learned as it was, since somebody has looked at it. With --all
 * every host, one after the other as they come. Thread: the main thread. */
#include "baseline.h"

#include "commands.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct edit {
    struct access *access;
    /* Changes the profile; 0: there was nothing to change. */
    uint32_t (*change)(struct profile *profile, const struct destination *destination);
    const struct destination *destination;
    uint32_t hosts, changes, overtaken, damaged;
    bool there, done;
};

/* An hour was learned between the reading and this, or somebody else changed it. */
static void on_put(void *context, const struct ip *host, bool won)
{
    struct edit *edit = context;
    (void)host;
    edit->overtaken += !won;
}

static void edit_one(struct edit *edit, const struct ip *host, const void *blob, size_t size)
{
    struct access *access = edit->access;
    struct buffer changed = {0};
    struct error error = {0};
    struct profile *profile = profile_unpack(blob, size, &error);
    if (!profile) {
        char text[IP_TEXT_SIZE];
        log_error("%s: %s; it stays as it is", ip_text(host, text), error.message);
        edit->damaged++;
    }
    uint32_t changes = profile ? edit->change(profile, edit->destination) : 0;
    if (changes > 0) {
        profile_pack(profile, &changed);
        store_replace_profile(access->store, host, blob, size, profile->last_closed_hour,
                              changed.data, changed.size, on_put, edit);
        edit->hosts++;
        edit->changes += changes;
    }
    buffer_fini(&changed);
    profile_free(profile);
}

static void on_host(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct edit *edit = context;
    edit->there = blob != NULL;
    if (blob)
        edit_one(edit, host, blob, size);
    edit->done = true;
    access_look_again(edit->access);
}

static void on_each(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct edit *edit = context;
    if (host) {
        edit_one(edit, host, blob, size);
        return;
    }
    edit->there = edit->done = true;
    access_look_again(edit->access);
}

static int edit_all(struct edit *edit)
{
    store_each_profile(edit->access->store, on_each, edit);
    return access_wait(edit->access, &edit->done);
}

static int edit_host(struct edit *edit, const struct ip *host, const char *name)
{
    store_load_profile(edit->access->store, host, on_host, edit);
    if (access_wait(edit->access, &edit->done) != 0)
        return -1;
    return edit->there
               ? 0
               : error_set(&edit->access->error, ERROR_RUN, "%s: no baseline of this host", name);
}

static int run_edit(struct edit *edit, const struct options *options, const char *verb)
{
    struct ip host;
    const char *name = options->input[0];
    bool one = options->input_count >= 1;
    if (one == options->all || (one && ip_parse(name, &host) != 0)) {
        error_set(&edit->access->error, ERROR_USAGE, "baseline %s: expected one address, or --all",
                  verb);
        return -1;
    }
    baseline_audit(edit->access, verb, one ? name : "all hosts", options);
    if ((one ? edit_host(edit, &host, name) : edit_all(edit)) != 0)
        return -1;
    if (baseline_tell(edit->access, one ? name : NULL, false) != 0)
        return -1;
    if (edit->overtaken > 0)
        return error_set(&edit->access->error, ERROR_RUN,
                         "%" PRIu32 " hosts were changed meanwhile and are as they were: "
                         "say it again",
                         edit->overtaken);
    return edit->damaged == 0 ? 0
                              : error_set(&edit->access->error, ERROR_RUN,
                                          "%" PRIu32 " profiles are damaged and stay as they are, "
                                          "%" PRIu32 " hosts changed",
                                          edit->damaged, edit->hosts);
}

/* --- freeze, thaw ---------------------------------------------------------------------------- */

static uint32_t set_frozen(struct profile *profile, bool frozen)
{
    bool changes = profile->frozen != frozen;
    profile->frozen = frozen;
    return changes;
}

static uint32_t freeze(struct profile *profile, const struct destination *destination)
{
    (void)destination;
    return set_frozen(profile, true);
}

static uint32_t thaw(struct profile *profile, const struct destination *destination)
{
    (void)destination;
    return set_frozen(profile, false);
}

static int hosts_changed(struct access *access, const struct options *options, const char *verb,
                         uint32_t (*change)(struct profile *profile,
                                            const struct destination *destination))
{
    struct edit edit = {.access = access, .change = change};
    char text[64];
    if (run_edit(&edit, options, verb) != 0)
        return EXIT_RUN;
    snprintf(text, sizeof text, "%" PRIu32 " hosts changed\n", edit.hosts);
    return command_print(text);
}

int baseline_freeze(struct access *access, const struct options *options)
{
    return hosts_changed(access, options, "freeze", freeze);
}

int baseline_thaw(struct access *access, const struct options *options)
{
    return hosts_changed(access, options, "thaw", thaw);
}

/* --- benign ---------------------------------------------------------------------------------- */

/* A destination as people write it: the key that alerts and `show --json` have, or a domain. */
int baseline_destination(struct access *access, const char *text, struct destination *destination)
{
    char key[DESTINATION_KEY_SIZE];
    if (destination_parse(text, strlen(text), destination))
        return 0;
    snprintf(key, sizeof key, "client|domain|%s", text);
    if (destination_parse(key, strlen(key), destination))
        return 0;
    return error_set(&access->error, ERROR_USAGE,
                     "%.80s: no destination, expected a domain or client|domain|NAME, "
                     "served|prefix|CIDR …",
                     text);
}

int baseline_benign(struct access *access, const struct options *options)
{
    struct destination destination;
    struct edit edit = {.access = access, .change = profile_lift};
    char text[80];
    if (options->input_count == 2) {
        if (baseline_destination(access, options->input[1], &destination) != 0)
            return EXIT_USAGE;
        edit.destination = &destination;
    }
    if (run_edit(&edit, options, "benign") != 0)
        return EXIT_RUN;
    snprintf(text, sizeof text, "%" PRIu32 " sizes are learned as they were\n", edit.changes);
    return command_print(text);
}
