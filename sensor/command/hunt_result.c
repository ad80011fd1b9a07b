/* What a hunt tells: made of what the units left, in their order, and of nothing else. CASE has
 * what a replay's folder has (alerts.ndjson, summary.json, report.html, report.json) and the table
 * (hunt.json, hosts.ndjson). Thread: the main thread. */
#include "hunt.h"

#include "output.h"
#include "report.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/role/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct telling {
    struct hunt *hunt;
    struct json_value **root;          /* judge-N.json, one a unit … */
    const struct json_value **summary; /* … and what is in it */
    struct hunt_hosts *hosts;
    struct hunt_book *book;
    struct json *json;
    struct buffer alerts; /* alerts.ndjson */
    struct summary_input *input;
    struct hunt_result result;
    uint64_t alert_count;
};

/* --- units ------------------------------------------------------------------------------------ */

static uint64_t count_of(const struct json_value *value, const char *key)
{
    int64_t whole = 0;
    return json_whole(json_get(value, key), &whole) && whole > 0 ? (uint64_t)whole : 0;
}

static void on_alert(void *context, const struct incident *incident, const struct alert *alert)
{
    struct telling *t = context;
    (void)incident;
    char *line = alert_line(t->json, alert);
    buffer_put(&t->alerts, line, strlen(line));
    buffer_u8(&t->alerts, '\n');
    free(line);
    t->alert_count++;
}

static bool is_wanted(void *context, const struct ip *host)
{
    const struct telling *t = context;
    return hunt_plan_has(t->hunt, host);
}

/* Of a list, or of the host or prefix asked for, only those. */
static bool is_listed(const struct hunt *hunt, const struct ip *ip)
{
    if (hunt->hosts_from)
        return hunt_plan_has(hunt, ip);
    return !hunt->told.by_host || prefix_has(&hunt->told.host, ip);
}

static void take_host(struct telling *t, const struct hunt_unit *unit,
                      const struct json_value *value)
{
    const char *text = json_text(json_get(value, "ip"));
    struct ip ip;
    if (!text || ip_parse(text, &ip) != 0 || !is_listed(t->hunt, &ip))
        return;
    struct hunt_host *host = hunt_hosts_get(t->hosts, &ip);
    uint64_t days = count_of(value, "days");
    for (int64_t day = unit->first_day; day <= unit->last_day; day++)
        if (days & (UINT64_C(1) << (day - unit->first_day)))
            hunt_host_seen(t->hosts, host, day);
    volume_add(&host->out, (struct volume){count_of(value, "value"), count_of(value, "low"),
                                           count_of(value, "high")});
    host->in_bytes = bytes_add(host->in_bytes, count_of(value, "in"));
}

/* A problem that the survey did not meet (its reader died, say) is of the whole unit. */
static void take_input(struct telling *t, const struct hunt_unit *unit,
                       const struct json_value *value)
{
    uint64_t number = count_of(value, "input"), cut = count_of(value, "longest_cut");
    const char *problem = json_text(json_get(value, "problem"));
    if (number >= t->hunt->files.count)
        return;
    struct hunt_file *file = &t->hunt->files.file[number];
    struct summary_input *input = &file->found;
    if (problem)
        hunt_days_mark(&t->hunt->days, unit->first_day, unit->last_day, HUNT_DAMAGED);
    if (problem && !file->problem)
        input->problem = file->problem = xstrdup(problem);
    input->bytes = bytes_add(input->bytes, count_of(value, "wire_bytes"));
    if (cut > input->longest_cut)
        input->longest_cut = (uint32_t)cut;
}

static void take_facts(struct telling *t, size_t i)
{
    const struct hunt_unit *unit = &t->hunt->unit[i];
    const struct json_value *root = t->root[i];
    const struct json_value *hosts = json_get(root, "hosts"), *inputs = json_get(root, "inputs");
    t->summary[i] = json_get(root, "summary");
    hunt_days_mark(&t->hunt->days, unit->first_day, unit->last_day, hunt_sight_of(t->summary[i]));
    for (size_t n = 0; n < json_length(hosts); n++)
        take_host(t, unit, json_at(hosts, n));
    for (size_t n = 0; n < json_length(inputs); n++)
        take_input(t, unit, json_at(inputs, n));
    if (i + 1 < t->hunt->unit_count) /* at the last one's end it is the inputs' */
        t->result.flows_cut += count_of(root, "flows_cut");
}

static bool is_whole(const struct json_value *root, const void *data, size_t size)
{
    uint8_t digest[SHA256_SIZE];
    char hex[HEX_SIZE(SHA256_SIZE)];
    const char *said = json_text(json_get(root, "alerts_sha256"));
    digest_sha256(data, size, digest);
    return said && strcmp(said, hex_text(digest, sizeof digest, hex)) == 0;
}

static int take_alerts(struct telling *t, const struct json_value *root, const char *path)
{
    struct stat st = {.st_size = 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), failed = 0;
    if (fd < 0 || fstat(fd, &st) != 0)
        failed = error_set(&t->hunt->error, ERROR_RUN, "%s: %s", path, strerror(errno));
    size_t size = failed ? 0 : (size_t)st.st_size;
    void *map = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (!failed && (map == MAP_FAILED || !is_whole(root, map, size) ||
                    hunt_book_unit(t->book, map, size) != 0))
        failed = error_set(&t->hunt->error, ERROR_RUN, "%s: is not whole (--again)", path);
    if (map && map != MAP_FAILED)
        munmap(map, size);
    if (fd >= 0)
        close(fd);
    return failed;
}

static int take_unit(struct telling *t, size_t i)
{
    char *path = hunt_path(t->hunt, "judge", i, "json");
    char *alerts = hunt_path(t->hunt, "judge", i, "alerts");
    int failed = hunt_read_json(path, &t->root[i], &t->hunt->error);
    if (!failed)
        take_facts(t, i);
    failed = failed || take_alerts(t, t->root[i], alerts) != 0;
    free(path);
    free(alerts);
    return failed ? -1 : 0;
}

/* --- the result ------------------------------------------------------------------------------- */

static void ask_for(struct telling *t)
{
    const struct hunt *hunt = t->hunt;
    for (size_t i = 0; i < hunt->host_count; i++)
        hunt_hosts_get(t->hosts, &hunt->host[i])->asked = true;
    if (!hunt->hosts_from && hunt->told.by_host && hunt->told.host.bits == 128)
        hunt_hosts_get(t->hosts, &hunt->told.host.ip)->asked = true;
}

static void make_result(struct telling *t)
{
    struct hunt *hunt = t->hunt;
    struct hunt_result *r = &t->result;
    t->input = xcalloc(hunt->files.count + 1, sizeof *t->input);
    for (size_t i = 0; i < hunt->files.count; i++)
        t->input[i] = hunt->files.file[i].found;
    r->days = &hunt->days;
    r->probes = &hunt->probes;
    r->calendar = hunt->calendar;
    r->timezone = hunt->options.config.timezone;
    r->hindsight = hunt->hindsight != NULL;
    r->input = t->input;
    r->input_count = hunt->files.count;
    r->destination = hunt->asked.destination;
    r->filter = role_filter(&hunt->options.config, hunt->options.filter);
    if (r->filter && !*r->filter)
        r->filter = NULL;
    r->least = (size_t)hunt->options.config.detect.learn_days;
    r->units = hunt->unit_count;
    r->silent = hunt_book_silent(t->book);
    r->host = hunt_hosts_judge(t->hosts, hunt_book_incidents(t->book), r->least, r->hindsight,
                               &r->host_count);
}

/* Takes the text. */
static int write_file(struct hunt *hunt, const char *name, char *text)
{
    char *path = xasprintf("%s/%s", hunt->options.folder, name);
    int failed = output_write(path, text, &hunt->error);
    free(path);
    free(text);
    return failed;
}

/* What a replay may have left there is no part of this. */
static void remove_older(const struct hunt *hunt)
{
    static const char *const name[] = {"flows.ndjson", "items.ndjson", "summary.txt"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        char *path = xasprintf("%s/%s", hunt->options.folder, name[i]);
        unlink(path);
        free(path);
    }
}

static int write_case(struct telling *t)
{
    struct hunt *hunt = t->hunt;
    remove_older(hunt);
    const struct incidents *incidents = hunt_book_incidents(t->book);
    buffer_u8(&t->alerts, 0);
    if (write_file(hunt, "alerts.ndjson", xstrdup((const char *)t->alerts.data)) != 0 ||
        write_file(hunt, "summary.json", hunt_summary_json(&t->result, incidents, t->summary)) !=
            0 ||
        write_file(hunt, "hosts.ndjson", hunt_hosts_lines(&t->result)) != 0 ||
        write_file(hunt, "hunt.json", hunt_json(&t->result)) != 0)
        return -1;
    return report_write_case(hunt->options.folder, hunt->calendar, t->result.timezone,
                             hunt->language, &hunt->error);
}

static int print(struct telling *t)
{
    char *text = hunt_text(&t->result, t->hunt->language);
    command_make_lines_harmless(text);
    int status = command_print(text);
    free(text);
    return status == EXIT_DONE ? 0 : error_set(&t->hunt->error, ERROR_RUN, "%s", "");
}

static void fini(struct telling *t)
{
    for (size_t i = 0; i < t->hunt->unit_count; i++)
        json_value_free(t->root[i]);
    hunt_book_free(t->book);
    hunt_hosts_free(t->hosts);
    json_free(t->json);
    buffer_fini(&t->alerts);
    free(t->root);
    free(t->summary);
    free(t->input);
}

int hunt_tell(struct hunt *hunt, bool *problem, bool *alerts)
{
    struct telling t = {.hunt = hunt};
    const struct hunt_book_config config = {.calendar = hunt->calendar,
                                            .sensor = hunt->options.config.sensor_name,
                                            .ruleset = WEIR_VERSION,
                                            .mode = hunt->hindsight ? "hindsight" : "online",
                                            .wanted = hunt->hosts_from ? is_wanted : NULL,
                                            .alert = on_alert,
                                            .context = &t};
    t.root = xcalloc(hunt->unit_count + 1, sizeof *t.root);
    t.summary = xcalloc(hunt->unit_count + 1, sizeof *t.summary);
    t.json = json_new();
    t.hosts = hunt_hosts_new(&hunt->probes);
    t.book = hunt_book_new(&config);
    ask_for(&t);
    int failed = 0;
    for (size_t i = 0; !failed && i < hunt->unit_count; i++)
        failed = take_unit(&t, i);
    if (!failed) {
        hunt_book_finish(t.book);
        make_result(&t);
        failed = write_case(&t) != 0 || print(&t) != 0;
    }
    *alerts = t.result.host_count > 0 && t.result.host[0]->judgement.verdict == HUNT_LEFT;
    for (size_t i = 0; i < hunt->files.count; i++)
        *problem |= hunt->files.file[i].found.problem != NULL;
    fini(&t);
    return failed ? -1 : 0;
}
