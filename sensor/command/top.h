/* The parts of `weir top`: what was answered, as rows; rows, as lines; lines, on a terminal.
 * For the files of this command only. Thread: the main thread. */
#ifndef WEIR_COMMAND_TOP_H
#define WEIR_COMMAND_TOP_H

#include "weir/alert/pseudonym.h"
#include "weir/base/json.h"
#include "weir/base/time.h"
#include "weir/config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_ROWS    100 /* as a page of the API */
#define TOP_SAMPLES 20
#define TOP_NAME    264
#define TOP_WORD    24
#define TOP_ID      40
#define TOP_RULE    64
#define TOP_MESSAGE 256

/* --- top_text.c: cells ------------------------------------------------------------------------ */

/* Whether the terminal's characters are UTF-8's; sets LC_CTYPE by the environment. Else what is not
 * ASCII is shown as "?". Once, before the others. */
bool top_text_begin(void);
/* `text` in exactly `columns` columns: cut between characters, filled with blanks (in front of it:
 * `right`). Wide characters count two; what a terminal obeys, and what has no width of its own
 * beyond two marks on a character, is not passed on. `room`: bytes, of which 12 a column and one
 * do.
 */
void top_fit(const char *text, size_t columns, bool right, char *out, size_t room);
#define TOP_FIT(columns) (12 * (columns) + 1)
/* Rates, oldest first, each against the largest; NAN: not known. */
#define TOP_SPARK TOP_FIT(TOP_SAMPLES)
void top_spark(const double *sample, size_t count, char out[TOP_SPARK]);

/* --- top_page.c: rows ------------------------------------------------------------------------- */

struct top_row {
    char name[TOP_NAME];                            /* of a host, or of a destination; harmless */
    uint64_t out_bytes, in_bytes, day_bytes, count; /* count: destinations, or flows */
    uint64_t expected[2];
    bool expected_known, past_known, met;
    double p; /* NAN: not known */
    char state[TOP_WORD], role[TOP_WORD];
    char incident[TOP_ID], urgency[TOP_WORD], rule[TOP_RULE]; /* incident "": none */
    int64_t score;
    double rate; /* bytes a second between the last two samples; NAN: not known */
    double sample[TOP_SAMPLES];
    size_t samples;
    struct { /* what the next sample is measured from */
        struct ptime at, hour;
        uint64_t bytes;
    } base;
};

struct top_page {
    struct ptime now, hour; /* packet time, and when the site's hour began; 0: none yet */
    uint64_t total;
    struct top_row row[TOP_ROWS];
    size_t count;
    struct top_row host; /* the page of one host: itself */
};

/* A reply of GET /v1/hosts (`list` "hosts") or of one of them ("destinations"). What goes on from
 * `before` (NULL: nothing) is the rates; rows that are not on the new page are forgotten. −1: it is
 * none. What is missing shows as 0 or "": a newer sensor may be asked. */
int top_page_read(const struct json_value *root, const char *list, const struct top_page *before,
                  struct top_page *page);

struct top_sensor {                                           /* of GET /v1/status */
    char name[TOP_NAME], state[TOP_WORD], blind[TOP_MESSAGE]; /* blind: the first line; "": none */
    uint64_t blinds, incidents_open;
};
void top_sensor_read(const struct json_value *status, struct top_sensor *sensor);

/* --- top_view.c: lines ------------------------------------------------------------------------ */

enum top_screen { TOP_HOSTS, TOP_HOST, TOP_INCIDENT };
enum top_order { TOP_BY_OUT, TOP_BY_RATE, TOP_BY_IN, TOP_BY_NAME, TOP_ORDERS };
extern const char *const top_order_name[TOP_ORDERS];

struct top_state {
    enum top_screen screen;
    struct top_sensor sensor;
    struct top_page hosts, host;
    char incident[TOP_ID];
    char *story; /* of the incident: lines; NULL: not asked yet */
    enum top_order order;
    char find[TOP_WORD + 1];
    bool finding, paused;
    size_t chosen[2], first[2]; /* rows, of TOP_HOSTS and TOP_HOST */
    char message[TOP_MESSAGE];  /* why there is nothing newer; "": there is */
};

enum top_ink { TOP_PLAIN, TOP_HEAD, TOP_LOUD, TOP_CHOSEN };

struct top_line {
    char *text;
    enum top_ink ink;
};
struct top_view {
    struct top_line *line;
    size_t count;
};
/* `height` 0: all rows, and no line of keys. */
void top_view_make(struct top_state *state, size_t width, size_t height, struct top_view *view);
void top_view_free(struct top_view *view);
/* The row that is chosen, in the order shown; NULL: there is none. */
const struct top_row *top_chosen(const struct top_state *state);

/* --- top_ask.c: the sensor -------------------------------------------------------------------- */

struct top {
    struct top_state state;
    const struct config *config;
    struct pseudonyms *pseudonyms; /* NULL: none are asked for */
    char *path;
    char host[TOP_NAME]; /* that is looked into */
    int64_t every_ns;
    struct wtime due;
    bool quit;
};

/* The status and what the screen is about; `state` has it, or `message` why not. Sets `due`. */
int top_ask(struct top *top, struct error *error);
/* The reply itself, of what the screen is about; NULL and an error. Caller frees. */
char *top_ask_page(const struct top *top, struct error *error);

/* --- top_screen.c: the terminal --------------------------------------------------------------- */

enum top_key {
    TOP_KEY_NONE, /* nothing within the time, or one that means nothing */
    TOP_KEY_UP,
    TOP_KEY_DOWN,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_FIRST,
    TOP_KEY_LAST,
    TOP_KEY_ENTER,
    TOP_KEY_BACK,
    TOP_KEY_ERASE,
    TOP_KEY_RESIZE,
    TOP_KEY_LETTER /* `letter` */
};
int top_screen_open(struct error *error); /* −1: no terminal that is known */
void top_screen_close(void);
bool top_screen_is_gone(void); /* nobody is at the other end of it */
void top_screen_size(size_t *width, size_t *height);
void top_screen_draw(const struct top_view *view);
enum top_key top_screen_key(int wait_ms, int *letter);

#endif
