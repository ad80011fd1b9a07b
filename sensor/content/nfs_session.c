/* NFS over TCP (records: RFC 5531 11) and UDP, on port 2049 or wherever its program is called: what
 * is written to files and read from them, a body a file handle. Names and attributes are never
 * inspected.
 *
 * A read's file is known from its call, which is kept until it is answered; where calls are not
 * seen, replies are not read. A call that comes again over UDP before its answer is one call. What
 * Kerberos seals names the flow (TEXT_APPLICATION), and is not read.
 *
 * Large records pass through without being gathered. A message whose head does not fit its record's
 * first fragment is counted and passed over (messages_unread), and so is one that is larger than
 * any head and of which nothing is read. What is neither call nor reply, and what is passed over
 * after missing bytes, is anybody's clear text and inspected as that. After missing bytes that may
 * hide a record's beginning the next one that can be told is looked for, byte by byte: a call by
 * its program, a reply by its call.
 *
 * Bounds: NFS_ASKED calls that wait for their answers (the oldest goes), a record's head of
 * NFS_HEAD_MAX, open_files.h. Version 3 closes nothing: a file is open until others push it out.
 * Thread: the capture thread. */
#include "nfs.h"
#include "open_files.h"
#include "protocol.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define NFS_PORT    2049
#define NFS_ASKED   128u
#define RECORD_HEAD 4u
#define RECORD_LAST 0x80u
#define RECORD_MARK (RECORD_HEAD + NFS_MARK) /* what a record is told by */

struct asked {
    struct nfs_message call;
    bool used;
};

struct session {         /* both sides' */
    struct asked *asked; /* NFS_ASKED; NULL: none yet */
    uint32_t asked_next;
};

struct records { /* a side's */
    struct open_files *files;
    uint64_t left;         /* of the fragment */
    uint64_t before, data; /* of the message: what is passed over, and data; then the rest */
    bool last;             /* the fragment is its record's last */
    bool told;             /* the message's head was read */
    bool lost;             /* where does the next record begin? */
    bool clear;            /* the record is not RPC's: it is inspected as it is */
};

/* --- calls that wait ---------------------------------------------------------------------------
 */

static struct asked *find_asked(struct session *session, uint32_t xid)
{
    for (size_t i = 0; session->asked && i < NFS_ASKED; i++)
        if (session->asked[i].used && session->asked[i].call.xid == xid)
            return &session->asked[i];
    return NULL;
}

/* False: it was called before, and not answered yet. Another call of the same number replaces it.
 */
static bool remember(struct session *session, const struct nfs_message *call)
{
    struct asked *before = find_asked(session, call->xid);
    if (before && before->call.kind == call->kind && before->call.file == call->file &&
        before->call.offset == call->offset && before->call.data_bytes == call->data_bytes)
        return false;
    if (before) {
        before->call = *call;
        return true;
    }
    if (!session->asked)
        session->asked = xcalloc(NFS_ASKED, sizeof *session->asked);
    session->asked[session->asked_next++ % NFS_ASKED] = (struct asked){*call, true};
    return true;
}

/* --- messages ----------------------------------------------------------------------------------
 */

static void take_call(struct side *side, struct open_files *files, const struct nfs_message *call)
{
    struct session *session = side->owner->state;
    bool seen_before = false;
    if (call->kind == NFS_SEALED)
        content_text(side->owner, TEXT_APPLICATION, "nfs-encrypted");
    else if (call->kind != NFS_OTHER)
        seen_before = !remember(session, call);
    if (call->kind == NFS_WRITE && call->data_bytes && !seen_before)
        open_files_at(files, call->file, call->offset);
    else
        open_files_at_none(files);
    if (call->kind == NFS_CLOSE)
        open_files_close(files, call->file);
}

static void take_reply(struct open_files *files, struct asked *asked,
                       const struct nfs_message *reply)
{
    if (reply->kind == NFS_READ && reply->data_bytes)
        open_files_at(files, reply->file, reply->offset);
    else
        open_files_at_none(files);
    if (asked->call.kind == NFS_CLOSE)
        open_files_close(files, asked->call.file);
    asked->used = false;
}

/* Reads the head of a message; afterwards the files stand where its data go. */
static enum parse_result take_message(struct side *side, struct open_files *files,
                                      const uint8_t *data, size_t size, size_t whole,
                                      struct nfs_message *message)
{
    struct session *session = side->owner->state;
    *message = (struct nfs_message){.kind = NFS_OTHER};
    open_files_at_none(files);
    if (size < NFS_MARK)
        return size < whole ? PARSE_MORE : PARSE_NOT;
    if (nfs_is_call(data)) {
        enum parse_result result = nfs_parse_call(data, size, whole, message);
        if (result == PARSE_OK)
            take_call(side, files, message);
        return result;
    }
    uint32_t xid =
        (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
    struct asked *asked = nfs_is_reply(data) ? find_asked(session, xid) : NULL;
    if (!asked)
        return PARSE_NOT;
    enum parse_result result = nfs_parse_reply(data, size, whole, &asked->call, message);
    if (result == PARSE_OK)
        take_reply(files, asked, message);
    return result;
}

/* --- records -----------------------------------------------------------------------------------
 */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void end_fragment(struct records *records)
{
    if (!records->last)
        return;
    records->before = records->data = 0;
    records->told = records->clear = false;
}

/* Passes over up to `size` bytes of the fragment; NULL data: they are missing. */
static uint64_t pass(struct side *side, const uint8_t *data, uint64_t size)
{
    struct records *records = side->state;
    uint64_t used = least(size, records->left);
    uint64_t before = least(records->before, used);
    uint64_t inside = least(records->data, used - before);
    records->before -= before;
    records->data -= inside;
    records->left -= used;
    if (inside && data)
        open_files_put(records->files, data + before, (size_t)inside);
    else if (inside)
        open_files_gap(records->files, inside);
    if (records->clear && data)
        side_inspect(side, data, (size_t)used);
    if (records->left == 0)
        end_fragment(records);
    return used;
}

/* 0: more is needed. */
static size_t begin_fragment(struct records *records, const uint8_t *data, size_t size)
{
    if (size < RECORD_HEAD)
        return 0;
    records->last = data[0] & RECORD_LAST;
    records->left = (uint64_t)(data[0] & 0x7f) << 24 | (uint64_t)data[1] << 16 |
                    (uint64_t)data[2] << 8 | data[3];
    if (records->left == 0)
        end_fragment(records);
    return RECORD_HEAD;
}

static bool is_rpc(const uint8_t *data, size_t size)
{
    return size >= NFS_MARK && (nfs_is_call(data) || nfs_is_reply(data));
}

/* Does something go by of which nothing is looked at? */
static bool is_unread(const struct records *records, const struct nfs_message *message,
                      enum parse_result result)
{
    if (result == PARSE_MALFORMED || records->clear)
        return !records->last;
    return message->kind == NFS_OTHER && records->left > NFS_HEAD_MAX;
}

/* False: more of it is needed. */
static bool begin_message(struct side *side, const uint8_t *data, size_t size)
{
    struct records *records = side->state;
    struct nfs_message message;
    size_t there = (size_t)least(size, records->left);
    enum parse_result result =
        take_message(side, records->files, data, there, (size_t)records->left, &message);
    if (result == PARSE_MORE)
        return false;
    side->owner->content->malformed += result == PARSE_MALFORMED && records->last;
    records->clear = !is_rpc(data, there);
    side->owner->content->messages_unread += is_unread(records, &message, result);
    records->told = true;
    records->before = message.data_at;
    records->data = result == PARSE_OK ? message.data_bytes : 0;
    return true;
}

static bool begins_record(struct session *session, const uint8_t *data)
{
    if (nfs_is_call(data + RECORD_HEAD))
        return true;
    uint32_t xid =
        (uint32_t)data[4] << 24 | (uint32_t)data[5] << 16 | (uint32_t)data[6] << 8 | data[7];
    return nfs_is_reply(data + RECORD_HEAD) && find_asked(session, xid);
}

/* How many bytes are before the next record that can be told: one of a single fragment, below 16
 * MiB. */
static size_t look_for_record(struct side *side, const uint8_t *data, size_t size)
{
    struct records *records = side->state;
    for (size_t at = 0; at + RECORD_MARK <= size; at++) {
        const uint8_t *mark = memchr(data + at, RECORD_LAST, size - at - (RECORD_MARK - 1));
        if (!mark)
            break;
        at = (size_t)(mark - data);
        if (begins_record(side->owner->state, mark)) {
            *records = (struct records){.files = records->files};
            return at;
        }
    }
    return size < RECORD_MARK ? 0 : size - (RECORD_MARK - 1);
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    struct records *records = side->state;
    size_t used = 0;
    if (records->lost)
        used = look_for_record(side, data, size);
    if (used)
        side_inspect(side, data, used);
    if (records->lost)
        return used;
    if (records->left == 0)
        return used + begin_fragment(records, data + used, size - used);
    if (!records->told && !begin_message(side, data, size))
        return 0;
    return (size_t)pass(side, data, size);
}

static void cut(struct side *side, uint64_t bytes)
{
    struct records *records = side->state;
    uint64_t gone = side->head_size + bytes;
    if (records->lost && side->head_size)
        side_inspect(side, side->head, side->head_size);
    side_inspect_gap(side, bytes);
    if (records->lost)
        return;
    if (!records->told && records->left) { /* its head was among them */
        open_files_at_none(records->files);
        records->told = true;
    }
    bool beyond = gone > records->left;
    pass(side, NULL, gone);
    records->lost = beyond;
}

/* --- datagrams ---------------------------------------------------------------------------------
 */

static bool take_datagram(struct content_flow *cf, enum flow_side which,
                          const struct packet *packet)
{
    const uint8_t *data = packet->payload;
    uint32_t size = packet->payload_captured;
    if (cf->stopped[which] || !is_rpc(data, size) ||
        (cf->protocol != &nfs_protocol && !nfs_is_call(data)))
        return false;
    struct side *side = side_of(cf, which, STAGE_PROBE);
    if (!side->opened)
        side_set_protocol(side, &nfs_protocol);
    if (!side->opened || !side_has_room(side))
        return side->opened;
    struct records *records = side->state;
    struct nfs_message message;
    side->inspected_bytes += size;
    side->gap_bytes += packet->payload_bytes - size;
    if (take_message(side, records->files, data, size, packet->payload_bytes, &message) !=
            PARSE_OK ||
        message.data_at > size)
        return true;
    uint64_t there = least(message.data_bytes, size - message.data_at);
    open_files_put(records->files, data + message.data_at, (size_t)there);
    return true;
}

/* --- the row -----------------------------------------------------------------------------------
 */

static void *flow_open(struct content_flow *cf)
{
    (void)cf;
    return xcalloc(1, sizeof(struct session));
}

static void flow_close(void *state)
{
    struct session *session = state;
    free(session->asked);
    free(session);
}

static void *side_open(struct side *side)
{
    struct records *records = xcalloc(1, sizeof *records);
    records->files = open_files_new(side);
    return records;
}

static void side_closed(struct side *side, void *state)
{
    struct records *records = state;
    (void)side;
    open_files_free(records->files);
    free(records);
}

/* A call of its program on any port; on its own a reply too. */
static enum parse_result begins(const struct opening *opening)
{
    bool by_port = opening->orig_port == NFS_PORT || opening->resp_port == NFS_PORT;
    const uint8_t *data = opening->data;
    size_t size = opening->size;
    static const uint8_t call[] = {0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0x86, 0xa3};
    if (size > 0 && !by_port && data[0] != RECORD_LAST)
        return PARSE_NOT; /* elsewhere no larger ones are believed */
    size_t compared = size > 8 ? size - 8 : 0;
    bool may_be_call = memcmp(data + (size > 8 ? 8 : 0), call,
                              compared < sizeof call ? compared : sizeof call) == 0;
    if (size < RECORD_MARK)
        return by_port || may_be_call ? PARSE_MORE : PARSE_NOT;
    if (may_be_call)
        return PARSE_OK;
    return by_port && nfs_is_reply(data + RECORD_HEAD) ? PARSE_OK : PARSE_NOT;
}

const struct protocol nfs_protocol = {
    .service = SERVICE_NFS,
    .joins = true,
    .begins = begins,
    .flow_open = flow_open,
    .flow_close = flow_close,
    .open = side_open,
    .close = side_closed,
    .step = step,
    .cut = cut,
    .datagram = take_datagram,
};
