/* net/grpc_wire.h -- the texts and frames of gRPC over HTTP/2, without any connection: message prefixes, timeouts, status trailers. */
#ifndef VONK_NET_GRPC_WIRE_H
#define VONK_NET_GRPC_WIRE_H

#include "net/slice.h"

#define VONK_GRPC_PREFIX_BYTES 5

/* Cuts a stream of bytes into messages. Storage belongs to the caller. */
typedef struct vonk_grpc_deframer {
    vonk_budget *budget;
    size_t       max_message_bytes;
    uint8_t      prefix[VONK_GRPC_PREFIX_BYTES];
    uint8_t      n_prefix;
    size_t       wanted; /* size of the message under way */
    vonk_buf     message;
} vonk_grpc_deframer;

typedef enum vonk_grpc_fed {
    VONK_GRPC_FED_MORE,       /* all bytes are taken, no message is complete */
    VONK_GRPC_FED_MESSAGE,    /* *ret_message is complete; call again with the rest */
    VONK_GRPC_FED_COMPRESSED, /* the client compressed it; nothing more can be read */
    VONK_GRPC_FED_INVALID,    /* the prefix is none */
    VONK_GRPC_FED_TOO_LARGE,
    VONK_GRPC_FED_NO_MEMORY
} vonk_grpc_fed;

void          vonk_grpc_deframer_init(vonk_grpc_deframer *d, vonk_budget *budget, size_t max_message_bytes);
void          vonk_grpc_deframer_done(vonk_grpc_deframer *d); /* accepts zeroed storage */
vonk_grpc_fed vonk_grpc_deframer_feed(vonk_grpc_deframer *d, vonk_str *inout_bytes, vonk_slice *ret_message);
/* In the middle of a message: the stream may not end here. */
bool vonk_grpc_deframer_is_open(const vonk_grpc_deframer *d);

void vonk_grpc_write_prefix(uint8_t into[VONK_GRPC_PREFIX_BYTES], size_t message_bytes);

/* "10M", "601S", "250m": false when it is no timeout. At most 8 digits; cut at ten years. */
bool vonk_grpc_parse_timeout(vonk_str text, int64_t *ret_us);

/* grpc-message: everything but printable ASCII, and '%', as %XX. */
vonk_status vonk_grpc_percent_encode(vonk_str text, vonk_buf *out, vonk_error *err);
/* Binary metadata: base64 without padding. */
vonk_status vonk_grpc_base64(vonk_str bytes, vonk_buf *out, vonk_error *err);

/* Compares in a time that depends on neither text's content. */
bool vonk_grpc_token_eq(vonk_str given, vonk_str expected);

#endif
