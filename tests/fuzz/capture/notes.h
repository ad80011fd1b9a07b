/* What every note and connection that a log makes must be, whatever its bytes were. */
#ifndef WEIR_TESTS_FUZZ_CAPTURE_NOTES_H
#define WEIR_TESTS_FUZZ_CAPTURE_NOTES_H

#include "../../../sensor/capture/connection.h"
#include "../../../sensor/capture/log_note.h"

#include <stdlib.h>
#include <string.h>

static inline void must(bool holds)
{
    if (!holds)
        abort();
}

static inline void look_at_text(const char *text)
{
    size_t size = strlen(text);
    must(size <= RECORD_NAME_MAX);
    for (size_t i = 0; i < size; i++)
        must(text[i] > ' ' && text[i] <= '~');
}

static inline void look_at_note(const struct log_note *note)
{
    static struct log_note back;
    struct buffer bytes = {0};
    must(note->kind < NOTE_KINDS && note->time_ns >= 0 && note->time_ns <= RECORD_TIME_MAX_NS);
    must(note->key.vlan <= 4095 && note->dns.address_count <= RECORD_NAME_ADDRESSES &&
         note->dns.alias_count <= RECORD_NAME_ALIASES);
    for (int i = 0; i < FLOW_TEXTS; i++)
        look_at_text(note->text[i]);
    look_at_text(note->dns.name);
    for (size_t i = 0; i < note->dns.alias_count; i++)
        look_at_text(note->dns.alias[i]);
    log_note_pack(note, &bytes);
    must(log_note_unpack(bytes.data, bytes.size, &back));
    must(back.uid == note->uid && back.time_ns == note->time_ns &&
         strcmp(back.dns.name, note->dns.name) == 0);
    buffer_fini(&bytes);
}

static inline void look_at_connection(const struct connection *c)
{
    must(c->start_ns >= 0 && c->start_ns <= c->end_ns && c->end_ns <= RECORD_TIME_MAX_NS);
    must(c->service < SERVICES && c->end < FLOW_END_LOST && c->key.vlan <= 4095);
    must(c->side[SIDE_ORIG].packets + c->side[SIDE_RESP].packets > 0);
    for (int side = 0; side < SIDES; side++) {
        const struct connection_side *s = &c->side[side];
        must(s->low_bytes <= s->payload_bytes && s->payload_bytes <= s->high_bytes);
        must(s->high_bytes <= RECORD_BYTES_MAX && s->packets <= RECORD_BYTES_MAX &&
             s->ip_bytes <= RECORD_BYTES_MAX);
    }
}

#endif
