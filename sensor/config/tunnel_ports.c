/* capture.tunnel_ports: {vxlan: [4789, 8472], geneve: [6081], …}. A protocol that is named has just
 * these ports, none for []; the others keep theirs. Thread: start-up only. */
#include "config_keys.h"

#include <stdio.h>
#include <string.h>

#define EXPECTED "a mapping such as {vxlan: [4789, 8472]}"

static const uint8_t by_port[] = {LAYER_VXLAN,  LAYER_GENEVE, LAYER_GTPU,
                                  LAYER_TEREDO, LAYER_L2TP,   LAYER_MPLS};
#define BY_PORT (sizeof by_port / sizeof *by_port)

static uint8_t layer_of(const char *name)
{
    for (size_t i = 0; i < BY_PORT; i++)
        if (strcmp(layer_name[by_port[i]], name) == 0)
            return by_port[i];
    return LAYER_NONE;
}

static int refuse_name(const struct reading *r, const struct yaml_node *node)
{
    struct buffer names = {0};
    for (size_t i = 0; i < BY_PORT; i++)
        buffer_text(&names, "%s%s", i ? ", " : "", layer_name[by_port[i]]);
    int failed = error_set(r->error, ERROR_USAGE,
                           "%s:%d:%d: %s: unknown tunnel \"%.60s\", expected one of: %.*s", r->name,
                           node->key_line, node->key_column, r->key, node->key, (int)names.size,
                           (const char *)names.data);
    buffer_fini(&names);
    return failed;
}

static void forget(struct decoder_config *decoder, uint8_t layer)
{
    size_t kept = 0;
    for (size_t i = 0; i < decoder->port_count; i++)
        if (decoder->port[i].layer != layer)
            decoder->port[kept++] = decoder->port[i];
    memset(decoder->port + kept, 0, (decoder->port_count - kept) * sizeof *decoder->port);
    decoder->port_count = kept;
}

static const char *owner_of(const struct decoder_config *decoder, uint32_t port)
{
    for (size_t i = 0; i < decoder->port_count; i++)
        if (decoder->port[i].port == port)
            return layer_name[decoder->port[i].layer];
    return NULL;
}

static int add(const struct reading *r, const struct yaml_node *node, uint8_t layer)
{
    struct decoder_config *decoder = &r->config->decoder;
    uint32_t port;
    if (config_whole(r, node, 1, UINT16_MAX, &port) != 0)
        return -1;
    const char *owner = owner_of(decoder, port);
    if (owner)
        return error_set(r->error, ERROR_USAGE, "%s:%d:%d: %s: port %u is %s already", r->name,
                         node->line, node->column, r->key, port, owner);
    if (decoder->port_count == DECODER_PORTS)
        return error_set(r->error, ERROR_USAGE, "%s:%d:%d: %s: more than %d ports", r->name,
                         node->line, node->column, r->key, DECODER_PORTS);
    decoder->port[decoder->port_count++] = (struct decoder_port){(uint16_t)port, layer};
    return 0;
}

int config_read_tunnel_ports(const struct reading *r, const struct yaml_node *node)
{
    if (node->kind != YAML_MAP)
        return config_refuse(r, node, EXPECTED);
    /* All that are named go first: a port may move from one to another. */
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        if (layer_of(item->key) == LAYER_NONE)
            return refuse_name(r, item);
        if (item->kind != YAML_LIST)
            return config_refuse(r, item, "a list of UDP ports");
        forget(&r->config->decoder, layer_of(item->key));
    }
    for (const struct yaml_node *item = node->child; item; item = item->next)
        for (const struct yaml_node *port = item->child; port; port = port->next)
            if (add(r, port, layer_of(item->key)) != 0)
                return -1;
    return 0;
}

void config_show_tunnel_ports(const struct config *config, struct buffer *b)
{
    const struct decoder_config *decoder = &config->decoder;
    for (size_t n = 0; n < BY_PORT; n++) {
        const char *comma = "";
        buffer_text(b, "%s%s: [", n ? ", " : "{", layer_name[by_port[n]]);
        for (size_t i = 0; i < decoder->port_count; i++) {
            if (decoder->port[i].layer != by_port[n])
                continue;
            buffer_text(b, "%s%u", comma, decoder->port[i].port);
            comma = ", ";
        }
        buffer_text(b, "]");
    }
    buffer_text(b, "}");
}
