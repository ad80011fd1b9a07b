/* weir evidence: what a folder of evidence holds, and whether it is what it was; what a running
 * sensor keeps (evidence_live.c). */
#include "commands.h"
#include "evidence_live.h"
#include "look.h"
#include "options.h"
#include "words.h"

#include "weir/base/buffer.h"
#include "weir/investigate/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: weir evidence list [DIR]\n"
    "       weir evidence verify [DIR | INCIDENT] [--head HEX] [--key FILE] [--inputs]\n"
    "       weir evidence extract INCIDENT -o DIR\n"
    "       weir evidence hold INCIDENT --reason TEXT [--by WHO]\n"
    "       weir evidence release INCIDENT [--reason TEXT] [--by WHO]\n"
    "\n"
    "With DIR: what `weir replay -o DIR --evidence` kept, or what was extracted. Without: what a "
    "running\n"
    "sensor keeps in its state directory (evidence: {enabled: true}). INCIDENT: inc-0123ab, or the "
    "whole id.\n"
    "\n"
    "      --head HEX     the head that the summary told, as it was noted elsewhere (default: that "
    "of\n"
    "                     summary.json; of a running sensor's the journal's)\n"
    "      --key FILE     the key that must have signed, private or public (PEM)\n"
    "      --inputs       the inputs are compared too, where they were\n"
    "  -o, --output DIR   where it is extracted to\n"
    "      --by WHO       who holds or releases it (default: you)\n"
    "      --reason TEXT  why\n"
    "  -c, --config FILE  the sensor's configuration; it says too whether who looks is written "
    "down "
    "and\n"
    "                     sees pseudonyms (privacy.access_log, privacy.pseudonyms)\n"
    "      --set KEY=VALUE\n"
    "\n"
    "exit status: 0 all holds; 1 something does not, each thing is said, or there is none; 2 "
    "usage; 3 no such incident\n";

struct view {
    struct options options;
    const char *head, *key_path, *by;
    bool inputs;
    char *folder; /* with the manifest */
    char *beside; /* of the results; NULL: not known */
    struct error error;
};

/* The folder above, when any result of a replay stands in it. */
static char *beside_of(const char *folder)
{
    static const char *const result[] = {"summary.json", "alerts.ndjson", "flows.ndjson"};
    for (size_t i = 0; i < sizeof result / sizeof *result; i++) {
        char *path = xasprintf("%s/../%s", folder, result[i]);
        bool there = access(path, F_OK) == 0;
        free(path);
        if (there)
            return xasprintf("%s/..", folder);
    }
    return NULL;
}

/* DIR/evidence, where there is one; else DIR, whose parent may be a folder of -o. */
static void find_folder(struct view *view, const char *named)
{
    char *within = xasprintf("%s/evidence/manifest.json", named);
    if (access(within, F_OK) == 0) {
        view->folder = xasprintf("%s/evidence", named);
        view->beside = xstrdup(named);
    } else {
        view->folder = xstrdup(named);
        view->beside = beside_of(named);
    }
    free(within);
}

static void on_line(void *context, const char *line)
{
    (void)context;
    printf("%s\n", line);
}

static int verify(struct view *view)
{
    struct sign_key *key = view->key_path ? sign_key_read(view->key_path, &view->error) : NULL;
    if (view->key_path && !key)
        return command_fail(&view->error);
    const struct evidence_check check = {.folder = view->folder,
                                         .beside = view->beside,
                                         .head = view->head,
                                         .key = key,
                                         .inputs = view->inputs,
                                         .say = on_line};
    int64_t wrong = evidence_verify(&check, &view->error);
    sign_key_free(key);
    if (wrong < 0)
        return command_fail(&view->error);
    return command_print("") == EXIT_DONE && wrong == 0 ? EXIT_DONE : EXIT_RUN;
}

static int list(struct view *view)
{
    char *text = evidence_list(view->folder, &view->error);
    int status = text ? command_print(text) : command_fail(&view->error);
    free(text);
    return status;
}

/* A folder with a manifest, or what has one in it. */
static bool is_folder(const char *name)
{
    char *here = xasprintf("%s/manifest.json", name),
         *within = xasprintf("%s/evidence/manifest.json", name);
    bool is = access(here, F_OK) == 0 || access(within, F_OK) == 0 || strchr(name, '/');
    free(here);
    free(within);
    return is;
}

static int verify_any(struct view *view, const char *target)
{
    if (target && is_folder(target)) {
        find_folder(view, target);
        char *told = view->head ? NULL : evidence_live_head(&view->options, view->folder);
        if (told)
            view->head = told;
        int status = verify(view);
        free(told);
        return status;
    }
    struct sign_key *key = view->key_path ? sign_key_read(view->key_path, &view->error) : NULL;
    if (view->key_path && !key)
        return command_fail(&view->error);
    int status = evidence_live_verify(&view->options, target, view->head, key);
    sign_key_free(key);
    return status;
}

static int list_any(struct view *view, const char *target)
{
    if (!target)
        return evidence_live_list(&view->options);
    find_folder(view, target);
    return list(view);
}

static int extract(struct view *view, const char *target)
{
    return evidence_live_extract(&view->options, target);
}

static int hold(struct view *view, const char *target)
{
    return evidence_live_hold(&view->options, target, view->by, view->options.reason, true);
}

static int release(struct view *view, const char *target)
{
    return evidence_live_hold(&view->options, target, view->by, view->options.reason, false);
}

/* What each verb takes; what it does not is refused. */
static const struct verb {
    const char *name;
    int (*run)(struct view *view, const char *target);
    bool target, verifies, output, names; /* target: it must be there; names: --by, --reason */
} verbs[] = {
    {"list", list_any, false, false, false, false},
    {"verify", verify_any, false, true, false, false},
    {"extract", extract, true, false, true, false},
    {"hold", hold, true, false, false, true},
    {"release", release, true, false, false, true},
};

static int check(const struct verb *verb, struct view *view)
{
    const struct options *o = &view->options;
    if (o->input_count > 2 || (verb->target && o->input_count != 2))
        return error_set(&view->error, ERROR_USAGE, "evidence %s: expected %s", verb->name,
                         verb->target ? "one incident" : "at most one folder");
    if (!verb->verifies && (view->head || view->key_path || view->inputs))
        return error_set(&view->error, ERROR_USAGE,
                         "evidence %s: --head, --key and --inputs are for verify", verb->name);
    if (verb->verifies && o->input_count < 2 && (view->head || view->inputs))
        return error_set(&view->error, ERROR_USAGE,
                         "evidence verify: --head and --inputs are about one folder or incident");
    if (verb->output != (o->folder != NULL))
        return error_set(&view->error, ERROR_USAGE, "evidence %s: %s", verb->name,
                         verb->output ? "needs -o DIR" : "-o is for extract");
    if (!verb->names && (view->by || o->reason))
        return error_set(&view->error, ERROR_USAGE,
                         "evidence %s: --by and --reason are for hold and release", verb->name);
    if (verb->run == hold && (!o->reason || !*o->reason))
        return error_set(&view->error, ERROR_USAGE, "evidence hold: expected --reason TEXT");
    return 0;
}

/* Who asks is written down before anything is shown. */
static int begin(const struct verb *verb, struct view *view)
{
    const struct options *o = &view->options;
    const char *target = o->input_count > 1 ? o->input[1] : NULL;
    bool is_case = target && (verb->run == list_any || (verb->verifies && is_folder(target)));
    char *words = xasprintf("evidence %s", verb->name);
    int failed = is_case ? look_begin_case(&o->config, words, target, &view->error)
                         : look_begin(&o->config, words, target, &view->error);
    free(words);
    return failed;
}

static int look(struct view *view)
{
    const struct options *o = &view->options;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs && o->input_count > 0; i++) {
        if (strcmp(o->input[0], verbs[i].name) != 0)
            continue;
        if (check(&verbs[i], view) != 0 || begin(&verbs[i], view) != 0)
            return command_fail(&view->error);
        return verbs[i].run(view, o->input_count > 1 ? o->input[1] : NULL);
    }
    error_set(&view->error, ERROR_USAGE,
              "evidence: expected list, verify, extract, hold or release (weir evidence --help)");
    return command_fail(&view->error);
}

int command_evidence(int argc, char **argv)
{
    struct view view = {.head = NULL};
    const struct word words[] = {{"--head", &view.head, NULL},
                                 {"--key", &view.key_path, NULL},
                                 {"--by", &view.by, NULL},
                                 {"--inputs", NULL, &view.inputs},
                                 {NULL, NULL, NULL}};
    int status;
    if (words_take(words, &argc, argv, &view.error) != 0 ||
        options_parse(&view.options, argc, argv, "csomh", &view.error) != 0)
        status = command_fail(&view.error);
    else if (view.options.help)
        status = command_print(usage);
    else
        status = look(&view);
    free(view.folder);
    free(view.beside);
    options_fini(&view.options);
    return status;
}
