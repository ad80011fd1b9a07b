/* An awake story lies in a block; one that falls asleep is thinned into a block of about its own
 * size, without what its key says, too. Memory once taken is kept for the next ones. */
#include "stories_kept.h"

#include "thin.h"
#include "weir/base/buffer.h"
#include "weir/base/pages.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES   PAGES_HUGE
#define BLOCK_STORIES ((BLOCK_BYTES - sizeof(struct story_block)) / sizeof(struct open_story))

_Static_assert(sizeof(struct open_story) % THIN_GRAIN == 0, "thinned whole");
_Static_assert(sizeof(struct open_story) <= THIN_LARGEST, "a bit for each group");
_Static_assert(THIN_MAX(sizeof(struct open_story)) <= UINT16_MAX, "thin_bytes");
_Static_assert(offsetof(struct story, flow) + ALERT_FLOWS * sizeof(struct alert_flow) ==
                   offsetof(struct story, client),
               "empty_groups: clients lie behind flows");

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

void stories_init(struct stories *stories)
{
    *stories = (struct stories){.budget = {.limit_bytes = STORY_ITEMS_BYTES},
                                .awake_limit = STORIES_AWAKE,
                                .limit = STORIES_MAX};
    map_init_borrowing(&stories->map);
    pools_init(&stories->asleep);
}

/* --- the memory of those awake ---------------------------------------------------------------- */

static void add_block(struct stories *stories)
{
    struct story_block *block = pages_calloc(1, BLOCK_BYTES);
    block->next = stories->blocks;
    stories->blocks = block;
    stories->fresh = BLOCK_STORIES;
}

/* All zero: 5 kB of which a story uses little are not cleared for each one that comes. */
static struct open_story *take_room(struct stories *stories)
{
    struct open_story *open = stories->unused;
    stories->awake++;
    if (open) {
        stories->unused = open->older;
        open->older = NULL;
        return open;
    }
    if (stories->fresh == 0)
        add_block(stories);
    return &stories->blocks->story[BLOCK_STORIES - stories->fresh--];
}

/* It is all zero. */
static void give_room(struct stories *stories, struct open_story *open)
{
    open->older = stories->unused;
    stories->unused = open;
    stories->awake--;
}

/* --- the two orders --------------------------------------------------------------------------- */

static void unlink_entry(struct stories *stories, struct story_entry *entry)
{
    if (stories->kept == entry)
        stories->kept = entry->older;
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

static struct story_list *list_of(struct stories *stories, const struct open_story *open)
{
    return open->entry->young ? &stories->young : &stories->used;
}

static void unlink_awake(struct stories *stories, struct open_story *open)
{
    struct story_list *list = list_of(stories, open);
    *(open->newer ? &open->newer->older : &list->newest) = open->older;
    *(open->older ? &open->older->newer : &list->oldest) = open->newer;
    open->newer = open->older = NULL;
    list->count--;
}

static void link_awake(struct stories *stories, struct open_story *open)
{
    struct story_list *list = list_of(stories, open);
    open->older = list->newest;
    *(list->newest ? &list->newest->newer : &list->oldest) = open;
    list->newest = open;
    list->count++;
}

/* --- asleep and awake ------------------------------------------------------------------------- */

static bool counts_items(const struct open_story *open)
{
    static const struct counter none;
    return memcmp(&open->counter, &none, sizeof none) != 0;
}

/* What the key says of it; names longer than a byte counts stay where they are. */
static void take_off_key(struct story *story, struct story_entry *entry)
{
    struct destination *destination = &story->destination;
    size_t size = strnlen(destination->name, sizeof destination->name);
    entry->role = (uint8_t)destination->role;
    entry->kind = (uint8_t)destination->kind;
    entry->name_size = size <= UINT8_MAX ? (uint8_t)size : 0;
    memset(destination->name, 0, entry->name_size);
    destination->role = 0;
    destination->kind = 0;
    story->host = (struct ip){{0}};
}

static void put_back_key(struct story *story, const struct story_entry *entry)
{
    struct destination *destination = &story->destination;
    memcpy(&story->host, entry->key, sizeof story->host);
    destination->role = (enum pair_role)entry->role;
    destination->kind = (enum destination_kind)entry->kind;
    memcpy(destination->name, entry->key + entry->key_size - entry->name_size, entry->name_size);
}

/* What nothing was counted of, and places that no flow and no client has taken. */
static unsigned empty_groups(const struct open_story *open)
{
    const struct story *story = &open->story;
    const size_t counted = offsetof(struct open_story, story.counted);
    const size_t flows = offsetof(struct open_story, story.flow);
    const size_t clients = offsetof(struct open_story, story.client);
    size_t begin = flows + story->flow_count * sizeof *story->flow;
    size_t end = story->client_count > 0 ? clients : clients + sizeof story->client;
    unsigned empty = thin_groups_in(begin, end);
    if (!counts_items(open))
        empty |= thin_groups_in(counted, counted + sizeof story->counted);
    return empty;
}

static void fall_asleep(struct stories *stories, struct open_story *open)
{
    uint8_t thin[THIN_MAX(sizeof *open)];
    struct story_entry *entry = open->entry;
    unlink_awake(stories, open);
    entry->young = false;
    entry->told = open->told;
    entry->counts = counts_items(open);
    entry->changed = open->content_changed;
    entry->last = open->story.last;
    open->entry = NULL;
    take_off_key(&open->story, entry);
    entry->thin_bytes = (uint16_t)thin_pack_but(open, sizeof *open, empty_groups(open), thin);
    entry->thin = pools_take(&stories->asleep, entry->thin_bytes);
    memcpy(entry->thin, thin, entry->thin_bytes);
    entry->awake = NULL;
    thin_clear(thin, open);
    give_room(stories, open);
}

/* Into what is all zero. */
static void unpack(const struct story_entry *entry, struct open_story *open)
{
    thin_fill(entry->thin, entry->thin_bytes, open, sizeof *open); /* our own */
    put_back_key(&open->story, entry);
    open->told = entry->told;
}

/* Room for one more of those awake. What was made and not asked for again goes first, while the
 * processor's cache still has it: a scan makes stories by the thousand, and each of them once. */
static struct open_story *make_room(struct stories *stories)
{
    bool full = stories->awake >= stories->awake_limit;
    bool young = stories->young.count >= STORIES_YOUNG ||
                 (full && stories->young.count >= stories->used.count);
    if (full || young)
        fall_asleep(stories, young ? stories->young.oldest : stories->used.oldest);
    return take_room(stories);
}

struct open_story *stories_wake(struct stories *stories, struct story_entry *entry)
{
    struct open_story *open = entry->awake;
    if (open) {
        unlink_awake(stories, open);
        entry->young = false;
    } else {
        open = make_room(stories);
        unpack(entry, open);
        pools_give(&stories->asleep, entry->thin, entry->thin_bytes);
        entry->thin = NULL;
        entry->awake = open;
        open->entry = entry;
    }
    link_awake(stories, open);
    return open;
}

const struct open_story *stories_look(const struct story_entry *entry, struct open_story *scratch)
{
    if (entry->awake)
        return entry->awake;
    memset(scratch, 0, sizeof *scratch);
    unpack(entry, scratch);
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

static size_t entry_bytes(size_t key_size)
{
    return offsetof(struct story_entry, key) + key_size;
}

struct open_story *stories_make(struct stories *stories, const struct story_key *key, size_t size)
{
    struct open_story *open = make_room(stories);
    struct story_entry *entry = pools_take(&stories->asleep, entry_bytes(size));
    memcpy(entry->key, key, size);
    entry->key_size = (uint16_t)size;
    entry->young = true;
    open->entry = entry;
    entry->awake = open;
    link_awake(stories, open);
    link_newest(stories, entry);
    map_put(&stories->map, entry->key, size, entry);
    return open;
}

static void fini_items(struct story_entry *entry)
{
    struct open_story scratch;
    if (entry->awake) {
        counter_fini(&entry->awake->counter);
    } else if (entry->counts) {
        memset(&scratch, 0, sizeof scratch);
        unpack(entry, &scratch);
        counter_fini(&scratch.counter);
    }
}

static void end_entry(struct stories *stories, struct story_entry *entry)
{
    fini_items(entry);
    tie_cut(&entry->tie);
    if (entry->thin)
        pools_give(&stories->asleep, entry->thin, entry->thin_bytes);
    pools_give(&stories->asleep, entry, entry_bytes(entry->key_size));
}

void stories_forget(struct stories *stories, struct story_entry *entry)
{
    map_remove(&stories->map, entry->key, entry->key_size);
    unlink_entry(stories, entry);
    struct open_story *awake = entry->awake;
    if (awake)
        unlink_awake(stories, awake);
    end_entry(stories, entry);
    if (!awake)
        return;
    memset(awake, 0, sizeof *awake);
    give_room(stories, awake);
}

void stories_fini(struct stories *stories)
{
    for (struct story_entry *next, *entry = stories->oldest; entry; entry = next) {
        next = entry->newer;
        end_entry(stories, entry);
    }
    map_fini(&stories->map, NULL);
    for (struct story_block *next; stories->blocks; stories->blocks = next) {
        next = stories->blocks->next;
        pages_free(stories->blocks, 1, BLOCK_BYTES);
    }
    pools_fini(&stories->asleep);
    stories_init(stories);
}
