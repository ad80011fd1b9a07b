/* The inputs of a hunt: months of files in folders of folders. Files are known by their first
 * bytes, as a replay's are (inputs.c); one that is there twice is read once. In the order of the
 * names, so that the same folder gives the same hunt. Thread: start-up. */
#include "hunt.h"

#include "weir/base/buffer.h"
#include "weir/capture/capture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 2048
#define DEPTH      16 /* of folders in folders */

static bool is_capture(const char *path)
{
    uint8_t head[HEAD_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t got = fd < 0 ? -1 : read(fd, head, sizeof head);
    if (fd >= 0)
        close(fd);
    return got < 0 || source_looks_right(head, (size_t)got);
}

/* A file, or a folder, that was met before: by another name, or by a link that leads back. */
static bool is_known(struct hunt_files *files, const struct stat *st)
{
    const uint64_t key[2] = {(uint64_t)st->st_dev, (uint64_t)st->st_ino};
    return map_put(&files->known, key, sizeof key, files) != NULL;
}

/* Also one that cannot be looked at: its problem is said when it is surveyed. */
static int add(struct hunt_files *files, const char *path, const struct stat *st, bool of_folder,
               struct error *error)
{
    if (st && is_known(files, st))
        return 0;
    if (files->count == HUNT_INPUTS)
        return error_set(error, ERROR_USAGE, "more than %d inputs (%.200s is one too many)",
                         HUNT_INPUTS, path);
    if (files->count == files->room) {
        files->room = files->room ? 2 * files->room : 64;
        files->file = xrealloc(files->file, files->room * sizeof *files->file);
    }
    files->file[files->count++] = (struct hunt_file){
        .path = xstrdup(path),
        .size = st ? (uint64_t)st->st_size : 0,
        .modified_ns = st ? st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec : 0,
        .of_folder = of_folder,
        .begins = PTIME_MAX,
        .ends = PTIME_MIN};
    return 0;
}

static int walk(struct hunt_files *files, const char *folder, int depth, struct error *error);

static int consider(struct hunt_files *files, const char *path, int depth, struct error *error)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return add(files, path, NULL, true, error);
    if (S_ISDIR(st.st_mode))
        return is_known(files, &st) ? 0 : walk(files, path, depth + 1, error);
    return S_ISREG(st.st_mode) && is_capture(path) ? add(files, path, &st, true, error) : 0;
}

static int walk(struct hunt_files *files, const char *folder, int depth, struct error *error)
{
    struct dirent **entry;
    if (depth > DEPTH)
        return error_set(error, ERROR_USAGE, "%.300s: more than %d folders deep", folder, DEPTH);
    int failed = 0, count = scandir(folder, &entry, NULL, alphasort);
    if (count < 0)
        return error_set(error, ERROR_INPUT, "%.300s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char *path = xasprintf("%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/",
                               entry[i]->d_name);
        if (failed == 0 && *entry[i]->d_name != '.') /* hidden, "." and ".." */
            failed = consider(files, path, depth, error);
        free(path);
        free(entry[i]);
    }
    free(entry);
    return failed;
}

int hunt_files_walk(struct hunt_files *files, const char *const *named, size_t count,
                    const char *but, struct error *error)
{
    struct stat own;
    map_init(&files->known);
    if (stat(but, &own) == 0)
        is_known(files, &own);
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        if (!*named[i] || stat(named[i], &st) != 0)
            return error_set(error, ERROR_INPUT, "%.300s: %s", named[i], strerror(errno));
        bool folder = S_ISDIR(st.st_mode);
        if (!folder && !S_ISREG(st.st_mode))
            return error_set(error, ERROR_USAGE,
                             "%.300s: expected a folder or a file: a hunt reads its inputs three "
                             "times",
                             named[i]);
        if ((folder ? walk(files, named[i], 0, error) : add(files, named[i], &st, false, error)) !=
            0)
            return -1;
    }
    if (files->count == 0)
        return error_set(error, ERROR_INPUT, "%.300s: holds no capture and no log", named[0]);
    return 0;
}

void hunt_files_fini(struct hunt_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        struct hunt_file *file = &files->file[i];
        free(file->path);
        free(file->problem);
        free(file->link);
        free(file->packed);
        free(file->comment);
    }
    free(files->file);
    map_fini(&files->known, NULL);
    *files = (struct hunt_files){.count = 0};
}
