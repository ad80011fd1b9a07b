/* Values: each must be one that its field can have. A bare word that is the name of a list stands
 * for the list's items. Start-up only. */
#include "rules_values.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int rule_parser_refuse(struct rule_parser *p, size_t offset, const char *format, ...)
{
    char what[360];
    int line, column;
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    rule_place(p->piece.source, p->piece.node, offset, &line, &column);
    return error_set(p->c->error, ERROR_USAGE, "%s:%d:%d: %s: %s", p->piece.source->file.name, line,
                     column, p->what, what);
}

int rule_parser_next(struct rule_parser *p)
{
    rule_word_next(p->piece.node->text, &p->at, &p->word);
    switch (p->word.kind) {
    case WORD_BAD:
        return rule_parser_refuse(p, p->word.offset,
                                  "\"%s\" begins no word, expected a name, a value, an operator or "
                                  "a bracket (other text stands in quotes)",
                                  p->word.text);
    case WORD_LONG:
        return rule_parser_refuse(p, p->word.offset, "a word of more than %u bytes", RULE_WORD_MAX);
    case WORD_OPEN_QUOTE:
        return rule_parser_refuse(p, p->word.offset, "a quote that is not closed");
    default:
        return 0;
    }
}

/* --- one value ------------------------------------------------------------------------------- */

/* What a value of the field looks like, for messages. */
static const char *expected_of(enum rule_field field, char *text, size_t room)
{
    static const char *const by_type[RULE_TYPES] = {
        "an address or prefix such as 10.0.0.0/8",
        "a domain name",
        "a text",
        "bytes such as 10 MB (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)",
        "a whole number",
        "a time such as 10 min (ms, s, min, h, d)",
        "true or false"};
    size_t count, at = 0;
    const char *const *words = rule_field_words(field, &count);
    if (!words)
        return by_type[rule_field_row[field].type];
    for (size_t i = 0; i < count && at < room; i++)
        at += (size_t)snprintf(text + at, room - at, "%s%s",
                               i == 0           ? "one of "
                               : i + 1 == count ? " or "
                                                : ", ",
                               words[i]);
    return text;
}

static bool read_number(enum rule_field field, const char *text, const char *unit, uint64_t *number)
{
    switch (rule_field_row[field].type) {
    case RULE_BYTES:
        return rule_bytes_of(text, unit, number) == NUMBER_GOOD;
    case RULE_TIME:
        return rule_time_of(text, unit, number) == NUMBER_GOOD;
    case RULE_COUNT:
        return !*unit && rule_count_of(text, number) == NUMBER_GOOD;
    case RULE_FLAG:
        *number = strcmp(text, "true") == 0;
        return !*unit && (*number || strcmp(text, "false") == 0);
    default:
        return false;
    }
}

static bool is_one_of(enum rule_field field, const char *text)
{
    size_t count;
    const char *const *words = rule_field_words(field, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], text) == 0)
            return true;
    return words == NULL;
}

static bool add_text(struct rule_parser *p, struct rule_set *set, enum rule_field field,
                     enum rule_op op, const char *text)
{
    char lower[RULE_WORD_MAX + 1];
    if (!*text || !rule_lower(text, lower, sizeof lower))
        return false;
    size_t size = strlen(lower);
    if (rule_field_row[field].type == RULE_NAME && op != OP_CONTAINS && size > 1 &&
        lower[size - 1] == '.')
        lower[--size] = '\0'; /* names are without their last dot */
    if ((op == OP_IN || op == OP_NOT_IN) && !is_one_of(field, lower))
        return false;
    char *own = rules_own(p->c->rules, lower);
    map_put(&set->names, own, size, own);
    set->text = xrealloc(set->text, (set->count + 1) * sizeof *set->text);
    set->text[set->count] = own;
    return true;
}

static bool add_number(struct rule_set *set, enum rule_field field, const char *text,
                       const char *unit)
{
    uint64_t number;
    if (!read_number(field, text, unit, &number))
        return false;
    set->number = xrealloc(set->number, (set->count + 1) * sizeof *set->number);
    set->number[set->count] = number;
    return true;
}

static bool add_value(struct rule_parser *p, struct rule_set *set, enum rule_field field,
                      enum rule_op op, const char *text, const char *unit)
{
    struct prefix prefix;
    struct error unused = {0};
    bool good;
    switch (rule_field_row[field].type) {
    case RULE_ADDRESS:
        good = !*unit && prefix_parse(text, &prefix, &unused) == 0;
        if (good)
            net_table_add(&set->nets, &prefix, set);
        break;
    case RULE_NAME:
    case RULE_TEXT:
        good = !*unit && add_text(p, set, field, op, text);
        break;
    default:
        good = add_number(set, field, text, unit);
    }
    set->count += good;
    return good;
}

/* --- lists ----------------------------------------------------------------------------------- */

static int add_room(struct rule_parser *p)
{
    if (p->c->rules->item_count++ < RULES_ITEMS_MAX)
        return 0;
    return rule_parser_refuse(p, p->word.offset, "more than %u items in all conditions",
                              RULES_ITEMS_MAX);
}

static int add_list(struct rule_parser *p, struct rule_set *set, enum rule_field field,
                    enum rule_op op, const struct rule_definition *list);

/* An item that is the name of a list stands for that list. */
static int add_item(struct rule_parser *p, struct rule_set *set, enum rule_field field,
                    enum rule_op op, const struct rule_piece *from)
{
    char text[256];
    const char *item = from->node->text;
    const struct rule_definition *list =
        rule_definition_get(p->c->all, DEFINE_LIST, item, strlen(item));
    if (list && !from->node->quoted)
        return add_list(p, set, field, op, list);
    if (add_room(p) != 0)
        return -1;
    const char *unit = strchr(item, ' ');
    bool is_number = rule_field_row[field].type >= RULE_BYTES;
    char *number = xstrdup(item);
    if (unit && is_number)
        number[unit - item] = '\0';
    bool good = add_value(p, set, field, op, number, unit && is_number ? unit + 1 : "");
    free(number);
    if (good)
        return 0;
    return rule_refuse(from->source, from->node, p->c->error,
                       "items: \"%.60s\" is asked of %s (%s:%d), expected %s", item,
                       rule_field_row[field].name, p->piece.source->file.name, p->piece.node->line,
                       expected_of(field, text, sizeof text));
}

static int add_list(struct rule_parser *p, struct rule_set *set, enum rule_field field,
                    enum rule_op op, const struct rule_definition *list)
{
    if (p->c->depth >= RULE_DEPTH)
        return rule_parser_refuse(p, p->word.offset,
                                  "list \"%s\" is nested more than %u deep (does it use itself?)",
                                  list->name, RULE_DEPTH);
    int failed = add_room(p); /* so that lists of empty lists are bounded too */
    p->c->depth++;
    for (size_t i = 0; i < list->entries && !failed; i++) {
        const struct yaml_node *items = yaml_get(list->entry[i].node, "items");
        for (const struct yaml_node *item = items->child; item && !failed; item = item->next) {
            struct rule_piece from = {list->entry[i].source, item};
            failed = add_item(p, set, field, op, &from);
        }
    }
    p->c->depth--;
    return failed;
}

/* --- in a condition -------------------------------------------------------------------------- */

/* The word that is looked at and, for "10 MB", the next. */
static int take_value(struct rule_parser *p, enum rule_field field, char *text, char *unit,
                      size_t *offset)
{
    memcpy(text, p->word.text, sizeof p->word.text);
    *offset = p->word.offset;
    *unit = '\0';
    if (rule_parser_next(p) != 0)
        return -1;
    enum rule_type type = rule_field_row[field].type;
    if ((type == RULE_BYTES || type == RULE_TIME) && p->word.kind == WORD_BARE &&
        rule_is_unit(p->word.text)) {
        memcpy(unit, p->word.text, sizeof p->word.text);
        return rule_parser_next(p);
    }
    return 0;
}

static int refuse_value(struct rule_parser *p, enum rule_field field, size_t offset,
                        const char *text, const char *unit)
{
    char expected[256];
    return rule_parser_refuse(p, offset, "\"%.60s%s%.20s\" is no value of %s, expected %s", text,
                              *unit ? " " : "", unit, rule_field_row[field].name,
                              expected_of(field, expected, sizeof expected));
}

static int need_value(struct rule_parser *p, enum rule_field field)
{
    char expected[256];
    if (p->word.kind == WORD_BARE || p->word.kind == WORD_QUOTED)
        return 0;
    return rule_parser_refuse(p, p->word.offset, "%s%s%s, expected %s",
                              p->word.kind == WORD_END ? "it ends here" : "\"", p->word.text,
                              p->word.kind == WORD_END ? "" : "\"",
                              expected_of(field, expected, sizeof expected));
}

int rule_parser_number(struct rule_parser *p, enum rule_field field, uint64_t *number)
{
    char text[RULE_WORD_MAX + 1], unit[RULE_WORD_MAX + 1];
    size_t offset;
    if (need_value(p, field) != 0 || take_value(p, field, text, unit, &offset) != 0)
        return -1;
    return read_number(field, text, unit, number) ? 0 : refuse_value(p, field, offset, text, unit);
}

static int add_word(struct rule_parser *p, struct rule_set *set, enum rule_field field,
                    enum rule_op op)
{
    char text[RULE_WORD_MAX + 1], unit[RULE_WORD_MAX + 1];
    size_t offset;
    const struct rule_definition *list = NULL;
    if (need_value(p, field) != 0)
        return -1;
    if (p->word.kind == WORD_BARE)
        list = rule_definition_get(p->c->all, DEFINE_LIST, p->word.text, strlen(p->word.text));
    if (list)
        return add_list(p, set, field, op, list) != 0 ? -1 : rule_parser_next(p);
    if (add_room(p) != 0 || take_value(p, field, text, unit, &offset) != 0)
        return -1;
    return add_value(p, set, field, op, text, unit) ? 0
                                                    : refuse_value(p, field, offset, text, unit);
}

static int add_words(struct rule_parser *p, struct rule_set *set, enum rule_field field,
                     enum rule_op op)
{
    do {
        if (rule_parser_next(p) != 0 || add_word(p, set, field, op) != 0)
            return -1;
    } while (p->word.kind == WORD_COMMA);
    if (p->word.kind != WORD_CLOSE)
        return rule_parser_refuse(p, p->word.offset, "%s%.60s, expected \",\" or \")\"",
                                  p->word.kind == WORD_END ? "it ends here" : "found ",
                                  p->word.text);
    return rule_parser_next(p);
}

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

int rule_parser_set(struct rule_parser *p, enum rule_field field, enum rule_op op, bool many,
                    uint32_t *index)
{
    struct rule_set made;
    rule_set_init(&made);
    int failed = many && p->word.kind == WORD_OPEN ? add_words(p, &made, field, op)
                                                   : add_word(p, &made, field, op);
    if (failed) {
        rule_set_fini(&made);
        return -1;
    }
    if (made.number)
        qsort(made.number, made.count, sizeof *made.number, compare_numbers);
    *rule_compiler_set(p->c, index) = made;
    return 0;
}
