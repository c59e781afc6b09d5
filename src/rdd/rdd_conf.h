/* rdd/rdd_conf.h -- inside of rdd: what a Hadoop configuration says of files, as far as the formats here heed it.
 * Values that are no numbers, and settings that the formats of Hadoop heed and these cannot, raise. */
#ifndef VONK_RDD_RDD_CONF_H
#define VONK_RDD_RDD_CONF_H

#include "rdd/rdd_int.h"

typedef struct rdd_input_conf {
    int64_t least_split, most_split;  /* bytes; 1 and INT64_MAX if nothing is said */
    bool is_recursive, skips_folders; /* folders in folders: read; passed over. Else they raise */
} rdd_input_conf;
/* Texts lie in the arena. conf may be NULL. */
vonk_status vonk__rdd_read_input_conf(vonk_rdd_context *context, const vonk_rdd_conf *conf, vonk_arena *arena,
                                      rdd_input_conf *ret, vonk_error *err);

/* What ends records of text; empty: ends of lines. */
vonk_status vonk__rdd_read_delimiter(vonk_rdd_context *context, const vonk_rdd_conf *conf, vonk_arena *arena,
                                     vonk_str *ret, vonk_error *err);
/* The byte that parts keys from values in lines that are read. */
vonk_status vonk__rdd_read_separator(vonk_rdd_context *context, const vonk_rdd_conf *conf, vonk_arena *arena, char *ret,
                                     vonk_error *err);

typedef struct rdd_output_conf {
    vonk_str codec;     /* class; empty: plain */
    bool by_record;     /* SequenceFiles */
    vonk_str separator; /* of keys and values in lines */
    vonk_str name;      /* of the new formats' files: "part" */
    bool no_success;    /* no _SUCCESS */
} rdd_output_conf;
/* codec: one that was asked for; it goes before what the configuration says. */
vonk_status vonk__rdd_read_output_conf(vonk_rdd_context *context, const vonk_rdd_conf *conf, vonk_str codec,
                                       bool is_sequence, vonk_arena *arena, rdd_output_conf *ret, vonk_error *err);

#endif
