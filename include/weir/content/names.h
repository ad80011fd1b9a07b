/* Bounded recognisers and name parsers. All are pure functions over bytes that are already there;
 * none allocates. Sources: RFC 1035/3596 (DNS, through glibc's ns_parse), RFC 8446/6066 (TLS, SNI),
 * RFC 9112 (HTTP/1), RFC 6347 and 9147 (DTLS), RFC 9000, 9001 and 9369 (QUIC), JA3 (salesforce/ja3,
 * 2017: MD5 of the ClientHello's numbers, GREASE left out), JA4 (FoxIO's description of the TLS
 * client's fingerprint, 2023).
 */
#ifndef WEIR_CONTENT_NAMES_H
#define WEIR_CONTENT_NAMES_H

#include "weir/base/certificate.h"
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
    uint8_t name_cut;               /* … so many of its bytes are not there */
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

#define JA4_SIZE 37 /* "t13d1516h2_8daaf6152771_b186095e22b6" */

enum hello_carrier { HELLO_TLS, HELLO_QUIC, HELLO_DTLS, HELLO_CARRIERS };

struct tls_hello {
    char server_name[RECORD_NAME_MAX + 1]; /* "" when none; lower case; only printable ASCII */
    char alpn[RECORD_NAME_MAX + 1];        /* the first one, if it is printable ASCII; else "" */
    char ja4[JA4_SIZE];                    /* "" as long as there is no JA3, or of endless lists */
    uint32_t flags;                        /* FLOW_ECH, which GREASE looks like too; FLOW_ESNI */
    uint8_t ja3[16]; /* zeros: none (unfinished, or a list longer than any client's) */
};
#define TLS_HELLO_MAX 65536u
/* The beginning of a TLS stream of the client: the ClientHello may span records and segments. A
 * server name that was whole is in `hello` with PARSE_MORE and PARSE_MALFORMED too. */
enum parse_result tls_parse_hello(const uint8_t *data, size_t size, struct tls_hello *hello);
/* True as long as it is one that asks for more bytes: cheaper than to read it again for nothing. */
bool tls_hello_wants_more(const uint8_t *data, size_t size);
/* A ClientHello that somebody else put together, from its handshake header on. */
enum parse_result tls_parse_hello_message(const uint8_t *data, size_t size,
                                          enum hello_carrier carrier, struct tls_hello *hello);
/* A datagram of DTLS: PARSE_OK when every record of it is whole. A ClientHello that lies in its
 * first record, whole, is in `hello`. */
enum parse_result dtls_parse(const uint8_t *data, size_t size, struct tls_hello *hello);

struct tls_certificate {
    size_t size;
    uint8_t der[CERTIFICATE_MAX];
};
/* The beginning of a TLS stream of the server: its own certificate, up to TLS 1.2. PARSE_NOT: it
 * sends none, or none in clear. PARSE_MALFORMED too when it is larger than what is read. */
enum parse_result tls_parse_certificate(const uint8_t *data, size_t size,
                                        struct tls_certificate *certificate);
/* True when a stream begins like TLS in either direction (for servers' side and mid-stream). */
bool tls_looks_like(const uint8_t *data, size_t size);

struct http_head {
    bool request;
    char host[RECORD_NAME_MAX + 1]; /* lower case, port cut off; "" when none */
    char method[16];                /* of a request */
    uint16_t status;                /* of an answer; 0: it has none */
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
