/* Records of a schedule data set: IATA Standard Schedules Information Manual, chapter 7. Lines of
 * 200 bytes at fixed places; a leg's are checked beyond its type. Pure. */
#include "collector.h"

#define RECORD_BYTES 200u
/* Writers drop the blanks and the serial number at a record's end; all that is asked for is in
 * front. */
#define LEG_BYTES_MIN 75u

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_capital(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

/* '9' stands for a digit, 'A' for a capital, 'X' for either, 'd' for a digit or blank, '?' for
 * anything, '+' for a sign; others for themselves. */
static bool fits(uint8_t byte, char form)
{
    switch (form) {
    case '9':
        return is_digit(byte);
    case 'A':
        return is_capital(byte);
    case 'X':
        return is_digit(byte) || is_capital(byte);
    case 'd':
        return is_digit(byte) || byte == ' ';
    case '+':
        return byte == '+' || byte == '-';
    case '?':
        return true;
    default:
        return byte == (uint8_t)form;
    }
}

static bool has_form(const uint8_t *text, const char *form)
{
    while (*form && fits(*text, *form)) {
        form++;
        text++;
    }
    return *form == '\0';
}

bool ssim_is_leg(const uint8_t *line, size_t size)
{
    return size >= LEG_BYTES_MIN && size <= RECORD_BYTES &&
           /* type, suffix, airline, flight, variation, leg, service */
           has_form(line, "3?XX?ddd9ddddA") &&
           /* the period of operation (its end may be open: 00XXX00), the days */
           has_form(line + 14, "99AAA9999AAA99ddddddd") &&
           /* from where, when (passengers, aircraft), difference to UTC; to where, when, … */
           has_form(line + 36, "AAA99999999+9999") && has_form(line + 54, "AAA99999999+9999") &&
           /* the aircraft's type */
           has_form(line + 72, "XXX");
}

bool ssim_is_record(const uint8_t *line, size_t size)
{
    if (size == 0)
        return true; /* lines that are nothing but zeros stand between records too */
    return size <= RECORD_BYTES && line[0] >= '0' && line[0] <= '5';
}
