/* The walls of the courier.
 *
 * It parses nothing of the network it watches, but what it tells quotes strangers, and the
 * libraries it may use (TLS, HTTP, Kafka) are large and speak to whoever answers. So it has no
 * other program, no other process, no packet socket, and of files only the state directory, the
 * sinks' folders and, when a sink speaks over a network, what names and certificates are looked up
 * in. Without such a sink there is no socket at all, and no thread.
 *
 * With one, sockets are of the families IPv4, IPv6 and unix: which addresses and ports, the sinks'
 * names decide each time they are looked up, so they are not held. It cannot listen, but for the
 * subscribers of a unix sink, in that one's folder. Threads may be made (libraries look names up in
 * them); processes may not: clone3 is refused, so that libc falls back to clone, whose flags can be
 * looked at.
 *
 * Landlock holds to what a path led to when the walls were raised. A folder or a certificate that
 * is replaced, or comes later, is out of reach until the next courier: courier_walls_outdated says
 * so.
 *
 * Bounds: the tables below. Thread: the courier's main thread. */
#include "courier_walls.h"

#include "threads.h"

#include "weir/base/buffer.h"
#include "weir/capture/sandbox.h"
#include "weir/config/config.h"

#include <libgen.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* What this role may ask of the kernel once it is sealed, and why. */
static const struct sandbox_call calls[] = {
    /* the loop and its descriptors */
    {.name = "epoll_wait"},
    {.name = "epoll_pwait"},
    {.name = "epoll_pwait2"},
    {.name = "epoll_ctl"},
    {.name = "timerfd_settime"},
    {.name = "poll"},
    {.name = "ppoll"},
    {.name = "read"},
    {.name = "write"},
    {.name = "readv"},
    {.name = "writev"},
    {.name = "close"},
    {.name = "fcntl"},
    {.name = "ioctl", .args = 1, .arg = {{1, FIONREAD}}}, /* libevent: how much is there? */
    {.name = "ioctl", .args = 1, .arg = {{1, FIONBIO}}},
    /* the control socket; subscribers of a socket that listens since before */
    {.name = "recvmsg"},
    {.name = "sendmsg"},
    {.name = "recvfrom"},
    {.name = "sendto"},
    {.name = "accept4"},
    {.name = "shutdown"},
    {.name = "getsockopt"},
    {.name = "setsockopt"},
    {.name = "getsockname"},
    {.name = "getpeername"},
    /* journal, places, dead letters, files that grow and are turned over: within Landlock's walls
     */
    {.name = "openat"},
    {.name = "newfstatat"},
    {.name = "fstat"},
    {.name = "statx"},
    {.name = "access"},
    {.name = "faccessat"},
    {.name = "faccessat2"},
    {.name = "readlink"},
    {.name = "readlinkat"},
    {.name = "getdents64"},
    {.name = "getcwd"},
    {.name = "lseek"},
    {.name = "pread64"},
    {.name = "pwrite64"},
    {.name = "pwritev"},
    {.name = "fsync"},
    {.name = "fdatasync"},
    {.name = "ftruncate"},
    {.name = "fallocate"},
    {.name = "fadvise64"},
    {.name = "flock"},
    {.name = "rename"},
    {.name = "renameat"},
    {.name = "renameat2"},
    {.name = "unlink"},
    {.name = "unlinkat"},
    {.name = "mkdir"},
    {.name = "mkdirat"},
    {.name = "chmod"},
    {.name = "fchmod"},
    {.name = "fchmodat"},
    {.name = "umask"},
    {.name = "dup"},
    {.name = "dup3"},
    {.name = "statfs"},
    {.name = "fstatfs"}, /* how full is the disk? */
    /* memory, time */
    {.name = "mmap"},
    {.name = "munmap"},
    {.name = "mremap"},
    {.name = "mprotect"},
    {.name = "madvise"},
    {.name = "brk"},
    {.name = "futex"},
    {.name = "clock_gettime"},
    {.name = "clock_getres"},
    {.name = "clock_nanosleep"},
    {.name = "nanosleep"},
    {.name = "gettimeofday"},
    {.name = "getrandom"},
    {.name = "sysinfo"}, /* glibc's qsort: how much memory is there? */
    {.name = "getpid"},
    {.name = "gettid"},
    {.name = "getuid"},
    {.name = "geteuid"},
    {.name = "getgid"},
    {.name = "getegid"},
    {.name = "uname"},
    /* the stdout sink writes without SIGPIPE */
    {.name = "rt_sigpending"},
    {.name = "rt_sigtimedwait"},
    {.name = "rt_sigprocmask"},
    {.name = "rt_sigaction"},
    {.name = "rt_sigreturn"},
    {.name = "sigaltstack"},
    {.name = "restart_syscall"},
    {.name = "tgkill", .args = 1, .arg = {{0, SANDBOX_SELF}}}, /* roles are of one user */
    {.name = "exit"},
    {.name = "exit_group"},
};

/* More of it, when a sink speaks over a network. */
static const struct sandbox_call network_calls[] = {
    {.name = "socket", .args = 1, .arg = {{0, AF_INET}}},
    {.name = "socket", .args = 1, .arg = {{0, AF_INET6}}},
    {.name = "socket", .args = 1, .arg = {{0, AF_UNIX}}},
    /* getaddrinfo asks which families the machine has, and takes both when it is not told */
    {.name = "socket", .refuse = true, .args = 1, .arg = {{0, AF_NETLINK}}},
    {.name = "connect"},
    {.name = "ioctl", .args = 1, .arg = {{1, SIOCOUTQ}}}, /* what is not acknowledged yet */
    {.name = "sendmmsg"}, /* glibc's resolver: both families at once */
    {.name = "recvmmsg"},
    /* libraries wake and watch within themselves */
    {.name = "socketpair", .args = 1, .arg = {{0, AF_UNIX}}},
    {.name = "pipe"},
    {.name = "pipe2"},
    {.name = "eventfd2"},
    {.name = "epoll_create1"},
    {.name = "timerfd_create"},
    {.name = "select"},
    {.name = "pselect6"},
    {.name = "getrusage"},
    {.name = "getresuid"},
    {.name = "getresgid"},
    /* threads, no processes */
    {.name = "clone3", .refuse = true},
    {.name = "clone", .args = 1, .arg = {{0, THREAD_FLAGS}}},
    {.name = "set_robust_list"},
    {.name = "rseq"},
    {.name = "sched_yield"},
    {.name = "sched_getaffinity"},
    {.name = "sched_getparam"},
    {.name = "sched_getscheduler"},
    {.name = "prctl", .args = 1, .arg = {{0, PR_SET_NAME}}},
};

/* … and what of it a library may try that it does not need … */
static const struct sandbox_call refused_calls[] = {
    {.name = "bind", .refuse = true},
    {.name = "listen", .refuse = true},
};

/* … unless a sink has subscribers of its own on a unix socket: where, Landlock says. */
static const struct sandbox_call listening_calls[] = {
    {.name = "socket", .args = 1, .arg = {{0, AF_UNIX}}},
    {.name = "bind"},
    {.name = "listen"},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* --- the network ------------------------------------------------------------------------------ */

bool courier_needs_network(const char *type)
{
    static const char *const row[] = {"kafka", "mail", "redis", "syslog", "webhook"};
    for (size_t i = 0; i < COUNT(row); i++)
        if (strcmp(type, row[i]) == 0)
            return true;
    return false;
}

bool courier_listens(const char *type)
{
    return strcmp(type, "unix") == 0;
}

static bool any(const struct courier_reach *reach, bool (*is)(const char *type))
{
    for (size_t i = 0; i < reach->count; i++)
        if (is(reach->sinks[i].type))
            return true;
    return false;
}

/* --- files ------------------------------------------------------------------------------------ */

/* Names, certificates, and what glibc loads to look names up. */
static const char *const looked_up[] = {
    "/etc", "/usr/lib", "/usr/share", "/run/systemd/resolve", "/dev/urandom", "/dev/null"};

#define PATHS (2 + COURIER_PLACES + COUNT(looked_up))

struct paths {
    struct sandbox_path path[PATHS];
    size_t count;
};

/* One that is not there cannot be named to the kernel. */
static void add(struct paths *paths, const char *path, bool write)
{
    if (access(path, F_OK) == 0)
        paths->path[paths->count++] = (struct sandbox_path){path, write};
}

static struct stat now_at(const char *path)
{
    struct stat st;
    memset(&st, 0, sizeof st);
    if (stat(path, &st) != 0)
        memset(&st, 0, sizeof st);
    return st;
}

/* Takes `path`. */
static const char *note_place(struct courier_walls *walls, char *path)
{
    struct stat st = now_at(path);
    walls->place[walls->count++] = (struct courier_place){path, st.st_dev, st.st_ino};
    return path;
}

static void add_place(struct courier_walls *walls, struct paths *paths, char *path, bool write)
{
    if (walls->count == COURIER_PLACES) {
        free(path); /* out of reach: the sink will say so */
        return;
    }
    add(paths, note_place(walls, path), write);
}

/* Certificates, keys, secrets, as a value or as "option=value": a connection that is made again
 * reads them again. */
static void add_files(struct courier_walls *walls, struct paths *paths,
                      const struct sink_setting *setting)
{
    for (const char *const *value = setting->value; *value; value++) {
        const char *option = strchr(*value, '='), *path = option ? option + 1 : *value;
        if (*path == '/')
            add_place(walls, paths, xstrdup(path), false);
    }
}

/* Where a sink writes is its `path`'s folder: files are turned over, removed and made again there,
 * sockets are bound. Another's `path` is a socket to connect to, which Landlock does not hold. */
static void add_sink(struct courier_walls *walls, struct paths *paths,
                     const struct sink_settings *sink)
{
    bool writes = strcmp(sink->type, "file") == 0 || courier_listens(sink->type);
    for (size_t i = 0; i < sink->count; i++) {
        const struct sink_setting *setting = &sink->setting[i];
        bool is_path = strcmp(setting->key->name, "path") == 0;
        if (!is_path)
            add_files(walls, paths, setting);
        if (!is_path || !writes)
            continue;
        char *text = xstrdup(setting->value[0]);
        add_place(walls, paths, xstrdup(dirname(text)), true);
        free(text);
    }
}

/* /etc/resolv.conf is often a link to what writes it, below /run. */
static void add_resolver(struct courier_walls *walls, struct paths *paths)
{
    char *path = realpath("/etc/resolv.conf", NULL);
    if (path)
        add_place(walls, paths, xstrdup(dirname(path)), false);
    free(path);
}

static int confine(struct courier_walls *walls, const struct courier_reach *reach, bool network,
                   struct error *error)
{
    static struct paths paths; /* large */
    paths.count = 0;
    add(&paths, reach->state, true);
    if (*reach->folder)
        add(&paths, reach->folder, true);
    for (size_t i = 0; i < reach->count; i++)
        add_sink(walls, &paths, &reach->sinks[i]);
    for (size_t i = 0; network && i < COUNT(looked_up); i++)
        add(&paths, looked_up[i], false);
    if (network)
        add_resolver(walls, &paths);
    return sandbox_confine(paths.path, paths.count, network ? SANDBOX_NETWORK : SANDBOX_NO_NETWORK,
                           error);
}

const char *courier_walls_outdated(const struct courier_walls *walls)
{
    for (size_t i = 0; i < walls->count; i++) {
        const struct courier_place *place = &walls->place[i];
        struct stat st = now_at(place->path);
        if (st.st_ino != 0 && (st.st_ino != place->inode || st.st_dev != place->device))
            return place->path;
    }
    return NULL;
}

void courier_walls_fini(struct courier_walls *walls)
{
    while (walls->count > 0)
        free(walls->place[--walls->count].path);
}

/* --- calls ------------------------------------------------------------------------------------ */

struct call_list {
    struct sandbox_call
        call[COUNT(calls) + COUNT(network_calls) + COUNT(refused_calls) + COUNT(listening_calls)];
    size_t count;
};

static void list(struct call_list *all, const struct sandbox_call *table, size_t count)
{
    memcpy(all->call + all->count, table, count * sizeof *table);
    all->count += count;
}

int courier_walls_raise(struct courier_walls *walls, const struct courier_reach *reach,
                        struct error *error)
{
    static struct call_list all; /* large */
    bool network = any(reach, courier_needs_network), listens = any(reach, courier_listens);
    all.count = 0;
    list(&all, calls, COUNT(calls));
    if (network)
        list(&all, network_calls, COUNT(network_calls));
    if (listens)
        list(&all, listening_calls, COUNT(listening_calls));
    else if (network)
        list(&all, refused_calls, COUNT(refused_calls));
    if (confine(walls, reach, network, error) != 0)
        return -1;
    return sandbox_seal(all.call, all.count, error);
}
