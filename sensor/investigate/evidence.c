/* The captures of a folder of evidence: see weir/investigate/evidence.h. The manifest is written
 * last, by a temporary name and a rename, its signature after it: a folder without them is no
 * evidence. */
#include "evidence_local.h"

#include "evidence_chain.h"
#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/base/terminal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the folder --------------------------------------------------------------------------------
 */

static bool is_ours(const char *name)
{
    size_t size = strlen(name);
    return strcmp(name, "manifest.json") == 0 || strcmp(name, "manifest.sig") == 0 ||
           strcmp(name, "manifest.json.part") == 0 ||
           (size > 7 && strcmp(name + size - 7, ".pcapng") == 0);
}

/* What an older run left; what is not ours stays, and the verifier says so. */
static void empty_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (is_ours(entry->d_name))
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

struct evidence_set *evidence_new(const char *folder, struct error *error)
{
    struct evidence_set *e = xcalloc(1, sizeof *e);
    e->beside = xstrdup(folder);
    e->folder = xasprintf("%s/evidence", folder);
    if (mkdir(e->folder, 0750) != 0 && errno != EEXIST) {
        error_set(error, ERROR_RUN, "%s: %s", e->folder, strerror(errno));
    } else {
        empty_folder(e->folder);
        e->flows = evidence_flows_new(e->folder, error);
    }
    if (e->flows)
        return e;
    evidence_free(e);
    return NULL;
}

void evidence_free(struct evidence_set *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; i < e->kept_count; i++) {
        pcapng_out_free(e->kept[i].out);
        free(e->kept[i].interface);
    }
    evidence_flows_free(e->flows);
    free(e->kept);
    free(e->sorted);
    free(e->selection.flow);
    free(e->wanted);
    free(e->member);
    free(e->beside);
    free(e->folder);
    free(e);
}

void evidence_flow(struct evidence_set *e, const struct flow_view *view)
{
    evidence_flows_add(e->flows, view);
}

/* --- which packets -----------------------------------------------------------------------------
 */

bool evidence_has_traffic(const struct incident *incident)
{
    static const struct ip nobody;
    return ip_compare(&incident->story.host, &nobody) != 0;
}

int evidence_select(struct evidence_set *e, const struct summary *summary,
                    const struct evidence_input *input, const struct wanted_flow **wanted,
                    uint32_t *count, struct error *error)
{
    const struct incident *with_traffic[EVIDENCE_INCIDENTS];
    e->summary = summary;
    e->input = input;
    e->sorted = incidents_sorted(engine_incidents(summary->engine), &e->sorted_count);
    e->kept = xcalloc(EVIDENCE_INCIDENTS, sizeof *e->kept);
    for (size_t i = 0; i < e->sorted_count; i++) {
        if (!evidence_has_traffic(e->sorted[i]))
            continue;
        if (e->kept_count == EVIDENCE_INCIDENTS) {
            e->incidents_beyond++;
            continue;
        }
        with_traffic[e->kept_count] = e->sorted[i];
        e->kept[e->kept_count++].incident = e->sorted[i];
    }
    if (evidence_flows_select(e->flows, with_traffic, e->kept_count, &e->selection, error) != 0)
        return -1;
    e->wanted = xcalloc(e->selection.count + 1, sizeof *e->wanted);
    for (uint32_t i = 0; i < e->selection.count; i++)
        e->wanted[i] = e->selection.flow[i].flow;
    *wanted = e->wanted;
    *count = e->selection.count;
    return 0;
}

/* --- packets -----------------------------------------------------------------------------------
 */

char *evidence_rules(const struct incident *incident)
{
    struct buffer b = {0};
    for (size_t i = 0; i < incident->rank_count; i++)
        buffer_text(&b, "%s%s", i ? ", " : "", incident->rank[i].detector->id);
    buffer_u8(&b, '\0');
    return (char *)b.data;
}

char *evidence_shown_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct json *json = json_new();
    struct error error = {0};
    json_list(json, NULL);
    json_str(json, NULL, slash && slash[1] ? slash + 1 : path);
    json_close(json);
    char *text = json_take_text(json, 0);
    json_free(json);
    struct json_value *root = json_parse(text, strlen(text), &error);
    const char *shown = root ? json_text(json_at(root, 0)) : NULL;
    char *name = xstrdup(shown ? shown : "");
    terminal_make_harmless(name);
    json_value_free(root);
    free(text);
    return name;
}

static struct pcapng_out *open_capture(const struct evidence_set *e,
                                       const struct incident *incident)
{
    const struct story *story = &incident->story;
    char brief[16], host[IP_TEXT_SIZE], *rules = evidence_rules(incident);
    char *path = xasprintf("%s/%s.pcapng", e->folder, incident->id);
    char *comment = xasprintf(
        "%s score %d: %s; %s -> %s; incident %s", incident_short(incident->id, brief),
        incident->score, rules, host_text(&story->host, host),
        story->has_destination ? story->destination.name : "any destination", incident->id);
    struct pcapng_out *out = pcapng_out_new(path, comment);
    free(comment);
    free(path);
    free(rules);
    return out;
}

static uint32_t interface_of(struct evidence_set *e, struct kept_capture *kept, size_t input,
                             int link)
{
    for (uint32_t i = 0; i < kept->interfaces; i++) {
        uint32_t at = (kept->last + i) % kept->interfaces;
        if (kept->interface[at].input == input && kept->interface[at].link == link)
            return kept->last = at;
    }
    char *name = evidence_shown_name(e->summary->input[input].path);
    const struct pcapng_interface interface = {name, link, e->summary->input[input].longest_cut};
    kept->last = pcapng_out_interface(kept->out, &interface);
    free(name);
    kept->interface = xrealloc(kept->interface, (kept->interfaces + 1) * sizeof *kept->interface);
    kept->interface[kept->interfaces++] = (struct kept_interface){input, link};
    return kept->last;
}

/* Said at the first packet of a flow. */
static char *flow_comment(const struct incident *incident, const struct flow_key *key)
{
    char brief[16], id[32], *rules = evidence_rules(incident);
    char *comment =
        xasprintf("%s score %d: %s; flow %s begins", incident_short(incident->id, brief),
                  incident->score, rules, flow_key_community_id(key, id));
    free(rules);
    return comment;
}

static void keep_packet(struct evidence_set *e, struct kept_capture *kept,
                        const struct selected_flow *flow, const struct picked_packet *packet,
                        size_t input)
{
    if (!kept->out) {
        kept->out = open_capture(e, kept->incident);
        kept->latest = packet->stamp;
    }
    char *comment = flow->packets == 0 ? flow_comment(kept->incident, &flow->key) : NULL;
    const struct pcapng_packet out = {.interface = interface_of(e, kept, input, packet->link),
                                      .time = packet->stamp,
                                      .wire_bytes = packet->wire_bytes,
                                      .captured = packet->captured,
                                      .data = packet->data,
                                      .comment = comment};
    pcapng_out_packet(kept->out, &out);
    free(comment);
    if (packet->stamp.ns > kept->latest.ns)
        kept->latest = packet->stamp;
    kept->packets++;
    kept->wire_bytes += packet->wire_bytes;
    kept->captured_bytes += packet->captured;
}

void evidence_packet(struct evidence_set *e, const struct picked_packet *packet, size_t input)
{
    struct selected_flow *flow = &e->selection.flow[packet->flow];
    for (uint32_t i = 0; i < flow->incidents; i++)
        keep_packet(e, &e->kept[flow->incident[i]], flow, packet, input);
    flow->packets++;
    flow->wire_bytes += packet->wire_bytes;
}

/* --- the end -----------------------------------------------------------------------------------
 */

static int finish_capture(struct evidence_set *e, struct kept_capture *kept, struct error *error)
{
    for (uint32_t i = 0; i < kept->interfaces; i++) {
        size_t input = kept->interface[i].input;
        if (e->summary->input[input].drops_known)
            pcapng_out_drops(kept->out, i, kept->latest, e->input[input].kernel_drops,
                             e->input[input].interface_drops);
    }
    return pcapng_out_finish(kept->out, kept->sha256, &kept->bytes, error);
}

static int finish_captures(struct evidence_set *e, struct evidence_told *told, struct error *error)
{
    for (uint32_t i = 0; i < e->kept_count; i++) {
        struct kept_capture *kept = &e->kept[i];
        if (!kept->out)
            continue;
        if (finish_capture(e, kept, error) != 0)
            return -1;
        told->files++;
        told->packets += kept->packets;
        told->bytes += kept->bytes;
    }
    return 0;
}

/* Each incident's flows, in their order. */
static void list_flows(struct evidence_set *e, struct evidence_told *told)
{
    uint32_t members = 0;
    for (uint32_t f = 0; f < e->selection.count; f++) {
        const struct selected_flow *flow = &e->selection.flow[f];
        told->flows_missing += flow->packets == 0;
        for (uint32_t i = 0; i < flow->incidents; i++) {
            e->kept[flow->incident[i]].flows_missing += flow->packets == 0;
            e->kept[flow->incident[i]].flows++;
        }
    }
    for (uint32_t i = 0; i < e->kept_count; i++) {
        e->kept[i].first_flow = members;
        members += e->kept[i].flows;
        e->kept[i].flows = 0;
    }
    e->member = xcalloc(members + 1, sizeof *e->member);
    for (uint32_t f = 0; f < e->selection.count; f++)
        for (uint32_t i = 0; i < e->selection.flow[f].incidents; i++) {
            struct kept_capture *kept = &e->kept[e->selection.flow[f].incident[i]];
            e->member[kept->first_flow + kept->flows++] = f;
        }
}

int evidence_write_whole(const char *folder, const char *name, const void *data, size_t size,
                         struct error *error)
{
    char *path = xasprintf("%s/%s", folder, name), *part = xasprintf("%s.part", path);
    unlink(part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    int failed = !file || fwrite(data, 1, size, file) != size || fflush(file) != 0 ||
                 fsync(fileno(file)) != 0;
    if (file && fclose(file) != 0)
        failed = 1;
    if (failed || rename(part, path) != 0) {
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
        unlink(part);
        failed = 1;
    }
    free(part);
    free(path);
    return failed ? -1 : 0;
}

static void take_head(const char *manifest, size_t size, struct evidence_told *told)
{
    uint8_t sha256[SHA256_SIZE];
    char hex[HEX_SIZE(SHA256_SIZE)];
    digest_sha256(manifest, size, sha256);
    const struct chain_entry entry = {"manifest", "manifest.json",
                                      hex_text(sha256, sizeof sha256, hex), (int64_t)size};
    chain_next(told->head, &entry); /* the manifest left its last link there */
}

int evidence_finish(struct evidence_set *e, const struct evidence_facts *facts,
                    struct evidence_told *told, struct error *error)
{
    uint8_t signature[SIGNATURE_SIZE];
    *told = (struct evidence_told){.incidents_beyond = e->incidents_beyond,
                                   .flows_beyond = e->selection.beyond,
                                   .unheld = facts->unheld};
    if (finish_captures(e, told, error) != 0)
        return -1;
    list_flows(e, told);
    char *text = evidence_manifest(e, facts, told, error);
    if (!text)
        return -1;
    size_t size = strlen(text);
    take_head(text, size, told);
    int failed =
        sign_make(facts->key, text, size, signature, error) != 0 ||
        evidence_write_whole(e->folder, "manifest.json", text, size, error) != 0 ||
        evidence_write_whole(e->folder, "manifest.sig", signature, sizeof signature, error) != 0;
    free(text);
    return failed ? -1 : 0;
}
