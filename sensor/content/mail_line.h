/* The lines of commands and answers, as SMTP, POP3 and IMAP have them: what stands in them is
 * inspected, unless it is a secret, and that is decided by a line's first words. Of a long line its
 * beginning and its end are kept. And the lines of a message that ends with a lone dot. No
 * allocation. Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_MAIL_LINE_H
#define WEIR_SENSOR_CONTENT_MAIL_LINE_H

#include "body.h"
#include "protocol.h"
#include "span.h"

#define MAIL_LINE_HEAD 64u
#define MAIL_LINE_MAX  512u
/* Of a side: secrets are not larger (RFC 4954 4: a line of 12,288), and what is hides something. */
#define MAIL_HIDDEN_MAX 65536u

struct mail_line {
    char text[MAIL_LINE_MAX]; /* the first MAIL_LINE_HEAD bytes, and the last ones */
    uint16_t size;
    uint8_t blanks;        /* runs of them, behind words */
    bool ready;            /* the first words are there; whoever asked shows or hides the line */
    bool hidden;           /* a secret: not inspected */
    bool ended;            /* its line feed is there */
    uint32_t hidden_bytes; /* of all lines */
};

void mail_line_reset(struct mail_line *line);
/* Takes bytes until `words` words, MAIL_LINE_HEAD bytes or the line are whole, which sets `ready`;
 * they are not inspected yet. Returns how many. */
size_t mail_line_open(struct mail_line *line, const uint8_t *data, size_t size, unsigned words);
/* What was taken so far is inspected. */
void mail_line_show(struct side *side, struct mail_line *line);
/* So many bytes are a secret; returns how many of them may be: not more than MAIL_HIDDEN_MAX in
 * all.
 */
size_t mail_line_hides(struct mail_line *line, size_t bytes);
/* Takes bytes up to the line's end, which sets `ended`. Returns how many. */
size_t mail_line_rest(struct side *side, struct mail_line *line, const uint8_t *data, size_t size);

/* Without its end. */
struct text_span mail_line_text(const struct mail_line *line);
/* The word of this index, from 0; empty when there is none. Of the first MAIL_LINE_HEAD bytes.
 * Servers pass over any blanks before words, so that is done here too. */
struct text_span mail_line_word(const struct mail_line *line, unsigned index);
/* Everything from the word of this index on; of a line that lost its middle, nothing. */
struct text_span mail_line_behind(const struct mail_line *line, unsigned index);
bool mail_word_is(struct text_span word, const char *text); /* in any case */
bool mail_word_in(struct text_span word, const char *const *texts);
/* Decimal digits at the beginning; -1: none, or too many. */
int64_t mail_number(const char *text, size_t size);

enum mail_role { MAIL_UNKNOWN, MAIL_CLIENT, MAIL_SERVER };

/* What every side of a mail protocol has; the first member of its state. */
struct mail_side {
    uint8_t role;       /* enum mail_role */
    bool authenticates; /* what the client says is secret, up to its next command */
    bool after_gap;     /* the line's beginning may be missing */
    struct mail_line line;
};

/* Sets the role by that of the other side, else by how this one's first line looks. */
void mail_set_role(struct side *side, struct mail_side *mail, bool like_server);
/* A line that its role never says: the roles were wrong, and both change. */
void mail_turn_roles(struct side *side, struct mail_side *mail);
/* The other side speaks the protocol too, as far as it was seen. */
bool mail_hears_other(const struct side *side);
/* The first words of a client's line are there: it is shown, unless it is a secret, or may be the
 * rest of one. */
void mail_judge(struct side *side, struct mail_side *mail, bool command, bool secret);
/* Bytes are missing in what is no message. */
void mail_cut(struct side *side, struct mail_side *mail, uint64_t bytes);
/* The stream ends. */
void mail_close(struct side *side, struct mail_side *mail);

/* Does it begin with one of these, in any case? PARSE_MORE: with the beginning of one. */
enum parse_result mail_begins(const struct opening *opening, const char *const *texts);

/* A message's lines: a dot at a line's beginning is doubled, a lone one ends it (RFC 5321 4.5.2,
 * RFC 1939 3). Lines begin behind a line feed. */
struct dotted {
    bool within;  /* a line */
    bool bare;    /* its sender ends lines with a line feed alone */
    uint8_t held; /* of ".\r" at a line's beginning */
};
/* Gives the body what belongs to it; returns how many bytes were taken, not 0. *ended: the lone dot
 * was.
 */
size_t dotted_put(struct dotted *dotted, struct body *body, const uint8_t *data, size_t size,
                  bool *ended);

#endif
