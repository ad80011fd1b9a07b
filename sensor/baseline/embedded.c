/* The private redis-server.
 *
 *   find the program → fork → (child) die with the parent, a session of its own, output to the log,
 *   no descriptors of ours → exec → (parent) PING on the socket until PONG
 *
 * The child is killed when the thread that started it ends (PR_SET_PDEATHSIG is by thread): start
 * it from the main thread. SIGKILL, because a stopped or busy server would not hear SIGTERM, and
 * because appendfsync is always: ending it hard loses nothing. It has its own session, so that a
 * Ctrl-C at the terminal does not end it before the engine has written its last.
 *
 * Between fork and exec only async-signal-safe calls are made. The log of the run before is kept as
 * redis.log.1. Thread: the main one. */
#include "weir/baseline/embedded.h"

#include "quiet.h"
#include "weir/base/buffer.h"
#include "weir/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MEMORY   "512mb" /* 16 kB a host: some 30,000 hosts; then writes are refused, by name */
#define START_NS (10 * NS_PER_S)
#define STOP_NS  (5 * NS_PER_S)
#define DISK_LOW (INT64_C(1) << 20)

static void pause_ms(int64_t ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* --- what to say when it does not come up ----------------------------------------------------- */

/* Redis begins a line "PID:ROLE DAY MONTH YEAR TIME LEVEL "; people want what follows. */
static const char *skip_stamp(const char *line)
{
    const char *at = line + strspn(line, "0123456789");
    if (at == line || *at != ':')
        return line;
    for (int words = 0; words < 6 && at; words++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at ? at : line;
}

static void copy_line(const char *line, char text[EMBEDDED_LINE_SIZE])
{
    snprintf(text, EMBEDDED_LINE_SIZE, "%.*s", EMBEDDED_LINE_SIZE - 1, skip_stamp(line));
    text[strcspn(text, "\r\n")] = '\0';
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20)
            *at = '?';
}

char *embedded_last_line(const char *folder, char text[EMBEDDED_LINE_SIZE])
{
    char tail[4096], *path = xasprintf("%s/redis.log", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    *text = '\0';
    if (fd < 0)
        return text;
    off_t size = lseek(fd, 0, SEEK_END);
    off_t from = size > (off_t)sizeof tail - 1 ? size - (off_t)sizeof tail + 1 : 0;
    ssize_t got = pread(fd, tail, sizeof tail - 1, from);
    close(fd);
    if (got <= 0)
        return text;
    tail[got] = '\0';
    for (ssize_t i = got; i > 0 && (tail[i - 1] == '\n' || tail[i - 1] == '\r'); i--)
        tail[i - 1] = '\0';
    const char *newline = strrchr(tail, '\n');
    copy_line(newline ? newline + 1 : tail, text);
    return text;
}

/* The log may be silent exactly because the disk is full. */
static const char *disk_words(const char *folder)
{
    struct statvfs st;
    if (statvfs(folder, &st) == 0 && (int64_t)(st.f_bavail * st.f_frsize) < DISK_LOW)
        return "; the disk is full";
    return "";
}

static int say_why(const char *folder, const char *what, struct error *error)
{
    char line[EMBEDDED_LINE_SIZE];
    embedded_last_line(folder, line);
    return error_set(error, ERROR_RUN, "redis-server in %s: %s%s; its log says: %s", folder, what,
                     disk_words(folder), *line ? line : "nothing");
}

/* --- starting --------------------------------------------------------------------------------- */

static char *find_program(void)
{
    const char *path = getenv("PATH");
    char *places = xstrdup(path && *path ? path : "/usr/local/bin:/usr/bin:/bin");
    char *found = NULL, *rest = places;
    for (char *place; !found && (place = strsep(&rest, ":")) != NULL;) {
        char *program = xasprintf("%s/redis-server", place);
        if (*place == '/' && access(program, X_OK) == 0)
            found = program;
        else
            free(program);
    }
    free(places);
    return found;
}

/* Our own descriptors are all close-on-exec; this is for those of libraries. */
static void keep_descriptors(void)
{
    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
        return;
    for (int fd = 3; fd < 1024; fd++) /* a kernel before 5.11 */
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

struct launch {
    const char *program;
    char *const *argv;
    int log;
    struct embedded_user user;
};

/* In the child, after fork: nothing that allocates or locks. Never returns. */
static void become_server(const struct launch *launch, int report, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    const struct embedded_user *user = &launch->user;
    bool is_user = !user->change ||
                   (setgroups(0, NULL) == 0 && setgid(user->gid) == 0 && setuid(user->uid) == 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* behind the change of user, which clears it */
    if (getppid() != parent)
        _exit(1); /* it died before the signal was asked for */
    setsid();
    int null = open("/dev/null", O_RDONLY);
    if (is_user && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
        dup2(launch->log, STDOUT_FILENO) >= 0 && dup2(launch->log, STDERR_FILENO) >= 0) {
        keep_descriptors();
        execv(launch->program, launch->argv);
    }
    int cause = errno;
    ssize_t unused = write(report, &cause, sizeof cause);
    (void)unused;
    _exit(1);
}

/* Forks and waits for the exec: 0, or the errno of what failed. */
static int spawn(struct embedded *embedded, const struct launch *launch)
{
    int report[2], cause = 0;
    pid_t parent = getpid();
    if (pipe2(report, O_CLOEXEC) != 0)
        return errno;
    pid_t pid = fork();
    if (pid == 0)
        become_server(launch, report[1], parent);
    if (pid < 0)
        cause = errno;
    close(report[1]);
    ssize_t got;
    do
        got = read(report[0], &cause, sizeof cause); /* nothing comes when exec worked */
    while (got < 0 && errno == EINTR);
    close(report[0]);
    if (pid > 0 && cause != 0)
        waitpid(pid, NULL, 0);
    if (pid > 0 && cause == 0)
        embedded->pid = pid;
    return cause;
}

static int open_log(const char *folder, struct error *error)
{
    char *path = xasprintf("%s/redis.log", folder), *before = xasprintf("%s.1", path);
    rename(path, before);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0)
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    free(before);
    free(path);
    return fd;
}

static const char *const settings[] = {"--save",       "",     "--appendfsync",      "always",
                                       "--port",       "0",    "--unixsocketperm",   "700",
                                       "--maxmemory",  MEMORY, "--maxmemory-policy", "noeviction",
                                       "--maxclients", "64",   "--daemonize",        "no",
                                       "--logfile",    ""};

static int spawn_in(struct embedded *embedded, const struct embedded_config *config,
                    const char *folder, struct error *error)
{
    const char *appendonly = config->persist ? "yes" : "no", *path = strchr(embedded->url, ':') + 1;
    const char *own[] = {"redis-server", "--dir",        folder, "--appendonly",
                         appendonly,     "--unixsocket", path};
    char *argv[(sizeof own + sizeof settings) / sizeof own[0] + 1] = {NULL};
    /* execv's type is not const, its use is */
    memcpy(argv, own, sizeof own);
    memcpy(argv + sizeof own / sizeof own[0], settings, sizeof settings);
    char *program = find_program();
    if (!program)
        return error_set(error, ERROR_RUN,
                         "redis-server is not installed: install the Debian package redis-server, "
                         "or give redis.url the URL of a server of yours");
    int log = open_log(folder, error), cause = -1;
    if (log >= 0) {
        struct launch launch = {program, argv, log, config->user};
        cause = spawn(embedded, &launch);
        close(log);
    }
    if (cause > 0)
        error_set(error, ERROR_RUN, "%s: cannot be started: %s", program, strerror(cause));
    free(program);
    return cause == 0 ? 0 : -1;
}

/* --- coming up -------------------------------------------------------------------------------- */

enum answer { ANSWER_NONE, ANSWER_PONG, ANSWER_LOADING, ANSWER_OTHER };

static enum answer ping(const char *socket_path)
{
    enum answer answer = ANSWER_NONE;
    struct quiet quiet = quiet_begin(); /* it may end between connect and PING */
    redisContext *redis = redisConnectUnixWithTimeout(socket_path, (struct timeval){1, 0});
    if (redis && redis->err == 0) {
        redisSetTimeout(redis, (struct timeval){1, 0});
        redisReply *reply = redisCommand(redis, "PING");
        if (reply && reply->type == REDIS_REPLY_STATUS)
            answer = ANSWER_PONG;
        else if (reply && reply->type == REDIS_REPLY_ERROR)
            answer = strncmp(reply->str, "LOADING", 7) == 0 ? ANSWER_LOADING : ANSWER_OTHER;
        if (reply)
            freeReplyObject(reply);
    }
    if (redis)
        redisFree(redis);
    quiet_end(&quiet);
    return answer;
}

static int wait_until_up(struct embedded *embedded, const char *folder, struct error *error)
{
    const char *socket_path = strchr(embedded->url, ':') + 1;
    enum answer answer = ANSWER_NONE;
    int64_t end = wtime_now().ns + START_NS, pause = 2;
    while (wtime_now().ns < end) {
        if (waitpid(embedded->pid, NULL, WNOHANG) == embedded->pid) {
            embedded->pid = 0;
            return say_why(folder, "ended at once", error);
        }
        answer = ping(socket_path);
        if (answer == ANSWER_PONG)
            return 0;
        pause_ms(pause);
        pause = pause < 100 ? 2 * pause : 100;
    }
    return say_why(folder,
                   answer == ANSWER_LOADING ? "is still loading its data after 10 s"
                                            : "does not answer within 10 s",
                   error);
}

/* Two servers on one append-only file would ruin it. */
static int check_alone(const char *folder, const char *socket_path, struct error *error)
{
    if (ping(socket_path) == ANSWER_NONE)
        return 0;
    return error_set(error, ERROR_RUN,
                     "%s: a redis-server answers there already: is another weir running?", folder);
}

int embedded_start(struct embedded *embedded, const struct embedded_config *config,
                   struct error *error)
{
    const char *folder = config->folder;
    *embedded = (struct embedded){0};
    char *real = realpath(folder, NULL); /* the server changes into it */
    if (!real)
        return error_set(error, ERROR_RUN, "%s: %s", folder, strerror(errno));
    int size = snprintf(embedded->url, sizeof embedded->url, "unix:%s/redis.sock", real);
    int failed;
    if ((size_t)size - strlen("unix:") >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        failed = error_set(error, ERROR_RUN,
                           "%s: the path is too long for a socket in it (107 bytes in all)", real);
    else
        failed = check_alone(real, strchr(embedded->url, ':') + 1, error) != 0 ||
                 spawn_in(embedded, config, real, error) != 0 ||
                 wait_until_up(embedded, real, error) != 0;
    free(real);
    if (failed)
        embedded_stop(embedded);
    return failed ? -1 : 0;
}

void embedded_stop(struct embedded *embedded)
{
    int64_t end = wtime_now().ns + STOP_NS;
    if (embedded->pid <= 0)
        return;
    kill(embedded->pid, SIGTERM);
    while (waitpid(embedded->pid, NULL, WNOHANG) == 0) {
        if (wtime_now().ns > end) {
            kill(embedded->pid, SIGKILL);
            waitpid(embedded->pid, NULL, 0);
            break;
        }
        pause_ms(5);
    }
    embedded->pid = 0;
}
