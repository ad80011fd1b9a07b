/* A bundle of rules: rule files, and lists that they name, which one maker signed, carried by hand
 * to where no network is. One file:
 *
 *     weir-rules-bundle 1                       the first two lines are what is signed
 *     {"name":"acme","version":7,"created":"2026-03-02T01:14:07.201Z","weir":"0.1.0",
 *      "files":[{"path":"a.yaml","bytes":120,"sha256":"…"},…]}      one line, the manifest
 *     KEY SIGNATURE                             as sign_key_public_text; 128 hexadecimal digits
 *     the files' bytes, one behind the other, and nothing behind the last
 *
 * (so `head -n 2`, `openssl pkeyutl -verify -rawin` and `tail -n +4` are enough to look into one).
 * Its digest is the SHA-256 of the three lines, which name the digest of every file. Nothing of
 * the manifest is read before its signature holds, and no clock is asked: `created` is for people.
 *
 * Bounds: BUNDLE_FILES, BUNDLE_BYTES, BUNDLE_MANIFEST. Thread: any. */
#ifndef WEIR_CONFIG_BUNDLE_H
#define WEIR_CONFIG_BUNDLE_H

#include "weir/base/buffer.h"
#include "weir/base/digest.h"
#include "weir/base/sign.h"
#include "weir/config/source.h"

#define BUNDLE_FILES    CONFIG_FILES
#define BUNDLE_BYTES    CONFIG_FILES_BYTES
#define BUNDLE_RULES    ((size_t)1 << 20)  /* a rule file: what base/yaml.h reads */
#define BUNDLE_LIST     ((size_t)16 << 20) /* a list */
#define BUNDLE_MANIFEST ((size_t)64 << 10)
#define BUNDLE_NAME     48
#define BUNDLE_PATH     128
#define BUNDLE_TIME     40
#define BUNDLE_WEIR     16
#define BUNDLE_KEYS     32
#define BUNDLE_VERSION  INT32_MAX

/* Whose bundles are taken. */
struct bundle_keys {
    struct sign_key *key[BUNDLE_KEYS];
    char *path[BUNDLE_KEYS];
    size_t count;
};
/* `path`: a key, or a folder of *.pem. ERROR_USAGE: one of them is no Ed25519 key, too many. A
 * folder that is not there has none. bundle_keys_fini it whatever comes back. */
int bundle_keys_read(struct bundle_keys *keys, const char *path, struct error *error);
void bundle_keys_fini(struct bundle_keys *keys);

struct bundle_file {
    char
        path[BUNDLE_PATH]; /* a name, or of a list FOLDER/NAME: never absolute, hidden or upwards */
    size_t size;
    uint8_t sha256[SHA256_SIZE];
    const uint8_t *data; /* borrowed of what was read; NULL: only its head was */
};

struct bundle {
    char name[BUNDLE_NAME];
    uint32_t version;
    char created[BUNDLE_TIME];
    char weir[BUNDLE_WEIR];    /* which one it needs at least */
    char key[SIGN_PUBLIC_B64]; /* who signed it */
    char digest[HEX_SIZE(SHA256_SIZE)];
    size_t head_size;                      /* bytes of the three lines */
    struct bundle_file file[BUNDLE_FILES]; /* by path */
    size_t count;
};

/* The whole of a bundle, which must be signed by one of `keys`. `*signer`: which. −1 and one line
 * that begins with `name` (ERROR_INPUT: it is not whole; ERROR_USAGE: it is not for here). */
int bundle_read(struct bundle *bundle, const char *name, const void *data, size_t size,
                const struct bundle_keys *keys, size_t *signer, struct error *error);
/* Its three lines alone, of one that was taken before: whose they are is not asked. */
int bundle_read_head(struct bundle *bundle, const char *name, const void *data, size_t size,
                     struct error *error);
/* Whether those three lines are signed, by one of `keys`. `*signer`: which. −1 as bundle_read. */
int bundle_check_head(const char *name, const void *data, size_t size,
                      const struct bundle_keys *keys, size_t *signer, struct error *error);
/* As much as a bundle may have of a file, and a byte; ERROR_INPUT: it cannot be read, is larger. */
int bundle_load(const char *path, struct buffer *data, struct error *error);

/* What is packed: every file of `folder`. */
struct bundle_making {
    const char *folder, *name, *created;
    const char *weir; /* NULL: this one */
    uint32_t version;
};
/* The file's bytes into `out`. ERROR_USAGE: something there cannot be carried, with its path. */
int bundle_pack(const struct bundle_making *making, const struct sign_key *key, struct buffer *out,
                struct error *error);

bool bundle_is_name(const char *text);
/* NULL, or what is wrong with a path in a bundle. */
const char *bundle_path_problem(const char *path);
bool bundle_path_is_rules(const char *path);
/* Whether `text` is a version as 1.2.3, and at most `of`. */
bool bundle_weir_reaches(const char *text, const char *of);

#endif
