/* Bundles of rules: what is packed is read back; a bit changed anywhere, another key, and all that
 * a trusted maker might sign and must not be put anywhere, is refused by name. */
#include "weir/config/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct world {
    struct bundle_keys keys; /* ours */
    struct bundle *bundle;
    struct error error;
    char folder[64];
};

static int set_up(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    w->bundle = xcalloc(1, sizeof *w->bundle);
    w->keys.key[0] = sign_key_new(&w->error);
    w->keys.path[0] = xstrdup("ours.pem");
    w->keys.count = 1;
    snprintf(w->folder, sizeof w->folder, "/tmp/weir-bundle-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char *command = xasprintf("rm -rf '%s'", w->folder);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
    bundle_keys_fini(&w->keys);
    free(command);
    free(w->bundle);
    free(w);
    return 0;
}

static void write_file(const struct world *w, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", w->folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

static void sign_with(const struct sign_key *key, const char *manifest, const char *body,
                      struct buffer *out)
{
    struct error error = {0};
    uint8_t signature[SIGNATURE_SIZE];
    char digits[HEX_SIZE(SIGNATURE_SIZE)], text[SIGN_PUBLIC_B64];
    buffer_text(out, "weir-rules-bundle 1\n%s\n", manifest);
    assert_int_equal(sign_make(key, out->data, out->size, signature, &error), 0);
    buffer_text(out, "%s %s\n%s", sign_key_public_text(key, text),
                hex_text(signature, sizeof signature, digits), body);
}

static int read_back(struct world *w, const void *data, size_t size)
{
    size_t signer;
    w->error = (struct error){0};
    return bundle_read(w->bundle, "x", data, size, &w->keys, &signer, &w->error);
}

/* Signed by ours, and refused with these words all the same. */
static void refused(struct world *w, const char *manifest, const char *why, enum error_code code)
{
    struct buffer out = {0};
    sign_with(w->keys.key[0], manifest, "", &out);
    assert_int_equal(read_back(w, out.data, out.size), -1);
    if (!strstr(w->error.message, why))
        fail_msg("%s: expected \"%s\", said \"%s\"", manifest, why, w->error.message);
    assert_int_equal(w->error.code, code);
    buffer_fini(&out);
}

static void pack(struct world *w, struct buffer *out)
{
    char *below = xasprintf("%s/lists", w->folder);
    mkdir(below, 0755);
    write_file(w, "b.yaml", "- list: x\n  items: [10.0.0.1]\n");
    write_file(w, "a.yaml", "");
    write_file(w, "lists/bad.txt", "192.0.2.7\n");
    const struct bundle_making making = {w->folder, "acme", "2026-03-02T00:00:00.000Z", NULL, 7};
    assert_int_equal(bundle_pack(&making, w->keys.key[0], out, &w->error), 0);
    free(below);
}

static void test_what_is_packed_is_read(void **state)
{
    struct world *w = *state;
    struct buffer out = {0};
    pack(w, &out);
    assert_int_equal(read_back(w, out.data, out.size), 0);
    assert_string_equal(w->bundle->name, "acme");
    assert_int_equal(w->bundle->version, 7);
    assert_string_equal(w->bundle->weir, WEIR_VERSION);
    assert_int_equal(w->bundle->count, 3);
    assert_string_equal(w->bundle->file[0].path, "a.yaml");
    assert_string_equal(w->bundle->file[2].path, "lists/bad.txt");
    assert_int_equal(w->bundle->file[2].size, 10);
    assert_memory_equal(w->bundle->file[2].data, "192.0.2.7\n", 10);
    /* Its head alone says the same of it. */
    struct bundle *head = xcalloc(1, sizeof *head);
    assert_int_equal(bundle_read_head(head, "x", out.data, w->bundle->head_size, &w->error), 0);
    assert_string_equal(head->digest, w->bundle->digest);
    free(head);
    buffer_fini(&out);
}

static void test_every_bit_counts(void **state)
{
    struct world *w = *state;
    struct buffer out = {0};
    pack(w, &out);
    for (size_t i = 0; i < out.size * 8; i++) {
        out.data[i / 8] ^= (uint8_t)(1 << i % 8);
        if (read_back(w, out.data, out.size) == 0)
            fail_msg("bit %zu of byte %zu says nothing", i % 8, i / 8);
        out.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t size = 0; size < out.size; size++) {
        uint8_t *cut = xcalloc(1, size + 1); /* to its end, for the sanitizer */
        memcpy(cut, out.data, size);
        assert_int_equal(read_back(w, cut, size), -1);
        free(cut);
    }
    buffer_u8(&out, '\n');
    assert_int_equal(read_back(w, out.data, out.size), -1);
    assert_non_null(strstr(w->error.message, "1 bytes behind its last file"));
    buffer_fini(&out);
}

static void test_another_key(void **state)
{
    struct world *w = *state;
    struct buffer out = {0};
    struct sign_key *other = sign_key_new(&w->error);
    sign_with(other, "{}", "", &out);
    assert_int_equal(read_back(w, out.data, out.size), -1);
    assert_non_null(strstr(w->error.message, "signed by a key that is not trusted here"));
    assert_int_equal(w->error.code, ERROR_USAGE);
    /* Its signature under our name. */
    char ours[SIGN_PUBLIC_B64];
    sign_key_public_text(w->keys.key[0], ours);
    memcpy(out.data + strlen("weir-rules-bundle 1\n{}\n"), ours, SIGN_PUBLIC_B64 - 1);
    assert_int_equal(read_back(w, out.data, out.size), -1);
    assert_non_null(strstr(w->error.message, "its signature does not hold"));
    assert_int_equal(w->error.code, ERROR_INPUT);
    buffer_fini(&out);
    sign_key_free(other);
}

#define MANIFEST(files)                                                                            \
    "{\"name\":\"acme\",\"version\":7,\"created\":\"2026-03-02T00:00:00Z\",\"weir\":\"0.1.0\","    \
    "\"files\":[" files "]}"
#define FILE_OF(path) "{\"path\":\"" path "\",\"bytes\":0,\"sha256\":\"" EMPTY_SHA256 "\"}"

static void test_what_is_signed_is_not_obeyed(void **state)
{
    static const char *const path[] = {"/etc/a.yaml", "../a.yaml", "x/../a.txt", "x/.a.txt",
                                       ".a.yaml",     "x//a.txt",  "x/",         "a b.yaml",
                                       "a\\nb.yaml",  "x/y/a.txt", "x/a.yaml",   "a.sh",
                                       "MANIFEST",    "FORMER",    ".yaml",      ""};
    struct world *w = *state;
    struct buffer out = {0};
    sign_with(w->keys.key[0], MANIFEST(FILE_OF("a.yaml")), "", &out);
    assert_int_equal(read_back(w, out.data, out.size), 0);
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        char *manifest = xasprintf(MANIFEST("{\"path\":\"%s\",\"bytes\":0,\"sha256\":\"%s\"}"),
                                   path[i], EMPTY_SHA256);
        struct buffer bad = {0};
        sign_with(w->keys.key[0], manifest, "", &bad);
        if (read_back(w, bad.data, bad.size) == 0)
            fail_msg("%s was taken", path[i]);
        buffer_fini(&bad);
        free(manifest);
    }
    refused(w, MANIFEST(FILE_OF("b.yaml") "," FILE_OF("a.yaml")), "in the order", ERROR_INPUT);
    refused(w, MANIFEST(FILE_OF("a.yaml") "," FILE_OF("a.yaml")), "each once", ERROR_INPUT);
    refused(w, MANIFEST(FILE_OF("a.txt") "," FILE_OF("a.txt/b.txt") "," FILE_OF("c.yaml")),
            "a folder has the name of a file", ERROR_INPUT);
    refused(w, MANIFEST(FILE_OF("FORMER/b.txt") "," FILE_OF("a.yaml")), "not called MANIFEST",
            ERROR_USAGE);
    refused(w, MANIFEST(FILE_OF("MANIFEST/b.txt") "," FILE_OF("a.yaml")), "not called MANIFEST",
            ERROR_USAGE);
    refused(w, MANIFEST(FILE_OF("a.txt")), "expected a rule file", ERROR_INPUT);
    refused(w, MANIFEST(""), "expected 1 to 128 files", ERROR_INPUT);
    refused(w, "{\"name\":\"../x\"}", "expected a name", ERROR_INPUT);
    refused(w, "[]", "it is no JSON", ERROR_INPUT);
    refused(w, "nonsense", "it is no JSON", ERROR_INPUT);
    refused(w, MANIFEST("{\"path\":\"a.yaml\",\"bytes\":1048577,\"sha256\":\"" EMPTY_SHA256 "\"}"),
            "too large", ERROR_USAGE);
    refused(w, MANIFEST("{\"path\":\"a.yaml\",\"bytes\":-1,\"sha256\":\"" EMPTY_SHA256 "\"}"),
            "expected files with bytes", ERROR_INPUT);
    refused(w, MANIFEST("{\"path\":\"a.yaml\",\"bytes\":1,\"sha256\":\"" EMPTY_SHA256 "\"}"),
            "cut within a.yaml", ERROR_INPUT);
    refused(w,
            "{\"name\":\"acme\",\"version\":7,\"created\":\"2026\",\"weir\":\"99.0.0\",\"files\":"
            "[" FILE_OF("a.yaml") "]}",
            "needs Weir 99.0.0", ERROR_USAGE);
    buffer_fini(&out);
}

/* More than 64 MiB together, each within its own bound. */
static void test_too_much_together(void **state)
{
    struct world *w = *state;
    struct buffer manifest = {0};
    buffer_text(
        &manifest,
        "{\"name\":\"acme\",\"version\":7,\"created\":\"2026\",\"weir\":\"0.1.0\",\"files\":"
        "[" FILE_OF("a.yaml"));
    for (int i = 0; i < 5; i++)
        buffer_text(&manifest, ",{\"path\":\"l%d.txt\",\"bytes\":16777216,\"sha256\":\"%s\"}", i,
                    EMPTY_SHA256);
    buffer_text(&manifest, "]}");
    buffer_u8(&manifest, 0);
    refused(w, (const char *)manifest.data, "more than 64 MiB", ERROR_USAGE);
    buffer_fini(&manifest);
}

static void cannot_pack(struct world *w, const char *why)
{
    const struct bundle_making making = {w->folder, "acme", "2026-03-02T00:00:00.000Z", NULL, 7};
    struct buffer out = {0};
    w->error = (struct error){0};
    assert_int_equal(bundle_pack(&making, w->keys.key[0], &out, &w->error), -1);
    if (!strstr(w->error.message, why))
        fail_msg("expected \"%s\", said \"%s\"", why, w->error.message);
    buffer_fini(&out);
}

static void test_what_cannot_be_packed(void **state)
{
    struct world *w = *state;
    char *path = xasprintf("%s/l.txt", w->folder);
    cannot_pack(w, "expected 1 to 128 files");
    write_file(w, "a.yaml", "");
    assert_int_equal(symlink("/etc/passwd", path), 0);
    cannot_pack(w, "expected a regular file");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    cannot_pack(w, "expected a regular file");
    unlink(path);
    write_file(w, "README.md", "");
    cannot_pack(w, "README.md: cannot be carried: neither rules");
    free(path);
}

static void test_keys_of_a_folder(void **state)
{
    struct world *w = *state;
    struct bundle_keys keys;
    char *one = xasprintf("%s/one.pem", w->folder), *none = xasprintf("%s/none", w->folder);
    struct sign_key *made = sign_key_keep(one, &w->error);
    assert_non_null(made);
    write_file(w, "notes.txt", "no key");
    assert_int_equal(bundle_keys_read(&keys, w->folder, &w->error), 0);
    assert_int_equal(keys.count, 1);
    assert_string_equal(keys.path[0], one);
    bundle_keys_fini(&keys);
    assert_int_equal(bundle_keys_read(&keys, none, &w->error), 0);
    assert_int_equal(keys.count, 0);
    write_file(w, "two.pem", "no key");
    assert_int_equal(bundle_keys_read(&keys, w->folder, &w->error), -1);
    assert_non_null(strstr(w->error.message, "two.pem: expected an Ed25519 key"));
    bundle_keys_fini(&keys);
    sign_key_free(made);
    free(one);
    free(none);
}

static void test_versions(void **state)
{
    (void)state;
    assert_true(bundle_weir_reaches("0.1.0", "0.1.0"));
    assert_true(bundle_weir_reaches("0.9.9", "0.10.0"));
    assert_false(bundle_weir_reaches("1.0.0", "0.99.99"));
    assert_false(bundle_weir_reaches("0.1", "0.1.0"));
    assert_false(bundle_weir_reaches("0.1.0x", "0.1.0"));
    assert_false(bundle_weir_reaches("0.1.999999", "9.9.9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_packed_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_bit_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_signed_is_not_obeyed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_much_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_packed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys_of_a_folder, set_up, tear_down),
        cmocka_unit_test(test_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
