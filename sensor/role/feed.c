/* A replay's capture side. Each worker reads every input by a descriptor of its own and keeps to
 * its own host pairs; a pipe is copied for each (tee.h). Worker 0 speaks for the inputs: how many
 * packets they held, their digests.
 *
 * An interrupt first holds all workers, then lets them go on to where the furthest stands, so that
 * what is judged is one prefix of the input, whoever read it. Thread: the main thread. */
#include "weir/role/feed.h"

#include "content_config.h"
#include "tee.h"
#include "worker.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/capture/recent.h"
#include "weir/role/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct feed {
    struct feed_config config;
    struct capture_input *input;
    char **link, **packed;   /* of each input; owned */
    struct stat *opened;     /* each input, when it was; st_ino 0: not a file */
    struct loop_watch *look; /* … whether its path still names it */
    size_t *slot;            /* the inputs that opened, in order: their place in `input` */
    size_t slots;
    int recent_fd; /* live; -1: none */
    int *fd;       /* [slot × workers + worker], until the workers have them */
    struct tee **tee;
    size_t tees;
    struct worker worker[CONFIG_WORKERS];
    uint32_t workers, started, gone, held;
    bool holding, has_held[CONFIG_WORKERS];
    uint64_t furthest; /* of the held ones */
    struct error error;
    struct hash_key key;
    struct sandbox_user user; /* live: whom the worker becomes; else it stays who we are */
    struct capture *capture;  /* workers 0: the thread */
    struct capture_file *file;
};

uint32_t feed_rings(const struct config *config)
{
    return config->workers > 0 ? config->workers : 1;
}

/* --- inputs ---------------------------------------------------------------------------------- */

/* Descriptors that are passed count with whoever sends them until they are taken. */
static int allow_descriptors(struct feed *feed)
{
    struct rlimit limit;
    rlim_t spare = 64, need = feed->config.input_count * (feed->workers + 1) + spare;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return 0;
    if (limit.rlim_max < need)
        return error_set(&feed->error, ERROR_RUN,
                         "%zu inputs and %u workers need %llu open files, and %llu are allowed "
                         "(ulimit -n)",
                         feed->config.input_count, feed->workers, (unsigned long long)need,
                         (unsigned long long)limit.rlim_max);
    limit.rlim_cur = need;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return 0;
    return error_set(&feed->error, ERROR_RUN, "cannot have %llu open files: %s",
                     (unsigned long long)need, strerror(errno));
}

static int open_input(struct capture_input *input, struct stat *st)
{
    if (strlen(input->path) >= ROLE_PATH_MAX)
        return error_set(&input->error, ERROR_INPUT, "%.80s…: the name is too long", input->path);
    int fd = source_descriptor(input->path, &input->error);
    if (fd < 0 || fstat(fd, st) == 0)
        return fd;
    error_set(&input->error, ERROR_INPUT, "%s: %s", input->path, strerror(errno));
    close(fd);
    return -1;
}

/* A descriptor of its own for each worker: a file is opened again, a pipe is copied. */
static int share_input(struct feed *feed, const struct capture_input *input, int fd, bool is_file,
                       int to[])
{
    if (feed->workers == 1) {
        to[0] = fd;
        return 0;
    }
    if (!is_file) {
        struct tee *tee = tee_new(fd, to, feed->workers, &feed->error);
        if (tee)
            feed->tee[feed->tees++] = tee;
        return tee ? 0 : -1;
    }
    to[0] = fd;
    for (uint32_t w = 1; w < feed->workers; w++) {
        char *again = xasprintf("/proc/self/fd/%d", fd);
        to[w] = open(again, O_RDONLY | O_CLOEXEC);
        free(again);
        if (to[w] < 0)
            return error_set(&feed->error, ERROR_RUN, "%s: cannot be opened for worker %u: %s",
                             input->path, w, strerror(errno));
    }
    return 0;
}

/* Interfaces are opened by their worker, in its privileged stage. */
static int open_interfaces(struct feed *feed)
{
    for (; feed->slots < feed->config.input_count; feed->slots++)
        feed->slot[feed->slots] = feed->slots;
    if (geteuid() == 0 && state_find_user(feed->config.config, &feed->user, &feed->error) != 0)
        return -1;
    feed->recent_fd = recent_create(&feed->error);
    return feed->recent_fd < 0 ? -1 : 0;
}

static int open_inputs(struct feed *feed)
{
    if (feed->config.live)
        return open_interfaces(feed);
    for (size_t i = 0; i < feed->config.input_count; i++) {
        struct capture_input *input = &feed->input[i];
        struct stat st = {.st_mode = 0};
        int fd = open_input(input, &st);
        if (fd < 0)
            continue;
        if (S_ISREG(st.st_mode))
            feed->opened[i] = st;
        feed->slot[feed->slots] = i;
        int *to = feed->fd + feed->slots++ * feed->workers;
        if (share_input(feed, input, fd, S_ISREG(st.st_mode), to) != 0)
            return -1;
    }
    if (feed->slots > 0)
        return 0;
    feed->error = feed->input[0].error;
    return -1;
}

static void close_inputs(struct feed *feed)
{
    for (size_t i = 0; feed->fd && i < feed->config.input_count * feed->workers; i++)
        if (feed->fd[i] >= 0)
            close(feed->fd[i]);
    free(feed->fd);
    feed->fd = NULL;
}

/* --- workers --------------------------------------------------------------------------------- */

static void look_again(struct feed *feed)
{
    feed->config.loop.ops->stop(feed->config.loop.loop);
}

static void on_ready(void *context, struct worker *worker)
{
    (void)context;
    worker_begin(worker);
}

static void on_begun(void *context, struct worker *worker)
{
    (void)worker;
    look_again(context);
}

static void on_held(void *context, struct worker *worker, uint64_t packets)
{
    struct feed *feed = context;
    if (!feed->holding || feed->has_held[worker->number])
        return; /* nobody asked it */
    feed->has_held[worker->number] = true;
    if (packets > feed->furthest)
        feed->furthest = packets;
    if (++feed->held < feed->workers - feed->gone)
        return;
    for (uint32_t i = 0; i < feed->workers; i++)
        worker_finish_at(&feed->worker[i], feed->furthest);
}

static void on_input(void *context, struct worker *worker, uint32_t index,
                     const struct input_answer *answer)
{
    struct feed *feed = context;
    if (index >= feed->slots)
        return;
    struct capture_input *input = &feed->input[feed->slot[index]];
    if (input->error.code == ERROR_NONE)
        input->error = answer->error;
    input->unjoined += answer->unjoined;
    if (worker->number != 0)
        return;
    input->packets = answer->packets;
    input->bytes = answer->bytes;
    input->outside = answer->outside;
    input->first.ns = answer->first_ns;
    input->last.ns = answer->last_ns;
    input->begins.ns = answer->begins_ns;
    input->ends.ns = answer->ends_ns;
    input->longest_cut = answer->longest_cut;
    memcpy(input->sha256, answer->sha256, SHA256_SIZE);
    input->notes = answer->notes;
    if (*answer->link && !input->link)
        input->link = feed->link[feed->slot[index]] = xstrdup(answer->link);
    if (*answer->packed && !input->packed)
        input->packed = feed->packed[feed->slot[index]] = xstrdup(answer->packed);
}

/* Whatever was not read to its end was read by somebody who died. */
static void blame(struct feed *feed, const struct worker *worker)
{
    for (size_t i = worker->inputs; i < feed->slots; i++) {
        struct capture_input *input = &feed->input[feed->slot[i]];
        input->error = (struct error){ERROR_NONE, ""}; /* a death says more than what it led to */
        error_set(&input->error, ERROR_INPUT,
                  "%s: its reader (capture worker %u) died (%s); what it had told was judged",
                  input->path, worker->number, worker->death);
    }
}

static void on_gone(void *context, struct worker *worker)
{
    struct feed *feed = context;
    feed->gone++;
    if (worker->failure.code != ERROR_NONE && feed->error.code == ERROR_NONE)
        feed->error = worker->failure;
    if (worker->state == WORKER_LOST) {
        blame(feed, worker);
        feed->config.lost(feed->config.context, worker->number, worker->death);
    }
    look_again(feed);
}

static const struct worker_events events = {on_ready, on_begun, on_held, on_input, on_gone, NULL};

static int start_worker(struct feed *feed, uint32_t number)
{
    struct capture_file *file = xcalloc(feed->slots, sizeof *file);
    for (size_t i = 0; i < feed->slots; i++)
        file[i] = (struct capture_file){feed->input[feed->slot[i]].path,
                                        feed->fd[i * feed->workers + number]};
    struct worker_config config = {.number = number,
                                   .workers = feed->workers,
                                   .config = feed->config.config,
                                   .filter = feed->config.filter,
                                   .ring = &feed->config.rings[number],
                                   .files = file,
                                   .file_count = feed->config.live ? 0 : feed->slots,
                                   .recent_fd = feed->recent_fd,
                                   .follow = feed->config.follow,
                                   .times = feed->config.times,
                                   .pick = feed->config.pick,
                                   .pick_fd = feed->config.pick_fd,
                                   .wanted = feed->config.wanted,
                                   .cpu = -1,
                                   .key = &feed->key,
                                   .user = feed->user,
                                   .loop = feed->config.loop,
                                   .events = &events,
                                   .context = feed};
    int failed = worker_start(&feed->worker[number], &config, &feed->error);
    free(file);
    return failed;
}

static bool all_begun(const struct feed *feed)
{
    for (uint32_t i = 0; i < feed->workers; i++) {
        const struct worker *worker = &feed->worker[i];
        if (worker->state < WORKER_RUNNING || (worker->state == WORKER_RUNNING && !worker->begun))
            return false;
    }
    return true;
}

static int start_workers(struct feed *feed)
{
    if (open_inputs(feed) != 0)
        return -1;
    for (; feed->started < feed->workers; feed->started++)
        if (start_worker(feed, feed->started) != 0)
            return -1;
    close_inputs(feed);
    while (!all_begun(feed))
        feed->config.loop.ops->run(feed->config.loop.loop);
    return feed->error.code == ERROR_NONE ? 0 : -1;
}

/* --- the thread ------------------------------------------------------------------------------ */

static void name_inputs(struct feed *feed, struct capture_config *capture,
                        struct capture_interface interface[])
{
    const struct config *config = feed->config.config;
    feed->file = xcalloc(feed->config.input_count, sizeof *feed->file);
    for (size_t i = 0; i < feed->config.input_count; i++)
        feed->file[i] = (struct capture_file){feed->config.inputs[i], -1};
    for (size_t i = 0; i < config->interface_count; i++)
        interface[i] =
            (struct capture_interface){config->interface[i].name, config_vantage(config, i)};
    if (feed->config.live)
        capture->interfaces = interface, capture->interface_count = config->interface_count;
    else
        capture->files = feed->file, capture->file_count = feed->config.input_count;
}

static int start_thread(struct feed *feed)
{
    struct content_pattern pattern[CONFIG_PATTERNS];
    struct capture_interface interface[CONFIG_INTERFACES];
    struct capture_config capture = {
        .snaplen = feed->config.config->snaplen,
        .buffer_mib = feed->config.config->buffer_mib,
        .promiscuous = true,
        .follow = feed->config.follow,
        .times = feed->config.times,
        .filter = feed->config.filter,
        .workers = 1,
        .ring = feed->config.rings[0],
        .blocking = !feed->config.live,
        .recent_fd = -1,
        .pick = feed->config.pick,
        .pick_fd = feed->config.pick_fd,
        .wanted = feed->config.wanted,
        .decoder = feed->config.config->decoder,
        .flow = flow_config_default(),
        .content = role_content_config(feed->config.config, &feed->key, pattern)};
    name_inputs(feed, &capture, interface);
    feed->capture = capture_open(&capture, &feed->error);
    return feed->capture ? capture_start(feed->capture, &feed->error) : -1;
}

/* --- files that are followed -------------------------------------------------------------------
 */

/* A log rotator has put another file in its place, or none: what was opened is still read. */
static void look_at_paths(void *context)
{
    struct feed *feed = context;
    for (size_t i = 0; i < feed->config.input_count; i++) {
        struct stat st, *opened = &feed->opened[i];
        if (opened->st_ino == 0 || (stat(feed->config.inputs[i], &st) == 0 &&
                                    st.st_ino == opened->st_ino && st.st_dev == opened->st_dev))
            continue;
        opened->st_ino = 0; /* said once */
        log_warn("%s: this name is another file's now, or nobody's: the one it was is followed on",
                 feed->config.inputs[i]);
    }
}

/* The thread's inputs are opened by capture: here only what their paths name. */
static void watch_paths(struct feed *feed)
{
    if (!feed->config.follow)
        return;
    for (size_t i = 0; feed->workers == 0 && i < feed->config.input_count; i++)
        if (stat(feed->config.inputs[i], &feed->opened[i]) != 0 ||
            !S_ISREG(feed->opened[i].st_mode))
            feed->opened[i].st_ino = 0;
    feed->look =
        feed->config.loop.ops->timer(feed->config.loop.loop, NS_PER_S, look_at_paths, feed);
}

/* --- start and end --------------------------------------------------------------------------- */

void feed_key(struct hash_key *key)
{
    hash_key_init(key, "weir replay", 11);
}

int feed_start(struct feed **made, const struct feed_config *config, struct error *error)
{
    struct feed *feed = xcalloc(1, sizeof *feed);
    *made = feed;
    feed->config = *config;
    feed->workers = config->config->workers;
    feed->recent_fd = -1;
    feed_key(&feed->key);
    feed->input = xcalloc(config->input_count, sizeof *feed->input);
    feed->link = xcalloc(config->input_count, sizeof(char *));
    feed->packed = xcalloc(config->input_count, sizeof(char *));
    feed->opened = xcalloc(config->input_count, sizeof *feed->opened);
    feed->slot = xcalloc(config->input_count, sizeof *feed->slot);
    feed->tee = xcalloc(config->input_count, sizeof(struct tee *));
    feed->fd = xcalloc(config->input_count * feed->workers + 1, sizeof *feed->fd);
    for (size_t i = 0; i < config->input_count * feed->workers; i++)
        feed->fd[i] = -1;
    for (size_t i = 0; i < config->input_count; i++)
        feed->input[i] = (struct capture_input){.path = config->inputs[i],
                                                .first = PTIME_MAX,
                                                .last = PTIME_MIN,
                                                .begins = PTIME_MAX,
                                                .ends = PTIME_MIN};
    watch_paths(feed);
    if (allow_descriptors(feed) == 0 &&
        (feed->workers > 0 ? start_workers : start_thread)(feed) == 0)
        return 0;
    *error = feed->error;
    return -1;
}

void feed_interrupt(struct feed *feed)
{
    if (feed->capture)
        capture_stop(feed->capture);
    feed->holding = true;
    for (uint32_t i = 0; i < feed->started; i++)
        (feed->config.live ? worker_stop : worker_hold)(&feed->worker[i]);
}

void feed_join(struct feed *feed)
{
    if (feed->capture)
        capture_join(feed->capture);
    while (feed->gone < feed->started)
        feed->config.loop.ops->run(feed->config.loop.loop);
}

bool feed_has_gone(const struct feed *feed, struct error *error)
{
    *error = feed->error;
    return feed->started > 0 && feed->gone == feed->started;
}

void feed_progress_of(const struct feed *feed, struct feed_progress *progress)
{
    struct capture_status status = {0};
    if (feed->capture)
        capture_status_of(feed->capture, &status);
    for (uint32_t i = 0; i < feed->workers; i++) /* as far as the slowest is */
        if (i == 0 || feed->worker[i].status.bytes_read < status.bytes_read)
            status = feed->worker[i].status;
    *progress = (struct feed_progress){status.packets, status.bytes_read, status.bytes_total,
                                       status.time_ns};
}

size_t feed_place(const struct feed *feed, uint32_t number)
{
    return feed->capture ? number : feed->slot[number];
}

uint32_t feed_opened(const struct feed *feed)
{
    return (uint32_t)(feed->capture ? feed->config.input_count : feed->slots);
}

const struct capture_input *feed_inputs(const struct feed *feed, size_t *count)
{
    if (feed->capture)
        return capture_inputs(feed->capture, count);
    *count = feed->config.input_count;
    return feed->input;
}

void feed_settle(struct feed *feed)
{
    if (feed->look)
        feed->config.loop.ops->drop(feed->look);
    feed->look = NULL;
    for (uint32_t i = 0; i < feed->started; i++)
        worker_fini(&feed->worker[i]);
    feed->started = 0;
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    capture_free(feed->capture);
    feed_settle(feed);
    close_inputs(feed);
    if (feed->recent_fd >= 0)
        close(feed->recent_fd);
    for (size_t i = 0; i < feed->tees; i++)
        tee_free(feed->tee[i]);
    for (size_t i = 0; i < feed->config.input_count; i++)
        free(feed->link[i]);
    for (size_t i = 0; i < feed->config.input_count; i++)
        free(feed->packed[i]);
    free(feed->link);
    free(feed->packed);
    free(feed->opened);
    free(feed->tee);
    free(feed->input);
    free(feed->slot);
    free(feed->file);
    free(feed);
}
