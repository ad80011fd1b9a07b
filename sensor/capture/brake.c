/* Holding, finishing at a packet, and stopping.
 *
 * The packet loop pays two relaxed loads and a store a packet; everything else is slow and under
 * the mutex. Held, the thread stops before it takes the next packet and says so; a thread that
 * waits for a pipe or for the ring counts as held at once, because it looks at `held` again before
 * it takes the next packet (it leaves BRAKE_WAITS under the mutex, so it sees the flag that
 * was set before the state was read). So brake_hold's answer stays true until brake_finish_at.
 *
 * Threads: the capture thread and any other, as brake.h says. */
#include "brake.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int brake_init(struct brake *brake, struct meter *meter, struct error *error)
{
    brake->meter = meter;
    brake->wake_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    atomic_store(&brake->limit, UINT64_MAX);
    if (pthread_mutex_init(&brake->mutex, NULL) != 0 ||
        pthread_cond_init(&brake->changed, NULL) != 0 || brake->wake_event < 0)
        return error_set(error, ERROR_RUN, "capture: cannot make an event: %s", strerror(errno));
    return 0;
}

void brake_fini(struct brake *brake)
{
    if (brake->wake_event >= 0)
        close(brake->wake_event);
    pthread_cond_destroy(&brake->changed);
    pthread_mutex_destroy(&brake->mutex);
}

static void wake(struct brake *brake)
{
    uint64_t one = 1;
    pthread_mutex_lock(&brake->mutex);
    pthread_cond_broadcast(&brake->changed);
    pthread_mutex_unlock(&brake->mutex);
    if (write(brake->wake_event, &one, sizeof one) < 0)
        return; /* it is readable already */
}

void brake_stop(struct brake *brake)
{
    atomic_store(&brake->stopped, true);
    wake(brake);
}

uint64_t brake_hold(struct brake *brake)
{
    atomic_store(&brake->held, true);
    pthread_mutex_lock(&brake->mutex);
    while (brake->state == BRAKE_RUNS)
        pthread_cond_wait(&brake->changed, &brake->mutex);
    uint64_t packets = atomic_load(&brake->packets);
    pthread_mutex_unlock(&brake->mutex);
    return packets;
}

void brake_finish_at(struct brake *brake, uint64_t packets)
{
    atomic_store(&brake->limit, packets);
    atomic_store(&brake->held, false);
    wake(brake);
}

static void say(struct brake *brake, enum brake_state state)
{
    METER_SET(brake->meter, waiting, state == BRAKE_PAUSED || state == BRAKE_WAITS);
    brake->state = state;
    pthread_cond_broadcast(&brake->changed);
}

static void change(struct brake *brake, enum brake_state state)
{
    pthread_mutex_lock(&brake->mutex);
    say(brake, state);
    pthread_mutex_unlock(&brake->mutex);
}

static void pause_here(struct brake *brake)
{
    pthread_mutex_lock(&brake->mutex);
    say(brake, BRAKE_PAUSED);
    while (atomic_load(&brake->held) && !atomic_load(&brake->stopped))
        pthread_cond_wait(&brake->changed, &brake->mutex);
    say(brake, BRAKE_RUNS);
    pthread_mutex_unlock(&brake->mutex);
}

bool brake_is_over(const struct brake *brake)
{
    return atomic_load_explicit(&brake->stopped, memory_order_relaxed) ||
           atomic_load_explicit(&brake->packets, memory_order_relaxed) >=
               atomic_load_explicit(&brake->limit, memory_order_relaxed);
}

bool brake_take(struct brake *brake)
{
    if (atomic_load_explicit(&brake->held, memory_order_relaxed))
        pause_here(brake);
    if (brake_is_over(brake))
        return false;
    uint64_t packets = atomic_load_explicit(&brake->packets, memory_order_relaxed);
    atomic_store_explicit(&brake->packets, packets + 1, memory_order_relaxed);
    return true;
}

bool brake_wait_readable(struct brake *brake, int fd)
{
    struct pollfd wait[] = {{.fd = fd, .events = POLLIN},
                            {.fd = brake->wake_event, .events = POLLIN}};
    uint64_t count;
    brake_begin_wait(brake);
    while (!brake_is_over(brake)) {
        if (poll(wait, 2, -1) < 0 && errno != EINTR)
            break; /* the read will say what is wrong */
        if (wait[0].revents)
            break;
        if (wait[1].revents && read(brake->wake_event, &count, sizeof count) < 0)
            continue;
    }
    brake_end_wait(brake);
    return !brake_is_over(brake);
}

bool brake_wait_ms(struct brake *brake, int ms)
{
    struct pollfd wait = {.fd = brake->wake_event, .events = POLLIN};
    uint64_t count;
    brake_begin_wait(brake);
    if (!brake_is_over(brake) && poll(&wait, 1, ms) > 0 &&
        read(brake->wake_event, &count, sizeof count) < 0)
        errno = 0; /* somebody else's to read: looked at next time */
    brake_end_wait(brake);
    return !brake_is_over(brake);
}

void brake_begin_wait(struct brake *brake)
{
    change(brake, BRAKE_WAITS);
}

void brake_end_wait(struct brake *brake)
{
    change(brake, BRAKE_RUNS);
}

void brake_ended(struct brake *brake)
{
    change(brake, BRAKE_ENDED);
}
