/* Any bytes as lines of each of Zeek's other logs: what is made of them is a note that a record can
 * carry, and packs and unpacks to itself. */
#include "../../../sensor/capture/zeek_notes.h"
#include "notes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lines_of(enum log_kind kind, const char *text, size_t size)
{
    struct zeek_notes_header header;
    struct log_note note[2];
    size_t count;
    zeek_notes_header_init(&header);
    while (size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end - text) : size;
        if (length > 0 && *text == '#') {
            zeek_notes_header_take(&header, text, length);
        } else {
            enum log_result result = zeek_notes_line(&header, kind, text, length, note, &count);
            must(count <= 2 && (result == LOG_OK || count == 0));
            for (size_t i = 0; i < count; i++)
                look_at_note(&note[i]);
            if (count == 2)
                must(note[0].time_ns < note[1].time_ns);
        }
        text += length + (end != NULL);
        size -= length + (end != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    zeek_notes_kind((const char *)data, size);
    for (enum log_kind kind = LOG_ZEEK_DNS; kind <= LOG_ZEEK_SSL; kind++)
        lines_of(kind, (const char *)data, size);
    return 0;
}
