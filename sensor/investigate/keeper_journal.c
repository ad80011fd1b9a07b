/* What the keeper takes from the journal: alerts say whose packets are wanted, its own records come
 * back as a receipt, verdicts go into the manifest. A line that is read twice changes nothing. */
#include "keeper_local.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_A_ROUND 4096

/* The first keeper of a state directory begins at the journal's end: of what was before, no packet
 * is held. */
int keeper_journal_open(struct keeper *keeper, struct error *error)
{
    keeper->journal_reader = journal_reader_open(keeper->config.folder, keeper->journal, error);
    if (keeper->journal_reader && keeper->saved == UINT64_MAX) {
        keeper->journal = journal_reader_durable(keeper->journal_reader);
        journal_reader_close(keeper->journal_reader);
        keeper->journal_reader = journal_reader_open(keeper->config.folder, keeper->journal, error);
    }
    return keeper->journal_reader ? 0 : -1;
}

void keeper_journal_read(struct keeper *keeper)
{
    const char *line;
    size_t size;
    uint64_t sequence;
    for (int i = 0; i < LINES_A_ROUND; i++) {
        struct error ignored = {0};
        int result = journal_reader_next(keeper->journal_reader, UINT64_MAX, &line, &size,
                                         &sequence, &ignored);
        if (result == 0)
            return;
        if (result < 0)
            continue; /* damaged: said by whoever delivers it */
        keeper_journal_line(keeper, line, size);
        keeper->journal = sequence;
    }
}

/* --- words of a line ---------------------------------------------------------------------------
 */

static const char *word(const struct json_value *root, const char *path)
{
    const struct json_value *value = json_find(root, path);
    const char *text = value ? json_text(value) : NULL;
    return text ? text : "";
}

static void copy(char *to, size_t room, const char *text)
{
    if (*text)
        snprintf(to, room, "%s", text);
}

static void add_address(struct ip *list, size_t *count, size_t room, const char *text)
{
    struct ip ip;
    if (*count == room || ip_parse(text, &ip) != 0)
        return;
    for (size_t i = 0; i < *count; i++)
        if (ip_compare(&list[i], &ip) == 0)
            return;
    list[(*count)++] = ip;
}

static void add_addresses(struct ip *list, size_t *count, size_t room,
                          const struct json_value *texts)
{
    for (size_t i = 0; texts && i < json_length(texts); i++) {
        const char *text = json_text(json_at(texts, i));
        if (text)
            add_address(list, count, room, text);
    }
}

/* --- alerts ------------------------------------------------------------------------------------
 */

static void add_flow(struct keeper *keeper, struct kept *kept, const char *id)
{
    if (!*id || strlen(id) >= FLOW_ID_SIZE)
        return;
    for (size_t i = 0; i < kept->flow_ids; i++)
        if (strcmp(kept->id_of_flow[i], id) == 0)
            return;
    if (kept->flow_ids == KEEPER_PAIRS) {
        kept->flows_beyond++;
        return;
    }
    kept->id_of_flow = xrealloc(kept->id_of_flow, (kept->flow_ids + 1) * FLOW_ID_SIZE);
    snprintf(kept->id_of_flow[kept->flow_ids++], FLOW_ID_SIZE, "%s", id);
    keeper->match_stale = true;
}

static void add_rule(struct kept *kept, const char *rule)
{
    for (size_t i = 0; i < kept->rules; i++)
        if (strcmp(kept->rule[i], rule) == 0)
            return;
    if (*rule && kept->rules < KEPT_RULES)
        snprintf(kept->rule[kept->rules++], sizeof kept->rule[0], "%s", rule);
}

static void add_times(struct kept *kept, const struct json_value *root,
                      const struct json_value *flows)
{
    struct ptime time;
    if (ptime_of_iso(word(root, "@timestamp"), &time)) {
        if (time.ns > kept->last.ns)
            kept->last = time;
        if (time.ns < kept->first.ns)
            kept->first = time;
    }
    for (size_t i = 0; flows && i < json_length(flows); i++)
        if (ptime_of_iso(word(json_at(flows, i), "start"), &time) && time.ns < kept->first.ns)
            kept->first = time;
}

static void add_facts(struct keeper *keeper, struct kept *kept, const struct json_value *root)
{
    const struct json_value *flows = json_find(root, "weir.flows");
    const char *host = word(root, "host.id");
    copy(kept->host, sizeof kept->host, *host ? host : word(root, "source.ip"));
    copy(kept->destination, sizeof kept->destination, word(root, "destination.domain"));
    if (!*kept->destination)
        copy(kept->destination, sizeof kept->destination, word(root, "destination.ip"));
    copy(kept->urgency, sizeof kept->urgency, word(root, "weir.urgency"));
    add_rule(kept, word(root, "rule.id"));
    add_address(kept->hosts, &kept->host_count, KEPT_HOSTS, word(root, "source.ip"));
    add_addresses(kept->hosts, &kept->host_count, KEPT_HOSTS, json_find(root, "host.ip"));
    size_t near = kept->near_count;
    add_addresses(kept->near, &kept->near_count, KEPT_NEAR, json_find(root, "related.ip"));
    keeper->match_stale |= near != kept->near_count;
    for (size_t i = 0; flows && i < json_length(flows); i++)
        add_flow(keeper, kept, word(json_at(flows, i), "community_id"));
    add_times(kept, root, flows);
    kept->dirty = true;
}

static void take_alert(struct keeper *keeper, const struct json_value *root)
{
    const char *id = word(root, "weir.incident");
    const struct json_value *score_at = json_find(root, "weir.score");
    bool closes = strcmp(word(root, "weir.state"), "close") == 0;
    int64_t score = 0;
    if (!evidence_is_incident(id) || !json_find(root, "related.ip") || keeper->config.workers == 0)
        return; /* of the sensor itself: there is no traffic; or nothing is followed */
    if (score_at)
        json_whole(score_at, &score);
    if (score < 0 || score > 1000)
        score = 0;
    struct kept *kept = keeper_get(keeper, id);
    if (!kept && !closes)
        kept = keeper_make(keeper, id, (int)score);
    if (!kept || kept->leaving)
        return;
    if (score > kept->score)
        kept->score = (int)score;
    if (kept->open == closes) {
        kept->open = kept->reopened = !closes;
        kept->changed = true;
        keeper->match_stale = true;
    }
    add_facts(keeper, kept, root);
}

/* --- records of what was done ------------------------------------------------------------------
 */

/* "…; head HEX" */
static void take_receipt(struct kept *kept, const char *message)
{
    const char *head = strstr(message, "head ");
    if (head && strlen(head + 5) == sizeof kept->told - 1)
        snprintf(kept->told, sizeof kept->told, "%s", head + 5);
    kept->dirty = true;
}

static void take_verdict(struct kept *kept, const struct json_value *root)
{
    const struct json_value *after = json_find(root, "weir.audit.after");
    struct kept_verdict verdict = {.verdict = ""};
    if (!after)
        return;
    copy(verdict.verdict, sizeof verdict.verdict, word(after, "verdict"));
    copy(verdict.by, sizeof verdict.by, word(root, "user.name"));
    copy(verdict.note, sizeof verdict.note, word(after, "closed.note"));
    copy(verdict.ticket, sizeof verdict.ticket, word(after, "ticket"));
    copy(verdict.at, sizeof verdict.at, word(root, "@timestamp"));
    for (size_t i = 0; i < kept->verdicts; i++)
        if (strcmp(kept->verdict[i].at, verdict.at) == 0)
            return;
    if (!*verdict.verdict)
        return;
    if (kept->verdicts == KEPT_VERDICTS) /* the latest say what holds */
        memmove(kept->verdict, kept->verdict + 1, --kept->verdicts * sizeof *kept->verdict);
    kept->verdict[kept->verdicts++] = verdict;
    kept->changed = kept->dirty = true;
}

static void take_audit(struct keeper *keeper, const struct json_value *root)
{
    const char *action = word(root, "event.action");
    struct kept *kept = keeper_get(keeper, word(root, "weir.audit.subject"));
    if (!kept)
        return;
    if (strcmp(action, "evidence.seal") == 0)
        take_receipt(kept, word(root, "message"));
    else if (strcmp(action, "evidence.remove") == 0 && kept->leaving)
        kept->may_go = true;
    else if (strcmp(action, "evidence.remove") == 0)
        keeper_forget(keeper, kept);
    else if (strcmp(action, "incident.close") == 0)
        take_verdict(kept, root);
}

void keeper_journal_line(struct keeper *keeper, const char *line, size_t size)
{
    struct error ignored = {0};
    struct json_value *root = json_parse(line, size, &ignored);
    if (!root)
        return;
    if (strcmp(word(root, "event.kind"), "alert") == 0)
        take_alert(keeper, root);
    else if (strcmp(word(root, "event.dataset"), "weir.audit") == 0)
        take_audit(keeper, root);
    json_value_free(root);
}
