/* What a client asks a server for, told once the server has answered: the account it named, and
 * where in the server's tree the thing lies. As keyed hashes; a name is never kept or told.
 *
 * Names are read from Basic (RFC 7617) and Digest (RFC 7616) credentials, SASL's PLAIN (RFC 4616)
 * and LOGIN, and what the lines of FTP, POP3, IMAP say. Readers are pure and do not allocate.
 * Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_ASKED_H
#define WEIR_SENSOR_CONTENT_ASKED_H

#include "flow_content.h"
#include "span.h"

#define ASKED_NAME_MAX 256u /* of longer names the beginning counts */

struct asked_name { /* size 0: none */
    uint16_t size;
    char text[ASKED_NAME_MAX];
};

/* An Authorization field's value. Other schemes name nobody in clear. */
void asked_credentials(struct text_span value, struct asked_name *account);
void asked_plain(struct text_span base64, struct asked_name *account);
void asked_base64(struct text_span base64, struct asked_name *account);
/* The first two segments of a target's path (RFC 9112 3.2) without its dot segments (RFC
 * 3986 5.2.4); a last one with a dot in it is a file's name, and none of them. No query, no
 * parameters (";v=1"). */
void asked_project(struct text_span target, struct asked_name *project);

/* What one request asks for, or a login; all zero: nothing. */
struct asked {
    uint64_t account, project;
};
/* 0: none. Letters of accounts count alike in both cases: servers that tell them apart are rare,
 * and people do not. */
uint64_t asked_account_hash(const struct side *side, const struct asked_name *account);
uint64_t asked_project_hash(const struct side *side, const struct asked_name *project);

/* `side` answers. Its items, told like what is found in its text. */
void asked_tell(struct side *side, enum content_class class, uint64_t hash, const char *protocol);
/* With this status of HTTP; `gives`: content comes with it. */
void asked_answered(struct side *side, const struct asked *asked, unsigned status, bool gives);

/* A login by lines; of both sides of a flow. All zero: none. */
struct login {
    uint64_t account; /* that the client named; 0: none */
    uint64_t tag;     /* whatever the protocol knows the command by */
    uint8_t next;     /* what the client's next line is: private */
    bool due;         /* the server's answer to it will say whether it was let in */
};
void login_named(const struct side *side, struct login *login, struct text_span name);
/* AUTH with this mechanism; `response` may be empty: then it comes in a line of its own. */
void login_mechanism(const struct side *side, struct login *login, struct text_span mechanism,
                     struct text_span response);
/* A client's line that is no command. */
void login_line(const struct side *side, struct login *login, struct text_span line);
/* The server's word on it, when one is due. */
void login_answered(struct side *side, struct login *login, bool accepted, const char *protocol);

#endif
