/* serve/py4j/rdd_formats.c -- files of Hadoop's formats, and of pickled objects: what PythonRDD's statics and
 * saveAsObjectFile do. */
#include "serve/py4j/collection.h"
#include "serve/py4j/rdd_classes.h"

#define PYTHON "org.apache.spark.api.python."
#define JSC "org.apache.spark.api.java.JavaSparkContext"
#define JAVA_RDD "org.apache.spark.api.java.JavaRDD"
#define CODEC "org.apache.hadoop.io.compress."

static vonk_str local_path(vonk_str uri)
{
    if (!vonk_str_starts(uri, VONK_STR("file:"))) return uri;
    uri = vonk_str_sub(uri, 5, uri.len);
    return vonk_str_starts(uri, VONK_STR("//")) ? vonk_str_sub(uri, 2, uri.len) : uri;
}

/* A class of the user's own, in Java, between Writables and Python. */
static vonk_status no_converter(const vonk__j_value *name, vonk_error *err)
{
    if (name->kind != VONK__J_STRING) return VONK_OK;
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     VONK_F("the converter %.200s, which is written in Java", name->text->data));
}

/* A job's settings, copied to the arena: texts of a Java map. */
static vonk_status settings_of(vonk__j_call *call, const vonk__j_value *conf, vonk_arena *arena, vonk_rdd_conf *ret,
                               vonk_error *err)
{
    VONK_VEC(vonk_property) all = {0};
    vonk__j_map *map = conf->kind == VONK__J_OBJECT ? vonk__j_as_map(conf->object) : NULL;
    VONK_LOCKED(&call->machine->guard);
    for (vonk__j_entry *e = NULL; map && (e = vonk__j_map_next(map, e));) {
        vonk_property p;
        if (e->key.kind != VONK__J_STRING || e->value.kind != VONK__J_STRING) continue;
        VONK_TRY(vonk_arena_str(arena, vonk__j_str(&e->key), &p.key, err));
        VONK_TRY(vonk_arena_str(arena, vonk__j_str(&e->value), &p.value, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&all, arena, p, err));
    }
    *ret = (vonk_rdd_conf){all.at, (uint32_t)all.n};
    return VONK_OK;
}

/* ---- reading */

enum { SEQUENCE, OLD_FILE, NEW_FILE, HADOOP_CONF };

static vonk_status fill_spec(vonk__j_call *call, vonk_rdd_context *rdds, vonk_arena *arena, vonk_rdd_hadoop *spec,
                             vonk_error *err)
{
    const vonk__j_value *a = call->args;
    const uint32_t least = vonk__j_context_of(a[0].object)->parallelism;
    spec->min_partitions = least < 2 ? least : 2;
    if (call->member->tag == SEQUENCE) { /* jsc, path, key, value, their converters, splits, batch */
        VONK_TRY(no_converter(&a[4], err));
        VONK_TRY(no_converter(&a[5], err));
        spec->paths = vonk__j_str(&a[1]);
        spec->format = VONK_STR("org.apache.hadoop.mapred.SequenceFileInputFormat");
        spec->min_partitions = a[6].i > 0 ? (uint32_t)a[6].i : 1;
        spec->batch = a[7].i > 0 ? (uint32_t)a[7].i : 0;
        return VONK_OK;
    }
    const uint32_t at =
        call->member->tag == HADOOP_CONF ? 1 : 2; /* jsc, [path], format, key, value, ..., conf, batch */
    VONK_TRY(no_converter(&a[at + 3], err));
    VONK_TRY(no_converter(&a[at + 4], err));
    VONK_TRY(vonk__j_need(call, at, err));
    spec->format = vonk__j_str(&a[at]);
    spec->batch = a[at + 6].i > 0 ? (uint32_t)a[at + 6].i : 0;
    /* hadoopFile takes a conf, and Spark leaves it aside. */
    if (call->member->tag != OLD_FILE) VONK_TRY(settings_of(call, &a[at + 5], arena, &spec->conf, err));
    if (at == 2)
        spec->paths = vonk__j_str(&a[1]);
    else
        VONK_TRY(vonk_rdd_hadoop_setting(rdds, &spec->conf, "mapreduce.input.fileinputformat.inputdir", arena,
                                         &spec->paths, err));
    if (spec->paths.len) return VONK_OK;
    return vonk__j_throw(call->caller, "java.io.IOException", err, "No input paths specified in job");
}

static vonk_status read_files(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_rdd_hadoop spec = {0};
    vonk_rdd *rdd = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (call->member->tag != HADOOP_CONF) VONK_TRY(vonk__j_need(call, 1, err));
    vonk__j_context *context = vonk__j_context_of(call->args[0].object);
    VONK_TRY(vonk__j_engine_use(call->caller, context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(fill_spec(call, e->rdds, arena, &spec, err));
    VONK_TRY(vonk__j_site_begin(call->caller, arena, err));
    const vonk_status status = vonk_rdd_hadoop_read(e->rdds, &spec, &rdd, err);
    vonk__j_site_end();
    VONK_TRY(vonk__j_as_input(call, false, status, err));
    return vonk__j_rdd_object(context, rdd, &call->result, err);
}

static vonk_status object_file(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    vonk_rdd *rdd = NULL;
    vonk__j_context *context = vonk__j_context_of(call->self);
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_engine_use(call->caller, context, &e, err));
    const int64_t usual = context->parallelism < 2 ? context->parallelism : 2;
    const int64_t wanted = call->n_args > 1 ? call->args[1].i : usual;
    const vonk_status status =
        vonk_rdd_object_file(e->rdds, vonk__j_str(&call->args[0]), wanted > 0 ? (uint32_t)wanted : 1, &rdd, err);
    VONK_TRY(vonk__j_as_input(call, false, status, err));
    return vonk__j_rdd_object(context, rdd, &call->result, err);
}

/* ---- writing */

typedef vonk_status (*writer)(vonk_rdd *rdd, const vonk_rdd_hadoop *spec, const vonk_property *properties,
                              uint32_t n_properties, vonk_error *err);

static vonk_status save(vonk__j_call *call, vonk__j_rdd *of, vonk_rdd_hadoop *spec, writer write, vonk_arena *arena,
                        vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    const vonk_property *properties = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk__j_engine_use(call->caller, of->context, &e, err));
    VONK_TRY(vonk__j_job_properties(call->caller, arena, &properties, &n, err));
    spec->paths = local_path(spec->paths);
    vonk__j_watch_begin(call->caller, e);
    vonk_status status = write(of->rdd, spec, properties, n, err);
    if (status == VONK_OK) status = vonk_rdd_finish(of->rdd, properties, n, err);
    vonk__j_watch_end();
    if (status == VONK_E_PATH_ALREADY_EXISTS) return vonk__j_as_hadoop(call, spec->paths, true, status, err);
    return status;
}

static vonk_status write_objects(vonk_rdd *rdd, const vonk_rdd_hadoop *spec, const vonk_property *properties,
                                 uint32_t n_properties, vonk_error *err)
{
    return vonk_rdd_save_objects(rdd, spec->paths, properties, n_properties, err);
}

static vonk_status m_save_objects(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    vonk_rdd_hadoop spec = {.paths = vonk__j_str(&call->args[0])};
    return save(call, (vonk__j_rdd *)call->self, &spec, write_objects, arena, err);
}

enum { SAVE_SEQUENCE, SAVE_OLD, SAVE_NEW, SAVE_CONF };

/* What the call does not say, from the configuration. */
static vonk_status spec_of_conf(vonk__j_call *call, vonk_rdd_context *rdds, bool is_new, vonk_arena *arena,
                                vonk_rdd_hadoop *spec, vonk_error *err)
{
    const struct {
        const char *name;
        vonk_str *to;
    } wanted[] = {{is_new ? "mapreduce.job.outputformat.class" : "mapred.output.format.class", &spec->format},
                  {"mapreduce.output.fileoutputformat.outputdir", &spec->paths},
                  {"mapreduce.job.output.key.class", &spec->key_class},
                  {"mapreduce.job.output.value.class", &spec->value_class}};
    for (size_t i = 0; i < VONK_COUNTOF(wanted); i++)
        if (!wanted[i].to->len)
            VONK_TRY(vonk_rdd_hadoop_setting(rdds, &spec->conf, wanted[i].name, arena, wanted[i].to, err));
    if (!spec->format.len && is_new) spec->format = VONK_STR("org.apache.hadoop.mapreduce.lib.output.TextOutputFormat");
    if (!spec->format.len) spec->format = VONK_STR("org.apache.hadoop.mapred.TextOutputFormat");
    if (spec->paths.len) return VONK_OK;
    return vonk__j_throw(call->caller, "org.apache.hadoop.mapred.InvalidJobConfException", err,
                         "Output directory not set in JobConf.");
}

static vonk_status save_spec(vonk__j_call *call, vonk_rdd_context *rdds, vonk_arena *arena, vonk_rdd_hadoop *spec,
                             vonk_error *err)
{
    const vonk__j_value *a = call->args;
    switch (call->member->tag) {
    case SAVE_SEQUENCE: /* rdd, batched, path, codec */
        spec->paths = vonk__j_str(&a[2]);
        spec->codec_class = vonk__j_str(&a[3]);
        spec->format = VONK_STR("org.apache.hadoop.mapred.SequenceFileOutputFormat");
        return VONK_OK;
    case SAVE_CONF: /* rdd, batched, conf, converters, new API? */
        VONK_TRY(no_converter(&a[3], err));
        VONK_TRY(no_converter(&a[4], err));
        VONK_TRY(settings_of(call, &a[2], arena, &spec->conf, err));
        return spec_of_conf(call, rdds, a[5].i, arena, spec, err);
    default: break; /* rdd, batched, path, format, key, value, converters, conf[, codec] */
    }
    VONK_TRY(no_converter(&a[6], err));
    VONK_TRY(no_converter(&a[7], err));
    VONK_TRY(vonk__j_need(call, 3, err));
    spec->paths = vonk__j_str(&a[2]);
    spec->format = vonk__j_str(&a[3]);
    spec->key_class = vonk__j_str(&a[4]);
    spec->value_class = vonk__j_str(&a[5]);
    if (call->n_args > 9) spec->codec_class = vonk__j_str(&a[9]);
    if (call->n_args > 8) VONK_TRY(settings_of(call, &a[8], arena, &spec->conf, err));
    return spec_of_conf(call, rdds, call->member->tag == SAVE_NEW, arena, spec, err);
}

static vonk_status save_files(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_need(call, 2, err));
    vonk__j_rdd *of = vonk__j_rdd_of(call->args[0].object);
    VONK_TRY(vonk__j_engine_use(call->caller, of->context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    vonk_rdd_hadoop spec = {.is_batched = call->args[1].i};
    VONK_TRY(save_spec(call, e->rdds, arena, &spec, err));
    return save(call, of, &spec, vonk_rdd_hadoop_write, arena, err);
}

/* ---- rows */

#define STATIC(name, args, result, function, tag) {name, args, result, function, VONK__J_STATIC, tag}
#define S4 "String, String, String, String"
static const vonk__j_member statics[] = {
    STATIC("sequenceFile", JSC ", String, " S4 ", int, int", JAVA_RDD, read_files, SEQUENCE),
    STATIC("hadoopFile", JSC ", String, String, " S4 ", java.util.HashMap, int", JAVA_RDD, read_files, OLD_FILE),
    STATIC("newAPIHadoopFile", JSC ", String, String, " S4 ", java.util.HashMap, int", JAVA_RDD, read_files, NEW_FILE),
    STATIC("hadoopRDD", JSC ", String, " S4 ", java.util.HashMap, int", JAVA_RDD, read_files, HADOOP_CONF),
    STATIC("newAPIHadoopRDD", JSC ", String, " S4 ", java.util.HashMap, int", JAVA_RDD, read_files, HADOOP_CONF),
    STATIC("saveAsSequenceFile", JAVA_RDD ", boolean, String, String", "void", save_files, SAVE_SEQUENCE),
    STATIC("saveAsHadoopFile", JAVA_RDD ", boolean, String, String, " S4 ", java.util.HashMap, String", "void",
           save_files, SAVE_OLD),
    STATIC("saveAsNewAPIHadoopFile", JAVA_RDD ", boolean, String, String, " S4 ", java.util.HashMap", "void",
           save_files, SAVE_NEW),
    STATIC("saveAsHadoopDataset", JAVA_RDD ", boolean, java.util.HashMap, String, String, boolean", "void", save_files,
           SAVE_CONF),
};
static const vonk__j_member rdd_members[] = {
    {"saveAsObjectFile", "String", "void", m_save_objects, VONK__J_METHOD, 0},
};
static const vonk__j_member context_members[] = {
    {"objectFile", "String", JAVA_RDD, object_file, VONK__J_METHOD, 0},
    {"objectFile", "String, int", JAVA_RDD, object_file, VONK__J_METHOD, 0},
};

#define NAMED(name) {.fqn = name, .flags = VONK__J_ABSTRACT, .size = sizeof(vonk__j_object)}
static const vonk__j_row rows[] = {
    {.fqn = PYTHON "PythonRDD$Files", .flags = VONK__J_INTERFACE, VONK__J_MEMBERS(statics)},
    {.fqn = "org.apache.spark.api.java.JavaRDDLike$Files", .flags = VONK__J_INTERFACE, VONK__J_MEMBERS(rdd_members)},
    {.fqn = JSC "$Files", .flags = VONK__J_INTERFACE, VONK__J_MEMBERS(context_members)},
    /* Named by java.lang.Class.forName, or asked for by name; they do their work below. */
    NAMED(CODEC "GzipCodec"),
    NAMED(CODEC "DefaultCodec"),
    NAMED(CODEC "DeflateCodec"),
    NAMED(CODEC "ZStandardCodec"),
    NAMED(CODEC "BZip2Codec"),
    NAMED(CODEC "SnappyCodec"),
    NAMED(CODEC "Lz4Codec"),
};
const vonk__j_area vonk__j_area_rdd_formats = {rows, VONK_COUNTOF(rows)};
