/* Zeek writes a connection when it is over, so a log is in the order of ends (and after a merge or
 * a sort in any); records are in the order of time. A window of connections is held and the
 * earliest piece of all of them is told next; only when the window is full, or the input has ended.
 * A log of up to LOG_WINDOW lines (some 40 MiB) is so told in perfect order, whatever order it is
 * in. In a longer one a connection may come when the clock has passed its beginning: its bytes are
 * spread over what is left of it, or told at the clock when nothing is; it is counted (`late`).
 *
 * Baselines go by the hour: a connection's bytes are spread evenly over its duration, in pieces
 * that end at the quarters of an hour (every time zone's hours begin at one). Of one longer than
 * 100 days the beginning is told with the rest. So one line makes at most 9,601 pieces.
 *
 * What is told depends on the lines alone, not on how they are read. A line that cannot be read is
 * counted, the first of them with its number and why. Thread: the capture thread. */
#include "log_reader.h"

#include "log_formats.h"
#include "log_lines.h"
#include "log_window.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define SHARE_BITS 16u /* of a connection's time: a share's precision */

struct held {
    union {
        struct connection connection;
        struct buffer note; /* packed */
    };
    bool is_note;     /* then the next two are nothing */
    int64_t from_ns;  /* its bytes are spread from here on */
    int64_t since_ns; /* the next piece begins here … */
    int64_t until_ns; /* … and is told here */
};

struct log_reader {
    struct log_lines lines;
    struct log_formats formats;
    bool any; /* a line that is no comment was met */
    struct held *held;
    struct log_window window;
    size_t most;         /* held at a time */
    uint64_t note_bytes; /* of notes held */
    struct buffer note;  /* the one told last */
    int64_t clock_ns;    /* of the last piece told */
    struct connection_piece piece;
    struct log_notes notes;
};

/* --- what is held ----------------------------------------------------------------------------- */

static void put_held(struct log_reader *log, const struct held *held)
{
    size_t room = log->window.room;
    uint32_t place = log_window_put(&log->window, held->until_ns, log->notes.lines);
    if (log->window.room > room)
        log->held = xrealloc(log->held, log->window.room * sizeof *log->held);
    log->held[place] = *held;
}

/* --- connections and notes -------------------------------------------------------------------- */

/* Where the piece of it that begins there ends. */
static int64_t piece_end(const struct connection *c, int64_t since_ns)
{
    int64_t boundary_ns = (since_ns / LOG_PIECE_NS + 1) * LOG_PIECE_NS;
    return c->end_ns <= boundary_ns ? c->end_ns : boundary_ns - 1;
}

/* Where its bytes begin to be told: not before the clock. */
static int64_t spread_from(struct log_reader *log, const struct connection *c)
{
    int64_t since_ns = c->start_ns;
    if (c->end_ns - since_ns > LOG_SPREAD_NS)
        since_ns = c->end_ns - LOG_SPREAD_NS;
    if (piece_end(c, since_ns) >= log->clock_ns)
        return since_ns;
    log->notes.late++;
    return c->end_ns < log->clock_ns ? c->end_ns : log->clock_ns;
}

static void hold(struct log_reader *log, const struct connection *connection)
{
    struct held held = {.connection = *connection};
    held.from_ns = held.since_ns = spread_from(log, connection);
    held.until_ns = piece_end(connection, held.since_ns);
    put_held(log, &held);
    log->notes.connections++;
}

static void hold_note(struct log_reader *log, const struct log_note *note)
{
    struct held held = {.is_note = true, .until_ns = note->time_ns};
    memset(&held.note, 0, sizeof held.note);
    log_note_pack(note, &held.note);
    log->note_bytes += held.note.size;
    put_held(log, &held);
    log->notes.notes++;
}

/* --- lines ------------------------------------------------------------------------------------ */

static void unread(struct log_reader *log, const char *why)
{
    if (log->notes.unread++ > 0)
        return;
    log->notes.first_unread = log->notes.lines;
    log->notes.why = why;
}

static void hold_taken(struct log_reader *log)
{
    const struct log_taken *taken = &log->formats.taken;
    if (taken->any)
        hold(log, &taken->connection);
    for (size_t i = 0; i < taken->notes; i++)
        hold_note(log, &taken->note[i]);
}

static void take_line(struct log_reader *log, const char *line, size_t size)
{
    enum log_result result = log_formats_line(&log->formats, line, size);
    log->notes.kind = log->formats.kind;
    if (result != LOG_OK && result != LOG_NOTHING)
        unread(log, log_result_text[result]);
    log->any |= result != LOG_NOTHING;
}

/* What it says is to be held. False: there is no more. */
static bool read_line(struct log_reader *log)
{
    const char *line;
    size_t size;
    enum log_line got = log_lines_next(&log->lines, &line, &size);
    log->notes.lines += got != LOG_LINE_NONE;
    log->formats.taken.any = false;
    log->formats.taken.notes = 0;
    if (got == LOG_LINE_TOO_LONG)
        unread(log, "longer than 64 KiB");
    if (got == LOG_LINE)
        take_line(log, line, size);
    return got != LOG_LINE_NONE;
}

/* --- pieces ----------------------------------------------------------------------------------- */

/* Rounded up: what is one packet is in the first piece. */
static uint64_t share_of_count(uint64_t count, uint64_t share)
{
    uint64_t low = (UINT64_C(1) << SHARE_BITS) - 1;
    return (count >> SHARE_BITS) * share + (((count & low) * share + low) >> SHARE_BITS);
}

static struct connection_side share_of_side(const struct connection_side *side, uint64_t share)
{
    return (struct connection_side){.packets = share_of_count(side->packets, share),
                                    .ip_bytes = share_of_count(side->ip_bytes, share),
                                    .payload_bytes = share_of_count(side->payload_bytes, share),
                                    .low_bytes = share_of_count(side->low_bytes, share),
                                    .high_bytes = share_of_count(side->high_bytes, share)};
}

/* Of the time over which its bytes are spread; microseconds, since 100 days of them leave room. */
static uint64_t share_at(const struct held *held, int64_t time_ns)
{
    uint64_t whole_us = (uint64_t)(held->connection.end_ns - held->from_ns) / NS_PER_US;
    uint64_t past_us = (uint64_t)(time_ns - held->from_ns) / NS_PER_US;
    return whole_us ? (past_us << SHARE_BITS) / whole_us : 0;
}

/* What the piece before ended with. */
static uint64_t told_before(const struct held *held)
{
    uint64_t share = share_at(held, held->since_ns);
    return held->since_ns > held->from_ns && share == 0 ? 1 : share;
}

/* The first piece has a share, however short it is: what it begins with is its first record. */
static void take_shares(struct connection_piece *piece, const struct held *held)
{
    uint64_t before = told_before(held);
    uint64_t now = piece->last ? UINT64_C(1) << SHARE_BITS : share_at(held, held->until_ns + 1);
    if (now == 0)
        now = 1;
    for (int side = 0; side < SIDES; side++) {
        piece->before[side] = share_of_side(&held->connection.side[side], before);
        piece->now[side] = share_of_side(&held->connection.side[side], now);
    }
}

/* Most are the whole of their connection. */
static void make_piece(struct log_reader *log, const struct held *held, bool last)
{
    struct connection_piece *piece = &log->piece;
    memset(piece, 0, sizeof *piece);
    piece->connection = held->connection;
    piece->since_ns = held->since_ns;
    piece->until_ns = held->until_ns;
    piece->last = last;
    if (last && held->since_ns == held->from_ns)
        memcpy(piece->now, held->connection.side, sizeof piece->now);
    else
        take_shares(piece, held);
}

static void tell_note(struct log_reader *log, const struct held *held, struct packet_raw *raw)
{
    buffer_fini(&log->note);
    log->note = held->note;
    log->note_bytes -= log->note.size;
    *raw = (struct packet_raw){.data = log->note.data,
                               .captured = (uint32_t)log->note.size,
                               .wire_bytes = (uint32_t)log->note.size,
                               .link = LINK_NOTE,
                               .time = {held->until_ns}};
    log_window_drop_first(&log->window);
}

static void tell_first(struct log_reader *log, struct packet_raw *raw)
{
    struct held *held = &log->held[log_window_first(&log->window)];
    if (held->is_note) {
        tell_note(log, held, raw);
        return;
    }
    bool last = held->until_ns == held->connection.end_ns;
    make_piece(log, held, last);
    if (held->until_ns > log->clock_ns)
        log->clock_ns = held->until_ns;
    *raw = (struct packet_raw){.data = (const uint8_t *)&log->piece,
                               .captured = sizeof log->piece,
                               .wire_bytes = sizeof log->piece,
                               .link = LINK_CONNECTION,
                               .time = {held->until_ns}};
    if (last) {
        log_window_drop_first(&log->window);
        return;
    }
    held->since_ns = held->until_ns + 1;
    held->until_ns = piece_end(&held->connection, held->since_ns);
    log_window_put_first_off(&log->window, held->until_ns);
}

/* --- the log ---------------------------------------------------------------------------------- */

struct log_reader *log_reader_new(const struct log_io *io, size_t window)
{
    struct log_reader *log = xcalloc(1, sizeof *log);
    log->most = window;
    log_lines_init(&log->lines, io);
    log->clock_ns = INT64_MIN;
    log_formats_init(&log->formats);
    return log;
}

void log_reader_free(struct log_reader *log)
{
    if (!log)
        return;
    for (; log_window_count(&log->window) > 0; log_window_drop_first(&log->window)) {
        struct held *held = &log->held[log_window_first(&log->window)];
        if (held->is_note)
            buffer_fini(&held->note);
    }
    buffer_fini(&log->note);
    log_formats_fini(&log->formats);
    log_lines_fini(&log->lines);
    log_window_fini(&log->window);
    free(log->held);
    free(log);
}

int log_reader_head(struct log_reader *log, struct error *error)
{
    while (!log->any && log->notes.kind != LOG_OTHER && read_line(log))
        hold_taken(log);
    const struct log_notes *notes = &log->notes;
    if (log->any && notes->connections + notes->notes == 0 && notes->first_unread == notes->lines)
        return error_set(error, ERROR_INPUT, "no %s: line %llu: %s", log_kind_name(notes->kind),
                         (unsigned long long)notes->first_unread, notes->why);
    return 0;
}

static bool may_read(const struct log_reader *log)
{
    return log_window_count(&log->window) < log->most && log->note_bytes < LOG_NOTE_BYTES &&
           log->notes.kind != LOG_OTHER;
}

bool log_reader_next(struct log_reader *log, struct packet_raw *raw)
{
    struct log_formats *formats = &log->formats;
    while (may_read(log) &&
           (log_formats_due(formats) || read_line(log) || log_formats_rest(formats)))
        hold_taken(log);
    if (log_window_count(&log->window) == 0)
        return false;
    tell_first(log, raw);
    return true;
}

void log_reader_notes(const struct log_reader *log, struct log_notes *notes)
{
    *notes = log->notes;
}
