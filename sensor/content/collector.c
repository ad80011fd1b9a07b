/* Gathers what follows an anchor, and judges it.
 *
 * White space becomes one blank, so that a message is the same however its lines were broken; what
 * the expression matches is the item. A message ends with its last byte, with the row's bound,
 * where the next one's anchor begins, or with the text. Of a schedule, lines are gathered from its
 * header on and legs told, until a line is no record, or the trailer.
 *
 * Bounds: MESSAGE_BYTES_MAX a text, MESSAGES_OPEN texts at once (messages_refused counts those that
 * found no room, and those that needed more steps than allowed). PCRE2's limits are as in
 * pattern.c: an expression here is ours, and simple. Thread: the capture thread. */
#include "collector.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_STEPS   10000u
#define MATCH_HEAP    256u /* KiB */
#define LINE_BYTES    208u /* a record of a schedule, and then it is too long */
#define MESSAGES_ROWS 48u

struct messages {
    pcre2_code *code[MESSAGES_ROWS];
    pcre2_match_context *limits;
    pcre2_match_data *match;
    uint32_t open;
    uint64_t refused;
};

struct messages *messages_new(struct error *error)
{
    struct messages *messages = xcalloc(1, sizeof *messages);
    messages->limits = pcre2_match_context_create(NULL);
    messages->match = pcre2_match_data_create(1, NULL);
    if (!messages->limits || !messages->match)
        abort(); /* no memory */
    pcre2_set_match_limit(messages->limits, MATCH_STEPS);
    pcre2_set_heap_limit(messages->limits, MATCH_HEAP);
    for (size_t i = 0; i < message_row_count && i < MESSAGES_ROWS; i++) {
        int code;
        size_t offset;
        const char *expression = message_rows[i].expression;
        if (expression &&
            !(messages->code[i] = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
                                                PCRE2_ANCHORED, &code, &offset, NULL))) {
            error_set(error, ERROR_RUN, "%s: wrong at offset %zu", message_rows[i].label, offset);
            messages_free(messages);
            return NULL;
        }
    }
    return messages;
}

void messages_free(struct messages *messages)
{
    if (!messages)
        return;
    for (size_t i = 0; i < MESSAGES_ROWS; i++)
        pcre2_code_free(messages->code[i]);
    pcre2_match_context_free(messages->limits);
    pcre2_match_data_free(messages->match);
    free(messages);
}

uint64_t messages_refused(const struct messages *messages)
{
    return messages->refused;
}

void collector_init(struct collector *collector, struct messages *messages,
                    const struct hash_key *key, const struct finder *finder)
{
    *collector = (struct collector){.messages = messages, .key = key, .finder = *finder};
}

/* --- judging -----------------------------------------------------------------------------------
 */

static void tell(const struct collector *c, const uint8_t *text, size_t size)
{
    const struct message_row *row = &message_rows[c->row];
    struct found found = {.class = row->class,
                          .label = row->label,
                          .label_size = strlen(row->label),
                          .bytes = text,
                          .size = size};
    found.hash = hash64_keyed(c->key, text, size);
    found.hash += found.hash == 0;
    c->finder.found(c->finder.context, &found);
}

void collector_drop(struct collector *c)
{
    if (!c->text)
        return;
    free(c->text);
    c->text = NULL;
    c->messages->open--;
    c->schedule = c->broken = false;
    c->size = 0;
}

static void judge(struct collector *c)
{
    struct messages *messages = c->messages;
    const PCRE2_SIZE *place = pcre2_get_ovector_pointer(messages->match);
    int result = pcre2_match(messages->code[c->row], c->text, c->size, 0, 0, messages->match,
                             messages->limits);
    if (result >= 0 && place[1] > 0)
        tell(c, c->text, place[1]);
    messages->refused += result < 0 && result != PCRE2_ERROR_NOMATCH;
    collector_drop(c);
}

/* --- a message ---------------------------------------------------------------------------------
 */

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void put_message(struct collector *c, const uint8_t *data, size_t size)
{
    const struct message_row *row = &message_rows[c->row];
    for (size_t i = 0; i < size; i++) {
        bool space = is_space(data[i]);
        if (space && (c->size == 0 || c->text[c->size - 1] == ' '))
            continue;
        c->text[c->size++] = space ? ' ' : data[i];
        if ((row->end && data[i] == (uint8_t)row->end) || c->size == row->bytes) {
            judge(c);
            return;
        }
    }
}

/* --- a schedule --------------------------------------------------------------------------------
 */

/* False: the schedule is over. */
static bool take_line(struct collector *c)
{
    size_t size = c->size;
    bool broken = c->broken;
    c->size = 0;
    c->broken = false;
    while (size && is_space(c->text[size - 1]))
        size--;
    if (broken)
        return true; /* bytes are missing: the next one will tell */
    if (!ssim_is_record(c->text, size) || (size && c->text[0] == '5'))
        return false;
    if (ssim_is_leg(c->text, size))
        tell(c, c->text, size);
    return true;
}

static void put_schedule(struct collector *c, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n') {
            if (!take_line(c)) {
                collector_drop(c);
                return;
            }
        } else if (c->size < LINE_BYTES) {
            c->text[c->size++] = data[i];
        } else if (!c->broken) { /* no record is that long */
            collector_drop(c);
            return;
        }
    }
}

/* --- from outside ------------------------------------------------------------------------------
 */

void collector_begin(struct collector *collector, size_t row)
{
    const struct message_row *r = &message_rows[row];
    collector_finish(collector);
    if (collector->messages->open == MESSAGES_OPEN) {
        collector->messages->refused++;
        return;
    }
    collector->messages->open++;
    collector->text = xcalloc(1, r->expression ? r->bytes : LINE_BYTES);
    collector->row = (uint16_t)row;
    collector->schedule = r->expression == NULL;
}

void collector_put(struct collector *collector, const uint8_t *data, size_t size)
{
    if (!collector->text)
        return;
    if (collector->schedule)
        put_schedule(collector, data, size);
    else
        put_message(collector, data, size);
}

void collector_gap(struct collector *collector)
{
    if (collector->text && collector->schedule)
        collector->broken = true;
    else
        collector_drop(collector);
}

void collector_finish(struct collector *collector)
{
    if (!collector->text)
        return;
    if (!collector->schedule) {
        judge(collector);
        return;
    }
    take_line(collector);
    collector_drop(collector);
}
