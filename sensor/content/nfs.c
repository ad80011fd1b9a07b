/* NFS's messages, as far as to their file's bytes. Of version 4's compounds the operations are
 * walked whose size can be told, to the first that writes, reads or closes; any other ends the
 * walk, and what follows it is not looked for. Pure. */
#include "nfs.h"

#include "weir/base/cursor.h"
#include "weir/base/digest.h"

#define NFS_PROGRAM     100003u
#define RPC_VERSION     2u
#define AUTH_BYTES_MAX  400u /* RFC 5531 8.2 */
#define GSS_FLAVOR      6u
#define GSS_INTEGRITY   2u
#define GSS_PRIVACY     3u
#define GSS_DATA        0u
#define HANDLE_MAX      128u /* NFS4_FHSIZE; NFS3_FHSIZE is 64 */
#define OPERATIONS_MAX  64u
#define BITMAP_MAX      8u
#define SEALED_TEXT_MAX 4096u

#define V3_READ           6u
#define V3_WRITE          7u
#define V3_ATTRIBUTES     84u
#define V4_COMPOUND       1u
#define OP_ACCESS         3u
#define OP_CLOSE          4u
#define OP_COMMIT         5u
#define OP_GETATTR        9u
#define OP_GETFH          10u
#define OP_LOOKUP         15u
#define OP_LOOKUPP        16u
#define OP_PUTFH          22u
#define OP_PUTPUBFH       23u
#define OP_PUTROOTFH      24u
#define OP_READ           25u
#define OP_RENEW          30u
#define OP_RESTOREFH      31u
#define OP_SAVEFH         32u
#define OP_WRITE          38u
#define OP_SEQUENCE       53u
#define STATEID           16u
#define SEQUENCE_ARGUMENT 32u
#define SEQUENCE_RESULT   36u

static size_t padded(uint32_t size)
{
    return ((size_t)size + 3) & ~(size_t)3;
}

/* opaque<most> */
static const uint8_t *take_opaque(struct cursor *c, uint32_t most, uint32_t *size)
{
    *size = cursor_be32(c);
    c->failed |= *size > most;
    return cursor_take(c, padded(*size));
}

static void skip_opaque(struct cursor *c, uint32_t most)
{
    uint32_t size;
    take_opaque(c, most, &size);
}

static uint64_t take_handle(struct cursor *c)
{
    uint32_t size;
    const uint8_t *handle = take_opaque(c, HANDLE_MAX, &size);
    return handle ? hash64(handle, size, 0) : 0;
}

static void skip_bitmap(struct cursor *c)
{
    uint32_t words = cursor_be32(c);
    c->failed |= words > BITMAP_MAX;
    cursor_skip(c, c->failed ? 0 : words * 4u);
}

static void take_data(struct cursor *c, const uint8_t *start, struct nfs_message *message)
{
    message->data_bytes = cursor_be32(c);
    message->data_at = c->failed ? 0 : (uint32_t)(c->at - start);
}

/* --- ONC RPC -----------------------------------------------------------------------------------
 */

bool nfs_is_call(const uint8_t *data)
{
    struct cursor c = cursor_make(data, NFS_MARK);
    cursor_skip(&c, 4);
    uint32_t type = cursor_be32(&c), version = cursor_be32(&c), program = cursor_be32(&c);
    return type == 0 && version == RPC_VERSION && program == NFS_PROGRAM;
}

bool nfs_is_reply(const uint8_t *data)
{
    struct cursor c = cursor_make(data, NFS_MARK);
    cursor_skip(&c, 4);
    uint32_t type = cursor_be32(&c), accepted = cursor_be32(&c), flavor = cursor_be32(&c);
    return type == 1 && accepted == 0 && flavor <= GSS_FLAVOR;
}

/* Credentials and verifier. False: what follows cannot be read. */
static bool take_credentials(struct cursor *c, struct nfs_message *message)
{
    uint32_t flavor = cursor_be32(c), size;
    const uint8_t *body = take_opaque(c, AUTH_BYTES_MAX, &size);
    cursor_skip(c, 4);
    skip_opaque(c, AUTH_BYTES_MAX);
    if (c->failed || flavor != GSS_FLAVOR)
        return !c->failed;
    struct cursor gss = cursor_make(body, size);
    cursor_skip(&gss, 4);
    uint32_t procedure = cursor_be32(&gss);
    cursor_skip(&gss, 4);
    uint32_t service = cursor_be32(&gss);
    if (gss.failed || procedure != GSS_DATA)
        return false;
    if (service == GSS_PRIVACY)
        message->kind = NFS_SEALED;
    else if (service == GSS_INTEGRITY)
        message->wrap = NFS_INTEGRITY;
    return service != GSS_PRIVACY;
}

/* The length of what is protected, and a number. */
static void unwrap(struct cursor *c, enum nfs_wrap wrap)
{
    if (wrap == NFS_INTEGRITY)
        cursor_skip(c, 8);
}

/* What a parser came to: a failed cursor wants more, as long as there may be more. */
static enum parse_result outcome(const struct cursor *c, size_t there, size_t whole,
                                 struct nfs_message *message)
{
    if (!c->failed)
        return PARSE_OK;
    message->kind = NFS_OTHER;
    return there < whole && there < NFS_HEAD_MAX ? PARSE_MORE : PARSE_MALFORMED;
}

/* --- calls -------------------------------------------------------------------------------------
 */

static void call3(struct cursor *c, const uint8_t *start, uint32_t procedure,
                  struct nfs_message *message)
{
    if (procedure != V3_READ && procedure != V3_WRITE)
        return;
    message->kind = procedure == V3_READ ? NFS_READ : NFS_WRITE;
    message->file = take_handle(c);
    message->offset = cursor_be64(c);
    cursor_skip(c, 4);
    if (procedure == V3_READ)
        return;
    cursor_skip(c, 4);
    take_data(c, start, message);
}

/* False: the walk ends. */
static bool skip_argument(struct cursor *c, uint32_t operation)
{
    static const struct {
        uint8_t operation, bytes;
    } fixed[] = {
        {OP_ACCESS, 4},   {OP_COMMIT, 12},
        {OP_GETFH, 0},    {OP_LOOKUPP, 0},
        {OP_PUTPUBFH, 0}, {OP_PUTROOTFH, 0},
        {OP_RENEW, 8},    {OP_RESTOREFH, 0},
        {OP_SAVEFH, 0},   {OP_SEQUENCE, SEQUENCE_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (fixed[i].operation == operation)
            return cursor_skip(c, fixed[i].bytes);
    if (operation == OP_GETATTR)
        skip_bitmap(c);
    else if (operation == OP_LOOKUP)
        skip_opaque(c, AUTH_BYTES_MAX);
    else
        return false;
    return !c->failed;
}

static void call4(struct cursor *c, const uint8_t *start, struct nfs_message *message)
{
    skip_opaque(c, SEALED_TEXT_MAX); /* the tag */
    cursor_skip(c, 4);
    uint32_t count = cursor_be32(c);
    for (uint32_t i = 0; i < count && i < OPERATIONS_MAX && !c->failed; i++) {
        uint32_t operation = cursor_be32(c);
        if (operation == OP_PUTFH) {
            message->file = take_handle(c);
        } else if (operation == OP_WRITE || operation == OP_READ) {
            message->kind = operation == OP_WRITE ? NFS_WRITE : NFS_READ;
            cursor_skip(c, STATEID);
            message->offset = cursor_be64(c);
            cursor_skip(c, 4);
            if (operation == OP_WRITE)
                take_data(c, start, message);
            return;
        } else if (operation == OP_CLOSE) {
            message->kind = NFS_CLOSE;
            return;
        } else if (!skip_argument(c, operation)) {
            return;
        }
    }
}

enum parse_result nfs_parse_call(const uint8_t *data, size_t size, size_t whole,
                                 struct nfs_message *message)
{
    size_t there = size < whole ? size : whole;
    struct cursor c = cursor_make(data, there < NFS_HEAD_MAX ? there : NFS_HEAD_MAX);
    *message = (struct nfs_message){.kind = NFS_OTHER};
    message->xid = cursor_be32(&c);
    cursor_skip(&c, 8);
    uint32_t program = cursor_be32(&c);
    message->version = cursor_be32(&c);
    uint32_t procedure = cursor_be32(&c);
    if (c.failed)
        return outcome(&c, there, whole, message);
    if (!nfs_is_call(data) || program != NFS_PROGRAM)
        return PARSE_NOT;
    if (!take_credentials(&c, message))
        return outcome(&c, there, whole, message);
    unwrap(&c, message->wrap);
    if (message->version == 3)
        call3(&c, data, procedure, message);
    else if (message->version == 4 && procedure == V4_COMPOUND)
        call4(&c, data, message);
    return outcome(&c, there, whole, message);
}

/* --- replies -----------------------------------------------------------------------------------
 */

static void reply3(struct cursor *c, const uint8_t *start, struct nfs_message *message)
{
    if (cursor_be32(c) != 0)
        return; /* an error's */
    if (cursor_be32(c) != 0)
        cursor_skip(c, V3_ATTRIBUTES);
    cursor_skip(c, 8); /* count, end of file */
    message->kind = NFS_READ;
    take_data(c, start, message);
}

static bool skip_result(struct cursor *c, uint32_t operation)
{
    static const struct {
        uint8_t operation, bytes;
    } fixed[] = {
        {OP_ACCESS, 8},
        {OP_COMMIT, 8},
        {OP_LOOKUP, 0},
        {OP_LOOKUPP, 0},
        {OP_PUTPUBFH, 0},
        {OP_PUTROOTFH, 0},
        {OP_RENEW, 0},
        {OP_RESTOREFH, 0},
        {OP_SAVEFH, 0},
        {OP_PUTFH, 0},
        {OP_SEQUENCE, SEQUENCE_RESULT},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (fixed[i].operation == operation)
            return cursor_skip(c, fixed[i].bytes);
    if (operation == OP_GETFH) {
        skip_opaque(c, HANDLE_MAX);
    } else if (operation == OP_GETATTR) {
        skip_bitmap(c);
        skip_opaque(c, NFS_HEAD_MAX);
    } else {
        return false;
    }
    return !c->failed;
}

static void reply4(struct cursor *c, const uint8_t *start, struct nfs_message *message)
{
    cursor_skip(c, 4);
    skip_opaque(c, SEALED_TEXT_MAX);
    uint32_t count = cursor_be32(c);
    for (uint32_t i = 0; i < count && i < OPERATIONS_MAX && !c->failed; i++) {
        uint32_t operation = cursor_be32(c);
        if (cursor_be32(c) != 0)
            return; /* the one that failed is the last */
        if (operation == OP_READ) {
            cursor_skip(c, 4); /* end of file */
            message->kind = NFS_READ;
            take_data(c, start, message);
            return;
        }
        if (!skip_result(c, operation))
            return;
    }
}

enum parse_result nfs_parse_reply(const uint8_t *data, size_t size, size_t whole,
                                  const struct nfs_message *call, struct nfs_message *message)
{
    size_t there = size < whole ? size : whole;
    struct cursor c = cursor_make(data, there < NFS_HEAD_MAX ? there : NFS_HEAD_MAX);
    *message = (struct nfs_message){
        .xid = call->xid, .version = call->version, .file = call->file, .offset = call->offset};
    cursor_skip(&c, 8); /* xid, a reply */
    uint32_t denied = cursor_be32(&c);
    if (!c.failed && denied)
        return PARSE_OK;
    cursor_skip(&c, 4);
    skip_opaque(&c, AUTH_BYTES_MAX);
    uint32_t status = cursor_be32(&c);
    if (!c.failed && (status != 0 || call->kind != NFS_READ))
        return PARSE_OK;
    unwrap(&c, call->wrap);
    if (call->version == 3)
        reply3(&c, data, message);
    else
        reply4(&c, data, message);
    return outcome(&c, there, whole, message);
}
