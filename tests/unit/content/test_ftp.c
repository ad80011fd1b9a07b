/* FTP: lines, and what they say of data connections. */
#include "../../../sensor/content/ftp.h"
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
static struct channel_place control;

static int setup(void **state)
{
    (void)state;
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

/* --- lines -------------------------------------------------------------------------------------
 */

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ftp_word word;
        uint16_t code, port;
        int64_t number;
    } row[] = {
        {"227 Entering Passive Mode (192,0,2,80,19,136).", FTP_REPLY, 227, 5000, -1},
        {"227 =192,0,2,80,19,136", FTP_REPLY, 227, 5000, -1},
        {"227 Entering Passive Mode (192,0,2,80,19)", FTP_REPLY, 227, 0, -1},
        {"227 Entering Passive Mode (192,0,2,80,256,1)", FTP_REPLY, 227, 0, -1},
        {"229 Entering Extended Passive Mode (|||6446|)", FTP_REPLY, 229, 6446, -1},
        {"229 Entering Extended Passive Mode (|||65536|)", FTP_REPLY, 229, 0, -1},
        {"229 Entering Extended Passive Mode (|||6446", FTP_REPLY, 229, 0, -1},
        {"229 nothing", FTP_REPLY, 229, 0, -1},
        {"150 Opening BINARY mode data connection for a (1234 bytes).", FTP_REPLY, 150, 0, 1234},
        {"150 Opening (x) (12 bytes)", FTP_REPLY, 150, 0, 12},
        {"150 Ok to send data.", FTP_REPLY, 150, 0, -1},
        {"150 (99999999999999999999 bytes)", FTP_REPLY, 150, 0, -1},
        {"213 4096", FTP_REPLY, 213, 0, 4096},
        {"213 20260101000000.5", FTP_REPLY, 213, 0, 20260101000000},
        {"220-hello", FTP_REPLY, 220, 0, -1},
        {"220", FTP_REPLY, 220, 0, -1},
        {"2200 x", FTP_OTHER, 0, 0, -1},
        {"PORT 10,0,0,1,156,64", FTP_LISTEN, 0, 40000, -1},
        {"port 10,0,0,1,156", FTP_LISTEN, 0, 0, -1},
        {"EPRT |1|10.0.0.1|40000|", FTP_LISTEN, 0, 40000, -1},
        {"EPRT |2|2001:db8::1|5282|", FTP_LISTEN, 0, 5282, -1},
        {"EPRT", FTP_LISTEN, 0, 0, -1},
        {"stor a b", FTP_STORE, 0, 0, -1},
        {"RETR a", FTP_RETRIEVE, 0, 0, -1},
        {"ALLO 77 R 1", FTP_ALLOCATE, 0, 0, 77},
        {"REST 100", FTP_RESTART, 0, 0, 100},
        {"PASS secret", FTP_SECRET, 0, 0, -1},
        {"PASSWORD x", FTP_OTHER, 0, 0, -1},
        {"\xff\xf4\xff\xf2"
         "ABOR",
         FTP_KNOWN, 0, 0, -1},
        {"", FTP_OTHER, 0, 0, -1},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        size_t size = strlen(row[i].text);
        uint8_t *copy = malloc(size + 1); /* what is read past the line, the sanitizer sees */
        memcpy(copy, row[i].text, size + 1);
        copy = realloc(copy, size ? size : 1);
        struct ftp_line line = ftp_parse_line(copy, size);
        assert_int_equal(line.word, row[i].word);
        assert_int_equal(line.code, row[i].code);
        assert_int_equal(line.port, row[i].port);
        assert_int_equal(line.number, row[i].number);
        free(copy);
    }
}

/* --- conversations -----------------------------------------------------------------------------
 */

static void open_control(void)
{
    handshake(&c, 40000, 21);
    say_text(&c, RESP, "220 files.example\r\n");
    say_text(&c, ORIG, "USER u\r\n");
    say_text(&c, RESP, "331 ?\r\n");
    say_text(&c, ORIG, "PASS pass@example.com\r\n");
    say_text(&c, RESP, "230 in\r\n");
    control = leave(&c);
}

static void speak(enum flow_side side, const char *text)
{
    enter(&c, &control);
    say_text(&c, side, text);
    control = leave(&c);
}

static void test_passive_upload(void **state)
{
    (void)state;
    static const char file[] = "a@example.com, b@example.com\n";
    open_control();
    speak(ORIG, "PASV\r\n");
    speak(RESP, "227 Entering Passive Mode (192,0,2,80,19,136).\r\n");
    speak(ORIG, "ALLO 29\r\nSTOR list.txt\r\n");
    speak(RESP, "150 Ok to send data.\r\n");
    handshake(&c, 40001, 5000);
    say_cut(&c, ORIG, file, 29, 7);
    struct content_facts facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_FTP_DATA);
    assert_true(bodies_are(&facts, ORIG, 1, 29, 0, 29));
    assert_true(bodies_are(&facts, RESP, 0, 0, 0, 0));
    assert_int_equal(c.items[ORIG], 2);
    facts = ended(&c, control.flow);
    assert_int_equal(facts.service, SERVICE_FTP);
    assert_int_equal(c.items[ORIG], 2); /* and none of the password */
}

/* The address is a translator's: the port is enough. */
static void test_extended_and_translated(void **state)
{
    (void)state;
    static const char *const said[] = {"229 Extended (|||5000|)\r\n", "227 (0,0,0,0,19,136)\r\n",
                                       "227 (10,9,8,7,19,136)\r\n"};
    open_control();
    for (uint16_t i = 0; i < 3; i++) {
        speak(RESP, said[i]);
        speak(ORIG, "STOR a\r\n");
        handshake(&c, (uint16_t)(40001 + i), 5000);
        say_text(&c, ORIG, "PROXY is no header here\n");
        struct content_facts facts = ended(&c, c.flow);
        assert_int_equal(facts.service, SERVICE_FTP_DATA);
        assert_true(bodies_are(&facts, ORIG, 1, 24, 1, 0));
    }
}

static void test_active_download(void **state)
{
    (void)state;
    open_control();
    speak(ORIG, "PORT 10,0,0,1,156,74\r\n"); /* 40010 */
    speak(RESP, "200 ok\r\n");
    speak(ORIG, "RETR b\r\n");
    speak(RESP, "150 Opening BINARY mode data connection for b (6 bytes).\r\n");
    begin(&c, PROTO_TCP, 40010, 20);
    packet(&c, RESP, TCP_SYN, NULL, 0, 0); /* the server opens */
    packet(&c, ORIG, TCP_SYN | TCP_ACK, NULL, 0, 0);
    say_text(&c, RESP, "abcdef");
    struct content_facts facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_FTP_DATA);
    assert_true(bodies_are(&facts, ORIG, 1, 6, 0, 6)); /* who opened it */
    assert_true(bodies_are(&facts, RESP, 0, 0, 0, 0));
}

/* SIZE and REST; the size in 150 is then not to be told from the rest's. */
static void test_restarted(void **state)
{
    (void)state;
    open_control();
    speak(ORIG, "SIZE b\r\n");
    speak(RESP, "213 100\r\n");
    speak(ORIG, "EPRT |1|10.0.0.1|40010|\r\n");
    speak(ORIG, "REST 90\r\n");
    speak(RESP, "350 go\r\n");
    speak(ORIG, "RETR b\r\n");
    speak(RESP, "150 Opening (100 bytes).\r\n");
    begin(&c, PROTO_TCP, 40010, 20);
    packet(&c, RESP, TCP_SYN, NULL, 0, 0);
    packet(&c, ORIG, TCP_SYN | TCP_ACK, NULL, 0, 0);
    say_text(&c, RESP, "0123456789");
    struct content_facts facts = ended(&c, c.flow);
    assert_true(bodies_are(&facts, ORIG, 1, 10, 0, 10));
}

/* Every way to cut the control connection announces the same. */
static void test_control_in_pieces(void **state)
{
    (void)state;
    static const char server[] = "220-FTP\r\n220 x\r\n331 y\r\n230 z\r\n227 (1,2,3,4,19,136)\r\n";
    static const char client[] = "USER u@example.com\r\nPASS p@example.com\r\nPASV\r\nSTOR a\r\n";
    for (size_t most = 1; most < sizeof server; most++) {
        handshake(&c, (uint16_t)(41000 + most), 2121);
        size_t before = c.hash_count;
        say_cut(&c, RESP, server, sizeof server - 1, most);
        say_cut(&c, ORIG, client, sizeof client - 1, most);
        struct content_facts facts = ended(&c, c.flow);
        assert_int_equal(facts.service, SERVICE_FTP);
        assert_int_equal(c.hash_count - before, 1);
        assert_int_equal(c.hash[before], hash64_keyed(&c.key, "u@example.com", 13));
        handshake(&c, (uint16_t)(42000 + most), 5000);
        say_text(&c, ORIG, "xyz");
        facts = ended(&c, c.flow);
        assert_true(bodies_are(&facts, ORIG, 1, 3, 1, 0));
    }
}

/* The rest of a line whose beginning is missing may be a password. */
static void test_control_gap(void **state)
{
    (void)state;
    open_control();
    enter(&c, &control);
    say_text(&c, ORIG, "CWD one@example.com\r\nPA");
    lose(&c, ORIG, 4);
    say_text(&c, ORIG, "secret@example.com\r\nCWD two@example.com\r\nPORT 10,0,0,1,156,74\r\n");
    say_text(&c, RESP, "200 a@example.com\r\n"); /* what was sent in answer lets streams go on */
    struct content_facts facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_FTP);
    assert_int_equal(c.items[ORIG], 2);
    for (size_t i = 0; i < c.hash_count; i++)
        assert_int_not_equal(c.hash[i], hash64_keyed(&c.key, "secret@example.com", 18));
}

/* Bytes that are missing are not seen, and join nothing. */
static void test_data_gap(void **state)
{
    (void)state;
    open_control();
    speak(RESP, "227 (192,0,2,80,19,136)\r\n");
    speak(ORIG, "ALLO 1000\r\nSTOR a\r\n");
    handshake(&c, 40001, 5000);
    lose(&c, ORIG, 100); /* even the first ones */
    say_text(&c, ORIG, "left@exam");
    lose(&c, ORIG, 3);
    say_text(&c, ORIG, "ple.com right@example.com\n");
    packet(&c, ORIG, TCP_FIN | TCP_ACK, NULL, 0, 0);
    packet(&c, RESP, TCP_FIN | TCP_ACK, NULL, 0, 0);
    struct content_facts facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_FTP_DATA);
    assert_true(bodies_are(&facts, ORIG, 1, 35, 0, 1000));
    assert_int_equal(c.items[ORIG], 1);
}

/* An announced channel is used once; the next connection there is anybody's. */
static void test_announced_once(void **state)
{
    (void)state;
    open_control();
    speak(RESP, "227 (192,0,2,80,19,136)\r\n");
    for (uint16_t i = 0; i < 2; i++) {
        handshake(&c, (uint16_t)(40001 + i), 5000);
        say_text(&c, ORIG, "text x@example.com\n");
        struct content_facts facts = ended(&c, c.flow);
        assert_int_equal(facts.service, i == 0 ? SERVICE_FTP_DATA : SERVICE_NONE);
        assert_int_equal(facts.body[ORIG].bodies, i == 0);
        assert_int_equal(c.items[ORIG], 1u + i); /* plain text is inspected all the same */
    }
}

static void test_becomes_tls(void **state)
{
    static struct bytes hello;
    (void)state;
    handshake(&c, 40000, 2121);
    say_text(&c, RESP, "220 FTP\r\n");
    say_text(&c, ORIG, "AUTH TLS\r\n");
    say_text(&c, RESP, "234 go\r\n");
    plain_hello(&hello, "ftp.example");
    say(&c, ORIG, hello.data, hello.size);
    say(&c, ORIG, "\x17\x03\x03\x00\x27", 5);
    say_text(&c, ORIG, "227 (1,2,3,4,19,136)\r\n x@example.com \r\n");
    struct content_facts facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_FTP);
    assert_int_equal(c.hash_count, 0);
}

/* An announcement hides no names. */
static void test_data_is_tls(void **state)
{
    (void)state;
    static struct bytes hello;
    plain_hello(&hello, "hidden.example");
    for (size_t most = 1; most < 12; most++) {
        open_control();
        speak(RESP, "227 (192,0,2,80,19,136)\r\n");
        handshake(&c, (uint16_t)(40000 + most), 5000);
        c.log_size = 0;
        say_cut(&c, ORIG, hello.data, hello.size, most);
        struct content_facts facts = ended(&c, c.flow);
        assert_string_equal(facts.text[TEXT_SERVER_NAME], "hidden.example");
        assert_int_equal(facts.body[ORIG].bodies, 0);
        finish(&c);
    }
}

/* What is sent in a record's likeness is still all counted, and so is less than a hello. */
static void test_data_is_nearly_tls(void **state)
{
    (void)state;
    static const char record[] = "\x16\x03\x01\x01\x00\x09rest";
    for (size_t size = 1; size < sizeof record; size++) {
        open_control();
        speak(RESP, "227 (192,0,2,80,19,136)\r\n");
        handshake(&c, (uint16_t)(40000 + size), 5000);
        say_cut(&c, ORIG, record, size, 1);
        struct content_facts facts = ended(&c, c.flow);
        assert_true(bodies_are(&facts, ORIG, 1, size, 1, 0));
        finish(&c);
    }
}

/* Of a line that is not whole yet nothing is looked at: it may be a password. */
static void test_held(void **state)
{
    (void)state;
    for (size_t most = 1; most < 30; most++) {
        static const char line[] = "PASS p@example.com\r\nCWD u@example.com\r\n";
        size_t before = c.hash_count;
        handshake(&c, (uint16_t)(40000 + most), 21); /* the server is not seen */
        say_cut(&c, ORIG, line, sizeof line - 1, most);
        ended(&c, c.flow);
        assert_int_equal(c.hash_count - before, 1);
        assert_int_equal(c.hash[before], hash64_keyed(&c.key, "u@example.com", 13));
    }
}

/* A line without end is read to a bound, and hides neither itself nor what follows. */
static void test_endless_line(void **state)
{
    (void)state;
    static char line[FTP_LINE_MAX + 1000];
    open_control();
    enter(&c, &control);
    memset(line, 'x', sizeof line);
    memcpy(line, "PASS ", 5);
    memcpy(line + FTP_LINE_MAX + 10, " secret@example.com ", 20);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    say_cut(&c, ORIG, line, sizeof line, 1000);
    say_text(&c, ORIG, "CWD one@example.com\r\n");
    ended(&c, c.flow);
    assert_int_equal(c.items[ORIG], 1);
}

/* What looks like TLS and was not agreed upon hides nothing, nor does what is longer than any
 * secret; a mode that was refused is not the next transfer's. */
static void test_hides_nothing(void **state)
{
    (void)state;
    struct health health = {0};
    static char line[1024];
    open_control();
    speak(ORIG, "AUTH TLS\r\n");
    speak(RESP, "502 no\r\n");
    speak(ORIG, "\x16\3\1\1\5\1\r\n");
    speak(RESP, "500 what?\r\n");
    speak(ORIG, "MODE Z\r\n");
    speak(RESP, "504 no\r\n");
    speak(ORIG, "TYPE I\r\n");
    speak(RESP, "200 ok\r\n");
    speak(ORIG, "PORT 10,0,0,1,19,136\r\n");
    speak(RESP, "200 ok\r\n");
    begin(&c, PROTO_TCP, 5000, 20);
    say_text(&c, ORIG, "text x@example.com\n");
    struct content_facts facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_FTP_DATA);
    assert_true(bodies_are(&facts, ORIG, 1, 19, 1, 0));
    content_health(c.content, &health);
    assert_int_equal(health.bodies_damaged, 0);
    memset(line, 'x', sizeof line);
    memcpy(line, "PASS ", 5);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    enter(&c, &control);
    for (int i = 0; i < 70; i++)
        say(&c, ORIG, line, sizeof line);
    say_text(&c, ORIG, "PASS  a@example.com\r\n");
    facts = ended(&c, c.flow);
    assert_int_equal(facts.service, SERVICE_FTP);
    assert_int_equal(c.items[ORIG], 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        TEST(test_passive_upload),
        TEST(test_extended_and_translated),
        TEST(test_active_download),
        TEST(test_restarted),
        TEST(test_control_in_pieces),
        TEST(test_control_gap),
        TEST(test_data_gap),
        TEST(test_announced_once),
        TEST(test_becomes_tls),
        TEST(test_data_is_tls),
        TEST(test_data_is_nearly_tls),
        TEST(test_held),
        TEST(test_endless_line),
        TEST(test_hides_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
