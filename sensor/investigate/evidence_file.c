/* Files of evidence, read. A folder of it may come from anybody: of its files none is waited for (a
 * FIFO), none is a device, and no link leads out of it. What a user names himself may be a link. */
#include "evidence_local.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* −1 and errno; EINVAL: it is no regular file. */
static int open_regular(const char *path, enum evidence_links links, struct stat *st)
{
    int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (links == LINKS_REFUSED ? O_NOFOLLOW : 0));
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

const char *evidence_file_problem(int problem)
{
    switch (problem) {
    case EINVAL:
    case ELOOP: /* a link */
    case ENXIO: /* a socket */
        return "is no regular file, and was not read";
    default:
        return strerror(problem);
    }
}

int evidence_digest_file(const char *path, enum evidence_links links, uint8_t sha256[SHA256_SIZE],
                         uint64_t *bytes)
{
    static const size_t size = 1u << 16;
    struct stat st;
    int fd = open_regular(path, links, &st);
    if (fd < 0)
        return -1;
    struct sha256 *sha = sha256_new();
    uint8_t *piece = xcalloc(1, size);
    ssize_t got;
    *bytes = 0;
    while ((got = read(fd, piece, size)) > 0 || (got < 0 && errno == EINTR)) {
        sha256_put(sha, piece, got > 0 ? (size_t)got : 0);
        *bytes += got > 0 ? (uint64_t)got : 0;
    }
    int kept = errno;
    free(piece);
    sha256_take(sha, sha256);
    close(fd);
    errno = kept;
    return got < 0 ? -1 : 0;
}

struct evidence_file evidence_file_of(const char *path)
{
    struct evidence_file file = {.name = path};
    if (evidence_digest_file(path, LINKS_FOLLOWED, file.sha256, &file.bytes) != 0)
        file = (struct evidence_file){.name = path};
    return file;
}

char *evidence_text(const char *path, size_t *size)
{
    return evidence_read_file(path, EVIDENCE_MANIFEST_MAX, size);
}

char *evidence_read_file(const char *path, size_t most, size_t *size)
{
    struct stat st;
    int fd = open_regular(path, LINKS_REFUSED, &st);
    if (fd < 0)
        return NULL;
    if ((uint64_t)st.st_size > most) {
        close(fd);
        errno = EFBIG;
        return NULL;
    }
    char *text = xcalloc(1, (size_t)st.st_size + 1);
    ssize_t got = 0;
    for (*size = 0; *size < (size_t)st.st_size; *size += (size_t)got)
        if ((got = read(fd, text + *size, (size_t)st.st_size - *size)) <= 0)
            break;
    close(fd);
    return text;
}

/* "redis://:secret@host" → "redis://:***@host" */
static void put_word(struct json *json, const char *word)
{
    const char *scheme = strstr(word, "://"), *at = scheme ? strrchr(scheme, '@') : NULL;
    const char *colon = at ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;
    if (!colon) {
        json_str(json, NULL, word);
        return;
    }
    char *shown = xasprintf("%.*s***%s", (int)(colon + 1 - word), word, at);
    json_str(json, NULL, shown);
    free(shown);
}

void evidence_put_words(struct json *json, const char *const *word, size_t words)
{
    json_list(json, "command_line");
    for (size_t i = 0; i < words; i++)
        put_word(json, word[i]);
    json_close(json);
}
