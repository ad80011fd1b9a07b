/* A container's beginning is gathered and recognised; then its kind says which bytes it wants to
 * see next (container_kinds.h), and all others pass by uncopied. A PDF is searched for the key of
 * its encryption dictionary instead. What it was is told when the text ends, or nothing more can be
 * learnt.
 *
 * Bounds: CONTAINER_HEAD bytes at the beginning, one window of CONTAINER_WINDOW at most afterwards.
 * Each byte is copied into a window once, but for those that two wants share; a want begins behind
 * the one before. Thread: the capture thread. */
#include "container_kinds.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

static const char pdf_key[] = "/Encrypt";
#define PDF_KEY (sizeof pdf_key - 1)

struct container_scanner {
    const struct hash_key *key;
    struct finder finder;
    struct container_state state;
    uint64_t at;     /* bytes of the text so far; missing ones too */
    uint8_t *window; /* what begins at state.want.begin; before it is known what it is: the text */
    uint32_t window_size;
    uint16_t head_size; /* gathered of the beginning */
    uint8_t tail_size;  /* PDF: the last bytes, in which the key may have begun */
    uint8_t tail[PDF_KEY];
    bool done;     /* nothing more is looked at */
    uint8_t *head; /* CONTAINER_HEAD of room, until it is done */
};

struct container_scanner *container_scanner_new(const struct hash_key *key,
                                                const struct finder *finder)
{
    struct container_scanner *scanner = xcalloc(1, sizeof *scanner);
    scanner->key = key;
    scanner->finder = *finder;
    return scanner;
}

void container_scanner_free(struct container_scanner *scanner)
{
    if (!scanner)
        return;
    free(scanner->window);
    free(scanner->head);
    free(scanner);
}

static void tell(struct container_scanner *s)
{
    size_t hashed = s->head_size < CONTAINER_HASHED ? s->head_size : CONTAINER_HASHED;
    const char *label = container_label(&s->state);
    struct found found = {.class = CONTENT_ARCHIVE,
                          .hash = hash64_keyed(s->key, s->head, hashed),
                          .label = label,
                          .label_size = strlen(label),
                          .bytes = s->head,
                          .size = hashed};
    found.hash += found.hash == 0;
    s->finder.found(s->finder.context, &found);
}

/* Nothing more can be learnt. */
static void settle(struct container_scanner *s)
{
    if (!s->done && s->state.kind != CONTAINER_NONE)
        tell(s);
    s->done = true;
    free(s->window);
    free(s->head);
    s->window = s->head = NULL;
}

/* --- wanted bytes ------------------------------------------------------------------------------
 */

/* The window is full, or no more of it comes. What the next want shares with it is kept. */
static void step(struct container_scanner *s)
{
    uint64_t begin = s->state.want.begin;
    container_step(&s->state, s->window, s->window_size);
    if (s->state.want.bytes == 0) {
        settle(s);
        return;
    }
    uint64_t skip = s->state.want.begin - begin;
    size_t keep = skip < s->window_size ? s->window_size - (size_t)skip : 0;
    uint8_t *window = xcalloc(1, s->state.want.bytes);
    if (keep > s->state.want.bytes)
        keep = s->state.want.bytes;
    if (keep)
        memcpy(window, s->window + skip, keep);
    free(s->window);
    s->window = window;
    s->window_size = (uint32_t)keep;
}

/* Bytes from s->at on, in order. */
static void look(struct container_scanner *s, const uint8_t *data, size_t size)
{
    uint64_t end = s->at + size;
    while (!s->done) {
        uint32_t room = s->state.want.bytes - s->window_size;
        uint64_t next = s->state.want.begin + s->window_size;
        if (room > 0 && next >= end)
            break;
        /* Before s->at there is nothing to be had: a want that begins there was kept by step(). */
        size_t from = next > s->at ? (size_t)(next - s->at) : 0;
        size_t some = size - from < room ? size - from : room;
        if (some)
            memcpy(s->window + s->window_size, data + from, some);
        s->window_size += (uint32_t)some;
        if (s->window_size == s->state.want.bytes)
            step(s);
    }
    s->at = end;
}

/* --- PDF ---------------------------------------------------------------------------------------
 */

/* The key, and no longer one ("/EncryptMetadata" stands in the dictionary that it names). */
static bool holds_key(const uint8_t *data, size_t size)
{
    const uint8_t *at = data, *end = data + size;
    while ((at = memmem(at, (size_t)(end - at), pdf_key, PDF_KEY))) {
        at += PDF_KEY;
        if (at < end && (*at == ' ' || *at == '\r' || *at == '\n' || *at == '<' || *at == '\t'))
            return true;
    }
    return false;
}

static void search_pdf(struct container_scanner *s, const uint8_t *data, size_t size)
{
    uint8_t join[2 * PDF_KEY + 1];
    size_t some = size < PDF_KEY + 1 ? size : PDF_KEY + 1;
    s->at += size;
    memcpy(join, s->tail, s->tail_size);
    memcpy(join + s->tail_size, data, some);
    if (holds_key(join, s->tail_size + some) || holds_key(data, size)) {
        s->state.encrypted = true;
        settle(s);
        return;
    }
    size_t all = s->tail_size + some, keep = size < PDF_KEY ? all : PDF_KEY;
    if (keep > PDF_KEY)
        keep = PDF_KEY;
    if (size >= PDF_KEY)
        memcpy(s->tail, data + size - keep, keep);
    else
        memcpy(s->tail, join + all - keep, keep);
    s->tail_size = (uint8_t)keep;
}

/* --- from outside ------------------------------------------------------------------------------
 */

static void follow(struct container_scanner *s, const uint8_t *data, size_t size)
{
    if (s->state.kind == CONTAINER_PDF)
        search_pdf(s, data, size);
    else
        look(s, data, size);
}

/* The beginning is there, or all that comes of it. */
static void recognise(struct container_scanner *s)
{
    s->state.kind = container_recognise(s->head, s->head_size);
    s->state.want = container_first(s->state.kind);
    if (s->state.want.bytes)
        s->window = xcalloc(1, s->state.want.bytes);
    else if (s->state.kind != CONTAINER_PDF)
        settle(s);
    s->at = 0;
    if (!s->done)
        follow(s, s->head, s->head_size);
}

void container_scanner_put(struct container_scanner *scanner, const uint8_t *data, size_t size)
{
    size_t some = 0;
    if (scanner->done || size == 0)
        return;
    if (!scanner->head)
        scanner->head = xcalloc(1, CONTAINER_HEAD);
    if (scanner->head_size < CONTAINER_HEAD) {
        some = CONTAINER_HEAD - scanner->head_size;
        if (some > size)
            some = size;
        memcpy(scanner->head + scanner->head_size, data, some);
        scanner->head_size = (uint16_t)(scanner->head_size + some);
        if (scanner->head_size == CONTAINER_HEAD)
            recognise(scanner);
    }
    if (!scanner->done && scanner->head_size == CONTAINER_HEAD && size > some)
        follow(scanner, data + some, size - some);
}

/* Within the beginning it ends that; within something wanted, there is nothing more to be learnt.
 */
void container_scanner_gap(struct container_scanner *scanner, uint64_t bytes)
{
    struct container_scanner *s = scanner;
    if (s->done)
        return;
    if (s->head_size < CONTAINER_HEAD) {
        container_scanner_finish(s);
        return;
    }
    s->tail_size = 0;
    s->at += bytes;
    if (s->state.kind != CONTAINER_PDF && s->at > s->state.want.begin + s->window_size)
        settle(s);
}

void container_scanner_finish(struct container_scanner *scanner)
{
    struct container_scanner *s = scanner;
    if (!s->done && s->head_size > 0 && s->head_size < CONTAINER_HEAD)
        recognise(s);
    while (!s->done && s->window_size > 0)
        step(s); /* each begins further on */
    settle(s);
}

void container_scanner_begin(struct container_scanner *scanner)
{
    *scanner = (struct container_scanner){.key = scanner->key, .finder = scanner->finder};
}
