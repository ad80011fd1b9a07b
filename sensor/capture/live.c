/* Live capture.
 *
 * Merging. One packet of each interface is in hand; the oldest is taken when all have one, or when
 * it is older than HOLD_NS: what another interface still holds back in a block cannot be older than
 * that. A packet that claims to be from the future is taken at once, since waiting for its time
 * would hold up the others.
 *
 * Time. Packets move the clock. When none has moved it for IDLE_NS, wall time does: the last
 * packet's time plus what passed since, less LAG_NS, so that a packet which is on its way still
 * comes in order. So expiries, progress reports and watermarks go on, and an idle worker never
 * holds up the others. The system's clock is asked only before the first packet, and for the merge.
 *
 * An interface that goes down comes back by itself; one that disappears is marked gone, and the
 * others go on. Thread: the capture thread, after live_start. */
#include "live.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOLD_NS  (2 * NS_PER_MS * INTERFACE_BLOCK_MS)
#define RETRY_NS NS_PER_MS /* an interface that had nothing is asked again after this */
#define IDLE_NS  NS_PER_S
#define LAG_NS   (500 * NS_PER_MS)
#define LOOK_NS  NS_PER_S
#define POLL_MS  100

/* --- start and end --------------------------------------------------------------------------- */

int live_open(struct live *live, const struct capture_config *config, struct capture_input *input,
              struct meter *meter, struct error *error)
{
    uint32_t up = 0, gone = 0;
    live->at = xcalloc(config->interface_count, sizeof *live->at);
    for (size_t i = 0; i < config->interface_count; i++) {
        struct live_interface *it = &live->at[i];
        input[i] = (struct capture_input){
            .path = config->interfaces[i].name, .first = PTIME_MAX, .last = PTIME_MIN};
        it->input = &input[i];
        live->count++;
        if (interface_open(&it->interface, config, i, error) != 0)
            return -1;
        it->gone = !it->interface.pcap;
        gone |= (uint32_t)it->gone << i;
        up |= (uint32_t)it->interface.up << i;
        if (!it->gone)
            input[i].link = pcap_datalink_val_to_name(pcap_datalink(it->interface.pcap));
    }
    METER_SET(meter, interfaces_up, up);
    METER_SET(meter, interfaces_gone, gone);
    return 0;
}

size_t live_sockets(const struct live *live, int fd[], size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < live->count && count < room; i++)
        if (!live->at[i].gone)
            fd[count++] = live->at[i].interface.fd;
    return count;
}

int live_start(struct live *live, struct error *error)
{
    /* What came before the filters is in a block that the kernel has handed over by then. */
    poll(NULL, 0, 2 * INTERFACE_BLOCK_MS);
    live->base.ns = ptime_now().ns; /* from here on it sees: no packet of it can be older */
    for (size_t i = 0; i < live->count; i++)
        if (interface_start(&live->at[i].interface, error) != 0)
            return -1;
    return 0;
}

void live_close(struct live *live)
{
    for (size_t i = 0; i < live->count; i++)
        interface_close(&live->at[i].interface);
    free(live->at);
    *live = (struct live){.count = 0};
}

/* --- the merge ------------------------------------------------------------------------------- */

static void lose(struct live_interface *it, const char *why)
{
    if (it->gone)
        return;
    it->gone = true;
    it->interface.up = false;
    log_warn("interface %s: %s: going on without it", it->interface.name, why);
    error_set(&it->input->error, ERROR_INPUT, "%s: gone after %llu packets: %s", it->input->path,
              (unsigned long long)it->input->packets, why);
}

static void fill(struct live_interface *it, int64_t now_ns)
{
    bool fresh = it->empty_ns <= now_ns && now_ns < it->empty_ns + RETRY_NS;
    if (it->pending || it->gone || fresh)
        return;
    enum interface_result result = interface_next(&it->interface, &it->raw);
    it->pending = result == INTERFACE_PACKET;
    it->empty_ns = now_ns;
    it->of_the_future = it->pending && it->raw.time.ns > now_ns + NS_PER_DAY;
    if (it->of_the_future) /* a card whose clock is wrong: the engine believes no such time either
                            */
        it->raw.time.ns = now_ns;
    if (result == INTERFACE_GONE)
        lose(it, pcap_geterr(it->interface.pcap));
}

/* The interface of the oldest packet in hand; *all: every one has a packet in hand. */
static struct live_interface *oldest(struct live *live, int64_t now_ns, bool *all)
{
    struct live_interface *best = NULL;
    *all = true;
    for (size_t i = 0; i < live->count; i++) {
        struct live_interface *it = &live->at[i];
        fill(it, now_ns);
        if (it->pending && (!best || it->raw.time.ns < best->raw.time.ns))
            best = it;
        *all &= it->pending || it->gone;
    }
    return best;
}

/* The next packet's interface; NULL when there is none or it must wait. *oldest_ns: its time. */
static struct live_interface *choose(struct live *live, int64_t now_ns, int64_t *oldest_ns)
{
    bool all;
    struct live_interface *best = oldest(live, now_ns, &all);
    *oldest_ns = best ? best->raw.time.ns : INT64_MAX;
    bool due = *oldest_ns <= now_ns - HOLD_NS || *oldest_ns > now_ns + HOLD_NS;
    return best && (all || due) ? best : NULL;
}

/* Until an interface without a packet in hand has one, or the one in hand is due. */
static void wait_for_packets(struct live *live, const struct brake *brake, int64_t left_ns)
{
    struct pollfd wait[CAPTURE_INTERFACES + 1] = {{.fd = brake->wake_event, .events = POLLIN}};
    int timeout_ms = left_ns < 0                     ? 0
                     : left_ns < POLL_MS * NS_PER_MS ? (int)(left_ns / NS_PER_MS) + 1
                                                     : POLL_MS;
    nfds_t count = 1;
    for (size_t i = 0; i < live->count; i++)
        if (!live->at[i].pending && !live->at[i].gone)
            wait[count++] = (struct pollfd){.fd = live->at[i].interface.fd, .events = POLLIN};
    poll(wait, count, timeout_ms);
    for (size_t i = 0; i < live->count; i++)
        live->at[i].empty_ns = INT64_MIN;
}

/* --- time and counters ----------------------------------------------------------------------- */

/* Only worker 0 counts what the cards dropped: all workers look at the same cards. */
static void look(struct live *live, struct worker *worker)
{
    uint64_t received = 0, drops = 0, card_drops = 0;
    uint32_t up = 0, gone = 0;
    for (size_t i = 0; i < live->count; i++) {
        struct live_interface *it = &live->at[i];
        interface_look(&it->interface);
        if (interface_is_gone(&it->interface))
            lose(it, "it has disappeared");
        received += it->interface.received;
        drops += it->interface.drops;
        card_drops += it->interface.card_drops;
        up |= (uint32_t)(it->interface.up && !it->gone) << i;
        gone |= (uint32_t)it->gone << i;
    }
    worker->health.kernel_drops = drops;
    worker->health.interface_drops = worker->index == 0 ? card_drops : 0;
    METER_SET(worker->meter, kernel_received, received);
    METER_SET(worker->meter, kernel_drops, drops);
    METER_SET(worker->meter, interface_drops, worker->health.interface_drops);
    METER_SET(worker->meter, interfaces_up, up);
    METER_SET(worker->meter, interfaces_gone, gone);
    worker_show(worker);
}

static void keep_time(struct live *live, struct worker *worker)
{
    struct wtime now = wtime_now();
    int64_t idle_ns = now.ns - live->moved.ns;
    if (idle_ns >= IDLE_NS)
        worker_idle(worker, (struct ptime){live->base.ns + idle_ns - LAG_NS});
    if (now.ns - live->looked.ns >= LOOK_NS) {
        look(live, worker);
        live->looked = now;
    }
    if (worker->held)
        evidence_ring_tend(worker->held);
    meter_turn(worker->meter);
}

static void take(struct live *live, struct live_interface *it, struct worker *worker)
{
    struct ptime before = worker->clock;
    worker->health.time_jumps += it->of_the_future;
    worker_packet(worker, it->input, &it->raw, it->interface.vantage, false);
    it->pending = false;
    it->empty_ns = INT64_MIN;
    if (worker->clock.ns > before.ns) {
        live->base = worker->clock;
        live->moved = wtime_now();
    }
}

/* What the kernel held when it was told to stop: the blocks, with the last one handed over. It is
 * no more than their size, for nothing new is let in. */
static void take_rest(struct live *live, struct worker *worker)
{
    bool all;
    for (size_t i = 0; i < live->count; i++)
        if (!live->at[i].gone && interface_stop(&live->at[i].interface) != 0)
            lose(&live->at[i], strerror(errno));
    poll(NULL, 0, 2 * INTERFACE_BLOCK_MS);
    int64_t now_ns = ptime_now().ns;
    for (size_t i = 0; i < live->count; i++)
        live->at[i].empty_ns = INT64_MIN;
    for (struct live_interface *it; (it = oldest(live, now_ns, &all)) != NULL;) {
        take(live, it, worker);
        meter_turn(worker->meter);
    }
}

void live_run(struct live *live, struct worker *worker, struct brake *brake)
{
    live->moved = live->looked = wtime_now();
    worker_idle(worker, live->base);
    for (size_t i = 0; i < live->count; i++)
        live->at[i].empty_ns = INT64_MIN;
    while (!brake_is_over(brake)) {
        int64_t now_ns = ptime_now().ns, oldest_ns;
        struct live_interface *next = choose(live, now_ns, &oldest_ns);
        if (next && brake_take(brake))
            take(live, next, worker);
        else
            wait_for_packets(live, brake,
                             oldest_ns == INT64_MAX ? INT64_MAX : oldest_ns + HOLD_NS - now_ns);
        keep_time(live, worker);
    }
    take_rest(live, worker);
    look(live, worker);
}
