/* Is this a telephone number? ITU-T E.164: '+', the country's code, and as many digits as numbers
 * of that country have (its plan as notified to ITU-T; where that is not known here, 8 to 15 digits
 * in all); between them one or two of ' ' '-' '.' '/' '(' ')', and "(0)" for the trunk prefix that
 * is not dialled. And Japan's national form, area-exchange-subscriber with hyphens, whose shapes
 * are few. A date, a time zone, a version or an identifier fits neither. Pure. */
#include "number.h"

#include <string.h>

#define DIGITS_MIN     8u
#define DIGITS_MAX     15u /* E.164 6.1 */
#define SPAN_MAX       32u /* bytes, from the '+' */
#define SEPARATORS_MAX 5u  /* " (0) ": together */

/* Codes that are assigned (E.164 annex to the Operational Bulletin), and how many digits follow. */
static const struct plan {
    uint8_t least, most;
} plans[1000] = {
    [1] = {10, 10},  [7] = {10, 10},   [20] = {8, 10},  [27] = {9, 9},   [30] = {10, 10},
    [31] = {9, 9},   [32] = {8, 9},    [33] = {9, 9},   [34] = {9, 9},   [36] = {8, 9},
    [39] = {6, 11},  [40] = {9, 9},    [41] = {9, 9},   [43] = {5, 13},  [44] = {9, 10},
    [45] = {8, 8},   [46] = {7, 10},   [47] = {8, 8},   [48] = {9, 9},   [49] = {6, 13},
    [51] = {8, 9},   [52] = {10, 10},  [53] = {6, 8},   [54] = {10, 11}, [55] = {10, 11},
    [56] = {9, 9},   [57] = {10, 10},  [58] = {10, 10}, [60] = {8, 10},  [61] = {9, 9},
    [62] = {8, 12},  [63] = {8, 10},   [64] = {8, 10},  [65] = {8, 8},   [66] = {8, 9},
    [81] = {9, 10},  [82] = {8, 11},   [84] = {9, 10},  [86] = {9, 11},  [90] = {10, 10},
    [91] = {10, 10}, [92] = {9, 10},   [93] = {9, 9},   [94] = {9, 9},   [95] = {7, 10},
    [98] = {10, 10}, [211] = {9, 9},   [212] = {9, 9},  [213] = {8, 9},  [216] = {8, 8},
    [218] = {8, 9},  [220] = {7, 7},   [221] = {9, 9},  [222] = {8, 8},  [223] = {8, 8},
    [224] = {8, 9},  [225] = {10, 10}, [226] = {8, 8},  [227] = {8, 8},  [228] = {8, 8},
    [229] = {8, 10}, [230] = {7, 8},   [231] = {7, 9},  [232] = {8, 8},  [233] = {9, 9},
    [234] = {8, 10}, [235] = {8, 8},   [236] = {8, 8},  [237] = {8, 9},  [238] = {7, 7},
    [239] = {7, 7},  [240] = {9, 9},   [241] = {8, 9},  [242] = {9, 9},  [243] = {9, 9},
    [244] = {9, 9},  [245] = {7, 9},   [246] = {7, 7},  [247] = {5, 6},  [248] = {7, 7},
    [249] = {9, 9},  [250] = {9, 9},   [251] = {9, 9},  [252] = {7, 9},  [253] = {8, 8},
    [254] = {9, 9},  [255] = {9, 9},   [256] = {9, 9},  [257] = {8, 8},  [258] = {8, 9},
    [260] = {9, 9},  [261] = {9, 9},   [262] = {9, 9},  [263] = {8, 9},  [264] = {8, 9},
    [265] = {7, 9},  [266] = {8, 8},   [267] = {7, 8},  [268] = {8, 8},  [269] = {7, 7},
    [290] = {5, 5},  [291] = {7, 7},   [297] = {7, 7},  [298] = {6, 6},  [299] = {6, 6},
    [350] = {8, 8},  [351] = {9, 9},   [352] = {5, 11}, [353] = {7, 9},  [354] = {7, 9},
    [355] = {8, 9},  [356] = {8, 8},   [357] = {8, 8},  [358] = {5, 12}, [359] = {7, 9},
    [370] = {8, 8},  [371] = {8, 8},   [372] = {7, 8},  [373] = {8, 8},  [374] = {8, 8},
    [375] = {9, 9},  [376] = {6, 9},   [377] = {8, 9},  [378] = {6, 10}, [380] = {9, 9},
    [381] = {8, 9},  [382] = {8, 8},   [383] = {8, 8},  [385] = {8, 9},  [386] = {8, 8},
    [387] = {8, 8},  [389] = {8, 8},   [420] = {9, 9},  [421] = {9, 9},  [423] = {7, 9},
    [500] = {5, 5},  [501] = {7, 7},   [502] = {8, 8},  [503] = {8, 8},  [504] = {8, 8},
    [505] = {8, 8},  [506] = {8, 8},   [507] = {7, 8},  [508] = {6, 9},  [509] = {8, 8},
    [590] = {9, 9},  [591] = {8, 8},   [592] = {7, 7},  [593] = {8, 9},  [594] = {9, 9},
    [595] = {9, 9},  [596] = {9, 9},   [597] = {6, 7},  [598] = {8, 8},  [599] = {7, 8},
    [670] = {7, 8},  [672] = {6, 6},   [673] = {7, 7},  [674] = {7, 7},  [675] = {7, 8},
    [676] = {5, 7},  [677] = {5, 7},   [678] = {5, 7},  [679] = {7, 7},  [680] = {7, 7},
    [681] = {6, 6},  [682] = {5, 5},   [683] = {5, 7},  [685] = {5, 7},  [686] = {5, 8},
    [687] = {6, 6},  [688] = {5, 7},   [689] = {6, 8},  [690] = {5, 7},  [691] = {7, 7},
    [692] = {7, 7},  [800] = {8, 8},   [808] = {8, 8},  [850] = {6, 10}, [852] = {8, 8},
    [853] = {8, 8},  [855] = {8, 9},   [856] = {8, 10}, [870] = {9, 12}, [878] = {12, 12},
    [880] = {8, 10}, [881] = {8, 12},  [882] = {7, 12}, [883] = {7, 12}, [886] = {8, 9},
    [888] = {8, 12}, [960] = {7, 7},   [961] = {7, 8},  [962] = {8, 9},  [963] = {8, 9},
    [964] = {8, 10}, [965] = {8, 8},   [966] = {8, 9},  [967] = {7, 9},  [968] = {8, 8},
    [970] = {8, 9},  [971] = {8, 9},   [972] = {8, 9},  [973] = {8, 8},  [974] = {7, 8},
    [975] = {7, 8},  [976] = {8, 8},   [977] = {8, 10}, [979] = {9, 9},  [992] = {9, 9},
    [993] = {8, 8},  [994] = {9, 9},   [995] = {9, 9},  [996] = {9, 9},  [998] = {9, 9},
};

/* No code begins another one. 0: none does. */
static unsigned code_of(const char *digits, size_t size)
{
    unsigned code = 0;
    for (size_t i = 0; i < 3 && i < size && digits[0] != '0'; i++) {
        code = code * 10 + (unsigned)(digits[i] - '0');
        if (plans[code].most)
            return code;
    }
    return 0;
}

/* Italy, San Marino, Gabon, Congo and Côte d'Ivoire dial a 0 that elsewhere is a trunk prefix. */
static bool keeps_zero(unsigned code)
{
    return code == 39 || code == 378 || code == 241 || code == 242 || code == 225;
}

/* What follows the code fits the country's plan, as far as that tells numbers from others. */
static bool fits_plan(unsigned code, const char *national, size_t size)
{
    if (size < plans[code].least || size > plans[code].most)
        return false;
    if (code == 1) /* NANP: NXX NXX XXXX */
        return national[0] >= '2' && national[3] >= '2';
    if (code == 81 && size == 10) /* 020, 050 to 090, 0800 */
        return strchr("256789", national[0]) && national[1] == '0';
    return national[0] != '0' || keeps_zero(code);
}

/* The digits, the code's first: a number? */
static bool is_number(const char *digits, size_t size)
{
    unsigned code = code_of(digits, size);
    size_t code_size = code < 10 ? 1 : code < 100 ? 2 : 3;
    return size >= DIGITS_MIN && size <= DIGITS_MAX && code &&
           fits_plan(code, digits + code_size, size - code_size);
}

/* Its form and its label. */
static void take(const char *digits, size_t size, struct number *number)
{
    unsigned code = code_of(digits, size);
    size_t code_size = code < 10 ? 1 : code < 100 ? 2 : 3;
    number->class = CONTENT_PHONE;
    number->text[0] = number->label[0] = '+';
    memcpy(number->text + 1, digits, size);
    number->size = (uint8_t)(size + 1);
    memcpy(number->label + 1, digits, code_size);
    number->label[1 + code_size] = '\0';
}

/* --- '+' ---------------------------------------------------------------------------------------
 */

static bool is_separator(uint8_t byte)
{
    return byte == ' ' || byte == '-' || byte == '.' || byte == '/' || byte == '(' || byte == ')';
}

/* How many separators there are at `at`, if a digit follows them; a trunk prefix in brackets is one
 * of them. 0: the number ends. */
static size_t separators_at(struct window *window, size_t at)
{
    size_t size = 0;
    for (uint8_t last = 0, byte; size <= SEPARATORS_MAX; size++, last = byte) {
        byte = window_at(window, at + size);
        if (!is_separator(byte) || byte == last)
            return is_digit(byte) ? size : 0;
        if (byte == '(' && window_at(window, at + size + 1) == '0' &&
            window_at(window, at + size + 2) == ')')
            size += 2, byte = ')';
    }
    return is_digit(window_at(window, at + size)) ? size : 0;
}

/* May the number end before `at`, if `more` digits follow behind a separator? */
static bool may_end(struct window *window, size_t at, bool more)
{
    uint8_t next = window_at(window, at);
    if (more)
        return next == ' ' || next == '/' || next == '(';
    return !is_word(next) && next != '_' && next != '@' && next != '+';
}

/* From its first digit on: the longest number whose end is a group's end. */
static bool judge_digits(struct window *window, size_t begin, size_t first, struct number *number)
{
    char digits[SPAN_MAX];
    size_t count = 0, longest = 0;
    for (size_t at = first; at - first < SPAN_MAX && count <= DIGITS_MAX;) {
        for (; is_digit(window_at(window, at)) && at - first < SPAN_MAX; at++)
            digits[count++] = (char)window_at(window, at);
        size_t separators = is_digit(window_at(window, at)) ? 0 : separators_at(window, at);
        if (may_end(window, at, separators > 0) && is_number(digits, count)) {
            longest = count;
            number->end = at;
        }
        if (separators == 0)
            break;
        at += separators;
    }
    if (longest == 0)
        return false;
    number->begin = begin;
    take(digits, longest, number);
    return true;
}

bool phone_judge_plus(struct window *window, size_t plus, struct number *number)
{
    uint8_t before = window_before(window, plus, 1);
    return number_begins(window, plus) && !is_joint(before) && before != '/' &&
           judge_digits(window, plus, plus + 1, number);
}

bool phone_judge_escaped_plus(struct window *window, size_t run, struct number *number)
{
    return window_before(window, run, 3) == '%' && window_before(window, run, 2) == '2' &&
           (window_before(window, run, 1) | 0x20) == 'b' &&
           judge_digits(window, run - 3, run, number);
}

/* --- Japan -------------------------------------------------------------------------------------
 */

/* Sizes of its three groups, as digits, and how the number begins. */
static const struct shape {
    char groups[4];
    char prefixes[32]; /* one of them, separated by blanks; '?' is any digit but 0 */
} shapes[] = {
    {"244", "03 04 06"},
    {"334", "0??"},
    {"424", "0???"},
    {"514", "0????"},
    {"344", "020 050 060 070 080 090"},
    {"434", "0800"},
    {"433", "0120 0570 0990 0180 0170"},
};

static bool has_prefix(const char *prefixes, const char *digits)
{
    for (const char *at = prefixes;; at++) {
        size_t size = strcspn(at, " "), same = 0;
        while (same < size &&
               (at[same] == digits[same] || (at[same] == '?' && digits[same] != '0')))
            same++;
        if (same == size)
            return true;
        at += size;
        if (*at == '\0')
            return false;
    }
}

/* Groups of digits with a hyphen between each two, from `begin` to `end`: their shape is known? */
static bool judge_national(struct window *window, size_t begin, size_t end, struct number *number)
{
    char digits[DIGITS_MAX + 1] = "81", groups[4] = "000";
    size_t count = 2, group = 0;
    for (size_t at = begin; at < end; at++) {
        uint8_t byte = window_at(window, at);
        if (byte == '-')
            group++;
        if (group == sizeof groups - 1 || count == DIGITS_MAX)
            return false;
        if (byte != '-')
            groups[group]++, digits[count++] = (char)byte;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (strcmp(shapes[i].groups, groups) != 0 || !has_prefix(shapes[i].prefixes, digits + 2))
            continue;
        memmove(digits + 2, digits + 3, count - 3); /* the trunk prefix */
        number->begin = begin;
        number->end = end;
        if (!is_number(digits, count - 1))
            return false;
        take(digits, count - 1, number);
        return true;
    }
    return false;
}

/* How many digits there are, up to `most` + 1, before or from `at`. */
static size_t digits_before(const struct window *window, size_t at, size_t most)
{
    size_t size = 0;
    while (size <= most && is_digit(window_before(window, at, size + 1)))
        size++;
    return size;
}

static size_t digits_from(struct window *window, size_t at, size_t most)
{
    size_t size = 0;
    while (size <= most && is_digit(window_at(window, at + size)))
        size++;
    return size;
}

/* Nothing that goes on before `begin` or behind `end`. */
static bool stands_alone(struct window *window, size_t begin, size_t end)
{
    uint8_t next = window_at(window, end);
    if (!number_begins(window, begin) || is_joint(window_before(window, begin, 1)) ||
        is_word(next) || next == '_')
        return false;
    return next == '.' ? !is_digit(window_at(window, end + 1)) : !is_joint(next);
}

/* All shapes but one end with four digits; that one begins with them. */
bool phone_judge_national(struct window *window, size_t run, struct number *number)
{
    if (digits_from(window, run, 4) != 4)
        return false;
    size_t begin = run, end = run + 4;
    if (window_before(window, run, 1) == '-') {
        begin -= 1 + digits_before(window, run - 1, 4);
        if (begin == run - 1 || window_before(window, begin, 1) != '-')
            return false;
        size_t area = digits_before(window, begin - 1, 5);
        begin -= 1 + area;
        if (area < 2 || area > 5)
            return false;
    } else {
        if (window_at(window, run) != '0' || window_at(window, end) != '-' ||
            digits_from(window, end + 1, 3) != 3 || window_at(window, end + 4) != '-' ||
            digits_from(window, end + 5, 3) != 3)
            return false;
        end += 8;
    }
    return stands_alone(window, begin, end) && judge_national(window, begin, end, number);
}
