/* text/xml.c -- XML by expat. */
#include "text/xml.h"

#include <expat.h>

#include "sys/module.h"

enum { MOST_DEPTH = 256 };

#define FUNCTIONS(X)                                                                                                   \
    X(XML_ParserCreate)                                                                                                \
    X(XML_ParserFree)                                                                                                  \
    X(XML_SetUserData)                                                                                                 \
    X(XML_SetElementHandler)                                                                                           \
    X(XML_SetCharacterDataHandler)                                                                                     \
    X(XML_SetEntityDeclHandler)                                                                                        \
    X(XML_Parse)                                                                                                       \
    X(XML_StopParser)                                                                                                  \
    X(XML_GetErrorCode)                                                                                                \
    X(XML_ErrorString)                                                                                                 \
    X(XML_GetCurrentLineNumber)
VONK_MODULE(FUNCTIONS, "libexpat.so.1", "libexpat1");

typedef struct reader {
    XML_Parser parser;
    const vonk_xml_events *events;
    const char *path;
    vonk_status status;
    vonk_error *err;
    int depth;
} reader;

static vonk_status malformed(const reader *r, const char *problem, vonk_error *err)
{
    return VONK_FAIL(
        err, VONK_E_MALFORMED_INPUT, "path", r->path, "problem",
        VONK_F("line %lu: %s", (unsigned long)VONK_MODULE_CALL(XML_GetCurrentLineNumber)(r->parser), problem));
}
static void settle(reader *r, vonk_status status)
{
    r->status = status;
    if (status != VONK_OK) VONK_MODULE_CALL(XML_StopParser)(r->parser, XML_FALSE);
}

static void on_start(void *self, const char *name, const char **attributes)
{
    reader *r = self;
    if (r->status != VONK_OK) return;
    if (++r->depth > MOST_DEPTH)
        settle(r, malformed(r, "elements are nested too deep", r->err));
    else
        settle(r, r->events->start(r->events->self, name, attributes, r->err));
}
static void on_end(void *self, const char *name)
{
    reader *r = self;
    if (r->status != VONK_OK) return;
    r->depth--;
    settle(r, r->events->end(r->events->self, name, r->err));
}
static void on_text(void *self, const char *text, int bytes)
{
    reader *r = self;
    if (r->status == VONK_OK) settle(r, r->events->text(r->events->self, (vonk_str){text, (size_t)bytes}, r->err));
}
static void on_entity(void *self, const char *name, int is_parameter, const char *value, int bytes, const char *base,
                      const char *system_id, const char *public_id, const char *notation)
{
    reader *r = self;
    if (r->status == VONK_OK) settle(r, malformed(r, "a document's own entities are not read", r->err));
}

vonk_status vonk_xml_read(vonk_str document, const char *path, const vonk_xml_events *events, vonk_error *err)
{
    reader r = {.events = events, .path = path, .err = err};
    VONK_TRY(VONK_MODULE_NEED(err));
    r.parser = VONK_MODULE_CALL(XML_ParserCreate)(NULL);
    if (!r.parser)
        return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", "1024", "receivedBytes", "0", "budget",
                         "an XML parser");
    VONK_MODULE_CALL(XML_SetUserData)(r.parser, &r);
    VONK_MODULE_CALL(XML_SetElementHandler)(r.parser, on_start, on_end);
    if (events->text) VONK_MODULE_CALL(XML_SetCharacterDataHandler)(r.parser, on_text);
    VONK_MODULE_CALL(XML_SetEntityDeclHandler)(r.parser, on_entity);
    enum XML_Status state = XML_STATUS_OK;
    size_t at = 0;
    do {
        const size_t n = vonk_min_size(document.len - at, 1u << 20);
        state = VONK_MODULE_CALL(XML_Parse)(r.parser, n ? document.data + at : "", (int)n, at + n == document.len);
        at += n;
    } while (state == XML_STATUS_OK && at < document.len);
    vonk_status status = r.status;
    if (state != XML_STATUS_OK && status == VONK_OK)
        status = malformed(&r, VONK_MODULE_CALL(XML_ErrorString)(VONK_MODULE_CALL(XML_GetErrorCode)(r.parser)), err);
    VONK_MODULE_CALL(XML_ParserFree)(r.parser);
    return status;
}
