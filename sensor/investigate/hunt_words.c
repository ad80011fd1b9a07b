/* See hunt_words.h. */
#include "hunt_words.h"

static const char *const phrase[HUNT_SAYS][REPORT_LANGUAGES] = {
    [HUNT_SAY_HUNT] = {"Hunt", "期間"},
    [HUNT_SAY_SPAN] = {"{0} – {1}: {2} days, of which {3} are covered",
                       "{0} ～ {1}、{2} 日のうち監視できた日は {3} 日"},
    [HUNT_SAY_NOT] = {"{0} not ({1}, from {2} on)", "{1} {0} 日（{2} から）"},
    [HUNT_SAY_PROBES] = {"Probes", "プローブ"},
    [HUNT_SAY_PROBE] = {"{0}: {1} days", "{0}: {1} 日"},
    [HUNT_SAY_PROBE_FOLDERS] = {"{0} and {2} more folders: {1} days",
                                "{0} ほか {2} フォルダー: {1} 日"},
    [HUNT_SAY_PROBE_ABSENT] = {", absent on {0}, from {1} on", "、不在 {0} 日（{1} から）"},
    [HUNT_SAY_MORE_PROBES] = {"… and {0} more (hunt.json)", "…ほか {0} 件（hunt.json）"},
    [HUNT_SAY_FOLDERS_BEYOND] =
        {"{0} folders beyond these: on which days they are absent counts for nobody",
         "これを超えるフォルダー {0} 件（不在の日は考慮されていません）"},
    [HUNT_SAY_JUDGED] = {"Judged", "判定"},
    [HUNT_SAY_HINDSIGHT] = {"in hindsight: each day held against all the others",
                            "事後判定（各日をほかの全日と比較）"},
    [HUNT_SAY_ONLINE] = {"online: two days or less are too short for hindsight",
                         "逐次判定（2 日以下では事後判定ができないため）"},
    [HUNT_SAY_ONE_UNIT] = {"{0}, in {1} unit", "{0}、{1} 単位"},
    [HUNT_SAY_UNITS] = {"{0}, in {1} units", "{0}、{1} 単位"},
    [HUNT_SAY_ONLY] = {"Only", "限定"},
    [HUNT_SAY_ONLY_DESTINATION] = {"what leads to {0}: nothing is said of the rest",
                                   "{0} への通信のみ（ほかについては述べていません）"},
    [HUNT_SAY_ONLY_PACKETS] = {"packets of \"{0}\": nothing is said of the rest",
                               "「{0}」に該当するパケットのみ（ほかについては述べていません）"},
    [HUNT_SAY_INPUTS] = {"Inputs", "入力"},
    [HUNT_SAY_INPUTS_READ] = {"{0}, {1} packets; {2} with problems",
                              "{0} 件、{1} パケット、問題のあるもの {2} 件"},
    [HUNT_SAY_MORE_PROBLEMS] = {"… and {0} more (summary.json)", "…ほか {0} 件（summary.json）"},
    [HUNT_SAY_FLOWS_CUT] = {"{0} flows were open at a unit's end: each is two",
                            "単位の終わりに継続中だったフロー {0} 件（それぞれ 2 件として計上）"},
    [HUNT_SAY_HOSTS] = {"Hosts", "ホスト"},
    [HUNT_SAY_HOSTS_OF] =
        {"{0}: {1} left, {2} cannot say, {3} no sign within the stated coverage",
         "{0} 台: 送出あり {1}、判断できません {2}、記載の監視範囲では兆候なし {3}"},
    [HUNT_SAY_HOST] = {"host", "ホスト"},
    [HUNT_SAY_VERDICT] = {"verdict", "結論"},
    [HUNT_SAY_DAYS_SEEN] = {"days seen", "観測日数"},
    [HUNT_SAY_OF] = {"of", "/"},
    [HUNT_SAY_WHAT] = {"what", "内容"},
    [HUNT_SAY_LEFT] = {"{0} to {1}, {2} – {3}, {4}, score {5}",
                       "{1} へ {0}、{2} ～ {3}、{4}、スコア {5}"},
    [HUNT_SAY_SEVERAL] = {"several places", "複数の宛先"},
    [HUNT_SAY_MORE] = {"; {0} more", "、ほか {0} 件"},
    [HUNT_SAY_IN_ALL] = {"{0} in all", "合計 {0}"},
    [HUNT_SAY_OWN] = {"; {0} of {1} days are covered for it: {2} is absent on others",
                      "、このホストを監視できた日は {1} 日中 {0} 日（{2} の不在）"},
    [HUNT_SAY_NOT_SEEN] = {"was not seen sending", "送信は観測されていません"},
    [HUNT_SAY_CROWDED] =
        {"was not seen, and on {0} days there were more hosts than baseline.max_hosts",
         "観測されていません。{0} 日間、ホスト数が baseline.max_hosts を超えていました"},
    [HUNT_SAY_SHORT] = {"two days or less: nothing to hold a day against",
                        "2 日以下のため比較対象がありません"},
    [HUNT_SAY_UNCOVERED] = {"{0} of {1} days are covered, half are needed",
                            "監視できた日は {1} 日中 {0} 日（半数が必要）"},
    [HUNT_SAY_FEW_DAYS] = {"seen on {0} days, {1} are needed", "観測は {0} 日（{1} 日が必要）"},
    [HUNT_SAY_SIGHT] = {"{0} of its days are covered, {1} are needed: {2} {3}",
                        "監視できた日の観測は {0} 日（{1} 日が必要）: {3} {2} 日"},
    [HUNT_SAY_ABSENT] =
        {"{0} of {1} days are covered for it, half are needed: {2} is absent on others",
         "このホストを監視できた日は {1} 日中 {0} 日（半数が必要）: {2} の不在"},
};

static const char *const sight_word[HUNT_SIGHTS][REPORT_LANGUAGES] = {
    [HUNT_COVERED] = {"covered", "監視"},
    [HUNT_ONE_SIDED] = {"one_sided", "片方向のみ"},
    [HUNT_CROWDED] = {"hosts_refused", "ホスト数超過"},
    [HUNT_MISSING] = {"payload_missing", "ペイロード欠落"},
    [HUNT_LOST] = {"packets_lost", "パケット損失"},
    [HUNT_DAMAGED] = {"input_damaged", "入力の破損"},
    [HUNT_ABSENT] = {"probe_absent", "プローブの不在"},
    [HUNT_GAP] = {"no_input", "入力なし"},
};

static const char *const days_word[HUNT_SIGHTS] = {
    [HUNT_COVERED] = "days are covered",
    [HUNT_ONE_SIDED] = "days were seen in one direction only",
    [HUNT_CROWDED] = "days had more hosts than baseline.max_hosts",
    [HUNT_MISSING] = "days miss payload",
    [HUNT_LOST] = "days lost packets",
    [HUNT_DAMAGED] = "days have an input that is damaged",
    [HUNT_ABSENT] = "days lack the probe that sees it",
    [HUNT_GAP] = "days are not covered",
};

const char *hunt_say(enum hunt_say say, enum report_language language)
{
    return phrase[say][language];
}

const char *hunt_say_sight(enum hunt_sight sight, enum report_language language)
{
    return sight_word[sight][language];
}

const char *hunt_say_days(enum hunt_sight sight, enum report_language language)
{
    return language == REPORT_ENGLISH ? days_word[sight] : sight_word[sight][language];
}
