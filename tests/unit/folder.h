/* A folder of a test's own, and what a test asks about the machine. */
#ifndef TESTS_UNIT_BASELINE_FOLDER_H
#define TESTS_UNIT_BASELINE_FOLDER_H

#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER_SIZE 64

/* "/tmp/weir-NAME-XXXXXX", made; ends the test program when it cannot be. */
static inline char *folder_make(const char *name, char folder[FOLDER_SIZE])
{
    snprintf(folder, FOLDER_SIZE, "/tmp/weir-%s-XXXXXX", name);
    if (!mkdtemp(folder)) {
        perror(folder);
        abort();
    }
    return folder;
}

static inline int folder_remove_one(const char *path, const struct stat *st, int type,
                                    struct FTW *place)
{
    (void)st;
    (void)type;
    (void)place;
    return remove(path);
}

static inline void folder_remove(const char *folder)
{
    nftw(folder, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static inline bool has_program(const char *name)
{
    char list[8192], path[PATH_MAX], *rest = list;
    const char *variable = getenv("PATH");
    snprintf(list, sizeof list, "%s", variable ? variable : "");
    for (const char *place; (place = strsep(&rest, ":")) != NULL;) {
        snprintf(path, sizeof path, "%.3000s/%s", place, name);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

#endif
