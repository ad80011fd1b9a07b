/* Lines of FTP. Numbers are read to FTP_NUMBER_MAX; a larger one is none. Of an announced address
 * only the port is taken: the address is the control connection's, or not believed (expect.h).
 * Pure. */
#include "ftp.h"

#include <string.h>
#include <strings.h>

#define FTP_NUMBER_MAX (INT64_C(1) << 53)

struct text {
    const uint8_t *at, *end;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool next_is(const struct text *t, uint8_t c)
{
    return t->at < t->end && *t->at == c;
}

static bool skip(struct text *t, uint8_t c)
{
    bool is = next_is(t, c);
    t->at += is;
    return is;
}

static int64_t read_number(struct text *t)
{
    int64_t number = 0;
    if (t->at == t->end || !is_digit(*t->at))
        return -1;
    for (; t->at < t->end && is_digit(*t->at); t->at++)
        if (number <= FTP_NUMBER_MAX)
            number = number * 10 + (*t->at - '0');
    return number <= FTP_NUMBER_MAX ? number : -1;
}

/* h1,h2,h3,h4,p1,p2 from the first digit on: not every server writes the parentheses
 * (RFC 1123 4.1.2.6). */
static uint16_t read_port(struct text t)
{
    int64_t part[6];
    while (t.at < t.end && !is_digit(*t.at))
        t.at++;
    for (int i = 0; i < 6; i++) {
        part[i] = read_number(&t);
        if (part[i] < 0 || part[i] > UINT8_MAX || (i < 5 && !skip(&t, ',')))
            return 0;
    }
    return (uint16_t)(part[4] << 8 | part[5]);
}

/* <d>protocol<d>address<d>port<d>, with any d (RFC 2428); EPSV leaves the first two empty. */
static uint16_t read_extended_port(struct text t)
{
    if (t.at == t.end)
        return 0;
    uint8_t delimiter = *t.at++;
    for (int i = 0; i < 2; i++) {
        while (t.at < t.end && *t.at != delimiter)
            t.at++;
        skip(&t, delimiter);
    }
    int64_t port = read_number(&t);
    return port > 0 && port <= UINT16_MAX && next_is(&t, delimiter) ? (uint16_t)port : 0;
}

/* "(123 bytes)", as most servers say with 150. */
static int64_t read_size(struct text t)
{
    static const char unit[] = " bytes";
    while (t.at < t.end) {
        if (!skip(&t, '(')) {
            t.at++;
            continue;
        }
        int64_t number = read_number(&t);
        if (number >= 0 && (size_t)(t.end - t.at) >= sizeof unit - 1 &&
            memcmp(t.at, unit, sizeof unit - 1) == 0)
            return number;
    }
    return -1;
}

static struct ftp_line read_reply(const uint8_t *data, struct text rest)
{
    struct ftp_line line = {.word = FTP_REPLY, .number = -1};
    line.code = (uint16_t)((data[0] - '0') * 100 + (data[1] - '0') * 10 + (data[2] - '0'));
    if (line.code == 227) {
        line.port = read_port(rest);
    } else if (line.code == 229) {
        while (rest.at < rest.end && *rest.at != '(')
            rest.at++;
        skip(&rest, '(');
        line.port = read_extended_port(rest);
    } else if (line.code == 213) {
        line.number = read_number(&rest);
    } else if (line.code == 150 || line.code == 125) {
        line.number = read_size(rest);
    }
    return line;
}

static const struct command {
    char name[5];
    uint8_t word; /* enum ftp_word */
} commands[] = {
    {"PASS", FTP_SECRET},   {"ACCT", FTP_SECRET},   {"ADAT", FTP_SECRET},  {"PORT", FTP_LISTEN},
    {"EPRT", FTP_LISTEN},   {"STOR", FTP_STORE},    {"STOU", FTP_STORE},   {"APPE", FTP_STORE},
    {"RETR", FTP_RETRIEVE}, {"LIST", FTP_LIST},     {"NLST", FTP_LIST},    {"MLSD", FTP_LIST},
    {"SIZE", FTP_SIZE},     {"ALLO", FTP_ALLOCATE}, {"REST", FTP_RESTART}, {"MODE", FTP_MODE},
    {"USER", FTP_USER},     {"PASV", FTP_KNOWN},    {"EPSV", FTP_KNOWN},   {"TYPE", FTP_KNOWN},
    {"AUTH", FTP_UPGRADE},  {"SYST", FTP_KNOWN},    {"FEAT", FTP_KNOWN},   {"CWD", FTP_KNOWN},
    {"PWD", FTP_KNOWN},     {"MDTM", FTP_KNOWN},    {"DELE", FTP_KNOWN},   {"ABOR", FTP_KNOWN},
};

static enum ftp_word word_of(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strlen(commands[i].name) == size &&
            strncasecmp(commands[i].name, (const char *)data, size) == 0)
            return (enum ftp_word)commands[i].word;
    return FTP_OTHER;
}

static struct ftp_line read_command(const uint8_t *data, size_t size)
{
    struct ftp_line line = {.word = FTP_OTHER, .number = -1};
    size_t length = 0;
    while (length < size && data[length] != ' ')
        length++;
    line.word = word_of(data, length);
    struct text rest = {data + length, data + size};
    while (skip(&rest, ' '))
        ;
    if (line.word == FTP_LISTEN)
        line.port = (data[0] | 0x20) == 'e' ? read_extended_port(rest) : read_port(rest);
    else if (line.word == FTP_ALLOCATE || line.word == FTP_RESTART)
        line.number = read_number(&rest);
    else if (line.word == FTP_MODE)
        line.number = rest.at < rest.end ? *rest.at | 0x20 : -1;
    line.name = rest.at;
    line.name_size = (size_t)(rest.end - rest.at);
    return line;
}

struct ftp_line ftp_parse_line(const uint8_t *data, size_t size)
{
    bool coded = size >= 3 && data[0] >= '1' && data[0] <= '6' && is_digit(data[1]) &&
                 is_digit(data[2]) && (size == 3 || data[3] == ' ' || data[3] == '-');
    if (coded)
        return read_reply(data, (struct text){data + (size > 3 ? 4 : 3), data + size});
    while (size && data[0] >= 0xf0) /* Telnet's signals, before ABOR (RFC 959 4.1.3) */
        data++, size--;
    return read_command(data, size);
}
