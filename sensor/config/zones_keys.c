/* networks.zones and networks.conduits. A zone is
 *
 *   {name: ot-tower, nets: [10.9.0.0/16], level: 2, state: observe}
 *
 * observe is what a zone is at first. The conduits are a file by themselves, since people review
 * and sign it; it travels with the configuration's source as rule files do. Thread: start-up only.
 */
#include "config_keys.h"
#include "files.h"

#include "weir/detect/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECTED "{name: ot-tower, nets: [10.9.0.0/16], level: 2, state: observe}"

static int refuse_zone(const struct reading *r, const struct yaml_node *node,
                       const struct error *why)
{
    return error_set(r->error, ERROR_USAGE, "%s:%d:%d: %s: %s", r->name, node->line, node->column,
                     r->key, why->message);
}

/* "3", "3.5": tenths. */
static int read_level(const struct reading *r, const struct yaml_node *node, uint8_t *level)
{
    const char *text = node->kind == YAML_SCALAR ? node->text : "";
    bool whole = text[0] >= '0' && text[0] <= '5' && !text[1];
    bool half = text[0] >= '0' && text[0] <= '4' && text[1] == '.' && text[2] == '5' && !text[3];
    if (!whole && !half)
        return config_refuse(r, node, "a level from 0 to 5, such as 2 or 3.5");
    *level = (uint8_t)(10 * (text[0] - '0') + (half ? 5 : 0));
    return 0;
}

static int read_state(const struct reading *r, const struct yaml_node *node, struct zone *zone)
{
    for (int i = 0; i < ZONE_STATES; i++)
        if (node->kind == YAML_SCALAR && strcmp(node->text, zone_state_name[i]) == 0) {
            zone->state = (enum zone_state)i;
            return 0;
        }
    return config_refuse(r, node, "observe or locked");
}

static int read_nets(const struct reading *r, const struct yaml_node *node, struct zone *zone)
{
    if (node->kind != YAML_LIST || !node->child)
        return config_refuse(r, node, "a list of prefixes such as [10.9.0.0/16]");
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        struct prefix prefix;
        struct error why = {0};
        if (item->kind != YAML_SCALAR)
            return config_refuse(r, item, "a prefix such as 10.9.0.0/16");
        if (prefix_parse(item->text, &prefix, &why) != 0 ||
            zones_add_net(r->config->zones, zone, &prefix, &why) != 0)
            return refuse_zone(r, item, &why);
    }
    return 0;
}

static int check_keys(const struct reading *r, const struct yaml_node *node)
{
    static const char *const known[] = {"name", "nets", "level", "state"};
    for (const struct yaml_node *key = node->child; key; key = key->next) {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(key->key, known[i]) != 0)
            i++;
        if (i == sizeof known / sizeof *known)
            return error_set(r->error, ERROR_USAGE,
                             "%s:%d:%d: %s: unknown key \"%.60s\", expected name, nets, level or "
                             "state",
                             r->name, key->key_line, key->key_column, r->key, key->key);
    }
    return 0;
}

static int read_zone(const struct reading *r, const struct yaml_node *node)
{
    struct error why = {0};
    const struct yaml_node *name = NULL, *nets = NULL, *level = NULL, *state = NULL;
    if (node->kind == YAML_MAP) {
        name = yaml_get(node, "name");
        nets = yaml_get(node, "nets");
        level = yaml_get(node, "level");
        state = yaml_get(node, "state");
    }
    if (!name || name->kind != YAML_SCALAR || !nets || !level)
        return config_refuse(r, node, EXPECTED);
    if (check_keys(r, node) != 0)
        return -1;
    struct zone *zone = zones_add(r->config->zones, name->text, &why);
    if (!zone)
        return refuse_zone(r, name, &why);
    if (read_level(r, level, &zone->level) != 0 || (state && read_state(r, state, zone) != 0))
        return -1;
    return read_nets(r, nets, zone);
}

int config_read_zones(const struct reading *r, const struct yaml_node *node)
{
    if (node->kind != YAML_LIST)
        return config_refuse(r, node, "a list of zones such as [" EXPECTED "]");
    zones_free(r->config->zones);
    r->config->zones = node->child ? zones_new() : NULL;
    for (const struct yaml_node *item = node->child; item; item = item->next)
        if (read_zone(r, item) != 0)
            return -1;
    return 0;
}

/* What leaves hosts that are not the site's is not accounted: a zone of them would be blind. */
int config_settle_zones(const struct config *config, struct error *error)
{
    char text[PREFIX_TEXT_SIZE];
    for (size_t i = 0; config->zones && i < config->zones->zone_count; i++) {
        const struct zone *zone = &config->zones->zone[i];
        for (size_t n = 0; n < zone->nets.count; n++)
            if (!inside_covers(&config->inside, &zone->nets.item[n]))
                return error_set(error, ERROR_USAGE,
                                 "networks.zones: %s: %s is not inside, expected a part of "
                                 "networks.inside",
                                 zone->name, prefix_text(&zone->nets.item[n], text));
    }
    return 0;
}

static void show_zone(const struct zone *zone, struct buffer *b)
{
    char level[8], net[PREFIX_TEXT_SIZE];
    buffer_text(b, "{name: \"%s\", nets: [", zone->name);
    for (size_t i = 0; i < zone->nets.count; i++)
        buffer_text(b, "%s\"%s\"", i ? ", " : "", prefix_text(&zone->nets.item[i], net));
    buffer_text(b, "], level: %s, state: %s}", zone_level_text(zone->level, level),
                zone_state_name[zone->state]);
}

void config_show_zones(const struct config *config, struct buffer *b)
{
    buffer_text(b, "[");
    for (size_t i = 0; config->zones && i < config->zones->zone_count; i++) {
        buffer_text(b, "%s", i ? ", " : "");
        show_zone(&config->zones->zone[i], b);
    }
    buffer_text(b, "]");
}

/* --- conduits --------------------------------------------------------------------------------- */

int config_read_conduits(const struct reading *r, const struct yaml_node *node)
{
    char place[512];
    if (node->kind != YAML_SCALAR)
        return config_refuse(r, node, "the path of a file such as conduits.yaml");
    snprintf(place, sizeof place, "%.400s:%d:%d", r->name, node->line, node->column);
    char *path = *node->text ? config_whole_path(r, node->text) : NULL;
    r->config->conduits = (struct config_rules){path ? config_own(r->config, path) : NULL,
                                                config_own(r->config, place)};
    free(path);
    return 0;
}

void config_show_conduits(const struct config *config, struct buffer *b)
{
    config_show_quoted(b, config->conduits.path ? config->conduits.path : "");
}

static int check_locked(const struct config *config, struct error *error)
{
    const struct zones *zones = config->zones;
    for (size_t i = 0; zones && i < zones->zone_count; i++)
        if (zones->zone[i].state == ZONE_LOCKED && !config->conduits.path)
            return error_set(error, ERROR_USAGE,
                             "networks.zones: %s is locked, and there is no networks.conduits to "
                             "say what may pass",
                             zones->zone[i].name);
    return 0;
}

int config_load_conduits(struct config *config, struct config_files *files, struct error *error)
{
    const struct config_rules *from = &config->conduits;
    struct error why = {0};
    if (!from->path)
        return check_locked(config, error);
    if (!config->zones)
        return error_set(error, ERROR_USAGE, "%s: networks.conduits: there are no networks.zones",
                         from->place);
    const struct config_file *file = config_files_get(files, from->path);
    if (!file && !files->held && config_files_read(files, from->path, false, &why) == 0)
        file = config_files_get(files, from->path);
    if (!file)
        return error_set(error, ERROR_USAGE, "%s: networks.conduits: %s", from->place,
                         *why.message ? why.message : "was not read");
    if (zones_load_conduits(config->zones, file->path, file->text, file->size, error) == 0)
        return 0;
    if (!files->held) /* another try reads them anew */
        config_files_fini(files);
    return -1;
}
