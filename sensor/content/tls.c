/* The ClientHello: server name and JA3 (RFC 8446 4.1.2, RFC 6066 3; JA3 as salesforce/ja3 has it).
 *
 * A hello that lies in one record is read where it is; one that was split over records (by large
 * key shares, or by tools that hope to be overlooked) is put together in a buffer on the stack. An
 * unfinished hello is read as far as it goes, so that a name before the cut is not lost.
 * SSLv2-compatible hellos are not TLS here.
 *
 * Pure; no allocation. Bounds: TLS_HELLO_MAX bytes, HELLO_RECORDS_MAX records, JA3_TEXT_MAX of JA3
 * text; beyond them a hello is malformed, beyond the last it has no JA3. */
#include "recognise.h"
#include "weir/base/cursor.h"
#include "weir/base/digest.h"
#include "weir/content/names.h"

#include <string.h>

#define TLS_RECORD_FIRST  20u /* change_cipher_spec */
#define TLS_HANDSHAKE     22u
#define TLS_RECORD_LAST   23u /* application_data */
#define TLS_RECORD_HEADER 5u
#define TLS_RECORD_MAX    (16384u + 2048u) /* RFC 5246 6.2.3: the most of any version */
#define HANDSHAKE_HEADER  4u
#define CLIENT_HELLO      1u
#define SERVER_HELLO      2u
#define HELLO_RECORDS_MAX 1024u
#define JA3_TEXT_MAX      16384u

#define EXTENSION_SERVER_NAME   0u
#define EXTENSION_GROUPS        10u
#define EXTENSION_POINT_FORMATS 11u

/* --- records -> the hello's bytes --------------------------------------------------------------
 */

struct message {
    const uint8_t *data; /* from the handshake header on */
    size_t size;         /* bytes there */
    size_t whole;        /* bytes it says it has; 0 as long as that is not known */
};

static void learn_size(struct message *m)
{
    if (m->whole == 0 && m->size >= HANDSHAKE_HEADER)
        m->whole = HANDSHAKE_HEADER +
                   (((size_t)m->data[1] << 16) | ((size_t)m->data[2] << 8) | m->data[3]);
    if (m->whole && m->size > m->whole)
        m->size = m->whole;
}

/* One record's header; PARSE_OK gives what is there of its content. */
static enum parse_result take_record(struct cursor *c, struct cursor *content)
{
    uint8_t type = cursor_u8(c);
    if (!c->failed && type != TLS_HANDSHAKE)
        return PARSE_NOT;
    uint8_t major = cursor_u8(c), minor = cursor_u8(c);
    uint16_t size = cursor_be16(c);
    if (c->failed)
        return PARSE_MORE;
    if (major != 3 || minor > 4 || size == 0 || size > TLS_RECORD_MAX)
        return PARSE_NOT;
    *content = cursor_sub(c, size < cursor_left(c) ? size : cursor_left(c));
    return PARSE_OK;
}

/* Collects the hello's bytes; `scratch` is used when it spans records. */
static enum parse_result collect(const uint8_t *data, size_t size, uint8_t *scratch,
                                 struct message *m)
{
    struct cursor c = cursor_make(data, size), content;
    enum parse_result result = take_record(&c, &content);
    if (result != PARSE_OK)
        return tls_begins(data, size) == PARSE_NOT ? PARSE_NOT : result;
    *m = (struct message){content.at, cursor_left(&content), 0};
    if (m->size && m->data[0] != CLIENT_HELLO)
        return PARSE_NOT;
    learn_size(m);
    if (m->whole > TLS_HELLO_MAX)
        return PARSE_MALFORMED;
    for (unsigned records = 1; cursor_left(&c) && (!m->whole || m->size < m->whole); records++) {
        if (records == 1) {
            memcpy(scratch, m->data, m->size);
            m->data = scratch;
        }
        result = take_record(&c, &content);
        if (result == PARSE_MORE)
            return PARSE_OK;
        size_t more = cursor_left(&content);
        if (result == PARSE_NOT || records == HELLO_RECORDS_MAX || m->size + more > TLS_HELLO_MAX)
            return PARSE_MALFORMED;
        memcpy(scratch + m->size, content.at, more);
        m->size += more;
        learn_size(m);
        if (m->whole > TLS_HELLO_MAX)
            return PARSE_MALFORMED;
    }
    return PARSE_OK;
}

/* --- JA3 text ----------------------------------------------------------------------------------
 */

struct ja3 {
    char text[JA3_TEXT_MAX];
    size_t size;
    bool overflow;
};

static void put_char(struct ja3 *ja3, char c)
{
    if (ja3->size == JA3_TEXT_MAX)
        ja3->overflow = true;
    else
        ja3->text[ja3->size++] = c;
}

static void put_number(struct ja3 *ja3, unsigned number)
{
    char digits[8];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (count)
        put_char(ja3, digits[--count]);
}

static bool is_grease(uint16_t value) /* RFC 8701 */
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static void put_list_item(struct ja3 *ja3, bool *first, unsigned number)
{
    if (!*first)
        put_char(ja3, '-');
    *first = false;
    put_number(ja3, number);
}

static void put_list16(struct ja3 *ja3, struct cursor list)
{
    bool first = true;
    while (cursor_left(&list) >= 2) {
        uint16_t value = cursor_be16(&list);
        if (!is_grease(value))
            put_list_item(ja3, &first, value);
    }
}

/* --- the hello ---------------------------------------------------------------------------------
 */

static void keep_server_name(struct cursor list, char name[RECORD_NAME_MAX + 1])
{
    struct cursor names = cursor_sub(&list, cursor_be16(&list));
    while (cursor_left(&names)) {
        uint8_t type = cursor_u8(&names);
        size_t size = cursor_be16(&names);
        const uint8_t *text = cursor_take(&names, size);
        if (!text)
            return;
        if (type != 0)
            continue;
        if (size && text[size - 1] == '.')
            size--;
        if (size > RECORD_NAME_MAX)
            return;
        for (size_t i = 0; i < size; i++)
            if (text[i] <= 0x20 || text[i] >= 0x7f)
                return;
        for (size_t i = 0; i < size; i++)
            name[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
        name[size] = '\0';
        return;
    }
}

struct extensions {
    struct cursor groups, point_formats;
    bool name_taken;
};

static void one_extension(uint16_t type, struct cursor body, struct extensions *found,
                          struct tls_hello *hello)
{
    if (type == EXTENSION_SERVER_NAME && !found->name_taken) {
        keep_server_name(body, hello->server_name);
        found->name_taken = true;
    } else if (type == EXTENSION_GROUPS) {
        found->groups = cursor_sub(&body, cursor_be16(&body));
    } else if (type == EXTENSION_POINT_FORMATS) {
        found->point_formats = cursor_sub(&body, cursor_u8(&body));
    }
}

/* False: they end before they say they do. */
static bool read_extensions(struct cursor *c, struct ja3 *ja3, struct extensions *found,
                            struct tls_hello *hello)
{
    bool first = true;
    if (cursor_left(c) == 0)
        return true; /* SSL 3.0 and early TLS 1.0 have none */
    size_t size = cursor_be16(c);
    bool whole = !c->failed && cursor_left(c) >= size;
    struct cursor list = cursor_sub(c, whole ? size : cursor_left(c));
    while (cursor_left(&list)) {
        uint16_t type = cursor_be16(&list);
        struct cursor body = cursor_sub(&list, cursor_be16(&list));
        if (list.failed)
            return false;
        one_extension(type, body, found, hello);
        if (!is_grease(type))
            put_list_item(ja3, &first, type);
    }
    return whole;
}

/* False: lengths run past the end. */
static bool read_hello(struct cursor c, struct tls_hello *hello)
{
    struct ja3 ja3 = {.size = 0};
    struct extensions found = {cursor_make(NULL, 0), cursor_make(NULL, 0), false};
    cursor_skip(&c, HANDSHAKE_HEADER);
    put_number(&ja3, cursor_be16(&c));
    cursor_skip(&c, 32); /* random */
    cursor_skip(&c, cursor_u8(&c));
    struct cursor ciphers = cursor_sub(&c, cursor_be16(&c));
    cursor_skip(&c, cursor_u8(&c)); /* compression methods */
    if (c.failed)
        return false;
    put_char(&ja3, ',');
    put_list16(&ja3, ciphers);
    put_char(&ja3, ',');
    bool sound = read_extensions(&c, &ja3, &found, hello);
    put_char(&ja3, ',');
    put_list16(&ja3, found.groups);
    put_char(&ja3, ',');
    bool first = true;
    while (cursor_left(&found.point_formats))
        put_list_item(&ja3, &first, cursor_u8(&found.point_formats));
    if (sound && !ja3.overflow)
        digest_md5(ja3.text, ja3.size, hello->ja3);
    return sound;
}

enum parse_result tls_parse_hello(const uint8_t *data, size_t size, struct tls_hello *hello)
{
    uint8_t scratch[TLS_HELLO_MAX];
    struct message m = {NULL, 0, 0};
    memset(hello, 0, sizeof *hello);
    enum parse_result result = collect(data, size, scratch, &m);
    if (result == PARSE_NOT)
        return result;
    bool sound = read_hello(cursor_make(m.data, m.size), hello);
    if (result == PARSE_OK && m.whole && m.size == m.whole)
        return sound ? PARSE_OK : PARSE_MALFORMED;
    memset(hello->ja3, 0, sizeof hello->ja3); /* cut between two fields: nobody's */
    return result == PARSE_MALFORMED ? PARSE_MALFORMED : PARSE_MORE;
}

/* --- recognising -------------------------------------------------------------------------------
 */

enum parse_result tls_begins(const uint8_t *data, size_t size)
{
    if (size > 0 && (data[0] < TLS_RECORD_FIRST || data[0] > TLS_RECORD_LAST))
        return PARSE_NOT;
    if (size > 1 && data[1] != 3)
        return PARSE_NOT;
    if (size > 2 && data[2] > 4)
        return PARSE_NOT;
    if (size < TLS_RECORD_HEADER)
        return PARSE_MORE;
    size_t length = (size_t)data[3] << 8 | data[4];
    return length > 0 && length <= TLS_RECORD_MAX ? PARSE_OK : PARSE_NOT;
}

bool tls_looks_like(const uint8_t *data, size_t size)
{
    return tls_begins(data, size) == PARSE_OK;
}

static bool begins_handshake(const uint8_t *data, size_t size, uint8_t type)
{
    return size > TLS_RECORD_HEADER && tls_begins(data, size) == PARSE_OK &&
           data[0] == TLS_HANDSHAKE && data[TLS_RECORD_HEADER] == type;
}

bool tls_may_be_client(const uint8_t *data, size_t size)
{
    return data[0] == TLS_HANDSHAKE &&
           (size == TLS_RECORD_HEADER || begins_handshake(data, size, CLIENT_HELLO));
}

bool tls_begins_hello(const uint8_t *data, size_t size)
{
    return begins_handshake(data, size, CLIENT_HELLO) || begins_handshake(data, size, SERVER_HELLO);
}
