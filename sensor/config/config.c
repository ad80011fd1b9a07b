/* The configuration: sections and keys are looked up in the table of config_keys.c; what is not
 * there is unknown and refused with the names that are. Nothing is half-applied: a mistake ends the
 * program. Thread: start-up only. */
#include "config_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading --------------------------------------------------------------------------------- */

void config_init(struct config *config)
{
    *config = (struct config){.work_start = 8,
                              .work_end = 18,
                              .work_days = 0x1f,
                              .workers = 1,
                              .snaplen = 262144,
                              .buffer_mib = 64,
                              .decoder = decoder_config_default(),
                              .max_hosts = 100000,
                              .cache_mib = 512,
                              .baseline_days = 400,
                              .journal_days = 400,
                              .access_days = 400,
                              .access_log = ACCESS_LOG_ON,
                              .journal_mib = 1024,
                              .evidence = config_evidence_default,
                              .detect = detect_config_default()};
    config->sensor_name = config_own(config, "weir");
    config->state_dir = config_own(config, "");
    config->user = config_own(config, "");
    config->timezone = config_own(config, "UTC");
    config->filter = config_own(config, "");
    config->as_database = config_own(config, "");
    config->redis_url = config_own(config, "embedded");
    config->metrics_listen = config_own(config, "");
    config_bundle_init(config);
    config_console_init(config);
    inside_init(&config->inside);
}

void config_fini(struct config *config)
{
    inside_fini(&config->inside);
    zones_free(config->zones);
    rules_free(config->rules);
    config->zones = NULL;
    config->rules = NULL;
    for (struct owned *next; config->owned; config->owned = next) {
        next = config->owned->next;
        free(config->owned);
    }
}

static const struct key_row *find_row(const char *key)
{
    for (size_t i = 0; i < config_rows; i++)
        if (strcmp(config_row[i].key, key) == 0)
            return &config_row[i];
    return NULL;
}

/* The names known in a section ("site" → "timezone, work_hours, …"), or the sections for NULL. */
static void known_names(const char *section, char *text, size_t size)
{
    size_t length = section ? strlen(section) : 0, at = 0;
    const char *last = "";
    text[0] = '\0';
    for (size_t i = 0; i < config_rows; i++) {
        size_t first = strcspn(config_row[i].key, "."); /* "rules" is a key by itself */
        if (section &&
            (strncmp(config_row[i].key, section, length) != 0 || config_row[i].key[length] != '.'))
            continue;
        if (!section && strncmp(last, config_row[i].key, first + 1) == 0)
            continue;
        last = config_row[i].key;
        const char *name = section ? config_row[i].key + first + 1 : config_row[i].key;
        int width = section ? (int)strlen(name) : (int)first;
        at += (size_t)snprintf(text + at, size - at, "%s%.*s", at ? ", " : "", width, name);
        if (at >= size)
            return;
    }
}

static int unknown(const struct reading *r, const struct yaml_node *node, const char *section)
{
    char names[300];
    known_names(section, names, sizeof names);
    return error_set(r->error, ERROR_USAGE,
                     "%s:%d:%d: unknown key \"%s%s%.60s\", expected one of: %s", r->name,
                     node->key_line, node->key_column, section ? section : "", section ? "." : "",
                     node->key, names);
}

static bool is_section(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < config_rows; i++)
        if (strncmp(config_row[i].key, name, length) == 0 && config_row[i].key[length] == '.')
            return true;
    return false;
}

static int read_section(struct reading *r, const struct yaml_node *section)
{
    const struct key_row *whole = strchr(section->key, '.') ? NULL : find_row(section->key);
    if (whole) {
        r->key = whole->key;
        return whole->read(r, section);
    }
    if (!is_section(section->key))
        return unknown(r, section, NULL);
    r->key = section->key;
    if (section->kind != YAML_MAP)
        return config_refuse(r, section, "a mapping of keys");
    for (const struct yaml_node *node = section->child; node; node = node->next) {
        char key[128];
        snprintf(key, sizeof key, "%s.%s", section->key, node->key);
        const struct key_row *found = find_row(key);
        if (!found)
            return unknown(r, node, section->key);
        r->key = found->key;
        if (found->read(r, node) != 0)
            return -1;
    }
    return 0;
}

int config_read_text(struct config *config, const char *name, const char *text, size_t size,
                     struct error *error)
{
    struct reading r = {config, name, "the file", error};
    struct yaml_node *root = yaml_parse(name, text, size, error);
    int failed = root ? 0 : -1;
    config_bundle_beside(&r);
    if (root && root->kind != YAML_MAP)
        failed = config_refuse(
            &r, root,
            "a mapping of sections (rules are a file of their own, named in the list rules)");
    for (const struct yaml_node *node = root ? root->child : NULL; node && !failed;
         node = node->next)
        failed = read_section(&r, node);
    yaml_node_free(root);
    return failed;
}

int config_set(struct config *config, const char *assignment, struct error *error)
{
    char key[128];
    const char *equal = strchr(assignment, '=');
    size_t size = equal ? (size_t)(equal - assignment) : 0;
    if (size == 0 || size >= sizeof key)
        return error_set(error, ERROR_USAGE, "--set \"%.80s\": expected key=value", assignment);
    memcpy(key, assignment, size);
    key[size] = '\0';
    const struct key_row *found = find_row(key);
    if (!found)
        return error_set(error, ERROR_USAGE,
                         "--set %s: unknown key (weir check prints all of them)", key);
    struct reading r = {config, "--set", found->key, error};
    struct yaml_node *node = yaml_parse("--set", equal + 1, strlen(equal + 1), error);
    if (!node)
        return -1;
    if (node->kind == YAML_MAP && !node->child) { /* nothing after the = */
        node->kind = YAML_SCALAR;
        node->text = xstrdup("");
    }
    int failed = found->read(&r, node);
    yaml_node_free(node);
    return failed;
}

int config_add_inside(struct config *config, const char *text, bool first, struct error *error)
{
    struct prefix prefix;
    struct error why = {0};
    if (prefix_parse(text, &prefix, &why) != 0)
        return error_set(error, ERROR_USAGE, "--inside %s", why.message);
    if (first)
        inside_fini(&config->inside);
    prefix_set_add(&config->inside.everywhere, prefix);
    config->inside_set = true;
    return 0;
}

int config_add_interface(struct config *config, const char *text, bool first, struct error *error)
{
    if (first)
        config->interface_count = 0;
    return config_take_interface(config, text, "", error);
}

int config_finish(struct config *config, struct error *error)
{
    if (!config->inside_set)
        prefix_set_default_inside(&config->inside.everywhere);
    return config_settle_inside(config, error) != 0 ? -1 : config_settle_zones(config, error);
}

char *config_text(const struct config *config)
{
    struct buffer b = {0};
    const char *section = "";
    for (size_t i = 0; i < config_rows; i++) {
        int width = (int)strcspn(config_row[i].key, ".");
        if (!config_row[i].key[width]) {
            buffer_text(&b, "%s: ", config_row[i].key);
            config_row[i].show(config, &b);
            buffer_text(&b, "\n");
            continue;
        }
        if (strncmp(section, config_row[i].key, (size_t)width + 1) != 0)
            buffer_text(&b, "%.*s:\n", width, config_row[i].key);
        section = config_row[i].key;
        size_t before = b.size;
        buffer_text(&b, "  %s: ", config_row[i].key + width + 1);
        size_t shown = b.size;
        config_row[i].show(config, &b);
        buffer_text(&b, "\n");
        if (b.size == shown + 1) /* a key that another one stands for */
            b.size = before;
    }
    buffer_u8(&b, 0);
    return (char *)b.data;
}

struct calendar *config_calendar(const struct config *config, struct error *error)
{
    struct calendar_config calendar = {config->timezone, config->work_start,
                                       config->work_end, config->work_days,
                                       config->holiday,  config->holiday_count};
    return calendar_new(&calendar, error);
}

uint8_t config_vantage(const struct config *config, size_t interface)
{
    uint8_t number = 0;
    for (size_t i = 0; i < config->interface_count; i++) {
        size_t same = 0;
        while (strcmp(config->interface[same].vantage, config->interface[i].vantage) != 0)
            same++;
        if (strcmp(config->interface[i].vantage, config->interface[interface].vantage) == 0)
            return number;
        number = (uint8_t)(number + (same == i)); /* its first mention */
    }
    return number;
}

const char *config_state_dir(const struct config *config)
{
    return *config->state_dir ? config->state_dir : CONFIG_STATE_DIR;
}
