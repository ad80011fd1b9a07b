/* See rules_bundle.h. */
#include "rules_bundle.h"

#include "commands.h"
#include "output.h"

#include "weir/base/log.h"
#include "weir/base/path.h"
#include "weir/base/terminal.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int one_input(const struct options *o, const char *what, struct error *error)
{
    return o->input_count == 1
               ? 0
               : error_set(error, ERROR_USAGE, "expected one %s (weir rules --help)", what);
}

/* What is named on the command line begins at the working folder. */
static char *whole_path(const char *path)
{
    char *here = *path == '/' ? NULL : getcwd(NULL, 0);
    char *whole = here ? xasprintf("%s/%s", here, path) : xstrdup(path);
    char *tidy = path_tidy(whole);
    free(whole);
    free(here);
    return tidy;
}

/* --- pack ------------------------------------------------------------------------------------- */

static int read_making(const struct options *o, const struct rules_asked *asked,
                       struct bundle_making *making, struct error *error)
{
    char *end = NULL;
    errno = 0;
    long version = asked->version ? strtol(asked->version, &end, 10) : 0;
    if (one_input(o, "folder to pack", error) != 0)
        return -1;
    if (!asked->key || !o->folder || !asked->name)
        return error_set(error, ERROR_USAGE,
                         "rules pack: expected --name NAME --version N --key PRIVATE -o FILE");
    if (!bundle_is_name(asked->name))
        return error_set(error, ERROR_USAGE, "--name %.60s: expected at most 47 of a-z 0-9 . _ -",
                         asked->name);
    if (errno != 0 || !end || *end || version < 1 || version > BUNDLE_VERSION)
        return error_set(error, ERROR_USAGE, "--version %.40s: expected a whole number from 1",
                         asked->version ? asked->version : "");
    if (asked->weir && !bundle_weir_reaches("0.0.0", asked->weir))
        return error_set(error, ERROR_USAGE, "--weir %.40s: expected a version such as 0.1.0",
                         asked->weir);
    making->folder = o->input[0];
    making->name = asked->name;
    making->version = (uint32_t)version;
    making->weir = asked->weir;
    return 0;
}

/* No bundle is made that could not be installed where there are the same other rules. */
static int check_folder(const struct options *o, struct error *error)
{
    char *folder = whole_path(o->input[0]);
    int failed = rules_check(&o->source, folder, folder, o->input[0], error);
    free(folder);
    return failed;
}

int rules_pack(const struct options *o, const struct rules_asked *asked, struct error *error)
{
    char created[BUNDLE_TIME];
    struct bundle_making making = {.created = created};
    struct buffer out = {0};
    struct sign_key *key = NULL;
    ptime_iso(ptime_now(), created, sizeof created);
    int failed = read_making(o, asked, &making, error) != 0 ||
                 !(key = sign_key_read(asked->key, error)) ||
                 bundle_pack(&making, key, &out, error) != 0 || check_folder(o, error) != 0 ||
                 output_write_bytes(o->folder, out.data, out.size, error) != 0;
    if (!failed)
        printf("%s: rules %s %" PRIu32 ", %zu bytes\n", o->folder, making.name, making.version,
               out.size);
    buffer_fini(&out);
    sign_key_free(key);
    return failed ? -1 : 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct carried {
    const char *path;
    struct bundle_keys keys;
    struct buffer data;
    struct bundle *bundle;
    size_t signer;
};

static int require_key(const struct bundle_keys *keys, const char *path, struct error *error)
{
    return keys->count > 0
               ? 0
               : error_set(error, ERROR_USAGE,
                           "%s: no key is trusted, expected a maker's public key there (*.pem)",
                           path);
}

/* Those that are trusted: one at least. bundle_keys_fini them whatever comes back. */
static int read_keys(struct bundle_keys *keys, const struct options *o,
                     const struct rules_asked *asked, struct error *error)
{
    const char *path = asked->key ? asked->key : o->config.bundle.keys;
    if (bundle_keys_read(keys, path, error) != 0)
        return -1;
    return require_key(keys, path, error);
}

static int carried_read(struct carried *c, const struct options *o, const struct rules_asked *asked,
                        struct error *error)
{
    *c = (struct carried){.bundle = xcalloc(1, sizeof *c->bundle)};
    if (one_input(o, "bundle", error) != 0)
        return -1;
    c->path = o->input[0];
    if (read_keys(&c->keys, o, asked, error) != 0)
        return -1;
    if (bundle_load(c->path, &c->data, error) != 0)
        return -1;
    return bundle_read(c->bundle, c->path, c->data.data, c->data.size, &c->keys, &c->signer, error);
}

static void carried_fini(struct carried *c)
{
    bundle_keys_fini(&c->keys);
    buffer_fini(&c->data);
    free(c->bundle);
}

static void show(const struct carried *c)
{
    const struct bundle *bundle = c->bundle;
    printf("%s: rules %s %" PRIu32 ", of %s, for Weir %s and later\n", c->path, bundle->name,
           bundle->version, bundle->created, bundle->weir);
    printf("  signed by %s (%s)\n  SHA-256 of its first three lines %s\n", c->keys.path[c->signer],
           bundle->key, bundle->digest);
    for (size_t i = 0; i < bundle->count; i++)
        printf("  %-40s %10zu bytes\n", bundle->file[i].path, bundle->file[i].size);
}

int rules_verify(const struct options *o, const struct rules_asked *asked, struct error *error)
{
    struct carried c;
    int failed = carried_read(&c, o, asked, error);
    if (!failed)
        show(&c);
    carried_fini(&c);
    return failed;
}

/* --- install ---------------------------------------------------------------------------------- */

static const char *folder_of(const struct options *o, const struct rules_asked *asked, char **own)
{
    *own = asked->into ? whole_path(asked->into) : NULL;
    return *own ? *own : o->config.bundle.folder;
}

/* It holds, as far as the name of its folder says. 1: by its files, too. */
static int is_as_signed(const struct bundle_folder *folder)
{
    struct error why = {0};
    if (bundle_folder_whole(folder, folder->current, folder->holds, &why) == 0)
        return 1;
    log_warn("%s: it is put in again", why.message);
    return 0;
}

/* Whether this one may take the place of what holds. 1: it does already. */
static int compare(const struct carried *c, const struct bundle_folder *folder, bool allow_older,
                   struct error *error)
{
    const struct bundle *now = folder->holds, *next = c->bundle;
    if (folder->damaged && !allow_older)
        return error_set(
            error, ERROR_USAGE,
            "%s/current: is no bundle that can be read: --allow-older puts this one in "
            "its place",
            folder->path);
    if (!now)
        return 0;
    if (strcmp(now->name, next->name) != 0)
        return error_set(error, ERROR_USAGE,
                         "%s: rules %s; %s holds rules %s: --into a folder of their own", c->path,
                         next->name, folder->path, now->name);
    if (strcmp(now->digest, next->digest) == 0)
        return is_as_signed(folder);
    if (next->version > now->version || allow_older)
        return 0;
    return error_set(
        error, ERROR_USAGE, "%s: rules %s %" PRIu32 ", %s %" PRIu32 " holds%s (--allow-older)",
        c->path, next->name, next->version, next->version < now->version ? "and" : "another",
        now->version, next->version < now->version ? " already: this one is older" : "");
}

static int check_aside(const struct options *o, const struct carried *c,
                       const struct bundle_folder *folder, const struct bundle_folder *written,
                       struct error *error)
{
    char *aside = bundle_folder_path(folder, "current");
    char *instead = bundle_folder_path(written, "new");
    int failed = rules_check(&o->source, aside, instead, c->path, error);
    free(instead);
    free(aside);
    return failed;
}

static void say_unread(const struct options *o, const struct bundle_folder *folder)
{
    char *current = bundle_folder_path(folder, "current");
    if (!config_rules_name(&o->config, current))
        log_warn("the configuration reads none of it: %s/*.yaml is not among its rules", current);
    free(current);
}

static int put_in(const struct options *o, const struct carried *c, struct bundle_folder *folder,
                  struct error *error)
{
    if (bundle_folder_write(folder, c->bundle, c->data.data, error) != 0)
        return -1;
    const struct rules_turn turn = {&o->config, folder, c->bundle, RULES_INSTALL};
    int failed = check_aside(o, c, folder, folder, error) != 0 || rules_turn(&turn, error) != 0;
    bundle_folder_drop(folder);
    if (!failed)
        say_unread(o, folder);
    return failed ? -1 : 0;
}

static int install(const struct options *o, const struct rules_asked *asked,
                   const struct carried *c, struct error *error)
{
    char *own;
    struct bundle_folder folder;
    int failed = bundle_folder_open(&folder, folder_of(o, asked, &own), true, error);
    int same = failed ? -1 : compare(c, &folder, asked->allow_older, error);
    if (same == 0)
        failed = put_in(o, c, &folder, error);
    else if (same > 0) {
        printf("rules %s %" PRIu32 " hold in %s already\n", c->bundle->name, c->bundle->version,
               folder.path);
        failed = rules_tell(&o->config, error);
    }
    bundle_folder_close(&folder);
    free(own);
    return same < 0 ? -1 : failed;
}

/* Written and compiled in a folder of the moment; what holds is only looked at. */
static int try_aside(const struct options *o, const struct carried *c,
                     const struct bundle_folder *folder, struct error *error)
{
    const char *temporary = getenv("TMPDIR");
    char *path = xasprintf("%s/weir-rules-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    struct bundle_folder written = {.path = path, .lock_fd = -1};
    if (!mkdtemp(path)) {
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
        free(path);
        return -1;
    }
    int failed = bundle_folder_write(&written, c->bundle, c->data.data, error) != 0 ||
                 check_aside(o, c, folder, &written, error) != 0;
    bundle_folder_drop(&written);
    rmdir(path);
    bundle_folder_close(&written);
    return failed ? -1 : 0;
}

static int install_dry(const struct options *o, const struct rules_asked *asked,
                       const struct carried *c, struct error *error)
{
    char *own;
    struct bundle_folder folder;
    int failed = bundle_folder_open(&folder, folder_of(o, asked, &own), false, error);
    int same = failed ? -1 : compare(c, &folder, asked->allow_older, error);
    if (same == 0)
        failed = try_aside(o, c, &folder, error);
    if (same >= 0 && !failed) {
        show(c);
        printf("%s: nothing was changed\n",
               same ? "it holds already" : "it would hold from now on");
    }
    bundle_folder_close(&folder);
    free(own);
    return same < 0 ? -1 : failed;
}

int rules_install(const struct options *o, const struct rules_asked *asked, struct error *error)
{
    struct carried c;
    int failed = carried_read(&c, o, asked, error);
    if (!failed)
        failed = o->dry_run ? install_dry(o, asked, &c, error) : install(o, asked, &c, error);
    carried_fini(&c);
    return failed;
}

/* --- which holds ------------------------------------------------------------------------------ */

/* Trust and files are looked at as rollback does; what is wrong with them is said and no failure:
 * it is what holds. */
static void put_state(struct buffer *b, const struct options *o, const struct bundle_folder *folder)
{
    struct error untrusted = {0}, changed = {0};
    struct bundle_keys keys;
    size_t signer;
    if (bundle_keys_read(&keys, o->config.bundle.keys, &untrusted) != 0)
        buffer_text(b, "    not known whether it is trusted, the keys cannot be read: %s\n",
                    untrusted.message);
    else if (require_key(&keys, o->config.bundle.keys, &untrusted) == 0 &&
             bundle_folder_trusted(folder, folder->current, &keys, &signer, &untrusted) == 0)
        buffer_text(b, "    signed by %s\n", keys.path[signer]);
    else
        buffer_text(b, "    not trusted: %s\n", untrusted.message);
    bundle_keys_fini(&keys);
    if (bundle_folder_whole(folder, folder->current, folder->holds, &changed) != 0)
        buffer_text(b, "    changed: %s\n", changed.message);
}

static void put_holds(struct buffer *b, const struct options *o, const struct bundle_folder *folder)
{
    const struct bundle *holds = folder->holds, *held = folder->held;
    char *current = bundle_folder_path(folder, "current");
    buffer_text(b, "bundle %s %" PRIu32 ", of %s, holds in %s%s\n    key %s\n", holds->name,
                holds->version, holds->created, folder->path,
                config_rules_name(&o->config, current) ? ""
                                                       : ", and the configuration reads none of it",
                holds->key);
    put_state(b, o, folder);
    if (held)
        buffer_text(b, "    before it %s %" PRIu32 ", of %s (weir rules rollback)\n", held->name,
                    held->version, held->created);
    free(current);
}

/* Read off the disk, by whomever it was put there. */
static void make_harmless(struct bundle *bundle)
{
    if (!bundle)
        return;
    terminal_make_harmless(bundle->created);
    terminal_make_harmless(bundle->key);
}

char *rules_holds_text(const struct options *o)
{
    struct buffer b = {0};
    struct bundle_folder folder;
    struct error ignored = {0};
    bundle_folder_open(&folder, o->config.bundle.folder, false, &ignored);
    make_harmless(folder.holds);
    make_harmless(folder.held);
    if (folder.holds)
        put_holds(&b, o, &folder);
    else if (folder.damaged)
        buffer_text(&b, "bundle: %s/current is none that can be read\n", folder.path);
    buffer_u8(&b, 0);
    bundle_folder_close(&folder);
    return (char *)b.data;
}

/* --- rollback --------------------------------------------------------------------------------- */

/* Who signed it may not be trusted any more: what is not taken anew does not come back either. */
static int check_former(const struct options *o, const struct rules_asked *asked,
                        const struct bundle_folder *folder, struct error *error)
{
    struct bundle_keys keys;
    size_t signer;
    int failed = read_keys(&keys, o, asked, error) != 0 ||
                 bundle_folder_trusted(folder, folder->former, &keys, &signer, error) != 0 ||
                 bundle_folder_whole(folder, folder->former, folder->held, error) != 0;
    bundle_keys_fini(&keys);
    return failed ? -1 : 0;
}

static int go_back(const struct options *o, const struct rules_asked *asked,
                   struct bundle_folder *folder, struct error *error)
{
    if (!folder->former)
        return error_set(error, ERROR_USAGE, "%s: there is no former bundle", folder->path);
    if (check_former(o, asked, folder, error) != 0)
        return -1;
    char *aside = bundle_folder_path(folder, "current");
    char *instead = bundle_folder_path(folder, folder->former);
    int failed = rules_check(&o->source, aside, instead, folder->former, error);
    free(instead);
    free(aside);
    if (failed)
        return -1;
    if (o->dry_run) {
        printf("rules %s %" PRIu32 " would hold again: nothing was changed\n", folder->held->name,
               folder->held->version);
        return 0;
    }
    struct bundle to = *folder->held; /* which holds, and is another one then */
    const struct rules_turn turn = {&o->config, folder, &to, RULES_ROLLBACK};
    return rules_turn(&turn, error);
}

int rules_rollback(const struct options *o, const struct rules_asked *asked, struct error *error)
{
    char *own;
    struct bundle_folder folder;
    int failed = options_no_inputs(o, "rules", error);
    if (failed)
        return failed;
    failed = bundle_folder_open(&folder, folder_of(o, asked, &own), !o->dry_run, error);
    if (!failed)
        failed = go_back(o, asked, &folder, error);
    bundle_folder_close(&folder);
    free(own);
    return failed;
}
