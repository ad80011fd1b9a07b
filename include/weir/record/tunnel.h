/* What carried a flow: the headers between the first one and its own, outermost first. Plain data,
 * no padding; compared and hashed as bytes. */
#ifndef WEIR_RECORD_TUNNEL_H
#define WEIR_RECORD_TUNNEL_H

#include "weir/base/address.h"

#define TUNNEL_LAYERS 6u /* that are kept; what nests deeper is counted, not listed */

enum layer { /* with the unit of its id */
             LAYER_NONE,
             LAYER_VLAN,    /* a tag inside the outermost, or inside a tunnel: VLAN id */
             LAYER_MPLS,    /* the label that was last (bottom of stack) */
             LAYER_PPPOE,   /* session id */
             LAYER_GRE,     /* key (version 0), call id (version 1); 0: none */
             LAYER_ERSPAN,  /* session id (type I: 0); its GRE header is part of it */
             LAYER_VXLAN,   /* VNI; GPE too */
             LAYER_GENEVE,  /* VNI */
             LAYER_GTPU,    /* TEID */
             LAYER_IP,      /* IP in IP, 6in4: 4 or 6, the version of the outer */
             LAYER_TEREDO,  /* 0 */
             LAYER_AH,      /* SPI; alone it leaves addresses as they are, so there are no outer */
             LAYER_L2TP,    /* tunnel id << 16 | session id (v2), session id (v3) */
             LAYER_PBB,     /* I-SID of provider backbone bridges (802.1ah) */
             LAYER_NSH,     /* service path id << 8 | service index */
             LAYER_ETHERIP, /* 0 */
             LAYERS
};
extern const char *const layer_name[LAYERS]; /* "vlan", "mpls", …; NULL for LAYER_NONE */

struct tunnel {
    struct ip orig_ip,
        resp_ip; /* outermost addresses, as the flow's sides; ::, ::: there are none */
    uint32_t id[TUNNEL_LAYERS];
    uint16_t orig_port, resp_port; /* outermost, of UDP */
    uint8_t layer[TUNNEL_LAYERS];  /* enum layer, outermost first */
    uint8_t count;                 /* of layers met, may exceed TUNNEL_LAYERS; 0: no tunnel */
    uint8_t spare;
};
_Static_assert(sizeof(struct tunnel) == 68, "no padding");

#endif
