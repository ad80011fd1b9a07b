/* Inside by prefix and by place. */
#include "weir/base/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct prefix prefix_of_text(const char *text)
{
    struct prefix prefix;
    assert_int_equal(prefix_parse(text, &prefix, NULL), 0);
    return prefix;
}

static bool has(const struct inside *inside, const char *text, uint16_t vlan, uint8_t vantage)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return inside_has(inside, &ip, vlan, vantage);
}

static void add_place(struct inside *inside, const char *net, int vlan, int vantage)
{
    struct inside_place *place = &inside->place[inside->place_count++];
    *place = (struct inside_place){.vlan = vlan, .vantage = vantage, .where = ""};
    prefix_set_add(&place->nets, prefix_of_text(net));
}

static void test_everywhere(void **state)
{
    struct inside inside;
    (void)state;
    inside_init(&inside);
    assert_false(has(&inside, "10.0.0.1", 0, 0));
    prefix_set_add(&inside.everywhere, prefix_of_text("10.0.0.0/8"));
    assert_true(has(&inside, "10.0.0.1", 0, 0));
    assert_true(has(&inside, "10.0.0.1", 20, 3));
    assert_false(has(&inside, "192.0.2.1", 20, 3));
    inside_fini(&inside);
    assert_false(has(&inside, "10.0.0.1", 0, 0));
}

/* The same addresses are two sites' in two places. */
static void test_places(void **state)
{
    static const struct {
        const char *ip;
        uint16_t vlan;
        uint8_t vantage;
        bool in;
    } row[] = {{"10.0.0.1", 20, 0, true},     {"10.0.0.1", 20, 5, true},
               {"10.0.0.1", 30, 0, false},    {"10.0.0.1", 0, 0, false},
               {"192.0.2.1", 20, 0, false},   {"192.0.2.1", 7, 1, true},
               {"192.0.2.1", 7, 0, false},    {"198.51.100.1", 0, 2, true},
               {"198.51.100.1", 5, 2, false}, {"198.51.100.1", 0, 1, false}};
    struct inside inside;
    (void)state;
    inside_init(&inside);
    add_place(&inside, "10.0.0.0/8", 20, INSIDE_ANY);
    add_place(&inside, "192.0.2.0/24", INSIDE_ANY, 1);
    add_place(&inside, "198.51.100.0/24", 0, 2); /* untagged */
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_int_equal(has(&inside, row[i].ip, row[i].vlan, row[i].vantage), row[i].in);
    inside_fini(&inside);
    assert_int_equal(inside.place_count, 0);
}

static void test_text(void **state)
{
    struct inside inside;
    struct buffer b = {0};
    (void)state;
    inside_init(&inside);
    add_place(&inside, "10.0.0.0/8", 20, 1);
    inside.place[0].interface = "span1";
    prefix_set_add(&inside.place[0].nets, prefix_of_text("192.0.2.0/24"));
    inside_place_text(&inside.place[0], &b);
    buffer_u8(&b, 0);
    assert_string_equal((char *)b.data, "{nets: [\"192.0.2.0/24\", \"10.0.0.0/8\"], vlan: 20, "
                                        "interface: \"span1\"}");
    buffer_fini(&b);
    inside_fini(&inside);
}

static void test_what_is_covered(void **state)
{
    static const struct {
        const char *prefix;
        bool in;
    } row[] = {{"10.1.0.0/16", true},   {"10.1.2.0/24", true},   {"10.0.0.0/8", false},
               {"10.2.0.0/24", false},  {"192.0.2.0/24", true},  {"192.0.2.128/25", true},
               {"192.0.0.0/16", false}, {"2001:db8::/64", false}};
    struct inside inside;
    (void)state;
    inside_init(&inside);
    prefix_set_add(&inside.everywhere, prefix_of_text("10.1.0.0/16"));
    add_place(&inside, "192.0.2.0/24", 20, INSIDE_ANY);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct prefix prefix = prefix_of_text(row[i].prefix);
        assert_int_equal(inside_covers(&inside, &prefix), row[i].in);
    }
    inside_fini(&inside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everywhere),
        cmocka_unit_test(test_what_is_covered),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
