/* The keys of what Weir keeps, tells and writes down about people: privacy.*. Thread: start-up. */
#include "config_keys.h"

#include <string.h>

const char *const access_log_name[ACCESS_LOGS] = {"false", "true", "required"};

/* "": it is no bare word. */
static const char *word_of(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && !node->quoted ? node->text : "";
}

static int read_flag(const struct reading *r, const struct yaml_node *node, bool *to)
{
    const char *word = word_of(node);
    *to = strcmp(word, "true") == 0;
    return *to || strcmp(word, "false") == 0 ? 0 : config_refuse(r, node, "true or false");
}

static void show_flag(struct buffer *b, bool flag)
{
    buffer_text(b, "%s", flag ? "true" : "false");
}

int config_read_samples(const struct reading *r, const struct yaml_node *node)
{
    return read_flag(r, node, &r->config->content_samples);
}

void config_show_samples(const struct config *config, struct buffer *b)
{
    show_flag(b, config->content_samples);
}

int config_read_pseudonyms(const struct reading *r, const struct yaml_node *node)
{
    return read_flag(r, node, &r->config->pseudonyms);
}

void config_show_pseudonyms(const struct config *config, struct buffer *b)
{
    show_flag(b, config->pseudonyms);
}

int config_read_access_log(const struct reading *r, const struct yaml_node *node)
{
    for (int i = 0; i < ACCESS_LOGS; i++)
        if (strcmp(word_of(node), access_log_name[i]) == 0) {
            r->config->access_log = (enum access_log)i;
            return 0;
        }
    return config_refuse(r, node, "true, false or required");
}

void config_show_access_log(const struct config *config, struct buffer *b)
{
    buffer_text(b, "%s", access_log_name[config->access_log]);
}

int config_read_retention(const struct reading *r, const struct yaml_node *node)
{
    struct config *c = r->config;
    if (node->kind != YAML_MAP)
        return config_refuse(r, node, "a mapping: access, baselines, evidence, journal: days");
    for (const struct yaml_node *kind = node->child; kind; kind = kind->next) {
        uint32_t *days = strcmp(kind->key, "access") == 0      ? &c->access_days
                         : strcmp(kind->key, "baselines") == 0 ? &c->baseline_days
                         : strcmp(kind->key, "evidence") == 0  ? &c->evidence.days
                         : strcmp(kind->key, "journal") == 0   ? &c->journal_days
                                                               : NULL;
        if (!days)
            return config_refuse(r, kind, "known: access, baselines, evidence, journal");
        if (config_whole(r, kind, 1, 3650, days) != 0)
            return -1;
    }
    return 0;
}

void config_show_retention(const struct config *c, struct buffer *b)
{
    buffer_text(b, "{access: %u, baselines: %u, evidence: %u, journal: %u}", c->access_days,
                c->baseline_days, c->evidence.days, c->journal_days);
}
