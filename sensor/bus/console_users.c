/* See console_users.h. The file is replaced by rename, so that a sensor that reads it meanwhile has
 * the one or the other. */
#include "weir/bus/console_users.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES ((size_t)128 << 10)

const char *const console_role_name[CONSOLE_ROLES] = {"viewer", "analyst"};

int console_role_find(const char *name)
{
    for (int i = 0; i < CONSOLE_ROLES; i++)
        if (strcmp(console_role_name[i], name) == 0)
            return i;
    return -1;
}

void console_users_fini(struct console_users *users)
{
    free(users->user);
    *users = (struct console_users){.user = NULL};
}

struct console_user *console_users_find(const struct console_users *users, const char *name)
{
    for (size_t i = 0; i < users->count; i++)
        if (strcmp(users->user[i].name, name) == 0)
            return &users->user[i];
    return NULL;
}

static bool is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-@";
    size_t size = strlen(text);
    return size > 0 && size < CONSOLE_NAME && strspn(text, letters) == size;
}

int console_users_put(struct console_users *users, const struct console_user *user,
                      struct error *error)
{
    struct console_user *old = console_users_find(users, user->name);
    if (!is_name(user->name))
        return error_set(error, ERROR_USAGE,
                         "\"%.40s\": expected a name of 1 to %d letters, digits and . _ - @",
                         user->name, CONSOLE_NAME - 1);
    if (!old && users->count == CONSOLE_USERS)
        return error_set(error, ERROR_USAGE, "expected at most %d users", CONSOLE_USERS);
    if (!old) {
        users->user = xrealloc(users->user, (users->count + 1) * sizeof *users->user);
        old = &users->user[users->count++];
    }
    *old = *user;
    return 0;
}

bool console_users_remove(struct console_users *users, const char *name)
{
    struct console_user *user = console_users_find(users, name);
    if (!user)
        return false;
    size_t behind = users->count - 1 - (size_t)(user - users->user);
    memmove(user, user + 1, behind * sizeof *user);
    users->count--;
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Cuts the line at its colons. −1: `what` was expected. */
static int read_line(char *line, struct console_user *user, const char **what)
{
    char *role = strchr(line, ':'), *hash = role ? strchr(role + 1, ':') : NULL;
    *what = "expected NAME:ROLE:HASH";
    if (!hash || strlen(hash + 1) >= sizeof user->stored)
        return -1;
    *role++ = *hash++ = '\0';
    *what = "expected a name of letters, digits and . _ - @";
    if (!is_name(line))
        return -1;
    *what = "expected viewer or analyst";
    int of = console_role_find(role);
    if (of < 0)
        return -1;
    *what = "expected a hash as `weir console user add` makes it";
    if (!password_is_stored(hash))
        return -1;
    *user = (struct console_user){.role = (enum console_role)of};
    memcpy(user->name, line, strlen(line) + 1); /* is_name, and the length of the hash, said so */
    memcpy(user->stored, hash, strlen(hash) + 1);
    return 0;
}

static int take_line(struct console_users *users, const char *name, unsigned number, char *line,
                     struct error *error)
{
    struct console_user user;
    const char *what;
    struct error why = {0};
    if (*line == '\0' || *line == '#')
        return 0;
    if (read_line(line, &user, &what) != 0)
        return error_set(error, ERROR_USAGE, "%s:%u: %s", name, number, what);
    if (console_users_find(users, user.name))
        return error_set(error, ERROR_USAGE, "%s:%u: %s: is there already", name, number,
                         user.name);
    if (console_users_put(users, &user, &why) != 0)
        return error_set(error, ERROR_USAGE, "%s:%u: %s", name, number, why.message);
    return 0;
}

int console_users_parse(struct console_users *users, const char *name, const char *text,
                        size_t size, struct error *error)
{
    char line[256];
    unsigned number = 0;
    int failed = 0;
    *users = (struct console_users){.user = NULL};
    for (const char *at = text, *end = text + size; at < end && !failed; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop ? stop : end) - at);
        if (length >= sizeof line || memchr(at, '\0', length))
            failed =
                error_set(error, ERROR_USAGE, "%s:%u: expected NAME:ROLE:HASH", name, number + 1);
        else {
            memcpy(line, at, length);
            line[length] = '\0';
            failed = take_line(users, name, number + 1, line, error);
        }
        at = stop ? stop + 1 : end;
    }
    if (failed)
        console_users_fini(users);
    return failed;
}

int console_users_read(struct console_users *users, const char *path, struct error *error)
{
    *users = (struct console_users){.user = NULL};
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(error, ERROR_USAGE, "%s: %s", path, strerror(errno));
    char *text = xcalloc(1, FILE_BYTES + 1);
    size_t size = fread(text, 1, FILE_BYTES + 1, file);
    int failed = ferror(file) ? error_set(error, ERROR_RUN, "%s: cannot be read", path)
                 : size > FILE_BYTES
                     ? error_set(error, ERROR_USAGE, "%s: is larger than a file of %d users", path,
                                 CONSOLE_USERS)
                     : console_users_parse(users, path, text, size, error);
    free(text);
    fclose(file);
    return failed;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The sensor may be another user than whoever runs the command. */
static int keep_owner(int fd, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return 0;
    return fchown(fd, st.st_uid, st.st_gid);
}

static int write_all(int fd, const struct console_users *users)
{
    struct buffer out = {0};
    buffer_text(&out, "# weir console user: NAME:ROLE:HASH\n");
    for (size_t i = 0; i < users->count; i++)
        buffer_text(&out, "%s:%s:%s\n", users->user[i].name, console_role_name[users->user[i].role],
                    users->user[i].stored);
    ssize_t wrote = write(fd, out.data, out.size);
    int failed = wrote != (ssize_t)out.size || fsync(fd) != 0;
    buffer_fini(&out);
    return failed ? -1 : 0;
}

int console_users_lock(const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    char *folder = xasprintf("%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        error_set(error, ERROR_RUN, "%s: %s", folder,
                  errno == EWOULDBLOCK ? "somebody else changes its users now, try again later"
                                       : strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    free(folder);
    return fd;
}

int console_users_write(const struct console_users *users, const char *path, struct error *error)
{
    char *other = xasprintf("%s.XXXXXX", path);
    int fd = mkostemp(other, O_CLOEXEC); /* 0600, and nobody else's */
    int failed = fd < 0 || keep_owner(fd, path) != 0 || write_all(fd, users) != 0 ||
                 rename(other, path) != 0;
    if (failed)
        error_set(error, ERROR_RUN, "%s: cannot be written: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (failed && fd >= 0)
        unlink(other);
    free(other);
    return failed ? -1 : 0;
}
