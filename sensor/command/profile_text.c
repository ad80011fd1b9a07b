/* The screen of `weir baseline show`.
 *
 *   head           who, state, how much was seen
 *   a week         how likely it is that the host sends in each of its hours: own past and peers
 *   sizes          quantiles of what an active hour, and an active day, had
 *   destinations   by weight, both sides: what it uses, and what it serves
 *
 * Only what is remembered is drawn; a figure of bytes is the lower end of its bin, within 19 %.
 * Thread: any (pure). */
#include "profile_text.h"

#include "weir/base/buffer.h"
#include "weir/baseline/group.h"
#include "weir/baseline/survival.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_LIMIT   INT64_C(2500000) /* the year 2255: as a time it is still one */
#define SHADES       5
#define DESTINATIONS 20 /* shown; the others are counted */

static const char *const day_name[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

struct civil profile_text_hour(struct calendar *calendar, int64_t hour)
{
    if (hour > HOUR_LIMIT || hour < -HOUR_LIMIT) /* in a made-up profile */
        hour = hour > 0 ? HOUR_LIMIT : -HOUR_LIMIT;
    struct ptime time = {hour * NS_PER_HOUR};
    struct civil civil = calendar_at(calendar, time);
    for (int i = 0; i < 4 && civil.hour != hour; i++) {
        time.ns += (hour - civil.hour) * NS_PER_HOUR;
        civil = calendar_at(calendar, time);
    }
    return civil;
}

const char *profile_text_bytes(double bytes, char text[PROFILE_TEXT_FIGURE])
{
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t at = 0;
    for (; bytes >= 999.5 && at + 1 < sizeof unit / sizeof *unit; at++)
        bytes /= 1000;
    int digits = at == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
    snprintf(text, PROFILE_TEXT_FIGURE, "%.*f %s", digits, bytes, unit[at]);
    return text;
}

static const char *hour_text(const struct profile_view *view, int64_t hour, char text[40])
{
    struct civil civil = profile_text_hour(view->calendar, hour);
    return calendar_text(view->calendar, civil.starts, CALENDAR_MINUTE, text, 40);
}

/* --- head ------------------------------------------------------------------------------------ */

static void put_head(const struct profile_view *view, struct buffer *out)
{
    const struct profile *p = view->profile;
    char host[IP_TEXT_SIZE], first[40], last[40], group[120];
    int64_t now = p->last_closed_hour + 1;
    int64_t left = p->first_hour + (int64_t)view->learn_days * 24 - now;
    buffer_text(out, "%s  %s", ip_text(&p->host, host),
                baseline_state_name[profile_state(p, now, view->learn_days)]);
    if (left > 0)
        buffer_text(out, ", %" PRId64 " hours left", left);
    buffer_text(out, "\npeers: %s", group_text(p->group, group, sizeof group));
    buffer_text(out, "\n%" PRIu32 " hours seen, %" PRIu32 " days, from %s to %s\n",
                profile_hours(p), p->days_seen[0] + p->days_seen[1],
                hour_text(view, p->first_hour, first), hour_text(view, p->last_closed_hour, last));
}

/* --- a week ---------------------------------------------------------------------------------- */

static const char *shade(const struct profile_view *view, double share)
{
    static const char *const block[SHADES] = {" ", "░", "▒", "▓", "█"};
    static const char *const letter[SHADES] = {" ", ".", "-", "+", "#"};
    int level = share < 0.05 ? 0 : share < 0.25 ? 1 : share < 0.5 ? 2 : share < 0.75 ? 3 : 4;
    return (view->blocks ? block : letter)[level];
}

/* The week that was seen last, as the calendar has it: its holidays are in it. */
static void put_week(const struct profile_view *view, struct buffer *out)
{
    struct civil civil = profile_text_hour(view->calendar, view->profile->last_closed_hour);
    double share[7][24] = {{0}};
    int64_t monday = civil.hour - civil.hour_of_week;
    for (int64_t hour = monday; hour < monday + 168; hour++) {
        civil = profile_text_hour(view->calendar, hour);
        share[civil.day_of_week][civil.hour_of_day] =
            survival_hour_share(view->profile, view->fleet, &civil);
    }
    buffer_text(out, "\nhow often it sends, by hour    0     6     12    18\n");
    for (int day = 0; day < 7; day++) {
        buffer_text(out, "%30s ", day_name[day]);
        for (int hour = 0; hour < 24; hour++)
            buffer_text(out, "%s", shade(view, share[day][hour]));
        buffer_text(out, "|\n");
    }
    buffer_text(out, "%30s %s 5 %%  %s 25 %%  %s 50 %%  %s 75 %% and more\n", "from",
                shade(view, 0.05), shade(view, 0.25), shade(view, 0.5), shade(view, 1));
}

/* --- sizes ----------------------------------------------------------------------------------- */

static double quantile(const struct histogram *h, double q, int64_t week)
{
    int bin = histogram_quantile(h, q, week);
    return bin < 0 ? 0 : (double)histogram_floor((unsigned)bin);
}

static void put_sizes(struct buffer *out, const char *label, const struct histogram *h,
                      int64_t week)
{
    char five[PROFILE_TEXT_FIGURE], half[PROFILE_TEXT_FIGURE], most[PROFILE_TEXT_FIGURE],
        largest[PROFILE_TEXT_FIGURE];
    if (histogram_largest(h) < 0) {
        buffer_text(out, "%-16s nothing yet\n", label);
        return;
    }
    buffer_text(
        out, "%-16s %10s %10s %10s %10s   of %" PRIu64 "\n", label,
        profile_text_bytes(quantile(h, 0.05, week), five),
        profile_text_bytes(quantile(h, 0.5, week), half),
        profile_text_bytes(quantile(h, 0.95, week), most),
        profile_text_bytes((double)histogram_middle((unsigned)histogram_largest(h)), largest),
        histogram_samples(h));
}

/* --- destinations ---------------------------------------------------------------------------- */

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = *(struct pair *const *)a, *right = *(struct pair *const *)b;
    char left_key[DESTINATION_KEY_SIZE], right_key[DESTINATION_KEY_SIZE];
    if (left->weight != right->weight)
        return left->weight > right->weight ? -1 : 1;
    return strcmp(destination_key(&left->destination, left_key),
                  destination_key(&right->destination, right_key));
}

static const char *day_text(const struct pair *pair, double q, int64_t week,
                            char text[PROFILE_TEXT_FIGURE])
{
    int bin = histogram_quantile(&pair->day, q, week);
    return bin < 0 ? "-" : profile_text_bytes((double)histogram_floor((unsigned)bin), text);
}

static void put_pair(const struct profile_view *view, struct buffer *out, const struct pair *pair,
                     int64_t week)
{
    char first[40], last[40], half[PROFILE_TEXT_FIGURE], most[PROFILE_TEXT_FIGURE];
    buffer_text(out, "%-7s%-36.36s %6" PRIu32 "  %-12s %-12s %10s %10s\n",
                pair->destination.role == ROLE_SERVED ? "served" : "uses", pair->destination.name,
                pair->contacts, hour_text(view, pair->first_hour, first),
                hour_text(view, pair->last_hour, last), day_text(pair, 0.5, week, half),
                day_text(pair, 0.95, week, most));
}

static void put_pairs(const struct profile_view *view, struct buffer *out, int64_t week)
{
    const struct profile *p = view->profile;
    const struct pair *sorted[PROFILE_PAIRS];
    memcpy(sorted, p->pair, p->pair_count * sizeof *sorted);
    qsort(sorted, p->pair_count, sizeof *sorted, compare_pairs);
    buffer_text(out, "\n%-43s  hours  %-12s %-12s %10s %10s\n", "destinations", "first", "last",
                "usual day", "95 % day");
    for (uint32_t i = 0; i < p->pair_count && i < DESTINATIONS; i++)
        put_pair(view, out, sorted[i], week);
    if (p->pair_count > DESTINATIONS)
        buffer_text(out, "and %" PRIu32 " more (--json has them all)\n",
                    p->pair_count - DESTINATIONS);
    if (p->pairs_evicted)
        buffer_text(out, "%" PRIu32 " found no room\n", p->pairs_evicted);
    if (p->networks.count > 0)
        buffer_text(out, "%" PRIu32 " client networks known%s\n", p->networks.count,
                    p->networks.crowded_out ? ", and others that found no room" : "");
}

char *profile_text(const struct profile_view *view)
{
    struct buffer out = {0};
    const struct profile *p = view->profile;
    int64_t week = histogram_week(profile_text_hour(view->calendar, p->last_closed_hour).day);
    put_head(view, &out);
    put_week(view, &out);
    buffer_text(&out, "\n%-16s %10s %10s %10s %10s\n", "bytes out", "5 %", "median", "95 %",
                "largest");
    put_sizes(&out, "an active hour", &p->hour, week);
    put_sizes(&out, "an active day", &p->day, week);
    put_pairs(view, &out, week);
    buffer_u8(&out, 0);
    return (char *)out.data;
}
