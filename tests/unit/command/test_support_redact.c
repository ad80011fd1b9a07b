/* What a support bundle leaves out, in lines as sinks, the store, curl and people write them. */
#include "../../../sensor/command/support_redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct line {
    const char *text, *shown;
};

static void hold(const struct line *line, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct redaction redaction;
        struct buffer b = {0};
        redaction_init(&redaction);
        redaction_add_place(&redaction, "redis://alice:secret@store.example.org:6379/3");
        redaction_add_place(&redaction, "kafka-1:9092,[2001:db8::9]:9092, 192.0.2.9");
        redaction_add_place(&redaction, "redis:6379,syslog:514,localhost:25,db1:1");
        redact(&redaction, line[i].text, &b);
        buffer_u8(&b, 0);
        assert_string_equal((const char *)b.data, line[i].shown);
        buffer_fini(&b);
        redaction_fini(&redaction);
    }
}
#define HOLD(lines) hold(lines, sizeof(lines) / sizeof *(lines))

static void test_addresses(void **state)
{
    (void)state;
    static const struct line line[] = {
        {"192.0.2.3:6379: Connection refused", "ip-1:6379: Connection refused"},
        {"to 10.0.0.1.", "to ip-1."},
        {"to 10.0.0.1...", "to ip-1..."},
        {"udp:10.0.0.1:514", "udp:ip-1:514"},
        {"10.0.0.1:1:2", "ip-1:1:2"},
        {"10.0.0.1:closed, 10.0.0.2, 10.0.0.1", "ip-1:closed, ip-2, ip-1"},
        {"file_10.0.0.1.de", "file_ip-1.de"},
        {"[2001:db8::1]:6379: no", "[ip-1]:6379: no"},
        {"2001:db8::1: no", "ip-1: no"},
        {"net 2001:db8::/32, 10.0.0.0/8", "net ip-1/32, ip-2/8"},
        {"udp:fe80::1%eth0", "udp:ip-1%eth0"},
        {"::ffff:10.0.0.1;", "ip-1;"},
        {"127.0.0.1:514 [::1]:53 0.0.0.0:9477", "127.0.0.1:514 [::1]:53 0.0.0.0:9477"},
        {"12:30:45, weir 0.1.0, a1:2, 3.5", "12:30:45, weir 0.1.0, a1:2, 3.5"},
    };
    HOLD(line);
}

static bool hides(const char *place, const char *text)
{
    struct buffer b = {0};
    struct redaction redaction;
    redaction_init(&redaction);
    redaction_add_place(&redaction, place);
    redact(&redaction, text, &b);
    buffer_u8(&b, 0);
    bool hidden = strstr((const char *)b.data, text) == NULL;
    buffer_fini(&b);
    redaction_fini(&redaction);
    return hidden;
}

/* The store takes the last "@" for the login's end; a path may have one as well. */
static void test_where_a_login_ends(void **state)
{
    (void)state;
    assert_true(hides("redis://:pa/ssword@store.example.org:6379/3", "pa/ssword"));
    assert_true(hides("redis://:pa/ssword@store.example.org:6379/3", "store.example.org"));
    assert_true(hides("https://hooks.example.org/a@b-1.example.net", "hooks.example.org"));
    assert_true(hides("redis://:s3cret-a@store.example.org/b@c", "s3cret-a"));
    assert_true(hides("redis://:s3cret-a@store.example.org/b@c", "store.example.org"));
    assert_false(hides("redis://:1@store.example.org", "line 1"));
    assert_false(hides("redis://:1@store.example.org", "engine"));
}

static void test_hardware_addresses(void **state)
{
    (void)state;
    static const struct line line[] = {
        {"from 02:00:5e:AA:bb:01, 02-00-5e-aa-bb-01.", "from ***, ***."},
        {"mac:02:00:5e:aa:bb:01:", "mac:***:"},
        {"02:00:5e:aa:bb 2026-11-27", "02:00:5e:aa:bb 2026-11-27"},
    };
    HOLD(line);
}

static void test_hosts_in_any_line(void **state)
{
    (void)state;
    static const struct line line[] = {
        {"connect to Store.example.org port 6379", "connect to *** port 6379"},
        {"store.example.org:6379, store.example.org.", "***:6379, ***."},
        {"kafka-1:9092/bootstrap kafka-12 my-kafka-1", "***:9092/bootstrap kafka-12 my-kafka-1"},
        {"redis: away, syslog.c:7 localhost db1", "redis: away, syslog.c:7 localhost db1"},
        {"AUTH secret, secretly", "AUTH ***, secretly"},
        {"alice", "alice"}, /* a word like any other: what says it is hidden by its key */
    };
    HOLD(line);
}

/* JSON stays JSON, whatever was in it. */
static void test_keys(void **state)
{
    (void)state;
    static const struct line line[] = {
        {"{\"last_error\":\"Could not resolve host: X\",\"n\":1}",
         "{\"last_error\":\"***\",\"n\":1}"},
        {"[\"Could not resolve host: X\",\"at url: \\\"http://y\\\" z\"]",
         "[\"Could not resolve host: ***\",\"at url: ***\"]"},
        {"[\"to: [a, b]\",\"host: [a\",1]", "[\"to: ***, b]\",\"host: ***\",1]"},
        {"{\"why\":null,\"to\":5,\"names\":[\"a]\",\"b\"],\"x\":[]}",
         "{\"why\":null,\"to\":\"***\",\"names\":\"***\",\"x\":[]}"},
        {"  url: \"redis://a\", port: 5\n  user: \"\"\n",
         "  url: \"***\", port: 5\n  user: \"\"\n"},
        {"options: [\"sasl.username=u\"], topic: \"t\", subject: \"s\"}",
         "options: \"***\", topic: \"***\", subject: \"***\"}"},
        {"proxy: \"p\", data_id: \"weir@1\"", "proxy: \"***\", data_id: \"***\""},
        {"{\"last_reload\":{\"text\":\"weir.yaml:3: unknown key \\\"redsi\\\" of "
         "store.example.org\"}}",
         "{\"last_reload\":{\"text\":\"weir.yaml:3: unknown key \\\"redsi\\\" of ***\"}}"},
        {"hosts: 5, key.host: 5, time_to: 7", "hosts: 5, key.host: 5, time_to: 7"},
        {"resolve:host: X\nnext", "resolve:host: ***\nnext"},
        {"host: \"no end\nnext", "host: \"***\"\nnext"},
    };
    HOLD(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_a_login_ends),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_hardware_addresses),
        cmocka_unit_test(test_hosts_in_any_line),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
