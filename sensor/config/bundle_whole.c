/* What was put in, looked at again: a head says what was signed, and what lies beside it on the
 * disk may have been changed since. See weir/config/bundle_folder.h. */
#include "weir/config/bundle_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int check_file(const char *folder, const struct bundle_file *file, struct error *error)
{
    uint8_t digest[SHA256_SIZE];
    struct buffer data = {0};
    char *path = xasprintf("%s/%s", folder, file->path);
    int failed = bundle_load(path, &data, error);
    if (!failed) {
        digest_sha256(data.data, data.size, digest);
        if (data.size != file->size || memcmp(digest, file->sha256, sizeof digest) != 0)
            failed = error_set(error, ERROR_INPUT, "%s: is not what was signed", path);
    }
    buffer_fini(&data);
    free(path);
    return failed;
}

static bool has(const struct bundle *bundle, const char *name)
{
    for (size_t i = 0; i < bundle->count; i++)
        if (strcmp(bundle->file[i].path, name) == 0)
            return true;
    return false;
}

/* Rules that nobody signed would be read with the others. */
static int check_strangers(const char *folder, const struct bundle *bundle, struct error *error)
{
    DIR *dir = opendir(folder);
    int failed = dir ? 0 : error_set(error, ERROR_INPUT, "%s: %s", folder, strerror(errno));
    for (const struct dirent *entry; dir && !failed && (entry = readdir(dir)) != NULL;)
        if (bundle_path_is_rules(entry->d_name) && !has(bundle, entry->d_name))
            failed = error_set(error, ERROR_INPUT, "%s/%s: was not signed", folder, entry->d_name);
    if (dir)
        closedir(dir);
    return failed;
}

int bundle_folder_whole(const struct bundle_folder *folder, const char *name,
                        const struct bundle *bundle, struct error *error)
{
    char *path = bundle_folder_path(folder, name);
    const char *digits = strchr(name, '-');
    int failed = 0;
    if (!digits || strncmp(digits + 1, bundle->digest, strlen(digits + 1)) != 0)
        failed = error_set(error, ERROR_INPUT, "%s/MANIFEST: is not what was signed", path);
    for (size_t i = 0; i < bundle->count && !failed; i++)
        failed = check_file(path, &bundle->file[i], error);
    if (!failed)
        failed = check_strangers(path, bundle, error);
    free(path);
    return failed;
}

int bundle_folder_trusted(const struct bundle_folder *folder, const char *name,
                          const struct bundle_keys *keys, size_t *signer, struct error *error)
{
    struct buffer head = {0};
    char *path = xasprintf("%s/%s/MANIFEST", folder->path, name);
    int failed = bundle_load(path, &head, error) != 0 ||
                 bundle_check_head(path, head.data, head.size, keys, signer, error) != 0;
    buffer_fini(&head);
    free(path);
    return failed ? -1 : 0;
}
