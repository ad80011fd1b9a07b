/* content.settings: systems' settings and secrets seen leaving in clear text: private keys, tokens,
 * the configuration of mail systems, routers and servers. One key is enough; of plain settings a
 * file's worth. */
#include "rows.h"

#define NEEDS     5
#define KEY_SCORE 70 /* a private key or token */

static bool judge_content(const struct subject *subject, struct finding *finding)
{
    uint64_t items = subject->counted->of[CONTENT_SETTING].items;
    uint64_t keys = content_grave(subject->counted, CONTENT_SETTING);
    if (items < NEEDS && keys == 0)
        return false;
    finding->evidence = (double)(items + NEEDS * keys);
    finding->score = items < NEEDS ? 0 : content_score(items, NEEDS, 55, 15);
    if (keys > 0 && content_score(keys, 1, KEY_SCORE, 15) > finding->score)
        finding->score = content_score(keys, 1, KEY_SCORE, 15);
    finding->needs = keys > 0 ? 1 : NEEDS;
    finding->needs_unit = counted_unit[CONTENT_SETTING];
    content_reason(subject, CONTENT_SETTING, "content.settings", finding);
    return true;
}

const struct detector detector_content_settings = {
    .id = "content.settings",
    .name = "Settings or secrets of systems left in clear text",
    .kind = SUBJECT_CONTENT,
    .tactic = "TA0010",
    .technique = "T1048",
    .subtechnique = "T1048.003",
    .explains = "Distinct lines of system configuration (mail hosts, routers, servers), private "
                "keys and tokens in what a host sent to one destination, unencrypted. Known false "
                "alarms: documentation and source code with examples, management systems that "
                "fetch configurations over networks that are not inside.",
    .judge = judge_content,
};
