/* What a Redis cluster, or a sentinel, says of where things are: whose slot a key is, which node
 * has it, and where a refused command is to go instead. All of it comes from the wire and is held
 * against bounds. Pure, no allocation. Source: the Redis cluster specification. */
#ifndef SENSOR_BASELINE_STORE_SLOTS_H
#define SENSOR_BASELINE_STORE_SLOTS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOTS             16384
#define SLOTS_ADDRESS     48  /* an address as text */
#define SLOTS_NODES       512 /* servers, replicas among them; more are refused */
#define SLOTS_PER_PRIMARY 16  /* replicas of one that are looked at */

/* CRC-16/XMODEM of what stands between the key's first "{" and the "}" behind it, when that is not
 * empty; else of the key. */
uint16_t slots_of(const char *key, size_t size);

struct slots_place {
    char address[SLOTS_ADDRESS]; /* "": that of who said it */
    uint16_t port;
};

/* An address as Redis prints it. False: a name, or nonsense; `place` is then not usable. */
bool slots_place_parse(const char *address, size_t size, long long port, struct slots_place *place);

enum slots_move { SLOTS_NO_MOVE, SLOTS_MOVED, SLOTS_ASK, SLOTS_BAD_MOVE };
/* "MOVED 3999 10.0.0.1:6381", "ASK 3999 ::1:6381". Of any other error SLOTS_NO_MOVE. */
enum slots_move slots_redirect(const char *text, uint16_t *slot, struct slots_place *place);

struct slots_range {
    uint16_t first, last;
    struct slots_place primary, replica[SLOTS_PER_PRIMARY];
    unsigned replicas;
};
/* The range at `index` of the answer to CLUSTER SLOTS. False: it makes no sense. */
bool slots_range_at(const redisReply *reply, size_t index, struct slots_range *range);

/* The answer to SENTINEL get-master-addr-by-name. */
bool slots_primary(const redisReply *reply, struct slots_place *place);
/* The answer to ROLE: of a primary, and how many replicas follow it. */
bool slots_role(const redisReply *reply, bool *primary, unsigned *replicas);

#endif
