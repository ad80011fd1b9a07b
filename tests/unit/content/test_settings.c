/* Settings, secrets and flight data: what they look like, and what only looks alike. */
#include "../../../sensor/content/collector.h"
#include "../../../sensor/content/search.h"
#include "finds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct finds finds;
static struct hash_key key;
static struct search_shared *shared[2]; /* with vectorscan's first look, and without */

/* In pieces of `most` bytes, by shared[slow]. */
static void run(const char *text, size_t size, size_t most, int slow)
{
    struct finder finder = {NULL, on_find, &finds};
    struct search *search = search_new(shared[slow], &finder);
    finds_clear(&finds);
    for (size_t at = 0; at < size; at += most)
        search_put(search, (const uint8_t *)text + at, size - at < most ? size - at : most);
    search_finish(search);
    search_free(search);
}

static void expect(const char *text, const char *expected)
{
    static const size_t most[] = {1, 5, 64, 1460, 1 << 20};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++)
        for (int slow = 0; slow < 2; slow++) {
            run(text, strlen(text), most[i], slow);
            assert_string_equal(finds.log, expected);
        }
}

static void test_tokens(void **state)
{
    (void)state;
    finds.brief = true;
    expect("key=AKIAIOSFODNN7EXAMPLE", "setting:aws-key[] ");
    expect("xAKIAIOSFODNN7EXAMPLE", "");
    expect("AKIAIOSFODNN7EXAMPLE7", "");
    expect("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
           "setting:aws-key[] ");
    expect("token ghp_0123456789abcdefghijABCDEFGHIJ012345 ", "setting:github-token[] ");
    expect("token ghp_0123456789abcdefghijABCDEFGHIJ01234", "");
    expect("glpat-abcdefghij0123456789", "setting:gitlab-token[] ");
    expect("AIzaSyA-0123456789abcdefghijABCDEFGHIJk", "setting:google-key[] ");
    expect("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
           "setting:jwt[] ");
    expect("eyJhbGciOiJIUzI1NiJ9", "");
    expect("sk_live_0123456789abcdefABCDEF01", "setting:stripe-key[] ");
    expect("sk_test_0123456789abcdefABCDEF01", "");
}

static void test_keys(void **state)
{
    (void)state;
    finds.brief = true;
    expect("-----BEGIN RSA PRIVATE KEY-----\r\n"
           "MIIEpAIBAAKCAQEAt0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJK\r\n",
           "setting:private-key[] ");
    expect("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n",
           "setting:private-key[] ");
    expect("{\"key\": \"-----BEGIN EC PRIVATE KEY-----\\nMHcCAQEEIIGxxxxxxxxxxxxxxxxxxxxxxxx"
           "xxxxxxxxxxx\\n\"}",
           "setting:private-key[] ");
    expect("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00ff\n"
           "\nMIIEpAIBAAKCAQEAt0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJK\n",
           "setting:private-key[] ");
    expect("a line such as -----BEGIN RSA PRIVATE KEY----- begins a key", "");
    expect("-----BEGIN PUBLIC KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n", "");
    /* Two keys that begin alike are two. */
    run("-----BEGIN OPENSSH PRIVATE KEY-----\n"
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\nQyNTUxOQAAACA1\n"
        "-----END\n-----BEGIN OPENSSH PRIVATE KEY-----\n"
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\nQyNTUxOQAAACA2\n",
        253, 1000, 0);
    assert_int_equal(finds.count, 2);
    assert_true(finds.hash[0] != finds.hash[1]);
}

static void test_hosts(void **state)
{
    (void)state;
    finds.brief = false;
    expect("relayhost = [smtp.example.com]:587\n# relayhost = no\n",
           "setting:mail-host[relayhost = [smtp.example.com]:587] ");
    expect("the relayhost is smtp.example.com", "");
    expect("mail.smtp.host=smtp.example.com",
           "setting:mail-host[mail.smtp.host=smtp.example.com] ");
    expect("{\"smtp\": {\"host\": \"smtp-a.example.jp\", \"port\": 587, \"password\": \"s3cret\"}}",
           "setting:mail-host[\"host\": \"smtp-a.example.jp\"] "
           "setting:credential[\"password\": \"s3cret\"] ");
    expect("{\"host\":\"www.example.jp\",\"password\":\"\",\"server\":\"mail\"}", "");
    expect("{\"password\": \"${PASSWORD}\", \"password\": \"your new password\"}", "");
    expect("root:x:0:0:root:/root:/bin/bash\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\r\n"
           "a:b:c:/bin/sh\n",
           "setting:passwd[root:x:0:0:root:/root:/bin/bash] "
           "setting:passwd[bin:x:2:2:bin:/bin:/usr/sbin/nologin] ");
    expect("alice:$6$abcdefgh$0123456789abcdef:19000:0:99999:7:::\n",
           "setting:shadow[alice:$6$abcdefgh$0123456789abcdef:19000:0:99999:] ");
    expect("PermitRootLogin no\nPermitRootLogin is a setting\n",
           "setting:ssh-server[PermitRootLogin no] ");
    expect("[HKEY_LOCAL_MACHINE\\SOFTWARE\\A]\r\n",
           "setting:registry[[HKEY_LOCAL_MACHINE\\SOFTWARE\\A]] ");
    expect("enable secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0\r\nsnmp-server community s3cr RO\r\n",
           "setting:router[enable secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0] "
           "setting:snmp-community[snmp-server community s3cr RO] ");
    expect("DB=postgres://app:pw@db.example.com/x", "setting:database-url[postgres://app:pw@d] ");
    expect("postgres://db.example.com/x", "");
    expect("MYSQL_PASSWORD=hunter22\nPASSWORD=$PW\nPASSWORD=\n",
           "setting:environment[MYSQL_PASSWORD=hunter22] ");
}

/* --- flight data -------------------------------------------------------------------------------
 */

#define FPL                                                                                        \
    "(FPL-ABC123-IS\r\n-B738/M-SDE2FGHIRWY/LB1\r\n-RJTT0100\r\n-N0450F350 DCT VIVID Y81 TOHNE\r\n" \
    "-RJBB0110 RJOO\r\n-PBN/A1B1 DOF/260101)"
#define FPL_PLAIN                                                                                  \
    "(FPL-ABC123-IS -B738/M-SDE2FGHIRWY/LB1 -RJTT0100 -N0450F350 DCT VIVID Y81 TOHNE "             \
    "-RJBB0110 RJOO -PBN/A1B1 DOF/260101)"

static void test_icao(void **state)
{
    (void)state;
    finds.brief = false;
    expect("x " FPL " y", "flight:icao-fpl[" FPL_PLAIN "] ");
    expect(FPL FPL, "flight:icao-fpl[" FPL_PLAIN "] flight:icao-fpl[" FPL_PLAIN "] ");
    expect("(FPL-ABC123-IS-B738/M-S/C-RJTT0100-N0450F350 DCT-RJBB0110)",
           "flight:icao-fpl[(FPL-ABC123-IS-B738/M-S/C-RJTT0100-N0450F350 DCT-RJBB0110)] ");
    expect("(FPL-ABC123-XS-B738/M-S/C-RJTT0100-N0450F350 DCT-RJBB0110)", ""); /* no such rules */
    expect("(FPL-is what a plan begins with)", "");
    expect("(FPL-ABC123-IS-B738/M-S/C-RJTT0100-N0450F350 DCT", ""); /* cut */
    expect("(DLA-ABC123-RJTT0130-RJBB-0)", "flight:icao-ats[(DLA-ABC123-RJTT0130-RJBB-0)] ");
    expect("(DEP-ABC123/A1234-RJTT0112-RJBB)",
           "flight:icao-ats[(DEP-ABC123/A1234-RJTT0112-RJBB)] ");
    expect("(ARR-ABC123-RJTT-RJBB0220)", "flight:icao-ats[(ARR-ABC123-RJTT-RJBB0220)] ");
    expect("(CNL-ABC123-RJTT0100-RJBB-0)", "flight:icao-ats[(CNL-ABC123-RJTT0100-RJBB-0)] ");
    expect("(CHG-ABC123-RJTT0100-RJBB-DOF/1-8/I)",
           "flight:icao-ats[(CHG-ABC123-RJTT0100-RJBB-DOF/1-8/I)] ");
    expect("(DEP-art of speech)", "");
}

static void test_envelopes(void **state)
{
    (void)state;
    finds.brief = false;
    expect("ZCZC ABC0123 230930\r\nFF RJTTZQZX RJAAZQZX\r\n230929 EGLLZPZX\r\n" FPL "\r\nNNNN",
           "flight:aftn[ZCZC ABC0123 230930 FF RJTTZQZX RJAAZQZX 230929 EGLLZPZX] "
           "flight:icao-fpl[" FPL_PLAIN "] ");
    expect("ZCZC ABC0123\r\nAA RJTTZQZX\r\n230929 EGLLZPZX\r\n", ""); /* no such priority */
    expect("PRI: FF\r\nFT: 230929\r\n", "flight:amhs[PRI: FF FT: 230929] ");
    expect("\r\nQU TYOKKJL LONXTBA\r\n.PARXTAF 121230\r\n",
           "flight:type-b[QU TYOKKJL LONXTBA .PARXTAF 121230] ");
    expect("a\nQU EST-CE\n", "");
    expect("SSM\r\nUTC\r\n24MAY00144E003/REF\r\nNEW\r\nLX544\r\n01JAN 31MAR 1234567\r\n",
           "flight:ssm[SSM UTC 24MAY00144E003/REF NEW LX544 01JAN 31MAR 1234567] ");
    expect("ASM\nLT\nCNL\nLX544A/12MAY\n", "flight:asm[ASM LT CNL LX544A/12MAY] ");
    expect("SSM\nUTC\nand other words\n", "");
}

/* A leg as it stands in a data set: `number` is the flight's. */
static void put_leg(char *text, unsigned number)
{
    snprintf(
        text, 256,
        "3 LX %4u0101J01JAN2631MAR261234567 ZRH07000700+0100  LHR08000800+0000  320%119s%06u\n",
        number, "", number);
}

/* 1,000 legs are 1,000 items; lines outside a data set are none. */
static void test_schedule(void **state)
{
    static char text[300000];
    char leg[256];
    (void)state;
    finds.brief = true;
    put_leg(text, 1);
    strcat(text, "1AIRLINE STANDARD SCHEDULE DATA SET                    1\n0000000\n2ULX\n");
    for (unsigned number = 1; number <= 1000; number++) {
        put_leg(leg, number);
        strcat(text, leg);
        if (number % 10 == 0)
            strcat(text, "4 LX    1 segment data\n");
    }
    strcat(text, "5 LX 01JAN26 000001E000002\n");
    put_leg(leg, 2000);
    strcat(text, leg);
    for (int slow = 0; slow < 2; slow++) {
        run(text, strlen(text), 1460, slow);
        assert_int_equal(finds.count, 1000);
        for (size_t i = 1; i < finds.count; i++)
            assert_true(finds.hash[i] != finds.hash[i - 1]);
    }
}

/* Missing bytes cost the leg that they cut, and no other. */
static void test_schedule_with_a_gap(void **state)
{
    char text[1024] = "1AIRLINE STANDARD SCHEDULE DATA SET\n", leg[256];
    struct finder finder = {NULL, on_find, &finds};
    (void)state;
    finds.brief = true;
    for (unsigned number = 1; number <= 4; number++) {
        put_leg(leg, number);
        strcat(text, leg);
    }
    struct search *search = search_new(shared[0], &finder);
    finds_clear(&finds);
    search_put(search, (const uint8_t *)text, 300); /* 36 + 201 + … */
    search_gap(search);
    search_put(search, (const uint8_t *)text + 350, strlen(text) - 350);
    search_finish(search);
    assert_int_equal(finds.count, 3);
    search_free(search);
}

static int set_up(void **state)
{
    struct error error;
    (void)state;
    hash_key_init(&key, "site", 4);
    for (int slow = 0; slow < 2; slow++)
        if (!(shared[slow] = search_shared_new(&key, NULL, 0, !slow, &error)))
            return -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    search_shared_free(shared[0]);
    search_shared_free(shared[1]);
    return 0;
}

/* Of a row that needs too many steps often enough no more is looked for (pattern.h): whoever wants
 * to hide a setting must not be able to have that. Lines that repeat, behind every anchor, and
 * behind what may stand before it. */
static void test_nobody_sets_a_row_aside(void **state)
{
    static const char *const leads[] = {"",          "a:x:1:1:",    "a:$6$",
                                        "1 inet n ", "username a ", "export A"};
    static const char *const behind[] = {"", " = ", "://", "---- "};
    static const char *const fillers[] = {"\t", " ",  "a",  "0", ":",  "a.", "1:",       "A: a ",
                                          "@",  "a ", "-0", "$", " X", "/",  "AAAAAAA ", "\\n"};
    char line[2 * 512];
    (void)state;
    for (size_t row = 0; row < setting_row_count + message_row_count; row++)
        for (size_t i = 0; i < sizeof leads / sizeof *leads; i++)
            for (size_t j = 0; j < sizeof behind / sizeof *behind; j++)
                for (size_t k = 0; k < sizeof fillers / sizeof *fillers; k++) {
                    const char *anchor = row < setting_row_count
                                             ? setting_rows[row].anchor
                                             : message_rows[row - setting_row_count].anchor;
                    int size = snprintf(line, sizeof line, "%s%s%s", leads[i], anchor, behind[j]);
                    while (size < 450)
                        size += snprintf(line + size, sizeof line - (size_t)size, "%s", fillers[k]);
                    run(line, (size_t)size, sizeof line, 0);
                    if (search_refused(shared[0]) > 0)
                        fail_msg("%.100s", line);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_sets_a_row_aside),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_icao),
        cmocka_unit_test(test_envelopes),
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_schedule_with_a_gap),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
