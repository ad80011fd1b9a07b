/* Counted content as JSON. Pure but for the writer. */
#include "weir/alert/counted.h"

static void put_class(struct json *json, const struct counted *counted, enum content_class class)
{
    const struct counted_class *of = &counted->of[class];
    if (of->items == 0)
        return;
    json_open(json, counted_member[class]);
    json_uint(json, "value", of->items);
    json_number(json, "error", of->error);
    json_open(json, "labels");
    for (size_t i = 0; i < counted->label_count; i++)
        if (counted->label[i].class == class)
            json_uint(json, counted->label[i].text, counted->label[i].items);
    json_close(json);
    if (counted_has_more(counted, class))
        json_bool(json, "more_labels", true);
    json_close(json);
}

static void put_samples(struct json *json, const struct counted *counted)
{
    if (counted->sample_count == 0)
        return;
    json_list(json, "samples_of_content");
    for (size_t i = 0; i < counted->sample_count; i++) {
        json_open(json, NULL);
        json_str(json, "class", content_class_name[counted->sample[i].class]);
        json_str(json, "text", counted->sample[i].text);
        json_close(json);
    }
    json_close(json);
}

void counted_put(struct json *json, const struct counted *counted)
{
    for (int class = 0; class < CONTENT_CLASSES; class ++)
        put_class(json, counted, (enum content_class) class);
    put_samples(json, counted);
}
