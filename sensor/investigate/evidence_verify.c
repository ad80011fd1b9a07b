/* Whether a folder of evidence is what it was: docs/evidence.md, `weir evidence`. Everything in it
 * may have been written by somebody else: the manifest is read with bounds, names are single names,
 * and what does not hold is said, each thing in a line that is fit for a terminal. */
#include "evidence_chain.h"
#include "evidence_local.h"
#include "weir/base/buffer.h"
#include "weir/base/terminal.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct verify {
    const struct evidence_check *check; /* its folder is NULL: only the text is looked at */
    char *text;
    size_t size;
    struct json_value *root;
    char link[CHAIN_TEXT]; /* the last one of the chain, as it is computed */
    struct map known;      /* names of evidence files in the chain */
    int64_t wrong;
    uint64_t files, inputs, not_compared; /* … results, which were not handed on */
    bool has_head, signed_by, live;
};

__attribute__((format(printf, 2, 3))) static void say(struct verify *v, const char *format, ...)
{
    char line[1024];
    va_list words;
    va_start(words, format);
    vsnprintf(line, sizeof line, format, words);
    va_end(words);
    terminal_make_harmless(line);
    if (v->check->say)
        v->check->say(v->check->context, line);
}

#define WRONG(v, ...)                                                                              \
    do {                                                                                           \
        (v)->wrong++;                                                                              \
        say((v), __VA_ARGS__);                                                                     \
    } while (0)

static const char *text_or(const struct json_value *value, const char *none)
{
    const char *text = value ? json_text(value) : NULL;
    return text ? text : none;
}

static const char *text_at(const struct json_value *object, const char *key)
{
    return text_or(json_get(object, key), "");
}

static int64_t whole_at(const struct json_value *object, const char *key)
{
    const struct json_value *value = json_get(object, key);
    int64_t whole;
    return value && json_whole(value, &whole) && whole >= 0 ? whole : -1;
}

/* One name in a folder: nothing else is opened. */
static bool is_name(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* --- reading -----------------------------------------------------------------------------------
 */

static char *path_in(const char *folder, const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static int read_manifest(struct verify *v, struct error *error)
{
    char *path = path_in(v->check->folder, "manifest.json");
    v->text = evidence_read_file(path, EVIDENCE_MANIFEST_MAX, &v->size);
    if (!v->text)
        error_set(error, ERROR_RUN, "%s: %s (expected a folder of evidence)", path,
                  evidence_file_problem(errno));
    free(path);
    return v->text ? 0 : -1;
}

static bool parse(struct verify *v)
{
    struct error error = {0};
    v->root = json_parse(v->text, v->size, &error);
    if (v->root && json_is_record(v->root) &&
        strcmp(text_at(v->root, "kind"), "weir.evidence") == 0 && whole_at(v->root, "version") == 1)
        return true;
    WRONG(v, "manifest.json: %s", v->root ? "not a manifest of version 1" : error.message);
    return false;
}

/* --- the signature -----------------------------------------------------------------------------
 */

static void check_whose(struct verify *v, const struct sign_key *key)
{
    char theirs[SIGN_PUBLIC_B64], expected[SIGN_PUBLIC_B64];
    if (v->check->key && strcmp(sign_key_public_text(key, theirs),
                                sign_key_public_text(v->check->key, expected)) != 0)
        WRONG(v, "manifest.json: signed by another key than --key");
}

static void check_key_id(struct verify *v, const struct sign_key *key)
{
    uint8_t der[SIGN_PUBLIC_DER], sha256[SHA256_SIZE];
    char hex[CHAIN_TEXT];
    sign_key_public(key, der);
    digest_sha256(der, sizeof der, sha256);
    if (strcmp(text_or(json_find(v->root, "signature.key_id"), ""),
               hex_text(sha256, sizeof sha256, hex)) != 0)
        WRONG(v, "manifest.json: key_id is not the public key's");
}

static void check_signature(struct verify *v)
{
    struct sign_key *key =
        sign_key_of_text(text_or(json_find(v->root, "signature.public_key"), ""));
    if (!key) {
        WRONG(v, "manifest.json: names no Ed25519 key");
        return;
    }
    check_whose(v, key);
    check_key_id(v, key);
    if (v->check->folder) {
        size_t size = 0;
        char *path = path_in(v->check->folder, "manifest.sig");
        char *signature = evidence_read_file(path, 1u << 16, &size);
        if (!signature)
            WRONG(v, "manifest.sig: %s", evidence_file_problem(errno));
        else if (!sign_holds(key, v->text, v->size, (const uint8_t *)signature, size))
            WRONG(v, "manifest.sig: not this manifest's signature: one of the two was changed");
        else
            v->signed_by = true;
        free(signature);
        free(path);
    }
    sign_key_free(key);
}

/* --- the chain ---------------------------------------------------------------------------------
 */

static void check_file(struct verify *v, const char *folder, const char *name, const char *sha256,
                       int64_t bytes)
{
    uint8_t digest[SHA256_SIZE];
    char hex[CHAIN_TEXT], *path;
    uint64_t size;
    if (!is_name(name)) {
        WRONG(v, "manifest.json: \"%.80s\" is no file's name", name);
        return;
    }
    path = path_in(folder, name);
    v->files++;
    if (evidence_digest_file(path, LINKS_REFUSED, digest, &size) != 0)
        WRONG(v, "%s: %s", name, errno == ENOENT ? "is gone" : evidence_file_problem(errno));
    else if (bytes < 0 || size != (uint64_t)bytes)
        WRONG(v, "%s: has %llu bytes, the manifest says %lld", name, (unsigned long long)size,
              (long long)bytes);
    else if (strcmp(hex_text(digest, sizeof digest, hex), sha256) != 0)
        WRONG(v, "%s: was changed: its SHA-256 is another", name);
    free(path);
}

/* Of evidence that was handed on alone: with a head it may hold, but that is said. */
static void miss_result(struct verify *v, const char *name)
{
    if (!v->check->head) {
        WRONG(v, "%.200s: the folder of results is not there to be compared", name);
        return;
    }
    v->not_compared++;
    say(v, "%.200s: NOT COMPARED: the folder of results is not there", name);
}

static void check_entry(struct verify *v, const struct json_value *entry, size_t number)
{
    const struct chain_entry said = {text_at(entry, "kind"), text_at(entry, "name"),
                                     text_at(entry, "sha256"), whole_at(entry, "bytes")};
    chain_next(v->link, &said);
    if (strcmp(v->link, text_at(entry, "link")) != 0)
        WRONG(v,
              "manifest.json: entry %zu of the chain (%.80s) does not follow from the one before: "
              "changed, left out, put in or in another order",
              number + 1, said.name);
    if (strcmp(said.kind, "evidence") == 0)
        map_put(&v->known, said.name, strlen(said.name), v);
    if (!v->check->folder)
        return;
    if (strcmp(said.kind, "evidence") == 0)
        check_file(v, v->check->folder, said.name, said.sha256, said.bytes);
    if (strcmp(said.kind, "result") == 0 && v->check->beside)
        check_file(v, v->check->beside, said.name, said.sha256, said.bytes);
    if (strcmp(said.kind, "result") == 0 && !v->check->beside)
        miss_result(v, said.name);
}

static void check_chain(struct verify *v)
{
    const struct json_value *entries = json_find(v->root, "chain.entries");
    size_t count = entries ? json_length(entries) : 0;
    memcpy(v->link, chain_begin, CHAIN_TEXT);
    if (count == 0)
        WRONG(v, "manifest.json: has no chain");
    for (size_t i = 0; i < count; i++)
        check_entry(v, json_at(entries, i), i);
}

/* --- what the manifest says twice --------------------------------------------------------------
 */

static const struct json_value *next_entry(const struct json_value *entries, const char *kind,
                                           size_t *at)
{
    for (size_t count = entries ? json_length(entries) : 0; *at < count; (*at)++) {
        const struct json_value *entry = json_at(entries, *at);
        if (strcmp(text_at(entry, "kind"), kind) == 0) {
            (*at)++;
            return entry;
        }
    }
    return NULL;
}

/* Each of a list has its entry of that kind, in the same order, and no more are there. */
static void check_listed(struct verify *v, const char *list, const char *kind)
{
    const struct json_value *items = json_get(v->root, list);
    const struct json_value *entries = json_find(v->root, "chain.entries"), *entry;
    size_t at = 0, count = items ? json_length(items) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct json_value *item = json_at(items, i);
        entry = next_entry(entries, kind, &at);
        if (!entry || strcmp(text_at(entry, "name"), text_at(item, "name")) != 0 ||
            strcmp(text_at(entry, "sha256"), text_at(item, "sha256")) != 0 ||
            whole_at(entry, "bytes") != whole_at(item, "bytes"))
            WRONG(v, "manifest.json: %s %zu (%.80s) is not what the chain says", kind, i + 1,
                  text_at(item, "name"));
    }
    if (next_entry(entries, kind, &at))
        WRONG(v, "manifest.json: the chain has more of kind %s than %s", kind, list);
}

static void check_named(struct verify *v, const char *file, size_t *named)
{
    ++*named;
    if (!map_get(&v->known, file, strlen(file)))
        WRONG(v, "manifest.json: %.80s is not in the chain", file);
}

/* A live sensor's incident has several files. */
static void check_incidents(struct verify *v)
{
    const struct json_value *incidents = json_get(v->root, "incidents");
    size_t count = incidents ? json_length(incidents) : 0, named = 0;
    for (size_t i = 0; i < count; i++) {
        const struct json_value *files = json_get(json_at(incidents, i), "files");
        const char *file = text_at(json_at(incidents, i), "file");
        if (!files && *file)
            check_named(v, file, &named);
        for (size_t f = 0; files && f < json_length(files); f++)
            check_named(v, text_or(json_at(files, f), ""), &named);
    }
    if (named != v->known.count)
        WRONG(v, "manifest.json: %zu captures in the chain, %zu of incidents", v->known.count,
              named);
}

/* --- what is beside it -------------------------------------------------------------------------
 */

/* What the keeper has beside what it sealed: docs/evidence.md. */
static bool is_keepers(const char *name)
{
    size_t size = strlen(name), end = strlen(".pcapng.part");
    return strcmp(name, "incident.json") == 0 || strcmp(name, "hold.json") == 0 ||
           (size > end && strcmp(name + size - end, ".pcapng.part") == 0);
}

static void check_folder(struct verify *v)
{
    DIR *dir = opendir(v->check->folder);
    if (!dir) {
        WRONG(v, "%s: %s", v->check->folder, strerror(errno));
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
            strcmp(name, "manifest.json") != 0 && strcmp(name, "manifest.sig") != 0 &&
            !map_get(&v->known, name, strlen(name)) && !(v->live && is_keepers(name)))
            WRONG(v, "%.200s: the manifest does not know it", name);
    }
    closedir(dir);
}

static void compare_head(struct verify *v, const char *expected, const char *where)
{
    uint8_t sha256[SHA256_SIZE];
    char hex[CHAIN_TEXT];
    digest_sha256(v->text, v->size, sha256);
    const struct chain_entry entry = {"manifest", "manifest.json",
                                      hex_text(sha256, sizeof sha256, hex), (int64_t)v->size};
    chain_next(v->link, &entry);
    v->has_head = *expected != '\0';
    if (v->has_head && strcmp(v->link, expected) != 0)
        WRONG(v,
              "manifest.json: its head is %.16s…, %s says %.16s…: it is not the one that was made",
              v->link, where, expected);
}

static void check_head(struct verify *v)
{
    struct error error = {0};
    size_t size = 0;
    if (v->check->head || !v->check->beside) {
        compare_head(v, v->check->head ? v->check->head : "", "--head");
        return;
    }
    char *path = path_in(v->check->beside, "summary.json");
    char *text = evidence_read_file(path, EVIDENCE_MANIFEST_MAX, &size);
    struct json_value *root = text ? json_parse(text, size, &error) : NULL;
    const char *head = text_or(root ? json_find(root, "evidence.head") : NULL, "");
    if (text && !*head)
        WRONG(v, "summary.json: names no head of this evidence");
    compare_head(v, head, "summary.json");
    json_value_free(root);
    free(text);
    free(path);
}

static void check_input(struct verify *v, const struct json_value *input)
{
    const char *path = text_at(input, "path"), *expected = text_at(input, "sha256");
    uint8_t sha256[SHA256_SIZE];
    char hex[CHAIN_TEXT];
    uint64_t bytes;
    struct stat st;
    if (!*expected || stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (*expected && whole_at(input, "bytes") >= 0)
            WRONG(v, "%.200s: the input is not there any more", path);
        return;
    }
    v->inputs++;
    if (evidence_digest_file(path, LINKS_FOLLOWED, sha256, &bytes) != 0)
        WRONG(v, "%.200s: %s", path, evidence_file_problem(errno));
    else if (strcmp(hex_text(sha256, sizeof sha256, hex), expected) != 0)
        WRONG(v, "%.200s: the input is another now", path);
}

static void check_inputs(struct verify *v)
{
    const struct json_value *inputs = json_get(v->root, "inputs");
    for (size_t i = 0; inputs && i < json_length(inputs); i++)
        check_input(v, json_at(inputs, i));
}

/* --- all of it ---------------------------------------------------------------------------------
 */

static void tell_end(struct verify *v)
{
    const char *key = text_or(json_find(v->root, "signature.key"), "");
    if (v->wrong > 0) {
        say(v, "DOES NOT HOLD: %lld of it", (long long)v->wrong);
        return;
    }
    say(v, "holds: %llu files%s%s, head %s %s, signed by key %.16s…%s",
        (unsigned long long)v->files, v->inputs > 0 ? " and the inputs" : "",
        v->not_compared > 0 ? " (results NOT COMPARED)" : "", v->link,
        v->has_head ? "as told" : "(NOT COMPARED: no summary.json, no --head)",
        text_or(json_find(v->root, "signature.key_id"), ""),
        v->check->key              ? ", as given"
        : strcmp(key, "once") == 0 ? " of that run alone"
                                   : " (not compared: no --key)");
}

static void check_manifest(struct verify *v)
{
    check_signature(v);
    check_chain(v);
    check_listed(v, "inputs", "input");
    check_listed(v, "rules", "rules");
    check_incidents(v);
    if (!v->check->folder)
        return;
    check_folder(v);
    check_head(v);
    if (v->check->inputs)
        check_inputs(v);
}

static void check_all(struct verify *v)
{
    if (parse(v)) {
        v->live = strcmp(text_at(v->root, "mode"), "live") == 0;
        check_manifest(v);
    }
    tell_end(v);
}

int64_t evidence_verify(const struct evidence_check *check, struct error *error)
{
    struct verify v = {.check = check};
    if (read_manifest(&v, error) != 0)
        return -1;
    map_init(&v.known);
    check_all(&v);
    map_fini(&v.known, NULL);
    json_value_free(v.root);
    free(v.text);
    return v.wrong;
}

int64_t evidence_verify_text(const char *text, size_t size)
{
    const struct evidence_check check = {.folder = NULL};
    struct verify v = {.check = &check, .text = xcalloc(1, size + 1), .size = size};
    if (size > 0)
        memcpy(v.text, text, size);
    map_init(&v.known);
    check_all(&v);
    map_fini(&v.known, NULL);
    json_value_free(v.root);
    free(v.text);
    return v.wrong;
}

/* --- a list ------------------------------------------------------------------------------------
 */

static void put_line(struct buffer *b, const struct json_value *incident)
{
    const struct json_value *rules = json_get(incident, "rules");
    const char *file = text_at(incident, "file");
    struct buffer line = {0};
    buffer_text(&line, "%-10.16s %3lld  %10lld packets %12lld bytes  ", text_at(incident, "short"),
                (long long)whole_at(incident, "score"), (long long)whole_at(incident, "packets"),
                (long long)whole_at(incident, "captured_bytes"));
    for (size_t i = 0; rules && i < json_length(rules); i++)
        buffer_text(&line, "%s%.64s", i ? ", " : "", text_or(json_at(rules, i), ""));
    buffer_text(&line, "  %.64s -> %.255s  %.200s", text_at(incident, "host"),
                text_or(json_get(incident, "destination"), "any destination"),
                *file ? file : text_at(incident, "why_not"));
    buffer_u8(&line, '\0');
    terminal_make_harmless((char *)line.data);
    buffer_text(b, "%s\n", (char *)line.data);
    buffer_fini(&line);
}

char *evidence_list(const char *folder, struct error *error)
{
    const struct evidence_check check = {.folder = folder};
    struct verify v = {.check = &check};
    struct buffer b = {0};
    if (read_manifest(&v, error) != 0)
        return NULL;
    if (parse(&v)) {
        const struct json_value *incidents = json_get(v.root, "incidents");
        for (size_t i = 0; incidents && i < json_length(incidents); i++)
            put_line(&b, json_at(incidents, i));
    } else {
        error_set(error, ERROR_RUN, "%s/manifest.json: not a manifest of version 1", folder);
    }
    buffer_u8(&b, '\0');
    json_value_free(v.root);
    free(v.text);
    if (error->code == ERROR_NONE)
        return (char *)b.data;
    buffer_fini(&b);
    return NULL;
}
