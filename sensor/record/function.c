/* Function codes: sets of them, and what they are called. The names are the protocols' own:
 * MODBUS Application Protocol 1.1b3, IEEE 1815, IEC 60870-5-101 and -104, ASHRAE 135, ODVA's CIP
 * Networks Library, OPC 10000-4 (node ids: OPC 10000-6 annex A), IEC 61158-6-10; of S7 what
 * Wireshark's documentation calls them. Thread-safe: no state. */
#include "weir/record/function.h"

#include <stdio.h>
#include <string.h>

/* --- sets ------------------------------------------------------------------------------------- */

static size_t place_of(const struct function_set *set, uint16_t code)
{
    size_t at = 0;
    while (at < set->count && set->code[at] < code)
        at++;
    return at;
}

bool function_set_has(const struct function_set *set, uint16_t code)
{
    size_t at = place_of(set, code);
    return at < set->count && set->code[at] == code;
}

bool function_set_is_back(const struct function_set *set, size_t at)
{
    return (set->back >> at & 1) != 0;
}

bool function_set_overflows(const struct function_set *set)
{
    return set->more > 0 || set->more_back > 0;
}

static void count_up(uint16_t *count, unsigned by)
{
    *count = (uint16_t)(by < UINT16_MAX - (unsigned)*count ? *count + by : UINT16_MAX);
}

static void put(struct function_set *set, uint16_t code, bool back)
{
    size_t at = place_of(set, code);
    uint32_t below = ((uint32_t)1 << at) - 1;
    memmove(&set->code[at + 1], &set->code[at], (set->count - at) * sizeof *set->code);
    set->code[at] = code;
    set->back = (set->back & below) | ((set->back & ~below) << 1) | ((uint32_t)back << at);
    set->count++;
}

/* The largest that the other side alone asked for. False: there is none. */
static bool give_way(struct function_set *set)
{
    size_t at = set->count;
    while (at > 0 && !function_set_is_back(set, at - 1))
        at--;
    if (at-- == 0)
        return false;
    uint32_t below = ((uint32_t)1 << at) - 1;
    set->count--;
    memmove(&set->code[at], &set->code[at + 1], (set->count - at) * sizeof *set->code);
    set->back = (set->back & below) | (set->back >> 1 & ~below);
    count_up(&set->more_back, 1);
    return true;
}

static void add(struct function_set *set, uint16_t code, bool back)
{
    size_t at = place_of(set, code);
    if (at < set->count && set->code[at] == code)
        set->back &= ~((uint32_t)!back << at);
    else if (set->count < FUNCTIONS_MAX || (!back && give_way(set)))
        put(set, code, back);
    else
        count_up(back ? &set->more_back : &set->more, 1);
}

void function_set_add(struct function_set *set, uint16_t code)
{
    add(set, code, false);
}

void function_set_merge(struct function_set *set, const struct function_set *other)
{
    for (size_t i = 0; i < other->count; i++)
        add(set, other->code[i], function_set_is_back(other, i));
    count_up(&set->more, other->more);
    count_up(&set->more_back, other->more_back);
}

void function_set_turn_back(struct function_set *set)
{
    set->back = (uint32_t)(((uint64_t)1 << set->count) - 1);
    count_up(&set->more_back, set->more);
    set->more = 0;
}

/* --- names ------------------------------------------------------------------------------------ */

struct named {
    uint16_t code;
    const char *name;
};

static const struct named modbus[] = {{1, "read coils"},
                                      {2, "read discrete inputs"},
                                      {3, "read holding registers"},
                                      {4, "read input registers"},
                                      {5, "write single coil"},
                                      {6, "write single register"},
                                      {7, "read exception status"},
                                      {8, "diagnostics"},
                                      {11, "get comm event counter"},
                                      {12, "get comm event log"},
                                      {15, "write multiple coils"},
                                      {16, "write multiple registers"},
                                      {17, "report server id"},
                                      {20, "read file record"},
                                      {21, "write file record"},
                                      {22, "mask write register"},
                                      {23, "read/write multiple registers"},
                                      {24, "read FIFO queue"},
                                      {43, "encapsulated interface transport"},
                                      {90, "Unity (UMAS)"},
                                      {0, NULL}};

static const struct named s7[] = {{0x00, "CPU services"},
                                  {0x04, "read variable"},
                                  {0x05, "write variable"},
                                  {0x1a, "request download"},
                                  {0x1b, "download block"},
                                  {0x1c, "download ended"},
                                  {0x1d, "start upload"},
                                  {0x1e, "upload"},
                                  {0x1f, "end upload"},
                                  {0x28, "program invocation"},
                                  {0x29, "PLC stop"},
                                  {0xf0, "set up communication"},
                                  {FUNCTION_S7_UNSEEN, "not looked at"},
                                  {0x04bb, "explore"},
                                  {0x04ca, "create object"},
                                  {0x04d4, "delete object"},
                                  {0x04f2, "set variable"},
                                  {0x04fc, "get variable"},
                                  {0x0506, "add link"},
                                  {0x051a, "remove link"},
                                  {0x0524, "get link"},
                                  {0x0542, "set multiple variables"},
                                  {0x054c, "get multiple variables"},
                                  {0x0556, "begin sequence"},
                                  {0x0560, "end sequence"},
                                  {0x056b, "invoke"},
                                  {0x057c, "set variable substream"},
                                  {0x0586, "get variable substream"},
                                  {0x0590, "get variables address"},
                                  {0x7201, "cyclic data by memory"},
                                  {0x7204, "end of cyclic data"},
                                  {0x7205, "cyclic data by database"},
                                  {0x7301, "list blocks"},
                                  {0x7302, "list blocks of a type"},
                                  {0x7303, "block info"},
                                  {0x7401, "read SZL"},
                                  {0x7402, "message service"},
                                  {0x7501, "PLC password"},
                                  {0x7701, "read clock"},
                                  {0x7702, "set clock"},
                                  {0x7703, "read clock"},
                                  {0x7704, "set clock"},
                                  {0, NULL}};

static const struct named dnp3[] = {{1, "read"},
                                    {2, "write"},
                                    {3, "select"},
                                    {4, "operate"},
                                    {5, "direct operate"},
                                    {6, "direct operate, no answer"},
                                    {7, "immediate freeze"},
                                    {8, "immediate freeze, no answer"},
                                    {9, "freeze and clear"},
                                    {10, "freeze and clear, no answer"},
                                    {11, "freeze at time"},
                                    {12, "freeze at time, no answer"},
                                    {13, "cold restart"},
                                    {14, "warm restart"},
                                    {15, "initialize data"},
                                    {16, "initialize application"},
                                    {17, "start application"},
                                    {18, "stop application"},
                                    {19, "save configuration"},
                                    {20, "enable unsolicited"},
                                    {21, "disable unsolicited"},
                                    {22, "assign class"},
                                    {23, "delay measurement"},
                                    {24, "record current time"},
                                    {25, "open file"},
                                    {26, "close file"},
                                    {27, "delete file"},
                                    {28, "get file info"},
                                    {29, "authenticate file"},
                                    {30, "abort file"},
                                    {31, "activate configuration"},
                                    {32, "authentication request"},
                                    {33, "authentication request, no answer"},
                                    {0, NULL}};

static const struct named iec104[] = {{45, "single command"},
                                      {46, "double command"},
                                      {47, "regulating step command"},
                                      {48, "set point, normalized"},
                                      {49, "set point, scaled"},
                                      {50, "set point, short float"},
                                      {51, "bitstring"},
                                      {58, "single command with time"},
                                      {59, "double command with time"},
                                      {60, "regulating step command with time"},
                                      {61, "set point with time, normalized"},
                                      {62, "set point with time, scaled"},
                                      {63, "set point with time, short float"},
                                      {64, "bitstring with time"},
                                      {100, "interrogation"},
                                      {101, "counter interrogation"},
                                      {102, "read"},
                                      {103, "clock synchronization"},
                                      {104, "test"},
                                      {105, "reset process"},
                                      {106, "delay acquisition"},
                                      {107, "test with time"},
                                      {110, "parameter, normalized"},
                                      {111, "parameter, scaled"},
                                      {112, "parameter, short float"},
                                      {113, "parameter activation"},
                                      {120, "file ready"},
                                      {121, "section ready"},
                                      {122, "call file"},
                                      {123, "last section"},
                                      {124, "acknowledge file"},
                                      {125, "file segment"},
                                      {126, "directory"},
                                      {127, "query log"},
                                      {0, NULL}};

static const struct named bacnet[] = {{0, "acknowledgeAlarm"},
                                      {1, "confirmedCOVNotification"},
                                      {2, "confirmedEventNotification"},
                                      {3, "getAlarmSummary"},
                                      {4, "getEnrollmentSummary"},
                                      {5, "subscribeCOV"},
                                      {6, "atomicReadFile"},
                                      {7, "atomicWriteFile"},
                                      {8, "addListElement"},
                                      {9, "removeListElement"},
                                      {10, "createObject"},
                                      {11, "deleteObject"},
                                      {12, "readProperty"},
                                      {13, "readPropertyConditional"},
                                      {14, "readPropertyMultiple"},
                                      {15, "writeProperty"},
                                      {16, "writePropertyMultiple"},
                                      {17, "deviceCommunicationControl"},
                                      {18, "confirmedPrivateTransfer"},
                                      {19, "confirmedTextMessage"},
                                      {20, "reinitializeDevice"},
                                      {21, "vtOpen"},
                                      {22, "vtClose"},
                                      {23, "vtData"},
                                      {24, "authenticate"},
                                      {25, "requestKey"},
                                      {26, "readRange"},
                                      {27, "lifeSafetyOperation"},
                                      {28, "subscribeCOVProperty"},
                                      {29, "getEventInformation"},
                                      {30, "subscribeCOVPropertyMultiple"},
                                      {31, "confirmedCOVNotificationMultiple"},
                                      {32, "confirmedAuditNotification"},
                                      {33, "auditLogQuery"},
                                      {34, "authRequest"},
                                      {256, "i-Am"},
                                      {257, "i-Have"},
                                      {258, "unconfirmedCOVNotification"},
                                      {259, "unconfirmedEventNotification"},
                                      {260, "unconfirmedPrivateTransfer"},
                                      {261, "unconfirmedTextMessage"},
                                      {262, "timeSynchronization"},
                                      {263, "who-Has"},
                                      {264, "who-Is"},
                                      {265, "utcTimeSynchronization"},
                                      {266, "writeGroup"},
                                      {267, "unconfirmedCOVNotificationMultiple"},
                                      {268, "unconfirmedAuditNotification"},
                                      {269, "who-Am-I"},
                                      {270, "you-Are"},
                                      {0, NULL}};

static const struct named cip[] = {{0x01, "get attributes all"},
                                   {0x02, "set attributes all"},
                                   {0x03, "get attribute list"},
                                   {0x04, "set attribute list"},
                                   {0x05, "reset"},
                                   {0x06, "start"},
                                   {0x07, "stop"},
                                   {0x08, "create"},
                                   {0x09, "delete"},
                                   {0x0a, "multiple service packet"},
                                   {0x0d, "apply attributes"},
                                   {0x0e, "get attribute single"},
                                   {0x10, "set attribute single"},
                                   {0x11, "find next object instance"},
                                   {0x15, "restore"},
                                   {0x16, "save"},
                                   {0x17, "no operation"},
                                   {0x18, "get member"},
                                   {0x19, "set member"},
                                   {0x1a, "insert member"},
                                   {0x1b, "remove member"},
                                   {0x1c, "group sync"},
                                   {0x4c, "read tag"},
                                   {0x4d, "write tag"},
                                   {0x4e, "read modify write tag"},
                                   {0x52, "read tag fragmented"},
                                   {0x53, "write tag fragmented"},
                                   {0x55, "get instance attribute list"},
                                   {0x64e, "forward close"},
                                   {0x652, "unconnected send"},
                                   {0x654, "forward open"},
                                   {0x656, "get connection data"},
                                   {0x657, "search connection data"},
                                   {0x65a, "get connection owner"},
                                   {0x65b, "large forward open"},
                                   {FUNCTION_CIP_UNSEEN, "not looked at"},
                                   {0, NULL}};

static const struct named opcua[] = {{422, "FindServers"},
                                     {428, "GetEndpoints"},
                                     {437, "RegisterServer"},
                                     {461, "CreateSession"},
                                     {467, "ActivateSession"},
                                     {473, "CloseSession"},
                                     {479, "Cancel"},
                                     {488, "AddNodes"},
                                     {494, "AddReferences"},
                                     {500, "DeleteNodes"},
                                     {506, "DeleteReferences"},
                                     {527, "Browse"},
                                     {533, "BrowseNext"},
                                     {554, "TranslateBrowsePathsToNodeIds"},
                                     {560, "RegisterNodes"},
                                     {566, "UnregisterNodes"},
                                     {615, "QueryFirst"},
                                     {621, "QueryNext"},
                                     {631, "Read"},
                                     {664, "HistoryRead"},
                                     {673, "Write"},
                                     {700, "HistoryUpdate"},
                                     {712, "Call"},
                                     {751, "CreateMonitoredItems"},
                                     {763, "ModifyMonitoredItems"},
                                     {769, "SetMonitoringMode"},
                                     {775, "SetTriggering"},
                                     {781, "DeleteMonitoredItems"},
                                     {787, "CreateSubscription"},
                                     {793, "ModifySubscription"},
                                     {799, "SetPublishingMode"},
                                     {826, "Publish"},
                                     {832, "Republish"},
                                     {841, "TransferSubscriptions"},
                                     {847, "DeleteSubscriptions"},
                                     {12208, "FindServersOnNetwork"},
                                     {12211, "RegisterServer2"},
                                     {0, NULL}};

static const struct named profinet[] = {{0, "connect"}, {1, "release"}, {2, "read"},
                                        {3, "write"},   {4, "control"}, {5, "read implicit"},
                                        {0, NULL}};

/* --- what writes ------------------------------------------------------------------------------ */

static const uint16_t modbus_writes[] = {5, 6, 15, 16, 21, 22, 23, 0};
static const uint16_t s7_writes[] = {0x05,   0x1a,   0x1b,   0x1c,   0x28,   0x29,
                                     0x04ca, 0x04d4, 0x04f2, 0x0506, 0x051a, 0x0542,
                                     0x056b, 0x057c, 0x7702, 0x7704, 0};
static const uint16_t dnp3_writes[] = {2,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
                                       15, 16, 17, 18, 19, 20, 21, 22, 24, 27, 31, 0};
static const uint16_t iec104_writes[] = {45, 46, 47, 48,  49,  50,  51,  58,  59,  60, 61,
                                         62, 63, 64, 103, 105, 110, 111, 112, 113, 0};
static const uint16_t bacnet_writes[] = {7,  8,  9,  10,  11,  15,  16,
                                         17, 20, 27, 262, 265, 266, 0}; /* clocks, group values */
static const uint16_t cip_writes[] = {0x02, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0d, 0x10,
                                      0x15, 0x16, 0x19, 0x1a, 0x1b, 0x4d, 0x4e, 0x53, 0};
static const uint16_t opcua_writes[] = {488, 494, 500, 506, 673, 700, 712, 0};
static const uint16_t profinet_writes[] = {3, 0};

/* --- services --------------------------------------------------------------------------------- */

static const struct {
    uint16_t last;
    bool hex;
    const struct named *named;
    const uint16_t *writes; /* ends with 0 */
} row[SERVICES] = {
    [SERVICE_MODBUS] = {UINT8_MAX, false, modbus, modbus_writes},
    [SERVICE_S7] = {UINT16_MAX, true, s7, s7_writes},
    [SERVICE_DNP3] = {127, false, dnp3, dnp3_writes},
    [SERVICE_IEC104] = {127, false, iec104, iec104_writes},
    [SERVICE_BACNET] = {511, false, bacnet, bacnet_writes},
    [SERVICE_CIP] = {FUNCTION_CIP_UNSEEN, true, cip, cip_writes},
    [SERVICE_OPCUA] = {UINT16_MAX, false, opcua, opcua_writes},
    [SERVICE_PROFINET] = {UINT16_MAX, false, profinet, profinet_writes},
};

uint16_t function_last(enum service service)
{
    return row[service].last;
}

bool function_writes(enum service service, uint16_t code)
{
    for (const uint16_t *at = row[service].writes; at && *at; at++)
        if (*at == code)
            return true;
    return false;
}

const char *function_name(enum service service, uint16_t code)
{
    for (const struct named *at = row[service].named; at && at->name; at++)
        if (at->code == code)
            return at->name;
    return NULL;
}

char *function_number(enum service service, uint16_t code, char text[8])
{
    snprintf(text, 8, row[service].hex ? "0x%02x" : "%u", code);
    return text;
}

char *function_text(enum service service, uint16_t code, char text[FUNCTION_TEXT_SIZE])
{
    char number[8];
    const char *name = function_name(service, code);
    function_number(service, code, number);
    if (name)
        snprintf(text, FUNCTION_TEXT_SIZE, "%s (%s)", number, name);
    else
        snprintf(text, FUNCTION_TEXT_SIZE, "%s", number);
    return text;
}
