/* Incidents with one destination name each other. */
#include "../../../sensor/investigate/links.h"

#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct incident incident_of(const char *host, const char *destination)
{
    struct incident incident = {.score = 50};
    assert_int_equal(ip_parse(host, &incident.story.host), 0);
    incident.story.has_destination = destination != NULL;
    incident.story.destination.kind = DESTINATION_DOMAIN;
    if (destination)
        strcpy(incident.story.destination.name, destination);
    return incident;
}

static void expect(const struct links *links, size_t at, const char *text)
{
    struct buffer b = {0};
    links_put(links, at, &b);
    buffer_u8(&b, 0);
    assert_string_equal((const char *)b.data, text);
    buffer_fini(&b);
}

static void test_who_shares(void **state)
{
    struct incident incident[5] = {
        incident_of("10.0.0.1", "example.jp"), incident_of("10.0.0.2", NULL),
        incident_of("10.0.0.3", "example.org"), incident_of("10.0.0.4", "example.jp"),
        incident_of("10.0.0.5", "example.jp")};
    const struct incident *all[5];
    struct links links;
    (void)state;
    incident[4].story.destination.role = ROLE_SERVED; /* another pair */
    for (size_t i = 0; i < 5; i++)
        all[i] = &incident[i];
    links_init(&links, all, 5);
    expect(&links, 0, "   Linked 10.0.0.4 (#4): the same destination\n");
    expect(&links, 3, "   Linked 10.0.0.1 (#1): the same destination\n");
    expect(&links, 1, "");
    expect(&links, 2, "");
    expect(&links, 4, "");
    links_fini(&links);
    links_init(&links, all, 0);
    links_fini(&links);
}

static void test_eight_are_named(void **state)
{
    struct incident incident[11];
    const struct incident *all[11];
    struct links links;
    (void)state;
    for (size_t i = 0; i < 11; i++) {
        incident[i] = incident_of("10.0.0.1", "example.jp");
        incident[i].story.host.byte[15] = (uint8_t)(i + 1);
        all[i] = &incident[i];
    }
    links_init(&links, all, 11);
    expect(&links, 1,
           "   Linked 10.0.0.1 (#1), 10.0.0.3 (#3), 10.0.0.4 (#4), 10.0.0.5 (#5), 10.0.0.6 (#6), "
           "10.0.0.7 (#7), 10.0.0.8 (#8), 10.0.0.9 (#9) and 2 more: the same destination\n");
    links_fini(&links);
    links_init(&links, all, 9); /* eight others: nobody is left to count */
    expect(&links, 8,
           "   Linked 10.0.0.1 (#1), 10.0.0.2 (#2), 10.0.0.3 (#3), 10.0.0.4 (#4), 10.0.0.5 (#5), "
           "10.0.0.6 (#6), 10.0.0.7 (#7), 10.0.0.8 (#8): the same destination\n");
    links_fini(&links);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_shares),
        cmocka_unit_test(test_eight_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
