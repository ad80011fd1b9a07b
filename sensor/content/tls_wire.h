/* Numbers and records of TLS (RFC 8446 4 and 5.1, RFC 5246 6.2), shared by its parsers. */
#ifndef WEIR_SENSOR_CONTENT_TLS_WIRE_H
#define WEIR_SENSOR_CONTENT_TLS_WIRE_H

#include "weir/base/cursor.h"
#include "weir/content/names.h"

#define TLS_RECORD_FIRST  20u /* change_cipher_spec */
#define TLS_HANDSHAKE     22u
#define TLS_RECORD_LAST   23u /* application_data */
#define TLS_HEARTBEAT     24u /* RFC 6520; begins nothing */
#define TLS_RECORD_HEADER 5u
#define TLS_RECORD_MAX    (16384u + 2048u) /* RFC 5246 6.2.3: the most of any version */
#define TLS_RECORDS_MAX   1024u            /* that one flight is read of */
#define HANDSHAKE_HEADER  4u

#define TLS_CLIENT_HELLO      1u
#define TLS_SERVER_HELLO      2u
#define TLS_CERTIFICATE       11u
#define TLS_SUPPLEMENTAL_DATA 23u /* RFC 4680 */

#define TLS_EXTENSION_SERVER_NAME   0u
#define TLS_EXTENSION_GROUPS        10u
#define TLS_EXTENSION_POINT_FORMATS 11u
#define TLS_EXTENSION_SIGNATURES    13u
#define TLS_EXTENSION_ALPN          16u
#define TLS_EXTENSION_VERSIONS      43u
#define TLS_EXTENSION_ECH           0xfe0du /* RFC 9849 */
#define TLS_EXTENSION_ESNI          0xffceu /* draft-ietf-tls-esni-02 to -06 */

/* A handshake record's header; PARSE_OK gives what is there of its content. */
enum parse_result tls_take_record(struct cursor *c, struct cursor *content);
/* A record that follows another one, of any type, perhaps empty; *whole with its header. */
enum parse_result tls_record_size(const uint8_t *data, size_t size, size_t *whole);
/* The flight begins with a whole ServerHello, every length in which is right (RFC 8446 4.1.3). */
bool tls_server_hello_fits(const uint8_t *data, size_t size);

#endif
