/* Asks every row that fits a subject. Findings come back in the table's order. */
#ifndef WEIR_DETECT_JUDGE_H
#define WEIR_DETECT_JUDGE_H

#include "weir/detect/detector.h"

#define JUDGE_FINDINGS 25

size_t judge(const struct subject *subject, struct finding finding[JUDGE_FINDINGS]);
/* False: no row has anything to say, by a glance at what the subject's kind is about. */
bool judge_may(const struct subject *subject);

#endif
