/* Conditions, read in one pass; see where.h. Bounds: WHERE_TEXT bytes, WHERE_NODES, WHERE_DEPTH.
 * Thread: the main thread. */
#include "where_local.h"

#include "weir/base/buffer.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum word_kind { WORD_END, WORD_BARE, WORD_QUOTED, WORD_SIGN };

struct parser {
    struct where *where;
    const char *text;
    size_t at;     /* behind the word */
    size_t column; /* of the word, from 1 */
    enum word_kind kind;
    char word[WHERE_TEXT];
    unsigned depth;
    struct error *error;
};

static int refuse(struct parser *p, const char *expected)
{
    static const char *const quote[] = {"", "\"", "a text \"", "\""};
    if (p->kind == WORD_END)
        return error_set(p->error, ERROR_USAGE, "--where, column %zu: it ends here, expected %s",
                         p->column, expected);
    return error_set(p->error, ERROR_USAGE, "--where, column %zu: found %s%.60s\", expected %s",
                     p->column, quote[p->kind], p->word, expected);
}

/* --- words ------------------------------------------------------------------------------------ */

static int read_quoted(struct parser *p)
{
    size_t size = 0;
    p->kind = WORD_QUOTED;
    for (p->at++; p->text[p->at] != '"'; p->at++) {
        if (p->text[p->at] == '\\' && (p->text[p->at + 1] == '"' || p->text[p->at + 1] == '\\'))
            p->at++;
        if (p->text[p->at] == '\0')
            return error_set(p->error, ERROR_USAGE,
                             "--where, column %zu: a text that is not closed, expected \"",
                             p->column);
        p->word[size++] = p->text[p->at];
    }
    p->at++;
    p->word[size] = '\0';
    return 0;
}

static void read_sign(struct parser *p)
{
    const char *at = p->text + p->at;
    size_t size = strchr("!<>", *at) && at[1] == '=' ? 2 : 1;
    p->kind = WORD_SIGN;
    memcpy(p->word, at, size);
    p->word[size] = '\0';
    p->at += size;
}

static int next(struct parser *p)
{
    while (p->text[p->at] != '\0' && isspace((unsigned char)p->text[p->at]))
        p->at++;
    const char *at = p->text + p->at;
    p->column = p->at + 1;
    if (*at == '\0') {
        p->kind = WORD_END;
        p->word[0] = '\0';
        return 0;
    }
    if (*at == '"')
        return read_quoted(p);
    if (strchr("()=!<>,", *at)) {
        read_sign(p);
        return 0;
    }
    size_t size = strcspn(at, " \t\r\n\f\v()=!<>,\"");
    p->kind = WORD_BARE;
    memcpy(p->word, at, size);
    p->word[size] = '\0';
    p->at += size;
    return 0;
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->kind == WORD_BARE && strcmp(p->word, word) == 0;
}

static bool is_sign(const struct parser *p, const char *sign)
{
    return p->kind == WORD_SIGN && strcmp(p->word, sign) == 0;
}

/* --- nodes ------------------------------------------------------------------------------------ */

/* The node's place; −1: there are too many. */
static int add(struct parser *p, struct where_node node, size_t *place)
{
    struct where *where = p->where;
    if (where->nodes == WHERE_NODES) {
        free(node.field);
        return error_set(p->error, ERROR_USAGE, "--where: more than %d parts", WHERE_NODES);
    }
    *place = where->nodes;
    where->node[where->nodes++] = node;
    return 0;
}

static char *split_field(const char *word)
{
    size_t size = strlen(word);
    char *field = xcalloc(1, size + 2);
    memcpy(field, word, size);
    for (char *dot = field; (dot = strchr(dot, '.')) != NULL; dot++)
        *dot = '\0';
    return field;
}

static bool is_field(const struct parser *p)
{
    size_t size = strlen(p->word);
    return p->kind == WORD_BARE && !is_word(p, "and") && !is_word(p, "or") && p->word[0] != '.' &&
           p->word[size - 1] != '.' && !strstr(p->word, "..");
}

/* --- values ----------------------------------------------------------------------------------- */

static void read_number(struct where_value *value)
{
    char *end;
    errno = 0;
    value->exact = strtoll(value->text, &end, 10);
    value->whole = end != value->text && *end == '\0' && errno == 0;
    value->number = strtod(value->text, &end);
    value->numeric = end != value->text && *end == '\0' && isfinite(value->number);
}

static void read_network(struct where_value *value)
{
    struct ip ip;
    if (ip_parse(value->text, &ip) == 0)
        value->prefix = prefix_of(&ip, 32, 128);
    else if (!strchr(value->text, '/') || prefix_parse(value->text, &value->prefix, NULL) != 0)
        return;
    value->network = true;
}

static int read_value(struct parser *p, struct where_node *node)
{
    struct where_value value = {0};
    if (p->kind != WORD_BARE && p->kind != WORD_QUOTED)
        return refuse(p, "a value");
    if (p->where->nodes + node->values >= WHERE_NODES)
        return error_set(p->error, ERROR_USAGE, "--where: more than %d parts", WHERE_NODES);
    value.text = xstrdup(p->word);
    if (p->kind == WORD_BARE) {
        read_number(&value);
        read_network(&value);
    }
    node->value = xrealloc(node->value, (node->values + 1) * sizeof *node->value);
    node->value[node->values++] = value;
    return next(p);
}

static int read_values(struct parser *p, struct where_node *node)
{
    if (!is_sign(p, "("))
        return read_value(p, node);
    do {
        if (next(p) != 0 || read_value(p, node) != 0)
            return -1;
    } while (is_sign(p, ","));
    return is_sign(p, ")") ? next(p) : refuse(p, "\",\" or \")\"");
}

/* --- comparisons ------------------------------------------------------------------------------ */

static const struct {
    const char *word;
    enum where_kind kind;
    bool sign, many;
} operators[] = {
    {"=", WHERE_IN, true, false},          {"!=", WHERE_NOT_IN, true, false},
    {"<", WHERE_LESS, true, false},        {"<=", WHERE_LESS_EQUAL, true, false},
    {">", WHERE_GREATER, true, false},     {">=", WHERE_GREATER_EQUAL, true, false},
    {"in", WHERE_IN, false, true},         {"startswith", WHERE_STARTS, false, true},
    {"endswith", WHERE_ENDS, false, true}, {"contains", WHERE_CONTAINS, false, true},
    {"under", WHERE_UNDER, false, true},
};

static int read_operator(struct parser *p, struct where_node *node)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (operators[i].sign ? !is_sign(p, operators[i].word) : !is_word(p, operators[i].word))
            continue;
        node->kind = operators[i].kind;
        if (next(p) != 0)
            return -1;
        return operators[i].many ? read_values(p, node) : read_value(p, node);
    }
    return refuse(p, "= != < <= > >= in, not in, exists, startswith, endswith, contains or under");
}

static int read_not_in(struct parser *p, struct where_node *node)
{
    node->kind = WHERE_NOT_IN;
    if (next(p) != 0)
        return -1;
    if (!is_word(p, "in"))
        return refuse(p, "in");
    return next(p) != 0 ? -1 : read_values(p, node);
}

static int read_comparison(struct parser *p, size_t *place)
{
    if (!is_field(p))
        return refuse(p, "a field such as event.severity, not or \"(\"");
    /* Added first: its values are freed with it, whatever comes. */
    if (add(p, (struct where_node){.kind = WHERE_EXISTS, .field = split_field(p->word)}, place) !=
            0 ||
        next(p) != 0)
        return -1;
    struct where_node *node = &p->where->node[*place];
    if (is_word(p, "exists"))
        return next(p);
    return is_word(p, "not") ? read_not_in(p, node) : read_operator(p, node);
}

/* --- what stands between ---------------------------------------------------------------------- */

static int read_any(struct parser *p, size_t *place);

static int deeper(struct parser *p)
{
    if (p->depth++ < WHERE_DEPTH)
        return 0;
    return error_set(p->error, ERROR_USAGE, "--where, column %zu: more than %d deep", p->column,
                     WHERE_DEPTH);
}

static int read_bracket(struct parser *p, size_t *place)
{
    if (deeper(p) != 0 || next(p) != 0 || read_any(p, place) != 0)
        return -1;
    p->depth--;
    return is_sign(p, ")") ? next(p) : refuse(p, "and, or or \")\"");
}

static int read_not(struct parser *p, size_t *place)
{
    size_t of;
    if (is_sign(p, "("))
        return read_bracket(p, place);
    if (!is_word(p, "not"))
        return read_comparison(p, place);
    if (deeper(p) != 0 || next(p) != 0 || read_not(p, &of) != 0)
        return -1;
    p->depth--;
    return add(p, (struct where_node){.kind = WHERE_NOT, .left = of}, place);
}

static int read_row(struct parser *p, const char *word, enum where_kind kind,
                    int (*one)(struct parser *p, size_t *place), size_t *place)
{
    size_t other;
    if (one(p, place) != 0)
        return -1;
    while (is_word(p, word)) {
        if (next(p) != 0 || one(p, &other) != 0)
            return -1;
        struct where_node node = {.kind = kind, .left = *place, .right = other};
        if (add(p, node, place) != 0)
            return -1;
    }
    return 0;
}

static int read_all(struct parser *p, size_t *place)
{
    return read_row(p, "and", WHERE_AND, read_not, place);
}

static int read_any(struct parser *p, size_t *place)
{
    return read_row(p, "or", WHERE_OR, read_all, place);
}

static int read_whole(struct parser *p)
{
    if (strlen(p->text) >= WHERE_TEXT)
        return error_set(p->error, ERROR_USAGE, "--where: longer than %d bytes", WHERE_TEXT);
    if (next(p) != 0 || read_any(p, &p->where->root) != 0)
        return -1;
    return p->kind == WORD_END ? 0 : refuse(p, "and, or or the end");
}

struct where *where_new(const char *text, struct error *error)
{
    struct where *where = xcalloc(1, sizeof *where);
    where->node = xcalloc(WHERE_NODES, sizeof *where->node);
    struct parser *p = xcalloc(1, sizeof *p);
    p->where = where;
    p->text = text;
    p->error = error;
    int failed = read_whole(p);
    free(p);
    if (!failed)
        return where;
    where_free(where);
    return NULL;
}

void where_free(struct where *where)
{
    if (!where)
        return;
    for (size_t i = 0; i < where->nodes; i++) {
        for (size_t j = 0; j < where->node[i].values; j++)
            free(where->node[i].value[j].text);
        free(where->node[i].value);
        free(where->node[i].field);
    }
    free(where->node);
    free(where);
}
