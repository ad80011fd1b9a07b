/* Stages 1 and 2 of the drop: who we are, and what that is worth (capabilities(7), credentials(7)).
 *
 * The bounding set goes first, since only root can shrink it: after the change of user nobody
 * could. The user goes before the capabilities for the same reason. Each stage then looks at what
 * the kernel says has become of it, because a call that succeeds and does something else (a user
 * namespace, a security module) would be noticed by nobody.
 * Thread: the role's only one. */
#include "sandbox_sanitizer.h"

#include "weir/capture/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Words of 32 capabilities in version 3 of capget(2). */
#define CAPABILITY_WORDS 2

static int failed(struct error *error, const char *what)
{
    return error_set(error, ERROR_RUN, "sandbox: %s: %s", what, strerror(errno));
}

int sandbox_find_user(const char *name, struct sandbox_user *user, struct error *error)
{
    *user = (struct sandbox_user){0};
    if (!*name)
        return 0;
    const struct passwd *entry = getpwnam(name);
    if (!entry)
        return error_set(error, ERROR_USAGE,
                         "user \"%s\" does not exist: make it (useradd --system --no-create-home "
                         "%s) or name another",
                         name, name);
    if (entry->pw_uid == 0)
        return error_set(error, ERROR_USAGE, "user \"%s\" is root, expected an ordinary one", name);
    *user = (struct sandbox_user){true, entry->pw_uid, entry->pw_gid};
    return 0;
}

/* --- 1: the user ----------------------------------------------------------------------------- */

/* Who may not shrink it keeps it: it bounds what execve could give, and stage 2 makes that nothing.
 */
static int drop_bounding(struct error *error)
{
    for (unsigned long one = 0;; one++) {
        int has = prctl(PR_CAPBSET_READ, one, 0, 0, 0);
        if (has < 0)
            return 0; /* past the kernel's last */
        if (has && prctl(PR_CAPBSET_DROP, one, 0, 0, 0) != 0)
            return errno == EPERM ? 0 : failed(error, "cannot drop the bounding capabilities");
    }
}

static bool is_user(const struct sandbox_user *user)
{
    uid_t uid[3];
    gid_t gid[3];
    if (getresuid(&uid[0], &uid[1], &uid[2]) != 0 || getresgid(&gid[0], &gid[1], &gid[2]) != 0)
        return false;
    for (int i = 0; i < 3; i++)
        if (uid[i] != user->uid || gid[i] != user->gid)
            return false;
    return true;
}

static int become(const struct sandbox_user *user, struct error *error)
{
    if (drop_bounding(error) != 0)
        return -1;
    if (setgroups(0, NULL) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
        setresuid(user->uid, user->uid, user->uid) == 0)
        return getgroups(0, NULL) == 0
                   ? 0
                   : error_set(error, ERROR_RUN, "sandbox: groups are left after the change");
    return error_set(error, ERROR_RUN, "sandbox: cannot become user %u, group %u: %s%s", user->uid,
                     user->gid, strerror(errno),
                     errno == EPERM ? " (only root can: start as root, or name no user)" : "");
}

int sandbox_drop_user(const struct sandbox_user *user, struct error *error)
{
#ifdef WEIR_SANITIZED
    sandbox_prepare_reports();
#endif
#ifdef WEIR_COVERAGE
    return 0;
#endif
    if (!user->change)
        return 0;
    if (!is_user(user) && become(user, error) != 0)
        return -1;
    if (!is_user(user))
        return error_set(error, ERROR_RUN, "sandbox: still not user %u, group %u", user->uid,
                         user->gid);
    const uid_t same = (uid_t)-1;
    if (setresuid(same, 0, same) == 0 ||
        (user->gid != 0 && setresgid((gid_t)-1, 0, (gid_t)-1) == 0))
        return error_set(error, ERROR_RUN, "sandbox: user %u can become root again", user->uid);
    return 0;
}

/* --- 2: capabilities ------------------------------------------------------------------------- */

/* /proc/self/task has two links and one for each thread. */
static int check_alone(struct error *error)
{
#ifdef __SANITIZE_THREAD__
    (void)error; /* it has a thread of its own */
#else
    struct stat st;
    if (stat("/proc/self/task", &st) == 0 && st.st_nlink > 3)
        return error_set(error, ERROR_RUN, "sandbox: %lu threads, expected the drop before any",
                         (unsigned long)st.st_nlink - 2);
#endif
    return 0;
}

static int empty_sets(struct error *error)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct set[CAPABILITY_WORDS] = {{0}};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
        syscall(SYS_capset, &header, set) != 0)
        return failed(error, "cannot drop the capabilities");
    memset(set, 0xff, sizeof set);
    if (syscall(SYS_capget, &header, set) != 0)
        return failed(error, "cannot read the capabilities");
    for (int i = 0; i < CAPABILITY_WORDS; i++)
        if (set[i].effective || set[i].permitted || set[i].inheritable)
            return error_set(error, ERROR_RUN, "sandbox: capabilities are left after the drop");
    return 0;
}

int sandbox_drop_capabilities(struct error *error)
{
    static const struct rlimit none;
    if (check_alone(error) != 0 || drop_bounding(error) != 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return failed(error, "cannot set no_new_privs");
    if (empty_sets(error) != 0)
        return -1;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
        return failed(error, "cannot forbid core files");
    return 0;
}
