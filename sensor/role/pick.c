/* See weir/role/pick.h.
 *
 *   wanted flows → sealed memory → a feed of one worker → its ring → packets, put together → caller
 *
 * What comes through the ring is untrusted: a record that makes no sense ends it. */
#include "weir/role/pick.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RING_BYTES (4u << 20)

struct picking {
    const struct pick_config *config;
    struct config settings; /* the caller's, for one worker; borrows all that it has */
    int wanted_fd;
    struct ring_handles ring;
    bool has_ring;
    struct ring_consumer *consumer;
    struct loop_watch *watch;
    struct feed *feed;
    struct picked_reader reader;
    bool done;
    struct error error;
};

/* --- what the worker is handed -----------------------------------------------------------------
 */

static int write_wanted(int fd, const struct pick_config *config)
{
    const uint8_t *at = (const void *)config->wanted;
    size_t left = config->count * sizeof *config->wanted;
    while (left > 0) {
        ssize_t wrote = write(fd, at, left);
        if (wrote < 0 && errno != EINTR)
            return -1;
        at += wrote > 0 ? wrote : 0;
        left -= wrote > 0 ? (size_t)wrote : 0;
    }
    return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

static int make_wanted(struct picking *p)
{
    p->wanted_fd = memfd_create("weir-wanted", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (p->wanted_fd >= 0 && write_wanted(p->wanted_fd, p->config) == 0)
        return 0;
    return error_set(&p->error, ERROR_RUN, "no memory for the wanted flows: %s", strerror(errno));
}

/* --- what comes back ---------------------------------------------------------------------------
 */

static void end(struct picking *p)
{
    p->done = true;
    p->config->loop.ops->stop(p->config->loop.loop);
}

static void take(struct picking *p, const void *record, size_t size)
{
    switch (picked_read(&p->reader, record, size)) {
    case PICKED_MORE:
        break;
    case PICKED_PACKET:
        p->reader.packet.input = (uint32_t)feed_place(p->feed, p->reader.packet.input);
        p->config->packet(p->config->context, &p->reader.packet);
        break;
    case PICKED_LAST:
        end(p);
        break;
    case PICKED_INVALID:
        error_set(&p->error, ERROR_RUN, "the second reading told what makes no sense");
        end(p);
        break;
    }
}

static void on_data(void *context, unsigned what)
{
    struct picking *p = context;
    uint64_t record[RECORD_MAX_BYTES / sizeof(uint64_t)];
    enum ring_result result = RING_EMPTY;
    size_t size;
    (void)what;
    ring_clear_event(p->consumer);
    while (!p->done && (result = ring_pop(p->consumer, record, sizeof record, &size)) == RING_OK) {
        take(p, record, size);
        ring_release(p->consumer, ring_read_position(p->consumer));
    }
    if (!p->done && result != RING_EMPTY) {
        error_set(&p->error, ERROR_RUN, "the ring of the second reading makes no sense");
        end(p);
    }
}

static void on_lost(void *context, uint32_t worker, const char *why)
{
    struct picking *p = context;
    on_data(p, 0); /* what it had told */
    if (p->done)
        return;
    error_set(&p->error, ERROR_RUN, "the second reading (capture worker %u) died: %s", worker, why);
    end(p);
}

/* --- from start to end -------------------------------------------------------------------------
 */

static int open_ring(struct picking *p)
{
    struct loop_ref loop = p->config->loop;
    if (ring_create(&p->ring, RING_BYTES, &p->error) != 0)
        return -1;
    p->has_ring = true;
    p->consumer = ring_consumer_open(&p->ring, &p->error);
    if (!p->consumer)
        return -1;
    p->watch = loop.ops->watch(loop.loop, ring_data_event(p->consumer), LOOP_READ, on_data, p);
    return 0;
}

static int start(struct picking *p)
{
    const struct pick_config *c = p->config;
    p->settings = *c->config;
    p->settings.workers = c->config->workers > 0 ? 1 : 0;
    struct feed_config feed = {.config = &p->settings,
                               .inputs = c->inputs,
                               .input_count = c->input_count,
                               .filter = c->filter,
                               .times = c->times,
                               .rings = &p->ring,
                               .loop = c->loop,
                               .pick = true,
                               .pick_fd = p->wanted_fd,
                               .wanted = c->count,
                               .lost = on_lost,
                               .context = p};
    p->reader = (struct picked_reader){.flows = c->count, .inputs = (uint32_t)c->input_count};
    return feed_start(&p->feed, &feed, &p->error);
}

static int read_all(struct picking *p)
{
    struct error gone = {0};
    while (!p->done) {
        if (feed_has_gone(p->feed, &gone)) {
            on_data(p, 0);
            if (!p->done && p->error.code == ERROR_NONE)
                p->error = gone;
            if (!p->done && p->error.code == ERROR_NONE)
                error_set(&p->error, ERROR_RUN, "the second reading ended before its end");
            break;
        }
        p->config->loop.ops->run(p->config->loop.loop);
    }
    if (p->error.code != ERROR_NONE)
        return -1;
    feed_join(p->feed);
    return 0;
}

static void tell_inputs(const struct picking *p, struct pick_input *input)
{
    size_t count;
    const struct capture_input *found = feed_inputs(p->feed, &count);
    for (size_t i = 0; i < count; i++) {
        input[i] = (struct pick_input){.error = found[i].error, .packets = found[i].packets};
        memcpy(input[i].sha256, found[i].sha256, SHA256_SIZE);
    }
}

static void close_all(struct picking *p)
{
    if (p->watch)
        p->config->loop.ops->drop(p->watch);
    if (p->consumer)
        ring_consumer_free(p->consumer); /* whoever waits for room goes on and ends */
    feed_free(p->feed);
    if (p->has_ring)
        ring_destroy(&p->ring);
    if (p->wanted_fd >= 0)
        close(p->wanted_fd);
    picked_reader_fini(&p->reader);
}

int pick_run(const struct pick_config *config, struct pick_input *input, uint64_t *unheld,
             struct error *error)
{
    struct picking p = {.config = config, .wanted_fd = -1};
    int failed = make_wanted(&p) != 0 || open_ring(&p) != 0 || start(&p) != 0 || read_all(&p) != 0;
    if (!failed)
        tell_inputs(&p, input);
    *unheld = p.reader.unheld;
    *error = p.error;
    close_all(&p);
    return failed ? -1 : 0;
}
