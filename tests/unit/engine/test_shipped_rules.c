/* What the shipped rules see of uploads: a story each at a rule's threshold and just below it; what
 * those of sites see of services that nobody recognised; and that ATT&CK's ids in them have names.
 * Which names belong to which category is the rules' own; that each is a service's is asked in
 * tests/golden/test_rules.py. Skipped (77) where redis-server or the rules are not there. */
#include "rig.h"
#include "weir/alert/attack.h"

static const char *const files[] = {"sharing",      "uploads",     "remote-access", "services",
                                    "sites/office", "sites/plant", "sites/airport"};
#define FILES (sizeof files / sizeof *files)

struct upload_text {
    const char *server_name;
    enum service service;
    uint64_t out_bytes, in_bytes;
    const char *rule; /* NULL: none of them */
};

static const struct upload_text uploads[] = {
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

/* `site`: the last file's text. */
static struct rules *load_shipped(const char *site)
{
    const char *source = getenv("WEIR_SOURCE");
    struct rules_file file[FILES + 1];
    size_t count = 0;
    struct error error = {0};
    for (; source && count < FILES; count++) {
        char path[512];
        snprintf(path, sizeof path, "%.400s/rules/%s.yaml", source, files[count]);
        char *text = read_file(path);
        if (!text)
            break;
        file[count] = (struct rules_file){files[count], text, strlen(text)};
    }
    if (count < FILES)
        fail_msg("not there: %s.yaml", files[count]);
    file[FILES] = (struct rules_file){"site", site, strlen(site)};
    struct rules *rules = rules_load(file, FILES + 1, NULL, NULL, &error);
    if (!rules)
        fail_msg("%s", error.message);
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)file[i].text);
    return rules;
}

static void push(struct rig *rig, size_t i)
{
    union any_record record;
    char host[24];
    const struct upload_text *upload = &uploads[i];
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

static struct rig *open_with(const struct rules *rules)
{
    struct rig *rig = rig_open(1, 1000);
    engine_free(rig->engine);
    rig->rules = rules;
    rig_new_engine(rig);
    return rig;
}

static void close_with(struct rig *rig, struct rules *rules)
{
    engine_free(rig->engine);
    rig->engine = NULL;
    rules_free(rules);
    rig_close(rig);
}

static void test_uploads(void **state)
{
    struct rules *rules = load_shipped("[]\n");
    (void)state;
    struct rig *rig = open_with(rules);
    for (size_t i = 0; i < UPLOADS; i++)
        push(rig, i);
    rig_finish(rig);
    for (size_t i = 0; i < UPLOADS; i++) {
        const char *told = told_of(rig, i), *expected = uploads[i].rule;
        if ((told == NULL) != (expected == NULL) || (told && strcmp(told, expected) != 0))
            fail_msg("%zu, %s: %s, not %s", i, uploads[i].server_name, told ? told : "nothing",
                     expected ? expected : "nothing");
    }
    close_with(rig, rules);
}

/* --- services that nobody recognised ---------------------------------------------------------- */

static const char site[] = "- {list: office_servers, override: append, items: [10.0.2.0/24]}\n"
                           "- {list: airport_checkin, override: append, items: [10.0.2.0/24]}\n";

static const struct site_flow {
    const char *rule;
    enum service service;
    uint16_t port;
    uint64_t out_bytes;
    size_t flights;
    bool told;
} site_flows[] = {
    {"office.server", SERVICE_NONE, 9000, 5000001, 0, true},
    {"office.server", SERVICE_TLS, 443, 5000001, 0, true},
    {"office.server", SERVICE_DNS, 53, 5000001, 0, false},
    {"office.server", SERVICE_NONE, 9000, 5000000, 0, false},
    {"airport.checkin", SERVICE_NONE, 9000, 20001, 0, true},
    {"airport.checkin", SERVICE_NTP, 123, 20001, 0, false},
    {"airport.checkin", SERVICE_NONE, 9000, 20000, 0, false},
    {"airport.messages", SERVICE_NONE, 8900, 900, 1, true},
    {"airport.messages", SERVICE_SMTP, 102, 900, 1, true},
    {"airport.messages", SERVICE_S7, 102, 900, 1, false},
    {"airport.messages", SERVICE_NONE, 8900, 900, 0, false},
};
#define SITE_FLOWS (sizeof site_flows / sizeof *site_flows)

static void push_site(struct rig *rig, size_t i)
{
    const struct site_flow *flow = &site_flows[i];
    union any_record record;
    char host[24];
    int64_t now_ns = MONDAY_8 + (int64_t)i * NS_PER_S;
    snprintf(host, sizeof host, "10.0.2.%zu", i + 1);
    struct flow_key key = make_flow_key(host, 40000, "198.51.100.7", flow->port);
    if (flow->flights > 0) {
        make_items(&record, 1, now_ns, &key, SIDE_ORIG, 0, flow->flights);
        record.content.class = CONTENT_FLIGHT;
        rig_push(rig, 0, &record);
    }
    make_flow(&record, 1, now_ns, &key, flow->out_bytes, 100);
    record.flow.service = (uint8_t)flow->service;
    rig_push(rig, 0, &record);
}

static bool is_told(const struct rig *rig, size_t i)
{
    for (size_t a = 0; a < rig->alerts; a++)
        if (rig->alert[a].story.host.byte[15] == i + 1 &&
            strcmp(rig->alert[a].finding.detector->id, site_flows[i].rule) == 0)
            return true;
    return false;
}

static void test_unknown_services(void **state)
{
    struct rules *rules = load_shipped(site);
    (void)state;
    struct rig *rig = open_with(rules);
    for (size_t i = 0; i < SITE_FLOWS; i++)
        push_site(rig, i);
    rig_finish(rig);
    for (size_t i = 0; i < SITE_FLOWS; i++)
        if (is_told(rig, i) != site_flows[i].told)
            fail_msg("%zu, %s: %stold", i, site_flows[i].rule, site_flows[i].told ? "not " : "");
    close_with(rig, rules);
}

/* --- ATT&CK ----------------------------------------------------------------------------------- */

static void test_techniques_have_names(void **state)
{
    struct rules *rules = load_shipped("[]\n");
    (void)state;
    assert_true(rules->rule_count > 40);
    for (size_t i = 0; i < rules->rule_count; i++) {
        const struct detector *row = &rules->rule[i].detector;
        const char *const id[] = {row->tactic, row->technique, row->subtechnique};
        assert_non_null(row->technique);
        for (size_t n = 0; n < sizeof id / sizeof *id; n++)
            if (id[n] && !attack_name(id[n]))
                fail_msg("%s: %s has no name in alert/attack.c", row->id, id[n]);
    }
    rules_free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_uploads),
                                       cmocka_unit_test(test_unknown_services),
                                       cmocka_unit_test(test_techniques_have_names)};
    if (system("command -v redis-server >/dev/null") != 0 || !getenv("WEIR_SOURCE")) {
        puts("skipped: redis-server is not installed, or WEIR_SOURCE does not say where the rules "
             "are");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
