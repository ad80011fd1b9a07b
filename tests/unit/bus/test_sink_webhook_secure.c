/* Webhooks through a proxy, and to a server (nginx) that wants a certificate of its clients. */
#include "webhook_case.h"

#define NGINX "/usr/sbin/nginx"

/* --- proxies ---------------------------------------------------------------------------------- */

static const char *const of_environment[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
                                             "all_proxy", "ALL_PROXY"};

static void set_environment(const char *value)
{
    for (size_t i = 0; i < sizeof of_environment / sizeof *of_environment; i++)
        if (value)
            setenv(of_environment[i], value, 1);
        else
            unsetenv(of_environment[i]);
}

/* Where the environment says there is a proxy nobody listens: who asked it would fail. */
static void test_environment(void **state)
{
    (void)state;
    struct place p;
    char nobody[40];
    make_place(&p);
    make_certificate(&p);
    snprintf(nobody, sizeof nobody, "http://127.0.0.1:%d", free_port());
    for (int tls = 0; tls < 2; tls++) {
        begin_server(&p, tls);
        char *url = xasprintf("%s://localhost:%s/ok", tls ? "https" : "http", p.port);
        set_environment(nobody);
        struct sink_case *c =
            case_open(&sink_webhook, "ecs", GIVEN({"url", url}, {"ca_file", p.cert}));
        case_lines(c, 1, 3, false);
        assert_true(case_run(c, 3, 20000));
        set_environment(NULL);
        assert_int_equal(c->failures, 0);
        case_end(c);
        stop(&p.server, SIGKILL);
        free(url);
    }
    end_place(&p);
}

/* The receiver stands for a proxy: it is asked for what is behind it, by name, whatever the
 * environment leaves out. */
static void test_proxy(void **state)
{
    (void)state;
    struct place p;
    make_place(&p);
    begin_server(&p, false);
    char *proxy = url_of(&p, "");
    setenv("no_proxy", "*", 1);
    struct sink_case *c =
        case_open(&sink_webhook, "ecs",
                  GIVEN({"url", "http://behind.invalid:81/ok"}, {"proxy", proxy}, {"batch", "5"}));
    case_lines(c, 1, 20, false);
    assert_true(case_run(c, 20, 20000));
    unsetenv("no_proxy");
    char *heads = read_file(p.heads), *text = read_file(p.out);
    assert_int_equal(strncmp(heads, "POST http://behind.invalid:81/ok\n", 33), 0);
    assert_non_null(strstr(heads, "Host: behind.invalid:81\n"));
    assert_int_equal(case_expect_all(text, 20), 0);
    free(heads);
    free(text);
    case_end(c);
    /* It is away: the lines wait, nobody goes round it. */
    stop(&p.server, SIGKILL);
    c = case_open(&sink_webhook, "ecs", GIVEN({"url", "http://127.0.0.1:1/ok"}, {"proxy", proxy}));
    case_lines(c, 1, 1, false);
    case_run_to_failure(c, 20000);
    assert_non_null(strstr(c->why, p.port));
    case_end(c);
    free(proxy);
    end_place(&p);
    case_refuses(&sink_webhook, "ecs",
                 GIVEN({"url", "http://a"}, {"proxy", "http://u:trout@127.0.0.1"}),
                 "proxy: holds a login");
}

/* --- certificates ----------------------------------------------------------------------------- */

struct mutual {
    struct place p; /* of what is behind */
    char conf[96], own[96], own_key[96], strange[96], strange_key[96], url[64];
    int number;
    pid_t server;
};

static void make_client(const struct mutual *m, const char *cert, const char *key)
{
    char *command = xasprintf("openssl req -x509 -newkey rsa:2048 -nodes -keyout %s -out %s "
                              "-days 2 -subj /CN=tap1 >%s 2>&1",
                              key, cert, m->p.log);
    assert_int_equal(run(command), 0);
    free(command);
}

static void begin_nginx(struct mutual *m)
{
    const char *folder = m->p.folder;
    char *conf =
        xasprintf("daemon off; pid %s/pid; error_log %s; user root; worker_processes 1;\n"
                  "events {}\nhttp {\naccess_log off; client_body_temp_path %s/a; "
                  "proxy_temp_path %s/b; fastcgi_temp_path %s/c; uwsgi_temp_path %s/d; "
                  "scgi_temp_path %s/e;\n"
                  "server { listen 127.0.0.1:%d ssl; ssl_certificate %s; ssl_certificate_key %s;\n"
                  "ssl_client_certificate %s; ssl_verify_client on;\n"
                  "location / { proxy_pass http://127.0.0.1:%s; } } }\n",
                  folder, m->p.log, folder, folder, folder, folder, folder, m->number, m->p.cert,
                  m->p.key, m->own, m->p.port);
    write_file(m->conf, conf);
    char *argv[] = {(char[]){NGINX}, (char[]){"-c"}, m->conf, (char[]){"-p"}, m->p.folder, NULL};
    m->server = start(m->p.log, argv);
    await_port(m->number);
    free(conf);
}

static void begin_mutual(struct mutual *m)
{
    make_place(&m->p);
    m->number = free_port();
    snprintf(m->conf, sizeof m->conf, "%s/conf", m->p.folder);
    snprintf(m->own, sizeof m->own, "%s/own", m->p.folder);
    snprintf(m->own_key, sizeof m->own_key, "%s/own.key", m->p.folder);
    snprintf(m->strange, sizeof m->strange, "%s/strange", m->p.folder);
    snprintf(m->strange_key, sizeof m->strange_key, "%s/strange.key", m->p.folder);
    snprintf(m->url, sizeof m->url, "https://localhost:%d/ok", m->number);
    make_certificate(&m->p);
    make_client(m, m->own, m->own_key);
    make_client(m, m->strange, m->strange_key);
    begin_server(&m->p, false);
    begin_nginx(m);
}

/* Not taken, and no dead letters: what is wrong can be mended. */
static void expect_waits(const struct given *given, const char *why)
{
    struct sink_case *c = case_open(&sink_webhook, "ecs", given);
    case_lines(c, 1, 3, false);
    case_run_to_failure(c, 20000);
    assert_int_equal(c->taken, 0);
    assert_int_equal(c->refusals, 0);
    if (!strstr(c->why, why))
        fail_msg("\"%s\" does not say \"%s\"", c->why, why);
    case_end(c);
}

static void test_client_certificate(void **state)
{
    (void)state;
    if (!have(NGINX)) {
        print_message("nginx is not installed\n");
        skip();
    }
    struct mutual m = {.server = 0};
    begin_mutual(&m);
#define TO                                                                                         \
    {"url", m.url},                                                                                \
    {                                                                                              \
        "ca_file", m.p.cert                                                                        \
    }
    struct sink_case *c =
        case_open(&sink_webhook, "ecs",
                  GIVEN(TO, {"cert_file", m.own}, {"key_file", m.own_key}, {"batch", "10"}));
    case_lines(c, 1, 100, false);
    if (!case_run(c, 100, 20000))
        fail_msg("%s", c->why);
    assert_int_equal(c->failures, 0);
    char *text = read_file(m.p.out);
    assert_int_equal(case_expect_all(text, 100), 0);
    free(text);
    case_end(c);
    expect_waits(GIVEN(TO), "No required SSL certificate");
    expect_waits(GIVEN(TO, {"batch", "3"}), "No required SSL certificate");
    expect_waits(GIVEN(TO, {"cert_file", m.strange}, {"key_file", m.strange_key}),
                 "SSL certificate error");
    expect_waits(GIVEN(TO, {"cert_file", m.own}, {"key_file", m.strange_key}), "private key");
    char *plain = xasprintf("http://localhost:%d/ok", m.number);
    expect_waits(GIVEN({"url", plain}), "plain HTTP request was sent to HTTPS port");
    free(plain);
    stop(&m.server, SIGTERM);
    end_place(&m.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_client_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
