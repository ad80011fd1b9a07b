/* See support_redact.h. An address is known by its form wherever it stands, whatever port, prefix
 * length or punctuation is behind it; a key by its name. Too much is hidden rather than too little.
 */
#include "support_redact.h"

#include "weir/base/address.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD       "0123456789abcdefABCDEF.:"
#define KEY        "abcdefghijklmnopqrstuvwxyz_"
#define ALIAS_SIZE 32
#define NAME_LEAST 6 /* bytes of a host's name that is hidden in any line */

/* Keys of the configuration and of the status. Lines that tell what somebody else answered
 * (last_error, why) may hold any name. */
static const char *const hidden_key[] = {"url",     "host",    "to",       "from",      "user",
                                         "brokers", "server",  "username", "helo",      "pattern",
                                         "headers", "proxy",   "options",  "topic",     "subject",
                                         "names",   "data_id", "why",      "last_error"};

void redaction_init(struct redaction *redaction)
{
    *redaction = (struct redaction){.words = 0};
    map_init(&redaction->alias);
}

void redaction_fini(struct redaction *redaction)
{
    map_fini(&redaction->alias, free);
    for (size_t i = 0; i < redaction->words; i++)
        free(redaction->word[i]);
    free(redaction->word);
}

/* --- names ------------------------------------------------------------------------------------ */

static void add_word(struct redaction *redaction, char *own)
{
    redaction->word = xrealloc(redaction->word, (redaction->words + 1) * sizeof(char *));
    redaction->word[redaction->words++] = own;
}

/* A host "redis" or "syslog" is a word of every other line, and says nothing of a site: what is
 * hidden by its form is longer, and has a dot, a hyphen or a digit. */
static void add_host(struct redaction *redaction, const char *host, size_t size)
{
    struct ip ip;
    char *own = xasprintf("%.*s", (int)size, host);
    if (size < NAME_LEAST || !strpbrk(own, ".-0123456789") || strspn(own, "0123456789") == size ||
        ip_parse(own, &ip) == 0)
        free(own);
    else
        add_word(redaction, own);
}

/* "user:password", "password" after a colon, or a user alone, who is hidden by the key only. */
static void add_password(struct redaction *redaction, const char *login, size_t size)
{
    const char *colon = memchr(login, ':', size);
    size_t user = colon ? (size_t)(colon - login) + 1 : size;
    if (size - user >= NAME_LEAST) /* the key hides it all the same; "1" is in every line */
        add_word(redaction, xasprintf("%.*s", (int)(size - user), login + user));
}

/* The hosts between the two, with their ports. */
static void add_hosts(struct redaction *redaction, const char *at, const char *end)
{
    for (; at < end; at++) {
        size_t size = *at == '[' ? strcspn(at, "]") : strcspn(at, ":, /?#]");
        if (size > 0 && *at != '[')
            add_host(redaction, at, size);
        at += size;
    }
}

/* What is before its last "@" is the login, and what is behind it the host, wherever that stands. A
 * path may hold one, too, and so may a password hold what ends a host: both are hidden. */
void redaction_add_place(struct redaction *redaction, const char *place)
{
    const char *scheme = strstr(place, "://"), *at = scheme ? scheme + 3 : place;
    struct ip ip;
    if (ip_parse(place, &ip) == 0 || *at == '/' || strncmp(at, "unix:", 5) == 0)
        return;
    const char *end = at + strcspn(at, "/?#"), *last = scheme ? strrchr(at, '@') : NULL;
    const char *login = memrchr(at, '@', (size_t)(end - at));
    if (last)
        add_password(redaction, at, (size_t)(last - at));
    if (last && last != login) {
        add_hosts(redaction, last + 1, last + 1 + strcspn(last + 1, "/?#"));
        if (login)
            add_password(redaction, at, (size_t)(login - at));
    }
    add_hosts(redaction, login ? login + 1 : at, end);
}

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool in_name(char c)
{
    return in_word(c) || c == '_' || c == '-';
}

/* `at` begins a name: one of the words? Its size, or 0. */
static size_t word_at(const struct redaction *redaction, const char *at)
{
    for (size_t i = 0; i < redaction->words; i++) {
        size_t size = strlen(redaction->word[i]);
        if (strncasecmp(redaction->word[i], at, size) == 0 && !in_name(at[size]))
            return size;
    }
    return 0;
}

/* --- addresses -------------------------------------------------------------------------------- */

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

/* How much of `at` is an address: all of the word, or as much of it as ends before a colon or a
 * dot (a port, the end of a sentence). */
static size_t address_at(const char *at, struct ip *ip)
{
    char word[IP_TEXT_SIZE];
    for (size_t size = strspn(at, WORD); size > 1;) {
        if (size < sizeof word) {
            memcpy(word, at, size);
            word[size] = '\0';
            if (ip_parse(word, ip) == 0)
                return is_nobodys(word) ? 0 : size;
        }
        for (size--; size > 0 && at[size] != ':' && at[size] != '.';)
            size--;
    }
    return 0;
}

/* aa:bb:cc:dd:ee:ff, or with hyphens. */
static size_t mac_at(const char *at)
{
    size_t size = 0;
    if (!at[0] || !at[1])
        return 0;
    const char between = at[2];
    if (between != ':' && between != '-')
        return 0;
    for (int i = 0; i < 6; i++) {
        if ((i > 0 && at[size++] != between) || !isxdigit((unsigned char)at[size]) ||
            !isxdigit((unsigned char)at[size + 1]))
            return 0;
        size += 2;
    }
    bool goes_on = at[size] == between && isxdigit((unsigned char)at[size + 1]);
    return in_word(at[size]) || goes_on ? 0 : size;
}

/* --- keys and their values -------------------------------------------------------------------- */

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

/* Up to what may end it, whoever's it is; what is escaped in it is part of it. */
static size_t bare(const char *at)
{
    size_t size = 0;
    while (at[size] && !strchr(",}\n\"", at[size]))
        size += at[size] == '\\' && at[size + 1] ? 2 : 1;
    return size;
}

/* A value: in quotation marks, a list of such, or a bare word; 0: another tree begins there. */
static size_t value_at(const char *at)
{
    size_t size = 1;
    if (*at == '"')
        return quoted(at) > 0 ? quoted(at) : strcspn(at, "\n");
    if (*at != '[' || at[1] != '"')
        return *at == '{' ? 0 : bare(at);
    while (at[size] && at[size] != ']' && at[size] != '\n')
        size += at[size] == '"' && quoted(at + size) > 0 ? quoted(at + size) : 1;
    return at[size] == ']' ? size + 1 : bare(at);
}

/* `at` begins a word: a key whose value is hidden? Returns the size up to the value, *value its
 * own. */
static size_t key_at(const char *at, size_t *value)
{
    size_t key = strspn(at, KEY), size = key + (at[key] == '"');
    if (key == 0 || at[size] != ':' || !is_hidden(at, key))
        return 0;
    size += 1 + strspn(at + size + 1, " ");
    *value = value_at(at + size);
    return *value > 0 && !is_plain(at + size) ? size : 0;
}

/* Inside of a text that is in quotation marks itself, more of them would end it. */
static const char *instead_of(const char *key, const char *value)
{
    bool has_marks = key[strspn(key, KEY)] == '"' || *value == '"' || strncmp(value, "[\"", 2) == 0;
    return has_marks ? "\"***\"" : "***";
}

/* A hardware address, or a name that was added. */
static size_t name_at(const struct redaction *redaction, const char *text, char before)
{
    size_t size = in_word(before) ? 0 : mac_at(text);
    return size > 0 || in_name(before) ? size : word_at(redaction, text);
}

/* What of `text` is hidden, if anything: its size, and *key of it that stays before. */
static size_t hidden_at(struct redaction *redaction, const char *text, char before, size_t *key,
                        char as[ALIAS_SIZE])
{
    struct ip ip;
    size_t value = 0, size = 0;
    *key = !in_name(before) && before != '.' ? key_at(text, &value) : 0;
    if (*key > 0 && (size = value) > 0)
        snprintf(as, ALIAS_SIZE, "%s", instead_of(text, text + *key));
    else if ((size = name_at(redaction, text, before)) > 0)
        snprintf(as, ALIAS_SIZE, "***");
    else if (!in_word(before) && (size = address_at(text, &ip)) > 0)
        snprintf(as, ALIAS_SIZE, "ip-%zu", number_of(redaction, &ip));
    return size;
}

void redact(struct redaction *redaction, const char *text, struct buffer *to)
{
    char before = '\n', as[ALIAS_SIZE];
    while (*text) {
        size_t key, size = hidden_at(redaction, text, before, &key, as);
        buffer_put(to, text, size > 0 ? key : 1);
        if (size > 0)
            buffer_text(to, "%s", as);
        text += size > 0 ? key + size : 1;
        before = text[-1];
    }
}
