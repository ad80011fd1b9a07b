/* summary.json of a hunt, for whoever reads a replay's (weir report): counters of the units' own
 * summaries are added up, member by member, so that a counter that is added to a replay's summary
 * is in a hunt's, too. What is no sum is named here. Lists of the units' largest (kinds, protocols,
 * hosts) are theirs and are left out. Thread: the main thread. */
#include "weir/investigate/hunt.h"

#include "summary_parts.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

struct values { /* the same member of every unit; some may be NULL */
    const struct json_value **of;
    size_t count;
};

static struct values members(const struct values *values, const char *key)
{
    struct values below = {xcalloc(values->count + 1, sizeof *below.of), values->count};
    for (size_t i = 0; i < values->count; i++)
        below.of[i] = json_get(values->of[i], key);
    return below;
}

static bool is_maximum(const char *key)
{
    static const char *const name[] = {"hosts_with_history", "hosts_ready", "longest_history_hours",
                                       "largest_step_back_s", "largest_step_back_ns"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        if (strcmp(key, name[i]) == 0)
            return true;
    return false;
}

static void put_whole(struct json *json, const char *key, const struct values *values)
{
    uint64_t sum = 0, most = 0;
    for (size_t i = 0; i < values->count; i++) {
        int64_t value = 0;
        json_whole(values->of[i], &value);
        uint64_t one = value > 0 ? (uint64_t)value : 0;
        sum = bytes_add(sum, one);
        most = one > most ? one : most;
    }
    json_uint(json, key, is_maximum(key) ? most : sum);
}

/* Of reals the largest: they are shares and spans, and the worst counts. */
static void put_real(struct json *json, const char *key, const struct values *values)
{
    double most = 0;
    for (size_t i = 0; i < values->count; i++) {
        double value = 0;
        json_decimal(values->of[i], &value);
        most = value > most ? value : most;
    }
    json_number(json, key, most);
}

static void put_truth(struct json *json, const char *key, const struct values *values)
{
    bool all = values->count > 0;
    for (size_t i = 0; i < values->count; i++) {
        bool value = false;
        all &= json_truth(values->of[i], &value) && value;
    }
    json_bool(json, key, all);
}

/* A unit may lack a member that another has (services, say). */
static const struct json_value *with_key(const struct values *values, const char *key)
{
    for (size_t i = 0; i < values->count; i++)
        if (json_get(values->of[i], key))
            return json_get(values->of[i], key);
    return NULL;
}

static void put_record(struct json *json, const char *key, const struct values *values);

static void put_sum(struct json *json, const char *key, const struct values *values,
                    const struct json_value *like)
{
    int64_t whole;
    double real;
    bool truth;
    if (json_is_record(like))
        put_record(json, key, values);
    else if (json_whole(like, &whole))
        put_whole(json, key, values);
    else if (json_decimal(like, &real))
        put_real(json, key, values);
    else if (json_truth(like, &truth))
        put_truth(json, key, values);
    else if (json_text(like)) /* what was asked for: the same everywhere */
        json_put(json, key, like);
}

static double sum_of(const struct values *values, const char *key)
{
    double sum = 0, value;
    for (size_t i = 0; i < values->count; i++)
        sum += json_decimal(json_get(values->of[i], key), &value) ? value : 0;
    return sum;
}

/* Of all connections; the others' largest would be a bad unit's. */
static void put_share(struct json *json, const struct values *one_sided)
{
    double all = sum_of(one_sided, "tcp_connections");
    json_number(json, "share", all > 0 ? sum_of(one_sided, "one_sided") / all : 0);
}

/* Each unit's members in its order; those met before are there already. */
static void put_members(struct json *json, const struct values *values)
{
    struct map done;
    map_init(&done);
    for (size_t i = 0; i < values->count; i++)
        for (struct json_walk walk = json_members(values->of[i]); json_step(&walk);) {
            if (map_get(&done, walk.key, strlen(walk.key)))
                continue;
            map_put(&done, walk.key, strlen(walk.key), &done);
            struct values below = members(values, walk.key);
            if (strcmp(walk.key, "share") == 0)
                put_share(json, values);
            else
                put_sum(json, walk.key, &below, with_key(values, walk.key));
            free(below.of);
        }
    map_fini(&done, NULL);
}

static void put_record(struct json *json, const char *key, const struct values *values)
{
    json_open(json, key);
    put_members(json, values);
    json_close(json);
}

static void put_section(struct json *json, const char *key, const struct values *units)
{
    struct values values = members(units, key);
    put_record(json, key, &values);
    free(values.of);
}

static void put_coverage(struct json *json, const struct summary *inputs,
                         const struct values *units)
{
    struct values values = members(units, "coverage");
    json_open(json, "coverage");
    summary_put_gaps(json, inputs);
    put_members(json, &values);
    json_close(json);
    free(values.of);
}

static void put_incidents(struct json *json, const struct incidents *incidents)
{
    size_t count;
    const struct incident **all = incidents_sorted(incidents, &count);
    json_list(json, "incidents");
    for (size_t i = 0; i < count; i++)
        summary_put_incident(json, all[i]);
    json_close(json);
    free(all);
}

char *hunt_summary_json(const struct hunt_result *result, const struct incidents *incidents,
                        const struct json_value *const *unit)
{
    static const char *const section[] = {"scopes", "judged", "noise", "identity", "record_faults"};
    struct values units = {xcalloc(result->units + 1, sizeof *units.of), result->units};
    struct summary inputs = {.input = result->input, .input_count = result->input_count};
    struct json *json = json_new();
    for (size_t i = 0; i < units.count; i++)
        units.of[i] = unit[i];
    json_open(json, NULL);
    json_str(json, "version", WEIR_VERSION);
    json_str(json, "mode", result->hindsight ? "hindsight" : "online");
    struct values told = members(&units, "told");
    put_sum(json, "told", &told, with_key(&units, "told"));
    free(told.of);
    json_str(json, "timezone", result->timezone);
    summary_put_inputs(json, &inputs);
    json_put(json, "inside", with_key(&units, "inside"));
    json_put(json, "inside_guessed", with_key(&units, "inside_guessed"));
    put_incidents(json, incidents);
    for (size_t i = 0; i < sizeof section / sizeof *section; i++)
        put_section(json, section[i], &units);
    put_coverage(json, &inputs, &units);
    json_close(json);
    char *text = json_take_text(json, 2), *line = xasprintf("%s\n", text);
    free(text);
    free(units.of);
    json_free(json);
    return line;
}
