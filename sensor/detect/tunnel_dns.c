/* tunnel.dns: more information in what was asked for under a domain than looking names up needs.
 *
 * After Paxson et al. ("Practical comprehensive bounds on surreptitious communication over DNS",
 * USENIX Security 2013): whatever a tunnel writes into names, it can carry no more than what the
 * distinct names, and the order in which they come, can tell apart; 4 kB a day of that is more than
 * a client needs of nearly any domain. What the engine leaves out (struct asked_names) are names
 * that led somewhere. A domain that a large part of the site asks for is a service (anti-virus,
 * blocklists, telemetry): its names carry what it is for, so one client must say sixteen times as
 * much. That holds only for questions to servers which others use too: who runs the server that is
 * asked can be asked for any name. Pure. */
#include "rows.h"

#include <math.h>
#include <stdio.h>

#define NEEDS_BYTES  4000.0 /* a day */
#define WIDELY_TIMES 16.0
#define ORDER_TIMES  4.0 /* storms of the same few failing names order them too */
#define ALL_TIMES    2.0 /* many clients, each below */
#define SCORE_FIRST  70
#define SCORE_DECADE 15

static double information(const struct asked_names *asked)
{
    return asked->names_bytes + asked->order_bytes;
}

static double needs(const struct asked_names *asked)
{
    double times = asked->all_clients ? ALL_TIMES : 1;
    if (asked->order_bytes > asked->names_bytes)
        times *= ORDER_TIMES;
    if (asked->widely && !asked->own_server)
        times *= WIDELY_TIMES;
    /* a service of thousands: as much a client as is told of one alone */
    if (asked->widely && asked->all_clients)
        times = fmax(times, (double)asked->clients);
    return times * NEEDS_BYTES;
}

static void say_names(const struct asked_names *asked, struct reason *reason)
{
    char bytes[BYTES_TEXT_SIZE], names[COUNT_TEXT_SIZE], questions[COUNT_TEXT_SIZE], by[64] = "";
    double seconds = (double)(asked->until.ns - asked->from.ns) / NS_PER_S;
    if (asked->all_clients)
        snprintf(by, sizeof by, " by %llu clients together", (unsigned long long)asked->clients);
    snprintf(reason->text, sizeof reason->text,
             "about %s in %s questions (%s distinct names that led to no connection) for "
             "%.60s%s within %.*f %s: names carry data",
             bytes_text((uint64_t)information(asked), bytes),
             count_text(asked->questions, questions),
             count_text((uint64_t)llround(asked->unexplained), names), asked->domain, by,
             seconds < 7200 ? 0 : 1, seconds < 7200 ? ceil(seconds / 60) : seconds / 3600,
             seconds < 7200 ? "min" : "h");
}

static void say_answers(const struct asked_names *asked, struct finding *finding)
{
    char bytes[BYTES_TEXT_SIZE], answers[COUNT_TEXT_SIZE];
    struct reason *reason = &finding->reason[finding->reason_count++];
    *reason = (struct reason){
        .code = "tunnel.dns.answers", .observed = (double)asked->answer_bytes, .unit = "byte"};
    snprintf(reason->text, sizeof reason->text,
             "%s came back in answers, %s of them of types that hold no address (TXT, NULL, MX, "
             "SRV, …)",
             bytes_text(asked->answer_bytes, bytes), count_text(asked->odd_answers, answers));
}

static bool judge_questions(const struct subject *subject, struct finding *finding)
{
    const struct asked_names *asked = subject->asked;
    double bytes = floor(information(asked));
    if (bytes < needs(asked) || (asked->all_clients && asked->clients < 2))
        return false;
    double decades = log10(bytes / needs(asked));
    finding->evidence = bytes;
    finding->score = (int)fmin(100.0, floor(SCORE_FIRST + SCORE_DECADE * decades + 1e-9));
    finding->needs = needs(asked);
    finding->needs_unit = "byte";
    finding->reason_count = 1;
    finding->reason[0] =
        (struct reason){.code = asked->all_clients ? "tunnel.dns.all_clients" : "tunnel.dns.names",
                        .observed = bytes,
                        .unit = "byte",
                        .weight = 1,
                        .samples = (double)asked->questions};
    say_names(asked, &finding->reason[0]);
    if (asked->answer_bytes > 0)
        say_answers(asked, finding);
    return true;
}

const struct detector detector_tunnel_dns = {
    .id = "tunnel.dns",
    .name = "Data in DNS names",
    .kind = SUBJECT_QUESTIONS,
    .tactic = "TA0010",
    .technique = "T1048",
    .subtechnique = "T1048.003",
    .wakes = true,
    .explains =
        "Information, in bytes, in the names that a client (or all clients together) asked for "
        "under one registrable domain within a day: distinct names, and the order of repeated "
        "ones. Names that led to a connection, and reversed addresses of hosts that were met, do "
        "not count. Known false alarms: look-ups of file hashes or addresses by a few hosts alone "
        "(anti-virus, blocklists, reputation services) until a fifth of the clients use them; a "
        "recursive resolver of a large site whose clients' connections are not seen.",
    .judge = judge_questions,
};
