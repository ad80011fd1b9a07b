/* Texts → trees → definitions → rules: all of them, or none and the first thing that is wrong.
 * Trees live until all is compiled; the rules own what they keep. Start-up only. */
#include "rules_local.h"
#include "weir/base/digest.h"

#include <stdlib.h>
#include <string.h>

#define LIST_SCORE 70 /* of what is listed, where the list's entry says nothing */

struct rules_owned {
    struct rules_owned *next;
    max_align_t bytes[];
};

void *rules_own_bytes(struct rules *rules, size_t size)
{
    struct rules_owned *owned = xcalloc(1, sizeof *owned + size);
    owned->next = rules->owned;
    rules->owned = owned;
    return owned->bytes;
}

char *rules_own(struct rules *rules, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(rules_own_bytes(rules, size), text, size);
}

struct rule_set *rule_compiler_set(struct rule_compiler *c, uint32_t *index)
{
    struct rules *rules = c->rules;
    if ((rules->set_count & (rules->set_count - 1)) == 0) /* grows by doubling */
        rules->set = xrealloc(rules->set, (2 * rules->set_count + 1) * sizeof *rules->set);
    *index = (uint32_t)rules->set_count;
    return &rules->set[rules->set_count++];
}

void rules_free(struct rules *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; i < rules->set_count; i++)
        rule_set_fini(&rules->set[i]);
    intel_free(rules->intel);
    free(rules->set);
    free(rules->code);
    free(rules->rule);
    free(rules->exception);
    free(rules->trust);
    for (struct rules_owned *next; rules->owned; rules->owned = next) {
        next = rules->owned->next;
        free(rules->owned);
    }
    free(rules);
}

/* --- lists of indicators --------------------------------------------------------------------- */

struct loading {
    struct rule_compiler compiler;
    rules_fetch *fetch;
    void *context;
};

static const char *text_of(const struct rule_definition *definition, const char *key)
{
    const struct yaml_node *node = yaml_get(definition->entry[0].node, key);
    return node ? node->text : "";
}

static int refuse(const struct loading *l, const struct rule_definition *definition,
                  const char *key, const char *expected)
{
    const struct yaml_node *node = yaml_get(definition->entry[0].node, key);
    return rule_refuse(definition->entry[0].source, node, l->compiler.error,
                       "%s: \"%.60s\", expected %s", key, node->text, expected);
}

static int read_list(const struct loading *l, const struct rule_definition *definition,
                     struct intel_list *list)
{
    const char *severity = text_of(definition, "severity"),
               *urgency = text_of(definition, "urgency");
    memcpy(list->name, definition->name, strlen(definition->name) + 1);
    list->score = LIST_SCORE;
    if (*severity && rule_read_whole(severity, 100, &list->score) != 0)
        return refuse(l, definition, "severity", "a whole number from 0 to 100");
    if (rule_read_urgency(urgency, list->score, &list->urgency) != 0)
        return refuse(l, definition, "urgency", RULE_URGENCY_EXPECTED);
    for (list->format = 0; list->format < INTEL_FORMATS; list->format++)
        if (strcmp(intel_format_name[list->format], text_of(definition, "format")) == 0)
            return 0;
    return refuse(l, definition, "format", "lines, zeek or misp");
}

static int read_intel(struct loading *l, const struct rule_definition *definition)
{
    struct rules *rules = l->compiler.rules;
    struct intel_list list = {.score = 0};
    struct rules_file file;
    struct error why = {0};
    const char *enabled = text_of(definition, "enabled");
    if (*enabled && strcmp(enabled, "true") != 0 && strcmp(enabled, "false") != 0)
        return refuse(l, definition, "enabled", "true or false");
    if (read_list(l, definition, &list) != 0)
        return -1;
    if (strcmp(enabled, "false") == 0)
        return 0;
    const struct rule_source *source = definition->entry[0].source;
    const struct yaml_node *path = yaml_get(definition->entry[0].node, "file");
    const char *slash = strrchr(source->file.name, '/');
    int folder = *path->text != '/' && slash ? (int)(slash + 1 - source->file.name) : 0;
    char *whole = xasprintf("%.*s%s", folder, source->file.name, path->text);
    int failed = !l->fetch || l->fetch(l->context, whole, &file, &why) != 0;
    free(whole);
    if (failed)
        return rule_refuse(source, path, l->compiler.error, "file: %.300s",
                           l->fetch ? why.message : "lists are not read here");
    rules->intel = rules->intel ? rules->intel : intel_new();
    rules->fingerprint = hash64(file.text, file.size, rules->fingerprint);
    return intel_read(rules->intel, &list, file.name, file.text, file.size, l->compiler.error);
}

/* --- all of it ------------------------------------------------------------------------------- */

/* A macro that no rule uses must make sense too. */
static int try_macro(struct rule_compiler *c, const struct rule_definition *definition)
{
    struct rule_program unused;
    size_t code = c->rules->code_count;
    int failed = rule_compile(c, definition, "condition", &unused);
    c->rules->code_count = code;
    return failed;
}

static int read_definition(struct loading *l, const struct rule_definition *definition)
{
    switch (definition->kind) {
    case DEFINE_MACRO:
        return try_macro(&l->compiler, definition);
    case DEFINE_RULE:
        return rule_read_rule(&l->compiler, definition);
    case DEFINE_EXCEPTION:
        return rule_read_exception(&l->compiler, definition);
    case DEFINE_TRUST:
        return rule_read_trust(&l->compiler, definition);
    case DEFINE_INTEL:
        return read_intel(l, definition);
    case DEFINE_LIST:
    case DEFINE_KINDS:
        break;
    }
    return 0;
}

static int compile_all(struct loading *l)
{
    struct rules *rules = l->compiler.rules;
    const struct rule_definitions *all = l->compiler.all;
    rules->rule = xcalloc(all->count[DEFINE_RULE] + 1, sizeof *rules->rule);
    rules->trust = xcalloc(all->count[DEFINE_TRUST] + 1, sizeof *rules->trust);
    for (const struct rule_definition *d = all->first; d; d = d->next)
        if (read_definition(l, d) != 0)
            return -1;
    for (size_t i = 0; i < rules->code_count; i++)
        if (rules->code[i].op < OP_NOT)
            rules->uses[rules->code[i].field] = true;
    return 0;
}

static int read_sources(struct rule_source *source, const struct rules_file *files, size_t count,
                        struct rule_definitions *all, struct rules *rules, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        source[i].file = files[i];
        source[i].tree = yaml_parse(files[i].name, files[i].text, files[i].size, error);
        if (!source[i].tree || rule_define(all, &source[i], error) != 0)
            return -1;
        rules->fingerprint = hash64(files[i].text, files[i].size, rules->fingerprint);
    }
    return 0;
}

struct rules *rules_load(const struct rules_file *files, size_t count, rules_fetch *fetch,
                         void *context, struct error *error)
{
    struct rules *rules = xcalloc(1, sizeof *rules);
    struct rule_source *source = xcalloc(count + 1, sizeof *source);
    struct rule_definitions all;
    rule_definitions_init(&all);
    struct loading loading = {{.rules = rules, .all = &all, .error = error}, fetch, context};
    bool good =
        read_sources(source, files, count, &all, rules, error) == 0 && compile_all(&loading) == 0;
    rule_definitions_fini(&all);
    for (size_t i = 0; i < count; i++)
        yaml_node_free(source[i].tree);
    free(source);
    if (good)
        return rules;
    rules_free(rules);
    return NULL;
}
