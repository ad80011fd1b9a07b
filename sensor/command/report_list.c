/* The list of `weir report --contains`: what of it is an address is decided by the scanner that
 * counts addresses in traffic, so that both mean the same. Thread: the main thread. */
#include "report.h"

#include "weir/base/buffer.h"
#include "weir/base/suffix.h"
#include "weir/content/email.h"
#include "weir/role/feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 1024

struct listing {
    struct contains *contains;
    struct email_scanner *scanner;
    size_t size;   /* of the line */
    uint64_t hash; /* of the address that is all of it; 0: it is none */
};

static void on_found(void *context, const struct found *found)
{
    struct listing *listing = context;
    listing->hash = found->size == listing->size ? found->hash : 0;
}

static int take_line(struct listing *listing, char *line, struct error *error)
{
    char *begin = line + strspn(line, " \t\r\n");
    size_t size = strlen(begin);
    while (size > 0 && strchr(" \t\r\n", begin[size - 1]))
        size--;
    if (size == 0 || *begin == '#')
        return 0;
    if (listing->contains->count == CONTAINS_MAX)
        return error_set(error, ERROR_USAGE, "--contains: more than %u items", CONTAINS_MAX);
    listing->size = size;
    listing->hash = 0;
    email_scanner_put(listing->scanner, (const uint8_t *)begin, size);
    email_scanner_finish(listing->scanner);
    contains_add(listing->contains, begin, size, listing->hash);
    return 0;
}

static int take_lines(struct listing *listing, FILE *file, const char *path, struct error *error)
{
    char line[LINE_SIZE];
    for (unsigned number = 1; fgets(line, sizeof line, file); number++) {
        if (!strchr(line, '\n') && !feof(file))
            return error_set(error, ERROR_USAGE,
                             "%s:%u: the line is too long, expected an address of at most %d bytes",
                             path, number, LINE_SIZE - 2);
        if (take_line(listing, line, error) != 0)
            return -1;
    }
    return ferror(file) ? error_set(error, ERROR_USAGE, "%s: %s", path, strerror(errno)) : 0;
}

int report_read_list(const char *path, struct contains *contains, struct error *error)
{
    struct hash_key key;
    struct email_shared *shared = xcalloc(1, sizeof *shared);
    struct listing listing = {.contains = contains};
    const struct finder finder = {.found = on_found, .context = &listing};
    struct suffixes *suffixes = suffixes_new();
    FILE *file = fopen(path, "re");
    feed_key(&key);
    shared->suffixes = suffixes;
    shared->key = &key;
    listing.scanner = email_scanner_new(shared, &finder);
    int failed = file ? take_lines(&listing, file, path, error)
                      : error_set(error, ERROR_USAGE, "%s: %s", path, strerror(errno));
    if (file)
        fclose(file);
    email_scanner_free(listing.scanner);
    suffixes_free(suffixes);
    free(shared);
    return failed ? -1 : 0;
}
