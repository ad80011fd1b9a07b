/* What is known of a sink, as it crosses from the courier to the engine. For the files of this room
 * only. */
#ifndef WEIR_ROLE_SINK_NEWS_H
#define WEIR_ROLE_SINK_NEWS_H

#include "messages.h"

#include "weir/bus/bus.h"

/* Texts are cut at the room there is. */
void sink_news_pack(struct sink_news *news, const struct bus_status *status);
/* The supervisor's: whatever a courier wrote, texts end and are one line, the state is one. */
void sink_news_check(struct sink_news *news);
/* Of checked news; texts are borrowed. */
void sink_news_unpack(const struct sink_news *news, struct bus_status *status);

#endif
