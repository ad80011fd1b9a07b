/* The names of layers. */
#include "weir/record/tunnel.h"

const char *const layer_name[LAYERS] = {
    [LAYER_VLAN] = "vlan",     [LAYER_MPLS] = "mpls",     [LAYER_PPPOE] = "pppoe",
    [LAYER_GRE] = "gre",       [LAYER_ERSPAN] = "erspan", [LAYER_VXLAN] = "vxlan",
    [LAYER_GENEVE] = "geneve", [LAYER_GTPU] = "gtpu",     [LAYER_IP] = "ip",
    [LAYER_TEREDO] = "teredo", [LAYER_AH] = "ah",         [LAYER_L2TP] = "l2tp",
    [LAYER_PBB] = "pbb",       [LAYER_NSH] = "nsh",       [LAYER_ETHERIP] = "etherip",
};
