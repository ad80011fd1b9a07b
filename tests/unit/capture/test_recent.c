/* The last packets: what was put comes out as a file that libpcap reads, oldest first; an area that
 * the writer scribbled over gives what is left of it, and never more. */
#include "weir/capture/recent.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define START     INT64_C(1772438400000000000) /* 2026-03-02 08:00 UTC */
#define SLOT_SIZE (32 + RECENT_BYTES)
/* Where a slot's fields are. */
#define AT_NUMBER 0
#define AT_TIME   8
#define AT_STORED 16
#define AT_WIRE   20
#define AT_LINK   24

struct recent_case {
    int fd;
    struct recent *recent;
    uint8_t *area; /* as a writer that scribbles sees it */
    char folder[64], path[96];
};

/* What a saved file holds. */
struct saved {
    int count, link;
    struct pcap_pkthdr header[RECENT_PACKETS];
    uint8_t first[RECENT_PACKETS], last[RECENT_PACKETS]; /* bytes of each */
};

static int setup(void **state)
{
    struct recent_case *c = calloc(1, sizeof *c);
    struct error error = {0};
    assert_non_null(c);
    c->fd = recent_create(&error);
    assert_true(c->fd >= 0);
    c->recent = recent_open(c->fd, &error);
    assert_non_null(c->recent);
    c->area = mmap(NULL, SLOT_SIZE * RECENT_PACKETS, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
    assert_ptr_not_equal(c->area, MAP_FAILED);
    snprintf(c->folder, sizeof c->folder, "/tmp/weir-recent.XXXXXX");
    assert_non_null(mkdtemp(c->folder));
    snprintf(c->path, sizeof c->path, "%s/last.pcap", c->folder);
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    struct recent_case *c = *state;
    recent_close(c->recent);
    munmap(c->area, SLOT_SIZE * RECENT_PACKETS);
    close(c->fd);
    unlink(c->path);
    int removed = rmdir(c->folder); /* nothing is left beside the file */
    free(c);
    return removed;
}

/* The packet of this number: its bytes all say so. */
static void put(struct recent_case *c, unsigned number, uint32_t captured, uint32_t wire, int link)
{
    static uint8_t bytes[4096];
    memset(bytes, (int)number, sizeof bytes);
    recent_put(c->recent, &(struct packet_raw){.data = bytes,
                                               .captured = captured,
                                               .wire_bytes = wire,
                                               .link = link,
                                               .time = {START + number}});
}

static void put_many(struct recent_case *c, unsigned count)
{
    for (unsigned i = 1; i <= count; i++)
        put(c, i, 60, 60, DLT_EN10MB);
}

static void read_back(const struct recent_case *c, struct saved *saved)
{
    char words[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const u_char *bytes;
    int got;
    memset(saved, 0, sizeof *saved);
    pcap_t *pcap =
        pcap_open_offline_with_tstamp_precision(c->path, PCAP_TSTAMP_PRECISION_NANO, words);
    assert_non_null(pcap);
    saved->link = pcap_datalink(pcap);
    while ((got = pcap_next_ex(pcap, &header, &bytes)) == 1) {
        assert_true(saved->count < RECENT_PACKETS && header->caplen <= RECENT_BYTES);
        saved->header[saved->count] = *header;
        saved->first[saved->count] = header->caplen ? bytes[0] : 0;
        saved->last[saved->count++] = header->caplen ? bytes[header->caplen - 1] : 0;
    }
    assert_int_equal(got, PCAP_ERROR_BREAK);
    pcap_close(pcap);
}

static void save(const struct recent_case *c, struct saved *saved, int expected)
{
    struct error error = {0};
    assert_int_equal(recent_save(c->fd, c->path, &error), expected);
    if (expected > 0)
        read_back(c, saved);
    else
        assert_int_equal(access(c->path, F_OK), -1);
}

/* --- what an honest writer leaves ------------------------------------------------------------ */

static void test_empty(void **state)
{
    struct saved saved;
    save(*state, &saved, 0);
}

static void test_few(void **state)
{
    struct saved saved;
    struct stat st;
    put(*state, 1, 60, 60, DLT_EN10MB);
    put(*state, 2, 4000, 4000, DLT_EN10MB); /* more than is kept */
    put(*state, 3, 100, 1500, DLT_EN10MB);  /* cut by the snap length */
    put(*state, 4, 100, 7, DLT_EN10MB);     /* a source that contradicts itself */
    put(*state, 5, 0, 0, DLT_EN10MB);
    save(*state, &saved, 5);
    static const uint32_t stored[] = {60, RECENT_BYTES, 100, 100, 0};
    static const uint32_t wire[] = {60, 4000, 1500, 100, 0};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(saved.header[i].caplen, stored[i]);
        assert_int_equal(saved.header[i].len, wire[i]);
        assert_int_equal(saved.header[i].ts.tv_sec, START / NS_PER_S);
        assert_int_equal(saved.header[i].ts.tv_usec, i + 1); /* nanoseconds */
        assert_int_equal(saved.first[i], stored[i] ? i + 1 : 0);
        assert_int_equal(saved.last[i], stored[i] ? i + 1 : 0);
    }
    assert_int_equal(saved.link, DLT_EN10MB);
    assert_int_equal(stat(((struct recent_case *)*state)->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_wrap_around(void **state)
{
    static const unsigned counts[] = {RECENT_PACKETS - 1, RECENT_PACKETS, RECENT_PACKETS + 1, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct recent_case *c = *state;
        struct saved saved;
        struct error error = {0};
        recent_close(c->recent);
        c->recent = recent_open(c->fd, &error); /* a new writer begins with nothing */
        assert_non_null(c->recent);
        put_many(c, counts[i]);
        int expected = counts[i] < RECENT_PACKETS ? (int)counts[i] : RECENT_PACKETS;
        save(c, &saved, expected);
        for (int j = 0; j < expected; j++)
            assert_int_equal(saved.header[j].ts.tv_usec, (int)counts[i] - expected + 1 + j);
    }
}

static void test_links(void **state)
{
    struct saved saved;
    put(*state, 1, 60, 60, DLT_EN10MB);
    put(*state, 2, 60, 60, DLT_RAW);
    put(*state, 3, 60, 60, DLT_EN10MB);
    put(*state, 4, 60, 60, DLT_RAW);
    save(*state, &saved, 2);
    assert_int_equal(saved.link, DLT_RAW);
    assert_true(saved.first[0] == 2 && saved.first[1] == 4);
}

/* The packet that is being looked at when the process dies is the last one of the file. */
static void test_crash(void **state)
{
    struct saved saved;
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        put_many(*state, 3);
        kill(getpid(), SIGKILL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    save(*state, &saved, 3);
    assert_int_equal(saved.first[2], 3);
}

/* Times that pcap cannot carry: the packet may be the one that is looked for. */
static void test_times(void **state)
{
    static const int64_t times[] = {-1, INT64_MIN, INT64_MAX, INT64_C(4294967296) * NS_PER_S};
    struct recent_case *c = *state;
    struct saved saved;
    for (size_t i = 0; i < 4; i++)
        recent_put(c->recent, &(struct packet_raw){.data = (const uint8_t *)"x",
                                                   .captured = 1,
                                                   .wire_bytes = 1,
                                                   .link = DLT_RAW,
                                                   .time = {times[i]}});
    save(c, &saved, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal((uint32_t)saved.header[i].ts.tv_sec, i < 2 ? 0 : UINT32_MAX);
        assert_int_equal(saved.header[i].ts.tv_usec, i < 2 ? 0 : NS_PER_S - 1);
    }
}

/* --- what a hostile one can leave ------------------------------------------------------------ */

static void scribble(struct recent_case *c, unsigned place, size_t at, uint64_t value, size_t size)
{
    memcpy(c->area + (size_t)place * SLOT_SIZE + at, &value, size);
}

static void test_one_field(void **state)
{
    static const struct {
        size_t at, size;
        uint64_t value;
    } bad[] = {
        {AT_NUMBER, 8, 0},                /* being written */
        {AT_NUMBER, 8, 6},                /* another slot's */
        {AT_NUMBER, 8, UINT64_MAX},       /* of no slot here */
        {AT_STORED, 4, RECENT_BYTES + 1}, /* more than there is */
        {AT_STORED, 4, UINT32_MAX},       /**/
        {AT_STORED, 4, 61},               /* more than was on the wire */
        {AT_WIRE, 4, 59},                 /**/
        {AT_LINK, 4, UINT32_MAX},         /* no link type */
        {AT_LINK, 4, DLT_RAW},            /* not the last one's */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct recent_case *c = *state;
        struct saved saved;
        struct error error = {0};
        recent_close(c->recent);
        c->recent = recent_open(c->fd, &error);
        put_many(c, 7);
        scribble(c, 5, bad[i].at, bad[i].value, bad[i].size);
        save(c, &saved, 6);
        for (int j = 0; j < 6; j++)
            assert_int_equal(saved.first[j], j < 4 ? j + 1 : j + 2); /* all but the fifth */
    }
}

/* The last packet says which link type is saved: not when it makes no sense itself. */
static void test_last_link(void **state)
{
    struct saved saved;
    put_many(*state, 7);
    scribble(*state, 7, AT_LINK, 77777, 4);
    save(*state, &saved, 6);
    assert_int_equal(saved.link, DLT_EN10MB);
}

static void test_all_scribbled(void **state)
{
    struct recent_case *c = *state;
    struct saved saved;
    static const uint8_t fills[] = {0x01, 0x41, 0x80, 0xff};
    for (size_t i = 0; i < sizeof fills; i++) {
        put_many(c, RECENT_PACKETS);
        memset(c->area, fills[i], SLOT_SIZE * RECENT_PACKETS);
        save(c, &saved, 0);
    }
    srand(20260302);
    for (int round = 0; round < 50; round++) { /* mostly sense, with fields that make none */
        struct error error = {0};
        put_many(c, RECENT_PACKETS);
        for (int i = 0; i < 200; i++)
            scribble(c, (unsigned)rand() % RECENT_PACKETS, (size_t)rand() % 28, (uint64_t)rand(),
                     4);
        int count = recent_save(c->fd, c->path, &error);
        assert_true(count > 0);
        read_back(c, &saved);
        assert_int_equal(saved.count, count);
    }
}

static void test_not_an_area(void **state)
{
    struct recent_case *c = *state;
    struct error error = {0};
    int small = memfd_create("small", MFD_CLOEXEC);
    assert_int_equal(ftruncate(small, 4096), 0);
    assert_int_equal(recent_save(small, c->path, &error), -1);
    assert_non_null(strstr(error.message, "4096 bytes, expected"));
    error = (struct error){0};
    assert_null(recent_open(small, &error));
    assert_int_equal(error.code, ERROR_RUN);
    close(small);
    /* Its size cannot change, whoever has it. */
    assert_int_equal(ftruncate(c->fd, 0), -1);
    assert_int_equal(ftruncate(c->fd, 1 << 20), -1);
}

static void test_no_place(void **state)
{
    struct recent_case *c = *state;
    struct error error = {0};
    put_many(c, 1);
    assert_int_equal(recent_save(c->fd, "/no/such/folder/last.pcap", &error), -1);
    assert_non_null(strstr(error.message, "/no/such/folder/last.pcap: No such file"));
    error = (struct error){0};
    assert_int_equal(recent_save(c->fd, c->folder, &error), -1); /* a folder is in the way */
    assert_int_equal(error.code, ERROR_RUN);
    char beside[128];
    snprintf(beside, sizeof beside, "%s.", c->folder);
    DIR *dir = opendir("/tmp");
    for (const struct dirent *entry; (entry = readdir(dir));)
        assert_int_not_equal(strncmp(entry->d_name, beside + 5, strlen(beside + 5)), 0);
    closedir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_few, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrap_around, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_times, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_last_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_scribbled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_an_area, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_place, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
