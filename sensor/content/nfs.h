/* One call or reply of NFS version 3 (RFC 1813) or 4 (RFC 7530, 8881, 7862) in ONC RPC (RFC 5531):
 * does it carry a file's bytes, whose, and where in it? Pure; no allocation. */
#ifndef WEIR_SENSOR_CONTENT_NFS_H
#define WEIR_SENSOR_CONTENT_NFS_H

#include "weir/content/names.h"

enum nfs_kind {
    NFS_OTHER,
    NFS_SEALED, /* RPCSEC_GSS with privacy: nothing inside can be read */
    NFS_WRITE,  /* a call with data */
    NFS_READ,   /* a call, or a reply with data */
    NFS_CLOSE,
    NFS_KINDS
};

enum nfs_wrap { NFS_PLAIN, NFS_INTEGRITY }; /* RPCSEC_GSS (RFC 2203): around arguments, results */

struct nfs_message {
    enum nfs_kind kind;
    uint32_t xid, version;
    enum nfs_wrap wrap;
    uint64_t file; /* a hash of its handle */
    uint64_t offset;
    uint32_t data_at, data_bytes; /* from the message's beginning; may claim more than there is */
};

/* No message's beginning is read further. */
#define NFS_HEAD_MAX 4096u
/* What tells a message: of a call to its program, of a reply to its verifier. */
#define NFS_MARK 16u

/* NFS's call; a reply that was accepted. At least NFS_MARK bytes. */
bool nfs_is_call(const uint8_t *data);
bool nfs_is_reply(const uint8_t *data);
/* The beginning of a message that is `whole` bytes long. PARSE_MORE only when size < whole and size
 * < NFS_HEAD_MAX; PARSE_NOT: not NFS. */
enum parse_result nfs_parse_call(const uint8_t *data, size_t size, size_t whole,
                                 struct nfs_message *message);
/* The reply to this call. */
enum parse_result nfs_parse_reply(const uint8_t *data, size_t size, size_t whole,
                                  const struct nfs_message *call, struct nfs_message *message);

#endif
