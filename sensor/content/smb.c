/* Commands of SMB. Read are the fixed parts of those that move files' bytes; all else is SMB_OTHER,
 * session setups with their credentials among them. Of SMB 1 the first command of a chain is read,
 * and of its older writes and reads (WRITE, WRITE_RAW, …) none. Pure. */
#include "smb.h"

#include "weir/base/cursor.h"
#include "weir/base/digest.h"

#define SMB2_HEAD       64u
#define SMB2_TREE       3
#define SMB2_CLOSE      6
#define SMB2_READ       8
#define SMB2_WRITE      9
#define SMB2_RESPONSE   0x1u
#define SMB2_ASYNC      0x2u
#define SMB2_WRITE_SIZE 49
#define SMB2_READ_SIZE  17
#define SMB2_TREE_SIZE  16
#define SMB2_SHARE_PIPE 2
#define STATUS_PENDING  0x103u

#define SMB1_CLOSE    0x04
#define SMB1_READ     0x2e
#define SMB1_WRITE    0x2f
#define SMB1_TREE     0x75
#define SMB1_RESPONSE 0x80u

#define ID_SEED   1u
#define FILE_SEED 2u

static const uint8_t no_file[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* --- SMB 2 and 3 -------------------------------------------------------------------------------
 */

static void take_file(struct cursor *c, struct smb_command *command)
{
    const uint8_t *file = cursor_take(c, sizeof no_file);
    if (!file)
        return;
    command->file = hash64(file, sizeof no_file, FILE_SEED);
    command->related = memcmp(file, no_file, sizeof no_file) == 0;
}

static void take_request2(struct cursor *c, uint16_t code, struct smb_command *command)
{
    if (code == SMB2_WRITE) {
        if (cursor_le16(c) != SMB2_WRITE_SIZE)
            return;
        command->kind = SMB_WRITE;
        command->data_at = cursor_le16(c);
        command->data_bytes = cursor_le32(c);
        command->offset = cursor_le64(c);
        take_file(c, command);
    } else if (code == SMB2_READ) {
        command->kind = SMB_READ_ASKED;
        cursor_skip(c, 8); /* sizes, padding, flags, length */
        command->offset = cursor_le64(c);
        take_file(c, command);
    } else if (code == SMB2_CLOSE) {
        command->kind = SMB_CLOSE;
        cursor_skip(c, 8);
        take_file(c, command);
    }
}

/* An answer without its own size is an error's, or an interim one. */
static void take_answer2(struct cursor *c, uint16_t code, struct smb_command *command)
{
    if (command->pending || (code != SMB2_READ && code != SMB2_TREE && code != SMB2_CLOSE))
        return;
    uint16_t size = cursor_le16(c);
    if (code == SMB2_READ && size == SMB2_READ_SIZE) {
        command->kind = SMB_READ;
        command->data_at = cursor_u8(c);
        cursor_skip(c, 1);
        command->data_bytes = cursor_le32(c);
    } else if (code == SMB2_TREE && size == SMB2_TREE_SIZE) {
        command->kind = SMB_TREE;
        command->pipe = cursor_u8(c) == SMB2_SHARE_PIPE;
    } else if (code == SMB2_CLOSE) {
        command->kind = SMB_CLOSED;
    }
}

static void parse2(struct cursor *c, struct smb_command *command)
{
    uint64_t id[2];    /* message, session */
    cursor_skip(c, 8); /* mark, size, credits charged */
    uint32_t status = cursor_le32(c);
    uint16_t code = cursor_le16(c);
    cursor_skip(c, 2);
    uint32_t flags = cursor_le32(c);
    command->next = cursor_le32(c);
    id[0] = cursor_le64(c);
    cursor_skip(c, 4);
    command->tree = cursor_le32(c);
    id[1] = cursor_le64(c);
    cursor_skip(c, 16);
    command->id = hash64(id, sizeof id, ID_SEED);
    if (flags & SMB2_RESPONSE) {
        command->pending = status == STATUS_PENDING;
        take_answer2(c, code, command);
    } else {
        take_request2(c, code, command);
    }
    if (flags & SMB2_ASYNC)
        command->tree = 0; /* there stands another number */
}

/* --- SMB 1 -------------------------------------------------------------------------------------
 */

static void take_file1(struct cursor *c, struct smb_command *command)
{
    uint16_t file = cursor_le16(c);
    command->file = hash64(&file, sizeof file, FILE_SEED);
}

static void take_request1(struct cursor *c, uint8_t code, uint8_t words,
                          struct smb_command *command)
{
    if (code == SMB1_CLOSE) {
        command->kind = SMB_CLOSE;
        take_file1(c, command);
    } else if ((code == SMB1_WRITE && (words == 12 || words == 14)) ||
               (code == SMB1_READ && (words == 10 || words == 12))) {
        command->kind = code == SMB1_WRITE ? SMB_WRITE : SMB_READ_ASKED;
        cursor_skip(c, 4); /* the next of the chain */
        take_file1(c, command);
        command->offset = cursor_le32(c);
        if (code == SMB1_WRITE) {
            cursor_skip(c, 8); /* time-out, mode, remaining */
            command->data_bytes = (uint32_t)cursor_le16(c) << 16;
            command->data_bytes |= cursor_le16(c);
            command->data_at = cursor_le16(c);
        } else {
            cursor_skip(c, 10);
        }
        if (words == (code == SMB1_WRITE ? 14 : 12))
            command->offset |= (uint64_t)cursor_le32(c) << 32;
    }
}

static void take_answer1(struct cursor *c, uint8_t code, uint8_t words, struct smb_command *command)
{
    if (code == SMB1_READ && words == 12) {
        command->kind = SMB_READ;
        cursor_skip(c, 10);
        command->data_bytes = cursor_le16(c);
        command->data_at = cursor_le16(c);
        command->data_bytes |= (uint32_t)cursor_le16(c) << 16;
    } else if (code == SMB1_TREE && (words == 3 || words == 7)) {
        command->kind = SMB_TREE;
        cursor_skip(c, 2u * words + 2);
        const uint8_t *service = cursor_take(c, 3);
        command->pipe = service && memcmp(service, "IPC", 3) == 0;
    } else if (code == SMB1_CLOSE) {
        command->kind = SMB_CLOSED;
    }
}

static void parse1(struct cursor *c, struct smb_command *command)
{
    uint16_t id[2]; /* process, multiplex */
    cursor_skip(c, 4);
    uint8_t code = cursor_u8(c);
    cursor_skip(c, 4);
    uint8_t flags = cursor_u8(c);
    cursor_skip(c, 14);
    command->tree = cursor_le16(c);
    id[0] = cursor_le16(c);
    cursor_skip(c, 2);
    id[1] = cursor_le16(c);
    uint8_t words = cursor_u8(c);
    command->id = hash64(id, sizeof id, ID_SEED);
    if (flags & SMB1_RESPONSE)
        take_answer1(c, code, words, command);
    else
        take_request1(c, code, words, command);
}

/* --- either ------------------------------------------------------------------------------------
 */

enum parse_result smb_parse(const uint8_t *data, size_t size, size_t whole,
                            struct smb_command *command)
{
    size_t there = size < whole ? size : whole;
    struct cursor c = cursor_make(data, there);
    *command = (struct smb_command){.kind = SMB_OTHER};
    if (there >= 4 && memcmp(data + 1, "SMB", 3) == 0) {
        if (data[0] == 0xfd)
            command->kind = SMB_ENCRYPTED;
        else if (data[0] == 0xfc)
            command->kind = SMB_COMPRESSED;
        else if (data[0] == 0xfe)
            parse2(&c, command);
        else if (data[0] == 0xff)
            parse1(&c, command);
    } else if (there >= 4) {
        return PARSE_NOT;
    } else {
        c.failed = true;
    }
    if (!c.failed)
        return PARSE_OK;
    command->kind = SMB_OTHER;
    return there < whole && there < SMB_COMMAND_HEAD_MAX ? PARSE_MORE : PARSE_MALFORMED;
}

enum parse_result smb_begins(const uint8_t *data, size_t size)
{
    static const char mark[] = "SMB";
    if (size > 0 && data[0] != 0)
        return PARSE_NOT;
    if (size > 4 && data[4] < 0xfc)
        return PARSE_NOT;
    for (size_t i = 5; i < size && i < 8; i++)
        if (data[i] != (uint8_t)mark[i - 5])
            return PARSE_NOT;
    return size < 8 ? PARSE_MORE : PARSE_OK;
}
