/* Measured rarity of a host-day's evidence, and fusion. One table is 96 counts and four numbers
 * fitted to them whenever they change, so that asking is a look-up and an exponential. Thread: any
 * (pure). */
#include "weir/baseline/calibration.h"

#include <math.h>

#define BINS_AN_E   20.0 /* a twentieth apart in ln(1 + L) */
#define TAIL_SHARE  0.97
#define TAIL_WEIGHT 20.0 /* host-days that σ0 stands for; of what is fused: */
#define SIGMA       1.0  /* of −ln p, if p is what it says */
#define SIGMA_FUSED 2.0
/* Of what is served there are five kinds, and none that say the same of one event once more. */
#define SIGMA_SERVED 1.7
/* What is asked for is one host-day in a thousand, of which a hundred hosts see one or two in the
 * weeks that are remembered. How high a fleet's tail begins is its own, how fast it falls is not.
 */
#define FUSED_WEIGHT 100.0
#define FUSED_SHAPE  0.1 /* how much slower than an exponential it falls: generalized Pareto's ξ */
#define PSEUDO       10.0  /* host-days that belief stands for */
#define PSEUDO_FLEET 300.0 /* and the fleet's word in a group */
#define GUARD        1e-4
#define LEAST        1e-12
#define POWER        2.5 /* between √Σ², which drowns one loud component, and the loudest alone */
#define BEYOND       10.0 /* −ln S that no table has seen */
#define BEYOND_SHARE 0.25

/* E of components that say much the same of one event (a side's volumes) is about scale times L: of
 * what is sent that is (Σ of their weights)^(1/2.5), which other kinds that are added make less. */
static const struct {
    double scale, looks;
} fused_belief[EVIDENCE_SIDES] = {{1.82, 1.7}, {1.5, 1.95}};

/* Weights as measured to work together (detection.md); looks a day, for the belief before anything
 * is measured. */
static const struct {
    double weight, looks;
} kinds[EVIDENCES] = {
    [EVIDENCE_YOUNG_WEEK] = {1.5, 1},
    [EVIDENCE_YOUNG_HOUR] = {1.2, 24},
    [EVIDENCE_PERSISTENCE] = {1, 4},
    [EVIDENCE_PAIR_GROWTH] = {1, 10},
    [EVIDENCE_HOST_HOUR] = {.5, 24},
    [EVIDENCE_ABSOLUTE_DAY] = {.5, 1},
    [EVIDENCE_PAIR_HOUR] = {.8, 100},
    [EVIDENCE_HOST_DAY] = {.5, 1},
    [EVIDENCE_ABSOLUTE_HOUR] = {.3, 24},
    [EVIDENCE_HOST_GROWTH] = {.3, 1},
    [EVIDENCE_PAIR_DAY] = {.6, 10},
    [EVIDENCE_BEACON] = {2.5, 1},
    [EVIDENCE_LONG] = {1, 1},
    [EVIDENCE_RATIO] = {.5, 24},
    [EVIDENCE_RARE] = {1, 1},
    [EVIDENCE_STAGING] = {1, 1},
    [EVIDENCE_UPLOAD] = {1.5, 10},
    [EVIDENCE_UPLOAD_AGAIN] = {2, 10},
    [EVIDENCE_UPLOAD_GROWTH] = {1.5, 10},
    [EVIDENCE_UPLOAD_ALONE] = {0, 10},
    [EVIDENCE_NETWORK_WEEK] = {1.5, 1},
    [EVIDENCE_NETWORK_HOUR] = {2, 24},
    [EVIDENCE_SERVED_GROWTH] = {1, 10},
    [EVIDENCE_SERVED_HOUR] = {.5, 100},
    [EVIDENCE_SERVED_DAY] = {.5, 10},
};

enum evidence_side evidence_side(enum evidence_kind kind)
{
    return kind < EVIDENCE_NETWORK_WEEK || kind >= EVIDENCE_UPLOAD ? EVIDENCE_SENT
                                                                   : EVIDENCE_SERVED;
}

struct weights { /* of a side */
    double sum, count, of_newcomers;
};

static bool needs_past(enum evidence_kind kind)
{
    switch (kind) {
    case EVIDENCE_YOUNG_WEEK:
    case EVIDENCE_YOUNG_HOUR:
    case EVIDENCE_PERSISTENCE:
    case EVIDENCE_RARE:
    case EVIDENCE_ABSOLUTE_DAY:
    case EVIDENCE_ABSOLUTE_HOUR:
    case EVIDENCE_UPLOAD:
    case EVIDENCE_UPLOAD_AGAIN:
    case EVIDENCE_UPLOAD_ALONE:
        return false;
    default:
        return true;
    }
}

static struct weights weights_of(enum evidence_side side)
{
    struct weights weights = {0, 0, 0};
    for (int kind = 0; kind < EVIDENCES; kind++)
        if (evidence_side((enum evidence_kind)kind) == side) {
            weights.sum += kinds[kind].weight;
            weights.count += kinds[kind].weight > 0;
            weights.of_newcomers += needs_past((enum evidence_kind)kind) ? 0 : kinds[kind].weight;
        }
    return weights;
}

static double weight_among(enum evidence_kind kind, const struct weights *weights)
{
    return kinds[kind].weight * weights->count / weights->sum;
}

double evidence_weight(enum evidence_kind kind)
{
    struct weights weights = weights_of(evidence_side(kind));
    return weight_among(kind, &weights);
}

/* --- what is stored --------------------------------------------------------------------------- */

#define SCHEMA_OF_ALL     8 /* the first that has every kind, and an upload again as it is */
#define SCHEMA_OF_UPLOADS 6 /* … that has all of them but an upload alone */
#define SCHEMA_UNSHUFFLED 4 /* … and but uploads */

static const enum evidence_kind kinds_of_3[] = {
    EVIDENCE_YOUNG_WEEK,    EVIDENCE_YOUNG_HOUR,    EVIDENCE_PERSISTENCE, EVIDENCE_PAIR_GROWTH,
    EVIDENCE_HOST_HOUR,     EVIDENCE_ABSOLUTE_DAY,  EVIDENCE_PAIR_HOUR,   EVIDENCE_HOST_DAY,
    EVIDENCE_ABSOLUTE_HOUR, EVIDENCE_HOST_GROWTH,   EVIDENCE_PAIR_DAY,    EVIDENCE_NETWORK_WEEK,
    EVIDENCE_NETWORK_HOUR,  EVIDENCE_SERVED_GROWTH, EVIDENCE_SERVED_HOUR, EVIDENCE_SERVED_DAY,
};

unsigned evidence_kinds_of_schema(unsigned schema)
{
    if (schema >= SCHEMA_OF_ALL)
        return EVIDENCES;
    if (schema >= SCHEMA_UNSHUFFLED)
        return schema >= SCHEMA_OF_UPLOADS ? EVIDENCE_UPLOAD_ALONE : EVIDENCE_UPLOAD;
    return schema == 3 ? sizeof kinds_of_3 / sizeof *kinds_of_3 : 0;
}

enum evidence_kind evidence_kind_of_schema(unsigned schema, unsigned index)
{
    return schema >= SCHEMA_UNSHUFFLED ? (enum evidence_kind)index : kinds_of_3[index];
}

unsigned calibrations_of_schema(unsigned schema)
{
    return schema > 2 ? evidence_kinds_of_schema(schema) + EVIDENCE_SIDES : 0;
}

unsigned calibration_of_schema(unsigned schema, unsigned index)
{
    unsigned count = evidence_kinds_of_schema(schema);
    return index < count ? evidence_kind_of_schema(schema, index) : EVIDENCES + index - count;
}

bool calibration_is_of_before(unsigned schema, unsigned which)
{
    if (which >= EVIDENCES) /* what they fuse to */
        return schema < SCHEMA_OF_UPLOADS;
    return which == EVIDENCE_UPLOAD_AGAIN && schema < SCHEMA_OF_ALL;
}

/* --- one table -------------------------------------------------------------------------------- */

unsigned calibration_bin(double l)
{
    double bin = floor(BINS_AN_E * log1p(l));
    return !(bin > 0) ? 0 : bin >= CALIBRATION_BINS ? CALIBRATION_BINS - 1 : (unsigned)bin;
}

double calibration_edge(double bin)
{
    return expm1(bin / BINS_AN_E);
}

static double sigma_of(unsigned which)
{
    if (which < EVIDENCES)
        return SIGMA;
    return which - EVIDENCES == EVIDENCE_SERVED ? SIGMA_SERVED : SIGMA_FUSED;
}

static double weight_of(unsigned which)
{
    return which < EVIDENCES ? TAIL_WEIGHT : FUSED_WEIGHT;
}

static unsigned in_run(const struct counted_at *last, int64_t day)
{
    return last->bin > 0 && day - last->day < CALIBRATION_RUN ? last->bin : 0;
}

void calibration_count(struct calibration *c, const struct counted_at *last, int64_t day,
                       unsigned bin)
{
    unsigned before = in_run(last, day);
    c->count[0] += 1;
    if (bin <= before)
        return;
    c->count[before] -= 1;
    c->count[bin] += 1;
}

void calibration_remember(struct counted_at *last, int64_t day, unsigned bin)
{
    if (bin > in_run(last, day))
        *last = (struct counted_at){day, (uint8_t)bin};
}

/* From above, never falling: a count below 0 takes nothing from what was reached above it. */
static void sum_reached(struct calibration *c)
{
    double sum = 0, most = 0;
    for (unsigned k = CALIBRATION_BINS; k-- > 0;) {
        sum += c->count[k];
        most = fmax(most, sum);
        c->reached[k] = most;
    }
    c->total = sum > 0 ? c->reached[0] : 0;
}

void calibration_fit(struct calibration *c, unsigned which)
{
    double above, excess = 0, total;
    unsigned bin = 0;
    sum_reached(c);
    total = c->total;
    while (bin < CALIBRATION_BINS - 1 && c->reached[bin + 1] > (1 - TAIL_SHARE) * total)
        bin++;
    above = bin < CALIBRATION_BINS - 1 ? c->reached[bin + 1] : 0;
    for (unsigned k = bin + 1; k < CALIBRATION_BINS; k++) {
        double next = k < CALIBRATION_BINS - 1 ? c->reached[k + 1] : 0;
        excess +=
            (c->reached[k] - next) * (calibration_edge(k + 0.5) - calibration_edge(bin + 1.0));
    }
    c->from = bin;
    c->above = total > 0 ? fmin(1.0, fmax(above / total, 0.5 / (total + 1))) : 1;
    c->sigma = (excess + weight_of(which) * sigma_of(which)) / (above + weight_of(which));
}

/* Beyond the table, `sigma` being the mean of what is beyond. */
static double tail_of(unsigned which, double excess, double sigma)
{
    if (which < EVIDENCES)
        return exp(-excess / sigma);
    return pow(1 + FUSED_SHAPE * excess / (sigma * (1 - FUSED_SHAPE)), -1 / FUSED_SHAPE);
}

/* Of a table that was fitted. */
static double survival_of(const struct calibration *c, unsigned which, double l)
{
    unsigned bin = calibration_bin(l);
    if (c->total <= 0)
        return 0;
    if (bin > c->from)
        return c->above * tail_of(which, l - calibration_edge(c->from + 1.0), c->sigma);
    return fmin(1.0, fmax(c->above, c->reached[bin] / c->total));
}

static double belief_of(unsigned which, double l)
{
    if (which < EVIDENCES)
        return fmin(1.0, kinds[which].looks * exp(-l));
    unsigned side = which - EVIDENCES;
    return fmin(1.0, fused_belief[side].looks * exp(-l / fused_belief[side].scale));
}

double calibrated(const struct measures *measures, unsigned which, bool day_off, double l)
{
    if (l <= 0)
        return 1;
    double s = belief_of(which, l);
    if (measures->fleet) {
        const struct calibration *fleet = &measures->fleet->of[which][day_off];
        s = (fleet->total * survival_of(fleet, which, l) + PSEUDO * s) / (fleet->total + PSEUDO);
    }
    if (measures->group) {
        const struct calibration *group = &measures->group->of[which][day_off];
        s = (group->total * survival_of(group, which, l) + PSEUDO_FLEET * s) /
            (group->total + PSEUDO_FLEET);
    }
    return fmax(LEAST, fmin(1.0, s));
}

unsigned calibration_guarded(const struct measures *measures, unsigned which, bool day_off,
                             double l)
{
    unsigned bin = calibration_bin(l);
    while (bin > 0 && calibrated(measures, which, day_off, calibration_edge(bin)) < GUARD)
        bin--;
    return bin;
}

/* --- fusion ----------------------------------------------------------------------------------- */

static double heard(double l)
{
    return l <= BEYOND ? l : BEYOND + (l - BEYOND) * BEYOND_SHARE;
}

double evidence_alone(enum evidence_kind kind, double p)
{
    return pow(evidence_weight(kind), 1 / POWER) * heard(-log(p));
}

/* In a host's first week what only its own past could say is absent, and not quiet; nor is it known
 * to say as much as what there is: the root, which is half way between the two. */
static double for_absent(const struct day_evidence *evidence, const struct weights *weights)
{
    return evidence->known >> EVIDENCE_HOST_DAY & 1u ? 1
                                                     : sqrt(weights->sum / weights->of_newcomers);
}

struct fused evidence_fuse(const struct day_evidence *evidence, enum evidence_side side,
                           bool day_off, const struct measures *measures)
{
    struct fused fused = {.p = 1, .p_absolute = 1, .p_upload = 1};
    struct weights weights = weights_of(side);
    double sum = 0;
    for (int kind = 0; kind < EVIDENCES; kind++) {
        if (evidence_side((enum evidence_kind)kind) != side || !(evidence->known >> kind & 1u))
            continue;
        double s = calibrated(measures, (unsigned)kind, day_off, evidence->mark[kind].l);
        double weight = weight_among((enum evidence_kind)kind, &weights), l = -log(s);
        fused.single[kind] = s;
        fused.share[kind] = weight * pow(heard(l), POWER);
        sum += fused.share[kind];
    }
    for (int kind = 0; kind < EVIDENCES && sum > 0; kind++)
        fused.share[kind] /= sum;
    double more = side == EVIDENCE_SENT ? for_absent(evidence, &weights) : 1;
    fused.e = pow(more * sum, 1 / POWER);
    fused.p = calibrated(measures, EVIDENCES + (unsigned)side, day_off, fused.e);
    if (side == EVIDENCE_SENT && evidence->known >> EVIDENCE_ABSOLUTE_DAY & 1u)
        fused.p_absolute = fused.single[EVIDENCE_ABSOLUTE_DAY];
    if (side == EVIDENCE_SENT && evidence->known >> EVIDENCE_UPLOAD_ALONE & 1u)
        fused.p_upload = fused.single[EVIDENCE_UPLOAD_ALONE];
    return fused;
}

bool fused_fires(const struct fused *fused, const struct limits *limits)
{
    return fused->p <= limits->fused || fused->p_absolute <= limits->absolute ||
           fused->p_upload <= limits->upload;
}

struct limits limits_above(const struct limits *limits, double bar)
{
    return (struct limits){limits->fused / bar, limits->absolute / bar, limits->upload / bar};
}

uint32_t fused_place(const struct fused *fused, const struct day_evidence *evidence,
                     const struct limits *limits)
{
    double p, most = 0;
    uint32_t place = 0;
    enum evidence_kind by = fused_told_by(fused, limits, &p);
    if (by != EVIDENCES)
        return evidence->mark[by].pair;
    for (int kind = 0; kind < EVIDENCES; kind++) {
        double share = fused->share[kind];
        if (evidence->mark[kind].pair && share >= FUSED_PLACE_SHARE && share > most) {
            most = share;
            place = evidence->mark[kind].pair;
        }
    }
    return place;
}

enum evidence_kind fused_told_by(const struct fused *fused, const struct limits *limits, double *p)
{
    bool by_fusion = fused->p <= limits->fused, by_upload = fused->p_upload <= limits->upload;
    *p = by_fusion ? fused->p : by_upload ? fused->p_upload : fused->p_absolute;
    return by_fusion ? EVIDENCES : by_upload ? EVIDENCE_UPLOAD_ALONE : EVIDENCE_ABSOLUTE_DAY;
}
