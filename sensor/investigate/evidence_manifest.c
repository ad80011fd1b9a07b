/* manifest.json: docs/schema/manifest.schema.json. The order of the keys is the order here. */
#include "evidence_chain.h"
#include "evidence_local.h"
#include "gaps.h"
#include "weir/base/buffer.h"
#include "weir/base/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct writing {
    struct json *json;
    const struct evidence_set *e;
    const struct evidence_facts *facts;
    struct evidence_told *told; /* its head is the last link so far */
    struct error *error;
};

static void put_known(struct json *json, const char *key, const char *text)
{
    json_str(json, key, text && *text ? text : NULL);
}

static void put_bytes(struct json *json, const char *key, int64_t bytes)
{
    if (bytes < 0)
        json_none(json, key);
    else
        json_int(json, key, bytes);
}

static const char *hex_or_none(const uint8_t sha256[SHA256_SIZE], char text[CHAIN_TEXT])
{
    static const uint8_t none[SHA256_SIZE];
    return memcmp(sha256, none, SHA256_SIZE) == 0 ? NULL : hex_text(sha256, SHA256_SIZE, text);
}

/* --- what was read, and with what --------------------------------------------------------------
 */

static void put_file(struct json *json, const struct evidence_file *file, bool named)
{
    char hex[CHAIN_TEXT];
    if (named) {
        char *name = evidence_shown_name(file->name);
        json_str(json, "name", name);
        free(name);
    }
    json_str(json, "sha256", hex_text(file->sha256, SHA256_SIZE, hex));
    json_uint(json, "bytes", file->bytes);
}

static void put_settings(const struct writing *w)
{
    struct json *json = w->json;
    json_open(json, "configuration");
    put_file(json, &w->facts->settings, false);
    json_close(json);
    json_list(json, "rules");
    for (size_t i = 0; i < w->facts->rule_files; i++) {
        json_open(json, NULL);
        put_file(json, &w->facts->rule_file[i], true);
        json_close(json);
    }
    json_close(json);
}

static void put_input(const struct writing *w, size_t i)
{
    struct json *json = w->json;
    const struct summary_input *input = &w->e->summary->input[i];
    const struct evidence_input *more = &w->e->input[i];
    char hex[CHAIN_TEXT], *name = evidence_shown_name(input->path);
    json_open(json, NULL);
    json_str(json, "name", name);
    json_str(json, "path", input->path);
    json_str(json, "sha256", hex_or_none(input->sha256, hex));
    put_bytes(json, "bytes", more->bytes);
    json_uint(json, "packets", input->packets);
    json_time(json, "first", input->first);
    json_time(json, "last", input->last);
    json_uint(json, "snap_length", input->longest_cut);
    put_known(json, "link", input->link);
    put_known(json, "compression", input->packed);
    json_bool(json, "drops_recorded", input->drops_known);
    json_uint(json, "kernel_drops", more->kernel_drops);
    json_uint(json, "interface_drops", more->interface_drops);
    json_str(json, "problem", input->problem);
    json_bool(json, "extracted", !more->why_not);
    json_str(json, "why_not", more->why_not);
    json_close(json);
    free(name);
}

static void put_gaps(const struct writing *w)
{
    size_t count;
    struct gap *gap = input_gaps(w->e->summary, &count);
    json_list(w->json, "gaps");
    for (size_t i = 0; i < count; i++) {
        char *before = evidence_shown_name(gap[i].before->path),
             *after = evidence_shown_name(gap[i].after->path);
        json_open(w->json, NULL);
        json_time(w->json, "from", gap[i].from);
        json_time(w->json, "to", gap[i].to);
        json_str(w->json, "after_input", before);
        json_str(w->json, "before_input", after);
        json_close(w->json);
        free(before);
        free(after);
    }
    json_close(w->json);
    free(gap);
}

/* --- incidents ---------------------------------------------------------------------------------
 */

static void put_flows(const struct writing *w, const struct kept_capture *kept)
{
    json_list(w->json, "flows");
    for (uint32_t i = 0; kept && i < kept->flows; i++) {
        const struct selected_flow *flow =
            &w->e->selection.flow[w->e->member[kept->first_flow + i]];
        char id[32];
        if (flow->packets == 0)
            continue;
        json_open(w->json, NULL);
        json_str(w->json, "community_id", flow_key_community_id(&flow->key, id));
        json_time(w->json, "start", (struct ptime){flow->flow.start_ns});
        json_time(w->json, "end", (struct ptime){flow->flow.last_ns});
        json_uint(w->json, "packets", flow->packets);
        json_uint(w->json, "wire_bytes", flow->wire_bytes);
        json_close(w->json);
    }
    json_close(w->json);
}

static void put_verdicts(const struct writing *w, const struct incident *incident)
{
    const struct noise_mark *mark =
        w->facts->noise ? noise_mark_of(w->facts->noise, incident->id) : NULL;
    json_list(w->json, "verdicts");
    if (mark && mark->verdict != VERDICT_NONE) {
        json_open(w->json, NULL);
        json_str(w->json, "verdict", noise_verdict_name[mark->verdict]);
        json_str(w->json, "by", mark->closed.by);
        json_time(w->json, "at", mark->closed.at);
        json_str(w->json, "note", mark->closed.note);
        put_known(w->json, "ticket", mark->ticket);
        json_close(w->json);
    }
    json_close(w->json);
}

/* `kept`: NULL: there is no file, and `why_not` says why. */
static void put_incident(const struct writing *w, const struct incident *incident,
                         const struct kept_capture *kept, const char *why_not)
{
    struct json *json = w->json;
    const struct story *story = &incident->story;
    char brief[16], host[IP_TEXT_SIZE];
    char *file = kept && kept->out ? xasprintf("%s.pcapng", incident->id) : NULL;
    json_open(json, NULL);
    json_str(json, "id", incident->id);
    json_str(json, "short", incident_short(incident->id, brief));
    json_int(json, "score", incident->score);
    json_str(json, "urgency", urgency_name[incident->urgency]);
    json_list(json, "rules");
    for (size_t i = 0; i < incident->rank_count; i++)
        json_str(json, NULL, incident->rank[i].detector->id);
    json_close(json);
    json_str(json, "host", evidence_has_traffic(incident) ? host_text(&story->host, host) : NULL);
    json_str(json, "destination", story->has_destination ? story->destination.name : NULL);
    json_time(json, "first", story->first);
    json_time(json, "last", story->last);
    json_str(json, "file", file);
    json_uint(json, "packets", kept ? kept->packets : 0);
    json_uint(json, "wire_bytes", kept ? kept->wire_bytes : 0);
    json_uint(json, "captured_bytes", kept ? kept->captured_bytes : 0);
    put_flows(w, kept);
    json_uint(json, "flows_missing", kept ? kept->flows_missing : 0);
    json_str(json, "why_not",
             kept && kept->out ? NULL
             : kept            ? "none of its packets could be read a second time"
                               : why_not);
    put_verdicts(w, incident);
    json_close(json);
    free(file);
}

static void put_incidents(const struct writing *w)
{
    const struct evidence_set *e = w->e;
    uint32_t next = 0; /* of those that are kept: they are in the same order */
    json_list(w->json, "incidents");
    for (size_t i = 0; i < e->sorted_count; i++) {
        bool traffic = evidence_has_traffic(e->sorted[i]);
        if (next < e->kept_count && e->kept[next].incident == e->sorted[i])
            put_incident(w, e->sorted[i], &e->kept[next++], NULL);
        else if (!traffic)
            put_incident(w, e->sorted[i], NULL, "it is about the sensor: there is no traffic");
    }
    json_close(w->json);
}

/* --- the chain ---------------------------------------------------------------------------------
 */

static void put_entry(const struct writing *w, const char *kind, const char *name, const char *hex,
                      int64_t bytes)
{
    const struct chain_entry entry = {kind, name, hex ? hex : "", bytes};
    chain_next(w->told->head, &entry);
    json_open(w->json, NULL);
    json_str(w->json, "kind", kind);
    json_str(w->json, "name", name);
    put_bytes(w->json, "bytes", bytes);
    json_str(w->json, "sha256", hex);
    json_str(w->json, "link", w->told->head);
    json_close(w->json);
}

static void put_input_entries(const struct writing *w)
{
    const struct summary *summary = w->e->summary;
    char hex[CHAIN_TEXT];
    for (size_t i = 0; i < summary->input_count; i++) {
        char *name = evidence_shown_name(summary->input[i].path);
        put_entry(w, "input", name, hex_or_none(summary->input[i].sha256, hex),
                  w->e->input[i].bytes);
        free(name);
    }
}

static void put_judged_by(const struct writing *w, const char *kind,
                          const struct evidence_file *file)
{
    char hex[CHAIN_TEXT];
    if (!file)
        return;
    char *name = evidence_shown_name(file->name);
    const char *known = hex_or_none(file->sha256, hex);
    put_entry(w, kind, name, known, known ? (int64_t)file->bytes : -1);
    free(name);
}

static void put_settings_entries(const struct writing *w)
{
    const struct evidence_facts *facts = w->facts;
    char hex[CHAIN_TEXT];
    put_entry(w, "configuration", "settings", hex_text(facts->settings.sha256, SHA256_SIZE, hex),
              (int64_t)facts->settings.bytes);
    for (size_t i = 0; i < facts->rule_files; i++) {
        char *name = evidence_shown_name(facts->rule_file[i].name);
        put_entry(w, "rules", name, hex_text(facts->rule_file[i].sha256, SHA256_SIZE, hex),
                  (int64_t)facts->rule_file[i].bytes);
        free(name);
    }
    put_judged_by(w, "baseline", facts->baseline);
    put_judged_by(w, "noise", facts->noise_file);
}

static int put_results(const struct writing *w)
{
    const size_t most = sizeof w->facts->result / sizeof *w->facts->result;
    for (size_t i = 0; i < most && w->facts->result[i]; i++) {
        char *path = xasprintf("%s/%s", w->e->beside, w->facts->result[i]);
        char hex[CHAIN_TEXT];
        uint8_t sha256[SHA256_SIZE];
        uint64_t bytes;
        int failed = evidence_digest_file(path, LINKS_REFUSED, sha256, &bytes);
        if (failed)
            error_set(w->error, ERROR_RUN, "%s: %s", path, evidence_file_problem(errno));
        else
            put_entry(w, "result", w->facts->result[i], hex_text(sha256, sizeof sha256, hex),
                      (int64_t)bytes);
        free(path);
        if (failed)
            return -1;
    }
    return 0;
}

static void put_captures(const struct writing *w)
{
    char hex[CHAIN_TEXT];
    for (uint32_t i = 0; i < w->e->kept_count; i++) {
        const struct kept_capture *kept = &w->e->kept[i];
        if (!kept->out)
            continue;
        char *name = xasprintf("%s.pcapng", kept->incident->id);
        put_entry(w, "evidence", name, hex_text(kept->sha256, SHA256_SIZE, hex),
                  (int64_t)kept->bytes);
        free(name);
    }
}

static int put_chain(const struct writing *w)
{
    json_open(w->json, "chain");
    json_str(w->json, "algorithm", "SHA-256");
    json_list(w->json, "entries");
    memcpy(w->told->head, chain_begin, CHAIN_TEXT);
    put_input_entries(w);
    put_settings_entries(w);
    int failed = put_results(w);
    put_captures(w);
    json_close(w->json);
    json_close(w->json);
    return failed;
}

static void put_signature(const struct writing *w)
{
    uint8_t der[SIGN_PUBLIC_DER], sha256[SHA256_SIZE];
    char text[SIGN_PUBLIC_B64];
    sign_key_public(w->facts->key, der);
    digest_sha256(der, sizeof der, sha256);
    hex_text(sha256, sizeof sha256, w->told->key_id);
    json_open(w->json, "signature");
    json_str(w->json, "algorithm", "Ed25519");
    json_str(w->json, "public_key", sign_key_public_text(w->facts->key, text));
    json_str(w->json, "key_id", w->told->key_id);
    json_str(w->json, "key", w->facts->key_is_kept ? "file" : "once");
    json_close(w->json);
}

/* --- all of it ---------------------------------------------------------------------------------
 */

static void put_head(const struct writing *w)
{
    struct json *json = w->json;
    json_int(json, "version", 1);
    json_str(json, "kind", "weir.evidence");
    json_time(json, "made", w->facts->made);
    json_open(json, "made_by");
    json_str(json, "product", "weir");
    json_str(json, "version", WEIR_VERSION);
    json_close(json);
    put_known(json, "sensor", w->facts->sensor);
    json_str(json, "mode", w->e->summary->hindsight ? "hindsight" : "online");
    evidence_put_words(json, w->facts->word, w->facts->words);
    put_known(json, "filter", w->facts->filter);
    put_settings(w);
    json_list(json, "inputs");
    for (size_t i = 0; i < w->e->summary->input_count; i++) {
        put_input(w, i);
        w->told->inputs_not_read += w->e->input[i].why_not != NULL;
    }
    json_close(json);
    put_gaps(w);
}

static void put_not_extracted(const struct writing *w)
{
    json_open(w->json, "not_extracted");
    json_uint(w->json, "incidents", w->told->incidents_beyond);
    json_uint(w->json, "flows", w->told->flows_beyond);
    json_uint(w->json, "fragments_unheld", w->told->unheld);
    json_close(w->json);
}

char *evidence_manifest(const struct evidence_set *e, const struct evidence_facts *facts,
                        struct evidence_told *told, struct error *error)
{
    const struct writing w = {json_new(), e, facts, told, error};
    json_open(w.json, NULL);
    put_head(&w);
    put_incidents(&w);
    put_not_extracted(&w);
    int failed = put_chain(&w);
    put_signature(&w);
    json_close(w.json);
    char *text = json_take_text(w.json, 1), *line = xasprintf("%s\n", text);
    free(text);
    json_free(w.json);
    if (!failed)
        return line;
    free(line);
    return NULL;
}
