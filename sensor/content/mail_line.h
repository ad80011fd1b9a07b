/* The lines of commands and answers, as SMTP, POP3 and IMAP have them: what stands in them is
 * inspected, unless it is a secret, and that is decided by a line's first words. Of a long line its
 * beginning and its end are kept. And the lines of a message that ends with a lone dot. No
 * allocation. Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_MAIL_LINE_H
#define WEIR_SENSOR_CONTENT_MAIL_LINE_H

#include "body.h"
#include "span.h"

#define MAIL_LINE_HEAD 64u
#define MAIL_LINE_MAX  512u

struct mail_line {
    char text[MAIL_LINE_MAX]; /* the first MAIL_LINE_HEAD bytes, and the last ones */
    uint16_t size;
    uint8_t blanks;
    bool ready;  /* the first words are there; whoever asked shows or hides the line */
    bool hidden; /* a secret: not inspected */
    bool ended;  /* its line feed is there */
};

void mail_line_reset(struct mail_line *line);
/* Takes bytes until `words` words, MAIL_LINE_HEAD bytes or the line are whole, which sets `ready`;
 * they are not inspected yet. Returns how many. */
size_t mail_line_open(struct mail_line *line, const uint8_t *data, size_t size, unsigned words);
/* What was taken so far is inspected, or nothing of the line is. */
void mail_line_show(struct side *side, struct mail_line *line);
void mail_line_hide(struct mail_line *line);
/* Takes bytes up to the line's end, which sets `ended`. Returns how many. */
size_t mail_line_rest(struct side *side, struct mail_line *line, const uint8_t *data, size_t size);
/* The stream ends or has a gap within the line: what was not shown is. */
void mail_line_cut(struct side *side, struct mail_line *line);

/* Without its end. */
struct text_span mail_line_text(const struct mail_line *line);
/* The word of this index, from 0; empty when there is none. Of the first MAIL_LINE_HEAD bytes. */
struct text_span mail_line_word(const struct mail_line *line, unsigned index);
bool mail_word_is(struct text_span word, const char *text); /* in any case */
bool mail_word_in(struct text_span word, const char *const *texts);
/* Decimal digits at the beginning; -1: none, or too many. */
int64_t mail_number(const char *text, size_t size);

/* A message's lines: a dot at a line's beginning is doubled, a lone one ends it (RFC 5321 4.5.2,
 * RFC 1939 3). Lines begin behind a line feed. */
struct dotted {
    bool within;  /* a line */
    bool bare;    /* its sender ends lines with a line feed alone */
    uint8_t held; /* of ".\r" at a line's beginning */
};
/* Gives the body what belongs to it; returns how many bytes were taken, not 0. *ended: the lone dot was.
 */
size_t dotted_put(struct dotted *dotted, struct body *body, const uint8_t *data, size_t size,
                  bool *ended);

#endif
