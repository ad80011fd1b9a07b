/* Lines of Zeek's other logs, of Suricata's events and of nfdump's CSV by hand: what each says of a
 * connection, and what is not believed. Shapes from the makers' own documentation. */
#include "../../../sensor/capture/eve.h"
#include "../../../sensor/capture/log_json.h"
#include "../../../sensor/capture/log_values.h"
#include "../../../sensor/capture/nfdump.h"
#include "../../../sensor/capture/zeek_notes.h"

#include "weir/decode/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct log_span span_of(const char *text)
{
    return (struct log_span){text, strlen(text)};
}

/* --- values ----------------------------------------------------------------------------------- */

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns; /* −1: none */
    } cases[] = {{"2020-06-05T14:39:59.305988Z", INT64_C(1591367999305988000)},
                 {"2020-06-05T14:39:59.305988+0200", INT64_C(1591360799305988000)},
                 {"2020-06-05 14:39:59,3", INT64_C(1591367999300000000)},
                 {"2020-06-05T09:39:59-05:00", INT64_C(1591367999000000000)},
                 {"1970-01-01T00:30:00+0100", -1},
                 {"2020-06-05T14:39:59+02", -1},
                 {"2020-13-05T14:39:59Z", -1},
                 {"2020-06-05T14:39", -1},
                 {"2020-06-05T14:39:59.5x", -1},
                 {"", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ns = -1;
        if (!log_time(span_of(cases[i].text), &ns))
            ns = -1;
        if (ns != cases[i].ns)
            fail_msg("%s: %lld", cases[i].text, (long long)ns);
    }
}

static void test_names(void **state)
{
    (void)state;
    char text[RECORD_NAME_MAX + 1], bytes[16], longer[400];
    assert_int_equal(log_name("WWW.Example.COM.", 16, text), 0);
    assert_string_equal(text, "www.example.com");
    assert_int_equal(log_zeek_unescape("a\\x00\\\\b\\x", 10, bytes, sizeof bytes), 6);
    assert_memory_equal(bytes, "a\0\\b\\x", 6);
    log_name("a\0b", 3, text);
    assert_string_equal(text, "a\\000b");
    memset(longer, 'x', sizeof longer);
    assert_int_equal(log_name(longer, 300, text), 300 - RECORD_NAME_MAX);
    log_host("Up.Example.org:8080", 19, text);
    assert_string_equal(text, "up.example.org");
    log_host("a b", 3, text);
    assert_string_equal(text, "");
}

/* A download of a megabyte: its acknowledgements are no upload, and the bounds hold what they are.
 */
static void test_payload_is_bounded(void **state)
{
    (void)state;
    struct flow_key key = {.proto = PROTO_TCP};
    assert_int_equal(ip_parse("10.0.0.1", &key.orig_ip), 0);
    struct connection_side acks = {.packets = 360, .ip_bytes = 360 * 52};
    struct connection_side data = {.packets = 720, .ip_bytes = 720 * UINT64_C(1500)};
    log_bound_payload(&key, &acks);
    log_bound_payload(&key, &data);
    assert_int_equal(acks.payload_bytes, 0);
    assert_int_equal(acks.low_bytes, 0);
    assert_int_equal(acks.high_bytes, 360 * 12);
    assert_int_equal(data.payload_bytes, 720 * 1448);
    assert_int_equal(data.low_bytes, 720 * 1420);
    assert_int_equal(data.high_bytes, 720 * 1460);
    key.proto = PROTO_UDP;
    log_bound_payload(&key, &data);
    assert_int_equal(data.low_bytes, 720 * 1472);
    assert_int_equal(data.high_bytes, 720 * 1472);
}

static void test_json(void **state)
{
    (void)state;
    static const char line[] =
        "{ \"a\" : 1, \"b\":{\"c\":\"x\\\"y\",\"d\":[1,{\"e\":null},[2]]},\"f\":[]}";
    static const char *const paths[] = {"a", "b.c", "b.d", "b.d", "b.d.e", "b.d"};
    struct log_json json;
    struct log_span value;
    size_t count = 0;
    enum log_json_result result;
    log_json_init(&json, line, sizeof line - 1);
    while ((result = log_json_next(&json, &value)) < LOG_JSON_END) {
        assert_true(count < 6);
        assert_string_equal(json.path, paths[count]);
        assert_int_equal(result, count == 3 ? LOG_JSON_ITEM : LOG_JSON_VALUE);
        count++;
    }
    assert_int_equal(result, LOG_JSON_END);
    assert_int_equal(count, 6);
    static const char *const wrong[] = {"",          "x",          "{",
                                        "{\"a\"}",   "{\"a\":}",   "[1]",
                                        "{\"a\":1",  "{\"a\":1}x", "{\"a\":1 2}",
                                        "{\"a\":\"", "{a:1}",      "{\"a\":[[[[[[[[[[[[[[[[[[[["};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        log_json_init(&json, wrong[i], strlen(wrong[i]));
        while ((result = log_json_next(&json, &value)) < LOG_JSON_END)
            ;
        assert_int_equal(result, LOG_JSON_WRONG);
    }
}

/* --- Zeek ------------------------------------------------------------------------------------- */

static struct log_note note[2];
static size_t count;

static enum log_result zeek(enum log_kind kind, const char *path, const char *fields,
                            const char *line)
{
    struct zeek_notes_header header;
    zeek_notes_header_init(&header);
    zeek_notes_header_take(&header, path, strlen(path));
    zeek_notes_header_take(&header, fields, strlen(fields));
    char *exact = malloc(strlen(line) + 1); /* so that the sanitizer sees a step too far */
    memcpy(exact, line, strlen(line));
    enum log_result result = zeek_notes_line(&header, kind, exact, strlen(line), note, &count);
    free(exact);
    return result;
}

#define IDS        "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p"
#define VALUES     "1591367999.305988\tCM\t192.168.4.76\t36844\t192.168.4.1\t53"
#define DNS_FIELDS "#fields\t" IDS "\tproto\trtt\tquery\tqtype\trcode\tanswers\tTTLs"

static void test_zeek_dns(void **state)
{
    (void)state;
    assert_int_equal(zeek(LOG_ZEEK_DNS, "#path\tdns", DNS_FIELDS,
                          VALUES "\tudp\t0.066852\tTestMyIDs.com\t1\t0\tcdn.example.net,"
                                 "31.3.245.133,31.3.245.134\t3600.0,60.0,90.0"),
                     LOG_OK);
    assert_int_equal(count, 2);
    assert_int_equal(note[0].kind, NOTE_DNS);
    assert_false(note[0].dns.response);
    assert_string_equal(note[0].dns.name, "testmyids.com");
    assert_true(note[0].time_ns == INT64_C(1591367999305988000));
    assert_true(note[1].dns.response);
    assert_int_equal(note[1].time_ns - note[0].time_ns, 66852000);
    assert_int_equal(note[1].dns.address_count, 2);
    assert_int_equal(note[1].dns.ttl_s, 60);
    assert_int_equal(note[1].dns.alias_count, 1);
    assert_string_equal(note[1].dns.alias[0], "cdn.example.net");
    assert_int_equal(note[1].dns.answers, 3);
    assert_int_equal(note[1].dns.qtype, 1);

    assert_int_equal(
        zeek(LOG_ZEEK_DNS, "#path\tdns", DNS_FIELDS, VALUES "\tudp\t-\ta.example\t16\t-\t-\t-"),
        LOG_OK);
    assert_int_equal(count, 1); /* never answered */
    assert_int_equal(
        zeek(LOG_ZEEK_DNS, "#path\tdns", DNS_FIELDS, VALUES "\tudp\t-\tno.example\t1\t3\t-\t-"),
        LOG_OK);
    assert_int_equal(count, 2); /* there is no such name */
    assert_int_equal(note[1].dns.rcode, 3);
    assert_int_equal(note[1].time_ns - note[0].time_ns, 1);
}

static void test_zeek_names(void **state)
{
    (void)state;
    assert_int_equal(zeek(LOG_ZEEK_SSL, "#path\tssl",
                          "#fields\t" IDS "\tversion\tserver_name\tja3\tsni_matches_cert\tsubject",
                          VALUES "\tTLSv12\tWww.Bank.example\te7d705a3286e19ea42f587b344ee6865\tF\t"
                                 "CN=*.other.example,O=Other"),
                     LOG_OK);
    assert_int_equal(count, 1);
    assert_int_equal(note[0].kind, NOTE_FACTS);
    assert_string_equal(note[0].text[TEXT_SERVER_NAME], "www.bank.example");
    assert_string_equal(note[0].text[TEXT_CERTIFICATE], "*.other.example");
    assert_int_equal(note[0].flags, FLOW_CERTIFICATE_OTHER);
    assert_true(note[0].has_ja3);
    assert_int_equal(note[0].ja3[0], 0xe7);
    assert_int_not_equal(note[0].uid, 0);
    assert_int_equal(note[0].key.proto, PROTO_TCP);

    assert_int_equal(zeek(LOG_ZEEK_HTTP, "#path\thttp",
                          "#fields\t" IDS "\thost\trequest_body_len\tresponse_body_len",
                          VALUES "\tup.example.org:8080\t4500\t0"),
                     LOG_OK);
    assert_string_equal(note[0].text[TEXT_SERVER_NAME], "up.example.org");
    assert_int_equal(note[0].body[SIDE_ORIG].bodies, 1);
    assert_int_equal(note[0].body[SIDE_ORIG].seen_bytes, 4500);
    assert_int_equal(note[0].body[SIDE_RESP].bodies, 0);

    assert_int_equal(zeek(LOG_ZEEK_QUIC, "", "",
                          "{\"ts\":1591367999.305988,\"uid\":\"CM\",\"id.orig_h\":\"10.0.0.1\","
                          "\"id.orig_p\":4000,\"id.resp_h\":\"2001:db8::1\",\"id.resp_p\":443,"
                          "\"server_name\":\"q.example\",\"client_protocol\":\"h3\"}"),
                     LOG_OK);
    assert_string_equal(note[0].text[TEXT_ALPN], "h3");
    assert_int_equal(note[0].key.proto, PROTO_UDP);
}

static void test_zeek_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum log_result result;
    } cases[] = {
        {"x", LOG_NO_TIME},
        {"1\tC\t10.0.0.x", LOG_NO_ADDRESS},
        {"1\tC\t10.0.0.1\t70000\t10.0.0.2\t53", LOG_NO_NUMBER},
        {"1\tC\t10.0.0.1\t1\t10.0.0.2\t53\tudp\tx\ta.example", LOG_NO_NUMBER},
        {"4000000000\tC\t10.0.0.1\t1\t10.0.0.2\t53\tudp\t4000000000\ta.example", LOG_NO_TIME},
        {"{\"ts\":1,", LOG_NO_JSON}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (zeek(LOG_ZEEK_DNS, "#path\tdns", DNS_FIELDS, cases[i].line) != cases[i].result ||
            count != 0)
            fail_msg("%s", cases[i].line);
}

/* --- Suricata --------------------------------------------------------------------------------- */

static struct connection connection;
static bool any;

static enum log_result eve(const char *line)
{
    char *exact = malloc(strlen(line) + 1);
    memcpy(exact, line, strlen(line));
    enum log_result result = eve_line(exact, strlen(line), &connection, &any, note, &count);
    free(exact);
    return result;
}

#define EVE(type)                                                                                  \
    "{\"timestamp\":\"2020-06-05T14:39:59.305988+0000\",\"flow_id\":1676750115612680,"             \
    "\"event_type\":\"" type "\",\"vlan\":[7],\"src_ip\":\"10.0.0.1\",\"src_port\":4000,"          \
    "\"dest_ip\":\"192.0.2.1\",\"dest_port\":443,\"proto\":\"TCP\","

static void test_eve_flow(void **state)
{
    (void)state;
    assert_int_equal(
        eve(EVE("flow") "\"app_proto\":\"tls\",\"flow\":{\"pkts_toserver\":100,"
                        "\"pkts_toclient\":50,\"bytes_toserver\":151400,"
                        "\"bytes_toclient\":3300,\"start\":\"2020-06-05T14:39:59.305988+0000\","
                        "\"end\":\"2020-06-05T14:40:59.305988+0000\",\"age\":60,"
                        "\"state\":\"closed\"},\"tcp\":{\"tcp_flags\":\"1b\","
                        "\"tcp_flags_ts\":\"1b\",\"tcp_flags_tc\":\"1b\"}}"),
        LOG_OK);
    assert_true(any);
    assert_int_equal(connection.key.vlan, 7);
    assert_int_equal(connection.service, SERVICE_TLS);
    assert_int_equal(connection.flags, FLOW_ESTABLISHED | FLOW_ORIG_BY_SYN);
    assert_int_equal(connection.end, FLOW_END_CLOSED);
    assert_int_equal(connection.side[SIDE_ORIG].ip_bytes, 150000);
    assert_int_equal(connection.side[SIDE_ORIG].payload_bytes, 144800);
    assert_int_equal(connection.side[SIDE_RESP].payload_bytes, 0);
    uint64_t uid = connection.uid;
    assert_int_equal(eve(EVE("tls") "\"tls\":{\"sni\":\"www.example.com\",\"ja3\":{\"hash\":"
                                    "\"e7d705a3286e19ea42f587b344ee6865\",\"string\":\"7\"}}}"),
                     LOG_OK);
    assert_int_equal(count, 1);
    assert_string_equal(note[0].text[TEXT_SERVER_NAME], "www.example.com");
    assert_true(note[0].has_ja3);
    assert_true(note[0].uid == uid);
    assert_int_equal(eve(EVE("alert") "\"alert\":{\"signature_id\":1}}"), LOG_NOTHING);
    assert_int_equal(eve(EVE("flow") "\"flow\":{\"start\":\"x\"}}"), LOG_NO_TIME);
    assert_int_equal(eve("{\"a\":1}"), LOG_OF_OTHER);
    assert_int_equal(eve("{\"event_type\":"), LOG_NO_JSON);
}

static void test_eve_dns(void **state)
{
    (void)state;
    assert_int_equal(eve(EVE("dns") "\"dns\":{\"type\":\"query\",\"id\":7,\"rrname\":\"A.example\","
                                    "\"rrtype\":\"A\"}}"),
                     LOG_OK);
    assert_false(note[0].dns.response);
    assert_string_equal(note[0].dns.name, "a.example");
    assert_int_equal(
        eve(EVE("dns") "\"dns\":{\"version\":2,\"type\":\"answer\",\"rrname\":\"a.example\","
                       "\"rrtype\":\"A\",\"rcode\":\"NOERROR\",\"answers\":[{\"rrname\":"
                       "\"a.example\",\"rrtype\":\"CNAME\",\"ttl\":60,\"rdata\":\"b.example\"},"
                       "{\"rrname\":\"b.example\",\"rrtype\":\"A\",\"ttl\":30,\"rdata\":"
                       "\"192.0.2.7\"}],\"grouped\":{\"A\":[\"192.0.2.7\"]}}}"),
        LOG_OK);
    assert_true(note[0].dns.response);
    assert_int_equal(note[0].dns.address_count, 1);
    assert_int_equal(note[0].dns.ttl_s, 30);
    assert_string_equal(note[0].dns.alias[0], "b.example");
    assert_int_equal(note[0].dns.answers, 2);
    assert_int_equal(
        eve(EVE("dns") "\"dns\":{\"version\":3,\"type\":\"response\",\"rcode\":\"NXDOMAIN\","
                       "\"queries\":[{\"rrname\":\"c.example\",\"rrtype\":\"AAAA\"}]}}"),
        LOG_OK);
    assert_string_equal(note[0].dns.name, "c.example");
    assert_int_equal(note[0].dns.qtype, 28);
    assert_int_equal(note[0].dns.rcode, 3);
}

/* --- nfdump ----------------------------------------------------------------------------------- */

static enum log_result nf(struct nfdump *nfdump, const char *line)
{
    char *exact = malloc(strlen(line) + 1);
    memcpy(exact, line, strlen(line));
    enum log_result result = nfdump_line(nfdump, exact, strlen(line), &connection, &any);
    free(exact);
    return result;
}

static void test_nfdump_pairs(void **state)
{
    (void)state;
    struct nfdump *nfdump = nfdump_new();
    assert_int_equal(nf(nfdump, "2011-03-18 19:06:08"), LOG_NO_FIELDS);
    assert_int_equal(nf(nfdump,
                        "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,"
                        "bps,bpp,flows"),
                     LOG_NOTHING);
    /* The server's side comes first. */
    assert_int_equal(
        nf(nfdump, "2011-03-18 19:06:08.100,1.500,6,192.0.2.1,443,10.0.0.1,4000,4,1000,0,0,1"),
        LOG_OK);
    assert_false(any);
    assert_int_equal(
        nf(nfdump, "2011-03-18 19:06:08.000,1.700,6,10.0.0.1,4000,192.0.2.1,443,5,5000,0,0,1"),
        LOG_OK);
    assert_true(any);
    assert_int_equal(connection.key.orig_port, 4000);
    assert_int_equal(connection.side[SIDE_ORIG].ip_bytes, 5000);
    assert_int_equal(connection.side[SIDE_RESP].ip_bytes, 1000);
    assert_int_equal(connection.end_ns - connection.start_ns, 1700000000);
    assert_true(connection.flags & FLOW_ESTABLISHED);
    assert_true(connection.flags & FLOW_ORIG_BY_PORT);
    /* An hour later it is another one. */
    assert_int_equal(
        nf(nfdump, "2011-03-18 20:06:08.000,1.0,6,10.0.0.1,4000,192.0.2.1,443,5,5000,0,0,1"),
        LOG_OK);
    assert_int_equal(
        nf(nfdump, "2011-03-18 22:06:08.000,1.0,17,192.0.2.1,443,10.0.0.1,4000,5,500,0,0,1"),
        LOG_OK);
    assert_false(any);
    assert_true(nfdump_rest(nfdump, &connection));
    assert_int_equal(connection.flags & (FLOW_ONE_SIDED | FLOW_ESTABLISHED), FLOW_ONE_SIDED);
    assert_true(nfdump_rest(nfdump, &connection)); /* turned: the server's side alone */
    assert_int_equal(connection.key.resp_port, 443);
    assert_int_equal(connection.side[SIDE_ORIG].packets, 0);
    assert_false(nfdump_rest(nfdump, &connection));
    nfdump_free(nfdump);
}

static void test_nfdump_old(void **state)
{
    (void)state;
    struct nfdump *nfdump = nfdump_new();
    assert_int_equal(nf(nfdump, "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt"),
                     LOG_NOTHING);
    assert_int_equal(nf(nfdump, "2011-03-18 19:06:08,2011-03-18 19:06:09,0.120,208.80.152.3,"
                                "141.142.220.118,80,49996,TCP,...AP.S.,0,0,4,949,6,1450"),
                     LOG_OK);
    assert_true(any); /* -b: both sides, the server first */
    assert_int_equal(connection.key.resp_port, 80);
    assert_int_equal(connection.side[SIDE_ORIG].ip_bytes, 1450);
    assert_int_equal(nf(nfdump, "2011-06-27 03:21:27,2011-06-27 03:21:27,0.000,192.168.0.1,"
                                "192.168.0.89,0,0,ICMP,........,0,0,1,60,0,0"),
                     LOG_OK);
    assert_int_equal(nf(nfdump, "2011-06-27 03:21:27,2011-06-27 03:21:27,0.000,192.168.0.89,"
                                "192.168.0.1,0,2048,ICMP,........,0,0,1,60,0,0"),
                     LOG_OK);
    assert_true(any); /* an echo and its answer */
    assert_int_equal(connection.side[SIDE_ORIG].payload_bytes, 32);
    assert_int_equal(nf(nfdump, "Summary"), LOG_NOTHING);
    assert_int_equal(nf(nfdump, "flows,bytes,packets"), LOG_NOTHING);
    nfdump_free(nfdump);
}

static void test_nfdump_is_bounded(void **state)
{
    (void)state;
    struct nfdump *nfdump = nfdump_new();
    char line[200];
    size_t told = 0;
    nf(nfdump, "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes");
    for (unsigned i = 0; i < NFDUMP_WAITING + 100; i++) { /* of one key, and of many */
        snprintf(line, sizeof line, "%u.000,1,17,10.0.%u.1,1,192.0.2.1,53,1,60", 1000 + i, i % 3);
        assert_int_equal(nf(nfdump, line), LOG_OK);
        told += any;
    }
    assert_int_equal(told, 100);
    while (nfdump_rest(nfdump, &connection))
        told++;
    assert_int_equal(told, NFDUMP_WAITING + 100);
    nfdump_free(nfdump);
}

/* --- packed ----------------------------------------------------------------------------------- */

static void test_a_note_is_packed(void **state)
{
    (void)state;
    struct log_note back;
    struct buffer bytes = {0};
    zeek(LOG_ZEEK_DNS, "#path\tdns", DNS_FIELDS,
         VALUES "\tudp\t0.1\ta.example\t1\t0\tb.example,192.0.2.1\t1.0,2.0");
    log_note_pack(&note[1], &bytes);
    assert_true(log_note_unpack(bytes.data, bytes.size, &back));
    assert_memory_equal(&back.dns.address, &note[1].dns.address, sizeof back.dns.address);
    assert_string_equal(back.dns.name, "a.example");
    assert_string_equal(back.dns.alias[0], "b.example");
    assert_true(back.uid == note[1].uid && back.time_ns == note[1].time_ns);
    for (size_t size = 0; size < bytes.size; size++)
        assert_false(log_note_unpack(bytes.data, size, &back));
    buffer_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_payload_is_bounded),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_zeek_dns),
        cmocka_unit_test(test_zeek_names),
        cmocka_unit_test(test_zeek_wrong),
        cmocka_unit_test(test_eve_flow),
        cmocka_unit_test(test_eve_dns),
        cmocka_unit_test(test_nfdump_pairs),
        cmocka_unit_test(test_nfdump_old),
        cmocka_unit_test(test_nfdump_is_bounded),
        cmocka_unit_test(test_a_note_is_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
