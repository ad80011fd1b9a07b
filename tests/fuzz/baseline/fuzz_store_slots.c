/* What a cluster or a sentinel may answer, over arbitrary bytes: as RESP, read by hiredis, and as
 * an error's text. What is taken is within its bounds. */
#include "../../../sensor/baseline/store_slots.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const struct slots_place *place)
{
    unsigned char binary[16];
    if (!memchr(place->address, 0, sizeof place->address) || place->port == 0 ||
        (*place->address && inet_pton(AF_INET, place->address, binary) != 1 &&
         inet_pton(AF_INET6, place->address, binary) != 1))
        abort();
}

static void check_redirect(const uint8_t *data, size_t size)
{
    struct slots_place place;
    uint16_t slot;
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    enum slots_move move = slots_redirect(text, &slot, &place);
    if (move == SLOTS_MOVED || move == SLOTS_ASK) {
        check_place(&place);
        if (slot >= SLOTS)
            abort();
    }
    free(text);
}

static void check_reply(const redisReply *reply)
{
    struct slots_range range;
    struct slots_place place;
    bool primary;
    unsigned replicas;
    size_t items = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 1;
    for (size_t i = 0; i < items && i < 100; i++) {
        if (!slots_range_at(reply, i, &range))
            continue;
        if (range.first > range.last || range.last >= SLOTS || range.replicas > SLOTS_PER_PRIMARY)
            abort();
        check_place(&range.primary);
        for (unsigned n = 0; n < range.replicas; n++)
            check_place(&range.replica[n]);
    }
    if (slots_primary(reply, &place))
        check_place(&place);
    if (slots_role(reply, &primary, &replicas) && replicas > SLOTS_PER_PRIMARY)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *reply = NULL;
    check_redirect(data, size);
    if (slots_of((const char *)data, size) >= SLOTS)
        abort();
    redisReader *reader = redisReaderCreate();
    if (reader && redisReaderFeed(reader, (const char *)data, size) == REDIS_OK &&
        redisReaderGetReply(reader, &reply) == REDIS_OK && reply) {
        check_reply(reply);
        freeReplyObject(reply);
    }
    redisReaderFree(reader);
    return 0;
}
