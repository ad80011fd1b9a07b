/* Containers: what begins here, and is it encrypted? Made by hand, from their specifications. */
#include "../../../sensor/content/container.h"
#include "bytes.h"
#include "finds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct finds finds;
static struct hash_key key;
static struct bytes b;

static void put_le(uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++, value >>= 8)
        put8(&b, (unsigned)(value & 0xff));
}

static void start(void)
{
    b.size = 0;
}

static void put_zeros(size_t count)
{
    while (count-- > 0)
        put8(&b, 0);
}

/* What is in `b`, in pieces of `most` bytes; a gap instead of the bytes from `gap` on. */
static void run(size_t most, size_t gap, size_t gap_bytes)
{
    struct finder finder = {NULL, on_find, &finds};
    struct container_scanner *scanner = container_scanner_new(&key, &finder);
    finds_clear(&finds);
    finds.brief = true;
    for (size_t at = 0; at < b.size;) {
        size_t end = at < gap ? gap : b.size, size = end - at < most ? end - at : most;
        if (at == gap) {
            container_scanner_gap(scanner, gap_bytes);
            at += gap_bytes;
            gap = b.size;
            continue;
        }
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, b.data + at, size);
        container_scanner_put(scanner, copy, size);
        free(copy);
        at += size;
    }
    container_scanner_finish(scanner);
    container_scanner_finish(scanner); /* once is all */
    container_scanner_free(scanner);
}

static void expect(const char *label)
{
    static const size_t most[] = {1, 3, 29, 31, 100, 271, 273, 1460, 1 << 20};
    char expected[80] = "";
    if (*label)
        snprintf(expected, sizeof expected, "archive:%s[] ", label);
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        run(most[i], b.size, 0);
        assert_string_equal(finds.log, expected);
    }
}

/* --- ZIP ---------------------------------------------------------------------------------------
 */

static void zip_entry(const char *name, unsigned flags, unsigned method, uint32_t packed)
{
    put(&b, "PK\3\4", 4);
    put_le(20, 2);
    put_le(flags, 2);
    put_le(method, 2);
    put_le(0, 8);
    put_le(packed, 4);
    put_le(packed, 4);
    put_le(strlen(name), 2);
    put_le(0, 2);
    put_text(&b, name);
    for (uint32_t i = 0; i < packed; i++)
        put8(&b, 'x');
}

static void test_zip(void **state)
{
    (void)state;
    start();
    zip_entry("a.txt", 0, 8, 500);
    zip_entry("b.txt", 0, 0, 0);
    expect("zip");
    zip_entry("c.txt", 1, 8, 40); /* the third one is encrypted */
    expect("zip-encrypted");
    start();
    zip_entry("a.txt", 0, 99, 10); /* AES */
    expect("zip-encrypted");
    start();
    zip_entry("[Content_Types].xml", 8, 8, 10);
    expect("office");
    start();
    zip_entry("a/", 0, 0, 0);
    zip_entry("word/document.xml", 0, 8, 10);
    expect("office");
    start();
    put_text(&b,
             "see PK\3\4 within a text that is no archive, for its name is not at its beginning");
    expect("");
    start();
    zip_entry("a", 0, 77, 10); /* no such method */
    expect("");
    start();
    put(&b, "PK\3\4", 4); /* cut */
    expect("");
}

static void test_one_archive_is_one(void **state)
{
    (void)state;
    start();
    zip_entry("a.txt", 0, 8, 500);
    run(1460, b.size, 0);
    uint64_t first = finds.hash[0];
    run(7, b.size, 0);
    assert_true(finds.hash[0] == first);
    b.data[40] ^= 1;
    run(1460, b.size, 0);
    assert_true(finds.hash[0] != first);
}

/* Bytes that nobody wants may be missing; wanted ones leave it at what is known. */
static void test_gaps(void **state)
{
    (void)state;
    start();
    zip_entry("a.txt", 0, 8, 2000);
    size_t second = b.size;
    zip_entry("b.txt", 1, 8, 10);
    run(1460, 400, 1000);
    assert_string_equal(finds.log, "archive:zip-encrypted[] ");
    run(1460, second - 5, 10);
    assert_string_equal(finds.log, "archive:zip[] ");
    run(1460, 100, 10); /* of the beginning only a part is seen */
    assert_string_equal(finds.log, "archive:zip[] ");
}

/* --- others ------------------------------------------------------------------------------------
 */

static void seven(uint64_t offset, const void *header, size_t size)
{
    start();
    put(&b, "7z\xbc\xaf\x27\x1c\0\4", 8);
    put_le(0, 4);
    put_le(offset, 8);
    put_le(size, 8);
    put_le(0, 4);
    put_zeros(offset);
    put(&b, header, size);
}

static void test_7z(void **state)
{
    (void)state;
    seven(3000, "\x17\x06\x00\x01\x09\x23\x03\x01\x01\x05", 10);
    expect("7z");
    seven(3000, "\x17\x06\x00\x01\x09\x24\x06\xf1\x07\x01\x0a", 11);
    expect("7z-encrypted");
    seven(UINT64_MAX >> 56, "", 0);
    expect("7z");
}

static void test_rar(void **state)
{
    (void)state;
    start();
    put(&b, "Rar!\x1a\7\0", 7);
    put(&b, "\0\0\x73\0\0\x0d\0\0\0\0\0\0\0", 13); /* main header */
    put(&b, "\0\0\x74\0\x80\x20\0\x10\0\0\0", 11); /* a file: 32 bytes of header, 16 packed */
    put_zeros(21 + 16);
    size_t second = b.size;
    put(&b, "\0\0\x74\4\x80\x20\0\x10\0\0\0", 11);
    put_zeros(21 + 16);
    expect("rar-encrypted");
    b.size = second;
    expect("rar");
    b.data[7 + 3] = 0x80; /* main header: all headers are encrypted */
    expect("rar-encrypted");
    start();
    put(&b, "Rar!\x1a\7\1\0", 8);
    put(&b, "\1\2\3\4\x05\1\0\0\0\0", 10); /* main header: 5 bytes */
    put(&b, "\1\2\3\4\x0f\2\3\4\x08", 9);  /* a file: 15 bytes, 4 extra, 8 of data */
    put(&b, "\0\0\0\0\0\1a", 7);           /* file flags … name */
    put(&b, "\3\2\0\0", 4);                /* a record of type 2 */
    put_zeros(8);
    expect("rar");
    b.data[b.size - 8 - 3] = 1; /* type 1: how the file is encrypted */
    expect("rar-encrypted");
    start();
    put(&b, "Rar!\x1a\7\1\0\1\2\3\4\x21\4\0", 15); /* an encryption header */
    put_zeros(40);
    expect("rar-encrypted");
}

static void test_pdf(void **state)
{
    (void)state;
    start();
    put_text(&b, "%PDF-1.7\n");
    put_zeros(600);
    put_text(&b, "<< /EncryptMetadata false >>");
    expect("pdf");
    put_text(&b, "trailer << /Root 1 0 R /Encrypt 12 0 R >>");
    expect("pdf-encrypted");
    start();
    put_text(&b, "%PDF-x is how they begin");
    expect("");
}

static void ole(const char *name, uint32_t sector)
{
    start();
    put(&b, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
    put_zeros(22);
    put_le(9, 2);
    put_zeros(16);
    put_le(sector, 4);
    put_zeros(((size_t)sector + 1) * 512 - b.size);
    put_zeros(128); /* the first entry */
    size_t entry = b.size;
    put_zeros(128);
    for (size_t i = 0; name[i]; i++)
        b.data[entry + 2 * i] = (uint8_t)name[i];
}

static void test_ole(void **state)
{
    (void)state;
    ole("Something", 3);
    expect("ole");
    ole("WordDocument", 0);
    expect("office");
    ole("EncryptedPackage", 20);
    expect("office-encrypted");
}

static void test_packed(void **state)
{
    (void)state;
    start();
    put(&b, "\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
    put_zeros(30);
    expect("gzip");
    b.data[3] = 0x80; /* a flag that is not defined */
    expect("");
    start();
    put(&b,
        "\xfd"
        "7zXZ\0\0\4",
        8);
    expect("xz");
    start();
    put(&b, "\x28\xb5\x2f\xfd\x04\x58\0\0\0\0", 10);
    expect("zstd");
    start();
    put(&b, "BZh91AY&SY", 10);
    expect("bzip2");
    start();
    put_text(&b, "a.txt");
    put_zeros(252);
    put(&b, "ustar\0", 6);
    b.data[257 + 6] = '0';
    put_zeros(250);
    expect("tar");
    start();
    expect("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zip),  cmocka_unit_test(test_one_archive_is_one),
        cmocka_unit_test(test_gaps), cmocka_unit_test(test_7z),
        cmocka_unit_test(test_rar),  cmocka_unit_test(test_pdf),
        cmocka_unit_test(test_ole),  cmocka_unit_test(test_packed),
    };
    hash_key_init(&key, "site", 4);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
