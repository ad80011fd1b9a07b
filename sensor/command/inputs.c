/* Directories become the captures in them. A file is known by its first bytes and not by its name;
 * only these are read here, nothing is parsed. What cannot be opened stays an input, so that it is
 * said why. A file that is named twice (also by a directory, or a link) is read once: its packets
 * were there once. Thread: start-up. */
#include "inputs.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/capture/capture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 2048 /* enough to know which of Zeek's logs it is */

struct others { /* what is in a folder */
    size_t captures, files, folders;
    char first[256]; /* of the files */
};

/* Else it is from now on, if it is a file: a connection may be made again. */
static bool is_named(struct inputs *inputs, const char *path)
{
    struct stat st;
    if ((strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st)) != 0 ||
        S_ISCHR(st.st_mode) || S_ISDIR(st.st_mode))
        return false;
    for (size_t i = 0; i < inputs->files; i++)
        if (inputs->file[i].device == st.st_dev && inputs->file[i].inode == st.st_ino)
            return true;
    inputs->file = xrealloc(inputs->file, (inputs->files + 1) * sizeof *inputs->file);
    inputs->file[inputs->files].device = st.st_dev;
    inputs->file[inputs->files++].inode = st.st_ino;
    return false;
}

static int add(struct inputs *inputs, const char *path, bool of_folder, struct error *error)
{
    if (is_named(inputs, path)) {
        log_warn("%s: named twice, read once", path);
        return 0;
    }
    if (inputs->count == CAPTURE_FILES)
        return error_set(error, ERROR_USAGE, "more than %d inputs (%.200s is one too many)",
                         CAPTURE_FILES, path);
    if (inputs->count == inputs->room) {
        inputs->room = inputs->room ? 2 * inputs->room : 16;
        inputs->path = xrealloc(inputs->path, inputs->room * sizeof(char *));
        inputs->of_folder = xrealloc(inputs->of_folder, inputs->room * sizeof(bool));
    }
    inputs->of_folder[inputs->count] = of_folder;
    inputs->path[inputs->count++] = xstrdup(path);
    return 0;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Also one that cannot be read: that is to be said, not passed over. */
static bool is_capture(const char *path)
{
    uint8_t head[HEAD_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t got = fd < 0 ? -1 : read(fd, head, sizeof head);
    if (fd >= 0)
        close(fd);
    return got < 0 || source_looks_right(head, (size_t)got);
}

static int consider(struct inputs *inputs, const char *folder, const char *name,
                    struct others *others, struct error *error)
{
    struct stat st;
    char *path = xasprintf("%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    int failed = 0;
    bool there = stat(path, &st) == 0;
    if (*name == '.')
        ; /* hidden, "." and ".." */
    else if (there && S_ISDIR(st.st_mode))
        others->folders++;
    else if (!there || (S_ISREG(st.st_mode) && is_capture(path))) {
        others->captures++;
        failed = add(inputs, path, true, error);
    } else if (others->files++ == 0)
        strncpy(others->first, name, sizeof others->first - 1);
    free(path);
    return failed;
}

static void tell_others(const char *folder, const struct others *others)
{
    if (others->files == 1)
        log_warn("%s: %s is left out: not a capture", folder, others->first);
    else if (others->files > 1)
        log_warn("%s: %zu files are left out: not captures (%s is one)", folder, others->files,
                 others->first);
    if (others->folders > 0)
        log_warn("%s: %zu folder%s in it %s not looked into (name what is to be read)", folder,
                 others->folders, others->folders > 1 ? "s" : "",
                 others->folders > 1 ? "are" : "is");
}

static int add_folder(struct inputs *inputs, const char *folder, struct error *error)
{
    struct dirent **entry;
    struct others others = {.files = 0};
    int failed = 0, count = scandir(folder, &entry, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (failed == 0)
            failed = consider(inputs, folder, entry[i]->d_name, &others, error);
        free(entry[i]);
    }
    if (count >= 0)
        free(entry);
    if (failed)
        return -1;
    if (others.captures == 0)
        return add(inputs, folder, false, error); /* opening it says what is wrong */
    tell_others(folder, &others);
    return 0;
}

int inputs_expand(struct inputs *inputs, const char *const *argument, size_t count,
                  struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if ((is_folder(argument[i]) ? add_folder(inputs, argument[i], error)
                                    : add(inputs, argument[i], false, error)) != 0)
            return -1;
    return 0;
}

void inputs_fini(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        free(inputs->path[i]);
    free(inputs->path);
    free(inputs->of_folder);
    free(inputs->file);
    *inputs = (struct inputs){.count = 0};
}
