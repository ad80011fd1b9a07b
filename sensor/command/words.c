/* See words.h. */
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct word *find(const struct word *words, const char *text, const char **value)
{
    for (; words->name; words++) {
        size_t size = strlen(words->name);
        if (strncmp(text, words->name, size) != 0)
            continue;
        *value = text[size] == '=' && words->value ? text + size + 1 : NULL;
        if (text[size] == '\0' || *value)
            return words;
    }
    return NULL;
}

static int take(const struct word *word, const char *value, struct error *error)
{
    if (word->value ? *word->value != NULL : *word->flag)
        return error_set(error, ERROR_USAGE, "%s: is there twice", word->name);
    if (!word->value)
        *word->flag = true;
    else if (!value)
        return error_set(error, ERROR_USAGE, "%s: needs a value", word->name);
    else
        *word->value = value;
    return 0;
}

int words_take(const struct word *words, int *argc, char **argv, struct error *error)
{
    int kept = 0, i = 0;
    for (; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        const char *value;
        const struct word *word = find(words, argv[i], &value);
        if (!word) {
            argv[kept++] = argv[i];
            continue;
        }
        if (word->value && !value && i + 1 < *argc)
            value = argv[++i];
        if (take(word, value, error) != 0)
            return -1;
    }
    while (i < *argc)
        argv[kept++] = argv[i++];
    *argc = kept;
    argv[kept] = NULL;
    return 0;
}
