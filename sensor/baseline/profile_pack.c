/* A profile as a blob: "WP", schema (16 bits), XXH3 of the rest (64 bits), the rest. Numbers are
 * varints, times differences to the last closed hour and its day, pairs sorted by key: the same
 * profile gives the same bytes, about 150 a pair. Reading checks every range, since what comes from
 * a store may be anybody's.
 *
 * Schema 1 had no group, no spans of new things, nothing remembered of the guard, and nothing
 * frozen; schema 2 no evidence of the day, schema 3 fewer kinds of it, nor what it was counted at;
 * schema 4 no client networks but those with a pair: what they have is taken over, the rest begins.
 * Packing notes in each pair how many bytes it took (packed_bytes). Thread: any, a profile one at a
 * time. */
#include "profile_local.h"
#include "varint.h"
#include "weir/base/digest.h"
#include "weir/baseline/evidence.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>

#define HEADER_BYTES    12
#define COUNT_BYTES     1   /* of the number of pairs */
#define PAIR_USUAL      512 /* bytes */
#define HOST_USUAL      2048
#define SEED            UINT64_C(0x70726f66696c65)
#define TOLD            0x80
#define SPANS_SHIFT     5 /* above the role, which is one bit */
#define ROLE_SHIFT      4
#define FROZEN          1u
#define FROZEN_SUMS     2u
#define NEW_WEEKS_SHIFT 2 /* first weeks told today, three bits; then spans */
#define NEW_SPANS_SHIFT 5
#define TIME_LIMIT                                                                                 \
    (INT64_C(1) << 40) /* hours or days either side of 1970: differences cannot overflow */

/* --- writing
 * ---------------------------------------------------------------------------------------- */

static void put_pair(struct buffer *out, const struct pair *pair, int64_t hour, int64_t day)
{
    size_t name_size = strlen(pair->destination.name);
    buffer_u8(out, (uint8_t)((pair->told ? TOLD : 0u) | (unsigned)pair->spans_told << SPANS_SHIFT |
                             (unsigned)pair->destination.role << ROLE_SHIFT |
                             (unsigned)pair->destination.kind));
    buffer_u8(out, (uint8_t)name_size);
    buffer_put(out, pair->destination.name, name_size);
    put_signed(out, hour - pair->first_hour);
    put_signed(out, hour - pair->last_hour);
    put_signed(out, day - pair->first_day);
    put_unsigned(out, pair->contacts);
    put_f32(out, pair->weight);
    put_signed(out, day - pair->weight_day);
    put_signed(out, day - pair->today);
    put_unsigned(out, pair->today_bytes);
    put_unsigned(out, pair->first_week_bytes);
    location_pack(&pair->hour_location, out);
    location_pack(&pair->day_location, out);
    histogram_pack(&pair->hour, out);
    histogram_pack(&pair->day, out);
    put_unsigned(out, pair->span_bytes);
    clips_pack(&pair->clips, day, out);
    cusum_pack(&pair->cusum, out);
    rhythm_pack(&pair->rhythm, hour, day, out);
    put_unsigned(out, pair->today_surplus);
    cusum_pack(&pair->surplus, out);
}

uint32_t pair_packed_bytes(const struct pair *pair, int64_t hour, int64_t day)
{
    struct buffer out = {0};
    buffer_reserve(&out, PAIR_USUAL);
    put_pair(&out, pair, hour, day);
    uint32_t size = (uint32_t)out.size;
    buffer_fini(&out);
    return size;
}

static int by_destination(const void *a, const void *b)
{
    const struct pair *x = *(struct pair *const *)a, *y = *(struct pair *const *)b;
    if (x->destination.role != y->destination.role)
        return x->destination.role < y->destination.role ? -1 : 1;
    if (x->destination.kind != y->destination.kind)
        return x->destination.kind < y->destination.kind ? -1 : 1;
    return strcmp(x->destination.name, y->destination.name);
}

static void put_past(struct buffer *out, const struct profile *profile)
{
    for (int i = 0; i < HOUR_CLASSES; i++) {
        put_unsigned(out, profile->hours_seen[i]);
        put_unsigned(out, profile->hours_active[i]);
    }
    for (int other = 0; other < 2; other++) {
        put_unsigned(out, profile->days_seen[other]);
        put_unsigned(out, profile->days_active[other]);
    }
    put_unsigned(out, profile->today_bytes);
    put_unsigned(out, profile->new_networks);
    put_unsigned(out, profile->pairs_evicted);
    location_pack(&profile->hour_location, out);
    location_pack(&profile->day_location, out);
    histogram_pack(&profile->hour, out);
    histogram_pack(&profile->day, out);
    histogram_pack(&profile->new_network, out);
    histogram_pack(&profile->new_network_days, out);
}

/* What came with schema 2. */
static void put_more(struct buffer *out, const struct profile *profile)
{
    size_t group_size = strlen(profile->group);
    buffer_u8(out,
              (uint8_t)((profile->frozen ? FROZEN : 0) | (profile->frozen_sums ? FROZEN_SUMS : 0) |
                        (unsigned)profile->new_told[YOUNG_FIRST_WEEK] << NEW_WEEKS_SHIFT |
                        (unsigned)profile->new_told[YOUNG_SPAN] << NEW_SPANS_SHIFT));
    buffer_u8(out, (uint8_t)group_size);
    buffer_put(out, profile->group, group_size);
    put_unsigned(out, profile->weeks_thinned);
    histogram_pack(&profile->new_network_hour, out);
    histogram_pack(&profile->new_network_span, out);
    clips_pack(&profile->clips, profile->today, out);
    cusum_pack(&profile->cusum, out);
    ratio_pack(&profile->ratio, out);
    novelty_pack(&profile->novelty, out);
    put_unsigned(out, profile->rhythms_dropped);
}

static void put_mark(struct buffer *out, const struct evidence_mark *mark)
{
    put_f32(out, mark->l);
    put_unsigned(out, mark->bytes);
    put_unsigned(out, mark->pair);
}

/* Up to the one that says that there are no more. */
static void put_lately(struct buffer *out, const struct told_lately *lately, int64_t today)
{
    for (int i = 0; i < LATELY_PLACES; i++) {
        const struct last_told *told = &lately->at[i];
        if (!(told->e > 0))
            continue;
        put_f32(out, (double)told->e);
        put_signed(out, today - told->day);
        put_unsigned(out, told->place);
    }
    put_f32(out, 0);
}

/* What came with schema 3: at the end, so that all before it is as schema 2 has it. */
static void put_evidence(struct buffer *out, const struct profile *profile)
{
    const struct day_evidence *evidence = &profile->evidence;
    put_unsigned(out, evidence->known);
    for (int kind = 0; kind < EVIDENCES; kind++) {
        if (!(evidence->known >> kind & 1u))
            continue;
        put_mark(out, &evidence->mark[kind]);
    }
    buffer_u8(out, profile->day_off);
    for (int side = 0; side < EVIDENCE_SIDES; side++)
        put_lately(out, &profile->told[side], profile->today);
    for (int which = 0; which < CALIBRATIONS; which++) {
        const struct counted_at *counted = &profile->counted_at[which];
        bool lately = counted->bin > 0 && profile->today - counted->day <= CALIBRATION_RUN;
        buffer_u8(out, lately ? counted->bin : 0);
        if (lately)
            put_signed(out, profile->today - counted->day);
    }
}

static void put_host(struct buffer *out, const struct profile *profile)
{
    int64_t hour = profile->last_closed_hour;
    buffer_put(out, profile->host.byte, sizeof profile->host.byte);
    put_signed(out, hour);
    put_signed(out, hour - profile->first_hour);
    put_signed(out, profile->today);
    put_signed(out, profile->first_day);
    put_signed(out, profile->counted_day);
    put_past(out, profile);
    put_more(out, profile);
}

uint32_t profile_packed_bytes(const struct profile *profile)
{
    struct buffer out = {0};
    buffer_reserve(&out, HOST_USUAL);
    put_host(&out, profile);
    put_evidence(&out, profile);
    staged_pack(&profile->staged, &out);
    networks_pack(&profile->networks, profile->today, &out);
    uint32_t size = (uint32_t)out.size + HEADER_BYTES + COUNT_BYTES;
    buffer_fini(&out);
    return size;
}

/* As they were read, pairs are in order already. */
static void sort_pairs(struct pair **pair, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (by_destination(&pair[i - 1], &pair[i]) > 0) {
            qsort(pair, count, sizeof *pair, by_destination);
            return;
        }
}

static void put_body(struct buffer *out, const struct profile *profile)
{
    struct pair *sorted[PROFILE_PAIRS];
    put_host(out, profile);
    put_unsigned(out, profile->pair_count);
    memcpy(sorted, profile->pair, sizeof sorted);
    sort_pairs(sorted, profile->pair_count);
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        size_t before = out->size;
        put_pair(out, sorted[i], profile->last_closed_hour, profile->today);
        sorted[i]->packed_bytes = (uint32_t)(out->size - before);
    }
    put_evidence(out, profile);
    staged_pack(&profile->staged, out);                     /* came with schema 4 */
    networks_pack(&profile->networks, profile->today, out); /* and with schema 5 */
}

void profile_pack(const struct profile *profile, struct buffer *out)
{
    size_t begins = out->size;
    buffer_reserve(out, PROFILE_PACKED_BYTES); /* nearly always enough: it never grows */
    buffer_put(out, "WP", 2);
    buffer_le16(out, PROFILE_SCHEMA);
    buffer_le64(out, 0); /* the hash, when it is known */
    put_body(out, profile);
    uint8_t *body = out->data + begins + HEADER_BYTES;
    uint64_t hash = htole64(hash64(body, out->size - begins - HEADER_BYTES, SEED));
    memcpy(body - sizeof hash, &hash, sizeof hash);
}

/* --- reading
 * ---------------------------------------------------------------------------------------- */

static int64_t take_time(struct cursor *in)
{
    int64_t value = take_signed(in);
    if (value > -TIME_LIMIT && value < TIME_LIMIT)
        return value;
    in->failed = true;
    in->at = in->end;
    return 0;
}

/* A time given as a difference. */
static int64_t take_since(struct cursor *in, int64_t from)
{
    return from - take_time(in);
}

static uint32_t take_u32(struct cursor *in)
{
    return (uint32_t)take_at_most(in, UINT32_MAX);
}

static bool take_destination(struct cursor *in, struct pair *pair, unsigned schema)
{
    struct destination *destination = &pair->destination;
    uint8_t kinds = cursor_u8(in), size = cursor_u8(in);
    const uint8_t *name = cursor_take(in, size);
    unsigned kind = kinds & 15u, spans = kinds >> SPANS_SHIFT & 3u;
    if (!name || size == 0 || memchr(name, '\0', size) || kind >= DESTINATION_KINDS ||
        (schema == 1 && spans > 0))
        return false;
    pair->told = kinds & TOLD;
    pair->spans_told = (uint8_t)spans;
    destination->role = kinds >> ROLE_SHIFT & 1 ? ROLE_SERVED : ROLE_CLIENT;
    destination->kind = (enum destination_kind)kind;
    memcpy(destination->name, name, size);
    return true;
}

static bool take_pair_past(struct cursor *in, struct pair *pair, int64_t hour, int64_t day)
{
    pair->first_hour = take_since(in, hour);
    pair->last_hour = take_since(in, hour);
    pair->first_day = take_since(in, day);
    pair->contacts = take_u32(in);
    pair->weight = take_f32(in);
    pair->weight_day = take_since(in, day);
    pair->today = take_since(in, day);
    pair->today_bytes = take_unsigned(in);
    pair->first_week_bytes = take_unsigned(in);
    pair->hour_location = location_unpack(in);
    pair->day_location = location_unpack(in);
    return !in->failed && histogram_unpack(&pair->hour, in) && histogram_unpack(&pair->day, in);
}

/* Spans that were over are not told any more; one that was under way begins with the first week, or
 * with what comes. */
static void begin_spans(struct pair *pair, const struct profile *profile)
{
    int64_t spans = (profile->last_closed_hour + 1 - pair->first_hour) / PAIR_YOUNG_HOURS;
    bool warm_up = pair->first_day - profile->first_day < PROFILE_WARMUP_DAYS;
    pair->spans_told = (uint8_t)(warm_up || spans > PAIR_SPANS ? PAIR_SPANS
                                 : spans < 0                   ? 0
                                                               : spans);
    pair->span_bytes = pair->spans_told == 0 ? pair->first_week_bytes : 0;
}

static bool take_pair(struct cursor *in, struct pair *pair, const struct profile *profile,
                      unsigned schema)
{
    if (!take_destination(in, pair, schema) ||
        !take_pair_past(in, pair, profile->last_closed_hour, profile->today))
        return false;
    if (schema == 1) {
        begin_spans(pair, profile);
    } else {
        pair->span_bytes = take_unsigned(in);
        if (!clips_unpack(&pair->clips, PAIR_CLIPS, profile->today, in) ||
            !cusum_unpack(&pair->cusum, in) ||
            !rhythm_unpack(&pair->rhythm, profile->last_closed_hour, profile->today, in))
            return false;
    }
    if (schema > 5) {
        pair->today_surplus = take_unsigned(in);
        if (!cusum_unpack(&pair->surplus, in))
            return false;
    }
    return !in->failed;
}

static void begin_network(struct profile *profile, const struct pair *pair)
{
    uint32_t name = evidence_name(&pair->destination);
    uint64_t usual = (uint64_t)exp2(fmin(pair->hour_location.mean, 63));
    for (uint32_t i = 0; i == 0 || (i < pair->contacts && i < PAIR_KNOWN_CONTACTS); i++) {
        bool last = i > 0 && pair->today <= profile->today && pair->today > pair->first_day;
        networks_meet(&profile->networks, name, usual, last ? pair->today : pair->first_day);
    }
}

static bool take_pairs(struct cursor *in, struct profile *profile, unsigned schema)
{
    uint32_t count = (uint32_t)take_at_most(in, PROFILE_PAIRS);
    for (uint32_t i = 0; i < count; i++) {
        struct pair *pair = xcalloc(1, sizeof *pair);
        bool taken = take_pair(in, pair, profile, schema);
        profile_put_pair(profile, pair); /* which frees it, whatever it is */
        if (!taken)
            return false;
        if (i > 0 && by_destination(&profile->pair[i - 1], &profile->pair[i]) >= 0)
            return false;
    }
    return true;
}

static bool take_past(struct cursor *in, struct profile *profile)
{
    for (int i = 0; i < HOUR_CLASSES; i++) {
        profile->hours_seen[i] = take_u32(in);
        profile->hours_active[i] = take_u32(in);
    }
    for (int other = 0; other < 2; other++) {
        profile->days_seen[other] = take_u32(in);
        profile->days_active[other] = take_u32(in);
    }
    profile->today_bytes = take_unsigned(in);
    profile->new_networks = take_u32(in);
    profile->pairs_evicted = take_u32(in);
    profile->hour_location = location_unpack(in);
    profile->day_location = location_unpack(in);
    return !in->failed && histogram_unpack(&profile->hour, in) &&
           histogram_unpack(&profile->day, in) && histogram_unpack(&profile->new_network, in) &&
           histogram_unpack(&profile->new_network_days, in);
}

static bool take_dropped(struct cursor *in, struct profile *profile)
{
    profile->rhythms_dropped = take_u32(in);
    return !in->failed;
}

static bool take_more(struct cursor *in, struct profile *profile)
{
    uint8_t flags = cursor_u8(in);
    size_t group_size = cursor_u8(in);
    const uint8_t *group = cursor_take(in, group_size);
    profile->new_told[YOUNG_FIRST_WEEK] = flags >> NEW_WEEKS_SHIFT & 7;
    profile->new_told[YOUNG_SPAN] = flags >> NEW_SPANS_SHIFT & 7;
    if (!group || group_size >= GROUP_NAME_SIZE || memchr(group, '\0', group_size) ||
        profile->new_told[YOUNG_FIRST_WEEK] > PROFILE_NEW_TOLD ||
        profile->new_told[YOUNG_SPAN] > PROFILE_NEW_TOLD)
        return false;
    memcpy(profile->group, group, group_size);
    profile->frozen = flags & FROZEN;
    profile->frozen_sums = flags & FROZEN_SUMS;
    profile->weeks_thinned = take_u32(in);
    return !in->failed && histogram_unpack(&profile->new_network_hour, in) &&
           histogram_unpack(&profile->new_network_span, in) &&
           clips_unpack(&profile->clips, PROFILE_CLIPS, profile->today, in) &&
           cusum_unpack(&profile->cusum, in) && ratio_unpack(&profile->ratio, in) &&
           novelty_unpack(&profile->novelty, in) && take_dropped(in, profile);
}

/* Schemas before 8 had one, and not where it led. */
static bool take_lately(struct cursor *in, struct told_lately *lately, int64_t today,
                        unsigned schema)
{
    double e = take_f32(in);
    if (schema < 8) {
        int64_t day = take_since(in, today);
        if (e > 0)
            lately_tell(lately, day, e, 0);
        return true;
    }
    for (int count = 0; e > 0 && !in->failed; count++) {
        if (count == LATELY_PLACES)
            return false;
        int64_t day = take_since(in, today);
        lately->at[count] = (struct last_told){(int32_t)day, (float)e, take_u32(in)};
        e = take_f32(in);
    }
    return !in->failed;
}

static bool take_told(struct cursor *in, struct profile *profile, unsigned schema)
{
    uint8_t day_off = cursor_u8(in);
    bool good = true;
    profile->day_off = day_off;
    for (int side = 0; side < EVIDENCE_SIDES; side++)
        good = good && take_lately(in, &profile->told[side], profile->today, schema);
    return good && !in->failed && day_off <= 1;
}

static bool take_counted(struct cursor *in, struct profile *profile, unsigned schema)
{
    for (unsigned i = 0; i < calibrations_of_schema(schema); i++) {
        struct counted_at *counted = &profile->counted_at[calibration_of_schema(schema, i)];
        counted->bin = cursor_u8(in);
        if (counted->bin > 0)
            counted->day = take_since(in, profile->today);
        if (counted->bin >= CALIBRATION_BINS || (counted->bin > 0 && counted->day > profile->today))
            return false;
    }
    return !in->failed;
}

static struct evidence_mark take_mark(struct cursor *in)
{
    struct evidence_mark mark;
    mark.l = take_f32(in);
    mark.bytes = take_unsigned(in);
    mark.pair = take_u32(in);
    return mark;
}

static bool is_of_host(enum evidence_kind kind)
{
    switch (kind) {
    case EVIDENCE_HOST_HOUR:
    case EVIDENCE_HOST_DAY:
    case EVIDENCE_HOST_GROWTH:
    case EVIDENCE_ABSOLUTE_HOUR:
    case EVIDENCE_ABSOLUTE_DAY:
    case EVIDENCE_RATIO:
    case EVIDENCE_STAGING:
        return true;
    default:
        return false;
    }
}

/* What is told of a destination names it. */
static bool names_its_pair(const struct evidence_mark *mark, enum evidence_kind kind)
{
    return !(mark->l > 0) || mark->pair != 0 || is_of_host(kind);
}

static bool names_its_pairs(const struct day_evidence *evidence)
{
    bool names = true;
    for (int kind = 0; kind < EVIDENCES; kind++)
        names = names && names_its_pair(&evidence->mark[kind], (enum evidence_kind)kind);
    return names;
}

/* Schemas 4 to 6 had the last closed hour's ratio, and 6 its uploads, due in the next one in which
 * the host sends: they are of their own day. */
static void take_due(struct cursor *in, struct day_evidence *evidence, unsigned schema)
{
    struct day_evidence due = {0};
    if (schema > 3 && schema < 7) {
        due.mark[EVIDENCE_RATIO].l = take_f32(in);
        due.mark[EVIDENCE_RATIO].bytes = cursor_u8(in);
    }
    for (int kind = EVIDENCE_UPLOAD; schema == 6 && kind < EVIDENCE_UPLOAD_ALONE; kind++)
        due.mark[kind] = take_mark(in);
    for (int kind = 0; kind < EVIDENCES; kind++)
        due.known |= (uint32_t)(due.mark[kind].l > 0) << kind;
    evidence_join(evidence, &due);
}

/* What it was counted at while it was another quantity, and a mark of the day under way. What all
 * fused to is counted anew by the fleet alone: a host's last count of it is forgotten in a week. */
static void drop_of_before(struct profile *profile, unsigned schema)
{
    struct day_evidence *evidence = &profile->evidence;
    for (unsigned kind = 0; kind < EVIDENCES; kind++)
        if (calibration_is_of_before(schema, kind)) {
            profile->counted_at[kind] = (struct counted_at){0};
            evidence->mark[kind] = (struct evidence_mark){0};
            evidence->known &= ~(1u << kind);
        }
}

static bool take_evidence(struct cursor *in, struct profile *profile, unsigned schema)
{
    struct day_evidence *evidence = &profile->evidence;
    unsigned kinds = evidence_kinds_of_schema(schema);
    uint32_t known = (uint32_t)take_at_most(in, (UINT64_C(1) << kinds) - 1);
    for (unsigned i = 0; i < kinds; i++) {
        if (!(known >> i & 1u))
            continue;
        enum evidence_kind kind = evidence_kind_of_schema(schema, i);
        evidence->known |= 1u << kind;
        evidence->mark[kind] = take_mark(in);
    }
    take_due(in, evidence, schema);
    if (evidence->mark[EVIDENCE_RATIO].bytes >= RATIO_BINS || !names_its_pairs(evidence))
        return false;
    if (in->failed || !take_told(in, profile, schema) ||
        (schema > 3 && !take_counted(in, profile, schema)))
        return false;
    drop_of_before(profile, schema);
    return true;
}

static bool take_body(struct cursor *in, struct profile *profile, unsigned schema)
{
    const uint8_t *host = cursor_take(in, sizeof profile->host.byte);
    if (!host)
        return false;
    memcpy(profile->host.byte, host, sizeof profile->host.byte);
    profile->last_closed_hour = take_time(in);
    profile->first_hour = take_since(in, profile->last_closed_hour);
    profile->today = take_time(in);
    profile->first_day = take_time(in);
    profile->counted_day = take_time(in);
    if (!take_past(in, profile) || (schema > 1 && !take_more(in, profile)) ||
        !take_pairs(in, profile, schema) || (schema > 2 && !take_evidence(in, profile, schema)) ||
        (schema > 3 && !staged_unpack(&profile->staged, in)) ||
        (schema > 4 && !networks_unpack(&profile->networks, profile->today, in)))
        return false;
    for (uint32_t i = 0; schema < 5 && i < profile->pair_count; i++)
        if (profile->pair[i]->destination.role == ROLE_SERVED)
            begin_network(profile, profile->pair[i]);
    return !in->failed && cursor_left(in) == 0;
}

struct profile *profile_unpack(const void *data, size_t size, struct error *error)
{
    struct cursor in = cursor_make(data, size);
    const uint8_t *magic = cursor_take(&in, 2);
    unsigned schema = cursor_le16(&in);
    uint64_t hash = cursor_le64(&in);
    if (in.failed || memcmp(magic, "WP", 2) != 0) {
        error_set(error, ERROR_INPUT, "not a host profile (%zu bytes)", size);
        return NULL;
    }
    if (schema < 1 || schema > PROFILE_SCHEMA) {
        error_set(error, ERROR_INPUT, "host profile of schema %u, this sensor reads schema %d",
                  schema, PROFILE_SCHEMA);
        return NULL;
    }
    if (hash64(in.at, cursor_left(&in), SEED) != hash) {
        error_set(error, ERROR_INPUT, "host profile is damaged (%zu bytes, checksum differs)",
                  size);
        return NULL;
    }
    struct profile *profile = xcalloc(1, sizeof *profile);
    if (!take_body(&in, profile, schema)) {
        error_set(error, ERROR_INPUT, "host profile is not well-formed (%zu bytes)", size);
        profile_free(profile);
        return NULL;
    }
    return profile;
}

struct profile *profile_unpack_of(const struct ip *host, const void *data, size_t size,
                                  struct error *error)
{
    struct profile *profile = profile_unpack(data, size, error);
    char text[IP_TEXT_SIZE], expected[IP_TEXT_SIZE];
    if (!profile || ip_compare(&profile->host, host) == 0)
        return profile;
    error_set(error, ERROR_INPUT, "host profile of %s is that of %s", ip_text(host, expected),
              ip_text(&profile->host, text));
    profile_free(profile);
    return NULL;
}
