/* Stage 3 of the drop: Landlock (landlock(7)), through its system calls, since libc has none.
 *
 * A ruleset names the rights it handles: all of those are denied but where a rule allows them. We
 * handle all that the running kernel knows (its ABI number says which) and that we know, so that a
 * newer kernel closes more and an older one closes what it can. The numbers are the kernel's; the
 * headers we build with may be older than the kernel we run on, so what they lack stands here.
 * Thread: the role's only one. */
#include "weir/capture/sandbox.h"

#include "weir/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights on files by the ABI that brought them; each adds the next bits. */
#define RIGHTS_ABI_1 ((UINT64_C(1) << 13) - 1)
#define RIGHTS_ABI_2 (UINT64_C(1) << 13) /* refer: rename and link between folders */
#define RIGHTS_ABI_3 (UINT64_C(1) << 14) /* truncate */
#define RIGHTS_ABI_5 (UINT64_C(1) << 15) /* ioctl on devices */
#define TCP_ABI_4    UINT64_C(3)         /* bind, connect */
#define TCP_CONNECT  UINT64_C(2)
#define RULE_PORT    2           /* LANDLOCK_RULE_NET_PORT */
#define SCOPES_ABI_6 UINT64_C(3) /* abstract unix sockets, signals */

#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_WRITE                                                                               \
    (RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | RIGHTS_ABI_2 | RIGHTS_ABI_3)
/* Those that mean something on a file; the kernel refuses the others there. */
#define RIGHTS_OF_FILE                                                                             \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |   \
     RIGHTS_ABI_3 | RIGHTS_ABI_5)

/* The kernel's landlock_ruleset_attr as of ABI 6; an older one takes it as long as what it does not
 * know is zero. */
struct ruleset {
    uint64_t files, tcp, scopes;
};

struct port_rule { /* landlock_net_port_attr */
    uint64_t allowed, port;
};

static struct ruleset all_of(long abi, enum sandbox_network network)
{
    struct ruleset handled = {.files = RIGHTS_ABI_1};
    if (abi >= 2)
        handled.files |= RIGHTS_ABI_2;
    if (abi >= 3)
        handled.files |= RIGHTS_ABI_3;
    if (abi >= 4 && network == SANDBOX_NO_NETWORK)
        handled.tcp = TCP_ABI_4;
    if (abi >= 5)
        handled.files |= RIGHTS_ABI_5;
    if (abi >= 6)
        handled.scopes = SCOPES_ABI_6;
    return handled;
}

static int allow(int rules, const struct sandbox_path *path, uint64_t handled, struct error *error)
{
    struct stat st;
    int fd = open(path->path, O_PATH | O_CLOEXEC);
    bool failed = fd < 0 || fstat(fd, &st) != 0;
    if (!failed) {
        uint64_t rights = handled & (path->write ? RIGHTS_WRITE : RIGHTS_READ);
        struct landlock_path_beneath_attr beneath = {
            .allowed_access = S_ISDIR(st.st_mode) ? rights : rights & RIGHTS_OF_FILE,
            .parent_fd = fd,
        };
        failed =
            syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0;
    }
    if (failed)
        error_set(error, ERROR_RUN, "sandbox: %s: %s", path->path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return failed ? -1 : 0;
}

static int confine_to(int rules, const struct sandbox_path *paths, size_t count, uint64_t handled,
                      const uint16_t *ports, size_t port_count, struct error *error)
{
    for (size_t i = 0; i < port_count; i++) {
        struct port_rule rule = {TCP_CONNECT, ports[i]};
        if (syscall(SYS_landlock_add_rule, rules, RULE_PORT, &rule, 0) != 0)
            return error_set(error, ERROR_RUN, "sandbox: cannot confine to a port: %s",
                             strerror(errno));
    }
    for (size_t i = 0; i < count; i++)
        if (allow(rules, &paths[i], handled, error) != 0)
            return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        return error_set(error, ERROR_RUN, "sandbox: cannot confine to files: %s", strerror(errno));
    return 0;
}

static int confine(const struct sandbox_path *paths, size_t count, enum sandbox_network network,
                   const uint16_t *ports, size_t port_count, struct error *error)
{
#ifdef WEIR_COVERAGE
    return 0;
#endif
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) {
        log_warn("the kernel has no Landlock (%s): files are left to the user's rights and to "
                 "seccomp",
                 strerror(errno));
        return 0;
    }
    struct ruleset handled = all_of(abi, network);
    int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    if (rules < 0)
        return error_set(error, ERROR_RUN, "sandbox: Landlock: %s", strerror(errno));
    if (port_count > 0 && !handled.tcp)
        log_warn("the kernel cannot hold TCP connections to one port (Linux 6.7 can): of new "
                 "connections only their kind is confined");
    int result =
        confine_to(rules, paths, count, handled.files, ports, handled.tcp ? port_count : 0, error);
    close(rules);
    return result;
}

int sandbox_confine(const struct sandbox_path *paths, size_t count, enum sandbox_network network,
                    struct error *error)
{
    return confine(paths, count, network, NULL, 0, error);
}

int sandbox_confine_to_ports(const struct sandbox_path *paths, size_t count, const uint16_t *ports,
                             size_t port_count, struct error *error)
{
    return confine(paths, count, SANDBOX_NO_NETWORK, ports, port_count, error);
}
