/* What systems' settings and secrets look like, a line each. Keys that span lines: flight.c.
 *
 * Precision before recall: a row asks for the key and for a value in its form, and where a word is
 * one of everyday language, for the line's beginning. Of each group, why it rarely matches by
 * chance. Every match of a row holds the row's anchor: where no anchor stands nothing is tried.
 * Blanks before something that blanks fit too are possessive, and labels of a name bounded: a line
 * of them would otherwise cost their square, or have the row set aside (pattern.h).
 */
#include "search.h"

#define SETTING(label, anchor, pattern)                                                            \
    {                                                                                              \
        CONTENT_SETTING, label, pattern, anchor                                                    \
    }
#define NOT_WORD "(?<![A-Za-z0-9_-])"
#define ASSIGN   "[ \\t]*[=:][ \\t]*"
#define HOST     "\\[?[A-Za-z0-9][A-Za-z0-9-]*+(?:\\.[A-Za-z0-9-]++){1,16}+\\]?"
#define USER     "^[a-z_][a-z0-9_-]{0,31}\\$?:"
#define PASSWD(shell)                                                                              \
    USER "[x*!]:[0-9]{1,10}:[0-9]{1,10}:[^:]{0,80}:/[^: ]{0,80}:/" shell "/[^: ]{1,60}$"
#define SHADOW(kind)    USER "\\$" kind "\\$[^:]{8,160}:[0-9]{0,6}:[0-9]{0,6}:[0-9]{0,6}:"
#define AWS_SECRET      ASSIGN "[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=])"
#define TOKEN_END       "(?![A-Za-z0-9_-])"
#define MEMBER          "[ \\t]*:[ \\t]*\""
#define MAIL_HOST(duty) "\"(?:host|hostname|server)\"" MEMBER duty "[0-9a-z-]*\\.[A-Za-z0-9.-]+\""

const struct pattern_row setting_rows[] = {
    /* Tokens: a prefix that its issuer chose to be found by, and all of the length he gives it. */
    SETTING("aws-key", "AKIA", NOT_WORD "AKIA[A-Z2-7]{16}" TOKEN_END),
    SETTING("aws-key", "ASIA", NOT_WORD "ASIA[A-Z2-7]{16}" TOKEN_END),
    SETTING("github-token", "ghp_", NOT_WORD "ghp_[A-Za-z0-9]{36}" TOKEN_END),
    SETTING("github-token", "gho_", NOT_WORD "gho_[A-Za-z0-9]{36}" TOKEN_END),
    SETTING("github-token", "ghs_", NOT_WORD "ghs_[A-Za-z0-9]{36}" TOKEN_END),
    SETTING("github-token", "github_pat_", NOT_WORD "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    SETTING("gitlab-token", "glpat-", NOT_WORD "glpat-[A-Za-z0-9_-]{20,64}" TOKEN_END),
    SETTING("slack-token", "xoxb-", NOT_WORD "xoxb-[0-9]{9,14}-[0-9]{9,14}-[A-Za-z0-9]{20,40}"),
    SETTING("slack-token", "xoxp-", NOT_WORD "xoxp-(?:[0-9]{9,14}-){2,3}[a-f0-9]{28,40}"),
    SETTING("google-key", "AIza", NOT_WORD "AIza[A-Za-z0-9_-]{35}" TOKEN_END),
    SETTING("stripe-key", "sk_live_", NOT_WORD "sk_live_[A-Za-z0-9]{24,200}"),
    SETTING("stripe-key", "rk_live_", NOT_WORD "rk_live_[A-Za-z0-9]{24,200}"),
    /* RFC 7519: two JSON objects in base64url, and a signature; of long ones, the beginning. */
    SETTING("jwt", ".eyJ", NOT_WORD "eyJ[A-Za-z0-9_-]{10,128}\\.eyJ[A-Za-z0-9_-]{20,120}"),

    /* Mail hosts: keys of main.cf, master.cf, sendmail.cf, dovecot and exim, with a value. */
    SETTING("mail-host", "smtpd_", "^smtpd_[a-z_]{4,40} ?= ?[a-z$/].*"),
    SETTING("mail-host", "relayhost", "^relayhost[ \\t]*=[ \\t]*" HOST ".*"),
    SETTING("mail-host", "mydestination", "^mydestination[ \\t]*=[ \\t]*[$A-Za-z].*"),
    SETTING("mail-host", "mynetworks", "^mynetworks[ \\t]*=[ \\t]*[0-9\\[].*"),
    SETTING("mail-host", "virtual_alias_maps", "^virtual_alias_maps[ \\t]*=[ \\t]*[a-z]+:/.*"),
    SETTING("mail-host", "smtp_sasl_password_m",
            "^smtp_sasl_password_maps[ \\t]*=[ \\t]*[a-z]+:.*"),
    SETTING("mail-host", "smtpd",
            "^(?:smtps?|submission|[0-9]+)[ \\t]+inet[ \\t]+[ny-][ \\t].*[ \\t]smtpd"),
    SETTING("mail-host", "Mlocal,", "^Mlocal,[ \\t]+P=.*"),
    SETTING("mail-host", "MAILER(", "^MAILER\\([`\"]?[a-z]+[`'\"]?\\)"),
    SETTING("mail-host", "SMART_HOST", "^define\\([`\"]SMART_HOST['\"]?,.*"),
    SETTING("mail-host", "mail_location", "^[ \\t]*mail_location[ \\t]*=[ \\t]*(?:m|s)[a-z]+:.*"),
    SETTING("mail-host", "route_list", "^[ \\t]*route_list[ \\t]*=[ \\t]*+[^ ]+ .*"),
    SETTING("mail-host", "mail.smtp.host", "mail\\.smtp\\.host\"?" ASSIGN "\"?" HOST),
    SETTING("mail-host", "smtp_host", NOT_WORD "smtp_host[\"']?" ASSIGN "[\"']?" HOST),
    SETTING("mail-host", "SMTP_HOST", NOT_WORD "SMTP_HOST[\"']?" ASSIGN "[\"']?" HOST),
    SETTING("mail-host", "smtp_server", NOT_WORD "smtp_server[\"']?" ASSIGN "[\"']?" HOST),

    /* … and as web tools hand them out: a member of JSON with a host named after its duty. */
    SETTING("mail-host", "\"smtp", MAIL_HOST("smtp")),
    SETTING("mail-host", "\"imap", MAIL_HOST("imap")),
    SETTING("mail-host", "\"relay", MAIL_HOST("relay")),
    /* A word of an interface in a translation looks like a password: it counts with others only. */
    SETTING("credential", "\"password\"", "\"password\"" MEMBER "(?![<{*$%])[^\" ]{4,100}\""),

    /* Accounts: seven fields, nine fields. */
    SETTING("passwd", ":/bin/", PASSWD("bin")),
    SETTING("passwd", ":/sbin/", PASSWD("sbin")),
    SETTING("passwd", ":/usr/", PASSWD("usr")),
    SETTING("shadow", ":$6$", SHADOW("6")),
    SETTING("shadow", ":$y$", SHADOW("y")),
    SETTING("shadow", ":$5$", SHADOW("5")),
    SETTING("shadow", ":$1$", SHADOW("1")),

    /* sshd_config: its keys are nobody's words. */
    SETTING("ssh-server", "PermitRootLogin",
            "^[ \\t]*PermitRootLogin[ \\t]+(?:yes|no|prohibit-password|forced-commands-only|"
            "without-password)[ \\t]*$"),
    SETTING("ssh-server", "AuthorizedKeysFile", "^[ \\t]*AuthorizedKeysFile[ \\t]+[.%/].*"),
    SETTING("ssh-server", "Subsystem", "^Subsystem[ \\t]+sftp[ \\t]+[/i].*"),

    /* Windows registry exports: the first line of each key. */
    SETTING("registry", "[HKEY_",
            "^\\[HKEY_(?:LOCAL_MACHINE|CURRENT_USER|USERS|CLASSES_ROOT)\\\\.*\\]$"),

    /* Routers: Cisco's and Juniper's statements, each with a hash, a community or an address. */
    SETTING("router", "enable secret ", "^enable secret (?:[0-9] )?[^ ]{4,}"),
    SETTING("router", "enable password ", "^enable password (?:[0-9] )?[^ ]{4,}"),
    SETTING("router", "secret 5 $1$", "^username [^ ]+ .*secret 5 \\$1\\$.*"),
    SETTING("router", "ip address ",
            "^ ip address [0-9.]{7,15} 255\\.[0-9.]{5,11}(?: secondary)?$"),
    SETTING("router", "encrypted-password ", "encrypted-password \"\\$[0-9a-z]+\\$[^\"]+\""),
    SETTING("snmp-community", "snmp-server communit",
            "^snmp-server community [^ ]+(?: (?:RO|RW).*)?$"),
    SETTING("snmp-community", "rocommunity", "^rocommunity6?[ \\t]+[^ \\t].*"),
    SETTING("snmp-community", "rwcommunity", "^rwcommunity6?[ \\t]+[^ \\t].*"),

    /* Web servers: directives that take a path or an address. */
    SETTING("web-server", "proxy_pass", "^[ \\t]*proxy_pass[ \\t]+(?:https?|unix|\\$)[^;]*;"),
    SETTING("web-server", "ssl_certificate_key", "^[ \\t]*ssl_certificate_key[ \\t]++[^; ]+;"),
    SETTING("web-server", "<VirtualHost ", "^[ \\t]*<VirtualHost [^>]+:[0-9*]+>"),
    SETTING("web-server", "SSLCertificateKeyFil", "^[ \\t]*SSLCertificateKeyFile[ \\t]+[^ ].*"),

    /* Directories. */
    SETTING("ldap-bind", "bindpw", "^[ \\t]*bindpw[ \\t]+[^ ].*"),
    SETTING("ldap-bind", "olcRootPW:", "^olcRootPW::? [^ ].*"),
    SETTING("ldap-bind", "bind_password", NOT_WORD "bind_password[\"']?" ASSIGN "[^ ].{3,80}"),

    /* Databases with the password in the URL; environments with one in a variable. */
    SETTING("database-url", "postgres",
            NOT_WORD "postgres(?:ql)?://[^:@/ ]{1,64}:[^@/ ]{1,64}@[A-Za-z0-9\\[]"),
    SETTING("database-url", "mysql://",
            NOT_WORD "mysql://[^:@/ ]{1,64}:[^@/ ]{1,64}@[A-Za-z0-9\\[]"),
    SETTING("database-url", "mongodb",
            NOT_WORD "mongodb(?:\\+srv)?://[^:@/ ]{1,64}:[^@/ ]{1,64}@[A-Za-z0-9]"),
    SETTING("database-url", "redis",
            NOT_WORD "rediss?://[^:@/ ]{0,64}:[^@/ ]{1,64}@[A-Za-z0-9\\[]"),
    SETTING("database-url", "amqp", NOT_WORD "amqps?://[^:@/ ]{1,64}:[^@/ ]{1,64}@[A-Za-z0-9\\[]"),
    SETTING("environment", "PASSWORD=",
            "^(?:export )?[A-Z][A-Z0-9_]{0,60}PASSWORD=(?![$<{*%]|[\"']?[ \\t]*$)[^ ].{3,100}"),
    SETTING("environment", "SECRET_KEY=",
            "^(?:export )?[A-Z0-9_]{0,60}SECRET_KEY=(?![$<{*%]|[\"']?[ \\t]*$)[^ ].{7,100}"),
    SETTING("aws-key", "AWS_SECRET_ACCESS_KE", NOT_WORD "AWS_SECRET_ACCESS_KEY" AWS_SECRET),
    SETTING("aws-key", "aws_secret_access_ke", NOT_WORD "aws_secret_access_key" AWS_SECRET),
};
const size_t setting_row_count = sizeof setting_rows / sizeof *setting_rows;
