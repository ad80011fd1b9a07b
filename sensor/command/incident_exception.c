/* A verdict of benign: the exception (weir-rules(5)) that would hold such findings back from now
 * on, and what it would have held back of all that the journal tells, so that nobody excepts more
 * than was looked at. It is printed; whoever wants it adds it to the operator's rules. Bytes are
 * those of each incident's largest alert. Thread: the main thread. */
#include "incident.h"

#include "commands.h"
#include "noise_access.h"
#include "words.h"

#include "weir/base/buffer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXCEPTION_DAYS INT64_C(90)
#define DAYS_MAX       4096u /* of which alerts are told apart */

struct effect {
    const struct retold_incident *of;
    struct retold told;
    int64_t day[DAYS_MAX];
    size_t days;
};

static bool is_of(const struct retold_incident *incident, const char *rule)
{
    for (size_t i = 0; i < incident->rule_count; i++)
        if (strcmp(incident->rule[i], rule) == 0)
            return true;
    return false;
}

static void note_day(struct effect *effect, int64_t day)
{
    for (size_t i = effect->days; i-- > 0;)
        if (effect->day[i] == day)
            return;
    if (effect->days < DAYS_MAX)
        effect->day[effect->days++] = day;
}

static void on_line(void *context, const char *line, size_t size)
{
    struct effect *effect = context;
    struct retold_record r;
    if (retold_record_read(&r, line, size) && r.kind == RETOLD_ALERT && !r.sensor &&
        is_of(effect->of, r.rule) && strcmp(r.host, effect->of->host) == 0 &&
        strcmp(r.destination, effect->of->destination) == 0) {
        retold_add(&effect->told, &r);
        note_day(effect, r.time.ns / NS_PER_DAY);
    }
    retold_record_fini(&r);
}

static void put_quoted(struct buffer *out, const char *text)
{
    struct json *json = json_new();
    json_list(json, NULL);
    json_str(json, NULL, text);
    json_close(json);
    char *quoted = json_take_text(json, 0); /* a JSON string is a YAML scalar too */
    buffer_text(out, "%.*s", (int)strlen(quoted) - 2, quoted + 1);
    free(quoted);
    json_free(json);
}

/* A name that holds a quote is no name of a domain: it is then left to whoever writes the rule. */
static void put_when(struct buffer *out, const struct retold_incident *incident)
{
    struct ip ip;
    bool address = ip_parse(incident->host, &ip) == 0;
    bool named = *incident->destination && !strpbrk(incident->destination, "\"'\\");
    char *condition = xasprintf("%s = \"%s\"%s%s%s", address ? "host" : "device", incident->host,
                                named ? " and destination = \"" : "",
                                named ? incident->destination : "", named ? "\"" : "");
    put_quoted(out, condition);
    free(condition);
}

static void put_exception(struct buffer *out, const struct retold_incident *incident,
                          const struct noise_mark *mark)
{
    char name[16], day[16];
    time_t until = (time_t)(ptime_now().ns / NS_PER_S) + EXCEPTION_DAYS * 86400;
    struct tm tm;
    strftime(day, sizeof day, "%Y-%m-%d", localtime_r(&until, &tm));
    buffer_text(out, "- exception: benign-%s\n  of: [", incident_short(incident->id, name));
    for (size_t i = 0; i < incident->rule_count; i++)
        buffer_text(out, "%s%s", i ? ", " : "", incident->rule[i]);
    buffer_text(out, "]\n  when: ");
    put_when(out, incident);
    buffer_text(out, "\n  reason: ");
    char *reason =
        xasprintf("found benign by %s%s%s%s%s", mark->closed.by, *mark->ticket ? ", ticket " : "",
                  mark->ticket, *mark->closed.note ? ": " : "", mark->closed.note);
    put_quoted(out, reason);
    buffer_text(out, "\n  expires: %s\n", day);
    free(reason);
}

static void put_effect(struct buffer *out, const struct effect *effect)
{
    size_t count;
    uint64_t bytes = 0;
    const struct retold_incident **all = retold_sorted(&effect->told, &count);
    for (size_t i = 0; i < count; i++)
        bytes += all[i]->out_bytes;
    buffer_text(out,
                "# Of what the journal tells it would have held back: alerts %" PRIu64
                ", incidents %zu, days %zu, bytes %" PRIu64 "\n",
                effect->told.alerts, count, effect->days, bytes);
    for (size_t i = 0; i < count && i < 20; i++) {
        char name[16], first[32];
        buffer_text(out, "#   %s  %s  %" PRIu64 " alerts, %" PRIu64 " bytes\n",
                    incident_short(all[i]->id, name), ptime_iso(all[i]->first, first, sizeof first),
                    all[i]->alerts, all[i]->out_bytes);
    }
    if (count > 20)
        buffer_text(out, "#   … and %zu more\n", count - 20);
    free(all);
}

int incident_propose(const struct config *config, const struct retold_incident *incident,
                     const struct noise_mark *mark, struct error *error)
{
    struct effect effect = {.of = incident};
    struct buffer out = {0};
    uint64_t damaged;
    if (incident->sensor) {
        puts("# That the sensor does not see cannot be excepted.");
        return 0;
    }
    retold_init(&effect.told);
    int failed = noise_access_each(config, PTIME_MIN, on_line, &effect, &damaged, error);
    if (!failed) {
        buffer_text(&out, "# An exception for the operator's rules (weir-rules(5)); nothing is "
                          "excepted before it\n# is added there and the sensor reloaded.\n");
        put_exception(&out, incident, mark);
        put_effect(&out, &effect);
        buffer_u8(&out, 0);
        command_make_lines_harmless((char *)out.data);
        fputs((const char *)out.data, stdout);
    }
    buffer_fini(&out);
    retold_fini(&effect.told);
    return failed;
}
