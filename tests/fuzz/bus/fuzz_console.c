/* What the console reads itself: its file of users, Host, Origin and Cookie. What is taken stays
 * within its bounds. */
#include "../../../sensor/bus/console_host.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_users(const char *text, size_t size)
{
    struct console_users users;
    struct error error = {0};
    if (console_users_parse(&users, "users", text, size, &error) != 0) {
        if (!*error.message || users.count > 0 || strchr(error.message, '\n'))
            abort();
        return;
    }
    for (size_t i = 0; i < users.count; i++)
        if (console_users_find(&users, users.user[i].name) != &users.user[i] ||
            !password_is_stored(users.user[i].stored))
            abort();
    console_users_fini(&users);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct console_settings settings = {.listen = "127.0.0.1:8477"};
    char value[SECRET_SIZE];
    read_users((const char *)data, size);
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (console_host_is_ours(&settings, text) && size > 64)
        abort(); /* none of ours is so long */
    console_origin_is(text, "127.0.0.1:8477", size & 1);
    if (console_cookie(text, "weir_session", value, SECRET_SIZE - 1) &&
        strlen(value) > SECRET_SIZE - 1)
        abort();
    if (api_path_name("*", text, value, sizeof value) && strlen(value) > sizeof value - 1)
        abort();
    free(text);
    return 0;
}
