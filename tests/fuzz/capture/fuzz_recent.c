/* Any bytes as the beginning of the area of a capture process that died (the rest is zero).
 * Whatever they are, what is saved is a file that libpcap reads whole, of as many packets as was
 * said, each within its bounds. */
#include "weir/capture/recent.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static int count_packets(const char *path)
{
    char words[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const u_char *bytes;
    int count = 0, got;
    pcap_t *pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, words);
    must(pcap != NULL);
    while ((got = pcap_next_ex(pcap, &header, &bytes)) == 1) {
        must(header->caplen <= RECENT_BYTES && header->caplen <= header->len);
        must(header->ts.tv_usec >= 0 && header->ts.tv_usec < NS_PER_S);
        count++;
    }
    must(got == PCAP_ERROR_BREAK);
    pcap_close(pcap);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    struct error error = {0};
    if (!*path)
        snprintf(path, sizeof path, "/tmp/weir-fuzz-recent-%ld", (long)getpid());
    int fd = recent_create(&error);
    must(fd >= 0);
    ssize_t put = pwrite(fd, data, size, 0); /* the seal cuts what is too long */
    int saved = recent_save(fd, path, &error);
    must(put >= -1 && saved >= 0 && saved <= RECENT_PACKETS);
    if (saved > 0)
        must(count_packets(path) == saved && unlink(path) == 0);
    must(access(path, F_OK) != 0);
    close(fd);
    return 0;
}
