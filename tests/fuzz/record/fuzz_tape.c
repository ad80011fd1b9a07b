/* Any bytes as packed records: none reaches beyond its input, none is larger than a record may be,
 * and what came out of some bytes goes back, and out again, the same. */
#include "../../../sensor/record/tape_pack.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tape_packer read, written, again;
    static uint8_t packed[TAPE_PACKED_MOST];
    memset(&read, 0, sizeof read);
    memset(&written, 0, sizeof written);
    memset(&again, 0, sizeof again);
    for (size_t took; size > 0; data += took, size -= took) {
        const struct record_header *record, *twice;
        struct tape_note note, other;
        took = tape_unpack(&read, data, size, &record, &note);
        if (took == 0)
            break;
        must(took <= size && tape_packs(record));
        size_t bytes = tape_pack(&written, record, &note, packed);
        must(bytes <= sizeof packed);
        must(tape_unpack(&again, packed, bytes, &twice, &other) == bytes);
        must(other.worker == note.worker && other.tag == note.tag);
        must(memcmp(record, twice, record->size) == 0);
    }
    return 0;
}
