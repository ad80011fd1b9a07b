/* Function codes of control systems' protocols: what a request asks for, by the number that stands
 * in its header. Where a protocol numbers more than one kind of request, the kinds are told apart
 * by an offset of ours (docs/protocols.md has them all):
 *
 *   modbus, dnp3, profinet   the function, or operation
 *   s7                       a job's function; 0x7GFF: user data, group G, function FF; S7comm-plus
 *                            its own, which begin at 0x04bb
 *   iec104                   the type of what is asked, commanded or handed over as a file
 *   bacnet                   a confirmed service; 256 +: an unconfirmed one
 *   cip                      the service; 0x600 +: of the connection manager
 *   opcua                    the node id of the request's type, in the standard's namespace
 *
 * Of s7 and cip one code more stands for requests whose function could not be read: a protocol's
 * own way to cut or to wrap them must not hide what is asked for.
 *
 * Thread-safe: no state. */
#ifndef WEIR_RECORD_FUNCTION_H
#define WEIR_RECORD_FUNCTION_H

#include "weir/record/record.h"

/* Of a flow, and of a conduit: so a flow that asked for more than are kept asked for more than any
 * conduit can list. */
#define FUNCTIONS_MAX 32u

#define FUNCTION_S7_UNSEEN  0x100u /* it is not in the telegram's first segment */
#define FUNCTION_CIP_UNSEEN 0x680u /* parts of a batch, and what is wrapped twice */

/* What the client asks for has the room: a code that only the other side asked for gives way to it,
 * so that nobody who is asked can fill a set. */
struct function_set {
    uint16_t code[FUNCTIONS_MAX]; /* `count` of them, ascending, each once */
    uint16_t count;
    /* Requests of further codes, which found no room or gave way: the client's, the other side's.
     * Both stay at UINT16_MAX. */
    uint16_t more, more_back;
    uint32_t back; /* bit i: code[i] was asked for by the other side only */
};

bool function_set_has(const struct function_set *set, uint16_t code);
bool function_set_is_back(const struct function_set *set, size_t at);
bool function_set_overflows(const struct function_set *set); /* there were more, of either side */
void function_set_add(struct function_set *set, uint16_t code); /* the client's */
void function_set_merge(struct function_set *set, const struct function_set *other);
/* All of it was asked for by who is not the client. */
void function_set_turn_back(struct function_set *set);

/* The largest code that requests of this service can have; 0: it has none. */
uint16_t function_last(enum service service);
/* By the code alone: so are `writes` counted, but for codes that mean it with some causes only. */
bool function_writes(enum service service, uint16_t code);
const char *function_name(enum service service, uint16_t code); /* NULL: none is known */
#define FUNCTION_TEXT_SIZE 64u
/* "5", or "0x29" where the field writes it so; with its name: "5 (write single coil)". */
char *function_number(enum service service, uint16_t code, char text[8]);
char *function_text(enum service service, uint16_t code, char text[FUNCTION_TEXT_SIZE]);

/* Codes in the tail of a valid record, of both sides' requests since start_ns. */
void record_flow_functions(const struct record_flow *record, struct function_set *set);
/* Writes them behind text and tunnels, which are there, into a tail that has room; returns their
 * bytes. */
size_t record_flow_put_functions(struct record_flow *record, const struct function_set *set);

#endif
