/* One command of SMB 1 (MS-CIFS, MS-SMB), 2 or 3 (MS-SMB2): does it carry a file's bytes, whose,
 * and where in it? Pure; no allocation. */
#ifndef WEIR_SENSOR_CONTENT_SMB_H
#define WEIR_SENSOR_CONTENT_SMB_H

#include "weir/content/names.h"

enum smb_kind {
    SMB_OTHER,
    SMB_ENCRYPTED,  /* a transform header: nothing inside can be read */
    SMB_COMPRESSED, /* … a compressed message: nothing inside is read */
    SMB_WRITE,      /* a request with data */
    SMB_READ_ASKED,
    SMB_READ, /* an answer with data: whose, its request said */
    SMB_CLOSE,
    SMB_CLOSED,
    SMB_TREE, /* an answer: a share is connected */
    SMB_KINDS
};

struct smb_command {
    enum smb_kind kind;
    bool related;  /* its file is the one that the commands before it opened */
    bool pending;  /* an answer that says that the answer comes later */
    bool pipe;     /* SMB_TREE: of programs, not of files */
    uint32_t next; /* bytes to the next command of the message; 0: it is the last */
    uint32_t tree;
    uint64_t id;   /* of request and answer */
    uint64_t file; /* a hash */
    uint64_t offset;
    uint32_t data_at, data_bytes; /* from the command's beginning; may claim more than there is */
};

/* No command's beginning is larger. */
#define SMB_COMMAND_HEAD_MAX 128u

/* The beginning of a command that is at most `whole` bytes long. PARSE_MORE only when size < whole
 * and size < SMB_COMMAND_HEAD_MAX. */
enum parse_result smb_parse(const uint8_t *data, size_t size, size_t whole,
                            struct smb_command *command);
/* A message in its frame (RFC 1002 4.3.1; MS-SMB2 2.1), its first bytes. */
enum parse_result smb_begins(const uint8_t *data, size_t size);

#endif
