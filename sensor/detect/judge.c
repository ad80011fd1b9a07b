/* Asks the table. Thread: any (pure). */
#include "weir/detect/judge.h"

size_t judge(const struct subject *subject, struct finding finding[JUDGE_FINDINGS])
{
    size_t count = 0;
    for (size_t i = 0; detectors[i] && count < JUDGE_FINDINGS; i++)
        if (detectors[i]->kind == subject->kind)
            count += detector_ask(detectors[i], subject, &finding[count]);
    return count;
}

bool judge_may(const struct subject *subject)
{
    for (size_t i = 0; detectors[i]; i++)
        if (detectors[i]->kind == subject->kind &&
            (!detectors[i]->may || detectors[i]->may(subject)))
            return true;
    return false;
}
