/* A record of the journal with pseudonyms: see pseudonym.h. A record is as deep as the journal
 * writes them; one that is deeper than DEPTH is taken for text. Pure but for the key. */
#include "pseudonym_local.h"

#include "weir/base/json.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH 32

struct rewriting {
    const struct pseudonyms *pseudonyms;
    struct json *json;
    unsigned depth;
    bool too_deep;
};

static void put_value(struct rewriting *w, const char *key, const struct json_value *value);

static bool is_hidden(const struct rewriting *w, const struct json_value *value, struct ip *ip)
{
    const char *text = json_text(value);
    return text && ip_parse(text, ip) == 0 && pseudonyms_hide(w->pseudonyms, ip);
}

static void put_text(struct rewriting *w, const char *key, const char *text)
{
    char *shown = pseudonyms_text(w->pseudonyms, text, strlen(text));
    json_str(w->json, key, shown);
    free(shown);
}

/* A list of addresses: those that are hidden are not of it, and stand in `hosts`. */
static void put_ips(struct rewriting *w, const char *parent, const struct json_value *list)
{
    size_t count = json_length(list), hidden = 0;
    struct ip ip;
    char name[PSEUDONYM_SIZE];
    for (size_t i = 0; i < count; i++)
        hidden += is_hidden(w, json_at(list, i), &ip);
    if (hidden < count)
        json_list(w->json, "ip");
    for (size_t i = 0; i < count; i++)
        if (!is_hidden(w, json_at(list, i), &ip))
            put_value(w, NULL, json_at(list, i));
    if (hidden < count)
        json_close(w->json);
    if (hidden == 0 || strcmp(parent, "related") != 0)
        return;
    json_list(w->json, "hosts");
    for (size_t i = 0; i < count; i++)
        if (is_hidden(w, json_at(list, i), &ip))
            json_str(w->json, NULL, pseudonym_of(w->pseudonyms, &ip, name));
    json_close(w->json);
}

static void put_member(struct rewriting *w, const char *parent, const char *key,
                       const struct json_value *value)
{
    struct ip ip;
    char name[PSEUDONYM_SIZE];
    if (strcmp(key, "mac") == 0 ||
        (strcmp(key, "community_id") == 0 && strcmp(parent, "network") == 0))
        return;
    bool is_ip = strcmp(key, "ip") == 0;
    if (is_ip && is_hidden(w, value, &ip))
        json_str(w->json, "address", pseudonym_of(w->pseudonyms, &ip, name));
    else if (is_ip && json_length(value) > 0)
        put_ips(w, parent, value);
    else
        put_value(w, key, value);
}

static void put_value(struct rewriting *w, const char *key, const struct json_value *value)
{
    if (w->depth == DEPTH) {
        w->too_deep = true;
        json_none(w->json, key);
        return;
    }
    w->depth++;
    if (json_text(value)) {
        put_text(w, key, json_text(value));
    } else if (json_is_record(value)) {
        json_open(w->json, key);
        for (struct json_walk walk = json_members(value); json_step(&walk);)
            put_member(w, key ? key : "", walk.key, walk.value);
        json_close(w->json);
    } else if (json_length(value) > 0) {
        json_list(w->json, key);
        for (size_t i = 0; i < json_length(value); i++)
            put_value(w, NULL, json_at(value, i));
        json_close(w->json);
    } else {
        json_put(w->json, key, value);
    }
    w->depth--;
}

char *pseudonyms_line(const struct pseudonyms *pseudonyms, const char *line, size_t size)
{
    struct json_value *record = json_parse(line, size, NULL);
    char *text = NULL;
    if (json_is_record(record)) {
        struct rewriting w = {.pseudonyms = pseudonyms, .json = json_new()};
        put_value(&w, NULL, record);
        text = json_take_text(w.json, 0);
        json_free(w.json);
        if (w.too_deep) {
            free(text);
            text = NULL;
        }
    }
    json_value_free(record);
    return text ? text : pseudonyms_text(pseudonyms, line, size);
}
