/* What a TLS, DTLS or QUIC handshake says of a flow: names, fingerprints, encrypted DNS, and
 * whether the server's certificate holds the name that the client asked for.
 *
 * The two sides of a flow may be seen in either order, so a certificate's names wait for the
 * hello's, as long as the flow is looked into: a flow that is open for days must not hold what
 * others want to gather. They are charged to CONTENT_GATHER_BYTES; without room they are compared
 * with nothing, counted. A certificate's names prove nothing of who the server is: anybody can
 * write one, and nobody here asks whom it was signed by. That it does not hold the name is what
 * tells.
 *
 * DNS over HTTPS looks like any HTTPS: it is known by the server's name alone, from a list that is
 * never complete, and not at all behind an encrypted hello. DoT and DoQ have ports and ALPNs. */
#include "flow_content.h"
#include "weir/base/buffer.h"
#include "weir/base/certificate.h"

#include <stdlib.h>
#include <string.h>

#define DOT_PORT           853u  /* RFC 7858; DoQ too (RFC 9250) */
#define DOQ_PORT_DRAFT     784u  /* drafts of RFC 9250 */
#define DOQ_PORT_DRAFT_ALT 8853u /* … later ones */

/* --- encrypted DNS -----------------------------------------------------------------------------
 */

/* Well-known public resolvers that speak DNS over HTTPS, by the names their operators publish (many
 * are in the DNSCrypt project's public-resolvers list too), as of 2025. Names below these count. */
static const char *const doh_resolvers[] = {
    "dns.google",
    "dns64.dns.google",
    "cloudflare-dns.com",
    "dns.cloudflare.com",
    "one.one.one.one",
    "cloudflare-gateway.com",
    "dns.quad9.net",
    "dns9.quad9.net",
    "dns10.quad9.net",
    "dns11.quad9.net",
    "dns.adguard-dns.com",
    "dns.adguard.com",
    "dns-family.adguard.com",
    "dns-unfiltered.adguard.com",
    "unfiltered.adguard-dns.com",
    "family.adguard-dns.com",
    "d.adguard-dns.com",
    "doh.opendns.com",
    "doh.familyshield.opendns.com",
    "dns.umbrella.com",
    "dns.nextdns.io",
    "doh.cleanbrowsing.org",
    "dns.mullvad.net",
    "dns.controld.com",
    "freedns.controld.com",
    "doh.dns.sb",
    "dns.alidns.com",
    "doh.pub",
    "doh.360.cn",
    "public.dns.iij.jp",
    "dns.switch.ch",
    "dns.digitale-gesellschaft.ch",
    "ordns.he.net",
    "doh.libredns.gr",
    "doh.ffmuc.net",
    "wikimedia-dns.org",
    "doh.applied-privacy.net",
    "dns.njal.la",
    "doh.xfinity.com",
};

static bool is_below(const char *name, const char *suffix)
{
    size_t size = strlen(name), end = strlen(suffix);
    return size >= end && strcmp(name + size - end, suffix) == 0 &&
           (size == end || name[size - end - 1] == '.');
}

static bool is_resolver(const char *name)
{
    for (size_t i = 0; i < sizeof doh_resolvers / sizeof *doh_resolvers; i++)
        if (is_below(name, doh_resolvers[i]))
            return true;
    return false;
}

static const char *encrypted_dns(const struct content_flow *cf, const struct tls_hello *hello)
{
    bool udp = content_key(cf).proto == PROTO_UDP;
    if (!udp && (content_has_port(cf, DOT_PORT) || strcmp(hello->alpn, "dot") == 0))
        return "dot";
    if (udp && cf->service == SERVICE_QUIC &&
        (content_has_port(cf, DOT_PORT) || content_has_port(cf, DOQ_PORT_DRAFT) ||
         content_has_port(cf, DOQ_PORT_DRAFT_ALT) || strncmp(hello->alpn, "doq", 3) == 0))
        return "doq";
    return is_resolver(hello->server_name) ? "doh" : "";
}

/* --- the certificate ---------------------------------------------------------------------------
 */

void handshake_forget(struct content_flow *cf)
{
    struct facts *facts = cf->facts;
    if (!facts || !facts->certificate)
        return;
    cf->content->gathered_bytes -= strlen(facts->certificate) + 1;
    free(facts->certificate);
    facts->certificate = NULL;
}

static void compare(struct content_flow *cf, const char *names)
{
    struct facts *facts = cf->facts;
    if (*facts->hello_name)
        facts->flags |= certificate_holds(names, facts->hello_name) ? FLOW_CERTIFICATE_HAS_NAME
                                                                    : FLOW_CERTIFICATE_OTHER;
}

/* The first names, as many as fit whole. */
static void tell_names(struct content_flow *cf, const char *names)
{
    char text[RECORD_NAME_MAX + 1];
    size_t size = strlen(names);
    if (size > RECORD_NAME_MAX)
        for (size = RECORD_NAME_MAX; size && names[size] != ',';)
            size--;
    memcpy(text, names, size);
    text[size] = '\0';
    content_text(cf, TEXT_CERTIFICATE, text);
}

static void wait_for_hello(struct content_flow *cf, const char *names)
{
    struct content *content = cf->content;
    if (content->gathered_bytes + strlen(names) + 1 > CONTENT_GATHER_BYTES) {
        content->malformed++;
        return;
    }
    content->gathered_bytes += strlen(names) + 1;
    cf->facts->certificate = xstrdup(names);
}

void content_certificate(struct content_flow *cf, const struct tls_certificate *certificate)
{
    struct facts *facts = content_facts_of(cf);
    struct buffer names = {NULL, 0, 0};
    if (facts->has_certificate)
        return;
    if (!certificate_names(certificate->der, certificate->size, &names)) {
        cf->content->malformed++;
        return;
    }
    facts->has_certificate = true;
    buffer_u8(&names, 0);
    const char *text = (const char *)names.data;
    tell_names(cf, text);
    if (facts->hello_name)
        compare(cf, text);
    else
        wait_for_hello(cf, text);
    buffer_fini(&names);
}

/* --- the hello ---------------------------------------------------------------------------------
 */

static void keep_name(struct content_flow *cf, const char *name)
{
    struct facts *facts = cf->facts;
    if (facts->hello_name)
        return;
    facts->hello_name = xstrdup(name);
    if (facts->certificate)
        compare(cf, facts->certificate);
    handshake_forget(cf);
}

static bool is_whole(const struct tls_hello *hello)
{
    static const uint8_t none[sizeof hello->ja3];
    return memcmp(hello->ja3, none, sizeof none) != 0;
}

void content_hello(struct content_flow *cf, const struct tls_hello *hello)
{
    struct facts *facts = content_facts_of(cf);
    content_server_name(cf, hello->server_name);
    if (*hello->server_name || is_whole(hello))
        keep_name(cf, hello->server_name);
    facts->flags |= hello->flags;
    content_text(cf, TEXT_ALPN, hello->alpn);
    content_text(cf, TEXT_APPLICATION, encrypted_dns(cf, hello));
    content_text(cf, TEXT_JA4, hello->ja4);
    if (!facts->has_ja3 && is_whole(hello)) {
        memcpy(facts->ja3, hello->ja3, sizeof facts->ja3);
        facts->has_ja3 = true;
    }
}

void handshake_free(struct content_flow *cf)
{
    if (!cf->facts)
        return;
    handshake_forget(cf);
    free(cf->facts->hello_name);
}
