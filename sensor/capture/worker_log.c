/* Connections that a log tells of (log_reader.h), in place of packets: a piece of a connection is
 * counted and told, a note is joined to the connection that it is about. Thread: the capture
 * thread. */
#include "worker_parts.h"

#include <string.h>

static uint64_t fresh_packets(const struct connection_piece *piece)
{
    return piece->now[SIDE_ORIG].packets - piece->before[SIDE_ORIG].packets +
           piece->now[SIDE_RESP].packets - piece->before[SIDE_RESP].packets;
}

static uint64_t fresh_ip_bytes(const struct connection_piece *piece)
{
    return piece->now[SIDE_ORIG].ip_bytes - piece->before[SIDE_ORIG].ip_bytes +
           piece->now[SIDE_RESP].ip_bytes - piece->before[SIDE_RESP].ip_bytes;
}

/* The packets are those that the log says there were. */
static void count_piece_input(struct capture_input *input, const struct packet_raw *raw,
                              const struct connection_piece *piece)
{
    input->packets += fresh_packets(piece);
    input->bytes += fresh_ip_bytes(piece);
    if (piece->since_ns < input->first.ns)
        input->first.ns = piece->since_ns;
    if (raw->time.ns > input->last.ns)
        input->last = raw->time;
}

static void count_piece(struct worker *w, const struct connection_piece *piece)
{
    const struct connection *c = &piece->connection;
    bool first = piece->before[SIDE_ORIG].packets + piece->before[SIDE_RESP].packets == 0;
    w->health.packets += fresh_packets(piece);
    w->health.wire_bytes += fresh_ip_bytes(piece);
    w->health.flows += first;
    if (c->key.proto != PROTO_TCP)
        return;
    for (int side = 0; side < SIDES; side++)
        w->health.tcp_payload_bytes +=
            piece->now[side].payload_bytes - piece->before[side].payload_bytes;
    if (!piece->last)
        return;
    w->health.tcp_missing_bytes += c->missed_bytes;
    w->health.flows_one_sided += (c->flags & FLOW_ONE_SIDED) != 0;
    w->health.flows_two_sided += !(c->flags & FLOW_ONE_SIDED);
}

/* Its clock is moved and its share taken as with packets. */
static bool take_share(struct worker *w, const struct packet_raw *raw, const struct flow_key *key,
                       bool jumped)
{
    struct packet packet = {.src = key->orig_ip, .dst = key->resp_ip};
    if (raw->time.ns >= w->clock.ns)
        worker_advance(w, raw->time, WATERMARK_LOG_NS);
    if (!worker_owns(w, DECODE_OK, &packet))
        return false;
    w->health.time_jumps += jumped;
    worker_count_backwards(w, raw->time);
    return true;
}

static void take_piece(struct worker *w, struct capture_input *input, const struct packet_raw *raw,
                       bool jumped)
{
    struct connection_piece piece;
    struct content_facts facts;
    memcpy(&piece, raw->data, sizeof piece);
    count_piece_input(input, raw, &piece);
    if (!take_share(w, raw, &piece.connection.key, jumped))
        return;
    count_piece(w, &piece);
    bool known = join_facts(&w->join, &piece.connection, &facts);
    emit_connection(&w->emitter, &piece, known ? &facts : NULL);
    if (piece.last)
        join_end(&w->join, piece.connection.uid);
}

/* What another line says of a connection, which is told with it; DNS is told by itself. */
static void take_note(struct worker *w, struct capture_input *input, const struct packet_raw *raw,
                      bool jumped)
{
    struct log_note note;
    if (!log_note_unpack(raw->data, raw->captured, &note) || !take_share(w, raw, &note.key, jumped))
        return;
    if (note.kind == NOTE_DNS)
        emit_dns(&w->emitter, &note.key, raw->time, &note.dns);
    if (note.kind != NOTE_DNS || !note.dns.response) /* the question has been joined */
        join_note(&w->join, &note, &input->unjoined);
}

bool worker_log_is_entry(const struct packet_raw *raw)
{
    return raw->link == LINK_NOTE || raw->link == LINK_CONNECTION;
}

/* A connection in parts by the times of the parts; what it notes beside them is no packet. */
int64_t worker_log_since(const struct packet_raw *raw, uint64_t *packets)
{
    struct connection_piece piece;
    *packets = 0;
    if (raw->link == LINK_NOTE)
        return raw->time.ns;
    memcpy(&piece, raw->data, sizeof piece);
    *packets = fresh_packets(&piece);
    return piece.since_ns;
}

void worker_log_entry(struct worker *w, struct capture_input *input, const struct packet_raw *raw,
                      bool jumped)
{
    if (raw->link == LINK_NOTE)
        take_note(w, input, raw, jumped);
    else
        take_piece(w, input, raw, jumped);
}
