/* Whose bundles are taken: public keys in a folder, each a file that somebody put there. Thread:
 * any. */
#include "weir/config/bundle.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int take(struct bundle_keys *keys, const char *path, struct error *error)
{
    if (keys->count == BUNDLE_KEYS)
        return error_set(error, ERROR_USAGE, "%s: more than %d keys", path, BUNDLE_KEYS);
    struct sign_key *key = sign_key_read(path, error);
    if (!key)
        return -1;
    keys->key[keys->count] = key;
    keys->path[keys->count++] = xstrdup(path);
    return 0;
}

static int take_folder(struct bundle_keys *keys, const char *folder, struct error *error)
{
    glob_t found = {.gl_pathc = 0};
    char *pattern = xasprintf("%s/*.pem", folder);
    int result = glob(pattern, 0, NULL, &found), failed = 0;
    if (result != 0 && result != GLOB_NOMATCH)
        failed = error_set(error, ERROR_RUN, "%s: cannot be looked through", folder);
    for (size_t i = 0; i < found.gl_pathc && !failed; i++)
        failed = take(keys, found.gl_pathv[i], error);
    globfree(&found);
    free(pattern);
    return failed;
}

int bundle_keys_read(struct bundle_keys *keys, const char *path, struct error *error)
{
    struct stat st;
    *keys = (struct bundle_keys){.count = 0};
    if (stat(path, &st) != 0)
        return errno == ENOENT ? 0 : error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    return S_ISDIR(st.st_mode) ? take_folder(keys, path, error) : take(keys, path, error);
}

void bundle_keys_fini(struct bundle_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        sign_key_free(keys->key[i]);
        free(keys->path[i]);
    }
    keys->count = 0;
}
