/* What the protocols of control systems and surveillance share: messages one behind the other, each
 * of which says how long it is, over TCP or in datagrams. A protocol's file parses one message's
 * header; control.c recognises by several of them, drives the parser over a stream with its
 * segments and gaps, and counts what is read and what is written, and notes by which functions.
 * Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_CONTROL_H
#define WEIR_SENSOR_CONTENT_CONTROL_H

#include "protocol.h"

/* As certain as a protocol on a port that does not promise it has to be. */
#define CONTROL_CERTAIN 2u

struct control_view {
    const uint8_t *data;
    size_t size;
    bool strict;    /* nothing promises the protocol: whatever can be checked is */
    bool asks;      /* by the ports, or as it opened the connection, the sender is the client */
    uint8_t memory; /* what the sender's message before left; 0: none was before */
};

struct control_message {
    size_t size;            /* of the whole message, > 0; may be more than is there */
    uint32_t reads, writes; /* asked for in it */
    struct function_set functions;
    uint32_t tag;   /* the other side's answer has it too; 0: none */
    uint8_t weight; /* CONTROL_CERTAIN: certain alone; 0: says nothing */
    uint8_t memory;
};

/* PARSE_OK as soon as the header is there, of the message at the view's beginning. */
typedef enum parse_result control_parser(const struct control_view *view,
                                         struct control_message *message);

struct control {
    control_parser *parse;
    uint16_t port;    /* where one message is enough */
    bool one_source;  /* messages of one side all have one tag */
    bool tag_answers; /* an answer to the other side's message is as good as a second message */
};

/* For the members of struct protocol of the same names. */
enum parse_result control_begins(const struct control *control, const struct opening *opening);
void *control_open(struct side *side);
void control_close(struct side *side, void *state);
size_t control_step(const struct control *control, struct side *side, const uint8_t *data,
                    size_t size);
void control_cut(struct side *side, uint64_t bytes);
bool control_datagram(const struct control *control, struct content_flow *cf, enum flow_side side,
                      const struct packet *packet);

/* Is `value` in the list, which ends with 0? */
bool control_lists(const uint16_t *list, uint16_t value);

#endif
