/* d2i_X509 would decode the public key too: code with a history of endless loops, fed by anybody
 * who answers to a hello, and slow. So the certificate's outer sequence is stepped through with
 * OpenSSL's ASN1_get_object, and only the subject's name and the extensions are decoded.
 *
 * Bounds: CERTIFICATE_MAX bytes in, as many names out as they hold. OpenSSL allocates in proportion
 * to what is there, nests no deeper than its own limit, and looks nothing up elsewhere. */
#include "weir/base/certificate.h"

#include "weir/base/address.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#define TBS_VERSION    0 /* context tags of TBSCertificate */
#define TBS_EXTENSIONS 3
#define FIELDS_BEFORE  3 /* serialNumber, signature, issuer; validity comes then, then subject */

/* --- names -------------------------------------------------------------------------------------
 */

struct list {
    struct buffer *out;
    unsigned count;
};

static bool is_name_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-_.:*", c) != NULL);
}

static void add_name(struct list *list, const uint8_t *text, size_t size)
{
    if (size && text[size - 1] == '.')
        size--;
    if (size == 0 || size > CERTIFICATE_NAME_MAX)
        return;
    for (size_t i = 0; i < size; i++)
        if (!is_name_char(text[i]))
            return;
    if (list->count++)
        buffer_u8(list->out, ',');
    for (size_t i = 0; i < size; i++)
        buffer_u8(list->out, text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
}

static void add_address(struct list *list, const uint8_t *data, size_t size)
{
    char text[IP_TEXT_SIZE];
    if (size != 4 && size != 16)
        return;
    struct ip ip = size == 4 ? ip_from_v4(data) : ip_from_v6(data);
    ip_text(&ip, text);
    add_name(list, (const uint8_t *)text, strlen(text));
}

/* True: a dNSName was among them. */
static bool add_alternatives(struct list *list, const STACK_OF(X509_EXTENSION) * extensions)
{
    bool named = false;
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int kind;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);
        if (kind != GEN_DNS && kind != GEN_IPADD)
            continue;
        const uint8_t *data = ASN1_STRING_get0_data(value);
        size_t size = (size_t)ASN1_STRING_length(value);
        if (kind == GEN_DNS)
            add_name(list, data, size);
        else
            add_address(list, data, size);
        named |= kind == GEN_DNS;
    }
    GENERAL_NAMES_free(names);
    return named;
}

static void add_common_name(struct list *list, const X509_NAME *subject)
{
    int at = -1;
    for (int next; (next = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
        at = next;
    if (at < 0)
        return;
    unsigned char *text = NULL;
    int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size > 0)
        add_name(list, text, (size_t)size);
    OPENSSL_free(text);
}

/* --- the outer sequence ------------------------------------------------------------------------
 */

struct object {
    const uint8_t *whole; /* from its tag on */
    const uint8_t *body;
    long whole_size, body_size;
    int tag, class;
};

/* The next object; steps over it. Its length has to be said, and to be there. */
static bool next_object(const uint8_t **at, const uint8_t *end, struct object *object)
{
    const uint8_t *body = *at;
    int result =
        ASN1_get_object(&body, &object->body_size, &object->tag, &object->class, end - *at);
    if (result & 0x81) /* an error; a length that is not said */
        return false;
    object->whole = *at;
    object->body = body;
    object->whole_size = body - *at + object->body_size;
    *at = body + object->body_size;
    return true;
}

static bool is_sequence(const struct object *object)
{
    return object->tag == V_ASN1_SEQUENCE && object->class == V_ASN1_UNIVERSAL;
}

/* The sequence that is signed, and in it what comes behind the version. */
static bool enter(const uint8_t **at, const uint8_t **end)
{
    struct object object;
    for (int depth = 0; depth < 2; depth++) {
        if (!next_object(at, *end, &object) || !is_sequence(&object))
            return false;
        *at = object.body;
        *end = object.body + object.body_size;
    }
    const uint8_t *behind = *at;
    if (!next_object(&behind, *end, &object))
        return false;
    if (object.class == V_ASN1_CONTEXT_SPECIFIC && object.tag == TBS_VERSION)
        *at = behind;
    return true;
}

/* The subject's name and the extensions' field (body NULL: there is none). */
static bool find_parts(const uint8_t *der, size_t size, struct object *subject,
                       struct object *extensions)
{
    const uint8_t *at = der, *end = der + size;
    struct object object;
    extensions->body = NULL;
    if (!enter(&at, &end))
        return false;
    for (int i = 0; i < FIELDS_BEFORE + 1; i++)
        if (!next_object(&at, end, &object))
            return false;
    if (!next_object(&at, end, subject) || !is_sequence(subject) ||
        !next_object(&at, end, &object) || !is_sequence(&object)) /* the public key */
        return false;
    while (at < end) {
        if (!next_object(&at, end, &object) || object.class != V_ASN1_CONTEXT_SPECIFIC)
            return false;
        if (object.tag == TBS_EXTENSIONS)
            *extensions = object;
    }
    return true;
}

bool certificate_names(const uint8_t *der, size_t size, struct buffer *names)
{
    struct object subject, found;
    if (size > CERTIFICATE_MAX || !find_parts(der, size, &subject, &found)) {
        ERR_clear_error();
        return false;
    }
    struct list list = {names, 0};
    const uint8_t *at = subject.whole;
    X509_NAME *name = d2i_X509_NAME(NULL, &at, subject.whole_size);
    X509_EXTENSIONS *extensions = NULL;
    at = found.body;
    if (at)
        extensions = d2i_X509_EXTENSIONS(NULL, &at, found.body_size);
    bool sound = name && (!found.body || extensions);
    if (sound && !add_alternatives(&list, extensions))
        add_common_name(&list, name);
    X509_NAME_free(name);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ERR_clear_error();
    return sound;
}

/* --- asking ------------------------------------------------------------------------------------
 */

static bool one_holds(const char *pattern, size_t size, const char *name)
{
    if (size > 2 && pattern[0] == '*' && pattern[1] == '.') {
        const char *rest = strchr(name, '.');
        return rest && rest != name && strlen(rest) == size - 1 &&
               strncasecmp(rest, pattern + 1, size - 1) == 0;
    }
    return strlen(name) == size && strncasecmp(pattern, name, size) == 0;
}

bool certificate_holds(const char *names, const char *name)
{
    while (*names) {
        size_t size = strcspn(names, ",");
        if (one_holds(names, size, name))
            return true;
        names += size + (names[size] == ',');
    }
    return false;
}

void certificate_prepare(void)
{
    /* An empty subjectAltName, for the tables that OpenSSL makes at first use. */
    static const uint8_t extensions[] = {0x30, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55,
                                         0x1d, 0x11, 0x04, 0x02, 0x30, 0x00};
    struct buffer none = {NULL, 0, 0};
    struct list list = {&none, 0};
    const uint8_t *at = extensions;
    X509_EXTENSIONS *made = d2i_X509_EXTENSIONS(NULL, &at, sizeof extensions);
    add_alternatives(&list, made);
    sk_X509_EXTENSION_pop_free(made, X509_EXTENSION_free);
    buffer_fini(&none);
    ERR_clear_error();
}
