/* Files through libpcap and our own reader: packets, times, lengths and the digest, against what
 * was written. */
#include "files.h"

#include "../../../sensor/capture/files.h"
#include "../../../sensor/capture/filter.h"
#include "weir/capture/source.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#define TIMES 4
static const int64_t times[TIMES] = {START, START + 1, START + 123456789, START + 86400 * NS_PER_S};

static struct filter *compiled; /* of the last source; it outlives it */

static struct source *open_path(const char *path, const char *filter, struct error *error)
{
    filter_free(compiled);
    compiled = filter_new(filter, error);
    struct source_options options = {.filter = compiled, .digest = true};
    int fd = compiled ? source_descriptor(path, error) : -1;
    return fd < 0 ? NULL : source_open(path, fd, &options, error);
}

static struct source *open_good(const char *path, const char *filter)
{
    struct error error = {0};
    struct source *source = open_path(path, filter, &error);
    if (!source)
        fail_msg("%s", error.message);
    return source;
}

static void expect_refused(const char *path, const char *filter, enum error_code code,
                           const char *words)
{
    struct error error = {0};
    assert_null(open_path(path, filter, &error));
    assert_int_equal(error.code, code);
    if (!strstr(error.message, words))
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
    assert_null(strchr(error.message, '\n'));
}

static void expect_end(struct source *source, enum source_result want, const char *words)
{
    struct packet_raw raw;
    struct error error = {0};
    assert_int_equal(source_next(source, &raw, &error), want);
    if (words && !strstr(error.message, words))
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
}

static void make(struct file *file, enum file_kind kind)
{
    struct frame frame;
    file_begin(file, kind, 1);
    for (uint32_t i = 0; i < TIMES; i++) {
        frame_udp(&frame, 0x0a000001, 1000, 0xc6336401, (uint16_t)(2000 + i), "hello", 5);
        file_packet(file, times[i], frame.data, frame.size - i, frame.size);
    }
    file_write(file);
}

#define LARGE (2000 * 9) /* packets */

/* More than two buffers of the usual size hold. */
static void make_large(struct file *file)
{
    file_begin(file, FILE_PCAP, 1);
    for (unsigned i = 0; i < LARGE / 9; i++)
        file_connection(file, START + i * NS_PER_S, 0x0a000001, (uint16_t)i, 0xc6336401, 1);
    assert_true(file->bytes.size > (2u << 20));
}

static void test_every_kind_of_file(void **state)
{
    (void)state;
    for (int kind = FILE_PCAP; kind <= FILE_PCAPNG; kind++) {
        struct file file;
        struct packet_raw raw;
        uint8_t want[SHA256_SIZE], have[SHA256_SIZE];
        bool nano = kind == FILE_PCAP_NANO || kind == FILE_PCAPNG;
        make(&file, (enum file_kind)kind);
        struct source *source = open_good(file.path, NULL);
        assert_string_equal(source_link_name(source), "EN10MB");
        assert_int_equal(source_size(source), file.bytes.size);
        for (uint32_t i = 0; i < TIMES; i++) {
            assert_int_equal(source_next(source, &raw, NULL), SOURCE_PACKET);
            assert_int_equal(raw.time.ns, nano ? times[i] : times[i] / 1000 * 1000);
            assert_int_equal(raw.wire_bytes, 14 + 20 + 8 + 5);
            assert_int_equal(raw.captured, raw.wire_bytes - i);
            assert_int_equal(raw.link, 1);
            assert_int_equal(raw.data[37], (2000 + i) & 255);
        }
        expect_end(source, SOURCE_END, NULL);
        source_digest(source, have);
        assert_int_equal(source_bytes_read(source), file.bytes.size);
        digest_sha256(file.bytes.data, file.bytes.size, want);
        assert_memory_equal(have, want, sizeof want);
        source_free(source);
        file_end(&file);
    }
}

/* The digest names the file, also when nobody read it to its end. */
static void test_digest_of_a_file_half_read(void **state)
{
    struct file file;
    struct packet_raw raw;
    uint8_t want[SHA256_SIZE], have[SHA256_SIZE];
    (void)state;
    make_large(&file);
    file_write(&file);
    struct source *source = open_good(file.path, NULL);
    assert_int_equal(source_next(source, &raw, NULL), SOURCE_PACKET);
    assert_true(source_bytes_read(source) < file.bytes.size);
    source_digest(source, have);
    digest_sha256(file.bytes.data, file.bytes.size, want);
    assert_memory_equal(have, want, sizeof want);
    source_free(source);
    file_end(&file);
}

/* The file as an lz4 frame: its one block, all literals, and unless it is cut there an end. */
static void pack(struct file *file, bool cut)
{
    static const uint8_t head[] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73}; /* blocks to 4 MiB */
    struct buffer packed = {0};
    size_t left = file->bytes.size - 15, more = left / 255 + 1;
    assert_true(file->bytes.size < (4u << 20) - more);
    buffer_put(&packed, head, sizeof head);
    buffer_le32(&packed, (uint32_t)(1 + more + file->bytes.size));
    buffer_put(&packed, "\xf0", 1); /* 15 literals and more */
    for (; left >= 255; left -= 255)
        buffer_put(&packed, "\xff", 1);
    buffer_put(&packed, &(uint8_t){(uint8_t)left}, 1);
    buffer_put(&packed, file->bytes.data, file->bytes.size);
    if (!cut)
        buffer_le32(&packed, 0);
    buffer_fini(&file->bytes);
    file->bytes = packed;
}

/* By a thread of its own while packets are looked at: they and the digest are the same, in blocks
 * of any size, whoever reads (pcapng's blocks are hashed before they are parsed), and also of a
 * source that is put away with a block under way. Returns how many blocks were the thread's. */
static uint64_t read_aside(const struct file *file, size_t aside_bytes, size_t buffer_bytes,
                           unsigned packets)
{
    struct error error = {0};
    struct source_options options = {
        .digest = true, .digest_aside = aside_bytes, .buffer_bytes = buffer_bytes};
    int fd = source_descriptor(file->path, &error);
    struct source *source = source_open(file->path, fd, &options, &error),
                  *alone = open_good(file->path, NULL);
    uint8_t want[SHA256_SIZE], have[SHA256_SIZE];
    assert_non_null(source);
    for (unsigned i = 0; i < packets; i++) {
        struct packet_raw raw, other, ahead;
        if (i == packets / 2) {
            source_sleep(source);
            assert_int_equal(source_wake(source, &error), 0);
            for (unsigned again = 0; again < i; again++)
                assert_int_equal(source_next(source, &raw, &error), SOURCE_PACKET);
        }
        assert_int_equal(source_next(source, &raw, &error), SOURCE_PACKET);
        assert_int_equal(source_next(alone, &other, &error), SOURCE_PACKET);
        assert_int_equal(raw.time.ns, other.time.ns);
        assert_int_equal(raw.captured, other.captured);
        assert_memory_equal(raw.data, other.data, raw.captured);
        source_ahead(source, &ahead);
    }
    expect_end(source, SOURCE_END, NULL);
    uint64_t blocks = source_hashed_aside(source);
    assert_int_equal(source_hashed_aside(alone), 0);
    assert_true(source_digest(source, have));
    digest_sha256(file->bytes.data, file->bytes.size, want);
    assert_memory_equal(have, want, sizeof want);
    source_free(source);
    source_free(alone);
    return blocks;
}

static void test_digest_by_a_thread_of_its_own(void **state)
{
    (void)state;
    for (int kind = FILE_PCAP; kind <= FILE_PCAPNG; kind++) {
        struct file file;
        struct frame frame;
        unsigned packets = 200;
        file_begin(&file, (enum file_kind)kind, 1);
        for (uint32_t i = 0; i < packets; i++) {
            frame_udp(&frame, 0x0a000001, 1000, 0xc6336401, (uint16_t)i, "hello there", i % 12);
            file_packet(&file, START + i, frame.data, frame.size, frame.size);
        }
        file_write(&file);
        bool in_place = kind != FILE_PCAPNG;
        /* Less than a packet; the first read is made before it is known what it is. */
        assert_int_equal(read_aside(&file, 1, 64, packets) > file.bytes.size / 64 / 4, in_place);
        assert_int_equal(read_aside(&file, 1, 4096, packets) > 0, in_place);
        assert_int_equal(read_aside(&file, 4097, 4096, packets), 0); /* not worth it */
        assert_int_equal(read_aside(&file, 1, 0, packets), 0);       /* nothing is left for it */
        file_end(&file);
    }
}

/* In buffers of the usual size, of which there are several; packed, as it lies. */
static void test_digest_aside_of_a_large_file(void **state)
{
    struct file file;
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        make_large(&file);
        if (packed)
            pack(&file, false);
        file_write(&file);
        assert_true(read_aside(&file, 16u << 10, 0, LARGE) >= 1);
        assert_int_equal(read_aside(&file, 0, 0, LARGE), 0);
        file_end(&file);
    }
}

/* A thread each is for few inputs: there may be a thousand. */
static void test_digest_aside_of_few_files(void **state)
{
    struct file file;
    cpu_set_t set;
    (void)state;
    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 2)
        skip();
    make_large(&file);
    file_write(&file);
    for (size_t count = 16; count <= 17; count++) {
        struct capture_file paths[17];
        struct capture_input input[17];
        struct capture_config config = {.files = paths, .file_count = count};
        struct meter meter = {0};
        struct brake brake;
        struct files files;
        struct error error = {0};
        struct packet_raw raw;
        for (size_t i = 0; i < count; i++)
            paths[i] = (struct capture_file){.path = file.path, .fd = -1};
        assert_int_equal(brake_init(&brake, &meter, &error), 0);
        assert_int_equal(files_open(&files, &config, input, &error), 0);
        assert_int_equal(files_start(&files, input, true, &brake, &error), 0);
        struct source *source = files.lane[count - 1].source;
        assert_int_equal(source_wake(source, &error), 0);
        while (source_next(source, &raw, &error) == SOURCE_PACKET)
            continue;
        assert_int_equal(source_hashed_aside(source) > 0, count == 16);
        files_close(&files);
        brake_fini(&brake);
    }
    file_end(&file);
}

static void test_filters(void **state)
{
    struct file file;
    struct packet_raw raw;
    (void)state;
    make(&file, FILE_PCAP);
    struct source *source = open_good(file.path, "udp dst port 2002");
    assert_int_equal(source_next(source, &raw, NULL), SOURCE_PACKET);
    assert_int_equal(raw.data[37], 2002 & 255);
    expect_end(source, SOURCE_END, NULL);
    source_free(source);
    expect_refused(file.path, "udp dst port port", ERROR_USAGE, "filter \"udp dst port port\": ");
    source = open_good(file.path, "");
    source_free(source);
    file_end(&file);
}

/* A link type that decode reads and no filter is made for would pass as if it were not read. Of
 * MPLS and NFLOG libpcap can filter nothing, and that is said. */
static void test_filters_for_every_link_type_that_is_read(void **state)
{
    struct error none = {0};
    struct filter *filter = filter_new("tcp or udp port 53", &none);
    int read = 0;
    (void)state;
    assert_non_null(filter);
    for (int link = 0; link < 400; link++) {
        const struct bpf_program *program;
        struct error error = {0};
        if (filter_program(filter, link, &program, &error) != 0)
            assert_non_null(strstr(error.message, "filtering not implemented"));
        else if ((program != NULL) != decode_reads_link(link))
            fail_msg("link type %d", link);
        read += program != NULL;
    }
    assert_true(read > 15);
    filter_free(filter);
}

/* What a library has unpacked and holds back, of lz4 up to a block, is told before more is asked
 * for: also where a file ends behind one, or does not grow on for now. */
static void test_packed_and_cut_at_a_block(void **state)
{
    struct file file;
    struct packet_raw raw;
    struct error error = {0};
    unsigned packets = 0;
    (void)state;
    make_large(&file);
    pack(&file, true);
    file_write(&file);
    struct source *source = open_good(file.path, NULL);
    while (source_next(source, &raw, &error) == SOURCE_PACKET)
        packets++;
    assert_int_equal(packets, LARGE);
    assert_non_null(strstr(error.message, "lz4 data ends early"));
    source_free(source);
    file_end(&file);
}

static void test_filters_before_there_is_a_source(void **state)
{
    struct error error = {0};
    (void)state;
    assert_int_equal(source_check_filter(NULL, &error), 0);
    assert_int_equal(source_check_filter("", &error), 0);
    assert_int_equal(source_check_filter("vlan 7 and tcp port 80", &error), 0);
    assert_int_equal(source_check_filter("ether host 00:11:22:33:44:55", &error), 0);
    assert_int_equal(error.code, ERROR_NONE);
    assert_int_equal(source_check_filter("tcp port", &error), -1);
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, "filter \"tcp port\": "));
}

static void test_what_is_no_capture(void **state)
{
    struct file file = {.kind = FILE_PCAP};
    char folder[] = "/tmp/weir-source-XXXXXX";
    (void)state;
    expect_refused("/tmp/weir-source-none", NULL, ERROR_INPUT, "No such file");
    assert_non_null(mkdtemp(folder));
    expect_refused(folder, NULL, ERROR_INPUT, "is a directory");
    rmdir(folder);
    file_write(&file);
    expect_refused(file.path, NULL, ERROR_INPUT, "empty");
    file_end(&file);
    file = (struct file){.kind = FILE_PCAP};
    buffer_text(&file.bytes, "this is not a capture, it is text of some length");
    file_write(&file);
    expect_refused(file.path, NULL, ERROR_INPUT, "not a capture");
    file_end(&file);
}

/* Cut at every byte: so many packets, then the end or a line that says how far it came. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    for (int kind = FILE_PCAP; kind <= FILE_PCAPNG; kind++) {
        struct file file;
        make(&file, (enum file_kind)kind);
        for (size_t size = 0; size < file.bytes.size; size++) {
            struct error error = {0};
            struct packet_raw raw;
            assert_int_equal(truncate(file.path, (off_t)file.bytes.size), 0);
            assert_int_equal(truncate(file.path, (off_t)size), 0);
            struct source *source = open_path(file.path, NULL, &error);
            unsigned packets = 0;
            enum source_result result = SOURCE_PACKET;
            while (source && (result = source_next(source, &raw, &error)) == SOURCE_PACKET)
                packets++;
            char words[64];
            snprintf(words, sizeof words, "damaged after %u packets", packets);
            if (source && result == SOURCE_DAMAGED && !strstr(error.message, words))
                fail_msg("cut at %zu: %s", size, error.message);
            assert_true(packets < TIMES);
            assert_true((error.code == ERROR_NONE) == (source && result == SOURCE_END));
            source_free(source);
            int fd = open(file.path, O_WRONLY | O_CLOEXEC); /* put it back for the next cut */
            assert_int_equal(pwrite(fd, file.bytes.data, file.bytes.size, 0), file.bytes.size);
            close(fd);
        }
        file_end(&file);
    }
}

/* A pcapng time stamp may name any second: what no clock shows is the nearest that records carry.
 */
static void test_times_beyond_any_clock(void **state)
{
    static const struct {
        uint32_t high, low;
    } stamp[] = {{0xffffffff, 0xffffffff}, {0x7fffffff, 0xffffffff}, {0x80000000, 0}, {0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof stamp / sizeof *stamp; i++)
        for (uint32_t resolution = 0; resolution <= 9; resolution += 3) {
            struct file file;
            struct packet_raw raw;
            int64_t time = (int64_t)((uint64_t)stamp[i].high << 32 | stamp[i].low);
            file_begin(&file, FILE_PCAPNG, 1);
            file.bytes.data[28 + 20] = (uint8_t)resolution;
            file_packet(&file, time, "0123456789abcdef", 16, 16);
            file_write(&file);
            struct source *source = open_good(file.path, NULL);
            assert_int_equal(source_next(source, &raw, NULL), SOURCE_PACKET);
            assert_true(raw.time.ns < INT64_MAX / 2 - NS_PER_DAY);
            assert_true(raw.time.ns > -INT64_MAX / 2 + NS_PER_DAY);
            source_free(source);
            file_end(&file);
        }
}

static void test_more_kept_than_there_was(void **state)
{
    struct file file;
    struct packet_raw raw;
    (void)state;
    file_begin(&file, FILE_PCAP, 1);
    file_packet(&file, START, "0123456789abcdef", 16, 4);
    file_write(&file);
    struct source *source = open_good(file.path, NULL);
    assert_int_equal(source_next(source, &raw, NULL), SOURCE_PACKET);
    assert_int_equal(raw.captured, 16);
    assert_int_equal(raw.wire_bytes, 16); /* captured ≤ wire, whatever the file says */
    source_free(source);
    file_end(&file);
}

static void test_standard_input(void **state)
{
    struct file file;
    struct packet_raw raw;
    int saved = dup(STDIN_FILENO), fd;
    (void)state;
    make(&file, FILE_PCAP_NANO);
    fd = open(file.path, O_RDONLY | O_CLOEXEC);
    assert_true(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    close(fd);
    struct source *source = open_good("-", NULL);
    for (int i = 0; i < TIMES; i++) {
        assert_int_equal(source_next(source, &raw, NULL), SOURCE_PACKET);
        assert_int_equal(raw.time.ns, times[i]);
    }
    expect_end(source, SOURCE_END, NULL);
    source_free(source);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* it is not ours to close */
    dup2(saved, STDIN_FILENO);
    close(saved);
    file_end(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_file),
        cmocka_unit_test(test_digest_of_a_file_half_read),
        cmocka_unit_test(test_digest_by_a_thread_of_its_own),
        cmocka_unit_test(test_digest_aside_of_a_large_file),
        cmocka_unit_test(test_digest_aside_of_few_files),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_filters_for_every_link_type_that_is_read),
        cmocka_unit_test(test_packed_and_cut_at_a_block),
        cmocka_unit_test(test_filters_before_there_is_a_source),
        cmocka_unit_test(test_what_is_no_capture),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_times_beyond_any_clock),
        cmocka_unit_test(test_more_kept_than_there_was),
        cmocka_unit_test(test_standard_input),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    filter_free(compiled);
    return failed;
}
