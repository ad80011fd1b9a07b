/* What a stream says of its own ends: which of them is the client, and whom a proxy speaks for.
 * Pure functions over bytes that are there; none allocates. Sources: RFC 7239 (Forwarded), the
 * PROXY protocol (haproxy, proxy-protocol.txt 2.1 and 2.2); X-Forwarded-For is custom, the
 * left-most address the client's. */
#ifndef WEIR_CONTENT_CLIENT_H
#define WEIR_CONTENT_CLIENT_H

#include "weir/content/names.h"

enum evidence { EVIDENCE_NONE, EVIDENCE_CLIENT, EVIDENCE_SERVER };

/* Whose words these are, by the beginning of one segment: a ClientHello or a request is the
 * client's, a ServerHello, an answer or a greeting the server's. Only what the other side never
 * says counts; `service` is what the flow is known to be. */
enum evidence evidence_of_segment(const uint8_t *data, size_t size, enum service service);
/* A DNS message: a query is the client's. False peers (mDNS, NetBIOS) are the caller's to know. */
enum evidence evidence_of_dns(const uint8_t *data, size_t size);

#define PROXY_HEAD_MAX 107u /* of version 1, with its line end */

struct proxy_head {
    struct client_claim client; /* by is CLIENT_NONE: health checks, UNKNOWN, other families */
    uint32_t size;              /* of the whole header, which may go on beyond what is there */
};
/* The PROXY protocol's header, version 1 or 2, at the beginning of a connection. */
enum parse_result proxy_parse(const uint8_t *data, size_t size, struct proxy_head *head);

/* The first client of a field's value: of X-Forwarded-For the left-most address, of Forwarded the
 * first element's "for". False: it names none ("unknown", "_hidden", nonsense). */
bool forwarded_for(const char *value, size_t size, struct client_claim *client);
bool forwarded(const char *value, size_t size, struct client_claim *client);

#endif
