/* Control systems and surveillance through content: what they are called, how much is read and
 * written, on their own port and on any, however the stream is cut and whatever is missing. */
#include "control_case.h"
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ORIG       SIDE_ORIG
#define RESP       SIDE_RESP
#define OTHER_PORT 4711

static struct conversation c;
static uint16_t port; /* a new one for each conversation */

static int setup(void **state)
{
    (void)state;
    port = 20001;
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

static void opened(uint8_t proto, uint16_t resp_port)
{
    c.log_size = 0;
    if (proto == PROTO_TCP)
        handshake(&c, port++, resp_port);
    else
        begin(&c, proto, port++, resp_port);
}

static void say_hex(enum flow_side from, const char *text)
{
    static struct bytes b;
    b.size = 0;
    put_hex(&b, text);
    say(&c, from, b.data, b.size);
}

static void assert_told(enum service service, uint32_t reads, uint32_t writes)
{
    struct content_facts facts = content_get_facts(c.flow);
    assert_int_equal(facts.service, service);
    assert_int_equal(facts.operations.reads, reads);
    assert_int_equal(facts.operations.writes, writes);
}

/* The flow's end: what was gathered is read. */
static void closed(enum service service, uint32_t reads, uint32_t writes)
{
    content_flush(c.content, c.flow, c.now);
    assert_told(service, reads, writes);
}

/* The flow's end, as the case has it; what is asked for is the same however often. */
static void closed_as(const struct control_case *t, uint32_t times)
{
    closed(t->service, times * t->reads, times * t->writes);
    const struct function_set none = {.count = 0}, *set = content_get_facts(c.flow).functions;
    set = set ? set : &none;
    size_t at = set->count > 0 && set->code[0] == 0;
    for (size_t i = 0; i < CASE_MESSAGES && t->functions[i]; i++, at++) {
        assert_true(at < set->count);
        assert_int_equal(set->code[at], t->functions[i]);
    }
    assert_int_equal(at, set->count);
    assert_int_equal(set->more, 0);
}

static void talk(const struct control_case *t)
{
    for (size_t i = 0; i < CASE_MESSAGES; i++) {
        if (t->asks[i])
            say_hex(ORIG, t->asks[i]);
        if (t->answers[i])
            say_hex(RESP, t->answers[i]);
    }
}

static void test_own_port(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONTROL_CASES; i++) {
        const struct control_case *t = &control_cases[i];
        opened(t->proto, t->port);
        talk(t);
        closed_as(t, 1);
    }
}

static void test_other_port(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONTROL_CASES; i++) {
        const struct control_case *t = &control_cases[i];
        opened(t->proto, OTHER_PORT);
        talk(t);
        closed_as(t, 1);
    }
}

static void join(struct bytes *b, const char *const message[CASE_MESSAGES])
{
    b->size = 0;
    for (size_t i = 0; i < CASE_MESSAGES && message[i]; i++)
        put_hex(b, message[i]);
}

/* Either side's stream in segments of `most`, the first one of `first` bytes. */
static void talk_cut(const struct control_case *t, uint16_t resp_port, size_t first, size_t most)
{
    static struct bytes asks, answers;
    join(&asks, t->asks);
    join(&answers, t->answers);
    size_t of_asks = first < asks.size ? first : asks.size;
    size_t of_answers = first < answers.size ? first : answers.size;
    opened(t->proto, resp_port);
    say_cut(&c, ORIG, asks.data, of_asks, most);
    say_cut(&c, RESP, answers.data, of_answers, most);
    say_cut(&c, ORIG, asks.data + of_asks, asks.size - of_asks, most);
    say_cut(&c, RESP, answers.data + of_answers, answers.size - of_answers, most);
    closed_as(t, 1);
}

static void test_cut_everywhere(void **state)
{
    static struct bytes asks;
    (void)state;
    for (size_t i = 0; i < CONTROL_CASES; i++) {
        const struct control_case *t = &control_cases[i];
        join(&asks, t->asks);
        if (t->proto != PROTO_TCP)
            continue;
        for (size_t first = 1; first <= asks.size; first++) {
            talk_cut(t, t->port, first, sizeof asks.data);
            talk_cut(t, OTHER_PORT, first, sizeof asks.data);
        }
        for (size_t most = 1; most < 16; most++) {
            talk_cut(t, t->port, asks.size, most);
            talk_cut(t, OTHER_PORT, asks.size, most);
        }
    }
}

/* The sensor missed bytes, then what begins anywhere comes; then whole messages again. */
static void test_gap(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONTROL_CASES; i++) {
        const struct control_case *t = &control_cases[i];
        if (t->proto != PROTO_TCP)
            continue;
        opened(t->proto, t->port);
        talk(t);
        lose(&c, ORIG, 3);
        say_text(&c, ORIG, "the rest of a message");
        c.now.ns += NS_PER_S;
        packet(&c, RESP, TCP_ACK, NULL, 0, 0);
        talk(t);
        closed_as(t, 2);
    }
}

/* The snap length cuts bodies: whose header was seen is counted, and the next is in its place. */
static void test_snap(void **state)
{
    static const char head[] = "0001 0000 00c9 11 10 0001 0061 c2 0000";
    struct bytes *b = calloc(1, sizeof *b);
    (void)state;
    put_hex(b, head);
    opened(PROTO_TCP, 502);
    for (int i = 0; i < 3; i++)
        packet(&c, ORIG, TCP_ACK, b->data, b->size, 6 + 0xc9 - b->size);
    say_hex(ORIG, control_cases[0].asks[0]);
    closed(SERVICE_MODBUS, 1, 3);
    free(b);
}

/* One question and its answer are enough; the question is read when the flow ends. */
static void test_answered(void **state)
{
    (void)state;
    opened(PROTO_TCP, OTHER_PORT);
    say_hex(ORIG, control_cases[0].asks[0]);
    assert_told(SERVICE_NONE, 0, 0);
    say_hex(RESP, control_cases[0].answers[0]);
    assert_told(SERVICE_MODBUS, 0, 0);
    closed(SERVICE_MODBUS, 1, 0);
    opened(PROTO_TCP, OTHER_PORT);
    say_hex(ORIG, control_cases[0].asks[0]);
    say_hex(RESP, control_cases[0].answers[1]); /* of another transaction */
    closed(SERVICE_NONE, 0, 0);
}

/* Joined in the middle, the server speaks first. */
static void test_turned(void **state)
{
    (void)state;
    c.log_size = 0;
    begin(&c, PROTO_TCP, 502, port++);
    say_hex(ORIG, control_cases[0].answers[1]);
    say_hex(RESP, control_cases[0].asks[0]);
    say_hex(RESP, control_cases[0].asks[1]);
    closed(SERVICE_MODBUS, 1, 1);
}

/* Joined in the middle of the client's message: from the server's next one on it is known. */
static void test_joined_late(void **state)
{
    (void)state;
    begin(&c, PROTO_TCP, port++, 502);
    say_hex(ORIG, "ffffffffffffffffffffffff");
    say_hex(RESP, control_cases[0].answers[0]);
    say_hex(ORIG, control_cases[0].asks[0]);
    say_hex(ORIG, control_cases[0].asks[1]);
    closed(SERVICE_MODBUS, 1, 1);
}

/* Codes beyond the bound are counted; answers are none; of both sides, where both ask. */
static void test_functions(void **state)
{
    char ask[64];
    (void)state;
    opened(PROTO_TCP, 502);
    for (unsigned function = 1; function <= FUNCTIONS_MAX + 3; function++) {
        snprintf(ask, sizeof ask, "0001 0000 0006 11 %02x 006b 0003", function);
        say_hex(ORIG, ask);
        snprintf(ask, sizeof ask, "0001 0000 0006 11 %02x 006b 0003", function + 64);
        say_hex(RESP, ask);
    }
    say_hex(ORIG, "0001 0000 0006 11 01 006b 0003");
    content_flush(c.content, c.flow, c.now);
    const struct function_set *set = content_get_facts(c.flow).functions;
    assert_int_equal(set->count, FUNCTIONS_MAX);
    assert_int_equal(set->code[FUNCTIONS_MAX - 1], FUNCTIONS_MAX);
    assert_int_equal(set->more, 3);
    opened(PROTO_UDP, 47808); /* devices of BACnet ask each other */
    say_hex(ORIG, "81 0a 0011 01 04 00 05 01 0c 0c 023fffff 19 4b");
    say_hex(RESP, "81 0a 0018 01 04 00 05 02 0f 0c 00800001 19 55 3e 44 42480000 3f");
    set = content_get_facts(c.flow).functions;
    assert_int_equal(set->count, 2);
    assert_true(function_set_has(set, 12) && function_set_has(set, 15));
    assert_false(function_set_is_back(set, 0));
    assert_true(function_set_is_back(set, 1)); /* only the second asked for it */
}

#define CIP_DATA  CIP_ZEROS "00000000 0000 0200 0000 0000 b200 "
#define S7_SET_UP "0300 0019 02 f0 80 32 01 0000 0400 0008 0000 f0 00 0001 0001 01e0"
#define S7_STOP   "29 0000000000 09 'P_PROGRAM'"

/* How a message is cut or wrapped hides nothing: what cannot be read is said. */
static const struct {
    uint16_t port;
    const char *asks[4];
    uint32_t writes;
    uint16_t functions[4];
} hidden[] = {
    /* a batch in a batch; what is sent on twice, and in a batch; the manager in two bytes */
    {44818,
     {"6f00 2200 " CIP_DATA "1200 0a 02 2002 2401 0100 0400 0a 02 2002 2401 0000"},
     0,
     {0x0a, 0x680}},
    {44818,
     {"6f00 2a00 " CIP_DATA "1a00 52 02 2006 2401 0a05 1000 52 02 2006 2401 0a05 0600 "
      "4d 02 910141 00"},
     0,
     {0x652, 0x680}},
    {44818,
     {"6f00 2400 " CIP_DATA "1400 0a 02 2002 2401 0100 0400 52 02 2006 2401 0a05 0000"},
     0,
     {0x0a, 0x652, 0x680}},
    {44818,
     {"6f00 2400 " CIP_DATA "1400 52 04 2100 0600 2500 0100 0a05 0600 4d 02 910141 00"},
     1,
     {0x4d, 0x652}},
    /* behind a segment of nothing; behind its header; not even that is in the first one */
    {102,
     {S7_OPEN, S7_SET_UP, "0300 0007 02 f0 00",
      "0300 0021 02 f0 80 32 01 0000 0700 0010 0000 " S7_STOP},
     1,
     {0x29, 0xf0}},
    {102,
     {S7_OPEN, S7_SET_UP, "0300 0011 02 f0 00 32 01 0000 0700 0010 0000",
      "0300 0017 02 f0 80 " S7_STOP},
     0,
     {0xf0, 0x100}},
    {102,
     {S7_OPEN, S7_SET_UP, "0300 0008 02 f0 00 32",
      "0300 0020 02 f0 80 01 0000 0700 0010 0000 " S7_STOP},
     0,
     {0xf0, 0x100}},
    {102,
     {S7_OPEN, S7_SET_UP, "0300 0009 02 f0 00 72 01",
      "0300 0016 02 f0 80 0009 31 0000 04ca 00000001 7201 0000"},
     0,
     {0xf0, 0x100}},
    /* an exception asks for nothing */
    {502, {"0001 0000 0006 11 03 006b 0003", "0003 0000 0003 11 97 02"}, 0, {3}},
};

static void assert_functions(const uint16_t *codes, size_t most)
{
    const struct function_set *set = content_get_facts(c.flow).functions;
    size_t count = 0;
    assert_non_null(set);
    for (; count < most && codes[count]; count++) {
        assert_true(count < set->count);
        assert_int_equal(set->code[count], codes[count]);
    }
    assert_int_equal(set->count, count);
}

/* A controller that asks by more functions than are kept hides nothing of what it is asked for. */
static void test_who_is_asked_fills_no_set(void **state)
{
    (void)state;
    char ask[120];
    opened(PROTO_TCP, 102);
    say_hex(ORIG, S7_OPEN);
    say_hex(RESP, S7_OPENED);
    for (unsigned function = 0x60; function < 0x60 + FUNCTIONS_MAX + 1; function++) {
        snprintf(ask, sizeof ask,
                 "0300 0019 02 f0 80 32 01 0000 0400 0008 0000 %02x 00 0001 0001 01e0", function);
        say_hex(RESP, ask);
    }
    say_hex(ORIG, S7_SET_UP);
    say_hex(ORIG, "0300 001f 02 f0 80 32 01 0000 0500 000e 0000 04 01 12 0a 10 02 0010 0001 84 "
                  "000000");
    content_flush(c.content, c.flow, c.now);
    const struct function_set *set = content_get_facts(c.flow).functions;
    assert_int_equal(set->count, FUNCTIONS_MAX);
    assert_int_equal(set->code[0], 0x04);
    assert_false(function_set_is_back(set, 0));
    assert_int_equal(set->code[FUNCTIONS_MAX - 1], 0xf0);
    assert_false(function_set_is_back(set, FUNCTIONS_MAX - 1));
    assert_true(function_set_is_back(set, 1));
    assert_int_equal(set->more, 0);
    assert_int_equal(set->more_back, 3);
}

static void test_hidden_functions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        opened(PROTO_TCP, hidden[i].port);
        for (size_t n = 0; n < 4 && hidden[i].asks[n]; n++)
            say_hex(ORIG, hidden[i].asks[n]);
        content_flush(c.content, c.flow, c.now);
        assert_int_equal(content_get_facts(c.flow).operations.writes, hidden[i].writes);
        assert_functions(hidden[i].functions, 4);
    }
}

static void put_le16(struct bytes *b, unsigned value)
{
    put8(b, value);
    put8(b, value >> 8);
}

/* A batch of so many, each of them the same read of a tag, at an offset of its body. */
static void say_batch(unsigned number, unsigned at)
{
    static struct bytes b;
    unsigned body = at + 6 < 2 + 2 * number ? 2 + 2 * number : at + 6, data = 6 + body;
    b.size = 0;
    put_hex(&b, "6f00");
    put_le16(&b, 16 + data);
    put_hex(&b, CIP_DATA);
    put_le16(&b, data);
    put_hex(&b, "0a 02 2002 2401");
    size_t from = b.size;
    put_le16(&b, number);
    for (unsigned i = 0; i < number; i++)
        put_le16(&b, at);
    while (b.size < from + at)
        put_hex(&b, "00");
    put_hex(&b, "4c 02 910141 00");
    say(&c, ORIG, b.data, b.size);
}

/* More parts than are looked at, and one that stands behind what is. */
static void test_large_batches(void **state)
{
    (void)state;
    opened(PROTO_TCP, 44818);
    say_batch(64, 2 + 2 * 64);
    content_flush(c.content, c.flow, c.now);
    assert_functions((const uint16_t[]){0x0a, 0x4c}, 2);
    opened(PROTO_TCP, 44818);
    say_batch(65, 2 + 2 * 65);
    content_flush(c.content, c.flow, c.now);
    assert_functions((const uint16_t[]){0x0a, 0x4c, 0x680}, 3);
    opened(PROTO_TCP, 44818);
    say_batch(1, 1200);
    content_flush(c.content, c.flow, c.now);
    assert_functions((const uint16_t[]){0x0a, 0x680}, 2);
}

static const struct {
    uint8_t proto;
    uint16_t port;
    const char *asks[3];
} others[] = {
    /* a remote desktop's connection request, and TLS behind it; IEC 61850, on port 102 */
    {PROTO_TCP, 3389, {"0300 0013 0e e0 0000 0000 00 01 00 0800 03000000", "160301 0001 00"}},
    {PROTO_TCP, 102, {S7_OPEN, "0300 000b 02 f0 80 0d 02 05 06"}},
    /* a CRC that does not hold; one bit of the length is another */
    {PROTO_TCP, 20000, {"0564 08 c4 0400 0300 b4b9 c0 c1 0d d22d"}},
    {PROTO_TCP, OTHER_PORT, {"0564 09 c4 0400 0300 b4b8 c0 c1 0d d22d"}},
    /* Modbus: one message alone; a length that is not the function's, twice */
    {PROTO_TCP, OTHER_PORT, {"0001 0000 0006 11 03 006b 0003"}},
    {PROTO_TCP,
     OTHER_PORT,
     {"0001 0000 0007 11 03 006b 0003 00", "0002 0000 0007 11 03 006b 0003 00"}},
    /* on its port, another protocol number; too short to be */
    {PROTO_TCP, 502, {"0001 0001 0006 11 03 006b 0003", "0001 0000 0001 11"}},
    {PROTO_TCP, 2404, {"68 03 070000", "68 04 07000001"}},
    {PROTO_TCP, 2404, {"68 0e 0000 0000 2b 01 06 00 0100 000000 14"}}, /* no such type */
    {PROTO_TCP, 44818, {"6500 0400 00000000 00000000 0000000000000000 01000000 01000000"}},
    {PROTO_TCP, 44818, {"0000 0000 00000000 00000000 0000000000000000 00000000"}},
    {PROTO_TCP, 4840, {"'MSGX' 20000000 00000000", "'MSGF' 07000000"}},
    {PROTO_TCP, 4840, {"'MESSAGE: hello'"}},
    /* the length is not the datagram's; a version of nobody's */
    {PROTO_UDP, 47808, {"81 0a 0012 01 04 00 05 01 0c 0c 023fffff 19 4b"}},
    {PROTO_UDP, 47808, {"81 0a 0010 01 04 00 05 01 0c 0c 023fffff 19 4b"}},
    {PROTO_UDP, 47808, {"81 0a 0011 02 04 00 05 01 0c 0c 023fffff 19 4b"}},
    /* a block alone; of two radars; more items than bytes; an FSPEC whose last byte is empty */
    {PROTO_UDP, 8600, {"30 0009 c0 190d 356d4d"}},
    {PROTO_UDP, 8600, {"30 0009 c0 190d 356d4d", "30 0009 c0 190e 356d4d"}},
    {PROTO_UDP, 8600, {"30 0009 fe 190d 356d4d", "30 0009 fe 190d 356d4d"}},
    {PROTO_UDP, 8600, {"30 0009 c1 00 190d 356d", "30 0009 c1 00 190d 356d"}},
    {PROTO_UDP, 8600, {"30 0008 c0 190d 356d4d", "30 000a c0 190d 356d4d"}},
    {PROTO_UDP, 34964, {PN_HEAD("0b") "0200" PN_TAIL}},
};

static void test_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        opened(others[i].proto, others[i].port);
        for (size_t n = 0; n < 3 && others[i].asks[n]; n++)
            say_hex(ORIG, others[i].asks[n]);
        content_flush(c.content, c.flow, c.now);
        struct content_facts facts = content_get_facts(c.flow);
        assert_false(service_is_ot(facts.service));
        assert_int_equal(facts.operations.reads + facts.operations.writes, 0);
    }
}

/* Every byte value again and again, and nothing else: is nothing of this. (On their ports one
 * message is enough, and "hhhh…" is one of IEC 104's.) */
static void test_monotone(void **state)
{
    static uint8_t data[1500];
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        memset(data, (int)value, sizeof data);
        for (size_t i = 0; i < CONTROL_CASES; i++) {
            bool own = control_cases[i].service != SERVICE_IEC104;
            opened(control_cases[i].proto, own && i % 2 ? control_cases[i].port : OTHER_PORT);
            say(&c, ORIG, data, sizeof data);
            say(&c, RESP, data, sizeof data);
            say(&c, ORIG, data, sizeof data);
            content_flush(c.content, c.flow, c.now);
            assert_false(service_is_ot(content_get_facts(c.flow).service));
        }
    }
}

static void assert_address(enum flow_side from)
{
    content_flush(c.content, c.flow, c.now);
    assert_int_equal(c.of_class[from][CONTENT_EMAIL], 1);
    memset(c.of_class, 0, sizeof c.of_class);
}

/* A message in front switches nothing off: what it holds, what comes behind it, what comes behind
 * missing bytes, and the other side's bytes are inspected. */
static void test_inspected(void **state)
{
    static const char text[] = " to alice@mail.example.com ";
    (void)state;
    opened(PROTO_TCP, OTHER_PORT);
    say_hex(ORIG, "'MSGF' 00000100 " UA_CHANNEL "01 00 7702 00000000");
    for (size_t i = 0; i < sizeof text - 1; i++)
        say(&c, ORIG, text + i, 1);
    assert_address(ORIG);
    opened(PROTO_TCP, 502);
    say_hex(ORIG, control_cases[0].asks[0]);
    say_text(&c, ORIG, "no message any more");
    say_text(&c, RESP, text);
    say_text(&c, ORIG, "al");
    lose(&c, ORIG, 3);
    say_text(&c, ORIG, "ice@mail.example.com, carol@mail.example.com ");
    c.now.ns += NS_PER_S;
    packet(&c, RESP, TCP_ACK, NULL, 0, 0);
    content_progress(c.content, c.flow, c.now);
    assert_int_equal(c.of_class[RESP][CONTENT_EMAIL], 1);
    assert_address(ORIG);
    opened(PROTO_UDP, 47808);
    say_hex(ORIG, "81 0b 0025 01 20 ffff 00 ff 10 08 '  alice@mail.example.com '");
    assert_int_equal(content_get_facts(c.flow).service, SERVICE_BACNET);
    assert_address(ORIG);
    opened(PROTO_UDP, 34964); /* behind more than any other datagrams are given */
    for (int i = 0; i < 1000; i++)
        say_hex(ORIG, control_cases[8].asks[0]);
    say_text(&c, ORIG, text);
    assert_int_equal(content_get_facts(c.flow).service, SERVICE_PROFINET);
    assert_address(ORIG);
    opened(PROTO_UDP, 2222);
    say_hex(ORIG, "0200 0280 0800 1122334455667788 b100 1a00 0100 ' alice@mail.example.com '");
    assert_int_equal(content_get_facts(c.flow).service, SERVICE_CIP);
    assert_address(ORIG);
}

/* UDP has DNP3 and EtherNet/IP too, and cyclic data of the latter. */
static void test_datagrams(void **state)
{
    (void)state;
    opened(PROTO_UDP, OTHER_PORT);
    say_hex(ORIG, control_cases[CONTROL_CASES - 1].asks[1]);
    closed(SERVICE_DNP3, 1, 0);
    opened(PROTO_UDP, 44818); /* ListIdentity */
    say_hex(ORIG, "6300 0000 00000000 00000000 0000000000000000 00000000");
    closed(SERVICE_CIP, 0, 0);
    opened(PROTO_UDP, 2222);
    say_hex(ORIG, "0200 0280 0800 1122334455667788 b100 0400 0100 aabb");
    closed(SERVICE_CIP, 0, 0);
    opened(PROTO_UDP, 2222);
    say_hex(ORIG, "0200 0280 0800 1122334455667788 b100 0500 0100 aabb");
    closed(SERVICE_NONE, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_port),
        cmocka_unit_test(test_other_port),
        cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_snap),
        cmocka_unit_test(test_answered),
        cmocka_unit_test(test_joined_late),
        cmocka_unit_test(test_turned),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_monotone),
        cmocka_unit_test(test_datagrams),
        cmocka_unit_test(test_inspected),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_hidden_functions),
        cmocka_unit_test(test_who_is_asked_fills_no_set),
        cmocka_unit_test(test_large_batches),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
