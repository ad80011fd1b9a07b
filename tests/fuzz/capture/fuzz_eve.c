/* Any bytes as lines of an eve.json: what is made of them is a connection or a note that a record
 * can carry. */
#include "../../../sensor/capture/eve.h"
#include "notes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct connection connection;
    struct log_note note[2];
    size_t count;
    bool any;
    while (size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end - text) : size;
        enum log_result result = eve_line(text, length, &connection, &any, note, &count);
        must(result == LOG_OK || (!any && count == 0));
        must(count <= 1 && !(any && count > 0));
        if (any)
            look_at_connection(&connection);
        if (count > 0)
            look_at_note(note);
        eve_recognise(text, length);
        text += length + (end != NULL);
        size -= length + (end != NULL);
    }
    return 0;
}
