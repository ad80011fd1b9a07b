/* The records that cross from capture to engine. They are the only thing that does.
 *
 * Each is a fixed struct, sometimes followed by a tail of text, addresses or hashes; host byte
 * order, multiples of eight bytes, no pointers. The engine copies a record out of the shared memory
 * and then validates it (record_validate), so nothing behind a compromised parser is trusted.
 *
 * Order of consumption: (time_ns, key, worker, number). `number` grows within a worker; all records
 * of one host pair come from one worker, so the order does not depend on how many workers there
 * are.
 *
 * Units are bytes and nanoseconds of packet time. Thread: plain data, no state. */
#ifndef WEIR_RECORD_RECORD_H
#define WEIR_RECORD_RECORD_H

#include "weir/base/address.h"
#include "weir/base/time.h"
#include "weir/record/tunnel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_VERSION   6
#define RECORD_MAX_BYTES 8192u /* the largest record; the ring refuses larger ones */
#define RECORD_NAME_MAX  253u  /* a DNS name without its last dot (RFC 1035 2.3.4) */

/* What record_validate lets through, so that sums and differences of a few cannot overflow. */
#define RECORD_TIME_MAX_NS (INT64_MAX / 2)      /* ± 146 years of 1970; watermarks: any time */
#define RECORD_BYTES_MAX   (UINT64_C(1) << 60u) /* of one side of a flow, packets too */

enum record_kind {
    RECORD_FLOW = 1,
    RECORD_NAME,
    RECORD_CONTENT,
    RECORD_HEALTH,
    RECORD_BINDING,
    RECORD_WATERMARK, /* header only: nothing before or at time_ns comes after this record */
};

struct record_header {
    uint32_t size; /* of the whole record, a multiple of 8 */
    uint16_t kind;
    uint16_t version;
    uint64_t number;
    int64_t time_ns;
};

#define VANTAGES 64 /* places that see the same hosts apart, each with flows of its own */

/* Which flow: the originator first. No padding: compared and hashed as bytes. */
struct flow_key {
    struct ip orig_ip, resp_ip;
    uint16_t orig_port, resp_port; /* host order; ICMP: as Community ID v1 takes them */
    uint16_t vlan;                 /* outermost VLAN id, 0: none */
    uint8_t proto;                 /* IP protocol number */
    uint8_t vantage;               /* where it was seen, < VANTAGES; 0 in a replay */
    /* What keeps equal addresses apart inside of that (decode/packet.h), 0: nothing. Last, so that
     * the order of keys without one is that of the members above. */
    uint64_t tenant;
};

enum flow_side { SIDE_ORIG, SIDE_RESP, SIDES };

/* What one side sent. TCP payload_bytes are distinct sequence bytes in packets seen (by IP length,
 * even where the snap length cut them), missing_bytes were spanned by captured data or acknowledged
 * by the peer but not seen, acked_bytes were seen and acknowledged. Other protocols: payload_bytes
 * is transport payload, the rest 0 (acked_bytes = payload_bytes: nothing says they did not arrive).
 */
struct side_counts {
    uint64_t packets, wire_bytes, ip_bytes;
    uint64_t payload_bytes, missing_bytes, acked_bytes, retransmitted_bytes;
};

enum flow_end { /* why the flow ended; FLOW_OPEN in progress records */
                FLOW_OPEN,
                FLOW_END_CLOSED,  /* FIN from both sides */
                FLOW_END_RESET,   /* RST in the window */
                FLOW_END_IDLE,    /* no packet for the time-out */
                FLOW_END_REUSED,  /* a new connection on the same ports */
                FLOW_END_EVICTED, /* the table was full */
                FLOW_END_INPUT,   /* the input ended */
                FLOW_END_LOST,    /* the engine's own: the process that saw it has gone */
                FLOW_ENDS
};
extern const char *const flow_end_name[FLOW_ENDS];

enum service { /* what the content proved itself to be; SERVICE_NONE: not known */
               SERVICE_NONE,
               SERVICE_DNS,
               SERVICE_TLS,
               SERVICE_HTTP,
               SERVICE_SSH,
               SERVICE_SMTP,
               SERVICE_FTP,
               SERVICE_FTP_DATA,
               SERVICE_QUIC,
               SERVICE_HTTP2, /* in clear */
               SERVICE_NTP,
               SERVICE_POP3,
               SERVICE_IMAP,
               SERVICE_TFTP,
               SERVICE_SMB,
               SERVICE_NFS,
               SERVICE_WEBSOCKET, /* frames behind an upgrade in clear; it was HTTP before */
               SERVICE_MODBUS,    /* from here on what plants and airports speak (service_is_ot) */
               SERVICE_S7,
               SERVICE_DNP3,
               SERVICE_IEC104,
               SERVICE_BACNET,
               SERVICE_CIP,
               SERVICE_OPCUA,
               SERVICE_PROFINET,
               SERVICE_ASTERIX,
               SERVICES
};
extern const char *const service_name[SERVICES]; /* "dns", "tls", …; NULL for SERVICE_NONE */
bool service_is_ot(enum service service);        /* control systems and surveillance */
bool service_is_sealed(enum service service);    /* encrypted: TLS, SSH, QUIC */

#define FLOW_ESTABLISHED                                                                           \
    1u                    /* TCP payload after a handshake or from both sides; a two-way exchange */
#define FLOW_ONE_SIDED 2u /* TCP: only one side's packets were ever seen */
#define FLOW_MIDSTREAM 4u /* TCP: the SYN was not seen */
#define FLOW_ORIG_BY_SYN                                                                           \
    8u /* the originator is known from a SYN, not guessed from ports or order */
#define FLOW_HAS_JA3   16u
#define FLOW_TUNNELLED 32u /* packets of it came in a tunnel (not always known any more) */
#define FLOW_TUNNEL_MOVED                                                                          \
    64u /* a side's packets came by other tunnels before: told up to there                         \
         */
#define FLOW_ORIG_BY_SERVICE      128u /* … from what was said: only a client says that */
#define FLOW_ORIG_BY_PORT         0x100u /* … guessed from the ports (ICMP: the type); else from order */
#define FLOW_BROADCAST            0x200u  /* a frame of it went to a group address of the link */
#define FLOW_TURNED               0x400u  /* the record before told its sides the other way round */
#define FLOW_ECH                  0x800u  /* the client offered an encrypted ClientHello */
#define FLOW_ESNI                 0x1000u /* … or its forerunner */
#define FLOW_CERTIFICATE_HAS_NAME 0x2000u /* the server's certificate holds the server name */
#define FLOW_CERTIFICATE_OTHER    0x4000u /* … does not: fronting, a forged name, an appliance */

enum client_by { /* where a claim of who the client really is was found */
                 CLIENT_NONE,
                 CLIENT_PROXY_PROTOCOL,
                 CLIENT_X_FORWARDED_FOR,
                 CLIENT_FORWARDED,
                 CLIENT_BYS
};
extern const char *const client_by_name[CLIENT_BYS]; /* "proxy-protocol", …; NULL for none */

/* Whom a proxy says it speaks for. Anybody can write that: it moves no byte and no host. */
struct client_claim {
    struct ip ip;
    uint32_t changes; /* claims after the first that differ from the one before */
    uint16_t port;    /* 0: not said */
    uint8_t by;       /* enum client_by */
    uint8_t spare;
};

/* What the content says of a flow in words. In a record's tail each follows the one before, none
 * longer than RECORD_NAME_MAX, printable ASCII, without NUL. */
enum flow_text {
    TEXT_SERVER_NAME, /* the first SNI or Host */
    TEXT_QUESTION,    /* the first DNS question */
    TEXT_APPLICATION, /* finer than the service: "doh", "dot", "doq", or whatever libndpi calls it
                       */
    TEXT_JA4,
    TEXT_ALPN,        /* what the client offers first; of QUIC too */
    TEXT_CERTIFICATE, /* names in the server's certificate, the first ones, with commas between */
    FLOW_TEXTS
};

/* Bodies that one side sent: files, messages, requests' and answers' contents. */
struct body_counts {
    uint64_t declared_bytes; /* of those that said how large they are */
    uint64_t seen_bytes;     /* as they were sent, of all */
    uint32_t bodies;
    uint32_t undeclared; /* that did not say */
};

/* What was asked for in a control system's protocol, where a header tells. */
struct operation_counts {
    uint32_t reads, writes;
};

/* ICMP echo: payloads of one side that are no ordinary ping's, since start_ns (flow/echo.c). */
struct echo_counts {
    uint32_t payloads, bytes; /* both stay at UINT32_MAX */
};

struct record_flow {
    struct record_header header;
    struct flow_key key;
    int64_t start_ns, last_ns;       /* of its packets */
    int64_t fresh_since_ns;          /* first packet not covered by the record before */
    struct side_counts total[SIDES]; /* since start_ns */
    struct {                         /* since the last record that was accepted */
        int64_t payload_bytes, missing_bytes, acked_bytes, packets; /* missing may shrink */
    } fresh[SIDES];
    uint8_t end;                   /* enum flow_end */
    uint8_t service;               /* enum service */
    uint8_t text_size[FLOW_TEXTS]; /* text in the tail */
    uint32_t flags;                /* FLOW_… */
    uint16_t entropy[SIDES];       /* thousandths of a bit a byte, of the first bytes; 0: unknown */
    uint8_t ja3[16];               /* MD5, when FLOW_HAS_JA3 */
    struct client_claim client;    /* the first */
    struct body_counts body[SIDES];
    struct operation_counts operations;
    struct echo_counts echo[SIDES];
    uint32_t functions_back; /* as in struct function_set, as the other two below */
    uint8_t tunnels;   /* struct tunnel × this after the text: both sides', or orig's and resp's */
    uint8_t functions; /* codes behind those: see function.h */
    uint16_t functions_more, functions_more_back;
    uint8_t spare[6];
    char tail[];
};

enum name_kind {
    NAME_DNS,    /* a question and, when seen, its answer's addresses */
    NAME_SERVER, /* a server name: TLS SNI or HTTP Host */
    NAME_KINDS
};

#define RECORD_NAME_ADDRESSES 32u /* of one answer; further ones are counted in `more` */
#define RECORD_NAME_ALIASES   4u  /* of one answer; further ones are not told */

struct record_name {
    struct record_header header;
    struct flow_key key;
    uint8_t kind;
    uint8_t answered; /* NAME_DNS: 1 for a response */
    uint8_t rcode;
    uint8_t address_count; /* struct ip × this, first in the tail */
    uint16_t qtype;
    uint16_t name_size; /* text after the addresses: lower case, no last dot */
    uint32_t ttl_s;     /* smallest of the answer's addresses */
    uint32_t more;
    /* What tunnels are known by; all of a message's are in its first question's record. */
    uint32_t answer_bytes;  /* data of the answer's records */
    uint32_t message_bytes; /* of the whole message, options and other sections too */
    uint16_t answers;       /* records */
    uint8_t alias_count;    /* texts after the name, each after its size: what it is an alias of */
    uint8_t name_cut;       /* bytes of the name that are not in the text: it keeps its end */
    uint8_t spare[4];
    char tail[];
};
/* An alias of a valid record, of this index; without NUL, borrowed from the record. */
const char *record_name_alias(const struct record_name *record, size_t index, size_t *size);

/* Classes of sensitive data. Each item has a label that says what kind of its class it is. Behind
 * them, what clients asked a server for, as its answers say: those are told of the side that
 * answers, and are no data that was seen. */
enum content_class {
    CONTENT_EMAIL,   /* an address; its registrable domain */
    CONTENT_CARD,    /* a payment card; its issuer: "visa" */
    CONTENT_IBAN,    /* a bank account; its country: "DE" */
    CONTENT_PHONE,   /* a telephone number; its country's code: "+81" */
    CONTENT_SETTING, /* systems' settings and secrets: "private-key", "mail-host" */
    CONTENT_FLIGHT,  /* flight data: "icao-fpl", "aftn", "ssim" */
    CONTENT_ARCHIVE, /* a container: "zip", "7z-encrypted", "pdf" */
    CONTENT_PATTERN, /* what the operator looks for (content.patterns); the pattern's name */
    CONTENT_CLASSES,
    CONTENT_ACCOUNT = CONTENT_CLASSES, /* that logged in; the protocol: "http" */
    CONTENT_REFUSED,                   /* … or tried to */
    CONTENT_PROJECT,                   /* what a path leads to, of which something was given out */
    CONTENT_KINDS                      /* of all */
};
extern const char *const content_class_name[CONTENT_KINDS]; /* "email", … */

#define CONTENT_LABEL_MAX      63u  /* longer ones keep their end; printable ASCII */
#define CONTENT_SAMPLE_MAX     80u  /* bytes; printable ASCII, the rest as \xHH */
#define RECORD_CONTENT_ITEMS   256u /* of one record */
#define RECORD_CONTENT_LABELS  48u
#define RECORD_CONTENT_SAMPLES 4u

/* What inspection counted on one side of a flow: never the data, unless privacy.content_samples
 * asks for some. Tail: hash_count keyed hashes, new to this flow (or repeated after its set was
 * full); for each, a byte with the place of its label; then the labels, then the samples, each
 * after a byte with its size. */
struct record_content {
    struct record_header header;
    struct flow_key key;
    uint8_t side;  /* enum flow_side: who sent it */
    uint8_t class; /* enum content_class */
    uint16_t hash_count;
    uint8_t tunnels; /* 0: the next are empty; 2: orig's and resp's */
    uint8_t label_count, sample_count;
    uint8_t spare;
    uint64_t inspected_bytes, gap_bytes; /* of this side so far */
    uint64_t sent_bytes;                 /* the side's payload_bytes when this was counted */
    struct tunnel tunnel[SIDES];
    uint64_t hash[];
};

/* One item of a valid record. Texts are without NUL, borrowed from the record. */
struct content_item {
    uint64_t hash;
    const char *label;
    uint8_t label_size;
};
struct content_item record_content_item(const struct record_content *record, size_t index);
/* Its sample of this index, < sample_count. */
const char *record_content_sample(const struct record_content *record, size_t index, size_t *size);

#define BINDING_CARRIERS 4u

enum binding_kind { BINDING_ARP, BINDING_ND, BINDING_DHCP4, BINDING_DHCP6, BINDING_KINDS };

/* An address is a device's, as the wire said at time_ns. Its key is no flow's but all that it says
 * (binding_key), so that the order of consumption does not depend on which worker saw it: two with
 * one time and one key say the same, though perhaps not both by carriers that are believed. */
struct record_binding {
    struct record_header header;
    struct flow_key key;
    struct ip address, device; /* see base/device.h */
    uint32_t lease_s;          /* DHCP: of the address; 0: none said */
    uint16_t vlan;             /* where it was said, as in a flow's key */
    uint8_t vantage;
    uint8_t kind; /* enum binding_kind */
    /* Whoever brought it from beyond the link: who sent the tunnels around it, and a DHCP message.
     * A link's own word (ARP, ND with hop limit 255) has none; ::, none. */
    struct ip carrier[BINDING_CARRIERS];
};

/* Everything a worker counts about its own sight, since its start. */
#define HEALTH_COUNTERS(X)                                                                         \
    X(packets) /* read from the source */                                                          \
    X(wire_bytes)                                                                                  \
    X(kernel_drops) /* the operating system had no room (live) */                                  \
    X(interface_drops)                                                                             \
    X(cut_packets)    /* captured shorter than they were */                                        \
    X(not_ip)         /* ARP, LLDP, …: no host speaks to another network with these */           \
    X(unknown_link)   /* a link type or encapsulation this sensor does not read */                 \
    X(truncated)      /* cut inside a header */                                                    \
    X(malformed)      /* header lengths or versions that contradict each other */                  \
    X(truncated_link) /* of `truncated`, by the header that was cut: … */                        \
    X(truncated_ipv4)                                                                              \
    X(truncated_ipv6)                                                                              \
    X(truncated_transport)                                                                         \
    X(malformed_link) /* of `malformed`, by the header that cannot be: … */                      \
    X(malformed_ipv4)                                                                              \
    X(malformed_ipv6)                                                                              \
    X(malformed_tcp) /* … these are counted as flows all the same, without ports */              \
    X(malformed_udp)                                                                               \
    X(malformed_icmp)                                                                              \
    X(malformed_sctp)                                                                              \
    X(kinds_more)      /* packets of further kinds than health.kind has room for */                \
    X(tunnels_unread)  /* packets of a tunnel whose inside was not read: counted as what carried   \
                          them */                                                                  \
    X(fragments)       /* IP fragments: frames */                                                  \
    X(fragments_whole) /* datagrams put together of them */                                        \
    X(fragments_given_up) /* datagrams told as far as they were seen */                            \
    X(fragments_evicted)  /* … before their time, for want of room */                            \
    X(fragment_conflicts) /* datagrams whose fragments contradict each other */                    \
    X(duplicates)         /* frames a mirror showed twice, not counted again */                    \
    X(duplicate_bytes)    /* … as they were on the wire */                                       \
    X(time_backwards)     /* packets older than the one before */                                  \
    X(time_jumps)         /* an hour or more off the clock, told at the clock instead */           \
    X(tcp_payload_bytes)  /* distinct */                                                           \
    X(tcp_missing_bytes)                                                                           \
    X(duplicates_forgotten) /* packets forgotten before their copy could have come */              \
    X(places_forgotten)                                                                            \
    X(tcp_retransmitted_bytes) /* bytes that came again, whatever they were */                     \
    X(tcp_far_acks)            /* acknowledgments too far beyond their stream to be believed */    \
    X(tcp_resets_refused)      /* RSTs that fit no side of their flow: they end nothing */         \
    X(tcp_reset_bytes)         /* carried by RSTs: they left, but are no stream and no payload */  \
    X(tcp_holes_forgotten) /* holes closed for want of room: a late fill counts as retransmitted   \
                            */                                                                     \
    X(tcp_far_segments)    /* too far from their stream to be believed: counted as packets, not    \
                              payload */                                                           \
    X(flows)               /* begun */                                                             \
    X(flows_evicted)       /* ended because the table was full */                                  \
    X(flows_one_sided)     /* TCP, ended with packets of one side only and payload or acks */      \
    X(flows_two_sided)                                                                             \
    X(tunnels_forgotten) /* times that a tunnel was kept without its ids, for want of room */      \
    X(tunnels_lost)      /* … not at all: the flow's own addresses decided whether it left */    \
    X(tunnels_mixed) /* times that what came by one tunnel was told with the next: a full ring */  \
    X(ring_rejected) /* progress records refused by a full ring (their bytes came later) */        \
    X(ring_lost)     /* end records that no longer could be parked */                              \
    X(streams_attached)   /* out-of-order episodes handed to libnids */                            \
    X(stream_gap_bytes)   /* content that inspection did not see */                                \
    X(stream_budget)      /* episodes cut short by the out-of-order budget */                      \
    X(content_overflow)   /* content records refused by a full ring */                             \
    X(content_let_go)     /* sides that began with no text: not looked into after 64 KiB */        \
    X(content_beyond)     /* sides of which only the first GiB of clear text was looked into */    \
    X(content_given_up)   /* flows no longer looked into: too many were, at once */                \
    X(channels_forgotten) /* announced data channels: too many were, at once */                    \
    X(files_cut)          /* open files no longer followed: too many were, at once */              \
    X(messages_unread)    /* SMB, NFS: compressed, or too deep for where data lies */              \
    X(patterns_refused)   /* searches that needed too much, messages without room */               \
    X(parse_malformed)    /* names that did not parse */                                           \
    X(mail_beyond)        /* of mail: heads, nestings and compressed sessions that are not read */ \
    X(asks_forgotten) /* requests of which nobody will know who asked: too many waited at once */  \
    X(applications_asked)   /* flows that libndpi was asked about … */                           \
    X(applications_named)   /* … and had a name for */                                           \
    X(applications_unasked) /* not asked about, for want of room */                                \
    X(bodies_damaged)       /* whose codings could not be undone to the end: spoilt, or cut */     \
    X(bodies_bombs)         /* … that had grown beyond the bound, and were let go */             \
    X(bodies_unread)    /* inspected as they were sent: unknown codings, or no memory for them */  \
    X(bindings_suspect) /* ARP, ND: the sender is not whom the message says; ties nothing */       \
    X(bindings_malformed) /* ARP, ND, DHCP that did not parse */                                   \
    X(bindings_lost)      /* refused by a full ring, or beyond what is read of one message */

/* Packets that were not read, by what they said they were. In a replay one worker counts them all,
 * so which kinds found room does not depend on how many workers there are. */
enum health_what {
    HEALTH_NOTHING, /* a free place */
    HEALTH_LINK,    /* `value` is a link type that is not read */
    HEALTH_UNREAD,  /* … an EtherType that may carry other hosts' IP packets, and is not read */
    HEALTH_SKIPPED, /* … an EtherType with which no host speaks to another network (ARP, …) */
    HEALTH_UNREAD_WITHIN,  /* as these two, where no EtherType says what it is: `value` is the */
    HEALTH_SKIPPED_WITHIN, /* … link type, which is read */
    HEALTH_WHATS
};
/* "link_type", "ethertype", "not_ip", "within_link_type", "not_ip_within_link_type" */
extern const char *const health_what_name[HEALTH_WHATS];

#define HEALTH_KINDS 16u

struct health_kind {
    uint16_t what, value;
    uint32_t spare;
    uint64_t packets;
};

struct health {
#define HEALTH_FIELD(name) uint64_t name;
    HEALTH_COUNTERS(HEALTH_FIELD)
#undef HEALTH_FIELD
    uint64_t largest_step_back_ns;         /* of time_backwards: a maximum, not a sum */
    struct health_kind kind[HEALTH_KINDS]; /* the first HEALTH_KINDS met; used ones in front */
};

/* Counts packets of a kind; without room they are in kinds_more. */
void health_count(struct health *health, enum health_what what, uint16_t value, uint64_t packets);
/* Sums, but for the maximum. */
void health_add(struct health *to, const struct health *health);
/* What grew. A hole that filled makes fewer missing bytes: that is nothing lost, not a huge number.
 * The maximum is told when it grew, else 0. */
struct health health_difference(const struct health *now, const struct health *before);
#define HEALTH_KIND_TEXT 40
/* "EtherType 0x88e5 (MACsec)", "link type 189", "within link type 9" */
const char *health_kind_text(const struct health_kind *kind, char text[HEALTH_KIND_TEXT]);
/* The kinds, most packets first; returns how many. */
size_t health_kinds(const struct health *health, struct health_kind kind[HEALTH_KINDS]);

struct record_health {
    struct record_header header;
    struct health total;
};

enum record_fault {
    RECORD_OK,
    RECORD_SHORT, /* smaller than its kind */
    RECORD_SIZE,  /* header.size is not what the ring says, or not a multiple of 8 */
    RECORD_KIND,  /* unknown kind or version */
    RECORD_TAIL,  /* the tail's lengths do not fit */
    RECORD_RANGE, /* an enum, a time or a count that cannot be */
    RECORD_FAULTS
};
extern const char *const record_fault_name[RECORD_FAULTS];

/* `record` is the engine's own copy of `size` bytes, 8-aligned. */
enum record_fault record_validate(const void *record, size_t size);

/* The texts of a valid record, as strings. */
void record_flow_texts(const struct record_flow *record,
                       char text[FLOW_TEXTS][RECORD_NAME_MAX + 1]);
/* One of them. */
void record_flow_text(const struct record_flow *record, unsigned which,
                      char text[RECORD_NAME_MAX + 1]);
/* How the packets of both sides travelled, each as the flow's sides lie; count 0: in no tunnel.
 * False: neither was in one. The record is valid. */
bool record_flow_tunnels(const struct record_flow *record, struct tunnel tunnel[SIDES]);
/* Writes them behind the text of the tail, which has room; returns its bytes. */
size_t record_flow_put_tunnels(struct record_flow *record, const struct tunnel tunnel[SIDES]);

/* Bytes a record with this much tail takes (rounded up to 8). */
size_t record_size(size_t fixed, size_t tail);
/* The same for both orientations: what a flow is known by while it may still turn out that the
 * other side opened it. */
struct flow_key flow_key_unordered(const struct flow_key *key);
struct flow_key flow_key_turned(const struct flow_key *key); /* the responder first */
/* Community ID v1, seed 0: "1:" + base64(SHA-1). `text` ≥ 32. */
char *flow_key_community_id(const struct flow_key *key, char *text);
/* From its other fields. */
struct flow_key binding_key(const struct record_binding *record);
/* The two "ports" of an ICMP message, as Community ID v1 takes them. True when the type has a
 * counter type (dst_port), so that request and answer are one flow; false when it is one-way
 * (dst_port is the code). */
bool icmp_ports(uint8_t proto, uint8_t type, uint8_t code, uint16_t *src_port, uint16_t *dst_port);
bool proto_has_ports(uint8_t proto); /* TCP, UDP, DCCP, SCTP */
const char *proto_text(uint8_t proto,
                       char text[8]); /* "tcp", "udp", "icmp", "icmp6", "sctp", "47" */

#endif
