/* What each kind of container says of itself. ZIP: APPNOTE 4.3.7, 4.4.4 (bit 0), and method 99
 * (AES). 7z: 7zFormat.txt. RAR 4 and 5: technote. OLE: MS-CFB 2.2, 2.6, and MS-OFFCRYPTO 1.3.2.1
 * for what an encrypted document holds. gzip: RFC 1952; xz, zstd (RFC 8878), bzip2: their magic;
 * tar: POSIX ustar. Pure. */
#include "container_kinds.h"

#include "weir/base/cursor.h"

#include <string.h>

#define ZIP_LOOK   94u /* an entry's header, and as much of its name as tells an office document */
#define RAR4_LOOK  11u
#define RAR5_LOOK  1024u
#define SEVEN_HEAD 32u
#define SEVEN_LOOK 1024u
#define OLE_HEAD   64u
#define OLE_ENTRY  128u

/* --- what begins here --------------------------------------------------------------------------
 */

static bool begins(const uint8_t *data, size_t size, const char *magic, size_t length)
{
    return size >= length && memcmp(data, magic, length) == 0;
}

/* A local header that could be the first: a method that is known, a name. */
static bool begins_zip(const uint8_t *data, size_t size)
{
    static const uint8_t methods[] = {0, 8, 9, 12, 14, 93, 95, 98, 99};
    struct cursor c = cursor_make(data, size);
    if (!begins(data, size, "PK\3\4", 4) || !cursor_skip(&c, 8))
        return false;
    uint16_t method = cursor_le16(&c);
    cursor_skip(&c, 16);
    uint16_t name = cursor_le16(&c);
    cursor_skip(&c, 2);
    return !c.failed && name > 0 && name <= 1024 && method < 256 &&
           memchr(methods, method, sizeof methods);
}

/* The bits that are not defined are zero. */
static bool begins_gzip(const uint8_t *data, size_t size)
{
    return size >= 18 && begins(data, size, "\x1f\x8b\x08", 3) && data[3] < 0x20 &&
           (data[8] == 0 || data[8] == 2 || data[8] == 4) && (data[9] <= 13 || data[9] == 255);
}

static bool begins_bzip2(const uint8_t *data, size_t size)
{
    return size >= 10 && memcmp(data, "BZh", 3) == 0 && data[3] >= '1' && data[3] <= '9' &&
           memcmp(data + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0;
}

enum container_kind container_recognise(const uint8_t *data, size_t size)
{
    if (begins_zip(data, size))
        return CONTAINER_ZIP;
    if (begins(data, size, "7z\xbc\xaf\x27\x1c\0", 7))
        return CONTAINER_7Z;
    if (begins(data, size, "Rar!\x1a\7\0", 7))
        return CONTAINER_RAR4;
    if (begins(data, size, "Rar!\x1a\7\1\0", 8))
        return CONTAINER_RAR5;
    if (begins(data, size, "%PDF-", 5) && size > 7 && data[5] >= '1' && data[5] <= '2')
        return CONTAINER_PDF;
    if (begins(data, size, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8))
        return CONTAINER_OLE;
    if (begins_gzip(data, size))
        return CONTAINER_GZIP;
    if (begins(data, size,
               "\xfd"
               "7zXZ\0",
               6))
        return CONTAINER_XZ;
    if (size >= 9 && begins(data, size, "\x28\xb5\x2f\xfd", 4) && (data[4] & 0x08) == 0)
        return CONTAINER_ZSTD;
    if (begins_bzip2(data, size))
        return CONTAINER_BZIP2;
    if (size >= 263 && memcmp(data + 257, "ustar", 5) == 0 && (data[262] == 0 || data[262] == ' '))
        return CONTAINER_TAR;
    return CONTAINER_NONE;
}

/* --- steps -------------------------------------------------------------------------------------
 */

static bool is_office_name(const uint8_t *name, size_t size)
{
    static const char *const names[] = {"[Content_Types].xml",
                                        "_rels/",
                                        "word/",
                                        "xl/",
                                        "ppt/",
                                        "mimetypeapplication/vnd.oasis.opendocument"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (begins(name, size, names[i], strlen(names[i])))
            return true;
    return false;
}

/* One entry, and where the next one is: not known when its size comes behind it (bit 3), or is in
 * the extra field (ZIP64). */
static void step_zip(struct container_state *s, const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    if (!begins(data, size, "PK\3\4", 4))
        return;
    cursor_skip(&c, 6);
    uint16_t flags = cursor_le16(&c), method = cursor_le16(&c);
    cursor_skip(&c, 8);
    uint32_t packed = cursor_le32(&c);
    cursor_skip(&c, 4);
    uint32_t name = cursor_le16(&c), extra = cursor_le16(&c);
    if (c.failed)
        return;
    s->encrypted |= (flags & 1) || method == 99;
    s->office |= is_office_name(c.at, cursor_left(&c));
    if (!s->encrypted && !(flags & 8) && packed != UINT32_MAX)
        s->want = (struct container_want){s->want.begin + 30 + name + extra + packed, ZIP_LOOK};
}

/* The header is at the end; where it is packed or encrypted it names the coders. */
static void step_7z(struct container_state *s, const uint8_t *data, size_t size)
{
    static const uint8_t aes[] = {0x06, 0xf1, 0x07, 0x01}; /* the coder's id */
    struct cursor c = cursor_make(data, size);
    if (s->want.begin > 0) {
        s->encrypted |= size >= sizeof aes && memmem(data, size, aes, sizeof aes);
        return;
    }
    cursor_skip(&c, 12);
    uint64_t offset = cursor_le64(&c), bytes = cursor_le64(&c);
    if (!c.failed && bytes > 0 && offset < UINT64_MAX / 2)
        s->want = (struct container_want){SEVEN_HEAD + offset,
                                          bytes < SEVEN_LOOK ? (uint32_t)bytes : SEVEN_LOOK};
}

static void step_rar4(struct container_state *s, const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    cursor_skip(&c, 2);
    uint8_t type = cursor_u8(&c);
    uint16_t flags = cursor_le16(&c), bytes = cursor_le16(&c);
    if (c.failed || type < 0x73 || type > 0x7a || bytes < RAR4_LOOK)
        return;
    s->encrypted |= (type == 0x73 && (flags & 0x80)) || (type == 0x74 && (flags & 0x04));
    uint32_t packed = type == 0x74 || (flags & 0x8000) ? cursor_le32(&c) : 0;
    if (!c.failed && !s->encrypted)
        s->want = (struct container_want){s->want.begin + bytes + packed, RAR4_LOOK};
}

/* A number of RAR 5: seven bits a byte, the lowest first. */
static uint64_t rar5_number(struct cursor *c)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        uint8_t byte = cursor_u8(c);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    c->failed = true;
    return 0;
}

/* Does a file's extra area, at the end of its header, hold a record of its encryption? */
static bool rar5_is_encrypted(struct cursor extra)
{
    while (cursor_left(&extra) > 0) {
        uint64_t bytes = rar5_number(&extra);
        if (extra.failed || bytes > cursor_left(&extra))
            return false;
        struct cursor record = cursor_sub(&extra, (size_t)bytes);
        if (rar5_number(&record) == 1 && !record.failed)
            return true;
    }
    return false;
}

static void step_rar5(struct container_state *s, const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    cursor_skip(&c, 4);
    uint64_t bytes = rar5_number(&c);
    size_t before = size - cursor_left(&c);
    if (c.failed || bytes < 2 || bytes > (2u << 20))
        return;
    bool whole = bytes <= cursor_left(&c);
    struct cursor header = cursor_sub(&c, whole ? (size_t)bytes : cursor_left(&c));
    uint64_t type = rar5_number(&header), flags = rar5_number(&header);
    uint64_t extra = flags & 1 ? rar5_number(&header) : 0;
    uint64_t packed = flags & 2 ? rar5_number(&header) : 0;
    if (header.failed || type == 0 || type > 4 || packed > UINT64_MAX / 4)
        return;
    s->encrypted |= type == 4;
    if (type == 2 && whole && extra && extra <= cursor_left(&header)) {
        cursor_skip(&header, cursor_left(&header) - (size_t)extra);
        s->encrypted |= rar5_is_encrypted(header);
    }
    if (!s->encrypted)
        s->want = (struct container_want){s->want.begin + before + bytes + packed, RAR5_LOOK};
}

/* Is the entry's name this one? Names are in UTF-16LE. */
static bool is_entry(const uint8_t *entry, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i <= length; i++)
        if (entry[2 * i] != (uint8_t)name[i] || entry[2 * i + 1] != 0)
            return false;
    return true;
}

static void take_entry(struct container_state *s, const uint8_t *entry)
{
    static const char *const office[] = {"WordDocument", "Workbook", "Book", "PowerPoint Document"};
    if (is_entry(entry, "EncryptedPackage") || is_entry(entry, "EncryptionInfo"))
        s->encrypted = s->office = true;
    for (size_t i = 0; i < sizeof office / sizeof *office; i++)
        s->office |= is_entry(entry, office[i]);
}

/* The directory: what follows its first sector is most often its next one. */
static void step_ole(struct container_state *s, const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    if (s->want.begin > 0) {
        for (size_t at = 0; at + OLE_ENTRY <= size; at += OLE_ENTRY)
            take_entry(s, data + at);
        return;
    }
    cursor_skip(&c, 30);
    uint16_t shift = cursor_le16(&c);
    cursor_skip(&c, 16);
    uint32_t sector = cursor_le32(&c);
    if (!c.failed && (shift == 9 || shift == 12) && sector < 0xfffffffau)
        s->want = (struct container_want){((uint64_t)sector + 1) << shift, CONTAINER_WINDOW};
}

struct container_want container_first(enum container_kind kind)
{
    static const struct container_want first[CONTAINER_KINDS] = {
        [CONTAINER_ZIP] = {0, ZIP_LOOK},   [CONTAINER_7Z] = {0, SEVEN_HEAD},
        [CONTAINER_RAR4] = {7, RAR4_LOOK}, [CONTAINER_RAR5] = {8, RAR5_LOOK},
        [CONTAINER_OLE] = {0, OLE_HEAD},
    };
    return first[kind];
}

void container_step(struct container_state *state, const uint8_t *data, size_t size)
{
    uint64_t begin = state->want.begin;
    state->want.bytes = 0; /* unless the step wants more */
    if (state->kind == CONTAINER_ZIP)
        step_zip(state, data, size);
    else if (state->kind == CONTAINER_7Z)
        step_7z(state, data, size);
    else if (state->kind == CONTAINER_RAR4)
        step_rar4(state, data, size);
    else if (state->kind == CONTAINER_RAR5)
        step_rar5(state, data, size);
    else if (state->kind == CONTAINER_OLE)
        step_ole(state, data, size);
    if (state->want.begin <= begin)
        state->want.bytes = 0;
}

const char *container_label(const struct container_state *state)
{
    static const char *const label[CONTAINER_KINDS][2] = {
        [CONTAINER_NONE] = {"", ""},
        [CONTAINER_ZIP] = {"zip", "zip-encrypted"},
        [CONTAINER_7Z] = {"7z", "7z-encrypted"},
        [CONTAINER_RAR4] = {"rar", "rar-encrypted"},
        [CONTAINER_RAR5] = {"rar", "rar-encrypted"},
        [CONTAINER_PDF] = {"pdf", "pdf-encrypted"},
        [CONTAINER_OLE] = {"ole", "ole"},
        [CONTAINER_GZIP] = {"gzip", "gzip"},
        [CONTAINER_XZ] = {"xz", "xz"},
        [CONTAINER_ZSTD] = {"zstd", "zstd"},
        [CONTAINER_BZIP2] = {"bzip2", "bzip2"},
        [CONTAINER_TAR] = {"tar", "tar"},
    };
    if (state->office)
        return state->encrypted ? "office-encrypted" : "office";
    return label[state->kind][state->encrypted];
}
