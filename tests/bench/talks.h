/* What is said in made-up traces: conversations that tell a packet, or a train of them, at a time.
 * Names, sizes and contents follow from one seed. A browser's ClientHello and QUIC's Initials are
 * as real ones are, what would be sealed is random; where a site is was asked for and answered in
 * DNS. */
#ifndef WEIR_TESTS_BENCH_TALKS_H
#define WEIR_TESTS_BENCH_TALKS_H

#include "../unit/content/quic_sender.h"
#include "texts.h"
#include "wire.h"

#include <stddef.h>

#define TALK_HEAD     2048u
#define TALK_POOL     (1u << 20)
#define TALK_RECORD   4101u /* TLS: of 4 KiB and its head */
#define TALK_DATAGRAM 1200u
#define TALK_TRAIN    8u /* packets at a time, at most */
#define TALK_INITIALS 8u /* sealed once, sent often: sealing is slow here */

enum talk_kind {
    TALK_DNS,
    TALK_TLS,
    TALK_TLS_UPLOAD,
    TALK_HTTP,
    TALK_POST,
    TALK_QUIC,
    TALK_BULK,
    TALK_SYN, /* never answered */
    TALK_PING,
    TALK_SHORT, /* a question and an answer of some hundred bytes */
    TALK_KINDS
};

enum talk_body { BODY_RANDOM, BODY_HTML, BODY_JSON, BODY_RECORDS };

/* One side's stream: its head, then as much of the body as the turns want. */
struct speech {
    uint32_t sent, head_bytes, from; /* where in the pool its body begins */
    enum talk_body body;
};

struct turn {
    int side;
    uint32_t bytes;
};

struct talk {
    enum talk_kind kind;
    struct ends ends;
    struct speech side[2];
    struct turn turn[6];
    unsigned turns, at, phase, unacked;
    uint32_t left; /* of this turn */
    uint32_t next_seq[2];
    uint8_t head[2][TALK_HEAD]; /* last: not set to zero */
};

struct talks {
    uint64_t seed;
    uint64_t opened;       /* talks so far */
    uint32_t hosts, sites; /* of how many inside and outside */
    struct bytes scratch[2];
    uint8_t initial[TALK_INITIALS][TALK_DATAGRAM];
    uint8_t pool[3]
                [TALK_POOL + TALK_HEAD]; /* of the bodies; the last bytes so that no copy wraps */
};

static inline uint32_t talks_random(struct talks *talks, uint32_t below)
{
    return texts_random(&talks->seed, below);
}

/* --- who ---------------------------------------------------------------------------------------
 */

static inline void site_name(uint32_t site, char name[40])
{
    snprintf(name, 40, "www%u.site%u.example", site % 3, site);
}

/* Outside: 45.0.0.0/8 and 2600::/16. */
static inline void site_address(uint32_t site, bool v6, uint8_t addr[16])
{
    uint32_t number = site * 2654435761u;
    memset(addr, 0, 16);
    wire_set32(addr + (v6 ? 4 : 0), v6 ? number : number >> 8);
    if (v6)
        wire_set16(addr, 0x2600);
    else
        addr[0] = 45;
}

/* Inside: 10.0.0.0/8 and a unique local network. */
static inline void host_address(uint32_t host, bool v6, uint8_t addr[16])
{
    memset(addr, 0, 16);
    if (v6)
        wire_set32(addr, 0xfd001234);
    wire_set32(addr + (v6 ? 12 : 0), (v6 ? 0 : 0x0a010000) + host + 10);
}

/* A few sites are asked for much, most of them seldom. */
static inline uint32_t any_site(struct talks *talks)
{
    double part = talks_random(talks, 1u << 30) / (double)(1u << 30);
    return (uint32_t)(part * part * part * talks->sites);
}

static inline void talk_ends(struct talks *talks, struct talk *talk, uint32_t host, uint32_t site,
                             unsigned port)
{
    struct ends *ends = &talk->ends;
    ends->v6 = talks_random(talks, 5) == 0;
    host_address(host, ends->v6, ends->addr[0]);
    site_address(site, ends->v6, ends->addr[1]);
    ends->port[0] = (uint16_t)(1024 + talks->opened % 64000);
    ends->port[1] = (uint16_t)port;
    for (int side = 0; side < 2; side++) {
        ends->ident[side] = (uint16_t)talks_random(talks, 65536);
        talk->next_seq[side] = talks_random(talks, 1u << 30) * 2;
        talk->side[side].from = talks_random(talks, TALK_POOL);
    }
}

/* --- what --------------------------------------------------------------------------------------
 */

static inline void talk_turn(struct talk *talk, int side, uint32_t bytes)
{
    talk->turn[talk->turns++] = (struct turn){side, bytes};
}

static inline void talk_head(struct talk *talk, int side, const void *data, size_t size)
{
    struct speech *speech = &talk->side[side];
    assert(size <= TALK_HEAD - speech->head_bytes);
    memcpy(talk->head[side] + speech->head_bytes, data, size);
    speech->head_bytes += (uint32_t)size;
}

/* From 1 KiB on, each doubling as likely: most are small, most bytes are in the large ones. */
static inline uint32_t any_size(struct talks *talks, unsigned doublings)
{
    uint32_t size = UINT32_C(1024) << talks_random(talks, doublings);
    return size + talks_random(talks, size);
}

/* An extension of TLS with its length. */
static inline void put_extension(struct bytes *b, unsigned type, const void *body, size_t size)
{
    put16(b, type);
    put16(b, (unsigned)size);
    put(b, body, size);
}

/* One whose body is lists within lists of one name, each with its length: of two bytes but for
 * `last`. */
static inline void put_name_extension(struct bytes *b, unsigned type, const char *name,
                                      unsigned last)
{
    put16(b, type);
    size_t body = put_open(b, 2), list = put_open(b, 2);
    if (type == 0)
        put8(b, 0);
    size_t one = put_open(b, last);
    put_text(b, name);
    put_close(b, one, last);
    put_close(b, list, 2);
    put_close(b, body, 2);
}

static inline void put_key_share(struct talks *talks, struct bytes *b)
{
    put(b, "\0\x33\0\x2b\0\x29\x3a\x3a\0\1\0\0\x1d\0\x20", 15);
    put(b, talks->pool[BODY_RANDOM] + talks_random(talks, TALK_POOL), 32);
}

/* As a browser sends it (with GREASE, RFC 8701), padded to 512 bytes: a handshake message without a
 * record. */
static inline void browser_hello(struct talks *talks, struct bytes *b, const char *name,
                                 const char *alpn)
{
    const uint8_t *random = talks->pool[BODY_RANDOM] + talks_random(talks, TALK_POOL);
    static const char padding[512];
    b->size = 0;
    put8(b, 1);
    size_t message = put_open(b, 3);
    put16(b, 0x0303);
    put(b, random, 32);
    put8(b, 32);
    put(b, random + 32, 32);
    put(b,
        "\0\x20\x6a\x6a\x13\1\x13\2\x13\3\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xcc\xa9\xcc\xa8"
        "\xc0\x13\xc0\x14\0\x9c\0\x9d\0\x2f\0\x35\1\0",
        36);
    size_t extensions = put_open(b, 2);
    put_extension(b, 0x4a4a, NULL, 0);
    put_name_extension(b, 0, name, 2);
    put_extension(b, 23, NULL, 0);
    put_extension(b, 65281, "\0", 1);
    put_extension(b, 10, "\0\x8\x3a\x3a\0\x1d\0\x17\0\x18", 10);
    put_extension(b, 11, "\1\0", 2);
    put_extension(b, 35, NULL, 0);
    put_name_extension(b, 16, alpn, 1);
    put_extension(b, 5, "\1\0\0\0\0", 5);
    put_extension(b, 13, "\0\x10\4\3\x8\4\4\1\5\3\x8\5\5\1\x8\6\6\1", 18);
    put_extension(b, 18, NULL, 0);
    put_key_share(talks, b);
    put_extension(b, 45, "\1\1", 2);
    put_extension(b, 43, "\6\x2a\x2a\3\4\3\3", 7);
    put_extension(b, 27, "\2\0\2", 3);
    put_extension(b, 0x1a1a, "\0", 1);
    put_extension(b, 21, padding, 512 - 4 - b->size);
    put_close(b, extensions, 2);
    put_close(b, message, 3);
}

/* TLS 1.3's, with a key share, and ChangeCipherSpec: what follows is sealed. */
static inline void server_hello(struct talks *talks, struct bytes *b)
{
    const uint8_t *random = talks->pool[BODY_RANDOM] + talks_random(talks, TALK_POOL);
    b->size = 0;
    put(b, "\x16\3\3", 3);
    size_t record = put_open(b, 2);
    put8(b, 2);
    size_t message = put_open(b, 3);
    put16(b, 0x0303);
    put(b, random, 32);
    put8(b, 32);
    put(b, random + 32, 32);
    put(b, "\x13\1\0", 3);
    size_t extensions = put_open(b, 2);
    put(b, "\0\x2b\0\2\3\4\0\x33\0\x24\0\x1d\0\x20", 14);
    put(b, random + 64, 32);
    put_close(b, extensions, 2);
    put_close(b, message, 3);
    put_close(b, record, 2);
    put(b, "\x14\3\3\0\1\1", 6);
}

static inline void say_tls(struct talks *talks, struct talk *talk, uint32_t site)
{
    struct bytes *message = &talks->scratch[0], *records = &talks->scratch[1];
    bool upload = talk->kind == TALK_TLS_UPLOAD;
    uint32_t size = (1 + any_size(talks, upload ? 10 : 8) / TALK_RECORD) * TALK_RECORD;
    char name[40];
    site_name(site, name);
    browser_hello(talks, message, name, "h2");
    records->size = 0;
    tls_records(records, message, 16384);
    talk_turn(talk, 0, (uint32_t)records->size);
    put(records, "\x14\3\3\0\1\1", 6);
    talk_head(talk, 0, records->data, records->size);
    server_hello(talks, records);
    talk_head(talk, 1, records->data, records->size);
    talk->side[0].body = talk->side[1].body = BODY_RECORDS;
    talk_turn(talk, 1, (uint32_t)records->size + TALK_RECORD); /* its certificate, too */
    talk_turn(talk, 0, 6 + (upload ? size : TALK_RECORD));
    talk_turn(talk, 1, upload ? TALK_RECORD : size);
}

static inline void say_http(struct talks *talks, struct talk *talk, uint32_t site)
{
    char text[512], name[40];
    bool post = talk->kind == TALK_POST, brief = talk->kind == TALK_SHORT;
    uint32_t asked = post ? any_size(talks, 7) : 0, answered = 30;
    if (brief)
        answered = 200 + talks_random(talks, 600);
    else if (!post)
        answered = any_size(talks, 7);
    site_name(site, name);
    int size = snprintf(text, sizeof text, "%s /page/%u HTTP/1.1\r\nHost: %s\r\n",
                        post ? "POST" : "GET", talks_random(talks, 1000), name);
    size += snprintf(
        text + size, sizeof text - (size_t)size,
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0\r\nAccept: */*\r\n");
    if (post)
        size += snprintf(text + size, sizeof text - (size_t)size,
                         "Content-Type: application/json\r\nContent-Length: %u\r\n", asked);
    size += snprintf(text + size, sizeof text - (size_t)size, "\r\n");
    talk_head(talk, 0, text, (size_t)size);
    talk_turn(talk, 0, (uint32_t)size + asked);
    size =
        snprintf(text, sizeof text,
                 "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: "
                 "%u\r\n\r\n",
                 answered);
    talk_head(talk, 1, text, (size_t)size);
    talk_turn(talk, 1, (uint32_t)size + answered);
    talk->side[0].body = BODY_JSON;
    talk->side[1].body = BODY_HTML;
}

/* Half of the resolvers are inside. */
static inline void say_dns(struct talks *talks, struct talk *talk, uint32_t site)
{
    struct bytes *b = &talks->scratch[0];
    uint8_t where[16];
    char name[40];
    bool v6 = talks_random(talks, 4) == 0;
    unsigned type = v6 ? 28 : 1, id = talks_random(talks, 65536);
    talk->ends.v6 = false;
    memcpy(talk->ends.addr[1], talks_random(talks, 2) ? "\x0a\0\0\x35" : "\x09\x09\x09\x09", 4);
    site_name(site, name);
    for (int side = 0; side < 2; side++) {
        b->size = 0;
        dns_header(b, side ? 0x8180 : 0x0100, 1, side ? 1 : 0);
        wire_set16(b->data, id);
        dns_question(b, name, type);
        site_address(site, v6, where);
        if (side)
            dns_record(b, type, 300, where, v6 ? 16 : 4);
        talk_head(talk, side, b->data, b->size);
        talk_turn(talk, side, (uint32_t)b->size);
    }
}

static inline void say_quic(struct talks *talks, struct talk *talk)
{
    struct bytes *b = &talks->scratch[0];
    talk_head(talk, 0, talks->initial[talks_random(talks, TALK_INITIALS)], TALK_DATAGRAM);
    b->size = 0;
    quic_long_header(b, 0xc3, 1, "source", "server01");
    talk_head(talk, 1, b->data, b->size);
    talk_turn(talk, 0, TALK_DATAGRAM);
    talk_turn(talk, 1, 3 * TALK_DATAGRAM);
    talk_turn(talk, 0, TALK_DATAGRAM + 80);
    talk_turn(talk, 1, any_size(talks, 9));
}

static inline void say_bulk(struct talks *talks, struct talk *talk)
{
    int side = (int)talks_random(talks, 2);
    talk_turn(talk, 0, 100);
    talk_turn(talk, 1, 100);
    talk_turn(talk, side, (UINT32_C(1) << 20) + talks_random(talks, 3u << 20));
}

static inline void say_short(struct talks *talks, struct talk *talk)
{
    talk_turn(talk, 0, 100 + talks_random(talks, 400));
    talk_turn(talk, 1, 200 + talks_random(talks, 800));
    talk->side[0].body = talk->side[1].body = BODY_JSON;
}

static inline void talk_begin(struct talks *talks, struct talk *talk, enum talk_kind kind)
{
    static const uint16_t port[TALK_KINDS] = {53, 443, 443, 80, 80, 443, 8730, 445, 0, 6000};
    uint32_t site = any_site(talks);
    bool brief_http = kind == TALK_SHORT && talks_random(talks, 2);
    memset(talk, 0, offsetof(struct talk, head));
    talk->kind = kind;
    talks->opened++;
    talk_ends(talks, talk, talks_random(talks, talks->hosts), site, brief_http ? 80 : port[kind]);
    if (kind == TALK_DNS)
        say_dns(talks, talk, site);
    else if (kind == TALK_TLS || kind == TALK_TLS_UPLOAD)
        say_tls(talks, talk, site);
    else if (kind == TALK_HTTP || kind == TALK_POST || brief_http)
        say_http(talks, talk, site);
    else if (kind == TALK_QUIC)
        say_quic(talks, talk);
    else if (kind == TALK_BULK)
        say_bulk(talks, talk);
    else if (kind == TALK_SHORT)
        say_short(talks, talk);
    for (int i = 0; kind == TALK_PING && i < 4; i++)
        talk_turn(talk, i % 2, 56);
    talk->left = talk->turn[0].bytes;
}

/* --- packet by packet --------------------------------------------------------------------------
 */

/* Where in the stream a record begins, its head is put over what is there. */
static inline void put_record_heads(uint32_t place, uint8_t *out, uint32_t size)
{
    static const uint8_t head[5] = {0x17, 3, 3, (TALK_RECORD - 5) >> 8, (TALK_RECORD - 5) & 0xff};
    uint32_t into = place % TALK_RECORD, at = place - into + (into < 5 ? 0 : TALK_RECORD);
    for (; at < place + size; at += TALK_RECORD)
        for (uint32_t i = 0; i < 5; i++)
            if (at + i >= place && at + i < place + size)
                out[at + i - place] = head[i];
}

/* The next bytes of a side's stream. */
static inline void speak(const struct talks *talks, struct talk *talk, int side, uint8_t *out,
                         uint32_t size)
{
    struct speech *speech = &talk->side[side];
    uint32_t done = 0;
    if (speech->sent < speech->head_bytes) {
        done = speech->head_bytes - speech->sent < size ? speech->head_bytes - speech->sent : size;
        memcpy(out, talk->head[side] + speech->sent, done);
    }
    speech->sent += size;
    if (done == size)
        return;
    uint32_t rest = size - done, place = speech->sent - rest - speech->head_bytes;
    const uint8_t *pool = talks->pool[speech->body == BODY_RECORDS ? BODY_RANDOM : speech->body];
    memcpy(out + done, pool + (speech->from + place) % TALK_POOL, rest);
    if (speech->body == BODY_RECORDS)
        put_record_heads(place, out + done, rest);
}

/* The turn's next bytes are in the frame: how many, at most `most`. */
static inline uint32_t talk_payload(const struct talks *talks, struct wire *wire, struct talk *talk,
                                    uint32_t most)
{
    uint32_t size = talk->left < most ? talk->left : most;
    speak(talks, talk, talk->turn[talk->at].side, wire_payload(wire), size);
    talk->left -= size;
    return size;
}

/* False: it was the last turn. */
static inline bool talk_next_turn(struct talk *talk)
{
    talk->unacked = 0;
    if (++talk->at >= talk->turns)
        return false;
    talk->left = talk->turn[talk->at].bytes;
    return true;
}

/* A control segment; SYN and FIN use up a number. */
static inline void talk_control(struct wire *wire, struct talk *talk, int side, unsigned flags)
{
    wire_tcp(wire, &talk->ends, side, flags, talk->next_seq, 0);
    talk->next_seq[side] += (flags & (WIRE_SYN | WIRE_FIN)) != 0;
}

/* Every second segment is acknowledged, by every other peer each. */
static inline void talk_segments(struct talks *talks, struct wire *wire, struct talk *talk)
{
    int side = talk->turn[talk->at].side;
    for (uint32_t train = 1 + talks_random(talks, TALK_TRAIN); train > 0 && talk->left; train--) {
        uint32_t size = talk_payload(talks, wire, talk, WIRE_SEGMENT);
        wire_tcp(wire, &talk->ends, side, WIRE_ACK | (talk->left ? 0 : WIRE_PSH), talk->next_seq,
                 size);
        talk->next_seq[side] += size;
        talk->unacked = !talk->unacked;
        if (!talk->unacked || talk->ends.port[0] % 2)
            talk_control(wire, talk, !side, WIRE_ACK);
    }
    if (talk->left == 0 && !talk_next_turn(talk))
        talk->phase++;
}

static inline bool talk_step_tcp(struct talks *talks, struct wire *wire, struct talk *talk)
{
    static const struct {
        int side;
        unsigned flags;
    } control[] = {{0, WIRE_SYN},
                   {1, WIRE_SYN | WIRE_ACK},
                   {0, WIRE_ACK},
                   {0, 0}, /* what they have to say */
                   {0, WIRE_FIN | WIRE_ACK},
                   {1, WIRE_FIN | WIRE_ACK},
                   {0, WIRE_ACK}};
    if (control[talk->phase].flags == 0) {
        talk_segments(talks, wire, talk);
        return true;
    }
    talk_control(wire, talk, control[talk->phase].side, control[talk->phase].flags);
    return talk->kind != TALK_SYN && ++talk->phase < sizeof control / sizeof *control;
}

/* QUIC: what is not an Initial has a short head, and every fourth datagram is acknowledged. */
static inline bool talk_step_datagram(struct talks *talks, struct wire *wire, struct talk *talk)
{
    int side = talk->turn[talk->at].side;
    bool quic = talk->kind == TALK_QUIC, first = talk->side[side].sent == 0;
    uint32_t size = talk_payload(talks, wire, talk, TALK_DATAGRAM);
    if (quic && !first)
        wire_payload(wire)[0] = (uint8_t)(0x40 | talks_random(talks, 64));
    if (talk->kind == TALK_PING)
        wire_echo(wire, &talk->ends, side, size);
    else
        wire_udp(wire, &talk->ends, side, size);
    if (quic && ++talk->unacked == 4) {
        talk->unacked = 0;
        wire_payload(wire)[0] = (uint8_t)(0x40 | talks_random(talks, 64));
        wire_udp(wire, &talk->ends, !side, 34);
    }
    return talk->left || talk_next_turn(talk);
}

/* Its next packets; false: it is over. */
static inline bool talk_step(struct talks *talks, struct wire *wire, struct talk *talk)
{
    bool datagrams = talk->kind == TALK_DNS || talk->kind == TALK_QUIC || talk->kind == TALK_PING;
    return datagrams ? talk_step_datagram(talks, wire, talk) : talk_step_tcp(talks, wire, talk);
}

/* --- at the start ------------------------------------------------------------------------------
 */

static inline void talks_initials(struct talks *talks)
{
    struct bytes *message = &talks->scratch[0], *frames = &talks->scratch[1];
    static struct bytes sealed;
    char name[40], id[9];
    for (uint32_t i = 0; i < TALK_INITIALS; i++) {
        site_name(i, name);
        snprintf(id, sizeof id, "initial%u", i % 10);
        browser_hello(talks, message, name, "h3");
        frames->size = sealed.size = 0;
        crypto_frame(frames, 0, message->data, message->size);
        while (frames->size < TALK_DATAGRAM - 45) /* 29 bytes of head, 16 of seal */
            put8(frames, 0);
        const struct initial parts = {.version = 1, .key_id = id, .number = 1};
        quic_initial(&sealed, &parts, frames);
        assert(sealed.size == TALK_DATAGRAM);
        memcpy(talks->initial[i], sealed.data, TALK_DATAGRAM);
    }
}

static inline void talks_init(struct talks *talks, uint32_t hosts, uint32_t sites)
{
    talks->seed = 10;
    talks->hosts = hosts;
    talks->sites = sites;
    texts_fill("random", talks->pool[BODY_RANDOM], sizeof talks->pool[0]);
    texts_fill("html", talks->pool[BODY_HTML], sizeof talks->pool[0]);
    texts_fill("json", talks->pool[BODY_JSON], sizeof talks->pool[0]);
    talks_initials(talks);
}

#endif
