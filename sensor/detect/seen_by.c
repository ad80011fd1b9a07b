/* Which sensor saw how much, in words: as many names as there is room for, the rest as a sum. Names
 * are cut, not sensors lost: what is not in the sentence is in the finding. Thread: any (pure). */
#include "weir/detect/seen_by.h"

#include "rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REST_ROOM 90 /* bytes: "9,999,999,999 others 999 EB; counted as 999 EB" and more */

static size_t put_share(char *text, size_t room, const struct seen_share *share, bool first)
{
    char bytes[BYTES_TEXT_SIZE], piece[SEEN_NAME_SIZE + BYTES_TEXT_SIZE + 4];
    int size = snprintf(piece, sizeof piece, "%s%s %s", first ? "" : ", ", share->sensor,
                        bytes_text(share->bytes, bytes));
    if (size < 0 || (size_t)size >= room)
        return 0;
    memcpy(text, piece, (size_t)size + 1);
    return (size_t)size;
}

static void put_rest(char *text, size_t room, const struct seen_by *seen, uint32_t named,
                     uint64_t counted)
{
    char bytes[BYTES_TEXT_SIZE], count[COUNT_TEXT_SIZE], more[64] = "";
    uint64_t rest = seen->rest_bytes;
    for (uint32_t i = named; i < seen->count; i++)
        rest = bytes_add(rest, seen->share[i].bytes);
    if (seen->sensors > named)
        snprintf(more, sizeof more, ", %s more %s", count_text(seen->sensors - named, count),
                 bytes_text(rest, bytes));
    snprintf(text, room, "%s; counted as %s", more, bytes_text(counted, bytes));
}

void finding_add_seen(struct finding *finding, const struct seen_by *seen, uint64_t counted)
{
    if (seen->sensors == 0)
        return;
    finding->seen = *seen;
    if (finding->reason_count == FINDING_REASONS)
        return;
    struct reason *reason = &finding->reason[finding->reason_count++];
    *reason = (struct reason){.code = "fleet.shares", .observed = (double)counted, .unit = "byte"};
    size_t at = (size_t)snprintf(reason->text, sizeof reason->text, "In this hour by sensor: ");
    uint32_t named = 0;
    for (size_t size; named < seen->count; named++, at += size)
        if ((size = put_share(reason->text + at, sizeof reason->text - REST_ROOM - at,
                              &seen->share[named], named == 0)) == 0)
            break;
    put_rest(reason->text + at, sizeof reason->text - at, seen, named, counted);
}

void finding_add_half(struct finding *finding, uint32_t flows, const char *sensor)
{
    char count[COUNT_TEXT_SIZE];
    if (finding->reason_count == FINDING_REASONS)
        return;
    struct reason *reason = &finding->reason[finding->reason_count++];
    *reason = (struct reason){.code = "fleet.halves", .observed = flows, .unit = "flow"};
    snprintf(reason->text, sizeof reason->text,
             "Of %s of its flows this sensor sees one direction; the other one was seen by %s",
             count_text(flows, count), sensor);
}
