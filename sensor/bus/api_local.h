/* A connection of the API's server, for api_welcome.c (which are taken), api.c (requests and their
 * turn), api_client.c (its bytes, replies and end) and api_stream.c. */
#ifndef SENSOR_BUS_API_LOCAL_H
#define SENSOR_BUS_API_LOCAL_H

#include "http.h"

#include "weir/base/buffer.h"
#include "weir/base/time.h"
#include "weir/bus/api.h"

#define API_REQUEST_NS   (5 * NS_PER_S)
#define API_REPLY_NS     (5 * NS_PER_S)
#define API_LATE_NS      (15 * NS_PER_S) /* longer than what is asked may be silent: store, 5 s */
#define API_LINGER_NS    NS_PER_S
#define API_LINGER_BYTES ((size_t)1 << 20)
#define API_IDLE_READS   64  /* of TLS without data, in all: key updates, pieces of a record; … */
#define API_IDLE_EACH    512 /* … and one more for so many bytes of data: honest pieces */
#define API_FILE_BYTES   ((size_t)64 << 10) /* of a file in memory */
#define API_STREAM_NS    (30 * NS_PER_S)    /* without taking any of what waits */

enum api_phase {
    API_HANDSHAKE, /* of TLS */
    API_HEAD,      /* the request line and headers are being read */
    API_BODY,      /* `request` is filled; its body is being read */
    API_WAIT,      /* it is whole, and waits for its turn */
    API_LATER,     /* its answer will come by api_answer */
    API_REPLY,     /* `out` is being written */
    API_LINGER,    /* waits for the client to close */
    API_STREAM     /* events are written to it as they come */
};

struct api_client {
    struct api_client *next, *previous;
    struct api *api;
    int fd;
    struct tls_client *tls; /* NULL: plain */
    struct ip peer;
    uint64_t ticket, session;
    struct loop_watch *watch;
    enum api_phase phase;
    const char *late; /* of API_LATER: what is said when no answer came; NULL: there was no time */
    bool held;        /* what it sends is not read before the next turn, not watched */
    struct wtime held_since;
    unsigned idle_reads;
    struct wtime deadline;
    struct buffer in, out;
    size_t seen, written, thrown;
    bool has_file;
    int file;
    uint64_t file_at, file_size;
    char *head;                  /* a copy: `in` may move while the body comes */
    struct http_request request; /* points into it */
};

struct api {
    struct loop_ref loop;
    int listener;
    struct loop_watch *listening, *sweep;
    bool paused; /* no descriptor, or no time was left; tried again at the next sweep */
    const struct api_route *routes;
    void *context;
    struct api_settings settings;
    struct api_client *first;
    unsigned clients; /* without streams */
    unsigned files;   /* that are being sent */
    uint64_t tickets;
    int64_t spent_ns; /* since the last sweep, and beyond the turns before it */
    struct api_counts counts;
};

/* api.c */
bool api_is_spent(const struct api *api);            /* this turn has no time left */
void api_client_ready(void *context, unsigned what); /* of a client */

/* api_welcome.c */
void api_welcome(void *context, unsigned what); /* of an api: somebody connects */
bool api_is_same_client(const struct ip *one, const struct ip *other);

/* api_client.c */
void api_client_enter(struct api_client *client, enum api_phase phase, int64_t time_ns);
void api_client_free(struct api_client *client);
/* It sent more that is no data than anybody needs to. */
bool api_client_is_idle(const struct api_client *client);
enum api_io { API_IO_SOME, API_IO_AGAIN, API_IO_ENDED };
/* API_IO_AGAIN: it is watched for what it needs. */
enum api_io api_client_read(struct api_client *client, void *bytes, size_t room, size_t *got);
enum api_io api_client_shake(struct api_client *client); /* API_IO_SOME: the handshake is done */
/* Writes what there is room for of `out`, and watches for more. False: its end is gone. */
bool api_client_write(struct api_client *client);
/* Begins to send, and so may free the client. `allow`: a value for the Allow header, or NULL. The
 * reply's body and headers are taken. */
void api_client_send(struct api_client *client, struct api_reply *reply, const char *allow);
void api_client_error(struct api_client *client, int status, const char *text, const char *allow);
/* It goes on writing, or lingers; may free it. */
void api_client_go_on(struct api_client *client);

/* api_stream.c. The reply's body is taken; may free the client. */
void api_stream_begin(struct api_client *client, struct api_reply *reply);
void api_stream_ready(struct api_client *client, unsigned what);
void api_stream_sweep(struct api_client *client, int64_t now_ns);

#endif
