/* By which addresses a flow leaves: its own, or those of a tunnel around it. */
#include "rig.h"

#include "../../../sensor/engine/internal.h"
#include "weir/base/device.h"

#define HOST "10.0.0.66"
#define FAR  "203.0.113.9"

static struct inside inside;

static int set_inside(void **state)
{
    (void)state;
    struct error error;
    struct prefix prefix;
    assert_int_equal(prefix_parse("10.0.0.0/8", &prefix, &error), 0);
    prefix_set_add(&inside.everywhere, prefix);
    return 0;
}

static int drop_inside(void **state)
{
    (void)state;
    inside_fini(&inside);
    return 0;
}

static const struct way_row {
    const char *what;
    const char *orig, *resp; /* the flow's own */
    const char *there[2];    /* around what orig sends, as the sides lie; NULL: nothing */
    const char *back[2];     /* around what resp sends */
    enum scope scope;
    bool by_tunnel;
    uint8_t leaves;
    const char *host, *remote;
} rows[] = {
    {"plain",
     "10.1.1.1",
     "198.51.100.1",
     {0},
     {0},
     SCOPE_OUT,
     false,
     1,
     "10.1.1.1",
     "198.51.100.1"},
    {"no way out",
     "10.1.1.1",
     "10.2.2.2",
     {"10.3.3.3", "10.4.4.4"},
     {"10.3.3.3", "10.4.4.4"},
     SCOPE_INTERNAL,
     false,
     0,
     NULL,
     NULL},
    {"wrapped, internal inside",
     "10.1.1.1",
     "10.2.2.2",
     {HOST, FAR},
     {HOST, FAR},
     SCOPE_OUT,
     true,
     1,
     HOST,
     FAR},
    {"wrapped, transit inside",
     "192.0.2.1",
     "192.0.2.2",
     {HOST, FAR},
     {HOST, FAR},
     SCOPE_OUT,
     true,
     1,
     HOST,
     FAR},
    {"wrapped, broadcast inside",
     "10.1.1.1",
     "255.255.255.255",
     {HOST, FAR},
     {0},
     SCOPE_OUT,
     true,
     1,
     HOST,
     FAR},
    {"the collector opened",
     "10.1.1.1",
     "10.2.2.2",
     {FAR, HOST},
     {FAR, HOST},
     SCOPE_IN,
     true,
     2,
     HOST,
     FAR},
    {"only entered so far", "10.1.1.1", "10.2.2.2", {FAR, HOST}, {0}, SCOPE_IN, true, 0, HOST, FAR},
    {"a gateway: both agree",
     "10.1.1.1",
     "198.51.100.1",
     {HOST, FAR},
     {HOST, FAR},
     SCOPE_OUT,
     false,
     1,
     "10.1.1.1",
     "198.51.100.1"},
    {"as if the outside sent it",
     "198.51.100.1",
     "10.1.1.1",
     {HOST, FAR},
     {HOST, FAR},
     SCOPE_OUT,
     true,
     1,
     HOST,
     FAR},
    {"as if it came back",
     "10.1.1.1",
     "198.51.100.1",
     {HOST, FAR},
     {FAR, HOST},
     SCOPE_OUT,
     true,
     3,
     HOST,
     FAR},
    {"as if it came back, the rest plain",
     "10.1.1.1",
     "198.51.100.1",
     {0},
     {FAR, HOST},
     SCOPE_IN,
     true,
     3,
     HOST,
     FAR},
    {"plain there, wrapped back",
     "10.1.1.1",
     "10.2.2.2",
     {0},
     {FAR, HOST},
     SCOPE_IN,
     true,
     2,
     HOST,
     FAR},
    {"comes in: who opened is inside",
     "10.1.1.1",
     "198.51.100.1",
     {FAR, HOST},
     {0},
     SCOPE_OUT,
     false,
     1,
     "10.1.1.1",
     "198.51.100.1"},
    {"a mirror inside",
     "10.1.1.1",
     "198.51.100.1",
     {"10.3.3.3", "10.4.4.4"},
     {"10.4.4.4", "10.3.3.3"},
     SCOPE_OUT,
     false,
     1,
     "10.1.1.1",
     "198.51.100.1"},
    {"a mirror that leaves: both sides",
     "10.1.1.1",
     "10.2.2.2",
     {HOST, FAR},
     {FAR, HOST},
     SCOPE_OUT,
     true,
     3,
     HOST,
     FAR},
    {"the same of what leaves anyway",
     "10.1.1.1",
     "198.51.100.1",
     {HOST, FAR},
     {FAR, HOST},
     SCOPE_OUT,
     true,
     3,
     HOST,
     FAR},
    {"an outside mirror",
     "10.1.1.1",
     "198.51.100.1",
     {FAR, HOST},
     {HOST, FAR},
     SCOPE_OUT,
     false,
     1,
     "10.1.1.1",
     "198.51.100.1"},
    {"towards everybody",
     "10.1.1.1",
     "10.2.2.2",
     {HOST, "239.1.1.1"},
     {0},
     SCOPE_INTERNAL,
     false,
     0,
     NULL,
     NULL},
    {"transit around it",
     "10.1.1.1",
     "10.2.2.2",
     {"192.0.2.1", "192.0.2.2"},
     {0},
     SCOPE_INTERNAL,
     false,
     0,
     NULL,
     NULL},
};

static struct tunnel around(const char *const end[2])
{
    if (!end[0])
        return (struct tunnel){.count = 0};
    return make_tunnel(end[0], end[1], LAYER_VXLAN);
}

static void check(const char *what, const struct way *way, const struct way_row *row)
{
    if (way->scope != row->scope || way->by_tunnel != row->by_tunnel || way->leaves != row->leaves)
        fail_msg("%s: %s, by tunnel %d, leaves %d", what, scope_name[way->scope], way->by_tunnel,
                 way->leaves);
    if (!row->host)
        return;
    struct ip host = make_ip(row->host), remote = make_ip(row->remote);
    if (ip_compare(&way->host, &host) != 0 || ip_compare(&way->remote, &remote) != 0)
        fail_msg("%s: other ends", what);
}

static void the_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct way_row *row = &rows[i];
        struct flow_key key = make_flow_key(row->orig, 1000, row->resp, 2000);
        struct tunnel tunnel[SIDES] = {around(row->there), around(row->back)};
        struct way way = way_of(&inside, &key, tunnel);
        check(row->what, &way, row);
    }
}

/* Between the ends of an overlay inside, or mirrored: the tunnel inside of that is seen through. */
static void a_tunnel_within(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct way_row *row = &rows[i];
        struct flow_key key = make_flow_key(row->orig, 1000, row->resp, 2000);
        struct tunnel tunnel[SIDES];
        const char *const *end[SIDES] = {row->there, row->back};
        for (int side = 0; side < SIDES; side++) {
            tunnel[side] = make_tunnel("10.250.0.1", "10.250.0.2", LAYER_ERSPAN);
            struct tunnel own = around(end[side]);
            tunnel[side].hop[i % TUNNEL_HOPS] = (struct tunnel_hop){own.orig_ip, own.resp_ip};
        }
        struct way way = way_of(&inside, &key, tunnel);
        check(row->what, &way, row);
    }
}

/* Another's tunnel takes it out; its own, or one that stays inside, does not count as that. */
static void carried_by_another(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        bool carried;
    } carrier[] = {{HOST, FAR, true},
                   {"10.1.1.1", FAR, false},
                   {HOST, "10.0.0.67", false},
                   {"192.0.2.1", FAR, false}};
    struct flow_key key = make_flow_key("10.1.1.1", 1000, "198.51.100.1", 443);
    for (size_t i = 0; i < sizeof carrier / sizeof *carrier; i++) {
        struct tunnel one = make_tunnel(carrier[i].from, carrier[i].to, LAYER_VXLAN);
        struct way way = way_of(&inside, &key, (struct tunnel[SIDES]){one, one});
        assert_false(way.by_tunnel);
        assert_int_equal(way.carried, carrier[i].carried);
    }
}

static void without_addresses(void **state)
{
    (void)state;
    struct flow_key key = make_flow_key("10.1.1.1", 1000, "10.2.2.2", 2000);
    struct tunnel tunnel[SIDES] = {{.count = 1, .layer = {LAYER_PPPOE}}, {.count = 0}};
    struct way way = way_of(&inside, &key, tunnel);
    assert_int_equal(way.scope, SCOPE_INTERNAL);
    assert_false(way.by_tunnel);
    way = way_of(&inside, &key, NULL);
    assert_int_equal(way.scope, SCOPE_INTERNAL);
}

/* What the engine makes of it: host, destination, bytes, story, content. */
static void counted_as_out(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct flow_key key = make_flow_key("10.1.1.1", 40000, "10.2.2.2", 443);
    struct tunnel out = make_tunnel(HOST, FAR, LAYER_VXLAN), tunnel[SIDES] = {out, out};
    out.resp_port = tunnel[0].resp_port = tunnel[1].resp_port = 4789;
    make_flow(&record, 1, MONDAY_8, &key, 5000, 70);
    give_server_name(&record, "www.example.jp");
    give_tunnels(&record, tunnel);
    rig_push(rig, 0, &record);
    const struct engine_counts *counts = rig_finish(rig);
    assert_int_equal(counts->flows[SCOPE_OUT], 1);
    assert_int_equal(counts->learning_bytes, 5000);
    assert_true(rig->view.way.by_tunnel);
    assert_int_equal(rig->view.way.remote_port, 4789);
    assert_int_equal(rig->view.out.value, 5000);
    assert_int_equal(rig->view.in_bytes, 70);
    assert_string_equal(rig->destination.name, "203.0.113.0/24"); /* whatever is named inside */
    assert_false(rig->view.name_unverified);
    assert_string_equal(rig->view.text[TEXT_SERVER_NAME], "www.example.jp");
    assert_memory_equal(&rig->view.tunnel[SIDE_RESP], &out, sizeof out);
}

/* Whoever wraps a packet chooses the addresses in it: they make nobody's device the sender. */
static void of_no_device(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct flow_key key = make_flow_key("10.1.1.1", 40000, "10.2.2.2", 443);
    struct tunnel out = make_tunnel(HOST, FAR, LAYER_VXLAN), tunnel[SIDES] = {out, out};
    struct ip other = device_of_mac((const uint8_t[MAC_SIZE]){2, 0, 0, 0, 0, 1});
    struct ip sender = device_of_mac((const uint8_t[MAC_SIZE]){2, 0, 0, 0, 0, 2});
    engine_free(rig->engine);
    rig->by_device = true;
    rig_new_engine(rig);
    make_binding(&record, 1, MONDAY_8, make_ip("10.1.1.1"), other, BINDING_ARP, 0);
    rig_push(rig, 0, &record);
    make_binding(&record, 2, MONDAY_8, make_ip(HOST), sender, BINDING_ARP, 0);
    rig_push(rig, 0, &record);
    make_flow(&record, 3, MONDAY_8 + 2 * NS_PER_S, &key, 5000, 70);
    give_tunnels(&record, tunnel);
    rig_push(rig, 0, &record);
    rig_push_watermark(rig, 0, MONDAY_8 + 3 * NS_PER_S);
    engine_begin(rig->engine, NULL);
    rig_rest(rig);
    assert_int_equal(rig->flows, 1);
    assert_true(rig->view.way.by_tunnel);
    assert_null(rig->view.device[SIDE_ORIG]);
    assert_memory_equal(rig->view.host, &sender, sizeof sender); /* the engine still has it */
}

/* A mirror that leaves: everything in it does. */
static void both_sides_leave(void **state)
{
    struct rig *rig = *state;
    union any_record record;
    struct flow_key key = make_flow_key("10.1.1.1", 40000, "10.2.2.2", 443);
    struct tunnel tunnel[SIDES] = {make_tunnel(HOST, FAR, LAYER_ERSPAN),
                                   make_tunnel(FAR, HOST, LAYER_ERSPAN)};
    make_flow(&record, 1, MONDAY_8, &key, 5000, 70);
    give_tunnels(&record, tunnel);
    rig_push(rig, 0, &record);
    rig_finish(rig);
    assert_int_equal(rig->view.out.value, 5070);
    assert_int_equal(rig->view.in_bytes, 0);
}

static int set_up(void **state)
{
    *state = rig_open(1, 100);
    return 0;
}

static int tear_down(void **state)
{
    rig_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rules),
        cmocka_unit_test(a_tunnel_within),
        cmocka_unit_test(carried_by_another),
        cmocka_unit_test(without_addresses),
        cmocka_unit_test_setup_teardown(counted_as_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_no_device, set_up, tear_down),
        cmocka_unit_test_setup_teardown(both_sides_leave, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, set_inside, drop_inside);
}
