/* Kafka against librdkafka's mock cluster. */
#include "kafka_case.h"

#define PRODUCE 0 /* the protocol's key of the Produce request */

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

static void deliver_beat(struct sink_case *(*open)(const struct cluster *cluster), const char *key)
{
    static const char beat[] =
        "{\"@timestamp\":\"2026-03-02T01:05:00.000Z\",\"event\":{\"kind\":\"metric\","
        "\"dataset\":\"weir.heartbeat\",\"id\":\"b7\"},\"observer\":{\"name\":\"tap1\"}}";
    struct cluster cluster;
    rd_kafka_message_t *message = NULL;
    begin_cluster(&cluster, 1);
    struct sink_case *c = open(&cluster);
    case_line(c, beat, NULL);
    assert_true(case_run(c, 1, 60000));
    case_end(c);
    rd_kafka_t *consumer = begin_consumer(&cluster, 1);
    for (int i = 0; i < 300 && !message; i++)
        message = rd_kafka_consumer_poll(consumer, 100);
    assert_non_null(message);
    assert_int_equal(message->err, RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(message->key_len, strlen(key));
    assert_memory_equal(message->key, key, strlen(key));
    assert_int_equal(message->len, sizeof beat - 1);
    assert_memory_equal(message->payload, beat, sizeof beat - 1);
    rd_kafka_message_destroy(message);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    end_cluster(&cluster);
}

/* It is of no host: the sensor is its key. */
static void test_heartbeat(void **state)
{
    (void)state;
    deliver_beat(open_case, "tap1");
}

static struct sink_case *open_by_id(const struct cluster *cluster)
{
    return case_open(&sink_kafka, "ecs",
                     (const struct given[]){
                         {"brokers", cluster->brokers}, {"topic", "alerts"}, {"key", "id"}, {0}});
}

static void test_key_is_the_id(void **state)
{
    (void)state;
    deliver_beat(open_by_id, "b7");
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
        cmocka_unit_test(test_settings),      cmocka_unit_test(test_delivers),
        cmocka_unit_test(test_dies),          cmocka_unit_test(test_batch_refused),
        cmocka_unit_test(test_line_refused),  cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_hangs),         cmocka_unit_test(test_heartbeat),
        cmocka_unit_test(test_key_is_the_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
