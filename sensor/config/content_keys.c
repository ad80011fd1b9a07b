/* content.patterns: [{name: project-code, pattern: "PRJ-[0-9]{6}"}, …]. Whether an expression is
 * one is found out where expressions are known (weir/role/check.h); where it was written is kept
 * for that. Thread: start-up only. */
#include "config_keys.h"

#include <stdio.h>
#include <string.h>

#define EXPECTED "a list such as [{name: project-code, pattern: \"PRJ-[0-9]{6}\"}]"

static bool is_name(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return size > 0 && size <= CONFIG_PATTERN_NAME && text[size] == '\0';
}

static bool is_used(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->pattern_count; i++)
        if (strcmp(config->pattern[i].name, name) == 0)
            return true;
    return false;
}

static int read_members(const struct reading *r, const struct yaml_node *node,
                        struct config_pattern *pattern)
{
    const struct yaml_node *name = yaml_get(node, "name"), *text = yaml_get(node, "pattern");
    for (const struct yaml_node *item = node->child; item; item = item->next)
        if (item != name && item != text)
            return error_set(r->error, ERROR_USAGE,
                             "%s:%d:%d: %s: unknown key \"%.60s\", expected name or pattern",
                             r->name, item->key_line, item->key_column, r->key, item->key);
    if (!name || !text)
        return config_refuse(r, node, "a name and a pattern");
    if (name->kind != YAML_SCALAR || !is_name(name->text) || is_used(r->config, name->text))
        return config_refuse(r, name, "a name of its own: 1 to 63 of a-z, 0-9 and -");
    if (text->kind != YAML_SCALAR || !*text->text || strlen(text->text) > CONFIG_PATTERN_TEXT)
        return config_refuse(r, text, "an expression of 1 to 512 bytes");
    char place[512];
    snprintf(place, sizeof place, "%.400s:%d:%d: %s[%zu].pattern", r->name, text->line,
             text->column, r->key, r->config->pattern_count);
    *pattern = (struct config_pattern){.name = config_own(r->config, name->text),
                                       .pattern = config_own(r->config, text->text),
                                       .place = config_own(r->config, place)};
    return 0;
}

int config_read_patterns(const struct reading *r, const struct yaml_node *node)
{
    if (node->kind != YAML_LIST)
        return config_refuse(r, node, EXPECTED);
    r->config->pattern_count = 0;
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        if (item->kind != YAML_MAP || r->config->pattern_count == CONFIG_PATTERNS)
            return config_refuse(r, item, "at most 64 of {name: …, pattern: …}");
        struct config_pattern pattern;
        if (read_members(r, item, &pattern) != 0)
            return -1;
        r->config->pattern[r->config->pattern_count++] = pattern;
    }
    return 0;
}

void config_show_patterns(const struct config *config, struct buffer *b)
{
    buffer_text(b, "[");
    for (size_t i = 0; i < config->pattern_count; i++) {
        buffer_text(b, "%s{name: %s, pattern: ", i ? ", " : "", config->pattern[i].name);
        config_show_quoted(b, config->pattern[i].pattern);
        buffer_text(b, "}");
    }
    buffer_text(b, "]");
}
