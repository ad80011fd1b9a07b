/* Distinct e-mail addresses in a byte stream.
 *
 * memchr finds each '@'; from there the local part is read backwards and the domain forwards, both
 * bounded, so text without '@' costs next to nothing and no text costs more than a few hundred
 * steps an '@'. At the end of a piece the address that might still be unfinished, and the one
 * character before it, is carried (CARRY_MAX bytes at most); where a '@' is near, the next piece's
 * first bytes are joined to it. An address is judged exactly once, when its end is seen: in the
 * join when it touches the carry, in the piece otherwise.
 *
 * Before the local part: "%3C" and "\u003c" and "\n" are escapes of a delimiter, and their letters
 * are not the address's. A '@' on either side ("a@b.jp@c.jp") is no address.
 *
 * Bounds: the carry. One thread. */
#include "weir/content/email.h"

#include "text.h"
#include "weir/base/buffer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LOCAL_MAX      64u  /* RFC 5321 4.5.3.1.1 */
#define DOMAIN_MAX     253u /* RFC 1035 2.3.4, as text */
#define LABEL_MAX      63u
#define SUFFIX_LABELS  6u
#define CARRY_MAX      (1u + LOCAL_MAX + 1u + DOMAIN_MAX + 1u)
#define JOIN_MAX       384u /* of the next piece: more than any address's rest */
#define AROUND_BYTES   32u  /* looked at on either side */
#define ALPHABET_LOCAL 1u
#define ALPHABET_NAME  2u /* of a domain, with its dots */

struct email_scanner {
    struct email_shared *shared;
    struct finder finder;
    uint8_t *carry;
    uint16_t carry_size, carry_room;
};

struct email_scanner *email_scanner_new(struct email_shared *shared, const struct finder *finder)
{
    struct email_scanner *scanner = xcalloc(1, sizeof *scanner);
    scanner->shared = shared;
    scanner->finder = *finder;
    return scanner;
}

void email_scanner_free(struct email_scanner *scanner)
{
    if (!scanner)
        return;
    free(scanner->carry);
    free(scanner);
}

/* --- what an address is made of ----------------------------------------------------------------
 */

/* Bits of the bytes 0 to 127. Everything before and behind an address goes through here. */
static const uint64_t name_bits[2] = {UINT64_C(0x03ff600000000000), UINT64_C(0x07fffffe07fffffe)};
static const uint64_t local_bits[2] = {UINT64_C(0x03ff680000000000), UINT64_C(0x07fffffe87fffffe)};

static bool has(const uint64_t bits[2], uint8_t c)
{
    return c < 128 && (bits[c >> 6] >> (c & 63) & 1);
}

static bool in_alphabet(unsigned alphabet, uint8_t c)
{
    return has(alphabet == ALPHABET_NAME ? name_bits : local_bits, c);
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Where the run of `alphabet` that ends before `end` begins, looking back `most` bytes at most. */
static size_t run_begin(const uint8_t *data, size_t end, unsigned alphabet, size_t most)
{
    size_t begin = end;
    while (begin > 0 && end - begin < most && in_alphabet(alphabet, data[begin - 1]))
        begin--;
    return begin;
}

static size_t run_end(const uint8_t *data, size_t size, size_t begin, size_t most)
{
    size_t end = begin;
    while (end < size && end - begin < most && in_alphabet(ALPHABET_NAME, data[end]))
        end++;
    return end;
}

/* How many bytes at the beginning of a local part belong to an escaped delimiter before it. */
static size_t escape_size(const uint8_t *local, size_t size, uint8_t before)
{
    if (before == '%' && size > 2 && is_hex(local[0]) && is_hex(local[1]))
        return 2;
    if (before != '\\' || size < 2)
        return 0;
    if (local[0] == 'u' && size > 5 && is_hex(local[1]) && is_hex(local[2]) && is_hex(local[3]) &&
        is_hex(local[4]))
        return 5;
    return memchr("nrtbf", local[0], 5) ? 1 : 0;
}

/* The last SUFFIX_LABELS labels: one more than the longest suffix of the list has. A name of 127
 * labels would otherwise be looked up 127 times. */
static const char *last_labels(const char *name)
{
    const char *at = name + strlen(name);
    for (unsigned dots = 0; at > name; at--)
        if (at[-1] == '.' && ++dots == SUFFIX_LABELS)
            break;
    return at;
}

/* Labels of 1 to 63, no hyphen at either end, and a suffix that the list knows: how long its
 * registrable part is; 0: it is no domain. */
static uint8_t judge_domain(const struct suffixes *suffixes, const char *name)
{
    size_t label = 0;
    for (const char *at = name;; at++) {
        if (*at == '.' || *at == '\0') {
            if (label == 0 || label > LABEL_MAX || at[-1] == '-')
                return 0;
            label = 0;
            if (*at == '\0')
                break;
        } else if (label++ == 0 && *at == '-') {
            return 0;
        }
    }
    const char *registrable = suffixes_registrable(suffixes, last_labels(name), false);
    return registrable ? (uint8_t)strlen(registrable) : 0;
}

/* The same, remembered: a list of addresses has few domains, and the list of suffixes is what takes
 * the time. */
static uint8_t judge_domain_cached(struct email_shared *shared, const char *name, size_t size)
{
    uint64_t hash = hash64_keyed(shared->key, name, size) & ~UINT64_C(0xff);
    uint64_t *place = &shared->domain[(hash >> 8) % EMAIL_DOMAINS];
    if ((*place & ~UINT64_C(0xff)) != hash)
        *place = hash | judge_domain(shared->suffixes, name);
    return *place & 0xff;
}

struct span {
    size_t begin, end;
};

/* Random bytes hold something like an address now and then; they do not hold it within text. Text
 * in a character set of its own has no control characters, at least. */
static bool stands_in_text(const uint8_t *data, size_t size, struct span address)
{
    size_t from = address.begin > AROUND_BYTES ? address.begin - AROUND_BYTES : 0;
    size_t to = size - address.end > AROUND_BYTES ? address.end + AROUND_BYTES : size;
    struct text_counts counts = {0, 0, 0};
    text_count(&counts, data + from, to - from);
    return text_is_most(&counts) || counts.control == 0;
}

/* The local part that ends before `at`, without what is before it; empty when there is none. */
static struct span local_part(const uint8_t *data, size_t at)
{
    size_t begin = run_begin(data, at, ALPHABET_LOCAL, LOCAL_MAX + 1);
    uint8_t before = begin > 0 ? data[begin - 1] : ' ';
    struct span none = {at, at};
    if (at - begin > LOCAL_MAX || before == '@')
        return none;
    begin += escape_size(data + begin, at - begin, before);
    while (begin < at && strchr(".+-", data[begin]))
        begin++;
    return (struct span){begin, at};
}

static void tell(struct email_scanner *s, uint64_t hash, const char *label, const uint8_t *bytes,
                 size_t size)
{
    struct found found = {.class = CONTENT_EMAIL,
                          .hash = hash,
                          .label = label,
                          .label_size = strlen(label),
                          .bytes = bytes,
                          .size = size};
    s->finder.found(s->finder.context, &found);
}

/* Judges what stands around the '@' at `at`; `domain_end` is where its run ends. */
static void judge(struct email_scanner *s, const uint8_t *data, size_t size, size_t at,
                  size_t domain_end)
{
    struct span local = local_part(data, at), domain = {at + 1, domain_end};
    if (local.begin == local.end || domain.end - domain.begin > DOMAIN_MAX ||
        (domain.end < size && data[domain.end] == '@'))
        return;
    while (domain.end > domain.begin &&
           (data[domain.end - 1] == '.' || data[domain.end - 1] == '-'))
        domain.end--; /* the end of a sentence */
    char text[LOCAL_MAX + 1 + DOMAIN_MAX + 1];
    size_t length = domain.end - local.begin;
    for (size_t i = 0; i < length; i++) {
        uint8_t c = data[local.begin + i];
        text[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    text[length] = '\0';
    uint64_t hash = hash64_keyed(s->shared->key, text, length);
    hash += hash == 0; /* 0 is no hash of an item */
    if (s->finder.known && s->finder.known(s->finder.context, hash))
        return;
    struct span address = {local.begin, domain.end};
    const char *name = text + (domain.begin - local.begin);
    uint8_t registrable = judge_domain_cached(s->shared, name, domain.end - domain.begin);
    if (registrable && stands_in_text(data, size, address))
        tell(s, hash, text + (length - registrable), data + address.begin, length);
}

/* --- pieces ------------------------------------------------------------------------------------
 */

enum touching { ANY_LOCAL, ONLY_CARRIED, ONLY_OWN };

/* Judges every '@' of `data` whose domain ends within it. `border` is where the carried bytes end
 * (ONLY_CARRIED), or 0 (ONLY_OWN: a local part that begins there is the join's). */
static void scan(struct email_scanner *s, const uint8_t *data, size_t size, size_t border,
                 enum touching touching, bool finished)
{
    for (size_t at = 0; at < size; at++) {
        const uint8_t *sign = memchr(data + at, '@', size - at);
        if (!sign)
            return;
        at = (size_t)(sign - data);
        size_t begin = run_begin(data, at, ALPHABET_LOCAL, LOCAL_MAX + 1);
        if (touching == ONLY_CARRIED && begin > border)
            return;
        if (touching == ONLY_OWN && begin == 0)
            continue;
        size_t end = run_end(data, size, at + 1, DOMAIN_MAX + 1);
        if (end < size || finished || end - at > DOMAIN_MAX + 1)
            judge(s, data, size, at, end);
    }
}

/* The unfinished address (or beginning of one) at the end of `data`, with one byte before it. */
static size_t tail_begin(const uint8_t *data, size_t size)
{
    size_t local = run_begin(data, size, ALPHABET_LOCAL, LOCAL_MAX + 1);
    size_t most = size < DOMAIN_MAX + 1 ? size : DOMAIN_MAX + 1;
    size_t name = 0;
    if (memrchr(data + (size - most), '@', most))
        name = run_begin(data, size, ALPHABET_NAME, DOMAIN_MAX + 1);
    if (name > 0 && size - name <= DOMAIN_MAX && data[name - 1] == '@') {
        size_t begin = run_begin(data, name - 1, ALPHABET_LOCAL, LOCAL_MAX);
        return begin > 0 ? begin - 1 : 0;
    }
    if (local > 0 && memchr("@%\\", data[local - 1], 3))
        local--;
    return local;
}

/* Without a '@' there the last bytes are kept as they are: what of them is unfinished is asked when
 * one comes. */
static void keep_tail(struct email_scanner *s, const uint8_t *data, size_t size)
{
    size_t most = size < DOMAIN_MAX + 1 ? size : DOMAIN_MAX + 1;
    size_t from = size > LOCAL_MAX + 2 ? size - (LOCAL_MAX + 2) : 0;
    if (most && memrchr(data + (size - most), '@', most))
        from = tail_begin(data, size);
    size_t keep = size - from;
    if (keep > s->carry_room) {
        s->carry_room = (uint16_t)(keep > LOCAL_MAX + 2 ? CARRY_MAX : LOCAL_MAX + 2);
        s->carry = xrealloc(s->carry, s->carry_room);
    }
    if (keep)
        memcpy(s->carry, data + from, keep);
    s->carry_size = (uint16_t)keep;
}

/* How much of `data` an address that is carried may reach into, with what stands around it. */
static size_t rest_size(const uint8_t *data, size_t size)
{
    size_t end = 0, most = size < JOIN_MAX ? size : JOIN_MAX;
    while (end < most && (in_alphabet(ALPHABET_LOCAL, data[end]) || data[end] == '@'))
        end++;
    return most - end < AROUND_BYTES ? most : end + AROUND_BYTES;
}

/* Does a '@' stand where what is carried may belong to it? */
static bool may_join(const struct email_scanner *s, const uint8_t *data, size_t size)
{
    if (s->carry_size == 0)
        return false;
    return size < JOIN_MAX || memchr(s->carry, '@', s->carry_size) ||
           memchr(data, '@', LOCAL_MAX + 1);
}

/* What is unfinished of what is carried, and the beginning of `data` behind it. True: that was
 * all of `data`. */
static bool scan_join(struct email_scanner *s, const uint8_t *data, size_t size)
{
    uint8_t join[CARRY_MAX + JOIN_MAX];
    size_t tail = tail_begin(s->carry, s->carry_size), carried = s->carry_size - tail;
    size_t head = size < JOIN_MAX ? size : rest_size(data, size);
    memcpy(join, s->carry + tail, carried);
    memcpy(join + carried, data, head);
    if (head == size) {
        scan(s, join, carried + head, 0, ANY_LOCAL, false);
        keep_tail(s, join, carried + head);
        return true;
    }
    if (carried)
        scan(s, join, carried + head, carried, ONLY_CARRIED, false);
    scan(s, data, size, 0, carried ? ONLY_OWN : ANY_LOCAL, false);
    return false;
}

void email_scanner_put(struct email_scanner *scanner, const uint8_t *data, size_t size)
{
    if (size == 0)
        return;
    if (!may_join(scanner, data, size))
        scan(scanner, data, size, 0, ANY_LOCAL, false);
    else if (scan_join(scanner, data, size))
        return;
    keep_tail(scanner, data, size);
}

void email_scanner_gap(struct email_scanner *scanner)
{
    static const uint8_t sign = '@'; /* whatever follows it directly is no local part */
    scanner->carry_size = 0;
    keep_tail(scanner, &sign, 1);
}

void email_scanner_finish(struct email_scanner *scanner)
{
    size_t size = scanner->carry_size, tail = size ? tail_begin(scanner->carry, size) : 0;
    if (tail < size)
        scan(scanner, scanner->carry + tail, size - tail, 0, ANY_LOCAL, true);
    scanner->carry_size = 0;
}
