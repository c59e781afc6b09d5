/* func/func.h -- one row = one SQL function: its name, type rules, null rule, documentation, example (which is a test), and its code.
 *
 * Two steps make a row runnable. *Resolve* (analysis): argument types in, wanted argument types (the analyzer inserts casts), result type and
 * nullability out; driven by the texts `args` and `result`, or by a hook. *Prepare* (once per compiled program): constant arguments are known,
 * state is built (compiled regex, parsed format) and the body for these types is chosen.
 * *Eval* runs on FLAT argument columns only: the evaluator (plan/program.c) expands constants, runs pure functions of one dictionary argument on
 * the dictionary's used entries, and handles nulls.
 *
 * A row lives in the table at the top of the file of its category (func/math.c: vonk_fns_math[]); func/registry.c lists the tables. */
#ifndef VONK_FUNC_FUNC_H
#define VONK_FUNC_FUNC_H

#include "base/arena.h"
#include "column/batch.h"

typedef enum vonk_fn_kind {
    VONK_FN_SCALAR,    /* eval */
    VONK_FN_SPECIAL,   /* a form of its own in plan/expr.h (CASE, AND, COALESCE, IN, ...): `special` names it; no eval */
    VONK_FN_REWRITE,   /* replaced during analysis by the expression in `rewrite` */
    VONK_FN_AGGREGATE, /* agg; also usable as window function */
    VONK_FN_WINDOW,    /* rank, lag, ...: exec's window operator knows them by name */
    VONK_FN_GENERATOR, /* generate: explode, stack, ... */
    VONK_FN_TABLE,     /* in FROM: range(...), built by the analyzer */
    VONK_FN_PLANNED    /* replaced by the analyzer from session facts: current_user, version, input_file_name, ... */
} vonk_fn_kind;

typedef enum vonk_fn_nulls {
    VONK_NULL_IN_NULL_OUT, /* any null argument makes the result null; eval sees no active row with one. The result may have more nulls */
    VONK_NULLS_OWN,        /* eval looks at the arguments' validity itself */
    VONK_NEVER_NULL        /* as OWN, and the result is never null */
} vonk_fn_nulls;

typedef enum vonk_fn_volatility {
    VONK_PURE,           /* same arguments, same result; may be folded, shared, run on dictionaries */
    VONK_QUERY_CONSTANT, /* fixed once per query: current_date, now */
    VONK_PARTITION_BOUND /* needs the partition's rows one after the other: rand, monotonically_increasing_id, uuid */
} vonk_fn_volatility;

/* Nullability of the result type (the schema's), where it does not follow from vonk_fn_nulls. */
typedef enum vonk_fn_nullable {
    VONK_NULLABLE_AUTO,   /* NULL_IN_NULL_OUT, NULLS_OWN: when any argument is (or mode is TRY); NEVER_NULL: never */
    VONK_NULLABLE_ALWAYS,
    VONK_NULLABLE_NEVER,
    VONK_NULLABLE_LEGACY  /* when any argument is, or when the mode is not ANSI */
} vonk_fn_nullable;

/* Can evaluating one row raise an error? The optimizer and the filter reorder only what cannot. Dates and timestamps beyond their range do not count, as in Spark's casts. */
typedef enum vonk_fn_raises {
    VONK_MAY_RAISE,
    VONK_RAISES_ANSI,       /* only in ANSI mode */
    VONK_RAISES_ANSI_EXACT, /* only in ANSI mode, and not on float and double results */
    VONK_NEVER_RAISES
} vonk_fn_raises;

typedef enum vonk_eval_mode { VONK_MODE_LEGACY, VONK_MODE_ANSI, VONK_MODE_TRY } vonk_eval_mode; /* what becomes of an overflow, a bad cast, ... */

/* What functions may know of the session, fixed when the query is analysed. */
typedef struct vonk_fn_env {
    bool                    ansi;
    bool                    case_sensitive;
    bool                    decimal_loss_allowed;    /* spark.sql.decimalOperations.allowPrecisionLoss */
    vonk_str                time_zone;               /* session zone's name as set; func/ and text/ look it up in text/zone.h */
    int64_t                 now_us;                  /* the query's one current_timestamp */
    vonk_str                user, catalog, database; /* current_user(), ... */
    const struct vonk_conf *conf;                    /* everything else, by key, through conf_get */
    vonk_str (*conf_get)(const struct vonk_conf *conf, const char *key); /* value or default; empty when unknown */
} vonk_fn_env;
/* Does the setting have this value, in any case? Without settings: no. */
static inline bool vonk_fn_setting_is(const vonk_fn_env *env, const char *key, const char *value)
{
    return env->conf_get && vonk_str_is_nocase(env->conf_get(env->conf, key), value);
}

/* ---- resolve */
typedef struct vonk_fn_types {
    const vonk_fn      *fn;
    const vonk_fn_env  *env;
    vonk_arena         *arena; /* of the analysis; types made on the way: vonk_arena_on_free(unref) via vonk_fn_own_type */
    uint32_t            n_args;
    const vonk_type   **types;     /* in: as given; out: as wanted (the analyzer casts). Lambda arguments: in: NULL, or the body's type once known */
    const bool         *nullable;  /* of the arguments */
    vonk_column *const *constants; /* [i]: one-row column when argument i is foldable, else NULL */
    const bool         *literal;   /* [i]: written as a literal (decimals take its own digits then); NULL: not known, constants count as literals */
    const vonk_str     *texts;     /* [i]: the argument's SQL text, for messages; NULL: not known */
    const vonk_str     *names;     /* [i]: what a field made of the argument is called, .data NULL: nothing; known when texts are */
    vonk_str            text;      /* the whole call's SQL text, for messages; empty: made from the name and texts */
    vonk_eval_mode      mode;      /* in: from the session; a try_ row sets TRY */
    bool                catches;   /* out: NULL also for rows in which an argument raises */
    const vonk_type    *result;    /* out; a new reference */
    bool                result_nullable; /* out */
} vonk_fn_types;
/* Keeps a type alive as long as the arena; returns it. */
vonk_status vonk_fn_own_type(vonk_arena *arena, const vonk_type *take_type, const vonk_type **ret, vonk_error *err);

/* ---- prepare and eval */
typedef struct vonk_fn_call vonk_fn_call;
typedef struct vonk_eval    vonk_eval;
typedef struct vonk_lambda  vonk_lambda; /* a sub-program: plan/program.c */

typedef vonk_status (*vonk_fn_eval)(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows, vonk_rows rows, vonk_column **ret, vonk_error *err);

/* A function with its types and state: immutable once prepared, shared between threads. */
struct vonk_fn_call {
    const vonk_fn      *fn;
    vonk_fn_eval        eval; /* fn->eval unless prepare chose another */
    uint32_t            n_args;
    const vonk_type   **arg_types;
    const vonk_type    *type; /* of the result (aggregates: of finish) */
    bool                nullable;
    vonk_eval_mode      mode;
    vonk_column *const *constants; /* as in vonk_fn_types */
    vonk_lambda *const *lambdas;   /* [i]: argument i as a sub-program; NULL where it is a value; the array is NULL without lambdas */
    const vonk_fn_env  *env;
    vonk_arena         *arena; /* lives as long as the program */
    const void         *state; /* of prepare; cleanup through vonk_arena_on_free */
    bool                dense;           /* set by prepare: eval computes all lanes anyway, so rows with null arguments stay in `rows` */
    bool                takes_constants; /* set by prepare: eval sees CONSTANT arguments as they are (else they come FLAT); known ones are in `constants` */
    size_t              local_bytes; /* per thread scratch, zeroed, reset at each partition's start: ev->local */
    void (*local_done)(void *local); /* may be NULL */
    size_t      agg_state_bytes;
    const char *agg_state;
};

/* Context of one evaluation on one thread. */
struct vonk_eval {
    vonk_budget *budget;    /* for results */
    vonk_arena  *scratch;   /* reset after each batch */
    void        *local;     /* this call's scratch */
    const uint8_t *validity; /* the arguments' nulls, and-ed (NULL: none): what a body that takes `dense` rows may need for its errors */
    int32_t      partition; /* number of the partition that is running */
    uint64_t     row_base;  /* rows of the partition before this batch (partition-bound programs only) */
    /* Lambdas: columns[0..n_params) are the parameters, all of n_rows; outer_row[i] = row of the outer batch that row i belongs to. */
    vonk_status (*run_lambda)(vonk_eval *ev, const vonk_lambda *lambda, vonk_column *const *params, uint32_t n_params, uint32_t n_rows, const uint32_t *outer_row,
                              vonk_column **ret, vonk_error *err);
    bool (*cancelled)(void *query); /* long loops ask now and then */
    void *query;
    void *program; /* evaluator's own */
};

/* ---- aggregates. A group's state is `state_bytes` in a hash table's row (16-byte aligned, zeroed before init); what does not fit goes to `heap`,
 * memory that dies with the whole table. Saved form (exchange, spill, streaming): ordinary columns of `state_types`. */
typedef struct vonk_agg {
    size_t state_bytes;                    /* when fixed; else 0 and prepare sets call->agg_state_bytes */
    const char *state;                     /* types of the saved form: "bigint,bigint"; "arg0", "result" and "array<arg0>" are allowed; NULL: prepare sets call->agg_state */
    void (*init)(const vonk_fn_call *call, uint8_t *state); /* NULL: zeroes */
    /* Row k of rows goes to states[k]. Nulls are seen. */
    vonk_status (*update)(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, vonk_column *const *args, vonk_rows rows, uint8_t *const *states, vonk_error *err);
    /* All rows go to one state; NULL: the runner repeats the pointer. */
    vonk_status (*update_one)(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, vonk_column *const *args, vonk_rows rows, uint8_t *state, vonk_error *err);
    /* Row k of the saved columns is merged into states[k]. A `save` that fails drops what it has made; its caller looks at none of ret_saved. */
    vonk_status (*merge)(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, vonk_column *const *saved, vonk_rows rows, uint8_t *const *states, vonk_error *err);
    vonk_status (*save)(const vonk_fn_call *call, vonk_eval *ev, uint8_t *const *states, uint32_t n, vonk_column **ret_saved, vonk_error *err);
    vonk_status (*finish)(const vonk_fn_call *call, vonk_eval *ev, uint8_t *const *states, uint32_t n, vonk_column **ret, vonk_error *err);
    /* from[k] is merged into into[k], both states of this very call; what `from` keeps in a heap stays valid as long as `into` does. NULL: the runner goes through save and
     * merge, which is slower. */
    vonk_status (*combine)(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, uint8_t *const *from, uint8_t *const *into, uint32_t n, vonk_error *err);
    bool order_sensitive; /* first, collect_list, ...: needs rows in (partition, sequence) order */
    bool ignores_duplicates; /* min, max, ...: DISTINCT changes nothing */
    bool copyable; /* a state may be copied byte by byte, and original and copy be used on, as long as the heap lives: windows */
    /* Does combining partial results give the very same as updating row by row? NULL: no. Needs copyable and combine. */
    bool (*exact)(const vonk_fn_call *call);
} vonk_agg;

/* ---- generators: for active row k, counts[k] output rows; columns hold them all, one after the other. */
typedef vonk_status (*vonk_fn_generate)(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows, vonk_rows rows, uint32_t *ret_counts,
                                        vonk_column **ret_columns, vonk_error *err);

/* ---- the row */
struct vonk_fn {
    const char  *name; /* lower case */
    vonk_fn_kind kind;
    /* Argument rules, comma separated: a type ("int", "array<any>"), a class ("numeric", "integral", "fractional", "decimal", "any", "orderable", "interval",
     * "interval_ym", "interval_dt", "any_timestamp", "any_time", "stringy", "atomic", "array", "map", "struct"), a variable, one capital letter (all arguments
     * with it get one common type; U: without making anything of strings; O: so, too, and must be orderable: "T,T", "array<T>,T", "map<K,V>"), alternatives
     * "string|binary", "(date|any_time)|string" (in groups, as messages show them), "lambda"; '?' after a rule: optional; "..." at the end: the last rule repeats
     * (0 or more); '!' before a rule: no implicit cast; '=': none but of NULL (Spark's ExpectsInputTypes). Several signatures are separated by ';'. Casts follow
     * func/coerce.h. */
    const char        *args;
    const char        *result; /* a type, "arg0", "T", "array<T>" ("array<!T>": without nulls), "map<K,V>", "K", ...; NULL: hook */
    vonk_fn_nulls      nulls;
    vonk_fn_volatility volatility;
    vonk_eval_mode     force_mode; /* TRY for try_ rows; else LEGACY = the session's */
    bool               catches;    /* as that of vonk_fn_types; a hook may say so, too */
    vonk_status (*resolve)(vonk_fn_types *types, vonk_error *err); /* after the text rules, or instead of them when they are NULL */
    vonk_status (*lambda_params)(const vonk_fn_types *types, uint32_t arg, uint32_t n_params, const vonk_type **ret_types, bool *ret_nullable, vonk_error *err);
    vonk_status (*prepare)(vonk_fn_call *call, vonk_error *err);
    vonk_fn_eval     eval;
    const vonk_agg  *agg;
    vonk_fn_generate generate;
    const char      *special; /* SPECIAL: "case", "and", "coalesce", ... */
    const char      *rewrite; /* REWRITE: SQL text with $1, $2, ...; "a; b; c" gives one text per number of arguments from min_args on */
    const char      *alias_of; /* another row's name: everything else is taken from there; the written name is kept in column names */
    const char      *errors_of; /* the row that errors about types speak of: "element_at" of try_element_at */
    const char      *swapped;  /* the row that says the same of the arguments in another order: "+" of itself, "<" of ">" */
    const char      *symbol;   /* operators: "+", so that texts show (a + b) */
    /* How column names show a call, when not as name(a, b): one template per number of arguments, separated by ';' ("$0($1, 0); $0($1, $2)"): $0 = the written
     * name, $1 ... = arguments, $* = all of them. Arguments beyond the largest template's are left out. */
    const char      *text;
    vonk_fn_nullable nullable;
    vonk_fn_raises   raises;
    uint8_t          seeded;      /* how many arguments there are when the last one, a seed, is given: the analyzer gives it where it is not written */
    bool             wants_texts; /* resolve needs the arguments' texts always, not only for messages */
    const char      *group, *since, *doc; /* group: math_funcs ...; doc: our own words */
    const char      *example, *expect;    /* SQL expression and its result as `vonk sql` prints it; tests run them. Errors: "!CONDITION" */
};

/* NULL: no such function. `name` in any case. An alias is a row of its own, completed from the row it stands for. */
const vonk_fn *vonk_fn_find(vonk_str name);
/* The same function under its first name: what two expressions compare. */
const vonk_fn *vonk_fn_canonical(const vonk_fn *fn);
/* All rows, sorted by name: for (size_t at = 0; (fn = vonk_fn_next(&at));) */
const vonk_fn *vonk_fn_next(size_t *inout_at);
/* Argument count check, text rules, then the hook. Errors: WRONG_NUM_ARGS.*, DATATYPE_MISMATCH.*. */
vonk_status vonk_fn_resolve(vonk_fn_types *types, vonk_error *err);
/* Saved-form types of an aggregate call, for exchanges: n in *ret_n, at most 16; borrowed from the call's arena. */
vonk_status vonk_agg_state_types(const vonk_fn_call *call, const vonk_type **ret_types, uint32_t *ret_n, vonk_error *err);
size_t      vonk_agg_state_bytes(const vonk_fn_call *call);

#endif
