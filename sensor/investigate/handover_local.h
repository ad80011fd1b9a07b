/* For handover*.c only. */
#ifndef SENSOR_INVESTIGATE_HANDOVER_LOCAL_H
#define SENSOR_INVESTIGATE_HANDOVER_LOCAL_H

#include "weir/investigate/handover.h"

#include "weir/base/buffer.h"

/* Sections of incidents; a silenced one is open, and every alert of it is held back. */
enum handover_section {
    SECTION_OPEN,
    SECTION_SILENCED,
    SECTION_ACKNOWLEDGED,
    SECTION_CLOSED,
    SECTION_BLIND, /* the sensor's own, in this time */
    SECTION_NONE   /* over, or closed before this time */
};
enum handover_section handover_section_of(const struct handover *handover,
                                          const struct retold_incident *incident);
/* Every alert of it was held back, by a silence that is over or was removed. */
bool handover_told_nobody(const struct handover *handover, const struct retold_incident *incident);
struct handover_hidden handover_hidden_of(const struct handover *handover,
                                          const struct noise_silence *silence);
/* Still listed: not over before this time. */
bool handover_lists(const struct handover *handover, const struct noise_silence *silence);
bool handover_is_over(const struct handover *handover, const struct noise_silence *silence);
bool handover_ends_soon(const struct handover *handover, const struct noise_silence *silence);
double handover_nominal(const struct handover *handover); /* of the budget; incidents */
/* The act of this number, from the oldest that is kept. */
const struct handover_act *handover_act_at(const struct handover *handover, size_t index);
size_t handover_acts_kept(const struct handover *handover);

/* handover_words.c: fixed phrases; "{0}" to "{5}" stand for the arguments. */
enum phrase {
    PHRASE_TITLE,
    PHRASE_ALERTS,
    PHRASE_NOT_RUNNING,
    PHRASE_BLIND_NOW,
    PHRASE_UNREAD,
    PHRASE_BEYOND,
    PHRASE_OPEN,
    PHRASE_WHEN,
    PHRASE_SOME_SILENCED,
    PHRASE_AGAIN,
    PHRASE_TOLD_NOBODY,
    PHRASE_WHOLLY_SILENCED,
    PHRASE_ACKNOWLEDGED,
    PHRASE_BY,
    PHRASE_BY_NOTE,
    PHRASE_QUIET,
    PHRASE_CLOSED,
    PHRASE_VERDICT,
    PHRASE_TICKET,
    PHRASE_SILENCES,
    PHRASE_SILENCE,
    PHRASE_HELD_BACK,
    PHRASE_ENDS_SOON,
    PHRASE_OVER,
    PHRASE_BLIND,
    PHRASE_NO_BEAT,
    PHRASE_NO_BEAT_AT_ALL,
    PHRASE_DRIFT,
    PHRASE_BUDGET,
    PHRASE_CHANGES,
    PHRASE_CHANGE,
    PHRASE_MORE,
    PHRASES
};
const char *phrase_of(enum handover_language language, enum phrase phrase);
const char *word_of_urgency(enum handover_language language, enum urgency urgency);
const char *word_of_verdict(enum handover_language language, enum noise_verdict verdict);
const char *word_of_action(enum handover_language language, const char *action);

#endif
