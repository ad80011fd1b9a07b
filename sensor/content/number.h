/* What card.c, iban.c and phone.c judge: bytes around a place, and what stands there. Pure. */
#ifndef WEIR_SENSOR_CONTENT_NUMBER_H
#define WEIR_SENSOR_CONTENT_NUMBER_H

#include "weir/content/found.h"

#define NUMBER_MAX       34u /* ISO 13616 allows that many characters */
#define NUMBER_LABEL_MAX 15u
/* No judge looks further than this from its place (numbers.c); its own before and behind. */
#define NUMBER_BEFORE 24u
#define NUMBER_AFTER  40u

/* Bytes of one text. What is asked for beyond them is a line's end, and is noted: where the text
 * did not end but was lost, nothing is known then. */
struct window {
    const uint8_t *data;
    size_t size;
    bool beyond;
};

struct number {
    enum content_class class;
    size_t begin, end; /* in the window */
    uint8_t size;
    char text[NUMBER_MAX + 1]; /* its one form */
    char label[NUMBER_LABEL_MAX + 1];
};

static inline uint8_t window_at(struct window *window, size_t at)
{
    if (at < window->size)
        return window->data[at];
    window->beyond = true;
    return '\n';
}

/* `by` bytes before `at`; a line's end before the text's beginning. */
static inline uint8_t window_before(const struct window *window, size_t at, size_t by)
{
    return at >= by ? window->data[at - by] : '\n';
}

static inline bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static inline bool is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static inline bool is_word(uint8_t byte)
{
    return is_digit(byte) || is_letter(byte);
}

/* A hyphen or point before or an '@' after makes it a part of something else. */
static inline bool is_joint(uint8_t byte)
{
    return byte == '-' || byte == '.' || byte == '+' || byte == '@';
}

/* number.c: does no word go on before `at`? An escape's last letter ("\n", "%3A") is none. */
bool number_begins(const struct window *window, size_t at);

/* Each is given where a run of at least four digits begins, or where a '+' before a digit is. */
bool card_judge(struct window *window, size_t run, struct number *number);
bool iban_judge(struct window *window, size_t run, struct number *number);
bool phone_judge_national(struct window *window, size_t run, struct number *number);
bool phone_judge_plus(struct window *window, size_t plus, struct number *number);
/* "%2B": `run` is what comes behind it. */
bool phone_judge_escaped_plus(struct window *window, size_t run, struct number *number);

#endif
