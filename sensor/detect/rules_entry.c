/* What a rule, an exception, trust say besides their conditions. Start-up only. */
#include "rules_local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT 20 /* alerts a day */
#define DEFAULT_BAR   100

/* --- single keys ----------------------------------------------------------------------------- */

static const char *text_of(struct rule_compiler *c, const struct rule_definition *definition,
                           const char *key)
{
    struct rule_piece piece;
    return rule_definition_key(definition, key, &piece) ? rules_own(c->rules, piece.node->text)
                                                        : NULL;
}

static int refuse_key(const struct rule_compiler *c, const struct rule_piece *piece,
                      const char *expected)
{
    return rule_refuse(piece->source, piece->node, c->error, "%s: \"%.60s\", expected %s",
                       piece->node->key, piece->node->text, expected);
}

int rule_read_whole(const char *text, int most, int *value)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    long number = strtol(text, &end, 10);
    if (*end || number > most)
        return -1;
    *value = (int)number;
    return 0;
}

static int whole_of(struct rule_compiler *c, const struct rule_definition *definition,
                    const char *key, int most, int *value)
{
    struct rule_piece piece;
    char expected[64];
    if (!rule_definition_key(definition, key, &piece) ||
        rule_read_whole(piece.node->text, most, value) == 0)
        return 0;
    snprintf(expected, sizeof expected, "a whole number from 0 to %d", most);
    return refuse_key(c, &piece, expected);
}

int rule_read_urgency(const char *text, int score, enum urgency *urgency)
{
    *urgency = score >= SHIFT_SCORE ? URGENCY_SHIFT : URGENCY_DIGEST;
    if (!*text)
        return 0;
    for (*urgency = 0; *urgency < URGENCIES; ++*urgency)
        if (strcmp(text, urgency_name[*urgency]) == 0)
            return 0;
    return -1;
}

static int urgency_of_rule(struct rule_compiler *c, const struct rule_definition *definition,
                           int score, enum urgency *urgency)
{
    struct rule_piece piece;
    bool given = rule_definition_key(definition, "urgency", &piece);
    if (rule_read_urgency(given ? piece.node->text : "", score, urgency) == 0)
        return 0;
    return refuse_key(c, &piece, RULE_URGENCY_EXPECTED);
}

static int read_enabled(struct rule_compiler *c, const struct rule_definition *definition,
                        bool *enabled)
{
    struct rule_piece piece;
    *enabled = true;
    if (!rule_definition_key(definition, "enabled", &piece))
        return 0;
    *enabled = strcmp(piece.node->text, "true") == 0;
    if (*enabled || strcmp(piece.node->text, "false") == 0)
        return 0;
    return refuse_key(c, &piece, "true or false");
}

/* "T1567" or "T1567.002". */
static bool is_technique(const char *text)
{
    size_t digits = *text == 'T' ? strspn(text + 1, "0123456789") : 0;
    if (digits != 4)
        return false;
    text += 5;
    return !*text || (*text == '.' && strspn(text + 1, "0123456789") == 3 && !text[4]);
}

static int read_technique(struct rule_compiler *c, const struct rule_definition *definition,
                          struct detector *detector)
{
    struct rule_piece piece;
    detector->tactic = "TA0010";
    if (rule_definition_key(definition, "tactic", &piece)) {
        if (strncmp(piece.node->text, "TA", 2) != 0 || strlen(piece.node->text) != 6 ||
            strspn(piece.node->text + 2, "0123456789") != 4)
            return refuse_key(c, &piece, "a tactic of ATT&CK such as TA0010");
        detector->tactic = rules_own(c->rules, piece.node->text);
    }
    if (!rule_definition_key(definition, "technique", &piece))
        return 0;
    if (!is_technique(piece.node->text))
        return refuse_key(c, &piece, "a technique of ATT&CK such as T1567 or T1567.002");
    char *technique = rules_own(c->rules, piece.node->text);
    if (technique[5]) {
        detector->subtechnique = rules_own(c->rules, technique);
        technique[5] = '\0';
    }
    detector->technique = technique;
    return 0;
}

static int read_schedule(struct rule_compiler *c, const struct rule_definition *definition,
                         struct rule_schedule *schedule)
{
    struct rule_piece piece;
    if (!rule_definition_key(definition, "schedule", &piece) ||
        rule_read_schedule(piece.node->text, schedule) == 0)
        return 0;
    return refuse_key(c, &piece, RULE_SCHEDULE_EXPECTED);
}

/* "20 per day". */
static int read_limit(struct rule_compiler *c, const struct rule_definition *definition,
                      struct rule *rule)
{
    struct rule_piece piece;
    char *end;
    rule->limit = DEFAULT_LIMIT;
    rule->limit_ns = NS_PER_DAY;
    if (!rule_definition_key(definition, "rate_limit", &piece))
        return 0;
    unsigned long number = strtoul(piece.node->text, &end, 10);
    rule->limit_ns = strcmp(end, " per hour") == 0  ? NS_PER_HOUR
                     : strcmp(end, " per day") == 0 ? NS_PER_DAY
                                                    : 0;
    if (piece.node->text[0] < '1' || piece.node->text[0] > '9' || number > 100000 ||
        rule->limit_ns == 0)
        return refuse_key(c, &piece, "\"20 per hour\" or \"20 per day\", 1 to 100000");
    rule->limit = (uint32_t)number;
    return 0;
}

/* --- expiry ---------------------------------------------------------------------------------- */

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era_year = y % 400, era = y / 400;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    return era * 146097 + era_year * 365 + era_year / 4 - era_year / 100 + day_of_year - 719468;
}

static int number_at(const char *text, int digits)
{
    int number = 0;
    for (int i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = 10 * number + text[i] - '0';
    }
    return number;
}

int rule_read_day(const char *text, int64_t *day)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    *day = RULE_NEVER;
    if (strcmp(text, "never") == 0)
        return 0;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
        return -1;
    int y = number_at(text, 4), m = number_at(text + 5, 2), d = number_at(text + 8, 2);
    if (y < 1970 || m < 1 || m > 12 || d < 1)
        return -1;
    bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    if (d > length[m - 1] + (m == 2 && leap))
        return -1;
    *day = days_of(y, m, d);
    return 0;
}

static int read_expires(struct rule_compiler *c, const struct rule_piece *piece, int64_t *day,
                        char text[11])
{
    if (rule_read_day(piece->node->text, day) != 0)
        return refuse_key(c, piece, "the last day on which it holds, YYYY-MM-DD, or never");
    snprintf(text, 11, "%s", piece->node->text);
    return 0;
}

/* --- entries --------------------------------------------------------------------------------- */

static const char *place_of(struct rule_compiler *c, const struct rule_piece *piece)
{
    char text[512];
    snprintf(text, sizeof text, "%.480s:%d:%d", piece->source->file.name, piece->node->line,
             piece->node->column);
    return rules_own(c->rules, text);
}

/* A name that people read at every alert. */
static int read_name(struct rule_compiler *c, const struct rule_definition *definition,
                     struct rule *rule)
{
    struct rule_piece piece;
    rule_definition_key(definition, "name", &piece);
    size_t size = strlen(piece.node->text);
    if (size == 0 || size > 120)
        return refuse_key(c, &piece, "1 to 120 bytes that say what it is");
    rule->detector.name = rules_own(c->rules, piece.node->text);
    return 0;
}

static void read_words(struct rule_compiler *c, const struct rule_definition *definition,
                       struct rule *rule)
{
    struct buffer text = {0};
    const char *sees = text_of(c, definition, "sees");
    const char *wrong = text_of(c, definition, "false_alarms");
    buffer_text(&text, "%s%s%s", sees ? sees : rule->detector.name,
                wrong ? " Known false alarms: " : "", wrong ? wrong : "");
    buffer_u8(&text, 0);
    rule->detector.explains = rules_own(c->rules, (const char *)text.data);
    buffer_fini(&text);
}

static int read_parts(struct rule_compiler *c, const struct rule_definition *definition,
                      struct rule *rule)
{
    if (read_name(c, definition, rule) != 0 ||
        whole_of(c, definition, "severity", 100, &rule->score) != 0 ||
        urgency_of_rule(c, definition, rule->score, &rule->urgency) != 0 ||
        read_enabled(c, definition, &rule->enabled) != 0 ||
        read_technique(c, definition, &rule->detector) != 0 ||
        read_schedule(c, definition, &rule->schedule) != 0 || read_limit(c, definition, rule) != 0)
        return -1;
    return rule_compile(c, definition, "condition", &rule->condition);
}

static int read_when(struct rule_compiler *c, const struct rule_source *source,
                     const struct yaml_node *entry, struct rule_exception *exception)
{
    struct rule_piece when = {source, yaml_get(entry, "when")};
    struct rule_piece expires = {source, yaml_get(entry, "expires")};
    const struct yaml_node *reason = yaml_get(entry, "reason");
    if (!*reason->text || strlen(reason->text) > 160)
        return rule_refuse(source, reason, c->error, "reason: expected 1 to 160 bytes");
    exception->reason = rules_own(c->rules, reason->text);
    exception->place = place_of(c, &(struct rule_piece){source, entry});
    return read_expires(c, &expires, &exception->last_day, exception->expires) != 0
               ? -1
               : rule_compile_piece(c, &when, &exception->when);
}

static struct rule_exception *next_exception(struct rule_compiler *c,
                                             const struct rule_source *source,
                                             const struct yaml_node *entry)
{
    struct rules *rules = c->rules;
    if (rules->exception_count == RULES_MAX) {
        rule_refuse(source, entry, c->error, "more than %u exceptions", RULES_MAX);
        return NULL;
    }
    rules->exception =
        xrealloc(rules->exception, (rules->exception_count + 1) * sizeof *rules->exception);
    rules->exception[rules->exception_count] = (struct rule_exception){.of = NULL};
    return &rules->exception[rules->exception_count++];
}

/* {name: …, when: …, reason: …, expires: …} of a rule. */
static int read_own_exception(struct rule_compiler *c, const struct rule_source *source,
                              const struct yaml_node *entry, const char *id)
{
    static const char *const key[] = {"name", "when", "reason", "expires"};
    if (entry->kind != YAML_MAP)
        return rule_refuse(source, entry, c->error,
                           "exceptions: expected {name: …, when: …, reason: …, expires: …}");
    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        const struct yaml_node *value = yaml_get(entry, key[i]);
        if (!value || value->kind != YAML_SCALAR)
            return rule_refuse(source, entry, c->error, "exceptions: one has no %s", key[i]);
    }
    for (const struct yaml_node *node = entry->child; node; node = node->next)
        if (strcmp(node->key, key[0]) != 0 && strcmp(node->key, key[1]) != 0 &&
            strcmp(node->key, key[2]) != 0 && strcmp(node->key, key[3]) != 0)
            return error_set(c->error, ERROR_USAGE,
                             "%s:%d:%d: exceptions: unknown key \"%.60s\", expected name, when, "
                             "reason or expires",
                             source->file.name, node->key_line, node->key_column, node->key);
    struct rule_exception *exception = next_exception(c, source, entry);
    if (!exception)
        return -1;
    const char **of = rules_own_bytes(c->rules, sizeof *of);
    of[0] = id;
    exception->of = of;
    exception->of_count = 1;
    exception->name = rules_own(c->rules, yaml_get(entry, "name")->text);
    return read_when(c, source, entry, exception);
}

static int read_own_exceptions(struct rule_compiler *c, const struct rule_definition *definition,
                               const char *id)
{
    size_t first = 0;
    for (size_t i = 0; i < definition->entries; i++)
        if (!definition->append[i] && yaml_get(definition->entry[i].node, "exceptions"))
            first = i;
    for (size_t i = first; i < definition->entries; i++) {
        const struct rule_piece *from = &definition->entry[i];
        const struct yaml_node *list = yaml_get(from->node, "exceptions");
        if (list && list->kind != YAML_LIST)
            return rule_refuse(from->source, list, c->error, "exceptions: expected a list");
        for (const struct yaml_node *item = list ? list->child : NULL; item; item = item->next)
            if (read_own_exception(c, from->source, item, id) != 0)
                return -1;
    }
    return 0;
}

int rule_read_rule(struct rule_compiler *c, const struct rule_definition *definition)
{
    struct rules *rules = c->rules;
    const struct rule_piece *first = &definition->entry[0];
    if (detector_get(definition->name))
        return rule_refuse(first->source, first->node, c->error,
                           "rule \"%s\": a detector has this id, expected another",
                           definition->name);
    struct rule rule = {
        .detector = {.id = rules_own(rules, definition->name), .kind = SUBJECT_RULE},
        .place = place_of(c, first)};
    if (read_parts(c, definition, &rule) != 0)
        return -1;
    read_words(c, definition, &rule);
    rules->rule[rules->rule_count++] = rule; /* there is room for all that are defined */
    return read_own_exceptions(c, definition, rule.detector.id);
}

/* Ids that are none would be exceptions that never hold. */
static int read_of(struct rule_compiler *c, const struct rule_piece *entry,
                   struct rule_exception *exception)
{
    const struct yaml_node *list = yaml_get(entry->node, "of");
    size_t count = 0;
    for (const struct yaml_node *item = list->child; item; item = item->next)
        count++;
    if (count == 0)
        return rule_refuse(entry->source, list, c->error, "of: expected ids of detectors or rules");
    const char **of = rules_own_bytes(c->rules, count * sizeof *of);
    exception->of = of;
    for (const struct yaml_node *item = list->child; item; item = item->next) {
        if (!detector_get(item->text) &&
            !rule_definition_get(c->all, DEFINE_RULE, item->text, strlen(item->text)))
            return rule_refuse(entry->source, item, c->error,
                               "of: there is no detector or rule \"%.60s\" (weir rules list)",
                               item->text);
        if (strcmp(item->text, "sensor.blind") == 0)
            return rule_refuse(entry->source, item, c->error,
                               "of: what the sensor does not see is always told, expected another "
                               "detector");
        of[exception->of_count++] = rules_own(c->rules, item->text);
    }
    return 0;
}

int rule_read_exception(struct rule_compiler *c, const struct rule_definition *definition)
{
    const struct rule_piece *entry = &definition->entry[0];
    struct rule_exception *exception = next_exception(c, entry->source, entry->node);
    if (!exception || read_of(c, entry, exception) != 0)
        return -1;
    exception->name = rules_own(c->rules, definition->name);
    return read_when(c, entry->source, entry->node, exception);
}

int rule_read_trust(struct rule_compiler *c, const struct rule_definition *definition)
{
    struct rule_exception like = {.of = NULL};
    const struct rule_piece *entry = &definition->entry[0];
    int bar = DEFAULT_BAR;
    if (read_when(c, entry->source, entry->node, &like) != 0 ||
        whole_of(c, definition, "bar", 1000000, &bar) != 0)
        return -1;
    struct rule_trust trust = {.name = rules_own(c->rules, definition->name),
                               .reason = like.reason,
                               .when = like.when,
                               .bar = bar < 1 ? 1 : bar,
                               .last_day = like.last_day,
                               .place = like.place};
    memcpy(trust.expires, like.expires, sizeof trust.expires);
    c->rules->trust[c->rules->trust_count++] = trust;
    return 0;
}
