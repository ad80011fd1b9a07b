/* A stage for the keeper: a journal, a ring of held packets, a clock; packets and alerts for them;
 * what was kept. Of the tests of the keeper. */
#ifndef WEIR_TESTS_KEEPER_STAGE_H
#define WEIR_TESTS_KEEPER_STAGE_H

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

static inline int64_t clock_ns(void)
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

static inline void tell(struct scene *s, const char *line)
{
    assert_true(journal_append(s->journal, line, strlen(line), &s->error) > 0);
    assert_int_equal(journal_sync(s->journal, &s->error), 0);
}

static inline void on_say(void *context, const char *action, const char *incident,
                          const char *message)
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

static inline void begin(struct scene *s)
{
    s->keeper = keeper_new(&s->config, &s->error);
    if (!s->keeper)
        fail_msg("%s", s->error.message);
    keeper_round(s->keeper);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline struct flow_key key_of(const char *from, uint16_t port, const char *to)
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

static inline void send(struct scene *s, const struct flow_key *key, uint32_t n, uint32_t kept)
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

static inline void send_many(struct scene *s, const struct flow_key *key, uint32_t first,
                             uint32_t count, uint32_t kept)
{
    for (uint32_t n = first; n < first + count; n++)
        send(s, key, n, kept);
}

static inline void alert(struct scene *s, const char *incident, const char *state, int score,
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

static inline void round_after(struct scene *s, int64_t ns)
{
    now_ns += ns;
    keeper_round(s->keeper);
}

static inline const struct kept *kept_of(const struct scene *s, const char *incident)
{
    return keeper_get(s->keeper, incident);
}

static inline char *path_in(const struct scene *s, const char *incident, const char *name)
{
    return xasprintf("%s/evidence/%s/%s", s->folder, incident, name);
}

static inline bool is_there(const struct scene *s, const char *incident, const char *name)
{
    char *path = path_in(s, incident, name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* How many blocks of packets a file has. */
static inline size_t packets_in(const struct scene *s, const char *incident, const char *name)
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

/* An incident is opened, five packets of its flow are sent, and the keeper has them. */
static inline void open_with_five(struct scene *s, const struct flow_key *key)
{
    alert(s, INCIDENT, "open", 60, key);
    send_many(s, key, 0, 5, 100);
    round_after(s, NS_PER_S);
}

static inline size_t packets_in_files(const struct scene *s, const char *incident)
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

static inline void on_line(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static inline int64_t verify(struct scene *s, const char *incident)
{
    char *folder = xasprintf("%s/evidence/%s", s->folder, incident);
    const struct evidence_check check = {
        .folder = folder, .head = kept_of(s, incident)->told, .say = on_line};
    int64_t wrong = evidence_verify(&check, &s->error);
    free(folder);
    return wrong;
}

#endif
