/* Any bytes as a record, in an aligned copy of exactly their size, as the engine holds them. What
 * is let through is then read as the engine would: its tail to the last byte. */
#include "weir/base/device.h"
#include "weir/record/function.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static uint64_t sum(const void *data, size_t size)
{
    uint64_t total = 0;
    for (size_t i = 0; i < size; i++)
        total += ((const uint8_t *)data)[i];
    return total;
}

static uint64_t read_tunnel(const struct tunnel *tunnel)
{
    for (size_t i = 0; i < tunnel_listed(tunnel); i++)
        must(layer_name[tunnel->layer[i]]);
    return sum(tunnel->id, sizeof tunnel->id);
}

static uint64_t read_flow(const struct record_flow *r)
{
    char id[32], proto[8];
    must(flow_end_name[r->end] && (r->service == SERVICE_NONE || service_name[r->service]));
    must(strlen(flow_key_community_id(&r->key, id)) == 30 && proto_text(r->key.proto, proto));
    for (int side = 0; side < SIDES; side++) /* sums of a few cannot overflow */
        must(r->fresh[side].payload_bytes + r->fresh[side].missing_bytes >= 0 &&
             r->total[side].payload_bytes + r->total[side].missing_bytes <= 2 * RECORD_BYTES_MAX);
    must(r->last_ns - r->start_ns >= 0 && r->header.time_ns - r->start_ns <= INT64_MAX - 1);
    struct tunnel tunnel[SIDES];
    uint64_t ids = 0;
    if (record_flow_tunnels(r, tunnel))
        for (int side = 0; side < SIDES; side++)
            ids += read_tunnel(&tunnel[side]);
    struct function_set set;
    record_flow_functions(r, &set);
    must(set.count <= FUNCTIONS_MAX);
    for (size_t i = 0; i < FUNCTIONS_MAX; i++)
        must(i < set.count || !function_set_is_back(&set, i));
    for (size_t i = 0; i < set.count; i++)
        ids += function_set_has(&set, set.code[i]);
    char text[FLOW_TEXTS][RECORD_NAME_MAX + 1];
    record_flow_texts(r, text);
    for (int i = 0; i < FLOW_TEXTS; i++)
        ids += strlen(text[i]);
    return ids;
}

static uint64_t read_name(const struct record_name *r)
{
    must(r->kind < NAME_KINDS && r->name_size <= RECORD_NAME_MAX);
    uint64_t all = sum(r->tail, r->address_count * sizeof(struct ip) + r->name_size);
    for (size_t i = 0; i < r->alias_count; i++) {
        size_t size;
        const char *alias = record_name_alias(r, i, &size);
        must(size > 0 && size <= RECORD_NAME_MAX);
        all += sum(alias, size);
    }
    return all;
}

static uint64_t read_content(const struct record_content *r)
{
    must(r->side < SIDES && content_class_name[r->class]);
    must(r->tunnels == 0 || read_tunnel(&r->tunnel[0]) + read_tunnel(&r->tunnel[1]) < UINT64_MAX);
    uint64_t all = sum(r->hash, r->hash_count * sizeof *r->hash);
    for (size_t i = 0; i < r->hash_count; i++) {
        struct content_item item = record_content_item(r, i);
        must(item.hash == r->hash[i] && item.label_size <= CONTENT_LABEL_MAX);
        all += sum(item.label, item.label_size);
    }
    for (size_t i = 0; i < r->sample_count; i++) {
        size_t size;
        const char *sample = record_content_sample(r, i, &size);
        all += sum(sample, size);
    }
    return all & UINT16_MAX;
}

static uint64_t read_binding(const struct record_binding *r)
{
    must(r->kind < BINDING_KINDS && ip_is_device(&r->device));
    return sum(r, sizeof *r);
}

static uint64_t read_kind(const struct record_header *header)
{
    switch ((enum record_kind)header->kind) {
    case RECORD_FLOW:
        return read_flow((const void *)header);
    case RECORD_NAME:
        return read_name((const void *)header);
    case RECORD_CONTENT:
        return read_content((const void *)header);
    case RECORD_HEALTH:
        return sum(header, sizeof(struct record_health));
    case RECORD_BINDING:
        return read_binding((const void *)header);
    case RECORD_WATERMARK:
        return sum(header, sizeof *header);
    }
    abort(); /* no other kind is let through */
}

static void read_it(const struct record_header *header)
{
    must(read_kind(header) <= (uint64_t)UINT8_MAX * RECORD_MAX_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > RECORD_MAX_BYTES)
        return 0;
    struct record_header *copy = malloc(size ? size : 1);
    must(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    enum record_fault fault = record_validate(copy, size);
    must(fault < RECORD_FAULTS && record_fault_name[fault]);
    if (fault == RECORD_OK)
        read_it(copy);
    if (size >= sizeof *copy) { /* once more with a size that is right, to get further */
        copy->size = (uint32_t)size;
        copy->version = RECORD_VERSION;
        if (record_validate(copy, size) == RECORD_OK)
            read_it(copy);
    }
    free(copy);
    return 0;
}
