/* A second reading of captures, for the packets of some flows only: which flows are wanted, and the
 * records in which their packets cross. They cross in a ring of their own, never in an engine's.
 *
 * A packet is one record, or several when it is larger than RECORD_MAX_BYTES: its parts, one behind
 * the other. The last record is a PICKED_END. Plain data, pure functions. */
#ifndef WEIR_RECORD_PICKED_H
#define WEIR_RECORD_PICKED_H

#include "weir/record/record.h"

struct wanted_flow {     /* no padding */
    struct flow_key key; /* flow_key_unordered */
    int64_t start_ns, last_ns;
};

#define WANTED_NONE UINT32_MAX
#define WANTED_MAX  (1u << 20)

/* By addresses, ports, protocol, then place, then start: the order that wanted_find needs. */
int wanted_compare(const void *a, const void *b);
#define WANTED_COPY_NS (100 * NS_PER_MS) /* a mirror's copy comes so long after the packet */

/* The flow of this key (any side first) that lives at `time_ns`; of several the one that began
 * last. `copy`: of a packet, so whatever its VLAN and tenant, and perhaps behind the flow's last.
 * WANTED_NONE: none does. */
uint32_t wanted_find(const struct wanted_flow *wanted, uint32_t count, const struct flow_key *key,
                     int64_t time_ns, bool copy);

enum picked_kind { PICKED_PART = 0x100, PICKED_END };

#define PICKED_CAPTURED_MAX (1u << 24) /* bytes of one packet; the rest of a longer one is cut */

struct picked_part {
    struct record_header header; /* time_ns: the packet's own time stamp */
    uint32_t flow;               /* which of the wanted ones */
    uint32_t input;              /* which of the inputs, as they were handed over */
    int32_t link;                /* DLT */
    uint32_t wire_bytes, captured;
    uint32_t offset, size; /* of this part in the captured bytes */
    uint32_t spare;
    uint8_t bytes[];
};

struct picked_end {
    struct record_header header;
    uint64_t unheld; /* frames of fragments of which it is not known whose they were */
};

#define PICKED_PART_BYTES (RECORD_MAX_BYTES - (uint32_t)sizeof(struct picked_part))

/* Puts packets together again, of parts that somebody else may have made up. */
struct picked_packet {
    uint32_t flow, input;
    int link;
    uint32_t wire_bytes, captured;
    struct ptime stamp;
    const uint8_t *data;
};

struct picked_reader {
    uint32_t flows, inputs; /* how many there are */
    struct picked_packet packet;
    uint8_t *bytes;
    uint32_t have, room;
    uint64_t unheld; /* of the end */
};

enum picked_result {
    PICKED_MORE,   /* a part: the packet goes on in the next record */
    PICKED_PACKET, /* reader->packet is whole; its data is good until the next record */
    PICKED_LAST,   /* the end */
    PICKED_INVALID /* no such record */
};
enum picked_result picked_read(struct picked_reader *reader, const void *record, size_t size);
void picked_reader_fini(struct picked_reader *reader);

#endif
