/* bench_trace KIND [--scale X] [--count N] FILE: a made-up trace to measure with, the same bytes
 * for the same words on every machine. FILE "-" is standard output. What was written is said on
 * standard error.
 *
 *   bulk   12,000,000 packets in some 260,000 flows: TLS, HTTP, DNS, QUIC, transfers; a fifth IPv6
 *   small  34,000,000 packets in some 10,000,000 flows: SYNs unanswered, DNS, pings, short TCP
 *   open   16,000,000 packets in 2,000,000 flows, N of them open at once (default 100,000)
 *   hosts  14,400,000 packets in 1,800,000 flows of N hosts in three hours (default 10,000)
 *
 * each times X (default 1). Whatever N is, `open` and `hosts` say as much; where X is too small for
 * that, they have more flows, so that N are open, or each host has three. */
#include "talks.h"

#include <stdlib.h>

#define TALKS_MOST 4096u

/* Shares of each kind in 1,000 flows. */
struct mix {
    const char *name;
    uint64_t packets;
    int64_t step_ns;
    uint32_t hosts, sites;
    uint32_t at_once; /* talks that take turns */
    unsigned share[TALK_KINDS];
};

static const struct mix mixes[] = {
    {"bulk",
     12000000,
     25000,
     500,
     4000,
     512,
     {[TALK_DNS] = 540,
      [TALK_TLS] = 240,
      [TALK_TLS_UPLOAD] = 20,
      [TALK_HTTP] = 75,
      [TALK_POST] = 25,
      [TALK_QUIC] = 95,
      [TALK_BULK] = 5}},
    {"small",
     34000000,
     90000,
     2000,
     100000,
     2048,
     {[TALK_DNS] = 375, [TALK_SYN] = 300, [TALK_PING] = 100, [TALK_SHORT] = 225}},
};

static struct talks talks;
static struct talk talk[TALKS_MOST];

static enum talk_kind any_kind(const struct mix *mix)
{
    unsigned number = talks_random(&talks, 1000), kind = 0;
    while (number >= mix->share[kind])
        number -= mix->share[kind++];
    return kind;
}

static void write_mix(struct wire *wire, const struct mix *mix, double scale)
{
    uint64_t packets = (uint64_t)((double)mix->packets * scale);
    wire->step_ns = mix->step_ns;
    talks_init(&talks, mix->hosts, mix->sites);
    for (uint32_t i = 0; i < mix->at_once; i++)
        talk_begin(&talks, &talk[i], any_kind(mix));
    while (wire->packets < packets) {
        struct talk *one = &talk[talks_random(&talks, mix->at_once)];
        if (!talk_step(&talks, wire, one))
            talk_begin(&talks, one, any_kind(mix));
    }
}

/* --- series ------------------------------------------------------------------------------------
 */

static uint32_t at_least(uint32_t number, uint32_t least)
{
    return number < least ? least : number;
}

/* A connection that is told all at once: 1,000 to an address for each of its hosts. */
struct line {
    struct ends ends;
    uint32_t next_seq[2];
};

static void line_of(struct line *line, uint32_t host, uint32_t site, unsigned port)
{
    memset(line, 0, sizeof *line);
    host_address(host, false, line->ends.addr[0]);
    site_address(site, false, line->ends.addr[1]);
    line->ends.port[0] = (uint16_t)port;
    line->ends.port[1] = 9000;
    line->next_seq[0] = host * 7919 + port;
    line->next_seq[1] = port * 7919;
}

static void line_control(struct wire *wire, struct line *line, int side, unsigned flags)
{
    wire_tcp(wire, &line->ends, side, flags, line->next_seq, 0);
    line->next_seq[side] += (flags & (WIRE_SYN | WIRE_FIN)) != 0;
}

static void line_data(struct wire *wire, struct line *line, int side, uint32_t size)
{
    memcpy(wire_payload(wire), talks.pool[BODY_JSON] + line->next_seq[side] % TALK_POOL, size);
    wire_tcp(wire, &line->ends, side, WIRE_ACK | WIRE_PSH, line->next_seq, size);
    line->next_seq[side] += size;
}

static void line_open(struct wire *wire, struct line *line)
{
    line_control(wire, line, 0, WIRE_SYN);
    line_control(wire, line, 1, WIRE_SYN | WIRE_ACK);
    line_data(wire, line, 0, 100);
}

static void line_close(struct wire *wire, struct line *line)
{
    line_control(wire, line, 0, WIRE_FIN | WIRE_ACK);
    line_control(wire, line, 1, WIRE_FIN | WIRE_ACK);
    line_control(wire, line, 0, WIRE_ACK);
}

/* Each opens, two of those that are open say something, the one open longest closes. */
static bool write_open(struct wire *wire, uint32_t count, double scale)
{
    uint32_t flows = at_least((uint32_t)(2e6 * scale), count + count / 10);
    struct line *line = calloc(count, sizeof *line);
    if (!line)
        return false;
    wire->step_ns = 200000;
    for (uint32_t i = 0; i < flows; i++) {
        struct line *one = &line[i % count];
        if (i >= count)
            line_close(wire, one);
        line_of(one, i / 1000 % 2000, i % 100, 1024 + i % 60000);
        line_open(wire, one);
        talks.opened++;
        for (int turn = 0; turn < 2; turn++)
            line_data(wire, &line[talks_random(&talks, i < count ? i + 1 : count)], turn, 100);
    }
    free(line);
    return true;
}

/* Each host has three sites, the second and third its own. Three hours, whatever the number. */
static bool write_hosts(struct wire *wire, uint32_t count, double scale)
{
    uint32_t flows = at_least((uint32_t)(18e5 * scale), count * 3);
    struct line one;
    wire->step_ns = INT64_C(3) * 3600 * 1000000000 / ((int64_t)flows * 8);
    for (uint32_t i = 0; i < flows; i++) {
        uint32_t host = i % count, turn = i / count % 3;
        line_of(&one, host, turn ? 1000 + host * 2 + turn : host % 1000, 1024 + i / count % 60000);
        line_open(wire, &one);
        talks.opened++;
        line_data(wire, &one, 1, 1000);
        line_data(wire, &one, 0, 500);
        line_close(wire, &one);
    }
    return true;
}

/* --- the command line --------------------------------------------------------------------------
 */

struct words {
    const char *kind, *file;
    double scale;
    uint32_t count; /* 0: the default */
};

static bool read_words(struct words *words, int argc, char **argv)
{
    *words = (struct words){.scale = 1};
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--scale") == 0 && more)
            words->scale = atof(argv[++i]);
        else if (strcmp(argv[i], "--count") == 0 && more)
            words->count = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (!words->kind)
            words->kind = argv[i];
        else if (!words->file)
            words->file = argv[i];
        else
            return false;
    }
    return words->file && words->scale > 0 && words->scale <= 100;
}

static bool write_trace(struct wire *wire, const struct words *words)
{
    for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++)
        if (strcmp(words->kind, mixes[i].name) == 0) {
            write_mix(wire, &mixes[i], words->scale);
            return true;
        }
    talks_init(&talks, 1, 1);
    if (strcmp(words->kind, "open") == 0)
        return write_open(wire, words->count ? words->count : 100000, words->scale);
    return strcmp(words->kind, "hosts") == 0 &&
           write_hosts(wire, words->count ? words->count : 10000, words->scale);
}

int main(int argc, char **argv)
{
    static struct wire wire;
    struct words words;
    if (!read_words(&words, argc, argv)) {
        fprintf(stderr, "usage: bench_trace bulk|small|open|hosts [--scale X] [--count N] FILE\n");
        return 2;
    }
    if (!wire_open(&wire, words.file, 0) || !write_trace(&wire, &words)) {
        fprintf(stderr, "bench_trace: %s to %s: not written\n", words.kind, words.file);
        return 1;
    }
    fprintf(stderr, "%llu packets of %.0f bytes in %llu flows, %.0f s\n",
            (unsigned long long)wire.packets, (double)wire.bytes / (double)wire.packets,
            (unsigned long long)talks.opened, (double)(wire.now_ns - WIRE_START) / 1e9);
    bool whole = !ferror(wire.file) && fclose(wire.file) == 0;
    return whole ? 0 : 1;
}
