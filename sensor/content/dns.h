/* What dns.c and dns_answers.c share. Pure. */
#ifndef WEIR_SENSOR_CONTENT_DNS_H
#define WEIR_SENSOR_CONTENT_DNS_H

#include "weir/base/cursor.h"
#include "weir/content/names.h"

/* Steps over a name as it stands (labels, then a zero or a pointer). False: no name. */
bool dns_skip_name(struct cursor *c);
static inline char dns_lower(uint8_t byte)
{
    return (char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
}
/* Text of an unpacked name, as struct dns_message keeps it. */
/* Returns how many of its bytes found no room. */
uint8_t dns_keep_name(const uint8_t *wire, char name[RECORD_NAME_MAX + 1]);
/* What the answer section says. `data` is the whole message, which ns_initparse accepted, `c` is at
 * its first answer, `question` is the first question's name, unpacked. */
void dns_read_answers(const uint8_t *data, struct cursor *c, uint16_t answers,
                      const uint8_t *question, struct dns_message *message);

#endif
