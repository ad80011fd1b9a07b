/* Stories: sums of what is fresh, the largest flows against a model, and how they are forgotten. */
#include "records.h"

#include "../../../sensor/engine/stories_kept.h"

#include <stdio.h>
#include <stdlib.h>

#define LIMIT 50 /* in these tests; most of the stories lie thinned */
#define AWAKE 4

#define START INT64_C(1772000000000000000)

static struct destination destination_of(const char *name)
{
    struct destination destination = {.role = ROLE_CLIENT, .kind = DESTINATION_DOMAIN};
    memcpy(destination.name, name, strlen(name) + 1);
    return destination;
}

static struct flow_view view_of(const union any_record *record, enum scope scope)
{
    int mine = scope == SCOPE_OUT ? SIDE_ORIG : SIDE_RESP, other = SIDE_ORIG + SIDE_RESP - mine;
    const struct record_flow *flow = &record->flow;
    const struct flow_key *key = &flow->key;
    return (struct flow_view){
        .record = flow,
        .scope = scope,
        .way = {.scope = scope,
                .leaves = (uint8_t)(1u << mine),
                .remote = mine == SIDE_ORIG ? key->resp_ip : key->orig_ip,
                .remote_port = mine == SIDE_ORIG ? key->resp_port : key->orig_port},
        .out = {(uint64_t)flow->fresh[mine].payload_bytes, (uint64_t)flow->fresh[mine].acked_bytes,
                (uint64_t)flow->fresh[mine].payload_bytes},
        .in_bytes = (uint64_t)flow->fresh[other].payload_bytes};
}

static void add(struct open_story *open, const union any_record *record)
{
    struct flow_view view = view_of(record, SCOPE_OUT);
    story_add(open, &view);
}

static int set_up(void **state)
{
    static struct stories stories;
    stories_init(&stories);
    stories.limit = LIMIT;
    *state = &stories;
    return 0;
}

static int tear_down(void **state)
{
    stories_fini(*state);
    return 0;
}

static void test_a_story_is_of_a_host_and_a_destination(void **state)
{
    struct stories *stories = *state;
    struct ip a = make_ip("10.0.0.1"), b = make_ip("10.0.0.2");
    struct destination x = destination_of("example.jp"), y = destination_of("example.com");
    struct destination served = x;
    served.role = ROLE_SERVED;
    struct ptime now = {START};
    struct open_story *open[] = {
        stories_open(stories, &a, &x, now), stories_open(stories, &a, &y, now),
        stories_open(stories, &b, &x, now), stories_open(stories, &a, NULL, now),
        stories_open(stories, &a, &served, now)};
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(open[i], open[j]);
    assert_ptr_equal(stories_open(stories, &a, &x, now), open[0]);
    assert_false(open[3]->story.has_destination);
    assert_true(open[0]->story.has_destination);
    assert_string_equal(open[0]->story.destination.name, "example.jp");
    assert_memory_equal(&open[2]->story.host, &b, sizeof b);
}

/* A flow that reports twice is one flow, and its bytes are counted once. */
static void test_sums_of_what_is_fresh(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    struct destination destination = destination_of("example.jp");
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 443);
    struct open_story *open = stories_open(stories, &host, &destination, (struct ptime){START});
    union any_record record;
    make_flow(&record, 1, START, &key, 1000, 50);
    record.flow.service = SERVICE_TLS;
    struct flow_view view = view_of(&record, SCOPE_OUT);
    story_add(open, &view);
    make_flow(&record, 2, START + NS_PER_S, &key, 3000, 90);
    record.flow.service = SERVICE_TLS;
    record.flow.start_ns = START - NS_PER_S;
    record.flow.fresh_since_ns = START + 1;
    record.flow.fresh[SIDE_ORIG].payload_bytes = record.flow.fresh[SIDE_ORIG].acked_bytes = 2000;
    record.flow.fresh[SIDE_RESP].payload_bytes = 40;
    record.flow.fresh[SIDE_ORIG].packets = record.flow.fresh[SIDE_RESP].packets = 2;
    view = view_of(&record, SCOPE_OUT);
    story_add(open, &view);
    const struct story *story = &open->story;
    assert_int_equal(story->out.value, 3000);
    assert_int_equal(story->out.low, 3000);
    assert_int_equal(story->in_bytes, 90);
    assert_int_equal(story->out_packets, 6);
    assert_int_equal(story->in_packets, 6);
    assert_int_equal(story->service_out[SERVICE_TLS].value, 3000);
    assert_int_equal(story->flows_total, 1);
    assert_int_equal(story->flows_inside, 1);
    assert_int_equal(story->flows_outside, 0);
    assert_int_equal(story->flow_count, 1);
    assert_int_equal(story->flow[0].out_bytes, 3000);
    assert_int_equal(story->first.ns, START - NS_PER_S);
    assert_int_equal(story->last.ns, START + NS_PER_S);
    struct ip remote = make_ip("192.0.2.1");
    assert_memory_equal(&story->remote, &remote, sizeof remote);
}

static void test_who_opened(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1"), remote = make_ip("203.0.113.5");
    struct open_story *open = stories_open(stories, &host, NULL, (struct ptime){START});
    union any_record record;
    struct flow_key in = make_flow_key("203.0.113.5", 50000, "10.0.0.1", 80);
    make_flow(&record, 1, START, &in, 10, 5000);
    struct flow_view view = view_of(&record, SCOPE_IN);
    story_add(open, &view);
    struct flow_key out = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 443);
    make_flow(&record, 2, START, &out, 700, 20);
    view = view_of(&record, SCOPE_OUT);
    story_add(open, &view);
    assert_int_equal(open->story.flows_outside, 1);
    assert_int_equal(open->story.flows_inside, 1);
    assert_int_equal(open->story.out.value, 5700);
    assert_int_equal(open->story.in_bytes, 30);
    assert_memory_equal(&open->story.remote, &remote, sizeof remote); /* of the largest flow */
    assert_int_equal(open->story.remote_port, 50000);
}

/* A flow that turned out to be opened by the other side is one flow of the host, and a new one of
 * the destination that it has now. */
static void test_turned(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    struct destination before = destination_of("example.jp"), after = before;
    after.role = ROLE_SERVED;
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 443);
    struct flow_key turned = flow_key_turned(&key);
    struct open_story *whole = stories_open(stories, &host, NULL, (struct ptime){START});
    struct open_story *client = stories_open(stories, &host, &before, (struct ptime){START});
    struct open_story *served = stories_open(stories, &host, &after, (struct ptime){START});
    union any_record record;
    make_flow(&record, 1, START, &key, 1000, 50);
    struct flow_view view = view_of(&record, SCOPE_OUT);
    story_add(whole, &view);
    story_add(client, &view);
    make_flow(&record, 2, START, &turned, 60, 3000);
    record.flow.flags |= FLOW_TURNED;
    record.flow.fresh[SIDE_RESP].payload_bytes = record.flow.fresh[SIDE_RESP].acked_bytes = 2000;
    record.flow.fresh[SIDE_RESP].packets = 1;
    view = view_of(&record, SCOPE_IN);
    story_add(whole, &view);
    story_add(served, &view);
    assert_int_equal(whole->story.out.value, 3000);
    assert_int_equal(whole->story.flows_total, 1);
    assert_int_equal(whole->story.flows_inside, 0);
    assert_int_equal(whole->story.flows_outside, 1);
    assert_int_equal(whole->story.flow_count, 1);
    assert_int_equal(whole->story.flow[0].out_bytes, 3000);
    assert_memory_equal(&whole->story.flow[0].key, &turned, sizeof turned);
    assert_int_equal(client->story.out.value + served->story.out.value, 3000);
    assert_int_equal(served->story.flows_total, 1);
    assert_int_equal(served->story.flows_outside, 1);
}

static void make_behind_empty(union any_record *record, const struct flow_key *key, int64_t time_ns)
{
    make_flow(record, 2, time_ns, key, 700, 40);
    record->flow.start_ns = time_ns - 2 * NS_PER_S;
    record->flow.fresh[SIDE_ORIG].packets = record->flow.fresh[SIDE_RESP].packets = 1;
}

/* What came before the bytes joined no story: it is told with them, once. */
static void test_a_flow_that_was_empty_is_told_whole(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 443);
    struct tie tie = {NULL};
    union any_record record;
    assert_null(stories_resume(stories, &tie, &host, NULL, (struct ptime){START}));
    struct open_story *open = stories_open_tied(stories, &tie, &host, NULL, (struct ptime){START});
    make_behind_empty(&record, &key, START);
    add(open, &record);
    assert_int_equal(open->story.flows_inside, 1);
    assert_int_equal(open->story.out_packets + open->story.in_packets, 8);
    assert_int_equal(open->story.first.ns, START - 2 * NS_PER_S);
    assert_ptr_equal(stories_resume(stories, NULL, &host, NULL, (struct ptime){START}), open);
}

/* A story that another flow made meanwhile lacks it; one that was there has it. */
static void test_a_flow_that_was_empty_joins_once(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    struct flow_key other = make_flow_key("10.0.0.1", 39999, "192.0.2.1", 443);
    struct flow_key late = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 443);
    struct flow_key joined = make_flow_key("10.0.0.1", 40001, "192.0.2.1", 443);
    struct open_story *open = stories_open(stories, &host, NULL, (struct ptime){START});
    union any_record record;
    make_flow(&record, 1, START, &other, 10, 10);
    add(open, &record);
    make_behind_empty(&record, &late, START + 3 * NS_PER_S / 2);
    add(open, &record);
    assert_int_equal(open->story.out_packets, 8);
    make_empty(&record, 1, START + NS_PER_S / 2, &joined);
    add(open, &record);
    make_behind_empty(&record, &joined, START + 3 * NS_PER_S / 2);
    add(open, &record);
    assert_int_equal(open->story.flows_total, 3);
    assert_int_equal(open->story.out_packets, 13);
}

/* Whoever ends a flow in silence adds it once, and nothing where it is in there, also when the
 * sixteen largest are others. */
static void test_a_silent_end(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 443);
    struct open_story *open = stories_open(stories, &host, NULL, (struct ptime){START});
    union any_record empty, record;
    make_empty(&empty, 1, START, &key);
    make_silent_end(&empty, START + 50 * NS_PER_S);
    for (int i = 0; i < 2; i++)
        add(open, &empty);
    assert_int_equal(open->story.flows_total, 1);
    assert_int_equal(open->story.out_packets, 4);
    assert_int_equal(open->story.first.ns, START - NS_PER_S);
    for (uint16_t i = 0; i < ALERT_FLOWS; i++) {
        key.orig_port = (uint16_t)(1000 + i);
        make_flow(&record, 1, START + NS_PER_S, &key, 100, 10);
        add(open, &record);
    }
    add(open, &empty);
    key.orig_port = 39999; /* a silence that began before the story */
    make_flow(&record, 1, START - 9 * NS_PER_S, &key, 100, 10);
    make_silent_end(&record, START + 50 * NS_PER_S);
    add(open, &record);
    assert_int_equal(open->story.flows_total, 1 + ALERT_FLOWS);
    assert_int_equal(open->story.out_packets, 4 + 4 * ALERT_FLOWS);
    assert_int_equal(open->story.first.ns, START - NS_PER_S);
}

/* It joined another story empty, under another name: the one that it goes on in has it whole,
 * though that was there before it. */
static void test_a_flow_that_is_named_late(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    struct destination named = destination_of("example.jp");
    struct flow_key other = make_flow_key("10.0.0.1", 39999, "192.0.2.1", 443);
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 443);
    struct open_story *open = stories_open(stories, &host, &named, (struct ptime){START});
    union any_record record;
    make_flow(&record, 1, START, &other, 10, 10);
    add(open, &record);
    make_behind_empty(&record, &key, START + 20 * NS_PER_S);
    add(open, &record);
    assert_int_equal(open->story.flows_total, 2);
    assert_int_equal(open->story.out_packets, 8);
}

/* Eight are kept of any number; whoever took more than an eighth is among them. */
static void test_claimed_clients(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1"), thief = make_ip("198.51.100.200");
    struct destination served = destination_of("203.0.113.0/24");
    served.role = ROLE_SERVED;
    struct open_story *open = stories_open(stories, &host, &served, (struct ptime){START});
    struct story *story = &open->story;
    uint64_t all = 0, taken = 0;
    for (unsigned i = 0; i < 400; i++) {
        struct flow_key key = make_flow_key("203.0.113.5", (uint16_t)(1000 + i), "10.0.0.1", 80);
        union any_record record;
        bool is_thief = i % 5 == 3;
        uint64_t bytes = is_thief ? 900 : 100 + i % 7;
        make_flow(&record, 1, START, &key, 10, bytes);
        record.flow.client.by = i % 50 == 0 ? CLIENT_NONE : CLIENT_X_FORWARDED_FOR;
        record.flow.client.ip = is_thief ? thief : make_ip("192.0.2.1");
        record.flow.client.ip.byte[15] = (uint8_t)(is_thief ? 200 : i);
        struct flow_view view = view_of(&record, SCOPE_IN);
        story_add(open, &view);
        all += record.flow.client.by ? bytes : 0;
        taken += is_thief ? bytes : 0;
    }
    assert_int_equal(story->client_count, STORY_CLIENTS);
    assert_true(story->clients_replaced > 0);
    assert_memory_equal(&story->client[0].ip, &thief, sizeof thief);
    assert_int_equal(story->client[0].out_bytes, taken);
    assert_int_equal(story->client[0].flows, 80);
    uint64_t weight = 0;
    for (size_t i = 0; i < STORY_CLIENTS; i++) {
        weight += story->client[i].weight;
        assert_true(story->client[i].out_bytes <= story->client[i].weight);
        assert_true(i == 0 || story->client[i - 1].weight >= story->client[i].weight);
    }
    assert_int_equal(weight, all); /* nothing is weighed twice or lost */
}

/* Forty flows that grow by turns: the sixteen with most bytes out are kept, largest first. */
static void test_the_sixteen_largest_flows(void **state)
{
    struct stories *stories = *state;
    enum { FLOWS = 40, ROUNDS = 12 };
    uint64_t total[FLOWS] = {0};
    struct ip host = make_ip("10.0.0.1");
    struct open_story *open = stories_open(stories, &host, NULL, (struct ptime){START});
    unsigned seed = 7;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < FLOWS; i++) {
            struct flow_key key =
                make_flow_key("10.0.0.1", (uint16_t)(40000 + i), "192.0.2.1", 443);
            uint64_t more = 1 + (uint64_t)rand_r(&seed) % (i % 3 ? 1000 : 90000);
            union any_record record;
            total[i] += more;
            make_flow(&record, 1, START + round, &key, total[i], 0);
            record.flow.start_ns = START - i;
            record.flow.fresh[SIDE_ORIG].payload_bytes = (int64_t)more;
            record.flow.fresh[SIDE_ORIG].packets = round == 0 ? 4 : 1;
            add(open, &record);
        }
    const struct story *story = &open->story;
    assert_int_equal(story->flow_count, ALERT_FLOWS);
    assert_int_equal(story->flows_total, FLOWS);
    for (size_t i = 0; i < ALERT_FLOWS; i++) {
        size_t best = 0;
        for (size_t j = 1; j < FLOWS; j++)
            if (total[j] > total[best])
                best = j;
        assert_int_equal(story->flow[i].out_bytes, total[best]);
        assert_int_equal(story->flow[i].key.orig_port, 40000 + best);
        total[best] = 0;
    }
}

/* What a flow sent inside, before a tunnel took it out, did not leave. */
static void test_a_flow_whose_tunnel_moved(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    struct open_story *open = stories_open(stories, &host, NULL, (struct ptime){START});
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "10.0.0.2", 443);
    union any_record record;
    for (uint64_t i = 1; i <= 3; i++) { /* a megabyte before, then 100 each time */
        make_flow(&record, i, START, &key, 1000000 + 100 * i, 0);
        record.flow.flags |= FLOW_TUNNELLED | FLOW_TUNNEL_MOVED;
        record.flow.fresh[SIDE_ORIG].payload_bytes = 100;
        record.flow.fresh[SIDE_ORIG].packets = 1;
        add(open, &record);
    }
    assert_int_equal(open->story.out.value, 300);
    assert_int_equal(open->story.flow[0].out_bytes, 300);
    assert_int_equal(open->story.flow_count, 1);
}

/* A proxy's connection that was opened ahead: the claim comes with a later record. */
static void test_a_late_claim(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    struct open_story *open = stories_open(stories, &host, NULL, (struct ptime){START});
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 443);
    union any_record record;
    for (uint64_t i = 1; i <= 3; i++) {
        make_flow(&record, i, START, &key, 1000 * i, 0);
        record.flow.fresh[SIDE_ORIG].payload_bytes = 1000;
        record.flow.fresh[SIDE_ORIG].packets = i == 1 ? 4 : 1;
        record.flow.client = (struct client_claim){
            make_ip("203.0.113.1"), 0, 0, i == 1 ? CLIENT_NONE : CLIENT_X_FORWARDED_FOR, 0};
        add(open, &record);
    }
    assert_int_equal(open->story.client_count, 1);
    assert_int_equal(open->story.client[0].flows, 1);
    assert_int_equal(open->story.client[0].out_bytes, 2000);
}

static void test_distinct_items(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    struct open_story *open = stories_open(stories, &host, NULL, (struct ptime){START});
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 80);
    union any_record record;
    assert_false(open->content_changed);
    make_items(&record, 1, START, &key, SIDE_ORIG, 0, 250);
    story_add_items(stories, open, &record.content);
    make_items(&record, 2, START, &key, SIDE_ORIG, 150, 250); /* 100 of them are not new */
    story_add_items(stories, open, &record.content);
    assert_true(open->content_changed);
    assert_int_equal(open->story.counted.of[CONTENT_EMAIL].items, 400);
    assert_true(open->story.counted.of[CONTENT_EMAIL].error <= 0); /* exact */
}

/* Silent for six hours: the next flow begins another story, unless an incident tells this one. */
static void test_a_gap_ends_a_story(void **state)
{
    struct stories *stories = *state;
    struct ip a = make_ip("10.0.0.1"), b = make_ip("10.0.0.2");
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 443);
    union any_record record;
    make_flow(&record, 1, START, &key, 1000, 0);
    struct flow_view view = view_of(&record, SCOPE_OUT);
    struct open_story *quiet = stories_open(stories, &a, NULL, (struct ptime){START});
    struct open_story *told = stories_open(stories, &b, NULL, (struct ptime){START});
    story_add(quiet, &view);
    story_add(told, &view);
    told->told = true;
    struct ptime within = {START + STORY_GAP_NS}, beyond = {START + STORY_GAP_NS + 1};
    assert_int_equal(stories_open(stories, &a, NULL, within)->story.out.value, 1000);
    assert_int_equal(stories_open(stories, &a, NULL, beyond)->story.out.value, 0);
    assert_int_equal(stories_open(stories, &b, NULL, beyond)->story.out.value, 1000);
}

static bool keep(void *context, const struct story *story)
{
    (void)story;
    return *(const bool *)context;
}

static void test_advancing_forgets(void **state)
{
    struct stories *stories = *state;
    struct ip a = make_ip("10.0.0.1"), b = make_ip("10.0.0.2"), c = make_ip("10.0.0.3");
    bool told = true;
    stories_open(stories, &a, NULL, (struct ptime){START});
    stories_open(stories, &b, NULL, (struct ptime){START})->told = true;
    stories_open(stories, &c, NULL, (struct ptime){START + STORY_GAP_NS});
    stories_advance(stories, (struct ptime){START + STORY_GAP_NS}, 0, keep, &told);
    assert_int_equal(stories->map.count, 3);
    stories_advance(stories, (struct ptime){START + STORY_GAP_NS + 1}, 0, keep, &told);
    assert_int_equal(stories->map.count, 2); /* a is forgotten, b is still told */
    told = false;
    stories_advance(stories, (struct ptime){START + STORY_GAP_NS + 2}, 0, keep, &told);
    assert_int_equal(stories->map.count, 2); /* b was looked at in this hour */
    assert_ptr_equal(stories->kept, stories->oldest);
    stories_advance(stories, (struct ptime){START + STORY_GAP_NS + NS_PER_HOUR}, 0, keep, &told);
    assert_int_equal(stories->map.count, 1);
    assert_null(stories->kept);
    assert_int_equal(stories->evicted, 0); /* forgotten in time is not evicted */
    assert_ptr_equal(stories->newest, stories->oldest);
}

/* --- uploads of the day --- */

#define HOUR 480000 /* of START, as these tests count: day 20000 */

static void send_in(struct stories *stories, const struct ip *host, const char *to, int64_t hour,
                    uint32_t out, uint32_t in)
{
    union any_record record;
    struct destination destination = destination_of(to);
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "192.0.2.1", 443);
    struct ptime at = {START + (hour - HOUR) * NS_PER_HOUR};
    struct civil civil = {.hour = hour, .day = hour / 24};
    make_flow(&record, 1, at.ns, &key, out, in);
    struct flow_view view = view_of(&record, SCOPE_OUT);
    struct open_story *open[] = {stories_open(stories, host, NULL, at),
                                 stories_open(stories, host, &destination, at)};
    for (size_t i = 0; i < 2; i++) {
        story_add(open[i], &view);
        story_note_hour(open[i], &civil, &view);
    }
}

/* As at each tick; whether the story is there after it. */
static bool is_there_at(struct stories *stories, const struct ip *host, const char *to,
                        int64_t hour)
{
    bool told = false;
    struct destination destination = destination_of(to);
    struct ptime now = {START + (hour - HOUR) * NS_PER_HOUR + 1};
    stories_advance(stories, now, hour / 24, keep, &told);
    return stories_find(stories, host, &destination) != NULL;
}

static void test_an_upload_is_kept_for_its_day(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    send_in(stories, &host, "asked.example", HOUR + 24, 70000, 70000);
    send_in(stories, &host, "small.example", HOUR + 24, 65535, 0);
    send_in(stories, &host, "drop.example", HOUR + 24, 70000, 69999);
    assert_true(is_there_at(stories, &host, "asked.example", HOUR + 29));
    assert_false(is_there_at(stories, &host, "asked.example", HOUR + 31));
    assert_int_equal(stories->map.count, 1); /* those are forgotten, and the host's own */
    send_in(stories, &host, "news.example", HOUR + 40, 100, 100); /* it sends again */
    assert_true(is_there_at(stories, &host, "drop.example", HOUR + 47));
    assert_false(is_there_at(stories, &host, "drop.example", HOUR + 48));
}

/* What is told within two minutes of the hour before, behind something of the next. */
static void test_a_late_upload_is_one(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    send_in(stories, &host, "drop.example", HOUR + 8, 100, 100);
    send_in(stories, &host, "asked.example", HOUR + 8, 100, 100);
    send_in(stories, &host, "drop.example", HOUR + 7, 70000, 10);
    send_in(stories, &host, "asked.example", HOUR + 7, 70000, 70000);
    assert_true(is_there_at(stories, &host, "drop.example", HOUR + 15));
    assert_int_equal(stories->map.count, 1);
    (void)is_there_at(stories, &host, "drop.example", HOUR + 24);
    assert_int_equal(stories->map.count, 0);
}

/* Its incident is closed: what goes on goes on, what comes after a silence is another. */
static void test_untold(void **state)
{
    struct stories *stories = *state;
    struct ip a = make_ip("10.0.0.1");
    struct open_story *open = stories_open(stories, &a, NULL, (struct ptime){START});
    open->told = true;
    open->story.in_bytes = 7;
    for (uint32_t i = 0; i < LIMIT / 2; i++) { /* it falls asleep told */
        struct ip other = make_ip("10.0.1.0");
        other.byte[15] = (uint8_t)i;
        stories_open(stories, &other, NULL, (struct ptime){START});
    }
    assert_true(stories_untell(stories, &a, NULL));
    assert_false(stories_untell(stories, &a, NULL));
    open = stories_open(stories, &a, NULL, (struct ptime){START + STORY_GAP_NS});
    assert_false(open->told);
    assert_int_equal(open->story.in_bytes, 7);
    open = stories_open(stories, &a, NULL, (struct ptime){START + 2 * STORY_GAP_NS + 1});
    assert_int_equal(open->story.in_bytes, 0);
}

/* An hour of a longer story is as much of the day as its last. */
static void test_an_earlier_upload_is_kept_for_its_day(void **state)
{
    struct stories *stories = *state;
    struct ip a = make_ip("10.0.0.1");
    send_in(stories, &a, "drop.example", HOUR + 10, 70000, 10);
    send_in(stories, &a, "drop.example", HOUR + 11, 10, 70000);
    assert_true(is_there_at(stories, &a, "drop.example", HOUR + 23));
    assert_false(is_there_at(stories, &a, "drop.example", HOUR + 24));
}

static void test_the_bound(void **state)
{
    struct stories *stories = *state;
    struct ip ip = make_ip("10.0.0.0");
    for (int i = 0; i < LIMIT; i++) {
        ip.byte[15] = (uint8_t)i;
        stories_open(stories, &ip, NULL, (struct ptime){START + i})->story.in_bytes = 1;
    }
    ip.byte[15] = 0;
    stories_open(stories, &ip, NULL, (struct ptime){START + 100}); /* now .1 is silent longest */
    ip.byte[15] = 200;
    stories_open(stories, &ip, NULL, (struct ptime){START + 101});
    assert_int_equal(stories->map.count, LIMIT);
    assert_int_equal(stories->evicted, 1);
    ip.byte[15] = 0;
    assert_int_equal(stories_open(stories, &ip, NULL, (struct ptime){START + 102})->story.in_bytes,
                     1);
    ip.byte[15] = 1;
    assert_int_equal(stories_open(stories, &ip, NULL, (struct ptime){START + 103})->story.in_bytes,
                     0);
    assert_int_equal(stories->evicted, 2);
}

/* What an incident tells goes only when everything looked at is told. */
static void test_a_told_story_outlives_the_bound(void **state)
{
    struct stories *stories = *state;
    struct ip ip = make_ip("10.0.0.0");
    for (int i = 0; i < LIMIT; i++) {
        ip.byte[15] = (uint8_t)i;
        struct open_story *open = stories_open(stories, &ip, NULL, (struct ptime){START + i});
        open->story.in_bytes = 7;
        open->told = i < 2; /* the two oldest */
    }
    ip.byte[15] = 200;
    stories_open(stories, &ip, NULL, (struct ptime){START + 100});
    assert_int_equal(stories->evicted, 1);
    for (int i = 0; i < 2; i++) {
        ip.byte[15] = (uint8_t)i;
        assert_int_equal(
            stories_open(stories, &ip, NULL, (struct ptime){START + 101})->story.in_bytes, 7);
    }
    assert_int_equal(stories->evicted, 1);
    ip.byte[15] = 2;
    assert_int_equal(stories_open(stories, &ip, NULL, (struct ptime){START + 102})->story.in_bytes,
                     0);
}

/* Items, labels, what they take of the budget, and what was estimated for want of it, and what was
 * told of zones: to the byte. */
static void test_packed(void **state)
{
    struct stories *stories = *state, taken;
    union any_record record;
    struct ip a = make_ip("10.0.0.1");
    struct destination x = destination_of("example.jp"), y = destination_of("example.com");
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 80);
    struct ptime now = {START};
    struct buffer out = {NULL, 0, 0}, again = {NULL, 0, 0};
    stories->budget.limit_bytes = 40000;
    for (unsigned i = 0; i < 12; i++) { /* one of them outgrows it */
        make_items(&record, i + 1, START, &key, SIDE_ORIG, 250 * i, 250);
        story_add_items(stories, stories_open(stories, &a, i < 10 ? &x : &y, now), &record.content);
    }
    assert_int_equal(stories->budget.shortened, 1);
    struct open_story *open = stories_open(stories, &a, &x, now);
    function_set_add(&open->unlisted, 8);
    open->wrote = open->told = true;
    open->entry->hours =
        (struct story_hours){.hour = 1, .day = 2, .out_bytes = 3, .in_bytes = 4, .uploaded = true};
    stories_pack(stories, &out);
    stories_init(&taken);
    taken.awake_limit = 1;
    taken.budget.limit_bytes = 40000;
    struct cursor in = cursor_make(out.data, out.size);
    assert_true(stories_unpack(&taken, &in));
    assert_int_equal(cursor_left(&in), 0);
    assert_int_equal(taken.budget.shortened, 1);
    assert_int_equal(taken.budget.used_bytes, stories->budget.used_bytes);
    open = stories_find(&taken, &a, &x);
    assert_true(open && open->told && open->wrote && function_set_has(&open->unlisted, 8));
    const struct story_hours *hours = &open->entry->hours;
    assert_true(hours->hour == 1 && hours->day == 2 && hours->out_bytes == 3);
    assert_true(hours->in_bytes == 4 && hours->uploaded);
    stories_pack(&taken, &again);
    assert_int_equal(again.size, out.size);
    assert_memory_equal(again.data, out.data, out.size);
    stories_fini(&taken);
    buffer_fini(&out);
    buffer_fini(&again);
}

/* A count beyond its room, a text without an end: what comes in is no story of this build's. */
static void test_unsound(void **state)
{
    struct stories *stories = *state;
    struct ip a = make_ip("10.0.0.1");
    struct destination x = destination_of("example.jp");
    for (int n = 0; n < 4; n++) {
        struct stories taken;
        struct buffer out = {NULL, 0, 0};
        struct story *story = &stories_open(stories, &a, &x, (struct ptime){START})->story;
        story->address_count = n == 1 ? ALERT_ADDRESSES + 1 : 0;
        story->client_count = n == 2 ? STORY_CLIENTS + 1 : 0;
        memset(story->ja4, n == 3 ? 'x' : '\0', sizeof story->ja4);
        stories_pack(stories, &out);
        stories_init(&taken);
        struct cursor in = cursor_make(out.data, out.size);
        assert_int_equal(stories_unpack(&taken, &in), n == 0);
        stories_fini(&taken);
        buffer_fini(&out);
    }
}

/* --- asleep --- */

static void assert_same_story(const struct open_story *a, const struct open_story *b)
{
    const struct story *x = &a->story, *y = &b->story;
    assert_int_equal(ip_compare(&x->host, &y->host), 0);
    assert_string_equal(x->destination.name, y->destination.name);
    assert_int_equal(x->out.value, y->out.value);
    assert_int_equal(x->last.ns, y->last.ns);
    assert_int_equal(x->flow_count, y->flow_count);
    for (size_t i = 0; i < x->flow_count; i++)
        assert_int_equal(x->flow[i].out_bytes, y->flow[i].out_bytes);
    assert_int_equal(x->counted.of[0].items, y->counted.of[0].items);
    assert_int_equal(a->told, b->told);
    assert_int_equal(a->content_changed, b->content_changed);
}

/* One turn: a flow's record to one of forty stories, sometimes items, sometimes an alert. */
static void take_turn(struct stories *stories, unsigned turn)
{
    union any_record record;
    struct ip host = make_ip("10.0.0.0");
    struct destination destination = destination_of(turn % 3 ? "example.jp" : "example.com");
    struct flow_key key = make_flow_key("10.0.0.1", (uint16_t)turn, "198.51.100.1", 443);
    struct ptime now = {START + (int64_t)turn * 5 * NS_PER_MIN};
    uint64_t dice = hash64(&turn, sizeof turn, 0);
    host.byte[15] = (uint8_t)(dice % 20);
    struct open_story *open = stories_open(stories, &host, &destination, now);
    make_flow(&record, turn, now.ns, &key, (uint32_t)(dice >> 8) % 9000, 100);
    add(open, &record);
    open->told |= dice % 11 == 0;
    if (dice % 7 == 0) {
        make_items(&record, turn, now.ns, &key, SIDE_ORIG, turn, 5);
        story_add_items(stories, open, &record.content);
    }
}

static bool still_told(void *context, const struct story *story)
{
    (void)context;
    return story->host.byte[15] % 2 == 0;
}

/* With room for four of forty the same is told as with room for all. */
static void test_those_asleep_are_the_same(void **state)
{
    struct stories *wide = *state, narrow;
    struct open_story a, b;
    stories_init(&narrow);
    wide->limit = narrow.limit = 25;
    narrow.awake_limit = AWAKE;
    for (unsigned turn = 0; turn < 3000; turn++) {
        struct ptime now = {START + (int64_t)turn * 5 * NS_PER_MIN};
        take_turn(wide, turn);
        take_turn(&narrow, turn);
        if (turn % 5 == 0) {
            stories_advance(wide, now, 0, still_told, NULL);
            stories_advance(&narrow, now, 0, still_told, NULL);
        }
        assert_in_range(narrow.awake, 1, AWAKE);
        assert_int_equal(narrow.map.count, wide->map.count);
        assert_int_equal(narrow.evicted, wide->evicted);
        assert_int_equal(narrow.budget.used_bytes, wide->budget.used_bytes);
        const struct story_entry *x = wide->oldest, *y = narrow.oldest;
        for (; x && y; x = x->newer, y = y->newer)
            assert_same_story(stories_look(x, &a), stories_look(y, &b));
        assert_true(!x && !y);
    }
    assert_true(wide->map.count > AWAKE && wide->evicted > 100);
    stories_fini(&narrow);
}

/* Who was made and not asked for again falls asleep behind STORIES_YOUNG of its like; who was asked
 * for again stays, although he is older than they. */
static void test_the_young_sleep_first(void **state)
{
    struct stories *stories = *state;
    struct ip host = make_ip("10.0.0.1");
    char name[32];
    stories->limit = 4 * STORIES_YOUNG;
    for (unsigned i = 0; i < 3 * STORIES_YOUNG; i++) {
        snprintf(name, sizeof name, "n%u.example", i);
        struct destination to = destination_of(name);
        struct open_story *open = stories_open(stories, &host, &to, (struct ptime){START + i});
        assert_ptr_equal(open->entry->awake, open);
        if (i == 0)
            assert_ptr_equal(stories_open(stories, &host, &to, (struct ptime){START}), open);
        assert_true(stories->young.count <= STORIES_YOUNG);
    }
    assert_int_equal(stories->used.count, 1);
    assert_int_equal(stories->awake, STORIES_YOUNG + 1);
    assert_non_null(stories->oldest->newer->thin); /* n1 */
    for (struct story_entry *entry = stories->oldest; entry; entry = entry->newer)
        stories_wake(stories, entry);
    assert_int_equal(stories->young.count, 0);
    assert_int_equal(stories->awake, 3 * STORIES_YOUNG);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_a_story_is_of_a_host_and_a_destination),
        WITH(test_sums_of_what_is_fresh),
        WITH(test_who_opened),
        WITH(test_turned),
        WITH(test_a_flow_that_was_empty_is_told_whole),
        WITH(test_a_flow_that_was_empty_joins_once),
        WITH(test_a_silent_end),
        WITH(test_a_flow_that_is_named_late),
        WITH(test_claimed_clients),
        WITH(test_a_late_claim),
        WITH(test_a_flow_whose_tunnel_moved),
        WITH(test_the_sixteen_largest_flows),
        WITH(test_distinct_items),
        WITH(test_those_asleep_are_the_same),
        WITH(test_the_young_sleep_first),
        WITH(test_a_gap_ends_a_story),
        WITH(test_advancing_forgets),
        WITH(test_packed),
        WITH(test_unsound),
        WITH(test_an_upload_is_kept_for_its_day),
        WITH(test_an_earlier_upload_is_kept_for_its_day),
        WITH(test_a_late_upload_is_one),
        WITH(test_untold),
        WITH(test_the_bound),
        WITH(test_a_told_story_outlives_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
