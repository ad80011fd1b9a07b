/* The baseline file: same baseline, same bytes; nothing is given out of a damaged one. */
#include "../folder.h"
#include "weir/base/digest.h"
#include "weir/baseline/file.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[FOLDER_SIZE], path[128], beside[140];
};

struct seen {
    char fleet[64];
    size_t fleets, hosts;
    char host[8][IP_TEXT_SIZE], blob[8][64];
    size_t fail_at; /* the host callback fails at this host, counted from 1 */
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    folder_make("file", f->folder);
    snprintf(f->path, sizeof f->path, "%s/baseline.weir", f->folder);
    snprintf(f->beside, sizeof f->beside, "%s.tmp", f->path);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(access(f->beside, F_OK), -1); /* nothing is ever left behind */
    folder_remove(f->folder);
    free(f);
    return 0;
}

static struct ip ip_of(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return ip;
}

static struct baseline_writer *three_hosts(void)
{
    struct baseline_writer *writer = baseline_writer_new("FLEET", 5);
    struct ip a = ip_of("10.0.0.1"), b = ip_of("10.0.0.2"), c = ip_of("fd00::1");
    baseline_writer_put(writer, &a, "one", 3);
    baseline_writer_put(writer, &b, "", 0);
    baseline_writer_put(writer, &c, "three\0x", 7);
    return writer;
}

static int on_fleet(void *context, const void *blob, size_t size, struct error *error)
{
    struct seen *seen = context;
    (void)error;
    snprintf(seen->fleet, sizeof seen->fleet, "%.*s", (int)size, (const char *)blob);
    seen->fleets++;
    return 0;
}

static int on_host(void *context, const struct ip *host, const void *blob, size_t size,
                   struct error *error)
{
    struct seen *seen = context;
    assert_true(seen->hosts < 8 && size <= 64);
    ip_text(host, seen->host[seen->hosts]);
    if (size)
        memcpy(seen->blob[seen->hosts], blob, size);
    if (++seen->hosts == seen->fail_at)
        return error_set(error, ERROR_RUN, "enough");
    return 0;
}

static size_t slurp(const char *path, uint8_t *data, size_t room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(data, 1, room, file);
    fclose(file);
    return size;
}

static void put(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.hosts = 0};
    struct error error = {0};
    assert_int_equal(baseline_writer_finish(three_hosts(), f->path, &error), 0);
    assert_int_equal(baseline_read(f->path, on_fleet, on_host, &seen, &error), 0);
    assert_string_equal(seen.fleet, "FLEET");
    assert_int_equal(seen.hosts, 3);
    assert_string_equal(seen.host[0], "10.0.0.1");
    assert_string_equal(seen.host[1], "10.0.0.2");
    assert_string_equal(seen.host[2], "fd00::1");
    assert_string_equal(seen.blob[0], "one");
    assert_memory_equal(seen.blob[2], "three\0x", 7);
    seen = (struct seen){.hosts = 0};
    assert_int_equal(baseline_read(f->path, NULL, on_host, &seen, &error), 0);
    assert_int_equal(seen.hosts, 3);
    assert_int_equal(baseline_read(f->path, on_fleet, NULL, &seen, &error), 0);
    assert_int_equal(seen.fleets, 1);
}

static void test_bytes(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512], digest[SHA256_SIZE];
    baseline_writer_finish(three_hosts(), f->path, NULL);
    size_t size = slurp(f->path, data, sizeof data);
    /* 8 + 4 + 4 + 5, (16 + 4 + 3) + (16 + 4) + (16 + 4 + 7), 32 */
    assert_int_equal(size, 21 + 23 + 20 + 27 + 32);
    assert_memory_equal(data, "WEIRBASE\1\0\0\0\5\0\0\0FLEET", 21);
    assert_memory_equal(data + 21, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1\3\0\0\0one", 23);
    digest_sha256(data, size - 32, digest);
    assert_memory_equal(data + size - 32, digest, 32);
    unlink(f->path);
    uint8_t again[512];
    baseline_writer_finish(three_hosts(), f->path, NULL);
    assert_int_equal(slurp(f->path, again, sizeof again), size);
    assert_memory_equal(data, again, size);
}

static void test_empty(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.hosts = 0};
    struct baseline_writer *writer = baseline_writer_new(NULL, 0);
    assert_int_equal(baseline_writer_finish(writer, f->path, NULL), 0);
    assert_int_equal(baseline_read(f->path, on_fleet, on_host, &seen, NULL), 0);
    assert_int_equal(seen.fleets, 1);
    assert_int_equal(seen.hosts, 0);
    assert_int_equal(baseline_writer_finish(three_hosts(), NULL, NULL), 0); /* dropped */
}

static void expect_refused(const char *path, const char *words)
{
    struct seen seen = {.hosts = 0};
    struct error error = {0};
    assert_int_equal(baseline_read(path, on_fleet, on_host, &seen, &error), -1);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, path));
    if (!strstr(error.message, words))
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
    assert_int_equal(seen.fleets + seen.hosts, 0);
}

/* Cut at every byte, and every byte changed. */
static void test_damage(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    baseline_writer_finish(three_hosts(), f->path, NULL);
    size_t size = slurp(f->path, data, sizeof data);
    for (size_t cut = 0; cut < size; cut++) {
        put(f->path, data, cut);
        expect_refused(f->path, cut < 8 ? "not a Weir baseline" : "damaged");
    }
    for (size_t at = 0; at < size; at++) {
        data[at] ^= 0x10;
        put(f->path, data, size);
        expect_refused(f->path, at < 8 ? "not a Weir baseline" : at < 12 ? "newer" : "damaged");
        data[at] ^= 0x10;
    }
    data[size] = 0;
    put(f->path, data, size + 1);
    expect_refused(f->path, "damaged");
}

/* The hash is right, what it covers is not. */
static void expect_refused_content(const char *path, const char *content, size_t size,
                                   const char *words)
{
    uint8_t data[512];
    memcpy(data, content, size);
    digest_sha256(data, size, data + size);
    put(path, data, size + 32);
    expect_refused(path, words);
}

#define HEAD          "WEIRBASE\1\0\0\0"
#define ONE           "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1"
#define TWO           "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\2"
#define CONTENT(text) (text), sizeof(text) - 1

static void test_structure(void **state)
{
    struct fixture *f = *state;
    expect_refused_content(f->path, CONTENT(HEAD), "lengths");
    expect_refused_content(f->path, CONTENT(HEAD "\5\0\0\0FLEE"), "lengths");
    expect_refused_content(f->path, CONTENT(HEAD "\0\0\0\0x"), "lengths");
    expect_refused_content(f->path, CONTENT(HEAD "\0\0\0\0" ONE "\1\0\0\0"), "lengths");
    expect_refused_content(f->path, CONTENT(HEAD "\0\0\0\0" ONE "\xff\xff\xff\xff"), "lengths");
    expect_refused_content(f->path, CONTENT(HEAD "\0\0\0\0" TWO "\0\0\0\0" ONE "\0\0\0\0"),
                           "lengths");
    expect_refused_content(f->path, CONTENT(HEAD "\0\0\0\0" ONE "\0\0\0\0" ONE "\0\0\0\0"),
                           "lengths");
    expect_refused_content(f->path, CONTENT("WEIRBASE\0\0\0\0\0\0\0\0"), "damaged");
    expect_refused_content(f->path, CONTENT("WEIRBASE\2\0\0\0\0\0\0\0"), "newer Weir (schema 2");
}

static void test_missing(void **state)
{
    struct fixture *f = *state;
    expect_refused(f->path, strerror(ENOENT));
    expect_refused(f->folder, "is not a file");
}

static void test_callback_fails(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.fail_at = 2};
    struct error error = {0};
    baseline_writer_finish(three_hosts(), f->path, NULL);
    assert_int_equal(baseline_read(f->path, on_fleet, on_host, &seen, &error), -1);
    assert_string_equal(error.message, "enough");
    assert_int_equal(seen.hosts, 2);
}

/* The old file stays when the new one cannot be written. */
static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    struct rlimit old;
    struct error error = {0};
    uint8_t data[512];
    baseline_writer_finish(three_hosts(), f->path, NULL);
    size_t size = slurp(f->path, data, sizeof data);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit small = {60, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int result = baseline_writer_finish(three_hosts(), f->path, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(result, -1);
    assert_int_equal(error.code, ERROR_RUN);
    assert_non_null(strstr(error.message, strerror(EFBIG)));
    assert_int_equal(slurp(f->path, data, sizeof data), size);
    error = (struct error){0};
    assert_int_equal(baseline_writer_finish(three_hosts(), "/nonexistent/b.weir", &error), -1);
    assert_non_null(strstr(error.message, strerror(ENOENT)));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A link where the file is begun: what it points to is not written. */
static void test_a_link_beside(void **state)
{
    struct fixture *f = *state;
    char other[140], text[8] = "";
    struct error error = {0};
    snprintf(other, sizeof other, "%s/other", f->folder);
    FILE *file = fopen(other, "w");
    fputs("mine", file);
    fclose(file);
    assert_int_equal(symlink(other, f->beside), 0);
    assert_int_equal(baseline_writer_finish(three_hosts(), f->path, &error), 0);
    file = fopen(other, "r");
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "mine");
}

/* Nobody writes to it: it is refused, not waited for. */
static void test_a_fifo(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    assert_int_equal(mkfifo(f->path, 0600), 0);
    alarm(10);
    assert_int_equal(baseline_read(f->path, NULL, NULL, NULL, &error), -1);
    alarm(0);
    assert_int_equal(error.code, ERROR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_round_trip),    T(test_bytes),   T(test_empty),          T(test_damage),
        T(test_structure),     T(test_missing), T(test_callback_fails), T(test_disk_full),
        T(test_a_link_beside), T(test_a_fifo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
