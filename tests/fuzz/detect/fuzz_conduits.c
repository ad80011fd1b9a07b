/* Any text as a file of conduits: refused with its place, or every flow can be held against it. */
#include "weir/detect/zones.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static struct zones *two_zones(void)
{
    static const char *const name[] = {"a", "b"}, *const net[] = {"10.1.0.0/16", "10.2.0.0/16"};
    struct zones *zones = zones_new();
    for (int i = 0; i < 2; i++) {
        struct zone *zone = zones_add(zones, name[i], NULL);
        struct prefix prefix;
        must(zone && prefix_parse(net[i], &prefix, NULL) == 0);
        must(zones_add_net(zones, zone, &prefix, NULL) == 0);
        zone->state = ZONE_LOCKED;
    }
    return zones;
}

static void ask(const struct zones *zones)
{
    struct zone_flow flow = {.resp_port = 502, .proto = 6, .service = SERVICE_MODBUS, .writes = 1};
    function_set_add(&flow.functions, 5);
    struct zone_verdict verdict;
    for (flow.from = 0; flow.from < ZONE_ANY;
         flow.from = flow.from == 1 ? ZONE_INSIDE : flow.from + 1)
        for (flow.to = 0; flow.to < 2; flow.to++) {
            must(zones_judge(zones, &flow, &verdict));
            must(verdict.fault < ZONE_FAULTS && verdict.row < (int)zones->conduit_count);
            must((verdict.fault == ZONE_NO_CONDUIT) == (verdict.row < 0));
            must(verdict.functions <= flow.functions.count);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    if (size > 8192)
        return 0;
    struct zones *zones = two_zones();
    int failed = zones_load_conduits(zones, "c", (const char *)data, size, &error);
    must((failed != 0) == (error.code == ERROR_USAGE));
    must(!failed || strncmp(error.message, "c:", 2) == 0);
    must(!failed || zones->conduit_count == 0);
    ask(zones);
    zones_free(zones);
    return 0;
}
