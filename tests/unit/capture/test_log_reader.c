/* Lines of a conn.log by hand: what each says, what is not believed, in which order and in which
 * pieces it is told. The first two are from Zeek's own documentation. */
#include "../../../sensor/capture/log_formats.h"
#include "../../../sensor/capture/log_reader.h"
#include "../../../sensor/capture/zeek_line.h"

#include "weir/decode/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS                                                                                     \
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t"     \
    "orig_bytes\tresp_bytes\tconn_state\tlocal_orig\tmissed_bytes\thistory\torig_pkts\t"           \
    "orig_ip_bytes\tresp_pkts\tresp_ip_bytes"
#define HEAD "#separator \\x09\n#unset_field\t-\n#path\tconn\n" FIELDS "\n"
#define DNS                                                                                        \
    "1591367999.305988\tCM\t192.168.4.76\t36844\t192.168.4.1\t53\tudp\tdns\t0.066852\t62\t141\t"   \
    "SF\t-\t0\tDd\t2\t118\t2\t197\n"
#define HTTP                                                                                       \
    "1591367999.430166\tC5\t192.168.4.76\t46378\t31.3.245.133\t80\ttcp\thttp\t0.254115\t77\t295\t" \
    "SF\t-\t0\tShADadFf\t6\t397\t4\t511\n"
#define MINUTE (60 * NS_PER_S)
#define T0     (INT64_C(1591365600) * NS_PER_S) /* 14:00 */

/* --- one line --------------------------------------------------------------------------------- */

static enum log_result parse_as(const char *fields, const char *line, struct connection *c)
{
    struct zeek_header header;
    zeek_header_init(&header);
    assert_int_equal(zeek_line(&header, fields, strlen(fields), c), LOG_NOTHING);
    char *exact = malloc(strlen(line) + 1); /* so that the sanitizer sees a step too far */
    memcpy(exact, line, strlen(line));
    enum log_result result = zeek_line(&header, exact, strcspn(line, "\n"), c);
    free(exact);
    return result;
}

static enum log_result parse(const char *line, struct connection *c)
{
    return parse_as(FIELDS, line, c);
}

/* A TCP or UDP line with these in their places. */
static enum log_result made(struct connection *c, const char *proto, const char *sizes,
                            const char *state, const char *history)
{
    char line[512], bytes[3][64];
    sscanf(sizes, "%63s %63s %63s", bytes[0], bytes[1], bytes[2]); /* payload, packets, IP bytes */
    snprintf(
        line, sizeof line,
        "1591367999.5\tC\t10.0.0.1\t1\t192.0.2.1\t2\t%s\t-\t-\t%s\t9\t%s\t-\t0\t%s\t%s\t%s\t1\t49",
        proto, bytes[0], state, history, bytes[1], bytes[2]);
    return parse(line, c);
}

static void test_what_zeek_documents(void **state)
{
    (void)state;
    struct connection c;
    char text[IP_TEXT_SIZE];
    assert_int_equal(parse(DNS, &c), LOG_OK);
    assert_true(c.start_ns == INT64_C(1591367999305988000));
    assert_int_equal(c.end_ns - c.start_ns, 66852000);
    assert_string_equal(ip_text(&c.key.orig_ip, text), "192.168.4.76");
    assert_string_equal(ip_text(&c.key.resp_ip, text), "192.168.4.1");
    assert_int_equal(c.key.orig_port, 36844);
    assert_int_equal(c.key.resp_port, 53);
    assert_int_equal(c.key.proto, PROTO_UDP);
    assert_int_equal(c.service, SERVICE_DNS);
    assert_int_equal(c.side[SIDE_ORIG].payload_bytes, 62);
    assert_int_equal(c.side[SIDE_RESP].payload_bytes, 141);
    assert_int_equal(c.side[SIDE_RESP].packets, 2);
    assert_int_equal(c.side[SIDE_RESP].ip_bytes, 197);
    assert_int_equal(c.flags, FLOW_ESTABLISHED);
    assert_int_equal(parse(HTTP, &c), LOG_OK);
    assert_int_equal(c.flags, FLOW_ESTABLISHED | FLOW_ORIG_BY_SYN);
    assert_int_equal(c.end, FLOW_END_CLOSED);
    assert_int_equal(c.service, SERVICE_HTTP);
}

static void test_json(void **state)
{
    (void)state;
    struct connection c;
    assert_int_equal(
        parse("{\"ts\":1591367999.305988,\"uid\":\"C\\\"x\",\"id.orig_h\":\"192.168.4.76\","
              "\"id.orig_p\":36844,\"id.resp_h\":\"2001:db8::1\", \"id.resp_p\" : 443 ,"
              "\"proto\":\"tcp\",\"service\":\"http,ssl\",\"duration\":2.5e-06,\"orig_bytes\":62,"
              "\"conn_state\":\"RSTO\",\"tunnel_parents\":[\"]\",{}],\"local_orig\":true,"
              "\"orig_pkts\":3,\"orig_ip_bytes\":222,\"vlan\":7}",
              &c),
        LOG_OK);
    assert_true(c.start_ns == INT64_C(1591367999305988000));
    assert_int_equal(c.end_ns - c.start_ns, 2500);
    assert_int_equal(c.key.vlan, 7);
    assert_int_equal(c.key.resp_port, 443);
    assert_int_equal(c.service, SERVICE_TLS);
    assert_int_equal(c.end, FLOW_END_RESET);
    assert_int_equal(c.side[SIDE_ORIG].payload_bytes, 62);
    assert_int_equal(c.side[SIDE_RESP].packets, 0);
    assert_int_equal(parse("{\"ts\":\"2020-06-05T14:39:59.305988Z\",\"id.orig_h\":\"10.0.0.1\","
                           "\"id.resp_h\":\"10.0.0.2\",\"proto\":\"udp\",\"conn_state\":\"S0\"}",
                           &c),
                     LOG_OK);
    assert_true(c.start_ns == INT64_C(1591367999305988000));
    assert_int_equal(parse("{\"ts\":1,\"id.orig_h\":\"10.0.0.1\",\"id.resp_h\":\"10.0.0.2\","
                           "\"proto\":\"udp\",\"query\":\"a.example\"}",
                           &c),
                     LOG_NO_STATE); /* a line of dns.log */
}

/* The same in columns, behind `note` bytes that nobody reads and before what is `behind`, and by
 * name. `uid`: of so many bytes; −1: the line ends before it. */
static void expect_columns(int note, int uid, const char *behind)
{
    char pad[132], line[512];
    struct connection have = {0}, want = {0};
    memset(pad, 'x', sizeof pad);
    snprintf(line, sizeof line, "%.*s\t1591367999.5\t10.0.0.1\t192.0.2.1\ttcp\tSF%s%.*s%s", note,
             pad, uid < 0 ? "" : "\t", uid < 0 ? 0 : uid, pad, behind);
    assert_int_equal(
        parse_as("#fields\tnote\tts\tid.orig_h\tid.resp_h\tproto\tconn_state\tuid\tx", line, &have),
        LOG_OK);
    snprintf(line, sizeof line,
             "{\"ts\":1591367999.5,\"id.orig_h\":\"10.0.0.1\",\"id.resp_h\":\"192.0.2.1\","
             "\"proto\":\"tcp\",\"conn_state\":\"SF\"%s%.*s%s}",
             uid < 0 ? "" : ",\"uid\":\"", uid < 0 ? 0 : uid, pad, uid < 0 ? "" : "\"");
    assert_int_equal(parse(line, &want), LOG_OK);
    assert_memory_equal(&have, &want, sizeof have);
}

/* Columns are found many at a time; wherever one ends, it is what its name says. */
static void test_columns_of_any_length(void **state)
{
    (void)state;
    for (int note = 0; note <= 130; note++) {
        expect_columns(note, -1, "");
        for (int uid = 0; uid < 67; uid += uid < 2 ? 1 : 13) {
            expect_columns(note, uid, "");
            expect_columns(note, uid, "\t");
            expect_columns(note, uid, "\tT\tand\tmore\tthan\tneeded");
        }
    }
}

/* Each is cut or wrong in one place. */
static void test_what_is_no_line(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum log_result result;
    } cases[] = {
        {"x", LOG_NO_TIME},
        {"-1.5\tC\t10.0.0.1\t1\t10.0.0.2\t2\tudp", LOG_NO_TIME},
        {"nan\tC\t10.0.0.1\t1\t10.0.0.2\t2\tudp", LOG_NO_TIME},
        {"0x10\tC\t10.0.0.1\t1\t10.0.0.2\t2\tudp", LOG_NO_TIME},
        {"4400000000\tC\t10.0.0.1\t1\t10.0.0.2\t2\tudp", LOG_NO_TIME},
        {"4399999999\tC\t10.0.0.1\t1\t10.0.0.2\t2\tudp\t-\t5", LOG_NO_TIME},
        {"1\tC\t10.0.0\t1\t10.0.0.2\t2\tudp", LOG_NO_ADDRESS},
        {"1\tC\t10.0.0.1\t1", LOG_NO_ADDRESS},
        {"1\tC\t10.0.0.1\t1\t10.0.0.2\t2\tquic", LOG_NO_PROTOCOL},
        {"1\tC\t10.0.0.1\t65536\t10.0.0.2\t2\tudp", LOG_NO_NUMBER},
        {"1\tC\t10.0.0.1\t1\t10.0.0.2\t2\tudp\t-\t1\t-5", LOG_NO_NUMBER},
        {"1\tC\t10.0.0.1\t1\t10.0.0.2\t2\tudp\t-\t1\t72057594037927936", LOG_NO_NUMBER},
        {"1\tC\t10.0.0.1\t1\t10.0.0.2\t2\tudp\t-\t1\t99999999999999999999", LOG_NO_NUMBER},
        {"{\"ts\":1,", LOG_NO_JSON},
        {"{\"ts\":[[1,", LOG_NO_JSON},
        {"{\"ts\":\"1\\", LOG_NO_JSON},
        {"# a comment", LOG_NOTHING},
        {"", LOG_NOTHING},
    };
    struct connection c;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (parse(cases[i].line, &c) != cases[i].result)
            fail_msg("%s", cases[i].line);
}

static void test_unset_is_not_nothing(void **state)
{
    (void)state;
    struct connection c;
    assert_int_equal(made(&c, "udp", "- 1 78", "S0", "D"), LOG_OK);
    assert_int_equal(c.side[SIDE_ORIG].payload_bytes, 50); /* less IP's 20 and UDP's 8 */
    assert_int_equal(made(&c, "tcp", "- 1 60", "S0", "S"), LOG_OK);
    assert_int_equal(c.side[SIDE_ORIG].payload_bytes, 0); /* a SYN and its options */
    assert_int_equal(made(&c, "tcp", "500 - -", "SF", "ShADadFf"), LOG_OK);
    assert_int_equal(c.side[SIDE_ORIG].payload_bytes, 500);
    assert_int_equal(c.side[SIDE_ORIG].packets, 1);
}

/* A reset with a stray number makes Zeek's orig_bytes gigabytes. */
static void test_more_than_crossed(void **state)
{
    (void)state;
    struct connection c;
    assert_int_equal(made(&c, "tcp", "3000000000 4 260", "RSTO", "ShR"), LOG_OK);
    assert_int_equal(c.side[SIDE_ORIG].payload_bytes, 260 - 4 * 40);
    assert_int_equal(made(&c, "tcp", "100 4 260", "RSTO", "ShR"), LOG_OK);
    assert_int_equal(c.side[SIDE_ORIG].payload_bytes, 100);
}

static void test_states(void **state)
{
    (void)state;
    static const struct {
        const char *state, *history;
        uint32_t flags;
        int end;
    } cases[] = {
        {"S0", "S", FLOW_ONE_SIDED | FLOW_ORIG_BY_SYN, FLOW_END_IDLE},
        {"S1", "ShADad", FLOW_ESTABLISHED | FLOW_ORIG_BY_SYN, FLOW_END_IDLE},
        {"REJ", "Sr", FLOW_ORIG_BY_SYN, FLOW_END_RESET},
        {"RSTR", "ShADadr", FLOW_ESTABLISHED | FLOW_ORIG_BY_SYN, FLOW_END_RESET},
        {"SHR", "^hf", FLOW_ONE_SIDED | FLOW_ORIG_BY_SYN, FLOW_END_CLOSED},
        {"OTH", "DdAa", FLOW_ESTABLISHED | FLOW_MIDSTREAM, FLOW_END_IDLE},
        {"OTH", "-", FLOW_ESTABLISHED | FLOW_MIDSTREAM, FLOW_END_IDLE},
        {"SF", "-", FLOW_ESTABLISHED | FLOW_ORIG_BY_SYN, FLOW_END_CLOSED},
    };
    struct connection c;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(made(&c, "tcp", "100 4 260", cases[i].state, cases[i].history), LOG_OK);
        assert_int_equal(c.flags, cases[i].flags);
        assert_int_equal(c.end, cases[i].end);
    }
}

static void test_icmp(void **state)
{
    (void)state;
    struct connection c;
    assert_int_equal(made(&c, "icmp", "64 1 92", "OTH", "-"), LOG_OK);
    assert_int_equal(c.key.proto, PROTO_ICMP);
    assert_int_equal(parse("1\tC\tfe80::1\t128\tfe80::2\t0\ticmp", &c), LOG_OK);
    assert_int_equal(c.key.proto, PROTO_ICMP6);
    assert_int_equal(c.key.orig_port, 128);
    assert_int_equal(c.key.resp_port, 129); /* what answers it, as in a Community ID */
}

/* --- a log ------------------------------------------------------------------------------------ */

struct text {
    const char *at;
    size_t left, piece;
};

static ssize_t give(void *context, void *to, size_t size)
{
    struct text *text = context;
    size_t count = size < text->left ? size : text->left;
    if (count > text->piece)
        count = text->piece;
    memcpy(to, text->at, count);
    text->at += count;
    text->left -= count;
    return (ssize_t)count;
}

#define MOST 64

struct told {
    struct connection_piece piece[MOST];
    size_t count;
    struct log_notes notes;
};

static struct told tell_by(const char *log_text, size_t piece, size_t window)
{
    struct text text = {log_text, strlen(log_text), piece};
    struct log_io io = {give, &text};
    struct log_reader *log = log_reader_new(&io, window);
    struct told told = {.count = 0};
    struct packet_raw raw;
    struct error error = {0};
    assert_int_equal(log_reader_head(log, &error), 0);
    while (log_reader_next(log, &raw)) {
        assert_true(told.count < MOST);
        assert_int_equal(raw.captured, sizeof told.piece[0]);
        memcpy(&told.piece[told.count], raw.data, raw.captured);
        assert_true(raw.time.ns == told.piece[told.count++].until_ns);
    }
    log_reader_notes(log, &told.notes);
    log_reader_free(log);
    return told;
}

static struct told tell(const char *text)
{
    struct told whole = tell_by(text, SIZE_MAX, 1000);
    for (size_t piece = 1; piece < 400; piece += 7) {
        struct told pieces = tell_by(text, piece, 1000);
        assert_int_equal(pieces.count, whole.count);
        assert_memory_equal(pieces.piece, whole.piece, whole.count * sizeof *whole.piece);
        assert_memory_equal(&pieces.notes, &whole.notes, sizeof whole.notes);
    }
    return whole;
}

/* Of 14:00, so many minutes later, so long, so many bytes. */
static char *line_of(char *line, double minute, double minutes, unsigned bytes)
{
    sprintf(
        line,
        "%.3f\tC\t10.0.0.1\t1\t192.0.2.1\t2\ttcp\t-\t%.3f\t%u\t0\tSF\t-\t0\tShADadFf\t90\t%u\t90\t"
        "3600\n",
        1591365600 + 60 * minute, 60 * minutes, bytes, bytes + 3600);
    return line;
}

static uint64_t fresh(const struct connection_piece *piece)
{
    return piece->now[SIDE_ORIG].payload_bytes - piece->before[SIDE_ORIG].payload_bytes;
}

/* 14:05 to 14:45 and 1.2 MB: ten minutes, twice fifteen, ten. */
static void test_a_long_one_is_spread(void **state)
{
    (void)state;
    char text[1024] = HEAD, line[256];
    struct told told = tell(strcat(text, line_of(line, 5, 40, 1200000)));
    static const int64_t since[] = {5, 15, 30}, until[] = {15, 30, 45};
    static const uint64_t bytes[] = {300000, 450000, 450000};
    assert_int_equal(told.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(told.piece[i].since_ns == T0 + since[i] * MINUTE);
        assert_true(told.piece[i].until_ns == T0 + until[i] * MINUTE - (i < 2));
        assert_in_range(fresh(&told.piece[i]), bytes[i] - 40, bytes[i] + 40);
        assert_int_equal(told.piece[i].last, i == 2);
    }
    assert_int_equal(told.piece[2].now[SIDE_ORIG].payload_bytes, 1200000);
    assert_int_equal(told.piece[2].now[SIDE_ORIG].packets, 90);
    assert_int_not_equal(told.piece[0].now[SIDE_ORIG].packets, 0);
}

/* Ends come first in the file; a window tells by time, none tells what it can. */
static void test_order(void **state)
{
    (void)state;
    char text[2048] = HEAD, line[256];
    strcat(text, line_of(line, 20, 1, 2));
    strcat(text, line_of(line, 10, 1, 1));
    strcat(text, line_of(line, 0, 44, 4000)); /* begins first, is written last */
    struct told told = tell(text);
    static const int64_t until[] = {11, 15, 21, 30, 44};
    assert_int_equal(told.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(told.piece[i].until_ns == T0 + until[i] * MINUTE - (i == 1 || i == 3));
    assert_int_equal(told.notes.late, 0);

    told = tell_by(text, SIZE_MAX, 1);
    assert_int_equal(told.notes.late, 2);
    assert_int_equal(told.count, 4);
    assert_true(told.piece[1].until_ns == T0 + 11 * MINUTE); /* whole, in the past */
    assert_true(told.piece[2].since_ns == T0 + 21 * MINUTE); /* over what is left: 9 of 23 min */
    assert_in_range(fresh(&told.piece[2]), 1500, 1600);
    assert_int_equal(told.piece[3].now[SIDE_ORIG].payload_bytes, 4000);
}

static void test_bad_lines_are_counted(void **state)
{
    (void)state;
    char text[4096] = HEAD;
    strcat(text, DNS "what is this\n" HTTP);
    strcat(text, "1\tC\t10.0.0.1\n");
    strcat(text, "#close\t2020-06-05-15-00-00");
    struct told told = tell(text);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.notes.lines, 9);
    assert_int_equal(told.notes.connections, 2);
    assert_int_equal(told.notes.unread, 2);
    assert_int_equal(told.notes.first_unread, 6);
    assert_string_equal(told.notes.why, "no ts");
}

static void test_a_line_without_end(void **state)
{
    (void)state;
    size_t size = 200000;
    char *text = calloc(1, size + 2048);
    strcat(text, HEAD DNS);
    memset(text + strlen(text), 'x', size);
    strcat(text, "\n" HTTP);
    for (size_t piece = 1000; piece < 300000; piece += 33333) {
        struct told told = tell_by(text, piece, 10);
        assert_int_equal(told.count, 2);
        assert_int_equal(told.notes.unread, 1);
        assert_string_equal(told.notes.why, "longer than 64 KiB");
        assert_int_equal(told.notes.lines, 7);
    }
    free(text);
}

static void test_another_log(void **state)
{
    (void)state;
    struct told told = tell(HEAD DNS "#path\tdns\n" DNS "#path\tconn\n" HTTP); /* by cat */
    assert_int_equal(told.count, 2);
    assert_string_equal(told.notes.why, "of another log");
}

/* Which log it is, and how many connections and notes it makes. */
static struct log_notes notes_of(const char *log_text)
{
    struct text text = {log_text, strlen(log_text), 7};
    struct log_io io = {give, &text};
    struct log_reader *log = log_reader_new(&io, 100);
    struct packet_raw raw;
    struct log_notes notes;
    struct error error = {0};
    if (log_reader_head(log, &error) == 0)
        while (log_reader_next(log, &raw))
            ;
    log_reader_notes(log, &notes);
    log_reader_free(log);
    return notes;
}

static bool recognised(const char *text)
{
    return log_recognise((const uint8_t *)text, strlen(text));
}

static void test_which_log_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum log_kind kind;
        uint64_t connections, notes;
    } cases[] = {
        {HEAD DNS, LOG_ZEEK_CONN, 1, 0},
        {FIELDS "\n" DNS, LOG_ZEEK_CONN, 1, 0},
        {"#separator \\x09\n#path\tweird\n#fields\tts\n1\n", LOG_OTHER, 0, 0},
        {"{\"ts\":1,\"uid\":\"C\",\"name\":\"bad_checksum\"}\n", LOG_OTHER, 0, 0},
        {"#separator \\x09\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tquery\tanswers\n"
         "1\tC\t10.0.0.1\t10.0.0.2\ta.example\t192.0.2.1\n",
         LOG_ZEEK_DNS, 0, 2},
        {"{\"ts\":1,\"uid\":\"C\",\"id.orig_h\":\"10.0.0.1\",\"id.resp_h\":\"10.0.0.2\","
         "\"server_name\":\"a.example\",\"established\":true}\n",
         LOG_ZEEK_SSL, 0, 1},
        {"{\"timestamp\":\"2020-06-05T14:39:59.305988+0200\",\"flow_id\":7,\"event_type\":\"flow\","
         "\"src_ip\":\"10.0.0.1\",\"src_port\":1,\"dest_ip\":\"192.0.2.1\",\"dest_port\":443,"
         "\"proto\":\"TCP\",\"flow\":{\"start\":\"2020-06-05T14:39:59.305988+0200\","
         "\"end\":\"2020-06-05T14:40:59.305988+0200\"}}\n{\"event_type\":\"stats\"}\n",
         LOG_EVE, 1, 0},
        {"ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt,opkt,obyt\n"
         "2011-03-18 19:06:08,2011-03-18 "
         "19:06:08,0.000,10.0.0.1,10.0.0.2,4000,53,UDP,........,1,66,"
         "0,0\nSummary\nflows,bytes\n1,66\n",
         LOG_NFDUMP, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct log_notes notes = notes_of(cases[i].text);
        if (notes.kind != cases[i].kind || notes.connections != cases[i].connections ||
            notes.notes != cases[i].notes || notes.unread != 0)
            fail_msg("%zu: kind %d, %d connections, %d notes: %s", i, (int)notes.kind,
                     (int)notes.connections, (int)notes.notes, notes.why ? notes.why : "");
        assert_true(recognised(cases[i].text) == (cases[i].kind != LOG_OTHER));
    }
}

static void test_recognised(void **state)
{
    (void)state;
    assert_true(recognised(HEAD));
    assert_true(recognised("#separat"));
    assert_true(recognised("{\"ts\":1,\"conn_state\":\"SF\"}"));
    assert_true(recognised("firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets"));
    assert_true(recognised("ts,te,td"));
    assert_false(recognised("#separator \\x09\n#path\tweird\n"));
    assert_false(recognised("{\"ts\":1,\"query\":\"a.example\"}"));
    assert_false(recognised("#sepa"));
    assert_false(recognised("ts\tuid\tid.orig_h"));
    assert_false(recognised(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_zeek_documents),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_columns_of_any_length),
        cmocka_unit_test(test_what_is_no_line),
        cmocka_unit_test(test_unset_is_not_nothing),
        cmocka_unit_test(test_more_than_crossed),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_a_long_one_is_spread),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_bad_lines_are_counted),
        cmocka_unit_test(test_a_line_without_end),
        cmocka_unit_test(test_another_log),
        cmocka_unit_test(test_which_log_it_is),
        cmocka_unit_test(test_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
