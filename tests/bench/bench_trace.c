/* bench_trace KIND [--scale X] [--count N] FILE: a made-up trace to measure with, the same bytes
 * for the same words on every machine. FILE "-" is standard output. What was written is said on
 * standard error.
 *
 *   bulk   12,000,000 packets in some 260,000 flows: TLS, HTTP, DNS, QUIC, transfers; a fifth IPv6
 *   small  34,000,000 packets in some 10,000,000 flows: SYNs unanswered, DNS, pings, short TCP
 *   open   8 packets a flow, 2,000,000 flows, N of them open at once (default 100,000)
 *   hosts  8 packets a flow, 1,800,000 flows of N hosts (default 10,000)
 *
 * each times X (default 1). In both series a packet is the same work whatever N is: a flow of
 * `open` is as long, says as much and at the same seconds of its life (more open ones are more at a
 * time, not longer ones), so as many records tell it; a host of `hosts` has three flows an hour,
 * one to each of its sites (more hosts are more packets an hour, or fewer hours). Where X is too
 * small for N there are more flows, so that a tenth more than N open, and there are two hours. */
#include "talks.h"

#include <stdlib.h>

#define TALKS_MOST   4096u
#define LINE_BYTES   100u
#define OPEN_BLOCK   256u
#define OPEN_LIFE_NS (INT64_C(480) * 1000000000)

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

/* A connection: 1,000 to an address for each of its hosts. */
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
    line_data(wire, line, 0, LINE_BYTES);
}

static void line_close(struct wire *wire, struct line *line)
{
    line_control(wire, line, 0, WIRE_FIN | WIRE_ACK);
    line_control(wire, line, 1, WIRE_FIN | WIRE_ACK);
    line_control(wire, line, 0, WIRE_ACK);
}

/* The flow whose turn it is: they open one after the other, and then speak by turns in blocks, in
 * each in another order: no network asks for its flows in the order in which their memory lies. */
static uint32_t whose(uint32_t turn, uint32_t phase)
{
    uint32_t block = turn / OPEN_BLOCK;
    return phase == 0 ? turn : block * OPEN_BLOCK + (turn * 167 + block * phase) % OPEN_BLOCK;
}

/* In a third of its life what the other side says, in two thirds the first one again, then the end:
 * minutes lie between them, so that each has a report of its own, and few are closed and not yet
 * forgotten. */
static void open_phase(struct wire *wire, uint32_t flow, uint32_t phase)
{
    struct line one;
    line_of(&one, flow / 1000 % 2000, flow % 100, 1024 + flow % 60000);
    if (phase == 0) {
        line_open(wire, &one);
        talks.opened++;
        return;
    }
    one.next_seq[0] += 1 + LINE_BYTES + (phase > 2 ? LINE_BYTES : 0);
    one.next_seq[1] += 1 + (phase > 1 ? LINE_BYTES : 0);
    if (phase == 3)
        line_close(wire, &one);
    else
        line_data(wire, &one, phase == 1, LINE_BYTES);
}

static void write_open(struct wire *wire, uint32_t count, double scale)
{
    uint32_t flows = at_least((uint32_t)(2e6 * scale), count + count / 10);
    flows += OPEN_BLOCK - flows % OPEN_BLOCK; /* blocks are whole */
    wire->step_ns = OPEN_LIFE_NS / ((int64_t)count * 8);
    for (uint32_t turn = 0; turn < flows + count; turn++)
        for (uint32_t phase = 0; phase < 4; phase++) {
            uint32_t began = (uint32_t)((uint64_t)count * phase / 3);
            if (turn >= began && turn - began < flows)
                open_phase(wire, whose(turn - began, phase), phase);
            else
                wire->now_ns += wire->step_ns * (phase == 0 || phase == 3 ? 3 : 1);
        }
}

/* Each host has three sites, the second and third its own. */
static void write_hosts(struct wire *wire, uint32_t count, double scale)
{
    uint32_t flows = at_least((uint32_t)(18e5 * scale), count * 6);
    struct line one;
    wire->step_ns = INT64_C(3600) * 1000000000 / ((int64_t)count * 3 * 8);
    for (uint32_t i = 0; i < flows; i++) {
        uint32_t host = i % count, turn = i / count % 3;
        line_of(&one, host, turn ? 1000 + host * 2 + turn : host % 1000, 1024 + i / count % 60000);
        line_open(wire, &one);
        talks.opened++;
        line_data(wire, &one, 1, 1000);
        line_data(wire, &one, 0, 500);
        line_close(wire, &one);
    }
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
    bool open = strcmp(words->kind, "open") == 0;
    if (!open && strcmp(words->kind, "hosts") != 0)
        return false;
    (open ? write_open : write_hosts)(wire,
                                      words->count ? words->count
                                      : open       ? 100000
                                                   : 10000,
                                      words->scale);
    return true;
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
