/* A network namespace of the test's own with pairs of interfaces, weirN ↔ peerN, and raw frames
 * from the peers' side. Needs root and iproute2: otherwise the test is skipped (77). */
#ifndef WEIR_TESTS_CAPTURE_VETH_H
#define WEIR_TESTS_CAPTURE_VETH_H

#include "files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define SKIPPED 77

/* "ip" with arguments, split at blanks. False when it failed. */
static inline bool ip_command(const char *arguments)
{
    char text[256], *word[24] = {"ip"}, *rest = NULL;
    int status = -1, count = 1;
    snprintf(text, sizeof text, "%s", arguments);
    for (char *at = strtok_r(text, " ", &rest); at && count < 23; at = strtok_r(NULL, " ", &rest))
        word[count++] = at;
    pid_t pid = fork();
    if (pid == 0) {
        execvp("ip", word);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static inline void write_setting(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        assert_true(write(fd, value, strlen(value)) > 0);
        close(fd);
    }
}

static inline bool veth_make(int number)
{
    char text[128];
    snprintf(text, sizeof text, "link add weir%d type veth peer name peer%d", number, number);
    bool made = ip_command(text);
    snprintf(text, sizeof text, "link set weir%d up", number);
    made = made && ip_command(text);
    snprintf(text, sizeof text, "link set peer%d up", number);
    return made && ip_command(text);
}

/* A new namespace, in which nobody speaks but the test. False: not here. */
static inline bool veth_begin(int pairs)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
        return false;
    write_setting("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    write_setting("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    for (int i = 0; i < pairs; i++)
        if (!veth_make(i))
            return false;
    return true;
}

static inline int veth_socket(const char *name)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)), room = 64 << 20;
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(name)};
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline void veth_send(int fd, const struct frame *frame)
{
    assert_int_equal(send(fd, frame->data, frame->size, 0), frame->size);
}

static inline void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

#endif
