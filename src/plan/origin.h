/* plan/origin.h -- the text that expressions come from, shared and refcounted, so that runtime errors can quote it. */
#ifndef VONK_PLAN_ORIGIN_H
#define VONK_PLAN_ORIGIN_H

#include "plan/expr.h"

struct vonk_origin_text {
    _Atomic int64_t refs;
    bool            is_dataframe;
    vonk_str        text;      /* SQL statement, or the DataFrame method's name */
    vonk_str        call_site; /* DataFrame: file and line */
    vonk_str        object_type, object_name; /* VIEW and its name */
};
vonk_status vonk_origin_text_new(vonk_budget *budget, bool is_dataframe, vonk_str text, vonk_str call_site, vonk_origin_text **ret, vonk_error *err); /* copied */
/* Says that the text is a view's (called once, before the text is shared). Copied. */
vonk_status vonk_origin_text_set_object(vonk_origin_text *text, vonk_budget *budget, vonk_str type, vonk_str name, vonk_error *err);
vonk_origin_text *vonk_origin_text_ref(vonk_origin_text *text);
void              vonk_origin_text_unref(vonk_origin_text *text);
/* Fills a context for base/error.h; false when the origin is unknown. */
bool vonk_origin_context(const vonk_origin *origin, vonk_query_context *ret);

#endif
