/* Who is logged in, and who may not try again yet. Pure but for random numbers: the wall clock is
 * given. Bounds: SESSIONS (one more ends the one idle longest), LOCKS and LOCKS_EACH (one more
 * takes the place of the one of which least is known). Thread: the loop's. */
#ifndef SENSOR_BUS_CONSOLE_SESSIONS_H
#define SENSOR_BUS_CONSOLE_SESSIONS_H

#include "weir/base/address.h"
#include "weir/base/digest.h"
#include "weir/base/time.h"
#include "weir/bus/console_users.h"

#define SESSIONS         512
#define SESSION_IDLE_NS  (60 * NS_PER_MIN)
#define SESSION_WHOLE_NS (12 * NS_PER_HOUR)

struct session {
    uint64_t number;         /* 0: free; never the same again */
    uint8_t id[SHA256_SIZE]; /* of the id: whoever reads our memory of it cannot use it */
    char csrf[SECRET_SIZE];
    char user[CONSOLE_NAME];
    enum console_role role;
    struct wtime began, used;
};

struct sessions {
    struct session row[SESSIONS];
    uint64_t last;    /* number */
    uint64_t crowded; /* ended for want of room */
};

/* Always with an id of its own, which a client never chooses. */
struct session *sessions_begin(struct sessions *sessions, const char *user, enum console_role role,
                               struct wtime now, char id[SECRET_SIZE]);
/* NULL: there is none of this id, or it is over. It is used. */
struct session *sessions_find(struct sessions *sessions, const char *id, struct wtime now);
/* Whether the one of this number is not over. It is not used by it. */
bool sessions_hold(const struct sessions *sessions, uint64_t number, struct wtime now);
/* That are not over; none is used by it. */
size_t sessions_count(const struct sessions *sessions, struct wtime now);
void session_end(struct session *session);

/* --- locks ------------------------------------------------------------------------------------ */

#define LOCKS      1024
#define LOCKS_EACH 128 /* of one network */
#define LOCK_FAILURES                                                                              \
    5 /* then it is locked, LOCK_FIRST_NS, and after each more twice as long …                   \
       */
#define LOCK_FIRST_NS (30 * NS_PER_S)
#define LOCK_MOST_NS  (15 * NS_PER_MIN)
#define LOCK_KEPT_NS  NS_PER_HOUR /* … until none failed for so long */

struct locks {
    struct lock {
        uint8_t who[SHA256_SIZE]; /* of what was typed, whether or not there is such a user */
        struct prefix from;       /* a /24 or /64: so nobody is locked out by somebody far away */
        unsigned failures;        /* 0: free */
        struct wtime last, until;
    } row[LOCKS];
};

/* How long nobody may try `who` from there; 0: it may be tried. When LOCKS_EACH of that network, or
 * LOCKS in all, failed within LOCK_KEPT_NS, a new one takes the place of the one that failed least
 * often, of these the longest ago: names that somebody makes up lock nobody out, and to make the
 * sensor forget what it counts of one name takes as many failures of each of the others. */
int64_t locks_wait_ns(struct locks *locks, const char *who, const struct ip *from,
                      struct wtime now);
/* It failed. True: that locked it. */
bool locks_fail(struct locks *locks, const char *who, const struct ip *from, struct wtime now);
void locks_pass(struct locks *locks, const char *who, const struct ip *from);

#endif
