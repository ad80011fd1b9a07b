/* A receiver of webhooks (webhook_server.py) in a folder of its own. */
#ifndef TESTS_UNIT_BUS_WEBHOOK_CASE_H
#define TESTS_UNIT_BUS_WEBHOOK_CASE_H

#include "sink_case.h"

#define GIVEN(...)                                                                                 \
    (const struct given[])                                                                         \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

struct place {
    char folder[64], out[96], heads[112], log[96], script[512], cert[96], key[96], port[16];
    int number;
    pid_t server;
};

static inline void begin_server(struct place *p, bool tls)
{
    char *argv[] = {(char[]){"/usr/bin/python3"}, p->script,           p->port, p->out,
                    tls ? p->cert : NULL,         tls ? p->key : NULL, NULL};
    p->server = start(p->log, argv);
    await_port(p->number);
}

static inline void make_place(struct place *p)
{
    const char *source = getenv("WEIR_SOURCE");
    *p = (struct place){.number = free_port()};
    snprintf(p->folder, sizeof p->folder, "/tmp/weir-webhook-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->out, sizeof p->out, "%s/out", p->folder);
    snprintf(p->heads, sizeof p->heads, "%s/out.heads", p->folder);
    snprintf(p->log, sizeof p->log, "%s/log", p->folder);
    snprintf(p->cert, sizeof p->cert, "%s/cert", p->folder);
    snprintf(p->key, sizeof p->key, "%s/key", p->folder);
    snprintf(p->port, sizeof p->port, "%d", p->number);
    snprintf(p->script, sizeof p->script, "%s/tests/unit/bus/webhook_server.py",
             source ? source : ".");
}

static inline void end_place(struct place *p)
{
    char *command = xasprintf("rm -rf %s", p->folder);
    stop(&p->server, SIGKILL);
    assert_int_equal(run(command), 0);
    free(command);
}

static inline char *url_of(const struct place *p, const char *path)
{
    return xasprintf("http://127.0.0.1:%s%s", p->port, path);
}

static inline void make_certificate(const struct place *p)
{
    char *command =
        xasprintf("openssl req -x509 -newkey rsa:2048 -nodes -keyout %s -out %s -days 2 "
                  "-subj /CN=localhost -addext subjectAltName=DNS:localhost >%s 2>&1",
                  p->key, p->cert, p->log);
    assert_int_equal(run(command), 0);
    free(command);
}

#endif
