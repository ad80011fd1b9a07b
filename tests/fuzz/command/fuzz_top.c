/* Replies of the control API as weir top shows them: whatever they hold, every line has the width
 * of the terminal and nothing that a terminal obeys. The first byte is the width. */
#include "../../../sensor/command/top.h"

#include "weir/base/buffer.h"
#include "weir/base/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void draw(struct top_state *state, size_t width)
{
    struct top_view view = {.line = NULL};
    top_view_make(state, width, 12, &view);
    for (size_t i = 0; i < view.count; i++)
        if (!terminal_is_harmless(view.line[i].text))
            abort();
    if (view.count != 12)
        abort();
    top_view_free(&view);
}

static void show(const struct json_value *root, const char *list, enum top_screen screen,
                 size_t width)
{
    struct top_state *state = xcalloc(1, sizeof *state);
    struct top_page *page = xcalloc(1, sizeof *page);
    state->screen = screen;
    top_sensor_read(root, &state->sensor);
    if (top_page_read(root, list, NULL, page) == 0) {
        *(screen == TOP_HOSTS ? &state->hosts : &state->host) = *page;
        top_page_read(root, list, page, screen == TOP_HOSTS ? &state->hosts : &state->host);
    }
    draw(state, width);
    free(page);
    free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    setenv("LC_ALL", "C.UTF-8", 1);
    top_text_begin();
    struct json_value *root = json_parse((const char *)data + 1, size - 1, NULL);
    if (root) {
        show(root, "hosts", TOP_HOSTS, data[0]);
        show(root, "destinations", TOP_HOST, data[0]);
    }
    json_value_free(root);
    return 0;
}
