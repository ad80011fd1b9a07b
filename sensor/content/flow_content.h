/* What content keeps of a flow and of each of its sides; private to the room.
 *
 *   content.c   flows: packets in, facts and events out
 *   active.c    how many flows are looked into at once
 *   datagram.c  UDP
 *   side.c      a side's budget, its scanner, its found items, its gathered head
 *   stage.c     a stream side's stages: what its next bytes are
 *
 * Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_FLOW_CONTENT_H
#define WEIR_SENSOR_CONTENT_FLOW_CONTENT_H

#include "text.h"
#include "weir/content/content.h"
#include "weir/content/email.h"

struct content {
    struct content_config config;
    struct content_events events;
    void *context;
    struct streams *streams;
    struct suffixes *suffixes;
    struct email_shared email;
    uint64_t gathered_bytes; /* room of all sides' gathered heads */
    uint64_t malformed;      /* names that did not parse */
    struct ptime now;        /* of what is being looked at */
    struct content_flow **active;
    uint32_t active_count, active_room, hand;
    uint64_t given_up;
    struct content_flow *nothing; /* of every TCP flow that was given up with nothing found */
};

enum stage {
    STAGE_PROBE,     /* what begins here? gathered until that is certain */
    STAGE_UNKNOWN,   /* nothing certain: scanned, and let go unless it proves to be text */
    STAGE_CLEAR,     /* clear text: scanned */
    STAGE_REQUEST,   /* scanned; an HTTP request's head is due after `skip_bytes` */
    STAGE_DNS,       /* messages, each after its length */
    STAGE_HELLO,     /* a ClientHello */
    STAGE_ENCRYPTED, /* nothing more to be had; waits for the other side to be so too */
    STAGES
};

struct side {
    struct content_flow *owner;
    struct email_scanner *scanner; /* from the first byte that is scanned */
    uint64_t *pending;             /* hashes found and not yet told */
    uint8_t *head;                 /* bytes that a stage wants to see again with more behind them */
    uint64_t inspected_bytes, gap_bytes;
    uint64_t skip_bytes;  /* STAGE_REQUEST: of a body; STAGE_PROBE: of a PROXY header */
    uint64_t limit_bytes; /* inspected_bytes at which the stage's budget is spent */
    uint32_t head_size, head_room;
    struct text_counts sample; /* STAGE_PROBE, STAGE_UNKNOWN */
    uint16_t pending_count, pending_room;
    uint8_t stage; /* enum stage */
    bool lost;     /* STAGE_DNS: a gap; where does the next message begin? */
    bool begun;    /* something else than a PROXY header was seen, or bytes were lost */
};

struct content_flow {
    struct content *content;
    struct flow *flow;
    struct stream *stream; /* TCP, until both sides are stopped */
    struct side *side[SIDES];
    char *server_name, *question; /* the first ones; NULL: none */
    uint8_t *ja3;
    struct client_claim *client; /* two, the first and the last; NULL: none */
    uint64_t last_name;          /* hash of the server name told last */
    uint8_t service;             /* enum service */
    uint8_t hints;               /* HINT_… */
    uint8_t datagrams_tried;     /* for DNS on a port that does not promise it */
    bool stopped[SIDES];
    uint8_t rounds; /* active.c: how often the hand passes before it takes this one */
    uint32_t place; /* active.c: its place in content->active, from 1; 0: none */
};

static inline enum flow_side side_index(const struct side *side)
{
    return side == side->owner->side[SIDE_ORIG] ? SIDE_ORIG : SIDE_RESP;
}

/* content.c: what was learnt of the flow. */
void content_set_service(struct content_flow *cf, enum service service); /* the first one stays */
void content_server_name(struct content_flow *cf, const char *name);     /* "" is ignored */
void content_hello(struct content_flow *cf, const struct tls_hello *hello);
/* For whom the other end says it speaks; ignored when it says nothing. */
void content_client(struct content_flow *cf, const struct client_claim *claim);
/* What a message's question says, unless it had none. */
void content_dns(struct content_flow *cf, const struct dns_message *message);
bool content_has_port(const struct content_flow *cf, uint16_t port);

/* active.c: joins; is left by whoever frees it or has nothing more to see; a packet was seen. */
void active_join(struct content_flow *cf);
void active_leave(struct content_flow *cf);
void active_touch(struct content_flow *cf, const struct packet *packet);

/* datagram.c */
void datagram_take(struct content_flow *cf, enum flow_side side, const struct packet *packet);

/* side.c */
struct side *side_of(struct content_flow *cf, enum flow_side side, enum stage stage);
void side_free(struct side *side);
void side_set_stage(struct side *side, enum stage stage);
void side_take(struct side *side, const uint8_t *data, size_t size); /* may stop (free) the side */
void side_gap(struct side *side, uint64_t bytes);
void side_datagram(struct side *side, const uint8_t *data, size_t size); /* may stop the side */
void side_end(struct side *side);                                        /* the stream ends */
void side_tell(struct side *side);
bool side_gather(struct side *side, const uint8_t *data, size_t size); /* false: no room */
void side_drop_head(struct side *side, size_t bytes);                  /* its first bytes */

/* stage.c: names in the next bytes of a stream side. */
void stage_take(struct side *side, const uint8_t *data, size_t size);
/* What is gathered will not be continued: bytes are missing (how many), or there was no room. */
void stage_cut(struct side *side, uint64_t bytes);
bool stage_scans(enum stage stage);

#endif
