/* What a role gives up before it looks at anything from outside. Numbered stages, called one by one
 * at the top of each role, so that the drop can be read there:
 *
 *     1 sandbox_drop_user          an ordinary user, for good
 *     2 sandbox_drop_capabilities  nothing the kernel grants beyond one, now or through execve
 *     3 sandbox_confine            the named paths, no others; no TCP, unless said
 *     4 sandbox_seal               the listed system calls; any other ends the process (SIGSYS)
 *
 * Stages 1 to 3 are called while the process has one thread: 2 and 3 hold for the calling thread
 * and those it starts, so 2 refuses when there are more. Stage 4 holds for all threads there are.
 * None can be taken back. Errors are ERROR_RUN unless said; after one the role must not go on.
 *
 * The stages themselves need open files and system calls: what a role needs of those (start-up
 * files, /etc/localtime, descriptors) it opens before 3. A change of user clears PR_SET_PDEATHSIG:
 * set it after 1.
 *
 * A coverage build writes what it counted into files of whoever built it, at exit: there 1, 3 and 4
 * do nothing. */
#ifndef WEIR_CAPTURE_SANDBOX_H
#define WEIR_CAPTURE_SANDBOX_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sandbox_user {
    bool change; /* false: stay who we are */
    unsigned uid, gid;
};

/* Beneath this, or this file: read; or read, write, create, rename and remove (also folders and
 * unix sockets; never devices, links or fifos; never execute). */
struct sandbox_path {
    const char *path;
    bool write;
};

enum sandbox_network {
    SANDBOX_NO_NETWORK, /* no TCP bind or connect (Linux 6.7); seccomp is to leave out socket(2) */
    SANDBOX_NETWORK,
};

#define SANDBOX_SELF UINT64_MAX /* as an argument's value: this process's number */
#define SANDBOX_ARGS 3

/* A system call by its name, and which arguments must be equal for it to be allowed. Arguments are
 * compared as 64 bits. The same name may be listed several times: any row that fits allows. */
struct sandbox_call {
    const char *name;
    bool refuse;   /* ENOSYS instead of death: libraries try it and know another way */
    unsigned args; /* of `arg`: 0 to SANDBOX_ARGS */
    struct {
        unsigned index; /* from 0; rows of `arg` name different ones */
        uint64_t value;
    } arg[SANDBOX_ARGS];
};

/* "": no change. ERROR_USAGE: no such user (the line says how to make one), or root. */
int sandbox_find_user(const char *name, struct sandbox_user *user, struct error *error);

/* 1. The bounding set (only root can), groups, gid, uid; proves that none of it comes back. Nothing
 * to do for who already is that user (its groups stay: only root can leave them). */
int sandbox_drop_user(const struct sandbox_user *user, struct error *error);

/* 2. Ambient, inheritable, permitted and effective sets empty, the bounding set where we may;
 * no_new_privs, so that what is left of the last is worth nothing; not dumpable (no core file, no
 * ptrace by others of the same user). */
int sandbox_drop_capabilities(struct error *error);

/* 3. Landlock: all that the running kernel can handle is denied, but for `paths`, which must exist.
 * No path: no file at all. Open descriptors stay as they are. From Linux 6.12 on also no signal to
 * and no abstract unix socket of a process outside. A kernel without Landlock is told of in one
 * line of log, and not an error. */
int sandbox_confine(const struct sandbox_path *paths, size_t count, enum sandbox_network network,
                    struct error *error);

/* 3, likewise, but for TCP connect to these ports (any address: Landlock knows no more). A kernel
 * before Linux 6.7 cannot tell ports apart, which is told of in one line of log. */
int sandbox_confine_to_ports(const struct sandbox_path *paths, size_t count, const uint16_t *ports,
                             size_t port_count, struct error *error);

/* 4. Names that this architecture or libseccomp does not know are skipped. A sanitizer's build
 * allows what a report needs on top; and no leak is looked for from stage 2 on (a leak check opens
 * files and traces the process). */
int sandbox_seal(const struct sandbox_call *calls, size_t count, struct error *error);

#endif
