/* SMB's commands: bounds; what a beginning tells, the whole tells too; more is wanted only where
 * there is more. */
#include "../../../sensor/content/smb.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static int same(const struct smb_command *a, const struct smb_command *b)
{
    return a->kind == b->kind && a->next == b->next && a->id == b->id && a->file == b->file &&
           a->offset == b->offset && a->data_at == b->data_at && a->data_bytes == b->data_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t all = size;
    struct smb_command whole, part;
    enum parse_result result = smb_parse(data, size, size, &whole);
    check(result != PARSE_MORE && whole.kind < SMB_KINDS);
    check(smb_parse(data, size, size + 1, &part) != PARSE_MORE || result == PARSE_MALFORMED);
    for (size_t there = 0; there < size && there <= SMB_COMMAND_HEAD_MAX; there += 7) {
        enum parse_result early = smb_parse(data, there, all, &part);
        check(early != PARSE_MORE || there < SMB_COMMAND_HEAD_MAX);
        check(early != PARSE_OK || (result == PARSE_OK && same(&part, &whole)));
    }
    check(size < 8 || smb_begins(data, size) != PARSE_MORE);
    return 0;
}
