/* Each rule's own rate limit and figures, kept by id over edits and restarts. Thread: the engine's.
 */
#include "internal.h"

#include "weir/base/digest.h"

#include <stdlib.h>
#include <string.h>

static struct ruled_rule *add_rule(struct ruled *ruled, const char *id)
{
    struct ruled_rule *rule = xcalloc(1, sizeof *rule);
    rule->since = PTIME_MIN;
    map_init(&rule->stories);
    map_put(&ruled->rule, id, strlen(id), rule);
    return rule;
}

void ruled_init(struct ruled *ruled, const struct rules *rules)
{
    size_t count = rules ? rules->rule_count : 0;
    *ruled = (struct ruled){.rules = rules, .fingerprint = rules ? rules->fingerprint : 0};
    map_init(&ruled->rule);
    ruled->of = xcalloc(count + 1, sizeof(struct ruled_rule *));
    for (size_t i = 0; i < count; i++)
        ruled->of[i] = add_rule(ruled, rules->rule[i].detector.id);
    ruled->of[count] = add_rule(ruled, "intel.match");
}

static void free_rule(void *value)
{
    struct ruled_rule *rule = value;
    map_fini(&rule->stories, NULL);
    free(rule);
}

void ruled_fini(struct ruled *ruled)
{
    map_fini(&ruled->rule, free_rule);
    free(ruled->of);
}

const struct rules *engine_rules(const struct engine *engine)
{
    return engine->config.rules;
}

const struct rule_tally *engine_rule(const struct engine *engine, const char *id)
{
    const struct ruled_rule *rule = map_get(&engine->ruled.rule, id, strlen(id));
    return rule ? &rule->tally : NULL;
}

static void begin_window(struct ruled_rule *rule, struct ptime now)
{
    rule->since = now;
    rule->told = 0;
    rule->held_before += rule->held;
    rule->held = 0;
    map_fini(&rule->stories, NULL);
}

bool ruled_may_tell(struct ruled_rule *rule, uint32_t limit, int64_t limit_ns, uint64_t story,
                    struct ptime now)
{
    static char held; /* a value that is there */
    if (rule->since.ns == INT64_MIN || now.ns - rule->since.ns >= limit_ns)
        begin_window(rule, now);
    if (rule->told < limit) {
        rule->told++;
        rule->tally.told++;
        return true;
    }
    bool known = map_get(&rule->stories, &story, sizeof story) != NULL;
    if (known || rule->stories.count >= RULED_HELD)
        return false;
    map_put(&rule->stories, &story, sizeof story, &held);
    rule->held++;
    rule->tally.withheld++;
    return false;
}

/* --- packed ---------------------------------------------------------------------------------- */

static void put_rule(struct buffer *out, const struct map_entry *entry)
{
    const struct ruled_rule *rule = entry->value;
    const struct map_entry **story = map_sorted(&rule->stories);
    buffer_u8(out, (uint8_t)entry->key_size); /* an id: 63 bytes at most */
    buffer_put(out, entry->key, entry->key_size);
    buffer_put(out, &rule->tally, sizeof rule->tally);
    buffer_le64(out, (uint64_t)rule->since.ns);
    buffer_le64(out, rule->told);
    buffer_le64(out, rule->held);
    buffer_le64(out, rule->held_before);
    buffer_le32(out, (uint32_t)rule->stories.count);
    for (size_t i = 0; i < rule->stories.count; i++)
        buffer_put(out, story[i]->key, sizeof(uint64_t));
    free(story);
}

void ruled_pack(const struct ruled *ruled, struct buffer *out)
{
    const struct map_entry **rule = map_sorted(&ruled->rule);
    buffer_le64(out, ruled->rules ? ruled->rules->fingerprint : 0);
    buffer_u8(out, ruled->review);
    buffer_le32(out, (uint32_t)ruled->rule.count);
    for (size_t i = 0; i < ruled->rule.count; i++)
        put_rule(out, rule[i]);
    free(rule);
}

/* What is of a rule that is no more is read over. */
static bool take_rule(const struct ruled *ruled, struct cursor *in)
{
    static char held;
    struct ruled_rule gone = {.told = 0};
    size_t size = cursor_u8(in);
    const uint8_t *id = cursor_take(in, size), *tally = cursor_take(in, sizeof gone.tally);
    struct ruled_rule *rule = id ? map_get(&ruled->rule, id, size) : NULL;
    if (!tally)
        return false;
    bool there = rule != NULL;
    rule = there ? rule : &gone;
    memcpy(&rule->tally, tally, sizeof rule->tally);
    rule->since.ns = (int64_t)cursor_le64(in);
    rule->told = cursor_le64(in);
    rule->held = cursor_le64(in);
    rule->held_before = cursor_le64(in);
    uint32_t stories = cursor_le32(in);
    for (uint32_t i = 0; i < stories && !in->failed; i++) {
        const uint8_t *story = cursor_take(in, sizeof(uint64_t));
        if (story && there)
            map_put(&rule->stories, story, sizeof(uint64_t), &held);
    }
    return !in->failed;
}

bool ruled_unpack(struct ruled *ruled, struct cursor *in)
{
    uint64_t fingerprint = cursor_le64(in);
    bool review = cursor_u8(in) != 0;
    ruled->review = review || fingerprint != ruled->fingerprint;
    uint32_t rules = cursor_le32(in);
    for (uint32_t i = 0; i < rules; i++)
        if (!take_rule(ruled, in))
            return false;
    return !in->failed;
}
