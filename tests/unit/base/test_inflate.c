/* Streams made by the libraries' own compressors: read back byte for byte in pieces of every size,
 * several members, padding, cut anywhere, spoilt, and a window that is too large; by their first
 * bytes and by HTTP's names. */
#include "weir/base/inflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <brotli/encode.h>
#include <cmocka.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define PLAIN 200000u

static uint8_t plain[PLAIN];

/* NOLINTNEXTLINE(readability-non-const-parameter): zlib writes there, through next_out */
static size_t pack_bits(uint8_t *to, size_t room, int level, int bits)
{
    z_stream z = {.next_in = plain, .avail_in = PLAIN, .next_out = to, .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static size_t pack_gzip(uint8_t *to, size_t room)
{
    return pack_bits(to, room, 6, 31);
}

static size_t pack_zlib(uint8_t *to, size_t room)
{
    return pack_bits(to, room, 6, 15);
}

static size_t pack_bare(uint8_t *to, size_t room)
{
    return pack_bits(to, room, 6, -15);
}

/* Stored blocks: the first byte is a zero. */
static size_t pack_stored(uint8_t *to, size_t room)
{
    return pack_bits(to, room, 0, -15);
}

static size_t pack_brotli(uint8_t *to, size_t room)
{
    size_t size = room;
    assert_true(BrotliEncoderCompress(5, 22, BROTLI_DEFAULT_MODE, PLAIN, plain, &size, to));
    return size;
}

static size_t pack_zstd(uint8_t *to, size_t room)
{
    return ZSTD_compress(to, room, plain, PLAIN, 3);
}

static size_t pack_lz4(uint8_t *to, size_t room)
{
    return LZ4F_compressFrame(to, room, plain, PLAIN, NULL);
}

static size_t pack_xz(uint8_t *to, size_t room)
{
    size_t size = 0;
    assert_int_equal(
        lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, plain, PLAIN, to, &size, room), LZMA_OK);
    return size;
}

static const struct {
    const char *name;
    size_t (*pack)(uint8_t *to, size_t room);
} kinds[] = {{"gzip", pack_gzip}, {"zstd", pack_zstd}, {"lz4", pack_lz4}, {"xz", pack_xz}};
#define KINDS (sizeof kinds / sizeof *kinds)

static const struct {
    const char *name;
    size_t (*pack)(uint8_t *to, size_t room);
    bool members;
} named[] = {{"gzip", pack_gzip, true},     {"zstd", pack_zstd, true},
             {"deflate", pack_zlib, false}, {"deflate", pack_bare, false},
             {"br", pack_brotli, false},    {"deflate", pack_stored, false}};
#define NAMED (sizeof named / sizeof *named)

static uint8_t packed[4 * PLAIN];

/* How much came out, all of it as it was; `complete`: the stream may end where it did. */
static size_t unpack_by(struct inflate *inflate, size_t size, size_t in, size_t room,
                        bool *complete, enum inflate_result *result)
{
    static uint8_t out[PLAIN];
    size_t made = 0;
    assert_non_null(inflate);
    struct inflate_step step = {.in = packed};
    *result = INFLATE_OK;
    for (bool going = true; going && *result == INFLATE_OK;) {
        size_t left = size - (size_t)(step.in - packed);
        const uint8_t *before = step.in;
        step.in_size = left < in ? left : in;
        step.out = out;
        step.out_size = room;
        *result = inflate_go_on(inflate, &step);
        for (size_t i = 0; i < room - step.out_size; i++)
            assert_int_equal(out[i], plain[made++ % PLAIN]);
        going = step.in != before || step.out_size < room;
    }
    *complete = inflate_is_complete(inflate);
    inflate_free(inflate);
    return made;
}

static size_t unpack(size_t size, size_t in, size_t room, bool *complete,
                     enum inflate_result *result)
{
    return unpack_by(inflate_new(packed, size), size, in, room, complete, result);
}

static void expect(size_t size, size_t in, size_t room, size_t want)
{
    bool complete;
    enum inflate_result result;
    assert_int_equal(unpack(size, in, room, &complete, &result), want);
    assert_int_equal(result, INFLATE_OK);
    assert_true(complete);
}

static void test_whole(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        size_t size = kinds[k].pack(packed, sizeof packed);
        assert_string_equal(inflate_recognise(packed, size), kinds[k].name);
        assert_null(inflate_recognise(packed, 2));
        for (size_t in = 1; in < 2 * PLAIN; in = in * 7 + 1)
            for (size_t room = 1; room <= PLAIN; room = room * 11 + 1)
                expect(size, in, room, PLAIN);
    }
}

static void test_members_and_padding(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        size_t size = kinds[k].pack(packed, sizeof packed);
        memset(packed + size, 0, 512);
        expect(size + 512, 4096, 4096, PLAIN);
        memcpy(packed + size, packed, size);
        expect(2 * size, 4096, 4096, 2 * PLAIN);
    }
}

static void test_cut(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        size_t size = kinds[k].pack(packed, sizeof packed);
        for (size_t cut = 6; cut < size; cut = cut * 3 / 2) {
            bool complete;
            enum inflate_result result;
            assert_true(unpack(cut, 4096, 4096, &complete, &result) <= PLAIN);
            assert_int_equal(result, INFLATE_OK);
            assert_false(complete);
        }
    }
}

/* Every check of every format finds it: what comes out before is as it was, or nothing is said to
 * be whole. */
static void test_spoilt(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        size_t size = kinds[k].pack(packed, sizeof packed);
        memcpy(packed + size, "then something else", 20);
        bool complete;
        enum inflate_result result;
        unpack(size + 20, 4096, 4096, &complete, &result);
        assert_int_equal(result, INFLATE_DAMAGED);
        assert_false(complete);
    }
}

static void test_by_name(void **state)
{
    (void)state;
    for (size_t k = 0; k < NAMED; k++) {
        bool complete;
        enum inflate_result result;
        size_t size = named[k].pack(packed, sizeof packed);
        for (size_t in = 1; in < 2 * PLAIN; in = in * 7 + 1)
            for (size_t room = 1; room <= PLAIN; room = room * 11 + 1) {
                struct inflate *inflate = inflate_new_named(named[k].name, 8u << 20);
                assert_int_equal(unpack_by(inflate, size, in, room, &complete, &result), PLAIN);
                assert_int_equal(result, INFLATE_OK);
                assert_true(complete);
            }
        for (size_t cut = 1; cut < size; cut = cut * 3 / 2 + 1) {
            struct inflate *inflate = inflate_new_named(named[k].name, 8u << 20);
            assert_true(unpack_by(inflate, cut, 4096, 4096, &complete, &result) <= PLAIN);
            assert_int_equal(result, INFLATE_OK);
            assert_false(complete);
        }
        memcpy(packed + size, packed, size); /* a second member, or something else */
        struct inflate *inflate = inflate_new_named(named[k].name, 8u << 20);
        assert_int_equal(unpack_by(inflate, 2 * size, 4096, 4096, &complete, &result),
                         named[k].members ? 2 * PLAIN : PLAIN);
        assert_int_equal(result, named[k].members ? INFLATE_OK : INFLATE_DAMAGED);
    }
    assert_null(inflate_new_named("compress", 8u << 20));
}

/* What it holds is known, and the window is a bound of it. */
static void test_memory(void **state)
{
    (void)state;
    for (size_t k = 0; k < NAMED; k++) {
        uint8_t out[4096];
        size_t size = named[k].pack(packed, sizeof packed);
        struct inflate *inflate = inflate_new_named(named[k].name, 8u << 20);
        struct inflate_step step = {packed, size / 2, out, sizeof out};
        assert_int_equal(inflate_go_on(inflate, &step), INFLATE_OK);
        assert_in_range(inflate_memory_bytes(inflate), 4096, 8u << 20);
        inflate_free(inflate);
    }
    size_t size = pack_zstd(packed, sizeof packed); /* its window: all of it */
    bool complete;
    enum inflate_result result;
    struct inflate *inflate = inflate_new_named("zstd", 64u << 10);
    assert_int_equal(unpack_by(inflate, size, 4096, 4096, &complete, &result), 0);
    assert_int_equal(result, INFLATE_TOO_LARGE);
}

static void test_a_window_that_is_too_large(void **state)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    bool complete;
    enum inflate_result result;
    (void)state;
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 28);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    ZSTD_outBuffer out = {packed, sizeof packed, 0};
    ZSTD_inBuffer in = {plain, PLAIN, 0};
    while (ZSTD_compressStream2(context, &out, &in, in.pos < in.size ? ZSTD_e_flush : ZSTD_e_end) >
           0)
        ;
    ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
    ZSTD_freeCCtx(context);
    assert_int_equal(unpack(out.pos, 4096, 4096, &complete, &result), 0);
    assert_int_equal(result, INFLATE_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_members_and_padding),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_spoilt),
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_a_window_that_is_too_large),
    };
    uint32_t seed = 1;
    for (size_t i = 0; i < PLAIN; i++) { /* neither constant nor noise */
        seed = seed * 1664525u + 1013904223u;
        plain[i] = i % 1000 < 500 ? (uint8_t) "weir"[i % 4] : (uint8_t)(seed >> 24);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
