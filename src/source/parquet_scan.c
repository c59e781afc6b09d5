/* source/parquet_scan.c -- plans the reading of a Parquet table: which columns, which files and row groups, which
 * partitions.
 *
 * Partitions are Spark's: files are cut into pieces of at most maxSplitBytes, pieces are sorted by size, largest first,
 * and packed one after the other; a row group belongs to the piece that holds its middle. Files whose partition values
 * fail the predicates, and row groups whose statistics do, are left out. */
#include "source/parquet_int.h"

#include <stdlib.h>

#include "base/vec.h"

static vonk_status scan_columns(parquet_scan *s, const vonk_scan_spec *spec, const vonk_expr **data_predicates,
                                uint32_t n, vonk_error *err);

/* ---- predicates */

static vonk_walk find_data(const vonk_expr *e, void *arg)
{
    const parquet_column *columns = ((const void **)arg)[0];
    bool *found = ((void **)arg)[1];
    if (e->kind != VONK_EX_BOUND || columns[e->index].partition >= 0) return VONK_WALK_ON;
    *found = true;
    return VONK_WALK_STOP;
}

static bool needs_data(const parquet_table *t, const vonk_expr *e)
{
    bool found = false;
    void *arg[2] = {t->columns, &found};
    vonk_expr_walk(e, find_data, arg);
    return found;
}

vonk_status vonk__parquet_pushable(vonk_table *table, const vonk_scan_spec *spec, bool *ret_wholly, vonk_error *err)
{
    for (uint32_t i = 0; i < spec->n_predicates; i++) {
        const vonk_expr *e = spec->predicates[i];
        ret_wholly[i] = vonk_expr_is_deterministic(e) && !vonk_expr_has_aggregate(e) && !vonk_expr_has_window(e) &&
                        !vonk_expr_has_generator(e) && !vonk_expr_contains(e, VONK_EX_SUBQUERY);
    }
    return VONK_OK;
}

/* Replaces BOUND i by BOUND to[i]. */
static vonk_status rebind_step(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const int32_t *to = ((void **)arg)[0];
    vonk_budget *budget = ((void **)arg)[1];
    if (e->kind != VONK_EX_BOUND) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    assert(to[e->index] >= 0);
    return vonk_ex_bound(budget, (uint32_t)to[e->index], e->type, e->nullable, e->name, ret, err);
}

static vonk_status rebind(vonk_budget *budget, const vonk_expr *e, const int32_t *to, const vonk_expr **ret,
                          vonk_error *err)
{
    void *arg[2] = {(void *)(uintptr_t)to, budget};
    return vonk_expr_rewrite(budget, e, rebind_step, arg, ret, err);
}

static vonk_status compile(vonk_budget *budget, const vonk_fn_env *env, const vonk_expr *const *terms, uint32_t n,
                           const int32_t *to, vonk_program **ret, vonk_error *err)
{
    VONK_AUTO(vonk_expr_unref) const vonk_expr *all = NULL, *bound = NULL;
    VONK_TRY(vonk_ex_and(budget, terms, n, &all, err));
    VONK_TRY(rebind(budget, all, to, &bound, err));
    return vonk_program_new(budget, env, &bound, 1, ret, err);
}

/* ---- files that partition values leave */

static vonk_status file_values(const parquet_table *t, vonk_budget *budget, vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    const vonk_column **pieces = NULL;
    vonk_column **columns = NULL;
    uint32_t n = t->files.partitions->n_fields, made = 0;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_arena_new(budget, &scratch, err));
    VONK_TRY(vonk_arena_array(scratch, t->files.n, sizeof *pieces, &pieces, err));
    VONK_TRY(vonk_arena_array(scratch, n, sizeof *columns, &columns, err));
    for (; made < n && st == VONK_OK; made++) {
        for (size_t f = 0; f < t->files.n; f++) pieces[f] = t->files.at[f].values[made];
        st = vonk_column_concat(budget, pieces, t->files.n, &columns[made], err);
    }
    if (st == VONK_OK) st = vonk_batch_new(budget, (uint32_t)t->files.n, columns, n, ret, err);
    for (uint32_t c = 0; c < made; c++) vonk_column_unref(columns[c]);
    return st;
}

static vonk_status filter_files(const parquet_scan *s, vonk_program *program, bool *wanted, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *values = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *sel = NULL;
    vonk_program_local *local = NULL;
    uint32_t n = 0;
    VONK_TRY(file_values(s->table, s->budget, &values, err));
    VONK_TRY(vonk_program_local_new(program, s->budget, &local, err));
    vonk_status st = vonk_program_filter(local, values, &sel, &n, err);
    vonk_program_local_free(local);
    VONK_TRY(st);
    if (!sel && n == values->n_sel) return VONK_OK;
    assert(sel || n == 0);
    memset(wanted, 0, s->table->files.n * sizeof *wanted);
    for (uint32_t i = 0; i < n; i++) wanted[((const uint32_t *)(const void *)sel->data)[i]] = true;
    return VONK_OK;
}

/* Splits the predicates: those that only look at partition columns choose files now. */
static vonk_status choose_files(parquet_scan *s, const vonk_scan_spec *spec, const vonk_expr **data,
                                uint32_t *ret_n_data, bool *wanted, vonk_error *err)
{
    const parquet_table *t = s->table;
    const vonk_expr **of_files = NULL;
    int32_t *to = NULL;
    uint32_t n = 0, n_data = 0;
    vonk_program *program = NULL;
    memset(wanted, true, t->files.n * sizeof *wanted);
    VONK_TRY(vonk_arena_array(s->arena, spec->n_predicates, sizeof *of_files, &of_files, err));
    for (uint32_t i = 0; i < spec->n_predicates; i++) {
        if (!t->files.partitions || needs_data(t, spec->predicates[i]) || vonk_expr_is_foldable(spec->predicates[i]))
            data[n_data++] = spec->predicates[i];
        else
            of_files[n++] = spec->predicates[i];
    }
    *ret_n_data = n_data;
    if (n == 0 || t->files.n == 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(s->arena, s->base.table->schema->n_fields, sizeof *to, &to, err));
    for (uint32_t c = 0; c < s->base.table->schema->n_fields; c++) to[c] = t->columns[c].partition;
    VONK_TRY(compile(s->budget, spec->env, of_files, n, to, &program, err));
    vonk_status st = filter_files(s, program, wanted, err);
    vonk_program_free(program);
    return st;
}

/* ---- pieces of files, packed into partitions */

typedef struct file_piece {
    uint32_t file, order;
    int64_t from, bytes;
} file_piece;

static int larger_first(const void *a, const void *b)
{
    const file_piece *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

typedef struct split_rule {
    int64_t most_bytes, open_bytes;
    int64_t most_partitions; /* 0: any number */
} split_rule;

static int64_t conf_number(const vonk_conf *conf, const char *key, int64_t fallback)
{
    return vonk_conf_get(conf, key).len > 0 ? vonk_conf_i64(conf, key) : fallback;
}

static split_rule rule_of(const parquet_scan *s, const vonk_scan_spec *spec, const bool *wanted)
{
    const vonk_conf *conf = spec->conf;
    split_rule r = {.most_bytes = vonk_conf_i64(conf, "spark.sql.files.maxPartitionBytes"),
                    .open_bytes = vonk_conf_i64(conf, "spark.sql.files.openCostInBytes")};
    int64_t cores = conf_number(conf, "spark.sql.leafNodeDefaultParallelism",
                                conf_number(conf, "spark.default.parallelism", spec->n_threads));
    int64_t least = conf_number(conf, "spark.sql.files.minPartitionNum", cores);
    double total = 0;
    for (size_t f = 0; f < s->table->files.n; f++) {
        if (wanted[f]) total += (double)s->table->files.at[f].bytes + (double)r.open_bytes;
    }
    r.most_partitions = conf_number(conf, "spark.sql.files.maxPartitionNum", 0);
    int64_t a_core = (int64_t)(total / (double)(least > 0 ? least : 1));
    int64_t most = a_core > r.open_bytes ? a_core : r.open_bytes;
    if (most < r.most_bytes) r.most_bytes = most;
    if (r.most_bytes < 1) r.most_bytes = 1;
    return r;
}

static vonk_status cut_files(const parquet_scan *s, const bool *wanted, int64_t most, file_piece **ret, uint32_t *ret_n,
                             vonk_error *err)
{
    const source_files *files = &s->table->files;
    uint64_t n = 0;
    for (size_t f = 0; f < files->n; f++) n += wanted[f] ? (uint64_t)((files->at[f].bytes + most - 1) / most) : 0;
    VONK_TRY(vonk_arena_array(s->arena, n, sizeof **ret, ret, err));
    n = 0;
    for (size_t f = 0; f < files->n; f++) {
        for (int64_t from = 0; wanted[f] && from < files->at[f].bytes; from += most) {
            int64_t left = files->at[f].bytes - from;
            (*ret)[n] = (file_piece){
                .file = (uint32_t)f, .order = (uint32_t)n, .from = from, .bytes = left < most ? left : most};
            n++;
        }
    }
    if (n > 1) qsort(*ret, n, sizeof **ret, larger_first);
    *ret_n = vonk_u32_of(n);
    return VONK_OK;
}

/* first[p] = first piece of partition p; returns how many there are. */
static uint32_t pack(const file_piece *pieces, uint32_t n, int64_t most, int64_t open_bytes, uint32_t *first)
{
    uint32_t partitions = 0;
    int64_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || (bytes + pieces[i].bytes > most && i > first[partitions - 1])) {
            first[partitions++] = i;
            bytes = 0;
        }
        bytes += pieces[i].bytes + open_bytes;
    }
    first[partitions] = n;
    return partitions;
}

static bool holds(const file_piece *p, const vonk_parquet_row_group *g)
{
    uint64_t middle = g->offset + g->bytes / 2;
    return middle >= (uint64_t)p->from && middle < (uint64_t)(p->from + p->bytes);
}

vonk_status vonk__parquet_scan_meta(parquet_scan *s, uint32_t file, vonk_parquet_meta **ret, vonk_error *err)
{
    VONK_LOCKED(&s->table->lock);
    const source_file *source = &s->table->files.at[file];
    vonk_status st = s->metas[file] ? VONK_OK : vonk__footer_get(source, &s->table->options, &s->metas[file], err);
    *ret = s->metas[file];
    if (st != VONK_OK && vonk__parquet_forgives(s->table, st)) {
        vonk_error_reset(err);
        return VONK_OK;
    }
    if (st != VONK_E_FAILED_READ_FILE__CANNOT_READ_FILE_FOOTER) return st; /* a word of finding the schema out */
    vonk_error_reset(err);
    return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", VONK_S(source->uri), "problem", "it has no readable footer");
}

static vonk_status may_match(parquet_scan *s, vonk_arena *scratch, const vonk_parquet_meta *meta, uint32_t group,
                             bool *ret, vonk_error *err)
{
    const vonk_parquet_range *ranges = NULL;
    size_t n = 1;
    *ret = true;
    if (s->n_terms == 0) return VONK_OK;
    VONK_TRY(vonk_parquet_prune(scratch, meta, NULL, group, s->terms, s->n_terms, VONK_PARQUET_USE_STATISTICS, &ranges,
                                &n, err));
    *ret = n > 0;
    if (n == 0) s->n_pruned++;
    return VONK_OK;
}

typedef struct unit_list {
    parquet_unit *at;
    size_t n, capacity;
    int64_t rows_left; /* LIMIT without predicates: rows still needed; -1: all */
} unit_list;

static vonk_status piece_units(parquet_scan *s, vonk_arena *scratch, const file_piece *piece, unit_list *units,
                               vonk_error *err)
{
    vonk_parquet_meta *meta = NULL;
    VONK_TRY(vonk__parquet_scan_meta(s, piece->file, &meta, err));
    if (!meta) return VONK_OK; /* left out */
    for (uint32_t g = 0; g < vonk_parquet_n_row_groups(meta) && units->rows_left != 0; g++) {
        vonk_parquet_row_group group = vonk_parquet_row_group_at(meta, g);
        bool wanted = true;
        if (!holds(piece, &group) || group.n_rows == 0) continue;
        vonk_arena_reset(scratch);
        VONK_TRY(may_match(s, scratch, meta, g, &wanted, err));
        if (!wanted) continue;
        parquet_unit unit = {piece->file, g};
        VONK_TRY(VONK_VEC_ARENA_PUSH(units, s->arena, unit, err));
        if (units->rows_left > 0)
            units->rows_left = (uint64_t)units->rows_left > group.n_rows ? units->rows_left - (int64_t)group.n_rows : 0;
    }
    return VONK_OK;
}

static vonk_status make_units(parquet_scan *s, const file_piece *pieces, const uint32_t *first, int64_t limit,
                              vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    unit_list units = {.rows_left = limit};
    VONK_TRY(vonk_arena_new(s->budget, &scratch, err));
    VONK_TRY(vonk_arena_array(s->arena, (size_t)s->base.n_partitions + 1, sizeof *s->first_unit, &s->first_unit, err));
    for (uint32_t p = 0; p < s->base.n_partitions; p++) {
        s->first_unit[p] = vonk_u32_of(units.n);
        for (uint32_t i = first[p]; i < first[p + 1]; i++) VONK_TRY(piece_units(s, scratch, &pieces[i], &units, err));
    }
    s->units = units.at;
    s->n_units = s->first_unit[s->base.n_partitions] = vonk_u32_of(units.n);
    return VONK_OK;
}

static vonk_status make_partitions(parquet_scan *s, const vonk_scan_spec *spec, const bool *wanted, uint32_t n_data,
                                   vonk_error *err)
{
    split_rule rule = rule_of(s, spec, wanted);
    file_piece *pieces = NULL;
    uint32_t n = 0, *first = NULL;
    VONK_TRY(cut_files(s, wanted, rule.most_bytes, &pieces, &n, err));
    VONK_TRY(vonk_arena_array(s->arena, (size_t)n + 1, sizeof *first, &first, err));
    s->base.n_partitions = pack(pieces, n, rule.most_bytes, rule.open_bytes, first);
    if (rule.most_partitions > 0 && s->base.n_partitions > rule.most_partitions) {
        double total = 0;
        for (uint32_t i = 0; i < n; i++) total += (double)pieces[i].bytes + (double)rule.open_bytes;
        int64_t most = (int64_t)(total / (double)rule.most_partitions) + 1;
        s->base.n_partitions = pack(pieces, n, most, rule.open_bytes, first);
    }
    return make_units(s, pieces, first, n_data == 0 ? spec->limit : -1, err);
}

/* ---- columns and steps */

typedef struct column_uses {
    bool *used;              /* [table column] */
    const vonk_type **types; /* [table column]: as the plan sees it, nested fields left out; NULL: not asked */
} column_uses;

static vonk_walk note_column(const vonk_expr *e, void *arg)
{
    const column_uses *uses = arg;
    if (e->kind == VONK_EX_BOUND) uses->used[e->index] = true;
    if (e->kind == VONK_EX_BOUND && uses->types) uses->types[e->index] = e->type;
    return VONK_WALK_ON;
}

static void note_columns(const parquet_scan *s, const vonk_expr *e, bool *used, const vonk_type **types)
{
    column_uses uses = {used, types};
    memset(used, 0, s->base.table->schema->n_fields * sizeof *used);
    vonk_expr_walk(e, note_column, &uses);
}

/* One step per set of columns, cheap ones first unless an order is to be kept because something may raise. */
static vonk_status make_step(parquet_scan *s, const vonk_scan_spec *spec, const vonk_expr *const *terms, uint32_t n,
                             const bool *used, const int32_t *read_of, vonk_error *err)
{
    parquet_step *step = &s->steps[s->n_steps];
    uint32_t n_columns = s->base.table->schema->n_fields;
    int32_t *to = NULL;
    VONK_TRY(vonk_arena_array(s->arena, n_columns, sizeof *to, &to, err));
    VONK_TRY(vonk_arena_array(s->arena, n_columns, sizeof *step->columns, &step->columns, err));
    for (uint32_t c = 0; c < n_columns; c++) {
        to[c] = -1;
        if (!used[c]) continue;
        to[c] = (int32_t)step->n_columns;
        step->columns[step->n_columns++] = s->table->columns[c].partition >= 0
                                               ? UINT32_MAX - (uint32_t)s->table->columns[c].partition
                                               : (uint32_t)read_of[c];
    }
    VONK_TRY(compile(s->budget, spec->env, terms, n, to, &step->program, err));
    s->n_steps++;
    return VONK_OK;
}

static uint32_t cost_of(const vonk_expr *e, const parquet_scan *s, const bool *used)
{
    uint32_t cost = 0;
    for (uint32_t c = 0; c < s->base.table->schema->n_fields; c++) {
        if (!used[c]) continue;
        const vonk_type *t = s->base.table->schema->fields[c].type;
        cost += t->n_fields > 0 ? 16 : t->storage == VONK_STORE_VIEW ? 4 : 1;
    }
    return cost + (vonk_expr_may_raise(e) ? 100 : 0);
}

typedef struct placed_term {
    const vonk_expr *e;
    bool *used;
    uint32_t cost, order;
} placed_term;

static int cheaper_first(const void *a, const void *b)
{
    const placed_term *x = a, *y = b;
    if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static vonk_status flatten_terms(parquet_scan *s, const vonk_expr *const *predicates, uint32_t n, placed_term **ret,
                                 uint32_t *ret_n, vonk_error *err)
{
    uint32_t total = 0, at = 0;
    for (uint32_t i = 0; i < n; i++) total += predicates[i]->kind == VONK_EX_AND ? predicates[i]->n_children : 1;
    VONK_TRY(vonk_arena_array(s->arena, total, sizeof **ret, ret, err));
    for (uint32_t i = 0; i < n; i++) {
        bool is_and = predicates[i]->kind == VONK_EX_AND;
        for (uint32_t k = 0; k < (is_and ? predicates[i]->n_children : 1); k++) {
            placed_term *t = &(*ret)[at];
            t->e = is_and ? predicates[i]->children[k] : predicates[i];
            t->order = at++;
            VONK_TRY(vonk_arena_array(s->arena, s->base.table->schema->n_fields, sizeof *t->used, &t->used, err));
            note_columns(s, t->e, t->used, NULL);
            t->cost = cost_of(t->e, s, t->used);
        }
    }
    *ret_n = total;
    return VONK_OK;
}

static vonk_status make_steps(parquet_scan *s, const vonk_scan_spec *spec, const vonk_expr *const *predicates,
                              uint32_t n, const int32_t *read_of, vonk_error *err)
{
    placed_term *terms = NULL;
    const vonk_expr **same = NULL;
    uint32_t n_terms = 0, n_columns = s->base.table->schema->n_fields;
    bool ordered = false;
    VONK_TRY(flatten_terms(s, predicates, n, &terms, &n_terms, err));
    for (uint32_t i = 0; i < n_terms; i++) ordered |= vonk_expr_may_raise(terms[i].e);
    if (!ordered && n_terms > 1) qsort(terms, n_terms, sizeof *terms, cheaper_first);
    VONK_TRY(vonk_arena_array(s->arena, n_terms, sizeof *s->steps, &s->steps, err));
    VONK_TRY(vonk_arena_array(s->arena, n_terms, sizeof *same, &same, err));
    for (uint32_t i = 0; i < n_terms; i++) {
        uint32_t n_same = 0;
        if (!terms[i].e) continue;
        for (uint32_t k = i; k < n_terms;
             k++) { /* later terms over the same columns come along, if nothing before them may raise */
            if (!terms[k].e || memcmp(terms[k].used, terms[i].used, n_columns * sizeof(bool)) != 0) {
                if (ordered && terms[k].e) break;
                continue;
            }
            same[n_same++] = terms[k].e;
            terms[k].e = NULL;
        }
        VONK_TRY(make_step(s, spec, same, n_same, terms[i].used, read_of, err));
    }
    return VONK_OK;
}

/* Columns of a scan while they are laid out. */
typedef struct read_layout {
    vonk_field *fields;      /* [read column] */
    int32_t *read_of;        /* [table column]: where predicates find it, -1: not read yet */
    const vonk_type **types; /* [table column]: as predicates see it */
    bool *used;              /* [table column] */
} read_layout;

static vonk_status new_layout(parquet_scan *s, uint32_t n_columns, read_layout *ret, vonk_error *err)
{
    const uint32_t n = s->base.table->schema->n_fields;
    VONK_TRY(vonk_arena_array(s->arena, (size_t)n + n_columns, sizeof *ret->fields, &ret->fields, err));
    VONK_TRY(vonk_arena_array(s->arena, n, sizeof *ret->read_of, &ret->read_of, err));
    VONK_TRY(vonk_arena_array(s->arena, n, sizeof *ret->types, &ret->types, err));
    VONK_TRY(vonk_arena_array(s->arena, n, sizeof *ret->used, &ret->used, err));
    VONK_TRY(vonk_arena_array(s->arena, n_columns, sizeof *s->output_read, &s->output_read, err));
    VONK_TRY(vonk_arena_array(s->arena, n_columns, sizeof *s->output_partition, &s->output_partition, err));
    VONK_TRY(vonk_arena_array(s->arena, n_columns, sizeof *s->output_types, &s->output_types, err));
    for (uint32_t c = 0; c < n; c++) ret->read_of[c] = -1;
    return VONK_OK;
}

static void lay_out_output(parquet_scan *s, const vonk_scan_spec *spec, read_layout *l)
{
    const vonk_type *schema = s->base.table->schema;
    s->n_output = spec->n_columns;
    for (uint32_t i = 0; i < spec->n_columns; i++) {
        uint32_t c = spec->columns[i];
        const parquet_column *column = &s->table->columns[c];
        s->output_partition[i] = column->partition;
        s->output_read[i] = -1;
        s->output_types[i] = schema->fields[c].type;
        if (column->partition >= 0) continue;
        l->fields[s->n_read] = s->table->data->fields[column->data];
        if (spec->pruned) s->output_types[i] = l->fields[s->n_read].type = spec->pruned->fields[i].type;
        s->output_read[i] = (int32_t)s->n_read;
        /* A predicate that sees more or other fields of a nested column than the output has it read once more. */
        const vonk_type *seen =
            l->types[c] && schema->fields[c].type->n_fields > 0 ? l->types[c] : schema->fields[c].type;
        if (vonk_type_same(s->output_types[i], seen)) l->read_of[c] = (int32_t)s->n_read;
        s->n_read++;
    }
}

/* What is read: output columns, then those that only predicates need. */
static vonk_status scan_columns(parquet_scan *s, const vonk_scan_spec *spec, const vonk_expr **data_predicates,
                                uint32_t n, vonk_error *err)
{
    const vonk_type *schema = s->base.table->schema;
    read_layout l = {0};
    VONK_TRY(new_layout(s, spec->n_columns, &l, err));
    for (uint32_t i = 0; i < n; i++) note_columns(s, data_predicates[i], l.used, l.types);
    lay_out_output(s, spec, &l);
    for (uint32_t i = 0; i < n; i++) {
        note_columns(s, data_predicates[i], l.used, NULL);
        for (uint32_t c = 0; c < schema->n_fields; c++) {
            if (!l.used[c] || l.read_of[c] >= 0 || s->table->columns[c].partition >= 0) continue;
            l.fields[s->n_read] = s->table->data->fields[s->table->columns[c].data];
            if (schema->fields[c].type->n_fields > 0) l.fields[s->n_read].type = l.types[c];
            l.read_of[c] = (int32_t)s->n_read++;
        }
    }
    VONK_TRY(vonk_type_struct(l.fields, s->n_read, &s->want, err));
    return make_steps(s, spec, data_predicates, n, l.read_of, err);
}

/* Two slots for each output column that lies in the files: two joins may filter one column. */
static vonk_status make_slots(parquet_scan *s, vonk_error *err)
{
    uint32_t *columns = NULL, n = 0;
    VONK_TRY(vonk_arena_array(s->arena, (size_t)s->n_output * 2, sizeof *columns, &columns, err));
    VONK_TRY(vonk_arena_array(s->arena, (size_t)s->n_output * 2, sizeof *s->base.filters, &s->base.filters, err));
    for (uint32_t i = 0; i < s->n_output; i++) {
        if (s->output_read[i] < 0 || s->output_types[i]->n_fields > 0) continue;
        columns[n++] = i;
        columns[n++] = i;
    }
    s->base.filter_columns = columns;
    s->base.n_filters = n;
    return VONK_OK;
}

/* ---- the scan */

static void scan_free(vonk_scan *scan)
{
    parquet_scan *s = (parquet_scan *)scan;
    for (uint32_t i = 0; i < s->n_steps; i++) vonk_program_free(s->steps[i].program);
    for (size_t f = 0; s->metas && f < s->table->files.n; f++) vonk_parquet_meta_unref(s->metas[f]);
    for (uint32_t i = 0; i < s->base.n_filters; i++) vonk_runtime_filter_unref(atomic_load(&s->base.filters[i]));
    for (uint32_t i = 0; i < s->n_predicates; i++) vonk_expr_unref(s->predicates[i]);
    vonk_type_unref(s->want);
    vonk_type_unref(s->pruned);
    vonk_conf_unref(s->conf);
    vonk_arena_free(s->arena);
    vonk_table_unref(s->base.table);
    vonk_free(s);
}

static uint32_t scan_n_morsels(vonk_scan *scan, uint32_t partition)
{
    const parquet_scan *s = (const parquet_scan *)scan;
    return s->first_unit[partition + 1] - s->first_unit[partition];
}

static const vonk_scan_class parquet_scan_class = {
    .free = scan_free, .n_morsels = scan_n_morsels, .open = vonk__parquet_open_reader};

static vonk_status keep_spec(parquet_scan *s, const vonk_scan_spec *spec, vonk_error *err)
{
    s->conf = vonk_conf_ref(spec->conf);
    s->env = spec->env;
    if (spec->pruned) s->pruned = vonk_type_ref(spec->pruned);
    VONK_TRY(vonk_arena_array(s->arena, spec->n_columns, sizeof *s->columns, &s->columns, err));
    VONK_TRY(vonk_arena_array(s->arena, spec->n_predicates, sizeof *s->predicates, &s->predicates, err));
    if (spec->n_columns > 0) memcpy(s->columns, spec->columns, spec->n_columns * sizeof *s->columns);
    for (; s->n_predicates < spec->n_predicates; s->n_predicates++)
        s->predicates[s->n_predicates] = vonk_expr_ref(spec->predicates[s->n_predicates]);
    return VONK_OK;
}

/* *ret_wanted: files that partition values leave; *ret_n_data: predicates that look into files. */
static vonk_status new_scan(vonk_table *table, const vonk_scan_spec *spec, vonk_budget *budget, vonk_scan **ret,
                            bool **ret_wanted, uint32_t *ret_n_data, vonk_error *err)
{
    VONK_AUTO(vonk_scan_unref) vonk_scan *scan = NULL;
    const vonk_expr **data = NULL;
    parquet_scan *s = NULL;
    VONK_TRY(VONK_NEW(budget, &s, err));
    scan = &s->base;
    scan->cls = &parquet_scan_class;
    atomic_store(&scan->refs, 1);
    scan->table = vonk_table_ref(table);
    s->budget = budget;
    s->table = (parquet_table *)table;
    VONK_TRY(vonk_arena_new(s->budget, &s->arena, err));
    VONK_TRY(keep_spec(s, spec, err));
    VONK_TRY(vonk_arena_array(s->arena, s->table->files.n, sizeof *s->metas, &s->metas, err));
    VONK_TRY(vonk_arena_array(s->arena, s->table->files.n, sizeof **ret_wanted, ret_wanted, err));
    VONK_TRY(vonk_arena_array(s->arena, spec->n_predicates, sizeof *data, &data, err));
    VONK_TRY(choose_files(s, spec, data, ret_n_data, *ret_wanted, err));
    VONK_TRY(vonk__parquet_terms(s->table, data, *ret_n_data, s->arena, &s->terms, &s->n_terms, &s->n_clauses, err));
    VONK_TRY(scan_columns(s, spec, data, *ret_n_data, err));
    VONK_TRY(make_slots(s, err));
    *ret = VONK_STEAL(scan);
    return VONK_OK;
}

vonk_status vonk__parquet_scan_new(vonk_table *table, const vonk_scan_spec *spec, vonk_budget *budget, vonk_scan **ret,
                                   vonk_error *err)
{
    bool *wanted = NULL;
    uint32_t n_data = 0;
    return new_scan(table, spec, budget, ret, &wanted, &n_data, err);
}

vonk_status vonk__parquet_plan_scan(vonk_table *table, const vonk_scan_spec *spec, vonk_budget *budget, vonk_scan **ret,
                                    vonk_error *err)
{
    VONK_AUTO(vonk_scan_unref) vonk_scan *scan = NULL;
    bool *wanted = NULL;
    uint32_t n_data = 0;
    VONK_TRY(new_scan(table, spec, budget, &scan, &wanted, &n_data, err));
    VONK_TRY(make_partitions((parquet_scan *)scan, spec, wanted, n_data, err));
    *ret = VONK_STEAL(scan);
    return VONK_OK;
}
