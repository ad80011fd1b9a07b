/* Writes a small MaxMind DB (specification 2.0, 24-bit records) for tests: prefixes with what is
 * said of them, in data as put by the mmdb_put_* functions. */
#ifndef WEIR_TESTS_MMDB_H
#define WEIR_TESTS_MMDB_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MMDB_NODES 512
#define MMDB_DATA  4096

struct mmdb {
    uint32_t node[MMDB_NODES][2]; /* UINT32_MAX: nothing; high bit: an offset into data */
    uint32_t nodes;
    uint8_t data[MMDB_DATA];
    size_t size;
};

static inline void mmdb_begin(struct mmdb *db)
{
    memset(db, 0, sizeof *db);
    memset(db->node, 0xff, sizeof db->node);
    db->nodes = 1;
}

static inline void mmdb_byte(struct mmdb *db, unsigned byte)
{
    db->data[db->size++] = (uint8_t)byte;
}

static inline void mmdb_put_text(struct mmdb *db, const char *text)
{
    unsigned size = (unsigned)strlen(text); /* up to 284 bytes */
    mmdb_byte(db, 2u << 5u | (size < 29 ? size : 29));
    if (size >= 29)
        mmdb_byte(db, size - 29);
    memcpy(db->data + db->size, text, strlen(text));
    db->size += strlen(text);
}

/* kind 5: 16 bits, 6: 32 bits */
static inline void mmdb_put_number(struct mmdb *db, unsigned kind, uint32_t number)
{
    unsigned size = kind == 5 ? 2 : 4;
    mmdb_byte(db, kind << 5u | size);
    for (unsigned i = size; i-- > 0;)
        mmdb_byte(db, number >> (8 * i) & 0xff);
}

static inline void mmdb_put_map(struct mmdb *db, unsigned members)
{
    mmdb_byte(db, 7u << 5u | members);
}

/* The prefix (of 16 bytes: IPv4 stands at ::/96) has what was put from `at` on. */
static inline void mmdb_prefix(struct mmdb *db, const uint8_t address[16], unsigned bits, size_t at)
{
    uint32_t node = 0;
    for (unsigned i = 0; i < bits; i++) {
        uint32_t *next = &db->node[node][address[i / 8] >> (7 - i % 8) & 1];
        if (i == bits - 1)
            *next = 0x80000000u | (uint32_t)at;
        else if (*next == UINT32_MAX)
            *next = db->nodes++;
        node = *next;
    }
}

static inline bool mmdb_write(struct mmdb *db, const char *path)
{
    static const char marker[] = "\xab\xcd\xefMaxMind.com";
    FILE *file = fopen(path, "wb");
    size_t data = db->size;
    for (uint32_t n = 0; file && n < db->nodes * 2; n++) {
        uint32_t value = db->node[n / 2][n % 2];
        if (value == UINT32_MAX)
            value = db->nodes;
        else if (value & 0x80000000u)
            value = (value & 0x7fffffffu) + db->nodes + 16;
        fputc((int)(value >> 16u), file);
        fputc((int)(value >> 8u & 0xff), file);
        fputc((int)(value & 0xff), file);
    }
    mmdb_put_map(db, 9);
    mmdb_put_text(db, "node_count");
    mmdb_put_number(db, 6, db->nodes);
    mmdb_put_text(db, "record_size");
    mmdb_put_number(db, 5, 24);
    mmdb_put_text(db, "ip_version");
    mmdb_put_number(db, 5, 6);
    mmdb_put_text(db, "database_type");
    mmdb_put_text(db, "Test-ASN");
    mmdb_put_text(db, "binary_format_major_version");
    mmdb_put_number(db, 5, 2);
    mmdb_put_text(db, "binary_format_minor_version");
    mmdb_put_number(db, 5, 0);
    mmdb_put_text(db, "languages"); /* an empty array: of extended type 11 */
    mmdb_byte(db, 0);
    mmdb_byte(db, 11 - 7);
    mmdb_put_text(db, "description");
    mmdb_put_map(db, 0);
    mmdb_put_text(db, "build_epoch"); /* 64 bits: of extended type 9; here one byte, 1 */
    mmdb_byte(db, 1);
    mmdb_byte(db, 9 - 7);
    mmdb_byte(db, 1);
    if (!file)
        return false;
    fwrite((const char[16]){0}, 1, 16, file);
    fwrite(db->data, 1, data, file);
    fwrite(marker, 1, sizeof marker - 1, file);
    fwrite(db->data + data, 1, db->size - data, file);
    return fclose(file) == 0;
}

#endif
