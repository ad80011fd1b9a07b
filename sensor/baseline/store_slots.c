/* See store_slots.h. Nothing here trusts a length, a number or an order of what was read. */
#include "store_slots.h"

#include <arpa/inet.h>
#include <string.h>

/* --- slots ------------------------------------------------------------------------------------ */

static uint16_t crc16(const char *text, size_t size)
{
    unsigned crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned)(unsigned char)text[i] << 8u;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000u ? crc << 1u ^ 0x1021u : crc << 1u) & 0xffffu;
    }
    return (uint16_t)crc;
}

uint16_t slots_of(const char *key, size_t size)
{
    const char *open = size ? memchr(key, '{', size) : NULL;
    if (open) {
        size_t left = size - (size_t)(open + 1 - key);
        const char *close = left ? memchr(open + 1, '}', left) : NULL;
        if (close && close > open + 1)
            return crc16(open + 1, (size_t)(close - open - 1)) % SLOTS;
    }
    return crc16(key, size) % SLOTS;
}

/* --- places ----------------------------------------------------------------------------------- */

bool slots_place_parse(const char *address, size_t size, long long port, struct slots_place *place)
{
    unsigned char binary[16];
    if (size >= sizeof place->address || port < 1 || port > 65535)
        return false;
    memcpy(place->address, address, size);
    place->address[size] = '\0';
    place->port = (uint16_t)port;
    return size == 0 ||
           (strlen(place->address) == size && (inet_pton(AF_INET, place->address, binary) == 1 ||
                                               inet_pton(AF_INET6, place->address, binary) == 1));
}

/* Decimal digits up to `end`; −1: none, others, or more than `most`. */
static long parse_number(const char *text, const char *end, long most)
{
    long number = 0;
    for (const char *at = text; at < end; at++) {
        if (*at < '0' || *at > '9' || (number = number * 10 + (*at - '0')) > most)
            return -1;
    }
    return text < end ? number : -1;
}

enum slots_move slots_redirect(const char *text, uint16_t *slot, struct slots_place *place)
{
    bool moved = strncmp(text, "MOVED ", 6) == 0;
    if (!moved && strncmp(text, "ASK ", 4) != 0)
        return SLOTS_NO_MOVE;
    const char *number = text + (moved ? 6 : 4), *space = strchr(number, ' ');
    const char *colon = space ? strrchr(space, ':') : NULL;
    if (!colon)
        return SLOTS_BAD_MOVE;
    long found = parse_number(number, space, SLOTS - 1);
    size_t size = strcspn(colon + 1, " \r\n");
    long port = parse_number(colon + 1, colon + 1 + size, 65535);
    if (found < 0 || !slots_place_parse(space + 1, (size_t)(colon - space - 1), port, place))
        return SLOTS_BAD_MOVE;
    *slot = (uint16_t)found;
    return moved ? SLOTS_MOVED : SLOTS_ASK;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* [address, port, …]; no address, or "?": that of who answers. */
static bool take_node(const redisReply *node, struct slots_place *place)
{
    if (node->type != REDIS_REPLY_ARRAY || node->elements < 2 ||
        node->element[1]->type != REDIS_REPLY_INTEGER)
        return false;
    const redisReply *address = node->element[0];
    long long port = node->element[1]->integer;
    if (address->type == REDIS_REPLY_NIL)
        return slots_place_parse("", 0, port, place);
    if (address->type != REDIS_REPLY_STRING)
        return false;
    bool unknown = address->len == 1 && *address->str == '?';
    return slots_place_parse(address->str, unknown ? 0 : address->len, port, place);
}

static bool take_slot(const redisReply *reply, uint16_t *slot)
{
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 || reply->integer >= SLOTS)
        return false;
    *slot = (uint16_t)reply->integer;
    return true;
}

bool slots_range_at(const redisReply *reply, size_t index, struct slots_range *range)
{
    *range = (struct slots_range){.replicas = 0};
    if (reply->type != REDIS_REPLY_ARRAY || index >= reply->elements || reply->elements > SLOTS)
        return false;
    const redisReply *item = reply->element[index];
    if (item->type != REDIS_REPLY_ARRAY || item->elements < 3 ||
        !take_slot(item->element[0], &range->first) || !take_slot(item->element[1], &range->last) ||
        range->first > range->last || !take_node(item->element[2], &range->primary))
        return false;
    for (size_t i = 3; i < item->elements && range->replicas < SLOTS_PER_PRIMARY; i++)
        if (!take_node(item->element[i], &range->replica[range->replicas++]))
            return false;
    return true;
}

bool slots_primary(const redisReply *reply, struct slots_place *place)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return false;
    const redisReply *address = reply->element[0], *port = reply->element[1];
    return address->len > 0 &&
           slots_place_parse(address->str, address->len,
                             parse_number(port->str, port->str + port->len, 65535), place);
}

bool slots_role(const redisReply *reply, bool *primary, unsigned *replicas)
{
    *replicas = 0;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 ||
        reply->element[0]->type != REDIS_REPLY_STRING)
        return false;
    *primary = strcmp(reply->element[0]->str, "master") == 0;
    if (!*primary)
        return true;
    if (reply->elements < 3 || reply->element[2]->type != REDIS_REPLY_ARRAY)
        return false;
    size_t count = reply->element[2]->elements;
    *replicas = count > SLOTS_PER_PRIMARY ? SLOTS_PER_PRIMARY : (unsigned)count;
    return true;
}
