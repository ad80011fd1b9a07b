/* A bundle of rules that anybody may have carried here: as it is, and with its first two lines
 * signed by a key that is trusted, so that the manifest and the files behind it are reached. What
 * is taken has only names that lead nowhere else, and files that are there. */
#include "weir/config/bundle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++)
        if (bundle_path_problem(bundle->file[i].path) || !bundle->file[i].data)
            abort();
}

static void read_once(const struct bundle_keys *keys, const void *data, size_t size)
{
    struct error error = {0};
    struct bundle *bundle = xcalloc(1, sizeof *bundle);
    size_t signer = BUNDLE_KEYS;
    if (bundle_read(bundle, "x", data, size, keys, &signer, &error) == 0)
        check(bundle);
    else if (error.code == ERROR_NONE)
        abort();
    bundle_read_head(bundle, "x", data, size, &error);
    free(bundle);
}

/* The first line of `data` is the manifest, what follows the files. */
static void read_signed(const struct bundle_keys *keys, const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct buffer out = {0};
    uint8_t signature[SIGNATURE_SIZE];
    char digits[HEX_SIZE(SIGNATURE_SIZE)], text[SIGN_PUBLIC_B64];
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t line = end ? (size_t)(end - data) : size;
    buffer_text(&out, "weir-rules-bundle 1\n");
    buffer_put(&out, data, line);
    buffer_u8(&out, '\n');
    if (sign_make(keys->key[0], out.data, out.size, signature, &error) == 0) {
        buffer_text(&out, "%s %s\n", sign_key_public_text(keys->key[0], text),
                    hex_text(signature, sizeof signature, digits));
        if (end)
            buffer_put(&out, end + 1, size - line - 1);
        read_once(keys, out.data, out.size);
    }
    buffer_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bundle_keys keys;
    struct error error = {0};
    if (keys.count == 0) {
        keys.key[0] = sign_key_new(&error);
        keys.path[0] = xstrdup("ours.pem");
        keys.count = 1;
    }
    read_once(&keys, data, size);
    read_signed(&keys, data, size);
    return 0;
}
