/* A host's components of evidence: every kind is a row of what it asks, so that the engine while an
 * hour is open, the learning at its end and the reasons of an alert ask the same. Thread: any
 * (pure). */
#include "evidence_local.h"
#include "profile_local.h"
#include "weir/base/digest.h"

#include <math.h>
#include <string.h>

#define NAME_SEED   UINT64_C(0x65766964656e6365)
#define YOUNG_HOURS (INT64_C(1) * PAIR_YOUNG_HOURS * PAIR_SPANS)

/* --- amounts ---------------------------------------------------------------------------------- */

struct amounts amounts_of_pair(const struct pair *pair, const struct civil *civil, uint64_t hour,
                               uint64_t day_open, uint64_t open)
{
    struct amounts amounts = {.hour = hour, .day = day_open, .week = open, .span = open};
    if (!pair)
        return amounts;
    int64_t age = civil->hour - pair->first_hour;
    if (pair->today == civil->day)
        amounts.day += pair->today_bytes;
    amounts.week = age < PAIR_YOUNG_HOURS ? open + pair->first_week_bytes : amounts.day;
    if (pair->spans_told >= PAIR_SPANS)
        amounts.span = amounts.day;
    else if (age < INT64_C(1) * PAIR_YOUNG_HOURS * (pair->spans_told + 1))
        amounts.span += pair->span_bytes; /* else they are over, and the next begin */
    return amounts;
}

/* Bins are below 256, so eight of them fit. */
uint64_t evidence_step(const struct amounts *amounts)
{
    return histogram_bin(amounts->hour) | histogram_bin(amounts->day) << 8 |
           histogram_bin(amounts->week) << 16 | (uint64_t)histogram_bin(amounts->span) << 24 |
           (uint64_t)histogram_bin(amounts->longest_s) << 32 |
           (uint64_t)histogram_bin(amounts->inside) << 40 |
           (uint64_t)(amounts->hosts < 255 ? amounts->hosts : 255) << 48 |
           (uint64_t)histogram_bin(amounts->upload.out_bytes - amounts->upload.in_bytes) << 56;
}

uint32_t evidence_name(const struct destination *destination)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = destination_put_key(destination, key);
    uint32_t name = (uint32_t)hash64(key, size, NAME_SEED);
    return name ? name : 1;
}

/* --- marks ------------------------------------------------------------------------------------ */

/* An order without equals: whatever the pairs are asked in, the same marks are kept. */
static bool is_larger(const struct evidence_mark *a, const struct evidence_mark *b)
{
    if (a->l < b->l || a->l > b->l)
        return a->l > b->l;
    return a->bytes != b->bytes ? a->bytes > b->bytes : a->pair > b->pair;
}

void evidence_mark_exact(struct day_evidence *into, enum evidence_kind kind, double l,
                         uint64_t amount, uint32_t pair)
{
    struct evidence_mark *mark = &into->mark[kind];
    into->known |= 1u << kind;
    const struct evidence_mark made = {(double)(float)l, amount, pair};
    if (l > 0 && is_larger(&made, mark))
        *mark = made;
}

void evidence_join(struct day_evidence *into, const struct day_evidence *from)
{
    into->known |= from->known;
    for (int kind = 0; kind < EVIDENCES; kind++)
        if (is_larger(&from->mark[kind], &into->mark[kind]))
            into->mark[kind] = from->mark[kind];
}

void evidence_without(struct day_evidence *evidence, uint32_t name)
{
    for (int kind = 0; kind < EVIDENCES; kind++)
        if (evidence->mark[kind].pair == name && !evidence_needs_no_bytes((enum evidence_kind)kind))
            evidence->mark[kind] = (struct evidence_mark){0};
}

/* Of something new; the last three also say what a known place is sent. */
static const enum evidence_kind kinds_of_new[] = {
    EVIDENCE_YOUNG_WEEK, EVIDENCE_YOUNG_HOUR,   EVIDENCE_PERSISTENCE, EVIDENCE_RARE,
    EVIDENCE_UPLOAD,     EVIDENCE_UPLOAD_AGAIN, EVIDENCE_UPLOAD_ALONE};
#define KINDS_OF_NEW (sizeof kinds_of_new / sizeof *kinds_of_new)
#define KINDS_ASKED  (KINDS_OF_NEW - 3) /* by ask_young */

static bool has_new(const struct day_evidence *evidence)
{
    uint32_t names = 0; /* none is 0 */
    for (size_t i = 0; i < KINDS_OF_NEW; i++)
        names |= evidence->mark[kinds_of_new[i]].pair;
    return names != 0;
}

static bool is_marked_new(const struct day_evidence *evidence, uint32_t name)
{
    for (size_t i = 0; i < KINDS_OF_NEW; i++)
        if (evidence->mark[kinds_of_new[i]].pair == name)
            return true;
    return false;
}

/* The first `kinds` of them; what is known stays known. */
static void without_new(struct day_evidence *evidence, uint32_t name, size_t kinds)
{
    for (size_t i = 0; i < kinds; i++)
        if (evidence->mark[kinds_of_new[i]].pair == name)
            evidence->mark[kinds_of_new[i]] = (struct evidence_mark){0};
}

/* A known place is no discovery, so what is sent there is none that everybody makes. */
static bool was_new(const struct profile *profile, const struct pair *pair)
{
    const struct civil closed = {.hour = profile->last_closed_hour};
    const struct asked asked = {NULL, profile, pair, &pair->destination, NULL, &closed, 0};
    return evidence_is_cold(profile, &closed) || evidence_is_young(&asked);
}

/* As of when this host met it: who joined a wave did not discover it later either. */
void evidence_drop_waves(struct day_evidence *evidence, const struct profile *profile,
                         const struct fleet *fleet)
{
    for (uint32_t i = 0; fleet && has_new(evidence) && i < profile->pair_count; i++) {
        const struct pair *pair = profile->pair[i];
        if (is_marked_new(evidence, profile->pair_name[i]) &&
            pair->destination.role == ROLE_CLIENT && was_new(profile, pair) &&
            fleet_is_wave(fleet, &pair->destination, 0, pair->first_day))
            without_new(evidence, profile->pair_name[i], KINDS_OF_NEW);
    }
}

/* --- one kind --------------------------------------------------------------------------------- */

static double growth(const struct cusum *cusum, uint64_t bytes, double trend)
{
    return cusum_with(cusum, log2((double)bytes + 1) - trend);
}

/* A day busier than usual for everybody is nobody's growth; one that has only begun is no fall. */
static double rise_of(const struct profile *profile, const struct fleet *fleet, int64_t day)
{
    return fleet ? fmax(0, fleet_day_trend(fleet, profile->group, day)) : 0;
}

static bool in_first_week(const struct pair *pair, int64_t hour)
{
    return !pair || hour - pair->first_hour < PAIR_YOUNG_HOURS;
}

static struct estimate young_week(const struct profile *profile, const struct pair *pair,
                                  const struct destination *destination, const struct fleet *fleet,
                                  const struct civil *civil, uint64_t bytes)
{
    bool later = pair && pair->settled;
    later |=
        pair && !in_first_week(pair, civil->hour) && !profile_is_new(profile, pair, civil->hour);
    uint64_t spans = fleet ? histogram_samples_at_least(&fleet_young(fleet)->exposure, 1) : 0;
    return (later && spans >= EXPOSED_DAYS ? survival_young_span : survival_young)(
        profile, destination, fleet, civil, bytes);
}

static struct estimate network_week(const struct profile *profile, const struct pair *pair,
                                    const struct fleet *fleet, const struct civil *civil,
                                    uint64_t bytes)
{
    bool later = pair && !profile_is_new(profile, pair, civil->hour);
    bool spans = histogram_samples_at_least(&profile->new_network_days, 1) >= EXPOSED_DAYS;
    return (later && spans ? survival_new_network_span : survival_new_network)(profile, fleet,
                                                                               civil, bytes);
}

/* j others sent at least so much each, and this host too: the j that says most. */
static double shared_l(const struct shared *shared, uint64_t bytes)
{
    double l = 0;
    for (uint32_t j = 0; j < shared->others; j++) {
        uint64_t least = bytes < shared->bytes[j] ? bytes : shared->bytes[j];
        l = fmax(l, (j + 1) * log1p((double)least / (double)FLEET_SHARED_BYTES));
    }
    return l;
}

static struct estimate rare(const struct profile *profile, const struct destination *destination,
                            const struct fleet *fleet, const struct civil *civil, uint64_t bytes)
{
    struct shared shared = fleet_shared(fleet, &profile->host, destination, civil->day);
    return (struct estimate){
        .p = exp(-shared_l(&shared, bytes)), .samples = shared.others, .largest = shared.bytes[0]};
}

static struct estimate estimate_new(const struct asked *asked, enum evidence_kind kind,
                                    uint64_t bytes)
{
    const struct profile *profile = asked->profile;
    double days;
    switch (kind) {
    case EVIDENCE_YOUNG_WEEK:
        return young_week(profile, asked->pair, asked->destination, asked->fleet, asked->civil,
                          bytes);
    case EVIDENCE_YOUNG_HOUR:
        return survival_young_hour(profile, asked->destination, asked->fleet, asked->civil, bytes);
    case EVIDENCE_RARE:
        return rare(profile, asked->destination, asked->fleet, asked->civil, bytes);
    case EVIDENCE_NETWORK_WEEK:
        return network_week(profile, asked->pair, asked->fleet, asked->civil, bytes);
    case EVIDENCE_NETWORK_HOUR:
        return survival_new_network_hour(profile, asked->fleet, asked->civil, bytes);
    default: /* persistence: days before this one */
        if (!asked->pair)
            return (struct estimate){.p = 1};
        days = (double)histogram_samples_at_least(&asked->pair->day,
                                                  histogram_bin(EVIDENCE_FLOOR_BYTES));
        return (struct estimate){.p = exp2(-days), .samples = days};
    }
}

#define EDGE_OCTAVES   4.0
#define COLD_PEER_DAYS 500 /* that make a measure of absolute sizes, where there is no other */

/* p of a host's own past; without what is told beside it. */
static double p_of_host(const struct asked *asked, enum evidence_kind kind, uint64_t bytes)
{
    if (kind == EVIDENCE_HOST_GROWTH)
        return exp(-growth(&asked->profile->cusum, bytes,
                           rise_of(asked->profile, asked->fleet, asked->civil->day)));
    return survival_host_p(asked->profile, asked->fleet, asked->civil, kind == EVIDENCE_HOST_DAY,
                           bytes);
}

static double p_of_known(const struct asked *asked, enum evidence_kind kind, uint64_t bytes)
{
    if (!asked->pair) /* it was let go for room since */
        return 1;
    if (kind == EVIDENCE_PAIR_GROWTH || kind == EVIDENCE_SERVED_GROWTH)
        return exp(-growth(&asked->pair->cusum, bytes, 0));
    bool of_day = kind == EVIDENCE_PAIR_DAY || kind == EVIDENCE_SERVED_DAY;
    return survival_pair_p(asked->profile, asked->pair, asked->fleet, asked->civil, of_day, bytes);
}

static struct estimate estimate_host(const struct asked *asked, enum evidence_kind kind,
                                     uint64_t bytes)
{
    const struct profile *profile = asked->profile;
    struct estimate estimate;
    switch (kind) {
    case EVIDENCE_HOST_HOUR:
        return survival_host_hour(profile, asked->fleet, asked->civil, bytes);
    case EVIDENCE_ABSOLUTE_HOUR:
        return survival_absolute_hour(profile, asked->fleet, asked->civil, bytes);
    case EVIDENCE_ABSOLUTE_DAY:
        return survival_absolute_day(profile, asked->fleet, asked->civil, bytes);
    case EVIDENCE_STAGING: /* the half of it that came */
        return survival_staged(profile, asked->fleet, asked->civil, bytes);
    default:
        estimate = survival_host_day(profile, asked->fleet, asked->civil, bytes);
        estimate.p = p_of_host(asked, kind, bytes);
        return estimate;
    }
}

static struct estimate estimate_known(const struct asked *asked, enum evidence_kind kind,
                                      uint64_t bytes)
{
    if (!asked->pair) /* it was let go for room since */
        return (struct estimate){.p = 1};
    if (kind == EVIDENCE_PAIR_HOUR || kind == EVIDENCE_SERVED_HOUR)
        return survival_pair_hour(asked->profile, asked->pair, asked->fleet, asked->civil, bytes);
    struct estimate estimate =
        survival_pair_day(asked->profile, asked->pair, asked->fleet, asked->civil, bytes);
    estimate.p = p_of_known(asked, kind, bytes);
    return estimate;
}

static struct estimate estimate_of(const struct asked *asked, enum evidence_kind kind,
                                   uint64_t bytes)
{
    if (manner_is_one(kind))
        return manner_estimate(asked, kind, bytes);
    bytes = histogram_floor(histogram_bin(bytes));
    switch (kind) {
    case EVIDENCE_YOUNG_WEEK:
    case EVIDENCE_YOUNG_HOUR:
    case EVIDENCE_PERSISTENCE:
    case EVIDENCE_RARE:
    case EVIDENCE_NETWORK_WEEK:
    case EVIDENCE_NETWORK_HOUR:
        return estimate_new(asked, kind, bytes);
    case EVIDENCE_HOST_HOUR:
    case EVIDENCE_HOST_DAY:
    case EVIDENCE_HOST_GROWTH:
    case EVIDENCE_ABSOLUTE_HOUR:
    case EVIDENCE_ABSOLUTE_DAY:
    case EVIDENCE_STAGING:
        return estimate_host(asked, kind, bytes);
    case EVIDENCE_UPLOAD:
        return upload_estimate(asked, bytes);
    case EVIDENCE_UPLOAD_AGAIN:
        return upload_again_estimate(asked);
    case EVIDENCE_UPLOAD_GROWTH:
        return upload_growth_estimate(asked, bytes);
    case EVIDENCE_UPLOAD_ALONE:
        return upload_alone_estimate(asked, bytes);
    default:
        return estimate_known(asked, kind, bytes);
    }
}

/* Its p. */
static double p_of(const struct asked *asked, enum evidence_kind kind, uint64_t bytes)
{
    uint64_t counted = histogram_floor(histogram_bin(bytes));
    switch (kind) {
    case EVIDENCE_HOST_HOUR:
    case EVIDENCE_HOST_DAY:
    case EVIDENCE_HOST_GROWTH:
        return p_of_host(asked, kind, counted);
    case EVIDENCE_ABSOLUTE_HOUR:
    case EVIDENCE_ABSOLUTE_DAY:
        return survival_absolute_p(asked->profile, asked->fleet, asked->civil,
                                   kind == EVIDENCE_ABSOLUTE_DAY, counted);
    case EVIDENCE_PAIR_HOUR:
    case EVIDENCE_PAIR_DAY:
    case EVIDENCE_PAIR_GROWTH:
    case EVIDENCE_SERVED_HOUR:
    case EVIDENCE_SERVED_DAY:
    case EVIDENCE_SERVED_GROWTH:
        return p_of_known(asked, kind, counted);
    default:
        return estimate_of(asked, kind, bytes).p;
    }
}

/* A client network without a pair is known by what is remembered of all of them. */
static const struct pair *met_as(const struct profile *profile, const struct pair *pair,
                                 const struct destination *destination, const struct civil *civil,
                                 struct pair *stand_in)
{
    if (pair || !destination || !profile_stand_in(profile, destination, civil, stand_in))
        return pair;
    return stand_in;
}

struct estimate evidence_estimate(enum evidence_kind kind, const struct profile *profile,
                                  const struct pair *pair, const struct destination *destination,
                                  const struct fleet *fleet, const struct civil *civil,
                                  uint64_t bytes)
{
    struct pair stand_in;
    const struct asked asked = {
        NULL,  profile, met_as(profile, pair, destination, civil, &stand_in), destination, fleet,
        civil, 0};
    return estimate_of(&asked, kind, bytes);
}

/* --- what is asked of whom -------------------------------------------------------------------- */

/* An hour of 70 kB is active, one of 60 kB is not: so near the edge it says little that a host is
 * hardly ever active then. Full from 1 MiB on. */
double evidence_beyond_edge(uint64_t bytes)
{
    return fmin(1.0, log2((double)bytes / (double)PROFILE_ACTIVE_BYTES) / EDGE_OCTAVES);
}

static void ask(const struct asked *asked, enum evidence_kind kind, uint64_t bytes)
{
    asked->into->known |= 1u << kind;
    if (bytes < EVIDENCE_FLOOR_BYTES)
        return;
    double p = p_of(asked, kind, bytes);
    uint64_t counted = histogram_floor(histogram_bin(bytes));
    double part = kind == EVIDENCE_HOST_HOUR ? evidence_beyond_edge(counted) : 1;
    evidence_mark_exact(asked->into, kind, part * -log(p), counted, asked->name);
}

struct staged_days evidence_staged(const struct profile *profile, const struct civil *civil,
                                   const struct amounts *amounts, bool exactly)
{
    struct staged_days days = profile->staged.days;
    staged_days_move(&days, civil->day - profile->today);
    days.in[0] = exactly ? amounts->inside : histogram_floor(histogram_bin(amounts->inside));
    days.out[0] = exactly ? amounts->day : histogram_floor(histogram_bin(amounts->day));
    return days;
}

/* Both came to pass: what was staged, and what left today. */
static void ask_staging(const struct asked *asked, const struct amounts *amounts)
{
    const struct staged_days days = evidence_staged(asked->profile, asked->civil, amounts, false);
    size_t since;
    uint64_t bytes = staged_bytes(&days, &since);
    if (asked->profile->staged.learned < STAGED_KNOWN_DAYS)
        return;
    asked->into->known |= 1u << EVIDENCE_STAGING;
    if (bytes < STAGED_LEAST_BYTES || amounts->day < EVIDENCE_FLOOR_BYTES)
        return;
    double in = estimate_of(asked, EVIDENCE_STAGING, bytes).p;
    double out = p_of(asked, EVIDENCE_HOST_DAY, amounts->day);
    evidence_mark_exact(asked->into, EVIDENCE_STAGING, -log(fmax(in, out)),
                        histogram_floor(histogram_bin(bytes)), 0);
}

void evidence_add_host(struct day_evidence *into, const struct profile *profile,
                       const struct fleet *fleet, const struct civil *civil,
                       const struct amounts *amounts)
{
    const struct asked asked = {into, profile, NULL, NULL, fleet, civil, 0};
    bool cold = evidence_is_cold(profile, civil);
    if (cold && survival_peer_days(fleet) < COLD_PEER_DAYS)
        return;
    ask(&asked, EVIDENCE_ABSOLUTE_HOUR, amounts->hour);
    ask(&asked, EVIDENCE_ABSOLUTE_DAY, amounts->day);
    if (cold)
        return;
    ask(&asked, EVIDENCE_HOST_HOUR, amounts->hour);
    ask(&asked, EVIDENCE_HOST_DAY, amounts->day);
    if (profile->cusum.days >= CUSUM_WARMUP)
        ask(&asked, EVIDENCE_HOST_GROWTH, amounts->day);
    ask_staging(&asked, amounts);
    /* The host's pairs may all be quiet today: that is known, and nothing. */
    into->known |= 1u << EVIDENCE_PAIR_HOUR | 1u << EVIDENCE_PAIR_DAY | 1u << EVIDENCE_PAIR_GROWTH |
                   1u << EVIDENCE_UPLOAD | 1u << EVIDENCE_UPLOAD_GROWTH |
                   1u << EVIDENCE_UPLOAD_AGAIN |
                   (uint32_t)upload_has_usual(profile) << EVIDENCE_UPLOAD_ALONE;
    if (survival_exposure_days(fleet) >= EXPOSED_DAYS)
        into->known |= 1u << EVIDENCE_YOUNG_WEEK | 1u << EVIDENCE_YOUNG_HOUR |
                       1u << EVIDENCE_PERSISTENCE | 1u << EVIDENCE_RARE;
    manner_of_host(into, profile, fleet);
}

static void ask_known(const struct asked *asked, const struct amounts *amounts)
{
    bool client = asked->destination->role == ROLE_CLIENT;
    ask(asked, client ? EVIDENCE_PAIR_HOUR : EVIDENCE_SERVED_HOUR, amounts->hour);
    ask(asked, client ? EVIDENCE_PAIR_DAY : EVIDENCE_SERVED_DAY, amounts->day);
    if (asked->pair->cusum.days >= CUSUM_WARMUP)
        ask(asked, client ? EVIDENCE_PAIR_GROWTH : EVIDENCE_SERVED_GROWTH, amounts->day);
}

bool evidence_is_cold(const struct profile *profile, const struct civil *civil)
{
    return civil->hour - profile->first_hour < INT64_C(24) * PROFILE_WARMUP_DAYS;
}

/* Met after the warm-up and less than three weeks ago; or met rarely, however long ago. */
bool evidence_is_young(const struct asked *asked)
{
    const struct pair *pair = asked->pair;
    int64_t hour = asked->civil->hour;
    if (pair && pair->settled && pair->destination.role == ROLE_SERVED)
        return false;
    if (evidence_is_cold(asked->profile, asked->civil))
        return asked->destination->role == ROLE_CLIENT && asked->fleet &&
               pair_bucket(asked->fleet, pair, asked->destination) == PREVALENCE_ONE;
    return profile_is_new(asked->profile, pair, hour) ||
           (pair->first_day - asked->profile->first_day >= PROFILE_WARMUP_DAYS &&
            hour - pair->first_hour < YOUNG_HOURS);
}

/* An upload was asked about in an hour that is over, maybe by the pair's own past: what an open
 * hour is asked takes nothing from it (evidence_drop_waves does), or it would depend on when it is.
 */
static void ask_young(const struct asked *asked, const struct amounts *amounts)
{
    bool first = in_first_week(asked->pair, asked->civil->hour);
    if (survival_exposure_days(asked->fleet) < EXPOSED_DAYS ||
        pair_bucket(asked->fleet, asked->pair, asked->destination) == PREVALENCE_REST ||
        fleet_is_wave(asked->fleet, asked->destination, amounts->hosts,
                      asked->pair ? asked->pair->first_day : asked->civil->day)) {
        without_new(asked->into, asked->name, KINDS_ASKED);
        return;
    }
    if (asked->pair && asked->pair->settled) { /* by others that were there from the beginning */
        ask(asked, EVIDENCE_YOUNG_WEEK, amounts->span);
        return;
    }
    ask(asked, EVIDENCE_YOUNG_WEEK, first ? amounts->week : amounts->span);
    if (first) {
        ask(asked, EVIDENCE_YOUNG_HOUR, amounts->hour);
        ask(asked, EVIDENCE_RARE, amounts->week);
    }
    if (asked->pair)
        ask(asked, EVIDENCE_PERSISTENCE, amounts->day);
}

static void ask_network(const struct asked *asked, const struct amounts *amounts)
{
    bool first = in_first_week(asked->pair, asked->civil->hour);
    ask(asked, EVIDENCE_NETWORK_WEEK, first ? amounts->week : amounts->span);
    if (first)
        ask(asked, EVIDENCE_NETWORK_HOUR, amounts->hour);
}

void evidence_add_pair(struct day_evidence *into, const struct profile *profile,
                       const struct pair *pair, const struct destination *destination,
                       const struct fleet *fleet, const struct civil *civil,
                       const struct amounts *amounts)
{
    struct pair stand_in;
    pair = met_as(profile, pair, destination, civil, &stand_in);
    const struct asked asked = {into,
                                profile,
                                pair,
                                destination,
                                fleet,
                                civil,
                                pair && pair->name ? pair->name : evidence_name(destination)};
    bool cold = evidence_is_cold(profile, civil);
    if (destination->role == ROLE_SERVED && !cold)
        into->known |= 1u << EVIDENCE_NETWORK_WEEK | 1u << EVIDENCE_NETWORK_HOUR |
                       1u << EVIDENCE_SERVED_GROWTH | 1u << EVIDENCE_SERVED_HOUR |
                       1u << EVIDENCE_SERVED_DAY;
    if (!cold && pair && survival_pair_known(pair, civil->hour))
        ask_known(&asked, amounts);
    if (evidence_is_young(&asked))
        (destination->role == ROLE_CLIENT ? ask_young : ask_network)(&asked, amounts);
    if (!cold)
        manner_of_pair(&asked, amounts);
    if (amounts->upload.out_bytes > 0)
        upload_of_open_hour(&asked, amounts);
}

void evidence_add_quiet(struct day_evidence *into, const struct profile *profile,
                        const struct fleet *fleet, const struct civil *civil, uint32_t except)
{
    if (survival_exposure_days(fleet) < EXPOSED_DAYS)
        return;
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        const struct pair *pair = profile->pair[i];
        const struct destination *destination = &pair->destination;
        const struct asked asked = {
            into, profile, pair, destination, fleet, civil, profile->pair_name[i]};
        if (destination->role != ROLE_CLIENT || pair->today != civil->day || asked.name == except ||
            !in_first_week(pair, civil->hour) || !evidence_is_young(&asked))
            continue;
        ask(&asked, EVIDENCE_RARE, pair->first_week_bytes);
    }
}
