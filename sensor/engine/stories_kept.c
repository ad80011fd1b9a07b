/* An awake story lies in a block; one that falls asleep is thinned into a block of the heap of its
 * own size. Memory once taken for those awake is kept for the next ones. */
#include "stories_kept.h"

#include "thin.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK_BYTES   ((size_t)2 << 20) /* a huge page, where there are such */
#define BLOCK_STORIES ((BLOCK_BYTES - sizeof(struct story_block)) / sizeof(struct open_story))

_Static_assert(sizeof(struct open_story) % THIN_GRAIN == 0, "thinned whole");

/* They are large and come and go by the thousand, which is what a heap is worst at. */
struct story_block {
    struct story_block *next;
    struct open_story story[];
};

size_t story_make_key(const struct ip *host, const struct destination *destination,
                      struct story_key *key)
{
    key->host = *host;
    return sizeof key->host + (destination ? destination_put_key(destination, key->text) : 0);
}

static size_t own_key(const struct story *story, struct story_key *key)
{
    return story_make_key(&story->host, story->has_destination ? &story->destination : NULL, key);
}

void stories_init(struct stories *stories)
{
    *stories = (struct stories){.budget = {.limit_bytes = STORY_ITEMS_BYTES},
                                .awake_limit = STORIES_AWAKE,
                                .limit = STORIES_MAX};
    map_init(&stories->map);
}

/* --- the memory of those awake ---------------------------------------------------------------- */

static void add_block(struct stories *stories)
{
    struct story_block *block = aligned_alloc(BLOCK_BYTES, BLOCK_BYTES);
    if (!block)
        block = xcalloc(1, BLOCK_BYTES);        /* says so, and ends */
    madvise(block, BLOCK_BYTES, MADV_HUGEPAGE); /* advice: failing changes nothing but speed */
    block->next = stories->blocks;
    stories->blocks = block;
    stories->fresh = BLOCK_STORIES;
}

static struct open_story *take_room(struct stories *stories)
{
    struct open_story *open = stories->unused;
    stories->awake++;
    if (open) {
        stories->unused = open->older;
        return open;
    }
    if (stories->fresh == 0)
        add_block(stories);
    return &stories->blocks->story[BLOCK_STORIES - stories->fresh--];
}

static void give_room(struct stories *stories, struct open_story *open)
{
    open->older = stories->unused;
    stories->unused = open;
    stories->awake--;
}

/* --- the two orders --------------------------------------------------------------------------- */

static void unlink_entry(struct stories *stories, struct story_entry *entry)
{
    *(entry->newer ? &entry->newer->older : &stories->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &stories->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(struct stories *stories, struct story_entry *entry)
{
    entry->older = stories->newest;
    *(stories->newest ? &stories->newest->newer : &stories->oldest) = entry;
    stories->newest = entry;
}

void stories_renew(struct stories *stories, struct story_entry *entry)
{
    unlink_entry(stories, entry);
    link_newest(stories, entry);
}

static void unlink_used(struct stories *stories, struct open_story *open)
{
    *(open->newer ? &open->newer->older : &stories->used) = open->older;
    *(open->older ? &open->older->newer : &stories->used_least) = open->newer;
    open->newer = open->older = NULL;
}

static void link_used(struct stories *stories, struct open_story *open)
{
    open->older = stories->used;
    *(stories->used ? &stories->used->newer : &stories->used_least) = open;
    stories->used = open;
}

/* --- asleep and awake ------------------------------------------------------------------------- */

static bool counts_items(const struct open_story *open)
{
    static const struct counter none;
    return memcmp(&open->counter, &none, sizeof none) != 0;
}

static void fall_asleep(struct stories *stories, struct open_story *open)
{
    uint8_t thin[THIN_MAX(sizeof *open)];
    struct story_entry *entry = open->entry;
    unlink_used(stories, open);
    entry->told = open->told;
    entry->counts = counts_items(open);
    entry->last = open->story.last;
    entry->thin_bytes = (uint32_t)thin_pack(open, sizeof *open, thin);
    entry->thin = xcalloc(1, entry->thin_bytes);
    memcpy(entry->thin, thin, entry->thin_bytes);
    entry->awake = NULL;
    give_room(stories, open);
}

/* Room for one more of those awake. */
static struct open_story *make_room(struct stories *stories)
{
    if (stories->awake >= stories->awake_limit)
        fall_asleep(stories, stories->used_least);
    return take_room(stories);
}

struct open_story *stories_wake(struct stories *stories, struct story_entry *entry)
{
    struct open_story *open = entry->awake;
    if (open) {
        unlink_used(stories, open);
    } else {
        open = make_room(stories);
        thin_unpack(entry->thin, entry->thin_bytes, open, sizeof *open); /* our own */
        free(entry->thin);
        entry->thin = NULL;
        entry->awake = open;
    }
    link_used(stories, open);
    return open;
}

const struct open_story *stories_look(const struct story_entry *entry, struct open_story *scratch)
{
    if (entry->awake)
        return entry->awake;
    thin_unpack(entry->thin, entry->thin_bytes, scratch, sizeof *scratch);
    return scratch;
}

bool story_is_told(const struct story_entry *entry)
{
    return entry->awake ? entry->awake->told : entry->told;
}

struct ptime story_last(const struct story_entry *entry)
{
    return entry->awake ? entry->awake->story.last : entry->last;
}

/* --- made and forgotten ----------------------------------------------------------------------- */

struct open_story *stories_make(struct stories *stories)
{
    struct open_story *open = make_room(stories);
    struct story_entry *entry = xcalloc(1, sizeof *entry);
    memset(open, 0, sizeof *open);
    open->entry = entry;
    entry->awake = open;
    link_used(stories, open);
    link_newest(stories, entry);
    return open;
}

bool stories_enter(struct stories *stories, struct open_story *open)
{
    struct story_key key;
    size_t size = own_key(&open->story, &key);
    if (map_get(&stories->map, &key, size))
        return false;
    map_put(&stories->map, &key, size, open->entry);
    return true;
}

static void fini_items(struct story_entry *entry)
{
    struct open_story scratch;
    if (entry->awake) {
        counter_fini(&entry->awake->counter);
    } else if (entry->counts) {
        thin_unpack(entry->thin, entry->thin_bytes, &scratch, sizeof scratch);
        counter_fini(&scratch.counter);
    }
}

void stories_forget(struct stories *stories, struct story_entry *entry)
{
    struct open_story scratch;
    struct story_key key;
    size_t size = own_key(&stories_look(entry, &scratch)->story, &key);
    if (map_get(&stories->map, &key, size) == entry)
        map_remove(&stories->map, &key, size);
    unlink_entry(stories, entry);
    fini_items(entry);
    if (entry->awake) {
        unlink_used(stories, entry->awake);
        give_room(stories, entry->awake);
    }
    free(entry->thin);
    free(entry);
}

static void end_entry(void *value)
{
    struct story_entry *entry = value;
    fini_items(entry);
    free(entry->thin);
    free(entry);
}

void stories_fini(struct stories *stories)
{
    map_fini(&stories->map, end_entry);
    for (struct story_block *next; stories->blocks; stories->blocks = next) {
        next = stories->blocks->next;
        free(stories->blocks);
    }
    stories_init(stories);
}
