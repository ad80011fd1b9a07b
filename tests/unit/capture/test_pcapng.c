/* pcapng blocks made here, in either byte order: what each kind of block and option gives, and that
 * what lies about itself gives nothing. */
#include "../../../sensor/capture/pcapng.h"

#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define START_S INT64_C(1772438400) /* 2026-03-02 08:00 UTC */
#define LINKS   8u

struct made {
    struct buffer bytes;
    bool big;
    size_t block; /* where the open one begins */
    size_t at;    /* read so far */
    int link[LINKS];
    unsigned links;
};

static void put(struct made *made, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        buffer_put(&made->bytes, &(uint8_t){(uint8_t)(value >> 8 * (made->big ? size - 1 - i : i))},
                   1);
}

static void put_at(struct made *made, size_t at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        made->bytes.data[at + i] = (uint8_t)(value >> 8 * (made->big ? 3 - i : i));
}

static void begin(struct made *made, uint32_t type)
{
    made->block = made->bytes.size;
    put(made, type, 4);
    put(made, 0, 4);
}

static void end(struct made *made)
{
    uint32_t size = (uint32_t)(made->bytes.size - made->block) + 4;
    put_at(made, made->block + 4, size);
    put(made, size, 4);
}

/* `size` bytes of a number; only 0 to 8 are asked for. */
static void option(struct made *made, uint16_t code, uint64_t value, unsigned size)
{
    put(made, code, 2);
    put(made, size, 2);
    put(made, value, size);
    for (unsigned i = size; i % 4 != 0; i++)
        put(made, 0, 1);
}

static void comment(struct made *made, const char *text)
{
    size_t size = strlen(text);
    put(made, 1, 2);
    put(made, size, 2);
    buffer_put(&made->bytes, text, size);
    buffer_put(&made->bytes, "\0\0\0", -size & 3);
}

static void section(struct made *made, bool big)
{
    made->big = big;
    begin(made, 0x0a0d0d0a);
    put(made, 0x1a2b3c4d, 4);
    put(made, 1, 2);
    put(made, 0, 2);
    put(made, UINT64_MAX, 8);
    end(made);
}

static void begin_interface(struct made *made, uint16_t link, uint32_t snaplen)
{
    begin(made, 1);
    put(made, link, 2);
    put(made, 0, 2);
    put(made, snaplen, 4);
}

static void interface(struct made *made, uint16_t link, uint8_t resolution)
{
    begin_interface(made, link, 0);
    option(made, 9, resolution, 1);
    end(made);
}

static void begin_packet(struct made *made, uint32_t number, uint64_t stamp, const char *data)
{
    size_t size = strlen(data);
    begin(made, 6);
    put(made, number, 4);
    put(made, stamp >> 32, 4);
    put(made, stamp & UINT32_MAX, 4);
    put(made, size, 4);
    put(made, size + 100, 4);
    buffer_put(&made->bytes, data, size);
    buffer_put(&made->bytes, "\0\0\0", -size & 3);
}

static void packet(struct made *made, uint32_t number, uint64_t stamp, const char *data)
{
    begin_packet(made, number, stamp, data);
    end(made);
}

static void begin_statistics(struct made *made, uint32_t number)
{
    begin(made, 5);
    put(made, number, 4);
    put(made, 0, 8);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static ssize_t give(void *context, void *to, size_t size)
{
    struct made *made = context;
    size_t left = made->bytes.size - made->at, count = size < left ? size : left;
    if (count > 7)
        count = 7; /* blocks come in pieces */
    if (count > 0)
        memcpy(to, made->bytes.data + made->at, count);
    made->at += count;
    return (ssize_t)count;
}

static void meet(void *context, int link)
{
    struct made *made = context;
    assert_true(made->links < LINKS);
    made->link[made->links++] = link;
}

static struct pcapng *open_made(struct made *made)
{
    struct pcapng_io io = {.read = give, .meet = meet, .context = made};
    struct pcapng *pcapng = pcapng_new(&io, 64);
    made->at = 0;
    assert_int_equal(pcapng_head(pcapng), PCAPNG_PACKET);
    return pcapng;
}

static void expect_packet(struct pcapng *pcapng, const char *data, int link, int64_t time_ns)
{
    struct packet_raw raw;
    assert_int_equal(pcapng_next(pcapng, &raw), PCAPNG_PACKET);
    assert_int_equal(raw.captured, strlen(data));
    assert_memory_equal(raw.data, data, strlen(data));
    assert_int_equal(raw.link, link);
    assert_int_equal(raw.time.ns, time_ns);
}

static void expect_end(struct pcapng *pcapng, enum pcapng_result want)
{
    struct packet_raw raw;
    assert_int_equal(pcapng_next(pcapng, &raw), want);
}

static struct source_notes notes_of(struct pcapng *pcapng)
{
    struct source_notes notes;
    pcapng_notes(pcapng, &notes);
    return notes;
}

/* Reads all packets; what was noted is returned. */
static struct source_notes read_all(struct made *made, unsigned packets)
{
    struct pcapng *pcapng = open_made(made);
    struct packet_raw raw;
    while (packets-- > 0)
        assert_int_equal(pcapng_next(pcapng, &raw), PCAPNG_PACKET);
    expect_end(pcapng, PCAPNG_END);
    struct source_notes notes = notes_of(pcapng);
    pcapng_free(pcapng);
    buffer_fini(&made->bytes);
    return notes;
}

/* --- what there is -----------------------------------------------------------------------------
 */

/* Two sections, of either order: numbers of interfaces begin anew with each. */
static void test_orders_and_link_types(void **state)
{
    static const int met[] = {1, 113, 12, 276};
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct made made = {.big = false};
        int64_t s = START_S * NS_PER_S;
        section(&made, first);
        interface(&made, 1, 9);
        interface(&made, 113, 9);
        packet(&made, 1, (uint64_t)s + 1, "cooked");
        packet(&made, 0, (uint64_t)s + 2, "ethernet");
        section(&made, !first);
        interface(&made, 101, 9); /* LINKTYPE_RAW, which libpcap calls 12 */
        packet(&made, 0, (uint64_t)s + 3, "raw");
        interface(&made, 276, 9); /* described when it is first needed */
        packet(&made, 1, (uint64_t)s + 4, "cooked 2");
        struct pcapng *pcapng = open_made(&made);
        expect_packet(pcapng, "cooked", 113, s + 1);
        expect_packet(pcapng, "ethernet", 1, s + 2);
        expect_packet(pcapng, "raw", 12, s + 3);
        expect_packet(pcapng, "cooked 2", 276, s + 4);
        expect_end(pcapng, PCAPNG_END);
        assert_int_equal(made.links, 4);
        assert_memory_equal(made.link, met, sizeof met);
        pcapng_free(pcapng);
        buffer_fini(&made.bytes);
    }
}

static void test_clocks(void **state)
{
    static const struct {
        uint8_t resolution;
        uint64_t stamp;
        int64_t ns; /* after START_S */
    } clock[] = {
        {0, START_S, 0},
        {3, START_S * 1000 + 7, 7 * NS_PER_MS},
        {6, START_S * 1000000 + 7, 7000},
        {9, START_S * NS_PER_S + 7, 7},
        {0x80 | 1, START_S * 2 + 1, NS_PER_S / 2},
        {0x80 | 32, (uint64_t)START_S << 32 | 0xc0000000u, NS_PER_S / 4 * 3},
        {0x80, START_S, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof clock / sizeof *clock; i++)
        for (int64_t offset = -3600; offset <= 3600; offset += 3600) {
            struct made made = {.big = false};
            section(&made, i % 2);
            begin_interface(&made, 1, 0);
            option(&made, 9, clock[i].resolution, 1);
            option(&made, 14, (uint64_t)offset, 8);
            end(&made);
            packet(&made, 0, clock[i].stamp, "x");
            struct pcapng *pcapng = open_made(&made);
            expect_packet(pcapng, "x", 1, (START_S + offset) * NS_PER_S + clock[i].ns);
            pcapng_free(pcapng);
            buffer_fini(&made.bytes);
        }
}

/* The snap length says how much of a simple packet there is; an old packet has a 16-bit interface
 * and counts drops since the one before it. */
static void test_other_packets(void **state)
{
    struct made made = {.big = false};
    (void)state;
    section(&made, true);
    begin_interface(&made, 1, 4);
    end(&made);
    begin(&made, 3);
    put(&made, 1000, 4);
    buffer_put(&made.bytes, "abcd", 4);
    end(&made);
    for (uint32_t drops = 5; drops < 0x20000; drops = drops == 5 ? 0xffff : 0x20000) {
        begin(&made, 2);
        put(&made, 0, 2);
        put(&made, drops, 2); /* 0xffff: not known */
        put(&made, 0, 4);
        put(&made, 77, 4);
        put(&made, 2, 4);
        put(&made, 2, 4);
        buffer_put(&made.bytes, "ef\0\0", 4);
        end(&made);
    }
    struct pcapng *pcapng = open_made(&made);
    expect_packet(pcapng, "abcd", 1, SOURCE_NO_TIME.ns);
    expect_packet(pcapng, "ef", 1, 77000);
    expect_packet(pcapng, "ef", 1, 77000);
    expect_end(pcapng, PCAPNG_END);
    assert_int_equal(notes_of(pcapng).untimed, 1);
    assert_int_equal(notes_of(pcapng).kernel_drops, 5);
    pcapng_free(pcapng);
    buffer_fini(&made.bytes);
}

/* Totals grow: the last one of an interface counts, of all interfaces and sections the sum. */
static void test_statistics(void **state)
{
    struct made made = {.big = false};
    (void)state;
    for (int n = 0; n < 2; n++) {
        section(&made, n);
        interface(&made, 1, 9);
        interface(&made, 1, 9);
        for (uint32_t i = 0; i < 4; i++) {
            begin_statistics(&made, i % 2);
            option(&made, 4, 99, 8); /* received */
            option(&made, 5, 10 * (i + 1), 8);
            option(&made, 7, 1, 8);
            end(&made);
        }
    }
    struct source_notes notes = read_all(&made, 0);
    assert_true(notes.drops_known);
    assert_int_equal(notes.interface_drops, 2 * (30 + 40));
    assert_int_equal(notes.kernel_drops, 2 * (1 + 1));
}

/* --- what lies ---------------------------------------------------------------------------------
 */

/* An option of a wrong size says nothing; what stands behind it is read. */
static void test_options_of_a_wrong_size(void **state)
{
    (void)state;
    for (unsigned size = 0; size <= 8; size++) {
        struct made made = {.big = false};
        section(&made, false);
        begin_interface(&made, 1, 0);
        option(&made, 9, 9, size);
        option(&made, 14, 3600, size);
        end(&made);
        begin_packet(&made, 0, START_S, "x");
        option(&made, 4, 3, size);
        end(&made);
        begin_statistics(&made, 0);
        option(&made, 5, 7, size);
        end(&made);
        struct pcapng *pcapng = open_made(&made);
        int64_t ns = size == 1 ? START_S : START_S * 1000; /* microseconds when nothing is said */
        expect_packet(pcapng, "x", 1, ns + (size == 8 ? 3600 * NS_PER_S : 0));
        expect_end(pcapng, PCAPNG_END);
        struct source_notes notes = notes_of(pcapng);
        assert_true(notes.drops_known == (size == 8));
        assert_int_equal(notes.interface_drops, size == 8 ? 7 : 0);
        pcapng_free(pcapng);
        buffer_fini(&made.bytes);
    }
}

/* Options that run over their block end there; the packet in front of them holds. */
static void test_options_beyond_their_block(void **state)
{
    struct made made = {.big = false};
    (void)state;
    section(&made, false);
    interface(&made, 1, 9);
    begin_packet(&made, 0, 5, "x");
    put(&made, 1, 2);
    put(&made, 60000, 2);
    end(&made);
    packet(&made, 0, 6, "y");
    assert_int_equal(read_all(&made, 2).comments, 0);
}

/* No sum of drops overflows or falls, whatever is claimed, so no delta of it is negative. */
static void test_drops_that_cannot_be(void **state)
{
    static const uint64_t claim[] = {UINT64_MAX, UINT64_C(1) << 60, 3, UINT64_MAX - 2, 4};
    struct made made = {.big = false};
    (void)state;
    section(&made, false);
    interface(&made, 1, 9);
    for (size_t i = 0; i < sizeof claim / sizeof *claim; i++) {
        begin_packet(&made, 0, i, "x");
        option(&made, 4, claim[i], 8);
        end(&made);
    }
    begin_statistics(&made, 0);
    option(&made, 7, UINT64_MAX, 8);
    end(&made);
    struct pcapng *pcapng = open_made(&made);
    struct packet_raw raw;
    uint64_t before = 0;
    while (pcapng_next(pcapng, &raw) == PCAPNG_PACKET) {
        struct source_notes notes = notes_of(pcapng);
        assert_true(notes.kernel_drops >= before);
        before = notes.kernel_drops;
    }
    assert_int_equal(notes_of(pcapng).kernel_drops, 7);
    pcapng_free(pcapng);
    buffer_fini(&made.bytes);
}

/* One line, nothing that a terminal obeys, and no character cut in two. */
static void test_comments(void **state)
{
    char longer[SOURCE_COMMENT + 20];
    memset(longer, 'x', sizeof longer);
    memcpy(longer + SOURCE_COMMENT - 2, "\xc3\xb6", 2);
    longer[sizeof longer - 1] = '\0';
    const struct {
        const char *text, *want;
    } row[] = {
        {"two\r\nlines\x1b[31m", "two  lines [31m"},
        {"caf\xc3\xa9, \xe2\x82\xac, \xc3\x9f, \xf0\x9f\x98\x80",
         "caf\xc3\xa9, \xe2\x82\xac, \xc3\x9f, \xf0\x9f\x98\x80"},
        {"\xc2\x9b"
         "31m",
         "  31m"},
        {longer, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct made made = {.big = false};
        section(&made, false);
        begin_interface(&made, 1, 0);
        comment(&made, row[i].text);
        comment(&made, "a second one");
        end(&made);
        struct source_notes notes = read_all(&made, 0);
        assert_int_equal(notes.comments, 2);
        if (row[i].want)
            assert_string_equal(notes.comment, row[i].want);
        else
            assert_int_equal(strlen(notes.comment), SOURCE_COMMENT - 2);
    }
}

static void expect_damaged(struct made *made, const char *words)
{
    struct pcapng *pcapng = open_made(made);
    expect_packet(pcapng, "good", 1, 1);
    expect_end(pcapng, PCAPNG_DAMAGED);
    if (!strstr(pcapng_problem(pcapng), words))
        fail_msg("\"%s\" does not say \"%s\"", pcapng_problem(pcapng), words);
    expect_end(pcapng, PCAPNG_DAMAGED); /* it stays so */
    pcapng_free(pcapng);
    buffer_fini(&made->bytes);
}

static struct made good(void)
{
    struct made made = {.big = false};
    section(&made, true);
    interface(&made, 1, 9);
    packet(&made, 0, 1, "good");
    return made;
}

static void test_blocks_that_lie(void **state)
{
    struct made made = good();
    (void)state;
    packet(&made, 1, 2, "x");
    expect_damaged(&made, "an interface that was not described: number 1");

    made = good();
    packet(&made, 0, 2, "x");
    put_at(&made, made.block + 20, 5); /* one more than the four that the block has */
    expect_damaged(&made, "a packet that is longer than its block: bytes 5");

    made = good();
    begin_interface(&made, 1, 0);
    option(&made, 9, 20, 1);
    end(&made);
    expect_damaged(&made, "a clock in units that no 64 bits count: if_tsresol 20");

    made = good();
    section(&made, true);
    put_at(&made, made.block + 8, 0x12345678);
    expect_damaged(&made, "a section without a byte order");

    made = good();
    begin(&made, 6);
    end(&made);
    put_at(&made, made.block + 4, PCAPNG_BLOCK_BYTES + 4);
    expect_damaged(&made, "a block larger than any that is read");
}

/* At the bound: so many interfaces are known, one more is not. */
static void test_many_interfaces(void **state)
{
    struct made made = {.big = false};
    struct packet_raw raw;
    (void)state;
    section(&made, false);
    for (uint32_t i = 0; i < PCAPNG_INTERFACES; i++)
        interface(&made, 1, 9);
    packet(&made, PCAPNG_INTERFACES - 1, 1, "last");
    interface(&made, 1, 9);
    struct pcapng_io io = {.read = give, .context = &made};
    struct pcapng *pcapng = pcapng_new(&io, 64);
    assert_int_equal(pcapng_head(pcapng), PCAPNG_PACKET);
    assert_int_equal(pcapng_next(pcapng, &raw), PCAPNG_PACKET);
    expect_end(pcapng, PCAPNG_DAMAGED);
    assert_non_null(strstr(pcapng_problem(pcapng), "more interfaces in a section than 4096"));
    pcapng_free(pcapng);
    buffer_fini(&made.bytes);
}

/* A block of a kind that is not known is skipped at any length, a known one is read up to a bound.
 */
static void test_large_blocks(void **state)
{
    struct made made = {.big = false};
    (void)state;
    section(&made, false);
    interface(&made, 1, 9);
    begin(&made, 0x0bad0bad);
    for (uint32_t i = 0; i < PCAPNG_BLOCK_BYTES / 4; i++)
        buffer_put(&made.bytes, "\xff\xff\xff\xff", 4);
    end(&made);
    packet(&made, 0, 1, "behind");
    struct pcapng *pcapng = open_made(&made);
    expect_packet(pcapng, "behind", 1, 1);
    pcapng_free(pcapng);
    buffer_fini(&made.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_and_link_types),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_other_packets),
        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_options_of_a_wrong_size),
        cmocka_unit_test(test_options_beyond_their_block),
        cmocka_unit_test(test_drops_that_cannot_be),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_blocks_that_lie),
        cmocka_unit_test(test_many_interfaces),
        cmocka_unit_test(test_large_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
