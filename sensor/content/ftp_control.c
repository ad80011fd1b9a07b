/* FTP's control connection (RFC 959, 2428, 3659; AUTH TLS: RFC 4217): which data connection comes
 * next, and how much it says it will carry.
 *
 * Who is the server is told by the first line, so nothing depends on who opened the flow. Lines are
 * read whole: what is inspected does not depend on segments. Passwords are not inspected, nor is
 * the rest of a line whose beginning was lost. A TLS hello is one once the server has granted AUTH,
 * where it is heard, or behind missing bytes: else a line that every server refuses would hide what
 * follows.
 *
 * Bounds: a line longer than FTP_LINE_MAX is read to there, and its rest inspected as the line was.
 * FTP_HIDDEN_MAX bytes of a side are secrets at most: what is more hides something.
 * One announced data connection at a time; RFC 959 knows no more. Thread: the capture thread. */
#include "asked.h"
#include "expect.h"
#include "ftp.h"
#include "protocol.h"
#include "recognise.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define FTP_PORT       21
#define FTP_GRANTED    234 /* of AUTH */
#define FTP_LOGGED_IN  230
#define FTP_NOT_IN     530
#define FTP_HIDDEN_MAX 65536u

struct control { /* both sides' */
    struct channel channel;
    bool announced; /* `channel` is what was announced last */
    bool deflate, deflate_asked;
    bool tls, tls_asked;
    bool restarted; /* the transfer asked for does not begin at 0 */
    bool size_asked;
    struct login login;
    uint64_t asked_name, sized_name; /* hashes: of SIZE's argument; of the one answered */
    int64_t sized_bytes, allocated_bytes, restart_bytes;
};

enum rest { REST_NONE, REST_CLEAR, REST_SECRET };

struct lines { /* a side's */
    bool known, server;
    bool after_gap; /* the line's beginning may be missing */
    uint8_t rest;   /* enum rest: of a line that goes on */
    uint32_t hidden_bytes;
};

static void *flow_open(struct content_flow *cf)
{
    struct control *control = xcalloc(1, sizeof *control);
    (void)cf;
    control->sized_bytes = control->allocated_bytes = BODY_UNDECLARED;
    return control;
}

static void *side_open(struct side *side)
{
    struct lines *lines = xcalloc(1, sizeof *lines);
    (void)side;
    lines->after_gap = true; /* nothing is known of what was before */
    return lines;
}

static void side_closed(struct side *side, void *state)
{
    (void)side;
    free(state);
}

/* --- what comes next ---------------------------------------------------------------------------
 */

static void announce(struct side *side, uint16_t port)
{
    struct content_flow *cf = side->owner;
    struct control *control = cf->state;
    struct expected expected = {
        .protocol = &ftp_data_protocol,
        .declared_bytes = BODY_UNDECLARED,
        .coding = control->deflate ? CODING_DEFLATE : CODING_NONE,
    };
    if (port == 0)
        return;
    control->channel = expect_channel(cf, side_index(side), PROTO_TCP, port);
    control->announced = true;
    expect_add(cf->content->expectations, &control->channel, &expected, cf->content->now);
}

/* The transfer itself: how large it will be. Nothing when it has begun already. */
static void declare(struct content_flow *cf, int64_t bytes)
{
    struct control *control = cf->state;
    struct expectations *all = cf->content->expectations;
    struct expected expected;
    if (!control->announced || !expect_look(all, &control->channel, cf->content->now, &expected))
        return;
    expected.declared_bytes = bytes;
    expect_add(all, &control->channel, &expected, cf->content->now);
}

static uint64_t name_hash(const struct ftp_line *line)
{
    return hash64(line->name, line->name_size, 0);
}

static void begin_retrieve(struct content_flow *cf, const struct ftp_line *line)
{
    struct control *control = cf->state;
    bool sized =
        control->sized_bytes >= control->restart_bytes && control->sized_name == name_hash(line);
    declare(cf, sized ? control->sized_bytes - control->restart_bytes : BODY_UNDECLARED);
    control->restarted = control->restart_bytes > 0;
    control->restart_bytes = 0;
}

static void begin_other(struct content_flow *cf, int64_t bytes)
{
    struct control *control = cf->state;
    declare(cf, bytes);
    control->allocated_bytes = BODY_UNDECLARED;
    control->restarted = control->restart_bytes > 0;
    control->restart_bytes = 0;
}

static void take_user(const struct side *side, const struct ftp_line *line)
{
    struct control *control = side->owner->state;
    login_named(side, &control->login,
                (struct text_span){(const char *)line->name, line->name_size});
    control->login.due = true;
}

static void take_command(struct side *side, const struct ftp_line *line)
{
    struct content_flow *cf = side->owner;
    struct control *control = cf->state;
    control->size_asked = line->word == FTP_SIZE;
    control->tls_asked = line->word == FTP_UPGRADE;
    if (line->word == FTP_USER)
        take_user(side, line);
    else if (line->word == FTP_LISTEN)
        announce(side, line->port);
    else if (line->word == FTP_RETRIEVE)
        begin_retrieve(cf, line);
    else if (line->word == FTP_STORE)
        begin_other(cf, control->allocated_bytes);
    else if (line->word == FTP_LIST)
        begin_other(cf, BODY_UNDECLARED);
    else if (line->word == FTP_SIZE)
        control->asked_name = name_hash(line);
    else if (line->word == FTP_ALLOCATE)
        control->allocated_bytes = line->number;
    else if (line->word == FTP_RESTART)
        control->restart_bytes = line->number > 0 ? line->number : 0;
    else if (line->word == FTP_MODE)
        control->deflate_asked = line->number == 'z';
}

static void take_reply(struct side *side, const struct ftp_line *line)
{
    struct control *control = side->owner->state;
    if (line->code == FTP_LOGGED_IN || line->code == FTP_NOT_IN)
        login_answered(side, &control->login, line->code == FTP_LOGGED_IN, "ftp");
    else if (line->code == 227 || line->code == 229)
        announce(side, line->port);
    else if (line->code == 213 && control->size_asked) {
        control->sized_name = control->asked_name;
        control->sized_bytes = line->number;
    } else if ((line->code == 150 || line->code == 125) && line->number >= 0 &&
               !control->restarted) /* some say the file's size then, some the rest's */
        declare(side->owner, line->number);
    else if (line->code == 200)
        control->deflate = control->deflate_asked;
    else if (line->code >= 500)
        control->deflate_asked = control->deflate; /* perhaps MODE was what is refused */
    else if (line->code == FTP_GRANTED)
        control->tls = control->tls_asked;
}

/* --- lines -------------------------------------------------------------------------------------
 */

/* How many of the bytes of a secret may be one. */
static size_t hide(struct lines *lines, size_t size)
{
    size_t left = FTP_HIDDEN_MAX - lines->hidden_bytes, hidden = size < left ? size : left;
    lines->hidden_bytes += (uint32_t)hidden;
    return hidden;
}

static void take_line(struct side *side, const uint8_t *data, size_t size, bool whole)
{
    struct lines *lines = side->state;
    size_t length = size;
    while (length && (data[length - 1] == '\n' || data[length - 1] == '\r'))
        length--;
    struct ftp_line line = ftp_parse_line(data, length);
    if (!lines->known)
        lines->server = line.word == FTP_REPLY;
    lines->known = true;
    bool secret = !lines->server && line.word == FTP_SECRET;
    lines->rest = (uint8_t)(whole ? REST_NONE : secret ? REST_SECRET : REST_CLEAR);
    if (lines->server && line.word == FTP_REPLY)
        take_reply(side, &line);
    else if (!lines->server)
        take_command(side, &line);
    size_t hidden = secret ? hide(lines, size) : 0;
    if (hidden < size)
        side_inspect(side, data + hidden, size - hidden);
    lines->after_gap = false;
}

static size_t take_rest(struct side *side, const uint8_t *data, size_t size)
{
    struct lines *lines = side->state;
    const uint8_t *end = memchr(data, '\n', size);
    size_t used = end ? (size_t)(end - data) + 1 : size;
    size_t hidden = lines->rest == REST_SECRET ? hide(lines, used) : 0;
    if (hidden < used)
        side_inspect(side, data + hidden, used - hidden);
    if (end)
        lines->rest = REST_NONE;
    return used;
}

/* After AUTH TLS. */
static bool becomes_tls(struct side *side, const uint8_t *data, size_t size)
{
    const struct control *control = side->owner->state;
    const struct lines *lines = side->state;
    const struct side *other = side->owner->side[1 - side_index(side)];
    bool heard = other && other->opened;
    if (!(control->tls || lines->after_gap || !heard) || !tls_begins_hello(data, size))
        return false;
    stage_begin_tls(side, data, size);
    return true;
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    struct lines *lines = side->state;
    if (lines->rest != REST_NONE)
        return take_rest(side, data, size);
    if (becomes_tls(side, data, size))
        return 0;
    const uint8_t *end = memchr(data, '\n', size < FTP_LINE_MAX ? size : FTP_LINE_MAX);
    size_t length = end ? (size_t)(end - data) + 1 : FTP_LINE_MAX;
    if (!end && size < FTP_LINE_MAX)
        return 0;
    take_line(side, data, length, end != NULL);
    return length;
}

/* An unfinished line is read as far as it goes; what follows missing bytes may be the rest of a
 * password. */
static void cut(struct side *side, uint64_t bytes)
{
    struct lines *lines = side->state;
    if (side->head_size && lines->rest == REST_NONE)
        take_line(side, side->head, side->head_size, false);
    if (bytes == 0)
        return;
    ((struct control *)side->owner->state)->login = (struct login){0};
    lines->rest = lines->known && lines->server ? REST_CLEAR : REST_SECRET;
    lines->after_gap = true;
    side_inspect_gap(side, bytes);
}

/* On its own port FTP is known by any of its lines, elsewhere by what service.c asks for. */
static enum parse_result begins(const struct opening *opening)
{
    if (opening->orig_port != FTP_PORT && opening->resp_port != FTP_PORT)
        return PARSE_NOT;
    const uint8_t *end = memchr(opening->data, '\n', opening->size);
    if (!end)
        return PARSE_MORE;
    size_t size = (size_t)(end - opening->data);
    size -= size && opening->data[size - 1] == '\r';
    return ftp_parse_line(opening->data, size).word != FTP_OTHER ? PARSE_OK : PARSE_NOT;
}

const struct protocol ftp_protocol = {
    .service = SERVICE_FTP,
    .joins = true,
    .begins = begins,
    .flow_open = flow_open,
    .flow_close = free,
    .open = side_open,
    .close = side_closed,
    .step = step,
    .cut = cut,
};
