/* "rules": where rules are read from. Paths begin at the folder of the configuration file (of
 * --set: the working folder); those with * ? [ are patterns (glob(7)), whose files come in the
 * order of their names. A path that is not there is a mistake, and so is a folder that may not be
 * looked through; a pattern that nothing fits is not. Thread: start-up only. */
#include "config_keys.h"
#include "files.h"

#include "weir/base/path.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPECTED "a list of at most 32 paths such as [rules/*.yaml]"

char *config_whole_path(const struct reading *r, const char *path)
{
    const char *slash = strrchr(r->name, '/');
    int folder = slash ? (int)(slash - r->name) + 1 : 0;
    char *here = *path == '/' || *r->name == '/' ? NULL : getcwd(NULL, 0);
    char *whole = *path == '/' ? xstrdup(path)
                               : xasprintf("%s%s%.*s%s", here ? here : "", here ? "/" : "", folder,
                                           r->name, path);
    char *tidy = path_tidy(whole);
    free(whole);
    free(here);
    return tidy;
}

int config_read_rules(const struct reading *r, const struct yaml_node *node)
{
    char place[512];
    if (node->kind != YAML_LIST)
        return config_refuse(r, node, EXPECTED);
    r->config->rules_count = 0;
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        if (item->kind != YAML_SCALAR || !*item->text || r->config->rules_count == CONFIG_RULES)
            return config_refuse(r, item, EXPECTED);
        snprintf(place, sizeof place, "%.400s:%d:%d", r->name, item->line, item->column);
        char *path = config_whole_path(r, item->text);
        r->config->rules_from[r->config->rules_count++] =
            (struct config_rules){config_own(r->config, path), config_own(r->config, place)};
        free(path);
    }
    return 0;
}

void config_show_rules(const struct config *config, struct buffer *b)
{
    buffer_text(b, "[");
    for (size_t i = 0; i < config->rules_count; i++) {
        buffer_text(b, "%s", i ? ", " : "");
        config_show_quoted(b, config->rules_from[i].path);
    }
    buffer_text(b, "]");
}

/* --- the files ------------------------------------------------------------------------------- */

bool config_rules_name(const struct config *config, const char *folder)
{
    for (size_t i = 0; i < config->rules_count; i++)
        if (path_below(config->rules_from[i].path, folder))
            return true;
    return false;
}

static bool is_pattern(const char *path)
{
    return strpbrk(path, "*?[") != NULL;
}

/* A pattern that a folder was put into begins with that folder, whatever signs its name has. */
static char *join(const char *folder, const char *rest, bool pattern)
{
    struct buffer b = {0};
    for (const char *at = folder; *at; at++)
        buffer_text(&b, "%s%c", pattern && strchr("*?[\\", *at) ? "\\" : "", *at);
    buffer_text(&b, "%s", rest);
    buffer_u8(&b, 0);
    return (char *)b.data;
}

/* Where a path leads while something is read aside; NULL: where it always does. Caller frees. */
static char *path_aside(const struct config_files *files, const char *path, bool pattern)
{
    const char *rest = files->aside ? path_below(path, files->aside) : NULL;
    return rest ? join(files->instead, rest, pattern) : NULL;
}

/* A folder that is a link may lead elsewhere a moment later (weir rules install): what is read
 * below it is all of the one it leads to now. Caller frees. */
static char *path_settled(const char *path, bool pattern)
{
    struct stat st;
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xasprintf("%.*s", (int)(slash - path), path) : NULL, *whole = NULL;
    if (folder && lstat(folder, &st) == 0 && S_ISLNK(st.st_mode))
        whole = realpath(folder, NULL);
    char *settled = whole ? join(whole, slash, pattern) : xstrdup(path);
    free(whole);
    free(folder);
    return settled;
}

/* What may not be looked at is not nothing. */
static int stop_at(const char *folder, int cause)
{
    (void)folder;
    return cause == EACCES;
}

static int read_found(const glob_t *found, const char *place, struct config_files *files,
                      struct error *error)
{
    struct error why = {0};
    for (size_t i = 0; i < found->gl_pathc; i++)
        if (!config_files_get(files, found->gl_pathv[i]) &&
            config_files_read(files, found->gl_pathv[i], true, &why) != 0)
            return error_set(error, ERROR_USAGE, "%s: rules: %s", place, why.message);
    return 0;
}

static int read_pattern(const char *path, const char *place, struct config_files *files,
                        struct error *error)
{
    glob_t found = {.gl_pathc = 0};
    int result = glob(path, 0, stop_at, &found), failed = 0;
    if (result == GLOB_ABORTED)
        failed = error_set(error, ERROR_USAGE,
                           "%s: rules: %s: %s, expected a folder that who reads the configuration "
                           "may look through",
                           place, path, strerror(EACCES));
    else if (result != 0 && result != GLOB_NOMATCH)
        failed =
            error_set(error, ERROR_USAGE, "%s: rules: %s: cannot be looked through", place, path);
    else
        failed = read_found(&found, place, files, error);
    globfree(&found);
    return failed;
}

static int read_named(const char *path, bool pattern, const char *place, struct config_files *files,
                      struct error *error)
{
    char *own = xstrdup(path);
    const glob_t one = {.gl_pathc = 1, .gl_pathv = &own};
    int failed =
        pattern ? read_pattern(path, place, files, error) : read_found(&one, place, files, error);
    free(own);
    return failed;
}

static int read_from(const struct config_rules *from, struct config_files *files,
                     struct error *error)
{
    bool pattern = is_pattern(from->path);
    char *aside = path_aside(files, from->path, pattern);
    char *path = aside ? aside : path_settled(from->path, pattern);
    int failed = read_named(path, pattern, from->place, files, error);
    free(path);
    return failed;
}

/* What takes the place of nothing that the rules name stands behind them. */
static int read_behind(const struct config *config, struct config_files *files, struct error *error)
{
    if (!files->aside || config_rules_name(config, files->aside))
        return 0;
    char *path = join(files->instead, "/*.yaml", true);
    int failed = read_pattern(path, files->instead, files, error);
    free(path);
    return failed;
}

struct fetching {
    struct config_files *files;
    bool held;
};

static int fetch(void *context, const char *asked, struct rules_file *file, struct error *error)
{
    const struct fetching *fetching = context;
    char *aside = path_aside(fetching->files, asked, false);
    const char *path = aside ? aside : asked;
    const struct config_file *known = config_files_get(fetching->files, path);
    if (!known && fetching->held)
        error_set(error, ERROR_USAGE, "%s: was not read", path);
    else if (!known && config_files_read(fetching->files, path, false, error) == 0)
        known = config_files_get(fetching->files, path);
    free(aside);
    if (known)
        *file = (struct rules_file){known->path, known->text, known->size};
    return known ? 0 : -1;
}

static int compile(struct config *config, struct config_files *files, struct error *error)
{
    struct rules_file rules[CONFIG_FILES];
    struct fetching fetching = {files, files->held};
    size_t count = 0;
    for (size_t i = 0; i < files->count; i++)
        if (files->file[i].rules)
            rules[count++] =
                (struct rules_file){files->file[i].path, files->file[i].text, files->file[i].size};
    if (count == 0)
        return 0;
    config->rules = rules_load(rules, count, fetch, &fetching, error);
    return config->rules ? 0 : -1;
}

int config_load_rules(struct config *config, struct config_files *files, struct error *error)
{
    int failed = 0;
    for (size_t i = 0; i < config->rules_count && !files->held && !failed; i++)
        failed = read_from(&config->rules_from[i], files, error);
    if (!failed && !files->held)
        failed = read_behind(config, files, error);
    if (!failed)
        failed = compile(config, files, error);
    if (failed && !files->held) /* another try reads them anew */
        config_files_fini(files);
    files->held |= !failed;
    return failed;
}
