/* One capture worker's life: opened, started, held or stopped, joined.
 *
 * What it reads is files.c's or live.c's business, what becomes of a packet worker.c's; here the
 * two meet in a thread of their own. The thread shares the ring with the engine, the brake and the
 * meter with whoever watches over it, and nothing else.
 *
 * Threads: see capture.h. The thread owns worker, files and live from capture_start until it ends.
 */
#include "weir/capture/capture.h"

#include "files.h"
#include "live.h"
#include "weir/base/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct capture {
    struct capture_config config;
    struct capture_input *input;
    size_t input_count;
    struct files files;
    struct live live;
    struct worker worker;
    struct brake brake;
    struct meter meter;
    int end_event;
    pthread_t thread;
    bool started;
};

static bool is_live(const struct capture *capture)
{
    return capture->config.interface_count > 0;
}

static void *capture_thread(void *context)
{
    struct capture *c = context;
    uint64_t one = 1;
    if (is_live(c))
        live_run(&c->live, &c->worker, &c->brake);
    else
        files_run(&c->files, &c->worker, &c->brake);
    worker_end(&c->worker);
    METER_SET(&c->meter, ended, true);
    brake_ended(&c->brake);
    if (write(c->end_event, &one, sizeof one) < 0)
        return NULL; /* it is readable already */
    return NULL;
}

/* --- start and end --------------------------------------------------------------------------- */

static int check(const struct capture_config *config, struct error *error)
{
    if (config->workers < 1 || config->workers > CAPTURE_WORKERS ||
        config->worker >= config->workers)
        return error_set(error, ERROR_RUN, "capture: worker %u of %u, expected at most %d",
                         config->worker, config->workers, CAPTURE_WORKERS);
    if ((config->file_count > 0) == (config->interface_count > 0) ||
        config->interface_count > CAPTURE_INTERFACES)
        return error_set(error, ERROR_RUN,
                         "capture: %zu files and %zu interfaces, expected one "
                         "kind, and at most %d interfaces",
                         config->file_count, config->interface_count, CAPTURE_INTERFACES);
    for (size_t i = 0; i < config->interface_count; i++)
        if (config->interfaces[i].vantage >= VANTAGES)
            return error_set(error, ERROR_RUN, "interface %s: vantage %u, expected below %d",
                             config->interfaces[i].name, config->interfaces[i].vantage, VANTAGES);
    return 0;
}

static int open_all(struct capture *c, const struct capture_config *config, struct error *error)
{
    c->end_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (brake_init(&c->brake, &c->meter, error) != 0)
        return -1;
    if (c->end_event < 0)
        return error_set(error, ERROR_RUN, "capture: cannot make an event: %s", strerror(errno));
    int failed = is_live(c) ? live_open(&c->live, config, c->input, &c->meter, error)
                            : files_open(&c->files, config, c->input, error);
    return failed ? failed : worker_open(&c->worker, config, &c->brake, error);
}

struct capture *capture_open(const struct capture_config *config, struct error *error)
{
    if (check(config, error) != 0)
        return NULL;
    struct capture *c = xcalloc(1, sizeof *c);
    c->config = *config;
    c->config.files = NULL; /* they are the caller's; files.c and live.c keep what they need */
    c->config.interfaces = NULL;
    c->input_count = config->file_count + config->interface_count;
    c->input = xcalloc(c->input_count, sizeof *c->input);
    c->brake.wake_event = c->end_event = -1;
    if (open_all(c, config, error) == 0)
        return c;
    capture_free(c);
    return NULL;
}

int capture_start(struct capture *c, struct error *error)
{
    int failed = is_live(c)
                     ? live_start(&c->live, error)
                     : files_start(&c->files, c->input, c->config.worker == 0, &c->brake, error);
    if (failed)
        return failed;
    if (pthread_create(&c->thread, NULL, capture_thread, c) != 0)
        return error_set(error, ERROR_RUN, "cannot start the capture thread");
    c->started = true;
    return 0;
}

void capture_join(struct capture *capture)
{
    if (capture->started)
        pthread_join(capture->thread, NULL);
    capture->started = false;
}

void capture_free(struct capture *capture)
{
    if (!capture)
        return;
    if (capture->started)
        capture_stop(capture);
    capture_join(capture);
    worker_close(&capture->worker);
    files_close(&capture->files);
    live_close(&capture->live);
    brake_fini(&capture->brake);
    if (capture->end_event >= 0)
        close(capture->end_event);
    free(capture->input);
    free(capture);
}

/* --- while it runs --------------------------------------------------------------------------- */

size_t capture_sockets(const struct capture *capture, int fd[], size_t room)
{
    return live_sockets(&capture->live, fd, room);
}

size_t capture_events(const struct capture *capture, int fd[CAPTURE_EVENTS])
{
    fd[0] = capture->end_event;
    fd[1] = capture->brake.wake_event;
    fd[2] = ring_producer_event(capture->worker.emitter.ring);
    return CAPTURE_EVENTS;
}

uint64_t capture_hold(struct capture *capture)
{
    if (is_live(capture) || !capture->started)
        return atomic_load(&capture->brake.packets);
    return brake_hold(&capture->brake);
}

void capture_forget(const struct capture *capture, const struct ip *ip)
{
    if (capture->worker.held)
        evidence_ring_forget(capture->worker.held, ip);
}

bool capture_forget_some(const struct capture *capture, struct held_forgotten *forgotten)
{
    *forgotten = (struct held_forgotten){.packets = 0};
    return !capture->worker.held || evidence_ring_forget_some(capture->worker.held, forgotten);
}

void capture_finish_at(struct capture *capture, uint64_t packets)
{
    brake_finish_at(&capture->brake, packets);
}

void capture_stop(struct capture *capture)
{
    brake_stop(&capture->brake);
}

int capture_end_event(const struct capture *capture)
{
    return capture->end_event;
}

const struct capture_input *capture_inputs(const struct capture *capture, size_t *count)
{
    *count = capture->input_count;
    return capture->input;
}

void capture_status_of(const struct capture *capture, struct capture_status *status)
{
    const struct meter *meter = &capture->meter;
    *status = (struct capture_status){
        .turns = METER_GET(meter, turns),
        .waiting = METER_GET(meter, waiting),
        .ended = METER_GET(meter, ended),
        .packets = atomic_load_explicit(&capture->brake.packets, memory_order_relaxed),
        .wire_bytes = METER_GET(meter, wire_bytes),
        .bytes_read = METER_GET(meter, bytes_read),
        .bytes_total = METER_GET(meter, bytes_total),
        .time_ns = METER_GET(meter, time_ns),
        .kernel_received = METER_GET(meter, kernel_received),
        .kernel_drops = METER_GET(meter, kernel_drops),
        .interface_drops = METER_GET(meter, interface_drops),
        .ring_rejected = METER_GET(meter, ring_rejected),
        .ring_lost = METER_GET(meter, ring_lost),
        .parked = METER_GET(meter, parked),
        .interfaces_up = METER_GET(meter, interfaces_up),
        .interfaces_gone = METER_GET(meter, interfaces_gone),
        .held_packets = METER_GET(meter, held_packets),
        .held_bytes = METER_GET(meter, held_bytes),
        .held_overwritten = METER_GET(meter, held_overwritten),
        .held_oldest_ns = METER_GET(meter, held_oldest_ns),
    };
}
