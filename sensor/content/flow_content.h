/* What content keeps of a flow and of each of its sides; private to the room.
 *
 *   content.c   flows: packets in, facts and events out
 *   active.c    how many flows are looked into at once
 *   fetch.c     what hangs on a flow is asked for before its packet
 *   datagram.c  UDP
 *   side.c      a side's budget, its inspector, its found items, its gathered head
 *   stage.c     a stream side's stages: what its next bytes are
 *   tls_records.c  TLS: hellos, and records held to their places
 *   protocols.c the protocols that have a row (protocol.h); body.c what they carry
 *   handshake.c what a TLS or QUIC handshake said
 *   application.c what libndpi calls a flow that has no name here
 *   control.c   what the rows of control systems share
 *   asked.c     whom clients log in as, and what they ask a server for
 *   inspect.c   classes of sensitive data in clear bytes; items.c what was found and is not told
 *
 * Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_FLOW_CONTENT_H
#define WEIR_SENSOR_CONTENT_FLOW_CONTENT_H

#include "entropy.h"
#include "inspect.h"
#include "items.h"
#include "text.h"
#include "weir/base/pool.h"
#include "weir/content/content.h"

/* A step that asks for more than this has lost its way. */
#define SIDE_GATHER_MAX 65536u

struct protocol;
struct applications;
struct application_sample;

struct content {
    struct content_config config;
    struct content_events events;
    void *context;
    struct streams *streams;
    struct suffixes *suffixes;
    struct applications *applications; /* application.h */
    struct inspection inspection;
    struct items_shared items;
    struct pool flow_pool, side_pool, facts_pool; /* of struct content_flow, side, facts */
    struct pool entropy_pool;                     /* of struct entropy */
    uint64_t gathered_bytes;                      /* room of all sides' gathered heads */
    uint64_t malformed;                           /* names that did not parse */
    uint64_t inflate_bytes;                       /* that all bodies' decoders hold */
    uint64_t hpack_bytes;                         /* … HTTP/2's tables of fields */
    uint32_t http2_streams;                       /* bodies of HTTP/2 that are open */
    uint32_t open_file_count;                     /* open_files.c */
    uint64_t bodies_damaged, bodies_bombs, bodies_unread;
    uint64_t files_cut, messages_unread, mail_beyond, asks_forgotten;
    struct expectations *expectations; /* data channels that were announced */
    struct ptime now;                  /* of what is being looked at */
    struct content_flow **active;
    uint8_t *rounds; /* active.c: how often the hand passes each before it takes it */
    uint32_t active_count, active_room, hand;
    uint64_t given_up, let_go, beyond; /* see record.h: content_… */
    struct content_flow *nothing;      /* of every TCP flow that was given up with nothing found */
};

enum stage {
    STAGE_PROBE,     /* what begins here? gathered until that is certain */
    STAGE_UNKNOWN,   /* nothing certain: scanned, and let go unless it proves to be text */
    STAGE_RECORDS,   /* like TLS records, without a hello: held to their places, and scanned */
    STAGE_CLEAR,     /* clear text: scanned */
    STAGE_DNS,       /* messages, each after its length */
    STAGE_HELLO,     /* a ClientHello */
    STAGE_SERVER,    /* a ServerHello, and the certificate behind it */
    STAGE_PROTOCOL,  /* the row's steps; inspects by itself what is clear */
    STAGE_ENCRYPTED, /* nothing more to be had; waits for the other side to be so too */
    STAGES
};

struct side {
    struct content_flow *owner;
    struct filter *inspector; /* from the first byte that is inspected; bodies have their own */
    struct items *items;      /* from the first inspector on */
    void *state;              /* of its protocol's row */
    struct entropy *entropy;  /* of its first bytes, until there are enough */
    uint8_t *head;            /* bytes that a stage wants to see again with more behind them */
    uint64_t inspected_bytes, gap_bytes;
    uint64_t inflated_bytes; /* that its bodies' codings and packed heads made (coding.h) */
    uint64_t skip_bytes;     /* STAGE_PROBE: of a PROXY header; DNS: of a message; RECORDS,
                                ENCRYPTED: of a record */
    uint64_t limit_bytes;    /* inspected_bytes at which the stage's budget is spent */
    uint32_t head_size, head_room;
    struct text_counts sample; /* STAGE_PROBE, UNKNOWN, RECORDS */
    uint8_t stage;             /* enum stage */
    uint8_t records;           /* that were in their places, as far as it matters */
    bool held;                 /* STAGE_RECORDS, ENCRYPTED: a record's header is due */
    bool opened;               /* the protocol's row opened its state */
    bool beyond;               /* counted in content->beyond */
    bool lost;                 /* STAGE_DNS: a gap; where does the next message begin? */
    bool entropy_known;
    bool datagrams; /* one was inspected: each is a text of its own */
    bool begun;     /* something else than a PROXY header was seen, or bytes were lost */
    bool waits;     /* items.h: something found is not told yet */
};

/* What was learnt of a flow; most flows have none. Arrays of SIDES turn with the flow's sides. */
struct facts {
    char *text[FLOW_TEXTS]; /* the first ones; NULL: none */
    uint64_t last_name;     /* hash of the server name told last */
    char *hello_name;       /* of the first hello; "": it had none; NULL: no hello yet */
    char *certificate;      /* names that wait for the hello's to be compared; NULL: none */
    bool has_ja3, has_certificate;
    uint8_t ja3[16];
    uint32_t flags; /* FLOW_… */
    uint16_t entropy[SIDES];
    struct body_counts body[SIDES];
    struct operation_counts operations;
    struct function_set *functions;          /* NULL: none */
    struct client_claim client, last_client; /* the first and the last */
};

struct content_flow {
    struct content *content;
    struct flow *flow;
    struct stream *stream; /* TCP, until both sides are stopped */
    struct side *side[SIDES];
    struct facts *facts;               /* NULL: none */
    struct application_sample *sample; /* application.h; NULL: none */
    const struct protocol *protocol;   /* whose row opened `state`; NULL: none */
    void *state;
    struct expected *expected; /* NULL: no other flow announced this one */
    uint8_t service;           /* enum service */
    uint8_t hints;             /* HINT_… */
    uint8_t hellos;            /* tls_records.c: of whom a hello was read */
    uint8_t datagrams_tried;   /* for DNS on a port that does not promise it */
    uint8_t rows_tried;        /* datagrams that were no row's */
    bool application_done;     /* named, or nothing more is kept for it */
    uint32_t last_tag;         /* control.c: of a datagram that was not certain; 0: none */
    bool stopped[SIDES];
    uint32_t place; /* active.c: its place in content->active, from 1; 0: none */
};

static inline enum flow_side side_index(const struct side *side)
{
    return side == side->owner->side[SIDE_ORIG] ? SIDE_ORIG : SIDE_RESP;
}

/* content.c: what was learnt of the flow. */
struct facts *content_facts_of(struct content_flow *cf); /* made when missing */
void content_text(struct content_flow *cf, enum flow_text which, const char *text); /* the first
                                                                            one stays; "" is none */
void content_set_service(struct content_flow *cf, enum service service); /* the first one stays */
void content_server_name(struct content_flow *cf, const char *name);     /* "" is ignored */
/* For whom the other end says it speaks; ignored when it says nothing. */
void content_client(struct content_flow *cf, const struct client_claim *claim);
/* What dns_parse found in these bytes: every question is told. It is used up. */
void content_dns(struct content_flow *cf, const uint8_t *data, size_t size,
                 struct dns_message *message);
bool content_has_port(const struct content_flow *cf, uint16_t port);
struct flow_key content_key(const struct content_flow *cf);
/* The row whose state the flow has from now on; it stays. */
void content_set_protocol(struct content_flow *cf, const struct protocol *protocol);
void content_leave_protocol(struct content_flow *cf); /* sides have closed theirs */
void content_close_state(struct content_flow *cf);    /* the same, but it is still the row's */
/* Of requests: that read, that write, and what they ask for. */
void content_operations(struct content_flow *cf, uint32_t reads, uint32_t writes,
                        const struct function_set *functions);

void content_flow_free(struct content_flow *cf); /* what it has learnt; sides are gone */

/* handshake.c: what a client's hello says, as far as it was there; the server's certificate. */
void content_hello(struct content_flow *cf, const struct tls_hello *hello);
void content_certificate(struct content_flow *cf, const struct tls_certificate *certificate);
void handshake_free(struct content_flow *cf);
void handshake_forget(struct content_flow *cf); /* what waits: nobody looks at the flow any more */

/* active.c: joins; is left by whoever frees it or has nothing more to see; a packet was seen. */
void active_join(struct content_flow *cf);
void active_leave(struct content_flow *cf);
void active_touch(struct content_flow *cf, const struct packet *packet);

/* datagram.c: a packet; a datagram that may hold clear text. */
void datagram_take(struct content_flow *cf, enum flow_side side, const struct packet *packet);
/* As clear bytes, with the budget of `stage` when they are the side's first: STAGE_PROBE, they may
 * be text; STAGE_CLEAR. */
void datagram_inspect(struct content_flow *cf, enum flow_side side, enum stage stage,
                      const struct packet *packet);

/* side.c */
struct side *side_of(struct content_flow *cf, enum flow_side side, enum stage stage);
void side_close(struct side *side); /* looked at no more: what it has is told; NULL is nothing */
void side_free(struct side *side);
void side_set_stage(struct side *side, enum stage stage);
void side_take(struct side *side, const uint8_t *data, size_t size); /* may stop (free) the side */
void side_gap(struct side *side, uint64_t bytes);
void side_datagram(struct side *side, const uint8_t *data, size_t size); /* may stop the side */
void side_end(struct side *side);                                        /* the stream ends */
void side_tell(struct side *side);
/* CONTENT_CLEAR_BYTES were not looked at yet; counts the side once when they were. */
bool side_has_room(struct side *side);
/* Clear bytes that are no body, in order with those before; missing ones. */
void side_inspect(struct side *side, const uint8_t *data, size_t size);
void side_inspect_gap(struct side *side, uint64_t bytes);
struct filter *side_inspector(struct side *side); /* a new one, for a body: its own text */
struct finder side_finder(struct side *side);     /* whom its found items are told */
void side_set_protocol(struct side *side, const struct protocol *protocol);
/* What both sides speak ends here (a tunnel, an upgrade), and what begins is looked at anew. */
void side_leave_protocol(struct side *side);
bool side_gather(struct side *side, const uint8_t *data, size_t size); /* false: no room */
void side_drop_head(struct side *side, size_t bytes);                  /* its first bytes */

/* stage.c: names in the next bytes of a stream side. */
void stage_take(struct side *side, const uint8_t *data, size_t size);
/* What is gathered will not be continued: bytes are missing (how many), or there was no room. */
void stage_cut(struct side *side, uint64_t bytes);
bool stage_scans(enum stage stage);

/* tls_records.c: steps, and what missing bytes cut (`bytes` of them, behind the gathered head). */
size_t records_step_hello(struct side *side, const uint8_t *data, size_t size);
size_t records_step_server(struct side *side, const uint8_t *data, size_t size);
size_t records_step(struct side *side, const uint8_t *data, size_t size);
void records_cut_hello(struct side *side, uint64_t bytes); /* the head is to be stepped again */
void records_cut(struct side *side, uint64_t bytes);
void records_begin(struct side *side, const uint8_t *data, size_t size); /* given tls_begins */
bool records_are_certain(const struct side *side);                       /* it is encrypted */
/* TLS begins inside a protocol, after STARTTLS: PARSE_OK, and the side has another stage;
 * PARSE_MORE, it may. */
enum parse_result stage_begin_tls(struct side *side, const uint8_t *data, size_t size);

#endif
