/* plan/program_int.h -- inside plan: steps of a program and what one thread knows while it runs them.
 *
 * A program is a graph of steps without circles; equal pure expressions are one step. Steps are evaluated on demand: a step's value for a set of rows
 * (a scope) is kept in its slot and is good for every smaller set inside that scope. So a common part is computed once where all its users are
 * evaluated anyway, and never for rows that nobody asks for. */
#ifndef VONK_PLAN_PROGRAM_INT_H
#define VONK_PLAN_PROGRAM_INT_H

#include "plan/program.h"

typedef enum vonk__step_kind {
    VONK__STEP_INPUT, /* column `index` of the batch */
    VONK__STEP_CONST, /* value, one row */
    VONK__STEP_CALL,
    VONK__STEP_CASE,     /* args: when, then, ..., [else] */
    VONK__STEP_COALESCE,
    VONK__STEP_AND,
    VONK__STEP_OR,
    VONK__STEP_NOT,
    VONK__STEP_IS_NULL,
    VONK__STEP_IS_NOT_NULL,
    VONK__STEP_IN,    /* args: value, items; set: the items when they are constants */
    VONK__STEP_FIELD  /* field `index` of a struct */
} vonk__step_kind;

typedef struct vonk__in_set vonk__in_set;

typedef struct vonk__step {
    vonk__step_kind kind;
    const vonk_type *type; /* lives as long as the program's expressions */
    const vonk_expr *expr; /* for error contexts; referenced */
    uint32_t n_args, *args; /* numbers of steps */
    uint32_t index;
    vonk_column *value;    /* CONST: one row, FLAT; referenced */
    vonk_fn_call *call;
    vonk__in_set *set;
    bool pure;      /* same arguments, same result: may be folded, shared, run on dictionaries */
    bool may_raise; /* itself or below */
    bool cheap;     /* itself and below: a tight loop over all lanes costs less than finding out which rows matter */
    bool narrow;    /* CALL: later arguments are evaluated only where the earlier ones are not null */
} vonk__step;

struct vonk_lambda {
    vonk_program *body;    /* inputs: parameters, then captured columns */
    uint32_t n_params, n_captured, *captured; /* captured[i]: input number of the program around it */
    uint32_t number;       /* among the program's lambdas */
};

struct vonk_program {
    vonk_budget *budget;
    vonk_arena *arena;
    const vonk_fn_env *env;
    vonk__step *steps;
    uint32_t n_steps, n_outputs, *outputs;
    uint32_t n_terms, *terms; /* the conjuncts of a one-boolean program, in written order */
    bool terms_movable;       /* no term can raise */
    bool partition_bound;
    vonk_lambda **lambdas;
    uint32_t n_lambdas;
};

/* Rows that are being evaluated. Ids are unique within a batch. */
typedef struct vonk__scope {
    vonk_rows rows;
    uint32_t id;
    const struct vonk__scope *outer;
} vonk__scope;

typedef struct vonk__slot {
    vonk_column *value; /* referenced */
    uint32_t scope;
} vonk__slot;

typedef struct vonk__term_cost {
    uint64_t ns, rows_in, rows_out;
} vonk__term_cost;

struct vonk_program_local {
    const vonk_program *program;
    vonk_budget *budget;
    vonk_arena *scratch; /* of one batch */
    vonk__slot *slots;
    vonk_column **flats; /* [step]: a constant as a FLAT column of flat_rows rows */
    uint32_t flat_rows;
    void **locals;       /* [step]: scratch of its function */
    vonk_program_local **lambdas; /* [lambda] */
    uint32_t next_scope;
    const vonk_batch *batch; /* running */
    uint32_t n_rows;
    int32_t partition;
    uint64_t row_base;
    bool (*cancelled)(void *query);
    void *query;
    uint32_t *term_order, n_batches;
    vonk__term_cost *term_costs;
};

/* The step's value for the scope's rows, borrowed from its slot (or the batch). n_rows rows; any encoding. */
vonk_status vonk__value(vonk_program_local *local, uint32_t step, const vonk__scope *scope, vonk_column **ret, vonk_error *err);
/* Computes it: new reference. */
vonk_status vonk__compute(vonk_program_local *local, const vonk__step *step, const vonk__scope *scope, vonk_column **ret, vonk_error *err);
vonk__scope vonk__narrowed(vonk_program_local *local, const vonk__scope *outer, vonk_rows rows);
void vonk__clear_slots(vonk_program_local *local);

/* By kind: new reference. */
vonk_status vonk__run_call(vonk_program_local *local, const vonk__step *step, const vonk__scope *scope, vonk_column **ret, vonk_error *err);
/* ... that is NULL in rows where it or an argument raises. */
vonk_status vonk__run_caught(vonk_program_local *local, const vonk__step *step, const vonk__scope *scope, vonk_column **ret, vonk_error *err);
vonk_status vonk__run_case(vonk_program_local *local, const vonk__step *step, const vonk__scope *scope, vonk_column **ret, vonk_error *err);
vonk_status vonk__run_coalesce(vonk_program_local *local, const vonk__step *step, const vonk__scope *scope, vonk_column **ret, vonk_error *err);
vonk_status vonk__run_logic(vonk_program_local *local, const vonk__step *step, const vonk__scope *scope, vonk_column **ret, vonk_error *err);
vonk_status vonk__run_in(vonk_program_local *local, const vonk__step *step, const vonk__scope *scope, vonk_column **ret, vonk_error *err);
vonk_status vonk__run_field(vonk_program_local *local, const vonk__step *step, const vonk__scope *scope, vonk_column **ret, vonk_error *err);
vonk_status vonk__run_lambda(vonk_eval *ev, const vonk_lambda *lambda, vonk_column *const *params, uint32_t n_params, uint32_t n_rows, const uint32_t *outer_row,
                             vonk_column **ret, vonk_error *err);

/* ---- shared by the kinds */
/* A boolean column whose bits the caller fills (whole bytes). */
vonk_status vonk__new_bools(vonk_program_local *local, vonk_column **ret, uint8_t **ret_bits, vonk_error *err);
/* Bits and validity of a boolean column of any encoding; *ret_keep: reference to drop afterwards (may be NULL). validity NULL: no nulls. */
vonk_status vonk__bool_bits(vonk_program_local *local, const vonk_column *column, const uint8_t **ret_bits, const uint8_t **ret_validity, vonk_column **ret_keep,
                            vonk_error *err);
/* Rows of the set where bits (and validity, if any) are 1; in scratch memory. `want` false: where they are not 1. */
vonk_status vonk__rows_where(vonk_program_local *local, vonk_rows rows, const uint8_t *bits, const uint8_t *validity, bool want, vonk_rows *ret, vonk_error *err);
vonk_status vonk__scratch_bits(vonk_program_local *local, uint8_t **ret, vonk_error *err);
/* Sets the validity of a FLAT column that nobody else has seen: and-ed with what it has. */
vonk_status vonk__and_validity(vonk_program_local *local, vonk_column **inout, const uint8_t *validity, vonk_buffer *buffer_of_it, vonk_error *err);

/* IN over constants. */
vonk_status vonk__in_set_new(vonk_arena *arena, vonk_column *const *items, uint32_t n, const vonk_type *type, vonk__in_set **ret, vonk_error *err);

/* A prepared call; arguments known as constants in constants[]. */
vonk_status vonk__prepare_call(vonk_arena *arena, const vonk_fn_env *env, const vonk_expr *e, vonk_column *const *constants, vonk_lambda *const *lambdas,
                               vonk_fn_call **ret, vonk_error *err);
/* Compiles a lambda's body; `around`: is filled with what the program around must provide. */
vonk_status vonk__lambda_new(vonk_program *program, const vonk_expr *lambda, vonk_lambda **ret, vonk_error *err);

#endif
