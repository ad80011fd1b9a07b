/* IMAP: commands, answers, and the literals within both (RFC 9051, 3501, 7888, 2595, 4978).
 *
 * A literal, "{1234}" at a line's end and that many bytes behind it, is a body where it is what a
 * client appends, or what a server sends of a message: BODY[…], BINARY[…], RFC822. One that begins
 * where the one before it ended ("BODY[]<65536>", as clients fetch large messages) goes on with it.
 * Of a part alone ("BODY[2]") nothing says how it is encoded: base64 is known by its first line.
 * A literal that the server did not grant ("+") but refused is not sent; where the server is not
 * heard it is thought to be.
 *
 * LOGIN and AUTHENTICATE commands are not inspected, with their literals and what the client says
 * behind AUTHENTICATE; nor is, behind a gap, the rest of a line that is no command. A session that
 * COMPRESS begins is not read (mail_beyond). It begins, and so does TLS, when the answer to that
 * very command says so: else a command that every server refuses would hide what follows. Where the
 * server is not heard, or behind missing bytes, a record of TLS is TLS. Who begins like a server
 * and then commands is a client. Missing bytes within a literal lose no place.
 *
 * Bounds: mail_line.h, body.h; one body a side. Thread: the capture thread. */
#include "asked.h"
#include "imap_item.h"
#include "mail_line.h"
#include "protocol.h"
#include "weir/base/buffer.h"
#include "weir/base/digest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IMAP_PORT    143
#define CLIENT_WORDS 2u
#define SNIFF_BYTES  80u /* a line of base64 has 76 */
#define SNIFF_MIN    40u
#define SECRET_MAX   1024u /* a larger literal is a message, whatever the line in front of it was */

enum place {
    PLACE_LINE,
    PLACE_ASKED, /* the client: a literal that the server must grant */
    PLACE_LITERAL
};
enum literal { LITERAL_TEXT, LITERAL_SECRET, LITERAL_BODY };
enum answer { ANSWER_NONE, ANSWER_GO_ON, ANSWER_DONE, ANSWER_REFUSED };

enum upgrade { UPGRADE_NONE, UPGRADE_TLS, UPGRADE_COMPRESSED };

struct imap_flow {
    uint8_t answer;   /* enum answer: since the client's last command or literal */
    uint8_t asked;    /* enum upgrade: by the command of this tag, */
    uint64_t tag;     /* … a hash */
    uint8_t upgraded; /* enum upgrade: granted */
    struct login login;
};

struct imap_side {
    struct mail_side mail;
    uint8_t place;          /* enum place */
    uint8_t literal;        /* enum literal: what the next one is */
    bool continued;         /* the line goes on with a command or answer, behind a literal */
    bool secret;            /* … which is not inspected */
    bool appends;           /* the client's command is APPEND */
    bool sniffs;            /* the literal's first line says what it is */
    bool headless;          /* it is a message's text without its head */
    bool partial;           /* the body may go on with the next literal, */
    uint64_t message;       /* … of this message's number, */
    uint64_t next;          /* … from here on */
    uint64_t fetched;       /* the message number of the answer at hand */
    uint64_t literal_bytes; /* left of it */
    struct body_said said;
    struct body *body;
};

static const char *const commands[] = {
    "CAPABILITY", "NOOP",     "LOGOUT",    "STARTTLS",    "AUTHENTICATE", "LOGIN",
    "ENABLE",     "SELECT",   "EXAMINE",   "CREATE",      "DELETE",       "RENAME",
    "LIST",       "LSUB",     "SUBSCRIBE", "UNSUBSCRIBE", "NAMESPACE",    "STATUS",
    "APPEND",     "IDLE",     "CLOSE",     "UNSELECT",    "EXPUNGE",      "SEARCH",
    "FETCH",      "STORE",    "COPY",      "MOVE",        "UID",          "CHECK",
    "ID",         "COMPRESS", "SORT",      "THREAD",      "GETQUOTAROOT", NULL,
};

/* --- literals ----------------------------------------------------------------------------------
 */

static void end_body(struct imap_side *s)
{
    body_end(s->body);
    s->body = NULL;
    s->partial = false;
}

static void begin_body(struct side *side, struct imap_side *s)
{
    s->body = body_begin(side, &s->said);
    if (s->headless && s->said.message)
        body_gap(s->body, 0); /* its head is elsewhere */
}

/* The server's literal is due; `before` is what stands before it. */
static void begin_answered(struct side *side, struct imap_side *s, struct text_span before)
{
    struct imap_item item;
    s->literal = LITERAL_TEXT;
    if (!imap_read_item(before, &item))
        return;
    s->literal = LITERAL_BODY;
    bool goes_on = item.partial && s->partial && s->fetched == s->message && item.origin == s->next;
    s->next = item.origin + s->literal_bytes;
    if (goes_on)
        return;
    end_body(s);
    s->partial = item.partial;
    s->message = s->fetched;
    s->headless = item.headless;
    s->sniffs = item.part && s->literal_bytes > 0;
    s->said = (struct body_said){
        .declared_bytes = item.partial ? BODY_UNDECLARED : (int64_t)s->literal_bytes,
        .message = item.message,
    };
    if (!s->sniffs)
        begin_body(side, s);
}

/* The client's. */
static void begin_sent(struct side *side, struct imap_side *s)
{
    end_body(s); /* when the roles were turned: a part of a message */
    bool secret = s->secret && s->literal_bytes <= SECRET_MAX &&
                  mail_line_hides(&s->mail.line, s->literal_bytes) == s->literal_bytes;
    s->literal = secret ? LITERAL_SECRET : s->appends || s->secret ? LITERAL_BODY : LITERAL_TEXT;
    s->said = (struct body_said){.declared_bytes = (int64_t)s->literal_bytes, .message = true};
    s->headless = s->sniffs = false;
    if (s->literal == LITERAL_BODY)
        begin_body(side, s);
}

static void end_literal(struct imap_side *s)
{
    if (!s->partial)
        end_body(s);
    s->place = PLACE_LINE;
    s->continued = true;
}

static bool is_base64(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* A first line that is nothing but base64. */
static bool begins_base64(const uint8_t *data, size_t size)
{
    size_t at = 0;
    while (at < size && is_base64(data[at]))
        at++;
    return at >= SNIFF_MIN && at % 4 == 0 && at + 1 < size && data[at] == '\r';
}

/* The body's first bytes are there, or as many as there will be. */
static void sniff(struct side *side, struct imap_side *s, const uint8_t *data, size_t size)
{
    if (begins_base64(data, size)) {
        s->said.message = false;
        s->said.coding[0] = CODING_BASE64;
    }
    s->sniffs = false;
    begin_body(side, s);
}

static size_t take_bytes(struct side *side, struct imap_side *s, const uint8_t *data, size_t size)
{
    size_t used = s->literal_bytes < size ? (size_t)s->literal_bytes : size;
    if (s->sniffs && used < SNIFF_BYTES && used < s->literal_bytes)
        return 0;
    if (s->sniffs)
        sniff(side, s, data, used < SNIFF_BYTES ? used : SNIFF_BYTES);
    if (s->literal == LITERAL_BODY)
        body_put(s->body, data, used);
    else if (s->literal == LITERAL_TEXT)
        side_inspect(side, data, used);
    s->literal_bytes -= used;
    if (s->literal_bytes == 0)
        end_literal(s);
    return used;
}

/* --- lines -------------------------------------------------------------------------------------
 */

static uint64_t tag_of(const struct imap_side *s)
{
    struct text_span tag = mail_line_word(&s->mail.line, 0);
    return hash64(tag.at, tag.size, 0);
}

static void ask_upgrade(struct imap_flow *flow, const struct imap_side *s, enum upgrade upgrade)
{
    flow->asked = (uint8_t)upgrade;
    flow->tag = tag_of(s);
}

static void client_judge(struct side *side, struct imap_side *s)
{
    struct imap_flow *flow = side->owner->state;
    struct text_span verb = mail_line_word(&s->mail.line, 1);
    bool command =
        mail_word_in(verb, commands) || mail_word_is(mail_line_word(&s->mail.line, 0), "DONE");
    bool authenticates = mail_word_is(verb, "AUTHENTICATE");
    if (flow->answer == ANSWER_DONE || flow->answer == ANSWER_REFUSED)
        s->mail.authenticates = false;
    s->appends = mail_word_is(verb, "APPEND");
    mail_judge(side, &s->mail, command, authenticates || mail_word_is(verb, "LOGIN"));
    s->secret = s->mail.line.hidden;
    s->mail.authenticates |= authenticates;
    if (command)
        flow->answer = ANSWER_NONE;
    if (mail_word_is(verb, "STARTTLS"))
        ask_upgrade(flow, s, UPGRADE_TLS);
    else if (mail_word_is(verb, "COMPRESS"))
        ask_upgrade(flow, s, UPGRADE_COMPRESSED);
}

/* A command's own line, without the literal that may follow. */
static void look_at_login(struct side *side, const struct imap_side *s, struct text_span line)
{
    struct imap_flow *flow = side->owner->state;
    struct text_span verb = mail_line_word(&s->mail.line, 1);
    if (mail_word_is(verb, "AUTHENTICATE")) {
        login_mechanism(side, &flow->login, mail_line_word(&s->mail.line, 2),
                        mail_line_behind(&s->mail.line, 3));
        flow->login.tag = tag_of(s);
    } else if (mail_word_is(verb, "LOGIN")) {
        login_named(side, &flow->login, imap_argument(line));
        flow->login.tag = tag_of(s);
        flow->login.due = true;
    } else if (!mail_word_in(verb, commands)) {
        login_line(side, &flow->login, line);
    }
}

static void on_client_line(struct side *side, struct imap_side *s)
{
    struct imap_flow *flow = side->owner->state;
    struct text_span line = mail_line_text(&s->mail.line);
    struct imap_literal said = {0};
    bool literal = imap_take_literal(&line, &said);
    look_at_login(side, s, line);
    s->continued = false;
    if (!literal)
        return;
    s->literal_bytes = said.bytes;
    s->place = said.waits ? PLACE_ASKED : PLACE_LITERAL;
    flow->answer = ANSWER_NONE;
    if (!said.waits)
        begin_sent(side, s);
}

/* A command behind a tag is nothing that a server says. */
static bool is_clients(const struct imap_side *s)
{
    struct text_span tag = mail_line_word(&s->mail.line, 0);
    return !s->mail.after_gap && !mail_word_is(tag, "*") && !mail_word_is(tag, "+") &&
           mail_word_in(mail_line_word(&s->mail.line, 1), commands);
}

static void answer_login(struct side *side, const struct imap_side *s, bool accepted)
{
    struct login *login = &((struct imap_flow *)side->owner->state)->login;
    if (login->due && login->tag == tag_of(s))
        login_answered(side, login, accepted, "imap");
}

static void server_judge(struct side *side, struct imap_side *s)
{
    struct imap_flow *flow = side->owner->state;
    struct text_span tag = mail_line_word(&s->mail.line, 0);
    struct text_span word = mail_line_word(&s->mail.line, 1);
    if (is_clients(s)) {
        mail_turn_roles(side, &s->mail);
        client_judge(side, s);
        return;
    }
    mail_line_show(side, &s->mail.line);
    if (mail_word_is(tag, "*")) {
        int64_t number = mail_number(word.at, word.size);
        s->fetched = number < 0 ? 0 : (uint64_t)number;
    } else if (mail_word_is(tag, "+")) {
        flow->answer = ANSWER_GO_ON;
    } else if (mail_word_is(word, "NO") || mail_word_is(word, "BAD")) {
        flow->answer = ANSWER_REFUSED;
        answer_login(side, s, false);
    } else if (mail_word_is(word, "OK")) {
        flow->answer = ANSWER_DONE;
        answer_login(side, s, true);
        if (flow->asked && flow->tag == tag_of(s))
            flow->upgraded = flow->asked;
    }
}

static void on_server_line(struct side *side, struct imap_side *s)
{
    struct text_span line = mail_line_text(&s->mail.line);
    struct imap_literal said;
    s->continued = false;
    if (!imap_take_literal(&line, &said))
        return;
    s->place = PLACE_LITERAL;
    s->literal_bytes = said.bytes;
    begin_answered(side, s, line);
}

/* Behind a literal there are no first words: the line is whatever the one before it was. */
static void go_on(struct imap_side *s)
{
    mail_line_reset(&s->mail.line);
    s->mail.line.ready = true;
    s->mail.line.hidden = s->secret;
    s->continued = false;
}

static size_t take_line(struct side *side, struct imap_side *s, const uint8_t *data, size_t size)
{
    size_t used;
    if (s->continued)
        go_on(s);
    if (s->mail.line.ready) {
        used = mail_line_rest(side, &s->mail.line, data, size);
    } else {
        used = mail_line_open(&s->mail.line, data, size, CLIENT_WORDS);
        if (s->mail.line.ready && s->mail.role == MAIL_CLIENT)
            client_judge(side, s);
        else if (s->mail.line.ready)
            server_judge(side, s);
    }
    if (!s->mail.line.ended)
        return used;
    if (s->mail.role == MAIL_CLIENT)
        on_client_line(side, s);
    else
        on_server_line(side, s);
    mail_line_reset(&s->mail.line);
    s->mail.after_gap = false;
    if (s->place == PLACE_LITERAL && s->literal_bytes == 0)
        end_literal(s);
    return used;
}

/* --- the row -----------------------------------------------------------------------------------
 */

/* The literal that the client asked for: it comes, or it was refused. */
static void settle_asked(struct side *side, struct imap_side *s)
{
    const struct imap_flow *flow = side->owner->state;
    bool refused = flow->answer == ANSWER_REFUSED;
    s->place = refused ? PLACE_LINE : PLACE_LITERAL;
    if (!refused)
        begin_sent(side, s);
    if (!refused && s->literal_bytes == 0)
        end_literal(s);
}

/* Both sides are compressed from here on. */
static bool is_compressed(struct side *side, const struct imap_side *s)
{
    const struct imap_flow *flow = side->owner->state;
    if (flow->upgraded != UPGRADE_COMPRESSED)
        return false;
    side->owner->content->mail_beyond += s->mail.role == MAIL_SERVER;
    side_set_stage(side, STAGE_ENCRYPTED);
    return true;
}

static bool may_begin_tls(const struct side *side, const struct imap_side *s)
{
    const struct imap_flow *flow = side->owner->state;
    return s->mail.after_gap || flow->upgraded == UPGRADE_TLS || !mail_hears_other(side);
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    struct imap_side *s = side->state;
    if (s->mail.role == MAIL_UNKNOWN)
        mail_set_role(side, &s->mail, *data == '*' || *data == '+');
    if (s->place == PLACE_ASKED)
        settle_asked(side, s);
    if (s->place == PLACE_LITERAL)
        return take_bytes(side, s, data, size);
    bool begins = s->mail.line.size == 0 && !s->continued;
    if (begins && is_compressed(side, s))
        return 0;
    if (begins && may_begin_tls(side, s) && stage_begin_tls(side, data, size) != PARSE_NOT)
        return 0;
    return take_line(side, s, data, size);
}

static void *flow_open(struct content_flow *cf)
{
    (void)cf;
    return xcalloc(1, sizeof(struct imap_flow));
}

static void *open(struct side *side)
{
    struct imap_side *s = xcalloc(1, sizeof *s);
    (void)side;
    s->mail.after_gap = true; /* nothing is known of what was before */
    return s;
}

static void close(struct side *side, void *state)
{
    struct imap_side *s = state;
    mail_close(side, &s->mail);
    end_body(s);
    free(s);
}

/* A literal's first line does not come whole. */
static void take_gathered(struct side *side, struct imap_side *s)
{
    sniff(side, s, side->head, side->head_size);
    take_bytes(side, s, side->head, side->head_size);
}

static void cut(struct side *side, uint64_t bytes)
{
    struct imap_side *s = side->state;
    if (s->place == PLACE_LITERAL && s->sniffs && side->head_size)
        take_gathered(side, s);
    if (bytes == 0)
        return;
    if (s->place == PLACE_ASKED)
        settle_asked(side, s);
    if (s->place == PLACE_LITERAL && s->sniffs) {
        s->sniffs = false;
        begin_body(side, s);
    }
    bool within = s->place == PLACE_LITERAL && bytes <= s->literal_bytes;
    if (s->place == PLACE_LITERAL && s->literal == LITERAL_BODY)
        body_gap(s->body, bytes);
    if (!within)
        ((struct imap_flow *)side->owner->state)->login = (struct login){0};
    if (within) {
        s->literal_bytes -= bytes;
        if (s->literal_bytes == 0)
            end_literal(s);
        return;
    }
    if (s->place == PLACE_LITERAL)
        end_body(s);
    s->place = PLACE_LINE;
    s->continued = false;
    mail_cut(side, &s->mail, bytes);
}

/* --- recognition -------------------------------------------------------------------------------
 */

static enum parse_result client_begins(const struct opening *opening)
{
    struct mail_line line;
    mail_line_reset(&line);
    mail_line_open(&line, opening->data, opening->size, CLIENT_WORDS);
    if (!line.ready)
        return PARSE_MORE;
    return mail_word_in(mail_line_word(&line, 1), commands) ? PARSE_OK : PARSE_NOT;
}

/* Clients that are not heard answered are known at IMAP's port alone. */
static enum parse_result begins(const struct opening *opening)
{
    static const char *const greetings[] = {"* OK", "* PREAUTH", "* BYE ", NULL};
    enum parse_result server = mail_begins(opening, greetings);
    bool port = opening->orig_port == IMAP_PORT || opening->resp_port == IMAP_PORT;
    uint8_t first = opening->data[0];
    if (server != PARSE_NOT || !port)
        return server;
    if (first == '*')
        return opening->size < 2 ? PARSE_MORE : opening->data[1] == ' ' ? PARSE_OK : PARSE_NOT;
    return first > ' ' && first < 0x7f ? client_begins(opening) : PARSE_NOT;
}

const struct protocol imap_protocol = {
    .service = SERVICE_IMAP,
    .joins = true,
    .begins = begins,
    .flow_open = flow_open,
    .flow_close = free,
    .open = open,
    .close = close,
    .step = step,
    .cut = cut,
};
