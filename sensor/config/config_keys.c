/* What each key takes, how it is read and how it is shown. A value that does not fit is refused
 * with its place and what was expected. Thread: start-up only. */
#include "config_keys.h"

#include "weir/bus/api.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void *config_own_room(struct config *config, size_t size)
{
    struct owned *owned = xcalloc(1, sizeof *owned + size);
    owned->next = config->owned;
    config->owned = owned;
    return owned->text;
}

char *config_own(struct config *config, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(config_own_room(config, size), text, size);
}

int config_refuse(const struct reading *r, const struct yaml_node *node, const char *expected)
{
    const char *kind = node->kind == YAML_LIST  ? "a list"
                       : node->kind == YAML_MAP ? "a mapping"
                                                : NULL;
    if (kind)
        return error_set(r->error, ERROR_USAGE, "%s:%d:%d: %s: is %s, expected %s", r->name,
                         node->line, node->column, r->key, kind, expected);
    if (strstr(node->text,
               "://")) /* the reason stands in logs and bundles, a URL may hold a secret */
        return error_set(r->error, ERROR_USAGE, "%s:%d:%d: %s: a URL (not shown), expected %s",
                         r->name, node->line, node->column, r->key, expected);
    return error_set(r->error, ERROR_USAGE, "%s:%d:%d: %s: \"%.80s\", expected %s", r->name,
                     node->line, node->column, r->key, node->text, expected);
}

static bool number(const struct yaml_node *node, double *value)
{
    char *end;
    if (node->kind != YAML_SCALAR || node->quoted || !*node->text)
        return false;
    errno = 0;
    *value = strtod(node->text, &end);
    return !*end && errno == 0 && isfinite(*value);
}

static int read_text(const struct reading *r, const struct yaml_node *node, char **to,
                     const char *expected)
{
    if (node->kind != YAML_SCALAR)
        return config_refuse(r, node, expected);
    *to = config_own(r->config, node->text);
    return 0;
}

/* --- the keys -------------------------------------------------------------------------------- */

static int read_name(const struct reading *r, const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || !*node->text || strlen(node->text) > 64)
        return config_refuse(r, node, "a name of 1 to 64 characters");
    return read_text(r, node, &r->config->sensor_name, "a name");
}

static int read_metrics_listen(const struct reading *r, const struct yaml_node *node)
{
    static const char expected[] = "a numeric address and a port such as 127.0.0.1:9477";
    if (node->kind != YAML_SCALAR || (*node->text && !api_is_place(node->text)))
        return config_refuse(r, node, expected);
    return read_text(r, node, &r->config->metrics_listen, expected);
}

static int read_state_dir(const struct reading *r, const struct yaml_node *node)
{
    return read_text(r, node, &r->config->state_dir, "a folder");
}

static int read_user(const struct reading *r, const struct yaml_node *node)
{
    return read_text(r, node, &r->config->user, "a user of this machine");
}

static int read_timezone(const struct reading *r, const struct yaml_node *node)
{
    r->config->timezone_set = true;
    return read_text(r, node, &r->config->timezone, "a zone such as Asia/Tokyo");
}

/* Two digits, or -1. */
static int two_digits(const char *text)
{
    bool digits = text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9';
    return digits ? 10 * (text[0] - '0') + text[1] - '0' : -1;
}

static int read_hours(const struct reading *r, const struct yaml_node *node)
{
    bool shaped = node->kind == YAML_SCALAR && strlen(node->text) == 5 && node->text[2] == '-';
    int start = shaped ? two_digits(node->text) : -1,
        end = shaped ? two_digits(node->text + 3) : -1;
    if (start < 0 || end > 24 || start >= end)
        return config_refuse(r, node, "hours such as \"08-18\"");
    r->config->work_start = start;
    r->config->work_end = end;
    return 0;
}

static const char *const day_name[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int day_of(const char *text)
{
    for (int i = 0; i < 7; i++)
        if (strncasecmp(text, day_name[i], 3) == 0)
            return i;
    return -1;
}

static int read_days(const struct reading *r, const struct yaml_node *node)
{
    static const char expected[] = "days such as \"mon-fri\"";
    if (node->kind != YAML_SCALAR || strlen(node->text) != 7 || node->text[3] != '-')
        return config_refuse(r, node, expected);
    int first = day_of(node->text), last = day_of(node->text + 4);
    if (first < 0 || last < 0)
        return config_refuse(r, node, expected);
    r->config->work_days = 0;
    for (int day = first;; day = (day + 1) % 7) {
        r->config->work_days |= 1u << day;
        if (day == last)
            return 0;
    }
}

static int read_holidays(const struct reading *r, const struct yaml_node *node)
{
    if (node->kind != YAML_LIST)
        return config_refuse(r, node, "a list of dates, YYYY-MM-DD");
    r->config->holiday_count = 0;
    for (const struct yaml_node *day = node->child; day; day = day->next) {
        if (day->kind != YAML_SCALAR || strlen(day->text) != 10 ||
            r->config->holiday_count == CONFIG_HOLIDAYS)
            return config_refuse(r, day, "a date, YYYY-MM-DD (at most 366 of them)");
        r->config->holiday[r->config->holiday_count++] = config_own(r->config, day->text);
    }
    return 0;
}

static int read_identity(const struct reading *r, const struct yaml_node *node)
{
    bool device = node->kind == YAML_SCALAR && strcmp(node->text, "device") == 0;
    if (!device && (node->kind != YAML_SCALAR || strcmp(node->text, "address") != 0))
        return config_refuse(r, node, "address or device");
    r->config->by_device = device;
    return 0;
}

int config_take_interface(struct config *config, const char *name, const char *vantage,
                          struct error *error)
{
    if (!*name || strlen(name) > 15 || strpbrk(name, " /") || strlen(vantage) > 32 ||
        strchr(vantage, '|'))
        return error_set(
            error, ERROR_USAGE,
            "interface \"%.40s\", vantage \"%.40s\": expected names of at most 15 and 32 "
            "characters",
            name, vantage);
    for (size_t i = 0; i < config->interface_count; i++)
        if (strcmp(config->interface[i].name, name) == 0)
            return error_set(error, ERROR_USAGE, "interface %s is named twice", name);
    if (config->interface_count == CONFIG_INTERFACES)
        return error_set(error, ERROR_USAGE, "more than %d interfaces", CONFIG_INTERFACES);
    config->interface[config->interface_count++] =
        (struct config_interface){config_own(config, name), config_own(config, vantage)};
    return 0;
}

/* "span0" or {name: span0, vantage: core}. */
static int read_interface(const struct reading *r, const struct yaml_node *node)
{
    struct error why = {0};
    const struct yaml_node *name = node, *vantage = NULL;
    if (node->kind == YAML_MAP) {
        name = yaml_get(node, "name");
        vantage = yaml_get(node, "vantage");
        for (const struct yaml_node *item = node->child; item; item = item->next)
            if (item != name && item != vantage)
                return error_set(r->error, ERROR_USAGE,
                                 "%s:%d:%d: %s: unknown key \"%.60s\", expected name or vantage",
                                 r->name, item->key_line, item->key_column, r->key, item->key);
    }
    if (!name || name->kind != YAML_SCALAR || (vantage && vantage->kind != YAML_SCALAR))
        return config_refuse(r, node, "a name, or {name: span0, vantage: core}");
    if (config_take_interface(r->config, name->text, vantage ? vantage->text : "", &why) != 0)
        return error_set(r->error, ERROR_USAGE, "%s:%d:%d: %s: %s", r->name, node->line,
                         node->column, r->key, why.message);
    return 0;
}

static int read_interfaces(const struct reading *r, const struct yaml_node *node)
{
    if (node->kind != YAML_LIST)
        return config_refuse(r, node, "a list of interfaces such as [span0]");
    r->config->interface_count = 0;
    for (const struct yaml_node *item = node->child; item; item = item->next)
        if (read_interface(r, item) != 0)
            return -1;
    return 0;
}

int config_whole(const struct reading *r, const struct yaml_node *node, uint32_t least,
                 uint32_t most, uint32_t *to)
{
    double value;
    char expected[80];
    snprintf(expected, sizeof expected, "a whole number from %u to %u", least, most);
    if (!number(node, &value) || value < least || value > most || value != floor(value))
        return config_refuse(r, node, expected);
    *to = (uint32_t)value;
    return 0;
}

static int read_workers(const struct reading *r, const struct yaml_node *node)
{
    return config_whole(r, node, 0, CONFIG_WORKERS, &r->config->workers);
}

static int read_snaplen(const struct reading *r, const struct yaml_node *node)
{
    return config_whole(r, node, 64, 262144, &r->config->snaplen);
}

static int read_buffer(const struct reading *r, const struct yaml_node *node)
{
    return config_whole(r, node, 1, 2047, &r->config->buffer_mib);
}

static int read_as_database(const struct reading *r, const struct yaml_node *node)
{
    return read_text(r, node, &r->config->as_database, "a MaxMind DB file");
}

static int read_filter(const struct reading *r, const struct yaml_node *node)
{
    return read_text(r, node, &r->config->filter, "a BPF expression");
}

static int read_redis(const struct reading *r, const struct yaml_node *node)
{
    return read_text(
        r, node, &r->config->redis_url,
        "embedded, unix:/path, redis://[user:password@]host[:port], redis-cluster:// or "
        "redis-sentinel://");
}

static int read_max_hosts(const struct reading *r, const struct yaml_node *node)
{
    return config_whole(r, node, 1, 10000000, &r->config->max_hosts);
}

static int read_cache(const struct reading *r, const struct yaml_node *node)
{
    return config_whole(r, node, 1, 1048576, &r->config->cache_mib);
}

/* Two segments at least: the oldest goes only when another is begun. */
static int read_journal_mib(const struct reading *r, const struct yaml_node *node)
{
    return config_whole(r, node, 128, 1048576, &r->config->journal_mib);
}

static int read_budget(const struct reading *r, const struct yaml_node *node)
{
    double value;
    if (!number(node, &value) || value <= 0 || value > 100)
        return config_refuse(r, node, "a number above 0, at most 100");
    if (r->config->detect.alerts_per_day > 0)
        return config_refuse(r, node, "not both this and detection.alerts_per_day");
    r->config->detect.alerts_per_100_hosts_per_day = value;
    r->config->budget_given = true;
    return 0;
}

static int read_total(const struct reading *r, const struct yaml_node *node)
{
    double value;
    if (!number(node, &value) || value <= 0 || value > 10000)
        return config_refuse(r, node, "a number above 0, at most 10000");
    if (r->config->budget_given)
        return config_refuse(r, node, "not both this and detection.alerts_per_100_hosts_per_day");
    r->config->detect.alerts_per_day = value;
    return 0;
}

static int read_learn_days(const struct reading *r, const struct yaml_node *node)
{
    double value;
    if (!number(node, &value) || value < 1 || value > 90 || value != floor(value))
        return config_refuse(r, node, "a whole number of days from 1 to 90");
    r->config->detect.learn_days = (int)value;
    return 0;
}

/* --- showing --------------------------------------------------------------------------------- */

void config_show_quoted(struct buffer *b, const char *text)
{
    buffer_text(b, "\"");
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            buffer_text(b, "\\x%02x", (unsigned)*text);
        else
            buffer_text(b, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    buffer_text(b, "\"");
}

static void show_name(const struct config *c, struct buffer *b)
{
    config_show_quoted(b, c->sensor_name);
}

static void show_metrics_listen(const struct config *c, struct buffer *b)
{
    config_show_quoted(b, c->metrics_listen);
}

static void show_state_dir(const struct config *c, struct buffer *b)
{
    config_show_quoted(b, c->state_dir);
}

static void show_user(const struct config *c, struct buffer *b)
{
    config_show_quoted(b, c->user);
}

static void show_timezone(const struct config *c, struct buffer *b)
{
    buffer_text(b, "%s", c->timezone);
}

static void show_hours(const struct config *c, struct buffer *b)
{
    buffer_text(b, "\"%02d-%02d\"", c->work_start, c->work_end);
}

static void show_days(const struct config *c, struct buffer *b)
{
    int first = 0, last = 6;
    while (first < 6 && !((c->work_days >> first) & 1))
        first++;
    if ((c->work_days & 0x41) == 0x41 && c->work_days != 0x7f) /* over the week's end */
        for (first = 6; first > 0 && ((c->work_days >> (first - 1)) & 1);)
            first--;
    for (last = first; ((c->work_days >> ((last + 1) % 7)) & 1) && (last + 1) % 7 != first;)
        last = (last + 1) % 7;
    buffer_text(b, "\"%s-%s\"", day_name[first], day_name[last]);
}

static void show_holidays(const struct config *c, struct buffer *b)
{
    buffer_text(b, "[");
    for (size_t i = 0; i < c->holiday_count; i++)
        buffer_text(b, "%s%s", i ? ", " : "", c->holiday[i]);
    buffer_text(b, "]");
}

static void show_identity(const struct config *c, struct buffer *b)
{
    buffer_text(b, c->by_device ? "device" : "address");
}

static void show_interfaces(const struct config *c, struct buffer *b)
{
    buffer_text(b, "[");
    for (size_t i = 0; i < c->interface_count; i++) {
        buffer_text(b, "%s{name: ", i ? ", " : "");
        config_show_quoted(b, c->interface[i].name);
        buffer_text(b, ", vantage: ");
        config_show_quoted(b, c->interface[i].vantage);
        buffer_text(b, "}");
    }
    buffer_text(b, "]");
}

static void show_workers(const struct config *c, struct buffer *b)
{
    buffer_text(b, "%u", c->workers);
}

static void show_snaplen(const struct config *c, struct buffer *b)
{
    buffer_text(b, "%u", c->snaplen);
}

static void show_buffer(const struct config *c, struct buffer *b)
{
    buffer_text(b, "%u", c->buffer_mib);
}

static void show_as_database(const struct config *c, struct buffer *b)
{
    config_show_quoted(b, c->as_database);
}

static void show_filter(const struct config *c, struct buffer *b)
{
    config_show_quoted(b, c->filter);
}

/* A password is never shown; what stands in its place is still a URL. */
static void show_redis(const struct config *c, struct buffer *b)
{
    const char *url = c->redis_url, *scheme = strstr(url, "://"), *at = strrchr(url, '@');
    const char *colon =
        scheme && at && at > scheme ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;
    char *shown = colon ? xasprintf("%.*s***%s", (int)(colon + 1 - url), url, at) : xstrdup(url);
    config_show_quoted(b, shown);
    free(shown);
}

static void show_max_hosts(const struct config *c, struct buffer *b)
{
    buffer_text(b, "%u", c->max_hosts);
}

static void show_cache(const struct config *c, struct buffer *b)
{
    buffer_text(b, "%u", c->cache_mib);
}

static void show_budget(const struct config *c, struct buffer *b)
{
    if (!(c->detect.alerts_per_day > 0))
        buffer_text(b, "%.15g", c->detect.alerts_per_100_hosts_per_day);
}

static void show_total(const struct config *c, struct buffer *b)
{
    if (c->detect.alerts_per_day > 0)
        buffer_text(b, "%.15g", c->detect.alerts_per_day);
}

static void show_journal_mib(const struct config *c, struct buffer *b)
{
    buffer_text(b, "%u", c->journal_mib);
}

static void show_learn_days(const struct config *c, struct buffer *b)
{
    buffer_text(b, "%d", c->detect.learn_days);
}

/* Rows of one section stand together. */
const struct key_row config_row[] = {
    {"sensor.name", read_name, show_name},
    {"sensor.state_dir", read_state_dir, show_state_dir},
    {"sensor.user", read_user, show_user},
    {"site.timezone", read_timezone, show_timezone},
    {"site.work_hours", read_hours, show_hours},
    {"site.work_days", read_days, show_days},
    {"site.holidays", read_holidays, show_holidays},
    {"networks.inside", config_read_inside, config_show_inside},
    {"networks.zones", config_read_zones, config_show_zones},
    {"networks.conduits", config_read_conduits, config_show_conduits},
    {"networks.identity", read_identity, show_identity},
    {"networks.as_database", read_as_database, show_as_database},
    {"capture.interfaces", read_interfaces, show_interfaces},
    {"capture.workers", read_workers, show_workers},
    {"capture.filter", read_filter, show_filter},
    {"capture.snaplen", read_snaplen, show_snaplen},
    {"capture.buffer_mib", read_buffer, show_buffer},
    {"capture.tunnel_ports", config_read_tunnel_ports, config_show_tunnel_ports},
    {"content.patterns", config_read_patterns, config_show_patterns},
    {"privacy.access_log", config_read_access_log, config_show_access_log},
    {"privacy.content_samples", config_read_samples, config_show_samples},
    {"privacy.pseudonyms", config_read_pseudonyms, config_show_pseudonyms},
    {"privacy.retention_days", config_read_retention, config_show_retention},
    {"redis.url", read_redis, show_redis},
    {"baseline.max_hosts", read_max_hosts, show_max_hosts},
    {"baseline.cache_mib", read_cache, show_cache},
    {"detection.alerts_per_100_hosts_per_day", read_budget, show_budget},
    {"detection.alerts_per_day", read_total, show_total},
    {"detection.learn_days", read_learn_days, show_learn_days},
    {"rules", config_read_rules, config_show_rules},
    {"bundle.keys", config_read_bundle_keys, config_show_bundle_keys},
    {"bundle.folder", config_read_bundle_folder, config_show_bundle_folder},
    {"alerts.journal_mib", read_journal_mib, show_journal_mib},
    {"alerts.sinks", config_read_sinks, config_show_sinks},
#define EVIDENCE_ROW(key)                                                                          \
    {"evidence." #key, config_read_evidence_##key, config_show_evidence_##key},
    CONFIG_EVIDENCE_KEYS(EVIDENCE_ROW)
#undef EVIDENCE_ROW
#define CONSOLE_ROW(key) {"console." #key, config_read_console_##key, config_show_console_##key},
        CONFIG_CONSOLE_KEYS(CONSOLE_ROW)
#undef CONSOLE_ROW
            {"metrics.listen", read_metrics_listen, show_metrics_listen},
};
const size_t config_rows = sizeof config_row / sizeof *config_row;
