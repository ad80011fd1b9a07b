/* Open stories: what a host sends to one destination (or at all) since it began to, for as long as
 * it goes on. A story is silent for STORY_GAP_NS and is forgotten, unless an incident still tells
 * it, or something was uploaded in it: that speaks until its site day is over (evidence.h), and may
 * be what is told with whatever else its host does. Bound: STORIES_MAX; the one silent longest that
 * no incident tells is forgotten, counted.
 *
 * A story is of what was carried: a flow that has carried nothing joins one, but makes none, unless
 * something is to be told of it. Or a scan would make as many as it tries addresses.
 *
 * A story takes 5 kB, of which one in ten is ever used: only the STORIES_AWAKE used last lie as
 * they are, the others thinned (thin.h), and wake when they are asked for. Nobody sees it but by
 * the memory. Engine thread. */
#ifndef WEIR_ENGINE_STORIES_H
#define WEIR_ENGINE_STORIES_H

#include "weir/alert/alert.h"
#include "weir/base/map.h"
#include "weir/base/pool.h"
#include "weir/base/tie.h"
#include "weir/engine/engine.h"
#include "weir/record/function.h"

#include <stdalign.h>

#define STORIES_MAX       262144
#define STORIES_AWAKE     8192
#define STORIES_YOUNG     64 /* … of those that were made and not asked for again */
#define STORY_ITEMS_BYTES (UINT64_C(512) << 20) /* of sets of counted items, see union.h */
#define STORY_GAP_NS      (6 * NS_PER_HOUR)

struct story_entry;

struct open_story {
    alignas(16) struct story story;
    struct counter counter; /* of story.counted */
    /* Of story.flow, beside each other: each record asks whether it is of one of them. */
    int64_t flow_start_ns[ALERT_FLOWS];
    struct function_set unlisted;     /* that no conduit lists, and zone.conduit spoke of */
    int64_t begun_ns;                 /* when it was made: of the record that it was made for */
    bool wrote;                       /* … and that something was written */
    bool content_changed;             /* since it was last judged */
    bool told;                        /* an incident speaks of it: kept until that closes */
    struct story_entry *entry;        /* its place among all */
    struct open_story *newer, *older; /* of those awake, by last use */
};

struct story_list {
    struct open_story *newest, *oldest; /* by last use */
    size_t count;
};

struct stories {
    struct map map;                      /* host + destination key → struct story_entry */
    struct story_entry *newest, *oldest; /* of all, by last activity */
    struct story_entry *kept; /* newest of those silent that were looked at and kept; NULL: none */
    int64_t kept_hour;        /* of packet time, in which all of these were */
    struct story_list used, young; /* of those awake; not asked for since they were made */
    struct story_block *blocks;    /* where these lie */
    struct open_story *unused;     /* of those, chained by `older` */
    size_t fresh;        /* of the newest block, at its end: never used, their memory not touched */
    struct pools asleep; /* entries, and thinned ones */
    size_t awake, awake_limit, limit;
    uint64_t evicted;
    struct union_budget budget; /* of all stories' counted items */
};

void stories_init(struct stories *stories);
void stories_fini(struct stories *stories);
/* The open story, made when there is none; it becomes the newest. destination NULL: the whole
 * host's. Stays where it is until STORIES_YOUNG others (or half of awake_limit, if that is less)
 * have been asked for. */
struct open_story *stories_open(struct stories *stories, const struct ip *host,
                                const struct destination *destination, struct ptime now);
/* The same, for somebody who asks for this one again and again: it is looked for only where the
 * tie, which is the caller's, does not lead to it. A tie is to one story (host, destination)
 * always. */
struct open_story *stories_open_tied(struct stories *stories, struct tie *tie,
                                     const struct ip *host, const struct destination *destination,
                                     struct ptime now);
/* The same, but none is made: NULL, where there is none that goes on. tie may be NULL. */
struct open_story *stories_resume(struct stories *stories, struct tie *tie, const struct ip *host,
                                  const struct destination *destination, struct ptime now);
/* The same, but only one that an incident tells. */
struct open_story *stories_go_on_told(struct stories *stories, const struct tie *tie,
                                      const struct ip *host, const struct destination *destination,
                                      struct ptime now);
/* There is one, and it may be told of anew though nothing is added: an incident tells it, or what
 * was counted in it is not judged yet. tie may be NULL. */
bool stories_listens(const struct stories *stories, const struct tie *tie, const struct ip *host,
                     const struct destination *destination);
/* The one that is open already; NULL: none. */
struct open_story *stories_find(struct stories *stories, const struct ip *host,
                                const struct destination *destination);
/* story.flow[at] is another one. */
static inline void story_note_flow(struct open_story *open, size_t at)
{
    open->flow_start_ns[at] = open->story.flow[at].start.ns;
}
/* False: all that it tells, the flow's record before told; that it is over, or goes on. */
bool story_has_news(const struct record_flow *record);
/* Adds a flow record's fresh part; with what its flow sent before, when that was empty (carried
 * nothing) and was added to no story for that. Without news it adds such a flow alone, or what the
 * story was made for. */
void story_add(struct open_story *open, const struct flow_view *view);
/* … and in which site hour its bytes were counted. */
void story_note_hour(struct open_story *open, const struct civil *civil,
                     const struct flow_view *view);
void story_add_items(struct stories *stories, struct open_story *open,
                     const struct record_content *record);
/* Forgets what has been silent; `told` ones when keep() says that no incident speaks of them now,
 * and those with an upload when its site day is over. `today`: of which nothing is judged any more
 * before it. What was kept is looked at again in the next hour. */
void stories_advance(struct stories *stories, struct ptime now, int64_t today,
                     bool (*keep)(void *context, const struct story *story), void *context);
/* The incident that told of it is closed: what comes after STORY_GAP_NS is a new one. False: none
 * is told. */
bool stories_untell(struct stories *stories, const struct ip *host,
                    const struct destination *destination);
/* All of them, for a restart of the same build; into an empty one. False: it is not that. */
void stories_pack(const struct stories *stories, struct buffer *out);
bool stories_unpack(struct stories *stories, struct cursor *in);

#endif
