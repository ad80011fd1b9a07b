/* The terminal of `weir top`, by ncurses: lines are drawn as they are, in their ink, and keys are
 * read. What the lines hold was made harmless before; nothing else is written. See top.h. */
#include "top.h"

#include <curses.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#define ESCAPE_MS 50 /* a lone Escape is one after this */

static SCREEN *screen;

int top_screen_open(struct error *error)
{
    const char *type = getenv("TERM");
    screen = newterm(NULL, stdout, stdin); /* initscr would end the program */
    if (!screen)
        return error_set(error, ERROR_RUN,
                         "terminal type \"%.40s\" is not known, expected one of terminfo's (TERM); "
                         "--once needs none",
                         type ? type : "");
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    set_escdelay(ESCAPE_MS);
    curs_set(0);
    return 0;
}

void top_screen_close(void)
{
    if (!screen)
        return;
    endwin();
    delscreen(screen);
    screen = NULL;
}

void top_screen_size(size_t *width, size_t *height)
{
    int lines, columns;
    getmaxyx(stdscr, lines, columns);
    *width = columns > 0 ? (size_t)columns : 1;
    *height = lines > 0 ? (size_t)lines : 1;
}

static void draw_line(int y, const struct top_line *line)
{
    static const attr_t ink[] = {[TOP_PLAIN] = A_NORMAL,
                                 [TOP_HEAD] = A_BOLD,
                                 [TOP_LOUD] = A_BOLD | A_UNDERLINE,
                                 [TOP_CHOSEN] = A_REVERSE};
    move(y, 0);
    attrset((int)ink[line->ink]);
    addstr(line->text);
    attrset(A_NORMAL);
    clrtoeol();
}

void top_screen_draw(const struct top_view *view)
{
    erase();
    for (size_t i = 0; i < view->count && (int)i < LINES; i++)
        draw_line((int)i, &view->line[i]);
    refresh();
}

/* Without a controlling terminal nothing but this says that nobody is there any more. */
bool top_screen_is_gone(void)
{
    struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&terminal, 1, 0) > 0 && (terminal.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* --- keys ------------------------------------------------------------------------------------- */

static enum top_key key_of(int code)
{
    static const struct {
        int code;
        enum top_key key;
    } row[] = {
        {KEY_UP, TOP_KEY_UP},           {KEY_DOWN, TOP_KEY_DOWN},  {KEY_PPAGE, TOP_KEY_PAGE_UP},
        {KEY_NPAGE, TOP_KEY_PAGE_DOWN}, {KEY_HOME, TOP_KEY_FIRST}, {KEY_END, TOP_KEY_LAST},
        {KEY_ENTER, TOP_KEY_ENTER},     {'\r', TOP_KEY_ENTER},     {'\n', TOP_KEY_ENTER},
        {KEY_RIGHT, TOP_KEY_ENTER},     {KEY_LEFT, TOP_KEY_BACK},  {27, TOP_KEY_BACK},
        {KEY_BACKSPACE, TOP_KEY_ERASE}, {127, TOP_KEY_ERASE},      {8, TOP_KEY_ERASE},
        {KEY_RESIZE, TOP_KEY_RESIZE}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (row[i].code == code)
            return row[i].key;
    return code >= ' ' && code < 127 ? TOP_KEY_LETTER : TOP_KEY_NONE;
}

enum top_key top_screen_key(int wait_ms, int *letter)
{
    timeout(wait_ms);
    int code = getch();
    enum top_key key = code == ERR ? TOP_KEY_NONE : key_of(code);
    *letter = key == TOP_KEY_LETTER ? code : 0;
    return key;
}
