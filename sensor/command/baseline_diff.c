/* weir baseline diff: what is different between two baselines: hosts that came and went, sizes that
 * moved by a factor, destinations that are new or gone. One file against the memory, or two files.
 *
 * The older one is held whole, packed (16 kB a host at most); the newer one passes by in order of
 * addresses. Thread: the main thread. */
#include "baseline.h"

#include "commands.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/map.h"
#include "weir/baseline/file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FACTOR 2.0 /* a usual day that changed by less is the same */
#define SHOWN  4   /* destinations by name a line */

struct packed {
    bool met; /* in the newer one too */
    size_t size;
    uint8_t blob[];
};

struct diff {
    struct access *access;
    struct map older; /* address → struct packed */
    struct json *json;
    uint64_t hosts[2], came, went, changed;
    bool done;
};

/* --- the older one --------------------------------------------------------------------------- */

static int keep(void *context, const struct ip *host, const void *blob, size_t size,
                struct error *error)
{
    struct diff *diff = context;
    struct packed *packed = xcalloc(1, sizeof *packed + size);
    (void)error;
    packed->size = size;
    memcpy(packed->blob, blob, size);
    free(map_put(&diff->older, host, sizeof *host, packed));
    diff->hosts[0]++;
    return 0;
}

/* --- one host -------------------------------------------------------------------------------- */

struct change {
    double usual[2]; /* bytes of a usual active day; 0: none yet */
    const struct pair *came[PROFILE_PAIRS], *went[PROFILE_PAIRS];
    size_t came_count, went_count;
};

static double usual_day(const struct profile *profile)
{
    int bin = histogram_quantile(&profile->day, 0.5, profile->day.newest);
    return bin < 0 ? 0 : (double)histogram_floor((unsigned)bin);
}

static size_t list_missing(const struct profile *in, const struct profile *from,
                           const struct pair *missing[PROFILE_PAIRS])
{
    size_t count = 0;
    for (uint32_t i = 0; i < from->pair_count; i++)
        if (!profile_pair(in, &from->pair[i]->destination))
            missing[count++] = from->pair[i];
    return count;
}

static bool find_change(const struct profile *older, const struct profile *newer,
                        struct change *change)
{
    *change = (struct change){.usual = {usual_day(older), usual_day(newer)}};
    change->came_count = list_missing(older, newer, change->came);
    change->went_count = list_missing(newer, older, change->went);
    double octaves = fabs(log2(change->usual[1] + 1) - log2(change->usual[0] + 1));
    return change->came_count || change->went_count || octaves >= log2(FACTOR);
}

/* --- telling --------------------------------------------------------------------------------- */

static void tell_json(struct diff *diff, const char *host, const char *what,
                      const struct change *change)
{
    struct json *j = diff->json;
    char key[DESTINATION_KEY_SIZE];
    json_open(j, NULL);
    json_str(j, "host", host);
    json_str(j, "change", what);
    if (change) {
        json_number(j, "usual_day_bytes_before", change->usual[0]);
        json_number(j, "usual_day_bytes", change->usual[1]);
        json_list(j, "destinations_new");
        for (size_t i = 0; i < change->came_count; i++)
            json_str(j, NULL, destination_key(&change->came[i]->destination, key));
        json_close(j);
        json_list(j, "destinations_gone");
        for (size_t i = 0; i < change->went_count; i++)
            json_str(j, NULL, destination_key(&change->went[i]->destination, key));
        json_close(j);
    }
    json_close(j);
    char *line = json_take_text(j, 0);
    printf("%s\n", line);
    free(line);
}

static void tell_names(const char *what, const struct pair *const pair[], size_t count)
{
    if (count > 0)
        printf("  %s %zu:", what, count);
    for (size_t i = 0; i < count && i < SHOWN; i++)
        printf(" %s%s", pair[i]->destination.role == ROLE_SERVED ? "served " : "",
               pair[i]->destination.name);
    if (count > SHOWN)
        printf(" …");
}

static void tell(struct diff *diff, const struct ip *ip, const char *what,
                 const struct change *change)
{
    char host[IP_TEXT_SIZE];
    ip_text(ip, host);
    if (diff->json) {
        tell_json(diff, host, what, change);
        return;
    }
    printf("%c %-39s", *what == 'n' ? '+' : *what == 'g' ? '-' : '~', host);
    if (change) {
        printf(" usual day %.3g -> %.3g kB", change->usual[0] / 1e3, change->usual[1] / 1e3);
        tell_names("new", change->came, change->came_count);
        tell_names("gone", change->went, change->went_count);
    }
    printf("\n");
}

/* --- the newer one --------------------------------------------------------------------------- */

static int compare(void *context, const struct ip *host, const void *blob, size_t size,
                   struct error *error)
{
    struct diff *diff = context;
    struct packed *packed = map_get(&diff->older, host, sizeof *host);
    diff->hosts[1]++;
    if (!packed) {
        diff->came++;
        tell(diff, host, "new", NULL);
        return 0;
    }
    packed->met = true;
    if (packed->size == size && memcmp(packed->blob, blob, size) == 0)
        return 0;
    struct change change;
    struct profile *older = profile_unpack(packed->blob, packed->size, error);
    struct profile *newer = older ? profile_unpack(blob, size, error) : NULL;
    if (newer && find_change(older, newer, &change)) {
        diff->changed++;
        tell(diff, host, "changed", &change);
    }
    int failed = !newer;
    profile_free(older);
    profile_free(newer);
    return failed ? -1 : 0;
}

static void on_profile(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct diff *diff = context;
    if (host && compare(diff, host, blob, size, &diff->access->error) == 0)
        return;
    diff->done = true;
    access_look_again(diff->access);
}

static void tell_gone(struct diff *diff)
{
    const struct map_entry **entry = map_sorted(&diff->older);
    for (size_t i = 0; i < diff->older.count; i++) {
        const struct packed *packed = entry[i]->value;
        if (packed->met)
            continue;
        diff->went++;
        tell(diff, (const struct ip *)(const void *)entry[i]->key, "gone", NULL);
    }
    free(entry);
}

static int run(struct diff *diff, const struct options *options)
{
    struct access *access = diff->access;
    if (baseline_read(options->input[0], NULL, keep, diff, &access->error) != 0)
        return -1;
    if (options->input_count == 2)
        return baseline_read(options->input[1], NULL, compare, diff, &access->error);
    store_each_profile(access->store, on_profile, diff);
    return access_wait(access, &diff->done);
}

int baseline_diff(struct access *access, const struct options *options)
{
    struct diff diff = {.access = access, .json = options->json ? json_new() : NULL};
    map_init(&diff.older);
    int failed = run(&diff, options);
    if (!failed)
        tell_gone(&diff);
    if (!failed && !diff.json)
        printf("%" PRIu64 " hosts before, %" PRIu64 " now: %" PRIu64 " new, %" PRIu64
               " gone, %" PRIu64 " changed\n",
               diff.hosts[0], diff.hosts[1], diff.came, diff.went, diff.changed);
    map_fini(&diff.older, free);
    json_free(diff.json);
    return failed ? EXIT_RUN : command_print("");
}
