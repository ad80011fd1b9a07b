/* Messages that span lines: flight data, and private keys with the beginning of what they hold.
 *
 * ICAO messages: Doc 4444 (PANS-ATM) appendix 3, their fields in order, each in its form. AFTN
 * headings: Annex 10 volume II 4.4. AMHS texts: the IPM heading of Doc 9880. Type B: IATA's
 * (SITATEX's headings, and the classic address and origin lines). SSM and ASM: IATA SSIM chapters 4
 * and 5. SSIM chapter 7: ssim.c. White space is one blank here (collector.h); an expression begins
 * at its anchor, and must say more than it. */
#include "collector.h"

#define ID      "-[A-Z0-9]{2,7}(?:/A[0-7]{4})?" /* 7: who flies */
#define FROM_AT " ?-[A-Z]{4}[0-9]{4}"           /* 13: from where, and when */
#define ICAO(literal, form)                                                                        \
    {                                                                                              \
        CONTENT_FLIGHT, "icao-ats", "(" literal "-", "\\(" literal form "\\)$", ')', 1024          \
    }

#define TYPE_B "(?: ?[A-Z0-9]{7}){1,32} \\.[A-Z]{3}[A-Z0-9]{4} [0-3][0-9][0-2][0-9][0-5][0-9]"
#define SUB_MESSAGE                                                                                \
    " (?:[0-9]{2}[A-Z]{3}[0-9]{5}[A-Z][0-9]{3}[A-Z0-9/]* )?"                                       \
    "(?:NEW|CNL|RIN|RPL|SKD|ADM|CON|EQT|FLT|REV|RSD|TIM|RRT)(?:/[A-Z]{3})?(?: [A-Z]{4})? "         \
    "[A-Z0-9]{2}[A-Z]?[0-9]{3,4}[A-Z]?(?:/[0-9]{2}[A-Z0-9]*)?(?: [^ ]+){0,8}"

#define AMHS(priority)                                                                             \
    {                                                                                              \
        CONTENT_FLIGHT, "amhs", "PRI: " priority,                                                  \
            "PRI: " priority " FT: [0-3][0-9][0-2][0-9][0-5][0-9]\\b", 0, 64                       \
    }
/* RFC 7468's, and the kinds that OpenSSL and OpenSSH write; with the first lines of the key, so
 * that two keys are two (OpenSSH's first line is nearly the same in all). In JSON a line's end is
 * "\n". */
#define LINE_END "(?: |\\\\[nr]){1,4}"
#define KEY(kind, anchor)                                                                          \
    {                                                                                              \
        CONTENT_SETTING, "private-key", anchor,                                                    \
            kind "PRIVATE KEY-----" LINE_END "(?:[A-Z][A-Za-z-]+: [A-Za-z0-9,-]+" LINE_END         \
                 "){0,3}"                                                                          \
                 "[A-Za-z0-9+/]{40,76}(?:" LINE_END "[A-Za-z0-9+/=]{4,76}){0,3}",                  \
            0, 400                                                                                 \
    }

const struct message_row message_rows[] = {
    /* who, rules and kind, aircraft, equipment, from where, speed and level and route, to where */
    {CONTENT_FLIGHT, "icao-fpl", "(FPL-",
     "\\(FPL" ID
     " ?-[IVYZ][SNGMX] ?-[0-9]{0,2}[A-Z][A-Z0-9]{1,3}/[JHML] ?-[A-Z0-9]+/[A-Z0-9]+" FROM_AT
     " ?-[KNM][0-9]{3,4}(?:[FASM][0-9]{3,4}|VFR)[ A-Z0-9/]* ?-[A-Z]{4}[0-9]{4}(?: [A-Z]{4}){0,2}"
     "(?: ?-[^()]*)?\\)$",
     ')', MESSAGE_BYTES_MAX},
    ICAO("CHG", ID "(?:" FROM_AT "|-[A-Z]{4}) ?-[A-Z]{4}(?:[0-9]{4})?(?: ?-[^()]+)"),
    ICAO("DLA", ID FROM_AT " ?-[A-Z]{4}(?:[0-9]{4})?(?: ?-[^()]*)?"),
    ICAO("DEP", ID FROM_AT " ?-[A-Z]{4}(?:[0-9]{4})?(?: ?-[^()]*)?"),
    ICAO("ARR", ID " ?-[A-Z]{4}(?:[0-9]{4})?(?: ?-[A-Z]{4})? ?-[A-Z]{4}[0-9]{4}(?: ?-?[^()]*)?"),
    ICAO("CNL", ID "(?:" FROM_AT "|-[A-Z]{4}) ?-[A-Z]{4}(?:[0-9]{4})?(?: ?-[^()]*)?"),
    /* channel and number, priority, addressees of eight letters, when and by whom */
    {CONTENT_FLIGHT, "aftn", "ZCZC ",
     "ZCZC [A-Z]{2,3}[0-9]{3,4}(?: [0-9]{6,8})? (?:SS|DD|FF|GG|KK)(?: [A-Z]{8}){1,21} "
     "[0-3][0-9][0-2][0-9][0-5][0-9] [A-Z]{8}\\b",
     0, 320},
    AMHS("SS"),
    AMHS("DD"),
    AMHS("FF"),
    AMHS("GG"),
    AMHS("KK"),
    {CONTENT_FLIGHT, "type-b", "=DESTINATION TYPE B",
     "=DESTINATION TYPE B(?: STX,[A-Z0-9]{7}){1,32} =ORIGIN [A-Z0-9]{7}\\b", 0, 640},
    {CONTENT_FLIGHT, "type-b", "\nQU ", "QU" TYPE_B, 0, 384},
    {CONTENT_FLIGHT, "type-b", "\nQN ", "QN" TYPE_B, 0, 384},
    {CONTENT_FLIGHT, "type-b", "\nQK ", "QK" TYPE_B, 0, 384},
    {CONTENT_FLIGHT, "type-b", "\nQD ", "QD" TYPE_B, 0, 384},
    {CONTENT_FLIGHT, "ssm", "SSM\nUTC\n", "SSM UTC" SUB_MESSAGE, 0, 256},
    {CONTENT_FLIGHT, "ssm", "SSM\r\nUTC\r", "SSM UTC" SUB_MESSAGE, 0, 256},
    {CONTENT_FLIGHT, "ssm", "SSM\nLT\n", "SSM LT" SUB_MESSAGE, 0, 256},
    {CONTENT_FLIGHT, "ssm", "SSM\r\nLT\r", "SSM LT" SUB_MESSAGE, 0, 256},
    {CONTENT_FLIGHT, "asm", "ASM\nUTC\n", "ASM UTC" SUB_MESSAGE, 0, 256},
    {CONTENT_FLIGHT, "asm", "ASM\r\nUTC\r", "ASM UTC" SUB_MESSAGE, 0, 256},
    {CONTENT_FLIGHT, "asm", "ASM\nLT\n", "ASM LT" SUB_MESSAGE, 0, 256},
    {CONTENT_FLIGHT, "asm", "ASM\r\nLT\r", "ASM LT" SUB_MESSAGE, 0, 256},
    /* the header of a data set; its legs follow, one a line */
    {CONTENT_FLIGHT, "ssim", "1AIRLINE STANDARD SC", NULL, 0, 0},
    KEY("BEGIN ", "BEGIN PRIVATE KEY-"),
    KEY("BEGIN RSA ", "BEGIN RSA PRIVATE"),
    KEY("BEGIN EC ", "BEGIN EC PRIVATE"),
    KEY("BEGIN DSA ", "BEGIN DSA PRIVATE"),
    KEY("BEGIN OPENSSH ", "BEGIN OPENSSH PRIVAT"),
    KEY("BEGIN ENCRYPTED ", "BEGIN ENCRYPTED PRIV"),
    {CONTENT_SETTING, "private-key", "BEGIN PGP PRIVATE KE",
     "BEGIN PGP PRIVATE KEY BLOCK-----(?: [A-Z][a-z]+: [^:]{0,80}?)? [A-Za-z0-9+/]{40,64}", 0, 256},
    {CONTENT_SETTING, "private-key", "PuTTY-User-Key-File-",
     "PuTTY-User-Key-File-[1-3]: [a-z0-9@.-]+ Encryption: [a-z0-9-]+ Comment: .{0,80}? "
     "Public-Lines: [0-9]+ [A-Za-z0-9+/]{40,64}",
     0, 384},
};
const size_t message_row_count = sizeof message_rows / sizeof *message_rows;
