/* Messages: what an SMTP client sends behind DATA (mail_fuzz.h). */
#include "mail_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void begin(void)
{
    mail_begin(25);
    mail_text(SIDE_RESP, "220 x ESMTP\r\n");
    mail_text(SIDE_ORIG, "EHLO x\r\nMAIL FROM:<>\r\nDATA\r\n");
    mail_text(SIDE_RESP, "250 x\r\n250 x\r\n354 x\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return mail_fuzz(begin, SIDE_ORIG, data, size);
}
