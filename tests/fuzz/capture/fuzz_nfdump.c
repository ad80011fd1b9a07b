/* Any bytes as what nfdump prints: every line that is read is in one connection, alone or with the
 * other direction, and bytes are neither lost nor doubled. */
#include "../../../sensor/capture/nfdump.h"
#include "notes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct nfdump *nfdump = nfdump_new();
    struct connection connection;
    size_t lines = 0, sides = 0;
    bool any;
    while (size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end - text) : size;
        lines += nfdump_line(nfdump, text, length, &connection, &any) == LOG_OK;
        if (any) {
            look_at_connection(&connection);
            sides++;
        }
        text += length + (end != NULL);
        size -= length + (end != NULL);
    }
    while (nfdump_rest(nfdump, &connection)) {
        look_at_connection(&connection);
        sides++;
    }
    must(sides <= lines && lines <= 2 * sides);
    nfdump_free(nfdump);
    return 0;
}
