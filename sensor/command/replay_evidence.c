/* See replay_evidence.h. */
#include "replay_evidence.h"

#include "words.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/role/check.h"
#include "weir/role/pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void replay_evidence_words(struct replay_evidence *evidence, int argc, char *const *argv)
{
    evidence->word = xcalloc((size_t)argc + 1, sizeof *evidence->word);
    evidence->word[evidence->words++] = "weir";
    for (int i = 0; i < argc; i++)
        evidence->word[evidence->words++] = argv[i];
}

void replay_evidence_free(struct replay_evidence *evidence)
{
    evidence_free(evidence->evidence);
    sign_key_free(evidence->key);
    free(evidence->word);
}

/* --- begin -------------------------------------------------------------------------------------
 */

static int open_key(struct replay_evidence *evidence, const struct config *config,
                    struct error *error)
{
    char *kept = *config->state_dir ? xasprintf("%s/evidence.key", config->state_dir) : NULL;
    const char *path = evidence->key_path ? evidence->key_path : kept;
    if (kept && mkdir(config->state_dir, 0750) != 0 && errno != EEXIST)
        error_set(error, ERROR_RUN, "sensor.state_dir %s: %s", config->state_dir, strerror(errno));
    else
        evidence->key = path ? sign_key_keep(path, error) : sign_key_new(error);
    evidence->key_is_kept = path != NULL;
    free(kept);
    return evidence->key ? 0 : -1;
}

static int refuse_older(const char *folder, struct error *error)
{
    char *path = xasprintf("%s/evidence/manifest.json", folder);
    bool there = access(path, F_OK) == 0;
    free(path);
    if (!there)
        return 0;
    return error_set(
        error, ERROR_USAGE,
        "%s/evidence is an older run's: --evidence replaces it, or name another folder", folder);
}

/* A store that is named by its URL has no bytes of its own. */
static void note_judged_by(struct replay_evidence *evidence, const char *baseline)
{
    if (baseline && !strstr(baseline, "://") && strncmp(baseline, "unix:", 5) != 0)
        evidence->baseline = evidence_file_of(baseline);
    if (evidence->noise)
        evidence->noise_file = evidence_file_of(evidence->noise);
}

int replay_evidence_begin(struct replay_evidence *evidence, const struct options *options,
                          struct error *error)
{
    if (!evidence->wanted)
        return options->folder ? refuse_older(options->folder, error) : 0;
    if (!options->folder)
        return error_set(error, ERROR_USAGE, "--evidence needs -o DIR");
    if (open_key(evidence, &options->config, error) != 0)
        return -1;
    note_judged_by(evidence, options->baseline);
    evidence->evidence = evidence_new(options->folder, error);
    return evidence->evidence ? 0 : -1;
}

/* --- inputs ------------------------------------------------------------------------------------
 */

struct second { /* reading */
    struct replay_evidence *evidence;
    const struct options *options;
    const struct session *session;
    const struct capture_input *found; /* the first time, count of them */
    size_t count;
    struct evidence_input *input;
    const char **path; /* those that are read again … */
    size_t *place;     /* … and which inputs they are */
    size_t paths;
    struct pick_input *again; /* of each of them */
    uint64_t unheld;
};

static const char *why_not(const struct second *second, const struct capture_input *found,
                           const struct stat *st)
{
    if (strcmp(found->path, "-") == 0)
        return "standard input cannot be read a second time";
    if (strncmp(found->path, "tcp://", 6) == 0)
        return "a connection cannot be read a second time";
    if (found->notes.is_log)
        return "a log has no packets";
    if (!S_ISREG(st->st_mode))
        return "it is no file that can be read a second time";
    if (second->options->follow)
        return "it was followed: it may still grow";
    if (found->packets == 0 && found->error.code != ERROR_NONE)
        return "it could not be read";
    return NULL;
}

static void look_at_inputs(struct second *second)
{
    for (size_t i = 0; i < second->count; i++) {
        const struct capture_input *found = &second->found[i];
        struct stat st = {.st_mode = 0};
        if (stat(found->path, &st) != 0)
            st.st_mode = 0;
        second->input[i] =
            (struct evidence_input){.why_not = why_not(second, found, &st),
                                    .bytes = S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1,
                                    .kernel_drops = found->notes.kernel_drops,
                                    .interface_drops = found->notes.interface_drops};
        if (second->input[i].why_not)
            continue;
        second->path[second->paths] = found->path;
        second->place[second->paths++] = i;
    }
}

/* Of the file that was judged and of the one that was read just now. */
static bool has_changed(const struct second *second, size_t i)
{
    static const uint8_t none[SHA256_SIZE];
    const uint8_t *before = second->found[second->place[i]].sha256, *now = second->again[i].sha256;
    if (memcmp(before, none, SHA256_SIZE) != 0)
        return memcmp(before, now, SHA256_SIZE) != 0;
    return second->again[i].error.code != ERROR_NONE &&
           second->found[second->place[i]].error.code == ERROR_NONE;
}

static void compare_inputs(struct second *second, struct error *changed)
{
    for (size_t i = 0; i < second->paths; i++) {
        if (!has_changed(second, i))
            continue;
        second->input[second->place[i]].why_not = "it is another now than the one that was judged";
        if (changed->code != ERROR_NONE)
            log_error("%s", changed->message);
        *changed = (struct error){ERROR_NONE, ""};
        error_set(changed, ERROR_INPUT,
                  "%s: is another now than the one that was judged: its evidence is not good",
                  second->path[i]);
    }
}

static void on_packet(void *context, const struct picked_packet *packet)
{
    struct second *second = context;
    evidence_packet(second->evidence->evidence, packet, second->place[packet->input]);
}

static int read_again(struct second *second, const struct wanted_flow *wanted, uint32_t count,
                      struct error *error)
{
    const struct config *config = &second->options->config;
    const struct pick_config pick = {.config = config,
                                     .inputs = second->path,
                                     .input_count = second->paths,
                                     .filter = role_filter(config, second->options->filter),
                                     .times = second->session->options.times,
                                     .wanted = wanted,
                                     .count = count,
                                     .loop = second->session->stack.loop,
                                     .packet = on_packet,
                                     .context = second};
    return pick_run(&pick, second->again, &second->unheld, error);
}

/* --- the facts ---------------------------------------------------------------------------------
 */

static struct evidence_file file_of(const char *name, const void *data, size_t size)
{
    struct evidence_file file = {.name = name, .bytes = size};
    digest_sha256(data, size, file.sha256);
    return file;
}

static int tell(struct second *second, struct error *error)
{
    struct replay_evidence *evidence = second->evidence;
    const struct options *options = second->options;
    const struct config_files *rules = &options->source.files;
    struct evidence_file *rule_file = xcalloc(rules->count + 1, sizeof *rule_file);
    char *settings = config_text(&options->config);
    struct noise *noise = evidence->noise ? noise_read(evidence->noise, error) : NULL;
    for (size_t i = 0; i < rules->count; i++)
        rule_file[i] = file_of(rules->file[i].path, rules->file[i].text, rules->file[i].size);
    const struct evidence_facts facts = {
        .made = ptime_now(),
        .sensor = options->config.sensor_name,
        .word = evidence->word,
        .words = evidence->words,
        .filter = role_filter(&options->config, options->filter),
        .settings = file_of(NULL, settings, strlen(settings)),
        .rule_file = rule_file,
        .rule_files = rules->count,
        .baseline = evidence->baseline.name ? &evidence->baseline : NULL,
        .noise_file = evidence->noise_file.name ? &evidence->noise_file : NULL,
        .noise = noise,
        .result = {"alerts.ndjson", options->flows ? "flows.ndjson" : NULL},
        .unheld = second->unheld,
        .key = evidence->key,
        .key_is_kept = evidence->key_is_kept};
    int failed = (evidence->noise && !noise) ||
                 evidence_finish(evidence->evidence, &facts, &evidence->told, error) != 0;
    noise_free(noise);
    free(settings);
    free(rule_file);
    return failed ? -1 : 0;
}

int replay_evidence_finish(struct replay_evidence *evidence, const struct options *options,
                           const struct session *session, const struct summary *summary,
                           struct error *error)
{
    struct second second = {.evidence = evidence, .options = options, .session = session};
    const struct wanted_flow *wanted;
    struct error changed = {0};
    uint32_t count;
    second.found = feed_inputs(session->feed, &second.count);
    second.input = xcalloc(second.count, sizeof *second.input);
    second.path = xcalloc(second.count, sizeof *second.path);
    second.place = xcalloc(second.count, sizeof *second.place);
    second.again = xcalloc(second.count, sizeof *second.again);
    look_at_inputs(&second);
    int failed = evidence_select(evidence->evidence, summary, second.input, &wanted, &count, error);
    if (!failed && second.paths > 0 && count > 0) {
        failed = read_again(&second, wanted, count, error);
        compare_inputs(&second, &changed);
    }
    if (!failed)
        failed = tell(&second, error);
    evidence_free(evidence->evidence); /* it borrows from here */
    evidence->evidence = NULL;
    free(second.input);
    free(second.path);
    free(second.place);
    free(second.again);
    if (failed || changed.code == ERROR_NONE)
        return failed;
    *error = changed;
    return -1;
}
