/* An incident's packets go into a part, which is sealed: then it is a file of its own that nothing
 * is written to any more, and the manifest names it. Sealed is when the part has as much as all
 * before it, is half as old as the evidence, or nothing more will come: so the heads in the journal
 * are few, and the first comes soon. Never amid a scan: what incident.json says then of how far it
 * was looked is of before, and who came after a death would take the same packets again. */
#include "keeper_local.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEAL_BYTES  (UINT64_C(1) << 20)
#define PART_BYTES  (UINT64_C(64) << 20) /* no file is larger, but by what one scan brings */
#define SEAL_NS_MIN (2 * NS_PER_S)
#define SEAL_NS_MAX NS_PER_HOUR
#define AGAIN_NS    (10 * NS_PER_S) /* after a seal that failed */
#define BLOCK_ROOM  400u            /* bytes around a packet, a comment's among them */

static uint32_t next_number(const struct kept *kept)
{
    return kept->files > 0 ? kept->file[kept->files - 1].number + 1 : 1;
}

static char *part_path(const struct keeper *keeper, const struct kept *kept, const char *end)
{
    return xasprintf("%s/%s/packets-%u.pcapng%s", keeper->folder, kept->id, next_number(kept), end);
}

/* --- a packet ----------------------------------------------------------------------------------
 */

static char *rules_of(const struct kept *kept)
{
    struct buffer b = {0};
    for (size_t i = 0; i < kept->rules; i++)
        buffer_text(&b, "%s%s", i ? ", " : "", kept->rule[i]);
    buffer_u8(&b, '\0');
    return (char *)b.data;
}

static void begin_part(struct keeper *keeper, struct kept *kept)
{
    char brief[16], *rules = rules_of(kept), *path = part_path(keeper, kept, ".part");
    char *comment = xasprintf("%s score %d: %s; %s -> %s; incident %s",
                              incident_short(kept->id, brief), kept->score, rules, kept->host,
                              *kept->destination ? kept->destination : "any destination", kept->id);
    kept->out = pcapng_out_new(path, comment);
    kept->part_packets = kept->part_interfaces = 0;
    kept->part_bytes = 0;
    kept->part_ns = keeper_now(keeper);
    free(comment);
    free(path);
    free(rules);
}

/* −1: more than there is room for, which are a capture process's nonsense. */
static int interface_of(const struct keeper *keeper, struct kept *kept,
                        const struct held_packet *packet)
{
    char *name;
    for (uint32_t i = 0; i < kept->part_interfaces; i++)
        if (kept->part_interface[i].interface == packet->interface &&
            kept->part_interface[i].link == packet->link)
            return (int)i;
    if (kept->part_interfaces == KEEPER_INTERFACES)
        return -1;
    name = packet->interface < keeper->config.interfaces
               ? xstrdup(keeper->config.interface[packet->interface])
               : xasprintf("interface %u", packet->interface);
    pcapng_out_interface(
        kept->out, &(struct pcapng_interface){name, packet->link, keeper->config.snap_length});
    free(name);
    kept->part_interface[kept->part_interfaces].interface = packet->interface;
    kept->part_interface[kept->part_interfaces].link = packet->link;
    return (int)kept->part_interfaces++;
}

struct kept_flow *kept_add_flow(struct kept *kept, const struct kept_flow *flow)
{
    struct kept_flow *added = xcalloc(1, sizeof *added);
    *added = *flow;
    kept->flow = xrealloc(kept->flow, (kept->flows + 1) * sizeof(struct kept_flow *));
    kept->flow[kept->flows++] = added;
    map_put(&kept->flow_of, &added->key, sizeof added->key, added);
    return added;
}

/* NULL: it is counted with no flow. */
static struct kept_flow *flow_of(struct kept *kept, const struct held_packet *packet)
{
    struct flow_key key = flow_key_unordered(&packet->key);
    struct kept_flow *flow = map_get(&kept->flow_of, &key, sizeof key);
    if (flow)
        return flow;
    if (kept->flows == KEEPER_FLOWS) {
        kept->flows_beyond++;
        return NULL;
    }
    return kept_add_flow(
        kept, &(struct kept_flow){.key = key, .start = packet->time, .end = packet->time});
}

static char *comment_of(const struct kept *kept, const struct kept_flow *flow)
{
    char brief[16], id[FLOW_ID_SIZE], *rules = rules_of(kept);
    char *comment =
        xasprintf("%s score %d: %.200s; flow %s begins", incident_short(kept->id, brief),
                  kept->score, rules, flow_key_community_id(&flow->key, id));
    free(rules);
    return comment;
}

static bool has_room(struct keeper *keeper, struct kept *kept, uint32_t bytes)
{
    uint64_t own = kept->bytes + (kept->out ? pcapng_out_size(kept->out) : 0);
    if (own + bytes > keeper->config.incident_bytes || kept->files == KEEPER_FILES)
        return false;
    return keeper->total_bytes + bytes <= keeper->config.kept_bytes ||
           keeper_make_room(keeper, kept->score, bytes);
}

void kept_packet(struct keeper *keeper, struct kept *kept, const struct held_packet *packet)
{
    if (kept->leaving || !has_room(keeper, kept, packet->kept + BLOCK_ROOM)) {
        kept->beyond++;
        keeper->counts.beyond++;
        return;
    }
    if (!kept->out)
        begin_part(keeper, kept);
    uint64_t before = pcapng_out_size(kept->out);
    int interface = interface_of(keeper, kept, packet);
    if (interface < 0) {
        kept->beyond++;
        keeper->counts.beyond++;
        return;
    }
    struct kept_flow *flow = flow_of(kept, packet);
    char *comment = flow && flow->packets == 0 ? comment_of(kept, flow) : NULL;
    pcapng_out_packet(kept->out, &(struct pcapng_packet){.interface = (uint32_t)interface,
                                                         .time = packet->time,
                                                         .wire_bytes = packet->wire_bytes,
                                                         .captured = packet->kept,
                                                         .data = packet->data,
                                                         .comment = comment});
    free(comment);
    if (flow) {
        flow->packets++;
        flow->wire_bytes += packet->wire_bytes;
        flow->start.ns = packet->time.ns < flow->start.ns ? packet->time.ns : flow->start.ns;
        flow->end.ns = packet->time.ns > flow->end.ns ? packet->time.ns : flow->end.ns;
    }
    kept->packets++;
    kept->wire_bytes += packet->wire_bytes;
    kept->part_packets++;
    keeper->counts.packets++;
    keeper->total_bytes += pcapng_out_size(kept->out) - before;
    kept->written_ns = keeper_now(keeper);
    kept->dirty = true;
}

/* --- sealing -----------------------------------------------------------------------------------
 */

bool kept_is_due(const struct keeper *keeper, const struct kept *kept)
{
    int64_t now = keeper_now(keeper), age_ns = (now - kept->began_ns) / 2;
    if (kept->failed_ns != 0 && now >= kept->failed_ns && now - kept->failed_ns < AGAIN_NS)
        return false;
    if (kept->changed)
        return true;
    if (!kept->out)
        return false;
    uint64_t size = pcapng_out_size(kept->out);
    if (age_ns < SEAL_NS_MIN)
        age_ns = SEAL_NS_MIN;
    if (age_ns > SEAL_NS_MAX)
        age_ns = SEAL_NS_MAX;
    return !kept->open || now - kept->part_ns >= age_ns || now < kept->part_ns ||
           size >= PART_BYTES || size >= (kept->bytes > SEAL_BYTES ? kept->bytes : SEAL_BYTES);
}

static void lose_part(struct keeper *keeper, struct kept *kept, const struct error *error)
{
    log_warn("%s: %llu packets of incident %s are not kept", error->message,
             (unsigned long long)kept->part_packets, kept->id);
    keeper->counts.failures++;
    kept->missed += kept->part_packets;
    kept->packets -= kept->part_packets < kept->packets ? kept->part_packets : kept->packets;
}

/* The part becomes a file. */
static void finish_part(struct keeper *keeper, struct kept *kept)
{
    struct error error = {0};
    uint8_t sha256[SHA256_SIZE];
    struct kept_file file = {.number = next_number(kept), .packets = kept->part_packets};
    char *part = part_path(keeper, kept, ".part"), *path = part_path(keeper, kept, "");
    uint64_t size = pcapng_out_size(kept->out);
    if (pcapng_out_finish(kept->out, sha256, &file.bytes, &error) != 0 || rename(part, path) != 0) {
        error_set(&error, ERROR_RUN, "%s: %s", path, strerror(errno));
        lose_part(keeper, kept, &error);
        keeper->total_bytes -= size < keeper->total_bytes ? size : keeper->total_bytes;
        unlink(part);
    } else {
        hex_text(sha256, sizeof sha256, file.sha256);
        kept->file = xrealloc(kept->file, (kept->files + 1) * sizeof *kept->file);
        kept->file[kept->files++] = file;
        kept->bytes += file.bytes;
    }
    pcapng_out_free(kept->out);
    kept->out = NULL;
    kept->part_packets = 0;
    free(part);
    free(path);
}

static int write_manifest(struct keeper *keeper, struct kept *kept)
{
    struct error error = {0};
    uint8_t signature[SIGNATURE_SIZE];
    char head[HEX_SIZE(SHA256_SIZE)], *path = kept_path(keeper, kept, "");
    char *text = kept_manifest(keeper, kept, head);
    int failed =
        sign_make(keeper->key, text, strlen(text), signature, &error) != 0 ||
        evidence_write_whole(path, "manifest.json", text, strlen(text), &error) != 0 ||
        evidence_write_whole(path, "manifest.sig", signature, sizeof signature, &error) != 0;
    if (failed) {
        log_warn("%s", error.message);
        keeper->counts.failures++;
    } else {
        snprintf(kept->head, sizeof kept->head, "%s", head);
    }
    free(text);
    free(path);
    return failed ? -1 : 0;
}

/* incident.json knows of a file before the manifest names it: after a death nobody takes what was
 * vouched for for a part. That it is to be sealed stands there until it is. */
void kept_seal(struct keeper *keeper, struct kept *kept)
{
    if (kept->out)
        finish_part(keeper, kept);
    kept->changed = true;
    if (kept_save(keeper, kept) != 0 || write_manifest(keeper, kept) != 0) {
        kept->failed_ns = keeper_now(keeper); /* tried again */
        return;
    }
    kept->changed = false;
    kept->said_ns = kept->failed_ns = 0;
    kept_save(keeper, kept);
}
