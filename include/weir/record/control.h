/* Messages between the processes of a sensor, over a SOCK_SEQPACKET pair: one message is one
 * datagram of at most CONTROL_BODY bytes, with up to CONTROL_FDS descriptors. Bodies are fixed
 * structs of one build (all roles are the same program); what a capture process says is held
 * against its kind's size and never trusted further.
 *
 *   parent → capture   CAPTURE (its orders; the ring, the memory for recent packets)
 *                      INPUT × n (a path; its file), START, HOLD, FORGET, FINISH, STOP
 *   capture → parent   READY (its packet sockets), INPUT_DONE × n, HELD, FORGOTTEN, BEAT,
 *                      FAILED, ENDED
 *   supervisor → engine   ENGINE (configuration, control listener, the courier's bell), RING,
 *                         LOST, START (all that there are were told of), WORKERS, SINKS,
 *                         RELOADED, FORGOTTEN, STOP
 *   engine → supervisor   READY, BEAT, DAMAGED, DRAINED, RELOAD, FORGET (on to
 *                         capture), FAILED, ENDED
 *   supervisor → courier  COURIER (configuration, its bell), STOP
 *   courier → supervisor  READY, BEAT, SINKS, FAILED, ENDED
 *   supervisor → keeper   KEEPER (configuration), WORKERS, STOP
 *   keeper → supervisor   READY, KEEPER_SAYS and KEEPER_NEWS (on to the engine), FAILED, ENDED
 *
 * Thread: each end belongs to one thread. */
#ifndef WEIR_RECORD_CONTROL_H
#define WEIR_RECORD_CONTROL_H

#include "weir/base/error.h"
#include "weir/record/record.h"

#define CONTROL_BODY 8192u
#define CONTROL_FDS  8u

enum control_kind {
    CONTROL_CAPTURE = 1,
    CONTROL_INPUT,
    CONTROL_START,
    CONTROL_HOLD,
    CONTROL_FINISH,
    CONTROL_STOP,
    CONTROL_READY,
    CONTROL_INPUT_DONE,
    CONTROL_HELD,
    CONTROL_BEAT,
    CONTROL_FAILED,
    CONTROL_ENDED,
    CONTROL_ENGINE,
    CONTROL_RING,
    CONTROL_LOST,
    CONTROL_WORKERS,
    CONTROL_RELOAD,
    CONTROL_RELOADED,
    CONTROL_DAMAGED,
    CONTROL_DRAINED,
    CONTROL_PATTERN,
    CONTROL_COURIER,
    CONTROL_SINKS,
    CONTROL_KEEPER,
    CONTROL_KEEPER_SAYS,
    CONTROL_KEEPER_NEWS,
    CONTROL_FORGET,
    CONTROL_FORGOTTEN,
    CONTROL_KINDS
};

struct control_message {
    uint32_t kind;
    uint32_t size; /* of the body */
    union {
        uint64_t align;
        uint8_t body[CONTROL_BODY];
    };
    int fd[CONTROL_FDS]; /* the receiver's to close */
    uint32_t fd_count;
};

enum control_result {
    CONTROL_OK,
    CONTROL_AGAIN,   /* nothing there, or no room now */
    CONTROL_CLOSED,  /* the other end has gone */
    CONTROL_INVALID, /* not one of our messages; its descriptors are closed */
};

int control_pair(int fd[2], struct error *error);
/* Never blocks. CONTROL_AGAIN: the other end does not read. */
enum control_result control_send(int fd, enum control_kind kind, const void *body, size_t size,
                                 const int *descriptors, size_t count);
/* Never blocks. */
enum control_result control_receive(int fd, struct control_message *message);
/* The body as a struct of this size, NULL when it has another. */
const void *control_body(const struct control_message *message, size_t size);
/* Closes what was not taken (taken ones are set to −1). */
void control_close_descriptors(struct control_message *message);

#endif
