/* See weir/investigate/sift.h. Each position has a hash of its own: with two hashes for all of them
 * small filters err several times as often as their fill says. */
#include "weir/investigate/sift.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/base/digest.h"
#include "weir/base/json.h"
#include "weir/base/map.h"
#include "weir/detect/union.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LN2        0.69314718055994530942
#define HASHES_MAX 32u
#define BITS_MAX   (UINT64_C(1) << 25) /* 4 MiB; of UNION_EXACT items they are 2.4 */

struct item_set {
    struct ip host;
    struct destination destination;
    struct item_union *items;
};

struct sift {
    struct map sets; /* host and destination_key → struct item_set */
    struct union_budget budget;
    uint64_t more; /* items of pairs without room */
};

struct sift *sift_new(void)
{
    struct sift *sift = xcalloc(1, sizeof *sift);
    map_init(&sift->sets);
    sift->budget.limit_bytes = SIFT_BYTES;
    return sift;
}

static void free_set(void *value)
{
    struct item_set *set = value;
    item_union_free(set->items);
    free(set);
}

void sift_free(struct sift *sift)
{
    if (!sift)
        return;
    map_fini(&sift->sets, free_set);
    free(sift);
}

static struct item_set *get_or_make(struct sift *sift, const struct ip *host,
                                    const struct destination *destination)
{
    char key[sizeof *host + DESTINATION_KEY_SIZE];
    memcpy(key, host, sizeof *host);
    size_t size = sizeof *host + destination_put_key(destination, key + sizeof *host);
    struct item_set *set = map_get(&sift->sets, key, size);
    if (set || sift->sets.count >= SIFT_SETS)
        return set;
    set = xcalloc(1, sizeof *set);
    set->host = *host;
    set->destination = *destination;
    set->items = item_union_new(&sift->budget);
    map_put(&sift->sets, key, size, set);
    return set;
}

void sift_add(struct sift *sift, const struct ip *host, const struct destination *destination,
              const struct record_content *record)
{
    if (record->class != CONTENT_EMAIL)
        return;
    struct item_set *set = get_or_make(sift, host, destination);
    for (size_t i = 0; set && i < record->hash_count; i++)
        item_union_add(set->items, record->hash[i]);
    sift->more += set ? 0 : record->hash_count;
}

/* --- the filter ------------------------------------------------------------------------------- */

struct filling {
    uint8_t *data;
    uint64_t bits;
    unsigned hashes;
};

static uint64_t position(uint64_t hash, unsigned i, uint64_t bits)
{
    return hash64(&hash, sizeof hash, i + 1) % bits;
}

static void fill(void *context, uint64_t hash)
{
    const struct filling *f = context;
    for (unsigned i = 0; i < f->hashes; i++) {
        uint64_t at = position(hash, i, f->bits);
        f->data[at / 8] |= (uint8_t)(1u << at % 8);
    }
}

static void put_filter(struct json *json, const struct item_union *set, uint64_t count)
{
    uint64_t bits = (uint64_t)ceil((double)count * -log(SIFT_RATE) / (LN2 * LN2));
    struct filling f = {.bits = (bits + 63) / 64 * 64,
                        .hashes = (unsigned)lround(-log(SIFT_RATE) / LN2)};
    f.data = xcalloc(f.bits / 8, 1);
    if (item_union_each(set, fill, &f)) {
        char *hex = xcalloc(HEX_SIZE(f.bits / 8), 1);
        json_uint(json, "bits", f.bits);
        json_uint(json, "hashes", f.hashes);
        json_str(json, "filter", hex_text(f.data, f.bits / 8, hex));
        free(hex);
    } else {
        json_none(json, "filter");
    }
    free(f.data);
}

static void put_set(struct json *json, const struct item_set *set)
{
    char text[IP_TEXT_SIZE];
    uint64_t count = item_union_count(set->items);
    json_open(json, NULL);
    json_str(json, "host", host_text(&set->host, text));
    json_str(json, "destination", set->destination.name);
    json_bool(json, "served", set->destination.role == ROLE_SERVED);
    json_str(json, "class", "email_addresses");
    json_uint(json, "items", count);
    put_filter(json, set->items, count);
    json_close(json);
}

static void end_line(struct json *json, struct buffer *out)
{
    char *text = json_take_text(json, 0);
    buffer_text(out, "%s\n", text);
    free(text);
}

char *sift_text(const struct sift *sift)
{
    struct buffer out = {0};
    struct json *json = json_new();
    const struct map_entry **sorted = map_sorted(&sift->sets);
    for (size_t i = 0; i < sift->sets.count; i++) {
        put_set(json, sorted[i]->value);
        end_line(json, &out);
    }
    json_open(json, NULL);
    json_uint(json, "sets", sift->sets.count);
    json_uint(json, "items_without_room", sift->more);
    json_close(json);
    end_line(json, &out);
    buffer_u8(&out, 0);
    free(sorted);
    json_free(json);
    return (char *)out.data;
}

/* --- read back -------------------------------------------------------------------------------- */

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_bits(struct sift_filter *filter, const char *hex)
{
    uint64_t set = 0, size = filter->bits / 8;
    if (strlen(hex) != 2 * size)
        return false;
    filter->data = xcalloc(size, 1);
    for (uint64_t i = 0; i < size; i++) {
        int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        filter->data[i] = (uint8_t)(high << 4 | low);
        set += (uint64_t)__builtin_popcount(filter->data[i]);
    }
    filter->rate = pow((double)set / (double)filter->bits, filter->hashes);
    return true;
}

bool sift_filter_read(struct sift_filter *filter, const struct json_value *line)
{
    int64_t items = -1, bits = 0, hashes = 0;
    const char *hex = json_text(json_get(line, "filter"));
    *filter = (struct sift_filter){.host = json_text(json_get(line, "host")),
                                   .destination = json_text(json_get(line, "destination"))};
    if (!filter->host || !filter->destination || !json_whole(json_get(line, "items"), &items) ||
        items < 0)
        return false;
    filter->items = (uint64_t)items;
    if (!hex) /* there were too many */
        return true;
    if (!json_whole(json_get(line, "bits"), &bits) ||
        !json_whole(json_get(line, "hashes"), &hashes) || bits <= 0 || bits > (int64_t)BITS_MAX ||
        bits % 8 != 0 || hashes <= 0 || hashes > (int64_t)HASHES_MAX)
        return false;
    filter->bits = (uint64_t)bits;
    filter->hashes = (unsigned)hashes;
    return read_bits(filter, hex);
}

void sift_filter_fini(struct sift_filter *filter)
{
    free(filter->data);
    filter->data = NULL;
}

bool sift_filter_has(const struct sift_filter *filter, uint64_t hash)
{
    for (unsigned i = 0; i < filter->hashes; i++) {
        uint64_t at = position(hash, i, filter->bits);
        if (!(filter->data[at / 8] >> at % 8 & 1))
            return false;
    }
    return true;
}
