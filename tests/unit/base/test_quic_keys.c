/* Keys against RFC 9001's and RFC 9369's appendices A; AES-GCM against test case 4 of McGrew and
 * Viega's paper. */
#include "weir/base/quic_keys.h"

#include "weir/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t id[] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};

static void expect_hex(const uint8_t *data, size_t size, const char *hex)
{
    char text[HEX_SIZE(64)];
    assert_string_equal(hex_text(data, size, text), hex);
}

static void from_hex(const char *hex, uint8_t *out)
{
    for (; *hex; hex += 2) {
        const char digits[] = {hex[0], hex[1], '\0'};
        *out++ = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static void test_version_1(void **state)
{
    (void)state;
    struct quic_keys keys;
    assert_true(quic_client_keys(QUIC_VERSION_1, id, sizeof id, &keys));
    expect_hex(keys.key, 16, "1f369613dd76d5467730efcbe3b1a22d");
    expect_hex(keys.iv, 12, "fa044b2f42a3fd3b46fb255c");
    expect_hex(keys.header, 16, "9f50449e04a0e810283a1e9933adedd2");
    uint8_t sample[QUIC_SAMPLE_SIZE], mask[QUIC_MASK_SIZE];
    from_hex("d1b1c98dd7689fb8ec11d242b123dc9b", sample);
    assert_true(quic_header_mask(&keys, sample, mask));
    expect_hex(mask, 5, "437b9aec36");
}

static void test_version_2(void **state)
{
    (void)state;
    struct quic_keys keys;
    assert_true(quic_client_keys(QUIC_VERSION_2, id, sizeof id, &keys));
    expect_hex(keys.key, 16, "8b1a0bc121284290a29e0971b5cd045d");
    expect_hex(keys.iv, 12, "91f73e2351d8fa91660e909f");
    expect_hex(keys.header, 16, "45b95e15235d6f45a6b19cbcb0294ba9");
}

static void test_versions(void **state)
{
    (void)state;
    static const uint32_t known[] = {1, 0x6b3343cf, 0xff000017, 0xff00001d, 0xff000020, 0xff000022};
    static const uint32_t unknown[] = {0, 2, 0xff000016, 0xff000023, 0x0a0a0a0a, 0x51303433};
    struct quic_keys keys;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(quic_version_known(known[i]) && quic_client_keys(known[i], id, 8, &keys));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_false(quic_version_known(unknown[i]) || quic_client_keys(unknown[i], id, 8, &keys));
}

static const char *const plain =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c"
    "95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
static const char *const sealed =
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514"
    "b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
    "5bc94fbc3221a5db94fae95ae7121a47";
#define PLAIN_SIZE  60u
#define SEALED_SIZE (PLAIN_SIZE + QUIC_TAG_SIZE)

static bool open_case(struct quic_keys *keys, uint64_t number, size_t damaged, size_t size,
                      uint8_t *out)
{
    uint8_t header[20], data[SEALED_SIZE];
    from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", header);
    from_hex(sealed, data);
    if (damaged < SEALED_SIZE)
        data[damaged] ^= 1;
    else if (damaged < SEALED_SIZE + sizeof header)
        header[damaged - SEALED_SIZE] ^= 1;
    return quic_open(keys, number, header, sizeof header, data, size, out);
}

static void test_open(void **state)
{
    (void)state;
    struct quic_keys keys;
    uint8_t out[PLAIN_SIZE], want[PLAIN_SIZE];
    from_hex("feffe9928665731c6d6a8f9467308308", keys.key);
    from_hex("cafebabefacedbaddecaf888", keys.iv);
    from_hex(plain, want);
    assert_true(open_case(&keys, 0, SIZE_MAX, SEALED_SIZE, out));
    assert_memory_equal(out, want, PLAIN_SIZE);
    for (size_t at = 0; at < SEALED_SIZE + 20; at++)
        assert_false(open_case(&keys, 0, at, SEALED_SIZE, out));
    for (size_t size = 0; size < SEALED_SIZE; size++)
        assert_false(open_case(&keys, 0, SIZE_MAX, size, out));
    assert_false(open_case(&keys, 1, SIZE_MAX, SEALED_SIZE, out));
    keys.iv[11] ^= 5; /* the number is in the nonce's last bytes */
    keys.iv[4] ^= 1;
    assert_true(open_case(&keys, UINT64_C(0x0100000000000005), SIZE_MAX, SEALED_SIZE, out));
}

/* The header may lie where its packet is opened to. */
static void test_open_in_place(void **state)
{
    (void)state;
    struct quic_keys keys;
    uint8_t out[PLAIN_SIZE], want[PLAIN_SIZE], data[SEALED_SIZE];
    from_hex("feffe9928665731c6d6a8f9467308308", keys.key);
    from_hex("cafebabefacedbaddecaf888", keys.iv);
    from_hex(plain, want);
    from_hex(sealed, data);
    from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", out);
    assert_true(quic_open(&keys, 0, out, 20, data, SEALED_SIZE, out));
    assert_memory_equal(out, want, PLAIN_SIZE);
}

int main(void)
{
    quic_keys_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_1),     cmocka_unit_test(test_version_2),
        cmocka_unit_test(test_versions),      cmocka_unit_test(test_open),
        cmocka_unit_test(test_open_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
