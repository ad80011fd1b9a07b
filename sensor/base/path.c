/* See path.h. */
#include "weir/base/path.h"

#include "weir/base/buffer.h"

#include <stdbool.h>
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
    if (!slash || slash == tidy)
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

const char *path_below(const char *path, const char *folder)
{
    char *of = path_real(folder);
    const char *rest = *path ? strchr(path + 1, '/') : NULL;
    for (bool found = false; rest; rest = strchr(rest + 1, '/')) {
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
