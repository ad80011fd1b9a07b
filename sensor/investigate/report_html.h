/* A page of the report that is being written, for report_html*.c. */
#ifndef SENSOR_INVESTIGATE_REPORT_HTML_H
#define SENSOR_INVESTIGATE_REPORT_HTML_H

#include "html.h"
#include "phrase.h"
#include "report_local.h"

#include "weir/base/figures.h"

struct page {
    struct buffer out;
    const struct report *report;
    enum report_language language;
};

/* A phrase; its arguments are anybody's texts. */
void page_say(struct page *page, enum say say, const char *const *arguments);
#define SAY(page, say, ...) page_say(page, say, (const char *const[]){__VA_ARGS__, NULL})
void page_tag(struct page *page, const char *markup); /* markup of ours */
void page_paragraph(struct page *page, enum say say, const char *const *arguments);
#define PARAGRAPH(page, say, ...)                                                                  \
    page_paragraph(page, say, (const char *const[]){__VA_ARGS__, NULL})
/* "h2", "h3", … */
void page_title(struct page *page, const char *level, enum say say);
/* A table's head: `count` words; and its cells. */
void page_head(struct page *page, const enum say *says, size_t count);
void page_cell(struct page *page, const char *text);
void page_figure(struct page *page, const char *text); /* … which stands to the right */
void page_end_table(struct page *page);

/* "4.22 MB (4,219,959)" */
#define PAGE_BYTES (2 * FIGURE_SIZE + 8)
const char *page_bytes(uint64_t bytes, char text[PAGE_BYTES]);

void page_incident(struct page *page, const struct report_incident *incident);
void page_judged(struct page *page, const struct report_incident *incident);
void page_clocks(struct page *page);

#endif
