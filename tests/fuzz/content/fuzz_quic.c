/* QUIC: an even first byte, then a datagram, whose packets are parsed and, with the keys that
 * follow from their own ids, opened; an odd one, then what a client's opened packets would hold,
 * each after its length. */
#include "../../../sensor/content/quic_packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_crypto(const struct quic_crypto *crypto)
{
    check(crypto->spans <= QUIC_CRYPTO_SPANS && crypto->room <= QUIC_CRYPTO_MAX);
    for (uint32_t i = 0; i < crypto->spans; i++) {
        check(crypto->span[i].start < crypto->span[i].end && crypto->span[i].end <= crypto->room);
        check(i == 0 || crypto->span[i - 1].end < crypto->span[i].start);
    }
}

static void read_hello(const struct quic_crypto *crypto)
{
    struct tls_hello hello;
    size_t front = quic_crypto_front(crypto);
    check_crypto(crypto);
    if (front == 0)
        return;
    check(tls_parse_hello_message(crypto->data, front, HELLO_QUIC, &hello) < PARSE_RESULTS);
    check(memchr(hello.server_name, '\0', sizeof hello.server_name) != NULL);
    check(hello.ja4[0] == '\0' || strlen(hello.ja4) == JA4_SIZE - 1);
}

static void datagram(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    struct quic_packet packet;
    struct quic_keys keys;
    struct quic_crypto crypto = {.data = NULL};
    uint64_t largest = 0;
    uint8_t *out = malloc(size + 1);
    while (cursor_left(&c) && quic_next_packet(&c, &packet) == PARSE_OK) {
        check(packet.data >= data && packet.id_size <= QUIC_ID_MAX);
        if (packet.kind != QUIC_INITIAL)
            continue;
        check(packet.data + packet.size <= data + size && packet.number_at < packet.size);
        check(quic_client_keys(packet.version, packet.id, packet.id_size, &keys));
        size_t opened = quic_open_packet(&packet, &keys, &largest, out);
        check(opened < packet.size);
        quic_crypto_frames(out, opened, &crypto, QUIC_CRYPTO_MAX);
        read_hello(&crypto);
    }
    quic_crypto_fini(&crypto);
    free(out);
}

static void frames(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    struct quic_crypto crypto = {.data = NULL};
    while (cursor_left(&c)) {
        size_t length = cursor_be16(&c), left = cursor_left(&c);
        struct cursor payload = cursor_sub(&c, length < left ? length : left);
        uint32_t before = crypto.room;
        quic_crypto_frames(payload.at, cursor_left(&payload), &crypto, 8192);
        check(crypto.room - before <= 8192);
        read_hello(&crypto);
    }
    quic_crypto_fini(&crypto);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        frames(data + 1, size - 1);
    else
        datagram(data + 1, size - 1);
    return 0;
}
