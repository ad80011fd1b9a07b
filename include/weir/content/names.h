/* Bounded recognisers and name parsers. All are pure functions over bytes that are already there;
 * none allocates. Sources: RFC 1035/3596 (DNS, through glibc's ns_parse), RFC 8446/6066 (TLS, SNI),
 * RFC 9112 (HTTP/1), JA3 (salesforce/ja3, 2017: MD5 of the ClientHello's numbers, GREASE left out).
 */
#ifndef WEIR_CONTENT_NAMES_H
#define WEIR_CONTENT_NAMES_H

#include "weir/record/record.h"

enum parse_result {
    PARSE_OK,
    PARSE_MORE,      /* a prefix of something well-formed: come back with more bytes */
    PARSE_NOT,       /* not this protocol */
    PARSE_MALFORMED, /* this protocol, but its lengths contradict each other */
    PARSE_RESULTS
};

struct dns_message {
    char name[RECORD_NAME_MAX + 1]; /* first question, lower case, no last dot; bytes that are not
                                     * printable ASCII, and dots and backslashes inside a label, as
                                     * \DDD (RFC 4343); "" for the root; of a text that would be
                                     * longer the end is kept: it says whose name it is */
    uint16_t qtype;                 /* 0: no question (mDNS announces without one) */
    uint8_t rcode;
    bool response;
    uint32_t ttl_s; /* the smallest of all its addresses */
    uint32_t more;
    uint8_t address_count, alias_count;
    struct ip address[RECORD_NAME_ADDRESSES]; /* of the answer section: A, AAAA, hints of HTTPS */
    char alias[RECORD_NAME_ALIASES][RECORD_NAME_MAX + 1]; /* the chain of CNAMEs, from the name on;
                                                           * 0 without an address */
    uint16_t answers;       /* records of the answer section, as far as they are read */
    uint32_t answer_bytes;  /* their data */
    uint32_t message_bytes; /* all of it: other sections and EDNS options carry data too */
    uint8_t questions_left; /* for dns_next_question */
    uint32_t next_question;
};
/* A whole message (UDP payload, or a TCP message without its length). A question that was whole is
 * in `message` (qtype not 0) with PARSE_MORE (the packet was cut) and PARSE_MALFORMED too: junk
 * behind the question hides no name. */
enum parse_result dns_parse(const uint8_t *data, size_t size, struct dns_message *message);
/* After dns_parse, with the same bytes: the next question, without answers. False: no more. */
bool dns_next_question(const uint8_t *data, size_t size, struct dns_message *message);
/* True for a whole message that can hardly be anything else: for ports that promise nothing. */
bool dns_looks_like(const uint8_t *data, size_t size);

struct tls_hello {
    char server_name[RECORD_NAME_MAX + 1]; /* "" when none; lower case; only printable ASCII */
    uint8_t ja3[16]; /* zeros: none (unfinished, or a list longer than any client's) */
};
#define TLS_HELLO_MAX 65536u
/* The beginning of a TLS stream of the client: the ClientHello may span records and segments. A
 * server name that was whole is in `hello` with PARSE_MORE and PARSE_MALFORMED too. */
enum parse_result tls_parse_hello(const uint8_t *data, size_t size, struct tls_hello *hello);
/* True when a stream begins like TLS in either direction (for servers' side and mid-stream). */
bool tls_looks_like(const uint8_t *data, size_t size);

struct http_head {
    bool request;
    char host[RECORD_NAME_MAX + 1]; /* lower case, port cut off; "" when none */
    char method[16];                /* of a request */
    uint32_t size;                  /* of the head with its empty line; 0 with PARSE_MORE */
    int64_t body_bytes; /* Content-Length of a request, 0 without; HTTP_BODY_UNKNOWN: chunked */
    struct client_claim client; /* of the first Forwarded or X-Forwarded-For that names one */
};
#define HTTP_HEAD_MAX     16384u
#define HTTP_BODY_UNKNOWN (-1)
/* A request's or answer's head. A host that was whole is in `head` with PARSE_MORE too. */
enum parse_result http_parse_head(const uint8_t *data, size_t size, struct http_head *head);

/* What a stream begins with, by its first bytes of either side; PARSE_MORE as long as undecided. */
enum parse_result service_recognise(const uint8_t *data, size_t size, enum service *service);

#endif
