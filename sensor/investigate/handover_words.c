/* The words of the hand-over, in each language. What sensors and people wrote themselves (reasons,
 * notes, a detector's sentence) is shown as it was written. Pure. Thread: any. */
#include "handover_local.h"

#include <string.h>

static const char *const phrases[PHRASES][HANDOVER_LANGUAGES] = {
    [PHRASE_TITLE] = {"Hand-over {0} – {1} {2}, sensor {3}",
                      "引き継ぎ {0} ～ {1}（{2}） センサー: {3}"},
    [PHRASE_ALERTS] = {"Alerts: {0}, of these {1} silenced ({2} left in them, counted in full) and "
                       "{3} quiet updates",
                       "アラート: {0} 件（うち抑止 {1} 件・送出量 {2}・すべて計上済み、"
                       "確認済みインシデントの更新 {3} 件）"},
    [PHRASE_NOT_RUNNING] = {"No sensor answers: this is from the journal alone.",
                            "センサーが応答しません。以下は記録のみに基づいています。"},
    [PHRASE_BLIND_NOW] = {"Not seen right now: {0}", "現在監視できていないもの: {0}"},
    [PHRASE_UNREAD] = {"{0} records of the journal cannot be read.",
                       "読み取れない記録が {0} 件あります。"},
    [PHRASE_BEYOND] =
        {"More than {0} incidents: {1} alerts of older ones are left out.",
         "インシデントが {0} 件を超えたため、古いもののアラート {1} 件を省略しています。"},
    [PHRASE_OPEN] = {"Open incidents: {0}", "未対応のインシデント: {0} 件"},
    [PHRASE_WHEN] = {"told {0} – {1}; {2} left; {3} alerts",
                     "検知 {0} ～ {1}、送出量 {2}、アラート {3} 件"},
    [PHRASE_SOME_SILENCED] = {", {0} of them silenced", "（うち抑止 {0} 件）"},
    [PHRASE_AGAIN] = {"told again after the verdict: {0}, by {1}, {2}",
                      "判定後に再び検知しました（判定: {0}、{1}、{2}）"},
    [PHRASE_TOLD_NOBODY] = {"nobody was told: {0}, now over, held back all its alerts",
                            "未通知です（終了した抑止設定 {0} が全アラートを抑止していました）"},
    [PHRASE_WHOLLY_SILENCED] = {"… and {0} open incidents whose alerts are all silenced",
                                "ほかに、全アラートが抑止中の未対応インシデントが {0} 件あります"},
    [PHRASE_ACKNOWLEDGED] = {"Acknowledged: {0}", "確認済み（対応中）: {0} 件"},
    [PHRASE_BY] = {"by {0}, {1}", "担当 {0}、{1}"},
    [PHRASE_BY_NOTE] = {"by {0}, {1}: {2}", "担当 {0}、{1}、メモ: {2}"},
    [PHRASE_QUIET] = {"; {0} quiet updates since", "、その後の更新 {0} 件"},
    [PHRASE_CLOSED] = {"Closed: {0}", "クローズ済み: {0} 件"},
    [PHRASE_VERDICT] = {"{0}, ", "判定: {0}、"},
    [PHRASE_TICKET] = {" [{0}]", "（チケット {0}）"},
    [PHRASE_SILENCES] = {"Silences: {0}, {1} of them over within 24 hours",
                         "抑止設定: {0} 件（うち 24 時間以内に終了 {1} 件）"},
    [PHRASE_SILENCE] = {"until {0}, by {1}: {2}", "{0} まで、設定者 {1}、理由: {2}"},
    [PHRASE_HELD_BACK] = {"held back in this time: {0} alerts, {1}",
                          "この間に抑止したアラート {0} 件、送出量 {1}"},
    [PHRASE_ENDS_SOON] = {" (over soon)", "（まもなく終了します）"},
    [PHRASE_OVER] = {" (over; in all it held back {0} alerts, {1})",
                     "（終了済み、抑止の合計 {0} 件、送出量 {1}）"},
    [PHRASE_BLIND] = {"Not seen: {0}", "監視できなかった時間帯: {0} 件"},
    [PHRASE_NO_BEAT] = {"no heartbeat: nobody knows what was seen",
                        "ハートビートがなく、監視状況が不明です"},
    [PHRASE_NO_BEAT_AT_ALL] = {"No heartbeat in the journal: gaps cannot be told.",
                               "記録にハートビートがないため、監視の欠落は判断できません。"},
    [PHRASE_DRIFT] =
        {"Between zones, so far: {0} not in the matrix, {1} conduits silent (weir zones drift)",
         "ゾーン間(これまで): マトリクスにない通信 {0} 件、通信のないコンジット {1} 件"
         "（weir zones drift）"},
    [PHRASE_BUDGET] = {"Budget: {0} incidents of {1} nominal ({2} hosts with a baseline)",
                       "アラート予算: {0} 件（目安 {1} 件、ベースライン確立済みホスト {2} 台）"},
    [PHRASE_CHANGES] = {"Changes: {0}", "変更の記録: {0} 件"},
    [PHRASE_CHANGE] = {"{0}  {1}", "{0}  {2}（{3}）: {1}"},
    [PHRASE_MORE] = {"… and {0} more", "ほか {0} 件"},
};

const char *phrase_of(enum handover_language language, enum phrase phrase)
{
    return phrases[phrase][language];
}

const char *word_of_urgency(enum handover_language language, enum urgency urgency)
{
    static const char *const words[URGENCIES][HANDOVER_LANGUAGES] = {
        [URGENCY_NOW] = {"NOW   ", "緊急    "},
        [URGENCY_SHIFT] = {"SHIFT ", "当直対応"},
        [URGENCY_DIGEST] = {"DIGEST", "定期確認"},
    };
    return words[urgency][language];
}

const char *word_of_verdict(enum handover_language language, enum noise_verdict verdict)
{
    static const char *const words[VERDICTS][HANDOVER_LANGUAGES] = {
        [VERDICT_NONE] = {"", ""},
        [VERDICT_BENIGN] = {"benign", "問題なし"},
        [VERDICT_MALICIOUS] = {"malicious", "悪意あり"},
        [VERDICT_UNKNOWN] = {"unknown", "不明"},
    };
    return words[verdict][language];
}

const char *word_of_action(enum handover_language language, const char *action)
{
    static const struct {
        const char *action, *japanese;
    } words[] = {
        {"silence.add", "抑止の追加"},
        {"silence.remove", "抑止の解除"},
        {"silence.keep", "抑止解除の取り消し"},
        {"change.open", "変更作業枠の開始"},
        {"change.close", "変更作業枠の終了"},
        {"incident.ack", "インシデントの確認"},
        {"incident.close", "インシデントのクローズ"},
        {"incident.reopen", "インシデントの再オープン"},
        {"incident.keep", "インシデント操作の取り消し"},
        {"reload.ask", "設定の再読み込み"},
        {"rules.install", "ルールの導入"},
        {"rules.rollback", "ルールの差し戻し"},
        {"rules.refused", "ルール導入の取り消し"},
        {"baseline.change", "ベースラインの変更"},
        {"baseline.keep", "ベースライン変更の拒否"},
        {"evidence.hold", "証拠の保全"},
        {"evidence.release", "証拠の保全の解除"},
        {"evidence.take", "証拠ファイルの取得"},
        {"evidence.remove", "証拠の削除"},
        {"evidence.forget", "保持中のパケットの消去の依頼"},
        {"evidence.forgotten", "保持中のパケットの消去"},
        {"baseline.forget", "ホストの記録の消去"},
    };
    for (size_t i = 0; language == HANDOVER_JAPANESE && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].action, action) == 0)
            return words[i].japanese;
    return action;
}
