/* codec/writable.h -- values of Hadoop's Writable classes: from Python's values, as bytes, as texts, and back, as Spark
 * converts them for pyspark (IntWritable, LongWritable, FloatWritable, DoubleWritable, BooleanWritable, Text,
 * BytesWritable, NullWritable, MapWritable; ArrayWritable is written, but cannot be read, as in Spark). */
#ifndef VONK_CODEC_WRITABLE_H
#define VONK_CODEC_WRITABLE_H

#include "codec/pickle.h"

#define VONK_WRITABLE "org.apache.hadoop.io."

/* The class that a value goes into: int, or long where it is larger; UNSUPPORTED_FEATURE names what has none. */
vonk_status vonk_writable_class(const vonk_pickle_value *value, const char **ret, vonk_error *err);
vonk_status vonk_writable_write(const vonk_pickle_value *value, vonk_buf *out, vonk_error *err);
/* toString(). */
vonk_status vonk_writable_text(const vonk_pickle_value *value, vonk_buf *out, vonk_error *err);
/* A value of that class, in `arena`; its bytes are used up. Numbers of classes that Spark does not convert are texts.
 */
vonk_status vonk_writable_read(vonk_str class_name, vonk_cursor *in, vonk_arena *arena, const vonk_pickle_value **ret,
                               vonk_error *err);

#endif
