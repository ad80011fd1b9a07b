/* Open totals in the store: writing a sensor's own, reading the fleet's sum.
 *
 * With a host's first total of an hour the host joins the hour's list, in the same step: whoever
 * closes the hour finds everybody.
 *
 * A sensor writes absolute totals under its own field, and the server keeps the larger of each
 * number and the union of the starts (starts.h), in one step (a script): writing them twice, or
 * late, changes nothing. Numbers are compared as decimal text (longer is larger), because Lua's own
 * are exact only below 2^53; a start's are below 2^32.
 *
 * What a host received from inside is a field of its own, INSIDE_KEY in place of a destination, its
 * bytes the first number of such a value.
 *
 * Reading: the larger of each number among the sensors of a vantage (taps of the same traffic),
 * summed over vantages; of the longest connection the larger there, too. Fields that are not ours
 * are not counted, and said once. Thread: the engine's. */
#include "store_link.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/baseline/seen.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_EXPIRES "604800" /* 7 days in seconds */
#define NUMBERS      6
#define FIELD_SIZE   (DESTINATION_KEY_SIZE + 512)
#define CHUNK        64 /* pairs a command */
#define HEAD         11 /* words before them */
#define CLUSTER_HEAD 9
#define INSIDE_KEY   "inside"
#define NAME_SIZE    200
#define NAMES_SIZE   "402" /* of "VANTAGE|SENSOR|" */

_Static_assert(STARTS_MAX == 256, "the script keeps as many");
_Static_assert(SEEN_OTHERS == 4, "the script names as many");
_Static_assert(2 * NAME_SIZE + 2 == 402, "the script takes names as long");
_Static_assert((402 + 17) * SEEN_OTHERS + 40 <= SEEN_TEXT_MAX, "they are a text that is taken");
/* Of a host that was forgotten, and not by this sensor yet, nothing is written: it has it from
 * before (store_forget.c). KEYS: open totals, the hour's list, the forgotten, who took what. ARGV:
 * expiry, host, sensor, "VANTAGE|SENSOR|" ("": nobody else is asked for), then field and value by
 * turns. */
#define ALONE_BEGIN                                                                                \
    "local gone = redis.call('HGET', KEYS[3], ARGV[2])\n"                                          \
    "if gone and tonumber(string.match(gone, '^%d+')) >\n"                                         \
    "    tonumber(redis.call('HGET', KEYS[4], ARGV[3]) or '0') then return 0 end\n"                \
    "redis.call('SADD', KEYS[2], ARGV[2])\n"                                                       \
    "redis.call('EXPIRE', KEYS[2], ARGV[1])\n"
/* In a cluster a script has the keys of one slot: the host is put into the list beside it, and what
 * this sensor took it says itself. KEYS: open totals, by what number the host was forgotten. ARGV:
 * expiry, nothing, the number this sensor took, then as above. */
#define CLUSTER_BEGIN                                                                              \
    "local gone = redis.call('GET', KEYS[2])\n"                                                    \
    "if gone and tonumber(gone) > tonumber(ARGV[3]) then return 0 end\n"
#define MAXIMUM                                                                                    \
    "for i = 5, #ARGV, 2 do\n"                                                                     \
    "  local have, best = redis.call('HGET', KEYS[1], ARGV[i]), ARGV[i + 1]\n"                     \
    "  if have then\n"                                                                             \
    "    local old, new, before = {}, {}, string.match(have, ';.*') or ''\n"                       \
    "    local starts = string.match(best, ';.*') or ''\n"                                         \
    "    for n in string.gmatch(string.match(have, '^[^;]*'), '%d+') do old[#old + 1] = n end\n"   \
    "    for n in string.gmatch(string.match(best, '^[^;]*'), '%d+') do\n"                         \
    "      local o = old[#new + 1] or '0'\n"                                                       \
    "      local larger = #o > #n or (#o == #n and o > n)\n"                                       \
    "      new[#new + 1] = larger and o or n\n"                                                    \
    "    end\n"                                                                                    \
    "    if string.sub(starts, 1, #before) ~= before then\n"                                       \
    "      local most, second, text = {}, {}, {}\n"                                                \
    "      for s, b in string.gmatch(before .. starts, ';(%d+):(%d+)') do\n"                       \
    "        s, b = tonumber(s), tonumber(b)\n"                                                    \
    "        if not most[s] then second[#second + 1] = s end\n"                                    \
    "        most[s] = math.max(most[s] or 0, b)\n"                                                \
    "      end\n"                                                                                  \
    "      table.sort(second)\n"                                                                   \
    "      for j = 1, math.min(#second, 256) do\n"                                                 \
    "        text[j] = string.format(';%d:%.0f', second[j], most[second[j]])\n"                    \
    "      end\n"                                                                                  \
    "      starts = table.concat(text)\n"                                                          \
    "    end\n"                                                                                    \
    "    best = table.concat(new, ' ') .. starts\n"                                                \
    "  end\n"                                                                                      \
    "  redis.call('HSET', KEYS[1], ARGV[i], best)\n"                                               \
    "end\n"                                                                                        \
    "redis.call('EXPIRE', KEYS[1], ARGV[1])\n"                                                     \
    "if ARGV[4] == '' then return 1 end\n"
/* What others see: of a destination by vantage the most; what is this vantage's is alike; and who
 * they are (seen.h): what has no sensor's name, or one that no text has room for, no Weir wrote.
 * Numbers beyond 2^53 - 1, which no sensor sees in an hour, are left out, and sums end there. */
#define ELSEWHERE                                                                                  \
    "local all, own = redis.call('HGETALL', KEYS[1]), string.match(ARGV[4], '^[^|]*|')\n"          \
    "local seen, who, by = {}, {}, {}\n"                                                           \
    "local most = 9007199254740991\n"                                                              \
    "for i = 1, #all, 2 do\n"                                                                      \
    "  local name, v, d = string.match(all[i], '^(([^|%z]*|)[^|%z]+|)(.+)$')\n"                    \
    "  local n = tonumber(string.match(all[i + 1], '^%d+') or '0')\n"                              \
    "  local ours = d and #name <= " NAMES_SIZE " and d ~= 'inside'\n"                             \
    "  if ours and name ~= ARGV[4] and n <= most then\n"                                           \
    "    seen[d] = seen[d] or {}\n"                                                                \
    "    seen[d][v] = math.max(seen[d][v] or 0, n)\n"                                              \
    "    who[d] = who[d] or {}\n"                                                                  \
    "    who[d][name] = n\n"                                                                       \
    "    by[name] = math.min((by[name] or 0) + n, most)\n"                                         \
    "  end\n"                                                                                      \
    "end\n"                                                                                        \
    "local function parts(d)\n"                                                                    \
    "  local alike, across = 0, 0\n"                                                               \
    "  for v, n in pairs(seen[d] or {}) do\n"                                                      \
    "    if v == own then alike = n else across = across + n end\n"                                \
    "  end\n"                                                                                      \
    "  return alike, math.min(across, most)\n"                                                     \
    "end\n"                                                                                        \
    "local function more(a, b) return a[1] > b[1] or (a[1] == b[1] and a[2] < b[2]) end\n"         \
    "local function names(shares)\n"                                                               \
    "  local list, sum, text = {}, 0, {}\n"                                                        \
    "  for name, n in pairs(shares) do\n"                                                          \
    "    if n > 0 then list[#list + 1] = {n, name} end\n"                                          \
    "    sum = math.min(sum + n, most)\n"                                                          \
    "  end\n"                                                                                      \
    "  if #list > 1 then table.sort(list, more) end\n"                                             \
    "  for j = 1, math.min(#list, 4) do\n"                                                         \
    "    text[j] = string.format('%.0f|', list[j][1]) .. list[j][2]\n"                             \
    "  end\n"                                                                                      \
    "  return string.format('%d|%.0f|', #list, sum) .. table.concat(text)\n"                       \
    "end\n"                                                                                        \
    "local alike, across = 0, 0\n"                                                                 \
    "for d in pairs(seen) do\n"                                                                    \
    "  local a, x = parts(d)\n"                                                                    \
    "  alike, across = math.min(alike + a, most), math.min(across + x, most)\n"                    \
    "end\n"                                                                                        \
    "local reply = {string.format('%.0f', alike), string.format('%.0f', across), names(by)}\n"     \
    "for i = 5, #ARGV, 2 do\n"                                                                     \
    "  local d = string.match(ARGV[i], '^[^|]*|[^|]*|(.+)$')\n"                                    \
    "  if seen[d] then\n"                                                                          \
    "    local a, x = parts(d)\n"                                                                  \
    "    reply[#reply + 1] = d\n"                                                                  \
    "    reply[#reply + 1] = string.format('%.0f', a)\n"                                           \
    "    reply[#reply + 1] = string.format('%.0f', x)\n"                                           \
    "    reply[#reply + 1] = names(who[d])\n"                                                      \
    "  end\n"                                                                                      \
    "end\n"                                                                                        \
    "return reply"

static const char alone_script[] = ALONE_BEGIN MAXIMUM ELSEWHERE;
static const char cluster_script[] = CLUSTER_BEGIN MAXIMUM ELSEWHERE;

struct chunk {
    struct ip of;
    int64_t hour;
    char key[STORE_KEY_SIZE], list[STORE_KEY_SIZE], host[IP_TEXT_SIZE];
    char forgotten[STORE_KEY_SIZE], taken[STORE_KEY_SIZE], number[24];
    char own[2 * NAME_SIZE + 3]; /* "VANTAGE|SENSOR|"; "": nobody else is asked for */
    char field[CHUNK][FIELD_SIZE];
    size_t begins[CHUNK], count;
    struct buffer values;
};

static bool on_put(struct store_request *request, const redisReply *reply)
{
    (void)request;
    return reply->type == REDIS_REPLY_INTEGER;
}

/* A cluster's list of the hour's hosts is elsewhere. It is there with its totals when it is said
 * that these are complete (store_queue.c), which is when somebody looks. */
static void put_into_list(struct store *store, const struct chunk *chunk)
{
    static const char script[] = "redis.call('SADD', KEYS[1], ARGV[2])\n"
                                 "return redis.call('EXPIRE', KEYS[1], ARGV[1])";
    const char *words[6] = {"EVAL", script, "1", chunk->list, OPEN_EXPIRES, chunk->host};
    struct store_request *request = store_request_new(store, "EVAL", on_put, NULL);
    request->scope = STORE_OF_LIST;
    store_send_words(request, 6, words);
}

static bool on_totals(struct store_request *request, const redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER || store_take_elsewhere(request, reply);
}

static void send_totals(struct store *store, const struct chunk *chunk, int argc, const char **argv,
                        const size_t *size)
{
    struct store_request *request = store_request_new(store, "EVAL", on_totals, NULL);
    request->host = chunk->of;
    request->hour = chunk->hour;
    store_send(request, argc, argv, size);
}

static void send_chunk(struct store *store, struct chunk *chunk)
{
    const char *argv[HEAD + 2 * CHUNK] = {"EVAL",      alone_script,     "4",          chunk->key,
                                          chunk->list, chunk->forgotten, chunk->taken, OPEN_EXPIRES,
                                          chunk->host, store->sensor,    chunk->own};
    const char *cluster[CLUSTER_HEAD] = {"EVAL",     cluster_script,   "2",
                                         chunk->key, chunk->forgotten, OPEN_EXPIRES,
                                         "",         chunk->number,    chunk->own};
    size_t size[HEAD + 2 * CHUNK];
    int argc = store_is_cluster(store) ? CLUSTER_HEAD : HEAD;
    if (store_is_cluster(store))
        memcpy(argv, cluster, sizeof cluster);
    for (int i = 0; i < argc; i++)
        size[i] = strlen(argv[i]);
    for (size_t i = 0; i < chunk->count; i++) {
        argv[argc] = chunk->field[i];
        size[argc++] = strlen(chunk->field[i]);
        size_t ends = i + 1 < chunk->count ? chunk->begins[i + 1] : chunk->values.size;
        argv[argc] = (const char *)chunk->values.data + chunk->begins[i];
        size[argc++] = ends - chunk->begins[i];
    }
    if (chunk->count > 0 && store_is_cluster(store))
        put_into_list(store, chunk);
    if (chunk->count > 0)
        send_totals(store, chunk, argc, argv, size);
    chunk->count = 0;
    chunk->values.size = 0;
}

/* The value is appended by whoever calls it. */
static void begin_field(const struct store *store, struct chunk *chunk, const char *key)
{
    snprintf(chunk->field[chunk->count], FIELD_SIZE, "%s|%s|%s", store->vantage, store->sensor,
             key);
    chunk->begins[chunk->count++] = chunk->values.size;
}

static void add_to_chunk(struct store *store, struct chunk *chunk, const struct pair_total *pair)
{
    char key[DESTINATION_KEY_SIZE];
    begin_field(store, chunk, destination_key(&pair->destination, key));
    buffer_text(&chunk->values,
                "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32,
                pair->out.value, pair->out.low, pair->out.high, pair->in_bytes, pair->flows,
                pair->longest_s);
    starts_text(&pair->starts, &chunk->values);
    if (chunk->count == CHUNK)
        send_chunk(store, chunk);
}

static void add_inside(struct store *store, struct chunk *chunk, struct host_total *total)
{
    if (!total->inside_changed)
        return;
    total->inside_changed = false;
    begin_field(store, chunk, INSIDE_KEY);
    buffer_text(&chunk->values, "%" PRIu64 " 0 0 0 0 0", total->inside_bytes);
}

void store_put_open(struct store *store, struct host_total *total)
{
    struct chunk chunk; /* large: only this is set */
    size_t position = 0;
    chunk.count = 0;
    chunk.values = (struct buffer){0};
    assert(!store->read_only);
    store_open_key(store, &total->host, total->hour, chunk.key);
    store_hour_key(store, total->hour, chunk.list);
    store_forgotten_key(store, chunk.forgotten);
    store_taken_key(store, chunk.taken);
    ip_text(&total->host, chunk.host);
    chunk.of = total->host;
    chunk.hour = total->hour;
    *chunk.own = '\0';
    if (store->others > 0 && store->heard)
        snprintf(chunk.own, sizeof chunk.own, "%s|%s|", store->vantage, store->sensor);
    if (store_is_cluster(store)) {
        store_gone_key(store, &total->host, chunk.forgotten);
        snprintf(chunk.number, sizeof chunk.number, "%" PRIu64, store->taken);
    }
    for (const struct map_entry *entry; (entry = map_next(&total->pairs, &position)) != NULL;) {
        struct pair_total *pair = entry->value;
        if (!pair->changed)
            continue;
        pair->changed = false;
        add_to_chunk(store, &chunk, pair);
    }
    add_inside(store, &chunk, total); /* a chunk that was full is sent: there is room */
    send_chunk(store, &chunk);
    buffer_fini(&chunk.values);
}

/* --- the fleet's sum -------------------------------------------------------------------------- */

/* One sensor's word on one destination. Text is borrowed from the reply. */
struct word {
    const char *vantage, *destination;
    size_t vantage_size, destination_size;
    uint64_t number[NUMBERS];
    struct starts starts;
};

static int compare_text(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_destinations(const struct word *a, const struct word *b)
{
    return compare_text(a->destination, a->destination_size, b->destination, b->destination_size);
}

static int compare_vantages(const struct word *a, const struct word *b)
{
    return compare_text(a->vantage, a->vantage_size, b->vantage, b->vantage_size);
}

static int compare_words(const void *left, const void *right)
{
    int order = compare_destinations(left, right);
    return order ? order : compare_vantages(left, right);
}

static bool parse_field(const redisReply *field, struct word *word)
{
    const char *end = field->str + field->len;
    const char *first = memchr(field->str, '|', field->len);
    const char *second = first ? memchr(first + 1, '|', (size_t)(end - first - 1)) : NULL;
    if (!second)
        return false;
    word->vantage = field->str;
    word->vantage_size = (size_t)(first - field->str);
    word->destination = second + 1;
    word->destination_size = (size_t)(end - second - 1);
    return true;
}

/* Six decimal numbers, one space between two, then the starts. hiredis ends strings with a NUL. */
static bool parse_numbers(const redisReply *value, struct word *word)
{
    const char *at = value->str;
    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t number = 0;
        const char *begin = at;
        for (; *at >= '0' && *at <= '9'; at++)
            if (__builtin_mul_overflow(number, 10, &number) ||
                __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
                return false;
        if (at == begin || (i + 1 < NUMBERS && *at++ != ' '))
            return false;
        word->number[i] = number;
    }
    return starts_parse(&word->starts, at, (size_t)(value->str + value->len - at));
}

static bool is_inside(const struct word *word)
{
    return word->destination_size == strlen(INSIDE_KEY) &&
           memcmp(word->destination, INSIDE_KEY, strlen(INSIDE_KEY)) == 0;
}

/* Adds what one vantage knows of one destination: the larger of each number of its sensors, and all
 * their starts. */
static struct word *add_vantage(struct host_total *total, struct word *most, const struct word *end)
{
    struct destination destination;
    struct word *word = most + 1;
    for (; word < end && compare_words(word, most) == 0; word++) {
        for (size_t i = 0; i < NUMBERS; i++)
            if (word->number[i] > most->number[i])
                most->number[i] = word->number[i];
        starts_union(&most->starts, &word->starts);
    }
    if (is_inside(most))
        total->inside_bytes = bytes_add(total->inside_bytes, most->number[0]);
    uint32_t flows = most->number[4] > UINT32_MAX ? UINT32_MAX : (uint32_t)most->number[4];
    if (destination_parse(most->destination, most->destination_size, &destination)) {
        struct volume out = {most->number[0], most->number[1], most->number[2]};
        struct pair_total *pair = totals_add(total, &destination, out, most->number[3], flows);
        totals_starts(total, pair, &most->starts);
        totals_lasts(pair, most->number[5]);
    }
    return word;
}

static size_t parse_words(const redisReply *reply, struct word *words)
{
    size_t count = 0;
    struct destination unused;
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const redisReply *field = reply->element[i], *value = reply->element[i + 1];
        struct word *word = &words[count];
        if (field->type == REDIS_REPLY_STRING && value->type == REDIS_REPLY_STRING &&
            parse_field(field, word) && parse_numbers(value, word) &&
            (is_inside(word) ||
             destination_parse(word->destination, word->destination_size, &unused)))
            count++;
        else
            starts_fini(&word->starts);
    }
    return count;
}

static struct host_total *sum_words(const struct ip *host, int64_t hour, struct word *words,
                                    size_t count)
{
    struct host_total *total = host_total_new(host, hour);
    qsort(words, count, sizeof *words, compare_words);
    for (struct word *at = words; at < words + count;)
        at = add_vantage(total, at, words + count);
    return total;
}

struct host_total *store_sum_reply(struct store *store, const redisReply *reply,
                                   const struct ip *host, int64_t hour)
{
    struct host_total *total = NULL;
    if (reply->elements == 0)
        return NULL;
    struct word *words = xcalloc(reply->elements, sizeof *words);
    size_t count = parse_words(reply, words);
    if (count < reply->elements / 2 && store->odd_totals++ == 0)
        log_warn("redis at %s: holds totals that no Weir wrote; they are not counted",
                 store->url.shown);
    if (count > 0)
        total = sum_words(host, hour, words, count);
    for (size_t i = 0; i < count; i++)
        starts_fini(&words[i].starts);
    free(words);
    return total;
}

static bool on_open(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY)
        return false;
    struct host_total *total =
        store_sum_reply(request->store, reply, &request->host, request->hour);
    request->done.total(request->context, &request->host, request->hour, total);
    return true;
}

bool store_ask_open(struct store_request *request, const struct ip *host, int64_t hour)
{
    char key[STORE_KEY_SIZE];
    const char *argv[2] = {"HGETALL", store_open_key(request->store, host, hour, key)};
    size_t size[2] = {7, strlen(key)};
    request->host = *host;
    request->hour = hour;
    return store_send(request, 2, argv, size);
}

void store_sum_open(struct store *store, const struct ip *host, int64_t hour,
                    void (*done)(void *context, const struct ip *host, int64_t hour,
                                 struct host_total *total),
                    void *context)
{
    struct store_request *request = store_request_new(store, "HGETALL", on_open, context);
    request->done.total = done;
    store_ask_open(request, host, hour);
}
