/* See state.h. Thread: the main thread. */
#include "weir/role/state.h"

#include "weir/base/buffer.h"
#include "weir/base/folder.h"
#include "weir/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_SIZE       32
#define LOCK_NS        (3 * NS_PER_S)
#define LOCK_STEP_MS   20
#define VERSION_SIZE   16 /* of its text */
#define VERSION_DIGITS 9  /* more is more than any Weir's */

/* Whoever starts us as root need not name a user to be safe. */
static const char *user_of(const struct config *config)
{
    if (*config->user || geteuid() != 0)
        return config->user;
    return getpwnam("weir") ? "weir" : "nobody";
}

int state_find_user(const struct config *config, struct sandbox_user *user, struct error *error)
{
    return sandbox_find_user(user_of(config), user, error);
}

int state_make_folder(const struct state *state, const char *path, struct error *error)
{
    bool made = mkdir(path, 0750) == 0;
    if (!made && errno != EEXIST)
        return error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    return made ? state_own_folder(state, path, error) : 0;
}

int state_own_folder(const struct state *state, const char *path, struct error *error)
{
    if (mkdir(path, 0750) != 0 && errno != EEXIST)
        return error_set(error, ERROR_RUN, "%s: %s (sensor.state_dir says where state is kept)",
                         path, strerror(errno));
    if (state->user.change && chown(path, state->user.uid, state->user.gid) != 0)
        return error_set(error, ERROR_RUN, "%s: cannot be given to user %s: %s", path,
                         state->user_name, strerror(errno));
    return 0;
}

/* Somebody may have it for a moment: `weir baseline` looks whether a sensor runs, or had started
 * the private server itself. A sensor that runs keeps it: then this says so a little later. */
static bool lock_soon(int fd)
{
    int64_t end = wtime_now().ns + LOCK_NS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || wtime_now().ns > end)
            return false;
        poll(NULL, 0, LOCK_STEP_MS);
    }
    return true;
}

static int take_lock(struct state *state, struct error *error)
{
    char *path = xasprintf("%s/lock", state->folder);
    int failed = 0;
    state->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (state->lock_fd < 0)
        failed = error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    else if (!lock_soon(state->lock_fd))
        failed = error_set(error, ERROR_RUN,
                           "%s: another sensor runs there; give this one its own sensor.state_dir",
                           path);
    free(path);
    return failed;
}

/* What commands made before there was a sensor, as whoever they were. */
static int own_files(const struct state *state, struct error *error)
{
    static const char *const name[] = {"access.lock", "access.ndjson", "pseudonym.key",
                                       "state.version"};
    for (size_t i = 0; state->user.change && i < sizeof name / sizeof *name; i++) {
        char *path = xasprintf("%s/%s", state->folder, name[i]);
        int failed =
            fchownat(AT_FDCWD, path, state->user.uid, state->user.gid, AT_SYMLINK_NOFOLLOW) != 0 &&
                    errno != ENOENT
                ? error_set(error, ERROR_RUN, "%s: cannot be given to user %s: %s", path,
                            state->user_name, strerror(errno))
                : 0;
        free(path);
        if (failed)
            return -1;
    }
    return 0;
}

/* --- state.version -----------------------------------------------------------------------------
 */

/* As much of it as could be a version. "": there is none, or an empty one, as it is when the power
 * went before it was on the disk. Whatever else lies there says nothing about the directory. */
static int read_version(const char *path, char text[VERSION_SIZE], struct error *error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), failed = 0;
    text[0] = '\0';
    if (fd < 0 && errno == ENOENT)
        return 0;
    if ((fd < 0 && (errno == ELOOP || errno == ENXIO)) ||
        (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))) {
        failed = error_set(error, ERROR_USAGE, "%s: is no regular file", path);
    } else {
        ssize_t got = fd < 0 ? -1 : read(fd, text, VERSION_SIZE - 1);
        if (got < 0)
            failed = error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
        text[got > 0 ? got : 0] = '\0';
    }
    if (fd >= 0)
        close(fd);
    return failed;
}

/* *found 0: there is none: an older Weir was here, or nobody. */
static int check_version_of(const char *path, unsigned *found, struct error *error)
{
    char text[VERSION_SIZE];
    if (read_version(path, text, error) != 0)
        return -1;
    size_t size = strspn(text, "0123456789");
    *found = size <= VERSION_DIGITS ? (unsigned)strtoul(text, NULL, 10) : UINT_MAX;
    if (*text && (*found == 0 || (text[size] && text[size] != '\n')))
        return error_set(error, ERROR_USAGE,
                         "%s: holds no version, expected a number (or no such file)", path);
    if (*found > STATE_VERSION)
        return error_set(error, ERROR_USAGE,
                         "%s: version %.*s, this is Weir %s, which knows up to %d: install the one "
                         "that wrote it, or name another sensor.state_dir",
                         path, (int)size, text, WEIR_VERSION, STATE_VERSION);
    return 0;
}

/* Before anything else of the directory is looked at. */
static int check_version(const struct state *state, struct error *error)
{
    unsigned found;
    char *path = xasprintf("%s/state.version", state->folder);
    int failed = check_version_of(path, &found, error);
    free(path);
    return failed;
}

/* Readable for whatever user the sensor runs as the next time. */
static int put_version(const char *folder, const char *path, const char *beside)
{
    char text[VERSION_SIZE];
    int size = snprintf(text, sizeof text, "%d\n", STATE_VERSION);
    if (unlink(beside) != 0 && errno != ENOENT)
        return -1;
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    int failed = fd < 0 || write(fd, text, (size_t)size) != size || fchmod(fd, 0644) != 0 ||
                 fsync(fd) != 0 || rename(beside, path) != 0 || folder_sync(folder) != 0;
    int cause = errno;
    if (fd >= 0)
        close(fd);
    errno = cause;
    return failed ? -1 : 0;
}

/* The lock is held: what was looked at before may be another's by now. */
static int write_version(const struct state *state, struct error *error)
{
    unsigned found;
    char *path = xasprintf("%s/state.version", state->folder), *beside = xasprintf("%s.new", path);
    int failed = check_version_of(path, &found, error);
    if (!failed && found == 0 && put_version(state->folder, path, beside) != 0)
        failed = error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    free(beside);
    free(path);
    return failed;
}

/* --- keys ------------------------------------------------------------------------------------- */

static bool read_key(const char *path, uint8_t key[KEY_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool there = fd >= 0 && read(fd, key, KEY_SIZE) == KEY_SIZE;
    if (fd >= 0)
        close(fd);
    return there;
}

static int make_key(const char *path, uint8_t key[KEY_SIZE], struct error *error)
{
    int failed = 0, fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || getrandom(key, KEY_SIZE, 0) != KEY_SIZE || write(fd, key, KEY_SIZE) != KEY_SIZE ||
        fsync(fd) != 0)
        failed = error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return failed;
}

static int load_key(struct state *state, struct error *error)
{
    uint8_t key[KEY_SIZE] = {0};
    char *path = xasprintf("%s/site.key", state->folder);
    int failed = read_key(path, key) ? 0 : make_key(path, key, error);
    hash_key_init(&state->key, key, sizeof key);
    free(path);
    return failed;
}

int state_read_key(const struct config *config, struct hash_key *key, struct error *error)
{
    uint8_t bytes[KEY_SIZE] = {0};
    char *path = xasprintf("%s/site.key", config_state_dir(config));
    int failed = 0;
    if (read_key(path, bytes))
        hash_key_init(key, bytes, sizeof bytes);
    else
        failed = error_set(error, ERROR_RUN, "%s: the site's key cannot be read: %s", path,
                           strerror(errno));
    free(path);
    return failed;
}

static bool read_instance(const char *path, char text[STATE_INSTANCE_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, STATE_INSTANCE_SIZE - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    return strspn(text, "0123456789abcdef") == STATE_INSTANCE_SIZE - 1;
}

/* Readable for whatever user the sensor runs as the next time; it is no secret. */
static int make_instance(const char *path, char text[STATE_INSTANCE_SIZE])
{
    uint8_t random[(STATE_INSTANCE_SIZE - 1) / 2];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return -1;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(text + 2 * i, 3, "%02x", random[i]);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int failed = fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
                 fchmod(fd, 0644) != 0 || fsync(fd) != 0;
    int cause = errno;
    if (fd >= 0)
        close(fd);
    errno = cause;
    return failed ? -1 : 0;
}

int state_instance(const char *folder, char text[STATE_INSTANCE_SIZE], struct error *error)
{
    char *path = xasprintf("%s/sensor.id", folder);
    int failed = 0;
    if (!read_instance(path, text) && make_instance(path, text) != 0)
        failed = error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    free(path);
    return failed;
}

int state_open(struct state *state, const struct config *config, struct error *error)
{
    *state = (struct state){
        .folder = xstrdup(config_state_dir(config)), .user_name = user_of(config), .lock_fd = -1};
    if (state_find_user(config, &state->user, error) != 0)
        return -1;
    umask(0027);
    char *crash = xasprintf("%s/crash", state->folder);
    int failed = check_version(state, error) != 0 ||
                 state_own_folder(state, state->folder, error) != 0 ||
                 take_lock(state, error) != 0 || own_files(state, error) != 0 ||
                 write_version(state, error) != 0 || load_key(state, error) != 0 ||
                 state_own_folder(state, crash, error) != 0;
    free(crash);
    if (!failed && strcmp(config->redis_url, "embedded") == 0) {
        state->redis = xasprintf("%s/redis", state->folder);
        failed = state_own_folder(state, state->redis, error);
    }
    return failed ? -1 : 0;
}

void state_close(struct state *state)
{
    if (state->folder && state->lock_fd >= 0)
        close(state->lock_fd);
    free(state->folder);
    free(state->redis);
    *state = (struct state){.lock_fd = -1};
}
