/* See support_redact.h. A word is an address when it parses as one; ports and prefix lengths behind
 * it stay. Keys are known by their name wherever they stand: too much is hidden rather than too
 * little. */
#include "support_redact.h"

#include "weir/base/address.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WORD "0123456789abcdefABCDEF.:"

static const char *const hidden_key[] = {"url",  "host",    "to",     "from",
                                         "user", "brokers", "server", "username",
                                         "helo", "pattern", "headers"};

void redaction_init(struct redaction *redaction)
{
    map_init(&redaction->alias);
}

void redaction_fini(struct redaction *redaction)
{
    map_fini(&redaction->alias, free);
}

static size_t number_of(struct redaction *redaction, const struct ip *ip)
{
    size_t *number = map_get(&redaction->alias, ip, sizeof *ip);
    if (!number) {
        number = xcalloc(1, sizeof *number);
        *number = redaction->alias.count + 1;
        map_put(&redaction->alias, ip, sizeof *ip, number);
    }
    return *number;
}

static bool is_nobodys(const char *word)
{
    return strcmp(word, "0.0.0.0") == 0 || strcmp(word, "::") == 0 || strcmp(word, "::1") == 0 ||
           strncmp(word, "127.", 4) == 0;
}

/* How much of `at` is an address: all of the word, or what is before its last colon (a port). */
static size_t address_at(const char *at, struct ip *ip)
{
    char word[IP_TEXT_SIZE];
    size_t size = strspn(at, WORD);
    for (int again = 0; again < 2 && size > 1; again++) {
        if (size < sizeof word) {
            memcpy(word, at, size);
            word[size] = '\0';
            if (ip_parse(word, ip) == 0)
                return is_nobodys(word) ? 0 : size;
        }
        while (size > 0 && at[size - 1] != ':')
            size--;
        size -= size > 0;
    }
    return 0;
}

static bool is_hidden(const char *key, size_t size)
{
    for (size_t i = 0; i < sizeof hidden_key / sizeof *hidden_key; i++)
        if (strlen(hidden_key[i]) == size && memcmp(hidden_key[i], key, size) == 0)
            return true;
    return false;
}

/* A value in quotation marks, and what is escaped in it; 0: there is none. */
static size_t quoted(const char *at)
{
    size_t size = 1;
    if (*at != '"')
        return 0;
    while (at[size] && at[size] != '"')
        size += at[size] == '\\' && at[size + 1] ? 2 : 1;
    return at[size] ? size + 1 : 0;
}

/* What says nothing of the site. */
static bool is_plain(const char *value)
{
    static const char *const plain[] = {"\"\"", "\"embedded\"", "null", "[]"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strncmp(value, plain[i], strlen(plain[i])) == 0)
            return true;
    return false;
}

/* A value: in quotation marks, a list of such, or a bare word; 0: another tree begins there. */
static size_t value_at(const char *at)
{
    size_t size = 1;
    if (*at == '"')
        return quoted(at);
    if (*at != '[')
        return *at == '{' ? 0 : strcspn(at, ",}\n");
    while (at[size] && at[size] != ']')
        size += at[size] == '"' && quoted(at + size) > 0 ? quoted(at + size) : 1;
    return at[size] ? size + 1 : 0;
}

/* `at` begins a word: a key whose value is hidden? Returns the size up to the value, *value its
 * own. */
static size_t key_at(const char *at, size_t *value)
{
    size_t key = strspn(at, "abcdefghijklmnopqrstuvwxyz_"), size = key + (at[key] == '"');
    if (key == 0 || at[size] != ':' || !is_hidden(at, key))
        return 0;
    size += 1 + strspn(at + size + 1, " ");
    *value = value_at(at + size);
    return *value > 0 && !is_plain(at + size) ? size : 0;
}

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == ':';
}

void redact(struct redaction *redaction, const char *text, struct buffer *to)
{
    char before = '\n';
    while (*text) {
        struct ip ip;
        size_t value = 0, size = in_word(before) ? 0 : key_at(text, &value);
        if (size > 0) {
            buffer_put(to, text, size);
            buffer_text(to, "\"***\"");
            text += size + value;
        } else if (!in_word(before) && (size = address_at(text, &ip)) > 0) {
            buffer_text(to, "ip-%zu", number_of(redaction, &ip));
            text += size;
        } else {
            buffer_u8(to, (uint8_t)*text++);
        }
        before = text[-1];
    }
}
