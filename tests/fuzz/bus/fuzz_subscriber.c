/* What a subscriber asks for, and a queue that is filled and sent as the bytes say: what is taken
 * is in form; what is queued arrives whole and in order, or is let go between lines. */
#include "../../../sensor/bus/subscriber.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_asked(const char *text, size_t size)
{
    struct subscriber subscriber = {.after = 7};
    if (!subscriber_parse(&subscriber, text, size))
        return;
    size_t have = strlen(subscriber.since_iso);
    if (have != 0 && (have != 24 || subscriber.since_iso[23] != 'Z' || subscriber.after != 0))
        abort();
}

static size_t hear(int fd)
{
    static char heard[1 << 16];
    size_t lines = 0;
    for (ssize_t got; (got = recv(fd, heard, sizeof heard, MSG_DONTWAIT)) > 0;)
        for (ssize_t i = 0; i < got; i++)
            lines += heard[i] == '\n';
    return lines;
}

/* Each byte: queue a line of so many times 500 bytes, send, hear, or (255) let go. */
static void check_queue(const uint8_t *data, size_t size)
{
    static const char line[500 * 64];
    int pair[2];
    size_t queued = 0, heard = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        abort();
    struct subscriber subscriber = {.fd = pair[0], .phase = SUBSCRIBER_LIVE};
    bool left = false;
    for (size_t i = 0; i < size && i < 400 && !left; i++) {
        left = data[i] == 255;
        if (left)
            subscriber_dismiss(&subscriber, "fuzz");
        else if (data[i] & 1)
            heard += hear(pair[1]);
        else if (data[i] & 2)
            subscriber_send(&subscriber);
        else
            queued += subscriber_queue(&subscriber, line, (size_t)(data[i] >> 2) * 500);
        if (subscriber.sent > subscriber.out.size || subscriber.line_at > subscriber.sent)
            abort();
    }
    while (subscriber.out.size > 0 && subscriber_send(&subscriber))
        heard += hear(pair[1]);
    heard += hear(pair[1]);
    if (left ? heard < 1 || heard > queued + 1 : heard != queued)
        abort();
    buffer_fini(&subscriber.out);
    close(pair[0]);
    close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_asked((const char *)data, size);
    check_queue(data, size);
    return 0;
}
