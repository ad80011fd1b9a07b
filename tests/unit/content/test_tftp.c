/* TFTP: requests, and the transfers that they announce. */
#include "../../../sensor/content/tftp.h"
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

/* --- datagrams ---------------------------------------------------------------------------------
 */

#define BYTES(text) text, sizeof(text) - 1

static void test_datagrams(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t size;
        enum parse_result result;
        int kind;
        uint32_t block_bytes, window;
        int64_t transfer_size;
    } row[] = {
        {BYTES("\0\1a\0octet\0"), PARSE_OK, TFTP_READ_REQUEST, 0, 0, -1},
        {BYTES("\0\2a/b\0NetAscii\0"), PARSE_OK, TFTP_WRITE_REQUEST, 0, 0, -1},
        {BYTES("\0\2a\0octet\0blksize\0001428\0TSIZE\0007\0"), PARSE_OK, 2, 1428, 0, 7},
        {BYTES("\0\1a\0octet\0windowsize\00016\0blksize\0007\0"), PARSE_OK, 1, 0, 16, -1},
        {BYTES("\0\6tsize\0"
               "99999999999999999999\0"),
         PARSE_OK, TFTP_OPTIONS, 0, 0, -1},
        {BYTES("\0\3\0\1data"), PARSE_OK, TFTP_DATA, 0, 0, -1},
        {BYTES("\0\3\0"), PARSE_NOT, 3, 0, 0, -1},
        {BYTES("\0\4\0\1"), PARSE_OK, TFTP_ACK, 0, 0, -1},
        {BYTES("\0\4\0\1x"), PARSE_NOT, 4, 0, 0, -1},
        {BYTES("\0\5\0\1gone\0"), PARSE_OK, TFTP_ERROR, 0, 0, -1},
        {BYTES("\0\7\0\1"), PARSE_NOT, 7, 0, 0, -1},
        {BYTES("\0\1a\0octet"), PARSE_NOT, 1, 0, 0, -1},
        {BYTES("\0\1\0octet\0"), PARSE_NOT, 1, 0, 0, -1},
        {BYTES("\0\1a\0latin\0"), PARSE_NOT, 1, 0, 0, -1},
        {BYTES("\0\1a\0octet\0blksize\0"), PARSE_NOT, 1, 0, 0, -1},
        {BYTES("\0\1a\1\0octet\0"), PARSE_NOT, 1, 0, 0, -1},
        {BYTES("\0"), PARSE_NOT, 0, 0, 0, -1},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct tftp_datagram datagram;
        uint8_t *copy = malloc(row[i].size);
        memcpy(copy, row[i].data, row[i].size);
        assert_int_equal(tftp_parse(copy, row[i].size, &datagram), row[i].result);
        free(copy);
        if (row[i].result != PARSE_OK)
            continue;
        assert_int_equal(datagram.kind, row[i].kind);
        assert_int_equal(datagram.block_bytes, row[i].block_bytes);
        assert_int_equal(datagram.window, row[i].window);
        assert_int_equal(datagram.transfer_size, row[i].transfer_size);
    }
}

/* --- transfers ---------------------------------------------------------------------------------
 */

static void block(enum flow_side from, unsigned number, const char *text, size_t size)
{
    b.size = 0;
    put16(&b, TFTP_DATA);
    put16(&b, number);
    put(&b, text, strlen(text));
    while (b.size < size + TFTP_HEAD)
        put8(&b, ' ');
    say(&c, from, b.data, b.size);
}

static void acknowledge(enum flow_side from, unsigned number)
{
    b.size = 0;
    put16(&b, TFTP_ACK);
    put16(&b, number);
    say(&c, from, b.data, b.size);
}

/* A request from port 50000; then the server's new port speaks. */
static void request(const char *data, size_t size)
{
    begin(&c, PROTO_UDP, 50000, 69);
    say(&c, ORIG, data, size);
    struct content_facts facts = content_get_facts(c.flow);
    assert_int_equal(facts.service, SERVICE_TFTP);
    begin(&c, PROTO_UDP, 50000, 3000);
}

/* Whoever speaks first in the transfer is its originator: the server. */
static void assert_sent(enum flow_side side, uint32_t bodies, uint64_t seen, uint64_t declared)
{
    struct content_facts facts = ended(&c, c.flow);
    bool is_orig_client = flow_get_key(c.flow)->orig_port == 50000;
    enum flow_side at = is_orig_client == (side == ORIG) ? ORIG : RESP;
    assert_int_equal(facts.service, SERVICE_TFTP);
    assert_true(bodies_are(&facts, at, bodies, seen, declared ? 0 : bodies, declared));
    assert_int_equal(facts.body[1 - at].bodies, 0);
}

static void test_upload(void **state)
{
    (void)state;
    request(BYTES("\0\2a\0octet\0tsize\000530\0"));
    say(&c, RESP, BYTES("\0\6tsize\000530\0"));
    block(ORIG, 1, "one@example.com", 512);
    acknowledge(RESP, 1);
    block(ORIG, 1, "one@example.com", 512); /* again */
    acknowledge(RESP, 1);
    block(ORIG, 2, "two@example.com", 18);
    block(ORIG, 2, "two@example.com", 18);
    acknowledge(RESP, 2);
    assert_sent(ORIG, 1, 530, 530);
    assert_int_equal(c.hash_count, 2);
}

/* An item across two blocks is whole; the size is the server's word. */
static void test_download(void **state)
{
    (void)state;
    request(BYTES("\0\1a\0octet\0tsize\0000\0blksize\00010\0"));
    say(&c, RESP, BYTES("\0\6tsize\00026\0blksize\00010\0"));
    acknowledge(ORIG, 0);
    block(RESP, 1, "abc@exampl", 10);
    acknowledge(ORIG, 1);
    block(RESP, 2, "e.com two@", 10);
    block(RESP, 3, "b.test", 6);
    block(RESP, 4, "after its end", 13);
    assert_sent(RESP, 1, 26, 26);
    assert_int_equal(c.hash_count, 1); /* .test is no suffix */
}

/* A block that was not seen is a gap: nothing is joined over it. */
static void test_missing_block(void **state)
{
    (void)state;
    request(BYTES("\0\2a\0octet\0blksize\00010\0"));
    say(&c, RESP, BYTES("\0\6blksize\00010\0"));
    block(ORIG, 2, "left@examp", 10); /* the first is missing too */
    block(ORIG, 4, "le.com x@e", 10);
    block(ORIG, 5, "xample.com", 10);
    block(ORIG, 6, "", 0);
    assert_sent(ORIG, 1, 30, 0);
    assert_int_equal(c.hash_count, 1);
    assert_int_equal(c.hash[0], hash64_keyed(&c.key, "x@example.com", 13));
}

/* Several blocks under way: those behind a lost one come again. */
static void test_window(void **state)
{
    (void)state;
    request(BYTES("\0\1a\0octet\0windowsize\0004\0blksize\0008\0"));
    say(&c, RESP, BYTES("\0\6windowsize\0004\0blksize\0008\0"));
    acknowledge(ORIG, 0);
    block(RESP, 1, "", 8);
    block(RESP, 3, "", 8);
    block(RESP, 4, "", 8);
    acknowledge(ORIG, 1);
    for (unsigned i = 2; i <= 5; i++)
        block(RESP, i, "", 8);
    acknowledge(ORIG, 5);
    block(RESP, 7, "", 8);
    block(RESP, 8, "", 8);
    block(RESP, 9, "", 8);
    acknowledge(ORIG, 9); /* its receiver had 6, and what was dropped here */
    block(RESP, 10, "", 3);
    assert_sent(RESP, 1, 5 * 8 + 3, 0);
}

static void test_wraps(void **state)
{
    (void)state;
    request(BYTES("\0\2a\0octet\0blksize\0008\0"));
    say(&c, RESP, BYTES("\0\6blksize\0008\0"));
    for (uint32_t i = 1; i <= 70000; i++)
        block(ORIG, i & 0xffff, "", 8);
    block(ORIG, 70001 & 0xffff, "", 1);
    assert_sent(ORIG, 1, 560001, 0);
}

/* No option was answered where it can be seen: the first block says how large they are. */
static void test_one_sided(void **state)
{
    (void)state;
    request(BYTES("\0\2a\0octet\0blksize\0001000\0"));
    block(ORIG, 1, "", 1000);
    block(ORIG, 2, "", 1000);
    block(ORIG, 3, "", 999);
    block(ORIG, 4, "", 999);
    assert_sent(ORIG, 1, 2999, 0);
}

/* A server that answers from where it was asked; then it is asked again. */
static void test_same_port(void **state)
{
    (void)state;
    begin(&c, PROTO_UDP, 50000, 6969);
    for (int i = 0; i < 2; i++) {
        say(&c, ORIG, BYTES("\0\1a\0octet\0"));
        block(RESP, 1, "", 512);
        acknowledge(ORIG, 1);
        block(RESP, 2, "", 12);
        acknowledge(ORIG, 2);
    }
    assert_sent(RESP, 2, 1048, 0);
}

/* Nobody asked: what looks like blocks is anybody's datagrams. */
static void test_unasked(void **state)
{
    (void)state;
    begin(&c, PROTO_UDP, 50000, 3000);
    block(ORIG, 1, "a@example.com", 512);
    struct content_facts facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_NONE);
    assert_int_equal(c.items[ORIG], 1);
}

/* An announced port where something else speaks is not hidden. */
static void test_something_else(void **state)
{
    (void)state;
    begin(&c, PROTO_UDP, 50000, 69);
    say(&c, ORIG, BYTES("\0\2a\0octet\0"));
    begin(&c, PROTO_UDP, 50000, 3000);
    dns_header(&b, 0x0100, 1, 0);
    dns_question(&b, "hidden.example", 1);
    say(&c, ORIG, b.data, b.size);
    struct content_facts facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_DNS);
    assert_string_equal(facts.text[TEXT_QUESTION], "hidden.example");
}

/* Blocks that no receiver would take hide nothing: behind the last one, or of other numbers. */
static void test_no_block(void **state)
{
    (void)state;
    request(BYTES("\0\2a\0octet\0"));
    block(ORIG, 1, "", 512);
    block(ORIG, 60000, "a@example.com", 512);
    block(ORIG, 2, "", 1);
    block(ORIG, 2, "b@example.com", 512); /* the same again: once */
    block(ORIG, 3, "c@example.com", 512);
    block(ORIG, 0, "d@example.com", 512);
    say(&c, ORIG, BYTES("\0\5\0\0e@example.com\0"));
    assert_sent(ORIG, 1, 513, 0);
    assert_int_equal(c.hash_count, 4);
}

static void test_cut_block(void **state)
{
    (void)state;
    request(BYTES("\0\2a\0octet\0"));
    b.size = 0;
    packet(&c, ORIG, 0, "\0\3\0\1cut@exam", 12, 504);
    packet(&c, ORIG, 0, "\0\3\0\2ple.com ", 12, 0);
    assert_sent(ORIG, 1, 16, 0);
    assert_int_equal(c.hash_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datagrams),
        TEST(test_upload),
        TEST(test_download),
        TEST(test_missing_block),
        TEST(test_window),
        TEST(test_wraps),
        TEST(test_one_sided),
        TEST(test_same_port),
        TEST(test_unasked),
        TEST(test_something_else),
        TEST(test_cut_block),
        TEST(test_no_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
