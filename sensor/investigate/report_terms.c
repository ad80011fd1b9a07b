/* What records call things, in the words of the report. Thread: any (pure). */
#include "report_words.h"

#include <string.h>

struct term {
    const char *key, *word[REPORT_LANGUAGES];
};

static const struct term classes[] = {
    {"email_addresses", {"e-mail addresses", "メールアドレス"}},
    {"payment_cards", {"payment cards", "決済カード番号"}},
    {"bank_accounts", {"bank accounts", "銀行口座番号"}},
    {"telephone_numbers", {"telephone numbers", "電話番号"}},
    {"settings", {"settings and secrets", "設定・秘密情報"}},
    {"flight_items", {"flight items", "運航情報"}},
    {"archives", {"encrypted archives", "暗号化アーカイブ"}},
    {"pattern_matches", {"matches of the operator's patterns", "指定パターンの一致"}},
    {NULL, {NULL, NULL}},
};

static const struct term units[] = {
    {"address", {"addresses", "件のアドレス"}},
    {"card", {"cards", "件のカード番号"}},
    {"account", {"accounts", "件のアカウント"}},
    {"number", {"numbers", "件の電話番号"}},
    {"setting", {"settings", "件の設定"}},
    {"item", {"items", "件の項目"}},
    {"archive", {"archives", "件のアーカイブ"}},
    {"match", {"matches", "件の一致"}},
    {"project", {"projects", "件のプロジェクト"}},
    {"connection", {"connections", "件の接続"}},
    {"flow", {"flows", "件のフロー"}},
    {"day", {"days", "日"}},
    {"s", {"s", "秒"}},
    {"payload", {"payloads", "個のペイロード"}},
    {"packet", {"packets", "パケット"}},
    {"name", {"names", "件の名前"}},
    {"question", {"questions", "件の問い合わせ"}},
    {NULL, {NULL, NULL}},
};

static const struct term rules[] = {
    {"volume.host", {"More left a host than usual", "ホストからの送出量が通常より多い"}},
    {"volume.destination",
     {"More went to a known destination than usual", "既知の宛先への送出量が通常より多い"}},
    {"volume.served",
     {"More was served to a network outside than usual",
      "外部ネットワークへの提供量が通常より多い"}},
    {"volume.slow", {"What leaves has grown day after day", "送出量が日ごとに増え続けている"}},
    {"staging.upload", {"Gathered from inside, then sent out", "内部から集約した後に送出"}},
    {"timing.beacon", {"A destination is called by the clock", "宛先への定期的な通信"}},
    {"timing.long", {"A connection is held open for long", "長時間維持された接続"}},
    {"ratio.shift",
     {"A host sends more of what it exchanges than it used to", "送信の割合が従来より高い"}},
    {"ratio.upload",
     {"Much was sent to one destination and little came back",
      "一つの宛先へ大量に送出し、受信がわずか"}},
    {"destination.new",
     {"Much went to a destination that is new to the host",
      "ホストにとって新しい宛先への大量送出"}},
    {"destination.rare",
     {"Several hosts send to one destination that is new to all",
      "全体で新しい宛先へ複数ホストが送信"}},
    {"content.personal", {"Personal data left in clear text", "個人データが平文で送出"}},
    {"content.settings",
     {"Settings or secrets of systems left in clear text", "設定・秘密情報が平文で送出"}},
    {"content.flight", {"Flight data left in clear text", "運航データが平文で送出"}},
    {"content.archive", {"Encrypted archives left", "暗号化アーカイブの送出"}},
    {"content.pattern",
     {"What the operator looks for left in clear text", "指定パターンに一致する内容が平文で送出"}},
    {"tunnel.dns", {"Data in DNS names", "DNS 名に埋め込まれたデータ"}},
    {"tunnel.icmp", {"Data in ICMP echo", "ICMP エコーに埋め込まれたデータ"}},
    {"tunnel.new",
     {"A tunnel or encrypted DNS that is new for a host",
      "ホストにとって新しいトンネル又は暗号化 DNS"}},
    {"protocol.mismatch",
     {"A protocol where it does not belong", "本来と異なる場所でのプロトコルの使用"}},
    {"served.sweep",
     {"One client goes through many accounts or projects of a server",
      "一つのクライアントがサーバーの多数のアカウント等を巡回"}},
    {"sensor.blind", {"The sensor did not see everything", "センサーが一部を監視できなかった"}},
    {"intel.match",
     {"Traffic with what a list of indicators names", "脅威指標の一覧に該当する通信"}},
    {"zone.conduit",
     {"Traffic that no conduit of a locked zone allows",
      "施錠されたゾーンでコンジットが許可しない通信"}},
    {"zone.payload",
     {"A protocol of control systems or surveillance where it never belongs",
      "制御・監視プロトコルの本来あり得ない場所での使用"}},
    {NULL, {NULL, NULL}},
};

static const struct term states[] = {
    {"open", {"opened", "開始"}},
    {"update", {"grew", "更新"}},
    {"close", {"fell silent", "終息"}},
    {NULL, {NULL, NULL}},
};

static const struct term baselines[] = {
    {"learning", {"still learning", "学習中"}},
    {"ready", {"ready", "確立済み"}},
    {"frozen", {"frozen by an operator", "運用者により凍結"}},
    {"stale", {"stale", "古い"}},
    {NULL, {NULL, NULL}},
};

static const struct term scopes[] = {
    {"host", {"the host's own past", "ホスト自身の過去"}},
    {"host×destination",
     {"the past of this host with this destination", "このホストとこの宛先の過去"}},
    {"server×client network",
     {"the past of this server with networks outside", "このサーバーと外部ネットワークの過去"}},
    {"host×domain", {"what this host asked under this domain", "このドメインへの問い合わせの過去"}},
    {"peers", {"the host's peers, its own past not being there", "類似ホスト（自身の過去なし）"}},
    {NULL, {NULL, NULL}},
};

static const struct term kinds[] = {
    {"input", {"input", "入力"}},       {"configuration", {"configuration", "設定"}},
    {"rules", {"rules", "ルール"}},     {"result", {"result", "結果"}},
    {"evidence", {"evidence", "証拠"}}, {"baseline", {"baseline", "ベースライン"}},
    {"noise", {"noise", "抑止設定"}},   {NULL, {NULL, NULL}},
};

static const struct term tactics[] = {
    {"TA0009", {"Collection", "収集"}},
    {"TA0010", {"Exfiltration", "持ち出し"}},
    {"TA0011", {"Command and Control", "コマンド & コントロール"}},
    {"TA0006", {"Credential Access", "認証情報アクセス"}},
    {"TA0001", {"Initial Access", "初期アクセス"}},
    {NULL, {NULL, NULL}},
};

static const struct term urgencies[] = {
    {"digest", {"digest", "定期確認"}},
    {"shift", {"this shift", "当直対応"}},
    {"now", {"now", "緊急"}},
    {NULL, {NULL, NULL}},
};

static const char *word_of(const struct term *terms, const char *key, enum report_language language)
{
    for (; terms->key; terms++)
        if (strcmp(terms->key, key) == 0)
            return terms->word[language];
    return NULL;
}

static const char *word_or_key(const struct term *terms, const char *key,
                               enum report_language language)
{
    const char *word = word_of(terms, key, language);
    return word ? word : key;
}

const char *report_word_of_class(const char *member, enum report_language language)
{
    return word_or_key(classes, member, language);
}

const char *report_word_of_unit(const char *unit, enum report_language language)
{
    return word_or_key(units, unit, language);
}

const char *report_word_of_rule(const char *rule, const char *name, enum report_language language)
{
    const char *word = word_of(rules, rule, language);
    return word ? word : *name ? name : rule; /* an operator's: his words */
}

const char *report_word_of_state(const char *state, enum report_language language)
{
    return word_or_key(states, state, language);
}

const char *report_word_of_urgency(enum urgency urgency, enum report_language language)
{
    return word_or_key(urgencies, urgency_name[urgency], language);
}

const char *report_word_of_baseline(const char *state, enum report_language language)
{
    return word_or_key(baselines, state, language);
}

const char *report_word_of_scope(const char *scope, enum report_language language)
{
    return word_or_key(scopes, scope, language);
}

const char *report_word_of_kind(const char *kind, enum report_language language)
{
    return word_or_key(kinds, kind, language);
}

const char *report_word_of_tactic(const char *id, enum report_language language)
{
    return word_of(tactics, id, language);
}

bool report_words_at(size_t n, const char **key, const char *words[REPORT_LANGUAGES])
{
    static const struct term *const all[] = {classes, units, rules,   states,   baselines,
                                             scopes,  kinds, tactics, urgencies};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (const struct term *term = all[i]; term->key; term++)
            if (n-- == 0) {
                *key = term->key;
                memcpy(words, term->word, sizeof term->word);
                return true;
            }
    return false;
}
