/* One sink's way.
 *
 *   journal → read → told_look (filter, format) → window → write … flush → taken → place
 *
 * The window holds what was read and not taken, at most WINDOW_LINES and WINDOW_BYTES: a sink that
 * hangs costs no more, and what it lost is given again from there, without reading the journal
 * anew. A sink that does not tell has what it was given once a flush succeeds.
 *
 * What a sink says inside write or flush is noted and settled behind the call, so that no line goes
 * while the sink still looks at it, and no state changes under the loop below.
 *
 * Invariants: place <= what is taken < what is given <= what is read <= the journal's durable
 * sequence number. Thread: the bus's. */
#include "outlet_local.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"
#include "weir/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH       256u
#define BATCH_BYTES ((size_t)1 << 20) /* and one line */
#define DAMAGES     16                /* places passed over in one turn */

/* --- what the sink says ----------------------------------------------------------------------- */

/* Lines that are taken leave the window; so do those refused, when all before them have. */
static void settle(struct outlet *outlet)
{
    struct window *window = &outlet->window;
    bool delivered = false, moved = false;
    while (window->given > 0) {
        const struct window_line *line = window_at(window, 0);
        if (line->sequence > outlet->taken_to && !line->refused)
            break;
        outlet->counts.delivered += !line->refused;
        delivered |= !line->refused;
        moved = true;
        window_pop(window);
    }
    outlet->taken_to = 0;
    if (moved)
        outlet_moved(outlet);
    if (delivered)
        outlet_recovered(outlet);
}

static void on_taken(void *context, uint64_t sequence)
{
    struct outlet *outlet = context;
    if (sequence == 0)
        outlet_moved(outlet);
    if (sequence > outlet->taken_to)
        outlet->taken_to = sequence;
    if (outlet->calling)
        return;
    bool was_full = window_full(&outlet->window);
    settle(outlet);
    if (was_full && !window_full(&outlet->window))
        outlet->config.ask(outlet->config.context);
}

static void on_refused(void *context, uint64_t sequence, const char *why)
{
    struct outlet *outlet = context;
    struct error error = {0};
    struct window_line *line = window_find(&outlet->window, sequence);
    if (!line || line->refused)
        return;
    line->refused = true;
    outlet->counts.refused++;
    outlet_refusal(outlet, why);
    if (dead_letters_put(&outlet->letters, sequence, why, line->record, line->record_size,
                         &error) != 0) {
        if (outlet->counts.lost_letters++ == 0)
            log_warn("sink %s: %s; what it refuses is in the journal only", outlet->name,
                     error.message);
        outlet_note(outlet, &error);
    }
    if (!outlet->calling)
        settle(outlet);
}

static void on_failed(void *context, const struct error *error)
{
    struct outlet *outlet = context;
    if (!outlet->sink) /* it is being closed, and has nothing under way any more */
        return;
    if (!outlet->calling) {
        outlet_trouble(outlet, error);
        return;
    }
    outlet->failed = true;
    outlet->why = *error;
}

static void on_ready(void *context)
{
    struct outlet *outlet = context;
    outlet->full = false;
    outlet->readied = true;
    outlet->config.ask(outlet->config.context);
}

/* --- reading ---------------------------------------------------------------------------------- */

enum reading { READ_NONE, READ_PASSED, READ_HELD };

static char *copy_of(const char *text, size_t size)
{
    char *copy = xcalloc(1, size + 1);
    memcpy(copy, text, size);
    return copy;
}

static enum reading hold(struct outlet *outlet, struct told *told, uint64_t sequence)
{
    const struct sink_row *row = outlet->config.row;
    struct window_line line = {.sequence = sequence,
                               .record = copy_of(told->text, told->size),
                               .record_size = told->size,
                               .rendered = told->rendered,
                               .rendered_size = told->rendered ? strlen(told->rendered) : 0,
                               .read_ns = wtime_now().ns};
    window_push(&outlet->window, &line);
    told->rendered = NULL;
    json_value_free(outlet->record);
    outlet->record = NULL;
    if (!row->text_only) {
        told_record(told);
        outlet->record = told->record;
        told->record = NULL;
    }
    return READ_HELD;
}

static enum reading take_line(struct outlet *outlet, const char *text, size_t size,
                              uint64_t sequence)
{
    struct told told = {.text = text, .size = size, .pseudonyms = outlet->config.pseudonyms};
    enum reading reading = READ_PASSED;
    enum telling telling = told_look(&told, outlet->config.settings, outlet->format);
    outlet->read = sequence;
    if (telling == TELL)
        reading = hold(outlet, &told, sequence);
    else if (telling == TELL_SILENCED)
        outlet->counts.silenced++;
    else
        outlet->counts.filtered++;
    told_fini(&told);
    return reading;
}

/* Each damage is said once, and what follows it is still delivered. */
static void note_damage(struct outlet *outlet, const struct error *error)
{
    outlet->counts.damaged++;
    outlet_note(outlet, error);
    if (strncmp(outlet->damage, error->message, sizeof outlet->damage - 1) == 0)
        return;
    snprintf(outlet->damage, sizeof outlet->damage, "%.199s", error->message);
    log_error("sink %s: %s", outlet->name, error->message);
}

static enum reading read_line(struct outlet *outlet, uint64_t until)
{
    for (int i = 0; i < DAMAGES; i++) {
        const char *text;
        size_t size;
        uint64_t sequence;
        struct error error = {0};
        int result = journal_reader_next(outlet->reader, until, &text, &size, &sequence, &error);
        if (result > 0)
            return take_line(outlet, text, size, sequence);
        if (result == 0)
            return READ_NONE;
        note_damage(outlet, &error);
    }
    return READ_NONE; /* a disk that cannot be read is tried again when there is news */
}

/* --- giving ----------------------------------------------------------------------------------- */

static enum sink_result give(struct outlet *outlet, struct error *error)
{
    struct window *window = &outlet->window;
    const struct window_line *held = window_at(window, window->given);
    bool newest = window->given + 1 == window->count;
    struct json_value *again = NULL; /* given before: it is parsed anew */
    if (!outlet->config.row->text_only && !(newest && outlet->record))
        again = json_parse(held->record, held->record_size, NULL);
    struct sink_line line = {.sequence = held->sequence,
                             .text = held->rendered ? held->rendered : held->record,
                             .size = held->rendered ? held->rendered_size : held->record_size,
                             .record = again    ? again
                                       : newest ? outlet->record
                                                : NULL};
    if (window->given == 0)
        outlet->progress = wtime_now();
    window->given++; /* it may be told as taken inside */
    enum sink_result result = outlet->config.row->write(outlet->sink, &line, error);
    if (result != SINK_OK)
        window->given--;
    else
        outlet->unflushed = true;
    json_value_free(again);
    return result;
}

/* At most a batch: `lines` is what is left of it. */
static enum sink_result give_lines(struct outlet *outlet, size_t *lines, struct error *error)
{
    struct window *window = &outlet->window;
    uint64_t until = journal_reader_durable(outlet->reader);
    enum sink_result result = SINK_OK;
    for (size_t bytes = 0; *lines > 0 && bytes < BATCH_BYTES; (*lines)--) {
        if (window->given == window->count) {
            enum reading reading = window_full(window) ? READ_NONE : read_line(outlet, until);
            if (reading == READ_NONE)
                return SINK_OK;
            if (reading == READ_PASSED)
                continue;
        }
        bytes += window_at(window, window->given)->record_size;
        result = give(outlet, error);
        if (result != SINK_OK || outlet->failed)
            return result;
    }
    *lines = 0;
    return result;
}

static enum sink_result flush(struct outlet *outlet, struct error *error)
{
    if (!outlet->unflushed)
        return SINK_OK;
    enum sink_result result = outlet->config.row->flush(outlet->sink, error);
    if (result != SINK_OK)
        return result;
    outlet->unflushed = false;
    if (!outlet->config.row->tells && outlet->window.given > 0)
        outlet->taken_to = window_at(&outlet->window, outlet->window.given - 1)->sequence;
    return SINK_OK;
}

/* Behind the calls: what was said in them, and what they came to. */
static void conclude(struct outlet *outlet, enum sink_result result, const struct error *error)
{
    outlet->calling = false;
    settle(outlet);
    if (result == SINK_DEAD)
        outlet_die(outlet, error);
    else if (outlet->failed)
        outlet_trouble(outlet, &outlet->why);
    else if (result == SINK_AGAIN)
        outlet_trouble(outlet, error);
    else if (result == SINK_FULL)
        outlet->full = !outlet->readied;
    outlet->failed = false;
}

bool outlet_feed(struct outlet *outlet)
{
    struct error error = {0};
    size_t lines = BATCH;
    if (outlet->dead || outlet->retry || outlet->full || !outlet_place_ready(outlet) ||
        (!outlet->sink && !outlet_sink_open(outlet)))
        return false;
    outlet->calling = true;
    outlet->readied = false;
    enum sink_result result = give_lines(outlet, &lines, &error);
    bool flushes = result != SINK_DEAD && (result != SINK_AGAIN || !outlet->config.row->tells);
    if (!outlet->failed && flushes) {
        enum sink_result flushed = flush(outlet, &error);
        result = flushed != SINK_OK ? flushed : result;
    }
    conclude(outlet, result, &error);
    if (!outlet->config.row->tells)
        outlet_place_save(outlet);
    return lines == 0 && !outlet->dead && !outlet->retry && !outlet->full;
}

/* --- from opening to closing ------------------------------------------------------------------ */

void outlet_tick(struct outlet *outlet)
{
    outlet_check_deadline(outlet);
    outlet_place_save(outlet);
    if (!outlet->placed || outlet_durable(outlet) > outlet->read)
        outlet->config.ask(
            outlet->config.context); /* news that nobody told, or a journal at last */
}

static bool is_format_of(const char *format, const struct sink_row *row)
{
    size_t size = strlen(format);
    for (const char *at = row->formats; (at = strstr(at, format)) != NULL; at += size)
        if ((at == row->formats || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
            return size > 0;
    return false;
}

static int choose_format(struct outlet *outlet, struct error *error)
{
    const char *format = outlet->config.settings->format;
    outlet->format = is_format_of(format, outlet->config.row) ? line_format_get(format) : NULL;
    if (outlet->format)
        return 0;
    return error_set(error, ERROR_USAGE, "sink %s: format \"%s\", expected one of: %s",
                     outlet->name, format, outlet->config.row->formats);
}

static int open_first(struct outlet *outlet, struct error *error)
{
    struct error why = {0};
    outlet->sink = outlet->config.row->open(outlet->config.settings, &outlet->host, &why);
    if (outlet->sink)
        return 0;
    if (!outlet->config.again)
        return error_set(error, why.code, "sink %s: %s", outlet->name, why.message);
    outlet_trouble(outlet, &why);
    return 0;
}

struct outlet *outlet_new(const struct outlet_config *config, struct error *error)
{
    struct outlet *outlet = xcalloc(1, sizeof *outlet);
    outlet->config = *config;
    outlet->name = config->settings->name;
    outlet->jitter = hash64(outlet->name, strlen(outlet->name), 1) | 1u;
    dead_letters_init(&outlet->letters, config->folder, outlet->name);
    if (choose_format(outlet, error) == 0 && outlet_place_begin(outlet, error) == 0) {
        outlet->host = (struct sink_host){.loop = config->loop,
                                          .folder = config->folder,
                                          .sensor = config->sensor,
                                          .pseudonyms = config->pseudonyms,
                                          .epoch_ms = outlet->epoch_ms,
                                          .context = outlet,
                                          .taken = on_taken,
                                          .refused = on_refused,
                                          .failed = on_failed,
                                          .ready = on_ready};
        if (open_first(outlet, error) == 0)
            return outlet;
    }
    outlet_free(outlet);
    return NULL;
}

void outlet_free(struct outlet *outlet)
{
    outlet_close_sink(outlet); /* it may still tell what was taken */
    if (outlet->epoch_ms)
        outlet_place_save(outlet);
    outlet_cancel_retry(outlet);
    journal_reader_close(outlet->reader);
    window_fini(&outlet->window);
    json_value_free(outlet->record);
    dead_letters_fini(&outlet->letters);
    free(outlet->place_path);
    free(outlet);
}

/* --- what it is doing ------------------------------------------------------------------------- */

uint64_t outlet_durable(const struct outlet *outlet)
{
    return outlet->reader ? journal_reader_durable(outlet->reader) : 0;
}

void outlet_status(const struct outlet *outlet, struct bus_status *status)
{
    uint64_t durable = outlet_durable(outlet), place = outlet_place(outlet);
    *status = outlet->counts;
    status->name = outlet->name;
    status->type = outlet->config.row->type;
    status->path = sink_key_get(outlet->config.row, "path")
                       ? sink_text(outlet->config.settings, "path")
                       : NULL;
    status->behind = durable > place ? durable - place : 0;
    status->dead = outlet->dead;
    status->state = outlet->dead         ? BUS_DEAD
                    : outlet->retry      ? BUS_WAITING
                    : status->behind > 0 ? BUS_BUSY
                                         : BUS_IDLE;
    if (outlet->window.count > 0)
        status->oldest_s = (wtime_now().ns - window_at(&outlet->window, 0)->read_ns) / NS_PER_S;
}
