/* A private redis-server: started in `folder` on a unix socket there, no TCP port, append-only with
 * fsync always (a replay: no persistence), memory limit named, no eviction. Its own log is in the
 * folder; if it does not come up, the error quotes the log's last line. */
#ifndef WEIR_BASELINE_EMBEDDED_H
#define WEIR_BASELINE_EMBEDDED_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <sys/types.h>

#define EMBEDDED_LINE_SIZE 240

struct embedded {
    pid_t pid;     /* 0: not running */
    char url[256]; /* "unix:/…/redis.sock" */
};

struct embedded_user {
    bool change; /* false: it runs as who starts it */
    uid_t uid;
    gid_t gid;
};

struct embedded_config {
    const char *folder; /* the user's to write */
    bool persist;       /* append-only file, synced always */
    struct embedded_user user;
};

/* Returns once the socket answers PING, or fails within 10 s. */
int embedded_start(struct embedded *embedded, const struct embedded_config *config,
                   struct error *error);
void embedded_stop(struct embedded *embedded); /* SIGTERM, waits, SIGKILL after 5 s */
/* The last line of the log in `folder`, without its time stamp; "" when there is none. To say why a
 * server that had come up is gone (a full disk ends it: appendfsync always). */
char *embedded_last_line(const char *folder, char text[EMBEDDED_LINE_SIZE]);

#endif
