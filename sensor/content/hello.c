/* A ClientHello's fields: server name, first ALPN, ECH, and its numbers as JA3 and JA4 take them
 * (RFC 8446 4.1.2, RFC 6066 3, RFC 7301 3.1, RFC 6347 4.2.1).
 *
 * Of an extension that comes twice, which none may, JA3's are the last, the others the first.
 * GREASE's encrypted_client_hello is made to look like the real one, so FLOW_ECH is both.
 * Pure; no allocation. Bounds: JA3_TEXT_MAX of JA3 text, ja4.h's lists; beyond them no fingerprint.
 */
#include "hello.h"

#include "ja4.h"
#include "tls_wire.h"
#include "weir/base/digest.h"

#include <string.h>

#define JA3_TEXT_MAX 16384u
#define RANDOM_SIZE  32u

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

static void add_list16(struct ja4_parts *parts, struct ja4_list *to, struct cursor list)
{
    while (cursor_left(&list) >= 2) {
        uint16_t value = cursor_be16(&list);
        if (!is_grease(value))
            ja4_add(parts, to, value);
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

/* The first value; `alpn` gets it when it is text that can be told. */
static void keep_alpn(struct cursor body, struct ja4_parts *parts, char alpn[RECORD_NAME_MAX + 1])
{
    struct cursor list = cursor_sub(&body, cursor_be16(&body));
    size_t size = cursor_u8(&list);
    const uint8_t *text = cursor_take(&list, size);
    if (!text)
        return;
    parts->alpn = text;
    parts->alpn_size = size;
    if (size > RECORD_NAME_MAX)
        return;
    for (size_t i = 0; i < size; i++)
        if (text[i] <= 0x20 || text[i] >= 0x7f)
            return;
    memcpy(alpn, text, size);
    alpn[size] = '\0';
}

static void keep_version(struct cursor body, struct ja4_parts *parts)
{
    struct cursor list = cursor_sub(&body, cursor_u8(&body));
    uint16_t highest = 0;
    while (cursor_left(&list) >= 2) {
        uint16_t version = cursor_be16(&list);
        if (!is_grease(version) && version > highest)
            highest = version;
    }
    if (highest)
        parts->version = highest;
}

struct reading {
    struct ja3 ja3;
    struct ja4_parts ja4;
    struct cursor groups, point_formats;
    bool versions_taken, signatures_taken;
};

static void ja4_extension(uint16_t type, struct cursor body, struct reading *r,
                          struct tls_hello *hello)
{
    if (type == TLS_EXTENSION_ALPN && !r->ja4.alpn) {
        keep_alpn(body, &r->ja4, hello->alpn);
    } else if (type == TLS_EXTENSION_VERSIONS && !r->versions_taken) {
        keep_version(body, &r->ja4);
        r->versions_taken = true;
    } else if (type == TLS_EXTENSION_SIGNATURES && !r->signatures_taken) {
        add_list16(&r->ja4, &r->ja4.signatures, cursor_sub(&body, cursor_be16(&body)));
        r->signatures_taken = true;
    } else if (type == TLS_EXTENSION_ECH) {
        hello->flags |= FLOW_ECH;
    } else if (type == TLS_EXTENSION_ESNI) {
        hello->flags |= FLOW_ESNI;
    }
}

static void one_extension(uint16_t type, struct cursor body, struct reading *r,
                          struct tls_hello *hello)
{
    if (type == TLS_EXTENSION_SERVER_NAME && !r->ja4.has_name) {
        keep_server_name(body, hello->server_name);
        r->ja4.has_name = true;
    } else if (type == TLS_EXTENSION_GROUPS) {
        r->groups = cursor_sub(&body, cursor_be16(&body));
    } else if (type == TLS_EXTENSION_POINT_FORMATS) {
        r->point_formats = cursor_sub(&body, cursor_u8(&body));
    } else {
        ja4_extension(type, body, r, hello);
    }
}

/* False: they end before they say they do. */
static bool read_extensions(struct cursor *c, struct reading *r, struct tls_hello *hello)
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
        one_extension(type, body, r, hello);
        if (is_grease(type))
            continue;
        put_list_item(&r->ja3, &first, type);
        ja4_add(&r->ja4, &r->ja4.extensions, type);
    }
    return whole;
}

/* What comes before the extensions. */
static bool read_fixed(struct cursor *c, struct reading *r)
{
    r->ja4.version = cursor_be16(c);
    put_number(&r->ja3, r->ja4.version);
    cursor_skip(c, RANDOM_SIZE);
    cursor_skip(c, cursor_u8(c)); /* session id */
    if (r->ja4.carrier == HELLO_DTLS)
        cursor_skip(c, cursor_u8(c)); /* cookie */
    struct cursor ciphers = cursor_sub(c, cursor_be16(c));
    cursor_skip(c, cursor_u8(c)); /* compression methods */
    if (c->failed)
        return false;
    put_char(&r->ja3, ',');
    put_list16(&r->ja3, ciphers);
    add_list16(&r->ja4, &r->ja4.ciphers, ciphers);
    put_char(&r->ja3, ',');
    return true;
}

bool hello_read(struct cursor body, enum hello_carrier carrier, struct tls_hello *hello)
{
    struct reading r;
    r.ja3.size = 0;
    r.ja3.overflow = false;
    memset(&r.ja4, 0, sizeof r.ja4);
    r.ja4.carrier = carrier;
    r.groups = r.point_formats = cursor_make(NULL, 0);
    r.versions_taken = r.signatures_taken = false;
    if (!read_fixed(&body, &r))
        return false;
    bool sound = read_extensions(&body, &r, hello);
    if (!sound)
        return false;
    put_char(&r.ja3, ',');
    put_list16(&r.ja3, r.groups);
    put_char(&r.ja3, ',');
    bool first = true;
    while (cursor_left(&r.point_formats))
        put_list_item(&r.ja3, &first, cursor_u8(&r.point_formats));
    if (!r.ja3.overflow)
        digest_md5(r.ja3.text, r.ja3.size, hello->ja3);
    ja4_text(&r.ja4, hello->ja4);
    return true;
}

void hello_drop_fingerprints(struct tls_hello *hello)
{
    memset(hello->ja3, 0, sizeof hello->ja3);
    hello->ja4[0] = '\0';
}
