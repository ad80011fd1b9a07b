/* What a stream begins with, one protocol at a time: for service_recognise and for places inside a
 * stream where a protocol may begin (after STARTTLS, in a CONNECT tunnel). PARSE_MORE: a prefix of
 * it. Pure. */
#ifndef WEIR_SENSOR_CONTENT_RECOGNISE_H
#define WEIR_SENSOR_CONTENT_RECOGNISE_H

#include "weir/content/names.h"

/* No recogniser wants more than this before it is certain. */
#define RECOGNISE_BYTES_MAX 1024u

/* A length-prefixed (TCP) message that can hardly be anything else. */
enum parse_result dns_begins(const uint8_t *data, size_t size);
enum parse_result tls_begins(const uint8_t *data, size_t size);
bool tls_begins_server_hello(const uint8_t *data, size_t size);
bool tls_begins_hello(const uint8_t *data, size_t size); /* a ClientHello or ServerHello */
/* Given tls_begins: a ClientHello, or five bytes that may become one. */
bool tls_may_be_client(const uint8_t *data, size_t size);
enum parse_result http_begins(const uint8_t *data, size_t size); /* request or answer */
bool http_is_request(const uint8_t *data, size_t size); /* the whole line, of a known method */
/* "PRI * HTTP/2.0 …": how a client begins (RFC 9113 3.4). */
enum parse_result http2_begins(const uint8_t *data, size_t size);
enum parse_result proxy_begins(const uint8_t *data, size_t size); /* the PROXY protocol */

/* "220 " greets in SMTP and in FTP; "USER " opens FTP and POP3. Together they say FTP. */
#define HINT_GREETING 1u
#define HINT_USER     2u
uint8_t service_hint(const uint8_t *data, size_t size);

#endif
