/* bench_inspect SCANNER TEXT BYTES: gives one scanner that many bytes of a text, in pieces of a
 * segment's size. tests/bench/run counts the instructions of measured() with callgrind. */
#include "../../sensor/content/inspect.h"
#include "../../sensor/content/search.h"

#include "texts.h"
#include "weir/content/numbers.h"

#include <stdbool.h>
#include <stdlib.h>

#define PIECE_BYTES 1448u

static struct hash_key key;
static struct inspection inspection;
static uint64_t found_count;

static bool known(void *context, uint64_t hash)
{
    (void)context, (void)hash;
    return false;
}

static void on_found(void *context, const struct found *found)
{
    (void)context, (void)found;
    found_count++;
}

static const struct finder finder = {known, on_found, NULL};

/* --- scanners: one row each --------------------------------------------------------------------
 */

static void *email_open(void)
{
    return email_scanner_new(&inspection.email, &finder);
}

static void email_put(void *scanner, const uint8_t *data, size_t size)
{
    email_scanner_put(scanner, data, size);
}

static void email_close(void *scanner)
{
    email_scanner_finish(scanner);
    email_scanner_free(scanner);
}

static void *numbers_open(void)
{
    return numbers_scanner_new(&key, &finder);
}

static void numbers_put(void *scanner, const uint8_t *data, size_t size)
{
    numbers_scanner_put(scanner, data, size);
}

static void numbers_close(void *scanner)
{
    numbers_scanner_finish(scanner);
    numbers_scanner_free(scanner);
}

static void *patterns_open(void)
{
    return search_new(inspection.search, &finder);
}

static void patterns_put(void *scanner, const uint8_t *data, size_t size)
{
    search_put(scanner, data, size);
}

static void patterns_close(void *scanner)
{
    search_finish(scanner);
    search_free(scanner);
}

static void *all_open(void)
{
    return inspector_new(&inspection, &finder);
}

static void all_put(void *filter, const uint8_t *data, size_t size)
{
    filter_put(filter, data, size);
}

static void all_close(void *filter)
{
    filter_end(filter);
}

static const struct scanner {
    const char *name;
    void *(*open)(void);
    void (*put)(void *scanner, const uint8_t *data, size_t size);
    void (*close)(void *scanner);
} scanners[] = {
    {"email", email_open, email_put, email_close},
    {"numbers", numbers_open, numbers_put, numbers_close},
    {"patterns", patterns_open, patterns_put, patterns_close},
    {"all", all_open, all_put, all_close},
};

/* Not inlined: callgrind counts from here to its end. */
void measured(const struct scanner *scanner, void *state, const uint8_t *data, size_t size);
__attribute__((noinline)) void measured(const struct scanner *scanner, void *state,
                                        const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at += PIECE_BYTES)
        scanner->put(state, data + at, size - at < PIECE_BYTES ? size - at : PIECE_BYTES);
}

int main(int argc, char **argv)
{
    const struct scanner *scanner = NULL;
    size_t size = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    uint8_t *data = malloc(size + 1);
    for (size_t i = 0; argc == 4 && i < sizeof scanners / sizeof *scanners; i++)
        if (strcmp(scanners[i].name, argv[1]) == 0)
            scanner = &scanners[i];
    if (!scanner || !data || !texts_fill(argv[2], data, size)) {
        fprintf(stderr, "usage: bench_inspect SCANNER TEXT BYTES\n");
        return 2;
    }
    hash_key_init(&key, "bench", 5);
    inspection =
        (struct inspection){.key = &key, .email = {.suffixes = suffixes_new(), .key = &key}};
    struct error error = {ERROR_NONE, ""};
    inspection.search = search_shared_new(&key, NULL, 0, true, &error);
    if (!inspection.search) {
        fprintf(stderr, "bench_inspect: %s\n", error.message);
        return 1;
    }
    void *state = scanner->open();
    scanner->put(state, data, size < PIECE_BYTES ? size : PIECE_BYTES); /* what is made once */
    measured(scanner, state, data, size);
    scanner->close(state);
    printf("%llu\n", (unsigned long long)found_count);
    free(data);
    return 0;
}
