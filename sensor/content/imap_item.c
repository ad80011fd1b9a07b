/* IMAP literals, by the text before them. Of a long line its beginning may be missing: what is
 * asked for stands at its end, but for a list of a head's fields. */
#include "imap_item.h"

#include "mail_line.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool ends_with(struct text_span text, const char *word)
{
    size_t size = strlen(word);
    return text.size >= size && strncasecmp(text.at + text.size - size, word, size) == 0;
}

bool imap_take_literal(struct text_span *line, struct imap_literal *literal)
{
    if (!ends_with(*line, "}"))
        return false;
    const char *open = memrchr(line->at, '{', line->size);
    if (!open)
        return false;
    size_t before = (size_t)(open - line->at), size = line->size - before - 2;
    bool mark = size && strchr("+-", open[size]);
    size -= mark;
    for (size_t i = 0; i < size; i++)
        if (!is_digit(open[1 + i]))
            return false;
    int64_t bytes = mail_number(open + 1, size);
    if (bytes < 0)
        return false;
    *literal = (struct imap_literal){(uint64_t)bytes, !mark};
    while (before && (line->at[before - 1] == ' ' || line->at[before - 1] == '~'))
        before--;
    line->size = before;
    return true;
}

static void skip_word(struct text_span *text)
{
    while (text->size && *text->at != ' ') {
        text->at++;
        text->size--;
    }
    *text = text_span_trim(*text);
}

struct text_span imap_argument(struct text_span line)
{
    struct text_span rest = text_span_trim(line);
    skip_word(&rest);
    skip_word(&rest);
    bool quoted = rest.size && *rest.at == '"';
    size_t from = quoted, size = 0;
    while (from + size < rest.size && rest.at[from + size] != (quoted ? '"' : ' '))
        size += quoted && rest.at[from + size] == '\\' && from + size + 1 < rest.size ? 2 : 1;
    return (struct text_span){rest.at + from, size};
}

/* "…<65536>": cuts it off. */
static void take_origin(struct text_span *text, struct imap_item *item)
{
    const char *open = ends_with(*text, ">") ? memrchr(text->at, '<', text->size) : NULL;
    if (!open)
        return;
    int64_t number = mail_number(open + 1, (size_t)(text->at + text->size - open - 1));
    if (number < 0)
        return;
    item->partial = true;
    item->origin = (uint64_t)number;
    item->headless = number > 0;
    text->size = (size_t)(open - text->at);
}

/* BODY[section] and BINARY[section]; the bracket is cut off. */
static bool read_section(struct text_span text, struct imap_item *item)
{
    const char *open = memrchr(text.at, '[', text.size);
    if (!open) { /* the end of a long list of a head's fields */
        item->message = true;
        return true;
    }
    struct text_span name = {text.at, (size_t)(open - text.at)};
    struct text_span section = {open + 1, text.size - name.size - 1};
    bool binary = ends_with(name, "BINARY"), text_alone = ends_with(section, "TEXT");
    bool part = section.size && is_digit(section.at[section.size - 1]);
    if (!binary && !ends_with(name, "BODY"))
        return false;
    item->message = !binary && !part;
    item->headless |= text_alone;
    item->part = !binary && (part || text_alone) && item->origin == 0;
    return true;
}

bool imap_read_item(struct text_span text, struct imap_item *item)
{
    *item = (struct imap_item){.message = false};
    take_origin(&text, item);
    if (ends_with(text, "RFC822") || ends_with(text, "RFC822.HEADER")) {
        item->message = true;
        return true;
    }
    if (ends_with(text, "RFC822.TEXT")) {
        item->message = item->headless = item->part = true;
        return true;
    }
    if (!ends_with(text, "]"))
        return false;
    text.size--;
    return read_section(text, item);
}
