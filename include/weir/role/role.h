/* The roles that run as processes of their own. Each is this program again, started with
 * `--role NAME` and a control socket (record/control.h) as descriptor ROLE_CONTROL_FD; nobody types
 * that. Each drops its rights in numbered stages at the top of its file. */
#ifndef WEIR_ROLE_ROLE_H
#define WEIR_ROLE_ROLE_H

#include "weir/base/error.h"

#include <sys/types.h>

#define ROLE_CONTROL_FD 3

/* The role that these words ask for, to its end: its exit status; −1: they ask for none. */
int role_main(int argc, char **argv);

/* Starts `role` as a child process. 0: *pid, and *control, our end of its socket. The child dies
 * with the thread that started it. */
int role_spawn(const char *role, pid_t *pid, int *control, struct error *error);
/* How a child ended, for people: "signal 11, Segmentation fault", "status 1". `text` ≥ 64. */
char *role_death(int wait_status, char *text);

#endif
