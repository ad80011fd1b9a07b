/* Distinct payment cards, bank accounts and telephone numbers in a byte stream.
 *
 * skim.c finds the few places where one could be; card.c, iban.c and phone.c look around them, at
 * most NUMBER_BEFORE bytes back and NUMBER_AFTER forward. A place is judged once that many bytes
 * are there, or the text has ended, and so every place once, whatever the pieces: the last
 * KEEP_BYTES of a piece are kept, and the next piece's first ones joined to them. What was found is
 * not looked into again: no card within an IBAN.
 *
 * After a gap four digits stand for what is missing: whatever goes on right behind them is part of
 * a longer number, and nothing else minds them.
 *
 * Bounds: KEEP_BYTES a scanner; some hundred steps a place, one place in two bytes at most ("+1").
 * Thread: the capture thread. */
#include "weir/content/numbers.h"

#include "number.h"
#include "skim.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_BYTES (NUMBER_BEFORE + NUMBER_AFTER)
#define RUN_MIN    4u /* digits: at the last of them skim.c stops */

struct numbers_scanner {
    const struct hash_key *key;
    struct finder finder;
    uint64_t total; /* bytes of this text so far, with what stands for missing ones */
    uint64_t taken; /* up to where the last number reached, of the same */
    uint8_t kept;
    uint8_t judged; /* places up to here, of what is kept, are done with */
    uint8_t keep[KEEP_BYTES];
};

struct numbers_scanner *numbers_scanner_new(const struct hash_key *key, const struct finder *finder)
{
    struct numbers_scanner *scanner = xcalloc(1, sizeof *scanner);
    scanner->key = key;
    scanner->finder = *finder;
    return scanner;
}

void numbers_scanner_free(struct numbers_scanner *scanner)
{
    free(scanner);
}

/* --- places ------------------------------------------------------------------------------------
 */

static void tell(const struct numbers_scanner *s, const struct window *window,
                 const struct number *number)
{
    uint64_t hash = hash64_keyed(s->key, number->text, number->size);
    struct found found = {.class = number->class,
                          .hash = hash + (hash == 0), /* 0 is no hash of an item */
                          .label = number->label,
                          .label_size = strlen(number->label),
                          .bytes = window->data + number->begin,
                          .size = number->end - number->begin};
    s->finder.found(s->finder.context, &found);
}

/* A run of four digits, no more: a group of an IBAN, a card's first, a telephone's last or first.
 * Most runs are none of these, as two bytes tell: the judges are asked about the others. */
static bool judge_four(struct window *window, size_t run, struct number *number)
{
    uint8_t before = window_before(window, run, 1), next = window_at(window, run + RUN_MIN);
    if (before == ' ' && is_word(window_before(window, run, 2)) && iban_judge(window, run, number))
        return true;
    window->beyond = false; /* where one had to look says nothing of another */
    if ((next == ' ' || next == '-') && is_digit(window_at(window, run + 7)) &&
        is_digit(window_at(window, run + 8)) && card_judge(window, run, number))
        return true;
    window->beyond = false;
    return (before == '-' || (next == '-' && window->data[run] == '0')) &&
           phone_judge_national(window, run, number);
}

/* Behind a letter an account, or an escape and what it delimits. */
static bool judge_behind_letter(struct window *window, size_t run, struct number *number)
{
    if (iban_judge(window, run, number))
        return true;
    window->beyond = false;
    if (!number_begins(window, run))
        return false;
    if (card_judge(window, run, number))
        return true;
    window->beyond = false;
    return phone_judge_escaped_plus(window, run, number) ||
           phone_judge_national(window, run, number);
}

static bool judge(struct window *window, size_t place, struct number *number)
{
    window->beyond = false;
    uint8_t before = window_before(window, place, 1);
    if (before == '+')
        return phone_judge_plus(window, place - 1, number);
    size_t run = place - (RUN_MIN - 1);
    before = window_before(window, run, 1);
    if (is_letter(before))
        return judge_behind_letter(window, run, number);
    if (before != '+' && !is_digit(window_at(window, run + RUN_MIN)))
        return judge_four(window, run, number);
    return is_digit(window_at(window, run + 13)) && card_judge(window, run, number);
}

/* What is in [from, to) of a window whose first byte is the text's number `base`. */
struct stretch {
    struct window window;
    uint64_t base;
    size_t from, to;
    bool lost; /* what comes behind the window was lost */
};

static void judge_stretch(struct numbers_scanner *s, struct stretch *stretch)
{
    uint32_t place[SKIM_ROOM];
    for (size_t at = stretch->from; at < stretch->to; at += SKIM_SLICE) {
        size_t end = stretch->to - at < SKIM_SLICE ? stretch->to : at + SKIM_SLICE;
        size_t count = skim(stretch->window.data, at, end, place);
        for (size_t i = 0; i < count; i++) {
            struct number number;
            if (stretch->base + place[i] < s->taken)
                continue;
            if (!judge(&stretch->window, place[i], &number) ||
                (stretch->lost && stretch->window.beyond))
                continue;
            s->taken = stretch->base + number.end;
            tell(s, &stretch->window, &number);
        }
    }
}

/* --- pieces ------------------------------------------------------------------------------------
 */

/* The last bytes of `data`, of which places before `judged` are done with. */
static void keep(struct numbers_scanner *s, const uint8_t *data, size_t size, size_t judged)
{
    if (size >= KEEP_BYTES) {
        memcpy(s->keep, data + (size - KEEP_BYTES), KEEP_BYTES);
        s->kept = KEEP_BYTES;
        s->judged = (uint8_t)(judged - (size - KEEP_BYTES));
        return;
    }
    memcpy(s->keep, data, size);
    s->kept = (uint8_t)size;
    s->judged = (uint8_t)judged;
}

/* Before which place everything can be judged that more bytes may follow. */
static size_t ripe(size_t size, size_t from)
{
    return size > NUMBER_AFTER + from ? size - NUMBER_AFTER : from;
}

/* What is kept with the beginning of `data` behind it, `head` bytes. Returns the place in `data` up
 * to which places are done with. */
static size_t judge_join(struct numbers_scanner *s, const uint8_t *data, size_t size, size_t head)
{
    uint8_t joined[2 * KEEP_BYTES];
    size_t kept = s->kept;
    memcpy(joined, s->keep, KEEP_BYTES); /* all of it: a copy of known size is quicker */
    memcpy(joined + kept, data, head);
    struct stretch join = {.window = {joined, kept + head, false},
                           .base = s->total - size - kept,
                           .from = s->judged,
                           .to = ripe(kept + head, s->judged)};
    judge_stretch(s, &join);
    if (head == size) {
        keep(s, joined, kept + head, join.to);
        return size;
    }
    return join.to - kept;
}

void numbers_scanner_put(struct numbers_scanner *s, const uint8_t *data, size_t size)
{
    size_t done = 0;
    if (size == 0)
        return;
    s->total += size;
    if (s->kept)
        done = judge_join(s, data, size, size < KEEP_BYTES ? size : KEEP_BYTES);
    if (done == size)
        return;
    struct stretch stretch = {.window = {data, size, false},
                              .base = s->total - size,
                              .from = done,
                              .to = ripe(size, done)};
    judge_stretch(s, &stretch);
    keep(s, data, size, stretch.to);
}

static void finish(struct numbers_scanner *s, bool lost)
{
    struct stretch rest = {.window = {s->keep, s->kept, false},
                           .base = s->total - s->kept,
                           .from = s->judged,
                           .to = s->kept,
                           .lost = lost};
    judge_stretch(s, &rest);
    s->kept = s->judged = 0;
    s->total = s->taken = 0;
}

void numbers_scanner_gap(struct numbers_scanner *scanner)
{
    static const uint8_t missing[RUN_MIN] = {'0', '0', '0', '0'};
    finish(scanner, true);
    scanner->total = sizeof missing;
    keep(scanner, missing, sizeof missing, sizeof missing);
}

void numbers_scanner_finish(struct numbers_scanner *scanner)
{
    finish(scanner, false);
}
