/* What a name says, what is remembered of questions, and when the engine tells of them. */
#include "rig.h"

#include "../../../sensor/engine/questions.h"

struct bench {
    struct questions questions;
    struct suffixes *suffixes;
};

static int set_up(void **state)
{
    struct bench *bench = xcalloc(1, sizeof *bench);
    bench->suffixes = suffixes_new();
    assert_non_null(bench->suffixes);
    questions_init(&bench->questions, NULL);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    questions_fini(&bench->questions);
    suffixes_free(bench->suffixes);
    free(bench);
    return 0;
}

/* Letters .656 B, other bytes 1 B, dots none; an address by itself. */
static void test_a_name_apart(void **state)
{
    static const struct {
        const char *text, *domain;
        uint8_t cut;
        uint32_t weight, address_weight; /* 0: no address */
    } expected[] = {
        {"www.example.com", "example.com", 0, 3 * 656, 0},
        {"example.com", "example.com", 0, 0, 0},
        {"aa.bb.example.co.jp", "example.co.jp", 0, 4 * 656, 0},
        {"x\\200\\201.example.com", "example.com", 0, 656 + 2000, 0},
        {"x.example.com", "example.com", 100, 656 + 100000, 0},
        {"data.pirate.nosuchtop", "pirate.nosuchtop", 0, 4 * 656, 0},
        {"data", ".", 0, 4 * 656, 0},
        {"4.3.2.192.zen.example.org", "example.org", 0, 3 * 656, 4000},
        {"4.3.2.192.in-addr.arpa", "192.in-addr.arpa", 0, 0, 4000},
        {"4.3.2.256.example.org", "example.org", 0, 6 * 656, 0},
        {"4.3.2.01.example.org", "example.org", 0, 5 * 656, 0},
        {"b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example.org",
         "example.org", 0, 2 * 656, 16000},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct question_name name;
        question_name_read(&bench->questions, bench->suffixes, expected[i].text, expected[i].cut,
                           &name);
        assert_string_equal(name.domain, expected[i].domain);
        assert_int_equal(name.weight, expected[i].weight);
        assert_int_equal(name.address ? name.address_weight : 0, expected[i].address_weight);
    }
    struct question_name name;
    struct ip ip = make_ip("192.2.3.4");
    question_name_read(&bench->questions, bench->suffixes, "4.3.2.192.bl.example.org", 0, &name);
    assert_int_equal(ip_compare(&name.reversed, &ip), 0);
    assert_int_equal(name.address, question_address_hash(&bench->questions, &ip));
}

static void test_recent_keys(void **state)
{
    struct recent_keys recent, again;
    struct buffer out = {0};
    (void)state;
    recent_keys_init(&recent, 100, sizeof(uint64_t));
    recent_keys_init(&again, 100, sizeof(uint64_t));
    for (uint64_t key = 0; key < 1000; key++) {
        *(uint64_t *)recent_keys_put(&recent, key) = 3 * key;
        assert_non_null(recent_keys_get(&recent, 0)); /* what is in use stays */
    }
    assert_int_equal(*(uint64_t *)recent_keys_get(&recent, 999), 2997);
    assert_null(recent_keys_get(&recent, 500));
    assert_true(recent.young.count + recent.old.count <= 200);
    assert_true(recent.forgotten >= 800);
    recent_keys_pack(&recent, &out);
    for (size_t size = 0; size < out.size; size += 7) {
        struct cursor in = cursor_make(out.data, size);
        assert_false(recent_keys_unpack(&again, &in));
        recent_keys_fini(&again);
        recent_keys_init(&again, 100, sizeof(uint64_t));
    }
    struct cursor in = cursor_make(out.data, out.size);
    assert_true(recent_keys_unpack(&again, &in) && cursor_left(&in) == 0);
    assert_int_equal(*(uint64_t *)recent_keys_get(&again, 999), 2997);
    assert_int_equal(again.forgotten, recent.forgotten);
    buffer_fini(&out);
    recent_keys_fini(&recent);
    recent_keys_fini(&again);
}

static uint64_t spread(uint64_t n) /* splitmix64: keys as hashes are */
{
    n = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return n ^ (n >> 27);
}

/* The last `room` new keys are there with what was put, however many came and in which order they
 * were asked for; tables of more than two megabytes, too. */
static void test_recent_keys_in_turn(void **state)
{
    struct recent_keys recent;
    const uint64_t room = 70000, keys = 300000;
    (void)state;
    recent_keys_init(&recent, room, 3 * sizeof(uint64_t));
    for (uint64_t n = 0; n < keys; n++) {
        uint64_t *value = recent_keys_put(&recent, spread(n));
        assert_int_equal(value[0] | value[1] | value[2], 0); /* it is new */
        value[0] = n;
        value[2] = ~n;
        uint64_t back = n - spread(n) % (n < room / 2 ? n + 1 : room / 2);
        value = recent_keys_get(&recent, spread(back));
        assert_non_null(value);
        assert_true(value[0] == back && value[1] == 0 && value[2] == ~back);
    }
    assert_null(recent_keys_get(&recent, spread(0)));
    assert_true(recent.young.count <= room && recent.old.count <= room);
    assert_int_equal(recent.forgotten + recent.young.count + recent.old.count, keys);
    recent_keys_fini(&recent);
}

/* Halves of a day: what is older than the one before is gone. */
static void test_halves_turn(void **state)
{
    struct bench *bench = *state;
    struct questions *questions = &bench->questions;
    struct ip client = make_ip("10.0.0.9");
    int64_t half = QUESTIONS_HALF_NS;
    questions_turn(questions, 100 * half);
    struct asked_entry *entry = questions_open(questions, &client, "example.jp", &client);
    distinct_add(&entry->half[0].names, &questions->budget, 1, 7000, 0);
    entry->half[0].questions = 1;
    assert_true(questions_sum(questions, entry, 0).names_bytes == 7);
    questions_turn(questions, 101 * half);
    entry = questions_open(questions, &client, "example.jp", &client);
    distinct_add(&entry->half[0].names, &questions->budget, 1, 7000, 0);
    distinct_add(&entry->half[0].names, &questions->budget, 2, 5000, 0);
    entry->half[0].questions = 2;
    assert_true(questions_sum(questions, entry, 0).names_bytes == 12);
    assert_int_equal(questions_sum(questions, entry, 0).questions, 3);
    questions_turn(questions, 102 * half);
    entry = questions_open(questions, &client, "example.jp", &client);
    assert_int_equal(questions_sum(questions, entry, 0).questions, 2);
    questions_turn(questions, 104 * half); /* nobody asked for it: it is forgotten */
    assert_null(questions_find(questions, &client, "example.jp"));
    assert_int_equal(questions->budget.used, 0);
}

static void test_a_restart(void **state)
{
    struct bench *bench = *state;
    struct questions *questions = &bench->questions, again;
    struct buffer out = {0}, out_again = {0};
    struct ip client = make_ip("10.0.0.9"), all = {.byte = {0}};
    questions_turn(questions, 100 * QUESTIONS_HALF_NS);
    questions_open(questions, &client, "example.jp", &client)->half[0].questions = 5;
    struct asked_entry *whole = questions_open(questions, &all, "example.jp", &client);
    distinct_add(&whole->half[0].names, &questions->budget, 1, 7000, 0);
    distinct_add(&whole->half[0].clients, &questions->budget, 9, 1, 0);
    questions_hold(questions, whole, 12345);
    recent_keys_put(&questions->used, 77);
    *(int64_t *)recent_keys_put(&questions->answered, 78) = 6789;
    questions_pack(questions, &out);
    struct cursor in = cursor_make(out.data, out.size);
    questions_init(&again, NULL);
    assert_true(questions_unpack(&again, &in) && cursor_left(&in) == 0);
    questions_pack(&again, &out_again);
    assert_int_equal(out.size, out_again.size);
    assert_memory_equal(out.data, out_again.data, out.size);
    assert_int_equal(questions_find(&again, &client, "example.jp")->half[0].questions, 5);
    assert_int_equal(questions_find(&again, &all, "example.jp")->held_ns, 12345);
    assert_int_equal(again.held, 1);
    assert_int_equal(*(int64_t *)recent_keys_get(&again.answered, 78), 6789);
    questions_fini(&again);
    for (size_t size = 0; size < out.size; size++) {
        in = cursor_make(out.data, size);
        questions_init(&again, NULL);
        assert_false(questions_unpack(&again, &in));
        questions_fini(&again);
    }
    buffer_fini(&out);
    buffer_fini(&out_again);
}

/* Twelve seconds either way; whatever a damaged clock says. */
static void test_a_clock_that_is_set_back(void **state)
{
    (void)state;
    assert_true(questions_wait(100, 100));
    assert_true(questions_wait(100, 99 + ANSWER_AWAITED_NS));
    assert_false(questions_wait(100, 100 + ANSWER_AWAITED_NS));
    assert_true(questions_wait(NS_PER_HOUR, NS_PER_HOUR - NS_PER_S));
    assert_false(questions_wait(NS_PER_HOUR, 0));
    assert_false(questions_wait(INT64_MAX, INT64_MIN));
    assert_false(questions_wait(INT64_MIN, INT64_MAX));
}

/* --- through the engine ---------------------------------------------------------------------- */

static void push_question(struct rig *rig, int64_t time_ns, const char *client, const char *server,
                          const char *name)
{
    union any_record record;
    make_question(&record, 1, time_ns, name);
    record.name.key.orig_ip = make_ip(client);
    record.name.key.resp_ip = make_ip(server);
    record.name.message_bytes = 60;
    rig_push(rig, 0, &record);
}

/* 40 letters and digits that no other number has. */
static void name_of(unsigned number, const char *domain, char name[RECORD_NAME_MAX])
{
    snprintf(name, RECORD_NAME_MAX, "%08xabcdefghijklmnopqrstuvwxyz012345.%s", number, domain);
}

static unsigned told_of(const struct rig *rig, const char *id)
{
    unsigned told = 0;
    for (size_t i = 0; i < rig->alerts; i++)
        told += strcmp(rig->alert[i].finding.detector->id, id) == 0 &&
                rig->alert[i].state == INCIDENT_OPEN;
    return told;
}

static void push_questions(struct rig *rig, unsigned from, unsigned to, int64_t step_ns,
                           const char *client, const char *server)
{
    char name[RECORD_NAME_MAX];
    for (unsigned i = from; i < to; i++) {
        name_of(i, "evil.example.com", name);
        push_question(rig, MONDAY_8 + i * step_ns, client, server, name);
    }
}

/* At .7 B/s (44 letters, 28.9 B, every 41 s) it is told within two hours and 5 kB: 4,000 B are 139
 * names. An inside resolver carries it just as well,
 * and what it asks on is not told again. */
static void test_a_slow_tunnel_is_told(void **state)
{
    char name[RECORD_NAME_MAX];
    struct rig *rig = rig_open(1, 100);
    (void)state;
    for (unsigned i = 0; i < 175; i++) {
        push_questions(rig, i, i + 1, 41 * NS_PER_S, "10.0.0.9", "10.0.0.1");
        name_of(i, "evil.example.com", name);
        push_question(rig, MONDAY_8 + i * 41 * NS_PER_S + NS_PER_MS, "10.0.0.1", "198.51.100.1",
                      name);
    }
    rig_finish(rig);
    assert_int_equal(told_of(rig, "tunnel.dns"), 1);
    const struct alert *alert = &rig->alert[0];
    struct ip client = make_ip("10.0.0.9");
    assert_int_equal(ip_compare(&alert->story.host, &client), 0);
    assert_string_equal(alert->story.destination.name, "example.com");
    assert_true(alert->time.ns - MONDAY_8 <= 2 * NS_PER_HOUR);
    assert_true(alert->finding.evidence <= 5000);
    rig_close(rig);
}

/* The answer, and the flow to its address that makes the name an ordinary one. */
static void push_answer(struct rig *rig, int64_t time_ns, const char *name, const struct ip *at)
{
    union any_record record;
    make_answer(&record, 1, time_ns, name, at, 1);
    rig_push(rig, 0, &record);
}

static struct ip outside(unsigned number)
{
    return ip_from_v4(
        (const uint8_t[]){203, (uint8_t)(number >> 16u), (uint8_t)(number >> 8u), (uint8_t)number});
}

static void push_used(struct rig *rig, unsigned number, const char *host)
{
    char name[RECORD_NAME_MAX], address[IP_TEXT_SIZE];
    int64_t at = MONDAY_8 + number * 10 * NS_PER_S;
    struct ip ip = outside(number);
    name_of(number, "cdn.example.com", name);
    push_question(rig, at, "10.0.0.9", "10.0.0.1", name);
    push_answer(rig, at + 1000, name, &ip);
    struct flow_key key = make_flow_key(host, 40000, ip_text(&ip, address), 443);
    rig_push_flow(rig, at + 3 * NS_PER_S, &key, 100, 100);
}

/* A thousand names, 25 kB, that led to a connection each: by the client, or by others while every
 * address stands for this one domain (the one asked is a resolver). */
static void test_names_that_are_used_are_silent(void **state)
{
    static const char *const host[] = {"10.0.0.9", "10.0.0.77"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rig *rig = rig_open(1, 100);
        for (unsigned n = 0; n < 1000; n++)
            push_used(rig, n, host[i]);
        rig_finish(rig);
        assert_int_equal(told_of(rig, "tunnel.dns"), 0);
        rig_close(rig);
    }
}

/* Twenty a second for 7 s; a flow is told 10 s after it began. `later_ns` > 0: others go on. */
static void push_burst(struct rig *rig, bool used, int64_t later_ns)
{
    char name[RECORD_NAME_MAX], address[IP_TEXT_SIZE];
    for (unsigned i = 0; i < 342; i++) {
        int64_t at = MONDAY_8 + i * 50 * NS_PER_MS;
        struct ip ip = outside(i);
        if (i < 140) {
            name_of(i, "cdn.example.com", name);
            push_question(rig, at, "10.0.0.9", "10.0.0.1", name);
            push_answer(rig, at + 1000, name, &ip);
        }
        if (used && i >= 202) {
            ip = outside(i - 202);
            struct flow_key key = make_flow_key("10.0.0.9", 40000, ip_text(&ip, address), 443);
            rig_push_flow(rig, at + 2000, &key, 100, 100);
        }
    }
    if (later_ns > 0)
        push_question(rig, MONDAY_8 + later_ns, "10.0.0.8", "10.0.0.1", "www.example.jp");
}

/* 4 kB of names within 7 s whose answers were addresses: that nobody connected is known when the
 * flows could have been told, be it a minute later or at the end of what was seen. */
static void test_names_are_given_time_to_be_used(void **state)
{
    static const int64_t later_ns[] = {0, 75 * NS_PER_S};
    (void)state;
    for (int i = 0; i < 4; i++) {
        bool used = i / 2;
        struct rig *rig = rig_open(1, 100);
        push_burst(rig, used, later_ns[i % 2]);
        rig_finish(rig);
        assert_int_equal(told_of(rig, "tunnel.dns"), !used);
        if (!used && later_ns[i % 2] > 0)
            assert_int_equal(rig->alert[0].time.ns - MONDAY_8, 75 * NS_PER_S);
        rig_close(rig);
    }
}

/* The same, and then more domains than there is room for before any flow could have been told. */
static void test_a_flood_of_domains_hides_nothing(void **state)
{
    char name[RECORD_NAME_MAX];
    struct rig *rig = rig_open(1, 100);
    (void)state;
    push_burst(rig, false, 0);
    for (unsigned i = 0; i < QUESTIONS_MAX / 2 + 10; i++) {
        snprintf(name, sizeof name, "flood%u.net", i);
        push_question(rig, MONDAY_8 + 8 * NS_PER_S + i * 50 * NS_PER_US, "10.0.0.9", "10.0.0.1",
                      name);
    }
    push_question(rig, MONDAY_8 + 75 * NS_PER_S, "10.0.0.8", "10.0.0.1", "www.example.jp");
    rig_finish(rig);
    assert_int_equal(told_of(rig, "tunnel.dns"), 1);
    assert_true(rig->alert[0].time.ns - MONDAY_8 < 12 * NS_PER_S);
    rig_close(rig);
}

/* One client's burst, of which it is enough for all clients too; another asks last. It is told of
 * the one all the same. */
static void test_who_asks_last_takes_nothing_away(void **state)
{
    char name[RECORD_NAME_MAX];
    struct rig *rig = rig_open(1, 100);
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        int64_t at = MONDAY_8 + i * 20 * NS_PER_MS;
        struct ip ip = outside(i);
        name_of(i, "cdn.example.com", name);
        push_question(rig, at, "10.0.0.9", "10.0.0.1", name);
        push_answer(rig, at + 1000, name, &ip);
    }
    push_question(rig, MONDAY_8 + 9 * NS_PER_S, "10.0.0.8", "10.0.0.1", "cdn.example.com");
    push_question(rig, MONDAY_8 + 75 * NS_PER_S, "10.0.0.8", "10.0.0.1", "www.example.jp");
    rig_finish(rig);
    assert_int_equal(told_of(rig, "tunnel.dns"), 1);
    assert_string_not_equal(rig->alert[0].finding.reason[0].code, "tunnel.dns.all_clients");
    rig_close(rig);
}

/* An address that popular names share: another host's connection to it explains nothing. */
static void test_a_popular_address_hides_nothing(void **state)
{
    struct rig *rig = rig_open(1, 100);
    struct flow_key key = make_flow_key("10.0.0.77", 40000, "203.0.0.1", 443);
    struct ip ip = make_ip("203.0.0.1");
    char name[RECORD_NAME_MAX];
    (void)state;
    for (unsigned n = 0; n < 400; n++) {
        int64_t at = MONDAY_8 + n * 10 * NS_PER_S;
        name_of(n, "evil.example.com", name);
        push_question(rig, at, "10.0.0.9", "10.0.0.1", "www.example.jp");
        push_answer(rig, at + 1000, "www.example.jp", &ip);
        push_question(rig, at + 2000, "10.0.0.9", "10.0.0.1", name);
        push_answer(rig, at + 3000, name, &ip);
        rig_push_flow(rig, at + 3 * NS_PER_S, &key, 100, 100);
    }
    rig_finish(rig);
    assert_int_equal(told_of(rig, "tunnel.dns"), 1);
    rig_close(rig);
}

static void push_listed(struct rig *rig, unsigned number, bool met)
{
    char name[RECORD_NAME_MAX], address[IP_TEXT_SIZE];
    struct ip ip = outside(number);
    int64_t at = MONDAY_8 + number * NS_PER_S;
    snprintf(name, sizeof name, "%u.%u.%u.203.zen.example.org", number & 0xffu,
             number >> 8u & 0xffu, number >> 16u & 0xffu);
    push_question(rig, at, "10.0.0.9", "10.0.0.1", name);
    struct flow_key key = make_flow_key(ip_text(&ip, address), 40000, "10.0.0.9", 25);
    if (met)
        rig_push_flow(rig, at + NS_PER_S / 2, &key, 100, 100);
}

/* A mail server that asks a blocklist for whoever comes, 3,000 (12 kB of addresses); and one that
 * asks for people who never came. */
static void test_a_blocklist_is_silent_for_those_who_came(void **state)
{
    (void)state;
    for (int met = 0; met < 2; met++) {
        struct rig *rig = rig_open(1, 100);
        for (unsigned n = 0; n < 3000; n++)
            push_listed(rig, n, met);
        rig_finish(rig);
        assert_int_equal(told_of(rig, "tunnel.dns"), !met);
        rig_close(rig);
    }
}

/* Two clients that ask one name a second, each its own: no information. */
static void test_repetition_is_silent(void **state)
{
    struct rig *rig = rig_open(1, 100);
    (void)state;
    for (unsigned n = 0; n < 6000; n++)
        push_question(rig, MONDAY_8 + n * NS_PER_S, n % 2 ? "10.0.0.9" : "10.0.0.8", "10.0.0.1",
                      n % 2 ? "wpad.example.com" : "time.example.com");
    rig_finish(rig);
    assert_int_equal(told_of(rig, "tunnel.dns"), 0);
    rig_close(rig);
}

/* Seven hosts, 57 names of 28.9 B (1.6 kB) each: told of all together from 8 kB on. */
static void test_a_tunnel_over_many_clients(void **state)
{
    char client[IP_TEXT_SIZE];
    struct rig *rig = rig_open(1, 100);
    (void)state;
    for (unsigned n = 0; n < 400; n++) {
        snprintf(client, sizeof client, "10.0.1.%u", n % 7);
        push_questions(rig, n, n + 1, 10 * NS_PER_S, client, "10.0.0.1");
    }
    rig_finish(rig);
    assert_int_equal(told_of(rig, "tunnel.dns"), 1);
    assert_string_equal(rig->alert[0].finding.reason[0].code, "tunnel.dns.all_clients");
    rig_close(rig);
}

/* A service that all clients ask, of the usual resolver: 400 names, 11.5 kB. The same asked by one
 * of them alone would be told. */
static void test_a_service_of_the_site_is_silent(void **state)
{
    char client[IP_TEXT_SIZE];
    struct rig *rig = rig_open(1, 100);
    (void)state;
    for (unsigned n = 0; n < 10; n++) {
        snprintf(client, sizeof client, "10.0.1.%u", n);
        push_question(rig, MONDAY_8 + n, client, "10.0.0.1", "evil.example.com");
    }
    push_questions(rig, 1, 401, 10 * NS_PER_S, "10.0.1.3", "10.0.0.1");
    rig_finish(rig);
    assert_int_equal(told_of(rig, "tunnel.dns"), 0);
    rig_close(rig);
}

/* … but not where somebody runs the server: it answers for any name. */
static void test_an_own_server_serves_nobody(void **state)
{
    char client[IP_TEXT_SIZE];
    struct rig *rig = rig_open(1, 100);
    (void)state;
    for (unsigned n = 0; n < 10; n++) {
        snprintf(client, sizeof client, "10.0.1.%u", n);
        push_question(rig, MONDAY_8 + n, client, "10.0.0.1", "evil.example.com");
    }
    push_questions(rig, 1, 401, 10 * NS_PER_S, "10.0.1.3", "198.51.100.66");
    rig_finish(rig);
    assert_int_equal(told_of(rig, "tunnel.dns"), 1);
    rig_close(rig);
}

/* What never leaves: names that are only an inside server's, multicast. */
static void test_local_names_are_silent(void **state)
{
    char name[RECORD_NAME_MAX];
    struct rig *rig = rig_open(1, 100);
    (void)state;
    for (unsigned n = 0; n < 400; n++) {
        name_of(n, "printer.local", name);
        push_question(rig, MONDAY_8 + n * NS_PER_S, "10.0.0.9", "10.0.0.1", name);
        name_of(n, "example.com", name);
        push_question(rig, MONDAY_8 + n * NS_PER_S, "10.0.0.9", "224.0.0.251", name);
    }
    rig_finish(rig);
    assert_int_equal(told_of(rig, "tunnel.dns"), 0);
    rig_close(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_name_apart, set_up, tear_down),
        cmocka_unit_test(test_recent_keys),
        cmocka_unit_test(test_recent_keys_in_turn),
        cmocka_unit_test_setup_teardown(test_halves_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_restart, set_up, tear_down),
        cmocka_unit_test(test_a_clock_that_is_set_back),
        cmocka_unit_test(test_a_slow_tunnel_is_told),
        cmocka_unit_test(test_names_that_are_used_are_silent),
        cmocka_unit_test(test_names_are_given_time_to_be_used),
        cmocka_unit_test(test_a_flood_of_domains_hides_nothing),
        cmocka_unit_test(test_who_asks_last_takes_nothing_away),
        cmocka_unit_test(test_a_popular_address_hides_nothing),
        cmocka_unit_test(test_a_blocklist_is_silent_for_those_who_came),
        cmocka_unit_test(test_repetition_is_silent),
        cmocka_unit_test(test_a_tunnel_over_many_clients),
        cmocka_unit_test(test_a_service_of_the_site_is_silent),
        cmocka_unit_test(test_an_own_server_serves_nobody),
        cmocka_unit_test(test_local_names_are_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
