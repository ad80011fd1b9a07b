/* The captures of tunnels, frame by frame, against what tshark takes for the innermost packet.
 * Skipped without the captures (they are not part of the project) or without tshark. */
#include "weir/decode/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <unistd.h>

#include <cmocka.h>

#define FIELDS    9
#define FRAME_MAX 65536
#define SKIPPED   77

enum field { PROTOCOLS, SRC, DST, SRC6, DST6, TCP_SRC, TCP_DST, UDP_SRC, UDP_DST };
static const char command[] =
    "tshark -r '%s' -o ip.defragment:FALSE -T fields -E separator='|' -e frame.protocols -e ip.src "
    "-e ip.dst -e ipv6.src -e ipv6.dst -e tcp.srcport -e tcp.dstport -e udp.srcport -e udp.dstport "
    "2>/dev/null";

static char folder[4096];

/* A classic pcap file; the test needs no more of libpcap than this. */
struct file {
    FILE *stream;
    int link;
    bool swapped;
};

static uint32_t number(const struct file *file, uint32_t value)
{
    return file->swapped ? __builtin_bswap32(value) : value;
}

static bool file_open(struct file *file, const char *path)
{
    uint32_t head[6];
    file->stream = fopen(path, "rb");
    if (!file->stream || fread(head, sizeof head, 1, file->stream) != 1)
        return false;
    file->swapped = head[0] == 0xd4c3b2a1 || head[0] == 0x4d3cb2a1;
    if (!file->swapped && head[0] != 0xa1b2c3d4 && head[0] != 0xa1b23c4d)
        return false;
    file->link = (int)number(file, head[5]);
    return true;
}

static bool file_next(const struct file *file, struct packet_raw *raw, uint8_t *bytes)
{
    uint32_t head[4];
    if (fread(head, sizeof head, 1, file->stream) != 1)
        return false;
    uint32_t captured = number(file, head[2]);
    *raw = (struct packet_raw){bytes, captured, number(file, head[3]), file->link, {1}};
    return captured <= FRAME_MAX && (captured == 0 || fread(bytes, captured, 1, file->stream) == 1);
}

static int count_of(const char *protocols, const char *end, const char *name)
{
    int count = 0;
    size_t size = strlen(name);
    for (const char *p = protocols; p < end; p += strcspn(p, ":"), p += *p == ':')
        count += strcspn(p, ":") == size && strncmp(p, name, size) == 0;
    return count;
}

/* The `nth` (from 1) of comma-separated values. */
static void nth_of(const char *values, int nth, char text[64])
{
    while (--nth > 0 && strchr(values, ','))
        values = strchr(values, ',') + 1;
    snprintf(text, 64, "%.*s", (int)strcspn(values, ","), values);
}

static unsigned last_of(const char *values)
{
    const char *comma = strrchr(values, ',');
    return (unsigned)strtoul(comma ? comma + 1 : values, NULL, 10);
}

/* Where the part ends that a packet carries: an ICMP error quotes another one. */
static const char *quote_of(const char *protocols)
{
    const char *icmp = strstr(protocols, ":icmp");
    return icmp ? icmp : protocols + strlen(protocols);
}

static void assert_as(const char *name, int frame, char *field[FIELDS], enum decode_result result,
                      const struct packet *p)
{
    char want[2][64], have[2][IP_TEXT_SIZE];
    if (p->reassembly != 0)
        return; /* a frame of several: golden/test_fragments compares these */
    const char *end = quote_of(field[PROTOCOLS]), *last6 = NULL, *last4 = NULL;
    for (const char *at = field[PROTOCOLS]; at < end; at += strcspn(at, ":"), at += *at == ':') {
        if (strncmp(at, "ip:", 3) == 0 || strcmp(at, "ip") == 0)
            last4 = at;
        if (strncmp(at, "ipv6:", 5) == 0 || strcmp(at, "ipv6") == 0)
            last6 = at;
    }
    bool six = last6 && (!last4 || last6 > last4);
    if (!last4 && !last6) {
        assert_int_not_equal(result, DECODE_OK);
        return;
    }
    int nth = count_of(field[PROTOCOLS], end, six ? "ipv6" : "ip");
    nth_of(field[six ? SRC6 : SRC], nth, want[0]);
    nth_of(field[six ? DST6 : DST], nth, want[1]);
    ip_text(&p->src, have[0]);
    ip_text(&p->dst, have[1]);
    bool same =
        result == DECODE_OK && strcmp(want[0], have[0]) == 0 && strcmp(want[1], have[1]) == 0;
    bool tcp = p->proto == PROTO_TCP;
    if (same && (tcp || p->proto == PROTO_UDP) && !p->later_fragment)
        same = p->src_port == last_of(field[tcp ? TCP_SRC : UDP_SRC]) &&
               p->dst_port == last_of(field[tcp ? TCP_DST : UDP_DST]);
    if (!same)
        fail_msg("%s, frame %d: %s, %s to %s; tshark: %s, %s to %s", name, frame,
                 decode_result_name[result], have[0], have[1], field[PROTOCOLS], want[0], want[1]);
}

static void split(char *line, char *field[FIELDS])
{
    line[strcspn(line, "\n")] = 0;
    for (int i = 0; i < FIELDS; i++) {
        field[i] = line;
        line += strcspn(line, "|");
        if (*line)
            *line++ = 0;
    }
}

static int compare(struct decoder *decoder, const char *name, const char *path)
{
    static uint8_t bytes[FRAME_MAX];
    static char line[8192];
    struct file file;
    struct packet_raw raw;
    struct packet packet;
    char *field[FIELDS], shell[sizeof command + 8192];
    int frames = 0;
    assert_true(file_open(&file, path));
    snprintf(shell, sizeof shell, command, path);
    FILE *tshark = popen(shell, "r");
    assert_non_null(tshark);
    for (; file_next(&file, &raw, bytes) && fgets(line, sizeof line, tshark); frames++) {
        enum decode_result result = decode_packet(decoder, &raw, &packet);
        split(line, field);
        if (result != DECODE_OK || !packet.fragment) /* a fragment's inside waits for the others */
            assert_as(name, frames + 1, field, result, &packet);
    }
    pclose(tshark);
    fclose(file.stream);
    return frames;
}

static void test_tunnels_as_tshark_reads_them(void **state)
{
    (void)state;
    const struct decoder_config config = decoder_config_default();
    struct decoder *decoder = decoder_new(&config);
    DIR *dir = opendir(folder);
    char path[8192];
    int frames = 0, files = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        frames += compare(decoder, entry->d_name, path);
        files++;
    }
    closedir(dir);
    decoder_free(decoder);
    printf("%d frames of %d captures\n", frames, files);
    assert_true(files > 10 && frames > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tunnels_as_tshark_reads_them)};
    const char *pcaps = getenv("WEIR_TEST_PCAPS"), *source = getenv("WEIR_SOURCE");
    if (pcaps && *pcaps)
        snprintf(folder, sizeof folder, "%s/10_encap", pcaps);
    else
        snprintf(folder, sizeof folder, "%s/../shared/pcaps/10_encap", source ? source : ".");
    if (access(folder, R_OK) != 0 || system("tshark --version >/dev/null 2>&1") != 0) {
        printf("skipped: %s or tshark is not there\n", folder);
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
