/* FTP's lines: bounds, and that a line's numbers are numbers. */
#include "../../../sensor/content/ftp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ftp_line line = ftp_parse_line(data, size);
    check(line.word < FTP_WORDS);
    check(line.code < 700 && (line.code == 0) == (line.word != FTP_REPLY));
    check(line.number >= -1);
    if (line.name_size)
        check(line.name >= data && line.name + line.name_size <= data + size);
    return 0;
}
