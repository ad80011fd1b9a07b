/* The walls of the engine: steps 2, 3, 5 and 6 of engine_role.c. The store is connected to again
 * from behind them, so one kind of socket is left, the one that its URL names, and of ports the
 * store's. The console accepts, on a socket that listens since before. Thread: the engine's, before
 * its loop runs. */
#include "engine_role.h"

#include "threads.h"

#include "weir/capture/sandbox.h"
#include "weir/role/state.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* In `calls`, until the store's place is known; no call has such arguments. */
#define STORE_FAMILY   (UINT64_MAX - 1)
#define STORE_PROTOCOL (UINT64_MAX - 2)

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
    /* the control socket, the store's connection, the control API's clients */
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
    {.name = "dup"}, /* a further ring's eventfds */
    /* the store again, after it was lost: one family, one protocol; its port by Landlock */
    {.name = "socket",
     .args = 3,
     .arg = {{0, STORE_FAMILY}, {1, SOCK_STREAM}, {2, STORE_PROTOCOL}}},
    {.name = "connect"},
    /* journal, checkpoint, flows: what Landlock leaves of the file system */
    {.name = "openat"},
    {.name = "newfstatat"},
    {.name = "fstat"},
    {.name = "lseek"},
    {.name = "pread64"},
    {.name = "pwrite64"},
    {.name = "fsync"},
    {.name = "fdatasync"},
    {.name = "ftruncate"},
    {.name = "fallocate"}, /* the journal sets room aside, and looks how much is left */
    {.name = "fstatfs"},
    {.name = "fchown"},     /* … and, as root in another's folder, gives it what it makes */
    {.name = "getdents64"}, /* readers look for its segments */
    {.name = "flock"},
    {.name = "rename"},
    {.name = "unlink"},
    /* memory, time */
    {.name = "mmap"},
    {.name = "munmap"},
    {.name = "mremap"},
    {.name = "mprotect"},
    {.name = "madvise"},
    {.name = "brk"},
    {.name = "futex"},
    {.name = "clock_gettime"},
    {.name = "getrandom"},
    {.name = "sysinfo"}, /* glibc's qsort: how much memory is there? */
    {.name = "getpid"},
    {.name = "gettid"},
    /* the store's connection is written to without SIGPIPE */
    {.name = "rt_sigpending"},
    {.name = "rt_sigtimedwait"},
    {.name = "rt_sigprocmask"},
    {.name = "rt_sigaction"},
    {.name = "rt_sigreturn"},
    {.name = "restart_syscall"},
    {.name = "tgkill", .args = 1, .arg = {{0, SANDBOX_SELF}}}, /* roles are of one user */
    {.name = "exit"},
    {.name = "exit_group"},
};

/* More of it, when the console has users: a password is held against its hash in a thread. */
static const struct sandbox_call thread_calls[] = {
    {.name = "clone3", .refuse = true},
    {.name = "clone", .args = 1, .arg = {{0, THREAD_FLAGS}}},
    {.name = "set_robust_list"},
    {.name = "rseq"},
    {.name = "sched_getaffinity"},
    {.name = "clock_nanosleep"}, /* the end of the process waits for it */
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

int engine_walls_drop(struct engine_role *role)
{
    struct sandbox_user user = {role->orders.drop, role->orders.uid, role->orders.gid};
    if (sandbox_drop_user(&user, &role->error) != 0)
        return -1;
    prctl(PR_SET_PDEATHSIG, 0); /* its supervisor's death leaves it time for a checkpoint */
    return sandbox_drop_capabilities(&role->error);
}

static int seal(struct engine_role *role)
{
    struct sandbox_call own[COUNT(calls) + COUNT(thread_calls)];
    const struct store_place *place = &role->place;
    size_t count = COUNT(calls);
    memcpy(own, calls, sizeof calls);
    if (role->console && *role->console_settings.users_file) {
        memcpy(own + count, thread_calls, sizeof thread_calls);
        count += COUNT(thread_calls);
    }
    for (size_t i = 0; i < count; i++)
        for (unsigned a = 0; a < own[i].args; a++) {
            uint64_t *value = &own[i].arg[a].value;
            if (*value == STORE_FAMILY && place->family)
                *value = (uint64_t)place->family;
            else if (*value == STORE_PROTOCOL)
                *value = place->unix_socket ? 0 : IPPROTO_TCP;
        }
    return sandbox_seal(own, count, &role->error);
}

int engine_walls_raise(struct engine_role *role)
{
    struct sandbox_path path[2];
    size_t count = 0;
    path[count++] = (struct sandbox_path){config_state_dir(&role->config), true};
    if (*role->orders.folder)
        path[count++] = (struct sandbox_path){role->orders.folder, true};
    int failed = role->place.ports > 0
                     ? sandbox_confine_to_ports(path, count, role->place.port, role->place.ports,
                                                &role->error)
                     : sandbox_confine(path, count, SANDBOX_NO_NETWORK, &role->error);
    return failed ? -1 : seal(role);
}
