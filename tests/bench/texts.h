/* Texts to measure with: kinds that traffic in clear is made of, each from one seed, so that every
 * run and every machine reads the same bytes. */
#ifndef WEIR_TESTS_BENCH_TEXTS_H
#define WEIR_TESTS_BENCH_TEXTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static inline uint32_t texts_random(uint64_t *seed, uint32_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)((*seed >> 33) % below);
}

static inline const char *texts_word(uint64_t *seed)
{
    static const char *const word[] = {
        "the",     "of",     "and",    "network", "a",       "report", "in",    "was",
        "traffic", "to",     "which",  "measure", "minutes", "it",     "is",    "outside",
        "because", "server", "before", "nothing", "airport", "on",     "their", "between",
    };
    return word[texts_random(seed, sizeof word / sizeof *word)];
}

static inline void texts_prose(uint64_t *seed, char line[256])
{
    int used = 0;
    for (int i = 0; i < 12; i++)
        used += snprintf(line + used, 256 - (size_t)used, "%s%s", texts_word(seed),
                         i % 6 == 5 ? ",\n" : " ");
    if (texts_random(seed, 8) == 0)
        snprintf(line + used, 256 - (size_t)used, "since %u.\n", 1950 + texts_random(seed, 70));
}

static inline void texts_json(uint64_t *seed, char line[256])
{
    snprintf(
        line, 256,
        "{\"id\":%u,\"name\":\"%s %s\",\"active\":true,\"score\":%u.%u,\"tags\":[\"%s\",\"%s\"],"
        "\"at\":\"2026-03-%02uT08:%02u:00Z\"},\n",
        texts_random(seed, 1000000), texts_word(seed), texts_word(seed), texts_random(seed, 100),
        texts_random(seed, 100), texts_word(seed), texts_word(seed), 1 + texts_random(seed, 28),
        texts_random(seed, 60));
}

static inline void texts_html(uint64_t *seed, char line[256])
{
    snprintf(line, 256,
             "<li class=\"%s item-%u\"><a href=\"/%s/%s.html\">%s %s %s</a> <span>%s</span></li>\n",
             texts_word(seed), texts_random(seed, 300), texts_word(seed), texts_word(seed),
             texts_word(seed), texts_word(seed), texts_word(seed), texts_word(seed));
}

static inline void texts_numbers(uint64_t *seed, char line[256])
{
    snprintf(line, 256, "%u,%u.%03u,-%u,%u,%u%08u,2026-03-%02u\n", texts_random(seed, 100000),
             texts_random(seed, 10000), texts_random(seed, 1000), texts_random(seed, 1000),
             texts_random(seed, 1000000000), texts_random(seed, 1000000),
             texts_random(seed, 100000000), 1 + texts_random(seed, 28));
}

static inline void texts_addresses(uint64_t *seed, char line[256])
{
    snprintf(line, 256, "%s.%s%u@%s%u.example.co.jp,%s\n", texts_word(seed), texts_word(seed),
             texts_random(seed, 1000), texts_word(seed), texts_random(seed, 40), texts_word(seed));
}

/* A customers' list: what the scanners are there for, in every line. */
static inline void texts_customers(uint64_t *seed, char line[256])
{
    snprintf(line, 256, "%s %s,+81-90-%04u-%04u,4%03u %04u %04u %04u,DE%02u37040044%010u\n",
             texts_word(seed), texts_word(seed), texts_random(seed, 10000),
             texts_random(seed, 10000), texts_random(seed, 1000), texts_random(seed, 10000),
             texts_random(seed, 10000), texts_random(seed, 10000), texts_random(seed, 100),
             texts_random(seed, 1000000000));
}

static inline void texts_base64(uint64_t *seed, char line[256])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 76; i++)
        line[i] = alphabet[texts_random(seed, 64)];
    memcpy(line + 76, "\r\n", 3);
}

static const struct text_kind {
    const char *name;
    void (*line)(uint64_t *seed, char line[256]);
} texts_kinds[] = {
    {"prose", texts_prose},         {"json", texts_json},
    {"html", texts_html},           {"numbers", texts_numbers},
    {"addresses", texts_addresses}, {"customers", texts_customers},
    {"base64", texts_base64},       {"random", NULL},
};

#define TEXTS_KINDS (sizeof texts_kinds / sizeof *texts_kinds)

/* False: there is no such kind. */
static inline int texts_fill(const char *name, uint8_t *data, size_t size)
{
    uint64_t seed = 1;
    for (size_t i = 0; i < TEXTS_KINDS; i++) {
        if (strcmp(texts_kinds[i].name, name) != 0)
            continue;
        for (size_t at = 0; at < size;) {
            char line[256];
            if (!texts_kinds[i].line) {
                data[at++] = (uint8_t)texts_random(&seed, 256);
                continue;
            }
            texts_kinds[i].line(&seed, line);
            size_t length = strlen(line), room = size - at;
            memcpy(data + at, line, length < room ? length : room);
            at += length < room ? length : room;
        }
        return 1;
    }
    return 0;
}

#endif
