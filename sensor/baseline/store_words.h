/* A command, word by word, for the commands of many words. Pure. */
#ifndef SENSOR_BASELINE_STORE_WORDS_H
#define SENSOR_BASELINE_STORE_WORDS_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 24

struct words {
    const char *argv[WORDS_MAX];
    size_t size[WORDS_MAX];
    char number[WORDS_MAX][24];
    int count;
};

static inline void words_bytes(struct words *words, const void *data, size_t size)
{
    words->argv[words->count] = data ? data : "";
    words->size[words->count++] = size;
}

static inline void words_text(struct words *words, const char *text)
{
    words_bytes(words, text, strlen(text));
}

static inline void words_number(struct words *words, int64_t value)
{
    char *number = words->number[words->count];
    snprintf(number, sizeof words->number[0], "%" PRId64, value);
    words_text(words, number);
}

/* An hour; "" for none. */
static inline void words_hour(struct words *words, int64_t hour)
{
    if (hour == INT64_MIN)
        words_text(words, "");
    else
        words_number(words, hour);
}

#endif
