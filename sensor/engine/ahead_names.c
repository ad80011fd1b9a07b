/* The steps of ahead.h for what was asked and answered in DNS. Lines that are fetched: those that
 * names_learn and tunnelled_name come to.
 *
 *   its key among what was asked; client's and domain's entry → what lies there → beside it in the
 *   order
 *
 * The registrable domain is known by then, of names that base/suffix.h keeps: longer ones are not
 * looked ahead for, it would be sought once more. Who asks is taken to be the address that says so.
 * Thread: the engine's. */
#include "ahead.h"

#include "internal.h"
#include "weir/base/suffix.h"

#include <string.h>

#define LINE ((size_t)64)

/* Without a look into what stays inside: such an entry is not there. */
void ahead_name(const struct engine *engine, const struct record_name *record,
                struct ahead_name *ahead)
{
    static const struct ip all;
    const struct questions *questions = &engine->tunnelled.questions;
    char text[RECORD_NAME_MAX + 1];
    if (record->kind != NAME_DNS)
        return;
    memcpy(text, record->tail + record->address_count * sizeof(struct ip), record->name_size);
    text[record->name_size] = '\0';
    ahead->is_one = true;
    ahead->asked = names_prefetch(&engine->names, record, text);
    ahead->client = ahead->domain = 0;
    if (record->answered || record->name_size > SUFFIXES_NAME_KEPT)
        return;
    const char *domain = question_domain(engine->config.suffixes, text);
    ahead->client = questions_prefetch(questions, &record->key.orig_ip, domain);
    ahead->domain = questions_prefetch(questions, &all, domain);
}

static void fetch_entry(const struct questions *questions, uint64_t hash)
{
    const char *entry = map_expect(&questions->entries, hash);
    for (size_t at = 0; entry && at < sizeof(struct asked_entry) + LINE; at += LINE)
        __builtin_prefetch(entry + at);
}

/* Each question changes the order, and the sketches of this half. */
static void fetch_beside(const struct questions *questions, uint64_t hash)
{
    const struct asked_entry *entry = map_expect(&questions->entries, hash);
    if (!entry)
        return;
    if (entry->newer)
        __builtin_prefetch(&entry->newer->older);
    if (entry->older)
        __builtin_prefetch(&entry->older->newer);
    __builtin_prefetch(entry->half[0].names.item);
    __builtin_prefetch(entry->half[0].clients.item);
}

void ahead_follow_name(const struct engine *engine, const struct ahead_name *ahead, bool beside)
{
    const struct questions *questions = &engine->tunnelled.questions;
    if (!beside)
        names_expect(&engine->names, ahead->asked);
    for (int i = 0; i < 2; i++) {
        uint64_t hash = i == 0 ? ahead->client : ahead->domain;
        if (hash != 0)
            (beside ? fetch_beside : fetch_entry)(questions, hash);
    }
}
