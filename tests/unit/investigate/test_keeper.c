/* The keeper, with a journal, a ring of held packets and a clock of its own: what alerts name is
 * kept, once, whoever died; nothing else is; bounds hold and are counted; what is held survives its
 * time; what was sealed verifies against the head that the journal has. */
#include "../../../sensor/investigate/keeper_local.h"
#include "weir/base/buffer.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT  HELD_SEGMENT_MIN
#define SEGMENTS 8u
#define START    INT64_C(1772438400000000000) /* 2026-03-02 08:00 UTC */
#define INCIDENT "0123456789abcdef0123456789abcdef"
#define OTHER    "fedcba9876543210fedcba9876543210"

static int64_t now_ns; /* the wall clock */

static int64_t clock_ns(void)
{
    return now_ns;
}

struct scene {
    char folder[64];
    struct journal *journal;
    struct evidence_ring *writer;
    int fd;
    struct keeper_config config;
    struct keeper *keeper;
    bool deaf; /* the engine does not take the keeper's word */
    unsigned sealed, removed;
    struct error error;
};

/* --- the stage ---------------------------------------------------------------------------------
 */

static void tell(struct scene *s, const char *line)
{
    assert_true(journal_append(s->journal, line, strlen(line), &s->error) > 0);
    assert_int_equal(journal_sync(s->journal, &s->error), 0);
}

static void on_say(void *context, const char *action, const char *incident, const char *message)
{
    struct scene *s = context;
    if (s->deaf)
        return;
    s->sealed += strcmp(action, "evidence.seal") == 0;
    s->removed += strcmp(action, "evidence.remove") == 0;
    char *line = noise_audit(&(struct noise_act){.action = action,
                                                 .subject = incident,
                                                 .message = message,
                                                 .by = "weir",
                                                 .uid = -1,
                                                 .at = {now_ns},
                                                 .sensor = "test"});
    tell(s, line);
    free(line);
}

static void begin(struct scene *s)
{
    s->keeper = keeper_new(&s->config, &s->error);
    if (!s->keeper)
        fail_msg("%s", s->error.message);
    keeper_round(s->keeper);
}

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    now_ns = START;
    snprintf(s->folder, sizeof s->folder, "/tmp/weir-keeper.XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    char *held = xasprintf("%s/evidence-ring", s->folder);
    assert_int_equal(mkdir(held, 0750), 0);
    free(held);
    s->journal = journal_open(s->folder, NULL, &s->error);
    assert_non_null(s->journal);
    char *path = keeper_held_path(s->folder, 0);
    s->fd = evidence_ring_create(path, SEGMENT * SEGMENTS, &s->error);
    free(path);
    s->writer = evidence_ring_open(s->fd, SEGMENT, (struct ptime){START}, &s->error);
    assert_non_null(s->writer);
    s->config = (struct keeper_config){.folder = s->folder,
                                       .sensor = "test",
                                       .workers = 1,
                                       .segment_bytes = SEGMENT,
                                       .snap_length = 262144,
                                       .interface = {"span0"},
                                       .interfaces = 1,
                                       .incident_bytes = 1 << 20,
                                       .kept_bytes = 2 << 20,
                                       .keep_ns = 30 * NS_PER_DAY,
                                       .say = on_say,
                                       .context = s,
                                       .now_ns = clock_ns};
    *state = s;
    tell(s, "{\"event\":{\"kind\":\"metric\"}}");
    begin(s);
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    keeper_free(s->keeper);
    evidence_ring_close(s->writer);
    close(s->fd);
    journal_close(s->journal);
    char *command = xasprintf("rm -r %s", s->folder);
    assert_int_equal(system(command), 0);
    free(command);
    free(s);
    return 0;
}

/* --- packets and alerts ------------------------------------------------------------------------
 */

static struct flow_key key_of(const char *from, uint16_t port, const char *to)
{
    struct flow_key key;
    memset(&key, 0, sizeof key);
    assert_int_equal(ip_parse(from, &key.orig_ip), 0);
    assert_int_equal(ip_parse(to, &key.resp_ip), 0);
    key.orig_port = port;
    key.resp_port = 443;
    key.proto = 6;
    return key;
}

static void send(struct scene *s, const struct flow_key *key, uint32_t n, uint32_t kept)
{
    static uint8_t data[HELD_BYTES_MAX];
    memset(data, (int)n, kept);
    const struct held_packet packet = {.time = {START + n * NS_PER_MS},
                                       .key = *key,
                                       .wire_bytes = kept + 10,
                                       .kept = kept,
                                       .link = 1,
                                       .data = data};
    evidence_ring_put(s->writer, &packet);
}

static void send_many(struct scene *s, const struct flow_key *key, uint32_t first, uint32_t count,
                      uint32_t kept)
{
    for (uint32_t n = first; n < first + count; n++)
        send(s, key, n, kept);
}

static void alert(struct scene *s, const char *incident, const char *state, int score,
                  const struct flow_key *key)
{
    char id[32], host[IP_TEXT_SIZE], remote[IP_TEXT_SIZE];
    ip_text(&key->orig_ip, host);
    ip_text(&key->resp_ip, remote);
    char *line = xasprintf(
        "{\"@timestamp\":\"2026-03-02T08:00:01.000Z\",\"event\":{\"kind\":\"alert\"},\"rule\":{"
        "\"id\":\"test.upload\"},\"source\":{\"ip\":\"%s\"},\"destination\":{\"ip\":\"%s\"},"
        "\"related\":{\"ip\":[\"%s\",\"%s\"]},\"weir\":{\"incident\":\"%s\",\"state\":\"%s\","
        "\"score\":%d,\"urgency\":\"now\",\"flows\":[{\"community_id\":\"%s\",\"start\":"
        "\"2026-03-02T08:00:00.000Z\"}]}}",
        host, remote, host, remote, incident, state, score, flow_key_community_id(key, id));
    tell(s, line);
    free(line);
}

static void round_after(struct scene *s, int64_t ns)
{
    now_ns += ns;
    keeper_round(s->keeper);
}

static const struct kept *kept_of(const struct scene *s, const char *incident)
{
    return keeper_get(s->keeper, incident);
}

static char *path_in(const struct scene *s, const char *incident, const char *name)
{
    return xasprintf("%s/evidence/%s/%s", s->folder, incident, name);
}

static bool is_there(const struct scene *s, const char *incident, const char *name)
{
    char *path = path_in(s, incident, name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* How many blocks of packets a file has. */
static size_t packets_in(const struct scene *s, const char *incident, const char *name)
{
    char *path = path_in(s, incident, name);
    size_t size = 0, count = 0;
    char *data = evidence_text(path, &size);
    assert_non_null(data);
    for (size_t at = 0; at + 12 <= size;) {
        uint32_t head[2];
        memcpy(head, data + at, sizeof head);
        assert_true(head[1] >= 12 && head[1] % 4 == 0 && head[1] <= size - at);
        count += head[0] == 6;
        at += head[1];
        if (at == size)
            break;
    }
    free(data);
    free(path);
    return count;
}

static size_t packets_in_files(const struct scene *s, const char *incident)
{
    const struct kept *kept = kept_of(s, incident);
    size_t count = 0;
    for (size_t i = 0; i < kept->files; i++) {
        char *name = xasprintf("packets-%u.pcapng", kept->file[i].number);
        count += packets_in(s, incident, name);
        free(name);
    }
    return count;
}

static void on_line(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static int64_t verify(struct scene *s, const char *incident)
{
    char *folder = xasprintf("%s/evidence/%s", s->folder, incident);
    const struct evidence_check check = {
        .folder = folder, .head = kept_of(s, incident)->told, .say = on_line};
    int64_t wrong = evidence_verify(&check, &s->error);
    free(folder);
    return wrong;
}

/* --- what is kept ------------------------------------------------------------------------------
 */

static void test_an_incident(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9"), later = mine,
                    other = key_of("10.0.0.6", 40000, "198.51.100.9"),
                    back = flow_key_turned(&mine);
    later.orig_port = 40001;
    send_many(s, &other, 0, 5, 100);
    send_many(s, &mine, 10, 5, 100);
    send_many(s, &back, 20, 5, 60);
    round_after(s, NS_PER_S);
    assert_int_equal(keeper_counts_of(s->keeper).kept, 0);
    alert(s, INCIDENT, "open", 60, &mine);
    round_after(s, NS_PER_S); /* what was held */
    send_many(s, &mine, 30, 3, 100);
    send_many(s, &other, 40, 3, 100);
    send_many(s, &later, 50, 2, 100); /* another flow of the pair */
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 15);
    alert(s, INCIDENT, "close", 60, &mine);
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);        /* the receipt */
    send_many(s, &mine, 60, 3, 100); /* it is over */
    round_after(s, NS_PER_S);
    const struct kept *kept = kept_of(s, INCIDENT);
    assert_int_equal(kept->packets, 15);
    assert_false(kept->open);
    assert_int_equal(kept->flows, 2);
    assert_true(keeper_is_settled(s->keeper));
    assert_int_equal(packets_in_files(s, INCIDENT), 15);
    assert_int_equal(verify(s, INCIDENT), 0);
    assert_false(is_there(s, OTHER, "manifest.json"));
}

static void test_what_was_changed_is_found(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    send_many(s, &mine, 0, 5, 100);
    alert(s, INCIDENT, "open", 60, &mine);
    round_after(s, NS_PER_S);
    round_after(s, 5 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(verify(s, INCIDENT), 0);
    char *manifest = path_in(s, INCIDENT, "manifest.json"),
         *signature = path_in(s, INCIDENT, "manifest.sig"),
         *first = path_in(s, INCIDENT, "packets-1.pcapng");
    size_t size, sig_size;
    char *old = evidence_text(manifest, &size), *old_sig = evidence_text(signature, &sig_size);
    send_many(s, &mine, 10, 5, 100);
    round_after(s, NS_PER_S);
    round_after(s, 60 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->files, 2);
    assert_int_equal(verify(s, INCIDENT), 0);
    /* a bit of a file */
    int fd = open(first, O_RDWR);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, 90), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 90), 1);
    assert_true(verify(s, INCIDENT) > 0);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 90), 1);
    close(fd);
    assert_int_equal(verify(s, INCIDENT), 0);
    /* the tail is cut: what was sealed before is put back, whole and signed */
    char *second = path_in(s, INCIDENT, "packets-2.pcapng");
    assert_int_equal(unlink(second), 0);
    assert_true(verify(s, INCIDENT) > 0);
    char *folder = path_in(s, INCIDENT, "");
    assert_int_equal(evidence_write_whole(folder, "manifest.json", old, size, &s->error), 0);
    assert_int_equal(evidence_write_whole(folder, "manifest.sig", old_sig, sig_size, &s->error), 0);
    assert_int_equal(verify(s, INCIDENT), 1); /* by its head alone */
    free(folder);
    free(second);
    free(first);
    free(signature);
    free(manifest);
    free(old);
    free(old_sig);
}

static void test_a_dead_keeper_loses_and_doubles_nothing(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    uint32_t sent = 0;
    send_many(s, &mine, sent, 3, 100);
    sent += 3;
    alert(s, INCIDENT, "open", 60, &mine);
    for (int death = 0; death < 6; death++) {
        round_after(s, death % 2 ? 3 * NS_PER_S : NS_PER_MS); /* saved, or not */
        send_many(s, &mine, sent, 4, 100);
        sent += 4;
        round_after(s, NS_PER_MS);
        keeper_free(s->keeper); /* without a word */
        begin(s);
    }
    round_after(s, NS_PER_S);
    keeper_seal_all(s->keeper);
    round_after(s, NS_PER_S);
    const struct kept *kept = kept_of(s, INCIDENT);
    assert_int_equal(kept->packets, sent);
    assert_int_equal(packets_in_files(s, INCIDENT), sent);
    assert_int_equal(verify(s, INCIDENT), 0);
}

/* While incident.json cannot be written nothing is sealed: a keeper that dies then leaves no file
 * that a manifest names and its successor does not know. */
static void test_nothing_is_sealed_that_is_not_known(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    alert(s, INCIDENT, "open", 60, &mine);
    send_many(s, &mine, 0, 5, 100);
    round_after(s, NS_PER_S);
    round_after(s, 5 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(verify(s, INCIDENT), 0);
    char *aside = path_in(s, INCIDENT, "incident.json.part");
    assert_int_equal(mkdir(aside, 0700), 0);
    uint64_t failures = keeper_counts_of(s->keeper).failures;
    send_many(s, &mine, 5, 5, 100);
    round_after(s, NS_PER_S);
    round_after(s, 60 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_true(keeper_counts_of(s->keeper).failures > failures);
    assert_true(is_there(s, INCIDENT, "packets-2.pcapng"));
    char *manifest = path_in(s, INCIDENT, "manifest.json");
    size_t size;
    char *text = evidence_text(manifest, &size);
    assert_non_null(strstr(text, "packets-1.pcapng"));
    assert_null(strstr(text, "packets-2.pcapng"));
    free(text);
    free(manifest);
    keeper_free(s->keeper);
    assert_int_equal(rmdir(aside), 0);
    begin(s);
    round_after(s, NS_PER_S);
    assert_int_equal(verify(s, INCIDENT), 0);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 10);
    keeper_seal_all(s->keeper);
    round_after(s, NS_PER_S);
    assert_int_equal(verify(s, INCIDENT), 0);
    assert_int_equal(packets_in_files(s, INCIDENT), 10);
    /* … and once it can be written again, the same keeper seals what waited */
    assert_int_equal(mkdir(aside, 0700), 0);
    send_many(s, &mine, 10, 5, 100);
    keeper_seal_all(s->keeper);
    assert_int_equal(rmdir(aside), 0);
    round_after(s, 60 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(verify(s, INCIDENT), 0);
    assert_int_equal(packets_in_files(s, INCIDENT), 15);
    free(aside);
}

/* An alert that no keeper heard names another pair of an incident that is known: all of it that is
 * held is taken, once. */
static void test_a_pair_that_was_named_meanwhile(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9"),
                    more = key_of("10.0.0.5", 40001, "198.51.100.8");
    send_many(s, &mine, 0, 3, 100);
    send_many(s, &more, 3, 4, 100);
    alert(s, INCIDENT, "open", 60, &mine);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 3);
    keeper_seal_all(s->keeper);
    keeper_free(s->keeper);
    send_many(s, &more, 7, 2, 100);
    send_many(s, &mine, 9, 2, 100);
    alert(s, INCIDENT, "update", 60, &more);
    begin(s);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 11);
    send_many(s, &more, 11, 1, 100);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 12);
    keeper_seal_all(s->keeper);
    assert_int_equal(packets_in_files(s, INCIDENT), 12);
}

/* A ring that was made after the incident began does not have its first packets. */
static void test_a_young_ring_is_said(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    evidence_ring_close(s->writer);
    assert_int_equal(ftruncate(s->fd, 0), 0);
    assert_int_equal(ftruncate(s->fd, (off_t)SEGMENT * SEGMENTS), 0);
    s->writer = evidence_ring_open(s->fd, SEGMENT, (struct ptime){START + 1}, &s->error);
    send_many(s, &mine, 1, 5, 100);
    alert(s, INCIDENT, "open", 60, &mine);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 5);
    assert_int_equal(kept_of(s, INCIDENT)->held_from.ns, START + 1);
    assert_true(kept_of(s, INCIDENT)->held_from.ns > kept_of(s, INCIDENT)->first.ns);
}

/* An incident that was closed because nothing came, and goes on: what came meanwhile is still held.
 */
static void test_one_that_reopens(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9"),
                    other = key_of("10.0.0.6", 40000, "198.51.100.8");
    alert(s, INCIDENT, "open", 60, &mine);
    send_many(s, &mine, 0, 5, 100);
    round_after(s, NS_PER_S);
    round_after(s, 2 * NS_PER_DAY);
    assert_false(kept_of(s, INCIDENT)->open);
    send_many(s, &mine, 5, 5, 100);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 5);
    alert(s, INCIDENT, "update", 60, &mine);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 10);
    send_many(s, &mine, 10, 5, 100);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 15);
    assert_int_equal(kept_of(s, INCIDENT)->missed, 0);
    /* … and again, when they are not */
    round_after(s, 2 * NS_PER_DAY);
    send_many(s, &mine, 15, 5, 100);
    send_many(s, &other, 20, 2000, 1000);
    round_after(s, NS_PER_S);
    alert(s, INCIDENT, "update", 60, &mine);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 15);
    assert_true(kept_of(s, INCIDENT)->missed > 1000);
    keeper_seal_all(s->keeper);
    assert_int_equal(packets_in_files(s, INCIDENT), 15);
}

/* --- bounds ------------------------------------------------------------------------------------
 */

static void test_a_ring_too_small_is_said(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9"),
                    other = key_of("10.0.0.6", 40000, "198.51.100.8");
    send_many(s, &mine, 0, 10, 100);
    send_many(s, &other, 10, 2000, 1000); /* some four times what is held */
    send_many(s, &mine, 2010, 10, 100);
    alert(s, INCIDENT, "open", 60, &mine);
    round_after(s, NS_PER_S);
    const struct kept *kept = kept_of(s, INCIDENT);
    assert_int_equal(kept->packets, 10);
    assert_true(kept->held_from.ns > kept->first.ns);
    send_many(s, &other, 2020, 2000, 1000); /* faster than it is looked at */
    send_many(s, &mine, 4020, 10, 100);
    round_after(s, NS_PER_S);
    assert_int_equal(kept->packets, 20);
    assert_true(kept->missed > 1000);
    assert_true(keeper_counts_of(s->keeper).missed > 1000);
    keeper_seal_all(s->keeper);
    char *path = path_in(s, INCIDENT, "manifest.json");
    size_t size;
    char *text = evidence_text(path, &size);
    assert_non_null(strstr(text, "\"from_the_first\": false"));
    free(text);
    free(path);
}

static void test_the_highest_scores_stay(void **state)
{
    struct scene *s = *state;
    struct flow_key low = key_of("10.0.0.5", 40000, "198.51.100.9"),
                    high = key_of("10.0.0.6", 40000, "198.51.100.8");
    keeper_free(s->keeper);
    s->config.kept_bytes = 100000;
    s->config.incident_bytes = 80000;
    begin(s);
    alert(s, INCIDENT, "open", 40, &low);
    send_many(s, &low, 0, 100, 1000);
    round_after(s, NS_PER_S);
    const struct kept *kept = kept_of(s, INCIDENT);
    assert_true(kept->packets > 60 && kept->packets < 100); /* its own bound */
    assert_int_equal(kept->packets + kept->beyond, 100);
    alert(s, OTHER, "open", 90, &high);
    send_many(s, &high, 100, 50, 1000);
    round_after(s, NS_PER_S); /* it is said */
    round_after(s, NS_PER_S); /* read, and gone */
    round_after(s, NS_PER_S);
    assert_null(kept_of(s, INCIDENT));
    assert_false(is_there(s, INCIDENT, "incident.json"));
    assert_int_equal(kept_of(s, OTHER)->packets, 50);
    assert_int_equal(s->removed, 1);
    assert_int_equal(keeper_counts_of(s->keeper).removed_for_room, 1);
}

/* A new one takes the place of the lowest at once, whatever the journal says when; not of a second.
 */
static void test_as_many_as_there_may_be(void **state)
{
    struct scene *s = *state;
    char id[ALERT_ID_SIZE];
    s->deaf = true;
    for (unsigned i = 0; i < KEEPER_KEPT; i++) {
        snprintf(id, sizeof id, "%032x", i);
        struct kept *kept = keeper_make(s->keeper, id, 10 + (i > 0));
        assert_non_null(kept);
        kept->open = false;
    }
    assert_null(keeper_make(s->keeper, OTHER, 5));
    assert_int_equal(keeper_counts_of(s->keeper).beyond_incidents, 1);
    assert_non_null(keeper_make(s->keeper, OTHER, 60));
    assert_int_equal(keeper_counts_of(s->keeper).beyond_incidents, 1);
    assert_int_equal(keeper_counts_of(s->keeper).removed_for_room, 1);
    snprintf(id, sizeof id, "%032x", 0);
    assert_true(kept_of(s, id)->leaving);
}

/* Room is made by what has bytes, as much as is needed; none goes for nothing. */
static void test_only_what_makes_room_goes(void **state)
{
    static const char *const id[] = {"a1", "b2", "c3", "d4", "e5"};
    static const int score[] = {40, 41, 42, 90, 50};
    static const uint32_t many[] = {40, 0, 40, 10, 60}; /* the highest has little; the last comes */
    struct scene *s = *state;
    struct flow_key key[5];
    keeper_free(s->keeper);
    s->config.kept_bytes = 100000;
    begin(s);
    for (unsigned i = 0; i < 5; i++) {
        key[i] = key_of("10.0.0.5", (uint16_t)(40000 + i), "198.51.100.9");
        key[i].resp_ip.byte[15] += (uint8_t)i;
        alert(s, id[i], "open", score[i], &key[i]);
        send_many(s, &key[i], 100 * i, many[i], 1000);
        round_after(s, NS_PER_S);
        assert_true(keeper_counts_of(s->keeper).bytes <= s->config.kept_bytes);
    }
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);
    assert_null(kept_of(s, id[0]));
    assert_non_null(kept_of(s, id[1])); /* nothing of it would have been room */
    assert_null(kept_of(s, id[2]));
    assert_int_equal(kept_of(s, id[3])->packets, 10);
    assert_int_equal(kept_of(s, id[4])->packets, 60);
    send_many(s, &key[4], 600, 60,
              1000); /* more than there is, and all else is of a higher score */
    round_after(s, NS_PER_S);
    assert_int_equal(keeper_counts_of(s->keeper).removed_for_room, 2);
    assert_true(kept_of(s, id[4])->beyond > 20);
}

static void test_what_is_held_stays(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9"),
                    other = key_of("10.0.0.6", 40000, "198.51.100.8");
    const struct evidence_hold hold = {"alice", "a case", {START}};
    alert(s, INCIDENT, "open", 60, &mine);
    alert(s, OTHER, "open", 60, &other);
    send_many(s, &mine, 0, 5, 100);
    send_many(s, &other, 10, 5, 100);
    round_after(s, NS_PER_S);
    alert(s, INCIDENT, "close", 60, &mine);
    alert(s, OTHER, "close", 60, &other);
    round_after(s, NS_PER_S);
    assert_int_equal(evidence_hold(s->folder, INCIDENT, &hold, &s->error), 0);
    assert_int_equal(evidence_hold(s->folder, INCIDENT, &hold, &s->error), -1);
    char *path = path_in(s, INCIDENT, "hold.json");
    size_t size;
    char *text = evidence_text(path, &size);
    assert_non_null(strstr(text, "\"by\":\"alice\""));
    assert_non_null(strstr(text, "\"hosts\":[\"10.0.0.5\"]"));
    free(text);
    free(path);
    round_after(s, 29 * NS_PER_DAY);
    assert_int_equal(keeper_counts_of(s->keeper).kept, 2);
    round_after(s, 2 * NS_PER_DAY);
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(keeper_counts_of(s->keeper).kept, 1);
    assert_false(is_there(s, OTHER, "manifest.json"));
    assert_int_equal(verify(s, INCIDENT), 0);
    assert_int_equal(evidence_release(s->folder, INCIDENT, &s->error), 0);
    assert_int_equal(evidence_release(s->folder, INCIDENT, &s->error), -1);
    round_after(s, 2 * NS_PER_DAY);
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(keeper_counts_of(s->keeper).kept, 0);
    assert_int_equal(keeper_counts_of(s->keeper).removed, 2);
    assert_int_equal(s->removed, 2);
}

/* `weir baseline forget` removes a folder behind the keeper's back, and says so. */
static void test_what_was_forgotten_is_let_go(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    alert(s, INCIDENT, "open", 60, &mine);
    send_many(s, &mine, 0, 5, 100);
    round_after(s, NS_PER_S);
    round_after(s, 5 * NS_PER_S);
    round_after(s, NS_PER_S);
    on_say(s, "evidence.remove", INCIDENT, evidence_forgotten);
    round_after(s, NS_PER_S);
    assert_non_null(kept_of(s, INCIDENT)); /* it is still there */
    send_many(s, &mine, 5, 5, 100);
    round_after(s, NS_PER_S); /* a part is open */
    char *command = xasprintf("rm -r %s/evidence/%s", s->folder, INCIDENT);
    assert_int_equal(system(command), 0);
    free(command);
    on_say(s, "evidence.remove", INCIDENT, evidence_forgotten);
    round_after(s, NS_PER_S);
    assert_null(kept_of(s, INCIDENT));
    assert_int_equal(keeper_counts_of(s->keeper).bytes, 0);
    assert_true(keeper_is_settled(s->keeper));
    uint64_t failures = keeper_counts_of(s->keeper).failures;
    round_after(s, 60 * NS_PER_S);
    assert_int_equal(keeper_counts_of(s->keeper).failures, failures);
    alert(s, INCIDENT, "update", 60, &mine); /* it goes on: kept anew */
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 10);
}

/* Evidence is turned off: what was kept is closed, goes in its time, and nothing else comes. */
static void test_off_retires_and_follows_nothing(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    alert(s, INCIDENT, "open", 60, &mine);
    send_many(s, &mine, 0, 5, 100);
    round_after(s, NS_PER_S);
    keeper_seal_all(s->keeper);
    keeper_free(s->keeper);
    s->config.workers = 0;
    begin(s);
    alert(s, INCIDENT, "update", 60, &mine);
    alert(s, OTHER, "open", 60, &mine);
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);
    assert_null(kept_of(s, OTHER));
    assert_false(kept_of(s, INCIDENT)->open);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 5);
    assert_int_equal(verify(s, INCIDENT), 0);
    round_after(s, 31 * NS_PER_DAY);
    round_after(s, NS_PER_S);
    assert_null(kept_of(s, INCIDENT));
    assert_int_equal(s->removed, 1);
    assert_false(is_there(s, INCIDENT, ""));
}

/* A keeper that died while it removed an incident: the next goes on with it. */
static void test_a_removal_is_finished(void **state)
{
    struct scene *s = *state;
    keeper_free(s->keeper);
    char *folder = path_in(s, ".going-" INCIDENT, ""),
         *left = path_in(s, ".going-" INCIDENT, "packets-1.pcapng");
    assert_int_equal(mkdir(folder, 0750), 0);
    int fd = open(left, O_WRONLY | O_CREAT, 0640);
    assert_true(fd >= 0);
    close(fd);
    begin(s);
    assert_false(is_there(s, ".going-" INCIDENT, ""));
    assert_int_equal(keeper_counts_of(s->keeper).kept, 0);
    free(folder);
    free(left);
}

/* What the journal has is not said to it again by each keeper that begins. */
static void test_what_was_told_stays_told(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    alert(s, INCIDENT, "open", 60, &mine);
    send_many(s, &mine, 0, 5, 100);
    round_after(s, NS_PER_S);
    alert(s, INCIDENT, "close", 60, &mine);
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);
    keeper_seal_all(s->keeper);
    assert_true(keeper_is_settled(s->keeper));
    unsigned sealed = s->sealed;
    assert_true(sealed > 0);
    keeper_free(s->keeper);
    begin(s);
    round_after(s, 10 * NS_PER_S);
    assert_true(keeper_is_settled(s->keeper));
    assert_int_equal(s->sealed, sealed);
}

static void test_nothing_goes_unsaid(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    alert(s, INCIDENT, "open", 60, &mine);
    send_many(s, &mine, 0, 5, 100);
    s->deaf = true; /* the engine is away */
    round_after(s, NS_PER_S);
    round_after(s, 4 * NS_PER_S);
    assert_false(keeper_is_settled(s->keeper));
    alert(s, INCIDENT, "close", 60, &mine);
    round_after(s, NS_PER_S);
    round_after(s, 40 * NS_PER_DAY);
    round_after(s, NS_PER_S);
    assert_true(is_there(s, INCIDENT, "manifest.json"));
    s->deaf = false;
    round_after(s, 6 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(s->removed, 1);
    assert_false(is_there(s, INCIDENT, "manifest.json"));
}

static void test_nonsense_in_the_journal(void **state)
{
    struct scene *s = *state;
    static const char *const line[] = {
        "",
        "{}",
        "[1]",
        "{\"event\":{\"kind\":\"alert\"},\"weir\":{\"incident\":\"../../"
        "x\"},\"related\":{\"ip\":[]}}",
        "{\"event\":{\"kind\":\"alert\"},\"weir\":{\"incident\":7,\"flows\":[3]},\"related\":1}",
        "{\"event\":{\"kind\":\"alert\"},\"weir\":{\"incident\":\"ab\",\"state\":\"open\","
        "\"flows\":{},"
        "\"score\":\"x\"},\"related\":{\"ip\":[1,\"no\",\"10.0.0.1\"]}}"};
    for (size_t i = 0; i < sizeof line / sizeof *line; i++)
        keeper_journal_line(s->keeper, line[i], strlen(line[i]));
    assert_int_equal(keeper_counts_of(s->keeper).kept, 1);
    round_after(s, NS_PER_S);
    static const char *const file[] = {"", "{}", "{\"version\":1}",
                                       "{\"version\":1,\"id\":\"../x\"}",
                                       "{\"version\":1,\"id\":\"a\",\"files\":7,\"pairs\":[1,2],"
                                       "\"next\":[-1,\"x\"],\"flows\":[{}]}"};
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        struct kept *kept = kept_load(file[i], strlen(file[i]));
        assert_int_equal(kept != NULL, i == 4);
        if (kept)
            kept_free(kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_incident, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_changed_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_dead_keeper_loses_and_doubles_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_sealed_that_is_not_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_pair_that_was_named_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_young_ring_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_that_reopens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_ring_too_small_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_highest_scores_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_as_many_as_there_may_be, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_what_makes_room_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_held_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_forgotten_is_let_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_off_retires_and_follows_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_removal_is_finished, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_told_stays_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_goes_unsaid, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense_in_the_journal, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
