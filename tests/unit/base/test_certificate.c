/* Names of certificates. Those of certificates.h were made elsewhere; what they hold is written
 * there. */
#include "weir/base/certificate.h"

#include "../certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char text[CERTIFICATE_NAMES * (CERTIFICATE_NAME_MAX + 1) + 1];

/* From an exact allocation, so that nothing past the end is read unseen. */
static bool names_of(const uint8_t *der, size_t size)
{
    struct buffer names = {NULL, 0, 0};
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, der, size);
    bool sound = certificate_names(copy, size, &names);
    assert_true(names.size < sizeof text);
    if (names.size)
        memcpy(text, names.data, names.size);
    text[names.size] = '\0';
    buffer_fini(&names);
    free(copy);
    return sound;
}

static void test_names(void **state)
{
    (void)state;
    assert_true(names_of(certificate_two_names, sizeof certificate_two_names));
    assert_string_equal(text, "www.example.com,*.example.org,192.0.2.7,2001:db8::7");
    assert_true(names_of(certificate_common_name, sizeof certificate_common_name));
    assert_string_equal(text, "last.example");
    assert_true(names_of(certificate_no_name, sizeof certificate_no_name));
    assert_string_equal(text, "");
    assert_true(
        names_of(certificate_address_and_common_name, sizeof certificate_address_and_common_name));
    assert_string_equal(text, "192.0.2.9,host.example");
}

/* "good.example\0evil.example" is neither; a dNSName is there, so the common name does not count.
 */
static void test_nul(void **state)
{
    (void)state;
    assert_true(names_of(certificate_nul_in_name, sizeof certificate_nul_in_name));
    assert_string_equal(text, "");
}

static void test_cut(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof certificate_two_names; size++) {
        assert_false(names_of(certificate_two_names, size));
        assert_string_equal(text, "");
    }
}

static void test_damage(void **state)
{
    (void)state;
    uint8_t der[sizeof certificate_two_names];
    for (size_t at = 0; at < sizeof der; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(der, certificate_two_names, sizeof der);
            der[at] ^= (uint8_t)(1u << bit);
            bool sound = names_of(der, sizeof der);
            assert_true(sound || *text == '\0');
            for (const char *c = text; *c; c++)
                assert_true(*c > ' ' && *c < 0x7f && (*c < 'A' || *c > 'Z'));
        }
}

static void test_too_large(void **state)
{
    (void)state;
    uint8_t *der = calloc(1, CERTIFICATE_MAX + 1);
    memcpy(der, certificate_two_names, sizeof certificate_two_names);
    assert_true(names_of(der, CERTIFICATE_MAX)); /* what follows it is not its own */
    assert_false(names_of(der, CERTIFICATE_MAX + 1));
    free(der);
}

static void put_head(uint8_t *der, size_t *at, uint8_t tag, size_t size)
{
    der[(*at)++] = tag;
    der[(*at)++] = 0x82;
    der[(*at)++] = (uint8_t)(size >> 8);
    der[(*at)++] = (uint8_t)size;
}

/* A certificate with `count` names "host000.example", by hand: no signature, an empty key. */
static size_t many_names(uint8_t *der, unsigned count)
{
    static const uint8_t before[] = {2, 1, 7, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0};
    static const uint8_t san[] = {6, 3, 0x55, 0x1d, 0x11};
    size_t list = count * 17, octets = list + 4, extension = sizeof san + octets + 4;
    size_t extensions = extension + 4, field = extensions + 4, at = 0;
    size_t signed_size = sizeof before + field + 4;
    put_head(der, &at, 0x30, signed_size + 4);
    put_head(der, &at, 0x30, signed_size);
    memcpy(der + at, before, sizeof before);
    at += sizeof before;
    put_head(der, &at, 0xa3, field);
    put_head(der, &at, 0x30, extensions);
    put_head(der, &at, 0x30, extension);
    memcpy(der + at, san, sizeof san);
    at += sizeof san;
    put_head(der, &at, 4, octets);
    put_head(der, &at, 0x30, list);
    for (unsigned i = 0; i < count; i++) {
        const char name[] = {(char)0x82,
                             15,
                             'h',
                             'o',
                             's',
                             't',
                             (char)('0' + i / 100),
                             (char)('0' + i / 10 % 10),
                             (char)('0' + i % 10),
                             '.',
                             'e',
                             'x',
                             'a',
                             'm',
                             'p',
                             'l',
                             'e'};
        memcpy(der + at, name, sizeof name);
        at += sizeof name;
    }
    return at;
}

/* All of them: a server that serves many is no forger because its list is long. */
static void test_many_names(void **state)
{
    (void)state;
    uint8_t *der = calloc(1, CERTIFICATE_MAX);
    unsigned names = 1;
    assert_true(names_of(der, many_names(der, 500)));
    for (const char *c = text; *c; c++)
        names += *c == ',';
    assert_int_equal(names, 500);
    assert_true(certificate_holds(text, "host499.example"));
    free(der);
}

/* RFC 6125 6.4.3 */
static void test_holds(void **state)
{
    (void)state;
    static const char names[] = "www.example.com,*.example.org,192.0.2.7";
    assert_true(certificate_holds(names, "www.example.com"));
    assert_true(certificate_holds(names, "WWW.example.com"));
    assert_true(certificate_holds(names, "a.example.org"));
    assert_true(certificate_holds(names, "192.0.2.7"));
    assert_false(certificate_holds(names, "example.com"));
    assert_false(certificate_holds(names, "a.www.example.com"));
    assert_false(certificate_holds(names, "example.org"));
    assert_false(certificate_holds(names, ".example.org"));
    assert_false(certificate_holds(names, "a.b.example.org"));
    assert_false(certificate_holds(names, "ww.example.com"));
    assert_false(certificate_holds(names, "www.example.co"));
    assert_false(certificate_holds("", "www.example.com"));
    assert_false(certificate_holds("*", "com"));
    assert_false(certificate_holds("w*.example.com", "www.example.com"));
}

int main(void)
{
    certificate_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_nul),
        cmocka_unit_test(test_cut),       cmocka_unit_test(test_damage),
        cmocka_unit_test(test_too_large), cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
