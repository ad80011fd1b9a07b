/* What the shipped rules see of uploads: a story each at a rule's threshold and just below it.
 * Which names belong to which category is the rules' own; that each is a service's is asked in
 * tests/golden/test_rules.py. Skipped (77) where redis-server or the rules are not there. */
#include "rig.h"

static const char *const files[] = {"sharing", "uploads", "remote-access", "services"};

struct upload {
    const char *server_name;
    enum service service;
    uint64_t out_bytes, in_bytes;
    const char *rule; /* NULL: none of them */
};

static const struct upload uploads[] = {
    {"paste.pastebin.com", SERVICE_TLS, 50001, 100, "sharing.paste"},
    {"pastebin.com", SERVICE_TLS, 50000, 100, NULL},
    {"notpastebin.com", SERVICE_TLS, 50001, 100, NULL},
    {"srv.gofile.io", SERVICE_TLS, 100001, 100, "sharing.drop"},
    {"gofile.io", SERVICE_TLS, 100000, 100, NULL},
    {"g.api.mega.co.nz", SERVICE_TLS, 1000001, 100, "sharing.files"},
    {"b.s3.eu-west-1.amazonaws.com", SERVICE_TLS, 200000001, 100, "sharing.cloud"},
    {"s3-ap-northeast-1.amazonaws.com", SERVICE_TLS, 200000001, 100, "sharing.cloud"},
    {"ec2.eu-west-1.amazonaws.com", SERVICE_TLS, 200000001, 100, NULL},
    {"mail.google.com", SERVICE_TLS, 20000001, 100, "upload.webmail"},
    {"www.google.com", SERVICE_TLS, 20000001, 100, NULL},
    {"files.slack.com", SERVICE_TLS, 200000001, 100, "upload.collaboration"},
    {"files.slack.com", SERVICE_TLS, 200000000, 100, NULL},
    {"github.com", SERVICE_TLS, 20000001, 100, "upload.code"},
    {"gist.github.com", SERVICE_TLS, 20000001, 100, "sharing.paste"},
    {"chatgpt.com", SERVICE_TLS, 5000001, 100, "upload.assistant"},
    {"x.trycloudflare.com", SERVICE_TLS, 20001, 100, "remote.tunnel"},
    {"www.example.com", SERVICE_QUIC, 20000000, 100, "upload.quic"},
    {"www.example.com", SERVICE_QUIC, 19999999, 100, NULL},
    {"www.example.com", SERVICE_WEBSOCKET, 1000000, 200000, "upload.websocket"},
    {"www.example.com", SERVICE_WEBSOCKET, 1000000, 200001, NULL},
    {"www.example.com", SERVICE_WEBSOCKET, 999999, 0, NULL},
    {"www.example.com", SERVICE_HTTP, 1000000, 0, NULL},
};
#define UPLOADS (sizeof uploads / sizeof *uploads)

static char *read_file(const char *path)
{
    static char text[1u << 16u];
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    return strdup(text);
}

static struct rules *load_shipped(void)
{
    const char *source = getenv("WEIR_SOURCE");
    struct rules_file file[sizeof files / sizeof *files];
    size_t count = 0;
    struct error error = {0};
    for (; source && count < sizeof files / sizeof *files; count++) {
        char path[512];
        snprintf(path, sizeof path, "%.400s/rules/%s.yaml", source, files[count]);
        char *text = read_file(path);
        if (!text)
            break;
        file[count] = (struct rules_file){files[count], text, strlen(text)};
    }
    struct rules *rules = count ? rules_load(file, count, NULL, NULL, &error) : NULL;
    if (count && !rules)
        fail_msg("%s", error.message);
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)file[i].text);
    return rules;
}

static void push(struct rig *rig, size_t i)
{
    union any_record record;
    char host[24];
    const struct upload *upload = &uploads[i];
    snprintf(host, sizeof host, "10.0.1.%zu", i + 1);
    struct flow_key key = make_flow_key(host, 40000, "198.51.100.7", 443);
    make_flow(&record, 1, MONDAY_8 + (int64_t)i * NS_PER_S, &key, upload->out_bytes,
              upload->in_bytes);
    record.flow.service = (uint8_t)upload->service;
    give_server_name(&record, upload->server_name);
    rig_push(rig, 0, &record);
}

static const char *told_of(const struct rig *rig, size_t i)
{
    for (size_t a = 0; a < rig->alerts; a++) {
        const struct alert *alert = &rig->alert[a];
        if (alert->story.host.byte[15] == i + 1 && alert->state == INCIDENT_OPEN &&
            alert->finding.detector->kind == SUBJECT_RULE)
            return alert->finding.detector->id;
    }
    return NULL;
}

static void test_uploads(void **state)
{
    struct rules *rules = load_shipped();
    (void)state;
    assert_non_null(rules);
    struct rig *rig = rig_open(1, 1000);
    engine_free(rig->engine);
    rig->rules = rules;
    rig_new_engine(rig);
    for (size_t i = 0; i < UPLOADS; i++)
        push(rig, i);
    rig_finish(rig);
    for (size_t i = 0; i < UPLOADS; i++) {
        const char *told = told_of(rig, i), *expected = uploads[i].rule;
        if ((told == NULL) != (expected == NULL) || (told && strcmp(told, expected) != 0))
            fail_msg("%zu, %s: %s, not %s", i, uploads[i].server_name, told ? told : "nothing",
                     expected ? expected : "nothing");
    }
    engine_free(rig->engine);
    rig->engine = NULL;
    rules_free(rules);
    rig_close(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_uploads)};
    if (system("command -v redis-server >/dev/null") != 0 || !getenv("WEIR_SOURCE")) {
        puts("skipped: redis-server is not installed, or WEIR_SOURCE does not say where the rules "
             "are");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
