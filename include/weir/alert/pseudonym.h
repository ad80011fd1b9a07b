/* Pseudonyms in the place of inside hosts, in what leaves Weir for people and sinks
 * (privacy.pseudonyms). The journal, the baseline and a replay's folder keep addresses.
 *
 *   host-7k3q9xw2ab   an inside address, a device's MAC or DHCP identifier: 50 bits of HMAC-SHA256
 *   flow-0c4m2p8fzn   a Community ID, which would be undone by trying all addresses: likewise
 *
 * They are keyed, so that who has not the key cannot undo them by trying, and stable for as long as
 * the key is. Of 65,536 hosts two share one with a probability of 2e-6, of a million 4e-4: nothing
 * is told apart by them but by people, and `weir privacy reveal` names every address that has it.
 *
 * What is inside is decided by networks.inside alone: an address has no VLAN where it is written,
 * so what is inside anywhere is hidden everywhere. Pure but for the key; any thread. */
#ifndef WEIR_ALERT_PSEUDONYM_H
#define WEIR_ALERT_PSEUDONYM_H

#include "weir/base/inside.h"

#define PSEUDONYM_SIZE     16 /* with its NUL */
#define PSEUDONYM_KEY_SIZE 32

struct pseudonyms;
struct pseudonyms *pseudonyms_new(const uint8_t key[PSEUDONYM_KEY_SIZE],
                                  const struct inside *inside);
void pseudonyms_free(struct pseudonyms *pseudonyms);
/* Whether this address, or device, is written as a pseudonym. */
bool pseudonyms_hide(const struct pseudonyms *pseudonyms, const struct ip *ip);
/* Of any address. */
char *pseudonym_of(const struct pseudonyms *pseudonyms, const struct ip *ip,
                   char text[PSEUDONYM_SIZE]);
/* Whether `text` has the form of a host's. */
bool pseudonym_is(const char *text);

/* Any text with every inside address, MAC and Community ID in it replaced; malloc'd, ends with NUL.
 * Networks ("10.0.0.0/8") stay: they are nobody's. */
char *pseudonyms_text(const struct pseudonyms *pseudonyms, const char *text, size_t size);
/* A record of the journal likewise, as ECS wants it: a field of type ip that is hidden is left out,
 * and its pseudonym stands in `address` beside (of related.ip: in related.hosts); MACs and
 * network.community_id are left out. What is no JSON is taken for text. malloc'd, one line. */
char *pseudonyms_line(const struct pseudonyms *pseudonyms, const char *line, size_t size);

/* Every address in a text, as pseudonyms_text finds them (inside or not). */
void pseudonyms_each(const char *text, size_t size,
                     void (*each)(void *context, const struct ip *ip), void *context);

#endif
