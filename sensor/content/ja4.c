/* JA4 is three texts with "_" between: what was counted, the ciphers' hash, the extensions' hash
 * with the signature algorithms'. GREASE is left out wherever it may be (hello.c), but for an ALPN
 * value, whose bytes are like any others. Where the description and its authors' tools differ (an
 * ALPN that is no text), the description is followed. Bounds: JA4_LIST_MAX values a list. Pure, but
 * for what qsort takes for itself. */
#include "ja4.h"

#include "tls_wire.h"
#include "weir/base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_DIGITS 12u
#define VALUE_CHARS 5u /* "1301," */
#define COUNT_MAX   99u

static const char digit[] = "0123456789abcdef";

void ja4_add(struct ja4_parts *parts, struct ja4_list *list, uint16_t value)
{
    if (list->count == JA4_LIST_MAX)
        parts->overflow = true;
    else
        list->value[list->count++] = value;
}

static int compare(const void *a, const void *b)
{
    const uint16_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static const char *version_text(uint16_t version)
{
    static const struct {
        uint16_t version;
        const char *text;
    } row[] = {{0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"}, {0x0301, "10"}, {0x0300, "s3"},
               {0x0002, "s2"}, {0xfeff, "d1"}, {0xfefd, "d2"}, {0xfefc, "d3"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (row[i].version == version)
            return row[i].text;
    return "00";
}

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The first and the last character; where one is none, those of the hexadecimal digits. */
static void alpn_text(const struct ja4_parts *parts, char text[2])
{
    text[0] = text[1] = '0';
    if (parts->alpn_size == 0)
        return;
    uint8_t first = parts->alpn[0], last = parts->alpn[parts->alpn_size - 1];
    text[0] = digit[first >> 4];
    text[1] = digit[last & 15];
    if (!is_alphanumeric(first) || !is_alphanumeric(last))
        return;
    text[0] = (char)first;
    text[1] = (char)last;
}

/* "1301,1302": returns its end. Not printf's: it took most of a hello's time. */
static size_t put_list(const struct ja4_list *list, char *text, size_t at, bool leave_out)
{
    size_t begin = at;
    for (size_t i = 0; i < list->count; i++) {
        uint16_t value = list->value[i];
        if (leave_out && (value == TLS_EXTENSION_SERVER_NAME || value == TLS_EXTENSION_ALPN))
            continue;
        if (at > begin)
            text[at++] = ',';
        for (int shift = 12; shift >= 0; shift -= 4)
            text[at++] = digit[value >> shift & 15];
    }
    return at;
}

static void put_hash(const char *source, size_t size, char *text)
{
    uint8_t hash[SHA256_SIZE];
    if (size == 0) {
        memset(text, '0', HASH_DIGITS);
        return;
    }
    digest_sha256(source, size, hash);
    hex_text(hash, HASH_DIGITS / 2, text);
}

void ja4_text(struct ja4_parts *parts, char text[JA4_SIZE])
{
    static const char carrier[HELLO_CARRIERS] = {'t', 'q', 'd'};
    char source[2 * JA4_LIST_MAX * VALUE_CHARS + 2], alpn[2];
    unsigned ciphers = (unsigned)parts->ciphers.count, all = (unsigned)parts->extensions.count;
    *text = '\0';
    if (parts->overflow)
        return;
    qsort(parts->ciphers.value, ciphers, sizeof(uint16_t), compare);
    qsort(parts->extensions.value, all, sizeof(uint16_t), compare);
    alpn_text(parts, alpn);
    size_t at = (size_t)sprintf(text, "%c%s%c%02u%02u%.2s_", carrier[parts->carrier],
                                version_text(parts->version), parts->has_name ? 'd' : 'i',
                                ciphers < COUNT_MAX ? ciphers : COUNT_MAX,
                                all < COUNT_MAX ? all : COUNT_MAX, alpn);
    put_hash(source, put_list(&parts->ciphers, source, 0, false), text + at);
    text[at + HASH_DIGITS] = '_';
    size_t size = put_list(&parts->extensions, source, 0, true);
    if (size && parts->signatures.count) {
        source[size++] = '_';
        size = put_list(&parts->signatures, source, size, false);
    }
    put_hash(source, size, text + at + HASH_DIGITS + 1);
    text[at + (size_t)2 * HASH_DIGITS + 1] = '\0';
}
