/* Bodies that are packed: every coding by its library's own compressor, false labels, damage, gaps,
 * bombs, and more decoders than there may be. */
#include "../../../sensor/content/coding.h"
#include "bytes.h"
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <brotli/encode.h>
#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#define ORIG SIDE_ORIG

#define PLAIN 6000u

static struct conversation c;
static struct bytes b;
static uint8_t plain[PLAIN], packed[2 * PLAIN];

/* 100 addresses among noise that does not pack to nothing. */
static void make_plain(void)
{
    uint32_t seed = 7;
    for (size_t i = 0; i < PLAIN; i++) {
        seed = seed * 1664525u + 1013904223u;
        plain[i] = (uint8_t)('a' + (seed >> 24) % 26);
    }
    for (size_t i = 0; i < 100; i++) {
        char address[32];
        int size = snprintf(address, sizeof address, " user%03zu@example.com ", i);
        memcpy(plain + 60 * i, address, (size_t)size);
    }
}

static int setup(void **state)
{
    (void)state;
    make_plain();
    memset(&b, 0, sizeof b);
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

static struct health health_now(void)
{
    struct health health = {0};
    content_health(c.content, &health);
    return health;
}

static void assert_fates(uint64_t damaged, uint64_t bombs, uint64_t unread)
{
    struct health health = health_now();
    assert_int_equal(health.bodies_damaged, damaged);
    assert_int_equal(health.bodies_bombs, bombs);
    assert_int_equal(health.bodies_unread, unread);
}

static size_t pack_bits(int bits)
{
    z_stream z = {.next_in = plain, .avail_in = PLAIN, .next_out = packed, .avail_out = 2 * PLAIN};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static size_t pack_gzip(void)
{
    return pack_bits(31);
}

static size_t pack_zlib(void)
{
    return pack_bits(15);
}

static size_t pack_bare(void)
{
    return pack_bits(-15);
}

static size_t pack_brotli(void)
{
    size_t size = sizeof packed;
    assert_true(BrotliEncoderCompress(9, 22, BROTLI_DEFAULT_MODE, PLAIN, plain, &size, packed));
    return size;
}

static size_t pack_zstd(void)
{
    return ZSTD_compress(packed, sizeof packed, plain, PLAIN, 3);
}

static const struct {
    const char *name;
    size_t (*pack)(void);
} codings[] = {{"gzip", pack_gzip},    {"X-GZip", pack_gzip}, {"deflate", pack_zlib},
               {"deflate", pack_bare}, {"br", pack_brotli},   {"zstd", pack_zstd}};
#define CODINGS_MADE (sizeof codings / sizeof *codings)

static uint16_t port = 20000;

static void say_head(const char *coding, size_t size)
{
    char head[128];
    snprintf(head, sizeof head,
             "PUT / HTTP/1.1\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n\r\n", coding, size);
    handshake(&c, port++, 80);
    say_text(&c, ORIG, head);
    memset(c.items, 0, sizeof c.items);
    c.hash_count = 0;
}

static void test_each(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODINGS_MADE; i++) {
        size_t size = codings[i].pack();
        for (size_t cut = 1; cut < 2 * size; cut = cut * 5 + 1) {
            say_head(codings[i].name, size);
            say_cut(&c, ORIG, packed, size, cut);
            finish(&c);
            assert_int_equal(c.items[ORIG], 100);
            assert_int_equal(c.facts.body[ORIG].seen_bytes, size);
        }
    }
    assert_fates(0, 0, 0);
}

/* What is not what it is said to be is inspected as it is; so is an unknown coding. */
static void test_false_labels(void **state)
{
    (void)state;
    uint64_t bodies = 0;
    for (size_t i = 0; i < CODINGS_MADE; i++)
        for (size_t most = 1; most <= 1000; most = most * 3 - most / 2) {
            say_head(codings[i].name, PLAIN);
            say_cut(&c, ORIG, plain, PLAIN, most);
            finish(&c);
            assert_int_equal(c.items[ORIG], 100);
            assert_fates(++bodies, 0, 0);
        }
    static const char *const unknown[] = {"compress", "x-unknown, gzip",
                                          "gzip,gzip,gzip,gzip,gzip"};
    for (size_t i = 0; i < 3; i++) {
        bool known_outside = i == 1; /* gzip comes off, the rest is as it is: here it is plain */
        size_t size = known_outside ? pack_gzip() : PLAIN;
        say_head(unknown[i], size);
        say_cut(&c, ORIG, known_outside ? packed : plain, size, 1000);
        finish(&c);
        assert_int_equal(c.items[ORIG], 100);
        assert_fates(bodies, 0, i + 1);
    }
}

/* Spoilt in the middle: what came before is seen, what comes after is seen as it is. */
static void test_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODINGS_MADE; i++) {
        size_t size = codings[i].pack();
        memset(packed + size / 2, 0xff, size - size / 2);
        memcpy(packed + size, " late@example.com ", 18);
        say_head(codings[i].name, size + 18);
        say_cut(&c, ORIG, packed, size + 18, 100);
        finish(&c);
        assert_in_range(c.items[ORIG], 1, 101);
        assert_fates(i + 1, 0, 0);
    }
}

static void test_unfinished(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODINGS_MADE; i++) {
        size_t size = codings[i].pack();
        say_head(codings[i].name, size);
        say_cut(&c, ORIG, packed, size - 6, 100);
        finish(&c);
        /* zstd's only block is not whole */
        assert_in_range(c.items[ORIG], strcmp(codings[i].name, "zstd") == 0 ? 0 : 50, 100);
        assert_int_equal(c.facts.body[ORIG].declared_bytes, size);
        assert_int_equal(c.facts.body[ORIG].seen_bytes, size - 6);
        assert_fates(i + 1, 0, 0);
    }
}

/* Behind a gap nothing can be undone, and nothing is made up; the next body is none the worse. */
static void test_gap(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODINGS_MADE; i++) {
        size_t size = codings[i].pack();
        say_head(codings[i].name, size);
        say_cut(&c, ORIG, packed, size / 3, 100);
        lose(&c, ORIG, 10);
        say(&c, ORIG, packed + size / 3 + 10, size - size / 3 - 10);
        say_text(&c, ORIG, "PUT / HTTP/1.1\r\nContent-Length: 17\r\n\r\nafter@example.com");
        finish(&c);
        assert_in_range(c.items[ORIG], 1, 60);
        assert_int_equal(c.facts.body[ORIG].bodies, 2);
        assert_int_equal(c.facts.body[ORIG].seen_bytes, size - 10 + 17);
        assert_fates(i + 1, 0, 0);
    }
}

/* 64 MiB of zeros in 64 KiB, with something behind them that nobody pays for. */
static void test_bomb(void **state)
{
    (void)state;
    static uint8_t zeros[1 << 20], bomb[1 << 17];
    z_stream z = {.next_out = bomb, .avail_out = sizeof bomb};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    for (int i = 0; i < 65; i++) {
        z.next_in = i < 64 ? zeros : plain;
        z.avail_in = i < 64 ? sizeof zeros : PLAIN;
        assert_int_equal(deflate(&z, i < 64 ? Z_NO_FLUSH : Z_FINISH), i < 64 ? Z_OK : Z_STREAM_END);
    }
    deflateEnd(&z);
    say_head("gzip", z.total_out);
    say_cut(&c, ORIG, bomb, z.total_out, 1460);
    say_text(&c, ORIG, "PUT / HTTP/1.1\r\nContent-Length: 17\r\n\r\nafter@example.com");
    finish(&c);
    assert_int_equal(c.items[ORIG], 1);
    assert_fates(0, 1, 0);
}

/* A bomb in a bomb is one for its outer coding already; a small one in its free bytes is none. */
static void test_nested_bomb(void **state)
{
    (void)state;
    static uint8_t zeros[1 << 20], inner[4096], outer[4096];
    uLongf inner_size = sizeof inner, outer_size = sizeof outer;
    assert_int_equal(compress2(inner, &inner_size, zeros, sizeof zeros, 9), Z_OK);
    assert_int_equal(compress2(outer, &outer_size, inner, inner_size, 9), Z_OK);
    say_head("deflate, deflate", outer_size);
    say(&c, ORIG, outer, outer_size);
    finish(&c);
    assert_fates(0, 1, 0);
    outer_size = sizeof outer;
    assert_int_equal(compress2(outer, &outer_size, zeros, 200000, 9), Z_OK);
    say_head("deflate", outer_size);
    say(&c, ORIG, outer, outer_size);
    finish(&c);
    assert_fates(0, 1, 0);
}

/* Each of these asks for a window of 8 MiB: those beyond what all may hold are read as sent. */
static void test_crowd(void **state)
{
    (void)state;
    static const char frame[] = "\x28\xb5\x2f\xfd\0\x68\x68\0\0m@example.com";
    enum { BODIES = 40 };
    for (size_t i = 0; i < BODIES; i++) {
        say_head("zstd", 1000);
        say(&c, ORIG, frame, sizeof frame - 1);
    }
    finish(&c);
    struct health health = health_now();
    uint64_t held = CONTENT_INFLATE_BYTES / (8u << 20);
    assert_in_range(health.bodies_unread, BODIES - held, BODIES - held + 2);
    assert_int_equal(health.bodies_unread + health.bodies_damaged, BODIES);
    say_head("zstd", sizeof frame - 1); /* all was given back */
    say(&c, ORIG, frame, sizeof frame - 1);
    finish(&c);
    assert_int_equal(health_now().bodies_unread, health.bodies_unread);
    assert_int_equal(c.items[ORIG], 1);
}

/* A member's file name has no end, a frame is to be skipped: where nothing is made of so much, it
 * is looked at. */
static void test_led_about(void **state)
{
    (void)state;
    static const char name[] = "\x1f\x8b\x08\x08\0\0\0\0\0\3",
                      skip[] = "\x50\x2a\x4d\x18\xff\xff\xff\x7f";
    const size_t size = 2 * CODING_SILENT_BYTES;
    uint8_t *text = malloc(size);
    assert_non_null(text);
    for (int i = 0; i < 2; i++) {
        memset(text, 'a', size);
        memcpy(text, i ? skip : name, i ? sizeof skip - 1 : sizeof name - 1);
        memcpy(text + size - 100, " late@example.com ", 18);
        say_head(i ? "zstd" : "gzip", size);
        say_cut(&c, ORIG, text, size, 1460);
        finish(&c);
        assert_int_equal(c.items[ORIG], 1);
        assert_fates((uint64_t)i + 1, 0, 0);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_each),        TEST(test_false_labels), TEST(test_damage),
        TEST(test_unfinished),  TEST(test_gap),          TEST(test_bomb),
        TEST(test_nested_bomb), TEST(test_crowd),        TEST(test_led_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
