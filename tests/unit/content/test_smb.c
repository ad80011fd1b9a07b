/* SMB: what was written and read, however messages are cut. */
#include "../../../sensor/content/smb.h"
#include "bytes.h"
#include "channels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ORIG     SIDE_ORIG
#define RESP     SIDE_RESP
#define RESPONSE 1u
#define ASYNC    2u
#define LAST     0u
#define CHAINED  0xffu /* the file of the commands before */

static struct conversation c;
static struct bytes b;

static int setup(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

/* --- messages ----------------------------------------------------------------------------------
 */

static void le16(unsigned value)
{
    put8(&b, value);
    put8(&b, value >> 8);
}

static void le32(uint32_t value)
{
    le16(value & 0xffff);
    le16(value >> 16);
}

static void zeros(size_t count)
{
    while (count--)
        put8(&b, 0);
}

static void file_id(unsigned file)
{
    for (int i = 0; i < 16; i++)
        put8(&b, file);
}

static void head2(unsigned code, uint32_t flags, uint32_t next, uint32_t id, uint32_t tree)
{
    put(&b, "\xfeSMB", 4);
    le16(64);
    le16(1);
    le32(0);
    le16(code);
    le16(1);
    le32(flags);
    le32(next);
    le32(id);
    le32(0);
    le32(0);
    le32(tree);
    le32(77);
    le32(0);
    zeros(16);
}

static void write2(uint32_t next, uint32_t id, unsigned file, uint32_t offset, const char *text)
{
    size_t start = b.size;
    head2(9, 0, next, id, 5);
    le16(49);
    le16(112);
    le32((uint32_t)strlen(text));
    le32(offset);
    le32(0);
    file_id(file);
    zeros(16);
    put_text(&b, text);
    while (next && b.size - start < next)
        put8(&b, 0);
}

static void ask2(uint32_t id, unsigned file, uint32_t offset)
{
    head2(8, 0, LAST, id, 5);
    le16(49);
    le16(0x50);
    le32(4096);
    le32(offset);
    le32(0);
    file_id(file);
    zeros(17);
}

static void read2(uint32_t id, const char *text)
{
    head2(8, RESPONSE, LAST, id, 5);
    le16(17);
    put8(&b, 80);
    put8(&b, 0);
    le32((uint32_t)strlen(text));
    zeros(8);
    put_text(&b, text);
}

static void close2(uint32_t flags, uint32_t id, unsigned file)
{
    head2(6, flags, LAST, id, 5);
    le16(flags & RESPONSE ? 60 : 24);
    zeros(6);
    if (flags & RESPONSE)
        zeros(52);
    else
        file_id(file);
}

static void tree2(uint32_t id, uint32_t tree, unsigned type)
{
    head2(3, RESPONSE, LAST, id, tree);
    le16(16);
    put8(&b, type);
    zeros(13);
}

/* Opens a frame; it ends where the next one begins, or at the end. */
static size_t frame_mark;
static void frame(void)
{
    put8(&b, 0);
    frame_mark = put_open(&b, 3);
}

static void frame_end(void)
{
    put_close(&b, frame_mark, 3);
}

static void send_all(enum flow_side side)
{
    say(&c, side, b.data, b.size);
    b.size = 0;
}

/* --- tests -------------------------------------------------------------------------------------
 */

static void write_two_files(void)
{
    frame();
    write2(LAST, 1, 1, 0, "one@exam");
    frame_end();
    frame();
    write2(LAST, 2, 2, 0, "two@example.com ");
    frame_end();
    frame();
    write2(LAST, 3, 1, 8, "ple.com ");
    frame_end();
    frame();
    close2(0, 4, 1);
    frame_end();
}

/* Each file is its own text, whatever comes between its pieces and however they are cut. */
static void test_write_in_pieces(void **state)
{
    (void)state;
    for (size_t most = 1; most < 140; most++) {
        b.size = 0;
        write_two_files();
        size_t before = c.hash_count;
        handshake(&c, (uint16_t)(40000 + most), 445);
        say_cut(&c, ORIG, b.data, b.size, most);
        struct content_facts facts = ended(&c, c.flow);
        assert_int_equal(facts.service, SERVICE_SMB);
        assert_true(bodies_are(&facts, ORIG, 2, 32, 2, 0));
        assert_true(bodies_are(&facts, RESP, 0, 0, 0, 0));
        assert_int_equal(c.hash_count - before, 2);
    }
}

static void test_read(void **state)
{
    (void)state;
    handshake(&c, 40000, 4455); /* on any port */
    frame();
    ask2(1, 1, 0);
    frame_end();
    frame();
    ask2(2, 2, 0);
    frame_end();
    frame();
    ask2(3, 1, 4);
    frame_end();
    frame();
    close2(0, 4, 1);
    frame_end();
    send_all(ORIG);
    frame();
    read2(1, "a@ex");
    frame_end();
    frame();
    read2(2, "b@example.com ");
    frame_end();
    frame();
    read2(3, "ample.com ");
    frame_end();
    frame();
    close2(RESPONSE, 4, 0);
    frame_end();
    frame();
    read2(9, "unasked"); /* of a file that nobody named */
    frame_end();
    send_all(RESP);
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, RESP, 3, 35, 3, 0));
    assert_true(bodies_are(&facts, ORIG, 0, 0, 0, 0));
    assert_int_equal(c.items[RESP], 2);
    assert_int_equal(c.items[ORIG], 0);
}

/* A file closed and opened again is another. */
static void test_close(void **state)
{
    (void)state;
    handshake(&c, 40000, 445);
    for (int i = 0; i < 3; i++) {
        frame();
        write2(LAST, 1, 1, 0, "text");
        frame_end();
        frame();
        close2(0, 2, 1);
        frame_end();
    }
    send_all(ORIG);
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 3, 12, 3, 0));
}

/* Commands in one message, their file the one that the first opened. */
static void test_compound(void **state)
{
    (void)state;
    handshake(&c, 40000, 445);
    frame();
    head2(5, 0, 72, 1, 5);
    zeros(8);
    write2(128, 2, CHAINED, 0, "c@example.com ");
    write2(120, 3, CHAINED, 14, "d");
    close2(0, 4, CHAINED);
    frame_end();
    frame();
    write2(LAST, 5, 1, 0, "rest");
    frame_end();
    send_all(ORIG);
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 2, 19, 2, 0));
    assert_int_equal(c.items[ORIG], 1);
}

/* Pipes are no files; nor are credentials, names, or what a setup says. */
static void test_what_is_no_file(void **state)
{
    (void)state;
    handshake(&c, 40000, 445);
    frame();
    head2(1, 0, LAST, 1, 0);
    put_text(&b, "NTLMSSP user@example.com");
    frame_end();
    send_all(ORIG);
    frame();
    tree2(2, 5, 2);
    frame_end();
    send_all(RESP);
    frame();
    write2(LAST, 3, 1, 0, "pipe@example.com ");
    frame_end();
    frame();
    ask2(4, 1, 0);
    frame_end();
    send_all(ORIG);
    frame();
    read2(4, "answer@example.com ");
    frame_end();
    frame();
    tree2(5, 5, 1); /* the number is a disk's from now on */
    frame_end();
    send_all(RESP);
    frame();
    write2(LAST, 6, 1, 0, "file");
    frame_end();
    send_all(ORIG);
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 1, 4, 1, 0));
    assert_true(bodies_are(&facts, RESP, 0, 0, 0, 0));
    assert_int_equal(c.hash_count, 0);
}

static void test_sealed(void **state)
{
    (void)state;
    struct health health = {0};
    handshake(&c, 40000, 445);
    frame();
    put(&b, "\xfdSMB", 4);
    put_text(&b, "sealed@example.com ");
    frame_end();
    frame();
    put(&b, "\xfcSMB", 4);
    put_text(&b, "packed@example.com ");
    frame_end();
    send_all(ORIG);
    struct content_facts facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_SMB);
    assert_string_equal(facts.text[TEXT_APPLICATION], "smb3-encrypted");
    assert_true(bodies_are(&facts, ORIG, 0, 0, 0, 0));
    assert_int_equal(c.hash_count, 0);
    content_health(c.content, &health);
    assert_int_equal(health.messages_unread, 1);
}

/* Any run of bytes may be missing: what was sent around it is still somebody's file, and no name
 * is made of its two ends. */
static void test_gaps(void **state)
{
    (void)state;
    uint16_t port = 1024;
    write_two_files();
    frame();
    write2(LAST, 9, 3, 0, "last@example.com ");
    frame_end();
    static struct bytes all;
    all = b;
    for (size_t lost = 1; lost < 150; lost += 37)
        for (size_t at = 8; at + lost < all.size - 133; at += 3) {
            handshake(&c, port++, 445);
            size_t before = c.hash_count;
            say(&c, ORIG, all.data, at);
            lose(&c, ORIG, (uint32_t)lost);
            say_cut(&c, ORIG, all.data + at + lost, all.size - at - lost, 100);
            say(&c, RESP, "\0\0\0\0", 4); /* an answer: what is missing will not come */
            struct content_facts facts = ended(&c, c.flow);
            assert_int_equal(facts.service, SERVICE_SMB);
            assert_in_range(facts.body[ORIG].seen_bytes, 17, 49);
            assert_in_range(facts.body[ORIG].bodies, 1, 4);
            bool last = false;
            for (size_t i = before; i < c.hash_count; i++)
                last |= c.hash[i] == hash64_keyed(&c.key, "last@example.com", 16);
            assert_true(last);
            c.hash_count = 0;
        }
}

/* Within a file's bytes exactly what is missing is missing. */
static void test_gap_in_data(void **state)
{
    (void)state;
    handshake(&c, 40000, 445);
    frame();
    write2(LAST, 1, 1, 0, "x@exam___ple.com y@example.com ");
    frame_end();
    frame();
    write2(LAST, 2, 1, 31, "more");
    frame_end();
    say(&c, ORIG, b.data, 4 + 112 + 6);
    lose(&c, ORIG, 3);
    say(&c, ORIG, b.data + 4 + 112 + 9, b.size - 4 - 112 - 9);
    say(&c, RESP, "\0\0\0\0", 4);
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 1, 32, 1, 0));
    assert_int_equal(c.items[ORIG], 1);
}

/* What has no mark of SMB's is inspected as it is: within a frame, and where no frame begins. */
static void test_what_is_not_smb(void **state)
{
    (void)state;
    for (size_t most = 1; most < 60; most++) {
        handshake(&c, (uint16_t)(40000 + most), 445);
        b.size = 0;
        frame();
        write2(LAST, 1, 1, 0, "text");
        frame_end();
        frame();
        put_text(&b, "a text of nobody's: one@example.com ");
        frame_end();
        frame();
        write2(LAST, 2, 1, 4, "text");
        frame_end();
        put(&b, "\x84\0\0\x20", 4);
        put_text(&b, "keeping alive three@example.com ");
        put_text(&b, "\x41 no frame: two@example.com and no end");
        size_t before = c.hash_count;
        say_cut(&c, ORIG, b.data, b.size, most);
        struct content_facts facts = ended(&c, c.flow);
        assert_int_equal(facts.service, SERVICE_SMB);
        assert_true(bodies_are(&facts, ORIG, 1, 8, 1, 0));
        assert_int_equal(c.hash_count - before, 3);
    }
}

static void test_many_files(void **state)
{
    (void)state;
    struct health health = {0};
    handshake(&c, 40000, 445);
    for (unsigned i = 0; i < 20; i++) {
        frame();
        write2(LAST, i, i, 0, "text");
        frame_end();
        send_all(ORIG);
    }
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 20, 80, 20, 0));
    content_health(c.content, &health);
    assert_int_equal(health.files_cut, 4);
}

/* --- SMB 1 -------------------------------------------------------------------------------------
 */

static void head1(unsigned code, unsigned flags, unsigned multiplex, unsigned words)
{
    put(&b, "\xffSMB", 4);
    put8(&b, code);
    le32(0);
    put8(&b, flags);
    zeros(14);
    le16(3);
    le16(9);
    le16(0);
    le16(multiplex);
    put8(&b, words);
}

static void test_smb1(void **state)
{
    (void)state;
    handshake(&c, 40000, 139);
    put(&b, "\x81\0\0\x44", 4); /* a session request with the two names */
    zeros(68);
    send_all(ORIG);
    say(&c, RESP, "\x82\0\0\0", 4);
    frame();
    head1(0x2f, 0, 1, 14);
    le32(0xff);
    le16(7);
    le32(0);
    zeros(8);
    le16(0);
    le16(16);
    le16(64);
    le32(0);
    le16(17);
    put8(&b, 0);
    put_text(&b, "a@example.com bc");
    frame_end();
    frame();
    head1(0x2e, 0, 2, 12);
    le32(0xff);
    le16(7);
    le32(16);
    zeros(14);
    le16(0);
    frame_end();
    send_all(ORIG);
    frame();
    head1(0x2e, 0x80, 2, 12);
    le32(0xff);
    zeros(6);
    le16(4);
    le16(60);
    zeros(10);
    le16(5);
    put8(&b, 0);
    put_text(&b, "text");
    frame_end();
    send_all(RESP);
    struct content_facts facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_SMB);
    assert_true(bodies_are(&facts, ORIG, 1, 16, 1, 0));
    assert_true(bodies_are(&facts, RESP, 1, 4, 1, 0));
    assert_int_equal(c.items[ORIG], 1);
}

/* --- commands that claim what is not there -------------------------------------------------------
 */

static void test_claims(void **state)
{
    (void)state;
    struct smb_command command;
    write2(LAST, 1, 1, 0, "text");
    for (size_t size = 0; size <= b.size; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, b.data, size);
        assert_int_equal(smb_parse(copy, size, b.size, &command),
                         size < 96 ? PARSE_MORE : PARSE_OK);
        enum parse_result whole = smb_parse(copy, size, size, &command);
        assert_int_equal(whole, size < 96 ? PARSE_MALFORMED : PARSE_OK);
        free(copy);
    }
    assert_int_equal(command.kind, SMB_WRITE);
    assert_int_equal(command.data_bytes, 4);
    handshake(&c, 40000, 445);
    b.data[68] = 0xff; /* a length beyond the message */
    b.data[69] = 0xff;
    struct bytes *message = malloc(sizeof *message);
    *message = b;
    b.size = 0;
    frame();
    put(&b, message->data, message->size);
    frame_end();
    message->data[66] = 0; /* data inside the head */
    message->data[67] = 0;
    frame();
    put(&b, message->data, message->size);
    frame_end();
    free(message);
    send_all(ORIG);
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 1, 4, 1, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_write_in_pieces),
        TEST(test_read),
        TEST(test_close),
        TEST(test_compound),
        TEST(test_what_is_no_file),
        TEST(test_sealed),
        TEST(test_gaps),
        TEST(test_gap_in_data),
        TEST(test_many_files),
        TEST(test_smb1),
        TEST(test_claims),
        TEST(test_what_is_not_smb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
