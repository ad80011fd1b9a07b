/* Copying a pipe: see tee.h. The thread reads as fast as the slowest reader; one that closed its
 * end is left out. Thread: its own; tee_new and tee_free belong to the main thread. */
#include "tee.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct tee {
    int from, stop_event;
    int to[TEE_MAX];
    size_t count;
    pthread_t thread;
    bool started;
    char bytes[65536];
};

/* Waits for `fd`; false once the tee is to stop. */
static bool wait_for(const struct tee *tee, int fd, short events)
{
    struct pollfd wait[] = {{.fd = tee->stop_event, .events = POLLIN},
                            {.fd = fd, .events = events}};
    while (poll(wait, 2, -1) < 0)
        ;
    return wait[0].revents == 0;
}

static bool give(struct tee *tee, size_t reader, size_t size)
{
    for (size_t done = 0; done < size && tee->to[reader] >= 0;) {
        if (!wait_for(tee, tee->to[reader], POLLOUT))
            return false;
        ssize_t wrote = write(tee->to[reader], tee->bytes + done, size - done);
        if (wrote > 0)
            done += (size_t)wrote;
        else if (errno != EINTR && errno != EAGAIN) { /* it reads no more */
            close(tee->to[reader]);
            tee->to[reader] = -1;
        }
    }
    return true;
}

/* A reader that has gone is EPIPE: the signal beside it would end the whole replay. */
static void block_sigpipe(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void *copy(void *context)
{
    struct tee *tee = context;
    block_sigpipe();
    for (bool going = true; going && wait_for(tee, tee->from, POLLIN);) {
        ssize_t got = read(tee->from, tee->bytes, sizeof tee->bytes);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            break;
        for (size_t i = 0; i < tee->count && going; i++)
            going = give(tee, i, (size_t)got);
    }
    for (size_t i = 0; i < tee->count; i++) {
        if (tee->to[i] >= 0)
            close(tee->to[i]);
        tee->to[i] = -1;
    }
    return NULL;
}

static int open_pipes(struct tee *tee, int to[], size_t count, struct error *error)
{
    for (; tee->count < count; tee->count++) {
        int fd[2];
        if (pipe2(fd, O_CLOEXEC) != 0)
            return error_set(error, ERROR_RUN, "cannot make a pipe: %s", strerror(errno));
        fcntl(fd[1], F_SETFL, O_NONBLOCK);
        to[tee->count] = fd[0];
        tee->to[tee->count] = fd[1];
    }
    return 0;
}

struct tee *tee_new(int from, int to[], size_t count, struct error *error)
{
    struct tee *tee = xcalloc(1, sizeof *tee);
    tee->from = from;
    tee->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (open_pipes(tee, to, count, error) == 0 && tee->stop_event >= 0 &&
        pthread_create(&tee->thread, NULL, copy, tee) == 0) {
        tee->started = true;
        return tee;
    }
    error_set(error, ERROR_RUN, "cannot copy a pipe for several workers: %s", strerror(errno));
    for (size_t i = 0; i < tee->count; i++)
        close(to[i]);
    tee_free(tee);
    return NULL;
}

void tee_free(struct tee *tee)
{
    uint64_t one = 1;
    if (!tee)
        return;
    if (tee->started && write(tee->stop_event, &one, sizeof one) == sizeof one)
        pthread_join(tee->thread, NULL);
    for (size_t i = 0; i < tee->count; i++)
        if (tee->to[i] >= 0)
            close(tee->to[i]);
    if (tee->stop_event >= 0)
        close(tee->stop_event);
    close(tee->from);
    free(tee);
}
