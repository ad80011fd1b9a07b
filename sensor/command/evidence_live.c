/* What a running sensor kept, looked at beside it: the folder and the journal are read as files, so
 * it need not run. Only who holds and releases asks it, or, when none runs, takes the state
 * directory's lock. The keeper may seal while we read: what does not fit then is read once more. */
#include "evidence_live.h"

#include "access.h"
#include "api_client.h"
#include "commands.h"
#include "noise_access.h"
#include "words.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/log.h"
#include "weir/base/map.h"
#include "weir/capture/sandbox.h"
#include "weir/investigate/keeper.h"
#include "weir/role/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CALL_MS 5000
#define FRESH_S 3      /* the journal hears of a seal a moment after it: so young, it is … */
#define WAIT_US 250000 /* … looked at again */

static char *folder_of(const struct options *options)
{
    return xasprintf("%s/evidence", config_state_dir(&options->config));
}

/* By the folder, or by the journal: evidence that is held may outlive it. */
static char *whole_id(const struct options *options, const char *name, struct error *error)
{
    char *all = folder_of(options), *path = xasprintf("%s/%s", all, name);
    bool there = evidence_is_incident(name) && access(path, F_OK) == 0;
    free(path);
    free(all);
    return there ? xstrdup(name) : incident_whole_id(&options->config, name, error);
}

/* --- the journal's word ------------------------------------------------------------------------
 */

struct heads {
    struct map last; /* incident → its head as told last; "" once it was removed */
};

static const char *text_at(const struct json_value *root, const char *path)
{
    const struct json_value *value = json_find(root, path);
    const char *text = value ? json_text(value) : NULL;
    return text ? text : "";
}

static void on_record(void *context, const char *line, size_t size)
{
    struct heads *heads = context;
    struct error ignored = {0};
    struct json_value *root = json_parse(line, size, &ignored);
    if (!root)
        return;
    const char *action = text_at(root, "event.action"), *id = text_at(root, "weir.audit.subject");
    const char *head = strstr(text_at(root, "message"), "; head ");
    bool sealed = strcmp(action, "evidence.seal") == 0 && head;
    if (*id && strcmp(text_at(root, "event.dataset"), "weir.audit") == 0 &&
        (sealed || strcmp(action, "evidence.remove") == 0))
        free(map_put(&heads->last, id, strlen(id), xstrdup(sealed ? head + 7 : "")));
    json_value_free(root);
}

static int read_heads(const struct config *config, struct heads *heads, struct error *error)
{
    uint64_t damaged;
    map_init(&heads->last);
    if (noise_access_each(config, PTIME_MIN, on_record, heads, &damaged, error) != 0)
        return -1;
    if (damaged > 0)
        log_warn("the journal is damaged in %llu places: heads told there are not known",
                 (unsigned long long)damaged);
    return 0;
}

/* --- list --------------------------------------------------------------------------------------
 */

static void list_one(const char *folder, const char *state, const char *id)
{
    struct error error = {0};
    char *path = xasprintf("%s/%s", folder, id), *text = evidence_list(path, &error);
    bool held = evidence_is_held(state, id);
    if (text)
        text[strcspn(text, "\n")] = '\0';
    printf("%s%s\n", text ? text : id, held ? "  HELD" : "");
    if (!text)
        printf("    nothing of it is sealed yet\n");
    free(text);
    free(path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int evidence_live_list(const struct options *options)
{
    struct error error = {0};
    char *folder = folder_of(options), *name[KEEPER_FOLDERS];
    size_t count = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        error_set(&error, ERROR_RUN,
                  "%s: %s (no evidence was ever kept, or it is not yours to read)", folder,
                  strerror(errno));
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL && count < KEEPER_FOLDERS;)
        if (evidence_is_incident(entry->d_name))
            name[count++] = xstrdup(entry->d_name);
    if (dir)
        closedir(dir);
    qsort(name, count, sizeof *name, by_name);
    for (size_t i = 0; i < count; i++) {
        list_one(folder, config_state_dir(&options->config), name[i]);
        free(name[i]);
    }
    if (dir && count == 0)
        puts("no evidence is kept");
    free(folder);
    return dir ? command_print("") : command_fail(&error);
}

/* --- verify ------------------------------------------------------------------------------------
 */

static void on_line(void *context, const char *line)
{
    buffer_text(context, "%s\n", line);
}

static char *incident_of(const char *folder)
{
    struct error ignored = {0};
    size_t size = 0;
    char *path = xasprintf("%s/manifest.json", folder);
    char *text = evidence_text(path, &size), *id = NULL;
    struct json_value *root = text ? json_parse(text, size, &ignored) : NULL;
    if (root && strcmp(text_at(root, "mode"), "live") == 0)
        id = xstrdup(text_at(root, "incidents.0.id"));
    if (root)
        json_value_free(root);
    free(text);
    free(path);
    return id;
}

char *evidence_live_head(const struct options *options, const char *folder)
{
    struct error ignored = {0};
    struct heads heads;
    char *id = incident_of(folder), *head = NULL;
    if (!id)
        return NULL;
    if (read_heads(&options->config, &heads, &ignored) == 0) {
        const char *last = map_get(&heads.last, id, strlen(id));
        head = last && *last ? xstrdup(last) : NULL;
    }
    map_fini(&heads.last, free);
    free(id);
    return head;
}

/* How many things do not hold; what is said of it goes to `said`. */
static int64_t verify_once(const char *folder, const char *head, const struct sign_key *key,
                           struct buffer *said, struct error *error)
{
    const struct evidence_check check = {
        .folder = folder, .head = head, .key = key, .say = on_line, .context = said};
    said->size = 0;
    if (!head)
        on_line(said, "manifest.json: the journal tells no head of it");
    int64_t wrong = evidence_verify(&check, error);
    return wrong < 0 ? wrong : wrong + (head == NULL);
}

static bool is_fresh(const char *folder)
{
    struct stat st;
    char *path = xasprintf("%s/manifest.json", folder);
    time_t now = time(NULL);
    bool fresh = stat(path, &st) == 0 && st.st_mtime <= now && now - st.st_mtime <= FRESH_S;
    free(path);
    return fresh;
}

/* Another incident's folder in the place of this one is whole by itself. */
static int64_t is_anothers(const char *folder, const char *id, struct buffer *said)
{
    char *is = incident_of(folder);
    bool another = is && strcmp(is, id) != 0;
    if (another)
        on_line(said, "manifest.json: it is of another incident");
    free(is);
    return another;
}

static int64_t verify_incident(const struct options *options, const char *id, const char *noted,
                               const struct sign_key *key)
{
    struct buffer said = {0};
    char *all = folder_of(options), *folder = xasprintf("%s/%s", all, id);
    int64_t wrong;
    for (;;) {
        struct error error = {0};
        bool fresh = is_fresh(folder);
        char *head = noted ? xstrdup(noted) : evidence_live_head(options, folder);
        wrong = verify_once(folder, head, key, &said, &error);
        if (wrong < 0)
            on_line(&said, error.message);
        else
            wrong += is_anothers(folder, id, &said);
        free(head);
        if (wrong == 0 || !fresh)
            break;
        usleep(WAIT_US);
    }
    printf("incident %s\n%.*s", id, (int)said.size, said.data ? (const char *)said.data : "");
    buffer_fini(&said);
    free(folder);
    free(all);
    return wrong;
}

static int verify_all(const struct options *options, const struct sign_key *key,
                      struct error *error)
{
    struct heads heads;
    int wrong = 0, looked = 0;
    if (read_heads(&options->config, &heads, error) == 0) {
        const struct map_entry **entry = map_sorted(&heads.last);
        for (size_t i = 0; i < heads.last.count; i++) {
            char id[ALERT_ID_SIZE];
            snprintf(id, sizeof id, "%.*s", (int)entry[i]->key_size, (const char *)entry[i]->key);
            if (*(const char *)entry[i]->value == '\0' || !evidence_is_incident(id))
                continue;
            looked++;
            wrong += verify_incident(options, id, NULL, key) != 0;
        }
        free(entry);
        if (looked == 0)
            puts("the journal tells of no evidence that was sealed");
    }
    map_fini(&heads.last, free);
    if (error->code != ERROR_NONE)
        return command_fail(error);
    return command_print("") == EXIT_DONE && wrong == 0 ? EXIT_DONE : EXIT_RUN;
}

int evidence_live_verify(const struct options *options, const char *incident, const char *head,
                         const struct sign_key *key)
{
    struct error error = {0};
    if (!incident)
        return verify_all(options, key, &error);
    char *id = whole_id(options, incident, &error);
    if (!id)
        return command_fail(&error);
    bool holds = verify_incident(options, id, head, key) == 0;
    free(id);
    return command_print("") == EXIT_DONE && holds ? EXIT_DONE : EXIT_RUN;
}

/* --- extract -----------------------------------------------------------------------------------
 */

struct extraction {
    char *from, *to; /* folders: the evidence, DIR/evidence */
    int whole;       /* DIR/<incident>.pcapng */
    struct error *error;
};

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, data, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -1;
        data += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

/* `whole`: the captures go into one more file, one section behind the other. */
static int copy(const struct extraction *x, const char *name, bool whole)
{
    char *from = xasprintf("%s/%s", x->from, name), *to = xasprintf("%s/%s", x->to, name);
    size_t size = 0;
    char *data = evidence_text(from, &size);
    int fd = data ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640) : -1;
    int failed = 0;
    if (!data)
        failed = error_set(x->error, ERROR_RUN, "%s: %s", from, strerror(errno));
    else if (fd < 0 || write_all(fd, data, size) != 0 ||
             (whole && write_all(x->whole, data, size) != 0))
        failed = error_set(x->error, ERROR_RUN, "%s: %s", to, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(data);
    free(from);
    free(to);
    return failed;
}

/* Names only of files beside the manifest: it may be anybody's. */
static int copy_files(const struct extraction *x)
{
    size_t size = 0;
    char *path = xasprintf("%s/manifest.json", x->to);
    char *text = evidence_text(path, &size);
    struct json_value *root = text ? json_parse(text, size, x->error) : NULL;
    const struct json_value *files = root ? json_find(root, "incidents.0.files") : NULL;
    int failed = root ? 0 : -1;
    for (size_t i = 0; files && i < json_length(files) && !failed; i++) {
        const char *name = json_text(json_at(files, i));
        if (!name || !*name || strchr(name, '/') || *name == '.')
            failed = error_set(x->error, ERROR_RUN, "%s: names no file of this folder", path);
        else
            failed = copy(x, name, true);
    }
    if (root)
        json_value_free(root);
    free(text);
    free(path);
    return failed;
}

static int make_folders(const char *folder, struct extraction *x, const char *id)
{
    char *whole = xasprintf("%s/%s.pcapng", folder, id);
    x->to = xasprintf("%s/evidence", folder);
    if ((mkdir(folder, 0750) != 0 && errno != EEXIST) || mkdir(x->to, 0750) != 0)
        error_set(x->error, ERROR_RUN, "%s: %s%s", x->to, strerror(errno),
                  errno == EEXIST ? " (name another folder)" : "");
    else if ((x->whole = open(whole, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640)) < 0)
        error_set(x->error, ERROR_RUN, "%s: %s", whole, strerror(errno));
    free(whole);
    return x->whole >= 0 ? 0 : -1;
}

static int extract(const struct options *options, const char *id, struct error *error)
{
    char *all = folder_of(options);
    struct extraction x = {.from = xasprintf("%s/%s", all, id), .whole = -1, .error = error};
    struct buffer said = {0};
    char *manifest = xasprintf("%s/manifest.json", x.from);
    int failed = -1;
    if (access(manifest, R_OK) != 0)
        error_set(error, ERROR_INPUT, "%s: %s (no evidence of it is sealed)", manifest,
                  strerror(errno));
    else
        failed = make_folders(options->folder, &x, id) != 0 ||
                 copy(&x, "manifest.json", false) != 0 || copy(&x, "manifest.sig", false) != 0 ||
                 copy_files(&x) != 0;
    if (!failed) { /* the keeper may have sealed in between: then the two do not fit */
        char *head = evidence_live_head(options, x.to);
        if (verify_once(x.to, head, NULL, &said, error) != 0)
            log_warn("what was extracted does not hold: %.*s", (int)said.size,
                     (const char *)said.data);
        printf("%s/%s.pcapng\n%s\n", options->folder, id, x.to);
        free(head);
    }
    if (x.whole >= 0)
        close(x.whole);
    buffer_fini(&said);
    free(manifest);
    free(x.from);
    free(x.to);
    free(all);
    return failed ? -1 : 0;
}

int evidence_live_extract(const struct options *options, const char *incident)
{
    struct error error = {0};
    char *id = whole_id(options, incident, &error);
    bool done = id && extract(options, id, &error) == 0 && error.code == ERROR_NONE;
    free(id);
    return done ? command_print("") : command_fail(&error);
}

/* --- hold, release -----------------------------------------------------------------------------
 */

struct holding {
    const char *id, *by, *reason;
    bool hold;
};

static int ask(const struct options *options, const struct holding *h, struct error *error)
{
    char *socket = api_socket_path(config_state_dir(&options->config)), why[400], *reply = NULL;
    char *target = xasprintf("/v1/evidence/%s/%s", h->id, h->hold ? "hold" : "release");
    struct json *json = json_new();
    int status = 0;
    json_open(json, NULL);
    json_str(json, "by", h->by);
    json_str(json, "reason", h->reason ? h->reason : "");
    json_close(json);
    char *body = json_take_text(json, 0);
    int failed = api_send(socket, "POST", target, body, CALL_MS, &status, &reply, error);
    if (!failed && status != 200) {
        api_error_text(reply, why, sizeof why);
        failed = error_set(error, status == 404 ? ERROR_INPUT : ERROR_RUN, "%s", why);
    }
    json_free(json);
    free(reply);
    free(body);
    free(target);
    free(socket);
    return failed ? -1 : 0;
}

static int append(const struct config *config, const struct holding *h, struct error *error)
{
    char *message =
        xasprintf("%s %s the evidence of incident %s%s%s", h->by, h->hold ? "holds" : "released",
                  h->id, h->reason ? ": " : "", h->reason ? h->reason : "");
    const struct noise_act act = {.action = h->hold ? "evidence.hold" : "evidence.release",
                                  .subject = h->id,
                                  .message = message,
                                  .by = h->by,
                                  .uid = getuid(),
                                  .at = ptime_now(),
                                  .sensor = config->sensor_name};
    int failed = noise_access_note(config, &act, error);
    free(message);
    return failed;
}

/* A hold is there before its record, a release's record before it: none is held or let go that
 * nobody can read of for longer than this takes. */
static int change(const struct options *options, const struct holding *h, struct error *error)
{
    const struct config *config = &options->config;
    const char *folder = config_state_dir(config);
    struct state state = {.lock_fd = -1};
    const struct evidence_hold hold = {h->by, h->reason ? h->reason : "", ptime_now()};
    int failed =
        state_open(&state, config, error) != 0 || sandbox_drop_user(&state.user, error) != 0;
    if (!failed && h->hold)
        failed = evidence_hold(folder, h->id, &hold, error) != 0 || append(config, h, error) != 0;
    else if (!failed)
        failed = evidence_release(folder, h->id, error) != 0 || append(config, h, error) != 0;
    state_close(&state);
    return failed ? -1 : 0;
}

int evidence_live_hold(const struct options *options, const char *incident, const char *by,
                       const char *reason, bool hold)
{
    struct error error = {0};
    char *id = whole_id(options, incident, &error);
    const struct holding h = {id, by ? by : noise_access_author(), reason, hold};
    int failed = !id || (access_runs(&options->config) ? ask(options, &h, &error)
                                                       : change(options, &h, &error)) != 0;
    free(id);
    return failed ? command_fail(&error) : EXIT_DONE;
}
