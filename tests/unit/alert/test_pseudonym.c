/* Pseudonyms: which texts are addresses, that each inside one goes and nothing else does, and what
 * a record of ECS becomes. */
#include "weir/alert/pseudonym.h"
#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t key[PSEUDONYM_KEY_SIZE] = "a key of thirty-two bytes, only";

static struct pseudonyms *made(const uint8_t with[PSEUDONYM_KEY_SIZE])
{
    struct inside inside;
    struct error error = {0};
    struct prefix net;
    inside_init(&inside);
    prefix_set_default_inside(&inside.everywhere);
    inside.place_count = 1; /* of one VLAN only: hidden all the same */
    prefix_set_init(&inside.place[0].nets);
    assert_int_equal(prefix_parse("203.0.113.0/24", &net, &error), 0);
    prefix_set_add(&inside.place[0].nets, net);
    struct pseudonyms *p = pseudonyms_new(with, &inside);
    inside_fini(&inside);
    return p;
}

static int set_up(void **state)
{
    *state = made(key);
    return 0;
}

static int tear_down(void **state)
{
    pseudonyms_free(*state);
    return 0;
}

static char *name_of(const struct pseudonyms *p, const char *address, char text[PSEUDONYM_SIZE])
{
    struct ip ip;
    assert_int_equal(ip_parse(address, &ip), 0);
    return pseudonym_of(p, &ip, text);
}

/* "<ADDRESS>" in `expected` stands for its pseudonym. */
static void becomes(const struct pseudonyms *p, const char *text, const char *expected)
{
    struct buffer out = {0};
    char name[PSEUDONYM_SIZE], address[IP_TEXT_SIZE];
    for (const char *at = expected; *at;) {
        const char *end = *at == '<' ? strchr(at, '>') : NULL;
        if (end) {
            snprintf(address, sizeof address, "%.*s", (int)(end - at - 1), at + 1);
            buffer_text(&out, "%s", name_of(p, address, name));
            at = end + 1;
        } else {
            buffer_put(&out, at++, 1);
        }
    }
    buffer_u8(&out, 0);
    char *got = pseudonyms_text(p, text, strlen(text));
    assert_string_equal(got, (const char *)out.data);
    char *again = pseudonyms_text(p, got, strlen(got));
    assert_string_equal(again, got); /* nothing is left to find */
    free(again);
    free(got);
    buffer_fini(&out);
}

static void test_form(void **state)
{
    char a[PSEUDONYM_SIZE], b[PSEUDONYM_SIZE];
    struct pseudonyms *other = made((const uint8_t *)"another key of thirty-two bytes..");
    assert_true(pseudonym_is(name_of(*state, "10.0.0.5", a)));
    assert_string_equal(name_of(*state, "10.0.0.5", b), a); /* stable */
    assert_string_equal(name_of(*state, "::ffff:10.0.0.5", b), a);
    assert_string_not_equal(name_of(*state, "10.0.0.6", b), a);
    assert_string_not_equal(name_of(other, "10.0.0.5", b), a); /* keyed */
    assert_false(pseudonym_is("host-7k3q9x"));
    assert_false(pseudonym_is("host-7k3q9xw2aL"));
    assert_false(pseudonym_is("10.0.0.5"));
    pseudonyms_free(other);
}

static void test_v4(void **state)
{
    becomes(*state, "10.0.0.5", "<10.0.0.5>");
    becomes(*state, "10.0.0.5 sent to 192.0.2.1:443.", "<10.0.0.5> sent to 192.0.2.1:443.");
    becomes(*state, "(10.0.0.5:443), 10.0.0.5.", "(<10.0.0.5>:443), <10.0.0.5>.");
    becomes(*state, "10.0.0.0/8 and 10.0.0.5/8, 10.0.0.5/32",
            "10.0.0.0/8 and <10.0.0.5>/8, <10.0.0.5>/32");
    becomes(*state, "host=10.0.0.5,x10.0.0.5y", "host=<10.0.0.5>,x<10.0.0.5>y");
    becomes(*state, "\\n10.0.0.5\\n", "\\n<10.0.0.5>\\n"); /* as JSON has it */
    becomes(*state, "10.0.0.5.example.jp", "<10.0.0.5>.example.jp");
    becomes(*state, "5.0.0.10.in-addr.arpa", "<10.0.0.5>.in-addr.arpa");
    becomes(*state, "1.10.0.0.5, 10.0.0.256, 10.0.0, 110.0.0.5, 10.0.0.5.6",
            "1.10.0.0.5, 10.0.0.256, 10.0.0, 110.0.0.5, <10.0.0.5>.6");
    becomes(*state, "203.0.113.7 203.0.114.7", "<203.0.113.7> 203.0.114.7");
    becomes(*state, "2026-03-02T01:14:07.201Z 8.11", "2026-03-02T01:14:07.201Z 8.11");
}

static void test_v6(void **state)
{
    becomes(*state, "fd00::5", "<fd00::5>");
    becomes(*state, "[fd00::5]:443 fd00::5. FD00:0:0::5", "[<fd00::5>]:443 <fd00::5>. <fd00::5>");
    becomes(*state, "fd00:1:2:3:4:5:6:7, fe80::1%eth0", "<fd00:1:2:3:4:5:6:7>, <fe80::1>%eth0");
    becomes(*state, "::ffff:10.0.0.5", "<10.0.0.5>");
    becomes(*state, "2001:db8:fd00::1 is another's", "2001:db8:fd00::1 is another's");
    becomes(*state, "fd00::/8 and fd00::5/64", "fd00::/8 and <fd00::5>/64");
    becomes(*state, "tcp|fd00::5", "tcp|<fd00::5>");
    becomes(*state, "a::b::c, 12:34:56, std::string", "a::b::c, 12:34:56, std::string");
}

static void test_devices(void **state)
{
    const uint8_t mac[MAC_SIZE] = {2, 0x1a, 0x4b, 0, 0, 9};
    struct ip by_mac = device_of_mac(mac), by_id = device_of_id(mac, sizeof mac);
    char text[IP_TEXT_SIZE], name[PSEUDONYM_SIZE], id[PSEUDONYM_SIZE];
    char *said = xasprintf("of 02:1a:4b:00:00:09, 02-1A-4B-00-00-09, %s.", host_text(&by_id, text));
    char *expected = xasprintf("of %s, %s, %s.", pseudonym_of(*state, &by_mac, name), name,
                               pseudonym_of(*state, &by_id, id));
    char *got = pseudonyms_text(*state, said, strlen(said));
    assert_string_equal(got, expected);
    free(got);
    free(expected);
    free(said);
    becomes(*state, "02:1a:4b:00:00:09:aa, sha256 02:1a:4b:00:00:09:aa:bb:cc",
            "02:1a:4b:00:00:09:aa, sha256 02:1a:4b:00:00:09:aa:bb:cc");
}

static void test_community_ids(void **state)
{
    static const char text[] = "\"1:LQU9qZlK+B5F3KDmev6m5PMibrg=\" 11:LQU9qZlK+B5F3KDmev6m5PMibrg=";
    char *got = pseudonyms_text(*state, text, sizeof text - 1);
    assert_int_equal(strncmp(got, "\"flow-", 6), 0);
    assert_null(strstr(got, "\"1:LQU"));
    assert_non_null(strstr(got, "\" 11:LQU9qZlK")); /* none */
    free(got);
}

static void test_records(void **state)
{
    static const char line[] =
        "{\"source\":{\"ip\":\"10.0.0.5\",\"mac\":\"02-1A-4B-00-00-09\",\"bytes\":7},"
        "\"destination\":{\"ip\":\"192.0.2.1\"},\"client\":{\"ip\":\"10.0.0.5\",\"port\":4},"
        "\"host\":{\"id\":\"02:1a:4b:00:00:09\",\"mac\":[\"02-1A-4B-00-00-09\"],"
        "\"ip\":[\"10.0.0.5\"]},\"related\":{\"ip\":[\"10.0.0.5\",\"192.0.2.1\",\"fd00::5\"]},"
        "\"network\":{\"community_id\":\"1:LQU9qZlK+B5F3KDmev6m5PMibrg=\",\"transport\":\"tcp\"},"
        "\"weir\":{\"reasons\":[{\"text\":\"10.0.0.5 "
        "sent\",\"p\":1e-06}],\"empty\":[],\"no\":null}}";
    char *got = pseudonyms_line(*state, line, sizeof line - 1), a[PSEUDONYM_SIZE],
         b[PSEUDONYM_SIZE], device[PSEUDONYM_SIZE];
    const uint8_t mac[MAC_SIZE] = {2, 0x1a, 0x4b, 0, 0, 9};
    struct ip ip = device_of_mac(mac);
    name_of(*state, "10.0.0.5", a);
    char *expected =
        xasprintf("{\"source\":{\"address\":\"%s\",\"bytes\":7},\"destination\":{\"ip\":"
                  "\"192.0.2.1\"},\"client\":{\"address\":\"%s\",\"port\":4},\"host\":{\"id\":"
                  "\"%s\"},\"related\":{\"ip\":[\"192.0.2.1\"],\"hosts\":[\"%s\",\"%s\"]},"
                  "\"network\":{\"transport\":\"tcp\"},\"weir\":{\"reasons\":[{\"text\":\"%s "
                  "sent\",\"p\":1e-6}],\"empty\":[],\"no\":null}}",
                  a, a, pseudonym_of(*state, &ip, device), a, name_of(*state, "fd00::5", b), a);
    assert_string_equal(got, expected);
    free(got);
    free(expected);
    got = pseudonyms_line(*state, "{\"a\":10.0.0.5", 13); /* no JSON: as text */
    assert_null(strstr(got, "10.0.0.5"));
    free(got);
}

/* Deeper than any record of ours: what is in it is not told either. */
static void test_depth(void **state)
{
    char line[512] = "";
    for (int i = 0; i < 60; i++)
        strcat(line, "{\"a\":");
    strcat(line, "\"10.0.0.5\"");
    for (int i = 0; i < 60; i++)
        strcat(line, "}");
    char *got = pseudonyms_line(*state, line, strlen(line));
    assert_null(strstr(got, "10.0.0.5"));
    assert_non_null(strstr(got, "host-"));
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_v4, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_v6, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_devices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_community_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
