/* What plants and airports say to each other, by hand from the specifications: a few messages of
 * each side, and what they ask for. Shared by the tests of control systems. */
#ifndef WEIR_TEST_CONTENT_CONTROL_CASE_H
#define WEIR_TEST_CONTENT_CONTROL_CASE_H

#include "bytes.h"
#include "weir/record/record.h"

#include <stdio.h>
#include <stdlib.h>

#define CASE_MESSAGES 8

struct control_case {
    enum service service;
    uint8_t proto; /* PROTO_TCP, PROTO_UDP */
    uint16_t port;
    const char *asks[CASE_MESSAGES], *answers[CASE_MESSAGES];
    uint32_t reads, writes;
    uint16_t functions[CASE_MESSAGES]; /* as many as differ from 0, ascending */
};

#define S7_OPEN    "0300 0016 11 e0 0000 0001 00 c1 02 0100 c2 02 0102 c0 01 09"
#define S7_OPENED  "0300 0016 11 d0 0001 0002 00 c0 01 09 c1 02 0100 c2 02 0102"
#define CIP_ZEROS  "01000000 00000000 0000000000000000 00000000 "
#define UA_CHANNEL "01000000 01000000 02000000 02000000 "
#define UA_OPEN                                                                                    \
    "'OPNF' 53000000 00000000 2f000000 'http://opcfoundation.org/UA/SecurityPolicy#None' "         \
    "ffffffff ffffffff 01000000 01000000 01 00 be01"
#define UA_SEALED                                                                                  \
    "'OPNF' 5d000000 00000000 38000000 "                                                           \
    "'http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha25' "                                  \
    "ffffffff ffffffff 01000000 01000000 01 00 be 01 00"
#define PN_HEAD(type)                                                                              \
    "04 " type " 2800 100000 00 0000a0de 976c d111 8271 0001 0001 002a "                           \
    "0100a0de 976c d111 8271 00a02442df7d 11111111111111111111111111111111 "                       \
    "00000000 01000000 00000000 "
#define PN_TAIL " ffff ffff 0400 0000 00 00 00000000"

static const struct control_case control_cases[] = {
    {.service = SERVICE_MODBUS,
     .proto = 6,
     .port = 502,
     .asks = {"0001 0000 0006 11 03 006b 0003", "0002 0000 0006 11 06 0001 0003",
              "0003 0000 000b 11 17 0001 0002 0003 0000 00"},
     .answers = {"0001 0000 0009 11 03 06 022b 0000 0064", "0002 0000 0006 11 06 0001 0003",
                 "0003 0000 0003 11 97 02"},
     .reads = 2,
     .writes = 2,
     .functions = {3, 6, 0x17}},
    {.service = SERVICE_S7, /* set up; variables read and written; a list of the system's state */
     .proto = 6,
     .port = 102,
     .asks = {S7_OPEN, "0300 0019 02 f0 80 32 01 0000 0400 0008 0000 f0 00 0001 0001 01e0",
              "0300 001f 02 f0 80 32 01 0000 0500 000e 0000 04 01 12 0a 10 02 0010 0001 84 000000",
              "0300 0024 02 f0 80 32 01 0000 0600 000e 0005 05 01 12 0a 10 02 0001 0000 83 000000 "
              "00 03 0001 01",
              "0300 0021 02 f0 80 32 07 0000 0700 0008 0008 000112 04 11 44 01 00 ff 09 0004 0011 "
              "0001"},
     .answers = {S7_OPENED, "0300 001b 02 f0 80 32 03 0000 0400 0008 0000 0000 f0 00 0001 0001 "
                            "00f0"},
     .reads = 2,
     .writes = 1,
     .functions = {0x04, 0x05, 0xf0, 0x7401}},
    {.service = SERVICE_S7, /* S7comm-plus: an object made; variables, behind a digest */
     .proto = 6,
     .port = 102,
     .asks = {S7_OPEN, "0300 0018 02 f0 80 72 01 0009 31 0000 04ca 00000001 7201 0000",
              "0300 0039 02 f0 80 72 03 002a 20 "
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
              "31 0000 054c 00000002 7203 0000"},
     .answers = {S7_OPENED, "0300 0018 02 f0 80 72 01 0009 32 0000 04ca 00000001 7201 0000"},
     .reads = 1,
     .writes = 1,
     .functions = {0x04ca, 0x054c}},
    {.service = SERVICE_IEC104,
     .proto = 6,
     .port = 2404,
     .asks = {"68 04 07000000", "68 0e 0000 0000 64 01 06 00 0100 000000 14",
              "68 0e 0200 0200 2d 01 06 00 0100 010000 01", "68 04 0100 0400"},
     .answers = {"68 04 0b000000", "68 0e 0000 0200 64 01 07 00 0100 000000 14",
                 "68 0e 0200 0200 01 01 14 00 0100 010000 01"},
     .reads = 1,
     .writes = 1,
     .functions = {45, 100}},
    {.service =
         SERVICE_CIP, /* an attribute; a tag written; one read by way of another device; both */
     .proto = 6,
     .port = 44818,
     .asks = {"6500 0400 00000000 00000000 0000000000000000 00000000 01000000",
              "6f00 1800 " CIP_ZEROS "00000000 0000 0200 0000 0000 b200 0800 0e 03 2001 2401 3007",
              "7000 2600 " CIP_ZEROS "00000000 0000 0200 a100 0400 11223344 "
              "b100 1200 0100 4d 03 9103414243 00 c400 0100 07000000",
              "6f00 2600 " CIP_ZEROS "00000000 0000 0200 0000 0000 b200 1600 52 02 2006 2401 0a 05 "
              "0800 4c 02 910141 00 0100 0100 0100",
              "6f00 3200 " CIP_ZEROS "00000000 0000 0200 0000 0000 b200 2200 0a 02 2002 2401 0200 "
              "0600 0e00 4c 02 910141 00 0100 4d 02 910142 00 c400 0100 05000000"},
     .answers = {"6500 0400 " CIP_ZEROS "01000000",
                 "6f00 1600 " CIP_ZEROS "00000000 0000 0200 0000 0000 b200 0600 8e 00 0000 0700"},
     .reads = 3,
     .writes = 2,
     .functions = {0x0a, 0x0e, 0x4c, 0x4d, 0x652}},
    {.service = SERVICE_OPCUA,
     .proto = 6,
     .port = 4840,
     .asks = {"'HELF' 2b000000 00000000 00000100 00000100 00000000 00000000 0b000000 'opc.tcp://a'",
              UA_OPEN, "'MSGF' 20000000 " UA_CHANNEL "01 00 7702 00000000",
              "'MSGF' 1c000000 " UA_CHANNEL "01 00 a102",
              "'MSGC' 1c000000 " UA_CHANNEL "01 00 a102",  /* a write in two chunks; the second */
              "'MSGF' 1c000000 " UA_CHANNEL "01 00 7702"}, /* looks like a read */
     .answers = {"'ACKF' 1c000000 00000000 00000100 00000100 00000000 00000000", UA_OPEN,
                 "'MSGF' 20000000 " UA_CHANNEL "01 00 7a02 00000000"},
     .reads = 1,
     .writes = 2,
     .functions = {631, 673}},
    {.service = SERVICE_OPCUA, /* encrypted: what looks like a read is chance */
     .proto = 6,
     .port = 4840,
     .asks = {UA_SEALED, "'MSGF' 1c000000 " UA_CHANNEL "01 00 7702"},
     .answers = {UA_SEALED}},
    {.service = SERVICE_BACNET, /* a property read and one written; who is there? */
     .proto = 17,
     .port = 47808,
     .asks = {"81 0a 0011 01 04 00 05 01 0c 0c 023fffff 19 4b",
              "81 0a 0018 01 04 00 05 02 0f 0c 00800001 19 55 3e 44 42480000 3f",
              "81 0b 000c 01 20 ffff 00 ff 10 08",
              "81 04 0017 c0a80001 bac0 01 04 00 05 01 0c 0c 023fffff 19 4b"},
     .answers = {"81 0a 0017 01 00 30 01 0c 0c 020004d2 19 4b 3e c4 020004d2 3f"},
     .reads = 2,
     .writes = 1,
     .functions = {12, 15, 264}},
    {.service = SERVICE_PROFINET,
     .proto = 17,
     .port = 34964,
     .asks = {PN_HEAD("00") "0000" PN_TAIL, PN_HEAD("00") "0200" PN_TAIL,
              PN_HEAD("00") "0300" PN_TAIL},
     .answers = {PN_HEAD("02") "0200" PN_TAIL},
     .reads = 1,
     .writes = 1,
     .functions = {2, 3}},       /* and 0, connect */
    {.service = SERVICE_ASTERIX, /* plots of one radar, and its sector */
     .proto = 17,
     .port = 8600,
     .asks = {"30 0009 c0 190d 356d4d", "22 000b f0 190d 02 356d4e 08 30 0009 c0 190d 356d4d"}},
    {.service = SERVICE_ASTERIX,
     .proto = 6,
     .port = 8600,
     .asks = {"30 0009 c0 190d 356d4d", "22 000b f0 190d 02 356d4e 08", "30 0009 c0 190d 356d4d"}},
    {.service = SERVICE_DNP3, /* as a master sent them: restarted, read */
     .proto = 6,
     .port = 20000,
     .asks = {"0564 08 c4 0400 0300 b4b8 c0 c1 0d d22d",
              "0564 0b c4 0400 0300 e42b c1 c2 01 020006 78a6"},
     .answers = {"0564 0a 44 0600 0400 bfb0 d1 f7 82 0000 ba39"},
     .reads = 1,
     .writes = 1,
     .functions = {1, 13}},
};
#define CONTROL_CASES (sizeof control_cases / sizeof *control_cases)

/* Pairs of hexadecimal digits and 'text', with blanks between. */
static inline void put_hex(struct bytes *b, const char *text)
{
    while (*text) {
        unsigned value;
        if (*text == ' ') {
            text++;
        } else if (*text == '\'') {
            size_t size = strcspn(text + 1, "'");
            put(b, text + 1, size);
            text += size + 2;
        } else if (sscanf(text, "%2x", &value) == 1) {
            put8(b, value);
            text += 2;
        } else {
            abort();
        }
    }
}

#endif
