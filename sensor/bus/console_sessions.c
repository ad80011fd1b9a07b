/* See console_sessions.h. A session is looked for by the hash of its id, so that how long the
 * search takes says nothing about the id. */
#include "console_sessions.h"

#include <stdio.h>
#include <string.h>

static bool is_over(const struct session *session, struct wtime now)
{
    return session->number == 0 || now.ns - session->used.ns > SESSION_IDLE_NS ||
           now.ns - session->began.ns > SESSION_WHOLE_NS;
}

void session_end(struct session *session)
{
    memset(session, 0, sizeof *session);
}

struct session *sessions_begin(struct sessions *sessions, const char *user, enum console_role role,
                               struct wtime now, char id[SECRET_SIZE])
{
    struct session *free_row = NULL, *idle = &sessions->row[0];
    for (size_t i = 0; i < SESSIONS && !free_row; i++) {
        if (is_over(&sessions->row[i], now))
            free_row = &sessions->row[i];
        else if (sessions->row[i].used.ns < idle->used.ns)
            idle = &sessions->row[i];
    }
    sessions->crowded += !free_row;
    struct session *session = free_row ? free_row : idle;
    *session =
        (struct session){.number = ++sessions->last, .role = role, .began = now, .used = now};
    snprintf(session->user, sizeof session->user, "%s", user);
    secret_make(session->csrf);
    secret_make(id);
    digest_sha256(id, strlen(id), session->id);
    return session;
}

static struct session *use(struct session *session, struct wtime now)
{
    if (is_over(session, now)) {
        session_end(session);
        return NULL;
    }
    session->used = now;
    return session;
}

struct session *sessions_find(struct sessions *sessions, const char *id, struct wtime now)
{
    uint8_t hash[SHA256_SIZE];
    digest_sha256(id, strlen(id), hash);
    for (size_t i = 0; i < SESSIONS; i++)
        if (sessions->row[i].number != 0 && memcmp(sessions->row[i].id, hash, sizeof hash) == 0)
            return use(&sessions->row[i], now);
    return NULL;
}

bool sessions_hold(const struct sessions *sessions, uint64_t number, struct wtime now)
{
    for (size_t i = 0; number != 0 && i < SESSIONS; i++)
        if (sessions->row[i].number == number)
            return !is_over(&sessions->row[i], now);
    return false;
}

size_t sessions_count(const struct sessions *sessions, struct wtime now)
{
    size_t count = 0;
    for (size_t i = 0; i < SESSIONS; i++)
        count += !is_over(&sessions->row[i], now);
    return count;
}

/* --- locks ------------------------------------------------------------------------------------ */

struct key {
    uint8_t who[SHA256_SIZE];
    struct prefix from;
};

static struct key key_of(const char *who, const struct ip *ip)
{
    struct key key = {.from = prefix_of(ip, 24, 64)};
    digest_sha256(who, strlen(who), key.who);
    return key;
}

static bool is_near(const struct lock *lock, const struct key *key)
{
    return lock->failures > 0 && ip_compare(&lock->from.ip, &key->from.ip) == 0;
}

static bool is_of(const struct lock *lock, const struct key *key)
{
    return is_near(lock, key) && memcmp(lock->who, key->who, sizeof key->who) == 0;
}

static bool is_old(const struct lock *lock, struct wtime now)
{
    return lock->failures == 0 || now.ns - lock->last.ns > LOCK_KEPT_NS;
}

/* Of which less is forgotten: of what failed less often, and then longer ago. */
static struct lock *lesser(struct lock *one, struct lock *other)
{
    if (!one)
        return other;
    if (other->failures != one->failures)
        return other->failures < one->failures ? other : one;
    return other->last.ns < one->last.ns ? other : one;
}

/* Its row, or NULL. `*room`: a row for it, of its own network when that has its share. */
static struct lock *find(struct locks *locks, const struct key *key, struct wtime now,
                         struct lock **room)
{
    unsigned near = 0;
    struct lock *near_room = NULL;
    *room = NULL;
    for (size_t i = 0; i < LOCKS; i++) {
        struct lock *lock = &locks->row[i];
        if (is_old(lock, now))
            *lock = (struct lock){.failures = 0};
        if (is_of(lock, key))
            return lock;
        *room = lesser(*room, lock);
        if (!is_near(lock, key))
            continue;
        near++;
        near_room = lesser(near_room, lock);
    }
    if (near >= LOCKS_EACH)
        *room = near_room;
    return NULL;
}

int64_t locks_wait_ns(struct locks *locks, const char *who, const struct ip *from, struct wtime now)
{
    const struct key key = key_of(who, from);
    struct lock *room, *lock = find(locks, &key, now, &room);
    return lock && lock->until.ns > now.ns ? lock->until.ns - now.ns : 0;
}

bool locks_fail(struct locks *locks, const char *who, const struct ip *from, struct wtime now)
{
    const struct key key = key_of(who, from);
    struct lock *room, *lock = find(locks, &key, now, &room);
    if (!lock) {
        lock = room;
        *lock = (struct lock){.from = key.from};
        memcpy(lock->who, key.who, sizeof lock->who);
    }
    lock->failures++;
    lock->last = now;
    if (lock->failures < LOCK_FAILURES)
        return false;
    int64_t wait = LOCK_FIRST_NS;
    for (unsigned i = LOCK_FAILURES; i < lock->failures && wait < LOCK_MOST_NS; i++)
        wait *= 2;
    lock->until.ns = now.ns + (wait < LOCK_MOST_NS ? wait : LOCK_MOST_NS);
    return true;
}

void locks_pass(struct locks *locks, const char *who, const struct ip *from)
{
    const struct key key = key_of(who, from);
    for (size_t i = 0; i < LOCKS; i++)
        if (is_of(&locks->row[i], &key))
            locks->row[i] = (struct lock){.failures = 0};
}
