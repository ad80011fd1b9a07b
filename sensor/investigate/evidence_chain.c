/* See evidence_chain.h. */
#include "evidence_chain.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

const char chain_begin[] = "0000000000000000000000000000000000000000000000000000000000000000";

void chain_next(char link[CHAIN_TEXT], const struct chain_entry *entry)
{
    uint8_t sha256[SHA256_SIZE];
    char bytes[24] = "";
    if (entry->bytes >= 0) {
        char *text = xasprintf("%lld", (long long)entry->bytes);
        memcpy(bytes, text, strlen(text) + 1);
        free(text);
    }
    char *text =
        xasprintf("%s\n%s\n%s\n%s\n%s\n", link, entry->kind, entry->name, bytes, entry->sha256);
    digest_sha256(text, strlen(text), sha256);
    hex_text(sha256, sizeof sha256, link);
    free(text);
}
