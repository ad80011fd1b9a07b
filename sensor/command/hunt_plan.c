/* What a hunt was asked, so that what an earlier one left is gone on from only when it was asked
 * the same: CASE/hunt/plan.json has the program, the settings, and each input's name, size and time
 * of change. A lock keeps two hunts out of one case; processes that an ended hunt left hold it
 * until they have gone. Thread: start-up. */
#include "hunt.h"

#include "output.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES 300 /* of 100 ms */
#define PLAN_MAX   (256u << 20)
#define LINE_MAX_  256

char *hunt_path(const struct hunt *hunt, const char *name, size_t number, const char *extension)
{
    return xasprintf("%s/%s-%05zu.%s", hunt->folder, name, number, extension);
}

/* --- the question ----------------------------------------------------------------------------- */

/* Layouts of what the processes leave are the program's, so another build begins anew. */
static int program_digest(char hex[HEX_SIZE(SHA256_SIZE)], struct error *error)
{
    static uint8_t block[1 << 16];
    uint8_t digest[SHA256_SIZE];
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, ERROR_RUN, "/proc/self/exe: %s", strerror(errno));
    struct sha256 *sha = sha256_new();
    for (ssize_t got; (got = read(fd, block, sizeof block)) > 0;)
        sha256_put(sha, block, (size_t)got);
    close(fd);
    sha256_take(sha, digest);
    hex_text(digest, sizeof digest, hex);
    return 0;
}

static void settings_digest(const struct hunt *hunt, char hex[HEX_SIZE(SHA256_SIZE)])
{
    uint8_t digest[SHA256_SIZE];
    struct buffer packed = {0};
    config_source_pack(&hunt->options.source, &packed);
    digest_sha256(packed.data, packed.size, digest);
    hex_text(digest, sizeof digest, hex);
    buffer_fini(&packed);
}

static char *plan_text(const struct hunt *hunt, const char *program)
{
    struct json *json = json_new();
    char settings[HEX_SIZE(SHA256_SIZE)];
    settings_digest(hunt, settings);
    json_open(json, NULL);
    json_str(json, "version", WEIR_VERSION);
    json_str(json, "program_sha256", program);
    json_str(json, "settings_sha256", settings);
    json_str(json, "filter", hunt->options.filter);
    json_str(json, "since", hunt->asked.since);
    json_str(json, "until", hunt->asked.until);
    json_str(json, "host", hunt->asked.host);
    json_str(json, "destination", hunt->asked.destination);
    json_uint(json, "unit_days", hunt->unit_days);
    json_list(json, "inputs");
    for (size_t i = 0; i < hunt->files.count; i++) {
        const struct hunt_file *file = &hunt->files.file[i];
        json_open(json, NULL);
        json_str(json, "path", file->path);
        json_uint(json, "bytes", file->size);
        json_int(json, "modified_ns", file->modified_ns);
        json_close(json);
    }
    json_close(json);
    json_close(json);
    char *text = json_take_text(json, 1), *line = xasprintf("%s\n", text);
    free(text);
    json_free(json);
    return line;
}

/* --- what is there ---------------------------------------------------------------------------- */

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "re");
    struct buffer text = {0};
    uint8_t block[1 << 14];
    if (!file)
        return NULL;
    for (size_t got; text.size < PLAN_MAX && (got = fread(block, 1, sizeof block, file)) > 0;)
        buffer_put(&text, block, got);
    fclose(file);
    buffer_u8(&text, 0);
    return (char *)text.data;
}

int hunt_read_json(const char *path, struct json_value **root, struct error *error)
{
    char *text = read_whole(path);
    *root = text ? json_parse(text, strlen(text), NULL) : NULL;
    free(text);
    if (json_is_record(*root))
        return 0;
    return error_set(error, ERROR_RUN, "%s: cannot be read, or is not whole (--again)", path);
}

/* The first line that is another: a member's, so it says what. */
static void name_difference(const char *was, const char *is, char text[LINE_MAX_])
{
    const char *start = is;
    while (*is && *is == *was) {
        if (*is == '\n')
            start = is + 1;
        is++;
        was++;
    }
    start += strspn(start, " {");
    snprintf(text, LINE_MAX_, "%.*s", (int)strcspn(start, "\n,"), start);
}

/* Everything that hunts make there; nothing else is touched. */
static int clear(const struct hunt *hunt, bool only_parts, struct error *error)
{
    DIR *dir = opendir(hunt->folder);
    if (!dir)
        return error_set(error, ERROR_RUN, "%s: %s", hunt->folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        const char *name = entry->d_name, *dot = strrchr(name, '.');
        bool part = dot && strcmp(dot, ".part") == 0;
        bool piece = strncmp(name, "survey-", 7) == 0 || strncmp(name, "learn-", 6) == 0 ||
                     strncmp(name, "judge-", 6) == 0 || strcmp(name, "ledger") == 0;
        if (!piece || (only_parts && !part && strcmp(name, "ledger") != 0))
            continue;
        char *path = xasprintf("%s/%s", hunt->folder, name);
        unlink(path);
        free(path);
    }
    closedir(dir);
    return 0;
}

static int compare(struct hunt *hunt, const char *path, const char *is)
{
    char *was = read_whole(path), line[LINE_MAX_];
    bool same = was && strcmp(was, is) == 0;
    int failed = 0;
    if (was && !same && !hunt->again) {
        name_difference(was, is, line);
        failed = error_set(&hunt->error, ERROR_USAGE,
                           "%s is of another hunt (%.150s); --again throws away what it found",
                           path, line);
    } else if (!same || hunt->again) {
        failed = clear(hunt, false, &hunt->error) != 0 || output_write(path, is, &hunt->error) != 0;
    } else {
        failed = clear(hunt, true, &hunt->error);
    }
    free(was);
    return failed ? -1 : 0;
}

static int take_lock(struct hunt *hunt)
{
    char *path = xasprintf("%s/lock", hunt->folder);
    hunt->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    bool held = hunt->lock >= 0 && flock(hunt->lock, LOCK_EX | LOCK_NB) == 0;
    for (int i = 0; hunt->lock >= 0 && !held && errno == EWOULDBLOCK && i < LOCK_TRIES; i++) {
        nanosleep(&(struct timespec){0, 100 * NS_PER_MS}, NULL);
        held = flock(hunt->lock, LOCK_EX | LOCK_NB) == 0;
    }
    if (!held)
        error_set(&hunt->error, ERROR_RUN, "%s: %s", path,
                  hunt->lock < 0 ? strerror(errno) : "another hunt is at work there");
    free(path);
    return held ? 0 : -1;
}

/* A replay's result is not written over unasked. */
static int spare_others(struct hunt *hunt)
{
    char *plan = xasprintf("%s/plan.json", hunt->folder);
    char *summary = xasprintf("%s/summary.json", hunt->options.folder);
    bool others = !hunt->again && access(plan, F_OK) != 0 && access(summary, F_OK) == 0;
    if (others)
        error_set(&hunt->error, ERROR_USAGE, "%.300s is of another run; --again writes over it",
                  summary);
    free(summary);
    free(plan);
    return others ? -1 : 0;
}

static int make_folders(struct hunt *hunt)
{
    const char *outer = hunt->options.folder;
    hunt->folder = xasprintf("%s/hunt", outer);
    if (spare_others(hunt) != 0)
        return -1;
    if ((mkdir(outer, 0750) != 0 && errno != EEXIST))
        return error_set(&hunt->error, ERROR_RUN, "%s: %s", outer, strerror(errno));
    if (mkdir(hunt->folder, 0750) != 0 && errno != EEXIST)
        return error_set(&hunt->error, ERROR_RUN, "%s: %s", hunt->folder, strerror(errno));
    return 0;
}

int hunt_plan_open(struct hunt *hunt)
{
    char program[HEX_SIZE(SHA256_SIZE)];
    if (program_digest(program, &hunt->error) != 0 || make_folders(hunt) != 0 ||
        take_lock(hunt) != 0)
        return -1;
    char *is = plan_text(hunt, program), *path = xasprintf("%s/plan.json", hunt->folder);
    int failed = compare(hunt, path, is);
    free(is);
    free(path);
    return failed;
}

/* --- hosts that are asked about --------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
    return ip_compare(a, b);
}

bool hunt_plan_has(const struct hunt *hunt, const struct ip *host)
{
    return bsearch(host, hunt->host, hunt->host_count, sizeof *hunt->host, by_address) != NULL;
}

static int take_host(struct hunt *hunt, char *line, size_t number)
{
    line[strcspn(line, "#\r\n")] = '\0';
    char *text = line + strspn(line, " \t");
    text[strcspn(text, " \t")] = '\0';
    if (!*text)
        return 0;
    if (hunt->host_count == HUNT_HOSTS)
        return error_set(&hunt->error, ERROR_USAGE, "%.200s: more than %d hosts", hunt->hosts_from,
                         HUNT_HOSTS);
    if (ip_parse(text, &hunt->host[hunt->host_count]) != 0)
        return error_set(&hunt->error, ERROR_USAGE, "%.200s:%zu: \"%.60s\": expected an address",
                         hunt->hosts_from, number, text);
    hunt->host_count++;
    return 0;
}

int hunt_plan_hosts(struct hunt *hunt)
{
    char *line = NULL;
    size_t room = 0;
    if (!hunt->hosts_from)
        return 0;
    FILE *file = fopen(hunt->hosts_from, "re");
    if (!file)
        return error_set(&hunt->error, ERROR_USAGE, "--hosts-from %.200s: %s", hunt->hosts_from,
                         strerror(errno));
    hunt->host = xcalloc(HUNT_HOSTS, sizeof *hunt->host);
    int failed = 0;
    for (size_t number = 1; failed == 0 && getline(&line, &room, file) > 0; number++)
        failed = take_host(hunt, line, number);
    free(line);
    fclose(file);
    if (!failed && hunt->host_count == 0)
        failed = error_set(&hunt->error, ERROR_USAGE, "--hosts-from %.200s: names no host",
                           hunt->hosts_from);
    qsort(hunt->host, hunt->host_count, sizeof *hunt->host, by_address);
    return failed;
}
