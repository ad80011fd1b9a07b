/* How the Kafka sink's producers are configured: what is ours, then what the operator added. Read
 * once, at opening. Thread: the loop's. */
#include "sink_kafka_config.h"

#include "weir/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const message_keys[] = {"host", "id", NULL};

const struct sink_key kafka_keys[] = {
    {.name = "brokers", .kind = SINK_TEXT, .required = true},
    {.name = "topic", .kind = SINK_TEXT, .required = true},
    {.name = "key", .kind = SINK_CHOICE, .choice = message_keys, .fallback = "host"},
    {.name = "options", .kind = SINK_TEXTS},
    {.name = "sasl_password_file", .kind = SINK_SECRET_FILE},
    {.name = "ssl_key_password_file", .kind = SINK_SECRET_FILE},
    {.name = NULL},
};

/* --- configuration ---------------------------------------------------------------------------- */

/* What the promises above rest on, what holds secrets, and what runs others' code. */
static const char *const not_options[] = {
    "acks",
    "bootstrap.servers",
    "delivery.timeout.ms",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "message.timeout.ms",
    "metadata.broker.list",
    "plugin.library.paths",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "request.required.acks",
    "sasl.oauthbearer.client.secret",
    "sasl.password",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
    "transactional.id",
    NULL,
};

static int set(rd_kafka_conf_t *config, const char *name, const char *value, struct error *error)
{
    char why[256];
    if (rd_kafka_conf_set(config, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return 0;
    return error_set(error, ERROR_USAGE, "%s: %s", name, why);
}

static int set_option(rd_kafka_conf_t *config, const struct sink_settings *settings,
                      const char *option, struct error *error)
{
    char name[128];
    size_t size = strcspn(option, "=");
    if (size == 0 || size >= sizeof name || option[size] != '=')
        return error_set(error, ERROR_USAGE, "options: expected key=value");
    memcpy(name, option, size);
    name[size] = '\0';
    for (const char *const *no = not_options; *no; no++)
        if (strcmp(name, *no) == 0)
            return error_set(error, ERROR_USAGE,
                             "options: %s is not to be set here (secrets: sasl_password_file, "
                             "ssl_key_password_file)",
                             name);
    if (strcmp(name, "enable.ssl.certificate.verification") == 0 &&
        strcmp(option + size + 1, "false") == 0)
        log_warn("sink %s: whoever answers as a broker is told everything", settings->name);
    return set(config, name, option + size + 1, error);
}

static int set_secret(rd_kafka_conf_t *config, const struct sink_settings *settings,
                      const char *key, const char *name, struct error *error)
{
    if (!sink_text(settings, key))
        return 0;
    char *secret = sink_secret(settings, key, error);
    if (!secret)
        return -1;
    int result = set(config, name, secret, error);
    explicit_bzero(secret, strlen(secret));
    free(secret);
    return result;
}

static int set_ours(rd_kafka_conf_t *config, const struct sink_settings *settings,
                    struct error *error)
{
    static const char *const fixed[][2] = {
        {"client.id", "weir"},
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"linger.ms", "5"},
        {"partitioner", "murmur2_random"}, /* as Java's producers place a key */
        {"queue.buffering.max.messages", "10000"},
        {"queue.buffering.max.kbytes", "65536"},
        {"socket.keepalive.enable", "true"},
    };
    char patience[32];
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (set(config, fixed[i][0], fixed[i][1], error) != 0)
            return -1;
    /* A little before the bus gives us up, so that the reason is told. */
    snprintf(patience, sizeof patience, "%lld", (long long)settings->timeout_s * 900);
    return set(config, "message.timeout.ms", patience, error) == 0 &&
                   set(config, "bootstrap.servers", sink_text(settings, "brokers"), error) == 0
               ? 0
               : -1;
}

rd_kafka_conf_t *kafka_config_new(const struct sink_settings *settings, struct error *error)
{
    const char *const *option = sink_texts(settings, "options");
    rd_kafka_conf_t *config = rd_kafka_conf_new();
    int result = set_ours(config, settings, error);
    for (; result == 0 && option && *option; option++)
        result = set_option(config, settings, *option, error);
    if (result == 0)
        result = set_secret(config, settings, "sasl_password_file", "sasl.password", error);
    if (result == 0)
        result = set_secret(config, settings, "ssl_key_password_file", "ssl.key.password", error);
    if (result == 0)
        return config;
    rd_kafka_conf_destroy(config);
    return NULL;
}
