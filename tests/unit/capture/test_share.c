/* Who gets which packet: the same worker for both directions, every worker something. */
#include "files.h"

#include "weir/capture/share.h"

static struct decoder *decoder;

static struct packet packet_of(uint32_t from, uint32_t to)
{
    struct frame frame;
    struct packet packet;
    frame_udp(&frame, from, 1, to, 2, "x", 1);
    struct packet_raw raw = {frame.data, frame.size, frame.size, 1, {START}};
    assert_int_equal(decode_packet(decoder, &raw, &packet), DECODE_OK);
    return packet;
}

static void test_both_directions_meet(void **state)
{
    (void)state;
    for (uint32_t workers = 1; workers <= 5; workers++)
        for (uint32_t i = 0; i < 1000; i++) {
            struct packet there = packet_of(0x0a000001 + i, 0xc6336401 + 7 * i);
            struct packet back = packet_of(0xc6336401 + 7 * i, 0x0a000001 + i);
            assert_int_equal(share_of(&there, workers), share_of(&back, workers));
            assert_true(share_of(&there, workers) < workers);
        }
}

/* Neighbours with one server, and hosts that talk to themselves: 1000 pairs in four quarters. */
static void test_every_worker_gets_some(void **state)
{
    uint32_t pairs[4] = {0}, alone[4] = {0};
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        struct packet packet = packet_of(0x0a000001 + i, 0xc6336401);
        pairs[share_of(&packet, 4)]++;
        packet = packet_of(0x0a000001 + i, 0x0a000001 + i);
        alone[share_of(&packet, 4)]++;
    }
    for (int i = 0; i < 4; i++) {
        assert_in_range(pairs[i], 180, 320);
        assert_in_range(alone[i], 180, 320);
    }
}

static void test_ports_do_not_matter(void **state)
{
    (void)state;
    struct packet packet = packet_of(0x0a000001, 0xc6336401);
    uint32_t share = share_of(&packet, 7);
    for (uint16_t port = 1; port < 100; port++) {
        packet.src_port = port;
        packet.later_fragment = port % 2;
        packet.proto = PROTO_TCP;
        packet.vlan = port;
        assert_int_equal(share_of(&packet, 7), share);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions_meet),
        cmocka_unit_test(test_every_worker_gets_some),
        cmocka_unit_test(test_ports_do_not_matter),
    };
    const struct decoder_config config = decoder_config_default();
    decoder = decoder_new(&config);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    decoder_free(decoder);
    return failed;
}
