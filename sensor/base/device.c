/* Devices as addresses: see device.h. No state. */
#include "weir/base/device.h"

#include "weir/base/digest.h"

#include <stdio.h>

#define KIND_AT   8 /* the byte that says what follows */
#define KIND_MAC  0
#define KIND_HASH 1
#define MAC_AT    10
#define ID_SEED   UINT64_C(0x7765697264756964)

static const uint8_t discard_only[KIND_AT] = {0x01};

struct ip device_of_mac(const uint8_t mac[MAC_SIZE])
{
    struct ip device = {.byte = {0x01}};
    memcpy(device.byte + MAC_AT, mac, MAC_SIZE);
    return device;
}

struct ip device_of_id(const uint8_t *id, size_t size)
{
    struct ip device = {.byte = {0x01}};
    uint64_t hash = hash64(id, size, ID_SEED);
    device.byte[KIND_AT] = KIND_HASH;
    for (int i = 15; i > KIND_AT; i--, hash >>= 8)
        device.byte[i] = (uint8_t)hash;
    return device;
}

bool ip_is_device(const struct ip *ip)
{
    if (memcmp(ip->byte, discard_only, sizeof discard_only) != 0)
        return false;
    return ip->byte[KIND_AT] == KIND_HASH ||
           (ip->byte[KIND_AT] == KIND_MAC && ip->byte[KIND_AT + 1] == 0);
}

const uint8_t *device_mac(const struct ip *ip)
{
    return ip_is_device(ip) && ip->byte[KIND_AT] == KIND_MAC ? ip->byte + MAC_AT : NULL;
}

bool mac_is_station(const uint8_t mac[MAC_SIZE])
{
    static const uint8_t none[MAC_SIZE];
    return !(mac[0] & 1) && memcmp(mac, none, MAC_SIZE) != 0;
}

char *host_text(const struct ip *host, char text[IP_TEXT_SIZE])
{
    const uint8_t *b = host->byte + MAC_AT;
    if (!ip_is_device(host))
        return ip_text(host, text);
    if (device_mac(host)) {
        snprintf(text, IP_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
                 b[5]);
        return text;
    }
    size_t at = (size_t)snprintf(text, IP_TEXT_SIZE, "duid:");
    for (int i = KIND_AT + 1; i < 16; i++)
        at += (size_t)snprintf(text + at, IP_TEXT_SIZE - at, "%02x", host->byte[i]);
    return text;
}
