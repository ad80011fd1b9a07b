/* Kafka behind TLS, client certificates and SASL: a gate before librdkafka's mock cluster
 * (kafka_gate.py), since that knows none of them. Everything goes over the wire as a real broker
 * would have it; Kerberos (GSSAPI) and OAUTHBEARER are not tried, for want of a server here. */
#include "kafka_case.h"

#define BROKERS 3

struct gate {
    struct cluster cluster;
    char folder[64], script[512], cert[96], key[96], other[96], log[96], password[96];
    char brokers[96];
    pid_t server;
};

/* "127.0.0.1:1,127.0.0.1:2": the gate's own ports, and `pair` says which stands for which. */
static void name_ports(struct gate *g, char pair[BROKERS][32])
{
    char *copy = xstrdup(g->cluster.brokers), *rest = copy;
    size_t size = 0;
    for (int i = 0; i < BROKERS; i++) {
        const char *port = strchr(strsep(&rest, ","), ':');
        int own = free_port();
        assert_non_null(port);
        snprintf(pair[i], 32, "%s:%d", port + 1, own);
        size += (size_t)snprintf(g->brokers + size, sizeof g->brokers - size, "%s127.0.0.1:%d",
                                 i ? "," : "", own);
    }
    free(copy);
}

static void make_certificate(const struct gate *g, const char *cert, const char *key)
{
    char *command =
        xasprintf("openssl req -x509 -newkey rsa:2048 -nodes -keyout %s -out %s -days 2 "
                  "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 >%s 2>&1",
                  key, cert, g->log);
    assert_int_equal(run(command), 0);
    free(command);
}

static void begin_gate(struct gate *g, bool tls, bool client_ca, const char *mechanism)
{
    const char *source = getenv("WEIR_SOURCE");
    char pair[BROKERS][32], word[32];
    *g = (struct gate){.server = 0};
    snprintf(g->folder, sizeof g->folder, "/tmp/weir-kafka-XXXXXX");
    assert_non_null(mkdtemp(g->folder));
    snprintf(g->script, sizeof g->script, "%s/tests/unit/bus/kafka_gate.py", source ? source : ".");
    snprintf(g->cert, sizeof g->cert, "%s/cert", g->folder);
    snprintf(g->key, sizeof g->key, "%s/key", g->folder);
    snprintf(g->other, sizeof g->other, "%s/other", g->folder);
    snprintf(g->log, sizeof g->log, "%s/log", g->folder);
    snprintf(g->password, sizeof g->password, "%s/password", g->folder);
    write_file(g->password, "trout\n");
    if (tls)
        make_certificate(g, g->cert, g->key);
    begin_cluster(&g->cluster, 4);
    name_ports(g, pair);
    snprintf(word, sizeof word, "%s", mechanism);
    char *argv[] = {(char[]){"/usr/bin/python3"},
                    g->script,
                    tls ? g->cert : (char[]){"-"},
                    g->key,
                    client_ca ? g->cert : (char[]){"-"},
                    word,
                    (char[]){"weir:trout"},
                    pair[0],
                    pair[1],
                    pair[2],
                    NULL};
    g->server = start(g->log, argv);
    for (int i = 0; i < BROKERS; i++)
        await_port((int)strtol(strchr(pair[i], ':') + 1, NULL, 10));
}

static void end_gate(struct gate *g)
{
    char *command = xasprintf("rm -rf %s", g->folder);
    stop(&g->server, SIGKILL);
    end_cluster(&g->cluster);
    assert_int_equal(run(command), 0);
    free(command);
}

/* `more`: what is given beside brokers and topic. */
#define MORE_MAX 8
static struct sink_case *open_case(const struct gate *g, const struct given *more,
                                   int64_t timeout_s)
{
    struct given given[MORE_MAX + 3] = {{"brokers", g->brokers}, {"topic", "alerts"}};
    for (size_t i = 0; more[i].key; i++)
        given[2 + i] = more[i];
    return case_open_within(&sink_kafka, "ecs", given, timeout_s);
}

/* A busy machine may need seconds for the handshakes; what is right waits for none. */
static void expect_delivered(const struct gate *g, const struct given *more)
{
    struct sink_case *c = open_case(g, more, 60);
    case_lines(c, 1, 500, false);
    if (!case_run(c, 500, 60000))
        fail_msg("%s", c->why);
    if (c->failures)
        fail_msg("%u failures, the last: %s", c->failures, c->why);
    case_end(c);
    assert_int_equal(expect_back(&g->cluster, 4, 500, 0), 0);
}

static void try_trouble(const struct gate *g, const struct given *more, int64_t timeout_s,
                        char why[256])
{
    struct sink_case *c = open_case(g, more, timeout_s);
    case_lines(c, 1, 5, false);
    case_run_to_failure(c, 60000);
    assert_int_equal(c->taken, 0);
    assert_int_equal(c->refusals, 0);
    assert_null(strchr(c->why, '\n'));
    assert_null(strstr(c->why, "trout"));
    snprintf(why, 256, "%.255s", c->why);
    case_end(c);
}

/* Nothing is taken, nothing refused for ever, and why is said: in one line, without the secret. On
 * a busy machine the brokers' own word may come after the first patience is over. */
static void expect_trouble(const struct gate *g, const struct given *more, const char *piece)
{
    char why[256] = "";
    for (int64_t timeout_s = 2; timeout_s <= 16 && !strstr(why, piece); timeout_s *= 2)
        try_trouble(g, more, timeout_s, why);
    if (!strstr(why, piece))
        fail_msg("\"%s\" does not say \"%s\"", why, piece);
}

static void test_tls(void **state)
{
    (void)state;
    struct gate g;
    begin_gate(&g, true, false, "-");
    char *ca = xasprintf("ssl.ca.location=%s", g.cert);
    const struct given good[] = {{"options", "security.protocol=ssl"}, {"options", ca}, {0}};
    const struct given strange[] = {{"options", "security.protocol=ssl"}, {0}};
    const struct given clear[] = {{"options", "security.protocol=plaintext"}, {0}};
    expect_delivered(&g, good);
    expect_trouble(&g, strange, "certificate verify failed");
    expect_trouble(&g, clear, "kafka: Local: Message timed out");
    free(ca);
    end_gate(&g);
}

static void test_client_certificate(void **state)
{
    (void)state;
    struct gate g;
    begin_gate(&g, true, true, "-");
    char *ca = xasprintf("ssl.ca.location=%s", g.cert);
    char *own = xasprintf("ssl.certificate.location=%s", g.cert);
    char *key = xasprintf("ssl.key.location=%s", g.key);
    const struct given good[] = {{"options", "security.protocol=ssl"},
                                 {"options", ca},
                                 {"options", own},
                                 {"options", key},
                                 {0}};
    const struct given without[] = {{"options", "security.protocol=ssl"}, {"options", ca}, {0}};
    expect_delivered(&g, good);
    expect_trouble(&g, without, "kafka: Local: Message timed out");
    free(ca);
    free(own);
    free(key);
    end_gate(&g);
}

static void try_sasl(bool tls, const char *mechanism)
{
    struct gate g;
    begin_gate(&g, tls, false, mechanism);
    char *ca = tls ? xasprintf("ssl.ca.location=%s", g.cert) : xstrdup("client.id=tap1");
    char *how = xasprintf("sasl.mechanisms=%s", mechanism);
    const char *protocol = tls ? "security.protocol=sasl_ssl" : "security.protocol=sasl_plaintext";
    const struct given given[] = {{"options", protocol},
                                  {"options", ca},
                                  {"options", how},
                                  {"options", "sasl.username=weir"},
                                  {"sasl_password_file", g.password},
                                  {0}};
    expect_delivered(&g, given);
    write_file(g.password, "trouts\n");
    expect_trouble(&g, given, "SASL");
    free(ca);
    free(how);
    end_gate(&g);
}

static void test_sasl(void **state)
{
    (void)state;
    try_sasl(true, "PLAIN");
    try_sasl(true, "SCRAM-SHA-256");
    try_sasl(false, "SCRAM-SHA-256");
}

static void test_settings(void **state)
{
    (void)state;
    static const struct given base[] = {{"brokers", "127.0.0.1:1"}, {"topic", "t"}};
    static const struct {
        struct given more[3];
        const char *piece;
    } row[] = {
        {{{"options", "security.protocol=sasl"}}, "security.protocol: "},
        {{{"options", "security.protocol=sasl_ssl"}, {"options", "sasl.mechanisms=PLAIN"}},
         "kafka: sasl.username and sasl.password must be set"},
        {{{"options", "security.protocol=ssl"}, {"options", "ssl.key.location=/nowhere"}},
         "kafka: "},
        {{{"options", "ssl.key.password=trout"}}, "ssl_key_password_file"},
        {{{"ssl_key_password_file", "/nowhere"}}, "/nowhere"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const struct given given[] = {base[0], base[1], row[i].more[0], row[i].more[1], {0}};
        case_refuses(&sink_kafka, "ecs", given, row[i].piece);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_client_certificate),
        cmocka_unit_test(test_sasl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
