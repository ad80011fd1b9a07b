/* Names in credentials, targets and commands: bounds, and that a project's own path leads to it. */
#include "../../../sensor/content/asked.h"
#include "../../../sensor/content/imap_item.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_project(struct text_span text)
{
    struct asked_name project, again;
    char path[ASKED_NAME_MAX + 1];
    asked_project(text, &project);
    check(project.size <= ASKED_NAME_MAX);
    if (project.size == 0)
        return;
    check(project.text[0] == '/' && project.size > 1);
    size_t slashes = 0;
    for (size_t i = 0; i < project.size; i++) {
        slashes += project.text[i] == '/';
        check(!memchr("?#;", project.text[i], 3));
    }
    check(slashes <= 2);
    memcpy(path, project.text, project.size);
    path[project.size] = '/';
    asked_project((struct text_span){path, project.size + 1u}, &again);
    if (project.size < ASKED_NAME_MAX)
        check(again.size == project.size && memcmp(again.text, project.text, again.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct asked_name name;
    struct text_span text = {(const char *)data, size};
    asked_credentials(text, &name);
    check(name.size <= ASKED_NAME_MAX && name.size <= size);
    asked_plain(text, &name);
    check(name.size <= ASKED_NAME_MAX && !memchr(name.text, '\0', name.size));
    asked_base64(text, &name);
    check(name.size <= ASKED_NAME_MAX && name.size <= size);
    struct text_span argument = imap_argument(text);
    check(argument.size <= size && argument.at >= text.at &&
          argument.at + argument.size <= text.at + size);
    check_project(text);
    return 0;
}
