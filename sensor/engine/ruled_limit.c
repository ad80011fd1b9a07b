/* Each rule's own rate limit and figures, kept by id over edits and restarts. Thread: the engine's.
 */
#include "internal.h"

#include "weir/base/digest.h"

#include <stdlib.h>
#include <string.h>

void ruled_init(struct ruled *ruled, const struct rules *rules)
{
    *ruled = (struct ruled){.rules = rules, .fingerprint = rules ? rules->fingerprint : 0};
    map_init(&ruled->rule);
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
}

struct ruled_rule *ruled_rule(struct ruled *ruled, const char *id)
{
    struct ruled_rule *rule = map_get(&ruled->rule, id, strlen(id));
    if (rule)
        return rule;
    rule = xcalloc(1, sizeof *rule);
    rule->since = PTIME_MIN;
    map_init(&rule->stories);
    map_put(&ruled->rule, id, strlen(id), rule);
    return rule;
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

static bool take_rule(struct ruled *ruled, struct cursor *in)
{
    static char held;
    char id[256];
    size_t size = cursor_u8(in);
    const uint8_t *name = cursor_take(in, size), *tally;
    if (!name)
        return false;
    memcpy(id, name, size);
    id[size] = '\0';
    struct ruled_rule *rule = ruled_rule(ruled, id);
    tally = cursor_take(in, sizeof rule->tally);
    if (!tally)
        return false;
    memcpy(&rule->tally, tally, sizeof rule->tally);
    rule->since.ns = (int64_t)cursor_le64(in);
    rule->told = cursor_le64(in);
    rule->held = cursor_le64(in);
    rule->held_before = cursor_le64(in);
    uint32_t stories = cursor_le32(in);
    for (uint32_t i = 0; i < stories && !in->failed; i++) {
        const uint8_t *story = cursor_take(in, sizeof(uint64_t));
        if (story)
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
