/* Reading the access log, and whether its lines follow on each other: see weir/role/access_log.h.
 * Bounds: a line at a time, of LINE_BYTES; a longer one is damage. */
#include "weir/role/access_log.h"

#include "weir/base/buffer.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES ((size_t)64 << 10)

static int is_turned(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return strncmp(entry->d_name, "access-", 7) == 0 && size == 7 + 20 + 7 &&
           strspn(entry->d_name + 7, "0123456789") == 20 &&
           strcmp(entry->d_name + size - 7, ".ndjson") == 0;
}

/* Numbers of one length: by their letters. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

struct access_files access_files_list(const char *folder)
{
    struct dirent **entry = NULL;
    int count = scandir(folder, &entry, is_turned, by_name);
    struct access_files files = {.path = xcalloc(count > 0 ? (size_t)count : 1, sizeof(char *))};
    for (int i = 0; i < count; i++) {
        files.path[files.count++] = xasprintf("%s/%s", folder, entry[i]->d_name);
        free(entry[i]);
    }
    free(entry);
    return files;
}

void access_files_free(struct access_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->path[i]);
    free(files->path);
    *files = (struct access_files){.count = 0};
}

/* --- lines ------------------------------------------------------------------------------------ */

struct reading {
    void (*each)(void *context, const struct json_value *line, const char *text, size_t size);
    void *context;
    struct access_chain *chain;
};

static void take(const struct reading *reading, const char *line, size_t size)
{
    struct access_chain *chain = reading->chain;
    struct json_value *value = size < LINE_BYTES ? json_parse(line, size, NULL) : NULL;
    const char *before = json_text(json_get(value, "before"));
    uint8_t hash[SHA256_SIZE];
    int64_t number = 0;
    bool good = json_whole(json_get(value, "n"), &number) && number > 0 && before;
    bool first = chain->lines + chain->damaged == 0;
    if (!good)
        chain->damaged++;
    else if (first)
        chain->gone = (uint64_t)number - 1;
    else if ((uint64_t)number != chain->last + 1 || strcmp(before, chain->head) != 0)
        chain->breaks++;
    chain->last = good ? (uint64_t)number : chain->last + 1;
    digest_sha256(line, size, hash);
    hex_text(hash, sizeof hash, chain->head);
    if (good) {
        chain->lines++;
        reading->each(reading->context, value, line, size);
    }
    json_value_free(value);
}

static int read_file(const struct reading *reading, const char *path, bool must,
                     struct error *error)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    if (!file)
        return must && errno != ENOENT
                   ? error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno))
                   : 0;
    while ((size = getline(&line, &room, file)) > 0) {
        size -= line[size - 1] == '\n';
        take(reading, line, (size_t)size);
    }
    free(line);
    fclose(file);
    return 0;
}

int access_log_each(const char *folder,
                    void (*each)(void *context, const struct json_value *line, const char *text,
                                 size_t size),
                    void *context, struct access_chain *chain, struct error *error)
{
    const struct reading reading = {each, context, chain};
    struct access_files files = access_files_list(folder);
    *chain = (struct access_chain){.lines = 0};
    int failed = 0;
    for (size_t i = 0; !failed && i < files.count; i++)
        failed = read_file(&reading, files.path[i], true, error);
    char *path = xasprintf("%s/access.ndjson", folder);
    if (!failed)
        failed = read_file(&reading, path, true, error);
    free(path);
    access_files_free(&files);
    return failed;
}
