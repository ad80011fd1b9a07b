/* The console's files are in the program, byte for byte, each under its path and under no other. */
#include "weir/base/buffer.h"
#include "weir/base/digest.h"
#include "weir/bus/console_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_bytes(void **state)
{
    (void)state;
    const char *source = getenv("WEIR_SOURCE");
    if (!source)
        skip();
    for (const struct console_file *file = console_file_table; file->path; file++) {
        char *path = xasprintf("%s/sensor/console/web%s", source, file->path);
        char *bytes = malloc(file->size + 2);
        assert_non_null(bytes);
        FILE *stream = fopen(path, "rb");
        assert_non_null(stream);
        assert_int_equal(fread(bytes, 1, file->size + 1, stream), file->size);
        assert_memory_equal(bytes, file->bytes, file->size);
        fclose(stream);
        free(bytes);
        free(path);
    }
}

static void test_etag(void **state)
{
    (void)state;
    for (const struct console_file *file = console_file_table; file->path; file++) {
        uint8_t digest[SHA256_SIZE];
        char text[2 * SHA256_SIZE + 1];
        digest_sha256(file->bytes, file->size, digest);
        for (size_t i = 0; i < SHA256_SIZE; i++)
            snprintf(text + 2 * i, 3, "%02x", digest[i]);
        assert_string_equal(text, file->etag);
    }
}

static void test_find(void **state)
{
    (void)state;
    const struct console_file *page = console_file_find("/index.html");
    assert_non_null(page);
    assert_string_equal(page->type, "text/html; charset=utf-8");
    assert_ptr_equal(console_file_find("/"), page);
    assert_string_equal(console_file_find("/app.js")->type, "text/javascript; charset=utf-8");
    assert_string_equal(console_file_find("/app.css")->type, "text/css; charset=utf-8");
    static const char *const none[] = {"",       "/app.js/",  "//app.js",  "/app.js?x", "/APP.JS",
                                       "app.js", "/./app.js", "/%61pp.js", "/../app.js"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_null(console_file_find(none[i]));
}

/* Each is found where it stands, and the order does not hang on the file system. */
static void test_order(void **state)
{
    (void)state;
    for (const struct console_file *file = console_file_table; file->path; file++) {
        assert_ptr_equal(console_file_find(file->path), file);
        if (file[1].path)
            assert_true(strcmp(file->path, file[1].path) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_etag),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
