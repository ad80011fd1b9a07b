/* nghttp2's decoder alone: no session, nothing that answers.
 *
 * A receiver's SETTINGS allow its sender a larger table than the 4 KiB to begin with. Weir allows
 * TABLE_BYTES whatever they say: a sender that stays below them is decoded, a larger one is not.
 * A table keeps what was sent, so its memory is asked for through a hook that counts it, and all
 * tables together stay below CONTENT_HPACK_BYTES. A byte of a block may stand for a whole field of
 * the table: past HPACK_TEXT_MAX of text a block is decoded and no more looked at, and so is what
 * a side's heads and bodies make beyond coding.h's measure (counted in bodies_bombs): else ten
 * bytes of a frame cost a look at 64 KiB, as often as somebody likes.
 * Thread: the capture thread. */
#include "hpack.h"

#include "coding.h"
#include "doh.h"
#include "weir/base/buffer.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_BYTES    65536u
#define HPACK_TEXT_MAX 65536u
#define HEADER         16u /* before each piece of memory: its size; keeps the alignment */

struct hpack {
    struct side *side;
    nghttp2_hd_inflater *inflater;
    nghttp2_mem memory;
};

/* --- memory ------------------------------------------------------------------------------------
 */

static void *take(size_t size, void *context)
{
    struct content *content = context;
    if (size > CONTENT_HPACK_BYTES || content->hpack_bytes + size > CONTENT_HPACK_BYTES)
        return NULL;
    uint8_t *memory = malloc(size + HEADER);
    if (!memory)
        return NULL;
    *(size_t *)(void *)memory = size;
    content->hpack_bytes += size;
    return memory + HEADER;
}

static void give_back(void *address, void *context)
{
    struct content *content = context;
    if (!address)
        return;
    uint8_t *memory = (uint8_t *)address - HEADER;
    content->hpack_bytes -= *(size_t *)(void *)memory;
    free(memory);
}

static void *take_zero(size_t count, size_t size, void *context)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    void *address = take(count * size, context);
    if (address)
        memset(address, 0, count * size);
    return address;
}

static void *take_again(void *address, size_t size, void *context)
{
    void *larger = take(size, context);
    if (address && larger) {
        size_t held = *(size_t *)(void *)((uint8_t *)address - HEADER);
        memcpy(larger, address, held < size ? held : size);
        give_back(address, context);
    }
    return larger;
}

struct hpack *hpack_new(struct side *side)
{
    struct hpack *hpack = xcalloc(1, sizeof *hpack);
    hpack->side = side;
    hpack->memory = (nghttp2_mem){side->owner->content, take, give_back, take_zero, take_again};
    if (nghttp2_hd_inflate_new2(&hpack->inflater, &hpack->memory) == 0 &&
        nghttp2_hd_inflate_change_table_size(hpack->inflater, TABLE_BYTES) == 0)
        return hpack;
    hpack_free(hpack);
    return NULL;
}

void hpack_free(struct hpack *hpack)
{
    if (!hpack)
        return;
    if (hpack->inflater)
        nghttp2_hd_inflate_del(hpack->inflater);
    free(hpack);
}

/* --- fields ------------------------------------------------------------------------------------
 */

void hpack_begin(struct http2_head *head)
{
    memset(head, 0, sizeof *head);
    http_fields_init(&head->fields);
}

static bool is(struct text_span text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.at, word, text.size) == 0;
}

static uint16_t status_of(struct text_span value)
{
    int64_t status = value.size == 3 ? http_length(value) : 0;
    return status > 0 ? (uint16_t)status : 0;
}

static void take_path(struct hpack *hpack, struct http2_head *head, struct text_span value)
{
    doh_target(hpack->side, value);
    asked_project(value, &head->project);
    head->asks = true;
}

static void take_field(struct hpack *hpack, struct http2_head *head, struct text_span name,
                       struct text_span value)
{
    if (is(name, ":authority") || (is(name, "host") && !*head->host))
        http_host(value, head->host);
    else if (is(name, ":path"))
        take_path(hpack, head, value);
    else if (is(name, ":status"))
        head->status = status_of(value);
    else
        http_fields_put(&head->fields, name, value);
    http_claim(name, value, &head->client);
}

static void inspect_field(struct side *side, struct text_span name, struct text_span value)
{
    side_inspect(side, (const uint8_t *)name.at, name.size);
    side_inspect(side, (const uint8_t *)": ", 2);
    if (value.size)
        side_inspect(side, (const uint8_t *)value.at, value.size);
    side_inspect(side, (const uint8_t *)"\n", 1);
}

static void on_field(struct hpack *hpack, struct http2_head *head, const nghttp2_nv *field)
{
    struct text_span name = {(const char *)field->name, field->namelen};
    struct text_span value = {(const char *)field->value, field->valuelen};
    size_t size = name.size + value.size;
    if (name.size == 0 || size > HPACK_TEXT_MAX - head->text_bytes)
        return;
    if (coding_is_beyond(hpack->side)) {
        hpack->side->owner->content->bodies_bombs += !head->bomb;
        head->bomb = true;
        return;
    }
    head->text_bytes += (uint32_t)size;
    hpack->side->inflated_bytes += size;
    inspect_field(hpack->side, name, value);
    take_field(hpack, head, name, text_span_trim(value));
}

bool hpack_put(struct hpack *hpack, struct http2_head *head, const uint8_t *data, size_t size,
               bool final)
{
    for (;;) {
        nghttp2_nv field;
        int flags = 0;
        ssize_t used = nghttp2_hd_inflate_hd2(hpack->inflater, &field, &flags, data, size, final);
        if (used < 0 || (size_t)used > size)
            return false;
        data += used;
        size -= (size_t)used;
        if (flags & NGHTTP2_HD_INFLATE_EMIT)
            on_field(hpack, head, &field);
        if (flags & NGHTTP2_HD_INFLATE_FINAL)
            return nghttp2_hd_inflate_end_headers(hpack->inflater) == 0;
        if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && (size == 0 || used == 0))
            return size == 0;
    }
}
