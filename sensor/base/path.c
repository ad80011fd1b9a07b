/* See path.h. */
#include "weir/base/path.h"

#include "weir/base/buffer.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

char *path_tidy(const char *path)
{
    char *tidy = xcalloc(1, strlen(path) + 2);
    size_t size = 0;
    bool whole = *path == '/';
    while (*path) {
        size_t name = strcspn(path, "/");
        if (name > 0 && !(name == 1 && *path == '.')) {
            if (size > 0 || whole)
                tidy[size++] = '/';
            memcpy(tidy + size, path, name);
            size += name;
        }
        path += name + (path[name] == '/');
    }
    if (size == 0)
        tidy[0] = whole ? '/' : '.';
    return tidy;
}

char *path_real(const char *path)
{
    char *tidy = path_tidy(path), *slash = strrchr(tidy, '/');
    const char *name = slash ? slash + 1 : tidy;
    if (strcmp(name, "..") == 0 || strcmp(name, ".") == 0 || !*name) {
        char *real = realpath(tidy, NULL);
        if (!real)
            return tidy;
        free(tidy);
        return real;
    }
    if (!slash || slash == tidy || strlen(tidy) >= PATH_MAX)
        return tidy;
    *slash = '\0';
    char *above = realpath(tidy, NULL);
    if (!above)
        above = path_real(tidy);
    char *real = xasprintf("%s/%s", strcmp(above, "/") == 0 ? "" : above, name);
    free(above);
    free(tidy);
    return real;
}

/* Whether what ends at `end` is called this: most are not, and need not be looked for. */
static bool is_called(const char *path, const char *end, const char *name)
{
    size_t size = strlen(name), room = (size_t)(end - path);
    return room > size && memcmp(end - size, name, size) == 0 && end[-(ptrdiff_t)size - 1] == '/';
}

const char *path_below(const char *path, const char *folder)
{
    if (!*path || strlen(path) >= PATH_MAX) /* nothing is there */
        return NULL;
    char *of = path_real(folder);
    const char *slash = strrchr(of, '/'), *name = slash ? slash + 1 : of;
    const char *rest = strchr(path + 1, '/');
    for (bool found = false; rest; rest = strchr(rest + 1, '/')) {
        if (!is_called(path, rest, name))
            continue;
        char *above = xasprintf("%.*s", (int)(rest - path), path);
        char *real = path_real(above);
        found = strcmp(real, of) == 0;
        free(real);
        free(above);
        if (found)
            break;
    }
    free(of);
    return rest;
}
