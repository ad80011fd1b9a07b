/* Values of Forwarded and X-Forwarded-For: bounds, and that a claim is named or there is none. */
#include "weir/content/client.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client_claim client;
    const char *text = (const char *)data;
    bool named = forwarded_for(text, size, &client);
    check(named == (client.by == CLIENT_X_FORWARDED_FOR));
    check(named || client.by == CLIENT_NONE);
    named = forwarded(text, size, &client);
    check(named == (client.by == CLIENT_FORWARDED));
    check(named || client.by == CLIENT_NONE);
    check(client.changes == 0);
    return 0;
}
