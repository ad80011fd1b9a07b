/* Where open stories are kept: an entry for each, in a list by last activity, and the stories used
 * last as they are. Private to the stories. Engine thread. */
#ifndef WEIR_ENGINE_STORIES_KEPT_H
#define WEIR_ENGINE_STORIES_KEPT_H

#include "stories.h"

struct story_hours {
    int64_t hour, day;            /* of the site, the last in which anything left; 0: none did */
    uint64_t out_bytes, in_bytes; /* of that hour, where the host is the client */
    bool uploaded;                /* an hour before it was an upload */
};

struct story_entry {
    struct open_story *awake;          /* NULL: it is asleep */
    uint8_t *thin;                     /* then it is here, but for what the key says */
    struct story_entry *newer, *older; /* of all, by last activity */
    struct tie tie;                    /* to who asks for it mostly: stories_open_tied */
    struct ptime last;                 /* asleep: its last packet */
    struct story_hours hours;
    uint16_t thin_bytes, key_size;
    uint8_t role, kind, name_size; /* … of its destination; the name is the key's end */
    bool told, counts, changed;    /* … is told, has counted items, and they are not judged yet:
                                      seen without waking it */
    bool young;                    /* awake, and not asked for since it was made */
    uint8_t key[];                 /* a struct story_key of this size, which the map borrows */
};

struct story_key {
    struct ip host;
    char text[DESTINATION_KEY_SIZE];
};

/* Returns the key's size. destination NULL: the whole host's. */
size_t story_make_key(const struct ip *host, const struct destination *destination,
                      struct story_key *key);
/* A cleared one, awake and the newest, under a key that has none yet. */
struct open_story *stories_make(struct stories *stories, const struct story_key *key, size_t size);
/* Awake, and used last. */
struct open_story *stories_wake(struct stories *stories, struct story_entry *entry);
/* It becomes the newest. */
void stories_renew(struct stories *stories, struct story_entry *entry);
/* As it is, wherever it lies; `scratch` is written when it is asleep. */
const struct open_story *stories_look(const struct story_entry *entry, struct open_story *scratch);
bool story_is_told(const struct story_entry *entry);
struct ptime story_last(const struct story_entry *entry);
void stories_forget(struct stories *stories, struct story_entry *entry);

#endif
