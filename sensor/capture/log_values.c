/* Payload out of IP bytes. UDP's and ICMP's headers are of one size. TCP's are of 20 to 60 bytes:
 * all 60 in every packet leave the low bound, 20 the high one, and what is judged is 32, since time
 * stamps (RFC 7323, 12 bytes) are in every packet of all systems but Windows: so the
 * acknowledgements of a large download are no upload. IP's own options and extension headers are
 * not thought of: they are rare, and few bytes. Thread: any; no state. */
#include "log_values.h"

#include "weir/base/digest.h"
#include "weir/decode/packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UID_SEED  UINT64_C(0x7765697275696473)
#define COUNT_MAX (UINT64_C(1) << 56u)

const char *const log_result_text[LOG_RESULTS] = {"",
                                                  "",
                                                  "values before any #fields",
                                                  "of another log",
                                                  "no JSON object",
                                                  "no conn_state",
                                                  "no ts",
                                                  "no address",
                                                  "no protocol",
                                                  "a number that cannot be"};

/* --- numbers and addresses -------------------------------------------------------------------- */

bool log_next(struct log_span *rest, char separator, struct log_span *span)
{
    if (!rest->at)
        return false;
    const char *end = rest->size ? memchr(rest->at, separator, rest->size) : NULL;
    *span = (struct log_span){rest->at, end ? (size_t)(end - rest->at) : rest->size};
    if (end)
        *rest = (struct log_span){end + 1, rest->size - span->size - 1};
    else
        *rest = (struct log_span){NULL, 0};
    return true;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool copy(struct log_span span, char text[LOG_VALUE_MAX])
{
    if (!span.at || span.size == 0 || span.size >= LOG_VALUE_MAX)
        return false;
    memcpy(text, span.at, span.size);
    text[span.size] = '\0';
    return true;
}

/* The digits it begins with, up to `most` of them; how many they are. */
static size_t take_digits(struct log_span span, size_t most, uint64_t *number)
{
    size_t count = 0;
    *number = 0;
    for (; count < span.size && count < most && is_digit(span.at[count]); count++)
        *number = *number * 10 + (uint64_t)(span.at[count] - '0');
    return count;
}

/* `known` false: unset, which is right too. */
bool log_count(struct log_span span, uint64_t *count, bool *known)
{
    *count = 0;
    *known = span.at != NULL;
    if (!span.at)
        return true;
    size_t digits = take_digits(span, 17, count);
    return digits > 0 && digits == span.size && *count < COUNT_MAX;
}

bool log_number(struct log_span span, uint64_t most, uint64_t *number)
{
    bool known;
    return log_count(span, number, &known) && *number <= most;
}

bool log_protocol(struct log_span span, uint8_t *proto)
{
    static const struct {
        const char *name;
        uint8_t proto;
    } names[] = {{"TCP", PROTO_TCP},
                 {"UDP", PROTO_UDP},
                 {"ICMP", PROTO_ICMP},
                 {"ICMP6", PROTO_ICMP6},
                 {"IPv6-ICMP", PROTO_ICMP6},
                 {"SCTP", PROTO_SCTP},
                 {"GRE", 47},
                 {"ESP", 50},
                 {"AH", 51},
                 {"IPv6", 41},
                 {"IPv4", 4},
                 {"IP-in-IP", 4}};
    uint64_t number;
    if (!span.at || span.size == 0)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (log_is(span, names[i].name)) {
            *proto = names[i].proto;
            return true;
        }
    *proto = log_number(span, UINT8_MAX, &number) ? (uint8_t)number : 255;
    return true;
}

/* "1591367999.305988", exactly; up to nine digits behind the point count. False: it is anything
 * else. */
static bool plain_seconds(struct log_span span, int64_t *ns)
{
    uint64_t whole, part;
    size_t at = take_digits(span, 10, &whole), digits = 0;
    if (at == 0 || span.size >= LOG_VALUE_MAX || whole >= (uint64_t)LOG_SECONDS_MAX)
        return false;
    *ns = (int64_t)whole * NS_PER_S;
    if (at == span.size)
        return true;
    if (span.at[at++] != '.')
        return false;
    digits = take_digits((struct log_span){span.at + at, span.size - at}, 9, &part);
    for (size_t i = digits; i < 9; i++)
        part *= 10;
    for (at += digits; at < span.size && is_digit(span.at[at]);)
        at++;
    *ns += (int64_t)part;
    return at == span.size;
}

/* Else as a double has it: "2.1e-06", as JSON does. */
bool log_seconds(struct log_span span, int64_t *ns)
{
    char text[LOG_VALUE_MAX], *end;
    if (plain_seconds(span, ns))
        return true;
    if (!copy(span, text))
        return false;
    double seconds = strtod(text, &end);
    if (*end != '\0' || !(seconds >= 0 && seconds < (double)LOG_SECONDS_MAX) ||
        strpbrk(text, "xXnN"))
        return false;
    *ns = (int64_t)(seconds * 1e9);
    return true;
}

bool log_address(struct log_span span, struct ip *ip)
{
    char text[LOG_VALUE_MAX];
    return copy(span, text) && ip_parse(text, ip) == 0;
}

/* --- times ------------------------------------------------------------------------------------ */

/* −1: there is something else. */
static int number_at(struct log_span span, size_t at, size_t size)
{
    int number = 0;
    for (size_t i = at; i < at + size; i++) {
        if (i >= span.size || span.at[i] < '0' || span.at[i] > '9')
            return -1;
        number = number * 10 + (span.at[i] - '0');
    }
    return number;
}

static bool char_at(struct log_span span, size_t at, const char *of)
{
    return at < span.size && span.at[at] && strchr(of, span.at[at]);
}

/* Days since 1970 in the Gregorian calendar, counted from March so that leap days come last. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1, m = (month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool within(int number, int least, int most)
{
    return number >= least && number <= most;
}

/* "2020-06-05T14:39:59" */
static bool whole_seconds(struct log_span span, int64_t *seconds)
{
    int year = number_at(span, 0, 4), month = number_at(span, 5, 2), day = number_at(span, 8, 2);
    int hour = number_at(span, 11, 2), minute = number_at(span, 14, 2),
        second = number_at(span, 17, 2);
    if (!char_at(span, 4, "-") || !char_at(span, 7, "-") || !char_at(span, 10, "T ") ||
        !char_at(span, 13, ":") || !char_at(span, 16, ":") || !within(year, 1970, 2108) ||
        !within(month, 1, 12) || !within(day, 1, 31) || !within(hour, 0, 23) ||
        !within(minute, 0, 59) || !within(second, 0, 60))
        return false;
    *seconds =
        days_of(year, month, day) * 86400 + hour * INT64_C(3600) + minute * INT64_C(60) + second;
    return true;
}

static int64_t fraction_ns(struct log_span span, size_t *at)
{
    int64_t ns = 0, unit = NS_PER_S / 10;
    if (!char_at(span, *at, ".,"))
        return 0;
    for (++*at; char_at(span, *at, "0123456789"); ++*at, unit /= 10)
        ns += (span.at[*at] - '0') * unit;
    return ns;
}

/* Seconds east of Greenwich. */
static bool zone_of(struct log_span span, size_t at, int64_t *east_s)
{
    size_t left = span.size - at, colon = char_at(span, at + 3, ":");
    *east_s = 0;
    if (left == 0 || (left == 1 && span.at[at] == 'Z'))
        return true;
    int hours = number_at(span, at + 1, 2), minutes = number_at(span, at + 3 + colon, 2);
    if (!char_at(span, at, "+-") || left != 5 + colon || !within(hours, 0, 23) ||
        !within(minutes, 0, 59))
        return false;
    *east_s = (hours * INT64_C(3600) + minutes * INT64_C(60)) * (span.at[at] == '-' ? -1 : 1);
    return true;
}

bool log_time(struct log_span span, int64_t *ns)
{
    int64_t seconds, east_s;
    size_t at = 19;
    if (!span.at || !whole_seconds(span, &seconds))
        return false;
    int64_t part_ns = fraction_ns(span, &at);
    if (!zone_of(span, at, &east_s) || seconds < east_s)
        return false;
    *ns = (seconds - east_s) * NS_PER_S + part_ns;
    return true;
}

/* --- texts ------------------------------------------------------------------------------------ */

uint64_t log_uid(struct log_span span)
{
    if (!span.at || span.size == 0)
        return 0;
    uint64_t hash = hash64(span.at, span.size, UID_SEED);
    return hash ? hash : 1;
}

static int hex_of(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = digit ? strchr(digits, digit) : NULL;
    return at ? (int)((at - digits) % 16) : -1;
}

size_t log_zeek_unescape(const char *at, size_t size, char *to, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < size && count < room; i++) {
        int high = i + 3 < size ? hex_of(at[i + 2]) : -1;
        int low = i + 3 < size ? hex_of(at[i + 3]) : -1;
        if (at[i] == '\\' && i + 3 < size && at[i + 1] == 'x' && high >= 0 && low >= 0) {
            to[count++] = (char)(high * 16 + low);
            i += 3;
        } else {
            i += at[i] == '\\' && i + 1 < size && at[i + 1] == '\\';
            to[count++] = at[i];
        }
    }
    return count;
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

static bool is_printable(const char *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (at[i] <= ' ' || at[i] > '~')
            return false;
    return true;
}

#define NAME_BYTES 1024u /* of a text that becomes a name; what is in front of them is cut */

uint8_t log_name(const char *at, size_t size, char text[RECORD_NAME_MAX + 1])
{
    char whole[4 * NAME_BYTES + 1];
    size_t count = 0;
    if (size > 0 && at[size - 1] == '.')
        size--;
    size_t from = size > NAME_BYTES ? size - NAME_BYTES : 0;
    for (size_t i = from; i < size; i++) {
        if (at[i] > ' ' && at[i] <= '~' && at[i] != '\\')
            whole[count++] = lower(at[i]);
        else
            count += (size_t)snprintf(whole + count, 5, "\\%03u", (unsigned)(uint8_t)at[i]);
    }
    size_t cut = count > RECORD_NAME_MAX ? count - RECORD_NAME_MAX : 0;
    memcpy(text, whole + cut, count - cut);
    text[count - cut] = '\0';
    return (uint8_t)(cut < UINT8_MAX ? cut : UINT8_MAX);
}

void log_host(const char *at, size_t size, char text[RECORD_NAME_MAX + 1])
{
    const char *colon = size ? memchr(at, ':', size) : NULL;
    if (colon && !memchr(colon + 1, ':', size - (size_t)(colon + 1 - at)))
        size = (size_t)(colon - at); /* a port; several colons are an address */
    if (size > 0 && at[size - 1] == '.')
        size--;
    log_text(at, size, text);
    for (char *c = text; *c; c++)
        *c = lower(*c);
}

void log_text(const char *at, size_t size, char text[RECORD_NAME_MAX + 1])
{
    text[0] = '\0';
    if (size == 0 || size > RECORD_NAME_MAX || !is_printable(at, size))
        return;
    memcpy(text, at, size);
    text[size] = '\0';
}

bool log_md5(struct log_span span, uint8_t md5[16])
{
    if (!span.at || span.size != 32)
        return false;
    for (size_t i = 0; i < 16; i++) {
        int high = hex_of(span.at[2 * i]), low = hex_of(span.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        md5[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

/* --- payload ---------------------------------------------------------------------------------- */

static uint64_t less(uint64_t bytes, uint64_t packets, uint64_t header)
{
    return bytes / header > packets || bytes > packets * header ? bytes - packets * header : 0;
}

void log_bound_payload(const struct flow_key *key, struct connection_side *side)
{
    uint64_t ip = ip_is_v4(&key->orig_ip) ? 20 : 40;
    bool is_tcp = key->proto == PROTO_TCP;
    side->payload_bytes = less(side->ip_bytes, side->packets, ip + (is_tcp ? 32 : 8));
    side->low_bytes = less(side->ip_bytes, side->packets, ip + (is_tcp ? 60 : 8));
    side->high_bytes = less(side->ip_bytes, side->packets, ip + (is_tcp ? 20 : 8));
}
