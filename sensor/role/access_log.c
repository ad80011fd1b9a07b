/* Writing the access log: see weir/role/access_log.h. */
#include "weir/role/access_log.h"

#include "weir/alert/line.h"
#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)16 << 10) /* of ours; escapes make a text longer */
#define LOCK_STEP_MS   10
#define TURN_DAYS      31
#define TURNS          8 /* files a retention is made of, at least */

struct last { /* of what was written */
    uint64_t number;
    char hash[HEX_SIZE(SHA256_SIZE)];
    bool whole; /* it ends with a newline, or there is none */
};

static char *path_of(const char *folder, const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static int fail(struct error *error, const char *path, const char *what)
{
    return error_set(error, ERROR_RUN, "%s: %s: %s", path, what, strerror(errno));
}

/* --- one writer at a time --------------------------------------------------------------------- */

/* What root makes in another's folder is that one's. */
static int own(int fd, const char *folder)
{
    struct stat st, of;
    if (fstat(fd, &st) != 0 || stat(folder, &of) != 0)
        return -1;
    return st.st_uid == of.st_uid ? 0 : fchown(fd, of.st_uid, of.st_gid);
}

static int open_own(const char *folder, const char *path, int flags, mode_t mode)
{
    int fd = open(path, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0 || own(fd, folder) == 0)
        return fd;
    int cause = errno;
    close(fd);
    errno = cause;
    return -1;
}

static int lock(const char *folder, int wait_ms, struct error *error)
{
    char *path = path_of(folder, "access.lock");
    int fd = open_own(folder, path, O_RDWR, 0600);
    bool got = false;
    for (int waited = 0; fd >= 0 && !got; waited += LOCK_STEP_MS) {
        got = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (got || errno != EWOULDBLOCK || waited >= wait_ms)
            break;
        poll(NULL, 0, LOCK_STEP_MS);
    }
    if (!got) {
        fail(error, path, "cannot be taken");
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    free(path);
    return fd;
}

/* --- what is there ---------------------------------------------------------------------------- */

static uint64_t number_of(const char *line, size_t size)
{
    int64_t number;
    struct json_value *value = json_parse(line, size, NULL);
    bool good = json_whole(json_get(value, "n"), &number) && number > 0;
    json_value_free(value);
    return good ? (uint64_t)number : 0;
}

/* Damaged lines count: the number is that of the last whole one, and as many on as there are. */
static void note_last(struct last *last, const char *block, size_t end)
{
    uint8_t hash[SHA256_SIZE];
    uint64_t behind = 0, number = 0;
    for (bool first = true; end > 0 && number == 0; first = false) {
        const char *before = memrchr(block, '\n', end), *line = before ? before + 1 : block;
        size_t size = (size_t)(block + end - line);
        if (first) {
            digest_sha256(line, size, hash);
            hex_text(hash, sizeof hash, last->hash);
        }
        number = number_of(line, size);
        behind += number == 0;
        end = before ? (size_t)(before - block) : 0;
    }
    last->number = number + behind;
}

/* The last line of a file. False: it has none, or cannot be read. */
static bool read_last(int fd, struct last *last)
{
    static char block[4 * LINE_MAX_BYTES];
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size == 0)
        return false;
    off_t from = st.st_size > (off_t)sizeof block ? st.st_size - (off_t)sizeof block : 0;
    ssize_t got = pread(fd, block, sizeof block, from);
    if (got <= 0)
        return false;
    size_t end = (size_t)got;
    last->whole = block[end - 1] == '\n';
    note_last(last, block, end - last->whole);
    return true;
}

static void read_last_of(const char *path, struct last *last)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    read_last(fd, last);
    close(fd);
}

/* The number and the time of a file's first line. */
static bool read_first(int fd, uint64_t *number, struct ptime *at)
{
    static char block[LINE_MAX_BYTES];
    ssize_t got = pread(fd, block, sizeof block, 0);
    const char *end = got > 0 ? memchr(block, '\n', (size_t)got) : NULL;
    struct json_value *value = end ? json_parse(block, (size_t)(end - block), NULL) : NULL;
    int64_t n;
    bool good =
        json_whole(json_get(value, "n"), &n) && n > 0 && ptime_of_iso(line_text(value, "at"), at);
    if (good)
        *number = (uint64_t)n;
    json_value_free(value);
    return good;
}

/* --- turning over, and what goes -------------------------------------------------------------- */

static int64_t now_s(void)
{
    return ptime_now().ns / NS_PER_S;
}

static void turn_over(const char *folder, const char *path, uint32_t keep_days)
{
    uint32_t days = keep_days / TURNS;
    days = days < 1 ? 1 : days > TURN_DAYS ? TURN_DAYS : days;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    uint64_t number = 0;
    struct ptime at = {0};
    if (fd < 0)
        return;
    bool due = fstat(fd, &st) == 0 && read_first(fd, &number, &at) &&
               (st.st_size >= ACCESS_BYTES ||
                now_s() - at.ns / NS_PER_S >= (int64_t)days * (NS_PER_DAY / NS_PER_S));
    close(fd);
    if (!due)
        return;
    char *to = xasprintf("%s/access-%020" PRIu64 ".ndjson", folder, number);
    rename(path, to);
    free(to);
}

static void remove_old(const char *folder, uint32_t keep_days)
{
    struct access_files files = access_files_list(folder);
    struct stat st;
    int64_t oldest = now_s() - (int64_t)keep_days * (NS_PER_DAY / NS_PER_S);
    for (size_t i = 0; i < files.count; i++)
        if (files.count - i > ACCESS_FILES ||
            (stat(files.path[i], &st) == 0 && st.st_mtime < oldest))
            unlink(files.path[i]);
    access_files_free(&files);
}

void access_log_keep(const char *folder, uint32_t keep_days)
{
    struct error ignored = {0};
    struct stat st;
    char *path = path_of(folder, "access.ndjson");
    int guard = stat(path, &st) == 0 ? lock(folder, 0, &ignored) : -1;
    if (guard >= 0) {
        turn_over(folder, path, keep_days);
        remove_old(folder, keep_days);
        close(guard);
    }
    free(path);
}

/* --- one line --------------------------------------------------------------------------------- */

static void put_cut(struct json *json, const char *key, const char *text)
{
    char *cut = text ? line_cut(text, ACCESS_TEXT) : NULL;
    if (cut)
        json_str(json, key, cut);
    free(cut);
}

static char *line_of(const struct access_look *look, const struct last *last)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_uint(json, "n", last->number + 1);
    json_time(json, "at", look->at);
    put_cut(json, "by", look->by);
    put_cut(json, "account", look->account);
    if (look->uid >= 0)
        json_int(json, "uid", look->uid);
    json_str(json, "via", look->via);
    put_cut(json, "verb", look->verb);
    put_cut(json, "what", look->what);
    put_cut(json, "reason", look->reason);
    json_str(json, "before", last->hash);
    json_close(json);
    char *text = json_take_text(json, 0);
    json_free(json);
    return text;
}

static int append(const char *folder, const char *path, const struct access_look *look,
                  uint64_t *number, struct error *error)
{
    struct last last = {.whole = true};
    memset(last.hash, '0', sizeof last.hash - 1);
    int fd = open_own(folder, path, O_RDWR | O_APPEND, 0640);
    if (fd < 0)
        return fail(error, path, "the access log");
    if (!read_last(fd, &last)) {
        struct access_files files = access_files_list(folder);
        if (files.count > 0)
            read_last_of(files.path[files.count - 1], &last);
        access_files_free(&files);
        last.whole = true;
    }
    char *line = line_of(look, &last);
    char *whole = xasprintf("%s%s\n", last.whole ? "" : "\n", line);
    ssize_t size = (ssize_t)strlen(whole);
    int failed = write(fd, whole, (size_t)size) == size && fsync(fd) == 0
                     ? 0
                     : fail(error, path, "the access log cannot be written");
    *number = last.number + 1;
    free(whole);
    free(line);
    close(fd);
    return failed;
}

int access_log_put(const char *folder, uint32_t keep_days, int wait_ms,
                   const struct access_look *look, uint64_t *number, struct error *error)
{
    int guard = lock(folder, wait_ms, error);
    if (guard < 0)
        return -1;
    char *path = path_of(folder, "access.ndjson");
    turn_over(folder, path, keep_days);
    remove_old(folder, keep_days);
    int failed = append(folder, path, look, number, error);
    free(path);
    close(guard);
    return failed;
}
