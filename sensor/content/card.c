/* Is this a payment card's number? ISO/IEC 7812-1: an issuer's range (the first six digits), one of
 * its lengths, Luhn's check digit; written in one run or in groups as on the card. One number of
 * sixteen digits in ten has Luhn's digit by chance, so what stands around it must not make it part
 * of something else: a longer number, a word, a fraction, a path. Pure. */
#include "number.h"

#include <stdio.h>
#include <string.h>

#define DIGITS_MIN    14u
#define DIGITS_MAX    19u
#define GROUPS_MAX    5u
#define NAME_MAX_SIZE 12u /* letters */
#define PREFIX_SIZE   6u
#define LENGTH(n)     (1u << (n))
#define LENGTHS_LONG  (LENGTH(16) | LENGTH(17) | LENGTH(18) | LENGTH(19))

struct issuer {
    uint32_t first, last; /* of the ranges of the first six digits */
    uint32_t lengths;
    char label[NUMBER_LABEL_MAX + 1];
};

static const struct issuer issuers[] = {
    {222100, 272099, LENGTH(16), "mastercard"},
    {300000, 305999, LENGTH(14), "diners"},
    {309500, 309599, LENGTH(14), "diners"},
    {340000, 349999, LENGTH(15), "amex"},
    {352800, 358999, LENGTH(16), "jcb"},
    {360000, 369999, LENGTH(14), "diners"},
    {370000, 379999, LENGTH(15), "amex"},
    {380000, 399999, LENGTH(14), "diners"},
    {400000, 499999, LENGTH(16) | LENGTH(19), "visa"},
    {501800, 501899, LENGTHS_LONG, "maestro"},
    {502000, 502099, LENGTHS_LONG, "maestro"},
    {503800, 503899, LENGTHS_LONG, "maestro"},
    {510000, 559999, LENGTH(16), "mastercard"},
    {589300, 589399, LENGTHS_LONG, "maestro"},
    {601100, 601199, LENGTH(16) | LENGTH(19), "discover"},
    {620000, 629999, LENGTHS_LONG, "unionpay"},
    {630400, 630499, LENGTHS_LONG, "maestro"},
    {644000, 659999, LENGTH(16) | LENGTH(19), "discover"},
    {675900, 675999, LENGTHS_LONG, "maestro"},
    {676100, 676399, LENGTHS_LONG, "maestro"},
};

static const struct issuer *issuer_of(const char *digits, size_t size)
{
    uint32_t prefix = 0;
    for (size_t i = 0; i < PREFIX_SIZE; i++)
        prefix = prefix * 10 + (uint32_t)(digits[i] - '0');
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++)
        if (prefix >= issuers[i].first && prefix <= issuers[i].last &&
            (issuers[i].lengths & LENGTH(size)))
            return &issuers[i];
    return NULL;
}

/* ISO/IEC 7812-1, annex B. */
static bool has_luhn_digit(const char *digits, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)(digits[size - 1 - i] - '0');
        digit <<= i & 1;
        sum += digit > 9 ? digit - 9 : digit;
    }
    return sum % 10 == 0;
}

static bool is_one_digit(const char *digits, size_t size)
{
    return memcmp(digits, digits + 1, size - 1) == 0;
}

/* The digits that are in number->text: a card's? */
static bool is_card(struct number *number)
{
    const struct issuer *issuer = NULL;
    number->text[number->size] = '\0';
    if (number->size >= DIGITS_MIN)
        issuer = issuer_of(number->text, number->size);
    if (!issuer || !has_luhn_digit(number->text, number->size) ||
        is_one_digit(number->text, number->size))
        return false;
    number->class = CONTENT_CARD;
    snprintf(number->label, sizeof number->label, "%s", issuer->label);
    return true;
}

/* --- around it ---------------------------------------------------------------------------------
 */

/* A group of four more digits or longer, next to a group, belongs to it: a table of numbers. */
static bool follows_group(const struct window *window, size_t at)
{
    for (size_t by = 2; by <= 5; by++)
        if (!is_digit(window_before(window, at, by)))
            return false;
    return window_before(window, at, 1) == ' ';
}

static bool precedes_group(struct window *window, size_t at)
{
    if (window_at(window, at) != ' ')
        return false;
    for (size_t i = 1; i <= 4; i++)
        if (!is_digit(window_at(window, at + i)))
            return false;
    return true;
}

/* A '+' behind a word is a blank: a form's text as browsers send it. */
static bool is_blank_plus(const struct window *window, size_t end)
{
    return window_before(window, end, 1) == '+' && is_word(window_before(window, end, 2));
}

static bool ends(struct window *window, size_t at)
{
    uint8_t next = window_at(window, at);
    if (is_word(next) || next == '_')
        return false;
    if (next == '.')
        return !is_word(window_at(window, at + 1));
    return next == '+' || !is_joint(next);
}

static bool begins(const struct window *window, size_t at)
{
    uint8_t before = window_before(window, at, 1);
    return number_begins(window, at) && (!is_joint(before) || is_blank_plus(window, at)) &&
           before != '/';
}

/* Identifiers that are drawn by chance have an issuer's range and Luhn's digit once in a hundred,
 * and pages are full of them: what a query or an object calls an identifier is none ("id",
 * "user_id", "userId", an advertiser's "correlator", a "random" against caches). */
static bool is_identifier(const struct window *window, size_t run)
{
    static const char *const names[] = {"correlator", "random", "rnd", "rand", "ord", "cb",
                                        "ts",         "time",   "id",  "Id",   "ID"};
    size_t end = run, size = 0;
    bool assigned = false;
    for (uint8_t byte; run - end < 4; end--, assigned |= byte == '=' || byte == ':') {
        byte = window_before(window, end, 1);
        if (byte != '=' && byte != ':' && byte != '"' && byte != ' ')
            break;
    }
    while (size <= NAME_MAX_SIZE && is_letter(window_before(window, end, size + 1)))
        size++;
    for (size_t i = 0; assigned && i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        bool camel = names[i][0] == 'I'; /* "userId", "userID", not "PAID" */
        uint8_t first = window_before(window, end, length + 1);
        if ((size == length || (camel && size > length && first >= 'a')) &&
            memcmp(window->data + (end - length), names[i], length) == 0)
            return true;
    }
    return false;
}

/* --- its forms ---------------------------------------------------------------------------------
 */

static bool judge_run(struct window *window, size_t run, struct number *number)
{
    size_t size = 0;
    while (size <= DIGITS_MAX && is_digit(window_at(window, run + size)))
        size++;
    if (size < DIGITS_MIN || size > DIGITS_MAX || !ends(window, run + size))
        return false;
    memcpy(number->text, window->data + run, size);
    number->size = (uint8_t)size;
    number->begin = run;
    number->end = run + size;
    return is_card(number) && !is_identifier(window, run);
}

/* As on the card: "4446" is 4-4-4-6. */
static bool is_embossed(const char *groups)
{
    static const char *const forms[] = {"4444", "44443", "465", "464"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(groups, forms[i]) == 0)
            return true;
    return false;
}

struct groups {
    uint8_t separator;
    size_t count;
    char size[GROUPS_MAX + 1]; /* of each, as a digit: 1 to 9 */
    size_t end[GROUPS_MAX];    /* of each, in the window */
    char text[GROUPS_MAX * 9];
};

/* Groups of at most nine digits with the separator between them; false: something else. */
static bool read_groups(struct window *window, size_t run, struct groups *groups)
{
    size_t at = run, total = 0;
    while (groups->count < GROUPS_MAX) {
        size_t begin = at;
        for (; is_digit(window_at(window, at)); at++) {
            if (at - begin == 9)
                return false;
            groups->text[total++] = (char)window_at(window, at);
        }
        groups->size[groups->count] = (char)('0' + (at - begin));
        groups->end[groups->count++] = at;
        if (window_at(window, at) != groups->separator || !is_digit(window_at(window, at + 1)))
            break;
        at++;
    }
    groups->size[groups->count] = '\0';
    return true;
}

/* "4111 1111 1111 1111 123": the most groups first, but what follows may be a number of its own. */
static bool judge_groups(struct window *window, size_t run, struct number *number)
{
    struct groups groups = {.separator = window_at(window, run + 4)};
    if (!read_groups(window, run, &groups))
        return false;
    for (; groups.count >= 3; groups.count--) {
        size_t end = groups.end[groups.count - 1];
        groups.size[groups.count] = '\0';
        if (!is_embossed(groups.size) || !ends(window, end) || precedes_group(window, end))
            continue;
        size_t size = 0;
        for (size_t i = 0; i < groups.count; i++)
            size += (size_t)(groups.size[i] - '0');
        memcpy(number->text, groups.text, size);
        number->size = (uint8_t)size;
        number->begin = run;
        number->end = end;
        if (is_card(number))
            return true;
    }
    return false;
}

bool card_judge(struct window *window, size_t run, struct number *number)
{
    if (window_before(window, run, 1) == '%')
        run += 2; /* an escape's digits: "%20" */
    uint8_t first = window_at(window, run);
    if (first < '2' || first > '6')
        return false;
    uint8_t fifth = window_at(window, run + 4);
    bool grouped = (fifth == ' ' || fifth == '-') && is_digit(window_at(window, run + 5));
    if ((!grouped && !is_digit(window_at(window, run + DIGITS_MIN - 1))) || !begins(window, run))
        return false;
    return grouped ? !follows_group(window, run) && judge_groups(window, run, number)
                   : judge_run(window, run, number);
}
