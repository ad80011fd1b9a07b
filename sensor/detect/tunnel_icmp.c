/* tunnel.icmp: echo payloads that are no ordinary ping's, so many or so large that they carry data.
 * A ping's payload is dull (flow/echo.c says what that means); a tunnel is neither silent nor dull.
 * Pure. */
#include "rows.h"

#include <math.h>
#include <stdio.h>

#define NEEDS_BYTES    65536.0 /* a day */
#define NEEDS_PAYLOADS 100.0   /* an hour */
#define SCORE_FIRST    65
#define SCORE_DECADE   15

static void say(const struct subject *subject, bool by_bytes, struct reason *reason)
{
    char bytes[BYTES_TEXT_SIZE], payloads[COUNT_TEXT_SIZE];
    bytes_text(subject->echoes->bytes, bytes);
    count_text(subject->echoes->payloads, payloads);
    if (by_bytes)
        snprintf(reason->text, sizeof reason->text,
                 "%s left for %.60s in ICMP echo payloads that are no ping's within a day", bytes,
                 subject->destination->name);
    else
        snprintf(reason->text, sizeof reason->text,
                 "%s different ICMP echo payloads that are no ping's left for %.60s within an hour",
                 payloads, subject->destination->name);
}

static bool judge_echoes(const struct subject *subject, struct finding *finding)
{
    const struct echoes *echoes = subject->echoes;
    double bytes = (double)echoes->bytes / NEEDS_BYTES;
    double payloads = (double)echoes->payloads / NEEDS_PAYLOADS;
    bool by_bytes = bytes >= payloads;
    double times = by_bytes ? bytes : payloads;
    if (times <= 1)
        return false;
    finding->evidence = times;
    finding->score = (int)fmin(100.0, floor(SCORE_FIRST + SCORE_DECADE * log10(times) + 1e-9));
    finding->needs = by_bytes ? NEEDS_BYTES : NEEDS_PAYLOADS;
    finding->needs_unit = by_bytes ? "byte" : "payload";
    finding->reason_count = 1;
    finding->reason[0] =
        (struct reason){.code = by_bytes ? "tunnel.icmp.bytes" : "tunnel.icmp.payloads",
                        .observed = (double)(by_bytes ? echoes->bytes : echoes->payloads),
                        .unit = finding->needs_unit,
                        .weight = 1};
    say(subject, by_bytes, &finding->reason[0]);
    return true;
}

const struct detector detector_tunnel_icmp = {
    .id = "tunnel.icmp",
    .name = "Data in ICMP echo",
    .kind = SUBJECT_ECHOES,
    .tactic = "TA0010",
    .technique = "T1048",
    .subtechnique = "T1048.003",
    .wakes = true,
    .explains =
        "ICMP echo requests and replies that leave with payloads which follow no pattern and "
        "differ from one another: bytes a day, payloads an hour, of a host and an address. "
        "Known false alarms: measuring tools that fill pings with random bytes. Blind to "
        "payloads of 24 bytes or less, and to other ICMP types.",
    .judge = judge_echoes,
};
