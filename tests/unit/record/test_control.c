/* Control messages: whole or not at all, descriptors cross and never leak, nothing ever blocks. */
#include "weir/record/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void make_pair(int fd[2])
{
    struct error error = {0};
    assert_int_equal(control_pair(fd, &error), 0);
}

static void close_pair(const int fd[2])
{
    close(fd[0]);
    close(fd[1]);
}

static void test_bodies(void **state)
{
    (void)state;
    int fd[2];
    struct control_message message;
    static uint8_t large[CONTROL_BODY + 1];
    make_pair(fd);
    assert_int_equal(control_receive(fd[1], &message), CONTROL_AGAIN);
    assert_int_equal(control_send(fd[0], CONTROL_STOP, NULL, 0, NULL, 0), CONTROL_OK);
    memset(large, 7, sizeof large);
    assert_int_equal(control_send(fd[0], CONTROL_BEAT, large, CONTROL_BODY, NULL, 0), CONTROL_OK);
    assert_int_equal(control_send(fd[0], CONTROL_BEAT, large, sizeof large, NULL, 0),
                     CONTROL_INVALID);
    assert_int_equal(control_receive(fd[1], &message), CONTROL_OK);
    assert_int_equal(message.kind, CONTROL_STOP);
    assert_int_equal(message.size, 0);
    assert_int_equal(control_receive(fd[1], &message), CONTROL_OK);
    assert_int_equal(message.kind, CONTROL_BEAT);
    assert_memory_equal(control_body(&message, CONTROL_BODY), large, CONTROL_BODY);
    assert_null(control_body(&message, 8));
    close(fd[0]);
    assert_int_equal(control_receive(fd[1], &message), CONTROL_CLOSED);
    assert_int_equal(control_send(fd[1], CONTROL_STOP, NULL, 0, NULL, 0), CONTROL_CLOSED);
    close(fd[1]);
}

static void test_descriptors(void **state)
{
    (void)state;
    int fd[2], pipe_fd[2], before;
    char letter = 0;
    struct control_message message;
    make_pair(fd);
    assert_int_equal(pipe(pipe_fd), 0);
    before = open_descriptors();
    int both[] = {pipe_fd[0], pipe_fd[1]};
    assert_int_equal(control_send(fd[0], CONTROL_RING, "12345678", 8, both, 2), CONTROL_OK);
    assert_int_equal(control_receive(fd[1], &message), CONTROL_OK);
    assert_int_equal(message.fd_count, 2);
    assert_int_equal(write(message.fd[1], "x", 1), 1);
    assert_int_equal(read(pipe_fd[0], &letter, 1), 1);
    assert_int_equal(letter, 'x');
    assert_true(fcntl(message.fd[0], F_GETFD) & FD_CLOEXEC);
    control_close_descriptors(&message);
    assert_int_equal(open_descriptors(), before);
    close_pair(fd);
    close_pair(pipe_fd);
}

/* What no control_send of ours would send: too long, too short, of an unknown kind, and with more
 * descriptors than fit. Refused, and no descriptor stays. */
static void test_nonsense(void **state)
{
    (void)state;
    int fd[2], before;
    struct control_message message;
    static uint8_t large[CONTROL_BODY + 100];
    uint32_t unknown = 999;
    make_pair(fd);
    before = open_descriptors();
    memset(large, 0, sizeof large);
    large[0] = CONTROL_BEAT;
    assert_int_equal(send(fd[0], large, sizeof large, 0), sizeof large);
    assert_int_equal(control_receive(fd[1], &message), CONTROL_INVALID);
    assert_int_equal(send(fd[0], "abc", 3, 0), 3);
    assert_int_equal(control_receive(fd[1], &message), CONTROL_INVALID);
    assert_int_equal(send(fd[0], &unknown, 4, 0), 4);
    assert_int_equal(control_receive(fd[1], &message), CONTROL_INVALID);
    int many[20], word = CONTROL_BEAT;
    char space[CMSG_SPACE(sizeof many)] __attribute__((aligned(8))) = {0};
    struct iovec part = {&word, sizeof word};
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);
    for (int i = 0; i < 20; i++)
        many[i] = 0;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof many);
    memcpy(CMSG_DATA(c), many, sizeof many);
    assert_int_equal(sendmsg(fd[0], &header, 0), 4);
    assert_int_equal(control_receive(fd[1], &message), CONTROL_INVALID);
    assert_int_equal(open_descriptors(), before);
    close_pair(fd);
}

static void test_full(void **state)
{
    (void)state;
    int fd[2], sent = 0;
    uint8_t body[1024] = {0};
    make_pair(fd);
    while (control_send(fd[0], CONTROL_BEAT, body, sizeof body, NULL, 0) == CONTROL_OK)
        sent++;
    assert_true(sent > 8);
    assert_int_equal(control_send(fd[0], CONTROL_BEAT, body, sizeof body, NULL, 0), CONTROL_AGAIN);
    close_pair(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies), cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_nonsense), cmocka_unit_test(test_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
