/* See held.h. Each line is in two lists: of all, by when they came, and of those of its rank.
 * Giving up is from the lowest rank's end, so the newest of the least severe goes first: what came
 * first says how something began, and what goes on is told again. Both take the same time however
 * many there are.
 *
 * The rank is read from the line, once: 0 for a heartbeat, 1 to 101 for an alert by event.severity,
 * 102 for anything else. Bounds: `room` bytes, what the lists need counted in. Thread: the
 * engine's.
 */
#include "held.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define RANK_METRIC 0
#define RANK_EVENT  102
#define RANKS       103

struct held_line {
    TAILQ_ENTRY(held_line) by_time, by_rank;
    int rank;
    size_t size;
    char text[];
};
TAILQ_HEAD(held_lines, held_line);

struct held {
    size_t room, bytes, count;
    struct held_lines all, rank[RANKS];
    uint64_t given_up[HELD_KINDS];
};

struct held *held_new(size_t bytes)
{
    struct held *held = xcalloc(1, sizeof *held);
    held->room = bytes;
    TAILQ_INIT(&held->all);
    for (int i = 0; i < RANKS; i++)
        TAILQ_INIT(&held->rank[i]);
    return held;
}

void held_free(struct held *held)
{
    if (!held)
        return;
    while (held->count > 0)
        held_drop_first(held);
    free(held);
}

static int rank_of(const char *line, size_t size)
{
    struct json_value *root = json_parse(line, size, NULL);
    const struct json_value *event = json_get(root, "event");
    const char *kind = json_text(json_get(event, "kind"));
    int64_t severity = 0;
    int rank = RANK_EVENT;
    if (kind && strcmp(kind, "metric") == 0) {
        rank = RANK_METRIC;
    } else if (kind && strcmp(kind, "alert") == 0) {
        json_whole(json_get(event, "severity"), &severity);
        rank = 1 + (int)(severity < 0 ? 0 : severity > 100 ? 100 : severity);
    }
    json_value_free(root);
    return rank;
}

static enum held_kind kind_of(int rank)
{
    if (rank == RANK_METRIC)
        return HELD_METRIC;
    return rank == RANK_EVENT ? HELD_EVENT : HELD_ALERT;
}

static void drop(struct held *held, struct held_line *line)
{
    TAILQ_REMOVE(&held->all, line, by_time);
    TAILQ_REMOVE(&held->rank[line->rank], line, by_rank);
    held->bytes -= sizeof *line + line->size;
    held->count--;
    free(line);
}

static void give_up_one(struct held *held)
{
    for (int i = 0; i < RANKS; i++) {
        struct held_line *line = TAILQ_LAST(&held->rank[i], held_lines);
        if (!line)
            continue;
        held->given_up[kind_of(line->rank)]++;
        drop(held, line);
        return;
    }
}

void held_put(struct held *held, const char *line, size_t size)
{
    struct held_line *copy = xcalloc(1, sizeof *copy + size);
    copy->rank = rank_of(line, size);
    copy->size = size;
    memcpy(copy->text, line, size);
    TAILQ_INSERT_TAIL(&held->all, copy, by_time);
    TAILQ_INSERT_TAIL(&held->rank[copy->rank], copy, by_rank);
    held->bytes += sizeof *copy + size;
    held->count++;
    while (held->bytes > held->room)
        give_up_one(held);
}

const char *held_first(const struct held *held, size_t *size)
{
    const struct held_line *line = TAILQ_FIRST(&held->all);
    *size = line ? line->size : 0;
    return line ? line->text : NULL;
}

void held_drop_first(struct held *held)
{
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not follow TAILQ_REMOVE to the head */
    drop(held, TAILQ_FIRST(&held->all));
}

size_t held_count(const struct held *held)
{
    return held->count;
}

size_t held_bytes(const struct held *held)
{
    return held->bytes;
}

uint64_t held_given_up(const struct held *held, enum held_kind kind)
{
    return held->given_up[kind];
}
