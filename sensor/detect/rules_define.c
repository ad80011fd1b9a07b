/* Definitions by name. A name that was given before must say how it stands to what is there:
 * `override: replace` puts its keys in the place of the old ones, `override: append` adds its
 * items, exceptions and condition to them. What is replaced entry by entry is kept as a list of
 * entries and looked up from the last. Every key is checked here, so that whoever reads a
 * definition finds only what may be there. Start-up only. */
#include "rules_local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const define_kind_name[DEFINE_KINDS] = {"list",      "macro", "rule",
                                                    "exception", "trust", "intel"};

/* The keys of each kind; those before ';' must be there in its first entry. */
static const char *const keys[DEFINE_KINDS] = {
    "list items ; override",
    "macro condition ; override",
    ("rule name condition severity ; urgency tactic technique schedule enabled rate_limit sees "
     "false_alarms exceptions override"),
    "exception of when reason expires ;",
    "trust when reason expires ; bar",
    "intel file format ; severity urgency enabled"};

void rule_definitions_init(struct rule_definitions *all)
{
    *all = (struct rule_definitions){.first = NULL};
    all->end = &all->first;
    for (int i = 0; i < DEFINE_KINDS; i++)
        map_init(&all->by_name[i]);
}

void rule_definitions_fini(struct rule_definitions *all)
{
    for (struct rule_definition *next; all->first; all->first = next) {
        next = all->first->next;
        free(all->first);
    }
    for (int i = 0; i < DEFINE_KINDS; i++)
        map_fini(&all->by_name[i], NULL);
}

const struct rule_definition *rule_definition_get(const struct rule_definitions *all,
                                                  enum define_kind kind, const char *name,
                                                  size_t size)
{
    return map_get(&all->by_name[kind], name, size);
}

bool rule_definition_key(const struct rule_definition *definition, const char *key,
                         struct rule_piece *piece)
{
    for (size_t i = definition->entries; i-- > 0;) {
        *piece = (struct rule_piece){definition->entry[i].source,
                                     yaml_get(definition->entry[i].node, key)};
        if (piece->node)
            return true;
    }
    return false;
}

/* --- one entry ------------------------------------------------------------------------------- */

static bool is_key(const char *names, const char *key)
{
    size_t size = strchr(key, ' ') ? 0 : strlen(key);
    for (const char *at = names; size > 0 && (at = strstr(at, key)) != NULL; at += size)
        if ((at == names || at[-1] == ' ') && (at[size] == ' ' || !at[size]))
            return true;
    return false;
}

static bool is_name(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    return size > 0 && size <= RULE_ID_MAX && text[size] == '\0';
}

/* "list, items, override" */
static char *key_names(enum define_kind kind, char names[256])
{
    size_t at = 0;
    for (const char *key = keys[kind]; *key && at + 2 < 256; key++)
        if (*key == ' ' && key[1] != ';')
            at += (size_t)snprintf(names + at, 256 - at, ", ");
        else if (*key != ' ' && *key != ';')
            names[at++] = *key;
    names[at] = '\0';
    return names;
}

static int check_keys(const struct rule_source *source, const struct yaml_node *entry,
                      enum define_kind kind, struct error *error)
{
    char names[256];
    for (const struct yaml_node *node = entry->child; node; node = node->next)
        if (strcmp(node->key, ";") == 0 || !is_key(keys[kind], node->key))
            return error_set(error, ERROR_USAGE,
                             "%s:%d:%d: unknown key \"%.60s\" of a %s, expected one of: %s",
                             source->file.name, node->key_line, node->key_column, node->key,
                             define_kind_name[kind], key_names(kind, names));
        else if (node->kind != YAML_SCALAR && !is_key("items exceptions of", node->key))
            return rule_refuse(source, node, error, "%s: is a %s, expected a text or number",
                               node->key, node->kind == YAML_LIST ? "list" : "mapping");
    return 0;
}

static int check_needed(const struct rule_source *source, const struct yaml_node *entry,
                        enum define_kind kind, struct error *error)
{
    char names[256];
    snprintf(names, sizeof names, "%s", keys[kind]);
    *strchr(names, ';') = '\0';
    char *rest = NULL;
    for (const char *key = strtok_r(names, " ", &rest); key; key = strtok_r(NULL, " ", &rest))
        if (!yaml_get(entry, key))
            return rule_refuse(source, entry, error, "%s \"%.60s\" has no %s",
                               define_kind_name[kind],
                               yaml_get(entry, define_kind_name[kind])->text, key);
    return 0;
}

/* Items of lists, ids an exception is of. */
static int check_texts(const struct rule_source *source, const struct yaml_node *list,
                       struct error *error)
{
    if (!list)
        return 0;
    if (list->kind != YAML_LIST)
        return rule_refuse(source, list, error, "%s: expected a list such as [a, b]", list->key);
    for (const struct yaml_node *item = list->child; item; item = item->next)
        if (item->kind != YAML_SCALAR || strlen(item->text) > 255)
            return rule_refuse(source, item, error, "%s: expected texts of at most 255 bytes",
                               list->key);
    return 0;
}

/* Which kind an entry is: by which of their keys it has. */
static int kind_of(const struct rule_source *source, const struct yaml_node *entry,
                   enum define_kind *kind, struct error *error)
{
    for (*kind = 0; *kind < DEFINE_KINDS; ++*kind) {
        const struct yaml_node *name = yaml_get(entry, define_kind_name[*kind]);
        if (!name)
            continue;
        if (name->kind == YAML_SCALAR && is_name(name->text))
            return 0;
        return rule_refuse(source, name, error,
                           "%s: expected a name of its own: 1 to %u of a-z, 0-9, \".\", \"_\", "
                           "\"-\"",
                           name->key, RULE_ID_MAX);
    }
    return rule_refuse(source, entry, error,
                       "expected an entry that begins with list:, macro:, rule:, exception:, "
                       "trust: or intel:");
}

/* --- together -------------------------------------------------------------------------------- */

static int override_of(const struct rule_source *source, const struct yaml_node *entry,
                       bool *append, struct error *error)
{
    const struct yaml_node *override = yaml_get(entry, "override");
    *append = strcmp(override->text, "append") == 0;
    if (*append || strcmp(override->text, "replace") == 0)
        return 0;
    return rule_refuse(source, override, error, "override: \"%.40s\", expected append or replace",
                       override->text);
}

static int add_entry(struct rule_definition *definition, const struct rule_source *source,
                     const struct yaml_node *entry, struct error *error)
{
    bool append = false;
    const struct rule_piece *before = &definition->entry[0];
    const char *kind = define_kind_name[definition->kind];
    bool overrides = yaml_get(entry, "override") != NULL;
    if (definition->entries == 0 && overrides)
        return rule_refuse(source, entry, error, "override: there is no %s \"%s\" before this one",
                           kind, definition->name);
    if (definition->entries > 0 && !overrides)
        return rule_refuse(source, entry, error, "%s \"%s\" stands at %s:%d already, expected %s",
                           kind, definition->name, before->source->file.name, before->node->line,
                           is_key(keys[definition->kind], "override")
                               ? "another name, or override: append or replace"
                               : "another name");
    if (overrides && override_of(source, entry, &append, error) != 0)
        return -1;
    if (definition->entries == RULE_PIECES)
        return rule_refuse(source, entry, error, "\"%s\" is overridden more than %u times",
                           definition->name, RULE_PIECES - 1);
    definition->append[definition->entries] = append;
    definition->entry[definition->entries++] = (struct rule_piece){source, entry};
    return 0;
}

static struct rule_definition *definition_for(struct rule_definitions *all, enum define_kind kind,
                                              const char *name)
{
    struct rule_definition *known = map_get(&all->by_name[kind], name, strlen(name));
    if (known)
        return known;
    struct rule_definition *definition = xcalloc(1, sizeof *definition);
    definition->kind = kind;
    definition->name = name;
    map_put(&all->by_name[kind], name, strlen(name), definition);
    *all->end = definition;
    all->end = &definition->next;
    all->count[kind]++;
    return definition;
}

static int define_entry(struct rule_definitions *all, const struct rule_source *source,
                        const struct yaml_node *entry, struct error *error)
{
    enum define_kind kind;
    if (entry->kind != YAML_MAP)
        return rule_refuse(source, entry, error, "expected an entry such as {list: …, items: […]}");
    if (kind_of(source, entry, &kind, error) != 0 || check_keys(source, entry, kind, error) != 0 ||
        check_texts(source, yaml_get(entry, "items"), error) != 0 ||
        check_texts(source, yaml_get(entry, "of"), error) != 0)
        return -1;
    struct rule_definition *definition =
        definition_for(all, kind, yaml_get(entry, define_kind_name[kind])->text);
    if (definition->entries == 0 && check_needed(source, entry, kind, error) != 0)
        return -1;
    if (all->count[kind] > RULES_MAX)
        return rule_refuse(source, entry, error, "more than %u of its kind", RULES_MAX);
    return add_entry(definition, source, entry, error);
}

int rule_define(struct rule_definitions *all, const struct rule_source *source, struct error *error)
{
    const struct yaml_node *tree = source->tree;
    if (tree->kind == YAML_MAP && !tree->child) /* an empty file */
        return 0;
    if (tree->kind != YAML_LIST)
        return rule_refuse(source, tree, error,
                           "expected a list of entries: - list: …, - macro: …, - rule: …");
    for (const struct yaml_node *entry = tree->child; entry; entry = entry->next)
        if (define_entry(all, source, entry, error) != 0)
            return -1;
    return 0;
}
