/* TFTP's datagrams: bounds, and that what is told can be. */
#include "../../../sensor/content/tftp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tftp_datagram datagram;
    if (tftp_parse(data, size, &datagram) != PARSE_OK)
        return 0;
    check(datagram.kind >= TFTP_READ_REQUEST && datagram.kind <= TFTP_OPTIONS);
    check(datagram.kind != TFTP_DATA || size >= TFTP_HEAD);
    check(datagram.block_bytes == 0 || (datagram.has_block_bytes && datagram.block_bytes <= 65464));
    check(datagram.window <= UINT16_MAX && datagram.transfer_size >= -1);
    return 0;
}
