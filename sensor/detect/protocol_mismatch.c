/* protocol.mismatch: what is spoken is not what the port promises, or leaves out what the protocol
 * demands.
 *
 * A port that firewalls let through is worth speaking something else on, so only ports that promise
 * one thing are looked at (IANA's registry). An HTTP/3 client must name the server unless that is a
 * bare address (RFC 9114 3.2), and comes to HTTP/3 by a name's Alt-Svc or HTTPS record as a rule:
 * who offers h3 and names nobody is a program that was given an address, as command channels are.
 * For TLS over TCP the same is far too common among appliances to say anything. A pair that is
 * known for days speaks as it does: that is how it is set up. Pure. */
#include "rows.h"

#include <stdio.h>
#include <string.h>

#define SCORE_SHELL    65 /* SSH forwards anything */
#define SCORE_NAMELESS 60
#define SCORE_OTHER    55
#define SPOKEN_MAX     4

static const struct {
    uint16_t port;
    enum service promised[SPOKEN_MAX]; /* the rest SERVICE_NONE */
} ports[] = {
    {21, {SERVICE_FTP, SERVICE_TLS}},
    {22, {SERVICE_SSH}},
    {25, {SERVICE_SMTP, SERVICE_TLS}},
    {53, {SERVICE_DNS}},
    {80, {SERVICE_HTTP, SERVICE_HTTP2, SERVICE_WEBSOCKET}},
    {110, {SERVICE_POP3, SERVICE_TLS}},
    {123, {SERVICE_NTP}},
    {143, {SERVICE_IMAP, SERVICE_TLS}},
    {443, {SERVICE_TLS, SERVICE_QUIC, SERVICE_HTTP2}},
    {465, {SERVICE_TLS, SERVICE_SMTP}},
    {587, {SERVICE_SMTP, SERVICE_TLS}},
    {853, {SERVICE_TLS, SERVICE_QUIC, SERVICE_DNS}},
    {993, {SERVICE_TLS, SERVICE_IMAP}},
    {995, {SERVICE_TLS, SERVICE_POP3}},
};

/* The row of a port that promises something else; −1: none does. */
static int broken_promise(const struct spoken *spoken)
{
    /* a transfer's port is anybody's choice */
    if (spoken->service == SERVICE_NONE || spoken->service == SERVICE_FTP_DATA)
        return -1;
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        if (ports[i].port != spoken->port)
            continue;
        for (size_t s = 0; s < SPOKEN_MAX; s++)
            if (ports[i].promised[s] == spoken->service)
                return -1;
        return (int)i;
    }
    return -1;
}

static bool is_nameless(const struct spoken *spoken)
{
    return spoken->service == SERVICE_QUIC && strncmp(spoken->alpn, "h3", 2) == 0 &&
           !spoken->names_server;
}

static void say_port(const struct subject *subject, int row, struct finding *finding)
{
    const struct spoken *spoken = subject->spoken;
    struct reason *reason = &finding->reason[0];
    reason->code = "protocol.mismatch.port";
    finding->score = spoken->service == SERVICE_SSH ? SCORE_SHELL : SCORE_OTHER;
    snprintf(reason->text, sizeof reason->text,
             "%s was spoken with port %u of %.60s, which is for %s", service_name[spoken->service],
             spoken->port, subject->destination->name, service_name[ports[row].promised[0]]);
}

static void say_nameless(const struct subject *subject, struct finding *finding)
{
    struct reason *reason = &finding->reason[0];
    reason->code = "protocol.mismatch.nameless";
    finding->score = SCORE_NAMELESS;
    snprintf(
        reason->text, sizeof reason->text,
        "HTTP/3 (QUIC) with %.60s, port %u, without saying which server is meant: browsers and "
        "applications do, programs that were given a bare address do not",
        subject->destination->name, subject->spoken->port);
}

static bool may_fire(const struct subject *subject)
{
    return broken_promise(subject->spoken) >= 0 || is_nameless(subject->spoken);
}

static bool judge_flow(const struct subject *subject, struct finding *finding)
{
    int row = broken_promise(subject->spoken);
    if (survival_pair_known(subject->pair, subject->civil.hour))
        return false;
    finding->reason[0] =
        (struct reason){.observed = subject->spoken->port, .unit = "port", .weight = 1};
    finding->reason_count = 1;
    finding->evidence = 1;
    if (row >= 0)
        say_port(subject, row, finding);
    else
        say_nameless(subject, finding);
    return true;
}

const struct detector detector_protocol_mismatch = {
    .id = "protocol.mismatch",
    .name = "A protocol where it does not belong",
    .kind = SUBJECT_FLOW,
    .tactic = "TA0011",
    .technique = "T1571",
    .explains =
        "A flow that an inside host opened, whose protocol (known by its bytes) is not the one its "
        "port is for, or an HTTP/3 client that names no server. Not told of destinations the host "
        "has known for days. Known false alarms: services that somebody put on another port on "
        "purpose (SSH on 443), HTTP in clear on 443, DNS over HTTP/3 set up by a bare address.",
    .may = may_fire,
    .judge = judge_flow,
};
