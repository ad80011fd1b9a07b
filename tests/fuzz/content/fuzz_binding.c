/* ARP, neighbour discovery, DHCP and DHCPv6: the first byte chooses, the next ones are what the
 * packet around says. Bounds; what is tied is a device's and no group's; a prefix ties no more. */
#include "weir/base/device.h"
#include "weir/content/binding.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define AROUND 24 /* choice, flags, a MAC, an address */

static void check(int holds)
{
    if (!holds)
        abort();
}

static enum parse_result parse(const uint8_t *around, size_t size, struct bindings *found)
{
    const uint8_t *data = around + AROUND;
    struct ip address = ip_from_v6(around + 8);
    const uint8_t *mac = around[1] & 1 ? around + 2 : NULL;
    *found = (struct bindings){.count = 0};
    switch (around[0] % 4) {
    case 0:
        return arp_parse(data, size, mac, found);
    case 1:
        return neighbour_parse((uint8_t)(133 + around[1] / 2 % 4), data, size, &address, mac,
                               found);
    case 2:
        return dhcp4_parse(data, size, found);
    default:
        return dhcp6_parse(data, size, &address, mac, found);
    }
}

static void check_found(const struct bindings *found)
{
    check(found->count <= BINDINGS_MAX && (found->more == 0 || found->count == BINDINGS_MAX));
    for (size_t i = 0; i < found->count; i++) {
        const struct binding *one = &found->item[i];
        check(ip_is_device(&one->device) && !ip_is_device(&one->address));
        check(!ip_is_broadcast(&one->address) && one->kind < BINDING_KINDS);
        check(one->lease_s == 0 || one->kind >= BINDING_DHCP4);
        check(!device_mac(&one->device) || mac_is_station(device_mac(&one->device)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bindings whole, cut;
    if (size < AROUND)
        return 0;
    size -= AROUND;
    enum parse_result result = parse(data, size, &whole);
    check(result < PARSE_RESULTS);
    check_found(&whole);
    check(result != PARSE_NOT || whole.count == 0);
    for (size_t less = size > 300 ? size - 300 : 0; less < size; less++) {
        check(parse(data, less, &cut) < PARSE_RESULTS);
        check_found(&cut);
    }
    return 0;
}
