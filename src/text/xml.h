/* text/xml.h -- XML read as events. The parser is expat's, opened at first use.
 *
 * Documents are UTF-8 or say what they are; depth is limited; entities of a document's own are refused, so that a small
 * text cannot become a large one. */
#ifndef VONK_TEXT_XML_H
#define VONK_TEXT_XML_H

#include "base/error.h"

typedef struct vonk_xml_events {
    void *self;
    /* attributes: name, value, name, value, ..., NULL. All texts are valid during the call. */
    vonk_status (*start)(void *self, const char *name, const char *const *attributes, vonk_error *err);
    vonk_status (*end)(void *self, const char *name, vonk_error *err);
    vonk_status (*text)(void *self, vonk_str text, vonk_error *err); /* a run of characters, maybe in pieces; may be NULL */
} vonk_xml_events;

/* The whole document. MALFORMED_INPUT with its line; what an event raises ends it. `path` names it in errors. */
vonk_status vonk_xml_read(vonk_str document, const char *path, const vonk_xml_events *events, vonk_error *err);

#endif
