/* What a datagram says of NTP (RFC 5905, 7822, 9327). Pure. */
#ifndef WEIR_SENSOR_CONTENT_NTP_H
#define WEIR_SENSOR_CONTENT_NTP_H

#include <stddef.h>
#include <stdint.h>

enum ntp_likeness {
    NTP_NOT,
    NTP_BY_PORT, /* well-formed, and believed on NTP's port */
    NTP_CERTAIN  /* can hardly be anything else, on any port */
};

enum ntp_likeness ntp_judge(const uint8_t *data, size_t size);

#endif
