/* The store's URL over arbitrary text: never past the end, never a password in what is shown, and
 * what is taken holds what a connection needs. */
#include "../../../sensor/baseline/store_url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is shown is the text, with all between the user's ":" and the last "@" replaced. */
static void check_hidden(const struct store_url *url, const char *text)
{
    const char *authority = strstr(text, "://") + 3;
    const char *colon = strchr(authority, ':'), *at = strrchr(text, '@');
    size_t before = (size_t)(colon + 1 - text);
    if (strlen(url->shown) != before + 3 + strlen(at) ||
        memcmp(url->shown + before, "***@", 4) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_url url;
    struct error error = {0};
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (store_url_parse(text, &url, &error) == 0) {
        if (!*url.host || url.port == 0 || url.database > 65535 || error.code != ERROR_NONE ||
            (url.unix_socket && (*url.host != '/' || strlen(url.host) > 107)))
            abort();
        if (url.has_password)
            check_hidden(&url, text);
    } else if (error.code != ERROR_USAGE || !strstr(error.message, url.shown)) {
        abort();
    }
    for (const char *at = url.shown; *at; at++)
        if (*at < 0x20 || *at == 0x7f)
            abort();
    free(text);
    return 0;
}
