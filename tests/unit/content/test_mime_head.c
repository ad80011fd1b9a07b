/* What a head's fields say of the body that follows. */
#include "../../../sensor/content/mime_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LONG70 "0123456789012345678901234567890123456789012345678901234567890123456789"

static void test_boundaries(void **state)
{
    (void)state;
    static const struct {
        const char *value, *boundary; /* "": none */
    } row[] = {
        {"multipart/mixed; boundary=abc", "abc"},
        {"multipart/mixed;\r\n\tBOUNDARY=\"a b\\\"c\" ; x=y", "a b\"c"},
        {"multipart/mixed; boundary = abc ;", "abc"},
        {"multipart/mixed; x=\"; boundary=no\"; boundary=yes", "yes"},
        {"multipart/mixed; boundary=\"trailing  \"", "trailing"},
        {"multipart/mixed; boundary=a b", "a"},
        {"multipart/mixed; boundary=" LONG70, LONG70},
        {"multipart/mixed; boundary=x" LONG70, ""},
        {"multipart/mixed; boundary=\"\"", ""},
        {"multipart/mixed; boundary=", ""},
        {"multipart/mixed; boundary*0=abc", ""},
        {"boundary=abc", ""}, /* that is the type */
        {"multipart/mixed; boundary=\"not ended", "not ended"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        char boundary[BODY_BOUNDARY_MAX + 1] = "?";
        bool has = mime_boundary(row[i].value, strlen(row[i].value), boundary);
        assert_int_equal(has, row[i].boundary[0] != '\0');
        assert_string_equal(boundary, row[i].boundary);
    }
}

static void test_fields(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        enum mime_kind kind;
        enum body_coding coding;
    } row[] = {
        {"Content-Type: multipart/mixed; boundary=b\r\n", MIME_MULTIPART, CODING_NONE},
        {"content-type:Multipart/Digest;boundary=b", MIME_DIGEST, CODING_NONE},
        {"Content-Type: multipart/mixed\r\n", MIME_MULTIPART, CODING_NONE},
        {"CONTENT-TYPE : message/rfc822\r\n", MIME_MESSAGE, CODING_NONE},
        {"Content-Type: text/plain; boundary=b\r\n", MIME_LEAF, CODING_NONE},
        {"Content-Transfer-Encoding:\r\n base64 \r\n", MIME_LEAF, CODING_BASE64},
        {"Content-Transfer-Encoding: Quoted-Printable;\r\n", MIME_LEAF, CODING_QUOTED},
        {"Content-Transfer-Encoding: 8bit\r\n", MIME_LEAF, CODING_NONE},
        {"Content-Transfer-Encoding: x-uuencode\r\n", MIME_LEAF, CODING_UNKNOWN},
        {"X-Content-Transfer-Encoding: base64\r\n", MIME_LEAF, CODING_NONE},
        {"Content-Transfer-Encoding base64\r\n", MIME_LEAF, CODING_NONE},
        {"", MIME_LEAF, CODING_NONE},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        struct mime_said said = {.kind = MIME_LEAF, .coding = CODING_NONE};
        mime_read_field(&said, row[i].field, strlen(row[i].field));
        assert_int_equal(said.kind, row[i].kind);
        assert_int_equal(said.coding, row[i].coding);
    }
}

/* Where a head ends, however it is cut; `used` is how far it was read. */
static void test_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum mime_head_result result;
        size_t used, held;
    } row[] = {
        {"A: b\r\n c\r\n\r\nbody", MIME_HEAD_END, 12, 0},
        {"A : b\n\nbody", MIME_HEAD_END, 7, 0},
        {"\r\nbody", MIME_HEAD_END, 2, 0},
        {"A: b\r\nno field\r\n", MIME_HEAD_NO_FIELD, 10, 4},
        {"--boundary\r\n", MIME_HEAD_NO_FIELD, 2, 2},
        {" folded\r\n", MIME_HEAD_NO_FIELD, 1, 1},
        {"word\r\n", MIME_HEAD_NO_FIELD, 5, 5},
        {"A: b\r\nB", MIME_HEAD_MORE, 7, 0},
    };
    for (size_t i = 0; i < COUNT(row); i++)
        for (size_t most = 1; most < 20; most++) {
            struct mime_head head = {.bytes = 0};
            enum mime_head_result result = MIME_HEAD_MORE;
            size_t at = 0, used = 0, size = strlen(row[i].text);
            for (; at < size && result == MIME_HEAD_MORE; at += used)
                result = mime_head_take(&head, (const uint8_t *)row[i].text + at,
                                        size - at < most ? size - at : most, &used);
            assert_int_equal(result, row[i].result);
            assert_int_equal(at, row[i].used);
            if (result == MIME_HEAD_NO_FIELD)
                assert_int_equal(head.size, row[i].held);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boundaries),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
