/* HTTP/2 frames of both sides behind a preface and settings; the first three bytes say how they are
 * cut, which part is the client's and what is lost. In one piece and in many they are the same. */
#include "two_ways.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIDE_MOST 32768u

static size_t join(uint8_t *to, const char *line, size_t head, const uint8_t *data, size_t size)
{
    memcpy(to, line, head);
    size = size < SIDE_MOST - head ? size : SIDE_MOST - head;
    memcpy(to + head, data, size);
    return head + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    static struct two_ways two;
    static uint8_t stream[SIDES][SIDE_MOST];
    if (!two.content)
        two_ways_open(&two, 80);
    if (size < 3)
        return 0;
    size_t most = 1 + data[0], rest = size - 3, asked = rest * data[1] / 255;
    const uint8_t *const sides[SIDES] = {stream[SIDE_ORIG], stream[SIDE_RESP]};
    const size_t sizes[SIDES] = {
        join(stream[SIDE_ORIG], preface, sizeof preface, data + 3, asked),
        join(stream[SIDE_RESP], preface + 24, 9, data + 3 + asked, rest - asked)};
    struct told whole = two_ways_run(&two, sides, sizes, SIDE_MOST, 0);
    struct told pieces = two_ways_run(&two, sides, sizes, most, 0);
    two_ways_run(&two, sides, sizes, most, data[2]);
    two_ways_must(whole.facts.service == SERVICE_HTTP2);
    two_ways_same(&whole, &pieces);
    return 0;
}
