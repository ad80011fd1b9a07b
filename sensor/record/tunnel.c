/* The names of layers; a tunnel from the other side. Thread-safe: no state. */
#include "weir/record/tunnel.h"

#include <string.h>

const char *const layer_name[LAYERS] = {
    [LAYER_VLAN] = "vlan",     [LAYER_MPLS] = "mpls",     [LAYER_PPPOE] = "pppoe",
    [LAYER_GRE] = "gre",       [LAYER_ERSPAN] = "erspan", [LAYER_VXLAN] = "vxlan",
    [LAYER_GENEVE] = "geneve", [LAYER_GTPU] = "gtpu",     [LAYER_IP] = "ip",
    [LAYER_TEREDO] = "teredo", [LAYER_AH] = "ah",         [LAYER_L2TP] = "l2tp",
    [LAYER_PBB] = "pbb",       [LAYER_NSH] = "nsh",       [LAYER_ETHERIP] = "etherip",
};

size_t tunnel_listed(const struct tunnel *tunnel)
{
    return tunnel->count < TUNNEL_LAYERS ? tunnel->count : TUNNEL_LAYERS;
}

bool tunnel_addressed(const struct tunnel *tunnel)
{
    static const struct ip none[2];
    return memcmp(&tunnel->orig_ip, none, sizeof none) != 0;
}

struct tunnel tunnel_turned(const struct tunnel *tunnel)
{
    struct tunnel back = *tunnel;
    back.orig_ip = tunnel->resp_ip;
    back.resp_ip = tunnel->orig_ip;
    back.orig_port = tunnel->resp_port;
    back.resp_port = tunnel->orig_port;
    for (size_t i = 0; i < TUNNEL_HOPS; i++)
        back.hop[i] = (struct tunnel_hop){tunnel->hop[i].resp_ip, tunnel->hop[i].orig_ip};
    return back;
}

bool tunnel_same_way(const struct tunnel *a, const struct tunnel *b)
{
    return memcmp(a, b, offsetof(struct tunnel, id)) == 0; /* all addresses */
}

struct tunnel tunnel_tidy(const struct tunnel *tunnel)
{
    struct tunnel tidy = {.count = tunnel->count};
    if (tidy.count == 0)
        return tidy;
    tidy.orig_ip = tunnel->orig_ip;
    tidy.resp_ip = tunnel->resp_ip;
    if (tunnel_addressed(tunnel)) {
        memcpy(tidy.hop, tunnel->hop, sizeof tidy.hop);
        tidy.orig_port = tunnel->orig_port;
        tidy.resp_port = tunnel->resp_port;
    }
    for (size_t i = 0; i < tunnel_listed(tunnel); i++) {
        tidy.layer[i] = tunnel->layer[i];
        tidy.id[i] = tunnel->id[i];
    }
    return tidy;
}

bool tunnel_holds(const struct tunnel *tunnel)
{
    struct tunnel tidy = tunnel_tidy(tunnel);
    for (size_t i = 0; i < tunnel_listed(tunnel); i++)
        if (tunnel->layer[i] == LAYER_NONE || tunnel->layer[i] >= LAYERS)
            return false;
    return memcmp(&tidy, tunnel, sizeof tidy) == 0;
}
