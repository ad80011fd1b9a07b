/* networks.inside. An item is a prefix, which is inside wherever it is seen, or a place:
 *
 *   {nets: [10.0.0.0/8], vlan: 20}             these prefixes, in that VLAN (0: untagged)
 *   {nets: [10.0.0.0/8], interface: span1}     … at that interface's vantage
 *   {vlan: 20}, {interface: span1}             what is inside when nobody says, but only there
 *
 * An interface is a name of capture.interfaces, which may stand further down or on the command
 * line: so what vantage it is, and whether there is one, is settled when all was read.
 * Thread: start-up only. */
#include "config_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VLAN_MAX 4094

static int read_prefix(const struct reading *r, const struct yaml_node *node, struct prefix_set *to)
{
    struct prefix prefix;
    struct error why = {0};
    if (node->kind != YAML_SCALAR)
        return config_refuse(r, node, "a prefix such as 10.0.0.0/8");
    if (prefix_parse(node->text, &prefix, &why) != 0)
        return error_set(r->error, ERROR_USAGE, "%s:%d:%d: %s: %s", r->name, node->line,
                         node->column, r->key, why.message);
    prefix_set_add(to, prefix);
    return 0;
}

static int read_nets(const struct reading *r, const struct yaml_node *node, struct prefix_set *to)
{
    if (node->kind != YAML_LIST || !node->child)
        return config_refuse(r, node, "nets: a list of prefixes such as [10.0.0.0/8]");
    for (const struct yaml_node *item = node->child; item; item = item->next)
        if (read_prefix(r, item, to) != 0)
            return -1;
    return 0;
}

static int read_vlan(const struct reading *r, const struct yaml_node *node, int *vlan)
{
    static const char expected[] = "vlan: a VLAN id from 0 (untagged) to 4094";
    char *end;
    if (node->kind != YAML_SCALAR || node->quoted || !*node->text || strlen(node->text) > 4)
        return config_refuse(r, node, expected);
    long value = strtol(node->text, &end, 10);
    if (*end || value < 0 || value > VLAN_MAX)
        return config_refuse(r, node, expected);
    *vlan = (int)value;
    return 0;
}

static int read_key(const struct reading *r, const struct yaml_node *node,
                    struct inside_place *place)
{
    if (strcmp(node->key, "nets") == 0)
        return read_nets(r, node, &place->nets);
    if (strcmp(node->key, "vlan") == 0)
        return read_vlan(r, node, &place->vlan);
    if (strcmp(node->key, "interface") != 0)
        return error_set(r->error, ERROR_USAGE,
                         "%s:%d:%d: %s: unknown key \"%.60s\", expected nets, vlan or interface",
                         r->name, node->key_line, node->key_column, r->key, node->key);
    if (node->kind != YAML_SCALAR || !*node->text || strpbrk(node->text, "\"\\"))
        return config_refuse(r, node, "interface: a name of capture.interfaces");
    place->interface = config_own(r->config, node->text);
    return 0;
}

static int read_place(const struct reading *r, const struct yaml_node *node)
{
    struct inside *inside = &r->config->inside;
    char where[256];
    if (inside->place_count == INSIDE_PLACES)
        return config_refuse(r, node, "at most 64 places");
    struct inside_place *place = &inside->place[inside->place_count++];
    snprintf(where, sizeof where, "%.200s:%d:%d", r->name, node->line, node->column);
    *place = (struct inside_place){
        .vlan = INSIDE_ANY, .vantage = INSIDE_ANY, .where = config_own(r->config, where)};
    for (const struct yaml_node *item = node->child; item; item = item->next)
        if (read_key(r, item, place) != 0)
            return -1;
    if (place->vlan == INSIDE_ANY && !place->interface)
        return config_refuse(r, node, "a place with vlan: or interface:");
    if (place->nets.count == 0)
        prefix_set_default_inside(&place->nets);
    return 0;
}

int config_read_inside(const struct reading *r, const struct yaml_node *node)
{
    if (node->kind != YAML_LIST || !node->child)
        return config_refuse(r, node, "a list of prefixes such as [10.0.0.0/8]");
    inside_fini(&r->config->inside);
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        int failed = item->kind == YAML_MAP ? read_place(r, item)
                                            : read_prefix(r, item, &r->config->inside.everywhere);
        if (failed)
            return -1;
    }
    r->config->inside_set = true;
    return 0;
}

void config_show_inside(const struct config *c, struct buffer *b)
{
    const struct prefix_set *everywhere = &c->inside.everywhere;
    char text[PREFIX_TEXT_SIZE];
    buffer_text(b, "[");
    for (size_t i = 0; i < everywhere->count; i++)
        buffer_text(b, "%s\"%s\"", i ? ", " : "", prefix_text(&everywhere->item[i], text));
    for (size_t i = 0; i < c->inside.place_count; i++) {
        buffer_text(b, "%s", i || everywhere->count ? ", " : "");
        inside_place_text(&c->inside.place[i], b);
    }
    buffer_text(b, "]");
}

int config_settle_inside(struct config *config, struct error *error)
{
    for (size_t n = 0; n < config->inside.place_count; n++) {
        struct inside_place *place = &config->inside.place[n];
        size_t i = 0;
        if (!place->interface)
            continue;
        while (i < config->interface_count &&
               strcmp(config->interface[i].name, place->interface) != 0)
            i++;
        if (i == config->interface_count)
            return error_set(error, ERROR_USAGE,
                             "%s: networks.inside: interface \"%.40s\", expected one of "
                             "capture.interfaces",
                             place->where, place->interface);
        place->vantage = config_vantage(config, i);
    }
    return 0;
}
