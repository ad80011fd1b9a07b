/* Sensors that share a store, each an engine in a process of its own that may be killed at any time
 * and is started again on its ring and its checkpoint. For tests/long/store_kills.py:
 *
 *   store_feed URL SENSORS HOURS HOSTS
 *
 * says "sensor I PID" of each process it starts; told "hour" it pushes one hour more of traffic,
 * split over the sensors, told "end" it waits until the last hour is closed, prints what the store
 * holds, and ends. */
#include "fleet_rig.h"

#include "../../../sensor/engine/entry_log.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct feed {
    struct fleet_rig *fleet;
    pid_t pid[SENSORS];
    int hours, hosts, pushed;
};

static int split(uint64_t flow)
{
    return (int)(flow >> 20u & 0xff);
}

static void work(struct fleet_rig *fleet, int i)
{
    struct sensor *sensor = &fleet->sensor[i];
    struct error error = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fleet->loop = event_loop_new(&error);
    sensor_start(sensor, NULL);
    while (sensor->error.code == ERROR_NONE)
        fleet->loop.ops->run(fleet->loop.loop);
    _exit(3); /* the store went: begin again */
}

/* A death was not the log's fault. */
static void forgive(const struct sensor *sensor)
{
    char *path = xasprintf("%s/checkpoint.log", sensor->folder);
    struct entry_log log = {.fd = open(path, O_RDWR | O_CLOEXEC)};
    struct stat st;
    if (log.fd >= 0 && fstat(log.fd, &st) == 0 && st.st_size >= (off_t)LOG_FIRST)
        log_set_attempts(&log, 0);
    log_close(&log);
    free(path);
}

static void begin(struct feed *feed, int i)
{
    forgive(&feed->fleet->sensor[i]);
    fflush(stdout);
    feed->pid[i] = fork();
    if (feed->pid[i] == 0)
        work(feed->fleet, i);
    printf("sensor %d %d\n", i, (int)feed->pid[i]);
    fflush(stdout);
}

static void begin_the_dead(struct feed *feed)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        for (int i = 0; i < feed->fleet->sensors; i++)
            if (feed->pid[i] == pid) {
                usleep(10000); /* a store that went takes a while to come back */
                begin(feed, i);
            }
}

static void push_hour(struct feed *feed)
{
    fleet_push_hours(feed->fleet, feed->hosts, feed->pushed, feed->pushed + 1, split);
    fleet_push_clocks(feed->fleet, ++feed->pushed);
}

static void finish(struct feed *feed)
{
    char last[64];
    snprintf(last, sizeof last, "fleet: through %d,", feed->hours - 1);
    for (;;) {
        char *text = fleet_dump(feed->fleet);
        bool done = strstr(text, last) != NULL;
        if (done)
            puts(text);
        free(text);
        if (done)
            return;
        begin_the_dead(feed);
        usleep(100000);
    }
}

static void obey(struct feed *feed)
{
    char line[16];
    for (;;) {
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        begin_the_dead(feed);
        if (poll(&in, 1, 10) <= 0)
            continue;
        ssize_t got = read(STDIN_FILENO, line, 5); /* "hour\n" */
        if (got <= 0)
            return;
        if (strncmp(line, "end", 3) == 0) {
            finish(feed);
            return;
        }
        push_hour(feed);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    struct feed feed = {.hours = atoi(argv[3]), .hosts = atoi(argv[4])};
    feed.fleet = fleet_open_at(argv[1], atoi(argv[2]), NULL);
    for (int i = 0; i < feed.fleet->sensors; i++)
        begin(&feed, i);
    obey(&feed);
    for (int i = 0; i < feed.fleet->sensors; i++) {
        pid_t pid = feed.pid[i];
        feed.pid[i] = 0;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    fleet_close(feed.fleet);
    return 0;
}
