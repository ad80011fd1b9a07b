/* Making a bundle: the files of a folder, in the order of their names. What could not be taken is
 * refused here already: a link, a device, a name or a kind that no bundle carries. Thread: any. */
#include "weir/config/bundle.h"

#include "weir/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct packing {
    const struct bundle_making *making;
    struct bundle_file file[BUNDLE_FILES];
    struct buffer body[BUNDLE_FILES];
    size_t count;
    uint64_t bytes;
    struct error *error;
};

static int read_file(const char *path, size_t most, struct buffer *to, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0 && to->size <= most) {
        buffer_reserve(to, 65536);
        got = read(fd, to->data + to->size, 65536);
        to->size += got > 0 ? (size_t)got : 0;
    }
    int cause = errno;
    if (fd >= 0)
        close(fd);
    if (got < 0)
        return error_set(error, ERROR_RUN, "%s: %s", path, strerror(cause));
    return to->size <= most ? 0
                            : error_set(error, ERROR_USAGE,
                                        "%s: too large (a rule file has at most 1 MiB, a list "
                                        "16 MiB)",
                                        path);
}

static int take_file(struct packing *p, const char *path, const char *name)
{
    const char *problem = bundle_path_problem(name);
    if (problem)
        return error_set(p->error, ERROR_USAGE, "%s: cannot be carried: %s", path, problem);
    if (p->count == BUNDLE_FILES)
        return error_set(p->error, ERROR_USAGE, "%s: more than %d files", path, BUNDLE_FILES);
    struct bundle_file *file = &p->file[p->count];
    struct buffer *body = &p->body[p->count++];
    if (read_file(path, bundle_path_is_rules(name) ? BUNDLE_RULES : BUNDLE_LIST, body, p->error) !=
        0)
        return -1;
    snprintf(file->path, sizeof file->path, "%s", name);
    file->size = body->size;
    file->data = body->data;
    digest_sha256(body->data, body->size, file->sha256);
    p->bytes += body->size;
    return p->bytes <= BUNDLE_BYTES
               ? 0
               : error_set(p->error, ERROR_USAGE, "%s: too large, its files have more than 64 MiB",
                           p->making->folder);
}

static int take_entry(struct packing *p, const FTSENT *entry)
{
    const char *name = entry->fts_path + strlen(p->making->folder);
    while (*name == '/')
        name++;
    switch (entry->fts_info) {
    case FTS_D:
    case FTS_DP:
        return 0;
    case FTS_F:
        return take_file(p, entry->fts_path, name);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return error_set(p->error, ERROR_RUN, "%s: %s", entry->fts_path,
                         strerror(entry->fts_errno));
    default:
        return error_set(p->error, ERROR_USAGE, "%s: cannot be carried: expected a regular file",
                         entry->fts_path);
    }
}

static int walk(struct packing *p)
{
    char *folder = xstrdup(p->making->folder), *const paths[] = {folder, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, NULL);
    int failed = 0;
    if (!tree)
        failed = error_set(p->error, ERROR_RUN, "%s: %s", folder, strerror(errno));
    for (const FTSENT *entry; tree && !failed && (errno = 0, entry = fts_read(tree)) != NULL;)
        failed = entry->fts_level == 0 && entry->fts_info == FTS_F
                     ? error_set(p->error, ERROR_USAGE, "%s: expected a folder", folder)
                     : take_entry(p, entry);
    if (tree && !failed && errno != 0) /* it may have been more */
        failed = error_set(p->error, ERROR_RUN, "%s: %s", folder, strerror(errno));
    if (tree)
        fts_close(tree);
    free(folder);
    return failed;
}

/* By path, whatever order the folder has them in. */
static int by_path(const void *a, const void *b)
{
    const struct bundle_file *one = a, *other = b;
    return strcmp(one->path, other->path);
}

static void put_manifest(const struct packing *p, struct buffer *out)
{
    char digest[HEX_SIZE(SHA256_SIZE)];
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "name", p->making->name);
    json_uint(json, "version", p->making->version);
    json_str(json, "created", p->making->created);
    json_str(json, "weir", p->making->weir ? p->making->weir : WEIR_VERSION);
    json_list(json, "files");
    for (size_t i = 0; i < p->count; i++) {
        json_open(json, NULL);
        json_str(json, "path", p->file[i].path);
        json_uint(json, "bytes", p->file[i].size);
        json_str(json, "sha256", hex_text(p->file[i].sha256, SHA256_SIZE, digest));
        json_close(json);
    }
    json_close(json);
    json_close(json);
    char *text = json_take_text(json, 0);
    buffer_text(out, "weir-rules-bundle 1\n%s\n", text);
    free(text);
    json_free(json);
}

static int put_whole(const struct packing *p, const struct sign_key *key, struct buffer *out)
{
    uint8_t signature[SIGNATURE_SIZE];
    char digits[HEX_SIZE(SIGNATURE_SIZE)], text[SIGN_PUBLIC_B64];
    put_manifest(p, out);
    if (sign_make(key, out->data, out->size, signature, p->error) != 0)
        return -1;
    buffer_text(out, "%s %s\n", sign_key_public_text(key, text),
                hex_text(signature, sizeof signature, digits));
    for (size_t i = 0; i < p->count; i++)
        buffer_put(out, p->file[i].data, p->file[i].size);
    return 0;
}

/* Whatever is wrong with what was made is said by whoever would have to read it. */
static int read_again(const struct packing *p, const struct sign_key *key, const struct buffer *out)
{
    struct bundle *bundle = xcalloc(1, sizeof *bundle);
    char text[SIGN_PUBLIC_B64];
    struct bundle_keys own = {.key = {sign_key_of_text(sign_key_public_text(key, text))},
                              .path = {xstrdup("the one that signed")},
                              .count = 1};
    size_t signer;
    int failed =
        bundle_read(bundle, p->making->folder, out->data, out->size, &own, &signer, p->error);
    bundle_keys_fini(&own);
    free(bundle);
    return failed;
}

int bundle_pack(const struct bundle_making *making, const struct sign_key *key, struct buffer *out,
                struct error *error)
{
    struct packing *p = xcalloc(1, sizeof *p);
    p->making = making;
    p->error = error;
    int failed = walk(p);
    if (!failed)
        qsort(p->file, p->count, sizeof *p->file, by_path);
    failed = failed || put_whole(p, key, out) != 0 || read_again(p, key, out) != 0;
    for (size_t i = 0; i < p->count; i++)
        buffer_fini(&p->body[i]);
    free(p);
    return failed ? -1 : 0;
}
