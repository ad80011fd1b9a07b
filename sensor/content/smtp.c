/* SMTP, submission and LMTP: commands and answers, and the messages between them (RFC 5321, 3030,
 * 1870, 2033, 3207, 4954).
 *
 * Which side is the client's is known by its first line: answers begin with three digits. A message
 * follows DATA: for certain when the other side was heard to say 354, else when what comes is no
 * command (a refused client goes on with one, and so does a capture of one side). BDAT says how
 * many bytes follow. SIZE= is what was declared.
 *
 * Missing bytes. In a chunk: its end is known. In a message: it goes on; a line that is a command
 * ends it once the server has answered after 354, or in capital letters where it is not heard.
 * Elsewhere: what follows is a line; when the server had said 354 it is a message whose head is
 * missing.
 *
 * AUTH lines, and whatever the client says until another command, are not inspected; nor is, behind
 * a gap, the rest of a line that is no command. A record of TLS at a line's beginning is TLS behind
 * missing bytes, or once the server has granted STARTTLS, where it is heard: else a line that looks
 * like one, which every server refuses, would hide the message behind it. For the same reason a
 * client that begins with what looks like an answer is known by its first MAIL or RCPT. Bounds:
 * mail_line.h, body.h; one message at once.
 * Thread: the capture thread. */
#include "asked.h"
#include "mail_line.h"
#include "protocol.h"
#include "recognise.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CODE_READY         220u
#define CODE_AUTHENTICATED 235u
#define CODE_GO_ON         354u
#define CODE_REFUSED       400u /* and above */
#define ROLE_BYTES         4u

enum place {
    PLACE_COMMAND,
    PLACE_ASKED, /* behind DATA: a message, or the next command */
    PLACE_MESSAGE,
    PLACE_CHUNK /* of BDAT */
};

struct smtp_flow {
    unsigned code; /* the server's last answer since DATA, AUTH or STARTTLS; 0: none */
    struct login login;
    bool granted;    /* it said 354, and no message has begun since */
    bool greeted;    /* the server has answered before */
    bool starts_tls; /* the client's last command was STARTTLS, and not before the greeting's 220 */
};

struct smtp_side {
    struct mail_side mail;
    struct smtp_flow *flow;
    uint8_t place; /* enum place; of the client */
    bool lost;     /* bytes are missing since the last command or message began */
    bool bare;     /* its lines end with a line feed alone */
    bool last_chunk;
    uint64_t chunk_bytes; /* left of it */
    int64_t declared_bytes;
    struct body *body;
    struct dotted dotted;
};

static const char *const commands[] = {
    "MAIL", "RCPT", "DATA", "BDAT", "RSET",     "QUIT", "NOOP",    "EHLO",     "HELO", "LHLO",
    "VRFY", "EXPN", "HELP", "AUTH", "STARTTLS", "ETRN", "XCLIENT", "XFORWARD", "BURL", NULL,
};

static bool is_answer(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < 3; i++)
        if (i >= size || data[i] < '0' || data[i] > '9')
            return false;
    return size == 3 || memchr(" -\r\n", data[3], 4);
}

/* --- messages ----------------------------------------------------------------------------------
 */

static void end_message(struct smtp_side *s)
{
    body_end(s->body);
    s->body = NULL;
    s->declared_bytes = BODY_UNDECLARED;
    s->lost = false;
    s->flow->granted = false;
    s->place = PLACE_COMMAND;
}

static void begin_message(struct side *side, struct smtp_side *s)
{
    struct smtp_flow *flow = side->owner->state;
    struct body_said said = {.declared_bytes = s->declared_bytes, .message = true};
    flow->granted = false;
    body_end(s->body); /* chunks without a last one */
    s->body = body_begin(side, &said);
    s->dotted = (struct dotted){.within = s->mail.after_gap, .bare = s->bare};
}

static void put_message(struct smtp_side *s, const uint8_t *data, size_t size)
{
    bool ended = false;
    for (size_t at = 0; at < size && !ended;)
        at += dotted_put(&s->dotted, s->body, data + at, size - at, &ended);
    if (ended)
        end_message(s);
}

/* What was held back of a message's line, which might have been a command. */
static void put_held(struct smtp_side *s)
{
    if (s->place != PLACE_MESSAGE || s->mail.line.size == 0)
        return;
    put_message(s, (const uint8_t *)s->mail.line.text, s->mail.line.size);
    mail_line_reset(&s->mail.line);
}

/* A line of a message that has lost bytes begins, or may: perhaps the message is over. */
static bool may_be_over(const struct smtp_side *s)
{
    return s->mail.after_gap || (s->lost && !s->dotted.within && s->dotted.held == 0);
}

static size_t take_message(struct smtp_side *s, const uint8_t *data, size_t size)
{
    bool ended;
    const uint8_t *end = s->lost ? memchr(data, '\n', size) : NULL;
    size_t most = end ? (size_t)(end - data) + 1 : size;
    size_t used = dotted_put(&s->dotted, s->body, data, most, &ended);
    if (ended)
        end_message(s);
    return used;
}

/* --- the client's commands ---------------------------------------------------------------------
 */

/* MAIL FROM:<a@b.example> SIZE=1234 */
static int64_t size_said(struct text_span text)
{
    static const char name[] = " SIZE=";
    size_t length = sizeof name - 1;
    for (size_t at = 0; at + length < text.size; at++)
        if (strncasecmp(text.at + at, name, length) == 0)
            return mail_number(text.at + at + length, text.size - at - length);
    return BODY_UNDECLARED;
}

static void begin_chunk(struct side *side, struct smtp_side *s)
{
    struct text_span size = mail_line_word(&s->mail.line, 1);
    int64_t bytes = mail_number(size.at, size.size);
    if (bytes < 0) {
        side->owner->content->malformed++;
        return;
    }
    if (!s->body)
        begin_message(side, s);
    s->chunk_bytes = (uint64_t)bytes;
    s->last_chunk = mail_word_is(mail_line_word(&s->mail.line, 2), "LAST");
    s->place = PLACE_CHUNK;
    if (bytes == 0 && s->last_chunk)
        end_message(s);
    else if (bytes == 0)
        s->place = PLACE_COMMAND;
}

/* AUTH, and what comes behind it: RFC 4954 4. */
static void look_at_login(struct side *side, struct smtp_side *s, struct text_span verb)
{
    struct smtp_flow *flow = side->owner->state;
    if (mail_word_is(verb, "AUTH"))
        login_mechanism(side, &flow->login, mail_line_word(&s->mail.line, 1),
                        mail_line_behind(&s->mail.line, 2));
    else if (!mail_word_in(verb, commands))
        login_line(side, &flow->login, mail_line_text(&s->mail.line));
}

static void on_command(struct side *side, struct smtp_side *s)
{
    struct smtp_flow *flow = side->owner->state;
    struct text_span verb = mail_line_word(&s->mail.line, 0), text = mail_line_text(&s->mail.line);
    look_at_login(side, s, verb);
    s->place = PLACE_COMMAND;
    s->bare = text.size + 1u == s->mail.line.size;
    flow->starts_tls = flow->greeted && mail_word_is(verb, "STARTTLS");
    if (mail_word_is(verb, "BDAT")) {
        begin_chunk(side, s);
        return;
    }
    if (s->body && mail_word_in(verb, commands) && !mail_word_is(verb, "NOOP"))
        end_message(s); /* chunks without a last one */
    if (mail_word_is(verb, "MAIL"))
        s->declared_bytes = size_said(text);
    bool asks = mail_word_is(verb, "DATA");
    s->mail.authenticates |= mail_word_is(verb, "AUTH");
    if (asks)
        s->place = PLACE_ASKED;
    if (asks || flow->starts_tls || mail_word_is(verb, "AUTH"))
        flow->code = 0;
    s->lost = s->lost && !mail_word_in(verb, commands);
}

/* --- the client's lines ------------------------------------------------------------------------
 */

/* "Subject:" is a message's first word, and no command's. */
static bool is_field(struct text_span word)
{
    return word.size > 1 && word.at[word.size - 1] == ':';
}

static bool is_capital(struct text_span word)
{
    for (size_t at = 0; at < word.size; at++)
        if (word.at[at] < 'A' || word.at[at] > 'Z')
            return false;
    return true;
}

/* The first word of a line is there: does a message begin with it, or go on? */
static bool is_of_message(const struct smtp_flow *flow, const struct smtp_side *s)
{
    struct text_span word = mail_line_word(&s->mail.line, 0);
    bool command = mail_word_in(word, commands);
    bool folded = word.at != s->mail.line.text;
    if (s->place == PLACE_MESSAGE) /* with a gap in it */
        return folded || !command || flow->code == CODE_GO_ON ||
               (flow->code == 0 && !is_capital(word));
    if (s->place == PLACE_ASKED && flow->code == CODE_GO_ON)
        return true;
    if (s->place == PLACE_ASKED)
        return flow->code >= CODE_REFUSED ? is_field(word) : !command;
    return s->lost && flow->granted && !command;
}

/* A line's first words: whose it is, and whether it is shown. */
static void judge_line(struct side *side, struct smtp_side *s)
{
    struct smtp_flow *flow = side->owner->state;
    struct text_span verb = mail_line_word(&s->mail.line, 0);
    if (is_of_message(flow, s)) {
        if (s->place != PLACE_MESSAGE) {
            begin_message(side, s);
            if (s->lost)
                body_gap(s->body, 0); /* its head is not whole */
        }
        s->place = PLACE_MESSAGE;
        s->mail.after_gap = false;
        put_message(s, (const uint8_t *)s->mail.line.text, s->mail.line.size);
        mail_line_reset(&s->mail.line);
        return;
    }
    if (s->place == PLACE_MESSAGE)
        end_message(s);
    s->place = PLACE_COMMAND;
    bool command = mail_word_in(verb, commands);
    if (flow->code == CODE_AUTHENTICATED || flow->code >= CODE_REFUSED)
        s->mail.authenticates = false;
    flow->granted = flow->granted && !command;
    mail_judge(side, &s->mail, command, mail_word_is(verb, "AUTH"));
}

static void end_line(struct side *side, struct smtp_side *s)
{
    if (!s->mail.line.ended)
        return;
    on_command(side, s);
    mail_line_reset(&s->mail.line);
    s->mail.after_gap = false;
}

static size_t take_line(struct side *side, struct smtp_side *s, const uint8_t *data, size_t size)
{
    size_t used = 0;
    if (!s->mail.line.ready) {
        used = mail_line_open(&s->mail.line, data, size, 1);
        if (s->mail.line.ready)
            judge_line(side, s);
    } else {
        used = mail_line_rest(side, &s->mail.line, data, size);
    }
    end_line(side, s);
    return used;
}

static size_t take_chunk(struct smtp_side *s, const uint8_t *data, size_t size)
{
    size_t used = s->chunk_bytes < size ? (size_t)s->chunk_bytes : size;
    body_put(s->body, data, used);
    s->chunk_bytes -= used;
    if (s->chunk_bytes == 0 && s->last_chunk)
        end_message(s);
    else if (s->chunk_bytes == 0)
        s->place = PLACE_COMMAND;
    return used;
}

/* The server waits for a message, whatever was made of the line that asked for it. */
static bool is_due(const struct smtp_side *s)
{
    if (s->mail.line.size)
        return false;
    return (s->place == PLACE_ASKED && s->flow->code == CODE_GO_ON) ||
           (s->place < PLACE_MESSAGE && s->flow->granted && !s->lost);
}

static size_t client_step(struct side *side, struct smtp_side *s, const uint8_t *data, size_t size)
{
    if (is_due(s)) {
        begin_message(side, s);
        s->place = PLACE_MESSAGE;
    }
    if (s->place == PLACE_CHUNK)
        return take_chunk(s, data, size);
    if (s->place == PLACE_MESSAGE && s->mail.line.size == 0 && !may_be_over(s))
        return take_message(s, data, size);
    return take_line(side, s, data, size);
}

/* --- the server's lines ------------------------------------------------------------------------
 */

/* What no server says. */
static bool is_clients(const struct smtp_side *s)
{
    static const char *const verbs[] = {"MAIL", "RCPT", NULL};
    return !s->mail.after_gap && mail_word_in(mail_line_word(&s->mail.line, 0), verbs);
}

static void judge_answer(struct side *side, struct smtp_side *s)
{
    if (is_clients(s)) {
        mail_turn_roles(side, &s->mail);
        judge_line(side, s);
        end_line(side, s);
    } else {
        mail_line_show(side, &s->mail.line);
    }
}

static size_t server_step(struct side *side, struct smtp_side *s, const uint8_t *data, size_t size)
{
    struct smtp_flow *flow = side->owner->state;
    size_t used = 0;
    if (!s->mail.line.ready) {
        used = mail_line_open(&s->mail.line, data, size, 1);
        if (s->mail.line.ready)
            judge_answer(side, s);
    } else {
        used = mail_line_rest(side, &s->mail.line, data, size);
    }
    if (!s->mail.line.ended || s->mail.role != MAIL_SERVER)
        return used;
    const char *text = s->mail.line.text;
    if (is_answer((const uint8_t *)text, s->mail.line.size) && text[3] != '-') {
        flow->code = (unsigned)mail_number(text, 3);
        flow->granted |= flow->code == CODE_GO_ON;
        flow->greeted = true;
        if (flow->code == CODE_AUTHENTICATED || flow->code >= CODE_REFUSED)
            login_answered(side, &flow->login, flow->code == CODE_AUTHENTICATED, "smtp");
    }
    mail_line_reset(&s->mail.line);
    s->mail.after_gap = false;
    return used;
}

/* --- the row -----------------------------------------------------------------------------------
 */

static void *flow_open(struct content_flow *cf)
{
    (void)cf;
    return xcalloc(1, sizeof(struct smtp_flow));
}

static void *open(struct side *side)
{
    struct smtp_side *s = xcalloc(1, sizeof *s);
    s->flow = side->owner->state;
    s->declared_bytes = BODY_UNDECLARED;
    s->lost = s->mail.after_gap = true; /* nothing is known of what was before */
    return s;
}

static void close(struct side *side, void *state)
{
    struct smtp_side *s = state;
    put_held(s);
    mail_close(side, &s->mail);
    body_end(s->body);
    free(s);
}

/* Both sides begin with it once STARTTLS is granted; a side that is heard alone is believed. */
static bool may_begin_tls(const struct side *side, const struct smtp_side *s)
{
    const struct smtp_flow *flow = side->owner->state;
    if (s->mail.line.size || s->place >= PLACE_MESSAGE)
        return false;
    return s->mail.after_gap || (flow->starts_tls && flow->code == CODE_READY) ||
           !mail_hears_other(side);
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    struct smtp_side *s = side->state;
    if (s->mail.role == MAIL_UNKNOWN && size < ROLE_BYTES && !memchr(data, '\n', size))
        return 0;
    if (s->mail.role == MAIL_UNKNOWN)
        mail_set_role(side, &s->mail, is_answer(data, size));
    if (may_begin_tls(side, s) && stage_begin_tls(side, data, size) != PARSE_NOT)
        return 0;
    return s->mail.role == MAIL_CLIENT ? client_step(side, s, data, size)
                                       : server_step(side, s, data, size);
}

static void cut_message(struct smtp_side *s, uint64_t bytes)
{
    put_held(s);
    body_gap(s->body, bytes);
    s->dotted = (struct dotted){.within = true, .bare = s->bare}; /* a dot hardly begins a line */
}

/* True: the place is kept. */
static bool cut_chunk(struct smtp_side *s, uint64_t bytes)
{
    bool within = bytes <= s->chunk_bytes;
    body_gap(s->body, bytes);
    s->chunk_bytes -= within ? bytes : s->chunk_bytes;
    if (within && s->chunk_bytes)
        return true;
    s->place = PLACE_COMMAND;
    if (!within || s->last_chunk)
        end_message(s);
    return within;
}

static void cut(struct side *side, uint64_t bytes)
{
    struct smtp_side *s = side->state;
    struct smtp_flow *flow = side->owner->state;
    if (bytes)
        flow->login = (struct login){0};
    if (bytes == 0 || (s->place == PLACE_CHUNK && cut_chunk(s, bytes)))
        return;
    if (s->place == PLACE_ASKED && flow->code == CODE_GO_ON) {
        begin_message(side, s);
        s->place = PLACE_MESSAGE;
    }
    if (s->place == PLACE_MESSAGE)
        cut_message(s, bytes);
    s->lost = true;
    mail_cut(side, &s->mail, bytes);
}

/* --- recognition -------------------------------------------------------------------------------
 */

static bool is_mail_port(uint16_t port)
{
    return port == 25 || port == 587 || port == 24 || port == 2525;
}

/* Greetings that say "SMTP" and "EHLO " are known without this (service.c). */
static enum parse_result begins(const struct opening *opening)
{
    static const char *const openings[] = {"EHLO\r",     "HELO\r",   "LHLO ",
                                           "MAIL FROM:", "RCPT TO:", NULL};
    enum parse_result result = mail_begins(opening, openings);
    if (!is_mail_port(opening->orig_port) && !is_mail_port(opening->resp_port))
        return result;
    if (opening->size >= ROLE_BYTES)
        return is_answer(opening->data, opening->size) ? PARSE_OK : result;
    return opening->data[0] >= '2' && opening->data[0] <= '5' ? PARSE_MORE : result;
}

const struct protocol smtp_protocol = {
    .service = SERVICE_SMTP,
    .joins = true,
    .begins = begins,
    .flow_open = flow_open,
    .flow_close = free,
    .open = open,
    .close = close,
    .step = step,
    .cut = cut,
};
