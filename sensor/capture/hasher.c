/* One block is out at a time: `data` is the thread's until it is NULL again, `sha` with it. So each
 * byte is hashed in its turn, and nobody copies it; who gave it waits for the thread before the
 * next one, which is how far the two can be apart.
 *
 * A capture's digest takes about as long as all else that is done with bulk traffic. It cannot be
 * divided: each block's begins with the sum of the one before. */
#include "hasher.h"

#include "weir/base/buffer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define STACK_BYTES ((size_t)256 << 10)

struct hasher {
    struct sha256 *sha;
    size_t aside_bytes; /* 0: there shall be no thread, or none could be had */
    uint64_t blocks;    /* given to it */
    bool runs;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const void *data; /* NULL: nothing is to be hashed */
    size_t size;
    bool over;
};

static void *hash_blocks(void *context)
{
    struct hasher *h = context;
    pthread_mutex_lock(&h->lock);
    for (;;) {
        while (!h->data && !h->over)
            pthread_cond_wait(&h->changed, &h->lock);
        if (!h->data)
            break;
        pthread_mutex_unlock(&h->lock);
        sha256_put(h->sha, h->data, h->size);
        pthread_mutex_lock(&h->lock);
        h->data = NULL;
        pthread_cond_signal(&h->changed);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* Signals are for the others. */
static void start(struct hasher *h)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    h->runs = pthread_create(&h->thread, &attributes, hash_blocks, h) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (!h->runs)
        h->aside_bytes = 0;
}

struct hasher *hasher_new(size_t aside_bytes)
{
    struct hasher *h = xcalloc(1, sizeof *h);
    h->sha = sha256_new();
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->changed, NULL);
    h->aside_bytes = aside_bytes;
    return h;
}

void hasher_wait(struct hasher *h)
{
    if (!h->runs)
        return;
    pthread_mutex_lock(&h->lock);
    while (h->data)
        pthread_cond_wait(&h->changed, &h->lock);
    pthread_mutex_unlock(&h->lock);
}

void hasher_put(struct hasher *h, const void *data, size_t size, bool stays)
{
    bool aside = stays && h->aside_bytes > 0 && size >= h->aside_bytes;
    hasher_wait(h);
    if (aside && !h->runs)
        start(h);
    if (!aside || !h->runs) {
        sha256_put(h->sha, data, size);
        return;
    }
    h->blocks++;
    pthread_mutex_lock(&h->lock);
    h->data = data;
    h->size = size;
    pthread_cond_signal(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

uint64_t hasher_aside(const struct hasher *h)
{
    return h->blocks;
}

static void stop(struct hasher *h)
{
    pthread_mutex_lock(&h->lock);
    h->over = true;
    pthread_cond_signal(&h->changed);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
}

void hasher_take(struct hasher *h, uint8_t out[SHA256_SIZE])
{
    if (h->runs)
        stop(h);
    sha256_take(h->sha, out);
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
