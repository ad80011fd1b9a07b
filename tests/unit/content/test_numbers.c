/* Cards, bank accounts and telephone numbers in text: what counts is written out here by hand, its
 * keyed hash computed apart. The accounts are the registry's own examples; cards are issuers' test
 * numbers, or were given their check digit elsewhere. */
#include "weir/content/numbers.h"

#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FOUND_MAX    4096u

static struct hash_key key;
static struct {
    enum content_class class;
    uint64_t hash;
    char label[16], bytes[64];
} found[FOUND_MAX];
static size_t found_count;

static void on_found(void *context, const struct found *item)
{
    assert_ptr_equal(context, &found_count);
    assert_true(found_count < FOUND_MAX);
    found[found_count].class = item->class;
    found[found_count].hash = item->hash;
    snprintf(found[found_count].label, sizeof found->label, "%.*s", (int)item->label_size,
             item->label);
    snprintf(found[found_count].bytes, sizeof found->bytes, "%.*s", (int)item->size,
             (const char *)item->bytes);
    found_count++;
}

static struct numbers_scanner *open_scanner(void)
{
    found_count = 0;
    struct finder finder = {NULL, on_found, &found_count};
    return numbers_scanner_new(&key, &finder);
}

/* An exact-size copy, so that a sanitizer sees a read past the end. */
static void put(struct numbers_scanner *scanner, const void *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    numbers_scanner_put(scanner, copy, size);
    free(copy);
}

static int setup(void **state)
{
    (void)state;
    hash_key_init(&key, "site", 4);
    return 0;
}

static const char *const class_name[] = {
    [CONTENT_CARD] = "card", [CONTENT_IBAN] = "iban", [CONTENT_PHONE] = "phone"};

/* `list`: what is expected, in order: class, label and form, each with a blank behind it. */
static void assert_found(const char *text, const char *list)
{
    size_t count = 0;
    for (const char *at = list; *at; count++) {
        char class[8], label[16], form[40];
        int used;
        assert_int_equal(sscanf(at, "%7s %15s %39s%n", class, label, form, &used), 3);
        if (count >= found_count || strcmp(class_name[found[count].class], class) != 0 ||
            strcmp(found[count].label, label) != 0 ||
            found[count].hash != hash64_keyed(&key, form, strlen(form)))
            fail_msg("\"%s\": %zu found; number %zu is not %s %s %s, but \"%s\" (%s)", text,
                     found_count, count + 1, class, label, form,
                     count < found_count ? found[count].bytes : "",
                     count < found_count ? found[count].label : "");
        at += used + (at[used] == ' ');
    }
    if (count != found_count)
        fail_msg("\"%s\": %zu found (\"%s\"), expected %zu", text, found_count, found[count].bytes,
                 count);
}

#define VISA   "card visa 4111111111111111"
#define MASTER "card mastercard 5555555555554444"
#define AMEX   "card amex 378282246310005"
#define GERMAN "iban DE DE89370400440532013000"
#define TOKYO  "phone +81 +81312345678"
#define MOBILE "phone +81 +819012345678"

static const struct {
    const char *text, *found;
} texts[] = {
    /* Issuers, lengths, forms. */
    {"4111111111111111", VISA},
    {"4111 1111 1111 1111", VISA},
    {"4111-1111-1111-1111", VISA},
    {"4000056655665556,4012888888881881", "card visa 4000056655665556 card visa 4012888888881881"},
    {"5555555555554444", MASTER},
    {"2223003122003222 2720990000000007",
     "card mastercard 2223003122003222 card mastercard 2720990000000007"},
    {"378282246310005", AMEX},
    {"3782 822463 10005", AMEX},
    {"3782-822463-10005", AMEX},
    {"371449635398431", "card amex 371449635398431"},
    {"30569309025904 38520000023237", "card diners 30569309025904 card diners 38520000023237"},
    {"3056 930902 5904", "card diners 30569309025904"},
    {"6011111111111117", "card discover 6011111111111117"},
    {"3530111333300000", "card jcb 3530111333300000"},
    {"6200000000000005", "card unionpay 6200000000000005"},
    {"6212345678900000003", "card unionpay 6212345678900000003"},
    {"6212 3456 7890 0000 003", "card unionpay 6212345678900000003"},
    {"6759649826438453", "card maestro 6759649826438453"},
    /* What stands around a card. */
    {"{\"pan\":\"4111111111111111\"}", VISA},
    {"card=4111111111111111&exp=12", VISA},
    {"note=a%204111111111111111%0A", VISA},
    {"x%3A4111111111111111", VISA},
    {"note=my+card+is+4111111111111111+thanks", VISA},
    {"note=mine+378282246310005", AMEX},
    {"note=mine+4111 1111 1111 1111", VISA},
    {"4111111111111111+1225+123", VISA},
    {"\"\\n4111111111111111\\n\"", VISA},
    {"(4111111111111111).", VISA},
    {"4111 1111 1111 1111 12/26 123", VISA},
    {"4111 1111 1111 1111 123", VISA},
    {"1 4111 1111 1111 1111", VISA},
    {"a@b.jp,4111111111111111,Taro\n", VISA},
    {"\xe7\x95\xaa\xe5\x8f\xb7"
     "4111111111111111\xe3\x80\x82",
     VISA},
    {"4111111111111111 4111111111111111", VISA " " VISA},
    /* No cards: Luhn, length, issuer, one digit. */
    {"4111111111111112", ""},
    {"4222222222222", ""}, /* 13: an EAN far more often */
    {"4006381333931", ""}, /* an EAN */
    {"411111111111111 41111111111111111 0123456789012345", ""},
    {"4444444444444444", ""},
    {"0000000000000000 0000 0000 0000 0000", ""},
    {"1234567812345670", ""},
    {"9999999999999995", ""},
    {"1772438400000000000 1772438400123456", ""},
    {"3411111111111116 55555555555544440", ""},
    /* No cards: part of something else. */
    {"14111111111111111 41111111111111110", ""},
    {"0.4111111111111111 4111111111111111.5", ""},
    {"a4111111111111111 4111111111111111a", ""},
    {"_4111111111111111 4111111111111111_", ""},
    {"-4111111111111111 4111111111111111-1", ""},
    {"+4111111111111111 =+4111111111111111 ++4111111111111111", ""},
    {"/4111111111111111/x", ""},
    {"4111111111111111@example.com", ""},
    {"correlator=4284615305986048&x {\"id\":4111111111111111, \"user_id\": \"4111111111111111\"",
     ""},
    {"userId=4111111111111111 random=4111111111111111&ID: 4111111111111111", ""},
    {"paid: 4111111111111111", VISA},
    {"PAID: 4111111111111111", VISA},
    {"userID=4111111111111111", ""},
    {"time 4111111111111111", VISA},
    {"cards=4111111111111111", VISA},
    {"4111 1111-1111 1111", ""},
    {"4111  1111 1111 1111", ""},
    {"411 1111 1111 11111", ""},
    {"4111-1111-1111-1111-1111", ""},
    {"1111-4111-1111-1111-1111", ""},
    {"1111 4111 1111 1111 1111", ""},
    {"4111 1111 1111 1111 1111", ""},
    {"3782 8224 6310 005", ""},
    {"550e8400-e29b-41d4-a716-446655440000", ""},
    /* Accounts. */
    {"DE89370400440532013000", GERMAN},
    {"DE89 3704 0044 0532 0130 00", GERMAN},
    {"de89370400440532013000", GERMAN},
    {"IBAN: DE89 3704 0044 0532 0130 00.", GERMAN},
    {"IBAN DE89 3704 0044 0532 0130 00 2026", GERMAN},
    {"\"DE89370400440532013000\",\"x\"", GERMAN},
    {"iban=DE89370400440532013000&x", GERMAN},
    {"iban%3DDE89370400440532013000%26", GERMAN},
    {"\\nDE89370400440532013000", GERMAN},
    {"\\u003eDE89370400440532013000", GERMAN},
    {"GB29 NWBK 6016 1331 9268 19", "iban GB GB29NWBK60161331926819"},
    {"RO49 AAAA 1B31 0075 9384 0000", "iban RO RO49AAAA1B31007593840000"},
    {"NO93 8601 1117 947", "iban NO NO9386011117947"},
    {"FR14 2004 1010 0505 0001 3M02 606", "iban FR FR1420041010050500013M02606"},
    /* No accounts: check digits, structure, case, length, part of a word. */
    {"DE88370400440532013000 DE89 3704 0044 0532 0130 01", ""},
    {"GB29NWB160161331926819 ZZ89370400440532013000", ""},
    {"gB29NWBK60161331926819 GB29nwbk60161331926819", ""},
    {"DE8937040044053201300 DE893704004405320130000", ""},
    {"ADE89370400440532013000 DE89370400440532013000A", ""},
    {"DE89 3704 0044 0532 0130 0", ""},
    {"DE89 37040 0440 5320 1300 0", ""},
    {"DE89370400440532013000@example.com", ""},
    /* Telephones. */
    {"+81312345678", TOKYO},
    {"+81 3 1234 5678", TOKYO},
    {"+81-3-1234-5678", TOKYO},
    {"+81 (0)3-1234-5678", TOKYO},
    {"+81 (0) 3 1234 5678", TOKYO},
    {"+81 (3) 1234-5678", TOKYO},
    {"tel:+81-3-1234-5678;ext=1", TOKYO},
    {"03-1234-5678", TOKYO},
    {"TEL:03-1234-5678/FAX:03-1234-5679", TOKYO " phone +81 +81312345679"},
    {"090-1234-5678", MOBILE},
    {"+81 90 1234 5678", MOBILE},
    {"tel=%2B819012345678&x", MOBILE},
    {"045-123-4567 0466-12-3456 04992-1-2345",
     "phone +81 +81451234567 phone +81 +81466123456 phone +81 +81499212345"},
    {"0120-123-456 0800-123-4567", "phone +81 +81120123456 phone +81 +818001234567"},
    {"+1 (212) 555-0123, +1.212.555.0124; +12125550125",
     "phone +1 +12125550123 phone +1 +12125550124 phone +1 +12125550125"},
    {"+44 20 7946 0958 +49 30 123456 +33 1 23 45 67 89",
     "phone +44 +442079460958 phone +49 +4930123456 phone +33 +33123456789"},
    {"+81 3 1234 5678 20", TOKYO},
    {"+81312345678 1234 5678", TOKYO},
    {"+358 9 123 4567 +390612345678", "phone +358 +35891234567 phone +39 +390612345678"},
    {"Call \"\\n+81312345678\"", TOKYO},
    /* No telephones. */
    {"2026-03-02T08:00:00+0900 08:00:00 +0000 GMT+09:00", ""},
    {"10.0.0.1 192.168.100.200:8080 255.255.255.255", ""},
    {"1.2.3.4567 v2.0.1-1234 20260302-080000 2026-03-02 02-03-2026", ""},
    {"+1000000 +1 000 000 0000 +12345 +999123456789 +210123456789", ""},
    {"a+81312345678 1+81312345678 +81312345678a ++81312345678", ""},
    {"+8131234567 +81 3 1234 56789 +811234567890", ""},
    {"03-1234-567 03-12345-678 13-1234-5678 003-1234-5678", ""},
    {"A03-1234-5678 03-1234-5678-9 1-03-1234-5678 03-1234-5678a", ""},
    {"05-1234-5678 000-123-4567 0000-12-3456 0021-123-456", ""},
    {"012-34-5678 123-45-6789 0-306-40615-2 978-0-306-40615-7", ""},
    {"00000000-0901-4567-8901-000000000000", ""},
    {"+1-800-FLOWERS +81-3-1234-5678@example.com", ""},
    {"@@ -0,0 +1,20 @@\n+12345678\n+20260302\n", ""},
    {"", ""},
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct numbers_scanner *scanner = open_scanner();
        put(scanner, texts[i].text, strlen(texts[i].text));
        numbers_scanner_finish(scanner);
        assert_found(texts[i].text, texts[i].found);
        numbers_scanner_free(scanner);
    }
}

/* The same, cut in two at every byte, and byte by byte, within longer text. */
static void test_cut(void **state)
{
    (void)state;
    char text[512];
    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t size = (size_t)snprintf(text, sizeof text, "%*s,\n%s\n,%*s", (int)(i % 140), "a",
                                       texts[i].text, (int)(i * 7 % 140), "b");
        for (size_t cut = 0; cut <= size; cut++) {
            struct numbers_scanner *scanner = open_scanner();
            put(scanner, text, cut);
            put(scanner, text + cut, size - cut);
            numbers_scanner_finish(scanner);
            assert_found(text, texts[i].found);
            numbers_scanner_free(scanner);
        }
        struct numbers_scanner *scanner = open_scanner();
        for (size_t at = 0; at < size; at++)
            put(scanner, text + at, 1);
        numbers_scanner_finish(scanner);
        assert_found(text, texts[i].found);
        numbers_scanner_free(scanner);
    }
}

/* Every country of the registry, with its own example. */
static const char *const accounts[] = {
    "AD1200012030200359100100",
    "AE070331234567890123456",
    "AL47212110090000000235698741",
    "AT611904300234573201",
    "AZ21NABZ00000000137010001944",
    "BA391290079401028494",
    "BE68539007547034",
    "BG80BNBG96611020345678",
    "BH67BMAG00001299123456",
    "BI4210000100010000332045181",
    "BR1800360305000010009795493C1",
    "BY13NBRB3600900000002Z00AB00",
    "CH9300762011623852957",
    "CR05015202001026284066",
    "CY17002001280000001200527600",
    "CZ6508000000192000145399",
    "DE89370400440532013000",
    "DJ2100010000000154000100186",
    "DK5000400440116243",
    "DO28BAGR00000001212453611324",
    "EE382200221020145685",
    "EG380019000500000000263180002",
    "ES9121000418450200051332",
    "FI2112345600000785",
    "FK88SC123456789012",
    "FO6264600001631634",
    "FR1420041010050500013M02606",
    "GB29NWBK60161331926819",
    "GE29NB0000000101904917",
    "GI75NWBK000000007099453",
    "GL8964710001000206",
    "GR1601101250000000012300695",
    "GT82TRAJ01020000001210029690",
    "HN88CABF00000000000250005469",
    "HR1210010051863000160",
    "HU42117730161111101800000000",
    "IE29AIBK93115212345678",
    "IL620108000000099999999",
    "IQ98NBIQ850123456789012",
    "IS140159260076545510730339",
    "IT60X0542811101000000123456",
    "JO94CBJO0010000000000131000302",
    "KW81CBKU0000000000001234560101",
    "KZ86125KZT5004100100",
    "LB62099900000001001901229114",
    "LC55HEMM000100010012001200023015",
    "LI21088100002324013AA",
    "LT121000011101001000",
    "LU280019400644750000",
    "LV80BANK0000435195001",
    "LY83002048000020100120361",
    "MC5811222000010123456789030",
    "MD24AG000225100013104168",
    "ME25505000012345678951",
    "MK07250120000058984",
    "MN121234123456789123",
    "MR1300020001010000123456753",
    "MT84MALT011000012345MTLCAST001S",
    "MU17BOMM0101101030300200000MUR",
    "NI45BAPR00000013000003558124",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "OM810180000001299123456",
    "PK36SCBL0000001123456702",
    "PL61109010140000071219812874",
    "PS92PALS000000000400123456702",
    "PT50000201231234567890154",
    "QA58DOHB00001234567890ABCDEFG",
    "RO49AAAA1B31007593840000",
    "RS35260005601001611379",
    "RU0304452522540817810538091310419",
    "SA0380000000608010167519",
    "SC18SSCB11010000000000001497USD",
    "SD2129010501234001",
    "SE4550000000058398257466",
    "SI56263300012039086",
    "SK3112000000198742637541",
    "SM86U0322509800000000270100",
    "SO211000001001000100141",
    "ST23000100010051845310146",
    "SV62CENR00000000000000700025",
    "TL380080012345678910157",
    "TN5910006035183598478831",
    "TR330006100519786457841326",
    "UA213223130000026007233566001",
    "VA59001123000012345678",
    "VG96VPVG0000012345678901",
    "XK051212012345678906",
    "YE15CBYE0001018861234567891234",
};

static void test_accounts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accounts); i++) {
        char list[64], text[64] = "";
        size_t size = strlen(accounts[i]);
        snprintf(list, sizeof list, "iban %.2s %s", accounts[i], accounts[i]);
        struct numbers_scanner *scanner = open_scanner();
        put(scanner, accounts[i], size);
        numbers_scanner_finish(scanner);
        assert_found(accounts[i], list);
        found_count = 0;
        for (size_t at = 0, to = 0; at < size; at++) {
            if (at && at % 4 == 0)
                text[to++] = ' ';
            text[to++] = accounts[i][at];
        }
        put(scanner, text, strlen(text));
        numbers_scanner_finish(scanner);
        assert_found(text, list);
        numbers_scanner_free(scanner);
    }
}

/* Check digits: one digit that is wrong is always seen, by Luhn and by MOD 97-10. */
static void test_one_wrong(void **state)
{
    (void)state;
    static const char *const right[] = {"4012888888881881", "371449635398431",
                                        "DE89370400440532013000"};
    for (size_t i = 0; i < COUNT(right); i++)
        for (size_t at = i == 2 ? 2 : 0; at < strlen(right[i]); at++)
            for (int digit = '0'; digit <= '9'; digit++) {
                char text[40];
                strcpy(text, right[i]);
                text[at] = (char)digit;
                struct numbers_scanner *scanner = open_scanner();
                put(scanner, text, strlen(text));
                numbers_scanner_finish(scanner);
                assert_int_equal(found_count, digit == right[i][at]);
                numbers_scanner_free(scanner);
            }
}

/* Whole on one side of the gap, with what stands around it, or not counted. */
static void test_gap(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t begin, end; /* of the number */
    } row[] = {
        {"card 4111111111111111, x", 5, 21},     {"card 4111 1111 1111 1111, x", 5, 24},
        {"to DE89370400440532013000, x", 3, 25}, {"to DE89 3704 0044 0532 0130 00, x", 3, 30},
        {"to +81312345678, x", 3, 15},           {"to +49 30 1234 5678, x", 3, 19},
        {"to 03-1234-5678, x", 3, 15},           {"to 0120-123-456, x", 3, 15},
    };
    for (size_t i = 0; i < COUNT(row); i++)
        for (size_t cut = 0; cut <= strlen(row[i].text); cut++) {
            struct numbers_scanner *scanner = open_scanner();
            put(scanner, row[i].text, cut);
            numbers_scanner_gap(scanner);
            put(scanner, row[i].text + cut, strlen(row[i].text) - cut);
            numbers_scanner_finish(scanner);
            bool whole = cut < row[i].begin || cut > row[i].end;
            if (i == 1 && cut == row[i].begin - 1)
                whole = false; /* what is missing may be a group before it */
            if (found_count != whole)
                fail_msg("\"%s\", gap at %zu: %zu found (%s)", row[i].text, cut, found_count,
                         found[0].bytes);
            numbers_scanner_free(scanner);
        }
}

/* A datagram's end is a number's end, and the next one's beginning is nobody's rest. */
static void test_finish(void **state)
{
    (void)state;
    struct numbers_scanner *scanner = open_scanner();
    put(scanner, "4111111111111111", 16);
    numbers_scanner_finish(scanner);
    put(scanner, "5555555555554444", 16);
    numbers_scanner_finish(scanner);
    put(scanner, "411111", 6);
    numbers_scanner_finish(scanner);
    put(scanner, "1111111111", 10);
    numbers_scanner_finish(scanner);
    assert_found("datagrams", VISA " " MASTER);
    numbers_scanner_free(scanner);
}

/* Many, in pieces of every size: each counted once, wherever it is cut. */
static void test_pieces(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (unsigned i = 0; i < 300; i++) {
        char line[128];
        snprintf(line, sizeof line,
                 "%u;4012 8888 8888 1881;DE89370400440532013000;+8131234%04u;%*s\n", i * 7919, i,
                 (int)(i % 60), "x");
        buffer_put(&text, line, strlen(line));
    }
    for (size_t piece = 1; piece < 3000; piece = piece < 160 ? piece + 1 : piece * 9 / 8) {
        struct numbers_scanner *scanner = open_scanner();
        for (size_t at = 0; at < text.size; at += piece)
            put(scanner, text.data + at, text.size - at < piece ? text.size - at : piece);
        numbers_scanner_finish(scanner);
        assert_int_equal(found_count, 900);
        for (unsigned i = 0; i < 300; i++) {
            char form[16];
            snprintf(form, sizeof form, "+8131234%04u", i);
            assert_int_equal(found[3 * i].hash, hash64_keyed(&key, "4012888888881881", 16));
            assert_int_equal(found[3 * i + 1].class, CONTENT_IBAN);
            assert_int_equal(found[3 * i + 2].hash, hash64_keyed(&key, form, strlen(form)));
        }
        numbers_scanner_free(scanner);
    }
    buffer_fini(&text);
}

/* Compressed and encrypted bytes hold none. */
static void test_binary(void **state)
{
    (void)state;
    struct numbers_scanner *scanner = open_scanner();
    uint8_t data[4096];
    uint64_t seed = 3;
    for (unsigned round = 0; round < 4096; round++) {
        for (size_t i = 0; i < sizeof data; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            data[i] = (uint8_t)(seed >> 56);
        }
        numbers_scanner_put(scanner, data, sizeof data);
    }
    assert_int_equal(found_count, 0);
    numbers_scanner_free(scanner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),    cmocka_unit_test(test_cut),
        cmocka_unit_test(test_accounts), cmocka_unit_test(test_one_wrong),
        cmocka_unit_test(test_gap),      cmocka_unit_test(test_finish),
        cmocka_unit_test(test_pieces),   cmocka_unit_test(test_binary),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
