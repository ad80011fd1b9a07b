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

/* False: not known. */
static bool find(const struct networks *networks, const struct ip *address, MMDB_entry_s *entry)
{
    int error = 0;
    if (!networks)
        return false;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool is_v4 = ip_is_v4(address);
    memcpy(&v4.sin_addr, address->byte + 12, sizeof v4.sin_addr);
    memcpy(&v6.sin6_addr, address->byte, sizeof v6.sin6_addr);
    const struct sockaddr *asked =
        is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&networks->database, asked, &error);
    *entry = found.entry;
    return error == MMDB_SUCCESS && found.found_entry;
}

static uint32_t as_number(MMDB_entry_s *entry)
{
    uint32_t number = number_in(entry, "autonomous_system_number");
    return number > 0 ? number : number_in(entry, "asn");
}

uint32_t networks_as(const struct networks *networks, const struct ip *address)
{
    MMDB_entry_s entry;
    return find(networks, address, &entry) ? as_number(&entry) : 0;
}

/* As much of a text as has room; false: there is none. */
static bool text_in(MMDB_entry_s *entry, const char *key, const char *below, char *text,
                    size_t room)
{
    MMDB_entry_data_s data;
    *text = '\0';
    if (MMDB_get_value(entry, &data, key, below, NULL) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING)
        return false;
    size_t size = data.data_size < room ? data.data_size : room - 1;
    memcpy(text, data.utf8_string, size);
    text[size] = '\0';
    return *text != '\0';
}

/* Some makers have the country's whole name where others have its code. */
static bool country_in(MMDB_entry_s *entry, const char *key, const char *below, char country[3])
{
    char text[4];
    bool found = text_in(entry, key, below, text, sizeof text) && strlen(text) == 2;
    memcpy(country, found ? text : "", found ? 3 : 1);
    return found;
}

void networks_look(const struct networks *networks, const struct ip *address,
                   struct network_facts *facts)
{
    MMDB_entry_s entry;
    *facts = (struct network_facts){.as_number = 0};
    if (!find(networks, address, &entry))
        return;
    facts->as_number = as_number(&entry);
    if (!text_in(&entry, "autonomous_system_organization", NULL, facts->as_name,
                 sizeof facts->as_name))
        text_in(&entry, "as_name", NULL, facts->as_name, sizeof facts->as_name);
    if (!country_in(&entry, "country_code", NULL, facts->country) &&
        !country_in(&entry, "country", "iso_code", facts->country))
        country_in(&entry, "country", NULL, facts->country);
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

void networks_look(const struct networks *networks, const struct ip *address,
                   struct network_facts *facts)
{
    (void)networks;
    (void)address;
    *facts = (struct network_facts){.as_number = 0};
}

#endif
