/* console: {enabled: true, listen: 127.0.0.1:8477, …}: the pages of a running sensor
 * (docs/console.md). Thread: start-up only. */
#include "config_keys.h"

#include "weir/bus/api.h"

#include <stdlib.h>
#include <string.h>

#define STREAMS_MAX 1024

void config_console_init(struct config *config)
{
    config->console = (struct config_console){
        .enabled = false,
        .listen = config_own(config, "127.0.0.1:8477"),
        .cert = config_own(config, ""),
        .key = config_own(config, ""),
        .users = config_own(config, ""),
        .streams = 256,
    };
}

int config_read_console_enabled(const struct reading *r, const struct yaml_node *node)
{
    const char *word = node->kind == YAML_SCALAR && !node->quoted ? node->text : "";
    r->config->console.enabled = strcmp(word, "true") == 0;
    return r->config->console.enabled || strcmp(word, "false") == 0
               ? 0
               : config_refuse(r, node, "true or false");
}

int config_read_console_listen(const struct reading *r, const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || !api_is_place(node->text))
        return config_refuse(r, node, "a numeric address and a port such as 127.0.0.1:8477");
    r->config->console.listen = config_own(r->config, node->text);
    return 0;
}

/* Another process reads it, which stands elsewhere. */
static int read_path(const struct reading *r, const struct yaml_node *node, char **to)
{
    if (node->kind != YAML_SCALAR)
        return config_refuse(r, node, "a file");
    char *path = *node->text ? config_whole_path(r, node->text) : NULL;
    *to = config_own(r->config, path ? path : "");
    free(path);
    return 0;
}

int config_read_console_cert(const struct reading *r, const struct yaml_node *node)
{
    return read_path(r, node, &r->config->console.cert);
}

int config_read_console_key(const struct reading *r, const struct yaml_node *node)
{
    return read_path(r, node, &r->config->console.key);
}

int config_read_console_users(const struct reading *r, const struct yaml_node *node)
{
    return read_path(r, node, &r->config->console.users);
}

int config_read_console_names(const struct reading *r, const struct yaml_node *node)
{
    struct config_console *console = &r->config->console;
    if (node->kind != YAML_LIST)
        return config_refuse(r, node, "a list of names, such as [weir.example.org]");
    console->name_count = 0;
    for (const struct yaml_node *name = node->child; name; name = name->next) {
        if (name->kind != YAML_SCALAR || !*name->text || strlen(name->text) > 253 ||
            strpbrk(name->text, ":/ \t"))
            return config_refuse(r, name, "a name such as weir.example.org");
        if (console->name_count == CONSOLE_NAMES)
            return config_refuse(r, name, "at most 16 names");
        console->name[console->name_count++] = config_own(r->config, name->text);
    }
    return 0;
}

int config_read_console_streams(const struct reading *r, const struct yaml_node *node)
{
    return config_whole(r, node, 1, STREAMS_MAX, &r->config->console.streams);
}

void config_show_console_enabled(const struct config *config, struct buffer *b)
{
    buffer_text(b, config->console.enabled ? "true" : "false");
}

#define TEXT(key)                                                                                  \
    void config_show_console_##key(const struct config *config, struct buffer *b)                  \
    {                                                                                              \
        config_show_quoted(b, config->console.key);                                                \
    }
TEXT(listen)
TEXT(cert)
TEXT(key)
TEXT(users)
#undef TEXT

void config_show_console_names(const struct config *config, struct buffer *b)
{
    buffer_text(b, "[");
    for (size_t i = 0; i < config->console.name_count; i++) {
        buffer_text(b, i ? ", " : "");
        config_show_quoted(b, config->console.name[i]);
    }
    buffer_text(b, "]");
}

void config_show_console_streams(const struct config *config, struct buffer *b)
{
    buffer_text(b, "%u", config->console.streams);
}

void config_console_settings(const struct config *config, struct console_settings *settings)
{
    const struct config_console *console = &config->console;
    *settings = (struct console_settings){.listen = console->listen,
                                          .cert_file = console->cert,
                                          .key_file = console->key,
                                          .users_file = console->users,
                                          .name_count = console->name_count,
                                          .streams = console->streams};
    memcpy(settings->name, console->name, sizeof settings->name);
}

int config_check_console(const struct config *config, struct error *error)
{
    struct console_settings settings;
    if (!config->console.enabled)
        return 0;
    if (config->workers == 0)
        return error_set(error, ERROR_USAGE,
                         "console: is served by the engine's process, expected at least 1 worker "
                         "(or console: {enabled: false})");
    config_console_settings(config, &settings);
    return console_check(&settings, error);
}
