/* The table of protocols. */
#include "protocol.h"

#include "recognise.h"

const struct protocol *const protocols[] = {
    &quic_protocol,     &dtls_protocol,
    &http_protocol,     &http2_protocol,
    &smb_protocol,      &nfs_protocol,
    &smtp_protocol,     &pop3_protocol,
    &imap_protocol,     &ftp_protocol,
    &tftp_protocol,     &dnp3_protocol,
    &opcua_protocol,    &s7_protocol,
    &cip_protocol,      &bacnet_protocol,
    &profinet_protocol, &iec104_protocol,
    &modbus_protocol,   &asterix_protocol,
    &ntp_protocol,      NULL,
};

const struct protocol *protocol_of(enum service service)
{
    for (size_t i = 0; protocols[i]; i++)
        if (protocols[i]->service == service)
            return protocols[i];
    return NULL;
}

enum parse_result protocol_recognise(const struct opening *opening,
                                     const struct protocol **protocol)
{
    enum parse_result result = PARSE_NOT;
    for (size_t i = 0; protocols[i]; i++) {
        if (!protocols[i]->begins)
            continue;
        enum parse_result one = protocols[i]->begins(opening);
        if (one == PARSE_OK) {
            *protocol = protocols[i];
            return one;
        }
        if (one == PARSE_MORE && opening->size < RECOGNISE_BYTES_MAX)
            result = one;
    }
    return result;
}
