/* HTTP/1 conversations: the first four bytes say how they are cut, which part is the client's and
 * what is lost. Whatever is said, it is the same in one piece and in many, unless the protocol was
 * lost (from there on the sender's own pieces count) or left. */
#include "two_ways.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIDE_MOST 32768u

static bool has(const uint8_t *data, size_t size, const char *word)
{
    return memmem(data, size, word, strlen(word)) != NULL;
}

static size_t join(uint8_t *to, const char *line, const uint8_t *data, size_t size)
{
    size_t head = strlen(line);
    memcpy(to, line, head);
    size = size < SIDE_MOST - head ? size : SIDE_MOST - head;
    memcpy(to + head, data, size);
    return head + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct two_ways two;
    static uint8_t stream[SIDES][SIDE_MOST];
    if (!two.content)
        two_ways_open(&two, 80);
    if (size < 4)
        return 0;
    size_t most = 1 + data[0], rest = size - 4, asked = rest * data[1] / 255;
    const uint8_t *bytes = data + 4;
    const uint8_t *const sides[SIDES] = {stream[SIDE_ORIG], stream[SIDE_RESP]};
    const size_t sizes[SIDES] = {
        join(stream[SIDE_ORIG], "POST / HTTP/1.1\r\n", bytes, asked),
        join(stream[SIDE_RESP], "HTTP/1.1 200 OK\r\n", bytes + asked, rest - asked)};
    struct told whole = two_ways_run(&two, sides, sizes, SIDE_MOST, 0);
    struct told pieces = two_ways_run(&two, sides, sizes, most, 0);
    two_ways_run(&two, sides, sizes, most, data[2]);
    bool leaves = has(bytes, rest, "CONNECT") || has(bytes, rest, "pgrade") ||
                  has(bytes, rest, "PGRADE") || has(bytes, rest, "PRI ") || has(bytes, rest, "101");
    if (whole.malformed == 0 && pieces.malformed == 0 && !leaves)
        two_ways_same(&whole, &pieces);
    return 0;
}
