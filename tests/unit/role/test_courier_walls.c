/* The courier's walls, each case in a child of its own: what is behind them depends on which sinks
 * there are. */
#include "../../../sensor/role/courier_walls.h"
#include "../child.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char home[64], sinks[80], file[96];
static const char *const file_at[] = {file, NULL};

static int setup(void **state)
{
    (void)state;
    strcpy(home, "/tmp/weir-walls-XXXXXX");
    assert_non_null(mkdtemp(home));
    snprintf(sinks, sizeof sinks, "%s/sinks", home);
    snprintf(file, sizeof file, "%s/alerts", sinks);
    assert_int_equal(mkdir(sinks, 0755), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(file);
    rmdir(sinks);
    return rmdir(home);
}

/* A file sink, and one more of another type. */
static void raise_with(struct courier_walls *walls, const char *type)
{
    static const struct sink_key url = {.name = "url"}, path = {.name = "path"};
    static const char *const place[] = {"redis://localhost", NULL};
    struct sink_settings sink[2];
    struct error error = {0};
    sink_settings_file(&sink[0], "a", file_at);
    sink[1] = (struct sink_settings){.type = type, .name = "b"};
    bool unix_socket = strcmp(type, "unix") == 0;
    sink_settings_add(&sink[1], unix_socket ? &path : &url, unix_socket ? file_at : place);
    struct courier_reach reach = {.state = "/var/empty", .folder = "", .sinks = sink, .count = 2};
    if (courier_walls_raise(walls, &reach, &error) != 0) {
        fprintf(stderr, "%s\n", error.message);
        _exit(4);
    }
}

static bool landlock; /* asked before the walls, which forbid the question */

/* --- files ------------------------------------------------------------------------------------ */

static void writes_where_sinks_do(const void *type)
{
    static struct courier_walls walls;
    char beside[128];
    raise_with(&walls, type);
    int fd = open(file, O_RDWR | O_CREAT | O_APPEND, 0640);
    EXPECT(fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0);
    snprintf(beside, sizeof beside, "%s.1", file);
    EXPECT(rename(file, beside) == 0 && rename(beside, file) == 0);
    if (!landlock)
        return;
    snprintf(beside, sizeof beside, "%s/other", home);
    EXPECT(open(beside, O_RDWR | O_CREAT, 0640) < 0 && errno == EACCES);
    EXPECT(open("/proc/self/environ", O_RDONLY) < 0 && errno == EACCES);
    bool network = courier_needs_network(type);
    EXPECT((open("/etc/hosts", O_RDONLY) >= 0) == network);
    EXPECT(open("/etc/hosts", O_WRONLY) < 0 && errno == EACCES);
}

static void test_files(void **state)
{
    static const char *const types[] = {"stdout", "redis", "unix"};
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++)
        assert_int_equal(child(writes_where_sinks_do, types[i]), 0);
}

/* --- the network ------------------------------------------------------------------------------ */

static void *nothing(void *argument)
{
    return argument;
}

static void speaks(const void *type)
{
    static struct courier_walls walls;
    struct sockaddr_in here = {.sin_family = AF_INET};
    struct addrinfo *found = NULL;
    pthread_t thread;
    int unacknowledged;
    raise_with(&walls, type);
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(tcp >= 0 && socket(AF_INET6, SOCK_DGRAM, 0) >= 0 &&
           socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
    EXPECT(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0 && errno == ENOSYS);
    EXPECT(bind(tcp, (struct sockaddr *)&here, sizeof here) < 0 && errno == ENOSYS);
    EXPECT(listen(tcp, 1) < 0 && errno == ENOSYS);
    EXPECT(connect(tcp, (struct sockaddr *)&here, sizeof here) == 0 || errno == ECONNREFUSED);
    EXPECT(ioctl(tcp, SIOCOUTQ, &unacknowledged) == 0);
    EXPECT(getaddrinfo("localhost", "80", NULL, &found) == 0 && found);
    freeaddrinfo(found);
    EXPECT(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
}

static void test_network(void **state)
{
    static const char *const types[] = {"kafka", "mail", "redis", "syslog", "webhook"};
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        assert_true(courier_needs_network(types[i]));
        assert_false(courier_listens(types[i]));
        assert_int_equal(child(speaks, types[i]), 0);
    }
    assert_false(courier_needs_network("file"));
    assert_false(courier_needs_network("stdout"));
    assert_false(courier_needs_network("unix"));
    assert_false(courier_needs_network("pigeon"));
}

/* Subscribers on a unix socket, in that sink's folder; nothing else. */
static void listens(const void *type)
{
    static struct courier_walls walls;
    struct sockaddr_un there = {.sun_family = AF_UNIX};
    snprintf(there.sun_path, sizeof there.sun_path, "%s", file);
    raise_with(&walls, type);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT(fd >= 0 && bind(fd, (struct sockaddr *)&there, sizeof there) == 0 && listen(fd, 8) == 0);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(there.sun_path, sizeof there.sun_path, "%s/other", home);
    if (landlock)
        EXPECT(bind(fd, (struct sockaddr *)&there, sizeof there) < 0 && errno == EACCES);
    EXPECT(write(STDERR_FILENO, "listens", 7) == 7);
    socket(AF_INET, SOCK_STREAM, 0); /* ends it */
}

static void test_listens(void **state)
{
    (void)state;
    char said[512];
    int status = child_said(listens, "unix", said, sizeof said);
    if (!ended_by(status, SIGSYS) || strcmp(said, "listens") != 0)
        fail_msg("status 0x%x, expected SIGSYS at the last call: %s", (unsigned)status, said);
}

/* --- what never is ---------------------------------------------------------------------------- */

struct call {
    const char *name, *sink;
    long number, argument[3];
};

static void try_call(const void *argument)
{
    static struct courier_walls walls;
    const struct call *call = argument;
    raise_with(&walls, call->sink);
    syscall(call->number, call->argument[0], call->argument[1], call->argument[2], 0, 0, 0);
}

static const struct call forbidden[] = {
    {"a socket without a sink for it", "stdout", SYS_socket, {AF_INET, SOCK_STREAM, 0}},
    {"a unix socket without one", "stdout", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
    {"connect without one", "stdout", SYS_connect, {0}},
    {"a thread without one", "stdout", SYS_clone3, {0}},
    {"listening without one", "stdout", SYS_listen, {0, 1, 0}},
    {"a packet socket", "redis", SYS_socket, {AF_PACKET, SOCK_RAW, 0}},
    {"a packet socket", "stdout", SYS_socket, {AF_PACKET, SOCK_RAW, 0}},
    {"a virtual machine's socket", "redis", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}},
#ifdef SYS_fork
    {"fork", "redis", SYS_fork, {0}},
    {"vfork", "redis", SYS_vfork, {0}},
#endif
    {"a process by clone", "redis", SYS_clone, {SIGCHLD, 0, 0}},
    {"execve", "redis", SYS_execve, {0}},
    {"execveat", "redis", SYS_execveat, {0}},
    {"ptrace", "redis", SYS_ptrace, {PTRACE_TRACEME, 0, 0}},
    {"process_vm_readv", "redis", SYS_process_vm_readv, {0}},
    {"kill", "redis", SYS_kill, {0, 0, 0}},
    {"a signal to another process", "redis", SYS_tgkill, {1, 1, 0}},
    {"io_uring_setup", "redis", SYS_io_uring_setup, {0}},
    {"bpf", "redis", SYS_bpf, {0}},
    {"setuid", "redis", SYS_setuid, {0}},
    {"mount", "redis", SYS_mount, {0}},
};

static void test_never(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forbidden); i++) {
        int status = child(try_call, &forbidden[i]);
        if (!ended_by(status, SIGSYS))
            fail_msg("%s, %s: status 0x%x, expected SIGSYS", forbidden[i].name, forbidden[i].sink,
                     (unsigned)status);
    }
}

/* --- what a path led to ----------------------------------------------------------------------- */

/* Another folder by the same name is out of reach, and it is seen. */
static void outdated(const void *type)
{
    static struct courier_walls walls;
    char keep[96];
    int ready[2], go[2];
    char byte = 0;
    EXPECT(pipe(ready) == 0 && pipe(go) == 0);
    pid_t other = fork(); /* outside of the walls */
    if (other == 0) {
        snprintf(keep, sizeof keep, "%s/kept", home); /* so that the inode is another one */
        bool moved = read(ready[0], &byte, 1) == 1 && rename(sinks, keep) == 0 &&
                     write(go[1], "x", 1) == 1 && read(ready[0], &byte, 1) == 1 &&
                     mkdir(sinks, 0777) == 0;
        rmdir(keep);
        _exit(moved && write(go[1], "x", 1) == 1 ? 0 : 1);
    }
    raise_with(&walls, type);
    EXPECT(!courier_walls_outdated(&walls));
    EXPECT(write(ready[1], "x", 1) == 1 && read(go[0], &byte, 1) == 1);
    EXPECT(!courier_walls_outdated(&walls)); /* gone: another courier would be no better off */
    EXPECT(write(ready[1], "x", 1) == 1 && read(go[0], &byte, 1) == 1);
    const char *path = courier_walls_outdated(&walls);
    EXPECT(path && strcmp(path, sinks) == 0);
    courier_walls_fini(&walls);
}

static void test_outdated(void **state)
{
    (void)state;
    assert_int_equal(child(outdated, "stdout"), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    child_skip_coverage();
    landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
    const struct CMUnitTest tests[] = {T(test_files), T(test_network), T(test_listens),
                                       T(test_never), T(test_outdated)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
