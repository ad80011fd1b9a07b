/* What a flow's addresses lead to is the same when it was found before: whatever else was asked for
 * in between, and whoever had its place meanwhile. */
#include "rig.h"

#include "../../../sensor/engine/internal.h"
#include "../../../sensor/engine/stories_kept.h"
#include "weir/base/buffer.h"

#define PAIRS (3 * ROUTES)

struct fixture {
    struct engine *engine;
    struct inside inside;
};

static int set_up(void **state)
{
    struct error error;
    struct prefix prefix;
    struct fixture *f = xcalloc(1, sizeof *f);
    f->engine = xcalloc(1, sizeof *f->engine);
    assert_int_equal(prefix_parse("10.0.0.0/8", &prefix, &error), 0);
    prefix_set_add(&f->inside.everywhere, prefix);
    f->engine->config.inside = &f->inside;
    f->engine->config.max_hosts = 10;
    names_init(&f->engine->names, NULL, NULL);
    routes_init(&f->engine->routes);
    map_init_borrowing(&f->engine->hosts);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    map_fini(&f->engine->hosts, free);
    routes_fini(&f->engine->routes);
    names_fini(&f->engine->names);
    inside_fini(&f->inside);
    free(f->engine);
    free(f);
    return 0;
}

/* What is found, against what is looked up. */
static void expect_right(struct engine *engine, const struct flow_key *key)
{
    struct record_flow record = {.key = *key};
    const struct route *route = routes_of(engine, key);
    struct way way = way_of(engine->config.inside, key, NULL), its = route_way(route, key);
    assert_int_equal(its.scope, way.scope);
    assert_int_equal(its.leaves, way.leaves);
    assert_memory_equal(&its.host, &way.host, sizeof way.host);
    assert_memory_equal(&its.remote, &way.remote, sizeof way.remote);
    assert_int_equal(its.remote_port, way.remote_port);
    bool crosses = way.scope == SCOPE_OUT || way.scope == SCOPE_IN, unverified;
    assert_int_equal(route_leads(engine, route, &record), crosses);
    if (!crosses)
        return;
    struct destination destination, is = account_destination(engine, &way, "", NULL, &unverified);
    struct story_key story;
    size_t size = story_make_key(&way.host, &is, &story);
    route_destination(route, &destination);
    assert_int_equal(destination.role, is.role);
    assert_int_equal(destination.kind, is.kind);
    assert_string_equal(destination.name, is.name);
    assert_int_equal(route->size, size - sizeof story.host);
    assert_memory_equal(route->text, story.text, route->size);
    assert_true(route->host_hash == map_hash(&way.host, sizeof way.host));
    assert_true(route->place_hash == map_hash(route->text, route->size));
    assert_true(route->story_hash == map_hash(&story, size));
    assert_null(route->host); /* account.c looks for it */
}

static const char *const ends[][2] = {
    {"10.1.1.1", "198.51.100.7"},     {"198.51.100.7", "10.1.1.1"},
    {"10.1.1.1", "10.2.2.2"},         {"192.0.2.1", "198.51.100.7"},
    {"10.1.1.1", "224.0.0.251"},      {"10.1.1.1", "255.255.255.255"},
    {"10.1.1.1", "2001:db8:1234::9"}, {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "10.1.1.1"},
    {"10.1.1.2", "198.51.100.7"},     {"10.1.1.1", "198.51.100.8"}};
#define ENDS (sizeof ends / sizeof *ends)

static void test_each_kind(void **state)
{
    struct engine *engine = ((struct fixture *)*state)->engine;
    struct ip host = make_ip("10.1.1.1");
    assert_non_null(hosts_add(engine, &host));
    for (int time = 0; time < 2; time++)
        for (size_t i = 0; i < ENDS; i++) {
            struct flow_key key = make_flow_key(ends[i][0], 40000, ends[i][1], 443);
            expect_right(engine, &key);
        }
    assert_int_equal(engine->routes.made, ENDS);
}

/* One VLAN's inside may be another's outside, so one's route is no other's. */
static void test_places(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct prefix prefix;
    struct flow_key key = make_flow_key("10.1.1.1", 40000, "198.51.100.7", 443);
    assert_int_equal(prefix_parse("198.51.100.0/24", &prefix, &error), 0);
    f->inside.place[0] = (struct inside_place){.vlan = 20, .vantage = INSIDE_ANY};
    prefix_set_add(&f->inside.place[0].nets, prefix);
    f->inside.place_count = 1;
    expect_right(f->engine, &key);
    assert_int_equal(routes_of(f->engine, &key)->scope, SCOPE_OUT);
    key.vlan = 20;
    expect_right(f->engine, &key);
    assert_int_equal(routes_of(f->engine, &key)->scope, SCOPE_INTERNAL);
    key.vantage = 1;
    uint64_t made = f->engine->routes.made;
    expect_right(f->engine, &key);
    assert_int_equal(f->engine->routes.made, made + 1);
}

static struct flow_key pair_of(uint32_t n)
{
    struct flow_key key = make_flow_key("10.0.0.0", 40000, "198.51.100.7", 443);
    key.orig_ip.byte[13] = (uint8_t)(n >> 16);
    key.orig_ip.byte[14] = (uint8_t)(n >> 8);
    key.orig_ip.byte[15] = (uint8_t)n;
    return key;
}

/* More than there are places for; each that is found anew has a number that nobody had. */
static void test_who_has_gone(void **state)
{
    struct engine *engine = ((struct fixture *)*state)->engine;
    for (uint32_t n = 0; n < PAIRS; n++) {
        struct flow_key key = pair_of(n), before = pair_of(n / 2);
        routes_expect(engine, routes_of(engine, &before)); /* it is not, mostly */
        expect_right(engine, &key);
        assert_true(routes_of(engine, &key)->number <= engine->routes.made);
    }
    assert_true(engine->routes.made >= PAIRS);
}

/* What a name, a tunnel or a device decides is no route's. */
static void test_what_else_decides(void **state)
{
    struct engine *engine = ((struct fixture *)*state)->engine;
    struct record_flow record = {.key = make_flow_key("10.1.1.1", 40000, "198.51.100.7", 443)};
    struct record_flow served = {.key = make_flow_key("198.51.100.7", 40000, "10.1.1.1", 443)};
    record.text_size[TEXT_SERVER_NAME] = served.text_size[TEXT_SERVER_NAME] = 1;
    assert_false(route_leads(engine, routes_of(engine, &record.key), &record));
    assert_true(route_leads(engine, routes_of(engine, &served.key), &served));
    record.text_size[TEXT_SERVER_NAME] = 0;
    assert_true(route_leads(engine, routes_of(engine, &record.key), &record));
    record.tunnels = 1;
    assert_false(route_leads(engine, routes_of(engine, &record.key), &record));
    record.tunnels = 0;
    engine->config.by_device = true;
    assert_false(route_leads(engine, routes_of(engine, &record.key), &record));
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_each_kind),
        WITH(test_places),
        WITH(test_who_has_gone),
        WITH(test_what_else_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
