/* One scanner: a text, in pieces.
 *
 * A piece goes behind what is carried into the set's buffer, PATTERN_CHUNK bytes at once. There the
 * first look (pattern_look.c) says where something may be. Every line is covered by windows: one
 * begins each PATTERN_STEP bytes of the line, and PATTERN_VISIBLE bytes from there on (and
 * PATTERN_BEHIND before) are given to PCRE2, for matches that begin within the step. A window is
 * judged once, when all of it or its line's end is there; what is not judged yet is carried, and
 * looked at again only when something was seen in it. So what is found hangs on places in lines,
 * not on how the text was cut, and a line of any length costs one pass.
 *
 * The listener is told the same bytes in order, PATTERN_ANCHOR behind: an anchor that is cut by two
 * pieces is told before its first byte.
 *
 * Bounds: PATTERN_CARRIED bytes a scanner; PATTERN_OVER matches that reach into the next window (a
 * further one may be found once more, from its middle on). Thread: the capture thread. */
#include "pattern_set.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define PATTERN_OVER  8u
#define CARRIED_FIRST 64u

struct over {
    uint16_t row;
    uint16_t bytes; /* behind the beginning of the next window */
};

struct pattern_scanner {
    struct pattern_set *set;
    const struct hash_key *key;
    struct finder finder;
    struct pattern_listener listener;
    uint8_t *carried;
    uint16_t carried_size, carried_room;
    uint16_t heard; /* carried bytes that the listener was told already */
    /* The unfinished line: where it (or what is carried of it) begins in what is carried, how much
     * of it stands before the next window there, and whether that window is its first. */
    uint16_t line, next;
    bool first;
    bool broken; /* its first byte follows missing ones */
    bool seen;   /* something was, in what is carried: it must be looked at again */
    uint8_t over_count;
    struct over over[PATTERN_OVER];
};

/* A line, or what is there of it, in the buffer. */
struct stretch {
    size_t begin, end; /* `begin`: of what may be looked back at */
    size_t next;       /* where the next window begins */
    bool first;        /* … which is the line's first */
    bool ends;         /* the line ends at `end` */
    bool cut;          /* … because bytes are missing */
};

struct pattern_scanner *pattern_scanner_new(struct pattern_set *set, const struct hash_key *key,
                                            const struct finder *finder,
                                            const struct pattern_listener *listener)
{
    struct pattern_scanner *scanner = xcalloc(1, sizeof *scanner);
    scanner->set = set;
    scanner->key = key;
    scanner->finder = *finder;
    if (listener)
        scanner->listener = *listener;
    scanner->first = true;
    return scanner;
}

void pattern_scanner_free(struct pattern_scanner *scanner)
{
    if (!scanner)
        return;
    free(scanner->carried);
    free(scanner);
}

/* --- one window --------------------------------------------------------------------------------
 */

static void tell(const struct pattern_scanner *s, const struct pattern *pattern,
                 const uint8_t *match, size_t size)
{
    struct found found = {.class = pattern->row.class,
                          .label = pattern->row.label,
                          .label_size = strlen(pattern->row.label),
                          .bytes = match,
                          .size = size < PATTERN_MATCH_MAX ? size : PATTERN_MATCH_MAX};
    /* Two rows that find the same bytes have found two items. */
    found.hash = hash64_keyed(s->key, match, found.size) ^ hash64(found.label, found.label_size, 0);
    found.hash += found.hash == 0;
    s->finder.found(s->finder.context, &found);
}

/* Where the search begins: behind what was found in the window before. */
static size_t search_begin(const struct pattern_scanner *s, size_t row)
{
    for (size_t i = 0; i < s->over_count; i++)
        if (s->over[i].row == row)
            return s->over[i].bytes;
    return 0;
}

static bool refuse(struct pattern_set *set, struct pattern *pattern, int result)
{
    if (result >= 0 || result == PCRE2_ERROR_NOMATCH)
        return result < 0;
    set->refusals++;
    pattern->refusals++;
    return true;
}

/* The matches of one pattern that begin in the window at `line->next`; how far behind the step's
 * end the last one goes. `behind`: bytes before the window, `visible`: from its beginning on. */
static size_t match_window(struct pattern_scanner *s, size_t row, const struct stretch *line,
                           size_t visible, bool whole)
{
    struct pattern_set *set = s->set;
    struct pattern *pattern = &set->pattern[row];
    size_t behind =
        line->next - line->begin < PATTERN_BEHIND ? line->next - line->begin : PATTERN_BEHIND;
    const uint8_t *subject = set->buffer + line->next - behind;
    size_t size = behind + visible, at = behind + search_begin(s, row);
    bool broken = line->first && s->broken;
    uint32_t options = PCRE2_NOTEMPTY | (whole && !line->cut ? 0 : PCRE2_NOTEOL) |
                       (behind || broken ? PCRE2_NOTBOL : 0);
    const PCRE2_SIZE *place = pcre2_get_ovector_pointer(set->match);
    while (at < behind + PATTERN_STEP && at < size && pattern->refusals < PATTERN_REFUSALS) {
        int result =
            pcre2_match(pattern->code, subject, size, at, options, set->match, set->limits);
        if (refuse(set, pattern, result) || place[0] >= behind + PATTERN_STEP)
            break;
        size_t begin = place[0], end = place[1];
        bool cut = (broken && begin == 0) || (end == size && (whole ? line->cut : pattern->edges));
        at = end > at ? end : at + 1;
        if (!cut && begin < end && begin >= behind)
            tell(s, pattern, subject + begin, end - begin);
    }
    return at > behind + PATTERN_STEP ? at - behind - PATTERN_STEP : 0;
}

/* Which rows may match there. False: none. */
static bool rows_of(const struct pattern_set *set, size_t begin, size_t end,
                    uint64_t rows[LOOK_WORDS])
{
    uint64_t all = 0;
    for (size_t i = 0; i < LOOK_WORDS; i++)
        rows[i] = set->always[i];
    for (size_t block = begin / LOOK_BLOCK; block <= end / LOOK_BLOCK; block++)
        for (size_t i = 0; set->look.some[block] && i < LOOK_WORDS; i++)
            rows[i] |= set->look.seen[block][i];
    for (size_t i = 0; i < LOOK_WORDS; i++)
        all |= rows[i];
    return all != 0;
}

/* What reaches further than `bytes` on is kept, as seen from there. */
static void move_over(struct pattern_scanner *s, size_t bytes)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < s->over_count; i++)
        if (s->over[i].bytes > bytes)
            s->over[kept++] = (struct over){s->over[i].row, (uint16_t)(s->over[i].bytes - bytes)};
    s->over_count = kept;
}

static void reach_over(struct pattern_scanner *s, const struct over *over)
{
    for (uint8_t i = 0; i < s->over_count; i++)
        if (s->over[i].row == over->row) {
            s->over[i] = *over;
            return;
        }
    if (s->over_count < PATTERN_OVER)
        s->over[s->over_count++] = *over;
}

static bool is_quiet(const struct look *look, size_t begin, size_t end)
{
    bool some = false;
    for (size_t block = begin / LOOK_BLOCK; block <= end / LOOK_BLOCK; block++)
        some |= look->some[block];
    return !some;
}

static void judge_window(struct pattern_scanner *s, const struct stretch *line)
{
    uint64_t rows[LOOK_WORDS];
    struct over over[PATTERN_OVER];
    uint8_t count = 0;
    size_t visible = line->end - line->next;
    bool whole = visible <= PATTERN_VISIBLE && line->ends;
    if (visible > PATTERN_VISIBLE)
        visible = PATTERN_VISIBLE;
    if (!s->set->some_always && is_quiet(&s->set->look, line->next, line->next + visible)) {
        move_over(s, PATTERN_STEP);
        return;
    }
    bool any = rows_of(s->set, line->next, line->next + visible, rows);
    for (size_t row = 0; any && row < s->set->count; row++) {
        if (!(rows[row / 64] >> (row % 64) & 1))
            continue;
        size_t bytes = match_window(s, row, line, visible, whole);
        if (bytes && count < PATTERN_OVER)
            over[count++] = (struct over){(uint16_t)row, (uint16_t)bytes};
    }
    move_over(s, PATTERN_STEP);
    for (uint8_t i = 0; i < count; i++)
        reach_over(s, &over[i]);
}

/* Judges every window of the line that can be. */
static void judge_line(struct pattern_scanner *s, struct stretch *line)
{
    while (line->next < line->end && (line->ends || line->end - line->next >= PATTERN_VISIBLE)) {
        judge_window(s, line);
        line->next += PATTERN_STEP;
        line->first = false;
    }
}

/* --- the buffer --------------------------------------------------------------------------------
 */

static void hear(struct pattern_scanner *s, size_t from, size_t to)
{
    if (s->listener.bytes && to > from)
        s->listener.bytes(s->listener.context, s->set->buffer + from, to - from);
}

/* All but the last bytes, in which an anchor may have begun; returns how far it was told. */
static size_t listen(struct pattern_scanner *s, size_t size, bool ends)
{
    size_t at = s->heard, end = ends ? size : size > PATTERN_ANCHOR ? size - PATTERN_ANCHOR : 0;
    const struct look *look = &s->set->look;
    for (size_t i = 0; s->listener.anchor && i < look->heard_count; i++) {
        size_t begin = look->heard[i].begin;
        if (begin < at || begin >= end) /* the latter come again */
            continue;
        hear(s, at, begin);
        s->listener.anchor(s->listener.context, look->heard[i].row);
        at = begin;
    }
    hear(s, at, end);
    return end > at ? end : at;
}

/* What is not judged, and not told, of the first `size` bytes of the buffer is carried. */
static void carry(struct pattern_scanner *s, const struct stretch *line, size_t size, size_t heard)
{
    size_t from =
        line->next - line->begin > PATTERN_BEHIND ? line->next - PATTERN_BEHIND : line->begin;
    size_t begin = heard < from && s->listener.bytes ? heard : from;
    size_t keep = size - begin;
    if (keep > s->carried_room) {
        s->carried_room = keep <= CARRIED_FIRST ? CARRIED_FIRST : PATTERN_CARRIED;
        s->carried = xrealloc(s->carried, s->carried_room);
    }
    if (keep)
        memcpy(s->carried, s->set->buffer + begin, keep);
    s->carried_size = (uint16_t)keep;
    s->heard = (uint16_t)(heard > begin ? heard - begin : 0);
    s->line = (uint16_t)(from - begin);
    s->next = (uint16_t)(line->next - from);
    s->first = line->first;
    s->seen = s->set->look.any && !is_quiet(&s->set->look, begin, size);
}

/* What is carried was looked at, and of anchors that it cuts none begins before what was heard:
 * unless something was seen there, only the rest is looked at. */
static void look(const struct pattern_scanner *s, size_t size)
{
    pattern_look(s->set, s->seen ? 0 : s->heard, size, s->heard);
}

static struct stretch unfinished(const struct pattern_scanner *s)
{
    return (struct stretch){.begin = s->line, .next = (size_t)s->line + s->next, .first = s->first};
}

static void new_line(struct pattern_scanner *s, struct stretch *line, size_t begin)
{
    *line = (struct stretch){.begin = begin, .next = begin, .first = true};
    s->broken = false;
    s->over_count = 0;
}

/* Every line that ends in the buffer, and what is there of the last one. */
static void judge_lines(struct pattern_scanner *s, struct stretch *line, size_t size)
{
    const uint8_t *buffer = s->set->buffer, *feed;
    size_t at = s->carried_size; /* what is carried holds no line's end behind line->begin */
    while ((feed = memchr(buffer + at, '\n', size - at))) {
        size_t end = (size_t)(feed - buffer);
        line->end = end > line->begin && buffer[end - 1] == '\r' ? end - 1 : end;
        line->ends = true;
        judge_line(s, line);
        at = end + 1;
        new_line(s, line, at);
    }
    line->end = size;
    judge_line(s, line);
}

/* Nothing to judge: only where the last line begins, and which window of it is next. */
static void skip_lines(struct pattern_scanner *s, struct stretch *line, size_t size)
{
    const uint8_t *buffer = s->set->buffer;
    const uint8_t *feed = memrchr(buffer + s->carried_size, '\n', size - s->carried_size);
    if (feed)
        new_line(s, line, (size_t)(feed - buffer) + 1);
    if (size - line->next >= PATTERN_VISIBLE) {
        size_t steps = (size - line->next - PATTERN_VISIBLE) / PATTERN_STEP + 1;
        line->next += steps * PATTERN_STEP;
        line->first = false;
        move_over(s, steps * PATTERN_STEP);
    }
}

static void put_chunk(struct pattern_scanner *s, const uint8_t *data, size_t size)
{
    struct pattern_set *set = s->set;
    size_t carried = s->carried_size, all = carried + size;
    struct stretch line = unfinished(s);
    if (carried)
        memcpy(set->buffer, s->carried, carried);
    memcpy(set->buffer + carried, data, size);
    look(s, all);
    if (set->look.any || set->some_always)
        judge_lines(s, &line, all);
    else
        skip_lines(s, &line, all);
    carry(s, &line, all, listen(s, all, false));
}

void pattern_scanner_put(struct pattern_scanner *scanner, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at += PATTERN_CHUNK)
        put_chunk(scanner, data + at, size - at < PATTERN_CHUNK ? size - at : PATTERN_CHUNK);
}

/* The last line ends where its bytes end. */
static void end_line(struct pattern_scanner *s, bool cut)
{
    struct pattern_set *set = s->set;
    struct stretch line = unfinished(s);
    size_t size = s->carried_size;
    if (size) {
        memcpy(set->buffer, s->carried, size);
        look(s, size);
        listen(s, size, true);
        line.end = !cut && size > line.begin && set->buffer[size - 1] == '\r' ? size - 1 : size;
        line.ends = true;
        line.cut = cut;
        judge_line(s, &line);
    }
    s->carried_size = s->heard = s->line = s->next = 0;
    s->over_count = 0;
    s->seen = false;
    s->first = true;
    s->broken = cut;
}

void pattern_scanner_gap(struct pattern_scanner *scanner)
{
    end_line(scanner, true);
}

void pattern_scanner_finish(struct pattern_scanner *scanner)
{
    end_line(scanner, false);
}
