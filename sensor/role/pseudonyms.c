/* See weir/role/pseudonyms.h. A key appears whole: written beside its place and linked there, so
 * that of two who make one at the same time the second takes the first's. */
#include "weir/role/pseudonyms.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct error *error, const char *path, const char *why)
{
    return error_set(error, ERROR_RUN, "%s: the key of pseudonyms (privacy.pseudonyms): %s", path,
                     why);
}

/* 0: read; 1: there is none; −1 and an error. */
static int read_key(const char *path, uint8_t key[PSEUDONYM_KEY_SIZE], struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 1 : refuse(error, path, strerror(errno));
    struct stat st;
    bool whole = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == PSEUDONYM_KEY_SIZE &&
                 read(fd, key, PSEUDONYM_KEY_SIZE) == PSEUDONYM_KEY_SIZE;
    close(fd);
    return whole ? 0 : refuse(error, path, "is none, expected 32 bytes");
}

static bool write_key(int fd, const char *folder)
{
    uint8_t key[PSEUDONYM_KEY_SIZE];
    struct stat st;
    bool good = getrandom(key, sizeof key, 0) == sizeof key &&
                write(fd, key, sizeof key) == sizeof key && stat(folder, &st) == 0 &&
                (geteuid() != 0 || fchown(fd, st.st_uid, st.st_gid) == 0) && fsync(fd) == 0;
    explicit_bzero(key, sizeof key);
    return good;
}

static int make_key(const char *folder, const char *path, struct error *error)
{
    char *beside = xasprintf("%s.%d", path, (int)getpid());
    int fd, failed = -1;
    if (mkdir(folder, 0750) != 0 && errno != EEXIST) {
        refuse(error, folder, strerror(errno));
    } else if ((fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0) {
        refuse(error, path, strerror(errno));
    } else {
        if (!write_key(fd, folder) || (link(beside, path) != 0 && errno != EEXIST))
            refuse(error, path, strerror(errno));
        else
            failed = 0;
        close(fd);
        unlink(beside);
    }
    free(beside);
    return failed;
}

struct pseudonyms *role_pseudonyms(const struct config *config, struct error *error)
{
    const char *folder = config_state_dir(config);
    char *path = xasprintf("%s/pseudonym.key", folder);
    uint8_t key[PSEUDONYM_KEY_SIZE];
    int got = read_key(path, key, error);
    if (got == 1 && make_key(folder, path, error) == 0)
        got = read_key(path, key, error);
    struct pseudonyms *pseudonyms = got == 0 ? pseudonyms_new(key, &config->inside) : NULL;
    explicit_bzero(key, sizeof key);
    free(path);
    return pseudonyms;
}

int role_pseudonyms_asked(const struct config *config, struct pseudonyms **pseudonyms,
                          struct error *error)
{
    *pseudonyms = config->pseudonyms ? role_pseudonyms(config, error) : NULL;
    return config->pseudonyms && !*pseudonyms ? -1 : 0;
}
