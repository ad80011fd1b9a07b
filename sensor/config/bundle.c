/* Reading a bundle: see weir/config/bundle.h. Outside bytes: three lines of a fixed form, then a
 * signature, and only what it covers is looked at further. */
#include "weir/config/bundle.h"

#include "weir/base/cursor.h"
#include "weir/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIGNATURE_DIGITS ((size_t)2 * SIGNATURE_SIZE)
#define KEY_LINE         (SIGN_PUBLIC_B64 - 1 + 1 + SIGNATURE_DIGITS)
#define WHOLE_MAX        (BUNDLE_BYTES + BUNDLE_MANIFEST + KEY_LINE + 64)

static const char first_line[] = "weir-rules-bundle 1";

/* --- names ------------------------------------------------------------------------------------ */

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool bundle_is_name(const char *text)
{
    size_t size = strlen(text);
    return size > 0 && size < BUNDLE_NAME && strchr(LOWER DIGITS, text[0]) != NULL &&
           strspn(text, LOWER DIGITS "._-") == size;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), tail = strlen(end);
    return size > tail && strcmp(text + size - tail, end) == 0;
}

bool bundle_path_is_rules(const char *path)
{
    return ends_with(path, ".yaml");
}

static bool is_list(const char *path)
{
    static const char *const end[] = {".txt", ".csv", ".dat", ".list", ".intel"};
    for (size_t i = 0; i < sizeof end / sizeof *end; i++)
        if (ends_with(path, end[i]))
            return true;
    return false;
}

const char *bundle_path_problem(const char *path)
{
    const char *slash = strchr(path, '/');
    if (!*path || strlen(path) >= BUNDLE_PATH)
        return "expected a name of 1 to 127 bytes";
    if (*path == '/' || *path == '.' || strstr(path, "/.") || strstr(path, "//") ||
        path[strlen(path) - 1] == '/')
        return "expected a name that does not lead elsewhere (no / at its begin, no name with . at "
               "its begin)";
    if (strspn(path, LOWER UPPER DIGITS "._-/") != strlen(path))
        return "expected letters, digits, . _ -";
    if (slash && strchr(slash + 1, '/'))
        return "expected at most one folder";
    if (slash && (strncmp(path, "MANIFEST/", 9) == 0 || strncmp(path, "FORMER/", 7) == 0))
        return "expected a folder that is not called MANIFEST or FORMER";
    if (bundle_path_is_rules(path))
        return slash ? "rule files (.yaml) stand in no folder" : NULL;
    return is_list(path) ? NULL
                         : "neither rules (.yaml) nor a list (.txt, .csv, .dat, .list, .intel)";
}

/* "1.2.3" → three numbers. */
static bool read_weir(const char *text, unsigned part[3])
{
    for (int i = 0; i < 3; i++) {
        size_t digits = strspn(text, DIGITS);
        if (digits == 0 || digits > 5)
            return false;
        part[i] = (unsigned)strtoul(text, NULL, 10);
        text += digits;
        if (*text != (i < 2 ? '.' : '\0'))
            return false;
        text += i < 2;
    }
    return true;
}

bool bundle_weir_reaches(const char *text, const char *of)
{
    unsigned want[3], is[3];
    if (!read_weir(text, want) || !read_weir(of, is))
        return false;
    for (int i = 0; i < 3; i++)
        if (want[i] != is[i])
            return want[i] < is[i];
    return true;
}

/* --- three lines ------------------------------------------------------------------------------ */

struct lines {
    const char *manifest;
    size_t manifest_size, signed_size; /* of the first two lines, with their ends */
    char key[SIGN_PUBLIC_B64];
    uint8_t signature[SIGNATURE_SIZE];
};

static const char *take_line(struct cursor *in, size_t most, size_t *size)
{
    size_t left = cursor_left(in);
    const char *line = (const char *)in->at;
    const char *end = left ? memchr(line, '\n', left < most + 1 ? left : most + 1) : NULL;
    if (!end)
        return NULL;
    *size = (size_t)(end - line);
    cursor_skip(in, *size + 1);
    return line;
}

static int take_lines(struct lines *lines, const char *name, struct cursor *in, struct error *error)
{
    const uint8_t *start = in->at;
    size_t size = 0;
    const char *line = take_line(in, sizeof first_line - 1, &size);
    if (!line || size != sizeof first_line - 1 || memcmp(line, first_line, size) != 0)
        return error_set(error, ERROR_INPUT, "%s: no bundle of rules, expected \"%s\" first", name,
                         first_line);
    lines->manifest = take_line(in, BUNDLE_MANIFEST, &lines->manifest_size);
    if (!lines->manifest)
        return error_set(error, ERROR_INPUT,
                         "%s: damaged, its manifest is cut, or longer than %zu KiB", name,
                         BUNDLE_MANIFEST >> 10);
    lines->signed_size = (size_t)(in->at - start);
    line = take_line(in, KEY_LINE, &size);
    if (!line || size != KEY_LINE || line[SIGN_PUBLIC_B64 - 1] != ' ' ||
        !hex_bytes(line + SIGN_PUBLIC_B64, SIGNATURE_SIZE, lines->signature))
        return error_set(error, ERROR_INPUT,
                         "%s: damaged, expected a key and a signature as its "
                         "third line",
                         name);
    memcpy(lines->key, line, SIGN_PUBLIC_B64 - 1);
    lines->key[SIGN_PUBLIC_B64 - 1] = '\0';
    return 0;
}

static int check_signer(const struct lines *lines, const char *name, const void *data,
                        const struct bundle_keys *keys, size_t *signer, struct error *error)
{
    char text[SIGN_PUBLIC_B64];
    struct sign_key *claimed = sign_key_of_text(lines->key);
    sign_key_free(claimed);
    if (!claimed)
        return error_set(error, ERROR_INPUT, "%s: damaged, its third line has no Ed25519 key",
                         name);
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(sign_key_public_text(keys->key[i], text), lines->key) != 0)
            continue;
        *signer = i;
        if (sign_holds(keys->key[i], data, lines->signed_size, lines->signature, SIGNATURE_SIZE))
            return 0;
        return error_set(error, ERROR_INPUT, "%s: changed, its signature does not hold (key %s)",
                         name, keys->path[i]);
    }
    return error_set(error, ERROR_USAGE,
                     "%s: signed by a key that is not trusted here: %s (of %zu that are)", name,
                     lines->key, keys->count);
}

/* --- the manifest ----------------------------------------------------------------------------- */

struct manifest {
    struct bundle *bundle;
    const char *name; /* of the file, for messages */
    struct error *error;
};

static int refuse(const struct manifest *m, const char *what)
{
    return error_set(m->error, ERROR_INPUT, "%s: its manifest makes no sense: %s", m->name, what);
}

static bool take_text(const struct json_value *root, const char *key, char *to, size_t room)
{
    const char *text = json_text(json_get(root, key));
    size_t size = text ? strlen(text) : 0;
    if (size == 0 || size >= room)
        return false;
    memcpy(to, text, size + 1);
    return true;
}

static int take_file(const struct manifest *m, const struct json_value *value)
{
    struct bundle *bundle = m->bundle;
    struct bundle_file *file = &bundle->file[bundle->count];
    const char *digest = json_text(json_get(value, "sha256"));
    int64_t size = 0;
    if (!take_text(value, "path", file->path, sizeof file->path))
        return refuse(m, "expected files with a path");
    const char *problem = bundle_path_problem(file->path);
    if (problem)
        return error_set(m->error, ERROR_USAGE, "%s: %.*s: %s", m->name, BUNDLE_PATH, file->path,
                         problem);
    if (!json_whole(json_get(value, "bytes"), &size) || size < 0 || !digest ||
        strlen(digest) != HEX_SIZE(SHA256_SIZE) - 1 ||
        !hex_bytes(digest, SHA256_SIZE, file->sha256))
        return refuse(m, "expected files with bytes and a sha256");
    if ((uint64_t)size > (bundle_path_is_rules(file->path) ? BUNDLE_RULES : BUNDLE_LIST))
        return error_set(m->error, ERROR_USAGE,
                         "%s: %s: too large (a rule file has at most 1 MiB, a list 16 MiB)",
                         m->name, file->path);
    file->size = (size_t)size;
    file->data = NULL;
    if (bundle->count > 0 && strcmp(file[-1].path, file->path) >= 0)
        return refuse(m, "expected files in the order of their paths, each once");
    bundle->count++;
    return 0;
}

/* A path that is another one's folder could not be both. */
static int check_folders(const struct manifest *m)
{
    const struct bundle *bundle = m->bundle;
    for (size_t i = 0; i < bundle->count; i++) {
        size_t folder = strcspn(bundle->file[i].path, "/");
        for (size_t k = 0; bundle->file[i].path[folder] && k < bundle->count; k++)
            if (strlen(bundle->file[k].path) == folder &&
                memcmp(bundle->file[k].path, bundle->file[i].path, folder) == 0)
                return refuse(m, "a folder has the name of a file");
    }
    return 0;
}

static int take_files(const struct manifest *m, const struct json_value *list)
{
    size_t count = json_length(list), rules = 0;
    uint64_t bytes = 0;
    if (count == 0 || count > BUNDLE_FILES)
        return refuse(m, "expected 1 to 128 files");
    for (size_t i = 0; i < count; i++) {
        if (take_file(m, json_at(list, i)) != 0)
            return -1;
        bytes += m->bundle->file[i].size;
        rules += bundle_path_is_rules(m->bundle->file[i].path);
    }
    if (rules == 0)
        return refuse(m, "expected a rule file");
    if (bytes > BUNDLE_BYTES)
        return error_set(m->error, ERROR_USAGE, "%s: too large, its files have more than 64 MiB",
                         m->name);
    return check_folders(m);
}

static int take_manifest(const struct manifest *m, const struct json_value *root)
{
    struct bundle *bundle = m->bundle;
    int64_t version = 0;
    if (!take_text(root, "name", bundle->name, sizeof bundle->name) ||
        !bundle_is_name(bundle->name))
        return refuse(m, "expected a name of a-z 0-9 . _ -");
    if (!json_whole(json_get(root, "version"), &version) || version < 1 || version > BUNDLE_VERSION)
        return refuse(m, "expected a version, a whole number from 1");
    if (!take_text(root, "created", bundle->created, sizeof bundle->created) ||
        strspn(bundle->created, DIGITS "TZ:.+-") != strlen(bundle->created))
        return refuse(m, "expected when it was created");
    if (!take_text(root, "weir", bundle->weir, sizeof bundle->weir) ||
        !bundle_weir_reaches("0.0.0", bundle->weir))
        return refuse(m, "expected which Weir it needs, such as 0.1.0");
    bundle->version = (uint32_t)version;
    return take_files(m, json_get(root, "files"));
}

static int read_manifest(struct bundle *bundle, const char *name, const struct lines *lines,
                         const void *data, size_t head_size, struct error *error)
{
    uint8_t digest[SHA256_SIZE];
    struct error why = {0};
    struct manifest m = {bundle, name, error};
    struct json_value *root = json_parse(lines->manifest, lines->manifest_size, &why);
    memset(bundle, 0, sizeof *bundle);
    memcpy(bundle->key, lines->key, sizeof bundle->key);
    bundle->head_size = head_size;
    digest_sha256(data, head_size, digest);
    hex_text(digest, sizeof digest, bundle->digest);
    int failed = json_is_record(root) ? take_manifest(&m, root) : refuse(&m, "it is no JSON");
    json_value_free(root);
    return failed;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int take_bodies(struct bundle *bundle, const char *name, struct cursor *in,
                       struct error *error)
{
    uint8_t digest[SHA256_SIZE];
    for (size_t i = 0; i < bundle->count; i++) {
        struct bundle_file *file = &bundle->file[i];
        file->data = cursor_take(in, file->size);
        if (!file->data)
            return error_set(error, ERROR_INPUT, "%s: cut within %s", name, file->path);
        digest_sha256(file->data, file->size, digest);
        if (memcmp(digest, file->sha256, sizeof digest) != 0)
            return error_set(error, ERROR_INPUT,
                             "%s: changed, the SHA-256 of %s is not the one that was signed", name,
                             file->path);
    }
    return cursor_left(in) == 0
               ? 0
               : error_set(error, ERROR_INPUT, "%s: changed, %zu bytes behind its last file", name,
                           cursor_left(in));
}

int bundle_read(struct bundle *bundle, const char *name, const void *data, size_t size,
                const struct bundle_keys *keys, size_t *signer, struct error *error)
{
    struct cursor in = cursor_make(data, size);
    struct lines lines = {.manifest = NULL};
    if (take_lines(&lines, name, &in, error) != 0 ||
        check_signer(&lines, name, data, keys, signer, error) != 0 ||
        read_manifest(bundle, name, &lines, data, size - cursor_left(&in), error) != 0)
        return -1;
    if (!bundle_weir_reaches(bundle->weir, WEIR_VERSION))
        return error_set(error, ERROR_USAGE, "%s: needs Weir %s, this is " WEIR_VERSION, name,
                         bundle->weir);
    return take_bodies(bundle, name, &in, error);
}

int bundle_read_head(struct bundle *bundle, const char *name, const void *data, size_t size,
                     struct error *error)
{
    struct cursor in = cursor_make(data, size);
    struct lines lines = {.manifest = NULL};
    if (take_lines(&lines, name, &in, error) != 0)
        return -1;
    return read_manifest(bundle, name, &lines, data, size - cursor_left(&in), error);
}

int bundle_check_head(const char *name, const void *data, size_t size,
                      const struct bundle_keys *keys, size_t *signer, struct error *error)
{
    struct cursor in = cursor_make(data, size);
    struct lines lines = {.manifest = NULL};
    if (take_lines(&lines, name, &in, error) != 0)
        return -1;
    return check_signer(&lines, name, data, keys, signer, error);
}

static int load(int fd, const char *path, struct buffer *data, struct error *error)
{
    struct stat st;
    ssize_t got;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return error_set(error, ERROR_INPUT, "%s: is no regular file", path);
    do {
        buffer_reserve(data, 65536);
        got = read(fd, data->data + data->size, 65536);
        data->size += got > 0 ? (size_t)got : 0;
    } while ((got > 0 || (got < 0 && errno == EINTR)) && data->size <= WHOLE_MAX);
    if (got < 0)
        return error_set(error, ERROR_INPUT, "%s: %s", path, strerror(errno));
    return data->size <= WHOLE_MAX
               ? 0
               : error_set(error, ERROR_USAGE,
                           "%s: too large, a bundle has at most 64 MiB of files", path);
}

int bundle_load(const char *path, struct buffer *data, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_set(error, ERROR_INPUT, "%s: %s", path, strerror(errno));
    int failed = load(fd, path, data, error);
    close(fd);
    return failed;
}
