/* The rows of control systems and surveillance, for protocols.c. */
#ifndef WEIR_SENSOR_CONTENT_CONTROLS_H
#define WEIR_SENSOR_CONTENT_CONTROLS_H

#include "protocol.h"

extern const struct protocol asterix_protocol, bacnet_protocol, cip_protocol, dnp3_protocol,
    iec104_protocol, modbus_protocol, opcua_protocol, profinet_protocol, s7_protocol;

#endif
