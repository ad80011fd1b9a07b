/* Lines of mail protocols. A line is held back until its first words say whether it is a secret:
 * MAIL_LINE_HEAD bytes at most. */
#include "mail_line.h"

#include <string.h>
#include <strings.h>

#define TAIL_KEPT 192u /* of a long line's end, at least */

void mail_line_reset(struct mail_line *line)
{
    line->size = 0;
    line->blanks = 0;
    line->ready = line->hidden = line->ended = false;
}

static void append(struct mail_line *line, const uint8_t *data, size_t size)
{
    memcpy(line->text + line->size, data, size);
    line->size = (uint16_t)(line->size + size);
}

/* Of what has no room the middle goes: the head stays, and the newest bytes. A head may be short of
 * its size when the rest begins: first words are, and there are none behind a literal. */
static void keep(struct mail_line *line, const uint8_t *data, size_t size)
{
    size_t wanted = line->size < MAIL_LINE_HEAD ? MAIL_LINE_HEAD - line->size : 0;
    size_t first = size < wanted ? size : wanted;
    append(line, data, first);
    data += first;
    size -= first;
    size_t room = MAIL_LINE_MAX - line->size;
    if (size > room) {
        size_t tail = line->size - MAIL_LINE_HEAD, kept = tail < TAIL_KEPT ? tail : TAIL_KEPT;
        memmove(line->text + MAIL_LINE_HEAD, line->text + line->size - kept, kept);
        line->size = (uint16_t)(MAIL_LINE_HEAD + kept);
        room = MAIL_LINE_MAX - line->size;
    }
    size_t last = size < room ? size : room;
    append(line, data + (size - last), last);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

size_t mail_line_open(struct mail_line *line, const uint8_t *data, size_t size, unsigned words)
{
    size_t at = 0;
    while (at < size && !line->ready) {
        uint8_t byte = data[at++];
        bool behind_word = line->size && !is_blank(line->text[line->size - 1]);
        line->text[line->size++] = (char)byte;
        line->blanks = (uint8_t)(line->blanks + (behind_word && is_blank((char)byte)));
        line->ended = byte == '\n';
        line->ready = line->ended || line->blanks == words || line->size == MAIL_LINE_HEAD;
    }
    return at;
}

void mail_line_show(struct side *side, struct mail_line *line)
{
    side_inspect(side, (const uint8_t *)line->text, line->size);
}

size_t mail_line_hides(struct mail_line *line, size_t bytes)
{
    size_t left = MAIL_HIDDEN_MAX - line->hidden_bytes, hidden = bytes < left ? bytes : left;
    line->hidden_bytes += (uint32_t)hidden;
    return hidden;
}

size_t mail_line_rest(struct side *side, struct mail_line *line, const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    size_t used = end ? (size_t)(end - data) + 1 : size;
    line->ended = end != NULL;
    keep(line, data, used);
    size_t hidden = line->hidden ? mail_line_hides(line, used) : 0;
    if (hidden < used)
        side_inspect(side, data + hidden, used - hidden);
    return used;
}

/* --- what it says ------------------------------------------------------------------------------
 */

struct text_span mail_line_text(const struct mail_line *line)
{
    struct text_span text = {line->text, line->size};
    while (text.size && (text.at[text.size - 1] == '\n' || text.at[text.size - 1] == '\r'))
        text.size--;
    return text;
}

struct text_span mail_line_word(const struct mail_line *line, unsigned index)
{
    struct text_span rest = mail_line_text(line);
    if (rest.size > MAIL_LINE_HEAD)
        rest.size = MAIL_LINE_HEAD;
    for (;; index--) {
        size_t size = 0;
        while (rest.size && is_blank(*rest.at)) {
            rest.at++;
            rest.size--;
        }
        while (size < rest.size && !is_blank(rest.at[size]))
            size++;
        if (index == 0 || rest.size == 0)
            return (struct text_span){rest.at, size};
        rest.at += size;
        rest.size -= size;
    }
}

struct text_span mail_line_behind(const struct mail_line *line, unsigned index)
{
    struct text_span text = mail_line_text(line), word = mail_line_word(line, index);
    if (word.size == 0 || line->size == MAIL_LINE_MAX)
        return (struct text_span){"", 0};
    return (struct text_span){word.at, (size_t)(text.at + text.size - word.at)};
}

bool mail_word_is(struct text_span word, const char *text)
{
    return word.size == strlen(text) && strncasecmp(word.at, text, word.size) == 0;
}

bool mail_word_in(struct text_span word, const char *const *texts)
{
    for (; *texts; texts++)
        if (mail_word_is(word, *texts))
            return true;
    return false;
}

int64_t mail_number(const char *text, size_t size)
{
    int64_t number = 0;
    size_t at = 0;
    for (; at < size && text[at] >= '0' && text[at] <= '9'; at++) {
        if (at == 18)
            return -1;
        number = number * 10 + (text[at] - '0');
    }
    return at ? number : -1;
}

/* --- a side ------------------------------------------------------------------------------------
 */

/* NULL: not seen, or looked at no more. */
static struct mail_side *other_of(const struct side *side)
{
    const struct side *other = side->owner->side[1 - side_index(side)];
    return other && other->opened ? other->state : NULL;
}

bool mail_hears_other(const struct side *side)
{
    return other_of(side) != NULL;
}

void mail_turn_roles(struct side *side, struct mail_side *mail)
{
    struct mail_side *other = other_of(side);
    uint8_t role = mail->role;
    mail->role = role == MAIL_CLIENT ? MAIL_SERVER : MAIL_CLIENT;
    if (other && other->role != MAIL_UNKNOWN)
        other->role = role;
}

void mail_set_role(struct side *side, struct mail_side *mail, bool like_server)
{
    const struct mail_side *o = other_of(side);
    if (o && o->role != MAIL_UNKNOWN)
        mail->role = o->role == MAIL_CLIENT ? MAIL_SERVER : MAIL_CLIENT;
    else
        mail->role = like_server ? MAIL_SERVER : MAIL_CLIENT;
}

void mail_judge(struct side *side, struct mail_side *mail, bool command, bool secret)
{
    if (command)
        mail->authenticates = false;
    bool hides = mail->authenticates || secret || (mail->after_gap && !command);
    if (hides && mail_line_hides(&mail->line, mail->line.size) == mail->line.size)
        mail->line.hidden = true;
    else
        mail_line_show(side, &mail->line);
}

/* What was held back of a line is no secret when it is not known to be one: it is a word at most.
 */
static void show_held(struct side *side, struct mail_side *mail)
{
    if (!mail->line.ready && mail->line.size && !mail->authenticates)
        mail_line_show(side, &mail->line);
}

void mail_cut(struct side *side, struct mail_side *mail, uint64_t bytes)
{
    if (!mail->line.hidden) {
        show_held(side, mail);
        mail_line_reset(&mail->line);
    }
    mail->after_gap = true;
    side_inspect_gap(side, bytes);
}

void mail_close(struct side *side, struct mail_side *mail)
{
    show_held(side, mail);
}

enum parse_result mail_begins(const struct opening *opening, const char *const *texts)
{
    enum parse_result result = PARSE_NOT;
    for (; *texts; texts++) {
        size_t length = strlen(*texts), size = opening->size < length ? opening->size : length;
        if (strncasecmp((const char *)opening->data, *texts, size) != 0)
            continue;
        if (size == length)
            return PARSE_OK;
        result = PARSE_MORE;
    }
    return result;
}

/* --- a message's lines -------------------------------------------------------------------------
 */

/* Behind a dot at a line's beginning; how many bytes. The dot itself was a doubled one's first, or
 * its sender did not know: it is dropped, as every receiver does. */
static size_t take_dot(struct dotted *d, struct body *body, uint8_t byte, bool *ended)
{
    bool returned = d->held == 2;
    if (!returned && byte == '\r') {
        d->held = 2;
        return 1;
    }
    d->held = 0;
    if (byte == '\n' && (returned || d->bare)) {
        *ended = true;
        return 1;
    }
    d->within = true;
    if (returned)
        body_put(body, (const uint8_t *)"\r", 1);
    return 0;
}

size_t dotted_put(struct dotted *dotted, struct body *body, const uint8_t *data, size_t size,
                  bool *ended)
{
    size_t at = 0;
    *ended = false;
    if (dotted->held)
        at = take_dot(dotted, body, data[0], ended);
    if (at)
        return at;
    while (at < size && (dotted->within || data[at] != '.')) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        dotted->within = end == NULL;
        at = end ? (size_t)(end - data) + 1 : size;
    }
    if (at)
        body_put(body, data, at);
    if (at == size)
        return at;
    dotted->held = 1;
    return at + 1;
}
