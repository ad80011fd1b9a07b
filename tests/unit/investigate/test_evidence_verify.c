/* A small folder of evidence, spoilt in each of its bytes: none goes unseen. And the captures that
 * are written, block by block. */
#include "../../../sensor/investigate/evidence_chain.h"
#include "../../../sensor/investigate/pcapng_out.h"
#include "../folder.h"
#include "weir/base/buffer.h"
#include "weir/investigate/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct folder {
    char path[FOLDER_SIZE];
    struct sign_key *key;
};

static char *path_of(const struct folder *folder, const char *name)
{
    return xasprintf("%s/%s", folder->path, name);
}

static void write_file(const struct folder *folder, const char *name, const void *data, size_t size)
{
    char *path = path_of(folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void make_capture(const struct folder *folder, const char *name, struct chain_entry *entry,
                         char hex[CHAIN_TEXT])
{
    struct error error = {0};
    uint8_t sha256[SHA256_SIZE];
    uint64_t bytes;
    char *path = path_of(folder, name);
    struct pcapng_out *out = pcapng_out_new(path, name);
    const struct pcapng_interface interface = {"in.pcap", 1, 0};
    const struct pcapng_packet packet = {
        .time = {5}, .wire_bytes = 9, .captured = 3, .data = "abc"};
    assert_int_equal(pcapng_out_interface(out, &interface), 0);
    pcapng_out_packet(out, &packet);
    assert_int_equal(pcapng_out_finish(out, sha256, &bytes, &error), 0);
    pcapng_out_free(out);
    free(path);
    *entry = (struct chain_entry){"evidence", name, hex_text(sha256, sizeof sha256, hex),
                                  (int64_t)bytes};
}

static void put_entry(struct json *json, const struct chain_entry *entry, char link[CHAIN_TEXT])
{
    chain_next(link, entry);
    json_open(json, NULL);
    json_str(json, "kind", entry->kind);
    json_str(json, "name", entry->name);
    json_int(json, "bytes", entry->bytes);
    json_str(json, "sha256", entry->sha256);
    json_str(json, "link", link);
    json_close(json);
}

static void put_signature(struct json *json, const struct sign_key *key)
{
    uint8_t der[SIGN_PUBLIC_DER], sha256[SHA256_SIZE];
    char text[SIGN_PUBLIC_B64], hex[CHAIN_TEXT];
    sign_key_public(key, der);
    digest_sha256(der, sizeof der, sha256);
    json_open(json, "signature");
    json_str(json, "public_key", sign_key_public_text(key, text));
    json_str(json, "key_id", hex_text(sha256, sizeof sha256, hex));
    json_close(json);
}

/* Two captures and a manifest of what the verifier looks at. */
static int make_folder(void **state)
{
    struct folder *folder = xcalloc(1, sizeof *folder);
    struct error error = {0};
    struct chain_entry entry[2];
    char hex[2][CHAIN_TEXT], link[CHAIN_TEXT];
    uint8_t signature[SIGNATURE_SIZE];
    folder_make("evidence", folder->path);
    folder->key = sign_key_new(&error);
    struct json *json = json_new();
    json_open(json, NULL);
    json_int(json, "version", 1);
    json_str(json, "kind", "weir.evidence");
    json_list(json, "incidents");
    for (int i = 0; i < 2; i++) {
        make_capture(folder, i ? "b.pcapng" : "a.pcapng", &entry[i], hex[i]);
        json_open(json, NULL);
        json_str(json, "file", entry[i].name);
        json_close(json);
    }
    json_close(json);
    json_open(json, "chain");
    json_list(json, "entries");
    memcpy(link, chain_begin, sizeof link);
    for (int i = 0; i < 2; i++)
        put_entry(json, &entry[i], link);
    json_close(json);
    json_close(json);
    put_signature(json, folder->key);
    json_close(json);
    char *text = json_take_text(json, 0);
    assert_int_equal(sign_make(folder->key, text, strlen(text), signature, &error), 0);
    write_file(folder, "manifest.json", text, strlen(text));
    write_file(folder, "manifest.sig", signature, sizeof signature);
    free(text);
    json_free(json);
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;
    sign_key_free(folder->key);
    folder_remove(folder->path);
    free(folder);
    return 0;
}

static int64_t verify(const struct folder *folder)
{
    const struct evidence_check check = {.folder = folder->path};
    struct error error = {0};
    return evidence_verify(&check, &error);
}

static void test_it_holds(void **state)
{
    assert_int_equal(verify(*state), 0);
}

static size_t read_file(const struct folder *folder, const char *name, uint8_t *data, size_t room)
{
    char *path = path_of(folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(data, 1, room, file);
    fclose(file);
    free(path);
    return size;
}

/* Of the signature each bit, of the rest one of each byte, another each time. */
static void test_each_byte(void **state)
{
    static const char *const name[] = {"a.pcapng", "b.pcapng", "manifest.sig", "manifest.json"};
    const struct folder *folder = *state;
    uint8_t data[4096];
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        size_t size = read_file(folder, name[i], data, sizeof data);
        assert_in_range(size, SIGNATURE_SIZE, sizeof data - 1);
        for (size_t bit = 0; bit < 8 * size; bit += size == SIGNATURE_SIZE ? 1 : 9) {
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            write_file(folder, name[i], data, size);
            if (verify(folder) < 1)
                fail_msg("%s: bit %zu: nobody saw it", name[i], bit);
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t cut = 0; cut < size; cut += 31) {
            write_file(folder, name[i], data, cut);
            assert_true(verify(folder) >= 1);
        }
        write_file(folder, name[i], data, size);
    }
    assert_int_equal(verify(folder), 0);
}

/* Names that lead out of the folder are not opened. */
static void test_names(void **state)
{
    (void)state;
    static const char text[] =
        "{\"version\":1,\"kind\":\"weir.evidence\",\"chain\":{\"entries\":[{\"kind\":\"evidence\","
        "\"name\":\"../a\"}]}}";
    assert_true(evidence_verify_text(text, sizeof text - 1) > 0);
    assert_true(evidence_verify_text("", 0) > 0);
    assert_true(evidence_verify_text("[]", 2) > 0);
    struct error error = {0};
    assert_null(evidence_list("/nonexistent", &error));
    assert_int_equal(error.code, ERROR_RUN);
}

static void collect(void *context, const char *line)
{
    struct buffer *said = context;
    buffer_text(said, "%s\n", line);
}

/* `name` of the folder replaced by what is no file: nothing is waited for, nothing else is read. */
static void assert_not_read(const struct folder *folder, const char *name, const char *link)
{
    struct buffer said = {0};
    struct error error = {0};
    const struct evidence_check check = {.folder = folder->path, .say = collect, .context = &said};
    char *path = path_of(folder, name), *kept = xasprintf("%s-kept", folder->path);
    assert_int_equal(rename(path, kept), 0);
    assert_int_equal(link ? symlink(link, path) : mkfifo(path, 0600), 0);
    int64_t wrong = evidence_verify(&check, &error);
    buffer_u8(&said, '\0');
    const char *told = wrong < 0 ? error.message : (const char *)said.data;
    assert_int_not_equal(wrong, 0);
    if (!strstr(told, name) || !strstr(told, "is no regular file, and was not read"))
        fail_msg("%s: %s", name, told);
    assert_int_equal(rename(kept, path), 0);
    buffer_fini(&said);
    free(path);
    free(kept);
}

/* A link to the very same bytes is none of the folder's files either. */
static void test_no_files(void **state)
{
    static const char *const name[] = {"a.pcapng", "manifest.sig", "manifest.json"};
    const struct folder *folder = *state;
    char *kept = xasprintf("%s-kept", folder->path);
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        assert_not_read(folder, name[i], NULL);
        assert_not_read(folder, name[i], "/dev/zero");
        assert_not_read(folder, name[i], kept);
    }
    free(kept);
    assert_int_equal(verify(folder), 0);
}

static void test_a_capture(void **state)
{
    static const uint8_t expected[] = {/* the packet's block: interface 0, 5 ns, 3 of 9 bytes */
                                       6, 0, 0, 0, 36,  0,   0,   0, 0,  0, 0, 0,
                                       0, 0, 0, 0, 5,   0,   0,   0, 3,  0, 0, 0,
                                       9, 0, 0, 0, 'a', 'b', 'c', 0, 36, 0, 0, 0};
    uint8_t data[4096];
    size_t size = read_file(*state, "a.pcapng", data, sizeof data);
    assert_true(size > sizeof expected && size % 4 == 0);
    assert_memory_equal(data, "\x0a\x0d\x0d\x0a", 4);
    assert_memory_equal(data + size - sizeof expected, expected, sizeof expected);
}

/* Written in pieces; a disk that takes nothing is told at the end. */
static void test_large_and_full(void **state)
{
    const struct folder *folder = *state;
    static uint8_t data[100000];
    struct error error = {0};
    uint8_t sha256[SHA256_SIZE];
    uint64_t bytes;
    char *path = path_of(folder, "large.pcapng");
    struct pcapng_out *out = pcapng_out_new(path, NULL);
    const struct pcapng_interface interface = {NULL, 12, 65535};
    pcapng_out_interface(out, &interface);
    for (int i = 0; i < 5; i++) {
        const struct pcapng_packet packet = {.time = {-1},
                                             .wire_bytes = sizeof data,
                                             .captured = sizeof data,
                                             .data = data,
                                             .comment = "so"};
        pcapng_out_packet(out, &packet);
    }
    pcapng_out_drops(out, 0, (struct ptime){1}, 2, 3);
    assert_int_equal(pcapng_out_finish(out, sha256, &bytes, &error), 0);
    assert_true(bytes > 5 * sizeof data);
    pcapng_out_free(out);
    unlink(path);
    free(path);
    out = pcapng_out_new("/dev/full", NULL);
    assert_int_equal(pcapng_out_finish(out, sha256, &bytes, &error), -1);
    assert_non_null(strstr(error.message, "/dev/full"));
    pcapng_out_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_holds),       cmocka_unit_test(test_each_byte),
        cmocka_unit_test(test_names),          cmocka_unit_test(test_a_capture),
        cmocka_unit_test(test_large_and_full), cmocka_unit_test(test_no_files),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
