/* Names of MITRE ATT&CK's tactics and techniques by their ids (Enterprise and ICS matrices,
 * attack.mitre.org): the tactics, and those techniques that tell how data leaves. Read-only. */
#ifndef WEIR_ALERT_ATTACK_H
#define WEIR_ALERT_ATTACK_H

/* "TA0010" → "Exfiltration", "T1048.003" → "Exfiltration Over Unencrypted Non-C2 Protocol" (a
 * sub-technique's own name). NULL: not one we know. */
const char *attack_name(const char *id);

#endif
