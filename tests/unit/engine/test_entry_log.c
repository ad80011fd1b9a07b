/* The log of entries: what was appended is found again, a torn end is cut at the last whole entry
 * wherever it is torn, and damage before good entries is damage. */
#include "records.h"

#include "../../../sensor/engine/entry_log.h"

#include <stdlib.h>
#include <unistd.h>

#define LAYOUT 77
#define NUMBER 5

static char *new_path(void)
{
    char *path = xstrdup("/tmp/weir-entry-log-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    return path;
}

static void put_entry(struct buffer *batch, enum entry_kind kind, const void *payload, size_t size)
{
    struct entry entry = {.kind = (uint16_t)kind, .size = (uint32_t)size, .worker = 1};
    buffer_put(batch, &entry, sizeof entry);
    if (size > 0)
        buffer_put(batch, payload, size);
}

static void put_flow(struct buffer *batch, uint64_t number)
{
    union any_record record;
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    make_flow(&record, number, (int64_t)number, &key, 1, 1);
    put_entry(batch, ENTRY_RECORD, &record, record.header.size);
}

/* Attach, two records, an answer, a loss, in two batches; read back as one file. */
static void write_log(const char *path, struct buffer *bytes)
{
    static const char why[WHY_SIZE] = "died (signal 9)";
    struct entry_loaded loaded[2] = {{.blob_size = sizeof(struct entry_loaded)}};
    struct entry_log log = {.fd = -1};
    struct buffer batch = {0};
    struct error error = {0};
    assert_int_equal(log_begin(&log, path, LAYOUT, NUMBER, &error), 0);
    put_entry(&batch, ENTRY_ATTACH, NULL, 0);
    put_flow(&batch, 1);
    assert_int_equal(log_append(&log, batch.data, batch.size, &error), 0);
    batch.size = 0;
    put_entry(&batch, ENTRY_LOADED, loaded, sizeof loaded);
    put_entry(&batch, ENTRY_LOST, why, sizeof why);
    put_flow(&batch, 2);
    assert_int_equal(log_append(&log, batch.data, batch.size, &error), 0);
    log_close(&log);
    buffer_fini(&batch);
    assert_int_equal(log_read(path, bytes), LOG_OK);
    assert_int_equal(bytes->size, log.bytes);
}

static size_t count_entries(const uint8_t *bytes, size_t end, size_t *last)
{
    size_t count = 0;
    for (size_t at = LOG_FIRST; at < end; count++) {
        *last = at;
        at += sizeof(struct entry) + log_entry(bytes, at)->size;
    }
    return count;
}

static void test_what_was_appended_is_found(void **state)
{
    struct buffer bytes = {0};
    struct log_header header;
    size_t end, last;
    char *path = new_path();
    (void)state;
    write_log(path, &bytes);
    assert_int_equal(log_check(bytes.data, bytes.size, LAYOUT, &header, &end), LOG_OK);
    assert_int_equal(end, bytes.size);
    assert_int_equal(header.number, NUMBER);
    assert_int_equal(header.attempts, 0);
    assert_int_equal(count_entries(bytes.data, end, &last), 5);
    assert_int_equal(log_entry(bytes.data, LOG_FIRST)->kind, ENTRY_ATTACH);
    assert_int_equal(log_entry(bytes.data, last)->kind, ENTRY_RECORD);
    assert_int_equal(log_check(bytes.data, bytes.size, LAYOUT + 1, &header, &end), LOG_OTHER);
    unlink(path);
    free(path);
    buffer_fini(&bytes);
}

static void test_torn_at_every_byte(void **state)
{
    struct buffer bytes = {0};
    struct log_header header;
    size_t end, last, whole;
    char *path = new_path();
    (void)state;
    write_log(path, &bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *copy = malloc(size ? size : 1); /* exact: the sanitizer sees one byte more */
        assert_non_null(copy);
        memcpy(copy, bytes.data, size);
        enum log_result result = log_check(copy, size, LAYOUT, &header, &end);
        assert_int_equal(result, size < LOG_FIRST ? LOG_NONE : LOG_OK);
        if (result == LOG_OK) { /* all that is whole, nothing that is not */
            size_t count = count_entries(copy, end, &whole);
            assert_true(end <= size && count < 5);
            size_t next = end + sizeof(struct entry) + log_entry(bytes.data, end)->size;
            assert_true(next > size);
        }
        free(copy);
    }
    count_entries(bytes.data, bytes.size, &last);
    /* Gone on behind the torn end: what is appended follows the last whole entry. */
    assert_int_equal(truncate(path, (off_t)last + 11), 0);
    struct entry_log log = {.fd = -1};
    struct buffer batch = {0}, again = {0};
    log_check(bytes.data, last + 11, LAYOUT, &header, &end);
    assert_int_equal(log_open(&log, path, &header, end, NULL), 0);
    put_flow(&batch, 3);
    assert_int_equal(log_append(&log, batch.data, batch.size, NULL), 0);
    assert_int_equal(log_set_attempts(&log, 2), 0);
    log_close(&log);
    assert_int_equal(log_read(path, &again), LOG_OK);
    assert_int_equal(log_check(again.data, again.size, LAYOUT, &header, &end), LOG_OK);
    assert_int_equal(end, again.size);
    assert_int_equal(header.attempts, 2);
    assert_int_equal(count_entries(again.data, end, &last), 5);
    buffer_fini(&batch);
    buffer_fini(&again);
    buffer_fini(&bytes);
    unlink(path);
    free(path);
}

static void test_every_byte_changed(void **state)
{
    struct buffer bytes = {0};
    struct log_header header;
    size_t end, last;
    char *path = new_path();
    (void)state;
    write_log(path, &bytes);
    count_entries(bytes.data, bytes.size, &last);
    for (size_t at = 0; at < bytes.size; at++) {
        bytes.data[at] ^= 0x10;
        enum log_result result = log_check(bytes.data, bytes.size, LAYOUT, &header, &end);
        if (at >= offsetof(struct log_header, attempts) && at < LOG_FIRST)
            assert_int_equal(result, LOG_OK); /* a counter, no more */
        else if (at < last)
            assert_int_equal(result, LOG_DAMAGED);
        else
            assert_true(result == LOG_OK && end == last);
        bytes.data[at] ^= 0x10;
    }
    buffer_fini(&bytes);
    unlink(path);
    free(path);
}

static void test_files_that_are_not(void **state)
{
    struct buffer bytes = {0};
    struct log_header header;
    struct error error = {0};
    struct entry_log log = {.fd = -1};
    size_t end;
    (void)state;
    assert_int_equal(log_read("/tmp/weir-no-such-folder/log", &bytes), LOG_NONE);
    assert_int_equal(log_begin(&log, "/tmp/weir-no-such-folder/log", 1, 1, &error), -1);
    assert_int_equal(error.code, ERROR_RUN);
    buffer_text(&bytes, "%100s", "something else");
    assert_int_equal(log_check(bytes.data, bytes.size, LAYOUT, &header, &end), LOG_DAMAGED);
    buffer_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_appended_is_found),
        cmocka_unit_test(test_torn_at_every_byte),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_files_that_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
