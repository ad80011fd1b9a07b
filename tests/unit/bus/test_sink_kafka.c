/* Kafka against librdkafka's mock cluster: brokers on the loopback, and a consumer that reads all
 * back. */
#include "sink_case.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#define PRODUCE 0 /* the protocol's key of the Produce request */

struct cluster {
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock;
    char *brokers;
};

static void set(rd_kafka_conf_t *config, const char *name, const char *value)
{
    char why[256];
    if (rd_kafka_conf_set(config, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        fail_msg("%s", why);
}

static void begin_cluster(struct cluster *cluster, int partitions)
{
    char why[256];
    rd_kafka_conf_t *config = rd_kafka_conf_new();
    set(config, "log_level", "0");
    cluster->owner = rd_kafka_new(RD_KAFKA_PRODUCER, config, why, sizeof why);
    assert_non_null(cluster->owner);
    cluster->mock = rd_kafka_mock_cluster_new(cluster->owner, 3);
    cluster->brokers = xstrdup(rd_kafka_mock_cluster_bootstraps(cluster->mock));
    assert_int_equal(rd_kafka_mock_topic_create(cluster->mock, "alerts", partitions, 1), 0);
}

static void end_cluster(struct cluster *cluster)
{
    rd_kafka_mock_cluster_destroy(cluster->mock);
    rd_kafka_destroy(cluster->owner);
    free(cluster->brokers);
}

/* --- reading back ----------------------------------------------------------------------------- */

struct read_back {
    size_t lines;
    unsigned *times;      /* by line number */
    size_t by_host[7];    /* the highest line of a host so far */
    int32_t partition[7]; /* where the host's lines are */
};

static void note(struct read_back *back, const rd_kafka_message_t *message)
{
    struct json_value *record = json_parse(message->payload, message->len, NULL);
    char id[40], key[16];
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    assert_non_null(record);
    const char *text = json_text(json_get(record, "message"));
    size_t number = (size_t)strtoul(text + 5, NULL, 10), host = number % 7;
    snprintf(id, sizeof id, "%032zx", number);
    snprintf(key, sizeof key, "10.0.0.%zu", host);
    assert_int_equal(rd_kafka_message_headers(message, &headers), 0);
    assert_int_equal(rd_kafka_header_get_last(headers, "weir-id", &value, &size), 0);
    assert_memory_equal(value, id, 32);
    assert_int_equal(message->key_len, strlen(key));
    assert_memory_equal(message->key, key, message->key_len);
    assert_true(number >= 1 && number <= back->lines);
    if (back->times[number]++ == 0) {
        assert_true(number > back->by_host[host]); /* a host's lines are in order */
        back->by_host[host] = number;
    }
    if (back->partition[host] < 0)
        back->partition[host] = message->partition;
    assert_int_equal(back->partition[host], message->partition);
    json_value_free(record);
}

static rd_kafka_t *begin_consumer(const struct cluster *cluster, int partitions)
{
    char why[256];
    rd_kafka_conf_t *config = rd_kafka_conf_new();
    set(config, "bootstrap.servers", cluster->brokers);
    set(config, "group.id", "test");
    set(config, "auto.offset.reset", "earliest");
    set(config, "enable.auto.commit", "false");
    rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, config, why, sizeof why);
    assert_non_null(consumer);
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, "alerts", i)->offset = 0;
    assert_int_equal(rd_kafka_assign(consumer, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    return consumer;
}

/* Every line but every `missing`th is there; how many came again. */
static size_t expect_back(const struct cluster *cluster, int partitions, size_t lines,
                          size_t missing)
{
    struct read_back back = {.lines = lines, .times = xcalloc(lines + 1, sizeof(unsigned))};
    size_t different = 0, again = 0, expected = missing ? lines - lines / missing : lines;
    memset(back.partition, 0xff, sizeof back.partition);
    rd_kafka_t *consumer = begin_consumer(cluster, partitions);
    int idle = 0;
    while (idle < 100 && different < expected) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        idle = message ? 0 : idle + 1;
        if (message && !message->err) {
            note(&back, message);
            different = 0;
        }
        if (message)
            rd_kafka_message_destroy(message);
        if (!message || idle)
            for (size_t i = 1, count = 0; i <= lines; i++, different = count)
                count += back.times[i] > 0;
    }
    for (size_t i = 1; i <= lines; i++) {
        assert_true((back.times[i] == 0) == (missing && i % missing == 0));
        again += back.times[i] > 1;
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    free(back.times);
    return again;
}

/* --- tests ------------------------------------------------------------------------------------ */

static struct sink_case *open_case(const struct cluster *cluster)
{
    return case_open(
        &sink_kafka, "ecs",
        (const struct given[]){{"brokers", cluster->brokers}, {"topic", "alerts"}, {0}});
}

#define MANY 20000 /* what the mock cluster keeps: 5 MB a partition */
#define SOME 8000

static void test_delivers(void **state)
{
    (void)state;
    struct cluster cluster;
    begin_cluster(&cluster, 4);
    struct sink_case *c = open_case(&cluster);
    case_lines(c, 1, MANY, false);
    int64_t before = wtime_now().ns;
    assert_true(case_run(c, MANY, 60000));
    print_message("kafka: %.0f lines/s\n", MANY * 1e9 / (double)(wtime_now().ns - before));
    assert_int_equal(c->failures, 0);
    assert_true(c->in_order);
    before = wtime_now().ns;
    case_end(c);
    print_message("closed in %.0f ms\n", (double)(wtime_now().ns - before) / 1e6);
    assert_int_equal(expect_back(&cluster, 4, MANY, 0), 0);
    end_cluster(&cluster);
}

static void test_dies(void **state)
{
    (void)state;
    struct cluster cluster;
    begin_cluster(&cluster, 4);
    struct sink_case *c = open_case(&cluster);
    case_lines(c, 1, SOME / 2, false);
    assert_true(case_run(c, SOME / 2, 30000));
    for (int32_t i = 1; i <= 3; i++)
        rd_kafka_mock_broker_set_down(cluster.mock, i);
    case_lines(c, SOME / 2 + 1, SOME, false);
    case_run_to_failure(c, 30000);
    assert_int_equal(c->taken, SOME / 2);
    assert_non_null(strstr(c->why, "kafka: "));
    for (int32_t i = 1; i <= 3; i++)
        rd_kafka_mock_broker_set_up(cluster.mock, i);
    assert_true(case_run(c, SOME, 60000));
    assert_true(c->in_order);
    case_end(c);
    print_message("%zu came again\n", expect_back(&cluster, 4, SOME, 0));
    end_cluster(&cluster);
}

/* A broker refuses a batch: its lines go again one by one, and nothing is lost. */
static void test_batch_refused(void **state)
{
    (void)state;
    struct cluster cluster;
    begin_cluster(&cluster, 1);
    struct sink_case *c = open_case(&cluster);
    rd_kafka_mock_push_request_errors(cluster.mock, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    case_lines(c, 1, 200, false);
    assert_true(case_run(c, 200, 20000));
    assert_int_equal(c->failures, 1);
    assert_int_equal(c->refusals, 0);
    case_lines(c, 201, 400, false); /* and then in batches again */
    assert_true(case_run(c, 400, 20000));
    case_end(c);
    assert_int_equal(expect_back(&cluster, 1, 400, 0), 0);
    end_cluster(&cluster);
}

/* A line that no broker takes: it alone is refused, in its order. */
static void test_line_refused(void **state)
{
    (void)state;
    struct cluster cluster;
    begin_cluster(&cluster, 1);
    struct sink_case *c = open_case(&cluster);
    char *huge = xcalloc(1, 1100001);
    memset(huge, 'x', 1100000);
    case_lines(c, 1, 9, false);
    case_line(c, "{}", huge);
    assert_true(case_run(c, 10, 20000));
    assert_int_equal(c->refusals, 1);
    assert_int_equal(c->refused[0], 10);
    assert_non_null(strstr(c->refused_why, "too large"));
    assert_int_equal(c->failures, 0);
    case_end(c);
    expect_back(&cluster, 1, 10, 10);
    free(huge);
    end_cluster(&cluster);
}

static void test_nobody(void **state)
{
    (void)state;
    char brokers[32];
    snprintf(brokers, sizeof brokers, "127.0.0.1:%d", free_port());
    struct sink_case *c = case_open(
        &sink_kafka, "ecs", (const struct given[]){{"brokers", brokers}, {"topic", "a"}, {0}});
    case_lines(c, 1, 20000, false);
    case_run_to_failure(c, 20000);
    assert_int_equal(c->taken, 0);
    assert_non_null(strstr(c->why, "Connection refused"));
    int64_t before = wtime_now().ns;
    case_end(c);
    print_message("closed in %.0f ms\n", (double)(wtime_now().ns - before) / 1e6);
}

/* Accepts and says nothing. */
static void test_hangs(void **state)
{
    (void)state;
    char brokers[32];
    int fd = listen_at(0);
    snprintf(brokers, sizeof brokers, "127.0.0.1:%d", port_of(fd));
    struct sink_case *c = case_open(
        &sink_kafka, "ecs", (const struct given[]){{"brokers", brokers}, {"topic", "a"}, {0}});
    case_lines(c, 1, 10, false);
    case_run_to_failure(c, 20000);
    assert_int_equal(c->taken, 0);
    int64_t before = wtime_now().ns;
    case_end(c);
    print_message("closed in %.0f ms\n", (double)(wtime_now().ns - before) / 1e6);
    close(fd);
}

static void test_settings(void **state)
{
    (void)state;
#define GIVEN(...)                                                                                 \
    (const struct given[])                                                                         \
    {                                                                                              \
        {"brokers", "a:1"}, {"topic", "t"}, __VA_ARGS__,                                           \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
    case_refuses(&sink_kafka, "ecs", GIVEN({"options", "novalue"}), "key=value");
    case_refuses(&sink_kafka, "ecs", GIVEN({"options", "no.such=1"}), "no.such");
    case_refuses(&sink_kafka, "ecs", GIVEN({"options", "acks=0"}), "acks is not to be set");
    case_refuses(&sink_kafka, "ecs", GIVEN({"options", "sasl.password=hunter2"}),
                 "sasl_password_file");
    case_refuses(&sink_kafka, "ecs", GIVEN({"options", "plugin.library.paths=/tmp/x"}),
                 "is not to be set");
    case_refuses(&sink_kafka, "ecs", GIVEN({"sasl_password_file", "/nowhere"}), "/nowhere");
    case_refuses(
        &sink_kafka, "ecs",
        GIVEN({"options", "security.protocol=ssl"}, {"options", "ssl.ca.location=/nowhere.pem"}),
        "kafka: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),     cmocka_unit_test(test_delivers),
        cmocka_unit_test(test_dies),         cmocka_unit_test(test_batch_refused),
        cmocka_unit_test(test_line_refused), cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
