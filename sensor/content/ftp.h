/* One line of an FTP control connection (RFC 959, 2428, 3659). Pure; no allocation. */
#ifndef WEIR_SENSOR_CONTENT_FTP_H
#define WEIR_SENSOR_CONTENT_FTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ftp_word {
    FTP_OTHER,   /* a command that is none of these, or no command at all */
    FTP_KNOWN,   /* a command of which nothing more is wanted */
    FTP_USER,    /* USER: `name` */
    FTP_SECRET,  /* PASS, ACCT, ADAT: the rest of the line is not for reading */
    FTP_UPGRADE, /* AUTH */
    FTP_LISTEN,  /* PORT, EPRT: the client listens at `port` */
    FTP_STORE,   /* STOR, STOU, APPE */
    FTP_RETRIEVE,
    FTP_LIST,
    FTP_SIZE,
    FTP_ALLOCATE, /* `number` bytes are going to be stored */
    FTP_RESTART,  /* the next transfer begins at `number` */
    FTP_MODE,     /* `number`: the letter */
    FTP_REPLY,    /* `code`; 227 and 229: the server listens at `port` */
    FTP_WORDS
};

struct ftp_line {
    enum ftp_word word;
    uint16_t code;       /* FTP_REPLY */
    uint16_t port;       /* 0: none, or none that can be read */
    int64_t number;      /* also of a reply: 213's, and of "(123 bytes)"; -1: none */
    const uint8_t *name; /* the argument of RETR, SIZE and USER, borrowed from the line */
    size_t name_size;
};

#define FTP_LINE_MAX 4096u

/* A line without its end. */
struct ftp_line ftp_parse_line(const uint8_t *data, size_t size);

#endif
