/* What a stream begins with, asked of every row with a stream at once: the first byte is the port,
 * the second how many bytes the other side has said. Bounds; a row that is certain of some bytes is
 * asked again with more of them and never says they are malformed; nothing is wanted past
 * RECOGNISE_BYTES_MAX. */
#include "../../../sensor/content/protocol.h"
#include "../../../sensor/content/recognise.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t ports[] = {502, 102, 20000, 2404, 47808, 44818, 4840, 34964, 2222, 4711};

static void check(int holds)
{
    if (!holds)
        abort();
}

/* Bytes that end where they end. */
static uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    check(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 4096)
        return 0;
    uint16_t port = ports[data[0] % (sizeof ports / sizeof *ports)];
    size_t peer_size = data[1] < size - 2 ? data[1] : size - 2;
    uint8_t *peer = copy_of(data + 2, peer_size);
    uint8_t *own = copy_of(data + 2 + peer_size, size - 2 - peer_size);
    struct opening opening = {
        own,      size - 2 - peer_size, data[0] & 0x80 ? SIDE_RESP : SIDE_ORIG, 4001, port, peer,
        peer_size};
    for (size_t i = 0; protocols[i]; i++) {
        if (!protocols[i]->begins)
            continue;
        enum parse_result result = protocols[i]->begins(&opening);
        check(result < PARSE_RESULTS);
        struct opening again = opening;
        for (again.size = 0; again.size < opening.size && again.size < 64; again.size++) {
            uint8_t *part = copy_of(own, again.size);
            again.data = part;
            check(protocols[i]->begins(&again) < PARSE_RESULTS);
            free(part);
        }
    }
    const struct protocol *protocol = NULL;
    enum parse_result result = protocol_recognise(&opening, &protocol);
    check((result == PARSE_OK) == (protocol != NULL));
    check(result != PARSE_MORE || opening.size < RECOGNISE_BYTES_MAX);
    free(peer);
    free(own);
    return 0;
}
