/* alerts.sinks: [{type: file, path: alerts.ndjson, …}, …]. What a type of sinks can be told is the
 * table of its row (weir/bus/sink.h); what every sink can be told stands here. A value is checked
 * against its key once, here, so that a sink need not.
 *
 * A sink's place in the journal is kept by its name. One without a name goes by its type, a second
 * one of that type by type-2, in the order of the list: so reordering sinks without names exchanges
 * their places, and `weir check` shows the names to write down. Thread: start-up only. */
#include "config_keys.h"
#include "weir/alert/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SINK_NAME_MAX 63
#define EXPECTED      "at most 16 sinks such as {type: file, path: alerts.ndjson}"
#define NAME_EXPECTED "a name of its own: 1 to 63 of a-z, 0-9, - and _"

struct sink_reading {
    const struct reading *r;
    const struct sink_row *row;
    struct sink_settings *settings;
};

/* --- values ----------------------------------------------------------------------------------- */

static bool is_flag(const struct yaml_node *node, bool *value)
{
    bool scalar = node->kind == YAML_SCALAR && !node->quoted;
    *value = scalar && strcmp(node->text, "true") == 0;
    return *value || (scalar && strcmp(node->text, "false") == 0);
}

static int read_flag(const struct reading *r, const struct yaml_node *node, bool *to)
{
    return is_flag(node, to) ? 0 : config_refuse(r, node, "true or false");
}

static int read_number(const struct reading *r, const struct yaml_node *node, int64_t least,
                       int64_t most, int64_t *to)
{
    char expected[80], *end;
    bool text = node->kind == YAML_SCALAR && !node->quoted && *node->text &&
                strspn(node->text, "-0123456789") == strlen(node->text);
    errno = 0;
    *to = text ? strtoll(node->text, &end, 10) : 0;
    if (text && errno == 0 && !*end && *to >= least && *to <= most)
        return 0;
    snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, least, most);
    return config_refuse(r, node, expected);
}

static int read_choice(const struct reading *r, const struct yaml_node *node,
                       const char *const *choice)
{
    char expected[300] = "one of: ";
    for (size_t i = 0; choice[i]; i++) {
        if (node->kind == YAML_SCALAR && strcmp(node->text, choice[i]) == 0)
            return 0;
        size_t have = strlen(expected);
        snprintf(expected + have, sizeof expected - have, "%s%s", i ? ", " : "", choice[i]);
    }
    return config_refuse(r, node, expected);
}

static bool is_text(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && *node->text;
}

/* A list of texts, or one. */
static int check_texts(const struct reading *r, const struct yaml_node *node)
{
    if (is_text(node))
        return 0;
    if (node->kind != YAML_LIST || !node->child)
        return config_refuse(r, node, "a list of texts");
    for (const struct yaml_node *item = node->child; item; item = item->next)
        if (!is_text(item))
            return config_refuse(r, item, "text");
    return 0;
}

static int check_value(const struct reading *r, const struct sink_key *key,
                       const struct yaml_node *node)
{
    bool flag;
    int64_t number;
    switch (key->kind) {
    case SINK_NUMBER:
        return read_number(r, node, key->min, key->max, &number);
    case SINK_CHOICE:
        return read_choice(r, node, key->choice);
    case SINK_FLAG:
        return read_flag(r, node, &flag);
    case SINK_TEXTS:
        return check_texts(r, node);
    case SINK_SECRET_FILE:
        return is_text(node) ? 0 : config_refuse(r, node, "the path of a file with the secret");
    case SINK_TEXT:
        break;
    }
    return is_text(node) ? 0 : config_refuse(r, node, "text");
}

static const char *const *own_value(struct config *config, const struct yaml_node *node)
{
    size_t count = 0;
    const struct yaml_node *first = node->kind == YAML_LIST ? node->child : node;
    for (const struct yaml_node *item = first; item; item = item->next)
        count += node->kind == YAML_LIST || item == node;
    const char **value = config_own_room(config, (count + 1) * sizeof *value);
    const struct yaml_node *item = first;
    for (size_t i = 0; i < count; i++, item = item->next)
        value[i] = config_own(config, item->text);
    return value;
}

static int read_own_key(const struct sink_reading *sink, const struct sink_key *key,
                        const struct yaml_node *node)
{
    if (check_value(sink->r, key, node) != 0)
        return -1;
    if (sink->settings->count == SINK_SETTINGS)
        return config_refuse(sink->r, node, "fewer keys");
    sink_settings_add(sink->settings, key, own_value(sink->r->config, node));
    if (strcmp(key->name, "timeout_s") == 0) /* the sink's own bounds; the meaning is ours, too */
        sink->settings->timeout_s = sink_number(sink->settings, key->name);
    return 0;
}

/* --- what every sink can be told -------------------------------------------------------------- */

static int read_type(const struct sink_reading *sink, const struct yaml_node *node)
{
    (void)sink;
    (void)node;
    return 0; /* it was read first */
}

static bool is_name(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_");
    return size > 0 && size <= SINK_NAME_MAX && text[size] == '\0';
}

static int read_name(const struct sink_reading *sink, const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || !is_name(node->text))
        return config_refuse(sink->r, node, NAME_EXPECTED);
    sink->settings->name = config_own(sink->r->config, node->text);
    return 0;
}

static int read_format(const struct sink_reading *sink, const struct yaml_node *node)
{
    char names[100], expected[120];
    snprintf(names, sizeof names, "%s", sink->row->formats);
    snprintf(expected, sizeof expected, "one of: %s", sink->row->formats);
    char *rest = names;
    for (const char *name; (name = strsep(&rest, " ")) != NULL;)
        if (node->kind == YAML_SCALAR && strcmp(node->text, name) == 0 && line_format_get(name)) {
            sink->settings->format = line_format_get(name)->name;
            return 0;
        }
    return config_refuse(sink->r, node, expected);
}

static int read_severity(const struct sink_reading *sink, const struct yaml_node *node)
{
    return read_number(sink->r, node, 0, 100, &sink->settings->severity_min);
}

static int read_heartbeat(const struct sink_reading *sink, const struct yaml_node *node)
{
    return read_flag(sink->r, node, &sink->settings->heartbeat);
}

static int read_audit(const struct sink_reading *sink, const struct yaml_node *node)
{
    return read_flag(sink->r, node, &sink->settings->audit);
}

static int read_silenced(const struct sink_reading *sink, const struct yaml_node *node)
{
    return read_flag(sink->r, node, &sink->settings->silenced);
}

static int read_timeout(const struct sink_reading *sink, const struct yaml_node *node)
{
    return read_number(sink->r, node, 1, 3600, &sink->settings->timeout_s);
}

static int read_begin(const struct sink_reading *sink, const struct yaml_node *node)
{
    static const char *const where[] = {"start", "end", NULL};
    if (read_choice(sink->r, node, where) != 0)
        return -1;
    sink->settings->from_start = strcmp(node->text, "start") == 0;
    return 0;
}

static const struct {
    const char *name;
    int (*read)(const struct sink_reading *sink, const struct yaml_node *node);
} common[] = {
    {"type", read_type},
    {"name", read_name},
    {"format", read_format},
    {"begin", read_begin},
    {"severity_min", read_severity},
    {"heartbeat", read_heartbeat},
    {"audit", read_audit},
    {"silenced", read_silenced},
    {"timeout_s", read_timeout},
};

/* --- a sink ----------------------------------------------------------------------------------- */

static int unknown_key(const struct sink_reading *sink, const struct yaml_node *item)
{
    char names[300] = "";
    for (const struct sink_key *key = sink->row->keys; key && key->name; key++) {
        size_t have = strlen(names);
        snprintf(names + have, sizeof names - have, "%s, ", key->name);
    }
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        size_t have = strlen(names);
        snprintf(names + have, sizeof names - have, "%s%s", i ? ", " : "", common[i].name);
    }
    return error_set(sink->r->error, ERROR_USAGE,
                     "%s:%d:%d: %s: unknown key \"%.60s\", a sink of type %s has: %s",
                     sink->r->name, item->key_line, item->key_column, sink->r->key, item->key,
                     sink->row->type, names);
}

static int read_key(const struct sink_reading *sink, const struct yaml_node *item)
{
    const struct sink_key *own = sink_key_get(sink->row, item->key);
    if (own)
        return read_own_key(sink, own, item);
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (strcmp(item->key, common[i].name) == 0)
            return common[i].read(sink, item);
    return unknown_key(sink, item);
}

static int check_required(const struct sink_reading *sink, const struct yaml_node *node)
{
    for (const struct sink_key *key = sink->row->keys; key && key->name; key++)
        if (key->required && !sink_texts(sink->settings, key->name))
            return error_set(sink->r->error, ERROR_USAGE,
                             "%s:%d:%d: %s: a sink of type %s needs %s:", sink->r->name, node->line,
                             node->column, sink->r->key, sink->row->type, key->name);
    return 0;
}

static int check_whole(const struct sink_reading *sink, const struct yaml_node *node)
{
    struct error why = {0};
    if (!sink->row->check || sink->row->check(sink->settings, &why) == 0)
        return 0;
    return error_set(sink->r->error, ERROR_USAGE, "%s:%d:%d: %s: %s", sink->r->name, node->line,
                     node->column, sink->r->key, why.message);
}

static const struct sink_row *row_of(const struct reading *r, const struct yaml_node *node)
{
    char expected[200] = "type: one of";
    const struct yaml_node *type = yaml_get(node, "type");
    bool scalar = type && type->kind == YAML_SCALAR;
    const struct sink_row *row = scalar ? sink_row_get(type->text) : NULL;
    if (row)
        return row;
    for (const struct sink_row *const *each = sink_rows; *each; each++) {
        size_t have = strlen(expected);
        snprintf(expected + have, sizeof expected - have, "%s %s", each == sink_rows ? "" : ",",
                 (*each)->type);
    }
    if (type)
        config_refuse(r, type, expected);
    else
        error_set(r->error, ERROR_USAGE, "%s:%d:%d: %s: a sink without a type, expected %s",
                  r->name, node->line, node->column, r->key, expected);
    return NULL;
}

/* People who are shown alerts are told of heartbeats and audits when they ask. */
static void settle_quiet(const struct sink_reading *sink, const struct yaml_node *node)
{
    if (!sink->row->is_quiet || !sink->row->is_quiet(sink->settings))
        return;
    if (!yaml_get(node, "heartbeat"))
        sink->settings->heartbeat = false;
    if (!yaml_get(node, "audit"))
        sink->settings->audit = false;
}

static int read_sink(const struct reading *r, const struct yaml_node *node)
{
    struct sink_settings *settings = &r->config->sink[r->config->sink_count];
    if (node->kind != YAML_MAP || r->config->sink_count == CONFIG_SINKS - 2)
        return config_refuse(r, node, EXPECTED);
    struct sink_reading sink = {r, row_of(r, node), settings};
    if (!sink.row)
        return -1;
    sink_settings_init(settings, sink.row, NULL);
    for (const struct yaml_node *item = node->child; item; item = item->next)
        if (read_key(&sink, item) != 0)
            return -1;
    settle_quiet(&sink, node);
    if (check_required(&sink, node) != 0 || check_whole(&sink, node) != 0)
        return -1;
    r->config->sink_count++;
    return 0;
}

/* --- names ------------------------------------------------------------------------------------ */

/* `number`: which of the list. A name given or made out twice would be one place for two. */
static int settle_name(const struct reading *r, const struct yaml_node *item, size_t number,
                       const bool *named)
{
    struct sink_settings *sink = &r->config->sink[number];
    size_t same = 1;
    for (size_t i = 0; i < number; i++)
        same += !named[i] && strcmp(r->config->sink[i].type, sink->type) == 0;
    if (!named[number]) {
        char *name = same > 1 ? xasprintf("%s-%zu", sink->type, same) : xstrdup(sink->type);
        sink->name = config_own(r->config, name);
        free(name);
    }
    for (size_t i = 0; i < number; i++)
        if (strcmp(r->config->sink[i].name, sink->name) == 0)
            return error_set(
                r->error, ERROR_USAGE,
                "%s:%d:%d: %s: two sinks go by the name \"%s\", expected " NAME_EXPECTED, r->name,
                item->line, item->column, r->key, sink->name);
    return 0;
}

/* Two would rotate and mend it under each other. The same file by another name is not looked for.
 */
static int refuse_same_file(const struct reading *r, const struct yaml_node *item, size_t number)
{
    const struct sink_settings *sink = &r->config->sink[number];
    if (strcmp(sink->type, "file") != 0)
        return 0;
    for (size_t i = 0; i < number; i++) {
        const struct sink_settings *other = &r->config->sink[i];
        if (strcmp(other->type, "file") == 0 &&
            strcmp(sink_text(other, "path"), sink_text(sink, "path")) == 0)
            return config_refuse(r, yaml_get(item, "path"), "a file that no other sink writes");
    }
    return 0;
}

int config_read_sinks(const struct reading *r, const struct yaml_node *node)
{
    bool named[CONFIG_SINKS] = {false};
    if (node->kind != YAML_LIST)
        return config_refuse(r, node, "a list of sinks");
    r->config->sink_count = 0;
    for (const struct yaml_node *item = node->child; item; item = item->next)
        if (read_sink(r, item) != 0)
            return -1;
    for (size_t i = 0; i < r->config->sink_count; i++)
        named[i] = r->config->sink[i].name != NULL;
    const struct yaml_node *item = node->child;
    for (size_t i = 0; item && i < r->config->sink_count; i++, item = item->next)
        if (settle_name(r, item, i, named) != 0 || refuse_same_file(r, item, i) != 0)
            return -1;
    return 0;
}

/* --- showing ---------------------------------------------------------------------------------- */

static void show_value(struct buffer *b, const struct sink_key *key, const char *text)
{
    if (key->kind == SINK_NUMBER || key->kind == SINK_FLAG)
        buffer_text(b, "%s", text);
    else
        config_show_quoted(b, text);
}

/* Secrets are not there to be shown: a key of theirs names a file. */
static void show_key(struct buffer *b, const struct sink_settings *sink, const struct sink_key *key)
{
    const char *const *value = sink_texts(sink, key->name);
    if (!value && !key->fallback)
        return;
    buffer_text(b, ", %s: %s", key->name, key->kind == SINK_TEXTS ? "[" : "");
    if (!value)
        show_value(b, key, key->fallback);
    for (size_t i = 0; value && value[i]; i++) {
        buffer_text(b, "%s", i ? ", " : "");
        show_value(b, key, value[i]);
    }
    buffer_text(b, "%s", key->kind == SINK_TEXTS ? "]" : "");
}

static void show_sink(struct buffer *b, const struct sink_settings *sink)
{
    static const char *const flag[] = {"false", "true"};
    const struct sink_row *row = sink_row_get(sink->type);
    buffer_text(b, "{type: %s, name: \"%s\", format: %s, begin: %s, severity_min: %" PRId64,
                sink->type, sink->name, sink->format, sink->from_start ? "start" : "end",
                sink->severity_min);
    buffer_text(b, ", heartbeat: %s, audit: %s, silenced: %s", flag[sink->heartbeat],
                flag[sink->audit], flag[sink->silenced]);
    if (!row || !sink_key_get(row, "timeout_s"))
        buffer_text(b, ", timeout_s: %" PRId64, sink->timeout_s);
    for (const struct sink_key *key = row ? row->keys : NULL; key && key->name; key++)
        show_key(b, sink, key);
    buffer_text(b, "}");
}

void config_show_sinks(const struct config *config, struct buffer *b)
{
    buffer_text(b, "[");
    for (size_t i = 0; i < config->sink_count; i++) {
        buffer_text(b, "%s", i ? ", " : "");
        show_sink(b, &config->sink[i]);
    }
    buffer_text(b, "]");
}
