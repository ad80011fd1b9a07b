/* The report's phrases. Each says what is known and no more; "{0}" to "{4}" stand for arguments. */
#include "report_words.h"

static const char *const phrase[SAYS][REPORT_LANGUAGES] = {
    [SAY_TITLE] = {"Report on data that left", "データ送出に関する報告書"},
    [SAY_MADE_FROM] =
        {"Made by Weir {0} from the files listed at the end; it claims nothing beyond "
         "them.",
         "Weir {0} が末尾に記載のファイルから作成。それらを超える主張は含みません。"},
    [SAY_SENSOR] = {"Sensor: {0}", "センサー: {0}"},
    [SAY_ZONE] = {"Times: {0}", "時刻: {0}"},
    [SAY_ASKED] = {"Asked:", "対象:"},
    [SAY_ASKED_ALL] = {"all incidents", "全インシデント"},
    [SAY_ASKED_INCIDENT] = {"incident {0}", "インシデント {0}"},
    [SAY_ASKED_HOST] = {"host {0}", "ホスト {0}"},
    [SAY_ASKED_DESTINATION] = {"destination {0}", "宛先 {0}"},
    [SAY_ASKED_SINCE] = {"from {0}", "{0} から"},
    [SAY_ASKED_UNTIL] = {"until {0}", "{0} まで"},
    [SAY_VERDICT] = {"Verdict", "結論"},
    [SAY_VERDICT_LEFT] = {"Left", "送出あり"},
    [SAY_VERDICT_NO_SIGN] = {"No sign within the stated coverage", "記載の監視範囲では兆候なし"},
    [SAY_VERDICT_CANNOT_SAY] = {"Cannot say", "判断できません"},
    [SAY_LEFT_INCIDENTS] = {"Incidents that were told of this: {0}.",
                            "本件に関するインシデント: {0} 件。"},
    [SAY_LEFT_FLOWS] =
        {"No incident was told. {0} left in {1} connections, which nothing judged to "
         "be unusual.",
         "インシデントの検知はありません。{1} 件の接続で {0} "
         "が送出されましたが、異常とは判定されていません。"},
    [SAY_SEEN_FLOWS] = {"{0} left in {1} connections.", "{1} 件の接続で {0} が送出されました。"},
    [SAY_BECAUSE] = {"Because of what was not seen or not judged:",
                     "次の事項が監視又は判定できなかったためです。"},
    [SAY_INCIDENTS_MORE] = {"{0} further incidents of lower urgency or score are not shown.",
                            "緊急度又はスコアがより低いインシデント {0} 件は省略しています。"},
    [SAY_INCIDENT] = {"Incident", "インシデント"},
    [SAY_INCIDENTS] = {"Incidents", "インシデント一覧"},
    [SAY_HOST] = {"Host", "ホスト"},
    [SAY_DESTINATION] = {"Destination", "宛先"},
    [SAY_WHEN] = {"When", "期間"},
    [SAY_BYTES] = {"Bytes that left", "送出量"},
    [SAY_SCORE] = {"Score (of 100)", "スコア（100 点満点）"},
    [SAY_URGENCY] = {"Urgency", "緊急度"},
    [SAY_WHAT_HAPPENED] = {"What happened", "事象の概要"},
    [SAY_LEFT] = {"{0} left the inside host {1} for {2}, between {3} and {4}.",
                  "{3} から {4} までの間に、内部ホスト {1} から {2} へ {0} "
                  "が送出されました。"},
    [SAY_LEFT_HOST_ONLY] = {"{0} left the inside host {1}, between {2} and {3}.",
                            "{2} から {3} までの間に、内部ホスト {1} から {0} "
                            "が送出されました。"},
    [SAY_SENSOR_BLIND] = {"The sensor did not see everything ({0}), between {1} and {2}.",
                          "{1} から {2} までの間、センサーは一部を監視できませんでした（{0}）。"},
    [SAY_INTERVAL] = {"{0} (at least {1} bytes, at most {2} bytes)",
                      "{0}（最小 {1} バイト、最大 {2} バイト）"},
    [SAY_EXACT] = {"Every payload byte of these connections was seen and acknowledged: the figure "
                   "is exact for what passed the sensor.",
                   "これらの接続のペイロードはすべて観測され、受信確認されています。センサーを通過"
                   "した分について正確な値です。"},
    [SAY_ESTIMATE] =
        {"The figure is an interval: at least what the other side acknowledged and was "
         "seen, at most with what was acknowledged or spanned but not seen.",
         "値は区間です。最小は観測され相手が受信確認した量、最大は観測できなかったが"
         "受信確認された（又は範囲に含まれる）量を加えたものです。"},
    [SAY_OPENED] = {"Connections opened by the outside: {0}; by the inside: {1}.",
                    "外部から開始された接続: {0} 件、内部から開始された接続: {1} 件。"},
    [SAY_OPENED_LARGEST] = {"The largest of {0} connections was opened by {1}.",
                            "全 {0} 件の接続のうち最大のものは{1}から開始されました。"},
    [SAY_BY_OUTSIDE] = {"the outside", "外部"},
    [SAY_BY_INSIDE] = {"the inside", "内部"},
    [SAY_SEALED] = {"{0} of it were encrypted: counted, but their content is not known.",
                    "このうち {0} は暗号化されており、量は計上していますが内容は不明です。"},
    [SAY_NOTHING_SEALED] = {"None of it was known to be encrypted.",
                            "暗号化と認められたものはありません。"},
    [SAY_NAMES_UNVERIFIED] = {"{0} went under names that no DNS answer seen here bears out.",
                              "{0} は、ここで観測した DNS 応答で裏付けられない名前の下で送出され"
                              "ました。"},
    [SAY_OTHER_CERTIFICATE] = {"{0} went to servers whose certificate holds other names.",
                               "{0} は、証明書の名前が異なるサーバーへ送出されました。"},
    [SAY_VOLUMES] = {"Volumes", "送出量の内訳"},
    [SAY_LOW] = {"At least", "最小"},
    [SAY_VALUE] = {"Seen", "観測値"},
    [SAY_HIGH] = {"At most", "最大"},
    [SAY_SERVICE] = {"Protocol", "プロトコル"},
    [SAY_SERVICE_UNKNOWN] = {"not recognised", "不明"},
    [SAY_ALL] = {"All", "合計"},
    [SAY_CAME_IN] = {"In the other direction {0} came in.", "逆方向の受信量は {0} です。"},
    [SAY_COUNTED] = {"What was counted in it", "内容の計数"},
    [SAY_COUNTED_NOTE] =
        {"Distinct items in clear text that left, by class. Where all or a part was "
         "encrypted, there may be more.",
         "平文で送出された項目の異なり数（分類別）。全部又は一部が暗号化されている"
         "場合、実際はこれより多い可能性があります。"},
    [SAY_COUNTED_NONE] = {"Nothing that Weir counts was seen in clear text.",
                          "Weir が計数する項目は平文では観測されませんでした。"},
    [SAY_CLASS] = {"Class", "分類"},
    [SAY_DISTINCT] = {"Distinct", "異なり数"},
    [SAY_ERROR] = {"Error", "誤差"},
    [SAY_LABELS] = {"Of these, by label (at least)", "ラベル別の内訳（少なくとも）"},
    [SAY_MORE_LABELS] = {"… and others", "…ほか"},
    [SAY_ERROR_NONE] = {"exact", "なし（正確）"},
    [SAY_INITIATORS] = {"Initiators and accounts", "開始元とアカウント"},
    [SAY_CONNECTIONS] = {"Connections", "接続数"},
    [SAY_OPENER] = {"Opened by", "開始元"},
    [SAY_OPENERS_MORE] = {"{0} connections by further addresses are not listed.",
                          "ほかのアドレスからの接続 {0} 件は省略しています。"},
    [SAY_OPENERS_OF_FLOWS] = {"By flows.ndjson: every address that opened a connection.",
                              "flows.ndjson による、接続を開始した全アドレス。"},
    [SAY_OPENERS_NO_FLOWS] = {"No flows were kept: of the largest connection {0} opened to {1}.",
                              "フロー記録がないため最大の接続のみ: {0} から {1} へ開始。"},
    [SAY_CLAIMED] = {"Proxies named these clients (their claim, at least so much): {0}",
                     "プロキシが申告したクライアント（申告値・最小）: {0}"},
    [SAY_ASKED_NAME] = {"The server was asked for as {0}.", "要求されたサーバー名: {0}。"},
    [SAY_FINGERPRINT] = {"The TLS client of the largest connection: {0} {1}.",
                         "最大の接続の TLS クライアント: {0} {1}。"},
    [SAY_ACCOUNTS] = {"Accounts", "アカウント"},
    [SAY_ACCOUNTS_NONE] = {"Nothing was seen of which accounts were used. Weir keeps no account "
                           "names, and logins that are encrypted are not seen.",
                           "使用されたアカウントに関する観測はありません。Weir "
                           "はアカウント名を保存せず、暗号化されたログインは観測できません。"},
    [SAY_ACCOUNTS_SWEPT] =
        {"{0} accounts were named and let in, in a day; Weir keeps their number, "
         "not their names.",
         "1 日に {0} "
         "件のアカウントがログインに成功しました。保存するのは件数のみで、"
         "名前は保存しません。"},
    [SAY_ACCOUNTS_CREDENTIALS] = {"Among the settings and secrets that left in clear text: {0}.",
                                  "平文で送出された設定・秘密情報: {0}。"},
    [SAY_TIMELINE] = {"Timeline", "時系列"},
    [SAY_SERIES_FLOWS] =
        {"Bytes that left, from flows.ndjson. A flow's bytes are spread evenly over "
         "its life; its sum is exact, its course is not known.",
         "flows.ndjson による送出量。フローの量は継続時間に均等に配分しています（"
         "合計は正確、推移は不明）。"},
    [SAY_SERIES_ALERTS] =
        {"Bytes that left, as the alerts told them: no flows were kept, and each "
         "amount stands at the time it was told, later than it left.",
         "アラートが伝えた送出量。フロー記録がないため、各量は送出後に検知した時点"
         "に表示しています。"},
    [SAY_SERIES_CUT] = {"The incident lasts beyond what is drawn.",
                        "インシデントは図の範囲を超えて続いています。"},
    [SAY_PER_HOUR] = {"bytes an hour", "1 時間あたりのバイト数"},
    [SAY_PER_DAY] = {"bytes a day", "1 日あたりのバイト数"},
    [SAY_HERE] = {"to this destination", "この宛先へ"},
    [SAY_ELSEWHERE] = {"of this host, elsewhere", "このホストからほかの宛先へ"},
    [SAY_BAND] = {"expected {0} to {1} ({2})", "想定範囲 {0} ～ {1}（{2}）"},
    [SAY_BAND_NONE] = {"No expected band is drawn: no alert states one for a bar of this length.",
                       "想定範囲は表示していません（この長さの区間に対する想定値を示したアラートが"
                       "ありません）。"},
    [SAY_MARKS] = {"alerts", "アラート"},
    [SAY_FLOWS_AGREE] = {"flows.ndjson has all of it: {0} in {1} connections.",
                         "flows.ndjson と一致: {1} 件の接続で {0}。"},
    [SAY_FLOWS_DIFFER] = {"Of this incident flows.ndjson shows {0} in {1} connections. Connections "
                          "are matched here by address and name; the alerts' figure stands.",
                          "flows.ndjson で本件に該当するのは {1} 件の接続で {0} "
                          "です（アドレスと名前で照合）。アラートの値を正とします。"},
    [SAY_ALERTS] = {"Alerts", "アラートの記録"},
    [SAY_TIME] = {"Time", "時刻"},
    [SAY_DETECTOR] = {"Detector", "検知項目"},
    [SAY_STATE] = {"State", "状態"},
    [SAY_LEFT_BY_THEN] = {"Left by then", "その時点までの送出量"},
    [SAY_MARKS_MORE] = {"{0} alerts between are not listed.",
                        "途中のアラート {0} 件は省略しています。"},
    [SAY_JUDGED] = {"What was judged against what", "判定の根拠"},
    [SAY_JUDGED_AGAINST] =
        {"Judged against: {0}. {1} hours of this host were learned; the baseline "
         "was {2}.",
         "判定基準: {0}。このホストの学習時間は {1} "
         "時間、ベースラインの状態は「{2}」です。"},
    [SAY_OBSERVED] = {"Observed", "観測値"},
    [SAY_EXPECTED] = {"Expected", "想定値"},
    [SAY_RARITY] = {"How rare", "希少度"},
    [SAY_ONE_IN] = {"as much or more on one of {0} host-days", "ホスト・日 {0} 件に 1 件以下"},
    [SAY_SAMPLES] = {"Samples", "標本数"},
    [SAY_SHARE] = {"Of the evidence", "証拠に占める割合"},
    [SAY_QUOTED] = {"The detector's words", "検知項目の記述（原文）"},
    [SAY_FIXED_BOUND] = {"a fixed bound, no past", "固定のしきい値"},
    [SAY_NONE_EXPECTED] = {"no such past", "過去の実績なし"},
    [SAY_NOT_BELOW] = {"It would not have been told below {0}.",
                       "{0} 未満であれば検知されませんでした。"},
    [SAY_BASELINE] = {"Baseline", "ベースライン"},
    [SAY_MODE_ONLINE] = {"Judged online: with what was known at each time.",
                         "オンライン判定（各時点で既知の情報のみを使用）。"},
    [SAY_MODE_HINDSIGHT] = {"Judged in hindsight: with all of the time that was read.",
                            "事後判定（読み取った全期間の情報を使用）。"},
    [SAY_ROWS_MORE] = {"{0} alerts of further detectors are not explained here.",
                       "ほかの検知項目のアラート {0} 件は省略しています。"},
    [SAY_ATTACK] = {"MITRE ATT&CK", "MITRE ATT&CK"},
    [SAY_ATTACK_NONE] = {"No technique is claimed.", "該当する手法は主張しません。"},
    [SAY_TACTIC] = {"Tactic", "戦術"},
    [SAY_TECHNIQUE] = {"Technique", "手法"},
    [SAY_ATTACK_NOTE] =
        {"What such traffic may be a sign of; who did it, and why, was not observed.",
         "この種の通信が示し得る手法です。行為者と目的は観測されていません。"},
    [SAY_PEOPLE] = {"What people said of it", "担当者による記録"},
    [SAY_PEOPLE_NONE] = {"Nobody is on record.", "記録はありません。"},
    [SAY_BY] = {"By", "記録者"},
    [SAY_WHAT] = {"What", "内容"},
    [SAY_COVERAGE] = {"What this report cannot say", "この報告書では判断できないこと"},
    [SAY_COVERAGE_NOTE] =
        {"What was not seen, and what it may hide. Lines marked ▲ mean that silence "
         "proves nothing.",
         "監視できなかった事項と、それにより見えない可能性のあるもの。▲ "
         "の項目がある場合、検知がないことは何の証明にもなりません。"},
    [SAY_COVER_NO_SUMMARY] = {"There is no summary of what was read: how much was lost, cut or not "
                              "understood is not known.",
                              "読み取りの要約（summary.json）がないため、欠落・切り詰め・未解釈の"
                              "量は不明です。"},
    [SAY_COVER_NO_FLOWS] = {"No flows were kept (flows.ndjson): what left without an alert is not "
                            "listed anywhere.",
                            "フロー記録（flows.ndjson）がないため、アラートのない送出は確認できま"
                            "せん。"},
    [SAY_COVER_NO_EVIDENCE] =
        {"No packets were kept as evidence (evidence/manifest.json): nobody "
         "can look at the content again from this folder.",
         "証拠パケット（evidence/manifest.json）がないため、このフォルダーから"
         "内容を再確認することはできません。"},
    [SAY_COVER_EVIDENCE_LARGE] =
        {"The manifest of the evidence is too large for a report (256 MiB): "
         "it is not listed here.",
         "証拠の目録が大きすぎるため（256 MiB "
         "超）、本報告書には記載していません。"},
    [SAY_COVER_SPAN] = {"What was read begins at {0} and ends at {1}. What left before or after is "
                        "not in it.",
                        "読み取った期間は {0} から {1} までです。その前後の送出は含まれません。"},
    [SAY_COVER_OUTSIDE_SPAN] = {"The time asked for ({0} to {1}) is not all within what was read.",
                                "対象期間（{0} ～ {1}）の一部又は全部が、読み取った期間の外にありま"
                                "す。"},
    [SAY_COVER_GAP] = {"Between {0} and {1} nothing was read: a hole between two inputs.",
                       "{0} から {1} までは入力の間に欠落があり、何も読み取っていません。"},
    [SAY_COVER_GAPS_MORE] = {"{0} further holes between inputs, or times without a heartbeat.",
                             "ほかに入力間の欠落又はハートビートのない期間が {0} 件あります。"},
    [SAY_COVER_NO_BEAT] =
        {"Between {0} and {1} the sensor gave no heartbeat: nobody knows what was "
         "seen.",
         "{0} から {1} まではセンサーのハートビートがなく、監視状況が不明です。"},
    [SAY_COVER_NO_BEAT_AT_ALL] =
        {"The journal holds no heartbeat: when the sensor watched is not "
         "known.",
         "記録にハートビートがないため、センサーがいつ監視していたか不明です"
         "。"},
    [SAY_COVER_OF_MEMORY] =
        {"Made by the running sensor of the alerts and acts in its memory: heartbeats are not "
         "among "
         "them, so when it watched is not told here (weir report reads the whole journal).",
         "稼働中のセンサーのメモリーにある通知と操作記録から作成しました。ハートビートは含まれない"
         "ため、監視していた時間帯は示されません（weir report は記録全体を読み取ります）。"},
    [SAY_COVER_BLIND] = {"Between {0} and {1} the sensor said that it did not see everything: {2}",
                         "{0} から {1} まで、センサーが監視できない部分がありました: {2}"},
    [SAY_COVER_BLIND_MORE] = {"{0} further such times.", "同様の期間がほかに {0} 件あります。"},
    [SAY_COVER_DROPS_UNKNOWN] =
        {"Whether packets were lost before the files were written is not "
         "recorded in them. What was lost there is in no figure, not even "
         "in “at most”, where no acknowledgement tells of it.",
         "ファイルに書き込まれる前のパケット損失は記録されていません。損失が"
         "あった場合、受信確認に現れない分は「最大」にも含まれません。"},
    [SAY_COVER_DROPS] =
        {"{0} packets were lost before they were read ({1} of all): what they "
         "carried is in a figure only as far as acknowledgements tell of it.",
         "読み取り前に {0} パケット（全体の {1}）が失われました。その内容は、受信確認"
         "に現れる範囲でのみ計上されています。"},
    [SAY_COVER_MISSING] =
        {"{0} of TCP payload ({1}) was acknowledged or spanned, but not seen: it is "
         "in “at most”, and its content was not inspected.",
         "TCP ペイロードのうち {0}（{1}）は受信確認等から存在が分かるものの観測され"
         "ていません。「最大」に含まれますが、内容は検査していません。"},
    [SAY_COVER_WHOLE] = {"No gap in TCP payload was seen: 0 B missing.",
                         "TCP ペイロードの欠落は観測されていません（欠落 0 B）。"},
    [SAY_COVER_ONE_SIDED] =
        {"{0} of TCP connections were seen in one direction only. What the unseen "
         "side sent is known by acknowledgements alone.",
         "TCP 接続の {0} は片方向のみ観測されました。観測されない側の送信量は受信"
         "確認からのみ分かります。"},
    [SAY_COVER_NOT_SENDING] = {"{0} was not seen sending; by acknowledgements alone at most {1}.",
                               "{0} の送信は観測されていません（受信確認からは最大 {1}）。"},
    [SAY_COVER_SEALED] =
        {"{0} of the bytes that left were encrypted: their content was not seen, in "
         "none of the counts of personal data or secrets.",
         "送出量の {0} は暗号化されており、内容は見えません。個人データや秘密情報の"
         "計数には含まれません。"},
    [SAY_COVER_UNKNOWN] = {"{0} of the bytes that left were of no protocol that was recognised.",
                           "送出量の {0} はプロトコルを認識できませんでした。"},
    [SAY_COVER_CUT] = {"{0} packets were cut when they were captured (the longest at {1} bytes): "
                       "their bytes are counted, what was cut off was not inspected.",
                       "{0} パケットは取得時に切り詰められています（最長 {1} "
                       "バイト）。量は計上していますが、切り取られた部分は検査していません。"},
    [SAY_COVER_UNREAD] = {"{0} packets of {1} were not read.",
                          "{1} のパケット {0} 個は解釈していません。"},
    [SAY_COVER_INSPECTION_GAP] =
        {"Of the content {0} were not seen by inspection: items in them are "
         "not counted.",
         "内容検査では {0} が見えておらず、そこに含まれる項目は計数してい"
         "ません。"},
    [SAY_COVER_LEARNING] =
        {"{0} left while hosts were still learning: judged by fixed bounds, not by "
         "their own history.",
         "{0} はホストの学習期間中に送出されたため、固有の履歴ではなく固定のしきい"
         "値のみで判定しています。"},
    [SAY_COVER_NOT_READY] =
        {"No host had a baseline: unusual volumes and new destinations were not "
         "judged at all.",
         "ベースラインが確立したホストがなく、量の異常や新しい宛先は一切判定"
         "されていません。"},
    [SAY_COVER_HOST_UNSEEN] =
        {"The host that was asked for was not seen at all: it may have been "
         "silent, or its traffic does not pass the sensor.",
         "対象のホストは一度も観測されていません。通信がなかったか、その通信がセ"
         "ンサーを通らない可能性があります。"},
    [SAY_COVER_INSIDE_GUESSED] =
        {"Which networks are inside was not configured but assumed (private "
         "addresses).",
         "内部ネットワークは設定されておらず、プライベートアドレスと仮定してい"
         "ます。"},
    [SAY_COVER_NEITHER_INSIDE] = {"{0} passed between addresses of which neither is inside: not "
                                  "judged.",
                                  "{0} は双方とも内部でないアドレス間の通信で、判定していません。"},
    [SAY_COVER_INPUT_DAMAGED] = {"{0} was not read to its end: {1}",
                                 "{0} は最後まで読み取れませんでした: {1}"},
    [SAY_COVER_INPUT_LINES] = {"{1} lines of {0} could not be read, and are left out.",
                               "{0} のうち {1} 行は読み取れず、除外しました。"},
    [SAY_COVER_INPUTS_DAMAGED] = {"{0} further inputs were not read whole.",
                                  "ほかに {0} 件の入力を完全には読み取れませんでした。"},
    [SAY_COVER_INPUT_LOGS] = {"{0} further inputs are logs of connections.",
                              "ほかに {0} 件の接続ログがあります。"},
    [SAY_COVER_ONLY_ABOUT] =
        {"Only what is about {0} was to be told: {1} findings about others were "
         "not.",
         "{0} に関する事項のみを報告対象としました。対象外の検知が {1} 件あり、"
         "報告していません。"},
    [SAY_COVER_ONLY_FROM] =
        {"Only what was found from {0} on was to be told: before, all was learned "
         "from.",
         "{0} 以降の検知のみを報告対象としました。それ以前は学習に用いました。"},
    [SAY_COVER_INPUT_LOG] = {"{0} is a log of connections: there was no content to inspect, and "
                             "volumes are what it says.",
                             "{0} は接続ログです。内容の検査はできず、量はログの記載によります。"},
    [SAY_COVER_LINES] = {"{0} lines of what was told could not be read, and are left out.",
                         "記録のうち {0} 行は読み取れず、除外しました。"},
    [SAY_COVER_BOUNDS] = {"Bounds that were reached or refusals, which the summary lists: {0}",
                          "到達した上限・拒否（要約に記載）: {0}"},
    [SAY_COVER_BEYOND] = {"{0} alerts of older incidents were let go for want of room.",
                          "古いインシデントのアラート {0} 件は容量のため除外しました。"},
    [SAY_COVER_SILENCED] =
        {"{0} alerts were covered by silences that people set; they are counted "
         "and shown here all the same.",
         "{0} 件のアラートは担当者の設定した抑止の対象でしたが、ここではすべて計上"
         "・表示しています。"},
    [SAY_COVER_ONE_LINK] =
        {"One link was seen: other ways out (another link, wireless, removable "
         "media, paper) cannot be excluded.",
         "監視したのは一つの経路のみです。ほかの経路（別回線、無線、可搬媒体、紙な"
         "ど）による送出は否定できません。"},
    [SAY_COVER_MORE] = {"And {0} more lines of this kind, which have no room here.",
                        "ほかに {0} 件ありますが、紙幅のため省略しています。"},
    [SAY_CONTAINS] = {"Were these among what left?", "照会した項目は送出されたか"},
    [SAY_CONTAINS_SEEN] = {"among those seen leaving", "送出が観測された項目に該当"},
    [SAY_CONTAINS_NOT_SEEN] = {"not among those seen (see the coverage)",
                               "観測された項目に該当なし（監視範囲を参照）"},
    [SAY_CONTAINS_CANNOT_SAY] = {"cannot say", "判断できません"},
    [SAY_CONTAINS_RATE] =
        {"{0} of {1} items are among those seen leaving. An item that never left is "
         "called so by mistake in at most {2} of cases: of these, {3} expected.",
         "{1} 件中 {0} "
         "件が送出の観測された項目に該当。送出されていない項目が誤って該当とされる"
         "確率は最大 {2}（期待値 {3} 件）です。"},
    [SAY_CONTAINS_NO_FILE] = {"No filter of what left was kept (weir replay --items): it cannot be "
                              "answered.",
                              "送出項目のフィルター（weir replay "
                              "--items）がないため、回答できません。"},
    [SAY_CONTAINS_NOTE] =
        {"Asked of {0}. What left encrypted or cut, or was let go ({1} items), is "
         "in no filter.",
         "照会範囲: {0}。暗号化・切り詰め・容量超過（{1} "
         "件）により見えなかった項目はフィルターに含まれません。"},
    [SAY_CONTAINS_MORE] = {"{0} further items are counted, not listed.",
                           "ほか {0} 件は件数のみ計上しています。"},
    [SAY_ITEM] = {"Item", "項目"},
    [SAY_ANSWER] = {"Answer", "回答"},
    [SAY_CLOCKS] = {"Clocks", "報告期限"},
    [SAY_CLOCKS_AWARE] = {"Counted from {0}, the moment of awareness as entered by {1}.",
                          "{1} が入力した認知時点 {0} から起算しています。"},
    [SAY_CLOCKS_NOT_AWARE] = {"Nobody has entered the moment of awareness: no clock runs in this "
                              "report.",
                              "認知時点が入力されていないため、期限は計算していません。"},
    [SAY_CLOCKS_NONE] = {"No policy file was given.", "期限の定義ファイルが指定されていません。"},
    [SAY_CLOCKS_ADVICE] =
        {"This is arithmetic, not legal advice: whether a duty applies, and from "
         "when it runs, is for people to decide.",
         "これは期限の計算であり、法的助言ではありません。義務の有無と起算点は人が"
         "判断してください。"},
    [SAY_AUTHORITY] = {"To", "報告先"},
    [SAY_DUTY] = {"Duty", "義務"},
    [SAY_ARTICLE] = {"Source", "根拠"},
    [SAY_DUE] = {"Due", "期限"},
    [SAY_IF] = {"When it applies", "適用条件"},
    [SAY_DUE_BETWEEN] = {"{0} to {1}", "{0} ～ {1}"},
    [SAY_DUE_BY] = {"by {0}", "{0} まで"},
    [SAY_FROM_AWARENESS] = {"{0} from awareness", "認知から {0}"},
    [SAY_FROM_DUTY] = {"{0} from “{1}”, at the latest", "「{1}」から {0}（最も遅い場合）"},
    [SAY_HOURS] = {"{0} hours", "{0} 時間"},
    [SAY_DAYS] = {"{0} days", "{0} 日"},
    [SAY_DAYS_RANGE] = {"{0} to {1} days", "{0} ～ {1} 日"},
    [SAY_MONTHS] = {"{0} month(s)", "{0} か月"},
    [SAY_DAY_ONE] = {", the day of awareness being day 1", "（認知した日を 1 日目とする）"},
    [SAY_MANIFEST] = {"Evidence", "証拠"},
    [SAY_MANIFEST_NOTE] =
        {"As evidence/manifest.json lists it. This report has not verified it: weir "
         "evidence verify does.",
         "evidence/manifest.json "
         "の記載による。本報告書では検証していません（weir evidence verify "
         "で検証できます）。"},
    [SAY_MANIFEST_NONE] =
        {"There is no manifest of evidence beside what this report was made from.",
         "報告書の元となったファイルに証拠の目録は含まれていません。"},
    [SAY_MANIFEST_KEY] = {"Signed with the key {0}.", "署名鍵: {0}"},
    [SAY_MANIFEST_KEY_ONCE] =
        {"Signed with a key of that run alone ({0}): it says that nothing "
         "changed, not who signed.",
         "その実行限りの鍵（{0}）で署名。改変がないことのみを示し、署名者は示し"
         "ません。"},
    [SAY_MANIFEST_HEAD] = {"Head of the chain, by summary.json: {0}",
                           "summary.json に記録された連鎖の先頭: {0}"},
    [SAY_KIND] = {"Kind", "種別"},
    [SAY_FILE] = {"File", "ファイル"},
    [SAY_SIZE] = {"Bytes", "バイト数"},
    [SAY_SOURCES] = {"What this report was made from", "報告書の元となったファイル"},
    [SAY_SOURCE_NOT_THERE] = {"not there", "なし"},
    [SAY_INPUTS] = {"What was read, by the summary", "読み取った入力（要約による）"},
    [SAY_PACKETS] = {"Packets", "パケット数"},
    [SAY_CLOSING] =
        {"Amounts are payload bytes, each sequence byte once; units are decimal (1 kB = "
         "1,000 bytes). Texts that strangers chose are shown with their hidden characters "
         "by number, as ⟨U+202E⟩.",
         "量はペイロードのバイト数（再送は一度だけ計上）、単位は十進（1 kB = 1,000 "
         "バイト）です。外部由来の文字列に含まれる不可視文字は ⟨U+202E⟩ "
         "のように番号で表示しています。"},
};

static const char *const code[] = {"no_summary",
                                   "no_flows",
                                   "no_evidence",
                                   "evidence_large",
                                   "span",
                                   "outside_span",
                                   "gap",
                                   "gaps_more",
                                   "no_heartbeat",
                                   "no_heartbeats",
                                   "of_memory",
                                   "blind",
                                   "blind_more",
                                   "drops_unknown",
                                   "drops",
                                   "missing",
                                   "nothing_missing",
                                   "one_sided",
                                   "not_seen_sending",
                                   "encrypted",
                                   "not_recognised",
                                   "cut",
                                   "unread",
                                   "inspection_gap",
                                   "learning",
                                   "not_ready",
                                   "host_unseen",
                                   "inside_guessed",
                                   "neither_inside",
                                   "input_damaged",
                                   "input_lines_unread",
                                   "inputs_damaged",
                                   "input_log",
                                   "input_logs",
                                   "only_about",
                                   "only_from",
                                   "lines_unread",
                                   "bounds",
                                   "beyond",
                                   "silenced",
                                   "one_link",
                                   "more"};
_Static_assert(sizeof code / sizeof *code == SAY_COVER_LAST - SAY_COVER_FIRST + 1,
               "a code for each line of the coverage");

const char *report_say(enum say say, enum report_language language)
{
    return phrase[say][language];
}

const char *report_say_code(enum say say)
{
    return code[say - SAY_COVER_FIRST];
}
