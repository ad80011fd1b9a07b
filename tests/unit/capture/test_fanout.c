/* The kernel's sharing, tried with the kernel: pairs, tags, fragments, a successor. */
#include "veth.h"

#include "weir/capture/fanout.h"

#define WORKERS 3
#define PAIRS   500u
#define GROUP   4711

static void put_tags(struct frame *frame, unsigned tags)
{
    for (unsigned i = 0; i < tags; i++) {
        memmove(frame->data + 16, frame->data + 12, frame->size - 12);
        frame->data[12] = i + 1 == tags && tags > 1 ? 0x88 : 0x81;
        frame->data[13] = i + 1 == tags && tags > 1 ? 0xa8 : 0x00;
        frame->data[14] = 0;
        frame->data[15] = (uint8_t)(10 + i);
        frame->size += 4;
    }
}

/* The pair's number is the last thing in its frames. */
static void make_v4(struct frame *frame, uint32_t pair, bool back)
{
    uint32_t host = 0x0a000001 + pair, server = 0xc6336401 + pair % 5;
    uint8_t number[4] = {0, 0, (uint8_t)(pair >> 8), (uint8_t)pair};
    frame_udp(frame, back ? server : host, (uint16_t)(back ? 53 : pair), back ? host : server,
              (uint16_t)(back ? pair : 53), number, 4);
}

static void make_v6(struct frame *frame, uint32_t pair, bool back)
{
    uint8_t host[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = (uint8_t)(pair >> 8), [15] = (uint8_t)pair};
    uint8_t server[16] = {0x20, 0x01, 0x0d, 0xb8, 1, [15] = (uint8_t)(pair % 5)};
    *frame = (struct frame){.size = 12};
    memset(frame->data, 2, 12);
    frame_u16(frame, 0x86dd);
    frame_u32(frame, 0x60000000);
    frame_u16(frame, 12);
    frame_u16(frame, 17u << 8 | 64);
    memcpy(frame->data + frame->size, back ? server : host, 16);
    memcpy(frame->data + frame->size + 16, back ? host : server, 16);
    frame->size += 32;
    frame_u16(frame, 1000);
    frame_u16(frame, 53);
    frame_u32(frame, 12u << 16);
    frame_u32(frame, pair);
}

static void make(struct frame *frame, uint32_t pair, bool back)
{
    if (pair % 2)
        make_v6(frame, pair, back);
    else
        make_v4(frame, pair, back);
    put_tags(frame, pair % 8 / 2); /* none to three: the kernel takes the outermost */
}

struct members {
    int fd[WORKERS + 1];
    int count;
    int owner[PAIRS]; /* -1: not seen */
    unsigned got[WORKERS + 1];
};

static void join(struct members *members, int more)
{
    struct error error = {0};
    for (; more > 0; more--) {
        int fd = veth_socket("weir0");
        members->fd[members->count++] = fd;
        if (fanout_join(fd, GROUP, WORKERS, "weir0", &error) != 0)
            fail_msg("%s", error.message);
    }
}

static void leave(struct members *members)
{
    for (int i = 0; i < members->count; i++)
        close(members->fd[i]);
}

/* Empties all sockets; every frame's pair must always have the same owner. */
static unsigned take_all(struct members *members)
{
    unsigned all = 0;
    for (int i = 0; i < members->count; i++) {
        uint8_t data[2048];
        ssize_t size;
        while ((size = recv(members->fd[i], data, sizeof data, MSG_DONTWAIT)) > 0) {
            uint32_t pair = (uint32_t)data[size - 2] << 8 | data[size - 1];
            members->got[i]++;
            all++;
            if (pair >= PAIRS)
                continue;
            if (members->owner[pair] == -1)
                members->owner[pair] = i;
            assert_int_equal(members->owner[pair], i);
        }
    }
    return all;
}

static void send_pairs(void)
{
    struct frame frame;
    int fd = veth_socket("peer0");
    for (uint32_t pair = 0; pair < PAIRS; pair++)
        for (int back = 0; back < 2; back++) {
            make(&frame, pair, back);
            veth_send(fd, &frame);
        }
    close(fd);
    pause_ms(50);
}

static struct members begin(void)
{
    struct members members = {.count = 0};
    memset(members.owner, 0xff, sizeof members.owner);
    join(&members, WORKERS);
    return members;
}

static void test_a_pair_has_one_worker(void **state)
{
    struct members members = begin();
    (void)state;
    send_pairs();
    assert_int_equal(take_all(&members), 2 * PAIRS);
    for (int i = 0; i < WORKERS; i++)
        assert_in_range(members.got[i], 2 * PAIRS / 5, 2 * PAIRS / 2);
    for (uint32_t kind = 0; kind < 8; kind++) { /* no family, no number of tags is one worker's */
        bool differs = false;
        for (uint32_t pair = kind; pair < PAIRS; pair += 8)
            differs |= members.owner[pair] != members.owner[kind];
        if (!differs)
            fail_msg("pairs of kind %u are all worker %d's", kind, members.owner[kind]);
    }
    leave(&members);
}

/* A successor gets nothing while the one it follows is there, and everything after. */
static void test_a_successor(void **state)
{
    struct members members = begin();
    (void)state;
    send_pairs();
    take_all(&members);
    unsigned first = members.got[1];
    join(&members, 1);
    send_pairs();
    assert_int_equal(take_all(&members), 2 * PAIRS);
    assert_int_equal(members.got[WORKERS], 0);
    close(members.fd[1]);
    members.fd[1] = members.fd[WORKERS];
    members.count = WORKERS;
    members.got[1] = 0;
    send_pairs();
    assert_int_equal(take_all(&members), 2 * PAIRS);
    assert_int_equal(members.got[1], first);
    leave(&members);
}

/* Down and up again, everybody is who he was. */
static void test_down_and_up(void **state)
{
    struct members members = begin();
    (void)state;
    send_pairs();
    assert_int_equal(take_all(&members), 2 * PAIRS);
    assert_true(ip_command("link set weir0 down"));
    assert_true(ip_command("link set weir0 up"));
    for (int i = 0; i < WORKERS; i++) { /* each is told that it was down, once */
        int down;
        socklen_t size = sizeof down;
        getsockopt(members.fd[i], SOL_SOCKET, SO_ERROR, &down, &size);
    }
    send_pairs();
    assert_int_equal(take_all(&members), 2 * PAIRS);
    leave(&members);
}

static void test_the_rest_is_worker_0s(void **state)
{
    struct members members = begin();
    struct frame arp = {.size = 60};
    int fd = veth_socket("peer0");
    (void)state;
    memset(arp.data, 0xff, 60);
    for (uint8_t i = 0; i < 50; i++) {
        arp.data[12] = 0x08;
        arp.data[13] = 0x06;
        arp.data[20] = i;
        veth_send(fd, &arp);
    }
    pause_ms(50);
    assert_int_equal(take_all(&members), 50);
    assert_int_equal(members.got[0], 50);
    close(fd);
    leave(&members);
}

static void test_fragments_go_with_their_pair(void **state)
{
    struct members members = begin();
    struct frame frame;
    int fd = veth_socket("peer0");
    (void)state;
    for (uint32_t pair = 0; pair < PAIRS; pair += 2) {
        make_v4(&frame, pair, false);
        frame.data[20] = 0x20; /* the first */
        veth_send(fd, &frame);
        make_v4(&frame, pair, false);
        frame.data[20] = 0; /* a later one: no ports */
        frame.data[21] = 2;
        veth_send(fd, &frame);
    }
    pause_ms(50);
    assert_int_equal(take_all(&members), PAIRS);
    close(fd);
    leave(&members);
}

static void test_programs_fit(void **state)
{
    struct sock_filter program[FANOUT_INSTRUCTIONS];
    (void)state;
    for (uint32_t workers = 1; workers <= 64; workers++)
        assert_in_range(fanout_program(program, workers), 1, FANOUT_INSTRUCTIONS);
}

static void test_a_socket_that_cannot_join(void **state)
{
    struct error error = {0};
    (void)state;
    assert_int_equal(fanout_join(-1, GROUP, WORKERS, "weir0", &error), -1);
    assert_int_equal(error.code, ERROR_RUN);
    assert_non_null(strstr(error.message, "interface weir0: cannot join fanout group"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pair_has_one_worker),
        cmocka_unit_test(test_a_successor),
        cmocka_unit_test(test_down_and_up),
        cmocka_unit_test(test_the_rest_is_worker_0s),
        cmocka_unit_test(test_fragments_go_with_their_pair),
        cmocka_unit_test(test_programs_fit),
        cmocka_unit_test(test_a_socket_that_cannot_join),
    };
    if (!veth_begin(1))
        return SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
