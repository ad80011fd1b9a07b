/* DNS messages: bounds, terminated names, and the promise that a question once whole stays. */
#include "../../../sensor/content/recognise.h"
#include "weir/content/names.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_text(const char *name)
{
    check(memchr(name, '\0', RECORD_NAME_MAX + 1) != NULL);
    for (; *name; name++)
        check(*name > ' ' && *name < 0x7f && (*name < 'A' || *name > 'Z'));
}

static void check_questions(const uint8_t *data, size_t size, struct dns_message message)
{
    for (unsigned questions = 1; dns_next_question(data, size, &message); questions++) {
        check(questions < 32 && message.qtype != 0 && message.next_question <= size);
        check(message.address_count == 0 && message.answers == 0);
        check_text(message.name);
    }
}

/* Its strict beginning, as dns_begins tells it of a message over TCP. */
static int begins_strictly(const uint8_t *data, size_t size)
{
    static uint8_t framed[2 + UINT16_MAX];
    framed[0] = (uint8_t)(size >> 8);
    framed[1] = (uint8_t)size;
    memcpy(framed + 2, data, size);
    return dns_begins(framed, 2 + size) == PARSE_OK;
}

/* What is taken for DNS on any port is what would be read of it, and all such that begins so. */
static void check_looks(const uint8_t *data, size_t size, enum parse_result result,
                        const struct dns_message *message)
{
    if (dns_looks_like(data, size))
        check(result == PARSE_OK && message->qtype != 0);
    else if (result == PARSE_OK)
        check(!begins_strictly(data, size)); /* ≤ UINT16_MAX, or it would not be whole */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_message message, shorter;
    enum parse_result result = dns_parse(data, size, &message);
    check(result < PARSE_RESULTS);
    check(message.address_count <= RECORD_NAME_ADDRESSES);
    check(message.more == 0 || message.address_count == RECORD_NAME_ADDRESSES);
    check(result == PARSE_OK || message.address_count == 0);
    check(result != PARSE_NOT || message.qtype == 0);
    check(message.alias_count <= RECORD_NAME_ALIASES);
    check(message.address_count || message.alias_count == 0);
    check(message.answer_bytes <= size && message.message_bytes <= size);
    check_text(message.name);
    for (size_t i = 0; i < message.alias_count; i++) {
        check(message.alias[i][0] != '\0');
        check_text(message.alias[i]);
    }
    check_questions(data, size, message);
    check_looks(data, size, result, &message);
    if (result == PARSE_OK && size > 0) {
        /* What is whole has no whole prefix, and the prefix knows the question or is too short. */
        check(dns_parse(data, size - 1, &shorter) != PARSE_OK);
        check(shorter.qtype == 0 || strcmp(shorter.name, message.name) == 0);
    }
    return 0;
}
