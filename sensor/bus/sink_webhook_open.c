/* The settings of a webhook: read once, at opening, files too; what needs none is checked when the
 * configuration is read. Thread: the loop's. */
#include "sink_webhook_local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROTOCOLS "http,https"

static const char *const methods[] = {"POST", "PUT", NULL};
static const char *const batch_forms[] = {"ndjson", "list", NULL};

const struct sink_key webhook_keys[] = {
    {.name = "url", .kind = SINK_TEXT},
    {.name = "url_file", .kind = SINK_SECRET_FILE},
    {.name = "method", .kind = SINK_CHOICE, .choice = methods, .fallback = "POST"},
    {.name = "headers", .kind = SINK_TEXTS},
    {.name = "authorization_file", .kind = SINK_SECRET_FILE},
    {.name = "header_file", .kind = SINK_SECRET_FILE},
    {.name = "secret_file", .kind = SINK_SECRET_FILE},
    {.name = "body", .kind = SINK_CHOICE, .choice = webhook_bodies, .fallback = "alert"},
    {.name = "template_file", .kind = SINK_TEXT},
    {.name = "content_type", .kind = SINK_TEXT},
    {.name = "batch", .kind = SINK_NUMBER, .min = 1, .max = BATCH_MAX, .fallback = "1"},
    {.name = "batch_form", .kind = SINK_CHOICE, .choice = batch_forms, .fallback = "ndjson"},
    {.name = "retry_after_max_s", .kind = SINK_NUMBER, .max = 3600, .fallback = "300"},
    TRANSFER_KEYS,
    {.name = NULL},
};

bool webhook_is_chat(const struct sink_settings *settings)
{
    const char *body = sink_text(settings, "body");
    return strcmp(body, "alert") != 0 && strcmp(body, "template") != 0;
}

static int check_url(const struct sink_settings *settings, struct error *error)
{
    const char *plain = sink_text(settings, "url");
    if (!plain == !sink_text(settings, "url_file"))
        return error_set(error, ERROR_USAGE, "a webhook needs a url or a url_file");
    if (plain && transfer_has_login(plain))
        return error_set(error, ERROR_USAGE,
                         "url: holds a login: give authorization_file or url_file");
    char *place = plain ? transfer_place(plain, PROTOCOLS) : NULL;
    if (plain && !place)
        return error_set(error, ERROR_USAGE, "url: expected http://… or https://…");
    free(place);
    return 0;
}

static int read_url(struct webhook_config *config, const struct sink_settings *settings,
                    struct error *error)
{
    const char *plain = sink_text(settings, "url");
    if (check_url(settings, error) != 0)
        return -1;
    config->url = plain ? xstrdup(plain) : sink_secret(settings, "url_file", error);
    if (!config->url)
        return -1;
    config->place = transfer_place(config->url, PROTOCOLS);
    if (!config->place)
        return error_set(error, ERROR_USAGE, "url_file: expected http://… or https://…");
    return 0;
}

static void add_header(struct webhook_config *config, const char *text)
{
    config->headers = curl_slist_append(config->headers, text);
}

/* "Name: value", printable: nothing that would begin a header of its own. Not shown: it may hold a
 * secret. */
static int check_header(const char *key, const char *text, struct error *error)
{
    size_t name = strcspn(text, ": ");
    if (name == 0 || text[name] != ':')
        return error_set(error, ERROR_USAGE, "%s: one is not \"Name: value\"", key);
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return error_set(error, ERROR_USAGE, "%s: a control character in one", key);
    return 0;
}

/* What a configuration holds is shown by weir check. */
static int refuse_secret(const char *text, struct error *error)
{
    static const char *const secret[] = {"Authorization", "Proxy-Authorization", "Cookie",
                                         "X-Api-Key"};
    size_t size = strcspn(text, ":");
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        if (strlen(secret[i]) == size && strncasecmp(text, secret[i], size) == 0)
            return error_set(error, ERROR_USAGE,
                             "headers: %s is a secret, expected it in a file that %s names",
                             secret[i], i == 0 ? "authorization_file" : "header_file");
    return 0;
}

static int read_headers(struct webhook_config *config, const struct sink_settings *settings,
                        struct error *error)
{
    const char *const *given = sink_texts(settings, "headers");
    for (; given && *given; given++) {
        if (check_header("headers", *given, error) != 0 || refuse_secret(*given, error) != 0)
            return -1;
        add_header(config, *given);
    }
    return 0;
}

/* The file's first line behind `start`. */
static int read_secret_header(struct webhook_config *config, const struct sink_settings *settings,
                              const char *key, const char *start, struct error *error)
{
    if (!sink_text(settings, key))
        return 0;
    char *secret = sink_secret(settings, key, error);
    if (!secret)
        return -1;
    char *header = xasprintf("%s%s", start, secret);
    int failed = check_header(key, header, error);
    if (!failed)
        add_header(config, header);
    explicit_bzero(secret, strlen(secret));
    explicit_bzero(header, strlen(header));
    free(secret);
    free(header);
    return failed;
}

static int read_secrets(struct webhook_config *config, const struct sink_settings *settings,
                        struct error *error)
{
    if (read_secret_header(config, settings, "authorization_file", "Authorization: ", error) != 0 ||
        read_secret_header(config, settings, "header_file", "", error) != 0)
        return -1;
    if (!sink_text(settings, "secret_file"))
        return 0;
    config->secret = sink_secret(settings, "secret_file", error);
    return config->secret ? 0 : -1;
}

static int read_template(struct webhook_config *config, const struct sink_settings *settings,
                         struct error *error)
{
    const char *path = sink_text(settings, "template_file");
    struct error why = {0};
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(error, ERROR_USAGE, "template_file: %s: %s", path, strerror(errno));
    char *text = xcalloc(1, TEMPLATE_MAX + 1);
    size_t size = fread(text, 1, TEMPLATE_MAX + 1, file);
    fclose(file);
    config->template = webhook_template_new(text, size, &why);
    free(text);
    if (!config->template)
        return error_set(error, ERROR_USAGE, "template_file: %s: %s", path, why.message);
    if (strstr(config->content_type, "json") && !webhook_template_is_json(config->template, &why))
        return error_set(error, ERROR_USAGE,
                         "template_file: %s: is not %s once its fields are filled: %s", path,
                         config->content_type, why.message);
    return 0;
}

static bool is_json(const char *format)
{
    return strcmp(format, "cef") != 0 && strcmp(format, "text") != 0;
}

static const char *type_of(const struct webhook_config *config, const char *format)
{
    if (config->body != BODY_ALERT)
        return "application/json";
    if (!is_json(format))
        return "text/plain; charset=utf-8";
    return config->batch > 1 && !config->as_list ? "application/x-ndjson" : "application/json";
}

static int read_body(struct webhook_config *config, const struct sink_settings *settings,
                     struct error *error)
{
    const char *name = sink_text(settings, "body"), *type = sink_text(settings, "content_type");
    bool json = is_json(settings->format);
    while (strcmp(webhook_bodies[config->body], name) != 0)
        config->body++;
    config->batch = (size_t)sink_number(settings, "batch");
    config->as_list = strcmp(sink_text(settings, "batch_form"), "list") == 0;
    config->content_type = type ? type : type_of(config, settings->format);
    if (config->body != BODY_ALERT && config->batch > 1)
        return error_set(error, ERROR_USAGE, "batch: more than 1 is for body: alert");
    if (config->as_list && config->batch > 1 && !json)
        return error_set(error, ERROR_USAGE, "batch_form: a list is of a JSON format, not of %s",
                         settings->format);
    if (config->body != BODY_ALERT && config->body != BODY_TEMPLATE && json)
        return error_set(error, ERROR_USAGE, "body: %s shows text to people: give format: text",
                         name);
    if (config->body == BODY_TEMPLATE && !sink_text(settings, "template_file"))
        return error_set(error, ERROR_USAGE, "body: template needs a template_file");
    return 0;
}

int webhook_check(const struct sink_settings *settings, struct error *error)
{
    struct webhook_config config = {0};
    int failed = check_url(settings, error) != 0 || read_body(&config, settings, error) != 0 ||
                 read_headers(&config, settings, error) != 0 ||
                 transfer_check_words(settings, error) != 0;
    webhook_config_fini(&config);
    return failed ? -1 : 0;
}

int webhook_config_read(struct webhook_config *config, const struct sink_settings *settings,
                        struct error *error)
{
    config->method = sink_text(settings, "method");
    config->hold_max_s = sink_number(settings, "retry_after_max_s");
    if (read_url(config, settings, error) != 0 || read_body(config, settings, error) != 0 ||
        (config->body == BODY_TEMPLATE && read_template(config, settings, error) != 0) ||
        read_headers(config, settings, error) != 0 || read_secrets(config, settings, error) != 0)
        return -1;
    char *type = xasprintf("Content-Type: %s", config->content_type);
    add_header(config, type);
    add_header(config, "User-Agent: weir/" WEIR_VERSION);
    add_header(config, "Expect:"); /* no round trip before a large body */
    free(type);
    return 0;
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void webhook_headers_free(struct curl_slist *headers)
{
    for (struct curl_slist *header = headers; header; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(headers);
}

void webhook_config_fini(struct webhook_config *config)
{
    webhook_headers_free(config->headers);
    webhook_template_free(config->template);
    wipe(config->url);
    wipe(config->secret);
    free(config->place);
}
