/* See sink_news.h. Pure: fixed sizes, no state. Thread: any. */
#include "sink_news.h"

#include "heard.h"

#include <stdio.h>

void sink_news_pack(struct sink_news *news, const struct bus_status *status)
{
    *news = (struct sink_news){.delivered = status->delivered,
                               .refused = status->refused,
                               .lost_letters = status->lost_letters,
                               .filtered = status->filtered,
                               .silenced = status->silenced,
                               .failures = status->failures,
                               .retries = status->retries,
                               .failures_in_a_row = status->failures_in_a_row,
                               .damaged = status->damaged,
                               .behind = status->behind,
                               .oldest_s = status->oldest_s,
                               .state = (uint8_t)status->state};
    snprintf(news->name, sizeof news->name, "%s", status->name);
    snprintf(news->type, sizeof news->type, "%s", status->type);
    snprintf(news->path, sizeof news->path, "%s", status->path ? status->path : "");
    snprintf(news->last_error, sizeof news->last_error, "%.151s", status->last_error);
}

void sink_news_check(struct sink_news *news)
{
    heard_text(news->name, sizeof news->name);
    heard_text(news->type, sizeof news->type);
    heard_text(news->path, sizeof news->path);
    heard_text(news->last_error, sizeof news->last_error);
    if (news->state >= BUS_STATES)
        news->state = BUS_DEAD;
}

void sink_news_unpack(const struct sink_news *news, struct bus_status *status)
{
    *status = (struct bus_status){.name = news->name,
                                  .type = news->type,
                                  .path = *news->path ? news->path : NULL,
                                  .state = (enum bus_state)news->state,
                                  .delivered = news->delivered,
                                  .refused = news->refused,
                                  .lost_letters = news->lost_letters,
                                  .filtered = news->filtered,
                                  .silenced = news->silenced,
                                  .failures = news->failures,
                                  .retries = news->retries,
                                  .failures_in_a_row = news->failures_in_a_row,
                                  .damaged = news->damaged,
                                  .behind = news->behind,
                                  .oldest_s = news->oldest_s,
                                  .dead = news->state == BUS_DEAD};
    snprintf(status->last_error, sizeof status->last_error, "%s", news->last_error);
}
