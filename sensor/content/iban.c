/* Is this an international bank account number? ISO 13616-1: a country, two check digits, and the
 * country's own structure (the registry that SWIFT keeps, as of December 2024); check digits by ISO
 * 7064 MOD 97-10. In one run or in groups of four with one space between them; capitals, or small
 * letters throughout.
 *
 * It is looked for from its first run of four digits, backwards. In all structures that may begin
 * with other characters than digits such a run comes within the first sixteen; only an account
 * number that is nearly all letters is not found. Pure. */
#include "number.h"

#include <stdlib.h>
#include <string.h>

#define RUN_BACK_MAX    16u /* characters before the run; with an escape's before them */
#define GROUP_SIZE      4u
#define GROUPS_BACK_MAX 3u

/* Counts of digits (n), capitals (a) and either (c) behind the check digits. */
static const struct structure {
    char country[3];
    char parts[12];
} structures[] = {
    {"AD", "8n12c"},    {"AE", "19n"},      {"AL", "8n16c"},    {"AT", "16n"},
    {"AZ", "4a20c"},    {"BA", "16n"},      {"BE", "12n"},      {"BG", "4a6n8c"},
    {"BH", "4a14c"},    {"BI", "23n"},      {"BR", "23n1a1c"},  {"BY", "4c4n16c"},
    {"CH", "5n12c"},    {"CR", "18n"},      {"CY", "8n16c"},    {"CZ", "20n"},
    {"DE", "18n"},      {"DJ", "23n"},      {"DK", "14n"},      {"DO", "4c20n"},
    {"EE", "16n"},      {"EG", "25n"},      {"ES", "20n"},      {"FI", "14n"},
    {"FK", "2a12n"},    {"FO", "14n"},      {"FR", "10n11c2n"}, {"GB", "4a14n"},
    {"GE", "2a16n"},    {"GI", "4a15c"},    {"GL", "14n"},      {"GR", "7n16c"},
    {"GT", "24c"},      {"HN", "4a20n"},    {"HR", "17n"},      {"HU", "24n"},
    {"IE", "4a14n"},    {"IL", "19n"},      {"IQ", "4a15n"},    {"IS", "22n"},
    {"IT", "1a10n12c"}, {"JO", "4a4n18c"},  {"KW", "4a22c"},    {"KZ", "3n13c"},
    {"LB", "4n20c"},    {"LC", "4a24c"},    {"LI", "5n12c"},    {"LT", "16n"},
    {"LU", "3n13c"},    {"LV", "4a13c"},    {"LY", "21n"},      {"MC", "10n11c2n"},
    {"MD", "20c"},      {"ME", "18n"},      {"MK", "3n10c2n"},  {"MN", "16n"},
    {"MR", "23n"},      {"MT", "4a5n18c"},  {"MU", "4a19n3a"},  {"NI", "4a20n"},
    {"NL", "4a10n"},    {"NO", "11n"},      {"OM", "3n16c"},    {"PK", "4a16c"},
    {"PL", "24n"},      {"PS", "4a21c"},    {"PT", "21n"},      {"QA", "4a21c"},
    {"RO", "4a16c"},    {"RS", "18n"},      {"RU", "14n15c"},   {"SA", "2n18c"},
    {"SC", "4a20n3a"},  {"SD", "14n"},      {"SE", "20n"},      {"SI", "15n"},
    {"SK", "20n"},      {"SM", "1a10n12c"}, {"SO", "19n"},      {"ST", "21n"},
    {"SV", "4a20n"},    {"TL", "19n"},      {"TN", "20n"},      {"TR", "6n16c"},
    {"UA", "6n19c"},    {"VA", "18n"},      {"VG", "4a16n"},    {"XK", "16n"},
    {"YE", "4a4n18c"},
};

static int by_country(const void *key, const void *row)
{
    return memcmp(key, ((const struct structure *)row)->country, 2);
}

static bool is_lower(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z';
}

static char capital(uint8_t byte)
{
    return (char)(is_lower(byte) ? byte - 0x20 : byte);
}

/* Two letters of one case and two digits: the structure of that country, or NULL. */
static const struct structure *structure_at(struct window *window, size_t at)
{
    uint8_t first = window_at(window, at), second = window_at(window, at + 1);
    if (!is_letter(first) || !is_letter(second) || is_lower(first) != is_lower(second) ||
        !is_digit(window_at(window, at + 2)) || !is_digit(window_at(window, at + 3)))
        return NULL;
    const char country[2] = {capital(first), capital(second)};
    return bsearch(country, structures, sizeof structures / sizeof *structures, sizeof *structures,
                   by_country);
}

/* The whole number with its first four characters at its end, letters as 10 to 35. */
static bool has_check_digits(const char *text, size_t size)
{
    uint64_t rest = 0;
    for (size_t i = 4; i < size + 4; i++) {
        char c = text[i < size ? i : i - size];
        rest = is_digit((uint8_t)c) ? rest * 10 + (unsigned)(c - '0')
                                    : rest * 100 + (unsigned)(c - 'A') + 10;
        if (rest >> 56) /* room for two more digits */
            rest %= 97;
    }
    return rest % 97 == 1;
}

static bool fits(uint8_t byte, char kind, bool lower)
{
    if (is_digit(byte))
        return kind != 'a';
    return is_letter(byte) && kind != 'n' && is_lower(byte) == lower;
}

/* Where the number ends whose characters are taken over as far as they fit; 0: they do not. */
static size_t read_parts(struct window *window, const struct structure *structure, bool grouped,
                         struct number *number)
{
    size_t at = number->begin + number->size;
    bool lower = is_lower(window_at(window, number->begin));
    for (const char *part = structure->parts; *part; part++) {
        unsigned left = (unsigned)(*part++ - '0');
        if (is_digit((uint8_t)*part))
            left = left * 10 + (unsigned)(*part++ - '0');
        for (; left > 0; left--, at++) {
            if (grouped && number->size % GROUP_SIZE == 0 && window_at(window, at++) != ' ')
                return 0;
            uint8_t byte = window_at(window, at);
            if (!fits(byte, *part, lower))
                return 0;
            number->text[number->size++] = capital(byte);
        }
    }
    return at;
}

static bool judge_at(struct window *window, size_t begin, bool grouped, struct number *number)
{
    const struct structure *structure = structure_at(window, begin);
    uint8_t before = window_before(window, begin, 1);
    if (!structure || !number_begins(window, begin) || before == '-' || before == '@')
        return false;
    number->begin = begin;
    number->size = 0;
    for (size_t i = 0; i < 4; i++)
        number->text[number->size++] = capital(window_at(window, begin + i));
    number->end = read_parts(window, structure, grouped, number);
    uint8_t next = number->end ? window_at(window, number->end) : '_';
    if (is_word(next) || next == '_' || next == '@' ||
        (next == '-' && is_word(window_at(window, number->end + 1))) ||
        !has_check_digits(number->text, number->size))
        return false;
    number->class = CONTENT_IBAN;
    memcpy(number->label, structure->country, sizeof structure->country);
    return true;
}

/* The word that the run at `run` is the end of begins there, or behind an escape at its beginning;
 * `run` when it is too far. */
static size_t word_begin(const struct window *window, size_t run)
{
    size_t begin = run;
    while (is_word(window_before(window, begin, 1)))
        if (run - --begin > RUN_BACK_MAX)
            return run;
    uint8_t before = window_before(window, begin, 1), first = window->data[begin];
    if (before == '%')
        begin += 2;
    else if (before == '\\')
        begin += first == 'u' ? 5 : 1;
    return begin < run ? begin : run;
}

/* The groups before the run: the number begins with one of them. */
static bool judge_groups(struct window *window, size_t run, struct number *number)
{
    for (size_t back = 1; back <= GROUPS_BACK_MAX; back++) {
        size_t size = back * (GROUP_SIZE + 1);
        if (run < size)
            return false;
        for (size_t i = 0; i < GROUP_SIZE; i++)
            if (!is_word(window->data[run - size + i]))
                return false;
        uint8_t before = window_before(window, run - size, 1);
        if (is_digit(window->data[run - size + 2]) && judge_at(window, run - size, true, number))
            return true;
        if (before != ' ')
            return false;
    }
    return false;
}

bool iban_judge(struct window *window, size_t run, struct number *number)
{
    uint8_t before = window_before(window, run, 1);
    if (before == ' ')
        return judge_groups(window, run, number);
    if (!is_letter(before))
        return false;
    size_t begin = word_begin(window, run);
    return begin < run && judge_at(window, begin, false, number);
}
