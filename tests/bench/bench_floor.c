/* bench_floor read|flows [--buffer BYTES] FILE: the least that anybody does with a trace, to hold
 * the sensor against. `read` asks libpcap for each packet; `flows` also counts packets and bytes of
 * both sides of each five-tuple (IPv4 and IPv6, TCP and UDP with their ports) in a hash table, and
 * forgets none. As libpcap reads by default (4 KiB at a time), or with a larger buffer. Prints
 * packets, bytes and flows; no time-outs, no streams, no output: what it costs is measured from
 * outside. */
#include <pcap/pcap.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS (UINT32_C(1) << 16)

enum { ETHERNET = 14, TYPE_IP4 = 0x0800, TYPE_IP6 = 0x86dd };

struct tuple {
    uint8_t addr[2][16];
    uint16_t port[2];
    uint32_t protocol; /* 0: nobody's */
};

struct entry {
    struct tuple tuple; /* the lower side first */
    uint64_t packets[2], bytes[2];
};

struct table {
    struct entry *entry;
    uint32_t slots, used; /* a power of two */
};

struct floor {
    struct table table;
    uint64_t packets, bytes;
    bool flows;
};

static uint64_t tuple_hash(const struct tuple *tuple)
{
    uint64_t word[5], hash = UINT64_C(0x9e3779b97f4a7c15);
    memcpy(word, tuple, sizeof word);
    for (int i = 0; i < 5; i++) {
        hash = (hash ^ word[i]) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    return hash;
}

/* The tuple's entry, or the free one where it belongs. */
static struct entry *table_find(const struct table *table, const struct tuple *tuple)
{
    uint32_t at = (uint32_t)tuple_hash(tuple) & (table->slots - 1);
    while (table->entry[at].tuple.protocol != 0 &&
           memcmp(&table->entry[at].tuple, tuple, sizeof *tuple) != 0)
        at = (at + 1) & (table->slots - 1);
    return &table->entry[at];
}

static void table_grow(struct table *table)
{
    struct table larger = {.slots = table->slots ? table->slots * 2 : FIRST_SLOTS,
                           .used = table->used};
    larger.entry = calloc(larger.slots, sizeof *larger.entry);
    if (!larger.entry)
        exit(1);
    for (uint32_t i = 0; i < table->slots; i++)
        if (table->entry[i].tuple.protocol != 0)
            *table_find(&larger, &table->entry[i].tuple) = table->entry[i];
    free(table->entry);
    *table = larger;
}

static void table_count(struct table *table, const struct tuple *tuple, int side, uint32_t bytes)
{
    if (table->used >= table->slots / 2)
        table_grow(table);
    struct entry *entry = table_find(table, tuple);
    if (entry->tuple.protocol == 0) {
        entry->tuple = *tuple;
        table->used++;
    }
    entry->packets[side]++;
    entry->bytes[side] += bytes;
}

static unsigned read16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* Which side sent it, the tuple's lower one first; -1: not IP. */
static int read_tuple(const uint8_t *frame, uint32_t size, struct tuple *tuple)
{
    const uint8_t *ip = frame + ETHERNET, *end = frame + size, *transport, *addr[2];
    size_t width;
    if (size < ETHERNET + 40)
        return -1;
    if (read16(frame + 12) == TYPE_IP4) {
        transport = ip + (ip[0] & 15u) * 4;
        addr[0] = ip + 12;
        width = 4;
        tuple->protocol = ip[9];
    } else if (read16(frame + 12) == TYPE_IP6) {
        transport = ip + 40;
        addr[0] = ip + 8;
        width = 16;
        tuple->protocol = ip[6];
    } else {
        return -1;
    }
    addr[1] = addr[0] + width;
    unsigned port[2] = {0, 0};
    if ((tuple->protocol == 6 || tuple->protocol == 17) && end - transport >= 4) {
        port[0] = read16(transport);
        port[1] = read16(transport + 2);
    }
    int order = memcmp(addr[0], addr[1], width), side = order ? order > 0 : port[0] > port[1];
    for (int i = 0; i < 2; i++) {
        memcpy(tuple->addr[i], addr[i ^ side], width);
        tuple->port[i] = (uint16_t)port[i ^ side];
    }
    return side;
}

static void take(u_char *context, const struct pcap_pkthdr *head, const u_char *frame)
{
    struct floor *floor = (struct floor *)(void *)context;
    floor->packets++;
    floor->bytes += head->len;
    if (!floor->flows)
        return;
    struct tuple tuple = {.protocol = 0};
    int side = read_tuple(frame, head->caplen, &tuple);
    if (side >= 0)
        table_count(&floor->table, &tuple, side, head->len);
}

static int usage(void)
{
    fprintf(stderr, "usage: bench_floor read|flows [--buffer BYTES] FILE\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct floor floor;
    char why[PCAP_ERRBUF_SIZE];
    bool buffered = argc == 5 && strcmp(argv[2], "--buffer") == 0;
    if (!buffered && argc != 3)
        return usage();
    floor.flows = strcmp(argv[1], "flows") == 0;
    FILE *file = fopen(argv[argc - 1], "rb");
    if (!file || (buffered && setvbuf(file, NULL, _IOFBF, strtoul(argv[3], NULL, 10)) != 0)) {
        perror(argv[argc - 1]);
        return 1;
    }
    pcap_t *pcap = pcap_fopen_offline(file, why);
    if (!pcap || pcap_loop(pcap, -1, take, (u_char *)&floor) != 0) {
        fprintf(stderr, "%s: %s\n", argv[argc - 1], pcap ? pcap_geterr(pcap) : why);
        return 1;
    }
    printf("%llu packets, %llu bytes, %u flows\n", (unsigned long long)floor.packets,
           (unsigned long long)floor.bytes, floor.table.used);
    pcap_close(pcap);
    free(floor.table.entry);
    return 0;
}
