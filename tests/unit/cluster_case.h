/* Redis servers of their own on the loopback that make a cluster, or a primary with a replica and
 * sentinels. Nodes are stopped, killed and started by their number. */
#ifndef TESTS_UNIT_CLUSTER_CASE_H
#define TESTS_UNIT_CLUSTER_CASE_H

#include "folder.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CLUSTER_NODES 6
#define CLUSTER_SLOTS 16384

struct cluster_server {
    int port;
    pid_t pid;
    char folder[FOLDER_SIZE + 16];
    char id[48];
};

struct cluster {
    char folder[FOLDER_SIZE];
    struct cluster_server node[CLUSTER_NODES];
    int nodes;
    char url[256];
};

/* Below the ports that the kernel gives to whoever connects; a cluster's bus is 10000 above. */
static inline bool cluster_port_is_free(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = bind(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return result == 0;
}

static inline int cluster_free_port(void)
{
    static int asked;
    for (;;) {
        int port = 10240 + (getpid() * 16 + asked++) % 12000;
        if (cluster_port_is_free(port) && cluster_port_is_free(port + 10000))
            return port;
    }
}

static inline void cluster_run(struct cluster_server *server, const char *const *more)
{
    char port[16],
        *argv[40] = {"redis-server", "--port", port,     "--dir",    server->folder, "--save", "",
                     "--appendonly", "no",     "--bind", "127.0.0.1"};
    int argc = 11;
    snprintf(port, sizeof port, "%d", server->port);
    while (*more)
        argv[argc++] = (char *)(uintptr_t)*more++;
    server->pid = fork();
    if (server->pid != 0)
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, 1);
    dup2(null, 2);
    execvp(argv[0], argv);
    _exit(127);
}

/* What redis-cli prints of a command, once there is somebody to ask. The caller frees. */
static inline char *cluster_ask(const struct cluster_server *server, const char *format, ...)
{
    char command[2048], script[2200];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    snprintf(script, sizeof script, "redis-cli -p %d --raw 2>&1 <<'END'\n%s\nEND\n", server->port,
             command);
    for (int i = 0; i < 500; i++) {
        char *text = calloc(1, 1 << 16);
        FILE *pipe = popen(script, "r");
        assert_non_null(text);
        assert_non_null(pipe);
        size_t size = fread(text, 1, (1 << 16) - 1, pipe);
        pclose(pipe);
        if (size > 0 && !strstr(text, "Could not connect") && !strstr(text, "LOADING"))
            return text;
        free(text);
        usleep(20000);
    }
    fail_msg("nothing answers at port %d", server->port);
    return NULL;
}

static inline bool cluster_is_error(const char *text)
{
    return strncmp(text, "ERR", 3) == 0 || strncmp(text, "MOVED", 5) == 0 ||
           strncmp(text, "IOERR", 5) == 0 || strncmp(text, "CLUSTERDOWN", 11) == 0;
}

#define cluster_order(server, ...)                                                                 \
    do {                                                                                           \
        char *order_text = cluster_ask(server, __VA_ARGS__);                                       \
        if (cluster_is_error(order_text))                                                          \
            fail_msg("%s", order_text);                                                            \
        free(order_text);                                                                          \
    } while (0)

static inline void cluster_await(const struct cluster_server *server, const char *command,
                                 const char *words)
{
    for (int i = 0; i < 1000; i++) {
        char *text = cluster_ask(server, "%s", command);
        bool says = strstr(text, words) != NULL;
        free(text);
        if (says)
            return;
        usleep(20000);
    }
    fail_msg("port %d: %s does not say %s", server->port, command, words);
}

static inline void cluster_start_node(struct cluster *cluster, int i)
{
    static const char *const more[] = {"--cluster-enabled",
                                       "yes",
                                       "--cluster-node-timeout",
                                       "2000",
                                       "--repl-diskless-sync-delay",
                                       "0",
                                       NULL};
    cluster_run(&cluster->node[i], more);
}

static inline void cluster_open_node(struct cluster *cluster, int i)
{
    struct cluster_server *node = &cluster->node[i];
    node->port = cluster_free_port();
    snprintf(node->folder, sizeof node->folder, "%s/%d", cluster->folder, i);
    assert_int_equal(mkdir(node->folder, 0700), 0);
    cluster_start_node(cluster, i);
    char *id = cluster_ask(node, "CLUSTER MYID");
    snprintf(node->id, sizeof node->id, "%.40s", id);
    free(id);
}

static inline void cluster_url(struct cluster *cluster)
{
    size_t size = (size_t)snprintf(cluster->url, sizeof cluster->url, "redis-cluster://");
    for (int i = 0; i < cluster->nodes; i++)
        size += (size_t)snprintf(cluster->url + size, sizeof cluster->url - size, "%s127.0.0.1:%d",
                                 i ? "," : "", cluster->node[i].port);
}

/* Three primaries, which share the slots; of six nodes each has a replica. */
static inline void cluster_open(struct cluster *cluster, int nodes)
{
    *cluster = (struct cluster){.nodes = nodes};
    folder_make("cluster", cluster->folder);
    for (int i = 0; i < nodes; i++)
        cluster_open_node(cluster, i);
    for (int i = 0; i < 3; i++)
        cluster_order(&cluster->node[i], "CLUSTER ADDSLOTSRANGE %d %d", i * CLUSTER_SLOTS / 3,
                      (i + 1) * CLUSTER_SLOTS / 3 - 1);
    /* Nodes of one epoch take new ones when they meet, at any time later: one that did it just then
     * would take back a slot that moved. */
    for (int i = 0; i < nodes; i++)
        cluster_order(&cluster->node[i], "CLUSTER SET-CONFIG-EPOCH %d", i + 1);
    for (int i = 1; i < nodes; i++)
        cluster_order(&cluster->node[i], "CLUSTER MEET 127.0.0.1 %d", cluster->node[0].port);
    char known[32];
    snprintf(known, sizeof known, "cluster_known_nodes:%d", nodes);
    for (int i = 0; i < nodes; i++)
        cluster_await(&cluster->node[i], "CLUSTER INFO", known);
    for (int i = 3; i < nodes; i++) {
        cluster_await(&cluster->node[i], "CLUSTER NODES", cluster->node[i - 3].id);
        cluster_order(&cluster->node[i], "CLUSTER REPLICATE %s", cluster->node[i - 3].id);
    }
    for (int i = 0; i < nodes; i++)
        cluster_await(&cluster->node[i], "CLUSTER INFO", "cluster_state:ok");
    for (int i = 3; i < nodes; i++)
        cluster_await(&cluster->node[i], "INFO replication", "master_link_status:up");
    cluster_url(cluster);
}

/* A primary (0), its replica (1), and three sentinels (2 to 4) that know it as "main". */
static inline void cluster_start_sentinel(struct cluster *cluster, int i)
{
    struct cluster_server *sentinel = &cluster->node[i];
    char path[FOLDER_SIZE + 32];
    sentinel->port = cluster_free_port();
    snprintf(sentinel->folder, sizeof sentinel->folder, "%s/%d", cluster->folder, i);
    assert_int_equal(mkdir(sentinel->folder, 0700), 0);
    snprintf(path, sizeof path, "%s/sentinel.conf", sentinel->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor main 127.0.0.1 %d 2\n"
            "sentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n",
            sentinel->port, sentinel->folder, cluster->node[0].port);
    fclose(file);
    sentinel->pid = fork();
    if (sentinel->pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, 1);
        dup2(null, 2);
        execlp("redis-server", "redis-server", path, "--sentinel", (char *)NULL);
        _exit(127);
    }
}

static inline void cluster_open_sentinels(struct cluster *cluster)
{
    static const char *const more[] = {"--repl-diskless-sync-delay", "0", NULL};
    *cluster = (struct cluster){.nodes = 5};
    folder_make("sentinel", cluster->folder);
    for (int i = 0; i < 2; i++) {
        struct cluster_server *node = &cluster->node[i];
        node->port = cluster_free_port();
        snprintf(node->folder, sizeof node->folder, "%s/%d", cluster->folder, i);
        assert_int_equal(mkdir(node->folder, 0700), 0);
        cluster_run(node, more);
    }
    cluster_order(&cluster->node[1], "REPLICAOF 127.0.0.1 %d", cluster->node[0].port);
    cluster_await(&cluster->node[1], "INFO replication", "master_link_status:up");
    for (int i = 2; i < 5; i++)
        cluster_start_sentinel(cluster, i);
    for (int i = 2; i < 5; i++)
        cluster_await(&cluster->node[i], "INFO sentinel", "slaves=1,sentinels=3");
    snprintf(cluster->url, sizeof cluster->url,
             "redis-sentinel://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d/main?ports=%d,%d",
             cluster->node[2].port, cluster->node[3].port, cluster->node[4].port,
             cluster->node[0].port, cluster->node[1].port);
}

static inline void cluster_kill(struct cluster_server *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

static inline void cluster_close(struct cluster *cluster)
{
    for (int i = 0; i < cluster->nodes; i++)
        cluster_kill(&cluster->node[i]);
    folder_remove(cluster->folder);
}

#endif
