/* Starting a role: fork, then this program again by /proc/self/exe, so that each process has its
 * own address space and inherits nothing but a control socket and standard error. Between fork and
 * exec only async-signal-safe calls are made. Thread: the main thread. */
#include "weir/role/role.h"

#include "roles.h"
#include "weir/base/log.h"
#include "weir/record/control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*run)(void);
    enum log_level level; /* captures work for replays too, which say only what is wrong */
} row[] = {{"capture", capture_role, LOG_WARN_},
           {"engine", engine_role, LOG_INFO_},
           {"courier", courier_role, LOG_INFO_},
           {"keeper", keeper_role, LOG_INFO_}};

int role_main(int argc, char **argv)
{
    if (argc != 3 || strcmp(argv[1], "--role") != 0)
        return -1;
    signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C is the supervisor's to answer */
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN); /* … and so is a service manager's stop: the socket tells us */
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (strcmp(argv[2], row[i].name) == 0) {
            log_set_subject(row[i].name);
            log_set_level(row[i].level);
            return row[i].run();
        }
    return -1;
}

/* In the child. Never returns. */
static void become_role(const char *role, int control, pid_t parent)
{
    char program[] = "/proc/self/exe", name[] = "weir", word[] = "--role", which[16];
    char *argv[] = {name, word, which, NULL};
    snprintf(which, sizeof which, "%s", role);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); /* it died before the signal was asked for */
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        _exit(1);
    /* dup2 clears close-on-exec, unless it is the same descriptor */
    if (control == ROLE_CONTROL_FD ? fcntl(control, F_SETFD, 0) < 0
                                   : dup2(control, ROLE_CONTROL_FD) < 0)
        _exit(1);
    if (close_range(ROLE_CONTROL_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
        for (int fd = ROLE_CONTROL_FD + 1; fd < 1024; fd++) /* a kernel before 5.11 */
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(program, argv);
    _exit(127);
}

int role_spawn(const char *role, pid_t *pid, int *control, struct error *error)
{
    int pair[2];
    pid_t parent = getpid();
    if (control_pair(pair, error) != 0)
        return -1;
    *pid = fork();
    if (*pid == 0)
        become_role(role, pair[1], parent);
    close(pair[1]);
    if (*pid > 0) {
        *control = pair[0];
        return 0;
    }
    close(pair[0]);
    return error_set(error, ERROR_RUN, "cannot start the %s process: %s", role, strerror(errno));
}

char *role_death(int wait_status, char *text)
{
    if (WIFSIGNALED(wait_status)) {
        int number = WTERMSIG(wait_status);
        snprintf(text, 64, "signal %d, %s", number, strsignal(number));
    } else {
        snprintf(text, 64, "status %d", WEXITSTATUS(wait_status));
    }
    return text;
}
