/* The pcapng reader. libpcap's refuses files whose interfaces differ in link type and tells nothing
 * of comments and drops.
 *
 *   pcapng_next → next_block → one of `kinds` → an interface, a packet, a note
 *
 * A block is looked into only when it lies whole in `window`; it is borrowed from there, so the
 * packets of a bulk capture are not copied. Blocks of kinds that are not known are skipped without
 * being kept. Lengths are believed only as far as the block goes, the block's only as far as the
 * bound. Where a length cannot be, nothing behind it can be found any more: the file is damaged
 * there.
 *
 * Drops are noted by some writers for each packet, by others as totals of an interface: of the two
 * sums the larger counts. Source: draft-ietf-opsawg-pcapng. Thread: the caller's. */
#include "pcapng.h"

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SECTION    0x0a0d0d0au /* the same in either byte order */
#define BLOCK_INTERFACE  1u
#define BLOCK_PACKET_OLD 2u
#define BLOCK_SIMPLE     3u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET     6u
#define ORDER_MAGIC      0x1a2b3c4du
#define BLOCK_MIN        12u

#define OPTION_END       0u
#define OPTION_COMMENT   1u
#define OPTION_DROPCOUNT 4u /* of an enhanced packet */
#define OPTION_IF_DROP   5u /* of statistics */
#define OPTION_OS_DROP   7u
#define OPTION_TSRESOL   9u /* of an interface */
#define OPTION_TSOFFSET  14u

/* The year 2109: what records may carry, with room for time-outs. */
#define SECONDS_MAX INT64_C(4400000000)

struct interface {
    int link; /* DLT */
    uint32_t snaplen;
    bool binary; /* the clock's unit is 2^−power s, else 10^−power s */
    uint8_t power;
    uint64_t per_s;                /* units a second */
    int64_t offset_s;              /* added to every stamp */
    uint64_t os_drops, card_drops; /* as its last statistics say */
    bool accepted;
};

struct pcapng {
    struct pcapng_io io;
    uint8_t *window; /* `room` bytes, of which [at, end) are not used yet */
    size_t room, at, end;
    uint64_t read_bytes;
    struct packet_raw unused; /* before any interface there is no packet to fill */
    bool big, refused;
    struct interface *interface; /* of this section */
    uint32_t interfaces, interface_room;
    struct packet_raw *packet; /* to fill; set once it is */
    bool has_packet;
    uint64_t packet_drops;
    struct source_notes notes; /* of sections that are over, and comments of all */
    char problem[PCAPNG_PROBLEM];
};

/* --- fields in the section's byte order ------------------------------------------------------- */

static uint16_t get16(const struct pcapng *p, struct cursor *c)
{
    return p->big ? cursor_be16(c) : cursor_le16(c);
}

static uint32_t get32(const struct pcapng *p, struct cursor *c)
{
    return p->big ? cursor_be32(c) : cursor_le32(c);
}

static uint64_t get64(const struct pcapng *p, struct cursor *c)
{
    return p->big ? cursor_be64(c) : cursor_le64(c);
}

static bool damaged(struct pcapng *p, const char *what, uint64_t value)
{
    if (!*p->problem)
        snprintf(p->problem, sizeof p->problem, "%s %llu, before byte %llu", what,
                 (unsigned long long)value, (unsigned long long)(p->read_bytes - (p->end - p->at)));
    return false;
}

/* --- options -----------------------------------------------------------------------------------
 */

struct option {
    uint16_t code;
    struct cursor value;
};

/* False at the end; options that run over the block end there too: what stands before holds. */
static bool next_option(const struct pcapng *p, struct cursor *c, struct option *option)
{
    option->code = get16(p, c);
    uint16_t size = get16(p, c);
    option->value = cursor_sub(c, size);
    if (c->failed || option->code == OPTION_END)
        return false;
    cursor_skip(c, -(size_t)size & 3);
    return true;
}

/* An option that is said to be of another size than its kind has says nothing. */
static bool is_option(const struct option *option, uint16_t code, size_t size)
{
    return option->code == code && cursor_left(&option->value) == size;
}

/* Also what a terminal obeys: U+0080 to U+009F, of which ESC [ is one in short. */
static bool is_control(const uint8_t *text, size_t size, size_t i)
{
    if (text[i] == 0xc2)
        return i + 1 < size && text[i + 1] >= 0x80 && text[i + 1] < 0xa0;
    return text[i] < 0x20 || text[i] == 0x7f ||
           (text[i] >= 0x80 && text[i] < 0xa0 && i > 0 && text[i - 1] == 0xc2);
}

/* Of a character that is cut off at the end nothing is kept. */
static size_t whole_characters(const uint8_t *text, size_t size)
{
    while (size > 0 && (text[size] & 0xc0) == 0x80)
        size--;
    return size;
}

static void note_comment(struct pcapng *p, struct cursor text)
{
    struct source_notes *notes = &p->notes;
    size_t size = cursor_left(&text);
    if (notes->comments++ > 0)
        return;
    if (size >= sizeof notes->comment)
        size = whole_characters(text.at, sizeof notes->comment - 1);
    for (size_t i = 0; i < size; i++) /* one line, whatever it holds */
        notes->comment[i] = (char)(is_control(text.at, size, i) ? 0x20 : text.at[i]);
}

/* --- sections and interfaces -------------------------------------------------------------------
 */

static void close_section(struct pcapng *p)
{
    for (uint32_t i = 0; i < p->interfaces; i++) {
        p->notes.kernel_drops += p->interface[i].os_drops;
        p->notes.interface_drops += p->interface[i].card_drops;
    }
    p->interfaces = 0;
}

/* Its byte order is known already: it says how long it is. */
static bool read_section(struct pcapng *p, struct cursor c)
{
    struct option option;
    close_section(p);
    cursor_skip(&c, 4); /* the magic */
    uint16_t major = get16(p, &c);
    cursor_skip(&c, 2 + 8); /* minor version; the section's length, which many do not know */
    if (c.failed)
        return damaged(p, "a section header that is too short:", cursor_left(&c));
    if (major != 1)
        return damaged(p, "pcapng version (1 is read)", major);
    while (next_option(p, &c, &option))
        if (option.code == OPTION_COMMENT)
            note_comment(p, option.value);
    return true;
}

/* libpcap tells link types by numbers of its own where systems once disagreed. */
static int dlt_of(uint16_t link)
{
    switch (link) {
    case 100:
        return DLT_ATM_RFC1483;
    case 101:
        return DLT_RAW;
    case 102:
        return DLT_SLIP_BSDOS;
    case 103:
        return DLT_PPP_BSDOS;
    default:
        return link;
    }
}

static bool set_clock(struct pcapng *p, struct interface *interface, uint8_t resolution)
{
    interface->binary = resolution & 0x80;
    interface->power = resolution & 0x7f;
    if (interface->power > (interface->binary ? 63 : 19))
        return damaged(p, "a clock in units that no 64 bits count: if_tsresol", resolution);
    interface->per_s = 1;
    for (uint8_t i = 0; i < interface->power; i++)
        interface->per_s *= interface->binary ? 2 : 10;
    return true;
}

static struct interface *new_interface(struct pcapng *p)
{
    if (p->interfaces == PCAPNG_INTERFACES) {
        damaged(p, "more interfaces in a section than", PCAPNG_INTERFACES);
        return NULL;
    }
    if (p->interfaces == p->interface_room) {
        p->interface_room = p->interface_room ? 2 * p->interface_room : 4;
        p->interface = xrealloc(p->interface, p->interface_room * sizeof *p->interface);
    }
    struct interface *interface = &p->interface[p->interfaces];
    *interface = (struct interface){.power = 6, .per_s = 1000000};
    return interface;
}

static bool read_interface(struct pcapng *p, struct cursor c)
{
    struct option option;
    struct interface *interface = new_interface(p);
    if (!interface)
        return false;
    interface->link = dlt_of(get16(p, &c));
    cursor_skip(&c, 2);
    interface->snaplen = get32(p, &c);
    if (c.failed)
        return damaged(p, "an interface that is too short: number", p->interfaces);
    while (next_option(p, &c, &option)) {
        if (option.code == OPTION_COMMENT)
            note_comment(p, option.value);
        if (is_option(&option, OPTION_TSRESOL, 1) &&
            !set_clock(p, interface, cursor_u8(&option.value)))
            return false;
        if (is_option(&option, OPTION_TSOFFSET, 8))
            interface->offset_s = (int64_t)get64(p, &option.value);
    }
    p->interfaces++;
    if (p->io.meet)
        p->io.meet(p->io.context, interface->link);
    return true;
}

static struct interface *interface_at(struct pcapng *p, uint32_t number)
{
    if (number < p->interfaces)
        return &p->interface[number];
    damaged(p, "an interface that was not described: number", number);
    return NULL;
}

/* --- packets -----------------------------------------------------------------------------------
 */

static uint64_t ns_part(const struct interface *interface, uint64_t part)
{
    if (interface->binary) {
        unsigned down = interface->power > 34 ? interface->power - 34u : 0;
        return ((part >> down) * (uint64_t)NS_PER_S) >> (interface->power - down);
    }
    if (interface->per_s > (uint64_t)NS_PER_S)
        return part / (interface->per_s / (uint64_t)NS_PER_S);
    return part * ((uint64_t)NS_PER_S / interface->per_s);
}

/* A stamp can name any second at all: what no record can carry is the nearest that one can. */
static struct ptime time_of(const struct interface *interface, uint32_t high, uint32_t low)
{
    uint64_t stamp = (uint64_t)high << 32 | low;
    uint64_t whole = stamp / interface->per_s;
    int64_t seconds = whole > INT64_MAX ? INT64_MAX : (int64_t)whole;
    if (__builtin_add_overflow(seconds, interface->offset_s, &seconds))
        seconds = interface->offset_s < 0 ? INT64_MIN : INT64_MAX;
    if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX)
        return (struct ptime){(seconds < 0 ? -SECONDS_MAX : SECONDS_MAX) * NS_PER_S};
    return (struct ptime){seconds * NS_PER_S +
                          (int64_t)ns_part(interface, stamp % interface->per_s)};
}

static bool fill_packet(struct pcapng *p, struct interface *interface, struct cursor *c,
                        uint32_t captured, uint32_t wire)
{
    const uint8_t *data = cursor_take(c, captured);
    if (!data)
        return damaged(p, "a packet that is longer than its block: bytes", captured);
    cursor_skip(c, -(size_t)captured & 3);
    if (!interface->accepted && p->io.accept && !p->io.accept(p->io.context, interface->link)) {
        p->refused = true;
        return false;
    }
    interface->accepted = true;
    p->packet->data = data;
    p->packet->captured = captured;
    p->packet->wire_bytes = wire < captured ? captured : wire;
    p->packet->link = interface->link;
    p->has_packet = true;
    return true;
}

/* A count that nobody can have counted is none. */
static bool is_count(uint64_t drops)
{
    return drops < UINT64_C(1) << 60;
}

static void note_packet_drops(struct pcapng *p, uint64_t drops)
{
    if (!is_count(drops) || !is_count(p->packet_drops + drops))
        return;
    p->packet_drops += drops;
    p->notes.drops_known = true;
}

static bool read_packet(struct pcapng *p, struct cursor c)
{
    struct option option;
    uint32_t number = get32(p, &c), high = get32(p, &c), low = get32(p, &c);
    uint32_t captured = get32(p, &c), wire = get32(p, &c);
    struct interface *interface = interface_at(p, number);
    if (!interface || !fill_packet(p, interface, &c, captured, wire))
        return false;
    p->packet->time = time_of(interface, high, low);
    while (next_option(p, &c, &option)) {
        if (option.code == OPTION_COMMENT)
            note_comment(p, option.value);
        if (is_option(&option, OPTION_DROPCOUNT, 8))
            note_packet_drops(p, get64(p, &option.value));
    }
    return true;
}

/* Obsolete: a 16-bit interface, and drops since the packet before (0xffff: not known). */
static bool read_packet_old(struct pcapng *p, struct cursor c)
{
    struct option option;
    uint16_t number = get16(p, &c), drops = get16(p, &c);
    uint32_t high = get32(p, &c), low = get32(p, &c);
    uint32_t captured = get32(p, &c), wire = get32(p, &c);
    struct interface *interface = interface_at(p, number);
    if (!interface || !fill_packet(p, interface, &c, captured, wire))
        return false;
    p->packet->time = time_of(interface, high, low);
    if (drops != 0xffff)
        note_packet_drops(p, drops);
    while (next_option(p, &c, &option))
        if (option.code == OPTION_COMMENT)
            note_comment(p, option.value);
    return true;
}

/* Of the first interface; no time, and its captured length is what the snap length left. */
static bool read_simple(struct pcapng *p, struct cursor c)
{
    uint32_t wire = get32(p, &c);
    struct interface *interface = interface_at(p, 0);
    if (!interface)
        return false;
    uint32_t captured = interface->snaplen && wire > interface->snaplen ? interface->snaplen : wire;
    if (!fill_packet(p, interface, &c, captured, wire))
        return false;
    p->packet->time = SOURCE_NO_TIME;
    p->notes.untimed++;
    return true;
}

static bool read_statistics(struct pcapng *p, struct cursor c)
{
    struct option option;
    struct interface *interface = interface_at(p, get32(p, &c));
    cursor_skip(&c, 8); /* when */
    if (!interface)
        return false;
    while (next_option(p, &c, &option)) {
        bool by_card = is_option(&option, OPTION_IF_DROP, 8);
        if (!by_card && !is_option(&option, OPTION_OS_DROP, 8))
            continue;
        uint64_t count = get64(p, &option.value);
        uint64_t *drops = by_card ? &interface->card_drops : &interface->os_drops;
        if (!is_count(count))
            continue;
        if (count > *drops)
            *drops = count; /* they only grow */
        p->notes.drops_known = true;
    }
    return true;
}

/* --- blocks ------------------------------------------------------------------------------------
 */

/* In the order of how often they come. A body begins after type and length and ends before the
 * second length. */
static const struct kind {
    uint32_t type;
    bool (*read)(struct pcapng *p, struct cursor body);
} kinds[] = {
    {BLOCK_PACKET, read_packet},         {BLOCK_SIMPLE, read_simple},
    {BLOCK_PACKET_OLD, read_packet_old}, {BLOCK_STATISTICS, read_statistics},
    {BLOCK_INTERFACE, read_interface},   {BLOCK_SECTION, read_section},
};

static const struct kind *kind_of(uint32_t type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].type == type)
            return &kinds[i];
    return NULL;
}

/* Makes [at, at + size) lie in the window. False: it ends before that. */
static bool have(struct pcapng *p, size_t size)
{
    if (p->end - p->at >= size)
        return true;
    memmove(p->window, p->window + p->at, p->end - p->at);
    p->end -= p->at;
    p->at = 0;
    if (size > p->room) {
        p->window = xrealloc(p->window, size);
        p->room = size;
    }
    while (p->end < size) {
        ssize_t got = p->io.read(p->io.context, p->window + p->end, p->room - p->end);
        if (got <= 0)
            return false;
        p->end += (size_t)got;
        p->read_bytes += (uint64_t)got;
    }
    return true;
}

static bool skip(struct pcapng *p, uint64_t size)
{
    while (size > 0) {
        if (!have(p, 1))
            return false;
        uint64_t here = p->end - p->at;
        uint64_t count = here < size ? here : size;
        p->at += (size_t)count;
        size -= count;
    }
    return true;
}

static bool cut_short(struct pcapng *p)
{
    return damaged(p, "the file ends within a block; bytes of it:", p->end - p->at);
}

/* The byte order is a new section's own; its magic comes after the length. */
static bool look_for_order(struct pcapng *p)
{
    struct cursor c = cursor_make(p->window + p->at + 8, 4);
    uint32_t magic = cursor_le32(&c);
    if (magic != ORDER_MAGIC && magic != __builtin_bswap32(ORDER_MAGIC))
        return damaged(p, "a section without a byte order: magic", magic);
    p->big = magic != ORDER_MAGIC;
    return true;
}

static bool skip_unknown(struct pcapng *p, uint32_t size)
{
    return skip(p, size) || cut_short(p);
}

/* A whole block, read or skipped. */
static bool next_block(struct pcapng *p)
{
    if (!have(p, BLOCK_MIN))
        return cut_short(p);
    struct cursor c = cursor_make(p->window + p->at, BLOCK_MIN);
    uint32_t type = get32(p, &c);
    if (type == BLOCK_SECTION && !look_for_order(p))
        return false;
    uint32_t size = get32(p, &c);
    if (size < BLOCK_MIN || size % 4 != 0)
        return damaged(p, "a block of a length that cannot be:", size);
    const struct kind *kind = kind_of(type);
    if (!kind)
        return skip_unknown(p, size);
    if (size > PCAPNG_BLOCK_BYTES)
        return damaged(p, "a block larger than any that is read: bytes", size);
    if (!have(p, size))
        return cut_short(p);
    struct cursor end = cursor_make(p->window + p->at + size - 4, 4);
    uint32_t again = get32(p, &end);
    if (again != size)
        return damaged(p, "a block whose two lengths differ: the second is", again);
    struct cursor body = cursor_make(p->window + p->at + 8, size - BLOCK_MIN);
    if (!kind->read(p, body))
        return false;
    p->at += size;
    return true;
}

/* --- for source.c ------------------------------------------------------------------------------
 */

struct pcapng *pcapng_new(const struct pcapng_io *io, size_t buffer_bytes)
{
    struct pcapng *p = xcalloc(1, sizeof *p);
    p->io = *io;
    p->room = buffer_bytes < BLOCK_MIN ? BLOCK_MIN : buffer_bytes;
    p->window = xcalloc(1, p->room);
    return p;
}

void pcapng_free(struct pcapng *p)
{
    if (!p)
        return;
    free(p->interface);
    free(p->window);
    free(p);
}

static enum pcapng_result block(struct pcapng *p)
{
    if (*p->problem || p->refused)
        return p->refused ? PCAPNG_REFUSED : PCAPNG_DAMAGED;
    if (!have(p, 1))
        return PCAPNG_END; /* between two blocks */
    if (next_block(p))
        return PCAPNG_PACKET;
    return p->refused ? PCAPNG_REFUSED : PCAPNG_DAMAGED;
}

enum pcapng_result pcapng_head(struct pcapng *p)
{
    p->packet = &p->unused;
    while (p->interfaces == 0) {
        enum pcapng_result result = block(p);
        if (result != PCAPNG_PACKET)
            return result;
    }
    return PCAPNG_PACKET;
}

enum pcapng_result pcapng_next(struct pcapng *p, struct packet_raw *raw)
{
    p->packet = raw;
    p->has_packet = false;
    while (!p->has_packet) {
        enum pcapng_result result = block(p);
        if (result != PCAPNG_PACKET)
            return result;
    }
    return PCAPNG_PACKET;
}

const char *pcapng_problem(const struct pcapng *p)
{
    return p->problem;
}

void pcapng_notes(const struct pcapng *p, struct source_notes *notes)
{
    *notes = p->notes;
    for (uint32_t i = 0; i < p->interfaces; i++) {
        notes->kernel_drops += p->interface[i].os_drops;
        notes->interface_drops += p->interface[i].card_drops;
    }
    if (p->packet_drops > notes->kernel_drops + notes->interface_drops)
        notes->kernel_drops = p->packet_drops - notes->interface_drops;
}
