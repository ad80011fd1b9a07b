/* weir baseline export, import: the whole memory as one file (baseline/file.h), and back. A file is
 * checked whole, and held against what is there, before anything of it is written. Thread: the main
 * thread. */
#include "baseline.h"

#include "commands.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/baseline/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define UNANSWERED 256 /* commands under way */

/* Under another host's name it would learn as that one, and judge as the other. */
static int check_host(void *context, const struct ip *host, const void *blob, size_t size,
                      struct error *error)
{
    (void)context;
    struct profile *profile = profile_unpack_of(host, blob, size, error);
    profile_free(profile);
    return profile ? 0 : -1;
}

/* --- out ------------------------------------------------------------------------------------- */

struct exporting {
    struct access *access;
    struct baseline_writer *writer;
    uint64_t hosts, damaged;
    bool fleet_done, done;
};

static int check_fleet(void *context, const void *blob, size_t size, struct error *error)
{
    (void)context;
    if (size == 0)
        return 0;
    struct fleet *fleet = fleet_unpack(blob, size, error);
    fleet_free(fleet);
    return fleet ? 0 : -1;
}

/* A file with something damaged in it could not be imported: that is left out. */
static void on_fleet_out(void *context, const void *blob, size_t size)
{
    struct exporting *exporting = context;
    struct error error = {0};
    if (check_fleet(NULL, blob, size, &error) != 0) {
        log_error("%s; they are left out", error.message);
        exporting->damaged++;
        size = 0;
    }
    exporting->writer = baseline_writer_new(size > 0 ? blob : "", size);
    exporting->fleet_done = true;
    access_look_again(exporting->access);
}

static void export_one(struct exporting *exporting, const struct ip *host, const void *blob,
                       size_t size)
{
    char text[IP_TEXT_SIZE];
    struct error error = {0};
    if (check_host(NULL, host, blob, size, &error) == 0) {
        baseline_writer_put(exporting->writer, host, blob, size);
        exporting->hosts++;
        return;
    }
    log_error("%s: %s; it is left out", ip_text(host, text), error.message);
    exporting->damaged++;
}

static void on_profile_out(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct exporting *exporting = context;
    if (host) {
        export_one(exporting, host, blob, size);
        return;
    }
    exporting->done = true;
    access_look_again(exporting->access);
}

int baseline_export(struct access *access, const struct options *options)
{
    struct exporting exporting = {.access = access};
    const char *path = options->input[0];
    char text[160];
    store_load_fleet(access->store, on_fleet_out, &exporting);
    if (access_wait(access, &exporting.fleet_done) != 0)
        return EXIT_RUN;
    store_each_profile(access->store, on_profile_out, &exporting);
    int failed = access_wait(access, &exporting.done);
    if (baseline_writer_finish(exporting.writer, failed ? NULL : path, &access->error) != 0)
        failed = -1;
    if (!failed && exporting.damaged > 0)
        failed = error_set(&access->error, ERROR_RUN,
                           "%s: %" PRIu64 " hosts exported, %" PRIu64 " damaged blobs left out",
                           path, exporting.hosts, exporting.damaged);
    snprintf(text, sizeof text, "%" PRIu64 " hosts exported\n", exporting.hosts);
    return failed ? EXIT_RUN : command_print(text);
}

/* --- in -------------------------------------------------------------------------------------- */

struct importing {
    struct access *access;
    uint64_t hosts, held;
    bool replace, any, checked;
};

/* Checked again: the file may be another one by now. */
static int put_fleet(void *context, const void *blob, size_t size, struct error *error)
{
    struct importing *importing = context;
    if (check_fleet(NULL, blob, size, error) != 0)
        return -1;
    if (size > 0)
        store_put_fleet(importing->access->store, NULL, blob, size, NULL, NULL);
    return 0;
}

static void on_put(void *context, const struct ip *host, bool won)
{
    struct importing *importing = context;
    (void)host;
    importing->hosts += won;
    importing->held += !won;
}

static int put_host(void *context, const struct ip *host, const void *blob, size_t size,
                    struct error *error)
{
    struct importing *importing = context;
    if (check_host(NULL, host, blob, size, error) != 0)
        return -1;
    struct profile *profile = profile_unpack(blob, size, error);
    store_replace_profile(importing->access->store, host, NULL, 0, profile->last_closed_hour, blob,
                          size, on_put, importing);
    profile_free(profile);
    return store_pending(importing->access->store) < UNANSWERED ? 0
                                                                : access_settle(importing->access);
}

static void on_there(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct importing *importing = context;
    (void)blob;
    (void)size;
    importing->any |= host != NULL;
    if (host)
        return;
    importing->checked = true;
    access_look_again(importing->access);
}

/* A memory that has learned is not mixed with another by chance. */
static int check_empty(struct importing *importing, const char *path)
{
    struct access *access = importing->access;
    store_each_profile(access->store, on_there, importing);
    if (access_wait(access, &importing->checked) != 0)
        return -1;
    if (!importing->any || importing->replace)
        return 0;
    return error_set(&access->error, ERROR_USAGE,
                     "%s: the memory has learned already; --replace puts the file's hosts in the "
                     "place of its own",
                     path);
}

static int count_host(void *context, const struct ip *host, const void *blob, size_t size,
                      struct error *error)
{
    uint64_t *hosts = context;
    ++*hosts;
    return check_host(NULL, host, blob, size, error);
}

static int only_look(struct access *access, const char *path)
{
    uint64_t hosts = 0;
    char text[80];
    if (baseline_read(path, check_fleet, count_host, &hosts, &access->error) != 0)
        return EXIT_RUN;
    snprintf(text, sizeof text, "%" PRIu64 " hosts could be imported; nothing was\n", hosts);
    return command_print(text);
}

int baseline_import(struct access *access, const struct options *options)
{
    if (options->dry_run)
        return only_look(access, options->input[0]);
    struct importing importing = {.access = access, .replace = options->replace};
    const char *path = options->input[0];
    char text[160];
    if (baseline_read(path, check_fleet, check_host, NULL, &access->error) != 0 ||
        check_empty(&importing, path) != 0)
        return EXIT_RUN;
    baseline_audit(access, "import", NULL, options);
    if (baseline_read(path, put_fleet, put_host, &importing, &access->error) != 0 ||
        baseline_tell(access, NULL, false) != 0)
        return EXIT_RUN;
    snprintf(text, sizeof text, "%" PRIu64 " hosts imported\n", importing.hosts);
    if (importing.held > 0)
        snprintf(text, sizeof text, "%" PRIu64 " hosts imported, %" PRIu64 " under hold left\n",
                 importing.hosts, importing.held);
    return command_print(text);
}
