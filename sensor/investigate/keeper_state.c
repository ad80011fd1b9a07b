/* What the keeper knows, on the disk: of each incident incident.json, of itself keeper.json in the
 * folder of held packets. An incident's file says how far each worker's packets were looked at and
 * how large its part was then: after a death the part is cut to that and sealed, and reading goes
 * on behind those packets. Both are written whole or not at all, and read with bounds. */
#include "keeper_local.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_MAX (16u << 20) /* bytes that are read of one */

/* --- written -----------------------------------------------------------------------------------
 */

static void put_ip(struct json *json, const char *key, const struct ip *ip)
{
    char text[IP_TEXT_SIZE];
    json_str(json, key, ip_text(ip, text));
}

static void put_ips(struct json *json, const char *key, const struct ip *list, size_t count)
{
    json_list(json, key);
    for (size_t i = 0; i < count; i++)
        put_ip(json, NULL, &list[i]);
    json_close(json);
}

static void put_words(const struct kept *kept, struct json *json)
{
    json_str(json, "id", kept->id);
    json_str(json, "host", kept->host);
    json_str(json, "destination", kept->destination);
    json_str(json, "urgency", kept->urgency);
    json_int(json, "score", kept->score);
    json_list(json, "rules");
    for (size_t i = 0; i < kept->rules; i++)
        json_str(json, NULL, kept->rule[i]);
    json_close(json);
    json_int(json, "first_ns", kept->first.ns);
    json_int(json, "last_ns", kept->last.ns);
    json_int(json, "held_from_ns", kept->held_from.ns);
    put_ips(json, "hosts", kept->hosts, kept->host_count);
    put_ips(json, "near", kept->near, kept->near_count);
    json_bool(json, "open", kept->open);
}

static void put_wanted(const struct kept *kept, struct json *json)
{
    json_list(json, "flow_ids");
    for (size_t i = 0; i < kept->flow_ids; i++)
        json_str(json, NULL, kept->id_of_flow[i]);
    json_close(json);
    json_uint(json, "flow_ids_old", kept->flow_ids_old);
    json_list(json, "pairs");
    for (size_t i = 0; i < kept->pairs; i++) {
        put_ip(json, NULL, &kept->pair[i].a);
        put_ip(json, NULL, &kept->pair[i].b);
    }
    json_close(json);
    json_uint(json, "pairs_old", kept->pairs_old);
    json_list(json, "next");
    for (size_t i = 0; i < KEEPER_WORKERS; i++)
        json_uint(json, NULL, kept->next[i]);
    json_close(json);
}

static void put_flow(struct json *json, const struct kept_flow *flow)
{
    json_open(json, NULL);
    put_ip(json, "a", &flow->key.orig_ip);
    put_ip(json, "b", &flow->key.resp_ip);
    json_uint(json, "a_port", flow->key.orig_port);
    json_uint(json, "b_port", flow->key.resp_port);
    json_uint(json, "vlan", flow->key.vlan);
    json_uint(json, "proto", flow->key.proto);
    json_uint(json, "vantage", flow->key.vantage);
    json_int(json, "tenant", (int64_t)flow->key.tenant);
    json_int(json, "start_ns", flow->start.ns);
    json_int(json, "end_ns", flow->end.ns);
    json_uint(json, "packets", flow->packets);
    json_uint(json, "wire_bytes", flow->wire_bytes);
    json_close(json);
}

static void put_files(const struct kept *kept, struct json *json)
{
    json_list(json, "flows");
    for (size_t i = 0; i < kept->flows; i++)
        put_flow(json, kept->flow[i]);
    json_close(json);
    json_list(json, "files");
    for (size_t i = 0; i < kept->files; i++) {
        json_open(json, NULL);
        json_uint(json, "number", kept->file[i].number);
        json_uint(json, "bytes", kept->file[i].bytes);
        json_uint(json, "packets", kept->file[i].packets);
        json_str(json, "sha256", kept->file[i].sha256);
        json_close(json);
    }
    json_close(json);
    json_uint(json, "part_bytes", kept->part_bytes);
    json_uint(json, "part_packets", kept->part_packets);
    json_uint(json, "packets", kept->packets);
    json_uint(json, "wire_bytes", kept->wire_bytes);
    json_uint(json, "beyond", kept->beyond);
    json_uint(json, "missed", kept->missed);
    json_uint(json, "flows_beyond", kept->flows_beyond);
}

static void put_rest(const struct kept *kept, struct json *json)
{
    json_list(json, "verdicts");
    for (size_t i = 0; i < kept->verdicts; i++) {
        json_open(json, NULL);
        json_str(json, "verdict", kept->verdict[i].verdict);
        json_str(json, "by", kept->verdict[i].by);
        json_str(json, "note", kept->verdict[i].note);
        json_str(json, "ticket", kept->verdict[i].ticket);
        json_str(json, "at", kept->verdict[i].at);
        json_close(json);
    }
    json_close(json);
    json_str(json, "head", kept->head);
    json_str(json, "told", kept->told);
    json_bool(json, "changed", kept->changed);
    json_int(json, "began_ns", kept->began_ns);
    json_int(json, "written_ns", kept->written_ns);
}

int kept_save(struct keeper *keeper, struct kept *kept)
{
    struct error error = {0};
    struct json *json = json_new();
    if (kept->out)
        kept->part_bytes = pcapng_out_flush(kept->out);
    else
        kept->part_bytes = kept->part_packets = 0;
    json_open(json, NULL);
    json_int(json, "version", 1);
    put_words(kept, json);
    put_wanted(kept, json);
    put_files(kept, json);
    put_rest(kept, json);
    json_close(json);
    char *text = json_take_text(json, 0), *path = kept_path(keeper, kept, "");
    kept->dirty = evidence_write_whole(path, "incident.json", text, strlen(text), &error) != 0;
    if (kept->dirty) {
        log_warn("%s", error.message);
        keeper->counts.failures++;
    }
    free(text);
    free(path);
    json_free(json);
    return kept->dirty ? -1 : 0;
}

/* Where nothing is held it begins at the journal's end each time: what it says is said again. */
void keeper_save(struct keeper *keeper)
{
    struct error error = {0};
    if (keeper->journal == keeper->saved || keeper->config.workers == 0)
        return;
    char *text = xasprintf("{\"version\":1,\"journal\":%" PRIu64 "}\n", keeper->journal);
    char *folder = xasprintf("%s/evidence-ring", keeper->config.folder);
    if (evidence_write_whole(folder, "keeper.json", text, strlen(text), &error) != 0) {
        log_warn("%s", error.message);
        keeper->counts.failures++;
    } else {
        keeper->saved = keeper->journal;
    }
    free(folder);
    free(text);
}

/* --- read --------------------------------------------------------------------------------------
 */

static int64_t whole(const struct json_value *object, const char *key)
{
    const struct json_value *value = json_get(object, key);
    int64_t number = 0;
    return value && json_whole(value, &number) ? number : 0;
}

static uint64_t count_at(const struct json_value *object, const char *key)
{
    int64_t number = whole(object, key);
    return number > 0 ? (uint64_t)number : 0;
}

static void text_at(const struct json_value *object, const char *key, char *to, size_t room)
{
    const struct json_value *value = json_get(object, key);
    const char *text = value ? json_text(value) : NULL;
    snprintf(to, room, "%s", text ? text : "");
}

static size_t take_ips(const struct json_value *object, const char *key, struct ip *to, size_t room)
{
    const struct json_value *list = json_get(object, key);
    size_t count = 0;
    for (size_t i = 0; list && i < json_length(list) && count < room; i++) {
        const char *text = json_text(json_at(list, i));
        count += text && ip_parse(text, &to[count]) == 0;
    }
    return count;
}

static void take_words(struct kept *kept, const struct json_value *root)
{
    const struct json_value *rules = json_get(root, "rules"), *open = json_get(root, "open"),
                            *changed = json_get(root, "changed");
    text_at(root, "id", kept->id, sizeof kept->id);
    text_at(root, "host", kept->host, sizeof kept->host);
    text_at(root, "destination", kept->destination, sizeof kept->destination);
    text_at(root, "urgency", kept->urgency, sizeof kept->urgency);
    text_at(root, "head", kept->head, sizeof kept->head);
    text_at(root, "told", kept->told, sizeof kept->told);
    kept->score = (int)(count_at(root, "score") % 1001);
    for (size_t i = 0; rules && i < json_length(rules) && kept->rules < KEPT_RULES; i++) {
        const char *rule = json_text(json_at(rules, i));
        if (rule)
            snprintf(kept->rule[kept->rules++], sizeof kept->rule[0], "%s", rule);
    }
    kept->first.ns = whole(root, "first_ns");
    kept->last.ns = whole(root, "last_ns");
    kept->held_from.ns = whole(root, "held_from_ns");
    kept->host_count = take_ips(root, "hosts", kept->hosts, KEPT_HOSTS);
    kept->near_count = take_ips(root, "near", kept->near, KEPT_NEAR);
    if (open)
        json_truth(open, &kept->open);
    if (changed)
        json_truth(changed, &kept->changed);
    kept->began_ns = whole(root, "began_ns");
    kept->written_ns = whole(root, "written_ns");
}

static size_t at_most(uint64_t number, size_t most)
{
    return number < most ? (size_t)number : most;
}

static void take_wanted(struct kept *kept, const struct json_value *root)
{
    const struct json_value *ids = json_get(root, "flow_ids"), *next = json_get(root, "next");
    kept->id_of_flow = xcalloc(KEEPER_PAIRS, FLOW_ID_SIZE);
    for (size_t i = 0; ids && i < json_length(ids) && kept->flow_ids < KEEPER_PAIRS; i++) {
        const char *id = json_text(json_at(ids, i));
        if (id && *id && strlen(id) < FLOW_ID_SIZE)
            snprintf(kept->id_of_flow[kept->flow_ids++], FLOW_ID_SIZE, "%s", id);
    }
    kept->flow_ids_old = at_most(count_at(root, "flow_ids_old"), kept->flow_ids);
    kept->pair = xcalloc(KEEPER_PAIRS, sizeof *kept->pair);
    kept->pairs = take_ips(root, "pairs", &kept->pair[0].a, (size_t)2 * KEEPER_PAIRS) / 2;
    kept->pairs_old = at_most(count_at(root, "pairs_old"), kept->pairs);
    for (size_t i = 0; next && i < json_length(next) && i < KEEPER_WORKERS; i++) {
        int64_t number = 0;
        json_whole(json_at(next, i), &number);
        kept->next[i] = number > 0 ? (uint64_t)number : 0;
    }
}

static void take_flow(struct kept *kept, const struct json_value *value)
{
    struct kept_flow flow;
    char a[IP_TEXT_SIZE], b[IP_TEXT_SIZE];
    memset(&flow, 0, sizeof flow);
    text_at(value, "a", a, sizeof a);
    text_at(value, "b", b, sizeof b);
    if (ip_parse(a, &flow.key.orig_ip) != 0 || ip_parse(b, &flow.key.resp_ip) != 0)
        return;
    flow.key.orig_port = (uint16_t)count_at(value, "a_port");
    flow.key.resp_port = (uint16_t)count_at(value, "b_port");
    flow.key.vlan = (uint16_t)count_at(value, "vlan");
    flow.key.proto = (uint8_t)count_at(value, "proto");
    flow.key.vantage = (uint8_t)count_at(value, "vantage");
    flow.key.tenant = (uint64_t)whole(value, "tenant");
    flow.start.ns = whole(value, "start_ns");
    flow.end.ns = whole(value, "end_ns");
    flow.packets = count_at(value, "packets");
    flow.wire_bytes = count_at(value, "wire_bytes");
    kept_add_flow(kept, &flow);
}

static void take_files(struct kept *kept, const struct json_value *root)
{
    const struct json_value *flows = json_get(root, "flows"), *files = json_get(root, "files");
    for (size_t i = 0; flows && i < json_length(flows) && kept->flows < KEEPER_FLOWS; i++)
        take_flow(kept, json_at(flows, i));
    kept->file = xcalloc(KEEPER_FILES + 1, sizeof *kept->file);
    for (size_t i = 0; files && i < json_length(files) && kept->files < KEEPER_FILES; i++) {
        const struct json_value *value = json_at(files, i);
        struct kept_file file = {.number = (uint32_t)count_at(value, "number"),
                                 .bytes = count_at(value, "bytes"),
                                 .packets = count_at(value, "packets")};
        text_at(value, "sha256", file.sha256, sizeof file.sha256);
        kept->bytes += file.bytes;
        kept->file[kept->files++] = file;
    }
    kept->part_bytes = count_at(root, "part_bytes");
    kept->part_packets = count_at(root, "part_packets");
    kept->packets = count_at(root, "packets");
    kept->wire_bytes = count_at(root, "wire_bytes");
    kept->beyond = count_at(root, "beyond");
    kept->missed = count_at(root, "missed");
    kept->flows_beyond = count_at(root, "flows_beyond");
}

static void take_verdicts(struct kept *kept, const struct json_value *root)
{
    const struct json_value *verdicts = json_get(root, "verdicts");
    for (size_t i = 0; verdicts && i < json_length(verdicts) && kept->verdicts < KEPT_VERDICTS;
         i++) {
        const struct json_value *value = json_at(verdicts, i);
        struct kept_verdict *verdict = &kept->verdict[kept->verdicts++];
        text_at(value, "verdict", verdict->verdict, sizeof verdict->verdict);
        text_at(value, "by", verdict->by, sizeof verdict->by);
        text_at(value, "note", verdict->note, sizeof verdict->note);
        text_at(value, "ticket", verdict->ticket, sizeof verdict->ticket);
        text_at(value, "at", verdict->at, sizeof verdict->at);
    }
}

struct kept *kept_load(const char *text, size_t size)
{
    struct error ignored = {0};
    struct json_value *root = json_parse(text, size, &ignored);
    struct kept *kept = NULL;
    if (root && json_is_record(root) && whole(root, "version") == 1) {
        kept = xcalloc(1, sizeof *kept);
        map_init(&kept->flow_of);
        take_words(kept, root);
        take_wanted(kept, root);
        take_files(kept, root);
        take_verdicts(kept, root);
    }
    if (root)
        json_value_free(root);
    if (kept && !evidence_is_incident(kept->id)) {
        kept_free(kept);
        return NULL;
    }
    return kept;
}

/* --- after a death -----------------------------------------------------------------------------
 */

static bool cut_to(const char *path, uint64_t bytes)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                (uint64_t)st.st_size >= bytes && ftruncate(fd, (off_t)bytes) == 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

/* The part of a dead keeper, as it was when incident.json was written, becomes a file. It may have
 * been renamed already; no manifest names it then (see kept_seal). */
static void take_part(const struct keeper *keeper, struct kept *kept)
{
    struct kept_file file = {.number = kept->files > 0 ? kept->file[kept->files - 1].number + 1 : 1,
                             .packets = kept->part_packets};
    char *path = xasprintf("%s/%s/packets-%u.pcapng", keeper->folder, kept->id, file.number);
    char *part = xasprintf("%s.part", path);
    uint8_t sha256[SHA256_SIZE];
    if (access(part, F_OK) != 0)
        rename(path, part);
    if (kept->part_bytes == 0) {
        unlink(part);
    } else if (kept->files < KEEPER_FILES && cut_to(part, kept->part_bytes) &&
               rename(part, path) == 0 &&
               evidence_digest_file(path, LINKS_REFUSED, sha256, &file.bytes) == 0) {
        hex_text(sha256, sizeof sha256, file.sha256);
        kept->file[kept->files++] = file;
        kept->bytes += file.bytes;
        kept->changed = true;
    } else {
        log_warn("%s: %" PRIu64 " packets that were kept last are lost", part, kept->part_packets);
        kept->missed += kept->part_packets;
        kept->packets -= kept->part_packets < kept->packets ? kept->part_packets : kept->packets;
        kept->changed = true;
        unlink(part);
    }
    kept->part_bytes = kept->part_packets = 0;
    kept->changed |= kept->open;
    kept->dirty = true;
    free(part);
    free(path);
}

static void load_one(struct keeper *keeper, const char *id)
{
    char *path = xasprintf("%s/%s/incident.json", keeper->folder, id);
    size_t size = 0;
    char *text = evidence_read_file(path, STATE_MAX, &size);
    struct kept *kept = text ? kept_load(text, size) : NULL;
    if (!kept || strcmp(kept->id, id) != 0) {
        log_warn("%s: cannot be read: this evidence stays as it is, and is nobody's to remove",
                 path);
        if (kept)
            kept_free(kept);
    } else {
        take_part(keeper, kept);
        keeper->kept = xrealloc(keeper->kept, (keeper->count + 1) * sizeof(struct kept *));
        keeper->kept[keeper->count++] = kept;
        keeper->total_bytes += kept->bytes;
        map_put(&keeper->by_id, kept->id, strlen(kept->id), kept);
    }
    free(text);
    free(path);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void load_all(struct keeper *keeper)
{
    char *name[KEEPER_FOLDERS];
    size_t count = 0;
    DIR *dir = opendir(keeper->folder);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL && count < KEEPER_FOLDERS;)
        if (evidence_is_incident(entry->d_name))
            name[count++] = xstrdup(entry->d_name);
    closedir(dir);
    qsort(name, count, sizeof *name, by_id);
    for (size_t i = 0; i < count; i++) {
        load_one(keeper, name[i]);
        free(name[i]);
    }
}

/* Where the journal was read to; UINT64_MAX in `saved`: nobody knows. */
int keeper_load(struct keeper *keeper, struct error *error)
{
    char *path = xasprintf("%s/evidence-ring/keeper.json", keeper->config.folder);
    size_t size = 0;
    char *text = evidence_read_file(path, STATE_MAX, &size);
    struct json_value *root = text ? json_parse(text, size, error) : NULL;
    keeper->saved = root ? count_at(root, "journal") : UINT64_MAX;
    keeper->journal = root ? keeper->saved : 0;
    *error = (struct error){ERROR_NONE, ""};
    if (text && !root)
        log_warn("%s: cannot be read: alerts are followed from now on", path);
    if (root)
        json_value_free(root);
    free(text);
    free(path);
    keeper_finish_removing(keeper);
    load_all(keeper);
    return 0;
}
