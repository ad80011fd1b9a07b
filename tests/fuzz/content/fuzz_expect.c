/* Announced channels against a plain list: each three bytes are an act (add, look, take, or time
 * that passes) and a port. */
#include "../../../sensor/content/expect.h"
#include "../../../sensor/content/protocol.h"
#include "weir/base/cursor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PORTS 64u

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct expectations *all = expectations_new();
    struct cursor c = cursor_make(data, size);
    int64_t until_ns[PORTS] = {0}, declared[PORTS];
    struct ptime now = {NS_PER_S};
    while (cursor_left(&c) >= 3) {
        uint8_t act = cursor_u8(&c) % 4, port = cursor_u8(&c) % PORTS, value = cursor_u8(&c);
        struct channel channel = {.port = port, .proto = 6};
        struct expected expected = {.protocol = &ftp_data_protocol, .declared_bytes = value}, found;
        bool there = until_ns[port] >= now.ns;
        if (act == 0) {
            expect_add(all, &channel, &expected, now);
            until_ns[port] = now.ns + EXPECT_NS;
            declared[port] = value;
        } else if (act == 1) {
            check(expect_look(all, &channel, now, &found) == there);
            check(!there || found.declared_bytes == declared[port]);
        } else if (act == 2) {
            check(expect_take(all, &channel, now, &found) == there);
            check(!there || found.declared_bytes == declared[port]);
            until_ns[port] = 0;
        } else {
            now.ns += value * NS_PER_S / 4;
        }
    }
    check(expectations_forgotten(all) == 0);
    expectations_free(all);
    return 0;
}
