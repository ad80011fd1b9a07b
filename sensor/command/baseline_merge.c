/* weir baseline merge FILE... -o FILE: one baseline out of several.
 *
 * A host that only one of them knows is taken as it is. Of one that several know, the profile that
 * learned last is taken and the others are left, said: sums of hours cannot be taken apart again,
 * and adding two histories of the same hours would count them twice. The fleet's tables are those
 * of the file that knows most hosts, said: sets of hosts and sums of sizes of overlapping fleets
 * cannot be added either. Thread: the main thread. */
#include "baseline.h"

#include "commands.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/base/map.h"
#include "weir/baseline/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct held {
    int64_t last_closed_hour;
    size_t file, size;
    uint8_t blob[];
};

struct merge {
    const struct options *options;
    struct map hosts; /* address → struct held */
    struct buffer fleet;
    size_t file, fleet_file;
    uint64_t most, twice;
};

static int take_fleet(void *context, const void *blob, size_t size, struct error *error)
{
    struct merge *merge = context;
    struct fleet *fleet = size > 0 ? fleet_unpack(blob, size, error) : NULL;
    uint32_t hosts = fleet ? fleet_hosts(fleet) : 0;
    fleet_free(fleet);
    if (size > 0 && !fleet)
        return -1;
    if (merge->file > 0 && hosts <= merge->most)
        return 0;
    merge->most = hosts;
    merge->fleet_file = merge->file;
    buffer_fini(&merge->fleet);
    buffer_put(&merge->fleet, blob, size);
    return 0;
}

static void say_twice(const struct merge *merge, const struct ip *host, const struct held *taken)
{
    char text[IP_TEXT_SIZE];
    log_warn("%s: known to several; taken from %s, which learned last", ip_text(host, text),
             merge->options->input[taken->file]);
}

static int take_host(void *context, const struct ip *host, const void *blob, size_t size,
                     struct error *error)
{
    struct merge *merge = context;
    const struct held *before = map_get(&merge->hosts, host, sizeof *host);
    struct profile *profile = profile_unpack(blob, size, error);
    if (!profile)
        return -1;
    int64_t last = profile->last_closed_hour;
    profile_free(profile);
    merge->twice += before != NULL;
    if (before && before->last_closed_hour >= last) {
        say_twice(merge, host, before);
        return 0;
    }
    struct held *held = xcalloc(1, sizeof *held + size);
    held->last_closed_hour = last;
    held->file = merge->file;
    held->size = size;
    memcpy(held->blob, blob, size);
    if (before)
        say_twice(merge, host, held);
    free(map_put(&merge->hosts, host, sizeof *host, held));
    return 0;
}

static int write_merged(struct merge *merge, const char *path, struct error *error)
{
    struct baseline_writer *writer = baseline_writer_new(merge->fleet.data, merge->fleet.size);
    const struct map_entry **entry = map_sorted(&merge->hosts);
    for (size_t i = 0; i < merge->hosts.count; i++) {
        const struct held *held = entry[i]->value;
        struct ip host;
        memcpy(&host, entry[i]->key, sizeof host);
        baseline_writer_put(writer, &host, held->blob, held->size);
    }
    free(entry);
    return baseline_writer_finish(writer, path, error);
}

int baseline_merge(struct access *access, const struct options *options)
{
    struct merge merge = {.options = options};
    char text[200];
    int failed = 0;
    if (!options->folder) {
        error_set(&access->error, ERROR_USAGE, "baseline merge: say where with -o FILE");
        return EXIT_USAGE;
    }
    map_init(&merge.hosts);
    for (; !failed && merge.file < options->input_count; merge.file++)
        failed = baseline_read(options->input[merge.file], take_fleet, take_host, &merge,
                               &access->error);
    if (!failed)
        failed = write_merged(&merge, options->folder, &access->error);
    snprintf(text, sizeof text,
             "%zu hosts, %" PRIu64 " of them known to several; the fleet's tables from %.80s\n",
             merge.hosts.count, merge.twice, options->input[merge.fleet_file]);
    map_fini(&merge.hosts, free);
    buffer_fini(&merge.fleet);
    return failed ? EXIT_RUN : command_print(text);
}
