/* What the fields of a message say, in HTTP/1 and HTTP/2 alike: how large its body is, how it is
 * coded, what becomes of the connection, who asks (RFC 9110, RFC 9112 6). Pure, no allocation. */
#ifndef WEIR_SENSOR_CONTENT_HTTP_FIELDS_H
#define WEIR_SENSOR_CONTENT_HTTP_FIELDS_H

#include "asked.h"
#include "body.h"
#include "span.h"

enum http_upgrade {
    HTTP_UPGRADE_NONE,
    HTTP_UPGRADE_H2C,
    HTTP_UPGRADE_WEBSOCKET,
    HTTP_UPGRADE_OTHER
};

/* Codings of one kind, in the order they were applied. */
struct http_codings {
    uint8_t coding[BODY_CODINGS_MAX]; /* enum body_coding */
    uint8_t count;
    bool more; /* there were more */
};

struct http_fields {
    int64_t length_bytes; /* Content-Length; BODY_UNDECLARED: none */
    bool length_bad;      /* no number, or two different ones */
    bool transfer;        /* there is a Transfer-Encoding … */
    bool chunked;         /* … and its last coding is chunked */
    bool dns, message;    /* Content-Type: application/dns-message, message/… */
    uint8_t upgrade;      /* enum http_upgrade */
    struct http_codings transfer_coding, content_coding;
    char boundary[BODY_BOUNDARY_MAX + 1];
    struct asked_name account; /* Authorization */
};

void http_fields_init(struct http_fields *fields);
/* One field; `value` without the blanks around it. */
void http_fields_put(struct http_fields *fields, struct text_span name, struct text_span value);
/* All of a whole HTTP/1 head. */
void http_fields_read(struct http_fields *fields, const uint8_t *head, size_t size);
/* What body.h wants to know. */
struct body_said http_fields_said(const struct http_fields *fields);

/* http.c: a Content-Length's value or HTTP_BODY_UNKNOWN; an authority's host, in lower case (one
 * that is no host leaves `host` alone); whom X-Forwarded-For and Forwarded name, unless it is known
 * already. */
int64_t http_length(struct text_span value);
void http_host(struct text_span text, char host[RECORD_NAME_MAX + 1]);
void http_claim(struct text_span name, struct text_span value, struct client_claim *claim);

#endif
