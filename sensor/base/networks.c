/* Autonomous systems by address. Thin over libmaxminddb, which checks what it reads from the file:
 * a damaged record is one that is not known. The file stays mapped while it is open; who replaces
 * it puts a new one in its place (mv), and the sensor takes that at its next start. */
#include "weir/base/networks.h"

#include "weir/base/buffer.h"

#ifdef WEIR_HAVE_MAXMINDDB

#include <arpa/inet.h>
#include <maxminddb.h>
#include <stdlib.h>
#include <string.h>

struct networks {
    MMDB_s database;
};

static uint32_t number_of(const char *text, size_t size)
{
    uint64_t number = 0;
    size_t at = size >= 2 && memcmp(text, "AS", 2) == 0 ? 2 : 0;
    if (at == size || size - at > 10)
        return 0;
    for (; at < size; at++) {
        if (text[at] < '0' || text[at] > '9')
            return 0;
        number = number * 10 + (uint64_t)(text[at] - '0');
    }
    return number <= UINT32_MAX ? (uint32_t)number : 0;
}

static uint32_t number_in(MMDB_entry_s *entry, const char *key)
{
    MMDB_entry_data_s data;
    if (MMDB_get_value(entry, &data, key, NULL) != MMDB_SUCCESS || !data.has_data)
        return 0;
    if (data.type == MMDB_DATA_TYPE_UINT32)
        return data.uint32;
    if (data.type == MMDB_DATA_TYPE_UINT16)
        return data.uint16;
    return data.type == MMDB_DATA_TYPE_UTF8_STRING ? number_of(data.utf8_string, data.data_size)
                                                   : 0;
}

uint32_t networks_as(const struct networks *networks, const struct ip *address)
{
    int error = 0;
    if (!networks)
        return 0;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool is_v4 = ip_is_v4(address);
    memcpy(&v4.sin_addr, address->byte + 12, sizeof v4.sin_addr);
    memcpy(&v6.sin6_addr, address->byte, sizeof v6.sin6_addr);
    const struct sockaddr *asked =
        is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&networks->database, asked, &error);
    if (error != MMDB_SUCCESS || !found.found_entry)
        return 0;
    uint32_t number = number_in(&found.entry, "autonomous_system_number");
    return number > 0 ? number : number_in(&found.entry, "asn");
}

struct networks *networks_open(const char *path, struct error *error)
{
    struct networks *networks = xcalloc(1, sizeof *networks);
    int status = MMDB_open(path, MMDB_MODE_MMAP, &networks->database);
    if (status == MMDB_SUCCESS)
        return networks;
    error_set(error, ERROR_USAGE,
              "networks.as_database: %s: %s, expected a MaxMind DB file (.mmdb)", path,
              MMDB_strerror(status));
    free(networks);
    return NULL;
}

void networks_close(struct networks *networks)
{
    if (networks)
        MMDB_close(&networks->database);
    free(networks);
}

#else

struct networks *networks_open(const char *path, struct error *error)
{
    error_set(error, ERROR_USAGE,
              "networks.as_database: %s: this program was built without libmaxminddb", path);
    return NULL;
}

void networks_close(struct networks *networks)
{
    (void)networks;
}

uint32_t networks_as(const struct networks *networks, const struct ip *address)
{
    (void)networks;
    (void)address;
    return 0;
}

#endif
