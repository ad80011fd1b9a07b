/* A cluster of librdkafka's mock brokers on the loopback, and a consumer that reads all back. */
#ifndef TESTS_UNIT_BUS_KAFKA_CASE_H
#define TESTS_UNIT_BUS_KAFKA_CASE_H

#include "sink_case.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

struct cluster {
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock;
    char *brokers;
};

static inline void set(rd_kafka_conf_t *config, const char *name, const char *value)
{
    char why[256];
    if (rd_kafka_conf_set(config, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        fail_msg("%s", why);
}

static inline void begin_cluster(struct cluster *cluster, int partitions)
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

static inline void end_cluster(struct cluster *cluster)
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

static inline void note(struct read_back *back, const rd_kafka_message_t *message)
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

static inline rd_kafka_t *begin_consumer(const struct cluster *cluster, int partitions)
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
static inline size_t expect_back(const struct cluster *cluster, int partitions, size_t lines,
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

#endif
