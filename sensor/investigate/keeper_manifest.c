/* manifest.json of a running sensor's incident: docs/schema/manifest.schema.json, mode "live". The
 * order of the keys is the order here. What was sealed before is in it again, so that each manifest
 * stands for all of the incident, and names the head before it. */
#include "evidence_chain.h"
#include "keeper_local.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

static void put_known(struct json *json, const char *key, const char *text)
{
    json_str(json, key, text && *text ? text : NULL);
}

static void put_file(struct json *json, const struct evidence_file *file, bool named)
{
    char hex[CHAIN_TEXT];
    if (named)
        json_str(json, "name", file->name);
    json_str(json, "sha256", hex_text(file->sha256, SHA256_SIZE, hex));
    json_uint(json, "bytes", file->bytes);
}

/* The names of interfaces: there is no file that could be looked at again. */
static void put_inputs(const struct keeper *keeper, struct json *json)
{
    json_list(json, "inputs");
    for (uint32_t i = 0; i < keeper->config.interfaces; i++) {
        json_open(json, NULL);
        json_str(json, "name", keeper->config.interface[i]);
        json_str(json, "path", keeper->config.interface[i]);
        json_none(json, "sha256");
        json_none(json, "bytes");
        json_uint(json, "snap_length", keeper->config.snap_length);
        json_bool(json, "extracted", true);
        json_none(json, "why_not");
        json_close(json);
    }
    json_close(json);
    json_list(json, "gaps"); /* a live sensor's are its own incidents */
    json_close(json);
}

/* What was not there to be kept. */
static void put_capture(const struct keeper *keeper, const struct kept *kept, struct json *json)
{
    json_open(json, "capture");
    json_uint(json, "handshake_bytes", keeper->config.handshake_bytes);
    json_uint(json, "workers", keeper->config.workers);
    json_uint(json, "kernel_drops", keeper->kernel_drops);
    json_uint(json, "interface_drops", keeper->interface_drops);
    json_bool(json, "from_the_first", kept->held_from.ns <= kept->first.ns);
    json_time(json, "held_from", kept->held_from);
    json_uint(json, "overwritten_packets", kept->missed);
    json_close(json);
}

static void put_head(const struct keeper *keeper, const struct kept *kept, struct json *json)
{
    json_int(json, "version", 1);
    json_str(json, "kind", "weir.evidence");
    json_time(json, "made", (struct ptime){keeper_now(keeper)});
    json_open(json, "made_by");
    json_str(json, "product", "weir");
    json_str(json, "version", WEIR_VERSION);
    json_close(json);
    put_known(json, "sensor", keeper->config.sensor);
    json_str(json, "mode", "live");
    evidence_put_words(json, keeper->config.word, keeper->config.words);
    put_known(json, "before", kept->head);
    put_known(json, "filter", keeper->config.filter);
    json_open(json, "configuration");
    put_file(json, &keeper->config.settings, false);
    json_close(json);
    json_list(json, "rules");
    for (size_t i = 0; i < keeper->config.rule_files; i++) {
        json_open(json, NULL);
        put_file(json, &keeper->config.rule_file[i], true);
        json_close(json);
    }
    json_close(json);
    put_inputs(keeper, json);
    put_capture(keeper, kept, json);
}

/* --- the incident ------------------------------------------------------------------------------
 */

static void put_flows(const struct kept *kept, struct json *json)
{
    json_list(json, "flows");
    for (size_t i = 0; i < kept->flows; i++) {
        const struct kept_flow *flow = kept->flow[i];
        char id[FLOW_ID_SIZE];
        json_open(json, NULL);
        json_str(json, "community_id", flow_key_community_id(&flow->key, id));
        json_time(json, "start", flow->start);
        json_time(json, "end", flow->end);
        json_uint(json, "packets", flow->packets);
        json_uint(json, "wire_bytes", flow->wire_bytes);
        json_close(json);
    }
    json_close(json);
}

static void put_verdicts(const struct kept *kept, struct json *json)
{
    json_list(json, "verdicts");
    for (size_t i = 0; i < kept->verdicts; i++) {
        const struct kept_verdict *verdict = &kept->verdict[i];
        json_open(json, NULL);
        json_str(json, "verdict", verdict->verdict);
        json_str(json, "by", verdict->by);
        json_str(json, "at", verdict->at);
        json_str(json, "note", verdict->note);
        put_known(json, "ticket", verdict->ticket);
        json_close(json);
    }
    json_close(json);
}

static char *file_name(const struct kept_file *file)
{
    return xasprintf("packets-%u.pcapng", file->number);
}

static void put_files(const struct kept *kept, struct json *json)
{
    char *first = kept->files > 0 ? file_name(&kept->file[0]) : NULL;
    json_str(json, "file", first);
    free(first);
    json_list(json, "files");
    for (size_t i = 0; i < kept->files; i++) {
        char *name = file_name(&kept->file[i]);
        json_str(json, NULL, name);
        free(name);
    }
    json_close(json);
}

static void put_incident(const struct kept *kept, struct json *json)
{
    char brief[16];
    json_list(json, "incidents");
    json_open(json, NULL);
    json_str(json, "id", kept->id);
    json_str(json, "short", incident_short(kept->id, brief));
    json_int(json, "score", kept->score);
    put_known(json, "urgency", kept->urgency);
    json_list(json, "rules");
    for (size_t i = 0; i < kept->rules; i++)
        json_str(json, NULL, kept->rule[i]);
    json_close(json);
    put_known(json, "host", kept->host);
    put_known(json, "destination", kept->destination);
    json_time(json, "first", kept->first);
    json_time(json, "last", kept->last);
    json_bool(json, "open", kept->open);
    put_files(kept, json);
    json_uint(json, "packets", kept->packets);
    json_uint(json, "wire_bytes", kept->wire_bytes);
    json_uint(json, "captured_bytes", kept->bytes);
    put_flows(kept, json);
    json_uint(json, "flows_missing", kept->flows_beyond);
    json_uint(json, "packets_beyond", kept->beyond);
    json_str(json, "why_not", kept->files > 0 ? NULL : "none of its packets was held");
    put_verdicts(kept, json);
    json_close(json);
    json_close(json);
}

/* --- the chain ---------------------------------------------------------------------------------
 */

static void put_entry(struct json *json, char link[CHAIN_TEXT], const char *kind, const char *name,
                      const char *hex, int64_t bytes)
{
    const struct chain_entry entry = {kind, name, hex ? hex : "", bytes};
    chain_next(link, &entry);
    json_open(json, NULL);
    json_str(json, "kind", kind);
    json_str(json, "name", name);
    if (bytes < 0)
        json_none(json, "bytes");
    else
        json_int(json, "bytes", bytes);
    json_str(json, "sha256", hex);
    json_str(json, "link", link);
    json_close(json);
}

static void put_settings(const struct keeper *keeper, struct json *json, char link[CHAIN_TEXT])
{
    char hex[CHAIN_TEXT];
    for (uint32_t i = 0; i < keeper->config.interfaces; i++)
        put_entry(json, link, "input", keeper->config.interface[i], NULL, -1);
    put_entry(json, link, "configuration", "settings",
              hex_text(keeper->config.settings.sha256, SHA256_SIZE, hex),
              (int64_t)keeper->config.settings.bytes);
    for (size_t i = 0; i < keeper->config.rule_files; i++) {
        const struct evidence_file *file = &keeper->config.rule_file[i];
        put_entry(json, link, "rules", file->name, hex_text(file->sha256, SHA256_SIZE, hex),
                  (int64_t)file->bytes);
    }
}

static void put_chain(const struct keeper *keeper, const struct kept *kept, struct json *json,
                      char link[CHAIN_TEXT])
{
    json_open(json, "chain");
    json_str(json, "algorithm", "SHA-256");
    json_list(json, "entries");
    memcpy(link, chain_begin, CHAIN_TEXT);
    put_settings(keeper, json, link);
    for (size_t i = 0; i < kept->files; i++) {
        char *name = file_name(&kept->file[i]);
        put_entry(json, link, "evidence", name, kept->file[i].sha256, (int64_t)kept->file[i].bytes);
        free(name);
    }
    json_close(json);
    json_close(json);
}

static void put_signature(const struct keeper *keeper, struct json *json)
{
    uint8_t der[SIGN_PUBLIC_DER], sha256[SHA256_SIZE];
    char text[SIGN_PUBLIC_B64], id[HEX_SIZE(SHA256_SIZE)];
    sign_key_public(keeper->key, der);
    digest_sha256(der, sizeof der, sha256);
    json_open(json, "signature");
    json_str(json, "algorithm", "Ed25519");
    json_str(json, "public_key", sign_key_public_text(keeper->key, text));
    json_str(json, "key_id", hex_text(sha256, sizeof sha256, id));
    json_str(json, "key", "file");
    json_close(json);
}

char *kept_manifest(const struct keeper *keeper, const struct kept *kept,
                    char head[HEX_SIZE(SHA256_SIZE)])
{
    uint8_t sha256[SHA256_SIZE];
    char hex[CHAIN_TEXT];
    struct json *json = json_new();
    json_open(json, NULL);
    put_head(keeper, kept, json);
    put_incident(kept, json);
    put_chain(keeper, kept, json, head);
    put_signature(keeper, json);
    json_close(json);
    char *text = json_take_text(json, 1), *line = xasprintf("%s\n", text);
    free(text);
    json_free(json);
    digest_sha256(line, strlen(line), sha256);
    const struct chain_entry entry = {"manifest", "manifest.json",
                                      hex_text(sha256, sizeof sha256, hex), (int64_t)strlen(line)};
    chain_next(head, &entry);
    return line;
}
