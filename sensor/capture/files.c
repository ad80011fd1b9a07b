/* Replaying. Paths are opened first, while that is allowed; heads are parsed later, where it is
 * safe. Inputs are merged by packet time: each is a lane with one packet in hand, the lane whose
 * packet is earliest goes next. What is in hand has been through the lane's foresight, so that one
 * wild time stamp does not send its whole input to the end of the merge.
 *
 * Of several files each is looked at for the time of its first packet and put to sleep until that
 * is due: a ring buffer's thousand files are open one after the other, whatever the order they were
 * named in. What cannot be read twice (a pipe) or grows (--follow) stays open.
 *
 * A packet counts as taken (brake.h) when it is read. Told to end there, what is in hand is told as
 * at the end of the input: so every worker tells the same when they end at the same count.
 *
 * Thread: opened and started by one, read by the capture thread. */
#include "files.h"

#include "weir/base/buffer.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOW_PACKETS 1024
#define MANY         16          /* inputs; of more each has … */
#define MANY_BUFFER  (64u << 10) /* … buffers of this size, and no thread for its digest */
/* What is read at once and worth waking a thread: a followed file, or a pipe, may give less. */
#define ASIDE_BYTES (16u << 10)

/* --- opening -----------------------------------------------------------------------------------
 */

/* That this process may use. */
static int processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

int files_open(struct files *files, const struct capture_config *config,
               struct capture_input *input, struct error *error)
{
    bool any = false;
    files->count = config->file_count;
    files->follow = config->follow;
    files->processors = processors();
    files->file = xcalloc(files->count, sizeof *files->file);
    files->link = xcalloc(files->count, sizeof *files->link);
    files->lane = xcalloc(files->count, sizeof *files->lane);
    files->heap = xcalloc(files->count, sizeof(struct lane *));
    for (size_t i = 0; i < files->count; i++) {
        struct capture_file *file = &files->file[i];
        *file = config->files[i];
        input[i] = (struct capture_input){.path = file->path,
                                          .number = (uint32_t)i,
                                          .first = PTIME_MAX,
                                          .last = PTIME_MIN,
                                          .begins = PTIME_MAX,
                                          .ends = PTIME_MIN};
        if (file->fd < 0)
            file->fd = source_descriptor(file->path, &input[i].error);
        any |= file->fd >= 0;
    }
    if (!any) {
        *error = input[0].error;
        return -1;
    }
    files->filter = filter_new(config->filter, error);
    return files->filter ? 0 : -1;
}

/* --- one lane ----------------------------------------------------------------------------------
 */

/* Until a packet is in hand or there is none. `taken`: each packet read counts. */
static void fill(struct files *files, struct lane *lane, bool taken)
{
    struct foresight *f = &lane->foresight;
    while (!(lane->has = foresight_take(f, &lane->raw, &lane->jumped)) && !f->ended) {
        struct packet_raw raw;
        lane->got =
            files->over ? SOURCE_STOPPED : source_next(lane->source, &raw, &lane->input->error);
        if (lane->got == SOURCE_PACKET && taken && !brake_take(files->brake))
            lane->got = SOURCE_STOPPED;
        lane->ahead -= lane->ahead > 0;
        if (lane->got == SOURCE_PACKET && foresight_pass(f, &raw)) {
            lane->raw = raw;
            lane->jumped = false;
            lane->has = true;
            return;
        }
        if (lane->got == SOURCE_PACKET)
            foresight_put(f, &raw);
        else
            f->ended = true;
        files->over |= lane->got == SOURCE_STOPPED;
    }
}

static void count_open(struct files *files, struct lane *lane, bool open)
{
    size_t packed = lane->input->packed != NULL;
    if (lane->counted == open)
        return;
    lane->counted = open;
    files->open = open ? files->open + 1 : files->open - 1;
    files->open_packed = open ? files->open_packed + packed : files->open_packed - packed;
}

/* Counts it too. */
static bool may_open(struct files *files, struct lane *lane)
{
    struct error *error = &lane->input->error;
    if (files->open >= CAPTURE_OPEN)
        error_set(error, ERROR_INPUT, "%s: not read: more than %d inputs overlap in time",
                  lane->input->path, CAPTURE_OPEN);
    else if (files->open_packed >= CAPTURE_OPEN_PACKED && lane->input->packed)
        error_set(error, ERROR_INPUT,
                  "%s: not read: more than %d compressed inputs overlap in time (unpack them)",
                  lane->input->path, CAPTURE_OPEN_PACKED);
    else
        count_open(files, lane, true);
    return lane->counted;
}

static void reset(struct lane *lane)
{
    foresight_fini(&lane->foresight);
    lane->foresight = (struct foresight){.clock = PTIME_MIN};
}

/* The time of the first packet is the lane's place in the merge until it is due. */
static void put_to_sleep(struct files *files, struct lane *lane)
{
    fill(files, lane, false);
    if (!lane->has)
        lane->raw.time = PTIME_MIN; /* its problem, or its emptiness, is said at once */
    source_sleep(lane->source);
    reset(lane);
    lane->has = false;
    lane->asleep = true;
}

static void wake(struct files *files, struct lane *lane)
{
    lane->asleep = false;
    if (files->over) {
        lane->got = SOURCE_STOPPED;
        return;
    }
    lane->got = SOURCE_DAMAGED;
    if (may_open(files, lane) && source_wake(lane->source, &lane->input->error) == 0)
        fill(files, lane, true);
}

/* --- starting ----------------------------------------------------------------------------------
 */

/* A followed file has no more for now: what was told can be judged. */
static void on_idle(void *context)
{
    const struct files *files = context;
    if (files->worker)
        worker_pause(files->worker);
}

static void note(struct files *files, const struct lane *lane)
{
    char *link = files->link[lane->index];
    memcpy(link, source_link_name(lane->source), strlen(source_link_name(lane->source)) + 1);
    lane->input->link = link;
    if (source_packed(lane->source))
        lane->input->packed = source_packed(lane->source);
    source_notes_of(lane->source, &lane->input->notes);
}

/* 0 also when this one cannot be read. */
static int start_lane(struct files *files, size_t i, struct capture_input *input,
                      const struct source_options *options, struct error *error)
{
    struct lane *lane = &files->lane[files->lanes];
    int fd = files->file[i].fd;
    files->file[i].fd = -1; /* source_open takes it */
    *lane = (struct lane){.input = input, .index = i, .foresight = {.clock = PTIME_MIN}};
    lane->source = fd < 0 ? NULL : source_open(input->path, fd, options, &input->error);
    if (!lane->source && fd >= 0 && input->error.code != ERROR_INPUT) {
        *error = input->error; /* a filter that does not compile is everybody's failure */
        return -1;
    }
    if (!lane->source)
        return 0;
    note(files, lane);
    METER_SET(files->brake->meter, bytes_total,
              METER_GET(files->brake->meter, bytes_total) + source_size(lane->source));
    if (files->count > 1 && source_can_sleep(lane->source)) {
        put_to_sleep(files, lane);
    } else if (!may_open(files, lane)) {
        source_free(lane->source);
        return 0;
    }
    files->lanes++;
    return 0;
}

/* Threads are as many as inputs, so there are some for few of them only. */
static size_t aside_bytes(const struct files *files)
{
    return files->processors > 1 && files->count <= MANY ? ASIDE_BYTES : 0;
}

int files_start(struct files *files, struct capture_input *input, bool digest, struct brake *brake,
                struct error *error)
{
    struct source_options options = {.filter = files->filter,
                                     .brake = brake,
                                     .digest = digest,
                                     .digest_aside = aside_bytes(files),
                                     .follow = files->follow,
                                     .buffer_bytes = files->count > MANY ? MANY_BUFFER : 0,
                                     .idle = on_idle,
                                     .idle_context = files};
    files->brake = brake;
    for (size_t i = 0; i < files->count; i++)
        if (start_lane(files, i, &input[i], &options, error) != 0)
            return -1;
    if (files->lanes > 0)
        return 0;
    *error = input[0].error;
    return -1;
}

/* --- the merge ---------------------------------------------------------------------------------
 */

static bool earlier(const struct lane *a, const struct lane *b)
{
    if (a->raw.time.ns != b->raw.time.ns)
        return a->raw.time.ns < b->raw.time.ns;
    return a < b; /* as named */
}

static void sink(struct files *files, size_t i)
{
    struct lane *lane = files->heap[i];
    for (size_t child; (child = 2 * i + 1) < files->heap_count; i = child) {
        if (child + 1 < files->heap_count && earlier(files->heap[child + 1], files->heap[child]))
            child++;
        if (!earlier(files->heap[child], lane))
            break;
        files->heap[i] = files->heap[child];
    }
    files->heap[i] = lane;
}

static void drop_first(struct files *files)
{
    files->heap[0] = files->heap[--files->heap_count];
    if (files->heap_count > 0)
        sink(files, 0);
}

/* --- telling -----------------------------------------------------------------------------------
 */

/* What the writer of the capture lost is lost to us; one worker says it for all. */
static void tell_drops(struct files *files, struct lane *lane)
{
    struct source_notes notes;
    source_notes_of(lane->source, &notes);
    if (files->worker->index == 0) {
        files->worker->health.kernel_drops += notes.kernel_drops - lane->kernel_drops;
        files->worker->health.interface_drops += notes.interface_drops - lane->interface_drops;
    }
    lane->kernel_drops = notes.kernel_drops;
    lane->interface_drops = notes.interface_drops;
}

static void show(struct files *files, struct lane *lane)
{
    uint64_t bytes = source_bytes_read(lane->source);
    files->bytes_read += bytes - lane->bytes_shown;
    lane->bytes_shown = bytes;
    METER_SET(files->worker->meter, bytes_read, files->bytes_read);
    worker_show(files->worker);
    tell_drops(files, lane);
}

static void say_how_it_ended(const struct files *files, const struct lane *lane)
{
    struct capture_input *input = lane->input;
    if (lane->got == SOURCE_STOPPED && !files->follow)
        error_set(&input->error, ERROR_INPUT, "%s: interrupted after %llu packets", input->path,
                  (unsigned long long)input->packets);
    if (input->notes.log.kind == LOG_OTHER)
        error_set(&input->error, ERROR_INPUT,
                  "%s: a log that is not read (expected Zeek's conn, dns, http, quic or ssl, "
                  "Suricata's EVE or nfdump's CSV)",
                  input->path);
    if (input->packets > 0 && input->unread_link == input->packets)
        error_set(&input->error, ERROR_INPUT,
                  "%s: none of its %llu packets could be read: link type %s", input->path,
                  (unsigned long long)input->packets, input->link);
}

/* For a digest of the whole: a damaged stream may never end, and its damage is to be said. */
static bool may_read_on(const struct lane *lane)
{
    return lane->got == SOURCE_DAMAGED && source_can_sleep(lane->source);
}

static void finish(struct files *files, struct lane *lane)
{
    struct capture_input *input = lane->input;
    if (lane->counted) {
        note(files, lane);
        if (lane->got == SOURCE_END || may_read_on(lane))
            source_digest(lane->source, input->sha256);
        show(files, lane);
        count_open(files, lane, false);
    }
    say_how_it_ended(files, lane);
    source_free(lane->source);
    lane->source = NULL;
    foresight_fini(&lane->foresight);
}

/* What comes next of this input is in memory already, mostly. */
static void look_ahead(struct files *files, struct lane *lane)
{
    struct packet_raw raw;
    for (; lane->ahead < WORKER_AHEAD && source_ahead(lane->source, &raw); lane->ahead++)
        worker_expect(files->worker, &raw);
}

void files_run(struct files *files, struct worker *worker, struct brake *brake)
{
    files->worker = worker;
    for (size_t i = 0; i < files->lanes; i++) {
        if (!files->lane[i].asleep)
            fill(files, &files->lane[i], true);
        files->heap[files->heap_count++] = &files->lane[i];
    }
    for (size_t i = files->heap_count / 2; i-- > 0;)
        sink(files, i);
    for (uint64_t packets = 1; files->heap_count > 0;) {
        struct lane *lane = files->heap[0];
        if (lane->has) {
            worker->stamp = lane->foresight.stamp;
            worker_packet(worker, lane->input, &lane->raw, 0, lane->jumped);
            meter_turn(brake->meter);
            if (packets++ % SHOW_PACKETS == 0)
                show(files, lane);
            fill(files, lane, true);
            look_ahead(files, lane);
        } else if (lane->asleep) {
            wake(files, lane);
        } else {
            finish(files, lane);
            drop_first(files);
            continue;
        }
        sink(files, 0);
    }
}

void files_close(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->file && files->file[i].fd >= 0)
            close(files->file[i].fd);
    for (size_t i = 0; i < files->lanes; i++) {
        source_free(files->lane[i].source);
        foresight_fini(&files->lane[i].foresight);
    }
    filter_free(files->filter);
    free(files->heap);
    free(files->lane);
    free(files->link);
    free(files->file);
    *files = (struct files){.count = 0};
}
