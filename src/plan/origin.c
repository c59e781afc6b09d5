/* plan/origin.c -- texts that expressions come from. */
#include "plan/origin.h"

static vonk_status copy_text(vonk_budget *budget, vonk_str text, vonk_str *ret, vonk_error *err)
{
    char *copy = NULL;
    if (text.data == NULL) return VONK_OK;
    VONK_TRY(vonk_strdup(budget, text, &copy, err));
    *ret = (vonk_str){copy, text.len};
    return VONK_OK;
}

vonk_status vonk_origin_text_new(vonk_budget *budget, bool is_dataframe, vonk_str text, vonk_str call_site,
                                 vonk_origin_text **ret, vonk_error *err)
{
    vonk_origin_text *t = NULL;
    VONK_TRY(VONK_NEW(budget, &t, err));
    t->refs = 1;
    t->is_dataframe = is_dataframe;
    vonk_status st = copy_text(budget, text, &t->text, err);
    if (st == VONK_OK) st = copy_text(budget, call_site, &t->call_site, err);
    if (st != VONK_OK) {
        vonk_origin_text_unref(t);
        return st;
    }
    *ret = t;
    return VONK_OK;
}

vonk_status vonk_origin_text_set_object(vonk_origin_text *text, vonk_budget *budget, vonk_str type, vonk_str name,
                                        vonk_error *err)
{
    VONK_TRY(copy_text(budget, type, &text->object_type, err));
    return copy_text(budget, name, &text->object_name, err);
}

vonk_origin_text *vonk_origin_text_ref(vonk_origin_text *text)
{
    __atomic_fetch_add((int64_t *)&text->refs, 1, __ATOMIC_RELAXED);
    return text;
}

static void free_text(vonk_str text) { vonk_free((void *)(uintptr_t)text.data); }

void vonk_origin_text_unref(vonk_origin_text *text)
{
    if (!text || __atomic_sub_fetch((int64_t *)&text->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    free_text(text->text);
    free_text(text->call_site);
    free_text(text->object_type);
    free_text(text->object_name);
    vonk_free(text);
}

/* Byte position of character `at`; characters are code points. */
static size_t byte_of(vonk_str s, int32_t at)
{
    size_t i = 0;
    while (i < s.len && at > 0) {
        i++;
        while (i < s.len && ((unsigned char)s.data[i] & 0xC0) == 0x80) i++;
        at--;
    }
    return i;
}

bool vonk_origin_context(const vonk_origin *origin, vonk_query_context *ret)
{
    const vonk_origin_text *t = origin->text;
    if (!t) return false;
    *ret = (vonk_query_context){.is_dataframe = t->is_dataframe,
                                .object_type = t->object_type,
                                .object_name = t->object_name,
                                .start = origin->start,
                                .stop = origin->stop,
                                .fragment = t->text,
                                .call_site = t->call_site};
    if (t->is_dataframe) {
        ret->start = ret->stop = -1;
    } else if (origin->start >= 0 && origin->stop >= origin->start) {
        size_t from = byte_of(t->text, origin->start), to = byte_of(t->text, origin->stop + 1);
        ret->fragment = vonk_str_sub(t->text, from, to);
        ret->text = t->text;
    }
    return true;
}
