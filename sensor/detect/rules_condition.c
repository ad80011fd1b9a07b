/* Conditions, compiled in one pass:
 *
 *   any   = all { "or" all }        all = not { "and" not }        not = "not" not | one
 *   one   = "(" any ")" | macro | flag | field "exists" | field operator value | field part values
 *   part  = ["not"] "in" | "under" | "startswith" | "endswith" | "contains"
 *
 * `and` and `or` become jumps over what is no longer asked; the places that still have to learn
 * where they lead are chained through their own operands. Macros are written out where they stand.
 * Bounds: RULE_CODE_MAX instructions, RULE_DEPTH brackets, nots and macros one in another.
 * Start-up only. */
#include "rules_values.h"

#include <stdlib.h>
#include <string.h>

#define NO_JUMP UINT32_MAX

static int emit(struct rule_parser *p, struct rule_code code)
{
    struct rules *rules = p->c->rules;
    if (rules->code_count - p->c->first >= RULE_CODE_MAX)
        return rule_parser_refuse(p, p->word.offset, "more than %u comparisons, macros written out",
                                  RULE_CODE_MAX);
    if (rules->code_count >= RULES_CODE_MAX)
        return rule_parser_refuse(p, p->word.offset, "all conditions together are too long");
    if ((rules->code_count & (rules->code_count - 1)) == 0) /* grows by doubling */
        rules->code = xrealloc(rules->code, (2 * rules->code_count + 1) * sizeof *rules->code);
    rules->code[rules->code_count++] = code;
    return 0;
}

static int jump(struct rule_parser *p, enum rule_op op, uint32_t *chain)
{
    uint32_t at = (uint32_t)p->c->rules->code_count;
    if (emit(p, (struct rule_code){.op = (uint8_t)op, .operand = *chain}) != 0)
        return -1;
    *chain = at;
    return 0;
}

static void land(struct rule_parser *p, uint32_t chain)
{
    struct rules *rules = p->c->rules;
    while (chain != NO_JUMP) {
        uint32_t next = rules->code[chain].operand;
        rules->code[chain].operand = (uint32_t)rules->code_count - p->c->first;
        chain = next;
    }
}

static int parse_any(struct rule_parser *p);

static int deeper(struct rule_parser *p)
{
    if (p->c->depth++ < RULE_DEPTH)
        return 0;
    return rule_parser_refuse(p, p->word.offset,
                              "brackets and macros more than %u deep (does a macro use itself?)",
                              RULE_DEPTH);
}

/* --- comparisons ----------------------------------------------------------------------------- */

static bool is_number(enum rule_field field)
{
    enum rule_type type = rule_field_row[field].type;
    return type == RULE_BYTES || type == RULE_COUNT || type == RULE_TIME;
}

static int parse_order(struct rule_parser *p, enum rule_field field, enum rule_op op)
{
    struct rule_code code = {.op = (uint8_t)op, .field = (uint8_t)field};
    if (!is_number(field))
        return rule_parser_refuse(p, p->word.offset, "%s has no order, expected =, != or in",
                                  rule_field_row[field].name);
    if (rule_parser_next(p) != 0 || rule_parser_number(p, field, &code.number) != 0)
        return -1;
    return emit(p, code);
}

static int parse_members(struct rule_parser *p, enum rule_field field, enum rule_op op, bool many)
{
    struct rule_code code = {.op = (uint8_t)op, .field = (uint8_t)field};
    if (rule_parser_next(p) != 0 || rule_parser_set(p, field, op, many, &code.operand) != 0)
        return -1;
    return emit(p, code);
}

static int parse_part(struct rule_parser *p, enum rule_field field, enum rule_op op)
{
    enum rule_type type = rule_field_row[field].type;
    if (type != RULE_NAME && (type != RULE_TEXT || op == OP_UNDER))
        return rule_parser_refuse(
            p, p->word.offset, "%s is not a %s, expected =, !=%s or in", rule_field_row[field].name,
            op == OP_UNDER ? "domain name" : "text", is_number(field) ? ", <, <=, >, >=" : "");
    return parse_members(p, field, op, true);
}

static int parse_keyword(struct rule_parser *p, enum rule_field field)
{
    static const struct {
        const char *word;
        enum rule_op op;
    } part[] = {{"under", OP_UNDER},
                {"startswith", OP_STARTS},
                {"endswith", OP_ENDS},
                {"contains", OP_CONTAINS}};
    if (rule_word_is(&p->word, "in"))
        return parse_members(p, field, OP_IN, true);
    if (rule_word_is(&p->word, "exists"))
        return emit(p, (struct rule_code){.op = OP_EXISTS, .field = (uint8_t)field}) != 0
                   ? -1
                   : rule_parser_next(p);
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (rule_word_is(&p->word, part[i].word))
            return parse_part(p, field, part[i].op);
    if (rule_field_row[field].type == RULE_FLAG)
        return emit(p, (struct rule_code){.op = OP_FLAG, .field = (uint8_t)field});
    return rule_parser_refuse(
        p, p->word.offset,
        "%s%.60s, expected an operator after %s: = != < <= > >= in under startswith endswith "
        "contains exists",
        p->word.kind == WORD_END ? "it ends here" : "found ", p->word.text,
        rule_field_row[field].name);
}

/* `x not in (…)`, as `not x in (…)` but for a field that is not known. */
static int parse_not_in(struct rule_parser *p, enum rule_field field)
{
    if (rule_parser_next(p) != 0)
        return -1;
    if (!rule_word_is(&p->word, "in"))
        return rule_parser_refuse(p, p->word.offset, "found %.60s after %s not, expected in",
                                  p->word.text, rule_field_row[field].name);
    return parse_members(p, field, OP_NOT_IN, true);
}

static int parse_comparison(struct rule_parser *p, enum rule_field field)
{
    if (rule_parser_next(p) != 0)
        return -1;
    switch (p->word.kind) {
    case WORD_EQUAL:
        return parse_members(p, field, OP_IN, false);
    case WORD_NOT_EQUAL:
        return parse_members(p, field, OP_NOT_IN, false);
    case WORD_LESS:
        return parse_order(p, field, OP_LESS);
    case WORD_LESS_EQUAL:
        return parse_order(p, field, OP_LESS_EQUAL);
    case WORD_GREATER:
        return parse_order(p, field, OP_GREATER);
    case WORD_GREATER_EQUAL:
        return parse_order(p, field, OP_GREATER_EQUAL);
    default:
        return rule_word_is(&p->word, "not") ? parse_not_in(p, field) : parse_keyword(p, field);
    }
}

/* --- what stands between and, or, not -------------------------------------------------------- */

static int compile_texts(struct rule_compiler *c, const struct rule_definition *definition,
                         const char *key);

static const char *nearest(const struct rule_parser *p)
{
    size_t size = strlen(p->word.text), position = 0;
    const struct map *macros = &p->c->all->by_name[DEFINE_MACRO];
    const char *best = rule_field_nearest(p->word.text, size);
    for (const struct map_entry *e; !best && (e = map_next(macros, &position)) != NULL;) {
        const char *name = ((const struct rule_definition *)e->value)->name;
        best = rule_nearest(p->word.text, size, &name, 1);
    }
    return best;
}

static int parse_macro(struct rule_parser *p)
{
    const struct rule_definition *macro =
        rule_definition_get(p->c->all, DEFINE_MACRO, p->word.text, strlen(p->word.text));
    if (!macro) {
        const char *meant = nearest(p);
        return rule_parser_refuse(p, p->word.offset, "unknown field or macro \"%.60s\"%s%s%s",
                                  p->word.text, meant ? ", did you mean \"" : "",
                                  meant ? meant : "", meant ? "\"?" : " (weir rules fields)");
    }
    if (deeper(p) != 0 || compile_texts(p->c, macro, "condition") != 0)
        return -1;
    p->c->depth--;
    return rule_parser_next(p);
}

static int parse_bracket(struct rule_parser *p)
{
    size_t opened = p->word.offset;
    if (deeper(p) != 0 || rule_parser_next(p) != 0 || parse_any(p) != 0)
        return -1;
    if (p->word.kind != WORD_CLOSE)
        return rule_parser_refuse(p, p->word.kind == WORD_END ? opened : p->word.offset,
                                  p->word.kind == WORD_END
                                      ? "a bracket that is not closed"
                                      : "found %.60s, expected \")\", and or or",
                                  p->word.text);
    p->c->depth--;
    return rule_parser_next(p);
}

static int parse_one(struct rule_parser *p)
{
    if (p->word.kind == WORD_OPEN)
        return parse_bracket(p);
    if (p->word.kind != WORD_BARE || rule_word_is(&p->word, "and") || rule_word_is(&p->word, "or"))
        return rule_parser_refuse(
            p, p->word.offset, "%s%.60s, expected a field, a macro, not or \"(\"",
            p->word.kind == WORD_END ? "it ends here" : "found ", p->word.text);
    int field = rule_field_find(p->word.text, strlen(p->word.text));
    return field < 0 ? parse_macro(p) : parse_comparison(p, (enum rule_field)field);
}

static int parse_not(struct rule_parser *p)
{
    if (!rule_word_is(&p->word, "not"))
        return parse_one(p);
    if (deeper(p) != 0 || rule_parser_next(p) != 0 || parse_not(p) != 0)
        return -1;
    p->c->depth--;
    return emit(p, (struct rule_code){.op = OP_NOT});
}

static int parse_all(struct rule_parser *p)
{
    uint32_t chain = NO_JUMP;
    if (parse_not(p) != 0)
        return -1;
    while (rule_word_is(&p->word, "and"))
        if (jump(p, OP_JUMP_FALSE, &chain) != 0 || rule_parser_next(p) != 0 || parse_not(p) != 0)
            return -1;
    land(p, chain);
    return 0;
}

static int parse_any(struct rule_parser *p)
{
    uint32_t chain = NO_JUMP;
    if (parse_all(p) != 0)
        return -1;
    while (rule_word_is(&p->word, "or"))
        if (jump(p, OP_JUMP_TRUE, &chain) != 0 || rule_parser_next(p) != 0 || parse_all(p) != 0)
            return -1;
    land(p, chain);
    return 0;
}

/* --- whole texts ----------------------------------------------------------------------------- */

static int parse_to_end(struct rule_parser *p)
{
    if (parse_any(p) != 0)
        return -1;
    if (p->word.kind == WORD_END)
        return 0;
    return rule_parser_refuse(p, p->word.offset, "found \"%.60s\", expected and, or, or the end",
                              p->word.text);
}

/* What is appended says how: "and …" or "or …", to all that stood there. */
static int parse_appended(struct rule_parser *p)
{
    uint32_t chain = NO_JUMP;
    bool both = rule_word_is(&p->word, "and");
    if (!both && !rule_word_is(&p->word, "or"))
        return rule_parser_refuse(p, p->word.offset,
                                  "override: append: expected and or or in front");
    if (jump(p, both ? OP_JUMP_FALSE : OP_JUMP_TRUE, &chain) != 0 || rule_parser_next(p) != 0 ||
        parse_to_end(p) != 0)
        return -1;
    land(p, chain);
    return 0;
}

static int compile_text(struct rule_compiler *c, const struct rule_piece *piece, const char *key,
                        bool appended)
{
    struct rule_parser p = {.c = c, .piece = *piece, .what = key};
    if (piece->node->kind != YAML_SCALAR)
        return rule_refuse(piece->source, piece->node, c->error, "%s: expected a condition", key);
    if (rule_parser_next(&p) != 0)
        return -1;
    return appended ? parse_appended(&p) : parse_to_end(&p);
}

static int compile_texts(struct rule_compiler *c, const struct rule_definition *definition,
                         const char *key)
{
    size_t first = 0;
    for (size_t i = 0; i < definition->entries; i++)
        if (!definition->append[i] && yaml_get(definition->entry[i].node, key))
            first = i;
    for (size_t i = first; i < definition->entries; i++) {
        struct rule_piece piece = {definition->entry[i].source,
                                   yaml_get(definition->entry[i].node, key)};
        if (piece.node && compile_text(c, &piece, key, i > first) != 0)
            return -1;
    }
    return 0;
}

static void begin(struct rule_compiler *c)
{
    c->first = (uint32_t)c->rules->code_count;
    c->depth = 0;
}

int rule_compile(struct rule_compiler *c, const struct rule_definition *definition, const char *key,
                 struct rule_program *program)
{
    begin(c);
    int failed = compile_texts(c, definition, key);
    *program = (struct rule_program){c->first, (uint32_t)c->rules->code_count - c->first};
    return failed;
}

int rule_compile_piece(struct rule_compiler *c, const struct rule_piece *piece,
                       struct rule_program *program)
{
    begin(c);
    int failed = compile_text(c, piece, "when", false);
    *program = (struct rule_program){c->first, (uint32_t)c->rules->code_count - c->first};
    return failed;
}
