/* See weir/config/bundle_folder.h. */
#include "weir/config/bundle_folder.h"

#include "weir/base/folder.h"
#include "weir/base/time.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define WALK_FILES   16
#define LOCK_NS      (3 * NS_PER_S)
#define LOCK_STEP_MS 20
#define DIGEST_HEAD  16 /* digits of a digest in a folder's name */
#define NAME_ROOM    40

static const char fresh[] = "new", manifest[] = "MANIFEST", former_file[] = "FORMER";

char *bundle_folder_path(const struct bundle_folder *folder, const char *name)
{
    return xasprintf("%s/%s", folder->path, name);
}

static char *name_of(const struct bundle *bundle)
{
    return xasprintf("%u-%.*s", bundle->version, DIGEST_HEAD, bundle->digest);
}

/* As name_of makes them. */
static bool is_name(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && text[digits] == '-' && strlen(text + digits + 1) == DIGEST_HEAD &&
           strspn(text + digits + 1, "0123456789abcdef") == DIGEST_HEAD;
}

/* --- looking ---------------------------------------------------------------------------------- */

/* A small file of ours, as text; NULL: it cannot be read. */
static char *read_small(const char *folder, const char *name, size_t most, size_t *size)
{
    char *path = xasprintf("%s/%s", folder, name), *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0) {
        text = xcalloc(1, most + 1);
        ssize_t got = read(fd, text, most);
        *size = got > 0 ? (size_t)got : 0;
        close(fd);
    }
    free(path);
    return text;
}

/* The head of the bundle in FOLDER/NAME; NULL: it is none. */
static struct bundle *look_at(const struct bundle_folder *folder, const char *name)
{
    struct error ignored = {0};
    size_t size = 0;
    char *path = bundle_folder_path(folder, name);
    char *text = read_small(path, manifest, BUNDLE_MANIFEST + 1024, &size);
    struct bundle *bundle = text ? xcalloc(1, sizeof *bundle) : NULL;
    if (bundle && bundle_read_head(bundle, path, text, size, &ignored) != 0) {
        free(bundle);
        bundle = NULL;
    }
    free(text);
    free(path);
    return bundle;
}

static char *former_of(const struct bundle_folder *folder, const char *name)
{
    size_t size = 0;
    char *path = bundle_folder_path(folder, name);
    char *text = read_small(path, former_file, NAME_ROOM, &size);
    free(path);
    if (text && is_name(text))
        return text;
    free(text);
    return NULL;
}

static void look(struct bundle_folder *folder)
{
    char target[NAME_ROOM + 1] = "", *link = bundle_folder_path(folder, "current");
    ssize_t size = readlink(link, target, NAME_ROOM);
    folder->damaged = size >= 0 || errno != ENOENT;
    free(link);
    if (size <= 0 || !is_name(target))
        return;
    folder->current = xstrdup(target);
    folder->holds = look_at(folder, target);
    folder->damaged = !folder->holds;
    folder->former = former_of(folder, target);
    folder->held = folder->former ? look_at(folder, folder->former) : NULL;
    if (!folder->held) {
        free(folder->former);
        folder->former = NULL;
    }
}

static void forget(struct bundle_folder *folder)
{
    free(folder->current);
    free(folder->former);
    free(folder->holds);
    free(folder->held);
    folder->current = folder->former = NULL;
    folder->holds = folder->held = NULL;
}

/* One that was ended may still be writing to the journal. */
static bool lock_soon(int fd)
{
    int64_t end_ns = wtime_now().ns + LOCK_NS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || wtime_now().ns > end_ns)
            return false;
        poll(NULL, 0, LOCK_STEP_MS);
    }
    return true;
}

static int lock(struct bundle_folder *folder, struct error *error)
{
    char *path = bundle_folder_path(folder, "lock");
    int failed = 0;
    folder->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (folder->lock_fd < 0)
        failed = error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    else if (!lock_soon(folder->lock_fd))
        failed =
            error_set(error, ERROR_RUN, "%s: another one is being installed there", folder->path);
    free(path);
    return failed;
}

struct writing {
    char *path;     /* FOLDER/new */
    struct stat as; /* of FOLDER: what is in it is read by whom it is */
};

/* An owner who cannot be given it is no mistake: then who writes is no root. */
static void open_to_readers(int fd, const struct writing *w, mode_t bits)
{
    if (fchown(fd, (uid_t)-1, w->as.st_gid) != 0)
        errno = 0;
    if (fchmod(fd, (w->as.st_mode & 0755 & bits) | S_IWUSR) != 0)
        errno = 0;
}

/* Made beside it, as readable as the folder it is in, before it has its name: the sensor's user
 * reads below it, and one that he cannot read is never there. What an end in between left is used.
 */
static int make_beside(const char *path, const char *beside)
{
    struct writing w = {.path = NULL};
    char *copy = xstrdup(path);
    int fd = -1, failed = stat(dirname(copy), &w.as) != 0 ||
                          (mkdir(beside, 0700) != 0 && errno != EEXIST) ||
                          (fd = open(beside, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) < 0;
    if (!failed)
        open_to_readers(fd, &w, 0755);
    failed = failed || rename(beside, path) != 0;
    int cause = errno;
    if (fd >= 0)
        close(fd);
    free(copy);
    errno = cause;
    return failed ? -1 : 0;
}

static int make(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return 0;
    char *beside = xasprintf("%s.new", path);
    int failed = make_beside(path, beside) != 0, cause = errno;
    free(beside);
    errno = cause;
    if (!failed)
        return folder_sync_of(path);
    if (stat(path, &st) == 0) /* somebody else's, by now */
        return 0;
    errno = cause;
    return -1;
}

int bundle_folder_open(struct bundle_folder *folder, const char *path, bool changes,
                       struct error *error)
{
    *folder = (struct bundle_folder){.path = xstrdup(path), .lock_fd = -1};
    if (changes && make(path) != 0)
        return error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    if (changes && lock(folder, error) != 0)
        return -1;
    look(folder);
    return 0;
}

void bundle_folder_close(struct bundle_folder *folder)
{
    forget(folder);
    free(folder->path);
    if (folder->lock_fd >= 0)
        close(folder->lock_fd);
    *folder = (struct bundle_folder){.lock_fd = -1};
}

/* --- writing ---------------------------------------------------------------------------------- */

static int on_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* With all that is in it; a link is removed, not followed. */
static int remove_tree(const struct bundle_folder *folder, const char *name)
{
    char *path = bundle_folder_path(folder, name);
    int failed = nftw(path, on_file, WALK_FILES, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT;
    int cause = errno;
    free(path);
    errno = cause;
    return failed ? -1 : 0;
}

static int make_folder(const struct writing *w, const char *path)
{
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? 0 : -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    open_to_readers(fd, w, 0755);
    close(fd);
    return 0;
}

static int put(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, data, size);
        if (wrote < 0 && errno != EINTR)
            return -1;
        data += wrote > 0 ? wrote : 0;
        size -= wrote > 0 ? (size_t)wrote : 0;
    }
    return fsync(fd);
}

static int write_file(const struct writing *w, const char *name, const void *data, size_t size)
{
    char *path = xasprintf("%s/%s", w->path, name), *slash = strrchr(path, '/');
    int failed = 0;
    if (strchr(name, '/')) {
        *slash = '\0';
        failed = make_folder(w, path);
        *slash = '/';
    }
    int fd = failed ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        open_to_readers(fd, w, 0644);
    failed = fd < 0 || put(fd, data, size) != 0;
    int cause = errno;
    if (fd >= 0 && close(fd) != 0)
        failed = 1;
    if (!failed && strchr(name, '/') && folder_sync_of(path) != 0)
        failed = 1;
    free(path);
    errno = cause;
    return failed ? -1 : 0;
}

/* Put in once more, it keeps the one before it. */
static const char *former_to_be(const struct bundle_folder *folder, const struct bundle *bundle)
{
    char *name = name_of(bundle);
    bool again = folder->current && strcmp(folder->current, name) == 0;
    const char *former = again ? folder->former : folder->current;
    free(name);
    return former ? former : "";
}

static int write_all(const struct writing *w, const struct bundle_folder *folder,
                     const struct bundle *bundle, const void *head)
{
    const char *before = former_to_be(folder, bundle);
    for (size_t i = 0; i < bundle->count; i++)
        if (write_file(w, bundle->file[i].path, bundle->file[i].data, bundle->file[i].size) != 0)
            return -1;
    if (write_file(w, former_file, before, strlen(before)) != 0 ||
        write_file(w, manifest, head, bundle->head_size) != 0)
        return -1;
    return folder_sync(w->path);
}

int bundle_folder_write(struct bundle_folder *folder, const struct bundle *bundle, const void *head,
                        struct error *error)
{
    struct writing w = {.path = bundle_folder_path(folder, fresh)};
    int failed = stat(folder->path, &w.as) != 0 || remove_tree(folder, fresh) != 0 ||
                 make_folder(&w, w.path) != 0 || write_all(&w, folder, bundle, head) != 0;
    if (failed)
        error_set(error, ERROR_RUN, "%s: %s", w.path, strerror(errno));
    free(w.path);
    if (failed)
        bundle_folder_drop(folder);
    return failed ? -1 : 0;
}

void bundle_folder_drop(const struct bundle_folder *folder)
{
    remove_tree(folder, fresh);
}

/* --- which one holds ---------------------------------------------------------------------------
 */

static int point_to(const struct bundle_folder *folder, const char *name)
{
    char *link = bundle_folder_path(folder, "current"), *beside = xasprintf("%s.new", link);
    int failed = unlink(beside) != 0 && errno != ENOENT;
    if (!failed && name)
        failed = symlink(name, beside) != 0 || rename(beside, link) != 0;
    else if (!failed)
        failed = unlink(link) != 0;
    failed = failed || folder_sync(folder->path) != 0;
    int cause = errno;
    free(beside);
    free(link);
    errno = cause;
    return failed ? -1 : 0;
}

int bundle_folder_point(struct bundle_folder *folder, const char *name, struct error *error)
{
    char *target = name ? xstrdup(name) : NULL; /* it may be one of `folder` */
    int failed = point_to(folder, target);
    if (failed)
        error_set(error, ERROR_RUN, "%s/current: %s", folder->path, strerror(errno));
    free(target);
    forget(folder);
    look(folder);
    return failed;
}

/* What holds is damaged: what takes its place and its name does so in one step. */
static int exchange(const char *from, const char *to)
{
    struct stat st;
    if (lstat(to, &st) != 0)
        return rename(from, to);
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE);
}

int bundle_folder_take(struct bundle_folder *folder, const struct bundle *bundle,
                       struct error *error)
{
    char *name = name_of(bundle), *from = bundle_folder_path(folder, fresh);
    char *to = bundle_folder_path(folder, name);
    bool again = folder->current && strcmp(folder->current, name) == 0;
    int failed = again ? exchange(from, to) : (remove_tree(folder, name) != 0 || rename(from, to));
    if (failed || folder_sync(folder->path) != 0)
        failed = error_set(error, ERROR_RUN, "%s: %s", to, strerror(errno));
    failed = failed || bundle_folder_point(folder, name, error) != 0;
    free(to);
    free(from);
    free(name);
    return failed ? -1 : 0;
}

void bundle_folder_clean(const struct bundle_folder *folder)
{
    DIR *dir = opendir(folder->path);
    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
        if (is_name(entry->d_name) &&
            (!folder->current || strcmp(entry->d_name, folder->current) != 0) &&
            (!folder->former || strcmp(entry->d_name, folder->former) != 0))
            remove_tree(folder, entry->d_name);
    if (dir)
        closedir(dir);
}
