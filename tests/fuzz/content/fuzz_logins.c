/* Whom a client logs in as, and what it asks for, in conversations: the first byte says which
 * protocol, four more how pieces are cut; then each side speaks up to a byte 255, the client first.
 * Who was let in does not depend on the pieces, unless HTTP was lost. */
#include "mail_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mail_result talk(uint16_t port, const uint8_t *data, size_t size, const uint8_t *cuts,
                               bool loses)
{
    enum flow_side side = SIDE_ORIG;
    mail_begin(port);
    for (size_t at = 0; at <= size; side = side == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG) {
        const uint8_t *end = at < size ? memchr(data + at, 255, size - at) : NULL;
        size_t said = end ? (size_t)(end - data) - at : size - at;
        mail_pieces(side, data + at, said, cuts, loses);
        at += said + 1;
    }
    return mail_end();
}

static uint64_t malformed_now(void)
{
    struct health health = {0};
    content_health(mail_content, &health);
    return health.parse_malformed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t port[] = {21, 110, 143, 587, 80};
    if (size < 6 || size > MAIL_FUZZ_MAX)
        return 0;
    mail_open_once();
    uint16_t at = port[data[0] % (sizeof port / sizeof *port)];
    uint64_t malformed = malformed_now();
    struct mail_result whole = talk(at, data + 5, size - 5, NULL, false);
    struct mail_result pieces = talk(at, data + 5, size - 5, data + 1, false);
    malformed = malformed_now() - malformed;
    talk(at, data + 5, size - 5, data + 1, true);
    if (malformed == 0 && whole.service == pieces.service &&
        (whole.asked_sum != pieces.asked_sum || whole.asked[0] != pieces.asked[0] ||
         whole.asked[1] != pieces.asked[1]))
        abort();
    return 0;
}
