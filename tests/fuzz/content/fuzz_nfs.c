/* NFS's calls and replies: bounds; what a beginning tells, the whole tells too. The first byte says
 * what the reply answers. */
#include "../../../sensor/content/nfs.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static int same(const struct nfs_message *a, const struct nfs_message *b)
{
    return a->kind == b->kind && a->xid == b->xid && a->file == b->file && a->offset == b->offset &&
           a->data_at == b->data_at && a->data_bytes == b->data_bytes;
}

static enum parse_result parse(const uint8_t *data, size_t size, size_t whole,
                               const struct nfs_message *call, struct nfs_message *message)
{
    return call ? nfs_parse_reply(data, size, whole, call, message)
                : nfs_parse_call(data, size, whole, message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t all = size;
    struct nfs_message whole, part;
    if (size == 0)
        return 0;
    uint8_t head = *data++;
    size--;
    const struct nfs_message asked = {.kind = head & 4 ? NFS_READ : NFS_CLOSE,
                                      .version = head & 2 ? 3 : 4,
                                      .wrap = head & 8 ? NFS_INTEGRITY : NFS_PLAIN};
    const struct nfs_message *call = head & 1 ? &asked : NULL;
    enum parse_result result = parse(data, size, size, call, &whole);
    check(result != PARSE_MORE && whole.kind < NFS_KINDS);
    check(result != PARSE_OK || whole.data_at <= size);
    for (size_t there = 0; there < size; there += 13) {
        enum parse_result early = parse(data, there, all, call, &part);
        check(early != PARSE_MORE || there < NFS_HEAD_MAX);
        check(early != PARSE_OK || (result == PARSE_OK && same(&part, &whole)));
    }
    if (size >= NFS_MARK)
        check(!nfs_is_call(data) || !nfs_is_reply(data));
    return 0;
}
