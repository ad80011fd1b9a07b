/* What the rows about tunnels look at: figures that the engine gathered (engine/tunnelled.h), no
 * judgement yet. Plain data. Thread: any. */
#ifndef WEIR_DETECT_TUNNEL_H
#define WEIR_DETECT_TUNNEL_H

#include "weir/base/time.h"
#include "weir/record/record.h"

#include <stdbool.h>
#include <stdint.h>

/* What was asked for under one registrable domain (RFC 1035 names) within a day at most. Names that
 * explain themselves are counted apart: a host then spoke to the answer, or it is the reversed
 * address (RFC 1035 3.5, RFC 5782) of somebody who was met. */
struct asked_names {
    const char *domain; /* borrowed */
    bool all_clients;   /* by all clients together; else by one */
    uint64_t clients;   /* that asked for the domain, about; all_clients or not */
    bool widely;        /* so many of the site's clients did that it is a service of theirs … */
    bool own_server;    /* … but these were asked of an outside server nobody else uses */
    double names_bytes; /* information in distinct names that nothing explains */
    double order_bytes; /* … in the order in which names came again */
    double names, unexplained; /* distinct ones */
    bool awaits;               /* some are neither: their answer is too young */
    uint64_t questions;
    uint64_t odd_answers;  /* answers of other types than addresses and aliases */
    uint64_t answer_bytes; /* data that came back, addresses apart */
    struct ptime from, until;
};

/* What one flow said of itself, that an inside host opened and that was answered. */
struct spoken {
    enum service service;
    uint16_t port;           /* of the server */
    const char *application; /* TEXT_APPLICATION, "" */
    const char *alpn;        /* what the client offered first, "" */
    bool names_server;       /* a server name, or an encrypted hello that may hold one */
    bool application_is_new; /* the host is no newcomer, and was not heard to speak this before */
};

/* Echo payloads that left for one address and are no ordinary ping's: the last 12 to 24 hours', and
 * the last half to whole hour's. */
struct echoes {
    uint64_t bytes;    /* of the day */
    uint64_t payloads; /* of the hour: that differ from the one before */
};

#endif
