/* serve/connect/error_status.h -- our errors as Spark Connect's clients read them: a google.rpc.Status with ErrorInfo in the trailers, and
 * FetchErrorDetailsResponse for the rest. */
#ifndef VONK_SERVE_CONNECT_ERROR_STATUS_H
#define VONK_SERVE_CONNECT_ERROR_STATUS_H

#include "base/error.h"
#include "net/connect_table.h"
#include "net/grpc.h"

/* Size of grpc-message as it is sent; clients fail on larger trailers at random. Whole characters. */
#define VONK_CONNECT_MESSAGE_BYTES 2048
/* errorClass and messageParameters travel in the trailers only up to this (spark.connect.grpc.maxMetadataSize). */
#define VONK_CONNECT_METADATA_BYTES 1024

/* The class that the error would have in Spark, and its ancestors, most derived first; NULL-terminated. */
const char *const *vonk_connect_error_classes(const vonk_error *err);

/* google.rpc.Status: code INTERNAL; ret_message is its message, and what the call's must be. error_id empty: the client cannot fetch more. */
vonk_status vonk_connect_write_status(const vonk_error *error, vonk_str error_id, vonk_buf *ret_message, vonk_buf *out, vonk_error *err);
/* The fields root_error_idx and errors: the error and its causes, at most five. */
void vonk_connect_write_details(vonk_pb_writer *w, const vonk_error *error);

/* Ends the call with the error. Details that cannot be built for want of memory are left out. */
void vonk_connect_finish_with(vonk_grpc_call *call, const vonk_error *error, vonk_str error_id);

#endif
