/* See evidence_forget.h. A folder that goes is renamed first: who holds it afterwards does not find
 * it, and who did just before is seen by his hold.json in it. */
#include "evidence_forget.h"

#include "api_client.h"
#include "noise_access.h"
#include "words.h"

#include "weir/alert/line.h"
#include "weir/alert/pseudonym.h"
#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/investigate/keeper.h"
#include "weir/role/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX   ((off_t)64 << 20)
#define WALK_FILES 16
#define CALL_MS    5000

static const char going[] = ".forgetting-";

/* --- what a folder says ------------------------------------------------------------------------
 */

/* The whole of "FOLDER/NAME/FILE"; NULL and errno (EFBIG: too large). */
static char *read_file(const char *folder, const char *name, const char *file, size_t *size)
{
    char *path = xasprintf("%s/%s/%s", folder, name, file), *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    free(path);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
        errno = EFBIG;
    } else {
        text = xcalloc(1, (size_t)st.st_size + 1);
        ssize_t got = read(fd, text, (size_t)st.st_size);
        *size = got > 0 ? (size_t)got : 0;
    }
    int cause = errno;
    close(fd);
    errno = cause;
    return text;
}

struct naming {
    const struct ip *host;
    bool named;
};

static void on_address(void *context, const struct ip *ip)
{
    struct naming *naming = context;
    naming->named |= ip_compare(ip, naming->host) == 0;
}

static bool names(const char *text, size_t size, const struct ip *host)
{
    struct naming naming = {.host = host};
    pseudonyms_each(text, size, on_address, &naming);
    return naming.named;
}

static void keep(struct evidence_forget *found, const char *name, const char *text, size_t size)
{
    struct json_value *hold = json_parse(text, size, NULL);
    found->kept = xrealloc(found->kept, (found->kept_count + 1) * sizeof *found->kept);
    found->kept[found->kept_count++] =
        (struct evidence_kept){.incident = xstrdup(name),
                               .by = xstrdup(hold ? line_text(hold, "by") : "?"),
                               .reason = xstrdup(hold ? line_text(hold, "reason") : "not readable"),
                               .at = xstrdup(hold ? line_text(hold, "at") : "?")};
    json_value_free(hold);
}

static void look_at(struct evidence_forget *found, const char *name, const struct ip *host)
{
    size_t size = 0, hold_size = 0;
    char *manifest = read_file(found->folder, name, "manifest.json", &size);
    bool says = manifest && size > 0;
    char *hold = read_file(found->folder, name, "hold.json", &hold_size);
    bool held = hold || errno != ENOENT;
    bool named = (says && names(manifest, size, host)) || (hold && names(hold, hold_size, host));
    if (held && named) {
        keep(found, name, hold ? hold : "", hold_size);
    } else if (named) {
        found->gone = xrealloc(found->gone, (found->gone_count + 1) * sizeof *found->gone);
        found->gone[found->gone_count++] = xstrdup(name);
    } else if (!says) {
        found->unclear++;
    }
    free(manifest);
    free(hold);
}

void evidence_forget_look(const char *state_dir, const struct ip *host,
                          struct evidence_forget *found)
{
    struct stat st;
    char *ring = xasprintf("%s/evidence-ring", state_dir);
    *found = (struct evidence_forget){.folder = xasprintf("%s/evidence", state_dir),
                                      .ring = stat(ring, &st) == 0};
    free(ring);
    DIR *folder = opendir(found->folder);
    size_t seen = 0;
    for (const struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        bool is_folder = fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                         S_ISDIR(st.st_mode);
        if (!is_folder || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (++seen > EVIDENCE_FORGET_MAX)
            found->unclear++;
        else
            look_at(found, entry->d_name, host);
    }
    if (folder)
        closedir(folder);
}

/* --- removing ----------------------------------------------------------------------------------
 */

static int on_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* 0: gone; 1: it was put under hold; −1 and errno. */
static int remove_one(struct evidence_forget *found, const char *name)
{
    char *from = xasprintf("%s/%s", found->folder, name);
    char *to = xasprintf("%s/%s%s", found->folder, going, name), *hold;
    size_t size = 0;
    char *aside = xasprintf("%s%s", going, name);
    int result = rename(from, to) == 0 ? 0 : -1;
    if (result == 0 && (hold = read_file(found->folder, aside, "hold.json", &size)) != NULL) {
        keep(found, name, hold, size);
        free(hold);
        result = rename(to, from) == 0 ? 1 : -1;
    } else if (result == 0) {
        result = nftw(to, on_file, WALK_FILES, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -1;
    }
    int cause = errno;
    free(aside);
    free(from);
    free(to);
    errno = cause;
    return result;
}

/* --- what the journal says of it ---------------------------------------------------------------
 */

/* `host`: NULL: it is not asked for. */
static int ask(const struct config *config, const char *target, const char *host,
               struct error *error)
{
    char *socket = api_socket_path(config_state_dir(config)), why[400], *reply = NULL;
    struct json *json = json_new();
    int status = 0;
    json_open(json, NULL);
    json_str(json, "by", noise_access_author());
    if (host)
        json_str(json, "host", host);
    json_close(json);
    char *body = json_take_text(json, 0);
    int failed = api_send(socket, "POST", target, body, CALL_MS, &status, &reply, error);
    if (!failed && status != 200 && status != 202) {
        api_error_text(reply, why, sizeof why);
        failed = error_set(error, ERROR_RUN, "%s", why);
    }
    json_free(json);
    free(reply);
    free(body);
    free(socket);
    return failed;
}

static int append(const struct evidence_forget_note *note, const char *incident,
                  struct error *error)
{
    const struct noise_act act = {.action = "evidence.remove",
                                  .subject = incident,
                                  .message = evidence_forgotten,
                                  .by = noise_access_author(),
                                  .uid = getuid(),
                                  .at = ptime_now(),
                                  .sensor = note->config->sensor_name};
    struct state state = {.lock_fd = -1};
    int failed = (!note->locked && state_open(&state, note->config, error) != 0) ||
                 noise_access_note(note->config, &act, error) != 0;
    state_close(&state);
    return failed ? -1 : 0;
}

/* One that a forgetting before this one left half removed has its name behind that word. */
static int tell(const struct evidence_forget_note *note, const char *name, struct error *error)
{
    while (strncmp(name, going, sizeof going - 1) == 0)
        name += sizeof going - 1;
    if (!evidence_is_incident(name))
        return 0;
    if (!note->running)
        return append(note, name, error);
    char *target = xasprintf("/v1/evidence/%s/forgotten", name);
    int failed = ask(note->config, target, NULL, error);
    free(target);
    return failed;
}

/* --- what is held ------------------------------------------------------------------------------
 */

/* All of them, also when one cannot be. */
static int forget_files(const struct config *config, const struct ip *host,
                        struct held_forgotten *held, struct error *error)
{
    char *folder = xasprintf("%s/evidence-ring", config_state_dir(config));
    DIR *dir = opendir(folder);
    int failed = dir ? 0 : error_set(error, ERROR_RUN, "%s: %s", folder, strerror(errno));
    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        struct error why = {0};
        if (strncmp(entry->d_name, "worker-", 7) != 0)
            continue;
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        if (evidence_ring_forget_file(path, config->evidence.segment_mib << 20, host, held, &why) !=
                0 &&
            !failed) {
            *error = why;
            failed = -1;
        }
        free(path);
    }
    if (dir)
        closedir(dir);
    free(folder);
    return failed;
}

int evidence_forget_held(struct evidence_forget *found, const struct evidence_forget_note *note,
                         const struct ip *host, struct error *error)
{
    char text[IP_TEXT_SIZE];
    struct state state = {.lock_fd = -1};
    if (!found->ring)
        return 0;
    int failed;
    if (note->running)
        failed = ask(note->config, "/v1/evidence-ring/forget", ip_text(host, text), error);
    else
        failed = (!note->locked && state_open(&state, note->config, error) != 0) ||
                 forget_files(note->config, host, &found->held, error) != 0;
    state_close(&state);
    found->asked = !failed && note->running;
    found->emptied = !failed && !note->running;
    return failed ? -1 : 0;
}

/* --- all of it ---------------------------------------------------------------------------------
 */

int evidence_forget_remove(struct evidence_forget *found, const struct evidence_forget_note *note,
                           struct error *error)
{
    int failed = 0;
    for (size_t i = 0; i < found->gone_count; i++) {
        struct error why = {0};
        int result = remove_one(found, found->gone[i]);
        if (result < 0 && !failed)
            failed = error_set(error, ERROR_RUN,
                               "forgotten, but evidence of it cannot be removed: %s/%s: %s",
                               found->folder, found->gone[i], strerror(errno));
        found->removed += result == 0;
        if (result == 0 && tell(note, found->gone[i], &why) != 0 && !failed)
            failed = error_set(error, ERROR_RUN,
                               "forgotten, but the journal does not say that evidence of incident "
                               "%s is gone: %s",
                               found->gone[i], why.message);
    }
    return failed;
}

void evidence_forget_fini(struct evidence_forget *found)
{
    for (size_t i = 0; i < found->kept_count; i++) {
        free(found->kept[i].incident);
        free(found->kept[i].by);
        free(found->kept[i].reason);
        free(found->kept[i].at);
    }
    for (size_t i = 0; i < found->gone_count; i++)
        free(found->gone[i]);
    free(found->kept);
    free(found->gone);
    free(found->folder);
    *found = (struct evidence_forget){.folder = NULL};
}
