/* Lines are joined by the name that the log gives a connection (Zeek's uid, Suricata's flow_id).
 * Notes come at their own time, which is within the connection, and a connection is told at its end
 * or at a quarter of an hour; so a note waits in front of its connection, and goes with its last
 * piece. What no line tells of would wait for ever: two generations, of which the older is
 * forgotten when the younger is full; what is used is young again. */
#include "join.h"

#include <stdlib.h>
#include <string.h>

struct joined {
    uint64_t *forgotten;
    uint32_t flags;
    bool has_ja3;
    uint8_t ja3[16];
    struct body_counts body[SIDES];
    char *text[FLOW_TEXTS]; /* NULL: none */
};

static void free_joined(void *value)
{
    struct joined *joined = value;
    for (int i = 0; joined && i < FLOW_TEXTS; i++)
        free(joined->text[i]);
    free(joined);
}

static void forget(void *value)
{
    struct joined *joined = value;
    ++*joined->forgotten;
    free_joined(joined);
}

void join_fini(struct join *join)
{
    map_fini(&join->young, free_joined);
    map_fini(&join->old, free_joined);
}

void join_forget(struct join *join)
{
    map_fini(&join->young, forget);
    map_fini(&join->old, forget);
    map_init(&join->young);
    map_init(&join->old);
}

static void put(struct join *join, uint64_t uid, struct joined *joined)
{
    if (join->young.count >= JOIN_GENERATION) {
        map_fini(&join->old, forget);
        join->old = join->young;
        map_init(&join->young);
    }
    map_put(&join->young, &uid, sizeof uid, joined);
}

static struct joined *get(struct join *join, uint64_t uid)
{
    struct joined *joined = map_get(&join->young, &uid, sizeof uid);
    if (joined)
        return joined;
    joined = map_remove(&join->old, &uid, sizeof uid);
    if (joined)
        put(join, uid, joined);
    return joined;
}

static void add_body(struct body_counts *to, const struct body_counts *body)
{
    to->bodies += body->bodies;
    to->undeclared += body->undeclared;
    to->seen_bytes = to->seen_bytes + body->seen_bytes < RECORD_BYTES_MAX
                         ? to->seen_bytes + body->seen_bytes
                         : RECORD_BYTES_MAX;
}

static void add(struct joined *joined, const struct log_note *note)
{
    if (!joined->has_ja3 && note->has_ja3) {
        joined->has_ja3 = true;
        memcpy(joined->ja3, note->ja3, sizeof joined->ja3);
    }
    for (int i = 0; i < FLOW_TEXTS; i++) {
        const char *text =
            note->kind == NOTE_DNS && i == TEXT_QUESTION ? note->dns.name : note->text[i];
        if (!joined->text[i] && *text)
            joined->text[i] = xstrdup(text);
    }
    joined->flags |= note->flags;
    for (int side = 0; side < SIDES; side++)
        add_body(&joined->body[side], &note->body[side]);
}

void join_note(struct join *join, const struct log_note *note, uint64_t *forgotten)
{
    if (note->uid == 0)
        return;
    struct joined *joined = get(join, note->uid);
    if (!joined) {
        joined = xcalloc(1, sizeof *joined);
        joined->forgotten = forgotten;
        put(join, note->uid, joined);
    }
    add(joined, note);
}

bool join_facts(struct join *join, const struct connection *connection, struct content_facts *facts)
{
    const struct joined *joined = connection->uid ? get(join, connection->uid) : NULL;
    if (!joined)
        return false;
    memset(facts, 0, sizeof *facts);
    facts->service = connection->service;
    facts->flags = joined->flags;
    facts->ja3 = joined->has_ja3 ? joined->ja3 : NULL;
    memcpy(facts->body, joined->body, sizeof facts->body);
    for (int i = 0; i < FLOW_TEXTS; i++)
        facts->text[i] = joined->text[i] ? joined->text[i] : "";
    return true;
}

void join_end(struct join *join, uint64_t uid)
{
    if (uid == 0)
        return;
    free_joined(map_remove(&join->young, &uid, sizeof uid));
    free_joined(map_remove(&join->old, &uid, sizeof uid));
}
