/* NFS: what was written and read, over TCP and UDP, however records are cut. */
#include "../../../sensor/content/nfs.h"
#include "bytes.h"
#include "channels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ORIG SIDE_ORIG
#define RESP SIDE_RESP

static struct conversation c;
static struct bytes b;
static size_t record_mark;

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

static void opaque(const void *data, size_t size)
{
    put32(&b, (uint32_t)size);
    put(&b, data, size);
    while (size++ % 4)
        put8(&b, 0);
}

static void text(const char *data)
{
    opaque(data, strlen(data));
}

static void handle(unsigned file)
{
    uint8_t bytes[28];
    memset(bytes, (int)file, sizeof bytes);
    opaque(bytes, sizeof bytes);
}

static void zeros(size_t count)
{
    while (count--)
        put8(&b, 0);
}

static void record(void)
{
    record_mark = put_open(&b, 4);
}

static void record_end(void)
{
    put_close(&b, record_mark, 4);
    b.data[record_mark - 4] |= 0x80;
}

static void call(uint32_t xid, uint32_t version, uint32_t procedure)
{
    put32(&b, xid);
    put32(&b, 0);
    put32(&b, 2);
    put32(&b, 100003);
    put32(&b, version);
    put32(&b, procedure);
    put32(&b, 1);
    opaque("\0\0\0\1\0\0\0\4host\0\0\0\0\0\0\0\0\0\0\0\0", 24);
    put32(&b, 0);
    put32(&b, 0);
}

static void reply(uint32_t xid)
{
    put32(&b, xid);
    put32(&b, 1);
    put32(&b, 0);
    put32(&b, 0);
    put32(&b, 0);
    put32(&b, 0);
}

static void write3(uint32_t xid, unsigned file, uint32_t offset, const char *data)
{
    call(xid, 3, 7);
    handle(file);
    put32(&b, 0);
    put32(&b, offset);
    put32(&b, (uint32_t)strlen(data));
    put32(&b, 0);
    text(data);
}

static void ask3(uint32_t xid, unsigned file, uint32_t offset)
{
    call(xid, 3, 6);
    handle(file);
    put32(&b, 0);
    put32(&b, offset);
    put32(&b, 4096);
}

static void read3(uint32_t xid, const char *data)
{
    reply(xid);
    put32(&b, 0);
    put32(&b, 1);
    zeros(84);
    put32(&b, (uint32_t)strlen(data));
    put32(&b, 0);
    text(data);
}

static void compound4(uint32_t xid, uint32_t operations)
{
    call(xid, 4, 1);
    text("tag");
    put32(&b, 1);
    put32(&b, operations);
    put32(&b, 53);
    zeros(32);
}

static void put_handle4(unsigned file)
{
    put32(&b, 22);
    handle(file);
}

static void send_all(enum flow_side side)
{
    say(&c, side, b.data, b.size);
    b.size = 0;
}

/* --- version 3 ---------------------------------------------------------------------------------
 */

static void write_two_files(void)
{
    record();
    write3(1, 1, 0, "one@exam");
    record_end();
    record();
    write3(2, 2, 0, "two@example.com ");
    record_end();
    record();
    call(3, 3, 1); /* attributes */
    handle(1);
    record_end();
    record();
    write3(4, 1, 8, "ple.com");
    record_end();
}

static void test_write_in_pieces(void **state)
{
    (void)state;
    for (size_t most = 1; most < 140; most++) {
        b.size = 0;
        write_two_files();
        size_t before = c.hash_count;
        handshake(&c, (uint16_t)(40000 + most), most % 2 ? 2049 : 3049);
        say_cut(&c, ORIG, b.data, b.size, most);
        struct content_facts facts = ended(&c, c.flow);
        assert_int_equal(facts.service, SERVICE_NFS);
        assert_true(bodies_are(&facts, ORIG, 2, 31, 2, 0));
        assert_true(bodies_are(&facts, RESP, 0, 0, 0, 0));
        assert_int_equal(c.hash_count - before, 2);
    }
}

static void test_read(void **state)
{
    (void)state;
    handshake(&c, 700, 2049);
    record();
    ask3(1, 1, 0);
    record_end();
    record();
    ask3(2, 2, 0);
    record_end();
    record();
    ask3(3, 1, 4);
    record_end();
    send_all(ORIG);
    record();
    read3(1, "a@ex");
    record_end();
    record();
    read3(9, "unasked@example.com"); /* not to be read */
    record_end();
    record();
    read3(2, "b@example.com ");
    record_end();
    record();
    reply(3);
    put32(&b, 5); /* an error */
    zeros(120);
    record_end();
    send_all(RESP);
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, RESP, 2, 18, 2, 0));
    assert_true(bodies_are(&facts, ORIG, 0, 0, 0, 0));
    assert_int_equal(c.items[RESP], 1);
}

/* Data may span fragments; a head may not, and is then said to be unread. */
static void test_fragments(void **state)
{
    (void)state;
    struct health health = {0};
    handshake(&c, 700, 2049);
    record();
    write3(1, 1, 0, "one@example.com ");
    record_end();
    static struct bytes whole;
    whole = b;
    size_t at = whole.size - 10;
    b.size = 0;
    put32(&b, (uint32_t)at - 4);
    put(&b, whole.data + 4, at - 4);
    put32(&b, 0x80000000u | 10);
    put(&b, whole.data + at, 10);
    put32(&b, 40); /* within the head */
    put(&b, whole.data + 4, 40);
    put32(&b, 0x80000000u | (uint32_t)(whole.size - 44));
    put(&b, whole.data + 44, whole.size - 44);
    put(&b, whole.data, whole.size); /* the same call: the first counts */
    record();
    write3(2, 1, 16, "more");
    record_end();
    say_cut(&c, ORIG, b.data, b.size, 11);
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 1, 20, 1, 0));
    assert_int_equal(c.items[ORIG], 1);
    content_health(c.content, &health);
    assert_int_equal(health.messages_unread, 1);
}

/* What is neither call nor reply is inspected as it is, over TCP and UDP; a call of another
 * content under the same number is another; what is large and not read is counted. */
static void test_what_is_not_nfs(void **state)
{
    (void)state;
    struct health health = {0};
    handshake(&c, 700, 2049);
    record();
    write3(1, 1, 0, "one@example.com ");
    record_end();
    record();
    write3(1, 1, 16, "two@example.com ");
    record_end();
    for (int i = 0; i < 3; i++) {
        record();
        put_text(&b, "a text of nobody's: three@example.com ");
        record_end();
    }
    record();
    call(2, 3, 2); /* SETATTR */
    zeros(5000);
    record_end();
    put32(&b, 4); /* a fragment that tells nothing */
    put32(&b, 3);
    put32(&b, 0x80000000u | 20);
    put_text(&b, "four four@example.co");
    say_cut(&c, ORIG, b.data, b.size, 50);
    b.size = 0;
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 1, 32, 1, 0));
    assert_int_equal(c.items[ORIG], 4);
    content_health(c.content, &health);
    assert_int_equal(health.messages_unread, 2);
    begin(&c, PROTO_UDP, 40000, 2049);
    write3(1, 1, 0, "text");
    send_all(ORIG);
    say(&c, ORIG, "a text of nobody's: five@example.com ", 37);
    facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_NFS);
    assert_int_equal(c.items[ORIG], 5);
}

static void test_gaps(void **state)
{
    (void)state;
    uint16_t port = 1024;
    write_two_files();
    record();
    write3(9, 3, 0, "last@example.com");
    record_end();
    static struct bytes all;
    all = b;
    for (size_t lost = 1; lost < 150; lost += 37)
        for (size_t at = 24; at + lost < all.size - 160; at += 3) {
            handshake(&c, port++, 2049);
            size_t before = c.hash_count;
            say(&c, ORIG, all.data, at);
            lose(&c, ORIG, (uint32_t)lost);
            say_cut(&c, ORIG, all.data + at + lost, all.size - at - lost, 100);
            say(&c, RESP, "\x80\0\0\0", 4);
            struct content_facts facts = ended(&c, c.flow);
            assert_int_equal(facts.service, SERVICE_NFS);
            assert_in_range(facts.body[ORIG].seen_bytes, 16, 47);
            assert_in_range(facts.body[ORIG].bodies, 1, 4);
            bool last = false;
            for (size_t i = before; i < c.hash_count; i++)
                last |= c.hash[i] == hash64_keyed(&c.key, "last@example.com", 16);
            assert_true(last);
            c.hash_count = 0;
        }
}

static void test_datagrams(void **state)
{
    (void)state;
    begin(&c, PROTO_UDP, 40000, 2049);
    write3(1, 1, 0, "one@exam");
    say(&c, ORIG, b.data, b.size);
    send_all(ORIG); /* again, for want of an answer */
    reply(1);
    put32(&b, 0);
    send_all(RESP);
    write3(2, 1, 8, "ple.com ");
    packet(&c, ORIG, 0, b.data, b.size - 4, 4); /* cut short by the capture */
    b.size = 0;
    ask3(3, 2, 0);
    send_all(ORIG);
    read3(3, "read");
    send_all(RESP);
    struct content_facts facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_NFS);
    assert_true(bodies_are(&facts, ORIG, 1, 12, 1, 0));
    assert_true(bodies_are(&facts, RESP, 1, 4, 1, 0));
}

/* --- version 4 ---------------------------------------------------------------------------------
 */

static void write4(uint32_t xid, unsigned file, uint32_t offset, const char *data)
{
    record();
    compound4(xid, 4);
    put_handle4(file);
    put32(&b, 38);
    zeros(16);
    put32(&b, 0);
    put32(&b, offset);
    put32(&b, 2);
    text(data);
    put32(&b, 9); /* attributes */
    put32(&b, 1);
    put32(&b, 0x18);
    record_end();
}

static void close4(uint32_t xid, unsigned file)
{
    record();
    compound4(xid, 3);
    put_handle4(file);
    put32(&b, 4);
    zeros(20);
    record_end();
}

static void test_compounds(void **state)
{
    (void)state;
    handshake(&c, 700, 2049);
    write4(1, 1, 0, "one@exam");
    write4(2, 1, 8, "ple.com");
    close4(3, 1);
    write4(4, 1, 0, "again");
    record();
    compound4(5, 4);
    put_handle4(2);
    put32(&b, 9);
    put32(&b, 2);
    zeros(8);
    put32(&b, 25);
    zeros(16);
    zeros(8);
    put32(&b, 4096);
    record_end();
    record();
    compound4(6, 3);
    put_handle4(2);
    put32(&b, 18); /* open: the walk ends */
    put_text(&b, "open@example.com ");
    record_end();
    say_cut(&c, ORIG, b.data, b.size, 13);
    b.size = 0;
    record();
    reply(5);
    put32(&b, 0);
    text("tag");
    put32(&b, 4);
    put32(&b, 53);
    put32(&b, 0);
    zeros(36);
    put32(&b, 22);
    put32(&b, 0);
    put32(&b, 9);
    put32(&b, 0);
    put32(&b, 1);
    put32(&b, 0x18);
    opaque("12345678", 8);
    put32(&b, 25);
    put32(&b, 0);
    put32(&b, 1);
    text("read@example.com ");
    record_end();
    say_cut(&c, RESP, b.data, b.size, 13);
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 2, 20, 2, 0));
    assert_true(bodies_are(&facts, RESP, 1, 17, 1, 0));
    assert_int_equal(c.items[ORIG], 1);
    assert_int_equal(c.items[RESP], 1);
}

/* --- Kerberos ----------------------------------------------------------------------------------
 */

static void gss_call(uint32_t xid, uint32_t service)
{
    put32(&b, xid);
    put32(&b, 0);
    put32(&b, 2);
    put32(&b, 100003);
    put32(&b, 3);
    put32(&b, 7);
    put32(&b, 6);
    size_t body = put_open(&b, 4);
    put32(&b, 1);
    put32(&b, 0);
    put32(&b, 1);
    put32(&b, service);
    opaque("ctx1", 4);
    put_close(&b, body, 4);
    put32(&b, 6);
    opaque("checksum", 8);
}

static void test_kerberos(void **state)
{
    (void)state;
    handshake(&c, 700, 2049);
    record();
    gss_call(1, 2); /* integrity: protected, and in clear */
    size_t body = put_open(&b, 4);
    put32(&b, 1);
    handle(1);
    zeros(16);
    text("clear@example.com ");
    put_close(&b, body, 4);
    opaque("checksum", 8);
    record_end();
    record();
    gss_call(2, 3); /* privacy */
    text("sealed@example.com ");
    record_end();
    send_all(ORIG);
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 1, 18, 1, 0));
    assert_int_equal(c.items[ORIG], 1);
    assert_string_equal(facts.text[TEXT_APPLICATION], "nfs-encrypted");
}

/* --- what is not there -------------------------------------------------------------------------
 */

static void test_truncated(void **state)
{
    (void)state;
    struct nfs_message message;
    write3(1, 1, 0, "text");
    for (size_t size = NFS_MARK; size <= b.size; size++) {
        bool told = size >= b.size - 4;
        uint8_t *copy = malloc(size);
        memcpy(copy, b.data, size);
        assert_int_equal(nfs_parse_call(copy, size, b.size, &message),
                         told ? PARSE_OK : PARSE_MORE);
        assert_int_equal(nfs_parse_call(copy, size, size, &message),
                         told ? PARSE_OK : PARSE_MALFORMED);
        free(copy);
    }
    assert_int_equal(message.kind, NFS_WRITE);
    assert_int_equal(message.data_at, b.size - 4);
    assert_int_equal(message.data_bytes, 4);
}

/* A length beyond the record is the record's end. */
static void test_claim(void **state)
{
    (void)state;
    handshake(&c, 700, 2049);
    for (unsigned i = 0; i < 2; i++) {
        record();
        write3(1 + i, 1, 0, "text");
        record_end();
        b.data[b.size - 8] = 0x7f;
        send_all(ORIG);
    }
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 1, 8, 1, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_write_in_pieces), TEST(test_read),
        TEST(test_fragments),       TEST(test_gaps),
        TEST(test_datagrams),       TEST(test_compounds),
        TEST(test_kerberos),        TEST(test_truncated),
        TEST(test_claim),           TEST(test_what_is_not_nfs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
