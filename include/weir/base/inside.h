/* networks.inside: which addresses are the site's own. A prefix is inside everywhere, or only where
 * it was seen: in one VLAN, at one vantage, or both. A place says where a packet passed, never
 * which end of it is ours, so every place has prefixes of its own. Plain data after start-up. */
#ifndef WEIR_BASE_INSIDE_H
#define WEIR_BASE_INSIDE_H

#include "weir/base/address.h"
#include "weir/base/buffer.h"

#define INSIDE_PLACES 64
#define INSIDE_ANY    (-1)

struct inside_place {
    struct prefix_set nets;
    int vlan;              /* outermost VLAN id; 0: untagged; INSIDE_ANY */
    int vantage;           /* as flow keys number it; INSIDE_ANY */
    const char *interface; /* the one whose vantage that is, NULL: none named; borrowed */
    const char *where;     /* "weir.yaml:4:7", for messages; borrowed */
};

struct inside {
    struct prefix_set everywhere;
    struct inside_place place[INSIDE_PLACES];
    size_t place_count;
};

void inside_init(struct inside *inside);
void inside_fini(struct inside *inside);
/* An address seen in this VLAN (0: untagged) at this vantage. */
bool inside_has(const struct inside *inside, const struct ip *ip, uint16_t vlan, uint8_t vantage);
/* Every address of it is inside, everywhere or in some place. */
bool inside_covers(const struct inside *inside, const struct prefix *prefix);
/* '{nets: ["10.0.0.0/8"], vlan: 20, interface: "span1"}', as the configuration takes it. */
void inside_place_text(const struct inside_place *place, struct buffer *b);

#endif
