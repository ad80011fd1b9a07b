/* The program, in words:
 *
 *   the protocol the kernel found  →  IPv4, IPv6, a VLAN tag (at most TAGS of them are stepped
 *   over; the outermost the kernel has taken off already), or else member 0
 *   IPv4: one word an address; IPv6: four, folded into one by multiply and exclusive-or
 *   (a ^ b) × k1 ^ (a + b) × k2: the same for both directions; mixed; modulo workers
 *
 * Addresses are at fixed places in both headers, so fragments and extension headers go with their
 * pair. Offsets are from the network header (SKF_NET_OFF), which is right for packets received and
 * sent; X holds what tags were stepped over. A packet whose header the kernel cannot read there
 * ends the program with 0: member 0. Only the notion of a pair must agree with capture/share.h, not
 * the hash: no packet is ever shared out by both.
 *
 * Membership: the kernel appends who joins and fills a gap with the last, so a successor that joins
 * as number N + 1 comes into the place of the one that leaves. Several groups (interfaces) agree on
 * who is which member as long as workers join in the order of their numbers.
 * Thread: any; no state. */
#include "weir/capture/fanout.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

#define TAGS 2u
#define K1   0x9e3779b1u
#define K2   0x85ebca77u
#define NET  ((uint32_t)SKF_NET_OFF)

#define PLACE_A 0u /* scratch words: the source's … */
#define PLACE_B 4u /* … and the destination's */

struct assembler {
    struct sock_filter *program;
    size_t size;
};

static void put(struct assembler *a, unsigned code, uint32_t k)
{
    a->program[a->size++] = (struct sock_filter){.code = (uint16_t)code, .k = k};
}

/* Steps over the next `skip` instructions unless A is k. */
static void put_unless(struct assembler *a, uint32_t k, size_t skip)
{
    a->program[a->size++] =
        (struct sock_filter){.code = BPF_JMP | BPF_JEQ | BPF_K, .jf = (uint8_t)skip, .k = k};
}

static void put_goto(struct assembler *a, size_t to)
{
    put(a, BPF_JMP | BPF_JA, (uint32_t)(to - a->size - 1));
}

/* `words` of both addresses into the scratch area; the header begins at X. */
static void put_load(struct assembler *a, uint32_t source_at, uint32_t words)
{
    for (uint32_t i = 0; i < 2 * words; i++) {
        uint32_t place = i < words ? PLACE_A + i : PLACE_B + i - words;
        put(a, BPF_LD | BPF_W | BPF_IND, NET + source_at + 4 * i);
        put(a, BPF_ST, place);
    }
}

static void put_fold(struct assembler *a, uint32_t place)
{
    put(a, BPF_LD | BPF_MEM, place);
    for (uint32_t i = 1; i < 4; i++) {
        put(a, BPF_ALU | BPF_MUL | BPF_K, K1);
        put(a, BPF_LDX | BPF_MEM, place + i);
        put(a, BPF_ALU | BPF_XOR | BPF_X, 0);
    }
    put(a, BPF_ST, place);
}

/* A becomes (a op b) × k. */
static void put_term(struct assembler *a, unsigned op, uint32_t k)
{
    put(a, BPF_LD | BPF_MEM, PLACE_A);
    put(a, BPF_LDX | BPF_MEM, PLACE_B);
    put(a, BPF_ALU | op | BPF_X, 0);
    put(a, BPF_ALU | BPF_MUL | BPF_K, k);
}

/* A ^= A >> 16. */
static void put_mix(struct assembler *a)
{
    put(a, BPF_MISC | BPF_TAX, 0);
    put(a, BPF_ALU | BPF_RSH | BPF_K, 16);
    put(a, BPF_ALU | BPF_XOR | BPF_X, 0);
}

static void put_hash(struct assembler *a, uint32_t workers)
{
    put_term(a, BPF_XOR, K1);
    put(a, BPF_ST, PLACE_A + 1);
    put_term(a, BPF_ADD, K2);
    put(a, BPF_LDX | BPF_MEM, PLACE_A + 1);
    put(a, BPF_ALU | BPF_XOR | BPF_X, 0);
    put_mix(a);
    put(a, BPF_ALU | BPF_MUL | BPF_K, K2);
    put_mix(a);
    put(a, BPF_ALU | BPF_MOD | BPF_K, workers);
    put(a, BPF_RET | BPF_A, 0);
}

/* How each path ends. */
static void put_paths(struct assembler *a, uint32_t workers, size_t *ip4, size_t *ip6, size_t *none)
{
    *none = a->size;
    put(a, BPF_RET | BPF_K, 0);
    *ip6 = a->size;
    put_load(a, 8, 4);
    put_fold(a, PLACE_A);
    put_fold(a, PLACE_B);
    put_hash(a, workers);
    *ip4 = a->size;
    put_load(a, 12, 1);
    put_hash(a, workers);
}

/* Where one header's protocol, in A, leads: to an address pair, or on to the tag at X. LOOK
 * instructions. */
enum { LOOK = 8, STEP = 2 };
static void put_look(struct assembler *a, size_t ip4, size_t ip6, size_t none)
{
    static const uint32_t tag_type[] = {0x8100, 0x88a8, 0x9100};
    put_unless(a, 0x0800, 1);
    put_goto(a, ip4);
    put_unless(a, 0x86dd, 1);
    put_goto(a, ip6);
    for (uint8_t i = 0; i < 3; i++)
        a->program[a->size++] = (struct sock_filter){
            .code = BPF_JMP | BPF_JEQ | BPF_K, .jt = (uint8_t)(3 - i), .k = tag_type[i]};
    put_goto(a, none);
}

size_t fanout_program(struct sock_filter program[FANOUT_INSTRUCTIONS], uint32_t workers)
{
    size_t ip4, ip6, none;
    struct assembler a = {program, 2 + (TAGS + 1) * LOOK + TAGS * STEP};
    put_paths(&a, workers, &ip4, &ip6, &none); /* first, because jumps only go forward */
    size_t size = a.size;
    a.size = 0;
    put(&a, BPF_LDX | BPF_IMM, 0);
    put(&a, BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL));
    for (uint32_t tag = 0; tag <= TAGS; tag++) {
        put_look(&a, ip4, ip6, none);
        if (tag == TAGS)
            break; /* one tag more falls through to `none`, which is laid out first */
        put(&a, BPF_LDX | BPF_IMM, 4 * (tag + 1));
        put(&a, BPF_LD | BPF_H | BPF_ABS, NET + 4 * tag + 2);
    }
    return size;
}

int fanout_join(int fd, uint16_t group, uint32_t workers, const char *name, struct error *error)
{
    struct sock_filter program[FANOUT_INSTRUCTIONS];
    struct sock_fprog data = {.filter = program,
                              .len = (unsigned short)fanout_program(program, workers)};
    uint32_t how = group | (uint32_t)PACKET_FANOUT_CBPF << 16;
    if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &how, sizeof how) != 0)
        return error_set(error, ERROR_RUN, "interface %s: cannot join fanout group %u: %s", name,
                         group, strerror(errno));
    if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &data, sizeof data) != 0)
        return error_set(error, ERROR_RUN,
                         "interface %s: the kernel refuses the fanout program: %s", name,
                         strerror(errno));
    return 0;
}
