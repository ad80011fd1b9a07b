/* Messages made by hand, and mail conversations that carry them, for the tests of content/. */
#ifndef WEIR_TEST_CONTENT_LETTERS_H
#define WEIR_TEST_CONTENT_LETTERS_H

#include "bytes.h"
#include "conversation.h"

/* base64 in lines of `width` characters (a multiple of four; 0: one line). */
static inline void put_base64(struct bytes *b, const void *data, size_t size, size_t width)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = data;
    for (size_t at = 0, column = 0; at < size; at += 3) {
        uint32_t three = (uint32_t)in[at] << 16;
        three |= at + 1 < size ? (uint32_t)in[at + 1] << 8 : 0;
        three |= at + 2 < size ? in[at + 2] : 0;
        put8(b, (uint8_t)digit[three >> 18]);
        put8(b, (uint8_t)digit[three >> 12 & 63]);
        put8(b, at + 1 < size ? (uint8_t)digit[three >> 6 & 63] : '=');
        put8(b, at + 2 < size ? (uint8_t)digit[three & 63] : '=');
        column += 4;
        if (column == width || at + 3 >= size) {
            put_text(b, "\r\n");
            column = 0;
        }
    }
}

static inline void put_base64_text(struct bytes *b, const char *text)
{
    put_base64(b, text, strlen(text), 76);
}

/* Was the address told? */
static inline bool was_told(const struct conversation *c, const char *address)
{
    uint64_t hash = hash64_keyed(&c->key, address, strlen(address));
    for (size_t i = 0; i < c->hash_count; i++)
        if (c->hash[i] == hash)
            return true;
    return false;
}

/* How many of the `count` addresses were told. */
static inline size_t told_of(const struct conversation *c, const char *const *addresses,
                             size_t count)
{
    size_t told = 0;
    for (size_t i = 0; i < count; i++)
        told += was_told(c, addresses[i]);
    return told;
}

/* How many of the `count` addresses were told; -1: another one was, or one twice. */
static inline int told_only(const struct conversation *c, const char *const *addresses,
                            size_t count)
{
    size_t told = told_of(c, addresses, count);
    return told == c->hash_count ? (int)told : -1;
}

/* A new log and no items. */
static inline void forget(struct conversation *c)
{
    c->hash_count = c->log_size = 0;
    c->log[0] = '\0';
    memset(c->items, 0, sizeof c->items);
    memset(c->of_class, 0, sizeof c->of_class);
}

/* A message as DATA carries it: with doubled dots, and the lone one. */
static inline void put_dotted(struct bytes *b, const struct bytes *message)
{
    bool begins = true;
    for (size_t i = 0; i < message->size; i++) {
        if (begins && message->data[i] == '.')
            put8(b, '.');
        put8(b, message->data[i]);
        begins = message->data[i] == '\n';
    }
    put_text(b, ".\r\n");
}

/* As far as DATA, with answers that hold no address. */
static inline void smtp_open(struct conversation *c, uint16_t port, const char *mail)
{
    handshake(c, port, 25);
    say_text(c, SIDE_RESP, "220 mx.example ESMTP\r\n");
    say_text(c, SIDE_ORIG, "EHLO client.example\r\n");
    say_text(c, SIDE_RESP, "250-mx.example\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n");
    say_text(c, SIDE_ORIG, mail);
    say_text(c, SIDE_RESP, "250 ok\r\n250 ok\r\n354 go on\r\n");
}

static inline void smtp_quit(struct conversation *c)
{
    say_text(c, SIDE_RESP, "250 queued\r\n");
    say_text(c, SIDE_ORIG, "QUIT\r\n");
    say_text(c, SIDE_RESP, "221 bye\r\n");
    finish(c);
}

#endif
