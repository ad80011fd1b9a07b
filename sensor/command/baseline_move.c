/* weir baseline export, import: the whole memory as one file (baseline/file.h), and back. A file is
 * checked whole, and held against what is there, before anything of it is written. Thread: the main
 * thread. */
#include "baseline.h"

#include "commands.h"

#include "weir/base/buffer.h"
#include "weir/base/map.h"
#include "weir/baseline/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *only_input(const struct options *options, struct access *access,
                              const char *what)
{
    if (options->input_count == 1)
        return options->input[0];
    error_set(&access->error, ERROR_USAGE, "baseline %s: expected one file", what);
    return NULL;
}

/* --- out ------------------------------------------------------------------------------------- */

struct exporting {
    struct access *access;
    struct baseline_writer *writer;
    uint64_t hosts;
    bool fleet_done, done;
};

static void on_fleet_out(void *context, const void *blob, size_t size)
{
    struct exporting *exporting = context;
    exporting->writer = baseline_writer_new(blob ? blob : "", blob ? size : 0);
    exporting->fleet_done = true;
    access_look_again(exporting->access);
}

static void on_profile_out(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct exporting *exporting = context;
    if (host) {
        baseline_writer_put(exporting->writer, host, blob, size);
        exporting->hosts++;
        return;
    }
    exporting->done = true;
    access_look_again(exporting->access);
}

int baseline_export(struct access *access, const struct options *options)
{
    struct exporting exporting = {.access = access};
    const char *path = only_input(options, access, "export");
    char text[160];
    if (!path)
        return EXIT_USAGE;
    store_load_fleet(access->store, on_fleet_out, &exporting);
    if (access_wait(access, &exporting.fleet_done) != 0)
        return EXIT_RUN;
    store_each_profile(access->store, on_profile_out, &exporting);
    int failed = access_wait(access, &exporting.done);
    if (baseline_writer_finish(exporting.writer, failed ? NULL : path, &access->error) != 0)
        failed = -1;
    snprintf(text, sizeof text, "%" PRIu64 " hosts exported\n", exporting.hosts);
    return failed ? EXIT_RUN : command_print(text);
}
