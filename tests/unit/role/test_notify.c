/* What a service manager hears: each state once, signs of life at half of what it waits for, and
 * nothing of it in a child's environment. The manager is a datagram socket of the test's. */
#include "../../../sensor/role/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct manager {
    int fd;
    char name[64];
};

static void manager_open(struct manager *manager)
{
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    snprintf(manager->name, sizeof manager->name, "@weir-test-notify-%d", (int)getpid());
    size_t length = strlen(manager->name);
    memcpy(place.sun_path, manager->name, length);
    place.sun_path[0] = '\0';
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(manager->fd >= 0);
    assert_int_equal(bind(manager->fd, (struct sockaddr *)&place,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    setenv("NOTIFY_SOCKET", manager->name, 1);
}

/* The next datagram; "" when there is none. */
static const char *heard(const struct manager *manager)
{
    static char text[256];
    ssize_t got = recv(manager->fd, text, sizeof text - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    return text;
}

static void tick(struct notify *notify, bool ready, bool reloading, bool stopping, int64_t now_ns)
{
    struct notify_news news = {ready, reloading, stopping};
    notify_tick(notify, &news, (struct wtime){now_ns});
}

static void test_states_are_told_once(void **state)
{
    struct manager manager;
    struct notify notify;
    (void)state;
    manager_open(&manager);
    notify_open(&notify);
    tick(&notify, false, false, false, 1);
    assert_string_equal(heard(&manager), "");
    tick(&notify, true, false, false, 2);
    assert_string_equal(heard(&manager), "READY=1\nSTATUS=watching");
    tick(&notify, true, false, false, 3);
    assert_string_equal(heard(&manager), "");
    tick(&notify, true, true, false, 5000000);
    assert_string_equal(heard(&manager), "RELOADING=1\nMONOTONIC_USEC=5000\nSTATUS=reloading");
    tick(&notify, true, true, false, 6000000);
    assert_string_equal(heard(&manager), "");
    tick(&notify, true, false, false, 7000000);
    assert_string_equal(heard(&manager), "READY=1\nSTATUS=watching");
    tick(&notify, true, false, true, 8000000);
    assert_string_equal(heard(&manager), "STOPPING=1\nSTATUS=stopping");
    tick(&notify, true, true, true, 9000000);
    assert_string_equal(heard(&manager), "");
    notify_close(&notify);
    close(manager.fd);
}

static void test_signs_of_life(void **state)
{
    struct manager manager;
    struct notify notify;
    (void)state;
    manager_open(&manager);
    setenv("WATCHDOG_USEC", "3000000", 1);
    notify_open(&notify);
    assert_int_equal(notify.every_ns, 1500 * NS_PER_MS);
    tick(&notify, false, false, false, NS_PER_S);
    assert_string_equal(heard(&manager), "WATCHDOG=1");
    tick(&notify, false, false, false, 2 * NS_PER_S);
    assert_string_equal(heard(&manager), "");
    tick(&notify, false, false, false, 2500 * NS_PER_MS);
    assert_string_equal(heard(&manager), "WATCHDOG=1");
    notify_close(&notify);
    close(manager.fd);
}

static void test_another_process_is_watched(void **state)
{
    struct notify notify;
    (void)state;
    setenv("NOTIFY_SOCKET", "@weir-test-nobody", 1);
    setenv("WATCHDOG_USEC", "3000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    notify_open(&notify);
    assert_int_equal(notify.every_ns, 0);
    tick(&notify, true, false, false, 1); /* nobody is bound there: that is no reason to end */
    notify_close(&notify);
}

static void test_children_do_not_speak_for_us(void **state)
{
    struct notify notify;
    (void)state;
    setenv("NOTIFY_SOCKET", "@weir-test-nobody", 1);
    setenv("WATCHDOG_USEC", "3000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    notify_open(&notify);
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
    notify_close(&notify);
}

static void test_what_is_no_place(void **state)
{
    static const char *const none[] = {"",
                                       "@",
                                       "/",
                                       "run/notify",
                                       "x",
                                       "/0123456789012345678901234567890123456789012345678901234567"
                                       "89012345678901234567890123456789012345678901234567890"};
    struct notify notify;
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        setenv("NOTIFY_SOCKET", none[i], 1);
        setenv("WATCHDOG_USEC", i % 2 ? "-5" : "99999999999999999999", 1);
        notify_open(&notify);
        assert_int_equal(notify.fd, -1);
        assert_int_equal(notify.every_ns, 0);
        tick(&notify, true, false, false, 1);
    }
    notify_open(&notify);
    assert_int_equal(notify.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_are_told_once),
        cmocka_unit_test(test_signs_of_life),
        cmocka_unit_test(test_another_process_is_watched),
        cmocka_unit_test(test_children_do_not_speak_for_us),
        cmocka_unit_test(test_what_is_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
