/* See handover_write.h. The page is one file without scripts or anything from elsewhere (its own
 * policy forbids both), and prints on A4; texts of others go through html.h. */
#include "handover_write.h"

#include "html.h"
#include "phrase.h"

#include <string.h>

static const char style[] =
    "*{box-sizing:border-box}"
    "body{font:14px/1.45 system-ui,\"Noto Sans\",\"Noto Sans CJK JP\",\"Hiragino Sans\",sans-serif;"
    "color:#1b1f24;background:#fff;max-width:900px;margin:0 auto;padding:20px}"
    "h1{font-size:20px;margin:0 0 6px}h2{font-size:15px;margin:14px 0 4px;border-bottom:2px solid "
    "#1b1f24}p{margin:2px 0}h1,h2,p,li{overflow-wrap:anywhere}"
    "ul{margin:0;padding:0;list-style:none}li{padding:3px 0;border-bottom:1px solid #cfd6dd}"
    "@page{size:A4;margin:12mm}"
    "@media print{body{max-width:none;padding:0;font-size:10px}h1{font-size:15px}h2{font-size:12px;"
    "margin-top:8px;break-after:avoid}li{break-inside:avoid;padding:1px 0}}";

static void put_foreign(struct buffer *out, const char *text)
{
    html_name(out, text);
}

void write_close(struct writing *w)
{
    if (w->open)
        buffer_text(&w->out, "%s", w->open);
    w->open = NULL;
}

static void end_list(struct writing *w)
{
    write_close(w);
    if (w->listing)
        buffer_text(&w->out, "</ul>\n");
    w->listing = false;
}

void write_line(struct writing *w)
{
    end_list(w);
    buffer_text(&w->out, "%s", w->page ? "<p>" : "");
    w->open = w->page ? "</p>\n" : "\n";
}

void write_heading(struct writing *w)
{
    end_list(w);
    buffer_text(&w->out, "%s", w->page ? "<h2>" : "\n");
    w->open = w->page ? "</h2>\n" : "\n";
}

void write_item(struct writing *w)
{
    write_close(w);
    if (w->page)
        buffer_text(&w->out, "%s<li>", w->listing ? "" : "<ul>\n");
    else
        buffer_text(&w->out, "  ");
    w->listing = w->page;
    w->open = w->page ? "</li>\n" : "\n";
}

void write_next(struct writing *w)
{
    buffer_text(&w->out, "%s", w->page ? "<br>\n" : "\n         ");
}

void write_strong(struct writing *w, bool begins)
{
    if (w->page)
        buffer_text(&w->out, "%s", begins ? "<b>" : "</b>");
}

void write_text(struct writing *w, const char *text)
{
    if (w->page)
        html_name(&w->out, text);
    else
        buffer_text(&w->out, "%s", text);
}

void write_phrase(struct writing *w, enum phrase phrase, const char *const *arguments)
{
    phrase_fill(&w->out, phrase_of(w->language, phrase), arguments,
                w->page ? put_foreign : phrase_put_plain);
}

/* --- the page --------------------------------------------------------------------------------- */

void write_page_begin(struct writing *w)
{
    buffer_text(&w->out,
                "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Weir</title>\n"
                "<style>%s</style>\n"
                "</head>\n<body>\n<h1>",
                w->language == HANDOVER_JAPANESE ? "ja" : "en", style);
}

void write_page_body(struct writing *w)
{
    buffer_text(&w->out, "</h1>\n");
}

void write_page_end(struct writing *w)
{
    end_list(w);
    buffer_text(&w->out, "</body>\n</html>\n");
}
