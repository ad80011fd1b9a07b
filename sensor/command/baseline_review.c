/* weir baseline review: what to look at before a baseline is trusted, at the end of learning: who
 * is not ready yet, where most bytes go, what one host alone uses, who is unlike his peers, who
 * serves the outside. What an intruder did while the sensor learned is in one of these lists, or it
 * is small. --sign-off NAME puts into the audit that somebody has looked.
 *
 * Profiles pass by one at a time; each list keeps its REVIEW_LINES first. Thread: the main thread.
 */
#include "baseline.h"

#include "commands.h"
#include "profile_text.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/log.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REVIEW_LINES 15
#define UNLIKE       3.0 /* octaves between a host's usual day and its peers' */

struct line {
    double rank;
    char text[200];
};

struct list {
    const char *title;
    struct line line[REVIEW_LINES];
    size_t count;
    uint64_t of;
};

enum { LIST_MOST, LIST_ALONE, LIST_UNLIKE, LIST_SERVES, LISTS };

struct review {
    struct access *access;
    struct fleet *fleet;
    struct list list[LISTS];
    uint64_t hosts, ready, frozen, unreadable;
    int64_t longest_left; /* hours */
    char signed_off[160];
    bool fleet_done, audit_done, done;
};

static void keep(struct list *list, double rank, const char *text)
{
    size_t at = list->count;
    list->of++;
    while (at > 0 && list->line[at - 1].rank < rank)
        at--;
    if (at == REVIEW_LINES)
        return;
    if (list->count < REVIEW_LINES)
        list->count++;
    memmove(&list->line[at + 1], &list->line[at], (list->count - at - 1) * sizeof *list->line);
    list->line[at].rank = rank;
    snprintf(list->line[at].text, sizeof list->line[at].text, "%s", text);
}

/* --- what is looked for ---------------------------------------------------------------------- */

static double usual_day(const struct histogram *day)
{
    int bin = histogram_quantile(day, 0.5, day->newest);
    return bin < 0 ? 0 : (double)histogram_floor((unsigned)bin);
}

static void look_at_pair(struct review *review, const char *host, const struct pair *pair)
{
    char text[200], weight[PROFILE_TEXT_FIGURE];
    profile_text_bytes(pair->weight, weight);
    bool served = pair->destination.role == ROLE_SERVED;
    snprintf(text, sizeof text, "%-39.39s %-7s%-36.36s %10s", host, served ? "serves" : "uses",
             pair->destination.name, weight);
    keep(&review->list[LIST_MOST], pair->weight, text);
    if (!served && review->fleet && fleet_prevalence(review->fleet, &pair->destination) <= 1)
        keep(&review->list[LIST_ALONE], pair->weight, text);
}

static void look_at_peers(struct review *review, const char *host, const struct profile *profile)
{
    char text[200], own[PROFILE_TEXT_FIGURE], theirs[PROFILE_TEXT_FIGURE];
    double usual = usual_day(&profile->day);
    double median =
        review->fleet ? fleet_day_median(review->fleet, profile->group, profile->counted_day) : NAN;
    double away = log2(usual + 1) - median;
    if (!isfinite(away) || usual <= 0 || fabs(away) < UNLIKE)
        return;
    snprintf(text, sizeof text, "%-39.39s usual day %10s, its peers' %10s", host,
             profile_text_bytes(usual, own), profile_text_bytes(exp2(median), theirs));
    keep(&review->list[LIST_UNLIKE], fabs(away), text);
}

static void look_at_server(struct review *review, const char *host, const struct profile *profile)
{
    char text[200], bytes[PROFILE_TEXT_FIGURE];
    unsigned networks = 0;
    double weight = 0;
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        if (profile->pair[i]->destination.role != ROLE_SERVED)
            continue;
        networks++;
        weight += profile->pair[i]->weight;
    }
    if (networks == 0)
        return;
    snprintf(text, sizeof text, "%-39.39s %u networks outside %10s", host, networks,
             profile_text_bytes(weight, bytes));
    keep(&review->list[LIST_SERVES], weight, text);
}

static void look_at(struct review *review, const struct profile *profile)
{
    char host[IP_TEXT_SIZE];
    int learn_days = review->access->config->detect.learn_days;
    int64_t now = profile->last_closed_hour + 1;
    int64_t left = profile->first_hour + (int64_t)learn_days * 24 - now;
    enum baseline_state state = profile_state(profile, now, learn_days);
    ip_text(&profile->host, host);
    review->hosts++;
    review->ready += state == BASELINE_READY;
    review->frozen += state == BASELINE_FROZEN;
    if (state == BASELINE_LEARNING && left > review->longest_left)
        review->longest_left = left;
    for (uint32_t i = 0; i < profile->pair_count; i++)
        look_at_pair(review, host, profile->pair[i]);
    look_at_peers(review, host, profile);
    look_at_server(review, host, profile);
}

/* --- what the memory says -------------------------------------------------------------------- */

static void on_fleet(void *context, const void *blob, size_t size)
{
    struct review *review = context;
    if (size > 0)
        review->fleet = fleet_unpack(blob, size, &review->access->error);
    review->fleet_done = true;
    access_look_again(review->access);
}

static void on_profile(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct review *review = context;
    struct error error = {0};
    if (!host) {
        review->done = true;
        access_look_again(review->access);
        return;
    }
    struct profile *profile = profile_unpack(blob, size, &error);
    if (profile)
        look_at(review, profile);
    else
        review->unreadable++;
    profile_free(profile);
}

/* The last sign-off counts. */
static void on_audit(void *context, const char *line, size_t size)
{
    struct review *review = context;
    struct error error = {0};
    if (!line) {
        review->audit_done = true;
        access_look_again(review->access);
        return;
    }
    struct json_value *root = json_parse(line, size, &error);
    const char *verb = json_text(json_get(root, "verb"));
    const char *at = json_text(json_get(root, "at"));
    const char *subject = json_text(json_get(root, "subject"));
    if (verb && at && subject && strcmp(verb, "sign-off") == 0)
        snprintf(review->signed_off, sizeof review->signed_off, "%s, %s", subject, at);
    command_make_harmless(review->signed_off);
    json_value_free(root);
}

static void print_list(const struct list *list)
{
    if (list->count == 0)
        return;
    printf("\n%s\n", list->title);
    for (size_t i = 0; i < list->count; i++)
        printf("  %s\n", list->line[i].text);
    if (list->of > list->count)
        printf("  and %" PRIu64 " more\n", list->of - (uint64_t)list->count);
}

static void print_review(const struct review *review)
{
    printf("%" PRIu64 " hosts: %" PRIu64 " ready, %" PRIu64 " frozen, %" PRIu64 " learning",
           review->hosts, review->ready, review->frozen,
           review->hosts - review->ready - review->frozen);
    if (review->longest_left > 0)
        printf(" (the last for %" PRId64 " hours more)", review->longest_left);
    printf("\nsigned off: %s\n", *review->signed_off ? review->signed_off : "by nobody yet");
    if (review->unreadable)
        printf("%" PRIu64 " profiles cannot be read\n", review->unreadable);
    for (size_t i = 0; i < LISTS; i++)
        print_list(&review->list[i]);
}

int baseline_review(struct access *access, const struct options *options)
{
    struct review review = {
        .access = access,
        .list = {[LIST_MOST] = {.title = "where most bytes go (weighted: 28 days count half)"},
                 [LIST_ALONE] = {.title = "what one host alone uses"},
                 [LIST_UNLIKE] = {.title = "hosts unlike their peers"},
                 [LIST_SERVES] = {.title = "hosts that serve the outside"}}};
    if (options->sign_off)
        baseline_audit(access, "sign-off", options->sign_off, options);
    store_load_fleet(access->store, on_fleet, &review);
    store_each_audit(access->store, on_audit, &review);
    int failed = access_wait(access, &review.fleet_done) != 0 ||
                 access_wait(access, &review.audit_done) != 0;
    if (!failed)
        store_each_profile(access->store, on_profile, &review);
    if (failed || access_wait(access, &review.done) != 0)
        failed = 1;
    else
        print_review(&review);
    fleet_free(review.fleet);
    return failed ? EXIT_RUN : command_print("");
}
