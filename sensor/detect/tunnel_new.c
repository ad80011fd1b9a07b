/* tunnel.new: a host that is known for days begins to speak a protocol that hides where its traffic
 * goes, or what it asks for: tunnels, anonymisers, DNS inside of TLS. What is one is by name: the
 * content room's for encrypted DNS, libndpi's for tunnels. Pure. */
#include "rows.h"

#include <stdio.h>
#include <strings.h>

#define SCORE_TUNNEL 60
#define SCORE_DNS    50

static const char *const dns[] = {"dot", "doh", "doq", "DoH_DoT", "DNScrypt"};
static const char *const tunnels[] = {
    "WireGuard",  "OpenVPN",         "Tor",     "IPSec",       "PPTP",      "L2TP",
    "SoftEther",  "SOCKS",           "Psiphon", "UltraSurf",   "Tailscale", "ZeroTier",
    "TunnelBear", "Cloudflare_WARP", "Hamachi", "OpenConnect", "CiscoVPN",  "NordVPN",
    "ProtonVPN",  "AnyConnect",      "I2P",
};

static bool is_one_of(const char *application, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(application, list[i]) == 0)
            return true;
    return false;
}

static bool may_fire(const struct subject *subject)
{
    return subject->spoken->application_is_new;
}

static bool judge_flow(const struct subject *subject, struct finding *finding)
{
    const struct spoken *spoken = subject->spoken;
    bool name = is_one_of(spoken->application, dns, sizeof dns / sizeof *dns);
    bool tunnel = is_one_of(spoken->application, tunnels, sizeof tunnels / sizeof *tunnels);
    if (!name && !tunnel)
        return false;
    finding->evidence = 1;
    finding->score = tunnel ? SCORE_TUNNEL : SCORE_DNS;
    finding->reason_count = 1;
    finding->reason[0] = (struct reason){.code = tunnel ? "tunnel.new" : "tunnel.new.dns",
                                         .observed = spoken->port,
                                         .unit = "port",
                                         .weight = 1};
    snprintf(finding->reason[0].text, sizeof finding->reason[0].text,
             "%.30s with %.60s, port %u: this host was not seen to use it before",
             spoken->application, subject->destination->name, spoken->port);
    return true;
}

const struct detector detector_tunnel_new = {
    .id = "tunnel.new",
    .name = "A tunnel or encrypted DNS that is new for a host",
    .kind = SUBJECT_FLOW,
    .tactic = "TA0011",
    .technique = "T1572",
    .needs_history = true,
    .explains =
        "The first flow of a host, known for a week at least, in a protocol that hides where "
        "traffic goes (VPN, Tor, SOCKS) or which names are asked for (DNS over TLS, HTTPS, "
        "QUIC). Known false alarms: a browser that turned encrypted DNS on, remote work.",
    .may = may_fire,
    .judge = judge_flow,
};
