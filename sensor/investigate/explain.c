/* Finding and gathering what `weir explain` speaks of. Thread: the caller's. */
#include "explain.h"

#include "weir/base/buffer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_LETTERS 6

/* --- which id ----------------------------------------------------------------------------------
 */

struct explain *explain_new(const char *id, struct error *error)
{
    bool shortened = strncmp(id, "inc-", 4) == 0;
    const char *letters = shortened ? id + 4 : id;
    size_t size = strlen(letters);
    bool hex = strspn(letters, "0123456789abcdef") == size;
    if (!hex || size >= ALERT_ID_SIZE || size < (shortened ? SHORT_LETTERS : ALERT_ID_SIZE - 1)) {
        error_set(error, ERROR_USAGE,
                  "%.60s: is no id: expected inc- and six letters or more (0-9, a-f), or all %d of "
                  "an alert or incident",
                  id, ALERT_ID_SIZE - 1);
        return NULL;
    }
    struct explain *explain = xcalloc(1, sizeof *explain);
    memcpy(explain->wanted, letters, size);
    explain->shortened = shortened;
    return explain;
}

void explain_free(struct explain *explain)
{
    if (!explain)
        return;
    for (size_t i = 0; i < explain->rows; i++)
        json_value_free(explain->row[i]);
    free(explain);
}

/* --- the first reading -------------------------------------------------------------------------
 */

/* A line that holds `text`, as a record; NULL: it does not, or is none. */
static struct json_value *record_with(const char *line, size_t size, const char *text)
{
    if (!memmem(line, size, text, strlen(text)))
        return NULL;
    return json_parse(line, size, NULL);
}

static void add_incident(struct explain *explain, const char *incident)
{
    if (strlen(incident) != ALERT_ID_SIZE - 1)
        return;
    for (size_t i = 0; i < explain->incidents; i++)
        if (strcmp(explain->incident[i], incident) == 0)
            return;
    if (explain->incidents < EXPLAIN_OTHERS)
        memcpy(explain->incident[explain->incidents++], incident, ALERT_ID_SIZE);
}

void explain_seek(struct explain *explain, const char *line, size_t size)
{
    struct json_value *record = record_with(line, size, explain->wanted);
    if (!record)
        return;
    const char *incident = line_text(record, "weir.incident");
    enum line_kind kind = line_kind_of(record);
    bool is_it = !explain->shortened && strcmp(line_text(record, "event.id"), explain->wanted) == 0;
    if (is_it && kind != LINE_ALERT)
        explain->other = kind;
    if (is_it && kind == LINE_ALERT)
        explain->is_alert = true;
    if (kind == LINE_ALERT &&
        (is_it || strncmp(incident, explain->wanted, strlen(explain->wanted)) == 0))
        add_incident(explain, incident);
    json_value_free(record);
}

static int say_several(const struct explain *explain, struct error *error)
{
    struct buffer list = {0};
    for (size_t i = 0; i < explain->incidents; i++)
        buffer_text(&list, "%s%s", i > 0 ? ", " : "", explain->incident[i]);
    buffer_u8(&list, 0);
    error_set(error, ERROR_USAGE, "inc-%s: may be any of %s: say more letters", explain->wanted,
              (const char *)list.data);
    buffer_fini(&list);
    return -1;
}

int explain_found(const struct explain *explain, struct error *error)
{
    const char *before = explain->shortened ? "inc-" : "";
    if (explain->incidents == 1)
        return 0;
    if (explain->incidents > 1)
        return say_several(explain, error);
    if (explain->other != LINE_OTHER)
        return error_set(error, ERROR_USAGE, "%s: is no alert but %s", explain->wanted,
                         explain->other == LINE_HEARTBEAT ? "a heartbeat" : "what somebody did");
    return error_set(error, ERROR_USAGE, "%s%s: the journal has no such alert or incident", before,
                     explain->wanted);
}

/* --- the second reading ------------------------------------------------------------------------
 */

static void keep(char *to, size_t room, const char *text)
{
    char *cut = line_cut(text, room - 1);
    snprintf(to, room, "%s", cut);
    free(cut);
}

static void add_raise(struct explain *explain, const struct json_value *record)
{
    uint64_t n = explain->raises++;
    uint64_t ring = EXPLAIN_RAISES - EXPLAIN_FIRST;
    struct explain_raise *raise =
        &explain->raise[n < EXPLAIN_RAISES ? n : EXPLAIN_FIRST + (n - EXPLAIN_FIRST) % ring];
    keep(raise->id, sizeof raise->id, line_text(record, "event.id"));
    keep(raise->time, sizeof raise->time, line_text(record, "@timestamp"));
    keep(raise->rule, sizeof raise->rule, line_text(record, "rule.id"));
    keep(raise->state, sizeof raise->state, line_text(record, "weir.state"));
    keep(raise->urgency, sizeof raise->urgency, line_text(record, "weir.urgency"));
    raise->score = line_whole(record, "weir.score", -1);
    raise->out_bytes = line_whole(record, "weir.out_bytes.value", -1);
}

/* Takes the record when it is to be explained: the wanted alert, or the latest of its row. */
static bool take_row(struct explain *explain, struct json_value *record)
{
    const char *rule = line_text(record, "rule.id");
    if (explain->is_alert && strcmp(line_text(record, "event.id"), explain->wanted) != 0)
        return false;
    for (size_t i = 0; i < explain->rows; i++)
        if (strcmp(line_text(explain->row[i], "rule.id"), rule) == 0) {
            json_value_free(explain->row[i]);
            explain->row[i] = record;
            return true;
        }
    if (explain->rows == EXPLAIN_ROWS) {
        explain->rows_more++;
        return false;
    }
    explain->row[explain->rows++] = record;
    return true;
}

static void add_person(struct explain *explain, const struct json_value *record)
{
    struct explain_person *person = &explain->person[explain->people++ % EXPLAIN_PEOPLE];
    keep(person->time, sizeof person->time, line_text(record, "@timestamp"));
    keep(person->user, sizeof person->user, line_text(record, "user.name"));
    keep(person->action, sizeof person->action, line_text(record, "event.action"));
    keep(person->message, sizeof person->message, line_text(record, "message"));
}

void explain_gather(struct explain *explain, const char *line, size_t size)
{
    const char *incident = explain->incident[0];
    struct json_value *record = record_with(line, size, incident);
    if (!record)
        return;
    enum line_kind kind = line_kind_of(record);
    bool taken = false;
    if (kind == LINE_AUDIT)
        add_person(explain, record);
    if (kind == LINE_ALERT && strcmp(line_text(record, "weir.incident"), incident) == 0) {
        add_raise(explain, record);
        taken = take_row(explain, record);
    }
    if (!taken)
        json_value_free(record);
}

/* --- looking at it -----------------------------------------------------------------------------
 */

const struct explain_raise *explain_raise_at(const struct explain *explain, uint64_t n)
{
    uint64_t ring = EXPLAIN_RAISES - EXPLAIN_FIRST;
    if (n < EXPLAIN_FIRST)
        return &explain->raise[n];
    if (n + ring < explain->raises)
        return NULL;
    return &explain->raise[EXPLAIN_FIRST + (n - EXPLAIN_FIRST) % ring];
}

const struct explain_person *explain_person_at(const struct explain *explain, uint64_t n)
{
    return n + EXPLAIN_PEOPLE < explain->people ? NULL : &explain->person[n % EXPLAIN_PEOPLE];
}

const char *explain_detector(const char *id, const struct rules *rules)
{
    const struct detector *detector = detector_get(id);
    const struct rule *rule = rules ? rules_get(rules, id) : NULL;
    if (!detector && rule)
        detector = &rule->detector;
    return detector ? detector->explains : NULL;
}
