/* Which rows of a row group may pass: statistics, page indexes, bloom filters and dictionaries, from cheap to dear.
 * Each only ever says "certainly not"; whatever is unknown is kept. */
#include <math.h>

#include "codec/parquet/bloom.h"
#include "codec/parquet/bounds.h"
#include "codec/parquet/index.h"
#include "codec/parquet/leaf.h"

#define MAX_DICTIONARY 20000 /* entries that are compared with the values one by one */
#define MAX_IN_VALUES 1000   /* a longer list is looked at by its bounds only */
#define MAX_BLOOM_HEAD 64
#define MAX_PLAIN_BYTES 16

typedef struct pruner {
    vonk_arena *arena;
    vonk_budget *budget;
    const vonk_parquet_meta *meta;
    const vonk_bytes_in *in;
    uint32_t group;
    unsigned use;
    vonk_error *err;
} pruner;

/* A set of rows: ranges ascending and apart. */
typedef struct row_set {
    vonk_parquet_range *at;
    size_t n;
} row_set;

/* A term with what the file has for it. */
typedef struct subject {
    const vonk_parquet_term *term;
    const pq_node *leaf; /* NULL: nothing can be said */
    const pq_chunk *chunk;
    pq_convert convert;
    bool missing; /* the file lacks the column: it is null everywhere */
    bool nan_prone;
} subject;

/* ---- sets of rows */
static vonk_status one_range(const pruner *p, uint64_t from, uint64_t n, row_set *ret)
{
    *ret = (row_set){0};
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(p->arena, 1, sizeof *ret->at, &ret->at, p->err));
    ret->at[ret->n++] = (vonk_parquet_range){from, n};
    return VONK_OK;
}

static void append(row_set *s, uint64_t from, uint64_t end)
{
    if (from >= end) return;
    assert(s->at);
    vonk_parquet_range *last = s->n > 0 ? &s->at[s->n - 1] : NULL;
    if (last && from <= last->from + last->n) {
        if (end > last->from + last->n) last->n = end - last->from;
    } else {
        s->at[s->n++] = (vonk_parquet_range){from, end - from};
    }
}

static vonk_status unite(const pruner *p, row_set a, row_set b, row_set *ret)
{
    row_set out = {0};
    size_t i = 0, k = 0;
    VONK_TRY(vonk_arena_array(p->arena, a.n + b.n, sizeof *out.at, &out.at, p->err));
    while (i < a.n || k < b.n) {
        bool first = k == b.n || (i < a.n && a.at[i].from <= b.at[k].from);
        const vonk_parquet_range *r = first ? &a.at[i++] : &b.at[k++];
        append(&out, r->from, r->from + r->n);
    }
    *ret = out;
    return VONK_OK;
}

static vonk_status intersect(const pruner *p, row_set a, row_set b, row_set *ret)
{
    row_set out = {0};
    VONK_TRY(vonk_arena_array(p->arena, a.n + b.n, sizeof *out.at, &out.at, p->err));
    for (size_t i = 0, k = 0; i < a.n && k < b.n;) {
        uint64_t a_end = a.at[i].from + a.at[i].n, b_end = b.at[k].from + b.at[k].n;
        uint64_t from = a.at[i].from > b.at[k].from ? a.at[i].from : b.at[k].from, end = a_end < b_end ? a_end : b_end;
        append(&out, from, end);
        if (a_end <= b_end)
            i++;
        else
            k++;
    }
    *ret = out;
    return VONK_OK;
}

/* ---- subjects */
static bool same_order_as_bytes(const vonk_type *type) { return type->collation == VONK_COLLATION_UTF8_BINARY; }

static vonk_status find_leaf(const pruner *p, const vonk_parquet_term *term, subject *ret)
{
    const pq_node *node = p->meta->root;
    for (uint32_t i = 0; i < term->n_path; i++) {
        const vonk_field field = {term->path[i], NULL, true, VONK_STR_NONE};
        int32_t at = -1;
        bool group = !node->leaf && node->annotation == PQ_ANN_NONE && node->repetition != PQ_REPEATED;
        if (!group) return VONK_OK;
        VONK_TRY(vonk__pq_find_child(p->meta, node, &field, &at, p->err));
        if (at < 0) {
            ret->missing = true;
            return VONK_OK;
        }
        node = &node->children[at];
    }
    if (node->leaf && node->max_rep == 0) ret->leaf = node;
    return VONK_OK;
}

static vonk_status make_subject(const pruner *p, const vonk_parquet_term *term, subject *ret)
{
    *ret = (subject){.term = term};
    VONK_TRY(find_leaf(p, term, ret));
    if (!ret->leaf) return VONK_OK;
    ret->chunk = &p->meta->file.groups.at[p->group].chunks.at[ret->leaf->first_leaf];
    if (!PQ_HAS(*ret->chunk, PQ_CHUNK_META) || ret->chunk->meta.n_values < 0) ret->leaf = NULL;
    if (!ret->leaf || !term->values) return VONK_OK;
    const vonk_type *type = term->values->type;
    vonk_status st = vonk__pq_convert_init(p->meta, ret->leaf, type, &ret->convert, p->err);
    if (st != VONK_OK && st != VONK_E_MEMORY_BUDGET_EXCEEDED) { /* the scan will say so */
        vonk_error_reset(p->err);
        ret->leaf = NULL;
        return VONK_OK;
    }
    ret->nan_prone = type->id == VONK_T_FLOAT || type->id == VONK_T_DOUBLE;
    return st;
}

/* ---- one term against bounds */
static bool is_nan(const vonk_column *values, uint32_t row, bool prone)
{
    return prone && isnan(vonk_column_f64(values, row));
}

static int compare(const vonk_column *values, uint32_t row, const vonk_column *min_max, uint32_t which)
{
    return vonk_column_row_compare(values, row, min_max, which);
}

static bool within(const subject *s, uint32_t row, const vonk_column *min_max)
{
    const vonk_column *v = s->term->values;
    if (vonk_column_is_null(v, row)) return false;
    if (is_nan(v, row, s->nan_prone)) return true; /* bounds do not count NaNs */
    return compare(v, row, min_max, 0) >= 0 && compare(v, row, min_max, 1) <= 0;
}

static bool starts_within(const subject *s, const vonk_column *min_max)
{
    vonk_str prefix = vonk_column_str(s->term->values, 0), min = vonk_column_str(min_max, 0),
             max = vonk_column_str(min_max, 1);
    if (min.len > prefix.len) min.len = prefix.len;
    if (max.len > prefix.len) max.len = prefix.len;
    return vonk_str_compare(min, prefix) <= 0 && vonk_str_compare(max, prefix) >= 0;
}

/* May a value between the bounds pass? */
static bool may_pass(const subject *s, const pq_known *k)
{
    const vonk_column *v = s->term->values, *b = k->min_max;
    bool exact = k->min_exact && k->max_exact;
    switch (s->term->op) {
    case VONK_PARQUET_EQ: return within(s, 0, b);
    case VONK_PARQUET_NE: return !exact || s->nan_prone || compare(v, 0, b, 0) != 0 || compare(v, 0, b, 1) != 0;
    case VONK_PARQUET_LT: return compare(v, 0, b, 0) > 0;
    case VONK_PARQUET_LE: return compare(v, 0, b, 0) >= 0;
    case VONK_PARQUET_GT:
        return s->nan_prone || compare(v, 0, b, 1) < 0; /* a NaN is greater than all, and not in the bounds */
    case VONK_PARQUET_GE: return s->nan_prone || compare(v, 0, b, 1) <= 0;
    case VONK_PARQUET_IN:
        for (uint32_t i = 0; i < v->n_rows; i++) {
            if (within(s, i, b)) return true;
        }
        return false;
    case VONK_PARQUET_STARTS_WITH: return starts_within(s, b);
    default: return true;
    }
}

static bool may_match(const subject *s, const pq_known *k)
{
    bool all_null = k->n_values != UINT64_MAX && k->n_nulls >= 0 && (uint64_t)k->n_nulls == k->n_values;
    if (s->term->op == VONK_PARQUET_IS_NULL) return k->n_nulls != 0;
    if (all_null) return false;
    if (s->term->op == VONK_PARQUET_IS_NOT_NULL || !k->min_max) return true;
    return may_pass(s, k);
}

/* ---- statistics of the chunk */
static vonk_status by_statistics(const pruner *p, const subject *s, bool *ret)
{
    VONK_AUTO(vonk__pq_known_done) pq_known known = {.n_nulls = -1};
    const pq_column_meta *chunk = &s->chunk->meta;
    if (s->term->values) {
        VONK_TRY(vonk__pq_known_of_chunk(p->budget, p->meta, s->leaf, s->term->values->type, &s->convert, chunk, &known,
                                         p->err));
    } else {
        known.n_values = (uint64_t)chunk->n_values;
        bool counted = PQ_HAS(*chunk, PQ_COL_STATISTICS) && PQ_HAS(chunk->statistics, PQ_STAT_NULLS);
        if (counted && chunk->statistics.n_nulls <= chunk->n_values) known.n_nulls = chunk->statistics.n_nulls;
    }
    if (s->leaf->max_def == 0) known.n_nulls = 0;
    *ret = may_match(s, &known);
    return VONK_OK;
}

/* ---- page index */
static vonk_status page_known(const pruner *p, const subject *s, const pq_column_index *index, size_t page,
                              bool ordered, pq_known *ret)
{
    *ret = (pq_known){.n_values = UINT64_MAX, .n_nulls = page < index->n_nulls.n ? index->n_nulls.at[page] : -1};
    if (s->leaf->max_def == 0) ret->n_nulls = 0;
    if (index->null_pages.at[page]) {
        ret->n_values = 1; /* all of them */
        ret->n_nulls = 1;
        return VONK_OK;
    }
    if (!ordered) return VONK_OK;
    return vonk__pq_bounds_column(p->budget, s->leaf, s->term->values->type, &s->convert, index->min.at[page],
                                  index->max.at[page], &ret->min_max, p->err);
}

static vonk_status by_page_index(const pruner *p, const subject *s, row_set all, row_set *ret)
{
    pq_offset_index *offsets = NULL;
    pq_column_index *index = NULL;
    uint64_t n_rows = (uint64_t)p->meta->file.groups.at[p->group].n_rows;
    *ret = all;
    VONK_TRY(vonk__pq_read_offset_index(p->arena, p->meta, p->in, s->chunk, n_rows, &offsets, p->err));
    if (!offsets) return VONK_OK;
    VONK_TRY(vonk__pq_read_column_index(p->arena, p->meta, p->in, s->chunk, offsets->pages.n, &index, p->err));
    if (!index) return VONK_OK;
    row_set out = {0};
    VONK_TRY(vonk_arena_array(p->arena, offsets->pages.n, sizeof *out.at, &out.at, p->err));
    bool ordered =
        s->term->values && vonk__pq_bounds_ordered(p->meta, s->leaf, s->term->values->type, &s->convert, true);
    for (size_t i = 0; i < offsets->pages.n; i++) {
        VONK_AUTO(vonk__pq_known_done) pq_known known = {0};
        uint64_t from = (uint64_t)offsets->pages.at[i].first_row;
        uint64_t end = i + 1 < offsets->pages.n ? (uint64_t)offsets->pages.at[i + 1].first_row : n_rows;
        VONK_TRY(page_known(p, s, index, i, ordered, &known));
        if (may_match(s, &known)) append(&out, from, end);
    }
    *ret = out;
    return VONK_OK;
}

/* ---- bloom filter */
/* The PLAIN bytes that a stored value equal to values[row] must have. *ret_known false: cannot be told; *ret_possible
 * false: no stored value can be equal. */
static void plain_of(const subject *s, uint32_t row, uint8_t into[MAX_PLAIN_BYTES], vonk_str *ret, bool *ret_known,
                     bool *ret_possible)
{
    const vonk_column *v = s->term->values;
    const pq_convert *c = &s->convert;
    vonk_i128 x = 0;
    *ret_known = *ret_possible = true;
    switch ((pq_convert_kind)c->kind) {
    case PQ_TO_VIEWS: *ret = vonk_column_str(v, row); return;
    case PQ_TO_COPY:
        if (s->nan_prone) {
            double d = vonk_column_f64(v, row);
            float f = (float)d;
            *ret_known = !isnan(d) && d != 0; /* several forms of NaN and of zero are equal */
            memcpy(into, c->in_bytes == 4 ? (const void *)&f : (const void *)&d, c->in_bytes);
            *ret = (vonk_str){(char *)into, c->in_bytes};
            return;
        }
        x = vonk_column_i64(v, row);
        break;
    case PQ_I32_TO_I8:
    case PQ_I32_TO_I16:
    case PQ_I32_TO_I64:
    case PQ_U32_TO_I64:
    case PQ_I64_TO_I64: x = vonk_column_i64(v, row); break;
    case PQ_I32_TO_I128:
    case PQ_I64_TO_I128:
    case PQ_U64_TO_I128:
    case PQ_BIG_TO_I64:
    case PQ_BIG_TO_I128: x = vonk_column_i128(v, row); break;
    default: *ret_known = false; return;
    }
    *ret_possible = x % c->factor == 0;
    x /= c->factor;
    if (s->leaf->physical == PQ_FIXED && c->in_bytes <= MAX_PLAIN_BYTES) {
        for (uint32_t k = c->in_bytes; k-- > 0; x >>= 8) into[k] = (uint8_t)x;
        *ret_possible &= x == 0 || x == -1;
    } else if (s->leaf->physical == PQ_INT32 || s->leaf->physical == PQ_INT64) {
        bool narrow = s->leaf->physical == PQ_INT32,
             is_unsigned = c->kind == PQ_U32_TO_I64 || c->kind == PQ_U64_TO_I128;
        vonk_i128 most = (vonk_i128)1 << (narrow ? 31 : 63);
        *ret_possible &= is_unsigned ? x >= 0 && x < 2 * most : x >= -most && x < most;
        memcpy(into, &x, c->in_bytes);
    } else {
        *ret_known = false; /* decimals of varying length have several forms */
    }
    *ret = (vonk_str){(char *)into, c->in_bytes};
}

static vonk_status load_bloom(const pruner *p, const subject *s, const uint8_t **ret, size_t *ret_bytes)
{
    const pq_column_meta *chunk = &s->chunk->meta;
    const uint8_t *head_bytes = NULL;
    pq_bloom_head head;
    *ret = NULL;
    if (!PQ_HAS(*chunk, PQ_COL_BLOOM_AT) || chunk->bloom_at <= 0 || (uint64_t)chunk->bloom_at >= p->in->size)
        return VONK_OK;
    size_t n = vonk_min_size(MAX_BLOOM_HEAD, p->in->size - (uint64_t)chunk->bloom_at);
    VONK_TRY(vonk__pq_read_hint(p->arena, p->in, chunk->bloom_at, (int64_t)n, &head_bytes, p->err));
    if (!head_bytes) return VONK_OK;
    vonk_cursor cursor = vonk__pq_cursor(p->meta, head_bytes, n);
    vonk_status st = vonk_thrift_read(p->arena, &cursor, &vonk__pq_bloom_head, &head, p->err);
    if (st == VONK_E_MALFORMED_INPUT) {
        vonk_error_reset(p->err);
        return VONK_OK;
    }
    VONK_TRY(st);
    bool usual = PQ_HAS(head.algorithm, 0) && PQ_HAS(head.hash, 0) && PQ_HAS(head.compression, 0);
    if (!usual || head.n_bytes <= 0 || head.n_bytes % PQ_BLOOM_BLOCK != 0) return VONK_OK;
    *ret_bytes = (size_t)head.n_bytes;
    int64_t at = chunk->bloom_at + (int64_t)(n - vonk_cursor_left(&cursor));
    return vonk__pq_read_hint(p->arena, p->in, at, head.n_bytes, ret, p->err);
}

static bool looks_for_values(const subject *s)
{
    bool in = s->term->op == VONK_PARQUET_IN && s->term->values->n_rows <= MAX_IN_VALUES;
    return (s->term->op == VONK_PARQUET_EQ || in) && same_order_as_bytes(s->term->values->type) &&
           s->convert.rebase == PQ_REBASE_NONE;
}

static vonk_status by_bloom(const pruner *p, const subject *s, bool *ret)
{
    const uint8_t *filter = NULL;
    size_t bytes = 0;
    const vonk_column *v = s->term->values;
    *ret = true;
    if (!looks_for_values(s)) return VONK_OK;
    VONK_TRY(load_bloom(p, s, &filter, &bytes));
    if (!filter) return VONK_OK;
    for (uint32_t i = 0; i < v->n_rows; i++) {
        uint8_t into[MAX_PLAIN_BYTES];
        vonk_str plain = VONK_STR_NONE;
        bool known = false, possible = false;
        if (vonk_column_is_null(v, i)) continue;
        plain_of(s, i, into, &plain, &known, &possible);
        if (!known) return VONK_OK;
        if (possible && vonk__pq_bloom_has(filter, bytes, vonk__pq_xxh64(plain.data, plain.len))) return VONK_OK;
    }
    *ret = false;
    return VONK_OK;
}

/* ---- dictionary */
static bool only_coded_pages(const pq_column_meta *chunk)
{
    size_t coded = 0;
    for (size_t i = 0; i < chunk->page_encodings.n; i++) {
        const pq_page_encoding *e = &chunk->page_encodings.at[i];
        bool is_coded = e->encoding == PQ_PLAIN_DICTIONARY || e->encoding == PQ_RLE_DICTIONARY;
        if ((e->page_type != PQ_DATA_PAGE && e->page_type != PQ_DATA_PAGE_V2) || e->count == 0) continue;
        if (!is_coded) return false;
        coded++;
    }
    return coded > 0; /* without page statistics it is not known */
}

static bool entry_passes(const subject *s, const vonk_column *dictionary, uint32_t row)
{
    const vonk_column *v = s->term->values;
    if (s->term->op == VONK_PARQUET_STARTS_WITH)
        return vonk_str_starts(vonk_column_str(dictionary, row), vonk_column_str(v, 0));
    for (uint32_t i = 0; i < v->n_rows; i++) {
        if (!vonk_column_is_null(v, i) && vonk_column_row_compare(dictionary, row, v, i) == 0) return true;
    }
    return false;
}

static vonk_status dictionary_passes(const pruner *p, const subject *s, vonk_compressor *compressor, pq_leaf *leaf,
                                     bool *ret)
{
    VONK_TRY(vonk__pq_leaf_init(leaf, p->budget, p->meta, p->in, compressor, p->group, s->leaf, s->term->values->type,
                                p->err));
    uint32_t n_values = s->term->op == VONK_PARQUET_IN ? s->term->values->n_rows : 1, n = 0;
    VONK_TRY(vonk__pq_leaf_dictionary_size(leaf, &n, p->err));
    if (n > MAX_DICTIONARY / (n_values ? n_values : 1)) return VONK_OK;
    VONK_TRY(vonk__pq_leaf_need_dictionary(leaf, p->err));
    *ret = false;
    for (uint32_t i = 0; i < leaf->n_dictionary && !*ret; i++) *ret = entry_passes(s, leaf->dictionary, i);
    return VONK_OK;
}

static vonk_status by_dictionary(const pruner *p, const subject *s, bool *ret)
{
    VONK_AUTO(vonk_compressor_free) vonk_compressor *compressor = NULL;
    pq_leaf leaf = {0};
    bool looks =
        s->term->op == VONK_PARQUET_EQ || s->term->op == VONK_PARQUET_IN || s->term->op == VONK_PARQUET_STARTS_WITH;
    *ret = true; /* for ranges the bounds say nearly as much, and cost nothing */
    if (!looks || !only_coded_pages(&s->chunk->meta)) return VONK_OK;
    VONK_TRY(vonk_compressor_new(p->budget, &compressor, p->err));
    vonk_status st = dictionary_passes(p, s, compressor, &leaf, ret);
    vonk__pq_leaf_done(&leaf);
    if (st == VONK_E_MALFORMED_INPUT) { /* whoever reads the column will say so */
        vonk_error_reset(p->err);
        *ret = true;
        return VONK_OK;
    }
    return st;
}

/* ---- terms and clauses */
static vonk_status rows_of_term(const pruner *p, const vonk_parquet_term *term, row_set all, row_set *ret)
{
    subject s;
    bool keep = true;
    *ret = all;
    VONK_TRY(make_subject(p, term, &s));
    if (s.missing) {
        if (term->op != VONK_PARQUET_IS_NULL) *ret = (row_set){0};
        return VONK_OK;
    }
    if (!s.leaf) return VONK_OK;
    if (p->use & VONK_PARQUET_USE_STATISTICS) VONK_TRY(by_statistics(p, &s, &keep));
    if (keep && (p->use & VONK_PARQUET_USE_BLOOM) && term->values) VONK_TRY(by_bloom(p, &s, &keep));
    if (keep && (p->use & VONK_PARQUET_USE_DICTIONARY)) VONK_TRY(by_dictionary(p, &s, &keep));
    if (!keep) {
        *ret = (row_set){0};
        return VONK_OK;
    }
    return p->use & VONK_PARQUET_USE_PAGE_INDEX ? by_page_index(p, &s, all, ret) : VONK_OK;
}

static vonk_status rows_of_clause(const pruner *p, const vonk_parquet_term *terms, size_t n, uint32_t clause,
                                  row_set all, row_set *ret)
{
    *ret = (row_set){0};
    for (size_t i = 0; i < n; i++) {
        row_set rows;
        if (terms[i].clause != clause) continue;
        VONK_TRY(rows_of_term(p, &terms[i], all, &rows));
        VONK_TRY(unite(p, *ret, rows, ret));
    }
    return VONK_OK;
}

static bool seen_before(const vonk_parquet_term *terms, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (terms[k].clause == terms[i].clause) return true;
    }
    return false;
}

vonk_status vonk_parquet_prune(vonk_arena *arena, const vonk_parquet_meta *meta, const vonk_bytes_in *in,
                               uint32_t group, const vonk_parquet_term *terms, size_t n_terms, unsigned use,
                               const vonk_parquet_range **ret, size_t *ret_n, vonk_error *err)
{
    pruner p = {arena, vonk_arena_budget(arena), meta, in, group, use, err};
    row_set all, kept;
    VONK_TRY(one_range(&p, 0, (uint64_t)meta->file.groups.at[group].n_rows, &all));
    kept = all;
    for (size_t i = 0; i < n_terms && kept.n > 0; i++) {
        row_set rows;
        if (seen_before(terms, i)) continue;
        VONK_TRY(rows_of_clause(&p, terms, n_terms, terms[i].clause, all, &rows));
        VONK_TRY(intersect(&p, kept, rows, &kept));
    }
    *ret = kept.at;
    *ret_n = kept.n;
    return VONK_OK;
}
