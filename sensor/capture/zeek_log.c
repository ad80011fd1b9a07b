/* Zeek writes a connection when it is over, so a log is in the order of ends (and after a merge or
 * a sort in any); records are in the order of time. A window of connections is held and the
 * earliest piece of all of them is told next; only when the window is full, or the input has ended.
 * A log of up to ZEEK_WINDOW lines (some 40 MiB) is so told in perfect order, whatever order it is
 * in. In a longer one a connection may come when the clock has passed its beginning: its bytes are
 * spread over what is left of it, or told at the clock when nothing is; it is counted (`late`).
 *
 * Baselines go by the hour: a connection's bytes are spread evenly over its duration, in pieces
 * that end at the quarters of an hour (every time zone's hours begin at one). Of one longer than
 * 100 days the beginning is told with the rest. So one line makes at most 9,601 pieces.
 *
 * What is told depends on the lines alone, not on how they are read. A line that cannot be read is
 * counted, the first of them with its number and why. Thread: the capture thread. */
#include "zeek_log.h"

#include "eve.h"
#include "inlet.h"
#include "log_note.h"
#include "nfdump.h"
#include "weir/base/buffer.h"
#include "weir/base/inflate.h"
#include "zeek_line.h"
#include "zeek_notes.h"

#include <stdio.h>
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
    uint64_t line;
};

#define NOTES_OF_LINE 2u

struct taken { /* what a line says */
    struct connection connection;
    bool any; /* … there is one */
    struct log_note note[NOTES_OF_LINE];
    size_t notes;
};

struct zeek_log {
    struct zeek_io io;
    struct zeek_notes_header header;
    struct nfdump *nfdump;
    struct taken taken; /* of the line at hand */
    uint8_t *bytes;     /* ZEEK_LINE_BYTES */
    size_t at, size;
    bool ended, skips; /* …: until the end of a line that is too long */
    bool any;          /* a line that is no comment was met */
    struct held *heap; /* the earliest first; of one time, the first line */
    size_t held, room, window;
    uint64_t note_bytes; /* of notes held */
    struct buffer note;  /* the one told last */
    int64_t clock_ns;    /* of the last piece told */
    struct connection_piece piece;
    struct log_notes notes;
};

/* --- lines ------------------------------------------------------------------------------------ */

static void refill(struct zeek_log *log)
{
    memmove(log->bytes, log->bytes + log->at, log->size - log->at);
    log->size -= log->at;
    log->at = 0;
    ssize_t got =
        log->io.read(log->io.context, log->bytes + log->size, ZEEK_LINE_BYTES - log->size);
    if (got > 0)
        log->size += (size_t)got;
    log->ended = got <= 0;
}

static void unread(struct zeek_log *log, const char *why)
{
    if (log->notes.unread++ > 0)
        return;
    log->notes.first_unread = log->notes.lines;
    log->notes.why = why;
}

/* Takes what is up to `end`, NULL: the rest. False: it belongs to a line that was too long. */
static bool cut_line(struct zeek_log *log, const uint8_t *end, const char **line, size_t *size)
{
    const uint8_t *begin = log->bytes + log->at;
    *line = (const char *)begin;
    *size = end ? (size_t)(end - begin) : log->size - log->at;
    log->at += *size + (end != NULL);
    log->notes.lines++;
    if (!log->skips)
        return true;
    log->skips = false;
    unread(log, "longer than 64 KiB");
    return false;
}

/* A line without its end; the input's last may have none. Nothing is looked at twice. */
static bool next_line(struct zeek_log *log, const char **line, size_t *size)
{
    for (size_t looked = 0;;) {
        size_t left = log->size - log->at;
        const uint8_t *end = memchr(log->bytes + log->at + looked, '\n', left - looked);
        looked = left;
        if (end || (log->ended && (left > 0 || log->skips))) {
            if (cut_line(log, end, line, size))
                return true;
            looked = 0;
        } else if (log->ended) {
            return false;
        } else {
            if (left == ZEEK_LINE_BYTES) {
                log->at = log->size = looked = 0;
                log->skips = true;
            }
            refill(log);
        }
    }
}

/* --- the window ------------------------------------------------------------------------------- */

static bool earlier(const struct held *a, const struct held *b)
{
    return a->until_ns != b->until_ns ? a->until_ns < b->until_ns : a->line < b->line;
}

static void rise(struct held *heap, size_t i, const struct held *held)
{
    for (size_t up; i > 0 && earlier(held, &heap[up = (i - 1) / 2]); i = up)
        heap[i] = heap[up];
    heap[i] = *held;
}

/* The first has become `held`. */
static void sink(struct zeek_log *log, const struct held *held)
{
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < log->held; i = child) {
        if (child + 1 < log->held && earlier(&log->heap[child + 1], &log->heap[child]))
            child++;
        if (!earlier(&log->heap[child], held))
            break;
        log->heap[i] = log->heap[child];
    }
    log->heap[i] = *held;
}

/* Where the piece that begins at since_ns ends. */
static int64_t piece_end(const struct held *held)
{
    int64_t boundary_ns = (held->since_ns / ZEEK_PIECE_NS + 1) * ZEEK_PIECE_NS;
    return held->connection.end_ns <= boundary_ns ? held->connection.end_ns : boundary_ns - 1;
}

/* Where its bytes begin to be told: not before the clock. */
static int64_t spread_from(struct zeek_log *log, const struct connection *c)
{
    struct held first = {.connection = *c, .since_ns = c->start_ns};
    if (c->end_ns - first.since_ns > ZEEK_SPREAD_NS)
        first.since_ns = c->end_ns - ZEEK_SPREAD_NS;
    if (piece_end(&first) >= log->clock_ns)
        return first.since_ns;
    log->notes.late++;
    return c->end_ns < log->clock_ns ? c->end_ns : log->clock_ns;
}

static void put_held(struct zeek_log *log, const struct held *held)
{
    if (log->held == log->room) {
        log->room = log->room ? 2 * log->room : 64;
        log->heap = xrealloc(log->heap, log->room * sizeof *log->heap);
    }
    rise(log->heap, log->held++, held);
}

static void hold(struct zeek_log *log, const struct connection *connection)
{
    struct held held = {.connection = *connection, .line = log->notes.lines};
    held.from_ns = held.since_ns = spread_from(log, connection);
    held.until_ns = piece_end(&held);
    put_held(log, &held);
    log->notes.connections++;
}

static void hold_note(struct zeek_log *log, const struct log_note *note)
{
    struct held held = {.is_note = true, .until_ns = note->time_ns, .line = log->notes.lines};
    memset(&held.note, 0, sizeof held.note);
    log_note_pack(note, &held.note);
    log->note_bytes += held.note.size;
    put_held(log, &held);
    log->notes.notes++;
}

/* --- formats ---------------------------------------------------------------------------------- */

static enum zeek_result take_conn(struct zeek_log *log, const char *line, size_t size)
{
    enum zeek_result result = zeek_line(&log->header.common, line, size, &log->taken.connection);
    log->taken.any = result == ZEEK_OK;
    return result;
}

static enum zeek_result take_notes(struct zeek_log *log, const char *line, size_t size)
{
    return zeek_notes_line(&log->header, log->notes.kind, line, size, log->taken.note,
                           &log->taken.notes);
}

static enum zeek_result take_eve(struct zeek_log *log, const char *line, size_t size)
{
    struct taken *taken = &log->taken;
    return eve_line(line, size, &taken->connection, &taken->any, taken->note, &taken->notes);
}

static enum zeek_result take_nfdump(struct zeek_log *log, const char *line, size_t size)
{
    if (!log->nfdump)
        log->nfdump = nfdump_new();
    return nfdump_line(log->nfdump, line, size, &log->taken.connection, &log->taken.any);
}

static enum zeek_result take_nothing(struct zeek_log *log, const char *line, size_t size)
{
    (void)log;
    (void)line;
    (void)size;
    return ZEEK_HEADER;
}

static const struct format {
    const char *name, *lacks;
    enum zeek_result (*take)(struct zeek_log *log, const char *line, size_t size);
} formats[LOG_KINDS] = {
    [LOG_NONE] = {"log", NULL, take_conn},
    [LOG_ZEEK_CONN] = {"Zeek conn log",
                       "no content, no retransmissions, no gaps of one side; names only of other "
                       "logs beside it",
                       take_conn},
    [LOG_ZEEK_DNS] = {"Zeek dns log", "no sizes of messages", take_notes},
    [LOG_ZEEK_HTTP] = {"Zeek http log", "of contents only their sizes, codings undone", take_notes},
    [LOG_ZEEK_QUIC] = {"Zeek quic log", NULL, take_notes},
    [LOG_ZEEK_SSL] = {"Zeek ssl log", "of certificates only whether they fit the name", take_notes},
    [LOG_EVE] = {"Suricata EVE log",
                 "its bytes are frames': payload is bounded, not known; no content, no "
                 "retransmissions, no gaps",
                 take_eve},
    [LOG_NFDUMP] = {"nfdump CSV",
                    "its bytes are of IP: payload is bounded, not known; who opened is guessed by "
                    "ports; no names, no content, no gaps; times are taken as UTC; what a sampling "
                    "exporter passed over is not seen; a flow longer than the exporter's active "
                    "time-out is several",
                    take_nfdump},
    [LOG_OTHER] = {"log that is not read", NULL, take_nothing}};

const char *log_kind_name(enum log_kind kind)
{
    return kind < LOG_KINDS ? formats[kind].name : formats[LOG_NONE].name;
}

const char *log_kind_lacks(enum log_kind kind)
{
    return kind < LOG_KINDS ? formats[kind].lacks : NULL;
}

static bool has_ts(const char *line, size_t size)
{
    return memmem(line, size, "\"ts\":", 5) != NULL;
}

static enum log_kind kind_of_json(const char *line, size_t size)
{
    if (eve_recognise(line, size))
        return LOG_EVE;
    enum log_kind kind = zeek_notes_kind(line, size);
    if (kind != LOG_NONE)
        return kind;
    return has_ts(line, size) ? LOG_OTHER : LOG_ZEEK_CONN;
}

/* Of a line that is no comment, when no #path has said it. */
static enum log_kind kind_of_line(const struct zeek_log *log, const char *line, size_t size)
{
    if (*line == '{')
        return kind_of_json(line, size);
    return log->header.common.columns == 0 && nfdump_recognise(line, size) ? LOG_NFDUMP
                                                                           : LOG_ZEEK_CONN;
}

static void take_line(struct zeek_log *log, const char *line, size_t size)
{
    struct taken *taken = &log->taken;
    enum zeek_result result = ZEEK_HEADER;
    taken->any = false;
    taken->notes = 0;
    bool comment = size > 0 && *line == '#';
    if (comment)
        zeek_notes_header_take(&log->header, line, size);
    if (log->notes.kind == LOG_NONE)
        log->notes.kind = comment || size == 0 ? log->header.kind : kind_of_line(log, line, size);
    if (!comment)
        result = formats[log->notes.kind].take(log, line, size);
    if (result != ZEEK_OK && result != ZEEK_HEADER)
        unread(log, zeek_result_text[result]);
    if (taken->any)
        hold(log, &taken->connection);
    for (size_t i = 0; i < taken->notes; i++)
        hold_note(log, &taken->note[i]);
    log->any |= result != ZEEK_HEADER;
}

/* What waited for a line that has not come. */
static bool take_rest(struct zeek_log *log)
{
    if (!log->nfdump || !nfdump_rest(log->nfdump, &log->taken.connection))
        return false;
    hold(log, &log->taken.connection);
    return true;
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
static void make_piece(struct zeek_log *log, const struct held *held, bool last)
{
    struct connection_piece *piece = &log->piece;
    uint64_t before = told_before(held);
    uint64_t now = last ? UINT64_C(1) << SHARE_BITS : share_at(held, held->until_ns + 1);
    if (now == 0)
        now = 1;
    memset(piece, 0, sizeof *piece);
    piece->connection = held->connection;
    piece->since_ns = held->since_ns;
    piece->until_ns = held->until_ns;
    piece->last = last;
    for (int side = 0; side < SIDES; side++) {
        piece->before[side] = share_of_side(&held->connection.side[side], before);
        piece->now[side] = share_of_side(&held->connection.side[side], now);
    }
}

/* The first has been told. */
static void drop_first(struct zeek_log *log)
{
    struct held held = log->heap[--log->held];
    if (log->held > 0)
        sink(log, &held);
}

static void tell_note(struct zeek_log *log, struct packet_raw *raw)
{
    buffer_fini(&log->note);
    log->note = log->heap[0].note;
    log->note_bytes -= log->note.size;
    *raw = (struct packet_raw){.data = log->note.data,
                               .captured = (uint32_t)log->note.size,
                               .wire_bytes = (uint32_t)log->note.size,
                               .link = LINK_NOTE,
                               .time = {log->heap[0].until_ns}};
    drop_first(log);
}

static void tell_first(struct zeek_log *log, struct packet_raw *raw)
{
    struct held held = log->heap[0];
    if (held.is_note) {
        tell_note(log, raw);
        return;
    }
    bool last = held.until_ns == held.connection.end_ns;
    make_piece(log, &held, last);
    if (held.until_ns > log->clock_ns)
        log->clock_ns = held.until_ns;
    *raw = (struct packet_raw){.data = (const uint8_t *)&log->piece,
                               .captured = sizeof log->piece,
                               .wire_bytes = sizeof log->piece,
                               .link = LINK_CONNECTION,
                               .time = {held.until_ns}};
    if (last) {
        drop_first(log);
        return;
    }
    held.since_ns = held.until_ns + 1;
    held.until_ns = piece_end(&held);
    sink(log, &held);
}

/* --- the log ---------------------------------------------------------------------------------- */

struct zeek_log *zeek_log_new(const struct zeek_io *io, size_t window)
{
    struct zeek_log *log = xcalloc(1, sizeof *log);
    log->io = *io;
    log->window = window;
    log->bytes = xcalloc(1, ZEEK_LINE_BYTES);
    log->clock_ns = INT64_MIN;
    zeek_notes_header_init(&log->header);
    return log;
}

void zeek_log_free(struct zeek_log *log)
{
    if (!log)
        return;
    for (size_t i = 0; i < log->held; i++)
        if (log->heap[i].is_note)
            buffer_fini(&log->heap[i].note);
    buffer_fini(&log->note);
    nfdump_free(log->nfdump);
    free(log->heap);
    free(log->bytes);
    free(log);
}

int zeek_log_head(struct zeek_log *log, struct error *error)
{
    const char *line;
    size_t size;
    while (!log->any && log->notes.kind != LOG_OTHER && next_line(log, &line, &size))
        take_line(log, line, size);
    const struct log_notes *notes = &log->notes;
    if (log->any && notes->connections + notes->notes == 0 && notes->first_unread == notes->lines)
        return error_set(error, ERROR_INPUT, "no %s: line %llu: %s", log_kind_name(notes->kind),
                         (unsigned long long)notes->first_unread, notes->why);
    return 0;
}

static bool may_read(const struct zeek_log *log)
{
    return log->held < log->window && log->note_bytes < ZEEK_NOTE_BYTES &&
           log->notes.kind != LOG_OTHER;
}

bool zeek_log_next(struct zeek_log *log, struct packet_raw *raw)
{
    const char *line;
    size_t size;
    while (may_read(log)) {
        if (next_line(log, &line, &size))
            take_line(log, line, size);
        else if (!take_rest(log))
            break;
    }
    if (log->held == 0)
        return false;
    tell_first(log, raw);
    return true;
}

void zeek_log_notes(const struct zeek_log *log, struct log_notes *notes)
{
    *notes = log->notes;
}

static bool has(const uint8_t *head, size_t size, const char *text)
{
    return memmem(head, size, text, strlen(text)) != NULL;
}

/* As far as a head of some kilobytes says it: a folder of Zeek's has many logs. */
static bool head_is_read(const uint8_t *head, size_t size)
{
    static const char *const members[] = {
        "\"event_type\":",  "\"conn_state\":",          "\"trans_id\":",
        "\"trans_depth\":", "\"client_initial_dcid\":", "\"established\":"};
    static const char *const paths[] = {"conn", "dns", "http", "quic", "ssl"};
    char path[32];
    for (size_t i = 0; *head == '{' && i < sizeof members / sizeof *members; i++)
        if (has(head, size, members[i]))
            return true;
    if (*head == '{')
        return false;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        snprintf(path, sizeof path, "#path\t%s\n", paths[i]);
        if (has(head, size, path))
            return true;
    }
    return *head != '#' || !has(head, size, "#path");
}

bool zeek_log_recognise(const uint8_t *head, size_t size)
{
    static const char *const begins[] = {"#separator", "#fields",  "{\"",
                                         "{ \"",       "ts,te,td", "firstSeen"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        size_t most = strlen(begins[i]) < size ? strlen(begins[i]) : size;
        if (size >= INFLATE_MAGIC_BYTES && memcmp(head, begins[i], most) == 0)
            return size <= INLET_HEAD || head_is_read(head, size);
    }
    return false;
}
