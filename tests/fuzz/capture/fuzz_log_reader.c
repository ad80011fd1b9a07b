/* Any bytes as a log, given in pieces of a size that the first byte chooses, through windows
 * of one connection and of many. Whatever they are: every piece is a record that the engine
 * accepts, pieces of one connection add up to it, the end is reached, and the same bytes in other
 * pieces give the same. */
#include "../../../sensor/capture/log_note.h"
#include "../../../sensor/capture/log_reader.h"
#include "../../../sensor/capture/zeek_line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIECES 100000u

struct bytes {
    const uint8_t *at;
    size_t left, piece;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static ssize_t give(void *context, void *to, size_t size)
{
    struct bytes *bytes = context;
    size_t count = size < bytes->left ? size : bytes->left;
    if (count > bytes->piece)
        count = bytes->piece;
    if (count > 0)
        memcpy(to, bytes->at, count);
    bytes->at += count;
    bytes->left -= count;
    return (ssize_t)count;
}

struct seen {
    uint64_t pieces, notes_told, last, sum, payload, claimed;
    struct log_notes notes;
};

static void look_side(const struct connection_piece *piece, int side, struct seen *seen)
{
    const struct connection_side *whole = &piece->connection.side[side], *now = &piece->now[side],
                                 *before = &piece->before[side];
    must(before->payload_bytes <= now->payload_bytes && now->payload_bytes <= whole->payload_bytes);
    must(before->packets <= now->packets && now->packets <= whole->packets);
    must(before->ip_bytes <= now->ip_bytes && now->ip_bytes <= whole->ip_bytes);
    must(whole->payload_bytes <= RECORD_BYTES_MAX && whole->ip_bytes <= RECORD_BYTES_MAX &&
         whole->packets <= RECORD_BYTES_MAX);
    seen->payload += now->payload_bytes - before->payload_bytes;
    if (piece->last) {
        must(now->payload_bytes == whole->payload_bytes && now->packets == whole->packets);
        seen->claimed += whole->payload_bytes;
    }
    seen->sum = seen->sum * 31 + now->payload_bytes;
}

static void look_note(const struct packet_raw *raw, struct seen *seen)
{
    static struct log_note note;
    must(log_note_unpack(raw->data, raw->captured, &note) && note.time_ns == raw->time.ns);
    seen->sum = seen->sum * 31 + (uint64_t)raw->time.ns;
    seen->pieces++;
    seen->notes_told++;
}

static void look(const struct packet_raw *raw, struct seen *seen)
{
    struct connection_piece piece;
    if (raw->link == LINK_NOTE) {
        look_note(raw, seen);
        return;
    }
    must(raw->link == LINK_CONNECTION && raw->captured == sizeof piece);
    memcpy(&piece, raw->data, sizeof piece);
    const struct connection *c = &piece.connection;
    must(c->start_ns >= 0 && c->start_ns <= c->end_ns && c->end_ns <= RECORD_TIME_MAX_NS);
    must(piece.since_ns >= c->start_ns && piece.since_ns <= piece.until_ns);
    must(piece.until_ns <= c->end_ns && piece.until_ns == raw->time.ns);
    must(c->service < SERVICES && c->end < FLOW_END_LOST && c->key.vlan <= 4095);
    for (int side = 0; side < SIDES; side++)
        look_side(&piece, side, seen);
    seen->sum = seen->sum * 31 + (uint64_t)raw->time.ns;
    seen->pieces++;
    seen->last += piece.last;
}

static struct seen read_all(const uint8_t *data, size_t size, size_t piece, size_t window)
{
    struct bytes bytes = {data, size, piece};
    struct log_io io = {give, &bytes};
    struct log_reader *log = log_reader_new(&io, window);
    struct packet_raw raw;
    struct error error = {0};
    struct seen seen = {.pieces = 0};
    bool read = log_reader_head(log, &error) == 0;
    while (read && seen.pieces < PIECES && log_reader_next(log, &raw))
        look(&raw, &seen);
    log_reader_notes(log, &seen.notes);
    if (read && seen.pieces < PIECES)
        must(seen.last == seen.notes.connections && seen.payload == seen.claimed &&
             seen.notes_told == seen.notes.notes);
    must((seen.notes.unread == 0) == (seen.notes.first_unread == 0));
    log_reader_free(log);
    return seen;
}

static void must_be_one(const struct seen *a, const struct seen *b)
{
    must(a->pieces == b->pieces && a->sum == b->sum && a->notes.lines == b->notes.lines &&
         a->notes.unread == b->notes.unread && a->notes.late == b->notes.late);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t piece = 1u + data[0];
    struct seen whole = read_all(data + 1, size - 1, SIZE_MAX, LOG_WINDOW_FEW);
    struct seen pieces = read_all(data + 1, size - 1, piece, LOG_WINDOW_FEW);
    must_be_one(&whole, &pieces);
    struct seen narrow = read_all(data + 1, size - 1, SIZE_MAX, 1);
    struct seen narrow_pieces = read_all(data + 1, size - 1, piece, 1);
    must_be_one(&narrow, &narrow_pieces);
    must(whole.pieces == PIECES || narrow.pieces == PIECES || whole.claimed == narrow.claimed);
    return 0;
}
