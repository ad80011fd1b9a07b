/* The rows of control systems and surveillance, for protocols.c. */
#ifndef WEIR_SENSOR_CONTENT_CONTROLS_H
#define WEIR_SENSOR_CONTENT_CONTROLS_H

#include "protocol.h"

extern const struct protocol protocol_asterix, protocol_bacnet, protocol_cip, protocol_dnp3,
    protocol_iec104, protocol_modbus, protocol_opcua, protocol_profinet, protocol_s7;

#endif
