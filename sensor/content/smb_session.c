/* SMB over TCP (port 445, or 139 within NetBIOS frames: RFC 1002 4.3): what is written to files and
 * read from them, a body an open file. Names, credentials and everything else that is said is never
 * inspected, nor are pipes: they carry programs' words, not files.
 *
 * A message is a frame with its length, then commands, each saying how far the next one is; large
 * ones pass through without being gathered. A read's file is known from its request, which is kept
 * until it is answered; of one-sided traffic all reads are one file.
 *
 * Missing bytes within a message cost what they were; where they hide the next frame, the next
 * frame that can be told by its mark is looked for, byte by byte. What is passed over meanwhile,
 * and a frame's message that has no mark of SMB's, is anybody's clear text and inspected as that:
 * eight bytes of SMB hide nothing that is none. Encrypted messages name the flow
 * (TEXT_APPLICATION), compressed ones are counted (messages_unread).
 *
 * Bounds: SMB_ASKED requests that wait for their answers (the oldest goes, its read is then of no
 * known file), SMB_PIPES connected shares that are not files', open_files.h. Thread: the capture
 * thread.
 */
#include "open_files.h"
#include "protocol.h"
#include "smb.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_HEAD    4u
#define FRAME_MESSAGE 0x00
#define FRAME_FIRST   0x81 /* session service: request … keep-alive */
#define FRAME_LAST    0x85
#define MARK_SIZE     8u /* a frame's head and a message's mark */
#define NETBIOS_PORT  139

#define SMB_ASKED    128u
#define SMB_PIPES    8u
#define FILE_UNKNOWN 0u

struct asked {
    uint64_t id, file, offset;
    bool used, pipe;
};

struct session {         /* both sides' */
    struct asked *asked; /* SMB_ASKED; NULL: none yet */
    uint32_t asked_next, pipes_next;
    uint32_t pipe[SMB_PIPES]; /* trees; 0: none */
};

struct messages { /* a side's */
    struct open_files *files;
    uint64_t left;  /* of the message */
    uint64_t chain; /* the id of its first command */
    /* Of the command: what is passed over, data, what is passed over. All 0: its head is next. */
    uint64_t before, data, after;
    bool lost;  /* where does the next message begin? */
    bool clear; /* the message is not SMB's: it is inspected as it is */
};

/* --- requests that wait ------------------------------------------------------------------------
 */

static void remember(struct session *session, const struct asked *asked)
{
    if (!session->asked)
        session->asked = xcalloc(SMB_ASKED, sizeof *session->asked);
    session->asked[session->asked_next++ % SMB_ASKED] = *asked;
}

static struct asked answered(struct session *session, uint64_t id)
{
    for (size_t i = 0; session->asked && i < SMB_ASKED; i++)
        if (session->asked[i].used && session->asked[i].id == id) {
            session->asked[i].used = false;
            return session->asked[i];
        }
    return (struct asked){.file = FILE_UNKNOWN};
}

static size_t pipe_place(const struct session *session, uint32_t tree)
{
    size_t i = 0;
    while (i < SMB_PIPES && (tree == 0 || session->pipe[i] != tree))
        i++;
    return i;
}

static bool is_pipe(const struct session *session, uint32_t tree)
{
    return pipe_place(session, tree) < SMB_PIPES;
}

static void connect_tree(struct session *session, const struct smb_command *command)
{
    size_t place = pipe_place(session, command->tree);
    if (command->pipe && place == SMB_PIPES)
        session->pipe[session->pipes_next++ % SMB_PIPES] = command->tree;
    else if (!command->pipe && place < SMB_PIPES)
        session->pipe[place] = 0;
}

/* --- commands ----------------------------------------------------------------------------------
 */

static void take_read(struct messages *messages, struct session *session,
                      const struct smb_command *command)
{
    struct asked asked = answered(session, command->id);
    if (asked.pipe || is_pipe(session, command->tree))
        messages->data = 0;
    else if (messages->data)
        open_files_at(messages->files, asked.file, asked.offset);
}

static void take_command(struct side *side, const struct smb_command *command)
{
    struct messages *messages = side->state;
    struct session *session = side->owner->state;
    uint64_t file = command->related ? messages->chain : command->file;
    if (command->kind == SMB_ENCRYPTED)
        content_text(side->owner, TEXT_APPLICATION, "smb3-encrypted");
    else if (command->kind == SMB_COMPRESSED)
        side->owner->content->messages_unread++;
    else if (command->kind == SMB_TREE)
        connect_tree(session, command);
    else if (command->kind == SMB_WRITE && messages->data && !is_pipe(session, command->tree))
        open_files_at(messages->files, file, command->offset);
    else if (command->kind == SMB_WRITE)
        messages->data = 0;
    else if (command->kind == SMB_READ)
        take_read(messages, session, command);
    else if (command->kind == SMB_READ_ASKED || command->kind == SMB_CLOSE)
        remember(session, &(struct asked){command->id, file, command->offset, true,
                                          is_pipe(session, command->tree)});
    else if (command->kind == SMB_CLOSED)
        open_files_close(messages->files, answered(session, command->id).file);
    if (command->kind == SMB_CLOSE)
        open_files_close(messages->files, file);
}

/* How the command's bytes are to be passed over. Claims beyond the message are not believed. */
static void lay_out(struct messages *messages, const struct smb_command *command)
{
    uint64_t whole = messages->left, data = command->data_bytes;
    if (command->next >= MARK_SIZE && command->next < whole)
        whole = command->next;
    messages->before = whole;
    messages->data = messages->after = 0;
    if (command->data_at < MARK_SIZE || command->data_at >= whole)
        return;
    if (data > whole - command->data_at)
        data = whole - command->data_at;
    messages->before = command->data_at;
    messages->data = data;
    messages->after = whole - command->data_at - data;
}

/* False: more of its head is needed. */
static bool begin_command(struct side *side, const uint8_t *data, size_t size)
{
    struct messages *messages = side->state;
    struct smb_command command;
    enum parse_result result = smb_parse(data, size, messages->left, &command);
    if (result == PARSE_MORE)
        return false;
    side->owner->content->malformed += result != PARSE_OK;
    messages->clear = result == PARSE_NOT;
    if (result != PARSE_OK)
        command = (struct smb_command){.kind = SMB_OTHER};
    if (messages->chain == 0 || !command.related)
        messages->chain = command.id;
    lay_out(messages, &command);
    uint64_t data_bytes = messages->data;
    take_command(side, &command);
    messages->after += data_bytes - messages->data; /* data that is not a file's */
    return true;
}

/* --- bytes -------------------------------------------------------------------------------------
 */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Passes over up to `size` bytes of the command; NULL data: they are missing. */
static uint64_t pass(struct side *side, const uint8_t *data, uint64_t size)
{
    struct messages *messages = side->state;
    uint64_t before = least(messages->before, size);
    uint64_t inside = least(messages->data, size - before);
    uint64_t after = least(messages->after, size - before - inside);
    messages->before -= before;
    messages->data -= inside;
    messages->after -= after;
    messages->left -= before + inside + after;
    if (inside && data)
        open_files_put(messages->files, data + before, (size_t)inside);
    else if (inside)
        open_files_gap(messages->files, inside);
    if (messages->clear && data)
        side_inspect(side, data, (size_t)before);
    return before + inside + after;
}

/* 0: more is needed. */
static size_t begin_message(struct messages *messages, const uint8_t *data, size_t size)
{
    if (size < FRAME_HEAD)
        return 0;
    messages->left = (uint64_t)data[1] << 16 | (uint64_t)data[2] << 8 | data[3];
    messages->chain = 0;
    messages->clear = data[0] != FRAME_MESSAGE; /* the session service's own */
    if (data[0] >= FRAME_FIRST && data[0] <= FRAME_LAST)
        messages->before = messages->left;
    else if (data[0] != FRAME_MESSAGE)
        messages->lost = true;
    return FRAME_HEAD;
}

/* How many bytes are before the next frame that can be told. */
static size_t look_for_message(struct messages *messages, const uint8_t *data, size_t size)
{
    size_t at = 0;
    while (at + MARK_SIZE <= size) {
        const uint8_t *zero = memchr(data + at, 0, size - at - (MARK_SIZE - 1));
        if (!zero)
            break;
        at = (size_t)(zero - data);
        if (smb_begins(zero, MARK_SIZE) == PARSE_OK) {
            messages->lost = false;
            messages->left = messages->before = messages->data = messages->after = 0;
            return at;
        }
        at++;
    }
    return size < MARK_SIZE ? 0 : size - (MARK_SIZE - 1);
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    struct messages *messages = side->state;
    size_t used = 0;
    if (messages->lost) {
        used = look_for_message(messages, data, size);
        if (used)
            side_inspect(side, data, used);
    }
    if (messages->lost)
        return used;
    if (messages->left == 0)
        return used + begin_message(messages, data + used, size - used);
    if (messages->before + messages->data + messages->after == 0 &&
        !begin_command(side, data, size))
        return 0;
    return (size_t)pass(side, data, size);
}

static void cut(struct side *side, uint64_t bytes)
{
    struct messages *messages = side->state;
    uint64_t gone = side->head_size + bytes;
    if (messages->lost && side->head_size)
        side_inspect(side, side->head, side->head_size);
    side_inspect_gap(side, bytes);
    if (messages->lost)
        return;
    if (messages->left && messages->before + messages->data + messages->after == 0)
        messages->before = messages->left; /* its head was among them */
    messages->lost = gone > messages->left;
    gone -= pass(side, NULL, gone);
    if (messages->left && gone > 0) { /* the next command's head too */
        messages->before = messages->left;
        pass(side, NULL, gone);
    }
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
    struct messages *messages = xcalloc(1, sizeof *messages);
    messages->files = open_files_new(side);
    return messages;
}

static void side_closed(struct side *side, void *state)
{
    struct messages *messages = state;
    (void)side;
    open_files_free(messages->files);
    free(messages);
}

static enum parse_result begins(const struct opening *opening)
{
    bool netbios = opening->orig_port == NETBIOS_PORT || opening->resp_port == NETBIOS_PORT;
    const uint8_t *data = opening->data;
    if (netbios && opening->size && data[0] >= FRAME_FIRST && data[0] <= FRAME_LAST) {
        if (opening->size > 1 && data[1] > 1) /* 17 bits of length */
            return PARSE_NOT;
        return opening->size < FRAME_HEAD ? PARSE_MORE : PARSE_OK;
    }
    return smb_begins(data, opening->size);
}

const struct protocol smb_protocol = {
    .service = SERVICE_SMB,
    .joins = true,
    .begins = begins,
    .flow_open = flow_open,
    .flow_close = flow_close,
    .open = side_open,
    .close = side_closed,
    .step = step,
    .cut = cut,
};
