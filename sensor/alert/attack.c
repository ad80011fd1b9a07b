/* ATT&CK's names. An operator's rule may name any technique; one that is not here is told by its id
 * alone. Thread: any (read-only). */
#include "weir/alert/attack.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *id, *name;
} row[] = {
    {"TA0001", "Initial Access"},
    {"TA0002", "Execution"},
    {"TA0003", "Persistence"},
    {"TA0004", "Privilege Escalation"},
    {"TA0005", "Defense Evasion"},
    {"TA0006", "Credential Access"},
    {"TA0007", "Discovery"},
    {"TA0008", "Lateral Movement"},
    {"TA0009", "Collection"},
    {"TA0010", "Exfiltration"},
    {"TA0011", "Command and Control"},
    {"TA0040", "Impact"},
    {"TA0042", "Resource Development"},
    {"TA0043", "Reconnaissance"},
    {"TA0100", "Collection"}, /* from here on ICS */
    {"TA0101", "Command and Control"},
    {"TA0102", "Discovery"},
    {"TA0103", "Evasion"},
    {"TA0104", "Execution"},
    {"TA0105", "Impact"},
    {"TA0106", "Impair Process Control"},
    {"TA0107", "Inhibit Response Function"},
    {"TA0108", "Initial Access"},
    {"TA0109", "Lateral Movement"},
    {"TA0110", "Persistence"},
    {"TA0111", "Privilege Escalation"},
    {"T0801", "Monitor Process State"},
    {"T0802", "Automated Collection"},
    {"T0811", "Data from Information Repositories"},
    {"T0855", "Unauthorized Command Message"},
    {"T0869", "Standard Application Layer Protocol"},
    {"T0882", "Theft of Operational Information"},
    {"T0883", "Internet Accessible Device"},
    {"T0884", "Connection Proxy"},
    {"T0885", "Commonly Used Port"},
    {"T0886", "Remote Services"},
    {"T0888", "Remote System Information Discovery"},
    {"T0893", "Data from Local System"},
    {"T1001", "Data Obfuscation"},
    {"T1005", "Data from Local System"},
    {"T1008", "Fallback Channels"},
    {"T1011", "Exfiltration Over Other Network Medium"},
    {"T1020", "Automated Exfiltration"},
    {"T1020.001", "Traffic Duplication"},
    {"T1029", "Scheduled Transfer"},
    {"T1030", "Data Transfer Size Limits"},
    {"T1039", "Data from Network Shared Drive"},
    {"T1041", "Exfiltration Over C2 Channel"},
    {"T1046", "Network Service Discovery"},
    {"T1048", "Exfiltration Over Alternative Protocol"},
    {"T1048.001", "Exfiltration Over Symmetric Encrypted Non-C2 Protocol"},
    {"T1048.002", "Exfiltration Over Asymmetric Encrypted Non-C2 Protocol"},
    {"T1048.003", "Exfiltration Over Unencrypted Non-C2 Protocol"},
    {"T1071", "Application Layer Protocol"},
    {"T1071.001", "Web Protocols"},
    {"T1071.002", "File Transfer Protocols"},
    {"T1071.003", "Mail Protocols"},
    {"T1071.004", "DNS"},
    {"T1074", "Data Staged"},
    {"T1074.001", "Local Data Staging"},
    {"T1074.002", "Remote Data Staging"},
    {"T1078", "Valid Accounts"},
    {"T1090", "Proxy"},
    {"T1095", "Non-Application Layer Protocol"},
    {"T1102", "Web Service"},
    {"T1114", "Email Collection"},
    {"T1119", "Automated Collection"},
    {"T1132", "Data Encoding"},
    {"T1199", "Trusted Relationship"},
    {"T1213", "Data from Information Repositories"},
    {"T1530", "Data from Cloud Storage"},
    {"T1537", "Transfer Data to Cloud Account"},
    {"T1560", "Archive Collected Data"},
    {"T1560.001", "Archive via Utility"},
    {"T1567", "Exfiltration Over Web Service"},
    {"T1567.001", "Exfiltration to Code Repository"},
    {"T1567.002", "Exfiltration to Cloud Storage"},
    {"T1567.003", "Exfiltration to Text Storage Sites"},
    {"T1567.004", "Exfiltration Over Webhook"},
    {"T1568", "Dynamic Resolution"},
    {"T1571", "Non-Standard Port"},
    {"T1572", "Protocol Tunneling"},
    {"T1573", "Encrypted Channel"},
    {"T1602", "Data from Configuration Repository"},
};

const char *attack_name(const char *id)
{
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (strcmp(row[i].id, id) == 0)
            return row[i].name;
    return NULL;
}
