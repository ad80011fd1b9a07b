/* Inside by prefix and by place. A handful of places at most, so they are tried one by one.
 * Thread-safe once it is made: no state. */
#include "weir/base/inside.h"

void inside_init(struct inside *inside)
{
    *inside = (struct inside){.place_count = 0};
    prefix_set_init(&inside->everywhere);
}

void inside_fini(struct inside *inside)
{
    prefix_set_fini(&inside->everywhere);
    for (size_t i = 0; i < inside->place_count; i++)
        prefix_set_fini(&inside->place[i].nets);
    inside_init(inside);
}

static bool is_there(const struct inside_place *place, uint16_t vlan, uint8_t vantage)
{
    return (place->vlan == INSIDE_ANY || place->vlan == vlan) &&
           (place->vantage == INSIDE_ANY || place->vantage == vantage);
}

bool inside_has(const struct inside *inside, const struct ip *ip, uint16_t vlan, uint8_t vantage)
{
    if (prefix_set_has(&inside->everywhere, ip))
        return true;
    for (size_t i = 0; i < inside->place_count; i++)
        if (is_there(&inside->place[i], vlan, vantage) &&
            prefix_set_has(&inside->place[i].nets, ip))
            return true;
    return false;
}

static bool covers(const struct prefix_set *set, const struct prefix *prefix)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->item[i].bits <= prefix->bits && prefix_has(&set->item[i], &prefix->ip))
            return true;
    return false;
}

bool inside_covers(const struct inside *inside, const struct prefix *prefix)
{
    bool is = covers(&inside->everywhere, prefix);
    for (size_t i = 0; !is && i < inside->place_count; i++)
        is = covers(&inside->place[i].nets, prefix);
    return is;
}

void inside_place_text(const struct inside_place *place, struct buffer *b)
{
    char text[PREFIX_TEXT_SIZE];
    buffer_text(b, "{nets: [");
    for (size_t i = 0; i < place->nets.count; i++)
        buffer_text(b, "%s\"%s\"", i ? ", " : "", prefix_text(&place->nets.item[i], text));
    buffer_text(b, "]");
    if (place->vlan != INSIDE_ANY)
        buffer_text(b, ", vlan: %d", place->vlan);
    if (place->interface)
        buffer_text(b, ", interface: \"%s\"", place->interface);
    buffer_text(b, "}");
}
