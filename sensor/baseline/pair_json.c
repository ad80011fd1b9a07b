/* Growth, rhythm, ratio and novelty as JSON: all that a judgement by them is made of, for
 * profile_json.c. Thread: any (pure). */
#include "pair_json.h"

#include "rhythm_counts.h"

void json_cusum(struct json *json, const char *key, const struct cusum *cusum)
{
    json_open(json, key);
    json_uint(json, "days", cusum->days);
    json_number(json, "sum", cusum->sum);
    json_number(json, "reference", cusum->reference);
    json_number(json, "deviation", cusum->deviation);
    json_close(json);
}

/* [bin, count, smallest, largest] */
static void put_counts(struct json *json, const char *key, const struct rhythm_counts *counts)
{
    json_list(json, key);
    for (uint8_t i = 0; i < counts->used; i++) {
        double range[2];
        rhythm_range(counts, &counts->cell[i], range);
        json_list(json, NULL);
        json_uint(json, NULL, counts->cell[i].bin);
        json_uint(json, NULL, counts->cell[i].count);
        json_number(json, NULL, range[0]);
        json_number(json, NULL, range[1]);
        json_close(json);
    }
    json_close(json);
}

static void put_score(struct json *json, const struct rhythm *rhythm)
{
    struct rhythm_score score;
    if (!rhythm_score(rhythm, &score)) {
        json_none(json, "score");
        return;
    }
    json_open(json, "score");
    json_number(json, "intervals", score.ts);
    json_number(json, "sizes", score.ds);
    json_number(json, "hours", score.hist);
    json_number(json, "duration", score.dur);
    json_number(json, "all", score.score);
    json_close(json);
}

static void put_day(struct json *json, const struct rhythm *rhythm)
{
    const struct rhythm_day *day = rhythm->today;
    json_int(json, "day", rhythm->day);
    put_counts(json, "intervals", &day->intervals);
    json_uint(json, "interval_halvings", day->intervals.halvings);
    put_counts(json, "sizes", &day->sizes);
    json_uint(json, "size_halvings", day->sizes.halvings);
    json_list(json, "connections");
    for (unsigned i = 0; i < RHYTHM_HOURS; i++)
        json_uint(json, NULL, day->connections[i]);
    json_close(json);
    json_int(json, "first", day->first_s);
    json_int(json, "last", day->last_s);
    put_score(json, rhythm);
}

void json_rhythm(struct json *json, const struct rhythm *rhythm)
{
    json_open(json, "rhythm");
    if (rhythm->scored_day) {
        json_int(json, "scored_day", rhythm->scored_day);
        json_uint(json, "score_thousandths", rhythm->score);
    }
    if (rhythm->today)
        put_day(json, rhythm);
    json_close(json);
}

void json_novelty(struct json *json, const struct novelty *novelty)
{
    json_list(json, "novelty");
    for (int k = 0; k < DESTINATION_KINDS; k++) {
        json_open(json, NULL);
        json_uint(json, "contacts", novelty->kind[k].contacts);
        json_number(json, "met_once", novelty_once(&novelty->kind[k]));
        json_close(json);
    }
    json_close(json);
}

void json_contacts(struct json *json, const struct contacts *contacts)
{
    json_list(json, "contacts");
    for (int k = 0; k < DESTINATION_KINDS; k++) {
        json_open(json, NULL);
        json_number(json, "all", contacts->all[k]);
        json_list(json, "first");
        for (int bucket = 0; bucket < PREVALENCE_BUCKETS; bucket++)
            json_number(json, NULL, contacts->first[k][bucket]);
        json_close(json);
        json_close(json);
    }
    json_close(json);
}
