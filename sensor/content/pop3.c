/* POP3: commands, answers, and messages within answers (RFC 1939, 2449, 2595, 5034).
 *
 * A message follows "+OK" where the next line is a field ("Name:"), or the client's last command
 * was RETR or TOP and the next line is no answer: a capture of the server's side alone is enough.
 * Listings are lines like any other. What "+OK 1234 octets" says was declared. In a message that
 * has lost bytes a line that is an answer ends it.
 *
 * PASS, APOP and AUTH lines, and what the client says behind AUTH, are not inspected; nor is,
 * behind a gap, the rest of a line that is no command. Bounds: mail_line.h, body.h. Thread: the
 * capture thread. */
#include "asked.h"
#include "mail_line.h"
#include "protocol.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define POP3_PORT 110

enum place {
    PLACE_LINES,
    PLACE_ANSWERED, /* behind "+OK": a message may begin */
    PLACE_MESSAGE
};

struct pop3_flow {
    bool retrieves; /* the client's last command asked for a message */
    struct login login;
    uint32_t answers;  /* that commands wait for */
    uint32_t until_in; /* … up to the one that says whether the login is accepted */
};

struct pop3_side {
    struct mail_side mail;
    uint8_t place; /* enum place; of the server */
    bool lost;     /* bytes of the message are missing */
    int64_t declared_bytes;
    struct body *body;
    struct dotted dotted;
};

static const char *const commands[] = {
    "USER", "PASS", "APOP", "AUTH", "CAPA", "STAT", "LIST", "RETR", "DELE",
    "NOOP", "RSET", "QUIT", "TOP",  "UIDL", "STLS", "UTF8", "LANG", NULL,
};
static const char *const secrets[] = {"PASS", "APOP", "AUTH", NULL};
static const char *const answers[] = {"+OK", "-ERR", NULL};

/* --- the client --------------------------------------------------------------------------------
 */

static void client_judge(struct side *side, struct pop3_side *s)
{
    struct pop3_flow *flow = side->owner->state;
    struct text_span verb = mail_line_word(&s->mail.line, 0);
    bool command = mail_word_in(verb, commands);
    mail_judge(side, &s->mail, command, mail_word_in(verb, secrets));
    if (command)
        flow->retrieves = mail_word_is(verb, "RETR") || mail_word_is(verb, "TOP");
    s->mail.authenticates |= mail_word_is(verb, "AUTH");
}

/* A line is whole. PASS, APOP and AUTH are those whose answer says whether somebody is let in;
 * commands may come in a row (RFC 2449 6.6), so answers are counted. */
static void on_client_line(struct side *side, struct pop3_side *s)
{
    struct pop3_flow *flow = side->owner->state;
    struct text_span verb = mail_line_word(&s->mail.line, 0);
    if (!mail_word_in(verb, commands)) {
        login_line(side, &flow->login, mail_line_text(&s->mail.line));
        return;
    }
    flow->answers++;
    if (mail_word_is(verb, "USER") || mail_word_is(verb, "APOP"))
        login_named(side, &flow->login, mail_line_word(&s->mail.line, 1));
    else if (mail_word_is(verb, "AUTH"))
        login_mechanism(side, &flow->login, mail_line_word(&s->mail.line, 1),
                        mail_line_behind(&s->mail.line, 2));
    if (!mail_word_in(verb, secrets))
        return;
    flow->until_in = flow->answers;
    flow->login.due |= flow->login.account != 0;
}

/* --- the server --------------------------------------------------------------------------------
 */

static void end_message(struct pop3_side *s)
{
    body_end(s->body);
    s->body = NULL;
    s->lost = false;
    s->place = PLACE_LINES;
}

/* What is held of a line is the message's. */
static void put_held(struct pop3_side *s)
{
    bool ended = false;
    for (size_t at = 0; at < s->mail.line.size && !ended;)
        at += dotted_put(&s->dotted, s->body, (const uint8_t *)s->mail.line.text + at,
                         s->mail.line.size - at, &ended);
    mail_line_reset(&s->mail.line);
    if (ended)
        end_message(s);
}

static void begin_message(struct side *side, struct pop3_side *s)
{
    struct body_said said = {.declared_bytes = s->declared_bytes, .message = true};
    s->body = body_begin(side, &said);
    s->declared_bytes = BODY_UNDECLARED;
    s->dotted = (struct dotted){.within = s->mail.after_gap};
    s->place = PLACE_MESSAGE;
    s->lost = s->mail.after_gap;
    if (s->lost)
        body_gap(s->body, 0); /* its head is not whole */
}

static void server_judge(struct side *side, struct pop3_side *s)
{
    const struct pop3_flow *flow = side->owner->state;
    struct text_span word = mail_line_word(&s->mail.line, 0);
    bool answer = mail_word_in(word, answers);
    bool field = word.size > 1 && word.at[word.size - 1] == ':';
    bool due = s->place == PLACE_ANSWERED, may = due || (s->mail.after_gap && !s->body);
    if (!answer && ((due && field) || (may && flow->retrieves)))
        begin_message(side, s);
    if (s->place == PLACE_MESSAGE && !(s->lost && answer)) {
        put_held(s);
        s->mail.after_gap = false;
        return;
    }
    if (s->place == PLACE_MESSAGE)
        end_message(s);
    s->place = PLACE_LINES;
    mail_line_show(side, &s->mail.line);
}

/* "+OK 1234 octets" */
static int64_t octets_said(const struct mail_line *line)
{
    struct text_span number = mail_line_word(line, 1), unit = mail_line_word(line, 2);
    if (!mail_word_is(unit, "octets") && !mail_word_is(unit, "bytes"))
        return BODY_UNDECLARED;
    return mail_number(number.at, number.size);
}

static void count_answer(struct side *side, bool accepted)
{
    struct pop3_flow *flow = side->owner->state;
    if (flow->answers == 0) /* the greeting, or commands that were not seen */
        return;
    flow->answers--;
    if (flow->until_in > 0 && --flow->until_in == 0)
        login_answered(side, &flow->login, accepted, "pop3");
}

static void on_server_line(struct side *side, struct pop3_side *s)
{
    struct text_span word = mail_line_word(&s->mail.line, 0);
    bool accepted = mail_word_is(word, "+OK");
    if (mail_word_in(word, answers))
        count_answer(side, accepted);
    if (!accepted)
        return;
    s->place = PLACE_ANSWERED;
    s->declared_bytes = octets_said(&s->mail.line);
}

static size_t take_message(struct pop3_side *s, const uint8_t *data, size_t size)
{
    bool ended;
    const uint8_t *end = s->lost ? memchr(data, '\n', size) : NULL;
    size_t most = end ? (size_t)(end - data) + 1 : size;
    size_t used = dotted_put(&s->dotted, s->body, data, most, &ended);
    if (ended)
        end_message(s);
    return used;
}

/* A line of a message that has lost bytes begins, or may: perhaps the message is over. */
static bool may_be_over(const struct pop3_side *s)
{
    return s->mail.after_gap || (s->lost && !s->dotted.within && s->dotted.held == 0);
}

/* --- both --------------------------------------------------------------------------------------
 */

static size_t take_line(struct side *side, struct pop3_side *s, const uint8_t *data, size_t size)
{
    bool client = s->mail.role == MAIL_CLIENT;
    size_t used;
    if (s->mail.line.ready) {
        used = mail_line_rest(side, &s->mail.line, data, size);
    } else {
        used = mail_line_open(&s->mail.line, data, size, 1);
        if (s->mail.line.ready && client)
            client_judge(side, s);
        else if (s->mail.line.ready)
            server_judge(side, s);
    }
    if (!s->mail.line.ended)
        return used;
    if (client)
        on_client_line(side, s);
    else
        on_server_line(side, s);
    mail_line_reset(&s->mail.line);
    s->mail.after_gap = false;
    return used;
}

static bool is_answer(const uint8_t *data)
{
    return *data == '+' || *data == '-';
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    struct pop3_side *s = side->state;
    if (s->mail.role == MAIL_UNKNOWN)
        mail_set_role(side, &s->mail, is_answer(data));
    if (s->mail.line.size == 0 && s->place == PLACE_MESSAGE && !may_be_over(s))
        return take_message(s, data, size);
    if (s->mail.line.size == 0 && stage_begin_tls(side, data, size) != PARSE_NOT)
        return 0;
    return take_line(side, s, data, size);
}

static void *flow_open(struct content_flow *cf)
{
    (void)cf;
    return xcalloc(1, sizeof(struct pop3_flow));
}

static void *open(struct side *side)
{
    struct pop3_side *s = xcalloc(1, sizeof *s);
    (void)side;
    s->mail.after_gap = true; /* nothing is known of what was before */
    s->declared_bytes = BODY_UNDECLARED;
    return s;
}

static void close(struct side *side, void *state)
{
    struct pop3_side *s = state;
    if (s->place == PLACE_MESSAGE)
        put_held(s);
    mail_close(side, &s->mail);
    body_end(s->body);
    free(s);
}

static void cut(struct side *side, uint64_t bytes)
{
    struct pop3_side *s = side->state;
    struct pop3_flow *flow = side->owner->state;
    if (bytes == 0)
        return;
    flow->login = (struct login){0};
    flow->answers = flow->until_in = 0;
    if (s->place == PLACE_MESSAGE)
        put_held(s);
    if (s->place == PLACE_MESSAGE) {
        body_gap(s->body, bytes);
        s->dotted = (struct dotted){.within = true}; /* a dot hardly begins a line */
        s->lost = true;
    }
    mail_cut(side, &s->mail, bytes);
}

/* --- recognition -------------------------------------------------------------------------------
 */

/* "+OK POP3 ready", or with the time stamp that APOP wants: "<1896.69@mail.example>". */
static bool greets(const char *line, size_t size)
{
    const char *open = memchr(line, '<', size);
    const char *sign = open ? memchr(open, '@', size - (size_t)(open - line)) : NULL;
    if (sign && memchr(sign, '>', size - (size_t)(sign - line)))
        return true;
    for (size_t at = 0; at + 3 <= size; at++)
        if (strncasecmp(line + at, "POP", 3) == 0)
            return true;
    return false;
}

/* "+OK" is Redis's too, and "USER " FTP's: they need the port, or more words. */
static enum parse_result begins(const struct opening *opening)
{
    static const char *const anywhere[] = {"CAPA\r\n", "APOP ", "STLS\r\n", NULL};
    static const char *const at_port[] = {"USER ", "AUTH", NULL};
    static const char *const greeting[] = {"+OK", NULL};
    const char *data = (const char *)opening->data;
    bool port = opening->orig_port == POP3_PORT || opening->resp_port == POP3_PORT;
    const char *end = memchr(data, '\n', opening->size);
    enum parse_result client = mail_begins(opening, anywhere);
    if (port && client == PARSE_NOT)
        client = mail_begins(opening, at_port);
    enum parse_result server = mail_begins(opening, greeting);
    if (server != PARSE_OK || port)
        return server == PARSE_NOT ? client : server;
    if (!end)
        return PARSE_MORE;
    return greets(data, (size_t)(end - data)) ? PARSE_OK : PARSE_NOT;
}

const struct protocol pop3_protocol = {
    .service = SERVICE_POP3,
    .joins = true,
    .begins = begins,
    .flow_open = flow_open,
    .flow_close = free,
    .open = open,
    .close = close,
    .step = step,
    .cut = cut,
};
