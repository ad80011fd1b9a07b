/* Datagrams of TFTP. Pure. */
#include "tftp.h"

#include "weir/base/cursor.h"

#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 512u /* a request fits a block */
#define OPTIONS_MAX    16u
#define NUMBER_MAX     (INT64_C(1) << 48)

/* A text up to its NUL, printable; NULL: none. */
static const char *take_text(struct cursor *c)
{
    const uint8_t *end = cursor_left(c) ? memchr(c->at, 0, cursor_left(c)) : NULL;
    if (!end || (size_t)(end - c->at) > NAME_MAX_BYTES) {
        c->failed = true;
        return NULL;
    }
    const char *text = (const char *)cursor_take(c, (size_t)(end - c->at) + 1);
    for (const char *p = text; p && *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            c->failed = true;
    return c->failed ? NULL : text;
}

static int64_t number_of(const char *text)
{
    int64_t number = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || number > NUMBER_MAX)
            return -1;
        number = number * 10 + (*text - '0');
    }
    return number;
}

static void take_option(const char *name, const char *value, struct tftp_datagram *datagram)
{
    int64_t number = number_of(value);
    if (strcasecmp(name, "tsize") == 0) {
        datagram->transfer_size = number;
    } else if (strcasecmp(name, "blksize") == 0) {
        datagram->has_block_bytes = true;
        if (number >= 8 && number <= 65464)
            datagram->block_bytes = (uint32_t)number;
    } else if (strcasecmp(name, "windowsize") == 0 && number >= 1 && number <= UINT16_MAX) {
        datagram->window = (uint32_t)number;
    }
}

/* To the datagram's end: what is no pair of texts makes it no TFTP. */
static void take_options(struct cursor *c, struct tftp_datagram *datagram)
{
    for (unsigned i = 0; i < OPTIONS_MAX && cursor_left(c) && !c->failed; i++) {
        const char *name = take_text(c), *value = take_text(c);
        if (name && value)
            take_option(name, value, datagram);
    }
    c->failed |= cursor_left(c) > 0;
}

static void take_request(struct cursor *c, struct tftp_datagram *datagram)
{
    const char *name = take_text(c), *mode = take_text(c);
    if (!name || !mode)
        return;
    c->failed |= *name == '\0';
    c->failed |= strcasecmp(mode, "octet") != 0 && strcasecmp(mode, "netascii") != 0 &&
                 strcasecmp(mode, "mail") != 0;
    take_options(c, datagram);
}

enum parse_result tftp_parse(const uint8_t *data, size_t size, struct tftp_datagram *datagram)
{
    struct cursor c = cursor_make(data, size);
    *datagram = (struct tftp_datagram){.transfer_size = -1};
    uint16_t code = cursor_be16(&c);
    datagram->kind = (enum tftp_kind)code;
    if (code == TFTP_READ_REQUEST || code == TFTP_WRITE_REQUEST) {
        take_request(&c, datagram);
        return c.failed || cursor_left(&c) ? PARSE_NOT : PARSE_OK;
    }
    if (code == TFTP_OPTIONS) {
        take_options(&c, datagram);
    } else if (code == TFTP_DATA || code == TFTP_ACK) {
        datagram->block = cursor_be16(&c);
        c.failed |= code == TFTP_ACK && cursor_left(&c) > 0;
    } else if (code != TFTP_ERROR) {
        return PARSE_NOT;
    }
    return c.failed ? PARSE_NOT : PARSE_OK;
}
