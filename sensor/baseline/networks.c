/* Networks are found by bisection, and a newcomer moves those behind it: 24 kB at most, some µs. */
#include "weir/baseline/networks.h"

#include "varint.h"
#include "weir/baseline/profile.h"

#include <stdlib.h>
#include <string.h>

#define FORGOTTEN_DAYS (INT64_C(7) * HISTOGRAM_WEEKS)
#define DAYS_AN_HOUR   7 /* that a regular one outlives a passer-by, for each hour it was met in */
#define HOURS_BITS     3
#define AGE_LIMIT      (INT64_C(1) << 40)

_Static_assert(PAIR_KNOWN_CONTACTS < 1 << HOURS_BITS, "packed in as many bits");

/* Where it is, or would be. */
static uint32_t place(const struct networks *networks, uint32_t name)
{
    uint32_t low = 0, high = networks->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (networks->network[middle].name < name)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct networks *networks, uint32_t at, uint32_t name)
{
    return at < networks->count && networks->network[at].name == name;
}

const struct network *networks_find(const struct networks *networks, uint32_t name)
{
    name &= NETWORKS_NAME_MASK;
    uint32_t at = place(networks, name);
    return is_at(networks, at, name) ? &networks->network[at] : NULL;
}

static void take_out(struct networks *networks, uint32_t at)
{
    networks->count--;
    memmove(&networks->network[at], &networks->network[at + 1],
            (networks->count - at) * sizeof *networks->network);
}

static int64_t lasts_until(const struct network *network)
{
    return network->last_day + (int64_t)DAYS_AN_HOUR * network->hours;
}

static void crowd_out(struct networks *networks)
{
    uint32_t found = 0;
    for (uint32_t i = 1; i < networks->count; i++)
        if (lasts_until(&networks->network[i]) < lasts_until(&networks->network[found]))
            found = i;
    take_out(networks, found);
    networks->crowded_out++;
}

static struct network *put_in(struct networks *networks, uint32_t name)
{
    if (networks->count == NETWORKS_MOST)
        crowd_out(networks);
    uint32_t at = place(networks, name);
    if (networks->count == networks->room) {
        networks->room = networks->room ? 2 * networks->room : 16;
        networks->network = xrealloc(networks->network, networks->room * sizeof *networks->network);
    }
    memmove(&networks->network[at + 1], &networks->network[at],
            (networks->count - at) * sizeof *networks->network);
    networks->count++;
    networks->network[at] = (struct network){.name = name};
    return &networks->network[at];
}

void networks_meet(struct networks *networks, uint32_t name, uint64_t bytes, int64_t day)
{
    name &= NETWORKS_NAME_MASK;
    uint32_t at = place(networks, name);
    int bin = (int)histogram_bin(bytes);
    struct network *network;
    if (is_at(networks, at, name)) {
        network = &networks->network[at];
    } else {
        network = put_in(networks, name);
        network->first_day = day;
        network->usual = (uint8_t)bin;
    }
    network->last_day = day;
    if (network->hours < PAIR_KNOWN_CONTACTS)
        network->hours++;
    network->usual = (uint8_t)(network->usual + (bin - network->usual) / network->hours);
}

void networks_forget(struct networks *networks, int64_t day)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < networks->count; i++)
        if (day - networks->network[i].last_day <= FORGOTTEN_DAYS)
            networks->network[kept++] = networks->network[i];
    networks->count = kept;
}

void networks_fini(struct networks *networks)
{
    free(networks->network);
    *networks = (struct networks){0};
}

void networks_pack(const struct networks *networks, int64_t day, struct buffer *out)
{
    uint32_t before = 0;
    put_unsigned(out, networks->crowded_out);
    put_unsigned(out, networks->count);
    for (uint32_t i = 0; i < networks->count; i++) {
        const struct network *network = &networks->network[i];
        put_unsigned(out, network->name - before);
        put_unsigned(out, (uint64_t)(day - network->last_day) << HOURS_BITS | network->hours);
        put_unsigned(out, (uint64_t)(network->last_day - network->first_day));
        buffer_u8(out, network->usual);
        before = network->name;
    }
}

static bool unpack_one(struct network *network, uint32_t before, int64_t day, struct cursor *in)
{
    network->name = before + (uint32_t)take_at_most(in, NETWORKS_NAME_MASK - before);
    uint64_t age = take_at_most(in, (uint64_t)AGE_LIMIT);
    network->last_day = day - (int64_t)(age >> HOURS_BITS);
    network->first_day = network->last_day - (int64_t)take_at_most(in, (uint64_t)AGE_LIMIT);
    network->hours = age & ((1u << HOURS_BITS) - 1);
    network->usual = cursor_u8(in);
    return !in->failed && network->hours > 0 && network->hours <= PAIR_KNOWN_CONTACTS &&
           network->usual < HISTOGRAM_BINS;
}

bool networks_unpack(struct networks *networks, int64_t day, struct cursor *in)
{
    *networks = (struct networks){.crowded_out = (uint32_t)take_at_most(in, UINT32_MAX)};
    uint32_t count = (uint32_t)take_at_most(in, NETWORKS_MOST), before = 0;
    if (in->failed)
        return false;
    if (count == 0)
        return true;
    networks->network = xcalloc(count, sizeof *networks->network);
    networks->room = count;
    for (; networks->count < count; networks->count++) {
        struct network *network = &networks->network[networks->count];
        if (!unpack_one(network, before, day, in) ||
            (networks->count > 0 && network->name == before)) {
            networks_fini(networks);
            return false;
        }
        before = network->name;
    }
    return true;
}
