/* POP3: what one side says, by the first cut (mail_fuzz.h). */
#include "mail_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void begin(void)
{
    mail_begin(110);
    mail_text(SIDE_RESP, "+OK x\r\n");
    mail_text(SIDE_ORIG, "RETR 1\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return mail_fuzz(begin, size && data[0] & 2 ? SIDE_RESP : SIDE_ORIG, data, size);
}
