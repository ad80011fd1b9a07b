/* Control messages: see weir/record/control.h. A datagram is a kind, then the body; its size is the
 * socket's word, not the sender's. Thread: the caller's. */
#include "weir/record/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int control_pair(int fd[2], struct error *error)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) == 0)
        return 0;
    return error_set(error, ERROR_RUN, "cannot make a control socket: %s", strerror(errno));
}

union space {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(CONTROL_FDS * sizeof(int))];
};

enum control_result control_send(int fd, enum control_kind kind, const void *body, size_t size,
                                 const int *descriptors, size_t count)
{
    uint32_t word = kind;
    union {
        const void *in;
        void *out;
    } cast = {.in = body};
    struct iovec part[2] = {{&word, sizeof word}, {cast.out, size}};
    union space space = {.bytes = {0}};
    struct msghdr message = {.msg_iov = part, .msg_iovlen = 2};
    if (size > CONTROL_BODY || count > CONTROL_FDS)
        return CONTROL_INVALID;
    if (count > 0) {
        message.msg_control = space.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return CONTROL_OK;
    return errno == EAGAIN || errno == ENOBUFS ? CONTROL_AGAIN : CONTROL_CLOSED;
}

static void take_descriptors(struct msghdr *header, struct control_message *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (count > CONTROL_FDS - message->fd_count)
            count = CONTROL_FDS - message->fd_count;
        memcpy(message->fd + message->fd_count, CMSG_DATA(c), count * sizeof(int));
        message->fd_count += (uint32_t)count;
    }
}

enum control_result control_receive(int fd, struct control_message *message)
{
    uint32_t word = 0;
    struct iovec part[2] = {{&word, sizeof word}, {message->body, sizeof message->body}};
    union space space;
    struct msghdr header = {.msg_iov = part,
                            .msg_iovlen = 2,
                            .msg_control = space.bytes,
                            .msg_controllen = sizeof space.bytes};
    ssize_t got;
    message->fd_count = 0;
    do
        got = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN ? CONTROL_AGAIN : CONTROL_CLOSED;
    if (got == 0)
        return CONTROL_CLOSED;
    take_descriptors(&header, message);
    message->kind = word;
    message->size = (uint32_t)((size_t)got - (got < (ssize_t)sizeof word ? 0 : sizeof word));
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 && got >= (ssize_t)sizeof word &&
        word > 0 && word < CONTROL_KINDS)
        return CONTROL_OK;
    control_close_descriptors(message);
    return CONTROL_INVALID;
}

const void *control_body(const struct control_message *message, size_t size)
{
    return message->size == size ? message->body : NULL;
}

void control_close_descriptors(struct control_message *message)
{
    for (uint32_t i = 0; i < message->fd_count; i++)
        if (message->fd[i] >= 0)
            close(message->fd[i]);
    message->fd_count = 0;
}
