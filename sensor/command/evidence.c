/* weir evidence: what a folder of evidence holds, and whether it is what it was. */
#include "commands.h"
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
    "usage: weir evidence list DIR [-c FILE]\n"
    "       weir evidence verify DIR [--head HEX] [--key FILE] [--inputs] [-c FILE]\n"
    "\n"
    "What `weir replay -o DIR --evidence` kept: the incidents and their captures; whether all of "
    "it\n"
    "is as it was made. DIR: the folder of -o, or its folder `evidence`.\n"
    "\n"
    "      --head HEX   the head that the summary told, as it was noted elsewhere (default: that "
    "of\n"
    "                   summary.json)\n"
    "      --key FILE   the key that must have signed, private or public (PEM)\n"
    "      --inputs     the inputs are compared too, where they were\n"
    "      -c FILE      configuration: whether who looks is written down (privacy.access_log, "
    "with\n"
    "                   sensor.state_dir), and pseudonyms\n"
    "\n"
    "exit status: 0 all holds; 1 something does not, each thing is said, or there is none; 2 "
    "usage\n";

struct view {
    struct options options;
    const char *head, *key_path;
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

static int look(struct view *view)
{
    const struct options *o = &view->options;
    bool verifies = o->input_count > 0 && strcmp(o->input[0], "verify") == 0;
    bool lists = o->input_count > 0 && strcmp(o->input[0], "list") == 0;
    if ((!verifies && !lists) || o->input_count != 2)
        error_set(&view->error, ERROR_USAGE,
                  "evidence: expected list DIR or verify DIR (weir evidence --help)");
    else if (lists && (view->head || view->key_path || view->inputs))
        error_set(&view->error, ERROR_USAGE,
                  "evidence list: --head, --key and --inputs are for verify");
    if (view->error.code != ERROR_NONE ||
        look_begin_case(&o->config, verifies ? "evidence verify" : "evidence list", o->input[1],
                        &view->error) != 0)
        return command_fail(&view->error);
    find_folder(view, o->input[1]);
    return verifies ? verify(view) : list(view);
}

int command_evidence(int argc, char **argv)
{
    struct view view = {.head = NULL};
    const struct word words[] = {{"--head", &view.head, NULL},
                                 {"--key", &view.key_path, NULL},
                                 {"--inputs", NULL, &view.inputs},
                                 {NULL, NULL, NULL}};
    int status;
    if (words_take(words, &argc, argv, &view.error) != 0 ||
        options_parse(&view.options, argc, argv, "csh", &view.error) != 0)
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
